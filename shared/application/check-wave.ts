import type { WaveDay, WaveRecord } from '#shared/contracts/survey.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import type { Preflight } from '#shared/domain/wave-preflight.ts';
import { PermanentError } from '#shared/errors.ts';
import { askMailService, judgeAccount, type MailAccountPorts } from './ask-mail-service.ts';
import { type DrawPorts, drawAudience, readPopulation, readTurns, wantedBySegment } from './draw-audience.ts';
import { loadPolicy, loadRun, type RunPorts } from './run/run-ports.ts';
import { closingDay, waveIdOf } from './wave-record.ts';
import { planDays } from './wave-schedule.ts';

/** What a look ahead reads. There is nothing in it that writes. */
export interface CheckWavePorts extends DrawPorts, MailAccountPorts {
  readonly clock: RunPorts['clock'];
  readonly objects: RunPorts['objects'];
}

/** What a wave would do to one segment. */
export interface SegmentCheck {
  readonly segment: string;
  readonly population: number;
  /** As many as the policy wants. */
  readonly wanted: number;
  /** As many as may be invited, those included who are put off. */
  readonly invited: number;
  /** Invited later, when the contact budget is free. */
  readonly deferred: number;
  /** Invited customers whose turn has never been. */
  readonly neverAsked: number;
  /** Everybody else, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** What a wave for a run would do, if it began now. */
export interface WaveCheck {
  readonly runId: string;
  readonly waveId: string;
  /** The state of the run's wave; null where it has none. */
  readonly waveState: WaveRecord['state'] | null;
  readonly at: Instant;
  readonly population: number;
  readonly invited: number;
  readonly priority: number;
  readonly segments: readonly SegmentCheck[];
  /** Customers who have left. */
  readonly left: number;
  readonly preflight: Preflight;
  /** Empty where the pre-flight refuses. */
  readonly days: readonly WaveDay[];
  readonly closesAt: Instant;
}

/**
 * What a wave for a run would do if it began now: the same pre-flight, draw and days as its planning, and nothing is written.
 * Where the run has its wave already, this is one more wave of the same run.
 *
 * @throws PermanentError `run-unknown`, `no-plan`, `no-survey`
 */
export const checkWave = async (runId: string, ports: CheckWavePorts): Promise<WaveCheck> => {
  const { record } = await loadRun(ports, runId);
  if (!PLANNED.some((state) => state === record.state)) {
    throw new PermanentError(
      'no-plan',
      `run ${runId} is ${record.state} and has no plan to invite from; a wave can be checked for a run that is ${PLANNED.join(', ')}`,
      { hint: 'resegment wave check latest' },
    );
  }
  const { survey, mainDimension, timeZone } = await loadPolicy(ports.objects, record.policy.hash);
  if (survey === undefined) {
    throw new PermanentError('no-survey', `the policy of run ${runId}, ${record.policy.name}, has no survey`, {
      hint: 'docs/policy.md, "survey", shows how to write one',
    });
  }
  const waveId = waveIdOf(runId);
  const at = ports.clock.now();
  const closesAt = closingDay(timeZone, at, survey.closesAfterDays);
  const population = await readPopulation(runId, { mainDimension }, ports);
  const existing = (await ports.waves.list()).find((known) => known.record.waveId === waveId)?.record;
  // Of a run whose wave exists, the next wave is looked at: those drawn before had their turn.
  const next = existing === undefined ? waveId : `${waveId}-next`;
  const draft = { waveId: next, runId, seed: record.policy.version, closesAt, at, priority: survey.priority };
  const turns = await readTurns(draft, ports);
  const draw = await drawAudience(draft, survey, population, turns, at, ports);
  const account = await askMailService(ports);
  const ratePerSecond = ports.mailRatePerSecond;
  const flight = judgeAccount(account, draw.drawn.length, survey, { at, ratePerSecond });
  const wave = { plannedAt: at, remindAt: closesAt, closesAt };
  const { schedule } = planDays(draw.drawn.length, account.quota, survey, { ratePerSecond, wave, timeZone });

  const segments = new Map<string, SegmentTally>();
  for (const [segment, size] of wantedBySegment(population, survey))
    segments.set(segment, { ...size, invited: 0, deferred: 0, neverAsked: 0, reasons: {} });
  for (const { subject, segment, notBefore } of draw.drawn) {
    const one = segments.get(segment);
    if (one === undefined) continue;
    one.invited += 1;
    if (notBefore !== undefined) one.deferred += 1;
    if (!turns.has(subject)) one.neverAsked += 1;
  }
  let left = 0;
  for (const [subject, reason] of draw.reasons) {
    const one = segments.get(population.get(subject)?.segment ?? '');
    if (one === undefined) left += 1;
    else one.reasons[reason] = (one.reasons[reason] ?? 0) + 1;
  }
  return {
    runId,
    waveId,
    waveState: existing?.state ?? null,
    at,
    population: population.size,
    invited: draw.drawn.length,
    priority: survey.priority,
    segments: [...segments].map(([segment, tally]) => ({ segment, ...tally })),
    left,
    preflight: flight,
    days: flight.verdict === 'refuse' ? [] : schedule.days,
    closesAt: schedule.closesAt,
  };
};

/** Runs in these states have a plan. */
const PLANNED = ['planned', 'held', 'published', 'degraded'] as const;

interface SegmentTally {
  readonly population: number;
  readonly wanted: number;
  invited: number;
  deferred: number;
  neverAsked: number;
  readonly reasons: Record<string, number>;
}
