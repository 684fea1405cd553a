import type { Instant, IsoDate } from './calendar.ts';
import { type Consent, newestConsent } from './contact-policy.ts';
import type { AnswerFact, CustomerFacts, CustomerStatus, OrderDay, StatusFact, TraitValue } from './facts.ts';

/** A customer of whom nothing is known yet; not stored before the first fact. */
export const newCustomer = (customerId: string, subject: string): CustomerFacts => ({
  customerId,
  subject,
  factsRev: 0,
  changedAt: '1970-01-01T00:00:00.000Z',
  batches: [],
  orders: [],
  snapshots: [],
  statuses: [],
  answers: {},
  pins: [],
  decisions: [],
});

/** Purchases of one customer in one chunk of a file. */
export interface PurchaseChunk {
  readonly batchId: string;
  readonly recordedAt: Instant;
  readonly chunk: number;
  readonly orders: readonly Omit<OrderDay, 'batch'>[];
  /** A batch whose purchases these replace. */
  readonly replaces?: string;
}

/**
 * Adds the purchases of a chunk. The chunk's number is kept beside the batch, so adding it again changes nothing. A purchase
 * with an id takes the place of the one with the same id.
 *
 * @returns undefined where nothing changes
 */
export const addPurchases = (facts: CustomerFacts, chunk: PurchaseChunk): CustomerFacts | undefined => {
  const mark = facts.batches.findIndex((one) => one.batchId === chunk.batchId);
  if (facts.batches[mark]?.chunks.includes(chunk.chunk) === true) return undefined;
  const base = chunk.replaces === undefined ? facts : (withoutBatch(facts, chunk.replaces, chunk.recordedAt) ?? facts);
  const batch = mark === -1 ? base.batches.length : mark;
  const ids = new Set(chunk.orders.flatMap((order) => (order.id === undefined ? [] : [order.id])));
  const plain = new Map<string, OrderDay>();
  const orders: OrderDay[] = [];
  for (const order of [...base.orders, ...chunk.orders.map((one) => ({ ...one, batch }))]) {
    if (order.id !== undefined) {
      if (order.batch === batch || !ids.has(order.id)) orders.push(order);
      continue;
    }
    const key = `${order.day} ${order.batch} ${attributeKey(order)}`;
    const same = plain.get(key);
    plain.set(
      key,
      same === undefined
        ? order
        : { ...same, count: same.count + order.count, amountMinor: same.amountMinor + order.amountMinor },
    );
  }
  orders.push(...plain.values());
  const marked = { batchId: chunk.batchId, recordedAt: chunk.recordedAt, chunks: [chunk.chunk] };
  return {
    ...facts,
    factsRev: facts.factsRev + 1,
    changedAt: chunk.recordedAt,
    batches:
      mark === -1
        ? [...base.batches, marked]
        : base.batches.map((one, index) =>
            index === mark ? { ...one, chunks: [...one.chunks, chunk.chunk].sort((a, b) => a - b) } : one,
          ),
    orders: orders.sort(byDay),
  };
};

/** Takes the purchases of a batch away; the batch may be imported again. @returns undefined where there are none */
export const withoutBatch = (facts: CustomerFacts, batchId: string, at: Instant): CustomerFacts | undefined => {
  const batch = facts.batches.findIndex((one) => one.batchId === batchId);
  const mark = facts.batches[batch];
  if (mark === undefined || (mark.chunks.length === 0 && !facts.orders.some((order) => order.batch === batch)))
    return undefined;
  return {
    ...facts,
    factsRev: facts.factsRev + 1,
    changedAt: at,
    batches: facts.batches.map((one, index) => (index === batch ? { ...one, chunks: [] } : one)),
    orders: facts.orders.filter((order) => order.batch !== batch),
  };
};

const attributeKey = (order: Omit<OrderDay, 'batch'>): string =>
  JSON.stringify(Object.entries(order.attributes).sort());

/** Ascending by day; among equals an order that does not depend on how the rows came. */
const byDay = (a: OrderDay, b: OrderDay): number => {
  if (a.day !== b.day) return a.day - b.day;
  if (a.batch !== b.batch) return a.batch - b.batch;
  const left = `${attributeKey(a)} ${a.id ?? ''}`;
  const right = `${attributeKey(b)} ${b.id ?? ''}`;
  return left < right ? -1 : left > right ? 1 : 0;
};

/** What a row of a customer file says. Undefined means that it does not say. */
export interface CustomerSnapshot {
  readonly date: IsoDate;
  readonly recordedAt: Instant;
  readonly traits: Readonly<Record<string, TraitValue>>;
  readonly branch?: string;
  readonly manager?: string;
  readonly status?: CustomerStatus;
  readonly contactKey?: string;
  /** A word on consent that no contact entry can take up yet. */
  readonly consent?: Consent;
}

/**
 * Adds a snapshot. Older snapshots stay. One of the same date takes the new values beside those that the new one does not
 * name. Branch, manager and contact follow the newest date. Somebody who had left and is in the file again is active again.
 *
 * @returns undefined where nothing changes
 */
export const addSnapshot = (facts: CustomerFacts, row: CustomerSnapshot): CustomerFacts | undefined => {
  const newest = facts.snapshots.at(-1)?.date ?? '';
  const current = row.date >= newest;
  const status = row.status ?? (statusOn(facts.statuses, row.date) === 'left' ? 'active' : undefined);
  const next: CustomerFacts = {
    ...facts,
    snapshots: withSnapshot(facts, row),
    statuses:
      status === undefined
        ? facts.statuses
        : withStatus(facts.statuses, { status, date: row.date, recordedAt: row.recordedAt }),
    ...(current && row.branch !== undefined ? { branch: row.branch } : {}),
    ...(current && row.manager !== undefined ? { manager: row.manager } : {}),
    ...(current && row.contactKey !== undefined ? { contactKey: row.contactKey } : {}),
    ...withConsent(facts.consent, row.consent),
  };
  return changed(facts, next, row.recordedAt);
};

const withConsent = (known: Consent | undefined, given: Consent | undefined): { readonly consent?: Consent } => {
  const consent = newestConsent(known, given);
  return consent === undefined ? {} : { consent };
};

/** Adds a status where it differs from what held on that date. @returns undefined where nothing changes */
export const addStatus = (facts: CustomerFacts, fact: StatusFact): CustomerFacts | undefined =>
  changed(facts, { ...facts, statuses: withStatus(facts.statuses, fact) }, fact.recordedAt);

/** Adds answers collected elsewhere; one that is there with the same value stays. @returns undefined where nothing changes */
export const addAnswers = (
  facts: CustomerFacts,
  answers: readonly AnswerFact[],
  at: Instant,
): CustomerFacts | undefined => {
  const next: Record<string, AnswerFact> = { ...facts.answers };
  for (const answer of answers) {
    const before = next[answer.answerId];
    if (before === undefined) next[answer.answerId] = answer;
    else if (before.value !== answer.value) next[answer.answerId] = { ...answer, version: before.version + 1 };
  }
  return changed(facts, { ...facts, answers: next }, at);
};

/**
 * Adds answers that are known by an id, with the time of the answer as their version: of one id the later one counts, and of the
 * same time the one that comes last. In whatever order files come, the same answers stay.
 *
 * @returns undefined where nothing changes
 */
export const addLatestAnswers = (
  facts: CustomerFacts,
  answers: readonly AnswerFact[],
  at: Instant,
): CustomerFacts | undefined => {
  const next: Record<string, AnswerFact> = { ...facts.answers };
  for (const answer of answers) {
    const before = next[answer.answerId];
    const isSame = before?.version === answer.version && before.value === answer.value && before.scale === answer.scale;
    if (before === undefined || (answer.version >= before.version && !isSame)) next[answer.answerId] = answer;
  }
  return changed(facts, { ...facts, answers: next }, at);
};

/** The status in force at the end of a day. */
export const statusOn = (statuses: readonly StatusFact[], date: IsoDate): CustomerStatus =>
  statuses.findLast((fact) => fact.date <= date)?.status ?? 'active';

const withStatus = (statuses: readonly StatusFact[], fact: StatusFact): readonly StatusFact[] => {
  if (statusOn(statuses, fact.date) === fact.status) return statuses;
  return [...statuses, fact].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
};

const withSnapshot = (facts: CustomerFacts, row: CustomerSnapshot): CustomerFacts['snapshots'] => {
  const same = facts.snapshots.findIndex((snapshot) => snapshot.date === row.date);
  const before = facts.snapshots[same];
  if (before === undefined) {
    const snapshot = { date: row.date, recordedAt: row.recordedAt, traits: row.traits };
    return [...facts.snapshots, snapshot].sort((a, b) => (a.date < b.date ? -1 : 1));
  }
  const traits = { ...before.traits, ...row.traits };
  const isSame = Object.entries(traits).every(([name, value]) => before.traits[name] === value);
  if (isSame) return facts.snapshots;
  return facts.snapshots.map((snapshot, index) =>
    index === same ? { date: row.date, recordedAt: row.recordedAt, traits } : snapshot,
  );
};

const changed = (before: CustomerFacts, next: CustomerFacts, at: Instant): CustomerFacts | undefined =>
  before.factsRev > 0 && JSON.stringify(before) === JSON.stringify(next)
    ? undefined
    : { ...next, factsRev: before.factsRev + 1, changedAt: at };
