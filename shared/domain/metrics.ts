import {
  addMonths,
  fromDayNumber,
  type Instant,
  type IsoDate,
  isIsoDate,
  lastDayOf,
  periodOf,
  toDayNumber,
} from './calendar.ts';
import type { CustomerFacts, CustomerStatus, OrderDay, TraitSnapshot, TraitValue } from './facts.ts';
import { countedNotes, usesNotes } from './notes.ts';
import type { GrowthAgainst, Metric, Policy } from './policy.ts';
import {
  attributeShare,
  countedOrders,
  dominantAttribute,
  growth,
  orderCount,
  purchaseDays,
  recencyDays,
  spendMinor,
  tenureDays,
  within,
} from './purchases.ts';
import type { CountedNote, FrameRow, PurchaseDays, Values } from './standing.ts';
import { oncePerPolicy, roundScore, TRAIT_PREFIX } from './values.ts';

export interface Measured {
  readonly metrics: Values;
  readonly traits: Values;
  /** Only where the policy expects purchases. */
  readonly purchaseDays?: PurchaseDays | null;
  readonly status: CustomerStatus;
  readonly answers: FrameRow['answers'];
  /** Only where the policy reads notes. */
  readonly notes?: readonly CountedNote[];
  /** Newest date of a purchase, snapshot or status that counts. Answers and notes are left out: they would hide a stopped import. */
  readonly newestFact: IsoDate | null;
}

/**
 * The metrics of one customer at the end of day `asOf`, from facts dated up to then and recorded up to `frozenAt`.
 *
 * Money from purchases is in minor units; money from traits as the file gave it. Missing is null, never zero, with one
 * exception that is no missing value: a customer who has ever bought has 0 orders and 0 spend in a window without purchases.
 */
export const measure = (
  facts: CustomerFacts,
  policy: Policy,
  context: { readonly asOf: IsoDate; readonly frozenAt: Instant },
): Measured => {
  const { asOf, frozenAt } = context;
  const today = toDayNumber(asOf);
  const orders = countedOrders(facts, today, frozenAt);
  const snapshots = facts.snapshots.filter((one) => one.date <= asOf && one.recordedAt <= frozenAt);
  const statuses = facts.statuses.filter((one) => one.date <= asOf && one.recordedAt <= frozenAt);

  const metrics: Record<string, TraitValue | null> = {};
  for (const [name, metric] of Object.entries(policy.metrics)) {
    metrics[name] = metricValue(metric, orders, snapshots, asOf);
  }
  const traits: Record<string, TraitValue | null> = {};
  for (const trait of referencedTraits(policy)) traits[trait] = traitAt(snapshots, trait, asOf);

  const answers = Object.values(facts.answers)
    .filter((answer) => !answer.suspect && answer.date <= asOf && answer.recordedAt <= frozenAt)
    .map((answer) => ({ value: answer.value, ageDays: today - toDayNumber(answer.date) }))
    .sort((a, b) => a.ageDays - b.ageDays || a.value - b.value);

  const last = orders.at(-1);
  const dates = [
    ...(last === undefined ? [] : [fromDayNumber(last.day)]),
    ...snapshots.map((one) => one.date),
    ...statuses.map((one) => one.date),
  ];
  return {
    metrics,
    traits,
    ...(expectsPurchases(policy) ? { purchaseDays: purchaseDays(orders, today) } : {}),
    status: statuses.at(-1)?.status ?? 'active',
    answers,
    ...(usesNotes(policy) ? { notes: countedNotes(facts, context) } : {}),
    newestFact: dates.reduce<string | null>((newest, date) => (newest === null || date > newest ? date : newest), null),
  };
};

/** Traits that the policy reads directly: in caps, lookups, bands, rules and partitions. Sorted, each once. */
export const referencedTraits = oncePerPolicy((policy: Policy): readonly string[] => {
  const traits = new Set<string>();
  const source = (name: string): void => {
    if (name.startsWith(TRAIT_PREFIX)) traits.add(name.slice(TRAIT_PREFIX.length));
  };
  for (const score of Object.values(policy.scores)) {
    for (const cap of score.caps) for (const trait of Object.keys(cap.when)) traits.add(trait);
    if ('of' in score) source(score.of);
    if ('within' in score && score.within !== 'branch' && score.within !== 'manager') traits.add(score.within);
  }
  for (const { by } of Object.values(policy.dimensions)) {
    if (by.kind === 'rules') for (const rule of by.rules) for (const condition of rule.when) source(condition.of);
  }
  return [...traits].sort();
});

/** Whether a score of the policy needs the purchase history of each customer. */
export const expectsPurchases = oncePerPolicy((policy: Policy): boolean =>
  Object.values(policy.scores).some((score) => score.kind === 'expectedPurchases'),
);

const metricValue = (
  metric: Metric,
  orders: readonly OrderDay[],
  snapshots: readonly TraitSnapshot[],
  asOf: IsoDate,
): TraitValue | null => {
  const today = toDayNumber(asOf);
  const rounded = (value: number | null): number | null => (value === null ? null : roundScore(value));
  switch (metric.kind) {
    case 'trait': {
      const value = traitAt(snapshots, metric.trait, asOf);
      if (value === null) return null;
      if (metric.unit === 'text') return String(value);
      return typeof value === 'number' && Number.isFinite(value) ? roundScore(value) : null;
    }
    case 'traitChange': {
      const now = traitAt(snapshots, metric.trait, asOf);
      const then = traitAt(snapshots, metric.trait, monthsBefore(asOf, metric.months));
      if (typeof now !== 'number' || typeof then !== 'number') return null;
      if (!metric.relative) return rounded(now - then);
      return then === 0 ? null : rounded((now - then) / Math.abs(then));
    }
    case 'traitMean': {
      const from = monthsBefore(asOf, metric.months);
      const values = snapshots
        .filter((one) => one.date > from)
        .map((one) => one.traits[metric.trait])
        .filter((value) => typeof value === 'number');
      return values.length === 0 ? null : rounded(values.reduce((sum, value) => sum + value, 0) / values.length);
    }
    case 'traitRatio': {
      const part = traitAt(snapshots, metric.trait, asOf);
      const whole = traitAt(snapshots, metric.dividedBy, asOf);
      if (typeof part !== 'number' || typeof whole !== 'number' || !(whole > 0)) return null;
      const ratio = part / whole;
      return Number.isFinite(ratio) ? rounded(ratio) : null;
    }
    case 'traitAgeDays': {
      const since = traitAt(snapshots, metric.trait, asOf);
      return typeof since === 'string' && isIsoDate(since) && since <= asOf ? today - toDayNumber(since) : null;
    }
    case 'recencyDays':
      return recencyDays(orders, today, metric.where);
    case 'orders':
      return hasBought(orders) ? orderCount(within(orders, today, metric.windowDays, metric.where)) : null;
    case 'spend':
      return hasBought(orders) ? spendMinor(within(orders, today, metric.windowDays, metric.where)) : null;
    case 'tenureDays':
      return tenureDays(orders, today);
    case 'spendGrowth':
    case 'ordersGrowth': {
      const end = comparedEnd(metric.against, asOf, metric.windowDays);
      const of = metric.kind === 'spendGrowth' ? spendMinor : orderCount;
      return rounded(growth(orders, today, end, metric.windowDays, of, metric.where));
    }
    case 'attributeShare':
      return rounded(
        attributeShare(within(orders, today, metric.windowDays, metric.where), metric.attribute, metric.values),
      );
    case 'dominantAttribute':
      return dominantAttribute(
        within(orders, today, metric.windowDays, metric.where),
        metric.attribute,
        metric.atLeastShare,
      );
  }
};

/** The last day of the window compared with. One year earlier, the last day of a month goes with the last day of the month. */
const comparedEnd = (against: GrowthAgainst, asOf: IsoDate, windowDays: number): number =>
  against === 'windowBefore' ? toDayNumber(asOf) - windowDays : toDayNumber(monthsBefore(asOf, 12));

const hasBought = (orders: readonly OrderDay[]): boolean => orders.some((order) => order.count > 0);

/** The newest value known on `date`: a snapshot without the trait leaves the one before in force. */
const traitAt = (snapshots: readonly TraitSnapshot[], trait: string, date: IsoDate): TraitValue | null => {
  for (let index = snapshots.length - 1; index >= 0; index -= 1) {
    const snapshot = snapshots[index];
    if (snapshot === undefined || snapshot.date > date) continue;
    const value = snapshot.traits[trait];
    if (value !== undefined) return value;
  }
  return null;
};

/** The same day of the month `months` earlier, or that month's last day where it is shorter; from a last day to a last day. */
const monthsBefore = (date: IsoDate, months: number): IsoDate => {
  const period = addMonths(periodOf(date), -months);
  const last = lastDayOf(period);
  if (date === lastDayOf(periodOf(date))) return last;
  const sameDay = `${period}${date.slice(7)}`;
  return sameDay > last ? last : sameDay;
};
