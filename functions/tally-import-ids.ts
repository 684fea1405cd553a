import { tallyImportIds } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Looks at one part of the ids of all ranges. State "Tally import ids" of the import workflow. */
export const handler = defineHandler({
  name: 'tally-import-ids',
  ...STEPS['tally-import-ids'],
  services: importJobPorts,
  run: async (input, ports) => {
    await tallyImportIds(input, ports);
    return {};
  },
});
