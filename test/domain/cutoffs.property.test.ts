import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  collectRuns,
  cumulativeShareCutoffs,
  mergeRuns,
  quantileCutoffs,
  type ValueRun,
} from '#shared/domain/cutoffs.ts';

const figures = fc.array(fc.oneof(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -1e9, max: 1e9 })), {
  minLength: 1,
  maxLength: 200,
});
const manyTies = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 100 });
const values = fc.oneof(figures, manyTies);
const classes = fc.integer({ min: 2, max: 12 });
const levelOf = (value: number, cutoffs: readonly number[]): number => 1 + cutoffs.filter((cut) => cut < value).length;

/** Cuts a list into parts at random places. */
const inParts = <T>(list: readonly T[], cuts: readonly number[]): readonly (readonly T[])[] => {
  const ends = [...cuts.map((cut) => cut % (list.length + 1)), 0, list.length].sort((a, b) => a - b);
  return ends.slice(1).map((end, index) => list.slice(ends[index], end));
};

describe('statistics of a metric', () => {
  it('are the same however the customers are grouped, and in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 100 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (list, cuts) => {
          const parts = inParts(list, cuts).map((part) => collectRuns(part));
          const pairwise = parts.reduce<readonly ValueRun[]>((merged, part) => mergeRuns(part, merged), []);

          expect(mergeRuns(...parts)).toEqual(collectRuns(list));
          expect(pairwise).toEqual(collectRuns(list));
          expect(collectRuns(list.toReversed())).toEqual(collectRuns(list));
        },
      ),
    );
  });
});

describe('cut-offs of rank classes', () => {
  it('are the discrete quantiles of the sorted list', () => {
    fc.assert(
      fc.property(values, classes, (list, n) => {
        const sorted = list.toSorted((a, b) => a - b);
        const expected = Array.from(
          { length: n - 1 },
          (_, index) => sorted[Math.ceil(((index + 1) * list.length) / n) - 1],
        );

        expect(quantileCutoffs(collectRuns(list), n)).toEqual(expected);
      }),
    );
  });

  it('give equal values the same level and greater values no lower one', () => {
    fc.assert(
      fc.property(values, classes, (list, n) => {
        const cutoffs = quantileCutoffs(collectRuns(list), n);
        const levels = list.toSorted((a, b) => a - b).map((value) => levelOf(value, cutoffs));

        expect(levels).toEqual(levels.toSorted((a, b) => a - b));
        expect(Math.min(...levels)).toBe(1);
        expect(Math.max(...levels)).toBeLessThanOrEqual(n);
      }),
    );
  });

  it('rank the same when all money is multiplied', () => {
    fc.assert(
      fc.property(values, classes, fc.integer({ min: 1, max: 1000 }), (list, n, k) => {
        const cutoffs = quantileCutoffs(collectRuns(list), n);
        const scaled = quantileCutoffs(collectRuns(list.map((value) => value * k)), n);

        expect(list.map((value) => levelOf(value * k, scaled))).toEqual(list.map((value) => levelOf(value, cutoffs)));
      }),
    );
  });

  it('hold equal parts of the customers where no two are alike', () => {
    const cutoffs = quantileCutoffs(collectRuns(Array.from({ length: 100 }, (_, index) => index)), 5);

    expect(cutoffs).toEqual([19, 39, 59, 79]);
  });

  it('do not exist without a customer', () => {
    expect(quantileCutoffs([], 5)).toEqual([]);
  });
});

describe('cut-offs of Pareto classes', () => {
  it('name the smallest group of best customers that holds the share', () => {
    fc.assert(
      fc.property(values, fc.constantFrom([0.8, 0.95], [0.5], [0.2, 0.55, 0.9]), (list, shares) => {
        const positive = list.filter((value) => value > 0);
        const total = positive.reduce((sum, value) => sum + value, 0);
        const cutoffs = cumulativeShareCutoffs(collectRuns(list), shares);

        if (total === 0) {
          expect(cutoffs).toEqual([]);
          return;
        }
        expect(cutoffs).toEqual(cutoffs.toSorted((a, b) => a - b));
        for (const [index, share] of shares.entries()) {
          const cut = cutoffs[shares.length - 1 - index] ?? 0;
          const held = positive.filter((value) => value >= cut).reduce((sum, value) => sum + value, 0);
          const withoutTheLast = positive.filter((value) => value > cut).reduce((sum, value) => sum + value, 0);
          expect(held / total).toBeGreaterThanOrEqual(share - 1e-9);
          expect(withoutTheLast / total).toBeLessThan(share);
        }
      }),
    );
  });

  it('leave zero and negative values in the lowest class', () => {
    expect(cumulativeShareCutoffs(collectRuns([-100, 0, 0, 10, 90]), [0.8, 0.95])).toEqual([10, 90]);
    expect(cumulativeShareCutoffs(collectRuns([-100, 0]), [0.8])).toEqual([]);
  });
});
