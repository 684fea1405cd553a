import type { Evaluation, Judged } from '#shared/domain/backtest-month.ts';
import type { SelectionFigures } from '#shared/domain/backtest-ranking.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { type Interval, shareOfCounts } from '#shared/domain/survey-statistics.ts';
import type { Backtest, BacktestMonth, ConductFigures } from './backtest.ts';
import { CONDUCT_GROUPS } from './backtest.ts';
import { decimalOfMinor, formatNumber, formatShare, type Language, labelIn } from './format-value.ts';
import { reasonInWords } from './summary-text.ts';
import { type Align, textTable } from './text-table.ts';

const WORDS = {
  en: {
    backtest: 'Backtest of',
    against: 'against',
    months: 'Months',
    horizon: 'horizon',
    days: 'days',
    warmUp: 'warm-up',
    monthsOf: 'months',
    from: 'from',
    read: 'Read',
    customers: 'customers',
    quarantined: 'quarantined',
    sample: 'sample of',
    factsFrom: 'facts from',
    to: 'to',
    known: 'outcomes known until',
    note: 'Facts count by business date, whenever they were imported. Nothing was written.',
    month: 'Month',
    population: 'Customers',
    fresh: 'New',
    up: 'Up',
    down: 'Down',
    sideways: 'Sideways',
    left: 'Left',
    stability: 'Stay',
    exitFlags: 'Exit flags (new, opened)',
    upgradeFlags: 'Upgrade flags (new, opened)',
    heldBack: 'Held back',
    matrix: 'Moves of all months (rows: month before, columns: month)',
    wasNew: 'new',
    hasLeft: 'left',
    before: 'before',
    exitTitle: 'Exit flags. Outcome: does not buy within',
    exitTrait: 'Exit flags. Outcome within',
    upgradeTitle: 'Upgrade flags. Outcome: spends more than before, within',
    judged: 'Judged: month ends',
    notJudged: 'not judged, since the horizon passes what is known',
    none: 'No month can be judged: every horizon passes what is known. Take earlier months or fewer --horizon-days.',
    n: 'Customer-months (n)',
    positives: 'with the outcome',
    flagged: 'Flagged',
    caught: 'of these with the outcome',
    precision: 'Precision',
    recall: 'Recall',
    lift: 'Lift',
    auc: 'AUC',
    interval: '95 % interval',
    proposed: 'proposed',
    opened: 'opened',
    recency: 'recency alone',
    frequency: 'frequency alone',
    overRecency: 'Policy minus recency alone',
    overFrequency: 'Policy minus frequency alone',
    aucWord: 'AUC',
    conduct: 'What customers did in the days after',
    group: 'Customers',
    exit: 'flagged exit',
    upgrade: 'flagged upgrade',
    unflagged: 'not flagged',
    bought: 'Bought',
    orders: 'Purchases, mean',
    meanSpend: 'Spend, mean',
    medianSpend: 'median',
    spendShare: 'Share of spend',
    compared: 'Side by side',
    stabilityLong: 'Stay in their segment',
    movesUp: 'Moves up',
    movesDown: 'Moves down',
    exitProposed: 'Exit flags proposed',
    upgradeProposed: 'Upgrade flags proposed',
    exitWord: 'Exit',
    upgradeWord: 'Upgrade',
  },
  'zh-CN': {
    backtest: '回测策略',
    against: '对比',
    months: '月份',
    horizon: '观察期',
    days: '天',
    warmUp: '预热',
    monthsOf: '个月',
    from: '自',
    read: '读取',
    customers: '位客户',
    quarantined: '隔离',
    sample: '抽样',
    factsFrom: '数据自',
    to: '至',
    known: '结果已知至',
    note: '数据按业务日期计入，不论何时导入。未写入任何内容。',
    month: '月份',
    population: '客户数',
    fresh: '新增',
    up: '上升',
    down: '下降',
    sideways: '平移',
    left: '离开',
    stability: '不变',
    exitFlags: '退出标记（新增，已开）',
    upgradeFlags: '升级标记（新增，已开）',
    heldBack: '暂缓',
    matrix: '全部月份的迁移（行：上月，列：当月）',
    wasNew: '新增',
    hasLeft: '离开',
    before: '之前',
    exitTitle: '退出标记。结果：不再购买，观察期',
    exitTrait: '退出标记。结果，观察期',
    upgradeTitle: '升级标记。结果：消费高于之前同样天数，观察期',
    judged: '参与评估的月末数',
    notJudged: '未评估，因观察期超出已知数据',
    none: '没有可评估的月份：观察期均超出已知数据。请选更早的月份或更小的 --horizon-days。',
    n: '客户月数（n）',
    positives: '其中出现该结果',
    flagged: '被标记',
    caught: '其中出现该结果',
    precision: '精确率',
    recall: '召回率',
    lift: '提升度',
    auc: 'AUC',
    interval: '95% 区间',
    proposed: '建议',
    opened: '已开',
    recency: '仅看最近购买',
    frequency: '仅看购买频率',
    overRecency: '策略减去仅看最近购买',
    overFrequency: '策略减去仅看购买频率',
    aucWord: 'AUC',
    conduct: '客户之后的行为',
    group: '客户',
    exit: '退出标记',
    upgrade: '升级标记',
    unflagged: '无标记',
    bought: '有购买',
    orders: '平均购买次数',
    meanSpend: '平均消费',
    medianSpend: '中位数',
    spendShare: '消费占比',
    compared: '并列对比',
    stabilityLong: '分类不变',
    movesUp: '上升次数',
    movesDown: '下降次数',
    exitProposed: '退出建议数',
    upgradeProposed: '升级建议数',
    exitWord: '退出',
    upgradeWord: '升级',
  },
} as const;

/** What the text needs besides the figures. */
export interface BacktestTextOptions {
  readonly language: Language;
  /** ISO 4217 code of the stage, in whose minor units spend is. */
  readonly currency: string;
}

const UNDEFINED = '–';

/**
 * A backtest as aligned text for a terminal; with a second one first both side by side, then each. Undefined figures are a
 * dash. Ends with a newline.
 */
export const backtestText = (
  results: readonly { readonly result: Backtest; readonly policy: Policy }[],
  options: BacktestTextOptions,
): string => {
  const blocks = results.map(({ result, policy }) => oneText(result, policy, options));
  if (results.length > 1) blocks.unshift(sideBySide(results, options));
  return `${blocks.join('\n\n\n')}\n`;
};

const nameOf = ({ policy }: Backtest): string => `${policy.name} ${policy.version}`;

const oneText = (result: Backtest, policy: Policy, options: BacktestTextOptions): string => {
  const words = WORDS[options.language];
  const number = (value: number): string => formatNumber(value, options.language);
  const { history, warmUp } = result;
  const blocks = [
    [
      `${words.backtest} ${nameOf(result)}`,
      `${words.months}: ${result.from} … ${result.to}, ${words.horizon} ${result.horizonDays} ${words.days}, ${words.warmUp} ${warmUp.months} ${words.monthsOf}${warmUp.from === null ? '' : ` (${words.from} ${warmUp.from})`}`,
      `${words.read}: ${number(history.customers)} ${words.customers}, ${words.quarantined} ${number(history.quarantined)}${history.sample < 1 ? `, ${words.sample} ${formatShare(history.sample, options.language)}` : ''}, ${words.factsFrom} ${history.firstFact ?? UNDEFINED} ${words.to} ${history.newestFact ?? UNDEFINED}, ${words.known} ${history.outcomesUntil ?? UNDEFINED}`,
      words.note,
    ].join('\n'),
    monthTable(result, policy, options),
    `${words.matrix}\n${matrixTable(result, policy, options)}`,
  ];
  if (result.judged === null) return [...blocks, words.none].join('\n\n');
  const outcome = result.outcome;
  const title =
    outcome === null
      ? `${words.exitTitle} ${result.horizonDays} ${words.days}`
      : `${words.exitTrait} ${result.horizonDays} ${words.days}: ${outcome.trait}${outcome.value === undefined ? '' : ` = ${outcome.value}`}`;
  const judged = `${words.judged}: ${result.judged.months}${result.censored.length === 0 ? '' : `; ${result.censored.join(', ')} ${words.notJudged}`}`;
  return [
    ...blocks,
    `${title}\n${judged}\n${evaluationTable(result.judged.exit, true, options)}`,
    judgedMonthTable(result, options),
    `${words.upgradeTitle} ${result.horizonDays} ${words.days}\n${evaluationTable(result.judged.upgrade, false, options)}`,
    `${words.conduct} (${result.horizonDays} ${words.days})\n${conductTable(result.judged.conduct, options)}`,
  ].join('\n\n');
};

const rightAfter = (columns: number): readonly Align[] => [
  'left',
  ...Array.from({ length: columns }, (): Align => 'right'),
];

const share = (value: number | null, language: Language): string =>
  value === null ? UNDEFINED : formatShare(value, language);

const decimals = (value: number | null, digits: number): string => (value === null ? UNDEFINED : value.toFixed(digits));

const intervalText = (interval: Interval | null, digits: number): string =>
  interval === null ? UNDEFINED : `${interval.low.toFixed(digits)} … ${interval.high.toFixed(digits)}`;

const shareInterval = (interval: Interval | null, language: Language): string =>
  interval === null ? UNDEFINED : `${formatShare(interval.low, language)} … ${formatShare(interval.high, language)}`;

const monthTable = (result: Backtest, policy: Policy, { language }: BacktestTextOptions): string => {
  const words = WORDS[language];
  const number = (value: number): string => formatNumber(value, language);
  const flags = ({ proposed, fresh, opened }: BacktestMonth['flags']['exit']): string =>
    `${number(proposed)} (${number(fresh)}, ${number(opened)})`;
  return textTable(
    [
      [
        words.month,
        words.population,
        words.fresh,
        words.up,
        words.down,
        words.sideways,
        words.left,
        words.stability,
        words.exitFlags,
        words.upgradeFlags,
        words.heldBack,
      ],
      ...result.months.map((month) => {
        const main = month.dimensions[policy.mainDimension];
        return [
          month.period,
          number(month.population),
          number(main?.fresh ?? 0),
          number(main?.up ?? 0),
          number(main?.down ?? 0),
          number(main?.sideways ?? 0),
          number(main?.left ?? 0),
          share(main?.stability ?? null, language),
          flags(month.flags.exit),
          flags(month.flags.upgrade),
          Object.entries(main?.heldBack ?? {})
            .map(([reason, count]) => `${reasonInWords(reason, language)} ${number(count)}`)
            .join(', '),
        ];
      }),
    ],
    [...rightAfter(9), 'left'],
  );
};

const matrixTable = (result: Backtest, policy: Policy, { language }: BacktestTextOptions): string => {
  const words = WORDS[language];
  const dimension = policy.dimensions[policy.mainDimension];
  const moves = result.moves[policy.mainDimension] ?? [];
  const order: readonly (string | null)[] = [...(dimension?.segmentOrder ?? []), null];
  const rows = order.filter((segment) => moves.some((move) => move.from === segment));
  const columns = order.filter((segment) => moves.some((move) => move.to === segment));
  const name = (segment: string | null, absent: string): string => {
    const label = segment === null ? undefined : dimension?.segments[segment]?.label;
    return label === undefined ? (segment ?? absent) : labelIn(label, language);
  };
  return textTable(
    [
      [words.before, ...columns.map((segment) => name(segment, words.hasLeft))],
      ...rows.map((from) => [
        name(from, words.wasNew),
        ...columns.map((to) => {
          const count = moves.find((move) => move.from === from && move.to === to)?.count ?? 0;
          return count === 0 ? '·' : formatNumber(count, language);
        }),
      ]),
    ],
    rightAfter(columns.length),
  );
};

type EvaluationWithIntervals = NonNullable<Backtest['judged']>['exit'];

/** One column per way of picking customers; the plain figures pick as many as the policy proposes, month by month. */
const evaluationTable = (
  evaluation: EvaluationWithIntervals,
  ranks: boolean,
  { language }: BacktestTextOptions,
): string => {
  const words = WORDS[language];
  const { policy, opened, recency, frequency, intervals } = evaluation;
  const columns: readonly SelectionFigures[] = [policy, recency, frequency, opened];
  const row = (label: string, of: (figures: SelectionFigures) => string): readonly string[] => [
    label,
    ...columns.map(of),
  ];
  const count = (value: number): string => formatNumber(value, language, 1);
  const table = textTable(
    [
      ['', words.proposed, words.recency, words.frequency, words.opened],
      row(words.n, (one) => count(one.n)),
      row(`  ${words.positives}`, (one) => count(one.positives)),
      row(words.flagged, (one) => count(one.flagged)),
      row(`  ${words.caught}`, (one) => count(one.caught)),
      row(words.precision, (one) => share(one.precision, language)),
      [
        `  ${words.interval}`,
        shareInterval(intervals.precision, language),
        shareInterval(intervals.recencyPrecision, language),
        shareInterval(intervals.frequencyPrecision, language),
        '',
      ],
      row(words.recall, (one) => share(one.recall, language)),
      row(words.lift, (one) => decimals(one.lift, 2)),
      ...(ranks
        ? [
            [words.auc, ...[policy, recency, frequency].map((one) => decimals(one.auc, 3)), ''],
            [
              `  ${words.interval}`,
              intervalText(intervals.auc, 3),
              intervalText(intervals.recencyAuc, 3),
              intervalText(intervals.frequencyAuc, 3),
              '',
            ],
          ]
        : []),
    ],
    rightAfter(4),
  );
  const against = (label: string, precision: Interval | null, auc: Interval | null, plain: Judged): string =>
    [
      `${label}: ${words.precision} ${signed(minus(policy.precision, plain.precision))} (${signedInterval(precision)})`,
      ...(ranks ? [`${words.aucWord} ${signed(minus(policy.auc, plain.auc))} (${signedInterval(auc)})`] : []),
    ].join(', ');
  return [
    table,
    against(words.overRecency, intervals.precisionOverRecency, intervals.aucOverRecency, recency),
    against(words.overFrequency, intervals.precisionOverFrequency, intervals.aucOverFrequency, frequency),
  ].join('\n');
};

const minus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a - b);

const signed = (value: number | null): string => {
  if (value === null) return UNDEFINED;
  const text = value.toFixed(3);
  return value > 0 ? `+${text}` : text;
};

const signedInterval = (interval: Interval | null): string =>
  interval === null ? UNDEFINED : `${signed(interval.low)} … ${signed(interval.high)}`;

const judgedMonthTable = (result: Backtest, { language }: BacktestTextOptions): string => {
  const words = WORDS[language];
  const number = (value: number): string => formatNumber(value, language);
  return textTable(
    [
      [
        words.month,
        'n',
        words.positives,
        words.flagged,
        words.precision,
        words.interval,
        words.recall,
        words.lift,
        words.auc,
        `${words.auc}, ${words.recency}`,
        `${words.auc}, ${words.frequency}`,
      ],
      ...result.months.flatMap(({ period, judged }) => {
        if (judged === null) return [];
        const { policy, recency, frequency, n, positives } = judged.exit;
        return [
          [
            period,
            number(n),
            number(positives),
            number(policy.flagged),
            share(policy.precision, language),
            shareInterval(shareOfCounts(policy.caught, policy.flagged)?.interval ?? null, language),
            share(policy.recall, language),
            decimals(policy.lift, 2),
            decimals(policy.auc, 3),
            decimals(recency.auc, 3),
            decimals(frequency.auc, 3),
          ],
        ];
      }),
    ],
    rightAfter(10),
  );
};

const conductTable = (
  conduct: NonNullable<Backtest['judged']>['conduct'],
  { language, currency }: BacktestTextOptions,
): string => {
  const words = WORDS[language];
  const labels = { exit: words.exit, upgrade: words.upgrade, none: words.unflagged } as const;
  const money = (minor: number | null): string => (minor === null ? UNDEFINED : decimalOfMinor(minor, currency));
  return textTable(
    [
      [
        words.group,
        words.n,
        words.bought,
        words.orders,
        `${words.meanSpend} (${currency})`,
        words.medianSpend,
        words.spendShare,
      ],
      ...CONDUCT_GROUPS.map((group) => {
        const figures: ConductFigures = conduct[group];
        return [
          labels[group],
          formatNumber(figures.n, language),
          share(figures.boughtShare, language),
          decimals(figures.meanOrders, 2),
          money(figures.meanSpendMinor),
          money(figures.medianSpendMinor),
          share(figures.spendShare, language),
        ];
      }),
    ],
    rightAfter(6),
  );
};

/** One column per policy, then the plain figures at as many as the first policy proposes. */
const sideBySide = (
  results: readonly { readonly result: Backtest; readonly policy: Policy }[],
  { language }: BacktestTextOptions,
): string => {
  const words = WORDS[language];
  const row = (label: string, of: (result: Backtest, policy: Policy) => string): readonly string[] => [
    label,
    ...results.map(({ result, policy }) => of(result, policy)),
  ];
  const total = (result: Backtest, of: (month: BacktestMonth) => number): string =>
    formatNumber(
      result.months.reduce((sum, month) => sum + of(month), 0),
      language,
    );
  const exit = (result: Backtest): Evaluation | undefined => result.judged?.exit;
  const upgrade = (result: Backtest): Evaluation | undefined => result.judged?.upgrade;
  return [
    `${words.compared}: ${results.map(({ result }) => nameOf(result)).join(` ${words.against} `)}`,
    textTable(
      [
        ['', ...results.map(({ result }) => nameOf(result))],
        row(words.stabilityLong, (result, policy) => share(result.stability[policy.mainDimension] ?? null, language)),
        row(words.movesUp, (result, policy) =>
          total(result, (month) => month.dimensions[policy.mainDimension]?.up ?? 0),
        ),
        row(words.movesDown, (result, policy) =>
          total(result, (month) => month.dimensions[policy.mainDimension]?.down ?? 0),
        ),
        row(words.exitProposed, (result) => total(result, (month) => month.flags.exit.proposed)),
        row(words.upgradeProposed, (result) => total(result, (month) => month.flags.upgrade.proposed)),
        row(`${words.exitWord}: ${words.n}`, (result) => countOf(exit(result)?.n, language)),
        row(`${words.exitWord}: ${words.precision}`, (result) =>
          share(exit(result)?.policy.precision ?? null, language),
        ),
        row(`${words.exitWord}: ${words.recall}`, (result) => share(exit(result)?.policy.recall ?? null, language)),
        row(`${words.exitWord}: ${words.lift}`, (result) => decimals(exit(result)?.policy.lift ?? null, 2)),
        row(`${words.exitWord}: ${words.auc}`, (result) => decimals(exit(result)?.policy.auc ?? null, 3)),
        row(`  ${words.interval}`, (result) => intervalText(result.judged?.exit.intervals.auc ?? null, 3)),
        row(`  ${words.recency}`, (result) => decimals(exit(result)?.recency.auc ?? null, 3)),
        row(`  ${words.frequency}`, (result) => decimals(exit(result)?.frequency.auc ?? null, 3)),
        row(`${words.upgradeWord}: ${words.precision}`, (result) =>
          share(upgrade(result)?.policy.precision ?? null, language),
        ),
        row(`${words.upgradeWord}: ${words.lift}`, (result) => decimals(upgrade(result)?.policy.lift ?? null, 2)),
      ],
      rightAfter(results.length),
    ),
  ].join('\n');
};

const countOf = (value: number | undefined, language: Language): string =>
  value === undefined ? UNDEFINED : formatNumber(value, language);

/** One row per policy and month, for spreadsheets: machine names, shares as fractions, undefined figures empty. */
export const backtestRows = (
  results: readonly { readonly result: Backtest; readonly policy: Policy }[],
): readonly (readonly string[])[] => [
  [
    'policy',
    'version',
    'month',
    'as_of',
    'horizon_until',
    'customers',
    'new',
    'up',
    'down',
    'sideways',
    'left',
    'stability',
    'exit_proposed',
    'exit_new',
    'exit_opened',
    'upgrade_proposed',
    'upgrade_new',
    'upgrade_opened',
    ...['exit', 'upgrade'].flatMap((kind) =>
      [
        'n',
        'positives',
        'flagged',
        'caught',
        'precision',
        'recall',
        'lift',
        'recency_precision',
        'frequency_precision',
      ].map((name) => `${kind}_${name}`),
    ),
    'exit_auc',
    'exit_recency_auc',
    'exit_frequency_auc',
    ...CONDUCT_GROUPS.flatMap((group) =>
      ['n', 'bought', 'mean_spend_minor', 'median_spend_minor', 'spend_share'].map((name) => `after_${group}_${name}`),
    ),
  ],
  ...results.flatMap(({ result, policy }) => result.months.map((month) => monthRow(result, policy, month))),
];

const monthRow = (result: Backtest, policy: Policy, month: BacktestMonth): readonly string[] => {
  const main = month.dimensions[policy.mainDimension];
  const { judged, flags } = month;
  const selection = (evaluation: Evaluation | undefined): readonly (number | null | undefined)[] => [
    evaluation?.n,
    evaluation?.positives,
    evaluation?.policy.flagged,
    evaluation?.policy.caught,
    evaluation?.policy.precision,
    evaluation?.policy.recall,
    evaluation?.policy.lift,
    evaluation?.recency.precision,
    evaluation?.frequency.precision,
  ];
  const figures = [
    month.population,
    main?.fresh,
    main?.up,
    main?.down,
    main?.sideways,
    main?.left,
    main?.stability,
    flags.exit.proposed,
    flags.exit.fresh,
    flags.exit.opened,
    flags.upgrade.proposed,
    flags.upgrade.fresh,
    flags.upgrade.opened,
    ...selection(judged?.exit),
    ...selection(judged?.upgrade),
    judged?.exit.policy.auc,
    judged?.exit.recency.auc,
    judged?.exit.frequency.auc,
    ...CONDUCT_GROUPS.flatMap((group) => {
      const after = judged?.conduct[group];
      return [after?.n, after?.bought, after?.meanSpendMinor, after?.medianSpendMinor, after?.spendShare];
    }),
  ];
  return [
    result.policy.name,
    result.policy.version,
    month.period,
    month.asOf,
    month.horizonUntil,
    ...figures.map((figure) => (figure === null || figure === undefined ? '' : String(Number(figure.toFixed(6))))),
  ];
};
