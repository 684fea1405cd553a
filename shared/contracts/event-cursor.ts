import * as z from 'zod/mini';

/** How far the moves of published runs have been sent: `STATE / events` in table `runs`. */
export const EventCursor = z.object({
  /** Revision of the pointer up to which everything has been sent. */
  pointerRev: z.number(),
  /** The last step that was sent to its end: twice the sequence number of a run, one more for its rollback. */
  done: z.number(),
  /** Where the step after that stands; null if it has not begun. */
  at: z.nullable(z.object({ step: z.number(), shard: z.number(), move: z.number() })),
});
export type EventCursor = z.infer<typeof EventCursor>;

export const EVENT_CURSOR_ID = 'events';
