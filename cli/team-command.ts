import type { Command } from 'commander';
import { labelIn } from '#shared/application/format-value.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { teamViewTable } from '#shared/application/team-view-table.ts';
import { teamViewText, teamWordsOf } from '#shared/application/team-view-text.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import { STAFF_GROUPINGS, type StaffGrouping } from '#shared/domain/staff-view.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import {
  chosenGroupings,
  TABLE_FORMATS,
  type TableFile,
  type TableOptions,
  tableFile,
  writeWaveTable,
} from './table-options.ts';
import { UsageError } from './usage-error.ts';

/** Adds `team show`. */
export const addTeamCommand = (program: Command, host: CommandHost): void => {
  program
    .command('team')
    .description('satisfaction and cases by account manager and branch')
    .command('show')
    .argument('[wave]', 'id of a wave, or latest; default: the newest that has closed')
    .option('--by <grouping>', `only by ${STAFF_GROUPINGS.join(' or ')}; default: by both`)
    .option('--format <format>', `${TABLE_FORMATS.join(' or ')}, with --out`)
    .option('--out <file>', 'file to write')
    .description('who improved, who is above or below what the segments let expect, cases in time; small groups hidden')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment team show --by branch\n  resegment team show w-2026-05-monthly --format csv --out team.csv\n',
    )
    .action((wanted: string | undefined, options: TableOptions, command: Command) => {
      const groupings = chosenGroupings(STAFF_GROUPINGS, options.by);
      const file = tableFile(options, 'team.csv');
      return onTarget(command, host, (context) => showTeam(context, wanted, groupings, file));
    });
};

/** The wave that is asked for; without a word the newest that has closed, since one that goes on has few answers. */
const chooseWave = (waves: readonly WaveRecord[], wanted: string | undefined): WaveRecord | undefined => {
  const newestFirst = waves.toSorted((a, b) => (a.plannedAt < b.plannedAt ? 1 : -1));
  if (wanted === undefined) return newestFirst.find(({ state }) => state === 'closed') ?? newestFirst[0];
  return wanted === 'latest' ? newestFirst[0] : waves.find(({ waveId }) => waveId === wanted);
};

const showTeam = async (
  context: CommandContext,
  wanted: string | undefined,
  groupings: readonly StaffGrouping[],
  file: TableFile | undefined,
): Promise<ExitCode> => {
  const { target, terminal } = context;
  const wave = chooseWave(
    (await target.waves.list()).map(({ record }) => record),
    wanted,
  );
  const policy = wave === undefined ? undefined : await loadPolicy(target.objects, wave.policyHash);
  const dimension = wave === undefined ? undefined : policy?.dimensions[wave.dimension];
  const segments = dimension?.segmentOrder ?? [];
  const view = wave === undefined ? undefined : await target.teamView?.(wave.waveId, segments);
  if (view === undefined) {
    const isNamed = wanted !== undefined && wanted !== 'latest';
    throw new UsageError(
      'wave-unknown',
      isNamed ? `there is no wave ${JSON.stringify(wanted.slice(0, 80))}` : 'there is no survey wave yet',
      { hint: isNamed ? 'resegment wave list shows the waves there are' : 'resegment run --survey starts one' },
    );
  }
  if (file !== undefined) {
    writeWaveTable(context, view.waveId, teamViewTable(view, segments, groupings), file);
    return EXIT.done;
  }
  const tables = Object.fromEntries(groupings.map((grouping) => [grouping, view.tables[grouping]]));
  terminal.result({ ...view, tables }, () =>
    teamViewText(view, terminal.language, groupings, segments, (segment) => {
      const label = segment === null ? undefined : dimension?.segments[segment]?.label;
      if (label !== undefined) return labelIn(label, terminal.language);
      return segment ?? teamWordsOf(terminal.language).none;
    }),
  );
  return EXIT.done;
};
