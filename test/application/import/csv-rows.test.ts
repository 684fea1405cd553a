import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine, readCsv } from '#shared/application/import/csv-rows.ts';
import { fileOf } from '#test/support/import-bench.ts';

const field = fc.string({ unit: fc.constantFrom('a', 'é', '银', '😀', '"', ',', ';', '\n', ' '), maxLength: 6 });

const read = async (content: string | Uint8Array, pieceBytes: number, delimiter: string) => {
  const csv = await readCsv(fileOf(content, 'f.csv', pieceBytes).open(), { name: 'f.csv', delimiter });
  const rows: { line: number; fields: readonly string[] }[] = [];
  for await (const row of csv.rows) rows.push(row);
  return { header: csv.header, rows };
};

describe('CSV', () => {
  it('gives back any fields, however the bytes are cut and whether compressed or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(',', ';'),
        fc.boolean(),
        async (rows, pieceBytes, delimiter, compressed) => {
          const text = [['k', 'v'], ...rows].map((row) => csvLine(row, delimiter)).join('\r\n');

          const { header, rows: parsed } = await read(compressed ? gzipSync(text) : text, pieceBytes, delimiter);

          expect(header).toEqual(['k', 'v']);
          expect(parsed.map(({ fields }) => fields)).toEqual(rows);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('knows the line on which each row begins, over quoted line ends and blank lines', async () => {
    const { rows } = await read('k,v\na,1\n"b\nb\nb",2\n\n\nc,3\nd,"4\n"\ne,5', 5, ',');

    expect(rows.map(({ line, fields }) => [fields[0]?.[0], line])).toEqual([
      ['a', 2],
      ['b', 3],
      ['c', 8],
      ['d', 9],
      ['e', 11],
    ]);
  });
});
