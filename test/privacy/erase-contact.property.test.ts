import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eraseContact } from '#shared/application/erase-contact.ts';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { projectPendingAnswers } from '#shared/application/project-answer.ts';
import { recordAnswer } from '#shared/application/record-answer.ts';
import { sendInvitations } from '#shared/application/send-batch.ts';
import { unsubscribe } from '#shared/application/unsubscribe.ts';
import { TOPIC } from '../survey/memory.ts';
import { INVITATION_ID, NOW, OTHER, openPersonBench, PERSON, WAVE_ID } from './person-bench.ts';

const eventBody = (eventType: string): string =>
  JSON.stringify({
    Type: 'Notification',
    TopicArn: TOPIC,
    Message: JSON.stringify({
      eventType,
      mail: { messageId: 'm1', timestamp: NOW, tags: { inv: [INVITATION_ID], kind: ['invitation'] } },
      bounce: { bounceType: 'Permanent', timestamp: NOW },
      delivery: { timestamp: NOW },
    }),
  });

describe('erasing while others work', () => {
  it('R26 I2 leaves nothing identifying and sends nothing afterwards, in whatever order the steps of all come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.boolean(), async (scheduler, sharedAddress) => {
        const bench = await openPersonBench({ sharedAddress });
        /** Each call waits until the scheduler lets it happen. */
        const slowed = <T extends object>(store: T): T =>
          new Proxy(store, {
            get: (from, name, receiver) => {
              const value: unknown = Reflect.get(from, name, receiver);
              if (typeof value !== 'function' || ['bucketOf', 'now'].includes(String(name))) return value;
              return (...input: unknown[]) =>
                scheduler.schedule(Promise.resolve(), String(name)).then(() => value.apply(from, input));
            },
          });
        const { survey, clock } = bench;
        const contacts = slowed(survey.contacts);
        const invitations = slowed(survey.invitations);
        const answers = slowed(survey.answers);
        const cases = slowed(survey.cases);
        const customers = slowed(bench.bench.ports.customers);
        const answering = { clock, answers, cases, customers, businessTimeZone: 'UTC' };
        let erased = false;
        const sentAfter: string[] = [];
        let attempts = 0;

        const work = [
          eraseContact(
            { customerId: PERSON.customerId, by: 'Ann', reason: 'asked' },
            { ...bench.persons, contacts, invitations, answers, cases, customers },
          ).then(() => {
            erased = true;
          }),
          sendInvitations(
            { waveId: WAVE_ID, batch: 0 },
            {
              ...survey,
              clock,
              invitations,
              contacts,
              answers,
              compose: (mail) => ({
                raw: new Uint8Array(),
                from: 'a@example.com',
                to: mail.to,
                tags: { inv: mail.invitationId },
              }),
              mail: {
                send: async (mail) => {
                  if (erased && mail.tags['inv'] === INVITATION_ID) sentAfter.push(mail.to);
                  await scheduler.schedule(Promise.resolve(), 'send');
                  return { kind: 'accepted', messageId: 'm1' };
                },
              },
              pacer: { reserve: () => scheduler.schedule(Promise.resolve(), 'pace') },
              newAttemptId: () => `t${++attempts}`,
            },
          ),
          recordAnswer(
            {
              invitationId: INVITATION_ID,
              score: 1,
              comment: 'never call me again',
              wishes: ['complaint'],
              honeypot: false,
            },
            { ...answering, invitations, onProjectionFailed: () => undefined },
          ),
          unsubscribe({ invitationId: INVITATION_ID, undo: false }, { clock, invitations, contacts }),
          ...['Delivery', 'Bounce'].map((type) =>
            ingestMailEvent(eventBody(type), { ...survey, clock, invitations, contacts, topicArn: TOPIC }),
          ),
          projectPendingAnswers(answering),
        ];
        const settled = Promise.allSettled(work);
        await scheduler.waitFor(settled);
        expect((await settled)[0]).toEqual({ status: 'fulfilled', value: undefined });

        const left = await bench.everything();
        expect(left).not.toMatch(/C-77(?!8)|王芳|never call me again/u);
        if (!sharedAddress) expect(left).not.toContain(PERSON.email);
        expect(left).toContain(OTHER.name);
        expect(sentAfter).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
