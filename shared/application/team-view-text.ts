import type { QuestionKind } from '#shared/domain/policy.ts';
import {
  type InTimeFigure,
  STAFF_GROUPINGS,
  type StaffGroup,
  type StaffGrouping,
  type StaffSatisfaction,
  type Verdict,
} from '#shared/domain/staff-view.ts';
import type { Interval } from '#shared/domain/survey-statistics.ts';
import { formatChange, formatNumber, type Language } from './format-value.ts';
import type { TeamView } from './team-view.ts';
import { printable, textTable } from './text-table.ts';
import { resultWordsOf, scoreInWords } from './wave-results-text.ts';

const EN = {
  title: 'Staff and branches',
  heading: 'Staff and branches, wave {wave}: {answers} answers, {question} {score}',
  headingHidden: 'Staff and branches, wave {wave}: fewer than five answers, so none is shown',
  headingNone: 'Staff and branches, wave {wave}: no answers yet',
  manager: 'Account manager',
  branch: 'Branch',
  answers: 'Answers',
  expected: 'Expected',
  adjusted: 'Adjusted',
  against: 'Against expected',
  change: 'Change',
  cases: 'Cases due',
  inTime: 'In time',
  segments: 'Segments, %',
  all: 'All',
  none: '(none)',
  hidden: 'hidden',
  above: 'above',
  noDifference: 'no difference shown',
  below: 'below',
  tooFew: 'too few',
  improved: 'Improved since wave {wave}: {names}',
  improvedNobody: 'Improved since wave {wave}: no change can be shown',
  improvedFirst: 'Improved: there is no wave before to compare with',
  better: 'Better than their segments let expect: {names}',
  worse:
    'Below what their segments let expect: {names}. Read their comments and cases first: it may be the product, not the person',
  same: 'No difference can be shown for {count} of {all}, so they have no order but the alphabet',
  sameFew:
    'No difference can be shown for {count} of {all} ({few} with fewer than 10 answers), so they have no order but the alphabet',
  hiddenNames: 'Hidden: {names}',
  more: 'and {count} more; team show has all',
  inTimeMore: 'More cases in time than the others: {names}',
  inTimeLess: 'Fewer cases in time than the others: {names}',
  segmentsNote: 'Segments of the customers written to, in this order: {segments}.',
  adjustedNote:
    "Expected: if each of a row's segments had answered as the company's did. Adjusted: the company's figure plus what the row is above or below that (95 % interval). Compared from 10 answers on, corrected for the rows of the table (Holm).",
  changeNote:
    'Change apart from the mix of segments. * significant at 5 % after correction (Holm); ? fewer than 30 answers, not judged.',
  casesNote:
    'Cases due: opened by waves of a year up to this one (so far {count}) and due by {at}; in time: closed by their due time (Wilson 95 % interval). * differs from the others at 5 % (Holm), from 10 cases on.',
  hiddenNote: 'Fewer than five answers or cases are hidden, with any other from which they could be computed.',
} as const;

export type TeamWords = Readonly<Record<keyof typeof EN, string>>;

const ZH: TeamWords = {
  title: '客户经理与分行',
  heading: '客户经理与分行，批次 {wave}：{answers} 份答复，{question} {score}',
  headingHidden: '客户经理与分行，批次 {wave}：答复不足五份，不予显示',
  headingNone: '客户经理与分行，批次 {wave}：尚无答复',
  manager: '客户经理',
  branch: '分行',
  answers: '答复数',
  expected: '预期',
  adjusted: '调整后',
  against: '与预期相比',
  change: '变化',
  cases: '到期个案',
  inTime: '按时完成',
  segments: '分类占比（%）',
  all: '全部',
  none: '（无）',
  hidden: '不显示',
  above: '高于预期',
  noDifference: '看不出差异',
  below: '低于预期',
  tooFew: '太少',
  improved: '与批次 {wave} 相比有进步：{names}',
  improvedNobody: '与批次 {wave} 相比：看不出变化',
  improvedFirst: '进步：没有可比较的上一批次',
  better: '好于其客户分类的预期：{names}',
  worse: '低于其客户分类的预期：{names}。请先看留言和个案：原因可能在产品，而不在个人',
  same: '{all} 个中有 {count} 个看不出差异，因此只按名称排列，不分先后',
  sameFew: '{all} 个中有 {count} 个看不出差异（其中 {few} 个答复不足 10 份），因此只按名称排列，不分先后',
  hiddenNames: '不显示：{names}',
  more: '另有 {count} 个，team show 中有全部内容',
  inTimeMore: '按时完成的个案多于其他：{names}',
  inTimeLess: '按时完成的个案少于其他：{names}',
  segmentsNote: '所邀请客户的分类占比，依次为：{segments}。',
  adjustedNote:
    '预期：假如该行各分类的答复与全公司相同。调整后：全公司数值加上该行与预期之差（95% 区间）。答复满 10 份才比较，并按本表行数校正（Holm）。',
  changeNote: '变化已扣除分类构成的影响。* 校正后（Holm）在 5% 水平显著；? 答复不足 30 份，不作判断。',
  casesNote:
    '到期个案：截至本批次一年内的批次（目前 {count} 个）产生、到 {at} 已到期的个案；按时完成：在期限内办结（Wilson 95% 区间）。* 与其他相比在 5% 水平有差异（Holm），满 10 个才比较。',
  hiddenNote: '不足五份的答复或个案不显示，能据以推算出它们的其他数值也不显示。',
};

export const teamWordsOf = (language: Language): TeamWords => (language === 'en' ? EN : ZH);

/** How a segment is called; null is none. */
export type SegmentName = (segment: string | null) => string;

export interface TeamRow {
  readonly name: string;
  readonly cells: readonly string[];
}

/** Headings of the cells of a row. */
export const teamHeadings = (view: TeamView, language: Language): readonly string[] => {
  const words = teamWordsOf(language);
  return [
    words.answers,
    resultWordsOf(language)[view.question],
    words.expected,
    words.adjusted,
    words.against,
    words.change,
    words.cases,
    words.inTime,
    words.segments,
  ];
};

/** The rows of a table, that of the whole company last. */
export const teamRows = (
  view: TeamView,
  grouping: StaffGrouping,
  order: readonly string[],
  language: Language,
): readonly TeamRow[] => {
  const words = teamWordsOf(language);
  const total: TeamRow = {
    name: words.all,
    cells:
      view.total === null
        ? [...Array.from({ length: 6 }, () => words.hidden), ...inTimeCells(view.cases, language, false), '']
        : [
            formatNumber(view.total.answered, language),
            estimate(view.total.score?.value ?? null, view.total.score?.interval ?? null, view.question, language),
            '–',
            '–',
            '–',
            '–',
            ...inTimeCells(view.cases, language, false),
            mixInWords(view.total.mix, order),
          ],
  };
  return [
    ...view.tables[grouping].filter(isShown).map((group) => ({
      name: group.name ?? words.none,
      cells: [
        ...satisfactionCells(group.satisfaction, view.question, language),
        ...inTimeCells(group.cases, language),
        mix(group, order),
      ],
    })),
    total,
  ];
};

/** Whether there is anything to show of a group. */
const isShown = ({ satisfaction, cases }: StaffGroup): boolean =>
  (satisfaction !== null && satisfaction.answered > 0) || (cases !== null && cases.due > 0);

/** The groups of which nothing is shown, by name; undefined where there are none. */
export const hiddenNames = (view: TeamView, grouping: StaffGrouping, language: Language): string | undefined => {
  const words = teamWordsOf(language);
  const names = view.tables[grouping]
    .filter((group) => !isShown(group) && (group.satisfaction === null || group.cases === null))
    .map(({ name }) => name ?? words.none);
  return names.length === 0
    ? undefined
    : words.hiddenNames.replace('{names}', names.join(language === 'en' ? ', ' : '、'));
};

const satisfactionCells = (
  satisfaction: StaffSatisfaction | null,
  question: QuestionKind,
  language: Language,
): readonly string[] => {
  const words = teamWordsOf(language);
  if (satisfaction === null) return [words.hidden, '–', '–', '–', '–', '–'];
  const { answered, score, adjusted, change } = satisfaction;
  const mark = { better: ' *', worse: ' *', noDifference: '', tooFew: ' ?' };
  return [
    formatNumber(answered, language),
    estimate(score?.value ?? null, score?.interval ?? null, question, language),
    adjusted === null ? '–' : scoreInWords(adjusted.expected, question, language),
    estimate(adjusted?.adjusted ?? null, adjusted?.adjustedInterval ?? null, question, language),
    adjusted === null ? '–' : words[adjusted.verdict],
    change === null ? '–' : `${formatChange(Math.round(change.adjusted * 100), language)}${mark[change.verdict]}`,
  ];
};

const inTimeCells = (figure: InTimeFigure | null, language: Language, compared = true): readonly string[] => {
  if (figure === null) return [teamWordsOf(language).hidden, '–'];
  const { due, share, interval, verdict } = figure;
  if (share === null || interval === null) return [formatNumber(due, language), '–'];
  const isDifferent = compared && (verdict === 'above' || verdict === 'below');
  const shown = (value: number): string => `${formatNumber(value * 100, language)}%`;
  return [
    formatNumber(due, language),
    `${shown(share)} (${shown(interval.low)} … ${shown(interval.high)})${isDifferent ? ' *' : ''}`,
  ];
};

/** `+34 (+12 … +51)`; a dash where there is none. */
const estimate = (
  value: number | null,
  interval: Interval | null,
  question: QuestionKind,
  language: Language,
): string => {
  if (value === null || interval === null) return '–';
  const shown = (one: number): string => scoreInWords(one, question, language);
  return `${shown(value)} (${shown(interval.low)} … ${shown(interval.high)})`;
};

const mix = ({ satisfaction }: StaffGroup, order: readonly string[]): string =>
  satisfaction === null ? '–' : mixInWords(satisfaction.mix, order);

/** `40 / 35 / 25 / 0`: whole per cent by segment, in order. A dash where nobody was written to. */
const mixInWords = (shares: StaffSatisfaction['mix'], order: readonly string[]): string =>
  shares.length === 0
    ? '–'
    : order
        .map((segment) => String(Math.round((shares.find((one) => (one.segment ?? '') === segment)?.share ?? 0) * 100)))
        .join(' / ');

/** Segments that anybody was written to in, in the order of the shares; '' is none. */
export const mixOrder = (view: TeamView, segments: readonly string[]): readonly string[] => {
  const all = STAFF_GROUPINGS.flatMap((grouping) =>
    view.tables[grouping].flatMap(({ satisfaction }) => satisfaction?.mix ?? []),
  );
  const known = new Set([...all, ...(view.total?.mix ?? [])].map(({ segment }) => segment ?? ''));
  return [...segments.filter((one) => known.has(one)), ...[...known].filter((one) => !segments.includes(one)).sort()];
};

/** What the table says in sentences, the best first. */
export const teamSentences = (view: TeamView, grouping: StaffGrouping, language: Language): readonly string[] => {
  const words = teamWordsOf(language);
  const groups = view.tables[grouping];
  const comma = language === 'en' ? ', ' : '、';
  const named = (chosen: readonly StaffGroup[], about: (group: StaffGroup) => string = () => ''): string =>
    chosen.map((group) => `${group.name ?? words.none}${about(group)}`).join(comma);
  const change = ({ satisfaction }: StaffGroup): string =>
    ` (${formatChange(Math.round((satisfaction?.change?.adjusted ?? 0) * 100), language)})`;
  const improved = groups.filter(({ satisfaction }) => satisfaction?.change?.verdict === 'better');
  const of = (verdict: Verdict): readonly StaffGroup[] =>
    groups.filter(({ satisfaction }) => satisfaction?.adjusted?.verdict === verdict);
  const inTime = (verdict: Verdict): readonly StaffGroup[] => groups.filter(({ cases }) => cases?.verdict === verdict);
  const known = groups.filter(({ satisfaction }) => (satisfaction?.answered ?? 0) > 0);
  const same = known.length - of('above').length - of('below').length;
  const few = known.filter(({ satisfaction }) => satisfaction?.adjusted?.verdict === 'tooFew').length;
  const line = (text: string, chosen: readonly StaffGroup[]): readonly string[] =>
    chosen.length === 0 ? [] : [text.replace('{names}', named(chosen))];
  return [
    view.comparedWith === null
      ? words.improvedFirst
      : improved.length === 0
        ? words.improvedNobody.replace('{wave}', view.comparedWith)
        : words.improved.replace('{wave}', view.comparedWith).replace('{names}', named(improved, change)),
    ...line(words.better, of('above')),
    ...(same === 0
      ? []
      : [
          (few === 0 ? words.same : words.sameFew.replace('{few}', formatNumber(few, language)))
            .replace('{count}', formatNumber(same, language))
            .replace('{all}', formatNumber(known.length, language)),
        ]),
    ...line(words.inTimeMore, inTime('above')),
    ...line(words.worse, of('below')),
    ...line(words.inTimeLess, inTime('below')),
  ];
};

export const teamHeading = (view: TeamView, language: Language): string => {
  const words = teamWordsOf(language);
  if (view.total === null) return words.headingHidden.replace('{wave}', view.waveId);
  const { score, answered } = view.total;
  if (score === null) return words.headingNone.replace('{wave}', view.waveId);
  return words.heading
    .replace('{wave}', view.waveId)
    .replace('{answers}', formatNumber(answered, language))
    .replace('{question}', resultWordsOf(language)[view.question])
    .replace('{score}', estimate(score.value, score.interval, view.question, language));
};

/** How to read the tables. */
export const teamNotes = (
  view: TeamView,
  order: readonly string[],
  language: Language,
  segmentName: SegmentName,
): readonly string[] => {
  const words = teamWordsOf(language);
  return [
    words.segmentsNote.replace(
      '{segments}',
      order.map((segment) => segmentName(segment === '' ? null : segment)).join(' / '),
    ),
    words.adjustedNote,
    ...(view.comparedWith === null ? [] : [words.changeNote]),
    words.casesNote
      .replace('{count}', formatNumber(view.caseWaves.length, language))
      .replace('{at}', `${view.casesAsOf.slice(0, 16).replace('T', ' ')} UTC`),
    words.hiddenNote,
  ];
};

/**
 * The view as aligned text for a terminal. Ends without a newline.
 *
 * @param segments every segment there is, in order
 */
export const teamViewText = (
  view: TeamView,
  language: Language,
  groupings: readonly StaffGrouping[],
  segments: readonly string[],
  segmentName: SegmentName,
): string => {
  const words = teamWordsOf(language);
  const order = mixOrder(view, segments);
  const align = ['left', 'right', 'right', 'right', 'right', 'left', 'right', 'right', 'right', 'right'] as const;
  return [
    teamHeading(view, language),
    ...groupings.map((grouping) =>
      [
        ...teamSentences(view, grouping, language).map(printable),
        '',
        textTable(
          [
            [words[grouping], ...teamHeadings(view, language)],
            ...teamRows(view, grouping, order, language).map(({ name, cells }) => [name, ...cells]),
          ],
          align,
        ),
        ...[hiddenNames(view, grouping, language) ?? []].flat().map(printable),
      ].join('\n'),
    ),
    teamNotes(view, order, language, segmentName).join('\n'),
  ].join('\n\n');
};
