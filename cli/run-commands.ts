import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { policySource, readPolicy } from '#shared/adapters/policy-files.ts';
import { costSentence, costTable } from '#shared/application/cost-text.ts';
import { type Language, labelIn } from '#shared/application/format-value.ts';
import { keepPolicy, shortPolicy } from '#shared/application/keep-policy.ts';
import { type ListNotReceived, listsNotReceived } from '#shared/application/lists-not-received.ts';
import { momentText, segmentNames } from '#shared/application/reader-frame.ts';
import { redriveRun } from '#shared/application/redrive.ts';
import { abandonRun } from '#shared/application/run/abandon-run.ts';
import { assertReplaceable, idInPlaceOf } from '#shared/application/run/open-run.ts';
import { brakesThatHold, goOnCommands, overrideBrake } from '#shared/application/run/override-brake.ts';
import { replayRun } from '#shared/application/run/replay-run.ts';
import { rollbackRun } from '#shared/application/run/rollback-run.ts';
import { loadPolicy, loadRun } from '#shared/application/run/run-ports.ts';
import { type ListedMove, listMoves, staleCustomers } from '#shared/application/run-moves.ts';
import { stateInWords, summaryText } from '#shared/application/summary-text.ts';
import { textTable } from '#shared/application/text-table.ts';
import { waveCounts } from '#shared/application/wave-counts.ts';
import { type CostDocument, costDocument, costOfRun, type WorkCost } from '#shared/application/work-cost.ts';
import { RUN_STATES, type RunRecord } from '#shared/contracts/run-record.ts';
import { BRAKES, type RunRequest } from '#shared/contracts/workflows.ts';
import { dateIn, isIsoDate, periodOf } from '#shared/domain/calendar.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { type CommandContext, type CommandHost, onTarget, terminalOf, wholeNumber } from './command.ts';
import { EXIT, type ExitCode, exitOfState } from './exit-code.ts';
import { findRun, newestFirst } from './find-run.ts';
import { followRun, readSummary } from './follow-run.ts';
import { csvOf, DEFAULT_LIMIT, type ListOptions, withListOptions } from './list-options.ts';
import { RUN_WORDS } from './run-words.ts';
import type { Target } from './target.ts';
import { UsageError } from './usage-error.ts';

interface StartOptions {
  readonly policy?: string;
  readonly asOf?: string;
  readonly only?: string;
  readonly again?: string;
  readonly survey?: boolean;
  readonly yes?: boolean;
  readonly override?: string;
  readonly reason?: string;
  readonly shards?: number;
  readonly moves: number;
}

const withStartOptions = (command: Command): Command =>
  command
    .option('--policy <name|file>', 'policy that comes with the product, or a policy file; default: the active one')
    .option('--as-of <date>', 'last day whose facts count, YYYY-MM-DD; default: today on the business clock')
    .option(
      '--only <branch=NAME|file>',
      'limit to branches (comma between) or to the customer ids of a file, one per line',
    )
    .option('--again <run>', 'close the period of a rolled back, abandoned or expired monthly run, in its place')
    .option('--survey', 'start a survey wave once it is published')
    .option('--shards <n>', 'number of shards', wholeNumber('--shards', 1))
    .option('--moves <n>', 'how many moves to list', wholeNumber('--moves', 0), DEFAULT_LIMIT);

const withOverride = (command: Command): Command =>
  command
    .option('--override <brake>', `let one brake pass: ${BRAKES.join(', ')}`)
    .option('--reason <text>', 'why; recorded with the run');

export const addRunCommands = (program: Command, host: CommandHost): void => {
  withStartOptions(program.command('plan'))
    .description('compute a run and show what would change; nothing is changed')
    .addHelpText('after', '\nExample:\n  resegment plan --policy retail-rfm --as-of 1998-06-30\n')
    .action((options: StartOptions, command: Command) => onTarget(command, host, (context) => plan(context, options)));

  const run = withOverride(withStartOptions(program.command('run')))
    .description('plan a run and apply it; `run list|show|diff|replay|rollback|redrive|abandon` work on runs')
    .option('--yes', 'apply without asking; the brakes still hold')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment run --policy retail-rfm\n  resegment run --yes --survey\n  resegment run --again 2026-05-monthly\n  resegment run list --limit 5\n',
    )
    .action(async (options: StartOptions, command: Command) => {
      const terminal = terminalOf(command);
      if (options.yes !== true && !terminal.interactive) {
        throw new UsageError(
          'confirmation-missing',
          '`run` asks before it applies, and there is no terminal to ask on',
          {
            hint: 'add --yes, or use `resegment plan` and `resegment apply RUN`',
          },
        );
      }
      readOverride(options);
      await onTarget(command, host, (context) => planAndApply(context, options));
    });

  withOverride(program.command('apply'))
    .argument('<run>', 'a planned or held run: id, unique beginning, latest, previous or 2026-05')
    .description('apply a stored plan; customers whose facts changed since are skipped')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment apply latest\n  resegment apply 2026-05-a1b2 --override movedShare --reason "new branch limits"\n\nWhere two brakes hold a run, it takes one such command for each; the last one applies it.\n',
    )
    .action(async (wanted: string, options: StartOptions, command: Command) => {
      readOverride(options);
      await onTarget(command, host, (context) => apply(context, wanted, options));
    });

  withListOptions(run.command('list'))
    .description('runs, the newest first')
    .addHelpText('after', '\nExample:\n  resegment run list --state published --limit 12\n')
    .action((options: ListOptions, command: Command) => onTarget(command, host, (context) => list(context, options)));

  withListOptions(run.command('show'))
    .argument('[run]', 'id, unique beginning, latest, previous or 2026-05', 'latest')
    .description('summary of a run and its moves')
    .addHelpText('after', '\nExample:\n  resegment run show latest --segment exit\n')
    .action((wanted: string, options: ListOptions, command: Command) =>
      onTarget(command, host, (context) => show(context, wanted, options)),
    );

  withListOptions(run.command('diff'))
    .argument('[before]', 'the earlier run', 'previous')
    .argument('[after]', 'the later run', 'latest')
    .description('what differs between the results of two runs')
    .addHelpText('after', '\nExample:\n  resegment run diff 2026-04 2026-05\n')
    .action((before: string, after: string, options: ListOptions, command: Command) =>
      onTarget(command, host, (context) => diff(context, before, after, options)),
    );

  run
    .command('replay')
    .argument('[run]', 'id, unique beginning, latest, previous or 2026-05', 'latest')
    .option('--limit <n>', 'list at most so many differences', wholeNumber('--limit', 1), DEFAULT_LIMIT)
    .description('recompute a stored run from its frame: the same bytes (exit code 0), or what differs (1)')
    .addHelpText('after', '\nExample:\n  resegment run replay 2026-05\n')
    .action((wanted: string, options: { readonly limit: number }, command: Command) =>
      onTarget(command, host, (context) => replay(context, wanted, options.limit)),
    );

  run
    .command('rollback')
    .argument('[run]', 'the published run, which is also the default')
    .option('--reason <text>', 'why; needed, and kept with the run')
    .description('put the run before the published one in force again; one step')
    .addHelpText(
      'after',
      '\nExample:\n  resegment run rollback 2026-05-monthly --reason "the May file lacked a branch"\n',
    )
    .action(async (wanted: string | undefined, _options: unknown, command: Command) => {
      // `run` has a --reason too, which takes the word wherever it stands.
      const { reason } = command.optsWithGlobals<{ readonly reason?: string }>();
      if ((reason ?? '').trim() === '') {
        throw new UsageError('reason-missing', 'a rollback needs --reason "why"; it is kept with the run');
      }
      await onTarget(command, host, (context) => rollback(context, wanted, reason ?? ''));
    });

  run
    .command('redrive')
    .argument('<run>', 'a failed run: id, unique beginning, latest, previous or 2026-05')
    .description('let a failed run go on where it was; shards that are done are not done again')
    .addHelpText('after', '\nExample:\n  resegment run redrive 2026-05-monthly\n')
    .action((wanted: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => redrive(context, wanted)),
    );

  run
    .command('abandon')
    .argument('<run>', 'id, unique beginning, latest, previous or 2026-05')
    .description('discard a planned, held or failed run, and release the lock if it holds it')
    .addHelpText('after', '\nExample:\n  resegment run abandon 2026-05-r1d72ba0e\n')
    .action((wanted: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => abandon(context, wanted)),
    );
};

const rollback = async (
  { target, terminal, by }: CommandContext,
  wanted: string | undefined,
  reason: string,
): Promise<ExitCode> => {
  const run = wanted === undefined ? undefined : await findRun(target.runs, wanted);
  const done = await rollbackRun({ by, reason, ...(run === undefined ? {} : { runId: run.runId }) }, target);
  const { record } = await loadRun(target, done.runId);
  const status = record.waveId === null ? undefined : await target.waveStatus(record.waveId);
  const mailed = status === undefined ? 0 : status.sent + status.uncertain;
  const words = RUN_WORDS[terminal.language];
  terminal.result({ ...done, period: record.period, mailed }, () =>
    [
      done.outcome === 'already'
        ? words.rolledBackBefore(
            done.runId,
            record.rolledBack?.by ?? '?',
            record.rolledBack === undefined ? '?' : momentText(record.rolledBack.at, target.timeZone),
            record.rolledBack?.reason ?? '',
          )
        : words.rolledBackNow(done.runId, done.restored),
      ...(done.flagsWithdrawn + done.flagsReopened === 0
        ? []
        : [words.flagsUndone(done.flagsWithdrawn, done.flagsReopened)]),
      ...(done.cancelledWave === null ? [] : [words.waveStopped(done.cancelledWave)]),
      ...(mailed === 0 ? [] : [words.mailedBefore(mailed)]),
      ...(record.closesPeriod ? [words.closeAgain(record.period, done.runId)] : []),
    ].join('\n'),
  );
  return EXIT.done;
};

const replay = async ({ target, terminal }: CommandContext, wanted: string, limit: number): Promise<ExitCode> => {
  const { runId } = await findRun(target.runs, wanted);
  terminal.progress(`replaying ${runId}`);
  const result = await replayRun(runId, limit, target);
  const subjects = result.differences.flatMap((one) => (one.subject === undefined ? [] : [one.subject]));
  const known = await target.customers.getMany([...new Set(subjects)]);
  const differences = result.differences.map((one) => ({
    ...one,
    ...(one.subject === undefined ? {} : { customerId: known.get(one.subject)?.customerId ?? null }),
  }));
  const words = RUN_WORDS[terminal.language];
  terminal.result({ ...result, differences }, () =>
    result.same
      ? words.replayedSame(runId, result.customers, result.shards, result.bytes, result.calibratedFrom !== null)
      : [
          words.replayedOther(runId, result.total),
          '',
          textTable([
            words.replayHead,
            ...differences.map((one) => [
              one.where,
              one.shard === undefined ? '' : String(one.shard),
              one.subject === undefined ? '' : (known.get(one.subject)?.customerId ?? one.subject),
              one.field,
              shortJson(one.stored),
              shortJson(one.replayed),
            ]),
          ]),
          ...(result.total > differences.length ? [words.moreWithLimit(result.total - differences.length)] : []),
        ].join('\n'),
  );
  return result.same ? EXIT.done : EXIT.failed;
};

const shortJson = (value: unknown): string => {
  const text = value === null ? '–' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};

const redrive = async (context: CommandContext, wanted: string): Promise<ExitCode> => {
  const { target, terminal, by } = context;
  const { runId } = await findRun(target.runs, wanted);
  const { execution, request } = await redriveRun({ runId, by }, target);
  const record = await followRun(target, terminal, execution, runId, request);
  await showOutcome(context, record, 0);
  return exitOfState(record.state);
};

const abandon = async ({ target, terminal, by }: CommandContext, wanted: string): Promise<ExitCode> => {
  const { runId } = await findRun(target.runs, wanted);
  await abandonRun(runId, by, target);
  terminal.result({ runId, state: 'abandoned' }, () => RUN_WORDS[terminal.language].abandonedNow(runId));
  return EXIT.done;
};

const readOverride = (options: StartOptions): RunRequest['override'] | undefined => {
  if (options.override === undefined) {
    if (options.reason !== undefined) throw new UsageError('override-missing', '--reason belongs to --override BRAKE');
    return undefined;
  }
  const brake = BRAKES.find((one) => one === options.override);
  if (brake === undefined) {
    throw new UsageError(
      'brake-unknown',
      `--override must be one of ${BRAKES.join(', ')}, got ${JSON.stringify(options.override)}`,
    );
  }
  if ((options.reason ?? '').trim() === '') {
    throw new UsageError('reason-missing', `--override ${brake} needs --reason "why"`);
  }
  return { brake, reason: options.reason ?? '', by: '' };
};

const request = async (
  context: CommandContext,
  options: StartOptions,
  mode: 'run' | 'plan',
): Promise<{ readonly runId: string; readonly request: RunRequest }> => {
  const { target } = context;
  const today = dateIn(target.timeZone, target.clock.now());
  const replaced = options.again === undefined ? undefined : await runToReplace(context, options.again, options);
  const asOf = replaced?.asOf ?? options.asOf ?? today;
  if (!isIsoDate(asOf)) {
    throw new UsageError(
      'as-of-invalid',
      `--as-of must be a date that exists, as YYYY-MM-DD, got ${JSON.stringify(asOf)}`,
    );
  }
  if (asOf > today)
    throw new UsageError(
      'as-of-in-future',
      `--as-of must not be after today on the business clock, ${today}, got ${asOf}`,
    );
  const policy = options.policy === undefined ? undefined : readPolicy(options.policy);
  if (policy !== undefined && options.policy !== undefined) await keepForRun(context, policy, options.policy);
  const override = readOverride(options);
  // A letter first, so that no id looks like a date.
  const requestId = `r${randomBytes(4).toString('hex')}`;
  const only = await readOnly(context, options.only, requestId);
  return {
    runId: replaced === undefined ? `${periodOf(asOf)}-${requestId}` : idInPlaceOf(replaced.runId),
    request: {
      schema: 1,
      trigger: 'operator',
      mode,
      ...(replaced === undefined ? { requestId } : { replaces: replaced.runId }),
      asOf,
      by: context.by,
      ...(policy === undefined ? {} : { policyHash: policy.hash }),
      ...(only === undefined ? {} : { only }),
      ...(options.survey === true ? { survey: true } : {}),
      ...(options.shards === undefined ? {} : { shards: options.shards }),
      ...(override === undefined ? {} : { override: { ...override, by: context.by } }),
    },
  };
};

/** Stores the policy of a run, and says where scheduled runs go on with another one. */
const keepForRun = async ({ target, terminal, by }: CommandContext, policy: Policy, named: string): Promise<void> => {
  const active = await keepPolicy({ policy, from: policySource(named), by }, target);
  if (active === undefined || active.hash === policy.hash) return;
  const other = shortPolicy(active);
  terminal.note(
    terminal.language === 'en'
      ? `this run uses ${policy.name} ${policy.version}; scheduled runs go on with ${other}, until: resegment policy activate ${named} --reason "…"`
      : `本次运行使用策略 ${policy.name} ${policy.version}；定期运行仍使用 ${other}，如需更换：resegment policy activate ${named} --reason "…"`,
  );
};

/** The last of the runs that closed, or were to close, the period of the run that is named. */
const runToReplace = async (
  { target }: CommandContext,
  wanted: string,
  options: Pick<StartOptions, 'asOf' | 'only'>,
): Promise<RunRecord> => {
  if (options.asOf !== undefined || options.only !== undefined) {
    throw new UsageError(
      'option-invalid',
      '--again is for everybody, on the day of the run that it replaces; leave out --as-of and --only',
    );
  }
  let record = await findRun(target.runs, wanted);
  for (let next: RunRecord | undefined = record; next !== undefined; ) {
    record = next;
    next = (await target.runs.get(idInPlaceOf(record.runId)))?.record;
  }
  assertReplaceable(record, await target.pointer.get(), target.clock.now());
  return record;
};

/** `branch=A,B`, or a file of customer ids: kept in the workspace as subjects. */
const readOnly = async (
  context: CommandContext,
  only: string | undefined,
  requestId: string,
): Promise<RunRequest['only']> => {
  if (only === undefined) return undefined;
  if (only.startsWith('branch=')) {
    const branches = only
      .slice('branch='.length)
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    if (branches.length === 0) throw new UsageError('only-invalid', '--only branch= needs the name of a branch');
    return { branches };
  }
  let text: string;
  try {
    text = readFileSync(only, 'utf8');
  } catch {
    throw new UsageError(
      'only-invalid',
      `--only must be branch=NAME or a file of customer ids, got ${JSON.stringify(only)}`,
    );
  }
  const ids = [
    ...new Set(
      text
        .split(/\r?\n/u)
        .map((line) => line.trim())
        .filter((line) => line !== ''),
    ),
  ];
  const subjects = await context.target.customers.subjectsOf(ids);
  const unknown = ids.filter((id) => !subjects.has(id));
  if (ids.length === 0 || unknown.length > 0) {
    throw new UsageError(
      'only-invalid',
      ids.length === 0
        ? `${only} names no customer`
        : `${only} names ${unknown.length} unknown customers, such as ${JSON.stringify(unknown[0]?.slice(0, 80))}`,
    );
  }
  const subjectsKey = `requests/${requestId}/subjects.json`;
  await context.target.objects.put(
    subjectsKey,
    new TextEncoder().encode(JSON.stringify([...subjects.values()].sort())),
  );
  return { subjectsKey };
};

const plan = async (context: CommandContext, options: StartOptions): Promise<ExitCode> => {
  const started = await request(context, options, 'plan');
  const record = await followRun(context.target, context.terminal, started.runId, started.runId, started.request);
  await showOutcome(context, record, options.moves);
  if (record.state === 'planned')
    context.terminal.note(RUN_WORDS[context.terminal.language].nothingChanged(record.runId));
  return exitOfState(record.state);
};

const planAndApply = async (context: CommandContext, options: StartOptions): Promise<ExitCode> => {
  if (options.yes === true) {
    const started = await request(context, options, 'run');
    const record = await followRun(context.target, context.terminal, started.runId, started.runId, started.request);
    await showOutcome(context, record, 0);
    return exitOfState(record.state);
  }
  const started = await request(context, options, 'plan');
  const planned = await followRun(context.target, context.terminal, started.runId, started.runId, started.request);
  await showOutcome(context, planned, options.moves);
  if (planned.state !== 'planned') return exitOfState(planned.state);
  if (!(await context.terminal.confirm(RUN_WORDS[context.terminal.language].confirm(planned.runId)))) {
    context.terminal.note(RUN_WORDS[context.terminal.language].notApplied(planned.runId));
    return EXIT.done;
  }
  return applyRun(context, planned, undefined);
};

const apply = async (context: CommandContext, wanted: string, options: StartOptions): Promise<ExitCode> => {
  const record = await findRun(context.target.runs, wanted);
  const override = readOverride(options);
  return applyRun(context, record, override === undefined ? undefined : { ...override, by: context.by });
};

const applyRun = async (
  context: CommandContext,
  record: RunRecord,
  override: RunRequest['override'],
): Promise<ExitCode> => {
  if (isExpired(record, context.target.clock.now())) {
    throw new UsageError('plan-expired', `${record.runId} expired at ${record.expiresAt}; nothing has been changed`, {
      hint: record.closesPeriod
        ? `to compute its period anew: resegment run --again ${record.runId}`
        : 'make a new plan: resegment plan',
    });
  }
  const open =
    override === undefined || (record.state !== 'held' && record.state !== 'planned')
      ? record
      : await overrideBrake(record.runId, override, context.target);
  if (open.state === 'held' && brakesThatHold(open).length > 0) {
    await showOutcome(context, open, 0);
    return EXIT.held;
  }
  const name = `${record.runId}-apply-${randomBytes(3).toString('hex')}`;
  const applied = await followRun(context.target, context.terminal, name, record.runId, {
    schema: 1,
    trigger: 'operator',
    mode: 'apply',
    runId: record.runId,
    by: context.by,
  });
  await showOutcome(context, applied, 0);
  return exitOfState(applied.state);
};

/** The summary as the command's result; on paper also moves, and what to do about a brake. */
const showOutcome = async (context: CommandContext, record: RunRecord, moves: number): Promise<void> => {
  const { target, terminal } = context;
  const summary = { ...(await readSummary(target, record)), state: record.state };
  const policy = await loadPolicy(target.objects, record.policy.hash);
  const listed = moves === 0 ? undefined : await listMoves(target, record, policy, { limit: moves }, terminal.language);
  const status = record.waveId === null ? undefined : await target.waveStatus(record.waveId);
  const wave = status === undefined ? undefined : waveCounts(status, terminal.language);
  const stale = await staleCustomers(target, record.runId, DEFAULT_LIMIT);
  const cost = await costOfRun(record, summary, target);
  terminal.result(
    {
      ...summary,
      ...costField(cost, target),
      staleCustomers: stale.customerIds,
      ...(wave === undefined ? {} : { wave }),
      ...(listed === undefined ? {} : { movesListed: listed.moves }),
    },
    () =>
      [
        summaryText(summary, wave, terminal.language, policy),
        ...(cost === undefined ? [] : [`${costSentence(cost, target.describe().target, terminal.language)}\n`]),
        ...staleText(stale, terminal.language),
        ...(listed === undefined || listed.total === 0 ? [] : [movesText(listed.moves, listed.total, policy, context)]),
      ].join('\n'),
  );
  if (record.state === 'held') {
    const commands = goOnCommands(record.runId, brakesThatHold(record));
    terminal.note(RUN_WORDS[terminal.language].held(commands));
  }
};

/** What a run or a wave cost, in a document; nothing where it kept nothing. */
export const costField = (
  cost: WorkCost | undefined,
  target: Pick<Target, 'describe'>,
): { readonly cost?: CostDocument } =>
  cost === undefined ? {} : { cost: costDocument(cost, target.describe().target) };

const movesText = (
  moves: readonly ListedMove[],
  total: number,
  policy: Policy,
  { terminal }: CommandContext,
): string => {
  const name = (dimension: string, segment: string | null, absent: string): string => {
    const label = segment === null ? undefined : policy.dimensions[dimension]?.segments[segment]?.label;
    return label === undefined ? (segment ?? absent) : terminal.language === 'en' ? label.en : label.zh;
  };
  const zh = terminal.language !== 'en';
  const rows = moves.map((move) => [
    move.customerId,
    name(move.dimension, move.from, zh ? '新增' : 'new'),
    name(move.dimension, move.to, zh ? '离开' : 'left'),
    move.why,
  ]);
  const table = textTable([zh ? ['客户', '之前', '现在', '原因'] : ['Customer', 'From', 'To', 'Why'], ...rows]);
  const rest = total - moves.length;
  return `${table}\n${rest > 0 ? (zh ? `另有 ${rest} 项变动\n` : `and ${rest} more moves\n`) : ''}`;
};

/** Beside the states: a planned or held run that can no longer be applied. */
const EXPIRED = 'expired';

/** Whether a plan or a hold can no longer be applied since nobody did in time. */
export const isExpired = (run: RunRecord, now: string): boolean =>
  (run.state === 'planned' || run.state === 'held') && run.expiresAt !== null && run.expiresAt <= now;

const list = async (context: CommandContext, options: ListOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  const states = [...RUN_STATES, EXPIRED];
  if (options.state !== undefined && !states.some((state) => state === options.state)) {
    throw new UsageError(
      'state-unknown',
      `--state must be one of ${states.join(', ')}, got ${JSON.stringify(options.state)}`,
    );
  }
  const now = target.clock.now();
  const runs = (await newestFirst(target.runs))
    .filter(
      (run) =>
        options.state === undefined ||
        (options.state === EXPIRED ? isExpired(run, now) : run.state === options.state && !isExpired(run, now)),
    )
    .slice(0, options.limit);
  const published = (await target.pointer.get()).published?.runId;
  const rowsIn = (language: Language) => [
    RUN_WORDS[language].head,
    ...runs.map((run) => [
      run.runId,
      run.asOf,
      run.policy.name,
      run.policy.version,
      `${language === 'en' ? run.state : stateInWords(run.state, language)}${isExpired(run, now) ? RUN_WORDS[language].expired : ''}`,
      run.by,
      run.waveId ?? '',
      run.runId === published ? '*' : '',
    ]),
  ];
  if (options.csv === true) terminal.raw(csvOf(rowsIn('en')));
  else
    terminal.result(
      runs.map((run) => ({ ...run, current: run.runId === published, expired: isExpired(run, now) })),
      () => (runs.length === 0 ? RUN_WORDS[terminal.language].noRun : textTable(rowsIn(terminal.language))),
    );
  return EXIT.done;
};

const notReceivedText = (readers: readonly ListNotReceived[], language: Language): readonly string[] => {
  const words = RUN_WORDS[language];
  const named = readers.map(({ name, state }) => `${name ?? words.noLongerOfStaff} (${words.listReason[state]})`);
  return named.length === 0 ? [] : [`${words.listsNotReceived(named)}\n`];
};

const show = async (context: CommandContext, wanted: string, options: ListOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  const record = await findRun(target.runs, wanted);
  if (record.state === 'failed' || record.state === 'abandoned' || record.state === 'planning') {
    terminal.result(
      record,
      () =>
        `${record.runId}: ${stateInWords(record.state, terminal.language)}${record.state === 'abandoned' ? `\n${decisionsText(record, context).join('').trimEnd()}` : record.error === null ? '' : `\n${record.error}`}${record.state === 'failed' ? `\n${RUN_WORDS[terminal.language].redriveHint(record.runId)}` : ''}`,
    );
    return EXIT.done;
  }
  const policy = await loadPolicy(target.objects, record.policy.hash);
  const stale = await staleCustomers(target, record.runId, options.limit);
  const listed = await listMoves(target, record, policy, { ...options, stale: stale.subjects }, terminal.language);
  if (options.csv === true) {
    terminal.raw(
      csvOf([
        ['customer', 'branch', 'manager', 'dimension', 'from', 'to', 'kind', 'why', 'pinned_until'],
        ...listed.moves.map((move) => [
          move.customerId,
          move.branch ?? '',
          move.manager ?? '',
          move.dimension,
          move.from ?? '',
          move.to ?? '',
          move.kind,
          move.why,
          move.pinnedUntil ?? '',
        ]),
      ]),
    );
    return EXIT.done;
  }
  const summary = { ...(await readSummary(target, record)), state: record.state };
  const quarantine = await target.files.readJson(record.runId, 'quarantine.json');
  const status = record.waveId === null ? undefined : await target.waveStatus(record.waveId);
  const wave = status === undefined ? undefined : waveCounts(status, terminal.language);
  const cost = await costOfRun(record, summary, target);
  const notReceived = await listsNotReceived(record.runId, target);
  terminal.result(
    {
      ...summary,
      ...costField(cost, target),
      record,
      wave: wave ?? null,
      quarantine,
      listsNotReceived: notReceived,
      movesListed: listed.moves,
      movesTotal: listed.total,
      staleCustomers: stale.customerIds,
    },
    () =>
      [
        summaryText(summary, wave, terminal.language, policy),
        ...(cost === undefined ? [] : [`${costTable(cost, target.describe().target, terminal.language)}\n`]),
        ...decisionsText(record, context),
        ...notReceivedText(notReceived, terminal.language),
        ...staleText(stale, terminal.language),
        ...(listed.total === 0 ? [] : [movesText(listed.moves, listed.total, policy, context)]),
        ...(Array.isArray(quarantine) && quarantine.length > 0
          ? [
              `${quarantine
                .slice(0, options.limit)
                .map((one: { bucket: number; subject: string; reason: string }) =>
                  RUN_WORDS[terminal.language].quarantined(`${one.bucket}/${one.subject}`, one.reason),
                )
                .join('\n')}\n`,
            ]
          : []),
      ].join('\n'),
  );
  return EXIT.done;
};

/** What people decided about a run, and until when somebody may: one line each. */
const decisionsText = (record: RunRecord, { target, terminal }: CommandContext): readonly string[] => {
  const words = RUN_WORDS[terminal.language];
  const moment = (at: string): string => momentText(at, target.timeZone);
  const { applied, abandoned, rolledBack, expiresAt } = record;
  const lines = [
    ...(record.replaces === undefined ? [] : [words.inPlaceOf(record.replaces)]),
    (record.mode === 'plan' ? words.planned : words.started)(record.by, moment(record.frozenAt)),
    ...(applied === undefined ? [] : [words.applied(applied.by, moment(applied.at))]),
    ...(record.redriven ?? []).map((one) => words.redriven(one.by, moment(one.at))),
    ...record.overrides.map((one) => words.overridden(one.brake, one.by, moment(one.at), one.reason)),
    ...(abandoned === undefined ? [] : [words.abandoned(abandoned.by, moment(abandoned.at))]),
    ...(rolledBack === undefined
      ? []
      : [words.rolledBack(rolledBack.by, moment(rolledBack.at), rolledBack.reason, rolledBack.restored)]),
    ...(expiresAt === null || (record.state !== 'planned' && record.state !== 'held')
      ? []
      : [(isExpired(record, target.clock.now()) ? words.expiredAt : words.until)(moment(expiresAt))]),
  ];
  return lines.map((line) => `${line}\n`);
};

const staleText = (
  { subjects, customerIds }: Awaited<ReturnType<typeof staleCustomers>>,
  language: Language,
): readonly string[] =>
  subjects.size === 0 ? [] : [`${RUN_WORDS[language].stale(customerIds, subjects.size - customerIds.length)}\n`];

const diff = async (
  context: CommandContext,
  before: string,
  after: string,
  options: ListOptions,
): Promise<ExitCode> => {
  const { target, terminal } = context;
  const [a, b] = [await findRun(target.runs, before), await findRun(target.runs, after)];
  const policy = await loadPolicy(target.objects, b.policy.hash);
  const dimension = policy.mainDimension;
  const placed = async (run: RunRecord): Promise<Map<string, string>> => {
    const placements = new Map<string, string>();
    for (let shard = 0; shard < run.shards; shard += 1) {
      for (const row of await target.files.readPlan(run.runId, shard)) {
        const actual = row.next.placements[dimension]?.actual;
        const wanted =
          (options.branch === undefined || row.branch === options.branch) &&
          (options.manager === undefined || row.manager === options.manager);
        if (actual !== undefined && wanted) placements.set(row.subject, actual);
      }
    }
    return placements;
  };
  const [left, right] = [await placed(a), await placed(b)];
  const changed = [...new Set([...left.keys(), ...right.keys()])]
    .filter((subject) => left.get(subject) !== right.get(subject))
    .map((subject) => ({ subject, from: left.get(subject) ?? null, to: right.get(subject) ?? null }))
    .filter((one) => options.segment === undefined || one.from === options.segment || one.to === options.segment)
    .sort((x, y) => (x.subject < y.subject ? -1 : 1));
  const counts = new Map<string, { from: string | null; to: string | null; count: number }>();
  for (const { from, to } of changed) {
    const key = JSON.stringify([from, to]);
    const cell = counts.get(key);
    if (cell === undefined) counts.set(key, { from, to, count: 1 });
    else cell.count += 1;
  }
  const shown = changed.slice(0, options.limit);
  const known = await target.customers.getMany(shown.map((one) => one.subject));
  const customers = shown.map(({ subject, from, to }) => ({
    customerId: known.get(subject)?.customerId ?? '(erased)',
    from,
    to,
  }));
  const moves = [...counts.values()].sort((x, y) => y.count - x.count);
  if (options.csv === true) {
    terminal.raw(
      csvOf([
        ['customer', 'before', 'after'],
        ...customers.map((one) => [one.customerId, one.from ?? '', one.to ?? '']),
      ]),
    );
    return EXIT.done;
  }
  terminal.result(
    {
      before: a.runId,
      after: b.runId,
      dimension,
      same:
        right.size + left.size === 0
          ? 0
          : [...right].filter(([subject, segment]) => left.get(subject) === segment).length,
      different: changed.length,
      moves,
      customers,
    },
    () => {
      const words = RUN_WORDS[terminal.language];
      const name = segmentNames(policy, dimension, terminal.language);
      const label = policy.dimensions[dimension]?.label;
      const called = label === undefined ? dimension : labelIn(label, terminal.language);
      const from = (segment: string | null): string => (segment === null ? words.fresh : name(segment));
      const to = (segment: string | null): string => (segment === null ? words.left : name(segment));
      const [before = '', after = '', count = '', customer = ''] = words.diffHead;
      if (changed.length === 0) return words.diffSame(a.runId, b.runId, called);
      return [
        words.diffTitle(a.runId, b.runId, changed.length, called),
        '',
        textTable(
          [[before, after, count], ...moves.map((one) => [from(one.from), to(one.to), String(one.count)])],
          ['left', 'left', 'right'],
        ),
        '',
        textTable([[customer, before, after], ...customers.map((one) => [one.customerId, from(one.from), to(one.to)])]),
        ...(changed.length > shown.length ? [words.more(changed.length - shown.length)] : []),
      ].join('\n');
    },
  );
  return EXIT.done;
};
