import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventBridgeBus, eventBridgeClient } from '#shared/adapters/eventbridge-bus.ts';
import { fileEventBus } from '#shared/adapters/file-event-bus.ts';
import type { BusinessEvent } from '#shared/domain/business-event.ts';
import { moveEvent } from '#shared/domain/document-events.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const eventOf = (number: number, branch = 'North'): BusinessEvent =>
  moveEvent(
    { runId: 'r', seq: 1, period: '2026-05', asOf: '2026-05-31' },
    { subject: `s${number}`, customerId: `C-${number}`, branch },
    { dimension: 'class', from: null, to: 'core', kind: 'new' },
    'run',
    '2026-06-01T02:00:00.000Z',
  );
const eventsOf = (count: number, branch?: string): readonly BusinessEvent[] =>
  Array.from({ length: count }, (_, number) => eventOf(number, branch));

interface Entry {
  readonly EventBusName: string;
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: string;
}
type Answer = { readonly status: number; readonly body: unknown };

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))));

/** A stand-in for the service, with the limits of its documentation; `answer` says what becomes of the nth call. */
const serviceThat = async (answer: (entries: readonly Entry[], call: number) => Answer) => {
  const calls: (readonly Entry[])[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { Entries } = JSON.parse(text) as { Entries: readonly Entry[] };
      calls.push(Entries);
      const isTooLarge = Entries.length > 10 || Buffer.byteLength(text) > 300_000;
      const { status, body } = isTooLarge
        ? { status: 400, body: { __type: 'ValidationException', message: 'too large' } }
        : answer(Entries, calls.length);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  const client = eventBridgeClient(`http://127.0.0.1:${port}`);
  const bus = eventBridgeBus({ client, busName: 'resegment-dev', pause: async () => undefined });
  return { calls, bus };
};

const taken = (entries: readonly Entry[]): Answer => ({
  status: 200,
  body: { FailedEntryCount: 0, Entries: entries.map((_, index) => ({ EventId: String(index) })) },
});

describe('the bus of an account', () => {
  it('gets each event once, ten in a call, named for rules', async () => {
    const { bus, calls } = await serviceThat(taken);

    expect(await bus.send(eventsOf(23))).toEqual(new Set());

    expect(calls.map((entries) => entries.length).sort()).toEqual([10, 10, 3].sort());
    const [entry] = calls[0] ?? [];
    expect(entry).toMatchObject({ EventBusName: 'resegment-dev', Source: 'resegment', DetailType: 'segment.moved' });
    const ids = calls.flat().map(({ Detail }) => JSON.parse(Detail).id);
    expect(new Set(ids)).toEqual(new Set(eventsOf(23).map(({ id }) => id)));
  });

  it('gets calls of at most 256 KB', async () => {
    const { bus, calls } = await serviceThat(taken);

    expect(await bus.send(eventsOf(12, '网'.repeat(30_000)))).toEqual(new Set());

    for (const entries of calls) {
      const bytes = entries.reduce((sum, one) => sum + Buffer.byteLength(one.Detail), 0);
      expect(bytes).toBeLessThanOrEqual(256 * 1024);
    }
    expect(calls.flat()).toHaveLength(12);
  });

  it('is asked again for the entries that it did not take, and for no others', async () => {
    const { bus, calls } = await serviceThat((entries, call) =>
      call === 1
        ? {
            status: 200,
            body: {
              FailedEntryCount: 2,
              Entries: entries.map((_, index) =>
                index < 2 ? { ErrorCode: 'ThrottlingException', ErrorMessage: 'slow down' } : { EventId: 'x' },
              ),
            },
          }
        : taken(entries),
    );

    expect(await bus.send(eventsOf(5))).toEqual(new Set());

    expect(calls.map((entries) => entries.map(({ Detail }) => JSON.parse(Detail).customerId))).toEqual([
      ['C-0', 'C-1', 'C-2', 'C-3', 'C-4'],
      ['C-0', 'C-1'],
    ]);
  });

  it('keeps what it refuses for good, or for too long, apart from what it took', async () => {
    const { bus } = await serviceThat((entries) => ({
      status: 200,
      body: {
        FailedEntryCount: 2,
        Entries: entries.map(({ Detail }) => {
          const { customerId } = JSON.parse(Detail);
          if (customerId === 'C-1') return { ErrorCode: 'MalformedDetail' };
          return customerId === 'C-2' ? { ErrorCode: 'InternalFailure' } : { EventId: 'x' };
        }),
      },
    }));
    const events = eventsOf(4);

    expect(await bus.send(events)).toEqual(new Set([events[1]?.id, events[2]?.id]));
  });

  it('counts as not taken what an answer says nothing of', async () => {
    const { bus } = await serviceThat(() => ({ status: 200, body: { FailedEntryCount: 0, Entries: [] } }));
    const events = eventsOf(2);

    expect(await bus.send(events)).toEqual(new Set(events.map(({ id }) => id)));
  });

  it('refuses everything at once where access is denied', async () => {
    const { bus } = await serviceThat(() => ({
      status: 400,
      body: { __type: 'AccessDeniedException', message: 'no' },
    }));

    await expect(bus.send(eventsOf(1))).rejects.toMatchObject({ code: 'bus-refused' });
  });
});

describe('the bus of a folder', () => {
  const fileOf = (): string => join(temporaryFolder('events'), 'events.jsonl');

  it('has nothing before the first event, and then each in the order of sending', async () => {
    const bus = fileEventBus(fileOf());
    expect(bus.read()).toEqual({ events: [], end: 0 });

    await bus.send(eventsOf(2));
    const first = bus.read();
    await bus.send([eventOf(7)]);

    expect(first.events).toEqual(eventsOf(2));
    expect(bus.read(first.end).events).toEqual([eventOf(7)]);
  });

  it('leaves a line that is not whole yet, and passes over one that a crash cut off', async () => {
    const file = fileOf();
    const bus = fileEventBus(file);
    await bus.send([eventOf(1)]);
    const { end } = bus.read();
    appendFileSync(file, JSON.stringify(eventOf(2)).slice(0, 40));
    expect(bus.read(end)).toEqual({ events: [], end });

    await bus.send([eventOf(2), eventOf(3)]);

    expect(bus.read(end).events).toEqual([eventOf(2), eventOf(3)]);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(5);
  });

  it('passes over lines that are no events', () => {
    const file = fileOf();
    writeFileSync(file, 'nonsense\n{"schema":99}\n\n');

    expect(fileEventBus(file).read().events).toEqual([]);
  });
});
