import { dateIn, type IsoDate, isIsoDate } from '../../domain/calendar.ts';
import type { TraitValue } from '../../domain/facts.ts';
import { PermanentError } from '../../errors.ts';

/** A value, or why there is none. `format`: it is written another way than the options say, so the whole column may be. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string; readonly format: boolean };

const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
const bad = (reason: string, format = false): Parsed<never> => ({ ok: false, reason, format });

/** A row of a person who was erased; its reason names nobody. */
export const ERASED_ROW = bad('the customer was erased and is not taken up again');

export interface NumberFormat {
  /** Absent: `.`, and no thousands separators. Named: separators of thousands in groups of three are understood. */
  readonly decimal?: '.' | ',' | undefined;
}

/** What a number looks like in each convention. */
const PLAIN = { '.': /^[+-]?(\d+(\.\d*)?|\.\d+)$/, ',': /^[+-]?(\d+(,\d*)?|,\d+)$/ } as const;
const GROUPED = { '.': /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/, ',': /^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$/ } as const;

/** @returns the number written with `.` and without separators of thousands; undefined if it is no number in this format */
const plainNumber = (text: string, format: NumberFormat): string | undefined => {
  const decimal = format.decimal ?? '.';
  if (PLAIN[decimal].test(text)) return text.replace(',', '.');
  if (format.decimal === undefined || !GROUPED[decimal].test(text)) return undefined;
  return decimal === '.' ? text.replaceAll(',', '') : text.replaceAll('.', '').replace(',', '.');
};

/** Whether a text that is no number in this format may be one in the other. */
export const isForeignNumber = (text: string, format: NumberFormat): boolean => {
  if (plainNumber(text, format) !== undefined) return false;
  return [...Object.values(PLAIN), ...Object.values(GROUPED)].some((pattern) => pattern.test(text));
};

const foreignHint = (format: NumberFormat): string =>
  `--decimal ${(format.decimal ?? '.') === '.' ? (format.decimal === '.' ? ',' : ', (or --decimal . with thousands separators)') : '.'}`;

/**
 * An amount in whole minor units, exactly: no floating point is involved.
 *
 * @param exponent decimal places of the currency
 */
export const parseAmountMinor = (text: string, exponent: number, format: NumberFormat = {}): Parsed<number> => {
  const trimmed = text.trim();
  if (trimmed === '') return bad('the amount is empty');
  const plain = plainNumber(trimmed, format);
  if (plain === undefined) {
    return isForeignNumber(trimmed, format)
      ? bad(`the amount ${shown(trimmed)} is ambiguous; say how numbers are written: ${foreignHint(format)}`, true)
      : bad(`the amount ${shown(trimmed)} is no number`, true);
  }
  const negative = plain.startsWith('-');
  const [whole = '', fraction = ''] = plain.replace(/^[+-]/, '').split('.');
  const decimals = fraction.replace(/0+$/, '');
  if (decimals.length > exponent) {
    return bad(`the amount ${shown(trimmed)} has more than ${exponent} decimal places`);
  }
  const minor = Number(BigInt(`${whole}${decimals.padEnd(exponent, '0')}` || '0'));
  if (!Number.isSafeInteger(minor)) return bad(`the amount ${shown(trimmed)} is too large`);
  return good(minor === 0 ? 0 : negative ? -minor : minor);
};

/** A finite number. */
export const parseNumber = (text: string, format: NumberFormat = {}): Parsed<number> => {
  const trimmed = text.trim();
  const plain = plainNumber(trimmed, format);
  if (plain === undefined) return bad(`${shown(trimmed)} is no number`, isForeignNumber(trimmed, format));
  const value = Number(plain);
  return Number.isFinite(value) ? good(value === 0 ? 0 : value) : bad(`${shown(trimmed)} is too large`);
};

const TRUE = new Set(['true', 'yes', 'y', '1', '是']);
const FALSE = new Set(['false', 'no', 'n', '0', '否']);

/** A truth: true or false, yes or no, 1 or 0, 是 or 否. */
export const parseTruth = (text: string): Parsed<boolean> => {
  const lower = text.trim().toLowerCase();
  if (TRUE.has(lower)) return good(true);
  if (FALSE.has(lower)) return good(false);
  return bad(`${shown(text)} is neither true nor false`);
};

/** How all values of a trait are read; decided from the first rows. */
export const TRAIT_TYPES = ['number', 'truth', 'text'] as const;
export type TraitType = (typeof TRAIT_TYPES)[number];

/** The type that fits every value; empty ones do not count. Digits that begin with 0 are a code, not a number. */
export const traitType = (values: readonly string[], format: NumberFormat): TraitType => {
  const filled = values.map((value) => value.trim()).filter((value) => value !== '');
  if (filled.length === 0) return 'text';
  if (filled.every((value) => /^(true|false)$/i.test(value))) return 'truth';
  const numeric = filled.every((value) => plainNumber(value, format) !== undefined && !/^[+-]?0\d/.test(value));
  return numeric ? 'number' : 'text';
};

/** A trait of a type; undefined where the cell is empty, which is missing. */
export const parseTrait = (text: string, type: TraitType, format: NumberFormat): Parsed<TraitValue | undefined> => {
  const trimmed = text.trim();
  if (trimmed === '') return good(undefined);
  if (type === 'number') return parseNumber(trimmed, format);
  if (type === 'truth') return parseTruth(trimmed);
  return Buffer.byteLength(trimmed) > MAX_TEXT_BYTES
    ? bad(`a text is longer than ${MAX_TEXT_BYTES} bytes`)
    : good(trimmed);
};

export const MAX_TEXT_BYTES = 1_000;
const MAX_ID_BYTES = 256;

/** An id: not empty, at most 256 bytes, no control characters; spaces around it do not count. */
export const parseId = (text: string, what: string): Parsed<string> => {
  const trimmed = text.trim();
  if (trimmed === '') return bad(`the ${what} is empty`);
  const bytes = Buffer.byteLength(trimmed);
  if (bytes > MAX_ID_BYTES) return bad(`the ${what} has ${bytes} bytes; at most ${MAX_ID_BYTES} are allowed`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(trimmed)) return bad(`the ${what} has control characters`);
  return good(trimmed);
};

export interface DateFormat {
  readonly parse: (text: string) => Parsed<IsoDate>;
  /** Whole seconds since 1970 of a text that `parse` takes, to tell which is later; a time without a zone as if it were UTC. */
  readonly secondsOf: (text: string) => number;
}

const TOKENS: Readonly<Record<string, string>> = {
  YYYY: '(?<year>\\d{4})',
  MM: '(?<month>\\d{1,2})',
  DD: '(?<day>\\d{1,2})',
  HH: '(?<hour>\\d{1,2})',
  mm: '(?<minute>\\d{1,2})',
  SS: '(?<second>\\d{1,2})',
};
const ISO =
  /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?<time>[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(?<zone>Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Reads dates of one format.
 *
 * @param format absent: ISO 8601, with or without a time. Else `YYYY`, `MM`, `DD` and, for times, `HH`, `MM`, `SS` among
 *   other characters, such as `DD/MM/YYYY` or `YYYYMMDD`
 * @param timeZone an instant with an offset is the date that clocks show there
 * @throws PermanentError `date-format-invalid`
 */
export const dateFormat = (format: string | undefined, timeZone: string): DateFormat =>
  format === undefined ? isoFormat(timeZone) : namedFormat(format);

const isoFormat = (timeZone: string): DateFormat => ({
  parse: (text) => {
    const trimmed = text.trim();
    if (trimmed === '') return bad('the date is empty');
    const match = ISO.exec(trimmed);
    if (match === null)
      return bad(`the date ${shown(trimmed)} is not written YYYY-MM-DD; name its format: --date-format`, true);
    const day = trimmed.slice(0, 10);
    if (match.groups?.['zone'] === undefined) return existing(day, trimmed);
    const ms = Date.parse(trimmed.replace(' ', 'T'));
    return Number.isNaN(ms)
      ? bad(`the date ${shown(trimmed)} does not exist`)
      : existing(dateIn(timeZone, new Date(ms).toISOString()), trimmed);
  },
  secondsOf: (text) => {
    const trimmed = text.trim();
    const { time, zone } = ISO.exec(trimmed)?.groups ?? {};
    const instant = trimmed.replace(' ', 'T');
    return Math.floor(Date.parse(time === undefined || zone !== undefined ? instant : `${instant}Z`) / 1000);
  },
});

const namedFormat = (format: string): DateFormat => {
  const minutes = format.replace(/(HH.?)MM/, '$1mm');
  const names = ['YYYY', 'MM', 'DD'].map((token) => minutes.split(token).length - 1);
  if (names.some((count) => count !== 1)) {
    throw new PermanentError(
      'date-format-invalid',
      `--date-format must have YYYY, MM and DD once each, such as DD/MM/YYYY, MM/DD/YYYY, YYYYMMDD or "YYYY-MM-DD HH:MM:SS"; got ${JSON.stringify(format)}`,
    );
  }
  const separated = /[^A-Za-z]/.test(minutes);
  const source = minutes
    .split(/(YYYY|MM|DD|HH|mm|SS)/)
    .map((part) => {
      const token = TOKENS[part];
      if (token === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return separated ? token : token.replace('{1,2}', '{2}');
    })
    .join('');
  const pattern = new RegExp(`^${source}$`);
  return {
    parse: (text) => {
      const trimmed = text.trim();
      if (trimmed === '') return bad('the date is empty');
      const groups = pattern.exec(trimmed)?.groups;
      if (groups === undefined)
        return bad(`the date ${shown(trimmed)} is not written ${format}; name its format: --date-format`, true);
      const two = (part: string | undefined): string => (part ?? '').padStart(2, '0');
      return existing(`${groups['year']}-${two(groups['month'])}-${two(groups['day'])}`, trimmed);
    },
    secondsOf: (text) => {
      const groups = pattern.exec(text.trim())?.groups ?? {};
      const part = (name: string): number => Number(groups[name] ?? 0);
      const day = Date.UTC(part('year'), part('month') - 1, part('day'));
      return day / 1000 + part('hour') * 3_600 + part('minute') * 60 + part('second');
    },
  };
};

const existing = (date: string, text: string): Parsed<IsoDate> => {
  if (!isDate(date)) return bad(`the date ${shown(text)} does not exist`);
  if (date < '1900-01-01' || date > '2200-12-31') return bad(`the date ${shown(text)} is not between 1900 and 2200`);
  return good(date);
};

const isDate = (date: string): boolean => {
  const month = Number(date.slice(5, 7));
  return month >= 1 && month <= 12 && isIsoDate(date);
};

/** A value for a message: short and on one line. */
export const shown = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
