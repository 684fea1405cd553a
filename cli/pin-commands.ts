import type { Command } from 'commander';
import { clearPin, listPins, setPin } from '#shared/application/pin-segment.ts';
import { textTable } from '#shared/application/text-table.ts';
import type { Pin } from '#shared/domain/facts.ts';
import { PIN_STATES } from '#shared/domain/pins.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { csvOf, type ListOptions, withListOptions } from './list-options.ts';
import { PIN_WORDS } from './pin-words.ts';
import { segmentText } from './segment-text.ts';
import { activePolicy } from './show-commands.ts';
import { UsageError } from './usage-error.ts';

interface PinOptions {
  readonly dimension?: string;
  readonly reason: string;
}

interface SetOptions extends PinOptions {
  readonly segment: string;
  readonly until: string;
}

export const addPinCommands = (program: Command, host: CommandHost): void => {
  const pin = program.command('pin').description('segments that a person sets, with a reason and a last day');

  pin
    .command('set')
    .argument('<customer>', 'id of a customer')
    .requiredOption('--segment <segment>', 'segment to hold, by its name in the policy')
    .requiredOption('--until <date>', 'last day on which it holds, YYYY-MM-DD; at most two years ahead')
    .requiredOption('--reason <text>', 'why; shown wherever the pin is')
    .option('--dimension <dimension>', "dimension of the active policy; default: the policy's main one")
    .description('hold a customer in a segment, from the next run on')
    .addHelpText(
      'after',
      '\nExample:\n  resegment pin set C-1042 --segment priority --until 2027-03-31 --reason "new frame contract"\n',
    )
    .action((customerId: string, options: SetOptions, command: Command) =>
      onTarget(command, host, (context) => set(context, customerId, options)),
    );

  pin
    .command('clear')
    .argument('<customer>', 'id of a customer')
    .requiredOption('--reason <text>', 'why; kept with the pin')
    .option('--dimension <dimension>', "dimension of the active policy; default: the policy's main one")
    .description('end a pin; the next run places the customer by the ratings')
    .addHelpText('after', '\nExample:\n  resegment pin clear C-1042 --reason "contract ended"\n')
    .action((customerId: string, options: PinOptions, command: Command) =>
      onTarget(command, host, (context) => clear(context, customerId, options)),
    );

  withListOptions(pin.command('list'))
    .description(`pins in force, the first to end first; --state ${PIN_STATES.join(', ')} or all`)
    .addHelpText(
      'after',
      '\nExamples:\n  resegment pin list --manager "Li Wei"\n  resegment pin list --state all --csv\n',
    )
    .action((options: ListOptions, command: Command) => onTarget(command, host, (context) => list(context, options)));
};

const policyOf = async (context: CommandContext): Promise<Policy> => {
  const policy = await activePolicy(context);
  if (policy === undefined) {
    throw new PermanentError('no-active-policy', 'no policy is active yet, so there is no segment to pin to', {
      hint: 'run once: resegment run --policy bank-three-class',
    });
  }
  return policy;
};

const pinnedSegment = (policy: Policy | undefined, pin: Pin, context: CommandContext): string =>
  segmentText(pin.segment, policy, context, pin.dimension);

const set = async (context: CommandContext, customerId: string, options: SetOptions): Promise<ExitCode> => {
  const { target, terminal, by } = context;
  const policy = await policyOf(context);
  const done = await setPin({ ...options, customerId, by }, policy, target);
  const text = pinnedSegment(policy, done.pin, context);
  const words = PIN_WORDS[terminal.language];
  terminal.result(done, () =>
    done.outcome === 'unchanged'
      ? words.already(customerId, text, done.dimension, done.pin)
      : [
          words.pinned(customerId, text, done.dimension, done.pin.until),
          ...(done.replaced === null
            ? []
            : [words.replaces(pinnedSegment(policy, done.replaced, context), done.replaced)]),
        ].join('\n'),
  );
  return EXIT.done;
};

const clear = async (context: CommandContext, customerId: string, options: PinOptions): Promise<ExitCode> => {
  const { target, terminal, by } = context;
  const policy = await policyOf(context);
  const done = await clearPin({ ...options, customerId, by }, policy, target);
  terminal.result(done, () =>
    done.pin === null
      ? PIN_WORDS[terminal.language].noPin(customerId, done.dimension)
      : PIN_WORDS[terminal.language].cleared(customerId, pinnedSegment(policy, done.pin, context), done.dimension),
  );
  return EXIT.done;
};

const list = async (context: CommandContext, options: ListOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  const states = [...PIN_STATES, 'all'] as const;
  const state = states.find((one) => one === (options.state ?? 'active'));
  if (state === undefined) {
    throw new UsageError(
      'state-unknown',
      `--state must be one of ${states.join(', ')}, got ${JSON.stringify(options.state)}`,
    );
  }
  const { branch, manager, segment } = options;
  const all = await listPins(target, {
    state,
    ...(branch === undefined ? {} : { branch }),
    ...(manager === undefined ? {} : { manager }),
    ...(segment === undefined ? {} : { segment }),
  });
  const policy = await activePolicy(context);
  const shown = all.slice(0, options.limit);
  const words = PIN_WORDS[terminal.language];
  const rows = [
    words.head,
    ...shown.map(({ customerId, branch: at, manager: whose, state: now, pin }) => [
      customerId,
      pin.dimension,
      pinnedSegment(policy, pin, context),
      at ?? '',
      whose ?? '',
      words.states[now],
      pin.until,
      pin.setAt.slice(0, 10),
      pin.by,
      pin.reason,
      pin.cleared === undefined ? '' : `${pin.cleared.at.slice(0, 10)} ${pin.cleared.by}: ${pin.cleared.reason}`,
    ]),
  ];
  if (options.csv === true) terminal.raw(csvOf(rows));
  else {
    const more = all.length - shown.length;
    terminal.result(
      shown.map(({ pin, ...about }) => ({ ...about, ...pin })),
      () => (shown.length === 0 ? words.none : `${textTable(rows)}${more > 0 ? `\n${words.more(more)}` : ''}`),
    );
  }
  return EXIT.done;
};
