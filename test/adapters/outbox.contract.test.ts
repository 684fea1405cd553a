import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { casesOver, dynamoCases } from '#shared/adapters/dynamo-cases.ts';
import { dynamoFlags } from '#shared/adapters/dynamo-flags.ts';
import { dynamoOutbox } from '#shared/adapters/dynamo-outbox.ts';
import type { OutboxEntry } from '#shared/domain/business-event.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import type { Outbox } from '#shared/ports/outbox.ts';
import { memoryOutbox } from '#test/support/memory-outbox.ts';
import { memoryFlags } from '#test/support/memory-stores.ts';
import { type OpenTables, openTables } from '#test/support/open-tables.ts';
import { memoryDocuments } from '#test/survey/memory.ts';

let tables: OpenTables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

const AT = '2026-05-31T08:00:00.000Z';

const caseOf = (caseId: string): CustomerCase => ({
  caseId,
  customerId: 'C-1',
  subject: 's1',
  waveId: 'w1',
  segment: 'core',
  branch: 'North',
  manager: 'Li Wei',
  owner: { kind: 'manager', name: 'Li Wei' },
  reason: 'lowAnswer',
  score: 2,
  question: 'nps',
  priority: 'high',
  openedAt: AT,
  dueAt: '2026-06-01T08:00:00.000Z',
  state: 'open',
  history: [{ event: 'opened', at: AT, by: 'w1' }],
});

const taken = (known: CustomerCase): CustomerCase => ({
  ...known,
  state: 'taken',
  history: [...known.history, { event: 'taken', at: AT, by: 'Li Wei' }],
});

const flag = (subject: string, runId: string) => ({
  kind: 'exit' as const,
  subject,
  customerId: `C-${subject}`,
  runId,
  period: '2026-05',
  segment: 'core',
  branch: null,
  manager: null,
  stake: 12,
  evidence: { periods: 3 },
  raisedAt: AT,
  expiresOn: '2026-08-31',
});

const waitingIn = async (outbox: Outbox) => {
  const all = [];
  for await (const one of outbox.waiting()) all.push(one);
  return all;
};
const idsOf = (entries: readonly OutboxEntry[]): readonly string[] => entries.map(({ event }) => event.id);

const STORES = [
  {
    engine: 'memory',
    cases: () => casesOver(memoryDocuments<CustomerCase>()),
    flags: () => memoryFlags(),
    outbox: () => memoryOutbox(),
  },
  {
    engine: 'dynamo',
    cases: () => dynamoCases(tables.client, 'cases'),
    flags: () => dynamoFlags({ client: tables.client, table: 'flags' }),
    outbox: () => dynamoOutbox(tables.client, 'runs'),
  },
] as const;

describe.each(STORES)('events that wait on $engine', ({ cases, flags, outbox }) => {
  it('are written with the document, in order, and stay until they are settled', async () => {
    const store = cases();
    await store.createIfAbsent(caseOf('i1'));
    await store.createIfAbsent(caseOf('i1'));
    await store.update('i1', taken);

    const [waiting] = await waitingIn(store);

    expect(idsOf(waiting?.entries ?? [])).toEqual(['case/i1/0', 'case/i1/1']);
    await waiting?.settle(1);
    expect((await waitingIn(store)).map(({ entries }) => idsOf(entries))).toEqual([['case/i1/1']]);
    await waiting?.settle(1);
    await waiting?.settle(2);
    expect(await waitingIn(store)).toEqual([]);
    expect((await store.get('i1'))?.state).toBe('taken');
    await store.remove('i1');
  });

  it('are not lost where another event comes while the first is being sent', async () => {
    const store = cases();
    await store.createIfAbsent(caseOf('i2'));
    const [waiting] = await waitingIn(store);

    await store.update('i2', taken);
    await waiting?.settle(1);

    expect((await waitingIn(store)).map(({ entries }) => idsOf(entries))).toEqual([['case/i2/1']]);
    await store.remove('i2');
  });

  it('go with the document that is erased', async () => {
    const store = cases();
    await store.createIfAbsent(caseOf('i3'));
    const [waiting] = await waitingIn(store);

    await store.remove('i3');
    await waiting?.settle(1);

    expect(await waitingIn(store)).toEqual([]);
  });

  it('name the run that raised or withdrew a proposal, and none where a person decided', async () => {
    const store = flags();
    await store.raise(flag('s1', 'r1'));
    await store.settle('s1', 'exit', { state: 'refused', by: 'Ana', at: AT });
    await store.raise(flag('s2', 'r1'));
    await store.withdraw('s2', 'exit', 'r2', AT);
    await store.undo('s2', 'exit', 'r2', { by: 'Ana', at: AT, reason: 'rollback: wrong file' });

    const waiting = await waitingIn(store);

    const seen = waiting.map(({ entries }) => entries.map(({ event, runId }) => [event.type, event.sequence, runId]));
    expect(seen.sort()).toEqual(
      [
        [
          ['flag.raised', 0, 'r1'],
          ['decision.refused', 1, undefined],
        ],
        [
          ['flag.raised', 0, 'r1'],
          ['flag.withdrawn', 1, 'r2'],
          ['flag.reopened', 2, 'r2'],
        ],
      ].sort(),
    );
    for (const one of waiting) await one.settle(one.entries.length);
    expect(await waitingIn(store)).toEqual([]);
    expect((await store.listOpen()).map(({ subject }) => subject)).toEqual(['s2']);
  });

  it('wait once where the same event is put twice', async () => {
    const store = outbox();
    const opened = cases();
    await opened.createIfAbsent(caseOf('i4'));
    const [waiting] = await waitingIn(opened);
    const [entry] = waiting?.entries ?? [];
    if (entry === undefined) throw new Error('no event waits');

    expect([await store.put(entry), await store.put(entry)]).toEqual(['stored', 'exists']);

    const [put] = await waitingIn(store);
    expect(put?.entries).toEqual([entry]);
    await put?.settle(1);
    expect(await waitingIn(store)).toEqual([]);
  });
});
