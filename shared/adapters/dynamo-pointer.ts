import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import type { RunPointer } from '../domain/standing.ts';
import type { PointerStore } from '../ports/standing-store.ts';
import { attempt, attemptIf } from './dynamo-client.ts';
import { POINTER_KEY } from './table-keys.ts';

const PublishedRun = z.object({ seq: z.number(), runId: z.string(), asOf: z.string(), period: z.string() });
const Pointer = z.object({
  published: z.nullable(PublishedRun),
  previous: z.nullable(PublishedRun),
  abandonedSeqs: z.array(z.number()),
  lastSeq: z.number(),
  applying: z.nullable(z.object({ runId: z.string(), seq: z.number() })),
});

/** The pointer before anything was ever applied. */
export const FIRST_POINTER: RunPointer = {
  published: null,
  previous: null,
  abandonedSeqs: [],
  lastSeq: 0,
  applying: null,
  rev: 0,
};

/** The one pointer item, in table `runs`. Before the first move it reads as `FIRST_POINTER`. */
export const dynamoPointer = ({
  client,
  table,
}: {
  readonly client: DynamoDBClient;
  readonly table: string;
}): PointerStore => ({
  get: async () => {
    const Key = { kind: { S: POINTER_KEY.kind }, id: { S: POINTER_KEY.id } };
    const { Item } = await attempt('read the pointer', () =>
      client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true })),
    );
    if (Item === undefined) return FIRST_POINTER;
    return { ...z.parse(Pointer, JSON.parse(Item['record']?.S ?? 'null')), rev: Number(Item['rev']?.N) };
  },
  compareAndSet: async (next, expectedRev) => {
    const { published, previous, abandonedSeqs, lastSeq, applying } = next;
    const stored = await attemptIf('move the pointer', () =>
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: {
            kind: { S: POINTER_KEY.kind },
            id: { S: POINTER_KEY.id },
            rev: { N: String(expectedRev + 1) },
            record: { S: JSON.stringify({ published, previous, abandonedSeqs, lastSeq, applying }) },
          },
          ...(expectedRev === 0
            ? { ConditionExpression: 'attribute_not_exists(#id)', ExpressionAttributeNames: { '#id': 'id' } }
            : {
                ConditionExpression: '#rev = :rev',
                ExpressionAttributeNames: { '#rev': 'rev' },
                ExpressionAttributeValues: { ':rev': { N: String(expectedRev) } },
              }),
        }),
      ),
    );
    return stored ? 'stored' : 'conflict';
  },
});
