import type { CaseReason } from '../domain/answer-rules.ts';
import type { Instant } from '../domain/calendar.ts';
import type { CaseOutcome } from '../domain/case-outcomes.ts';

/** Who has to act. A case always has an owner. */
export interface CaseOwner {
  readonly kind: 'manager' | 'branch' | 'central';
  /** Name of the manager or branch; `central` for the central queue. */
  readonly name: string;
}

export interface CaseEvent {
  readonly event: 'opened' | 'taken' | 'updated' | 'closed' | 'reopened' | 'answerDiscarded' | 'answerConfirmed';
  readonly at: Instant;
  readonly by: string;
  readonly note?: string;
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
  readonly score: number;
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
  readonly history: readonly CaseEvent[];
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
