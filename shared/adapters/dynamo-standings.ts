import { DeleteItemCommand, type DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { Standing } from '../domain/standing.ts';
import { PoisonError } from '../errors.ts';
import type { UnitMeter } from '../ports/customer-store.ts';
import type { StandingEraser, StandingStore } from '../ports/standing-store.ts';
import { attempt, attemptIf, batchGet, type Item } from './dynamo-client.ts';
import { decodeStanding, encodeStanding } from './standing-codec.ts';
import { bucketKey, bucketOf } from './table-keys.ts';

export interface DynamoStandingsOptions {
  readonly client: DynamoDBClient;
  /** Physical name of the table `standings`. */
  readonly table: string;
  /** The same as the customers'. */
  readonly buckets: number;
}

/** The standings of table `standings`, one item of at most 1 KB per customer. */
export const dynamoStandings = ({
  client,
  table,
  buckets,
}: DynamoStandingsOptions): StandingStore & StandingEraser => ({
  remove: async (subject) => {
    await attempt('erase a standing', () =>
      client.send(
        new DeleteItemCommand({
          TableName: table,
          Key: { bucket: { S: bucketKey(bucketOf(subject, buckets)) }, subject: { S: subject } },
        }),
      ),
    );
  },
  readBucket: async (bucket, units, quarantined) => {
    const standings: Standing[] = [];
    let startKey: Item | undefined;
    do {
      const page = await attempt('read a bucket of standings', () =>
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
      if (units !== undefined) units.read += page.ConsumedCapacity?.CapacityUnits ?? 0;
      for (const item of page.Items ?? []) {
        try {
          standings.push(decodeStanding(item));
        } catch (error) {
          if (quarantined === undefined || !(error instanceof PoisonError)) throw error;
          quarantined.push({ bucket, subject: item['subject']?.S ?? '', reason: error.message });
        }
      }
      startKey = page.LastEvaluatedKey;
    } while (startKey !== undefined);
    return standings;
  },
  getMany: async (subjects) => {
    const keys = [...new Set(subjects)].map((subject) => ({
      bucket: { S: bucketKey(bucketOf(subject, buckets)) },
      subject: { S: subject },
    }));
    const items = await batchGet(client, table, keys, { consistent: true });
    return new Map(items.map(decodeStanding).map((standing) => [standing.subject, standing]));
  },
  put: async (standing: Standing, units?: UnitMeter) => {
    const stored = await attemptIf('write a standing', async () => {
      const answer = await client.send(
        new PutItemCommand({
          TableName: table,
          Item: encodeStanding(bucketKey(bucketOf(standing.subject, buckets)), standing),
          ConditionExpression: 'attribute_not_exists(#seq) OR #seq <= :seq',
          ExpressionAttributeNames: { '#seq': 'seq' },
          ExpressionAttributeValues: { ':seq': { N: String(standing.current.seq) } },
          ReturnConsumedCapacity: 'TOTAL',
        }),
      );
      if (units !== undefined) units.write += answer.ConsumedCapacity?.CapacityUnits ?? 0;
    });
    return stored ? 'stored' : 'newer';
  },
});
