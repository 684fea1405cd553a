import { ratio } from './backtest-ranking.ts';
import type { Flag, FlagKind } from './flags.ts';
import { type Interval, shareOfCounts } from './survey-statistics.ts';

export const FLAG_KINDS = ['exit', 'upgrade'] as const satisfies readonly FlagKind[];

/**
 * What people made of a proposal. `notOpened`: the rule proposed it and no proposal was opened, since the manager's capacity was
 * used up or a decision covered it.
 */
export const DECIDED = ['approved', 'refused', 'expired', 'withdrawn', 'open', 'notOpened'] as const;
export type Decided = (typeof DECIDED)[number];

/** What became of the proposal as the run raised or confirmed it; a rollback's withdrawal that was undone does not count. */
export const decidedAfter = (flag: Flag | undefined, runId: string): Decided => {
  const at = flag?.history.findLastIndex(
    (event) => event.by === runId && (event.event === 'raised' || event.event === 'confirmed'),
  );
  if (flag === undefined || at === undefined || at < 0) return 'notOpened';
  let decided: Decided = 'open';
  for (const { event } of flag.history.slice(at + 1)) {
    if (event === 'reopened') decided = 'open';
    else if (event === 'raised') return decided;
    else if (event !== 'confirmed') decided = event;
    if (decided === 'approved' || decided === 'refused' || decided === 'expired') return decided;
  }
  return decided;
};

/** One customer with a segment in one run, and what it did in the days after. */
export interface OutcomeObservation {
  readonly segment: string;
  readonly flags: Readonly<Partial<Record<FlagKind, Decided>>>;
  /** Kinds on which people had decided before, so that the rule does not propose again: unflagged, such a month says nothing. */
  readonly answered: readonly FlagKind[];
  /** Bought in the days after. */
  readonly bought: boolean;
  /** Spent more in the days after than in as many days before: what a backtest asks of upgrade flags. */
  readonly spentMore: boolean;
  /** The outcome of an exit flag; null where nobody knows. */
  readonly left: boolean | null;
  /** The outcome of an upgrade flag: in a better segment by one of the runs of the days after; null where there was none. */
  readonly rose: boolean | null;
  /** Closed or left, by status, in the days after. */
  readonly ended: boolean;
}

/** What became of some flagged customer-months. Counts. */
export interface Became {
  readonly n: number;
  readonly bought: number;
  readonly spentMore: number;
  readonly rose: number;
  readonly left: number;
  readonly ended: number;
  /** Of them with the outcome that the flag foretold, with its interval; null where there is none. */
  readonly precision: Estimate | null;
}

export interface Estimate {
  readonly value: number;
  /** Wilson, 95 %, on the effective number. */
  readonly interval: Interval;
  /** Customer-months counted as this many independent ones: (Σm)² ÷ Σm², m months of a customer (Kish 1965). */
  readonly effective: number;
}

export interface KindOutcomes {
  /** Customer-months in which the outcome is known, and those with it. */
  readonly n: number;
  readonly withOutcome: number;
  /** All flagged ones. */
  readonly flagged: Became;
  readonly byDecision: Readonly<Partial<Record<Decided, Became>>>;
  /** Share of those with the outcome that were flagged. */
  readonly recall: Estimate | null;
  /**
   * Share of the unflagged of the same segments that had the outcome, weighted as the flagged are spread over segments; null
   * where there are none.
   */
  readonly base: number | null;
  /** Share of the flagged that have unflagged beside them. */
  readonly baseCovers: number | null;
  /** Precision divided by the base rate. */
  readonly lift: number | null;
  /** Customer-months and customers with the outcome and without the flag. */
  readonly missed: { readonly months: number; readonly customers: number };
  /** Segment → what the flagged and the unflagged in it did. */
  readonly bySegment: Readonly<
    Record<
      string,
      {
        readonly flagged: number;
        readonly flaggedWith: number;
        readonly unflagged: number;
        readonly unflaggedWith: number;
      }
    >
  >;
}

interface Tally {
  n: number;
  bought: number;
  spentMore: number;
  rose: number;
  left: number;
  ended: number;
  withOutcome: number;
  /** Σ of squared months by customer. */
  squares: number;
}

const newTally = (): Tally => ({
  n: 0,
  bought: 0,
  spentMore: 0,
  rose: 0,
  left: 0,
  ended: 0,
  withOutcome: 0,
  squares: 0,
});

interface KindTally {
  n: number;
  withOutcome: number;
  withSquares: number;
  caught: number;
  missedMonths: number;
  missedCustomers: number;
  readonly flagged: Tally;
  readonly byDecision: Map<Decided, Tally>;
  /** Segment → counts. */
  readonly cells: Map<string, { flagged: number; flaggedWith: number; unflagged: number; unflaggedWith: number }>;
}

const newKind = (): KindTally => ({
  n: 0,
  withOutcome: 0,
  withSquares: 0,
  caught: 0,
  missedMonths: 0,
  missedCustomers: 0,
  flagged: newTally(),
  byDecision: new Map(),
  cells: new Map(),
});

/** Whether the observation has the outcome that a flag of the kind foretells; null where nobody knows. */
export const outcomeOf = (kind: FlagKind, observation: Pick<OutcomeObservation, 'left' | 'rose'>): boolean | null =>
  kind === 'exit' ? observation.left : observation.rose;

/**
 * Adds up what became of customers, one customer with all its months at a time, in a memory that does not grow with the number
 * of customers.
 */
export class OutcomeTally {
  readonly #kinds: Readonly<Record<FlagKind, KindTally>> = { exit: newKind(), upgrade: newKind() };

  /** @param months observations of one customer under one policy, in any order */
  add(months: readonly OutcomeObservation[]): void {
    for (const kind of FLAG_KINDS) this.#addKind(kind, months);
  }

  #addKind(kind: FlagKind, months: readonly OutcomeObservation[]): void {
    const tally = this.#kinds[kind];
    const own = new Map<Tally, number>();
    let withOutcome = 0;
    let missed = 0;
    for (const month of months) {
      const outcome = outcomeOf(kind, month);
      if (outcome === null) continue;
      const decided = month.flags[kind];
      if (decided === undefined && month.answered.includes(kind)) continue;
      tally.n += 1;
      if (outcome) withOutcome += 1;
      const cell = this.#cell(tally, month);
      if (decided === undefined) {
        cell.unflagged += 1;
        if (outcome) cell.unflaggedWith += 1;
        if (outcome) missed += 1;
        continue;
      }
      cell.flagged += 1;
      if (outcome) cell.flaggedWith += 1;
      if (outcome) tally.caught += 1;
      const byDecision = tally.byDecision.get(decided) ?? newTally();
      tally.byDecision.set(decided, byDecision);
      for (const one of [tally.flagged, byDecision]) {
        one.n += 1;
        if (month.bought) one.bought += 1;
        if (month.spentMore) one.spentMore += 1;
        if (month.rose === true) one.rose += 1;
        if (month.left === true) one.left += 1;
        if (month.ended) one.ended += 1;
        if (outcome) one.withOutcome += 1;
        own.set(one, (own.get(one) ?? 0) + 1);
      }
    }
    for (const [one, count] of own) one.squares += count * count;
    tally.withOutcome += withOutcome;
    tally.withSquares += withOutcome * withOutcome;
    tally.missedMonths += missed;
    if (missed > 0) tally.missedCustomers += 1;
  }

  #cell({ cells }: KindTally, { segment }: OutcomeObservation) {
    const cell = cells.get(segment) ?? { flagged: 0, flaggedWith: 0, unflagged: 0, unflaggedWith: 0 };
    cells.set(segment, cell);
    return cell;
  }

  figures(kind: FlagKind): KindOutcomes {
    const tally = this.#kinds[kind];
    // In a fixed order, so that sums of fractions do not depend on the order of customers.
    const cells = [...tally.cells].sort(([a], [b]) => (a < b ? -1 : 1));
    const covered = cells.map(([, cell]) => cell).filter(({ unflagged }) => unflagged > 0);
    const flaggedCovered = covered.reduce((sum, { flagged }) => sum + flagged, 0);
    const expected = covered.reduce(
      (sum, { flagged, unflagged, unflaggedWith }) => sum + flagged * (unflaggedWith / unflagged),
      0,
    );
    const flagged = became(tally.flagged);
    const base = ratio(expected, flaggedCovered);
    return {
      n: tally.n,
      withOutcome: tally.withOutcome,
      flagged,
      byDecision: Object.fromEntries(
        DECIDED.flatMap((decided) => {
          const one = tally.byDecision.get(decided);
          return one === undefined ? [] : [[decided, became(one)] as const];
        }),
      ),
      recall: estimate(tally.caught, tally.withOutcome, tally.withSquares),
      base,
      baseCovers: ratio(flaggedCovered, tally.flagged.n),
      lift: flagged.precision === null || base === null || base === 0 ? null : flagged.precision.value / base,
      missed: { months: tally.missedMonths, customers: tally.missedCustomers },
      bySegment: Object.fromEntries(cells.map(([segment, cell]) => [segment, { ...cell }])),
    };
  }
}

const became = ({ n, bought, spentMore, rose, left, ended, withOutcome, squares }: Tally): Became => ({
  n,
  bought,
  spentMore,
  rose,
  left,
  ended,
  precision: estimate(withOutcome, n, squares),
});

/**
 * A share of customer-months with its Wilson interval. Months of one customer tell little that is new, so they count as if they
 * told nothing: with (Σm)² ÷ Σm² independent ones. Where every customer has one month that is their number.
 */
const estimate = (positive: number, n: number, squares: number): Estimate | null => {
  if (n === 0) return null;
  const effective = (n * n) / squares;
  const share = positive / n;
  // Of counts, so that the bounds are exact at 0 and 1.
  const scaled = positive === n ? effective : share * effective;
  const found = shareOfCounts(scaled, effective);
  return found === null ? null : { value: share, interval: found.interval, effective };
};
