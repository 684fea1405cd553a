import { startWave } from '#shared/application/start-wave.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { startWavePorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Starts the survey of a published run. State "Start wave" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'start-wave',
  ...STEPS['start-wave'],
  services: startWavePorts,
  run: meteredStep('start-wave', startWave),
});
