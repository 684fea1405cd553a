import { closeWave } from '#shared/application/close-wave.ts';
import { lookUpWave } from '#shared/application/look-up-wave.ts';
import { type SendPorts, sendInvitations, sendReminders } from '#shared/application/send-batch.ts';
import { RetryableError } from '#shared/errors.ts';
import type { OutgoingMail, SendOutcome } from '#shared/ports/mail-sender.ts';
import { type MemoryStores, type settableClock, WAVE_ID } from './memory.ts';

type SettableClock = ReturnType<typeof settableClock>;
export type MachinePorts = SendPorts & MemoryStores & { readonly clock: SettableClock };

let attempts = 0;

/** All that a wave's steps need, on stores in memory and a mail service of the test. */
export const surveyPorts = (
  stores: MemoryStores,
  clock: SettableClock,
  send: (mail: OutgoingMail) => Promise<SendOutcome>,
): MachinePorts => ({
  ...stores,
  clock,
  mail: { send },
  compose: (survey) => ({
    raw: new Uint8Array(),
    from: 'survey@example.com',
    to: survey.to,
    tags: { run: survey.waveId, inv: survey.invitationId, kind: survey.kind },
  }),
  pacer: { reserve: async () => undefined },
  newAttemptId: () => `machine-${++attempts}`,
});

/** Failures that Step Functions would retry; beyond them the execution fails. */
const MOST_RETRIES = 9;

/**
 * Walks a wave as its state machine does after planning, two batches at once, with waits on the clock; stops before a wait
 * that ends after `until`, or when the wave has closed.
 *
 * @param plan plans the wave where the machine would
 * @returns whether it has closed
 */
export const runSteps = async (
  ports: MachinePorts,
  {
    until,
    waveId = WAVE_ID,
    plan,
  }: { readonly until: string; readonly waveId?: string; readonly plan?: () => Promise<unknown> },
): Promise<boolean> => {
  for (;;) {
    const step = await lookUpWave({ waveId }, ports);
    switch (step.next) {
      case 'plan-wave':
        if (plan === undefined) throw new Error('this wave is to be planned');
        await plan();
        break;
      case 'wait':
        if (step.until > until) {
          if (until > ports.clock.now()) ports.clock.moveTo(until);
          return false;
        }
        ports.clock.moveTo(step.until);
        break;
      case 'close':
        await closeWave({ waveId }, ports);
        return true;
      case 'send-invitations':
      case 'send-reminders': {
        const send = step.next === 'send-invitations' ? sendInvitations : sendReminders;
        const batches = step.batches.values();
        const worker = async (): Promise<void> => {
          for (const batch of batches) await retried(() => send({ waveId, batch }, ports));
        };
        await Promise.all([worker(), worker()]);
      }
    }
  }
};

const retried = async (work: () => Promise<unknown>): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof RetryableError) || tries === MOST_RETRIES) throw error;
    }
  }
};
