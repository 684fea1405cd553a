import { parquetReadObjects } from 'hyparquet';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import type { TraitValue } from '../domain/facts.ts';

/** The types of columns that our files use. */
export type ColumnType = 'BOOLEAN' | 'INT32' | 'DOUBLE' | 'STRING';
export type Cell = number | string | boolean | null;

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly data: Cell[];
}

/** Named values of many rows as columns: one per name, in the order in which the names first appear. */
export const valueColumns = (
  prefix: string,
  rows: readonly Readonly<Record<string, TraitValue | null>>[],
): readonly Column[] => {
  const names = new Set<string>();
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  return [...names].map((name) => {
    const data = rows.map((row) => row[name] ?? null);
    const types = new Set(data.filter((value) => value !== null).map((value) => typeof value));
    if (types.size > 1 || name.endsWith(MIXED))
      return { name: `${prefix}${name}${MIXED}`, type: 'STRING', data: data.map(jsonOrNull) };
    const [type] = types;
    return { name: `${prefix}${name}`, type: columnType(type), data };
  });
};

/** Ends the name of a column whose values are of several types, as JSON. */
const MIXED = '__json';

const jsonOrNull = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

const columnType = (type: string | undefined): ColumnType =>
  type === 'string' ? 'STRING' : type === 'boolean' ? 'BOOLEAN' : 'DOUBLE';

/** The names that a row lacks although other rows of the file have them, as JSON; null if it lacks none. */
export const absentNames = (rows: readonly Readonly<Record<string, unknown>>[]): readonly (string | null)[] => {
  const names = new Set<string>();
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  return rows.map((row) => {
    const absent = [...names].filter((name) => !Object.hasOwn(row, name));
    return absent.length === 0 ? null : JSON.stringify(absent);
  });
};

/** Named values of one row back from its cells. */
export const rowValues = (
  prefix: string,
  cells: Readonly<Record<string, unknown>>,
  absent: unknown,
): Record<string, TraitValue | null> => {
  const lacks = new Set<string>(typeof absent === 'string' ? JSON.parse(absent) : []);
  const values: Record<string, TraitValue | null> = {};
  for (const [column, cell] of Object.entries(cells)) {
    if (!column.startsWith(prefix)) continue;
    const mixed = column.endsWith(MIXED);
    const name = column.slice(prefix.length, mixed ? -MIXED.length : undefined);
    if (lacks.has(name)) continue;
    values[name] = asValue(mixed && typeof cell === 'string' ? JSON.parse(cell) : cell);
  }
  return values;
};

const asValue = (cell: unknown): TraitValue | null =>
  typeof cell === 'number' || typeof cell === 'string' || typeof cell === 'boolean' ? cell : null;

/** The columns as one Parquet file. The same columns give the same bytes; no rows are a valid file. */
export const writeTable = (columns: readonly Column[]): Uint8Array => {
  const columnData: ColumnSource[] = columns.map(({ name, type, data }) => ({ name, type, data, nullable: true }));
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: 'resegment', rowGroupSize: 100_000 }));
};

/** The rows of a Parquet file, as records of cells. */
export const readTable = async (bytes: Uint8Array): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const buffer = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(buffer).set(bytes);
  return parquetReadObjects({ file: buffer });
};
