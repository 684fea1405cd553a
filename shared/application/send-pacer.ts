import { MailRate } from '#shared/contracts/survey.ts';
import { RetryableError } from '#shared/errors.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';

/** Waits for the next free slot of the account's sending rate. */
export interface SendPacer {
  reserve(): Promise<void>;
}

export { MailRate };

export interface PacerOptions {
  readonly rates: RecordStore<MailRate>;
  /** Mails per second of the whole account, above 0. */
  readonly ratePerSecond: number;
  /** Real time, not the business clock. */
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

const RATE_ID = 'mail-rate';
/** Most slots taken at once: more are lost when a worker dies, fewer cost more writes. */
const MOST_SLOTS = 20;
const TRIES = 200;
/** A slot that is late by more is lost: at a slow rate, using it would put two mails into one second. */
const MOST_LATE_MS = 50;

/**
 * All senders of an account take absolute slots from one item, `1 / rate` apart, so that together they never exceed the rate.
 * A slot that was missed is lost: catching up would be a burst.
 */
export const createSendPacer = ({ rates, ratePerSecond, nowMs, sleep }: PacerOptions): SendPacer => {
  const gapMs = 1000 / ratePerSecond;
  const mostLateMs = Math.min(gapMs, MOST_LATE_MS);
  const block = Math.max(1, Math.min(MOST_SLOTS, Math.floor(ratePerSecond)));
  let slots: number[] = [];
  let taking: Promise<void> | undefined;

  const take = async (): Promise<void> => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const found = await rates.get(RATE_ID);
      const from = Math.max(found?.record.nextSlotMs ?? 0, nowMs() + gapMs);
      const next = { nextSlotMs: from + block * gapMs };
      const stored =
        found === undefined
          ? (await rates.create(RATE_ID, next)) === 'created'
          : (await rates.replace(RATE_ID, next, found.rev)) === 'stored';
      if (stored) {
        slots = Array.from({ length: block }, (_, index) => from + index * gapMs);
        return;
      }
      await sleep(Math.random() * 20);
    }
    throw new RetryableError('mail-rate-busy', `no sending slot after ${TRIES} attempts`);
  };

  const nextSlot = async (): Promise<number> => {
    for (;;) {
      const slot = slots.shift();
      if (slot === undefined) {
        taking ??= take().finally(() => {
          taking = undefined;
        });
        await taking;
      } else if (slot + mostLateMs >= nowMs()) return slot;
    }
  };

  return {
    reserve: async () => {
      const wait = (await nextSlot()) - nowMs();
      if (wait > 0) await sleep(wait);
    },
  };
};
