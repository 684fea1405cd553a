import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { printable } from '#shared/application/text-table.ts';
import { isResegmentError } from '#shared/errors.ts';
import { addActionCommands } from './action-commands.ts';
import { addAnswerCommands } from './answer-commands.ts';
import { addAuditCommand } from './audit-command.ts';
import { addBacktestCommand } from './backtest-command.ts';
import { addCaseCommands } from './case-commands.ts';
import { addClockCommands } from './clock-commands.ts';
import { type CommandHost, DEFAULT_DATA, type OpenTarget } from './command.ts';
import { addContactCommands } from './contact-commands.ts';
import { addCustomerCommands } from './customer-commands.ts';
import { addEstimateCommand } from './estimate-command.ts';
import { addEventCommands } from './event-commands.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { addExportCommand } from './export-command.ts';
import { addFeedCommands } from './feed-commands.ts';
import { addFlagCommands } from './flag-commands.ts';
import { addImportCommands } from './import-commands.ts';
import { addKeyCommands } from './key-commands.ts';
import { addNoteCommands } from './note-commands.ts';
import { openTarget } from './open-target.ts';
import { addOutcomeCommands } from './outcome-commands.ts';
import { addPinCommands } from './pin-commands.ts';
import { addPolicyCommands } from './policy-commands.ts';
import { addRunCommands } from './run-commands.ts';
import { addShowCommands } from './show-commands.ts';
import { addStaffCommands } from './staff-commands.ts';
import { addTeamCommand } from './team-command.ts';
import { UsageError } from './usage-error.ts';
import { addWaveCommands } from './wave-commands.ts';

/** The interrupt signal arrived: what was started goes on or is entered again. */
class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Runs one command.
 *
 * @param arguments_ without node and script
 * @returns the exit code: 0 done, 1 failed, 2 usage, 3 held, 4 degraded, 130 interrupted
 */
export const main = async (arguments_: readonly string[], open: OpenTarget = openTarget): Promise<number> => {
  let code: ExitCode = EXIT.done;
  let onSignal: (() => void) | undefined;
  const interrupted = new Promise<never>((_, reject) => {
    onSignal = () => reject(new Interrupted('interrupted'));
  });
  interrupted.catch(() => undefined);
  if (onSignal !== undefined) process.once('SIGINT', onSignal);
  const host: CommandHost = {
    openTarget: open,
    interrupted,
    finish: (finished) => {
      code = finished;
    },
  };
  const json = arguments_.includes('--json');
  try {
    await newProgram(host, json).parseAsync([...arguments_], { from: 'user' });
    return code;
  } catch (error) {
    return report(error, json);
  } finally {
    if (onSignal !== undefined) process.removeListener('SIGINT', onSignal);
  }
};

const newProgram = (host: CommandHost, json: boolean): Command => {
  const program = new Command('resegment')
    .description("Segments by policy, surveys by segment, flags that people decide: the operator's tool.")
    .version(versionOfProduct(), '--version', 'print the version')
    .option('--target <target>', 'local or aws', process.env['RESEGMENT_TARGET'] ?? 'local')
    .option('--stage <stage>', 'stage of the account', process.env['RESEGMENT_STAGE'])
    .option('--data <dir>', "folder of the local stack's data", DEFAULT_DATA)
    .option('--json', 'one JSON document on stdout and nothing else, errors too')
    .option('--lang <language>', 'en or zh-CN', 'en')
    .option('--as <name>', 'who you are, on the local stack; not verified')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', HELP);
  program.hook('preAction', (_, command) => assertNoBlankArgument(command));
  program.exitOverride();
  program.configureOutput({ writeErr: () => undefined });
  addImportCommands(program, host);
  addFeedCommands(program, host);
  addRunCommands(program, host);
  addShowCommands(program, host);
  addWaveCommands(program, host);
  addFlagCommands(program, host);
  addCaseCommands(program, host);
  addActionCommands(program, host);
  addAnswerCommands(program, host);
  addTeamCommand(program, host);
  addOutcomeCommands(program, host);
  addPinCommands(program, host);
  addNoteCommands(program, host);
  addCustomerCommands(program, host);
  addContactCommands(program, host);
  addStaffCommands(program, host);
  addClockCommands(program, host);
  addPolicyCommands(program, host);
  addKeyCommands(program, host);
  addEstimateCommand(program, host);
  addExportCommand(program, host);
  addEventCommands(program, host);
  addAuditCommand(program, host);
  addBacktestCommand(program, host);
  for (const command of allOf(program)) {
    command.exitOverride();
    command.configureOutput({
      writeErr: () => undefined,
      ...(json ? { writeOut: (text) => process.stdout.write(text) } : {}),
    });
    command.configureHelp({ showGlobalOptions: true });
  }
  return program;
};

/** @throws UsageError `argument-empty`, as a script gives it whose variable is not set */
const assertNoBlankArgument = (command: Command): void => {
  const at = command.args.findIndex((given) => given.trim() === '');
  if (at === -1) return;
  const names = command.registeredArguments;
  const name = names[Math.min(at, names.length - 1)]?.name() ?? 'argument';
  throw new UsageError(
    'argument-empty',
    `${command.name()}: ${name} is empty, got ${JSON.stringify(command.args[at])}`,
    {
      hint: `give the ${name}, or leave it out where the command has a default; \`--help\` shows it`,
    },
  );
};

/** Every command that does something, by its words, such as `run list`; groups are left out. */
export const commandNames = (): readonly string[] => {
  const host: CommandHost = {
    openTarget,
    interrupted: new Promise(() => undefined),
    finish: () => undefined,
  };
  const namesOf = (command: Command, before: readonly string[]): readonly string[] =>
    command.commands.flatMap((one) => {
      const words = [...before, one.name()];
      const below = namesOf(one, words);
      return one.commands.length === 0 || ACTS.has(words.join(' ')) ? [words.join(' '), ...below] : below;
    });
  return namesOf(newProgram(host, false), []);
};

/** Groups that are commands too. */
const ACTS: ReadonlySet<string> = new Set(['run']);

const allOf = (command: Command): readonly Command[] => command.commands.flatMap((one) => [one, ...allOf(one)]);

const HELP = `
A RUN is an id, a unique beginning of one, latest, previous, or a month such as 2026-05.
Exit codes: 0 planned, published or done; 1 failed; 2 wrong usage; 3 held by a brake, nothing written; 4 degraded; 130 interrupted.

Examples:
  resegment import purchases orders.csv --map customer=customer_id,date=order_date,amount=revenue --contacts demo
  resegment plan --policy retail-rfm
  resegment apply latest
  resegment explain C-1042
`;

const versionOfProduct = (): string => {
  const document: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
  return typeof document === 'object' && document !== null && 'version' in document
    ? String(document.version)
    : 'unknown';
};

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly path: string | null;
  readonly hint: string | null;
}

/** Errors that the input or the options caused: nothing was done. */
const USAGE_CODES = new Set([
  'run-unknown',
  'wave-unknown',
  'wave-closed',
  'wave-cancelled',
  'mapping-invalid',
  'delimiter-invalid',
  'date-format-invalid',
  'as-of-missing',
  'as-of-invalid',
  'as-of-in-future',
  'scale-invalid',
  'batch-unknown',
  'no-active-policy',
  'policy-not-found',
  'map-invalid',
  'encoding-unknown',
  'decimal-unknown',
  'policy-unreadable',
  'policy-invalid',
  'range-invalid',
  'range-without-facts',
  'outcome-is-input',
  'outcome-unknown',
  'customer-unknown',
  'customer-erased',
  'reason-invalid',
  'reason-personal',
  'dimension-unknown',
  'segment-unknown',
  'reason-missing',
  'about-invalid',
  'rating-invalid',
  'date-invalid',
  'note-unknown',
  'too-many-notes',
  'flag-decided',
  'flag-expired',
  'flag-withdrawn',
  'flag-unknown',
  'kind-missing',
  'too-many-exits',
  'approver-is-proposer',
  'role-missing',
  'letter-not-due',
  'since-invalid',
  'note-missing',
  'case-unknown',
  'case-taken',
  'case-closed',
  'answer-unknown',
  'answer-counts',
  'answer-without-score',
  'answer-judged',
  'judge-is-party',
  'until-invalid',
  'staff-circle',
  'staff-unknown',
  'desk-unknown',
  'plan-expired',
  'brake-not-holding',
  'run-published',
  'run-not-published',
  'run-not-over',
  'run-closes-no-period',
  'period-passed',
  'nothing-to-roll-back',
  'rollback-too-deep',
  'run-is-applying',
  'predecessor-overwritten',
]);

const report = (error: unknown, json: boolean): ExitCode => {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.done;
    if (error.code === 'commander.help') {
      return fail(
        {
          code: 'command-missing',
          message: 'a command is missing',
          path: null,
          hint: 'resegment --help lists the commands',
        },
        json,
        EXIT.usage,
      );
    }
    const message = error.message.replace(/^error: /u, '');
    return fail(
      {
        code: error.code.replace(/^commander\./u, 'usage-'),
        message,
        path: null,
        hint: 'resegment COMMAND --help shows how it is used',
      },
      json,
      EXIT.usage,
    );
  }
  if (error instanceof Interrupted) {
    return fail(
      {
        code: 'interrupted',
        message: 'interrupted; a run or an import that was started is not lost',
        path: null,
        hint: 'resegment status and resegment import list show where it stands',
      },
      json,
      EXIT.interrupted,
    );
  }
  if (error instanceof UsageError) {
    return fail(
      { code: error.code, message: error.message, path: error.path ?? null, hint: error.hint ?? null },
      json,
      EXIT.usage,
    );
  }
  if (isResegmentError(error)) {
    return fail(
      { code: error.code, message: error.message, path: error.path ?? null, hint: error.hint ?? null },
      json,
      USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed,
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  if (process.env['RESEGMENT_DEBUG'] !== undefined && error instanceof Error)
    process.stderr.write(`${error.stack ?? ''}\n`);
  return fail(
    { code: 'unexpected', message, path: null, hint: 'RESEGMENT_DEBUG=1 shows where it happened' },
    json,
    EXIT.failed,
  );
};

const fail = (problem: Problem, json: boolean, code: ExitCode): ExitCode => {
  if (json) process.stdout.write(`${JSON.stringify({ error: problem }, null, 2)}\n`);
  else {
    const lines = problem.message.split('\n').map(printable).join('\n  ');
    process.stderr.write(`resegment: ${lines}${problem.hint === null ? '' : `\n  ${printable(problem.hint)}`}\n`);
  }
  return code;
};
