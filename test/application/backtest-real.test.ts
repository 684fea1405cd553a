import { createReadStream } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Backtest, backtest, readHistory } from '#shared/application/backtest.ts';
import { backtestText } from '#shared/application/backtest-text.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import type { ImportBatch } from '#shared/contracts/import-batch.ts';
import { preset, readProjectFile } from '#test/domain/support.ts';
import { memoryCustomers, memoryObjects, memoryRecords } from '#test/support/memory-stores.ts';

const policy = preset('retail-rfm');

/** The figures of docs/backtest.md: the real import, then the months of the command that the page names. */
const replayed = async (
  file: string,
  map: Readonly<Record<string, string>>,
  months: { readonly from: string; readonly to: string },
): Promise<Backtest> => {
  const customers = memoryCustomers(64, (id) => `s-${id}`);
  await importPurchases(
    { name: file, open: () => createReadStream(`../shared/data/${file}`) },
    { map, currency: 'USD' },
    {
      clock: { now: () => '2026-11-01T02:00:00.000Z' },
      customers,
      batches: memoryRecords<ImportBatch>(),
      scratch: memoryObjects(),
      contacts: { upsertPerson: async () => 'no contacts in this file' },
      businessTimeZone: 'UTC',
    },
  );
  return backtest(
    await readHistory({ customers }),
    policy,
    { ...months, horizonDays: 90 },
    { businessTimeZone: 'UTC' },
  );
};

/** The parts of the text that judge the flags: from the exit flags to the end. */
const judgement = (result: Backtest): string => {
  const text = backtestText([{ result, policy }], { language: 'en', currency: 'USD' });
  return text.slice(text.indexOf('Exit flags. Outcome')).trimEnd();
};

/** Without the column of opened flags: which of equal stakes are opened depends on the subjects, which are random. */
const withoutOpened = (text: string): string => {
  let width = Number.POSITIVE_INFINITY;
  return text
    .split('\n')
    .map((line) => {
      if (line === '') width = Number.POSITIVE_INFINITY;
      if (line.endsWith('opened')) width = line.length - 'opened'.length;
      return line.startsWith('Policy minus') ? line : line.slice(0, width).trimEnd();
    })
    .join('\n');
};

/** Fenced blocks of the page. */
const blocksOfPage = (): readonly string[] =>
  [...readProjectFile('docs/backtest.md').matchAll(/```text\n([\s\S]*?)\n```/gu)].map((match) =>
    withoutOpened(match[1] ?? ''),
  );

describe('docs/backtest.md', () => {
  it('shows what the backtest of CDNOW says, as it is', async () => {
    const result = await replayed(
      'cdnow_sample.csv',
      { customer: 'master_id', date: 'date', amount: 'sales_usd' },
      { from: '1997-04', to: '1998-06' },
    );

    expect(result.history.customers).toBe(2357);
    expect(result.censored).toEqual(['1998-04', '1998-05', '1998-06']);
    expect(result.judged?.exit.n).toBe(12 * 2357);
    expect(result.judged?.exit.opened.flagged).toBe(12 * 20);
    expect(blocksOfPage()).toContain(withoutOpened(judgement(result)));
  });

  it('shows what the backtest of rfm_data_orders says, as it is', async () => {
    const result = await replayed(
      'rfm_data_orders.csv',
      { customer: 'customer_id', date: 'order_date', amount: 'revenue' },
      { from: '2005-01', to: '2006-12' },
    );

    expect(result.history.customers).toBe(995);
    expect(result.judged?.exit.opened.flagged).toBe(21 * 20);
    expect(blocksOfPage()).toContain(withoutOpened(judgement(result)));
  });
});
