import type { MailLanguage } from '#shared/domain/mail-text.ts';
import { type Policy, SCALE_OF_QUESTION } from '#shared/domain/policy.ts';
import type { Desk } from '#shared/domain/staff.ts';
import { type StaffMailKey, staffMailText } from '#shared/domain/staff-mail-text.ts';
import type { CaseNotice, CustomerCase } from '#shared/ports/case-store.ts';
import { type ActionRowText, actionCsv, actionRowText, servicePlansOf } from './action-list-text.ts';
import { ACTION_SECTIONS, type ActionList, actionsIn } from './action-lists.ts';
import type { ComposedMail, MailIdentity } from './compose-mail.ts';
import { escapeHtml, heading, MAIL_COLOURS, mailLayout, paragraph } from './mail/mail-layout.ts';
import { buildMimeMessage, type MimeMessage } from './mail/mime-message.ts';

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
    ['case.score', about.score === null ? '–' : say('case.score.of', { score: String(about.score), from, to })],
    ['case.priority', say(`case.priority.${about.priority}`)],
    ['case.opened', values.opened],
    ['case.due', values.due],
    ...(taken === undefined ? [] : [['case.taken', taken] as const]),
  ];
  return composeStaffMail(input, {
    subject: say(`case.subject.${kind}`, values),
    preheader: `${about.priority === 'high' ? `${say('case.priority')}${colonOf(input.language)}${say('case.priority.high')}, ` : ''}${say(`case.reason.${about.reason}`)}, ${say('case.due')}: ${values.due}`,
    intro: [isOwner || kind === 'escalated' ? say(`case.intro.${kind}`, values) : say('case.passOn', { owner })],
    body: factsBody(
      rows.map(([key, value]) => [say(key), value] as const),
      input.language,
    ),
    commands: [
      [say('case.command.look'), `resegment case show ${about.caseId}`],
      [say('case.command.take'), `resegment case take ${about.caseId}${taken === undefined ? '' : ' --over'}`],
      [say('case.command.close'), `resegment case close ${about.caseId} --outcome solved --note "…"`],
    ],
    next: say('case.next'),
    after: [say('case.privacy')],
  });
};

export interface ActionListMailInput extends StaffMailFrame {
  readonly runId: string;
  readonly asOf: string;
  readonly list: ActionList;
  readonly policy: Policy;
}

/** Rows of each part of a list in the mail itself; the attached file has those that the list has. */
const ROWS_IN_MAIL = 8;

/**
 * Composes the mail with an action list: the first of each part, their service plans, the commands, and the list as a CSV file.
 * It names customers by id; no addresses, no comments.
 *
 * @throws PoisonError `address-malformed` where the recipient's address cannot be used
 */
export const composeActionList = (input: ActionListMailInput): Promise<ComposedMail> => {
  const { language, list, policy, runId } = input;
  const say = sayIn(input);
  const time = timeIn(input);
  const count = actionsIn(list);
  const date = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : 'zh-CN', {
    dateStyle: 'long',
    timeZone: 'UTC',
  }).format(new Date(`${input.asOf}T00:00:00Z`));
  const { kind, name } = list.desk;
  const subject =
    kind === 'branch' ? 'actions.subject.branch' : kind === 'central' ? 'actions.subject.central' : 'actions.subject';
  const parts = ACTION_SECTIONS.flatMap((section) => {
    const { total, rows } = list.sections[section];
    if (total === 0) return [];
    const shown = rows.slice(0, ROWS_IN_MAIL).map((row) => {
      const text = actionRowText(row, policy, language);
      const due = text.due === '' ? '' : say('actions.due', { due: time(text.due) });
      return { ...text, why: [due, text.why].filter((one) => one !== '').join(language === 'en' ? '; ' : '；') };
    });
    const more = total > shown.length ? say('actions.more', { count: String(total - shown.length) }) : undefined;
    return [{ title: say('actions.count', { section: say(`actions.${section}`), count: String(total) }), shown, more }];
  });
  const plans = servicePlansOf(list, policy, language);
  const withManager = kind !== 'manager';
  const desk = kind === 'manager' ? ` --manager ${quoted(name)}` : kind === 'branch' ? ` --branch ${quoted(name)}` : '';
  const first = ACTION_SECTIONS.flatMap((section) => list.sections[section].rows)[0]?.customerId ?? '';
  return composeStaffMail(input, {
    subject: say(subject, { count: String(count), date, name }),
    preheader: parts.map(({ title }) => title).join(', '),
    intro: [say('actions.intro', { run: runId })],
    body: {
      html: [
        ...parts.map(
          ({ title, shown, more }) =>
            `${heading(title)}${actionTable(shown, withManager)}${more === undefined ? '' : paragraph(more)}`,
        ),
        ...(plans.length === 0 ? [] : [heading(say('actions.plans')), ...plans.map(planParagraph)]),
      ].join('\n'),
      text: [
        ...parts.map(({ title, shown, more }) =>
          [
            title,
            ...shown.map(
              (row) =>
                `  ${[row.customer, withManager ? row.manager : '', row.segment, row.atStake, row.why]
                  .map(oneLine)
                  .filter((one) => one !== '')
                  .join(' | ')}`,
            ),
            ...(more === undefined ? [] : [`  ${more}`]),
          ].join('\n'),
        ),
        ...(plans.length === 0
          ? []
          : [
              [
                say('actions.plans'),
                ...plans.map(({ segment, plan }) => `  ${segment}${colonOf(language)}${oneLine(plan)}`),
              ].join('\n'),
            ]),
      ].join('\n\n'),
    },
    next: say('case.next'),
    commands: [
      [say('actions.command.list'), `resegment action list${desk} --run ${runId}`],
      [say('actions.command.explain'), `resegment explain ${quoted(first)}`],
      ...(list.sections.proposals.total === 0
        ? []
        : [[say('actions.command.flag'), `resegment flag list${desk}`] as const]),
    ],
    after: [],
    attachments: [
      {
        fileName: `actions-${runId.replace(/[^\w.-]+/gu, '-')}.csv`,
        contentType: 'text/csv; charset=utf-8',
        content: actionCsv([list], policy, language, { bom: true }),
      },
    ],
  });
};

const actionTable = (rows: readonly ActionRowText[], withManager: boolean): string => {
  const { line, soft } = MAIL_COLOURS.light;
  const cell = `padding:6px 10px 6px 0;border-bottom:1px solid ${line};text-align:left;vertical-align:top;overflow-wrap:anywhere`;
  const small = (text: string): string =>
    text === ''
      ? ''
      : `<br><span class="soft" style="color:${soft};font-size:13px">${escapeHtml(oneLine(text))}</span>`;
  const body = rows
    .map(
      (row) =>
        `<tr><td class="line" width="38%" style="${cell}">${escapeHtml(oneLine(row.customer))}${small(row.segment)}${withManager ? small(row.manager) : ''}</td><td class="line" style="${cell}">${escapeHtml(oneLine(row.why))}</td><td class="line" style="${cell};text-align:right;padding-right:0;white-space:nowrap">${escapeHtml(row.atStake)}</td></tr>`,
    )
    .join('');
  return `<table width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 8px;font-size:15px">${body}</table>`;
};

const planParagraph = ({ segment, plan }: { readonly segment: string; readonly plan: string }): string =>
  `<p style="margin:0 0 12px;font-size:15px"><strong>${escapeHtml(segment)}</strong><br>${escapeHtml(oneLine(plan))}</p>`;

/** A value as one word of a command line. */
const quoted = (text: string): string =>
  /^[\p{L}\p{N}_.-]+$/u.test(text) ? text : `'${oneLine(text).replaceAll("'", "'\\''")}'`;

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
  /** Between the intro and what to do. */
  readonly body: { readonly html: string; readonly text: string };
  readonly attachments?: MimeMessage['attachments'];
  readonly preheader: string;
  readonly intro: readonly string[];
  readonly next: string;
  readonly commands: readonly (readonly [label: string, command: string])[];
  readonly after: readonly string[];
}

const composeStaffMail = async (frame: StaffMailFrame, content: StaffMailContent): Promise<ComposedMail> => {
  const { language, sender } = frame;
  const { subject, body } = content;
  const options = frame.commandOptions === '' ? '' : ` ${frame.commandOptions}`;
  const commands = content.commands.map(([label, command]) => [label, `${command}${options}`] as const);
  const footer = staffMailText(language, 'footer', { company: sender.company });
  const colon = colonOf(language);
  const text = [
    ...content.intro,
    body.text,
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
      body.html,
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
    ...(content.attachments === undefined ? {} : { attachments: content.attachments }),
  });
  return { raw, subject, html, text };
};

type Facts = readonly (readonly [label: string, value: string])[];

const factsBody = (facts: Facts, language: MailLanguage): StaffMailContent['body'] => ({
  html: factTable(facts),
  text: facts.map(([label, value]) => `${label}${colonOf(language)}${oneLine(value)}`).join('\n'),
});

const colonOf = (language: MailLanguage): string => (language === 'en' ? ': ' : '：');

const factTable = (facts: Facts): string => {
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
