import type { Command } from 'commander';
import {
  assertFewExits,
  type DecidedMany,
  decideFlag,
  decideFlags,
  type FlagFilter,
  type FlagRef,
  MOST_EXITS_AT_ONCE,
  openFlags,
  sampleOf,
  type Verdict,
} from '#shared/application/decide-flag.ts';
import { type CustomerExplanation, explainCustomer } from '#shared/application/explain-customer.ts';
import { formatMetric, labelIn } from '#shared/application/format-value.ts';
import { textTable } from '#shared/application/text-table.ts';
import { satisfactionText } from '#shared/domain/figure-text.ts';
import type { Flag, FlagKind } from '#shared/domain/flags.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { satisfactionInEvidence, withoutSatisfaction } from '#shared/domain/satisfaction.ts';
import { inMajorUnits } from '#shared/domain/values.ts';
import { isResegmentError, PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { FLAG_WORDS } from './flag-words.ts';
import { csvOf, type ListOptions, withListOptions } from './list-options.ts';
import { namedPerson } from './named-person.ts';
import { pinnedUntil } from './pinned-until.ts';
import { activePolicy } from './show-commands.ts';
import { UsageError } from './usage-error.ts';

const DEFAULT_SAMPLE = 5;
const KINDS = ['upgrade', 'exit'] as const;

interface FilterOptions {
  readonly kind?: string;
  readonly branch?: string;
  readonly manager?: string;
  readonly segment?: string;
}

interface DecideOptions extends FilterOptions {
  readonly reason: string;
  readonly sample?: number;
  readonly yes?: boolean;
}

export const addFlagCommands = (program: Command, host: CommandHost): void => {
  const flag = program.command('flag').description('proposals to upgrade or to let go, which people decide');
  withListOptions(flag.command('list'))
    .option('--kind <kind>', 'upgrade or exit')
    .description('open proposals, the greatest value at stake first')
    .addHelpText('after', '\nExample:\n  resegment flag list --kind exit --manager "Li Wei"\n')
    .action((options: FilterOptions & ListOptions, command: Command) =>
      onTarget(command, host, (context) => list(context, options)),
    );

  flag
    .command('show')
    .argument('<customer>', 'id of a customer')
    .option('--kind <kind>', 'upgrade or exit; default: both')
    .description('the evidence of a proposal, what is missing, its history; of an exit also what to tell the customer')
    .addHelpText('after', '\nExample:\n  resegment flag show C-1042 --kind exit\n')
    .action((customerId: string, options: { readonly kind?: string }, command: Command) =>
      onTarget(command, host, (context) => show(context, customerId, options.kind)),
    );

  for (const [verb, decision] of [
    ['approve', 'approved'],
    ['refuse', 'refused'],
  ] as const) {
    flag
      .command(verb)
      .argument('[flags...]', 'ids of customers, or of proposals such as exit:C-1042; none: all that the options name')
      .requiredOption('--reason <text>', 'why; kept with the decision')
      .option('--kind <kind>', 'upgrade or exit')
      .option('--branch <name>', 'only of this branch')
      .option('--manager <name>', 'only of this account manager')
      .option('--segment <name>', 'only of this segment')
      .option('--sample <n>', 'without customers: show so many before asking', wholeNumber('--sample', 1))
      .option('--yes', 'without customers: do not ask')
      .description(
        `${verb} proposals, with your name and a reason; of exits ${MOST_EXITS_AT_ONCE} at once at most; the next run obeys`,
      )
      .addHelpText(
        'after',
        `\nExamples:\n  resegment flag ${verb} C-1042 --kind exit --reason "talked to the owner" --as "Li Wei"\n` +
          `  resegment flag ${verb} --kind upgrade --branch Pudong --sample 5 --reason "autumn round" --as "Li Wei"\n`,
      )
      .action((flags: readonly string[], options: DecideOptions, command: Command) =>
        onTarget(command, host, (context) => decide(context, flags, decision, options)),
      );
  }
};

const kindOf = (text: string | undefined): FlagKind | undefined => {
  const kind = KINDS.find((one) => one === text);
  if (text !== undefined && kind === undefined) {
    throw new UsageError('kind-unknown', `--kind must be upgrade or exit, got ${JSON.stringify(text)}`);
  }
  return kind;
};

const filterOf = ({ kind: text, branch, manager, segment }: FilterOptions): FlagFilter => {
  const kind = kindOf(text);
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(branch === undefined ? {} : { branch }),
    ...(manager === undefined ? {} : { manager }),
    ...(segment === undefined ? {} : { segment }),
  };
};

const flagIdOf = (flag: Flag): string => `${flag.kind}:${flag.customerId}`;

/** `exit:C-1042` or `C-1042`; `--kind` for those that do not say it. */
const refOf = (text: string, kind: FlagKind | undefined): FlagRef => {
  const named = KINDS.find((one) => text.startsWith(`${one}:`));
  if (named !== undefined && kind !== undefined && named !== kind) {
    throw new UsageError('kind-unknown', `${JSON.stringify(text)} is no proposal of kind ${kind}`);
  }
  const customerId = named === undefined ? text : text.slice(named.length + 1);
  const of = named ?? kind;
  return of === undefined ? { customerId } : { customerId, kind: of };
};

const list = async (context: CommandContext, options: FilterOptions & ListOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  if (options.state !== undefined && options.state !== 'open') {
    throw new UsageError(
      'state-unknown',
      `the list has open proposals only, got --state ${JSON.stringify(options.state)}`,
      { hint: 'resegment flag show CUSTOMER has the others with their history' },
    );
  }
  const all = await openFlags(filterOf(options), target);
  const policy = await activePolicy(context);
  const flags = all.slice(0, options.limit);
  const pinned = await pinnedUntil(context, flags, policy);
  const rows = [
    ['kind', 'customer', 'segment', 'branch', 'manager', 'at stake', 'raised', 'expires', 'run', 'pinned until'],
    ...flags.map((flag) => [
      flag.kind,
      flag.customerId,
      segmentText(flag.segment, policy, context),
      flag.branch ?? '',
      flag.manager ?? '',
      stakeText(flag.stake, policy, context),
      flag.period,
      flag.expiresOn,
      flag.runId,
      pinned.get(flag.subject) ?? '',
    ]),
  ];
  const more = all.length - flags.length;
  if (options.csv === true) terminal.raw(csvOf(rows));
  else
    terminal.result(
      flags.map((flag) => ({ ...flag, flagId: flagIdOf(flag), pinnedUntil: pinned.get(flag.subject) ?? null })),
      () =>
        flags.length === 0
          ? 'no open proposal'
          : `${textTable(rows, ['left', 'left', 'left', 'left', 'left', 'right'])}${more > 0 ? `\nand ${more} more; --limit shows them` : ''}`,
    );
  return EXIT.done;
};

const stakeText = (value: number, policy: Policy | undefined, { terminal }: CommandContext): string => {
  const metric = policy?.metrics[policy.valueMetric];
  return policy === undefined || metric === undefined
    ? String(value)
    : formatMetric(inMajorUnits(metric, value, policy.currency), metric.unit, policy.currency, terminal.language);
};

const segmentText = (name: string, policy: Policy | undefined, { terminal }: CommandContext): string => {
  const label = policy?.dimensions[policy.mainDimension]?.segments[name]?.label;
  return label === undefined ? name : labelIn(label, terminal.language);
};

interface BothLanguages {
  readonly en: CustomerExplanation;
  readonly zh: CustomerExplanation;
}

interface ShownFlag extends Flag {
  readonly flagId: string;
  /** Who decides by the policy in force, such as `branch`. */
  readonly decides: string | null;
  /** Of an exit: what the customer can be told, in both languages; null where the run's files are gone. */
  readonly explanation?: BothLanguages | null;
}

const show = async (context: CommandContext, customerId: string, kindText: string | undefined): Promise<ExitCode> => {
  const { target, terminal } = context;
  const wanted = kindOf(kindText);
  const subject = (await target.customers.subjectsOf([customerId])).get(customerId);
  if (subject === undefined) {
    throw new PermanentError('customer-unknown', `there is no customer ${JSON.stringify(customerId.slice(0, 80))}`, {
      hint: 'ids are as the imported files have them, capital letters included',
    });
  }
  const policy = await activePolicy(context);
  const flags: ShownFlag[] = [];
  for (const kind of KINDS) {
    const flag = wanted === undefined || wanted === kind ? await target.flags.get(subject, kind) : undefined;
    if (flag === undefined) continue;
    const decides = policy?.flags[kind]?.decides ?? null;
    const shown = { ...flag, flagId: flagIdOf(flag), decides };
    flags.push(kind === 'exit' ? { ...shown, explanation: await explanationOf(flag, context) } : shown);
  }
  if (flags.length === 0) {
    throw new PermanentError(
      'flag-unknown',
      `there is no proposal${wanted === undefined ? '' : ` of kind ${wanted}`} for customer ${JSON.stringify(customerId.slice(0, 80))}`,
      { hint: 'resegment flag list shows those that wait' },
    );
  }
  terminal.result(flags, () => flags.map((flag) => flagText(flag, policy, context)).join('\n\n'));
  return EXIT.done;
};

const explanationOf = async (flag: Flag, { target }: CommandContext): Promise<BothLanguages | null> => {
  const record = (await target.runs.get(flag.runId))?.record;
  if (record === undefined) return null;
  try {
    return {
      en: await explainCustomer(flag.customerId, record, target, 'en'),
      zh: await explainCustomer(flag.customerId, record, target, 'zh'),
    };
  } catch (error) {
    if (isResegmentError(error)) return null;
    throw error;
  }
};

const flagText = (flag: ShownFlag, policy: Policy | undefined, context: CommandContext): string => {
  const { terminal } = context;
  const words = FLAG_WORDS[terminal.language];
  const satisfaction = satisfactionInEvidence(flag.evidence);
  const evidence = [
    ...Object.entries(withoutSatisfaction(flag.evidence)).map(([name, value]) => [
      words.evidence[name] ?? scoreLabel(name, policy, context),
      evidenceText(name, value, flag, policy, context),
    ]),
    ...(satisfaction === null ? [] : [[words.satisfaction, satisfactionText(satisfaction, langOf(terminal.language))]]),
  ];
  const explained = flag.explanation;
  return [
    terminal.bold(`${words.kinds[flag.kind]} · ${flag.customerId} · ${words.states[flag.state]}`),
    textTable([
      [words.segment, segmentText(flag.segment, policy, context)],
      [words.stake, stakeText(flag.stake, policy, context)],
      [words.branch, flag.branch ?? '–'],
      [words.manager, flag.manager ?? '–'],
      [words.run, flag.runId],
      [words.expires, flag.expiresOn],
      [words.decides, flag.decides ?? '–'],
    ]),
    '',
    terminal.bold(words.evidenceHeading),
    textTable(evidence),
    '',
    terminal.bold(words.history),
    textTable(flag.history.map((one) => [one.at, words.events[one.event], one.by, one.reason ?? ''])),
    ...(explained === undefined
      ? []
      : explained === null
        ? ['', words.explanationGone]
        : customerText(explained, context)),
  ].join('\n');
};

const customerText = ({ en, zh }: BothLanguages, { terminal }: CommandContext): readonly string[] =>
  (
    [
      ['en', en],
      ['zh-CN', zh],
    ] as const
  ).flatMap(([language, { sections }]) => [
    '',
    terminal.bold(FLAG_WORDS[language].explanation),
    ...sections.flatMap(({ heading, sentences }) => [`  ${heading}`, ...sentences.map((one) => `    ${one}`)]),
  ]);

const scoreLabel = (name: string, policy: Policy | undefined, { terminal }: CommandContext): string => {
  const label = policy?.scores[name]?.label ?? policy?.metrics[name]?.label;
  return label === undefined ? name : labelIn(label, terminal.language);
};

const langOf = (language: CommandContext['terminal']['language']): 'en' | 'zh' => (language === 'en' ? 'en' : 'zh');

/** Figures of the evidence in the unit of the metric that rises. */
const evidenceText = (
  name: string,
  value: string | number,
  flag: Flag,
  policy: Policy | undefined,
  context: CommandContext,
): string => {
  if (typeof value === 'string') {
    return name === 'segment' || name === 'wouldBe'
      ? segmentText(value, policy, context)
      : name === 'rising' || name === 'metric'
        ? scoreLabel(value, policy, context)
        : value;
  }
  const metric = policy?.metrics[String(flag.evidence['metric'] ?? '')];
  return policy !== undefined && metric !== undefined && ['value', 'before', 'cutoff', 'shortBy'].includes(name)
    ? formatMetric(
        inMajorUnits(metric, value, policy.currency),
        metric.unit,
        policy.currency,
        context.terminal.language,
      )
    : String(value);
};

const decide = async (
  context: CommandContext,
  given: readonly string[],
  decision: Verdict['decision'],
  options: DecideOptions,
): Promise<ExitCode> => {
  const { target, terminal } = context;
  const verdict: Verdict = { decision, by: namedPerson(context), reason: options.reason };
  if (given.length === 0) return decideAll(context, verdict, options);
  const mixed = ['branch', 'manager', 'segment', 'sample'] as const;
  const extra = mixed.find((name) => options[name] !== undefined);
  if (extra !== undefined) {
    throw new UsageError('options-conflict', `name customers or choose them by --${extra}, not both`);
  }
  const refs = [...new Set(given)].map((text) => refOf(text, kindOf(options.kind)));
  const [only] = refs;
  if (only !== undefined && refs.length === 1) {
    const flag = await decideFlag(only, verdict, target);
    terminal.result({ ...flag, flagId: flagIdOf(flag) }, () =>
      [
        `the ${flag.kind} proposal of ${flag.customerId} is ${decision} by ${verdict.by}`,
        FLAG_WORDS[terminal.language].afterwards[decision][flag.kind],
      ].join('\n'),
    );
    return EXIT.done;
  }
  const kinds = refs.flatMap(({ customerId, kind }) => (kind === undefined ? [] : [{ customerId, kind }]));
  if (kinds.length < refs.length) {
    throw new UsageError('kind-missing', 'several customers need --kind upgrade or --kind exit');
  }
  return showMany(context, await decideFlags(kinds, verdict, target), verdict);
};

const decideAll = async (context: CommandContext, verdict: Verdict, options: DecideOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  const filter = filterOf(options);
  if (filter.kind === undefined) {
    throw new UsageError('kind-missing', 'without customers, --kind upgrade or --kind exit says which proposals', {
      hint: 'or name customers: resegment flag approve C-1042 --reason TEXT',
    });
  }
  const flags = await openFlags(filter, target);
  assertFewExits(flags);
  if (flags.length === 0) {
    terminal.result({ decided: [], passedOver: [] }, () => 'no open proposal matches; nothing changed');
    return EXIT.done;
  }
  const policy = await activePolicy(context);
  const sample = sampleOf(flags, options.sample ?? DEFAULT_SAMPLE);
  terminal.note(
    [
      `${sample.length} of ${flags.length} ${filter.kind} proposals, from the greatest value at stake to the smallest:`,
      textTable(
        sample.map((flag) => [
          flag.customerId,
          segmentText(flag.segment, policy, context),
          flag.branch ?? '',
          flag.manager ?? '',
          stakeText(flag.stake, policy, context),
          Object.entries(withoutSatisfaction(flag.evidence))
            .map(([name, value]) => `${name} ${evidenceText(name, value, flag, policy, context)}`)
            .join(', '),
        ]),
      ),
    ].join('\n'),
  );
  if (options.yes !== true) {
    const verb = verdict.decision === 'approved' ? 'approve' : 'refuse';
    if (!terminal.interactive) {
      throw new UsageError('not-confirmed', `nothing has been decided: to ${verb} all ${flags.length}, add --yes`);
    }
    const isSure = await terminal.confirm(`${verb === 'approve' ? 'Approve' : 'Refuse'} all ${flags.length}?`);
    if (!isSure) {
      terminal.note('nothing has been decided');
      return EXIT.done;
    }
  }
  return showMany(context, await decideFlags(flags, verdict, target), verdict);
};

const showMany = ({ terminal }: CommandContext, done: DecidedMany, { decision, by }: Verdict): ExitCode => {
  terminal.result(done, () =>
    [
      `${done.decided.length} ${decision} by ${by}: ${done.decided.map((flag) => flag.customerId).join(', ') || '–'}`,
      ...done.passedOver.map(({ customerId, message }) => `passed over ${customerId}: ${message}`),
    ].join('\n'),
  );
  return EXIT.done;
};
