import type { WaveRecord } from '#shared/contracts/survey.ts';
import { dateIn, endOfDay, fromDayNumber, type Instant, toDayNumber } from '#shared/domain/calendar.ts';
import { restsUntil } from '#shared/domain/wave-pause.ts';
import { PermanentError } from '#shared/errors.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';

/** Names one wave, as it crosses the survey-wave machine. */
export interface WaveRef {
  readonly waveId: string;
}

export interface BatchRef extends WaveRef {
  readonly batch: number;
}

/** The id of the wave that belongs to a run. */
export const waveIdOf = (runId: string): string => `w-${runId}`;

/** @throws PermanentError `wave-unknown` */
export const loadWave = async (waves: RecordStore<WaveRecord>, waveId: string): Promise<WaveRecord> => {
  const found = await waves.get(waveId);
  if (found === undefined) {
    throw new PermanentError('wave-unknown', `there is no wave ${waveId}`, {
      hint: 'resegment wave list shows the waves there are',
    });
  }
  return found.record;
};

const TRIES = 20;

/** Changes a wave's record; `change` gives the same object where there is nothing to write. */
export const updateWave = async (
  waves: RecordStore<WaveRecord>,
  waveId: string,
  change: (wave: WaveRecord) => WaveRecord,
): Promise<WaveRecord> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const found = await waves.get(waveId);
    if (found === undefined) return loadWave(waves, waveId);
    const next = change(found.record);
    if (next === found.record || (await waves.replace(waveId, next, found.rev)) === 'stored') return next;
  }
  throw new PermanentError(
    'wave-record-busy',
    `the record of ${waveId} kept changing under ${TRIES} attempts to write it`,
  );
};

/** The wave at rest because the mail service takes nothing for now. Somebody else's pause, and a rest that is not over, stay. */
export const restWave = (wave: WaveRecord, reason: string, at: Instant): WaveRecord => {
  const { pause } = wave;
  if (restsUntil(pause, at) !== undefined) return wave;
  const since = pause?.at ?? at;
  return { ...wave, pause: { by: 'brake', reason, at: since, ...(since === at ? {} : { triedAt: at }) } };
};

/**
 * The first instant at which a wave takes no answers any more. The last day counts in full, as the mail says: the wave closes
 * when that day is over where the company is.
 */
export const closingDay = (timeZone: string, from: Instant, closesAfterDays: number): Instant => {
  const lastDay = fromDayNumber(toDayNumber(dateIn(timeZone, from)) + closesAfterDays);
  return new Date(Date.parse(endOfDay(timeZone, lastDay)) + 1).toISOString();
};
