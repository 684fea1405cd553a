import { beforeEach, describe, expect, it } from 'vitest';
import { customerHistory, segmentOn } from '#shared/application/customer-history.ts';
import { setPin } from '#shared/application/pin-segment.ts';
import { rollbackRun } from '#shared/application/run/rollback-run.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

let bench: ReturnType<typeof openMemoryBench>;
let policy: Policy;
const history = (customerId = 'a') => customerHistory(customerId, bench.ports);
const on = (date: string, customerId = 'a') => segmentOn(customerId, date, bench.ports);
const back = () => rollbackRun({ by: 'Ann', reason: 'wrong file' }, bench.ports);
/** Makes the scores known in a month and runs on its last day. */
const month = async (period: string, lastDay: string, scores: Record<string, number>) => {
  bench.setNow(`${lastDay}T20:00:00.000Z`);
  await withScore(bench, scores, `${period}-10`);
  return bench.run({ requestId: 'x', asOf: lastDay });
};

beforeEach(async () => {
  bench = openMemoryBench();
  policy = await bench.usePolicy(SCORE_POLICY);
  await month('2026-05', '2026-05-31', { a: 90, b: 50 });
  await month('2026-06', '2026-06-30', { a: 50 });
  await month('2026-07', '2026-07-31', { a: 10, c: 50 });
});

describe("a customer's history", () => {
  it('has one entry per run with the segment, where it came from, and the policy', async () => {
    const { runs } = await history();

    expect(runs.map((run) => [run.runId, run.placements['class']?.actual, run.placements['class']?.movedFrom])).toEqual(
      [
        ['2026-05-x', 'high', null],
        ['2026-06-x', 'middle', 'high'],
        ['2026-07-x', 'low', 'middle'],
      ],
    );
    expect(runs[0]).toMatchObject({
      asOf: '2026-05-31',
      publishedAt: '2026-05-31T20:00:00.000Z',
      policy: { name: 'three-steps' },
      state: 'published',
      counts: true,
    });
  });

  it('answers which segment held on a day by the run in force on it', async () => {
    const answers = [];
    for (const day of ['2026-05-30', '2026-05-31', '2026-06-29', '2026-06-30', '2026-12-31']) {
      const { run } = await on(day);
      answers.push([run?.runId ?? null, run?.placements['class']?.actual ?? null]);
    }

    expect(answers).toEqual([
      [null, null],
      ['2026-05-x', 'high'],
      ['2026-05-x', 'high'],
      ['2026-06-x', 'middle'],
      ['2026-07-x', 'low'],
    ]);
  });

  it('knows who was not yet a customer', async () => {
    expect((await history('c')).runs.map((run) => run.kind)).toEqual(['notYet', 'notYet', 'placed']);
    expect((await on('2026-06-30', 'c')).run).toMatchObject({ kind: 'notYet', placements: {} });
  });

  it('shows a run that was rolled back, by whom and why, and does not count it', async () => {
    await back();

    const { runs } = await history();

    expect(runs.at(-1)).toMatchObject({
      runId: '2026-07-x',
      state: 'rolledBack',
      counts: false,
      rolledBack: { by: 'Ann', reason: 'wrong file' },
      placements: { class: { actual: 'low' } },
    });
    expect((await on('2026-12-31')).run).toMatchObject({
      runId: '2026-06-x',
      placements: { class: { actual: 'middle' } },
    });
  });

  it('goes on from the run before a rolled back one', async () => {
    await back();
    await month('2026-08', '2026-08-31', {});

    expect((await history()).runs.at(-1)?.placements['class']).toMatchObject({ actual: 'low', movedFrom: 'middle' });
    expect((await on('2026-07-31')).run?.runId).toBe('2026-06-x');
  });

  it('says that a run left a customer as it was whose facts had changed since the plan', async () => {
    bench.setNow('2026-08-31T20:00:00.000Z');
    await withScore(bench, { a: 95 }, '2026-08-10');
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-08-31', mode: 'plan' });
    await withScore(bench, { a: 40 }, '2026-08-20');
    await bench.apply(runId);

    expect((await history()).runs.at(-1)).toMatchObject({
      kind: 'unchanged',
      because: 'stale',
      placements: { class: { actual: 'low' } },
    });
    expect(await on('2026-08-31')).toMatchObject({
      run: { runId, because: 'stale', placements: { class: { actual: 'low' } } },
      placedBy: '2026-07-x',
    });
  });

  it('goes through runs that were limited to other customers', async () => {
    bench.setNow('2026-08-31T20:00:00.000Z');
    await bench.addCustomer({ customerId: 'b', branch: 'Pudong' });
    const { runId } = await bench.run({ requestId: 'b', asOf: '2026-08-31', only: { branches: ['Pudong'] } });

    expect((await history()).runs.at(-1)).toMatchObject({ runId, kind: 'unchanged', because: 'notInRun' });
    expect(await on('2026-09-01')).toMatchObject({
      run: { placements: { class: { actual: 'low' } } },
      placedBy: '2026-07-x',
    });
  });

  it('tells target and actual apart, and why they differ', async () => {
    bench.setNow('2026-08-01T20:00:00.000Z');
    const request = { customerId: 'a', segment: 'high', until: '2026-12-31', by: 'Ann', reason: 'contract' };
    await setPin(request, policy, { ...bench.ports, timeZone: 'UTC' });
    await month('2026-08', '2026-08-31', {});

    const found = await history();

    expect(found.runs.at(-1)?.placements['class']).toEqual({
      target: 'low',
      actual: 'high',
      heldBack: ['pin'],
      pinnedUntil: '2026-12-31',
      movedFrom: 'low',
    });
    expect(found.pins).toMatchObject([{ segment: 'high', by: 'Ann', reason: 'contract' }]);
  });

  it('knows who left', async () => {
    const statuses = [{ status: 'closed' as const, date: '2026-08-15', recordedAt: '2026-08-15T00:00:00.000Z' }];
    await bench.addCustomer({ customerId: 'a', statuses });
    await month('2026-08', '2026-08-31', {});

    expect((await on('2026-08-31')).run).toMatchObject({ kind: 'left', placements: {} });
  });

  it('says where the files of a run have expired, and goes on', async () => {
    for (const key of await bench.ports.objects.list('runs/2026-06-x/')) await bench.ports.objects.remove(key);

    expect((await history()).runs.map((run) => run.kind)).toEqual(['placed', 'filesMissing', 'placed']);
    expect((await on('2026-06-30')).run?.kind).toBe('filesMissing');
  });

  it('leaves out plans that nobody applied', async () => {
    await bench.run({ requestId: 'p', asOf: '2026-07-31', mode: 'plan' });

    expect((await history()).runs).toHaveLength(3);
  });

  it('of an erased or unknown customer is none, and says so', async () => {
    await expect(history('nobody')).rejects.toMatchObject({ code: 'customer-unknown' });
    await expect(on('2026-06-30', 'nobody')).rejects.toThrow(/erased/u);
  });

  it('opens one shard file of each run', async () => {
    const opened: string[] = [];
    const files = {
      ...bench.ports.files,
      readPlan: (runId: string, shard: number) => {
        opened.push(`${runId}/${shard}`);
        return bench.ports.files.readPlan(runId, shard);
      },
    };

    await customerHistory('a', { ...bench.ports, files });
    expect(opened).toHaveLength(3);
    await segmentOn('a', '2026-06-30', { ...bench.ports, files });
    expect(opened).toHaveLength(4);
  });
});
