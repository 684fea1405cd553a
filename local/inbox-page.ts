import { html, raw } from 'hono/html';
import type { MailEnvelope } from './mail-server.ts';

type Markup = ReturnType<typeof html>;

const PAGE_SIZE = 100;

/** Headers of the inbox's own pages: no script, nothing from elsewhere, frames only from itself. */
export const INBOX_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/** Headers of a mail's HTML in the frame: a sandbox that can open links in a new tab and do nothing else. */
export const MAIL_BODY_HEADERS: Readonly<Record<string, string>> = {
  ...INBOX_HEADERS,
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'self'; form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox",
};

/** The list of mails, newest first, 100 a page. */
export const inboxPage = ({
  mails,
  query,
  page,
}: {
  readonly mails: readonly MailEnvelope[];
  readonly query: string;
  readonly page: number;
}): Markup => {
  const pages = Math.max(1, Math.ceil(mails.length / PAGE_SIZE));
  const current = Math.min(page, pages);
  const shown = mails.slice((current - 1) * PAGE_SIZE, current * PAGE_SIZE);
  const at = (number: number): string => `/?${new URLSearchParams({ to: query, page: String(number) })}`;
  const empty =
    query === ''
      ? 'No mail yet. Mails appear here when a survey wave sends them.'
      : `No mail to an address with “${query}”.`;
  return layout(
    'Inbox',
    html`<form class="search" method="get" action="/" role="search">
        <label for="to">Recipient</label>
        <input id="to" name="to" type="search" value="${query}" placeholder="name@example.com" autocomplete="off" spellcheck="false">
        <button>Search</button>${query === '' ? '' : html` <a href="/">Show all</a>`}
      </form>
      <p class="count">${mails.length === 1 ? '1 mail' : `${mails.length.toLocaleString('en')} mails`}${query === '' ? '' : ` to “${query}”`}</p>
      ${
        shown.length === 0
          ? html`<p class="empty">${empty}</p>`
          : html`<table>
              <thead><tr><th scope="col">Sent</th><th scope="col">To</th><th scope="col">Subject</th><th scope="col">Language</th></tr></thead>
              <tbody>${shown.map(
                (mail) => html`<tr>
                  <td class="time"><time datetime="${mail.sentAt}">${readableTime(mail.sentAt)}</time></td>
                  <td class="to">${mail.to}</td>
                  <td class="subject"><a href="/mails/${mail.id}" lang="${mail.language}">${mail.subject === '' ? '(no subject)' : mail.subject}</a></td>
                  <td>${LANGUAGE_NAMES[mail.language] ?? mail.language}</td>
                </tr>`,
              )}</tbody>
            </table>`
      }
      ${
        pages === 1
          ? ''
          : html`<nav class="pages" aria-label="Pages">${current > 1 ? html`<a href="${at(current - 1)}">Newer</a>` : ''}
              <span>Page ${current} of ${pages}</span>${current < pages ? html`<a href="${at(current + 1)}">Older</a>` : ''}</nav>`
      }`,
  );
};

/** One mail: who, when, then its HTML in a sandboxed frame, its plain text or its headers. */
export const mailPage = ({
  mail,
  view,
  text,
  headers,
}: {
  readonly mail: MailEnvelope;
  readonly view: 'html' | 'text' | 'headers';
  readonly text: string;
  readonly headers: readonly { readonly originalKey: string; readonly value: string }[];
}): Markup => {
  const tab = (name: typeof view, label: string): Markup =>
    html`<a href="/mails/${mail.id}${name === 'html' ? '' : `?view=${name}`}" ${name === view ? raw('aria-current="page"') : ''}>${label}</a>`;
  return layout(
    mail.subject,
    html`<p><a href="/">← All mails</a></p>
      <h2 lang="${mail.language}">${mail.subject === '' ? '(no subject)' : mail.subject}</h2>
      <dl>
        <dt>From</dt><dd>${mail.source}</dd>
        <dt>To</dt><dd><a href="/?${new URLSearchParams({ to: mail.to })}">${mail.to}</a></dd>
        <dt>Sent</dt><dd><time datetime="${mail.sentAt}">${readableTime(mail.sentAt)}</time></dd>
        <dt>Tags</dt><dd>${Object.entries(mail.tags).map(([name, value]) => html`<code>${name}=${value}</code> `)}</dd>
        <dt>Message id</dt><dd><code>${mail.messageId}</code></dd>
      </dl>
      <nav class="tabs" aria-label="Views of this mail">${tab('html', 'HTML')}${tab('text', 'Plain text')}${tab('headers', 'Headers')}
        <a class="download" href="/mails/${mail.id}.eml">Download .eml (${Math.ceil(mail.bytes / 1024)} kB)</a></nav>
      ${
        view === 'html'
          ? html`<iframe src="/mails/${mail.id}/html" title="The mail as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>`
          : view === 'text'
            ? html`<pre lang="${mail.language}">${text}</pre>`
            : html`<table class="headers"><tbody>${headers.map((header) => html`<tr><th scope="row">${header.originalKey}</th><td>${header.value}</td></tr>`)}</tbody></table>`
      }`,
  );
};

/** The mail's own HTML, with links set to open in a new tab. Safe only together with {@link MAIL_BODY_HEADERS}. */
export const mailBody = (body: string): string => {
  const base = '<base target="_blank">';
  if (body === '') return `<!doctype html><meta charset="utf-8">${base}<p>This mail has no HTML part.</p>`;
  return /<head[^>]*>/iu.test(body) ? body.replace(/<head[^>]*>/iu, (head) => head + base) : base + body;
};

export const notFoundPage = (): Markup =>
  layout('Not found', html`<p>There is no such mail. <a href="/">All mails</a></p>`);

const LANGUAGE_NAMES: Readonly<Record<string, string>> = { 'zh-CN': '中文', en: 'English' };

/** `2026-05-03 08:15 UTC`: the business time at which the mail was accepted. */
const readableTime = (instant: string): string => `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;

const layout = (title: string, content: Markup): Markup =>
  html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} · local inbox</title>
    <meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><style>${raw(STYLE)}</style></head>
    <body><header><h1><a href="/">Local inbox</a></h1>
    <p>Mails of this machine’s Resegment. Nothing here was sent to anybody.</p></header><main>${content}</main></body></html>`;

const STYLE = `:root{color-scheme:light dark;--ink:#1a2129;--soft:#566270;--line:#dbe1e7;--page:#f5f7f9;--card:#fff;--link:#0b5cad;--accent:#0f4c5c}
@media (prefers-color-scheme:dark){:root{--ink:#e5e9ee;--soft:#a3afbb;--line:#343d47;--page:#12161b;--card:#1b2128;--link:#86bdf5;--accent:#2f8296}}
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,-apple-system,"Segoe UI","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;color:var(--ink);background:var(--page)}
a{color:var(--link)}header{background:var(--card);border-bottom:1px solid var(--line);border-top:4px solid var(--accent);padding:.9rem max(1rem,calc(50vw - 34rem))}
header h1{font-size:1.2rem;margin:0}header h1 a{color:inherit;text-decoration:none}header p{margin:0;color:var(--soft)}
main{max-width:70rem;margin:0 auto;padding:1.2rem 1rem 3rem}h2{font-size:1.5rem;line-height:1.3;margin:.4rem 0 .8rem}
.search{display:flex;gap:.6rem;align-items:center;flex-wrap:wrap}.search input{flex:1 1 16rem;max-width:28rem;font:inherit;color:inherit;background:var(--card);padding:.45rem .7rem;border:1px solid var(--soft);border-radius:6px}
button{font:inherit;color:#fff;background:#0f4c5c;border:0;border-radius:6px;padding:.5rem 1rem;cursor:pointer}
.count{color:var(--soft);margin:.8rem 0 .4rem}.empty{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:2rem;text-align:center;color:var(--soft)}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:8px}
th,td{text-align:left;padding:.55rem .8rem;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}thead th{color:var(--soft);font-size:.85rem;border-top:0}
tbody tr:hover{background:color-mix(in srgb,var(--link) 7%,transparent)}.time{white-space:nowrap;color:var(--soft);font-variant-numeric:tabular-nums}.headers{table-layout:fixed}.headers th{width:14rem;font-weight:600}.subject{width:55%}
.pages,.tabs{display:flex;gap:1rem;align-items:center;flex-wrap:wrap;margin:1rem 0}.tabs{margin:1rem 0 0;gap:.2rem;border-bottom:1px solid var(--line)}
.tabs a{padding:.5rem .9rem;text-decoration:none}.tabs a[aria-current]{border-bottom:3px solid var(--accent);color:var(--ink);font-weight:600}.tabs .download{margin-left:auto}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}code{font-size:.9em}
iframe{width:100%;height:75vh;min-height:30rem;border:1px solid var(--line);border-top:0;background:#fff}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--card);border:1px solid var(--line);border-top:0;margin:0;padding:1.2rem;font-size:.95rem}
@media (max-width:40rem){thead{display:none}tbody tr{display:block;padding:.5rem 0;border-top:1px solid var(--line)}tbody td,tbody th{display:block;border:0;padding:.1rem .8rem}td.subject{width:auto;overflow-wrap:anywhere}dl{grid-template-columns:1fr}dt{margin-top:.4rem}}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}`;
