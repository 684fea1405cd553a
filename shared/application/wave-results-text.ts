import { DECISION_FACTORS, type DecisionFactor } from '#shared/domain/answer-rules.ts';
import type { QuestionKind } from '#shared/domain/policy.ts';
import {
  GROUPINGS,
  type GroupFigures,
  type Grouping,
  type GroupResult,
  type ResultTable,
  type ScoreChange,
} from '#shared/domain/survey-results.ts';
import { formatChange, formatNumber, formatShare, type Language } from './format-value.ts';
import { printable, textTable } from './text-table.ts';
import type { WaveResults } from './wave-results.ts';

const EN = {
  results: 'Results of wave {wave}',
  segment: 'Segment',
  branch: 'Branch',
  manager: 'Account manager',
  language: 'Language',
  invited: 'Invited',
  delivered: 'Delivered',
  answered: 'Answered',
  suspect: 'Suspect',
  rate: 'Response rate',
  nps: 'NPS',
  csat: 'Satisfied',
  ces: 'Found it easy',
  interval: '95 % interval',
  change: 'Change',
  noChange: 'no wave before to compare with',
  compared:
    'Change against wave {wave}. * significant at 5 % after correction for the groups of the table (Holm); ? fewer than 30 answers, not judged.',
  none: '(none)',
  together: 'hidden groups ({count})',
  all: 'All',
  hidden: 'hidden',
  fewer: '1–4',
  hiddenNote: 'Groups with fewer than five answers are hidden, with any other from which they could be computed.',
  suspectNote: 'Suspect answers count for nothing but in their own column.',
  factors: 'What mattered most to those who said so',
  named: 'Named one',
  price: 'Price',
  brand: 'Brand',
  wordOfMouth: 'Word of mouth',
  service: 'Service',
  comments: 'Comments',
  moreComments: 'and {count} more; wave results --json has all',
  score: 'Answer',
} as const;

export type ResultWords = Readonly<Record<keyof typeof EN, string>>;

const ZH: ResultWords = {
  results: '批次 {wave} 的结果',
  segment: '分类',
  branch: '分行',
  manager: '客户经理',
  language: '语言',
  invited: '邀请数',
  delivered: '送达数',
  answered: '答复数',
  suspect: '可疑',
  rate: '答复率',
  nps: '净推荐值',
  csat: '满意比例',
  ces: '认为轻松的比例',
  interval: '95% 区间',
  change: '变化',
  noChange: '没有可比较的上一批次',
  compared: '与批次 {wave} 相比的变化。* 按本表组数校正（Holm）后在 5% 水平显著；? 答复不足 30 份，不作判断。',
  none: '（无）',
  together: '隐藏的组（{count} 个）合计',
  all: '全部',
  hidden: '不显示',
  fewer: '1–4',
  hiddenNote: '答复不足五份的组不显示，能据以推算出这些组的其他组也不显示。',
  suspectNote: '可疑答复只计入“可疑”一列，不参与其他任何计算。',
  factors: '答复者认为最重要的因素',
  named: '选择人数',
  price: '价格',
  brand: '品牌',
  wordOfMouth: '口碑',
  service: '服务',
  comments: '留言',
  moreComments: '另有 {count} 条，wave results --json 中有全部内容',
  score: '评分',
};

export const resultWordsOf = (language: Language): ResultWords => (language === 'en' ? EN : ZH);

/** `+34` for NPS in points, `61.5%` for shares. */
export const scoreInWords = (value: number, question: QuestionKind, language: Language): string =>
  question === 'nps' ? formatChange(Math.round(value * 100), language) : formatShare(value, language);

/** `+12 *`: points of NPS, or percentage points; `*` significant, `?` too few answers to judge. A dash where there is none. */
export const changeInWords = (change: ScoreChange | null, language: Language): string => {
  if (change === null) return '–';
  const mark = change.pValue === null ? ' ?' : change.significant ? ' *' : '';
  return `${formatChange(Math.round(change.difference * 100), language)}${mark}`;
};

export const factorInWords = (factor: DecisionFactor, language: Language): string => resultWordsOf(language)[factor];

const SHOWN_COMMENTS = 10;

/**
 * Results as aligned text for a terminal, in the groupings asked for. Ends without a newline.
 *
 * @param segmentName the policy's name of a segment
 */
export const waveResultsText = (
  results: WaveResults,
  language: Language,
  groupings: readonly Grouping[] = GROUPINGS,
  segmentName: (segment: string) => string = (segment) => segment,
): string => {
  const words = resultWordsOf(language);
  const number = (value: number): string => formatNumber(value, language);
  const fill = (text: string, name: string, value: string): string => text.replace(`{${name}}`, value);
  const name = (grouping: Grouping, group: string | null): string =>
    group === null ? words.none : grouping === 'segment' ? segmentName(group) : group;
  const cells = (figures: GroupFigures, change: ScoreChange | null): readonly string[] => [
    number(figures.invited),
    number(figures.delivered),
    figures.answered === null ? words.fewer : number(figures.answered),
    number(figures.suspect),
    figures.rate === null ? '–' : formatShare(figures.rate, language),
    figures.score === null ? '–' : scoreInWords(figures.score.value, results.question, language),
    figures.score === null
      ? '–'
      : `${scoreInWords(figures.score.interval.low, results.question, language)} … ${scoreInWords(figures.score.interval.high, results.question, language)}`,
    changeInWords(change, language),
  ];
  const rowOf = (grouping: Grouping, group: GroupResult): readonly string[] =>
    group.hidden
      ? [name(grouping, group.name), words.hidden]
      : [name(grouping, group.name), ...cells(group, group.change)];
  const together = ({ hiddenTogether }: ResultTable): readonly (readonly string[])[] =>
    hiddenTogether === null
      ? []
      : [[fill(words.together, 'count', number(hiddenTogether.groups)), ...cells(hiddenTogether, null)]];
  const align = ['left', ...Array.from({ length: 8 }, () => 'right' as const)] as const;
  const tables = groupings.map((grouping) =>
    textTable(
      [
        [
          words[grouping],
          words.invited,
          words.delivered,
          words.answered,
          words.suspect,
          words.rate,
          words[results.question],
          words.interval,
          words.change,
        ],
        ...results.tables[grouping].groups.map((group) => rowOf(grouping, group)),
        ...together(results.tables[grouping]),
        [words.all, ...cells(results.total, results.total.change)],
      ],
      align,
    ),
  );
  return [
    fill(words.results, 'wave', results.waveId),
    ...tables,
    ...factorTable(results, groupings, language, name),
    ...commentLines(results, language, segmentName),
    [
      results.comparedWith === null ? words.noChange : fill(words.compared, 'wave', results.comparedWith),
      words.hiddenNote,
      words.suspectNote,
    ].join('\n'),
  ].join('\n\n');
};

const factorTable = (
  results: WaveResults,
  groupings: readonly Grouping[],
  language: Language,
  name: (grouping: Grouping, group: string | null) => string,
): readonly string[] => {
  const words = resultWordsOf(language);
  if (results.total.factors === null) return [];
  const row = (label: string, { factors }: Pick<GroupFigures, 'factors'>): readonly (readonly string[])[] =>
    factors === null
      ? []
      : [
          [
            label,
            formatNumber(factors.named, language),
            ...DECISION_FACTORS.map((factor) => formatShare(factors.shares[factor].share, language)),
          ],
        ];
  return [
    textTable(
      [
        [words.factors, words.named, ...DECISION_FACTORS.map((factor) => words[factor])],
        ...groupings.flatMap((grouping) =>
          results.tables[grouping].groups.flatMap((group) =>
            group.hidden ? [] : row(name(grouping, group.name), group),
          ),
        ),
        ...row(words.all, results.total),
      ],
      ['left', 'right', 'right', 'right', 'right', 'right'],
    ),
  ];
};

const commentLines = (
  { comments }: WaveResults,
  language: Language,
  segmentName: (segment: string) => string,
): readonly string[] => {
  const words = resultWordsOf(language);
  if (comments.length === 0) return [];
  const more = comments.length - SHOWN_COMMENTS;
  return [
    [
      words.comments,
      ...comments
        .slice(0, SHOWN_COMMENTS)
        .map(({ score, segment, comment }) =>
          printable(`  ${score}  ${segment === null ? '–' : segmentName(segment)}  ${comment}`),
        ),
      ...(more > 0 ? [`  ${words.moreComments.replace('{count}', formatNumber(more, language))}`] : []),
    ].join('\n'),
  ];
};
