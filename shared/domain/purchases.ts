import type { DayNumber } from './calendar.ts';
import type { CustomerFacts, OrderDay } from './facts.ts';
import type { PurchaseDays } from './standing.ts';

/** Purchase attributes that must have one of the values; all of them. */
export type Where = Readonly<Record<string, readonly string[]>>;

/**
 * The order-days that count: dated up to `day` and imported up to `frozenAt`. Ascending by day.
 * An order-day whose batch has no mark counts: its import is unknown, its date is not.
 */
export const countedOrders = (
  facts: Pick<CustomerFacts, 'orders' | 'batches'>,
  day: DayNumber,
  frozenAt: string,
): readonly OrderDay[] => {
  const late = facts.batches.map((batch) => batch.recordedAt > frozenAt);
  return facts.orders.filter((order) => order.day <= day && late[order.batch] !== true);
};

const matches = (order: OrderDay, where: Where | undefined): boolean =>
  where === undefined ||
  Object.entries(where).every(([attribute, values]) => {
    const value = order.attributes[attribute];
    return value !== undefined && values.includes(value);
  });

/** The last `windowDays` days up to and with `until`; without a window, everything up to `until`. */
export const within = (
  orders: readonly OrderDay[],
  until: DayNumber,
  windowDays?: number,
  where?: Where,
): readonly OrderDay[] => {
  const after = windowDays === undefined ? Number.NEGATIVE_INFINITY : until - windowDays;
  return orders.filter((order) => order.day <= until && order.day > after && matches(order, where));
};

/** Whole days since the last purchase; returns do not count as one. Null without a purchase. */
export const recencyDays = (orders: readonly OrderDay[], asOf: DayNumber, where?: Where): number | null => {
  let last: number | null = null;
  for (const order of orders) {
    if (order.count > 0 && (last === null || order.day > last) && matches(order, where)) last = order.day;
  }
  return last === null ? null : asOf - last;
};

/** Whole days since the first purchase; null without one. */
export const tenureDays = (orders: readonly OrderDay[], asOf: DayNumber): number | null => {
  const first = firstPurchase(orders);
  return first === null ? null : asOf - first;
};

const firstPurchase = (orders: readonly OrderDay[]): DayNumber | null => {
  let first: DayNumber | null = null;
  for (const order of orders) {
    if (order.count > 0 && (first === null || order.day < first)) first = order.day;
  }
  return first;
};

/** Number of purchases. */
export const orderCount = (orders: readonly OrderDay[]): number => orders.reduce((sum, order) => sum + order.count, 0);

/** Net amount in minor units: returns subtract. */
export const spendMinor = (orders: readonly OrderDay[]): number =>
  orders.reduce((sum, order) => sum + order.amountMinor, 0);

/**
 * What `of` gives for the `windowDays` days up to `asOf`, minus what it gives for as many days up to `againstEnd`, divided by
 * the latter; 0.2 is a fifth more. Null where the customer's first purchase of all is later than the first day compared
 * with, since growth from part of a window is no rate, and where that window holds nothing positive.
 */
export const growth = (
  orders: readonly OrderDay[],
  asOf: DayNumber,
  againstEnd: DayNumber,
  windowDays: number,
  of: (orders: readonly OrderDay[]) => number,
  where?: Where,
): number | null => {
  const first = firstPurchase(orders);
  if (first === null || first > againstEnd - windowDays + 1) return null;
  const before = of(within(orders, againstEnd, windowDays, where));
  if (before <= 0) return null;
  return (of(within(orders, asOf, windowDays, where)) - before) / before;
};

/** The purchases as BG/NBD sees them; null without one. Returns are no purchases. */
export const purchaseDays = (orders: readonly OrderDay[], asOf: DayNumber): PurchaseDays | null => {
  const days = new Set<DayNumber>();
  for (const order of orders) if (order.count > 0) days.add(order.day);
  if (days.size === 0) return null;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const day of days) {
    if (day < first) first = day;
    if (day > last) last = day;
  }
  return { repeatDays: days.size - 1, lastPurchaseDays: last - first, ageDays: asOf - first };
};

/** Share 0..1 of purchases whose attribute has one of the values; null without a purchase. */
export const attributeShare = (
  orders: readonly OrderDay[],
  attribute: string,
  values: readonly string[],
): number | null => {
  const all = orderCount(orders);
  if (all === 0) return null;
  return orderCount(orders.filter((order) => matches(order, { [attribute]: values }))) / all;
};

/**
 * Most frequent value among the purchases that have the attribute; `mixed` where its share is below `atLeastShare`.
 * Of equally frequent values the first by name. Null where no purchase has the attribute.
 */
export const dominantAttribute = (
  orders: readonly OrderDay[],
  attribute: string,
  atLeastShare: number,
): string | null => {
  const counts = new Map<string, number>();
  let all = 0;
  for (const order of orders) {
    const value = order.attributes[attribute];
    if (value === undefined || order.count === 0) continue;
    counts.set(value, (counts.get(value) ?? 0) + order.count);
    all += order.count;
  }
  const [top] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  if (top === undefined) return null;
  return top[1] / all < atLeastShare ? 'mixed' : top[0];
};
