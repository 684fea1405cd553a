import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { OutboxEntry } from '../domain/business-event.ts';
import { type Expiry, epochSeconds } from '../domain/retention.ts';
import { PermanentError, PoisonError } from '../errors.ts';
import type { DocumentTable } from '../ports/document-table.ts';
import { attempt, attemptIf, batchGet, type Item } from './dynamo-client.ts';
import { waitingEvents, writeWithEvents } from './dynamo-outbox.ts';

export interface DocumentTableOptions<T> {
  readonly table: string;
  /** Name of the partition key attribute. */
  readonly key: string;
  /** Checks what is read. */
  readonly isDocument: (value: unknown) => value is T;
  /** The sparse index: its name, the attributes a document has while it is in it, and the value of its partition key. */
  readonly index?: {
    readonly name: string;
    readonly partitionKey: string;
    readonly sortKey: string;
    readonly partition: string;
    readonly sortValueOf: (document: T) => string | undefined;
  };
  /** When documents end; those that have are not read, though the database may not have deleted them yet. */
  readonly expiry?: Expiry<T> | undefined;
  /** Whether the table has the index `outbox`, so that events can wait on its documents. */
  readonly hasOutbox?: true;
}

/** Attribute by which the database deletes what has ended; seconds since 1970. */
const EXPIRES_AT = 'expiresAt';
const BATCH_WRITE_SIZE = 25;

/** Documents as JSON in attribute `document`, their revision in `rev`; every write is conditional on the revision. */
export const dynamoDocuments = <T>(client: DynamoDBClient, options: DocumentTableOptions<T>): DocumentTable<T> => {
  const { table, key, index, expiry, hasOutbox = false } = options;
  const optional = [...(index === undefined ? [] : [index.partitionKey, index.sortKey]), EXPIRES_AT];
  const isLive = (item: Item): boolean => {
    const expiresAt = item[EXPIRES_AT]?.N;
    return expiry === undefined || expiresAt === undefined || Number(expiresAt) > epochSeconds(expiry.now());
  };
  const expiryAttribute = (document: T): Item => {
    const end = expiry?.of(document);
    return end === undefined ? {} : { [EXPIRES_AT]: { N: String(epochSeconds(end)) } };
  };
  const ifAbsent = () =>
    expiry === undefined
      ? { ConditionExpression: 'attribute_not_exists(#key)', ExpressionAttributeNames: { '#key': key } }
      : {
          ConditionExpression: 'attribute_not_exists(#key) OR #expires <= :now',
          ExpressionAttributeNames: { '#key': key, '#expires': EXPIRES_AT },
          ExpressionAttributeValues: { ':now': { N: String(epochSeconds(expiry.now())) } },
        };
  /** Reads pages until there are no more, or `limit` documents are found. */
  const collect = async (
    limit: number,
    page: (start: { ExclusiveStartKey?: Item }, wanted: number) => Promise<QueryCommandOutput | ScanCommandOutput>,
  ): Promise<readonly T[]> => {
    const found: T[] = [];
    let from: Item | undefined;
    do {
      const answer = await page(from === undefined ? {} : { ExclusiveStartKey: from }, limit - found.length);
      for (const item of (answer.Items ?? []).filter(isLive))
        found.push(decode(item[key]?.S ?? '', item['document']?.S));
      from = answer.LastEvaluatedKey;
    } while (from !== undefined && found.length < limit);
    return found;
  };
  const decode = (id: string, text: string | undefined): T => {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    if (!options.isDocument(value)) throw new PoisonError('document-invalid', `${table} has an unreadable item ${id}`);
    return value;
  };
  const indexAttributes = (document: T) => {
    const sort = index?.sortValueOf(document);
    return index === undefined || sort === undefined
      ? {}
      : { [index.partitionKey]: { S: index.partition }, [index.sortKey]: { S: sort } };
  };
  return {
    get: async (id) => {
      const { Item: item } = await attempt(`read ${table}`, () =>
        client.send(new GetItemCommand({ TableName: table, Key: { [key]: { S: id } }, ConsistentRead: true })),
      );
      if (item === undefined || !isLive(item)) return undefined;
      return { document: decode(id, item['document']?.S), rev: Number(item['rev']?.N) };
    },
    getMany: async (ids) => {
      const keys = [...new Set(ids)].map((id) => ({ [key]: { S: id } }));
      const found = new Map<string, T>();
      for (const item of await batchGet(client, table, keys, { consistent: true })) {
        if (!isLive(item)) continue;
        const id = item[key]?.S ?? '';
        found.set(id, decode(id, item['document']?.S));
      }
      return found;
    },
    put: async (id, document, rev, events = []) => {
      const attributes: Item = {
        rev: { N: String((rev ?? 0) + 1) },
        document: { S: JSON.stringify(document) },
        ...indexAttributes(document),
        ...expiryAttribute(document),
      };
      const condition =
        rev === null
          ? ifAbsent()
          : {
              ConditionExpression: '#rev = :rev',
              ExpressionAttributeNames: { '#rev': 'rev' },
              ExpressionAttributeValues: { ':rev': { N: String(rev) } },
            };
      const stored = hasOutbox
        ? await writeWithEvents(client, {
            table,
            key: { [key]: { S: id } },
            set: attributes,
            remove: optional.filter((name) => attributes[name] === undefined),
            condition,
            entries: events,
          })
        : await attemptIf(`write ${table}`, () =>
            client.send(
              new PutItemCommand({ TableName: table, Item: { [key]: { S: id }, ...attributes }, ...condition }),
            ),
          );
      return stored ? 'stored' : 'conflict';
    },
    remove: async (id) => {
      await attempt(`delete from ${table}`, () =>
        client.send(new DeleteItemCommand({ TableName: table, Key: { [key]: { S: id } } })),
      );
    },
    waiting: () => (hasOutbox ? waitingEvents(client, table, [key]) : nothing()),
    listIndexed: async (limit) => {
      if (index === undefined) throw new PermanentError('no-index', `table ${table} has no index to list`);
      return collect(limit, (start, wanted) =>
        attempt(`list ${table}`, () =>
          client.send(
            new QueryCommand({
              TableName: table,
              IndexName: index.name,
              KeyConditionExpression: '#partition = :partition',
              ExpressionAttributeNames: { '#partition': index.partitionKey },
              ExpressionAttributeValues: { ':partition': { S: index.partition } },
              Limit: Math.min(wanted, 500),
              ...start,
            }),
          ),
        ),
      );
    },
    search: (text) =>
      collect(Number.POSITIVE_INFINITY, (start) =>
        attempt(`search ${table}`, () =>
          client.send(
            new ScanCommand({
              TableName: table,
              ConsistentRead: true,
              FilterExpression: 'contains(#document, :text)',
              ExpressionAttributeNames: { '#document': 'document' },
              ExpressionAttributeValues: { ':text': { S: text } },
              ...start,
            }),
          ),
        ),
      ),
  };
};

async function* nothing(): AsyncIterable<never> {}

/** Runs `work` over all items, a batch at a time. */
export const inBatches = async <T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> => {
  for (let from = 0; from < items.length; from += BATCH_WRITE_SIZE) {
    await Promise.all(items.slice(from, from + BATCH_WRITE_SIZE).map(work));
  }
};

/** How often a change is tried again where other writers come between. */
const TRIES = 25;

/**
 * Reads, changes and writes a document until nobody came between. `change` gives the same object where nothing is to be
 * written, and undefined where there is nothing to change.
 *
 * @param eventsOf what the change means to other systems
 * @returns the document as stored; undefined where `change` gave that
 */
export const changeDocument = async <T>(
  documents: DocumentTable<T>,
  id: string,
  change: (document: T | undefined) => T | undefined,
  eventsOf: (before: T | undefined, after: T) => readonly OutboxEntry[] = () => [],
): Promise<T | undefined> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const found = await documents.get(id);
    const next = change(found?.document);
    if (next === undefined || next === found?.document) return next;
    const events = eventsOf(found?.document, next);
    if ((await documents.put(id, next, found?.rev ?? null, events)) === 'stored') return next;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * (tries + 1)));
  }
  throw new PoisonError('document-busy', `a document kept changing under ${TRIES} attempts to write it`);
};
