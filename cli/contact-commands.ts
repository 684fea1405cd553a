import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { dossierText, holdingsText } from '#shared/application/contact-text.ts';
import { eraseContact, eraseRestored, previewErasure } from '#shared/application/erase-contact.ts';
import type { PersonPorts } from '#shared/application/person-ports.ts';
import { showContact } from '#shared/application/show-contact.ts';
import { printable } from '#shared/application/text-table.ts';
import { PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget, terminalOf } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Target } from './target.ts';
import { UsageError } from './usage-error.ts';

interface EraseOptions {
  readonly reason?: string;
  readonly restored?: boolean;
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
    .argument('[customer]', 'id of a customer')
    .option('--reason <text>', 'why, without naming the person: it is kept')
    .option('--restored', 'instead of a customer: everybody erased before whom a restore of the tables brought back')
    .option('--yes', 'erase without asking')
    .description('erase a person everywhere; it cannot be undone, and doing it again finishes what was interrupted')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment contact erase C-1042 --reason "request of 12 May" --yes\n  resegment contact erase --restored --yes\n',
    )
    .action(async (customerId: string | undefined, options: EraseOptions, command: Command) => {
      const request = requestOf(customerId, options);
      if (options.yes !== true && !terminalOf(command).interactive) {
        throw new UsageError(
          'confirmation-missing',
          '`contact erase` asks before it erases, and there is no terminal to ask on',
          { hint: 'add --yes; `resegment contact show CUSTOMER` shows what would go' },
        );
      }
      await onTarget(command, host, (context) =>
        request === 'restored'
          ? eraseAgain(context, options.yes === true)
          : erase(context, request, options.yes === true),
      );
    });
};

interface NamedErasure {
  readonly customerId: string;
  readonly reason: string;
}

const requestOf = (customerId: string | undefined, { reason, restored }: EraseOptions): NamedErasure | 'restored' => {
  if (restored === true) {
    if (customerId === undefined && reason === undefined) return 'restored';
    throw new UsageError('option-invalid', '--restored goes with neither a customer nor --reason', {
      hint: 'everybody is erased for the reason that was given at first',
    });
  }
  if (customerId === undefined) {
    throw new UsageError('customer-missing', 'whom to erase is missing', {
      hint: 'name a customer, or --restored after a restore of the tables',
    });
  }
  if (reason === undefined) {
    throw new UsageError('reason-missing', '--reason is missing; it is kept, without the person', {
      hint: 'such as --reason "request of 12 May"',
    });
  }
  return { customerId, reason };
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

const eraseAgain = async ({ target, terminal, by }: CommandContext, yes: boolean): Promise<ExitCode> => {
  const english = terminal.language === 'en';
  const question = english
    ? 'Look at every customer and erase for good those who were erased before?'
    : '检查所有客户，并再次永久删除此前已删除的客户？';
  if (!yes && !(await terminal.confirm(question))) {
    terminal.note(english ? 'nothing was erased' : '未删除任何信息');
    return EXIT.done;
  }
  const done = await eraseRestored({ by }, personPorts(target));
  terminal.result(done, () =>
    english
      ? `${done.looked} customers looked at, ${done.erased} erased again${done.unreadable === 0 ? '' : `; ${done.unreadable} cannot be read and were not judged`}`
      : `已检查 ${done.looked} 位客户，再次删除 ${done.erased} 位${done.unreadable === 0 ? '' : `；${done.unreadable} 位无法读取，未作判断`}`,
  );
  return done.unreadable === 0 ? EXIT.done : EXIT.failed;
};

const erase = async (
  context: CommandContext,
  { customerId, reason }: NamedErasure,
  yes: boolean,
): Promise<ExitCode> => {
  const { target, terminal, by } = context;
  const ports = personPorts(target);
  const english = terminal.language === 'en';
  const shown = printable(customerId);
  if (!yes) {
    const held = holdingsText(await previewErasure(customerId, ports), terminal.language);
    const question = english
      ? `Erase ${shown} for good: ${held === '' ? 'nothing is left' : held}?`
      : `永久删除 ${shown}：${held === '' ? '已无任何信息' : held}？`;
    if (!(await terminal.confirm(question))) {
      terminal.note(english ? 'nothing was erased' : '未删除任何信息');
      return EXIT.done;
    }
  }
  const done = await eraseContact({ customerId, by, reason }, ports);
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
