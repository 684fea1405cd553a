import type { Usage, UsageBySteps } from '../domain/usage.ts';

/** What the steps of each run and wave used. Every call of a step adds to it, also one that fails or is repeated. */
export interface UsageLedger {
  /**
   * Adds the usage of one call of a step. An addition whose reply was lost is made again by the client, so a figure may be
   * too high by it; never too low.
   *
   * @param work id of the run or wave
   */
  add(work: string, step: string, usage: Usage): Promise<void>;
  /** By step; empty for a run of an earlier version. */
  of(work: string): Promise<UsageBySteps>;
}
