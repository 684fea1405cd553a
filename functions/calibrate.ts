import { calibrateRun } from '#shared/application/run/calibrate-run.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Turns the frame into cut-offs. State "Calibrate" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'calibrate',
  ...STEPS.calibrate,
  services: runPorts,
  run: meteredStep('calibrate', calibrateRun),
});
