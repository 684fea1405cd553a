import { setImmediate } from 'node:timers/promises';
import type { Command } from 'commander';
import { MOST_HORIZON_DAYS } from '#shared/application/backtest.ts';
import {
  DEFAULT_WITHIN_DAYS,
  FEWEST_DAYS,
  type FlagOutcomesRequest,
  flagOutcomes,
} from '#shared/application/flag-outcomes.ts';
import { flagOutcomesRows, flagOutcomesText } from '#shared/application/flag-outcomes-text.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { isPeriod } from '#shared/domain/calendar.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { readOutcome } from './backtest-command.ts';
import { type CommandContext, type CommandHost, onTarget, terminalOf, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { csvOf } from './list-options.ts';
import { UsageError } from './usage-error.ts';

interface OutcomeOptions {
  readonly policy?: string;
  readonly from?: string;
  readonly to?: string;
  readonly within: number;
  readonly outcome?: string;
  readonly csv?: boolean;
}

/** Adds `outcome show`. */
export const addOutcomeCommands = (program: Command, host: CommandHost): void => {
  program
    .command('outcome')
    .description('what became of flagged customers')
    .command('show')
    .option('--policy <name|hash>', 'name of a policy, or the beginning of the hash of a version; default: all')
    .option('--from <month>', 'first month, such as 2026-01; default: eleven months before the last')
    .option('--to <month>', 'last month; default: the newest that is published')
    .option(
      '--within <days>',
      `days after each month end in which outcomes count, from ${FEWEST_DAYS}`,
      wholeNumber('--within', FEWEST_DAYS),
      DEFAULT_WITHIN_DAYS,
    )
    .option(
      '--outcome <trait=NAME[=VALUE]>',
      'outcome of exit flags: a trait known after the month; default: no purchase',
    )
    .option('--csv', 'one row per version, kind and decision as CSV')
    .description(
      'bought again, rose, left: what flagged customers did, with precision, recall, and who was missed; nothing is written',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  resegment outcome show --within 90\n  resegment outcome show --policy bank-three-class --from 2026-01 --to 2026-06 --csv\n',
    )
    .action((options: OutcomeOptions, command: Command) => {
      if (options.csv === true && terminalOf(command).json)
        throw new UsageError('option-invalid', '--csv and --json both say how the result is written; give one');
      const request = requestOf(options);
      return onTarget(command, host, (context) => showOutcomes(context, request, options.csv === true));
    });
};

const requestOf = (options: OutcomeOptions): FlagOutcomesRequest => {
  const { policy, within } = options;
  if (within > MOST_HORIZON_DAYS)
    throw new UsageError('option-invalid', `--within must be at most ${MOST_HORIZON_DAYS} days, got ${within}`);
  const month = (name: '--from' | '--to', text: string | undefined): string | undefined => {
    if (text !== undefined && !isPeriod(text))
      throw new UsageError('option-invalid', `${name} must be a month such as 2026-05, got ${JSON.stringify(text)}`);
    return text;
  };
  const [from, to, outcome] = [month('--from', options.from), month('--to', options.to), readOutcome(options.outcome)];
  return {
    withinDays: within,
    ...(policy === undefined ? {} : { policy }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(outcome === undefined ? {} : { outcome }),
  };
};

const showOutcomes = async (
  { target, terminal }: CommandContext,
  request: FlagOutcomesRequest,
  csv: boolean,
): Promise<ExitCode> => {
  const outcomes = await flagOutcomes(request, target, async (done, total) => {
    terminal.progress('reading customers and plans', done, total);
    await setImmediate();
  });
  if (csv) {
    terminal.raw(csvOf(flagOutcomesRows(outcomes)));
    return EXIT.done;
  }
  const policies = new Map<string, Policy>();
  for (const { policy } of outcomes.versions) policies.set(policy.hash, await loadPolicy(target.objects, policy.hash));
  terminal.result(outcomes, () => flagOutcomesText(outcomes, terminal.language, (hash) => policies.get(hash)));
  return EXIT.done;
};
