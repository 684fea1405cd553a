import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adjustForMix, changeApartFromMix, type Sides } from '#shared/domain/case-mix.ts';
import { type CaseCell, type StaffGroup, type StaffView, staffView } from '#shared/domain/staff-view.ts';
import { type ResultCell, surveyResults } from '#shared/domain/survey-results.ts';

const SEGMENTS = ['easy', 'hard'];

/** `promoters` of 10, `detractors` of 0, the rest of 8. */
interface Given {
  readonly promoters?: number;
  readonly detractors?: number;
  readonly passives?: number;
  /** As many as answered, if not given. */
  readonly invited?: number;
  readonly branch?: string;
}

const cell = (
  manager: string,
  segment: string,
  { promoters = 0, detractors = 0, passives = 0, branch = 'North', ...given }: Given = {},
): ResultCell => ({
  groups: { segment, branch, manager, language: 'en' },
  invited: given.invited ?? promoters + detractors + passives,
  delivered: given.invited ?? promoters + detractors + passives,
  suspect: 0,
  scores: { 10: promoters, 0: detractors, 8: passives },
  factors: {},
});

const view = (
  cells: readonly ResultCell[],
  before?: readonly ResultCell[],
  cases: readonly CaseCell[] = [],
): StaffView => staffView('nps', cells, before, cases, SEGMENTS);

const groupOf = (seen: StaffView, name: string | null, grouping: 'manager' | 'branch' = 'manager'): StaffGroup => {
  const found = seen.tables[grouping].find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${grouping} ${name}`);
  return found;
};

const adjustedOf = (seen: StaffView, name: string) => groupOf(seen, name).satisfaction?.adjusted;

describe('satisfaction by manager, adjusted to the segments', () => {
  // Li looks after hard customers, He after easy ones. In each segment Li's are the more satisfied, yet in all He's are.
  const SIMPSON = [
    cell('Li', 'easy', { promoters: 9, detractors: 1 }),
    cell('Li', 'hard', { promoters: 36, detractors: 54 }),
    cell('He', 'easy', { promoters: 72, detractors: 18 }),
    cell('He', 'hard', { promoters: 3, detractors: 7 }),
  ];

  it('puts right what the plain figures turn round (Simpson): worse in all, better in every segment', () => {
    const seen = view(SIMPSON);
    const [li, he] = [groupOf(seen, 'Li').satisfaction, groupOf(seen, 'He').satisfaction];

    expect(li?.score?.value).toBeCloseTo(-0.1, 9);
    expect(he?.score?.value).toBeCloseTo(0.5, 9);
    // By hand: the company has +0.62 on easy (81 − 19 of 100), −0.22 on hard (39 − 61 of 100), +0.20 in all.
    // Expected of Li: 0.1 · 0.62 + 0.9 · (−0.22) = −0.136; of He: 0.9 · 0.62 + 0.1 · (−0.22) = 0.536.
    expect(li?.adjusted?.expected).toBeCloseTo(-0.136, 9);
    expect(he?.adjusted?.expected).toBeCloseTo(0.536, 9);
    expect(li?.adjusted?.adjusted).toBeCloseTo(0.2 + 0.036, 9);
    expect(he?.adjusted?.adjusted).toBeCloseTo(0.2 - 0.036, 9);
    expect([li?.adjusted?.verdict, he?.adjusted?.verdict]).toEqual(['noDifference', 'noDifference']);
  });

  it('computes the interval by hand for shares', () => {
    const strata = new Map<string, Sides>([
      ['a', { answered: 40, positive: 30, negative: 10 }],
      ['b', { answered: 60, positive: 15, negative: 45 }],
    ]);
    const counts = new Map([
      ['a', 10],
      ['b', 10],
    ]);
    const found = adjustForMix('csat', { answered: 20, positive: 14, negative: 6 }, counts, strata);
    const one = (31 / 42) * (11 / 42);
    const other = (16 / 62) * (46 / 62);
    const error = Math.sqrt((10 * one * (1 - 10 / 40) + 10 * other * (1 - 10 / 60)) / 400);

    expect(found?.expected).toBeCloseTo(0.5, 12);
    expect(found?.difference).toBeCloseTo(0.2, 12);
    expect(found?.adjusted).toBeCloseTo(0.65, 12);
    expect(found?.interval.low).toBeCloseTo(0.2 - 1.959963984540054 * error, 12);
    expect(found?.interval.high).toBeCloseTo(0.2 + 1.959963984540054 * error, 12);
  });

  it('is the same for all managers whatever their mix, if all have the same score in each segment', () => {
    const sizes = fc.record({ easy: fc.integer({ min: 0, max: 30 }), hard: fc.integer({ min: 0, max: 30 }) });
    fc.assert(
      fc.property(fc.array(sizes, { minLength: 2, maxLength: 8 }), (managers) => {
        // 3 of 5 easy customers promote and 1 detracts; 1 of 5 hard ones promotes and 2 detract.
        const cells = managers.flatMap(({ easy, hard }, index) => [
          cell(`m${index}`, 'easy', { promoters: 3 * easy, detractors: easy, passives: easy }),
          cell(`m${index}`, 'hard', { promoters: hard, detractors: 2 * hard, passives: 2 * hard }),
        ]);
        const seen = view(cells);
        const company = surveyResults('nps', cells, undefined).total.score?.value ?? 0;
        for (const { satisfaction } of seen.tables.manager) {
          if (satisfaction === null || satisfaction.answered === 0) continue;
          expect(satisfaction.adjusted?.difference).toBeCloseTo(0, 9);
          expect(satisfaction.adjusted?.adjusted).toBeCloseTo(company, 9);
          expect(['noDifference', 'tooFew']).toContain(satisfaction.adjusted?.verdict);
        }
      }),
    );
  });

  it('is wrong in about 5 of 100 groups that do not differ, from ten answers on', () => {
    let seed = 20_261_125;
    const random = (): number => {
      seed = (seed * 1_664_525 + 1_013_904_223) >>> 0;
      return seed / 2 ** 32;
    };
    let wrong = 0;
    let all = 0;
    for (let trial = 0; trial < 1_500; trial += 1) {
      const groups = Array.from({ length: 6 }, () => ({
        sides: { answered: 0, positive: 0, negative: 0 },
        counts: new Map<string, number>(),
      }));
      const strata = new Map<string, { answered: number; positive: number; negative: number }>();
      for (const [index, { sides, counts }] of groups.entries()) {
        for (let answer = 0; answer < 10; answer += 1) {
          const segment = random() < (index + 1) / 7 ? 'easy' : 'hard';
          const draw = random();
          const positive = Number(draw < (segment === 'easy' ? 0.7 : 0.3));
          const negative = Number(draw > (segment === 'easy' ? 0.9 : 0.6));
          const standard = strata.get(segment) ?? { answered: 0, positive: 0, negative: 0 };
          strata.set(segment, standard);
          counts.set(segment, (counts.get(segment) ?? 0) + 1);
          for (const one of [sides, standard]) {
            one.answered += 1;
            one.positive += positive;
            one.negative += negative;
          }
        }
      }
      for (const { sides, counts } of groups) {
        all += 1;
        if ((adjustForMix('nps', sides, counts, strata)?.pValue ?? 1) <= 0.05) wrong += 1;
      }
    }

    expect(wrong / all).toBeGreaterThan(0.04);
    expect(wrong / all).toBeLessThan(0.06);
  });

  it('calls nobody better or worse where it cannot be shown, and names no order among them', () => {
    const seen = view([
      cell('Wu', 'easy', { promoters: 12, detractors: 8 }),
      cell('Xu', 'easy', { promoters: 11, detractors: 9 }),
      cell('An', 'easy', { promoters: 10, detractors: 10 }),
    ]);

    expect(seen.tables.manager.map(({ name }) => name)).toEqual(['An', 'Wu', 'Xu']);
    expect(seen.tables.manager.map(({ satisfaction }) => satisfaction?.adjusted?.verdict)).toEqual(
      Array.from({ length: 3 }, () => 'noDifference'),
    );
  });

  it('shows fewer than ten answers and does not compare them', () => {
    const seen = view([cell('Wu', 'easy', { detractors: 9 }), cell('Xu', 'easy', { promoters: 40 })]);

    expect(groupOf(seen, 'Wu').satisfaction?.score?.value).toBe(-1);
    expect(adjustedOf(seen, 'Wu')?.verdict).toBe('tooFew');
    expect(adjustedOf(seen, 'Wu')?.pValue).toBeNull();
  });

  it('has the segments of those written to beside the figure, in the order of the policy', () => {
    const seen = view([
      cell('Wu', 'hard', { promoters: 3, detractors: 2, invited: 30 }),
      cell('Wu', 'easy', { promoters: 5, invited: 10 }),
    ]);

    expect(groupOf(seen, 'Wu').satisfaction?.mix).toEqual([
      { segment: 'easy', share: 0.25 },
      { segment: 'hard', share: 0.75 },
    ]);
  });
});

describe('who improved', () => {
  const wave = (manager: string, easy: [number, number], hard: [number, number]) => [
    cell(manager, 'easy', { promoters: easy[0], detractors: easy[1] }),
    cell(manager, 'hard', { promoters: hard[0], detractors: hard[1] }),
  ];

  it('comes first, with the change apart from the mix', () => {
    const seen = view(
      [...wave('Wu', [30, 10], [30, 30]), ...wave('An', [60, 20], [30, 30])],
      [...wave('Wu', [15, 25], [10, 50]), ...wave('An', [60, 20], [30, 30])],
    );
    const { satisfaction } = groupOf(seen, 'Wu');

    expect(seen.tables.manager[0]?.name).toBe('Wu');
    expect(satisfaction?.change?.verdict).toBe('better');
    expect(satisfaction?.change?.fromMix).toBeCloseTo(0, 9);
    expect(groupOf(seen, 'An').satisfaction?.change?.verdict).toBe('noDifference');
  });

  it('is nobody whose customers merely became easier', () => {
    const seen = view(
      [...wave('Wu', [60, 20], [10, 10]), ...wave('An', [30, 10], [40, 40])],
      [...wave('Wu', [15, 5], [40, 40]), ...wave('An', [30, 10], [40, 40])],
    );
    const { satisfaction } = groupOf(seen, 'Wu');

    expect(satisfaction?.change?.difference).toBeCloseTo(0.3, 9);
    expect(satisfaction?.change?.adjusted).toBeCloseTo(0, 9);
    expect(satisfaction?.change?.verdict).toBe('noDifference');
  });

  it('is not judged with fewer than thirty answers, now or before', () => {
    const seen = view(wave('Wu', [29, 0], [0, 0]), wave('Wu', [0, 60], [0, 0]));

    expect(groupOf(seen, 'Wu').satisfaction?.change?.verdict).toBe('tooFew');
  });

  it('is not known where a segment that answered before answers no more', () => {
    const sides = { answered: 10, positive: 5, negative: 5 };

    expect(
      changeApartFromMix(
        'nps',
        { sides, counts: new Map([['easy', 10]]) },
        { sides, counts: new Map([['gone', 10]]) },
        new Map([['easy', sides]]),
      ),
    ).toBeNull();
  });
});

const anyCells = fc.array(
  fc
    .record({
      manager: fc.constantFrom('m1', 'm2', 'm3', 'm4', 'm5'),
      segment: fc.constantFrom('easy', 'hard', 'rare'),
      promoters: fc.nat({ max: 6 }),
      detractors: fc.nat({ max: 6 }),
      passives: fc.nat({ max: 2 }),
    })
    .map(({ manager, segment, ...counts }) =>
      cell(manager, segment, { ...counts, branch: manager < 'm3' ? 'North' : 'South' }),
    ),
  { maxLength: 14 },
);

describe('what the staff view gives away', () => {
  it('R16 shows the satisfaction of just those groups that the results of the wave show', () => {
    fc.assert(
      fc.property(anyCells, (cells) => {
        const seen = view(cells);
        const results = surveyResults('nps', cells, undefined, SEGMENTS);
        for (const grouping of ['manager', 'branch'] as const) {
          for (const group of results.tables[grouping].groups) {
            expect(groupOf(seen, group.name, grouping).satisfaction === null).toBe(group.hidden);
          }
        }
      }),
    );
  });

  it('R16 tells by adjusted figures nothing of answers that published figures and the number of answers do not', () => {
    // What was said moves between two segments and two managers, so that every published sum stays.
    fc.assert(
      fc.property(anyCells, fc.nat(), fc.nat(), (cells, one, two) => {
        const managers = ['m1', 'm2', 'm3', 'm4', 'm5'];
        const [first, second] = [managers[one % 5] ?? 'm1', managers[two % 5] ?? 'm2'];
        fc.pre(first !== second && first < 'm3' === second < 'm3');
        const add = (manager: string, segment: string, score: 'promoters' | 'detractors') =>
          cell(manager, segment, { [score]: 1, branch: manager < 'm3' ? 'North' : 'South' });
        const given = [
          ...cells,
          add(first, 'easy', 'promoters'),
          add(first, 'rare', 'detractors'),
          add(second, 'easy', 'detractors'),
          add(second, 'rare', 'promoters'),
        ];
        const moved = [
          ...cells,
          add(first, 'easy', 'detractors'),
          add(first, 'rare', 'promoters'),
          add(second, 'easy', 'promoters'),
          add(second, 'rare', 'detractors'),
        ];

        expect(view(moved)).toEqual(view(given));
      }),
    );
  });

  it('R16 takes hidden segments as one, whatever each of them said', () => {
    const rare = (segment: string, promoters: number, detractors: number) =>
      cell('Wu', segment, { promoters, detractors });
    const others = [cell('Wu', 'easy', { promoters: 20 }), cell('An', 'easy', { promoters: 20, detractors: 9 })];
    const given = view([...others, rare('rare', 4, 0), rare('odd', 0, 3)]);
    const moved = view([...others, rare('rare', 1, 3), rare('odd', 3, 0)]);

    expect(adjustedOf(moved, 'Wu')).toEqual(adjustedOf(given, 'Wu'));
    expect(adjustedOf(given, 'Wu')?.expected).not.toBe(adjustedOf(given, 'An')?.expected);
  });

  it('shows nothing of satisfaction where fewer than five answered altogether', () => {
    const seen = view([cell('Wu', 'easy', { promoters: 2 }), cell('An', 'hard', { detractors: 2 })]);

    expect(seen.total).toBeNull();
    expect(seen.tables.manager.every(({ satisfaction }) => satisfaction === null)).toBe(true);
  });
});

const cases = (manager: string | null, due: number, inTime: number, branch = 'North'): CaseCell => ({
  groups: { manager, branch },
  due,
  inTime,
});

describe('cases answered in time', () => {
  it('has the share closed by its due time with its Wilson interval', () => {
    const { cases: figure } = groupOf(view([], undefined, [cases('Wu', 20, 15), cases('An', 20, 10)]), 'Wu');

    expect(figure).toMatchObject({ due: 20, inTime: 15, share: 0.75 });
    expect(figure?.interval?.low).toBeCloseTo(0.5313, 4);
    expect(figure?.interval?.high).toBeCloseTo(0.8881, 4);
  });

  it('compares with everybody else, and says so only where a difference can be shown', () => {
    const seen = view([], undefined, [
      cases('Wu', 40, 38),
      cases('An', 40, 15),
      cases('He', 40, 27),
      cases('Xu', 9, 9),
    ]);

    expect(groupOf(seen, 'Wu').cases?.verdict).toBe('above');
    expect(groupOf(seen, 'An').cases?.verdict).toBe('below');
    expect(groupOf(seen, 'He').cases?.verdict).toBe('noDifference');
    expect(groupOf(seen, 'Xu').cases?.verdict).toBe('tooFew');
  });

  it('R16 hides one to four cases, and a colleague from whom they could be computed', () => {
    const seen = view([], undefined, [cases('Wu', 20, 10), cases('An', 3, 0), cases('He', 30, 15, 'South')]);

    expect(groupOf(seen, 'An').cases).toBeNull();
    expect(groupOf(seen, 'Wu').cases).toBeNull();
    expect(groupOf(seen, 'North', 'branch').cases?.due).toBe(23);
  });

  it('shows no manager without cases beside hidden ones', () => {
    const seen = view([cell('Xu', 'easy', { promoters: 9 })], undefined, [cases('Wu', 20, 10), cases('An', 3, 0)]);

    expect(groupOf(seen, 'Xu').cases).toBeNull();
  });

  it('has no share where no case was due', () => {
    expect(view([]).cases).toMatchObject({ due: 0, inTime: 0, share: null, interval: null });
  });
});
