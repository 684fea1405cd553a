import { sendInvitations } from '#shared/application/send-batch.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { sendPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Sends the invitations of one batch. State "Send invitations" of the survey-wave workflow. */
export const handler = defineHandler({
  name: 'send-invitations',
  ...STEPS['send-invitations'],
  services: sendPorts,
  run: meteredStep('send-invitations', sendInvitations),
});
