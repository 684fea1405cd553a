import * as z from 'zod/mini';

/** Record of one import, kind BATCH in table `runs`. Holds counts and dates, nothing personal. */
export const ImportBatch = z.object({
  batchId: z.string(),
  kind: z.enum(['purchases', 'customers', 'answers']),
  /** Name of the system that the file comes from. */
  source: z.string(),
  fileName: z.string(),
  /** `importing` until the last customer is written; the same import again finishes it. */
  state: z.enum(['importing', 'done', 'replaced']),
  recordedAt: z.string(),
  finishedAt: z.nullable(z.string()),
  /** Who imported it; absent in batches of before it was kept. */
  by: z.optional(z.string()),
  /** Whether rows carry ids of their own, so that overlapping files are no danger. */
  withIds: z.boolean(),
  replaces: z.nullable(z.string()),
  rows: z.number(),
  accepted: z.number(),
  rejected: z.number(),
  customers: z.number(),
  newCustomers: z.number(),
  totalMinor: z.nullable(z.number()),
  dateFrom: z.nullable(z.string()),
  dateTo: z.nullable(z.string()),
});
export type ImportBatch = z.infer<typeof ImportBatch>;
