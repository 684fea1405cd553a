import type { Command } from 'commander';
import { momentText } from '#shared/application/reader-frame.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { UsageError } from './usage-error.ts';

interface MoveOptions {
  readonly by?: string;
  readonly to?: string;
}

export const addClockCommands = (program: Command, host: CommandHost): void => {
  const clock = program.command('clock').description('the business clock of the local stack');

  clock
    .command('show')
    .description('what the clock of the target shows')
    .addHelpText('after', '\nExample:\n  resegment clock show\n')
    .action((_options: unknown, command: Command) =>
      onTarget(command, host, async ({ target, terminal }) => {
        const now = target.clock.now();
        terminal.result({ now }, () => `${now} (${momentText(now, target.timeZone)})`);
        return EXIT.done;
      }),
    );

  clock
    .command('move')
    .option('--by <time>', 'such as 49h, 3d or 90m')
    .option('--to <instant>', 'such as 2026-05-03T10:00:00Z')
    .description('move the clock of the local stack forwards, and see what falls due: reminders, escalations, closings')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment clock move --by 49h\n  resegment clock move --to 2026-05-03T10:00:00Z\n',
    )
    .action((options: MoveOptions, command: Command) => onTarget(command, host, (context) => move(context, options)));
};

const move = async ({ target, terminal, by: who }: CommandContext, options: MoveOptions): Promise<ExitCode> => {
  if (target.moveClock === undefined) {
    throw new UsageError('clock-not-movable', 'only the clock of the local stack can be moved', {
      hint: 'leave out --target, and start the stack with npm start',
    });
  }
  const before = target.clock.now();
  const to = instantOf(options, before);
  if (to < before) {
    throw new UsageError('clock-backwards', `the clock shows ${before} and only moves forwards, got ${to}`, {
      hint: 'start over with npm start -- --fresh',
    });
  }
  const { now, cases } = await target.moveClock(to);
  const what = `from ${before} to ${now}`;
  await target.journal.add({ at: now, by: who, kind: 'clock', action: 'moved', what, reason: null });
  terminal.result({ before, now, cases }, () =>
    [
      terminal.language === 'en'
        ? `the clock moved from ${momentText(before, target.timeZone)} to ${momentText(now, target.timeZone)}`
        : `业务时钟已由 ${momentText(before, target.timeZone)} 拨至 ${momentText(now, target.timeZone)}`,
      terminal.language === 'en'
        ? `  mails to the staff about cases: ${cases.mailed}, cases escalated: ${cases.escalated}${cases.uncertain > 0 ? `, uncertain mails: ${cases.uncertain}` : ''}${cases.failed > 0 ? `, not sent: ${cases.failed}` : ''}`
        : `  发给员工的个案邮件：${cases.mailed}，上报的个案：${cases.escalated}${cases.uncertain > 0 ? `，结果不明的邮件：${cases.uncertain}` : ''}${cases.failed > 0 ? `，未发出：${cases.failed}` : ''}`,
    ].join('\n'),
  );
  return EXIT.done;
};

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const instantOf = ({ by, to }: MoveOptions, now: string): string => {
  if ((by === undefined) === (to === undefined)) {
    throw new UsageError('clock-option-missing', 'give either --by TIME or --to INSTANT', {
      hint: 'such as resegment clock move --by 49h',
    });
  }
  if (by !== undefined) {
    const [, count, unit] = /^(\d{1,5})([mhd])$/u.exec(by) ?? [];
    if (count === undefined || !(unit === 'm' || unit === 'h' || unit === 'd')) {
      throw new UsageError(
        'time-invalid',
        `--by takes minutes, hours or days such as 90m, 49h or 3d, got ${JSON.stringify(by)}`,
      );
    }
    return new Date(Date.parse(now) + Number(count) * UNIT_MS[unit]).toISOString();
  }
  const ms = /^\d{4}-\d{2}-\d{2}T/u.test(to ?? '') ? Date.parse(to ?? '') : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new UsageError(
      'instant-invalid',
      `--to takes an instant such as 2026-05-03T10:00:00Z, got ${JSON.stringify(to)}`,
    );
  }
  return new Date(ms).toISOString();
};
