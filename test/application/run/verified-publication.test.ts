import { beforeEach, describe, expect, it } from 'vitest';
import { applyShard } from '#shared/application/run/apply-shard.ts';
import { assignShard } from '#shared/application/run/assign-shard.ts';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import { calibrateRun } from '#shared/application/run/calibrate-run.ts';
import { measureShard } from '#shared/application/run/measure-shard.ts';
import { openRun } from '#shared/application/run/open-run.ts';
import { publishRun } from '#shared/application/run/publish-run.ts';
import { reviewPlan } from '#shared/application/run/review-plan.ts';
import { RunSummary } from '#shared/contracts/run-record.ts';
import { openMemoryBench, spoil } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

type Bench = ReturnType<typeof openMemoryBench>;

const SHARDS = [0, 1, 2, 3];
const SCORES = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`c${index}`, index * 2]));
const OPEN_BRAKES =
  'brakes: { movedShare: 1, flagShare: 1, inputDropShare: 1, staleInputDays: 4000, emptiedSegment: allow, quarantineShare: 0.05 }\n';

/** A run up to the point where its plan is to be reviewed. */
const planned = async (bench: Bench, requestId: string): Promise<string> => {
  const { ports } = bench;
  const policy = await bench.usePolicy(SCORE_POLICY.replace(/brakes:\n[\s\S]*$/u, OPEN_BRAKES));
  const { runId } = await openRun(
    {
      schema: 1,
      trigger: 'operator',
      mode: 'run',
      by: 'tester',
      policyHash: policy.hash,
      requestId,
      asOf: '2026-10-31',
    },
    ports,
  );
  for (const shard of SHARDS) await measureShard({ runId, shard }, ports);
  await calibrateRun({ runId }, ports);
  for (const shard of SHARDS) await assignShard({ runId, shard }, ports);
  return runId;
};

const publishedRun = async (bench: Bench) => (await bench.ports.pointer.get()).published?.runId;

let bench: Bench;
beforeEach(async () => {
  bench = openMemoryBench();
  await withScore(bench, SCORES, '2026-10-15');
});

describe('publishing a run', () => {
  it('R38 I4 I5 is refused, with nothing applied, where the plan lacks a customer or places one twice', async () => {
    for (const wrong of ['lacks', 'doubles'] as const) {
      const runId = await planned(bench, wrong);
      const { files } = bench.ports;
      const shard = await shardWithRows(bench, runId);
      const rows = await files.readPlan(runId, shard);
      const tampered = wrong === 'lacks' ? rows.slice(1) : [...rows, ...rows.slice(0, 1)];
      const ports = {
        ...bench.ports,
        files: {
          ...files,
          readPlan: async (...given: Parameters<typeof files.readPlan>) =>
            given[1] === shard ? tampered : files.readPlan(...given),
        },
      };

      await expect(reviewPlan({ runId }, ports)).rejects.toMatchObject({ code: 'plan-incomplete' });
      expect(await publishedRun(bench)).toBeUndefined();
    }
  });

  it('R38 waits for every shard: readers see the run before until the last one is applied, and a run that dies leaves it', async () => {
    const first = await planned(bench, 'first');
    await reviewPlan({ runId: first }, bench.ports);
    await beginApply({ runId: first }, bench.ports);
    for (const shard of SHARDS) await applyShard({ runId: first, shard }, bench.ports);
    await publishRun({ runId: first }, bench.ports);

    await withScore(bench, { ...SCORES, c1: 99 }, '2026-10-20');
    const second = await planned(bench, 'second');
    await reviewPlan({ runId: second }, bench.ports);
    await beginApply({ runId: second }, bench.ports);
    for (const shard of SHARDS.slice(0, 3)) await applyShard({ runId: second, shard }, bench.ports);
    await expect(publishRun({ runId: second }, bench.ports)).rejects.toMatchObject({ code: 'receipts-missing' });
    expect(await publishedRun(bench)).toBe(first);

    await applyShard({ runId: second, shard: 3 }, bench.ports);
    await Promise.allSettled([publishRun({ runId: second }, bench.ports), publishRun({ runId: second }, bench.ports)]);
    await publishRun({ runId: second }, bench.ports);
    expect(await publishedRun(bench)).toBe(second);
    expect((await bench.ports.pointer.get()).previous?.runId).toBe(first);
  });

  it('R40 I5 I9 reconciles: read = all segments + quarantined, and ends degraded above the limit, published below', async () => {
    for (const [spoiled, state] of [
      [['c3'], 'published'],
      [['c3', 'c5', 'c7'], 'degraded'],
    ] as const) {
      bench = openMemoryBench();
      await withScore(bench, SCORES, '2026-10-15');
      spoil(bench, spoiled);
      const runId = await planned(bench, 'q');
      await reviewPlan({ runId }, bench.ports);
      await beginApply({ runId }, bench.ports);
      for (const shard of SHARDS) await applyShard({ runId, shard }, bench.ports);
      await publishRun({ runId }, bench.ports);

      const summary = RunSummary.parse(await bench.ports.files.readJson(runId, 'summary.json'));
      expect(summary).toMatchObject({ population: 40, quarantined: spoiled.length, state });
      for (const counts of Object.values(summary.segments)) {
        const placed = Object.values(counts).reduce((sum, count) => sum + count, 0);
        expect(placed + summary.quarantined).toBe(summary.population);
      }
      const named = await bench.ports.files.readJson(runId, 'quarantine.json');
      expect(named).toHaveLength(spoiled.length);
      expect(named).toContainEqual(expect.objectContaining({ reason: 'orders is not a list' }));
    }
  });
});

const shardWithRows = async (on: Bench, runId: string): Promise<number> => {
  for (const shard of SHARDS) if ((await on.ports.files.readPlan(runId, shard)).length > 0) return shard;
  throw new Error('the plan has no rows');
};
