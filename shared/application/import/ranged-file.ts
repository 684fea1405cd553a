import type { ImportBatch } from '../../contracts/import-batch.ts';
import type { ImportSettings, RangedKindName } from '../../contracts/import-job.ts';
import type { IsoDate } from '../../domain/calendar.ts';
import type { CsvRow } from './csv-rows.ts';
import type { ImportPorts } from './import-batches.ts';
import type { ImportTable } from './import-table.ts';
import type { Parsed } from './import-values.ts';
import type { WriteCounts } from './import-write.ts';

/** What everybody who reads the file must know besides its settings. */
export interface ReadingContext {
  /** ISO 4217 code of the stage. */
  readonly currency: string;
  readonly businessTimeZone: string;
  /** What is dated later is dated ahead. */
  readonly today: IsoDate;
  /** Customers who are not taken up again. */
  readonly isErased?: (customerId: string) => boolean;
}

/** What a row says that counts for the file as a whole. */
export interface RowFacts {
  readonly customerId: string;
  readonly date: IsoDate;
  /** Null where the file has no amounts. */
  readonly amountMinor: number | null;
  /** What must not come twice in a file. */
  readonly key?: string;
  /** What rows of the same key are compared by. */
  readonly content?: string;
  /** Why a part of the row is not taken up. */
  readonly notice?: string;
}

/** A file of a kind of which it is settled how it is read, so that any of its ranges can be read alone. */
export interface RangedFile {
  /** What makes up the batch's id besides the bytes. */
  readonly identity: unknown;
  look(row: CsvRow): Parsed<RowFacts>;
  /** Whether the file's rows have keys. */
  readonly hasKeys: boolean;
  /** Whether a row may say the same as an earlier one of its key; otherwise the second is not imported. */
  readonly allowsSame: boolean;
  /** The customer of a row that may be wrong otherwise; undefined where it cannot be read. */
  customerOf(row: CsvRow): string | undefined;
  /** Why a row is not imported whose key was there before. */
  repeated(row: CsvRow): string;
  /** Writes good rows of one chunk; the same chunk again changes nothing. */
  write(
    rows: readonly CsvRow[],
    where: { readonly batch: ImportBatch; readonly chunk: number },
    ports: ImportPorts,
    counts: WriteCounts,
  ): Promise<void>;
}

/** A kind of file that is read in ranges. */
export interface RangedKind {
  readonly kind: RangedKindName;
  /**
   * Settles from the header and the first rows how the file is read.
   *
   * @returns `reading` as JSON
   * @throws PermanentError `mapping-invalid`, `dates-unreadable`, `numbers-unreadable`, `as-of-…`, `date-format-invalid`
   */
  settle(
    table: Pick<ImportTable, 'header' | 'first'>,
    settings: ImportSettings,
    fileName: string,
    context: ReadingContext,
  ): { readonly reading: unknown; readonly notices: readonly string[] };
  /** @param reading as `settle` gave it */
  file(reading: unknown, settings: ImportSettings, context: ReadingContext): RangedFile;
}
