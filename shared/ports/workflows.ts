export type MachineName = 'resegmentation' | 'survey-wave' | 'import';

/** Step Functions: the service on AWS, the same protocol on the local stack. */
export interface Workflows {
  /** Starts an execution; a name that exists already is found, not started twice. */
  start(
    machine: MachineName,
    name: string,
    input: unknown,
  ): Promise<{ readonly executionArn: string; readonly started: boolean }>;
  /** Names of the executions of a machine that are under way. */
  running(machine: MachineName): Promise<readonly string[]>;
  describe(executionArn: string): Promise<{
    readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
    readonly output?: unknown;
    readonly error?: string;
    readonly cause?: string;
  }>;
}
