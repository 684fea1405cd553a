import { DeleteItemCommand, PutItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoCustomers } from '#shared/adapters/dynamo-customers.ts';
import { bucketKey, bucketOf, historyKey } from '#shared/adapters/table-keys.ts';
import type { CustomerFacts, OrderDay } from '#shared/domain/facts.ts';
import { newCustomer } from '#shared/domain/merge-facts.ts';
import { arbitraryFacts } from '#test/support/arbitrary-facts.ts';
import { memoryCustomers } from '#test/support/memory-stores.ts';
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
const randomSource = (): string => fresh('subject');

const stores = [
  { name: 'memory', open: () => memoryCustomers(BUCKETS, randomSource) },
  {
    name: 'DynamoDB',
    open: () =>
      dynamoCustomers({ client: tables.client, table: 'customers', buckets: BUCKETS, subjectSource: randomSource }),
  },
];

const orderDays = (count: number, amountMinor = 1): OrderDay[] =>
  Array.from({ length: count }, (_, index) => ({
    day: 10_000 + index * 5,
    count: 1,
    amountMinor: amountMinor + index,
    attributes: {},
    batch: 0,
  }));

const withOrders = (
  customerId: string,
  subject: string,
  factsRev: number,
  orders: readonly OrderDay[],
): CustomerFacts => ({
  ...newCustomer(customerId, subject),
  factsRev,
  changedAt: '2026-01-01T00:00:00.000Z',
  batches: [{ batchId: 'b', recordedAt: '2026-01-01T00:00:00.000Z', chunks: [0] }],
  orders,
});

describe.each(stores)('a customer store ($name)', ({ open }) => {
  it('gives concurrent callers the same subject for a new customer', async () => {
    const store = open();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }), { minLength: 2, maxLength: 4 }),
        async (callers) => {
          const scope = fresh('race');
          const ids = callers.map((caller) => caller.map((n) => `${scope}-${n}`));

          const answers = await Promise.all(ids.map((caller) => store.ensureSubjects(caller)));

          const known = await store.subjectsOf(ids.flat());
          for (const [index, answer] of answers.entries()) {
            for (const id of ids[index] ?? []) expect(answer.get(id)).toBe(known.get(id));
          }
          expect(new Set(known.values()).size).toBe(new Set(ids.flat()).size);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('knows no subject of a customer who was never seen', async () => {
    const store = open();

    expect(await store.subjectsOf(['nobody', 'nobody'])).toEqual(new Map());
    expect(await store.get('nobody')).toBeUndefined();
    expect(await store.getMany(['no-subject'])).toEqual(new Map());
  });

  it('gives back exactly the facts that were stored', async () => {
    const store = open();
    await fc.assert(
      fc.asyncProperty(arbitraryFacts('x', 'y'), async (shape) => {
        const customerId = fresh('客户');
        const subject = (await store.ensureSubjects([customerId])).get(customerId) ?? '';
        const facts = { ...shape, customerId, subject };

        expect(await store.put(facts, null)).toBe('stored');

        expect(await store.get(customerId)).toEqual(facts);
      }),
      { numRuns: 25 },
    );
  });

  it('refuses a write on facts that changed meanwhile', async () => {
    const store = open();
    const id = fresh('conflict');
    const subject = (await store.ensureSubjects([id])).get(id) ?? '';
    await store.put(withOrders(id, subject, 1, orderDays(1)), null);

    expect(await store.put(withOrders(id, subject, 1, []), null)).toBe('conflict');
    expect(await store.put(withOrders(id, subject, 2, orderDays(2)), 1)).toBe('stored');
    expect(await store.put(withOrders(id, subject, 2, orderDays(3)), 1)).toBe('conflict');
    expect((await store.get(id))?.orders).toHaveLength(2);
  });

  it('keeps every increment of writers who race for one customer', async () => {
    const store = open();
    const id = fresh('counter');
    const subject = (await store.ensureSubjects([id])).get(id) ?? '';
    await store.put(withOrders(id, subject, 1, orderDays(1)), null);
    const increment = async (): Promise<void> => {
      for (;;) {
        const facts = (await store.getMany([subject])).get(subject);
        if (facts === undefined) throw new Error('it was stored');
        const orders = facts.orders.map((order) => ({ ...order, amountMinor: order.amountMinor + 1 }));
        if ((await store.put({ ...facts, orders, factsRev: facts.factsRev + 1 }, facts.factsRev)) === 'stored') return;
      }
    };

    await Promise.all(Array.from({ length: 8 }, increment));

    const facts = await store.get(id);
    expect(facts?.factsRev).toBe(9);
    expect(facts?.orders[0]?.amountMinor).toBe(9);
  });

  it('reads every customer once, by bucket, ascending by subject', async () => {
    const store = open();
    const ids = Array.from({ length: 30 }, () => fresh('all'));
    const subjects = await store.ensureSubjects(ids);
    for (const id of ids) await store.put(withOrders(id, subjects.get(id) ?? '', 1, orderDays(2)), null);
    const units = { read: 0, write: 0 };

    const seen: string[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      let last = '';
      for await (const read of store.readBucket(bucket, units)) {
        if (read.kind !== 'customer') continue;
        expect(store.bucketOf(read.facts.subject)).toBe(bucket);
        expect(read.facts.subject > last).toBe(true);
        last = read.facts.subject;
        if (ids.includes(read.facts.customerId)) seen.push(read.facts.customerId);
      }
    }

    expect(seen.sort()).toEqual([...ids].sort());
    expect(units.read).toBeGreaterThan(0);
  });

  it('keeps a history of any length, also when it grows and shrinks', async () => {
    const store = open();
    const id = fresh('long');
    const subject = (await store.ensureSubjects([id])).get(id) ?? '';
    let rev = 0;
    for (const length of [90, 101, 102, 160, 700, 701, 130, 20]) {
      const orders = orderDays(length, length);

      expect(await store.put(withOrders(id, subject, rev + 1, orders), rev === 0 ? null : rev)).toBe('stored');
      rev += 1;

      expect((await store.get(id))?.orders).toEqual(orders);
    }
  });

  it('erases a customer, who is then as if never seen', async () => {
    const store = open();
    const id = fresh('erased');
    const subject = (await store.ensureSubjects([id])).get(id) ?? '';
    await store.put(withOrders(id, subject, 1, orderDays(300)), null);

    expect(await store.erase(id)).toBe('erased');
    expect(await store.erase(id)).toBe('unknown');

    expect(await store.get(id)).toBeUndefined();
    expect(await store.getMany([subject])).toEqual(new Map());
  });
});

describe('the customers table', () => {
  const open = () =>
    dynamoCustomers({ client: tables.client, table: 'customers', buckets: BUCKETS, subjectSource: randomSource });
  const chunksOf = async (subject: string): Promise<number> => {
    const page = await tables.client.send(
      new QueryCommand({
        TableName: 'customers',
        KeyConditionExpression: '#b = :b AND begins_with(subject, :s)',
        ExpressionAttributeNames: { '#b': 'bucket' },
        ExpressionAttributeValues: { ':b': { S: historyKey(bucketOf(subject, BUCKETS)) }, ':s': { S: `${subject}#` } },
      }),
    );
    return page.Count ?? 0;
  };

  it('takes at most 30 bytes for a plain order-day', async () => {
    const store = open();
    const id = fresh('bytes');
    const subject = (await store.ensureSubjects([id])).get(id) ?? '';
    await store.put(withOrders(id, subject, 1, orderDays(100, 1_234_567)), null);

    const { Items } = await tables.client.send(
      new ScanCommand({
        TableName: 'customers',
        FilterExpression: 'customerId = :id',
        ExpressionAttributeValues: { ':id': { S: id } },
      }),
    );

    expect((Items?.[0]?.['orders']?.S ?? '').length / 100).toBeLessThanOrEqual(30);
  });

  it('leaves no chunk behind that the customer does not need', async () => {
    const store = open();
    const id = fresh('tidy');
    const subject = (await store.ensureSubjects([id])).get(id) ?? '';
    await store.put(withOrders(id, subject, 1, orderDays(300)), null);
    const before = await chunksOf(subject);

    expect(await store.put(withOrders(id, subject, 2, orderDays(400, 9)), null)).toBe('conflict');
    expect(await chunksOf(subject)).toBe(before);
    await store.put(withOrders(id, subject, 2, orderDays(10)), 1);

    expect(before).toBeGreaterThan(1);
    expect(await chunksOf(subject)).toBe(0);
  });

  it('does not write a chunk again that did not change', async () => {
    const store = open();
    const id = fresh('same');
    const subject = (await store.ensureSubjects([id])).get(id) ?? '';
    const orders = orderDays(145);
    await store.put(withOrders(id, subject, 1, orders), null);
    const written: string[] = [];
    tables.client.middlewareStack.add(
      (next, context) => async (args) => {
        written.push(String(context.commandName));
        return next(args);
      },
      { step: 'initialize', name: 'count' },
    );

    await store.put(
      withOrders(id, subject, 2, [...orders, ...orderDays(1).map((order) => ({ ...order, day: 20_000 }))]),
      1,
    );
    tables.client.middlewareStack.remove('count');

    expect(written.filter((name) => name === 'PutItemCommand')).toHaveLength(1);
  });

  it('is not changed by a writer who stops between the chunks and the main item', async () => {
    const store = open();
    const id = fresh('crash');
    const subject = (await store.ensureSubjects([id])).get(id) ?? '';
    const orders = orderDays(300);
    await store.put(withOrders(id, subject, 1, orders), null);
    tables.client.middlewareStack.add(
      (next, context) => async (args) => {
        const item: { orders?: unknown; rev?: unknown } | undefined = (args.input as { Item?: object }).Item;
        if (context.commandName === 'PutItemCommand' && item?.rev !== undefined) throw new Error('killed');
        return next(args);
      },
      { step: 'initialize', name: 'kill' },
    );

    await expect(store.put(withOrders(id, subject, 2, orderDays(400, 7)), 1)).rejects.toThrow('killed');
    tables.client.middlewareStack.remove('kill');

    expect((await store.get(id))?.orders).toEqual(orders);
    await store.put(withOrders(id, subject, 2, orderDays(400, 7)), 1);
    expect((await store.get(id))?.orders).toEqual(orderDays(400, 7));
  });

  it('R40 puts an item that is no customer in quarantine, with the reason, and reads the others', async () => {
    const store = open();
    const id = fresh('beside-poison');
    const subject = (await store.ensureSubjects([id])).get(id) ?? '';
    const bucket = bucketOf(subject, BUCKETS);
    await store.put(withOrders(id, subject, 1, orderDays(2)), null);
    const poison = { bucket: { S: bucketKey(bucket) }, customerId: { S: 'p' }, rev: { N: '1' }, changedAt: { S: 'x' } };
    const bad = [
      { ...poison, subject: { S: 'poison-1' }, orders: { S: '\nnot,a,number' } },
      { ...poison, subject: { S: 'poison-2' }, facts: { S: '{' } },
      { ...poison, subject: { S: 'poison-3' }, rev: { N: '0' } },
      { ...poison, subject: { S: 'poison-4' }, overflow: { L: [{ S: 'poison-4#1999#1-0-abc' }] } },
      { ...poison, subject: { S: 'poison-5' }, facts: { S: '{"answers":[{"value":7}]}' } },
    ];
    for (const Item of bad) await tables.client.send(new PutItemCommand({ TableName: 'customers', Item }));

    const reads: string[] = [];
    for await (const read of store.readBucket(bucket)) {
      if (read.kind === 'quarantined') reads.push(`${read.subject}: ${read.reason}`);
      else if (read.facts.customerId === id) reads.push('good');
    }
    for (const Item of bad) {
      await tables.client.send(
        new DeleteItemCommand({ TableName: 'customers', Key: { bucket: Item.bucket, subject: Item.subject } }),
      );
    }

    expect(reads).toContain('good');
    expect(reads.filter((one) => one !== 'good').map((one) => one.slice(0, 8))).toEqual([
      'poison-1',
      'poison-2',
      'poison-3',
      'poison-4',
      'poison-5',
    ]);
  });
});
