import {
  addCounts,
  areaUnderCurve,
  caughtAmongFirst,
  comparePairs,
  countSelection,
  figuresOf,
  type Pairs,
  type Ranking,
  ratio,
  type SelectionCounts,
  type SelectionFigures,
  type Weight,
} from './backtest-ranking.ts';
import type { Policy } from './policy.ts';
import type { PlanRow } from './standing.ts';

/** Where the customers of a month stand in one dimension, and how they came there. */
export interface DimensionMonth {
  /** Customers by segment. */
  readonly segments: Readonly<Record<string, number>>;
  /** From the month before to this one, those who stayed included; `from` null: new, `to` null: left. */
  readonly moves: readonly MoveCount[];
  readonly up: number;
  readonly down: number;
  readonly sideways: number;
  readonly fresh: number;
  readonly left: number;
  /** Customers who had a segment the month before and have one now. */
  readonly known: number;
  /** Those of them whose segment is the same. */
  readonly stayed: number;
  /** `stayed / known`; null in the first month. */
  readonly stability: number | null;
  /** Customers whose segment is not yet the one that the policy computes, by reason; a customer may have several. */
  readonly heldBack: Readonly<Record<string, number>>;
}

export interface MoveCount {
  readonly from: string | null;
  readonly to: string | null;
  readonly count: number;
}

/** Counts what was decided of everybody in one dimension. */
export const countDimension = (plans: readonly PlanRow[], dimension: string): DimensionMonth => {
  const segments = new Map<string, number>();
  const heldBack = new Map<string, number>();
  const cells = new Map<string, { readonly from: string | null; readonly to: string | null; count: number }>();
  const kinds = { new: 0, up: 0, down: 0, sideways: 0, left: 0 };
  let known = 0;
  let stayed = 0;
  for (const plan of plans) {
    const placement = plan.next.placements[dimension];
    const move = plan.moves.find((one) => one.dimension === dimension);
    if (placement === undefined && move === undefined) continue;
    const to = placement?.actual ?? null;
    const from = move === undefined ? to : move.from;
    if (move !== undefined) kinds[move.kind] += 1;
    if (to !== null) segments.set(to, (segments.get(to) ?? 0) + 1);
    if (from !== null && to !== null) {
      known += 1;
      if (from === to) stayed += 1;
    }
    for (const reason of placement?.heldBack ?? []) heldBack.set(reason, (heldBack.get(reason) ?? 0) + 1);
    const key = JSON.stringify([from, to]);
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, { from, to, count: 1 });
    else cell.count += 1;
  }
  const { new: fresh, ...rest } = kinds;
  return {
    segments: sortedRecord(segments),
    moves: sortedMoves(cells.values()),
    ...rest,
    fresh,
    known,
    stayed,
    stability: ratio(stayed, known),
    heldBack: sortedRecord(heldBack),
  };
};

/** The moves of several months in one matrix. */
export const addMoves = (months: readonly (readonly MoveCount[])[]): readonly MoveCount[] => {
  const cells = new Map<string, { readonly from: string | null; readonly to: string | null; count: number }>();
  for (const { from, to, count } of months.flat()) {
    const key = JSON.stringify([from, to]);
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, { from, to, count });
    else cell.count += count;
  }
  return sortedMoves(cells.values());
};

const sortedMoves = (cells: Iterable<MoveCount>): readonly MoveCount[] =>
  [...cells].sort((a, b) => (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));

const sortedRecord = (counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> =>
  Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * How far a policy thinks a customer is on the way out, for ranking: a flagged one before all others, then the worse segment
 * of the main dimension (later in the policy's order), then more closed periods in a row in it.
 */
export const exitRank = (plan: PlanRow, isFlagged: boolean, policy: Policy): number => {
  const placement = plan.next.placements[policy.mainDimension];
  const order = policy.dimensions[policy.mainDimension]?.segmentOrder ?? [];
  const position = placement === undefined ? 0 : order.indexOf(placement.actual) + 1;
  const periods = Math.min(placement?.periods ?? 0, PERIODS - 1);
  return ((isFlagged ? SEGMENTS : 0) + Math.min(position, SEGMENTS - 1)) * PERIODS + periods;
};

const SEGMENTS = 10_000;
const PERIODS = 10_000;

/** The customers of one month, whether each had the outcome, and who was picked out. Columns by observation. */
export interface JudgedMonth {
  /** Number of the customer in the history. */
  readonly customers: Uint32Array;
  /** 1: had the outcome. */
  readonly positive: Uint8Array;
  /** 1: proposed. */
  readonly proposed: Uint8Array;
  /** 1: proposed and within the capacity. */
  readonly opened: Uint8Array;
  readonly rankings: {
    /** Null for upgrades: a policy ranks nobody for them. */
    readonly policy: Ranking | null;
    readonly recency: Ranking;
    readonly frequency: Ranking;
  };
}

/** A ranking by one plain figure, and what its first customers caught: as many as the policy flagged in the same month. */
export interface Judged extends SelectionFigures {
  readonly auc: number | null;
}

export interface Evaluation {
  /** Customer-months. */
  readonly n: number;
  /** Those with the outcome. */
  readonly positives: number;
  readonly policy: Judged;
  /** Only what the capacity had room for. */
  readonly opened: SelectionFigures;
  readonly recency: Judged;
  readonly frequency: Judged;
}

/** Judges one month, or several together: pairs and chance are always those of the same month. */
export const evaluate = (
  months: readonly JudgedMonth[],
  weightIn: (month: JudgedMonth) => Weight = alike,
): Evaluation => {
  const counted = months.map((month) => countMonth(month, weightIn(month)));
  const judged = (of: (month: MonthCounts) => { readonly counts: SelectionCounts; readonly pairs: Pairs }): Judged => {
    const all = counted.map(of);
    return { ...figuresOf(addCounts(all.map((one) => one.counts))), auc: areaUnderCurve(addPairs(all)) };
  };
  const policy = judged((month) => month.policy);
  return {
    n: policy.n,
    positives: policy.positives,
    policy,
    opened: figuresOf(addCounts(counted.map((month) => month.opened))),
    recency: judged((month) => month.recency),
    frequency: judged((month) => month.frequency),
  };
};

const alike = (): Weight => () => 1;

const NO_PAIRS: Pairs = { concordant: 0, pairs: 0 };

const addPairs = (all: readonly { readonly pairs: Pairs }[]): Pairs => ({
  concordant: all.reduce((sum, one) => sum + one.pairs.concordant, 0),
  pairs: all.reduce((sum, one) => sum + one.pairs.pairs, 0),
});

type MonthCounts = ReturnType<typeof countMonth>;

const countMonth = (month: JudgedMonth, weight: Weight) => {
  const { positive, rankings } = month;
  const totals = { n: 0, positives: 0, proposed: 0, caught: 0, opened: 0, openedCaught: 0 };
  for (let observation = 0; observation < positive.length; observation += 1) {
    const times = weight(observation);
    const had = positive[observation] === 1;
    totals.n += times;
    if (had) totals.positives += times;
    if (month.proposed[observation] === 1) {
      totals.proposed += times;
      if (had) totals.caught += times;
    }
    if (month.opened[observation] === 1) {
      totals.opened += times;
      if (had) totals.openedCaught += times;
    }
  }
  const { n, positives, proposed } = totals;
  const baseline = (ranking: Ranking) => ({
    counts: countSelection(n, positives, proposed, caughtAmongFirst(ranking, positive, proposed, weight)),
    pairs: comparePairs(ranking, positive, weight),
  });
  return {
    policy: {
      counts: countSelection(n, positives, proposed, totals.caught),
      pairs: rankings.policy === null ? NO_PAIRS : comparePairs(rankings.policy, positive, weight),
    },
    opened: countSelection(n, positives, totals.opened, totals.openedCaught),
    recency: baseline(rankings.recency),
    frequency: baseline(rankings.frequency),
  };
};
