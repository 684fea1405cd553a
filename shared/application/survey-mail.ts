import type { SurveyIdentity } from '#shared/contracts/survey.ts';
import { dateIn } from '#shared/domain/calendar.ts';
import type { SurveyLanguage } from '#shared/domain/contact-policy.ts';
import { issueLinkToken, type LinkKeys } from '#shared/domain/link-token.ts';
import type { OutgoingMail } from '#shared/ports/mail-sender.ts';
import { composeSurveyMail, type MailIdentity } from './compose-mail.ts';
import type { SurveyMail } from './send-batch.ts';

export interface SurveyMailSettings {
  readonly identity: SurveyIdentity;
  /** Where customers reach the pages, without a slash at the end. */
  readonly publicBaseUrl: string;
  readonly linkKeys: LinkKeys;
  readonly businessTimeZone: string;
}

export type { SurveyIdentity };

/** The company as a mail in `language` names it. */
export const mailIdentity = (identity: SurveyIdentity, language: SurveyLanguage): MailIdentity => ({
  company: identity.company[language],
  address: identity.senderAddress,
  postalAddress: identity.postalAddress[language],
});

/** How long after the survey's end an unsubscribe link still works, in days: 13 months, where the law asks for 30 days. */
const UNSUBSCRIBE_DAYS = 396;
const DAY_MS = 86_400_000;

/** The address of the answer page. @param expiresAt when the survey closes */
export const answerLink = (
  settings: Pick<SurveyMailSettings, 'publicBaseUrl' | 'linkKeys'>,
  invitationId: string,
  expiresAt: string,
): string => `${settings.publicBaseUrl}/r/${issueLinkToken(settings.linkKeys, 'answer', { invitationId, expiresAt })}`;

/** The address of the unsubscribe page, which outlives the survey. @param closesAt when the survey closes */
export const unsubscribeLink = (
  settings: Pick<SurveyMailSettings, 'publicBaseUrl' | 'linkKeys'>,
  invitationId: string,
  closesAt: string,
): string => {
  const expiresAt = new Date(Date.parse(closesAt) + UNSUBSCRIBE_DAYS * DAY_MS).toISOString();
  return `${settings.publicBaseUrl}/u/${issueLinkToken(settings.linkKeys, 'unsub', { invitationId, expiresAt })}`;
};

/** Writes survey mails with signed links. Nothing in a link or a tag says who the customer is. */
export const surveyMailComposer =
  (settings: SurveyMailSettings) =>
  async (mail: SurveyMail): Promise<OutgoingMail> => {
    const sender = mailIdentity(settings.identity, mail.language);
    const page = answerLink(settings, mail.invitationId, mail.closesAt);
    const lastInstant = new Date(Date.parse(mail.closesAt) - 1).toISOString();
    const { raw } = await composeSurveyMail({
      kind: mail.kind,
      language: mail.language,
      question: mail.question,
      recipient: { name: mail.name ?? '', address: mail.to },
      sender,
      signatory: {
        ...(mail.manager === null ? {} : { manager: mail.manager }),
        ...(mail.branch === null ? {} : { branch: mail.branch }),
      },
      replyTo: settings.identity.replyToAddress,
      closingDate: dateIn(settings.businessTimeZone, lastInstant),
      links: {
        score: (score) => `${page}?a=${score}`,
        page,
        otherLanguage: `${page}?lang=${mail.language === 'en' ? 'zh-CN' : 'en'}`,
        unsubscribe: unsubscribeLink(settings, mail.invitationId, mail.closesAt),
      },
      howToVerify: settings.identity.howToVerify[mail.language],
    });
    return {
      raw,
      from: sender.address,
      to: mail.to,
      tags: { run: mail.waveId, inv: mail.invitationId, kind: mail.kind },
    };
  };
