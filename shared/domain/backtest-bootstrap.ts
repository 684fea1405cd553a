import type { Interval } from './survey-statistics.ts';

/** How often the customers are drawn anew. */
export const REPLICATES = 400;
const SEED = 19_970_101;

/** An interval counts for nothing where the figure was defined in fewer than this share of the draws. */
const LEAST_DEFINED = 0.9;

export interface Bootstrap {
  /** Draws the customers once. @param figures the figures when customer c counts `draws[c]` times; always in the same order */
  draw(figures: (draws: Uint32Array) => readonly (number | null)[]): void;
  /** One interval per figure; null where the figure is hardly ever defined, or there is no customer. */
  intervals(): readonly (Interval | null)[];
}

/**
 * 95 % percentile intervals of figures over customers who are seen in several months. Whole customers are drawn with
 * replacement, with all their months, since months of one customer are not independent (cluster bootstrap: Efron and
 * Tibshirani 1993, chapter 13 for the percentiles; Field and Welsh 2007 for clusters). The seed is fixed: the same input
 * gives the same interval.
 *
 * @param customers how many there are, named 0..customers − 1
 */
export const newBootstrap = (customers: number): Bootstrap => {
  const random = seededUniform(SEED);
  const found: number[][] = [];
  const draws = new Uint32Array(customers);
  let replicates = 0;
  return {
    draw: (figures) => {
      replicates += 1;
      draws.fill(0);
      for (let draw = 0; draw < customers; draw += 1) {
        const customer = Math.floor(random() * customers);
        draws[customer] = (draws[customer] ?? 0) + 1;
      }
      for (const [index, value] of figures(draws).entries()) {
        const values = found[index] ?? [];
        found[index] = values;
        if (value !== null) values.push(value);
      }
    },
    intervals: () =>
      found.map((values) => (customers > 0 && values.length >= LEAST_DEFINED * replicates ? middle95(values) : null)),
  };
};

/** The middle 95 % of values; null where there are none. */
export const percentileInterval = (values: readonly number[]): Interval | null =>
  values.length === 0 ? null : middle95(values);

const middle95 = (values: readonly number[]): Interval => {
  const sorted = Float64Array.from(values).sort();
  return { low: quantileOf(sorted, 0.025), high: quantileOf(sorted, 0.975) };
};

/** Linear between the two nearest values (type 7 of Hyndman and Fan 1996). The values ascend and are not empty. */
export const quantileOf = (sorted: ArrayLike<number>, share: number): number => {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
};

/** Uniform in [0, 1), the same sequence for the same seed everywhere: a 32-bit counter put through a mixing function. */
export const seededUniform = (seed: number): (() => number) => {
  let counter = seed >>> 0;
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let mixed = counter;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
};
