import { withOrder } from '#shared/application/wave-control.ts';
import { updateWave, waveIdOf } from '#shared/application/wave-record.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import { causedBy } from '#shared/domain/flag-sentences.ts';
import type { RunPointer } from '#shared/domain/standing.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { loadRun, type RunPorts, updateRun } from './run-ports.ts';
import { undoFlags } from './undo-flags.ts';

export interface RollbackPorts extends Pick<RunPorts, 'clock' | 'runs' | 'pointer' | 'files' | 'flags'> {
  readonly waves: RecordStore<WaveRecord>;
}

export interface Rollback {
  readonly runId: string;
  /** `already`: it was rolled back before; what a crash had left of that is done now. */
  readonly outcome: 'rolledBack' | 'already';
  /** The run in force since; null: none, as before the first run. */
  readonly restored: string | null;
  readonly flagsWithdrawn: number;
  readonly flagsReopened: number;
  /** The survey that the run started and that sends nothing more; null where there is none. */
  readonly cancelledWave: string | null;
}

/**
 * Takes the published run back: moves the pointer to its direct predecessor, lists its sequence number as abandoned, and
 * undoes what followed from it (proposals, mails not yet sent). One step only, and only while each standing still has the
 * generation before: as soon as a later apply has begun, it does not.
 *
 * The pointer is the truth and moves first, conditionally. Doing it twice, also after a crash in between, is doing it once.
 *
 * @param runId by default the published run
 * @throws PermanentError `nothing-to-roll-back`, `rollback-too-deep`, `run-is-applying` or `predecessor-overwritten`
 */
export const rollbackRun = async (
  request: { readonly runId?: string; readonly by: string; readonly reason: string },
  ports: RollbackPorts,
): Promise<Rollback> => {
  const reason = request.reason.trim();
  if (reason === '') throw new PermanentError('reason-missing', 'a rollback needs a reason; it is kept for ever');
  const pointer = await ports.pointer.get();
  const runId = request.runId ?? (await unfinished(pointer, ports)) ?? pointer.published?.runId;
  if (runId === undefined) {
    throw new PermanentError('nothing-to-roll-back', 'no run is published, so there is nothing to roll back');
  }
  const { record } = await loadRun(ports, runId);
  const isBack = record.state !== 'abandoned' && wasPublished(record) && hasLeft(record, pointer);
  if (!isBack) {
    assertMayGoBack(record, pointer);
    await movePointerBack(pointer, runId, ports);
  }
  const before = record.state;
  const rolledBack = { by: request.by, at: ports.clock.now(), reason, restored: record.basedOn };
  const stored = await updateRun(ports, runId, (current) =>
    current.rolledBack === undefined ? { ...current, state: 'rolledBack', rolledBack } : current,
  );
  const told = stored.rolledBack ?? rolledBack;
  const cause = causedBy({ code: 'rollback', why: told.reason });
  const flags = await undoFlags(stored, { by: told.by, at: told.at, ...cause }, ports);
  return {
    runId,
    outcome: isBack && before === 'rolledBack' ? 'already' : 'rolledBack',
    restored: stored.rolledBack?.restored ?? null,
    ...flags,
    cancelledWave: await cancelWave(stored, ports),
  };
};

/** A run that the pointer has left although its record does not say so yet: a crash came between. */
const unfinished = async (pointer: RunPointer, ports: RollbackPorts): Promise<string | undefined> => {
  if (pointer.abandonedSeqs.length === 0) return undefined;
  return (await ports.runs.list())
    .map(({ record }) => record)
    .find((record) => (record.state === 'published' || record.state === 'degraded') && hasLeft(record, pointer))?.runId;
};

const wasPublished = ({ state, publishedAt }: RunRecord): boolean =>
  publishedAt !== undefined || state === 'published' || state === 'degraded' || state === 'rolledBack';

const hasLeft = ({ seq }: RunRecord, pointer: RunPointer): boolean =>
  seq !== null && pointer.abandonedSeqs.includes(seq);

const DEEPER =
  'what went wrong deeper down is put right by a new run: correct the facts or name the policy, then resegment plan';

const assertMayGoBack = (record: RunRecord, pointer: RunPointer): void => {
  const { runId } = record;
  if (pointer.published?.runId !== runId) {
    if (record.state !== 'published' && record.state !== 'degraded') {
      throw new PermanentError(
        'run-not-published',
        `run ${runId} is ${record.state}; only the published run can be rolled back`,
        { hint: `to discard a run that is not published: resegment run abandon ${runId}` },
      );
    }
    throw new PermanentError(
      'rollback-too-deep',
      `run ${pointer.published?.runId ?? 'none'} was published after ${runId}; a rollback goes one step, from the published run to the one before`,
      { hint: DEEPER },
    );
  }
  if (pointer.applying !== null) {
    throw new PermanentError(
      'run-is-applying',
      `run ${pointer.applying.runId} is being applied on top of ${runId}, and has begun to overwrite the generation before`,
      { hint: DEEPER },
    );
  }
  if (pointer.lastSeq !== pointer.published.seq) {
    throw new PermanentError(
      'predecessor-overwritten',
      `a later run began to be applied after ${runId} and was abandoned or rolled back; the generation before ${runId} is gone from some standings`,
      { hint: DEEPER },
    );
  }
};

const movePointerBack = async ({ rev, ...pointer }: RunPointer, runId: string, ports: RollbackPorts): Promise<void> => {
  const seq = pointer.published?.seq ?? 0;
  const next = {
    ...pointer,
    published: pointer.previous,
    previous: null,
    abandonedSeqs: [...pointer.abandonedSeqs, seq],
  };
  if ((await ports.pointer.compareAndSet(next, rev)) === 'conflict') {
    throw new RetryableError('pointer-moved', `another writer moved the pointer while ${runId} was being rolled back`, {
      hint: 'look with resegment status, then do it again',
    });
  }
};

/** Mails that are not sent yet would carry the segments of the run that is no more. Answers to those sent still count. */
const cancelWave = async ({ runId, rolledBack }: RunRecord, ports: RollbackPorts): Promise<string | null> => {
  const waveId = waveIdOf(runId);
  if ((await ports.waves.get(waveId)) === undefined) return null;
  const order = {
    action: 'cancel' as const,
    by: rolledBack?.by ?? '',
    reason: `rollback: ${rolledBack?.reason ?? ''}`,
    at: ports.clock.now(),
  };
  const wave = await updateWave(ports.waves, waveId, (current) =>
    current.state === 'closed' || current.state === 'cancelled'
      ? current
      : withOrder(current, order, { state: 'cancelled', pause: null }),
  );
  return wave.state === 'cancelled' ? waveId : null;
};
