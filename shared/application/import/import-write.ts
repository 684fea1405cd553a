import { mapConcurrently } from '../../concurrently.ts';
import type { CustomerFacts } from '../../domain/facts.ts';
import { newCustomer } from '../../domain/merge-facts.ts';
import { PoisonError, RetryableError } from '../../errors.ts';
import type { CustomerStore } from '../../ports/customer-store.ts';

/** Rows per chunk: what is grouped by customer before it is written. */
export const CHUNK_ROWS = 50_000;
/** Customers whose facts are in memory at once. */
const SLICE = 1_000;
const CONCURRENT_WRITES = 16;
const CONFLICT_TRIES = 20;

export interface WriteCounts {
  written: number;
  newCustomers: number;
  readonly unreadable: Set<string>;
}

export const newWriteCounts = (): WriteCounts => ({ written: 0, newCustomers: 0, unreadable: new Set() });

/** Gives the changed facts, or undefined where nothing changes. May be called again with newer facts. */
export type FactsChange = (facts: CustomerFacts) => CustomerFacts | undefined;

/**
 * Changes the facts of many customers, each in one conditional write; where another writer came first, on what that one
 * wrote. Customers who are not known yet are created. One whose stored facts cannot be read is named in `counts.unreadable`.
 */
export const changeCustomers = async (
  customers: CustomerStore,
  changes: ReadonlyMap<string, FactsChange>,
  counts: WriteCounts,
): Promise<void> => {
  const ids = [...changes.keys()];
  for (let from = 0; from < ids.length; from += SLICE) {
    const slice = ids.slice(from, from + SLICE);
    const subjects = await customers.ensureSubjects(slice);
    const stored = await readable(customers, slice, subjects, counts);
    await mapConcurrently(slice, CONCURRENT_WRITES, async (customerId) => {
      const subject = subjects.get(customerId);
      const change = changes.get(customerId);
      if (subject === undefined || change === undefined || counts.unreadable.has(customerId)) return;
      await changeOne(customers, customerId, subject, stored.get(subject), change, counts);
    });
  }
};

const changeOne = async (
  customers: CustomerStore,
  customerId: string,
  subject: string,
  known: CustomerFacts | undefined,
  change: FactsChange,
  counts: WriteCounts,
): Promise<void> => {
  let facts = known;
  for (let tries = 0; tries < CONFLICT_TRIES; tries += 1) {
    const next = change(facts ?? newCustomer(customerId, subject));
    if (next === undefined) return;
    if ((await customers.put(next, facts?.factsRev ?? null)) === 'stored') {
      counts.written += 1;
      if (facts === undefined) counts.newCustomers += 1;
      return;
    }
    facts = (await customers.getMany([subject])).get(subject);
  }
  throw new RetryableError('customer-busy', `a customer kept changing under ${CONFLICT_TRIES} attempts to write it`);
};

const readable = async (
  customers: CustomerStore,
  ids: readonly string[],
  subjects: ReadonlyMap<string, string>,
  counts: WriteCounts,
): Promise<ReadonlyMap<string, CustomerFacts>> => {
  try {
    return await customers.getMany([...subjects.values()]);
  } catch (error) {
    if (!(error instanceof PoisonError)) throw error;
  }
  const found = new Map<string, CustomerFacts>();
  await mapConcurrently(ids, CONCURRENT_WRITES, async (customerId) => {
    const subject = subjects.get(customerId);
    if (subject === undefined) return;
    try {
      const facts = (await customers.getMany([subject])).get(subject);
      if (facts !== undefined) found.set(subject, facts);
    } catch (error) {
      if (!(error instanceof PoisonError)) throw error;
      counts.unreadable.add(customerId);
    }
  });
  return found;
};
