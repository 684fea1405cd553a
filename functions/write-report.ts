import { writeRunReport } from '#shared/application/run/write-run-report.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { writeReportPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';
import { meteredStep } from './runtime/metered-step.ts';

/** Writes the report of a run in both languages. State "Write report" of the resegmentation workflow. */
export const handler = defineHandler({
  name: 'write-report',
  ...STEPS['write-report'],
  services: writeReportPorts,
  run: meteredStep('write-report', writeRunReport),
});
