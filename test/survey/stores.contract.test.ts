import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersOver, dynamoAnswers } from '#shared/adapters/dynamo-answers.ts';
import { casesOver, dynamoCases } from '#shared/adapters/dynamo-cases.ts';
import { contactsOver, dynamoContacts } from '#shared/adapters/dynamo-contacts.ts';
import { dynamoInvitations, invitationsOver } from '#shared/adapters/dynamo-invitations.ts';
import { closeCase, takeCase } from '#shared/application/work-case.ts';
import { judged } from '#shared/domain/answer-judgement.ts';
import { PoisonError } from '#shared/errors.ts';
import type { StoredAnswer } from '#shared/ports/answer-store.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import { type OpenTables, openTables } from '#test/support/open-tables.ts';
import { ADDRESS_KEY, invitationOf, memoryDocuments, NOW, openCase, storedAnswer } from './memory.ts';

let tables: OpenTables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

const engines = {
  memory: () => ({
    contacts: contactsOver(memoryDocuments(), ADDRESS_KEY),
    invitations: invitationsOver(memoryDocuments()),
    answers: answersOver(memoryDocuments<StoredAnswer>((stored) => (stored.pending ? stored.answer.at : undefined))),
    cases: casesOver(memoryDocuments<CustomerCase>((known) => (known.state === 'closed' ? undefined : known.dueAt))),
  }),
  dynamo: () => {
    const { client } = tables;
    return {
      contacts: dynamoContacts(client, 'contacts', ADDRESS_KEY),
      invitations: dynamoInvitations(client, 'invitations'),
      answers: dynamoAnswers(client, 'answers'),
      cases: dynamoCases(client, 'cases'),
    };
  },
};

describe.each(['memory', 'dynamo'] as const)('survey stores on %s', (engine) => {
  it('hand a claim to exactly one of many concurrent attempts', async () => {
    const { contacts } = engines[engine]();
    const addressKey = await contacts.upsertPerson({ customerId: 'c1', email: 'race@example.com' });
    const request = {
      invitationId: 'i1',
      kind: 'invitation',
      now: NOW,
      contactEveryDays: 90,
      customerId: 'c1',
    } as const;

    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) => contacts.claim(addressKey, { ...request, attemptId: `t${index}` })),
    );

    expect(results.filter((result) => result.kind === 'claimed')).toHaveLength(1);
    expect(results.filter((result) => result.kind === 'held')).toHaveLength(7);
    const other = await contacts.claim(addressKey, { ...request, invitationId: 'i2', attemptId: 'x' });
    expect(other).toMatchObject({ kind: 'refused', reason: 'contactBudget' });
  });

  it('release only the claim of the attempt that took it', async () => {
    const { contacts } = engines[engine]();
    const addressKey = await contacts.upsertPerson({ customerId: 'c1', email: 'release@example.com' });
    const mail = { invitationId: 'i1', kind: 'invitation', attemptId: 't1' } as const;
    await contacts.claim(addressKey, { ...mail, now: NOW, contactEveryDays: 90, customerId: 'c1' });

    await contacts.release(addressKey, { ...mail, attemptId: 'other' });
    expect(Object.keys((await contacts.get(addressKey))?.claims ?? {})).toEqual(['i1#invitation']);
    await contacts.release(addressKey, mail);
    expect((await contacts.get(addressKey))?.claims).toEqual({});
  });

  it('keep suppression and unsubscription when a person is imported again, and forget a person who is erased', async () => {
    const { contacts } = engines[engine]();
    const person = { customerId: 'c1', email: 'Keep@Example.com', name: '李雷', language: 'zh-CN' } as const;
    const addressKey = await contacts.upsertPerson(person);
    await contacts.unsubscribe(addressKey, NOW);
    await contacts.suppress(addressKey, 'hardBounce', NOW);

    expect(await contacts.upsertPerson({ ...person, email: ' keep@example.com' })).toBe(addressKey);
    expect(await contacts.get(addressKey)).toMatchObject({
      address: 'keep@example.com',
      unsubscribed: { at: NOW },
      suppression: { reason: 'hardBounce' },
      people: { c1: { name: '李雷', language: 'zh-CN' } },
    });
    await contacts.erasePerson(addressKey, 'c1', NOW);
    expect(JSON.stringify(await contacts.get(addressKey))).not.toMatch(/keep@|李雷|c1/u);
    await expect(contacts.upsertPerson({ customerId: 'c1', email: 'no address' })).rejects.toBeInstanceOf(PoisonError);
  });

  it('create an invitation once and keep what others changed', async () => {
    const { invitations } = engines[engine]();
    const first = invitationOf(1);
    await invitations.createMany([first]);
    await invitations.update(first.invitationId, (known) => ({ ...known, deliveredAt: NOW }));

    await invitations.createMany([first, invitationOf(2)]);

    const all = await invitations.getMany([
      first.invitationId,
      invitationOf(2).invitationId,
      invitationOf(3).invitationId,
    ]);
    expect(all.size).toBe(2);
    expect(all.get(first.invitationId)?.deliveredAt).toBe(NOW);
  });

  it('store an answer only on top of the version it was made from, and list it until it is projected', async () => {
    const { answers } = engines[engine]();
    expect(await answers.put(storedAnswer('a1', 1), 0)).toBe('stored');
    expect(await answers.put(storedAnswer('a1', 1), 0)).toBe('conflict');
    expect((await answers.listPending(10)).map((one) => one.answer.comment)).toEqual(['很好 😀']);
    expect(await answers.put(storedAnswer('a1', 2), 1)).toBe('stored');

    await answers.clearPending('a1', 1);
    expect((await answers.get('a1'))?.pending).toBe(true);
    await answers.clearPending('a1', 2);

    expect(await answers.listPending(10)).toEqual([]);
    expect(await answers.get('a1')).toMatchObject({ pending: false, answer: { version: 2 } });
  });

  it('list answers by what they count as, the newest first', async () => {
    const { answers } = engines[engine]();
    for (const [index, suspect] of [true, true, false].entries()) {
      const stored = storedAnswer(`list${index}`, 1);
      const at = `2026-06-0${index + 1}T08:00:00.000Z`;
      // A comment that looks like a state is no state.
      const comment = 'x","suspect":true,"decision":"confirmed';
      await answers.put({ ...stored, answer: { ...stored.answer, at, comment, suspect } }, 0);
    }
    const second = await answers.get('list1');
    if (second === undefined) throw new Error('it was stored');
    const judgement = { decision: 'discarded', by: 'Ann', at: NOW, reason: 'a scanner' } as const;
    await answers.put({ ...second, answer: judged(second.answer, judgement) }, 1);

    const listed = async (state: Parameters<typeof answers.list>[0]) =>
      (await answers.list(state)).map(({ answer }) => answer.answerId).filter((id) => id.startsWith('list'));
    expect(await listed('suspect')).toEqual(['list0']);
    expect(await listed('discarded')).toEqual(['list1']);
    expect(await listed('confirmed')).toEqual([]);
    expect(await listed('counted')).toEqual(['list2']);
    expect(await listed('all')).toEqual(['list2', 'list1', 'list0']);
  });

  it('close a case once, whoever takes and closes it at the same time, and tell the others who did', async () => {
    const { cases } = engines[engine]();
    const clock = { now: () => NOW };
    const customers = { get: async () => undefined, put: async () => 'stored' as const };
    for (let round = 0; round < 5; round += 1) {
      const caseId = `raced-${round}`;
      await cases.createIfAbsent(openCase(caseId, { history: [{ event: 'opened', at: NOW, by: 'w' }] }));
      const ports = { cases, customers, clock };
      const outcomes = await Promise.allSettled([
        ...['Ann', 'Bob', 'Li Wei'].map((by) => closeCase(caseId, { by, outcome: 'solved', note: by }, ports)),
        ...['Ann', 'Eve'].map((by) => takeCase(caseId, { by }, ports)),
      ]);
      const known = await cases.get(caseId);
      const closed = known?.history.filter((one) => one.event === 'closed') ?? [];
      const failed = outcomes.flatMap((one) => (one.status === 'rejected' ? [String(one.reason.message)] : []));

      expect(closed).toHaveLength(1);
      expect(known?.history.at(-1)).toEqual(closed[0]);
      expect(outcomes.slice(0, 3).filter((one) => one.status === 'fulfilled')).toHaveLength(1);
      for (const message of failed)
        expect(message).toMatch(new RegExp(`closed by ${closed[0]?.by}|taken by (Ann|Eve)`));
    }
    expect((await cases.listOpen()).filter((one) => one.caseId.startsWith('raced'))).toEqual([]);
  });

  it('open a case once, and list open ones by their due time', async () => {
    const { cases } = engines[engine]();
    const known = (caseId: string, dueAt: string): CustomerCase => openCase(caseId, { dueAt });
    expect(await cases.createIfAbsent(known('late', '2026-06-03T00:00:00.000Z'))).toBe('created');
    expect(await cases.createIfAbsent(known('soon', '2026-06-02T00:00:00.000Z'))).toBe('created');
    expect(await cases.createIfAbsent(known('soon', '2026-06-09T00:00:00.000Z'))).toBe('exists');

    expect((await cases.listOpen()).map((one) => one.caseId)).toEqual(['soon', 'late']);
    await cases.update('soon', (one) => ({ ...one, state: 'closed' }));

    expect((await cases.listOpen()).map((one) => one.caseId)).toEqual(['late']);
  });
});
