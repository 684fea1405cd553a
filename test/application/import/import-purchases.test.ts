import { createReadStream } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import { importPurchases, type PurchaseImportOptions } from '#shared/application/import/import-purchases.ts';
import { fromDayNumber } from '#shared/domain/calendar.ts';
import { fileOf, type ImportBench, openImportBench } from '#test/support/import-bench.ts';

const CDNOW = {
  name: 'cdnow_sample.csv',
  open: () => createReadStream(new URL('../../../../shared/data/cdnow_sample.csv', import.meta.url)),
};
const CDNOW_MAP = { customer: 'master_id', date: 'date', amount: 'sales_usd' };

const run = (
  bench: ImportBench,
  content: Parameters<typeof fileOf>[0],
  options: Partial<PurchaseImportOptions> = {},
  name?: string,
) => importPurchases(fileOf(content, name), { currency: 'USD', rejects: bench.rejects, ...options }, bench.ports);

const totals = async (bench: ImportBench): Promise<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(await bench.all()).map(([id, facts]) => [
      id,
      facts.orders.reduce((sum, order) => sum + order.amountMinor, 0),
    ]),
  );

describe('an import of purchases', () => {
  it('takes CDNOW whole: 2,357 customers and 244,091.94 with its 21 identical rows', async () => {
    const bench = openImportBench();

    const result = await importPurchases(CDNOW, { currency: 'USD', map: CDNOW_MAP, attributes: [] }, bench.ports);

    expect(result).toMatchObject({
      rows: 6919,
      accepted: 6919,
      rejected: 0,
      customers: 2357,
      newCustomers: 2357,
      written: 2357,
      totalMinor: 24_409_194,
      dateFrom: '1997-01-01',
      dateTo: '1998-06-30',
    });
    const facts = Object.values(await bench.all());
    expect(facts.reduce((sum, one) => sum + one.orders.reduce((all, order) => all + order.count, 0), 0)).toBe(6919);
    expect(Object.values(await totals(bench)).reduce((sum, one) => sum + one, 0)).toBe(24_409_194);
  });

  it('changes nothing when the same file comes again', async () => {
    const bench = openImportBench();
    await importPurchases(CDNOW, { currency: 'USD', map: CDNOW_MAP }, bench.ports);
    const before = await bench.all();
    const puts = bench.puts();

    const again = await importPurchases(CDNOW, { currency: 'USD', map: CDNOW_MAP }, bench.ports);

    expect(again).toMatchObject({ alreadyImported: true, written: 0, customers: 2357, totalMinor: 24_409_194 });
    expect(bench.puts()).toBe(puts);
    expect(await bench.all()).toEqual(before);
  });

  it('ends the same after being killed at any write and started again', async () => {
    const rows = Array.from(
      { length: 60 },
      (_, index) => `c${index % 17},2026-0${1 + (index % 5)}-10,${index}.5${index % 10}`,
    );
    const file = `customer,date,amount\n${rows.join('\n')}\n`;
    const undisturbed = openImportBench();
    await run(undisturbed, file);
    const expected = await undisturbed.all();

    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 16 }), { minLength: 1, maxLength: 3 }), async (kills) => {
        const bench = openImportBench();
        for (const kill of kills) {
          bench.failAfterPuts(kill);
          await run(bench, file).catch(() => undefined);
        }
        bench.failAfterPuts(undefined);
        await run(bench, file);

        expect(await bench.all()).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  it('ends the same where two imports of one file run at the same time', async () => {
    const file = `customer,date,amount\n${Array.from({ length: 50 }, (_, index) => `c${index % 9},2026-01-10,${index}`).join('\n')}`;
    const bench = openImportBench();
    const alone = openImportBench();

    await Promise.all([run(bench, file), run(bench, file)]);
    await run(alone, file);

    expect(await bench.all()).toEqual(await alone.all());
  });

  it('counts a return as money and not as a purchase', async () => {
    const bench = openImportBench();

    const result = await run(bench, 'customer,date,amount\na,2026-01-05,10.00\na,2026-01-05,-4.25\na,2026-01-07,-1\n');

    expect(result.totalMinor).toBe(475);
    expect((await bench.all())['a']?.orders).toMatchObject([
      { count: 1, amountMinor: 575 },
      { count: 0, amountMinor: -100 },
    ]);
  });

  it('adds up money exactly, whatever the amounts', async () => {
    const amount = fc.integer({ min: -10_000_000, max: 10_000_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(20_000), amount), { minLength: 1, maxLength: 40 }),
        async (rows) => {
          const bench = openImportBench();
          const text = rows.map(([customer, day, minor]) => {
            const digits = String(Math.abs(minor)).padStart(3, '0');
            return `c${customer},${fromDayNumber(day)},${minor < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
          });

          await run(bench, `customer,date,amount\n${text.join('\n')}`);

          const expected: Record<string, number> = {};
          for (const [customer, , minor] of rows) expected[`c${customer}`] = (expected[`c${customer}`] ?? 0) + minor;
          expect(await totals(bench)).toEqual(expected);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('reports a bad row with its line and reason and keeps the good ones', async () => {
    const bench = openImportBench();
    const longId = 'x'.repeat(10_240);

    const result = await run(
      bench,
      [
        'customer,date,amount,id',
        'a,2026-01-31,1.00,1',
        '"b\nb",2026-01-31,1.00,2',
        'c,2020-02-31,1.00,3',
        'd,2026-01-31,"1.234,56",4',
        'e,2026-01-31,1.005,5',
        'f,2026-01-31',
        `${longId},2026-01-31,1.00,7`,
        ',2026-01-31,1.00,8',
        '',
        'g,31/12/2025,1.00,9',
        'h,2026-01-31,,10',
        'i,2026-01-31,5,1',
        'j,2026-01-31,2.50,11',
      ].join('\n'),
    );

    expect(result).toMatchObject({ rows: 12, accepted: 2, rejected: 10, customers: 2, totalMinor: 350 });
    expect(bench.rejected.map(({ line, reason }) => [line, reason.replace(/".*?"/g, '…')])).toEqual([
      [3, 'the customer id has control characters'],
      [5, 'the date … does not exist'],
      [6, expect.stringContaining('--decimal')],
      [7, 'the amount … has more than 2 decimal places'],
      [8, 'the row has 2 fields, the header 4'],
      [9, 'the customer id has 10240 bytes; at most 256 are allowed'],
      [10, 'the customer id is empty'],
      [12, expect.stringContaining('--date-format')],
      [13, 'the amount is empty'],
      [14, expect.stringContaining('is there before')],
    ]);
    expect(bench.rejected[4]?.original).toBe('f,2026-01-31');
    expect(Object.keys(await bench.all()).sort()).toEqual(['a', 'j']);
  });

  it.each([
    ['an empty file', '', {}, 'file-empty'],
    ['a header only', 'customer,date,amount\n', {}, 'file-without-rows'],
    [
      'a binary file',
      new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1, 10, 65]),
      { encoding: 'iso-8859-1' as const },
      'file-binary',
    ],
    ['a spreadsheet', new Uint8Array([0x50, 0x4b, 3, 4, 20, 0]), {}, 'file-binary'],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x63, 0]), {}, 'file-encoding'],
    ['another delimiter', 'customer;date;amount\na;2026-01-01;1\n', {}, 'file-delimiter'],
    ['tabs', 'customer\tdate\tamount\na\t2026-01-01\t1\n', {}, 'file-delimiter'],
    [
      'ISO-8859-1 read as UTF-8',
      new Uint8Array([...Buffer.from('customer,date,amount\nM'), 0xfc, ...Buffer.from('ller,2026-01-01,1\n')]),
      {},
      'file-encoding',
    ],
    ['an unknown column', 'customer,date,amount\na,2026-01-01,1\n', { map: { customer: 'kunde' } }, 'mapping-invalid'],
    ['an unknown target', 'customer,date,amount\na,2026-01-01,1\n', { map: { client: 'customer' } }, 'mapping-invalid'],
    ['a missing target', 'customer,when,amount\na,2026-01-01,1\n', {}, 'mapping-invalid'],
    [
      'one column for two things',
      'customer,date,amount\na,2026-01-01,1\n',
      { map: { amount: 'date' } },
      'mapping-invalid',
    ],
    ['an unknown attribute', 'customer,date,amount\na,2026-01-01,1\n', { attributes: ['shop'] }, 'mapping-invalid'],
    ['dates of another form', 'customer,date,amount\na,31/12/2025,1\nb,01/02/2026,1\n', {}, 'dates-unreadable'],
    [
      'amounts of another form',
      'customer,date,amount\na,2026-01-01,"1.234,56"\nb,2026-01-01,"7,50"\n',
      {},
      'numbers-unreadable',
    ],
    ['a format without a day', 'customer,date,amount\na,2026-01,1\n', { dateFormat: 'YYYY-MM' }, 'date-format-invalid'],
    ['an unknown currency', 'customer,date,amount\na,2026-01-01,1\n', { currency: 'XYZ' }, 'currency-unknown'],
    [
      'a quotation mark that is never closed',
      `customer,date,amount\n"a,2026-01-01,1\n${'b,2026-01-01,1\n'.repeat(10)}`,
      {},
      'file-quotes',
    ],
    [
      'gzip that ends early',
      gzipSync(`customer,date,amount\n${'a,2026-01-01,1\n'.repeat(50)}`).subarray(0, 40),
      {},
      'file-gzip',
    ],
    [
      'an unknown encoding',
      'customer,date,amount\na,2026-01-01,1\n',
      { encoding: 'latin9' as never },
      'encoding-invalid',
    ],
    [
      'an unknown decimal sign',
      'customer,date,amount\na,2026-01-01,1\n',
      { decimal: 'comma' as never },
      'decimal-invalid',
    ],
    [
      'a delimiter of two characters',
      'customer,date,amount\na,2026-01-01,1\n',
      { delimiter: '||' },
      'delimiter-invalid',
    ],
    [
      'a batch that does not exist',
      'customer,date,amount\na,2026-01-01,1\n',
      { replace: 'purchases-none' },
      'batch-unknown',
    ],
  ] as const)('refuses %s with one error and writes nothing', async (_, content, options, code) => {
    const bench = openImportBench();

    await expect(run(bench, content, options)).rejects.toMatchObject({ name: 'PermanentError', code });

    expect(bench.puts()).toBe(0);
    expect(await bench.ports.batches.list()).toEqual([]);
  });

  it('names the flag and the columns in such an error', async () => {
    const bench = openImportBench();

    await expect(run(bench, 'kunde,datum,betrag\na,2026-01-01,1\n')).rejects.toThrow(
      'the columns of file.csv are: kunde, datum, betrag',
    );
    await expect(run(bench, 'customer,date,amount\na,1/2/2026,1\n')).rejects.toMatchObject({
      hint: expect.stringContaining('--date-format'),
    });
    await expect(run(bench, 'customer,date,amount\na,2026-01-02,"1,5"\n')).rejects.toMatchObject({
      hint: expect.stringContaining('--decimal'),
    });
    await expect(run(bench, 'customer;date\na;b\n')).rejects.toMatchObject({ hint: 'give it: --delimiter ";"' });
  });

  it('reads the same purchases from every form that it knows', async () => {
    const plain = '客户,date,amount\n王,2026-02-01,1234.50\nMüller,2026-12-31,-7.00\n';
    const reference = openImportBench();
    await run(reference, plain, { map: { customer: '客户' } });
    const expected = await totals(reference);
    const forms: [string | Uint8Array, Partial<PurchaseImportOptions>, string?][] = [
      [`\uFEFF${plain}`, { map: { customer: '客户' } }],
      [plain.replaceAll('\n', '\r\n'), { map: { customer: '客户' } }],
      [iconv.encode(plain, 'gb18030'), { map: { customer: '客户' }, encoding: 'gb18030' }],
      [gzipSync(plain), { map: { customer: '客户' } }, 'file.csv.gz'],
      [gzipSync(plain), { map: { customer: '客户' } }, 'without-suffix'],
      [
        '客户;date;amount\n王;01/02/2026;"1.234,50"\nMüller;31/12/2026;-7,0\n',
        { map: { customer: '客户' }, delimiter: ';', decimal: ',', dateFormat: 'DD/MM/YYYY' },
      ],
      [
        '客户|date|amount\n王|20260201|1,234.5\nMüller|20261231|-7\n',
        { map: { customer: '客户' }, delimiter: '|', decimal: '.', dateFormat: 'YYYYMMDD' },
      ],
      [
        '客户,date,amount\n王,2026-01-31T17:00:00Z,1234.5\nMüller,2026-12-31 23:59:59,-7\n',
        { map: { customer: '客户' } },
      ],
    ];

    for (const [content, options, name] of forms) {
      const bench = openImportBench();
      await run(bench, content, options, name);
      expect(await totals(bench)).toEqual(expected);
      const facts = await bench.all();
      expect(facts['王']?.orders[0]?.day).toBe((await reference.all())['王']?.orders[0]?.day);
    }
    const latin = openImportBench();
    await run(latin, iconv.encode('customer,date,amount\nMüller,2026-01-01,1\n', 'iso-8859-1'), {
      encoding: 'iso-8859-1',
    });
    expect(await totals(latin)).toEqual({ Müller: 100 });
  });

  it('knows that a compressed file is the same file', async () => {
    const bench = openImportBench();
    const file = 'customer,date,amount\na,2026-01-01,1\n';
    await run(bench, file);

    expect(await run(bench, gzipSync(file), {}, 'file.csv.gz')).toMatchObject({ alreadyImported: true });
  });

  it('counts money in the places that the currency has', async () => {
    const yen = openImportBench();
    await run(yen, 'customer,date,amount\na,2026-01-01,1500\nb,2026-01-01,1.5\n', { currency: 'JPY' });
    const dinar = openImportBench();
    await run(dinar, 'customer,date,amount\na,2026-01-01,1.005\n', { currency: 'KWD' });

    expect(await totals(yen)).toEqual({ a: 1500 });
    expect(yen.rejected).toHaveLength(1);
    expect(await totals(dinar)).toEqual({ a: 1005 });
  });

  it('keeps other columns as attributes, but none that is an id or a measure', async () => {
    const bench = openImportBench();
    const rows = Array.from(
      { length: 150 },
      (_, index) => `c${index},2026-01-01,1,${index % 2 === 0 ? 'business' : ''},${index}`,
    );

    const result = await run(bench, `customer,date,amount,purpose,serial\n${rows.join('\n')}`);

    expect((await bench.all())['c0']?.orders[0]?.attributes).toEqual({ purpose: 'business' });
    expect((await bench.all())['c1']?.orders[0]?.attributes).toEqual({});
    expect(result.notices).toEqual([expect.stringContaining('serial')]);
  });

  it('refuses a file whose dates overlap an earlier one of the same source, unless told how they relate', async () => {
    const bench = openImportBench();
    const first = await run(bench, 'customer,date,amount\na,2026-01-01,1\nb,2026-01-20,2\n');
    const second = 'customer,date,amount\na,2026-01-15,5\n';

    await expect(run(bench, second)).rejects.toMatchObject({
      code: 'import-overlaps',
      hint: expect.stringContaining(`--replace ${first.batchId}`),
    });
    expect(await totals(bench)).toEqual({ a: 100, b: 200 });
    await run(bench, second, { source: 'shop' });
    expect(await totals(bench)).toEqual({ a: 600, b: 200 });
  });

  it('adds an overlapping file where it is said to hold other purchases', async () => {
    const bench = openImportBench();
    await run(bench, 'customer,date,amount\na,2026-01-01,1\n');

    await run(bench, 'customer,date,amount\na,2026-01-01,1\nc,2026-01-01,1\n', { append: true });

    expect(await totals(bench)).toEqual({ a: 200, c: 100 });
  });

  it('replaces a batch, also at customers that the new file does not name, and lets it come back', async () => {
    const bench = openImportBench();
    const old = 'customer,date,amount\na,2026-01-01,1\nb,2026-01-20,2\n';
    const first = await run(bench, old);
    await run(bench, 'customer,date,amount\na,2025-06-01,50\n');

    const second = await run(bench, 'customer,date,amount\na,2026-01-01,7\n', { replace: first.batchId });

    expect(await totals(bench)).toEqual({ a: 5700, b: 0 });
    expect((await bench.ports.batches.get(first.batchId))?.record.state).toBe('replaced');
    await run(bench, old, { replace: second.batchId });
    expect(await totals(bench)).toEqual({ a: 5100, b: 200 });
  });

  it('replaces a purchase that comes again with the same id', async () => {
    const bench = openImportBench();
    await run(bench, 'customer,date,amount,id\na,2026-01-01,1,p1\na,2026-01-02,2,p2\n');

    await run(bench, 'customer,date,amount,id\na,2026-01-03,9,p1\na,2026-01-04,4,p3\n');

    expect((await bench.all())['a']?.orders.map(({ id, amountMinor }) => [id, amountMinor])).toEqual([
      ['default/p2', 200],
      ['default/p1', 900],
      ['default/p3', 400],
    ]);
  });

  it('only checks in a dry run', async () => {
    const bench = openImportBench();

    const result = await run(bench, 'customer,date,amount\na,2026-01-01,1\nb,x,1\n', { dryRun: true });

    expect(result).toMatchObject({ dryRun: true, rows: 2, accepted: 1, rejected: 1, written: 0 });
    expect(bench.rejected).toHaveLength(1);
    expect(bench.puts()).toBe(0);
    expect(await bench.ports.batches.list()).toEqual([]);
  });
});
