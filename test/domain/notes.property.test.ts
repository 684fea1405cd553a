import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignRow } from '#shared/domain/assign.ts';
import { explain } from '#shared/domain/explain.ts';
import type { Note } from '#shared/domain/facts.ts';
import { measure } from '#shared/domain/metrics.ts';
import { countedNotes, opinionOf, withNote, withoutNote } from '#shared/domain/notes.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import { scoreRow } from '#shared/domain/scores.ts';
import type { Calibration, CountedNote } from '#shared/domain/standing.ts';
import { customer, frameRow, policyFrom, readProjectFile, runOf } from './support.ts';

const text = (weight: string): string => `
policy: p
timeZone: UTC
currency: CNY
valueMetric: income
metrics:
  income: { trait: income, unit: money }
  growth: { trait: growth, unit: ratio }
scores:
  incomeLevel: { bands: [10, 20], of: income }
  growthLevel: { bands: [-0.05, 0.05], of: growth }
  said: { note: { about: potential, halfLifeDays: 365 } }
  points: { weighted: { incomeLevel: 40, growthLevel: 40${weight} }, needs: 1 }
  grade: { bands: [1.7, 2.4], of: points }
dimensions:
  class:
    segments: { good: {}, bad: {} }
    rules: [{ segment: good, when: { grade: [3, 3] } }]
    rest: bad
`;
const WEIGHT = 20;
const policy = policyFrom(text(`, said: ${WEIGHT}`));
const silent = policyFrom(text('').replace(/\n {2}said: .*/u, ''));
const calibration: Calibration = { cutoffs: {}, satisfactionMeans: {}, population: 1 };
const asOf = '2026-10-31';
const frozenAt = '2026-11-01T02:00:00.000Z';

const note = fc.record<Note>(
  {
    noteId: fc.stringMatching(/^n[1-9]\d?$/),
    about: fc.constantFrom('quality' as const, 'potential' as const),
    rating: fc.integer({ min: 1, max: 5 }),
    date: fc
      .integer({ min: 0, max: 900 })
      .map((days) => new Date(Date.UTC(2024, 6, 1 + days)).toISOString().slice(0, 10)),
    recordedAt: fc.constantFrom('2026-09-01T00:00:00.000Z', '2026-10-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z'),
    by: fc.constantFrom('Li Wei', 'Li Wei (unverified)', 'Ann', 'Zhao Min'),
    reason: fc.constantFrom('why', 'because'),
    withdrawn: fc.record({
      at: fc.constantFrom('2026-10-02T00:00:00.000Z', '2026-12-02T00:00:00.000Z'),
      by: fc.constant('Ann'),
      reason: fc.constant('slip'),
    }),
  },
  { requiredKeys: ['noteId', 'about', 'rating', 'date', 'recordedAt', 'by', 'reason'], noNullPrototype: true },
);
const notes = fc.uniqueArray(note, { maxLength: 12, selector: ({ noteId }) => noteId });
const counted = fc.array(
  fc.record<CountedNote>({
    noteId: fc.stringMatching(/^n[1-9]\d?$/),
    about: fc.constant('potential' as const),
    rating: fc.integer({ min: 1, max: 5 }),
    ageDays: fc.nat(5000),
  }),
  { minLength: 1, maxLength: 8 },
);
const pointsOf = (given: readonly CountedNote[], metrics: Record<string, number | null> = { income: 15, growth: 0 }) =>
  scoreRow(frameRow({ metrics, notes: given }), policy, calibration)['points'] ?? null;
const saidOf = (rating: number, ageDays: number): CountedNote => ({
  noteId: 'n1',
  about: 'potential',
  rating,
  ageDays,
});

describe('notes of account managers', () => {
  it('count the same in whatever order they were stored', () => {
    fc.assert(
      fc.property(
        notes.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect(countedNotes({ notes: shuffled }, { asOf, frozenAt })).toEqual(
            countedNotes({ notes: list }, { asOf, frozenAt }),
          );
        },
      ),
    );
  });

  it('count once per person and subject, none of tomorrow, none recorded after the freeze, none withdrawn before it', () => {
    fc.assert(
      fc.property(notes, (list) => {
        const byId = new Map(list.map((one) => [one.noteId, one]));
        const inForce = countedNotes({ notes: list }, { asOf, frozenAt });
        const persons = inForce.map(
          ({ noteId, about }) => `${about} ${byId.get(noteId)?.by.replace(' (unverified)', '')}`,
        );

        expect(new Set(persons).size).toBe(persons.length);
        for (const { noteId, ageDays } of inForce) {
          const kept = byId.get(noteId);
          expect(ageDays).toBeGreaterThanOrEqual(0);
          expect((kept?.recordedAt ?? '') <= frozenAt).toBe(true);
          expect(kept?.withdrawn === undefined || kept.withdrawn.at > frozenAt).toBe(true);
          const newer = list.filter(
            (one) =>
              one.about === kept?.about &&
              one.by.replace(' (unverified)', '') === kept.by.replace(' (unverified)', '') &&
              one.date > kept.date &&
              one.date <= asOf &&
              one.recordedAt <= frozenAt &&
              (one.withdrawn === undefined || one.withdrawn.at > frozenAt),
          );
          expect(newer).toEqual([]);
        }
      }),
    );
  });

  it('leave no name and no reason in the frame, and nothing at all where the policy reads no notes', () => {
    const facts = customer({
      notes: [
        {
          noteId: 'n1',
          about: 'potential',
          rating: 4,
          date: '2026-08-12',
          recordedAt: '2026-08-12T08:00:00.000Z',
          by: 'Li Wei',
          reason: 'second plant',
        },
      ],
    });

    const measured = measure(facts, policy, { asOf, frozenAt });

    expect(measured.notes).toEqual([{ noteId: 'n1', about: 'potential', rating: 4, ageDays: 80 }]);
    expect(JSON.stringify(measured)).not.toMatch(/Li Wei|second plant/u);
    expect(measure(facts, silent, { asOf, frozenAt })).not.toHaveProperty('notes');
  });

  it('say something between the lowest and the highest rating, with weights that add up', () => {
    fc.assert(
      fc.property(counted, fc.integer({ min: 1, max: 2000 }), (list, halfLifeDays) => {
        const opinion = opinionOf({ notes: list }, 'potential', halfLifeDays);
        const ratings = list.map(({ rating }) => rating);

        expect(opinion?.rating).toBeGreaterThanOrEqual(Math.min(...ratings) - 1e-6);
        expect(opinion?.rating).toBeLessThanOrEqual(Math.max(...ratings) + 1e-6);
        expect(opinion?.strength).toBeLessThanOrEqual(1);
        expect(opinion?.notes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 4);
      }),
    );
  });

  it('move a score towards what they say, less and less with age, and never past it', () => {
    const base = pointsOf([]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.nat(3000), fc.nat(3000), (rating, ageDays, older) => {
        const fresh = Math.abs((pointsOf([saidOf(rating, ageDays)]) ?? 0) - (base ?? 0));
        const old = Math.abs((pointsOf([saidOf(rating, ageDays + older)]) ?? 0) - (base ?? 0));
        const way = (pointsOf([saidOf(rating, ageDays)]) ?? 0) - (base ?? 0);

        expect(old).toBeLessThanOrEqual(fresh + 2e-6);
        expect(way * (rating - 3)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('move a score by no more than their weight, however many there are', () => {
    fc.assert(
      fc.property(counted, fc.option(fc.integer({ min: 0, max: 40 })), (list, income) => {
        const metrics = { income, growth: 0 };
        const before = pointsOf([], metrics) ?? Number.NaN;
        const after = pointsOf(list, metrics) ?? Number.NaN;
        const others = income === null ? 40 : 80;

        expect(Math.abs(after - before)).toBeLessThanOrEqual((WEIGHT / (WEIGHT + others)) * 2 + 1e-6);
      }),
    );
  });

  it('never make up for missing figures, and no note leaves the score as a policy without notes has it', () => {
    expect(pointsOf([saidOf(5, 0)], { income: null, growth: null })).toBeNull();
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 0, max: 40 })),
        fc.option(fc.integer({ min: -1, max: 1 })),
        (income, growth) => {
          const row = frameRow({ metrics: { income, growth }, notes: [] });

          expect(scoreRow(row, policy, calibration)['points']).toBe(scoreRow(row, silent, calibration)['points']);
        },
      ),
    );
  });

  it('are held fixed by the smallest change, which moves the customer with them', () => {
    fc.assert(
      fc.property(counted, fc.integer({ min: 0, max: 40 }), fc.integer({ min: -1, max: 1 }), (list, income, growth) => {
        const row = frameRow({ metrics: { income, growth: growth / 10 }, notes: list });
        const placed = (one: typeof row) => assignRow(one, policy, calibration, runOf('2026-10'));
        const [dimension] = explain(row, placed(row), policy, calibration, 'en').dimensions;

        for (const { metric, to, segment } of dimension?.changes ?? []) {
          expect(['income', 'growth']).toContain(metric);
          expect(placed({ ...row, metrics: { ...row.metrics, [metric]: to } }).next.placements['class']?.target).toBe(
            segment,
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it('are added once for the same word on the same day, and withdrawn once', () => {
    const given = {
      about: 'quality' as const,
      rating: 2,
      date: '2026-10-01',
      recordedAt: frozenAt,
      by: 'Ann',
      reason: 'late',
    };
    const added = withNote(customer(), given);
    const facts = added?.facts ?? customer();
    const gone = withoutNote(facts, 'n1', { at: frozenAt, by: 'Ann', reason: 'slip' });

    expect(withNote(facts, { ...given, recordedAt: '2026-11-02T00:00:00.000Z' })?.facts).toBeUndefined();
    expect(facts.factsRev).toBe(2);
    expect(gone?.notes?.[0]).toMatchObject({ noteId: 'n1', withdrawn: { reason: 'slip' } });
    expect(withoutNote(gone ?? facts, 'n1', { at: frozenAt, by: 'Ann', reason: 'slip' })).toBeUndefined();
    expect(withNote(gone ?? facts, given)?.note.noteId).toBe('n2');
    expect(withoutNote(facts, 'n9', { at: frozenAt, by: 'Ann', reason: 'slip' })).toBeUndefined();
  });

  it.each([
    [', said: 30', 'notes weigh 27 % of points'],
    [', said: survey', 'only a satisfaction score takes its weight from the survey'],
    [', other: 1', 'there is no score "other"'],
  ])('are checked in a policy: %s', (weight, problem) => {
    const parsed = parsePolicy(text(weight), 'p.yaml');

    expect(parsed.ok ? '' : JSON.stringify(parsed.errors).replaceAll('\\"', '"')).toContain(problem);
  });

  it.each([
    ['{ note: { about: mood } }', '"mood" is not allowed'],
    ['{ note: { halfLifeDays: 30 } }', 'about is missing'],
    ['{ note: { about: quality, halfLifeDays: 0 } }', '0 is too small'],
    ['{ note: potential }', 'is not a block of keys'],
  ])('are written in a policy with a subject and a half-life: not %s', (score, problem) => {
    const parsed = parsePolicy(
      text(', said: 20').replace('{ note: { about: potential, halfLifeDays: 365 } }', score),
      'p.yaml',
    );

    expect(parsed.ok ? '' : JSON.stringify(parsed.errors).replaceAll('\\"', '"')).toContain(problem);
  });

  it('count in the bank preset with the two lines of the page on policies, and are explained as it says', () => {
    const page = readProjectFile('docs/policy.md');
    const [said = '', points = ''] = ['  said: ', '  qualityPoints: '].map(
      (start) => page.split('\n').find((line) => line.startsWith(start)) ?? '',
    );
    const bank = policyFrom(
      readProjectFile('policies/bank-three-class.yaml').replace(
        / {2}qualityPoints:\n {4}weighted: .*\n {4}needs: 2\n {4}en: .*\n {4}zh: .*\n/u,
        `${said}\n${points.replace(' }', ' }').replace(/needs: 2 \}$/u, 'needs: 2, en: Quality points, zh: 质量得分 }')}\n`,
      ),
    );
    const row = frameRow({
      metrics: { turnover_growth: 0, days_past_due: 0, share_of_wallet: 0.1, net_income: 5 },
      notes: [saidOf(4, 80)],
    });
    const cuts: Calibration = {
      cutoffs: { potential: { '*': [0.3, 0.6] }, contribution: { '*': [10, 20] }, pareto: { '*': [10, 20] } },
      satisfactionMeans: {},
      population: 9,
    };
    const plan = assignRow(row, bank, cuts, runOf('2026-10'));
    const { sentences } = explain(row, plan, bank, cuts, 'en', { authors: { n1: 'Li Wei' } });

    const sentence = sentences.find((one) => one.startsWith('Potential 4'));
    expect(sentence).toBe('Potential 4 of 5 by Li Wei, 80 days old, counts 7.9 % in Quality points.');
    expect(page).toContain(sentence?.slice(0, -1) ?? '?');
    expect(explain(row, plan, bank, cuts, 'en').sentences).toContain(
      'Potential 4 of 5, 80 days old, counts 7.9 % in Quality points.',
    );
  });
});
