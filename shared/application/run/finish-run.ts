import { PermanentError } from '#shared/errors.ts';
import { measure } from '#shared/ports/metrics.ts';
import { loadRun, type RunPorts, updateRun } from './run-ports.ts';

/** Marks the run as finished. @throws PermanentError `run-degraded` so that the execution turns red where it must */
export const assertRunHealthy = async (
  { runId }: { readonly runId: string },
  ports: RunPorts,
): Promise<Record<string, never>> => {
  const now = ports.clock.now();
  const record = await updateRun(ports, runId, (current) =>
    current.finishedAt === null ? { ...current, finishedAt: now } : current,
  );
  if (record.state === 'degraded') {
    throw new PermanentError('run-degraded', `run ${runId} is published, but too many records are in quarantine`, {
      hint: `resegment run show ${runId} lists them`,
    });
  }
  return {};
};

export interface FailedExecution {
  readonly runId?: string | undefined;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

/**
 * Records why an execution failed. A run that is published stays published. The lock on applying stays with the run, so
 * that nothing else writes standings until an operator applies the run again or abandons it.
 */
export const failRun = async (failed: FailedExecution, ports: RunPorts): Promise<Record<string, never>> => {
  measure('RunsFailed');
  if (failed.runId === undefined) return {};
  const now = ports.clock.now();
  const error = `${failed.error ?? 'Error'}: ${readableCause(failed.cause)}`;
  await updateRun(ports, failed.runId, (current) =>
    current.state === 'planning' || current.state === 'applying'
      ? { ...current, state: 'failed', error, finishedAt: now }
      : current.state === 'abandoned' || current.state === 'rolledBack'
        ? current
        : { ...current, error },
  );
  return {};
};

/** Lambda gives the cause as JSON with `errorMessage`; anything else is shown as it is. */
const readableCause = (cause: string | undefined): string => {
  if (cause === undefined) return 'no cause was given';
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) return String(parsed.errorMessage);
  } catch {
    return cause;
  }
  return cause;
};

/** The shards of a run, as an array that a Map can go over. */
export const planShards = async (
  { runId }: { readonly runId: string },
  ports: RunPorts,
): Promise<{ readonly schema: 1; readonly runId: string; readonly shards: number[] }> => {
  const { record } = await loadRun(ports, runId);
  return { schema: 1, runId, shards: Array.from({ length: record.shards }, (_, shard) => shard) };
};
