import type { OutboxEntry } from '../domain/business-event.ts';

/** Events of one thing that wait to be sent, in the order in which they happened. */
export interface WaitingEvents {
  readonly entries: readonly OutboxEntry[];
  /** Forgets the first `count`, which have been sent or are not to be. Doing it twice changes nothing. */
  settle(count: number): Promise<void>;
}

/** Events that were written together with what they tell of, in one write, so that neither exists without the other. */
export interface Outbox {
  /** All that wait, the longest first. What is written meanwhile may be in it or not. */
  waiting(): AsyncIterable<WaitingEvents>;
}

/** Events of what has no outbox of its own. */
export interface OutboxStore extends Outbox {
  /** The same event again changes nothing while it waits; after that it is sent again, with its id. */
  put(entry: OutboxEntry): Promise<'stored' | 'exists'>;
}
