import type { Command } from 'commander';
import { labelIn } from '#shared/application/format-value.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { waveResultsTable } from '#shared/application/wave-results-table.ts';
import { waveResultsText } from '#shared/application/wave-results-text.ts';
import { GROUPINGS, type Grouping } from '#shared/domain/survey-results.ts';
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

/** Adds `results` to the group of wave commands. */
export const addWaveResultsCommand = (group: Command, host: CommandHost): void => {
  group
    .command('results')
    .argument('[wave]', 'id of a wave, or latest', 'latest')
    .option('--by <grouping>', `only by ${GROUPINGS.join(', ')}; default: by each`)
    .option('--format <format>', `${TABLE_FORMATS.join(' or ')}, with --out`)
    .option('--out <file>', 'file to write')
    .description(
      'scores with their intervals, response rates, changes, decision factors and comments; small groups hidden',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  resegment wave results latest --by branch\n  resegment wave results w-2026-05-monthly --format parquet --out results.parquet\n',
    )
    .action((wanted: string, options: TableOptions, command: Command) => {
      const groupings = chosenGroupings(GROUPINGS, options.by);
      const file = tableFile(options, 'results.csv');
      return onTarget(command, host, (context) => showResults(context, wanted, groupings, file));
    });
};

const showResults = async (
  context: CommandContext,
  wanted: string,
  groupings: readonly Grouping[],
  file: TableFile | undefined,
): Promise<ExitCode> => {
  const { target, terminal } = context;
  const waves = (await target.waves.list()).map(({ record }) => record);
  const wave =
    wanted === 'latest'
      ? waves.sort((a, b) => (a.plannedAt < b.plannedAt ? 1 : -1))[0]
      : waves.find(({ waveId }) => waveId === wanted);
  const policy = wave === undefined ? undefined : await loadPolicy(target.objects, wave.policyHash);
  const dimension = wave === undefined ? undefined : policy?.dimensions[wave.dimension];
  const results =
    wave === undefined ? undefined : await target.waveResults?.(wave.waveId, dimension?.segmentOrder ?? []);
  if (results === undefined) {
    throw new UsageError(
      'wave-unknown',
      wanted === 'latest' ? 'there is no survey wave yet' : `there is no wave ${JSON.stringify(wanted)}`,
      {
        hint:
          wanted === 'latest' ? 'resegment run --survey starts one' : 'resegment wave list shows the waves there are',
      },
    );
  }
  if (file !== undefined) {
    writeWaveTable(context, results.waveId, waveResultsTable(results, groupings), file);
    return EXIT.done;
  }
  const tables = Object.fromEntries(groupings.map((grouping) => [grouping, results.tables[grouping]]));
  terminal.result({ ...results, tables }, () =>
    waveResultsText(results, terminal.language, groupings, (segment) => {
      const label = dimension?.segments[segment]?.label;
      return label === undefined ? segment : labelIn(label, terminal.language);
    }),
  );
  return EXIT.done;
};
