import fc from 'fast-check';
import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import { type CsvEncoding, readCsv, readRows } from '#shared/application/import/csv-rows.ts';
import { rowScanner } from '#shared/application/import/row-scanner.ts';
import { CSV_ENCODINGS } from '#shared/contracts/import-job.ts';
import { fileOf } from '#test/support/import-bench.ts';

const whole = async (bytes: Uint8Array, encoding: CsvEncoding, delimiter: string) => {
  const { header, rows } = await readCsv(fileOf(bytes, 'f.csv', 5).open(), { name: 'f.csv', encoding, delimiter });
  const all: { line: number; fields: readonly string[] }[] = [];
  for await (const row of rows) all.push(row);
  return { header, rows: all };
};

const scan = (bytes: Uint8Array, encoding: CsvEncoding, delimiter: string, every: number, pieceBytes: number) => {
  const scanner = rowScanner({ encoding, delimiter, every });
  for (let at = 0; at < bytes.length; at += pieceBytes) scanner.push(bytes.subarray(at, at + pieceBytes));
  return scanner.end();
};

/** Everything that a parser of CSV can stumble over, in any order. */
const piece = fc.constantFrom(
  'a',
  'ß',
  '"',
  '""',
  ',',
  '|',
  ';',
  '\n',
  '\r\n',
  '\r',
  ' ',
  '1',
  'x"y',
  '"q"',
  '"\n"',
  '\n\n',
);
/** Among them a character whose second byte in GB18030 is that of |. */
const chinese = fc.constantFrom('银', '亅', '亅"', '行', '丂', '€', '龥', '|', '~', '"银"', '\n', ',');
const mostly = (lineEnd: string) =>
  fc
    .array(
      fc.array(
        fc.oneof(
          piece.filter((one) => !/[\r\n]/.test(one)),
          chinese.filter((one) => one !== '\n'),
        ),
        { maxLength: 5 },
      ),
      {
        maxLength: 12,
      },
    )
    .map((rows) => rows.map((row) => row.join('')).join(lineEnd));
const content = fc.oneof(
  fc.array(fc.oneof(piece, chinese), { minLength: 1, maxLength: 60 }).map((pieces) => pieces.join('')),
  mostly('\n'),
  mostly('\r\n'),
  mostly('\r'),
);

describe('the scanner of rows', () => {
  it('cuts a file where the parser finds rows: its ranges give the rows of the whole file, with their lines', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.constantFrom(...CSV_ENCODINGS),
        fc.constantFrom(',', '|', ';'),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 4, max: 9 }),
        fc.boolean(),
        async (text, encoding, delimiter, every, pieceBytes, marked) => {
          const plain = encoding === 'iso-8859-1' ? text.replace(/[^\0-\xff]/gu, 'é') : text;
          const head = marked && encoding !== 'iso-8859-1' ? '\uFEFF' : '';
          const bytes = iconv.encode(`${head}k${delimiter}v\n`.slice(0, marked ? undefined : 0) + plain, encoding);
          const expected = await whole(bytes, encoding, delimiter).catch(() => undefined);
          // A file that the parser refuses is refused before anybody cuts it, or by the range that holds the fault.
          fc.pre(expected !== undefined);
          const {
            rows,
            boundaries,
            recordDelimiter,
            bytes: size,
          } = scan(bytes, encoding, delimiter, every, pieceBytes);

          const found: { line: number; fields: readonly string[] }[] = [];
          for (const [index, { offset, line, row }] of boundaries.entries()) {
            expect(row).toBe(found.length);
            const range = bytes.subarray(offset, boundaries[index + 1]?.offset ?? bytes.length);
            const read = readRows(
              fileOf(range, 'f.csv', pieceBytes).open(),
              { name: 'f.csv', encoding, delimiter, recordDelimiter },
              line,
            );
            for await (const one of read) found.push(one);
          }

          expect(size).toBe(bytes.length);
          expect(rows).toBe(expected?.rows.length);
          expect(found.map(({ fields }) => fields)).toEqual(expected?.rows.map(({ fields }) => fields));
          if (recordDelimiter !== '\r')
            expect(found.map(({ line }) => line)).toEqual(expected?.rows.map(({ line }) => line));
          compared += 1;
        },
      ),
      { numRuns: 1_500 },
    );
    expect(compared).toBeGreaterThan(400);
  });

  it('says where each stretch of rows begins', () => {
    const bytes = Buffer.from('k,v\r\na,1\r\n"b\r\nb",2\r\n\r\nc,3\r\n');

    expect(scan(bytes, 'utf-8', ',', 2, 4)).toEqual({
      rows: 3,
      bytes: bytes.length,
      recordDelimiter: '\r\n',
      boundaries: [
        { offset: 5, line: 2, row: 0 },
        { offset: 20, line: 5, row: 2 },
      ],
    });
  });
});
