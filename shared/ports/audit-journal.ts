import type { Instant } from '../domain/calendar.ts';

/** What the records themselves are not enough for, such as an entry that is gone. Holds no customer id. */
export interface JournalEntry {
  readonly at: Instant;
  readonly by: string;
  readonly kind: 'staff' | 'clock' | 'import' | 'policy' | 'feed';
  /** One word: `imported`, `removed`, `moved`, `stored`. */
  readonly action: string;
  /** What it was done to. */
  readonly what: string;
  readonly reason: string | null;
}

/** Kept for ever, in the order of time. */
export interface AuditJournal {
  /** @param once names the act: the same entry of the same time with the same name is kept once, however often it is added */
  add(entry: JournalEntry, once?: string): Promise<void>;
  list(): Promise<readonly JournalEntry[]>;
}
