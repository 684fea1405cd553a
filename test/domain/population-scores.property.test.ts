import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitBgNbd } from '#shared/domain/bg-nbd.ts';
import { calibrate, newCalibrator } from '#shared/domain/calibrate.ts';
import { inWeeks, scoreRow } from '#shared/domain/scores.ts';
import type { FrameRow, PurchaseDays } from '#shared/domain/standing.ts';
import { frameRow, policyFrom } from './support.ts';

const policy = policyFrom(`
policy: p
timeZone: UTC
currency: CNY
valueMetric: income
metrics:
  income: { trait: income, unit: money }
scores:
  branchShare: { shareOfTotal: true, of: income, within: branch, smallestPartition: 3 }
  wholeShare: { shareOfTotal: true, of: income }
  shareRank: { quantile: 3, of: branchShare, missing: 1 }
  expected: { expectedPurchases: { horizonDays: 273 } }
  expectedRank: { quantile: 4, of: expected, within: branch, smallestPartition: 3, missing: 2 }
  grade: { bands: [2, 3], of: shareRank }
dimensions:
  class:
    segments: { good: {}, bad: {} }
    rules: [{ segment: good, when: { grade: [3, 3], expectedRank: [2, 4] } }]
    rest: bad
`);

const someDays: fc.Arbitrary<PurchaseDays | null> = fc.option(
  fc
    .record({
      repeatDays: fc.nat(6),
      ageDays: fc.integer({ min: 8, max: 300 }),
      share: fc.double({ min: 0.1, max: 1, noNaN: true }),
    })
    .map(({ repeatDays, ageDays, share }) => ({
      repeatDays,
      lastPurchaseDays: repeatDays === 0 ? 0 : Math.max(repeatDays, Math.round(share * ageDays)),
      ageDays,
    })),
  { freq: 5 },
);
const someRows: fc.Arbitrary<readonly FrameRow[]> = fc
  .array(
    fc.record({
      branch: fc.constantFrom('a', 'b', 'c', null),
      income: fc.option(
        fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })),
      ),
      status: fc.constantFrom('active', 'active', 'active', 'closed'),
      purchaseDays: someDays,
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((list) =>
    list.map(({ branch, income, status, purchaseDays }, index) => {
      const rounded = income === null ? null : Math.round(income * 1e6) / 1e6;
      return frameRow({ subject: `s-${index}`, branch, status, metrics: { income: rounded }, purchaseDays });
    }),
  );

const inShards = (rows: readonly FrameRow[], shards: number, most?: number) => {
  const calibrator = newCalibrator(policy, most === undefined ? {} : { mostHistories: most });
  for (let round = 0; round < calibrator.rounds; round += 1) {
    for (let shard = shards - 1; shard >= 0; shard -= 1) {
      for (const [index, row] of rows.entries()) if (index % shards === shard) calibrator.add(row);
    }
    calibrator.finishRound();
  }
  return calibrator.result();
};

describe('scores that the whole population decides', () => {
  it('R29 are the same bits for any order of customers and any shards', () => {
    fc.assert(
      fc.property(someRows, fc.integer({ min: 1, max: 7 }), (rows, shards) => {
        const whole = calibrate(policy, rows);

        expect(JSON.stringify(inShards(rows, shards))).toBe(JSON.stringify(whole));
        expect(JSON.stringify(inShards(rows.toReversed(), shards))).toBe(JSON.stringify(whole));
      }),
      { numRuns: 60 },
    );
  });

  it('R29 fit purchases on the same customers in any order where there are more than the bound', () => {
    fc.assert(
      fc.property(someRows, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 12 }), (rows, shards, most) => {
        const model = inShards(rows, 1, most).purchaseModel;

        expect(JSON.stringify(inShards(rows.toReversed(), shards, most).purchaseModel)).toBe(JSON.stringify(model));
        expect(model?.customers ?? 0).toBeLessThanOrEqual(most);
      }),
      { numRuns: 60 },
    );
  });

  it('fit purchases as the model does on the list of active customers with a purchase', () => {
    fc.assert(
      fc.property(someRows, (rows) => {
        const histories = rows
          .filter((row) => row.status === 'active')
          .flatMap((row) => (row.purchaseDays ? [{ ...inWeeks(row.purchaseDays), customers: 1 }] : []));
        const fitted = fitBgNbd(histories);
        const { purchaseModel } = calibrate(policy, rows);

        expect(purchaseModel?.customers ?? 0).toBe(fitted?.customers ?? 0);
        if (fitted !== null) expect(purchaseModel?.logLikelihood).toBeCloseTo(fitted.logLikelihood, 6);
      }),
      { numRuns: 60 },
    );
  });
});

describe('shares of a total', () => {
  it('of the positive add up to 1 in each branch that is large enough, and are missing in the others', () => {
    fc.assert(
      fc.property(someRows, (rows) => {
        const calibration = calibrate(policy, rows);
        for (const branch of ['a', 'b', 'c']) {
          const known = rows.filter(
            (row) => row.branch === branch && row.status === 'active' && row.metrics['income'] !== null,
          );
          const shares = known.map((row) => scoreRow(row, policy, calibration)['branchShare'] ?? null);
          const positive = shares.filter((share) => share !== null).filter((share) => share > 0);

          if (known.length < 3) expect(shares.every((share) => share === null)).toBe(true);
          else if (known.some((row) => Number(row.metrics['income']) > 0)) {
            expect(positive.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
          } else expect(shares.every((share) => share === null)).toBe(true);
        }
      }),
    );
  });

  it('are known figures where the branch is known, negative for who lost, and missing without a branch', () => {
    const of = (branch: string | null, income: number | null) => frameRow({ branch, metrics: { income } });
    const rows = [of('a', 100), of('a', 300), of('a', -40), of('b', 7), of(null, 5), of('a', null)];
    const calibration = calibrate(policy, rows);
    const shares = (name: string) => rows.map((row) => scoreRow(row, policy, calibration)[name]);

    expect(shares('branchShare')).toEqual([0.25, 0.75, -0.1, null, null, null]);
    expect(shares('wholeShare')).toEqual([0.242718, 0.728155, -0.097087, 0.01699, 0.012136, null]);
  });
});

describe('a customer whose figure is missing', () => {
  it('gets the level that the policy names for the missing, and only then', () => {
    const rows = [
      frameRow({ branch: 'a', metrics: { income: 5 } }),
      frameRow({ branch: 'a', metrics: { income: null } }),
      frameRow({ branch: 'a', metrics: { income: 50 }, purchaseDays: null }),
      frameRow({ branch: 'a', metrics: { income: 500 } }),
    ];
    const calibration = calibrate(policy, rows);
    const scores = rows.map((row) => scoreRow(row, policy, calibration));

    expect(calibration.purchaseModel).toBeNull();
    expect(scores.map((score) => score['expected'])).toEqual([null, null, null, null]);
    expect(scores.map((score) => score['expectedRank'])).toEqual([2, 2, 2, 2]);
    expect(scores.map((score) => score['shareRank'])).toEqual([1, 1, 2, 3]);
    expect(scores.map((score) => score['grade'])).toEqual([1, 1, 2, 3]);
  });
});
