import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cesOf,
  compareNps,
  compareShares,
  csatOf,
  npsOf,
  npsOfCounts,
  shareOfCounts,
  shownGroups,
  significantTogether,
} from '#shared/domain/survey-statistics.ts';
import { readCsv } from './support.ts';

describe('the net promoter score', () => {
  it('R17 of ten promoters is 76.9 ± 29.4, not 100 ± 0', () => {
    const figures = npsOf(Array.from({ length: 10 }, () => 10));

    expect((figures?.adjusted.score ?? 0) * 100).toBeCloseTo(76.9, 1);
    expect((figures?.adjusted.margin ?? 0) * 100).toBeCloseTo(29.4, 1);
    expect(figures?.score).toBe(1);
  });

  it('R17 has no value without answers', () => {
    expect(npsOf([])).toBeNull();
    expect(csatOf([])).toBeNull();
    expect(cesOf([])).toBeNull();
  });

  it('of the published test data is 0.100 with a standard error of 0.028531', () => {
    const answers = readCsv('../shared/data/nps_testdata.csv').map((row) => Number(row['recommend_0_10']));
    const figures = npsOf(answers);

    expect(figures).toMatchObject({ n: 1000, promoters: 462, passives: 176, detractors: 362 });
    expect(figures?.score).toBeCloseTo(0.1, 12);
    expect(figures?.standardError).toBeCloseTo(0.028531, 6);
  });

  it.each([
    [10, 23, 42],
    [30, 27, 27],
    [100, 29, 15],
  ])('of %i answers with half promoters and a fifth detractors is %i ± %i', (n, score, margin) => {
    const figures = npsOfCounts({ n, promoters: n * 0.5, detractors: n * 0.2 });

    expect(Math.round((figures?.adjusted.score ?? 0) * 100)).toBe(score);
    expect(Math.round((figures?.adjusted.margin ?? 0) * 100)).toBe(margin);
  });

  it('lies between −1 and 1, and so does its interval, around the adjusted score', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 1, maxLength: 60 }), (answers) => {
        const figures = npsOf(answers);
        if (figures === null) throw new Error('no figures');

        expect(Math.abs(figures.score)).toBeLessThanOrEqual(1);
        expect(figures.adjusted.low).toBeGreaterThanOrEqual(-1);
        expect(figures.adjusted.high).toBeLessThanOrEqual(1);
        expect(figures.adjusted.low).toBeLessThanOrEqual(figures.adjusted.score);
        expect(figures.adjusted.high).toBeGreaterThanOrEqual(figures.adjusted.score);
        expect(figures.promoters + figures.passives + figures.detractors).toBe(figures.n);
      }),
    );
  });
});

describe('shares of satisfied customers', () => {
  it('R17 have the Wilson interval: 9 of 10 is 0.596 to 0.982', () => {
    const { interval } = csatOf([5, 5, 5, 4, 4, 4, 5, 5, 5, 3]) ?? { interval: { low: 0, high: 0 } };

    expect(interval.low).toBeCloseTo(0.596, 3);
    expect(interval.high).toBeCloseTo(0.982, 3);
  });

  it('reach exactly 0 and 1 where nobody or everybody is satisfied', () => {
    expect(shareOfCounts(0, 5)?.interval.low).toBe(0);
    expect(shareOfCounts(0, 5)?.interval.high).toBeCloseTo(0.43, 2);
    expect(shareOfCounts(10, 10)?.interval.high).toBe(1);
    expect(shareOfCounts(10, 10)?.interval.low).toBeCloseTo(0.72, 2);
  });

  it('count 5, 6 and 7 as easy', () => {
    expect(cesOf([1, 4, 5, 6, 7])).toMatchObject({ n: 5, positive: 3, share: 0.6 });
  });
});

describe('a change between two waves', () => {
  const wave = (n: number, score: number) => ({
    n,
    promoters: n * (0.5 + score / 2),
    detractors: n * (0.2 - score / 2),
  });

  it('R18 of 21.6 points is just significant at 100 answers each', () => {
    expect(compareNps(wave(100, 0), wave(100, 0.216))?.pValue).toBeLessThan(0.055);
    expect(compareNps(wave(100, 0), wave(100, 0.18))?.pValue).toBeGreaterThan(0.05);
  });

  it('R18 is none where nothing changed, and has no value without answers', () => {
    expect(compareNps(wave(50, 0), wave(50, 0))).toMatchObject({ difference: 0, z: 0 });
    expect(compareNps(wave(50, 0), wave(50, 0))?.pValue).toBeCloseTo(1, 6);
    expect(compareNps(wave(0, 0), wave(50, 0))).toBeNull();
    expect(compareShares({ n: 0, positive: 0 }, { n: 5, positive: 1 })).toBeNull();
    expect(compareShares({ n: 100, positive: 50 }, { n: 100, positive: 70 })?.pValue).toBeLessThan(0.01);
  });

  it('R18 in one of twenty segments must be clearer to count', () => {
    const twenty = [0.01, ...Array.from({ length: 19 }, () => 0.5)];

    expect(significantTogether([0.01])).toEqual([true]);
    expect(significantTogether(twenty)[0]).toBe(false);
    expect(significantTogether([0.03, 0.001, 0.02])).toEqual([true, true, true]);
    expect(significantTogether([0.03, 0.001, 0.04])).toEqual([false, true, false]);
  });
});

describe('small groups', () => {
  it('R16 are hidden, and with them the group that would reveal them', () => {
    expect(shownGroups({ a: 20, b: 8, c: 3 })).toEqual({ a: true, b: false, c: false });
    expect(shownGroups({ a: 20, b: 8, c: 3, d: 4 })).toEqual({ a: true, b: true, c: false, d: false });
    expect(shownGroups({ a: 20, b: 5, c: 0 })).toEqual({ a: true, b: true, c: false });
  });
});
