import type { BrakeHit, RunRecord } from '#shared/contracts/run-record.ts';
import type { RunRequest } from '#shared/contracts/workflows.ts';
import { PermanentError } from '#shared/errors.ts';
import { type RunPorts, updateRun } from './run-ports.ts';

/** One brake, why it may pass, and who says so. */
export type Override = NonNullable<RunRequest['override']>;

/** The brakes that still hold a run: those it hit and nobody has overridden. Empty where nothing holds it. */
export const brakesThatHold = (record: Pick<RunRecord, 'brakes' | 'overrides'>): readonly BrakeHit[] => {
  const overridden = new Set(record.overrides.map((one) => one.brake));
  return record.brakes.filter((hit) => !overridden.has(hit.brake));
};

/** The commands that let a run go on, one for each brake that holds it; the last of them applies the run. */
export const goOnCommands = (runId: string, holding: readonly BrakeHit[], options = ''): readonly string[] =>
  [...new Set(holding.map((hit) => hit.brake))].map(
    (brake) => `resegment apply ${runId} --override ${brake} --reason "…"${options}`,
  );

/**
 * Lets one brake of a planned or held run pass, and keeps who said so, when and why. Where other brakes hold the run too
 * it stays held. The same override given twice is kept once.
 *
 * @throws PermanentError `brake-not-holding` where the run did not hit this brake, `plan-expired`, `run-not-planned`
 */
export const overrideBrake = async (
  runId: string,
  override: Override,
  ports: Pick<RunPorts, 'runs' | 'clock'>,
): Promise<RunRecord> => {
  const now = ports.clock.now();
  return updateRun(ports, runId, (current) => {
    assertOpen(current, now);
    return withOverride(current, override, now);
  });
};

/** @throws PermanentError where a run is neither planned nor held, or its time to be applied is over */
export const assertOpen = (record: RunRecord, now: string): void => {
  if (record.state !== 'planned' && record.state !== 'held') {
    throw new PermanentError(
      'run-not-planned',
      `only a planned or held run can be applied; ${record.runId} is ${record.state}`,
    );
  }
  if (record.expiresAt !== null && record.expiresAt <= now) {
    throw new PermanentError('plan-expired', `the plan ${record.runId} expired at ${record.expiresAt}`, {
      hint: record.closesPeriod
        ? `to compute its period anew: resegment run --again ${record.runId}`
        : 'make a new plan: resegment plan',
    });
  }
};

const withOverride = (record: RunRecord, override: Override, at: string): RunRecord => {
  const hit = [...new Set(record.brakes.map((one) => one.brake))];
  if (!hit.includes(override.brake)) {
    throw new PermanentError(
      'brake-not-holding',
      hit.length === 0
        ? `no brake holds run ${record.runId}, got an override of ${override.brake}`
        : `run ${record.runId} is not held by ${override.brake}; an override of it must name one of: ${hit.join(', ')}`,
      {
        details: { allowed: hit },
        hint:
          hit.length === 0
            ? `leave it out: resegment apply ${record.runId}`
            : `look at its figures first: resegment run show ${record.runId}`,
      },
    );
  }
  const known = record.overrides.some(
    (one) => one.brake === override.brake && one.by === override.by && one.reason === override.reason,
  );
  return known ? record : { ...record, overrides: [...record.overrides, { ...override, at }] };
};
