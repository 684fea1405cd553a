import { mailActionLists } from '#shared/application/mail-action-lists.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { mailActionListsPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Mails the action lists of a published run. State "Mail action lists" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'mail-action-lists',
  ...STEPS['mail-action-lists'],
  services: mailActionListsPorts,
  run: meteredStep('mail-action-lists', mailActionLists),
});
