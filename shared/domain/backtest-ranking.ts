/** How well a figure picks out customers, by counts alone. Observations are customers of one month, named by their index. */

/** The order of observations by a score, the highest first; equal scores stand together. */
export interface Ranking {
  /** Indexes of observations. */
  readonly order: Uint32Array;
  /** Where in `order` each group of equal scores ends, exclusive. Ascending; the last one is the number of observations. */
  readonly ends: Uint32Array;
}

/** How often each observation counts; without it every one counts once. */
export type Weight = (observation: number) => number;

const once: Weight = () => 1;

/** Ranks observations by score, one score each. Infinite scores are allowed, NaN is not. */
export const rank = (scores: ArrayLike<number>): Ranking => {
  const at = (index: number): number => scores[index] ?? 0;
  const order = Uint32Array.from({ length: scores.length }, (_, index) => index).sort((a, b) => {
    const [x, y] = [at(a), at(b)];
    return x === y ? a - b : x > y ? -1 : 1;
  });
  const ends: number[] = [];
  for (let place = 0; place < order.length; place += 1) {
    if (place + 1 === order.length || at(order[place] ?? 0) !== at(order[place + 1] ?? 0)) ends.push(place + 1);
  }
  return { order, ends: Uint32Array.from(ends) };
};

/** Pairs of one observation with the outcome and one without; both figures add up over months. */
export interface Pairs {
  /** Pairs in which the one with the outcome has the higher score; equal scores count half. */
  readonly concordant: number;
  readonly pairs: number;
}

/**
 * Compares each observation that has the outcome with each that has not (Mann and Whitney): `concordant / pairs` is the area
 * under the ROC curve (Hanley and McNeil 1982).
 */
export const comparePairs = (ranking: Ranking, positive: ArrayLike<number>, weight: Weight = once): Pairs => {
  let concordant = 0;
  let above = 0;
  let negatives = 0;
  let start = 0;
  for (const end of ranking.ends) {
    let positivesHere = 0;
    let negativesHere = 0;
    for (let place = start; place < end; place += 1) {
      const observation = ranking.order[place] ?? 0;
      if (positive[observation] === 1) positivesHere += weight(observation);
      else negativesHere += weight(observation);
    }
    concordant += negativesHere * (above + positivesHere / 2);
    above += positivesHere;
    negatives += negativesHere;
    start = end;
  }
  return { concordant, pairs: above * negatives };
};

/** Area under the ROC curve, 0..1, 0.5 for a ranking that says nothing. Null where all have the outcome, or none. */
export const areaUnderCurve = ({ concordant, pairs }: Pairs): number | null =>
  pairs === 0 ? null : concordant / pairs;

/**
 * How many with the outcome are among the first `count` of a ranking. Where the cut falls among equal scores, those are drawn
 * from blindly, so the expected number counts; it need not be whole.
 */
export const caughtAmongFirst = (
  ranking: Ranking,
  positive: ArrayLike<number>,
  count: number,
  weight: Weight = once,
): number => {
  let caught = 0;
  let room = count;
  let start = 0;
  for (const end of ranking.ends) {
    if (room <= 0) break;
    let positivesHere = 0;
    let here = 0;
    for (let place = start; place < end; place += 1) {
      const observation = ranking.order[place] ?? 0;
      here += weight(observation);
      if (positive[observation] === 1) positivesHere += weight(observation);
    }
    if (here > 0) caught += positivesHere * Math.min(1, room / here);
    room -= here;
    start = end;
  }
  return caught;
};

/** What a selection of customers caught, as counts that add up over months. */
export interface SelectionCounts {
  /** Observations. */
  readonly n: number;
  /** Observations with the outcome. */
  readonly positives: number;
  readonly flagged: number;
  /** Flagged ones with the outcome. */
  readonly caught: number;
  /** How many the same number drawn blindly in each month would have caught. */
  readonly byChance: number;
}

/** Figures of a selection; null where nothing was flagged or nobody had the outcome. */
export interface SelectionFigures extends SelectionCounts {
  /** Share of the flagged who had the outcome. */
  readonly precision: number | null;
  /** Share of those with the outcome who were flagged. */
  readonly recall: number | null;
  /** How many times as many were caught as by drawing the same number blindly in each month; 1 is no better than chance. */
  readonly lift: number | null;
}

export const countSelection = (n: number, positives: number, flagged: number, caught: number): SelectionCounts => ({
  n,
  positives,
  flagged,
  caught,
  byChance: n === 0 ? 0 : (flagged * positives) / n,
});

export const addCounts = (all: readonly SelectionCounts[]): SelectionCounts =>
  all.reduce(
    (sum, one) => ({
      n: sum.n + one.n,
      positives: sum.positives + one.positives,
      flagged: sum.flagged + one.flagged,
      caught: sum.caught + one.caught,
      byChance: sum.byChance + one.byChance,
    }),
    { n: 0, positives: 0, flagged: 0, caught: 0, byChance: 0 },
  );

export const figuresOf = (counts: SelectionCounts): SelectionFigures => ({
  ...counts,
  precision: ratio(counts.caught, counts.flagged),
  recall: ratio(counts.caught, counts.positives),
  lift: ratio(counts.caught, counts.byChance),
});

/** Null, not zero or infinite, where there is nothing to divide by. */
export const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
