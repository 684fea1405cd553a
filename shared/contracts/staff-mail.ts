import * as z from 'zod/mini';

/** One mail to one employee after one run; its id names the run and a hash of the name. */
export const StaffMail = z.object({
  /**
   * `claimed`: an attempt has begun; where nothing follows, what became of the mail is not known. `unknown`: the mail service did
   * not say. Neither is sent again. `notAccepted`: proven, and may be tried again. `refused`: for good.
   */
  state: z.enum(['claimed', 'accepted', 'unknown', 'notAccepted', 'refused']),
  attemptId: z.string(),
  at: z.string(),
  reason: z.optional(z.string()),
});
export type StaffMail = z.infer<typeof StaffMail>;
