import { failRun } from '#shared/application/run/finish-run.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Records why an execution failed. State "Fail run" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'fail-run',
  ...STEPS['fail-run'],
  services: runPorts,
  run: meteredStep('fail-run', failRun),
});
