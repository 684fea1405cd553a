import { UsageError } from './usage-error.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/u;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/u;
const DAY_MS = 86_400_000;

/**
 * The instant that an option names: a date is its first moment in the business's time zone, or, with `end`, its last.
 *
 * @throws UsageError `date-invalid`
 */
export const instantOf = (option: string, text: string, timeZone: string, end = false): string => {
  const isReal = !Number.isNaN(Date.parse(text)) && (!DATE.test(text) || new Date(text).toISOString().startsWith(text));
  if (isReal && DATE.test(text)) {
    const start = startOfDay(text, timeZone);
    if (!end) return start;
    const next = new Date(Date.parse(text) + DAY_MS).toISOString().slice(0, 10);
    return new Date(Date.parse(startOfDay(next, timeZone)) - 1).toISOString();
  }
  if (isReal && INSTANT.test(text)) return new Date(text).toISOString();
  throw new UsageError(
    'date-invalid',
    `${option} must be a date such as 2026-05-31 or an instant such as 2026-05-31T08:00Z, got ${JSON.stringify(text)}`,
  );
};

/** Twice, since the offset at the guess may be another than at the answer, where clocks change. */
const startOfDay = (date: string, timeZone: string): string => {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  const guess = midnight - offsetMs(midnight, timeZone);
  return new Date(midnight - offsetMs(guess, timeZone)).toISOString();
};

/** How far local clocks are ahead of UTC. */
const offsetMs = (atMs: number, timeZone: string): number => {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  const { year, month, day, hour, minute, second } = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - Math.floor(atMs / 1_000) * 1_000;
};
