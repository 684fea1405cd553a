import type { AnswerState } from '../domain/answer-judgement.ts';
import type { Answer } from '../domain/answer-rules.ts';

/** What a stored answer still needs, frozen with it so that a sweeper needs nothing else. */
export interface StoredAnswer {
  readonly answer: Answer;
  /** Whether it has yet to reach the customer's facts. */
  readonly pending: boolean;
  readonly subject: string;
  readonly branch: string | null;
  readonly manager: string | null;
  readonly caseForEveryLow: boolean;
  readonly caseDueHours: number;
}

/** Answers by invitation id, durable before anybody is thanked. */
export interface AnswerStore {
  get(answerId: string): Promise<StoredAnswer | undefined>;
  getMany(answerIds: readonly string[]): Promise<ReadonlyMap<string, StoredAnswer>>;
  /** Stores the version if the stored one has the version before (0: none yet). */
  put(stored: StoredAnswer, expectedVersion: number): Promise<'stored' | 'conflict'>;
  /** Marks a version as projected, unless a newer one has come meanwhile. */
  clearPending(answerId: string, version: number): Promise<void>;
  /** Answers that have yet to be projected, oldest first. */
  listPending(limit: number): Promise<readonly StoredAnswer[]>;
  /** All of one customer. Reads the whole table: for showing and erasing a person only. */
  ofCustomer(customerId: string): Promise<readonly StoredAnswer[]>;
  /** All in a state, or all there are, the newest first. Reads the whole table: for an operator's list only. */
  list(state: AnswerState | 'all'): Promise<readonly StoredAnswer[]>;
  remove(answerId: string): Promise<void>;
}
