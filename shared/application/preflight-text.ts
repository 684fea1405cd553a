import type { Preflight, PreflightFinding, PreflightFindingName } from '#shared/domain/wave-preflight.ts';
import { formatNumber, type Language } from './format-value.ts';
import { momentText } from './reader-frame.ts';

type Words = (finding: PreflightFinding, flight: Preflight, number: (count: number) => string) => string;

const percent = (share: number, digits: number): string => `${(share * 100).toFixed(digits)} %`;

const FINDINGS: Readonly<Record<PreflightFindingName, Readonly<Record<Language, Words>>>> = {
  sendingDisabled: {
    en: () => 'sending is switched off for the account',
    'zh-CN': () => '账户的发信功能已关闭',
  },
  bounceRate: {
    en: ({ actual, limit }, { attempts }, number) =>
      `the account's bounces are ${percent(actual, 1)} of ${number(attempts)} mails; the line is ${percent(limit, 0)}`,
    'zh-CN': ({ actual, limit }, { attempts }, number) =>
      `账户退信率为 ${percent(actual, 1)}（共 ${number(attempts)} 封），界线为 ${percent(limit, 0)}`,
  },
  complaintRate: {
    en: ({ actual, limit }, { attempts }, number) =>
      `the account's complaints are ${percent(actual, 2)} of ${number(attempts)} mails; the line is ${percent(limit, 2)}`,
    'zh-CN': ({ actual, limit }, { attempts }, number) =>
      `账户投诉率为 ${percent(actual, 2)}（共 ${number(attempts)} 封），界线为 ${percent(limit, 2)}`,
  },
  noAnswer: {
    en: () => 'the mail service does not say what may be sent',
    'zh-CN': () => '邮件服务未返回发送配额',
  },
  noQuota: {
    en: () => 'the account may send no mail: its quota of 24 hours, or the share of it that the policy allows, is 0',
    'zh-CN': () => '账户没有可用的发送配额',
  },
  tooManyDays: {
    en: ({ actual, limit }, { invitations }, number) =>
      `${number(invitations)} invitations need ${number(actual)} days, and survey.sendWithinDays allows ${number(limit)}: ask fewer, allow more days, or have the quota raised`,
    'zh-CN': ({ actual, limit }, { invitations }, number) =>
      `${number(invitations)} 封邀请需 ${number(actual)} 天，而 survey.sendWithinDays 只允许 ${number(limit)} 天：请减少人数、增加天数或提高配额`,
  },
  rateAboveAccount: {
    en: ({ actual, limit }) =>
      `mails are paced at ${actual} a second, above the account's ${limit}: lower the stage's rate`,
    'zh-CN': ({ actual, limit }) => `设定速率为每秒 ${actual} 封，超过账户上限 ${limit} 封，请调低`,
  },
  sandbox: {
    en: ({ limit }, _flight, number) =>
      `the account looks like one in the sandbox (${number(limit)} mails a day, 1 a second): there, mails reach verified addresses only`,
    'zh-CN': ({ limit }, _flight, number) =>
      `账户似乎处于沙盒模式（每天 ${number(limit)} 封，每秒 1 封），只能发往已验证的地址`,
  },
  quotaUsed: {
    en: ({ actual, limit }, { days }, number) =>
      `${number(actual)} invitations, and ${number(limit)} mails are left for the next 24 hours: spread over ${number(days)} ${days === 1 ? 'day' : 'days'}`,
    'zh-CN': ({ actual, limit }, { days }, number) =>
      `共 ${number(actual)} 封邀请，未来 24 小时余额 ${number(limit)} 封，分 ${number(days)} 天发送`,
  },
  reputationUnknown: {
    en: () => 'the mail service does not say how the account stands',
    'zh-CN': () => '邮件服务未返回账户信誉',
  },
  manyDays: {
    en: ({ actual }, _flight, number) => `invitations go out over ${number(actual)} days`,
    'zh-CN': ({ actual }, _flight, number) => `邀请分 ${number(actual)} 天发送`,
  },
};

/** What the pre-flight found, a sentence each, the worst first; empty where it found nothing. */
export const findingsInWords = (flight: Preflight, language: Language): string[] =>
  flight.findings.map((finding) =>
    FINDINGS[finding.name][language](finding, flight, (count) => formatNumber(count, language)),
  );

/** Why a wave is refused, in one line. */
export const preflightReason = (flight: Preflight, language: Language): string => {
  const refused = flight.findings.filter(({ verdict }) => verdict === 'refuse');
  return findingsInWords({ ...flight, findings: refused }, language).join(language === 'en' ? '; ' : '；');
};

const WORDS = {
  en: {
    title: 'Pre-flight',
    ok: 'ok',
    warn: 'ok, with a warning',
    refuse: 'refused; it looks again by itself',
    invitations: 'invitations',
    reminders: 'reminders at most',
    days: ['day', 'days'],
    sending: (time: string, rate: number) => `${time} of sending (${rate} a second)`,
    quota: (left: string, all: string) => `Quota: ${left} left of ${all} a day`,
    quotaIs: (what: string) => `Quota: ${what}`,
    unlimited: 'without limit',
    unknown: 'unknown',
    bounces: 'bounces',
    complaints: 'complaints',
    of: 'of',
    mails: 'mails in two weeks',
    tooFew: 'too few mails to judge',
    cost: 'Cost',
  },
  'zh-CN': {
    title: '发送前检查',
    ok: '通过',
    warn: '通过，但有警告',
    refuse: '未通过，将自动重新检查',
    invitations: '封邀请',
    reminders: '封提醒（最多）',
    days: ['天', '天'],
    sending: (time: string, rate: number) => `发送约需 ${time}（每秒 ${rate} 封）`,
    quota: (left: string, all: string) => `配额：每天 ${all} 封，剩余 ${left} 封`,
    quotaIs: (what: string) => `配额：${what}`,
    unlimited: '不限',
    unknown: '未知',
    bounces: '退信',
    complaints: '投诉',
    of: '，两周内共',
    mails: '封',
    tooFew: '邮件太少，无法判断',
    cost: '费用',
  },
} as const;

/** A length of time for people: `55 s`, `12 min`, `1 h 30 min`. */
const duration = (seconds: number, language: Language): string => {
  const [s, min, h] = language === 'en' ? ['s', 'min', 'h'] : ['秒', '分钟', '小时'];
  if (seconds < 120) return `${seconds} ${s}`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} ${min}` : `${Math.floor(minutes / 60)} ${h} ${minutes % 60} ${min}`;
};

/** The pre-flight for a terminal: the verdict, then its figures and findings, a line each. */
export const preflightText = (flight: Preflight, language: Language, timeZone = 'UTC'): string => {
  const words = WORDS[language];
  const number = (count: number): string => formatNumber(count, language);
  const gap = language === 'en' ? ', ' : '，';
  const colon = language === 'en' ? ': ' : '：';
  const rate = (share: number | null, digits: number): string => (share === null ? '–' : percent(share, digits));
  const quota =
    flight.quota === null || flight.quotaLeft === null
      ? words.quotaIs(words.unknown)
      : flight.quotaLeft < 0
        ? words.quotaIs(words.unlimited)
        : words.quota(number(flight.quotaLeft), number(flight.quota.max24h));
  const standing =
    flight.bounceRate === null
      ? `${words.bounces}${gap}${words.complaints}${colon}${words.tooFew} (${number(flight.attempts)})`
      : `${words.bounces} ${rate(flight.bounceRate, 1)}${gap}${words.complaints} ${rate(flight.complaintRate, 2)} ${words.of} ${number(flight.attempts)} ${words.mails}`;
  const days = `${number(flight.days)} ${words.days[flight.days === 1 ? 0 : 1]}`;
  return [
    `${words.title}${colon}${words[flight.verdict]} (${momentText(flight.at, timeZone)})`,
    `  ${number(flight.invitations)} ${words.invitations}${gap}${number(flight.reminders)} ${words.reminders}${gap}${days}${gap}${words.sending(duration(flight.sendingSeconds, language), flight.ratePerSecond)}`,
    `  ${quota}`,
    `  ${standing}`,
    `  ${words.cost}${colon}$${(flight.costMicroUsd / 1_000_000).toFixed(2)}`,
    ...findingsInWords(flight, language).map((sentence) => `  - ${sentence}`),
  ].join('\n');
};
