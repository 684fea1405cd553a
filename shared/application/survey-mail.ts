import type { SurveyIdentity } from '#shared/contracts/survey.ts';
import { dateIn } from '#shared/domain/calendar.ts';
import type { SurveyLanguage } from '#shared/domain/contact-policy.ts';
import type { LinkKeys } from '#shared/domain/link-token.ts';
import type { OutgoingMail } from '#shared/ports/mail-sender.ts';
import { composeSurveyMail, type MailIdentity } from './compose-mail.ts';
import type { SurveyMail } from './send-batch.ts';
import { answerLink, unsubscribeLink } from './survey-links.ts';

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
  // Wherever a mail says where the company is, it also says what the law wants to be said.
  postalAddress: [identity.postalAddress, identity.legalNotice].flatMap((text) => text?.[language] ?? []).join('\n'),
});

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
