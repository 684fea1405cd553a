import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignRow } from '#shared/domain/assign.ts';
import { addMonths } from '#shared/domain/calendar.ts';
import { explain } from '#shared/domain/explain.ts';
import type { Calibration, FrameRow, PlanRow } from '#shared/domain/standing.ts';
import { frameRow, preset, runOf } from './support.ts';

const policy = preset('bank-three-class');
const calibration: Calibration = {
  cutoffs: {
    potential: { '*': [0.3, 0.6] },
    contribution: { '*': [10_000, 50_000], B1: [20_000, 60_000] },
    pareto: { '*': [40_000, 90_000] },
  },
  satisfactionMeans: { '*': 0.7 },
  population: 1000,
};
const GOOD = { turnover_growth: 0.2, days_past_due: 0, share_of_wallet: 0.1, net_income: 80_000 };
const company = (metrics: FrameRow['metrics'], over: Partial<FrameRow> = {}): FrameRow =>
  frameRow({ metrics, ...over });
const decide = (row: FrameRow, period = '2026-05'): PlanRow => assignRow(row, policy, calibration, runOf(period));
const classOf = (row: FrameRow, plan: PlanRow) => {
  const [first] = explain(row, plan, policy, calibration, 'en').dimensions;
  if (first === undefined) throw new Error('no dimension');
  return first;
};

describe('an explanation', () => {
  const near = company({ ...GOOD, net_income: 55_000 }, { branch: 'B1', answers: [{ value: 0.9, ageDays: 40 }] });

  it('names the cell, the cut-offs with their margins, and whose they are', () => {
    const explained = explain(near, decide(near), policy, calibration, 'en');

    expect(explained.dimensions[0]).toMatchObject({
      target: 'cultivate',
      actual: 'cultivate',
      actualLabel: 'Prudent support: cultivate',
      by: { kind: 'cell', rows: 'quality', row: 3, columns: 'contribution', column: 2 },
      heldBack: [],
    });
    expect(explained.ratings.find(({ name }) => name === 'contribution')).toMatchObject({
      level: 2,
      settledLevel: 2,
      source: 'net_income',
      value: 55_000,
      cutoffs: [20_000, 60_000],
      partition: 'B1',
      above: { level: 3, cutoff: 60_000, shortBy: 5000 },
      below: { level: 1, cutoff: 20_000, margin: 35_000 },
    });
  });

  it('names what falls short of the next better class and the smallest change, gap included', () => {
    const explained = classOf(near, decide(near));

    expect(explained.nextBetter).toMatchObject({ segment: 'priority', needs: [{ of: 'contribution', value: 2 }] });
    expect(explained.smallestUp).toEqual({ metric: 'net_income', from: 55_000, to: 62_000, segment: 'priority' });
  });

  it('says it in both languages', () => {
    const plan = decide(near);
    const en = explain(near, plan, policy, calibration, 'en').sentences.join('\n');
    const zh = explain(near, plan, policy, calibration, 'zh').sentences.join('\n');

    expect(en).toContain('Because Quality rating is high and Contribution rating is medium.');
    expect(en).toMatch(/Net income in 12 months from CNY.55,000 to CNY.62,000 would lead to Priority support/);
    expect(en).toMatch(/Contribution rating: CNY.5,000 short of the cut-off to high, CNY.60,000/);
    expect(en).toContain('cut-offs of branch B1');
    expect(en).toContain('Satisfaction 76, from 1 answer 40 days old, low confidence (30 %).');
    expect(zh).toContain('原因：质量评价为高，贡献评价为中。');
    expect(zh).toContain('将进入优先支持类');
    expect(zh).not.toMatch(/undefined|NaN/);
  });

  it('of a customer who is held back says why and when it can move', () => {
    const may = decide(company(GOOD));
    const fallen = company({ ...GOOD, net_income: 5 }, { prior: may.next });
    const june = decide(fallen, '2026-06');

    expect(classOf(fallen, june)).toMatchObject({
      target: 'cultivate',
      actual: 'priority',
      heldBack: ['waiting'],
      earliestMove: '2026-07',
      earliestMoveTo: 'cultivate',
    });
    expect(explain(fallen, june, policy, calibration, 'en').sentences.join('\n')).toContain(
      'If figures and cut-offs stay, it moves to Prudent support: cultivate with the run of 2026-07.',
    );
  });

  it('names the next move also where the customer comes back after it', () => {
    const middling = { ...GOOD, turnover_growth: 0, days_past_due: 20, share_of_wallet: 0.4 };
    const months = [
      { ...middling, net_income: 5 },
      { ...middling, net_income: 30_000 },
      { ...GOOD, net_income: 30_000 },
      { ...middling, net_income: 80_000 },
    ];
    let row = company({});
    let plan = decide(row, '2025-12');
    for (const [index, metrics] of months.entries()) {
      row = company(metrics, { prior: index === 0 ? null : plan.next });
      plan = decide(row, addMonths('2026-01', index));
    }

    // Contribution may rise in May, quality may fall in June only.
    expect(classOf(row, plan)).toMatchObject({
      actual: 'cultivate',
      headingFor: 'cultivate',
      earliestMove: '2026-05',
      earliestMoveTo: 'priority',
    });
  });

  it('of an unrated customer names what is missing', () => {
    const unknown = company({ ...GOOD, net_income: null });

    expect(classOf(unknown, decide(unknown)).by).toEqual({
      kind: 'missing',
      scores: ['contribution'],
      inputs: ['net_income'],
    });
  });

  it('of a customer who has left says so', () => {
    const gone = company(GOOD, { status: 'closed' });

    expect(explain(gone, decide(gone), policy, calibration, 'en')).toMatchObject({
      dimensions: [],
      sentences: ['The customer is closed and is in no segment.'],
    });
  });

  it('by rules names the rule, or what the nearest better one lacks', () => {
    const retail = preset('retail-rfm');
    const cut: Calibration = {
      cutoffs: { R: { '*': [10, 20, 40, 80] }, F: { '*': [1, 2, 3, 5] }, M: { '*': [1000, 2000, 4000, 8000] } },
      satisfactionMeans: {},
      population: 9,
    };
    const row = frameRow({ metrics: { recency_days: 5, orders: 4, spend: 3000, spend_12m: 3000, tenure_days: 400 } });
    const explained = explain(row, assignRow(row, retail, cut, runOf('2026-05')), retail, cut, 'en');

    expect(explained.dimensions[0]).toMatchObject({
      actual: 'loyal',
      by: { kind: 'rule', number: 2 },
      nextBetter: { segment: 'champions', needs: [{ of: 'M', value: 3 }] },
      smallestUp: { metric: 'spend', from: 3000, segment: 'champions' },
    });
  });
});

describe('the cause of a move', () => {
  const MAY = '2026-05';
  const JUNE = '2026-06';
  const moderate = { ...GOOD, net_income: 30_000 };
  const cuts = (contribution: readonly number[]): Calibration => ({
    ...calibration,
    cutoffs: { ...calibration.cutoffs, contribution: { '*': contribution } },
  });

  /** What is said in June of the move of a company that was in a run in May. */
  const told = (
    may: { readonly metrics: FrameRow['metrics']; readonly cutoffs?: Calibration; readonly policyHash?: string },
    june: { readonly metrics: FrameRow['metrics']; readonly cutoffs?: Calibration; readonly over?: Partial<FrameRow> },
  ) => {
    const [then, now] = [may.cutoffs ?? calibration, june.cutoffs ?? calibration];
    const first = company(may.metrics);
    const before = assignRow(first, policy, then, runOf(MAY));
    const row = company(june.metrics, { prior: before.next, ...june.over });
    const plan = assignRow(row, policy, now, runOf(JUNE));
    const known = {
      runId: before.next.runId,
      row: first,
      calibration: then,
      policyHash: may.policyHash ?? policy.hash,
    };
    const explained = explain(row, plan, policy, now, 'en', { run: runOf(JUNE), before: known });
    return { moved: explained.dimensions[0]?.moved, text: explained.sentences.join('\n') };
  };

  it('is the first run where there was no standing', () => {
    expect(classOf(company(GOOD), decide(company(GOOD))).moved).toEqual({
      from: null,
      to: 'priority',
      cause: 'first',
      inputs: [],
      cutoffs: [],
    });
  });

  it('is its own figures where they alone explain it, and names them', () => {
    const { moved, text } = told({ metrics: moderate }, { metrics: GOOD });

    expect(moved).toEqual({
      from: 'cultivate',
      to: 'priority',
      cause: 'own',
      inputs: [{ name: 'net_income', before: 30_000, now: 80_000 }],
      cutoffs: [],
    });
    expect(text).toMatch(
      /This run moved it from Prudent support: cultivate, because its own figures changed \(Net income in 12 months from CNY.30,000 to CNY.80,000\)\./,
    );
  });

  it('is the others where the cut-offs alone moved it, and names the cut-offs', () => {
    const { moved, text } = told({ metrics: moderate }, { metrics: moderate, cutoffs: cuts([10_000, 25_000]) });

    expect(moved).toEqual({
      from: 'cultivate',
      to: 'priority',
      cause: 'others',
      inputs: [],
      cutoffs: [{ score: 'contribution', before: [10_000, 50_000], now: [10_000, 25_000] }],
    });
    expect(text).toMatch(
      /because the cut-offs moved with the figures of others; .* \(cut-offs of Contribution rating from CNY.10,000 and CNY.50,000 to CNY.10,000 and CNY.25,000\)\./,
    );
  });

  it('is time where the second closed month of worse figures has come', () => {
    const worse = { ...GOOD, net_income: 5 };
    const april = decide(company(GOOD), '2026-04');
    const may = company(worse, { prior: april.next });
    const planOfMay = decide(may, MAY);
    const row = company(worse, { prior: planOfMay.next });
    const before = { runId: planOfMay.next.runId, row: may, calibration, policyHash: policy.hash };
    const explained = explain(row, decide(row, JUNE), policy, calibration, 'en', { run: runOf(JUNE), before });

    expect(explained.dimensions[0]?.moved).toMatchObject({ from: 'priority', to: 'cultivate', cause: 'time' });
  });

  it('is both where neither alone would have moved it', () => {
    const { moved, text } = told(
      { metrics: moderate },
      { metrics: { ...GOOD, net_income: 45_000 }, cutoffs: cuts([10_000, 40_000]) },
    );

    expect(moved?.cause).toBe('both');
    expect(text).toContain('because its own figures and the cut-offs changed, and together they explain it');
  });

  it('is time where a pin began, and what else changed is left aside', () => {
    const pins = [{ dimension: 'class', segment: 'hold', until: '2026-12-31' }];
    const { moved, text } = told({ metrics: GOOD }, { metrics: { ...GOOD, net_income: 80_001 }, over: { pins } });

    expect(moved).toMatchObject({ from: 'priority', to: 'hold', cause: 'time', cutoffs: [] });
    expect(text).toContain('from Priority support, because a waiting time, cooling-off or pin began or ended.\n');
  });

  it('is the policy where another one is in force, whatever else changed', () => {
    const { moved, text } = told({ metrics: moderate, policyHash: 'another' }, { metrics: GOOD });

    expect(moved?.cause).toBe('policy');
    expect(text).toContain('because another policy is in force');
  });

  it('is unknown, with the recorded figures, where the run before is not at hand', () => {
    const before = decide(company({ ...GOOD, net_income: 48_000 }));
    const row = company(GOOD, { prior: before.next });
    const explained = explain(row, decide(row, JUNE), policy, calibration, 'en');

    expect(explained.dimensions[0]?.moved).toEqual({
      from: 'cultivate',
      to: 'priority',
      cause: 'unknown',
      inputs: [{ name: 'net_income', before: 48_000, now: 80_000 }],
      cutoffs: [],
    });
    expect(explained.sentences.join('\n')).toMatch(/This run moved it from Prudent support: cultivate \(Net income/);
  });

  it('is not told where the customer did not move', () => {
    expect(told({ metrics: GOOD }, { metrics: { ...GOOD, net_income: 90_000 } }).moved).toBeNull();
  });
});

describe('the smallest change', () => {
  it('is honest: made, it moves the customer there as soon as every wait is over', () => {
    const figures = fc.record({
      turnover_growth: fc.double({ min: -0.3, max: 0.3, noNaN: true }),
      days_past_due: fc.nat(150),
      share_of_wallet: fc.double({ min: 0, max: 1, noNaN: true }),
      net_income: fc.integer({ min: -10_000, max: 120_000 }),
    });
    fc.assert(
      fc.property(figures, (metrics) => {
        const row = company(metrics);
        const plan = decide(row, '2026-01');
        const explained = classOf(row, plan);
        for (const change of [explained.smallestUp, explained.smallestDown]) {
          if (change === null) continue;
          let next = plan;
          for (let month = 1; month <= 6; month += 1) {
            const changed = company({ ...metrics, [change.metric]: change.to }, { prior: next.next });
            next = decide(changed, addMonths('2026-01', month));
          }
          expect(next.next.placements['class']?.actual).toBe(change.segment);
        }
      }),
    );
  });
});
