import * as z from 'zod/mini';
import type { ImportSettings } from '../../contracts/import-job.ts';
import { toDayNumber } from '../../domain/calendar.ts';
import type { OrderDay } from '../../domain/facts.ts';
import { addPurchases } from '../../domain/merge-facts.ts';
import { currencyExponent } from '../../domain/money.ts';
import { PermanentError } from '../../errors.ts';
import type { ImportSource } from '../../ports/imports.ts';
import type { CsvRow } from './csv-rows.ts';
import type { ImportResult, InProcessPorts } from './import-batches.ts';
import { type InProcessOptions, importInProcess } from './import-in-process.ts';
import {
  assertColumnReadable,
  type Columns,
  cell,
  type ImportFormat,
  type ImportTable,
  mapColumns,
} from './import-table.ts';
import { dateFormat, ERASED_ROW, type Parsed, parseAmountMinor, parseId, shown } from './import-values.ts';
import { changeCustomers, type FactsChange } from './import-write.ts';
import type { RangedKind, ReadingContext } from './ranged-file.ts';

export interface PurchaseImportOptions extends ImportFormat, InProcessOptions {
  /** `customer`, `date`, `amount` and, where purchases have one, `id` → column name. */
  readonly map?: Readonly<Record<string, string>>;
  /** ISO 4217 code of the stage's reporting currency. */
  readonly currency: string;
  /** Columns that become attributes of purchases. Absent: all other columns with at most 100 values in the first rows. */
  readonly attributes?: readonly string[];
  /** The system that the file comes from; `default` if absent. Ids and overlapping dates are judged within it. */
  readonly source?: string;
  /** Batch that this file takes the place of. */
  readonly replace?: string;
  /** The file's purchases are others than those of batches with overlapping dates. */
  readonly append?: boolean;
}

const TARGETS = ['customer', 'date', 'amount', 'id'] as const;
const REQUIRED = ['customer', 'date', 'amount'] as const;
/** A column with more values than this is no attribute but an id or a measure. */
const MAX_ATTRIBUTE_VALUES = 100;
const MAX_ATTRIBUTE_BYTES = 200;

interface Purchase {
  readonly customerId: string;
  readonly date: string;
  readonly amountMinor: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly id?: string;
}

/**
 * Imports purchases from CSV (DECISIONS 7 and 24). The file is read twice: first everything is checked and counted, then it
 * is written, chunk by chunk, one conditional write per customer and chunk. The same file again changes nothing; after an
 * interruption the same command finishes it. Negative amounts are returns and corrections: they subtract and count as no purchase.
 *
 * @throws PermanentError before anything is written: for a file that is no readable CSV, a mapping that does not fit, a column
 *   that is written another way, dates that overlap an earlier batch
 */
export const importPurchases = (
  source: ImportSource,
  { currency, attributes, map, rejects, onProgress, ...settings }: PurchaseImportOptions,
  ports: InProcessPorts,
): Promise<ImportResult> =>
  importInProcess(
    purchaseKind,
    source,
    {
      kind: 'purchases',
      map: map ?? {},
      ...settings,
      ...(attributes === undefined ? {} : { attributes: [...attributes] }),
    },
    { currency, ...(rejects === undefined ? {} : { rejects }), ...(onProgress === undefined ? {} : { onProgress }) },
    ports,
  );

const PurchaseReading = z.object({
  columns: z.object({ customer: z.number(), date: z.number(), amount: z.number(), id: z.optional(z.number()) }),
  attributes: z.array(z.object({ name: z.string(), column: z.number() })),
});
type PurchaseReading = z.infer<typeof PurchaseReading>;

/** How files of purchases are read and written. */
export const purchaseKind: RangedKind = {
  kind: 'purchases',
  settle: (table, settings, fileName, context) => {
    const columns = mapColumns(table.header, settings.map, TARGETS, REQUIRED, fileName);
    const dates = dateFormat(settings.dateFormat, context.businessTimeZone);
    const { columns: attributes, notices } = attributeColumns(table, columns, settings, fileName);
    const exponent = currencyExponent(context.currency);
    assertColumnReadable(
      table.first,
      columns.date,
      table.header[columns.date ?? 0] ?? 'date',
      dates.parse,
      '--date-format',
    );
    assertColumnReadable(
      table.first,
      columns.amount,
      table.header[columns.amount ?? 0] ?? 'amount',
      (text) => parseAmountMinor(text, exponent, settings),
      '--decimal',
    );
    return { reading: { columns, attributes }, notices };
  },
  file: (given, settings, context) => {
    const reading = PurchaseReading.parse(given);
    const parse = purchaseParser(reading, settings, context);
    return {
      identity: {
        columns: reading.columns,
        attributes: reading.attributes.map(({ name }) => name).sort(),
        decimal: settings.decimal ?? null,
        dateFormat: settings.dateFormat ?? null,
        encoding: settings.encoding ?? 'utf-8',
        currency: context.currency,
      },
      hasKeys: reading.columns.id !== undefined,
      allowsSame: true,
      look: (row) => {
        const parsed = parse(row);
        if (!parsed.ok) return parsed;
        const { customerId, date, amountMinor, id } = parsed.value;
        return {
          ok: true,
          value: {
            customerId,
            date,
            amountMinor,
            ...(id === undefined ? {} : { key: id, content: `${customerId} ${date} ${amountMinor}` }),
          },
        };
      },
      customerOf: (row) => {
        const id = parseId(cell(row, reading.columns.customer), 'customer id');
        return id.ok ? id.value : undefined;
      },
      repeated: (row) =>
        `the purchase id ${shown(cell(row, reading.columns.id))} is there before with another customer, date or amount`,
      write: async (rows, { batch, chunk }, ports, counts) => {
        const purchases = new Map<string, Omit<OrderDay, 'batch'>[]>();
        for (const row of rows) {
          const parsed = parse(row);
          if (!parsed.ok) continue;
          const { customerId, date, amountMinor, attributes, id } = parsed.value;
          const order = {
            day: toDayNumber(date),
            count: amountMinor < 0 ? 0 : 1,
            amountMinor,
            attributes,
            ...(id === undefined ? {} : { id }),
          };
          const orders = purchases.get(customerId);
          if (orders === undefined) purchases.set(customerId, [order]);
          else orders.push(order);
        }
        const changes = new Map<string, FactsChange>();
        for (const [customerId, orders] of purchases) {
          changes.set(customerId, (facts) =>
            addPurchases(facts, {
              batchId: batch.batchId,
              recordedAt: batch.recordedAt,
              chunk,
              orders,
              ...(batch.replaces === null ? {} : { replaces: batch.replaces }),
            }),
          );
        }
        await changeCustomers(ports.customers, changes, counts);
      },
    };
  },
};

const purchaseParser = (reading: PurchaseReading, settings: ImportSettings, context: ReadingContext) => {
  const { columns, attributes } = reading;
  const exponent = currencyExponent(context.currency);
  const dates = dateFormat(settings.dateFormat, context.businessTimeZone);
  const idPrefix = `${settings.source ?? 'default'}/`;
  return (row: CsvRow): Parsed<Purchase> => {
    const customer = parseId(cell(row, columns.customer), 'customer id');
    if (!customer.ok) return customer;
    if (context.isErased?.(customer.value) === true) return ERASED_ROW;
    const date = dates.parse(cell(row, columns.date));
    if (!date.ok) return date;
    const amount = parseAmountMinor(cell(row, columns.amount), exponent, settings);
    if (!amount.ok) return amount;
    const id = columns.id === undefined ? undefined : parseId(cell(row, columns.id), 'purchase id');
    if (id?.ok === false) return id;
    const values: Record<string, string> = {};
    for (const { name, column } of attributes) {
      const value = cell(row, column).trim();
      if (Buffer.byteLength(value) > MAX_ATTRIBUTE_BYTES) {
        return { ok: false, format: false, reason: `the ${name} has more than ${MAX_ATTRIBUTE_BYTES} bytes` };
      }
      if (value !== '') values[name] = value;
    }
    return {
      ok: true,
      value: {
        customerId: customer.value,
        date: date.value,
        amountMinor: amount.value,
        attributes: values,
        ...(id === undefined ? {} : { id: `${idPrefix}${id.value}` }),
      },
    };
  };
};

const attributeColumns = (
  table: Pick<ImportTable, 'header' | 'first'>,
  columns: Columns<(typeof TARGETS)[number]>,
  settings: ImportSettings,
  fileName: string,
): {
  readonly columns: readonly { readonly name: string; readonly column: number }[];
  readonly notices: readonly string[];
} => {
  const mapped = new Set<number | undefined>(Object.values(columns));
  if (settings.attributes !== undefined) {
    const missing = settings.attributes.filter((name) => !table.header.includes(name));
    if (missing.length > 0) {
      throw new PermanentError(
        'mapping-invalid',
        `--attributes names ${missing.join(', ')}; the columns of ${fileName} are: ${table.header.join(', ')}`,
      );
    }
    return { columns: settings.attributes.map((name) => ({ name, column: table.header.indexOf(name) })), notices: [] };
  }
  const kept: { name: string; column: number }[] = [];
  const notices: string[] = [];
  for (const [column, name] of table.header.entries()) {
    if (mapped.has(column) || name === '' || table.header.indexOf(name) !== column) continue;
    const values = new Set(table.first.map((row) => cell(row, column).trim()));
    if (values.size > MAX_ATTRIBUTE_VALUES) {
      notices.push(
        `the column ${name} has more than ${MAX_ATTRIBUTE_VALUES} values and is left out; to keep it: --attributes ${name}`,
      );
    } else kept.push({ name, column });
  }
  return { columns: kept, notices };
};
