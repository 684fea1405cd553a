import type { Label, Metric } from '#shared/domain/policy.ts';
import { currencyExponent } from '#shared/domain/values.ts';

export const LANGUAGES = ['en', 'zh-CN'] as const;
/** Languages in which people are addressed. */
export type Language = (typeof LANGUAGES)[number];

export const labelIn = (label: Label, language: Language): string => (language === 'en' ? label.en : label.zh);

/** Whole minor units as an exact decimal text with a point: `decimalOfMinor(-1205, 'EUR')` is `-12.05`. */
export const decimalOfMinor = (minor: number, currency: string): string => {
  const digits = currencyExponent(currency);
  const whole = Math.round(minor);
  const text = String(Math.abs(whole)).padStart(digits + 1, '0');
  const sign = whole < 0 ? '-' : '';
  return digits === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
};

/** A count or number with the language's separators; at most `digits` decimals. */
export const formatNumber = (value: number, language: Language, digits = 0): string =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);

/** `+12`, `-3`, `0`: a change, with its sign. */
export const formatChange = (value: number, language: Language): string =>
  new Intl.NumberFormat(language, { signDisplay: 'exceptZero', maximumFractionDigits: 0 }).format(value);

/** A share 0..1 as per cent with one decimal. */
export const formatShare = (share: number, language: Language): string =>
  new Intl.NumberFormat(language, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(
    share,
  );

/** Money in major units, without decimals: for reading, not for adding up. */
export const formatMoney = (major: number, currency: string, language: Language): string => {
  try {
    return new Intl.NumberFormat(language, {
      style: 'currency',
      currency,
      currencyDisplay: 'code',
      maximumFractionDigits: 0,
    }).format(major);
  } catch {
    return `${currency} ${formatNumber(major, language)}`;
  }
};

/** The value of a metric as a person reads it, money in major units; a dash where it is missing. */
export const formatMetric = (
  value: number | string | boolean | null | undefined,
  unit: Metric['unit'],
  currency: string,
  language: Language,
): string => {
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'number') return String(value);
  switch (unit) {
    case 'money':
      return formatMoney(value, currency, language);
    case 'ratio':
      return formatShare(value, language);
    case 'days':
    case 'count':
      return formatNumber(value, language);
    case 'number':
    case 'text':
      return formatNumber(value, language, 2);
  }
};
