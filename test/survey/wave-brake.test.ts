import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertWaveHealthy } from '#shared/application/assert-wave-healthy.ts';
import { mailFigures } from '#shared/application/brake-wave.ts';
import { closeWave, waveStatus } from '#shared/application/close-wave.ts';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { sendInvitations } from '#shared/application/send-batch.ts';
import { cancelWave, pauseWave, resumeWave } from '#shared/application/wave-control.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import { DEFAULT_MAIL_BRAKES, type MailBrakes, mailBrakeHits, mailBrakeText } from '#shared/domain/mail-brake.ts';
import type { OutgoingMail, SendOutcome } from '#shared/ports/mail-sender.ts';
import { CLOSES, drawnWave, NOW, settableClock, TOPIC, WAVE_ID } from './memory.ts';
import { runSteps, surveyPorts } from './wave-machine.ts';

type Failure = 'bounce' | 'softBounce' | 'keptBack' | 'complaint' | 'outOfOffice' | 'delivery';

const failures = {
  bounce: { eventType: 'Bounce', bounce: { bounceType: 'Permanent', bounceSubType: 'General', timestamp: NOW } },
  softBounce: { eventType: 'Bounce', bounce: { bounceType: 'Transient', timestamp: NOW } },
  outOfOffice: { eventType: 'Bounce', bounce: { bounceType: 'Undetermined', timestamp: NOW } },
  keptBack: {
    eventType: 'Bounce',
    bounce: { bounceType: 'Permanent', bounceSubType: 'OnAccountSuppressionList', timestamp: NOW },
  },
  complaint: { eventType: 'Complaint', complaint: { timestamp: NOW } },
  delivery: { eventType: 'Delivery', delivery: { timestamp: NOW } },
} as const satisfies Record<Failure, object>;

/** A wave of `size` customers, its mails as the service took them, and events about them. */
const world = async (size: number, brakes: MailBrakes = DEFAULT_MAIL_BRAKES) => {
  const stores = await drawnWave(size);
  const clock = settableClock(NOW);
  const notices: WaveRecord[] = [];
  const noticeOutcomes: SendOutcome[] = [];
  const accepted: (OutgoingMail & { readonly at: string })[] = [];
  let onMail = async (): Promise<void> => undefined;
  const ports = {
    ...surveyPorts(stores, clock, async (mail) => {
      clock.moveBy(1);
      accepted.push({ ...mail, at: clock.now() });
      await onMail();
      return { kind: 'accepted', messageId: `m${accepted.length}` };
    }),
    mailBrakes: brakes,
    tellWaveBraked: async (wave: WaveRecord): Promise<SendOutcome> => {
      notices.push(wave);
      return noticeOutcomes.shift() ?? { kind: 'accepted', messageId: 'notice' };
    },
    topicArn: TOPIC,
  };
  const event = (index: number, failure: Failure) => {
    const mail = accepted[index];
    if (mail === undefined) throw new Error(`there is no mail ${index}`);
    const tags = Object.fromEntries(Object.entries(mail.tags).map(([name, value]) => [name, [value]]));
    const about = { messageId: `m${index + 1}`, timestamp: mail.at, tags };
    return JSON.stringify({
      Type: 'Notification',
      TopicArn: TOPIC,
      Message: JSON.stringify({ ...failures[failure], mail: about }),
    });
  };
  const record = async () => (await stores.waves.get(WAVE_ID))?.record;
  return {
    stores,
    clock,
    ports,
    accepted,
    notices,
    noticeOutcomes,
    record,
    event,
    comes: (index: number, failure: Failure) => ingestMailEvent(event(index, failure), ports),
    figures: async () => mailFigures((await record()) ?? { waveId: WAVE_ID }, stores),
    onMail: (act: () => Promise<void>) => {
      onMail = act;
    },
    send: () => runSteps(ports, { until: clock.now() }),
  };
};

describe('the limits of the brake', () => {
  it('R09 judge nothing before 200 mails, and hold from 4 % hard bounces or 0.08 % complaints on', () => {
    const brakes = (sent: number, bounced: number, complained: number) =>
      mailBrakeHits({ sent, bounced, complained }, DEFAULT_MAIL_BRAKES).map(({ brake }) => brake);
    expect(brakes(199, 199, 199)).toEqual([]);
    expect(brakes(200, 7, 0)).toEqual([]);
    expect(brakes(200, 8, 0)).toEqual(['bounceShare']);
    expect(brakes(10_000, 399, 7)).toEqual([]);
    expect(brakes(10_000, 400, 8)).toEqual(['bounceShare', 'complaintShare']);
    expect(brakes(1_251, 0, 1)).toEqual([]);
    expect(brakes(1_250, 0, 1)).toEqual(['complaintShare']);
  });

  it('R09 lie below those at which Amazon SES reviews an account: 5 % and 0.1 %', () => {
    expect(DEFAULT_MAIL_BRAKES.bounceShare).toBeLessThan(0.05);
    expect(DEFAULT_MAIL_BRAKES.complaintShare).toBeLessThan(0.001);
  });

  it('are said in figures, in both languages', () => {
    const figures = { sent: 812, bounced: 37, complained: 1 };
    const hits = mailBrakeHits(figures, DEFAULT_MAIL_BRAKES);
    expect(mailBrakeText(hits, figures)).toBe('bounces 4.6 % of 812, complaints 0.12 % of 812');
    expect(mailBrakeText(hits, figures, 'zh-CN')).toMatch(/硬退信 4\.6 % .*投诉 0\.12 %/u);
  });
});

describe('a wave whose mails bounce', () => {
  it('R09 goes on at 199 mails however many bounce, and stops at 200', async () => {
    for (const [size, stopped] of [
      [199, false],
      [200, true],
    ] as const) {
      const wave = await world(size);
      await wave.send();
      for (let index = 0; index < 60; index += 1) await wave.comes(index, 'bounce');

      expect((await wave.record())?.pause?.by === 'reputation', `${size}`).toBe(stopped);
      expect(wave.notices).toHaveLength(stopped ? 1 : 0);
    }
  });

  it('R09 stops while it sends, before the next claim, and names the figures', async () => {
    const wave = await world(1_000);
    wave.onMail(async () => {
      const index = wave.accepted.length - 1;
      if (index % 10 === 0) await wave.comes(index, 'bounce');
    });

    await wave.send();

    const { pause, braked } = (await wave.record()) ?? {};
    expect(wave.accepted.length).toBeGreaterThanOrEqual(200);
    expect(wave.accepted.length).toBeLessThan(320);
    expect(pause).toMatchObject({ by: 'reputation', reason: expect.stringMatching(/^bounces \d+\.\d % of 2\d\d$/u) });
    expect(braked).toMatchObject({ notice: 'sent', hits: [{ brake: 'bounceShare', limit: 0.04 }] });
    const more = wave.accepted.length;
    wave.clock.moveBy(3 * 86_400_000);
    await wave.send();
    expect(wave.accepted).toHaveLength(more);
    expect(await waveStatus(WAVE_ID, wave.stores)).toMatchObject({ sent: more, planned: 1_000 - more });
  });

  it('R09 stops eight batches that are sent at once soon after 200 mails, not after 400', async () => {
    const wave = await world(800);
    wave.onMail(async () => {
      const index = wave.accepted.length - 1;
      if (index % 12 === 0) await wave.comes(index, 'bounce');
    });

    await Promise.all(Array.from({ length: 8 }, (_, batch) => sendInvitations({ waveId: WAVE_ID, batch }, wave.ports)));

    expect((await wave.record())?.pause?.by).toBe('reputation');
    expect(wave.accepted.length).toBeGreaterThanOrEqual(200);
    expect(wave.accepted.length).toBeLessThanOrEqual(260);
    const { sent, bounced } = (await wave.record())?.braked ?? { sent: 0, bounced: 0 };
    expect(bounced).toBeLessThanOrEqual(Math.ceil(sent / 12) + 1);
  });

  it('R09 counts a batch only with its mails: bounces of mails under way stop nothing', async () => {
    const wave = await world(250);
    await sendInvitations({ waveId: WAVE_ID, batch: 0 }, wave.ports);
    await sendInvitations({ waveId: WAVE_ID, batch: 1 }, wave.ports);
    await sendInvitations({ waveId: WAVE_ID, batch: 2 }, wave.ports);
    wave.onMail(() => wave.comes(wave.accepted.length - 1, 'bounce').then(() => undefined));
    const ending = sendInvitations({ waveId: WAVE_ID, batch: 3 }, { ...wave.ports, mailBrakes: DEFAULT_MAIL_BRAKES });
    const during = await wave.figures();
    await ending;

    expect(during).toEqual({ sent: 150, bounced: 0, complained: 0 });
    expect(await wave.figures()).toEqual({ sent: 200, bounced: 50, complained: 0 });
    expect((await wave.record())?.pause?.reason).toBe('bounces 25.0 % of 200');
  });

  it('R09 does not count soft bounces, automatic replies and what the suppression list kept back', async () => {
    const wave = await world(200);
    await wave.send();
    for (let index = 0; index < 90; index += 1) {
      await wave.comes(index, index < 30 ? 'softBounce' : index < 60 ? 'outOfOffice' : 'keptBack');
    }

    expect(await wave.figures()).toEqual({ sent: 200, bounced: 0, complained: 0 });
    expect((await wave.record())?.pause).toBeNull();
    expect(await waveStatus(WAVE_ID, wave.stores)).toMatchObject({ bounced: 30 });
  });

  it('R09 R39 comes to the same figures whatever the order and number of its events', async () => {
    const failing = ['bounce', 'complaint', 'delivery', 'softBounce'] as const;
    const events = Array.from({ length: 24 }, (_, index) => ({ index, failure: failing[index % 4] ?? 'bounce' }));
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(events, { minLength: events.length }),
        fc.shuffledSubarray(events),
        async (first, again) => {
          const wave = await world(100, { ...DEFAULT_MAIL_BRAKES, afterSends: 100 });
          await wave.send();
          for (const { index, failure } of [...first, ...again]) await wave.comes(index, failure);
          await sendInvitations({ waveId: WAVE_ID, batch: 0 }, wave.ports);

          expect(await wave.figures()).toEqual({ sent: 100, bounced: 6, complained: 6 });
          expect(wave.notices).toHaveLength(1);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('R09 stops once, and tells the operators once, where events come at the same time while two workers send', async () => {
    const wave = await world(400);
    await wave.send();
    const events = Array.from({ length: 40 }, (_, index) => wave.comes(index, 'bounce'));
    await Promise.all([...events, wave.send(), wave.send()]);

    expect(await wave.figures()).toEqual({ sent: 400, bounced: 40, complained: 0 });
    expect((await wave.record())?.pause?.by).toBe('reputation');
    expect(wave.notices).toHaveLength(1);
    expect((await wave.record())?.braked?.notice).toBe('sent');
  });

  it('R09 stops, and holds its reminders back, also where the bounces come after it was sent', async () => {
    const wave = await world(210);
    await wave.send();
    expect((await wave.record())?.state).toBe('open');
    for (let index = 0; index < 9; index += 1) await wave.comes(index, 'bounce');

    expect((await wave.record())?.pause?.reason).toBe('bounces 4.3 % of 210');
    await runSteps(wave.ports, { until: '2026-06-10T00:00:00.000Z' });
    expect(wave.accepted.filter(({ tags }) => tags['kind'] === 'reminder')).toHaveLength(0);
  });

  it('R09 counts its reminders apart from their invitations until they were sent, and then together', async () => {
    const wave = await world(200);
    await wave.send();
    await runSteps(wave.ports, { until: '2026-06-07T00:00:00.000Z' });
    expect(await wave.figures()).toEqual({ sent: 400, bounced: 0, complained: 0 });
    for (let index = 200; index < 216; index += 1) await wave.comes(index, 'bounce');

    expect((await wave.record())?.pause?.reason).toBe('bounces 4.0 % of 400');
  });

  it('is not stopped once it is closed or cancelled', async () => {
    for (const end of ['closed', 'cancelled'] as const) {
      const wave = await world(200);
      await wave.send();
      if (end === 'closed') await closeWave({ waveId: WAVE_ID }, wave.ports);
      else await cancelWave({ waveId: WAVE_ID, by: 'Ann', reason: 'over' }, wave.ports);
      for (let index = 0; index < 20; index += 1) await wave.comes(index, 'bounce');

      expect(await wave.record()).toMatchObject({ state: end, pause: null });
      expect(wave.notices).toHaveLength(0);
    }
  });
});

describe('a wave that the brake stopped', () => {
  const stopped = async () => {
    const wave = await world(600);
    wave.onMail(async () => {
      const index = wave.accepted.length - 1;
      if (index < 200 && index % 10 === 0) await wave.comes(index, 'bounce');
    });
    await wave.send();
    wave.clock.moveBy(60_000);
    return wave;
  };
  const ann = { waveId: WAVE_ID, by: 'Ann' };

  it('R09 does not lift itself: it is resumed by a named person with a reason, which is kept', async () => {
    const wave = await stopped();
    await expect(resumeWave(ann, wave.ports)).rejects.toMatchObject({
      code: 'reason-missing',
      message: expect.stringMatching(/stopped by the brake: bounces \d+\.\d % of 2\d\d; resuming it needs --reason/u),
    });

    const resumed = await resumeWave({ ...ann, reason: 'old addresses taken out' }, wave.ports);
    await wave.send();

    expect(resumed).toMatchObject({ outcome: 'done', pause: null });
    expect(await wave.record()).toMatchObject({
      state: 'open',
      braked: { notice: 'sent' },
      orders: [{ action: 'resume', by: 'Ann', reason: 'old addresses taken out' }],
    });
    expect(new Set(wave.accepted.map(({ to }) => to)).size).toBe(600);
    expect(wave.accepted).toHaveLength(600);
  });

  it('R09 stops again only for mails that were sent after the resume', async () => {
    const wave = await stopped();
    const before = wave.accepted.length;
    await resumeWave({ ...ann, reason: 'seen' }, wave.ports);
    wave.clock.moveBy(1);
    for (let index = 1; index < 60; index += 2) await wave.comes(index, 'bounce');
    expect((await wave.record())?.pause).toBeNull();

    await wave.send();
    expect(wave.accepted).toHaveLength(600);
    const { sent, bounced } = await wave.figures();
    expect(bounced).toBe(0);
    expect(sent).toBe(600 - before);

    const needed = Math.ceil(sent * 0.04);
    for (let index = before; index < before + needed - 1; index += 1) await wave.comes(index, 'bounce');
    expect((await wave.record())?.pause).toBeNull();
    await wave.comes(before + needed, 'bounce');
    expect((await wave.record())?.pause?.reason).toBe(`bounces ${((needed / sent) * 100).toFixed(1)} % of ${sent}`);
    expect(wave.notices).toHaveLength(2);
  });

  it('stays stopped by the brake when an operator pauses it, and takes the place of an operator’s pause', async () => {
    const wave = await stopped();
    expect(await pauseWave({ ...ann, reason: 'wrong names' }, wave.ports)).toMatchObject({ outcome: 'unchanged' });
    expect((await wave.record())?.pause?.by).toBe('reputation');

    const paused = await world(200);
    await paused.send();
    await pauseWave({ ...ann, reason: 'wrong names' }, paused.ports);
    for (let index = 0; index < 8; index += 1) await paused.comes(index, 'bounce');
    expect(await paused.record()).toMatchObject({
      pause: { by: 'reputation', reason: 'bounces 4.0 % of 200' },
      orders: [{ action: 'pause', by: 'Ann', reason: 'wrong names' }],
    });
    await expect(resumeWave({ waveId: WAVE_ID, by: 'Bo' }, paused.ports)).rejects.toMatchObject({
      code: 'reason-missing',
    });
  });

  it('tells the operators again where the notice is proven not to have left, and not where it may have', async () => {
    const refused = { kind: 'notAccepted', retryable: true, reason: 'Throttling' } as const;
    const wave = await world(200);
    wave.noticeOutcomes.push(refused, { kind: 'unknown', reason: 'timeout' });
    await wave.send();
    for (let index = 0; index < 12; index += 1) await wave.comes(index, 'bounce');

    expect(wave.notices).toHaveLength(2);
    expect((await wave.record())?.braked?.notice).toBe('uncertain');
  });

  it('R40 ends red where it closes and nobody resumed or cancelled it', async () => {
    const wave = await stopped();
    await runSteps(wave.ports, { until: CLOSES });
    await expect(assertWaveHealthy({ waveId: WAVE_ID }, wave.stores)).rejects.toMatchObject({ code: 'wave-degraded' });

    const seen = await stopped();
    await cancelWave({ ...ann, reason: 'addresses too old' }, seen.ports);
    await runSteps(seen.ports, { until: CLOSES });
    await expect(assertWaveHealthy({ waveId: WAVE_ID }, seen.stores)).resolves.toEqual({});
  });
});
