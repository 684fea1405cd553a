import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { Language } from '#shared/application/format-value.ts';
import { importFolder } from '#shared/application/import/import-workspace.ts';
import { textTable } from '#shared/application/text-table.ts';
import type { ImportRecord } from '#shared/contracts/import-job.ts';
import { minuteIn } from '#shared/domain/calendar.ts';
import { PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { csvOf, DEFAULT_LIMIT } from './list-options.ts';
import { UsageError } from './usage-error.ts';

interface ListOptions {
  readonly state?: string;
  readonly feed?: string;
  readonly limit: number;
  readonly csv?: boolean;
}

const STATES = ['running', 'done', 'failed'] as const;

/** Adds what looks at imports, also at those of dropped files, to the group `import`. */
export const addImportRecordCommands = (group: Command, host: CommandHost): void => {
  group
    .command('list')
    .option('--state <state>', `only in this state: ${STATES.join(', ')}`)
    .option('--feed <name>', 'only files that were dropped for this feed')
    .option('--limit <n>', 'at most so many', wholeNumber('--limit', 1), DEFAULT_LIMIT)
    .option('--csv', 'as CSV on stdout')
    .description('imports, the latest first')
    .addHelpText('after', '\nExample:\n  resegment import list --state failed\n')
    .action((options: ListOptions, command: Command) => onTarget(command, host, (context) => list(context, options)));

  group
    .command('show')
    .argument('<import>', 'an id of import list, or `latest`')
    .option('--rejects <file>', 'fetch the rejected rows into this file')
    .description('one import: what it did, or why it failed')
    .addHelpText('after', '\nExample:\n  resegment import show latest --rejects orders.rejects.csv\n')
    .action((id: string, options: { readonly rejects?: string }, command: Command) =>
      onTarget(command, host, (context) => show(context, id, options)),
    );
};

const HEADINGS = {
  en: ['import', 'state', 'kind', 'file', 'feed', 'by', 'started', 'rows', 'accepted', 'rejected'],
  'zh-CN': ['导入', '状态', '类型', '文件', '来源文件夹', '操作人', '开始时间', '行数', '接受', '拒绝'],
} as const;

const STATE_WORDS = {
  en: { running: 'running', done: 'done', failed: 'failed' },
  'zh-CN': { running: '进行中', done: '完成', failed: '失败' },
} as const satisfies Record<Language, Record<ImportRecord['state'], string>>;

const KIND_WORDS = {
  en: { purchases: 'purchases', customers: 'customers', answers: 'answers', notes: 'notes', staff: 'staff' },
  'zh-CN': { purchases: '交易', customers: '客户', answers: '答卷', notes: '备注', staff: '员工' },
} as const satisfies Record<Language, Record<NonNullable<ImportRecord['kind']>, string>>;

const latestFirst = (records: readonly ImportRecord[]): readonly ImportRecord[] =>
  [...records].sort((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : 0));

const list = async ({ target, terminal }: CommandContext, options: ListOptions): Promise<ExitCode> => {
  if (options.state !== undefined && !STATES.some((one) => one === options.state)) {
    throw new UsageError(
      'state-unknown',
      `--state must be one of ${STATES.join(', ')}, got ${JSON.stringify(options.state)}`,
    );
  }
  const all = (await target.importRecords.list()).map(({ record }) => record);
  const wanted = latestFirst(all).filter(
    (one) =>
      (options.state === undefined || one.state === options.state) &&
      (options.feed === undefined || one.feed === options.feed),
  );
  const shown = wanted.slice(0, options.limit);
  const cells = (one: ImportRecord, language: Language): readonly string[] => [
    one.importId,
    STATE_WORDS[language][one.state],
    one.kind === null ? '' : KIND_WORDS[language][one.kind],
    one.fileName,
    one.feed ?? '',
    one.by,
    minuteIn(target.timeZone, one.startedAt),
    String(one.rows),
    String(one.accepted),
    String(one.rejected),
  ];
  if (options.csv === true) {
    terminal.raw(csvOf([HEADINGS.en, ...shown.map((one) => cells(one, 'en'))]));
    return EXIT.done;
  }
  const { language } = terminal;
  terminal.result(shown, () =>
    shown.length === 0
      ? { en: 'no imports', 'zh-CN': '没有导入记录' }[language]
      : textTable([HEADINGS[language], ...shown.map((one) => cells(one, language))]),
  );
  return EXIT.done;
};

const findImport = async ({ target }: CommandContext, id: string): Promise<ImportRecord> => {
  const all = (await target.importRecords.list()).map(({ record }) => record);
  const [latest] = latestFirst(all);
  const found = id === 'latest' ? latest : all.find(({ importId }) => importId === id);
  if (found !== undefined) return found;
  throw new PermanentError('import-unknown', `there is no import ${JSON.stringify(id)}`, {
    hint: all.length === 0 ? 'nothing was imported yet' : 'resegment import list shows the ids',
  });
};

const show = async (
  context: CommandContext,
  id: string,
  { rejects }: { readonly rejects?: string },
): Promise<ExitCode> => {
  const { target, terminal } = context;
  const record = await findImport(context, id);
  const key = `${importFolder(record.importId)}/rejects.csv`;
  const isThere = (await target.workspaceFiles.stat(key)) !== undefined;
  if (rejects !== undefined) {
    if (!isThere) {
      throw new PermanentError('rejects-missing', `the import ${record.importId} has no file of rejected rows`, {
        hint: record.rejected === 0 ? 'no row was rejected' : 'such files are kept for 7 days',
      });
    }
    await pipeline(
      Readable.from(target.workspaceFiles.read(key), { objectMode: false }),
      createWriteStream(rejects, { mode: 0o600 }),
    );
  }
  terminal.result({ ...record, rejects: rejects ?? null }, () => text(context, record, isThere, rejects));
  return record.state === 'failed' ? EXIT.failed : EXIT.done;
};

const LABELS = {
  en: {
    feed: 'dropped for the feed',
    started: 'started',
    finished: 'finished',
    by: 'by',
    dryRun: 'checked only',
    batch: 'batch',
    rows: (one: ImportRecord) => `rows ${one.rows}: accepted ${one.accepted}, rejected ${one.rejected}`,
    why: 'failed',
    hint: 'what to do',
    rejected: 'rejected rows with their reasons',
    fetch: 'rejected rows can be fetched with --rejects FILE',
  },
  'zh-CN': {
    feed: '投递文件夹',
    started: '开始',
    finished: '结束',
    by: '操作人',
    dryRun: '仅检查',
    batch: '批次',
    rows: (one: ImportRecord) => `行数 ${one.rows}：接受 ${one.accepted}，拒绝 ${one.rejected}`,
    why: '失败原因',
    hint: '处理办法',
    rejected: '被拒绝的行及原因',
    fetch: '被拒绝的行可用 --rejects FILE 取回',
  },
} as const;

const text = (
  { target, terminal: { language } }: CommandContext,
  record: ImportRecord,
  hasRejects: boolean,
  rejects: string | undefined,
): string => {
  const label = LABELS[language];
  const kind = record.kind === null ? '' : ` ${KIND_WORDS[language][record.kind]}`;
  const line = (name: string, value: string): string => `  ${name}: ${value}`;
  return [
    `${record.importId}  ${STATE_WORDS[language][record.state]} ${kind} ${record.fileName}`.replace(/ +/g, ' '),
    ...(record.feed === null ? [] : [line(label.feed, record.feed)]),
    ...(record.by === '' ? [] : [line(label.by, record.by)]),
    line(label.started, minuteIn(target.timeZone, record.startedAt)),
    ...(record.finishedAt === null ? [] : [line(label.finished, minuteIn(target.timeZone, record.finishedAt))]),
    ...(record.dryRun ? [`  ${label.dryRun}`] : []),
    ...(record.batchId === null ? [] : [line(label.batch, record.batchId)]),
    ...(record.state === 'done' ? [`  ${label.rows(record)}`] : []),
    ...(record.error === null ? [] : [line(label.why, record.error.message)]),
    ...(record.error?.hint == null ? [] : [line(label.hint, record.error.hint)]),
    ...(rejects === undefined ? (hasRejects ? [`  ${label.fetch}`] : []) : [line(label.rejected, rejects)]),
  ].join('\n');
};
