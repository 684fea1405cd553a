import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decideFlag } from '#shared/application/decide-flag.ts';
import { type FlagOutcomesRequest, flagOutcomes } from '#shared/application/flag-outcomes.ts';
import { rollbackRun } from '#shared/application/run/rollback-run.ts';
import { addMonths, lastDayOf, toDayNumber } from '#shared/domain/calendar.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

/** The policy of steps by rating, so that it can propose upgrades too. */
const POLICY = SCORE_POLICY.replace('{ score: { from: 70 } }', '{ step: { from: 3 } }')
  .replace('{ score: { from: 30 } }', '{ step: { from: 2 } }')
  .replace(
    'flags:\n',
    'flags:\n  upgrade: { from: [middle], rising: step, shortBy: 0.15, perManager: 100, expiresDays: 60, decides: marketing }\n',
  );
const MONTHS = ['2026-01', '2026-02', '2026-03', '2026-04', '2026-05', '2026-06'];

let bench: ReturnType<typeof openMemoryBench>;

const outcomes = (given: Partial<FlagOutcomesRequest> = {}) => flagOutcomes({ withinDays: 90, ...given }, bench.ports);
const onlyVersion = async (given: Partial<FlagOutcomesRequest> = {}) => {
  const { versions } = await outcomes(given);
  const [version] = versions;
  if (version === undefined || versions.length > 1) throw new Error(`${versions.length} versions`);
  return version;
};

const bought = (...dates: readonly string[]) =>
  dates.map((date) => ({ day: toDayNumber(date), count: 1, amountMinor: 100, attributes: {}, batch: 0 }));
const EVERY_MONTH = MONTHS.map((month) => `${month}-15`);

const closeMonth = async (month: string, scores: Record<string, number>): Promise<void> => {
  bench.setNow(`${lastDayOf(month)}T12:00:00.000Z`);
  await withScore(bench, scores, `${month}-20`);
  const scheduledAt = `${addMonths(month, 1)}-01T02:00:00.000Z`;
  bench.setNow(scheduledAt);
  await bench.run({ trigger: 'schedule', scheduledAt });
};

/**
 * Six months. Those with 90 days after them that are over by 30 June are January (until 1 May), February (29 May) and March
 * (29 June).
 *
 * a: low, never buys again. b: low, buys on 10 February. g: like b, but with an open case, so never proposed.
 * e: low, never buys; its exit is approved on 5 February. h: low, erased at the end.
 * c: middle, never buys, no flag. d: middle, buys every month. x: high, buys every month and on 30 June.
 * f: buys every month; middle with 50, then with 66 (near high and rising), then high.
 */
const sixMonths = async (buckets?: number): Promise<void> => {
  bench = openMemoryBench(buckets);
  await bench.usePolicy(POLICY);
  for (const [customerId, orders] of Object.entries({
    a: bought(),
    b: bought('2026-02-10'),
    c: bought(),
    d: bought(...EVERY_MONTH),
    e: bought(),
    f: bought(...EVERY_MONTH),
    g: bought('2026-02-10'),
    h: bought(),
    x: bought(...EVERY_MONTH, '2026-06-30'),
  }))
    await bench.addCustomer({ customerId, orders, ...(customerId === 'g' ? { openCase: 'k1' } : {}) });
  for (const month of MONTHS) {
    const f = month === '2026-01' ? 50 : month === '2026-02' ? 66 : 75;
    await closeMonth(month, { a: 10, b: 10, c: 50, d: 50, e: 10, f, g: 10, h: 10, x: 90 });
    if (month !== '2026-01') continue;
    bench.setNow('2026-02-05T09:00:00.000Z');
    await decideFlag(
      { customerId: 'e', kind: 'exit' },
      { decision: 'approved', by: 'Li', reason: 'agreed' },
      { ...bench.ports, timeZone: 'UTC' },
    );
  }
  await bench.ports.customers.erase('h');
};

describe('what became of flagged customers', () => {
  beforeAll(() => sixMonths());

  it('is judged in the months whose days after are over', async () => {
    const { periods } = await onlyVersion();
    const { knownUntil, tooShort } = await outcomes();

    expect(knownUntil).toBe('2026-06-30');
    expect(periods).toEqual(['2026-01', '2026-02', '2026-03']);
    expect(tooShort).toEqual(['2026-04', '2026-05', '2026-06']);
  });

  it('of exits: precision and recall, computed by hand', async () => {
    const { exit } = await onlyVersion();

    // Left: a 3 months, b 2, c 3, e 1, g 2. Flagged: a 3, b 3, e 1. e counts no more once its exit is approved.
    expect(exit).toMatchObject({ n: 22, withOutcome: 11, missed: { months: 5, customers: 2 } });
    expect(exit.flagged).toMatchObject({ n: 7, left: 6, bought: 1, rose: 0, ended: 0 });
    expect(exit.flagged.precision?.value).toBeCloseTo(6 / 7, 12);
    expect(exit.flagged.precision?.effective).toBeCloseTo(49 / 19, 12);
    expect(exit.recall?.value).toBeCloseTo(6 / 11, 12);
    expect(exit.recall?.effective).toBeCloseTo(121 / 27, 12);
  });

  it('of exits: approved apart from those that nobody decided in 60 days', async () => {
    const { exit } = await onlyVersion();

    expect(Object.keys(exit.byDecision)).toEqual(['approved', 'expired']);
    expect(exit.byDecision.approved).toMatchObject({ n: 1, left: 1 });
    expect(exit.byDecision.expired).toMatchObject({ n: 6, left: 5 });
  });

  it('has beside it what the unflagged of the same segment did', async () => {
    const { exit } = await onlyVersion();

    // g is the only unflagged low customer: it bought after January, and not after February and March.
    expect(exit.base).toBeCloseTo(2 / 3, 12);
    expect(exit.baseCovers).toBe(1);
    expect(exit.lift).toBeCloseTo(9 / 7, 12);
    expect(exit.bySegment['low']).toEqual({ flagged: 7, flaggedWith: 6, unflagged: 3, unflaggedWith: 2 });
  });

  it('of upgrades: f rose after its flag, and before it without one', async () => {
    const { upgrade } = await onlyVersion();

    expect(upgrade).toMatchObject({ n: 24, withOutcome: 2, missed: { months: 1, customers: 1 } });
    expect(upgrade.flagged).toMatchObject({ n: 1, rose: 1, bought: 1 });
    expect(upgrade.recall?.value).toBe(0.5);
  });

  it('names who was lost, and who rose, without a flag, the most valuable first', async () => {
    const { missed } = await onlyVersion();

    expect(missed.exit.map(({ customerId, period }) => [customerId, period])).toEqual([
      ['c', '2026-03'],
      ['g', '2026-03'],
    ]);
    expect(missed.upgrade.map(({ customerId, period }) => [customerId, period])).toEqual([['f', '2026-01']]);
  });

  it('takes customers erased, and months too short ago, as not known and not as failures', async () => {
    const { notKnown, afterDecision } = await onlyVersion();

    expect(notKnown.exit).toEqual({ tooShort: 6, erased: 6, unreadable: 0, noOutcome: 0 });
    expect(afterDecision.exit).toBe(2);
  });

  it('reads each plan file once, and tells how many', async () => {
    expect((await outcomes()).read).toEqual({ plans: 24, customers: 8 });
  });

  it('refuses the policy’s own input as the outcome', async () => {
    await expect(outcomes({ outcome: { trait: 'score' } })).rejects.toThrow(/would be judged by what it was told/u);
  });

  it.each([
    [{ withinDays: 30 }, /from 31 to 1095, got 30/u],
    [{ withinDays: 90.5 }, /got 90.5/u],
    [{ from: '2026-06', to: '2026-05' }, /must not be after the last, got 2026-06 to 2026-05/u],
    [{ from: '2020-01', to: '2020-05' }, /no run of 2020-01 to 2020-05 closed a month/u],
    [{ policy: 'nobody' }, /no published run used policy "nobody"; there are three-steps \(/u],
  ] as const)('refuses %j and says what is allowed', async (given, message) => {
    await expect(outcomes(given)).rejects.toThrow(message);
  });
});

describe('what became of flagged customers, where something changed since', () => {
  beforeEach(() => sixMonths());

  it('says the same however customers are spread over buckets and files', async () => {
    const { versions } = await outcomes();
    await sixMonths(16);

    expect((await outcomes()).versions).toEqual(versions);
  });

  it('judges fewer months where the newest purchase is older than the newest run', async () => {
    const facts = await bench.ports.customers.get('x');
    await bench.addCustomer({ customerId: 'x', orders: (facts?.orders ?? []).slice(0, -1) });
    const { periods } = await onlyVersion();

    // The newest purchase is of 15 June, so nobody knows yet who bought until 29 June.
    expect(periods).toEqual(['2026-01', '2026-02']);
  });

  it('keeps versions of a policy apart', async () => {
    await bench.usePolicy(POLICY.replace('shortBy: 0.15', 'shortBy: 0.2'));
    await closeMonth('2026-07', { a: 10 });
    const { versions } = await outcomes();

    expect(versions.map(({ periods }) => periods.length)).toEqual([0, 4 - 1]);
    expect(new Set(versions.map(({ policy }) => policy.hash)).size).toBe(2);
    const [newer] = versions;
    expect((await onlyVersion({ policy: newer?.policy.hash.slice(0, 8) ?? '' })).policy).toEqual(newer?.policy);
  });

  it('follows no run that was rolled back', async () => {
    await rollbackRun({ by: 'Ann', reason: 'wrong file' }, bench.ports);
    const { periods, notKnown } = await onlyVersion();

    expect(periods).toEqual(['2026-01', '2026-02']);
    expect(notKnown.exit.tooShort).toBe(2 * 3);
  });

  it('takes a trait as the outcome, and leaves out those of whom it is not known', async () => {
    for (const [customerId, churned] of Object.entries({ a: true, b: false })) {
      const known = await bench.ports.customers.get(customerId);
      const snapshot = { date: '2026-06-30', recordedAt: '2026-07-01T00:00:00.000Z', traits: { churned } };
      await bench.addCustomer({ customerId, snapshots: [...(known?.snapshots ?? []), snapshot] });
    }
    const { exit, notKnown } = await onlyVersion({ outcome: { trait: 'churned' }, withinDays: 91 });

    // Only March's 91 days end on 30 June, when it was known.
    expect(exit).toMatchObject({ n: 2, withOutcome: 1, flagged: { n: 2, left: 1 } });
    expect(notKnown.exit.noOutcome).toBe(5);
  });

  it('says what is missing where no month is closed yet', async () => {
    bench = openMemoryBench();

    await expect(outcomes()).rejects.toThrow('no run that closes a month is published yet');
  });
});
