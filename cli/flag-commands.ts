import type { Command } from 'commander';
import {
  assertFewExits,
  checkedRole,
  type DecidedMany,
  decideFlag,
  decideFlags,
  type FlagFilter,
  type FlagRef,
  LISTED_STATES,
  listFlags,
  MOST_EXITS_AT_ONCE,
  openFlags,
  sampleOf,
  type Verdict,
} from '#shared/application/decide-flag.ts';
import { type CustomerExplanation, explainCustomer } from '#shared/application/explain-customer.ts';
import { formatMetric, labelIn } from '#shared/application/format-value.ts';
import { textTable } from '#shared/application/text-table.ts';
import { letterOf, writeLetter } from '#shared/application/write-letter.ts';
import { RunSummary } from '#shared/contracts/run-record.ts';
import { dateIn, minuteIn } from '#shared/domain/calendar.ts';
import { type CustomerLetter, letterText } from '#shared/domain/customer-letter.ts';
import { satisfactionText, valueText } from '#shared/domain/figure-text.ts';
import { flagReason } from '#shared/domain/flag-sentences.ts';
import { closedAt, type Flag, type FlagKind, POTENTIAL_KEYS } from '#shared/domain/flags.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { satisfactionInEvidence, withoutSatisfaction } from '#shared/domain/satisfaction.ts';
import { directoryOf } from '#shared/domain/staff.ts';
import { inMajorUnits } from '#shared/domain/values.ts';
import { isResegmentError, PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { writeWhole } from './export-command.ts';
import { FLAG_WORDS } from './flag-words.ts';
import { csvOf, type ListOptions, withListOptions } from './list-options.ts';
import { namedPerson } from './named-person.ts';
import { pinnedUntil } from './pinned-until.ts';
import { segmentText } from './segment-text.ts';
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

interface SinceOptions {
  readonly since?: string;
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
    .option('--since <month>', 'closed ones from this month on, YYYY-MM; default: twelve months back')
    .description(
      `open proposals, the greatest value at stake first; --state ${LISTED_STATES.join(', ')}: closed ones, the last first`,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  resegment flag list --kind exit --manager "Li Wei"\n  resegment flag list --state refused --since 2026-01 --csv\n',
    )
    .action((options: FilterOptions & ListOptions & SinceOptions, command: Command) =>
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

  flag
    .command('letter')
    .argument('<customer>', 'id of a customer whom a proposal lets go')
    .option('--out <file>', 'file to write; default: stdout')
    .description(
      'the explanation of an exit for the customer, in the language of --lang; read it before you hand it over',
    )
    .addHelpText('after', '\nExample:\n  resegment flag letter C-1042 --lang zh-CN --out letter.txt\n')
    .action((customerId: string, options: { readonly out?: string }, command: Command) =>
      onTarget(command, host, (context) => letter(context, customerId, options.out)),
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

const list = async (
  context: CommandContext,
  { state: given, since, ...options }: FilterOptions & ListOptions & SinceOptions,
): Promise<ExitCode> => {
  const { target, terminal } = context;
  const state = LISTED_STATES.find((one) => one === (given ?? 'open'));
  if (state === undefined) {
    throw new UsageError(
      'state-unknown',
      `--state must be one of ${LISTED_STATES.join(', ')}, got ${JSON.stringify(given)}`,
    );
  }
  if (since !== undefined && state === 'open') {
    throw new UsageError('options-conflict', '--since belongs to closed proposals: add --state all, or one of them');
  }
  const all = await listFlags({ ...filterOf(options), state, ...(since === undefined ? {} : { since }) }, target);
  const policy = await activePolicy(context);
  const flags = all.slice(0, options.limit);
  const rows = state === 'open' ? await openRows(flags, policy, context) : closedRows(flags, policy, context);
  const more = all.length - flags.length;
  const notOpened = state === 'open' ? await overCapacity(context) : '';
  if (options.csv === true) terminal.raw(csvOf(rows.table));
  else
    terminal.result(rows.json, () =>
      [
        flags.length === 0
          ? state === 'open'
            ? FLAG_WORDS[terminal.language].noneOpen
            : FLAG_WORDS[terminal.language].noneClosed(since)
          : textTable(rows.table, ['left', 'left', 'left', 'left', 'left', 'right']),
        ...(more > 0 ? [FLAG_WORDS[terminal.language].more(more)] : []),
        ...(notOpened === '' ? [] : [notOpened]),
      ].join('\n'),
    );
  return EXIT.done;
};

interface Rows {
  readonly table: readonly (readonly string[])[];
  readonly json: readonly unknown[];
}

const openRows = async (flags: readonly Flag[], policy: Policy | undefined, context: CommandContext): Promise<Rows> => {
  const pinned = await pinnedUntil(context, flags, policy);
  return {
    json: flags.map((flag) => ({ ...flag, flagId: flagIdOf(flag), pinnedUntil: pinned.get(flag.subject) ?? null })),
    table: [
      FLAG_WORDS[context.terminal.language].openHead,
      ...flags.map((flag) => [
        FLAG_WORDS[context.terminal.language].shortKinds[flag.kind],
        flag.customerId,
        segmentText(flag.segment, policy, context),
        flag.branch ?? '',
        flag.manager ?? '',
        stakeText(flag.stake, policy, context),
        flag.period,
        flag.expiresOn,
        flag.runId,
        pinned.get(flag.subject) ?? '',
        whyText(flag, policy, context),
      ]),
    ],
  };
};

const closedRows = (flags: readonly Flag[], policy: Policy | undefined, context: CommandContext): Rows => ({
  json: flags.map((flag) => ({ ...flag, flagId: flagIdOf(flag), closedAt: closedAt(flag) ?? null })),
  table: [
    FLAG_WORDS[context.terminal.language].closedHead,
    ...flags.map((flag) => {
      const last = flag.state === 'open' ? undefined : flag.history.at(-1);
      const isSaid = last?.event === flag.state;
      return [
        FLAG_WORDS[context.terminal.language].shortKinds[flag.kind],
        flag.customerId,
        segmentText(flag.segment, policy, context),
        flag.branch ?? '',
        flag.manager ?? '',
        stakeText(flag.stake, policy, context),
        flag.period,
        FLAG_WORDS[context.terminal.language].states[flag.state],
        isSaid && last !== undefined
          ? dateIn(context.target.timeZone, last.at)
          : flag.state === 'expired'
            ? flag.expiresOn
            : '',
        isSaid ? (last?.by ?? '') : '',
        isSaid && last !== undefined ? flagReason(last, langOf(context.terminal.language)) : '',
      ];
    }),
  ],
});

/** What is missing to the next class, or for how long the customer has been where it is. */
const whyText = (flag: Flag, policy: Policy | undefined, context: CommandContext): string => {
  const { shortBy, wouldBe, rising, periods, since } = flag.evidence;
  const words = FLAG_WORDS[context.terminal.language];
  if (flag.kind === 'exit') return words.lasting(String(periods ?? '?'), String(since ?? '?'));
  const [rating, next] = [scoreLabel(String(rising), policy, context), segmentText(String(wouldBe), policy, context)];
  if (typeof shortBy === 'number' && shortBy <= 0) return words.atLimit(rating, next);
  return words.missing(
    shortBy === undefined ? '?' : evidenceText('shortBy', shortBy, flag, policy, context),
    rating,
    next,
  );
};

/** What the published run would have proposed too, had there been room. */
const overCapacity = async ({ target, terminal }: CommandContext): Promise<string> => {
  const { published } = await target.pointer.get();
  if (published === null) return '';
  const summary = RunSummary.safeParse(await target.files.readJson(published.runId, 'summary.json'));
  if (!summary.success) return '';
  const { upgradeOverCapacity: upgrades, exitOverCapacity: exits } = summary.data.flags;
  return upgrades + exits === 0 ? '' : FLAG_WORDS[terminal.language].overCapacity(published.runId, upgrades, exits);
};

const letter = async (context: CommandContext, customerId: string, out: string | undefined): Promise<ExitCode> => {
  const { target, terminal } = context;
  const written = await writeLetter(customerId, langOf(terminal.language), target);
  const text = letterText(written);
  if (out === undefined) {
    terminal.result({ customerId, ...written, text }, () => text);
    return EXIT.done;
  }
  const bytes = writeWhole(out, [new TextEncoder().encode(`${text}\n`)]);
  terminal.result({ customerId, lang: written.lang, out, bytes }, () =>
    FLAG_WORDS[terminal.language].letterIn(customerId, out, bytes),
  );
  return EXIT.done;
};

const stakeText = (value: number, policy: Policy | undefined, { terminal }: CommandContext): string => {
  const metric = policy?.metrics[policy.valueMetric];
  return policy === undefined || metric === undefined
    ? String(value)
    : formatMetric(inMajorUnits(metric, value, policy.currency), metric.unit, policy.currency, terminal.language);
};

interface BothLanguages {
  readonly en: CustomerExplanation;
  readonly zh: CustomerExplanation;
}

interface ShownFlag {
  readonly flag: Flag;
  /** Who decides by the policy that raised it, such as `branchHead`; of older proposals, by the policy in force. */
  readonly decides: string | null;
  /** Whether the staff directory says who has that role. */
  readonly isRoleChecked: boolean;
  /** Of an exit: why, for the operator, and what the customer can be told; null where the run's files are gone. */
  readonly explanation?: BothLanguages | null;
  /** Absent where there is nothing to tell, since nobody lets the customer go. */
  readonly letters?: { readonly en: CustomerLetter; readonly zh: CustomerLetter } | null;
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
  const staff = directoryOf(await target.staff.list());
  const flags: ShownFlag[] = [];
  for (const kind of KINDS) {
    const flag = wanted === undefined || wanted === kind ? await target.flags.get(subject, kind) : undefined;
    if (flag === undefined) continue;
    const decides = flag.decides ?? policy?.flags[kind]?.decides ?? null;
    const isRoleChecked = checkedRole(flag, staff) !== undefined;
    const shown = { flag, decides, isRoleChecked };
    if (kind === 'upgrade') flags.push(shown);
    else {
      const letters = await lettersOf(flag, context);
      const explanation = await explanationOf(flag, context);
      flags.push({ ...shown, explanation, ...(letters === undefined ? {} : { letters }) });
    }
  }
  if (flags.length === 0) {
    throw new PermanentError(
      'flag-unknown',
      `there is no proposal${wanted === undefined ? '' : ` of kind ${wanted}`} for customer ${JSON.stringify(customerId.slice(0, 80))}`,
      { hint: 'resegment flag list shows those that wait' },
    );
  }
  terminal.result(
    flags.map(({ flag, ...more }) => ({ ...flag, flagId: flagIdOf(flag), ...more })),
    () => flags.map((one) => flagText(one, policy, context)).join('\n\n'),
  );
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

const lettersOf = async (flag: Flag, { target }: CommandContext): Promise<ShownFlag['letters']> => {
  try {
    return { en: await letterOf(flag, 'en', target), zh: await letterOf(flag, 'zh', target) };
  } catch (error) {
    if (isResegmentError(error)) return error.code === 'letter-not-due' ? undefined : null;
    throw error;
  }
};

const flagText = (shown: ShownFlag, policy: Policy | undefined, context: CommandContext): string => {
  const { terminal } = context;
  const { flag, decides, isRoleChecked, letters } = shown;
  const words = FLAG_WORDS[terminal.language];
  const satisfaction = satisfactionInEvidence(flag.evidence);
  const evidence = [
    ...Object.entries(withoutSatisfaction(flag.evidence)).map(([name, value]) => [
      words.evidence[name] ?? scoreLabel(name, policy, context),
      evidenceText(name, value, flag, policy, context),
    ]),
    ...(satisfaction === null ? [] : [[words.satisfaction, satisfactionText(satisfaction, langOf(terminal.language))]]),
  ];
  return [
    terminal.bold(`${words.kinds[flag.kind]} · ${flag.customerId} · ${words.states[flag.state]}`),
    textTable([
      [words.segment, segmentText(flag.segment, policy, context)],
      [words.stake, stakeText(flag.stake, policy, context)],
      [words.branch, flag.branch ?? '–'],
      [words.manager, flag.manager ?? '–'],
      [words.run, flag.runId],
      [words.expires, flag.expiresOn],
      [
        words.decides,
        decides === null
          ? '–'
          : `${words.roles[decides] ?? decides} (${isRoleChecked ? words.roleChecked : words.roleNotChecked})`,
      ],
      ...(flag.proposedBy === undefined ? [] : [[words.proposedBy, flag.proposedBy]]),
    ]),
    '',
    terminal.bold(words.evidenceHeading),
    textTable(evidence),
    '',
    terminal.bold(words.history),
    textTable(
      flag.history.map((one) => [
        minuteIn(context.target.timeZone, one.at),
        words.events[one.event],
        one.by,
        flagReason(one, langOf(terminal.language)),
      ]),
    ),
    ...(letters === undefined
      ? []
      : letters === null
        ? ['', words.explanationGone]
        : [...customerText(letters, context), '', words.operatorExplanation(flag.customerId, flag.runId)]),
  ].join('\n');
};

const customerText = ({ en, zh }: NonNullable<ShownFlag['letters']>, { terminal }: CommandContext): readonly string[] =>
  (
    [
      ['en', en],
      ['zh-CN', zh],
    ] as const
  ).flatMap(([language, written]) => [
    '',
    terminal.bold(FLAG_WORDS[language].explanation),
    ...letterText(written)
      .split('\n')
      .map((line) => (line === '' ? '' : `  ${line}`)),
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
      : name === 'rising' || name === 'metric' || name === POTENTIAL_KEYS.of
        ? scoreLabel(value, policy, context)
        : value;
  }
  if (policy !== undefined && (name === POTENTIAL_KEYS.value || name === POTENTIAL_KEYS.atLeast)) {
    return valueText(policy, String(flag.evidence[POTENTIAL_KEYS.of]), value, langOf(context.terminal.language));
  }
  if (policy !== undefined && Object.hasOwn(policy.scores, name)) {
    return valueText(policy, name, value, langOf(context.terminal.language));
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
        FLAG_WORDS[terminal.language].decided(flag.kind, flag.customerId, decision, verdict.by),
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
    terminal.result({ decided: [], passedOver: [] }, () => FLAG_WORDS[terminal.language].noneMatches);
    return EXIT.done;
  }
  const policy = await activePolicy(context);
  const sample = sampleOf(flags, options.sample ?? DEFAULT_SAMPLE);
  terminal.note(
    [
      FLAG_WORDS[terminal.language].sample(sample.length, flags.length, filter.kind),
      textTable(
        sample.map((flag) => [
          flag.customerId,
          segmentText(flag.segment, policy, context),
          flag.branch ?? '',
          flag.manager ?? '',
          stakeText(flag.stake, policy, context),
          whyText(flag, policy, context),
        ]),
      ),
    ].join('\n'),
  );
  if (options.yes !== true) {
    const verb = verdict.decision === 'approved' ? 'approve' : 'refuse';
    if (!terminal.interactive) {
      throw new UsageError('not-confirmed', `nothing has been decided: to ${verb} all ${flags.length}, add --yes`);
    }
    const isSure = await terminal.confirm(FLAG_WORDS[terminal.language].confirm(verdict.decision, flags.length));
    if (!isSure) {
      terminal.note(FLAG_WORDS[terminal.language].notDecided);
      return EXIT.done;
    }
  }
  return showMany(context, await decideFlags(flags, verdict, target), verdict);
};

const showMany = ({ terminal }: CommandContext, done: DecidedMany, { decision, by }: Verdict): ExitCode => {
  terminal.result(done, () =>
    [
      FLAG_WORDS[terminal.language].decidedMany(
        done.decided.map((flag) => flag.customerId),
        decision,
        by,
      ),
      ...done.passedOver.map(({ customerId, message }) =>
        FLAG_WORDS[terminal.language].passedOver(customerId, message),
      ),
    ].join('\n'),
  );
  return EXIT.done;
};
