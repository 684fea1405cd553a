import { readCsv } from '#shared/application/import/csv-rows.ts';
import { rowScanner } from '#shared/application/import/row-scanner.ts';
import { type Bench, paired } from './measurement.ts';

const ROWS_PER_CUSTOMER = 20;
const PIECE_BYTES = 1 << 18;

/** What finding the ranges of a file costs, which one function does alone, against parsing it, which many do. */
export const importRows: Bench = async ({ customers, pairs }, progress) => {
  progress('making rows');
  const lines = Array.from({ length: customers * ROWS_PER_CUSTOMER }, (_, row) => {
    const day = String(1 + (row % 28)).padStart(2, '0');
    return `C-${row % customers},2026-05-${day},${row % 977}.${row % 10}0,O-${row},"shop ""${row % 7}"", main street"`;
  });
  const bytes = Buffer.from(`customer,date,amount,id,shop\n${lines.join('\n')}\n`);
  const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, index) =>
    bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
  );
  const scan = (): void => {
    const scanner = rowScanner({ encoding: 'utf-8', delimiter: ',', every: 50_000 });
    for (const piece of pieces) scanner.push(piece);
    if (scanner.end().rows !== lines.length) throw new Error('the scanner lost rows');
  };
  const parse = async (): Promise<void> => {
    const { rows } = await readCsv(stream(pieces), { name: 'bench.csv' });
    let count = 0;
    for await (const _ of rows) count += 1;
    if (count !== lines.length) throw new Error('the parser lost rows');
  };
  progress('scanning and parsing');
  const { ratio, firstMs } = await paired(pairs, scan, parse);
  const speed = bytes.length / 1_000 / firstMs;
  return [{ name: 'scan rows / parse them', actual: ratio, budget: 0.25, unit: '×', note: `${speed.toFixed(0)} MB/s` }];
};

async function* stream(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces;
}
