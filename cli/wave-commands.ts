import type { Command } from 'commander';
import { waveCheckText } from '#shared/application/check-wave-text.ts';
import { textTable } from '#shared/application/text-table.ts';
import { cancelWave, pauseWave, resumeWave, type WaveControlResult } from '#shared/application/wave-control.ts';
import { waveStatusText } from '#shared/application/wave-text.ts';
import { WAVE_STATES } from '#shared/contracts/survey.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { findRun } from './find-run.ts';
import { csvOf, type ListOptions, withListOptions } from './list-options.ts';
import { UsageError } from './usage-error.ts';
import { addWaveResultsCommand } from './wave-results-command.ts';

export const addWaveCommands = (program: Command, host: CommandHost): void => {
  const wave = program.command('wave').description('survey waves');
  withListOptions(wave.command('list'))
    .description(`survey waves, the newest first; --state ${WAVE_STATES.join(', ')} or paused`)
    .addHelpText('after', '\nExample:\n  resegment wave list --state open\n')
    .action((options: ListOptions, command: Command) =>
      onTarget(command, host, (context) => listWaves(context, options)),
    );
  wave
    .command('check')
    .argument('[run]', 'id of a run, latest, or a period', 'latest')
    .description('what a wave for a run would do: whom it invites, on which days, at what cost; writes nothing')
    .addHelpText('after', '\nExamples:\n  resegment wave check\n  resegment wave check 2026-05 --json\n')
    .action((wanted: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => showCheck(context, wanted)),
    );
  wave
    .command('show')
    .argument('[wave]', 'id of a wave, or latest', 'latest')
    .description('the ledger of a wave: every customer in one state, and who paused or cancelled it')
    .addHelpText('after', '\nExample:\n  resegment wave show w-2026-05-monthly\n')
    .action((wanted: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => showWave(context, wanted)),
    );
  wave
    .command('pause')
    .argument('<wave>', 'id of a wave, or latest')
    .requiredOption('--reason <text>', 'why; kept with the wave')
    .description('stop sending before the next mail; links go on taking answers')
    .addHelpText(
      'after',
      '\nExample:\n  resegment wave pause w-2026-05-monthly --reason "wrong branch names in the mail"\n',
    )
    .action((wanted: string, options: { readonly reason: string }, command: Command) =>
      onTarget(command, host, async (context) =>
        tellPause(
          context,
          await pauseWave({ waveId: await waveIdOf(context, wanted), by: context.by, ...options }, context.target),
        ),
      ),
    );
  wave
    .command('resume')
    .argument('<wave>', 'id of a wave, or latest')
    .option('--reason <text>', 'why; needed where bounces or complaints stopped it, and kept with the wave')
    .description('let a paused wave go on where it was: nobody twice, nobody left out')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment wave resume w-2026-05-monthly\n  resegment wave resume latest --reason "addresses of the old import taken out"\n',
    )
    .action((wanted: string, options: { readonly reason?: string }, command: Command) =>
      onTarget(command, host, async (context) =>
        tellResume(
          context,
          await resumeWave({ waveId: await waveIdOf(context, wanted), by: context.by, ...options }, context.target),
        ),
      ),
    );
  wave
    .command('cancel')
    .argument('<wave>', 'id of a wave, or latest')
    .requiredOption('--reason <text>', 'why; kept with the wave')
    .description('never send an invitation or a reminder of the wave again; answers and links stay until it closes')
    .addHelpText(
      'after',
      '\nExample:\n  resegment wave cancel w-2026-05-monthly --reason "asked by the works council"\n',
    )
    .action((wanted: string, options: { readonly reason: string }, command: Command) =>
      onTarget(command, host, async (context) =>
        tellCancel(
          context,
          await cancelWave({ waveId: await waveIdOf(context, wanted), by: context.by, ...options }, context.target),
        ),
      ),
    );
  addWaveResultsCommand(wave, host);
};

/** The id as given, or that of the newest wave. */
const waveIdOf = async ({ target }: CommandContext, wanted: string): Promise<string> => {
  if (wanted !== 'latest') return wanted;
  const newest = (await target.waves.list())
    .map(({ record }) => record)
    .sort((a, b) => (a.plannedAt < b.plannedAt ? 1 : -1))[0];
  if (newest !== undefined) return newest.waveId;
  throw new UsageError('wave-unknown', 'there is no survey wave yet', { hint: 'resegment run --survey starts one' });
};

const listWaves = async (context: CommandContext, options: ListOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  const states = [...WAVE_STATES, 'paused'] as const;
  if (options.state !== undefined && !states.some((one) => one === options.state)) {
    throw new UsageError(
      'state-unknown',
      `--state must be one of ${states.join(', ')}, got ${JSON.stringify(options.state)}`,
    );
  }
  const waves = (await target.waves.list())
    .map(({ record }) => record)
    .filter(
      (wave) =>
        options.state === undefined ||
        (options.state === 'paused' ? wave.pause !== null : wave.state === options.state),
    )
    .sort((a, b) => (a.plannedAt < b.plannedAt ? 1 : -1))
    .slice(0, options.limit);
  const rows = [
    ['wave', 'run', 'state', 'question', 'drawn', 'of', 'reminder', 'closes'],
    ...waves.map((wave) => [
      wave.waveId,
      wave.runId,
      wave.pause === null ? wave.state : `${wave.state} (paused)`,
      wave.question,
      String(wave.drawn ?? '–'),
      String(wave.population ?? '–'),
      wave.remindAt,
      wave.closesAt,
    ]),
  ];
  if (options.csv === true) terminal.raw(csvOf(rows));
  else
    terminal.result(waves, () =>
      waves.length === 0 ? 'no wave' : textTable(rows, ['left', 'left', 'left', 'left', 'right', 'right']),
    );
  return EXIT.done;
};

const showCheck = async ({ target, terminal }: CommandContext, wanted: string): Promise<ExitCode> => {
  if (target.checkWave === undefined) {
    throw new UsageError('mail-account-unknown', 'this target does not say what the mail account allows', {
      hint: 'resegment wave check --target local, or --target aws',
    });
  }
  const { runId } = await findRun(target.runs, wanted);
  const check = await target.checkWave(runId);
  terminal.result(check, () => waveCheckText(check, terminal.language));
  return check.preflight.verdict === 'refuse' ? EXIT.held : EXIT.done;
};

const showWave = async (context: CommandContext, wanted: string): Promise<ExitCode> => {
  const { target, terminal } = context;
  const waveId = await waveIdOf(context, wanted);
  const found = await target.waveStatus(waveId);
  if (found === undefined) {
    throw new UsageError('wave-unknown', `there is no wave ${JSON.stringify(waveId)}`, {
      hint: 'resegment wave list shows the waves there are',
    });
  }
  terminal.result(found, () => waveStatusText(found, terminal.language));
  return EXIT.done;
};

const since = ({ order }: WaveControlResult): string =>
  order === null ? '' : `, since ${order.at} by ${order.by}: ${order.reason ?? ''}`;

const tellPause = ({ terminal }: CommandContext, done: WaveControlResult): ExitCode => {
  terminal.result(done, () =>
    done.outcome === 'unchanged'
      ? `wave ${done.waveId} is already paused${done.pause?.by === 'reputation' ? ` by the brake, since ${done.pause.at}: ${done.pause.reason}` : since(done)}; nothing changed`
      : [
          `wave ${done.waveId} is paused: no mail is claimed any more; those under way end within seconds`,
          `to go on: resegment wave resume ${done.waveId}`,
        ].join('\n'),
  );
  return EXIT.done;
};

const tellResume = ({ terminal }: CommandContext, done: WaveControlResult): ExitCode => {
  terminal.result(done, () =>
    done.outcome === 'unchanged'
      ? `wave ${done.waveId} is not paused; nothing changed`
      : `wave ${done.waveId} goes on where it was; ${done.goesOnBy === null ? 'it has no mail to send any more' : `its next mails go out by ${done.goesOnBy}`}`,
  );
  return EXIT.done;
};

const tellCancel = ({ terminal }: CommandContext, done: WaveControlResult): ExitCode => {
  terminal.result(done, () =>
    done.outcome === 'unchanged'
      ? `wave ${done.waveId} is already cancelled${since(done)}; nothing changed`
      : `wave ${done.waveId} is cancelled: it sends no invitation and no reminder any more; its links take answers until it closes`,
  );
  return EXIT.done;
};
