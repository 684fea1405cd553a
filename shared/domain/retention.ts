import type { Instant } from './calendar.ts';

/**
 * How long what was said and sent about surveys is kept, in days. From these days on nothing reads it, whether or not the
 * database has deleted it yet. 760 days are 25 months: two years for comparison and a month to look.
 */
export const RETENTION_DAYS = {
  /** From the day on which the survey closes. */
  invitations: 760,
  /** From the last answer. */
  answers: 760,
  /** From the day on which the case was closed; an open one is kept. */
  closedCases: 760,
} as const;

const DAY_MS = 86_400_000;

/** The first instant at which something is no longer kept. */
export const expiryOf = (from: Instant, days: number): Instant =>
  new Date(Date.parse(from) + days * DAY_MS).toISOString();

/** Instant as whole seconds since 1970, as time to live is given to the database; a started second counts as whole. */
export const epochSeconds = (instant: Instant): number => Math.ceil(Date.parse(instant) / 1000);

/** Which documents of a table end by themselves, and what time it is. */
export interface Expiry<T> {
  /** The first instant at which the document is no longer kept; undefined: it is kept. */
  readonly of: (document: T) => Instant | undefined;
  readonly now: () => Instant;
}
