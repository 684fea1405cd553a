import type { Command } from 'commander';
import { waveCheckText } from '#shared/application/check-wave-text.ts';
import { costTable } from '#shared/application/cost-text.ts';
import { momentText, type ReaderFrame, segmentNames } from '#shared/application/reader-frame.ts';
import { redriveWave } from '#shared/application/redrive.ts';
import { loadPolicy, policyKey } from '#shared/application/run/run-ports.ts';
import { textTable } from '#shared/application/text-table.ts';
import { cancelWave, pauseWave, resumeWave, type WaveControlResult } from '#shared/application/wave-control.ts';
import { pauseReason } from '#shared/application/wave-pause-text.ts';
import { waveStateInWords, waveStatusText } from '#shared/application/wave-text.ts';
import { costOfWave } from '#shared/application/work-cost.ts';
import { WAVE_STATES } from '#shared/contracts/survey.ts';
import { minuteIn } from '#shared/domain/calendar.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { findRun } from './find-run.ts';
import { csvOf, type ListOptions, withListOptions } from './list-options.ts';
import { costField } from './run-commands.ts';
import type { Target } from './target.ts';
import { UsageError } from './usage-error.ts';
import { addWaveResultsCommand } from './wave-results-command.ts';
import { WAVE_WORDS } from './wave-words.ts';

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
  wave
    .command('redrive')
    .argument('<wave>', 'id of a wave, or latest')
    .description('let a wave go on whose execution failed or was stopped: nobody twice, nobody left out')
    .addHelpText('after', '\nExample:\n  resegment wave redrive w-2026-05-monthly\n')
    .action((wanted: string, _options: unknown, command: Command) =>
      onTarget(command, host, async (context) => {
        const waveId = await waveIdOf(context, wanted);
        const done = await redriveWave({ waveId, by: context.by }, context.target);
        context.terminal.result({ waveId, ...done }, () => WAVE_WORDS[context.terminal.language].redriven(waveId));
        return EXIT.done;
      }),
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
  const words = WAVE_WORDS[terminal.language];
  const rowsWith = (heading: (column: string) => string, instant: (at: string) => string) => [
    [...words.head, heading(words.reminder), heading(words.closes)],
    ...waves.map((wave) => [
      wave.waveId,
      wave.runId,
      `${waveStateInWords(wave.state, terminal.language)}${wave.pause === null ? '' : words.paused}`,
      wave.question,
      String(wave.drawn ?? '–'),
      String(wave.population ?? '–'),
      instant(wave.remindAt),
      instant(wave.closesAt),
    ]),
  ];
  if (options.csv === true) {
    const exact = rowsWith(
      (column) => column,
      (at) => at,
    );
    terminal.raw(csvOf(exact));
    return EXIT.done;
  }
  terminal.result(waves, () =>
    waves.length === 0
      ? words.none
      : textTable(
          rowsWith(
            (column) => `${column} (${target.timeZone})`,
            (at) => minuteIn(target.timeZone, at),
          ),
          ['left', 'left', 'left', 'left', 'right', 'right'],
        ),
  );
  return EXIT.done;
};

const showCheck = async ({ target, terminal }: CommandContext, wanted: string): Promise<ExitCode> => {
  if (target.checkWave === undefined) {
    throw new UsageError('mail-account-unknown', 'this target does not say what the mail account allows', {
      hint: 'resegment wave check --target local, or --target aws',
    });
  }
  const { runId, policy: of } = await findRun(target.runs, wanted);
  const check = await target.checkWave(runId);
  const policy = await policyOf(target, of.hash);
  const frame: ReaderFrame = {
    timeZone: target.timeZone,
    segmentName: segmentNames(policy, policy?.mainDimension ?? '', terminal.language),
  };
  terminal.result(check, () => waveCheckText(check, terminal.language, frame));
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
  const frame = await frameOf(context, waveId);
  const cost = await costOfWave(found, target);
  terminal.result({ ...found, ...costField(cost, target) }, () =>
    [
      waveStatusText(found, terminal.language, frame),
      ...(cost === undefined ? [] : ['', costTable(cost, target.describe().target, terminal.language)]),
    ].join('\n'),
  );
  return EXIT.done;
};

/** A policy by its hash; undefined where the workspace has it no more, and machine names must do. */
const policyOf = async ({ objects }: Target, hash: string): Promise<Policy | undefined> =>
  (await objects.get(policyKey(hash))) === undefined ? undefined : loadPolicy(objects, hash);

/** How a wave is told of: by the stage's clock, with segments as the policy of its run calls them. */
const frameOf = async ({ target, terminal }: CommandContext, waveId: string): Promise<ReaderFrame> => {
  const wave = (await target.waves.get(waveId))?.record;
  const policy = wave === undefined ? undefined : await policyOf(target, wave.policyHash);
  return {
    timeZone: target.timeZone,
    segmentName: segmentNames(policy, wave?.dimension ?? '', terminal.language),
  };
};

const since = ({ target, terminal }: CommandContext, { order }: WaveControlResult): string =>
  order === null
    ? ''
    : WAVE_WORDS[terminal.language].since(momentText(order.at, target.timeZone), order.by, order.reason ?? '');

const tellPause = async (context: CommandContext, done: WaveControlResult): Promise<ExitCode> => {
  const { target, terminal } = context;
  const words = WAVE_WORDS[terminal.language];
  const wave = (await target.waves.get(done.waveId))?.record;
  terminal.result(done, () => {
    if (done.outcome === 'done') return words.pausedNow(done.waveId);
    const braked = done.pause?.by === 'reputation' ? done.pause : undefined;
    return words.pausedBefore(
      done.waveId,
      braked === undefined
        ? since(context, done)
        : words.byBrake(
            momentText(braked.at, target.timeZone),
            wave === undefined ? braked.reason : pauseReason(wave, terminal.language),
          ),
    );
  });
  return EXIT.done;
};

const tellResume = ({ target, terminal }: CommandContext, done: WaveControlResult): ExitCode => {
  const words = WAVE_WORDS[terminal.language];
  terminal.result(done, () =>
    done.outcome === 'unchanged'
      ? words.notPaused(done.waveId)
      : words.resumed(done.waveId, done.goesOnBy === null ? null : momentText(done.goesOnBy, target.timeZone)),
  );
  return EXIT.done;
};

const tellCancel = (context: CommandContext, done: WaveControlResult): ExitCode => {
  const words = WAVE_WORDS[context.terminal.language];
  context.terminal.result(done, () =>
    done.outcome === 'unchanged'
      ? words.cancelledBefore(done.waveId, since(context, done))
      : words.cancelled(done.waveId),
  );
  return EXIT.done;
};
