import * as z from 'zod/mini';
import { ANSWER_SCALES } from '../domain/facts.ts';

/** Kinds of files of any size: they are read in ranges. */
export const RANGED_KINDS = ['purchases', 'customers'] as const;
export type RangedKindName = (typeof RANGED_KINDS)[number];
/** Kinds of files that are read whole. */
export const WHOLE_KINDS = ['answers', 'notes', 'staff'] as const;
export type WholeKindName = (typeof WHOLE_KINDS)[number];
export const IMPORT_KINDS = [...RANGED_KINDS, ...WHOLE_KINDS] as const;

/** Where other systems drop files: `incoming/<feed>/<file>`. */
export const INCOMING_FOLDER = 'incoming';

export const CSV_ENCODINGS = ['utf-8', 'gb18030', 'iso-8859-1'] as const;

/** How files of a kind are read; the options of the command `import KIND`. */
export const ImportSettings = z.object({
  kind: z.enum(IMPORT_KINDS),
  /** What a column is → its name. */
  map: z.record(z.string(), z.string()),
  encoding: z.optional(z.enum(CSV_ENCODINGS)),
  delimiter: z.optional(z.string()),
  decimal: z.optional(z.enum(['.', ','])),
  dateFormat: z.optional(z.string()),
  /** The system that the file comes from. */
  source: z.optional(z.string()),
  attributes: z.optional(z.array(z.string())),
  replace: z.optional(z.string()),
  append: z.optional(z.boolean()),
  traits: z.optional(z.array(z.string())),
  /** A date, or `arrival`: the business date on which the file came. */
  asOf: z.optional(z.string()),
  complete: z.optional(z.boolean()),
  inputDropLimit: z.optional(z.number()),
  scale: z.optional(z.enum(ANSWER_SCALES)),
  dryRun: z.optional(z.boolean()),
});
export type ImportSettings = z.infer<typeof ImportSettings>;

/** A file in the workspace. */
const StoredFile = z.object({
  key: z.string(),
  /** Its name where it comes from, for messages and records. */
  name: z.string(),
});

/** What an import is asked to do; `imports/<id>/request.json`. */
export const ImportRequest = z.object({
  settings: ImportSettings,
  file: StoredFile,
  /** Files that lead from the id in the file to the customer's, in turn. */
  via: z.array(z.object({ file: StoredFile, key: z.string(), value: z.string() })),
  by: z.string(),
  /** The feed that the file was dropped for. */
  feed: z.nullable(z.string()),
});
export type ImportRequest = z.infer<typeof ImportRequest>;

/** Record of an import, kind IMPORT in table `runs`. Holds counts, never a row. */
export const ImportRecord = z.object({
  importId: z.string(),
  kind: z.nullable(z.enum(IMPORT_KINDS)),
  feed: z.nullable(z.string()),
  fileName: z.string(),
  by: z.string(),
  dryRun: z.boolean(),
  state: z.enum(['running', 'done', 'failed']),
  startedAt: z.string(),
  finishedAt: z.nullable(z.string()),
  /** Ranges of whole rows; 0 before they are known, and where the file is read whole. */
  ranges: z.number(),
  batchId: z.nullable(z.string()),
  rows: z.number(),
  accepted: z.number(),
  rejected: z.number(),
  error: z.nullable(z.object({ code: z.string(), message: z.string(), hint: z.nullable(z.string()) })),
});
export type ImportRecord = z.infer<typeof ImportRecord>;

/** A folder of the workspace into which other systems drop files, and how those are read; kind FEED in table `runs`. */
export const Feed = z.object({
  name: z.string(),
  settings: ImportSettings,
  setAt: z.string(),
  setBy: z.string(),
  /** Since when its files are refused. */
  stoppedAt: z.nullable(z.string()),
});
export type Feed = z.infer<typeof Feed>;

/** A stretch of whole rows of a file. */
export const RowRange = z.object({
  /** Where the bytes are: the file, or a piece of it that was decompressed. */
  key: z.string(),
  from: z.number(),
  /** Bytes before its end. */
  to: z.number(),
  /** Line of the file where it begins. */
  firstLine: z.number(),
  /** Rows of the file before it, without the header. */
  firstRow: z.number(),
});
export type RowRange = z.infer<typeof RowRange>;

/** How a file is read in ranges; `imports/<id>/plan.json`. */
export const ImportPlan = z.object({
  fileName: z.string(),
  /** State of the file when it was cut; a file that changes afterwards is refused. */
  version: z.string(),
  header: z.array(z.string()),
  recordDelimiter: z.enum(['\n', '\r\n', '\r']),
  /** SHA-256 of the decompressed bytes, hexadecimal. */
  content: z.string(),
  rows: z.number(),
  ranges: z.array(RowRange),
  /** Rows that are written together, at most once; the same for every file, or it could be written twice. */
  chunkRows: z.number(),
  /** Parts into which ids are sorted to find those that come again; at least 1. */
  partitions: z.number(),
  /** What the columns are, as the kind has it. */
  reading: z.unknown(),
  notices: z.array(z.string()),
  /** When the import began: what is dated later is dated ahead. */
  startedAt: z.string(),
});
export type ImportPlan = z.infer<typeof ImportPlan>;
