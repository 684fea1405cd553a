import { createReadStream, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { exportTable } from '#shared/application/export-run.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import { renderReport } from '#shared/application/report/render-report.ts';
import { buildReportData } from '#shared/application/report/report-data.ts';
import { ImportBatch } from '#shared/contracts/import-batch.ts';
import type { TraitValue } from '#shared/domain/facts.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { openRunBench, type RunBench } from '#test/support/run-bench.ts';

describe('a run of hotel-needs over the stays of its page', () => {
  let bench: RunBench;
  let policy: Policy;
  let run: { readonly runId: string; readonly shards: number };
  beforeAll(async () => {
    bench = await openRunBench(16);
    bench.setNow('2026-07-01T02:00:00.000Z');
    policy = await bench.usePolicy(readFileSync('policies/hotel-needs.yaml', 'utf8'));
    await importPurchases(
      { name: 'hotel-stays.csv', open: () => createReadStream('docs/examples/hotel-stays.csv') },
      { currency: 'CNY' },
      {
        clock: bench.ports.clock,
        customers: bench.ports.customers,
        scratch: bench.ports.objects,
        batches: dynamoRecords({ client: bench.dynamo, table: 'runs', kind: 'BATCH', schema: ImportBatch }),
        contacts: { upsertPerson: async () => 'no contacts in this file' },
        businessTimeZone: 'Asia/Shanghai',
      },
    );
    const { runId } = await bench.run({ requestId: 'stays', asOf: '2026-06-30', mode: 'plan', shards: 3 });
    run = { runId, shards: 3 };
  });
  afterAll(() => bench.close());

  const cellsOf = async (customerId: string, language: 'en' | 'zh'): Promise<Record<string, TraitValue | null>> => {
    const { columns, rows } = await exportTable(bench.ports, run, policy, language);
    const row = rows.find((one) => one[0] === customerId) ?? [];
    return Object.fromEntries(columns.map((column, index) => [column.name, row[index] ?? null]));
  };

  it('exports the terms of need and value together, in the language asked for', async () => {
    expect(await cellsOf('H01', 'en')).toMatchObject({
      need_actual: 'business',
      value_actual: 'high',
      place_actual: 'city',
      service_products: 'Meeting rooms, fast internet, business centre',
      service_price: 'best rate, last room guaranteed',
      service_approvals: 0,
      service_contactDays: 30,
    });
    expect(await cellsOf('H01', 'zh')).toMatchObject({
      service_products: '会议室、高速网络、商务中心',
      service_price: '最优房价，满房保留',
    });
    expect(await cellsOf('H07', 'en')).toMatchObject({
      need_actual: 'single',
      value_actual: 'low',
      service_channel: 'mail',
      service_price: 'public rate',
    });
  });

  it.each([
    ['en', 'Business travellers', 'Arrive late, work undisturbed, leave on time', 'Contacts due in 30 days'],
    ['zh-CN', '商务客人', '晚到无忧，安心办公，准时离店', '30 天应联系次数'],
  ] as const)(
    'reports every dimension and its plans with the contacts due: %s',
    async (language, need, promise, due) => {
      const data = await buildReportData(bench.ports, run.runId, policy);
      const page = renderReport(data, language);

      expect(data.counts['need']).toMatchObject({ business: { now: 1, before: 0 }, mixed: { now: 1, before: 0 } });
      expect(Object.values(data.counts['place'] ?? {}).reduce((sum, one) => sum + one.now, 0)).toBe(7);
      expect(page).toContain(need);
      expect(page).toContain(promise);
      // Three guests of high value, one contact each in 30 days.
      expect(page).toContain(`<dt>${due}</dt><dd>3</dd>`);
    },
  );
});
