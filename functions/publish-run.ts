import { publishRun } from '#shared/application/run/publish-run.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Moves the pointer to the run. State "Publish run" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'publish-run',
  ...STEPS['publish-run'],
  services: runPorts,
  run: meteredStep('publish-run', publishRun),
});
