import { sendReminders } from '#shared/application/send-batch.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { sendPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Reminds those of one batch who have not answered. State "Send reminders" of the survey-wave workflow. */
export const handler = defineHandler({
  name: 'send-reminders',
  ...STEPS['send-reminders'],
  services: sendPorts,
  run: meteredStep('send-reminders', sendReminders),
});
