import type { Command } from 'commander';
import { encodeExport } from '#shared/application/export-run.ts';
import { labelIn } from '#shared/application/format-value.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { teamViewTable } from '#shared/application/team-view-table.ts';
import { teamViewText, teamWordsOf } from '#shared/application/team-view-text.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import { STAFF_GROUPINGS, type StaffGrouping } from '#shared/domain/staff-view.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { writeWhole } from './export-command.ts';
import { UsageError } from './usage-error.ts';

interface TeamOptions {
  readonly by?: string;
  readonly format?: string;
  readonly out?: string;
}

const FORMATS = ['csv', 'parquet'] as const;

/** Adds `team show`. */
export const addTeamCommand = (program: Command, host: CommandHost): void => {
  program
    .command('team')
    .description('satisfaction and cases by account manager and branch')
    .command('show')
    .argument('[wave]', 'id of a wave, or latest; default: the newest that has closed')
    .option('--by <grouping>', `only by ${STAFF_GROUPINGS.join(' or ')}; default: by both`)
    .option('--format <format>', `${FORMATS.join(' or ')}, with --out`)
    .option('--out <file>', 'file to write')
    .description('who improved, who is above or below what the segments let expect, cases in time; small groups hidden')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment team show --by branch\n  resegment team show w-2026-05-monthly --format csv --out team.csv\n',
    )
    .action((wanted: string | undefined, options: TeamOptions, command: Command) => {
      const groupings = groupingsOf(options.by);
      const format = formatOf(options);
      return onTarget(command, host, (context) => showTeam(context, wanted, groupings, format, options.out));
    });
};

const groupingsOf = (by: string | undefined): readonly StaffGrouping[] => {
  const chosen = STAFF_GROUPINGS.filter((grouping) => by === undefined || grouping === by);
  if (chosen.length === 0)
    throw new UsageError(
      'grouping-unknown',
      `--by must be one of ${STAFF_GROUPINGS.join(', ')}, got ${JSON.stringify(by)}`,
    );
  return chosen;
};

const formatOf = ({ format, out }: TeamOptions): (typeof FORMATS)[number] | undefined => {
  const known = FORMATS.find((one) => one === format);
  if (format !== undefined && known === undefined) {
    throw new UsageError(
      'format-unknown',
      `--format must be one of ${FORMATS.join(', ')}, got ${JSON.stringify(format)}; --json prints JSON`,
    );
  }
  if ((format === undefined) !== (out === undefined))
    throw new UsageError('option-invalid', '--format and --out go together, such as --format csv --out team.csv');
  return known;
};

/** The wave that is asked for; without a word the newest that has closed, since one that goes on has few answers. */
const chooseWave = (waves: readonly WaveRecord[], wanted: string | undefined): WaveRecord | undefined => {
  const newestFirst = waves.toSorted((a, b) => (a.plannedAt < b.plannedAt ? 1 : -1));
  if (wanted === undefined) return newestFirst.find(({ state }) => state === 'closed') ?? newestFirst[0];
  return wanted === 'latest' ? newestFirst[0] : waves.find(({ waveId }) => waveId === wanted);
};

const showTeam = async (
  { target, terminal }: CommandContext,
  wanted: string | undefined,
  groupings: readonly StaffGrouping[],
  format: (typeof FORMATS)[number] | undefined,
  out: string | undefined,
): Promise<ExitCode> => {
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
  if (format !== undefined && out !== undefined) {
    const table = teamViewTable(view, segments, groupings);
    const bytes = writeWhole(out, encodeExport(table, format, { bom: false }));
    terminal.result(
      { waveId: view.waveId, format, out, rows: table.rows.length, bytes },
      () => `${table.rows.length} rows of wave ${view.waveId} in ${out} (${format}, ${bytes} bytes)`,
    );
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
