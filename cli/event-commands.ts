import type { Command } from 'commander';
import { eventLine } from '#shared/application/event-text.ts';
import { type BusinessEvent, EVENT_TYPES } from '#shared/domain/business-event.ts';
import { type CommandContext, type CommandHost, onTarget, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { DEFAULT_LIMIT } from './list-options.ts';
import { instantOf } from './since-until.ts';
import { UsageError } from './usage-error.ts';

interface TailOptions {
  readonly follow?: boolean;
  readonly type?: readonly string[];
  readonly since?: string;
  readonly customer?: string;
  readonly limit: number;
}

/** How often a file that is followed is looked at. */
const LOOK_EVERY_MS = 500;

export const addEventCommands = (program: Command, host: CommandHost): void => {
  const event = program.command('event').alias('events').description('what other systems are told');
  event
    .command('tail')
    .option('--follow', 'go on as events come, until Ctrl-C')
    .option('--type <type...>', 'only of these types, such as segment.moved, or all of a kind, such as case')
    .option('--since <when>', 'only what happened from this date or instant on')
    .option('--customer <id>', 'only of this customer')
    .option('--limit <n>', 'at most the last so many', wholeNumber('--limit', 1), DEFAULT_LIMIT)
    .description('the last events that were sent, in the order of sending; on the local stack')
    .addHelpText(
      'after',
      `
Types: ${EVENT_TYPES.join(', ')}.
With --follow and --json: one event a line.

Examples:
  resegment event tail --type case decision --since 2026-05-01
  resegment event tail --follow --json
`,
    )
    .action((options: TailOptions, command: Command) =>
      onTarget(command, host, (context) => tail(context, options, host.interrupted)),
    );
};

const tail = async (
  { target, terminal }: CommandContext,
  options: TailOptions,
  interrupted: Promise<never>,
): Promise<ExitCode> => {
  const isWanted = wantedBy(options, target.timeZone);
  const { events: log } = target;
  if (log === undefined) {
    const bus = `resegment-${target.describe().stage}`;
    throw new UsageError(
      'events-not-kept',
      `the events of an account go to the bus ${bus}, which keeps none to be read here`,
      {
        hint: 'give the bus a rule with a log group as target, then: aws logs tail GROUP --follow; docs/events.md shows how',
      },
    );
  }
  await log.sendWaiting();
  const sent = log.read();
  const wanted = sent.events.filter(isWanted);
  const shown = wanted.slice(-options.limit);
  const line = (one: BusinessEvent): string =>
    `${terminal.json ? JSON.stringify(one) : eventLine(one, terminal.language)}\n`;
  if (options.follow !== true) {
    terminal.result({ events: shown, earlier: wanted.length - shown.length }, () => shown.map(line).join(''));
    if (!terminal.json && wanted.length > shown.length) {
      const earlier = wanted.length - shown.length;
      terminal.note(
        terminal.language === 'en'
          ? `${earlier} earlier ones; --limit shows more`
          : `另有更早的 ${earlier} 条；用 --limit 查看`,
      );
    }
    if (wanted.length === 0)
      terminal.note(terminal.language === 'en' ? 'no such event was sent' : '没有发出过这样的事件');
    return EXIT.done;
  }
  for (const one of shown) terminal.raw(line(one));
  let isOver = false;
  interrupted.catch(() => {
    isOver = true;
  });
  for (let from = sent.end; !isOver; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    const more = log.read(from);
    from = more.end;
    for (const one of more.events.filter(isWanted)) terminal.raw(line(one));
  }
  return EXIT.interrupted;
};

const wantedBy = (options: TailOptions, timeZone: string): ((event: BusinessEvent) => boolean) => {
  const types = options.type?.map(typeFilter);
  const since = options.since === undefined ? undefined : instantOf('--since', options.since, timeZone);
  return (event) =>
    (types === undefined || types.some((matches) => matches(event.type))) &&
    (since === undefined || event.at >= since) &&
    (options.customer === undefined || event.customerId === options.customer);
};

const KINDS = [...new Set(EVENT_TYPES.map((type) => type.slice(0, type.indexOf('.'))))];

const typeFilter = (given: string): ((type: string) => boolean) => {
  if (EVENT_TYPES.some((type) => type === given)) return (type) => type === given;
  if (KINDS.includes(given)) return (type) => type.startsWith(`${given}.`);
  throw new UsageError(
    'type-unknown',
    `--type must be one of ${[...KINDS, ...EVENT_TYPES].join(', ')}, got ${JSON.stringify(given)}`,
  );
};
