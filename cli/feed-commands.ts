import type { Command } from 'commander';
import { textTable } from '#shared/application/text-table.ts';
import { type Feed, IMPORT_KINDS, INCOMING_FOLDER } from '#shared/contracts/import-job.ts';
import { PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { type ImportOptions, importKind, importSettings, withReading } from './import-commands.ts';
import { UsageError } from './usage-error.ts';

/** Names of feeds are names of folders too. */
const FEED_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

export const addFeedCommands = (program: Command, host: CommandHost): void => {
  const group = program
    .command('feed')
    .description('folders of the workspace: what another system drops there is imported at once');

  withReading(group.command('set'))
    .argument('<name>', 'lower-case letters, digits and hyphens')
    .argument('<kind>', IMPORT_KINDS.join(', '))
    .requiredOption('--map <pairs>', 'as `import KIND` takes it')
    .option('--attributes <columns>', 'purchases: columns that become attributes')
    .option('--append', 'purchases: files with the same dates hold other purchases')
    .option('--as-of <date>', 'customers, answers: `arrival`, the business date on which a file comes')
    .option('--complete', 'customers: each file names every customer, those who are not in it have left')
    .option('--input-drop <share>', 'customers: largest share that a complete file may lack, 0..1; default 0.10')
    .option('--traits <columns>', 'customers: columns that become traits')
    .option('--scale <scale>', 'answers: scale of all scores')
    .description('say how files of a folder are read; again to change it')
    .addHelpText(
      'after',
      '\nExample:\n  resegment feed set orders purchases --map customer=customer_id,date=day,amount=total,id=order_id --source shop\n',
    )
    .action((name: string, kind: string, options: ImportOptions, command: Command) =>
      onTarget(command, host, (context) => set(context, name, kind, options)),
    );

  group
    .command('list')
    .description('feeds, where their files go and how they are read')
    .addHelpText('after', '\nExample:\n  resegment feed list\n')
    .action((_options: unknown, command: Command) => onTarget(command, host, list));

  group
    .command('stop')
    .argument('<name>', 'as feed list has it')
    .description('import no more files of this folder; `feed set` lets it go on')
    .addHelpText('after', '\nExample:\n  resegment feed stop orders\n')
    .action((name: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => stop(context, name)),
    );
};

const folderOf = ({ target }: CommandContext, name: string): string => {
  const where = target.describe();
  const folder = `${INCOMING_FOLDER}/${name}/`;
  return where.target === 'aws'
    ? `s3://resegment-${where.stage}-workspace-${where.account ?? '?'}-${where.region ?? '?'}/${folder}`
    : `${where.data ?? '?'}/workspace/${folder}`;
};

const set = async (context: CommandContext, name: string, kind: string, options: ImportOptions): Promise<ExitCode> => {
  const { target, terminal, by } = context;
  if (!FEED_NAME.test(name)) {
    throw new UsageError(
      'feed-name-invalid',
      `a feed's name has 1 to 40 lower-case letters, digits and hyphens, got ${JSON.stringify(name)}`,
    );
  }
  const { asOf, ...settings } = importSettings(importKind(kind), options);
  if (asOf !== undefined && asOf !== 'arrival') {
    throw new UsageError(
      'as-of-invalid',
      `--as-of of a feed takes arrival, since files come on other days; got ${JSON.stringify(asOf)}`,
      { hint: 'where rows have a date of their own: --map …,date=COLUMN' },
    );
  }
  const feed: Feed = {
    name,
    settings: { ...settings, ...(asOf === undefined ? {} : { asOf }) },
    setAt: target.clock.now(),
    setBy: by,
    stoppedAt: null,
  };
  for (;;) {
    const stored = await target.feeds.get(name);
    const done =
      stored === undefined ? await target.feeds.create(name, feed) : await target.feeds.replace(name, feed, stored.rev);
    if (done === 'created' || done === 'stored') break;
  }
  await target.journal.add({
    at: feed.setAt,
    by,
    kind: 'feed',
    action: 'set',
    what: `${name} (${kind})`,
    reason: null,
  });
  terminal.result({ ...feed, folder: folderOf(context, name) }, () =>
    [`files of ${kind} that are put into ${folderOf(context, name)} are imported`, ...localNote(context, name)].join(
      '\n',
    ),
  );
  return EXIT.done;
};

/** The local stack has no service that tells of files. */
const localNote = ({ target }: CommandContext, name: string): readonly string[] =>
  target.describe().target === 'aws'
    ? []
    : [`  the local stack looks into ${INCOMING_FOLDER}/${name}/ every second while it is up`];

const list = async (context: CommandContext): Promise<ExitCode> => {
  const { target, terminal } = context;
  const feeds = (await target.feeds.list()).map(({ record }) => record);
  const { language } = terminal;
  const heading = {
    en: ['feed', 'kind', 'columns', 'set by', 'state', 'folder'],
    'zh-CN': ['来源文件夹', '类型', '列', '设置人', '状态', '位置'],
  }[language];
  const words = { en: ['open', 'stopped'], 'zh-CN': ['启用', '停用'] }[language];
  terminal.result(
    feeds.map((feed) => ({ ...feed, folder: folderOf(context, feed.name) })),
    () =>
      feeds.length === 0
        ? { en: 'no feeds', 'zh-CN': '没有来源文件夹' }[language]
        : textTable([
            heading,
            ...feeds.map(({ name, settings, setBy, stoppedAt }) => [
              name,
              settings.kind,
              Object.entries(settings.map)
                .map(([what, column]) => `${what}=${column}`)
                .join(','),
              setBy,
              words[stoppedAt === null ? 0 : 1] ?? '',
              folderOf(context, name),
            ]),
          ]),
  );
  return EXIT.done;
};

const stop = async ({ target, terminal, by }: CommandContext, name: string): Promise<ExitCode> => {
  const at = target.clock.now();
  for (;;) {
    const stored = await target.feeds.get(name);
    if (stored === undefined) {
      const known = (await target.feeds.list()).map(({ id }) => id);
      throw new PermanentError('feed-unknown', `there is no feed ${JSON.stringify(name)}`, {
        hint: known.length === 0 ? 'there are none' : `the feeds are: ${known.join(', ')}`,
      });
    }
    if (stored.record.stoppedAt !== null) break;
    if ((await target.feeds.replace(name, { ...stored.record, stoppedAt: at }, stored.rev)) !== 'stored') continue;
    await target.journal.add({ at, by, kind: 'feed', action: 'stopped', what: name, reason: null });
    break;
  }
  terminal.result({ name, state: 'stopped' }, () => `files of the feed ${name} are imported no more`);
  return EXIT.done;
};
