import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contactsOver, dynamoContacts } from '#shared/adapters/dynamo-contacts.ts';
import type { SkipReason } from '#shared/domain/contact-policy.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import { type OpenTables, openTables } from '#test/support/open-tables.ts';
import { ADDRESS_KEY, memoryDocuments, NOW } from './memory.ts';

let tables: OpenTables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

const engines = {
  memory: (): ContactStore => contactsOver(memoryDocuments(), ADDRESS_KEY),
  dynamo: (): ContactStore => dynamoContacts(tables.client, 'contacts', ADDRESS_KEY),
};

const consent = (given: boolean) => ({ given, source: 'call', at: '2026-05-30' });
/** What forbids a mail, and the reason that a claim is refused with from then on. */
const FORBIDDING: Readonly<
  Record<
    string,
    { readonly reason: SkipReason; readonly act: (contacts: ContactStore, key: string) => Promise<unknown> }
  >
> = {
  unsubscription: { reason: 'unsubscribed', act: (contacts, key) => contacts.unsubscribe(key, NOW) },
  suppression: { reason: 'suppressed', act: (contacts, key) => contacts.suppress(key, 'complaint', NOW) },
  'withdrawal of consent': {
    reason: 'noConsent',
    act: (contacts, key) => contacts.noteConsent(key, 'c1', consent(false)),
  },
  'mail of another wave': {
    reason: 'contactBudget',
    act: (contacts, key) =>
      contacts.claim(key, {
        invitationId: 'of-another-wave',
        kind: 'invitation',
        attemptId: 'x',
        now: NOW,
        contactEveryDays: 90,
        customerId: 'c2',
      }),
  },
};

describe.each(['memory', 'dynamo'] as const)('claiming a mail on %s', (engine) => {
  it.each(Object.keys(FORBIDDING))(
    'R07 is refused after an acknowledged %s, however many claims and writers come at the same time',
    async (name) => {
      const { reason, act } = FORBIDDING[name] ?? { reason: 'erased', act: async () => undefined };
      let addresses = 0;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 4 }), async (before, others) => {
          const contacts = engines[engine]();
          addresses += 1;
          const email = `${name.replaceAll(' ', '-')}-${addresses}@example.com`;
          const key = await contacts.upsertPerson({ customerId: 'c1', email, consent: consent(true) });
          await contacts.upsertPerson({ customerId: 'c2', email, consent: consent(true) });
          const claim = (attempt: string) =>
            contacts.claim(key, {
              invitationId: 'i1',
              kind: 'invitation',
              attemptId: attempt,
              now: NOW,
              contactEveryDays: 90,
              customerId: 'c1',
            });
          const early = Array.from({ length: before }, (_, index) => claim(`before-${index}`));
          const acknowledged = act(contacts, key);
          const rivals = Array.from({ length: others }, (_, index) =>
            contacts.upsertPerson({ customerId: 'c1', email, name: `name ${index}` }),
          );
          await acknowledged;
          const late = await Promise.all([claim('after-1'), claim('after-2')]);
          const results = await Promise.all(early);
          await Promise.all(rivals);

          const claimed = results.filter((result) => result.kind === 'claimed').length;
          expect(claimed).toBeLessThanOrEqual(1);
          // A mail that was claimed before stays its attempt's; nobody else gets one.
          for (const result of late) {
            expect(result).toMatchObject(claimed === 1 ? { kind: 'held' } : { kind: 'refused', reason });
          }
        }),
        { numRuns: engine === 'memory' ? 60 : 6 },
      );
    },
  );
});
