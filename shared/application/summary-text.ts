import type { RunSummary } from '#shared/contracts/run-record.ts';
import { brakeSentence } from '#shared/domain/brake-sentences.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { databaseCost } from '#shared/domain/run-cost.ts';
import { dollars } from './cost-text.ts';
import { formatChange, formatNumber, formatShare, type Language, labelIn } from './format-value.ts';
import { type Align, textTable } from './text-table.ts';

/** What became of a wave, as counts of customers or mails. Reasons are machine names such as `noConsent`. */
export interface WaveCounts {
  readonly waveId: string;
  /** Customers drawn for the wave. */
  readonly planned: number;
  readonly sent: number;
  readonly delivered?: number;
  readonly answered: number;
  readonly uncertain: number;
  readonly rejected: number;
  readonly notYet: number;
  readonly skipped: Readonly<Record<string, number>>;
  /** Days on which invitations go out, where they are more than one. */
  readonly days?: number;
  /** Why the wave rests, where it does. */
  readonly rests?: string;
}

/** The names that a policy gives its dimensions and segments; without them machine names are shown. */
export type SummaryNames = Pick<Policy, 'dimensions' | 'mainDimension'>;

const WORDS = {
  en: {
    run: 'Run',
    asOf: 'as of',
    policy: 'policy',
    state: 'State',
    read: 'Read',
    quarantined: 'quarantined',
    newestFact: 'newest fact',
    segment: 'Segment',
    customers: 'Customers',
    share: 'Share',
    change: 'Change',
    matrix: 'Moves (rows: before, columns: now)',
    fresh: 'new',
    left: 'left',
    before: 'before',
    heldBack: 'Target and actual segment differ',
    mails: 'Mails of wave',
    planned: 'planned',
    sent: 'sent',
    delivered: 'delivered',
    answered: 'answered',
    uncertain: 'uncertain',
    rejected: 'rejected',
    notYet: 'not yet sent',
    skipped: 'skipped',
    overDays: (days: string) => `invitations go out over ${days} days`,
    rests: 'paused',
    flags: 'Flags',
    upgrade: 'upgrade',
    exit: 'exit',
    overCapacity: 'more than managers can take',
    brakes: 'Brakes',
    work: 'Work',
    changed: 'standings changed',
    stale: 'skipped as stale',
    readUnits: 'read units',
    writeUnits: 'write units',
    database: 'database',
  },
  'zh-CN': {
    run: '运行',
    asOf: '截至',
    policy: '策略',
    state: '状态',
    read: '读取',
    quarantined: '隔离',
    newestFact: '最新数据日期',
    segment: '分类',
    customers: '客户数',
    share: '占比',
    change: '变化',
    matrix: '迁移（行：之前，列：现在）',
    fresh: '新增',
    left: '离开',
    before: '之前',
    heldBack: '目标分类与实际分类不同',
    mails: '问卷邮件，批次',
    planned: '计划',
    sent: '已发送',
    delivered: '已送达',
    answered: '已答复',
    uncertain: '结果不明',
    rejected: '被拒',
    notYet: '尚未发送',
    skipped: '跳过',
    overDays: (days: string) => `邀请分 ${days} 天发送`,
    rests: '已暂停',
    flags: '标记',
    upgrade: '升级',
    exit: '退出',
    overCapacity: '超出客户经理处理能力',
    brakes: '刹车',
    work: '工作量',
    changed: '条客户状态变更',
    stale: '条因数据已变而跳过',
    readUnits: '读单位',
    writeUnits: '写单位',
    database: '数据库费用',
  },
} as const;

const STATE_WORDS: Readonly<Record<RunSummary['state'], Readonly<Record<Language, string>>>> = {
  planning: { en: 'being planned', 'zh-CN': '计划中' },
  planned: { en: 'planned; nothing has been changed', 'zh-CN': '已计划，尚未写入任何变更' },
  held: { en: 'held by a brake; nothing has been changed', 'zh-CN': '被刹车暂停，尚未写入任何变更' },
  applying: { en: 'being applied', 'zh-CN': '正在写入' },
  published: { en: 'published', 'zh-CN': '已发布' },
  degraded: { en: 'published, but degraded', 'zh-CN': '已发布，但质量下降' },
  failed: { en: 'failed', 'zh-CN': '失败' },
  abandoned: { en: 'abandoned', 'zh-CN': '已放弃' },
  rolledBack: { en: 'rolled back; no longer in force', 'zh-CN': '已回滚，不再生效' },
};

/** The state of a run in words. */
export const stateInWords = (state: RunSummary['state'], language: Language): string => STATE_WORDS[state][language];

const REASON_WORDS: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  margin: { en: 'inside the margin', 'zh-CN': '在缓冲区内' },
  waiting: { en: 'waits for one more period', 'zh-CN': '等待下一期确认' },
  coolingOff: { en: 'cooling-off', 'zh-CN': '冷静期' },
  pin: { en: 'pinned by a person', 'zh-CN': '人工固定' },
  noConsent: { en: 'no consent', 'zh-CN': '未同意' },
  noAddress: { en: 'no address', 'zh-CN': '无邮箱地址' },
  noContact: { en: 'no address', 'zh-CN': '无邮箱地址' },
  suppressed: { en: 'suppressed', 'zh-CN': '已停止联系' },
  unsubscribed: { en: 'unsubscribed', 'zh-CN': '已退订' },
  budget: { en: 'asked lately', 'zh-CN': '近期已联系' },
  contactBudget: { en: 'asked lately', 'zh-CN': '近期已联系' },
  askedLately: { en: 'asked lately', 'zh-CN': '近期已联系' },
  deferred: { en: 'deferred', 'zh-CN': '已顺延' },
  sameAddress: { en: 'same address', 'zh-CN': '地址相同' },
  segmentNotSurveyed: { en: 'segment not surveyed', 'zh-CN': '该分群不调查' },
  notSampled: { en: 'not sampled', 'zh-CN': '未抽中' },
  notEligible: { en: 'not eligible', 'zh-CN': '不符合条件' },
  notActive: { en: 'not active', 'zh-CN': '非活跃客户' },
  erased: { en: 'erased', 'zh-CN': '已删除' },
  left: { en: 'no longer a customer', 'zh-CN': '已不是客户' },
  waveClosed: { en: 'not sent before the end', 'zh-CN': '截止前未发送' },
  waveCancelled: { en: 'wave cancelled', 'zh-CN': '调查已取消' },
  planned: { en: 'planned', 'zh-CN': '待发送' },
  claimed: { en: 'being sent', 'zh-CN': '正在发送' },
  sent: { en: 'sent', 'zh-CN': '已发送' },
  delivered: { en: 'delivered', 'zh-CN': '已送达' },
  bounced: { en: 'bounced', 'zh-CN': '已退回' },
  complained: { en: 'complained', 'zh-CN': '已投诉' },
  answered: { en: 'answered', 'zh-CN': '已答复' },
  expired: { en: 'no answer before the end', 'zh-CN': '截止前未答复' },
  rejected: { en: 'rejected by the mail service', 'zh-CN': '被邮件服务拒绝' },
  uncertain: { en: 'uncertain whether sent', 'zh-CN': '是否发送不明' },
};

/** A machine reason in words; an unknown one as it is. */
export const reasonInWords = (reason: string, language: Language): string => REASON_WORDS[reason]?.[language] ?? reason;

/** Segment names of a dimension in the policy's order, then what the summary has beside them. */
export const segmentsInOrder = (summary: RunSummary, dimension: string, names?: SummaryNames): readonly string[] => {
  const known = names?.dimensions[dimension]?.segmentOrder ?? [];
  const seen = [
    ...Object.keys(summary.segments[dimension] ?? {}),
    ...Object.keys(summary.previousSegments[dimension] ?? {}),
  ];
  return [...known, ...[...new Set(seen)].filter((segment) => !known.includes(segment)).sort()];
};

/**
 * A run as aligned text for a terminal: segments with count and change, migration matrix, mails by outcome, flags, brakes.
 * Chinese characters count two columns. Ends with a newline.
 *
 * @param wave the run's survey wave; undefined where it started none
 * @param names the policy, for its labels and the order of segments
 */
export const summaryText = (
  summary: RunSummary,
  wave: WaveCounts | undefined,
  language: Language,
  names?: SummaryNames,
): string => {
  const words = WORDS[language];
  const number = (value: number): string => formatNumber(value, language);
  const blocks: string[] = [
    [
      `${words.run} ${summary.runId}, ${words.asOf} ${summary.asOf}, ${words.policy} ${summary.policy.name} ${summary.policy.version}`,
      `${words.state}: ${stateInWords(summary.state, language)}`,
      `${words.read}: ${number(summary.population)} ${words.customers.toLowerCase()}, ${words.quarantined} ${number(summary.quarantined)}, ${words.newestFact} ${summary.newestFact ?? '–'}`,
    ].join('\n'),
  ];
  for (const dimension of dimensionsInOrder(summary, names)) {
    blocks.push(segmentTable(summary, dimension, language, names));
    const matrix = matrixTable(summary, dimension, language, names);
    if (matrix !== '') blocks.push(`${words.matrix}\n${matrix}`);
    const heldBack = countsInWords(summary.heldBack[dimension] ?? {}, language);
    if (heldBack !== '') blocks.push(`${words.heldBack}: ${heldBack}`);
  }
  if (wave !== undefined) {
    const notes = [
      ...(wave.days === undefined ? [] : [words.overDays(number(wave.days))]),
      ...(wave.rests === undefined ? [] : [`${words.rests}: ${wave.rests}`]),
    ];
    blocks.push([waveText(wave, language), ...notes.map((note) => `  ${note}`)].join('\n'));
  }
  blocks.push(flagText(summary, language));
  if (summary.brakes.length > 0) {
    blocks.push(
      [
        words.brakes,
        ...summary.brakes.map((hit) => `  ${hit.brake}: ${brakeText(hit, summary, language, names)}`),
      ].join('\n'),
    );
  }
  blocks.push(
    `${words.work}: ${number(summary.changed)} ${words.changed}${summary.stale > 0 ? `, ${number(summary.stale)} ${words.stale}` : ''}, ${formatNumber(summary.units.read, language, 1)} ${words.readUnits}, ${formatNumber(summary.units.write, language, 1)} ${words.writeUnits} (${words.database} $${dollars(databaseCost(summary.units), language)})`,
  );
  return `${blocks.join('\n\n')}\n`;
};

/** What a brake found, in the language; English as it is kept where the figures are not. */
export const brakeText = (
  hit: RunSummary['brakes'][number],
  summary: RunSummary,
  language: Language,
  names?: SummaryNames,
): string => {
  const dimension = names?.mainDimension ?? Object.keys(summary.segments)[0] ?? '';
  const name = (segment: string): string => segmentName(dimension, segment, language, names);
  return brakeSentence(hit, language === 'en' ? 'en' : 'zh', name) ?? hit.message;
};

/** Mails of a wave on one or two lines. */
export const waveText = (wave: WaveCounts, language: Language): string => {
  const words = WORDS[language];
  const parts: [string, number | undefined][] = [
    [words.planned, wave.planned],
    [words.sent, wave.sent],
    [words.delivered, wave.delivered],
    [words.answered, wave.answered],
  ];
  for (const name of ['notYet', 'uncertain', 'rejected'] as const) {
    if (wave[name] > 0) parts.push([words[name], wave[name]]);
  }
  const line = parts
    .filter(([, count]) => count !== undefined)
    .map(([name, count]) => `${name} ${formatNumber(count ?? 0, language)}`)
    .join(', ');
  const skipped = countsInWords(wave.skipped, language);
  return `${words.mails} ${wave.waveId}: ${line}${skipped === '' ? '' : `\n  ${words.skipped}: ${skipped}`}`;
};

const dimensionsInOrder = (summary: RunSummary, names?: SummaryNames): readonly string[] => {
  const all = Object.keys(summary.segments);
  const main = names?.mainDimension;
  return main === undefined || !all.includes(main) ? all : [main, ...all.filter((one) => one !== main)];
};

const segmentName = (dimension: string, segment: string, language: Language, names?: SummaryNames): string => {
  const label = names?.dimensions[dimension]?.segments[segment]?.label;
  return label === undefined ? segment : labelIn(label, language);
};

const segmentTable = (
  summary: RunSummary,
  dimension: string,
  language: Language,
  names: SummaryNames | undefined,
): string => {
  const words = WORDS[language];
  const counts = summary.segments[dimension] ?? {};
  const before = summary.previousSegments[dimension] ?? {};
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const label = names?.dimensions[dimension]?.label;
  const heading =
    label === undefined
      ? Object.keys(summary.segments).length > 1
        ? dimension
        : words.segment
      : labelIn(label, language);
  const rows = segmentsInOrder(summary, dimension, names).map((segment) => {
    const count = counts[segment] ?? 0;
    return [
      segmentName(dimension, segment, language, names),
      formatNumber(count, language),
      total === 0 ? '–' : formatShare(count / total, language),
      formatChange(count - (before[segment] ?? 0), language),
    ];
  });
  return textTable(
    [[heading, words.customers, words.share, words.change], ...rows],
    ['left', 'right', 'right', 'right'],
  );
};

/** Empty where there is nothing before to compare with. */
const matrixTable = (
  summary: RunSummary,
  dimension: string,
  language: Language,
  names: SummaryNames | undefined,
): string => {
  const words = WORDS[language];
  const moves = summary.moves[dimension] ?? [];
  if (!moves.some((move) => move.from !== null)) return '';
  const order = segmentsInOrder(summary, dimension, names);
  const from: (string | null)[] = order.filter((segment) => moves.some((move) => move.from === segment));
  const to: (string | null)[] = order.filter((segment) => moves.some((move) => move.to === segment));
  if (moves.some((move) => move.from === null)) from.push(null);
  if (moves.some((move) => move.to === null)) to.push(null);
  const name = (segment: string | null, absent: string): string =>
    segment === null ? absent : segmentName(dimension, segment, language, names);
  const count = (a: string | null, b: string | null): string => {
    const cell = moves.filter((move) => move.from === a && move.to === b).reduce((sum, move) => sum + move.count, 0);
    return cell === 0 ? '·' : formatNumber(cell, language);
  };
  const align: Align[] = ['left', ...to.map((): Align => 'right')];
  return textTable(
    [
      [words.before, ...to.map((segment) => name(segment, words.left))],
      ...from.map((row) => [name(row, words.fresh), ...to.map((column) => count(row, column))]),
    ],
    align,
  );
};

const countsInWords = (counts: Readonly<Record<string, number>>, language: Language): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reasonInWords(reason, language)} ${formatNumber(count, language)}`)
    .join(', ');

const flagText = (summary: RunSummary, language: Language): string => {
  const words = WORDS[language];
  const part = (name: string, opened: number, over: number): string =>
    `${name} ${formatNumber(opened, language)}${over > 0 ? ` (${words.overCapacity}: ${formatNumber(over, language)})` : ''}`;
  return `${words.flags}: ${part(words.upgrade, summary.flags.upgrade, summary.flags.upgradeOverCapacity)}, ${part(words.exit, summary.flags.exit, summary.flags.exitOverCapacity)}`;
};
