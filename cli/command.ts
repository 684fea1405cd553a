import type { Command } from 'commander';
import { LANGUAGES, type Language } from '#shared/application/format-value.ts';
import type { ExitCode } from './exit-code.ts';
import { type Target, type TargetOptions, targetLine } from './target.ts';
import { openTerminal, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** What a command gets. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Who asks: recorded with runs. */
  readonly by: string;
  readonly target: Target;
}

/** Opens the target of a command. */
export type OpenTarget = (options: TargetOptions) => Promise<Target>;

/** What `main` hands to the commands. */
export interface CommandHost {
  readonly openTarget: OpenTarget;
  /** Keeps the exit code of the command that ran. */
  finish(code: ExitCode): void;
  /** Called when the user interrupts; the promise rejects the command. */
  readonly interrupted: Promise<never>;
}

export interface GlobalOptions {
  readonly target: string;
  readonly stage?: string;
  readonly data: string;
  readonly json: boolean;
  readonly lang: string;
  readonly as?: string;
}

export const DEFAULT_DATA = '.local/demo';

export const globalsOf = (command: Command): GlobalOptions => command.optsWithGlobals<GlobalOptions>();

export const terminalOf = (command: Command): Terminal => {
  const { lang, json } = globalsOf(command);
  return openTerminal({ language: languageOf(lang), json: json === true });
};

/** Runs work on the target, names the target on stderr before, and closes it after, also when the work fails. */
export const onTarget = async (
  command: Command,
  host: CommandHost,
  work: (context: CommandContext) => Promise<ExitCode>,
): Promise<void> => {
  const terminal = terminalOf(command);
  const options = globalsOf(command);
  const target = await host.openTarget({ ...targetOptions(options), mayCreate: mayCreate(command) });
  try {
    terminal.note(targetLine(target.describe()));
    host.finish(await Promise.race([work({ terminal, target, by: byWhom(options, target) }), host.interrupted]));
  } finally {
    terminal.endProgress();
    await target.close();
  }
};

/** Only what brings data in makes sense where there is none. */
const mayCreate = (command: Command): boolean => command.parent?.name() === 'import' && BRING_IN.has(command.name());

const BRING_IN: ReadonlySet<string> = new Set(['purchases', 'customers', 'answers', 'notes', 'staff']);

const targetOptions = (options: GlobalOptions): TargetOptions => {
  if (options.target !== 'local' && options.target !== 'aws') {
    throw new UsageError('target-unknown', `--target must be local or aws, got ${JSON.stringify(options.target)}`);
  }
  if (options.target === 'aws' && options.stage === undefined) {
    throw new UsageError('stage-missing', '--target aws needs --stage', {
      hint: 'such as --stage prod, or set RESEGMENT_STAGE',
    });
  }
  return { target: options.target, stage: options.stage ?? 'local', data: options.data };
};

/** In an account it is the caller that AWS verified; locally the name is what the user says, and it says so. */
const byWhom = (options: GlobalOptions, target: Target): string => {
  if (target.caller === undefined) return `${options.as ?? process.env['USER'] ?? 'operator'} (unverified)`;
  if (options.as !== undefined) {
    throw new UsageError('as-not-allowed', `--as ${JSON.stringify(options.as)} is for the local stack only`, {
      hint: `in an account you are who AWS says: ${target.caller}`,
    });
  }
  return target.caller;
};

const languageOf = (text: string): Language => {
  const language = LANGUAGES.find((one) => one === text) ?? (text === 'zh' ? 'zh-CN' : undefined);
  if (language === undefined)
    throw new UsageError('language-unknown', `--lang must be en or zh-CN, got ${JSON.stringify(text)}`);
  return language;
};

/** A whole number of an option. */
export const wholeNumber =
  (name: string, least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/u.test(text) || value < least) {
      throw new UsageError(
        'option-invalid',
        `${name} must be a whole number from ${least}, got ${JSON.stringify(text)}`,
      );
    }
    return value;
  };
