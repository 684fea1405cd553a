import type { DrawnAudience, WaveDay, WaveRecord } from '#shared/contracts/survey.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import type { MailKind } from '#shared/domain/contact-policy.ts';
import { isDue, putOffUntil } from '#shared/domain/invitation.ts';
import { restsUntil } from '#shared/domain/wave-pause.ts';
import type { AnswerStore } from '#shared/ports/answer-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { WaveFiles } from '#shared/ports/wave-files.ts';
import { readDrawn } from './draw-audience.ts';
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
  readonly next: 'plan-wave' | 'send-invitations' | 'send-reminders' | 'wait' | 'close';
  readonly batches: number[];
  readonly until: string;
}

/** Batches looked up at once: five hundred invitations. */
const BATCHES_AT_ONCE = 10;
/** Batches that one look names; the next look names the rest. It keeps the state's data small and a Map's history short. */
export const MOST_BATCHES = 2_048;
const DAY_MS = 86_400_000;

/**
 * What a wave does next, from its record and its invitations alone, so that it is right after any crash, pause and resume: its
 * planning, where the mail service did not allow it before; invitations of the days that have begun and are not out yet; then
 * reminders once they are due; else to wait for the next day, for a contact budget, the reminders, the end of a pause or the
 * closing. A wave that is cancelled or past its end names its unsent batches once more, so that each mail gets its reason.
 */
export const lookUpWave = async ({ waveId }: WaveRef, ports: LookUpWavePorts): Promise<WaveStep> => {
  const now = ports.clock.now();
  const wave = await loadWave(ports.waves, waveId);
  const step = (next: WaveStep['next'], more: Partial<Pick<WaveStep, 'batches' | 'until'>> = {}): WaveStep => ({
    schema: 1,
    waveId,
    next,
    until: now,
    ...more,
    batches: (more.batches ?? []).slice(0, MOST_BATCHES),
  });
  const waitUntil = (...instants: readonly (Instant | undefined)[]): WaveStep => {
    const ms = [...instants, wave.closesAt].flatMap((one) => (one === undefined ? [] : [Date.parse(one)]));
    return step('wait', { until: new Date(Math.min(...ms)).toISOString() });
  };
  if (wave.state === 'closed') return step('close');
  const over = wave.state === 'cancelled' || now >= wave.closesAt;
  const rests = over ? undefined : restsUntil(wave.pause, now);
  const audience = await readDrawn(waveId, ports.waveFiles);
  if (wave.state === 'planned') return rests === undefined ? step('plan-wave') : waitUntil(rests);
  if (audience === undefined) return step('close');
  if (rests !== undefined) return waitUntil(rests);

  const days = wave.days ?? [oneDay(wave, audience)];
  const unsent = await dueBatches('invitation', audience, over ? undefined : now, ports);
  if (over) {
    if (unsent.due.length > 0) return step('send-invitations', { batches: unsent.due });
    return now >= wave.closesAt ? step('close') : waitUntil();
  }
  const limit = wave.dailyMails ?? Number.POSITIVE_INFINITY;
  const begun = begunDays(days, unsent, now);
  const current = begun.findLast((day) => hasFresh(day, unsent));
  const held = current === undefined ? undefined : heldUntil(days, current, 'sentAt', limit, now);
  const toSend = unsent.due.filter(
    (batch) =>
      begun.some((day) => holdsBatch(day, batch)) &&
      !(held !== undefined && current !== undefined && holdsBatch(current, batch)),
  );
  if (toSend.length > 0) {
    if (current !== undefined && held === undefined)
      await updateWave(ports.waves, waveId, (record) => withSending(record, current.firstBatch, now));
    return step('send-invitations', { batches: toSend });
  }
  if (unsent.planned.size === 0) {
    await updateWave(ports.waves, waveId, (record) =>
      record.state === 'sending' ? { ...record, state: 'open' } : record,
    );
  }
  const nextDay = days.slice(begun.length).find((day) => [...unsent.planned].some((batch) => holdsBatch(day, batch)));

  const reminding = begun.filter((day) => day.remindAt <= now && day.remindAt < wave.closesAt);
  const unreminded = reminding.length === 0 ? NOTHING_DUE : await dueBatches('reminder', audience, now, ports);
  const waits: (Instant | undefined)[] = [];
  for (const day of reminding) {
    const batches = unreminded.due.filter((batch) => holdsBatch(day, batch));
    if (batches.length === 0) continue;
    const remindersHeld = heldUntil(days, day, 'remindedAt', limit, now);
    if (remindersHeld === undefined) {
      await updateWave(ports.waves, waveId, (record) => withReminding(record, day.firstBatch, now));
      return step('send-reminders', { batches });
    }
    waits.push(remindersHeld);
  }
  const laterReminder = begun.find((day) => day.remindAt > now)?.remindAt;
  return waitUntil(held, nextDay?.from, unsent.next, laterReminder, unreminded.next, ...waits);
};

/** A wave from before days were planned: all on the day of its planning. */
const oneDay = (wave: WaveRecord, { drawn, batchSize }: DrawnAudience): WaveDay => ({
  from: wave.plannedAt,
  remindAt: wave.remindAt,
  mails: drawn.length,
  firstBatch: 0,
  batches: Math.ceil(drawn.length / batchSize),
});

const holdsBatch = (day: WaveDay, batch: number): boolean =>
  batch >= day.firstBatch && batch < day.firstBatch + day.batches;

const hasFresh = (day: WaveDay, { fresh }: DueBatches): boolean => [...fresh].some((batch) => holdsBatch(day, batch));

/**
 * The days that have begun. Of two days that are late, the second waits until the first is sent, so that no day's share of the
 * quota is spent twice.
 */
const begunDays = (days: readonly WaveDay[], unsent: DueBatches, now: Instant): WaveDay[] => {
  const begun: WaveDay[] = [];
  for (const day of days) {
    if (day.sentAt === undefined && day.from > now) break;
    begun.push(day);
    if (hasFresh(day, unsent)) break;
  }
  return begun;
};

/**
 * Until when mails of a day wait, so that no 24 hours have more of the wave's mails than a day may hold; undefined where they
 * need not. What was given to the senders in the last 24 hours counts in full.
 */
const heldUntil = (
  days: readonly WaveDay[],
  day: WaveDay,
  kind: 'sentAt' | 'remindedAt',
  limit: number,
  now: Instant,
): Instant | undefined => {
  const since = Date.parse(now) - DAY_MS;
  const others = days.flatMap((one) =>
    (['sentAt', 'remindedAt'] as const).flatMap((other) => {
      const given = one[other];
      const at = given === undefined ? undefined : Date.parse(given);
      const own = one === day && other === kind;
      return own || at === undefined || at <= since ? [] : [{ at, mails: one.mails }];
    }),
  );
  const given = others.reduce((sum, { mails }) => sum + mails, 0);
  if (given === 0 || given + day.mails <= limit) return undefined;
  return new Date(Math.min(...others.map(({ at }) => at)) + DAY_MS).toISOString();
};

const withReminding = (wave: WaveRecord, firstBatch: number, now: Instant): WaveRecord =>
  wave.days === undefined
    ? wave
    : { ...wave, days: wave.days.map((day) => (day.firstBatch === firstBatch ? { ...day, remindedAt: now } : day)) };

/** A day that begins within a minute is as planned. */
const LATE_MS = 60_000;

/**
 * Notes that mails of a day are sent now. Where it begins late its reminders move too, and no later day begins before 24 hours
 * have passed.
 */
const withSending = (wave: WaveRecord, firstBatch: number, now: Instant): WaveRecord => {
  const { days } = wave;
  if (days === undefined) return wave;
  const index = days.findIndex((day) => day.firstBatch === firstBatch);
  const current = days[index];
  if (current === undefined) return wave;
  const nowMs = Date.parse(now);
  const by = (ms: number) => {
    const moved = ms < LATE_MS ? 0 : ms;
    const move = (instant: Instant): Instant => new Date(Date.parse(instant) + moved).toISOString();
    return (day: WaveDay): WaveDay => ({ ...day, from: move(day.from), remindAt: move(day.remindAt) });
  };
  const late = by(current.sentAt === undefined ? nowMs - Date.parse(current.from) : 0);
  const next = days[index + 1];
  const later = by(next === undefined ? 0 : nowMs + DAY_MS - Date.parse(next.from));
  const moved = days.map((day, at) => {
    if (at < index) return day;
    return at === index ? { ...late(day), sentAt: now } : later(day);
  });
  return { ...wave, days: moved, remindAt: moved[0]?.remindAt ?? wave.remindAt };
};

interface DueBatches {
  /** Batches with a mail to be sent now, ascending. */
  readonly due: number[];
  /** Batches with a mail to be sent now or later. */
  readonly planned: ReadonlySet<number>;
  /** Batches with a mail to be sent now that was not put off. */
  readonly fresh: ReadonlySet<number>;
  /** The first instant to which a mail was put off. */
  readonly next: Instant | undefined;
}

const NOTHING_DUE: Pick<DueBatches, 'due' | 'next'> = { due: [], next: undefined };

/** The batches in which a mail of the kind is still to be sent. Without `now`, what was put off is due too. */
const dueBatches = async (
  kind: MailKind,
  { drawn, batchSize }: DrawnAudience,
  now: Instant | undefined,
  ports: LookUpWavePorts,
): Promise<DueBatches> => {
  const due = new Set<number>();
  const planned = new Set<number>();
  const fresh = new Set<number>();
  let next: Instant | undefined;
  const width = batchSize * BATCHES_AT_ONCE;
  for (let from = 0; from < drawn.length; from += width) {
    const ids = drawn.slice(from, from + width).map((one) => one.invitationId);
    const [invitations, answered] = await Promise.all([
      ports.invitations.getMany(ids),
      kind === 'reminder' ? ports.answers.getMany(ids) : new Map<string, unknown>(),
    ]);
    ids.forEach((id, index) => {
      const invitation = invitations.get(id);
      if (invitation === undefined || answered.has(id) || !isDue(invitation, kind)) return;
      const batch = Math.floor((from + index) / batchSize);
      planned.add(batch);
      const until = putOffUntil(invitation, kind);
      if (isDue(invitation, kind, now)) {
        due.add(batch);
        if (until === undefined) fresh.add(batch);
      } else if (until !== undefined && (next === undefined || until < next)) next = until;
    });
  }
  return { due: [...due], planned, fresh, next };
};
