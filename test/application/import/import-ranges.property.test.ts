import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { customerKind, importCustomers } from '#shared/application/import/import-customers.ts';
import { importPurchases, purchaseKind } from '#shared/application/import/import-purchases.ts';
import {
  checkRange,
  concludeImport,
  countAbsent,
  planRanges,
  type RangedJob,
  reviewImport,
  sweepBuckets,
  tallyPartition,
  writeRange,
} from '#shared/application/import/import-ranges.ts';
import { importWorkspace } from '#shared/application/import/import-workspace.ts';
import type { RangedKind } from '#shared/application/import/ranged-file.ts';
import type { ImportSettings } from '#shared/contracts/import-job.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { RejectedRow } from '#shared/ports/imports.ts';
import { fileOf, type ImportBench, openImportBench } from '#test/support/import-bench.ts';

const GROUPS = 3;

interface Disturbance {
  readonly chunkRows: number;
  readonly chunksPerRange: number;
  readonly compressed: boolean;
  /** Orders the steps of a Map; a step whose number is even is taken twice. */
  readonly order: readonly number[];
}
const disturbance: fc.Arbitrary<Disturbance> = fc.record({
  chunkRows: fc.integer({ min: 1, max: 4 }),
  chunksPerRange: fc.integer({ min: 1, max: 3 }),
  compressed: fc.boolean(),
  order: fc.array(fc.nat(100), { minLength: 5, maxLength: 5 }),
});

/** The steps as the state machine takes them: in any order within a Map, at the same time, and some of them twice. */
const importByRanges = async (
  kind: RangedKind,
  text: string,
  settings: ImportSettings,
  { chunkRows, chunksPerRange, compressed, order }: Disturbance,
  bench: ImportBench,
) => {
  const bytes = new TextEncoder().encode(text);
  const source = fileOf(compressed ? gzipSync(bytes) : bytes, 'file.csv', 11);
  const pieces = new Map<string, Uint8Array>();
  const context = { currency: 'USD', businessTimeZone: 'Asia/Shanghai', today: '2026-06-01' };
  const plan = await planRanges(kind, source, settings, context, {
    chunkRows,
    chunksPerRange,
    rowsPerPartition: 4,
    version: '1',
    key: 'file.csv',
    startedAt: '2026-06-01T08:00:00.000Z',
    ...(compressed
      ? {
          keepPiece: async (index: number, piece: Uint8Array) => {
            pieces.set(`piece-${index}`, piece.slice());
            return `piece-${index}`;
          },
        }
      : {}),
  });
  const job: RangedJob = {
    plan,
    settings,
    kind,
    file: kind.file(plan.reading, settings, context),
    workspace: importWorkspace(bench.ports.scratch, 'tried'),
    ports: bench.ports,
    open: ({ key, from, to }) => fileOf((pieces.get(key) ?? bytes).subarray(from, to), 'file.csv', 7).open(),
  };
  const all = async (count: number, step: (index: number) => Promise<unknown>): Promise<void> => {
    const indexes = Array.from({ length: count }, (_, index) => index);
    const place = (index: number): number => order[index % order.length] ?? 0;
    const sorted = [...indexes].sort((a, b) => place(a) - place(b));
    await Promise.all([...sorted, ...sorted.filter((index) => index % 2 === 0)].map(step));
  };
  const rejected: RejectedRow[] = [];
  try {
    await all(plan.ranges.length, (index) => checkRange(index, job));
    await all(plan.partitions, (index) => tallyPartition(index, job));
    const groups = settings.complete === true ? GROUPS : 0;
    await all(groups, (index) => countAbsent({ index, count: GROUPS }, job));
    const { ranges, sweeps } = await reviewImport(job, groups);
    await all(ranges.length, (index) => writeRange(ranges[index] ?? 0, job));
    await all(sweeps ? GROUPS : 0, (index) => sweepBuckets({ index, count: GROUPS }, job));
    const result = await concludeImport(job, sweeps ? GROUPS : 0);
    return { result, ranges: plan.ranges.length };
  } finally {
    for await (const row of job.workspace.rejects()) rejected.push(row);
    bench.rejected.push(...rejected);
  }
};

/** What is stored, without the numbers of chunks and how often an item was written. */
const stored = async (bench: ImportBench): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(await bench.all()).map(([id, facts]: [string, CustomerFacts]) => [
      id,
      {
        ...facts,
        factsRev: 0,
        batches: facts.batches.map(({ batchId, recordedAt, chunks }) => ({
          batchId,
          recordedAt,
          in: chunks.length > 0,
        })),
      },
    ]),
  );

/** Steps that run twice at once may count a customer in either run, so what is written is not compared. */
const counts = ({ written: _, newCustomers: __, ...rest }: Record<string, unknown>) => rest;

const customer = fc.constantFrom('a', 'b', 'c', 'd', '"e\n1"', 'é', '');
const amount = fc.constantFrom('1.00', '2.50', '-0.25', 'x');
const date = fc.constantFrom('2026-01-05', '2026-02-28', '2026-02-30');
const purchase = fc
  .tuple(customer, date, amount, fc.constantFrom('1', '2', '3', '4', '5', '6'))
  .map((row) => row.join(','));
const snapshot = fc
  .tuple(customer, date, fc.constantFrom('gold', 'silver', ''), fc.constantFrom('yes', 'no', ''))
  .map((row) => row.join(','));

describe('an import in ranges', () => {
  it('does what an import in one piece does, whatever the ranges and however often their steps are taken', async () => {
    let several = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(purchase, { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        disturbance,
        async (rows, withIds, disturbed) => {
          const file = `customer,date,amount,${withIds ? 'id' : 'shop'}\nz,2026-01-05,1.00,9\n${rows.join('\n')}\n`;
          const map = { customer: 'customer', date: 'date', amount: 'amount' };
          const [whole, ranged] = [openImportBench(), openImportBench()];
          const expected = await importPurchases(
            fileOf(file),
            { map, currency: 'USD', rejects: whole.rejects },
            whole.ports,
          );

          const settings: ImportSettings = { kind: 'purchases', map };
          const { result, ranges } = await importByRanges(purchaseKind, file, settings, disturbed, ranged);

          expect(counts({ ...result })).toEqual(counts({ ...expected }));
          expect(ranged.rejected).toEqual(whole.rejected);
          expect(await stored(ranged)).toEqual(await stored(whole));
          if (ranges > 1) several += 1;
        },
      ),
      { numRuns: 70 },
    );
    expect(several).toBeGreaterThan(40);
  });

  it('R12 keeps snapshots, and takes those for gone whom a complete file lacks, whatever the ranges', async () => {
    let left = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(snapshot, { minLength: 1, maxLength: 20 }),
        fc.array(snapshot, { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        disturbance,
        async (before, rows, complete, disturbed) => {
          const head = 'id,date,tier,consent\n';
          const [whole, ranged] = [openImportBench(), openImportBench()];
          const about = { asOf: '2026-03-31', complete, inputDropLimit: 1, source: 'crm' };
          const map = { id: 'id', date: 'date', consent: 'consent' };
          for (const bench of [whole, ranged]) {
            await importCustomers(fileOf(head + before.join('\n')), { map, source: 'crm' }, bench.ports);
          }
          const expected = await importCustomers(
            fileOf(head + rows.join('\n')),
            { map, ...about, rejects: whole.rejects },
            whole.ports,
          );

          const settings: ImportSettings = { kind: 'customers', map, ...about };
          const { result } = await importByRanges(customerKind, head + rows.join('\n'), settings, disturbed, ranged);

          left += expected.left;
          const { left: _, ...compared } = counts({ ...result });
          const { left: __, ...expectedCounts } = counts({ ...expected });
          expect(compared).toEqual(expectedCounts);
          expect(ranged.rejected).toEqual(whole.rejected);
          expect(await stored(ranged)).toEqual(await stored(whole));
        },
      ),
      { numRuns: 70 },
    );
    expect(left).toBeGreaterThan(20);
  });

  it('refuses a complete file that lacks too many before anything is written, by what all groups of buckets count', async () => {
    const bench = openImportBench();
    const map = { id: 'id' };
    const first = ['a', 'b', 'c', 'd', 'e'].join('\n');
    await importCustomers(fileOf(`id\n${first}\n`), { map, asOf: '2026-01-31' }, bench.ports);
    const before = await bench.all();
    const settings: ImportSettings = { kind: 'customers', map, asOf: '2026-02-28', complete: true };
    const undisturbed = { chunkRows: 1, chunksPerRange: 1, compressed: false, order: [1] };

    await expect(importByRanges(customerKind, 'id\na\nb\n', settings, undisturbed, bench)).rejects.toThrow(
      'lacks 3 of 5 active customers (60.0 %)',
    );
    expect(await bench.all()).toEqual(before);
  });
});
