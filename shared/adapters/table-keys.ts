import { createHash } from 'node:crypto';
import type { TableName } from '../contracts/workflows.ts';

/** Physical table names by meaning. */
export type TableNames = Readonly<Record<TableName, string>>;

/**
 * The bucket of a subject or customer id: the first 32 bits of its SHA-256, modulo the number of buckets of the stage.
 *
 * @param buckets 1..9,999; fixed for the life of a stage
 */
export const bucketOf = (text: string, buckets: number): number =>
  createHash('sha256').update(text, 'utf8').digest().readUInt32BE(0) % buckets;

const padded = (bucket: number): string => String(bucket).padStart(4, '0');

/** Partition of `customers` and `standings`: bucket 42 is `b0042`. The sort key is the subject: `b0042 / 3q2-7wAAQkGn0lZ1xT5bYw`. */
export const bucketKey = (bucket: number): string => `b${padded(bucket)}`;

/** Partition of the items that lead from a customer id to a subject: `i0042 / C-1001`. */
export const idKey = (bucket: number): string => `i${padded(bucket)}`;

/** Partition of order history beyond the main item: `h0042`, in the bucket of the subject. */
export const historyKey = (bucket: number): string => `h${padded(bucket)}`;

/**
 * Sort key of one chunk of order history: `3q2-7wAAQkGn0lZ1xT5bYw#1997#12-0-9f86d081`: subject, year, then the `factsRev`
 * that wrote it, the part within the year, and the start of the content's SHA-256. A key never gets a second content, so
 * the main item, which names its chunks, always leads to exactly what was written for it.
 */
export const historyChunkKey = (subject: string, year: number, rev: number, part: number, content: string): string =>
  `${subject}#${year}#${rev}-${part}-${createHash('sha256').update(content, 'utf8').digest('hex').slice(0, 12)}`;

/**
 * Kinds of `runs`: `RUN / 2026-05-monthly`, `WAVE / 2026-05-monthly`, `BATCH / 6f1c…`, `STATE / pointer`, `STAFF / hash of a name`,
 * `STAFFMAIL / 2026-05-monthly#hash of a name`, `AUDIT / 2026-05-31T08:00:00.000Z#000`, `KEYS / ring`.
 */
export const RECORD_KINDS = [
  'RUN',
  'WAVE',
  'TALLY',
  'BATCH',
  'STATE',
  'STAFF',
  'STAFFMAIL',
  'AUDIT',
  'KEYS',
  'IMPORT',
  'FEED',
] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** `STATE / pointer`: the one pointer item. */
export const POINTER_KEY = { kind: 'STATE', id: 'pointer' } as const;

/** Value of the partition key of the index `open` of `flags`: all open proposals, ascending by `raised`. */
export const OPEN_FLAGS = 'open';

/** The same of proposals that were closed in a UTC month, ascending by when: `closed#2026-05`. */
export const closedFlags = (month: string): string => `closed#${month}`;

/** Value of the partition key of the sparse indexes `outbox`: items on which events wait, ascending by `outboxSince`. */
export const WAITING_EVENTS = 'waiting';

/** Kind in `runs` of events that wait and belong to no item: `OUTBOX / 2026-05-31T08:00:00.000Z wave/2026-05-monthly/1`. */
export const OUTBOX_KIND = 'OUTBOX';
