import { writeImportRange } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Writes one range to the customers. State "Write import range" of the import workflow. */
export const handler = defineHandler({
  name: 'write-import-range',
  ...STEPS['write-import-range'],
  services: importJobPorts,
  run: async (input, ports) => {
    await writeImportRange(input, ports);
    return {};
  },
});
