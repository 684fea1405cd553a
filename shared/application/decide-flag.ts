import { addMonths, dateIn, type Period, periodOf } from '#shared/domain/calendar.ts';
import type { FlagDecision } from '#shared/domain/facts.ts';
import { undecided } from '#shared/domain/flag-sentences.ts';
import { byClosed, byStake, FLAG_STATES, type Flag, type FlagKind, lastDecision } from '#shared/domain/flags.ts';
import { isSamePerson, personName } from '#shared/domain/person.ts';
import { directoryOf, STAFF_ROLES, type StaffDirectory, type StaffRole } from '#shared/domain/staff.ts';
import { isResegmentError, PermanentError, RetryableError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { FlagStore } from '#shared/ports/flag-store.ts';
import type { StaffStore } from '#shared/ports/staff-store.ts';
import { checkedText } from './checked-text.ts';

/** Letting customers go is looked at one by one: so many in one command at most. Ours. */
export const MOST_EXITS_AT_ONCE = 20;
const TRIES = 10;
/** Who ends a proposal whose last day has passed. */
const CALENDAR = 'calendar';

export interface DecidePorts {
  readonly flags: Pick<FlagStore, 'get' | 'settle' | 'listOpen'>;
  readonly customers: Pick<CustomerStore, 'get' | 'put'>;
  /** Who has the role that decides; where nobody is listed, the role is not checked. */
  readonly staff?: Pick<StaffStore, 'list'>;
  readonly clock: Clock;
  /** IANA name; `expiresOn` is a date in it. */
  readonly timeZone: string;
}

export interface Verdict {
  readonly decision: 'approved' | 'refused';
  /** The person who decides. */
  readonly by: string;
  readonly reason: string;
}

export interface FlagRef {
  readonly customerId: string;
  /** May be left out where the customer has one open proposal. */
  readonly kind?: FlagKind;
}

/**
 * A person's word on an open proposal. It is kept in the proposal's history and as a fact of the customer, which the next run
 * obeys. Of several people at once one decides; the others hear who did. Who started the run that proposed it does not approve
 * it, and where the staff directory knows the role that the policy names, only who has it decides.
 *
 * @throws PermanentError `flag-decided`, `flag-expired`, `flag-withdrawn`, `flag-unknown`, `kind-missing`, `customer-unknown`,
 *   `reason-missing`, `approver-is-proposer`, `role-missing`: nothing has been changed then. RetryableError `customer-busy`: do it again, which completes it
 */
export const decideFlag = async (ref: FlagRef, verdict: Verdict, ports: DecidePorts): Promise<Flag> => {
  const reason = checkedText('--reason', verdict.reason, 'it is kept with the decision');
  const { subject } = await knownCustomer(ref.customerId, ports);
  const kind = ref.kind ?? (await onlyOpenKind(subject, ref.customerId, ports));
  for (let tries = 0; tries < TRIES; tries += 1) {
    const flag = await ports.flags.get(subject, kind);
    if (flag === undefined) throw unknownFlag(ref.customerId, kind);
    const at = ports.clock.now();
    if (flag.state !== 'open') {
      await recordLast(flag, ports);
      throw closedFlag(flag);
    }
    if (isOver(flag, ports)) {
      const over = { state: 'expired', by: CALENDAR, at, ...undecided(flag) } as const;
      await ports.flags.settle(subject, kind, over);
      continue;
    }
    assertMayDecide(flag, verdict, await staffOf(ports));
    const settlement = { state: verdict.decision, by: verdict.by, at, reason };
    if ((await ports.flags.settle(subject, kind, settlement)) === 'notOpen') continue;
    const { decision, by } = verdict;
    await record(flag.customerId, { kind, decision, by, reason, decidedAt: at, evidence: flag.evidence }, ports);
    return {
      ...flag,
      state: decision,
      history: [...flag.history, { event: decision, at, by, reason }],
    };
  }
  throw new RetryableError('flag-busy', `the proposal of ${quoted(ref.customerId)} kept changing`, {
    hint: 'do it again',
  });
};

export interface DecidedMany {
  readonly decided: readonly Flag[];
  /** Those that somebody else decided meanwhile, or that ended. */
  readonly passedOver: readonly { readonly customerId: string; readonly code: string; readonly message: string }[];
}

/**
 * The same word on several proposals, one after the other; one that is no longer open is passed over and named.
 *
 * @throws PermanentError `too-many-exits` above `MOST_EXITS_AT_ONCE`; nothing has been changed then
 */
export const decideFlags = async (
  refs: readonly (FlagRef & { readonly kind: FlagKind })[],
  verdict: Verdict,
  ports: DecidePorts,
): Promise<DecidedMany> => {
  assertFewExits(refs);
  const members = await ports.staff?.list();
  const once = { ...ports, ...(members === undefined ? {} : { staff: { list: async () => members } }) };
  const decided: Flag[] = [];
  const passedOver: DecidedMany['passedOver'][number][] = [];
  for (const ref of refs) {
    try {
      decided.push(await decideFlag(ref, verdict, once));
    } catch (error) {
      if (!isResegmentError(error) || !PASSED_OVER.has(error.code)) throw error;
      passedOver.push({ customerId: ref.customerId, code: error.code, message: error.message });
    }
  }
  return { decided, passedOver };
};

const PASSED_OVER = new Set([
  'flag-decided',
  'flag-expired',
  'flag-withdrawn',
  'flag-unknown',
  'customer-unknown',
  'approver-is-proposer',
  'role-missing',
]);

const staffOf = async ({ staff }: Pick<DecidePorts, 'staff'>): Promise<StaffDirectory> =>
  directoryOf((await staff?.list()) ?? []);

/**
 * The role that the policy names as deciding, where it can be checked: one of the staff directory, and the directory lists
 * somebody. Undefined: it is shown and not checked.
 */
export const checkedRole = (flag: Pick<Flag, 'decides'>, staff: StaffDirectory): StaffRole | undefined =>
  staff.all.length === 0 ? undefined : STAFF_ROLES.find((role) => role === flag.decides);

const assertMayDecide = (flag: Flag, { by, decision }: Verdict, staff: StaffDirectory): void => {
  const about = `the ${flag.kind} proposal of customer ${quoted(flag.customerId)}`;
  if (decision === 'approved' && flag.proposedBy !== undefined && isSamePerson(flag.proposedBy, by)) {
    throw new PermanentError(
      'approver-is-proposer',
      `${personName(by)} started the run that raised ${about} and cannot approve it`,
      { hint: 'somebody else approves it: --as NAME; refusing it yourself is possible' },
    );
  }
  const role = checkedRole(flag, staff);
  if (role === undefined) return;
  const member = staff.member(personName(by));
  if (member !== undefined && hasRole(member, role, flag.branch)) return;
  const is =
    member === undefined
      ? 'is not in the staff directory'
      : `is ${member.role}${member.branch === null ? '' : ` of ${member.branch}`}`;
  const where = role === 'central' || flag.branch === null ? '' : ` of ${flag.branch}`;
  throw new PermanentError(
    'role-missing',
    `${about} is decided by ${role}${where} or above, and ${personName(by)} ${is}`,
    { hint: 'resegment staff list shows who has which role' },
  );
};

/** The role itself in the branch, or one above it; central people decide everywhere. */
const hasRole = (
  member: { readonly role: StaffRole; readonly branch: string | null },
  wanted: StaffRole,
  branch: string | null,
): boolean =>
  member.role === 'central' ||
  (STAFF_ROLES.indexOf(member.role) >= STAFF_ROLES.indexOf(wanted) &&
    (branch === null || member.branch === null || member.branch === branch));

/** @throws PermanentError `too-many-exits` */
export const assertFewExits = (refs: readonly { readonly kind: FlagKind }[]): void => {
  const exits = refs.filter((ref) => ref.kind === 'exit').length;
  if (exits <= MOST_EXITS_AT_ONCE) return;
  throw new PermanentError(
    'too-many-exits',
    `these are ${exits} proposals to let customers go; at most ${MOST_EXITS_AT_ONCE} are decided at once`,
    { hint: 'narrow them by --branch, --manager or --segment, or name the customers' },
  );
};

export interface FlagFilter {
  readonly kind?: FlagKind;
  readonly branch?: string;
  readonly manager?: string;
  readonly segment?: string;
}

/** Proposals that can be decided today, the greatest value at stake first. */
export const openFlags = async (
  filter: FlagFilter,
  ports: { readonly flags: Pick<FlagStore, 'listOpen'> } & Pick<DecidePorts, 'clock' | 'timeZone'>,
): Promise<readonly Flag[]> =>
  (await ports.flags.listOpen()).filter((flag) => !isOver(flag, ports) && isWanted(flag, filter)).sort(byStake);

export const LISTED_STATES = [...FLAG_STATES, 'all'] as const;
export type ListedState = (typeof LISTED_STATES)[number];
/** How far back closed proposals are listed unless somebody says otherwise. Ours. */
const LISTED_MONTHS = 12;
const MOST_LISTED_MONTHS = 60;

/**
 * Proposals in a state, each as it is now. Open ones by value at stake; closed ones the last closed first, from a month on (by
 * default twelve months back). One that nobody decided in time is expired, also where no run has said so yet.
 *
 * @param since `YYYY-MM`
 * @throws PermanentError `since-invalid`
 */
export const listFlags = async (
  filter: FlagFilter & { readonly state: ListedState; readonly since?: string },
  ports: { readonly flags: Pick<FlagStore, 'listOpen' | 'listClosed'> } & Pick<DecidePorts, 'clock' | 'timeZone'>,
): Promise<readonly Flag[]> => {
  const { state, since } = filter;
  if (state === 'open') return openFlags(filter, ports);
  const now = ports.clock.now().slice(0, 7);
  const from = since ?? addMonths(now, -LISTED_MONTHS);
  if (!/^\d{4}-(0[1-9]|1[0-2])$/u.test(from) || from > now || from < addMonths(now, -MOST_LISTED_MONTHS)) {
    throw new PermanentError(
      'since-invalid',
      `--since must be a month from ${addMonths(now, -MOST_LISTED_MONTHS)} to ${now}, as YYYY-MM, got ${quoted(from)}`,
    );
  }
  const closed: Flag[] = [];
  for (let month: Period = from; month <= now; month = addMonths(month, 1)) {
    closed.push(...(await ports.flags.listClosed(month)));
  }
  const waiting = await ports.flags.listOpen();
  const over = waiting
    .filter((flag) => isOver(flag, ports) && periodOf(flag.expiresOn) >= from)
    .map((flag): Flag => ({ ...flag, state: 'expired' }));
  const open = state === 'all' ? waiting.filter((flag) => !isOver(flag, ports)).sort(byStake) : [];
  return [...open, ...[...closed.sort(byClosed), ...over].reverse()].filter(
    (flag) => (state === 'all' || flag.state === state) && isWanted(flag, filter),
  );
};

const isWanted = (flag: Flag, filter: FlagFilter): boolean =>
  (filter.kind === undefined || flag.kind === filter.kind) &&
  (filter.branch === undefined || flag.branch === filter.branch) &&
  (filter.manager === undefined || flag.manager === filter.manager) &&
  (filter.segment === undefined || flag.segment === filter.segment);

/** So many of the ranked proposals, evenly from the greatest stake to the smallest. */
export const sampleOf = <T>(ranked: readonly T[], size: number): readonly T[] => {
  if (ranked.length <= size) return ranked;
  if (size === 1) return ranked.slice(0, 1);
  return Array.from({ length: size }, (_, index) => Math.round((index * (ranked.length - 1)) / (size - 1))).flatMap(
    (at) => ranked.slice(at, at + 1),
  );
};

const isOver = (flag: Flag, ports: Pick<DecidePorts, 'clock' | 'timeZone'>): boolean =>
  flag.expiresOn < dateIn(ports.timeZone, ports.clock.now());

const knownCustomer = async (customerId: string, ports: DecidePorts) => {
  const facts = await ports.customers.get(customerId);
  if (facts === undefined) {
    throw new PermanentError('customer-unknown', `there is no customer ${quoted(customerId)}`, {
      hint: 'ids are as the imported files have them, capital letters included',
    });
  }
  return facts;
};

const onlyOpenKind = async (subject: string, customerId: string, ports: DecidePorts): Promise<FlagKind> => {
  const known = (await Promise.all([ports.flags.get(subject, 'upgrade'), ports.flags.get(subject, 'exit')])).filter(
    (flag) => flag !== undefined,
  );
  const open = known.filter((flag) => flag.state === 'open');
  if (open.length > 1) {
    throw new PermanentError('kind-missing', `customer ${quoted(customerId)} has a proposal of either kind`, {
      hint: 'say which: --kind upgrade or --kind exit',
    });
  }
  const [only] = open.length === 1 ? open : known.sort((a, b) => (newest(a) < newest(b) ? 1 : -1));
  if (only === undefined) throw unknownFlag(customerId, undefined);
  return only.kind;
};

const newest = (flag: Flag): string => flag.history.at(-1)?.at ?? '';

const unknownFlag = (customerId: string, kind: FlagKind | undefined): PermanentError =>
  new PermanentError(
    'flag-unknown',
    `there is no proposal${kind === undefined ? '' : ` of kind ${kind}`} for customer ${quoted(customerId)}`,
    { hint: 'resegment flag list shows those that wait' },
  );

const closedFlag = (flag: Flag): PermanentError => {
  const last = flag.history.at(-1);
  const [at, by] = [last?.at ?? '?', last?.by ?? '?'];
  const about = `the ${flag.kind} proposal of customer ${quoted(flag.customerId)}`;
  const hint = `resegment flag show ${flag.customerId} shows its history`;
  switch (flag.state) {
    case 'expired':
      return new PermanentError('flag-expired', `${about} expired: its last day was ${flag.expiresOn}`, { hint });
    case 'withdrawn':
      return new PermanentError(
        'flag-withdrawn',
        `${about} was withdrawn by ${by} at ${at}: ${last?.reason ?? 'it no longer holds'}`,
        {
          hint,
        },
      );
    default:
      return new PermanentError(
        'flag-decided',
        `${about} was ${flag.state} already, by ${by} at ${at}: ${last?.reason ?? ''}`,
        { hint },
      );
  }
};

/** Completes what a crash between the proposal and the customer's facts left undone. */
const recordLast = async (flag: Flag, ports: DecidePorts): Promise<void> => {
  const last = lastDecision(flag);
  if (last === undefined || last.event !== flag.state) return;
  const { event: decision, by, at: decidedAt, reason = '' } = last;
  const { kind, evidence } = flag;
  await record(flag.customerId, { kind, decision, by, reason, decidedAt, evidence }, ports);
};

const record = async (customerId: string, decision: FlagDecision, ports: DecidePorts): Promise<void> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const facts = await ports.customers.get(customerId);
    if (facts === undefined) return;
    const isKnown = facts.decisions.some(
      (one) => one.kind === decision.kind && one.decidedAt === decision.decidedAt && one.by === decision.by,
    );
    if (isKnown) return;
    const decisions = [...facts.decisions, decision].sort((a, b) => (a.decidedAt < b.decidedAt ? -1 : 1));
    const next = { ...facts, factsRev: facts.factsRev + 1, changedAt: ports.clock.now(), decisions };
    if ((await ports.customers.put(next, facts.factsRev)) === 'stored') return;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * (tries + 1)));
  }
  throw new RetryableError(
    'customer-busy',
    `the decision is kept with the proposal, but the facts of ${quoted(customerId)} kept changing`,
    { hint: 'do it again to complete it' },
  );
};

const quoted = (text: string): string => JSON.stringify(text.slice(0, 80));
