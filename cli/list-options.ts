import type { Command } from 'commander';
import { csvLine, neutralised } from '#shared/application/export-run.ts';
import { wholeNumber } from './command.ts';

/** What every list can be narrowed by; `withListOptions` reads it from the command line. */
export interface ListOptions {
  readonly branch?: string;
  readonly manager?: string;
  readonly segment?: string;
  readonly state?: string;
  readonly limit: number;
  readonly csv?: boolean;
}

/** Rows of a list where nothing else is asked for. */
export const DEFAULT_LIMIT = 20;

/** Adds the options that all lists take. */
export const withListOptions = (command: Command): Command =>
  command
    .option('--branch <name>', 'only of this branch')
    .option('--manager <name>', 'only of this account manager')
    .option('--segment <name>', 'only of this segment')
    .option('--state <state>', 'only in this state')
    .option('--limit <n>', 'at most so many', wholeNumber('--limit', 1), DEFAULT_LIMIT)
    .option('--csv', 'as CSV on stdout');

/** Rows as CSV with the text of people made harmless for spreadsheets. */
export const csvOf = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => csvLine(row.map(neutralised))).join('');
