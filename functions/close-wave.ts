import { closeWave } from '#shared/application/close-wave.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { wavePorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Closes a wave and counts its ledger. State "Close wave" of the survey-wave workflow. */
export const handler = defineHandler({
  name: 'close-wave',
  ...STEPS['close-wave'],
  services: wavePorts,
  run: meteredStep('close-wave', closeWave),
});
