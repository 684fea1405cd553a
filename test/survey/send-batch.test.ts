import { describe, expect, it } from 'vitest';
import { assertWaveHealthy } from '#shared/application/assert-wave-healthy.ts';
import { mailFigures } from '#shared/application/brake-wave.ts';
import { waveStatus } from '#shared/application/close-wave.ts';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { lookUpWave } from '#shared/application/look-up-wave.ts';
import { type SendPorts, sendInvitations, sendReminders } from '#shared/application/send-batch.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import type { OutgoingMail, SendOutcome } from '#shared/ports/mail-sender.ts';
import { Crash, dyingAt, SURVEY_PORTS } from '#test/support/dying-ports.ts';
import { drawnWave, invitationOf, type MemoryStores, NOW, settableClock, TOPIC, WAVE_ID } from './memory.ts';

const ref = { waveId: WAVE_ID, batch: 0 };

/** A mail service that counts what it accepted by address; `outcomes` answers the first calls. */
const countingMail = (outcomes: SendOutcome[] = []) => {
  const accepted: OutgoingMail[] = [];
  return {
    accepted,
    send: async (mail: OutgoingMail): Promise<SendOutcome> => {
      const outcome = outcomes.shift() ?? { kind: 'accepted', messageId: `m${accepted.length}` };
      if (outcome.kind === 'accepted') accepted.push(mail);
      return outcome;
    },
  };
};

let attempts = 0;
const portsOf = (stores: MemoryStores, mail: Pick<SendPorts['mail'], 'send'>): SendPorts => ({
  ...stores,
  clock: { now: () => NOW },
  mail,
  compose: (survey) => ({
    raw: new Uint8Array(),
    from: 'survey@example.com',
    to: survey.to,
    tags: { run: survey.waveId, inv: survey.invitationId, kind: survey.kind },
  }),
  pacer: { reserve: async () => undefined },
  newAttemptId: () => `attempt-${++attempts}`,
});

const perAddress = (mails: readonly OutgoingMail[]): number =>
  Math.max(
    0,
    ...[...Map.groupBy(mails, (mail) => `${mail.tags['kind']} ${mail.to}`).values()].map((same) => same.length),
  );

const eventBody = (type: string, invitationId: string, more: object = {}): string =>
  JSON.stringify({
    Type: 'Notification',
    TopicArn: TOPIC,
    Message: JSON.stringify({
      eventType: type,
      mail: { messageId: 'm1', timestamp: NOW, tags: { inv: [invitationId], run: [WAVE_ID], kind: ['invitation'] } },
      ...more,
    }),
  });

describe('sending a batch', () => {
  it('sends every invitation once and nothing when it is done again', async () => {
    const stores = await drawnWave(5);
    const mail = countingMail();

    await sendInvitations(ref, portsOf(stores, mail));
    await sendInvitations(ref, portsOf(stores, mail));

    expect(mail.accepted.map((one) => one.to).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `c${n}@example.com`));
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ drawn: 5, sent: 5, planned: 0, uncertain: 0 });
  });

  it('R37 sends at most one mail per address wherever it is killed, and its ledger adds up', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let call = 1; ; call += 1) {
        const stores = await drawnWave(2);
        const mail = countingMail();
        const dying = dyingAt(portsOf(stores, mail), SURVEY_PORTS, call, moment);
        await sendInvitations(ref, dying.ports).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
        await sendInvitations(ref, portsOf(stores, mail));

        const status = await waveStatus(WAVE_ID, stores);
        expect(perAddress(mail.accepted)).toBeLessThanOrEqual(1);
        expect(status?.planned).toBe(0);
        expect((status?.sent ?? 0) + (status?.uncertain ?? 0)).toBe(2);
        expect(status?.sent).toBeLessThanOrEqual(mail.accepted.length);
        if (!dying.reached()) break;
      }
    }
  });

  it('R37 sends at most one mail per address wherever it is killed and the one that resumes it is killed again', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let first = 1; first <= 24; first += 1) {
        for (let second = 1; second <= 24; second += 3) {
          const stores = await drawnWave(2);
          const mail = countingMail();
          for (const call of [first, second]) {
            const { ports } = dyingAt(portsOf(stores, mail), SURVEY_PORTS, call, moment);
            await sendInvitations(ref, ports).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
          }
          await sendInvitations(ref, portsOf(stores, mail));

          const status = await waveStatus(WAVE_ID, stores);
          expect(perAddress(mail.accepted), `${moment} ${first} ${second}`).toBeLessThanOrEqual(1);
          expect(status).toMatchObject({ planned: 0, drawn: 2 });
          expect((status?.sent ?? 0) + (status?.uncertain ?? 0)).toBe(2);
          expect(await mailFigures({ waveId: WAVE_ID }, stores)).toMatchObject({ sent: status?.sent });
        }
      }
    }
  });

  it('R37 sends at most one mail per address when two runners work at the same time and one dies', async () => {
    for (let call = 1; call < 40; call += 1) {
      const stores = await drawnWave(3);
      const mail = countingMail();
      const dying = dyingAt(portsOf(stores, mail), SURVEY_PORTS, call, 'after');
      await Promise.allSettled([sendInvitations(ref, dying.ports), sendInvitations(ref, portsOf(stores, mail))]);
      await sendInvitations(ref, portsOf(stores, mail));

      expect(perAddress(mail.accepted)).toBeLessThanOrEqual(1);
      expect((await waveStatus(WAVE_ID, stores))?.planned).toBe(0);
    }
  });

  it('never sends again what may have been sent, until the mail service reports on it', async () => {
    const stores = await drawnWave(1);
    const mail = countingMail([{ kind: 'unknown', reason: 'timeout' }]);
    await sendInvitations(ref, portsOf(stores, mail));
    await sendInvitations(ref, portsOf(stores, mail));
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ uncertain: 1, sent: 0 });
    expect(mail.accepted).toHaveLength(0);

    await ingestMailEvent(eventBody('Delivery', invitationOf(1).invitationId), {
      ...stores,
      clock: { now: () => NOW },
      topicArn: TOPIC,
    });

    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ uncertain: 0, sent: 1, delivered: 1 });
    await sendInvitations(ref, portsOf(stores, mail));
    expect(mail.accepted).toHaveLength(0);
  });

  it('tries again what is proven not accepted, and gives up in the end', async () => {
    const stores = await drawnWave(1);
    const throttled = { kind: 'notAccepted', retryable: true, reason: 'Throttling' } as const;
    const mail = countingMail([throttled, throttled]);
    await sendInvitations(ref, portsOf(stores, mail));
    expect(mail.accepted).toHaveLength(1);

    const hopeless = await drawnWave(1);
    const never = { send: async () => throttled };
    for (let round = 0; round < 3; round += 1) {
      await expect(sendInvitations(ref, portsOf(hopeless, never))).rejects.toBeInstanceOf(RetryableError);
    }
    await sendInvitations(ref, portsOf(hopeless, never));
    expect(await waveStatus(WAVE_ID, hopeless)).toMatchObject({ rejected: 1, planned: 0 });
  });

  it('gives the contact budget back where the mail is proven not to exist', async () => {
    const stores = await drawnWave(1);
    const mail = countingMail([{ kind: 'notAccepted', retryable: false, reason: 'MessageRejected' }]);

    await sendInvitations(ref, portsOf(stores, mail));

    const contact = await stores.contacts.get(invitationOf(1).addressKey);
    expect(contact?.claims).toEqual({});
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ rejected: 1 });
  });

  it('R06 stops the batch at a brake, and goes on by itself when the service takes mail again', async () => {
    const stores = await drawnWave(3);
    const brake = {
      kind: 'notAccepted',
      retryable: true,
      reason: 'Daily message quota exceeded',
      brake: 'dailyQuota',
    } as const;
    const mail = countingMail([brake, brake, brake]);

    const clock = settableClock(NOW);
    const ports = { ...portsOf(stores, mail), clock };

    await sendInvitations(ref, ports);
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ planned: 3, pause: { by: 'brake' } });
    await sendInvitations(ref, ports);
    expect(mail.accepted).toHaveLength(0);
    expect(await lookUpWave({ waveId: WAVE_ID }, ports)).toMatchObject({
      next: 'wait',
      until: '2026-06-01T02:15:00.000Z',
    });
    clock.moveBy(15 * 60_000);
    expect(await lookUpWave({ waveId: WAVE_ID }, ports)).toMatchObject({ next: 'send-invitations', batches: [0] });
    await sendInvitations(ref, ports);

    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ sent: 3, pause: null });
  });

  it('R07 sends nothing to an address whose unsubscription came before the claim', async () => {
    const stores = await drawnWave(2);
    const mail = countingMail();
    const ports = portsOf(stores, mail);
    const { addressKey } = invitationOf(1);

    await sendInvitations(ref, {
      ...ports,
      pacer: { reserve: () => stores.contacts.unsubscribe(addressKey, NOW) },
    });

    expect(mail.accepted.map((one) => one.to)).toEqual(['c2@example.com']);
    expect((await waveStatus(WAVE_ID, stores))?.skipped).toEqual({ unsubscribed: 1 });
  });

  it('R14 reminds once those who were reached and did not answer, and nobody else', async () => {
    const stores = await drawnWave(4);
    const mail = countingMail();
    const ports = portsOf(stores, mail);
    await sendInvitations(ref, ports);
    const bounce = { bounce: { bounceType: 'Permanent', timestamp: NOW } };
    await ingestMailEvent(eventBody('Bounce', invitationOf(2).invitationId, bounce), {
      ...stores,
      clock: { now: () => NOW },
      topicArn: TOPIC,
    });
    await stores.contacts.unsubscribe(invitationOf(3).addressKey, NOW);

    await sendReminders(ref, ports);
    await sendReminders(ref, ports);

    const reminded = mail.accepted.filter((one) => one.tags['kind'] === 'reminder').map((one) => one.to);
    expect(reminded.sort()).toEqual(['c1@example.com', 'c4@example.com']);
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ reminded: 2, bounced: 1 });
  });

  it('R36 sends nothing after the wave has closed or was cancelled', async () => {
    const stores = await drawnWave(2);
    const mail = countingMail();
    const clock = settableClock('2026-07-01T00:00:00.000Z');

    await sendInvitations(ref, { ...portsOf(stores, mail), clock });

    expect(mail.accepted).toHaveLength(0);
    expect((await waveStatus(WAVE_ID, stores))?.skipped).toEqual({ waveClosed: 2 });
  });

  it('R40 ends the wave red where too many mails are uncertain', async () => {
    const stores = await drawnWave(5);
    const unknown = { kind: 'unknown', reason: 'timeout' } as const;

    await sendInvitations(ref, portsOf(stores, { send: async () => unknown }));

    await expect(assertWaveHealthy({ waveId: WAVE_ID }, stores)).rejects.toBeInstanceOf(PermanentError);
  });
});
