import { PopulationRows, type WaveRecord, type WaveStatus } from '#shared/contracts/survey.ts';
import { claimKey } from '#shared/domain/contact-policy.ts';
import type { Invitation } from '#shared/domain/invitation.ts';
import { type LedgerState, type LedgerWave, ledgerStateOf } from '#shared/domain/wave-ledger.ts';
import { PermanentError } from '#shared/errors.ts';
import type { AnswerStore, StoredAnswer } from '#shared/ports/answer-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';
import { measure } from '#shared/ports/metrics.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { WaveFiles } from '#shared/ports/wave-files.ts';
import { readDrawn, UNASKED_FILE } from './draw-audience.ts';
import { updateWave, type WaveRef } from './wave-record.ts';

export interface WaveLedgerPorts {
  readonly waves: RecordStore<WaveRecord>;
  readonly waveFiles: WaveFiles;
  readonly invitations: Pick<InvitationStore, 'getMany'>;
  readonly answers: Pick<AnswerStore, 'getMany'>;
  /** Where claims are; without it, mails that are under way count as planned. */
  readonly contacts?: Pick<ContactStore, 'getMany'>;
}

export interface CloseWavePorts extends WaveLedgerPorts {
  readonly clock: Clock;
}

const LOOK_UP = 500;
const MOST_UNCERTAIN_NAMED = 1000;

/** Closes a wave and leaves its ledger as `summary.json`. The figures are counted from the items, so counting twice is the same. */
export const closeWave = async ({ waveId }: WaveRef, ports: CloseWavePorts): Promise<Record<string, never>> => {
  const now = ports.clock.now();
  await updateWave(ports.waves, waveId, (wave) => {
    if (wave.state === 'cancelled') return wave.finishedAt === null ? { ...wave, finishedAt: now } : wave;
    return wave.state === 'closed' ? wave : { ...wave, state: 'closed', pause: null, finishedAt: now };
  });
  const counted = await countWave(waveId, ports);
  if (counted === undefined) throw new PermanentError('wave-unknown', `there is no wave ${waveId}`);
  const { status, unasked } = counted;
  await ports.waveFiles.writeJson(waveId, UNASKED_FILE, unasked);
  await ports.waveFiles.writeJson(waveId, 'summary.json', status);
  measure('WaveAnswered', status.answered);
  measure('WaveUncertain', status.uncertain);
  return {};
};

/**
 * The ledger of a wave in figures, at any time, counted from its items.
 *
 * @returns undefined if there is no such wave
 * @throws PermanentError `wave-does-not-add-up` where a customer would be in no state or in two
 */
export const waveStatus = async (waveId: string, ports: WaveLedgerPorts): Promise<WaveStatus | undefined> =>
  (await countWave(waveId, ports))?.status;

/** Not asked for a reason of the wave: the customer's turn is given back. */
const GIVES_TURN_BACK: readonly LedgerState[] = ['waveClosed', 'waveCancelled', 'contactBudget', 'rejected'];

/** The status, and the subjects who were drawn and got no mail for a reason of the wave. */
const countWave = async (
  waveId: string,
  ports: WaveLedgerPorts,
): Promise<{ readonly status: WaveStatus; readonly unasked: readonly string[] } | undefined> => {
  const found = await ports.waves.get(waveId);
  if (found === undefined) return undefined;
  const wave = found.record;
  const audience = await readDrawn(waveId, ports.waveFiles);
  const finished = wave.finishedAt !== null;
  const tally = newTally({
    cancelled: wave.state === 'cancelled',
    over: wave.state === 'closed' || (wave.state === 'cancelled' && finished),
    audienceMade: wave.drawn !== null,
  });
  const unasked: string[] = [];
  if (audience !== undefined) {
    const rows = PopulationRows.parse((await ports.waveFiles.readJson(waveId, audience.populationFile)) ?? []);
    for (const [, segment, reason, until] of rows) tally.notDrawn(segment, reason, until);
    for (let from = 0; from < audience.drawn.length; from += LOOK_UP) {
      const part = audience.drawn.slice(from, from + LOOK_UP);
      const ids = part.map((one) => one.invitationId);
      const [invitations, answers] = await Promise.all([ports.invitations.getMany(ids), ports.answers.getMany(ids)]);
      const claimed = await claimedAmong([...invitations.values()], ports);
      for (const { invitationId, segment, subject } of part) {
        const state = tally.drawn(segment, invitationId, {
          invitation: invitations.get(invitationId),
          stored: answers.get(invitationId),
          claimed: claimed.has(invitationId),
        });
        if (GIVES_TURN_BACK.includes(state)) unasked.push(subject);
      }
    }
  }
  const { counts, skipped, segments, uncertainIds, states, budgetFree, deferred } = tally;
  const drawn = audience?.drawn.length ?? 0;
  const status: WaveStatus = {
    waveId,
    runId: wave.runId,
    state: wave.state,
    remindAt: wave.remindAt,
    closesAt: wave.closesAt,
    pause: wave.pause,
    ...(wave.orders === undefined ? {} : { orders: wave.orders }),
    ...(wave.braked === undefined ? {} : { braked: wave.braked }),
    population: audience?.population ?? 0,
    drawn,
    notDrawn: audience?.notDrawn ?? {},
    ...counts,
    skipped,
    segments,
    uncertainIds,
    states,
    budgetFree: budgetFree(),
    deferred: deferred(),
    ...(wave.priority === undefined ? {} : { priority: wave.priority }),
    ...(wave.preflight === undefined ? {} : { preflight: wave.preflight }),
    ...(wave.days === undefined ? {} : { days: wave.days }),
  };
  const lines = status.planned + status.sent + status.rejected + status.uncertain + total(skipped);
  if (lines !== drawn || drawn + total(status.notDrawn) !== status.population || total(states) !== status.population) {
    throw new PermanentError(
      'wave-does-not-add-up',
      `wave ${waveId}: ${lines} of ${drawn} invitations and ${total(states)} of ${status.population} customers are accounted for`,
    );
  }
  return { status, unasked };
};

const firstAndLast = (instants: readonly string[]): { readonly first: string; readonly last: string } | null => {
  const sorted = instants.toSorted();
  const [first] = sorted;
  const last = sorted.at(-1);
  return first === undefined || last === undefined ? null : { first, last };
};

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** The ids of the invitations whose line is planned though somebody holds a claim on the mail. */
const claimedAmong = async (
  invitations: readonly Invitation[],
  ports: WaveLedgerPorts,
): Promise<ReadonlySet<string>> => {
  const open = invitations.filter((one) => one.invitation.state === 'planned');
  if (ports.contacts === undefined || open.length === 0) return new Set();
  const contacts = await ports.contacts.getMany(open.map((one) => one.addressKey));
  return new Set(
    open
      .filter((one) => contacts.get(one.addressKey)?.claims[claimKey(one.invitationId, 'invitation')] !== undefined)
      .map((one) => one.invitationId),
  );
};

interface DrawnLine {
  readonly invitation: Invitation | undefined;
  readonly stored: StoredAnswer | undefined;
  readonly claimed: boolean;
}

const newTally = (wave: LedgerWave) => {
  const counts = {
    planned: 0,
    sent: 0,
    rejected: 0,
    uncertain: 0,
    delivered: 0,
    bounced: 0,
    complained: 0,
    reminded: 0,
    answered: 0,
    suspect: 0,
  };
  const skipped: Record<string, number> = {};
  const segments: WaveStatus['segments'] = {};
  const uncertainIds: string[] = [];
  const states: Record<string, number> = {};
  const freeFrom: string[] = [];
  const putOff: string[] = [];
  const inState = (state: string): void => {
    states[state] = (states[state] ?? 0) + 1;
  };
  const segmentOf = (name: string) => {
    segments[name] ??= { population: 0, drawn: 0, invited: 0, delivered: 0, answered: 0, suspect: 0 };
    return segments[name];
  };
  return {
    counts,
    skipped,
    segments,
    uncertainIds,
    states,
    budgetFree: (): WaveStatus['budgetFree'] => firstAndLast(freeFrom),
    deferred: (): WaveStatus['deferred'] => {
      const range = firstAndLast(putOff);
      return range === null ? null : { count: putOff.length, ...range };
    },
    notDrawn: (segment: string, reason: string, until: string | undefined): void => {
      inState(reason);
      if (reason === 'contactBudget' && until !== undefined) freeFrom.push(until);
      if (segment !== '') segmentOf(segment).population += 1;
    },
    drawn: (name: string, invitationId: string, { invitation, stored, claimed }: DrawnLine): LedgerState => {
      const segment = segmentOf(name);
      segment.population += 1;
      segment.drawn += 1;
      const answered = stored !== undefined && !stored.answer.suspect;
      const ledger: LedgerState = ledgerStateOf(invitation, { claimed, answered }, wave);
      inState(ledger);
      const skip = (reason: string): void => {
        skipped[reason] = (skipped[reason] ?? 0) + 1;
      };
      if (invitation === undefined) {
        if (ledger === 'planned') counts.planned += 1;
        else skip(ledger);
        return ledger;
      }
      const { state, reason = 'unknown', notBefore } = invitation.invitation;
      if (ledger === 'deferred' && notBefore !== undefined) putOff.push(notBefore);
      if (state === 'skipped') skip(reason);
      else if (state === 'planned' && (ledger === 'waveCancelled' || ledger === 'waveClosed')) skip(ledger);
      else counts[state] += 1;
      if (state === 'uncertain' && uncertainIds.length < MOST_UNCERTAIN_NAMED) uncertainIds.push(invitationId);
      if (state === 'sent') segment.invited += 1;
      if (invitation.bouncedAt !== undefined) counts.bounced += 1;
      else if (invitation.deliveredAt !== undefined) {
        counts.delivered += 1;
        segment.delivered += 1;
      }
      if (invitation.complainedAt !== undefined) counts.complained += 1;
      if (invitation.reminder?.state === 'sent') counts.reminded += 1;
      if (stored?.answer.suspect === true) {
        counts.suspect += 1;
        segment.suspect += 1;
      } else if (stored !== undefined) {
        counts.answered += 1;
        segment.answered += 1;
      }
      return ledger;
    },
  };
};
