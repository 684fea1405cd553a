import type { InProcessPorts } from '#shared/application/import/import-batches.ts';
import type { ImportBatch } from '#shared/contracts/import-batch.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { ImportedPerson, ImportSource, RejectedRow } from '#shared/ports/imports.ts';
import { memoryCustomers, memoryObjects, memoryRecords } from './memory-stores.ts';

/** A file that is held in memory, given in pieces of 7 bytes so that characters and lines are cut anywhere. */
export const fileOf = (content: string | Uint8Array, name = 'file.csv', pieceBytes = 7): ImportSource => {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return {
    name,
    open: async function* () {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
    },
  };
};

export interface ImportBench {
  readonly ports: InProcessPorts;
  readonly rejected: RejectedRow[];
  readonly rejects: { write(row: RejectedRow): void };
  readonly people: ImportedPerson[];
  /** How many customers were written. */
  puts(): number;
  /** From now on the n-th write of a customer throws, as if the process had been killed; undefined ends that. */
  failAfterPuts(count: number | undefined): void;
  /** The stored facts of all customers by id. */
  all(): Promise<Record<string, CustomerFacts>>;
}

/** Ports of imports on fakes, with a fixed clock. */
export const openImportBench = (): ImportBench => {
  const store = memoryCustomers(4, (id) => `subject-of-${id}`);
  let puts = 0;
  let failAfter: number | undefined;
  const customers: CustomerStore = {
    ...store,
    put: async (facts, expectedRev) => {
      if (failAfter !== undefined && puts >= failAfter) throw new Error('killed');
      puts += 1;
      return store.put(facts, expectedRev);
    },
  };
  const people: ImportedPerson[] = [];
  const rejected: RejectedRow[] = [];
  return {
    ports: {
      clock: { now: () => '2026-06-01T08:00:00.000Z' },
      customers,
      batches: memoryRecords<ImportBatch>(),
      scratch: memoryObjects(),
      contacts: {
        upsertPerson: async (person) => {
          people.push(person);
          return `contact-of-${person.email}`;
        },
      },
      businessTimeZone: 'Asia/Shanghai',
    },
    people,
    rejected,
    rejects: {
      write: (row) => {
        rejected.push(row);
      },
    },
    puts: () => puts,
    failAfterPuts: (count) => {
      failAfter = count === undefined ? undefined : puts + count;
    },
    all: async () => {
      const facts: Record<string, CustomerFacts> = {};
      for (let bucket = 0; bucket < store.buckets; bucket += 1) {
        for await (const read of store.readBucket(bucket))
          if (read.kind === 'customer') facts[read.facts.customerId] = read.facts;
      }
      return facts;
    },
  };
};
