import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { RunRequest } from '#shared/contracts/workflows.ts';
import { addMonths, dateIn, isIsoDate, lastDayOf, periodOf } from '#shared/domain/calendar.ts';
import type { RunPointer } from '#shared/domain/standing.ts';
import { PermanentError } from '#shared/errors.ts';
import { assertOpen, brakesThatHold, goOnCommands, overrideBrake } from './override-brake.ts';
import { ACTIVE_POLICY_KEY, loadPolicy, loadRun, type RunPorts, updateRun } from './run-ports.ts';

export interface OpenedRun {
  readonly schema: 1;
  readonly runId: string;
  /** `measure` plans the run, `apply` applies a stored plan (or resumes one), `stop` finds it finished. */
  readonly next: 'measure' | 'apply' | 'stop';
}

/**
 * Creates the run's record and freezes everything that later steps need: `asOf`, the instant up to which facts count, the
 * policy by hash, the published run it is based on. Doing it twice finds the record of the first time.
 *
 * A scheduled run is one per period, so a second trigger finds the first run; an ad hoc run has the request's id.
 */
export const openRun = async (request: RunRequest, ports: RunPorts): Promise<OpenedRun> =>
  request.mode === 'apply'
    ? reopen(request, ports)
    : request.mode === 'redrive'
      ? redrive(request, ports)
      : create(request, request.mode, ports);

const create = async (request: RunRequest, mode: 'run' | 'plan', ports: RunPorts): Promise<OpenedRun> => {
  const now = ports.clock.now();
  const zone = ports.settings.businessTimeZone;
  const scheduled = request.trigger === 'schedule';
  const replaced = request.replaces === undefined ? undefined : (await loadRun(ports, request.replaces)).record;
  const asOf = scheduled
    ? lastDayOf(addMonths(periodOf(dateIn(zone, request.scheduledAt ?? now)), -1))
    : (replaced?.asOf ?? request.asOf ?? dateIn(zone, now));
  if (!isIsoDate(asOf)) {
    throw new PermanentError('as-of-invalid', `asOf must be a date as YYYY-MM-DD, got ${JSON.stringify(asOf)}`);
  }
  if (asOf > dateIn(zone, now)) {
    throw new PermanentError('as-of-in-future', `asOf must not be after today, ${dateIn(zone, now)}, got ${asOf}`);
  }
  const period = periodOf(asOf);
  if (!scheduled && replaced === undefined && request.requestId === undefined) {
    throw new PermanentError('request-id-missing', 'an ad hoc run needs a requestId', {
      hint: 'start runs with the resegment command, which makes one',
    });
  }
  const runId = scheduled
    ? `${period}-monthly`
    : replaced === undefined
      ? `${period}-${request.requestId}`
      : idInPlaceOf(replaced.runId);

  const existing = await ports.runs.get(runId);
  if (existing !== undefined) return { schema: 1, runId, next: await resume(existing.record, ports) };

  const pointer = await ports.pointer.get();
  if (replaced !== undefined) assertReplaceable(replaced, pointer, now);
  await ports.projectPendingAnswers();
  const hash = request.policyHash ?? (await activePolicyHash(ports));
  const policy = await loadPolicy(ports.objects, hash);
  const backdated = pointer.published !== null && asOf < pointer.published.asOf;
  const shards = request.shards ?? ports.settings.shards;
  if (!Number.isInteger(shards) || shards < 1 || shards > 2048) {
    throw new PermanentError('shards-out-of-range', `shards must be a whole number from 1 to 2048, got ${shards}`);
  }
  const record: RunRecord = {
    runId,
    trigger: request.trigger,
    mode: backdated ? 'plan' : mode,
    state: 'planning',
    period,
    asOf,
    frozenAt: now,
    closesPeriod: (scheduled || replaced !== undefined) && !backdated,
    survey: !backdated && (request.survey ?? (replaced === undefined ? scheduled : surveyInPlaceOf(replaced))),
    by: request.by,
    policy: { name: policy.name, version: policy.version, hash: policy.hash },
    ...(request.only === undefined ? {} : { only: request.only }),
    shards: Math.min(shards, ports.customers.buckets),
    basedOn: pointer.published?.runId ?? null,
    seq: null,
    overrides: request.override === undefined ? [] : [{ ...request.override, at: now }],
    brakes: [],
    expiresAt: null,
    waveId: null,
    error: null,
    finishedAt: null,
    ...(replaced === undefined ? {} : { replaces: replaced.runId }),
  };
  await ports.runs.create(runId, record);
  const stored = await loadRun(ports, runId);
  return { schema: 1, runId, next: await resume(stored.record, ports) };
};

/**
 * The id of the run that closes a period in place of another: `2026-05-monthly-2` after `2026-05-monthly`. A run is replaced
 * by one run only, whoever asks and however often.
 */
export const idInPlaceOf = (runId: string): string => {
  const [, base, number] = /^(.*-monthly)(?:-(\d+))?$/u.exec(runId) ?? [];
  return base === undefined ? `${runId}-2` : `${base}-${Number(number ?? '1') + 1}`;
};

/** Customers who were mailed by the run that is replaced are not asked again unless an operator wants it. */
const surveyInPlaceOf = (replaced: RunRecord): boolean => replaced.survey && replaced.waveId === null;

/** Whether a run came to nothing, so that its period may be closed by another. */
const isOver = (record: RunRecord, now: string): boolean =>
  record.state === 'rolledBack' ||
  record.state === 'abandoned' ||
  ((record.state === 'planned' || record.state === 'held') && record.expiresAt !== null && record.expiresAt <= now);

/** @throws PermanentError where the run's period cannot be closed by another in its place; the code says why */
export const assertReplaceable = (replaced: RunRecord, pointer: RunPointer, now: string): void => {
  if (!replaced.closesPeriod) {
    throw new PermanentError(
      'run-closes-no-period',
      `run ${replaced.runId} is an ad hoc run; only the monthly run of a period can be done again`,
      { hint: 'for one more ad hoc run: resegment run' },
    );
  }
  if (!isOver(replaced, now)) {
    throw new PermanentError(
      'run-not-over',
      `run ${replaced.runId} is ${replaced.state}; only a rolled back, abandoned or expired run can be done again`,
      { hint: `resegment run rollback or resegment run abandon ${replaced.runId} takes it back first` },
    );
  }
  if (pointer.published !== null && replaced.asOf < pointer.published.asOf) {
    throw new PermanentError(
      'period-passed',
      `run ${pointer.published.runId} as of ${pointer.published.asOf} is published, so ${replaced.period} cannot be closed any more`,
      { hint: 'the next monthly run goes on from there; a period that was not closed counts for no waiting time' },
    );
  }
};

/** What is left to do of a run that has a record. */
const resume = async (record: RunRecord, ports: RunPorts): Promise<OpenedRun['next']> => {
  switch (record.state) {
    case 'planning':
      return 'measure';
    case 'planned':
    case 'held':
    case 'abandoned':
    case 'rolledBack':
      return 'stop';
    case 'applying':
      return 'apply';
    case 'published':
    case 'degraded':
      return record.finishedAt === null ? 'apply' : 'stop';
    case 'failed': {
      const pointer = await ports.pointer.get();
      if (pointer.applying?.runId === record.runId) return 'apply';
      await updateRun(ports, record.runId, (current) => ({
        ...current,
        state: 'planning',
        basedOn: pointer.published?.runId ?? null,
        error: null,
        finishedAt: null,
      }));
      return 'measure';
    }
  }
};

const reopen = async (request: RunRequest, ports: RunPorts): Promise<OpenedRun> => {
  if (request.runId === undefined) {
    throw new PermanentError('run-id-missing', 'an apply needs the runId of a planned or held run');
  }
  const runId = request.runId;
  const { record } = await loadRun(ports, runId);
  const pointer = await ports.pointer.get();
  if (record.state === 'published' || record.state === 'degraded') {
    return { schema: 1, runId, next: record.finishedAt === null ? 'apply' : 'stop' };
  }
  const resumes = record.state === 'applying' || pointer.applying?.runId === runId;
  if (!resumes) {
    assertMayApply(record, pointer, ports.clock.now());
    assertNotHeld(request.override === undefined ? record : await overrideBrake(runId, request.override, ports));
  }
  const applied = { by: request.by, at: ports.clock.now() };
  await updateRun(ports, runId, (current) => ({ ...current, checkStale: true, applied: current.applied ?? applied }));
  return { schema: 1, runId, next: 'apply' };
};

/**
 * Lets a run go on that failed, or whose execution was stopped: what it has done stays done. Since time has passed, customers
 * whose facts changed after they were measured are skipped and named, as where a stored plan is applied.
 */
const redrive = async (request: RunRequest, ports: RunPorts): Promise<OpenedRun> => {
  const { runId, requestId } = request;
  if (runId === undefined || requestId === undefined)
    throw new PermanentError('run-id-missing', 'a redrive needs the runId of a failed run and a requestId');
  const { record } = await loadRun(ports, runId);
  assertMayRedrive(record);
  const once = { by: request.by, at: ports.clock.now(), execution: requestId };
  const noted = await updateRun(ports, runId, ({ redriven = [], ...current }) => ({
    ...current,
    checkStale: true,
    redriven: redriven.some(({ execution }) => execution === requestId) ? redriven : [...redriven, once],
  }));
  return { schema: 1, runId, next: await resume(noted, ports) };
};

/** @throws PermanentError `run-not-failed` where nothing of the run is left to be done; the hint says what can be done instead */
export const assertMayRedrive = ({ runId, state, finishedAt, closesPeriod }: RunRecord): void => {
  const unfinished = (state === 'published' || state === 'degraded') && finishedAt === null;
  if (state === 'failed' || state === 'planning' || state === 'applying' || unfinished) return;
  const hints = {
    planned: `resegment apply ${runId}`,
    held: `resegment run show ${runId} says what holds it`,
    published: 'nothing of it is left to be done',
    degraded: `resegment run show ${runId} lists the records that could not be read`,
    abandoned: closesPeriod ? `resegment run --again ${runId}` : 'make a new plan: resegment plan',
    rolledBack: closesPeriod ? `resegment run --again ${runId}` : 'make a new plan: resegment plan',
  } as const;
  throw new PermanentError('run-not-failed', `run ${runId} is ${state}; only a run that failed can be redriven`, {
    hint: hints[state],
  });
};

const assertMayApply = (record: RunRecord, pointer: RunPointer, now: string): void => {
  assertOpen(record, now);
  if (pointer.published !== null && record.asOf < pointer.published.asOf) {
    throw new PermanentError(
      'plan-backdated',
      `run ${record.runId} is as of ${record.asOf}, before the published run's ${pointer.published.asOf}; it can only be read`,
    );
  }
  if ((pointer.published?.runId ?? null) !== record.basedOn) {
    throw new PermanentError(
      'plan-outdated',
      `the plan ${record.runId} is based on ${record.basedOn ?? 'no run'}, but ${pointer.published?.runId ?? 'no run'} is published now`,
      { hint: 'make a new plan: resegment plan' },
    );
  }
};

const assertNotHeld = (record: RunRecord): void => {
  const holding = brakesThatHold(record);
  if (holding.length === 0) return;
  throw new PermanentError(
    'brake-holds',
    `run ${record.runId} is held by ${holding.map((hit) => hit.message).join('; ')}`,
    {
      details: { brakes: holding.map((hit) => hit.brake) },
      hint: `look at it, then: ${goOnCommands(record.runId, holding).join(', then ')}`,
    },
  );
};

const activePolicyHash = async (ports: RunPorts): Promise<string> => {
  const bytes = await ports.objects.get(ACTIVE_POLICY_KEY);
  const content: unknown = bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  const hash = typeof content === 'object' && content !== null && 'hash' in content ? content.hash : undefined;
  if (typeof hash !== 'string') {
    throw new PermanentError('no-active-policy', 'no policy is active yet', {
      hint: 'name one: resegment run --policy bank-three-class',
    });
  }
  return hash;
};
