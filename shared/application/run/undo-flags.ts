import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import type { RunPorts } from './run-ports.ts';

/** Goes over the run's plan, which names every proposal that it could have raised, confirmed or withdrawn, and undoes that. */
export const undoFlags = async (
  record: RunRecord,
  undoing: { readonly by: string; readonly at: Instant; readonly reason: string },
  ports: Pick<RunPorts, 'files' | 'flags'>,
): Promise<{ readonly flagsWithdrawn: number; readonly flagsReopened: number }> => {
  const counts = { withdrawn: 0, reopened: 0, unchanged: 0 };
  for (let shard = 0; shard < record.shards; shard += 1) {
    const before = new Map(
      (await ports.files.readFrame(record.runId, shard)).map((row) => [row.subject, row.prior?.flags ?? []]),
    );
    for (const row of await ports.files.readPlan(record.runId, shard)) {
      const kinds = new Set([...row.flags.map((flag) => flag.kind), ...(before.get(row.subject) ?? [])]);
      for (const kind of kinds) counts[await ports.flags.undo(row.subject, kind, record.runId, undoing)] += 1;
    }
  }
  return { flagsWithdrawn: counts.withdrawn, flagsReopened: counts.reopened };
};
