import { createReadStream, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { importAnswers } from '#shared/application/import/import-answers.ts';
import type { ImportResult } from '#shared/application/import/import-batches.ts';
import { importCustomers } from '#shared/application/import/import-customers.ts';
import { type ImportBench, openImportBench } from '#test/support/import-bench.ts';

const fileOf = (part: string): string => `../shared/data/olist_2016_2017_${part}.csv.gz`;
const sourceOf = (part: string) => ({
  name: `olist_2016_2017_${part}.csv.gz`,
  open: () => createReadStream(fileOf(part)),
});
/** The file as it is, read here by other means than the product's. */
const rowsOf = (part: string): readonly Readonly<Record<string, string>>[] => {
  const [head = '', ...lines] = gunzipSync(readFileSync(fileOf(part)))
    .toString()
    .replaceAll('\r', '')
    .trim()
    .split('\n');
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
  });
};
const VIA = [
  { source: sourceOf('orders'), key: 'order_id', value: 'customer_id' },
  { source: sourceOf('customers'), key: 'customer_id', value: 'customer_unique_id' },
];
const MAP = { customer: 'order_id', score: 'review_score', at: 'review_answer_timestamp' };
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const importReviews = (bench: ImportBench, id: string): Promise<ImportResult> =>
  importAnswers(
    sourceOf('reviews'),
    { map: { ...MAP, id }, scale: '1-5', source: 'reviews', via: VIA, rejects: bench.rejects },
    bench.ports,
  );

/** Scores 1..5 that the product stored, by the id of the answer. */
const storedScores = async (bench: ImportBench): Promise<ReadonlyMap<string, number>> =>
  new Map(
    Object.values(await bench.all()).flatMap(({ answers }) =>
      Object.values(answers).map(({ answerId, value }) => [answerId.replace('ext/reviews/', ''), 1 + 4 * value]),
    ),
  );

/** Number of orders and mean over orders of the mean of each order's answers. */
const meansOf = (scoresOf: (orderId: string) => readonly number[]) => {
  const groups = { late: [] as number[], onTime: [] as number[], notDelivered: [] as number[] };
  for (const order of rowsOf('orders')) {
    const { order_id: id = '', order_status: status, order_delivered_customer_date: at = '' } = order;
    const scores = scoresOf(id);
    if (scores.length === 0 || (status === 'delivered' && at === '')) continue;
    const late = at > (order['order_estimated_delivery_date'] ?? '');
    groups[status !== 'delivered' ? 'notDelivered' : late ? 'late' : 'onTime'].push(mean(scores));
  }
  return Object.fromEntries(
    Object.entries(groups).map(([name, values]) => [name, `${values.length} ${mean(values).toFixed(3)}`]),
  );
};

describe('real answers to e-mailed surveys, by way of orders to customers', () => {
  let bench: ImportBench;
  let imported: ImportResult;
  beforeAll(async () => {
    bench = openImportBench();
    await importCustomers(
      sourceOf('customers'),
      { map: { id: 'customer_unique_id' }, asOf: '2017-12-31', traits: ['customer_state'] },
      bench.ports,
    );
    imported = await importReviews(bench, 'review_id');
  }, 60_000);

  it('R12 are stored once per id, the latest, and none is lost: read = stored + replaced + rejected', async () => {
    expect(imported).toMatchObject({ rows: 4103, rejected: 0, stored: 4091, replaced: 12, customers: 3991 });
    expect((await storedScores(bench)).size).toBe(imported.stored);
    expect(bench.rejected).toEqual([]);
  });

  it('give the means that are known of delivered orders: late 2.451, on time 4.277', async () => {
    const scores = await storedScores(bench);
    const reviewsOf = Map.groupBy(rowsOf('reviews'), (row) => row['order_id'] ?? '');

    const means = meansOf((orderId) =>
      (reviewsOf.get(orderId) ?? []).flatMap((row) => scores.get(row['review_id'] ?? '') ?? []),
    );

    expect(means).toEqual({ late: '144 2.451', onTime: '2168 4.277', notDelivered: '1735 1.754' });
  });

  it('change nothing when they come again', async () => {
    const before = JSON.stringify(await bench.all());

    expect(await importReviews(bench, 'review_id')).toMatchObject({ alreadyImported: true, written: 0, stored: 4091 });

    expect(JSON.stringify(await bench.all())).toBe(before);
  });

  it('R12 count the latest of each order where the order is the id', async () => {
    const other = openImportBench();
    await importCustomers(
      sourceOf('customers'),
      { map: { id: 'customer_unique_id' }, asOf: '2017-12-31', traits: ['customer_state'] },
      other.ports,
    );

    expect(await importReviews(other, 'order_id')).toMatchObject({
      rows: 4103,
      stored: 4049,
      replaced: 54,
      rejected: 0,
    });

    const scores = await storedScores(other);
    expect(meansOf((orderId) => [scores.get(orderId) ?? Number.NaN])).toMatchObject({
      late: '144 2.444',
      onTime: '2168 4.277',
    });
  });
});
