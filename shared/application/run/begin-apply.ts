import type { RunRecord } from '#shared/contracts/run-record.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import { releaseLock } from './abandon-run.ts';
import { loadRun, type RunPorts, updateRun } from './run-ports.ts';

/**
 * Takes the one lock on applying and the run's sequence number. The lock names the run, is re-entrant for it, and never
 * expires by itself: an operator releases it by applying the run again or by abandoning it.
 *
 * @returns the shards to apply; none where the run is published already
 * @throws PermanentError `run-discarded` for a run that was abandoned or rolled back, also while it waited for the lock
 */
export const beginApply = async (
  { runId }: { readonly runId: string },
  ports: RunPorts,
): Promise<{ readonly schema: 1; readonly runId: string; readonly shards: number[] }> => {
  const { record } = await loadRun(ports, runId);
  const pointer = await ports.pointer.get();
  if (pointer.published?.runId === runId) return { schema: 1, runId, shards: [] };
  if (isDiscarded(record)) throw discarded(record);
  if (pointer.applying !== null && pointer.applying.runId !== runId) {
    throw new RetryableError(
      'another-run-is-applying',
      `run ${pointer.applying.runId} is being applied; ${runId} waits for it`,
    );
  }
  if ((pointer.published?.runId ?? null) !== record.basedOn) {
    throw new PermanentError(
      'plan-outdated',
      `the plan ${runId} is based on ${record.basedOn ?? 'no run'}, but ${pointer.published?.runId ?? 'no run'} is published now`,
      { hint: 'make a new plan: resegment plan' },
    );
  }
  const seq = pointer.applying?.seq ?? pointer.lastSeq + 1;
  if (pointer.applying === null) {
    const { rev, ...current } = pointer;
    if (
      (await ports.pointer.compareAndSet({ ...current, lastSeq: seq, applying: { runId, seq } }, rev)) === 'conflict'
    ) {
      throw new RetryableError('pointer-moved', `another writer moved the pointer while ${runId} took the lock`);
    }
  }
  const begun = await updateRun(ports, runId, (current) =>
    isDiscarded(current) ? current : { ...current, state: 'applying', seq },
  );
  if (isDiscarded(begun)) {
    await releaseLock(runId, ports);
    throw discarded(begun);
  }
  return { schema: 1, runId, shards: Array.from({ length: record.shards }, (_, shard) => shard) };
};

const isDiscarded = (record: RunRecord): boolean => record.state === 'abandoned' || record.state === 'rolledBack';

const discarded = ({ runId, state }: RunRecord): PermanentError =>
  new PermanentError(
    'run-discarded',
    `run ${runId} was ${state === 'abandoned' ? 'abandoned' : 'rolled back'} and cannot be applied`,
    { hint: 'make a new plan: resegment plan' },
  );
