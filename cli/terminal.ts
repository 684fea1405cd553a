import { createInterface } from 'node:readline/promises';
import type { Language } from '#shared/application/format-value.ts';
import { printable } from '#shared/application/text-table.ts';

/** Where a command speaks: results to stdout, everything else to stderr. */
export interface Terminal {
  readonly language: Language;
  readonly json: boolean;
  /** Whether a person sits there who can be asked. */
  readonly interactive: boolean;
  /** The result: one JSON document, or text. */
  result(document: unknown, text: () => string): void;
  /** Raw text as the result, such as CSV of a list. */
  raw(text: string): void;
  note(text: string): void;
  /** Replaces the line of progress; nothing where stderr is no terminal. */
  progress(step: string, done?: number, total?: number): void;
  endProgress(): void;
  confirm(question: string): Promise<boolean>;
  bold(text: string): string;
}

export interface TerminalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** A terminal on the process's streams. `NO_COLOR` with any text switches emphasis off. */
export const openTerminal = (
  options: { readonly language: Language; readonly json: boolean },
  streams: TerminalStreams = process,
  environment: NodeJS.ProcessEnv = process.env,
): Terminal => {
  const { stdin, stdout, stderr } = streams;
  const moving = stderr.isTTY === true && !options.json;
  const coloured = stdout.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
  let shown = false;
  const endProgress = (): void => {
    if (shown) stderr.write('\r\u001b[K');
    shown = false;
  };
  return {
    ...options,
    interactive: stdin.isTTY === true && stderr.isTTY === true && !options.json,
    result: (document, text) => {
      endProgress();
      stdout.write(options.json ? `${JSON.stringify(document, null, 2)}\n` : ended(text()));
    },
    raw: (text) => {
      endProgress();
      stdout.write(text);
    },
    note: (text) => {
      endProgress();
      stderr.write(ended(text));
    },
    progress: (step, done, total) => {
      if (!moving) return;
      const count = done === undefined || total === undefined ? '' : ` ${done}/${total}`;
      stderr.write(`\r\u001b[K${printable(step)}${count}`);
      shown = true;
    },
    endProgress,
    confirm: async (question) => {
      endProgress();
      const asked = createInterface({ input: stdin, output: stderr });
      try {
        const answer = (await asked.question(`${question} [y/N] `)).trim().toLowerCase();
        return ['y', 'yes', '是', 'j', 'ja'].includes(answer);
      } finally {
        asked.close();
      }
    },
    bold: (text) => (coloured ? `\u001b[1m${text}\u001b[22m` : text),
  };
};

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
