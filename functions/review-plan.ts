import { reviewPlan } from '#shared/application/run/review-plan.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Proves the invariants and looks at the brakes. State "Review plan" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'review-plan',
  ...STEPS['review-plan'],
  services: runPorts,
  run: meteredStep('review-plan', reviewPlan),
});
