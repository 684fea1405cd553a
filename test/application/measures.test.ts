import { beforeEach, describe, expect, it } from 'vitest';
import { closeWave } from '#shared/application/close-wave.ts';
import { type EmitEventsPorts, emitEvents } from '#shared/application/emit-events.ts';
import { type EscalateCasesPorts, escalateCases } from '#shared/application/escalate-cases.ts';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { projectPendingAnswers } from '#shared/application/project-answer.ts';
import { recordAnswer } from '#shared/application/record-answer.ts';
import { failRun } from '#shared/application/run/finish-run.ts';
import { publishRun } from '#shared/application/run/publish-run.ts';
import { type SendPorts, sendInvitations, sendReminders } from '#shared/application/send-batch.ts';
import type { EventCursor } from '#shared/contracts/event-cursor.ts';
import type { SendOutcome } from '#shared/ports/mail-sender.ts';
import { withMetrics } from '#shared/ports/metrics.ts';
import { memoryMetrics } from '#test/support/memory-metrics.ts';
import { memoryRecords, memoryStaff } from '#test/support/memory-stores.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import {
  CLOSES,
  drawnWave,
  factsOf,
  invitationOf,
  type MemoryStores,
  memoryStores,
  NOW,
  openCase,
  settableClock,
  storedAnswer,
  TOPIC,
  WAVE_ID,
} from '#test/survey/memory.ts';

let kept: ReturnType<typeof memoryMetrics>;
const measured = <T>(work: () => Promise<T>): Promise<T> => withMetrics(kept.metrics, work);
beforeEach(() => {
  kept = memoryMetrics();
});

const accepted: SendOutcome = { kind: 'accepted', messageId: 'm' };
const sendPorts = (stores: MemoryStores, outcomes: SendOutcome[] = []): SendPorts => {
  let attempts = 0;
  return {
    ...stores,
    clock: { now: () => NOW },
    mail: { send: async () => outcomes.shift() ?? accepted },
    compose: ({ to, waveId, invitationId, kind }) => ({
      raw: new Uint8Array(),
      from: 'survey@example.com',
      to,
      tags: { run: waveId, inv: invitationId, kind },
    }),
    pacer: { reserve: async () => undefined },
    newAttemptId: () => `attempt-${++attempts}`,
  };
};
const batch = { waveId: WAVE_ID, batch: 0 };
const bounce = (index: number): string =>
  JSON.stringify({
    Type: 'Notification',
    TopicArn: TOPIC,
    Message: JSON.stringify({
      eventType: 'Bounce',
      mail: {
        messageId: `m${index}`,
        timestamp: NOW,
        tags: { inv: [invitationOf(index).invitationId], batch: ['0'], kind: ['invitation'] },
      },
      bounce: { bounceType: 'Permanent', timestamp: NOW, feedbackId: `f${index}` },
    }),
  });

describe('what a wave measures', () => {
  it('counts each mail once by what became of it, also where its batch is done again', async () => {
    const stores = await drawnWave(5);
    const ports = sendPorts(stores, [
      accepted,
      { kind: 'unknown', reason: 'timeout' },
      { kind: 'notAccepted', retryable: false, reason: 'refused' },
    ]);

    await measured(() => sendInvitations(batch, ports));
    await measured(() => sendInvitations(batch, ports));

    expect(kept.sum('InvitationsSent')).toBe(3);
    expect(kept.sum('MailsUncertain')).toBe(1);
    expect(kept.sum('MailsRejected')).toBe(1);
    expect(kept.sum('RemindersSent')).toBeUndefined();
  });

  it('counts reminders apart', async () => {
    const stores = await drawnWave(3);
    await sendInvitations(batch, sendPorts(stores));
    const later = { ...sendPorts(stores), clock: { now: () => '2026-06-08T02:00:00.000Z' } };

    await measured(() => sendReminders(batch, later));

    expect(kept.sum('RemindersSent')).toBe(3);
    expect(kept.sum('InvitationsSent')).toBeUndefined();
  });

  it('counts an event that comes twice once, and the brake that it pulls once', async () => {
    const stores = {
      ...(await drawnWave(4)),
      mailBrakes: { bounceShare: 0.2, complaintShare: 0.5, afterSends: 2 },
    };
    await sendInvitations(batch, sendPorts(stores));
    const ports = { ...stores, clock: { now: () => NOW }, topicArn: TOPIC };

    for (const index of [1, 1, 2]) await measured(() => ingestMailEvent(bounce(index), ports));

    expect(kept.sum('MailEvents')).toBe(2);
    expect(kept.sum('MailsBounced')).toBe(2);
    expect(kept.sum('MailsComplained')).toBeUndefined();
    expect(kept.sum('WavesBraked')).toBe(1);
  });

  it('counts a rest that the mail service asks for once, however often it refuses', async () => {
    const stores = await drawnWave(2);
    const refusing: SendOutcome = { kind: 'notAccepted', retryable: false, brake: 'paused', reason: 'paused' };
    const clock = settableClock(NOW);
    const ports = {
      ...sendPorts(
        stores,
        Array.from({ length: 9 }, () => refusing),
      ),
      clock,
    };

    await measured(() => sendInvitations(batch, ports));
    clock.moveBy(20 * 60_000);
    await measured(() => sendInvitations(batch, ports));

    expect(kept.sum('WavesBraked')).toBe(1);
  });

  it('gives what it came to when it closes', async () => {
    const stores = await drawnWave(3);
    await sendInvitations(batch, sendPorts(stores, [{ kind: 'unknown', reason: 'timeout' }]));
    const { invitationId } = invitationOf(2);
    await stores.answers.put(storedAnswer(invitationId, 1), 0);

    await measured(() => closeWave({ waveId: WAVE_ID }, { ...stores, clock: { now: () => CLOSES } }));

    expect(kept.sum('WaveUncertain')).toBe(1);
    expect(kept.sum('WaveAnswered')).toBe(1);
  });
});

describe('what answers measure', () => {
  const answering = async () => {
    const stores = memoryStores();
    const clock = settableClock(NOW);
    await stores.invitations.createMany([
      invitationOf(1, { invitation: { state: 'sent', at: '2026-06-01T01:00:00.000Z', attempts: 0 } }),
    ]);
    stores.customers.all.set('c1', factsOf('c1'));
    return { ...stores, clock, businessTimeZone: 'UTC', onProjectionFailed: () => undefined };
  };
  const form = (score: number) => ({
    invitationId: invitationOf(1).invitationId,
    score,
    comment: 'please call',
    wishes: ['call' as const],
    honeypot: false,
  });

  it('counts what is stored, projected and opens a case; the same answer again counts for nothing', async () => {
    const ports = await answering();

    await measured(() => recordAnswer(form(2), ports));
    await measured(() => recordAnswer(form(2), ports));

    expect(kept.sum('AnswersStored')).toBe(1);
    expect(kept.sum('AnswersProjected')).toBe(1);
    expect(kept.sum('CasesOpened')).toBe(1);
  });

  it('says how long the oldest has waited that a sweep could not project, and 0 once none waits', async () => {
    const ports = await answering();
    const busy = { ...ports, customers: { ...ports.customers, get: () => Promise.reject(new Error('no database')) } };
    await recordAnswer(form(9), busy);
    ports.clock.moveBy(15 * 60_000);

    await measured(() => projectPendingAnswers(busy));
    expect(kept.ofStage).toEqual([['OldestAnswerSeconds', 900]]);
    await measured(() => projectPendingAnswers(ports));

    expect(kept.ofStage.slice(1)).toContainEqual(['AnswersProjected', 1]);
    expect(kept.ofStage.at(-1)).toEqual(['OldestAnswerSeconds', 0]);
  });
});

describe('what cases measure', () => {
  it('tells how many are open, how many overdue and how many went to the next above', async () => {
    const stores = memoryStores();
    const clock = settableClock('2026-06-10T02:00:00.000Z');
    await stores.cases.createIfAbsent(openCase('old', { dueAt: '2026-06-02T02:00:00.000Z' }));
    await stores.cases.createIfAbsent(
      openCase('new', { openedAt: '2026-06-10T01:00:00.000Z', dueAt: '2026-06-12T02:00:00.000Z' }),
    );
    const ports: EscalateCasesPorts = {
      clock,
      cases: stores.cases,
      staff: memoryStaff([]),
      mail: { send: async () => accepted },
      pacer: { reserve: async () => undefined },
      newAttemptId: () => `attempt-${Math.random()}`,
      operatorAddress: 'operators@bank.example.com',
      frame: () => ({
        sender: { company: 'Bank', address: 'survey@bank.example.com', postalAddress: '1 Road' },
        replyTo: 'service@bank.example.com',
        commandOptions: '',
        timeZone: 'UTC',
      }),
      segmentLabel: async (_wave, segment) => segment,
    };

    await measured(() => escalateCases(ports));

    expect(kept.sum('CasesOpen')).toBe(2);
    expect(kept.sum('CasesOverdue')).toBe(1);
    expect(kept.sum('CasesEscalated')).toBe(1);
  });
});

describe('what runs and events measure', () => {
  let bench: ReturnType<typeof openMemoryBench>;
  let ports: EmitEventsPorts;
  const run = async (month: string, scores: Readonly<Record<string, number>>): Promise<string> => {
    bench.setNow(`${month}-01T02:00:00.000Z`);
    await withScore(bench, scores, '2026-10-15');
    return (await bench.run({ trigger: 'schedule', scheduledAt: bench.ports.clock.now() })).runId;
  };
  beforeEach(async () => {
    bench = openMemoryBench();
    await bench.usePolicy(SCORE_POLICY);
    ports = {
      ...bench.ports,
      bus: { send: async () => new Set() },
      outboxes: [bench.ports.flags],
      cursors: memoryRecords<EventCursor>(),
      isOutOfTime: () => false,
    };
  });

  it('gives the figures of a run once it is published, and not again when the step is repeated', async () => {
    await run('2026-11', { a: 90, b: 50, c: 10 });
    const runId = await measured(() => run('2026-12', { a: 50, b: 90 }));
    await measured(() => publishRun({ runId }, bench.ports));

    expect(kept.sum('RunsPublished')).toBe(1);
    expect(kept.sum('CustomersRead')).toBe(3);
    expect(kept.sum('CustomersQuarantined')).toBe(0);
    expect(kept.sum('CustomersMovedUp')).toBe(1);
    expect(kept.sum('CustomersMovedDown')).toBe(1);
    expect(kept.sum('RunsDegraded')).toBe(0);
    expect(kept.sum('SecondsToPublish')).toBe(0);
  });

  it('counts an execution that failed', async () => {
    await measured(() => failRun({ error: 'PermanentError', cause: 'no-facts' }, bench.ports));

    expect(kept.sum('RunsFailed')).toBe(1);
  });

  it('says how long the oldest event has waited that the bus refused, or for which there was no time', async () => {
    await run('2026-11', { a: 90, b: 50 });
    bench.setNow('2026-11-01T03:00:00.000Z');
    const refusing = {
      ...ports,
      bus: { send: async (events: readonly { id: string }[]) => new Set(events.map((one) => one.id)) },
    };

    await measured(() => emitEvents(refusing)).catch(() => undefined);
    expect(kept.sum('OldestEventSeconds')).toBe(3_600);
    kept = memoryMetrics();
    await measured(() => emitEvents({ ...ports, isOutOfTime: () => true }));
    expect(kept.sum('OldestEventSeconds')).toBe(3_600);
    kept = memoryMetrics();
    await measured(() => emitEvents(ports));

    expect(kept.sum('OldestEventSeconds')).toBe(0);
    expect(kept.sum('EventsSent')).toBe(2);
  });
});
