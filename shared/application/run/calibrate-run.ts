import { newCalibrator } from '#shared/domain/calibrate.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { Calibration } from '#shared/domain/standing.ts';
import { PermanentError } from '#shared/errors.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import { loadPolicy, loadRun, type RunPorts } from './run-ports.ts';

/**
 * Turns the frame into cut-offs and parameters, stored with the run. A run limited to some customers takes those of the
 * published run, since a part of the population says nothing of the whole.
 */
export const calibrateRun = async (
  { runId }: { readonly runId: string },
  ports: RunPorts,
): Promise<Record<string, never>> => {
  const { record } = await loadRun(ports, runId);
  if (record.only !== undefined) {
    if (record.basedOn === null) {
      throw new PermanentError(
        'no-published-cutoffs',
        'a run of some customers needs the cut-offs of a published run, and there is none',
        {
          hint: 'run once for everybody first: resegment run',
        },
      );
    }
    const { record: base } = await loadRun(ports, record.basedOn);
    if (base.policy.hash !== record.policy.hash) {
      throw new PermanentError(
        'policy-differs-from-published',
        `a run of some customers uses the published cut-offs, but those are of policy ${base.policy.name} ${base.policy.version}, not ${record.policy.name} ${record.policy.version}`,
        { hint: 'leave out --only, or use the published policy' },
      );
    }
    await ports.files.writeCalibration(runId, await ports.files.readCalibration(record.basedOn));
    return {};
  }
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  await ports.files.writeCalibration(runId, await calibrationOfFrame(record, policy, ports));
  return {};
};

/** The cut-offs and parameters that follow from a run's frame. */
export const calibrationOfFrame = async (
  run: { readonly runId: string; readonly shards: number },
  policy: Policy,
  ports: { readonly files: Pick<RunFiles, 'readFrame'> },
): Promise<Calibration> => {
  const calibrator = newCalibrator(policy);
  for (let round = 0; round < calibrator.rounds; round += 1) {
    for (let shard = 0; shard < run.shards; shard += 1) {
      for (const row of await ports.files.readFrame(run.runId, shard)) calibrator.add(row);
    }
    calibrator.finishRound();
  }
  return calibrator.result();
};
