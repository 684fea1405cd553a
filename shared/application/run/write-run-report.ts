import { renderReport } from '#shared/application/report/render-report.ts';
import { buildReportData, type ReportPorts } from '#shared/application/report/report-data.ts';
import type { RunPorts } from './run-ports.ts';
import { loadPolicy, loadRun } from './run-ports.ts';

export type WriteReportPorts = Pick<RunPorts, 'runs' | 'objects' | 'files'> & ReportPorts;

/** Writes the report of a planned, held or published run as self-contained HTML in both languages. */
export const writeRunReport = async (
  { runId }: { readonly runId: string },
  ports: WriteReportPorts,
): Promise<Record<string, never>> => {
  const { record } = await loadRun(ports, runId);
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  const data = await buildReportData(ports, runId, policy);
  for (const language of ['en', 'zh-CN'] as const) {
    await ports.files.writeText(
      runId,
      `report.${language}.html`,
      renderReport(data, language),
      'text/html; charset=utf-8',
    );
  }
  return {};
};
