import * as z from 'zod/mini';
import { STAFF_MAIL_STATES } from '../domain/staff-mail-state.ts';

/** One mail to one employee after one run; its id names the run and a hash of the name. */
export const StaffMail = z.object({
  state: z.enum(STAFF_MAIL_STATES),
  attemptId: z.string(),
  at: z.string(),
  reason: z.optional(z.string()),
});
export type StaffMail = z.infer<typeof StaffMail>;

/** Id of the mail of a run to somebody of the given key. */
export const staffMailId = (runId: string, staffKey: string): string => `${runId}#${staffKey}`;
