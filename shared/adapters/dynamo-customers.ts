import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { mapConcurrently } from '../concurrently.ts';
import type { CustomerFacts, OrderDay } from '../domain/facts.ts';
import { packOrders, splitOrders, unpackOrders } from '../domain/order-codec.ts';
import { PermanentError, PoisonError } from '../errors.ts';
import type { CustomerEraser, CustomerRead, CustomerStore, UnitMeter } from '../ports/customer-store.ts';
import { decodeCustomer, encodeCustomer, overflowKeys } from './customer-codec.ts';
import { attempt, attemptIf, batchGet, type Item } from './dynamo-client.ts';
import { bucketKey, bucketOf, historyChunkKey, historyKey, idKey } from './table-keys.ts';

/** Bytes of packed orders in one history chunk; an item may have 400 KB. */
const CHUNK_BYTES = 300_000;
/** A main item above this is refused before DynamoDB refuses it with 400 KB. */
const ITEM_BYTES = 390_000;
const CONCURRENT_WRITES = 16;

export interface DynamoCustomersOptions {
  readonly client: DynamoDBClient;
  /** Physical name of the table `customers`. */
  readonly table: string;
  /** 1..9,999; fixed for the life of a stage. */
  readonly buckets: number;
  /** A new subject for a customer id: random on AWS, seeded on the local stack. 22 characters base64url. */
  readonly subjectSource: (customerId: string) => string;
}

/**
 * The customers of table `customers`: main items, id items and history chunks (table-keys.ts). Erasing removes the id item last,
 * so that a repeated call finds what a crash left.
 */
export const dynamoCustomers = ({
  client,
  table,
  buckets,
  subjectSource,
}: DynamoCustomersOptions): CustomerStore & CustomerEraser => {
  const mainKey = (subject: string): Item => ({
    bucket: { S: bucketKey(bucketOf(subject, buckets)) },
    subject: { S: subject },
  });
  const idItemKey = (customerId: string): Item => ({
    bucket: { S: idKey(bucketOf(customerId, buckets)) },
    subject: { S: customerId },
  });
  const chunkKey = (subject: string, sortKey: string): Item => ({
    bucket: { S: historyKey(bucketOf(subject, buckets)) },
    subject: { S: sortKey },
  });

  const subjectsOf = async (customerIds: readonly string[]): Promise<ReadonlyMap<string, string>> => {
    const keys = [...new Set(customerIds)].map(idItemKey);
    const found = new Map<string, string>();
    for (const item of await batchGet(client, table, keys, { consistent: true })) {
      const id = item['subject']?.S;
      const subject = item['leadsTo']?.S;
      if (id !== undefined && subject !== undefined) found.set(id, subject);
    }
    return found;
  };

  const ensureSubject = async (customerId: string): Promise<string> => {
    const subject = subjectSource(customerId);
    const created = await attemptIf('give a customer a subject', () =>
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: { ...idItemKey(customerId), leadsTo: { S: subject } },
          ConditionExpression: 'attribute_not_exists(#subject)',
          ExpressionAttributeNames: { '#subject': 'subject' },
        }),
      ),
    );
    if (created) return subject;
    const existing = (await subjectsOf([customerId])).get(customerId);
    if (existing === undefined) {
      throw new PermanentError(
        'subject-lost',
        'an id item vanished between two calls; was the customer erased meanwhile?',
      );
    }
    return existing;
  };

  /** Reads the chunks of an item. @returns undefined where one is gone, as when the item was replaced meanwhile */
  const readHistory = async (
    subject: string,
    keys: readonly string[],
    units?: UnitMeter,
  ): Promise<readonly OrderDay[] | undefined> => {
    if (keys.length === 0) return [];
    const chunks = new Map<string, string>();
    let startKey: Item | undefined;
    do {
      const page = await attempt('read an order history', () =>
        client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: '#bucket = :bucket AND begins_with(#subject, :subject)',
            ExpressionAttributeNames: { '#bucket': 'bucket', '#subject': 'subject' },
            ExpressionAttributeValues: {
              ':bucket': { S: historyKey(bucketOf(subject, buckets)) },
              ':subject': { S: `${subject}#` },
            },
            ReturnConsumedCapacity: 'TOTAL',
            ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
          }),
        ),
      );
      if (units !== undefined) units.read += page.ConsumedCapacity?.CapacityUnits ?? 0;
      for (const item of page.Items ?? []) chunks.set(item['subject']?.S ?? '', item['orders']?.S ?? '');
      startKey = page.LastEvaluatedKey;
    } while (startKey !== undefined);
    const orders: OrderDay[] = [];
    for (const key of keys) {
      const content = chunks.get(key);
      if (content === undefined) return undefined;
      orders.push(...unpackOrders(content));
    }
    return orders;
  };

  const readMain = async (subject: string, bucket = bucketOf(subject, buckets)): Promise<Item | undefined> => {
    const Key = { bucket: { S: bucketKey(bucket) }, subject: { S: subject } };
    const answer = await attempt('read a customer', () =>
      client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true })),
    );
    return answer.Item;
  };

  /** Decodes an item with its history; reads it again where a writer replaced a chunk in between. */
  const complete = async (first: Item, bucket?: number, units?: UnitMeter): Promise<CustomerFacts | undefined> => {
    let item: Item | undefined = first;
    for (let tries = 0; tries < 5 && item !== undefined; tries += 1) {
      const keys = overflowKeys(item);
      const history = keys.length === 0 ? [] : await readHistory(item['subject']?.S ?? '', keys, units);
      if (history !== undefined) return decodeCustomer(item, history);
      item = await readMain(item['subject']?.S ?? '', bucket);
    }
    if (item === undefined) return undefined;
    throw new PoisonError('history-missing', 'the order history lacks a chunk that the item names', {
      path: 'overflow',
    });
  };

  const removeChunks = async (subject: string, keys: readonly string[]): Promise<void> => {
    await mapConcurrently(keys, 4, (key) =>
      attempt('remove an old order history', () =>
        client.send(new DeleteItemCommand({ TableName: table, Key: chunkKey(subject, key) })),
      ),
    );
  };

  const writeChunks = async (
    facts: CustomerFacts,
    chunks: ReadonlyMap<number, readonly OrderDay[]>,
  ): Promise<{ readonly keys: readonly string[]; readonly kept: readonly string[] }> => {
    if (chunks.size === 0) return { keys: [], kept: [] };
    const existing = overflowKeys(await readMain(facts.subject));
    const keys: string[] = [];
    for (const [year, orders] of chunks) {
      for (const [part, content] of packedParts(orders).entries()) {
        const key = historyChunkKey(facts.subject, year, facts.factsRev, part, content);
        const prefix = `${facts.subject}#${year}#`;
        const suffix = key.slice(key.lastIndexOf('-'));
        const same = existing.find((one) => one.startsWith(prefix) && one.endsWith(`-${part}${suffix}`));
        keys.push(same ?? key);
        if (same !== undefined) continue;
        await attempt('write an order history', () =>
          client.send(
            new PutItemCommand({
              TableName: table,
              Item: { ...chunkKey(facts.subject, key), orders: { S: content } },
            }),
          ),
        );
      }
    }
    return { keys, kept: existing };
  };

  const put = async (facts: CustomerFacts, expectedRev: number | null): Promise<'stored' | 'conflict'> => {
    const { main, chunks } = splitOrders(facts.orders);
    const { keys, kept } = await writeChunks(facts, chunks);
    const item = encodeCustomer(bucketKey(bucketOf(facts.subject, buckets)), facts, main, keys);
    const bytes = itemBytes(item);
    if (bytes > ITEM_BYTES) {
      throw new PoisonError(
        'customer-too-large',
        `a customer's facts take ${bytes} bytes; at most ${ITEM_BYTES} can be stored`,
        {
          path: facts.subject,
        },
      );
    }
    let replaced: Item | undefined;
    const stored = await attemptIf('write a customer', async () => {
      const answer = await client.send(
        new PutItemCommand({
          TableName: table,
          Item: item,
          ReturnValues: 'ALL_OLD',
          ...(expectedRev === null
            ? {
                ConditionExpression: 'attribute_not_exists(#subject)',
                ExpressionAttributeNames: { '#subject': 'subject' },
              }
            : {
                ConditionExpression: '#rev = :rev',
                ExpressionAttributeNames: { '#rev': 'rev' },
                ExpressionAttributeValues: { ':rev': { N: String(expectedRev) } },
              }),
        }),
      );
      replaced = answer.Attributes;
    });
    if (stored) {
      await removeChunks(
        facts.subject,
        overflowKeys(replaced).filter((key) => !keys.includes(key)),
      );
      return 'stored';
    }
    const written = keys.filter((key) => !kept.includes(key));
    if (written.length > 0) {
      const named = overflowKeys(await readMain(facts.subject));
      await removeChunks(
        facts.subject,
        written.filter((key) => !named.includes(key)),
      );
    }
    return 'conflict';
  };

  const getMany = async (subjects: readonly string[]): Promise<ReadonlyMap<string, CustomerFacts>> => {
    const items = await batchGet(client, table, [...new Set(subjects)].map(mainKey), { consistent: true });
    const found = new Map<string, CustomerFacts>();
    await mapConcurrently(items, 8, async (item) => {
      const facts = await complete(item);
      if (facts !== undefined) found.set(facts.subject, facts);
    });
    return found;
  };

  return {
    buckets,
    bucketOf: (subject) => bucketOf(subject, buckets),
    subjectsOf,
    ensureSubjects: async (customerIds) => {
      const known = new Map(await subjectsOf(customerIds));
      const unknown = [...new Set(customerIds)].filter((id) => !known.has(id));
      await mapConcurrently(unknown, CONCURRENT_WRITES, async (id) => known.set(id, await ensureSubject(id)));
      return known;
    },
    getMany,
    get: async (customerId) => {
      const subject = (await subjectsOf([customerId])).get(customerId);
      return subject === undefined ? undefined : (await getMany([subject])).get(subject);
    },
    async *readBucket(bucket: number, units?: UnitMeter): AsyncIterable<CustomerRead> {
      const readPage = (startKey: Item | undefined) =>
        attempt('read a bucket of customers', () =>
          client.send(
            new QueryCommand({
              TableName: table,
              KeyConditionExpression: '#bucket = :bucket',
              ExpressionAttributeNames: { '#bucket': 'bucket' },
              ExpressionAttributeValues: { ':bucket': { S: bucketKey(bucket) } },
              ReturnConsumedCapacity: 'TOTAL',
              ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
            }),
          ),
        );
      let startKey: Item | undefined;
      do {
        const page = await readPage(startKey);
        if (units !== undefined) units.read += page.ConsumedCapacity?.CapacityUnits ?? 0;
        for (const item of page.Items ?? []) {
          try {
            const facts = await complete(item, bucket, units);
            if (facts !== undefined) yield { kind: 'customer', facts };
          } catch (error) {
            if (!(error instanceof PoisonError)) throw error;
            yield { kind: 'quarantined', bucket, subject: item['subject']?.S ?? '', reason: error.message };
          }
        }
        startKey = page.LastEvaluatedKey;
      } while (startKey !== undefined);
    },
    put,
    erase: async (customerId, knownSubject) => {
      const subject = (await subjectsOf([customerId])).get(customerId) ?? knownSubject;
      if (subject === undefined) return 'unknown';
      let startKey: Item | undefined;
      do {
        const page = await attempt('read an order history', () =>
          client.send(
            new QueryCommand({
              TableName: table,
              KeyConditionExpression: '#bucket = :bucket AND begins_with(#subject, :subject)',
              ProjectionExpression: '#subject',
              ExpressionAttributeNames: { '#bucket': 'bucket', '#subject': 'subject' },
              ExpressionAttributeValues: {
                ':bucket': { S: historyKey(bucketOf(subject, buckets)) },
                ':subject': { S: `${subject}#` },
              },
              ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
            }),
          ),
        );
        await removeChunks(
          subject,
          (page.Items ?? []).map((item) => item['subject']?.S ?? ''),
        );
        startKey = page.LastEvaluatedKey;
      } while (startKey !== undefined);
      for (const Key of [mainKey(subject), idItemKey(customerId)]) {
        await attempt('erase a customer', () => client.send(new DeleteItemCommand({ TableName: table, Key })));
      }
      return 'erased';
    },
  };
};

/** Packs orders into as few texts as fit into one item each. */
const packedParts = (orders: readonly OrderDay[]): readonly string[] => {
  const packed = packOrders(orders);
  if (Buffer.byteLength(packed) <= CHUNK_BYTES || orders.length < 2) return [packed];
  const middle = Math.ceil(orders.length / 2);
  return [...packedParts(orders.slice(0, middle)), ...packedParts(orders.slice(middle))];
};

/** The size of an item as DynamoDB counts it, near enough: names and values. */
const itemBytes = (item: Item): number => {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) {
    bytes += name.length + Buffer.byteLength(value.S ?? value.N ?? '');
    for (const entry of value.L ?? []) bytes += 1 + Buffer.byteLength(entry.S ?? '');
  }
  return bytes;
};
