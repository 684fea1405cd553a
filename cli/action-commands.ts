import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { actionCsv, actionListText, actionOverview, deskInWords } from '#shared/application/action-list-text.ts';
import { ACTION_SECTIONS, type ActionList, actionLists, actionsIn, deskOf } from '#shared/application/action-lists.ts';
import type { Language } from '#shared/application/format-value.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { stateInWords } from '#shared/application/summary-text.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { Desk } from '#shared/domain/staff.ts';
import { PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { findRun } from './find-run.ts';
import type { Target } from './target.ts';
import { UsageError } from './usage-error.ts';

interface ActionListOptions {
  readonly manager?: string;
  readonly branch?: string;
  readonly run?: string;
  readonly limit: number;
  readonly csv?: boolean;
  readonly bom?: boolean;
  readonly out?: string;
}

const DEFAULT_PER_SECTION = 20;

export const addActionCommands = (program: Command, host: CommandHost): void => {
  const action = program.command('action').description('whom to call first after a run, and why');
  action
    .command('list')
    .option('--manager <name>', 'the list of this account manager')
    .option('--branch <name>', 'the list of this branch, with the customers of all its managers')
    .option('--run <run>', 'after this run; default: the one in force')
    .option('--limit <n>', 'at most so many of each part of a list', wholeNumber('--limit', 1), DEFAULT_PER_SECTION)
    .option('--csv', 'as CSV on stdout')
    .option('--bom', 'CSV that opens rightly in Excel')
    .option('--out <dir>', 'one CSV file for each list in this folder')
    .description(
      'open cases, proposals, who falls and who rises, with the service plan; without names all lists, a line each',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  resegment action list\n  resegment action list --manager "Li Wei" --lang zh-CN\n  resegment action list --branch Pudong --csv --bom > pudong.csv\n  resegment action list --out lists\n',
    )
    .action((options: ActionListOptions, command: Command) =>
      onTarget(command, host, (context) => list(context, options)),
    );
};

const list = async (context: CommandContext, options: ActionListOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  if (options.manager !== undefined && options.branch !== undefined) {
    throw new UsageError('list-ambiguous', 'give either --manager or --branch', {
      hint: 'a branch has the customers of all its managers',
    });
  }
  if (options.out !== undefined && options.csv === true) {
    throw new UsageError('list-ambiguous', 'give either --csv for stdout or --out for a folder');
  }
  const record = await runOf(target, options.run);
  const policy = await loadPolicy(target.objects, record.policy.hash);
  const wanted = deskWanted(options);
  const lists = await actionLists(target, record, policy, {
    desksOf: (row) => {
      if (wanted === undefined) return [deskOf(row)];
      const isOn = wanted.kind === 'manager' ? row.manager === wanted.name : row.branch === wanted.name;
      return isOn ? [wanted] : [];
    },
    languageOf: () => terminal.language,
    cases: await target.cases.listOpen(),
    waiting: await target.flags.listOpen(),
    perSection: options.limit,
  });
  if (wanted !== undefined && lists.length === 0) await assertKnown(target, record, wanted);
  if (options.out !== undefined) return writeFiles(context, options.out, lists, policy, options.bom === true);
  if (options.csv === true) terminal.raw(actionCsv(lists, policy, terminal.language, { bom: options.bom === true }));
  else
    terminal.result({ runId: record.runId, asOf: record.asOf, state: record.state, lists }, () =>
      [
        `${record.runId} (${record.asOf}, ${stateInWords(record.state, terminal.language)})`,
        ...(wanted === undefined
          ? [
              lists.length === 0 ? NOTHING[terminal.language] : actionOverview(lists, terminal.language),
              ...(lists.length === 0 ? [] : [HINT[terminal.language]]),
            ]
          : [actionListText(lists[0] ?? emptyList(wanted), policy, terminal.language)]),
      ].join('\n'),
    );
  return EXIT.done;
};

const NOTHING: Readonly<Record<Language, string>> = { en: 'nobody has anything to do', 'zh-CN': '没有待办事项' };
const HINT: Readonly<Record<Language, string>> = {
  en: 'one of them in full: --manager NAME or --branch NAME',
  'zh-CN': '查看其中一份：--manager 姓名 或 --branch 网点',
};

const emptyList = (desk: Desk): ActionList => {
  const none = { total: 0, rows: [] };
  return { desk, sections: { cases: none, proposals: none, falling: none, rising: none, others: none } };
};

const deskWanted = ({ manager, branch }: ActionListOptions): Desk | undefined =>
  manager !== undefined
    ? { kind: 'manager', name: manager }
    : branch === undefined
      ? undefined
      : { kind: 'branch', name: branch };

/** The run that is named, else the one in force. */
const runOf = async (target: Target, wanted: string | undefined): Promise<RunRecord> => {
  const published = wanted === undefined ? (await target.pointer.get()).published?.runId : undefined;
  if (wanted === undefined && published === undefined) {
    throw new UsageError('run-unknown', 'no run is published yet, so there are no action lists', {
      hint: 'resegment run makes one; --run RUN shows the lists of a plan',
    });
  }
  return findRun(target.runs, wanted ?? published ?? '');
};

/** Tells a name that nobody has from somebody who has nothing to do. */
const assertKnown = async (target: Target, record: RunRecord, wanted: Desk): Promise<void> => {
  const names = new Set<string>();
  for (let shard = 0; shard < record.shards; shard += 1) {
    for (const row of await target.files.readPlan(record.runId, shard)) {
      const name = wanted.kind === 'manager' ? row.manager : row.branch;
      if (name === wanted.name) return;
      if (name !== null) names.add(name);
    }
  }
  const some = [...names].sort().slice(0, 8);
  throw new PermanentError(
    'desk-unknown',
    `no customer of run ${record.runId} has the ${wanted.kind === 'manager' ? 'account manager' : 'branch'} ${JSON.stringify(wanted.name.slice(0, 80))}`,
    {
      hint:
        some.length === 0 ? 'nobody has one' : `there are ${some.join(', ')}${names.size > some.length ? ', …' : ''}`,
    },
  );
};

const writeFiles = (
  { terminal }: CommandContext,
  folder: string,
  lists: readonly ActionList[],
  policy: Policy,
  bom: boolean,
): ExitCode => {
  mkdirSync(folder, { recursive: true });
  const files = lists.map((one) => {
    const file = join(folder, fileNameOf(one.desk));
    writeFileSync(file, actionCsv([one], policy, terminal.language, { bom }), { mode: 0o600 });
    return { desk: one.desk, file, customers: actionsIn(one), rows: rowsIn(one) };
  });
  terminal.result({ files }, () =>
    files.length === 0
      ? NOTHING[terminal.language]
      : files
          .map(
            ({ desk, file, rows, customers }) =>
              `${file}: ${deskInWords(desk, terminal.language)}, ${rows}${customers > rows ? `/${customers}` : ''}`,
          )
          .join('\n'),
  );
  return EXIT.done;
};

const rowsIn = (one: ActionList): number =>
  ACTION_SECTIONS.reduce((sum, section) => sum + one.sections[section].rows.length, 0);

/** `manager-Li-Wei-4f2a.csv`: letters and figures of the name, and a few of its hash so that no two names share a file. */
const fileNameOf = ({ kind, name }: Desk): string => {
  const readable = name.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 60);
  return `${kind}-${readable}-${createHash('sha256').update(name, 'utf8').digest('hex').slice(0, 4)}.csv`;
};
