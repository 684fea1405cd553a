import { reviewImport } from '#shared/application/import/import-job.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { importJobPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Decides whether the file is written. State "Review import" of the import workflow. */
export const handler = defineHandler({
  name: 'review-import',
  ...STEPS['review-import'],
  services: importJobPorts,
  run: async (input, ports) => {
    const { importId, ranges, groups } = await reviewImport(input, ports);
    return { schema: 1 as const, importId, ranges: [...ranges], groups: [...groups] };
  },
});
