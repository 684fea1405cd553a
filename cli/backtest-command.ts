import { writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { readPolicy } from '#shared/adapters/policy-files.ts';
import {
  type Backtest,
  type BacktestRequest,
  backtest,
  MOST_HORIZON_DAYS,
  readHistory,
} from '#shared/application/backtest.ts';
import { type AnswersAdd, answersAddText, whatAnswersAdd } from '#shared/application/backtest-answers.ts';
import { backtestRows, backtestText } from '#shared/application/backtest-text.ts';
import type { TraitOutcome } from '#shared/domain/backtest-outcomes.ts';
import { addMonths, dateIn, isPeriod, periodOf } from '#shared/domain/calendar.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { type CommandContext, type CommandHost, onTarget, terminalOf, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { csvOf } from './list-options.ts';
import { UsageError } from './usage-error.ts';

interface BacktestOptions {
  readonly policy: string;
  readonly against?: string;
  readonly withoutAnswers?: boolean;
  readonly from: string;
  readonly to: string;
  readonly horizonDays: number;
  readonly warmUp?: number;
  readonly outcome?: string;
  readonly sample: number;
  readonly csv?: boolean;
  readonly out?: string;
}

const DEFAULT_HORIZON_DAYS = 90;

export const addBacktestCommand = (program: Command, host: CommandHost): void => {
  program
    .command('backtest')
    .description('replay closed months on the stored facts and see what the flags foretold; nothing is written')
    .requiredOption('--policy <name|file>', 'policy that comes with the product, or a policy file')
    .requiredOption('--from <month>', 'first month, such as 1997-04')
    .requiredOption('--to <month>', 'last month; it must have ended')
    .option(
      '--horizon-days <n>',
      'days after each month end in which outcomes count',
      wholeNumber('--horizon-days', 1),
      DEFAULT_HORIZON_DAYS,
    )
    .option(
      '--warm-up <n>',
      'months replayed before the first one, so that streaks and cooling-off are under way; default: as many as the policy remembers',
      wholeNumber('--warm-up', 0),
    )
    .option(
      '--outcome <trait=NAME[=VALUE]>',
      'outcome of exit flags: a trait known after the month; default: no purchase',
    )
    .option('--against <name|file>', 'a second policy, shown side by side')
    .option('--without-answers', 'also as if nobody had ever answered, side by side: what answers add')
    .addOption(
      new Option('--sample <share>', 'random part of the customers, above 0 up to 1, where all are too many')
        .default(1)
        .argParser(sampleShare),
    )
    .option('--csv', 'one row per policy and month as CSV')
    .option('--out <file>', 'write the result to a file instead of stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment backtest --policy retail-rfm --from 1997-04 --to 1998-06 --horizon-days 90\n  resegment backtest --policy my-policy.yaml --against retail-rfm --from 1997-04 --to 1998-06 --csv --out months.csv\n  resegment backtest --policy bank-three-class --from 2026-01 --to 2026-06 --outcome trait=exited=true --without-answers\n',
    )
    .action(async (options: BacktestOptions, command: Command) => {
      readRequest(options);
      if (options.against !== undefined && options.withoutAnswers === true)
        throw new UsageError(
          'options-conflict',
          '--against and --without-answers both name what is put beside; give one',
        );
      if (options.csv === true && terminalOf(command).json)
        throw new UsageError('option-invalid', '--csv and --json both say how the result is written; give one');
      await onTarget(command, host, (context) => run(context, options));
    });
};

const run = async ({ target, terminal }: CommandContext, options: BacktestOptions): Promise<ExitCode> => {
  const request = readRequest(options);
  const lastClosed = addMonths(periodOf(dateIn(target.timeZone, target.clock.now())), -1);
  if (request.to > lastClosed) {
    throw new UsageError(
      'range-invalid',
      `--to must be a month that has ended on the business clock, ${lastClosed} at the latest, got ${request.to}`,
    );
  }
  const policies = [options.policy, ...(options.against === undefined ? [] : [options.against])].map(readPolicy);
  const onProgress = async (step: string, done: number, total: number): Promise<void> => {
    terminal.progress(step, done, total);
    await setImmediate();
  };
  const history = await readHistory(target, { sample: options.sample, onProgress });
  const results: { readonly result: Backtest; readonly policy: Policy }[] = [];
  const replaying = { businessTimeZone: target.timeZone, onProgress };
  let adds: AnswersAdd | undefined;
  for (const policy of policies) {
    if (options.withoutAnswers === true) {
      const compared = await whatAnswersAdd(history, policy, request, replaying);
      adds = compared.adds;
      results.push({ result: compared.withAnswers, policy }, { result: compared.withoutAnswers, policy });
    } else results.push({ result: await backtest(history, policy, request, replaying), policy });
  }
  const [first, second] = results;
  const document =
    second === undefined
      ? first?.result
      : { ...first?.result, against: second.result, ...(adds === undefined ? {} : { answersAdd: adds }) };
  const text = (): string =>
    options.csv === true
      ? csvOf(backtestRows(results))
      : [
          ...(adds === undefined ? [] : [`${answersAddText(adds, terminal.language)}\n`]),
          backtestText(results, { language: terminal.language, currency: target.currency }),
        ].join('\n');
  if (options.out !== undefined) {
    write(options.out, terminal.json ? `${JSON.stringify(document, null, 2)}\n` : text());
    terminal.result({ out: options.out }, () => `the backtest is in ${options.out}`);
  } else if (options.csv === true) terminal.raw(text());
  else terminal.result(document, text);
  return EXIT.done;
};

const readRequest = (options: BacktestOptions): BacktestRequest => {
  for (const [name, month] of [
    ['--from', options.from],
    ['--to', options.to],
  ] as const) {
    if (!isPeriod(month))
      throw new UsageError('range-invalid', `${name} must be a month as YYYY-MM, got ${JSON.stringify(month)}`);
  }
  if (options.from > options.to) {
    throw new UsageError('range-invalid', `--from must not be after --to, got ${options.from} and ${options.to}`);
  }
  if (options.horizonDays > MOST_HORIZON_DAYS) {
    throw new UsageError(
      'option-invalid',
      `--horizon-days must be a whole number from 1 to ${MOST_HORIZON_DAYS}, got ${options.horizonDays}`,
    );
  }
  const outcome = readOutcome(options.outcome);
  return {
    from: options.from,
    to: options.to,
    horizonDays: options.horizonDays,
    ...(options.warmUp === undefined ? {} : { warmUpMonths: options.warmUp }),
    ...(outcome === undefined ? {} : { outcome }),
  };
};

/** `trait=NAME` or `trait=NAME=VALUE`; the value may hold equal signs. */
/** `trait=NAME` or `trait=NAME=VALUE`. */
export const readOutcome = (text: string | undefined): TraitOutcome | undefined => {
  if (text === undefined) return undefined;
  const match = /^trait=([^=]+)(?:=(.+))?$/u.exec(text);
  const [, trait, value] = match ?? [];
  if (trait === undefined) {
    throw new UsageError(
      'outcome-invalid',
      `--outcome must be trait=NAME or trait=NAME=VALUE, got ${JSON.stringify(text)}`,
    );
  }
  return { trait, ...(value === undefined ? {} : { value }) };
};

const sampleShare = (text: string): number => {
  const share = Number(text);
  if (!/^[0-9.]+$/u.test(text) || !(share > 0 && share <= 1)) {
    throw new UsageError('option-invalid', `--sample must be a share above 0 up to 1, got ${JSON.stringify(text)}`);
  }
  return share;
};

const write = (path: string, text: string): void => {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (cause) {
    throw new UsageError(
      'out-not-writable',
      `${path} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      { path },
    );
  }
};
