import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Instant } from '#shared/domain/calendar.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';

/** The business clock of the local stack: ticks with real time, and can be moved forwards. */
export interface BusinessClock extends Clock {
  /** Moves the clock. @throws PermanentError `clock-backwards` for an instant before now */
  moveTo(instant: Instant): Promise<void>;
  /** Moves the clock to the instant, or leaves it where it is when it shows a later one already. */
  moveAtLeastTo(instant: Instant): Promise<void>;
  /** Resolves as soon as the clock shows the instant or a later one, or when the signal aborts. */
  waitUntil(instant: Instant, signal?: AbortSignal): Promise<void>;
  /** Writes down where it stands and stops ticking for those who wait. */
  stop(): void;
}

export interface BusinessClockOptions {
  /** Folder of the stack; the clock is kept in `clock.json`. */
  readonly dataDir: string;
  /** Where a new clock starts; a kept one goes on from where it stood. */
  readonly startAt: Instant;
  /** Real milliseconds; tests give their own. */
  readonly realNowMs?: () => number;
}

const TICK_MS = 1_000;

/** Opens the clock of a data folder. While the stack is down the clock stands. */
export const openBusinessClock = (options: BusinessClockOptions): BusinessClock => {
  const realNowMs = options.realNowMs ?? Date.now;
  const file = join(options.dataDir, 'clock.json');
  let baseMs = readKept(file) ?? parseInstant(options.startAt);
  let realBaseMs = realNowMs();
  const waiting = new Set<{ readonly atMs: number; readonly resolve: () => void }>();

  const nowMs = (): number => baseMs + Math.max(0, realNowMs() - realBaseMs);
  const persist = (): void => {
    mkdirSync(options.dataDir, { recursive: true });
    writeFileSync(`${file}.new`, `${JSON.stringify({ now: new Date(nowMs()).toISOString() })}\n`);
    renameSync(`${file}.new`, file);
  };
  const wake = (): void => {
    const ms = nowMs();
    for (const waiter of waiting) if (waiter.atMs <= ms) waiter.resolve();
  };
  const moveToMs = (targetMs: number): void => {
    baseMs = targetMs;
    realBaseMs = realNowMs();
    persist();
    wake();
  };
  persist();
  const ticking = setInterval(() => {
    persist();
    wake();
  }, TICK_MS);
  ticking.unref();

  return {
    now: () => new Date(nowMs()).toISOString(),
    moveTo: async (instant) => {
      const targetMs = parseInstant(instant);
      if (targetMs < nowMs()) {
        throw new PermanentError(
          'clock-backwards',
          `the business clock shows ${new Date(nowMs()).toISOString()} and only moves forwards, got ${instant}`,
          {
            hint: 'start over with npm start -- --fresh',
          },
        );
      }
      moveToMs(targetMs);
    },
    moveAtLeastTo: async (instant) => {
      moveToMs(Math.max(nowMs(), parseInstant(instant)));
    },
    waitUntil: (instant, signal) =>
      new Promise((resolve) => {
        const atMs = parseInstant(instant);
        const waiter = {
          atMs,
          resolve: () => {
            waiting.delete(waiter);
            signal?.removeEventListener('abort', waiter.resolve);
            resolve();
          },
        };
        waiting.add(waiter);
        signal?.addEventListener('abort', waiter.resolve, { once: true });
        if (signal?.aborted === true || atMs <= nowMs()) waiter.resolve();
      }),
    stop: () => {
      clearInterval(ticking);
      persist();
    },
  };
};

const parseInstant = (instant: Instant): number => {
  const ms = Date.parse(instant);
  if (Number.isNaN(ms)) {
    throw new PermanentError(
      'instant-invalid',
      `an instant must be ISO 8601 such as 2026-05-31T22:00:00.000Z, got ${JSON.stringify(instant)}`,
    );
  }
  return ms;
};

const readKept = (file: string): number | undefined => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const kept: unknown = JSON.parse(text);
  const now = typeof kept === 'object' && kept !== null && 'now' in kept ? kept.now : undefined;
  if (typeof now !== 'string') {
    throw new PermanentError('clock-unreadable', `${file} does not say where the clock stood`, {
      hint: 'remove the file; the clock then starts anew',
    });
  }
  return parseInstant(now);
};
