import type { RunSummary } from '#shared/contracts/run-record.ts';

/** What the process says to its caller. */
export const EXIT = { done: 0, failed: 1, usage: 2, held: 3, degraded: 4, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Exit code of a run that ended in this state. */
export const exitOfState = (state: RunSummary['state']): ExitCode => {
  switch (state) {
    case 'planned':
    case 'published':
      return EXIT.done;
    case 'held':
      return EXIT.held;
    case 'degraded':
      return EXIT.degraded;
    case 'planning':
    case 'applying':
    case 'failed':
    case 'abandoned':
    case 'rolledBack':
      return EXIT.failed;
  }
};
