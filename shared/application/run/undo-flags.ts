import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import { causedBy } from '#shared/domain/flag-sentences.ts';
import type { FlagCause } from '#shared/domain/flags.ts';
import type { RunPorts } from './run-ports.ts';

interface Undoing {
  readonly by: string;
  readonly at: Instant;
  readonly reason: string;
  readonly cause: FlagCause;
}
type UndoPorts = Pick<RunPorts, 'files' | 'flags'>;
interface Undone {
  readonly flagsWithdrawn: number;
  readonly flagsReopened: number;
}

/** Goes over the run's plan, which names every proposal that it could have raised, confirmed or withdrawn, and undoes that. */
export const undoFlags = async (record: RunRecord, undoing: Undoing, ports: UndoPorts): Promise<Undone> => {
  let flagsWithdrawn = 0;
  let flagsReopened = 0;
  for (let shard = 0; shard < record.shards; shard += 1) {
    const undone = await undoFlagsOfShard(record.runId, shard, undoing, ports);
    flagsWithdrawn += undone.flagsWithdrawn;
    flagsReopened += undone.flagsReopened;
  }
  return { flagsWithdrawn, flagsReopened };
};

/** The same for one shard. Doing it twice changes nothing. */
export const undoFlagsOfShard = async (
  runId: string,
  shard: number,
  undoing: Undoing,
  ports: UndoPorts,
): Promise<Undone> => {
  const counts = { withdrawn: 0, reopened: 0, unchanged: 0 };
  const before = new Map(
    (await ports.files.readFrame(runId, shard)).map((row) => [row.subject, row.prior?.flags ?? []]),
  );
  for (const row of await ports.files.readPlan(runId, shard)) {
    const kinds = new Set([...row.flags.map((flag) => flag.kind), ...(before.get(row.subject) ?? [])]);
    for (const kind of kinds) counts[await ports.flags.undo(row.subject, kind, runId, undoing)] += 1;
  }
  return { flagsWithdrawn: counts.withdrawn, flagsReopened: counts.reopened };
};

/** What abandoning a run does to its proposals. */
export const abandonment = ({ runId, abandoned, frozenAt }: RunRecord): Undoing => ({
  by: abandoned?.by ?? 'unknown',
  at: abandoned?.at ?? frozenAt,
  ...causedBy({ code: 'runAbandoned', runId }),
});
