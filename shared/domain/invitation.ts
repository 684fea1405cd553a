import type { Instant } from './calendar.ts';
import type { MailKind, SkipReason } from './contact-policy.ts';
import type { QuestionKind } from './policy.ts';

/** What is known of one mail of an invitation. */
export type MailState = 'planned' | 'sent' | 'rejected' | 'uncertain' | 'skipped';

export interface MailLine {
  readonly state: MailState;
  /** Why it was rejected or skipped. */
  readonly reason?: SkipReason | string;
  /** When it was handed over, if it was. */
  readonly at?: Instant;
  /** Attempts that are proven to have failed. */
  readonly attempts: number;
  /** While it is planned: not to be sent before this instant, when the contact budget allows it. */
  readonly notBefore?: Instant;
  /** The mail service took the mail and then refused to deliver it: nothing that comes later changes that. */
  readonly refused?: true;
}

/** One drawn customer of a wave, with the facts frozen when it was planned. Holds no address and no name. */
export interface Invitation {
  readonly invitationId: string;
  readonly waveId: string;
  readonly runId: string;
  readonly customerId: string;
  readonly subject: string;
  /** Key of the contact it goes to. */
  readonly addressKey: string;
  /** Segment of the surveyed dimension. */
  readonly segment: string;
  /** Segments by dimension. */
  readonly segments: Readonly<Record<string, string>>;
  readonly branch: string | null;
  readonly manager: string | null;
  readonly language: 'zh-CN' | 'en';
  readonly question: QuestionKind;
  readonly contactEveryDays: number;
  /** Whether every low answer opens a case, and when it is due. */
  readonly caseForEveryLow: boolean;
  readonly caseDueHours: number;
  /** The first instant at which answers are refused. */
  readonly closesAt: Instant;
  /** Latest instant to which the invitation may be put off; without it, it is dropped instead. */
  readonly deferUntil?: Instant;
  /** Days from an invitation that was put off to its reminder; the others are reminded with their day. */
  readonly remindAfterDays?: number;
  readonly invitation: MailLine;
  readonly reminder?: MailLine;
  /** Keys of the mail events seen. */
  readonly events: readonly string[];
  readonly deliveredAt?: Instant;
  readonly bouncedAt?: Instant;
  readonly complainedAt?: Instant;
}

export const lineOf = (invitation: Invitation, kind: MailKind): MailLine =>
  kind === 'invitation' ? invitation.invitation : (invitation.reminder ?? { state: 'planned', attempts: 0 });

/**
 * Whether a mail is still to be sent: an invitation that is planned; a reminder to whom the invitation reached. Answers not
 * looked at.
 *
 * @param now leaves out what was put off to a later instant; without it such mails are due too
 */
export const isDue = (invitation: Invitation, kind: MailKind, now?: Instant): boolean => {
  if (lineOf(invitation, kind).state !== 'planned') return false;
  if (now !== undefined && (putOffUntil(invitation, kind) ?? now) > now) return false;
  if (kind === 'invitation') return true;
  return (
    invitation.invitation.state === 'sent' &&
    invitation.bouncedAt === undefined &&
    invitation.complainedAt === undefined
  );
};

const DAY_MS = 86_400_000;

/** Until when an invitation, or the reminder to an invitation that had been, was put off; undefined where it was not. */
export const putOffUntil = (invitation: Invitation, kind: MailKind): Instant | undefined => {
  const { notBefore, at } = invitation.invitation;
  if (kind === 'invitation' || notBefore === undefined) return notBefore;
  const sent = Date.parse(at ?? notBefore);
  return new Date(sent + (invitation.remindAfterDays ?? 0) * DAY_MS).toISOString();
};

/**
 * What a refused claim makes of a mail: an invitation over the contact budget is put off to when the budget is free, if that is
 * early enough; any other is skipped with its reason.
 */
export const refusedLine = (
  line: MailLine,
  { reason, freeFrom }: { readonly reason: SkipReason; readonly freeFrom?: Instant },
  { deferUntil }: Pick<Invitation, 'deferUntil'>,
): MailLine =>
  reason === 'contactBudget' && freeFrom !== undefined && deferUntil !== undefined && freeFrom <= deferUntil
    ? { ...line, state: 'planned', reason, notBefore: freeFrom }
    : { ...line, state: 'skipped', reason };

/** How sure each state is: a later finding replaces a less sure one, never a surer. */
const CERTAINTY: Readonly<Record<MailState, number>> = { planned: 0, uncertain: 1, skipped: 2, rejected: 2, sent: 3 };

/**
 * Notes a finding about a mail. `sent` is final; `uncertain` may become `sent` when the mail service reports on it, or `planned`
 * when the sender proves that its attempt failed. Findings may come in any order and more than once.
 *
 * @returns the same object where nothing changes
 */
export const withLine = (invitation: Invitation, kind: MailKind, line: MailLine): Invitation => {
  const before = lineOf(invitation, kind);
  if (before.refused === true) return invitation;
  const sure = CERTAINTY[line.state] > CERTAINTY[before.state];
  const unsent = before.state === 'planned' || before.state === 'uncertain';
  const again = line.state === 'planned' && unsent && line.attempts > before.attempts;
  const putOff = line.state === 'planned' && before.state === 'planned' && line.notBefore !== before.notBefore;
  return sure || again || putOff ? putLine(invitation, kind, line) : invitation;
};

const putLine = (invitation: Invitation, kind: MailKind, line: MailLine): Invitation =>
  kind === 'invitation' ? { ...invitation, invitation: line } : { ...invitation, reminder: line };

/** A mail event, reduced to what the ledger needs. */
export interface LedgerEvent {
  readonly key: string;
  readonly kind: MailKind;
  /** `suppressed`: the mail service took the mail and kept it back, as the address is on the account's suppression list. */
  readonly type: 'send' | 'delivery' | 'hardBounce' | 'softBounce' | 'suppressed' | 'complaint' | 'reject' | 'other';
  readonly at: Instant;
  /** Why it was rejected. */
  readonly reason?: string;
}

/** Most event keys kept per invitation; more than a mail service sends of two mails. */
const KEPT_EVENTS = 40;

/** Notes a mail event; the same event again changes nothing, and the order does not matter. */
export const withEvent = (invitation: Invitation, event: LedgerEvent): Invitation => {
  if (invitation.events.includes(event.key)) return invitation;
  const noted = { ...invitation, events: [...invitation.events, event.key].sort().slice(-KEPT_EVENTS) };
  const earliest = (known: Instant | undefined): Instant =>
    known === undefined || event.at < known ? event.at : known;
  const sent = (): Invitation =>
    withLine(noted, event.kind, {
      ...lineOf(noted, event.kind),
      state: 'sent',
      at: lineOf(noted, event.kind).at ?? event.at,
    });
  switch (event.type) {
    case 'send':
      return sent();
    case 'delivery':
      return event.kind === 'invitation' ? { ...sent(), deliveredAt: earliest(noted.deliveredAt) } : sent();
    case 'hardBounce':
    case 'suppressed':
      return { ...sent(), bouncedAt: earliest(noted.bouncedAt) };
    case 'complaint':
      return { ...sent(), complainedAt: earliest(noted.complainedAt) };
    case 'reject':
      return putLine(noted, event.kind, {
        ...lineOf(noted, event.kind),
        state: 'rejected',
        reason: event.reason ?? 'rejected',
        refused: true,
      });
    case 'softBounce':
    case 'other':
      return noted;
  }
};
