import type { Instant } from '../domain/calendar.ts';

/** The one business clock. Use cases never read the system's. */
export interface Clock {
  now(): Instant;
}
