import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BgNbdParameters,
  expectedPurchases,
  fitBgNbd,
  type PurchaseHistory,
  probabilityAlive,
} from '#shared/domain/bg-nbd.ts';
import { toDayNumber } from '#shared/domain/calendar.ts';
import { readCsv, readProjectFile } from './support.ts';

const LAST_DAY = '1997-09-30';
const PUBLISHED = JSON.parse(readProjectFile('../shared/data/expected_cdnow_sample.json'));

/** Histories of the CDNOW sample in weeks 0 to 39: two purchases on one day count once. */
const cdnow = (): (PurchaseHistory & { customers: number })[] => {
  const days = new Map<string, Set<number>>();
  for (const row of readCsv('../shared/data/cdnow_sample.csv')) {
    const { master_id: id = '', date = '' } = row;
    if (date > LAST_DAY) continue;
    days.set(id, (days.get(id) ?? new Set()).add(toDayNumber(date)));
  }
  return [...days.values()].map((set) => {
    const first = Math.min(...set);
    return {
      repeatPurchases: set.size - 1,
      lastPurchaseWeeks: (Math.max(...set) - first) / 7,
      ageWeeks: (toDayNumber(LAST_DAY) - first) / 7,
      customers: 1,
    };
  });
};

const NEW: PurchaseHistory = { repeatPurchases: 0, lastPurchaseWeeks: 0, ageWeeks: 0 };
const CDNOW_PARAMETERS: BgNbdParameters = { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

/** The formula as published, with the plain series of the hypergeometric function; good while nothing cancels. */
const asPublished = ({ r, alpha, a, b }: BgNbdParameters, history: PurchaseHistory, weeks: number): number => {
  const { repeatPurchases: x, lastPurchaseWeeks, ageWeeks } = history;
  const z = weeks / (alpha + ageWeeks + weeks);
  let term = 1;
  let series = 1;
  for (let n = 0; term > 1e-18 * series; n += 1) {
    term *= (((r + x + n) * (b + x + n)) / ((a + b + x - 1 + n) * (n + 1))) * z;
    series += term;
  }
  const bought = ((a + b + x - 1) / (a - 1)) * (1 - (1 - z) ** (r + x) * series);
  const left = x === 0 ? 0 : (a / (b + x - 1)) * ((alpha + ageWeeks) / (alpha + lastPurchaseWeeks)) ** (r + x);
  return bought / (1 + left);
};

/** A small generator of uniform numbers (mulberry32), so that simulated customers are the same in every test run. */
const uniformFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4_294_967_296;
  };
};

/** Gamma with scale 1: Marsaglia and Tsang (2000), with their boost for shapes below 1. */
const gammaFrom = (uniform: () => number, shape: number): number => {
  if (shape < 1) return gammaFrom(uniform, shape + 1) * uniform() ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const v = (1 + normal / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(uniform()) < (normal * normal) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
};

const simulated = (parameters: BgNbdParameters, customers: number, seed: number) => {
  const uniform = uniformFrom(seed);
  return Array.from({ length: customers }, () => {
    const rate = gammaFrom(uniform, parameters.r) / parameters.alpha;
    const toLeave = gammaFrom(uniform, parameters.a);
    const leaving = toLeave / (toLeave + gammaFrom(uniform, parameters.b));
    const ageWeeks = 40 + 20 * uniform();
    let week = 0;
    let lastPurchaseWeeks = 0;
    let repeatPurchases = 0;
    for (;;) {
      week += -Math.log(uniform()) / rate;
      if (!(week <= ageWeeks)) break;
      repeatPurchases += 1;
      lastPurchaseWeeks = week;
      if (uniform() < leaving) break;
    }
    return { repeatPurchases, lastPurchaseWeeks, ageWeeks, customers: 1 };
  });
};

const somePositive = (smallest: number, largest: number) =>
  fc.double({ min: Math.log(smallest), max: Math.log(largest), noNaN: true }).map((exponent) => Math.exp(exponent));
const someParameters = fc.record({
  r: somePositive(1e-4, 1e3),
  alpha: somePositive(1e-2, 1e4),
  a: somePositive(1e-4, 1e4),
  b: somePositive(1e-4, 1e4),
});
const someHistory = fc
  .record({
    repeatPurchases: fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 500 })),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    ageWeeks: fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.double({ min: 0, max: 5000, noNaN: true })),
  })
  .map(({ repeatPurchases, share, ageWeeks }) => ({
    repeatPurchases,
    lastPurchaseWeeks: repeatPurchases === 0 ? 0 : share * ageWeeks,
    ageWeeks,
  }));
const someWeeks = fc.oneof(fc.constant(0), somePositive(1e-9, 1), somePositive(1, 5000));

describe('BG/NBD on the CDNOW sample', () => {
  const histories = cdnow();
  const fit = fitBgNbd(histories);

  it('gives the published parameters and log-likelihood', () => {
    expect(histories).toHaveLength(PUBLISHED.customers);
    expect(histories.reduce((sum, one) => sum + one.repeatPurchases, 0)).toBe(
      PUBLISHED.repeat_transactions_calibration,
    );
    for (const name of ['r', 'alpha', 'a', 'b'] as const) {
      expect(Math.abs((fit?.[name] ?? 0) - PUBLISHED.bgnbd_params[name])).toBeLessThan(0.005);
    }
    expect(Math.abs((fit?.logLikelihood ?? 0) - -9582.4)).toBeLessThan(0.1);
    expect(fit?.customers).toBe(2357);
  });

  it('gives the published expectation for a customer with 2 repeat purchases', () => {
    const history = { repeatPurchases: 2, lastPurchaseWeeks: 30.43, ageWeeks: 38.86 };

    expect(expectedPurchases(fit ?? CDNOW_PARAMETERS, history, 39)).toBeCloseTo(1.226, 3);
    expect(expectedPurchases(CDNOW_PARAMETERS, history, 39)).toBeCloseTo(1.226, 3);
  });

  it.each([
    [0.1429, 0.0078],
    [1, 0.0532],
    [3, 0.1506],
    [31.8571, 1.0405],
    [32, 1.0437],
    [78, 1.8576],
  ])('expects from a new customer in %d weeks what was published: %d', (weeks, published) => {
    expect(Math.abs(expectedPurchases(fit ?? CDNOW_PARAMETERS, NEW, weeks) - published)).toBeLessThan(0.0005);
  });

  it('says how sure it is: standard errors match the spread of the likelihood around its top', () => {
    const errors = fit?.standardErrors;

    expect(errors?.r).toBeCloseTo(0.0126, 3);
    expect(errors?.alpha).toBeCloseTo(0.378, 2);
    expect(errors?.a).toBeCloseTo(0.186, 2);
    expect(errors?.b).toBeCloseTo(0.705, 2);
  });

  it('does not depend on the order of customers nor on how they are grouped', () => {
    const backwards = histories.toReversed();
    const doubled = [...histories, ...histories];
    const counted = histories.map((one) => ({ ...one, customers: 2 }));

    expect(fitBgNbd(backwards)).toEqual(fit);
    expect(fitBgNbd(doubled)).toEqual(fitBgNbd(counted));
  });

  it('measures time in any unit: only alpha follows it', () => {
    const inDays = fitBgNbd(
      histories.map((one) => ({
        ...one,
        lastPurchaseWeeks: one.lastPurchaseWeeks * 7,
        ageWeeks: one.ageWeeks * 7,
      })),
    );

    expect(inDays?.r).toBeCloseTo(fit?.r ?? 0, 5);
    expect((inDays?.alpha ?? 0) / 7).toBeCloseTo(fit?.alpha ?? 0, 4);
    expect(inDays?.a).toBeCloseTo(fit?.a ?? 0, 4);
    expect(inDays?.b).toBeCloseTo(fit?.b ?? 0, 4);
  });
});

describe('a fit', () => {
  it.each([
    { r: 0.25, alpha: 4, a: 0.8, b: 2.5 },
    { r: 1.5, alpha: 10, a: 1, b: 4 },
    { r: 5, alpha: 5, a: 2, b: 2 },
    { r: 0.8, alpha: 30, a: 0.5, b: 0.7 },
  ])('finds the parameters of simulated customers within 4 standard errors: %o', (parameters) => {
    const fit = fitBgNbd(simulated(parameters, 4000, 11));
    const errors = fit?.standardErrors;

    for (const name of ['r', 'alpha', 'a', 'b'] as const) {
      const away = Math.abs((fit?.[name] ?? Number.NaN) - parameters[name]);
      expect(away / (errors?.[name] ?? Number.NaN), name).toBeLessThan(4);
    }
  });

  it('is the top: no parameter a little higher or lower gives a better likelihood', () => {
    const sample = simulated({ r: 0.7, alpha: 8, a: 0.9, b: 3 }, 500, 3);
    const fit = fitBgNbd(sample);
    if (fit === null) throw new Error('no fit');
    const likelihoodOf = ({ r, alpha, a, b }: BgNbdParameters): number =>
      sample.reduce((sum, { repeatPurchases: x, lastPurchaseWeeks, ageWeeks }) => {
        let one = r * Math.log(alpha);
        for (let i = 0; i < x; i += 1) one += Math.log(((r + i) * (b + i)) / (a + b + i));
        const stayed = (alpha + ageWeeks) ** -(r + x);
        const left = x === 0 ? 0 : (a / (b + x - 1)) * (alpha + lastPurchaseWeeks) ** -(r + x);
        return sum + one + Math.log(stayed + left);
      }, 0);

    expect(likelihoodOf(fit)).toBeCloseTo(fit.logLikelihood, 8);
    for (const name of ['r', 'alpha', 'a', 'b'] as const) {
      for (const factor of [0.9, 0.99, 1.01, 1.1]) {
        expect(likelihoodOf({ ...fit, [name]: fit[name] * factor })).toBeLessThan(fit.logLikelihood);
      }
    }
  });

  it('is null where there is nothing to fit: nobody, or nobody who came back', () => {
    expect(fitBgNbd([])).toBeNull();
    expect(fitBgNbd([{ ...NEW, ageWeeks: 20, customers: 1000 }])).toBeNull();
  });

  it('ends at its bounds, without standard errors, where customers do not differ', () => {
    const clockwork = fitBgNbd([{ repeatPurchases: 10, lastPurchaseWeeks: 10, ageWeeks: 10.5, customers: 500 }]);

    expect(clockwork?.standardErrors).toBeNull();
    const next = expectedPurchases(
      clockwork ?? CDNOW_PARAMETERS,
      { repeatPurchases: 10, lastPurchaseWeeks: 10, ageWeeks: 10.5 },
      10.5,
    );
    expect(next).toBeGreaterThan(9);
    expect(next).toBeLessThan(11);
  });

  it('is finite for the oddest customers', () => {
    fc.assert(
      fc.property(fc.array(someHistory, { minLength: 1, maxLength: 12 }), (histories) => {
        const fit = fitBgNbd(histories.map((one) => ({ ...one, customers: 1 })));
        if (fit === null) return;
        for (const value of [fit.r, fit.alpha, fit.a, fit.b]) expect(value > 0 && Number.isFinite(value)).toBe(true);
        expect(Number.isFinite(fit.logLikelihood)).toBe(true);
        expect(expectedPurchases(fit, histories[0] ?? NEW, 52)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [{ repeatPurchases: 1.5, lastPurchaseWeeks: 1, ageWeeks: 2, customers: 1 }],
    [{ repeatPurchases: -1, lastPurchaseWeeks: 0, ageWeeks: 2, customers: 1 }],
    [{ repeatPurchases: 1, lastPurchaseWeeks: 3, ageWeeks: 2, customers: 1 }],
    [{ repeatPurchases: 1, lastPurchaseWeeks: 1, ageWeeks: Number.NaN, customers: 1 }],
    [{ repeatPurchases: 0, lastPurchaseWeeks: 0, ageWeeks: 2, customers: 0 }],
  ])('refuses an impossible history and says what is allowed: %o', (history) => {
    expect(() => fitBgNbd([history])).toThrow(/BG\/NBD cannot use .*; allowed are/);
  });
});

describe('expected purchases', () => {
  it('are those of the published formula wherever that can be computed', () => {
    const ordinary = fc.record({
      r: somePositive(0.05, 5),
      alpha: somePositive(1, 50),
      a: somePositive(0.1, 5).filter((a) => Math.abs(a - 1) > 0.05),
      b: somePositive(1.1, 8),
    });
    fc.assert(
      fc.property(
        ordinary,
        someHistory.filter((one) => one.repeatPurchases <= 20 && one.ageWeeks < 200),
        fc.double({ min: 5, max: 104, noNaN: true }),
        (parameters, history, weeks) => {
          const published = asPublished(parameters, history, weeks);
          expect(Math.abs(expectedPurchases(parameters, history, weeks) - published)).toBeLessThan(
            1e-8 * Math.max(1, published),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('need no care at a = 1, where the published formula divides by 0', () => {
    const at = (a: number) => expectedPurchases({ ...CDNOW_PARAMETERS, a }, { ...NEW, ageWeeks: 10 }, 39);

    expect(at(1)).toBeGreaterThan(at(1 + 1e-9));
    expect(at(1)).toBeLessThan(at(1 - 1e-9));
    expect(at(1)).toBeCloseTo(at(1 + 1e-9), 6);
  });

  it('are never negative, never NaN, always finite, and no more than if nobody ever left', () => {
    fc.assert(
      fc.property(someParameters, someHistory, someWeeks, (parameters, history, weeks) => {
        const expected = expectedPurchases(parameters, history, weeks);
        const mostly = ((parameters.r + history.repeatPurchases) * weeks) / (parameters.alpha + history.ageWeeks);
        expect(expected).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(expected)).toBe(true);
        expect(expected).toBeLessThanOrEqual(mostly * (1 + 1e-9));
      }),
      { numRuns: 200 },
    );
  });

  it('grow with the horizon', () => {
    fc.assert(
      fc.property(someParameters, someHistory, someWeeks, someWeeks, (parameters, history, some, more) => {
        const sooner = expectedPurchases(parameters, history, some);
        const later = expectedPurchases(parameters, history, some + more);
        expect(later).toBeGreaterThanOrEqual(sooner * (1 - 1e-12));
      }),
      { numRuns: 200 },
    );
  });

  it('are exact for the smallest horizons: rate times time', () => {
    const expected = expectedPurchases(CDNOW_PARAMETERS, { ...NEW, ageWeeks: 10 }, 1e-9);

    expect(expected / ((0.243 / 14.414) * 1e-9)).toBeCloseTo(1, 8);
  });

  it('are what simulated customers with that history then bought', () => {
    // All customers together: what is expected after week 30 against what simulated customers bought until week 60.
    const parameters = { r: 0.8, alpha: 8, a: 0.9, b: 3 };
    const uniform = uniformFrom(5);
    let expected = 0;
    let bought = 0;
    for (let customer = 0; customer < 20_000; customer += 1) {
      const rate = gammaFrom(uniform, parameters.r) / parameters.alpha;
      const toLeave = gammaFrom(uniform, parameters.a);
      const leaving = toLeave / (toLeave + gammaFrom(uniform, parameters.b));
      const weeks: number[] = [];
      for (let week = -Math.log(uniform()) / rate; week <= 60; week += -Math.log(uniform()) / rate) {
        weeks.push(week);
        if (uniform() < leaving) break;
      }
      const before = weeks.filter((week) => week <= 30);
      const history = { repeatPurchases: before.length, lastPurchaseWeeks: before.at(-1) ?? 0, ageWeeks: 30 };
      expected += expectedPurchases(parameters, history, 30);
      bought += weeks.length - before.length;
    }

    expect(Math.abs(expected / bought - 1)).toBeLessThan(0.03);
  });

  it('fall with silence, while a customer without a repeat purchase is alive for certain, so that alone says nothing', () => {
    const recent = { repeatPurchases: 4, lastPurchaseWeeks: 38, ageWeeks: 39 };
    const silent = { ...recent, lastPurchaseWeeks: 10 };

    expect(expectedPurchases(CDNOW_PARAMETERS, silent, 26)).toBeLessThan(
      expectedPurchases(CDNOW_PARAMETERS, recent, 26) / 3,
    );
    expect(probabilityAlive(CDNOW_PARAMETERS, { ...NEW, ageWeeks: 5000 })).toBe(1);
    expect(probabilityAlive(CDNOW_PARAMETERS, silent)).toBeLessThan(0.3);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuse a horizon of %d weeks', (weeks) => {
    expect(() => expectedPurchases(CDNOW_PARAMETERS, NEW, weeks)).toThrow(/horizon of .* weeks; allowed are/);
  });
});
