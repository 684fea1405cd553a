import { createHash } from 'node:crypto';
import { basename } from 'node:path/posix';
import * as z from 'zod/mini';
import {
  type Feed,
  type ImportPlan,
  ImportPlan as ImportPlanSchema,
  type ImportRecord,
  ImportRequest,
  type ImportSettings,
  INCOMING_FOLDER,
  type RangedKindName,
  type WholeKindName,
} from '../../contracts/import-job.ts';
import { dateIn, type Instant } from '../../domain/calendar.ts';
import { isResegmentError, PermanentError, RetryableError } from '../../errors.ts';
import type { AuditJournal } from '../../ports/audit-journal.ts';
import type { FileStore } from '../../ports/file-store.ts';
import type { ImportSource, RejectedRow } from '../../ports/imports.ts';
import { measure } from '../../ports/metrics.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { StaffStore } from '../../ports/staff-store.ts';
import type { RecordStore } from '../../ports/standing-store.ts';
import { csvLine } from './csv-rows.ts';
import { importAnswers } from './import-answers.ts';
import type { ImportPorts, ImportResult } from './import-batches.ts';
import { customerKind } from './import-customers.ts';
import { importNotes, type NoteImportResult } from './import-notes.ts';
import { purchaseKind } from './import-purchases.ts';
import {
  checkRange,
  concludeImport,
  countAbsent,
  planRanges,
  type RangedJob,
  reviewImport as reviewRanges,
  sweepBuckets,
  tallyPartition,
  writeRange,
} from './import-ranges.ts';
import { importStaff, type StaffImportResult } from './import-staff.ts';
import { importWorkspace } from './import-workspace.ts';
import type { RangedKind, ReadingContext } from './ranged-file.ts';

/** Chunks of 50,000 rows in a range: about 4 to 8 minutes of writing. */
const CHUNKS_PER_RANGE = 8;
/** Parts in which all buckets are gone through. */
export const MOST_BUCKET_GROUPS = 64;
/** Largest file that is read whole. */
const MOST_WHOLE_BYTES = 256 * 1_024 * 1_024;

/** Everything that the steps of the workflow `import` use. */
export interface ImportJobPorts extends ImportPorts {
  readonly objects: ObjectStore;
  readonly files: FileStore;
  readonly imports: RecordStore<ImportRecord>;
  readonly feeds: RecordStore<Feed>;
  readonly staff: StaffStore;
  readonly journal: AuditJournal;
  /** ISO 4217 code of the stage. */
  readonly currency: string;
}

/** What the workflow starts with: an import that was asked for, or a file that was dropped. */
export interface ImportStart {
  readonly importId?: string | undefined;
  readonly object?: { readonly key: string; readonly version: string; readonly at: Instant } | undefined;
}

const RANGED: Readonly<Record<RangedKindName, RangedKind>> = { purchases: purchaseKind, customers: customerKind };
const rangedKind = (kind: ImportSettings['kind']): RangedKind | undefined =>
  kind === 'purchases' || kind === 'customers' ? RANGED[kind] : undefined;

const workspaceOf = (importId: string, { objects }: Pick<ImportJobPorts, 'objects'>) =>
  importWorkspace(objects, importId);

/** Stores what an import is asked to do, before its workflow starts. */
export const storeImportRequest = (
  importId: string,
  request: ImportRequest,
  ports: Pick<ImportJobPorts, 'objects'>,
): Promise<void> => workspaceOf(importId, ports).writeJson('request.json', request);

/**
 * Settles what is imported and cuts the file into ranges. A plan that is there is not made again.
 *
 * @returns what the workflow goes through; `ranges` and `partitions` are empty for a file that is read whole
 * @throws PermanentError as `planRanges`; also `feed-unknown`, `file-missing`, `file-too-large`, `import-unknown`
 */
export const splitImport = async (
  start: ImportStart,
  ports: ImportJobPorts,
): Promise<{
  readonly importId: string;
  readonly next: 'ranges' | 'whole' | 'nothing';
  readonly ranges: readonly number[];
  readonly partitions: readonly number[];
  readonly groups: readonly number[];
}> => {
  const importId = start.importId ?? idOfDrop(start);
  const nothing = { importId, next: 'nothing' as const, ranges: [], partitions: [], groups: [] };
  // Consoles make folders as empty objects.
  if (start.object?.key.endsWith('/') === true) return nothing;
  if ((await openRecord(importId, start, ports)) === 'done') return nothing;
  return recorded(importId, ports, async () => {
    const request = await requestOf(importId, start, ports);
    await changeRecord(importId, ports, {
      kind: request.settings.kind,
      feed: request.feed,
      fileName: request.file.name,
      by: request.by,
      dryRun: request.settings.dryRun === true,
    });
    const kind = rangedKind(request.settings.kind);
    if (kind === undefined) {
      await assertSmall(request, ports);
      return { importId, next: 'whole' as const, ranges: [], partitions: [], groups: [] };
    }
    const plan = (await planOf(importId, ports)) ?? (await makePlan(importId, request, kind, ports));
    await changeRecord(importId, ports, { ranges: plan.ranges.length });
    return {
      importId,
      next: 'ranges' as const,
      ranges: numbers(plan.ranges.length),
      partitions: numbers(plan.partitions),
      groups: request.settings.complete === true ? groupsOf(ports) : [],
    };
  });
};

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const groupsOf = ({ customers }: ImportJobPorts): readonly number[] =>
  numbers(Math.min(MOST_BUCKET_GROUPS, customers.buckets));

/** The same for a notice of one drop that comes twice; another one for the same file that is dropped again. */
const idOfDrop = ({ object }: ImportStart): string => {
  if (object === undefined)
    throw new PermanentError('import-unknown', 'an import starts with the id of an import, or with a file');
  const hash = createHash('sha256').update(`${object.key}\n${object.version}`).digest('hex');
  return `${object.at.slice(0, 19).replaceAll(':', '')}-${hash.slice(0, 12)}`;
};

/** @returns what its record says */
const openRecord = async (
  importId: string,
  { object }: ImportStart,
  ports: ImportJobPorts,
): Promise<ImportRecord['state']> => {
  await ports.imports.create(importId, {
    importId,
    kind: null,
    feed: null,
    fileName: object === undefined ? '' : basename(object.key),
    by: '',
    dryRun: false,
    state: 'running',
    startedAt: ports.clock.now(),
    finishedAt: null,
    ranges: 0,
    batchId: null,
    rows: 0,
    accepted: 0,
    rejected: 0,
    error: null,
  });
  return (await ports.imports.get(importId))?.record.state ?? 'running';
};

/** What is asked for; of a dropped file as its feed has it. */
const requestOf = async (importId: string, { object }: ImportStart, ports: ImportJobPorts): Promise<ImportRequest> => {
  const workspace = workspaceOf(importId, ports);
  const stored = await workspace.readJson('request.json', ImportRequest);
  if (stored !== undefined) return stored;
  if (object === undefined) throw new PermanentError('import-unknown', `there is no request of the import ${importId}`);
  const [folder, name, ...rest] = object.key.split('/');
  const feed = name === undefined ? undefined : (await ports.feeds.get(name))?.record;
  if (folder !== INCOMING_FOLDER || feed === undefined || rest.length === 0) {
    const known = (await ports.feeds.list()).map(({ id }) => id);
    throw new PermanentError(
      'feed-unknown',
      `the file ${object.key} is not in the folder of a feed: ${INCOMING_FOLDER}/FEED/FILE`,
      {
        hint:
          known.length === 0
            ? 'there is no feed yet; make one: resegment feed set NAME KIND --map …'
            : `the feeds are: ${known.join(', ')}; make another: resegment feed set NAME KIND --map …`,
      },
    );
  }
  if (feed.stoppedAt !== null) {
    throw new PermanentError(
      'feed-stopped',
      `the feed ${feed.name} was stopped, so that ${object.key} is not imported`,
      {
        hint: 'resegment feed set lets it go on; then put the file there again',
      },
    );
  }
  const { asOf } = feed.settings;
  const request: ImportRequest = {
    settings:
      asOf === 'arrival' ? { ...feed.settings, asOf: dateIn(ports.businessTimeZone, object.at) } : feed.settings,
    file: { key: object.key, name: basename(object.key) },
    via: [],
    by: `feed ${feed.name}`,
    feed: feed.name,
  };
  await workspace.writeJson('request.json', request);
  return request;
};

const planOf = (importId: string, ports: ImportJobPorts): Promise<ImportPlan | undefined> =>
  workspaceOf(importId, ports).readJson('plan.json', ImportPlanSchema);

const makePlan = async (
  importId: string,
  request: ImportRequest,
  kind: RangedKind,
  ports: ImportJobPorts,
): Promise<ImportPlan> => {
  const workspace = workspaceOf(importId, ports);
  const { version } = await statOf(request.file, ports);
  const source = sourceOf(request.file, ports, version);
  const startedAt = ports.clock.now();
  const plan = await planRanges(kind, source, request.settings, await contextOf(startedAt, ports, false), {
    chunksPerRange: CHUNKS_PER_RANGE,
    version,
    key: request.file.key,
    startedAt,
    // Nobody can begin to decompress in the middle.
    ...((await isCompressed(source))
      ? {
          keepPiece: async (index: number, bytes: Uint8Array) => {
            const key = `${workspace.folder}/pieces/${String(index).padStart(6, '0')}.csv`;
            await ports.objects.put(key, bytes);
            return key;
          },
        }
      : {}),
  });
  await workspace.writeJson('plan.json', plan);
  return plan;
};

const statOf = async (file: ImportRequest['file'], { files }: ImportJobPorts) => {
  const state = await files.stat(file.key);
  if (state === undefined) throw new PermanentError('file-missing', `the file ${file.name} is not in the workspace`);
  return state;
};

const isCompressed = async (source: ImportSource): Promise<boolean> => {
  for await (const bytes of source.open()) {
    if (bytes.length > 1) return bytes[0] === 0x1f && bytes[1] === 0x8b;
  }
  return false;
};

const sourceOf = (file: ImportRequest['file'], { files }: ImportJobPorts, version?: string): ImportSource => ({
  name: file.name,
  open: () => files.read(file.key, undefined, version),
});

const assertSmall = async (request: ImportRequest, ports: ImportJobPorts): Promise<void> => {
  for (const file of [request.file, ...request.via.map((one) => one.file)]) {
    const { sizeBytes } = await statOf(file, ports);
    if (sizeBytes > MOST_WHOLE_BYTES) {
      throw new PermanentError(
        'file-too-large',
        `${file.name} has ${Math.ceil(sizeBytes / 1_048_576)} MiB; a file of ${request.settings.kind} has at most ${MOST_WHOLE_BYTES / 1_048_576} MiB`,
        { hint: 'split it and import the parts one after the other' },
      );
    }
  }
};

const contextOf = async (startedAt: Instant, ports: ImportJobPorts, readsRows: boolean): Promise<ReadingContext> => {
  const isErased = readsRows ? await ports.erasures?.load() : undefined;
  return {
    currency: ports.currency,
    businessTimeZone: ports.businessTimeZone,
    today: dateIn(ports.businessTimeZone, startedAt),
    ...(isErased === undefined ? {} : { isErased }),
  };
};

/** @param readsRows whether rows are read, so that it matters who was erased */
const jobOf = async (importId: string, ports: ImportJobPorts, readsRows = false): Promise<RangedJob> => {
  const workspace = workspaceOf(importId, ports);
  const request = await workspace.readJson('request.json', ImportRequest);
  const plan = await planOf(importId, ports);
  const kind = request === undefined ? undefined : rangedKind(request.settings.kind);
  if (request === undefined || plan === undefined || kind === undefined)
    throw new PermanentError('import-unknown', `there is no plan of the import ${importId}`);
  return {
    plan,
    settings: request.settings,
    kind,
    file: kind.file(plan.reading, request.settings, await contextOf(plan.startedAt, ports, readsRows)),
    workspace,
    ports: { ...ports, by: request.by },
    open: ({ key, from, to }) =>
      ports.files.read(key, { from, to }, key === request.file.key ? plan.version : undefined),
  };
};

interface InImport {
  readonly importId: string;
}

/** Reads one range and counts it. */
export const checkImportRange = (input: InImport & { readonly range: number }, ports: ImportJobPorts): Promise<void> =>
  recorded(input.importId, ports, async () => checkRange(input.range, await jobOf(input.importId, ports, true)));

/** Finds ids that come again, in one part of them. */
export const tallyImportIds = (
  input: InImport & { readonly partition: number },
  ports: ImportJobPorts,
): Promise<void> =>
  recorded(input.importId, ports, async () => tallyPartition(input.partition, await jobOf(input.importId, ports)));

/** Counts the customers of some buckets whom a complete file lacks. */
export const countAbsentCustomers = (
  input: InImport & { readonly group: number },
  ports: ImportJobPorts,
): Promise<void> =>
  recorded(input.importId, ports, async () =>
    countAbsent({ index: input.group, count: groupsOf(ports).length }, await jobOf(input.importId, ports)),
  );

/** Decides whether the file is written. @returns ranges and groups of buckets that are gone through next */
export const reviewImport = ({ importId }: InImport, ports: ImportJobPorts) =>
  recorded(importId, ports, async () => {
    const job = await jobOf(importId, ports);
    const groups = groupsOf(ports);
    const { ranges, sweeps } = await reviewRanges(job, job.settings.complete === true ? groups.length : 0);
    return { importId, ranges, groups: sweeps ? groups : [] };
  });

/** Writes one range. */
export const writeImportRange = (input: InImport & { readonly range: number }, ports: ImportJobPorts): Promise<void> =>
  recorded(input.importId, ports, async () => writeRange(input.range, await jobOf(input.importId, ports, true)));

/** Goes through some buckets after the file is written. */
export const sweepCustomers = (input: InImport & { readonly group: number }, ports: ImportJobPorts): Promise<void> =>
  recorded(input.importId, ports, async () =>
    sweepBuckets({ index: input.group, count: groupsOf(ports).length }, await jobOf(input.importId, ports)),
  );

/** What an import did, by kind; `imports/<id>/result.json`. */
export type ImportOutcome =
  | { readonly kind: RangedKindName | 'answers'; readonly result: ImportResult; readonly hasRejects: boolean }
  | { readonly kind: 'notes'; readonly result: NoteImportResult; readonly hasRejects: boolean }
  | { readonly kind: 'staff'; readonly result: StaffImportResult; readonly hasRejects: boolean };

const isOutcome = (value: unknown): value is ImportOutcome =>
  typeof value === 'object' && value !== null && 'kind' in value && 'result' in value && 'hasRejects' in value;
const Outcome = z.custom<ImportOutcome>(isOutcome);

/** What an import did that is over. @throws PermanentError `import-unknown` */
export const importOutcome = async (
  importId: string,
  ports: Pick<ImportJobPorts, 'objects'>,
): Promise<ImportOutcome> => {
  const outcome = await workspaceOf(importId, ports).readJson('result.json', Outcome);
  if (outcome !== undefined) return outcome;
  throw new PermanentError('import-unknown', `there is no result of the import ${importId}`, {
    hint: 'resegment import list shows the imports; results are kept for 7 days',
  });
};

/** Imports a file of answers, notes or staff, which is read whole. Twice changes nothing. */
export const importWholeFile = ({ importId }: InImport, ports: ImportJobPorts): Promise<void> =>
  recorded(importId, ports, async () => {
    const workspace = workspaceOf(importId, ports);
    const request = await requestOf(importId, {}, ports);
    const rejected: RejectedRow[] = [];
    const rejects = { write: (row: RejectedRow) => void rejected.push(row) };
    const outcome = await importWhole(request, { ...request.settings, rejects }, { ...ports, by: request.by });
    await workspace.writeRejects('check', 0, rejected);
    await workspace.writeJson('outcome.json', { ...outcome, hasRejects: rejected.length > 0 });
  });

type WholeSettings = ImportSettings & { readonly rejects: { readonly write: (row: RejectedRow) => void } };

const importWhole = async (
  request: ImportRequest,
  { kind, ...settings }: WholeSettings,
  ports: ImportJobPorts,
): Promise<{ readonly kind: WholeKindName; readonly result: unknown }> => {
  const source = sourceOf(request.file, ports);
  const timed = { ...ports, timeZone: ports.businessTimeZone };
  switch (kind) {
    case 'notes':
      return { kind, result: await importNotes(source, settings, timed) };
    case 'staff':
      return { kind, result: await importStaff(source, settings, ports) };
    case 'answers': {
      const via = request.via.map(({ file, key, value }) => ({ source: sourceOf(file, ports), key, value }));
      return { kind, result: await importAnswers(source, { ...settings, via }, ports) };
    }
    default:
      throw new PermanentError('import-unknown', `files of ${kind} are read in ranges`);
  }
};

/** Closes the import: its result, the rejected rows as one file, its record. What only the steps needed is removed. */
export const finishImport = ({ importId }: InImport, ports: ImportJobPorts): Promise<void> =>
  recorded(importId, ports, async () => {
    const workspace = workspaceOf(importId, ports);
    const request = await requestOf(importId, {}, ports);
    const known = await workspace.readJson('result.json', Outcome);
    const outcome = known ?? (await outcomeOf(importId, ports));
    if (known === undefined) {
      if (outcome.hasRejects)
        await ports.files.write(`${workspace.folder}/rejects.csv`, rejectsCsv(workspace.rejects()));
      await workspace.writeJson('result.json', outcome);
    }
    const { result } = outcome;
    await note(importId, request, outcome, ports);
    const closed = await closeRecord(importId, ports, {
      batchId: 'batchId' in result ? result.batchId : null,
      rows: result.rows,
      accepted: result.accepted,
      rejected: result.rejected,
    });
    if (closed === 'now') {
      measure('RowsImported', hasWritten(outcome) ? result.accepted : 0);
      measure('RowsRejected', result.rejected);
    }
    await workspace.clear();
  });

const hasWritten = ({ result }: ImportOutcome): boolean =>
  !result.dryRun && !('alreadyImported' in result && result.alreadyImported);

const outcomeOf = async (importId: string, ports: ImportJobPorts): Promise<ImportOutcome> => {
  const whole = await workspaceOf(importId, ports).readJson('outcome.json', Outcome);
  if (whole !== undefined) return whole;
  const job = await jobOf(importId, ports);
  const sweeps = job.settings.complete === true || job.settings.replace !== undefined;
  const result = await concludeImport(job, sweeps ? groupsOf(ports).length : 0);
  return { kind: job.kind.kind, result, hasRejects: result.rejected > 0 };
};

/** Rejected rows as CSV: `line,reason,original`. */
export async function* rejectsCsv(rows: AsyncIterable<RejectedRow>): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  yield encoder.encode('line,reason,original\n');
  for await (const { line, reason, original } of rows)
    yield encoder.encode(`${csvLine([String(line), reason, original])}\n`);
}

/**
 * Notes and staff leave no batch, so that the journal says who brought them in. The entry is of the time when the import began, which is
 * the same for a step that was killed and is taken again: it is kept once.
 */
const note = async (
  importId: string,
  { file, by }: ImportRequest,
  outcome: ImportOutcome,
  { imports, journal }: ImportJobPorts,
): Promise<void> => {
  const { kind, result } = outcome;
  if ((kind !== 'notes' && kind !== 'staff') || !hasWritten(outcome) || result.accepted === 0) return;
  const { record } = await recordOf(importId, imports);
  await journal.add(
    {
      at: record.startedAt,
      by,
      kind: kind === 'staff' ? 'staff' : 'import',
      action: 'imported',
      // Not what was new or changed: a step that was killed and is taken again finds all of it as it should be.
      what: `${file.name} (rows accepted: ${result.accepted})`,
      reason: null,
    },
    importId,
  );
};

/** Notes that the workflow gave up, and why: as a step left word, else as the workflow has it. */
export const failImport = async (
  input: ImportStart & { readonly error?: string | undefined; readonly cause?: string | undefined },
  ports: ImportJobPorts,
): Promise<void> => {
  const importId = input.importId ?? idOfDrop(input);
  // A notice that came twice was imported once, and the later of its executions may find nothing left to work on.
  if ((await openRecord(importId, input, ports)) === 'done') return;
  const known = (await ports.imports.get(importId))?.record;
  if (known?.state === 'running' && (input.object !== undefined || known.feed !== null)) measure('DroppedFilesFailed');
  const failure = await workspaceOf(importId, ports).readJson('failure.json', Failure);
  await changeRecord(importId, ports, {
    state: 'failed',
    finishedAt: ports.clock.now(),
    error: failure ?? {
      code: 'import-failed',
      message: messageOf(input.cause) ?? input.error ?? 'the workflow failed',
      hint: 'import the file again: what was written is not written twice',
    },
  });
};

/** Lambda gives the cause as JSON with `errorMessage`. */
const messageOf = (cause: string | undefined): string | undefined => {
  if (cause === undefined) return undefined;
  try {
    return z.parse(z.object({ errorMessage: z.string() }), JSON.parse(cause)).errorMessage;
  } catch {
    return cause;
  }
};

const changeRecord = async (
  importId: string,
  { imports }: Pick<ImportJobPorts, 'imports'>,
  change: Partial<ImportRecord>,
): Promise<void> => {
  for (;;) {
    const { record, rev } = await recordOf(importId, imports);
    if ((await imports.replace(importId, { ...record, ...change }, rev)) === 'stored') return;
  }
};

/** @returns `before` where another execution for the same file had closed it */
const closeRecord = async (
  importId: string,
  { imports, clock }: Pick<ImportJobPorts, 'imports' | 'clock'>,
  counts: Pick<ImportRecord, 'batchId' | 'rows' | 'accepted' | 'rejected'>,
): Promise<'now' | 'before'> => {
  for (;;) {
    const { record, rev } = await recordOf(importId, imports);
    if (record.state === 'done') return 'before';
    const done: ImportRecord = { ...record, ...counts, state: 'done', finishedAt: clock.now(), error: null };
    if ((await imports.replace(importId, done, rev)) === 'stored') return 'now';
  }
};

const recordOf = async (importId: string, imports: ImportJobPorts['imports']) => {
  const stored = await imports.get(importId);
  if (stored !== undefined) return stored;
  throw new PermanentError('import-unknown', `there is no record of the import ${importId}`);
};

const Failure = z.object({ code: z.string(), message: z.string(), hint: z.nullable(z.string()) });

/** Leaves word of why the import cannot go on: what fails inside a Map reaches the workflow without its reason. */
const recorded = async <T>(importId: string, ports: ImportJobPorts, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (isResegmentError(error) && !(error instanceof RetryableError)) {
      const { code, message, hint } = error;
      const failure: z.infer<typeof Failure> = { code, message, hint: hint ?? null };
      await workspaceOf(importId, ports).writeJson('failure.json', failure);
    }
    throw error;
  }
};
