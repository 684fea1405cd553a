import { importWholeFile } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Imports answers, notes or staff. State "Import whole file" of the import workflow. */
export const handler = defineHandler({
  name: 'import-whole-file',
  ...STEPS['import-whole-file'],
  services: importJobPorts,
  run: async (input, ports) => {
    await importWholeFile(input, ports);
    return {};
  },
});
