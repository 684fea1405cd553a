import { dateIn } from '#shared/domain/calendar.ts';
import type { FlagDecision } from '#shared/domain/facts.ts';
import { byStake, type Flag, type FlagKind, lastDecision } from '#shared/domain/flags.ts';
import { isResegmentError, PermanentError, RetryableError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { FlagStore } from '#shared/ports/flag-store.ts';
import { checkedText } from './checked-text.ts';

/** Letting customers go is looked at one by one: so many in one command at most. Ours. */
export const MOST_EXITS_AT_ONCE = 20;
const TRIES = 10;
/** Who ends a proposal whose last day has passed. */
const CALENDAR = 'calendar';

export interface DecidePorts {
  readonly flags: Pick<FlagStore, 'get' | 'settle' | 'listOpen'>;
  readonly customers: Pick<CustomerStore, 'get' | 'put'>;
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
 * obeys. Of several people at once one decides; the others hear who did.
 *
 * @throws PermanentError `flag-decided`, `flag-expired`, `flag-withdrawn`, `flag-unknown`, `kind-missing`, `customer-unknown`,
 *   `reason-missing`: nothing has been changed then. RetryableError `customer-busy`: do it again, which completes it
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
      const over = { state: 'expired', by: CALENDAR, at, reason: `nobody decided until ${flag.expiresOn}` } as const;
      await ports.flags.settle(subject, kind, over);
      continue;
    }
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
  const decided: Flag[] = [];
  const passedOver: DecidedMany['passedOver'][number][] = [];
  for (const ref of refs) {
    try {
      decided.push(await decideFlag(ref, verdict, ports));
    } catch (error) {
      if (!isResegmentError(error) || !PASSED_OVER.has(error.code)) throw error;
      passedOver.push({ customerId: ref.customerId, code: error.code, message: error.message });
    }
  }
  return { decided, passedOver };
};

const PASSED_OVER = new Set(['flag-decided', 'flag-expired', 'flag-withdrawn', 'flag-unknown', 'customer-unknown']);

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
  ports: Pick<DecidePorts, 'flags' | 'clock' | 'timeZone'>,
): Promise<readonly Flag[]> =>
  (await ports.flags.listOpen())
    .filter(
      (flag) =>
        !isOver(flag, ports) &&
        (filter.kind === undefined || flag.kind === filter.kind) &&
        (filter.branch === undefined || flag.branch === filter.branch) &&
        (filter.manager === undefined || flag.manager === filter.manager) &&
        (filter.segment === undefined || flag.segment === filter.segment),
    )
    .sort(byStake);

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
      return new PermanentError('flag-withdrawn', `${about} was withdrawn by ${by} at ${at}: it no longer holds`, {
        hint,
      });
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
