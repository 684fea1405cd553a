import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DECISION_FACTORS } from '#shared/domain/answer-rules.ts';
import {
  GROUPINGS,
  type GroupFigures,
  type GroupResult,
  type ResultCell,
  surveyResults,
} from '#shared/domain/survey-results.ts';
import { adjustedTogether, significantTogether } from '#shared/domain/survey-statistics.ts';
import { readCsv } from './support.ts';

const anyCell = fc
  .record({
    groups: fc.record({
      segment: fc.constantFrom('s1', 's2', 's3'),
      branch: fc.constantFrom('b1', 'b2', null),
      manager: fc.constantFrom('m1', 'm2', 'm3', 'm4', null),
      language: fc.constantFrom('en', 'zh-CN'),
    }),
    unanswered: fc.nat({ max: 5 }),
    suspect: fc.nat({ max: 3 }),
    scores: fc.dictionary(fc.nat({ max: 10 }).map(String), fc.integer({ min: 1, max: 6 }), { maxKeys: 4 }),
    factors: fc.record(
      { price: fc.nat({ max: 3 }), brand: fc.nat({ max: 3 }), service: fc.nat({ max: 3 }) },
      { requiredKeys: [] },
    ),
  })
  .map(({ unanswered, ...cell }): ResultCell => {
    const answered = Object.values(cell.scores).reduce((sum, count) => sum + count, 0);
    const delivered = answered + cell.suspect + unanswered;
    return { ...cell, delivered, invited: delivered + 1 };
  });
const anyWave = fc.array(anyCell, { maxLength: 16 });

const cellOf = (segment: string, scores: ResultCell['scores'], more: Partial<ResultCell> = {}): ResultCell => {
  const answered = Object.values(scores).reduce((sum, count) => sum + count, 0);
  return {
    groups: { segment, branch: null, manager: null, language: 'en' },
    invited: answered,
    delivered: answered,
    suspect: 0,
    scores,
    factors: {},
    ...more,
  };
};

const shownOf = (groups: readonly GroupResult[]) => groups.filter((group) => !group.hidden);

describe('the results of a wave', () => {
  it('R16 add up to the total in every table, the hidden groups taken together', () => {
    fc.assert(
      fc.property(anyWave, (cells) => {
        const { total, tables } = surveyResults('nps', cells, undefined);
        fc.pre(total.answered !== null);
        for (const grouping of GROUPINGS) {
          const { groups, hiddenTogether } = tables[grouping];
          const rows: GroupFigures[] = [...shownOf(groups), ...(hiddenTogether === null ? [] : [hiddenTogether])];
          for (const count of ['invited', 'delivered', 'answered', 'suspect'] as const) {
            expect(rows.reduce((sum, row) => sum + (row[count] ?? 0), 0)).toBe(total[count]);
          }
        }
      }),
    );
  });

  it('R16 show nothing of a hidden group but its name, and no group with one to four answers', () => {
    fc.assert(
      fc.property(anyWave, (cells) => {
        const { total, tables } = surveyResults('csat', cells, undefined);
        for (const grouping of GROUPINGS) {
          for (const group of tables[grouping].groups) {
            if (group.hidden) expect(Object.keys(group).sort()).toEqual(['hidden', 'name']);
            else expect(group.answered === 0 || (group.answered ?? 0) >= 5).toBe(true);
          }
          expect(tables[grouping].hiddenTogether?.answered ?? 5).toBeGreaterThanOrEqual(5);
        }
        expect(total.answered === null || total.answered === 0 || total.answered >= 5).toBe(true);
      }),
    );
  });

  it('R13 count suspect answers as suspect and for nothing else', () => {
    const withoutSuspects = (value: unknown): string =>
      JSON.stringify(value, (key, held: unknown) => (key === 'suspect' ? 0 : held));
    fc.assert(
      fc.property(anyWave, (cells) => {
        const none = cells.map((cell) => ({ ...cell, suspect: 0 }));
        const results = surveyResults('ces', cells, undefined);

        expect(withoutSuspects(results)).toBe(withoutSuspects(surveyResults('ces', none, undefined)));
        expect(results.total.suspect).toBe(cells.reduce((sum, cell) => sum + cell.suspect, 0));
      }),
    );
  });

  it('keep scores, rates and intervals in their ranges, for each question', () => {
    fc.assert(
      fc.property(anyWave, fc.constantFrom('nps', 'csat', 'ces'), (cells, question) => {
        const { tables, total } = surveyResults(question, cells, undefined);
        const lowest = question === 'nps' ? -1 : 0;
        for (const { score, rate, answered } of [total, ...GROUPINGS.flatMap((one) => shownOf(tables[one].groups))]) {
          expect(rate ?? 0).toBeGreaterThanOrEqual(0);
          expect(rate ?? 0).toBeLessThanOrEqual(1);
          expect(score === null).toBe(answered === 0 || answered === null);
          if (score === null) continue;
          const { value, interval, positive, negative } = score;
          expect([lowest, interval.low, interval.high, 1]).toEqual(
            [lowest, interval.low, interval.high, 1].sort((a, b) => a - b),
          );
          expect(value).toBeGreaterThanOrEqual(lowest);
          expect(value).toBeLessThanOrEqual(1);
          expect(positive + negative).toBeLessThanOrEqual(answered ?? 0);
        }
      }),
    );
  });

  it('do not depend on how customers are put into cells, nor on their order', () => {
    fc.assert(
      fc.property(anyWave, (cells) => {
        const single = cells
          .flatMap((cell) => [
            { ...cell, scores: {}, factors: {} },
            ...Object.entries(cell.scores).flatMap(([score, count]) =>
              Array.from({ length: count }, () => ({
                ...cell,
                invited: 0,
                delivered: 0,
                suspect: 0,
                scores: { [score]: 1 },
                factors: {},
              })),
            ),
            { ...cell, invited: 0, delivered: 0, suspect: 0, scores: {} },
          ])
          .reverse();

        expect(surveyResults('nps', single, single)).toEqual(surveyResults('nps', cells, cells));
      }),
    );
  });

  it('are those of the published test data: 0.100 with 1,000 answers, also taken apart', () => {
    const cells = readCsv('../shared/data/nps_testdata.csv').map((row) =>
      cellOf(
        row['business_unit'] ?? '',
        { [row['recommend_0_10'] ?? '']: 1 },
        {
          groups: {
            segment: row['business_unit'] ?? '',
            branch: row['region'] ?? '',
            manager: row['account'] ?? '',
            language: 'en',
          },
        },
      ),
    );
    const { total, tables } = surveyResults('nps', cells, undefined);

    expect(total).toMatchObject({ answered: 1000, rate: 1, score: { positive: 462, negative: 362 } });
    expect(total.score?.value).toBeCloseTo(0.1, 12);
    const half = ((total.score?.interval.high ?? 0) - (total.score?.interval.low ?? 0)) / 2;
    expect(half).toBeCloseTo(1.959964 * 0.028531, 3);
    for (const grouping of GROUPINGS) {
      const { groups, hiddenTogether } = tables[grouping];
      const shown = [...shownOf(groups), ...(hiddenTogether === null ? [] : [hiddenTogether])];
      const net = shown.reduce((sum, { score }) => sum + (score?.positive ?? 0) - (score?.negative ?? 0), 0);
      expect(net).toBe(100);
    }
  });

  it('R17 have no value where nobody answered', () => {
    const { total, tables } = surveyResults('nps', [], undefined, ['s1']);

    expect(total).toMatchObject({ answered: 0, rate: null, score: null, factors: null, change: null });
    expect(tables.segment.groups).toMatchObject([{ name: 's1', answered: 0, score: null }]);
  });

  it('put segments in the order of the policy, other groups by name and those without one last', () => {
    const groups = { segment: 's1', branch: null, manager: null, language: 'en' };
    const cells = [null, 'b2', 'b1'].map((branch) => cellOf('s1', { 9: 6 }, { groups: { ...groups, branch } }));
    const { tables } = surveyResults('nps', cells, undefined, ['s9', 's1']);

    expect(tables.segment.groups.map(({ name }) => name)).toEqual(['s9', 's1']);
    expect(tables.branch.groups.map(({ name }) => name)).toEqual(['b1', 'b2', null]);
  });
});

describe('changes against the last wave', () => {
  const wave = (shares: Readonly<Record<string, readonly [promoters: number, detractors: number]>>) =>
    Object.entries(shares).map(([segment, [promoters, detractors]]) =>
      cellOf(segment, { 10: promoters, 0: detractors }),
    );

  it('R18 are significant only after correction for the number of groups', () => {
    const before = wave({ a: [50, 50], b: [50, 50], c: [50, 50], d: [50, 50] });
    const alone = surveyResults('nps', wave({ a: [65, 35] }), wave({ a: [50, 50] })).tables.segment.groups[0];
    const among = surveyResults('nps', wave({ a: [65, 35], b: [50, 50], c: [51, 49], d: [50, 50] }), before);

    expect(alone).toMatchObject({ change: { significant: true, answeredBefore: 100 } });
    expect(among.tables.segment.groups[0]).toMatchObject({ change: { significant: false } });
  });

  it('R18 are not judged with fewer than thirty answers, before or now', () => {
    const results = surveyResults('nps', wave({ a: [29, 0], b: [0, 90] }), wave({ a: [0, 90], b: [90, 0] }));

    expect(results.tables.segment.groups).toMatchObject([
      { name: 'a', change: { difference: 2, pValue: null, significant: false } },
      { name: 'b', change: { difference: -2, significant: true } },
    ]);
  });

  it('R16 are not shown for a group that is hidden in either wave', () => {
    const before = wave({ a: [40, 40], b: [2, 0], c: [40, 40] });
    const { groups } = surveyResults('nps', wave({ a: [40, 40], b: [40, 40], c: [41, 40] }), before).tables.segment;

    expect(groups).toMatchObject([{ change: null }, { change: null }, { change: { answeredBefore: 80 } }]);
  });

  it('R18 corrected p-values name the same changes as the stepwise procedure, at any level', () => {
    const p = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(p, { maxLength: 12 }), fc.double({ min: 0.001, max: 0.2, noNaN: true }), (ps, level) => {
        const adjusted = adjustedTogether(ps);
        fc.pre(adjusted.every((one) => Math.abs(one - level) > 1e-9));

        expect(adjusted.map((one) => one <= level)).toEqual(significantTogether(ps, level));
        for (const [index, one] of adjusted.entries()) expect(one).toBeGreaterThanOrEqual(ps[index] ?? 0);
      }),
    );
  });
});

describe('decision factors', () => {
  it('are shares of the answers that named one, and add up to one', () => {
    fc.assert(
      fc.property(anyWave, (cells) => {
        const { total, tables } = surveyResults('nps', cells, undefined);
        for (const { factors } of [total, ...GROUPINGS.flatMap((one) => shownOf(tables[one].groups))]) {
          if (factors === null) continue;
          expect(factors.named).toBeGreaterThanOrEqual(5);
          expect(DECISION_FACTORS.reduce((sum, one) => sum + factors.shares[one].share, 0)).toBeCloseTo(1, 9);
        }
      }),
    );
  });

  it('R16 of a small group cannot be had by subtraction either', () => {
    fc.assert(
      fc.property(anyWave, (cells) => {
        const { total, tables } = surveyResults('nps', cells, undefined);
        fc.pre(total.factors !== null);
        for (const grouping of GROUPINGS) {
          const shown = shownOf(tables[grouping].groups).reduce((sum, { factors }) => sum + (factors?.named ?? 0), 0);
          const rest = (total.factors?.named ?? 0) - shown;
          expect(rest === 0 || rest >= 5).toBe(true);
        }
      }),
    );
  });
});
