import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import type { RunRequest } from '#shared/contracts/workflows.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { MachineName, Workflows } from '#shared/ports/workflows.ts';
import { assertMayRedrive } from './run/open-run.ts';
import { loadRun } from './run/run-ports.ts';
import { withOrder } from './wave-control.ts';
import { loadWave, updateWave } from './wave-record.ts';

export interface RedrivePorts {
  readonly clock: Clock;
  readonly runs: RecordStore<RunRecord>;
  readonly waves: RecordStore<WaveRecord>;
  readonly workflows: Workflows;
}

/** The execution that goes on. */
export interface Redriven {
  readonly execution: string;
  readonly executionArn: string;
}

/**
 * Lets a failed run go on in an execution of its own: shards that have left their receipts are not done again, and applying
 * goes on under the lock and the sequence number that the run has. Step Functions' own redrive cannot do it, since the failed
 * execution has ended in its Fail state, which it would enter again. Two operators at once start one execution.
 *
 * @throws PermanentError `run-unknown`, `run-not-failed`; `execution-running` where one is still at work on the run
 */
export const redriveRun = async (
  { runId, by }: { readonly runId: string; readonly by: string },
  ports: RedrivePorts,
): Promise<Redriven & { readonly request: RunRequest }> => {
  const { record } = await loadRun(ports, runId);
  assertMayRedrive(record);
  if (record.state !== 'failed') {
    // The names that schedules give to executions do not tell of which run they are.
    const others = (await ports.workflows.running('resegmentation')).filter(
      (name) => name.startsWith(runId) || (record.trigger === 'schedule' && !/^\d{4}-\d{2}-/u.test(name)),
    );
    assertNoneOf(others, `run ${runId}`);
  }
  const requestFor = (execution: string): RunRequest => ({
    schema: 1,
    trigger: 'operator',
    mode: 'redrive',
    requestId: execution,
    runId,
    by,
  });
  const isNoted = async (name: string): Promise<boolean> =>
    (await loadRun(ports, runId)).record.redriven?.some(({ execution }) => execution === name) ?? false;
  const started = await startNext('resegmentation', runId, record.redriven?.length ?? 0, requestFor, isNoted, ports);
  return { ...started, request: requestFor(started.execution) };
};

/**
 * Lets a wave go on whose execution failed or was stopped. It looks the wave up and does what is next; each mail is claimed
 * once, so nobody gets one twice. The order is kept with the wave.
 *
 * @throws PermanentError `wave-unknown`; `wave-finished`; `execution-running` where one is still at work on the wave
 */
export const redriveWave = async (
  { waveId, by }: { readonly waveId: string; readonly by: string },
  ports: RedrivePorts,
): Promise<Redriven> => {
  const wave = await loadWave(ports.waves, waveId);
  if (wave.finishedAt !== null) {
    throw new PermanentError(
      'wave-finished',
      `wave ${waveId} ended at ${wave.finishedAt}; nothing of it is left to be done`,
      {
        hint: `resegment wave show ${waveId}`,
      },
    );
  }
  const running = (await ports.workflows.running('survey-wave')).filter(
    (name) => name === waveId || name.startsWith(`${waveId}-redrive-`),
  );
  assertNoneOf(running, `wave ${waveId}`);
  const before = (wave.orders ?? []).filter(({ action }) => action === 'redrive').length;
  const input = { schema: 1, waveId };
  const started = await startNext(
    'survey-wave',
    waveId,
    before,
    () => input,
    async () => false,
    ports,
  );
  const at = ports.clock.now();
  await updateWave(ports.waves, waveId, (current) =>
    withOrder(current, { action: 'redrive', by, reason: null, at }, {}),
  );
  return started;
};

const assertNoneOf = (names: readonly string[], what: string): void => {
  if (names.length === 0) return;
  throw new PermanentError('execution-running', `the execution ${names.join(', ')} is still at work on ${what}`, {
    hint: 'wait for it, or stop it in Step Functions and redrive then',
  });
};

/**
 * Starts the execution with the next number. One that another operator has started a moment ago is taken as the same, also if
 * it has ended since; a number whose execution never got as far as to be noted is passed over.
 */
const startNext = async (
  machine: MachineName,
  of: string,
  before: number,
  inputFor: (execution: string) => unknown,
  isNoted: (execution: string) => Promise<boolean>,
  { workflows }: RedrivePorts,
): Promise<Redriven> => {
  for (let number = before + 1; ; number += 1) {
    const execution = `${of}-redrive-${number}`;
    const { executionArn, started } = await workflows.start(machine, execution, inputFor(execution));
    if (started || (await workflows.describe(executionArn)).status === 'RUNNING' || (await isNoted(execution)))
      return { execution, executionArn };
  }
};
