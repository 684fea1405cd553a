import type { Instant } from './calendar.ts';

/** Why a wave sends nothing for a while. */
export interface WavePause {
  readonly by: 'brake' | 'operator' | 'reputation';
  readonly reason: string;
  /** Since when. */
  readonly at: Instant;
  /** For a brake: when the mail service refused last; absent while it refused once. */
  readonly triedAt?: Instant | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A long pause is looked at less often, so that a wave of a year stays below the 25,000 events of an execution. */
const intervalMs = (pausedForMs: number): number => {
  if (pausedForMs < DAY_MS) return 15 * MINUTE_MS;
  return pausedForMs < 7 * DAY_MS ? 60 * MINUTE_MS : 360 * MINUTE_MS;
};

/**
 * When a resting wave looks at its record again; undefined where it may send now. Every 15 minutes on the first day of the
 * pause, every hour in the first week, then every six hours. An operator's pause, and the one for too many bounces or
 * complaints, rests until somebody resumes; where the mail service refused (`brake`), the wave tries to send at each look.
 */
export const restsUntil = (pause: WavePause | null, now: Instant): Instant | undefined => {
  if (pause === null) return undefined;
  const from = pause.by === 'brake' ? Date.parse(pause.triedAt ?? pause.at) : Date.parse(now);
  const untilMs = from + intervalMs(from - Date.parse(pause.at));
  return untilMs > Date.parse(now) ? new Date(untilMs).toISOString() : undefined;
};
