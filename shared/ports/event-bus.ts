import type { BusinessEvent } from '../domain/business-event.ts';

/** Where events go to other systems. */
export interface EventBus {
  /**
   * Hands events over, in their order as far as the bus keeps one. Those of which it is not known whether the bus has them count
   * as not taken.
   *
   * @returns ids of the events that the bus did not take, after trying again
   */
  send(events: readonly BusinessEvent[]): Promise<ReadonlySet<string>>;
}
