import type { Command } from 'commander';
import { estimateText } from '#shared/application/cost-text.ts';
import { RunSummary } from '#shared/contracts/run-record.ts';
import { type CostQuestion, estimateCost, ITEM_BYTES } from '#shared/domain/run-cost.ts';
import { type CommandHost, onTarget, terminalOf, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Target } from './target.ts';
import type { Terminal } from './terminal.ts';
import { NO_DATA, UsageError } from './usage-error.ts';

interface EstimateOptions {
  readonly customers?: number;
  readonly changed?: number;
  readonly mails?: number;
  readonly answers?: number;
  readonly shards?: number;
}

/** Shares and counts of a first estimate, before any run has been published. */
const FIRST = { customers: 0, changedShare: 0.15, shards: 256, mails: 0, answerShare: 0.2 } as const;

/** A share of an option. */
const share =
  (name: string) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= 0 && value <= 1))
      throw new UsageError('option-invalid', `${name} must be a share from 0 to 1, got ${JSON.stringify(text)}`);
    return value;
  };

export const addEstimateCommand = (program: Command, host: CommandHost): void => {
  program
    .command('estimate')
    .option('--customers <n>', 'customers; default: those of the published run', wholeNumber('--customers', 0))
    .option(
      '--changed <share>',
      'share whose standing changes, 0 to 1; default: that of the published run',
      share('--changed'),
    )
    .option('--mails <n>', 'invitations and reminders; default: those of the newest wave', wholeNumber('--mails', 0))
    .option('--answers <share>', 'share of the mails that is answered, 0 to 1 (default: 0.2)', share('--answers'))
    .option('--shards <n>', 'shards of the run', wholeNumber('--shards', 1))
    .description('what a run and its survey would cost in an account; reads records only')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment estimate\n  resegment estimate --customers 5000000 --changed 0.1 --mails 20000\n',
    )
    .action(async (options: EstimateOptions, command: Command) => {
      try {
        await onTarget(command, host, async ({ terminal, target }) =>
          estimate(terminal, await questionOf(target, options)),
        );
      } catch (error) {
        // Who says how many customers there are may ask before there is anything.
        if (!isNoData(error) || options.customers === undefined) throw error;
        host.finish(estimate(terminalOf(command), { ...firstQuestion(options), customers: options.customers }));
      }
    });
};

const isNoData = (error: unknown): boolean => error instanceof UsageError && error.code === NO_DATA;

const estimate = (terminal: Terminal, question: CostQuestion): ExitCode => {
  const estimated = estimateCost(question);
  terminal.result(estimated, () => estimateText(estimated, terminal.language));
  return EXIT.done;
};

/** What is asked where nothing has run yet. */
const firstQuestion = (options: EstimateOptions): CostQuestion => ({
  customers: options.customers ?? FIRST.customers,
  changedShare: options.changed ?? FIRST.changedShare,
  customerBytes: ITEM_BYTES.customer,
  standingBytes: ITEM_BYTES.standing,
  shards: options.shards ?? FIRST.shards,
  mails: options.mails ?? FIRST.mails,
  answerShare: options.answers ?? FIRST.answerShare,
});

const questionOf = async (target: Target, options: EstimateOptions): Promise<CostQuestion> => {
  const { published } = await target.pointer.get();
  const record = published === null ? undefined : (await target.runs.get(published.runId))?.record;
  const summary =
    record === undefined
      ? undefined
      : RunSummary.safeParse(await target.files.readJson(record.runId, 'summary.json')).data;
  const waves = await target.waves.list();
  const newest = waves.map(({ record: wave }) => wave).sort((a, b) => (a.plannedAt < b.plannedAt ? 1 : -1))[0];
  const population = summary?.population ?? FIRST.customers;
  if (options.customers === undefined && population === 0) {
    throw new UsageError('customers-missing', 'no run is published yet, so the number of customers is not known', {
      hint: 'say how many: resegment estimate --customers 1000000',
    });
  }
  const first = firstQuestion(options);
  return {
    ...first,
    buckets: target.customers.buckets,
    customers: options.customers ?? population,
    changedShare:
      options.changed ?? (summary === undefined ? first.changedShare : summary.changed / Math.max(1, population)),
    shards: options.shards ?? record?.shards ?? first.shards,
    mails: options.mails ?? newest?.drawn ?? first.mails,
  };
};
