import { assertRunHealthy } from '#shared/application/run/finish-run.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Ends the run, red if it is degraded. State "Assert run healthy" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'assert-run-healthy',
  ...STEPS['assert-run-healthy'],
  services: runPorts,
  run: meteredStep('assert-run-healthy', assertRunHealthy),
});
