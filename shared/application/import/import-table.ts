import { createHash, type Hash } from 'node:crypto';
import { PermanentError } from '../../errors.ts';
import type { ImportSource, RejectSink } from '../../ports/imports.ts';
import { type CsvEncoding, type CsvRow, csvLine, readCsv } from './csv-rows.ts';
import type { NumberFormat, Parsed } from './import-values.ts';

/** How a file is written. What is not said is never guessed. */
export interface ImportFormat extends NumberFormat {
  readonly encoding?: CsvEncoding | undefined;
  /** One character; `,` if absent. */
  readonly delimiter?: string | undefined;
  /** Such as `DD/MM/YYYY`; ISO 8601 if absent. */
  readonly dateFormat?: string | undefined;
}

/** Rows that are looked at before anything else, to find out that a whole column is written another way. */
export const LOOK_AHEAD_ROWS = 1_000;

export interface ImportTable {
  readonly header: readonly string[];
  /** The first rows; `rows` has them again. */
  readonly first: readonly CsvRow[];
  readonly rows: AsyncIterable<CsvRow>;
  /** Lets go of the file before its end. */
  close(): Promise<void>;
}

/** Opens the file and reads its first rows. @param hash gets all bytes, decompressed, as the iteration goes on */
export const openTable = async (source: ImportSource, format: ImportFormat, hash?: Hash): Promise<ImportTable> => {
  const decimals: readonly (string | undefined)[] = [undefined, '.', ','];
  if (!decimals.includes(format.decimal)) {
    throw new PermanentError('decimal-invalid', `--decimal takes . or , and got ${JSON.stringify(format.decimal)}`);
  }
  const { header, rows } = await readCsv(source.open(), {
    name: source.name,
    ...(hash === undefined ? {} : { hash }),
    ...(format.encoding === undefined ? {} : { encoding: format.encoding }),
    ...(format.delimiter === undefined ? {} : { delimiter: format.delimiter }),
  });
  const iterator = rows[Symbol.asyncIterator]();
  const first: CsvRow[] = [];
  let ended = false;
  while (first.length < LOOK_AHEAD_ROWS && !ended) {
    const next = await iterator.next();
    if (next.done === true) ended = true;
    else first.push(next.value);
  }
  if (first.length === 0) {
    throw new PermanentError('file-without-rows', `${source.name} has a header but no rows`);
  }
  const all = async function* (): AsyncGenerator<CsvRow, void, undefined> {
    yield* first;
    while (!ended) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  };
  const close = async (): Promise<void> => {
    await iterator.return?.();
  };
  return { header, first, rows: all(), close };
};

/** Which field of a row holds what. */
export type Columns<Target extends string> = { readonly [K in Target]?: number };

/**
 * Finds the columns that `map` names. A target that `map` leaves out is the column of the same name, if there is one.
 *
 * @param map target → column name
 * @throws PermanentError `mapping-invalid` that lists the columns there are
 */
export const mapColumns = <Target extends string>(
  header: readonly string[],
  map: Readonly<Record<string, string>>,
  targets: readonly Target[],
  required: readonly Target[],
  fileName: string,
): Columns<Target> => {
  const available = `the columns of ${fileName} are: ${header.join(', ')}`;
  const problems: string[] = [];
  const columns: { [K in Target]?: number } = {};
  const used = new Map<string, string>();
  for (const name of Object.keys(map)) {
    if (!targets.some((target) => target === name))
      problems.push(`--map knows no ${name}; it takes ${targets.join(', ')}`);
  }
  for (const target of targets) {
    const named = map[target];
    const column = named ?? target;
    const count = header.filter((name) => name === column).length;
    if (count === 0) {
      if (named !== undefined) problems.push(`--map says ${target}=${named}, but there is no column ${named}`);
      else if (required.includes(target)) problems.push(`--map must say which column is the ${target}`);
      continue;
    }
    if (count > 1) problems.push(`the column ${column} is there ${count} times`);
    const before = used.get(column);
    if (before !== undefined) problems.push(`--map gives the column ${column} to both ${before} and ${target}`);
    used.set(column, target);
    columns[target] = header.indexOf(column);
  }
  if (problems.length > 0) {
    throw new PermanentError('mapping-invalid', `${problems.join('; ')}; ${available}`, {
      details: { columns: header },
      hint: `for example: --map ${required.map((target) => `${target}=COLUMN`).join(',')}`,
    });
  }
  return columns;
};

/** The content of a mapped column in a row; empty where the column is not mapped. */
export const cell = (row: CsvRow, column: number | undefined): string =>
  column === undefined ? '' : (row.fields[column] ?? '');

/**
 * Refuses the file where every value of a column in the first rows is written another way than the options say.
 *
 * @throws PermanentError with the flag to give
 */
export const assertColumnReadable = (
  first: readonly CsvRow[],
  column: number | undefined,
  name: string,
  parse: (text: string) => Parsed<unknown>,
  flag: '--decimal' | '--date-format',
): void => {
  if (column === undefined) return;
  const values = first.map((row) => cell(row, column).trim()).filter((value) => value !== '');
  const results = values.map(parse);
  if (values.length === 0 || results.some((result) => result.ok || !result.format)) return;
  const [sample] = values;
  const [result] = results;
  const help =
    flag === '--date-format'
      ? '--date-format DD/MM/YYYY, MM/DD/YYYY, YYYYMMDD or another of YYYY, MM, DD'
      : '--decimal , or --decimal .';
  throw new PermanentError(
    flag === '--decimal' ? 'numbers-unreadable' : 'dates-unreadable',
    `none of the first ${values.length} values of the column ${name} can be read, such as ${JSON.stringify(sample?.slice(0, 40))}: ${result?.ok === false ? result.reason : ''}`,
    { hint: `say how they are written: ${help}` },
  );
};

/** Counts rows and hands rejected ones on. */
export const newRowCounter = (header: readonly string[], format: ImportFormat, rejects: RejectSink | undefined) => {
  const counts = { rows: 0, accepted: 0, rejected: 0 };
  return {
    counts,
    /** @returns the reason where the row has another number of fields than the header */
    lengthProblem: (row: CsvRow): string | undefined =>
      row.fields.length === header.length
        ? undefined
        : `the row has ${row.fields.length} fields, the header ${header.length}`,
    reject: async (row: CsvRow, reason: string): Promise<void> => {
      counts.rejected += 1;
      await rejects?.write({ line: row.line, reason, original: csvLine(row.fields, format.delimiter) });
    },
  };
};

/** The id of a batch: what the file holds and how it was read. @param content SHA-256 of the file, decompressed */
export const batchIdOf = (
  kind: 'purchases' | 'customers' | 'answers',
  content: Uint8Array,
  reading: unknown,
): string => {
  const hash = createHash('sha256').update(content).update(JSON.stringify(reading));
  return `${kind}-${hash.digest('hex').slice(0, 16)}`;
};
