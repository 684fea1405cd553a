import { beforeEach, describe, expect, it } from 'vitest';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import { visibleGeneration } from '#shared/application/run/measure-shard.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import { activate, operator } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

let bench: ReturnType<typeof openMemoryBench>;
let resegment: ReturnType<typeof operator>;

const segments = async (): Promise<Readonly<Record<string, string>>> => {
  const pointer = await bench.ports.pointer.get();
  const found: Record<string, string> = {};
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    const subject = (await bench.ports.customers.get(id))?.subject ?? '';
    const standing = (await bench.ports.standings.getMany([subject])).get(subject);
    const segment = visibleGeneration(standing, pointer)?.placements['class']?.actual;
    if (segment !== undefined) found[id] = segment;
  }
  return found;
};

beforeEach(async () => {
  bench = openMemoryBench();
  resegment = operator(bench);
  await activate(bench, SCORE_POLICY);
  bench.setNow('2026-11-01T02:00:00.000Z');
  await withScore(bench, { a: 90, b: 50, c: 10, d: 90, e: 50 }, '2026-10-15');
  await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z' });
  bench.setNow('2026-12-01T02:00:00.000Z');
});

describe('a plan', () => {
  beforeEach(() => withScore(bench, { a: 10, c: 90, e: 90 }, '2026-11-15'));

  it('lists the exact moves, and applying it makes those and no other', async () => {
    const before = await segments();
    const planned = await resegment('plan', '--as-of', '2026-11-30', '--json');
    const { runId, movesListed } = Object(planned.json);
    expect(await segments()).toEqual(before);
    await withScore(bench, { b: 90 }, '2026-12-01');

    const applied = await resegment('apply', runId, '--json');

    expect(movesListed).toMatchObject([
      { customerId: 'a', from: 'high', to: 'low', kind: 'down', why: 'Score 10' },
      { customerId: 'c', from: 'low', to: 'high', kind: 'up' },
      { customerId: 'e', from: 'middle', to: 'high', kind: 'up' },
    ]);
    expect(applied).toMatchObject({ code: 0, json: { state: 'published', stale: 0, staleCustomers: [] } });
    const made = Object.fromEntries(
      movesListed.map((move: { customerId: string; to: string }) => [move.customerId, move.to]),
    );
    expect(await segments()).toEqual({ ...before, ...made });
  });

  it('names the customers that it skipped since a fact, a pin, a decision or an erasure came after it', async () => {
    const before = await segments();
    const { json } = await resegment('plan', '--as-of', '2026-11-30', '--json');
    await withScore(bench, { a: 50 }, '2026-11-20');
    await resegment('pin', 'set', 'c', '--segment', 'low', '--until', '2027-06-30', '--reason', 'under review');
    await bench.ports.customers.erase('e');

    const applied = await resegment('apply', 'latest');
    const shown = await resegment('run', 'show', 'latest', '--json');

    expect(applied.out).toContain(
      'skipped as stale, since their facts changed after the plan: a, c and 1 more or erased',
    );
    expect(shown.json).toMatchObject({ stale: 3, staleCustomers: ['a', 'c'], movesTotal: 0, movesListed: [] });
    expect(Object(json).movesListed).toHaveLength(3);
    const { e: _, ...others } = before;
    expect(await segments()).toEqual(others);
  });

  it('expires, is shown as expired, and is refused with what to do', async () => {
    await resegment('plan', '--as-of', '2026-11-30');
    expect((await resegment('run', 'show', 'latest')).out).toContain('can be applied until 2026-12-04 02:00 UTC');
    bench.setNow('2026-12-04T02:00:00.000Z');

    const list = await resegment('run', 'list', '--state', 'expired');
    const applied = await resegment('apply', 'latest', '--json');

    expect(list.out).toContain('planned (expired)');
    expect((await resegment('run', 'list', '--state', 'planned')).out).toBe('no run\n');
    expect((await resegment('run', 'show', 'latest')).out).toContain('it can no longer be applied');
    expect(applied).toMatchObject({
      code: 2,
      json: { error: { code: 'plan-expired', hint: 'make a new plan: resegment plan' } },
    });
  });
});

describe('a monthly run held by a brake', () => {
  beforeEach(async () => {
    await bench.usePolicy(SCORE_POLICY.replace('movedShare: 1', 'movedShare: 0.1'));
    await withScore(bench, { a: 10, c: 90 }, '2026-11-15');
    await bench.run({ trigger: 'schedule', scheduledAt: '2026-12-01T02:00:00.000Z' });
  });

  it('writes nothing, and goes on with one named brake and a reason, which are kept', async () => {
    const before = await segments();
    const refused = await resegment('apply', 'latest');
    expect(refused.code).toBe(3);
    expect(await segments()).toEqual(before);

    const done = await resegment(
      'apply',
      'latest',
      '--override',
      'movedShare',
      '--reason',
      'merger of two branches',
      '--json',
    );

    expect(done).toMatchObject({ code: 0, json: { state: 'published' } });
    expect((await resegment('run', 'show', 'latest')).out).toContain(
      'brake movedShare overridden by Ann (unverified) at 2026-12-01 02:00 UTC: merger of two branches',
    );
    bench.setNow('2027-03-01T00:00:00.000Z');
    expect((await resegment('run', 'show', '2026-11-monthly', '--json')).json).toMatchObject({
      record: { overrides: [{ brake: 'movedShare', by: 'Ann (unverified)', reason: 'merger of two branches' }] },
    });
  });

  it('is not let go by naming another brake', async () => {
    const done = await resegment('apply', 'latest', '--override', 'flagShare', '--reason', 'wrong one');

    expect(done.code).toBe(2);
    expect(done.err).toContain('must name one of: movedShare');
    expect((await bench.ports.pointer.get()).published?.runId).toBe('2026-10-monthly');
  });

  it('expires, and its period can then be closed by a new run', async () => {
    bench.setNow('2026-12-05T02:00:00.000Z');

    const status = await resegment('status');
    const refused = await resegment('apply', 'latest', '--override', 'movedShare', '--reason', 'late', '--json');
    await bench.usePolicy(SCORE_POLICY);
    const again = await resegment('run', '--yes', '--again', '2026-11', '--json');

    expect(status.out).toContain('to compute its period anew: resegment run --again 2026-11-monthly');
    expect(refused.json).toMatchObject({
      error: { code: 'plan-expired', hint: 'to compute its period anew: resegment run --again 2026-11-monthly' },
    });
    expect(again).toMatchObject({
      code: 0,
      json: { runId: '2026-11-monthly-2', state: 'published', asOf: '2026-11-30' },
    });
    expect((await resegment('run', 'show', '2026-11')).out).toContain('in place of 2026-11-monthly');
  });
});

describe('going back', () => {
  beforeEach(async () => {
    await withScore(bench, { a: 10 }, '2026-11-15');
    await bench.run({ trigger: 'schedule', scheduledAt: '2026-12-01T02:00:00.000Z' });
  });

  it('says what is in force again and how to close the period, and is shown with the run', async () => {
    const done = await resegment('run', 'rollback', '--reason', 'wrong file');

    expect(done.code).toBe(0);
    expect(done.out).toContain('run 2026-11-monthly is rolled back: 2026-10-monthly is in force again');
    expect(done.out).toContain('resegment run --again 2026-11-monthly');
    expect((await resegment('run', 'show', 'latest')).out).toContain(
      'rolled back by Ann (unverified) at 2026-12-01 02:00 UTC: wrong file',
    );
    expect((await resegment('run', 'list', '--state', 'rolledBack', '--csv')).out).toContain('2026-11-monthly');
    expect((await resegment('run', 'rollback', '2026-11-monthly', '--reason', 'again')).out).toContain(
      'was rolled back before, by Ann',
    );
    expect((await resegment('run', '--yes', '--again', '2026-11-monthly', '--json')).json).toMatchObject({
      runId: '2026-11-monthly-2',
    });
    expect((await resegment('run', '--yes', '--again', '2026-11-monthly', '--json')).json).toMatchObject({
      error: { code: 'run-not-over' },
    });
  });

  it('further than one step is refused, with the cure', async () => {
    const refused = await resegment('run', 'rollback', '2026-10', '--reason', 'x', '--json');

    expect(refused).toMatchObject({
      code: 2,
      json: { error: { code: 'rollback-too-deep', hint: expect.stringContaining('resegment plan') } },
    });
  });

  it('is refused while another run is being applied', async () => {
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-12-01', mode: 'plan' });
    await beginApply({ runId }, bench.ports);

    expect((await resegment('run', 'rollback', '--reason', 'x', '--json')).json).toMatchObject({
      error: { code: 'run-is-applying' },
    });
  });
});

describe('replaying from the command line', () => {
  it('ends with 0 for the same bytes, and with 1 and the customer where a plan was changed', async () => {
    const same = await resegment('run', 'replay', 'latest');
    const rows = await bench.ports.files.readPlan('2026-10-monthly', 0);
    const index = rows.findIndex((row) => row.value === 90);
    const shard = index >= 0 ? 0 : 1;
    const plan = [...(await bench.ports.files.readPlan('2026-10-monthly', shard))];
    const row = plan[0];
    if (row === undefined) throw new Error('an empty shard');
    await bench.ports.files.writePlan('2026-10-monthly', shard, [{ ...row, branch: 'elsewhere' }, ...plan.slice(1)]);

    const other = await resegment('run', 'replay', 'latest', '--json');

    expect(same.code).toBe(0);
    expect(same.out).toContain('the same bytes (5 customers');
    expect(other).toMatchObject({
      code: 1,
      json: {
        same: false,
        total: 1,
        differences: [
          { where: 'plan', shard, field: 'branch', stored: 'elsewhere', customerId: expect.stringMatching(/^[a-e]$/u) },
        ],
      },
    });
  });
});

describe('pins in the lists', () => {
  beforeEach(async () => {
    await resegment('pin', 'set', 'c', '--segment', 'high', '--until', '2027-06-30', '--reason', 'frame contract');
  });

  it('shows with the moves of a run, and once it ended', async () => {
    await resegment('run', '--yes', '--as-of', '2026-11-30');
    expect((await resegment('run', 'show', 'latest', '--json')).json).toMatchObject({
      movesListed: [
        { customerId: 'c', from: 'low', to: 'high', why: 'pinned until 2027-06-30', pinnedUntil: '2027-06-30' },
      ],
    });
    bench.setNow('2027-07-01T02:00:00.000Z');
    await resegment('run', '--yes');

    expect((await resegment('run', 'show', 'latest', '--json')).json).toMatchObject({
      movesListed: [{ customerId: 'c', from: 'high', to: 'low', why: 'the pin ended', pinnedUntil: null }],
    });
  });

  it('shows with proposals and cases', async () => {
    const subject = (await bench.ports.customers.get('c'))?.subject ?? '';
    const at = { openedAt: '2026-11-30T00:00:00.000Z', dueAt: '2026-12-01T00:00:00.000Z' };
    const one = { caseId: 'k1', customerId: 'c', subject, segment: 'low', score: 2, owner: { name: 'central' }, ...at };
    const withCase = operator(bench, [one as CustomerCase]);

    expect((await resegment('flag', 'list', '--json')).json).toMatchObject([
      { customerId: 'c', pinnedUntil: '2027-06-30' },
    ]);
    expect((await withCase('case', 'list', '--json')).json).toMatchObject([
      { customerId: 'c', pinnedUntil: '2027-06-30' },
    ]);
    expect((await resegment('pin', 'list', '--csv')).out).toContain(
      'c,class,High,,,active,2027-06-30,2026-12-01,Ann (unverified),frame contract,',
    );
  });

  it('shows in the history of the customer, with the segment that the policy would give', async () => {
    await resegment('run', '--yes', '--as-of', '2026-11-30');

    const text = await resegment('customer', 'history', 'c');
    const chinese = await resegment('customer', 'history', 'c', '--lang', 'zh-CN');
    const day = await resegment('customer', 'history', 'c', '--on', '2026-11-29', '--json');

    expect(text.out).toContain('the policy says Low; pinned by a person; pinned until 2027-06-30');
    expect(text.out).toContain('Ann (unverified): frame contract');
    expect(chinese.out).toContain('人工固定至 2027-06-30');
    expect(day.json).toMatchObject({ run: { runId: '2026-10-monthly', placements: { class: { actual: 'low' } } } });
    expect((await resegment('customer', 'history', 'c', '--on', 'May')).code).toBe(2);
    expect(await resegment('customer', 'history', 'nobody', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'customer-unknown' } },
    });
    expect((await resegment('customer', 'history', 'c', '--on', '2026-01-01')).out).toContain(
      'no run is in force on 2026-01-01',
    );
  });

  it('says what it replaces and clears', async () => {
    const replaced = await resegment(
      'pin',
      'set',
      'c',
      '--segment',
      'middle',
      '--until',
      '2027-06-30',
      '--reason',
      'smaller',
    );
    const cleared = await resegment('pin', 'clear', 'c', '--reason', 'ended');

    expect(replaced.out).toContain('it replaces High until 2027-06-30, set by Ann (unverified): frame contract');
    expect(cleared.out).toContain('the pin of c to Middle (class) is cleared');
    expect((await resegment('pin', 'clear', 'c', '--reason', 'ended')).out).toContain('nothing changed');
    expect((await resegment('pin', 'list')).out).toBe('no pin\n');
    expect((await resegment('pin', 'list', '--state', 'sleeping')).code).toBe(2);
  });
});
