import type { CaseReason } from '../domain/answer-rules.ts';
import type { Instant } from '../domain/calendar.ts';
import type { CaseOutcome } from '../domain/case-outcomes.ts';
import type { Desk } from '../domain/staff.ts';
import type { StaffMailState } from '../domain/staff-mail-state.ts';

/** Who has to act. A case always has an owner. */
export type CaseOwner = Desk;

export interface CaseEvent {
  readonly event:
    | 'opened'
    | 'taken'
    | 'updated'
    | 'escalated'
    | 'closed'
    | 'reopened'
    | 'answerDiscarded'
    | 'answerConfirmed';
  readonly at: Instant;
  readonly by: string;
  readonly note?: string;
}

/** One mail to the staff about a case. Of a kind and opening there is one, and another for each that came back. */
export interface CaseNotice {
  readonly kind: 'opened' | 'overdue' | 'escalated';
  /** `openedAt` of the opening that it is of: a case that opens again is told again. */
  readonly opening: Instant;
  /** When the last attempt began. */
  readonly at: Instant;
  /** Name in the staff directory; `operators` for the stage's operators. */
  readonly to: string;
  /** `mailboxKey` of the address; absent in mails of before it was kept. */
  readonly mailbox?: string;
  readonly attemptId: string;
  /** Attempts to this address, this one included. */
  readonly tries: number;
  readonly state: StaffMailState;
  readonly reason?: string;
}

/** An answer that a person works on. Its id is the invitation's; the comment stays with the answer. */
export interface CustomerCase {
  readonly caseId: string;
  readonly customerId: string;
  readonly subject: string;
  readonly waveId: string;
  readonly segment: string;
  readonly branch: string | null;
  readonly manager: string | null;
  readonly owner: CaseOwner;
  readonly reason: CaseReason;
  /** Null where the mail reached somebody else, who gave none. */
  readonly score: number | null;
  readonly question: 'nps' | 'csat' | 'ces';
  readonly priority: 'high' | 'normal';
  readonly openedAt: Instant;
  readonly dueAt: Instant;
  readonly state: 'open' | 'taken' | 'closed';
  /** How it ended; absent while it has not. */
  readonly outcome?: CaseOutcome;
  /** Version of the answer that reason and score are of; absent in cases of before it was kept. */
  readonly answerVersion?: number;
  /** Version of the last judgement of the answer that the case has seen; absent if there was none. */
  readonly judgedVersion?: number;
  /** Who judged the answer to be no customer's, when and why; absent while it counts. */
  readonly answerDiscarded?: { readonly by: string; readonly at: Instant; readonly reason: string };
  /** To whom it was escalated in the opening of that time. */
  readonly escalated?: { readonly opening: Instant; readonly at: Instant; readonly to: CaseOwner };
  /** Mails to the staff, the oldest first. */
  readonly notices?: readonly CaseNotice[];
  readonly history: readonly CaseEvent[];
}

/** Every case that is kept. */
export interface CaseArchive {
  /** Reads the whole table: for the audit only. */
  all(): Promise<readonly CustomerCase[]>;
}

export interface CaseStore {
  createIfAbsent(opened: CustomerCase): Promise<'created' | 'exists'>;
  get(caseId: string): Promise<CustomerCase | undefined>;
  /** Changes a case; `change` may be called again where another writer came between. */
  update(caseId: string, change: (known: CustomerCase) => CustomerCase): Promise<CustomerCase | undefined>;
  /** Open and taken cases, the first due first. */
  listOpen(): Promise<readonly CustomerCase[]>;
  /** All of one customer. Reads the whole table: for showing and erasing a person only. */
  ofCustomer(customerId: string): Promise<readonly CustomerCase[]>;
  remove(caseId: string): Promise<void>;
}
