import type { Command } from 'commander';
import { addNote, type ListedNote, listNotes, withdrawNote } from '#shared/application/add-note.ts';
import { textTable } from '#shared/application/text-table.ts';
import { noteSubjectText } from '#shared/domain/figure-text.ts';
import { usesNotes } from '#shared/domain/notes.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { csvOf } from './list-options.ts';
import { namedPerson } from './named-person.ts';
import { activePolicy } from './show-commands.ts';

interface AddOptions {
  readonly rating: string;
  readonly about: string;
  readonly on?: string;
  readonly reason: string;
}

const WORDS = {
  en: {
    head: ['note', 'about', 'rating', 'on', 'days', 'by', 'state', 'reason'],
    states: { counts: 'counts', replaced: 'replaced by a newer one', withdrawn: 'withdrawn', ahead: 'not yet' },
    none: 'no note on this customer',
    added: 'is kept; runs whose policy reads notes count it from the next one on',
    unread: (policy: string) => `is kept; the active policy, ${policy}, reads no notes, so that it changes no class`,
    unchanged: 'is there already; nothing changed',
    withdrawn: 'is withdrawn; the next run no longer counts it',
    alreadyWithdrawn: 'was withdrawn already; nothing changed',
    of: (rating: number) => `${rating} of 5`,
  },
  'zh-CN': {
    head: ['编号', '方面', '评分', '日期', '天数', '评价人', '状态', '理由'],
    states: { counts: '计入', replaced: '已有更新的评价', withdrawn: '已撤回', ahead: '尚未到日期' },
    none: '该客户没有评价',
    added: '已保存；自下次运行起，策略若读取评价即计入',
    unread: (policy: string) => `已保存；当前策略 ${policy} 不读取评价，因此不影响分类`,
    unchanged: '已存在，未作更改',
    withdrawn: '已撤回；下次运行不再计入',
    alreadyWithdrawn: '此前已撤回，未作更改',
    of: (rating: number) => `${rating} 分（满分 5）`,
  },
} as const;

export const addNoteCommands = (program: Command, host: CommandHost): void => {
  const note = program
    .command('note')
    .description('what account managers say of a customer: dated ratings that a policy may count');

  note
    .command('add')
    .argument('<customer>', 'id of a customer')
    .requiredOption('--rating <1..5>', '1 worst, 5 best')
    .requiredOption('--about <subject>', 'quality or potential')
    .requiredOption('--reason <text>', 'why; kept with the customer, in no file of a run')
    .option('--on <date>', 'day for which it holds, YYYY-MM-DD; default: today')
    .description('keep your rating of a customer, with your name; the newest of each person counts')
    .addHelpText(
      'after',
      '\nExample:\n  resegment note add C-1042 --rating 4 --about potential --reason "second plant next year" --as "Li Wei"\n',
    )
    .action((customerId: string, options: AddOptions, command: Command) =>
      onTarget(command, host, async (context) => {
        const { on, ...rest } = options;
        const date = on === undefined ? {} : { date: on };
        return said(context, await addNote({ ...rest, ...date, customerId, by: namedPerson(context) }, context.target));
      }),
    );

  note
    .command('list')
    .argument('<customer>', 'id of a customer')
    .option('--csv', 'as CSV')
    .description('all notes on a customer, the newest first, and which of them count')
    .addHelpText('after', '\nExample:\n  resegment note list C-1042\n')
    .action((customerId: string, options: { readonly csv?: boolean }, command: Command) =>
      onTarget(command, host, (context) => list(context, customerId, options.csv === true)),
    );

  note
    .command('withdraw')
    .argument('<customer>', 'id of a customer')
    .argument('<note>', 'its number in the list, such as n2')
    .requiredOption('--reason <text>', 'why; kept with the note')
    .description('take a note back; it stays in the list and no longer counts')
    .addHelpText(
      'after',
      '\nExample:\n  resegment note withdraw C-1042 n2 --reason "mixed up two firms" --as "Li Wei"\n',
    )
    .action((customerId: string, noteId: string, options: { readonly reason: string }, command: Command) =>
      onTarget(command, host, async (context) =>
        said(
          context,
          await withdrawNote({ customerId, noteId, reason: options.reason, by: namedPerson(context) }, context.target),
        ),
      ),
    );
};

const said = async (context: CommandContext, done: Awaited<ReturnType<typeof addNote>>): Promise<ExitCode> => {
  const { terminal } = context;
  const policy = await activePolicy(context);
  const isUnread = done.outcome === 'added' && policy !== undefined && !usesNotes(policy);
  const words = WORDS[terminal.language];
  const { note, outcome, customerId } = done;
  const about = noteSubjectText(note.about, terminal.language === 'en' ? 'en' : 'zh');
  terminal.result({ ...done, isCounted: policy === undefined ? null : usesNotes(policy) }, () =>
    [
      `${note.noteId} · ${customerId} · ${about} ${words.of(note.rating)} · ${note.date} · ${note.by}`,
      isUnread ? words.unread(policy.name) : words[outcome],
    ].join('\n'),
  );
  return EXIT.done;
};

const list = async (context: CommandContext, customerId: string, isCsv: boolean): Promise<ExitCode> => {
  const { target, terminal } = context;
  const words = WORDS[terminal.language];
  const notes = await listNotes(customerId, target);
  const reasonOf = ({ reason, withdrawn }: ListedNote): string =>
    withdrawn === undefined ? reason : `${reason} (${withdrawn.at.slice(0, 10)} ${withdrawn.by}: ${withdrawn.reason})`;
  const rows = [
    [...words.head],
    ...notes.map((note) => [
      note.noteId,
      noteSubjectText(note.about, terminal.language === 'en' ? 'en' : 'zh'),
      String(note.rating),
      note.date,
      String(note.ageDays),
      note.by,
      words.states[note.state],
      reasonOf(note),
    ]),
  ];
  if (isCsv) terminal.raw(csvOf(rows));
  else terminal.result(notes, () => (notes.length === 0 ? words.none : textTable(rows)));
  return EXIT.done;
};
