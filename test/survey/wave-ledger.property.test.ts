import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waveStatus } from '#shared/application/close-wave.ts';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { recordAnswer } from '#shared/application/record-answer.ts';
import { cancelWave, pauseWave, resumeWave } from '#shared/application/wave-control.ts';
import type { WaveStatus } from '#shared/contracts/survey.ts';
import { LEDGER_STATES } from '#shared/domain/wave-ledger.ts';
import type { OutgoingMail, SendOutcome } from '#shared/ports/mail-sender.ts';
import { Crash, dyingAt, SURVEY_PORTS } from '#test/support/dying-ports.ts';
import { drawnWave, invitationOf, NOW, settableClock, TOPIC, WAVE_ID } from './memory.ts';
import { runSteps, surveyPorts } from './wave-machine.ts';

const SIZE = 12;
/** Two runners with four mails each. */
const UNDER_WAY = 8;

const body = (type: string, customer: number, kind: string, more: object = {}): string =>
  JSON.stringify({
    Type: 'Notification',
    TopicArn: TOPIC,
    Message: JSON.stringify({
      eventType: type,
      mail: {
        messageId: `m-${customer}-${kind}`,
        timestamp: NOW,
        tags: { inv: [invitationOf(customer).invitationId], run: [WAVE_ID], kind: [kind] },
      },
      ...more,
    }),
  });

const EVENTS = {
  Delivery: { delivery: { timestamp: NOW } },
  Bounce: { bounce: { bounceType: 'Permanent', timestamp: NOW, feedbackId: 'f' } },
  Complaint: { complaint: { timestamp: NOW, feedbackId: 'f' } },
  Send: {},
} as const;

const OUTCOMES: readonly SendOutcome[] = [
  { kind: 'accepted', messageId: 'm' },
  { kind: 'unknown', reason: 'timeout' },
  { kind: 'notAccepted', retryable: true, reason: 'Throttling' },
  { kind: 'notAccepted', retryable: false, reason: 'MessageRejected' },
  { kind: 'notAccepted', retryable: true, reason: 'Daily message quota exceeded', brake: 'dailyQuota' },
];

const customer = fc.integer({ min: 1, max: SIZE });
const act = fc.oneof(
  fc.record({
    kind: fc.constant('send' as const),
    call: fc.integer({ min: 1, max: 160 }),
    moment: fc.constantFrom('before' as const, 'after' as const),
    twins: fc.boolean(),
    /** What an operator orders while the nth of these mails is on its way. */
    order: fc.option(
      fc.record({ at: fc.integer({ min: 1, max: 8 }), kind: fc.constantFrom('pause' as const, 'cancel' as const) }),
      { nil: undefined, freq: 1 },
    ),
  }),
  fc.record({
    kind: fc.constant('event' as const),
    customer,
    type: fc.constantFrom(...(Object.keys(EVENTS) as (keyof typeof EVENTS)[])),
    mail: fc.constantFrom('invitation', 'reminder'),
  }),
  fc.record({ kind: fc.constant('answer' as const), customer, suspect: fc.boolean() }),
  fc.record({ kind: fc.constant('unsubscribe' as const), customer }),
  fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const) }),
  fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 0, max: 200 }) }),
);
const script = fc.record({
  acts: fc.array(act, { maxLength: 14 }),
  cancelAfter: fc.option(fc.nat(14), { nil: undefined, freq: 2 }),
  outcomes: fc.array(fc.constantFrom(...OUTCOMES), { maxLength: 30 }),
});
type Script = typeof script extends fc.Arbitrary<infer T> ? T : never;
type Act = Script['acts'][number];

const assertAddsUp = (status: WaveStatus | undefined, sentTo: readonly OutgoingMail[]): void => {
  const states = status?.states ?? {};
  expect(Object.values(states).reduce((sum, count) => sum + count, 0)).toBe(SIZE);
  expect(Object.keys(states).filter((state) => !LEDGER_STATES.some((one) => one === state))).toEqual([]);
  const mails = sentTo.map((mail) => `${mail.tags['kind']} ${mail.to}`);
  expect(mails).toHaveLength(new Set(mails).size);
};

/** Early enough for all refusals of the mail service to pass before the wave closes. */
const LAST_RESUME = '2026-06-15T00:00:00.000Z';

/** Plays a script and checks the ledger after every act. */
const play = async ({ acts, cancelAfter, outcomes }: Script): Promise<void> => {
  const stores = await drawnWave(SIZE);
  const clock = settableClock(NOW);
  const left = [...outcomes];
  const accepted: OutgoingMail[] = [];
  let cancelled: number | undefined;
  let onItsWay = async (): Promise<void> => undefined;
  const control = { ...stores, clock };
  const order = { waveId: WAVE_ID, by: 'Ann', reason: 'r' };
  const ordered = async (kind: 'pause' | 'resume' | 'cancel'): Promise<void> => {
    try {
      await { pause: pauseWave, resume: resumeWave, cancel: cancelWave }[kind](order, control);
      if (kind === 'cancel') cancelled ??= accepted.length;
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^wave-(closed|cancelled)$/u) });
    }
  };
  const ports = surveyPorts(stores, clock, async (mail) => {
    const outcome = left.shift() ?? { kind: 'accepted', messageId: 'm' };
    if (outcome.kind === 'accepted') accepted.push(mail);
    await onItsWay();
    return outcome;
  });
  const perform = async (one: Act): Promise<void> => {
    switch (one.kind) {
      case 'send': {
        const until = clock.now();
        let mails = 0;
        onItsWay = async () => {
          mails += 1;
          if (mails === one.order?.at) await ordered(one.order.kind);
        };
        const runners = [runSteps(dyingAt(ports, SURVEY_PORTS, one.call, one.moment).ports, { until })];
        if (one.twins) runners.push(runSteps(ports, { until }));
        for (const ended of await Promise.allSettled(runners)) {
          if (ended.status === 'rejected') expect(ended.reason).toBeInstanceOf(Crash);
        }
        return;
      }
      case 'event':
        return ingestMailEvent(body(one.type, one.customer, one.mail, EVENTS[one.type]), {
          ...stores,
          clock,
          topicArn: TOPIC,
        }).then(() => undefined);
      case 'answer':
        await recordAnswer(
          {
            invitationId: invitationOf(one.customer).invitationId,
            score: 9,
            comment: '',
            wishes: [],
            honeypot: one.suspect,
          },
          { ...stores, clock, businessTimeZone: 'Asia/Shanghai', onProjectionFailed: () => undefined },
        );
        return;
      case 'unsubscribe':
        return stores.contacts.unsubscribe(invitationOf(one.customer).addressKey, clock.now());
      case 'pause':
      case 'resume':
        return ordered(one.kind);
      case 'wait':
        clock.moveBy(one.hours * 3_600_000);
    }
  };
  for (const [index, one] of acts.entries()) {
    if (index === cancelAfter) await ordered('cancel');
    await perform(one);
    assertAddsUp(await waveStatus(WAVE_ID, stores), accepted);
    if (cancelled !== undefined) expect(accepted.length).toBeLessThanOrEqual(cancelled + UNDER_WAY);
  }
  const before = accepted.length;
  await ordered('resume');
  const inTime = clock.now() < LAST_RESUME;
  await runSteps(ports, { until: '2026-08-01T00:00:00.000Z' });
  const status = await waveStatus(WAVE_ID, stores);
  assertAddsUp(status, accepted);
  for (const open of ['planned', 'claimed', 'sent', 'delivered']) expect(status?.states?.[open] ?? 0, open).toBe(0);
  expect(status?.state).toMatch(/^(closed|cancelled)$/u);
  if (cancelled !== undefined) expect(accepted).toHaveLength(before);
  else if (inTime) expect(status?.states?.['waveClosed'] ?? 0, 'nobody is left out after a resume').toBe(0);
};

describe('the ledger of a wave', () => {
  it('I6 adds up to the population over random orders of events, crashes, pauses and cancels, and nobody gets two mails', async () => {
    await fc.assert(fc.asyncProperty(script, play), { numRuns: 250 });
  }, 60_000);
});
