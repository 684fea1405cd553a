import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { OutboxEntry } from '../domain/business-event.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { OutboxStore, WaitingEvents } from '../ports/outbox.ts';
import { attempt, attemptIf, batchGet, type Item } from './dynamo-client.ts';
import { OUTBOX_KIND, WAITING_EVENTS } from './table-keys.ts';

/**
 * Events wait on the item that they tell of, so that both are one write. Attributes: `events`, a list of entries as JSON;
 * `outbox` and `outboxSince`, the keys of the sparse index, as long as there are any. `rev` grows with every write but that
 * of the outbox itself.
 */
const EVENTS = 'events';
const INDEX = { name: 'outbox', partitionKey: 'outbox', sortKey: 'outboxSince' } as const;
const TRIES = 25;

export interface ItemWrite {
  readonly table: string;
  readonly key: Item;
  readonly set: Item;
  /** Attributes that the item is not to have. */
  readonly remove: readonly string[];
  readonly condition: {
    readonly ConditionExpression: string;
    readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
    readonly ExpressionAttributeValues?: Item;
  };
  readonly entries: readonly OutboxEntry[];
}

/** Writes an item and its new events behind those that wait on it. @returns false where the condition refused it */
export const writeWithEvents = (client: DynamoDBClient, write: ItemWrite): Promise<boolean> => {
  const names = new Map<string, string>();
  const nameOf = (attribute: string): string => {
    const known = names.get(attribute) ?? `#w${names.size}`;
    names.set(attribute, known);
    return known;
  };
  const values: Item = { ...write.condition.ExpressionAttributeValues };
  const sets = Object.entries(write.set).map(([attribute, value], index) => {
    values[`:w${index}`] = value;
    return `${nameOf(attribute)} = :w${index}`;
  });
  const [first] = write.entries;
  if (first !== undefined) {
    values[':entries'] = encode(write.entries);
    values[':none'] = { L: [] };
    values[':waiting'] = { S: WAITING_EVENTS };
    values[':since'] = { S: first.event.at };
    const since = nameOf(INDEX.sortKey);
    sets.push(
      `${nameOf(EVENTS)} = list_append(if_not_exists(${nameOf(EVENTS)}, :none), :entries)`,
      `${nameOf(INDEX.partitionKey)} = :waiting`,
      `${since} = if_not_exists(${since}, :since)`,
    );
  }
  const removes = write.remove.map(nameOf);
  return attemptIf(`write ${write.table}`, () =>
    client.send(
      new UpdateItemCommand({
        TableName: write.table,
        Key: write.key,
        UpdateExpression: `SET ${sets.join(', ')}${removes.length === 0 ? '' : ` REMOVE ${removes.join(', ')}`}`,
        ConditionExpression: write.condition.ConditionExpression,
        ExpressionAttributeNames: {
          ...write.condition.ExpressionAttributeNames,
          ...Object.fromEntries([...names].map(([attribute, name]) => [name, attribute])),
        },
        ExpressionAttributeValues: values,
      }),
    ),
  );
};

/** The events that wait on the items of a table, found by its index `outbox` and read from the items themselves. */
export async function* waitingEvents(
  client: DynamoDBClient,
  table: string,
  keyAttributes: readonly string[],
): AsyncIterable<WaitingEvents> {
  let startKey: Item | undefined;
  do {
    const page = await attempt(`list events of ${table}`, () =>
      client.send(
        new QueryCommand({
          TableName: table,
          IndexName: INDEX.name,
          KeyConditionExpression: '#partition = :waiting',
          ExpressionAttributeNames: { '#partition': INDEX.partitionKey },
          ExpressionAttributeValues: { ':waiting': { S: WAITING_EVENTS } },
          Limit: 100,
          ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
        }),
      ),
    );
    const keys = (page.Items ?? []).map((item) => pick(item, keyAttributes));
    const items = new Map(
      (await batchGet(client, table, keys, { consistent: true, projection: [...keyAttributes, 'rev', EVENTS] })).map(
        (item) => [JSON.stringify(pick(item, keyAttributes)), item],
      ),
    );
    for (const key of keys) {
      const item = items.get(JSON.stringify(key));
      const entries = item === undefined ? [] : decode(item, table);
      if (item === undefined || entries.length === 0) continue;
      yield { entries, settle: (count) => settle(client, table, key, entries, count) };
    }
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
}

const settle = async (
  client: DynamoDBClient,
  table: string,
  key: Item,
  seen: readonly OutboxEntry[],
  count: number,
): Promise<void> => {
  const last = seen[count - 1]?.event.id;
  for (let tries = 0; last !== undefined && tries < TRIES; tries += 1) {
    const { Item: item } = await attempt(`read ${table}`, () =>
      client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true })),
    );
    if (item === undefined) return;
    const entries = decode(item, table);
    const rest = entries.slice(entries.findIndex(({ event }) => event.id === last) + 1);
    const [next] = rest;
    if (rest.length === entries.length) return;
    const settled = await attemptIf(`settle events of ${table}`, () =>
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: key,
          ConditionExpression: '#rev = :rev',
          ...(next === undefined
            ? {
                UpdateExpression: 'REMOVE #events, #partition, #since',
                ExpressionAttributeValues: { ':rev': item['rev'] ?? { NULL: true } },
              }
            : {
                UpdateExpression: 'SET #events = :rest, #partition = :waiting, #since = :since',
                ExpressionAttributeValues: {
                  ':rev': item['rev'] ?? { NULL: true },
                  ':rest': encode(rest),
                  ':waiting': { S: WAITING_EVENTS },
                  ':since': { S: next.event.at },
                },
              }),
          ExpressionAttributeNames: {
            '#rev': 'rev',
            '#events': EVENTS,
            '#partition': INDEX.partitionKey,
            '#since': INDEX.sortKey,
          },
        }),
      ),
    );
    if (settled) return;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * (tries + 1)));
  }
  if (last !== undefined)
    throw new RetryableError('outbox-busy', `an item of ${table} kept changing under ${TRIES} attempts to settle it`);
};

const pick = (item: Item, attributes: readonly string[]): Item =>
  Object.fromEntries(attributes.map((attribute) => [attribute, item[attribute] ?? { NULL: true }]));

const encode = (entries: readonly OutboxEntry[]) => ({
  L: entries.map((entry) => ({ S: JSON.stringify(entry) })),
});

const decode = (item: Item, table: string): readonly OutboxEntry[] =>
  (item[EVENTS]?.L ?? []).map((value) => parseEntry(value.S, table));

const parseEntry = (text: string | undefined, where: string): OutboxEntry => {
  const value: unknown = JSON.parse(text ?? 'null');
  if (!isEntry(value)) throw new PermanentError('event-unreadable', `${where} has an event that cannot be read`);
  return value;
};

/** It fitted the schema when it was written; one of before a change of the schema must not stop those after it. */
const isEntry = (value: unknown): value is OutboxEntry =>
  typeof value === 'object' &&
  value !== null &&
  'event' in value &&
  typeof value.event === 'object' &&
  value.event !== null &&
  'id' in value.event &&
  'at' in value.event;

/** Events of what has no item of its own, in table `runs` until they are sent. */
export const dynamoOutbox = (client: DynamoDBClient, table: string): OutboxStore => ({
  put: async (entry) => {
    const stored = await attemptIf('write an event', () =>
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: {
            kind: { S: OUTBOX_KIND },
            id: { S: `${entry.event.at} ${entry.event.id}` },
            entry: { S: JSON.stringify(entry) },
          },
          ConditionExpression: 'attribute_not_exists(#id)',
          ExpressionAttributeNames: { '#id': 'id' },
        }),
      ),
    );
    return stored ? 'stored' : 'exists';
  },
  waiting: async function* () {
    let startKey: Item | undefined;
    do {
      const page = await attempt('list events', () =>
        client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: '#kind = :kind',
            ExpressionAttributeNames: { '#kind': 'kind' },
            ExpressionAttributeValues: { ':kind': { S: OUTBOX_KIND } },
            ConsistentRead: true,
            ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
          }),
        ),
      );
      for (const item of page.Items ?? []) {
        const key = pick(item, ['kind', 'id']);
        yield {
          entries: [parseEntry(item['entry']?.S, table)],
          settle: async (count) => {
            if (count < 1) return;
            await attempt('settle an event', () => client.send(new DeleteItemCommand({ TableName: table, Key: key })));
          },
        };
      }
      startKey = page.LastEvaluatedKey;
    } while (startKey !== undefined);
  },
});
