import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignRow, capacity } from '#shared/domain/assign.ts';
import { addMonths } from '#shared/domain/calendar.ts';
import { formatPolicyErrors } from '#shared/domain/policy-content.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import type { Calibration, FrameRow, Generation, PlanRow, RunContext } from '#shared/domain/standing.ts';
import { frameRow, policyFrom, preset, readProjectFile, runOf } from './support.ts';

const policy = preset('bank-three-class');
const calibration: Calibration = {
  cutoffs: {
    potential: { '*': [0.3, 0.6] },
    contribution: { '*': [10_000, 50_000] },
    pareto: { '*': [40_000, 90_000] },
  },
  satisfactionMeans: { '*': 0.7 },
  population: 1000,
};
const GOOD = { turnover_growth: 0.2, days_past_due: 0, share_of_wallet: 0.1, net_income: 80_000 };
const MIDDLE = { turnover_growth: 0, days_past_due: 20, share_of_wallet: 0.4, net_income: 30_000 };
const BAD = { turnover_growth: -0.3, days_past_due: 200, share_of_wallet: 0.9, net_income: 500 };
const company = (metrics: FrameRow['metrics'], over: Partial<FrameRow> = {}): FrameRow =>
  frameRow({ metrics, branch: 'B1', manager: 'M1', ...over });

const decide = (row: FrameRow, run: RunContext = runOf('2026-05')): PlanRow => assignRow(row, policy, calibration, run);
const seenAgain = (plan: PlanRow, row: FrameRow): FrameRow => ({ ...row, prior: plan.next, priorIsNewest: true });
const classOf = (plan: PlanRow): string | undefined => plan.next.placements['class']?.actual;

/** The standing after the scheduled runs of the months, with the same figures. */
const runMonths = (row: FrameRow, from: string, months: number): PlanRow => {
  let plan = decide(row, runOf(from));
  for (let month = 1; month < months; month += 1) plan = decide(seenAgain(plan, row), runOf(addMonths(from, month)));
  return plan;
};

describe('the class of a company', () => {
  it.each([
    ['both high', GOOD, 'priority'],
    ['both medium', MIDDLE, 'cultivate'],
    ['both low', BAD, 'exit'],
    ['high quality, low contribution', { ...GOOD, net_income: 5 }, 'cultivate'],
    ['low quality, medium contribution', { ...BAD, net_income: 30_000 }, 'hold'],
    ['no contribution known', { ...GOOD, net_income: null }, 'unrated'],
    ['only one input known', { turnover_growth: -0.3, net_income: 5 }, 'unrated'],
  ])('with %s is decided by the matrix', (_, metrics, expected) => {
    expect(classOf(decide(company(metrics)))).toBe(expected);
  });

  it('is never better than the industry in shock allows', () => {
    expect(classOf(decide(company(GOOD, { traits: { industry: 'steel' } })))).toBe('hold');
  });

  it('without credit is decided by the other inputs', () => {
    expect(classOf(decide(company({ ...GOOD, days_past_due: null })))).toBe('priority');
  });

  it('is the same for the same settled ratings, whoever the customer is (同质同价)', () => {
    const one = decide(company(GOOD, { subject: 'a' }));
    const other = decide(
      company({ ...GOOD, turnover_growth: 0.9, net_income: 70_000 }, { subject: 'b', manager: 'M2' }),
    );

    expect(one.next.ratings).toEqual(other.next.ratings);
    expect(classOf(one)).toBe(classOf(other));
  });
});

describe('a move', () => {
  it('is new for a first standing, and written', () => {
    const plan = decide(company(GOOD));

    expect(plan.moves).toEqual([{ dimension: 'class', from: null, to: 'priority', kind: 'new' }]);
    expect(plan.changed).toBe(true);
  });

  it('down waits for a second closed period, and both segments are on record meanwhile', () => {
    const may = decide(company(GOOD));
    const june = decide(seenAgain(may, company(BAD)), runOf('2026-06'));
    const july = decide(seenAgain(june, company(BAD)), runOf('2026-07'));

    expect(june.next.placements['class']).toMatchObject({ target: 'exit', actual: 'priority', heldBack: ['waiting'] });
    expect(june.moves).toEqual([]);
    expect(july.moves).toEqual([{ dimension: 'class', from: 'priority', to: 'exit', kind: 'down' }]);
    expect(july.next.placements['class']).toMatchObject({ since: '2026-07', periods: 1, heldBack: [] });
  });

  it('up is immediate', () => {
    const may = decide(company(MIDDLE));

    expect(decide(seenAgain(may, company(GOOD)), runOf('2026-06')).moves).toEqual([
      { dimension: 'class', from: 'cultivate', to: 'priority', kind: 'up' },
    ]);
  });

  it('from or to the unrated is neither up nor down', () => {
    const unrated = decide(company({}));

    expect(decide(seenAgain(unrated, company(GOOD)), runOf('2026-06')).moves[0]?.kind).toBe('sideways');
  });

  it('is left for a customer who is no longer active, once', () => {
    const may = decide(company(GOOD));
    const gone = decide(seenAgain(may, company(GOOD, { status: 'closed' })), runOf('2026-06'));
    const stillGone = decide(seenAgain(gone, company(GOOD, { status: 'closed' })), runOf('2026-07'));

    expect(gone.moves).toEqual([{ dimension: 'class', from: 'priority', to: null, kind: 'left' }]);
    expect(gone.next).toMatchObject({ placements: {}, ratings: {}, values: {}, flags: [] });
    expect(stillGone).toMatchObject({ moves: [], changed: false });
  });

  it('of a customer who was never active is none, and nothing is written', () => {
    expect(decide(company(GOOD, { status: 'deceased' }))).toMatchObject({ moves: [], changed: false });
  });
});

describe('a pin', () => {
  const pins = [{ dimension: 'class', segment: 'priority', until: '2026-06-28' }];

  it('holds to its last day, that day included, and shows', () => {
    const may = decide(company(BAD, { pins }));
    const june = decide(seenAgain(may, company(BAD, { pins })), runOf('2026-06'));
    const july = decide(seenAgain(june, company(BAD, { pins })), runOf('2026-07'));

    expect(june.next.placements['class']).toMatchObject({
      target: 'exit',
      actual: 'priority',
      heldBack: ['pin'],
      pinnedUntil: '2026-06-28',
    });
    expect(july.next.placements['class']?.actual).toBe('exit');
    expect(july.next.placements['class']?.pinnedUntil).toBeUndefined();
  });

  it('to a segment that the policy does not have is ignored', () => {
    const odd = [{ dimension: 'class', segment: 'gold', until: '2026-12-31' }];

    expect(classOf(decide(company(BAD, { pins: odd })))).toBe('exit');
  });
});

describe('a standing at rest', () => {
  const figures = fc.record({
    turnover_growth: fc.option(fc.double({ min: -1, max: 1, noNaN: true })),
    days_past_due: fc.option(fc.nat(300)),
    share_of_wallet: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    net_income: fc.option(fc.integer({ min: -1e5, max: 2e5 })),
  });

  it('is not written again by ad hoc runs, however many', () => {
    fc.assert(
      fc.property(fc.array(figures, { minLength: 1, maxLength: 6 }), (months) => {
        let prior: Generation | null = null;
        for (const [index, metrics] of months.entries()) {
          const period = addMonths('2026-01', index);
          const row = company(metrics, { prior, priorIsNewest: true });
          const plan = decide(row, runOf(period));
          const again = decide(
            seenAgain(plan, row),
            runOf(period, { runId: `${period}-x`, seq: 999, closesPeriod: false }),
          );
          const scheduledAgain = decide(seenAgain(plan, row), runOf(period, { seq: 1000 }));

          expect(again).toMatchObject({ changed: false, moves: [] });
          expect(scheduledAgain).toMatchObject({ changed: false, moves: [] });
          prior = plan.next;
        }
      }),
    );
  });

  it('is not written again by later months with the same figures, once nothing is counted any more', () => {
    const row = company(GOOD);
    const plan = decide(seenAgain(runMonths(row, '2026-01', 2), row), runOf('2026-03'));

    expect(plan.changed).toBe(false);
  });

  it('is written again where the stored item is not what readers see', () => {
    const row = company(GOOD);
    const hidden = { ...seenAgain(decide(row), row), priorIsNewest: false };

    expect(decide(hidden, runOf('2026-05', { closesPeriod: false })).changed).toBe(true);
  });

  it('survives being stored as JSON', () => {
    const plan = decide(company(MIDDLE));
    const stored: Generation = JSON.parse(JSON.stringify(plan.next));

    expect(decide({ ...company(MIDDLE), prior: stored }, runOf('2026-05', { closesPeriod: false })).changed).toBe(
      false,
    );
  });
});

describe('an upgrade flag', () => {
  const near = { ...GOOD, net_income: 46_000 };
  const nearer = { ...GOOD, net_income: 47_000 };

  it('is proposed for who rises and is nearly at the next cut-off, with what is missing', () => {
    const may = decide(company(near));
    const june = decide(seenAgain(may, company(nearer)), runOf('2026-06'));

    expect(may.flags).toEqual([]);
    expect(june.flags).toEqual([
      {
        kind: 'upgrade',
        evidence: {
          segment: 'cultivate',
          wouldBe: 'priority',
          rising: 'contribution',
          metric: 'net_income',
          value: 47_000,
          before: 46_000,
          cutoff: 50_000,
          shortBy: 3000,
          'potential.score': 'potential',
          'potential.value': 3,
          'potential.atLeast': 2,
        },
        stake: 47_000,
        opened: true,
      },
    ]);
    expect(june.next.flags).toEqual(['upgrade']);
  });

  it('is proposed for who comes near from far below', () => {
    const may = decide(company({ ...GOOD, net_income: 20_000 }));

    expect(may.next.values).toEqual({});
    expect(decide(seenAgain(may, company(near)), runOf('2026-06')).flags.map((flag) => flag.kind)).toEqual(['upgrade']);
  });

  it.each([
    ['falls', { ...GOOD, net_income: 45_500 }],
    ['stands still', near],
    ['is far from the cut-off', { ...GOOD, net_income: 44_000 }],
    ['would not change class by it', { ...MIDDLE, net_income: 48_000 }],
  ])('is not proposed for who %s', (_, metrics) => {
    const may = decide(company({ ...metrics, net_income: 46_000 }));

    expect(decide(seenAgain(may, company(metrics)), runOf('2026-06')).flags).toEqual([]);
  });

  it('stays while the figure holds, so that running again takes nothing back', () => {
    const may = decide(company(near));
    const june = decide(seenAgain(may, company(nearer)), runOf('2026-06'));
    const again = decide(seenAgain(june, company(nearer)), runOf('2026-06', { closesPeriod: false }));

    expect(again.flags).toHaveLength(1);
    expect(again.changed).toBe(false);
  });

  /** The month of each run, and how the figure stands at its end. */
  const over = (figures: readonly (readonly [string, number])[]): readonly (readonly string[])[] => {
    let last: PlanRow | undefined;
    return figures.map(([month, income]) => {
      const now = company({ ...GOOD, net_income: income });
      last = decide(last === undefined ? now : seenAgain(last, now), runOf(month));
      return last.flags.map((flag) => flag.kind);
    });
  };

  it('is not proposed again and again for a figure that stands still while nobody decides', () => {
    const [may, june, july, august, ...rest] = over([
      ['2026-05', 46_000],
      ['2026-06', 47_000],
      ['2026-07', 47_000],
      ['2026-08', 47_000],
      ['2026-09', 47_000],
      ['2026-10', 46_900],
      ['2026-11', 47_000],
      ['2027-05', 47_000],
    ]);

    expect([may, june, july]).toEqual([[], ['upgrade'], ['upgrade']]);
    // Proposed on 30 June; 60 days later is 29 August.
    expect([august, ...rest]).toEqual([[], [], [], [], []]);
  });

  it('is proposed anew after its last day for who has risen since it was proposed, and only then', () => {
    expect(
      over([
        ['2026-05', 46_000],
        ['2026-06', 47_000],
        ['2026-07', 47_500],
        ['2026-08', 47_500],
        ['2026-09', 47_500],
        ['2026-10', 47_500],
        ['2026-11', 47_500],
        ['2026-12', 47_600],
      ]),
    ).toEqual([[], ['upgrade'], ['upgrade'], ['upgrade'], ['upgrade'], [], [], ['upgrade']]);
  });

  it('does not come back for 60 days after a decision', () => {
    const may = decide(company(near));
    const decided = [{ kind: 'upgrade' as const, decision: 'refused' as const, date: '2026-05-30' }];

    expect(decide(seenAgain(may, company(nearer, { decided })), runOf('2026-06')).flags).toEqual([]);
    expect(decide(seenAgain(may, company(nearer, { decided })), runOf('2026-08')).flags).toHaveLength(1);
  });
});

describe('an upgrade flag whose policy asks for potential and satisfaction', () => {
  const asking = policyFrom(
    readProjectFile('policies/bank-three-class.yaml').replace(
      'satisfaction: { atLeast: 40 }',
      'satisfaction: { atLeast: 60 }',
    ),
  );
  const flagsOf = (metrics: FrameRow['metrics'], answers: FrameRow['answers'] = []): PlanRow['flags'] => {
    const may = assignRow(company({ ...metrics, net_income: 46_000 }), asking, calibration, runOf('2026-05'));
    const row = seenAgain(may, company({ ...metrics, net_income: 47_000 }, { answers }));
    return assignRow(row, asking, calibration, runOf('2026-06')).flags;
  };
  const answered = (value: number, count: number) => Array.from({ length: count }, () => ({ value, ageDays: 1 }));

  it.each([
    ['of: potental, atLeast: 2', 'there is no score "potental"; did you mean potential?'],
    ['of: potential, atLeast: 4', 'potential never reaches 4; use a level from 2 to 3'],
    ['of: potential, atLeast: 1', 'every level of potential is at least 1; use a level from 2 to 3'],
    ['of: potential', 'atLeast is missing'],
  ])('is refused with the cure where the policy asks for what there is not: %s', (written, problem) => {
    const parsed = parsePolicy(
      readProjectFile('policies/bank-three-class.yaml').replace('of: potential, atLeast: 2', written),
      'p.yaml',
    );

    expect(parsed.ok ? '' : formatPolicyErrors(parsed.errors, 'p.yaml')).toContain(problem);
  });

  it('is proposed with the potential among its evidence, and not for who lacks potential or has none known', () => {
    expect(flagsOf(GOOD)).toMatchObject([
      {
        evidence: { 'potential.score': 'potential', 'potential.value': 3, 'potential.atLeast': 2, shortBy: 3000 },
      },
    ]);
    expect(flagsOf({ ...GOOD, share_of_wallet: 0.9 })).toEqual([]);
    expect(flagsOf({ ...GOOD, share_of_wallet: null })).toEqual([]);
  });

  it('is not proposed for who is known to be dissatisfied; unknown and low confidence are held against nobody', () => {
    expect(flagsOf(GOOD, answered(0, 4))).toEqual([]);
    expect(flagsOf(GOOD, answered(1, 4))).toHaveLength(1);
    expect(flagsOf(GOOD, answered(0, 1))).toHaveLength(1);
  });
});

describe('an exit flag', () => {
  it('R31 is proposed after three closed periods, not before', () => {
    expect(runMonths(company(BAD), '2026-01', 2).flags).toEqual([]);
    const third = runMonths(company(BAD), '2026-01', 3);

    expect(third.flags).toMatchObject([
      {
        kind: 'exit',
        evidence: { segment: 'exit', since: '2026-01', periods: 3, quality: 1, contribution: 1 },
        stake: 500,
      },
    ]);
  });

  it('R31 counts closed periods and not runs', () => {
    let plan = decide(company(BAD), runOf('2026-01'));
    for (let again = 0; again < 5; again += 1) {
      plan = decide(seenAgain(plan, company(BAD)), runOf('2026-01', { closesPeriod: again % 2 === 0 }));
    }

    expect(plan.next.placements['class']?.periods).toBe(1);
  });

  it.each([
    ['with an open case', { openCase: true }],
    ['who is pinned', { pins: [{ dimension: 'class', segment: 'exit', until: '2026-12-31' }] }],
    ['who is not rated', { metrics: {} }],
  ])('R31 is not proposed for a customer %s', (_, over) => {
    expect(runMonths(company(BAD, over), '2026-01', 4).flags).toEqual([]);
  });

  it('R31 is never proposed because of answers alone', () => {
    const text = readProjectFile('policies/bank-three-class.yaml').replace('weightInScore: 0 ', 'weightInScore: 0.25 ');
    const listening = policyFrom(text);
    const months = (row: FrameRow): PlanRow => {
      let plan = assignRow(row, listening, calibration, runOf('2026-01'));
      for (const period of ['2026-02', '2026-03', '2026-04']) {
        plan = assignRow(seenAgain(plan, row), listening, calibration, runOf(period));
      }
      return plan;
    };
    // Quality points 1.8 without answers, which is medium; angry answers draw them below 1.7.
    const figures = { turnover_growth: 0, days_past_due: 200, share_of_wallet: 0.1, net_income: 500 };
    const angry = Array.from({ length: 20 }, () => ({ value: 0, ageDays: 0 }));
    const silent = months(company(figures));
    const complaining = months(company(figures, { answers: angry }));

    expect(classOf(silent)).toBe('hold');
    expect(classOf(complaining)).toBe('exit');
    expect(complaining.flags).toEqual([]);
    expect(months(company(BAD, { answers: angry })).flags).toHaveLength(1);
  });
});

describe('the capacity of managers', () => {
  const flagged = (subject: string, manager: string | null, stake: number): PlanRow => ({
    ...decide(company(BAD, { subject, manager })),
    flags: [{ kind: 'exit', evidence: {}, stake, opened: true }],
  });
  const openedOf = (rows: readonly PlanRow[]): readonly string[] =>
    rows.filter((row) => row.flags[0]?.opened).map((row) => row.subject);

  it('opens the ten with most at stake for each manager, whatever the order of rows', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 15, maxLength: 15 }), fc.nat(14), (stakes, turn) => {
        const rows = stakes.map((stake, index) => flagged(`s${String(index).padStart(2, '0')}`, 'M1', stake));
        const opened = openedOf(capacity(rows, policy));
        const turned = openedOf(capacity([...rows.slice(turn), ...rows.slice(0, turn)], policy));

        expect(opened).toHaveLength(10);
        expect(turned.toSorted()).toEqual(opened.toSorted());
        const least = Math.min(
          ...rows.filter((row) => opened.includes(row.subject)).map((row) => row.flags[0]?.stake ?? 0),
        );
        for (const row of rows) if ((row.flags[0]?.stake ?? 0) > least) expect(opened).toContain(row.subject);
      }),
    );
  });

  it('is bounded by the branch too, so that nobody beyond it is opened and everybody within it is the more valuable', () => {
    const rule = {
      ...policy,
      flags: { exit: { ...(policy.flags.exit ?? { from: [] as string[] }), perManager: 3, perBranch: 5 } },
    } as typeof policy;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('M1', 'M2', 'M3', null), fc.constantFrom('B1', 'B2', null), fc.nat(9)), {
          maxLength: 40,
        }),
        fc.nat(40),
        (given, turn) => {
          const rows = given.map(([manager, branch, stake], index) => ({
            ...flagged(`s${String(index).padStart(2, '0')}`, manager, stake),
            branch,
          }));
          const opened = capacity(rows, rule).filter((row) => row.flags[0]?.opened);
          const turned = capacity([...rows.slice(turn), ...rows.slice(0, turn)], rule);

          expect(
            turned
              .filter((row) => row.flags[0]?.opened)
              .map((row) => row.subject)
              .sort(),
          ).toEqual(opened.map((row) => row.subject).sort());
          const deskOf = (row: PlanRow): string => `${row.manager} ${row.manager === null ? row.branch : ''}`;
          for (const [, of] of Map.groupBy(opened, deskOf)) expect(of.length).toBeLessThanOrEqual(3);
          for (const [, of] of Map.groupBy(opened, (row) => row.branch)) expect(of.length).toBeLessThanOrEqual(5);
          // Whoever is left out found its manager's or its branch's room taken by such as have at least as much at stake.
          for (const row of rows.filter((one) => !opened.some(({ subject }) => subject === one.subject))) {
            const before = opened.filter((one) => (one.flags[0]?.stake ?? 0) >= (row.flags[0]?.stake ?? 0));
            const isFull =
              before.filter((one) => deskOf(one) === deskOf(row)).length === 3 ||
              before.filter((one) => one.branch === row.branch).length === 5;
            expect(isFull).toBe(true);
          }
        },
      ),
    );
  });

  it('is counted for each manager apart', () => {
    const rows = Array.from({ length: 24 }, (_, index) => flagged(`s${index}`, index % 2 === 0 ? 'M1' : null, index));

    expect(openedOf(capacity(rows, policy))).toHaveLength(20);
  });
});
