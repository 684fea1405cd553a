import { describe, expect, it } from 'vitest';
import { type AnswerImportOptions, importAnswers } from '#shared/application/import/import-answers.ts';
import { importCustomers } from '#shared/application/import/import-customers.ts';
import { dateFormat } from '#shared/application/import/import-values.ts';
import { fileOf, type ImportBench, openImportBench } from '#test/support/import-bench.ts';

const withCustomers = async (): Promise<ImportBench> => {
  const bench = openImportBench();
  await importCustomers(fileOf('id\na\nb\n'), { asOf: '2026-01-31' }, bench.ports);
  return bench;
};
const run = (bench: ImportBench, content: string, options: Partial<AnswerImportOptions> = {}) =>
  importAnswers(fileOf(content), { rejects: bench.rejects, ...options }, bench.ports);

const valuesOf = async (bench: ImportBench, id: string): Promise<[string, number, number][]> =>
  Object.values((await bench.all())[id]?.answers ?? {}).map(({ date, value, version }) => [date, value, version]);

describe('an import of answers', () => {
  it('brings answers of every scale to 0..1 on their customers', async () => {
    const bench = await withCustomers();

    const result = await run(
      bench,
      'customer,score,at,scale\na,9,2026-03-01,0-10\na,1,2026-03-02,1-5\nb,4,2026-03-01T23:00:00Z,1-7\n',
      {
        source: 'hotline',
      },
    );

    expect(result).toMatchObject({ rows: 3, accepted: 3, customers: 2, written: 2 });
    expect(await valuesOf(bench, 'a')).toEqual([
      ['2026-03-01', 0.9, 1],
      ['2026-03-02', 0, 1],
    ]);
    expect(await valuesOf(bench, 'b')).toEqual([['2026-03-02', 0.5, 1]]);
    expect(Object.keys((await bench.all())['b']?.answers ?? {})[0]).toMatch(/^ext\/hotline\/[0-9a-f]{16}$/);
  });

  it('changes nothing when the same file comes again, and takes a corrected score', async () => {
    const bench = await withCustomers();
    await run(bench, 'customer,score,at\na,9,2026-03-01\n');

    expect(await run(bench, 'customer,score,at\na,9,2026-03-01\n')).toMatchObject({
      alreadyImported: true,
      written: 0,
    });
    await run(bench, 'customer,score,at\na,3,2026-03-01\nb,10,2026-03-01\n');

    expect(await valuesOf(bench, 'a')).toEqual([['2026-03-01', 0.3, 2]]);
  });

  it('counts two answers of one customer on one day', async () => {
    const bench = await withCustomers();

    await run(bench, 'customer,score,at\na,9,2026-03-01\na,9,2026-03-01\n');

    expect(await valuesOf(bench, 'a')).toHaveLength(2);
  });

  it('rejects rows of unknown customers and scores off the scale', async () => {
    const bench = await withCustomers();

    const result = await run(
      bench,
      'customer,score,at,scale\nz,9,2026-03-01,\na,11,2026-03-01,\na,2.5,2026-03-01,1-5\na,0,2026-03-01,1-5\na,3,2026-03-01,stars\na,7,2026-02-30,\na,7,2026-03-01,\n',
    );

    expect(result).toMatchObject({ rows: 7, accepted: 1, rejected: 6, newCustomers: 0 });
    expect(bench.rejected.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining([
        'the customer "z" is not known',
        expect.stringContaining('0 to 10'),
        expect.stringContaining('1 to 5'),
      ]),
    );
    expect(Object.keys(await bench.all()).sort()).toEqual(['a', 'b']);
  });

  it('imports the rest of a file once its customers are known', async () => {
    const bench = await withCustomers();
    const file = 'customer,score,at\na,9,2026-03-01\nlate,8,2026-03-01\n';
    await run(bench, file);
    await importCustomers(fileOf('id\nlate\n'), { asOf: '2026-02-28' }, bench.ports);

    expect(await run(bench, file)).toMatchObject({ alreadyImported: false, accepted: 2 });

    expect(await valuesOf(bench, 'a')).toEqual([['2026-03-01', 0.9, 1]]);
    expect(await valuesOf(bench, 'late')).toHaveLength(1);
  });

  it('refuses an unknown scale and dates of another form', async () => {
    const bench = await withCustomers();

    await expect(run(bench, 'customer,score,at\na,9,2026-03-01\n', { scale: '1-3' as never })).rejects.toMatchObject({
      code: 'scale-invalid',
    });
    await expect(run(bench, 'customer,score,at\na,9,1/3/2026\n')).rejects.toMatchObject({ code: 'dates-unreadable' });
  });

  it('R12 keeps one answer per id, the latest, in whatever order files and rows come, and says how many were replaced', async () => {
    const map = { id: 'n', customer: 'customer', score: 'score', at: 'at' };
    const files = [
      'n,customer,score,at\nr1,a,2,2026-03-01 10:00:00\nr2,a,5,2026-03-02 10:00:00\nr1,a,7,2026-03-01 12:00:00\n',
      'n,customer,score,at\nr1,a,9,2026-03-01 11:00:00\nr3,b,1,2026-03-05\n',
    ];
    const forwards = await withCustomers();
    const results = [await run(forwards, files[0] ?? '', { map }), await run(forwards, files[1] ?? '', { map })];
    const backwards = await withCustomers();
    for (const file of files.toReversed()) await run(backwards, file, { map });

    expect(results).toMatchObject([
      { rows: 3, accepted: 3, rejected: 0, stored: 2, replaced: 1 },
      { rows: 2, accepted: 2, rejected: 0, stored: 1, replaced: 1 },
    ]);
    for (const bench of [forwards, backwards]) {
      const answers = Object.values((await bench.all())['a']?.answers ?? {});
      expect(answers.map(({ answerId, value }) => [answerId, value]).sort()).toEqual([
        ['ext/default/r1', 0.7],
        ['ext/default/r2', 0.5],
      ]);
      expect(await valuesOf(bench, 'b')).toHaveLength(1);
    }
  });

  it('takes a corrected score of the same time by id, and rejects an id of two customers', async () => {
    const bench = await withCustomers();
    const map = { id: 'n', customer: 'customer', score: 'score', at: 'at' };
    await run(bench, 'n,customer,score,at\nr1,a,2,2026-03-01\n', { map });

    const result = await run(bench, 'n,customer,score,at\nr1,a,3,2026-03-01\nr1,b,4,2026-03-02\n,b,4,2026-03-02\n', {
      map,
    });

    expect(result).toMatchObject({ rows: 3, stored: 1, replaced: 0, rejected: 2 });
    expect(bench.rejected.map(({ reason }) => reason).sort()).toEqual([
      'the id "r1" is of another customer in line 2',
      'the id of the answer is empty',
    ]);
    expect((await valuesOf(bench, 'a')).map(([, value]) => value)).toEqual([0.3]);
  });

  it('leaves a column called id alone unless the map names it', async () => {
    const bench = await withCustomers();

    await run(bench, 'id,score,at\na,9,2026-03-01\na,9,2026-03-01\n', { map: { customer: 'id' } });

    expect(await valuesOf(bench, 'a')).toHaveLength(2);
  });

  it('follows other files to the customer, and says which of them does not lead there', async () => {
    const bench = await withCustomers();
    const orders = fileOf('order,who\no1,k1\no2,k2\no3,k3\no4,k4\no4,k5\no1,k1\n', 'orders.csv');
    const people = fileOf('who,person\nk1,a\nk2,b\nk3,z\n', 'people.csv');
    const via = [
      { source: orders, key: 'order', value: 'who' },
      { source: people, key: 'who', value: 'person' },
    ];
    const file =
      'order,score,at\no1,9,2026-03-01\no2,8,2026-03-01\no3,7,2026-03-01\no4,6,2026-03-01\no5,5,2026-03-01\n';

    const result = await run(bench, file, { map: { customer: 'order' }, via });

    expect(result).toMatchObject({ rows: 5, accepted: 2, rejected: 3, customers: 2 });
    expect(bench.rejected.map(({ reason }) => reason).sort()).toEqual([
      'orders.csv has no order "o5"',
      'orders.csv leads from order "o4" to more than one who',
      'the customer "z" is not known',
    ]);
    expect(await run(bench, file, { map: { customer: 'order' }, via })).toMatchObject({ alreadyImported: true });
    await expect(
      run(bench, file, { map: { customer: 'order' }, via: [{ source: orders, key: 'order_id', value: 'who' }] }),
    ).rejects.toMatchObject({
      code: 'via-column-unknown',
      message: expect.stringContaining('its columns are: order, who'),
    });
  });

  it('tells which of two answers is later however dates are written', () => {
    const iso = dateFormat(undefined, 'Asia/Shanghai');
    expect(iso.secondsOf('2026-03-01 12:00:01') - iso.secondsOf('2026-03-01')).toBe(43_201);
    expect(iso.secondsOf('2026-03-01T12:00:00+08:00')).toBe(Date.UTC(2026, 2, 1, 4) / 1000);
    const named = dateFormat('DD/MM/YYYY HH:MM:SS', 'UTC');
    expect(named.secondsOf('01/03/2026 12:00:01')).toBe(Date.UTC(2026, 2, 1, 12, 0, 1) / 1000);
    expect(dateFormat('DD/MM/YYYY', 'UTC').secondsOf('01/03/2026')).toBe(Date.UTC(2026, 2, 1) / 1000);
  });
});
