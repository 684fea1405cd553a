import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { EXPORT_FORMATS, encodeExport, exportTable } from '#shared/application/export-run.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { type CommandHost, onTarget } from './command.ts';
import { EXIT } from './exit-code.ts';
import { findRun } from './find-run.ts';
import { UsageError } from './usage-error.ts';

interface ExportOptions {
  readonly format: string;
  readonly out: string;
  readonly bom?: boolean;
}

export const addExportCommand = (program: Command, host: CommandHost): void => {
  program
    .command('export')
    .argument('<run>', 'id, unique beginning, latest, previous or 2026-05')
    .requiredOption('--format <format>', EXPORT_FORMATS.join(', '))
    .requiredOption('--out <file>', 'file to write; - for stdout')
    .option('--bom', 'CSV with a byte order mark, so that Excel sees UTF-8')
    .description(
      'one row per customer with every metric, score, segment, service term and flag, ordered by customer id',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  resegment export latest --format csv --bom --out segments.csv\n  resegment export 2026-05 --format parquet --out segments.parquet\n',
    )
    .action(async (wanted: string, options: ExportOptions, command: Command) => {
      const format = EXPORT_FORMATS.find((one) => one === options.format);
      if (format === undefined) {
        throw new UsageError(
          'format-unknown',
          `--format must be one of ${EXPORT_FORMATS.join(', ')}, got ${JSON.stringify(options.format)}`,
        );
      }
      if (options.bom === true && format !== 'csv')
        throw new UsageError('option-invalid', '--bom belongs to --format csv');
      await onTarget(command, host, async ({ target, terminal }) => {
        if (options.out === '-' && terminal.json)
          throw new UsageError('option-invalid', '--out - and --json both want stdout');
        const record = await findRun(target.runs, wanted);
        if (record.state === 'planning' || record.state === 'failed') {
          throw new UsageError(
            'run-without-result',
            `run ${record.runId} is ${record.state} and has nothing to export`,
          );
        }
        terminal.progress(`gathering customers of ${record.runId}`);
        const table = await exportTable(
          target,
          record,
          await loadPolicy(target.objects, record.policy.hash),
          terminal.language === 'en' ? 'en' : 'zh',
        );
        const pieces = encodeExport(table, format, { bom: options.bom === true });
        if (options.out === '-') {
          for (const piece of pieces) process.stdout.write(piece);
          return EXIT.done;
        }
        const bytes = writeWhole(options.out, pieces);
        terminal.result(
          {
            runId: record.runId,
            format,
            out: options.out,
            customers: table.rows.length,
            erased: table.erased,
            columns: table.columns.map((column) => column.name),
            bytes,
          },
          () =>
            terminal.language === 'en'
              ? `${table.rows.length} customers of run ${record.runId} in ${options.out} (${format}, ${bytes} bytes)${table.erased > 0 ? `; ${table.erased} erased since are not in it` : ''}`
              : `运行 ${record.runId} 的 ${table.rows.length} 个客户已写入 ${options.out}（${format}，${bytes} 字节）${table.erased > 0 ? `；此后删除的 ${table.erased} 个不在其中` : ''}`,
        );
        return EXIT.done;
      });
    });
};

/** Writes beside the file and renames, so that a reader never sees half of it. @returns bytes written */
export const writeWhole = (path: string, pieces: Iterable<Uint8Array>): number => {
  const partial = `${path}.partial`;
  let bytes = 0;
  let file: number;
  try {
    file = openSync(partial, 'w', 0o600);
  } catch (cause) {
    throw new UsageError(
      'out-not-writable',
      `${path} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      { path },
    );
  }
  try {
    for (const piece of pieces) {
      for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done);
      bytes += piece.length;
    }
    closeSync(file);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
  return bytes;
};
