import type { RunSummary } from '#shared/contracts/run-record.ts';
import { moveKind } from '#shared/domain/assign.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { measure } from '#shared/ports/metrics.ts';

/** Gives the figures of a run that was published, from its summary. Moves are those of the main dimension. */
export const measureRun = (summary: RunSummary, policy: Policy): void => {
  const dimension = policy.dimensions[policy.mainDimension];
  const moved = { up: 0, down: 0 };
  for (const { from, to, count } of summary.moves[policy.mainDimension] ?? []) {
    if (dimension === undefined || from === to) continue;
    const kind = moveKind(dimension, from, to);
    if (kind === 'up' || kind === 'down') moved[kind] += count;
  }
  measure('RunsPublished');
  measure('RunsDegraded', summary.state === 'degraded' ? 1 : 0);
  measure('CustomersRead', summary.population);
  measure('CustomersQuarantined', summary.quarantined);
  measure('CustomersMovedUp', moved.up);
  measure('CustomersMovedDown', moved.down);
  measure('FlagsProposed', summary.flags.upgrade + summary.flags.exit);
  measure('SecondsToPublish', summary.durationMs / 1_000);
};
