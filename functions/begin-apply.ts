import { beginApply } from '#shared/application/run/begin-apply.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Takes the lock on applying and the sequence number. State "Begin apply" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'begin-apply',
  ...STEPS['begin-apply'],
  services: runPorts,
  run: meteredStep('begin-apply', beginApply),
});
