import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { importFormat, importMap } from '#shared/application/import-options.ts';
import type { ImportFormat } from '#shared/application/import-table.ts';
import { isIsoDate } from '#shared/domain/calendar.ts';
import { PermanentError } from '#shared/errors.ts';

export interface StartOptions {
  readonly once: boolean;
  readonly fresh: boolean;
  readonly nextMonth: boolean;
  readonly help: boolean;
  readonly dataDir: string;
  /** Whether the folder was named, and not left to the default. */
  readonly dataGiven: boolean;
  readonly policy: string;
  /** Whether the policy was named, and not left to the default. */
  readonly policyGiven: boolean;
  readonly language: 'en' | 'zh-CN';
  /** Companies, or guests, in a new sample. */
  readonly companies: number;
  /** Own purchases in place of the sample. */
  readonly purchases?: {
    readonly file: string;
    readonly map?: Readonly<Record<string, string>>;
    readonly format: ImportFormat;
  };
  readonly asOf?: string;
}

export const START_HELP = `npm start -- [options]

Runs the whole loop on the local stack: earlier months, last month with its survey, answers, this month.
Without --purchases it makes up a synthetic sample that has what the policy reads: companies of a bank, or hotel guests.

  --once                 exit after the summary
  --next-month           go on by one month on the kept data
  --fresh                remove the data folder and start over
  --data DIR             data folder (default .local/demo, .local/demo-guests for hotel guests,
                         or .local/<name of the purchases file>)
  --purchases FILE       purchases from a CSV file; the customers get invented addresses at example.com
  --map customer=COLUMN,date=COLUMN,amount=COLUMN[,id=COLUMN]
  --date-format F --decimal . --delimiter , --encoding utf-8
  --companies N          companies, or guests, in the sample (default 2000, at least 100)
  --policy NAME|FILE     a preset or a policy file (default bank-three-class; retail-rfm with --purchases)
  --as-of YYYY-MM-DD     date of the last run (default: the last day of last month)
  --lang en|zh-CN        language of the summary
`;

const DEFAULT_COMPANIES = 2_000;

/** @throws PermanentError `usage` which says what was given and what is allowed */
export const readStartOptions = (args: readonly string[]): StartOptions => {
  const { values } = parse(args);
  const purchases = values.purchases;
  if (purchases === undefined && values.map !== undefined)
    throw usage('--map says how to read the file of --purchases; give that too');
  if (purchases !== undefined && !existsSync(purchases))
    throw usage(`there is no file ${purchases}; --purchases takes the path of a CSV file`);
  if (values['as-of'] !== undefined && !isIsoDate(values['as-of'])) {
    throw usage(`--as-of takes a date as YYYY-MM-DD, got ${JSON.stringify(values['as-of'])}`);
  }
  const companies = Number(values.companies ?? DEFAULT_COMPANIES);
  if (!Number.isInteger(companies) || companies < 100 || companies > 100_000) {
    throw usage(`--companies takes a whole number from 100 to 100000, got ${JSON.stringify(values.companies)}`);
  }
  const language = values.lang ?? 'en';
  if (language !== 'en' && language !== 'zh-CN') throw usage(`--lang is en or zh-CN, got ${JSON.stringify(language)}`);
  const name = purchases === undefined ? 'demo' : path.basename(purchases).replace(/\.[^.]*(\.gz)?$/u, '');
  return {
    once: values.once === true,
    fresh: values.fresh === true,
    nextMonth: values['next-month'] === true,
    help: values.help === true,
    dataGiven: values.data !== undefined,
    dataDir: path.resolve(values.data ?? path.join('.local', name)),
    policyGiven: values.policy !== undefined,
    policy: values.policy ?? (purchases === undefined ? 'bank-three-class' : 'retail-rfm'),
    language,
    companies,
    ...(purchases === undefined
      ? {}
      : {
          purchases: {
            file: purchases,
            ...(values.map === undefined ? {} : { map: importMap(values.map) }),
            format: importFormat({
              ...(values['date-format'] === undefined ? {} : { dateFormat: values['date-format'] }),
              ...(values.decimal === undefined ? {} : { decimal: values.decimal }),
              ...(values.delimiter === undefined ? {} : { delimiter: values.delimiter }),
              ...(values.encoding === undefined ? {} : { encoding: values.encoding }),
            }),
          },
        }),
    ...(values['as-of'] === undefined ? {} : { asOf: values['as-of'] }),
  };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean' },
        fresh: { type: 'boolean' },
        'next-month': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        data: { type: 'string' },
        purchases: { type: 'string' },
        map: { type: 'string' },
        'date-format': { type: 'string' },
        decimal: { type: 'string' },
        delimiter: { type: 'string' },
        encoding: { type: 'string' },
        companies: { type: 'string' },
        policy: { type: 'string' },
        'as-of': { type: 'string' },
        lang: { type: 'string' },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
};

const usage = (message: string): PermanentError =>
  new PermanentError('usage', message, { hint: 'npm start -- --help' });
