import { setTimeout as pause } from 'node:timers/promises';
import { type RunRecord, RunSummary } from '#shared/contracts/run-record.ts';
import type { RunRequest } from '#shared/contracts/workflows.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Target } from './target.ts';
import type { Terminal } from './terminal.ts';

const POLL_MS = { local: 120, aws: 1_500 } as const;

/**
 * Starts an execution and follows it to its end, with progress.
 *
 * @param name of the execution
 * @returns the run's record
 * @throws PermanentError `run-failed` with the cause, where the execution failed and the run is not published
 */
export const followRun = async (
  target: Target,
  terminal: Terminal,
  name: string,
  runId: string,
  request: RunRequest,
): Promise<RunRecord> => {
  const { executionArn } = await target.workflows.start('resegmentation', name, request);
  const every = POLL_MS[target.describe().target];
  for (;;) {
    const execution = await target.workflows.describe(executionArn);
    const record = (await target.runs.get(runId))?.record;
    if (execution.status === 'RUNNING') {
      await showProgress(target, terminal, record);
      await pause(every);
      continue;
    }
    terminal.endProgress();
    if (record !== undefined && isOutcome(record.state)) return record;
    throw new PermanentError(
      'run-failed',
      `run ${runId} failed: ${record?.error ?? readableCause(execution.cause) ?? execution.error ?? execution.status.toLowerCase()}`,
      {
        details: { runId },
        hint: `resegment run show ${runId}; once the cause is put right: resegment run redrive ${runId}`,
      },
    );
  }
};

const isOutcome = (state: RunRecord['state']): boolean =>
  state === 'planned' || state === 'held' || state === 'published' || state === 'degraded';

/** Lambda gives the cause as JSON with `errorMessage`; anything else is shown as it is. */
const readableCause = (cause: string | undefined): string | undefined => {
  if (cause === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) return String(parsed.errorMessage);
  } catch {
    return cause;
  }
  return cause;
};

const showProgress = async (target: Target, terminal: Terminal, record: RunRecord | undefined): Promise<void> => {
  if (record === undefined) {
    terminal.progress('opening the run');
    return;
  }
  const done = async (folder: string): Promise<number> =>
    (await target.objects.list(`runs/${record.runId}/${folder}/`)).length;
  if (record.state === 'applying') {
    terminal.progress('applying, shards', await done('apply'), record.shards);
    return;
  }
  const measured = await done('measure');
  if (measured < record.shards) terminal.progress('measuring customers, shards', measured, record.shards);
  else terminal.progress('deciding, shards', await done('plan'), record.shards);
};

/** The summary of a run. @throws PermanentError `summary-missing` */
export const readSummary = async (target: Pick<Target, 'files'>, record: RunRecord): Promise<RunSummary> => {
  const parsed = RunSummary.safeParse(await target.files.readJson(record.runId, 'summary.json'));
  if (!parsed.success) {
    throw new PermanentError(
      'summary-missing',
      `run ${record.runId} has no summary yet; it is ${record.state}${record.error === null ? '' : `: ${record.error}`}`,
    );
  }
  return parsed.data;
};
