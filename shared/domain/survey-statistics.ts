/** Figures of surveys with their uncertainty. Shares and scores are fractions; a group without answers has no value. */

/** Two-sided 95 %. */
export const Z_95 = 1.959963984540054;

/** Groups with fewer answers are not shown, so that nobody can be recognised (R16). */
export const SMALLEST_SHOWN_GROUP = 5;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface NpsFigures {
  /** Number of answers; at least 1. */
  readonly n: number;
  readonly promoters: number;
  readonly passives: number;
  readonly detractors: number;
  /** Share of promoters minus share of detractors, −1..1. */
  readonly score: number;
  /** Of the plain formula: the root of (p + d − (p − d)²) / n. */
  readonly standardError: number;
  /** Adjusted Wald (Rocks 2016): three answers more, ¾ of them promoters and ¾ detractors. */
  readonly adjusted: { readonly score: number; readonly margin: number } & Interval;
}

/**
 * Net promoter score of answers 0..10: 9 and 10 promote, 0 to 6 detract. Null without answers.
 * The interval is clamped to −1..1; `margin` is not.
 */
export const npsOf = (answers: readonly number[]): NpsFigures | null => {
  const promoters = answers.filter((answer) => answer >= 9).length;
  const detractors = answers.filter((answer) => answer <= 6).length;
  return npsOfCounts({ n: answers.length, promoters, detractors });
};

/** The same from counts. */
export const npsOfCounts = (counts: {
  readonly n: number;
  readonly promoters: number;
  readonly detractors: number;
}): NpsFigures | null => {
  const { n, promoters, detractors } = counts;
  if (n === 0) return null;
  const plain = difference(promoters / n, detractors / n, n);
  const adjusted = adjustedNps(counts);
  const margin = Z_95 * Math.sqrt(adjusted.variance);
  return {
    n,
    promoters,
    passives: n - promoters - detractors,
    detractors,
    score: plain.score,
    standardError: Math.sqrt(plain.variance),
    adjusted: {
      score: adjusted.score,
      margin,
      low: Math.max(-1, adjusted.score - margin),
      high: Math.min(1, adjusted.score + margin),
    },
  };
};

export interface ShareFigures {
  readonly n: number;
  readonly positive: number;
  /** 0..1. */
  readonly share: number;
  /** Wilson score interval, within 0..1. */
  readonly interval: Interval;
}

/** Share of 4 and 5 among answers 1..5. Null without answers. */
export const csatOf = (answers: readonly number[]): ShareFigures | null =>
  shareOfCounts(answers.filter((answer) => answer >= 4).length, answers.length);

/** Share of 5, 6 and 7 among answers 1..7, where 7 agrees most that it was easy. Null without answers. */
export const cesOf = (answers: readonly number[]): ShareFigures | null =>
  shareOfCounts(answers.filter((answer) => answer >= 5).length, answers.length);

/** A share with its Wilson interval. Null where `n` is 0. */
export const shareOfCounts = (positive: number, n: number): ShareFigures | null => {
  if (n === 0) return null;
  const share = positive / n;
  const z2 = Z_95 * Z_95;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z_95 / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return {
    n,
    positive,
    share,
    // At 0 and n the bound is exact; computed, it misses by a rounding error.
    interval: {
      low: positive === 0 ? 0 : Math.max(0, centre - half),
      high: positive === n ? 1 : Math.min(1, centre + half),
    },
  };
};

export interface Comparison {
  /** Later minus earlier. */
  readonly difference: number;
  readonly z: number;
  /** Two-sided. */
  readonly pValue: number;
}

/** Whether a net promoter score changed: z on the difference of the adjusted scores (R18). Null where a group is empty. */
export const compareNps = (
  earlier: { readonly n: number; readonly promoters: number; readonly detractors: number },
  later: { readonly n: number; readonly promoters: number; readonly detractors: number },
): Comparison | null => (earlier.n === 0 || later.n === 0 ? null : compare(adjustedNps(earlier), adjustedNps(later)));

/** The same for shares, each with one success and one failure more (Agresti and Caffo). Null where a group is empty. */
export const compareShares = (
  earlier: { readonly n: number; readonly positive: number },
  later: { readonly n: number; readonly positive: number },
): Comparison | null => {
  if (earlier.n === 0 || later.n === 0) return null;
  const adjusted = ({ n, positive }: { readonly n: number; readonly positive: number }) => {
    const score = (positive + 1) / (n + 2);
    return { score, variance: (score * (1 - score)) / (n + 2) };
  };
  return compare(adjusted(earlier), adjusted(later));
};

/**
 * Which of several changes are significant at `level` together (Holm): with many segments some would seem to change by
 * chance. In the order given.
 */
export const significantTogether = (pValues: readonly number[], level = 0.05): readonly boolean[] => {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const significant = pValues.map(() => false);
  for (const [rank, { p, index }] of order.entries()) {
    if (p > level / (pValues.length - rank)) break;
    significant[index] = true;
  }
  return significant;
};

/**
 * The p-values of several comparisons corrected for their number (Holm 1979): the k-th smallest of m times m − k + 1, never
 * below a smaller one's, at most 1. `adjusted ≤ level` holds just for those that `significantTogether` names. In the order given.
 */
export const adjustedTogether = (pValues: readonly number[]): readonly number[] => {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const adjusted = pValues.map(() => 1);
  let largest = 0;
  for (const [rank, { p, index }] of order.entries()) {
    largest = Math.max(largest, Math.min(1, p * (pValues.length - rank)));
    adjusted[index] = largest;
  }
  return adjusted;
};

/**
 * Which groups may be shown (R16): those with at least five answers. Where the hidden ones have fewer than five together,
 * the total would reveal them, so the smallest of the others is hidden with them.
 */
export const shownGroups = (answers: Readonly<Record<string, number>>): Readonly<Record<string, boolean>> => {
  const names = Object.keys(answers);
  const hidden = new Set(names.filter((name) => (answers[name] ?? 0) < SMALLEST_SHOWN_GROUP));
  const revealing = [...hidden].filter((name) => (answers[name] ?? 0) > 0);
  const inHiding = revealing.reduce((sum, name) => sum + (answers[name] ?? 0), 0);
  if (revealing.length > 0 && inHiding < SMALLEST_SHOWN_GROUP) {
    const [smallest] = names
      .filter((name) => !hidden.has(name))
      .sort((a, b) => (answers[a] ?? 0) - (answers[b] ?? 0) || (a < b ? -1 : 1));
    if (smallest !== undefined) hidden.add(smallest);
  }
  return Object.fromEntries(names.map((name) => [name, !hidden.has(name)]));
};

interface Estimate {
  readonly score: number;
  readonly variance: number;
}

const difference = (p: number, d: number, n: number): Estimate => ({
  score: p - d,
  variance: Math.max(0, (p + d - (p - d) ** 2) / n),
});

const adjustedNps = ({
  n,
  promoters,
  detractors,
}: {
  readonly n: number;
  readonly promoters: number;
  readonly detractors: number;
}): Estimate => difference((promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3), n + 3);

const compare = (earlier: Estimate, later: Estimate): Comparison => {
  const change = later.score - earlier.score;
  const z = change / Math.sqrt(earlier.variance + later.variance);
  return { difference: change, z, pValue: twoSided(z) };
};

/** The two-sided p-value of a standard normal figure; 1 at 0. */
export const twoSided = (z: number): number => Math.min(1, 2 * normalTail(Math.abs(z)));

/** Upper tail of the standard normal distribution for z ≥ 0; absolute error below 7.5e-8 (Abramowitz and Stegun 26.2.17). */
const normalTail = (z: number): number => {
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
};
