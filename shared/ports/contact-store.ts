import type { Instant } from '../domain/calendar.ts';
import type {
  Claim,
  ClaimRequest,
  Consent,
  Contact,
  ContactPerson,
  Hold,
  MailKind,
  SkipReason,
  SuppressionReason,
  SurveyLanguage,
} from '../domain/contact-policy.ts';

/** What an import knows of a person. Absent fields leave what is stored. */
export interface PersonRecord {
  readonly customerId: string;
  readonly email: string;
  readonly name?: string;
  readonly language?: SurveyLanguage;
  readonly region?: string;
  readonly consent?: Consent;
}

/** The part of the contacts that imports may use. */
export interface ContactWriter {
  /**
   * Notes that a customer is reached at an address; suppression and unsubscription of the address stay, and the newer consent
   * or withdrawal. An address whose last customer was erased is not taken up again: nothing is stored.
   *
   * @param before asked for what is known of the consent, where the person is new at the address
   * @returns the contact key, to be stored with the customer
   * @throws PoisonError `address-invalid`
   */
  upsertPerson(person: PersonRecord, before?: () => Promise<Consent | undefined>): Promise<string>;
  /** Notes a consent or a withdrawal of a person at the address; the newer word counts. Nothing where the person is not there. */
  noteConsent?(addressKey: string, customerId: string, consent: Consent): Promise<void>;
  /** What is noted of the consent of a person at the address. */
  consentOf?(addressKey: string, customerId: string): Promise<Consent | undefined>;
}

export type ClaimResult =
  | { readonly kind: 'claimed' }
  | { readonly kind: 'held'; readonly claim: Claim }
  | { readonly kind: 'refused'; readonly reason: SkipReason; readonly freeFrom?: Instant };

/** Addresses and what may be sent to them. Only sending, answering, importing and erasing functions read it. */
export interface ContactStore extends ContactWriter {
  noteConsent(addressKey: string, customerId: string, consent: Consent): Promise<void>;
  consentOf(addressKey: string, customerId: string): Promise<Consent | undefined>;
  get(addressKey: string): Promise<Contact | undefined>;
  getMany(addressKeys: readonly string[]): Promise<ReadonlyMap<string, Contact>>;
  /** Checks permission and budget and takes the claim, in one conditional write. */
  claim(addressKey: string, request: ClaimRequest): Promise<ClaimResult>;
  /** Notes the outcome of a claimed mail; `accepted` is final. Without `attemptId` any attempt is meant. */
  settle(
    addressKey: string,
    mail: { readonly invitationId: string; readonly kind: MailKind; readonly attemptId?: string },
    outcome: 'accepted' | 'uncertain',
    messageId?: string,
  ): Promise<void>;
  /** Removes the claim of this attempt and refunds its budget, where the mail is proven not to exist. */
  release(
    addressKey: string,
    mail: { readonly invitationId: string; readonly kind: MailKind; readonly attemptId: string },
  ): Promise<void>;
  /** Notes that an invitation is to be sent, so that waves of lower rank wait for it. An address that is not there is left so. */
  hold(addressKey: string, hold: Hold, now: Instant): Promise<void>;
  /** The invitation is not to be sent any more. */
  unhold(addressKey: string, invitationId: string): Promise<void>;
  /** No survey goes to the address again until it is undone. The first time counts. */
  unsubscribe(addressKey: string, at: Instant): Promise<void>;
  resubscribe(addressKey: string): Promise<void>;
  suppress(addressKey: string, reason: SuppressionReason, at: Instant): Promise<void>;
  /** Every address at which the customer is, or was, reached. Reads the whole table: for showing and erasing a person only. */
  ofCustomer(customerId: string): Promise<readonly Contact[]>;
  /** Forgets a customer at an address; with the last one the address itself goes and a keyed tombstone stays. */
  erasePerson(addressKey: string, customerId: string, at: Instant): Promise<void>;
}

export type { Contact, ContactPerson };
