import type { RunRecord } from '#shared/contracts/run-record.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import { loadRun, type RunPorts, updateRun } from './run-ports.ts';
import { abandonment, undoFlags } from './undo-flags.ts';

export type AbandonPorts = Pick<RunPorts, 'runs' | 'pointer' | 'clock' | 'files' | 'flags'>;

/**
 * Discards a planned, held or failed run, and releases the lock where the run holds it. Standings that it wrote stay
 * invisible: its sequence number is listed as abandoned, for ever. Proposals that it raised are withdrawn. Doing it twice changes nothing, and finishes what a
 * crash left of the first time.
 *
 * @throws PermanentError `run-published` for a run that is or was in force
 */
export const abandonRun = async (runId: string, by: string, ports: AbandonPorts): Promise<'abandoned' | 'already'> => {
  const { record } = await loadRun(ports, runId);
  assertNotInForce(record, (await ports.pointer.get()).published?.runId);
  // The lock goes first, so that a run that is publishing itself either wins here or cannot any more.
  await releaseLock(runId, ports);
  const now = ports.clock.now();
  const was = record.state;
  const abandoned = await updateRun(ports, runId, (current) => {
    assertNotInForce(current, undefined);
    return current.state === 'abandoned'
      ? current
      : { ...current, state: 'abandoned', finishedAt: now, abandoned: { by, at: now }, error: `abandoned by ${by}` };
  });
  // The run may have taken the lock between the two writes above; from here on it sees that it is abandoned.
  await releaseLock(runId, ports);
  if (abandoned.seq !== null) await undoFlags(abandoned, abandonment(abandoned), ports);
  return was === 'abandoned' ? 'already' : 'abandoned';
};

const assertNotInForce = ({ runId, state }: RunRecord, published: string | undefined): void => {
  if (state === 'rolledBack') {
    throw new PermanentError(
      'run-published',
      `run ${runId} was published and rolled back; there is nothing to abandon`,
    );
  }
  if (state !== 'published' && state !== 'degraded' && runId !== published) return;
  throw new PermanentError('run-published', `run ${runId} is ${state} and cannot be abandoned`, {
    hint: `to go back to the run before: resegment run rollback ${runId} --reason "…"`,
  });
};

/** Gives the lock up if the run holds it; what it wrote stays invisible, since its sequence number counts as abandoned. */
export const releaseLock = async (runId: string, ports: Pick<RunPorts, 'pointer'>): Promise<void> => {
  const { rev, ...current } = await ports.pointer.get();
  if (current.applying?.runId !== runId) return;
  const next = { ...current, applying: null, abandonedSeqs: [...current.abandonedSeqs, current.applying.seq] };
  if ((await ports.pointer.compareAndSet(next, rev)) === 'conflict') {
    throw new RetryableError('pointer-moved', `another writer moved the pointer while ${runId} gave up the lock`, {
      hint: 'do it again',
    });
  }
};
