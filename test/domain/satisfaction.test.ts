import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignRow } from '#shared/domain/assign.ts';
import { explain } from '#shared/domain/explain.ts';
import { satisfactionText } from '#shared/domain/figure-text.ts';
import { isCovered } from '#shared/domain/flags.ts';
import { confidenceLevel, satisfactionInEvidence, withoutSatisfaction } from '#shared/domain/satisfaction.ts';
import { satisfactionOf } from '#shared/domain/scores.ts';
import type { Calibration, FrameRow } from '#shared/domain/standing.ts';
import { frameRow, policyFrom, runOf } from './support.ts';

/** The grade rises with points, and points with answers: 2 from income alone; 2.24 makes grade 2, and 0.23 short of it is near. */
const policy = policyFrom(`
policy: p
timeZone: UTC
currency: CNY
valueMetric: income
metrics:
  income: { trait: income, unit: money, en: Income, zh: 收入 }
scores:
  incomeLevel: { bands: [10, 100], of: income, en: Income level, zh: 收入级别 }
  happy: { satisfaction: { halfLifeDays: 180, shrinkage: 2 }, en: Satisfaction, zh: 满意度 }
  points: { weighted: { incomeLevel: 100, happy: survey }, needs: 1, en: Points, zh: 得分 }
  grade: { bands: [2.245], of: points, en: Grade, zh: 等级 }
dimensions:
  class:
    en: Class
    zh: 类别
    segments: { good: { en: Good, zh: 好 }, plain: { en: Plain, zh: 普通 }, unrated: {} }
    rules:
      - { segment: good, when: { grade: [2, 2] } }
      - { segment: plain, when: { grade: [1, 1] } }
    rest: unrated
moves: { margin: 0, downgradeAfterPeriods: 1, coolingOffMonths: 0 }
survey: { ask: nps, share: { good: 1 }, weightInScore: 0.25 }
flags:
  upgrade: { from: [plain], rising: grade, shortBy: 0.1, perManager: 5, expiresDays: 60, decides: committee }
  exit: { from: [plain], afterPeriods: 1, perManager: 5, expiresDays: 60, decides: committee }
`);
const calibration: Calibration = { cutoffs: {}, satisfactionMeans: { '*': 0.5 }, population: 1 };
const answers = (count: number, value = 1, ageDays = 0): FrameRow['answers'] =>
  Array.from({ length: count }, () => ({ value, ageDays }));
const first = assignRow(frameRow({ metrics: { income: 50 } }), policy, calibration, runOf('2026-04'));
const rowWith = (given: FrameRow['answers'], over: Partial<FrameRow> = {}): FrameRow =>
  frameRow({ metrics: { income: 50 }, answers: given, prior: first.next, ...over });
const planOf = (row: FrameRow) => assignRow(row, policy, calibration, runOf('2026-05'));
const flagOf = (row: FrameRow, kind: 'upgrade' | 'exit') => planOf(row).flags.find((flag) => flag.kind === kind);

describe('satisfaction', () => {
  it('R28 is said with what it rests on: number of answers, age and confidence, in both languages', () => {
    const old = { score: 61.6, answers: 1, ageDays: 140, confidence: 0.226 };

    expect(satisfactionText(old, 'en')).toBe('62, from 1 answer 140 days old, low confidence');
    expect(satisfactionText(old, 'zh')).toBe('62 分，依据 1 份答复（140 天前），置信度低');
    expect(satisfactionText({ score: 80, answers: 3, ageDays: 1, confidence: 0.6 }, 'en')).toBe(
      '80, from 3 answers, the newest 1 day old, medium confidence',
    );
    expect(satisfactionText({ score: 80, answers: 9, ageDays: 0, confidence: 0.8 }, 'zh')).toContain('置信度高');
    expect(satisfactionText(null, 'en')).toBe('not known, no answer yet');
  });

  it('R28 is of low confidence as long as the mean it is drawn to weighs more than the answers', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ value: fc.constant(1), ageDays: fc.nat(900) }), { minLength: 1 }), (given) => {
        const satisfaction = satisfactionOf(frameRow({ answers: given }), policy, calibration);
        const weight = given.reduce((sum, { ageDays }) => sum + 2 ** (-ageDays / 180), 0);

        expect(confidenceLevel(satisfaction?.confidence ?? 0) === 'low').toBe(weight < 2 - 1e-5);
      }),
    );
    expect(['low', 'medium', 'medium', 'high'].join()).toBe([0.49, 0.5, 0.74, 0.75].map(confidenceLevel).join());
  });

  it('R28 counts half after one half-life', () => {
    const confidence = (ageDays: number): number =>
      satisfactionOf(frameRow({ answers: answers(1, 1, ageDays) }), policy, calibration)?.confidence ?? 0;

    expect(confidence(0)).toBeCloseTo(1 / 3, 6);
    expect(confidence(180)).toBeCloseTo(0.5 / 2.5, 6);
  });
});

describe('a proposal and satisfaction', () => {
  it('is not raised where only satisfaction of low confidence brings it about', () => {
    expect(flagOf(rowWith([]), 'upgrade')).toBeUndefined();

    expect(planOf(rowWith(answers(1))).scores['points']).toBeGreaterThan(2.0205);
    expect(flagOf(rowWith(answers(1)), 'upgrade')).toBeUndefined();
    expect(flagOf(rowWith(answers(2)), 'upgrade')).toMatchObject({ kind: 'upgrade', opened: true });
  });

  it('is raised by figures alone, whatever the confidence, and says satisfaction as evidence', () => {
    // Income alone is near here, and has risen.
    const risen = { ...first.next, values: { points: 1.9 } };
    const wide = { ...policy, flags: { ...policy.flags, ...wider() } };
    const near = (given: FrameRow['answers']) =>
      assignRow(rowWith(given, { prior: risen }), wide, calibration, runOf('2026-05'));
    const [silent] = near([]).flags.filter(({ kind }) => kind === 'upgrade');
    const [unsure] = near(answers(1)).flags.filter(({ kind }) => kind === 'upgrade');

    expect(silent).toBeDefined();
    expect(satisfactionInEvidence(silent?.evidence ?? {})).toBeNull();
    expect(satisfactionInEvidence(unsure?.evidence ?? {})).toEqual(near(answers(1)).satisfaction);
    expect(near(answers(1)).satisfaction).toMatchObject({ answers: 1, ageDays: 0 });
  });

  it('R31 to let go rests on no answer: raised the same without them, and told with satisfaction beside', () => {
    const row = rowWith(answers(1, 0, 140));
    const flag = flagOf(row, 'exit');

    expect(withoutSatisfaction(flag?.evidence ?? {})).toEqual(flagOf(rowWith([]), 'exit')?.evidence);
    expect(satisfactionInEvidence(flag?.evidence ?? {})?.confidence).toBeLessThan(0.25);
    const plan = planOf(row);
    const said = (lang: 'en' | 'zh') => explain(row, plan, policy, calibration, lang).sentences.join('\n');
    expect(said('en')).toContain('Satisfaction 39, from 1 answer 140 days old, low confidence (23 %).');
    expect(said('zh')).toContain('满意度 39 分，依据 1 份答复（140 天前），置信度低（23 %）。');
    expect(said('en')).not.toContain('satisfaction.score');
  });

  it('R31 once refused does not come back because satisfaction has fallen', () => {
    const happy = flagOf(rowWith(answers(6)), 'exit') ?? flagOf(rowWith(answers(1)), 'exit');
    const unhappy = flagOf(rowWith(answers(6, 0)), 'exit');
    if (happy === undefined || unhappy === undefined) throw new Error('both are proposed');

    expect(isCovered(unhappy, { decision: 'refused', evidence: happy.evidence })).toBe(true);
    expect(
      isCovered(
        { ...unhappy, evidence: { ...unhappy.evidence, grade: 0 } },
        { decision: 'refused', evidence: happy.evidence },
      ),
    ).toBe(false);
  });
});

/** The same rule, near from farther away. */
const wider = () => {
  const { upgrade } = policy.flags;
  return upgrade === undefined ? {} : { upgrade: { ...upgrade, shortBy: 0.2 } };
};
