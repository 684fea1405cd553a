import { sweepCustomers } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Goes through customers after a file is written. State "Sweep customers" of the import workflow. */
export const handler = defineHandler({
  name: 'sweep-customers',
  ...STEPS['sweep-customers'],
  services: importJobPorts,
  run: async (input, ports) => {
    await sweepCustomers(input, ports);
    return {};
  },
});
