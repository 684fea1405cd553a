import type { WaveControl, WaveStatus } from '#shared/contracts/survey.ts';
import { dateIn } from '#shared/domain/calendar.ts';
import { mailBrakeText } from '#shared/domain/mail-brake.ts';
import { LEDGER_STATES } from '#shared/domain/wave-ledger.ts';
import { daysInWords } from './check-wave-text.ts';
import { formatNumber, type Language } from './format-value.ts';
import { preflightText } from './preflight-text.ts';
import { momentText, PLAIN_FRAME, type ReaderFrame } from './reader-frame.ts';
import { reasonInWords, waveText } from './summary-text.ts';
import { textTable } from './text-table.ts';
import { waveCounts } from './wave-counts.ts';
import { pauseReason } from './wave-pause-text.ts';

const STATES = {
  planned: { en: 'being planned', 'zh-CN': '计划中' },
  sending: { en: 'sending', 'zh-CN': '发送中' },
  open: { en: 'sent; answers are open', 'zh-CN': '已发送，可答复' },
  closed: { en: 'closed', 'zh-CN': '已结束' },
  cancelled: { en: 'cancelled; sends nothing more', 'zh-CN': '已取消，不再发送' },
} as const;

const WORDS = {
  en: {
    state: 'State',
    pausedBy: 'paused by',
    brake: 'the mail service',
    reputation: 'the brake',
    braked: 'Stopped by the brake',
    goesOn: 'it does not go on by itself: resegment wave resume or cancel, with --reason',
    notice: {
      due: 'operators not told yet',
      claimed: 'the notice may not have arrived',
      sent: 'operators told by mail',
    },
    since: 'since',
    reminder: 'Reminder',
    closes: 'Closes',
    ledger: 'Every customer is in one state',
    customers: 'Customers',
    sum: 'All',
    freeFrom: 'may be asked again from',
    invitedFrom: 'over the contact budget; invited on',
    to: 'to',
    reminded: 'reminded',
    suspect: 'suspect or discarded answers, not counted',
    toJudge: 'resegment answer list shows those that wait for a person',
    segment: 'Segment',
    drawn: 'Drawn',
    invited: 'Invited',
    delivered: 'Delivered',
    answered: 'Answered',
    orders: 'Orders',
    pause: 'paused',
    resume: 'resumed',
    cancel: 'cancelled',
    redrive: 'redriven',
    uncertain: 'Uncertain mails',
    more: 'more',
    answersUntil: 'links take answers until',
  },
  'zh-CN': {
    state: '状态',
    pausedBy: '已暂停，操作者',
    brake: '邮件服务',
    reputation: '制动',
    braked: '制动停止',
    goesOn: '不会自动恢复：请用 resegment wave resume 或 cancel，并附 --reason',
    notice: { due: '尚未通知运营人员', claimed: '通知可能未送达', sent: '已邮件通知运营人员' },
    since: '自',
    reminder: '提醒时间',
    closes: '截止时间',
    ledger: '每位客户恰有一种状态',
    customers: '客户数',
    sum: '合计',
    freeFrom: '可再次联系日期',
    invitedFrom: '联系次数已满，顺延邀请日期',
    to: '至',
    reminded: '已提醒',
    suspect: '可疑或已判无效的答复（不计入）',
    toJudge: '待人工判断的答复：resegment answer list',
    segment: '分类',
    drawn: '抽中',
    invited: '已邀请',
    delivered: '已送达',
    answered: '已答复',
    orders: '操作记录',
    pause: '暂停',
    resume: '恢复',
    cancel: '取消',
    redrive: '续跑',
    uncertain: '结果不明的邮件',
    more: '更多',
    answersUntil: '链接仍可答复至',
  },
} as const;

const MOST_NAMED = 20;

/** The state of a wave in words. */
export const waveStateInWords = (state: WaveStatus['state'], language: Language): string => STATES[state][language];

/** One order of an operator: when, what, who, why. */
const orderInWords = ({ action, by, reason, at }: WaveControl, language: Language, timeZone: string): string =>
  `${momentText(at, timeZone)} ${WORDS[language][action]} ${by}${reason === null ? '' : `: ${reason}`}`;

const pausedBy = ({ pause, orders = [] }: WaveStatus, language: Language): string => {
  const words = WORDS[language];
  if (pause?.by === 'brake') return words.brake;
  return pause?.by === 'reputation'
    ? words.reputation
    : (orders.findLast(({ action }) => action === 'pause')?.by ?? '–');
};

/** When the brake stopped the wave, of how much, and whether the operators were told; kept after a resume. */
const brakeLines = (status: WaveStatus, language: Language, timeZone: string): string[] => {
  const { braked, pause } = status;
  if (braked === undefined) return [];
  const words = WORDS[language];
  const told = words.notice[braked.notice === 'uncertain' ? 'claimed' : braked.notice];
  const line = `${words.braked} ${momentText(braked.at, timeZone)}: ${mailBrakeText(braked.hits, braked, language)}; ${told}`;
  return pause?.by === 'reputation' ? [line, `  ${words.goesOn}`] : [line];
};

/** A wave for a terminal: its state, the ledger whose states add up to the population, segments, orders, uncertain mails. */
export const waveStatusText = (
  status: WaveStatus,
  language: Language,
  { timeZone, segmentName }: ReaderFrame = PLAIN_FRAME,
): string => {
  const words = WORDS[language];
  const number = (count: number): string => formatNumber(count, language);
  const moment = (instant: string): string => momentText(instant, timeZone);
  const day = (instant: string): string => dateIn(timeZone, instant);
  const { pause, orders = [], states = {} } = status;
  const paused =
    pause === null
      ? ''
      : `; ${words.pausedBy} ${pausedBy(status, language)}, ${words.since} ${moment(pause.at)}: ${pauseReason(status, language)}`;
  const total = Object.values(states).reduce((sum, count) => sum + count, 0);
  const ledger = LEDGER_STATES.flatMap((state) => {
    const count = states[state] ?? 0;
    if (count === 0) return [];
    const free = state === 'contactBudget' ? status.budgetFree : state === 'deferred' ? status.deferred : null;
    const from = state === 'deferred' ? words.invitedFrom : words.freeFrom;
    const until =
      free === null || free === undefined
        ? ''
        : day(free.first) === day(free.last)
          ? `${from} ${day(free.first)}`
          : `${from} ${day(free.first)} ${words.to} ${day(free.last)}`;
    return [[reasonInWords(state, language), number(count), until]];
  });
  const segments = Object.entries(status.segments).map(([segment, one]) => [
    segmentName(segment),
    ...[one.population, one.drawn, one.invited, one.delivered, one.answered].map(number),
  ]);
  const more = status.uncertainIds.length - MOST_NAMED;
  return [
    waveText(waveCounts(status, language), language),
    `${words.state}: ${waveStateInWords(status.state, language)}${paused}`,
    ...brakeLines(status, language, timeZone),
    ...daysInWords(status.days ?? [], language, timeZone),
    `${words.reminder} ${moment(status.remindAt)}, ${status.state === 'cancelled' ? words.answersUntil : words.closes} ${moment(status.closesAt)}`,
    `${words.reminded} ${number(status.reminded)}, ${words.suspect} ${number(status.suspect)}`,
    ...(status.suspect > 0 ? [words.toJudge] : []),
    '',
    textTable(
      [[words.ledger, words.customers, ''], ...ledger, [words.sum, number(total), '']],
      ['left', 'right', 'left'],
    ),
    '',
    textTable(
      [[words.segment, words.customers, words.drawn, words.invited, words.delivered, words.answered], ...segments],
      ['left', 'right', 'right', 'right', 'right', 'right'],
    ),
    ...(status.preflight === undefined ? [] : ['', preflightText(status.preflight, language, timeZone)]),
    ...(orders.length === 0
      ? []
      : ['', words.orders, ...orders.map((order) => `  ${orderInWords(order, language, timeZone)}`)]),
    ...(status.uncertainIds.length === 0
      ? []
      : [
          '',
          `${words.uncertain}: ${status.uncertainIds.slice(0, MOST_NAMED).join(', ')}${more > 0 ? `, +${more} ${words.more}` : ''}`,
        ]),
  ].join('\n');
};
