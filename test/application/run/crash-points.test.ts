import { describe, expect, it } from 'vitest';
import { applyShard } from '#shared/application/run/apply-shard.ts';
import { assignShard } from '#shared/application/run/assign-shard.ts';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import { calibrateRun } from '#shared/application/run/calibrate-run.ts';
import { assertRunHealthy } from '#shared/application/run/finish-run.ts';
import { measureShard, visibleGeneration } from '#shared/application/run/measure-shard.ts';
import { openRun } from '#shared/application/run/open-run.ts';
import { publishRun } from '#shared/application/run/publish-run.ts';
import { reviewPlan } from '#shared/application/run/review-plan.ts';
import type { RunPorts } from '#shared/application/run/run-ports.ts';
import { dyingAt } from '#test/support/dying-ports.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

type Bench = ReturnType<typeof openMemoryBench>;

const RUN_PORTS = ['standings', 'pointer', 'runs', 'flags', 'files', 'objects'] as const;
const QUIET =
  'brakes: { movedShare: 1, flagShare: 1, inputDropShare: 1, staleInputDays: 9000, emptiedSegment: allow, quarantineShare: 1 }\n';
const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const scores = (from: number): Record<string, number> =>
  Object.fromEntries(IDS.map((id, index) => [id, (from + index * 17) % 100]));

/** Six customers with a published run, and facts that move some of them in the next. */
const world = async (): Promise<{ readonly bench: Bench; readonly walk: (ports?: RunPorts) => Promise<void> }> => {
  const bench = openMemoryBench(2);
  const policy = await bench.usePolicy(SCORE_POLICY.replace(/brakes:\n[\s\S]*$/u, QUIET));
  await withScore(bench, scores(5), '2026-09-15');
  await bench.run({ requestId: 'before', asOf: '2026-09-30' });
  await withScore(bench, scores(60), '2026-10-15');
  /** All steps of the run, as its state machine calls them; a second walk enters it again. */
  const walk = async (ports: RunPorts = bench.ports): Promise<void> => {
    const { runId, next } = await openRun(
      {
        schema: 1,
        trigger: 'operator',
        mode: 'run',
        by: 'tester',
        policyHash: policy.hash,
        requestId: 'this',
        asOf: '2026-10-31',
      },
      ports,
    );
    if (next === 'stop') return;
    const shards = Array.from({ length: (await ports.runs.get(runId))?.record.shards ?? 0 }, (_, shard) => shard);
    if (next !== 'apply') {
      for (const shard of shards) await measureShard({ runId, shard }, ports);
      await calibrateRun({ runId }, ports);
      for (const shard of shards) await assignShard({ runId, shard }, ports);
      await reviewPlan({ runId }, ports);
    }
    await beginApply({ runId }, ports);
    for (const shard of shards) await applyShard({ runId, shard }, ports);
    await publishRun({ runId }, ports);
    await assertRunHealthy({ runId }, ports);
  };
  return { bench, walk };
};

/** What readers see: the published run, every visible standing and the open proposals. */
const seen = async (bench: Bench): Promise<unknown> => {
  const pointer = await bench.ports.pointer.get();
  const standings: string[] = [];
  for (let bucket = 0; bucket < bench.ports.customers.buckets; bucket += 1) {
    for (const standing of await bench.ports.standings.readBucket(bucket)) {
      standings.push(`${standing.subject} ${JSON.stringify(visibleGeneration(standing, pointer)?.placements ?? null)}`);
    }
  }
  const flags = (await bench.ports.flags.listOpen()).map((flag) => `${flag.subject} ${flag.kind}`).sort();
  return { published: pointer.published?.runId, applying: pointer.applying, standings: standings.sort(), flags };
};

describe('a run that is killed', () => {
  it('R37 I7 at any call, before or after it took effect, shows the run before until it is resumed, and then what an undisturbed one shows', async () => {
    const calm = await world();
    const before = await seen(calm.bench);
    await calm.walk();
    const after = await seen(calm.bench);
    expect(after).not.toEqual(before);
    let calls = 0;
    for (const moment of ['before', 'after'] as const) {
      for (let call = 1; ; call += 1) {
        const { bench, walk } = await world();
        const dying = dyingAt<RunPorts>(bench.ports, RUN_PORTS, call, moment);
        await walk(dying.ports).catch(() => undefined);
        const now = await seen(bench);
        expect([before, after].map((one) => JSON.stringify(standingsOf(one)))).toContain(
          JSON.stringify(standingsOf(now)),
        );
        await walk();
        expect(await seen(bench), `${moment} call ${call}`).toEqual(after);
        if (!dying.reached()) break;
        calls += 1;
      }
    }
    expect(calls).toBeGreaterThan(60);
  }, 60_000);

  it('R37 twice, or beside another runner, ends in the same', async () => {
    const calm = await world();
    await calm.walk();
    const after = await seen(calm.bench);
    for (let call = 2; call < 120; call += 9) {
      const twice = await world();
      for (const at of [call, call * 2]) {
        await twice.walk(dyingAt<RunPorts>(twice.bench.ports, RUN_PORTS, at, 'after').ports).catch(() => undefined);
      }
      await twice.walk();
      expect(await seen(twice.bench), `twice at ${call}`).toEqual(after);

      const beside = await world();
      const dying = dyingAt<RunPorts>(beside.bench.ports, RUN_PORTS, call, 'after').ports;
      await Promise.allSettled([beside.walk(dying), beside.walk()]);
      await beside.walk();
      expect(await seen(beside.bench), `beside at ${call}`).toEqual(after);
    }
  }, 60_000);
});

const standingsOf = (one: unknown): unknown =>
  typeof one === 'object' && one !== null && 'standings' in one ? one.standings : undefined;
