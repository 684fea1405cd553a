import * as z from 'zod/mini';
import { escalateCases } from '#shared/application/escalate-cases.ts';
import { escalateCasesPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Tells owners and superiors of open cases. Called every minute by a schedule. */
export const handler = defineHandler({
  name: 'escalate-cases',
  input: z.unknown(),
  output: z.object({ mailed: z.number(), escalated: z.number(), uncertain: z.number(), failed: z.number() }),
  services: escalateCasesPorts,
  run: (_event, ports) => escalateCases(ports),
});
