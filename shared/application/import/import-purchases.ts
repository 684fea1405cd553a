import { createHash } from 'node:crypto';
import { toDayNumber } from '../../domain/calendar.ts';
import type { OrderDay } from '../../domain/facts.ts';
import { addPurchases, withoutBatch } from '../../domain/merge-facts.ts';
import { currencyExponent } from '../../domain/money.ts';
import { PermanentError } from '../../errors.ts';
import type { ImportSource, RejectSink } from '../../ports/imports.ts';
import type { CsvRow } from './csv-rows.ts';
import {
  assertNoOverlap,
  assertReplaceable,
  beginBatch,
  type CheckedFile,
  type ImportPorts,
  type ImportResult,
  resultWithoutWrites,
  setBatch,
} from './import-batches.ts';
import {
  assertColumnReadable,
  batchIdOf,
  type Columns,
  cell,
  type ImportFormat,
  type ImportTable,
  mapColumns,
  newRowCounter,
  openTable,
} from './import-table.ts';
import { dateFormat, ERASED_ROW, type Parsed, parseAmountMinor, parseId, shown } from './import-values.ts';
import { CHUNK_ROWS, changeCustomers, type FactsChange, newWriteCounts } from './import-write.ts';

export interface PurchaseImportOptions extends ImportFormat {
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
  /** Only check and count. */
  readonly dryRun?: boolean;
  readonly rejects?: RejectSink;
  readonly onProgress?: (progress: { readonly phase: 'check' | 'write'; readonly rows: number }) => void;
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
export const importPurchases = async (
  source: ImportSource,
  options: PurchaseImportOptions,
  ports: ImportPorts,
): Promise<ImportResult> => {
  const exponent = currencyExponent(options.currency);
  if (options.replace !== undefined) await assertReplaceable(ports, options.replace);
  const { checked, read } = await checkPurchases(source, options, exponent, ports);
  const about = {
    source: options.source ?? 'default',
    withIds: read.columns.id !== undefined,
    replaces: options.replace ?? null,
  };
  const known = await ports.batches.get(checked.batchId);
  if (known?.record.state === 'done') {
    return resultWithoutWrites(checked, { alreadyImported: true, dryRun: options.dryRun === true });
  }
  if (options.append !== true) await assertNoOverlap(ports, checked, about);
  if (options.dryRun === true || checked.accepted === 0) {
    return resultWithoutWrites(checked, { alreadyImported: false, dryRun: options.dryRun === true });
  }
  const batch = await beginBatch(ports, checked, { kind: 'purchases', fileName: source.name, ...about });

  const counts = newWriteCounts();
  for await (const { chunk, purchases } of chunks(source, options, read)) {
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
  }
  if (batch.replaces !== null) {
    await dropBatch(batch.replaces, batch.recordedAt, ports, counts);
    await setBatch(ports, batch.replaces, { state: 'replaced' });
  }
  await setBatch(ports, batch.batchId, {
    state: 'done',
    finishedAt: ports.clock.now(),
    newCustomers: batch.newCustomers + counts.newCustomers,
  });
  return {
    ...checked,
    alreadyImported: false,
    dryRun: false,
    newCustomers: counts.newCustomers,
    written: counts.written,
    left: 0,
    unreadable: [...counts.unreadable].sort(),
  };
};

interface PurchaseReader {
  readonly columns: Columns<(typeof TARGETS)[number]>;
  readonly parse: (row: CsvRow) => Parsed<Purchase>;
  /** Line ends of rows that repeat an id of the file with another content. */
  readonly repeatedIdLines: ReadonlySet<number>;
}

const checkPurchases = async (
  source: ImportSource,
  options: PurchaseImportOptions,
  exponent: number,
  ports: ImportPorts,
): Promise<{ readonly checked: CheckedFile; readonly read: PurchaseReader }> => {
  const hash = createHash('sha256');
  const table = await openTable(source, options, hash);
  const columns = mapColumns(table.header, options.map ?? {}, TARGETS, REQUIRED, source.name);
  const dates = dateFormat(options.dateFormat, ports.businessTimeZone);
  const attributes = attributeColumns(table, columns, options, source.name);
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
    (text) => parseAmountMinor(text, exponent, options),
    '--decimal',
  );
  const idPrefix = `${options.source ?? 'default'}/`;
  const isErased = await ports.erasures?.load();
  const parse = (row: CsvRow): Parsed<Purchase> => {
    const customer = parseId(cell(row, columns.customer), 'customer id');
    if (!customer.ok) return customer;
    if (isErased?.(customer.value) === true) return ERASED_ROW;
    const date = dates.parse(cell(row, columns.date));
    if (!date.ok) return date;
    const amount = parseAmountMinor(cell(row, columns.amount), exponent, options);
    if (!amount.ok) return amount;
    const id = columns.id === undefined ? undefined : parseId(cell(row, columns.id), 'purchase id');
    if (id?.ok === false) return id;
    const values: Record<string, string> = {};
    for (const { name, column } of attributes.columns) {
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

  const counter = newRowCounter(table.header, options, options.rejects);
  const { counts } = counter;
  const customers = new Set<string>();
  const ids = new Map<string, string>();
  const repeatedIdLines = new Set<number>();
  let total = 0n;
  let dateFrom: string | null = null;
  let dateTo: string | null = null;
  for await (const row of table.rows) {
    counts.rows += 1;
    if (counts.rows % CHUNK_ROWS === 0) options.onProgress?.({ phase: 'check', rows: counts.rows });
    const problem = counter.lengthProblem(row);
    const parsed: Parsed<Purchase> = problem === undefined ? parse(row) : { ok: false, format: false, reason: problem };
    if (!parsed.ok) {
      await counter.reject(row, parsed.reason);
      continue;
    }
    const { value } = parsed;
    if (value.id !== undefined) {
      const content = `${value.customerId} ${value.date} ${value.amountMinor}`;
      const before = ids.get(value.id);
      if (before !== undefined) {
        repeatedIdLines.add(row.line);
        if (before !== content) {
          await counter.reject(
            row,
            `the purchase id ${shown(cell(row, columns.id))} is there before with another customer, date or amount`,
          );
          continue;
        }
      }
      ids.set(value.id, content);
    }
    counts.accepted += 1;
    customers.add(value.customerId);
    if (!repeatedIdLines.has(row.line)) total += BigInt(value.amountMinor);
    if (dateFrom === null || value.date < dateFrom) dateFrom = value.date;
    if (dateTo === null || value.date > dateTo) dateTo = value.date;
  }
  const totalMinor = Number(total);
  if (!Number.isSafeInteger(totalMinor)) {
    throw new PermanentError(
      'total-too-large',
      `the amounts of ${source.name} add up to more than can be counted exactly: ${total} minor units`,
    );
  }
  const reading = {
    columns,
    attributes: attributes.columns.map(({ name }) => name).sort(),
    decimal: options.decimal ?? null,
    dateFormat: options.dateFormat ?? null,
    encoding: options.encoding ?? 'utf-8',
    currency: options.currency,
  };
  return {
    checked: {
      batchId: batchIdOf('purchases', hash, reading),
      ...counts,
      customers: customers.size,
      totalMinor,
      dateFrom,
      dateTo,
      notices: attributes.notices,
    },
    read: { columns, parse, repeatedIdLines },
  };
};

const attributeColumns = (
  table: ImportTable,
  columns: Columns<(typeof TARGETS)[number]>,
  options: PurchaseImportOptions,
  fileName: string,
): {
  readonly columns: readonly { readonly name: string; readonly column: number }[];
  readonly notices: readonly string[];
} => {
  const mapped = new Set<number | undefined>(Object.values(columns));
  if (options.attributes !== undefined) {
    const missing = options.attributes.filter((name) => !table.header.includes(name));
    if (missing.length > 0) {
      throw new PermanentError(
        'mapping-invalid',
        `--attributes names ${missing.join(', ')}; the columns of ${fileName} are: ${table.header.join(', ')}`,
      );
    }
    return { columns: options.attributes.map((name) => ({ name, column: table.header.indexOf(name) })), notices: [] };
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

/** The second reading: purchases grouped by customer, chunk by chunk; the same chunks each time. */
async function* chunks(
  source: ImportSource,
  options: PurchaseImportOptions,
  read: PurchaseReader,
): AsyncGenerator<{
  readonly chunk: number;
  readonly purchases: ReadonlyMap<string, readonly Omit<OrderDay, 'batch'>[]>;
}> {
  const table = await openTable(source, options);
  let chunk = 0;
  let rows = 0;
  let purchases = new Map<string, Omit<OrderDay, 'batch'>[]>();
  for await (const row of table.rows) {
    const parsed =
      row.fields.length === table.header.length && !read.repeatedIdLines.has(row.line) ? read.parse(row) : undefined;
    if (parsed?.ok === true) {
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
    rows += 1;
    if (rows % CHUNK_ROWS !== 0) continue;
    yield { chunk, purchases };
    options.onProgress?.({ phase: 'write', rows });
    chunk += 1;
    purchases = new Map();
  }
  if (purchases.size > 0) yield { chunk, purchases };
  options.onProgress?.({ phase: 'write', rows });
}

/** Takes a replaced batch away from the customers that the new file does not name. */
const dropBatch = async (
  batchId: string,
  at: string,
  ports: ImportPorts,
  counts: ReturnType<typeof newWriteCounts>,
): Promise<void> => {
  for (let bucket = 0; bucket < ports.customers.buckets; bucket += 1) {
    const changes = new Map<string, FactsChange>();
    for await (const read of ports.customers.readBucket(bucket)) {
      if (read.kind !== 'customer' || withoutBatch(read.facts, batchId, at) === undefined) continue;
      changes.set(read.facts.customerId, (facts) => withoutBatch(facts, batchId, at));
    }
    await changeCustomers(ports.customers, changes, counts);
  }
};
