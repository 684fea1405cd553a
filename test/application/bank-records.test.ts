import { createReadStream, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { importCustomers } from '#shared/application/import/import-customers.ts';
import { ImportBatch } from '#shared/contracts/import-batch.ts';
import type { FrameRow } from '#shared/domain/standing.ts';
import { readCsv, readProjectFile } from '#test/domain/support.ts';
import { openRunBench, type RunBench } from '#test/support/run-bench.ts';

const FILE = '../shared/data/bank_churn_records_3978.csv';
const SHARDS = 4;

describe('the bank method on 3,978 bank records', () => {
  let bench: RunBench;
  let runId: string;
  const frames: FrameRow[] = [];
  const classOf = new Map<string, string>();
  beforeAll(async () => {
    bench = await openRunBench(32);
    bench.setNow('2026-10-31T12:00:00.000Z');
    await bench.usePolicy(readFileSync('docs/examples/bank-records.yaml', 'utf8'));
    const imported = await importCustomers(
      { name: 'bank_churn_records_3978.csv', open: () => createReadStream(FILE) },
      { map: { id: 'CustomerId', branch: 'Geography' }, asOf: '2026-10-31' },
      {
        clock: bench.ports.clock,
        customers: bench.ports.customers,
        scratch: bench.ports.objects,
        batches: dynamoRecords({ client: bench.dynamo, table: 'runs', kind: 'BATCH', schema: ImportBatch }),
        contacts: { upsertPerson: async () => 'no contacts in this file' },
        businessTimeZone: 'Europe/Paris',
      },
    );
    expect(imported).toMatchObject({ customers: 3978, rejected: 0 });
    const run = await bench.run({ requestId: 'records', asOf: '2026-10-31', mode: 'plan', shards: SHARDS });
    runId = run.runId;
    for (let shard = 0; shard < SHARDS; shard += 1) {
      frames.push(...(await bench.ports.files.readFrame(runId, shard)));
      const plans = await bench.ports.files.readPlan(runId, shard);
      const known = await bench.ports.customers.getMany(plans.map((row) => row.subject));
      for (const row of plans) {
        const id = known.get(row.subject)?.customerId ?? '';
        classOf.set(id, row.next.placements['class']?.actual ?? '');
      }
    }
  }, 120_000);
  afterAll(() => bench.close());

  it('puts no outcome into a frame: Exited, Complain and SatisfactionScore are in none', async () => {
    expect(frames).toHaveLength(3978);
    for (const row of frames) {
      expect([...Object.keys(row.metrics), ...Object.keys(row.traits)].sort()).toEqual(
        ['IsActiveMember', 'balance', 'credit_score', 'products', 'tenure'].sort(),
      );
    }
    expect(readProjectFile('docs/examples/bank-records.yaml').replaceAll(/#.*/gu, '')).not.toMatch(
      /Exited|Complain|SatisfactionScore|Gender|Age\b/u,
    );
  });

  it('gives the classes, and the share of each who left, that the pages of the preset show', () => {
    const records = readCsv(FILE);
    const policyLabels = { en: 'All', zh: '全部' };
    const counts = new Map<string, { customers: number; left: number }>();
    for (const record of records) {
      for (const name of [classOf.get(record['CustomerId'] ?? '') ?? 'nowhere', 'all']) {
        const count = counts.get(name) ?? { customers: 0, left: 0 };
        counts.set(name, {
          customers: count.customers + 1,
          left: count.left + (record['Exited'] === 'True' ? 1 : 0),
        });
      }
    }
    const labels = {
      priority: { en: 'Priority support', zh: '优先支持类' },
      cultivate: { en: 'Prudent support: cultivate', zh: '审慎支持类·培育' },
      hold: { en: 'Prudent support: hold', zh: '审慎支持类·维持' },
      exit: { en: 'Exit', zh: '退出类' },
      all: policyLabels,
    };
    expect([...counts.keys()].sort()).toEqual(Object.keys(labels).sort());
    const pages = { en: 'docs/presets/bank-three-class.md', zh: 'docs/presets/bank-three-class.zh-CN.md' };
    for (const [name, label] of Object.entries(labels)) {
      const { customers, left } = counts.get(name) ?? { customers: 0, left: 0 };
      const share = `${((100 * left) / customers).toFixed(1)} %`;
      for (const [lang, page] of Object.entries(pages)) {
        const title = lang === 'en' ? label.en : label.zh;
        // However wide the columns of the table are.
        expect(readProjectFile(page).replaceAll(/ +/gu, ' ')).toContain(
          `| ${title} | ${customers} | ${left} | ${share} |`,
        );
      }
    }
    const many = records.filter((record) => Number(record['NumOfProducts']) >= 3);
    expect([many.length, many.filter((record) => record['Exited'] === 'True').length]).toEqual([123, 108]);
    const agree = records.filter((record) => record['Exited'] === record['Complain']).length;
    expect((agree / records.length).toFixed(3)).toBe('0.997');
  });

  it('leaves more often in the exit class than in the best two, which is what the page claims and no more', () => {
    const rate = (...names: readonly string[]): number => {
      const of = readCsv(FILE).filter((record) => names.includes(classOf.get(record['CustomerId'] ?? '') ?? ''));
      return of.filter((record) => record['Exited'] === 'True').length / of.length;
    };

    expect(rate('exit')).toBeGreaterThan(rate('priority', 'cultivate'));
    expect(rate('hold')).toBeGreaterThan(rate('priority', 'cultivate'));
  });
});
