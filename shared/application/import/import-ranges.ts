import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { mapConcurrently } from '../../concurrently.ts';
import { ImportBatch } from '../../contracts/import-batch.ts';
import type { ImportPlan, ImportSettings, RowRange } from '../../contracts/import-job.ts';
import { fromDayNumber, toDayNumber } from '../../domain/calendar.ts';
import { addStatus, statusOn, withoutBatch } from '../../domain/merge-facts.ts';
import { PermanentError } from '../../errors.ts';
import type { ImportSource, RejectedRow } from '../../ports/imports.ts';
import { type CsvRow, csvLine, gunzipped, readRows } from './csv-rows.ts';
import { digestCount, idDigests, idLookup, keyedRows, mergedDigests, readKeyedRows } from './digests.ts';
import {
  assertNoOverlap,
  assertReplaceable,
  beginBatch,
  CheckedFile,
  type ImportPorts,
  type ImportResult,
  resultWithoutWrites,
  setBatch,
} from './import-batches.ts';
import { batchIdOf, openTable } from './import-table.ts';
import type { ImportWorkspace } from './import-workspace.ts';
import { CHUNK_ROWS, changeCustomers, type FactsChange, newWriteCounts } from './import-write.ts';
import type { RangedFile, RangedKind, ReadingContext } from './ranged-file.ts';
import { rowScanner } from './row-scanner.ts';

/** Most ranges of a file: as many as a Map takes. */
export const MOST_RANGES = 2_048;
/** Rows whose keys one step holds in memory at once. */
const ROWS_PER_PARTITION = 2_000_000;
/** Most parts of the ids of a file. */
export const MOST_PARTITIONS = 64;
const INPUT_DROP_LIMIT = 0.1;
const CONCURRENT_WRITES = 16;

/** Everything that a step on a file in ranges works with. */
export interface RangedJob {
  readonly plan: ImportPlan;
  readonly settings: ImportSettings;
  readonly kind: RangedKind;
  readonly file: RangedFile;
  readonly workspace: ImportWorkspace;
  readonly ports: ImportPorts;
  /** The bytes of a range. */
  readonly open: (range: RowRange) => AsyncIterable<Uint8Array>;
  readonly onProgress?: (progress: { readonly phase: 'check' | 'write'; readonly rows: number }) => void;
}

export interface PlanOptions {
  /** Rows from one possible beginning of a range to the next; `CHUNK_ROWS`, except to try many ranges with few rows. */
  readonly chunkRows?: number;
  /** Rows whose ids are looked at together; `ROWS_PER_PARTITION`, except likewise. */
  readonly rowsPerPartition?: number;
  /** Chunks that one range has. */
  readonly chunksPerRange: number;
  /** State of the file, which must not change while it is read. */
  readonly version: string;
  /** Key under which the ranges are read. */
  readonly key: string;
  /** Keeps pieces of a file that cannot be read from the middle: gets the bytes of whole rows, gives their key. */
  readonly keepPiece?: (index: number, bytes: Uint8Array) => Promise<string>;
  readonly startedAt: string;
}

/**
 * Reads a file once from its beginning: settles how it is read, and cuts it into ranges of whole rows. Ranges begin at rows whose
 * number is a multiple of `CHUNK_ROWS`, whatever the size of a range, since the number of a chunk is what keeps it from being
 * written twice.
 *
 * @throws PermanentError as `readCsv` and the kind's `settle`
 */
export const planRanges = async (
  kind: RangedKind,
  source: ImportSource,
  settings: ImportSettings,
  context: ReadingContext,
  options: PlanOptions,
): Promise<ImportPlan> => {
  const table = await openTable(source, settings);
  await table.close();
  const settled = kind.settle(table, settings, source.name, context);
  const content = createHash('sha256');
  const chunkRows = options.chunkRows ?? CHUNK_ROWS;
  const scanner = rowScanner({
    encoding: settings.encoding ?? 'utf-8',
    delimiter: settings.delimiter ?? ',',
    every: chunkRows,
  });
  const pieces = options.keepPiece === undefined ? undefined : newPieces(options.keepPiece, options.chunksPerRange);
  for await (const bytes of wholeStart(gunzipped(source.open(), source.name))) {
    content.update(bytes);
    scanner.push(bytes);
    await pieces?.push(bytes, scanner.boundaries);
  }
  const scanned = scanner.end();
  const last = scanned.boundaries.length;
  const chunksPerRange = Math.max(options.chunksPerRange, Math.ceil(last / MOST_RANGES));
  const starts = scanned.boundaries.filter((_, index) => index % chunksPerRange === 0);
  const kept = await pieces?.end(scanned.boundaries);
  const ranges =
    kept ??
    starts.map(({ offset, line, row }, index) => ({
      key: options.key,
      from: offset,
      to: starts[index + 1]?.offset ?? scanned.bytes,
      firstLine: line,
      firstRow: row,
    }));
  return {
    fileName: source.name,
    version: options.version,
    header: [...table.header],
    recordDelimiter: scanned.recordDelimiter,
    content: content.digest('hex'),
    rows: scanned.rows,
    ranges: [...ranges],
    chunkRows,
    partitions: Math.min(
      MOST_PARTITIONS,
      Math.max(1, Math.ceil(scanned.rows / (options.rowsPerPartition ?? ROWS_PER_PARTITION))),
    ),
    reading: settled.reading,
    notices: [...settled.notices],
    startedAt: options.startedAt,
  };
};

/** The same bytes; the first piece has four at least, where the file has them. */
async function* wholeStart(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let head: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of bytes) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < 4) continue;
    yield head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}

interface Boundary {
  readonly offset: number;
  readonly line: number;
  readonly row: number;
}

/** Cuts a stream at every so many boundaries and keeps the pieces; the header goes with none. */
const newPieces = (keep: (index: number, bytes: Uint8Array) => Promise<string>, chunksPerRange: number) => {
  const ranges: RowRange[] = [];
  let pending: Uint8Array[] = [];
  /** Offset in the stream of what is pending. */
  let begin = 0;
  let end = 0;
  const take = (upTo: number): Buffer => {
    const all = Buffer.concat(pending);
    const taken = all.subarray(0, upTo - begin);
    pending = [all.subarray(upTo - begin)];
    begin = upTo;
    return taken;
  };
  const cutAt = async (boundary: Boundary | undefined, boundaries: readonly Boundary[]): Promise<void> => {
    const first = boundaries[ranges.length * chunksPerRange];
    const bytes = take(boundary?.offset ?? end);
    if (first === undefined) return;
    const key = await keep(ranges.length, bytes);
    ranges.push({ key, from: 0, to: bytes.length, firstLine: first.line, firstRow: first.row });
  };
  let isHeaderGone = false;
  const cut = async (boundaries: readonly Boundary[]): Promise<void> => {
    const [first] = boundaries;
    if (!isHeaderGone && first !== undefined) {
      take(first.offset);
      isHeaderGone = true;
    }
    for (;;) {
      const next = boundaries[(ranges.length + 1) * chunksPerRange];
      if (next === undefined || !isHeaderGone) return;
      await cutAt(next, boundaries);
    }
  };
  return {
    push: async (bytes: Uint8Array, boundaries: readonly Boundary[]): Promise<void> => {
      pending.push(bytes);
      end += bytes.length;
      await cut(boundaries);
    },
    /** @param boundaries those that have rows after them */
    end: async (boundaries: readonly Boundary[]): Promise<readonly RowRange[]> => {
      await cut(boundaries);
      if (boundaries.length > ranges.length * chunksPerRange) await cutAt(undefined, boundaries);
      return ranges;
    },
  };
};

async function* rowsOf(job: RangedJob, index: number): AsyncGenerator<CsvRow, void, undefined> {
  const { plan, settings } = job;
  const range = plan.ranges[index];
  if (range === undefined)
    throw new PermanentError(
      'range-unknown',
      `${plan.fileName} has ${plan.ranges.length} ranges and no range ${index}`,
    );
  yield* readRows(
    job.open(range),
    {
      name: plan.fileName,
      encoding: settings.encoding,
      delimiter: settings.delimiter,
      recordDelimiter: plan.recordDelimiter,
    },
    range.firstLine,
  );
}

/** Why a row is not imported, or what it says. */
const look = (row: CsvRow, { plan, file }: RangedJob): ReturnType<RangedFile['look']> =>
  row.fields.length === plan.header.length
    ? file.look(row)
    : {
        ok: false,
        format: false,
        reason: `the row has ${row.fields.length} fields, the header ${plan.header.length}`,
      };

const RangeCheck = z.object({
  rows: z.number(),
  accepted: z.number(),
  rejected: z.number(),
  /** Sum in minor units, as text since it may be large; null where the file has no amounts. */
  total: z.nullable(z.string()),
  dateFrom: z.nullable(z.string()),
  dateTo: z.nullable(z.string()),
  notices: z.array(z.object({ notice: z.string(), firstLine: z.number(), rows: z.number() })),
});

/** Reads a range: counts it, keeps its rejected rows, and leaves its ids for those who look at the file as a whole. */
export const checkRange = async (index: number, job: RangedJob): Promise<void> => {
  const { plan, settings, file, workspace } = job;
  const counts = { rows: 0, accepted: 0, rejected: 0 };
  const rejected: RejectedRow[] = [];
  const customers = idDigests(plan.partitions);
  const present = idDigests(plan.partitions);
  const keyed = keyedRows(plan.partitions);
  const notices = new Map<string, { readonly firstLine: number; rows: number }>();
  const span = newDateSpan();
  let total: bigint | null = null;
  for await (const row of rowsOf(job, index)) {
    counts.rows += 1;
    if (counts.rows % CHUNK_ROWS === 0) job.onProgress?.({ phase: 'check', rows: counts.rows });
    if (settings.complete === true) {
      const id = file.customerOf(row);
      if (id !== undefined) present.add(id);
    }
    const seen = look(row, job);
    if (!seen.ok) {
      counts.rejected += 1;
      rejected.push({ line: row.line, reason: seen.reason, original: csvLine(row.fields, settings.delimiter) });
      continue;
    }
    const { customerId, date, amountMinor, key, content, notice } = seen.value;
    counts.accepted += 1;
    // Where rows have keys, which customers count is known when it is known which rows come again.
    if (key === undefined) customers.add(customerId);
    span.add(date);
    if (amountMinor !== null) total = (total ?? 0n) + BigInt(amountMinor);
    if (key !== undefined) {
      const day = toDayNumber(date);
      keyed.add({ key, content: content ?? '', customerId, line: row.line, day, amountMinor: amountMinor ?? 0 });
    }
    if (notice !== undefined) {
      const known = notices.get(notice) ?? { firstLine: row.line, rows: 0 };
      known.rows += 1;
      notices.set(notice, known);
    }
  }
  for (const [name, parts] of Object.entries({ customers, present, keyed })) {
    for (const { partition, bytes } of parts.filled()) await workspace.writePart(name, partition, index, bytes);
  }
  await workspace.writeRejects('check', index, rejected);
  await workspace.writeReceipt('check', index, {
    ...counts,
    total: total === null ? null : String(total),
    ...span.found(),
    notices: [...notices].map(([notice, { firstLine, rows }]) => ({ notice, firstLine, rows })),
  } satisfies z.infer<typeof RangeCheck>);
};

const newDateSpan = () => {
  let dateFrom: string | null = null;
  let dateTo: string | null = null;
  return {
    add: (date: string | null): void => {
      if (date === null) return;
      if (dateFrom === null || date < dateFrom) dateFrom = date;
      if (dateTo === null || date > dateTo) dateTo = date;
    },
    found: (): { readonly dateFrom: string | null; readonly dateTo: string | null } => ({ dateFrom, dateTo }),
  };
};

/** Lines of a range whose key was there before: the same row again, or another one. */
const Repeats = z.object({ same: z.array(z.number()), other: z.array(z.number()) });

const PartitionTally = z.object({
  /** Rows that are not imported since an earlier one has their key. */
  repeated: z.number(),
  /** Sum in minor units of those, and of rows that say the same again. */
  repeatedTotal: z.string(),
  dateFrom: z.nullable(z.string()),
  dateTo: z.nullable(z.string()),
});

/** Looks at one part of the ids of all ranges: finds rows whose key was there before, and the customers of the others. */
export const tallyPartition = async (partition: number, job: RangedJob): Promise<void> => {
  const { workspace, file } = job;
  const present = await mergedPart(job, 'present', partition);
  if (present.length > 0) await workspace.writePart('all-present', partition, 0, present);
  const customers = idDigests(job.plan.partitions);
  const first = new Map<string, string>();
  const span = newDateSpan();
  let repeated = 0;
  let repeatedTotal = 0n;
  for await (const { index, bytes } of workspace.readParts('keyed', partition)) {
    const repeats = { same: [] as number[], other: [] as number[] };
    for (const { key, content, customer, line, day, amountMinor } of readKeyedRows(bytes)) {
      const before = first.get(key);
      const isSame = before === content && file.allowsSame;
      if (before === undefined) first.set(key, content);
      else {
        repeatedTotal += BigInt(amountMinor);
        (isSame ? repeats.same : repeats.other).push(line);
        if (!isSame) repeated += 1;
      }
      if (before !== undefined && !isSame) continue;
      span.add(fromDayNumber(day));
      customers.addDigest(customer);
    }
    if (repeats.same.length + repeats.other.length > 0) {
      await workspace.writeJson(`repeats/${index}/${partition}.json`, repeats);
    }
  }
  for (const { partition: of, bytes } of customers.filled())
    await workspace.writePart('customers', of, partition, bytes);
  await workspace.writeReceipt('tally', partition, {
    repeated,
    repeatedTotal: String(repeatedTotal),
    ...span.found(),
  } satisfies z.infer<typeof PartitionTally>);
};

/** One part of ids that several steps left, each id once. */
const mergedPart = async ({ workspace }: RangedJob, name: string, partition: number): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  for await (const { bytes } of workspace.readParts(name, partition)) parts.push(bytes);
  return mergedDigests(parts);
};

/** Different customers of the rows that are accepted. */
const countCustomers = async (job: RangedJob): Promise<number> => {
  let customers = 0;
  for (let partition = 0; partition < job.plan.partitions; partition += 1)
    customers += digestCount(await mergedPart(job, 'customers', partition));
  return customers;
};

/** A part of all buckets. */
export interface BucketGroup {
  readonly index: number;
  readonly count: number;
}

const bucketsOf = ({ index, count }: BucketGroup, buckets: number): readonly number[] =>
  Array.from({ length: buckets }, (_, bucket) => bucket).filter((bucket) => bucket % count === index);

const presentLookup = async ({ workspace, plan }: RangedJob): Promise<(customerId: string) => boolean> => {
  const parts = new Map<number, Uint8Array>();
  for (let partition = 0; partition < plan.partitions; partition += 1) {
    for await (const { bytes } of workspace.readParts('all-present', partition)) parts.set(partition, bytes);
  }
  return idLookup(parts, plan.partitions);
};

const Absent = z.object({ active: z.number(), absent: z.number() });

/** Counts the active customers of some buckets, and those of them that a complete file lacks. */
export const countAbsent = async (group: BucketGroup, job: RangedJob): Promise<void> => {
  const { ports, settings, workspace } = job;
  const isPresent = await presentLookup(job);
  const counted = { active: 0, absent: 0 };
  for (const bucket of bucketsOf(group, ports.customers.buckets)) {
    for await (const read of ports.customers.readBucket(bucket)) {
      if (read.kind !== 'customer' || statusOn(read.facts.statuses, settings.asOf ?? '') !== 'active') continue;
      counted.active += 1;
      if (!isPresent(read.facts.customerId)) counted.absent += 1;
    }
  }
  await workspace.writeReceipt('absent', group.index, counted);
};

/** What is to be done with a file that was looked at. */
const Review = z.object({
  checked: CheckedFile,
  /** `write`: to be written; `already`: it was; `nothing`: only checked, or no row is good. */
  outcome: z.enum(['write', 'already', 'nothing']),
  /** The batch that is written. */
  batch: z.nullable(ImportBatch),
  /** Customers that a complete file lacks. */
  absent: z.number(),
});

/**
 * Puts together what was found in the file and decides whether it is written; from then on its batch is on record.
 *
 * @param absentGroups how many groups of buckets were counted by `countAbsent`; 0 where the file is not complete
 * @returns ranges that `writeRange` is to be called with, and whether `sweepBuckets` has something to do
 * @throws PermanentError `import-overlaps`, `input-drop`, `total-too-large`, `batch-unknown`
 */
export const reviewImport = async (
  job: RangedJob,
  absentGroups: number,
): Promise<{ readonly ranges: readonly number[]; readonly sweeps: boolean }> => {
  const { plan, settings, workspace, ports, kind } = job;
  const checks = await workspace.receipts('check', plan.ranges.length, RangeCheck);
  const tallies = await workspace.receipts('tally', plan.partitions, PartitionTally);
  const checked = checkedFile(job, checks, tallies, await countCustomers(job));
  const about = { source: settings.source ?? 'default', withIds: withIds(job), replaces: settings.replace ?? null };
  if (settings.replace !== undefined) await assertReplaceable(ports, settings.replace);
  const known = await ports.batches.get(checked.batchId);
  const isDone = known?.record.state === 'done';
  if (!isDone && kind.kind === 'purchases' && settings.append !== true) await assertNoOverlap(ports, checked, about);
  const absent = isDone
    ? 0
    : sumOf(assertFewAbsent(await workspace.receipts('absent', absentGroups, Absent), settings), ({ absent: n }) => n);
  const outcome = isDone ? 'already' : settings.dryRun === true || checked.accepted === 0 ? 'nothing' : 'write';
  const batch =
    outcome === 'write'
      ? await beginBatch(ports, checked, { kind: kind.kind, fileName: plan.fileName, ...about })
      : null;
  await workspace.writeJson('review.json', { checked, outcome, batch, absent } satisfies z.infer<typeof Review>);
  const all = plan.ranges.map((_, index) => index);
  const withRepeats = outcome === 'write' ? all : await rangesWithRepeats(job);
  return {
    ranges: withRepeats,
    sweeps: outcome === 'write' && (settings.complete === true || settings.replace !== undefined),
  };
};

/** Whether rows carry ids of their own; a customer's always does. */
const withIds = ({ file }: RangedJob): boolean => file.hasKeys;

const checkedFile = (
  { plan, file, kind }: RangedJob,
  checks: readonly z.infer<typeof RangeCheck>[],
  tallies: readonly z.infer<typeof PartitionTally>[],
  customers: number,
): CheckedFile => {
  const repeated = sumOf(tallies, (tally) => tally.repeated);
  const totals = checks.flatMap(({ total }) => (total === null ? [] : [BigInt(total)]));
  const total =
    totals.reduce((sum, one) => sum + one, 0n) - tallies.reduce((sum, one) => sum + BigInt(one.repeatedTotal), 0n);
  const totalMinor = kind.kind === 'purchases' ? Number(total) : null;
  if (totalMinor !== null && !Number.isSafeInteger(totalMinor)) {
    throw new PermanentError(
      'total-too-large',
      `the amounts of ${plan.fileName} add up to more than can be counted exactly: ${total} minor units`,
    );
  }
  const span = newDateSpan();
  for (const { dateFrom, dateTo } of file.hasKeys ? tallies : checks) {
    span.add(dateFrom);
    span.add(dateTo);
  }
  return {
    batchId: batchIdOf(kind.kind, Buffer.from(plan.content, 'hex'), file.identity),
    rows: sumOf(checks, ({ rows }) => rows),
    accepted: sumOf(checks, ({ accepted }) => accepted) - repeated,
    rejected: sumOf(checks, ({ rejected }) => rejected) + repeated,
    customers,
    totalMinor,
    ...span.found(),
    notices: [...plan.notices, ...noticesOf(checks)],
  };
};

const sumOf = <T>(all: readonly T[], one: (entry: T) => number): number =>
  all.reduce((sum, entry) => sum + one(entry), 0);

const noticesOf = (checks: readonly z.infer<typeof RangeCheck>[]): readonly string[] => {
  const all = new Map<string, { readonly firstLine: number; rows: number }>();
  for (const { notice, firstLine, rows } of checks.flatMap(({ notices }) => notices)) {
    const known = all.get(notice) ?? { firstLine, rows: 0 };
    known.rows += rows;
    all.set(notice, known);
  }
  return [...all].map(
    ([problem, { firstLine, rows }]) =>
      `the consent of ${rows} ${rows === 1 ? 'row' : 'rows'}, first in line ${firstLine}, is not taken up: ${problem}`,
  );
};

/** @throws PermanentError `input-drop` where more is absent than the settings allow */
const assertFewAbsent = (
  counted: readonly z.infer<typeof Absent>[],
  settings: ImportSettings,
): readonly z.infer<typeof Absent>[] => {
  const limit = settings.inputDropLimit ?? INPUT_DROP_LIMIT;
  const active = sumOf(counted, (one) => one.active);
  const absent = sumOf(counted, (one) => one.absent);
  if (active > 0 && absent / active > limit) {
    throw new PermanentError(
      'input-drop',
      `the file lacks ${absent} of ${active} active customers (${((absent / active) * 100).toFixed(1)} %); --complete would mark them as left, and the limit is ${(limit * 100).toFixed(1)} %`,
      { hint: 'see whether the file is whole; leave out --complete, or raise the limit with --input-drop SHARE' },
    );
  }
  return counted;
};

const repeatsOf = async ({ workspace, plan }: RangedJob, index: number): Promise<Map<number, 'same' | 'other'>> => {
  const lines = new Map<number, 'same' | 'other'>();
  const partitions = Array.from({ length: plan.partitions }, (_, partition) => partition);
  const found = await mapConcurrently(partitions, CONCURRENT_WRITES, (partition) =>
    workspace.readJson(`repeats/${index}/${partition}.json`, Repeats),
  );
  for (const { same, other } of found.filter((one) => one !== undefined)) {
    for (const line of same) lines.set(line, 'same');
    for (const line of other) lines.set(line, 'other');
  }
  return lines;
};

const rangesWithRepeats = async (job: RangedJob): Promise<readonly number[]> => {
  const indexes = job.plan.ranges.map((_, index) => index);
  if (!job.file.hasKeys) return [];
  const repeats = await mapConcurrently(indexes, CONCURRENT_WRITES, (index) => repeatsOf(job, index));
  return indexes.filter((index) => [...(repeats[index]?.values() ?? [])].includes('other'));
};

const reviewOf = async ({ workspace, plan }: RangedJob): Promise<z.infer<typeof Review>> => {
  const review = await workspace.readJson('review.json', Review);
  if (review === undefined) throw new PermanentError('import-incomplete', `${plan.fileName} was not reviewed yet`);
  return review;
};

const WriteReceipt = z.object({
  written: z.number(),
  newCustomers: z.number(),
  left: z.number(),
  unreadable: z.array(z.string()),
});

/** Writes the good rows of a range, chunk by chunk, and keeps those that come again as rejected. Twice changes nothing. */
export const writeRange = async (index: number, job: RangedJob): Promise<void> => {
  const { plan, file, workspace, ports, settings } = job;
  const { batch } = await reviewOf(job);
  const repeats = await repeatsOf(job, index);
  const counts = newWriteCounts();
  const rejected: RejectedRow[] = [];
  let row = plan.ranges[index]?.firstRow ?? 0;
  let good: CsvRow[] = [];
  const write = async (chunk: number): Promise<void> => {
    if (batch !== null && good.length > 0) await file.write(good, { batch, chunk }, ports, counts);
    good = [];
    job.onProgress?.({ phase: 'write', rows: row });
  };
  for await (const one of rowsOf(job, index)) {
    const repeat = repeats.get(one.line);
    if (repeat === 'other') {
      const original = csvLine(one.fields, settings.delimiter);
      rejected.push({ line: one.line, reason: file.repeated(one), original });
    }
    if (repeat === undefined && batch !== null && look(one, job).ok) good.push(one);
    row += 1;
    if (row % plan.chunkRows === 0) await write(row / plan.chunkRows - 1);
  }
  await write(Math.floor(row / plan.chunkRows));
  await workspace.writeRejects('write', index, rejected);
  await workspace.writeReceipt('write', index, receiptOf(counts, 0));
};

const receiptOf = (counts: ReturnType<typeof newWriteCounts>, left: number): z.infer<typeof WriteReceipt> => ({
  written: counts.written,
  newCustomers: counts.newCustomers,
  left,
  unreadable: [...counts.unreadable].sort(),
});

/** After all ranges: takes a replaced batch away from customers whom the file does not name, and marks absent ones as left. */
export const sweepBuckets = async (group: BucketGroup, job: RangedJob): Promise<void> => {
  const { settings, workspace, ports } = job;
  const { batch } = await reviewOf(job);
  if (batch === null) return;
  const isPresent = settings.complete === true ? await presentLookup(job) : undefined;
  const date = settings.asOf ?? '';
  const counts = newWriteCounts();
  let left = 0;
  for (const bucket of bucketsOf(group, ports.customers.buckets)) {
    const changes = new Map<string, FactsChange>();
    for await (const read of ports.customers.readBucket(bucket)) {
      if (read.kind !== 'customer') continue;
      const { facts } = read;
      const { replaces, recordedAt } = batch;
      if (replaces !== null && withoutBatch(facts, replaces, recordedAt) !== undefined) {
        changes.set(facts.customerId, (stored) => withoutBatch(stored, replaces, recordedAt));
      }
      if (isPresent !== undefined && !isPresent(facts.customerId) && statusOn(facts.statuses, date) === 'active') {
        left += 1;
        changes.set(facts.customerId, (stored) =>
          statusOn(stored.statuses, date) === 'active'
            ? addStatus(stored, { status: 'left', date, recordedAt })
            : undefined,
        );
      }
    }
    await changeCustomers(ports.customers, changes, counts);
  }
  await workspace.writeReceipt('sweep', group.index, receiptOf(counts, left));
};

/** Closes the batch and says what the import did. @param sweeps how many groups of buckets were swept */
export const concludeImport = async (job: RangedJob, sweeps: number): Promise<ImportResult> => {
  const { plan, settings, workspace, ports } = job;
  const { checked, outcome, batch, absent } = await reviewOf(job);
  if (batch === null) {
    const isDryRun = settings.dryRun === true;
    const result = resultWithoutWrites(checked, { alreadyImported: outcome === 'already', dryRun: isDryRun });
    return { ...result, left: absent };
  }
  const receipts = [
    ...(await workspace.receipts('write', plan.ranges.length, WriteReceipt)),
    ...(await workspace.receipts('sweep', sweeps, WriteReceipt)),
  ];
  const newCustomers = sumOf(receipts, (receipt) => receipt.newCustomers);
  if (batch.replaces !== null) await setBatch(ports, batch.replaces, { state: 'replaced' });
  await setBatch(ports, batch.batchId, {
    state: 'done',
    finishedAt: ports.clock.now(),
    newCustomers: batch.newCustomers + newCustomers,
  });
  return {
    ...checked,
    alreadyImported: false,
    dryRun: false,
    newCustomers,
    written: sumOf(receipts, ({ written }) => written),
    left: sumOf(receipts, ({ left }) => left),
    unreadable: [...new Set(receipts.flatMap(({ unreadable }) => unreadable))].sort(),
  };
};
