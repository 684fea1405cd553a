import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openBusinessClock } from '#local/clock.ts';
import { createRunner, type Handler } from '#local/state-machines.ts';
import { type Synthesis, synthesize } from '#local/synthesis.ts';
import { startWorkflowServer } from '#local/workflow-server.ts';
import { sfnWorkflows } from '#shared/adapters/sfn-workflows.ts';
import { redriveRun } from '#shared/application/redrive.ts';
import { abandonRun } from '#shared/application/run/abandon-run.ts';
import { applyShard } from '#shared/application/run/apply-shard.ts';
import { assignShard } from '#shared/application/run/assign-shard.ts';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import { calibrateRun } from '#shared/application/run/calibrate-run.ts';
import { assertRunHealthy, failRun, planShards } from '#shared/application/run/finish-run.ts';
import { measureShard } from '#shared/application/run/measure-shard.ts';
import { openRun } from '#shared/application/run/open-run.ts';
import { publishRun } from '#shared/application/run/publish-run.ts';
import { reviewPlan } from '#shared/application/run/review-plan.ts';
import { type RunRequest, STEPS } from '#shared/contracts/workflows.ts';
import { toDayNumber } from '#shared/domain/calendar.ts';
import { PermanentError, PoisonError } from '#shared/errors.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const RETAIL = readFileSync('policies/retail-rfm.yaml', 'utf8');
const RUN_ID = '2026-10-r1';
const REQUEST: RunRequest = {
  schema: 1,
  trigger: 'operator',
  mode: 'run',
  requestId: 'r1',
  asOf: '2026-10-31',
  by: 'Li Wei',
};

let synthesis: Synthesis;
beforeAll(async () => {
  synthesis = await synthesize();
});
const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

interface Work {
  /** Buckets read, by bucket; standings put, by subject. */
  readonly read: Map<number, number>;
  readonly put: Map<string, number>;
}

/** Sixty customers, the synthesized state machine, and the use cases of its steps; `trouble` may throw before a step does its work. */
const openLoop = async (trouble: (step: string, event: { shard?: number }) => void = () => undefined) => {
  const bench = openMemoryBench(16);
  const policy = await bench.usePolicy(RETAIL);
  for (let index = 0; index < 60; index += 1) {
    await bench.addCustomer({
      customerId: `c-${index}`,
      orders: Array.from({ length: 1 + (index % 5) }, (_, n) => ({
        day: toDayNumber(`2026-${String(1 + ((index + n) % 10)).padStart(2, '0')}-15`),
        count: 1,
        amountMinor: 1_000 + index * 137,
        attributes: {},
        batch: n,
      })).sort((a, b) => a.day - b.day),
    });
  }
  const work: Work = { read: new Map(), put: new Map() };
  const bump = <Key>(counts: Map<Key, number>, key: Key): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  const ports = {
    ...bench.ports,
    customers: {
      ...bench.ports.customers,
      readBucket: (...call: Parameters<typeof bench.ports.customers.readBucket>) => {
        bump(work.read, call[0]);
        return bench.ports.customers.readBucket(...call);
      },
    },
    standings: {
      ...bench.ports.standings,
      put: async (...call: Parameters<typeof bench.ports.standings.put>) => {
        bump(work.put, call[0].subject);
        return bench.ports.standings.put(...call);
      },
    },
  };
  const steps: Record<string, (input: never, with_: typeof ports) => Promise<unknown>> = {
    'open-run': openRun,
    'plan-shards': planShards,
    'measure-shard': measureShard,
    calibrate: calibrateRun,
    'assign-shard': assignShard,
    'review-plan': reviewPlan,
    'begin-apply': beginApply,
    'apply-shard': applyShard,
    'publish-run': publishRun,
    'assert-run-healthy': assertRunHealthy,
    'fail-run': failRun,
  };
  const calls: string[] = [];
  const handlers = Object.fromEntries(
    Object.values(synthesis.functionArns).map((name): [string, Handler] => [
      name,
      async (event) => {
        calls.push(name);
        trouble(name, event as { shard?: number });
        // The contract itself stands between the machine and the step, as in the account.
        const contract = Object.entries(STEPS).find(([step]) => step === name)?.[1];
        return steps[name]?.((contract?.input.parse(event) ?? event) as never, ports) ?? {};
      },
    ]),
  );
  const folder = temporaryFolder('redrive');
  const clock = openBusinessClock({ dataDir: folder, startAt: '2026-11-01T02:00:00.000Z' });
  const runner = createRunner({
    machines: synthesis.machines,
    handlers,
    functionArns: synthesis.functionArns,
    clock,
    journalDir: `${folder}/executions`,
    retryDelayMs: 1,
  });
  const server = await startWorkflowServer({ runner, clock, port: 0 });
  closings.push(async () => {
    await server.close();
    await runner.close();
    clock.stop();
    await bench.close();
  });
  const { resegmentation, 'survey-wave': survey } = synthesis.machines;
  const workflows = sfnWorkflows({
    endpoint: server.url,
    machineArns: { resegmentation: resegmentation.arn, 'survey-wave': survey.arn },
  });
  const redrivePorts = { ...bench.ports, workflows };
  return {
    bench,
    work,
    calls,
    runner,
    redrivePorts,
    start: async (name: string, request: RunRequest) =>
      runner.finished(
        (await workflows.start('resegmentation', name, { ...request, policyHash: policy.hash })).executionArn,
      ),
    redrive: async (by = 'Zhao Min') =>
      runner.finished((await redriveRun({ runId: RUN_ID, by }, redrivePorts)).executionArn),
    record: async () => (await bench.ports.runs.get(RUN_ID))?.record,
    result: async () => {
      const standings: unknown[] = [];
      for (let bucket = 0; bucket < bench.ports.customers.buckets; bucket += 1)
        standings.push(...(await bench.ports.standings.readBucket(bucket)));
      const { units, durationMs, ...summary } = (await bench.ports.files.readJson(RUN_ID, 'summary.json')) as {
        units: unknown;
        durationMs: unknown;
      };
      const plans: string[] = [];
      for (let shard = 0; shard < 4; shard += 1)
        plans.push(Buffer.from(await bench.ports.files.readPlanBytes(RUN_ID, shard)).toString('base64'));
      const { rev, ...pointer } = await bench.ports.pointer.get();
      return { standings, summary, plans, pointer, flags: await bench.ports.flags.listOpen() };
    },
  };
};

/** Throws once, at the given step and shard. */
const once = (step: string, shard: number | undefined, error: Error) => {
  let thrown = false;
  return (name: string, event: { shard?: number }): void => {
    if (thrown || name !== step || event.shard !== shard) return;
    thrown = true;
    throw error;
  };
};

describe('a run that failed and is redriven', () => {
  it.each([
    ['measure-shard', 2, new PermanentError('access-denied', 'a right was missing')],
    ['measure-shard', 0, new PoisonError('input-invalid', 'this one never succeeds')],
    ['calibrate', undefined, new PermanentError('access-denied', 'a right was missing')],
    ['assign-shard', 3, new PermanentError('access-denied', 'a right was missing')],
    ['apply-shard', 1, new PermanentError('access-denied', 'a right was missing')],
    ['publish-run', undefined, new PermanentError('access-denied', 'a right was missing')],
  ] as const)(
    'ends as one that was never disturbed, and does nothing twice: %s of shard %s',
    async (step, shard, error) => {
      const calm = await openLoop();
      expect((await calm.start(RUN_ID, REQUEST)).status).toBe('SUCCEEDED');
      const disturbed = await openLoop(once(step, shard, error));

      expect((await disturbed.start(RUN_ID, REQUEST)).status).toBe('FAILED');
      expect((await disturbed.record())?.state).toBe('failed');
      expect((await disturbed.redrive()).status).toBe('SUCCEEDED');

      expect(await disturbed.result()).toEqual(await calm.result());
      expect(disturbed.work.read).toEqual(calm.work.read);
      expect([...disturbed.work.read.values()].every((times) => times === 1)).toBe(true);
      expect(disturbed.work.put).toEqual(calm.work.put);
      expect(await disturbed.record()).toMatchObject({
        state: 'published',
        error: null,
        redriven: [{ by: 'Zhao Min', execution: `${RUN_ID}-redrive-1` }],
      });
    },
  );

  it('fails again where the cause is still there, and goes on with the next redrive', async () => {
    let broken = true;
    const loop = await openLoop((step, { shard }) => {
      if (broken && step === 'apply-shard' && shard === 1) throw new PermanentError('access-denied', 'still missing');
    });
    await loop.start(RUN_ID, REQUEST);

    expect((await loop.redrive()).status).toBe('FAILED');
    broken = false;
    expect((await loop.redrive()).status).toBe('SUCCEEDED');

    expect((await loop.record())?.redriven?.map(({ execution }) => execution)).toEqual([
      `${RUN_ID}-redrive-1`,
      `${RUN_ID}-redrive-2`,
    ]);
    expect([...loop.work.put.values()].every((times) => times === 1)).toBe(true);
  });

  it('measures anew where another run was published meanwhile, since standings may have changed', async () => {
    const loop = await openLoop(once('calibrate', undefined, new PermanentError('access-denied', 'missing')));
    await loop.start(RUN_ID, REQUEST);
    const other = await loop.start('other', { ...REQUEST, requestId: 'other' });

    expect([other.status, (await loop.redrive()).status]).toEqual(['SUCCEEDED', 'SUCCEEDED']);

    // Once for the run that failed, once for the other one, once against its standings.
    expect([...loop.work.read.values()].every((times) => times === 3)).toBe(true);
    expect((await loop.record())?.basedOn).toBe('2026-10-other');
  });

  it('skips customers who changed since they were measured, and names them', async () => {
    const loop = await openLoop(once('apply-shard', 1, new PermanentError('access-denied', 'missing')));
    await loop.start(RUN_ID, REQUEST);
    const written = new Set(loop.work.put.keys());
    const late = (await loop.bench.ports.customers.getMany([...(await subjects(loop.bench))])).values();
    const [changed] = [...late].filter(({ subject }) => !written.has(subject));
    await loop.bench.addCustomer({ ...changed!, orders: [], factsRev: changed!.factsRev + 1 });

    expect((await loop.redrive()).status).toBe('SUCCEEDED');

    expect((await loop.result()).summary).toMatchObject({ stale: 1, changed: 59 });
  });

  it('is one execution for two operators at once', async () => {
    const loop = await openLoop(once('measure-shard', 2, new PermanentError('access-denied', 'missing')));
    await loop.start(RUN_ID, REQUEST);

    const [a, b] = await Promise.all(
      ['Zhao Min', 'Li Wei'].map((by) => redriveRun({ runId: RUN_ID, by }, loop.redrivePorts)),
    );

    expect(a?.executionArn).toBe(b?.executionArn);
    expect((await loop.runner.finished(a!.executionArn)).status).toBe('SUCCEEDED');
    expect((await loop.record())?.redriven).toHaveLength(1);
  });

  it('refuses a run that is still under way, one that is finished, and one that was abandoned', async () => {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const loop = await openLoop();
    const slow = loop.bench.ports.files.writeCalibration;
    Object.assign(loop.bench.ports.files, {
      writeCalibration: async (...call: Parameters<typeof slow>) => {
        await held;
        return slow(...call);
      },
    });
    const running = loop.start(RUN_ID, REQUEST);
    while (!loop.calls.includes('calibrate')) await new Promise((resolve) => setTimeout(resolve, 5));

    await expect(redriveRun({ runId: RUN_ID, by: 'x' }, loop.redrivePorts)).rejects.toMatchObject({
      code: 'execution-running',
    });
    letGo();
    await running;
    await expect(redriveRun({ runId: RUN_ID, by: 'x' }, loop.redrivePorts)).rejects.toMatchObject({
      code: 'run-not-failed',
      hint: 'nothing of it is left to be done',
    });

    const other = await openLoop(once('calibrate', undefined, new PermanentError('access-denied', 'missing')));
    await other.start(RUN_ID, REQUEST);
    await abandonRun(RUN_ID, 'x', other.bench.ports);
    await expect(redriveRun({ runId: RUN_ID, by: 'x' }, other.redrivePorts)).rejects.toMatchObject({
      code: 'run-not-failed',
      hint: 'make a new plan: resegment plan',
    });
  });
});

const subjects = async (bench: ReturnType<typeof openMemoryBench>): Promise<readonly string[]> => {
  const all: string[] = [];
  for (let bucket = 0; bucket < bench.ports.customers.buckets; bucket += 1)
    for await (const one of bench.ports.customers.readBucket(bucket))
      if (one.kind === 'customer') all.push(one.facts.subject);
  return all;
};
