import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { html, raw } from 'hono/html';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { listenOn } from './listen.ts';

export interface ReportServer {
  readonly url: string;
  /** Address of a run's report. */
  reportUrl(runId: string, language?: 'en' | 'zh-CN'): string;
  stop(): Promise<void>;
}

const LANGUAGES = ['en', 'zh-CN'] as const;

/** Shows the reports that runs wrote to the workspace, newest first, on 127.0.0.1 only. Reads and never writes. */
export const startReportServer = async (
  ports: { readonly runs: RecordStore<RunRecord>; readonly files: RunFiles },
  port: number,
): Promise<ReportServer> => {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
    );
    context.header('X-Content-Type-Options', 'nosniff');
    context.header('Cache-Control', 'no-store');
  });
  app.get('/', async (context) => {
    const runs = [...(await ports.runs.list())].reverse();
    const rows = runs.map(
      ({ record }) =>
        html`<tr><td>${record.runId}</td><td>${record.asOf}</td><td>${record.policy.name}</td><td>${record.state}</td>
          <td>${LANGUAGES.map((language) => html`<a href="/runs/${record.runId}/${language}">${language === 'en' ? 'English' : '中文'}</a> `)}</td></tr>`,
    );
    return context.html(
      html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Resegment reports</title>
        <meta name="viewport" content="width=device-width, initial-scale=1"><style>${raw(STYLE)}</style></head>
        <body><h1>Reports of this local stack</h1>
        ${runs.length === 0 ? html`<p>No run yet.</p>` : html`<table><thead><tr><th>Run</th><th>As of</th><th>Policy</th><th>State</th><th>Report</th></tr></thead><tbody>${rows}</tbody></table>`}
        </body></html>`,
    );
  });
  app.get('/runs/:runId/:language', async (context) => {
    const language = LANGUAGES.find((one) => one === context.req.param('language'));
    const text =
      language === undefined
        ? undefined
        : await ports.files.readText(context.req.param('runId'), `report.${language}.html`);
    return text === undefined ? context.text('There is no such report.\n', 404) : context.html(text);
  });

  const { server, url } = await listenOn(port, (free) =>
    serve({ fetch: app.fetch, hostname: '127.0.0.1', port: free }),
  );
  return {
    url,
    reportUrl: (runId, language = 'en') => `${url}/runs/${encodeURIComponent(runId)}/${language}`,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
};

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #d8dee4}
@media (prefers-color-scheme:dark){body{background:#111418;color:#e6e9ed}a{color:#8ab4f8}th,td{border-color:#30363d}}`;
