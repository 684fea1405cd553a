import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brakeSentence } from '#shared/domain/brake-sentences.ts';
import { type BrakeFigures, findBrakes } from '#shared/domain/brakes.ts';
import type { Brakes } from '#shared/domain/policy.ts';

const limits: Brakes = {
  movedShare: 0.15,
  flagShare: 0.02,
  inputDropShare: 0.1,
  staleInputDays: 35,
  emptiedSegment: 'hold',
  quarantineShare: 0.01,
};

const calm: BrakeFigures = {
  asOf: '2026-10-31',
  population: 1000,
  quarantined: 0,
  previousPopulation: 1000,
  known: 1000,
  moved: 100,
  flagged: { upgrade: 5, exit: 5 },
  segments: { best: 400, worst: 600 },
  previousSegments: { best: 450, worst: 550 },
  newestFact: '2026-10-31',
};

const names = (figures: Partial<BrakeFigures>, brakes: Partial<Brakes> = {}): readonly string[] =>
  findBrakes({ ...calm, ...figures }, { ...limits, ...brakes }).map((finding) => finding.brake);

describe('brakes', () => {
  it('let an ordinary month pass', () => {
    expect(names({})).toEqual([]);
  });

  it('say a share that is just above its limit with as many digits as show it above', () => {
    const [finding] = findBrakes({ ...calm, population: 299, flagged: { upgrade: 0, exit: 6 } }, limits);
    expect(finding?.message).toBe('6 customers (2.01 %) would be flagged for exit; the limit is 2.0 %');
  });

  it('speak Chinese and English from the same figures, also of records that kept none', () => {
    const all = findBrakes(
      {
        ...calm,
        moved: 500,
        population: 500,
        quarantined: 100,
        flagged: { upgrade: 21, exit: 0 },
        newestFact: '2026-01-01',
        segments: { worst: 500 },
      },
      limits,
    );
    expect(all.map(({ brake }) => brake)).toEqual([
      'movedShare',
      'flagShare',
      'inputDropShare',
      'staleInputDays',
      'emptiedSegment',
      'quarantineShare',
    ]);
    for (const hit of all) {
      expect(brakeSentence(hit, 'en')).toBe(hit.message);
      expect(brakeSentence(hit, 'zh', () => '优先')).not.toMatch(/[a-z]{2,}|undefined|NaN/u);
      const { figures: _, ...old } = hit;
      expect(brakeSentence(old, 'en')).toBeUndefined();
      expect(brakeSentence(old, 'zh')).toMatch(/：.+，上限 /u);
    }
    expect(brakeSentence(all[0] ?? { brake: 'movedShare', limit: 0, actual: 0 }, 'zh')).toBe(
      '1000 个客户中有 500 个（50.0 %）将变更类别，上限为 15.0 %',
    );
    const [none] = findBrakes({ ...calm, newestFact: null }, limits);
    expect(none && brakeSentence(none, 'zh')).toBe('没有日期在 2026-10-31 或之前的数据，请先导入购买记录或客户资料');
  });

  it('let a share equal to its limit pass and hold one customer more', () => {
    expect(names({ moved: 150 })).toEqual([]);
    expect(names({ moved: 151 })).toEqual(['movedShare']);
  });

  it('hold when half the usual input is missing', () => {
    expect(names({ population: 500 })).toEqual(['inputDropShare']);
  });

  it('hold when the newest fact is older than the limit, or when there is none', () => {
    expect(names({ newestFact: '2026-09-26' })).toEqual([]);
    expect(names({ newestFact: '2026-09-25' })).toEqual(['staleInputDays']);
    expect(names({ newestFact: null })).toEqual(['staleInputDays']);
  });

  it('hold when a segment empties, unless it was tiny or the policy allows it', () => {
    expect(names({ segments: { worst: 1000 } })).toEqual(['emptiedSegment']);
    expect(names({ segments: { worst: 1000 }, previousSegments: { best: 9, worst: 991 } })).toEqual([]);
    expect(names({ segments: { worst: 1000 } }, { emptiedSegment: 'allow' })).toEqual([]);
  });

  it('hold for each kind of flag by itself', () => {
    expect(names({ flagged: { upgrade: 21, exit: 21 } })).toEqual(['flagShare', 'flagShare']);
  });

  it('let up to five flags pass in a small population', () => {
    expect(names({ population: 100, previousPopulation: 100, flagged: { upgrade: 5, exit: 0 } })).toEqual([]);
    expect(names({ population: 100, previousPopulation: 100, flagged: { upgrade: 6, exit: 0 } })).toEqual([
      'flagShare',
    ]);
  });

  it('hold when too many records are in quarantine', () => {
    expect(names({ population: 980, quarantined: 20 })).toEqual(['quarantineShare']);
  });

  it('say the figures, the limit and never NaN, whatever the counts', () => {
    const count = fc.nat(10_000);
    fc.assert(
      fc.property(count, count, count, count, (population, known, moved, quarantined) => {
        const findings = findBrakes({ ...calm, population, known, moved: Math.min(moved, known), quarantined }, limits);
        for (const finding of findings)
          expect(`${finding.actual} ${finding.message}`).not.toMatch(/NaN|undefined|Infinity/);
      }),
    );
  });

  it('a first run has nothing to compare with', () => {
    expect(names({ known: 0, moved: 0, previousPopulation: null, previousSegments: {} })).toEqual([]);
  });
});
