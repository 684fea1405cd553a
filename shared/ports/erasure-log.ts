import type { Instant } from '../domain/calendar.ts';

/** One erasure. Says who asked, when and why, and nothing of the person: the entry's name is a keyed hash of the customer id. */
export interface Erasure {
  readonly by: string;
  readonly reason: string;
  readonly begunAt: Instant;
  /** Null while it is unfinished. */
  readonly doneAt: Instant | null;
  /** The pseudonym, kept only while the erasure is unfinished, so that it can be finished. */
  readonly subject: string | null;
  /** How many entries of each kind were removed. */
  readonly removed: Readonly<Record<string, number>>;
}

/** Who was erased. It lies apart from the tables, so that a restore of a table does not lose it. */
export interface ErasureLog {
  get(customerId: string): Promise<Erasure | undefined>;
  put(customerId: string, erasure: Erasure): Promise<void>;
  /** All of them; `key` is the keyed hash, which tells two apart and nothing else. */
  list(): Promise<readonly { readonly key: string; readonly erasure: Erasure }[]>;
  /** Whether a customer was erased, or is being erased, as of now; for imports, which ask it for every row. */
  load(): Promise<(customerId: string) => boolean>;
}
