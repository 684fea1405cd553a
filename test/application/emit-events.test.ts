import { beforeEach, describe, expect, it } from 'vitest';
import { type EmitEventsPorts, emitEvents, timeBudget } from '#shared/application/emit-events.ts';
import { applyShard } from '#shared/application/run/apply-shard.ts';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import type { EventCursor } from '#shared/contracts/event-cursor.ts';
import type { BusinessEvent } from '#shared/domain/business-event.ts';
import { memoryRecords } from '#test/support/memory-stores.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

let bench: ReturnType<typeof openMemoryBench>;
let delivered: BusinessEvent[];
let ports: EmitEventsPorts;

const run = async (month: string, scores: Readonly<Record<string, number>>): Promise<string> => {
  bench.setNow(`${month}-01T02:00:00.000Z`);
  await withScore(bench, scores, '2026-10-15');
  return (await bench.run({ trigger: 'schedule', scheduledAt: bench.ports.clock.now() })).runId;
};
const movesOf = (): readonly string[] =>
  delivered.flatMap((event) =>
    event.type === 'segment.moved' ? [`${event.data.runId} ${event.customerId} ${event.data.to}`] : [],
  );

beforeEach(async () => {
  bench = openMemoryBench();
  await bench.usePolicy(SCORE_POLICY);
  delivered = [];
  ports = {
    ...bench.ports,
    bus: {
      send: async (events) => {
        delivered.push(...events);
        return new Set();
      },
    },
    outboxes: [bench.ports.flags],
    cursors: memoryRecords<EventCursor>(),
    isOutOfTime: () => false,
  };
});

describe('sending events', () => {
  it('tells of each run in the order of publishing, also of several at once', async () => {
    await run('2026-11', { a: 90, b: 50 });
    await run('2026-12', { a: 50 });

    expect(await emitEvents(ports)).toEqual({ sent: 3, dropped: 0, held: 0, more: false });

    expect(movesOf().toSorted()).toEqual([
      '2026-10-monthly a high',
      '2026-10-monthly b middle',
      '2026-11-monthly a middle',
    ]);
    expect(movesOf().at(-1)).toBe('2026-11-monthly a middle');
  });

  it('says nothing of a customer who was erased before', async () => {
    await run('2026-11', { a: 90, b: 50 });
    await bench.ports.customers.erase('a');

    await emitEvents(ports);

    expect(movesOf()).toEqual(['2026-10-monthly b middle']);
  });

  it('goes on past a run whose files have expired', async () => {
    const old = await run('2026-11', { a: 90 });
    for (const key of await bench.ports.objects.list(`runs/${old}/plan/`)) await bench.ports.objects.remove(key);
    await run('2026-12', { a: 50 });

    await emitEvents(ports);

    expect(movesOf()).toEqual(['2026-11-monthly a middle']);
  });

  it('counts what waits for a run that is being applied, and sends it when the run is published', async () => {
    bench.setNow('2026-11-01T02:00:00.000Z');
    await withScore(bench, { a: 10, b: 10 }, '2026-10-15');
    const scheduledAt = bench.ports.clock.now();
    const { runId } = await bench.run({ trigger: 'schedule', scheduledAt, mode: 'plan' });
    const { shards } = await beginApply({ runId }, bench.ports);
    for (const shard of shards) await applyShard({ runId, shard }, bench.ports);

    expect(await emitEvents(ports)).toMatchObject({ sent: 0, held: 2 });
    await bench.apply(runId);
    expect(await emitEvents(ports)).toMatchObject({ sent: 4, held: 0 });
  });

  it('stops in time and goes on where it was', async () => {
    await run('2026-11', { a: 90, b: 50 });
    await run('2026-12', { a: 50, b: 90 });
    let asked = 0;
    const isOutOfTime = (): boolean => {
      asked += 1;
      return asked % 2 === 0;
    };
    const impatient = { ...ports, isOutOfTime };

    const rounds = [];
    for (let round = 0; round < 20; round += 1) rounds.push(await emitEvents(impatient));

    expect(rounds[0]?.more).toBe(true);
    expect(rounds.at(-1)).toEqual({ sent: 0, dropped: 0, held: 0, more: false });
    expect(new Set(movesOf()).size).toBe(4);
    expect(movesOf()).toHaveLength(4);
  });

  it('says so where the bus refuses, after the rest was sent', async () => {
    await run('2026-11', { a: 10 });
    const refusing = {
      ...ports,
      bus: { send: async (events: readonly BusinessEvent[]) => new Set(events.slice(0, 1).map(({ id }) => id)) },
    };

    await expect(emitEvents(refusing)).rejects.toMatchObject({ code: 'events-not-taken', name: 'RetryableError' });
    expect(await emitEvents(ports)).toMatchObject({ sent: 2 });
  });

  it('looks at nothing but the pointer once all is sent', async () => {
    await run('2026-11', { a: 90 });
    await emitEvents(ports);
    const unused = async (): Promise<never> => {
      throw new Error('nothing has changed');
    };

    const idle = { ...ports, runs: { get: unused, list: unused }, files: { readPlan: unused, readJson: unused } };

    expect(await emitEvents(idle)).toEqual({ sent: 0, dropped: 0, held: 0, more: false });
  });
});

describe('a budget of time', () => {
  it('is over after so many milliseconds', () => {
    let now = 1_000;
    const isOver = timeBudget(50, () => now);

    expect(isOver()).toBe(false);
    now = 1_050;
    expect(isOver()).toBe(true);
  });
});
