/** Calendar dates without a time of day. All business dates are in the stage's time zone. */

/** An ISO calendar date, `YYYY-MM-DD`. */
export type IsoDate = string;
/** A calendar month, `YYYY-MM`. */
export type Period = string;
/** An instant, ISO 8601 in UTC with milliseconds. */
export type Instant = string;
/** Whole days since 1970-01-01; may be negative. */
export type DayNumber = number;

const MS_PER_DAY = 86_400_000;
const DATE_PATTERN = /^(\d{4})-(\d{2})-(\d{2})$/;
const PERIOD_PATTERN = /^(\d{4})-(\d{2})$/;

/** Whether the text is a date that exists: `2020-02-30` is not. */
export const isIsoDate = (text: string): boolean => {
  const match = DATE_PATTERN.exec(text);
  if (match === null) return false;
  const ms = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  return new Date(ms).toISOString().slice(0, 10) === text;
};

export const isPeriod = (text: string): boolean => {
  const match = PERIOD_PATTERN.exec(text);
  return match !== null && Number(match[2]) >= 1 && Number(match[2]) <= 12;
};

/** @returns whole days since 1970-01-01; NaN for a text that is no date */
export const toDayNumber = (date: IsoDate): DayNumber => Math.round(Date.parse(`${date}T00:00:00Z`) / MS_PER_DAY);

export const fromDayNumber = (day: DayNumber): IsoDate => new Date(day * MS_PER_DAY).toISOString().slice(0, 10);

export const periodOf = (date: IsoDate): Period => date.slice(0, 7);

/** Moves a period by whole months; `addMonths('2026-01', -1)` is `2025-12`. */
export const addMonths = (period: Period, months: number): Period => {
  const index = Number(period.slice(0, 4)) * 12 + Number(period.slice(5, 7)) - 1 + months;
  const year = Math.floor(index / 12);
  return `${String(year).padStart(4, '0')}-${String(index - year * 12 + 1).padStart(2, '0')}`;
};

/** @returns how many months `to` lies after `from`; negative if before */
export const monthsBetween = (from: Period, to: Period): number =>
  (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(to.slice(5, 7)) - Number(from.slice(5, 7));

export const lastDayOf = (period: Period): IsoDate => fromDayNumber(toDayNumber(`${addMonths(period, 1)}-01`) - 1);

/** The calendar date that clocks in `timeZone` show at `instant`. */
export const dateIn = (timeZone: string, instant: Instant): IsoDate =>
  new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    new Date(instant),
  );

/** What clocks in `timeZone` show at `instant`, to the minute: `2026-10-05 17:00`. */
export const minuteIn = (timeZone: string, instant: Instant): string => {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(new Date(instant));
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')}`;
};

/** The last millisecond of `date` in `timeZone`. */
export const endOfDay = (timeZone: string, date: IsoDate): Instant => {
  const next = toDayNumber(date) + 1;
  let ms = next * MS_PER_DAY - 1;
  for (let pass = 0; pass < 3; pass += 1) ms = next * MS_PER_DAY - 1 - zoneOffsetMs(timeZone, ms);
  return new Date(ms).toISOString();
};

const zoneOffsetMs = (timeZone: string, ms: number): number => {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(new Date(ms));
  const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  const wall = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return wall - Math.floor(ms / 1000) * 1000;
};
