import type { Command } from 'commander';
import { decimalOfMinor } from '#shared/application/format-value.ts';
import { addDemoContacts } from '#shared/application/import/demo-contacts.ts';
import type { ImportResult } from '#shared/application/import/import-batches.ts';
import type { NoteImportResult } from '#shared/application/import/import-notes.ts';
import { importFormat, importMap, splitOutside, unescaped } from '#shared/application/import/import-options.ts';
import type { StaffImportResult } from '#shared/application/import/import-staff.ts';
import { CSV_ENCODINGS, IMPORT_KINDS, type ImportSettings } from '#shared/contracts/import-job.ts';
import { dateIn } from '#shared/domain/calendar.ts';
import { ANSWER_SCALES } from '#shared/domain/facts.ts';
import { STAFF_ROLES } from '#shared/domain/staff.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { assertFile, type FollowedImport, followImport, type ViaFile } from './follow-import.ts';
import { addImportRecordCommands } from './import-record-commands.ts';
import { UsageError } from './usage-error.ts';

/** Options of the commands that say how a file is read. */
export interface ImportOptions {
  readonly map?: string;
  readonly encoding?: string;
  readonly delimiter?: string;
  readonly decimal?: string;
  readonly dateFormat?: string;
  readonly rejects?: string;
  readonly dryRun?: boolean;
  readonly source?: string;
  readonly replace?: string;
  readonly append?: boolean;
  readonly contacts?: string;
  readonly attributes?: string;
  readonly asOf?: string;
  readonly complete?: boolean;
  readonly inputDrop?: string;
  readonly traits?: string;
  readonly scale?: string;
  readonly via?: readonly string[];
}

export const addImportCommands = (program: Command, host: CommandHost): void => {
  const group = program
    .command('import')
    .description('bring in purchases, customers, answers, notes or staff from CSV');

  withFormat(group.command('purchases'))
    .argument('<file>', 'CSV, plain or gzip')
    .requiredOption('--map <pairs>', 'columns: customer=…,date=…,amount=…[,id=…]')
    .option(
      '--contacts <file|demo>',
      'CSV with columns id,email,name,language; or demo: invented addresses at example.com',
    )
    .option(
      '--attributes <columns>',
      'columns that become attributes of purchases; default: all others with few values',
    )
    .option('--replace <batch>', 'this file takes the place of an earlier batch')
    .option('--append', 'these are other purchases than those of an earlier batch with the same dates')
    .description('import purchases; the same file twice changes nothing, negative amounts subtract')
    .addHelpText(
      'after',
      '\nExample:\n  resegment import purchases orders.csv --map customer=customer_id,date=order_date,amount=revenue --contacts demo\n',
    )
    .action((file: string, options: ImportOptions, command: Command) =>
      onTarget(command, host, (context) => purchases(context, file, options)),
    );

  withFormat(group.command('customers'))
    .argument('<file>', 'CSV, plain or gzip')
    .requiredOption(
      '--map <pairs>',
      'columns: id=…[,email=…,name=…,language=…,branch=…,manager=…,status=…,consent=…,consentAt=…,consentSource=…,region=…,date=…]',
    )
    .option('--as-of <date>', 'date of the traits, YYYY-MM-DD')
    .option('--complete', 'the file names every customer: those who are not in it have left')
    .option('--input-drop <share>', 'largest share of customers that a complete file may lack, 0..1; default 0.10')
    .option('--traits <columns>', 'columns that become traits; default: all that are not mapped')
    .description('import customers; other columns become dated traits')
    .addHelpText(
      'after',
      '\nExample:\n  resegment import customers customers.csv --as-of 2026-10-31 --map id=id,email=email,branch=branch\n',
    )
    .action((file: string, options: ImportOptions, command: Command) =>
      onTarget(command, host, (context) => imported(context, 'customers', file, options)),
    );

  withFormat(group.command('answers'))
    .argument('<file>', 'CSV, plain or gzip')
    .requiredOption('--map <pairs>', 'columns: customer=…,score=…,at=…[,id=…][,scale=0-10|1-5|1-7 or a column]')
    .option('--as-of <date>', 'date of all answers, YYYY-MM-DD, where no column is mapped to at')
    .option('--scale <scale>', `scale of all scores: ${ANSWER_SCALES.join(', ')}; default 0-10`)
    .option(
      '--via <file:key=value>',
      'a file that leads from the column mapped to customer, its key, to the customer, its value; several are followed in turn',
      (given: string, before: readonly string[] = []) => [...before, given],
    )
    .description('import answers that were collected elsewhere; with ids one answer per id, the latest')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment import answers answers.csv --map customer=id,score=score,at=answered_at,scale=1-5\n' +
        '  resegment import answers reviews.csv --scale 1-5 --via orders.csv:order_id=customer_id \\\n' +
        '    --map id=review_id,customer=order_id,score=review_score,at=answered_at\n',
    )
    .action((file: string, options: ImportOptions, command: Command) =>
      onTarget(command, host, (context) => imported(context, 'answers', file, options)),
    );

  withFormat(group.command('notes'))
    .argument('<file>', 'CSV, plain or gzip')
    .requiredOption('--map <pairs>', 'columns: customer=…,about=…,rating=…,by=…,reason=…[,date=…]')
    .description('import notes of account managers: ratings 1 to 5 of quality or potential; twice changes nothing')
    .addHelpText(
      'after',
      '\nExample:\n  resegment import notes notes.csv --map customer=id,about=about,rating=rating,by=by,reason=reason,date=date\n',
    )
    .action((file: string, options: ImportOptions, command: Command) =>
      onTarget(command, host, (context) => imported(context, 'notes', file, options)),
    );

  withFormat(group.command('staff'))
    .argument('<file>', 'CSV, plain or gzip')
    .requiredOption(
      '--map <pairs>',
      `columns: name=…,email=…[,superior=…,branch=…,role=…,language=…]; roles: ${STAFF_ROLES.join(', ')}`,
    )
    .description('import employees: who is mailed about cases and action lists, and whose superior is who')
    .addHelpText(
      'after',
      '\nExample:\n  resegment import staff staff.csv --map name=name,email=mail,superior=boss,branch=branch,role=role,language=language\n',
    )
    .action((file: string, options: ImportOptions, command: Command) =>
      onTarget(command, host, (context) => imported(context, 'staff', file, options)),
    );
  addImportRecordCommands(group, host);
};

/** Adds the options of a file that is imported now. */
const withFormat = (command: Command): Command =>
  withReading(command)
    .option('--rejects <file>', 'where rows that were not imported go; default FILE.rejects.csv')
    .option('--dry-run', 'check and count only');

/** Adds the options that say how any file is written, and where it comes from. */
export const withReading = (command: Command): Command =>
  command
    .option('--encoding <name>', `${CSV_ENCODINGS.join(', ')}; default utf-8, with or without BOM`)
    .option('--delimiter <character>', 'default: comma; \\t for a tab')
    .option('--decimal <point|comma>', 'decimal sign of numbers')
    .option('--date-format <format>', 'such as DD/MM/YYYY; default YYYY-MM-DD')
    .option('--source <name>', 'the system that the file comes from');

/** Which options besides those of every file a kind takes. */
const OWN_OPTIONS: Readonly<Record<ImportSettings['kind'], readonly (keyof ImportOptions)[]>> = {
  purchases: ['attributes', 'replace', 'append', 'contacts'],
  customers: ['asOf', 'complete', 'inputDrop', 'traits'],
  answers: ['asOf', 'scale', 'via'],
  notes: [],
  staff: [],
};
const ALL_OWN = [...new Set(Object.values(OWN_OPTIONS).flat())];

/**
 * How files of a kind are read, as the options say.
 *
 * @throws UsageError `option-unknown` for an option of another kind, `option-invalid`, `scale-invalid`; PermanentError `map-invalid`
 */
export const importSettings = (kind: ImportSettings['kind'], options: ImportOptions): ImportSettings => {
  const foreign = ALL_OWN.filter((name) => options[name] !== undefined && !OWN_OPTIONS[kind].includes(name));
  if (foreign.length > 0) {
    throw new UsageError(
      'option-unknown',
      `files of ${kind} take no ${foreign.map(flagOf).join(', ')}; besides the format they take ${OWN_OPTIONS[kind].map(flagOf).join(', ') || 'nothing'}`,
    );
  }
  const { scale: mapped, ...map } = importMap(options.map);
  const scaleIsFixed = kind === 'answers' && ANSWER_SCALES.some((one) => one === mapped);
  const scale = options.scale ?? (scaleIsFixed ? mapped : undefined);
  const known = ANSWER_SCALES.find((one) => one === scale);
  if (scale !== undefined && known === undefined) {
    throw new UsageError(
      'scale-invalid',
      `--scale must be one of ${ANSWER_SCALES.join(', ')}, got ${JSON.stringify(scale)}`,
    );
  }
  return {
    kind,
    map: mapped === undefined || scaleIsFixed ? map : { ...map, scale: mapped },
    ...importFormat(options),
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(options.dryRun === true ? { dryRun: true } : {}),
    ...(options.attributes === undefined ? {} : { attributes: [...names(options.attributes)] }),
    ...(options.replace === undefined ? {} : { replace: options.replace }),
    ...(options.append === true ? { append: true } : {}),
    ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
    ...(options.complete === true ? { complete: true } : {}),
    ...(options.traits === undefined ? {} : { traits: [...names(options.traits)] }),
    ...(options.inputDrop === undefined ? {} : { inputDropLimit: share('--input-drop', options.inputDrop) }),
    ...(known === undefined ? {} : { scale: known }),
  };
};

const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** @throws UsageError `kind-unknown` */
export const importKind = (text: string): ImportSettings['kind'] => {
  const kind = IMPORT_KINDS.find((one) => one === text);
  if (kind !== undefined) return kind;
  throw new UsageError('kind-unknown', `a kind is one of ${IMPORT_KINDS.join(', ')}, got ${JSON.stringify(text)}`);
};

const rejectsFileOf = (file: string, options: ImportOptions): string => options.rejects ?? `${file}.rejects.csv`;

const imported = async (
  context: CommandContext,
  kind: ImportSettings['kind'],
  file: string,
  options: ImportOptions,
): Promise<ExitCode> => {
  const via = (options.via ?? []).map(viaOf);
  const followed = await followImport(context, file, importSettings(kind, options), rejectsFileOf(file, options), via);
  return reportImport(context, followed);
};

const purchases = async (context: CommandContext, file: string, options: ImportOptions): Promise<ExitCode> => {
  const { terminal, target } = context;
  const settings = importSettings('purchases', options);
  const contactsFile = options.contacts === undefined || options.contacts === 'demo' ? undefined : options.contacts;
  if (contactsFile !== undefined) assertFile(contactsFile);
  const followed = await followImport(context, file, settings, rejectsFileOf(file, options));
  if (options.dryRun === true || options.contacts === undefined) return reportImport(context, followed);
  if (contactsFile === undefined) {
    const demo = await addDemoContacts({ ...target, businessTimeZone: target.timeZone }, (done) =>
      terminal.progress('making demo addresses', done, done),
    );
    return reportImport(context, followed, { demo });
  }
  const people = await followImport(
    context,
    contactsFile,
    {
      kind: 'customers',
      // Columns id, email, name, language as they are named.
      map: { id: 'id', email: 'email', name: 'name', language: 'language' },
      traits: [],
      asOf: dateIn(target.timeZone, target.clock.now()),
    },
    `${contactsFile}.rejects.csv`,
  );
  return reportImport(context, followed, { file: people });
};

/** `orders.csv:order_id=customer_id`; the last colon ends the file's name. */
const viaOf = (given: string): ViaFile => {
  const at = given.lastIndexOf(':');
  const [key, value, ...rest] = splitOutside(given.slice(at + 1), '=').map((name) => unescaped(name.trim()));
  if (at < 1 || key === undefined || value === undefined || key === '' || value === '' || rest.length > 0) {
    throw new UsageError(
      'via-invalid',
      `--via takes FILE:KEY=VALUE such as orders.csv:order_id=customer_id, got ${JSON.stringify(given)}`,
    );
  }
  return { file: given.slice(0, at), key, value };
};

const names = (text: string): readonly string[] =>
  splitOutside(text, ',')
    .map((name) => unescaped(name.trim()))
    .filter((name) => name !== '');

const share = (option: string, text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new UsageError('option-invalid', `${option} must be a share from 0 to 1, got ${JSON.stringify(text)}`);
  return value;
};

/** Says what an import did. @returns the exit code: 1 where no row was accepted, or a customer could not be read */
export const reportImport = (
  context: CommandContext,
  followed: FollowedImport,
  people?: { readonly demo?: number; readonly file?: FollowedImport },
): ExitCode => {
  const { rejects, importId } = followed;
  switch (followed.kind) {
    case 'notes':
      return reportNotes(context, { ...followed.result, importId, rejects });
    case 'staff':
      return reportStaff(context, { ...followed.result, importId, rejects });
    default:
      return reportRows(context, { ...followed.result, importId, rejects }, people);
  }
};

interface Kept {
  readonly importId: string;
  readonly rejects: string | null;
}

const rejectsLine = ({ rejects }: Kept): readonly string[] =>
  rejects === null ? [] : [`  rejected rows with their reasons: ${rejects}`];

const reportNotes = ({ terminal }: CommandContext, notes: NoteImportResult & Kept): ExitCode => {
  terminal.result(notes, () =>
    [
      notes.dryRun ? 'notes checked only; nothing was written' : 'notes imported',
      `  rows ${notes.rows}: accepted ${notes.accepted}, rejected ${notes.rejected}`,
      ...(notes.dryRun ? [] : [`  added ${notes.added}, there already ${notes.unchanged}`]),
      ...rejectsLine(notes),
    ].join('\n'),
  );
  return notes.accepted === 0 ? EXIT.failed : EXIT.done;
};

const reportStaff = ({ terminal }: CommandContext, staff: StaffImportResult & Kept): ExitCode => {
  terminal.result(staff, () =>
    [
      staff.dryRun ? 'staff checked only; nothing was written' : 'staff imported',
      `  rows ${staff.rows}: accepted ${staff.accepted}, rejected ${staff.rejected}`,
      ...(staff.dryRun ? [] : [`  new ${staff.new}, changed ${staff.changed}, unchanged ${staff.unchanged}`]),
      ...staff.notices.map((notice) => `  note: ${notice}`),
      ...rejectsLine(staff),
    ].join('\n'),
  );
  return staff.accepted === 0 ? EXIT.failed : EXIT.done;
};

const reportRows = (
  context: CommandContext,
  imported: ImportResult & Kept,
  people: { readonly demo?: number; readonly file?: FollowedImport } | undefined,
): ExitCode => {
  const { target, terminal } = context;
  const { totalMinor } = imported;
  const total = totalMinor === null ? null : decimalOfMinor(totalMinor, target.currency);
  terminal.result(
    {
      ...imported,
      total,
      currency: target.currency,
      ...(people?.demo === undefined ? {} : { demoContacts: people.demo }),
      ...(people?.file === undefined ? {} : { contacts: people.file.result }),
    },
    () =>
      [
        imported.alreadyImported
          ? `batch ${imported.batchId}: this file was imported before; nothing was changed`
          : imported.dryRun
            ? `batch ${imported.batchId}: checked only; nothing was written`
            : `batch ${imported.batchId} imported`,
        `  rows ${imported.rows}: accepted ${imported.accepted}, rejected ${imported.rejected}`,
        `  customers ${imported.customers}, new ${imported.newCustomers}, written ${imported.written}${imported.left > 0 ? `, left ${imported.left}` : ''}`,
        ...(imported.stored === undefined
          ? []
          : [
              `  answers stored ${imported.stored}, rows replaced by a later one of the same id ${imported.replaced ?? 0}`,
            ]),
        ...(imported.dateFrom === null ? [] : [`  dates ${imported.dateFrom} to ${imported.dateTo ?? ''}`]),
        ...(total === null ? [] : [`  total ${total} ${target.currency}`]),
        ...imported.notices.map((notice) => `  note: ${notice}`),
        ...(imported.unreadable.length === 0
          ? []
          : [`  customers whose stored facts cannot be read: ${imported.unreadable.length}`]),
        ...rejectsLine(imported),
        ...(people?.demo === undefined ? [] : [`  demo addresses made for ${people.demo} customers`]),
        ...(people?.file === undefined
          ? []
          : [`  contacts: ${people.file.result.accepted} of ${people.file.result.rows} rows`]),
      ].join('\n'),
  );
  return imported.accepted === 0 || imported.unreadable.length > 0 ? EXIT.failed : EXIT.done;
};
