/** What a wave's mails came to, as far as the brake looks at it. */
export interface MailFigures {
  /** Mails that the mail service took, invitations and reminders, of batches that were sent. */
  readonly sent: number;
  /** Hard bounces among them. Soft bounces, automatic replies and mails that the account's suppression list kept back are none. */
  readonly bounced: number;
  readonly complained: number;
}

/** From which shares on a wave stops sending. */
export interface MailBrakes {
  /** Hard bounces ÷ sent, 0..1, from this value on. */
  readonly bounceShare: number;
  /** Complaints ÷ sent, 0..1, from this value on. */
  readonly complaintShare: number;
  /** Mails before which nothing is judged: a share of a few mails says nothing. */
  readonly afterSends: number;
}

/**
 * Below the shares at which Amazon SES puts an account under review: 5 % hard bounces, 0.1 % complaints (SES developer guide,
 * "reputation dashboard messages"; it pauses an account at 10 % and 0.5 %). At 0.08 %, one complaint stops a wave of fewer
 * than 1,250 mails.
 */
export const DEFAULT_MAIL_BRAKES: MailBrakes = { bounceShare: 0.04, complaintShare: 0.0008, afterSends: 200 };

/** A share that is at or above its limit. */
export interface MailBrakeHit {
  readonly brake: 'bounceShare' | 'complaintShare';
  readonly actual: number;
  readonly limit: number;
}

/** The shares that stop a wave; none before `afterSends` mails. */
export const mailBrakeHits = ({ sent, bounced, complained }: MailFigures, brakes: MailBrakes): MailBrakeHit[] => {
  if (sent < brakes.afterSends || sent === 0) return [];
  const hits: MailBrakeHit[] = [
    { brake: 'bounceShare', actual: bounced / sent, limit: brakes.bounceShare },
    { brake: 'complaintShare', actual: complained / sent, limit: brakes.complaintShare },
  ];
  return hits.filter(({ actual, limit }) => actual >= limit);
};

const NAMES = {
  en: { bounceShare: 'bounces', complaintShare: 'complaints', of: 'of', gap: ', ' },
  'zh-CN': { bounceShare: '硬退信', complaintShare: '投诉', of: '/', gap: '，' },
} as const;

/** `bounces 4.6 % of 812`: what stopped a wave, for people. Bounces with one decimal, complaints with two. */
export const mailBrakeText = (
  hits: readonly MailBrakeHit[],
  { sent }: MailFigures,
  language: 'en' | 'zh-CN' = 'en',
): string => {
  const names = NAMES[language];
  const count = new Intl.NumberFormat(language).format(sent);
  return hits
    .map(({ brake, actual }) => {
      const percent = (actual * 100).toFixed(brake === 'bounceShare' ? 1 : 2);
      return `${names[brake]} ${percent} % ${names.of} ${count}`;
    })
    .join(names.gap);
};
