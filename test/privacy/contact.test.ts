import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { eraseContact } from '#shared/application/erase-contact.ts';
import { importCustomers } from '#shared/application/import/import-customers.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { recordAnswer } from '#shared/application/record-answer.ts';
import { sendInvitations } from '#shared/application/send-batch.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import { fileOf, openImportBench } from '../support/import-bench.ts';
import { TOPIC } from '../survey/memory.ts';
import { INVITATION_ID, NOW, OTHER, openPersonBench, PERSON, WAVE_ID } from './person-bench.ts';

const IDENTIFYING = /C-77(?!8)|wang\.fang|王芳|never call me again/u;
const ERASE = ['contact', 'erase', PERSON.customerId, '--reason', 'request of 12 May'] as const;

describe('contact show', () => {
  it('hands out everything held about a person, in both languages, and nothing of the other at the same address', async () => {
    const { say, answer } = await openPersonBench({ sharedAddress: true });
    await answer('never call me again');

    const shown = await say('contact', 'show', PERSON.customerId, '--json');
    expect(shown.code).toBe(0);
    expect(shown.json).toMatchObject({
      customerId: 'C-77',
      addresses: [
        {
          address: PERSON.email,
          name: PERSON.name,
          consent: { given: true, source: 'branch form', date: '2026-01-05' },
        },
      ],
      surveys: [{ question: 'nps', answer: { score: 2, comment: 'never call me again', factor: 'wordOfMouth' } }],
      facts: { purchases: [{ amountMinor: 12_300 }], answers: [{ value: 0.2 }] },
      flags: [{ kind: 'upgrade' }],
      cases: [{ reason: 'callMe' }],
      waves: [{ outcome: 'drawn' }],
    });
    expect(shown.out).not.toMatch(/C-8"|Olga/u);

    const english = await say('contact', 'show', PERSON.customerId);
    expect(english.out).toContain('given on 2026-01-05, source branch form');
    expect(english.out).toContain('never call me again');
    expect(english.out).toContain('decided by: Word of mouth');
    expect(english.out).not.toMatch(/Olga/u);
    const chinese = await say('contact', 'show', PERSON.customerId, '--lang', 'zh-CN');
    expect(chinese.out).toContain('2026-01-05 同意，来源 branch form');
    expect(chinese.out).toContain('最看重: 口碑');
  });

  it('hands out what account managers noted, in both languages, and erases it with the person', async () => {
    const { say, everything } = await openPersonBench();
    const note = ['note', 'add', PERSON.customerId, '--about', 'quality', '--rating', '2', '--reason', 'shouts a lot'];
    expect((await say(...note)).code).toBe(0);
    await say('note', 'withdraw', PERSON.customerId, 'n1', '--reason', 'unfair');

    const shown = await say('contact', 'show', PERSON.customerId, '--json');
    expect(shown.json).toMatchObject({
      facts: { notes: [{ rating: 2, reason: 'shouts a lot', withdrawn: { reason: 'unfair' } }] },
    });
    expect((await say('contact', 'show', PERSON.customerId)).out).toMatch(
      /quality 2\/5, Ann \(unverified\): shouts a lot \(withdrawn .* unfair\)/u,
    );
    expect((await say('contact', 'show', PERSON.customerId, '--lang', 'zh-CN')).out).toContain('质量 2/5');
    await say(...ERASE, '--yes');
    expect(await everything()).not.toMatch(/shouts a lot|unfair/u);
  });

  it('writes the file for its owner only, and never over another file', async () => {
    const { say } = await openPersonBench();
    const out = path.join(temporaryFolder('dossier'), 'c77.json');

    expect((await say('contact', 'show', PERSON.customerId, '--out', out)).code).toBe(0);
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ customerId: 'C-77', currency: 'CNY' });
    expect(statSync(out).mode & 0o077).toBe(0);
    const again = await say('contact', 'show', PERSON.customerId, '--out', out);
    expect([again.code, again.err]).toEqual([2, expect.stringContaining('is not overwritten')]);
    const nobody = path.join(path.dirname(out), 'nobody.json');
    expect((await say('contact', 'show', 'C-404', '--out', nobody)).code).toBe(2);
    expect(existsSync(nobody)).toBe(false);
  });
});

describe('contact erase', () => {
  it('R26 leaves nothing that identifies the person in any item or object, and all of the other', async () => {
    const { say, answer, everything, survey, keyOf } = await openPersonBench();
    await answer('never call me again');

    const erased = await say(...ERASE, '--yes', '--json');
    expect(erased.json).toMatchObject({
      outcome: 'erased',
      by: 'Ann (unverified)',
      removed: { facts: 1, addresses: 1, invitations: 1, answers: 1, cases: 1, flags: 1, reports: 1 },
    });
    const left = await everything();
    expect(left).not.toMatch(IDENTIFYING);
    expect(left).toContain(OTHER.email);
    expect(left).toContain('C-778');
    expect(await survey.contacts.get(keyOf(PERSON.customerId))).toEqual({
      addressKey: keyOf(PERSON.customerId),
      suppression: { reason: 'erased', at: NOW },
      claims: {},
      people: {},
    });
    const shown = await say('contact', 'show', PERSON.customerId);
    expect(shown.code).toBe(2);
    expect(shown.err).toContain('was erased on 2026-06-01 by Ann (unverified): request of 12 May');
  });

  it('asks first: without a terminal it needs --yes, and a reason that does not name the person', async () => {
    const { say, everything } = await openPersonBench();

    expect((await say(...ERASE)).err).toContain('add --yes');
    expect((await say('contact', 'erase', PERSON.customerId, '--yes')).code).toBe(2);
    for (const reason of ['C-77 asked', `mail of ${PERSON.email}`, '王芳 wang asked', ' ', 'a\nb']) {
      const refused = await say('contact', 'erase', PERSON.customerId, '--yes', '--reason', reason);
      expect(refused.code, reason).toBe(2);
    }
    expect((await say('contact', 'erase', 'C-404', '--yes', '--reason', 'x')).code).toBe(2);
    expect(await everything()).toContain(PERSON.email);
  });

  it('does nothing the second time and still says who erased and why', async () => {
    const { say } = await openPersonBench();
    await say(...ERASE, '--yes');

    const again = await say('contact', 'erase', PERSON.customerId, '--reason', 'another', '--yes', '--json');
    expect(again.json).toMatchObject({ outcome: 'alreadyErased', reason: 'request of 12 May' });
  });

  it('keeps a shared address for the other, and no longer writes to the erased one there', async () => {
    const { say, survey, keyOf, everything } = await openPersonBench({ sharedAddress: true });
    await say(...ERASE, '--yes');

    const contact = await survey.contacts.get(keyOf(OTHER.customerId));
    expect(Object.keys(contact?.people ?? {})).toEqual([OTHER.customerId]);
    expect(contact?.suppression).toBeUndefined();
    expect(await everything()).not.toMatch(/C-77(?!8)|王芳/u);
  });

  it('is obeyed by the import command: rows of the erased are rejected with the reason', async () => {
    const { say } = await openPersonBench();
    await say(...ERASE, '--yes');
    const file = path.join(temporaryFolder('orders'), 'orders.csv');
    writeFileSync(file, 'customer,date,amount\nC-77,2026-05-01,10\nC-8,2026-05-01,10\n');

    const map = 'customer=customer,date=date,amount=amount';
    const done = await say('import', 'purchases', file, '--map', map, '--json');
    expect(done.json).toMatchObject({ accepted: 1, rejected: 1, newCustomers: 0 });
    expect(readFileSync(`${file}.rejects.csv`, 'utf8')).toContain('the customer was erased and is not taken up again');
  });

  it('waits for a run that is being applied', async () => {
    const { say, bench, everything } = await openPersonBench();
    const { rev, ...pointer } = await bench.ports.pointer.get();
    await bench.ports.pointer.compareAndSet({ ...pointer, applying: { runId: 'r9', seq: 9 } }, rev);

    const refused = await say(...ERASE, '--yes');
    expect(refused.err).toContain('run r9 is being applied');
    expect(await everything()).toContain(PERSON.email);
  });

  it('R37 is finished by the next call wherever it was killed', async () => {
    for (let killedAt = 0; killedAt < 40; killedAt += 1) {
      const { persons, answer, everything } = await openPersonBench();
      await answer('never call me again');
      let calls = 0;
      const dying = <T extends object>(store: T): T =>
        new Proxy(store, {
          get: (from, name, receiver) => {
            const value: unknown = Reflect.get(from, name, receiver);
            if (typeof value !== 'function') return value;
            return (...input: unknown[]) => {
              if (!/^(?:put|remove|erase|erasePerson)$/u.test(String(name))) return value.apply(from, input);
              calls += 1;
              if (calls > killedAt) throw new Error('killed');
              return value.apply(from, input);
            };
          },
        });
      const fragile = Object.fromEntries(
        Object.entries(persons).map(([name, store]) => [name, typeof store === 'object' ? dying(store) : store]),
      ) as unknown as typeof persons;
      const request = { customerId: PERSON.customerId, by: 'Ann', reason: 'asked' };

      const first = await eraseContact(request, fragile).then(
        () => 'done',
        () => 'killed',
      );
      const second = await eraseContact(request, persons);
      expect(second.reason).toBe('asked');
      expect(await everything(), `killed at write ${killedAt}`).not.toMatch(IDENTIFYING);
      expect((await persons.erasures.get(PERSON.customerId))?.subject).toBeNull();
      if (first === 'done') return;
    }
    throw new Error('the erasure never ended by itself');
  });

  it('I2 holds back a mail that was claimed just before, also at an address that another shares', async () => {
    for (const sharedAddress of [false, true]) {
      const { persons, survey, clock } = await openPersonBench({ sharedAddress });
      const sent: string[] = [];
      await sendInvitations(
        { waveId: WAVE_ID, batch: 0 },
        {
          ...survey,
          clock,
          contacts: {
            ...survey.contacts,
            claim: async (key, request) => {
              const claimed = await survey.contacts.claim(key, request);
              if (request.customerId === PERSON.customerId) {
                await eraseContact({ customerId: PERSON.customerId, by: 'Ann', reason: 'asked' }, persons);
              }
              return claimed;
            },
          },
          compose: (mail) => ({
            raw: new Uint8Array(),
            from: 'a@example.com',
            to: mail.to,
            tags: { inv: mail.invitationId },
          }),
          mail: {
            send: async (mail) => {
              sent.push(mail.tags['inv'] ?? '');
              return { kind: 'accepted', messageId: 'm' };
            },
          },
          pacer: { reserve: async () => undefined },
          newAttemptId: () => 't1',
        },
      );
      expect(sent).not.toContain(INVITATION_ID);
    }
  });

  it('keeps no answer that was being stored meanwhile, even if it cannot be projected at once', async () => {
    const { persons, survey, clock, everything } = await openPersonBench();
    const result = await recordAnswer(
      { invitationId: INVITATION_ID, score: 1, comment: 'never call me again', wishes: [], honeypot: false },
      {
        clock,
        invitations: survey.invitations,
        cases: survey.cases,
        customers: {
          get: async () => {
            throw new Error('throttled');
          },
          put: persons.customers.put,
        },
        answers: {
          ...survey.answers,
          put: async (stored, version) => {
            await eraseContact({ customerId: PERSON.customerId, by: 'Ann', reason: 'asked' }, persons);
            return survey.answers.put(stored, version);
          },
        },
        businessTimeZone: 'UTC',
        onProjectionFailed: () => undefined,
      },
    );
    expect(result.kind).toBe('unknown');
    expect(await everything()).not.toMatch(IDENTIFYING);
  });

  it('takes up nothing of what comes late: events, answers, imports', async () => {
    const { say, answer, persons, survey, everything } = await openPersonBench();
    await say(...ERASE, '--yes');

    expect((await answer('never call me again')).kind).toBe('unknown');
    const event = {
      eventType: 'Bounce',
      mail: { messageId: 'm1', timestamp: NOW, tags: { inv: [INVITATION_ID], kind: ['invitation'] } },
      bounce: { bounceType: 'Permanent', timestamp: NOW },
    };
    const body = JSON.stringify({ Type: 'Notification', TopicArn: TOPIC, Message: JSON.stringify(event) });
    expect(await ingestMailEvent(body, { ...survey, clock: { now: () => NOW }, topicArn: TOPIC })).toBe('ignored');

    const imports = openImportBench();
    const ports = {
      ...imports.ports,
      contacts: survey.contacts,
      customers: persons.customers,
      erasures: persons.erasures,
    };
    const customers = await importCustomers(
      fileOf(
        `id,email,name\nC-77,${PERSON.email},${PERSON.name}\nC-9,${PERSON.email},Nina\nC-10,ten@example.com,Ten\n`,
      ),
      { asOf: '2026-05-31', map: { id: 'id', email: 'email', name: 'name' }, rejects: imports.rejects },
      ports,
    );
    const purchases = await importPurchases(
      fileOf('customer,date,amount\nC-77,2026-05-01,10\nC-10,2026-05-01,10\n'),
      { map: { customer: 'customer', date: 'date', amount: 'amount' }, currency: 'CNY' },
      ports,
    );
    expect([customers.accepted, customers.rejected, purchases.accepted, purchases.rejected]).toEqual([2, 1, 1, 1]);
    expect(imports.rejected[0]?.reason).toBe('the customer was erased and is not taken up again');
    expect(await everything()).not.toMatch(/C-77(?!8)|wang\.fang|王芳|Nina/u);
  });

  it('R26 is done again for whoever a restore of the tables brought back, and for nobody else', async () => {
    const { say, persons, everything } = await openPersonBench();
    const before = await persons.customers.get(PERSON.customerId);
    if (before === undefined) throw new Error('the person is not there');
    expect((await say(...ERASE, '--yes')).code).toBe(0);
    expect((await say('contact', 'erase', '--restored', '--yes', '--json')).json).toEqual({
      looked: 1,
      erased: 0,
      unreadable: 0,
    });

    await persons.customers.ensureSubjects([PERSON.customerId]);
    const subject = (await persons.customers.subjectsOf([PERSON.customerId])).get(PERSON.customerId) ?? '';
    await persons.customers.put({ ...before, subject }, null);
    expect(await everything()).toMatch(/C-77/u);

    const { json, code } = await say('contact', 'erase', '--restored', '--yes', '--json');
    expect({ code, json }).toEqual({ code: 0, json: { looked: 2, erased: 1, unreadable: 0 } });
    expect(await everything()).not.toMatch(/C-77(?!8)/u);
    expect((await persons.customers.get(OTHER.customerId))?.customerId).toBe(OTHER.customerId);
    expect((await persons.erasures.get(PERSON.customerId))?.reason).toBe('request of 12 May');
  });

  it.each([
    [['contact', 'erase', '--yes'], 'customer-missing'],
    [['contact', 'erase', 'C-77', '--yes'], 'reason-missing'],
    [['contact', 'erase', 'C-77', '--restored', '--yes'], 'option-invalid'],
    [['contact', 'erase', '--restored'], 'confirmation-missing'],
  ])('refuses %j', async (words, code) => {
    const { say } = await openPersonBench();

    const said = await say(...words, '--json');
    expect(said).toMatchObject({ code: 2, json: { error: { code } } });
  });
});
