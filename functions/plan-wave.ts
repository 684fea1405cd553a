import { planWave } from '#shared/application/plan-wave.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { planWavePorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Draws the audience of a wave and makes its invitations. State "Plan wave" of the survey-wave workflow. */
export const handler = defineHandler({
  name: 'plan-wave',
  ...STEPS['plan-wave'],
  services: planWavePorts,
  run: meteredStep('plan-wave', planWave),
});
