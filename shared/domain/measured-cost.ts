import { PRICES, type PriceTable } from './price-table.ts';
import { type CostLine, type CostPart, MAIL_RECORDS } from './run-cost.ts';
import { totalUsage, transitionsOf, type UsageBySteps } from './usage.ts';

/** One line of what something cost. Money in whole billionths of a US dollar, so that lines add up exactly. */
export interface MeasuredLine {
  readonly part: CostPart;
  readonly amount: number;
  readonly unit: CostLine['unit'];
  readonly nanoUsd: number;
  /** `measured`: counted by the steps themselves; `computed`: follows from what was counted. */
  readonly how: 'measured' | 'computed';
}

/** What a run or a wave cost, by part. */
export interface MeasuredCost {
  readonly prices: Pick<PriceTable, 'readOn' | 'region'>;
  readonly lines: readonly MeasuredLine[];
  readonly nanoUsd: number;
}

const PICO_PER_MICRO = 1_000_000;
const PICO_PER_NANO = 1_000n;
/** Lambda bills GB-seconds of 1,024 MB and 1,000 ms. */
const MEGABYTE_MS_PER_GB_SECOND = 1_024_000;

/** `amount` whole things at a price in millionths of a dollar each, per `per` things, in billionths; half a billionth goes up. */
const nanoUsdOf = (amount: number, price: number, per = 1): number => {
  const pico = BigInt(Math.round(price * PICO_PER_MICRO)) * BigInt(amount);
  const divisor = PICO_PER_NANO * BigInt(per);
  return Number((2n * pico + divisor) / (2n * divisor));
};

/** What of a wave happens outside its steps: events of its mails, and pages and answers. */
export interface WaveOutside {
  readonly answers: number;
}

/**
 * What steps cost that used so much: database units, Lambda, S3 requests as measured; transitions computed. Starts of
 * functions are in the time where Lambda says that the call began one. Left out: logs, storage, alarms, free tiers, taxes.
 *
 * @param wave for a wave: events of its mails, pages and answers are computed from the mails measured and from this
 * @throws RangeError where a figure is not a whole number from 0
 */
export const measuredCost = (
  steps: UsageBySteps,
  wave: WaveOutside | undefined = undefined,
  prices: PriceTable = PRICES,
): MeasuredCost => {
  const used = totalUsage(steps);
  const counted = { ...used, ...wave };
  for (const [name, value] of Object.entries(counted)) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${name} must be a whole number from 0, got ${value}`);
  }
  const transitions = transitionsOf(steps);
  const lines: MeasuredLine[] = [
    {
      part: 'databaseReads',
      amount: used.halfReadUnits / 2,
      unit: 'readUnits',
      nanoUsd: nanoUsdOf(used.halfReadUnits, prices.dynamoReadUnit, 2),
      how: 'measured',
    },
    {
      part: 'databaseWrites',
      amount: used.writeUnits,
      unit: 'writeUnits',
      nanoUsd: nanoUsdOf(used.writeUnits, prices.dynamoWriteUnit),
      how: 'measured',
    },
    {
      part: 'compute',
      amount: used.megabyteMs / MEGABYTE_MS_PER_GB_SECOND,
      unit: 'gbSeconds',
      nanoUsd:
        nanoUsdOf(used.megabyteMs, prices.lambdaGbSecond, MEGABYTE_MS_PER_GB_SECOND) +
        nanoUsdOf(used.attempts, prices.lambdaRequest),
      how: 'measured',
    },
    {
      part: 'orchestration',
      amount: transitions,
      unit: 'transitions',
      nanoUsd: nanoUsdOf(transitions, prices.stateTransition),
      how: 'computed',
    },
    {
      part: 'objects',
      amount: used.objectReads + used.objectWrites,
      unit: 'requests',
      nanoUsd: nanoUsdOf(used.objectReads, prices.s3Read) + nanoUsdOf(used.objectWrites, prices.s3Write),
      how: 'measured',
    },
    ...(used.mails === 0 && wave === undefined ? [] : [mailLine(used.mails, prices)]),
    ...(wave === undefined ? [] : outsideLines(used.mails, wave.answers, prices)),
  ];
  return {
    prices: { readOn: prices.readOn, region: prices.region },
    lines,
    nanoUsd: lines.reduce((sum, line) => sum + line.nanoUsd, 0),
  };
};

const mailLine = (mails: number, prices: PriceTable): MeasuredLine => ({
  part: 'mail',
  amount: mails,
  unit: 'mails',
  nanoUsd: nanoUsdOf(mails, prices.mail),
  how: 'measured',
});

const outsideLines = (mails: number, answers: number, prices: PriceTable): readonly MeasuredLine[] => {
  const { eventUnitsPerMail, queueTenthsPerMail, requestsPerAnswer, unitsPerAnswer } = MAIL_RECORDS;
  return [
    {
      part: 'mailRecords',
      amount: mails * eventUnitsPerMail,
      unit: 'writeUnits',
      nanoUsd:
        nanoUsdOf(mails * eventUnitsPerMail, prices.dynamoWriteUnit) +
        nanoUsdOf(mails * queueTenthsPerMail, prices.sqsRequest, 10),
      how: 'computed',
    },
    {
      part: 'answers',
      amount: answers * requestsPerAnswer,
      unit: 'requests',
      nanoUsd:
        nanoUsdOf(answers * requestsPerAnswer, prices.apiRequest + prices.lambdaRequest) +
        nanoUsdOf(answers * unitsPerAnswer, prices.dynamoWriteUnit),
      how: 'computed',
    },
  ];
};
