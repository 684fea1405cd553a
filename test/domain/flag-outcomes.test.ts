import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DECIDED, decidedAfter, type OutcomeObservation, OutcomeTally } from '#shared/domain/flag-outcomes.ts';
import type { Flag, FlagEvent } from '#shared/domain/flags.ts';
import { shareOfCounts } from '#shared/domain/survey-statistics.ts';

const flagOf = (...events: readonly (readonly [FlagEvent['event'], string])[]): Flag => ({
  kind: 'exit',
  subject: 's',
  customerId: 'c',
  runId: 'r',
  period: '2026-05',
  segment: 'low',
  branch: null,
  manager: null,
  stake: 1,
  evidence: {},
  raisedAt: '2026-06-01T00:00:00.000Z',
  expiresOn: '2026-07-30',
  state: 'open',
  history: events.map(([event, by]) => ({ event, by, at: '2026-06-01T00:00:00.000Z' })),
});

describe('what people made of a proposal', () => {
  it.each([
    ['open', [['raised', 'r1']]],
    [
      'approved',
      [
        ['raised', 'r1'],
        ['approved', 'Li'],
      ],
    ],
    [
      'refused',
      [
        ['raised', 'r1'],
        ['confirmed', 'r2'],
        ['refused', 'Li'],
      ],
    ],
    [
      'expired',
      [
        ['raised', 'r1'],
        ['expired', 'calendar'],
        ['raised', 'r3'],
        ['approved', 'Li'],
      ],
    ],
    [
      'withdrawn',
      [
        ['raised', 'r1'],
        ['withdrawn', 'r2'],
        ['raised', 'r3'],
        ['approved', 'Li'],
      ],
    ],
    [
      'approved',
      [
        ['raised', 'r1'],
        ['withdrawn', 'r2'],
        ['reopened', 'Ann'],
        ['approved', 'Li'],
      ],
    ],
    [
      'notOpened',
      [
        ['raised', 'r2'],
        ['approved', 'Li'],
      ],
    ],
  ] as const)('is %s after %j', (decided, events) => {
    expect(decidedAfter(flagOf(...events), 'r1')).toBe(decided);
  });

  it('is that nothing was opened, where no proposal is stored', () => {
    expect(decidedAfter(undefined, 'r1')).toBe('notOpened');
  });
});

const month = (given: Partial<OutcomeObservation> = {}): OutcomeObservation => ({
  segment: 'low',
  flags: {},
  answered: [],
  bought: false,
  spentMore: false,
  left: true,
  rose: false,
  ended: false,
  ...given,
});

const arbitraryMonth = fc.record({
  segment: fc.constantFrom('low', 'middle'),
  flags: fc.oneof(fc.constant({}), fc.record({ exit: fc.constantFrom(...DECIDED) })),
  answered: fc.constantFrom<readonly ('exit' | 'upgrade')[]>([], ['exit']),
  bought: fc.boolean(),
  spentMore: fc.boolean(),
  left: fc.constantFrom(true, false, null),
  rose: fc.constantFrom(true, false, null),
  ended: fc.boolean(),
});

const tallied = (customers: readonly (readonly OutcomeObservation[])[]): OutcomeTally => {
  const tally = new OutcomeTally();
  for (const months of customers) tally.add(months);
  return tally;
};

describe('precision and recall', () => {
  it('have the plain Wilson interval where every customer has one month', () => {
    const flagged = { flags: { exit: 'open' as const } };
    const customers = Array.from({ length: 20 }, (_, index) => [month({ ...flagged, left: index < 15 })]);
    const { flagged: became } = tallied(customers).figures('exit');

    expect(became.precision?.effective).toBe(20);
    expect(became.precision?.interval).toEqual(shareOfCounts(15, 20)?.interval);
  });

  it('are no surer for more months of the same customer', () => {
    const flagged = month({ flags: { exit: 'open' } });
    const one = tallied([[flagged], [month({ ...flagged, left: false })]]).figures('exit');
    const many = tallied([
      Array.from({ length: 9 }, () => flagged),
      Array.from({ length: 9 }, () => month({ ...flagged, left: false })),
    ]).figures('exit');

    expect(many.flagged.n).toBe(18);
    expect(many.flagged.precision).toEqual(one.flagged.precision);
  });

  it('leave out months whose outcome nobody knows', () => {
    const { n, flagged, recall } = tallied([[month({ flags: { exit: 'open' }, left: null })]]).figures('exit');

    expect({ n, flagged: flagged.n, precision: flagged.precision, recall }).toEqual({
      n: 0,
      flagged: 0,
      precision: null,
      recall: null,
    });
  });

  it('take silence after a decision as no miss', () => {
    const { n, missed } = tallied([[month({ answered: ['exit'] })]]).figures('exit');

    expect({ n, missed }).toEqual({ n: 0, missed: { months: 0, customers: 0 } });
  });

  it('add up, whatever the customers and their order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(arbitraryMonth, { maxLength: 6 }), { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (customers, keys) => {
          const figures = tallied(customers).figures('exit');
          const shuffled = customers
            .map((months, index) => ({ months: [...months].reverse(), key: keys[index] ?? 0 }))
            .sort((a, b) => a.key - b.key)
            .map(({ months }) => months);
          const parts = Object.values(figures.byDecision);
          const segments = Object.values(figures.bySegment);
          const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

          expect(tallied(shuffled).figures('exit')).toEqual(figures);
          expect(sum(parts.map(({ n }) => n))).toBe(figures.flagged.n);
          expect(sum(parts.map(({ left }) => left))).toBe(figures.flagged.left);
          expect(sum(segments.map(({ flagged, unflagged }) => flagged + unflagged))).toBe(figures.n);
          expect(figures.flagged.left + figures.missed.months).toBe(figures.withOutcome);
          for (const one of [figures.flagged.precision, figures.recall]) {
            if (one === null) continue;
            expect(one.effective).toBeLessThanOrEqual(figures.n + 1e-9);
            expect(one.interval.low).toBeLessThanOrEqual(one.value + 1e-9);
            expect(one.interval.high).toBeGreaterThanOrEqual(one.value - 1e-9);
          }
        },
      ),
    );
  });

  it('stand beside the base rate of the same segment: a flag that is given at random has lift 1', () => {
    // Half of low leave and a tenth of middle; every second customer is flagged, alike in both.
    const customers = ['low', 'middle'].flatMap((segment) =>
      Array.from({ length: 40 }, (_, index) => [
        month({
          segment,
          left: index % 20 < (segment === 'low' ? 10 : 2),
          flags: index < 20 ? { exit: 'open' } : {},
        }),
      ]),
    );
    const { base, lift, flagged } = tallied(customers).figures('exit');

    expect(flagged.precision?.value).toBeCloseTo(0.3, 12);
    expect(base).toBeCloseTo(0.3, 12);
    expect(lift).toBeCloseTo(1, 12);
  });
});
