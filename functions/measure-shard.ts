import { measureShard } from '#shared/application/run/measure-shard.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { runPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Reads one range of buckets into the frame. State "Measure shards" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'measure-shard',
  ...STEPS['measure-shard'],
  services: runPorts,
  run: meteredStep('measure-shard', measureShard),
});
