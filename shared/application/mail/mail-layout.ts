import type { MailLanguage } from '#shared/domain/mail-text.ts';

/** Colours of the mails; every text pair has a contrast of at least 4.5. */
export const MAIL_COLOURS = {
  light: {
    page: '#eef1f4',
    card: '#ffffff',
    ink: '#1a2129',
    soft: '#4d5965',
    link: '#0b5566',
    tile: '#e3f0f3',
    tileInk: '#0b3d4a',
    line: '#cfd7de',
  },
  dark: {
    page: '#12161b',
    card: '#1b2128',
    ink: '#e6eaee',
    soft: '#b4bec8',
    link: '#8fd0e0',
    tile: '#243c45',
    tileInk: '#e9f6f9',
    line: '#3a444e',
  },
} as const;

export const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

const FONTS: Readonly<Record<MailLanguage, string>> = {
  en: "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif",
  'zh-CN': "'PingFang SC','Microsoft YaHei','Noto Sans SC','Noto Sans CJK SC',-apple-system,sans-serif",
};

/**
 * The frame of every mail: one table of at most 600 pixels, light and dark, without anything remote. Colours are inline
 * for programs that drop the style block; the block turns them dark and narrows the margins.
 *
 * @param content rows that are already HTML; `title` and `preheader` are plain text
 */
export const mailLayout = ({
  language,
  title,
  preheader,
  card,
  footer,
}: {
  readonly language: MailLanguage;
  readonly title: string;
  readonly preheader: string;
  readonly card: string;
  readonly footer: string;
}): string => {
  const { light, dark } = MAIL_COLOURS;
  return `<!doctype html>
<html lang="${language}" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no">
<title>${escapeHtml(title)}</title>
<style>
:root{color-scheme:light dark;supported-color-schemes:light dark}
body{margin:0;padding:0;-webkit-text-size-adjust:100%}
a:focus{outline:3px solid ${light.link};outline-offset:2px}
@media (max-width:480px){.pad{padding-left:16px!important;padding-right:16px!important}}
@media (prefers-color-scheme:dark){
.page{background:${dark.page}!important}.card{background:${dark.card}!important}
.ink{color:${dark.ink}!important}.soft{color:${dark.soft}!important}.link{color:${dark.link}!important}
.tile{background:${dark.tile}!important;color:${dark.tileInk}!important;border-color:${dark.link}!important}
.line{border-color:${dark.line}!important}.top{border-color:${dark.link}!important}a:focus{outline-color:${dark.link}}
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:${light.page}">
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">${escapeHtml(preheader)}</div>
<div lang="${language}" role="article" aria-label="${escapeHtml(title)}">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:${light.page}"><tr><td align="center" style="padding:16px 0">
<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0"><tr><td><![endif]-->
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;font-family:${FONTS[language]};font-size:16px;line-height:1.6;text-align:left">
<tr><td class="card pad ink top" style="background:${light.card};color:${light.ink};padding:28px 32px;border-top:4px solid ${light.link}">
${card}
</td></tr>
<tr><td class="pad soft" style="padding:20px 32px;color:${light.soft};font-size:14px;line-height:1.6">
${footer}
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></table>
</div>
</body>
</html>
`;
};

/** A paragraph; the text is plain. */
export const paragraph = (text: string, style = ''): string =>
  `<p style="margin:0 0 14px;${style}">${escapeHtml(text)}</p>`;

/** A small heading; the text is plain. */
export const heading = (text: string): string =>
  `<h2 style="margin:22px 0 6px;font-size:16px;line-height:1.4">${escapeHtml(text)}</h2>`;

/** A text link; label plain, address checked by the caller. @param language of the label, where it is not the mail's */
export const textLink = (href: string, label: string, language?: MailLanguage): string => {
  const lang = language === undefined ? '' : ` lang="${language}" hreflang="${language}"`;
  return `<a class="link" href="${escapeHtml(href)}"${lang} target="_blank" rel="noopener noreferrer" style="color:${MAIL_COLOURS.light.link};text-decoration:underline">${escapeHtml(label)}</a>`;
};
