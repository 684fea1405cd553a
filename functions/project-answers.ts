import * as z from 'zod/mini';
import { projectPendingAnswers } from '#shared/application/project-answer.ts';
import { projectAnswerPorts } from './runtime/compose-pages.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Brings answers that a crash kept back to their customers. Called every minute by a schedule. */
export const handler = defineHandler({
  name: 'project-answers',
  input: z.unknown(),
  output: z.object({ projected: z.number(), failed: z.number() }),
  services: projectAnswerPorts,
  run: (_event, ports) => projectPendingAnswers(ports),
});
