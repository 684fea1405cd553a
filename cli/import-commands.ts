import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { decimalOfMinor } from '#shared/application/format-value.ts';
import { csvLine } from '#shared/application/import/csv-rows.ts';
import { addDemoContacts } from '#shared/application/import/demo-contacts.ts';
import { importAnswers } from '#shared/application/import/import-answers.ts';
import type { ImportResult, InProcessPorts } from '#shared/application/import/import-batches.ts';
import { importCustomers } from '#shared/application/import/import-customers.ts';
import { importNotes, type NoteImportResult } from '#shared/application/import/import-notes.ts';
import { importFormat, importMap, splitOutside, unescaped } from '#shared/application/import/import-options.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import { importStaff, type StaffImportResult } from '#shared/application/import/import-staff.ts';
import type { ImportFormat } from '#shared/application/import/import-table.ts';
import type { ImportVia } from '#shared/application/import/import-via.ts';
import { CSV_ENCODINGS } from '#shared/contracts/import-job.ts';
import { dateIn } from '#shared/domain/calendar.ts';
import { ANSWER_SCALES } from '#shared/domain/facts.ts';
import { STAFF_ROLES } from '#shared/domain/staff.ts';
import type { ImportSource, RejectSink } from '#shared/ports/imports.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { UsageError } from './usage-error.ts';

interface ImportOptions {
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
      onTarget(command, host, (context) => customers(context, file, options)),
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
      onTarget(command, host, (context) => answers(context, file, options)),
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
      onTarget(command, host, (context) => notes(context, file, options)),
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
      onTarget(command, host, (context) => staff(context, file, options)),
    );
};

const withFormat = (command: Command): Command =>
  command
    .option('--encoding <name>', `${CSV_ENCODINGS.join(', ')}; default utf-8, with or without BOM`)
    .option('--delimiter <character>', 'default: comma; \\t for a tab')
    .option('--decimal <point|comma>', 'decimal sign of numbers')
    .option('--date-format <format>', 'such as DD/MM/YYYY; default YYYY-MM-DD')
    .option('--rejects <file>', 'where rows that were not imported go; default FILE.rejects.csv')
    .option('--source <name>', 'the system that the file comes from')
    .option('--dry-run', 'check and count only');

const purchases = async (context: CommandContext, file: string, options: ImportOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  const contactsFile =
    options.contacts === undefined || options.contacts === 'demo' ? undefined : sourceOf(options.contacts);
  const imported = await withRejects(file, options, (rejects) =>
    importPurchases(
      sourceOf(file),
      {
        ...formatOf(options),
        map: importMap(options.map),
        currency: target.currency,
        rejects,
        onProgress: ({ phase, rows }) =>
          terminal.progress(phase === 'check' ? 'checking rows' : 'writing rows', rows, rows),
        ...(options.attributes === undefined ? {} : { attributes: names(options.attributes) }),
        ...(options.replace === undefined ? {} : { replace: options.replace }),
        ...(options.append === true ? { append: true } : {}),
      },
      portsOf(context),
    ),
  );
  const people =
    options.dryRun === true
      ? undefined
      : contactsFile === undefined
        ? options.contacts === 'demo'
          ? {
              demo: await addDemoContacts(portsOf(context), (done) =>
                terminal.progress('making demo addresses', done, done),
              ),
            }
          : undefined
        : { file: await importContacts(context, contactsFile) };
  return report(context, imported, people);
};

/** Columns id, email, name, language as they are named. */
const importContacts = (context: CommandContext, source: ImportSource): Promise<ImportResult> =>
  importCustomers(
    source,
    {
      map: { id: 'id', email: 'email', name: 'name', language: 'language' },
      traits: [],
      asOf: dateIn(context.target.timeZone, context.target.clock.now()),
    },
    portsOf(context),
  );

const customers = async (context: CommandContext, file: string, options: ImportOptions): Promise<ExitCode> => {
  const { terminal } = context;
  const imported = await withRejects(file, options, (rejects) =>
    importCustomers(
      sourceOf(file),
      {
        ...formatOf(options),
        map: importMap(options.map),
        rejects,
        onProgress: ({ phase, rows }) =>
          terminal.progress(phase === 'check' ? 'checking rows' : 'writing rows', rows, rows),
        ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
        ...(options.complete === true ? { complete: true } : {}),
        ...(options.traits === undefined ? {} : { traits: names(options.traits) }),
        ...(options.inputDrop === undefined ? {} : { inputDropLimit: share('--input-drop', options.inputDrop) }),
      },
      portsOf(context),
    ),
  );
  return report(context, imported);
};

const answers = async (context: CommandContext, file: string, options: ImportOptions): Promise<ExitCode> => {
  const { scale: mappedScale, ...map } = importMap(options.map);
  const fixed = ANSWER_SCALES.find((one) => one === mappedScale);
  const scale = options.scale === undefined ? fixed : ANSWER_SCALES.find((one) => one === options.scale);
  if (options.scale !== undefined && scale === undefined) {
    throw new UsageError(
      'scale-invalid',
      `--scale must be one of ${ANSWER_SCALES.join(', ')}, got ${JSON.stringify(options.scale)}`,
    );
  }
  const imported = await withRejects(file, options, (rejects) =>
    importAnswers(
      sourceOf(file),
      {
        ...formatOf(options),
        map: mappedScale === undefined || fixed !== undefined ? map : { ...map, scale: mappedScale },
        rejects,
        ...(scale === undefined ? {} : { scale }),
        ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
        ...(options.via === undefined ? {} : { via: options.via.map(viaOf) }),
      },
      portsOf(context),
    ),
  );
  return report(context, imported);
};

const notes = async (context: CommandContext, file: string, options: ImportOptions): Promise<ExitCode> => {
  const { target, terminal, by } = context;
  const imported = await withRejects<NoteImportResult>(file, options, (rejects) =>
    importNotes(sourceOf(file), { ...formatOf(options), map: importMap(options.map), rejects }, target),
  );
  if (!imported.dryRun && imported.added > 0) {
    const what = `${basename(file)} (${imported.added} notes)`;
    await target.journal.add({ at: target.clock.now(), by, kind: 'import', action: 'imported', what, reason: null });
  }
  terminal.result(imported, () =>
    [
      imported.dryRun ? 'notes checked only; nothing was written' : 'notes imported',
      `  rows ${imported.rows}: accepted ${imported.accepted}, rejected ${imported.rejected}`,
      ...(imported.dryRun ? [] : [`  added ${imported.added}, there already ${imported.unchanged}`]),
      ...(imported.rejects === null ? [] : [`  rejected rows with their reasons: ${imported.rejects}`]),
    ].join('\n'),
  );
  return imported.accepted === 0 ? EXIT.failed : EXIT.done;
};

const staff = async (context: CommandContext, file: string, options: ImportOptions): Promise<ExitCode> => {
  const { target, terminal, by } = context;
  const imported = await withRejects<StaffImportResult>(file, options, (rejects) =>
    importStaff(sourceOf(file), { ...formatOf(options), map: importMap(options.map), rejects }, target),
  );
  if (!imported.dryRun && imported.new + imported.changed > 0) {
    const what = `${basename(file)} (${imported.new} new, ${imported.changed} changed)`;
    await target.journal.add({ at: target.clock.now(), by, kind: 'staff', action: 'imported', what, reason: null });
  }
  terminal.result(imported, () =>
    [
      imported.dryRun ? 'staff checked only; nothing was written' : 'staff imported',
      `  rows ${imported.rows}: accepted ${imported.accepted}, rejected ${imported.rejected}`,
      ...(imported.dryRun
        ? []
        : [`  new ${imported.new}, changed ${imported.changed}, unchanged ${imported.unchanged}`]),
      ...imported.notices.map((notice) => `  note: ${notice}`),
      ...(imported.rejects === null ? [] : [`  rejected rows with their reasons: ${imported.rejects}`]),
    ].join('\n'),
  );
  return imported.accepted === 0 ? EXIT.failed : EXIT.done;
};

/** `orders.csv:order_id=customer_id`; the last colon ends the file's name. */
const viaOf = (given: string): ImportVia => {
  const at = given.lastIndexOf(':');
  const [key, value, ...rest] = splitOutside(given.slice(at + 1), '=').map((name) => unescaped(name.trim()));
  if (at < 1 || key === undefined || value === undefined || key === '' || value === '' || rest.length > 0) {
    throw new UsageError(
      'via-invalid',
      `--via takes FILE:KEY=VALUE such as orders.csv:order_id=customer_id, got ${JSON.stringify(given)}`,
    );
  }
  return { source: sourceOf(given.slice(0, at)), key, value };
};

const portsOf = ({ target, by }: CommandContext): InProcessPorts => ({
  scratch: target.objects,
  by,
  clock: target.clock,
  customers: target.customers,
  batches: target.batches,
  contacts: target.contacts,
  ...(target.persons === undefined ? {} : { erasures: target.persons.erasures }),
  businessTimeZone: target.timeZone,
});

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

const formatOf = (options: ImportOptions): ImportFormat & { readonly source?: string; readonly dryRun?: boolean } => ({
  ...importFormat(options),
  ...(options.source === undefined ? {} : { source: options.source }),
  ...(options.dryRun === true ? { dryRun: true } : {}),
});

/** A file that can be read from its beginning again. @throws UsageError `file-not-found` or `file-not-readable` */
const sourceOf = (file: string): ImportSource => {
  try {
    if (!statSync(file).isFile()) throw new UsageError('file-not-readable', `${file} is not a file`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError('file-not-found', `there is no file ${file}`, { path: file });
  }
  return { name: basename(file), open: () => createReadStream(file, { highWaterMark: 1 << 18 }) };
};

type Imported = ImportResult & { readonly rejects: string | null };

/** Keeps the rejected rows beside the file; the file of rejects is made with the first of them. */
const withRejects = async <Result = ImportResult>(
  file: string,
  options: ImportOptions,
  work: (sink: RejectSink) => Promise<Result>,
): Promise<Result & { readonly rejects: string | null }> => {
  const path = options.rejects ?? `${file}.rejects.csv`;
  let stream: ReturnType<typeof createWriteStream> | undefined;
  const sink: RejectSink = {
    write: (row) => {
      if (stream === undefined) {
        stream = createWriteStream(path, { mode: 0o600 });
        stream.write('line,reason,original\n');
      }
      if (!stream.write(`${csvLine([String(row.line), row.reason, row.original])}\n`)) {
        const full = stream;
        return new Promise<void>((resolve) => full.once('drain', resolve));
      }
      return undefined;
    },
  };
  const close = async (): Promise<void> => {
    if (stream === undefined) return;
    stream.end();
    await finished(stream);
  };
  try {
    const result = await work(sink);
    await close();
    return { ...result, rejects: stream === undefined ? null : path };
  } catch (error) {
    await close();
    throw error;
  }
};

const report = (
  context: CommandContext,
  imported: Imported,
  people?: { readonly demo?: number; readonly file?: ImportResult },
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
      ...(people?.file === undefined ? {} : { contacts: people.file }),
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
        ...(imported.rejects === null ? [] : [`  rejected rows with their reasons: ${imported.rejects}`]),
        ...(people?.demo === undefined ? [] : [`  demo addresses made for ${people.demo} customers`]),
        ...(people?.file === undefined ? [] : [`  contacts: ${people.file.accepted} of ${people.file.rows} rows`]),
      ].join('\n'),
  );
  return imported.accepted === 0 || imported.unreadable.length > 0 ? EXIT.failed : EXIT.done;
};
