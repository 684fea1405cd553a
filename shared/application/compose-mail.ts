import type { IsoDate } from '#shared/domain/calendar.ts';
import { type MailLanguage, type MailTextKey, mailText } from '#shared/domain/mail-text.ts';
import { type QuestionKind, SCALE_OF_QUESTION } from '#shared/domain/policy.ts';
import { escapeHtml, heading, MAIL_COLOURS, mailLayout, paragraph, textLink } from './mail/mail-layout.ts';
import { buildMimeMessage, safeLink, shortened } from './mail/mime-message.ts';

/** A mail ready for the mail service, with its parts for tests, previews and logs of lengths. */
export interface ComposedMail {
  readonly raw: Uint8Array;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

/** Who a mail is from, as the law wants it. */
export interface MailIdentity {
  /** The company's name in the mail's language. */
  readonly company: string;
  /** A verified address of the company's own domain. */
  readonly address: string;
  /** Where the company can be reached by post. */
  readonly postalAddress: string;
}

export interface SurveyMailInput {
  readonly kind: 'invitation' | 'reminder';
  readonly language: MailLanguage;
  readonly question: QuestionKind;
  /** The name may be empty: the greeting does without. */
  readonly recipient: { readonly name: string; readonly address: string };
  readonly sender: MailIdentity;
  /** Who signs: manager and branch where known, else the company. */
  readonly signatory: { readonly manager?: string; readonly branch?: string };
  /** A monitored mailbox. */
  readonly replyTo: string;
  /** Last day on which an answer counts. */
  readonly closingDate: IsoDate;
  /** How long answering takes, whole minutes; 1 by default. */
  readonly minutes?: number;
  readonly links: {
    /** The page with a score chosen but not sent. */
    score(score: number): string;
    readonly page: string;
    /** The page in the other language. */
    readonly otherLanguage: string;
    readonly unsubscribe: string;
  };
  /** How a reader can check that the mail is genuine, in the mail's language: a number to call, a page to visit. */
  readonly howToVerify: string;
}

/**
 * Composes an invitation or a reminder: one question, its scale as links, and all that a reader needs to trust it.
 *
 * @throws PoisonError `address-malformed` where the recipient's address cannot be used
 * @throws PermanentError `link-not-https` where a link leaves the company's pages unprotected
 */
export const composeSurveyMail = async (input: SurveyMailInput): Promise<ComposedMail> => {
  const content = surveyContent(input);
  const html = surveyHtml(content);
  const text = surveyText(content);
  const raw = await buildMimeMessage({
    from: { name: input.sender.company, address: input.sender.address },
    to: input.recipient,
    replyTo: input.replyTo,
    subject: content.subject,
    language: input.language,
    text,
    html,
    unsubscribe: content.unsubscribe,
  });
  return { raw, subject: content.subject, html, text };
};

/** Longest name of a person or branch in a mail, in characters. */
const LONGEST_NAME = 100;

const surveyContent = (input: SurveyMailInput) => {
  const { language, question } = input;
  const [from = 0, to = 0] = SCALE_OF_QUESTION[question].split('-').map(Number);
  const { company } = input.sender;
  const date = readableDate(language, input.closingDate);
  const count = input.minutes ?? 1;
  const minutes =
    count === 1 ? mailText(language, 'unit.minute') : mailText(language, 'unit.minutes', { count: String(count) });
  const say = (key: MailTextKey, more: Readonly<Record<string, string>> = {}): string =>
    mailText(language, key, { company, date, minutes, replyTo: input.replyTo, ...more });
  const low = say(`survey.low.${question}`);
  const high = say(`survey.high.${question}`);
  const ends = { from: String(from), to: String(to), low, high };
  const name = shortened(input.recipient.name.trim(), LONGEST_NAME);
  const other: MailLanguage = language === 'en' ? 'zh-CN' : 'en';
  const [manager, branch] = [input.signatory.manager, input.signatory.branch].map((one) =>
    one === undefined ? undefined : shortened(one, LONGEST_NAME),
  );
  return {
    language,
    company,
    say,
    subject: say(`survey.subject.${input.kind}`),
    preheader: say('survey.preheader'),
    greeting: name === '' ? say('survey.greeting.noName') : say('survey.greeting', { name }),
    intro: say(`survey.intro.${input.kind}`),
    question: say(`survey.question.${question}`),
    ends,
    scores: Array.from({ length: to - from + 1 }, (_, index) => ({
      score: from + index,
      link: safeLink(input.links.score(from + index)),
      name: say('survey.scoreName', { ...ends, score: String(from + index) }),
    })),
    page: safeLink(input.links.page),
    otherLanguage: {
      language: other,
      link: safeLink(input.links.otherLanguage),
      label: mailText(other, 'survey.inThisLanguage'),
      labelOfText: mailText(other, 'survey.inThisLanguage.text'),
    },
    unsubscribe: safeLink(input.links.unsubscribe),
    howToVerify: input.howToVerify,
    signature: [
      ...(manager === undefined
        ? []
        : [`${manager}${language === 'zh-CN' ? '，' : ', '}${say('survey.sign.manager')}`]),
      ...(branch === undefined ? [] : [branch]),
      company,
    ],
    replyTo: input.replyTo,
    postalAddress: input.sender.postalAddress,
  };
};

type SurveyContent = ReturnType<typeof surveyContent>;

const surveyHtml = (content: SurveyContent): string => {
  const { say } = content;
  const { light } = MAIL_COLOURS;
  const tiles = content.scores.map(
    (tile) => outlookOnly('<td width="44" height="44" align="center">') + scoreTile(tile) + outlookOnly('</td>'),
  );
  const { from, to, low, high } = content.ends;
  const card = [
    paragraph(content.greeting),
    paragraph(content.intro),
    `<h1 style="margin:22px 0 12px;font-size:20px;line-height:1.4">${escapeHtml(content.question)}</h1>`,
    outlookOnly('<table role="presentation" cellpadding="0" cellspacing="4"><tr>'),
    `<div style="font-size:0;line-height:0">${tiles.join('\n')}</div>`,
    outlookOnly('</tr></table>'),
    `<p class="soft" style="margin:2px 0 14px;color:${light.soft};font-size:14px">${escapeHtml(say('survey.scale', { from, to, low, high }))}</p>`,
    paragraph(say('survey.confirm')),
    `<p style="margin:0 0 14px">${textLink(content.page, say('survey.page'))}<br>${textLink(content.otherLanguage.link, content.otherLanguage.label, content.otherLanguage.language)}</p>`,
    paragraph(say('survey.closing'), 'font-weight:bold;'),
    heading(say('survey.use.title')),
    paragraph(
      [say('survey.use.linked'), say('survey.use.seen'), say('survey.use.affects')].join(gap(content.language)),
    ),
    heading(say('survey.trust.title')),
    paragraph([content.howToVerify, say('survey.trust.never')].join(gap(content.language))),
    paragraph([say('survey.trust.personal'), say('survey.trust.reply')].join(gap(content.language))),
    `<p style="margin:24px 0 0">${[say('survey.sign'), ...content.signature].map(escapeHtml).join('<br>')}</p>`,
  ].join('\n');
  const footer = [
    `<p style="margin:0 0 10px">${escapeHtml(say('survey.purpose'))}</p>`,
    `<p style="margin:0 0 10px">${textLink(content.unsubscribe, say('survey.unsubscribe'))}</p>`,
    `<p style="margin:0">${escapeHtml(content.company)}<br>${lines(content.postalAddress)}</p>`,
  ].join('\n');
  return mailLayout({ language: content.language, title: content.subject, preheader: content.preheader, card, footer });
};

const scoreTile = ({ score, link, name }: SurveyContent['scores'][number]): string => {
  const { light } = MAIL_COLOURS;
  return `<a class="tile" href="${escapeHtml(link)}" target="_blank" rel="noopener noreferrer" aria-label="${escapeHtml(name)}" style="display:inline-block;box-sizing:border-box;width:44px;height:44px;line-height:42px;margin:0 4px 8px 0;border:1px solid ${light.link};border-radius:6px;background:${light.tile};color:${light.tileInk};font-size:17px;font-weight:bold;text-align:center;text-decoration:none">${score}</a>`;
};

/** Outlook on Windows knows no inline blocks: it gets a table of one row around the tiles, which others take for a comment. */
const outlookOnly = (markup: string): string => `<!--[if mso]>${markup}<![endif]-->`;

const surveyText = (content: SurveyContent): string => {
  const { say } = content;
  const { from, to, low, high } = content.ends;
  return [
    content.greeting,
    content.intro,
    [content.question, say('survey.scale', { from, to, low, high })].join('\n'),
    [say('survey.page.text'), content.page, say('survey.confirm.text', { from, to })].join('\n'),
    [content.otherLanguage.labelOfText, content.otherLanguage.link].join('\n'),
    say('survey.closing'),
    [say('survey.use.title'), say('survey.use.linked'), say('survey.use.seen'), say('survey.use.affects')].join('\n'),
    [
      say('survey.trust.title'),
      content.howToVerify,
      say('survey.trust.never'),
      say('survey.trust.personal'),
      say('survey.trust.reply'),
    ].join('\n'),
    [say('survey.sign'), ...content.signature].join('\n'),
    '-- ',
    say('survey.purpose'),
    [say('survey.unsubscribe.text'), content.unsubscribe].join('\n'),
    [content.company, content.postalAddress].join('\n'),
    '',
  ].join('\n\n');
};

export const NOTICE_KINDS = ['runHeld', 'runFailed', 'runDegraded', 'waveHeld', 'staffReturned'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

export interface NoticeInput {
  readonly kind: NoticeKind;
  readonly language: MailLanguage;
  /** One operator's address. */
  readonly to: string;
  readonly sender: MailIdentity;
  readonly replyTo?: string;
  /** Run or wave. */
  readonly id: string;
  readonly asOf: IsoDate;
  /** Figures of what stopped it; empty where nothing was measured. */
  readonly brakes: readonly {
    readonly brake: string;
    readonly limit: number | string;
    readonly actual: number | string;
    readonly message: string;
  }[];
  /** Why it failed, where it did. */
  readonly error?: string;
  /** Commands to copy: look, go on, discard. Several of a kind are to be run one after the other. */
  readonly commands: Partial<Readonly<Record<'look' | 'goOn' | 'discard', string | readonly string[]>>>;
  /** Instant until when it can go on, where that ends. */
  readonly until?: string;
  readonly reportUrl?: string;
}

/** Composes a notice to one operator: what is held, the figures, and the commands to go on or to discard. */
export const composeNotice = async (input: NoticeInput): Promise<ComposedMail> => {
  const { language } = input;
  const say = (key: MailTextKey): string =>
    mailText(language, key, {
      company: input.sender.company,
      id: input.id,
      date: readableDate(language, input.asOf),
    });
  const subject = say(`notice.subject.${input.kind}`);
  const intro = say(`notice.intro.${input.kind}`);
  const commands = (['look', 'goOn', 'discard'] as const).flatMap((name) => {
    const given = input.commands[name] ?? [];
    const wanted = typeof given === 'string' ? [given] : given;
    return wanted.length === 0 ? [] : [{ label: say(`notice.command.${name}`), wanted }];
  });
  const report = input.reportUrl === undefined ? undefined : safeLink(input.reportUrl);
  const until = input.until === undefined ? undefined : `${say('notice.until')}: ${input.until}`;
  const rows = input.brakes.map((hit) => ({ ...hit, name: brakeName(language, hit.brake) }));
  const text = [
    intro,
    ...(input.error === undefined ? [] : [input.error]),
    ...rows.map((hit) =>
      [
        `${say('notice.brake')}: ${hit.name} (${hit.brake})`,
        `${say('notice.actual')}: ${figure(hit.brake, hit.actual)}`,
        `${say('notice.limit')}: ${figure(hit.brake, hit.limit)}`,
        `${say('notice.what')}: ${hit.message}`,
      ].join('\n'),
    ),
    ...(commands.length === 0
      ? []
      : [
          [
            say('notice.next'),
            ...commands.map(({ label, wanted }) => `${label}:\n${wanted.map((one) => `  ${one}`).join('\n')}`),
          ].join('\n'),
        ]),
    ...(until === undefined ? [] : [until]),
    ...(report === undefined ? [] : [`${say('notice.report')}: ${report}`]),
    '-- ',
    [say('notice.footer'), input.sender.postalAddress].join('\n'),
    '',
  ].join('\n\n');
  const html = mailLayout({
    language,
    title: subject,
    preheader: rows.map((hit) => `${hit.name}: ${figure(hit.brake, hit.actual)}`).join('; ') || intro,
    card: [
      paragraph(intro),
      ...(input.error === undefined ? [] : [paragraph(input.error)]),
      ...(rows.length === 0 ? [] : [noticeTable(rows, say)]),
      ...(commands.length === 0 ? [] : [heading(say('notice.next'))]),
      ...commands.map(
        ({ label, wanted }) =>
          `<p style="margin:0 0 12px">${escapeHtml(label)}<br>${wanted.map(commandTile).join('')}</p>`,
      ),
      ...(until === undefined ? [] : [paragraph(until)]),
      ...(report === undefined ? [] : [`<p style="margin:14px 0 0">${textLink(report, say('notice.report'))}</p>`]),
    ].join('\n'),
    footer: `<p style="margin:0">${escapeHtml(say('notice.footer'))}<br>${lines(input.sender.postalAddress)}</p>`,
  });
  const raw = await buildMimeMessage({
    from: { name: input.sender.company, address: input.sender.address },
    to: { name: '', address: input.to },
    replyTo: input.replyTo ?? input.sender.address,
    subject,
    language,
    text,
    html,
  });
  return { raw, subject, html, text };
};

const commandTile = (command: string): string =>
  `<code class="tile" style="display:block;margin-top:2px;padding:8px 10px;background:${MAIL_COLOURS.light.tile};color:${MAIL_COLOURS.light.tileInk};font-size:14px;overflow-wrap:anywhere">${escapeHtml(command)}</code>`;

const noticeTable = (
  rows: readonly (NoticeInput['brakes'][number] & { readonly name: string })[],
  say: (key: MailTextKey) => string,
): string => {
  const cell = `padding:6px 10px 6px 0;border-bottom:1px solid ${MAIL_COLOURS.light.line};text-align:left;vertical-align:top`;
  const head = (['notice.brake', 'notice.actual', 'notice.limit'] as const)
    .map((key) => `<th scope="col" class="line" style="${cell}">${escapeHtml(say(key))}</th>`)
    .join('');
  const body = rows
    .map(
      (hit) =>
        `<tr><td class="line" style="${cell}">${escapeHtml(hit.name)}<br><span class="soft" style="color:${MAIL_COLOURS.light.soft};font-size:14px">${escapeHtml(hit.message)}</span></td><td class="line" style="${cell}">${escapeHtml(figure(hit.brake, hit.actual))}</td><td class="line" style="${cell}">${escapeHtml(figure(hit.brake, hit.limit))}</td></tr>`,
    )
    .join('');
  return `<table width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 8px;font-size:15px"><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
};

const BRAKE_KEYS: ReadonlyMap<string, MailTextKey> = new Map([
  ['movedShare', 'brake.movedShare'],
  ['flagShare', 'brake.flagShare'],
  ['inputDropShare', 'brake.inputDropShare'],
  ['staleInputDays', 'brake.staleInputDays'],
  ['emptiedSegment', 'brake.emptiedSegment'],
  ['quarantineShare', 'brake.quarantineShare'],
  ['bounceShare', 'brake.bounceShare'],
  ['complaintShare', 'brake.complaintShare'],
  ['dailyQuota', 'brake.dailyQuota'],
  ['paused', 'brake.paused'],
]);

const brakeName = (language: MailLanguage, brake: string): string => {
  const key = BRAKE_KEYS.get(brake);
  return key === undefined ? brake : mailText(language, key);
};

/** Shares are shown in per cent with at most two decimals; the rest as it is. */
const figure = (brake: string, value: number | string): string =>
  typeof value === 'number' && brake.endsWith('Share') ? `${Math.round(value * 10_000) / 100} %` : String(value);

/** `3 May 2026` or `2026年5月3日`. */
const readableDate = (language: MailLanguage, date: IsoDate): string =>
  new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : 'zh-CN', { dateStyle: 'long', timeZone: 'UTC' }).format(
    new Date(`${date}T00:00:00Z`),
  );

/** Chinese sentences follow each other without a space. */
const gap = (language: MailLanguage): string => (language === 'zh-CN' ? '' : ' ');

const lines = (text: string): string => text.split('\n').map(escapeHtml).join('<br>');
