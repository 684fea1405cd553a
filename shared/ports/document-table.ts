import type { OutboxEntry } from '../domain/business-event.ts';
import type { Outbox } from './outbox.ts';

/**
 * A table with one document per key and a revision that grows with every write. What may be decided about a document is
 * decided on a read copy, and the write is refused if anybody wrote in between: check and change are one atomic write.
 */
export interface DocumentTable<T> extends Outbox {
  get(id: string): Promise<{ readonly document: T; readonly rev: number } | undefined>;
  /** Documents that exist, by key. */
  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, T>>;
  /**
   * Writes if the stored revision is `rev`; null: if there is no document.
   * @param events wait from then on to be sent; in the same write
   */
  put(id: string, document: T, rev: number | null, events?: readonly OutboxEntry[]): Promise<'stored' | 'conflict'>;
  /** Removing what is not there is no error. */
  remove(id: string): Promise<void>;
  /** Up to `limit` documents that are in the table's sparse index, oldest first. */
  listIndexed(limit: number): Promise<readonly T[]>;
  /** All documents whose stored text has `text` in it. Reads the whole table: for showing and erasing a person only. */
  search(text: string): Promise<readonly T[]>;
}
