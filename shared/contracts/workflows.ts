import * as z from 'zod/mini';

/**
 * What crosses the state machines. State data holds ids and counts; customers stay in the tables and the workspace.
 * One record per function: file name in functions/ = state name in kebab case = key here.
 */
const RunId = z.string();
const WaveId = z.string();
const Schema = z.literal(1);
const Shards = z.array(z.number());

export const BRAKES = [
  'movedShare',
  'flagShare',
  'inputDropShare',
  'staleInputDays',
  'emptiedSegment',
  'quarantineShare',
] as const;

/** Input of an execution of `resegmentation`. */
export const RunRequest = z.object({
  schema: Schema,
  trigger: z.enum(['schedule', 'operator']),
  mode: z.enum(['run', 'plan', 'apply', 'redrive']),
  /** Distinguishes ad hoc runs of a period; absent for scheduled ones. Of a `redrive`: the name of the execution. */
  requestId: z.optional(z.string()),
  /** For `apply`: the planned run; for `redrive`: the failed one. */
  runId: z.optional(z.string()),
  /** A rolled back, abandoned or expired monthly run whose period is to be closed by a new run. */
  replaces: z.optional(z.string()),
  /** Full hash of a policy stored as `policies/<hash>.json`; absent: the active one. */
  policyHash: z.optional(z.string()),
  asOf: z.optional(z.string()),
  /** For the schedule: the instant it was due; its period is the month that ended before. */
  scheduledAt: z.optional(z.string()),
  only: z.optional(z.object({ branches: z.optional(z.array(z.string())), subjectsKey: z.optional(z.string()) })),
  survey: z.optional(z.boolean()),
  override: z.optional(z.object({ brake: z.enum(BRAKES), reason: z.string(), by: z.string() })),
  shards: z.optional(z.number()),
  by: z.string(),
});
export type RunRequest = z.infer<typeof RunRequest>;

const RunRef = z.object({ schema: Schema, runId: RunId });
const ShardRef = z.object({ schema: Schema, runId: RunId, shard: z.number() });
const WaveRef = z.object({ schema: Schema, waveId: WaveId });
const BatchRef = z.object({ schema: Schema, waveId: WaveId, batch: z.number() });
const ImportId = z.string();
const ImportRef = z.object({ schema: Schema, importId: ImportId });
const ImportRangeRef = z.object({ schema: Schema, importId: ImportId, range: z.number() });
const ImportGroupRef = z.object({ schema: Schema, importId: ImportId, group: z.number() });
/** A file that another system dropped: its key, what changes with its content, and when it came. */
const DroppedObject = z.object({ key: z.string(), version: z.string(), at: z.string() });
/** An import has an id, or a file that was dropped gives it one. */
const namesAnImport = (input: { readonly importId?: string | undefined; readonly object?: unknown }): boolean =>
  input.importId !== undefined || input.object !== undefined;
const Nothing = z.object({});

/** Contracts of the functions that state machines call, by function name. */
export const STEPS = {
  /** `next` decides the way: measure and plan, apply a stored plan, or stop since the period's run exists and is finished. */
  'open-run': {
    input: RunRequest,
    output: z.object({ schema: Schema, runId: RunId, next: z.enum(['measure', 'apply', 'stop']) }),
  },
  'plan-shards': { input: RunRef, output: z.object({ schema: Schema, runId: RunId, shards: Shards }) },
  'measure-shard': { input: ShardRef, output: Nothing },
  calibrate: { input: RunRef, output: Nothing },
  'assign-shard': { input: ShardRef, output: Nothing },
  'review-plan': { input: RunRef, output: z.object({ outcome: z.enum(['apply', 'planned', 'held']) }) },
  /** Takes the lock and the sequence number; gives the shards to apply. */
  'begin-apply': { input: RunRef, output: z.object({ schema: Schema, runId: RunId, shards: Shards }) },
  'apply-shard': { input: ShardRef, output: Nothing },
  'publish-run': { input: RunRef, output: Nothing },
  'write-report': { input: RunRef, output: Nothing },
  'start-wave': { input: RunRef, output: Nothing },
  'mail-action-lists': { input: RunRef, output: Nothing },
  /** Throws PermanentError `run-degraded` where the run published but is not healthy. */
  'assert-run-healthy': { input: RunRef, output: Nothing },
  /** Records that the execution failed; gets the cause as Step Functions gives it. */
  'fail-run': {
    input: z.object({
      schema: Schema,
      runId: z.optional(z.string()),
      request: z.optional(z.unknown()),
      error: z.optional(z.string()),
      cause: z.optional(z.string()),
    }),
    output: Nothing,
  },
  'plan-wave': { input: WaveRef, output: z.object({ schema: Schema, waveId: WaveId }) },
  'send-invitations': { input: BatchRef, output: Nothing },
  /** Decides from the wave's record and its invitations what comes next: the batches with mails to send, or until when to wait. */
  'look-up-wave': {
    input: WaveRef,
    output: z.object({
      schema: Schema,
      waveId: WaveId,
      next: z.enum(['plan-wave', 'send-invitations', 'send-reminders', 'wait', 'close']),
      /** Batches that `next` is to send; none for the others. */
      batches: z.array(z.number()),
      /** When to look up again, for `wait`; otherwise now. */
      until: z.string(),
    }),
  },
  'send-reminders': { input: BatchRef, output: Nothing },
  'close-wave': { input: WaveRef, output: Nothing },
  /** Throws PermanentError `wave-degraded` where uncertain mails are above the limit. */
  'assert-wave-healthy': { input: WaveRef, output: Nothing },
  /**
   * `ranges`, `partitions` and `groups` are what the Maps that follow go through; all empty where `next` is not `ranges`. `nothing`:
   * what was dropped is no file, or is imported already.
   */
  'split-import': {
    input: z
      .object({ schema: Schema, importId: z.optional(z.string()), object: z.optional(DroppedObject) })
      .check(z.refine(namesAnImport)),
    output: z.object({
      schema: Schema,
      importId: ImportId,
      next: z.enum(['ranges', 'whole', 'nothing']),
      ranges: z.array(z.number()),
      partitions: z.array(z.number()),
      groups: z.array(z.number()),
    }),
  },
  'check-import-range': { input: ImportRangeRef, output: Nothing },
  'tally-import-ids': {
    input: z.object({ schema: Schema, importId: ImportId, partition: z.number() }),
    output: Nothing,
  },
  'count-absent-customers': { input: ImportGroupRef, output: Nothing },
  /** `ranges` to write, and `groups` of buckets to go through afterwards. */
  'review-import': {
    input: ImportRef,
    output: z.object({ schema: Schema, importId: ImportId, ranges: z.array(z.number()), groups: z.array(z.number()) }),
  },
  'write-import-range': { input: ImportRangeRef, output: Nothing },
  'sweep-customers': { input: ImportGroupRef, output: Nothing },
  'import-whole-file': { input: ImportRef, output: Nothing },
  'finish-import': { input: ImportRef, output: Nothing },
  'fail-import': {
    input: z
      .object({
        schema: Schema,
        importId: z.optional(z.string()),
        object: z.optional(DroppedObject),
        error: z.optional(z.string()),
        cause: z.optional(z.string()),
      })
      .check(z.refine(namesAnImport)),
    output: Nothing,
  },
} as const;
export type StepName = keyof typeof STEPS;

/** Functions that are called by HTTP, a queue or a schedule. */
export const ENTRY_FUNCTIONS = [
  'answer-survey',
  'ingest-mail-event',
  'project-answers',
  'escalate-cases',
  'emit-events',
] as const;
export type EntryFunction = (typeof ENTRY_FUNCTIONS)[number];

/** Environment variables by meaning; `infra` sets exactly these, `functions/runtime/environment.ts` parses them. */
export const TABLES = [
  'customers',
  'standings',
  'contacts',
  'invitations',
  'answers',
  'flags',
  'cases',
  'runs',
] as const;
export type TableName = (typeof TABLES)[number];
