import { addMonths, dateIn, type IsoDate, isIsoDate, lastDayOf, periodOf } from '#shared/domain/calendar.ts';
import type { CustomerFacts, Pin } from '#shared/domain/facts.ts';
import { activePin, type PinState, pinState, repinned } from '#shared/domain/pins.ts';
import type { Dimension, Policy } from '#shared/domain/policy.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';

/** A person's word holds for so long at most; after that somebody looks again. Ours. */
export const LONGEST_PIN_MONTHS = 24;
const LONGEST_REASON = 500;
const TRIES = 10;

export interface PinPorts {
  readonly customers: Pick<CustomerStore, 'get' | 'put'>;
  readonly clock: Clock;
  /** IANA name; `until` is a date in it. */
  readonly timeZone: string;
}

export interface PinRequest {
  readonly customerId: string;
  /** By default the policy's main dimension. */
  readonly dimension?: string;
  readonly by: string;
  readonly reason: string;
}

export interface Pinned {
  readonly customerId: string;
  readonly dimension: string;
  readonly outcome: 'set' | 'replaced' | 'unchanged';
  readonly pin: Pin;
  /** The pin that ended with this one. */
  readonly replaced: Pin | null;
}

/**
 * Pins a customer to a segment until a day: a fact on the customer's item that the next run obeys. The same pin twice is one;
 * another one of the same dimension replaces it.
 *
 * @throws PermanentError whose code names the field; nothing is written then
 */
export const setPin = async (
  request: PinRequest & { readonly segment: string; readonly until: string },
  policy: Policy,
  ports: PinPorts,
): Promise<Pinned> => {
  const today = dateIn(ports.timeZone, ports.clock.now());
  const { name, dimension } = dimensionOf(request.dimension, policy);
  const reason = checkedReason(request.reason);
  if (!Object.hasOwn(dimension.segments, request.segment)) {
    throw new PermanentError(
      'segment-unknown',
      `dimension ${name} of policy ${policy.name} has no segment ${quoted(request.segment)}`,
      { hint: `--segment is one of ${dimension.segmentOrder.join(', ')}` },
    );
  }
  assertUntil(request.until, today);
  const next = { segment: request.segment, until: request.until };
  return changed<Pinned>(request.customerId, ports, (facts) => {
    const change = repinned(facts, name, today, { at: ports.clock.now(), by: request.by, reason, next });
    const about = { customerId: request.customerId, dimension: name };
    if (change?.pin == null) {
      const pin = activePin(facts, name, today);
      if (pin === undefined) throw new PermanentError('pin-missing', 'a pin was neither set nor found');
      return { facts: undefined, result: { ...about, outcome: 'unchanged', pin, replaced: null } };
    }
    const outcome = change.replaced === null ? 'set' : 'replaced';
    return { facts: change.facts, result: { ...about, outcome, pin: change.pin, replaced: change.replaced } };
  });
};

export interface Unpinned {
  readonly customerId: string;
  readonly dimension: string;
  readonly outcome: 'cleared' | 'nothingPinned';
  readonly pin: Pin | null;
}

/** Ends a pin today. The fact stays: who had set it, and who ended it and why. Doing it twice changes nothing. */
export const clearPin = async (request: PinRequest, policy: Policy, ports: PinPorts): Promise<Unpinned> => {
  const today = dateIn(ports.timeZone, ports.clock.now());
  const reason = checkedReason(request.reason);
  return changed<Unpinned>(request.customerId, ports, (facts) => {
    // A pin of a dimension that the policy no longer has can still be cleared by its name.
    const isKept = facts.pins.some((pin) => pin.dimension === request.dimension);
    const name =
      isKept && request.dimension !== undefined ? request.dimension : dimensionOf(request.dimension, policy).name;
    const change = repinned(facts, name, today, { at: ports.clock.now(), by: request.by, reason });
    const about = { customerId: request.customerId, dimension: name };
    return change === undefined
      ? { facts: undefined, result: { ...about, outcome: 'nothingPinned', pin: null } }
      : { facts: change.facts, result: { ...about, outcome: 'cleared', pin: change.replaced } };
  });
};

export interface ListedPin {
  readonly customerId: string;
  readonly branch: string | null;
  readonly manager: string | null;
  readonly state: PinState;
  readonly pin: Pin;
}

/**
 * The pins of all customers, those that end first at the top; cleared and expired ones only if asked for. Pins are kept with
 * the customers, so this reads every customer once, as a run does.
 */
export const listPins = async (
  ports: {
    readonly customers: Pick<CustomerStore, 'buckets' | 'readBucket'>;
    readonly clock: Clock;
    readonly timeZone: string;
  },
  filter: {
    readonly state: PinState | 'all';
    readonly branch?: string;
    readonly manager?: string;
    readonly segment?: string;
  },
): Promise<readonly ListedPin[]> => {
  const today = dateIn(ports.timeZone, ports.clock.now());
  const listed: ListedPin[] = [];
  for (let bucket = 0; bucket < ports.customers.buckets; bucket += 1) {
    for await (const read of ports.customers.readBucket(bucket)) {
      if (read.kind !== 'customer' || read.facts.pins.length === 0) continue;
      const { customerId, branch, manager, pins } = read.facts;
      if (filter.branch !== undefined && branch !== filter.branch) continue;
      if (filter.manager !== undefined && manager !== filter.manager) continue;
      for (const pin of pins) {
        const state = pinState(pin, today);
        if (filter.state !== 'all' && state !== filter.state) continue;
        if (filter.segment !== undefined && pin.segment !== filter.segment) continue;
        listed.push({ customerId, branch: branch ?? null, manager: manager ?? null, state, pin });
      }
    }
  }
  const key = ({ pin, customerId }: ListedPin): string => `${pin.until} ${customerId} ${pin.dimension} ${pin.setAt}`;
  return listed.sort((a, b) => (key(a) < key(b) ? -1 : 1));
};

const dimensionOf = (
  wanted: string | undefined,
  policy: Policy,
): { readonly name: string; readonly dimension: Dimension } => {
  const name = wanted ?? policy.mainDimension;
  const dimension = Object.hasOwn(policy.dimensions, name) ? policy.dimensions[name] : undefined;
  if (dimension === undefined) {
    throw new PermanentError('dimension-unknown', `policy ${policy.name} has no dimension ${quoted(name)}`, {
      hint: `--dimension is one of ${Object.keys(policy.dimensions).join(', ')}`,
    });
  }
  return { name, dimension };
};

/** One line; it is shown in lists. */
const checkedReason = (given: string): string => {
  const reason = given.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  if (reason === '' || reason.length > LONGEST_REASON) {
    throw new PermanentError(
      'reason-missing',
      `--reason must say why in 1 to ${LONGEST_REASON} characters, got ${reason.length}; it is shown wherever the pin is`,
    );
  }
  return reason;
};

const assertUntil = (until: string, today: IsoDate): void => {
  if (!isIsoDate(until)) {
    throw new PermanentError(
      'until-invalid',
      `--until must be a date that exists, as YYYY-MM-DD, got ${quoted(until)}`,
    );
  }
  if (until < today) {
    throw new PermanentError(
      'until-invalid',
      `--until is the last day on which the pin holds and must not be before today on the business clock, ${today}, got ${until}`,
    );
  }
  const month = addMonths(periodOf(today), LONGEST_PIN_MONTHS);
  const sameDay = `${month}${today.slice(7)}`;
  const latest = sameDay > lastDayOf(month) ? lastDayOf(month) : sameDay;
  if (until > latest) {
    throw new PermanentError(
      'until-invalid',
      `a pin holds for at most ${LONGEST_PIN_MONTHS} months, which is ${latest}, got --until ${until}`,
      { hint: 'set it again when it ends, if it is still right' },
    );
  }
};

const quoted = (text: string): string => JSON.stringify(text.slice(0, 80));

/** Changes a customer's facts under their revision; `decide` is asked again where another writer came between. */
const changed = async <T>(
  customerId: string,
  ports: PinPorts,
  decide: (facts: CustomerFacts) => { readonly facts: CustomerFacts | undefined; readonly result: T },
): Promise<T> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const facts = await ports.customers.get(customerId);
    if (facts === undefined) {
      throw new PermanentError('customer-unknown', `there is no customer ${quoted(customerId)}`, {
        hint: 'ids are as the imported files have them, capital letters included',
      });
    }
    const decision = decide(facts);
    if (decision.facts === undefined) return decision.result;
    if ((await ports.customers.put(decision.facts, facts.factsRev)) === 'stored') return decision.result;
  }
  throw new RetryableError(
    'customer-busy',
    `the facts of ${quoted(customerId)} kept changing under ${TRIES} attempts to write them`,
    { hint: 'do it again' },
  );
};
