import { MailEvent, MailEventEnvelope } from '#shared/contracts/survey.ts';
import { type LedgerEvent, lineOf, withEvent, withLine } from '#shared/domain/invitation.ts';
import { PoisonError } from '#shared/errors.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';

export interface MailEventPorts {
  readonly invitations: Pick<InvitationStore, 'get' | 'update'>;
  readonly contacts: Pick<ContactStore, 'settle' | 'suppress'>;
  /** The only topic whose events are believed. */
  readonly topicArn: string;
}

/** `ignored`: an event of a mail that is not ours, or of an invitation that was erased. */
export type IngestResult = 'noted' | 'ignored';

/**
 * Takes one event of the mail service, as the queue hands it over. Events may come twice, in any order, and before the sender
 * knew of its own mail; each does all its work again, so that a crash in between is healed by the next delivery.
 *
 * @param body the queue message: an SNS envelope as JSON
 * @throws PoisonError for what is no event, or of another topic
 */
export const ingestMailEvent = async (body: string, ports: MailEventPorts): Promise<IngestResult> => {
  const event = parseEvent(body, ports.topicArn);
  const invitationId = event.mail.tags?.['inv']?.[0];
  if (invitationId === undefined) return 'ignored';
  const known = await ports.invitations.get(invitationId);
  if (known === undefined) return 'ignored';
  const ledgerEvent = toLedgerEvent(event);
  const { addressKey } = known;
  if (ledgerEvent.type === 'hardBounce') await ports.contacts.suppress(addressKey, 'hardBounce', ledgerEvent.at);
  if (ledgerEvent.type === 'complaint') await ports.contacts.suppress(addressKey, 'complaint', ledgerEvent.at);
  // A line is marked as sent only after the claim was; then there is nothing left to settle.
  if (PROVES_ACCEPTED.has(ledgerEvent.type) && lineOf(known, ledgerEvent.kind).state !== 'sent') {
    await ports.contacts.settle(addressKey, { invitationId, kind: ledgerEvent.kind }, 'accepted', event.mail.messageId);
  }
  await ports.invitations.update(invitationId, (invitation) => {
    const noted = withEvent(invitation, ledgerEvent);
    if (ledgerEvent.type !== 'reject') return noted;
    const line = lineOf(noted, ledgerEvent.kind);
    return withLine(noted, ledgerEvent.kind, {
      ...line,
      state: 'rejected',
      reason: event.reject?.reason ?? 'rejected',
    });
  });
  return 'noted';
};

const PROVES_ACCEPTED: ReadonlySet<LedgerEvent['type']> = new Set(['send', 'delivery', 'hardBounce', 'complaint']);

const parseEvent = (body: string, topicArn: string): MailEvent => {
  const envelope = MailEventEnvelope.safeParse(fromJson(body));
  if (!envelope.success) throw new PoisonError('mail-event-invalid', 'the queue message is no SNS notification');
  if (envelope.data.TopicArn !== topicArn) {
    throw new PoisonError('mail-event-foreign', 'the event comes from another topic than the configured one');
  }
  const event = MailEvent.safeParse(fromJson(envelope.data.Message));
  if (!event.success) throw new PoisonError('mail-event-invalid', 'the notification holds no mail event');
  return event.data;
};

const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const toLedgerEvent = (event: MailEvent): LedgerEvent => {
  const kind = event.mail.tags?.['kind']?.[0] === 'reminder' ? 'reminder' : 'invitation';
  const named = (type: LedgerEvent['type'], at: string, id: string): LedgerEvent => ({
    key: `${event.eventType}:${id}`,
    kind,
    type,
    at: new Date(at).toISOString(),
  });
  const { messageId, timestamp } = event.mail;
  switch (event.eventType) {
    case 'Send':
      return named('send', timestamp, messageId);
    case 'Delivery':
      return named('delivery', event.delivery?.timestamp ?? timestamp, messageId);
    case 'Bounce': {
      const type = event.bounce?.bounceType === 'Permanent' ? 'hardBounce' : 'softBounce';
      return named(type, event.bounce?.timestamp ?? timestamp, event.bounce?.feedbackId ?? messageId);
    }
    case 'Complaint':
      return named('complaint', event.complaint?.timestamp ?? timestamp, event.complaint?.feedbackId ?? messageId);
    case 'Reject':
      return named('reject', timestamp, messageId);
    default:
      return named('other', timestamp, messageId);
  }
};
