import { assertWaveHealthy } from '#shared/application/assert-wave-healthy.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { wavePorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Fails where too many mails are uncertain. State "Assert wave healthy" of the survey-wave workflow. */
export const handler = defineHandler({
  name: 'assert-wave-healthy',
  ...STEPS['assert-wave-healthy'],
  services: wavePorts,
  run: meteredStep('assert-wave-healthy', assertWaveHealthy),
});
