import type { Command } from 'commander';
import { customerHistory, type HistoryRun, segmentOn } from '#shared/application/customer-history.ts';
import { labelIn } from '#shared/application/format-value.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { reasonInWords, stateInWords } from '#shared/application/summary-text.ts';
import { textTable } from '#shared/application/text-table.ts';
import { dateIn, isIsoDate } from '#shared/domain/calendar.ts';
import { pinState } from '#shared/domain/pins.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { isResegmentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { showCustomerPage } from './customer-page.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { PIN_WORDS } from './pin-words.ts';
import { segmentText } from './segment-text.ts';
import { activePolicy } from './show-commands.ts';
import { UsageError } from './usage-error.ts';

export const addCustomerCommands = (program: Command, host: CommandHost): void => {
  const customer = program.command('customer').description('one customer, now and through time');
  customer
    .command('show')
    .argument('<customer>', 'id of a customer')
    .description('segments, satisfaction of the last run and of today, answers, open case, proposals, pins, notes')
    .addHelpText('after', '\nExample:\n  resegment customer show C-1042 --lang zh-CN\n')
    .action((customerId: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => showCustomerPage(context, customerId)),
    );

  customer
    .command('history')
    .argument('<customer>', 'id of a customer')
    .option('--on <date>', 'only the segment in force on that day, YYYY-MM-DD')
    .description('segments through all published runs, read from the plans that were applied')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment customer history C-1042\n  resegment customer history C-1042 --on 2026-05-03\n',
    )
    .action((customerId: string, options: { readonly on?: string }, command: Command) =>
      onTarget(command, host, (context) =>
        options.on === undefined ? history(context, customerId) : onDay(context, customerId, options.on),
      ),
    );
};

const WORDS = {
  en: {
    heading: ['run', 'as of', 'published', 'dimension', 'segment', 'before', 'note', 'policy'],
    none: 'no run was published yet',
    unplaced: {
      left: 'none, has left',
      notYet: 'not yet a customer',
      filesMissing: 'files expired',
      unchanged: 'none',
    },
    stale: 'left as it was: facts had changed since the plan',
    notInRun: 'the run was limited to others',
    quarantined: 'left as it was: the record could not be read',
    fresh: 'new',
    target: (segment: string, why: string) => `the policy says ${segment}; ${why}`,
    pinned: (until: string) => `pinned until ${until}`,
    pins: 'Pins',
  },
  'zh-CN': {
    heading: ['运行', '截至', '发布', '维度', '分类', '之前', '说明', '策略'],
    none: '尚无已发布的运行',
    unplaced: { left: '无，已离开', notYet: '当时还不是客户', filesMissing: '文件已过期', unchanged: '无' },
    stale: '保持不变：计划之后数据已变',
    notInRun: '该次运行只涉及其他客户',
    quarantined: '保持不变：记录无法读取',
    fresh: '新增',
    target: (segment: string, why: string) => `策略给出 ${segment}；${why}`,
    pinned: (until: string) => `人工固定至 ${until}`,
    pins: '人工固定',
  },
} as const;

type Policies = ReadonlyMap<string, Policy>;

/** The policies of the runs, for their labels; a run whose policy is gone shows machine names. */
const policiesOf = async ({ target }: CommandContext, runs: readonly HistoryRun[]): Promise<Policies> => {
  const found = new Map<string, Policy>();
  const byHash = new Map<string, Policy | undefined>();
  for (const { runId } of runs) {
    const hash = (await target.runs.get(runId))?.record.policy.hash ?? '';
    if (!byHash.has(hash)) byHash.set(hash, await loadOrNothing(target, hash));
    const policy = byHash.get(hash);
    if (policy !== undefined) found.set(runId, policy);
  }
  return found;
};

const loadOrNothing = async (target: CommandContext['target'], hash: string): Promise<Policy | undefined> => {
  try {
    return await loadPolicy(target.objects, hash);
  } catch (error) {
    if (isResegmentError(error) && error.code.startsWith('policy-')) return undefined;
    throw error;
  }
};

const rowsOf = (run: HistoryRun, policies: Policies, { terminal }: CommandContext): readonly (readonly string[])[] => {
  const { language } = terminal;
  const words = WORDS[language];
  const policy = policies.get(run.runId);
  const segment = (dimension: string, name: string): string => {
    const label = policy?.dimensions[dimension]?.segments[name]?.label;
    return label === undefined ? name : labelIn(label, language);
  };
  const about = [
    ...(run.because === undefined ? [] : [words[run.because]]),
    ...(run.rolledBack === null
      ? []
      : [`${stateInWords('rolledBack', language)} (${run.rolledBack.by}: ${run.rolledBack.reason})`]),
  ];
  const row = (dimension: string, placed: string, before: string, notes: readonly string[]): readonly string[] => [
    run.runId,
    run.asOf,
    run.publishedAt?.slice(0, 10) ?? '',
    dimension,
    placed,
    before,
    [...notes, ...about].join('; '),
    `${run.policy.name} ${run.policy.version}`,
  ];
  const placements = Object.entries(run.placements);
  if (placements.length === 0) return [row('', run.kind === 'placed' ? '' : words.unplaced[run.kind], '', [])];
  return placements.map(([dimension, one]) =>
    row(
      policy?.dimensions[dimension] === undefined ? dimension : labelIn(policy.dimensions[dimension].label, language),
      segment(dimension, one.actual),
      one.movedFrom === undefined ? '' : one.movedFrom === null ? words.fresh : segment(dimension, one.movedFrom),
      [
        ...(one.heldBack.length === 0 || one.target === one.actual
          ? []
          : [
              words.target(
                segment(dimension, one.target),
                one.heldBack.map((reason) => reasonInWords(reason, language)).join(', '),
              ),
            ]),
        ...(one.pinnedUntil === null ? [] : [words.pinned(one.pinnedUntil)]),
      ],
    ),
  );
};

const dimensionText = (dimension: string, policy: Policy | undefined, { terminal }: CommandContext): string => {
  const label = policy?.dimensions[dimension]?.label;
  return label === undefined ? dimension : labelIn(label, terminal.language);
};

const history = async (context: CommandContext, customerId: string): Promise<ExitCode> => {
  const { target, terminal } = context;
  const found = await customerHistory(customerId, target);
  const policies = await policiesOf(context, found.runs);
  const words = WORDS[terminal.language];
  const today = dateIn(target.timeZone, target.clock.now());
  const active = found.pins.length === 0 ? undefined : await activePolicy(context);
  terminal.result({ ...found, pins: found.pins.map((pin) => ({ ...pin, state: pinState(pin, today) })) }, () =>
    [
      found.runs.length === 0
        ? words.none
        : textTable([words.heading, ...found.runs.flatMap((run) => rowsOf(run, policies, context))]),
      ...(found.pins.length === 0
        ? []
        : [
            '',
            words.pins,
            textTable(
              found.pins.map((pin) => [
                dimensionText(pin.dimension, active, context),
                segmentText(pin.segment, active, context, pin.dimension),
                `${pin.setAt.slice(0, 10)} – ${pin.until}`,
                PIN_WORDS[terminal.language].states[pinState(pin, today)],
                `${pin.by}: ${pin.reason}`,
                pin.cleared === undefined
                  ? ''
                  : `${pin.cleared.at.slice(0, 10)} ${pin.cleared.by}: ${pin.cleared.reason}`,
              ]),
            ),
          ]),
    ].join('\n'),
  );
  return EXIT.done;
};

const onDay = async (context: CommandContext, customerId: string, on: string): Promise<ExitCode> => {
  const { target, terminal } = context;
  if (!isIsoDate(on)) {
    throw new UsageError('on-invalid', `--on must be a date that exists, as YYYY-MM-DD, got ${JSON.stringify(on)}`);
  }
  const found = await segmentOn(customerId, on, target);
  const { run } = found;
  const policies = run === null ? new Map<string, Policy>() : await policiesOf(context, [run]);
  const words = WORDS[terminal.language];
  terminal.result(found, () =>
    run === null
      ? terminal.language === 'en'
        ? `no run is in force on ${on}: the first published one has a later day`
        : `${on} 没有生效的运行：首个已发布运行的日期更晚`
      : [
          ...(found.placedBy === null
            ? []
            : [
                terminal.language === 'en'
                  ? `${customerId} was last placed by ${found.placedBy}`
                  : `${customerId} 的类别最近由 ${found.placedBy} 确定`,
              ]),
          textTable([words.heading, ...rowsOf(run, policies, context)]),
        ].join('\n'),
  );
  return EXIT.done;
};
