import { PRICES, type PriceTable } from './price-table.ts';
import { BATCH_SIZE } from './wave-preflight.ts';

/** What a run and its survey will be about. */
export interface CostQuestion {
  readonly customers: number;
  /** Share of the customers whose standing changes, 0..1. */
  readonly changedShare: number;
  /** Mean bytes of a customer's item; `ITEM_BYTES` where it is not known. */
  readonly customerBytes: number;
  readonly standingBytes: number;
  readonly shards: number;
  /** Key partitions of each of the two tables: every one is read, also an empty one. Left out where it is not known. */
  readonly buckets?: number;
  /** Invitations and reminders. */
  readonly mails: number;
  /** Share of the invited who answer, 0..1. */
  readonly answerShare: number;
}

/** Bytes of the items of a customer with two years of purchases, and of its standing with two generations. */
export const ITEM_BYTES = { customer: 500, standing: 400 } as const;

export const COST_PARTS = [
  'databaseReads',
  'databaseWrites',
  'compute',
  'orchestration',
  'objects',
  'mail',
  'mailRecords',
  'answers',
] as const;
export type CostPart = (typeof COST_PARTS)[number];

/** One line of an estimate: how many of what, and what it costs in millionths of a US dollar. */
export interface CostLine {
  readonly part: CostPart;
  readonly amount: number;
  readonly unit: 'readUnits' | 'writeUnits' | 'gbSeconds' | 'transitions' | 'requests' | 'mails';
  readonly microUsd: number;
}

export interface CostEstimate {
  readonly question: CostQuestion;
  readonly prices: Pick<PriceTable, 'readOn' | 'region'>;
  readonly lines: readonly CostLine[];
  readonly microUsd: number;
}

/** Memory of a shard's function in GB, as `infra/function-sizes.ts` has it. */
const SHARD_GB = 1.769;
const WHOLE_RUN_GB = 3.538;
/** One core measures, assigns and writes so many customers a second; half of what the benchmark gives on x86, to be careful. */
const CUSTOMERS_PER_SECOND = 5_000;
/** What is there whatever the size: cold starts, records, receipts of the steps that work on the whole run. */
const FIXED_SECONDS = 60;
/** States of a run that are entered once, and of a shard in its three Maps with the entry of the child's execution. */
const RUN_TRANSITIONS = 20;
const SHARD_TRANSITIONS = 3 * 2;
/** Looking a wave up, planning and closing it; states of a wave, and of a batch with the entry of its child. */
const WAVE_FIXED_SECONDS = 10;
const WAVE_TRANSITIONS = 20;
const BATCH_TRANSITIONS = 2;
/** Objects that a shard writes (frame, statistics, plan, three receipts) and that are read of it later. */
const SHARD_OBJECTS = { written: 6, read: 10 } as const;
/** What happens of a mail and of an answer outside the steps of a wave. */
export interface MailRecords {
  /** Write units of the events of a mail: the invitation delivered, at 2 KB. */
  readonly eventUnitsPerMail: number;
  /** Tenths of SQS requests of the two events of a mail (send, delivery): send, receive in tens, delete in tens. */
  readonly queueTenthsPerMail: number;
  /** Write units of an answer: stored, projected with an index entry, cleared; its customer's item. */
  readonly unitsPerAnswer: number;
  /** A page to look at, a form that is sent, and what a mail scanner opens. */
  readonly requestsPerAnswer: number;
}
export const MAIL_RECORDS: MailRecords = {
  eventUnitsPerMail: 2,
  queueTenthsPerMail: 24,
  unitsPerAnswer: 8,
  requestsPerAnswer: 4,
};
/** Write units of a mail by its steps: contact claimed and settled at 2 KB, invitation made and sent at 2 KB; 1 KB each. */
const STEP_UNITS_PER_MAIL = 2 * 2 + 2 * 2;
const SENDING_GB_SECONDS_PER_MAIL = 0.5 * 0.35;

/**
 * Half a unit per 4 KB, rounded up for each partition: a quarter more on average, and half a unit for an empty one.
 * Source: DynamoDB Developer Guide, read consumption of Query, eventually consistent.
 */
const tableReadUnits = (bytes: number, buckets: number): number =>
  Math.max((bytes / 4_096) * 0.5 + buckets * 0.25, buckets * 0.5);

/**
 * What a run and its survey cost, by part. A model, checked against what runs measure; it leaves out storage, logs,
 * free tiers and taxes. Without customers it is about the survey only, without mails about the run only.
 *
 * @throws RangeError where a figure is negative, not finite, or a share above 1
 */
export const estimateCost = (question: CostQuestion, prices: PriceTable = PRICES): CostEstimate => {
  for (const [name, value] of Object.entries(question)) {
    const isShare = name === 'changedShare' || name === 'answerShare';
    if (!Number.isFinite(value) || value < 0 || (isShare && value > 1))
      throw new RangeError(`${name} must be ${isShare ? 'from 0 to 1' : '0 or more'}, got ${value}`);
  }
  const { customers, changedShare, customerBytes, standingBytes, shards, mails, answerShare, buckets = 0 } = question;
  const readUnits =
    customers === 0
      ? 0
      : tableReadUnits(customers * customerBytes, buckets) + tableReadUnits(customers * standingBytes, buckets);
  const writeUnits = customers * changedShare * Math.ceil(standingBytes / 1_024) + mails * STEP_UNITS_PER_MAIL;
  const runGbSeconds =
    customers === 0 ? 0 : (customers / CUSTOMERS_PER_SECOND) * SHARD_GB + FIXED_SECONDS * WHOLE_RUN_GB;
  const waveGbSeconds = mails === 0 ? 0 : mails * SENDING_GB_SECONDS_PER_MAIL + WAVE_FIXED_SECONDS * WHOLE_RUN_GB;
  const gbSeconds = runGbSeconds + waveGbSeconds;
  const transitions =
    (customers === 0 ? 0 : RUN_TRANSITIONS + shards * SHARD_TRANSITIONS) +
    (mails === 0 ? 0 : WAVE_TRANSITIONS + Math.ceil(mails / BATCH_SIZE) * BATCH_TRANSITIONS);
  const objectShards = customers === 0 ? 0 : shards;
  const answers = mails * answerShare;
  const line = (part: CostPart, amount: number, unit: CostLine['unit'], microUsd: number): CostLine => ({
    part,
    amount,
    unit,
    microUsd,
  });
  const lines = [
    line('databaseReads', readUnits, 'readUnits', readUnits * prices.dynamoReadUnit),
    line('databaseWrites', writeUnits, 'writeUnits', writeUnits * prices.dynamoWriteUnit),
    line('compute', gbSeconds, 'gbSeconds', gbSeconds * prices.lambdaGbSecond),
    line('orchestration', transitions, 'transitions', transitions * prices.stateTransition),
    line(
      'objects',
      objectShards * (SHARD_OBJECTS.written + SHARD_OBJECTS.read),
      'requests',
      objectShards * (SHARD_OBJECTS.written * prices.s3Write + SHARD_OBJECTS.read * prices.s3Read),
    ),
    line('mail', mails, 'mails', mails * prices.mail),
    line(
      'mailRecords',
      mails * MAIL_RECORDS.eventUnitsPerMail,
      'writeUnits',
      mails *
        (MAIL_RECORDS.eventUnitsPerMail * prices.dynamoWriteUnit +
          (MAIL_RECORDS.queueTenthsPerMail / 10) * prices.sqsRequest),
    ),
    line(
      'answers',
      answers * MAIL_RECORDS.requestsPerAnswer,
      'requests',
      answers *
        (MAIL_RECORDS.requestsPerAnswer * (prices.apiRequest + prices.lambdaRequest) +
          MAIL_RECORDS.unitsPerAnswer * prices.dynamoWriteUnit),
    ),
  ];
  return {
    question,
    prices: { readOn: prices.readOn, region: prices.region },
    lines,
    microUsd: lines.reduce((sum, one) => sum + one.microUsd, 0),
  };
};

/** What the database units that a run measured cost, in millionths of a US dollar. */
export const databaseCost = (
  units: { readonly read: number; readonly write: number },
  prices: PriceTable = PRICES,
): number => units.read * prices.dynamoReadUnit + units.write * prices.dynamoWriteUnit;
