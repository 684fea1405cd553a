import type { Instant } from './calendar.ts';

/** What the mail service lets the account send. */
export interface MailAllowance {
  /** Recipients in 24 hours; -1 is without limit. */
  readonly max24h: number;
  readonly maxPerSecond: number;
  readonly sentLast24h: number;
}

/** What the mail service knows of the account's mails. Counts of mails over `days` days. */
export interface AccountStanding {
  /** False where the account's sending was switched off. */
  readonly sendingEnabled: boolean;
  readonly attempts: number;
  readonly bounces: number;
  readonly complaints: number;
  /** Refused for a virus. */
  readonly rejects: number;
  /** Length of the time that the counts are about, in days. */
  readonly days: number;
}

export const PREFLIGHT_FINDINGS = [
  'sendingDisabled',
  'bounceRate',
  'complaintRate',
  'noAnswer',
  'noQuota',
  'tooManyDays',
  'rateAboveAccount',
  'sandbox',
  'quotaUsed',
  'reputationUnknown',
  'manyDays',
] as const;
export type PreflightFindingName = (typeof PREFLIGHT_FINDINGS)[number];

export interface PreflightFinding {
  readonly verdict: 'warn' | 'refuse';
  readonly name: PreflightFindingName;
  /** What was found, and the limit: shares 0..1, days, mails or mails a second, as the name says. */
  readonly actual: number;
  readonly limit: number;
}

/** What a wave will do to the account, before it does it. */
export interface Preflight {
  /** When the mail service was asked. */
  readonly at: Instant;
  /** The worst of the findings. */
  readonly verdict: 'ok' | 'warn' | 'refuse';
  readonly findings: readonly PreflightFinding[];
  readonly invitations: number;
  /** Reminders if nobody answered; the most there can be. */
  readonly reminders: number;
  /** Null where the mail service gave no answer. */
  readonly quota: MailAllowance | null;
  /** Mails that may go out in the next 24 hours; -1 is without limit. */
  readonly quotaLeft: number | null;
  /** Mails a second of the whole account, as sending is paced. */
  readonly ratePerSecond: number;
  /** Sending invitations only, without the nights between days. */
  readonly sendingSeconds: number;
  /** Days on which invitations go out. */
  readonly days: number;
  /** 0..1 of the attempts; null where too few mails say nothing. */
  readonly bounceRate: number | null;
  readonly complaintRate: number | null;
  /** Mails that the rates are about. */
  readonly attempts: number;
  /** An account that may write to verified addresses only. */
  readonly sandbox: boolean;
  /** Invitations and reminders, in millionths of a US dollar. */
  readonly costMicroUsd: number;
}

/**
 * Price of one mail in millionths of a US dollar: $0.10 per 1,000 (Amazon SES, outgoing mail, price list of 2026-11-25; the
 * data of attachments costs extra, and these mails have none).
 */
export const SES_MICRO_USD_PER_MAIL = 100;

/**
 * From these shares on Amazon SES puts an account under review (developer guide, "reputation dashboard messages"): a wave is
 * not begun. The lower ones are those at which a wave of our own is braked (R09): a wave is begun, with a warning.
 */
export const REPUTATION_LINES = { bounces: { warn: 0.04, refuse: 0.05 }, complaints: { warn: 0.0008, refuse: 0.001 } };

/** Mails before which no rate is judged. */
const JUDGED_FROM = 200;
/** One complaint says nothing of an account; two may. */
const FEWEST_COMPLAINTS = 2;
/** Quota and rate that a new account has until it leaves the sandbox. */
const SANDBOX = { max24h: 200, maxPerSecond: 1 };
const SECONDS_PER_DAY = 86_400;
/** More days than this get a warning. */
const MANY_DAYS = 7;

export interface PreflightInput {
  readonly at: Instant;
  readonly invitations: number;
  /** Whether the policy reminds. */
  readonly reminds: boolean;
  /** Null where the mail service gave no answer. */
  readonly quota: MailAllowance | null;
  readonly standing: AccountStanding | null;
  readonly ratePerSecond: number;
  /** Share of the quota of 24 hours that a wave may use, above 0 to 1. */
  readonly dailyQuotaShare: number;
  /** Most days on which invitations may go out. */
  readonly sendWithinDays: number;
  /** Days after an invitation at which its reminder goes out; 0 for none. */
  readonly reminderDays: number;
}

/**
 * Judges whether a wave may begin: sending enabled, reputation below the lines, a quota that lets it end in time. A wave is
 * refused for what makes every mail a mistake, and warned of for the rest.
 */
export const preflight = (input: PreflightInput): Preflight => {
  const { quota, standing, invitations, ratePerSecond } = input;
  const judged = standing !== null && standing.attempts >= JUDGED_FROM;
  const bounceRate = judged ? standing.bounces / standing.attempts : null;
  const complaintRate = judged ? standing.complaints / standing.attempts : null;
  const sandbox = quota !== null && quota.max24h === SANDBOX.max24h && quota.maxPerSecond <= SANDBOX.maxPerSecond;
  const spread = quota === null ? null : spreadOverDays(invitations, capacityOf(quota, input), input.reminderDays);
  const findings: PreflightFinding[] = [];
  const find = (verdict: 'warn' | 'refuse', name: PreflightFindingName, actual: number, limit: number): void => {
    findings.push({ verdict, name, actual, limit });
  };
  if (standing?.sendingEnabled === false) find('refuse', 'sendingDisabled', 0, 1);
  const line = (name: 'bounceRate' | 'complaintRate', rate: number | null, lines: { warn: number; refuse: number }) => {
    if (rate !== null && rate >= lines.refuse) find('refuse', name, rate, lines.refuse);
    else if (rate !== null && rate >= lines.warn) find('warn', name, rate, lines.warn);
  };
  line('bounceRate', bounceRate, REPUTATION_LINES.bounces);
  if ((standing?.complaints ?? 0) >= FEWEST_COMPLAINTS)
    line('complaintRate', complaintRate, REPUTATION_LINES.complaints);
  const left = quota === null ? null : quota.max24h < 0 ? -1 : Math.max(0, quota.max24h - quota.sentLast24h);
  if (quota === null) find('refuse', 'noAnswer', 0, 1);
  else if (invitations > 0 && spread === null) find('refuse', 'noQuota', quota.max24h, 1);
  const span = (spread?.at(-1)?.day ?? -1) + 1;
  if (span > input.sendWithinDays) find('refuse', 'tooManyDays', span, input.sendWithinDays);
  else if (span > MANY_DAYS) find('warn', 'manyDays', span, MANY_DAYS);
  if (quota !== null && ratePerSecond > quota.maxPerSecond)
    find('warn', 'rateAboveAccount', ratePerSecond, quota.maxPerSecond);
  if (sandbox) find('warn', 'sandbox', quota.max24h, quota.max24h);
  if (quota !== null && left !== null && left >= 0 && invitations > left && spread !== null)
    find('warn', 'quotaUsed', invitations, left);
  if (quota !== null && standing === null) find('warn', 'reputationUnknown', 0, 1);
  findings.sort((a, b) => (a.verdict === b.verdict ? 0 : a.verdict === 'refuse' ? -1 : 1));
  const reminders = input.reminds ? invitations : 0;
  return {
    at: input.at,
    verdict: findings[0]?.verdict ?? 'ok',
    findings,
    invitations,
    reminders,
    quota,
    quotaLeft: left,
    ratePerSecond,
    sendingSeconds: Math.ceil(invitations / ratePerSecond),
    days: spread?.length ?? 0,
    bounceRate,
    complaintRate,
    attempts: standing?.attempts ?? 0,
    sandbox,
    costMicroUsd: (invitations + reminders) * SES_MICRO_USD_PER_MAIL,
  };
};

/** How many mails a wave may send on its first day and on each later one. */
export interface DailyCapacity {
  readonly first: number;
  readonly later: number;
}

/**
 * A share of the quota that is left now for the first day, the same share of the whole quota for each later one; never more
 * than the paced rate can send in a day.
 */
export const capacityOf = (
  quota: MailAllowance,
  { ratePerSecond, dailyQuotaShare }: { readonly ratePerSecond: number; readonly dailyQuotaShare: number },
): DailyCapacity => {
  const byRate = Math.floor(ratePerSecond * SECONDS_PER_DAY);
  if (quota.max24h < 0) return { first: byRate, later: byRate };
  const share = (mails: number): number => Math.min(byRate, Math.floor(mails * dailyQuotaShare + 1e-9));
  return { first: share(Math.max(0, quota.max24h - quota.sentLast24h)), later: share(quota.max24h) };
};

/** Invitations of one day, by the number of the day after the planning: 0 is the same day. */
export interface SendDay {
  readonly day: number;
  readonly mails: number;
}

/** A wave that needs more days is not planned out: it is refused. */
const MOST_DAYS = 3_700;

/**
 * Fills days with invitations, each up to its capacity less the reminders that may be due then: all invitations of
 * `reminderDays` days before, as if nobody had answered. Days without invitations are left out.
 *
 * @param batch invitations go out in whole batches; a day holds a multiple of it, the last one the rest
 * @returns null where there is something to send and no day can hold a mail
 */
export const spreadOverDays = (
  invitations: number,
  capacity: DailyCapacity,
  reminderDays: number,
  batch = batchFor(capacity, invitations),
): SendDay[] | null => {
  if (invitations === 0) return [];
  if (capacity.later < 1) return null;
  const days: SendDay[] = [];
  const sentOn: number[] = [];
  let left = invitations;
  for (let day = 0; left > 0 && day < MOST_DAYS; day += 1) {
    const reminders = reminderDays > 0 ? (sentOn[day - reminderDays] ?? 0) : 0;
    const room = (day === 0 ? capacity.first : capacity.later) - reminders;
    const mails = left <= room ? left : Math.max(0, Math.floor(room / batch) * batch);
    sentOn.push(mails);
    left -= mails;
    if (mails > 0) days.push({ day, mails });
  }
  return days;
};

/** Invitations that one child execution sends. */
export const BATCH_SIZE = 50;

/** Batches are whole on a day, so a day that holds fewer mails than a batch makes the batches smaller. */
export const batchFor = ({ later }: DailyCapacity, invitations: number): number =>
  Math.max(1, Math.min(BATCH_SIZE, later >= invitations ? BATCH_SIZE : later));
