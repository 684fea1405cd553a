import { DeleteItemCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { dynamoFlags } from '#shared/adapters/dynamo-flags.ts';
import { dynamoPointer } from '#shared/adapters/dynamo-pointer.ts';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { dynamoStandings } from '#shared/adapters/dynamo-standings.ts';
import { bucketKey, bucketOf } from '#shared/adapters/table-keys.ts';
import type { RaisedFlag } from '#shared/domain/flags.ts';
import type { Generation, Standing } from '#shared/domain/standing.ts';
import type { QuarantinedRecord } from '#shared/ports/customer-store.ts';
import { memoryFlags, memoryPointer, memoryRecords, memoryStandings } from '#test/support/memory-stores.ts';
import { type OpenTables, openTables } from '#test/support/open-tables.ts';

const BUCKETS = 8;
let tables: OpenTables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

let serial = 0;
const fresh = (prefix: string): string => {
  serial += 1;
  return `${prefix}-${serial}`;
};

const generation = (seq: number): Generation => ({
  seq,
  runId: `2026-${String(seq).padStart(2, '0')}-monthly`,
  placements: {
    class: {
      target: 'cultivate',
      actual: 'priority',
      since: '2026-01',
      periods: 4,
      lastPeriod: '2026-04',
      heldBack: ['waiting'],
    },
    service: {
      target: 'a',
      actual: 'a',
      since: '2026-01',
      periods: 4,
      lastPeriod: null,
      heldBack: [],
      pinnedUntil: '2026-12-31',
    },
  },
  ratings: {
    operating: { level: 2, since: '2025-11', changed: true, waiting: { level: 1, periods: 1, lastPeriod: '2026-04' } },
    assetQuality: { level: 3, since: '2025-11', changed: false },
    potential: { level: null, since: '2025-11', changed: false },
    contribution: {
      level: 3,
      since: '2026-02',
      changed: true,
      waiting: { level: null, periods: 1, lastPeriod: '2026-04' },
    },
    quality: { level: 2, since: '2026-02', changed: true },
  },
  values: { contribution: 1_234_567.89, satisfaction: 71.25, empty: null },
  flags: ['upgrade'],
});

const standingStores = [
  { name: 'memory', open: () => memoryStandings(BUCKETS) },
  { name: 'DynamoDB', open: () => dynamoStandings({ client: tables.client, table: 'standings', buckets: BUCKETS }) },
];

describe.each(standingStores)('a standing store ($name)', ({ open }) => {
  it('gives back what was written, with and without an earlier generation', async () => {
    const store = open();
    const first: Standing = { subject: fresh('s'), current: generation(1) };
    const second: Standing = {
      subject: fresh('s'),
      current: generation(2),
      previous: { ...generation(1), values: { other: 1 } },
    };
    const units = { read: 0, write: 0 };

    expect(await store.put(first, units)).toBe('stored');
    expect(await store.put(second, units)).toBe('stored');

    expect(await store.getMany([first.subject, second.subject, 'nobody'])).toEqual(
      new Map([
        [first.subject, first],
        [second.subject, second],
      ]),
    );
    expect(units.write).toBe(2);
  });

  it('refuses a write of an older run and takes the same write twice', async () => {
    const store = open();
    const subject = fresh('s');
    await store.put({ subject, current: generation(5) });

    expect(await store.put({ subject, current: generation(4) })).toBe('newer');
    expect(await store.put({ subject, current: generation(5) })).toBe('stored');
    expect(await store.put({ subject, current: generation(6), previous: generation(5) })).toBe('stored');
    expect((await store.getMany([subject])).get(subject)?.current.seq).toBe(6);
  });

  it('ends with the newest generation whatever the order of concurrent writes', async () => {
    const store = open();
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 2 }), async (seqs) => {
        const subject = fresh('race');

        await Promise.all(seqs.map((seq) => store.put({ subject, current: generation(seq) })));

        expect((await store.getMany([subject])).get(subject)?.current.seq).toBe(Math.max(...seqs));
      }),
      { numRuns: 10 },
    );
  });

  it('reads a bucket ascending by subject and counts the units', async () => {
    const store = open();
    const subjects = Array.from({ length: 20 }, () => fresh('b'));
    for (const subject of subjects) await store.put({ subject, current: generation(1) });
    const units = { read: 0, write: 0 };

    const seen: string[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const here = (await store.readBucket(bucket, units)).map((standing) => standing.subject);
      expect(here).toEqual([...here].sort());
      seen.push(...here);
    }

    expect(seen).toEqual(expect.arrayContaining(subjects));
    expect(units.read).toBeGreaterThan(0);
  });
});

describe('the standings table', () => {
  it('keeps two generations of two dimensions and five ratings in 1 KB', async () => {
    const store = dynamoStandings({ client: tables.client, table: 'standings', buckets: BUCKETS });
    const subject = '3q2-7wAAQkGn0lZ1xT5bYw';
    await store.put({ subject, current: generation(7), previous: generation(6) });

    const { Item } = await tables.client.send(
      new GetItemCommand({
        TableName: 'standings',
        Key: { bucket: { S: bucketKey(bucketOf(subject, BUCKETS)) }, subject: { S: subject } },
      }),
    );

    const bytes = Object.entries(Item ?? {}).reduce(
      (sum, [name, value]) => sum + name.length + (value.S ?? value.N ?? '').length,
      0,
    );
    expect(bytes).toBeLessThanOrEqual(1024);
  });
});

describe('a standing that cannot be read', () => {
  it('R40 goes to quarantine with its reason, and the others are read', async () => {
    const store = dynamoStandings({ client: tables.client, table: 'standings', buckets: BUCKETS });
    const subject = fresh('beside-poison');
    const bucket = bucketOf(subject, BUCKETS);
    await store.put({ subject, current: generation(1) });
    const Key = { bucket: { S: bucketKey(bucket) }, subject: { S: 'poison' } };
    await tables.client.send(new PutItemCommand({ TableName: 'standings', Item: { ...Key, standing: { S: '[]' } } }));
    const quarantined: QuarantinedRecord[] = [];

    const read = await store.readBucket(bucket, undefined, quarantined);

    expect(read.map((standing) => standing.subject)).toContain(subject);
    expect(quarantined).toEqual([{ bucket, subject: 'poison', reason: 'the standing of poison cannot be read' }]);
    await expect(store.readBucket(bucket)).rejects.toMatchObject({ name: 'PoisonError' });
    await tables.client.send(new DeleteItemCommand({ TableName: 'standings', Key }));
  });
});

const Note = z.object({ text: z.string() });
const recordStores = [
  { name: 'memory', open: () => memoryRecords<z.infer<typeof Note>>() },
  { name: 'DynamoDB', open: () => dynamoRecords({ client: tables.client, table: 'runs', kind: 'WAVE', schema: Note }) },
];

describe.each(recordStores)('a record store ($name)', ({ open }) => {
  it('creates a record once', async () => {
    const store = open();
    const id = fresh('r');

    expect(await store.create(id, { text: 'a' })).toBe('created');
    expect(await store.create(id, { text: 'b' })).toBe('exists');
    expect(await store.get(id)).toEqual({ record: { text: 'a' }, rev: 1 });
    expect(await store.get('none')).toBeUndefined();
  });

  it('lets exactly one of several concurrent writers replace a revision', async () => {
    const store = open();
    const id = fresh('r');
    await store.create(id, { text: 'a' });

    const outcomes = await Promise.all(['b', 'c', 'd'].map((text) => store.replace(id, { text }, 1)));

    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect((await store.get(id))?.rev).toBe(2);
    expect(await store.replace('none', { text: 'x' }, 1)).toBe('conflict');
  });

  it('lists the records of a prefix ascending by id', async () => {
    const store = open();
    for (const id of ['list-b', 'list-a', 'other-a', 'list-c']) await store.create(id, { text: id });

    expect((await store.list('list-')).map(({ id }) => id)).toEqual(['list-a', 'list-b', 'list-c']);
    expect((await store.list()).length).toBeGreaterThanOrEqual(4);
  });
});

describe('the runs table', () => {
  it('refuses a record that does not have the expected shape', async () => {
    const write = dynamoRecords({ client: tables.client, table: 'runs', kind: 'RUN', schema: z.unknown() });
    await write.create('broken', { text: 7 });

    const read = dynamoRecords({ client: tables.client, table: 'runs', kind: 'RUN', schema: Note });

    await expect(read.get('broken')).rejects.toMatchObject({ name: 'PermanentError', code: 'record-unreadable' });
  });
});

const pointerStores = [
  { name: 'memory', open: () => memoryPointer() },
  { name: 'DynamoDB', open: () => dynamoPointer({ client: tables.client, table: 'runs' }) },
];

describe.each(pointerStores)('a pointer store ($name)', ({ open }) => {
  it('starts with nothing published and moves once per revision', async () => {
    const store = open();
    const first = await store.get();
    const published = { seq: 1, runId: '2026-05-monthly', asOf: '2026-05-31', period: '2026-05' };

    expect(first).toEqual({ published: null, previous: null, abandonedSeqs: [], lastSeq: 0, applying: null, rev: 0 });
    const { rev, ...content } = first;
    const outcomes = await Promise.all(
      [1, 2, 3].map((seq) =>
        store.compareAndSet({ ...content, lastSeq: seq, applying: { runId: `run-${seq}`, seq } }, rev),
      ),
    );

    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    const { rev: second, ...now } = await store.get();
    expect(second).toBe(1);
    expect(await store.compareAndSet({ ...now, published, applying: null, abandonedSeqs: [3] }, second)).toBe('stored');
    expect(await store.get()).toMatchObject({ published, applying: null, abandonedSeqs: [3], rev: 2 });
    expect(await store.compareAndSet(now, second)).toBe('conflict');
  });
});

const flagStores = [
  { name: 'memory', open: () => memoryFlags() },
  { name: 'DynamoDB', open: () => dynamoFlags({ client: tables.client, table: 'flags' }) },
];

describe.each(flagStores)('a flag store ($name)', ({ open }) => {
  const proposal = (subject: string, runId: string, raisedAt: string): RaisedFlag => ({
    kind: 'upgrade',
    subject,
    customerId: `id-of-${subject}`,
    runId,
    period: runId.slice(0, 7),
    segment: 'cultivate',
    branch: 'b1',
    manager: null,
    stake: 12.5,
    evidence: { growth: 0.2, rule: 'rising' },
    raisedAt,
    expiresOn: '2026-07-30',
  });

  it('keeps one open proposal per customer and kind, which later runs confirm', async () => {
    const store = open();
    const subject = fresh('f');

    expect(await store.raise(proposal(subject, '2026-05-monthly', '2026-06-01T00:00:00.000Z'))).toBe('raised');
    expect(await store.raise(proposal(subject, '2026-05-monthly', '2026-06-01T00:00:00.000Z'))).toBe('unchanged');
    expect(
      await store.raise({
        ...proposal(subject, '2026-06-monthly', '2026-07-01T00:00:00.000Z'),
        stake: 99,
        expiresOn: '2026-09-30',
      }),
    ).toBe('confirmed');

    const flag = await store.get(subject, 'upgrade');
    expect(flag).toMatchObject({
      state: 'open',
      stake: 99,
      raisedAt: '2026-06-01T00:00:00.000Z',
      expiresOn: '2026-07-30',
    });
    expect(flag?.history.map(({ event }) => event)).toEqual(['raised', 'confirmed']);
    expect(await store.get(subject, 'exit')).toBeUndefined();
  });

  it('does not raise again what a person decided, unless it is another step', async () => {
    const store = open();
    const subject = fresh('f');
    await store.raise(proposal(subject, '2026-05-monthly', '2026-06-01T00:00:00.000Z'));
    const decision = { state: 'refused', by: 'ana', at: '2026-06-02T00:00:00.000Z', reason: 'too early' } as const;

    expect(await store.settle(subject, 'upgrade', decision)).toBe('settled');
    expect(await store.settle(subject, 'upgrade', decision)).toBe('notOpen');
    expect(await store.raise(proposal(subject, '2026-05-monthly', '2026-06-01T00:00:00.000Z'))).toBe('unchanged');
    expect((await store.get(subject, 'upgrade'))?.state).toBe('refused');
    const later = proposal(subject, '2026-09-monthly', '2026-10-01T00:00:00.000Z');
    expect(await store.raise(later)).toBe('unchanged');
    expect(await store.raise({ ...later, evidence: { ...later.evidence, segment: 'hold' } })).toBe('raised');
    expect((await store.get(subject, 'upgrade'))?.history).toHaveLength(3);
  });

  it('undoes what a rolled back run raised or withdrew, once, and leaves the rest', async () => {
    const store = open();
    const [raised, withdrawn, confirmed] = [fresh('f'), fresh('f'), fresh('f')];
    const [may, june] = ['2026-06-01T00:00:00.000Z', '2026-07-01T00:00:00.000Z'];
    await store.raise(proposal(raised, '2026-06-monthly', june));
    await store.raise(proposal(withdrawn, '2026-05-monthly', may));
    await store.withdraw(withdrawn, 'upgrade', '2026-06-monthly', june);
    await store.raise(proposal(confirmed, '2026-05-monthly', may));
    await store.raise(proposal(confirmed, '2026-06-monthly', june));
    const before = await store.get(confirmed, 'upgrade');
    const rollback = { by: 'Ann', at: '2026-07-02T00:00:00.000Z', reason: 'wrong limits' };
    const undo = (subject: string) => store.undo(subject, 'upgrade', '2026-06-monthly', rollback);

    expect([await undo(raised), await undo(withdrawn), await undo(confirmed)]).toEqual([
      'withdrawn',
      'reopened',
      'unchanged',
    ]);
    expect([await undo(raised), await undo(withdrawn), await undo('nobody')]).toEqual([
      'unchanged',
      'unchanged',
      'unchanged',
    ]);
    expect((await store.get(raised, 'upgrade'))?.state).toBe('withdrawn');
    expect(await store.get(withdrawn, 'upgrade')).toMatchObject({ state: 'open', raisedAt: may });
    expect((await store.get(withdrawn, 'upgrade'))?.history.at(-1)).toEqual({ event: 'reopened', ...rollback });
    expect(await store.get(confirmed, 'upgrade')).toEqual(before);
  });

  it('withdraws an open proposal once and lists only open ones, oldest first', async () => {
    const store = open();
    const [late, early, gone] = [fresh('f'), fresh('f'), fresh('f')];
    await store.raise(proposal(late, '2026-05-monthly', '2026-06-03T00:00:00.000Z'));
    await store.raise(proposal(early, '2026-05-monthly', '2026-06-02T00:00:00.000Z'));
    await store.raise(proposal(gone, '2026-05-monthly', '2026-06-01T00:00:00.000Z'));

    expect(await store.withdraw(gone, 'upgrade', '2026-06-monthly', '2026-07-01T00:00:00.000Z')).toBe('withdrawn');
    expect(await store.withdraw(gone, 'upgrade', '2026-06-monthly', '2026-07-01T00:00:00.000Z')).toBe('notOpen');
    expect(await store.withdraw('nobody', 'exit', '2026-06-monthly', '2026-07-01T00:00:00.000Z')).toBe('notOpen');

    const open_ = (await store.listOpen())
      .map((flag) => flag.subject)
      .filter((one) => [late, early, gone].includes(one));
    expect(open_).toEqual([early, late]);
    const closedIn = async (month: string) =>
      (await store.listClosed(month)).map((flag) => flag.subject).filter((one) => [late, early, gone].includes(one));
    expect(await closedIn('2026-07')).toEqual([gone]);
    expect(await closedIn('2026-06')).toEqual([]);
    await store.raise(proposal(gone, '2026-07-monthly', '2026-08-01T00:00:00.000Z'));
    expect(await closedIn('2026-07')).toEqual([]);
  });

  it('counts every one of several runs that raise at the same time', async () => {
    const store = open();
    const subject = fresh('f');

    const outcomes = await Promise.all(
      ['2026-01-a', '2026-01-b', '2026-01-c'].map((runId) =>
        store.raise(proposal(subject, runId, '2026-02-01T00:00:00.000Z')),
      ),
    );

    expect(outcomes.sort()).toEqual(['confirmed', 'confirmed', 'raised']);
    expect((await store.get(subject, 'upgrade'))?.history).toHaveLength(3);
  });
});
