import { type DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { PermanentError } from '../errors.ts';
import type { RecordStore } from '../ports/standing-store.ts';
import { attempt, attemptIf, type Item } from './dynamo-client.ts';
import type { RecordKind } from './table-keys.ts';

export interface DynamoRecordsOptions<T> {
  readonly client: DynamoDBClient;
  /** Physical name of the table `runs`. */
  readonly table: string;
  readonly kind: RecordKind;
  /** Checked on every read. */
  readonly schema: z.ZodMiniType<T>;
}

/** Records of one kind in table `runs`: keys `kind` and `id`, `rev` (from 1), and the record as JSON. */
export const dynamoRecords = <T>({ client, table, kind, schema }: DynamoRecordsOptions<T>): RecordStore<T> => {
  const decode = (item: Item): { readonly id: string; readonly record: T; readonly rev: number } => {
    const id = item['id']?.S ?? '';
    const parsed = z.safeParse(schema, JSON.parse(item['record']?.S ?? 'null'));
    if (!parsed.success) {
      throw new PermanentError('record-unreadable', `${kind} ${id} cannot be read: ${z.prettifyError(parsed.error)}`);
    }
    return { id, record: parsed.data, rev: Number(item['rev']?.N) };
  };
  const itemOf = (id: string, record: T, rev: number): Item => ({
    kind: { S: kind },
    id: { S: id },
    rev: { N: String(rev) },
    record: { S: JSON.stringify(record) },
  });
  return {
    create: async (id, record) => {
      const created = await attemptIf(`create ${kind} ${id}`, () =>
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: itemOf(id, record, 1),
            ConditionExpression: 'attribute_not_exists(#id)',
            ExpressionAttributeNames: { '#id': 'id' },
          }),
        ),
      );
      return created ? 'created' : 'exists';
    },
    get: async (id) => {
      const answer = await attempt(`read ${kind} ${id}`, () =>
        client.send(
          new GetItemCommand({ TableName: table, Key: { kind: { S: kind }, id: { S: id } }, ConsistentRead: true }),
        ),
      );
      if (answer.Item === undefined) return undefined;
      const { record, rev } = decode(answer.Item);
      return { record, rev };
    },
    replace: async (id, record, rev) => {
      const stored = await attemptIf(`write ${kind} ${id}`, () =>
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: itemOf(id, record, rev + 1),
            ConditionExpression: '#rev = :rev',
            ExpressionAttributeNames: { '#rev': 'rev' },
            ExpressionAttributeValues: { ':rev': { N: String(rev) } },
          }),
        ),
      );
      return stored ? 'stored' : 'conflict';
    },
    list: async (prefix = '') => {
      const records: { id: string; record: T }[] = [];
      let startKey: Item | undefined;
      do {
        const page = await attempt(`list ${kind}`, () =>
          client.send(
            new QueryCommand({
              TableName: table,
              KeyConditionExpression: prefix === '' ? '#kind = :kind' : '#kind = :kind AND begins_with(#id, :prefix)',
              ExpressionAttributeNames: { '#kind': 'kind', ...(prefix === '' ? {} : { '#id': 'id' }) },
              ExpressionAttributeValues: {
                ':kind': { S: kind },
                ...(prefix === '' ? {} : { ':prefix': { S: prefix } }),
              },
              ConsistentRead: true,
              ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
            }),
          ),
        );
        for (const item of page.Items ?? []) {
          const { id, record } = decode(item);
          records.push({ id, record });
        }
        startKey = page.LastEvaluatedKey;
      } while (startKey !== undefined);
      return records;
    },
  };
};
