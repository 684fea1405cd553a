import { type ExportTable, encodeExport } from '#shared/application/export-run.ts';
import type { CommandContext } from './command.ts';
import { writeWhole } from './export-command.ts';
import { UsageError } from './usage-error.ts';

export const TABLE_FORMATS = ['csv', 'parquet'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

/** Options of a command whose tables can go to a file. */
export interface TableOptions {
  readonly by?: string;
  readonly format?: string;
  readonly out?: string;
}

export interface TableFile {
  readonly format: TableFormat;
  readonly out: string;
}

/** The groupings of `--by`: all of them without it. @throws UsageError `grouping-unknown` */
export const chosenGroupings = <Grouping extends string>(
  groupings: readonly Grouping[],
  by: string | undefined,
): readonly Grouping[] => {
  const chosen = groupings.filter((grouping) => by === undefined || grouping === by);
  if (chosen.length === 0) {
    throw new UsageError('grouping-unknown', `--by must be one of ${groupings.join(', ')}, got ${JSON.stringify(by)}`);
  }
  return chosen;
};

/** The file of `--format` and `--out`; undefined without both. @param example a file's name for the hint. @throws UsageError */
export const tableFile = ({ format, out }: TableOptions, example: string): TableFile | undefined => {
  const known = TABLE_FORMATS.find((one) => one === format);
  if (format !== undefined && known === undefined) {
    throw new UsageError(
      'format-unknown',
      `--format must be one of ${TABLE_FORMATS.join(', ')}, got ${JSON.stringify(format)}; --json prints JSON`,
    );
  }
  if (known !== undefined && out !== undefined) return { format: known, out };
  if (format === undefined && out === undefined) return undefined;
  throw new UsageError('option-invalid', `--format and --out go together, such as --format csv --out ${example}`);
};

/** Writes the table of a wave and says so. */
export const writeWaveTable = (
  { terminal }: CommandContext,
  waveId: string,
  table: ExportTable,
  { format, out }: TableFile,
): void => {
  const bytes = writeWhole(out, encodeExport(table, format, { bom: false }));
  terminal.result(
    { waveId, format, out, rows: table.rows.length, bytes },
    () => `${table.rows.length} rows of wave ${waveId} in ${out} (${format}, ${bytes} bytes)`,
  );
};
