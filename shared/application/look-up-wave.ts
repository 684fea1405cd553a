import type { DrawnAudience, WaveRecord } from '#shared/contracts/survey.ts';
import type { MailKind } from '#shared/domain/contact-policy.ts';
import { isDue } from '#shared/domain/invitation.ts';
import { restsUntil } from '#shared/domain/wave-pause.ts';
import type { AnswerStore } from '#shared/ports/answer-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { WaveFiles } from '#shared/ports/wave-files.ts';
import { readDrawn } from './plan-wave.ts';
import { loadWave, updateWave, type WaveRef } from './wave-record.ts';

export interface LookUpWavePorts {
  readonly clock: Clock;
  readonly waves: RecordStore<WaveRecord>;
  readonly waveFiles: WaveFiles;
  readonly invitations: Pick<InvitationStore, 'getMany'>;
  readonly answers: Pick<AnswerStore, 'getMany'>;
}

export interface WaveStep extends WaveRef {
  readonly schema: 1;
  readonly next: 'send-invitations' | 'send-reminders' | 'wait' | 'close';
  readonly batches: number[];
  readonly until: string;
}

/** Batches looked up at once: five hundred invitations. */
const BATCHES_AT_ONCE = 10;

/**
 * What a wave does next, from its record and its invitations alone, so that it is right after any crash, pause and resume:
 * invitations that are not out yet, then reminders once they are due, else to wait for the reminders, the end of a pause or
 * the closing. A wave that is cancelled or past its end names its unsent batches once more, so that each mail gets its reason.
 */
export const lookUpWave = async ({ waveId }: WaveRef, ports: LookUpWavePorts): Promise<WaveStep> => {
  const now = ports.clock.now();
  const wave = await loadWave(ports.waves, waveId);
  const step = (next: WaveStep['next'], more: Partial<Pick<WaveStep, 'batches' | 'until'>> = {}): WaveStep => ({
    schema: 1,
    waveId,
    next,
    batches: [],
    until: now,
    ...more,
  });
  const audience = await readDrawn(waveId, ports.waveFiles);
  if (audience === undefined || wave.state === 'closed') return step('close');
  const over = wave.state === 'cancelled' || now >= wave.closesAt;
  const rests = over ? undefined : restsUntil(wave.pause, now);
  if (rests !== undefined) {
    const until = Math.min(Date.parse(rests), Date.parse(wave.closesAt));
    return step('wait', { until: new Date(until).toISOString() });
  }

  const unsent = await dueBatches('invitation', audience, ports);
  if (unsent.length > 0) return step('send-invitations', { batches: unsent });
  if (now >= wave.closesAt) return step('close');
  if (wave.state === 'cancelled') return step('wait', { until: wave.closesAt });
  await updateWave(ports.waves, waveId, (current) =>
    current.state === 'sending' ? { ...current, state: 'open' } : current,
  );
  if (wave.remindAt >= wave.closesAt) return step('wait', { until: wave.closesAt });
  if (now < wave.remindAt) return step('wait', { until: wave.remindAt });
  const toRemind = await dueBatches('reminder', audience, ports);
  return toRemind.length > 0 ? step('send-reminders', { batches: toRemind }) : step('wait', { until: wave.closesAt });
};

/** The batches in which a mail of the kind is still to be sent, ascending. */
const dueBatches = async (
  kind: MailKind,
  { drawn, batchSize }: DrawnAudience,
  ports: LookUpWavePorts,
): Promise<number[]> => {
  const due = new Set<number>();
  const width = batchSize * BATCHES_AT_ONCE;
  for (let from = 0; from < drawn.length; from += width) {
    const ids = drawn.slice(from, from + width).map((one) => one.invitationId);
    const [invitations, answered] = await Promise.all([
      ports.invitations.getMany(ids),
      kind === 'reminder' ? ports.answers.getMany(ids) : new Map<string, unknown>(),
    ]);
    ids.forEach((id, index) => {
      const invitation = invitations.get(id);
      if (invitation !== undefined && !answered.has(id) && isDue(invitation, kind)) {
        due.add(Math.floor((from + index) / batchSize));
      }
    });
  }
  return [...due];
};
