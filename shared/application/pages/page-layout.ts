import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { SurveyIdentity } from '#shared/contracts/survey.ts';
import type { SurveyLanguage } from '#shared/domain/contact-policy.ts';
import { pageText } from './page-text.ts';

/** The company as customers know it, and where they can write to. */
export type CompanyIdentity = Pick<SurveyIdentity, 'company' | 'postalAddress' | 'replyToAddress' | 'legalNotice'>;

/** A piece of a page whose texts are escaped. */
export type Markup = ReturnType<typeof html>;

const STYLE = `
:root{color-scheme:light dark;--page:#eef1f4;--card:#fff;--ink:#1a2129;--soft:#4d5965;--line:#7d8b98;--accent:#0b5566;--on:#fff;--warn:#8a1f11}
@media (prefers-color-scheme:dark){:root{--page:#12161b;--card:#1c232b;--ink:#eef2f5;--soft:#b4c0cb;--line:#74828f;--accent:#7fd0e2;--on:#0c1a1f;--warn:#ffb3a6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI","PingFang SC","Microsoft YaHei","Noto Sans SC",sans-serif}
header,main,footer{max-width:40rem;margin:0 auto;padding:.75rem 1rem}
header{display:flex;justify-content:space-between;gap:1rem;align-items:center}
header strong{font-size:1.05rem}
main{background:var(--card);border-radius:.75rem;padding:1.25rem 1rem}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .75rem}
h2{font-size:1.1rem;line-height:1.4;margin:1.25rem 0 .35rem}
p{margin:0 0 1rem}
a{color:var(--accent)}
header a,.link{display:inline-block;padding:.6rem 0;min-height:2.75rem}
header button{flex:none;padding:.6rem 0;background:none;color:var(--accent);font-weight:400;text-decoration:underline}
fieldset{border:0;margin:0 0 1.25rem;padding:0;min-width:0}
legend,.label{font-weight:600;padding:0;margin:0 0 .35rem;display:block}
.soft,footer{color:var(--soft);font-size:.9rem}
footer{overflow-wrap:anywhere}
.scale{display:flex;flex-wrap:wrap;gap:.25rem}
@media (max-width:24rem){.ces{max-width:12rem}}
.note{margin:.6rem 0 0}
main>:last-child,footer p{margin-bottom:0}
.scale label{position:relative}
.scale input{position:absolute;inset:0;width:100%;height:100%;margin:0;opacity:0;cursor:pointer}
.scale span{display:grid;place-items:center;width:2.75rem;height:2.75rem;border:1px solid var(--line);border-radius:.5rem;font-weight:600}
.scale input:checked+span{background:var(--accent);border-color:var(--accent);color:var(--on);text-decoration:underline}
.scale input:focus-visible+span,textarea:focus-visible,button:focus-visible,a:focus-visible,.choice input:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.choice{display:flex;gap:.6rem;align-items:center;min-height:2.75rem;cursor:pointer}
.choice input{flex:none;width:1.5rem;height:1.5rem;margin:0;accent-color:var(--accent)}
textarea{width:100%;min-height:6rem;padding:.6rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:.5rem}
button{font:inherit;font-weight:600;min-height:2.75rem;padding:.6rem 1.6rem;border:0;border-radius:.5rem;background:var(--accent);color:var(--on);cursor:pointer}
button.quiet{background:transparent;color:var(--accent);border:1px solid var(--accent)}
.problem{border-left:.3rem solid var(--warn);padding:.5rem .75rem;color:var(--warn);font-weight:600}
.problem a{color:inherit}
.said{border-left:.3rem solid var(--line);padding:.1rem .75rem;white-space:pre-wrap;overflow-wrap:anywhere}
.away{position:absolute;left:-10000px;width:1px;height:1px;overflow:hidden}
@media (forced-colors:active){.scale input:checked+span{outline:3px solid Highlight}}
`.trim();

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Headers of every response: nothing is loaded, kept, framed, indexed, or told to others. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex, nofollow',
  'X-Frame-Options': 'DENY',
  'Strict-Transport-Security': 'max-age=31536000',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'interest-cohort=()',
};

/** How a page changes its language: a link that opens it again, or a button that sends what is in the form to be shown again. */
export type LanguageSwitch = { readonly link: string } | { readonly form: string; readonly action: string };

/** Name of the button that asks for a form in another language; a form with it is shown again and never stored. */
export const LANGUAGE_FIELD = 'language';

/**
 * A whole page.
 *
 * @param options `tabTitle` where the browser's tab says more than the heading; `languageSwitch` absent: the page stays as it is
 */
export const page = (
  {
    language,
    identity,
    title,
    tabTitle = title,
    languageSwitch,
  }: {
    readonly language: SurveyLanguage;
    readonly identity: CompanyIdentity;
    readonly title: string;
    readonly tabTitle?: string;
    readonly languageSwitch?: LanguageSwitch | undefined;
  },
  body: Markup,
): Markup =>
  html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta name="format-detection" content="telephone=no">
<title>${tabTitle} · ${identity.company[language]}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header><strong>${identity.company[language]}</strong>${languageSwitch === undefined ? '' : switchOf(languageSwitch, language)}</header>
<main>
<h1>${title}</h1>
${body}
</main>
<footer><p>${identity.company[language]}<br>${identity.postalAddress[language]}<br>${identity.replyToAddress}</p>${identity.legalNotice === undefined ? '' : html`<p>${identity.legalNotice[language]}</p>`}</footer>
</body>
</html>`;

/**
 * The first button of a form is the one that Enter presses, so a hidden twin of "Send" stands before the switch. The company's
 * name and the switch are outside the form; the attribute `form` ties them to it.
 */
const switchOf = (way: LanguageSwitch, language: SurveyLanguage): Markup => {
  const other: SurveyLanguage = language === 'en' ? 'zh-CN' : 'en';
  const name = pageText(language, 'otherLanguage');
  if ('link' in way) {
    const href = `${way.link}${way.link.includes('?') ? '&' : '?'}lang=${other}`;
    return html`<a href="${href}" lang="${other}" hreflang="${other}">${name}</a>`;
  }
  return html`<button class="away" type="submit" form="${way.form}" tabindex="-1" aria-hidden="true"></button><button type="submit" form="${way.form}" formaction="${way.action}?lang=${other}" formnovalidate name="${LANGUAGE_FIELD}" value="${other}" lang="${other}">${name}</button>`;
};
