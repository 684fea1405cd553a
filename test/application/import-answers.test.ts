import { describe, expect, it } from 'vitest';
import { type AnswerImportOptions, importAnswers } from '#shared/application/import-answers.ts';
import { importCustomers } from '#shared/application/import-customers.ts';
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
});
