import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waveStatus } from '#shared/application/close-wave.ts';
import { lookUpWave } from '#shared/application/look-up-wave.ts';
import { planWave } from '#shared/application/plan-wave.ts';
import { startWave } from '#shared/application/start-wave.ts';
import { cancelWave, pauseWave, resumeWave } from '#shared/application/wave-control.ts';
import { waveCounts } from '#shared/application/wave-counts.ts';
import { waveStatusText } from '#shared/application/wave-text.ts';
import { RetryableError } from '#shared/errors.ts';
import type { OutgoingMail, SendOutcome, SendReputation } from '#shared/ports/mail-sender.ts';
import { Crash, dyingAt, SURVEY_PORTS } from '#test/support/dying-ports.ts';
import { NOW, WAVE_ID } from './memory.ts';
import { many, policyWith, publishedRun, RUN_ID } from './published-run.ts';
import { runSteps, surveyPorts } from './wave-machine.ts';

const DAY_MS = 86_400_000;
const CALM: SendReputation = { sendingEnabled: true, attempts: 1_000, bounces: 0, complaints: 0, rejects: 0, days: 14 };

/** A mail account that counts the mails of any 24 hours, as SES does. */
const account = (max24h: number) => {
  const state = { max24h, maxPerSecond: 14, reputation: CALM, answers: true };
  const sentMs: number[] = [];
  const accepted: { readonly mail: OutgoingMail; readonly at: string }[] = [];
  let refusals = 0;
  let now = () => NOW;
  const last24h = (): number => sentMs.filter((at) => at > Date.parse(now()) - DAY_MS).length;
  return {
    state,
    accepted,
    refusals: () => refusals,
    useClock: (clock: { now: () => string }) => {
      now = clock.now;
    },
    /** Mails of others of the same account. */
    sendForOthers: (count: number) => {
      for (let index = 0; index < count; index += 1) sentMs.push(Date.parse(now()));
    },
    mail: {
      quota: async () => ({ max24h: state.max24h, maxPerSecond: state.maxPerSecond, sentLast24h: last24h() }),
      reputation: async () => state.reputation,
    },
    send: async (mail: OutgoingMail): Promise<SendOutcome> => {
      if (last24h() >= state.max24h) {
        refusals += 1;
        return { kind: 'notAccepted', retryable: true, reason: 'Daily message quota exceeded', brake: 'dailyQuota' };
      }
      sentMs.push(Date.parse(now()));
      accepted.push({ mail, at: now() });
      return { kind: 'accepted', messageId: `m${accepted.length}` };
    },
  };
};

const world = async (max24h: number, size: number, survey: Readonly<Record<string, string>> = {}) => {
  const service = account(max24h);
  const policy = policyWith({ share: '{ hold: 1.0, priority: 1.0 }', ...survey });
  const run = await publishedRun([...many('hold', size), ...many('priority', Math.ceil(size / 4))], {
    policy,
    mail: service.mail,
  });
  service.useClock(run.clock);
  await startWave({ runId: RUN_ID }, run.asStart);
  const ports = surveyPorts(run.stores, run.clock, service.send);
  const plan = () => planWave({ waveId: WAVE_ID }, run.asPlan);
  return {
    ...run,
    service,
    ports,
    planIt: plan,
    walk: (until: string) => runSteps(ports, { until, plan }),
    record: async () => (await run.stores.waves.get(WAVE_ID))?.record,
    status: () => waveStatus(WAVE_ID, { ...run.stores }),
  };
};

const to = (mails: readonly { readonly mail: OutgoingMail }[], kind: string): string[] =>
  mails.filter(({ mail }) => mail.tags['kind'] === kind).map(({ mail }) => mail.to);

describe('a wave larger than the quota', () => {
  it('R06 is spread over days, says so, and sends each day its share without being refused', async () => {
    const { walk, service, record, status } = await world(200, 400);

    await walk(NOW);
    const days = (await record())?.days ?? [];
    expect(days.map((day) => [day.from, day.mails])).toEqual([
      ['2026-06-01T02:00:00.000Z', 150],
      ['2026-06-02T02:00:00.000Z', 150],
      ['2026-06-03T02:00:00.000Z', 150],
      ['2026-06-04T02:00:00.000Z', 50],
    ]);
    expect(service.accepted).toHaveLength(150);
    const shown = await status();
    if (shown === undefined) throw new Error('the wave is not there');
    expect(waveStatusText(shown, 'en')).toContain('day 2 of 4: 150 mails from 2026-06-02 02:00 UTC');
    expect(waveStatusText(shown, 'zh-CN')).toContain('第 2 天（共 4 天）：150 封，自 2026-06-02 02:00 UTC 起');
    expect(waveCounts(shown)).toMatchObject({ days: 4 });
    expect(waveStatusText(shown, 'en')).toContain('500 invitations, 500 reminders at most, 4 days');

    await walk('2026-06-05T00:00:00.000Z');
    expect(service.refusals()).toBe(0);
    expect(new Set(to(service.accepted, 'invitation')).size).toBe(500);
    expect(await status()).toMatchObject({ state: 'open', sent: 500 });
  });

  it('R06 mixes segments, so that each day is a fair sample of each', async () => {
    const { walk, service } = await world(200, 400);

    await walk('2026-06-05T00:00:00.000Z');

    for (const day of ['01', '02', '03']) {
      const sent = service.accepted.filter(({ at }) => at.startsWith(`2026-06-${day}`));
      const priority = sent.filter(({ mail }) => mail.to.startsWith('priority')).length;
      expect(Math.abs(priority - sent.length / 5)).toBeLessThanOrEqual(2);
    }
  });

  it('closes on one day for all, which leaves the last day as long to answer as the policy says', async () => {
    const { walk, record, invitations, audience } = await world(200, 400);

    await walk(NOW);

    const wave = await record();
    // Three days after the closing of a wave that is sent in one day, at midnight in Shanghai.
    expect(wave?.closesAt).toBe('2026-06-25T16:00:00.000Z');
    const [first] = (await audience(WAVE_ID)).drawn;
    expect((await invitations.get(first?.invitationId ?? ''))?.closesAt).toBe(wave?.closesAt);
  });

  it('reminds each day’s customers as many days after their own mail, and keeps the quota with reminders too', async () => {
    const { walk, service } = await world(200, 400);

    const closed = await walk('2026-07-01T00:00:00.000Z');

    expect(closed).toBe(true);
    expect(service.refusals()).toBe(0);
    const invited = new Map(
      service.accepted
        .filter(({ mail }) => mail.tags['kind'] === 'invitation')
        .map(({ mail, at }) => [mail.to, at] as const),
    );
    const reminded = service.accepted.filter(({ mail }) => mail.tags['kind'] === 'reminder');
    expect(reminded).toHaveLength(500);
    for (const { mail, at } of reminded)
      expect(Date.parse(at) - Date.parse(invited.get(mail.to) ?? '')).toBe(5 * DAY_MS);
  });

  it('never starts a day within 24 hours of the last sending of the day before, however long it was paused', async () => {
    const { walk, service, stores, clock, record } = await world(200, 400);
    const order = { waveId: WAVE_ID, by: 'Ann', reason: 'r' };
    await walk('2026-06-01T20:00:00.000Z');
    await pauseWave(order, { ...stores, clock });
    expect(await resumeWave(order, { ...stores, clock })).toMatchObject({ goesOnBy: '2026-06-02T02:00:00.000Z' });
    await walk('2026-06-02T01:00:00.000Z');
    await pauseWave(order, { ...stores, clock });
    await walk('2026-06-05T12:00:00.000Z');
    expect(service.accepted).toHaveLength(150);
    expect(await resumeWave(order, { ...stores, clock })).toMatchObject({ goesOnBy: '2026-06-05T13:00:00.000Z' });

    await walk('2026-06-10T00:00:00.000Z');

    expect(service.refusals()).toBe(0);
    expect((await record())?.days?.map((day) => day.from.slice(0, 10))).toEqual([
      '2026-06-01',
      '2026-06-05',
      '2026-06-06',
      '2026-06-07',
    ]);
  });

  it('R06 keeps sending everybody once over pauses, crashes, a quota that changes and other senders of the account', async () => {
    const act = fc.oneof(
      fc.record({ kind: fc.constant('walk' as const), hours: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ kind: fc.constant('pause' as const) }),
      fc.record({ kind: fc.constant('resume' as const) }),
      fc.record({
        kind: fc.constant('crash' as const),
        call: fc.integer({ min: 1, max: 120 }),
        moment: fc.constantFrom('before' as const, 'after' as const),
      }),
      fc.record({ kind: fc.constant('quota' as const), max24h: fc.integer({ min: 5, max: 80 }) }),
      fc.record({ kind: fc.constant('others' as const), mails: fc.integer({ min: 1, max: 40 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 8, max: 60 }),
        fc.integer({ min: 12, max: 60 }),
        fc.array(act, { maxLength: 10 }),
        async (max24h, size, acts) => {
          const one = await world(max24h, size, { sendWithinDays: '60', closesAfterDays: '60' });
          const { service, clock, stores, ports, planIt } = one;
          const order = { waveId: WAVE_ID, by: 'Ann', reason: 'r' };
          let disturbed = false;
          for (const next of acts) {
            const until = clock.now();
            if (next.kind === 'walk')
              await one.walk(new Date(Date.parse(until) + next.hours * 3_600_000).toISOString());
            else if (next.kind === 'pause') await pauseWave(order, { ...stores, clock });
            else if (next.kind === 'resume') await resumeWave(order, { ...stores, clock });
            else if (next.kind === 'quota') {
              service.state.max24h = next.max24h;
              disturbed = true;
            } else if (next.kind === 'others') {
              service.sendForOthers(next.mails);
              disturbed = true;
            } else {
              const dying = dyingAt(ports, SURVEY_PORTS, next.call, next.moment).ports;
              await runSteps(dying, { until, plan: planIt }).catch((error: unknown) =>
                expect(error).toBeInstanceOf(Crash),
              );
            }
            if (!disturbed) expect(service.refusals()).toBe(0);
          }
          await resumeWave(order, { ...stores, clock });
          service.state.max24h = 80;
          await one.walk(new Date(Date.parse(clock.now()) + 40 * DAY_MS).toISOString());

          const invited = to(service.accepted, 'invitation');
          expect(invited).toHaveLength(new Set(invited).size);
          const status = await one.status();
          const uncertain = status?.states?.['uncertain'] ?? 0;
          expect(invited.length + uncertain).toBeGreaterThanOrEqual(status?.drawn ?? -1);
          expect(status?.states?.['planned'] ?? 0).toBe(0);
          if (!disturbed) expect(service.refusals()).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe('a wave whose pre-flight is refused', () => {
  it.each<[string, Partial<SendReputation>, string]>([
    ['sending is switched off', { sendingEnabled: false }, 'sending is switched off for the account'],
    ['bounces are above the line', { bounces: 61 }, "the account's bounces are 6.1 % of 1,000 mails; the line is 5 %"],
    ['complaints are above the line', { complaints: 2 }, 'complaints are 0.20 % of 1,000 mails; the line is 0.10 %'],
  ])(
    'R06 draws nobody, rests as paused by the mail service while %s, and goes on by itself',
    async (_case, more, reason) => {
      const { walk, service, record, status, waveFiles, clock } = await world(50_000, 40);
      service.state.reputation = { ...CALM, ...more };

      await walk('2026-06-01T03:00:00.000Z');
      expect(await record()).toMatchObject({
        state: 'planned',
        preflight: { verdict: 'refuse' },
        pause: { by: 'brake' },
      });
      expect(await waveFiles.readJson(WAVE_ID, 'drawn.json')).toBeUndefined();
      const resting = await status();
      if (resting === undefined) throw new Error('the wave is not there');
      expect(waveStatusText(resting, 'en')).toContain('paused by the mail service');
      expect(waveCounts(resting).rests).toContain(reason);
      expect(waveStatusText(resting, 'en')).toContain(reason);

      clock.moveTo('2026-06-03T02:00:00.000Z');
      service.state.reputation = CALM;
      await walk('2026-06-03T04:00:00.000Z');
      expect(await status()).toMatchObject({ state: 'open', sent: 50, pause: null, preflight: { verdict: 'ok' } });
      // Days to answer count from the day of sending.
      expect((await record())?.closesAt).toBe('2026-06-24T16:00:00.000Z');
    },
  );

  it('rests too where the mail service gives no answer, and where it would need more days than allowed', async () => {
    const { walk, record, service, ...rest } = await world(50_000, 40);
    const silent = {
      quota: async () => {
        throw new RetryableError('quota-unknown', 'no answer');
      },
    };
    await planWave({ waveId: WAVE_ID }, { ...rest.asPlan, mail: silent });
    expect(await record()).toMatchObject({ pause: { by: 'brake' }, preflight: { findings: [{ name: 'noAnswer' }] } });

    service.state.max24h = 3;
    await walk('2026-06-01T03:00:00.000Z');
    expect((await record())?.preflight?.findings[0]).toMatchObject({ name: 'tooManyDays', verdict: 'refuse' });
    expect(await record()).toMatchObject({ state: 'planned' });
    service.state.max24h = 1_000;
    await walk('2026-06-01T04:00:00.000Z');
    expect(await record()).toMatchObject({ state: 'open', pause: null });
  });

  it('I6 ends on its day with everybody named where it is never allowed', async () => {
    const { walk, service, status } = await world(50_000, 40);
    service.state.reputation = { ...CALM, sendingEnabled: false };

    expect(await walk('2026-07-01T00:00:00.000Z')).toBe(true);

    expect(service.accepted).toEqual([]);
    expect(await status()).toMatchObject({ state: 'closed', population: 50, states: { waveClosed: 50 } });
  });

  it('leaves an operator’s pause and a cancel as they are', async () => {
    const { walk, service, record, stores, clock, ports } = await world(50_000, 40);
    service.state.reputation = { ...CALM, sendingEnabled: false };
    const order = { waveId: WAVE_ID, by: 'Ann', reason: 'wait for the council' };
    await walk(NOW);
    await pauseWave(order, { ...stores, clock });
    await walk('2026-06-01T06:00:00.000Z');
    expect(await record()).toMatchObject({ pause: { by: 'operator' } });
    await resumeWave(order, { ...stores, clock });
    await walk('2026-06-01T07:00:00.000Z');
    expect(await record()).toMatchObject({ pause: { by: 'brake' } });

    await cancelWave(order, { ...stores, clock });
    expect(await lookUpWave({ waveId: WAVE_ID }, ports)).toMatchObject({ next: 'close' });
  });
});
