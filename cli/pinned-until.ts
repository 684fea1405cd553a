import { dateIn } from '#shared/domain/calendar.ts';
import { activePin } from '#shared/domain/pins.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { CommandContext } from './command.ts';

/** The last day of the pin in force in the main dimension, of those who have one, by subject. */
export const pinnedUntil = async (
  { target }: CommandContext,
  listed: readonly { readonly subject: string }[],
  policy: Policy | undefined,
): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  if (policy === undefined) return found;
  const today = dateIn(target.timeZone, target.clock.now());
  for (const [subject, facts] of await target.customers.getMany(listed.map((one) => one.subject))) {
    const pin = activePin(facts, policy.mainDimension, today);
    if (pin !== undefined) found.set(subject, pin.until);
  }
  return found;
};
