import * as z from 'zod/mini';
import { mapConcurrently } from '../../concurrently.ts';
import type { ImportSettings } from '../../contracts/import-job.ts';
import { isIsoDate } from '../../domain/calendar.ts';
import { type Consent, newestConsent } from '../../domain/contact-policy.ts';
import { CUSTOMER_STATUSES, type CustomerFacts, type CustomerStatus, type TraitValue } from '../../domain/facts.ts';
import { addSnapshot, type CustomerSnapshot } from '../../domain/merge-facts.ts';
import { PermanentError, PoisonError } from '../../errors.ts';
import type { ImportedPerson, ImportSource } from '../../ports/imports.ts';
import type { CsvRow } from './csv-rows.ts';
import type { ImportPorts, ImportResult, InProcessPorts } from './import-batches.ts';
import { type InProcessOptions, importInProcess } from './import-in-process.ts';
import {
  assertColumnReadable,
  type Columns,
  cell,
  type ImportFormat,
  type ImportTable,
  mapColumns,
} from './import-table.ts';
import {
  dateFormat,
  ERASED_ROW,
  isForeignNumber,
  type Parsed,
  parseId,
  parseTrait,
  parseTruth,
  shown,
  TRAIT_TYPES,
  traitType,
} from './import-values.ts';
import { changeCustomers, type FactsChange, type WriteCounts } from './import-write.ts';
import type { RangedKind, ReadingContext } from './ranged-file.ts';

export interface CustomerImportOptions extends ImportFormat, InProcessOptions {
  /**
   * `id` and any of email, name, language, branch, manager, status, date, consent, consentAt, consentSource, region → column
   * name. Consent is dated by `consentAt`, without such a column by the row; its source is `consentSource`, else `source`.
   */
  readonly map?: Readonly<Record<string, string>>;
  /** Date of all rows, unless a column is mapped to `date`. */
  readonly asOf?: string;
  /** Columns that become traits. Absent: all that are not mapped. */
  readonly traits?: readonly string[];
  /** The file names every customer: active ones who are not in it have left. Needs `asOf`. */
  readonly complete?: boolean;
  /** Largest share of active customers that a complete file may lack, 0..1; 0.10 if absent. */
  readonly inputDropLimit?: number;
  readonly source?: string;
}

const TARGETS = [
  'id',
  'email',
  'name',
  'language',
  'branch',
  'manager',
  'status',
  'date',
  'consent',
  'consentAt',
  'consentSource',
  'region',
] as const;
type Target = (typeof TARGETS)[number];
const CONCURRENT_CONTACTS = 16;

interface CustomerRow {
  readonly customerId: string;
  readonly date: string;
  readonly traits: Readonly<Record<string, TraitValue>>;
  readonly branch?: string;
  readonly manager?: string;
  readonly status?: CustomerStatus;
  readonly person?: ImportedPerson;
  /** Also of a row without an address. */
  readonly consent?: Consent;
  /** Why the row's consent is not taken up; the rest of the row is. */
  readonly consentProblem?: string;
}

/**
 * Imports customers with their traits from CSV. Each row is a snapshot of its date; older snapshots stay. Addresses, names,
 * languages and consent go to the contacts, and only the contact's key to the customer's facts.
 *
 * @throws PermanentError before anything is written: as `importPurchases`; also `as-of-missing`, and `input-drop` where a
 *   complete file lacks more customers than the limit allows
 */
export const importCustomers = (
  source: ImportSource,
  { traits, map, rejects, onProgress, ...settings }: CustomerImportOptions,
  ports: InProcessPorts,
): Promise<ImportResult> =>
  importInProcess(
    customerKind,
    source,
    { kind: 'customers', map: map ?? {}, ...settings, ...(traits === undefined ? {} : { traits: [...traits] }) },
    { ...(rejects === undefined ? {} : { rejects }), ...(onProgress === undefined ? {} : { onProgress }) },
    ports,
  );

const CustomerReading = z.object({
  columns: z.record(z.string(), z.number()),
  traits: z.array(z.object({ name: z.string(), column: z.number(), type: z.enum(TRAIT_TYPES) })),
});
type TraitColumn = z.infer<typeof CustomerReading>['traits'][number];

/** How files of customers are read and written. */
export const customerKind: RangedKind = {
  kind: 'customers',
  settle: (table, settings, fileName, context) => {
    const columns = mapColumns(table.header, settings.map, TARGETS, ['id'], fileName);
    assertAsOf(columns, settings);
    const dates = dateFormat(settings.dateFormat, context.businessTimeZone);
    const traits = traitColumns(table, columns, settings, fileName);
    assertColumnReadable(
      table.first,
      columns.date,
      table.header[columns.date ?? 0] ?? 'date',
      dates.parse,
      '--date-format',
    );
    return { reading: { columns, traits }, notices: [] };
  },
  file: (given, settings, context) => {
    const { columns: named, traits } = CustomerReading.parse(given);
    const columns: Columns<Target> = named;
    const parse = customerParser(columns, traits, settings, context);
    return {
      identity: {
        columns,
        traits: traits.map(({ name, type }) => `${name}:${type}`).sort(),
        asOf: settings.asOf ?? null,
        complete: settings.complete === true,
        decimal: settings.decimal ?? null,
        dateFormat: settings.dateFormat ?? null,
        encoding: settings.encoding ?? 'utf-8',
      },
      hasKeys: true,
      allowsSame: false,
      look: (row) => {
        const parsed = parse(row);
        if (!parsed.ok) return parsed;
        const { customerId, date, consentProblem } = parsed.value;
        return {
          ok: true,
          value: {
            customerId,
            date,
            amountMinor: null,
            key: `${date} ${customerId}`,
            ...(consentProblem === undefined ? {} : { notice: consentProblem }),
          },
        };
      },
      customerOf: (row) => {
        const id = parseId(cell(row, columns.id), 'customer id');
        return id.ok ? id.value : undefined;
      },
      repeated: (row) => {
        const parsed = parse(row);
        const [id, date] = parsed.ok ? [parsed.value.customerId, parsed.value.date] : [cell(row, columns.id), ''];
        return `the customer ${shown(id)} is there before with the same date ${date}`;
      },
      write: async (rows, { batch }, ports, counts) => {
        const customers = new Map<string, CustomerRow[]>();
        for (const row of rows) {
          const parsed = parse(row);
          if (!parsed.ok) continue;
          const known = customers.get(parsed.value.customerId);
          if (known === undefined) customers.set(parsed.value.customerId, [parsed.value]);
          else known.push(parsed.value);
        }
        await writeCustomers(customers, batch.recordedAt, ports, counts);
      },
    };
  },
};

const writeCustomers = async (
  rows: ReadonlyMap<string, readonly CustomerRow[]>,
  recordedAt: string,
  ports: ImportPorts,
  counts: WriteCounts,
): Promise<void> => {
  const { contactKeys, withoutContact } = await writePeople(rows, ports);
  const toNote: (() => Promise<void>)[] = [];
  const changes = new Map<string, FactsChange>();
  for (const [customerId, snapshots] of rows) {
    const contactKey = contactKeys.get(customerId);
    const consent = withoutContact.get(customerId);
    changes.set(customerId, (facts) => {
      let current = facts;
      if (facts.contactKey !== undefined) {
        toNote.push(() => carryConsent(customerId, { from: facts.contactKey, to: contactKey, consent }, ports));
      }
      for (const { date, traits, branch, manager, status } of snapshots) {
        const snapshot: CustomerSnapshot = {
          date,
          traits,
          recordedAt,
          ...(branch === undefined ? {} : { branch }),
          ...(manager === undefined ? {} : { manager }),
          ...(status === undefined ? {} : { status }),
          ...(contactKey === undefined ? {} : { contactKey }),
          ...(consent === undefined ? {} : { consent }),
        };
        const next = addSnapshot(current, snapshot);
        if (next !== undefined) current = { ...next, factsRev: facts.factsRev + 1 };
      }
      return current === facts ? undefined : current;
    });
  }
  await changeCustomers(ports.customers, changes, counts);
  await mapConcurrently(toNote, CONCURRENT_CONTACTS, (note) => note());
};

const assertAsOf = (columns: Columns<Target>, options: ImportSettings): void => {
  if (options.asOf !== undefined && !isIsoDate(options.asOf)) {
    throw new PermanentError(
      'as-of-invalid',
      `--as-of takes a date as YYYY-MM-DD, got ${JSON.stringify(options.asOf)}`,
    );
  }
  if (options.asOf === undefined && columns.date === undefined) {
    throw new PermanentError('as-of-missing', 'the import must know which date the traits are of', {
      hint: 'give --as-of DATE for all rows, or a column: --map id=…,date=COLUMN',
    });
  }
  if (options.complete === true && options.asOf === undefined) {
    throw new PermanentError('as-of-missing', '--complete needs --as-of DATE: the absent customers have left by then');
  }
};

const traitColumns = (
  table: Pick<ImportTable, 'header' | 'first'>,
  columns: Columns<Target>,
  options: ImportSettings,
  fileName: string,
): readonly TraitColumn[] => {
  const missing = (options.traits ?? []).filter((name) => !table.header.includes(name));
  if (missing.length > 0) {
    throw new PermanentError(
      'mapping-invalid',
      `--traits names ${missing.join(', ')}; the columns of ${fileName} are: ${table.header.join(', ')}`,
    );
  }
  const mapped = new Set<number | undefined>(Object.values(columns));
  return [...table.header.entries()]
    .filter(([column, name]) =>
      options.traits === undefined
        ? !mapped.has(column) && name !== '' && table.header.indexOf(name) === column
        : options.traits.includes(name) && table.header.indexOf(name) === column,
    )
    .map(([column, name]) => {
      const values = table.first.map((row) => cell(row, column));
      const type = traitType(values, options);
      if (type === 'text') assertNotForeign(values, name, options);
      return { name, column, type };
    });
};

const assertNotForeign = (values: readonly string[], name: string, options: ImportSettings): void => {
  const filled = values.map((value) => value.trim()).filter((value) => value !== '');
  const other = { decimal: options.decimal === ',' ? ('.' as const) : (',' as const) };
  const foreign = filled.find((value) => isForeignNumber(value, options));
  if (
    foreign === undefined ||
    (traitType(filled, other) !== 'number' && traitType(filled, { decimal: '.' }) !== 'number')
  )
    return;
  throw new PermanentError(
    'numbers-unreadable',
    `the numbers of the column ${name}, such as ${shown(foreign)}, are ambiguous`,
    {
      hint: 'say how they are written: --decimal , or --decimal .',
    },
  );
};

const customerParser = (
  columns: Columns<Target>,
  traits: readonly TraitColumn[],
  options: ImportSettings,
  { businessTimeZone, today, isErased }: ReadingContext,
) => {
  const { parse: parseDate } = dateFormat(options.dateFormat, businessTimeZone);
  return (row: CsvRow): Parsed<CustomerRow> => {
    const bad = (reason: string): Parsed<CustomerRow> => ({ ok: false, format: false, reason });
    const text = (target: Target): string => cell(row, columns[target]).trim();
    const id = parseId(text('id'), 'customer id');
    if (!id.ok) return id;
    if (isErased?.(id.value) === true) return ERASED_ROW;
    const dateText = text('date');
    const date: Parsed<string> =
      dateText === '' && options.asOf !== undefined ? { ok: true, value: options.asOf } : parseDate(dateText);
    if (!date.ok) return date;
    const values: Record<string, TraitValue> = {};
    for (const { name, column, type } of traits) {
      const value = parseTrait(cell(row, column), type, options);
      if (!value.ok)
        return bad(`${name}: ${value.reason}${type === 'text' ? '' : `; the first rows have a ${type} there`}`);
      if (value.value !== undefined) values[name] = value.value;
    }
    const statusText = text('status');
    const status = CUSTOMER_STATUSES.find((one) => one.toLowerCase() === statusText.toLowerCase());
    if (statusText !== '' && status === undefined) {
      return bad(`the status ${shown(statusText)} is none of ${CUSTOMER_STATUSES.join(', ')}`);
    }
    const email = text('email');
    if (email !== '' && !/^[^\s@]+@[^\s@]+$/.test(email)) return bad('the email is no address');
    const consentText = text('consent');
    const consent = consentText === '' ? undefined : parseTruth(consentText);
    if (consent?.ok === false) return bad(`consent: ${consent.reason}`);
    const recorded =
      consent === undefined
        ? undefined
        : consentOf(consent.value, {
            source: text('consentSource') || options.source,
            at:
              columns.consentAt === undefined
                ? date
                : text('consentAt') === ''
                  ? undefined
                  : parseDate(text('consentAt')),
            rowDate: date.value,
            today,
          });
    const person: ImportedPerson | undefined =
      email === ''
        ? undefined
        : {
            customerId: id.value,
            email,
            ...(text('name') === '' ? {} : { name: text('name') }),
            ...(text('language') === '' ? {} : { language: text('language') }),
            ...(text('region') === '' ? {} : { region: text('region') }),
            ...(recorded?.consent === undefined ? {} : { consent: recorded.consent }),
          };
    return {
      ok: true,
      value: {
        customerId: id.value,
        date: date.value,
        traits: values,
        ...(text('branch') === '' ? {} : { branch: text('branch') }),
        ...(text('manager') === '' ? {} : { manager: text('manager') }),
        ...(status === undefined ? {} : { status }),
        ...(person === undefined ? {} : { person }),
        ...(recorded?.consent === undefined ? {} : { consent: recorded.consent }),
        ...(recorded?.problem === undefined ? {} : { consentProblem: recorded.problem }),
      },
    };
  };
};

/**
 * The consent of a row. A consent that nobody can prove, without source or date, or dated ahead, is not taken up. A refusal
 * always is: what is missing is filled in, and a date that cannot be used is the row's.
 */
const consentOf = (
  given: boolean,
  from: {
    readonly source: string | undefined;
    readonly at: Parsed<string> | undefined;
    readonly rowDate: string;
    readonly today: string;
  },
): { readonly consent?: NonNullable<ImportedPerson['consent']>; readonly problem?: string } => {
  const { source, at, rowDate, today } = from;
  if (at?.ok === true && at.value <= today && source !== undefined) {
    return { consent: { given, source, at: at.value } };
  }
  if (!given) return { consent: { given, source: source ?? 'default', at: rowDate } };
  if (at === undefined) return { problem: 'it has no date in the column of consentAt' };
  if (!at.ok) return { problem: `its date cannot be read: ${at.reason}` };
  if (at.value > today) return { problem: `it is dated ahead: ${at.value} is after today, ${today}` };
  return { problem: 'it has no source; name it with --source, or map a column to consentSource' };
};

interface WrittenPeople {
  /** By customer id. */
  readonly contactKeys: ReadonlyMap<string, string>;
  /** The consent of customers of whom no address is known: it stays with the customer until one comes. */
  readonly withoutContact: ReadonlyMap<string, Consent>;
}

/** Hands the newest address and the newest word on consent of each customer over to the contacts. */
const writePeople = async (
  rows: ReadonlyMap<string, readonly CustomerRow[]>,
  ports: ImportPorts,
): Promise<WrittenPeople> => {
  const people: ImportedPerson[] = [];
  const consents = new Map<string, Consent>();
  for (const [customerId, snapshots] of rows) {
    const consent = snapshots.reduce<Consent | undefined>((known, row) => newestConsent(known, row.consent), undefined);
    const newest = snapshots
      .filter((row) => row.person !== undefined)
      .reduce<CustomerRow | undefined>(
        (best, row) => (best === undefined || row.date >= best.date ? row : best),
        undefined,
      );
    if (newest?.person !== undefined)
      people.push(consent === undefined ? newest.person : { ...newest.person, consent });
    else if (consent !== undefined) consents.set(customerId, consent);
  }
  const contactKeys = new Map<string, string>();
  await mapConcurrently(people, CONCURRENT_CONTACTS, async (person) => {
    const before = () => knownConsent(person.customerId, ports);
    contactKeys.set(person.customerId, await ports.contacts.upsertPerson(person, before));
  });
  const withoutContact = new Map<string, Consent>();
  await mapConcurrently([...consents], CONCURRENT_CONTACTS, async ([customerId, consent]) => {
    const contactKey = (await readableFacts(customerId, ports))?.contactKey;
    if (contactKey === undefined) withoutContact.set(customerId, consent);
    else await ports.contacts.noteConsent?.(contactKey, customerId, consent);
  });
  return { contactKeys, withoutContact };
};

/** What was said of consent before the customer got a new address: with the old one, or while there was none. */
const knownConsent = async (customerId: string, ports: ImportPorts): Promise<Consent | undefined> => {
  const facts = await readableFacts(customerId, ports);
  if (facts?.contactKey === undefined) return facts?.consent;
  return newestConsent(facts.consent, await ports.contacts.consentOf?.(facts.contactKey, customerId));
};

/** Undefined where they cannot be read; the import names such customers when it writes them. */
const readableFacts = async (customerId: string, ports: ImportPorts): Promise<CustomerFacts | undefined> => {
  try {
    return await ports.customers.get(customerId);
  } catch (error) {
    if (error instanceof PoisonError) return undefined;
    throw error;
  }
};

/** Takes the consent along where a customer moved back to an address of before, or where another import came between. */
const carryConsent = async (
  customerId: string,
  {
    from,
    to,
    consent,
  }: { readonly from: string | undefined; readonly to: string | undefined; readonly consent: Consent | undefined },
  { contacts }: ImportPorts,
): Promise<void> => {
  if (from === undefined || (consent === undefined && (to === undefined || to === from))) return;
  const known = newestConsent(consent, await contacts.consentOf?.(from, customerId));
  if (known !== undefined) await contacts.noteConsent?.(to ?? from, customerId, known);
};
