import { assignRow, capacity } from '#shared/domain/assign.ts';
import { newBootstrap, quantileOf, REPLICATES } from '#shared/domain/backtest-bootstrap.ts';
import {
  addMoves,
  countDimension,
  type DimensionMonth,
  type Evaluation,
  evaluate,
  exitRank,
  type JudgedMonth,
  type MoveCount,
} from '#shared/domain/backtest-month.ts';
import {
  type Conduct,
  conductAfter,
  looksAtTrait,
  outcomesKnownUntil,
  type TraitOutcome,
  traitOutcome,
} from '#shared/domain/backtest-outcomes.ts';
import { rank, ratio } from '#shared/domain/backtest-ranking.ts';
import {
  addMonths,
  dateIn,
  fromDayNumber,
  type IsoDate,
  lastDayOf,
  monthsBetween,
  type Period,
  periodOf,
  toDayNumber,
} from '#shared/domain/calendar.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { FrameRow, Generation, PlanRow, RunPointer } from '#shared/domain/standing.ts';
import type { Interval } from '#shared/domain/survey-statistics.ts';
import { PermanentError } from '#shared/errors.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import { measureFacts } from './run/measure-shard.ts';

/**
 * What a backtest keeps in memory at most: everybody's facts and standing, and the figures of one month. Measured on copies of
 * CDNOW (3 order-days each): 47,000 customers over 18 months took 1.2 GB and 37 s, 198,000 took 2.8 GB and 153 s.
 */
export const BACKTEST_LIMITS: BacktestLimits = { customers: 100_000, facts: 2_000_000 };

export interface BacktestLimits {
  readonly customers: number;
  readonly facts: number;
}

/** Longest range of months, and the longest horizon in days. */
export const MOST_MONTHS = 120;
export const MOST_HORIZON_DAYS = 1_095;

/** In a backtest facts count by their business date alone: files were imported later than the months that they tell of. */
const WHENEVER_RECORDED = '9999-12-31T23:59:59.999Z';

export interface HistoryPorts {
  /** Only reads: a backtest writes nothing. */
  readonly customers: Pick<CustomerStore, 'buckets' | 'readBucket'>;
}

/** Called often; what it returns is awaited, so that a caller can stay responsive. */
export type BacktestProgress = (step: string, done: number, total: number) => void | Promise<void>;

export interface History {
  readonly customers: readonly { readonly bucket: number; readonly facts: CustomerFacts }[];
  /** Customers that could not be read. */
  readonly quarantined: number;
  readonly firstFact: IsoDate | null;
  readonly newestFact: IsoDate | null;
  /** Share of the buckets that was read; 1 is everybody. */
  readonly sample: number;
}

/**
 * Reads every customer once, or those of the first buckets up to `sample`, which is a random sample since a bucket is a hash.
 *
 * @param options.sample share of the customers, above 0 up to 1
 * @throws PermanentError `backtest-too-large` as soon as more is read than the limits allow
 */
export const readHistory = async (
  ports: HistoryPorts,
  options: {
    readonly sample?: number;
    readonly limits?: BacktestLimits;
    readonly onProgress?: BacktestProgress;
  } = {},
): Promise<History> => {
  const { sample = 1, limits = BACKTEST_LIMITS, onProgress } = options;
  const buckets = Math.max(1, Math.round(ports.customers.buckets * sample));
  const customers: { readonly bucket: number; readonly facts: CustomerFacts }[] = [];
  let quarantined = 0;
  let factCount = 0;
  let firstFact: IsoDate | null = null;
  let newestFact: IsoDate | null = null;
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    await onProgress?.('reading customers', bucket, buckets);
    for await (const read of ports.customers.readBucket(bucket)) {
      if (read.kind === 'quarantined') {
        quarantined += 1;
        continue;
      }
      const { facts } = read;
      customers.push({ bucket, facts });
      factCount +=
        facts.orders.length + facts.snapshots.length + facts.statuses.length + Object.keys(facts.answers).length;
      for (const date of datesOf(facts)) {
        if (firstFact === null || date < firstFact) firstFact = date;
        if (newestFact === null || date > newestFact) newestFact = date;
      }
      if (customers.length > limits.customers || factCount > limits.facts) {
        throw tooLarge(customers.length, factCount, (bucket + 1) / ports.customers.buckets, limits);
      }
    }
  }
  // By the company's id, so that the same facts give the same figures on any stage: subjects are random.
  customers.sort((a, b) => (a.facts.customerId < b.facts.customerId ? -1 : 1));
  return { customers, quarantined, firstFact, newestFact, sample: buckets / ports.customers.buckets };
};

/** The first and the last date of each kind of fact; orders, snapshots and statuses ascend. */
const datesOf = (facts: CustomerFacts): readonly IsoDate[] => [
  ...[facts.orders.at(0), facts.orders.at(-1)].flatMap((one) => (one === undefined ? [] : [fromDayNumber(one.day)])),
  ...[facts.snapshots.at(0), facts.snapshots.at(-1), facts.statuses.at(0), facts.statuses.at(-1)].flatMap((one) =>
    one === undefined ? [] : [one.date],
  ),
];

const tooLarge = (customers: number, facts: number, shareRead: number, limits: BacktestLimits): PermanentError => {
  const fits = shareRead * Math.min(limits.customers / customers, limits.facts / facts);
  const advised = Math.max(0.0001, Number((fits * 0.9).toPrecision(1)));
  return new PermanentError(
    'backtest-too-large',
    `a backtest keeps all customers in memory, at most ${limits.customers} with ${limits.facts} dated facts; more were found: ${customers} with ${facts} so far`,
    { hint: `take a random part of the customers, such as --sample ${advised}` },
  );
};

export interface BacktestRequest {
  /** First and last month that is shown. Both must have ended. */
  readonly from: Period;
  readonly to: Period;
  readonly horizonDays: number;
  /**
   * Months replayed before `from` so that streaks, waiting and cooling-off are under way. By default as many as the longest
   * of them in the policy. Months before the first fact are left out, since they are empty.
   */
  readonly warmUpMonths?: number;
  /** The outcome of exit flags; without it: no purchase. */
  readonly outcome?: TraitOutcome;
}

/** What a group of customers did in the days after, over the months that can be judged. */
export interface ConductFigures {
  /** Customer-months. */
  readonly n: number;
  readonly bought: number;
  /** `bought / n`; all figures below are null where n is 0. */
  readonly boughtShare: number | null;
  readonly meanOrders: number | null;
  readonly meanSpendMinor: number | null;
  readonly medianSpendMinor: number | null;
  /** The group's spend as a share of everybody's; null where that is 0 or less. */
  readonly spendShare: number | null;
}

export const CONDUCT_GROUPS = ['exit', 'upgrade', 'none'] as const;
export type ConductGroup = (typeof CONDUCT_GROUPS)[number];

export interface BacktestMonth {
  readonly period: Period;
  readonly asOf: IsoDate;
  /** Customers with a segment. */
  readonly population: number;
  readonly dimensions: Readonly<Record<string, DimensionMonth>>;
  readonly flags: Readonly<Record<'exit' | 'upgrade', FlagCounts>>;
  /** Last day of the horizon. */
  readonly horizonUntil: IsoDate;
  /** Null where the horizon goes beyond what is known (censored). */
  readonly judged: {
    readonly exit: Evaluation;
    readonly upgrade: Evaluation;
    readonly conduct: Readonly<Record<ConductGroup, ConductFigures>>;
  } | null;
}

export interface FlagCounts {
  /** What the rule proposes. */
  readonly proposed: number;
  /** Proposed now and not the month before. */
  readonly fresh: number;
  /** What the capacity had room for. */
  readonly opened: number;
}

/** 95 % intervals, customers drawn with all their months; null where undefined. */
export interface EvaluationIntervals {
  readonly precision: Interval | null;
  readonly recall: Interval | null;
  readonly lift: Interval | null;
  readonly auc: Interval | null;
  readonly recencyPrecision: Interval | null;
  readonly recencyAuc: Interval | null;
  readonly frequencyPrecision: Interval | null;
  readonly frequencyAuc: Interval | null;
  /** Policy minus the plain figure, on the same draws. */
  readonly precisionOverRecency: Interval | null;
  readonly precisionOverFrequency: Interval | null;
  readonly aucOverRecency: Interval | null;
  readonly aucOverFrequency: Interval | null;
}

export interface Backtest {
  readonly policy: { readonly name: string; readonly version: string; readonly hash: string };
  readonly from: Period;
  readonly to: Period;
  readonly horizonDays: number;
  readonly warmUp: { readonly months: number; readonly from: Period | null };
  /** Null: the outcome of exit flags is that the customer does not buy. */
  readonly outcome: TraitOutcome | null;
  readonly history: {
    readonly customers: number;
    readonly quarantined: number;
    readonly sample: number;
    readonly firstFact: IsoDate | null;
    readonly newestFact: IsoDate | null;
    /** Outcomes are known up to this day. */
    readonly outcomesUntil: IsoDate | null;
  };
  readonly months: readonly BacktestMonth[];
  /** Months whose horizon goes beyond what is known: not judged. */
  readonly censored: readonly Period[];
  /** All months together. */
  readonly moves: Readonly<Record<string, readonly MoveCount[]>>;
  readonly stability: Readonly<Record<string, number | null>>;
  /** All judged months together; null if there is none. */
  readonly judged: {
    readonly months: number;
    readonly exit: Evaluation & { readonly intervals: EvaluationIntervals };
    readonly upgrade: Evaluation & { readonly intervals: EvaluationIntervals };
    readonly conduct: Readonly<Record<ConductGroup, ConductFigures>>;
  } | null;
}

/**
 * Replays closed months on stored facts as the scheduled runs would have seen them, each with the standings of the month
 * before, and looks at what the customers did in the days after. The rules are those of the run; nothing is written.
 *
 * Facts count by business date, whenever they were recorded. Branch, manager and corrected purchases are those of today; an
 * open case carries no date and is left out.
 */
export const backtest = async (
  history: History,
  policy: Policy,
  request: BacktestRequest,
  options: {
    readonly businessTimeZone: string;
    readonly onProgress?: BacktestProgress;
    /** Called with the figures of each draw of the intervals of exit flags; the same customers are drawn each time. */
    readonly onDraw?: (exit: Evaluation) => void;
  },
): Promise<Backtest> => {
  assertRequest(request, policy, history);
  const { from, to, horizonDays } = request;
  const warmUpMonths = request.warmUpMonths ?? longestMemory(policy);
  const earliest = periodOf(history.firstFact ?? `${from}-01`);
  const start = [from, [earliest, addMonths(from, -warmUpMonths)].sort().at(-1) ?? from].sort()[0] ?? from;
  const outcomesUntil = history.customers.reduce<IsoDate | null>((newest, { facts }) => {
    const until = outcomesKnownUntil(facts, request.outcome);
    return until !== null && (newest === null || until > newest) ? until : newest;
  }, null);

  const months: BacktestMonth[] = [];
  const samples: MonthSample[] = [];
  const total = monthsBetween(start, to) + 1;
  await options.onProgress?.(`replaying ${start} by ${policy.name}`, 0, total);
  for (const { period, customers: replayed } of replayMonths(history, policy, { from: start, to }, options)) {
    await options.onProgress?.(`replayed ${period} by ${policy.name}`, monthsBetween(start, period) + 1, total);
    if (period < from) continue;
    const asOf = lastDayOf(period);
    const horizonUntil = fromDayNumber(toDayNumber(asOf) + horizonDays);
    const isKnown = outcomesUntil !== null && horizonUntil <= outcomesUntil;
    const sample = isKnown ? sampleOf(replayed, history, policy, request, asOf) : undefined;
    if (sample !== undefined) samples.push(sample);
    const plans = replayed.map((one) => one.plan);
    months.push({
      period,
      asOf,
      population: plans.filter((plan) => plan.next.placements[policy.mainDimension] !== undefined).length,
      dimensions: Object.fromEntries(
        Object.keys(policy.dimensions).map((dimension) => [dimension, countDimension(plans, dimension)]),
      ),
      flags: { exit: countFlags(replayed, 'exit'), upgrade: countFlags(replayed, 'upgrade') },
      horizonUntil,
      judged:
        sample === undefined
          ? null
          : {
              exit: evaluate([sample.exit]),
              upgrade: evaluate([sample.upgrade]),
              conduct: conductFigures([sample]),
            },
    });
  }
  return {
    policy: { name: policy.name, version: policy.version, hash: policy.hash },
    from,
    to,
    horizonDays,
    warmUp: { months: monthsBetween(start, from), from: start < from ? start : null },
    outcome: request.outcome ?? null,
    history: {
      customers: history.customers.length,
      quarantined: history.quarantined,
      sample: history.sample,
      firstFact: history.firstFact,
      newestFact: history.newestFact,
      outcomesUntil,
    },
    months,
    censored: months.filter((month) => month.judged === null).map((month) => month.period),
    moves: Object.fromEntries(
      Object.keys(policy.dimensions).map((dimension) => [
        dimension,
        addMoves(months.map((month) => month.dimensions[dimension]?.moves ?? [])),
      ]),
    ),
    stability: Object.fromEntries(
      Object.keys(policy.dimensions).map((dimension) => [
        dimension,
        ratio(
          months.reduce((sum, month) => sum + (month.dimensions[dimension]?.stayed ?? 0), 0),
          months.reduce((sum, month) => sum + (month.dimensions[dimension]?.known ?? 0), 0),
        ),
      ]),
    ),
    judged:
      samples.length === 0
        ? null
        : {
            months: samples.length,
            exit: await evaluateAll(
              samples.map((one) => one.exit),
              history.customers.length,
              'exit',
              options.onProgress,
              options.onDraw,
            ),
            upgrade: await evaluateAll(
              samples.map((one) => one.upgrade),
              history.customers.length,
              'upgrade',
              options.onProgress,
            ),
            conduct: conductFigures(samples),
          },
  };
};

const assertRequest = (request: BacktestRequest, policy: Policy, history: History): void => {
  const { from, to, horizonDays, outcome } = request;
  if (from > to)
    throw new PermanentError('range-invalid', `the first month must not be after the last, got ${from} to ${to}`);
  if (monthsBetween(from, to) + 1 > MOST_MONTHS) {
    throw new PermanentError(
      'range-invalid',
      `a backtest covers at most ${MOST_MONTHS} months, got ${monthsBetween(from, to) + 1}, from ${from} to ${to}`,
    );
  }
  if ((request.warmUpMonths ?? 0) > MOST_MONTHS) {
    throw new PermanentError(
      'range-invalid',
      `at most ${MOST_MONTHS} months are replayed before the first one, got ${request.warmUpMonths}`,
    );
  }
  if (!Number.isInteger(horizonDays) || horizonDays < 1 || horizonDays > MOST_HORIZON_DAYS) {
    throw new PermanentError(
      'horizon-invalid',
      `the horizon must be a whole number of days from 1 to ${MOST_HORIZON_DAYS}, got ${horizonDays}`,
    );
  }
  if (history.firstFact === null || history.newestFact === null) {
    throw new PermanentError('history-empty', 'there is no dated fact of any customer to replay', {
      hint: 'import some: resegment import purchases FILE',
    });
  }
  if (lastDayOf(to) < history.firstFact || `${from}-01` > history.newestFact) {
    throw new PermanentError(
      'range-without-facts',
      `no fact is dated in ${from} to ${to}: the first is of ${history.firstFact}, the newest of ${history.newestFact}`,
      { hint: `such as --from ${periodOf(history.firstFact)} --to ${periodOf(history.newestFact)}` },
    );
  }
  if (outcome === undefined) return;
  if (looksAtTrait(policy, outcome.trait)) {
    throw new PermanentError(
      'outcome-is-input',
      `trait ${outcome.trait} cannot be the outcome: policy ${policy.name} looks at it, and would be tested by what it was told`,
      { hint: 'name a trait that the policy does not use' },
    );
  }
  if (!history.customers.some(({ facts }) => facts.snapshots.some((one) => one.traits[outcome.trait] !== undefined))) {
    throw new PermanentError('outcome-unknown', `no customer has a trait ${JSON.stringify(outcome.trait)}`, {
      hint: 'import it with the date on which it was known: resegment import customers FILE --as-of DATE',
    });
  }
};

/** How many months back the rules of a policy remember. */
const longestMemory = (policy: Policy): number =>
  Math.max(policy.moves.downgradeAfterPeriods, policy.moves.coolingOffMonths, policy.flags.exit?.afterPeriods ?? 0);

/** What a replayed month says of one customer. */
export interface Replayed {
  /** Number of the customer in the history. */
  readonly customer: number;
  /** As planned by a scheduled run of the month; flags by capacity. */
  readonly plan: PlanRow;
  /** The standing of the month before; null: none. */
  readonly prior: Generation | null;
}

/** Every generation that is put in front of a month has been published. */
const ALL_PUBLISHED: RunPointer = {
  published: { seq: Number.MAX_SAFE_INTEGER, runId: 'backtest', asOf: '9999-12-31', period: '9999-12' },
  previous: null,
  abandonedSeqs: [],
  lastSeq: Number.MAX_SAFE_INTEGER,
  applying: null,
  rev: 0,
};

/** The months one after the other, each as its scheduled run would have planned it and as if that had been published. */
export function* replayMonths(
  history: Pick<History, 'customers'>,
  policy: Policy,
  { from, to }: { readonly from: Period; readonly to: Period },
  { businessTimeZone }: { readonly businessTimeZone: string },
): Generator<{ readonly period: Period; readonly customers: readonly Replayed[] }> {
  const priors: (Generation | null)[] = history.customers.map(() => null);
  for (let index = 0; index <= monthsBetween(from, to); index += 1) {
    const period = addMonths(from, index);
    yield { period, customers: replayMonth(history, priors, policy, period, index + 1, businessTimeZone) };
  }
}

/** One month as its scheduled run: measure, calibrate, assign, capacity. Leaves the new generations in `priors`. */
const replayMonth = (
  history: Pick<History, 'customers'>,
  priors: (Generation | null)[],
  policy: Policy,
  period: Period,
  seq: number,
  businessTimeZone: string,
): readonly Replayed[] => {
  const asOf = lastDayOf(period);
  const when = { asOf, frozenAt: WHENEVER_RECORDED };
  const measured: { readonly customer: number; readonly row: FrameRow }[] = [];
  for (const [customer, { bucket, facts }] of history.customers.entries()) {
    const prior = priors[customer] ?? null;
    const standing = prior === null ? undefined : { subject: facts.subject, current: prior };
    const found = measureFacts(bucket, asKnown(facts, asOf, businessTimeZone), standing, ALL_PUBLISHED, policy, when);
    if (found !== undefined) measured.push({ customer, row: found.row });
  }
  const rows = measured.map((one) => one.row);
  const calibration = calibrate(policy, rows);
  const run = { runId: `${period}-backtest`, seq, period, closesPeriod: true, ...when };
  const plans = capacity(
    rows.map((row) => assignRow(row, policy, calibration, run)),
    policy,
  );
  return measured.flatMap(({ customer }, index) => {
    const plan = plans[index];
    if (plan === undefined) return [];
    const prior = priors[customer] ?? null;
    if (plan.changed) priors[customer] = plan.next;
    return [{ customer, plan, prior }];
  });
};

/** What people have set and what is open counts only as far as it was so on that day. */
const asKnown = (facts: CustomerFacts, asOf: IsoDate, businessTimeZone: string): CustomerFacts => {
  const { openCase: _undated, ...dated } = facts;
  if (facts.pins.length + facts.decisions.length === 0) return dated;
  const isKnown = (at: string): boolean => dateIn(businessTimeZone, at) <= asOf;
  return {
    ...dated,
    pins: facts.pins.filter((pin) => isKnown(pin.setAt)),
    decisions: facts.decisions.filter((one) => isKnown(one.decidedAt)),
  };
};

const hasFlag = (plan: PlanRow, kind: 'exit' | 'upgrade'): boolean => plan.flags.some((flag) => flag.kind === kind);

const countFlags = (replayed: readonly Replayed[], kind: 'exit' | 'upgrade'): FlagCounts => {
  const proposed = replayed.filter((one) => hasFlag(one.plan, kind));
  return {
    proposed: proposed.length,
    fresh: proposed.filter((one) => one.prior?.flags.includes(kind) !== true).length,
    opened: proposed.filter((one) => one.plan.flags.some((flag) => flag.kind === kind && flag.opened)).length,
  };
};

interface MonthSample {
  readonly exit: JudgedMonth;
  readonly upgrade: JudgedMonth;
  readonly groups: Readonly<Record<ConductGroup, readonly Conduct[]>>;
  /** Everybody's. */
  readonly spendMinor: number;
}

/** What everybody with a segment did afterwards, in columns. */
const sampleOf = (
  replayed: readonly Replayed[],
  history: History,
  policy: Policy,
  request: BacktestRequest,
  asOf: IsoDate,
): MonthSample => {
  const day = toDayNumber(asOf);
  const placed = replayed.flatMap(({ customer, plan }) => {
    const facts = history.customers[customer]?.facts;
    if (facts === undefined || plan.next.placements[policy.mainDimension] === undefined) return [];
    const conduct = conductAfter(facts.orders, day, request.horizonDays);
    const gone =
      request.outcome === undefined
        ? conduct.orders === 0
        : traitOutcome(facts, request.outcome, day, request.horizonDays);
    return [{ customer, plan, conduct, gone }];
  });
  const known = placed.filter((one) => one.gone !== null);
  const columns = (
    kind: 'exit' | 'upgrade',
    rows: typeof placed,
    isPositive: (row: (typeof placed)[number]) => boolean,
    sign: 1 | -1,
  ): JudgedMonth => ({
    customers: Uint32Array.from(rows, (row) => row.customer),
    positive: Uint8Array.from(rows, (row) => Number(isPositive(row))),
    proposed: Uint8Array.from(rows, (row) => Number(hasFlag(row.plan, kind))),
    opened: Uint8Array.from(rows, (row) => Number(row.plan.flags.some((flag) => flag.kind === kind && flag.opened))),
    rankings: {
      policy:
        kind === 'exit'
          ? rank(Float64Array.from(rows, (row) => exitRank(row.plan, hasFlag(row.plan, kind), policy)))
          : null,
      recency: rank(Float64Array.from(rows, (row) => sign * row.conduct.recencyDays)),
      frequency: rank(Float64Array.from(rows, (row) => -sign * row.conduct.ordersBefore)),
    },
  });
  return {
    exit: columns('exit', known, (row) => row.gone === true, 1),
    upgrade: columns('upgrade', placed, ({ conduct }) => conduct.spendMinor > conduct.spendBeforeMinor, -1),
    groups: {
      exit: placed.filter((row) => hasFlag(row.plan, 'exit')).map((row) => row.conduct),
      upgrade: placed.filter((row) => hasFlag(row.plan, 'upgrade')).map((row) => row.conduct),
      none: placed.filter((row) => row.plan.flags.length === 0).map((row) => row.conduct),
    },
    spendMinor: spendOf(placed.map((row) => row.conduct)),
  };
};

const spendOf = (all: readonly Conduct[]): number => all.reduce((sum, one) => sum + one.spendMinor, 0);

const conductFigures = (samples: readonly MonthSample[]): Readonly<Record<ConductGroup, ConductFigures>> => {
  const groups = {
    exit: samples.flatMap((sample) => sample.groups.exit),
    upgrade: samples.flatMap((sample) => sample.groups.upgrade),
    none: samples.flatMap((sample) => sample.groups.none),
  };
  const everybody = samples.reduce((sum, sample) => sum + sample.spendMinor, 0);
  const figures = (all: readonly Conduct[]): ConductFigures => {
    const bought = all.filter((one) => one.orders > 0).length;
    const spends = Float64Array.from(all, (one) => one.spendMinor).sort();
    return {
      n: all.length,
      bought,
      boughtShare: ratio(bought, all.length),
      meanOrders: ratio(
        all.reduce((sum, one) => sum + one.orders, 0),
        all.length,
      ),
      meanSpendMinor: ratio(spendOf(all), all.length),
      medianSpendMinor: all.length === 0 ? null : quantileOf(spends, 0.5),
      spendShare: everybody <= 0 || all.length === 0 ? null : spendOf(all) / everybody,
    };
  };
  return { exit: figures(groups.exit), upgrade: figures(groups.upgrade), none: figures(groups.none) };
};

/** Draws between which the caller may breathe. */
const DRAWS_AT_ONCE = 10;

const evaluateAll = async (
  months: readonly JudgedMonth[],
  customers: number,
  kind: 'exit' | 'upgrade',
  onProgress: BacktestProgress | undefined,
  onDraw?: (figures: Evaluation) => void,
): Promise<Evaluation & { readonly intervals: EvaluationIntervals }> => {
  const bootstrap = newBootstrap(customers);
  for (let replicate = 0; replicate < REPLICATES; replicate += 1) {
    if (replicate % DRAWS_AT_ONCE === 0) await onProgress?.(`intervals of ${kind} flags`, replicate, REPLICATES);
    bootstrap.draw((draws) => {
      const drawn = evaluate(months, (month) => (at) => draws[month.customers[at] ?? 0] ?? 0);
      onDraw?.(drawn);
      return intervalFigures(drawn);
    });
  }
  const [
    precision = null,
    recall = null,
    lift = null,
    auc = null,
    recencyPrecision = null,
    recencyAuc = null,
    frequencyPrecision = null,
    frequencyAuc = null,
    precisionOverRecency = null,
    precisionOverFrequency = null,
    aucOverRecency = null,
    aucOverFrequency = null,
  ] = bootstrap.intervals();
  return {
    ...evaluate(months),
    intervals: {
      precision,
      recall,
      lift,
      auc,
      recencyPrecision,
      recencyAuc,
      frequencyPrecision,
      frequencyAuc,
      precisionOverRecency,
      precisionOverFrequency,
      aucOverRecency,
      aucOverFrequency,
    },
  };
};

const intervalFigures = ({ policy, recency, frequency }: Evaluation): readonly (number | null)[] => [
  policy.precision,
  policy.recall,
  policy.lift,
  policy.auc,
  recency.precision,
  recency.auc,
  frequency.precision,
  frequency.auc,
  minus(policy.precision, recency.precision),
  minus(policy.precision, frequency.precision),
  minus(policy.auc, recency.auc),
  minus(policy.auc, frequency.auc),
];

const minus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a - b);
