import type { WaveRecord } from '#shared/contracts/survey.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import type { SurveyRule } from '#shared/domain/policy.ts';
import { type Preflight, preflight } from '#shared/domain/wave-preflight.ts';
import { RetryableError } from '#shared/errors.ts';
import { log } from '#shared/log.ts';
import type { MailSender, SendQuota, SendReputation } from '#shared/ports/mail-sender.ts';

export interface MailAccountPorts {
  readonly mail: Pick<MailSender, 'quota' | 'reputation'>;
  /** At which mails are paced, of the whole account. */
  readonly mailRatePerSecond: number;
}

/** What the mail service says of the account; null where it gives no answer. */
export interface MailAccount {
  readonly quota: SendQuota | null;
  readonly standing: SendReputation | null;
}

/** Asks the mail service for quota and reputation. An answer that does not come is one of the answers. */
export const askMailService = async ({ mail }: MailAccountPorts): Promise<MailAccount> => {
  const orNull = async <T>(ask: () => Promise<T>): Promise<T | null> => {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
      log.warn('the mail service gave no answer', { code: error.code });
      return null;
    }
  };
  const quota = await orNull(() => mail.quota());
  const standing = mail.reputation === undefined ? null : await orNull(async () => (await mail.reputation?.()) ?? null);
  return { quota, standing };
};

/** Judges a wave of so many invitations against what the mail service said. */
export const judgeAccount = (
  account: MailAccount,
  invitations: number,
  survey: SurveyRule,
  { at, ratePerSecond }: { readonly at: Instant; readonly ratePerSecond: number },
): Preflight => {
  const reminds = survey.reminderDays < survey.closesAfterDays;
  return preflight({
    at,
    invitations,
    reminds,
    ...account,
    ratePerSecond,
    dailyQuotaShare: survey.dailyQuotaShare,
    sendWithinDays: survey.sendWithinDays,
    reminderDays: reminds ? survey.reminderDays : 0,
  });
};

/** As the contract of the wave's record wants it: lists that may be changed. */
export const preflightRecord = (flight: Preflight): NonNullable<WaveRecord['preflight']> => ({
  ...flight,
  findings: flight.findings.map((finding) => ({ ...finding })),
});
