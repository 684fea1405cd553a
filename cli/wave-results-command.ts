import type { Command } from 'commander';
import { encodeExport } from '#shared/application/export-run.ts';
import { labelIn } from '#shared/application/format-value.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { waveResultsTable } from '#shared/application/wave-results-table.ts';
import { waveResultsText } from '#shared/application/wave-results-text.ts';
import { GROUPINGS, type Grouping } from '#shared/domain/survey-results.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { writeWhole } from './export-command.ts';
import { UsageError } from './usage-error.ts';

interface ResultsOptions {
  readonly by?: string;
  readonly format?: string;
  readonly out?: string;
}

const FORMATS = ['csv', 'parquet'] as const;

/** Adds `results` to the group of wave commands. */
export const addWaveResultsCommand = (group: Command, host: CommandHost): void => {
  group
    .command('results')
    .argument('[wave]', 'id of a wave, or latest', 'latest')
    .option('--by <grouping>', `only by ${GROUPINGS.join(', ')}; default: by each`)
    .option('--format <format>', `${FORMATS.join(' or ')}, with --out`)
    .option('--out <file>', 'file to write')
    .description(
      'scores with their intervals, response rates, changes, decision factors and comments; small groups hidden',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  resegment wave results latest --by branch\n  resegment wave results w-2026-05-monthly --format parquet --out results.parquet\n',
    )
    .action((wanted: string, options: ResultsOptions, command: Command) => {
      const groupings = groupingsOf(options.by);
      const format = formatOf(options);
      return onTarget(command, host, (context) => showResults(context, wanted, groupings, format, options.out));
    });
};

const groupingsOf = (by: string | undefined): readonly Grouping[] => {
  const chosen = GROUPINGS.filter((grouping) => by === undefined || grouping === by);
  if (chosen.length === 0) {
    throw new UsageError('grouping-unknown', `--by must be one of ${GROUPINGS.join(', ')}, got ${JSON.stringify(by)}`);
  }
  return chosen;
};

const formatOf = ({ format, out }: ResultsOptions): (typeof FORMATS)[number] | undefined => {
  const known = FORMATS.find((one) => one === format);
  if (format !== undefined && known === undefined) {
    throw new UsageError(
      'format-unknown',
      `--format must be one of ${FORMATS.join(', ')}, got ${JSON.stringify(format)}; --json prints JSON`,
    );
  }
  if ((format === undefined) !== (out === undefined))
    throw new UsageError('option-invalid', '--format and --out go together, such as --format csv --out results.csv');
  return known;
};

const showResults = async (
  { target, terminal }: CommandContext,
  wanted: string,
  groupings: readonly Grouping[],
  format: (typeof FORMATS)[number] | undefined,
  out: string | undefined,
): Promise<ExitCode> => {
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
  if (format !== undefined && out !== undefined) {
    const table = waveResultsTable(results, groupings);
    const bytes = writeWhole(out, encodeExport(table, format, { bom: false }));
    terminal.result(
      { waveId: results.waveId, format, out, rows: table.rows.length, bytes },
      () => `${table.rows.length} rows of wave ${results.waveId} in ${out} (${format}, ${bytes} bytes)`,
    );
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
