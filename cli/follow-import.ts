import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type ImportOutcome,
  importOutcome,
  rejectsCsv,
  storeImportRequest,
} from '#shared/application/import/import-job.ts';
import { importFolder, importWorkspace } from '#shared/application/import/import-workspace.ts';
import type { ImportRecord, ImportSettings } from '#shared/contracts/import-job.ts';
import { PermanentError } from '#shared/errors.ts';
import type { CommandContext } from './command.ts';
import type { Target } from './target.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const POLL_MS = { local: 60, aws: 1_500 } as const;

/** A file that leads from id to id, as `--via` names it. */
export interface ViaFile {
  readonly file: string;
  readonly key: string;
  readonly value: string;
}

/** What an import did, and where the rows are that were rejected. */
export type FollowedImport = ImportOutcome & { readonly importId: string; readonly rejects: string | null };

/**
 * Puts the file into the workspace, starts the workflow `import` on it and follows it to its end. Rejected rows are kept beside
 * the file, also where the import fails.
 *
 * @param rejectsFile where they go
 * @throws PermanentError why the import failed, as its record has it
 */
export const followImport = async (
  { target, terminal, by }: CommandContext,
  file: string,
  settings: ImportSettings,
  rejectsFile: string,
  via: readonly ViaFile[] = [],
): Promise<FollowedImport> => {
  for (const one of [file, ...via.map((other) => other.file)]) assertFile(one);
  const importId = newImportId(target.clock.now());
  const folder = importFolder(importId);
  const upload = async (from: string, name: string) => {
    terminal.progress(`handing over ${basename(from)}`);
    await target.workspaceFiles.write(`${folder}/${name}`, createReadStream(from, { highWaterMark: 1 << 18 }));
    return { key: `${folder}/${name}`, name: basename(from) };
  };
  const stored = await upload(file, 'file');
  const leading: { file: typeof stored; key: string; value: string }[] = [];
  for (const [index, one] of via.entries())
    leading.push({ file: await upload(one.file, `via-${index}`), key: one.key, value: one.value });
  await storeImportRequest(importId, { settings, file: stored, via: leading, by, feed: null }, target);
  const { executionArn } = await target.workflows.start('import', importId, { schema: 1, importId });
  const failure = await ended(target, terminal, importId, executionArn);
  const workspace = importWorkspace(target.objects, importId);
  if (failure !== undefined) {
    if (await keepRejects(rejectsCsv(workspace.rejects()), rejectsFile))
      terminal.note(`rejected rows with their reasons: ${rejectsFile}`);
    throw failure;
  }
  const outcome = await importOutcome(importId, target);
  if (outcome.hasRejects) {
    await pipeline(
      Readable.from(target.workspaceFiles.read(`${folder}/rejects.csv`), { objectMode: false }),
      createWriteStream(rejectsFile, { mode: 0o600 }),
    );
  }
  return { ...outcome, importId, rejects: outcome.hasRejects ? rejectsFile : null };
};

/** That there is such a file. @throws UsageError `file-not-found` or `file-not-readable` */
export const assertFile = (file: string): void => {
  try {
    if (!statSync(file).isFile()) throw new UsageError('file-not-readable', `${file} is not a file`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError('file-not-found', `there is no file ${file}`, { path: file });
  }
};

/** Such as `2026-11-25T183000-9f86d081`: in the order of time. */
const newImportId = (now: string): string =>
  `${now.slice(0, 19).replaceAll(':', '')}-${randomBytes(4).toString('hex')}`;

/** Waits for the end. @returns why the import failed */
const ended = async (
  target: Target,
  terminal: Terminal,
  importId: string,
  executionArn: string,
): Promise<PermanentError | undefined> => {
  const every = POLL_MS[target.describe().target];
  for (;;) {
    const execution = await target.workflows.describe(executionArn);
    if (execution.status !== 'RUNNING') {
      terminal.endProgress();
      if (execution.status === 'SUCCEEDED') return undefined;
      const record = (await target.importRecords.get(importId))?.record;
      return failureOf(importId, record, execution.error ?? execution.status.toLowerCase());
    }
    await showProgress(target, terminal, (await target.importRecords.get(importId))?.record);
    await pause(every);
  }
};

const failureOf = (importId: string, record: ImportRecord | undefined, status: string): PermanentError => {
  const error = record?.error ?? null;
  return error === null
    ? new PermanentError('import-failed', `the import ${importId} failed: ${status}`, {
        hint: `resegment import show ${importId}`,
      })
    : new PermanentError(error.code, error.message, error.hint === null ? {} : { hint: error.hint });
};

const showProgress = async (target: Target, terminal: Terminal, record: ImportRecord | undefined): Promise<void> => {
  if (record === undefined || record.ranges === 0) {
    terminal.progress('reading the file');
    return;
  }
  const workspace = importWorkspace(target.objects, record.importId);
  const written = await workspace.receiptCount('write');
  if (written > 0) terminal.progress('writing ranges of rows', written, record.ranges);
  else terminal.progress('checking ranges of rows', await workspace.receiptCount('check'), record.ranges);
};

/** Keeps rows where there are any. @returns whether there are */
const keepRejects = async (lines: AsyncIterable<Uint8Array>, file: string): Promise<boolean> => {
  const iterator = lines[Symbol.asyncIterator]();
  const head = await iterator.next();
  const first = await iterator.next();
  if (head.done === true || first.done === true) return false;
  const all = async function* (): AsyncGenerator<Uint8Array> {
    yield head.value;
    yield first.value;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  };
  await pipeline(Readable.from(all(), { objectMode: false }), createWriteStream(file, { mode: 0o600 }));
  return true;
};
