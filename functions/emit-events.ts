import * as z from 'zod/mini';
import { emitEvents, timeBudget } from '#shared/application/emit-events.ts';
import { emitEventsPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Of the minute between two calls; the rest is for the batch that is being sent. */
const BUDGET_MS = 45_000;

/** Sends the events that wait to other systems. Called every minute by a schedule. */
export const handler = defineHandler({
  name: 'emit-events',
  input: z.unknown(),
  output: z.object({ sent: z.number(), dropped: z.number(), held: z.number(), more: z.boolean() }),
  services: emitEventsPorts,
  run: (_event, ports) => emitEvents({ ...ports, isOutOfTime: timeBudget(BUDGET_MS, Date.now) }),
});
