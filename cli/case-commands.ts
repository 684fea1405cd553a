import type { Command } from 'commander';
import { momentText } from '#shared/application/reader-frame.ts';
import { textTable } from '#shared/application/text-table.ts';
import { closeCase, escalationOf, notReachedFor, takeCase, unknownCase } from '#shared/application/work-case.ts';
import { minuteIn } from '#shared/domain/calendar.ts';
import { CASE_OUTCOMES } from '#shared/domain/case-outcomes.ts';
import { directoryOf, type StaffDirectory } from '#shared/domain/staff.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import { CASE_WORDS } from './case-words.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { csvOf, type ListOptions, withListOptions } from './list-options.ts';
import { namedPerson } from './named-person.ts';
import { pinnedUntil } from './pinned-until.ts';
import { segmentText } from './segment-text.ts';
import { activePolicy } from './show-commands.ts';
import { UsageError } from './usage-error.ts';

export const addCaseCommands = (program: Command, host: CommandHost): void => {
  const one = program.command('case').description('low answers that people work on');
  withListOptions(one.command('list'))
    .description('open cases, the first due first; --state open, taken, overdue or escalated')
    .addHelpText('after', '\nExample:\n  resegment case list --branch Pudong --csv\n')
    .action((options: ListOptions, command: Command) => onTarget(command, host, (context) => list(context, options)));

  one
    .command('show')
    .argument('<case>', 'id of a case, as case list has it')
    .description(
      'what the customer wrote, who has the case, by when, to whom it goes then, who was mailed, and its history',
    )
    .addHelpText('after', '\nExample:\n  resegment case show jrPSbEkaDOTBwqDCyjW_MQ\n')
    .action((caseId: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => show(context, caseId)),
    );

  one
    .command('take')
    .argument('<case>', 'id of a case')
    .option('--over', 'take it over from the colleague who has it')
    .description('take a case on, with your name')
    .addHelpText('after', '\nExample:\n  resegment case take jrPSbEkaDOTBwqDCyjW_MQ --as "Li Wei"\n')
    .action((caseId: string, options: { readonly over?: boolean }, command: Command) =>
      onTarget(command, host, (context) => take(context, caseId, options.over === true)),
    );

  one
    .command('close')
    .argument('<case>', 'id of a case')
    .requiredOption('--outcome <outcome>', CASE_OUTCOMES.join(', '))
    .requiredOption('--note <text>', 'what was done; kept with the case')
    .description('end a case; the same answer does not open it again')
    .addHelpText(
      'after',
      '\nExample:\n  resegment case close jrPSbEkaDOTBwqDCyjW_MQ --outcome solved --note "invoice corrected" --as "Li Wei"\n',
    )
    .action((caseId: string, options: { readonly outcome: string; readonly note: string }, command: Command) =>
      onTarget(command, host, (context) => close(context, caseId, options)),
    );
};

const STATES = ['open', 'taken', 'overdue', 'escalated'] as const;

const list = async (context: CommandContext, options: ListOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  const state = STATES.find((one) => one === options.state);
  if (options.state !== undefined && state === undefined) {
    throw new UsageError(
      'state-unknown',
      `--state must be one of ${STATES.join(', ')}, got ${JSON.stringify(options.state)}`,
    );
  }
  const now = target.clock.now();
  const staff = directoryOf(await target.staff.list());
  const isIn = (one: CustomerCase): boolean => {
    switch (state) {
      case undefined:
        return true;
      case 'overdue':
        return one.dueAt < now;
      case 'escalated':
        return escalationOf(one, now, staff)?.isDue === true;
      default:
        return one.state === state;
    }
  };
  const all = (await target.cases.listOpen()).filter(
    (one) =>
      isIn(one) &&
      (options.branch === undefined || one.branch === options.branch) &&
      (options.manager === undefined || one.manager === options.manager) &&
      (options.segment === undefined || one.segment === options.segment),
  );
  const cases = all.slice(0, options.limit);
  const policy = await activePolicy(context);
  const pinned = await pinnedUntil(context, cases, policy);
  const words = CASE_WORDS[terminal.language];
  const rows = [
    words.head,
    ...cases.map((one) => {
      const escalation = escalationOf(one, now, staff);
      return [
        one.caseId,
        one.customerId,
        segmentText(one.segment, policy, context),
        `${one.score ?? '–'} (${one.question})`,
        one.answerDiscarded === undefined
          ? words.shortReasons[one.reason]
          : `${words.shortReasons[one.reason]} (${words.events.answerDiscarded})`,
        words.priorities[one.priority],
        one.owner.name,
        `${minuteIn(target.timeZone, one.dueAt)}${one.dueAt < now ? ` (${words.over})` : ''}`,
        escalation?.isDue === true ? escalation.to.name : '',
        words.states[one.state],
        notReachedFor(one, staff).join(', '),
        pinned.get(one.subject) ?? '',
      ];
    }),
  ];
  const more = all.length - cases.length;
  if (options.csv === true) terminal.raw(csvOf(rows));
  else
    terminal.result(
      cases.map((one) => ({ ...document(one, now, staff), pinnedUntil: pinned.get(one.subject) ?? null })),
      () => (cases.length === 0 ? words.none : `${textTable(rows)}${more > 0 ? `\n${words.more(more)}` : ''}`),
    );
  return EXIT.done;
};

const document = (one: CustomerCase, now: string, staff: StaffDirectory) => ({
  ...one,
  isOverdue: one.state !== 'closed' && one.dueAt < now,
  escalation: escalationOf(one, now, staff),
  notReached: notReachedFor(one, staff),
});

const show = async (context: CommandContext, caseId: string): Promise<ExitCode> => {
  const { target, terminal } = context;
  const known = (await target.cases.get(caseId)) ?? unknownCase(caseId);
  const now = target.clock.now();
  const stored = await target.answers.get(caseId);
  const shown = {
    ...document(known, now, directoryOf(await target.staff.list())),
    comment: stored?.answer.comment ?? null,
    wishes: stored?.answer.wishes ?? [],
  };
  const policy = await activePolicy(context);
  const words = CASE_WORDS[terminal.language];
  const { escalation } = shown;
  terminal.result(shown, () =>
    [
      terminal.bold(`${words.title} ${known.caseId} · ${known.customerId} · ${words.states[known.state]}`),
      textTable([
        [words.reason, words.reasons[known.reason]],
        [words.score, `${known.score ?? '–'} (${known.question})`],
        [words.comment, shown.comment ?? '–'],
        [words.segment, segmentText(known.segment, policy, context)],
        [words.priority, words.priorities[known.priority]],
        [words.owner, ownerText(known.owner, words.central)],
        [words.due, `${momentText(known.dueAt, target.timeZone)}${shown.isOverdue ? ` (${words.over})` : ''}`],
        ...(escalation === null
          ? []
          : [
              [
                words.escalation,
                `${ownerText(escalation.to, words.central)}, ${momentText(escalation.at, target.timeZone)}${escalation.isDue ? ` (${words.over})` : ''}`,
              ],
            ]),
        ...(shown.notReached.length === 0
          ? []
          : [[words.notReached, `${shown.notReached.join(', ')} (${words.notReachedHint})`]]),
        ...(known.outcome === undefined ? [] : [[words.outcome, words.outcomes[known.outcome]]]),
      ]),
      '',
      terminal.bold(words.history),
      textTable(
        known.history.map((one) => [
          minuteIn(target.timeZone, one.at),
          words.events[one.event],
          one.by,
          one.note ?? '',
        ]),
      ),
      ...(known.notices === undefined
        ? []
        : [
            '',
            terminal.bold(words.mails),
            textTable(
              known.notices.map((one) => [
                minuteIn(target.timeZone, one.at),
                words.notices[one.kind],
                one.to,
                `${words.outcomesOfMail[one.state]}${one.reason === undefined ? '' : ` (${one.reason})`}`,
              ]),
            ),
          ]),
    ].join('\n'),
  );
  return EXIT.done;
};

const ownerText = ({ kind, name }: CustomerCase['owner'], central: string): string =>
  kind === 'central' ? central : name;

const take = async (context: CommandContext, caseId: string, over: boolean): Promise<ExitCode> => {
  const { target, terminal } = context;
  const taken = await takeCase(caseId, { by: namedPerson(context), over }, target);
  const staff = directoryOf(await target.staff.list());
  terminal.result(document(taken, target.clock.now(), staff), () => {
    const last = taken.history.findLast((event) => event.event === 'taken');
    const moment = (at: string): string => momentText(at, target.timeZone);
    return CASE_WORDS[terminal.language].takenNow(
      caseId,
      taken.customerId,
      last?.by ?? '?',
      last === undefined ? '?' : moment(last.at),
      moment(taken.dueAt),
    );
  });
  return EXIT.done;
};

const close = async (
  context: CommandContext,
  caseId: string,
  options: { readonly outcome: string; readonly note: string },
): Promise<ExitCode> => {
  const { target, terminal } = context;
  const by = namedPerson(context);
  const closed = await closeCase(caseId, { ...options, by }, target);
  terminal.result(document(closed, target.clock.now(), directoryOf(await target.staff.list())), () => {
    const words = CASE_WORDS[terminal.language];
    const outcome = CASE_OUTCOMES.find((one) => one === options.outcome);
    return words.closedNow(
      caseId,
      closed.customerId,
      by,
      outcome === undefined ? options.outcome : words.outcomes[outcome],
    );
  });
  return EXIT.done;
};
