import { createReadStream, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import { ImportBatch } from '#shared/contracts/import-batch.ts';
import { openRunBench, type RunBench } from '#test/support/run-bench.ts';

const FILE = '../shared/data/cdnow_sample.csv';
const POLICY = `
policy: expectation
timeZone: UTC
currency: USD
valueMetric: spend
metrics:
  spend: { purchases: spend }
scores:
  expected: { expectedPurchases: { horizonDays: 273 } }
  rank: { quantile: 4, of: expected }
dimensions:
  promise:
    segments: { high: {}, low: {}, unknown: {} }
    rules:
      - { segment: high, when: { rank: [3, 4] } }
      - { segment: low, when: { rank: [1, 2] } }
    rest: unknown
`;

/** The first 39 weeks of CDNOW, through the steps of a run: import, measure, fit, score. */
describe('purchases expected of the CDNOW customers as of 1997-09-30', () => {
  let bench: RunBench;
  beforeAll(async () => {
    bench = await openRunBench(64);
    bench.setNow('1998-07-01T02:00:00.000Z');
    await bench.usePolicy(POLICY);
    await importPurchases(
      { name: 'cdnow_sample.csv', open: () => createReadStream(FILE) },
      { map: { customer: 'master_id', date: 'date', amount: 'sales_usd' }, currency: 'USD' },
      {
        clock: bench.ports.clock,
        customers: bench.ports.customers,
        scratch: bench.ports.objects,
        batches: dynamoRecords({ client: bench.dynamo, table: 'runs', kind: 'BATCH', schema: ImportBatch }),
        contacts: { upsertPerson: async () => 'no contacts in this file' },
        businessTimeZone: 'UTC',
      },
    );
  });
  afterAll(() => bench.close());

  const runIn = async (shards: number) => {
    const { runId } = await bench.run({ requestId: `e${shards}`, asOf: '1997-09-30', mode: 'plan', shards });
    const { files } = bench.ports;
    const list = Array.from({ length: shards }, (_, shard) => shard);
    return {
      calibration: await files.readCalibration(runId),
      frame: (await Promise.all(list.map((shard) => files.readFrame(runId, shard)))).flat(),
      plan: (await Promise.all(list.map((shard) => files.readPlan(runId, shard)))).flat(),
    };
  };

  it('are the published figures, and the same for 1 and 7 shards', async () => {
    const one = await runIn(1);
    const seven = await runIn(7);
    const { purchaseModel } = one.calibration;
    const published: Record<string, number> = JSON.parse(
      readFileSync('../shared/data/expected_cdnow_sample.json', 'utf8'),
    ).bgnbd_params;

    expect(purchaseModel?.customers).toBe(2357);
    for (const name of ['r', 'alpha', 'a', 'b'] as const) {
      expect(Math.abs((purchaseModel?.[name] ?? 0) - (published[name] ?? Number.NaN))).toBeLessThan(0.005);
    }
    expect(Math.abs((purchaseModel?.logLikelihood ?? 0) + 9582.4)).toBeLessThan(0.1);
    expect(seven.calibration).toEqual(one.calibration);

    const bySubject = new Map(seven.plan.map((row) => [row.subject, row.scores]));
    for (const row of one.plan) expect(bySubject.get(row.subject)).toEqual(row.scores);
    const like = one.frame.find(
      ({ purchaseDays: days }) => days?.repeatDays === 2 && days.lastPurchaseDays === 213 && days.ageDays === 272,
    );
    expect(one.plan.find(({ subject }) => subject === like?.subject)?.scores['expected']).toBeCloseTo(1.226, 3);
  });
});
