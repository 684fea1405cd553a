import { createReadStream, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { encodeExport, exportTable } from '#shared/application/export-run.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import { ImportBatch } from '#shared/contracts/import-batch.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { openRunBench, type RunBench } from '#test/support/run-bench.ts';

const FILE = '../shared/data/cdnow_sample.csv';

const exported = async (bench: RunBench, policy: Policy, run: { runId: string; shards: number }): Promise<string> => {
  const table = await exportTable(bench.ports, run, policy);
  return Buffer.concat([...encodeExport(table, 'csv')]).toString('utf8');
};

describe('the CDNOW purchases as of 1998-06-30', () => {
  let bench: RunBench;
  let policy: Policy;
  beforeAll(async () => {
    bench = await openRunBench(64);
    bench.setNow('1998-07-01T02:00:00.000Z');
    policy = await bench.usePolicy(readFileSync('policies/retail-rfm.yaml', 'utf8'));
    const result = await importPurchases(
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
    expect(result).toMatchObject({ customers: 2357, rejected: 0, totalMinor: 24_409_194 });
  });
  afterAll(() => bench.close());

  it('give 2,357 customers, 244,091.94 in all, and the same export byte for byte for 1, 7 and 64 shards', async () => {
    const files: string[] = [];
    for (const shards of [1, 7, 64]) {
      const { runId, summary } = await bench.run({ requestId: `s${shards}`, asOf: '1998-06-30', mode: 'plan', shards });
      expect(summary).toMatchObject({ population: 2357, quarantined: 0 });
      expect(Object.values(summary.value).reduce((sum, value) => sum + value, 0)).toBe(24_409_194);
      files.push(await exported(bench, policy, { runId, shards }));
    }

    expect(files[0]?.split('\n').filter((line) => line !== '')).toHaveLength(2358);
    expect(files[1]).toBe(files[0]);
    expect(files[2]).toBe(files[0]);
  });

  it('write no standing when a second ad hoc run finds the same facts', async () => {
    const first = await bench.run({ requestId: 'first', asOf: '1998-06-30' });
    const second = await bench.run({ requestId: 'second', asOf: '1998-06-30' });

    expect(first.summary.changed).toBe(2357);
    expect(second.summary).toMatchObject({ state: 'published', changed: 0, units: { write: 0 } });
  });
});
