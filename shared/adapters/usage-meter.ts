import { AsyncLocalStorage } from 'node:async_hooks';
import { NO_USAGE, type Usage } from '../domain/usage.ts';

/** What adapters count; calls and time are counted by whoever calls the step. */
export type Counted = Exclude<keyof Usage, 'attempts' | 'megabyteMs'>;

const meters = new AsyncLocalStorage<Record<Counted, number>>();

/** Whether anybody counts here; what costs extra to be counted is left out otherwise. */
export const isMetered = (): boolean => meters.getStore() !== undefined;

/** Adds to what the work under way used; nothing where nobody counts. `by`: a whole number. */
export const countUsage = (what: Counted, by = 1): void => {
  const meter = meters.getStore();
  if (meter !== undefined) meter[what] += by;
};

/** Does the work and counts what adapters do for it, in whatever it awaits too; `used` tells it at any time. */
export const metered = <T>(work: () => T): { readonly result: T; used(): Pick<Usage, Counted> } => {
  const { attempts, megabyteMs, ...zero } = NO_USAGE;
  const meter: Record<Counted, number> = { ...zero };
  return { result: meters.run(meter, work), used: () => ({ ...meter }) };
};
