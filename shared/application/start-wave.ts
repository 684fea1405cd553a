import type { WaveRecord } from '#shared/contracts/survey.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { Workflows } from '#shared/ports/workflows.ts';
import type { RunPorts } from './run/run-ports.ts';
import { loadPolicy, loadRun, updateRun } from './run/run-ports.ts';
import { closingDay, waveIdOf } from './wave-record.ts';

export interface StartWavePorts extends Pick<RunPorts, 'clock' | 'runs' | 'objects'> {
  readonly waves: RecordStore<WaveRecord>;
  readonly workflows: Pick<Workflows, 'start'>;
}

const DAY_MS = 86_400_000;

/**
 * Starts the survey of a published run, if it is to have one: the wave's record with all its dates, then the execution. Both
 * carry the run's name, so that doing it twice starts one wave.
 */
export const startWave = async (
  { runId }: { readonly runId: string },
  ports: StartWavePorts,
): Promise<Record<string, never>> => {
  const { record } = await loadRun(ports, runId);
  if (!record.survey || (record.state !== 'published' && record.state !== 'degraded')) return {};
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  if (policy.survey === undefined) return {};
  const waveId = waveIdOf(runId);
  const now = ports.clock.now();
  const later = (days: number): string => new Date(Date.parse(now) + days * DAY_MS).toISOString();
  const { reminderDays, closesAfterDays } = policy.survey;
  const closesAt = closingDay(policy.timeZone, now, closesAfterDays);
  await ports.waves.create(waveId, {
    waveId,
    runId,
    period: record.period,
    policyHash: record.policy.hash,
    dimension: policy.mainDimension,
    question: policy.survey.ask,
    seed: record.policy.version,
    state: 'planned',
    plannedAt: now,
    remindAt: reminderDays > 0 && reminderDays < closesAfterDays ? later(reminderDays) : closesAt,
    closesAt,
    pause: null,
    population: null,
    drawn: null,
    batches: 0,
    notDrawn: {},
    finishedAt: null,
    priority: policy.survey.priority,
  });
  await ports.workflows.start('survey-wave', waveId, { schema: 1, waveId });
  await updateRun(ports, runId, (current) => (current.waveId === waveId ? current : { ...current, waveId }));
  return {};
};
