import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type EventFile, fileEventBus } from '#shared/adapters/file-event-bus.ts';
import { emitEvents } from '#shared/application/emit-events.ts';
import type { EventCursor } from '#shared/contracts/event-cursor.ts';
import { BusinessEvent } from '#shared/domain/business-event.ts';
import { activate, benchTarget, operatorOn, type Said } from '#test/support/bench-target.ts';
import { memoryRecords } from '#test/support/memory-stores.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

let bench: ReturnType<typeof openMemoryBench>;
let file: EventFile;
let resegment: (...words: readonly string[]) => Promise<Said>;

const tail = async (...words: readonly string[]): Promise<readonly BusinessEvent[]> =>
  Object((await resegment('event', 'tail', ...words, '--json')).json).events;

beforeEach(async () => {
  bench = openMemoryBench();
  file = fileEventBus(join(temporaryFolder('events'), 'events.jsonl'));
  const cursors = memoryRecords<EventCursor>();
  const sendWaiting = () =>
    emitEvents({ ...bench.ports, bus: file, outboxes: [bench.ports.flags], cursors, isOutOfTime: () => false });
  const target = { ...benchTarget(bench), events: { sendWaiting, read: (from?: number) => file.read(from) } };
  resegment = operatorOn(() => target);
  await activate(bench, SCORE_POLICY);
  await withScore(bench, { a: 90, b: 50, c: 10 }, '2026-10-15');
  await bench.run({ trigger: 'schedule', scheduledAt: bench.ports.clock.now() });
});

describe('event tail', () => {
  it('shows moves and proposals of a published run and what a person decided, once each', async () => {
    await resegment('flag', 'refuse', 'c', '--kind', 'exit', '--reason', 'keep');

    const events = await tail();

    expect(events.map(({ type, customerId }) => `${type} ${customerId}`).sort()).toEqual([
      'decision.refused c',
      'flag.raised c',
      'segment.moved a',
      'segment.moved b',
      'segment.moved c',
    ]);
    for (const event of events) expect(BusinessEvent.safeParse(event).success).toBe(true);
    expect(await tail()).toEqual(events);
  });

  it('takes a rollback back move by move', async () => {
    const before = await tail();
    await resegment('run', 'rollback', '--reason', 'wrong file');

    const after = (await tail()).slice(before.length);

    expect(after.map(({ type }) => type).sort()).toEqual([
      'flag.withdrawn',
      'segment.moved',
      'segment.moved',
      'segment.moved',
    ]);
    expect(after.filter(({ type }) => type === 'segment.moved')).toEqual(
      Array.from({ length: 3 }, () =>
        expect.objectContaining({ data: expect.objectContaining({ cause: 'rollback', to: null, kind: 'left' }) }),
      ),
    );
  });

  it('is narrowed by type, kind, customer and time, and shows the last ones', async () => {
    expect((await tail('--type', 'flag')).map(({ customerId }) => customerId)).toEqual(['c']);
    expect(await tail('--type', 'segment.moved', 'flag.raised')).toHaveLength(4);
    expect(await tail('--customer', 'a')).toHaveLength(1);
    expect(await tail('--since', '2026-11-02')).toEqual([]);
    expect(await tail('--since', '2026-11-01')).toHaveLength(4);
    expect(Object((await resegment('events', 'tail', '--limit', '1', '--json')).json)).toMatchObject({ earlier: 3 });
  });

  it('is one line an event in both languages', async () => {
    const english = await resegment('event', 'tail', '--type', 'segment.moved', '--customer', 'a');
    expect(english.out).toMatch(
      /^2026-11-01 02:00:00 {2}segment\.moved +a +class: – → high \(new\) 2026-10-monthly\n$/u,
    );
    const chinese = await resegment('event', 'tail', '--customer', 'a', '--lang', 'zh-CN');
    expect(chinese.out).toContain('新增');
  });

  it.each([
    [['--type', 'foo'], 'type-unknown'],
    [['--since', '2026-02-30'], 'date-invalid'],
    [['--limit', '0'], 'option-invalid'],
  ])('refuses %j as wrong usage', async (words, code) => {
    expect(await resegment('event', 'tail', ...words, '--json')).toMatchObject({ code: 2, json: { error: { code } } });
  });

  it('says how to look at a bus, which keeps nothing', async () => {
    const { events: _none, ...target } = { events: undefined, ...benchTarget(bench) };

    const said = await operatorOn(() => target)('event', 'tail', '--json');

    expect(said).toMatchObject({ code: 2, json: { error: { code: 'events-not-kept' } } });
  });
});
