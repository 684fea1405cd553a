import { isResegmentError } from '../../errors.ts';
import type { ImportSource, RejectSink } from '../../ports/imports.ts';
import { addNote, checkNote, type NotePorts, type NoteRequest } from '../add-note.ts';
import type { CsvRow } from './csv-rows.ts';
import {
  assertColumnReadable,
  type Columns,
  cell,
  type ImportFormat,
  mapColumns,
  newRowCounter,
  openTable,
} from './import-table.ts';
import { dateFormat, type Parsed, parseId, shown } from './import-values.ts';

export interface NoteImportOptions extends ImportFormat {
  /** `customer`, `about`, `rating`, `by`, `reason` and `date` → column name. */
  readonly map?: Readonly<Record<string, string>>;
  readonly dryRun?: boolean | undefined;
  readonly rejects?: RejectSink;
}

export interface NoteImportResult {
  readonly dryRun: boolean;
  /** Rows without the header; accepted + rejected. */
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Of the accepted rows; 0 in a dry run. */
  readonly added: number;
  readonly unchanged: number;
}

const TARGETS = ['customer', 'about', 'rating', 'by', 'reason', 'date'] as const;
type Target = (typeof TARGETS)[number];
const REQUIRED = ['customer', 'about', 'rating', 'by', 'reason'] as const;
const LONGEST_NAME = 100;

/**
 * Imports notes of account managers, each as `addNote` keeps it, with the name in the file, which nobody verified. The same file
 * again changes nothing. Rows of customers who are not known are rejected.
 *
 * @throws PermanentError before anything is written: `mapping-invalid`, `file-…`
 */
export const importNotes = async (
  source: ImportSource,
  options: NoteImportOptions,
  ports: NotePorts,
): Promise<NoteImportResult> => {
  const table = await openTable(source, options);
  const columns = mapColumns(table.header, options.map ?? {}, TARGETS, REQUIRED, source.name);
  const dates = dateFormat(options.dateFormat, ports.timeZone);
  assertColumnReadable(table.first, columns.date, 'date', dates.parse, '--date-format');
  const counter = newRowCounter(table.header, options, options.rejects);
  const { counts } = counter;
  const written = { added: 0, unchanged: 0 };
  for await (const row of table.rows) {
    counts.rows += 1;
    const problem = counter.lengthProblem(row);
    const parsed: Parsed<NoteRequest> =
      problem === undefined ? parseRow(row, columns, dates.parse) : { ok: false, format: false, reason: problem };
    if (!parsed.ok) {
      await counter.reject(row, parsed.reason);
      continue;
    }
    try {
      if (options.dryRun === true) await checkNote(parsed.value, ports);
      else written[(await addNote(parsed.value, ports)).outcome === 'added' ? 'added' : 'unchanged'] += 1;
      counts.accepted += 1;
    } catch (error) {
      // A row that cannot be kept is named; a database that fails ends the import, which can be done again.
      if (!isResegmentError(error) || !REJECTED.has(error.code)) throw error;
      await counter.reject(row, error.message);
    }
  }
  return { dryRun: options.dryRun === true, ...counts, ...written };
};

const REJECTED = new Set([
  'about-invalid',
  'rating-invalid',
  'date-invalid',
  'reason-missing',
  'customer-unknown',
  'too-many-notes',
]);

const parseRow = (
  row: CsvRow,
  columns: Columns<Target>,
  parseDate: (text: string) => Parsed<string>,
): Parsed<NoteRequest> => {
  const text = (target: Target): string => cell(row, columns[target]).trim();
  const customer = parseId(text('customer'), 'customer id');
  if (!customer.ok) return customer;
  const by = text('by');
  if (by === '' || by.length > LONGEST_NAME || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(by)) {
    return {
      ok: false,
      format: false,
      reason: `by must be a person's name of 1 to ${LONGEST_NAME} characters, got ${shown(by)}`,
    };
  }
  const date = text('date') === '' ? undefined : parseDate(text('date'));
  if (date?.ok === false) return date;
  const unverified = by.endsWith('(unverified)') ? by : `${by} (unverified)`;
  return {
    ok: true,
    value: {
      customerId: customer.value,
      about: text('about'),
      rating: text('rating'),
      reason: text('reason'),
      by: unverified,
      ...(date === undefined ? {} : { date: date.value }),
    },
  };
};
