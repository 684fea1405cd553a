import { applyShard } from '#shared/application/run/apply-shard.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Writes the changed standings of one shard. State "Apply shards" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'apply-shard',
  ...STEPS['apply-shard'],
  services: runPorts,
  run: meteredStep('apply-shard', applyShard),
});
