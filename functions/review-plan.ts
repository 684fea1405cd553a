import { reviewPlan } from '#shared/application/run/review-plan.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Proves the invariants and looks at the brakes. State "Review plan" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'review-plan',
  ...STEPS['review-plan'],
  services: runPorts,
  run: reviewPlan,
});
