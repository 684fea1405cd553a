import { createHash } from 'node:crypto';
import { BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { seededRandom } from '#local/random.ts';
import { encodeCustomer } from '#shared/adapters/customer-codec.ts';
import type { Item } from '#shared/adapters/dynamo-client.ts';
import { bucketKey, bucketOf } from '#shared/adapters/table-keys.ts';
import { mapConcurrently } from '#shared/concurrently.ts';
import { toDayNumber } from '#shared/domain/calendar.ts';
import type { CustomerFacts, OrderDay, TraitSnapshot } from '#shared/domain/facts.ts';

export const FIRST_AS_OF = '2026-09-30';
export const SECOND_AS_OF = '2026-10-31';
const BRANCHES = 12;
/** Order-days on each item, all within the year before the first run. */
const ORDER_DAYS = 12;

/**
 * One invented customer of the benchmarks, the same for the same index: traits of the preset `bank-three-class`, twelve
 * order-days, one snapshot, and a second snapshot where `changed`, which makes the customer fall behind with payments.
 */
export const benchFacts = (index: number, changed: boolean): CustomerFacts => {
  const random = seededRandom(index + 1);
  const first = toDayNumber(FIRST_AS_OF);
  const orders: OrderDay[] = Array.from({ length: ORDER_DAYS }, (_, order) => ({
    day: first - 360 + order * 30 + Math.floor(random() * 20),
    count: 1,
    amountMinor: 1_000 + Math.floor(random() * 500_000),
    attributes: {},
    batch: 0,
  }));
  const traits = {
    industry: random() < 0.1 ? 'steel' : 'trade',
    turnover_growth_12m: Math.round((random() * 0.4 - 0.2) * 1e4) / 1e4,
    days_past_due: random() < 0.7 ? 0 : 30,
    share_of_wallet: Math.round(random() * 1e4) / 1e4,
    net_income_12m: Math.round(random() ** 3 * 1e7) / 100,
  };
  const snapshots: TraitSnapshot[] = [{ date: FIRST_AS_OF, recordedAt: '2026-10-01T00:00:00.000Z', traits }];
  if (changed) {
    const later = { ...traits, days_past_due: 120, turnover_growth_12m: -0.3 };
    snapshots.push({ date: SECOND_AS_OF, recordedAt: '2026-11-01T00:00:00.000Z', traits: later });
  }
  return {
    customerId: `B-${index}`,
    subject: createHash('sha256').update(`bench ${index}`).digest('base64url').slice(0, 22),
    factsRev: changed ? 2 : 1,
    changedAt: '2026-10-01T00:00:00.000Z',
    batches: [{ batchId: 'bench', recordedAt: '2026-10-01T00:00:00.000Z', chunks: [0] }],
    orders,
    snapshots,
    statuses: [],
    answers: {},
    pins: [],
    decisions: [],
    branch: `Branch ${1 + Math.floor(random() ** 2 * BRANCHES)}`,
    manager: `Manager ${1 + Math.floor(random() * 60)}`,
  };
};

/** The item of a customer as the product stores it. */
export const benchItem = (index: number, changed: boolean, buckets: number): Item => {
  const facts = benchFacts(index, changed);
  return encodeCustomer(bucketKey(bucketOf(facts.subject, buckets)), facts, facts.orders, []);
};

/** Writes items, 25 per call. */
export const writeItems = async (dynamo: DynamoDBClient, table: string, items: readonly Item[]): Promise<void> => {
  const pages = Array.from({ length: Math.ceil(items.length / 25) }, (_, page) =>
    items.slice(page * 25, page * 25 + 25),
  );
  await mapConcurrently(pages, 8, async (page) => {
    await dynamo.send(
      new BatchWriteItemCommand({ RequestItems: { [table]: page.map((Item) => ({ PutRequest: { Item } })) } }),
    );
  });
};
