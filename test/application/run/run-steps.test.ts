import { readFileSync } from 'node:fs';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { abandonRun } from '#shared/application/run/abandon-run.ts';
import { applyShard } from '#shared/application/run/apply-shard.ts';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import { measureShard, visibleGeneration } from '#shared/application/run/measure-shard.ts';
import { openRun } from '#shared/application/run/open-run.ts';
import { mapConcurrently } from '#shared/concurrently.ts';
import { toDayNumber } from '#shared/domain/calendar.ts';
import type { OrderDay } from '#shared/domain/facts.ts';
import { openRunBench, type RunBench } from '#test/support/run-bench.ts';

const RETAIL = readFileSync('policies/retail-rfm.yaml', 'utf8');

const order = (date: string, amountMinor: number): OrderDay => ({
  day: toDayNumber(date),
  count: 1,
  amountMinor,
  attributes: {},
  batch: 0,
});

/** Sixty customers whose recency, frequency and spend all differ. */
const fill = async (bench: RunBench): Promise<void> => {
  await mapConcurrently([...Array(60).keys()], 8, async (index) => {
    const orders = Array.from({ length: 1 + (index % 7) }, (_, n) =>
      order(`2026-${String(1 + ((index + n) % 10)).padStart(2, '0')}-15`, 1000 + index * 137),
    );
    orders.sort((a, b) => a.day - b.day);
    await bench.addCustomer({ customerId: `c-${index}`, orders });
  });
};

const standingsOf = async (bench: RunBench): Promise<readonly string[]> => {
  const all: string[] = [];
  for (let bucket = 0; bucket < bench.ports.customers.buckets; bucket += 1) {
    for (const standing of await bench.ports.standings.readBucket(bucket))
      all.push(JSON.stringify(standing.current.placements) + standing.subject);
  }
  return all.sort();
};

describe('a run', () => {
  let bench: RunBench;
  beforeEach(async () => {
    bench = await openRunBench();
    await bench.usePolicy(RETAIL);
    await fill(bench);
  });
  afterEach(() => bench.close());

  it('I4 I5 places every customer in exactly one segment and adds up to what was read', async () => {
    const { outcome, summary } = await bench.run({ requestId: 'a', asOf: '2026-10-31' });

    expect(outcome).toBe('apply');
    expect(summary.state).toBe('published');
    const placed = Object.values(summary.segments['rfm'] ?? {}).reduce((sum, count) => sum + count, 0);
    expect(placed + summary.quarantined).toBe(summary.population);
    expect(summary.population).toBe(60);
    expect(summary.changed).toBe(60);
    expect(await standingsOf(bench)).toHaveLength(60);
  });

  it('gives the same standings for 1, 3 and 16 shards', async () => {
    const plans: string[] = [];
    for (const shards of [1, 3, 16]) {
      const { runId } = await bench.run({ requestId: `p${shards}`, asOf: '2026-10-31', mode: 'plan', shards });
      const rows = [];
      for (let shard = 0; shard < shards; shard += 1) rows.push(...(await bench.ports.files.readPlan(runId, shard)));
      plans.push(JSON.stringify(rows.map((row) => [row.subject, row.scores, row.next.placements])));
    }

    expect(plans[1]).toBe(plans[0]);
    expect(plans[2]).toBe(plans[0]);
  });

  it('writes no standing when it runs again on the same facts', async () => {
    await bench.run({ requestId: 'a', asOf: '2026-10-31' });
    const before = await standingsOf(bench);

    const { summary } = await bench.run({ requestId: 'b', asOf: '2026-10-31' });

    expect(summary.changed).toBe(0);
    expect(summary.units.write).toBe(0);
    expect(await standingsOf(bench)).toEqual(before);
  });

  it('R36 a scheduled run is one per period, however often it is triggered', async () => {
    const first = await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z' });
    const second = await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:05:00.000Z' });

    expect(first.runId).toBe('2026-10-monthly');
    expect(second).toMatchObject({ runId: '2026-10-monthly', outcome: 'stop' });
  });

  it('changes nothing while it is only planned, and applies exactly the plan later', async () => {
    const { runId, outcome, summary } = await bench.run({ requestId: 'p', asOf: '2026-10-31', mode: 'plan' });
    expect(outcome).toBe('planned');
    expect(await standingsOf(bench)).toEqual([]);

    const applied = await bench.apply(runId);

    expect(applied.segments).toEqual(summary.segments);
    expect(applied.stale).toBe(0);
    expect(await standingsOf(bench)).toHaveLength(60);
  });

  it('skips customers whose facts changed since the plan, and names them as stale', async () => {
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-10-31', mode: 'plan' });
    bench.setNow('2026-11-02T08:00:00.000Z');
    const changed = await bench.addCustomer({ customerId: 'c-3', orders: [order('2026-10-30', 99_00)] });
    await bench.addCustomer({
      customerId: 'c-4',
      orders: [...((await bench.ports.customers.get('c-4'))?.orders ?? []), order('2026-11-01', 50_00)],
    });

    const applied = await bench.apply(runId);

    expect(applied.stale).toBe(1);
    expect(applied.changed).toBe(59);
    expect((await bench.ports.standings.getMany([changed.subject])).size).toBe(0);
  });

  it('refuses a plan that is based on a run that is no longer the published one', async () => {
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-10-31', mode: 'plan' });
    await bench.run({ requestId: 'a', asOf: '2026-10-31' });

    await expect(bench.apply(runId)).rejects.toThrow(/is based on no run, but 2026-10-a is published now/);
  });

  it('refuses a plan that has expired', async () => {
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-10-31', mode: 'plan' });
    bench.setNow('2026-11-05T08:00:00.000Z');

    await expect(bench.apply(runId)).rejects.toThrow(/expired/);
  });

  it('is held by a brake before anything is written, tells the operators, and goes on with a named override', async () => {
    await bench.usePolicy(RETAIL.replace('staleInputDays: 35', 'staleInputDays: 3'));
    const { runId, outcome, summary } = await bench.run({ requestId: 'a', asOf: '2026-10-31' });

    expect(outcome).toBe('held');
    expect(summary.brakes.map((hit) => hit.brake)).toEqual(['staleInputDays']);
    expect(bench.told).toEqual([runId]);
    expect(await standingsOf(bench)).toEqual([]);
    await expect(bench.apply(runId)).rejects.toThrow(/held by the newest fact is 16 days old/);

    const applied = await bench.apply(runId, {
      override: { brake: 'staleInputDays', reason: 'the shop was closed', by: 'Ann' },
    });

    expect(applied.state).toBe('published');
    expect((await bench.ports.runs.get(runId))?.record.overrides).toMatchObject([
      { brake: 'staleInputDays', by: 'Ann' },
    ]);
  });

  it('never publishes or surveys as of a day before the published run', async () => {
    await bench.run({ requestId: 'a', asOf: '2026-10-31' });

    const { outcome, runId } = await bench.run({ requestId: 'old', asOf: '2026-08-31' });

    expect(outcome).toBe('planned');
    await expect(bench.apply(runId)).rejects.toThrow(/before the published run's 2026-10-31/);
    expect((await bench.ports.pointer.get()).published?.runId).toBe('2026-10-a');
  });

  it('R38 lets only one run apply at a time', async () => {
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-10-31', mode: 'plan' });
    const pointer = await bench.ports.pointer.get();
    const { rev, ...rest } = pointer;
    await bench.ports.pointer.compareAndSet({ ...rest, lastSeq: 1, applying: { runId: 'another', seq: 1 } }, rev);

    await expect(bench.apply(runId)).rejects.toThrow(/run another is being applied/);
  });

  it('I9 names a record that cannot be read, places the others and goes on', async () => {
    const { subject } = await bench.addCustomer({ customerId: 'poison' });
    const bucket = `b${String(bench.ports.customers.bucketOf(subject)).padStart(4, '0')}`;
    await bench.dynamo.send(
      new UpdateItemCommand({
        TableName: 'customers',
        Key: { bucket: { S: bucket }, subject: { S: subject } },
        UpdateExpression: 'SET #orders = :bad',
        ExpressionAttributeNames: { '#orders': 'orders' },
        ExpressionAttributeValues: { ':bad': { S: 'no such thing' } },
      }),
    );
    await bench.usePolicy(RETAIL.replace('quarantineShare: 0.01', 'quarantineShare: 0.5'));

    const { runId, summary } = await bench.run({ requestId: 'a', asOf: '2026-10-31' });

    expect(summary).toMatchObject({ population: 61, quarantined: 1, state: 'published' });
    expect(await bench.ports.files.readJson(runId, 'quarantine.json')).toMatchObject([{ subject }]);
  });

  it('counts what was known at its date only', async () => {
    const { summary } = await bench.run({ requestId: 'old', asOf: '2026-01-31' });

    expect(summary.population).toBeLessThan(60);
    expect(summary.population).toBeGreaterThan(0);
  });

  it('measures a shard twice with the same result', async () => {
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-10-31', mode: 'plan' });
    const before = JSON.stringify(await bench.ports.files.readFrame(runId, 0));
    await measureShard({ runId, shard: 0 }, bench.ports);

    expect(JSON.stringify(await bench.ports.files.readFrame(runId, 0))).toBe(before);
  });

  it('leaves no trace of a run that was abandoned while it was being applied', async () => {
    await bench.run({ requestId: 'a', asOf: '2026-10-31' });
    const before = await standingsOf(bench);
    bench.setNow('2026-11-30T08:00:00.000Z');
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-11-30', mode: 'plan' });
    await openRun(
      {
        schema: 1,
        trigger: 'operator',
        mode: 'apply',
        runId,
        by: 'Ann',
        override: { brake: 'staleInputDays', reason: 'test', by: 'Ann' },
      },
      bench.ports,
    );
    await beginApply({ runId }, bench.ports);
    await applyShard({ runId, shard: 0 }, bench.ports);

    expect(await abandonRun(runId, 'Ann', bench.ports)).toBe('abandoned');
    expect(await abandonRun(runId, 'Ann', bench.ports)).toBe('already');

    const pointer = await bench.ports.pointer.get();
    expect(pointer).toMatchObject({ applying: null, published: { runId: '2026-10-a' }, abandonedSeqs: [2] });
    const visible: string[] = [];
    for (let bucket = 0; bucket < bench.ports.customers.buckets; bucket += 1) {
      for (const standing of await bench.ports.standings.readBucket(bucket)) {
        visible.push(JSON.stringify(visibleGeneration(standing, pointer)?.placements) + standing.subject);
      }
    }
    expect(visible.sort()).toEqual(before);
  });
});
