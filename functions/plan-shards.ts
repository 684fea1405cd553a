import { planShards } from '#shared/application/run/finish-run.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Lists the shards that the maps go over. State "Plan shards" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'plan-shards',
  ...STEPS['plan-shards'],
  services: runPorts,
  run: meteredStep('plan-shards', planShards),
});
