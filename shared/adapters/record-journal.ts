import * as z from 'zod/mini';
import { RetryableError } from '../errors.ts';
import type { AuditJournal, JournalEntry } from '../ports/audit-journal.ts';
import type { RecordStore } from '../ports/standing-store.ts';

export const StoredJournalEntry = z.object({
  at: z.string(),
  by: z.string(),
  kind: z.enum(['staff', 'clock', 'import', 'policy', 'feed']),
  action: z.string(),
  what: z.string(),
  reason: z.nullable(z.string()),
});

const MOST_AT_ONCE = 100;

/** The journal as records of kind `AUDIT`: `AUDIT / 2026-05-31T08:00:00.000Z#000`, or with the name of the act for the number. */
export const recordJournal = (records: Pick<RecordStore<JournalEntry>, 'create' | 'list'>): AuditJournal => ({
  add: async (entry, once) => {
    if (once !== undefined) {
      await records.create(`${entry.at}#${once}`, entry);
      return;
    }
    for (let number = 0; number < MOST_AT_ONCE; number += 1) {
      const id = `${entry.at}#${String(number).padStart(3, '0')}`;
      if ((await records.create(id, entry)) === 'created') return;
    }
    throw new RetryableError('journal-busy', `the journal has ${MOST_AT_ONCE} entries of ${entry.at} already`);
  },
  list: async () => (await records.list()).map(({ record }) => record),
});
