import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importCustomers } from '#shared/application/import/import-customers.ts';
import { type Consent, newestConsent } from '#shared/domain/contact-policy.ts';
import { fileOf, openImportBench } from '../support/import-bench.ts';
import { memoryStores, NOW } from '../survey/memory.ts';

const MAP = { id: 'id', email: 'email', consent: 'consent', consentAt: 'given_on', consentSource: 'form' };

const imported = async (text: string, source?: string) => {
  const bench = openImportBench();
  const result = await importCustomers(
    fileOf(text),
    { asOf: '2026-05-31', map: MAP, ...(source === undefined ? {} : { source }) },
    bench.ports,
  );
  return { ...result, consents: bench.people.map((person) => person.consent) };
};

describe('importing consent', () => {
  it('carries the source and the date of each consent', async () => {
    const { consents, notices } = await imported(
      'id,email,consent,given_on,form\na,a@example.com,yes,2026-02-03,branch form 7\n',
    );

    expect(consents).toEqual([{ given: true, source: 'branch form 7', at: '2026-02-03' }]);
    expect(notices).toEqual([]);
  });

  it('takes up no consent without date or source or dated ahead, says so, and keeps the rest of the row', async () => {
    const { consents, notices, accepted } = await imported(
      [
        'id,email,consent,given_on,form',
        'a,a@example.com,yes,,web',
        'b,b@example.com,yes,2026-02-03,',
        'c,c@example.com,yes,2027-01-01,web',
        'd,d@example.com,yes,,web',
        'e,e@example.com,yes,soon,web',
      ].join('\n'),
    );

    expect(accepted).toBe(5);
    expect(consents).toEqual([undefined, undefined, undefined, undefined, undefined]);
    expect(notices).toEqual([
      'the consent of 2 rows, first in line 2, is not taken up: it has no date in the column of consentAt',
      'the consent of 1 row, first in line 3, is not taken up: it has no source; name it with --source, or map a column to consentSource',
      'the consent of 1 row, first in line 4, is not taken up: it is dated ahead: 2027-01-01 is after today, 2026-06-01',
      expect.stringContaining('first in line 6, is not taken up: its date cannot be read'),
    ]);
  });

  it('always takes up a refusal, whatever it lacks', async () => {
    const { consents, notices } = await imported('id,email,consent,given_on,form\na,a@example.com,no,,\n');

    expect(consents).toEqual([{ given: false, source: 'default', at: '2026-05-31' }]);
    expect(notices).toEqual([]);
  });

  it('never lets an older consent take the place of a newer withdrawal, in whatever order files come', async () => {
    const { contacts } = memoryStores();
    const person = { customerId: 'c1', email: 'a@example.com' };
    const key = await contacts.upsertPerson({ ...person, consent: { given: false, source: 'call', at: '2026-05-02' } });
    await contacts.upsertPerson({ ...person, consent: { given: true, source: 'crm', at: '2026-05-01' } });
    await contacts.upsertPerson({ ...person, consent: { given: true, source: 'crm', at: '2026-05-02' } });
    expect((await contacts.get(key))?.people['c1']?.consent?.given).toBe(false);

    await contacts.upsertPerson({ ...person, consent: { given: true, source: 'web', at: '2026-05-03' } });
    expect((await contacts.get(key))?.people['c1']?.consent).toEqual({ given: true, source: 'web', at: '2026-05-03' });
  });

  it('settles on one consent for every order of arrival', () => {
    const consent: fc.Arbitrary<Consent> = fc.record({
      given: fc.boolean(),
      source: fc.constant('x'),
      at: fc.integer({ min: 1, max: 6 }).map((day) => `2026-05-0${day}`),
    });
    fc.assert(
      fc.property(fc.array(consent, { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.nat(5)), (all, draw) => {
        const shuffled = all.map((one) => ({ one, rank: draw.next().value })).sort((a, b) => a.rank - b.rank);
        const settle = (list: readonly Consent[]) => list.reduce<Consent | undefined>(newestConsent, undefined);
        expect(settle(shuffled.map(({ one }) => one))).toEqual(settle(all));
        const last = all
          .map(({ at }) => at)
          .sort()
          .at(-1);
        expect(settle(all)?.given).toBe(!all.some(({ at, given }) => at === last && !given));
      }),
    );
  });
});

describe('a withdrawal in a row without an address', () => {
  const world = () => {
    const bench = openImportBench();
    const { contacts } = memoryStores();
    const ports = { ...bench.ports, contacts };
    const people = async () =>
      (await contacts.ofCustomer('c1')).map((one) => [one.address, one.people['c1']?.consent?.given]);
    return {
      bench,
      contacts,
      people,
      key: async () => (await ports.customers.get('c1'))?.contactKey ?? '',
      takes: (text: string, asOf: string) => importCustomers(fileOf(text), { asOf, map: PLAIN, source: 'crm' }, ports),
    };
  };
  const PLAIN = { id: 'id', email: 'email', consent: 'consent' };

  it('R10 reaches the person at the known address, and the next claim is refused', async () => {
    const { takes, people, contacts, key } = world();
    await takes('id,email,consent\nc1,a@example.com,yes\n', '2026-05-01');
    await takes('id,email,consent\nc1,,no\n', '2026-05-10');

    expect(await people()).toEqual([['a@example.com', false]]);
    const claim = await contacts.claim(await key(), {
      invitationId: 'i',
      kind: 'invitation',
      attemptId: 't',
      now: NOW,
      contactEveryDays: 90,
      customerId: 'c1',
    });
    expect(claim).toEqual({ kind: 'refused', reason: 'noConsent' });
  });

  it('R10 waits with the customer while no address is known, and holds once one comes', async () => {
    const { takes, people, bench } = world();
    await takes('id,email,consent\nc1,,no\n', '2026-05-01');
    expect((await bench.all())['c1']?.consent).toEqual({ given: false, source: 'crm', at: '2026-05-01' });
    await takes('id,email,consent\nc1,a@example.com,\n', '2026-05-10');
    expect(await people()).toEqual([['a@example.com', false]]);

    await takes('id,email,consent\nc1,a@example.com,yes\n', '2026-05-20');
    expect(await people()).toEqual([['a@example.com', true]]);
  });

  it('goes along to a new address, and back to the old one', async () => {
    const { takes, people } = world();
    await takes('id,email,consent\nc1,a@example.com,yes\n', '2026-05-01');
    await takes('id,email,consent\nc1,b@example.com,no\n', '2026-05-10');
    await takes('id,email,consent\nc1,c@example.com,\n', '2026-05-12');
    expect((await people()).find(([address]) => address === 'c@example.com')).toEqual(['c@example.com', false]);
    await takes('id,email,consent\nc1,a@example.com,\n', '2026-05-14');
    expect((await people()).find(([address]) => address === 'a@example.com')).toEqual(['a@example.com', false]);
  });

  it('counts beside a row with the address in the same file, whichever comes first', async () => {
    for (const rows of [
      ['c1,2026-05-10,,no', 'c1,2026-05-01,a@example.com,yes'],
      ['c1,2026-05-01,a@example.com,yes', 'c1,2026-05-10,,no'],
    ]) {
      const { people, bench, contacts } = world();
      const map = { ...PLAIN, date: 'date' };
      await importCustomers(
        fileOf(`id,date,email,consent\n${rows.join('\n')}\n`),
        { map, source: 'crm' },
        { ...bench.ports, contacts },
      );
      expect(await people()).toEqual([['a@example.com', false]]);
    }
  });

  it('is not lost where the import dies at any write and is done again', async () => {
    for (let puts = 0; puts < 2; puts += 1) {
      const { takes, people, bench } = world();
      await takes('id,email,consent\nc1,a@example.com,yes\n', '2026-05-01');
      bench.failAfterPuts(puts);
      await takes('id,email,consent\nc1,b@example.com,\nc1,,no\n', '2026-05-10').catch(() => undefined);
      await takes('id,email,consent,tier\nc1,,no,gold\n', '2026-05-11').catch(() => undefined);
      bench.failAfterPuts(undefined);
      await takes('id,email,consent,tier\nc1,,no,gold\n', '2026-05-11');

      expect((await people()).some(([, given]) => given === false)).toBe(true);
      await takes('id,email,consent\nc1,d@example.com,\n', '2026-05-12');
      expect((await people()).find(([address]) => address === 'd@example.com')).toEqual(['d@example.com', false]);
    }
  });
});
