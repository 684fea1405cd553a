import { lookUpWave } from '#shared/application/look-up-wave.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { wavePorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Says what a wave does next, or until when it waits. State "Look up wave" of the survey-wave workflow. */
export const handler = defineHandler({
  name: 'look-up-wave',
  ...STEPS['look-up-wave'],
  services: wavePorts,
  run: meteredStep('look-up-wave', lookUpWave),
});
