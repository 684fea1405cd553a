import { PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { Item } from '#shared/adapters/dynamo-client.ts';
import { readPolicy, readPolicyText } from '#shared/adapters/policy-files.ts';
import { bucketKey } from '#shared/adapters/table-keys.ts';
import { mapConcurrently } from '#shared/concurrently.ts';
import { openRunBench } from '#test/support/run-bench.ts';
import { type Bench, type Figure, median } from './measurement.ts';
import { benchItem, FIRST_AS_OF, SECOND_AS_OF, writeItems } from './population.ts';

const BUCKETS = 64;
const CHANGED_SHARE = 0.15;
/** As many writes at once as `apply-shard` has. */
const CONCURRENT_WRITES = 24;

/**
 * A whole recompute, all steps, against a minimal loop on the same server: it queries the same buckets of both tables one
 * after the other and puts as many of the same standings. Then what the run read and wrote, against the least possible.
 */
export const recompute: Bench = async ({ customers, pairs }, progress) => {
  const ratios: number[] = [];
  let figures: readonly Figure[] = [];
  for (let pair = 0; pair < Math.max(1, Math.ceil(pairs / 3)); pair += 1) {
    const measured = await recomputeOnce(customers, progress);
    ratios.push(measured.ratio);
    figures = measured.figures;
  }
  return [
    {
      name: 'recompute / minimal loop',
      actual: median(ratios),
      budget: 1.5,
      unit: '×',
      note: `${customers} customers`,
    },
    ...figures,
  ];
};

const recomputeOnce = async (
  customers: number,
  progress: (what: string) => void,
): Promise<{ readonly ratio: number; readonly figures: readonly Figure[] }> => {
  const bench = await openRunBench(BUCKETS);
  try {
    const policy = readPolicy('bank-three-class');
    // The brakes would hold a run in which so many fall behind at once.
    const text = readPolicyText('bank-three-class').text.replace('movedShare: 0.15', 'movedShare: 1');
    await bench.usePolicy(text);
    progress(`writing ${customers} customers`);
    const items = (changed: boolean, of: number): readonly Item[] =>
      Array.from({ length: of }, (_, index) => benchItem(index, changed, BUCKETS));
    await writeItems(bench.dynamo, 'customers', items(false, customers));
    bench.setNow('2026-10-01T02:00:00.000Z');
    progress('first run');
    await expectPublished(bench.run({ requestId: 'first', asOf: FIRST_AS_OF, override: unlimited }));
    await writeItems(bench.dynamo, 'customers', items(true, Math.round(customers * CHANGED_SHARE)));

    bench.setNow('2026-11-01T02:00:00.000Z');
    progress('second run and minimal loop');
    const loop = async (writes: number): Promise<{ readonly ms: number; readonly bytes: number }> => {
      const start = performance.now();
      const standings: Item[] = [];
      let bytes = 0;
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        for (const TableName of ['standings', 'customers']) {
          let ExclusiveStartKey: Item | undefined;
          do {
            const page = await bench.dynamo.send(
              new QueryCommand({
                TableName,
                KeyConditionExpression: '#bucket = :bucket',
                ExpressionAttributeNames: { '#bucket': 'bucket' },
                ExpressionAttributeValues: { ':bucket': { S: bucketKey(bucket) } },
                ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
              }),
            );
            for (const item of page.Items ?? []) {
              bytes += storedBytes(item);
              if (TableName === 'standings') standings.push(item);
            }
            ExclusiveStartKey = page.LastEvaluatedKey;
          } while (ExclusiveStartKey !== undefined);
        }
      }
      await mapConcurrently(standings.slice(0, writes), CONCURRENT_WRITES, async (Item) => {
        await bench.dynamo.send(new PutItemCommand({ TableName: 'standings', Item }));
      });
      return { ms: performance.now() - start, bytes };
    };
    const writes = Math.round(customers * CHANGED_SHARE);
    const before = await loop(writes);
    const start = performance.now();
    const { summary } = await expectPublished(
      bench.run({ requestId: 'second', asOf: SECOND_AS_OF, override: unlimited }),
    );
    const ms = performance.now() - start;
    const after = await loop(writes);
    const again = await expectPublished(bench.run({ requestId: 'third', asOf: SECOND_AS_OF, override: unlimited }));
    const leastUnits = (before.bytes / 4096) * 0.5;
    return {
      ratio: ms / ((before.ms + after.ms) / 2),
      figures: [
        { name: 'customers per second, one process', actual: customers / (ms / 1000), budget: null, unit: '/s' },
        { name: 'changed standings', actual: summary.changed / customers, budget: null, unit: 'share' },
        {
          name: 'read units / bytes of both tables',
          actual: summary.units.read / leastUnits,
          budget: 1.05,
          unit: '×',
          note: `${Math.round(before.bytes / customers)} bytes per customer`,
        },
        {
          name: 'write units per changed customer',
          actual: summary.units.write / Math.max(1, summary.changed),
          budget: 1.1,
          unit: 'units',
        },
        {
          name: 'write units per customer, run again',
          actual: again.summary.units.write / customers,
          budget: 0.001,
          unit: 'units',
          note: `policy ${policy.name}`,
        },
      ],
    };
  } finally {
    await bench.close();
  }
};

const unlimited = { brake: 'flagShare', reason: 'a benchmark', by: 'bench' } as const;

const expectPublished = async <T extends { readonly outcome: string }>(run: Promise<T>): Promise<T> => {
  const finished = await run;
  if (finished.outcome !== 'apply') throw new Error(`the run was ${finished.outcome} and not applied`);
  return finished;
};

/** Bytes of an item as DynamoDB bills it: names and values. */
const storedBytes = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => {
    const text = value.S ?? value.N;
    return sum + name.length + (text === undefined ? JSON.stringify(value).length : Buffer.byteLength(text));
  }, 0);
