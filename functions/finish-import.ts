import { finishImport } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Closes an import and keeps what it did. State "Finish import" of the import workflow. */
export const handler = defineHandler({
  name: 'finish-import',
  ...STEPS['finish-import'],
  services: importJobPorts,
  run: async (input, ports) => {
    await finishImport(input, ports);
    return {};
  },
});
