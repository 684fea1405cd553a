import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answersOver } from '#shared/adapters/dynamo-answers.ts';
import { casesOver } from '#shared/adapters/dynamo-cases.ts';
import { type EmitEventsPorts, emitEvents } from '#shared/application/emit-events.ts';
import { abandonRun } from '#shared/application/run/abandon-run.ts';
import { applyShard } from '#shared/application/run/apply-shard.ts';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import { visibleGeneration } from '#shared/application/run/measure-shard.ts';
import { rollbackRun } from '#shared/application/run/rollback-run.ts';
import type { EventCursor } from '#shared/contracts/event-cursor.ts';
import { BusinessEvent } from '#shared/domain/business-event.ts';
import type { StoredAnswer } from '#shared/ports/answer-store.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import type { EventBus } from '#shared/ports/event-bus.ts';
import type { Outbox } from '#shared/ports/outbox.ts';
import { Crash } from '#test/support/dying-ports.ts';
import { memoryOutbox } from '#test/support/memory-outbox.ts';
import { memoryRecords } from '#test/support/memory-stores.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { memoryDocuments, storedAnswer } from '#test/survey/memory.ts';

const CUSTOMERS = ['a', 'b', 'c', 'd'] as const;
const IDS = ['i1', 'i2'] as const;

type Step =
  | {
      readonly do: 'run' | 'dieApplying' | 'pauseApplying';
      readonly scores: readonly number[];
      readonly afterShards: number;
    }
  | { readonly do: 'rollback' }
  | { readonly do: 'decide'; readonly customer: number; readonly state: 'approved' | 'refused' }
  | { readonly do: 'case'; readonly id: number; readonly to: 'taken' | 'closed' | 'open' }
  | { readonly do: 'answer'; readonly id: number; readonly score: number; readonly judge: boolean }
  | { readonly do: 'emit'; readonly dieAt: number; readonly moment: 'before' | 'after'; readonly refuse: number };

const emission = fc.record({
  do: fc.constant('emit' as const),
  dieAt: fc.integer({ min: 1, max: 12 }),
  moment: fc.constantFrom('before' as const, 'after' as const),
  refuse: fc.integer({ min: 0, max: 7 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('run' as const, 'dieApplying' as const, 'pauseApplying' as const),
      scores: fc.array(fc.constantFrom(10, 50, 90), { minLength: CUSTOMERS.length, maxLength: CUSTOMERS.length }),
      afterShards: fc.nat({ max: 4 }),
    }),
  },
  fc.record({ do: fc.constant('rollback' as const) }),
  fc.record({
    do: fc.constant('decide' as const),
    customer: fc.nat({ max: CUSTOMERS.length - 1 }),
    state: fc.constantFrom('approved' as const, 'refused' as const),
  }),
  fc.record({
    do: fc.constant('case' as const),
    id: fc.nat({ max: 1 }),
    to: fc.constantFrom('taken' as const, 'closed' as const, 'open' as const),
  }),
  fc.record({
    do: fc.constant('answer' as const),
    id: fc.nat({ max: 1 }),
    score: fc.nat({ max: 10 }),
    judge: fc.boolean(),
  }),
  { weight: 5, arbitrary: emission },
);

const openWorld = async () => {
  const bench = openMemoryBench();
  await bench.usePolicy(SCORE_POLICY);
  const cases = casesOver(memoryDocuments<CustomerCase>());
  const answers = answersOver(memoryDocuments<StoredAnswer>());
  const delivered: BusinessEvent[] = [];
  let minute = 0;
  let month = 0;
  /** Time passes with every step, and a month with every run, so that each closes a period of its own. */
  const tick = (months: number): string => {
    minute += 1;
    month += months;
    const now = new Date(Date.UTC(2026, 10 + month, 1, 2, minute)).toISOString();
    bench.setNow(now);
    return now;
  };
  const bus: EventBus = {
    send: async (events) => {
      delivered.push(...events);
      return new Set();
    },
  };
  const ports: EmitEventsPorts = {
    ...bench.ports,
    bus,
    outboxes: [answers, cases, bench.ports.flags, memoryOutbox()],
    cursors: memoryRecords<EventCursor>(),
    isOutOfTime: () => false,
  };
  return { bench, cases, answers, delivered, tick, ports };
};
type World = Awaited<ReturnType<typeof openWorld>>;

/** The ports of an emitter that dies at its nth effect, and of a bus that refuses every nth event. */
const dying = (ports: EmitEventsPorts, { dieAt, moment, refuse }: Extract<Step, { do: 'emit' }>): EmitEventsPorts => {
  let effects = 0;
  let offered = 0;
  const effect = async <R>(work: () => Promise<R>): Promise<R> => {
    effects += 1;
    if (effects > dieAt || (effects === dieAt && moment === 'before')) throw new Crash();
    const result = await work();
    if (effects === dieAt) throw new Crash();
    return result;
  };
  const mortal = (outbox: Outbox): Outbox => ({
    waiting: async function* () {
      for await (const one of outbox.waiting()) {
        yield { entries: one.entries, settle: (count) => effect(() => one.settle(count)) };
      }
    },
  });
  return {
    ...ports,
    bus: {
      send: (events) =>
        effect(async () => {
          const refused = events.filter(() => {
            offered += 1;
            return refuse > 0 && offered % refuse === 0;
          });
          await ports.bus.send(events.filter((event) => !refused.includes(event)));
          return new Set(refused.map(({ id }) => id));
        }),
    },
    outboxes: ports.outboxes.map(mortal),
    cursors: {
      ...ports.cursors,
      create: (...given) => effect(() => ports.cursors.create(...given)),
      replace: (...given) => effect(() => ports.cursors.replace(...given)),
    },
  };
};

const RUNS: ReadonlySet<string> = new Set(['run', 'dieApplying', 'pauseApplying']);
const EVENT_OF = { taken: 'taken', closed: 'closed', open: 'reopened' } as const;

const take = async (world: World, one: Step): Promise<void> => {
  const { bench, cases, answers, ports, tick } = world;
  const at = tick(RUNS.has(one.do) ? 1 : 0);
  switch (one.do) {
    case 'run':
    case 'dieApplying':
    case 'pauseApplying': {
      const scores = Object.fromEntries(CUSTOMERS.map((customer, index) => [customer, one.scores[index] ?? 0]));
      await withScore(bench, scores, '2026-10-15');
      const { runId } = await bench.run({ mode: 'plan', trigger: 'schedule', scheduledAt: at });
      if (one.do === 'run') {
        await bench.apply(runId);
        return;
      }
      const { shards } = await beginApply({ runId }, bench.ports);
      for (const shard of shards.slice(0, one.afterShards)) await applyShard({ runId, shard }, bench.ports);
      await expectHeld(world);
      if (one.do === 'pauseApplying') await bench.apply(runId);
      else await abandonRun(runId, 'Ann', bench.ports);
      return;
    }
    case 'rollback':
      await rollbackRun({ by: 'Ann', reason: 'wrong file' }, bench.ports).catch(() => undefined);
      return;
    case 'decide': {
      const subject = (await bench.ports.customers.get(CUSTOMERS[one.customer] ?? ''))?.subject ?? '';
      await bench.ports.flags.settle(subject, 'exit', { state: one.state, by: 'Ann', at, reason: 'talked' });
      return;
    }
    case 'case': {
      const caseId = IDS[one.id] ?? '';
      const opened = await cases.createIfAbsent(caseOf(caseId, at));
      if (opened === 'created') return;
      await cases.update(caseId, (known) =>
        known.state === one.to
          ? known
          : { ...known, state: one.to, history: [...known.history, { event: EVENT_OF[one.to], at, by: 'Ann' }] },
      );
      return;
    }
    case 'answer': {
      const before = await answers.get(IDS[one.id] ?? '');
      const version = (before?.answer.version ?? 0) + 1;
      const { answer, ...rest } = storedAnswer(IDS[one.id] ?? '', version);
      const judgements =
        one.judge && version > 1 ? [{ version, decision: 'confirmed' as const, by: 'Ann', at, reason: 'called' }] : [];
      await answers.put({ ...rest, answer: { ...answer, at, score: one.score, judgements } }, version - 1);
      return;
    }
    case 'emit':
      await emitEvents(dying(ports, one)).catch((error: unknown) => {
        if (!(error instanceof Crash) && Object(error).code !== 'events-not-taken') throw error;
      });
  }
};

/** While a run is being applied nothing of it leaves. */
const expectHeld = async ({ ports, bench, delivered }: World): Promise<void> => {
  await emitEvents(ports);
  const applying = (await bench.ports.pointer.get()).applying?.runId;
  expect(delivered.filter(({ data }) => 'runId' in data && data.runId === applying)).toEqual([]);
};

const caseOf = (caseId: string, at: string): CustomerCase => ({
  caseId,
  customerId: 'a',
  subject: 's-a',
  waveId: 'w',
  segment: 'low',
  branch: null,
  manager: 'Li Wei',
  owner: { kind: 'manager', name: 'Li Wei' },
  reason: 'lowAnswer',
  score: 2,
  question: 'nps',
  priority: 'high',
  openedAt: at,
  dueAt: at,
  state: 'open',
  history: [{ event: 'opened', at, by: 'w' }],
});

/** What a reader knows who leaves what it has seen, and what is older than what it knows. */
const readerOf = (delivered: readonly BusinessEvent[]): ReadonlyMap<string, BusinessEvent> => {
  const known = new Map<string, BusinessEvent>();
  for (const event of delivered) {
    const last = known.get(event.about);
    if (last === undefined || event.sequence > last.sequence) known.set(event.about, event);
  }
  return known;
};

const placementsKnown = (known: ReadonlyMap<string, BusinessEvent>) =>
  Object.fromEntries(
    [...known.values()].flatMap((event) =>
      event.type === 'segment.moved' && event.data.to !== null ? [[event.customerId, event.data.to]] : [],
    ),
  );

const placementsStored = async ({ bench }: World) => {
  const pointer = await bench.ports.pointer.get();
  const placements: Record<string, string> = {};
  for (const customerId of CUSTOMERS) {
    const subject = (await bench.ports.customers.get(customerId))?.subject ?? '';
    const standing = (await bench.ports.standings.getMany([subject])).get(subject);
    const actual = visibleGeneration(standing, pointer)?.placements['class']?.actual;
    if (actual !== undefined) placements[customerId] = actual;
  }
  return placements;
};

/** How many moves each published run made, and as many again where it was rolled back. */
const movesMade = async ({ bench }: World): Promise<number> => {
  let made = 0;
  for (const { record } of await bench.ports.runs.list()) {
    if (record.publishedAt === undefined) continue;
    for (let shard = 0; shard < record.shards; shard += 1) {
      const rows = await bench.ports.files.readPlan(record.runId, shard);
      const moves = rows.reduce((sum, row) => sum + row.moves.length, 0);
      made += record.rolledBack === undefined ? moves : 2 * moves;
    }
  }
  return made;
};

describe('events for other systems', () => {
  it('reach a reader at least once and lead it to what is stored, whenever emitters die or the bus refuses', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const world = await openWorld();
        for (const one of steps) await take(world, one);

        await Promise.all([emitEvents(world.ports), emitEvents(world.ports)]);
        await emitEvents(world.ports);
        const { delivered, bench, cases, answers } = world;

        const byId = new Map<string, string>();
        for (const event of delivered) {
          const text = JSON.stringify(BusinessEvent.parse(event));
          expect(byId.get(event.id) ?? text).toBe(text);
          byId.set(event.id, text);
        }
        const known = readerOf(delivered);
        expect(placementsKnown(known)).toEqual(await placementsStored(world));
        const moves = new Set(delivered.filter(({ type }) => type === 'segment.moved').map(({ id }) => id));
        expect(moves.size).toBe(await movesMade(world));

        const flagsOpen = [...known.values()].flatMap((event) =>
          'flag' in event.data && event.data.state === 'open' ? [event.customerId] : [],
        );
        expect(flagsOpen.sort()).toEqual((await bench.ports.flags.listOpen()).map((flag) => flag.customerId).sort());
        const never = new Set(
          (await bench.ports.runs.list()).flatMap(({ id, record }) => (record.publishedAt === undefined ? [id] : [])),
        );
        for (const { type, data } of delivered) {
          if (type === 'segment.moved' || type === 'flag.raised' || type === 'flag.confirmed') {
            expect(never.has(data.runId)).toBe(false);
          }
        }

        for (const id of IDS) {
          const stored = await cases.get(id);
          const told = known.get(`case/${id}`);
          expect(told === undefined ? undefined : Object(told.data).state).toBe(stored?.state);
          for (const index of (stored?.history ?? []).keys()) expect(byId.has(`case/${id}/${index}`)).toBe(true);
          const answer = (await answers.get(id))?.answer;
          expect(Object(known.get(`answer/${id}`)?.data).score).toBe(answer?.score);
          for (let version = 1; version <= (answer?.version ?? 0); version += 1) {
            expect(byId.has(`answer/${id}/${version}`)).toBe(true);
          }
        }

        const before = delivered.length;
        await emitEvents(world.ports);
        expect(delivered).toHaveLength(before);
      }),
      { numRuns: 40 },
    );
  });
});
