/** What a benchmark reports: a figure against its budget. Budgets are in docs/benchmarks.md. */
export interface Figure {
  readonly name: string;
  readonly actual: number;
  /** Largest value that is within the budget; null where the figure only describes. */
  readonly budget: number | null;
  readonly unit: string;
  readonly note?: string;
}

export interface BenchOptions {
  readonly customers: number;
  /** Pairs of measurements; the median ratio counts. */
  readonly pairs: number;
}

export type Bench = (options: BenchOptions, progress: (what: string) => void) => Promise<readonly Figure[]>;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

/**
 * Times two pieces of work by turns, the order changing from pair to pair, so that a noisy machine troubles both alike.
 *
 * @returns the median ratio of the first to the second, and the median times in milliseconds
 */
export const paired = async (
  pairs: number,
  first: () => unknown,
  second: () => unknown,
): Promise<{ readonly ratio: number; readonly firstMs: number; readonly secondMs: number }> => {
  const ratios: number[] = [];
  const times: { readonly first: number; readonly second: number }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const isFirstFirst = pair % 2 === 0;
    const a = await timed(isFirstFirst ? first : second);
    const b = await timed(isFirstFirst ? second : first);
    const time = isFirstFirst ? { first: a, second: b } : { first: b, second: a };
    times.push(time);
    ratios.push(time.first / time.second);
  }
  return {
    ratio: median(ratios),
    firstMs: median(times.map((time) => time.first)),
    secondMs: median(times.map((time) => time.second)),
  };
};

const timed = async (work: () => unknown): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};
