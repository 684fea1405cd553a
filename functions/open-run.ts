import { openRun } from '#shared/application/run/open-run.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Opens a run: its record, its frozen date and policy. State "Open run" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'open-run',
  ...STEPS['open-run'],
  services: runPorts,
  run: meteredStep('open-run', openRun),
});
