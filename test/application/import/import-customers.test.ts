import { createReadStream } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CustomerImportOptions, importCustomers } from '#shared/application/import/import-customers.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import { fileOf, type ImportBench, openImportBench } from '#test/support/import-bench.ts';

const run = (bench: ImportBench, content: string | Uint8Array, options: Partial<CustomerImportOptions> = {}) =>
  importCustomers(fileOf(content), { asOf: '2026-05-31', rejects: bench.rejects, ...options }, bench.ports);

describe('an import of customers', () => {
  it('keeps traits by date, and addresses only with the contacts', async () => {
    const bench = openImportBench();

    const result = await run(
      bench,
      [
        'id,email,name,language,region,consent,branch,manager,turnover,industry,insured,code',
        'c1,li@example.com,李,zh-CN,CN,yes,b1,m1,1200.5,steel,true,007',
        'c2,,,,,,b2,,-3,,false,',
      ].join('\n'),
      { source: 'crm' },
    );

    expect(result).toMatchObject({
      rows: 2,
      accepted: 2,
      customers: 2,
      newCustomers: 2,
      written: 2,
      left: 0,
      totalMinor: null,
    });
    const { c1, c2 } = await bench.all();
    expect(c1).toMatchObject({ branch: 'b1', manager: 'm1', contactKey: 'contact-of-li@example.com' });
    expect(c1?.snapshots).toEqual([
      {
        date: '2026-05-31',
        recordedAt: '2026-06-01T08:00:00.000Z',
        traits: { turnover: 1200.5, industry: 'steel', insured: true, code: '007' },
      },
    ]);
    expect(c2?.snapshots[0]?.traits).toEqual({ turnover: -3, insured: false });
    expect(c2?.contactKey).toBeUndefined();
    expect(JSON.stringify([c1, c2])).not.toContain('李');
    expect(bench.people).toEqual([
      {
        customerId: 'c1',
        email: 'li@example.com',
        name: '李',
        language: 'zh-CN',
        region: 'CN',
        consent: { given: true, source: 'crm', at: '2026-05-31' },
      },
    ]);
  });

  it('takes several snapshots of a customer from one file, and keeps older ones when newer come', async () => {
    const bench = openImportBench();
    await run(bench, 'id,date,branch,x\na,2026-02-28,old,2\na,2026-01-31,older,1\n', {
      asOf: undefined,
      map: {},
    } as never);

    await run(bench, 'id,branch,x\na,new,3\n');
    await run(bench, 'id,branch,x\na,ancient,0\n', { asOf: '2025-12-31' });

    const { a } = await bench.all();
    expect(a?.snapshots.map(({ date, traits }) => [date, traits['x']])).toEqual([
      ['2025-12-31', 0],
      ['2026-01-31', 1],
      ['2026-02-28', 2],
      ['2026-05-31', 3],
    ]);
    expect(a?.branch).toBe('new');
  });

  it('changes nothing when the same file comes again, and writes only what another file changes', async () => {
    const bench = openImportBench();
    await run(bench, 'id,x\na,1\nb,2\n');
    const puts = bench.puts();

    expect(await run(bench, 'id,x\na,1\nb,2\n')).toMatchObject({ alreadyImported: true, written: 0 });
    expect(await run(bench, 'id,x\na,1\nb,5\n')).toMatchObject({ alreadyImported: false, written: 1 });

    expect(bench.puts()).toBe(puts + 1);
  });

  it('ends the same after being killed at any write and started again', async () => {
    const file = `id,email,x\n${Array.from({ length: 20 }, (_, index) => `c${index},c${index}@example.com,${index}`).join('\n')}`;
    const undisturbed = openImportBench();
    await run(undisturbed, file);
    const expected = await undisturbed.all();

    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 19 }), async (kill) => {
        const bench = openImportBench();
        bench.failAfterPuts(kill);
        await run(bench, file).catch(() => undefined);
        bench.failAfterPuts(undefined);
        await run(bench, file);

        expect(await bench.all()).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });

  it('marks customers that a complete file lacks as left, and takes them back when they return', async () => {
    const bench = openImportBench();
    const ids = Array.from({ length: 20 }, (_, index) => `c${index}`);
    await run(bench, `id\n${ids.join('\n')}\n`, { asOf: '2026-04-30' });

    const result = await run(bench, `id\n${ids.slice(1).join('\n')}\n`, { complete: true });

    expect(result).toMatchObject({ left: 1 });
    expect((await bench.all())['c0']?.statuses).toMatchObject([{ status: 'left', date: '2026-05-31' }]);
    await run(bench, `id\n${ids.join('\n')}\n`, { asOf: '2026-06-30' });
    expect((await bench.all())['c0']?.statuses.map(({ status }) => status)).toEqual(['left', 'active']);
    expect((await bench.all())['c1']?.statuses).toEqual([]);
  });

  it('refuses a complete file that lacks too many, before anything is written', async () => {
    const bench = openImportBench();
    await run(bench, 'id\na\nb\nc\nd\n', { asOf: '2026-04-30' });
    const before = await bench.all();

    await expect(run(bench, 'id\na\nb\nc\ne\n', { complete: true })).rejects.toMatchObject({
      code: 'input-drop',
      message: expect.stringContaining('1 of 4'),
    });

    expect(await bench.all()).toEqual(before);
    expect(await run(bench, 'id\na\nb\nc\ne\n', { complete: true, inputDropLimit: 0.3 })).toMatchObject({ left: 1 });
  });

  it('does not take somebody whose row was rejected for gone', async () => {
    const bench = openImportBench();
    await run(bench, 'id,x\na,1\nb,2\n', { asOf: '2026-04-30' });

    const result = await run(bench, 'id,x,status\na,1,\nb,2,vanished\n', { complete: true });

    expect(result).toMatchObject({ rejected: 1, left: 0 });
  });

  it('reports bad rows and keeps the others', async () => {
    const bench = openImportBench();

    await run(
      bench,
      [
        'id,email,status,consent,turnover',
        'a,a@example.com,active,1,5',
        'b,no address,active,1,5',
        'c,,Closed,0,6',
        'd,,sleeping,0,6',
        'e,,,maybe,6',
        'a,,,,7',
        'f,,,,8,9',
      ].join('\n'),
    );

    expect(bench.rejected.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'the email is no address'],
      [5, 'the status "sleeping" is none of active, closed, deceased, legalHold, left'],
      [6, 'consent: "maybe" is neither true nor false'],
      [7, 'the customer "a" is there before with the same date 2026-05-31'],
      [8, 'the row has 6 fields, the header 5'],
    ]);
    expect((await bench.all())['c']?.statuses).toMatchObject([{ status: 'closed', date: '2026-05-31' }]);
  });

  it('rejects a text where the first rows have numbers', async () => {
    const bench = openImportBench();
    const rows = Array.from({ length: 1_000 }, (_, index) => `c${index},${index}`);

    await run(bench, `id,x\n${rows.join('\n')}\nlast,unknown\n`);

    expect(bench.rejected).toMatchObject([
      { line: 1002, reason: expect.stringContaining('x: "unknown" is no number') },
    ]);
  });

  it.each([
    ['without a date', 'id,x\na,1\n', { asOf: undefined }, 'as-of-missing'],
    ['with a date that does not exist', 'id,x\na,1\n', { asOf: '2026-02-30' }, 'as-of-invalid'],
    ['without ids', 'kunde,x\na,1\n', {}, 'mapping-invalid'],
    ['with numbers of another form', 'id,x\na,"1.234,5"\nb,"7,25"\n', {}, 'numbers-unreadable'],
    ['with dates of another form', 'id,date\na,31.12.2025\n', { asOf: undefined }, 'dates-unreadable'],
    ['with a trait that does not exist', 'id,x\na,1\n', { traits: ['y'] }, 'mapping-invalid'],
  ])('refuses a file %s with one error and writes nothing', async (_, content, options, code) => {
    const bench = openImportBench();

    await expect(run(bench, content, options as never)).rejects.toMatchObject({ name: 'PermanentError', code });

    expect(bench.puts()).toBe(0);
  });

  it('reads the bank sample with its traits', async () => {
    const bench = openImportBench();
    const source = {
      name: 'bank_churn_records_3978.csv',
      open: () => createReadStream(new URL('../../../../shared/data/bank_churn_records_3978.csv', import.meta.url)),
    };

    const result = await importCustomers(
      source,
      { asOf: '2026-05-31', map: { id: 'CustomerId', branch: 'Geography' } },
      bench.ports,
    );

    expect(result).toMatchObject({ rows: 3978, rejected: 0 });
    const facts = (await bench.all())['15634602'];
    expect(facts?.branch).toBe('France');
    expect(facts?.snapshots[0]?.traits).toMatchObject({ CreditScore: 619, Balance: 0, CardType: 'DIAMOND' });
  });

  it('stands beside purchases of the same customers', async () => {
    const bench = openImportBench();
    await importPurchases(fileOf('customer,date,amount\na,2026-01-01,1\n'), { currency: 'CNY' }, bench.ports);

    const result = await run(bench, 'id,x\na,1\n');

    expect(result).toMatchObject({ newCustomers: 0, written: 1 });
    expect((await bench.all())['a']).toMatchObject({
      factsRev: 2,
      orders: [{ amountMinor: 100 }],
      snapshots: [{ traits: { x: 1 } }],
    });
  });
});
