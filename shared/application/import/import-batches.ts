import * as z from 'zod/mini';
import type { ImportBatch } from '../../contracts/import-batch.ts';
import { PermanentError } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CustomerStore } from '../../ports/customer-store.ts';
import type { ErasureLog } from '../../ports/erasure-log.ts';
import type { ContactWriter } from '../../ports/imports.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { RecordStore } from '../../ports/standing-store.ts';

/** Everything imports may use. */
export interface ImportPorts {
  readonly clock: Clock;
  readonly customers: CustomerStore;
  readonly batches: RecordStore<ImportBatch>;
  readonly contacts: ContactWriter;
  /** Who was erased and is not taken up again; absent where the key of its hashes is out of reach. */
  readonly erasures?: Pick<ErasureLog, 'load'>;
  /** IANA name of the stage's `businessTimeZone`: an instant in a file is a date there. */
  readonly businessTimeZone: string;
  /** Who imports; kept with the batch. */
  readonly by?: string;
}

/** What an import in one process may use. */
export interface InProcessPorts extends ImportPorts {
  /** Where it keeps its notes until it is over. */
  readonly scratch: ObjectStore;
}

/** What an import did. */
export interface ImportResult {
  readonly batchId: string;
  /** The same file, read the same way, was imported before: nothing was written. */
  readonly alreadyImported: boolean;
  readonly dryRun: boolean;
  /** Rows without the header; accepted + rejected. */
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Different customers in the accepted rows. */
  readonly customers: number;
  readonly newCustomers: number;
  /** Customers written, those marked as left included. */
  readonly written: number;
  /** Customers marked as left. */
  readonly left: number;
  /** Customers whose stored facts cannot be read, so that their rows could not be added. */
  readonly unreadable: readonly string[];
  /** Accepted rows that are the answer of their id now, where rows have ids; with `replaced` they make up the accepted ones. */
  readonly stored?: number;
  /** Accepted rows that a later answer of the same id, of this file or an earlier one, has replaced. */
  readonly replaced?: number;
  /** Sum of amounts in minor units; null where the file has no amounts. */
  readonly totalMinor: number | null;
  readonly dateFrom: string | null;
  readonly dateTo: string | null;
  /** What the reader should know, in English, such as columns that were left out. */
  readonly notices: readonly string[];
}

/** What the first reading of a file found. */
export const CheckedFile = z.readonly(
  z.object({
    batchId: z.string(),
    rows: z.number(),
    accepted: z.number(),
    rejected: z.number(),
    /** Different customers in the accepted rows. */
    customers: z.number(),
    totalMinor: z.nullable(z.number()),
    dateFrom: z.nullable(z.string()),
    dateTo: z.nullable(z.string()),
    notices: z.readonly(z.array(z.string())),
  }),
);
export type CheckedFile = z.infer<typeof CheckedFile>;

/** The result of an import that wrote nothing. */
export const resultWithoutWrites = (
  checked: CheckedFile,
  more: { readonly alreadyImported: boolean; readonly dryRun: boolean },
): ImportResult => ({ ...checked, ...more, newCustomers: 0, written: 0, left: 0, unreadable: [] });

/**
 * The record of the batch, created if there is none, which says whether anything is left to do. It is there before the
 * first customer is written, so that an import that ended half-way is seen and finished by the same command.
 */
export const beginBatch = async (
  ports: Pick<ImportPorts, 'clock' | 'batches' | 'by'>,
  checked: CheckedFile,
  about: {
    readonly kind: ImportBatch['kind'];
    readonly source: string;
    readonly fileName: string;
    readonly withIds: boolean;
    readonly replaces: string | null;
  },
): Promise<ImportBatch> => {
  const { batchId, rows, accepted, rejected, customers, totalMinor, dateFrom, dateTo } = checked;
  const record: ImportBatch = {
    batchId,
    ...about,
    state: 'importing',
    recordedAt: ports.clock.now(),
    ...(ports.by === undefined ? {} : { by: ports.by }),
    finishedAt: null,
    rows,
    accepted,
    rejected,
    customers,
    newCustomers: 0,
    totalMinor,
    dateFrom,
    dateTo,
  };
  if ((await ports.batches.create(batchId, record)) === 'created') return record;
  const stored = await ports.batches.get(batchId);
  if (stored === undefined) throw new PermanentError('batch-lost', `the record of the batch ${batchId} vanished`);
  if (stored.record.state !== 'replaced') return stored.record;
  await ports.batches.replace(batchId, record, stored.rev);
  return record;
};

/** Sets the state of a batch; reads again where another writer came between. */
export const setBatch = async (
  ports: Pick<ImportPorts, 'batches'>,
  batchId: string,
  change: Partial<Pick<ImportBatch, 'state' | 'finishedAt' | 'newCustomers'>>,
): Promise<void> => {
  for (;;) {
    const stored = await ports.batches.get(batchId);
    if (stored === undefined) throw new PermanentError('batch-lost', `the record of the batch ${batchId} vanished`);
    if ((await ports.batches.replace(batchId, { ...stored.record, ...change }, stored.rev)) === 'stored') return;
  }
};

/**
 * Refuses a file without ids whose dates overlap an earlier one of the same source: it might hold the same purchases.
 *
 * @throws PermanentError `import-overlaps`
 */
export const assertNoOverlap = async (
  ports: Pick<ImportPorts, 'batches'>,
  checked: CheckedFile,
  about: { readonly source: string; readonly withIds: boolean; readonly replaces: string | null },
): Promise<void> => {
  for (const { record } of await ports.batches.list('purchases-')) {
    const isOther =
      record.batchId !== checked.batchId && record.batchId !== about.replaces && record.state !== 'replaced';
    if (!isOther || record.source !== about.source || (record.withIds && about.withIds)) continue;
    if (record.dateFrom === null || record.dateTo === null || checked.dateFrom === null || checked.dateTo === null)
      continue;
    if (record.dateTo < checked.dateFrom || record.dateFrom > checked.dateTo) continue;
    throw new PermanentError(
      'import-overlaps',
      `the dates of this file, ${checked.dateFrom} to ${checked.dateTo}, overlap the batch ${record.batchId} (${record.fileName}, ${record.dateFrom} to ${record.dateTo}) of the source ${JSON.stringify(about.source)}`,
      {
        hint: `if it corrects that batch: --replace ${record.batchId}; if its purchases are others: --append; if it comes from another system: --source NAME`,
        details: { batch: record.batchId },
      },
    );
  }
};

/** @throws PermanentError `batch-unknown` where the batch to replace does not exist */
export const assertReplaceable = async (ports: Pick<ImportPorts, 'batches'>, batchId: string): Promise<void> => {
  const stored = await ports.batches.get(batchId);
  if (stored !== undefined && stored.record.kind === 'purchases') return;
  const known = (await ports.batches.list('purchases-')).map(({ id }) => id);
  throw new PermanentError('batch-unknown', `there is no batch of purchases ${batchId} to replace`, {
    hint: known.length === 0 ? 'no purchases were imported yet' : `the batches are: ${known.join(', ')}`,
  });
};
