import { createHash } from 'node:crypto';
import { mapConcurrently } from '#shared/concurrently.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { ImportedPerson } from '#shared/ports/imports.ts';
import type { ImportPorts } from './import-batches.ts';
import { changeCustomers, type FactsChange, newWriteCounts } from './import-write.ts';

const CONCURRENT_CONTACTS = 16;

/**
 * Makes up an address at example.com, a name and a language for every customer without an address, half in English and half
 * in Chinese, with consent from the source `demo`. The same customer always gets the same; done twice it changes nothing.
 *
 * @returns how many customers got an address
 */
export const addDemoContacts = async (
  ports: ImportPorts,
  onProgress: (done: number) => void = () => undefined,
): Promise<number> => {
  const at = ports.clock.now();
  const counts = newWriteCounts();
  for (let bucket = 0; bucket < ports.customers.buckets; bucket += 1) {
    const lacking: CustomerFacts[] = [];
    for await (const read of ports.customers.readBucket(bucket)) {
      if (read.kind === 'customer' && read.facts.contactKey === undefined) lacking.push(read.facts);
    }
    const changes = new Map<string, FactsChange>();
    await mapConcurrently(lacking, CONCURRENT_CONTACTS, async ({ customerId }) => {
      const contactKey = await ports.contacts.upsertPerson(demoPerson(customerId, at.slice(0, 10)));
      changes.set(customerId, (facts) =>
        facts.contactKey === undefined
          ? { ...facts, contactKey, factsRev: facts.factsRev + 1, changedAt: at }
          : undefined,
      );
    });
    await changeCustomers(ports.customers, changes, counts);
    onProgress(counts.written);
  }
  return counts.written;
};

/** The invented person behind a customer id. */
export const demoPerson = (customerId: string, at: string): ImportedPerson => {
  const digest = createHash('sha256').update(`demo contact ${customerId}`).digest('hex');
  const chinese = Number.parseInt(digest.slice(0, 2), 16) % 2 === 0;
  const short = digest.slice(2, 8);
  return {
    customerId,
    email: `demo-${digest.slice(0, 16)}@example.com`,
    name: chinese ? `示例客户 ${short}` : `Demo customer ${short}`,
    language: chinese ? 'zh-CN' : 'en',
    consent: { given: true, source: 'demo', at },
  };
};
