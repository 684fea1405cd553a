import { renderReport } from '#shared/application/report/render-report.ts';
import { buildReportData } from '#shared/application/report/report-data.ts';
import { loadPolicy, loadRun, type RunPorts } from './run-ports.ts';

/** Writes the report of a planned, held or published run as self-contained HTML in both languages. */
export const writeRunReport = async (
  { runId }: { readonly runId: string },
  ports: RunPorts,
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
