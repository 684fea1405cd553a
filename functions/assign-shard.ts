import { assignShard } from '#shared/application/run/assign-shard.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Decides the standings of one shard from its frame. State "Assign shards" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'assign-shard',
  ...STEPS['assign-shard'],
  services: runPorts,
  run: meteredStep('assign-shard', assignShard),
});
