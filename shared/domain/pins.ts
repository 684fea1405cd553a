import type { Instant, IsoDate } from './calendar.ts';
import type { CustomerFacts, Pin } from './facts.ts';

/**
 * The pins that count for a run: set and not cleared at the instant that froze its facts, and not past their last day. A pin
 * cleared later still counts for a run frozen before, so that an old run can be measured again.
 */
export const pinsInForce = (
  facts: Pick<CustomerFacts, 'pins'>,
  when: { readonly asOf: IsoDate; readonly frozenAt: Instant },
): readonly Pin[] =>
  facts.pins.filter(
    (pin) =>
      pin.until >= when.asOf &&
      pin.setAt <= when.frozenAt &&
      (pin.cleared === undefined || pin.cleared.at > when.frozenAt),
  );

export const PIN_STATES = ['active', 'expired', 'cleared'] as const;
export type PinState = (typeof PIN_STATES)[number];

/** What became of a pin; `today` is a business date. */
export const pinState = (pin: Pin, today: IsoDate): PinState =>
  pin.cleared !== undefined ? 'cleared' : pin.until < today ? 'expired' : 'active';

/** The pin of a dimension that holds today, if any. */
export const activePin = (facts: Pick<CustomerFacts, 'pins'>, dimension: string, today: IsoDate): Pin | undefined =>
  facts.pins.findLast((pin) => pin.dimension === dimension && pinState(pin, today) === 'active');

/**
 * Ends the active pin of a dimension and, if `next` is given, sets it in its place. Ended pins stay.
 *
 * @returns undefined where the same segment is pinned until the same day for the same reason, or nothing is to be cleared
 */
export const repinned = (
  facts: CustomerFacts,
  dimension: string,
  today: IsoDate,
  change: {
    readonly at: Instant;
    readonly by: string;
    readonly reason: string;
    readonly next?: { readonly segment: string; readonly until: IsoDate };
  },
): { readonly facts: CustomerFacts; readonly replaced: Pin | null; readonly pin: Pin | null } | undefined => {
  const { at, by, reason, next } = change;
  const active = activePin(facts, dimension, today);
  if (active === undefined && next === undefined) return undefined;
  if (
    next !== undefined &&
    active?.segment === next.segment &&
    active.until === next.until &&
    active.reason === reason
  ) {
    return undefined;
  }
  const cleared = { at, by, reason: next === undefined ? reason : `replaced: ${reason}` };
  const pin =
    next === undefined ? null : { dimension, segment: next.segment, by, reason, setAt: at, until: next.until };
  return {
    replaced: active ?? null,
    pin,
    facts: {
      ...facts,
      factsRev: facts.factsRev + 1,
      changedAt: at,
      pins: [
        ...facts.pins.map((one) =>
          one.dimension === dimension && pinState(one, today) === 'active' ? { ...one, cleared } : one,
        ),
        ...(pin === null ? [] : [pin]),
      ],
    },
  };
};
