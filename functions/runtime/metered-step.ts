import { metered } from '#shared/adapters/usage-meter.ts';
import type { StepName } from '#shared/contracts/workflows.ts';
import { errorFields, log } from '#shared/log.ts';
import type { UsageLedger } from '#shared/ports/usage-ledger.ts';

/** What a step needs to keep what it used. */
export interface StepMeter {
  readonly ledger: Pick<UsageLedger, 'add'>;
  /** Memory of the function of a step, in MB. */
  readonly memoryMbOf: (step: StepName) => number;
  /** Milliseconds of start-up that are billed with this call; 0 from the second call on. */
  readonly takeStartMs: () => number;
}

export interface Metered {
  /** Absent where nothing is kept. */
  readonly meter?: StepMeter;
}

/**
 * A step of a run or of a wave whose usage is added to the ledger: time × memory, database units, requests to the workspace,
 * mails; of each call, also of one that fails. That the ledger could not be written does not fail the step. The time of the
 * addition itself, a few milliseconds, is not in it.
 */
export const meteredStep =
  <Input, Ports, Output>(step: StepName, useCase: (input: Input, ports: Ports) => Promise<Output>) =>
  async (input: Input, ports: Ports & Metered): Promise<Output> => {
    const { meter } = ports;
    if (meter === undefined) return useCase(input, ports);
    const startedMs = performance.now() - meter.takeStartMs();
    const { result, used } = metered(() => useCase(input, ports));
    let work = workOf(input);
    try {
      const output = await result;
      work ??= workOf(output);
      return output;
    } finally {
      const megabyteMs = Math.ceil(performance.now() - startedMs) * meter.memoryMbOf(step);
      if (work !== undefined) {
        await meter.ledger.add(work, step, { ...used(), attempts: 1, megabyteMs }).catch((error: unknown) => {
          log.warn('usage was not kept', { step, ...errorFields(error) });
        });
      }
    }
  };

/** The run or wave that a step's input or output names. */
const workOf = (value: unknown): string | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('runId' in value && typeof value.runId === 'string') return value.runId;
  return 'waveId' in value && typeof value.waveId === 'string' ? value.waveId : undefined;
};
