import { type Became, DECIDED, type Decided, type Estimate, FLAG_KINDS } from '#shared/domain/flag-outcomes.ts';
import type { FlagKind } from '#shared/domain/flags.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { inMajorUnits } from '#shared/domain/values.ts';
import type { FlagOutcomes, NotKnown, PolicyOutcomes } from './flag-outcomes.ts';
import { formatMetric, formatNumber, formatShare, type Language, labelIn } from './format-value.ts';
import { type Align, printable, textTable } from './text-table.ts';

const EN = {
  title: 'What became of flagged customers',
  heading: 'What became of flagged customers, {from} to {to}, within {days} days',
  known: 'Known until {date}.',
  knownNothing: 'Nothing is known of what customers did.',
  notOver: 'Not over yet, so not judged: {periods}.',
  filesGone: 'Run files no longer kept: {periods}.',
  policy: 'Policy {name} {version}, months judged: {periods}',
  noneJudged: 'none yet',
  exit: 'Proposals to let go. Outcome: no purchase within {days} days',
  exitTrait: 'Proposals to let go. Outcome within {days} days: {trait}',
  upgrade: 'Proposals to upgrade. Outcome: in a better segment within {days} days',
  noFlags: 'No such proposal in these months.',
  decided: 'Decided',
  approved: 'approved',
  refused: 'refused',
  expired: 'expired',
  withdrawn: 'withdrawn',
  open: 'still open',
  notOpened: 'not opened',
  all: 'all flagged',
  n: 'Flagged',
  bought: 'Bought again',
  spentMore: 'Spent more',
  rose: 'Rose',
  left: 'Left',
  ended: 'Closed',
  precision: 'Precision',
  interval: '95 % interval',
  recall: 'Recall {value} ({interval}): of {count} customer-months with the outcome, so many were flagged',
  noRecall: 'Recall: nobody had the outcome',
  base: 'Unflagged customers of the same segments: {base}; precision is {lift} times that',
  baseOnly: 'Unflagged customers of the same segments: {base}',
  baseCovers: '{share} of the flagged have such customers beside them',
  noBase: 'Unflagged customers of the same segments: there are none to compare with',
  missedExit: 'Lost without a flag: customers {customers}, customer-months {months}',
  missedUpgrade: 'Rose without a flag: customers {customers}, customer-months {months}',
  afterDecision: '{count} customer-months after a decision count neither way: the rule does not propose again',
  notKnown: 'Not known yet or ever, and no failures: {parts}',
  tooShort: '{count} too short ago',
  erased: '{count} erased',
  unreadable: '{count} unreadable',
  noOutcome: '{count} without a known outcome',
  customer: 'Customer',
  month: 'Month',
  segment: 'Segment',
  manager: 'Account manager',
  value: 'Value',
  flaggedWith: 'with the outcome',
  unflagged: 'Not flagged',
  unflaggedWith: 'with the outcome ',
  notInReport:
    'Not looked at in this report: no month is 90 days past, or there are too many customers. resegment outcome show tells.',
  noteUnit:
    'One observation is one customer at one month end. Intervals count the months of one customer as one (Kish, Wilson).',
  noteDecision:
    'A decision changes what it foretells: an approved exit leaves because it was let go, an approved upgrade rises because it was raised. Expired and not opened ones say most about the rule.',
  noteRead: 'Read {plans} plan files and {customers} customers. Nothing was written.',
} as const;

export type OutcomeWords = Readonly<Record<keyof typeof EN, string>>;

const ZH: OutcomeWords = {
  title: '被提议客户的后续情况',
  heading: '被提议客户的后续情况，{from} 至 {to}，{days} 天内',
  known: '已知情况截至 {date}。',
  knownNothing: '尚无客户后续行为的记录。',
  notOver: '观察期未满，不作评判：{periods}。',
  filesGone: '运行文件已不再保存：{periods}。',
  policy: '策略 {name} {version}，已评判的月份：{periods}',
  noneJudged: '暂无',
  exit: '退出提议。结果：{days} 天内没有购买',
  exitTrait: '退出提议。{days} 天内的结果：{trait}',
  upgrade: '升级提议。结果：{days} 天内进入更好的分类',
  noFlags: '这些月份没有此类提议。',
  decided: '决定',
  approved: '已批准',
  refused: '已拒绝',
  expired: '已过期',
  withdrawn: '已撤回',
  open: '未决定',
  notOpened: '未提出',
  all: '全部提议',
  n: '提议数',
  bought: '再次购买',
  spentMore: '消费增加',
  rose: '升级',
  left: '流失',
  ended: '销户',
  precision: '准确率',
  interval: '95% 区间',
  recall: '召回率 {value}（{interval}）：{count} 个有此结果的客户月中被提议的比例',
  noRecall: '召回率：没有客户出现此结果',
  base: '同分类中未被提议的客户：{base}；准确率是其 {lift} 倍',
  baseOnly: '同分类中未被提议的客户：{base}',
  baseCovers: '{share} 的提议有这样的客户可比',
  noBase: '同分类中未被提议的客户：没有可比的客户',
  missedExit: '未提议而流失：{customers} 个客户，{months} 个客户月',
  missedUpgrade: '未提议而升级：{customers} 个客户，{months} 个客户月',
  afterDecision: '作出决定之后的 {count} 个客户月不计入：规则不再重复提议',
  notKnown: '尚不可知或无从得知，不算失败：{parts}',
  tooShort: '{count} 个观察期未满',
  erased: '{count} 个已删除',
  unreadable: '{count} 个无法读取',
  noOutcome: '{count} 个结果未知',
  customer: '客户',
  month: '月份',
  segment: '分类',
  manager: '客户经理',
  value: '价值',
  flaggedWith: '有此结果',
  unflagged: '未提议',
  unflaggedWith: '有此结果 ',
  notInReport: '本报告未列出：尚无月份满 90 天，或客户太多。可用 resegment outcome show 查看。',
  noteUnit: '一个观察值是一个客户的一个月末（客户月）。区间把同一客户的各月只当作一次（Kish、Wilson）。',
  noteDecision:
    '决定本身会影响结果：批准退出的客户是因被劝退而离开，批准升级的客户是因被提升而升级。过期和未提出的最能说明规则本身。',
  noteRead: '读取了 {plans} 个计划文件和 {customers} 个客户。没有写入任何内容。',
};

export const outcomeWordsOf = (language: Language): OutcomeWords => (language === 'en' ? EN : ZH);

/** A policy by its hash; undefined where its names are not known. */
export type PolicyOf = (hash: string) => Policy | undefined;

const fill = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/\{(\w+)\}/gu, (whole, name: string) => values[name] ?? whole);

const listed = (periods: readonly string[], language: Language): string =>
  periods.join(language === 'en' ? ', ' : '、');

/** What is said of a kind of proposal: heading, sentences, and tables whose first row is the heading. */
export interface OutcomeBlock {
  readonly heading: string;
  readonly decided: readonly (readonly string[])[] | null;
  readonly sentences: readonly string[];
  readonly segments: readonly (readonly string[])[];
  readonly missed: readonly (readonly string[])[];
  readonly missedHeading: string;
}

const intervalText = ({ interval }: Estimate, language: Language): string =>
  `${formatShare(interval.low, language)} … ${formatShare(interval.high, language)}`;

const becameCells = (became: Became, language: Language): readonly string[] => [
  ...[became.n, became.bought, became.spentMore, became.rose, became.left, became.ended].map((count) =>
    formatNumber(count, language),
  ),
  became.precision === null ? '–' : formatShare(became.precision.value, language),
  became.precision === null ? '–' : intervalText(became.precision, language),
];

/** Which column of `decided` starts with what, for aligning. */
export const DECIDED_ALIGN: readonly Align[] = ['left', ...Array.from({ length: 8 }, () => 'right' as const)];

export const outcomeHeading = (outcomes: FlagOutcomes, language: Language): readonly string[] => {
  const words = outcomeWordsOf(language);
  const { from, to, withinDays, knownUntil, tooShort, filesMissing } = outcomes;
  return [
    fill(words.heading, { from, to, days: formatNumber(withinDays, language) }),
    [
      knownUntil === null ? words.knownNothing : fill(words.known, { date: knownUntil }),
      ...(tooShort.length === 0 ? [] : [fill(words.notOver, { periods: listed(tooShort, language) })]),
      ...(filesMissing.length === 0 ? [] : [fill(words.filesGone, { periods: listed(filesMissing, language) })]),
    ].join(language === 'en' ? ' ' : ''),
  ];
};

export const policyHeading = ({ policy, periods }: PolicyOutcomes, language: Language): string => {
  const words = outcomeWordsOf(language);
  return fill(words.policy, {
    name: policy.name,
    version: policy.hash.slice(0, 8),
    periods: periods.length === 0 ? words.noneJudged : listed(periods, language),
  });
};

export const outcomeNotes = ({ read }: FlagOutcomes, language: Language): readonly string[] => {
  const words = outcomeWordsOf(language);
  return [
    words.noteUnit,
    words.noteDecision,
    fill(words.noteRead, {
      plans: formatNumber(read.plans, language),
      customers: formatNumber(read.customers, language),
    }),
  ];
};

/** What is said of one kind of proposal under one version of a policy. */
export const outcomeBlock = (
  outcomes: FlagOutcomes,
  version: PolicyOutcomes,
  kind: FlagKind,
  language: Language,
  policy: Policy | undefined,
): OutcomeBlock => {
  const words = outcomeWordsOf(language);
  const days = formatNumber(outcomes.withinDays, language);
  const figures = version[kind];
  const number = (value: number): string => formatNumber(value, language);
  const share = (value: number): string => formatShare(value, language);
  const segmentName = (segment: string): string => {
    const label = policy?.dimensions[policy.mainDimension]?.segments[segment]?.label;
    return label === undefined ? segment : labelIn(label, language);
  };
  const { outcome } = outcomes;
  const trait = outcome === null ? '' : `${outcome.trait}${outcome.value === undefined ? '' : ` = ${outcome.value}`}`;
  const sentences = [
    figures.recall === null
      ? words.noRecall
      : fill(words.recall, {
          value: share(figures.recall.value),
          interval: intervalText(figures.recall, language),
          count: number(figures.withOutcome),
        }),
    ...(figures.flagged.n === 0 ? [] : [baseSentence(figures, words, share, number)]),
    ...(version.afterDecision[kind] === 0
      ? []
      : [fill(words.afterDecision, { count: number(version.afterDecision[kind]) })]),
    ...notKnownSentence(version.notKnown[kind], words, number, language),
  ];
  return {
    heading: fill(kind === 'upgrade' ? words.upgrade : outcome === null ? words.exit : words.exitTrait, {
      days,
      trait,
    }),
    decided:
      figures.flagged.n === 0
        ? null
        : [
            [
              words.decided,
              words.n,
              words.bought,
              words.spentMore,
              words.rose,
              words.left,
              words.ended,
              words.precision,
              words.interval,
            ],
            ...DECIDED.flatMap((decided: Decided) => {
              const became = figures.byDecision[decided];
              return became === undefined ? [] : [[words[decided], ...becameCells(became, language)]];
            }),
            [words.all, ...becameCells(figures.flagged, language)],
          ],
    sentences,
    segments: segmentRows(figures.bySegment, words, segmentName, number, share, policy),
    missedHeading: fill(kind === 'exit' ? words.missedExit : words.missedUpgrade, {
      customers: number(figures.missed.customers),
      months: number(figures.missed.months),
    }),
    missed: version.missed[kind].map((one) => [
      one.customerId,
      one.period,
      segmentName(one.segment),
      [one.manager, one.branch].filter((name) => name !== null).join(language === 'en' ? ', ' : '，') || '–',
      worth(one.value, policy, language),
    ]),
  };
};

export const missedHeadings = (language: Language): readonly string[] => {
  const words = outcomeWordsOf(language);
  return [words.customer, words.month, words.segment, words.manager, words.value];
};

const worth = (value: number | null, policy: Policy | undefined, language: Language): string => {
  const metric = policy?.metrics[policy.valueMetric];
  if (value === null) return '–';
  if (policy === undefined || metric === undefined) return formatNumber(value, language, 2);
  return formatMetric(inMajorUnits(metric, value, policy.currency), metric.unit, policy.currency, language);
};

const baseSentence = (
  { base, baseCovers, lift }: PolicyOutcomes['exit'],
  words: OutcomeWords,
  share: (value: number) => string,
  number: (value: number) => string,
): string => {
  if (base === null || baseCovers === null) return words.noBase;
  const text =
    lift === null
      ? fill(words.baseOnly, { base: share(base) })
      : fill(words.base, { base: share(base), lift: lift < 10 ? String(Number(lift.toFixed(1))) : number(lift) });
  return baseCovers === 1 ? text : `${text} (${fill(words.baseCovers, { share: share(baseCovers) })})`;
};

const notKnownSentence = (
  counts: NotKnown,
  words: OutcomeWords,
  number: (value: number) => string,
  language: Language,
): readonly string[] => {
  const parts = (['tooShort', 'noOutcome', 'erased', 'unreadable'] as const)
    .filter((reason) => counts[reason] > 0)
    .map((reason) => fill(words[reason], { count: number(counts[reason]) }));
  return parts.length === 0 ? [] : [fill(words.notKnown, { parts: parts.join(language === 'en' ? ', ' : '，') })];
};

/** Only segments in which somebody was flagged, in the order of the policy; the first row is the heading. */
const segmentRows = (
  bySegment: PolicyOutcomes['exit']['bySegment'],
  words: OutcomeWords,
  segmentName: (segment: string) => string,
  number: (value: number) => string,
  share: (value: number) => string,
  policy: Policy | undefined,
): readonly (readonly string[])[] => {
  const order = policy?.dimensions[policy.mainDimension]?.segmentOrder ?? [];
  const place = (segment: string): number => (order.includes(segment) ? order.indexOf(segment) : order.length);
  const rows = Object.entries(bySegment)
    .filter(([, { flagged }]) => flagged > 0)
    .sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1))
    .map(([segment, { flagged, flaggedWith, unflagged, unflaggedWith }]) => [
      segmentName(segment),
      number(flagged),
      flagged === 0 ? '–' : share(flaggedWith / flagged),
      number(unflagged),
      unflagged === 0 ? '–' : share(unflaggedWith / unflagged),
    ]);
  return rows.length === 0
    ? []
    : [[words.segment, words.n, words.flaggedWith, words.unflagged, words.unflaggedWith.trimEnd()], ...rows];
};

/** Outcomes as aligned text for a terminal. Ends without a newline. */
export const flagOutcomesText = (outcomes: FlagOutcomes, language: Language, policyOf: PolicyOf): string => {
  const words = outcomeWordsOf(language);
  const blocks = outcomes.versions.flatMap((version) => [
    policyHeading(version, language),
    ...FLAG_KINDS.map((kind) => {
      const block = outcomeBlock(outcomes, version, kind, language, policyOf(version.policy.hash));
      const parts = [
        block.decided === null ? `${printable(block.heading)}\n${words.noFlags}` : printable(block.heading),
        ...(block.decided === null ? [] : [textTable(block.decided, DECIDED_ALIGN)]),
        block.sentences.join('\n'),
        ...(block.segments.length === 0
          ? []
          : [textTable(block.segments, ['left', 'right', 'right', 'right', 'right'])]),
        ...(block.missed.length === 0
          ? [block.missedHeading]
          : [
              `${block.missedHeading}\n${textTable([missedHeadings(language), ...block.missed], ['left', 'left', 'left', 'left', 'right'])}`,
            ]),
      ];
      return parts.join('\n\n').replace(/\n\n(?=[^\n]*\n?)/u, '\n');
    }),
  ]);
  return [outcomeHeading(outcomes, language).join('\n'), ...blocks, outcomeNotes(outcomes, language).join('\n')].join(
    '\n\n',
  );
};

const COLUMNS = [
  'policy',
  'version',
  'from',
  'to',
  'within_days',
  'kind',
  'decided',
  'flagged',
  'bought_again',
  'spent_more',
  'rose',
  'left',
  'closed',
  'precision',
  'precision_low',
  'precision_high',
  'with_outcome',
  'recall',
  'recall_low',
  'recall_high',
  'base_rate',
  'lift',
  'missed_months',
  'missed_customers',
  'too_short',
  'erased',
  'unreadable',
  'without_outcome',
] as const;

/** One row per version, kind and decision, and one for all of the kind; shares are fractions. The first row is the heading. */
export const flagOutcomesRows = (outcomes: FlagOutcomes): readonly (readonly string[])[] => {
  const text = (value: number | null | undefined): string =>
    value === null || value === undefined ? '' : String(value);
  const rows = outcomes.versions.flatMap((version) =>
    FLAG_KINDS.flatMap((kind) => {
      const figures = version[kind];
      const row = (
        decided: string,
        became: Became,
        rest: readonly (number | null | undefined)[],
      ): readonly string[] => [
        version.policy.name,
        version.policy.hash,
        outcomes.from,
        outcomes.to,
        String(outcomes.withinDays),
        kind,
        decided,
        ...[
          became.n,
          became.bought,
          became.spentMore,
          became.rose,
          became.left,
          became.ended,
          became.precision?.value,
          became.precision?.interval.low,
          became.precision?.interval.high,
          ...rest,
        ].map(text),
      ];
      const none = Array.from({ length: 12 }, () => null);
      const { tooShort, erased, unreadable, noOutcome } = version.notKnown[kind];
      return [
        ...DECIDED.flatMap((decided) => {
          const became = figures.byDecision[decided];
          return became === undefined ? [] : [row(decided, became, none)];
        }),
        row('all', figures.flagged, [
          figures.withOutcome,
          figures.recall?.value,
          figures.recall?.interval.low,
          figures.recall?.interval.high,
          figures.base,
          figures.lift,
          figures.missed.months,
          figures.missed.customers,
          tooShort,
          erased,
          unreadable,
          noOutcome,
        ]),
      ];
    }),
  );
  return [COLUMNS, ...rows];
};
