import type { DrawnAudience, WaveDay, WaveRecord } from '#shared/contracts/survey.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import type { SurveyRule } from '#shared/domain/policy.ts';
import { batchFor, capacityOf, spreadOverDays } from '#shared/domain/wave-preflight.ts';
import type { SendQuota } from '#shared/ports/mail-sender.ts';
import { closingDay } from './wave-record.ts';

const DAY_MS = 86_400_000;

/** Days from an invitation to its reminder; 0 where the survey does not remind before it closes. */
export const reminderDaysOf = ({ reminderDays, closesAfterDays }: SurveyRule): number =>
  reminderDays > 0 && reminderDays < closesAfterDays ? reminderDays : 0;

/** How invitations are sent: in which batches, on which days. */
export interface SendPlan {
  readonly batchSize: number;
  readonly schedule: NonNullable<DrawnAudience['schedule']>;
}

/**
 * Spreads invitations over days, each up to the policy's share of the quota, and says when each day begins and is reminded and
 * when the wave closes: one day for all, counted from the last day of sending, so that everybody has at least the days to
 * answer that the policy gives. Days are 24 hours, from the planning or from `from`.
 *
 * @param quota null gives no days
 */
export const planDays = (
  invitations: number,
  quota: SendQuota | null,
  survey: SurveyRule,
  {
    ratePerSecond,
    wave,
    from = wave.plannedAt,
    timeZone,
  }: {
    readonly ratePerSecond: number;
    readonly wave: Pick<WaveRecord, 'plannedAt' | 'remindAt' | 'closesAt'>;
    readonly from?: Instant | undefined;
    readonly timeZone: string;
  },
): SendPlan => {
  const capacity = quota === null ? { first: 0, later: 0 } : capacityOf(quota, { ratePerSecond, ...survey });
  const batchSize = batchFor(capacity, invitations);
  const reminderDays = reminderDaysOf(survey);
  const days = spreadOverDays(invitations, capacity, reminderDays, batchSize) ?? [];
  const after = (count: number): Instant => new Date(Date.parse(from) + count * DAY_MS).toISOString();
  const last = days.at(-1)?.day ?? 0;
  const closesAt =
    from === wave.plannedAt && last === 0 ? wave.closesAt : closingDay(timeZone, after(last), survey.closesAfterDays);
  let firstBatch = 0;
  const planned = days.map(({ day, mails }): WaveDay => {
    const batches = Math.ceil(mails / batchSize);
    const remindAt = reminderDays === 0 ? closesAt : after(day + reminderDays);
    const one = { from: after(day), remindAt, mails, firstBatch, batches };
    firstBatch += batches;
    return one;
  });
  const remindAt = planned[0]?.remindAt ?? wave.remindAt;
  return { batchSize, schedule: { days: planned, dailyMails: capacity.later, remindAt, closesAt } };
};
