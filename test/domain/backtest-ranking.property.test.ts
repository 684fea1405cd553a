import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newBootstrap, quantileOf } from '#shared/domain/backtest-bootstrap.ts';
import {
  addCounts,
  areaUnderCurve,
  caughtAmongFirst,
  comparePairs,
  countSelection,
  figuresOf,
  rank,
} from '#shared/domain/backtest-ranking.ts';

/** Scores with many ties, and who had the outcome. */
const observations = fc.array(
  fc.record({ score: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true })), positive: fc.boolean() }),
  { maxLength: 40 },
);
const columns = (all: readonly { readonly score: number; readonly positive: boolean }[]) => ({
  scores: all.map((one) => one.score),
  positive: all.map((one) => Number(one.positive)),
});

describe('the area under the ROC curve', () => {
  it('is the share of pairs in the right order, equal scores counted half', () => {
    fc.assert(
      fc.property(observations, (all) => {
        const { scores, positive } = columns(all);
        let right = 0;
        let pairs = 0;
        for (const one of all) {
          for (const other of all) {
            if (!one.positive || other.positive) continue;
            pairs += 1;
            right += one.score > other.score ? 1 : one.score === other.score ? 0.5 : 0;
          }
        }

        expect(comparePairs(rank(scores), positive)).toEqual({ concordant: right, pairs });
        expect(areaUnderCurve({ concordant: right, pairs })).toBe(pairs === 0 ? null : right / pairs);
      }),
    );
  });

  it('does not change when scores are put through a rising function, and is turned round by a falling one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ score: fc.integer({ min: -50, max: 50 }), positive: fc.boolean() }), { maxLength: 40 }),
        (all) => {
          const { scores, positive } = columns(all);
          const area = areaUnderCurve(comparePairs(rank(scores), positive));
          const risen = rank(scores.map((score) => score ** 3 + 2 * score - 7));
          const fallen = areaUnderCurve(comparePairs(rank(scores.map((score) => -score)), positive));

          expect(areaUnderCurve(comparePairs(risen, positive))).toBe(area);
          if (area === null) expect(fallen).toBeNull();
          else expect(fallen).toBeCloseTo(1 - area, 12);
        },
      ),
    );
  });

  it('counts a customer who is drawn twice like two customers', () => {
    fc.assert(
      fc.property(
        observations,
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 40, maxLength: 40 }),
        (all, times) => {
          const repeated = columns(all.flatMap((one, index) => Array.from({ length: times[index] ?? 0 }, () => one)));
          const { scores, positive } = columns(all);
          const weight = (index: number): number => times[index] ?? 0;

          expect(comparePairs(rank(scores), positive, weight)).toEqual(
            comparePairs(rank(repeated.scores), repeated.positive),
          );
          for (const count of [0, 1, 5]) {
            expect(caughtAmongFirst(rank(scores), positive, count, weight)).toBeCloseTo(
              caughtAmongFirst(rank(repeated.scores), repeated.positive, count),
              10,
            );
          }
        },
      ),
    );
  });

  it('is undefined, and not a half, where all or none had the outcome', () => {
    expect(areaUnderCurve(comparePairs(rank([1, 2]), [1, 1]))).toBeNull();
    expect(areaUnderCurve(comparePairs(rank([1, 2]), [0, 0]))).toBeNull();
    expect(areaUnderCurve(comparePairs(rank([]), []))).toBeNull();
  });
});

describe('picking the first of a ranking', () => {
  it('catches the average over all ways to order equal scores', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ score: fc.integer({ min: 0, max: 1 }), positive: fc.boolean() }), { maxLength: 6 }),
        fc.nat({ max: 6 }),
        (all, wanted) => {
          const { scores, positive } = columns(all);
          const count = Math.min(wanted, all.length);
          const orders = permutations(all.map((_, index) => index)).filter((order) =>
            order.every((index, place) => place === 0 || (scores[order[place - 1] ?? 0] ?? 0) >= (scores[index] ?? 0)),
          );
          const caught = orders.map((order) =>
            order.slice(0, count).reduce((sum, index) => sum + (positive[index] ?? 0), 0),
          );

          expect(caughtAmongFirst(rank(scores), positive, count)).toBeCloseTo(
            caught.reduce((sum, one) => sum + one, 0) / orders.length,
            10,
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

const permutations = (items: readonly number[]): readonly (readonly number[])[] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item) => permutations(items.filter((one) => one !== item)).map((rest) => [item, ...rest]));

describe('precision, recall and lift', () => {
  it('follow from the four counts', () => {
    expect(figuresOf(countSelection(100, 20, 10, 6))).toEqual({
      n: 100,
      positives: 20,
      flagged: 10,
      caught: 6,
      byChance: 2,
      precision: 0.6,
      recall: 0.3,
      lift: 3,
    });
  });

  it('have lift 1 and recall 1 where everybody is flagged, also over several months', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.integer({ min: 1, max: 500 }).chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 1, max: n }))),
          { minLength: 1, maxLength: 5 },
        ),
        (months) => {
          const { lift, recall } = figuresOf(
            addCounts(months.map(([n, positives]) => countSelection(n, positives, n, positives))),
          );

          expect(lift).toBeCloseTo(1, 12);
          expect(recall).toBe(1);
        },
      ),
    );
  });

  it('are undefined, and not zero, without a flag or without the outcome', () => {
    expect(figuresOf(countSelection(10, 3, 0, 0))).toMatchObject({ precision: null, recall: 0, lift: null });
    expect(figuresOf(countSelection(10, 0, 3, 0))).toMatchObject({ precision: 0, recall: null, lift: null });
    expect(figuresOf(addCounts([]))).toMatchObject({ n: 0, precision: null, recall: null, lift: null });
  });
});

describe('the interval from drawing customers anew', () => {
  const intervalOf = (values: readonly (number | null)[]) => {
    const bootstrap = newBootstrap(values.length);
    for (let replicate = 0; replicate < 400; replicate += 1) {
      bootstrap.draw((draws) => {
        let sum = 0;
        let count = 0;
        for (const [customer, value] of values.entries()) {
          const times = draws[customer] ?? 0;
          if (value === null || times === 0) continue;
          sum += times * value;
          count += times;
        }
        return [count === 0 ? null : sum / count];
      });
    }
    return bootstrap.intervals()[0] ?? null;
  };

  it('is near mean ± 1.96 standard errors for a share of 200 independent customers', () => {
    const values = Array.from({ length: 200 }, (_, index) => (index % 4 === 0 ? 1 : 0));
    const half = 1.96 * Math.sqrt((0.25 * 0.75) / 200);
    const interval = intervalOf(values);

    expect(interval?.low).toBeGreaterThan(0.25 - 1.25 * half);
    expect(interval?.low).toBeLessThan(0.25 - 0.75 * half);
    expect(interval?.high).toBeLessThan(0.25 + 1.25 * half);
    expect(interval?.high).toBeGreaterThan(0.25 + 0.75 * half);
    expect(intervalOf(values)).toEqual(interval);
  });

  it('has no width where all customers are alike, and is undefined where there is hardly ever a figure', () => {
    expect(intervalOf([3, 3, 3])).toEqual({ low: 3, high: 3 });
    expect(intervalOf([1, ...Array.from({ length: 20 }, () => null)])).toBeNull();
    expect(intervalOf([])).toBeNull();
  });

  it('takes quantiles linearly between values', () => {
    expect(quantileOf([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantileOf([7], 0.975)).toBe(7);
  });
});
