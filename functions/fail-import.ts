import { failImport } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Records why an import ended. State "Fail import" of the import workflow. */
export const handler = defineHandler({
  name: 'fail-import',
  ...STEPS['fail-import'],
  services: importJobPorts,
  run: async (input, ports) => {
    await failImport(input, ports);
    return {};
  },
});
