import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { dossierText, holdingsText } from '#shared/application/contact-text.ts';
import { eraseContact, previewErasure } from '#shared/application/erase-contact.ts';
import type { PersonPorts } from '#shared/application/person-ports.ts';
import { showContact } from '#shared/application/show-contact.ts';
import { printable } from '#shared/application/text-table.ts';
import { PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget, terminalOf } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Target } from './target.ts';
import { UsageError } from './usage-error.ts';

interface EraseOptions {
  readonly reason: string;
  readonly yes?: boolean;
}

export const addContactCommands = (program: Command, host: CommandHost): void => {
  const contact = program.command('contact').description('what is held about a person: hand it out, or erase it');

  contact
    .command('show')
    .argument('<customer>', 'id of a customer')
    .option('--out <file>', 'write everything as JSON to a new file that only you can read')
    .description('everything held about a person, and nothing of others')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment contact show C-1042\n  resegment contact show C-1042 --out dossier.json --lang zh-CN\n',
    )
    .action((customerId: string, options: { readonly out?: string }, command: Command) => {
      if (options.out !== undefined) assertFree(options.out);
      return onTarget(command, host, (context) => show(context, customerId, options.out));
    });

  contact
    .command('erase')
    .argument('<customer>', 'id of a customer')
    .requiredOption('--reason <text>', 'why, without naming the person: it is kept')
    .option('--yes', 'erase without asking')
    .description('erase a person everywhere; it cannot be undone, and doing it again finishes what was interrupted')
    .addHelpText('after', '\nExample:\n  resegment contact erase C-1042 --reason "request of 12 May" --yes\n')
    .action(async (customerId: string, options: EraseOptions, command: Command) => {
      if (options.yes !== true && !terminalOf(command).interactive) {
        throw new UsageError(
          'confirmation-missing',
          '`contact erase` asks before it erases, and there is no terminal to ask on',
          { hint: 'add --yes; `resegment contact show CUSTOMER` shows what would go' },
        );
      }
      await onTarget(command, host, (context) => erase(context, customerId, options));
    });
};

const assertFree = (file: string): void => {
  if (existsSync(file)) {
    throw new UsageError('out-exists', `the file ${file} exists`, { hint: 'name a new file; it is not overwritten' });
  }
};

const personPorts = (target: Target): PersonPorts => {
  if (target.persons !== undefined) return target.persons;
  throw new PermanentError(
    'persons-not-reachable',
    'the key of address hashes of this stage is kept from operators, so persons cannot be shown or erased from here',
  );
};

const show = async (context: CommandContext, customerId: string, out: string | undefined): Promise<ExitCode> => {
  const { target, terminal } = context;
  const dossier = await showContact(customerId, personPorts(target));
  const document = { currency: target.currency, ...dossier };
  if (out !== undefined) {
    writeFileSync(out, `${JSON.stringify(document, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
    terminal.note(terminal.language === 'en' ? `written to ${out}` : `已写入 ${out}`);
  }
  terminal.result(document, () => dossierText(dossier, { language: terminal.language, currency: target.currency }));
  return EXIT.done;
};

const erase = async (context: CommandContext, customerId: string, options: EraseOptions): Promise<ExitCode> => {
  const { target, terminal, by } = context;
  const ports = personPorts(target);
  const english = terminal.language === 'en';
  const shown = printable(customerId);
  if (options.yes !== true) {
    const held = holdingsText(await previewErasure(customerId, ports), terminal.language);
    const question = english
      ? `Erase ${shown} for good: ${held === '' ? 'nothing is left' : held}?`
      : `永久删除 ${shown}：${held === '' ? '已无任何信息' : held}？`;
    if (!(await terminal.confirm(question))) {
      terminal.note(english ? 'nothing was erased' : '未删除任何信息');
      return EXIT.done;
    }
  }
  const done = await eraseContact({ customerId, by, reason: options.reason }, ports);
  const removed = holdingsText(done.removed, terminal.language);
  terminal.result(done, () =>
    english
      ? done.outcome === 'alreadyErased'
        ? `${shown} was erased on ${done.at.slice(0, 10)} by ${done.by}: ${done.reason}; nothing was left to erase`
        : `${shown} is erased: ${removed}. Kept: that ${done.by} erased somebody at ${done.at} (${done.reason}), and keyed hashes so that imports do not bring the person back`
      : done.outcome === 'alreadyErased'
        ? `${shown} 已于 ${done.at.slice(0, 10)} 由 ${done.by} 删除：${done.reason}；没有可删除的信息`
        : `${shown} 已删除：${removed}。仅保留：${done.by} 于 ${done.at} 执行了删除（${done.reason}），以及防止再次导入的密钥哈希`,
  );
  return EXIT.done;
};
