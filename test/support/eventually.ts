import { vi } from 'vitest';

/** Waits until the check passes, however slow the machine is; what it then shows is what the check threw last. */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(check, { timeout: 50_000, interval: 5 });
