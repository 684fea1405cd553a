import { createHash } from 'node:crypto';

/** What people do in the company, as far as mails to them depend on it. */
export const STAFF_ROLES = ['manager', 'branchHead', 'central'] as const;
export type StaffRole = (typeof STAFF_ROLES)[number];

export const STAFF_LANGUAGES = ['en', 'zh-CN'] as const;
export type StaffLanguage = (typeof STAFF_LANGUAGES)[number];

/** An employee. The name is the one that customers' files have in the column of the account manager. */
export interface StaffMember {
  readonly name: string;
  readonly email: string;
  /** Name of the superior; null: nobody, or not known. */
  readonly superior: string | null;
  readonly branch: string | null;
  readonly role: StaffRole;
  readonly language: StaffLanguage;
}

/** Names compare without outer spaces and whichever way accents are composed. */
export const staffName = (text: string): string => text.normalize('NFC').trim();

/** The key of an employee: errors and logs name keys, so it is a hash and not the name. */
export const staffKey = (name: string): string =>
  createHash('sha256').update(staffName(name), 'utf8').digest('base64url').slice(0, 22);

/** Tells one address from another where the address itself is not kept: in what a case knows of its mails. */
export const mailboxKey = (address: string): string =>
  createHash('sha256').update(address.trim().toLowerCase(), 'utf8').digest('base64url').slice(0, 22);

/** Who is who. Where several share a role, the first by name counts. */
export interface StaffDirectory {
  member(name: string): StaffMember | undefined;
  headOf(branch: string): StaffMember | undefined;
  central(): StaffMember | undefined;
  /** Ascending by name. */
  readonly all: readonly StaffMember[];
}

export const directoryOf = (members: readonly StaffMember[]): StaffDirectory => {
  const all = [...members].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const byName = new Map(all.map((one) => [one.name, one]));
  return {
    all,
    member: (name) => byName.get(staffName(name)),
    headOf: (branch) => all.find((one) => one.role === 'branchHead' && one.branch === branch),
    central: () => all.find((one) => one.role === 'central'),
  };
};

/** The names of one circle of superiors, the first again at the end; undefined if there is none. */
export const circleOfSuperiors = (members: readonly StaffMember[]): readonly string[] | undefined => {
  const superiors = new Map(members.map((one) => [one.name, one.superior]));
  const cleared = new Set<string>();
  for (const { name: start } of members) {
    const path: string[] = [];
    for (let name: string | null | undefined = start; name !== null && name !== undefined; name = superiors.get(name)) {
      if (cleared.has(name)) break;
      const at = path.indexOf(name);
      if (at >= 0) return [...path.slice(at), name];
      path.push(name);
    }
    for (const name of path) cleared.add(name);
  }
  return undefined;
};

/** Who acts on something: a person by name (the customer's manager, or a superior), a branch, or the central queue. */
export interface Desk {
  readonly kind: 'manager' | 'superior' | 'branch' | 'central';
  /** Name of the person or branch; `central` for the central queue. */
  readonly name: string;
}

const isPerson = ({ kind }: Desk): boolean => kind === 'manager' || kind === 'superior';

const CENTRAL: Desk = { kind: 'central', name: 'central' };

/** Who hears of what lies on a desk: the person, else the branch's head, else the central queue's; undefined where nobody is known. */
export const personAt = (desk: Desk, branch: string | null, staff: StaffDirectory): StaffMember | undefined => {
  const person = isPerson(desk) ? staff.member(desk.name) : undefined;
  const of = desk.kind === 'branch' ? desk.name : isPerson(desk) ? branch : null;
  return person ?? (of === null ? undefined : staff.headOf(of)) ?? staff.central();
};

/**
 * Where something goes that the desk left undone: to the superior of whoever is in charge there; without one from a manager to
 * the branch, from anywhere else to the central queue.
 */
export const deskAbove = (desk: Desk, branch: string | null, staff: StaffDirectory): Desk => {
  const inCharge = isPerson(desk)
    ? staff.member(desk.name)
    : desk.kind === 'branch'
      ? staff.headOf(desk.name)
      : undefined;
  const superior = inCharge?.superior;
  if (superior !== null && superior !== undefined && staff.member(superior) !== undefined) {
    return { kind: 'superior', name: superior };
  }
  const isHead = inCharge !== undefined && branch !== null && staff.headOf(branch)?.name === inCharge.name;
  return isPerson(desk) && branch !== null && !isHead ? { kind: 'branch', name: branch } : CENTRAL;
};
