import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dateFormat,
  parseAmountMinor,
  parseId,
  parseNumber,
  parseTruth,
  traitType,
} from '#shared/application/import/import-values.ts';
import { fromDayNumber } from '#shared/domain/calendar.ts';

const read = (parsed: { readonly ok: boolean; readonly value?: unknown }): unknown =>
  parsed.ok ? parsed.value : 'refused';

describe('an amount of money', () => {
  it('is read exactly in every currency and in both ways of writing', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.constantFrom(0, 2, 3, 4),
        fc.constantFrom('.' as const, ',' as const),
        fc.boolean(),
        (minor, exponent, decimal, grouped) => {
          const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
          const whole = digits.slice(0, digits.length - exponent);
          const fraction = exponent === 0 ? '' : `${decimal}${digits.slice(-exponent)}`;
          const separated = grouped ? whole.replace(/\B(?=(\d{3})+$)/g, decimal === '.' ? ',' : '.') : whole;

          const parsed = parseAmountMinor(`${minor < 0 ? '-' : ''}${separated}${fraction}`, exponent, { decimal });

          expect(read(parsed)).toBe(minor + 0);
        },
      ),
    );
  });

  it.each([
    ['10', 1000],
    ['10.', 1000],
    ['.5', 50],
    ['+3.10', 310],
    [' 7.00 ', 700],
    ['29.330', 2933],
    ['-0', 0],
    ['0.005', 'refused'],
    ['1,5', 'refused'],
    ['1,234', 'refused'],
    ['1.234,56', 'refused'],
    ['1e3', 'refused'],
    ['0x10', 'refused'],
    ['12 EUR', 'refused'],
    ['--1', 'refused'],
    ['.', 'refused'],
    ['NaN', 'refused'],
    ['', 'refused'],
    ['99999999999999999999', 'refused'],
  ])('written %j is %j, where nothing is said of the decimal sign', (text, expected) => {
    expect(read(parseAmountMinor(text, 2))).toBe(expected);
  });

  it.each([
    ['1.234,56', 123_456],
    ['1234,5', 123_450],
    ['1.234.567', 123_456_700],
    ['1.23', 'refused'],
    ['12.34,5', 'refused'],
    ['1,234,5', 'refused'],
  ])('written %j is %j with a decimal comma', (text, expected) => {
    expect(read(parseAmountMinor(text, 2, { decimal: ',' }))).toBe(expected);
  });
});

describe('a date', () => {
  const formats = ['YYYY-MM-DD', 'DD/MM/YYYY', 'MM/DD/YYYY', 'YYYYMMDD', 'DD.MM.YYYY', 'YYYY/MM/DD'];

  it('is read back from every format it was written in', () => {
    fc.assert(
      fc.property(fc.integer({ min: -25_000, max: 80_000 }), fc.constantFrom(...formats), (day, format) => {
        const date = fromDayNumber(day);
        const written = format
          .replace('YYYY', date.slice(0, 4))
          .replace('MM', date.slice(5, 7))
          .replace('DD', date.slice(8));

        expect(read(dateFormat(format, 'UTC').parse(written))).toBe(date);
      }),
    );
  });

  it.each([
    [undefined, '2026-05-31', '2026-05-31'],
    [undefined, '2017-10-02 10:56:33', '2017-10-02'],
    [undefined, '2026-05-31T23:30:00Z', '2026-06-01'],
    [undefined, '2026-05-31T23:30:00+08:00', '2026-05-31'],
    [undefined, '2026-02-29', 'refused'],
    [undefined, '2026-13-01', 'refused'],
    [undefined, '2026-1-1', 'refused'],
    [undefined, '31/12/2025', 'refused'],
    [undefined, '0026-01-01', 'refused'],
    ['DD/MM/YYYY', '31/02/2020', 'refused'],
    ['DD/MM/YYYY', '1/2/2026', '2026-02-01'],
    ['MM/DD/YYYY', '1/2/2026', '2026-01-02'],
    ['YYYYMMDD', '202611', 'refused'],
    ['YYYYMMDD', '20260230', 'refused'],
    ['YYYY-MM-DD HH:MM:SS', '2026-05-31 23:59:59', '2026-05-31'],
    ['YYYY-MM-DD HH:MM:SS', '2026-05-31', 'refused'],
    ['DD/MM/YYYY HH:MM', '05/06/2026 07:08', '2026-06-05'],
  ])('in the format %j written %j is %j', (format, text, expected) => {
    expect(read(dateFormat(format, 'Asia/Shanghai').parse(text))).toBe(expected);
  });
});

describe('other values', () => {
  it('are of the type that fits the whole column', () => {
    expect(traitType(['1', '', '2.5'], {})).toBe('number');
    expect(traitType(['007', '12'], {})).toBe('text');
    expect(traitType(['0', '0.5', '-0.25'], {})).toBe('number');
    expect(traitType(['True', 'false'], {})).toBe('truth');
    expect(traitType(['1', 'a'], {})).toBe('text');
    expect(traitType(['', ' '], {})).toBe('text');
    expect(traitType(['1,5', '2'], { decimal: ',' })).toBe('number');
  });

  it('are truths in English and Chinese', () => {
    expect(['true', 'YES', '1', '是'].map((text) => read(parseTruth(text)))).toEqual([true, true, true, true]);
    expect(['false', 'No', '0', '否', 'perhaps'].map((text) => read(parseTruth(text)))).toEqual([
      false,
      false,
      false,
      false,
      'refused',
    ]);
  });

  it('are numbers that end somewhere', () => {
    expect(read(parseNumber('9'.repeat(400)))).toBe('refused');
    expect(read(parseNumber('-12.5'))).toBe(-12.5);
  });

  it('are ids of at most 256 bytes without control characters', () => {
    expect(read(parseId(' 客户-1 ', 'id'))).toBe('客户-1');
    expect(read(parseId('户'.repeat(85), 'id'))).toBe('户'.repeat(85));
    expect(read(parseId('户'.repeat(86), 'id'))).toBe('refused');
    expect(read(parseId('a\tb', 'id'))).toBe('refused');
  });
});
