import type { MailLanguage } from '#shared/domain/mail-text.ts';
import { SCALE_OF_QUESTION } from '#shared/domain/policy.ts';
import type { Desk } from '#shared/domain/staff.ts';
import { type StaffMailKey, staffMailText } from '#shared/domain/staff-mail-text.ts';
import type { CaseNotice, CustomerCase } from '#shared/ports/case-store.ts';
import type { ComposedMail, MailIdentity } from './compose-mail.ts';
import { escapeHtml, heading, MAIL_COLOURS, mailLayout, paragraph } from './mail/mail-layout.ts';
import { buildMimeMessage } from './mail/mime-message.ts';

/** Who a mail to the staff is from and for. */
export interface StaffMailFrame {
  readonly language: MailLanguage;
  /** The name may be empty. */
  readonly to: { readonly name: string; readonly address: string };
  readonly sender: MailIdentity;
  readonly replyTo: string;
  /** What the commands in the mail need to find the stage, such as `--target aws --stage prod`; empty on the local stack. */
  readonly commandOptions: string;
  /** IANA name; times are shown in it. */
  readonly timeZone: string;
}

export interface CaseNoticeInput extends StaffMailFrame {
  readonly kind: CaseNotice['kind'];
  readonly about: CustomerCase;
  /** The segment in the language of the mail. */
  readonly segment: string;
  /** Whether the reader is the one who has the case, or stands in for somebody without an address. */
  readonly isOwner: boolean;
}

/**
 * Composes the mail about a case: whose it is, by when, why, and the commands. What the customer wrote is left out: mails are
 * forwarded and kept, and the comment is in the tool.
 *
 * @throws PoisonError `address-malformed` where the recipient's address cannot be used
 */
export const composeCaseNotice = (input: CaseNoticeInput): Promise<ComposedMail> => {
  const { kind, about, isOwner } = input;
  const say = sayIn(input);
  const time = timeIn(input);
  const owner = deskText(about.owner, say);
  const values = { due: time(about.dueAt), opened: time(about.openedAt), owner };
  const [from = '', to = ''] = SCALE_OF_QUESTION[about.question].split('-');
  const taken = about.state === 'taken' ? about.history.findLast((one) => one.event === 'taken')?.by : undefined;
  const rows: readonly (readonly [StaffMailKey, string])[] = [
    ['case.customer', about.customerId],
    ['case.segment', input.segment],
    ['case.branch', about.branch ?? '–'],
    ['case.manager', about.manager ?? '–'],
    ['case.reason', say(`case.reason.${about.reason}`)],
    ['case.score', say('case.score.of', { score: String(about.score), from, to })],
    ['case.priority', say(`case.priority.${about.priority}`)],
    ['case.opened', values.opened],
    ['case.due', values.due],
    ...(taken === undefined ? [] : [['case.taken', taken] as const]),
  ];
  return composeStaffMail(input, {
    subject: say(`case.subject.${kind}`, values),
    preheader: `${say(`case.reason.${about.reason}`)}, ${say('case.due')}: ${values.due}`,
    intro: [isOwner || kind === 'escalated' ? say(`case.intro.${kind}`, values) : say('case.passOn', { owner })],
    facts: rows.map(([key, value]) => [say(key), value] as const),
    commands: [
      [say('case.command.look'), `resegment case show ${about.caseId}`],
      [say('case.command.take'), `resegment case take ${about.caseId}${taken === undefined ? '' : ' --over'}`],
      [say('case.command.close'), `resegment case close ${about.caseId} --outcome solved --note "…"`],
    ],
    next: say('case.next'),
    after: [say('case.privacy')],
  });
};

/** A desk in words, such as `branch Pudong`. */
const deskText = (desk: Desk, say: Say): string =>
  desk.kind === 'central'
    ? say('case.desk.central')
    : desk.kind === 'branch'
      ? say('case.desk.branch', { name: desk.name })
      : desk.name;

type Say = (key: StaffMailKey, values?: Readonly<Record<string, string>>) => string;

const sayIn =
  ({ language, sender }: StaffMailFrame): Say =>
  (key, values = {}) =>
    staffMailText(language, key, { company: sender.company, ...values });

/** `3 Nov 2026, 16:00` or `2026年11月3日 16:00`, in the time zone of the stage. */
const timeIn = ({ language, timeZone }: StaffMailFrame): ((instant: string) => string) => {
  const format = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : 'zh-CN', {
    dateStyle: language === 'en' ? 'medium' : 'long',
    timeStyle: 'short',
    timeZone,
  });
  return (instant) => format.format(new Date(instant));
};

interface StaffMailContent {
  readonly subject: string;
  readonly preheader: string;
  readonly intro: readonly string[];
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly next: string;
  readonly commands: readonly (readonly [label: string, command: string])[];
  readonly after: readonly string[];
}

const composeStaffMail = async (frame: StaffMailFrame, content: StaffMailContent): Promise<ComposedMail> => {
  const { language, sender } = frame;
  const { subject, facts } = content;
  const options = frame.commandOptions === '' ? '' : ` ${frame.commandOptions}`;
  const commands = content.commands.map(([label, command]) => [label, `${command}${options}`] as const);
  const footer = staffMailText(language, 'footer', { company: sender.company });
  const colon = language === 'en' ? ': ' : '：';
  const text = [
    ...content.intro,
    facts.map(([label, value]) => `${label}${colon}${oneLine(value)}`).join('\n'),
    [content.next, ...commands.map(([label, command]) => `${label}${colon}\n  ${command}`)].join('\n'),
    ...content.after,
    '-- ',
    [footer, sender.postalAddress].join('\n'),
    '',
  ].join('\n\n');
  const html = mailLayout({
    language,
    title: subject,
    preheader: content.preheader,
    card: [
      ...content.intro.map((one) => paragraph(one)),
      factTable(facts),
      heading(content.next),
      ...commands.map(
        ([label, command]) => `<p style="margin:0 0 12px">${escapeHtml(label)}<br>${commandTile(command)}</p>`,
      ),
      ...content.after.map((one) => paragraph(one)),
    ].join('\n'),
    footer: footerHtml(footer, sender),
  });
  const raw = await buildMimeMessage({
    from: { name: sender.company, address: sender.address },
    to: frame.to,
    replyTo: frame.replyTo,
    subject,
    language,
    text,
    html,
  });
  return { raw, subject, html, text };
};

const factTable = (facts: StaffMailContent['facts']): string => {
  const cell = `padding:5px 14px 5px 0;border-bottom:1px solid ${MAIL_COLOURS.light.line};text-align:left;vertical-align:top`;
  const rows = facts
    .map(
      ([label, value]) =>
        `<tr><th scope="row" class="line soft" style="${cell};color:${MAIL_COLOURS.light.soft};font-weight:normal;white-space:nowrap">${escapeHtml(label)}</th><td class="line" style="${cell};overflow-wrap:anywhere">${escapeHtml(oneLine(value))}</td></tr>`,
    )
    .join('');
  return `<table width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 14px;font-size:15px">${rows}</table>`;
};

const commandTile = (command: string): string =>
  `<code class="tile" style="display:block;margin-top:2px;padding:8px 10px;background:${MAIL_COLOURS.light.tile};color:${MAIL_COLOURS.light.tileInk};font-size:14px;overflow-wrap:anywhere">${escapeHtml(command)}</code>`;

const footerHtml = (footer: string, sender: MailIdentity): string =>
  `<p style="margin:0">${escapeHtml(footer)}<br>${sender.postalAddress.split('\n').map(escapeHtml).join('<br>')}</p>`;

/** Values of files stay on their line. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
