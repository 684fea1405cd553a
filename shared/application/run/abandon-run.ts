import { PermanentError, RetryableError } from '#shared/errors.ts';
import { loadRun, type RunPorts, updateRun } from './run-ports.ts';

/**
 * Discards a planned, held or failed run, and releases the lock where the run holds it. Standings that it wrote stay
 * invisible: its sequence number is listed as abandoned, for ever. Doing it twice changes nothing.
 *
 * @throws PermanentError `run-published` for a run that is in force
 */
export const abandonRun = async (
  runId: string,
  by: string,
  ports: Pick<RunPorts, 'runs' | 'pointer' | 'clock'>,
): Promise<'abandoned' | 'already'> => {
  const { record } = await loadRun(ports, runId);
  if (record.state === 'abandoned') return 'already';
  if (record.state === 'published' || record.state === 'degraded') {
    throw new PermanentError('run-published', `run ${runId} is ${record.state} and cannot be abandoned`);
  }
  const pointer = await ports.pointer.get();
  if (pointer.applying?.runId === runId) {
    const { rev, ...current } = pointer;
    const next = { ...current, applying: null, abandonedSeqs: [...current.abandonedSeqs, pointer.applying.seq] };
    if ((await ports.pointer.compareAndSet(next, rev)) === 'conflict') {
      throw new RetryableError('pointer-moved', `another writer moved the pointer while ${runId} was being abandoned`);
    }
  }
  const now = ports.clock.now();
  await updateRun(ports, runId, (current) => ({
    ...current,
    state: 'abandoned',
    finishedAt: now,
    error: `abandoned by ${by}`,
  }));
  return 'abandoned';
};
