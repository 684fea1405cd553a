import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrate, newCalibrator } from '#shared/domain/calibrate.ts';
import { satisfactionOf, scoreRow } from '#shared/domain/scores.ts';
import type { Calibration, FrameRow } from '#shared/domain/standing.ts';
import { frameRow, policyFrom } from './support.ts';

const text = (weightInScore: number): string => `
policy: p
timeZone: UTC
currency: CNY
valueMetric: income
metrics:
  income: { trait: income, unit: money }
  growth: { trait: growth, unit: ratio }
scores:
  growthLevel: { bands: [-0.05, 0.05], of: growth }
  incomeLevel: { quantile: 3, of: income, within: branch, smallestPartition: 3 }
  happy: { satisfaction: { halfLifeDays: 180, shrinkage: 2 } }
  points: { weighted: { growthLevel: 60, incomeLevel: 40, happy: survey }, needs: 1 }
  rank: { quantile: 4, of: points }
  grade: { bands: [2], of: rank, caps: [{ when: { industry: [steel] }, atMost: 1 }] }
dimensions:
  class:
    segments: { good: {}, bad: {}, unrated: {} }
    rules:
      - { segment: good, when: { grade: [2, 2] } }
      - { segment: bad, when: { grade: [1, 1] } }
    rest: unrated
survey: { ask: nps, share: { good: 1 }, weightInScore: ${weightInScore} }
`;
const policy = policyFrom(text(0.25));
const withoutSurvey = policyFrom(text(0));

const answer = fc.record({ value: fc.integer({ min: 0, max: 10 }).map((n) => n / 10), ageDays: fc.nat(1000) });
const rowOf = (answers: fc.Arbitrary<FrameRow['answers']>): fc.Arbitrary<FrameRow> =>
  fc
    .record({
      branch: fc.constantFrom('a', 'b', null),
      income: fc.option(fc.integer({ min: -1000, max: 1000 })),
      growth: fc.option(fc.double({ min: -1, max: 1, noNaN: true })),
      industry: fc.constantFrom('steel', 'it', null),
      answers,
      status: fc.constantFrom('active', 'active', 'active', 'closed'),
    })
    .map(({ branch, income, growth, industry, answers: given, status }) =>
      frameRow({ branch, status, metrics: { income, growth }, traits: { industry }, answers: given }),
    );
const rows = fc.array(rowOf(fc.array(answer, { maxLength: 3 })), { minLength: 1, maxLength: 80 });
const silentRows = fc.array(rowOf(fc.constant([])), { minLength: 1, maxLength: 80 });

const sampleCalibration: Calibration = { cutoffs: {}, satisfactionMeans: { '*': 0.7 }, population: 1 };
const satisfied = (answers: FrameRow['answers']) => satisfactionOf(frameRow({ answers }), policy, sampleCalibration);

describe('scores', () => {
  it('R27 are the same for a population without answers as with the survey switched off', () => {
    fc.assert(
      fc.property(silentRows, (list) => {
        const withSurvey = calibrate(policy, list);
        const without = calibrate(withoutSurvey, list);

        expect(withSurvey.cutoffs).toEqual(without.cutoffs);
        expect(list.map((row) => scoreRow(row, policy, withSurvey))).toEqual(
          list.map((row) => scoreRow(row, withoutSurvey, without)),
        );
      }),
    );
  });

  it('R27 take a missing figure as missing: the weights of the others count, and nothing at all gives no score', () => {
    const calibration: Calibration = {
      cutoffs: { incomeLevel: { '*': [10, 20] } },
      satisfactionMeans: {},
      population: 9,
    };
    const points = (metrics: FrameRow['metrics'], answers: FrameRow['answers'] = []): number | null | undefined =>
      scoreRow(frameRow({ metrics, answers }), policy, calibration)['points'];

    expect(points({ growth: 0.1, income: 15 })).toBe(2.6);
    expect(points({ growth: 0.1, income: null })).toBe(3);
    expect(points({ growth: null, income: null })).toBeNull();
    expect(points({ growth: null, income: null }, [{ value: 1, ageDays: 0 }])).toBeNull();
  });

  it('R28 satisfaction lies within 0 and 100, does not depend on the order of answers, and rises with each of them', () => {
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 6 }), fc.nat(5), (answers, at) => {
        const index = at % answers.length;
        const score = satisfied(answers)?.score ?? -1;
        const better = answers.map((one, i) => (i === index ? { ...one, value: Math.min(1, one.value + 0.3) } : one));

        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
        expect(satisfied(answers.toReversed())).toEqual(satisfied(answers));
        expect(satisfied(better)?.score ?? -1).toBeGreaterThanOrEqual(score);
      }),
    );
  });

  it('R28 one answer moves satisfaction by no more than a third', () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 6 }), answer, (answers, one) => {
        const before = satisfied(answers)?.score ?? 70;

        expect(Math.abs((satisfied([...answers, one])?.score ?? 70) - before)).toBeLessThanOrEqual(100 / 3 + 1e-6);
      }),
    );
  });

  it('R28 an old answer counts half as much every 180 days, and confidence falls with it', () => {
    const fresh = satisfied([{ value: 1, ageDays: 0 }]);
    const old = satisfied([{ value: 1, ageDays: 180 }]);

    expect(fresh).toEqual({ score: 80, answers: 1, ageDays: 0, confidence: 0.333333 });
    expect(old).toEqual({ score: 76, answers: 1, ageDays: 180, confidence: 0.2 });
    expect(satisfied([])).toBeNull();
  });

  it('R29 are the same bits for any order of customers and any shards', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 7 }), (list, shards) => {
        const whole = calibrate(policy, list);
        const calibrator = newCalibrator(policy);
        for (let round = 0; round < calibrator.rounds; round += 1) {
          for (let shard = shards - 1; shard >= 0; shard -= 1) {
            for (const [index, row] of list.entries()) if (index % shards === shard) calibrator.add(row);
          }
          calibrator.finishRound();
        }

        expect(JSON.stringify(calibrator.result())).toBe(JSON.stringify(whole));
        expect(list.map((row) => scoreRow(row, policy, whole))).toEqual(
          list.map((row) => scoreRow(row, policy, whole)),
        );
      }),
    );
  });

  it('are capped where the customer has the trait, and only there', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const calibration = calibrate(policy, list);
        for (const row of list) {
          const grade = scoreRow(row, policy, calibration)['grade'];
          if (row.traits['industry'] === 'steel') expect(grade ?? 1).toBe(1);
        }
      }),
    );
  });

  it('are not given to customers who are not active, and those do not count for others', () => {
    const active = [1, 2, 3].map((income) => frameRow({ metrics: { income, growth: 0 } }));
    const closed = frameRow({
      status: 'closed',
      metrics: { income: 99, growth: 0 },
      answers: [{ value: 1, ageDays: 1 }],
    });
    const calibration = calibrate(policy, [...active, closed]);

    expect(calibration).toEqual(calibrate(policy, active));
    expect(Object.values(scoreRow(closed, policy, calibration)).every((score) => score === null)).toBe(true);
  });
});

describe('cut-offs within a partition', () => {
  it('are a branch’s own from the smallest size on, and everybody’s below it', () => {
    const branchOf = (branch: string, incomes: readonly number[]) =>
      incomes.map((income) => frameRow({ branch, metrics: { income, growth: null } }));
    const { cutoffs } = calibrate(policy, [...branchOf('big', [100, 200, 300]), ...branchOf('small', [1, 2])]);

    expect(cutoffs['incomeLevel']).toEqual({ '*': [2, 200], big: [100, 200] });
    const calibration = { cutoffs, satisfactionMeans: {}, population: 5 };
    expect(scoreRow(frameRow({ branch: 'small', metrics: { income: 2 } }), policy, calibration)['incomeLevel']).toBe(1);
    expect(scoreRow(frameRow({ branch: 'big', metrics: { income: 150 } }), policy, calibration)['incomeLevel']).toBe(2);
  });
});

describe('a ranking within too many partitions', () => {
  it('is refused with what to do', () => {
    const rows = Array.from({ length: 10_001 }, (_, index) =>
      frameRow({ branch: `b${index}`, metrics: { income: index } }),
    );

    expect(() => calibrate(policy, rows)).toThrow('more than 10000 partitions');
  });
});

describe('the prior mean of satisfaction', () => {
  const answered = (count: number, value: number, segment: string): readonly FrameRow[] =>
    Array.from({ length: count }, () =>
      frameRow({
        answers: [{ value, ageDays: 0 }],
        prior: {
          seq: 1,
          runId: 'r',
          ratings: {},
          values: {},
          flags: [],
          placements: {
            class: {
              target: segment,
              actual: segment,
              since: '2026-01',
              periods: 1,
              lastPeriod: '2026-01',
              heldBack: [],
            },
          },
        },
      }),
    );

  it('is that of the previous segment from 30 answers on, else that of everybody, else one half', () => {
    const few = calibrate(policy, answered(29, 1, 'good'));
    const enough = calibrate(policy, [...answered(30, 1, 'good'), ...answered(10, 0, 'bad')]);

    expect(few.satisfactionMeans).toEqual({ '*': 0.5 });
    expect(enough.satisfactionMeans).toEqual({ '*': 0.75, good: 1 });
  });
});
