import { circleOfSuperiors, STAFF_LANGUAGES, STAFF_ROLES, type StaffMember, staffName } from '../../domain/staff.ts';
import { PermanentError } from '../../errors.ts';
import type { ImportSource, RejectSink } from '../../ports/imports.ts';
import type { StaffStore } from '../../ports/staff-store.ts';
import { mailAddress } from '../mail/mime-message.ts';
import type { CsvRow } from './csv-rows.ts';
import { type Columns, cell, type ImportFormat, mapColumns, newRowCounter, openTable } from './import-table.ts';
import { type Parsed, shown } from './import-values.ts';

export interface StaffImportOptions extends ImportFormat {
  /** `name`, `email` and any of superior, branch, role, language → column name. */
  readonly map?: Readonly<Record<string, string>>;
  readonly dryRun?: boolean | undefined;
  readonly rejects?: RejectSink;
}

export interface StaffImportResult {
  readonly dryRun: boolean;
  /** Rows without the header; accepted + rejected. */
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly new: number;
  readonly changed: number;
  readonly unchanged: number;
  /** What the reader should know, in English. */
  readonly notices: readonly string[];
}

const TARGETS = ['name', 'email', 'superior', 'branch', 'role', 'language'] as const;
type Target = (typeof TARGETS)[number];
/** A directory is read whole. */
const MOST_STAFF = 20_000;
const LONGEST_NAME = 100;

/**
 * Imports employees. A row replaces what the directory has of that name; the same file again changes nothing. Rows are
 * rejected whose superior is neither in the file nor in the directory.
 *
 * @throws PermanentError before anything is written: `mapping-invalid`, `file-…`, `staff-circle` where superiors go round in a
 *   circle, `staff-too-many`
 */
export const importStaff = async (
  source: ImportSource,
  options: StaffImportOptions,
  ports: { readonly staff: StaffStore },
): Promise<StaffImportResult> => {
  const table = await openTable(source, options);
  const columns = mapColumns(table.header, options.map ?? {}, TARGETS, ['name', 'email'], source.name);
  const counter = newRowCounter(table.header, options, options.rejects);
  const { counts } = counter;
  let rows: Row[] = [];
  const lines = new Map<string, number>();
  for await (const row of table.rows) {
    counts.rows += 1;
    const problem = counter.lengthProblem(row);
    const parsed: Parsed<StaffMember> =
      problem === undefined ? parseRow(row, columns) : { ok: false, format: false, reason: problem };
    if (!parsed.ok) {
      await counter.reject(row, parsed.reason);
      continue;
    }
    const before = lines.get(parsed.value.name);
    if (before !== undefined) {
      await counter.reject(row, `the name ${shown(parsed.value.name)} is there before, in line ${before}`);
      continue;
    }
    lines.set(parsed.value.name, row.line);
    rows.push({ row, member: parsed.value });
    if (rows.length > MOST_STAFF)
      throw new PermanentError('staff-too-many', `${source.name} has more than ${MOST_STAFF} employees`);
  }
  const known = await ports.staff.list();
  for (;;) {
    const names = new Set([...known.map((one) => one.name), ...rows.map((one) => one.member.name)]);
    const homeless = rows.filter(({ member }) => member.superior !== null && !names.has(member.superior));
    if (homeless.length === 0) break;
    for (const { row, member } of homeless) {
      await counter.reject(
        row,
        `the superior ${shown(member.superior ?? '')} is neither in the file nor in the directory`,
      );
    }
    rows = rows.filter((one) => !homeless.includes(one));
  }
  counts.accepted = rows.length;
  const named = new Set(rows.map((one) => one.member.name));
  const whole = [...known.filter((one) => !named.has(one.name)), ...rows.map((one) => one.member)];
  assertNoCircle(whole, rows, source.name);

  const written = { new: 0, changed: 0, unchanged: 0 };
  if (options.dryRun !== true) for (const { member } of rows) written[await ports.staff.put(member)] += 1;
  return { dryRun: options.dryRun === true, ...counts, ...written, notices: noticesOf(whole) };
};

interface Row {
  readonly row: CsvRow;
  readonly member: StaffMember;
}

const parseRow = (row: CsvRow, columns: Columns<Target>): Parsed<StaffMember> => {
  const bad = (reason: string): Parsed<StaffMember> => ({ ok: false, format: false, reason });
  const text = (target: Target): string => cell(row, columns[target]).trim();
  const name = staffName(text('name'));
  if (name === '') return bad('the name is empty');
  const badName = [name, text('superior'), text('branch')].find(
    (one) => one.length > LONGEST_NAME || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(one),
  );
  if (badName !== undefined)
    return bad(`names have at most ${LONGEST_NAME} characters and no control characters, got ${shown(badName)}`);
  const email = text('email');
  if (email === '') return bad('the email is empty');
  if (!isMailbox(email)) return bad('the email is no address');
  const given = text('role');
  const role = given === '' ? 'manager' : STAFF_ROLES.find((one) => one.toLowerCase() === given.toLowerCase());
  if (role === undefined) return bad(`the role ${shown(given)} is none of ${STAFF_ROLES.join(', ')}`);
  const branch = text('branch') === '' ? null : text('branch');
  if (role === 'branchHead' && branch === null) return bad('a branchHead needs a branch');
  const wanted = text('language');
  const language =
    wanted === ''
      ? 'en'
      : wanted.toLowerCase() === 'zh'
        ? 'zh-CN'
        : STAFF_LANGUAGES.find((one) => one.toLowerCase() === wanted.toLowerCase());
  if (language === undefined) return bad(`the language ${shown(wanted)} is none of ${STAFF_LANGUAGES.join(', ')}`);
  const superior = staffName(text('superior'));
  return {
    ok: true,
    value: { name, email, superior: superior === '' ? null : superior, branch, role, language },
  };
};

const isMailbox = (text: string): boolean => {
  try {
    return mailAddress(text) === text;
  } catch {
    return false;
  }
};

const assertNoCircle = (whole: readonly StaffMember[], rows: readonly Row[], fileName: string): void => {
  const circle = circleOfSuperiors(whole);
  if (circle === undefined) return;
  const lines = rows.filter(({ member }) => circle.includes(member.name)).map(({ row }) => row.line);
  throw new PermanentError(
    'staff-circle',
    `superiors go round in a circle: ${circle.join(' → ')}${lines.length === 0 ? '' : ` (${fileName}, ${lines.length === 1 ? 'line' : 'lines'} ${lines.join(', ')})`}; nothing was imported`,
    { hint: 'leave the superior of one of them empty' },
  );
};

/** Roles that several have: only one of them gets the mails. */
const noticesOf = (whole: readonly StaffMember[]): readonly string[] => {
  const desks = new Map<string, string[]>();
  for (const { role, branch, name } of whole) {
    if (role === 'manager') continue;
    const desk = role === 'central' ? 'the central queue' : `branch ${branch ?? ''}`;
    desks.set(desk, [...(desks.get(desk) ?? []), name]);
  }
  return [...desks]
    .filter(([, names]) => names.length > 1)
    .map(([desk, names]) => {
      const [first] = [...names].sort();
      return `${desk} has ${names.length} heads; mails go to the first by name, ${first}`;
    });
};
