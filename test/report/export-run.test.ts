import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine, type ExportTable, encodeExport, neutralised } from '#shared/application/export-run.ts';
import { decimalOfMinor } from '#shared/application/format-value.ts';

const table = (rows: ExportTable['rows']): ExportTable => ({
  columns: [
    { name: 'customer_id', kind: 'text' },
    { name: 'metric_spend', kind: 'money' },
    { name: 'score_R', kind: 'number' },
  ],
  rows,
  currency: 'EUR',
  erased: 0,
});
const text = (pieces: Iterable<Uint8Array>): string => Buffer.concat([...pieces]).toString('utf8');

describe('the export of a run', () => {
  it.each(['=1+1', '+1', '-1', '@x', '\tx', '\rx', '\u0000x', '＝1', '＋1', '－1', '＠x', ' =1', '\u3000=1'])(
    'R24 makes the formula start %j harmless',
    (value) => {
      expect(neutralised(value)).toBe(`'${value}`);
    },
  );

  it('leaves plain text, numbers and negative money as they are', () => {
    expect(neutralised('C-1042')).toBe('C-1042');
    expect(text(encodeExport(table([['C-1', -1_205, -2]]), 'csv'))).toBe(
      'customer_id,metric_spend,score_R\r\nC-1,-12.05,-2\r\n',
    );
  });

  it('quotes commas, quotation marks and line ends as RFC 4180 says', () => {
    expect(csvLine(['a,b', 'say "x"', 'two\nlines', ''])).toBe('"a,b","say ""x""","two\nlines",\r\n');
  });

  it('begins with a byte order mark only where Excel is to read it', () => {
    expect(text(encodeExport(table([]), 'csv', { bom: true })).charCodeAt(0)).toBe(0xfeff);
    expect(text(encodeExport(table([]), 'csv'))).toBe('customer_id,metric_spend,score_R\r\n');
  });

  it('gives JSON that reads back, missing values as null', () => {
    const rows = JSON.parse(text(encodeExport(table([['é"', 100, null]]), 'json')));

    expect(rows).toEqual([{ customer_id: 'é"', metric_spend: 1, score_R: null }]);
    expect(JSON.parse(text(encodeExport(table([]), 'json')))).toEqual([]);
  });

  it('gives Parquet that another reader understands', async () => {
    const { parquetReadObjects } = await import('hyparquet');
    const bytes = Buffer.concat([
      ...encodeExport(
        table([
          ['a', 1_234, 5],
          ['b', null, null],
        ]),
        'parquet',
      ),
    ]);

    const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });

    expect(rows).toEqual([
      { customer_id: 'a', metric_spend: 12.34, score_R: 5 },
      { customer_id: 'b', metric_spend: null, score_R: null },
    ]);
  });

  it('writes any amount in minor units exactly', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (minor) => {
        expect(BigInt(decimalOfMinor(minor, 'EUR').replace('.', ''))).toBe(BigInt(minor));
        expect(decimalOfMinor(minor, 'JPY')).toBe(String(minor));
      }),
    );
  });
});
