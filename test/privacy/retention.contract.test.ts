import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerExpiry, answersOver, dynamoAnswers } from '#shared/adapters/dynamo-answers.ts';
import { caseExpiry, casesOver, dynamoCases } from '#shared/adapters/dynamo-cases.ts';
import { dynamoInvitations, invitationExpiry, invitationsOver } from '#shared/adapters/dynamo-invitations.ts';
import { RETENTION_DAYS } from '#shared/domain/retention.ts';
import type { StoredAnswer } from '#shared/ports/answer-store.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import { type OpenTables, openTables } from '#test/support/open-tables.ts';
import { CLOSES, invitationOf, memoryDocuments, NOW, openCase, settableClock, storedAnswer } from '../survey/memory.ts';

let tables: OpenTables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

const DAY_MS = 86_400_000;
const later = (instant: string, days: number, ms = 0): string =>
  new Date(Date.parse(instant) + days * DAY_MS + ms).toISOString();

const engines = {
  memory: (clock: ReturnType<typeof settableClock>) => ({
    invitations: invitationsOver(memoryDocuments(undefined, invitationExpiry(clock))),
    answers: answersOver(
      memoryDocuments<StoredAnswer>((one) => (one.pending ? one.answer.at : undefined), answerExpiry(clock)),
    ),
    cases: casesOver(
      memoryDocuments<CustomerCase>((one) => (one.state === 'closed' ? undefined : one.dueAt), caseExpiry(clock)),
    ),
  }),
  dynamo: (clock: ReturnType<typeof settableClock>) => {
    const { client } = tables;
    return {
      invitations: dynamoInvitations(client, 'invitations', clock),
      answers: dynamoAnswers(client, 'answers', clock),
      cases: dynamoCases(client, 'cases', clock),
    };
  },
};

const stored = storedAnswer('a1', 1);

const opened = openCase('k1', {
  reason: 'complaint',
  score: 1,
  priority: 'high',
  history: [{ event: 'opened', at: NOW, by: 'w' }],
});

describe.each(['memory', 'dynamo'] as const)('R26 retention on %s', (engine) => {
  it('reads an invitation to the last instant of its time and not from then on, deleted or not', async () => {
    const clock = settableClock(NOW);
    const { invitations } = engines[engine](clock);
    const invitation = invitationOf(1);
    const { invitationId, customerId } = invitation;
    await invitations.createMany([invitation]);

    clock.moveTo(later(CLOSES, RETENTION_DAYS.invitations, -1000));
    expect(await invitations.get(invitationId)).toEqual(invitation);
    clock.moveTo(later(CLOSES, RETENTION_DAYS.invitations));
    expect(await invitations.get(invitationId)).toBeUndefined();
    expect((await invitations.getMany([invitationId])).size).toBe(0);
    expect(await invitations.ofCustomer(customerId)).toEqual([]);
    expect(await invitations.update(invitationId, (one) => ({ ...one, branch: 'south' }))).toBeUndefined();
  });

  it('lists no expired answer, and takes a new one in its place', async () => {
    const clock = settableClock(NOW);
    const { answers } = engines[engine](clock);
    expect(await answers.put(stored, 0)).toBe('stored');
    expect(await answers.listPending(10)).toHaveLength(1);

    const end = later(NOW, RETENTION_DAYS.answers);
    clock.moveTo(end);
    expect(await answers.get('a1')).toBeUndefined();
    expect(await answers.listPending(10)).toEqual([]);
    expect(await answers.ofCustomer('c1')).toEqual([]);
    const again = { ...stored, answer: { ...stored.answer, at: end } };
    expect(await answers.put(again, 0)).toBe('stored');
    expect(await answers.get('a1')).toEqual(again);
  });

  it('keeps an open case for ever, and a closed one for its time', async () => {
    const clock = settableClock(NOW);
    const { cases } = engines[engine](clock);
    await cases.createIfAbsent(opened);
    const closedAt = later(NOW, 3_000);
    clock.moveTo(closedAt);
    expect(await cases.listOpen()).toHaveLength(1);
    await cases.update('k1', (known) => ({
      ...known,
      state: 'closed',
      history: [...known.history, { event: 'closed', at: closedAt, by: 'Ann' }],
    }));

    clock.moveTo(later(closedAt, RETENTION_DAYS.closedCases, -1000));
    expect((await cases.get('k1'))?.state).toBe('closed');
    clock.moveTo(later(closedAt, RETENTION_DAYS.closedCases));
    expect(await cases.get('k1')).toBeUndefined();
  });
});
