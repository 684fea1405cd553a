import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandContext } from '#cli/command.ts';
import { namedPerson } from '#cli/named-person.ts';
import { activate, operator } from '#test/support/bench-target.ts';
import { memoryStaff } from '#test/support/memory-stores.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

/** Segments by the level of the score, so that a rating decides them. */
const UPGRADES = SCORE_POLICY.replace('score: { from: 70 }', 'step: { from: 3 }')
  .replace('score: { from: 30 }', 'step: { from: 2 }')
  .replace('score: { from: 0 }', 'step: { from: 1 }')
  .replace(
    'flags:',
    'flags:\n  upgrade: { from: [low, middle], rising: step, shortBy: 0.2, perManager: 100, expiresDays: 60, decides: branch }',
  );

let bench: ReturnType<typeof openMemoryBench>;
let resegment: ReturnType<typeof operator>;

const run = () => bench.run({ trigger: 'schedule', scheduledAt: bench.ports.clock.now() });
const flags = async (): Promise<readonly string[]> =>
  (await bench.ports.flags.listOpen()).map((flag) => `${flag.kind}:${flag.customerId}`).sort();
const open = async (policy: string, scores: Readonly<Record<string, number>>): Promise<void> => {
  bench = openMemoryBench();
  resegment = operator(bench);
  await activate(bench, policy);
  bench.setNow('2026-11-01T02:00:00.000Z');
  await withScore(bench, scores, '2026-10-15');
  await run();
};

describe('a proposal to let go', () => {
  beforeEach(() => open(SCORE_POLICY, { a: 90, b: 20, c: 10 }));

  it('is refused by a named person with a reason, which is kept with it and with the customer', async () => {
    const said = await resegment('flag', 'refuse', 'exit:c', '--reason', 'talked to the owner', '--json');

    expect(said).toMatchObject({ code: 0, json: { state: 'refused', customerId: 'c' } });
    expect((await bench.ports.customers.get('c'))?.decisions).toEqual([
      {
        kind: 'exit',
        decision: 'refused',
        by: 'Ann (unverified)',
        reason: 'talked to the owner',
        decidedAt: '2026-11-01T02:00:00.000Z',
        evidence: { segment: 'low', since: '2026-10', periods: 1 },
      },
    ]);
    expect((await resegment('flag', 'list')).out).not.toMatch(/ c /u);

    bench.setNow('2026-12-01T02:00:00.000Z');
    await run();
    expect((await resegment('explain', 'c')).out).toContain(
      'An exit was refused by a person on 2026-11-01; it is not proposed again without materially changed evidence.',
    );
    expect((await resegment('explain', 'c', '--lang', 'zh-CN')).out).toContain(
      '退出建议已被拒绝（2026-11-01，由人决定）',
    );
  });

  it('stays away once refused, in a run at once and month after month, until the customer comes anew', async () => {
    await resegment('flag', 'refuse', 'c', '--reason', 'keep');
    await resegment('run', '--yes');
    expect(await flags()).toEqual(['exit:b']);
    for (const month of ['2026-12', '2027-01', '2027-04', '2027-09']) {
      bench.setNow(`${month}-01T02:00:00.000Z`);
      await withScore(bench, { b: 20, c: 10 }, `${month}-01`);
      await run();
      expect(await flags()).toEqual(['exit:b']);
    }

    bench.setNow('2027-11-01T02:00:00.000Z');
    await withScore(bench, { c: 50 }, '2027-10-15');
    await run();
    bench.setNow('2027-12-01T02:00:00.000Z');
    await withScore(bench, { c: 10 }, '2027-11-15');
    await run();

    expect(await flags()).toContain('exit:c');
    const shown = await resegment('flag', 'show', 'c', '--json');
    expect(Object(shown.json)[0].history.map((event: { event: string }) => event.event)).toEqual([
      'raised',
      'refused',
      'raised',
    ]);
  });

  it('is not raised again by a run that froze its facts before the decision', async () => {
    bench.setNow('2026-12-01T02:00:00.000Z');
    await resegment('plan', '--as-of', '2026-11-30');
    bench.setNow('2026-12-01T03:00:00.000Z');
    await resegment('flag', 'approve', 'c', '--reason', 'agreed');

    await resegment('apply', 'latest');

    expect(await flags()).toEqual(['exit:b']);
  });

  it('tells who comes second who decided what and when', async () => {
    await resegment('flag', 'approve', 'c', '--reason', 'agreed');

    const second = await resegment('flag', 'refuse', 'c', '--reason', 'no', '--json');

    expect(second).toMatchObject({ code: 2, json: { error: { code: 'flag-decided' } } });
    expect(second.out).toContain('was approved already, by Ann (unverified) at 2026-11-01T02:00:00.000Z: agreed');
    expect((await bench.ports.customers.get('c'))?.decisions).toHaveLength(1);
  });

  it('cannot be decided after its last day', async () => {
    bench.setNow('2027-03-01T02:00:00.000Z');

    const late = await resegment('flag', 'approve', 'c', '--reason', 'late');
    const shown = await resegment('flag', 'show', 'c');

    expect(late).toMatchObject({ code: 2, err: expect.stringContaining('expired: its last day was 2026-12-30') });
    expect(shown.out).toContain('expired');
    expect((await resegment('flag', 'list')).out).toBe('no open proposal\n');
    expect((await bench.ports.customers.get('c'))?.decisions).toEqual([]);
  });

  it('cannot be decided once its conditions no longer hold', async () => {
    bench.setNow('2026-12-01T02:00:00.000Z');
    await withScore(bench, { c: 90 }, '2026-11-15');
    await run();

    const late = await resegment('flag', 'approve', 'c', '--reason', 'late', '--json');

    expect(late).toMatchObject({ code: 2, json: { error: { code: 'flag-withdrawn' } } });
  });

  it('R31 explains itself for the customer in English and Chinese', async () => {
    const shown = await resegment('flag', 'show', 'c', '--json');
    const [flag] = Object(shown.json);

    expect(flag).toMatchObject({
      decides: 'committee',
      isRoleChecked: false,
      explanation: { en: { lang: 'en' }, zh: { lang: 'zh' } },
      letters: { en: { lang: 'en' }, zh: { lang: 'zh' } },
    });
    const text = await resegment('flag', 'show', 'c', '--lang', 'zh-CN');
    expect(text.out).toContain('退出建议 · c · 待决定');
    expect(text.out).toContain('Explanation for the customer');
    expect(text.out).toContain('给客户的说明');
    expect(text.out).toContain('委员会 (未核对：员工名录中没有该角色)');
  });

  it('R31 gives a letter for the customer, in the language asked for, also as a file; not once it is refused', async () => {
    const out = join(temporaryFolder('letter'), 'letter.txt');

    const open = await resegment('flag', 'letter', 'c');
    await resegment('flag', 'approve', 'c', '--reason', 'agreed with the owner');
    const approved = await resegment('flag', 'letter', 'c', '--lang', 'zh-CN', '--out', out, '--json');
    await resegment('flag', 'refuse', 'b', '--reason', 'no');

    expect(open.out).toContain('- Score: 10');
    expect(open.out).toContain('Nothing has been decided.');
    expect(open.out).not.toMatch(/Class|Low|committee|Step|30/u);
    expect(approved.json).toMatchObject({ customerId: 'c', lang: 'zh', out });
    expect(readFileSync(out, 'utf8')).toContain('于 2026-11-01 审阅了您的情况后决定');
    expect(readFileSync(out, 'utf8')).not.toMatch(/agreed|Ann/u);
    expect(await resegment('flag', 'letter', 'b', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'letter-not-due' } },
    });
  });

  it('is listed once it is decided, withdrawn or past its day, the last first, and no longer while it is open again', async () => {
    await resegment('flag', 'refuse', 'c', '--reason', 'keep');
    bench.setNow('2026-11-02T02:00:00.000Z');
    await resegment('flag', 'approve', 'b', '--reason', 'agreed');

    const ids = async (...words: readonly string[]): Promise<readonly string[]> =>
      Object((await resegment('flag', 'list', ...words, '--json')).json).map(
        (flag: { customerId: string; state: string }) => `${flag.customerId} ${flag.state}`,
      );
    expect(await ids('--state', 'all')).toEqual(['b approved', 'c refused']);
    expect(await ids('--state', 'refused')).toEqual(['c refused']);
    expect(await ids('--state', 'all', '--kind', 'upgrade')).toEqual([]);
    expect((await resegment('flag', 'list', '--state', 'approved')).out).toMatch(
      /approved +2026-11-02 +Ann \(unverified\) +agreed/u,
    );
    expect((await resegment('flag', 'list', '--state', 'refused', '--csv')).out).toContain('refused,2026-11-01');

    bench.setNow('2026-12-01T02:00:00.000Z');
    await withScore(bench, { d: 5, e: 4 }, '2026-11-15');
    await run();
    bench.setNow('2027-01-01T02:00:00.000Z');
    await withScore(bench, { d: 90 }, '2026-12-15');
    await run();
    expect(await ids('--state', 'all')).toEqual(['e open', 'd withdrawn', 'b approved', 'c refused']);
    bench.setNow('2027-03-15T02:00:00.000Z');
    expect(await ids('--state', 'expired')).toEqual(['e expired']);
    expect(await ids('--state', 'withdrawn', '--since', '2027-01')).toEqual(['d withdrawn']);
    expect(await ids('--state', 'approved', '--since', '2026-12')).toEqual([]);
  });

  it('is approved by somebody else than who started the run that proposed it, and may be refused by that person', async () => {
    for (const customerId of ['d', 'e']) await bench.addCustomer({ customerId, openCase: 'k' });
    await withScore(bench, { d: 5, e: 4 }, '2026-11-20');
    bench.setNow('2026-12-01T02:00:00.000Z');
    await run();
    expect(await flags()).toEqual(['exit:b', 'exit:c']);
    for (const customerId of ['d', 'e']) {
      const known = await bench.ports.customers.get(customerId);
      const { openCase: _, ...closed } = known ?? (await bench.addCustomer({ customerId }));
      await bench.ports.customers.put({ ...closed, factsRev: closed.factsRev + 1 }, closed.factsRev);
    }
    await resegment('run', '--yes');
    const shown = await resegment('flag', 'show', 'd', '--json');

    const own = await resegment('flag', 'approve', 'd', '--reason', 'mine', '--json');
    const bulk = await resegment('flag', 'approve', '--kind', 'exit', '--reason', 'all', '--yes', '--json');
    const refused = await resegment('flag', 'refuse', 'e', '--reason', 'no', '--json');
    const { decideFlag } = await import('#shared/application/decide-flag.ts');
    const other = await decideFlag(
      { customerId: 'd' },
      { decision: 'approved', by: 'Bob', reason: 'agreed' },
      { ...bench.ports, timeZone: 'UTC' },
    );

    expect(Object(shown.json)[0].proposedBy).toBe('Ann (unverified)');
    expect(own).toMatchObject({ code: 2, json: { error: { code: 'approver-is-proposer' } } });
    expect(
      Object(bulk.json)
        .decided.map((flag: { customerId: string }) => flag.customerId)
        .sort(),
    ).toEqual(['b', 'c']);
    expect(Object(bulk.json).passedOver).toMatchObject([
      { customerId: 'd', code: 'approver-is-proposer' },
      { customerId: 'e', code: 'approver-is-proposer' },
    ]);
    expect(refused.code).toBe(0);
    expect(other.state).toBe('approved');
  });

  it('is confirmed by the run of a person without becoming that person’s proposal', async () => {
    await resegment('run', '--yes');

    expect(Object((await resegment('flag', 'show', 'c', '--json')).json)[0]).not.toHaveProperty('proposedBy');
    expect((await resegment('flag', 'approve', 'c', '--reason', 'agreed')).code).toBe(0);
  });

  it('is decided by who has the role of the policy where the staff directory knows it, in the branch or above', async () => {
    const member = (name: string, role: 'manager' | 'branchHead' | 'central', branch: string | null) => ({
      name,
      role,
      branch,
      email: `${name}@example.com`,
      superior: null,
      language: 'en' as const,
    });
    const staff = memoryStaff();
    resegment = operator(bench, [], undefined, undefined, staff);
    await open(SCORE_POLICY.replace('decides: committee', 'decides: branchHead'), {});
    resegment = operator(bench, [], undefined, undefined, staff);
    for (const customerId of ['p', 'q', 'r']) await bench.addCustomer({ customerId, branch: 'Pudong' });
    await withScore(bench, { p: 3, q: 2, r: 1 }, '2026-10-15');
    bench.setNow('2026-12-01T02:00:00.000Z');
    await run();

    await staff.put(member('Bob', 'central', null));
    expect(await resegment('flag', 'approve', 'p', '--reason', 'x', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'role-missing', message: expect.stringContaining('Ann is not in the staff directory') } },
    });
    await staff.put(member('Ann', 'manager', 'Pudong'));
    expect((await resegment('flag', 'refuse', 'p', '--reason', 'x')).err).toContain(
      'decided by branchHead of Pudong or above, and Ann is manager of Pudong',
    );
    await staff.put(member('Ann', 'branchHead', 'Suzhou'));
    expect((await resegment('flag', 'approve', 'p', '--reason', 'x')).code).toBe(2);
    await staff.put(member('Ann', 'branchHead', 'Pudong'));
    expect((await resegment('flag', 'approve', 'p', '--reason', 'x')).code).toBe(0);
    await staff.put(member('Ann', 'central', null));
    expect((await resegment('flag', 'approve', 'q', '--reason', 'x')).code).toBe(0);
    expect(Object((await resegment('flag', 'show', 'r', '--json')).json)[0]).toMatchObject({
      decides: 'branchHead',
      isRoleChecked: true,
    });
  });

  it.each([
    [['approve', 'c', '--reason', ' '], 'reason-missing'],
    [['approve', 'c', '--reason', 'x'.repeat(501)], 'reason-missing'],
    [['approve', 'nobody', '--reason', 'x'], 'customer-unknown'],
    [['approve', 'a', '--reason', 'x'], 'flag-unknown'],
    [['approve', 'c', '--kind', 'upgrade', '--reason', 'x'], 'flag-unknown'],
    [['approve', 'c', '--kind', 'demote', '--reason', 'x'], 'kind-unknown'],
    [['approve', 'exit:c', '--kind', 'upgrade', '--reason', 'x'], 'kind-unknown'],
    [['approve', 'b', 'c', '--reason', 'x'], 'kind-missing'],
    [['approve', '--reason', 'x', '--yes'], 'kind-missing'],
    [['approve', 'c', '--branch', 'B', '--reason', 'x'], 'options-conflict'],
    [['approve', '--kind', 'exit', '--reason', 'x'], 'not-confirmed'],
    [['show', 'a'], 'flag-unknown'],
    [['list', '--state', 'gone'], 'state-unknown'],
    [['list', '--since', '2026-10'], 'options-conflict'],
    [['list', '--state', 'all', '--since', '2026-13'], 'since-invalid'],
    [['list', '--state', 'all', '--since', '1999-01'], 'since-invalid'],
    [['letter', 'a'], 'flag-unknown'],
    [['letter', 'nobody'], 'customer-unknown'],
  ])('refuses %j as %s and changes nothing', async (words, code) => {
    const said = await resegment('flag', ...words, '--json');

    expect(said).toMatchObject({ code: 2, json: { error: { code } } });
    expect(await flags()).toEqual(['exit:b', 'exit:c']);
  });

  it.each(['', ' ', 'operator', 'x'.repeat(201), 'Li\nWei'])('cannot be decided by %j, who is nobody', (name) => {
    const context = { by: `${name} (unverified)` } as CommandContext;

    expect(() => namedPerson(context)).toThrow(/person's name/u);
    expect(namedPerson({ ...context, by: 'Li Wei (unverified)' })).toBe('Li Wei (unverified)');
  });
});

describe('proposals to let go', () => {
  it('are decided 20 at once at most', async () => {
    await open(SCORE_POLICY, Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`c${n}`, n])));

    const tooMany = await resegment('flag', 'approve', '--kind', 'exit', '--reason', 'x', '--yes', '--json');
    const ids = Array.from({ length: 20 }, (_, n) => `c${n}`);
    const named = await resegment('flag', 'approve', ...ids, '--kind', 'exit', '--reason', 'x', '--json');

    expect(tooMany).toMatchObject({ code: 2, json: { error: { code: 'too-many-exits' } } });
    expect(Object(named.json).decided).toHaveLength(20);
    expect(await flags()).toEqual(['exit:c20']);
  });
});

describe('proposals to upgrade', () => {
  beforeEach(async () => {
    await open(UPGRADES, { a: 20, b: 25, c: 40, d: 55, e: 10 });
    bench.setNow('2026-12-01T02:00:00.000Z');
    await withScore(bench, { a: 26, b: 27, d: 60 }, '2026-11-15');
    await run();
  });

  it('are listed by value at stake, the greatest first', async () => {
    const { json } = await resegment('flag', 'list', '--kind', 'upgrade', '--json');

    expect(json).toMatchObject([{ customerId: 'd', stake: 60 }, { customerId: 'b' }, { customerId: 'a' }]);
  });

  it('are approved in bulk with a printed sample, and not without a yes', async () => {
    const words = ['flag', 'approve', '--kind', 'upgrade', '--sample', '2', '--reason', 'round'];

    const asked = await resegment(...words);
    const done = await resegment(...words, '--yes', '--json');

    expect(asked.code).toBe(2);
    expect(asked.err).toContain('2 of 3 upgrade proposals');
    expect(asked.err).toContain('to approve all 3, add --yes');
    expect(Object(done.json).decided.map((flag: { customerId: string }) => flag.customerId)).toEqual(['d', 'b', 'a']);
    expect((await resegment(...words, '--yes')).out).toContain('no open proposal matches');
  });

  it('stay while the figure holds, and are not explained as a rise then', async () => {
    expect((await resegment('explain', 'd')).out).toContain('is 60, up from 55, ');
    bench.setNow('2027-01-01T02:00:00.000Z');
    await run();

    expect((await resegment('explain', 'd')).out).toContain('is 60, unchanged since it was last proposed, ');
    expect((await resegment('explain', 'd', '--lang', 'zh-CN')).out).toContain('为60（与上期相同，建议维持）');
  });

  it('say what is missing to which class, and how many there was no room for', async () => {
    expect((await resegment('flag', 'list')).out).toMatch(/ d .*10 short of the next limit of Step, then High/u);
    await activate(bench, UPGRADES.replaceAll('perManager: 100', 'perManager: 1'));
    bench.setNow('2027-01-01T02:00:00.000Z');
    await withScore(bench, { a: 27, b: 28, d: 61 }, '2026-12-15');
    await run();

    const listed = await resegment('flag', 'list');
    expect(listed.out).toContain('run 2026-12-monthly found 2 to upgrade');
    const chinese = (await resegment('flag', 'list', '--lang', 'zh-CN')).out;
    expect(chinese).toContain('另有 2 件升级');
    expect(chinese).toMatch(/^种类 .*涉及价值.*理由/u);
    expect(chinese).not.toMatch(/^(kind|upgrade) /mu);
    expect((await resegment('flag', 'list', '--lang', 'zh-CN', '--limit', '1')).out).toMatch(/另有 \d+ 项/u);
  });

  it('come back once refused only when what is missing has halved', async () => {
    await resegment('flag', 'refuse', 'a', 'b', '--kind', 'upgrade', '--reason', 'too early');
    bench.setNow('2027-01-01T02:00:00.000Z');
    await withScore(bench, { a: 29, b: 28 }, '2026-12-15');

    await run();

    expect((await flags()).filter((one) => one.startsWith('upgrade'))).toEqual(['upgrade:a', 'upgrade:d']);
  });

  it('never come back for the same step once approved', async () => {
    await resegment('flag', 'approve', 'a', '--kind', 'upgrade', '--reason', 'yes');
    bench.setNow('2027-01-01T02:00:00.000Z');
    await withScore(bench, { a: 29 }, '2026-12-15');

    await run();

    expect(await flags()).not.toContain('upgrade:a');
  });
});
