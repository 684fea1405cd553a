import type { Command } from 'commander';
import { isStage, STAGES } from '#infra/stage-config.ts';
import { textTable } from '#shared/application/text-table.ts';
import { PermanentError } from '#shared/errors.ts';
import type { KeyRing } from '#shared/ports/secrets.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';

export const addKeyCommands = (program: Command, host: CommandHost): void => {
  const key = program
    .command('key')
    .description('keys that sign the links of mails, by key id; never the keys themselves');

  key
    .command('list')
    .description('which link keys the ring has, which one signs, and what happened to it')
    .addHelpText('after', '\nExample:\n  resegment key list --target aws --stage prod\n')
    .action((_options: unknown, command: Command) => onTarget(command, host, list));

  key
    .command('create')
    .description('make the ring of a new stage, once; with a link key of the id that the stage names')
    .addHelpText('after', '\nExample:\n  resegment key create --target aws --stage prod\n')
    .action((_options: unknown, command: Command) => onTarget(command, host, create));

  key
    .command('add')
    .argument('<kid>', 'id of the new key: 1 to 16 letters, digits, _ or -')
    .description('add a link key; it signs once the stage names it and is deployed')
    .addHelpText('after', '\nExample:\n  resegment key add k2 --target aws --stage prod\n')
    .action((kid: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => add(context, kid)),
    );

  key
    .command('retire')
    .argument('<kid>', 'id of a link key')
    .description('remove a link key: links that it signed are refused from then on')
    .addHelpText('after', '\nExample:\n  resegment key retire k1 --target aws --stage prod\n')
    .action((kid: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => retire(context, kid)),
    );
};

const list = async (context: CommandContext): Promise<ExitCode> => {
  const known = await ringOf(context).show();
  if (known === undefined) throw noRing();
  const signs = signingKey(context);
  const rows = known.links.map((kid) => [kid, kid === signs ? 'signs new links' : 'checks links']);
  context.terminal.result({ signs, ...known }, () =>
    [
      textTable([['key', 'use'], ...rows]),
      textTable([['when', 'what', 'key', 'by'], ...known.history.map((one) => [one.at, one.event, one.kid, one.by])]),
    ].join('\n'),
  );
  return EXIT.done;
};

const create = async (context: CommandContext): Promise<ExitCode> => {
  const kid = signingKey(context);
  const outcome = await ringOf(context).create(kid, order(context));
  context.terminal.result({ kid, outcome }, () =>
    outcome === 'created'
      ? `the ring is made, with link key ${kid} and the key of address hashes`
      : 'there is a ring already; nothing changed',
  );
  return EXIT.done;
};

const add = async (context: CommandContext, kid: string): Promise<ExitCode> => {
  const outcome = await ringOf(context).add(kid, order(context));
  context.terminal.result({ kid, outcome }, () =>
    outcome === 'added'
      ? `link key ${kid} is added. Links are signed with ${signingKey(context)} until linkKeyId of the stage is ${kid} and it is deployed`
      : `there is a link key ${kid} already; nothing changed`,
  );
  return EXIT.done;
};

const retire = async (context: CommandContext, kid: string): Promise<ExitCode> => {
  if (kid === signingKey(context)) {
    throw new PermanentError('key-in-use', `${kid} signs the links of new mails, so it cannot be retired`, {
      hint: 'add another key, name it as linkKeyId of the stage, deploy, and then retire this one',
    });
  }
  const outcome = await ringOf(context).retire(kid, order(context));
  context.terminal.result({ kid, outcome }, () =>
    outcome === 'retired'
      ? `link key ${kid} is retired. Functions that run now still accept its links, until they end or the stage is deployed`
      : `there is no link key ${kid}; nothing changed`,
  );
  return EXIT.done;
};

const order = ({ by, target }: CommandContext) => ({ by, at: target.clock.now() });

const ringOf = ({ target }: CommandContext): KeyRing => {
  if (target.keyRing !== undefined) return target.keyRing;
  throw new PermanentError('no-key-ring', 'the local stack makes its own keys and has no ring to look after', {
    hint: 'name a stage of an account: --target aws --stage dev',
  });
};

const noRing = (): PermanentError =>
  new PermanentError('key-ring-missing', 'this stage has no ring of keys yet', {
    hint: 'make it once: resegment key create',
  });

const signingKey = ({ target }: CommandContext): string => {
  const { stage } = target.describe();
  return isStage(stage) ? STAGES[stage].linkKeyId : STAGES.local.linkKeyId;
};
