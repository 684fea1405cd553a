import { MailEvent, MailEventEnvelope } from '#shared/contracts/survey.ts';
import { type LedgerEvent, lineOf, withEvent } from '#shared/domain/invitation.ts';
import { PoisonError } from '#shared/errors.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';
import { measure } from '#shared/ports/metrics.ts';
import { noteMailFailed, type WaveBrakePorts } from './brake-wave.ts';
import { noteStaffMailReturned, type StaffMailEventPorts, type StaffMailRef } from './note-staff-mail-returned.ts';

export interface MailEventPorts extends WaveBrakePorts, StaffMailEventPorts {
  readonly invitations: Pick<InvitationStore, 'get' | 'update'>;
  readonly contacts: Pick<ContactStore, 'settle' | 'suppress'>;
  /** The only topic whose events are believed. */
  readonly topicArn: string;
}

/** `ignored`: an event of a mail that is not ours, of an invitation or case that was erased, or one that says nothing of use. */
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
  if (invitationId === undefined) return ingestStaffMailEvent(event, ports);
  const known = await ports.invitations.get(invitationId);
  if (known === undefined) return 'ignored';
  const ledgerEvent = toLedgerEvent(event);
  const { addressKey } = known;
  const suppression = suppressionOf(event, ledgerEvent);
  if (suppression !== undefined) await ports.contacts.suppress(addressKey, suppression, ledgerEvent.at);
  // A line is marked as sent only after the claim was; then there is nothing left to settle.
  if (PROVES_ACCEPTED.has(ledgerEvent.type) && lineOf(known, ledgerEvent.kind).state !== 'sent') {
    await ports.contacts.settle(addressKey, { invitationId, kind: ledgerEvent.kind }, 'accepted', event.mail.messageId);
  }
  let isNew = false;
  await ports.invitations.update(invitationId, (invitation) => {
    const noted = withEvent(invitation, ledgerEvent);
    isNew = noted !== invitation;
    return noted;
  });
  const type = COUNTED[ledgerEvent.type];
  if (isNew) measure('MailEvents');
  if (isNew && type !== undefined) measure(type === 'bounced' ? 'MailsBounced' : 'MailsComplained');
  const batch = Number(event.mail.tags?.['batch']?.[0] ?? Number.NaN);
  if (type !== undefined && Number.isInteger(batch)) {
    const failure = { kind: ledgerEvent.kind, invitationId, type, sentAt: event.mail.timestamp };
    await noteMailFailed({ waveId: known.waveId, batch }, failure, ports);
  }
  return 'noted';
};

/** Of mails to the staff only what comes back for good is of use. */
const ingestStaffMailEvent = async (event: MailEvent, ports: MailEventPorts): Promise<IngestResult> => {
  const mail = staffMailOf(event.mail.tags);
  const returned = suppressionOf(event, toLedgerEvent(event));
  if (mail === undefined || returned === undefined) return 'ignored';
  return noteStaffMailReturned(mail, returned === 'complaint' ? 'complained' : 'bounced', ports);
};

const staffMailOf = (tags: MailEvent['mail']['tags']): StaffMailRef | undefined => {
  const tag = (name: string): string | undefined => tags?.[name]?.[0];
  const [kind, attemptId, caseId, runId] = ['kind', 'attempt', 'case', 'run'].map(tag);
  if (attemptId === undefined) return undefined;
  if (kind === 'case' && caseId !== undefined) return { kind, caseId, attemptId };
  return kind === 'actions' && runId !== undefined ? { kind, runId, attemptId } : undefined;
};

const PROVES_ACCEPTED: ReadonlySet<LedgerEvent['type']> = new Set([
  'send',
  'delivery',
  'hardBounce',
  'suppressed',
  'complaint',
]);

/** What the brake counts. Mails that the account's suppression list kept back are no part of the rates of SES. */
const COUNTED: Readonly<Partial<Record<LedgerEvent['type'], 'bounced' | 'complained'>>> = {
  hardBounce: 'bounced',
  complaint: 'complained',
};

const suppressionOf = (event: MailEvent, { type }: LedgerEvent): 'hardBounce' | 'complaint' | undefined => {
  if (type === 'complaint' || (type === 'suppressed' && event.eventType === 'Complaint')) return 'complaint';
  return type === 'hardBounce' || type === 'suppressed' ? 'hardBounce' : undefined;
};

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

/** The subtype of a bounce or complaint that SES makes itself for an address on the account's suppression list. */
const KEPT_BACK = 'OnAccountSuppressionList';

const hardOr = (subType: string | undefined): 'hardBounce' | 'suppressed' =>
  subType === KEPT_BACK ? 'suppressed' : 'hardBounce';

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
      const type = event.bounce?.bounceType === 'Permanent' ? hardOr(event.bounce.bounceSubType) : 'softBounce';
      return named(type, event.bounce?.timestamp ?? timestamp, event.bounce?.feedbackId ?? messageId);
    }
    case 'Complaint': {
      const type = event.complaint?.complaintSubType === KEPT_BACK ? 'suppressed' : 'complaint';
      return named(type, event.complaint?.timestamp ?? timestamp, event.complaint?.feedbackId ?? messageId);
    }
    case 'Reject':
      return {
        ...named('reject', timestamp, messageId),
        ...(event.reject === undefined ? {} : { reason: event.reject.reason }),
      };
    default:
      return named('other', timestamp, messageId);
  }
};
