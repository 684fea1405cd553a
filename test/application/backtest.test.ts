import { ScanCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BacktestRequest,
  backtest,
  type History,
  readHistory,
  replayMonths,
} from '#shared/application/backtest.ts';
import { backtestRows, backtestText } from '#shared/application/backtest-text.ts';
import { fromDayNumber, toDayNumber } from '#shared/domain/calendar.ts';
import type { CustomerFacts, OrderDay } from '#shared/domain/facts.ts';
import { customer, policyFrom, preset, readProjectFile } from '#test/domain/support.ts';
import { arbitraryFacts } from '#test/support/arbitrary-facts.ts';
import { memoryCustomers } from '#test/support/memory-stores.ts';
import { openRunBench, type RunBench } from '#test/support/run-bench.ts';

const UTC = { businessTimeZone: 'UTC' };

/** Gone after 60 days without a purchase, no gap, no waiting. */
const SIMPLE = `
policy: simple
title: { en: Simple, zh: 简单 }
timeZone: UTC
currency: USD
valueMetric: spend
metrics:
  recency_days: { purchases: recencyDays, en: Days since, zh: 天数 }
  spend: { purchases: spend, en: Spend, zh: 消费 }
scores:
  R: { bands: [60], of: recency_days, better: low, en: Recency, zh: 最近 }
dimensions:
  state:
    en: State
    zh: 状态
    segments:
      here: { en: Here, zh: 在 }
      gone: { en: Gone, zh: 离去 }
      unrated: { en: Not rated, zh: 未评级 }
    rules:
      - { segment: here, when: { R: { from: 2 } } }
      - { segment: gone, when: { R: [1, 1] } }
    rest: unrated
moves: { margin: 0, downgradeAfterPeriods: 1, coolingOffMonths: 0 }
flags:
  exit: { from: [gone], afterPeriods: 1, notIf: [openCase, pinned], perManager: 1, expiresDays: 60, decides: sales }
service:
  here: { channel: mail }
  gone: { channel: mail }
brakes: { movedShare: 1, flagShare: 1, inputDropShare: 1, staleInputDays: 365, emptiedSegment: allow, quarantineShare: 1 }
`;

const order = (date: string, amountMinor = 1_000): OrderDay => ({
  day: toDayNumber(date),
  count: 1,
  amountMinor,
  attributes: {},
  batch: 0,
});

const historyOf = (customers: readonly CustomerFacts[]): History => {
  const dates = customers
    .flatMap((facts) => [
      ...facts.orders.map((one) => fromDayNumber(one.day)),
      ...facts.snapshots.map((one) => one.date),
      ...facts.statuses.map((one) => one.date),
    ])
    .sort();
  return {
    customers: customers.map((facts) => ({ bucket: 0, facts })),
    quarantined: 0,
    firstFact: dates[0] ?? null,
    newestFact: dates.at(-1) ?? null,
    sample: 1,
  };
};

const known = (id: string, dates: readonly string[], over: Partial<CustomerFacts> = {}): CustomerFacts =>
  customer({ customerId: id, subject: id, orders: dates.map((date) => order(date)), ...over });

/** A buys every month, B once, C stays away for 100 days. */
const THREE = [
  known('A', ['2026-01-10', '2026-02-10', '2026-03-10', '2026-04-10', '2026-05-10', '2026-06-10']),
  known('B', ['2026-01-05']),
  known('C', ['2026-01-05', '2026-04-15']),
];
const REQUEST: BacktestRequest = { from: '2026-02', to: '2026-05', horizonDays: 30, warmUpMonths: 1 };

describe('the backtest of a history counted by hand', () => {
  const policy = policyFrom(SIMPLE);

  it('moves the customers month by month', async () => {
    const result = await backtest(historyOf(THREE), policy, REQUEST, UTC);

    expect(result.warmUp).toEqual({ months: 1, from: '2026-01' });
    expect(result.months.map((month) => [month.period, month.dimensions['state']?.segments])).toEqual([
      ['2026-02', { here: 3 }],
      ['2026-03', { gone: 2, here: 1 }],
      ['2026-04', { gone: 1, here: 2 }],
      ['2026-05', { gone: 1, here: 2 }],
    ]);
    expect(result.months.map((month) => month.dimensions['state']?.stability)).toEqual([1, 1 / 3, 2 / 3, 1]);
    expect(result.months[1]?.dimensions['state']).toMatchObject({ down: 2, up: 0, known: 3, stayed: 1 });
    expect(result.moves['state']).toEqual([
      { from: 'gone', to: 'gone', count: 2 },
      { from: 'gone', to: 'here', count: 1 },
      { from: 'here', to: 'gone', count: 2 },
      { from: 'here', to: 'here', count: 7 },
    ]);
    expect(result.stability['state']).toBe(9 / 12);
  });

  it('counts proposed, new and opened flags: one manager takes one', async () => {
    const result = await backtest(historyOf(THREE), policy, REQUEST, UTC);

    expect(result.months.map((month) => month.flags.exit)).toEqual([
      { proposed: 0, fresh: 0, opened: 0 },
      { proposed: 2, fresh: 2, opened: 1 },
      { proposed: 1, fresh: 0, opened: 1 },
      { proposed: 1, fresh: 0, opened: 1 },
    ]);
  });

  it('does not let a case that is open today hold back a flag of the past', async () => {
    const customers = THREE.map((facts) => ({ ...facts, openCase: 'opened-yesterday' }));
    const result = await backtest(historyOf(customers), policy, REQUEST, UTC);

    expect(result.months.map((month) => month.flags.exit.proposed)).toEqual([0, 2, 1, 1]);
  });

  it('judges the flags by who did not buy, and leaves out the month whose horizon nobody has seen', async () => {
    const { judged, censored } = await backtest(historyOf(THREE), policy, REQUEST, UTC);

    expect(censored).toEqual(['2026-05']);
    expect(judged?.months).toBe(3);
    expect(judged?.exit).toMatchObject({ n: 9, positives: 5 });
    expect(judged?.exit.policy).toMatchObject({ flagged: 3, caught: 2, precision: 2 / 3, recall: 2 / 5, lift: 1.5 });
    expect(judged?.exit.policy.auc).toBeCloseTo(4 / 6, 12);
    expect(judged?.exit.recency).toMatchObject({ flagged: 3, caught: 2, auc: 4.5 / 6 });
    expect(judged?.exit.frequency).toMatchObject({ flagged: 3, caught: 2 });
    expect(judged?.exit.frequency.auc).toBeCloseTo(5.5 / 6, 12);
  });

  it('says what flagged and other customers then did', async () => {
    const { judged } = await backtest(historyOf(THREE), policy, REQUEST, UTC);

    expect(judged?.conduct.exit).toEqual({
      n: 3,
      bought: 1,
      boughtShare: 1 / 3,
      meanOrders: 1 / 3,
      meanSpendMinor: 1000 / 3,
      medianSpendMinor: 0,
      spendShare: 0.25,
    });
    expect(judged?.conduct.none).toMatchObject({ n: 6, bought: 3, medianSpendMinor: 500, spendShare: 0.75 });
    expect(judged?.conduct.upgrade).toMatchObject({ n: 0, boughtShare: null, medianSpendMinor: null });
  });

  it('shows a dash, never a zero, where a figure is undefined, in English and Chinese', async () => {
    const result = await backtest(historyOf(THREE), policy, REQUEST, UTC);
    const english = backtestText([{ result, policy }], { language: 'en', currency: 'USD' });
    const chinese = backtestText([{ result, policy }], { language: 'zh-CN', currency: 'USD' });

    expect(english).toMatch(/2026-02 +3 +2 +0 +– +– +0\.0% +– +0\.500/u);
    expect(english).toContain(`simple ${policy.version}`);
    expect(english).toContain('2026-05 not judged');
    expect(english).toMatch(/flagged upgrade +0 +– +– +– +– +–/u);
    expect(chinese).toContain('精确率');
    expect(chinese).not.toContain('Precision');
  });

  it('gives one CSV row per policy and month, with undefined figures empty', async () => {
    const result = await backtest(historyOf(THREE), policy, REQUEST, UTC);
    const [head = [], ...rows] = backtestRows([{ result, policy }]);
    const cell = (row: number, name: string): string | undefined => rows[row]?.[head.indexOf(name)];

    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row).toHaveLength(head.length);
    expect([cell(1, 'month'), cell(1, 'exit_precision'), cell(1, 'exit_auc')]).toEqual(['2026-03', '0.5', '0.75']);
    expect([cell(0, 'exit_precision'), cell(3, 'exit_n')]).toEqual(['', '']);
  });

  it('shows two policies side by side', async () => {
    const other = policyFrom(
      SIMPLE.replace('policy: simple', 'policy: patient').replace('bands: [60]', 'bands: [100]'),
    );
    const results = [];
    for (const one of [policy, other]) {
      results.push({ result: await backtest(historyOf(THREE), one, REQUEST, UTC), policy: one });
    }
    const text = backtestText(results, { language: 'en', currency: 'USD' });

    expect(text).toMatch(/simple \w+ +patient \w+/u);
    expect(text).toMatch(/Exit flags proposed +4 +2/u);
  });

  it('has no first month before the first fact, however long the warm-up', async () => {
    const result = await backtest(historyOf(THREE), policy, { ...REQUEST, warmUpMonths: 50 }, UTC);

    expect(result.warmUp).toEqual({ months: 1, from: '2026-01' });
  });

  it('starts with empty streaks without a warm-up: everybody is new', async () => {
    const result = await backtest(historyOf(THREE), policy, { ...REQUEST, warmUpMonths: 0 }, UTC);

    expect(result.months[0]?.dimensions['state']).toMatchObject({ fresh: 3, known: 0, stability: null });
  });
});

describe('what a backtest refuses', () => {
  const policy = policyFrom(SIMPLE);
  const asked = (over: Partial<BacktestRequest>, customers: readonly CustomerFacts[] = THREE) =>
    backtest(historyOf(customers), policy, { ...REQUEST, ...over }, UTC);

  it.each([
    ['months the wrong way round', { from: '2026-05', to: '2026-02' }, 'range-invalid'],
    ['more than ten years', { from: '2006-01', to: '2026-02' }, 'range-invalid'],
    ['months without facts', { from: '2030-01', to: '2030-02' }, 'range-without-facts'],
    ['no horizon', { horizonDays: 0 }, 'horizon-invalid'],
    ['a trait that nobody has', { outcome: { trait: 'exited' } }, 'outcome-unknown'],
  ] as const)('%s', async (_title, over, code) => {
    await expect(asked(over)).rejects.toMatchObject({ code });
  });

  it('an empty history', async () => {
    await expect(asked({}, [])).rejects.toMatchObject({ code: 'history-empty' });
  });

  it('an outcome that the policy looks at', async () => {
    const bank = preset('bank-three-class');
    const [trait = ''] = Object.values(bank.metrics).flatMap((metric) => ('trait' in metric ? [metric.trait] : []));

    await expect(backtest(historyOf(THREE), bank, { ...REQUEST, outcome: { trait } }, UTC)).rejects.toMatchObject({
      code: 'outcome-is-input',
    });
  });

  it('more customers or facts than fit in memory, and says how large a part to take', async () => {
    const store = memoryCustomers(8, (id) => `subject-of-${id}`);
    for (let index = 0; index < 40; index += 1) {
      const id = `c-${index}`;
      const subject = (await store.ensureSubjects([id])).get(id) ?? '';
      await store.put({ ...known(id, ['2026-01-05', '2026-02-05']), subject }, null);
    }
    const ports = { customers: store };

    await expect(readHistory(ports, { limits: { customers: 10, facts: 1_000 } })).rejects.toMatchObject({
      code: 'backtest-too-large',
      message: expect.stringContaining('at most 10'),
      hint: expect.stringMatching(/--sample 0\.\d/u),
    });
    await expect(readHistory(ports, { limits: { customers: 100, facts: 60 } })).rejects.toMatchObject({
      code: 'backtest-too-large',
    });
    expect((await readHistory(ports, { limits: { customers: 40, facts: 80 } })).customers).toHaveLength(40);
    const half = await readHistory(ports, { sample: 0.5 });
    expect(half.sample).toBe(0.5);
    expect(half.customers.length).toBeGreaterThan(0);
    expect(half.customers.length).toBeLessThan(40);
  });
});

describe('a trait as outcome of customers without purchases', () => {
  it('judges only those of whom it is known', async () => {
    const recordedAt = '2026-12-01T00:00:00.000Z';
    const bank = preset('bank-three-class');
    const customers = ['true', 'false', 'unknown'].map((id) =>
      customer({
        customerId: id,
        subject: id,
        snapshots: [
          { date: '2026-01-31', recordedAt, traits: { branch_seen: 'a' } },
          ...(id === 'unknown' ? [] : [{ date: '2026-03-31', recordedAt, traits: { exited: id === 'true' } }]),
        ],
      }),
    );
    const { judged, censored } = await backtest(
      historyOf(customers),
      bank,
      { from: '2026-01', to: '2026-03', horizonDays: 31, outcome: { trait: 'exited' } },
      UTC,
    );

    expect(censored).toEqual(['2026-03']);
    expect(judged?.months).toBe(2);
    // Of January nothing is known within 31 days; of February two customers.
    expect(judged?.exit).toMatchObject({ n: 2, positives: 1 });
  });
});

describe('the past as it was known', () => {
  const asOf = '2020-06-30';
  const upTo = (facts: CustomerFacts): CustomerFacts => {
    const { openCase: _openCase, ...rest } = facts;
    return {
      ...rest,
      orders: facts.orders.filter((one) => one.day <= toDayNumber(asOf)),
      snapshots: facts.snapshots.filter((one) => one.date <= asOf),
      statuses: facts.statuses.filter((one) => one.date <= asOf),
      answers: Object.fromEntries(Object.entries(facts.answers).filter(([, one]) => one.date <= asOf)),
      pins: facts.pins.filter((one) => one.setAt.slice(0, 10) <= asOf),
      decisions: facts.decisions.filter((one) => one.decidedAt.slice(0, 10) <= asOf),
    };
  };
  const withPins = (dimension: string, segment: string) =>
    fc
      .array(fc.record({ setAt: fc.constantFrom('2020-04-01', '2020-05-31', '2020-07-01', '2026-01-01') }), {
        maxLength: 2,
      })
      .map((all) =>
        all
          .map(({ setAt }) => ({
            dimension,
            segment,
            by: 'x',
            reason: 'y',
            setAt: `${setAt}T10:00:00.000Z`,
            until: '2030-01-01',
          }))
          .sort((a, b) => (a.setAt < b.setAt ? -1 : 1)),
      );

  it.each([
    ['retail-rfm', 'loyal'],
    ['bank-three-class', 'support'],
  ])('no later fact changes a segment, rating or flag by %s', (name, segment) => {
    const policy = preset(name);
    const customers = fc.tuple(
      ...['a', 'b', 'c', 'd'].map((id) =>
        fc
          .tuple(arbitraryFacts(id, id), withPins(policy.mainDimension, segment))
          .map(([facts, pins]) => ({ ...facts, pins })),
      ),
    );
    const replayed = (all: readonly CustomerFacts[]): string => {
      const history = { customers: all.map((facts) => ({ bucket: 0, facts })) };
      const months = [...replayMonths(history, policy, { from: '2020-03', to: '2020-06' }, UTC)];
      return JSON.stringify(months.map((month) => month.customers.map((one) => one.plan)));
    };
    fc.assert(
      fc.property(customers, (all) => {
        expect(replayed(all)).toBe(replayed(all.map(upTo)));
      }),
      { numRuns: 60 },
    );
  });
});

describe('the backtest and the scheduled runs of the same months', () => {
  const MONTHS = ['2025-03', '2025-04', '2025-05', '2025-06', '2025-07', '2025-08', '2025-09'];
  let bench: RunBench;
  let policy: ReturnType<typeof policyFrom>;
  const real: { readonly period: string; readonly plans: Record<string, unknown> }[] = [];

  const decidedOf = (row: {
    readonly next: { readonly placements: unknown; readonly ratings: unknown; readonly values: unknown };
    readonly scores: unknown;
    readonly moves: unknown;
    readonly changed: boolean;
    readonly flags: readonly { readonly kind: string; readonly evidence: unknown; readonly stake: number }[];
  }) => ({
    placements: row.next.placements,
    ratings: row.next.ratings,
    values: row.next.values,
    scores: row.scores,
    moves: row.moves,
    changed: row.changed,
    flags: row.flags.map(({ kind, evidence, stake }) => ({ kind, evidence, stake })),
  });
  /** As it comes back from a file: an absent key and an undefined one are the same. */
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  beforeAll(async () => {
    bench = await openRunBench(8);
    const text = readProjectFile('policies/retail-rfm.yaml')
      .replace(/^brakes:[\s\S]*$/mu, '')
      .concat(
        '\nbrakes: { movedShare: 1, flagShare: 1, inputDropShare: 1, staleInputDays: 365, emptiedSegment: allow, quarantineShare: 1 }\n',
      );
    policy = await bench.usePolicy(text);
    for (let index = 0; index < 60; index += 1) {
      const orders = Array.from({ length: 1 + ((index * 7) % 9) }, (_, n) =>
        order(
          fromDayNumber(toDayNumber('2025-01-03') + ((index * 37 + n * (11 + (index % 50))) % 330)),
          900 + index * 131,
        ),
      ).sort((a, b) => a.day - b.day);
      await bench.addCustomer({ customerId: `c-${index}`, orders, branch: `b-${index % 3}` });
    }
    for (const [place, period] of MONTHS.entries()) {
      const next = MONTHS[place + 1] ?? '2025-10';
      bench.setNow(`${next}-01T02:00:00.000Z`);
      const { runId, summary } = await bench.run({
        trigger: 'schedule',
        scheduledAt: `${next}-01T02:00:00.000Z`,
        survey: false,
      });
      expect(summary.state).toBe('published');
      const plans: Record<string, unknown> = {};
      for (let shard = 0; shard < 4; shard += 1) {
        for (const row of await bench.ports.files.readPlan(runId, shard)) plans[row.subject] = plain(decidedOf(row));
      }
      real.push({ period, plans });
    }
  });
  afterAll(() => bench.close());

  it('decide the same of every customer in every month, flags and evidence included', async () => {
    const history = await readHistory(bench.ports);
    const replayed = [...replayMonths(history, policy, { from: '2025-03', to: '2025-09' }, UTC)].map((month) => ({
      period: month.period,
      plans: Object.fromEntries(month.customers.map(({ plan }) => [plan.subject, plain(decidedOf(plan))])),
    }));

    expect(replayed).toEqual(real);
    expect(JSON.stringify(real)).toContain('"kind":"exit"');
    expect(JSON.stringify(real)).toContain('"coolingOff"');
  });

  it('open the same flags', async () => {
    const history = await readHistory(bench.ports);
    const result = await backtest(
      history,
      policy,
      { from: '2025-03', to: '2025-09', horizonDays: 30, warmUpMonths: 0 },
      UTC,
    );
    for (const month of result.months) {
      const opened = await bench.ports.files.readJson(`${month.period}-monthly`, 'review/flags.json');

      expect(opened).toHaveLength(month.flags.exit.opened + month.flags.upgrade.opened);
    }
  });

  it('leave the stores as they were', async () => {
    const stored = async (): Promise<string> => {
      const tables = [];
      for (const TableName of [
        'customers',
        'standings',
        'contacts',
        'flags',
        'runs',
        'cases',
        'answers',
        'invitations',
      ]) {
        tables.push((await bench.dynamo.send(new ScanCommand({ TableName }))).Items);
      }
      return JSON.stringify([tables, await bench.ports.objects.list('')]);
    };
    const before = await stored();
    await backtest(await readHistory(bench.ports), policy, { from: '2025-03', to: '2025-09', horizonDays: 30 }, UTC);

    expect(await stored()).toBe(before);
  });
});
