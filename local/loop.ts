import { wavePortsFrom } from '#functions/runtime/ports.ts';
import { lookUpWave } from '#shared/application/look-up-wave.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { waveIdOf } from '#shared/application/wave-record.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { RunRequest } from '#shared/contracts/workflows.ts';
import {
  addMonths,
  dateIn,
  fromDayNumber,
  lastDayOf,
  type Period,
  periodOf,
  toDayNumber,
} from '#shared/domain/calendar.ts';
import { type QuestionKind, SCALE_OF_QUESTION } from '#shared/domain/policy.ts';
import { PermanentError } from '#shared/errors.ts';
import type { MailFate } from './mail-server.ts';
import { dueAt, giveAnswer, planAnswers } from './simulated-answers.ts';
import { closeCasesUntil, decideProposals } from './simulated-staff.ts';
import type { Stack } from './stack.ts';

/** Says what is going on; `done` of `total` where it can be counted. */
export type Progress = (step: string, done?: number, total?: number) => void;

/** What the loop does where an operator or the brake stopped a wave: waits for an order, or ends. */
export interface Pauses {
  readonly wait: boolean;
  /** What commands of the tool need to find the folder. */
  readonly commandOptions: string;
}

export interface LoopPlan {
  /** Months computed without mail, ascending. */
  readonly earlier: readonly Period[];
  /** The month whose run starts the first survey. */
  readonly last: Period;
  /** The month whose run uses the answers. */
  readonly current: Period;
  /** Date of the current run, if it is not the last day of its month. */
  readonly asOf?: string;
  /** What a paused wave is told of; absent, the loop goes on without its mails. */
  readonly pauses?: Pauses;
  /** Brings the facts of the current month, just before its run. */
  readonly arrive?: () => Promise<void>;
}

/** Months before the last one that are computed without mail, so that streaks and trends are genuine. */
const EARLIER_MONTHS = 6;

/** The months of a loop that ends with `current`. */
export const planLoop = (current: Period, asOf?: string): LoopPlan => ({
  earlier: Array.from({ length: EARLIER_MONTHS }, (_, index) => addMonths(current, index - EARLIER_MONTHS - 1)),
  last: addMonths(current, -1),
  current,
  ...(asOf === undefined || asOf === lastDayOf(current) ? {} : { asOf }),
});

/** Id of the loop's last run. */
export const currentRunId = (plan: Pick<LoopPlan, 'current' | 'asOf'>): string =>
  plan.asOf === undefined ? `${plan.current}-monthly` : `${periodOf(plan.asOf)}-${requestIdOf(plan.asOf)}`;

const requestIdOf = (asOf: string): string => `asof-${asOf}`;

/** When the monthly run of a period is due: two in the morning of the next month's first day. */
const dueInstant = (stack: Stack, period: Period): string => atHour(stack, `${addMonths(period, 1)}-01`, 2);

/** Day of the next month on which the simulated staff decide on what an earlier month proposed. */
const DECISION_DAY = '05';

/** The instant at which clocks in the stage's time zone show `hour`:00 on `date`; moves past a gap of the zone. */
const atHour = (stack: Stack, date: string, hour: number): string => {
  const base = Date.parse(`${date}T${String(hour).padStart(2, '0')}:00:00Z`);
  for (let shift = -14; shift <= 14; shift += 1) {
    const candidate = new Date(base + shift * 3_600_000).toISOString();
    const wall = new Intl.DateTimeFormat('en-GB', {
      timeZone: stack.timeZone,
      hour: '2-digit',
      hourCycle: 'h23',
    }).format(new Date(candidate));
    if (Number(wall) === hour && dateIn(stack.timeZone, candidate) === date) return candidate;
  }
  return new Date(base).toISOString();
};

/**
 * Plays the loop on the business clock: earlier months, last month with its survey, the customers' answers through the real
 * pages, the current month. Every step looks first whether it is done, so a loop that was killed goes on where it was.
 */
export const playLoop = async (stack: Stack, plan: LoopPlan, policyHash: string, progress: Progress): Promise<void> => {
  for (const [index, period] of plan.earlier.entries()) {
    progress(`computing ${period}, without mail`, index + 1, plan.earlier.length);
    await playMonth(stack, period, policyHash, false);
    const next = addMonths(period, 1);
    // Once the next month is computed, what is open is for the reader to decide.
    if ((await stack.run.runs.get(`${next}-monthly`)) !== undefined) continue;
    await stack.clock.moveAtLeastTo(atHour(stack, `${next}-${DECISION_DAY}`, 10));
    await decideProposals(stack);
  }
  progress(`computing ${plan.last}, and its survey`);
  await playMonth(stack, plan.last, policyHash, true);
  await answerWave(stack, waveIdOf(`${plan.last}-monthly`), policyHash, progress, plan.pauses);
  await playCurrent(stack, plan, policyHash, progress);
};

/** One more month on the kept data, with the answers to the survey before. `arrive` brings the month's facts. */
export const playNextMonth = async (
  stack: Stack,
  period: Period,
  policyHash: string,
  progress: Progress,
  arrive: () => Promise<void>,
  pauses?: Pauses,
): Promise<void> => {
  const before = (await stack.run.pointer.get()).published?.runId;
  if (before !== undefined && before !== `${period}-monthly`) {
    await answerWave(stack, waveIdOf(before), policyHash, progress, pauses);
  }
  await stack.clock.moveAtLeastTo(dueInstant(stack, period));
  progress(`importing what ${period} brought`);
  await arrive();
  progress(`computing ${period}`);
  await playMonth(stack, period, policyHash, true);
  await mailsSettled(stack, waveIdOf(`${period}-monthly`), progress, pauses);
};

const playCurrent = async (stack: Stack, plan: LoopPlan, policyHash: string, progress: Progress): Promise<void> => {
  const due =
    plan.asOf === undefined
      ? dueInstant(stack, plan.current)
      : atHour(stack, fromDayNumber(toDayNumber(plan.asOf) + 1), 2);
  const runId = currentRunId(plan);
  if ((await stack.run.runs.get(runId)) === undefined) {
    await stack.clock.moveAtLeastTo(due);
    progress(`importing what ${plan.current} brought`);
    await plan.arrive?.();
  }
  progress(`computing ${plan.asOf ?? plan.current} with the answers`);
  if (plan.asOf === undefined) {
    await playMonth(stack, plan.current, policyHash, true);
    await mailsSettled(stack, waveIdOf(`${plan.current}-monthly`), progress, plan.pauses);
    return;
  }
  const requestId = requestIdOf(plan.asOf);
  await playRun(stack, runId, {
    schema: 1,
    trigger: 'operator',
    mode: 'run',
    requestId,
    policyHash,
    asOf: plan.asOf,
    survey: true,
    by: 'local loop',
  });
  await mailsSettled(stack, waveIdOf(runId), progress, plan.pauses);
};

const playMonth = async (stack: Stack, period: Period, policyHash: string, survey: boolean): Promise<void> => {
  const due = dueInstant(stack, period);
  const existing = await stack.run.runs.get(`${period}-monthly`);
  if (existing === undefined || existing.record.finishedAt === null) await stack.clock.moveAtLeastTo(due);
  await playRun(stack, `${period}-monthly`, {
    schema: 1,
    trigger: 'schedule',
    mode: 'run',
    policyHash,
    scheduledAt: due,
    survey,
    by: 'schedule',
  });
};

/** Starts the run and waits for its end. @throws PermanentError where it failed, or was held and may still be applied */
const playRun = async (stack: Stack, runId: string, request: RunRequest): Promise<void> => {
  const existing = (await stack.run.runs.get(runId))?.record;
  if (existing !== undefined && existing.finishedAt !== null) {
    const waits = existing.state === 'held' && (existing.expiresAt ?? '') > stack.clock.now();
    if (waits) throw runHeld(stack, existing);
    return;
  }
  const { executionArn } = await stack.workflows.start('resegmentation', runId, request);
  const execution = await stack.finished(executionArn);
  const record = (await stack.run.runs.get(runId))?.record;
  if (record?.state === 'published' || record?.state === 'degraded') return;
  if (record?.state === 'held') throw runHeld(stack, record);
  throw new PermanentError(
    'run-failed',
    `run ${runId} failed: ${record?.error ?? execution.cause ?? execution.error ?? 'no cause was given'}`,
  );
};

const runHeld = (stack: Stack, { runId, brakes }: RunRecord): PermanentError =>
  new PermanentError('run-held', `run ${runId} is held: ${brakes.map(({ message }) => message).join('; ')}`, {
    hint: `npx resegment apply ${runId} --override ${brakes[0]?.brake ?? 'BRAKE'} --reason "…" --data ${stack.dataDir}; then start again`,
  });

/** Without any progress for so long, real time, sending is stuck; a slow machine only takes longer. */
const STUCK_MS = 60_000;

/** Without progress for so long, real time, the wave is asked whether it waits for an instant of the business clock. */
const QUIET_MS = 1_000;

/**
 * Waits until every invitation of the wave that can go out now was sent, skipped or refused, or the mail service takes nothing.
 * A wave that an operator or the brake stopped waits for an operator.
 *
 * @returns the instant at which the wave looks again, where invitations are put off or for another day; undefined where none is left
 * @throws PermanentError `wave-stuck`, `wave-paused`
 */
const mailsSettled = async (
  stack: Stack,
  waveId: string,
  progress: Progress,
  pauses?: Pauses,
): Promise<string | undefined> => {
  let left = Number.POSITIVE_INFINITY;
  let since = performance.now();
  for (;;) {
    if (pauses !== undefined) await resumedOrCancelled(stack, waveId, progress, pauses);
    const status = await stack.tool.waveStatus(waveId);
    if (status === undefined || status.pause !== null) return undefined;
    if (status.planned > 0) progress('sending survey mails', status.drawn - status.planned, status.drawn);
    else if (status.state !== 'planned') return undefined;
    if (status.planned !== left) {
      left = status.planned;
      since = performance.now();
    }
    const quietMs = performance.now() - since;
    if (quietMs > QUIET_MS && status.planned > 0) {
      const step = await lookUpWave({ waveId }, wavePortsFrom(stack.parts));
      if (step.next === 'wait' && step.until > stack.clock.now()) return step.until;
    }
    if (quietMs > STUCK_MS) {
      throw new PermanentError(
        'wave-stuck',
        `wave ${waveId} has ${left} unsent invitations and sent none for a minute`,
        {
          hint: 'start again: it goes on where it was',
        },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** How long a paused wave waits at most before it looks at its record again, business time. */
const LOOKS_AGAIN_MS = 15 * 60_000;

const resumedOrCancelled = async (
  stack: Stack,
  waveId: string,
  progress: Progress,
  { wait, commandOptions }: Pauses,
): Promise<void> => {
  for (let waited = false; ; waited = true) {
    const wave = (await stack.tool.waves.get(waveId))?.record;
    const pause = wave?.pause ?? null;
    if (pause === null || pause.by === 'brake' || wave?.state === 'closed') {
      if (waited)
        await stack.clock.moveAtLeastTo(new Date(Date.parse(stack.clock.now()) + LOOKS_AGAIN_MS).toISOString());
      return;
    }
    const who = pause.by === 'reputation' ? 'by the brake' : `by ${wave?.orders?.at(-1)?.by ?? 'an operator'}`;
    const text = `wave ${waveId} is paused ${who}: ${pause.reason}`;
    const resume = `npx resegment wave resume ${waveId} --reason "…"${commandOptions}`;
    const hint = `${resume}   (or wave show, wave cancel)`;
    if (!wait) {
      throw new PermanentError('wave-paused', text, {
        hint: `start again without --once; then, in another terminal: ${hint}`,
      });
    }
    progress(`${text}. In another terminal: ${hint}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

/** Whether a mail got to somebody. */
const reached = (fate: MailFate): boolean => fate !== 'bounce' && fate !== 'suppressionlist';

/**
 * Moves the clock from answer to answer and gives each through the real pages, and to the days on which more mails go out; ends
 * after the wave's closing.
 */
const answerWave = async (
  stack: Stack,
  waveId: string,
  policyHash: string,
  progress: Progress,
  pauses: Pauses | undefined,
): Promise<void> => {
  const survey = (await loadPolicy(stack.run.objects, policyHash)).survey;
  for (let next: string | undefined = ''; next !== undefined; ) {
    next = await mailsSettled(stack, waveId, progress, pauses);
    if (survey === undefined || (await stack.tool.waveStatus(waveId)) === undefined) return;
    await answerUntil(stack, waveId, survey.ask, next, progress);
    if (next !== undefined) await stack.clock.moveAtLeastTo(next);
  }
  const status = await stack.tool.waveStatus(waveId);
  if (status !== undefined) await closeCasesUntil(stack, status.closesAt);
};

/** Gives the answers to the mails that are out, those that are due before an instant, or all. */
const answerUntil = async (
  stack: Stack,
  waveId: string,
  question: QuestionKind,
  before: string | undefined,
  progress: Progress,
): Promise<void> => {
  const [from, to] = SCALE_OF_QUESTION[question].split('-').map(Number);
  const mails = stack.mail
    .mails()
    .filter(({ tags, to }) => tags['run'] === waveId && tags['kind'] !== 'reminder' && reached(stack.mail.fateOf(to)));
  const answers = await planAnswers(mails, { from: from ?? 0, to: to ?? 10 });
  for (const [index, answer] of answers.entries()) {
    const at = new Date(dueAt(answer)).toISOString();
    if (before !== undefined && at >= before) return;
    progress('simulated customers answer on the survey pages', index + 1, answers.length);
    if ((await stack.tool.answers.get(answer.invitationId)) !== undefined) continue;
    await closeCasesUntil(stack, at);
    await stack.clock.moveAtLeastTo(at);
    await giveAnswer(answer, stack.addresses.pages);
    // At the time of each answer the staff hear of it, and of what fell due before it.
    await stack.sweepCases();
  }
};
