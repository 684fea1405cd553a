import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { importFormat, importMap } from '#shared/application/import/import-options.ts';
import type { ImportFormat } from '#shared/application/import/import-table.ts';
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
  /** Shares of addresses, 0..1, whose mails the local mail server reports as bounced or complained about. */
  readonly trouble: { readonly bounceShare: number; readonly complaintShare: number };
  /** Share of the database's requests, 0..1, that it refuses. */
  readonly throttleDatabase: number;
  /** Customers of the kept data whose stored facts are made unreadable before the loop goes on. */
  readonly unreadable: number;
  /** Mails per second of the whole stack; the default of the stack if absent. */
  readonly mailsPerSecond?: number;
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
  --bounces N%           share of addresses that do not exist, to see a wave stop itself: docs/surveys.md (default 0%)
  --complaints N%        share of receivers who call the mail spam (default 0%)
  --throttle-database N% share of the database's requests that it refuses: docs/drills.md (default 0%)
  --unreadable N         makes the stored facts of N customers of the kept data unreadable: docs/drills.md
  --mail-rate N          mails per second, 1 to 200, to see a wave under way (default 200)
  --as-of YYYY-MM-DD     date of the last run (default: the last day of last month)
  --lang en|zh-CN        language of the summary
`;

const DEFAULT_COMPANIES = 2_000;
const MOST_MAILS_PER_SECOND = 200;

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
  const trouble = {
    bounceShare: shareOf('--bounces', values.bounces),
    complaintShare: shareOf('--complaints', values.complaints),
  };
  const unreadable = Number(values.unreadable ?? 0);
  if (!Number.isInteger(unreadable) || unreadable < 0 || unreadable > 1_000)
    throw usage(`--unreadable takes a number of customers from 0 to 1000, got ${JSON.stringify(values.unreadable)}`);
  const mailRate = Number(values['mail-rate'] ?? MOST_MAILS_PER_SECOND);
  if (!Number.isInteger(mailRate) || mailRate < 1 || mailRate > MOST_MAILS_PER_SECOND) {
    throw usage(
      `--mail-rate takes mails per second, a whole number from 1 to ${MOST_MAILS_PER_SECOND}, got ${JSON.stringify(values['mail-rate'])}`,
    );
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
    trouble,
    throttleDatabase: shareOf('--throttle-database', values['throttle-database']),
    unreadable,
    ...(values['mail-rate'] === undefined ? {} : { mailsPerSecond: mailRate }),
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

/** `8%` or `0.5%` as a share, 0..1. */
const shareOf = (option: string, given = '0%'): number => {
  const percent = /^(\d{1,3}(?:\.\d{1,4})?)%$/u.exec(given)?.[1];
  if (percent === undefined || Number(percent) > 100)
    throw usage(`${option} takes a share as 0% to 100%, such as 8%, got ${JSON.stringify(given)}`);
  return Number(percent) / 100;
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
        bounces: { type: 'string' },
        complaints: { type: 'string' },
        'throttle-database': { type: 'string' },
        unreadable: { type: 'string' },
        'mail-rate': { type: 'string' },
        lang: { type: 'string' },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
};

const usage = (message: string): PermanentError =>
  new PermanentError('usage', message, { hint: 'npm start -- --help' });
