import { splitImport } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Settles how a file is read and cuts it into ranges. First state of the import workflow. */
export const handler = defineHandler({
  name: 'split-import',
  ...STEPS['split-import'],
  services: importJobPorts,
  run: async (input, ports) => {
    const { importId, next, ranges, partitions, groups } = await splitImport(input, ports);
    return {
      schema: 1 as const,
      importId,
      next,
      ranges: [...ranges],
      partitions: [...partitions],
      groups: [...groups],
    };
  },
});
