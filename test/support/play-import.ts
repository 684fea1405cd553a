import {
  checkImportRange,
  countAbsentCustomers,
  failImport,
  finishImport,
  type ImportJobPorts,
  type ImportStart,
  importWholeFile,
  reviewImport,
  splitImport,
  sweepCustomers,
  tallyImportIds,
  writeImportRange,
} from '#shared/application/import/import-job.ts';

/** The steps of the workflow `import`, one after the other, where no state machine runs them. */
export const playImport = async (start: ImportStart, ports: ImportJobPorts): Promise<void> => {
  try {
    const { importId, next, ranges, partitions, groups } = await splitImport(start, ports);
    if (next === 'nothing') return;
    if (next === 'whole') await importWholeFile({ importId }, ports);
    else {
      for (const range of ranges) await checkImportRange({ importId, range }, ports);
      for (const partition of partitions) await tallyImportIds({ importId, partition }, ports);
      for (const group of groups) await countAbsentCustomers({ importId, group }, ports);
      const reviewed = await reviewImport({ importId }, ports);
      for (const range of reviewed.ranges) await writeImportRange({ importId, range }, ports);
      for (const group of reviewed.groups) await sweepCustomers({ importId, group }, ports);
    }
    await finishImport({ importId }, ports);
  } catch (error) {
    await failImport({ ...start, cause: error instanceof Error ? error.message : String(error) }, ports);
    throw error;
  }
};
