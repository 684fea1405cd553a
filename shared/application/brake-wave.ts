import type { MailTally, WaveRecord } from '#shared/contracts/survey.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import type { MailKind } from '#shared/domain/contact-policy.ts';
import { type Invitation, lineOf } from '#shared/domain/invitation.ts';
import { type MailBrakes, type MailFigures, mailBrakeHits, mailBrakeText } from '#shared/domain/mail-brake.ts';
import { RetryableError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { SendOutcome } from '#shared/ports/mail-sender.ts';
import { measure } from '#shared/ports/metrics.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { type BatchRef, loadWave, updateWave } from './wave-record.ts';

/**
 * The brake of a wave: it stops sending when too many mails bounce or are complained about.
 *
 * How it counts. Each batch has one tally per kind of mail. Whoever sent the batch counts in it what the invitations say; an
 * event adds its mail to a set in it. Nothing is incremented, so that repeated events, repeated batches and crashes leave the
 * same figures. A bounce counts once its mail is counted, half-way through its batch or at its end, so that a rate is never too
 * high because mails under way are missing below the line. It is judged by whoever changed a tally, after the change; as reads
 * are consistent, the later of two sees both.
 *
 * What it costs. Per 25 mails: one read of the invitations of their batch, one write, and one query over the tallies of the
 * wave, of about 150 bytes each: 75 read units for 2,000 batches, that is 100,000 mails. The same query and write for a bounce or
 * complaint; other events cost nothing. At 200 mails a second these are eight counts, and at 4 % eight bounces, a second.
 */
export interface WaveBrakePorts {
  readonly clock: Clock;
  readonly waves: RecordStore<WaveRecord>;
  readonly tallies: RecordStore<MailTally>;
  readonly mailBrakes: MailBrakes;
  /** Mails the operators that a wave was stopped. */
  readonly tellWaveBraked: (wave: WaveRecord) => Promise<SendOutcome>;
}

const EMPTY: MailTally = { from: null, sent: null, until: null, bounced: {}, complained: {} };
const TRIES = 25;
/** Longest rest after the first try; after the others, so many times longer. */
const REST_MS = 4;

const tallyId = ({ waveId, batch }: BatchRef, kind: MailKind): string => `${waveId}#${kind}#${batch}`;

/**
 * Counts what a batch has sent, from its invitations, and judges the wave. Doing it again changes nothing.
 *
 * @param counting `under way` while more mails of the batch are to come; `read` gives its invitations
 */
export const noteBatchSent = async (
  ref: BatchRef,
  kind: MailKind,
  { stage, read }: { readonly stage: 'under way' | 'sent'; readonly read: () => Promise<Iterable<Invitation>> },
  ports: WaveBrakePorts,
): Promise<void> => {
  const from = (await loadWave(ports.waves, ref.waveId)).judgedFrom ?? null;
  const until = stage === 'sent' ? null : ports.clock.now();
  let sent = 0;
  for (const invitation of await read()) {
    const { state, at } = lineOf(invitation, kind);
    if (state === 'sent' && isWithin(at, from, until)) sent += 1;
  }
  const changed = await changeTally(ref, kind, ports, (tally) =>
    tally.sent === sent && tally.from === from && tally.until === until ? tally : { ...tally, sent, from, until },
  );
  if (changed) await judgeWave(ref.waveId, ports);
};

/** Adds a hard bounce or a complaint to the figures of its batch, and judges the wave. The same one again changes nothing. */
export const noteMailFailed = async (
  ref: BatchRef,
  failure: {
    readonly kind: MailKind;
    readonly invitationId: string;
    readonly type: 'bounced' | 'complained';
    /** When the mail was sent. */
    readonly sentAt: Instant;
  },
  ports: WaveBrakePorts,
): Promise<void> => {
  const { kind, type, invitationId, sentAt } = failure;
  await changeTally(ref, kind, ports, (tally) =>
    Object.hasOwn(tally[type], invitationId) ? tally : { ...tally, [type]: { ...tally[type], [invitationId]: sentAt } },
  );
  await judgeWave(ref.waveId, ports);
};

/**
 * Stops the wave where its figures are at or above a limit, and tells the operators, once. A wave that is closed or cancelled
 * has nothing to stop. An operator's pause is replaced: resuming then needs a reason.
 */
export const judgeWave = async (waveId: string, ports: WaveBrakePorts): Promise<void> => {
  const wave = await loadWave(ports.waves, waveId);
  if (wave.state === 'closed' || wave.state === 'cancelled') return;
  if (wave.pause?.by !== 'reputation') {
    const figures = await mailFigures(wave, ports);
    const hits = mailBrakeHits(figures, ports.mailBrakes);
    if (hits.length === 0) return;
    const at = ports.clock.now();
    const reason = mailBrakeText(hits, figures);
    const stopped = await updateWave(ports.waves, waveId, (current) => {
      const over = current.state === 'closed' || current.state === 'cancelled';
      if (over || current.pause?.by === 'reputation' || current.judgedFrom !== wave.judgedFrom) return current;
      return {
        ...current,
        pause: { by: 'reputation', reason, at },
        braked: { at, hits, ...figures, notice: 'due' },
      };
    });
    if (stopped.braked?.at === at) measure('WavesBraked');
  }
  await tellOnce(waveId, ports);
};

/** What the mails of a wave came to since `judgedFrom`, added up from its tallies. */
export const mailFigures = async (
  wave: Pick<WaveRecord, 'waveId' | 'judgedFrom'>,
  { tallies }: Pick<WaveBrakePorts, 'tallies'>,
): Promise<MailFigures> => {
  const from = wave.judgedFrom ?? null;
  const counted = (mails: Readonly<Record<string, Instant>>, until: Instant | null): number =>
    Object.values(mails).filter((at) => isWithin(at, from, until)).length;
  const figures = { sent: 0, bounced: 0, complained: 0 };
  for (const { record } of await tallies.list(`${wave.waveId}#`)) {
    if (record.sent === null || record.from !== from) continue;
    figures.sent += record.sent;
    figures.bounced += counted(record.bounced, record.until);
    figures.complained += counted(record.complained, record.until);
  }
  return figures;
};

/** After `from`, and at `until` or before; null leaves an end open. */
const isWithin = (at: Instant | undefined, from: Instant | null, until: Instant | null): boolean => {
  const atMs = Date.parse(at ?? '');
  return (from === null || atMs > Date.parse(from)) && (until === null || atMs <= Date.parse(until));
};

/** @returns whether the tally was changed */
const changeTally = async (
  ref: BatchRef,
  kind: MailKind,
  { tallies }: Pick<WaveBrakePorts, 'tallies'>,
  change: (tally: MailTally) => MailTally,
): Promise<boolean> => {
  const id = tallyId(ref, kind);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const found = await tallies.get(id);
    const before = found?.record ?? EMPTY;
    const next = change(before);
    if (next === before) return false;
    const stored =
      found === undefined
        ? (await tallies.create(id, next)) === 'created'
        : (await tallies.replace(id, next, found.rev)) === 'stored';
    if (stored) return true;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * REST_MS * (tries + 1)));
  }
  throw new RetryableError(
    'mail-tally-busy',
    `the figures of ${id} kept changing under ${TRIES} attempts to write them`,
  );
};

/**
 * Sends the notice of a stopped wave, if nobody has. The notice is claimed in the wave's record before it is sent, so that two
 * workers send one; what is proven not to have been sent is due again and goes with the next event or batch.
 */
const tellOnce = async (waveId: string, ports: WaveBrakePorts): Promise<void> => {
  let mine = false;
  const claimed = await updateWave(ports.waves, waveId, (wave) => {
    mine = wave.braked?.notice === 'due';
    return mine ? withNotice(wave, 'claimed') : wave;
  });
  if (!mine) return;
  const outcome = await ports.tellWaveBraked(claimed);
  const notice = outcome.kind === 'accepted' ? 'sent' : outcome.kind === 'unknown' ? 'uncertain' : 'due';
  await updateWave(ports.waves, waveId, (wave) =>
    wave.braked?.at === claimed.braked?.at ? withNotice(wave, notice) : wave,
  );
};

const withNotice = (wave: WaveRecord, notice: NonNullable<WaveRecord['braked']>['notice']): WaveRecord =>
  wave.braked === undefined ? wave : { ...wave, braked: { ...wave.braked, notice } };
