import * as z from 'zod/mini';

/** `policies/active.json` of the workspace: the policy that scheduled runs use, and who made it so. */
export const ActivePolicy = z.object({
  hash: z.string(),
  name: z.optional(z.string()),
  by: z.optional(z.string()),
  at: z.optional(z.string()),
});
export type ActivePolicy = z.infer<typeof ActivePolicy>;
