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
  const start = text.indexOf('\n');
  if (start < 0) throw unreadable('has no attribute table');
  const sets = start === 0 ? NO_SETS : attributeSets(text.slice(0, start));
  const orders: OrderDay[] = [];
  let day = 0;
  let at = start + 1;
  while (at <= text.length) {
    // One pass over the characters: splitting into entries and fields took three times as long.
    FIELDS.fill(0);
    let field = 0;
    let id: string | undefined;
    for (;;) {
      if (field === ID_FIELD) {
        const end = text.indexOf(';', at);
        id = decodeURIComponent(text.slice(at, end < 0 ? text.length : end));
        at = end < 0 ? text.length : end;
        break;
      }
      const first = at;
      const negative = text.charCodeAt(at) === MINUS;
      if (negative) at += 1;
      const digits = at;
      let value = 0;
      let code = text.charCodeAt(at);
      while (code !== COMMA && code !== SEMICOLON && at < text.length) {
        value =
          value * 36 + (code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 122 ? code - 87 : Number.NaN);
        at += 1;
        code = text.charCodeAt(at);
      }
      if (at === digits || !Number.isSafeInteger(value)) {
        throw unreadable(`has ${JSON.stringify(text.slice(first, at))} where a number must be`);
      }
      FIELDS[field] = negative ? -value : value;
      field += 1;
      if (code !== COMMA) break;
      at += 1;
    }
    if (field < 3) throw unreadable('has an entry with too few fields');
    const [days = 0, count = 0, amountMinor = 0, batch = 0, set = 0] = FIELDS;
    day += days;
    const attributes = set === 0 ? NO_ATTRIBUTES : sets[set - 1];
    if (attributes === undefined) throw unreadable(`names attribute set ${set}, which does not exist`);
    orders.push(
      id === undefined
        ? { day, count, amountMinor, attributes, batch }
        : { day, count, amountMinor, attributes, batch, id },
    );
    at += 1;
  }
  return orders;
};

const MINUS = 45;
const COMMA = 44;
const SEMICOLON = 59;
/** The sixth field is text. */
const ID_FIELD = 5;
/** The numbers of the entry that is being read; reused, since the loop has no await. */
const FIELDS: number[] = [0, 0, 0, 0, 0];
const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze({});
const NO_SETS: readonly Readonly<Record<string, string>>[] = [];

const attributeSets = (text: string): readonly Readonly<Record<string, string>>[] => {
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) throw unreadable('has an attribute table that is no list');
  return parsed.map((pairs) => Object.fromEntries(pairs));
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
