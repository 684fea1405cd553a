import { EVENT_CURSOR_ID, type EventCursor } from '#shared/contracts/event-cursor.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { BusinessEvent, OutboxEntry } from '#shared/domain/business-event.ts';
import { moveEvent } from '#shared/domain/document-events.ts';
import type { Move, PlanRow, RunPointer } from '#shared/domain/standing.ts';
import { isResegmentError, RetryableError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { EventBus } from '#shared/ports/event-bus.ts';
import { measure, measureAge } from '#shared/ports/metrics.ts';
import type { Outbox, WaitingEvents } from '#shared/ports/outbox.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { PointerStore, RecordStore } from '#shared/ports/standing-store.ts';
import { staleSubjects } from './run/apply-receipts.ts';

export interface EmitEventsPorts {
  readonly clock: Clock;
  readonly bus: EventBus;
  /** Where events wait that were written with what they tell of. */
  readonly outboxes: readonly Outbox[];
  readonly runs: Pick<RecordStore<RunRecord>, 'get' | 'list'>;
  readonly pointer: Pick<PointerStore, 'get'>;
  readonly files: Pick<RunFiles, 'readPlan' | 'readJson'>;
  readonly customers: Pick<CustomerStore, 'getMany'>;
  readonly cursors: Pick<RecordStore<EventCursor>, 'create' | 'get' | 'replace'>;
  /** Asked between batches; once true, the rest is left to the next time. */
  readonly isOutOfTime: () => boolean;
}

export interface Emitted {
  readonly sent: number;
  /** Of runs that were abandoned before they were published: never sent. */
  readonly dropped: number;
  /** Of runs that are not published yet. */
  readonly held: number;
  /** Whether time ran out before everything was looked at. */
  readonly more: boolean;
}

/** Says when so many milliseconds are over. */
export const timeBudget = (budgetMs: number, nowMs: () => number): (() => boolean) => {
  const end = nowMs() + budgetMs;
  return () => nowMs() >= end;
};

/** How many events are handed over before what they were read from is marked. A crash sends at most so many again. */
const BATCH = 200;

/**
 * Sends what waits: events beside answers, cases and flags, then the moves of published runs, and what rollbacks took back of
 * them. Each event is sent at least once, with the same id each time; one that did not happen never. Two at the same time send
 * the same events twice and lose none.
 *
 * @throws RetryableError `events-not-taken` after everything else was sent, where the bus refused some
 */
export const emitEvents = async (ports: EmitEventsPorts): Promise<Emitted> => {
  const counts: Counts = { sent: 0, dropped: 0, held: 0, refused: 0, more: false, oldest: undefined };
  for (const outbox of ports.outboxes) await emitWaiting(outbox, counts, ports);
  await emitMoves(counts, ports);
  const { refused, oldest, ...emitted } = counts;
  measure('EventsSent', emitted.sent);
  measure('EventsHeld', emitted.held);
  measureAge('OldestEventSeconds', oldest, ports.clock.now());
  if (refused > 0) {
    throw new RetryableError(
      'events-not-taken',
      `the event bus did not take ${refused} events; ${emitted.sent} are sent`,
      {
        hint: 'they are tried again every minute; look at the limits of PutEvents in the account',
      },
    );
  }
  return emitted;
};

interface Counts {
  sent: number;
  dropped: number;
  held: number;
  refused: number;
  more: boolean;
  /** When the oldest of those happened that could have been sent and were not; undefined where there is none. */
  oldest: string | undefined;
}

const noteLeft = (counts: Counts, at: string): void => {
  if (counts.oldest === undefined || at < counts.oldest) counts.oldest = at;
};

const emitWaiting = async (outbox: Outbox, counts: Counts, ports: EmitEventsPorts): Promise<void> => {
  const publications = publicationsOfRuns(ports);
  let batch: { readonly waiting: WaitingEvents; readonly ready: readonly { entry: OutboxEntry; isSent: boolean }[] }[] =
    [];
  let size = 0;
  const flush = async (): Promise<void> => {
    const events = batch.flatMap(({ ready }) => ready.filter((one) => one.isSent).map((one) => one.entry.event));
    const refused = events.length === 0 ? new Set<string>() : await ports.bus.send(events);
    for (const { waiting, ready } of batch) {
      const firstRefused = ready.findIndex(({ entry }) => refused.has(entry.event.id));
      const count = firstRefused === -1 ? ready.length : firstRefused;
      const left = ready[count];
      if (left !== undefined) noteLeft(counts, left.entry.event.at);
      if (count > 0) await waiting.settle(count);
      counts.dropped += ready.slice(0, count).filter((one) => !one.isSent).length;
    }
    counts.sent += events.length - refused.size;
    counts.refused += refused.size;
    batch = [];
    size = 0;
  };
  for await (const waiting of outbox.waiting()) {
    const ready: { entry: OutboxEntry; isSent: boolean }[] = [];
    const isOutOfTime = ports.isOutOfTime();
    for (const entry of waiting.entries) {
      const publication = entry.runId === undefined ? 'published' : await publications(entry.runId);
      if (publication === 'notYet') break;
      ready.push({ entry, isSent: publication === 'published' });
    }
    if (isOutOfTime) {
      counts.more = true;
      const [first] = ready;
      if (first !== undefined) noteLeft(counts, first.entry.event.at);
      break;
    }
    counts.held += waiting.entries.length - ready.length;
    if (ready.length === 0) continue;
    batch.push({ waiting, ready });
    size += ready.length;
    if (size >= BATCH) await flush();
  }
  await flush();
};

type Publication = 'published' | 'notYet' | 'never';

/** Looks each run up once. */
const publicationsOfRuns = (ports: EmitEventsPorts): ((runId: string) => Promise<Publication>) => {
  const known = new Map<string, Publication>();
  return async (runId) => {
    const before = known.get(runId);
    if (before !== undefined) return before;
    const record = (await ports.runs.get(runId))?.record;
    const publication = record === undefined ? 'never' : publicationOf(record, await ports.pointer.get());
    known.set(runId, publication);
    return publication;
  };
};

/**
 * Whether a run is, or once was, in force. The pointer decides, and the record follows it: while it has yet to, which is a
 * moment or a crash that is made good by the step's retry, it is not known when the run was published.
 */
const publicationOf = (record: RunRecord, pointer: RunPointer): Publication => {
  if (record.publishedAt !== undefined) return 'published';
  if (record.state === 'published' || record.state === 'degraded' || record.state === 'rolledBack') return 'published';
  if (record.state === 'abandoned') return 'never';
  const isInForce = pointer.published?.runId === record.runId || pointer.previous?.runId === record.runId;
  return isInForce && record.state === 'failed' ? 'published' : 'notYet';
};

interface Step {
  readonly number: number;
  readonly record: RunRecord;
  readonly seq: number;
  readonly cause: 'run' | 'rollback';
  readonly at: string;
}

/** What is to be sent in the order in which it happened; `isWhole` where nothing is on its way of which the record is yet to tell. */
const stepsAfter = async (
  done: number,
  pointer: RunPointer,
  ports: EmitEventsPorts,
): Promise<{ readonly steps: readonly Step[]; readonly isWhole: boolean }> => {
  const applied = (await ports.runs.list())
    .flatMap(({ record }) => (record.seq === null ? [] : [{ record, seq: record.seq }]))
    .filter(({ seq }) => 2 * seq + 1 > done)
    .sort((a, b) => a.seq - b.seq);
  const steps: Step[] = [];
  for (const { record, seq } of applied) {
    const isInForce = pointer.published?.seq === seq;
    if (publicationOf(record, pointer) !== 'published') {
      if (isInForce) return { steps, isWhole: false };
      continue;
    }
    const publishedAt = record.publishedAt ?? record.frozenAt;
    steps.push({ number: 2 * seq, record, seq, cause: 'run', at: publishedAt });
    if (!pointer.abandonedSeqs.includes(seq)) continue;
    const isLast = seq === pointer.lastSeq;
    if (record.rolledBack === undefined && isLast) return { steps, isWhole: false };
    steps.push({ number: 2 * seq + 1, record, seq, cause: 'rollback', at: record.rolledBack?.at ?? publishedAt });
  }
  return { steps: steps.filter((step) => step.number > done), isWhole: true };
};

const emitMoves = async (counts: Counts, ports: EmitEventsPorts): Promise<void> => {
  const pointer = await ports.pointer.get();
  const cursor = await openCursor(ports);
  if (cursor.now().pointerRev === pointer.rev) return;
  const { steps, isWhole } = await stepsAfter(cursor.now().done, pointer, ports);
  for (const step of steps) {
    if (step.number <= cursor.now().done) continue;
    if (!(await emitStep(step, cursor, counts, ports))) return;
    if (!(await cursor.move({ done: step.number, at: null }))) return;
  }
  if (isWhole) await cursor.move({ pointerRev: pointer.rev });
};

/** The cursor, moved on only by whoever read it last. */
const openCursor = async ({ cursors }: EmitEventsPorts) => {
  const start: EventCursor = { pointerRev: -1, done: 0, at: null };
  const stored = await cursors.get(EVENT_CURSOR_ID);
  if (stored === undefined) await cursors.create(EVENT_CURSOR_ID, start);
  let { record, rev } = stored ?? { record: start, rev: 1 };
  return {
    now: (): EventCursor => record,
    /** @returns false where another emitter moved it in between; it goes on with what is left */
    move: async (change: Partial<EventCursor>): Promise<boolean> => {
      const next = { ...record, ...change };
      if ((await cursors.replace(EVENT_CURSOR_ID, next, rev)) === 'conflict') return false;
      record = next;
      rev += 1;
      return true;
    },
  };
};

/** @returns whether the step was sent to its end */
const emitStep = async (
  step: Step,
  cursor: Awaited<ReturnType<typeof openCursor>>,
  counts: Counts,
  ports: EmitEventsPorts,
): Promise<boolean> => {
  const { record } = step;
  const { at } = cursor.now();
  const from = at?.step === step.number ? at : { shard: 0, move: 0 };
  for (let { shard, move } = from; shard < record.shards; shard += 1, move = 0) {
    const stale = new Set(record.checkStale === true ? await staleSubjects(record.runId, shard, ports) : []);
    const moves = (await planOf(record.runId, shard, ports))
      .filter((row) => !stale.has(row.subject))
      .flatMap((row) => row.moves.map((one) => ({ row, move: one })));
    for (; move < moves.length; move += BATCH) {
      if (ports.isOutOfTime()) {
        counts.more = true;
        noteLeft(counts, step.at);
        return false;
      }
      const events = await eventsOf(moves.slice(move, move + BATCH), step, ports);
      const refused = events.length === 0 ? new Set<string>() : await ports.bus.send(events);
      counts.sent += events.length - refused.size;
      counts.refused += refused.size;
      if (refused.size > 0) {
        noteLeft(counts, step.at);
        return false;
      }
      if (!(await cursor.move({ at: { step: step.number, shard, move: move + BATCH } }))) return false;
    }
  }
  return true;
};

/** Nothing where the file has expired, such as of runs of long before events were sent at all. */
const planOf = async (runId: string, shard: number, ports: EmitEventsPorts): Promise<readonly PlanRow[]> => {
  try {
    return await ports.files.readPlan(runId, shard);
  } catch (error) {
    if (isResegmentError(error) && error.code === 'run-file-missing') return [];
    throw error;
  }
};

/** Of customers erased since nothing is told. */
const eventsOf = async (
  moves: readonly { readonly row: PlanRow; readonly move: Move }[],
  { record, seq, cause, at }: Step,
  ports: EmitEventsPorts,
): Promise<readonly BusinessEvent[]> => {
  const known = await ports.customers.getMany([...new Set(moves.map(({ row }) => row.subject))]);
  return moves.flatMap(({ row, move }) => {
    const customerId = known.get(row.subject)?.customerId;
    if (customerId === undefined) return [];
    const { runId, period, asOf } = record;
    return [
      moveEvent(
        { runId, seq, period, asOf },
        { subject: row.subject, customerId, branch: row.branch },
        move,
        cause,
        at,
      ),
    ];
  });
};
