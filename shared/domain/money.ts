import { PermanentError } from '../errors.ts';

/** Decimal places of currencies that do not have two (ISO 4217, list one). */
const EXPONENTS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0]),
  ),
  ...Object.fromEntries('BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3])),
  CLF: 4,
  UYW: 4,
};

/**
 * Decimal places between a currency's unit and its minor unit.
 *
 * @param currency ISO 4217 code
 * @throws PermanentError `currency-unknown`
 */
export const currencyExponent = (currency: string): number => {
  if (!Intl.supportedValuesOf('currency').includes(currency)) {
    throw new PermanentError(
      'currency-unknown',
      `currency must be an ISO 4217 code such as CNY, got ${JSON.stringify(currency)}`,
    );
  }
  return EXPONENTS[currency] ?? 2;
};
