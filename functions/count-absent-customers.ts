import { countAbsentCustomers } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Counts customers whom a complete file lacks. State "Count absent customers" of the import workflow. */
export const handler = defineHandler({
  name: 'count-absent-customers',
  ...STEPS['count-absent-customers'],
  services: importJobPorts,
  run: async (input, ports) => {
    await countAbsentCustomers(input, ports);
    return {};
  },
});
