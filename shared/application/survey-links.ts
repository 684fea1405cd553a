import { issueLinkToken, type LinkKeys } from '#shared/domain/link-token.ts';

export interface LinkSettings {
  /** Where customers reach the pages, without a slash at the end. */
  readonly publicBaseUrl: string;
  readonly linkKeys: LinkKeys;
}

/** How long after the survey's end an unsubscribe link still works, in days: 13 months, where the law asks for 30 days. */
const UNSUBSCRIBE_DAYS = 396;
const DAY_MS = 86_400_000;

/** The address of the answer page. @param expiresAt when the survey closes */
export const answerLink = (settings: LinkSettings, invitationId: string, expiresAt: string): string =>
  `${settings.publicBaseUrl}/r/${issueLinkToken(settings.linkKeys, 'answer', { invitationId, expiresAt })}`;

/** The address of the unsubscribe page, which outlives the survey. @param closesAt when the survey closes */
export const unsubscribeLink = (settings: LinkSettings, invitationId: string, closesAt: string): string => {
  const expiresAt = new Date(Date.parse(closesAt) + UNSUBSCRIBE_DAYS * DAY_MS).toISOString();
  return `${settings.publicBaseUrl}/u/${issueLinkToken(settings.linkKeys, 'unsub', { invitationId, expiresAt })}`;
};
