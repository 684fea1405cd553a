import type { Instant } from '../domain/calendar.ts';
import type { Flag, FlagKind, FlagSettlement, RaisedFlag } from '../domain/flags.ts';

/** Removes a proposal with its history; for erasing. Removing what is not there is no error. */
export interface FlagEraser {
  remove(subject: string, kind: FlagKind): Promise<void>;
}

/** Proposals to upgrade or to let go. One open proposal per customer and kind. */
export interface FlagStore {
  /**
   * Opens a proposal. Where one is open already it keeps `raisedAt` and `expiresOn` and takes the new figures
   * (`confirmed`). The same run twice changes nothing, also where a person decided in between (`unchanged`).
   */
  raise(flag: RaisedFlag): Promise<'raised' | 'confirmed' | 'unchanged'>;
  /** Takes an open proposal back since its conditions no longer hold. */
  withdraw(subject: string, kind: FlagKind, runId: string, at: Instant): Promise<'withdrawn' | 'notOpen'>;
  /** Closes an open proposal with a person's decision, or as expired. */
  settle(subject: string, kind: FlagKind, settlement: FlagSettlement): Promise<'settled' | 'notOpen'>;
  /** Undoes what a rolled back run did to a proposal; see `undone`. Doing it twice changes nothing. */
  undo(
    subject: string,
    kind: FlagKind,
    runId: string,
    rollback: { readonly by: string; readonly at: Instant; readonly reason: string },
  ): Promise<'withdrawn' | 'reopened' | 'unchanged'>;
  get(subject: string, kind: FlagKind): Promise<Flag | undefined>;
  /** Open proposals ascending by `raisedAt`. */
  listOpen(): Promise<readonly Flag[]>;
  /** Proposals whose last event, which closed them, was in a UTC month `YYYY-MM`; ascending by that event's time. */
  listClosed(month: string): Promise<readonly Flag[]>;
}
