import type { DayNumber, Instant, IsoDate } from './calendar.ts';
import type { Consent } from './contact-policy.ts';

/** A value of a trait: a number, a text or a truth. Absent means missing, which is never zero. */
export type TraitValue = number | string | boolean;

/**
 * One packed order-day: all purchases of a customer on one day that share the same attributes.
 * With a source id it is a single purchase, which a later file may replace.
 */
export interface OrderDay {
  readonly day: DayNumber;
  /** How many purchases; at least 1. Returns (negative amounts) count 0. */
  readonly count: number;
  /** Net amount in minor units of the stage's currency; negative for returns; a safe integer. */
  readonly amountMinor: number;
  /** Purchase attributes such as `purpose=business`; empty if none. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Index into `CustomerFacts.batches`. */
  readonly batch: number;
  /** `source/id` where the file gave ids. */
  readonly id?: string;
}

/** One import that touched this customer: its content hash, when it was recorded, which chunks were applied. */
export interface BatchMark {
  readonly batchId: string;
  readonly recordedAt: Instant;
  /** Chunk numbers applied to this customer; the marker that makes a second import of the same file change nothing. */
  readonly chunks: readonly number[];
}

/** Traits as known on a date. A newer snapshot never erases an older one. */
export interface TraitSnapshot {
  readonly date: IsoDate;
  readonly recordedAt: Instant;
  readonly traits: Readonly<Record<string, TraitValue>>;
}

export const CUSTOMER_STATUSES = ['active', 'closed', 'deceased', 'legalHold', 'left'] as const;
export type CustomerStatus = (typeof CUSTOMER_STATUSES)[number];

export interface StatusFact {
  readonly status: CustomerStatus;
  readonly date: IsoDate;
  readonly recordedAt: Instant;
}

/** A stored answer as projected onto the customer: what scoring needs and no more. */
export interface AnswerFact {
  /** Invitation id, or `ext/source/n` for an answer collected elsewhere. */
  readonly answerId: string;
  /** The answer's version; a projection with a lower version is ignored. */
  readonly version: number;
  /** Normalised to 0..1; 1 is best. */
  readonly value: number;
  readonly scale: AnswerScale;
  readonly date: IsoDate;
  readonly recordedAt: Instant;
  /** Looks like a scanner's; kept and shown, counts for nothing until confirmed. */
  readonly suspect: boolean;
}

export const ANSWER_SCALES = ['0-10', '1-5', '1-7'] as const;
export type AnswerScale = (typeof ANSWER_SCALES)[number];

/** A segment set by a person. It survives runs until it expires and shows in every list. */
export interface Pin {
  readonly dimension: string;
  readonly segment: string;
  readonly by: string;
  readonly reason: string;
  readonly setAt: Instant;
  /** Last day on which it holds, inclusive. */
  readonly until: IsoDate;
  /** When, by whom and why it was ended early; a pin that is replaced ends too. It stays as a fact. */
  readonly cleared?: { readonly at: Instant; readonly by: string; readonly reason: string };
}

export interface FlagDecision {
  readonly kind: 'upgrade' | 'exit';
  readonly decision: 'approved' | 'refused';
  readonly by: string;
  readonly reason: string;
  readonly decidedAt: Instant;
  /** The figures that the person decided on; absent in decisions of before they were kept. */
  readonly evidence?: Readonly<Record<string, string | number>>;
}

export const NOTE_SUBJECTS = ['quality', 'potential'] as const;
export type NoteSubject = (typeof NOTE_SUBJECTS)[number];

/** What an account manager says of a customer: a dated rating with its reason. Free text stays here and in no file of a run. */
export interface Note {
  /** `n1`, `n2`, … within the customer, in the order of recording. */
  readonly noteId: string;
  readonly about: NoteSubject;
  /** Whole number 1..5; 5 is best. */
  readonly rating: number;
  /** Business date of what it says. */
  readonly date: IsoDate;
  readonly recordedAt: Instant;
  readonly by: string;
  readonly reason: string;
  /** When, by whom and why it was taken back; it stays as a fact. */
  readonly withdrawn?: { readonly at: Instant; readonly by: string; readonly reason: string };
}

/** Everything known about one customer. Nothing personal: that is in `contacts`. */
export interface CustomerFacts {
  readonly customerId: string;
  /** Random id that stands for the customer in all files; 22 characters base64url. */
  readonly subject: string;
  /** Grows by one with every change of a fact; the condition of every write. */
  readonly factsRev: number;
  /** When the facts last changed and the newest business date among those that changed then. */
  readonly changedAt: Instant;
  readonly batches: readonly BatchMark[];
  /** Ascending by day. */
  readonly orders: readonly OrderDay[];
  /** Ascending by date. */
  readonly snapshots: readonly TraitSnapshot[];
  /** Ascending by date. Without one the customer is active. */
  readonly statuses: readonly StatusFact[];
  readonly answers: Readonly<Record<string, AnswerFact>>;
  readonly pins: readonly Pin[];
  readonly decisions: readonly FlagDecision[];
  /** In the order of recording, withdrawn ones included; absent if none. */
  readonly notes?: readonly Note[];
  /** Id of the open case, if any. */
  readonly openCase?: string;
  /** Key of the contact entry (a keyed hash of the address), if an address is known. */
  readonly contactKey?: string;
  /** The newest word on consent that came while no address was known; the contact entry takes it up with the address. */
  readonly consent?: Consent;
  readonly branch?: string;
  readonly manager?: string;
}
