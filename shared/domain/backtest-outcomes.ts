import { type DayNumber, fromDayNumber, type IsoDate } from './calendar.ts';
import type { CustomerFacts, OrderDay } from './facts.ts';
import { referencedTraits } from './metrics.ts';
import type { Policy } from './policy.ts';
import { orderCount, recencyDays, spendMinor, within } from './purchases.ts';

/** What a customer did after a day, and what was plain to see on it. */
export interface Conduct {
  /** Purchases in the days after. */
  readonly orders: number;
  /** Net spend in the days after, minor units. */
  readonly spendMinor: number;
  /** Net spend in as many days up to and with the day, minor units. */
  readonly spendBeforeMinor: number;
  /** Days since the last purchase, on the day; infinite without one. */
  readonly recencyDays: number;
  /** Purchases up to and with the day. */
  readonly ordersBefore: number;
}

/** @param orders all of a customer's order-days, ascending, whatever their date */
export const conductAfter = (orders: readonly OrderDay[], asOf: DayNumber, horizonDays: number): Conduct => {
  const before = within(orders, asOf);
  const after = within(orders, asOf + horizonDays, horizonDays);
  return {
    orders: orderCount(after),
    spendMinor: spendMinor(after),
    spendBeforeMinor: spendMinor(within(before, asOf, horizonDays)),
    recencyDays: recencyDays(before, asOf) ?? Number.POSITIVE_INFINITY,
    ordersBefore: orderCount(before),
  };
};

/** An outcome that customers without purchases have: a trait as known after the day. */
export interface TraitOutcome {
  readonly trait: string;
  /** The value, as text, that is the outcome; without it `true`, or a number other than 0. */
  readonly value?: string;
}

/**
 * Whether the customer had the outcome: by the newest snapshot with the trait after `asOf` and at most `horizonDays` later.
 *
 * @returns null where no such snapshot has the trait: nobody knows
 */
export const traitOutcome = (
  facts: Pick<CustomerFacts, 'snapshots'>,
  outcome: TraitOutcome,
  asOf: DayNumber,
  horizonDays: number,
): boolean | null => {
  const [after, until] = [fromDayNumber(asOf), fromDayNumber(asOf + horizonDays)];
  const snapshot = facts.snapshots.findLast(
    (one) => one.date > after && one.date <= until && one.traits[outcome.trait] !== undefined,
  );
  const value = snapshot?.traits[outcome.trait];
  if (value === undefined) return null;
  if (outcome.value !== undefined)
    return typeof value === 'boolean' ? String(value) === outcome.value.toLowerCase() : String(value) === outcome.value;
  return value === true || (typeof value === 'number' && value !== 0);
};

/**
 * Whether a policy looks at a trait: directly, or in any metric. Such a trait is no outcome to test the policy by, since it
 * would be tested by what it was told. Any mention in a metric counts.
 */
export const looksAtTrait = (policy: Policy, trait: string): boolean =>
  referencedTraits(policy).includes(trait) || Object.values(policy.metrics).some((metric) => mentions(metric, trait));

const mentions = (value: unknown, text: string): boolean => {
  if (typeof value === 'string') return value === text || value === `trait.${text}`;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, inner]) => !NAMES_NO_TRAIT.has(key) && (key === text || mentions(inner, text)),
  );
};

const NAMES_NO_TRAIT: ReadonlySet<string> = new Set(['label', 'kind', 'unit']);

/** The newest date up to which the facts tell of outcomes; null without any. */
export const outcomesKnownUntil = (
  facts: Pick<CustomerFacts, 'orders' | 'snapshots'>,
  outcome: TraitOutcome | undefined,
): IsoDate | null => {
  if (outcome === undefined) {
    const last = facts.orders.at(-1);
    return last === undefined ? null : fromDayNumber(last.day);
  }
  return facts.snapshots.findLast((one) => one.traits[outcome.trait] !== undefined)?.date ?? null;
};
