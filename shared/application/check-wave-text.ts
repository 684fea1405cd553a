import type { WaveDay } from '#shared/contracts/survey.ts';
import type { WaveCheck } from './check-wave.ts';
import { formatNumber, formatShare, type Language } from './format-value.ts';
import { preflightText } from './preflight-text.ts';
import { momentText, PLAIN_FRAME, type ReaderFrame } from './reader-frame.ts';
import { reasonInWords } from './summary-text.ts';
import { textTable } from './text-table.ts';

const WORDS = {
  en: {
    title: (runId: string) => `A wave for run ${runId}, if it began now. Nothing has been written.`,
    exists: (waveId: string) =>
      `Its wave ${waveId} exists already; this would be one more, and who was drawn for the first has had a turn.`,
    segment: 'Segment',
    customers: 'Customers',
    wanted: 'Wanted',
    invited: 'Invited',
    share: 'Share',
    never: 'Never asked',
    later: 'Put off',
    all: 'All',
    reasons: 'Not invited',
    priority: 'Priority',
    closes: 'closes',
  },
  'zh-CN': {
    title: (runId: string) => `若现在为运行 ${runId} 发起调查。未写入任何内容。`,
    exists: (waveId: string) => `该运行的调查 ${waveId} 已存在；以下为再发起一次的情形，已抽中的客户视为已轮到。`,
    segment: '分类',
    customers: '客户数',
    wanted: '应邀',
    invited: '可邀请',
    share: '占比',
    never: '从未邀请',
    later: '顺延',
    all: '合计',
    reasons: '未邀请',
    priority: '优先级',
    closes: '截止时间',
  },
} as const;

/** The days of a wave, a line each: `day 2 of 4: 40,000 mails from 2026-12-02 09:00 UTC`. Empty for a wave of one day. */
export const daysInWords = (days: readonly WaveDay[], language: Language, timeZone: string): string[] =>
  days.length < 2
    ? []
    : days.map(({ from, mails }, index) => {
        const at = momentText(from, timeZone);
        const count = formatNumber(mails, language);
        return language === 'en'
          ? `day ${index + 1} of ${days.length}: ${count} mails from ${at}`
          : `第 ${index + 1} 天（共 ${days.length} 天）：${count} 封，自 ${at} 起`;
      });

/** What a wave would do, for a terminal: segments, reasons, pre-flight, days. */
export const waveCheckText = (
  check: WaveCheck,
  language: Language,
  { timeZone, segmentName }: ReaderFrame = PLAIN_FRAME,
): string => {
  const words = WORDS[language];
  const number = (count: number): string => formatNumber(count, language);
  const share = (part: number, whole: number): string => (whole === 0 ? '–' : formatShare(part / whole, language));
  const sum = (of: (segment: WaveCheck['segments'][number]) => number): number =>
    check.segments.reduce((total, one) => total + of(one), 0);
  const colon = language === 'en' ? ': ' : '：';
  const reasons = check.segments.flatMap(({ segment, reasons: found }) => {
    const list = Object.entries(found).map(([reason, count]) => `${reasonInWords(reason, language)} ${number(count)}`);
    return list.length === 0 ? [] : [`  ${segmentName(segment)}${colon}${list.join(', ')}`];
  });
  return [
    words.title(check.runId),
    ...(check.waveState === null ? [] : [words.exists(check.waveId)]),
    '',
    textTable(
      [
        [words.segment, words.customers, words.wanted, words.invited, words.share, words.never, words.later],
        ...check.segments.map((one) => [
          segmentName(one.segment),
          number(one.population),
          number(one.wanted),
          number(one.invited),
          share(one.invited, one.population),
          number(one.neverAsked),
          number(one.deferred),
        ]),
        [
          words.all,
          number(sum((one) => one.population)),
          number(sum((one) => one.wanted)),
          number(check.invited),
          share(
            check.invited,
            sum((one) => one.population),
          ),
          number(sum((one) => one.neverAsked)),
          number(sum((one) => one.deferred)),
        ],
      ],
      ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    ),
    ...(reasons.length === 0 && check.left === 0
      ? []
      : [
          '',
          words.reasons,
          ...reasons,
          ...(check.left === 0 ? [] : [`  ${reasonInWords('left', language)} ${number(check.left)}`]),
        ]),
    '',
    preflightText(check.preflight, language, timeZone),
    ...daysInWords(check.days, language, timeZone).map((day) => `  ${day}`),
    `${words.priority} ${check.priority}, ${words.closes} ${momentText(check.closesAt, timeZone)}`,
  ].join('\n');
};
