import { type DynamoDBClient, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { USAGE_KIND } from '../contracts/tables.ts';
import { USAGE_FIELDS, type Usage } from '../domain/usage.ts';
import type { UsageLedger } from '../ports/usage-ledger.ts';
import { attempt, type Item } from './dynamo-client.ts';

/**
 * The ledger of usage in table `runs`, one item for each step: `USAGE / 2026-05-monthly#measure-shard`, with a number for each
 * field. Counters that only grow by ADD: steps of many shards add at the same time, and nobody reads before writing.
 */
export const dynamoUsage = ({
  client,
  table,
}: {
  readonly client: DynamoDBClient;
  readonly table: string;
}): UsageLedger => ({
  add: async (work, step, usage) => {
    const fields = USAGE_FIELDS.filter((field) => usage[field] !== 0);
    if (fields.length === 0) return;
    await attempt(`add to the usage of ${work}`, () =>
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: { kind: { S: USAGE_KIND }, id: { S: `${work}#${step}` } },
          UpdateExpression: `ADD ${fields.map((field) => `#${field} :${field}`).join(', ')}`,
          ExpressionAttributeNames: Object.fromEntries(fields.map((field) => [`#${field}`, field])),
          ExpressionAttributeValues: Object.fromEntries(
            fields.map((field) => [`:${field}`, { N: String(usage[field]) }]),
          ),
        }),
      ),
    );
  },
  of: async (work) => {
    const page = await attempt(`read the usage of ${work}`, () =>
      client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: '#kind = :kind AND begins_with(#id, :work)',
          ExpressionAttributeNames: { '#kind': 'kind', '#id': 'id' },
          ExpressionAttributeValues: { ':kind': { S: USAGE_KIND }, ':work': { S: `${work}#` } },
          ConsistentRead: true,
        }),
      ),
    );
    return Object.fromEntries(
      (page.Items ?? []).map((item) => [(item['id']?.S ?? '').slice(work.length + 1), usageOf(item)]),
    );
  },
});

const usageOf = (item: Item): Usage => {
  const number = (field: keyof Usage): number => Number(item[field]?.N ?? 0);
  return {
    attempts: number('attempts'),
    megabyteMs: number('megabyteMs'),
    halfReadUnits: number('halfReadUnits'),
    writeUnits: number('writeUnits'),
    objectReads: number('objectReads'),
    objectWrites: number('objectWrites'),
    mails: number('mails'),
  };
};
