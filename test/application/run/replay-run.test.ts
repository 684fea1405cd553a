import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { replayRun } from '#shared/application/run/replay-run.ts';
import { rollbackRun } from '#shared/application/run/rollback-run.ts';
import { toDayNumber } from '#shared/domain/calendar.ts';
import type { Generation, PlanRow } from '#shared/domain/standing.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';

const RETAIL = readFileSync('policies/retail-rfm.yaml', 'utf8');

let bench: ReturnType<typeof openMemoryBench>;
const replay = (runId: string, limit = 20) => replayRun(runId, limit, bench.ports);
const planned = (shards: number) =>
  bench.run({ requestId: `p${shards}`, asOf: '2026-10-31', mode: 'plan', shards }).then((run) => run.runId);
/** Rewrites one row of a stored plan. */
const tamper = async (
  runId: string,
  change: (row: PlanRow) => PlanRow,
): Promise<{ shard: number; subject: string }> => {
  for (let shard = 0; ; shard += 1) {
    const rows = [...(await bench.ports.files.readPlan(runId, shard))];
    const [first] = rows;
    if (first === undefined) continue;
    rows[0] = change(first);
    await bench.ports.files.writePlan(runId, shard, rows);
    return { shard, subject: first.subject };
  }
};
const withSegment = (next: Generation, actual: string): Generation => {
  const [dimension, placement] = Object.entries(next.placements)[0] ?? [];
  if (dimension === undefined || placement === undefined) throw new Error('not placed');
  return { ...next, placements: { ...next.placements, [dimension]: { ...placement, actual } } };
};

beforeEach(async () => {
  bench = openMemoryBench(16);
  await bench.usePolicy(RETAIL);
  for (let index = 0; index < 60; index += 1) {
    await bench.addCustomer({
      customerId: `c-${index}`,
      branch: index % 2 === 0 ? 'Pudong' : 'Puxi',
      orders: Array.from({ length: 1 + (index % 7) }, (_, n) => ({
        day: toDayNumber(`2026-${String(1 + ((index + n) % 10)).padStart(2, '0')}-15`),
        count: 1,
        amountMinor: 1000 + index * 137,
        attributes: {},
        batch: 0,
      })).sort((a, b) => a.day - b.day),
    });
  }
});

describe('a replay', () => {
  it.each([1, 3, 7])('gives the same bytes for a plan of %i shards', async (shards) => {
    const runId = await planned(shards);

    const result = await replay(runId);

    expect(result).toMatchObject({
      runId,
      same: true,
      shards,
      customers: 60,
      total: 0,
      differences: [],
      calibratedFrom: runId,
    });
    expect(result.bytes).toBeGreaterThan(1000);
  });

  it('I10 gives the same bytes after the run was applied, after facts changed, and after it was rolled back', async () => {
    await bench.run({ requestId: 'a', asOf: '2026-09-30' });
    const { runId } = await bench.run({ requestId: 'b', asOf: '2026-10-31' });
    await bench.addCustomer({ customerId: 'c-1', orders: [] });

    expect((await replay(runId)).same).toBe(true);
    await rollbackRun({ by: 'Ann', reason: 'test' }, bench.ports);
    expect((await replay(runId)).same).toBe(true);
    expect((await replay('2026-09-a')).same).toBe(true);
  });

  it('compares the cut-offs of a limited run with those of the run that it took them from', async () => {
    await bench.run({ requestId: 'a', asOf: '2026-10-30' });
    const { runId } = await bench.run({ requestId: 'b', asOf: '2026-10-31', only: { branches: ['Puxi'] } });

    expect(await replay(runId)).toMatchObject({ same: true, customers: 30, calibratedFrom: '2026-10-a' });
  });

  it('writes nothing', async () => {
    const runId = await planned(3);
    const keys = await bench.ports.objects.list('');
    await replay(runId);

    expect(await bench.ports.objects.list('')).toEqual(keys);
    expect((await bench.ports.pointer.get()).rev).toBe(0);
  });

  it('names the customer and the field where a plan was changed', async () => {
    const runId = await planned(3);
    const { shard, subject } = await tamper(runId, (row) => ({ ...row, next: withSegment(row.next, 'champions2') }));

    const result = await replay(runId);

    expect(result.same).toBe(false);
    expect(result.differences).toEqual([
      {
        where: 'plan',
        shard,
        subject,
        field: 'next.placements.rfm.actual',
        stored: 'champions2',
        replayed: expect.any(String),
      },
    ]);
  });

  it('names a customer who was added to a plan or taken out of it', async () => {
    const runId = await planned(1);
    const rows = await bench.ports.files.readPlan(runId, 0);
    const [first, ...rest] = rows;
    if (first === undefined) throw new Error('empty');
    await bench.ports.files.writePlan(runId, 0, [...rest, { ...first, subject: 'zzz' }]);

    expect((await replay(runId)).differences).toEqual([
      { where: 'plan', shard: 0, subject: first.subject, field: 'row', stored: null, replayed: 'in the frame' },
      { where: 'plan', shard: 0, subject: 'zzz', field: 'row', stored: 'in the plan', replayed: null },
    ]);
  });

  it('says where the rows are the same and the bytes are not', async () => {
    const runId = await planned(1);
    const rows = await bench.ports.files.readPlan(runId, 0);
    await bench.ports.files.writePlan(runId, 0, rows.toReversed());

    expect((await replay(runId)).differences).toMatchObject([{ where: 'plan', shard: 0, field: 'bytes' }]);
  });

  it('names a plan file that cannot be read', async () => {
    const runId = await planned(1);
    await bench.ports.objects.put(`runs/${runId}/plan/shard=0000.parquet`, new Uint8Array([1, 2, 3]));

    expect((await replay(runId)).differences).toMatchObject([{ where: 'plan', shard: 0, field: 'file' }]);
  });

  it('names the cut-off that was changed, and what followed from it', async () => {
    const runId = await planned(3);
    const calibration = await bench.ports.files.readCalibration(runId);
    const cutoffs = { ...calibration.cutoffs, M: { '*': [1, 2, 3, 4] } };
    await bench.ports.files.writeCalibration(runId, { ...calibration, cutoffs });

    const result = await replay(runId, 5);

    expect(result.differences[0]).toEqual({
      where: 'calibration',
      field: 'cutoffs.M.*.0',
      stored: 1,
      replayed: expect.any(Number),
    });
    expect(result.differences).toHaveLength(5);
    expect(result.total).toBeGreaterThan(5);
  });

  it('names a proposal that was added and a count that was changed', async () => {
    const runId = await planned(2);
    await bench.ports.files.writeJson(runId, 'review/flags.json', [{ kind: 'exit', subject: 'somebody' }]);
    const summary = await bench.ports.files.readJson(runId, 'summary.json');
    await bench.ports.files.writeJson(runId, 'summary.json', { ...Object(summary), population: 61 });

    expect((await replay(runId)).differences).toEqual([
      { where: 'flags', field: 'exit somebody', stored: true, replayed: null },
      { where: 'summary', field: 'population', stored: 61, replayed: 60 },
    ]);
  });

  it('is refused, clearly, where the run has no files any more or is not there', async () => {
    const runId = await planned(1);
    await bench.ports.objects.remove(`runs/${runId}/frame/shard=0000.parquet`);
    await expect(replay(runId)).rejects.toMatchObject({ code: 'run-file-missing' });
    await bench.ports.objects.remove(`runs/${runId}/summary.json`);
    await expect(replay(runId)).rejects.toMatchObject({ code: 'run-without-plan' });
    await expect(replay('nonsense')).rejects.toMatchObject({ code: 'run-unknown' });
  });
});
