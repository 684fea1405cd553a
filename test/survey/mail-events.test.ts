import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handler } from '#functions/ingest-mail-event.ts';
import { mailFigures } from '#shared/application/brake-wave.ts';
import { waveStatus } from '#shared/application/close-wave.ts';
import { ingestMailEvent, type MailEventPorts } from '#shared/application/ingest-mail-event.ts';
import { recordAnswer } from '#shared/application/record-answer.ts';
import { sendInvitations, sendReminders } from '#shared/application/send-batch.ts';
import { PoisonError } from '#shared/errors.ts';
import type { SendOutcome } from '#shared/ports/mail-sender.ts';
import {
  drawnWave,
  invitationOf,
  type MemoryStores,
  NOW,
  settableClock,
  TOPIC,
  WAVE_ID,
  waveRecord,
} from './memory.ts';
import { surveyPorts } from './wave-machine.ts';

const { invitationId, addressKey } = invitationOf(1);
const at = (seconds: number): string => new Date(Date.parse(NOW) + seconds * 1000).toISOString();
const body = (event: object, topic = TOPIC): string =>
  JSON.stringify({ Type: 'Notification', TopicArn: topic, Message: JSON.stringify(event) });
const mailTo = (id: string) => ({
  messageId: `m-${id}`,
  timestamp: NOW,
  tags: { inv: [id], run: [WAVE_ID], kind: ['invitation'], batch: ['0'] },
});
const mail = mailTo(invitationId);
const EVENTS = [
  { eventType: 'Send', mail },
  { eventType: 'Delivery', mail, delivery: { timestamp: at(1) } },
  { eventType: 'Bounce', mail, bounce: { bounceType: 'Transient', timestamp: at(2), feedbackId: 'f1' } },
  { eventType: 'Bounce', mail, bounce: { bounceType: 'Permanent', timestamp: at(3), feedbackId: 'f2' } },
  { eventType: 'Complaint', mail, complaint: { timestamp: at(4), feedbackId: 'f3' } },
  { eventType: 'Open', mail },
];
const KEPT_BACK = {
  bounce: { bounceType: 'Permanent', bounceSubType: 'OnAccountSuppressionList', timestamp: at(3), feedbackId: 'f4' },
  complaint: { complaintSubType: 'OnAccountSuppressionList', timestamp: at(3), feedbackId: 'f5' },
};

const eventPorts = (stores: MemoryStores): MailEventPorts => ({
  ...stores,
  clock: { now: () => NOW },
  topicArn: TOPIC,
});
const portsWith = (stores: MemoryStores, send: () => Promise<SendOutcome>) =>
  surveyPorts(stores, settableClock(NOW), send);
const accepts = async (): Promise<SendOutcome> => ({ kind: 'accepted', messageId: 'm' });
const batch = { waveId: WAVE_ID, batch: 0 };

describe('mail events', () => {
  it('R08 R39 lead to the same ledger in any order and any number of times', async () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 });
    const again = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(order, again, async (first, repeated) => {
        const stores = await drawnWave(1);
        const ports = eventPorts(stores);
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

  it('R08 lead to the same ledger and figures where several workers take them at the same time', async () => {
    const stores = await drawnWave(8);
    await sendInvitations(batch, portsWith(stores, accepts));
    const of = (index: number, event: object) => body({ ...event, mail: mailTo(invitationOf(index).invitationId) });
    const all = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((index) =>
      EVENTS.slice(0, index <= 3 ? 4 : 2).map((event) => of(index, event)),
    );

    await Promise.all([...all, ...all, ...all].map((one) => ingestMailEvent(one, eventPorts(stores))));

    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ sent: 8, delivered: 5, bounced: 3 });
    expect(await mailFigures({ waveId: WAVE_ID }, stores)).toEqual({ sent: 8, bounced: 3, complained: 0 });
  });

  it('R08 suppress an address after a hard bounce or a complaint, not after a soft bounce or an automatic reply', async () => {
    for (const [index, suppressed] of [
      [1, false],
      [2, false],
      [3, true],
      [4, true],
    ] as const) {
      const stores = await drawnWave(1);
      await ingestMailEvent(body(EVENTS[index] ?? {}), eventPorts(stores));
      expect((await stores.contacts.get(addressKey))?.suppression !== undefined).toBe(suppressed);
    }
  });

  it('R08 I2 keep an address out of every later wave, whoever is asked there, and out of the reminders of this one', async () => {
    for (const index of [3, 4]) {
      const stores = await drawnWave(2);
      const sent: string[] = [];
      const ports = surveyPorts(stores, settableClock(NOW), async ({ to, tags }) => {
        sent.push(`${tags['run']} ${tags['kind']} ${to}`);
        return { kind: 'accepted', messageId: 'm' };
      });
      await sendInvitations(batch, ports);
      await ingestMailEvent(body(EVENTS[index] ?? {}), eventPorts(stores));
      await sendReminders(batch, ports);
      // A year later somebody else is drawn who is reached at the same address.
      const later = 'w-2027-05-monthly';
      const clock = settableClock('2027-06-01T02:00:00.000Z');
      await stores.contacts.upsertPerson({ customerId: 'c9', email: 'c1@example.com' });
      const closesAt = '2027-06-22T02:00:00.000Z';
      await stores.waves.create(later, waveRecord({ waveId: later, closesAt, remindAt: closesAt }));
      const drawn = { ...invitationOf(9, { waveId: later, addressKey, closesAt }) };
      await stores.invitations.createMany([drawn]);
      await stores.waveFiles.writeJson(later, 'population-0.json', []);
      await stores.waveFiles.writeJson(later, 'drawn.json', {
        waveId: later,
        batchSize: 50,
        populationFile: 'population-0.json',
        population: 1,
        notDrawn: {},
        drawn: [{ invitationId: drawn.invitationId, subject: drawn.subject, segment: drawn.segment }],
      });
      await sendInvitations({ waveId: later, batch: 0 }, { ...ports, clock });

      expect(sent.filter((one) => one.includes('c1@'))).toEqual([`${WAVE_ID} invitation c1@example.com`]);
      expect(sent).toContain(`${WAVE_ID} reminder c2@example.com`);
      expect((await waveStatus(later, stores))?.skipped).toEqual({ suppressed: 1 });
    }
  });

  it.each(['bounce', 'complaint'] as const)(
    'R08 count a mail that was accepted and kept back by the suppression list (%s) as not delivered, and suppress its address',
    async (list) => {
      const kept = { eventType: list === 'bounce' ? 'Bounce' : 'Complaint', mail, [list]: KEPT_BACK[list] };
      for (const order of [
        [EVENTS[0], kept],
        [kept, EVENTS[0]],
      ]) {
        const stores = await drawnWave(1);
        await sendInvitations(batch, portsWith(stores, accepts));
        for (const event of order) await ingestMailEvent(body(event ?? {}), eventPorts(stores));

        expect(await waveStatus(WAVE_ID, stores)).toMatchObject({
          sent: 1,
          delivered: 0,
          bounced: 1,
          complained: 0,
          states: { bounced: 1 },
        });
        expect((await stores.contacts.get(addressKey))?.suppression?.reason).toBe(
          list === 'bounce' ? 'hardBounce' : 'complaint',
        );
      }
    },
  );

  it('R08 count a mail that the service took and then rejected as rejected, before or after the sender knew of it', async () => {
    const reject = { eventType: 'Reject', mail, reject: { reason: 'Bad content' } };
    for (const first of ['event', 'sender'] as const) {
      const stores = await drawnWave(1);
      const events = async () => {
        await ingestMailEvent(body(reject), eventPorts(stores));
        await ingestMailEvent(body(EVENTS[0] ?? {}), eventPorts(stores));
        await ingestMailEvent(body(reject), eventPorts(stores));
      };
      const sending = portsWith(stores, async () => {
        if (first === 'event') await events();
        return accepts();
      });
      await sendInvitations(batch, sending);
      if (first === 'sender') await events();
      await sendReminders(batch, sending);

      expect(await waveStatus(WAVE_ID, stores), first).toMatchObject({
        sent: 0,
        rejected: 1,
        delivered: 0,
        reminded: 0,
      });
      expect((await stores.invitations.get(invitationId))?.invitation.reason).toBe('Bad content');
    }
  });

  it('R05 are all that settles an uncertain mail: each that proves it was accepted, and no other', async () => {
    for (const [index, settled] of [
      [0, true],
      [1, true],
      [2, false],
      [3, true],
      [4, true],
      [5, false],
    ] as const) {
      const stores = await drawnWave(1);
      let requests = 0;
      const ports = portsWith(stores, async () => {
        requests += 1;
        return { kind: 'unknown', reason: 'timeout' };
      });
      await sendInvitations(batch, ports);
      await sendInvitations(batch, ports);
      expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ uncertain: 1, uncertainIds: [invitationId] });
      await ingestMailEvent(body(EVENTS[index] ?? {}), eventPorts(stores));
      await sendInvitations(batch, ports);

      expect(requests, 'never sent again').toBe(1);
      expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ uncertain: settled ? 0 : 1, sent: settled ? 1 : 0 });
      const claim = (await stores.contacts.get(addressKey))?.claims[`${invitationId}#invitation`];
      expect(claim?.outcome).toBe(settled ? 'accepted' : 'uncertain');
    }
  });

  it('R39 I3 leave all totals as they are when every event and every answer comes twice more, in random order', async () => {
    const size = 12;
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (random) => {
        const stores = await drawnWave(size);
        await sendInvitations(batch, portsWith(stores, accepts));
        const ids = Array.from({ length: size }, (_, index) => invitationOf(index + 1).invitationId);
        const acts = ids.flatMap((id, index) => {
          const events = EVENTS.slice(0, index < 2 ? 4 : 2).map((event) => ({ ...event, mail: mailTo(id) }));
          return [
            ...events.map((event) => () => ingestMailEvent(body(event), eventPorts(stores))),
            ...(index < 2 || index > 7
              ? []
              : [
                  () =>
                    recordAnswer(
                      { invitationId: id, score: index, comment: `comment ${index}`, wishes: [], honeypot: false },
                      {
                        ...stores,
                        clock: { now: () => at(86_400) },
                        businessTimeZone: 'UTC',
                        onProjectionFailed: () => undefined,
                      },
                    ),
                ]),
          ];
        });
        for (const act of acts) await act();
        const totals = async () => ({
          ledger: await waveStatus(WAVE_ID, stores),
          figures: await mailFigures({ waveId: WAVE_ID }, stores),
        });
        const before = await totals();
        const next = random[Symbol.iterator]();
        const twice = [...acts, ...acts].map((act) => ({ act, key: next.next().value ?? 0 }));
        for (const { act } of twice.sort((a, b) => a.key - b.key)) await act();

        expect(await totals()).toEqual(before);
        expect(before.ledger).toMatchObject({ sent: size, delivered: 10, bounced: 2, answered: 6 });
      }),
      { numRuns: 15 },
    );
  });

  it('are refused from another topic and where they are no events', async () => {
    const stores = await drawnWave(1);
    const ports = eventPorts(stores);

    for (const refused of [
      body(EVENTS[3] ?? {}, 'arn:aws:sns:us-east-1:1:other'),
      'no json',
      '{}',
      '',
      'null',
      body({ eventType: 1 }),
      body({ eventType: 'Bounce', mail: { ...mail, tags: { inv: invitationId } } }),
      body({ eventType: 'Bounce', mail, bounce: { bounceType: 'Permanent', timestamp: 'yesterday' } }),
    ]) {
      await expect(ingestMailEvent(refused, ports), refused).rejects.toBeInstanceOf(PoisonError);
    }
    expect((await stores.contacts.get(addressKey))?.suppression).toBeUndefined();
  });

  it('of mails that are not ours change nothing', async () => {
    const stores = await drawnWave(1);
    const bounce = { eventType: 'Bounce', bounce: { bounceType: 'Permanent', timestamp: NOW } };

    for (const tags of [{}, { inv: ['someone-else'] }, { run: ['2026-05'], kind: ['notice'] }]) {
      expect(await ingestMailEvent(body({ ...bounce, mail: { ...mail, tags } }), eventPorts(stores))).toBe('ignored');
    }
  });
});

describe('the queue of mail events', () => {
  const records = (...bodies: readonly string[]) => ({
    Records: bodies.map((one, index) => ({ messageId: `q${index}`, body: one })),
  });
  const bounced = body(EVENTS[3] ?? {});

  it('R08 R40 gives back only the messages that failed: a poison event goes to the dead letters, the rest goes on', async () => {
    const stores = await drawnWave(1);
    const take = handler.withServices(eventPorts(stores));

    const result = await take(records('poison', body(EVENTS[1] ?? {}), body(EVENTS[1] ?? {}, 'arn:foreign'), bounced));

    expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: 'q0' }, { itemIdentifier: 'q2' }] });
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ bounced: 1 });
    expect((await stores.contacts.get(addressKey))?.suppression?.reason).toBe('hardBounce');
  });

  it('R08 heals with the next delivery of a message whose worker failed in between, at any call', async () => {
    for (const failing of ['contacts', 'invitations', 'tallies', 'waves'] as const) {
      const stores = await drawnWave(1);
      await sendInvitations(batch, portsWith(stores, accepts));
      let broken = true;
      const unreliable = new Proxy(stores[failing], {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name);
          return typeof member !== 'function'
            ? member
            : async (...given: unknown[]) => {
                const result: unknown = await member.apply(target, given);
                if (broken) throw new Error('connection lost after the write');
                return result;
              };
        },
      });
      const take = handler.withServices({ ...eventPorts(stores), [failing]: unreliable });
      expect(await take(records(bounced)), failing).toEqual({ batchItemFailures: [{ itemIdentifier: 'q0' }] });
      broken = false;
      expect(await take(records(bounced, bounced))).toEqual({ batchItemFailures: [] });

      expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ sent: 1, bounced: 1 });
      expect(await mailFigures({ waveId: WAVE_ID }, stores)).toEqual({ sent: 1, bounced: 1, complained: 0 });
      expect((await stores.contacts.get(addressKey))?.suppression?.reason).toBe('hardBounce');
    }
  });
});
