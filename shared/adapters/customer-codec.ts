import { fromDayNumber, toDayNumber } from '../domain/calendar.ts';
import type { Consent } from '../domain/contact-policy.ts';
import {
  ANSWER_SCALES,
  type AnswerFact,
  type BatchMark,
  CUSTOMER_STATUSES,
  type CustomerFacts,
  type FlagDecision,
  NOTE_SUBJECTS,
  type Note,
  type OrderDay,
  type Pin,
  type StatusFact,
  type TraitSnapshot,
  type TraitValue,
} from '../domain/facts.ts';
import { HIGHEST_RATING, LOWEST_RATING } from '../domain/notes.ts';
import { packOrders, unpackOrders } from '../domain/order-codec.ts';
import { PoisonError } from '../errors.ts';
import type { Item } from './dynamo-client.ts';

/**
 * A customer's main item. Attributes besides the keys:
 *
 * | name | content |
 * | --- | --- |
 * | `customerId` | the company's id |
 * | `rev` | `factsRev` |
 * | `changedAt` | instant of the last change |
 * | `orders` | packed order-days (order-codec.ts); absent if none |
 * | `overflow` | keys of history chunks, oldest first; absent if none |
 * | `batches` | `id,recordedAt,chunk.chunk…` joined by `;`, times in base 36; absent if none |
 * | `snapshots` | JSON `{"names":[…],"rows":[[day,recordedAt,value…]…]}`, absent values null; absent if none |
 * | `facts` | JSON of statuses, answers, pins, decisions, notes, openCase, contactKey, consent, branch, manager |
 *
 * A field that is empty is left out, since the run pays for every byte.
 */
export const encodeCustomer = (
  bucket: string,
  facts: CustomerFacts,
  mainOrders: readonly OrderDay[],
  overflow: readonly string[],
): Item => {
  const rest = {
    ...(facts.branch === undefined ? {} : { branch: facts.branch }),
    ...(facts.manager === undefined ? {} : { manager: facts.manager }),
    ...(facts.contactKey === undefined ? {} : { contactKey: facts.contactKey }),
    ...(facts.consent === undefined ? {} : { consent: facts.consent }),
    ...(facts.openCase === undefined ? {} : { openCase: facts.openCase }),
    ...(facts.statuses.length === 0 ? {} : { statuses: facts.statuses }),
    ...(Object.keys(facts.answers).length === 0 ? {} : { answers: Object.values(facts.answers) }),
    ...(facts.pins.length === 0 ? {} : { pins: facts.pins }),
    ...(facts.decisions.length === 0 ? {} : { decisions: facts.decisions }),
    ...(facts.notes === undefined || facts.notes.length === 0 ? {} : { notes: facts.notes }),
  };
  return {
    bucket: { S: bucket },
    subject: { S: facts.subject },
    customerId: { S: facts.customerId },
    rev: { N: String(facts.factsRev) },
    changedAt: { S: facts.changedAt },
    ...(mainOrders.length === 0 ? {} : { orders: { S: packOrders(mainOrders) } }),
    ...(overflow.length === 0 ? {} : { overflow: { L: overflow.map((key) => ({ S: key })) } }),
    ...(facts.batches.length === 0 ? {} : { batches: { S: packBatches(facts.batches) } }),
    ...(facts.snapshots.length === 0 ? {} : { snapshots: { S: packSnapshots(facts.snapshots) } }),
    ...(Object.keys(rest).length === 0 ? {} : { facts: { S: JSON.stringify(rest) } }),
  };
};

/** Keys of the history chunks that the item needs. */
export const overflowKeys = (item: Item | undefined): readonly string[] =>
  item?.['overflow']?.L?.map((value) => text(value.S, 'overflow')) ?? [];

/**
 * The customer of an item.
 *
 * @param history order-days of the chunks named by `overflowKeys`, ascending
 * @throws PoisonError that names the field; any malformed item throws it and nothing else
 */
export const decodeCustomer = (item: Item, history: readonly OrderDay[]): CustomerFacts => {
  try {
    const rest = restOf(item['facts']?.S);
    const main = unpackOrders(item['orders']?.S ?? '');
    const factsRev = Number(item['rev']?.N);
    if (!Number.isSafeInteger(factsRev) || factsRev < 1) throw poison('rev', 'is no positive whole number');
    const batches = unpackBatches(item['batches']?.S ?? '');
    const orders = history.length === 0 ? main : [...history, ...main];
    for (const order of orders) {
      if (order.batch >= batches.length || order.batch < 0) throw poison('orders', 'names a batch that does not exist');
    }
    return {
      customerId: text(item['customerId']?.S, 'customerId'),
      subject: text(item['subject']?.S, 'subject'),
      factsRev,
      changedAt: text(item['changedAt']?.S, 'changedAt'),
      batches,
      orders,
      snapshots: unpackSnapshots(item['snapshots']?.S),
      ...rest,
    };
  } catch (error) {
    if (error instanceof PoisonError) throw error;
    throw new PoisonError(
      'customer-unreadable',
      `the item is no customer: ${error instanceof Error ? error.message : error}`,
    );
  }
};

/** Few dates and instants repeat over all customers, and writing one out takes as long as parsing a small customer. */
const remembered = <T>(limit: number, write: (value: number) => T): ((value: number) => T) => {
  const known = new Map<number, T>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    if (known.size >= limit) known.clear();
    const written = write(value);
    known.set(value, written);
    return written;
  };
};
const dateOf = remembered(10_000, fromDayNumber);
const instantOf = remembered(10_000, (ms) => new Date(ms).toISOString());

const poison = (field: string, what: string): PoisonError =>
  new PoisonError('customer-unreadable', `field ${field} ${what}`, { path: field });

const text = (value: unknown, field: string): string => {
  if (typeof value !== 'string' || value === '') throw poison(field, 'is missing or no text');
  return value;
};

const packBatches = (batches: readonly BatchMark[]): string =>
  batches
    .map(
      (mark) =>
        `${encodeURIComponent(mark.batchId)},${Date.parse(mark.recordedAt).toString(36)}${mark.chunks.map((chunk) => `,${chunk.toString(36)}`).join('')}`,
    )
    .join(';');

const unpackBatches = (packed: string): readonly BatchMark[] => {
  if (packed === '') return [];
  return packed.split(';').map((entry) => {
    const [id, recordedAt, ...chunks] = entry.split(',');
    return {
      batchId: decodeURIComponent(text(id, 'batches')),
      recordedAt: instantOf(number36(recordedAt, 'batches')),
      chunks: chunks.map((chunk) => number36(chunk, 'batches')),
    };
  });
};

const number36 = (value: string | undefined, field: string): number => {
  const parsed = value === undefined ? Number.NaN : Number.parseInt(value, 36);
  if (!Number.isSafeInteger(parsed)) throw poison(field, `has ${JSON.stringify(value)} where a number must be`);
  return parsed;
};

const packSnapshots = (snapshots: readonly TraitSnapshot[]): string => {
  const names = [...new Set(snapshots.flatMap((snapshot) => Object.keys(snapshot.traits)))];
  return JSON.stringify({
    names,
    rows: snapshots.map((snapshot) => [
      toDayNumber(snapshot.date),
      Date.parse(snapshot.recordedAt),
      ...names.map((name) => snapshot.traits[name] ?? null),
    ]),
  });
};

const unpackSnapshots = (packed: string | undefined): readonly TraitSnapshot[] => {
  if (packed === undefined) return [];
  const parsed: { names?: unknown; rows?: unknown } = JSON.parse(packed);
  const { names, rows } = parsed;
  if (!Array.isArray(names) || !Array.isArray(rows)) throw poison('snapshots', 'lacks names or rows');
  return rows.map((row) => {
    if (!Array.isArray(row) || !Number.isInteger(row[0]) || !Number.isInteger(row[1])) {
      throw poison('snapshots', 'has a row without dates');
    }
    const traits: Record<string, TraitValue> = {};
    for (let index = 0; index < names.length; index += 1) {
      const value = row[index + 2];
      if (value === null || value === undefined) continue;
      if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'boolean') {
        throw poison('snapshots', 'has a value that is neither number nor text nor truth');
      }
      traits[names[index]] = value;
    }
    return { date: dateOf(row[0]), recordedAt: instantOf(row[1]), traits };
  });
};

type Rest = Omit<
  CustomerFacts,
  'customerId' | 'subject' | 'factsRev' | 'changedAt' | 'batches' | 'orders' | 'snapshots'
>;

const restOf = (json: string | undefined): Rest => {
  if (json === undefined) return { statuses: [], answers: {}, pins: [], decisions: [] };
  const parsed: Record<string, unknown> = JSON.parse(json);
  const answers: Record<string, AnswerFact> = {};
  for (const answer of listOf(parsed['answers'], isAnswer, 'answers')) answers[answer.answerId] = answer;
  return {
    statuses: listOf(parsed['statuses'], isStatus, 'statuses'),
    answers,
    pins: listOf(parsed['pins'], isPin, 'pins'),
    decisions: listOf(parsed['decisions'], isDecision, 'decisions'),
    ...(parsed['notes'] === undefined ? {} : { notes: listOf(parsed['notes'], isNote, 'notes') }),
    ...optionalText(parsed, 'openCase'),
    ...optionalText(parsed, 'contactKey'),
    ...(parsed['consent'] === undefined ? {} : { consent: consentOf(parsed['consent']) }),
    ...optionalText(parsed, 'branch'),
    ...optionalText(parsed, 'manager'),
  };
};

const optionalText = <Name extends string>(
  from: Record<string, unknown>,
  name: Name,
): { [K in Name]?: string } | object => (from[name] === undefined ? {} : { [name]: text(from[name], name) });

const consentOf = (value: unknown): Consent => {
  if (
    typeof value === 'object' &&
    value !== null &&
    'given' in value &&
    typeof value.given === 'boolean' &&
    'source' in value &&
    'at' in value
  ) {
    return { given: value.given, source: text(value.source, 'consent'), at: text(value.at, 'consent') };
  }
  throw poison('consent', 'has another shape');
};

const listOf = <T>(value: unknown, is: (entry: unknown) => entry is T, field: string): readonly T[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(is)) throw poison(field, 'has an entry of another shape');
  return value;
};

const has = (entry: unknown, strings: readonly string[]): entry is Record<string, unknown> =>
  typeof entry === 'object' &&
  entry !== null &&
  strings.every((name) => typeof Object.getOwnPropertyDescriptor(entry, name)?.value === 'string');

const isStatus = (entry: unknown): entry is StatusFact =>
  has(entry, ['status', 'date', 'recordedAt']) && CUSTOMER_STATUSES.some((status) => status === entry['status']);

const isAnswer = (entry: unknown): entry is AnswerFact =>
  has(entry, ['answerId', 'scale', 'date', 'recordedAt']) &&
  typeof entry['version'] === 'number' &&
  typeof entry['value'] === 'number' &&
  entry['value'] >= 0 &&
  entry['value'] <= 1 &&
  typeof entry['suspect'] === 'boolean' &&
  ANSWER_SCALES.some((scale) => scale === entry['scale']);

const isPin = (entry: unknown): entry is Pin =>
  has(entry, ['dimension', 'segment', 'by', 'reason', 'setAt', 'until']) &&
  (entry['cleared'] === undefined || has(entry['cleared'], ['at', 'by', 'reason']));

const isNote = (entry: unknown): entry is Note =>
  has(entry, ['noteId', 'about', 'date', 'recordedAt', 'by', 'reason']) &&
  NOTE_SUBJECTS.some((about) => about === entry['about']) &&
  typeof entry['rating'] === 'number' &&
  entry['rating'] >= LOWEST_RATING &&
  entry['rating'] <= HIGHEST_RATING &&
  (entry['withdrawn'] === undefined || has(entry['withdrawn'], ['at', 'by', 'reason']));

const isDecision = (entry: unknown): entry is FlagDecision =>
  has(entry, ['kind', 'decision', 'by', 'reason', 'decidedAt']) &&
  (entry['evidence'] === undefined || has(entry['evidence'], []));
