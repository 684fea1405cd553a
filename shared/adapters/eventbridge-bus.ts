import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { mapConcurrently } from '../concurrently.ts';
import type { BusinessEvent } from '../domain/business-event.ts';
import { PermanentError } from '../errors.ts';
import type { EventBus } from '../ports/event-bus.ts';

/** Limits of one PutEvents call, by the service's documentation. */
const MOST_ENTRIES = 10;
const MOST_BYTES = 256 * 1024;
/** The service counts the time of an entry with so many bytes. */
const TIME_BYTES = 14;
const CALLS_AT_ONCE = 4;
const TRIES = 5;

export const EVENT_SOURCE = 'resegment';

const PERMANENT = new Set(['AccessDeniedException', 'ResourceNotFoundException', 'ValidationException']);
/** Failures of single entries that may pass; the others would fail again. */
const PASSING = new Set(['ThrottlingException', 'InternalFailure', 'InternalException', 'ServiceUnavailable']);

/** A client of EventBridge. @param endpoint of a stand-in; absent on AWS */
export const eventBridgeClient = (endpoint?: string): EventBridgeClient =>
  new EventBridgeClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000 },
    ...(endpoint === undefined
      ? {}
      : { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }),
  });

/**
 * An EventBridge bus. Calls hold up to ten entries and 256 KB; entries that the service did not take are tried again, alone,
 * with growing pauses.
 */
export const eventBridgeBus = ({
  client,
  busName,
  pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}: {
  readonly client: EventBridgeClient;
  readonly busName: string;
  readonly pause?: (ms: number) => Promise<unknown>;
}): EventBus => ({
  send: async (events) => {
    const refused = new Set<string>();
    const calls = inCalls(events.map((event) => ({ id: event.id, entry: entryOf(event, busName) })));
    await mapConcurrently(calls, CALLS_AT_ONCE, async (call) => {
      for (const id of await put(client, call, pause)) refused.add(id);
    });
    return refused;
  },
});

interface Identified {
  readonly id: string;
  readonly entry: PutEventsRequestEntry;
}

const entryOf = (event: BusinessEvent, busName: string): PutEventsRequestEntry => ({
  EventBusName: busName,
  Source: EVENT_SOURCE,
  DetailType: event.type,
  Detail: JSON.stringify(event),
  Time: new Date(event.at),
});

const bytesOf = ({ Source = '', DetailType = '', Detail = '' }: PutEventsRequestEntry): number =>
  TIME_BYTES + Buffer.byteLength(Source) + Buffer.byteLength(DetailType) + Buffer.byteLength(Detail);

const inCalls = (entries: readonly Identified[]): readonly (readonly Identified[])[] => {
  const calls: Identified[][] = [];
  let bytes = 0;
  for (const one of entries) {
    const last = calls.at(-1);
    const size = bytesOf(one.entry);
    if (last === undefined || last.length === MOST_ENTRIES || bytes + size > MOST_BYTES) {
      calls.push([one]);
      bytes = size;
    } else {
      last.push(one);
      bytes += size;
    }
  }
  return calls;
};

/** @returns ids of the entries that the service did not take in the end */
const put = async (
  client: EventBridgeClient,
  call: readonly Identified[],
  pause: (ms: number) => Promise<unknown>,
): Promise<readonly string[]> => {
  const refused: string[] = [];
  let left = call;
  for (let tries = 1; left.length > 0; tries += 1) {
    const outcome = await putOnce(client, left);
    refused.push(...outcome.filter(({ kind }) => kind === 'refused').map(({ id }) => id));
    const again = new Set(outcome.filter(({ kind }) => kind === 'again').map(({ id }) => id));
    left = left.filter(({ id }) => again.has(id));
    if (tries === TRIES) return [...refused, ...left.map(({ id }) => id)];
    if (left.length > 0) await pause(Math.random() * 50 * 2 ** tries);
  }
  return refused;
};

const putOnce = async (
  client: EventBridgeClient,
  call: readonly Identified[],
): Promise<readonly { readonly id: string; readonly kind: 'taken' | 'again' | 'refused' }[]> => {
  try {
    const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: call.map(({ entry }) => entry) }));
    return call.map(({ id }, index) => {
      const answer = Entries[index];
      // An entry of which the answer says nothing may be lost.
      if (answer === undefined) return { id, kind: 'again' };
      const { ErrorCode } = answer;
      if (ErrorCode === undefined) return { id, kind: 'taken' };
      return { id, kind: PASSING.has(ErrorCode) ? 'again' : 'refused' };
    });
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    if (PERMANENT.has(name)) {
      throw new PermanentError('bus-refused', `EventBridge refused the events: ${name}`, { cause: error });
    }
    return call.map(({ id }) => ({ id, kind: 'again' }));
  }
};
