import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ACTION_SECTIONS, actionLists, actionsIn, deskOf } from '#shared/application/action-lists.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import { activate, operator } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import { memoryStores } from '#test/survey/memory.ts';

const POLICY = SCORE_POLICY.replace(
  'brakes:',
  `service:
  class:
    high: { price: preferential, contactDays: 30 }
    low: { price: market }
brakes:`,
);

let bench: ReturnType<typeof openMemoryBench>;
let stores: ReturnType<typeof memoryStores>;
let resegment: ReturnType<typeof operator>;

const manage = async (managers: Readonly<Record<string, readonly [manager: string | null, branch: string | null]>>) => {
  for (const [customerId, [manager, branch]] of Object.entries(managers)) {
    await bench.addCustomer({
      customerId,
      ...(manager === null ? {} : { manager }),
      ...(branch === null ? {} : { branch }),
    });
  }
};
const scheduled = (at: string) => bench.run({ trigger: 'schedule', scheduledAt: at });
const openCase = async (customerId: string, dueAt: string): Promise<void> => {
  const facts = await bench.ports.customers.get(customerId);
  const opened: CustomerCase = {
    caseId: `k-${customerId}`,
    customerId,
    subject: facts?.subject ?? '',
    waveId: 'w',
    segment: 'low',
    branch: 'Pudong',
    manager: 'Li Wei',
    owner: { kind: 'manager', name: 'Li Wei' },
    reason: 'lowAnswer',
    score: 2,
    question: 'nps',
    priority: 'normal',
    openedAt: '2026-11-30T08:00:00.000Z',
    dueAt,
    state: 'open',
    history: [],
  };
  await stores.cases.createIfAbsent(opened);
};

const LI = ['Li Wei', 'Pudong'] as const;
const WANG = ['=Wang', 'Pudong'] as const;

beforeEach(async () => {
  bench = openMemoryBench();
  stores = memoryStores();
  resegment = operator(bench, stores.cases);
  await activate(bench, POLICY);
  bench.setNow('2026-11-01T02:00:00.000Z');
  await withScore(bench, { falls: 90, rises: 1, stays: 50, deep: 80, waits: 10, other: 50, nobody: 90 }, '2026-10-15');
  await manage({ falls: LI, rises: LI, stays: LI, deep: LI, waits: LI, other: WANG, nobody: [null, null] });
  await scheduled('2026-11-01T02:00:00.000Z');
  bench.setNow('2026-12-01T02:00:00.000Z');
  await withScore(bench, { falls: 40, rises: 31, deep: 20, fresh: 60, other: 80, nobody: 40 }, '2026-11-15');
  await manage({ falls: LI, rises: LI, stays: LI, deep: LI, waits: LI, other: WANG, fresh: LI });
  await openCase('falls', '2026-12-02T08:00:00.000Z');
  await openCase('stays', '2026-12-01T08:00:00.000Z');
  await scheduled('2026-12-01T02:00:00.000Z');
});

interface Listed {
  readonly lists: readonly {
    readonly desk: { readonly kind: string; readonly name: string };
    readonly sections: Readonly<
      Record<string, { readonly total: number; readonly rows: readonly { readonly customerId: string }[] }>
    >;
  }[];
}
const idsOf = (listed: unknown, index = 0): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Object.entries((listed as Listed).lists[index]?.sections ?? {}).map(([name, { rows }]) => [
      name,
      rows.map((row) => row.customerId),
    ]),
  );

describe('an action list', () => {
  it('no longer names a proposal that a person has decided', async () => {
    const decided = await resegment('flag', 'refuse', 'deep', '--reason', 'new contract', '--as', 'Li Wei');
    expect(decided.code, decided.out).toBe(0);

    const li = await resegment('action', 'list', '--manager', 'Li Wei', '--json');

    expect(idsOf(li.json)['proposals']).toEqual(['waits']);
  });

  it('names cases by due time, proposals by stake, those who fall by value, and the low-value riser', async () => {
    const li = await resegment('action', 'list', '--manager', 'Li Wei', '--json');

    expect(idsOf(li.json)).toEqual({
      cases: ['stays', 'falls'],
      proposals: ['deep', 'waits'],
      falling: [],
      rising: ['rises'],
      others: ['fresh'],
    });
    expect(li.json).toMatchObject({
      runId: '2026-11-monthly',
      lists: [
        {
          desk: { kind: 'manager', name: 'Li Wei' },
          sections: {
            cases: {
              rows: [
                { case: { caseId: 'k-stays' }, reasons: ['openCase'], move: null },
                { reasons: ['openCase', 'movedDown'], from: 'high', segment: 'middle', why: 'Score 40', atStake: 40 },
              ],
            },
            proposals: { rows: [{ reasons: ['exitProposed', 'movedDown'] }, { reasons: ['exitProposed'] }] },
          },
        },
      ],
    });
  });

  it('is read in words in both languages, with the service plan once', async () => {
    const li = (await resegment('action', 'list', '--manager', 'Li Wei')).out;
    expect(li).toContain('Open cases (2)');
    expect(li).toMatch(
      /falls +High → Middle +40 +2026-12-02T08:00:00.000Z +open case: a low answer, score 2; moved down \(Score 40\)/u,
    );
    expect(li).toMatch(/Low +Price: market average/u);
    expect(li.match(/Price: market/gu)).toHaveLength(1);

    const zh = (await resegment('action', 'list', '--manager', 'Li Wei', '--lang', 'zh-CN')).out;
    expect(zh).toContain('未结个案：评分偏低，评分 2；类别下降（分数 40）');
    expect(zh).toContain('价格政策：市场平均价');
  });

  it('of a branch has the customers of all its managers; without a name all lists are shown, a line each', async () => {
    expect(idsOf((await resegment('action', 'list', '--branch', 'Pudong', '--json')).json)['rising']).toEqual([
      'other',
      'rises',
    ]);
    const all = await resegment('action', 'list', '--json');
    expect((all.json as Listed).lists.map(({ desk }) => desk.name)).toEqual(['=Wang', 'Li Wei', 'central']);
    expect((await resegment('action', 'list')).out).toMatch(/Li Wei +2 +2 +0 +1 +1\n/u);
  });

  it('R24 makes names harmless in CSV, and writes a file for each list that only its owner can read', async () => {
    const csv = (await resegment('action', 'list', '--csv', '--bom')).out;
    expect(csv.startsWith('\ufefflist,place,section,customer')).toBe(true);
    expect(csv).toContain(
      "'=Wang,1,Rising,other,Pudong,'=Wang,High,Middle,moved up (Score 80),80,,,Price: preferential; ",
    );
    expect((await resegment('action', 'list', '--csv', '--lang', 'zh-CN')).out).toContain('清单,次序,部分,客户');

    const folder = temporaryFolder('lists');
    const written = await resegment('action', 'list', '--out', folder, '--json');
    const files = readdirSync(folder).sort();
    expect(files).toHaveLength(3);
    expect(files.find((name) => name.startsWith('manager-Li-Wei-'))).toBeDefined();
    for (const name of files) expect(statSync(path.join(folder, name)).mode & 0o077).toBe(0);
    expect(readFileSync(path.join(folder, files[0] ?? ''), 'utf8').split('\r\n').length).toBeGreaterThan(2);
    expect(Object(written.json).files).toHaveLength(3);
  });

  it('is empty for somebody with nothing to do, and unknown for a name that nobody has', async () => {
    bench.setNow('2027-01-01T02:00:00.000Z');
    await scheduled('2027-01-01T02:00:00.000Z');

    expect((await resegment('action', 'list', '--manager', '=Wang')).out).toContain('nothing to do');
    const unknown = await resegment('action', 'list', '--manager', 'Wei Li', '--json');
    expect(unknown).toMatchObject({ code: 2, json: { error: { code: 'desk-unknown' } } });
    expect(unknown.out).toContain('Li Wei');
    expect(
      idsOf((await resegment('action', 'list', '--run', '2026-11', '--manager', '=Wang', '--json')).json),
    ).toMatchObject({
      rising: ['other'],
    });
  });

  it('forgets a case that was closed since, and shows one that was opened since', async () => {
    await stores.cases.update('k-stays', (known) => ({ ...known, state: 'closed' }));
    await openCase('other', '2026-12-09T08:00:00.000Z');

    expect(idsOf((await resegment('action', 'list', '--manager', 'Li Wei', '--json')).json)['cases']).toEqual([
      'falls',
    ]);
    expect(idsOf((await resegment('action', 'list', '--manager', '=Wang', '--json')).json)['cases']).toEqual(['other']);
  });

  it.each([
    [['--manager', 'Li Wei', '--branch', 'Pudong'], 'list-ambiguous'],
    [['--run', '1999-01'], 'run-unknown'],
    [['--limit', '0'], 'option-invalid'],
  ])('refuses %j', async (words, code) => {
    expect(await resegment('action', 'list', ...words, '--json')).toMatchObject({ code: 2, json: { error: { code } } });
  });
});

describe('action lists of any run', () => {
  it('count every customer once, keep the least valuable of those who rise, and depend on no number of shards', async () => {
    const before = fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(before, fc.integer({ min: 1, max: 4 }), fc.integer(), async (scores, perSection, seed) => {
        const lists = async (shards: number) => {
          const own = openMemoryBench();
          const policy: Policy = await own.usePolicy(POLICY);
          own.setNow('2026-11-01T02:00:00.000Z');
          const ids = scores.map((_, index) => `c${index}`);
          await withScore(own, Object.fromEntries(ids.map((id, index) => [id, scores[index] ?? 0])), '2026-10-15');
          await own.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z', shards });
          own.setNow('2026-12-01T02:00:00.000Z');
          const next = scores.map((_, index) => Math.abs((seed % 997) * 31 + index * 17) % 100);
          await withScore(own, Object.fromEntries(ids.map((id, index) => [id, next[index] ?? 0])), '2026-11-15');
          const { runId } = await own.run({ trigger: 'schedule', scheduledAt: '2026-12-01T02:00:00.000Z', shards });
          const made = await actionLists(own.ports, { runId, shards }, policy, {
            desksOf: (row) => [deskOf(row)],
            languageOf: () => 'en',
            perSection,
          });
          return { made, next };
        };
        const { made, next } = await lists(1);
        const level = (score: number): number => (score >= 70 ? 2 : score >= 30 ? 1 : 0);
        const busy = scores.filter((score, index) => {
          const now = next[index] ?? 0;
          return level(score) !== level(now) || level(now) === 0;
        });
        expect(made.reduce((sum, list) => sum + actionsIn(list), 0)).toBe(busy.length);
        const rising = made[0]?.sections.rising;
        const risers = scores.flatMap((score, index) =>
          level(next[index] ?? 0) > level(score) ? [next[index] ?? 0] : [],
        );
        expect(rising?.total ?? 0).toBe(risers.length);
        if (perSection >= 2 && risers.length > 0)
          expect(rising?.rows.map((row) => row.atStake)).toContain(Math.min(...risers));
        for (const list of made)
          for (const section of ACTION_SECTIONS)
            expect(list.sections[section].rows.length).toBe(Math.min(perSection, list.sections[section].total));
        expect((await lists(3)).made).toEqual(made);
      }),
      { numRuns: 15 },
    );
  });
});
