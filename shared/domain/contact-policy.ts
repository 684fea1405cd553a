import type { Instant } from './calendar.ts';

/** Version of `normaliseAddress`; part of what the address key is made from. */
export const ADDRESS_NORMALISATION = 'v1';

const MAILBOX = /^[^\s@"(),:;<>[\\\]]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/u;

/** Trim, NFC, lower case, and nothing else: two spellings of one mailbox stay two addresses. */
export const normaliseAddress = (address: string): string => address.trim().normalize('NFC').toLowerCase();

/** Whether a normalised address can be written to. No promise that it exists. */
export const isMailbox = (normalised: string): boolean => normalised.length <= 254 && MAILBOX.test(normalised);

export type SurveyLanguage = 'zh-CN' | 'en';

export interface Consent {
  readonly given: boolean;
  readonly source: string;
  readonly at: Instant;
}

/**
 * The consent that counts of two, in whatever order they arrive: the newer one. Of two of the same day without a time, or of
 * the same instant, the withdrawal.
 */
export const newestConsent = (known: Consent | undefined, given: Consent | undefined): Consent | undefined => {
  if (known === undefined || given === undefined) return given ?? known;
  const exact = known.at.length > 10 && given.at.length > 10;
  const [before, after] = exact ? [known.at, given.at] : [known.at.slice(0, 10), given.at.slice(0, 10)];
  if (before !== after) return before > after ? known : given;
  return known.given ? given : known;
};

/** A customer who is reached at an address. */
export interface ContactPerson {
  readonly name?: string;
  readonly language?: SurveyLanguage;
  /** ISO 3166-1 alpha-2; `CN` is mainland China. */
  readonly region?: string;
  readonly consent?: Consent;
}

export type MailKind = 'invitation' | 'reminder';

/** A mail that was, or may have been, handed to the mail service. Without an outcome it is uncertain. */
export interface Claim {
  readonly invitationId: string;
  readonly kind: MailKind;
  readonly attemptId: string;
  readonly at: Instant;
  readonly outcome?: 'accepted' | 'uncertain';
  readonly messageId?: string;
}

/** What decides which of two waves asks a customer whom both want. */
export interface WaveRank {
  readonly waveId: string;
  /** 0..100; the higher one asks. */
  readonly priority: number;
  /** When the wave was planned; of two of one priority, the earlier one asks. */
  readonly at: Instant;
}

/** An invitation that a wave means to send to an address. It spends no budget, but lower waves wait for it. */
export interface Hold extends WaveRank {
  readonly invitationId: string;
  /** When it is to be sent. */
  readonly from: Instant;
  /** The end of its wave: from then on it holds nothing. */
  readonly until: Instant;
}

export const SUPPRESSION_REASONS = ['hardBounce', 'complaint', 'operator', 'erased'] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** One mail address and everything that decides whether it may be written to. */
export interface Contact {
  readonly addressKey: string;
  /** Normalised; absent once everybody at it was erased. */
  readonly address?: string;
  readonly suppression?: { readonly reason: SuppressionReason; readonly at: Instant };
  readonly unsubscribed?: { readonly at: Instant };
  /** By `invitationId#kind`. The truth about what was sent. */
  readonly claims: Readonly<Record<string, Claim>>;
  /** Invitations that are planned, by their id; absent where there is none. */
  readonly holds?: Readonly<Record<string, Hold>>;
  /** By customer id. */
  readonly people: Readonly<Record<string, ContactPerson>>;
}

/** Why a customer gets no mail. Each customer of a wave's population who gets none has exactly one. */
export const SKIP_REASONS = [
  'left',
  'segmentNotSurveyed',
  'notSampled',
  'noAddress',
  'noConsent',
  'suppressed',
  'unsubscribed',
  'contactBudget',
  'sameAddress',
  'waveClosed',
  'waveCancelled',
  'erased',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** Regions where nothing is sent without a recorded consent. */
const CONSENT_REGIONS: readonly string[] = ['CN'];
const DAY_MS = 86_400_000;
/** Claims older than this no longer matter to any budget and are dropped, in days. */
const CLAIM_MEMORY_DAYS = 800;

export const claimKey = (invitationId: string, kind: MailKind): string => `${invitationId}#${kind}`;

/**
 * Whether one customer at an address may be invited now. The first reason that applies is given, in the order suppression,
 * unsubscription, consent, budget. Every mail that was or may have been sent spends the budget of the whole address, reminders
 * too; mails of `invitationId` itself do not count against it. With a `rank`, so does an invitation that a wave of higher rank
 * means to send.
 *
 * @param contactEveryDays whole days between two surveys; a mail exactly so many days old allows the next
 */
export const refusalOf = (
  contact: Contact | undefined,
  request: BudgetRequest & { readonly customerId: string },
): SkipReason | undefined => {
  const standing = permissionRefusal(contact, request.customerId);
  if (standing !== undefined) return standing;
  return budgetFreeFrom(contact, request) === undefined ? undefined : 'contactBudget';
};

/** Who asks for the budget of an address. */
export interface BudgetRequest {
  readonly now: Instant;
  readonly contactEveryDays: number;
  /** Its own mails and its own plan do not count against it. */
  readonly invitationId?: string;
  /** Without it, plans of other waves do not count. */
  readonly rank?: WaveRank;
}

/**
 * From when the budget of an address allows this survey; undefined where it allows it now. That is: the latest mail that was or
 * may have been sent and so many days; or the day on which a wave of higher rank is to ask, and so many days.
 */
export const budgetFreeFrom = (contact: Contact | undefined, request: BudgetRequest): Instant | undefined => {
  const { invitationId, rank } = request;
  const now = Date.parse(request.now);
  const gap = request.contactEveryDays * DAY_MS;
  const sent = Object.values(contact?.claims ?? {})
    .filter((claim) => claim.invitationId !== invitationId)
    .map((claim) => Date.parse(claim.at));
  const awaited = Object.values(contact?.holds ?? {})
    .filter(
      (hold) =>
        hold.invitationId !== invitationId &&
        rank !== undefined &&
        outranks(hold, rank) &&
        Date.parse(hold.until) > now &&
        Date.parse(hold.from) < now + gap &&
        contact?.claims[claimKey(hold.invitationId, 'invitation')] === undefined,
    )
    .map((hold) => Math.max(now, Date.parse(hold.from)));
  const free = Math.max(...sent, ...awaited) + gap;
  return free > now ? new Date(free).toISOString() : undefined;
};

/** Whether `a` asks where both want the same customer: the higher priority, then the earlier plan, then the lower id. */
export const outranks = (a: WaveRank, b: WaveRank): boolean => {
  if (a.waveId === b.waveId) return false;
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.at === b.at ? a.waveId < b.waveId : a.at < b.at;
};

/** Notes an invitation that is to be sent; plans of waves that are over go. @returns the same object where nothing changes */
export const holdContact = (contact: Contact, hold: Hold, now: Instant): Contact => {
  if (contact.address === undefined || JSON.stringify(contact.holds?.[hold.invitationId]) === JSON.stringify(hold))
    return contact;
  const kept = Object.entries(contact.holds ?? {}).filter(([, one]) => one.until > now);
  return { ...contact, holds: { ...Object.fromEntries(kept), [hold.invitationId]: hold } };
};

/** Forgets that an invitation is to be sent. @returns the same object where nothing changes */
export const unholdContact = (contact: Contact, invitationId: string): Contact => {
  const { holds, ...rest } = contact;
  if (holds?.[invitationId] === undefined) return contact;
  const left = Object.entries(holds).filter(([id]) => id !== invitationId);
  return left.length === 0 ? rest : { ...rest, holds: Object.fromEntries(left) };
};

const permissionRefusal = (contact: Contact | undefined, customerId: string): SkipReason | undefined => {
  if (contact === undefined) return 'noAddress';
  if (contact.suppression?.reason === 'erased') return 'erased';
  if (contact.suppression !== undefined) return 'suppressed';
  if (contact.unsubscribed !== undefined) return 'unsubscribed';
  const person = contact.people[customerId];
  if (person === undefined || contact.address === undefined) return 'noAddress';
  if (person.consent?.given === false) return 'noConsent';
  if (person.consent === undefined && CONSENT_REGIONS.includes(person.region ?? '')) return 'noConsent';
  return undefined;
};

export interface ClaimRequest {
  readonly invitationId: string;
  readonly kind: MailKind;
  /** Distinguishes this attempt from every other; only its owner may settle or release the claim. */
  readonly attemptId: string;
  readonly now: Instant;
  readonly contactEveryDays: number;
  readonly customerId: string;
}

export type ClaimDecision =
  | { readonly kind: 'claimed'; readonly contact: Contact; readonly address: string; readonly person: ContactPerson }
  /** Somebody claimed this mail before, perhaps this very worker before it died. */
  | { readonly kind: 'held'; readonly claim: Claim }
  | {
      readonly kind: 'refused';
      readonly reason: SkipReason;
      /** For `contactBudget`: from when it may be tried again. */
      readonly freeFrom?: Instant;
    };

/**
 * Takes the right to send one mail. A reminder belongs to its wave: it needs the invitation to have been accepted, and spends
 * budget without asking for it.
 */
export const claimContact = (contact: Contact | undefined, request: ClaimRequest): ClaimDecision => {
  const key = claimKey(request.invitationId, request.kind);
  const held = contact?.claims[key];
  if (held !== undefined) return { kind: 'held', claim: held };
  const rank = contact?.holds?.[request.invitationId];
  const asked = rank === undefined ? request : { ...request, rank };
  const reason =
    request.kind === 'invitation' ? refusalOf(contact, asked) : permissionRefusal(contact, request.customerId);
  if (reason !== undefined) {
    const freeFrom = reason === 'contactBudget' ? budgetFreeFrom(contact, asked) : undefined;
    return { kind: 'refused', reason, ...(freeFrom === undefined ? {} : { freeFrom }) };
  }
  const person = contact?.people[request.customerId];
  const invited = contact?.claims[claimKey(request.invitationId, 'invitation')]?.outcome === 'accepted';
  if (contact?.address === undefined || person === undefined) return { kind: 'refused', reason: 'noAddress' };
  if (request.kind === 'reminder' && !invited) return { kind: 'refused', reason: 'contactBudget' };
  const oldest = Date.parse(request.now) - CLAIM_MEMORY_DAYS * DAY_MS;
  const kept = Object.entries(contact.claims).filter(([, claim]) => Date.parse(claim.at) >= oldest);
  const { invitationId, kind, attemptId, now } = request;
  return {
    kind: 'claimed',
    address: contact.address,
    person,
    contact: { ...contact, claims: { ...Object.fromEntries(kept), [key]: { invitationId, kind, attemptId, at: now } } },
  };
};

/**
 * Notes what became of a claimed mail. `accepted` is final; `uncertain` only where nothing is known yet. Without `attemptId`
 * (an event of the mail service) any attempt is meant.
 *
 * @returns the same object where nothing changes
 */
export const settleClaim = (
  contact: Contact,
  key: string,
  outcome: 'accepted' | 'uncertain',
  details: { readonly attemptId?: string; readonly messageId?: string },
): Contact => {
  const claim = contact.claims[key];
  if (claim === undefined || claim.outcome === 'accepted' || claim.outcome === outcome) return contact;
  if (details.attemptId !== undefined && claim.attemptId !== details.attemptId) return contact;
  const settled = { ...claim, outcome, ...(details.messageId === undefined ? {} : { messageId: details.messageId }) };
  return { ...contact, claims: { ...contact.claims, [key]: settled } };
};

/** Gives the claim and its budget back, where the mail is proven not to exist and the claim is still this attempt's. */
export const releaseClaim = (contact: Contact, key: string, attemptId: string): Contact => {
  const claim = contact.claims[key];
  if (claim === undefined || claim.attemptId !== attemptId || claim.outcome === 'accepted') return contact;
  return { ...contact, claims: Object.fromEntries(Object.entries(contact.claims).filter(([name]) => name !== key)) };
};
