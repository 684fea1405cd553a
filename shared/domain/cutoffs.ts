/** A value, how many customers have it, and what they have together (`value × count`). */
export interface ValueRun {
  readonly value: number;
  readonly count: number;
  readonly sum: number;
}

/**
 * Exact, mergeable statistics of a metric: runs ascending by value, each value once, never more than there are customers.
 * The sum is always the product, not an accumulation, so that merging in any grouping gives the same bits.
 */
export const collectRuns = (values: Iterable<number>): readonly ValueRun[] => {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value + 0, (counts.get(value + 0) ?? 0) + 1);
  return runsOfCounts(counts);
};

/** Runs from counts by value. */
export const runsOfCounts = (counts: ReadonlyMap<number, number>): readonly ValueRun[] =>
  [...counts].sort(([a], [b]) => a - b).map(([value, count]) => ({ value, count, sum: value * count + 0 }));

/** Merges any number of run lists; the order and grouping of the lists do not matter. */
export const mergeRuns = (...lists: readonly (readonly ValueRun[])[]): readonly ValueRun[] => {
  const counts = new Map<number, number>();
  for (const list of lists) for (const { value, count } of list) counts.set(value, (counts.get(value) ?? 0) + count);
  return runsOfCounts(counts);
};

export const countOfRuns = (runs: readonly ValueRun[]): number => runs.reduce((sum, run) => sum + run.count, 0);

/**
 * The `n − 1` cut-offs of `n` rank classes: `c_k` is the smallest value whose cumulative count is at least `⌈k·N/n⌉`, which
 * is DuckDB's and PostgreSQL's discrete quantile. Ascending; equal neighbours are possible. Empty without a value.
 */
export const quantileCutoffs = (runs: readonly ValueRun[], n: number): readonly number[] => {
  const total = countOfRuns(runs);
  if (total === 0) return [];
  const cutoffs: number[] = [];
  let index = 0;
  let cumulative = runs[0]?.count ?? 0;
  for (let k = 1; k < n; k += 1) {
    const needed = Math.ceil((k * total) / n);
    while (cumulative < needed) {
      index += 1;
      cumulative += runs[index]?.count ?? 0;
    }
    cutoffs.push(runs[index]?.value ?? 0);
  }
  return cutoffs;
};

/**
 * Cut-offs of Pareto classes, ascending. For each share, the largest value `v` such that the customers with `v` or more
 * together hold at least that share of the total; a customer is above a cut-off if its value is equal or greater, so
 * customers with the same value stay together. Only positive values make up the total: zero and negative ones always are
 * in the lowest class. Empty where nothing is positive.
 */
export const cumulativeShareCutoffs = (runs: readonly ValueRun[], shares: readonly number[]): readonly number[] => {
  const positive = runs.filter((run) => run.value > 0).toReversed();
  const total = positive.reduce((sum, run) => sum + run.sum, 0);
  if (total === 0) return [];
  // A share such as 0.55 is no binary fraction; without the allowance 55 of 100 could miss it.
  const reached = (cumulative: number, share: number): boolean => cumulative >= share * total * (1 - 1e-12);
  const cutoffs: number[] = [];
  let cumulative = 0;
  let next = 0;
  for (const run of positive) {
    cumulative += run.sum;
    while (next < shares.length && reached(cumulative, shares[next] ?? 1)) {
      cutoffs.push(run.value);
      next += 1;
    }
  }
  return cutoffs.reverse();
};

/**
 * The sum of the positive values, exact to the sixth decimal place at which figures are kept: summed as whole millionths, so
 * that neither order nor grouping can matter. 0 where nothing is positive.
 */
export const positiveTotal = (runs: readonly ValueRun[]): number => {
  let millionths = 0n;
  for (const { value, count } of runs) if (value > 0) millionths += inMillionths(value) * BigInt(count);
  const total = millionths % MILLION === 0n ? Number(millionths / MILLION) : Number(millionths) / Number(MILLION);
  return Math.min(total, Number.MAX_VALUE);
};

const MILLION = 1_000_000n;

const inMillionths = (value: number): bigint =>
  Number.isInteger(value) ? BigInt(value) * MILLION : BigInt(Math.round(value * Number(MILLION)));
