import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { PoisonError } from '#shared/errors.ts';
import { drawnWave, invitationOf, NOW, TOPIC } from './memory.ts';

const { invitationId, addressKey } = invitationOf(1);
const at = (seconds: number): string => new Date(Date.parse(NOW) + seconds * 1000).toISOString();
const body = (event: object, topic = TOPIC): string =>
  JSON.stringify({ Type: 'Notification', TopicArn: topic, Message: JSON.stringify(event) });
const mail = { messageId: 'm1', timestamp: NOW, tags: { inv: [invitationId] } };
const EVENTS = [
  { eventType: 'Send', mail },
  { eventType: 'Delivery', mail, delivery: { timestamp: at(1) } },
  { eventType: 'Bounce', mail, bounce: { bounceType: 'Transient', timestamp: at(2), feedbackId: 'f1' } },
  { eventType: 'Bounce', mail, bounce: { bounceType: 'Permanent', timestamp: at(3), feedbackId: 'f2' } },
  { eventType: 'Complaint', mail, complaint: { timestamp: at(4), feedbackId: 'f3' } },
  { eventType: 'Open', mail },
];

describe('mail events', () => {
  it('R08 R39 lead to the same ledger in any order and any number of times', async () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 });
    const again = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(order, again, async (first, repeated) => {
        const stores = await drawnWave(1);
        const ports = { ...stores, clock: { now: () => NOW }, topicArn: TOPIC };
        for (const index of [...first, ...repeated]) await ingestMailEvent(body(EVENTS[index] ?? {}), ports);

        const invitation = await stores.invitations.get(invitationId);
        expect(invitation).toMatchObject({
          invitation: { state: 'sent' },
          deliveredAt: at(1),
          bouncedAt: at(3),
          complainedAt: at(4),
        });
        expect(invitation?.events).toHaveLength(6);
        expect((await stores.contacts.get(addressKey))?.suppression).toBeDefined();
      }),
      { numRuns: 40 },
    );
  });

  it('R08 suppress an address after a hard bounce or a complaint, not after a soft bounce', async () => {
    for (const [index, suppressed] of [
      [1, false],
      [2, false],
      [3, true],
      [4, true],
    ] as const) {
      const stores = await drawnWave(1);
      await ingestMailEvent(body(EVENTS[index] ?? {}), { ...stores, clock: { now: () => NOW }, topicArn: TOPIC });
      expect((await stores.contacts.get(addressKey))?.suppression !== undefined).toBe(suppressed);
    }
  });

  it('are refused from another topic and where they are no events', async () => {
    const stores = await drawnWave(1);
    const ports = { ...stores, clock: { now: () => NOW }, topicArn: TOPIC };

    for (const refused of [
      body(EVENTS[3] ?? {}, 'arn:aws:sns:us-east-1:1:other'),
      'no json',
      '{}',
      body({ eventType: 1 }),
    ]) {
      await expect(ingestMailEvent(refused, ports)).rejects.toBeInstanceOf(PoisonError);
    }
    expect((await stores.contacts.get(addressKey))?.suppression).toBeUndefined();
  });

  it('of mails that are not ours change nothing', async () => {
    const stores = await drawnWave(1);
    const foreign = {
      eventType: 'Bounce',
      mail: { ...mail, tags: {} },
      bounce: { bounceType: 'Permanent', timestamp: NOW },
    };

    expect(await ingestMailEvent(body(foreign), { ...stores, clock: { now: () => NOW }, topicArn: TOPIC })).toBe(
      'ignored',
    );
  });
});
