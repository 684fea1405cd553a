import { checkImportRange } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Reads and counts one range. State "Check import range" of the import workflow. */
export const handler = defineHandler({
  name: 'check-import-range',
  ...STEPS['check-import-range'],
  services: importJobPorts,
  run: async (input, ports) => {
    await checkImportRange(input, ports);
    return {};
  },
});
