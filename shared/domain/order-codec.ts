import { PoisonError } from '../errors.ts';
import { fromDayNumber } from './calendar.ts';
import type { OrderDay } from './facts.ts';

/** How many order-days stay on the main item before the oldest move to yearly chunks (DECISIONS 2). */
export const MAIN_ITEM_ORDER_DAYS = 100;
/** Order-days move in steps of this many, so that most purchases leave the chunks as they are. */
const MOVE_STEP = 50;

/**
 * Order-days as one text, about 12 bytes for a plain one: entries separated by `;`, fields by `,`, whole numbers in base 36.
 *
 *     day,count,amountMinor,batch[,attributes[,id]]
 *
 * `day` is the distance from the entry before; trailing zeros are left out. `attributes` counts from 1 into a table of the distinct
 * attribute sets, which stands before the entries as JSON, ended by a line feed. Ids are percent-encoded.
 *
 * @param orders ascending by day
 */
export const packOrders = (orders: readonly OrderDay[]): string => {
  if (orders.length === 0) return '';
  const sets = new Map<string, number>();
  let previousDay = 0;
  const entries = orders.map((order) => {
    const names = Object.keys(order.attributes).sort();
    let set = 0;
    if (names.length > 0) {
      const key = JSON.stringify(names.map((name) => [name, order.attributes[name]]));
      set = sets.get(key) ?? sets.size + 1;
      sets.set(key, set);
    }
    const fields = [order.day - previousDay, order.count, order.amountMinor, order.batch, set].map((n) =>
      n.toString(36),
    );
    previousDay = order.day;
    if (order.id !== undefined) return `${fields.join(',')},${encodeURIComponent(order.id)}`;
    while (fields.length > 3 && fields.at(-1) === '0') fields.pop();
    return fields.join(',');
  });
  const table = sets.size === 0 ? '' : `[${[...sets.keys()].join(',')}]`;
  return `${table}\n${entries.join(';')}`;
};

/** The inverse of `packOrders`. @throws PoisonError `orders-unreadable` for anything that it cannot have written */
export const unpackOrders = (text: string): OrderDay[] => {
  if (text === '') return [];
  const split = text.indexOf('\n');
  if (split < 0) throw unreadable('has no attribute table');
  const sets = attributeSets(text.slice(0, split));
  let day = 0;
  return text
    .slice(split + 1)
    .split(';')
    .map((entry) => {
      const [dayText, countText, amountText, batchText, setText, idText] = entry.split(',');
      day += base36(dayText);
      const set = setText === undefined ? 0 : base36(setText);
      const attributes = set === 0 ? {} : sets[set - 1];
      if (attributes === undefined) throw unreadable(`names attribute set ${set}, which does not exist`);
      return {
        day,
        count: base36(countText),
        amountMinor: base36(amountText),
        attributes,
        batch: batchText === undefined ? 0 : base36(batchText),
        ...(idText === undefined ? {} : { id: decodeURIComponent(idText) }),
      };
    });
};

const attributeSets = (text: string): readonly Readonly<Record<string, string>>[] => {
  if (text === '') return [];
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) throw unreadable('has an attribute table that is no list');
  return parsed.map((pairs) => Object.fromEntries(pairs));
};

/** Strict, unlike `parseInt`, which would read a damaged number as a shorter one; and faster. */
const base36 = (text: string | undefined): number => {
  if (text === undefined || text === '') throw unreadable('lacks a number');
  const negative = text.charCodeAt(0) === 45;
  let value = 0;
  for (let at = negative ? 1 : 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 122 ? code - 87 : Number.NaN;
    value = value * 36 + digit;
  }
  if (!Number.isSafeInteger(value) || text === '-')
    throw unreadable(`has ${JSON.stringify(text)} where a number must be`);
  return negative ? -value : value;
};

const unreadable = (what: string): PoisonError => new PoisonError('orders-unreadable', `the order history ${what}`);

/**
 * Which order-days stay on the main item and which move out, by year. The newest stay.
 *
 * @param orders ascending by day
 * @returns `chunks` empty up to 100 order-days; above, the oldest in multiples of 50, at most 100 left on the main item
 */
export const splitOrders = (
  orders: readonly OrderDay[],
): { readonly main: readonly OrderDay[]; readonly chunks: ReadonlyMap<number, readonly OrderDay[]> } => {
  const excess = orders.length - MAIN_ITEM_ORDER_DAYS;
  if (excess <= 0) return { main: orders, chunks: new Map() };
  const moved = Math.ceil(excess / MOVE_STEP) * MOVE_STEP;
  const chunks = new Map<number, OrderDay[]>();
  for (const order of orders.slice(0, moved)) {
    const year = Number(fromDayNumber(order.day).slice(0, 4));
    const chunk = chunks.get(year);
    if (chunk === undefined) chunks.set(year, [order]);
    else chunk.push(order);
  }
  return { main: orders.slice(moved), chunks };
};
