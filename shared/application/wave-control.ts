import type { WaveControl, WaveRecord } from '#shared/contracts/survey.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import { restsUntil } from '#shared/domain/wave-pause.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { updateWave, type WaveRef } from './wave-record.ts';

export interface WaveControlPorts {
  readonly clock: Clock;
  readonly waves: RecordStore<WaveRecord>;
}

export interface WaveOrder extends WaveRef {
  /** Who orders it. */
  readonly by: string;
  readonly reason: string;
}

/** What an order did. */
export interface WaveControlResult extends WaveRef {
  /** `unchanged`: it had been ordered before, and the first order stands. */
  readonly outcome: 'done' | 'unchanged';
  readonly state: WaveRecord['state'];
  readonly pause: WaveRecord['pause'];
  /** The order that stands; null where nobody gave one. */
  readonly order: WaveControl | null;
  /** After a resume: by when the wave sends its next mails; null where it has none to send any more. */
  readonly goesOnBy: Instant | null;
}

const LONGEST_REASON = 500;
/** Orders kept with a wave; the oldest go first. */
const KEPT_ORDERS = 200;

/**
 * Stops a wave from sending, before the next mail is claimed. Answers, pages and mail events go on. A second pause leaves the
 * first one's name and reason; a wave that its bounces or complaints stopped stays stopped by them.
 *
 * @throws PermanentError `wave-unknown`, `wave-closed`, `wave-cancelled`, `reason-missing`
 */
export const pauseWave = async (order: WaveOrder, ports: WaveControlPorts): Promise<WaveControlResult> => {
  const reason = checkedReason(order.reason);
  return changeWave(order.waveId, 'paused', ports, (wave, at) => {
    if (wave.pause?.by === 'operator' || wave.pause?.by === 'reputation') return wave;
    return withOrder(wave, { action: 'pause', by: order.by, reason, at }, { pause: { by: 'operator', reason, at } });
  });
};

/**
 * Lets a paused wave go on where it was; also tries at once what the mail service refused. A wave that is not paused stays as
 * it is. Where bounces or complaints stopped it, a reason is needed, and from then on only mails sent later are judged: what
 * the earlier ones still come to is what the operator accepted.
 *
 * @throws PermanentError `wave-unknown`, `wave-closed`, `wave-cancelled`, `reason-missing`
 */
export const resumeWave = async (
  order: WaveRef & Pick<WaveOrder, 'by'> & Partial<Pick<WaveOrder, 'reason'>>,
  ports: WaveControlPorts,
): Promise<WaveControlResult> => {
  const reason = order.reason === undefined ? null : checkedReason(order.reason);
  return changeWave(order.waveId, 'resumed', ports, (wave, at) => {
    if (wave.pause === null) return wave;
    const braked = wave.pause.by === 'reputation';
    if (braked && reason === null) throw reasonNeeded(wave.waveId, wave.pause.reason);
    const change = { pause: null, ...(braked ? { judgedFrom: at } : {}) };
    return withOrder(wave, { action: 'resume', by: order.by, reason, at }, change);
  });
};

const reasonNeeded = (waveId: string, figures: string): PermanentError =>
  new PermanentError(
    'reason-missing',
    `wave ${waveId} was stopped by the brake: ${figures}; resuming it needs --reason, which is kept with your name`,
    {
      hint: `resegment wave resume ${waveId} --reason "old addresses taken out", or resegment wave cancel ${waveId} --reason "…"`,
    },
  );

/**
 * Ends the sending of a wave for ever: no invitation and no reminder goes out any more. Its links take answers until the day
 * the mails name, and what was answered counts. A second cancel leaves the first one's name and reason.
 *
 * @throws PermanentError `wave-unknown`, `wave-closed`, `reason-missing`
 */
export const cancelWave = async (order: WaveOrder, ports: WaveControlPorts): Promise<WaveControlResult> => {
  const reason = checkedReason(order.reason);
  return changeWave(order.waveId, 'cancelled', ports, (wave, at) =>
    wave.state === 'cancelled'
      ? wave
      : withOrder(wave, { action: 'cancel', by: order.by, reason, at }, { state: 'cancelled', pause: null }),
  );
};

/** Who paused or cancelled the wave, as it stands; null where nobody did. */
export const standingOrder = (wave: Pick<WaveRecord, 'state' | 'pause' | 'orders'>): WaveControl | null => {
  const last = wave.orders?.findLast(({ action }) => action !== 'redrive');
  if (last === undefined) return null;
  if (last.action === 'cancel') return wave.state === 'cancelled' ? last : null;
  return last.action === 'pause' && wave.pause !== null && wave.pause.by !== 'brake' ? last : null;
};

/** The record with a change and the order that it came from. */
export const withOrder = (wave: WaveRecord, order: WaveControl, change: Partial<WaveRecord>): WaveRecord => ({
  ...wave,
  ...change,
  orders: [...(wave.orders ?? []), order].slice(-KEPT_ORDERS),
});

/** Decides on the record as it is stored, again after every conflict, so that of two orders at once one comes second. */
const changeWave = async (
  waveId: string,
  wanted: 'paused' | 'resumed' | 'cancelled',
  ports: WaveControlPorts,
  change: (wave: WaveRecord, now: Instant) => WaveRecord,
): Promise<WaveControlResult> => {
  let before: WaveRecord | undefined;
  const now = ports.clock.now();
  const wave = await updateWave(ports.waves, waveId, (current) => {
    before = current;
    refuse(current, wanted, now);
    return change(current, now);
  });
  const changed = wave !== before;
  return {
    waveId,
    outcome: changed ? 'done' : 'unchanged',
    state: wave.state,
    pause: wave.pause,
    order: standingOrder(wave),
    goesOnBy: wanted === 'resumed' && changed ? nextSending(wave, before?.pause ?? null, now) : null,
  };
};

/**
 * By when the next mails go out: the end of the wait that a pause began, and not before the next day of sending; in a wave whose
 * invitations are out, not before its next reminders.
 */
const nextSending = (wave: WaveRecord, pause: WaveRecord['pause'], now: Instant): Instant | null => {
  const looks = restsUntil(pause, now) ?? now;
  const notBefore = (instant: Instant | undefined): Instant =>
    instant === undefined || instant < looks ? looks : instant;
  if (wave.state !== 'open') return notBefore(wave.days?.find((day) => day.sentAt === undefined)?.from);
  if (wave.remindAt >= wave.closesAt) return null;
  const unreminded = wave.days?.find((day) => day.remindedAt === undefined);
  return notBefore(unreminded?.remindAt ?? wave.remindAt);
};

const refuse = (wave: WaveRecord, wanted: 'paused' | 'resumed' | 'cancelled', now: Instant): void => {
  const { waveId } = wave;
  if (wave.state === 'closed' || now >= wave.closesAt) {
    throw new PermanentError(
      'wave-closed',
      `wave ${waveId} closed at ${wave.closesAt} and sends nothing any more; only a wave that is planned, sending or open can be ${wanted}`,
      { hint: `resegment wave show ${waveId} shows what came of it` },
    );
  }
  if (wave.state === 'cancelled' && wanted !== 'cancelled') {
    const last = standingOrder(wave);
    throw new PermanentError(
      'wave-cancelled',
      `wave ${waveId} is cancelled${last === null ? '' : ` since ${last.at} by ${last.by}: ${last.reason ?? ''}`}; only a wave that is planned, sending or open can be ${wanted}`,
      { hint: 'a cancelled wave cannot be taken up again; the next run starts a new one' },
    );
  }
};

const checkedReason = (given: string): string => {
  const reason = given.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  if (reason === '' || [...reason].length > LONGEST_REASON) {
    throw new PermanentError(
      'reason-missing',
      `--reason must say why in 1 to ${LONGEST_REASON} characters, got ${[...reason].length}; it is kept with the wave`,
      { hint: '--reason "wrong branch names in the mail"' },
    );
  }
  return reason;
};
