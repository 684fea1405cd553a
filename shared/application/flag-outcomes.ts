import type { RunRecord } from '#shared/contracts/run-record.ts';
import {
  conductAfter,
  looksAtTrait,
  outcomesKnownUntil,
  type TraitOutcome,
  traitOutcome,
} from '#shared/domain/backtest-outcomes.ts';
import { addMonths, fromDayNumber, type IsoDate, type Period, toDayNumber } from '#shared/domain/calendar.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import {
  type Decided,
  decidedAfter,
  FLAG_KINDS,
  type KindOutcomes,
  type OutcomeObservation,
  OutcomeTally,
  outcomeOf,
} from '#shared/domain/flag-outcomes.ts';
import type { FlagKind } from '#shared/domain/flags.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { PlanRow } from '#shared/domain/standing.ts';
import { isResegmentError, PermanentError } from '#shared/errors.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { FlagStore } from '#shared/ports/flag-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { PointerStore, RecordStore } from '#shared/ports/standing-store.ts';
import { MOST_HORIZON_DAYS } from './backtest.ts';
import { publishedRuns } from './customer-history.ts';
import { staleSubjects } from './run/apply-receipts.ts';
import { loadPolicy, shardOfBucket } from './run/run-ports.ts';

/** A run closes a month, so that fewer days than this may hold no run to rise by. */
export const FEWEST_DAYS = 31;
export const DEFAULT_WITHIN_DAYS = 90;
const DEFAULT_MONTHS = 12;
const FLAGS_AT_ONCE = 25;
const MISSED_SHOWN = 10;

export interface FlagOutcomesRequest {
  /** Name of a policy, or the beginning of the hash of a version; without it every version. */
  readonly policy?: string;
  /** First and last month whose flags are looked at; the last twelve that are published by default. */
  readonly from?: Period;
  readonly to?: Period;
  readonly withinDays: number;
  /** The outcome of exit flags; without it: no purchase. As in a backtest. */
  readonly outcome?: TraitOutcome;
}

export interface FlagOutcomesPorts {
  readonly customers: Pick<CustomerStore, 'buckets' | 'readBucket'>;
  readonly runs: Pick<RecordStore<RunRecord>, 'list'>;
  readonly pointer: Pick<PointerStore, 'get'>;
  readonly files: Pick<RunFiles, 'readPlan' | 'readJson'>;
  readonly flags: Pick<FlagStore, 'get'>;
  readonly objects: ObjectStore;
}

/** A customer who had the outcome and had no flag; the newest such month. */
export interface MissedCustomer {
  readonly customerId: string;
  readonly period: Period;
  readonly segment: string;
  readonly branch: string | null;
  readonly manager: string | null;
  /** In the unit of the policy's value metric. */
  readonly value: number | null;
}

/** Flagged customer-months of which nothing can be said yet, or ever. */
export interface NotKnown {
  /** The days after are not over, or what happened in them is not stored yet. */
  readonly tooShort: number;
  readonly erased: number;
  /** The stored customer could not be read. */
  readonly unreadable: number;
  /** The trait that tells the outcome is not known, or no run was published in the days after. */
  readonly noOutcome: number;
}

export interface PolicyOutcomes {
  readonly policy: { readonly name: string; readonly version: string; readonly hash: string };
  /** Months whose flags are judged. */
  readonly periods: readonly Period[];
  readonly exit: KindOutcomes;
  readonly upgrade: KindOutcomes;
  readonly notKnown: Readonly<Record<FlagKind, NotKnown>>;
  /** Customer-months left out of the unflagged: people had decided on such a flag before, so that it does not come again. */
  readonly afterDecision: Readonly<Record<FlagKind, number>>;
  /** At most ten of each, the most valuable first. */
  readonly missed: Readonly<Record<FlagKind, readonly MissedCustomer[]>>;
}

export interface FlagOutcomes {
  readonly from: Period;
  readonly to: Period;
  readonly withinDays: number;
  readonly outcome: TraitOutcome | null;
  /** What happened is known up to this day: the newest purchase (or value of the trait), but not beyond the newest run. */
  readonly knownUntil: IsoDate | null;
  /** The newest first. */
  readonly versions: readonly PolicyOutcomes[];
  /** Months whose days after are not over. */
  readonly tooShort: readonly Period[];
  /** Months whose run files are no longer kept. */
  readonly filesMissing: readonly Period[];
  readonly read: { readonly plans: number; readonly customers: number };
}

/** @param done buckets of `total` */
export type OutcomeProgress = (done: number, total: number) => void | Promise<void>;

/**
 * What became of flagged customers, from the plans that were really applied and the facts as they are stored today. Reads each
 * plan file of the months once and each customer once, bucket by bucket: in memory are the customers of one bucket and, of each
 * run, what matters of one plan file. Writes nothing.
 *
 * @throws PermanentError `run-unknown`, `policy-not-found`, `range-invalid`, `outcome-is-input`
 */
export const flagOutcomes = async (
  request: FlagOutcomesRequest,
  ports: FlagOutcomesPorts,
  onProgress?: OutcomeProgress,
): Promise<FlagOutcomes> => {
  const { withinDays } = request;
  if (!Number.isInteger(withinDays) || withinDays < FEWEST_DAYS || withinDays > MOST_HORIZON_DAYS) {
    throw new PermanentError(
      'range-invalid',
      `outcomes are looked at within a whole number of days from ${FEWEST_DAYS} to ${MOST_HORIZON_DAYS}, got ${withinDays}`,
    );
  }
  const { runs, from, to, newestRun } = await runsOf(request, ports);
  let scan = await scanned(runs, request, { newestRun, until: newestRun }, ports, onProgress);
  const isCertain = (until: IsoDate | null): boolean =>
    runs.every((run) => !run.isAsked || isOver(run, withinDays, until) === isOver(run, withinDays, newestRun));
  // The newest purchase is known only after everybody was read; where it is older than the newest run, that matters seldom.
  if (!isCertain(scan.knownUntil))
    scan = await scanned(runs, request, { newestRun, until: scan.knownUntil }, ports, onProgress);
  const asked = runs.filter((run) => run.isAsked);
  return {
    from,
    to,
    withinDays,
    outcome: request.outcome ?? null,
    knownUntil: scan.knownUntil,
    versions: scan.versions,
    tooShort: asked.filter((run) => !isOver(run, withinDays, scan.knownUntil)).map((run) => run.record.period),
    filesMissing: asked.filter((run) => scan.missing.has(run.record.runId)).map((run) => run.record.period),
    read: scan.read,
  };
};

/** Outcomes with the policies of their versions, by hash. */
export interface ReportOutcomes {
  readonly outcomes: FlagOutcomes;
  readonly policies: Readonly<Record<string, Policy>>;
}

/** A report reads everybody's facts only of so many; the command has no such limit. */
export const MOST_IN_REPORT = 20_000;

/**
 * Outcomes of the last twelve months as a report shows them. Reads nothing but the records of runs where there are too many
 * customers, or where no month is over yet.
 *
 * @param population customers of the run
 * @returns undefined in these cases
 */
export const outcomesForReport = async (
  population: number,
  ports: FlagOutcomesPorts,
): Promise<ReportOutcomes | undefined> => {
  if (population > MOST_IN_REPORT) return undefined;
  const closing = (await publishedRuns(ports)).filter(({ record, counts }) => counts && record.closesPeriod);
  const ends = closing.map(({ record }) => record.asOf).sort();
  const [first, newest] = [ends[0], ends.at(-1)];
  if (first === undefined || newest === undefined) return undefined;
  if (toDayNumber(first) + DEFAULT_WITHIN_DAYS > toDayNumber(newest)) return undefined;
  const outcomes = await flagOutcomes({ withinDays: DEFAULT_WITHIN_DAYS }, ports);
  const policies: Record<string, Policy> = {};
  for (const { policy } of outcomes.versions) policies[policy.hash] = await loadPolicy(ports.objects, policy.hash);
  return { outcomes, policies };
};

interface ScannedRun {
  readonly record: RunRecord;
  readonly policy: Policy;
  /** Whether its flags are asked for; the others only tell who rose. */
  readonly isAsked: boolean;
}

const isOver = ({ record }: Pick<ScannedRun, 'record'>, withinDays: number, until: IsoDate | null): boolean =>
  until !== null && fromDayNumber(toDayNumber(record.asOf) + withinDays) <= until;

/** The published runs that closed the months asked for, and those after that tell who rose; ascending. */
const runsOf = async (
  { policy: wanted, withinDays, outcome, ...range }: FlagOutcomesRequest,
  ports: Pick<FlagOutcomesPorts, 'runs' | 'pointer' | 'objects'>,
): Promise<{
  readonly runs: readonly ScannedRun[];
  readonly from: Period;
  readonly to: Period;
  /** Date of the newest published run, also where it is not read: nobody looked at later days. */
  readonly newestRun: IsoDate;
}> => {
  const byPeriod = new Map<Period, RunRecord>();
  for (const { record, counts } of await publishedRuns(ports)) {
    if (counts && record.closesPeriod && record.only === undefined) byPeriod.set(record.period, record);
  }
  const all = [...byPeriod.values()].sort((a, b) => (a.asOf < b.asOf ? -1 : 1));
  const newest = all.at(-1);
  if (newest === undefined) {
    throw new PermanentError('run-unknown', 'no run that closes a month is published yet, so no flag has an outcome', {
      hint: 'the scheduled run of each month closes it; resegment run list shows the runs',
    });
  }
  const to = range.to ?? newest.period;
  const from = range.from ?? addMonths(to, 1 - DEFAULT_MONTHS);
  if (from > to)
    throw new PermanentError('range-invalid', `the first month must not be after the last, got ${from} to ${to}`);
  const isWanted = ({ policy }: RunRecord): boolean =>
    wanted === undefined || policy.name === wanted || (wanted.length >= 4 && policy.hash.startsWith(wanted));
  if (!all.some(isWanted)) {
    const known = [...new Set(all.map(({ policy }) => `${policy.name} (${policy.hash.slice(0, 8)})`))];
    throw new PermanentError(
      'policy-not-found',
      `no published run used policy ${JSON.stringify(wanted?.slice(0, 80))}; there are ${known.join(', ')}`,
      { hint: 'give its name, or at least 4 characters of the hash of a version' },
    );
  }
  const isAsked = (record: RunRecord): boolean => record.period >= from && record.period <= to && isWanted(record);
  const until = all.filter(isAsked).at(-1);
  if (until === undefined) {
    throw new PermanentError(
      'range-invalid',
      `no run of ${from} to ${to} ${wanted === undefined ? 'closed a month' : `used policy ${JSON.stringify(wanted.slice(0, 80))}`}`,
      { hint: `published are ${all[0]?.period} to ${newest.period}` },
    );
  }
  const last = fromDayNumber(toDayNumber(until.asOf) + withinDays);
  const runs: ScannedRun[] = [];
  for (const record of all.filter((one) => isAsked(one) || (one.period > from && one.asOf <= last))) {
    const policy = await loadPolicy(ports.objects, record.policy.hash);
    if (outcome !== undefined && isAsked(record) && looksAtTrait(policy, outcome.trait)) {
      throw new PermanentError(
        'outcome-is-input',
        `trait ${outcome.trait} cannot be the outcome: policy ${policy.name} looks at it, and would be judged by what it was told`,
        { hint: 'name a trait that the policy does not use' },
      );
    }
    runs.push({ record, policy, isAsked: isAsked(record) });
  }
  return { runs, from, to, newestRun: newest.asOf };
};

/** What matters of a row of a plan. */
interface Row {
  readonly subject: string;
  /** Dimension → segment in force. */
  readonly segments: Readonly<Record<string, string>>;
  readonly flags: readonly { readonly kind: FlagKind; readonly opened: boolean }[];
  readonly branch: string | null;
  readonly manager: string | null;
  readonly value: number | null;
}

const rowOf = ({ subject, next, flags, branch, manager, value }: PlanRow): Row => ({
  subject,
  segments: Object.fromEntries(
    Object.entries(next.placements).map(([dimension, placement]) => [dimension, placement.actual]),
  ),
  flags: flags.map(({ kind, opened }) => ({ kind, opened })),
  branch,
  manager,
  value,
});

/** The applied rows of a run bucket by bucket; holds one plan file at a time. */
class PlanReader {
  readonly #record: RunRecord;
  readonly #ports: Pick<FlagOutcomesPorts, 'customers' | 'files'>;
  #shard = -1;
  #rows = new Map<number, Map<string, Row>>();
  plans = 0;
  isMissing = false;

  constructor(record: RunRecord, ports: Pick<FlagOutcomesPorts, 'customers' | 'files'>) {
    this.#record = record;
    this.#ports = ports;
  }

  /** @returns null where the run's files are no longer kept */
  async rows(bucket: number): Promise<ReadonlyMap<string, Row> | null> {
    const shard = shardOfBucket(bucket, this.#record.shards, this.#ports.customers.buckets);
    if (shard !== this.#shard) await this.#open(shard);
    return this.isMissing ? null : (this.#rows.get(bucket) ?? new Map());
  }

  async #open(shard: number): Promise<void> {
    this.#shard = shard;
    this.#rows = new Map();
    if (this.isMissing) return;
    let plan: readonly PlanRow[];
    try {
      plan = await this.#ports.files.readPlan(this.#record.runId, shard);
    } catch (error) {
      if (!isResegmentError(error) || error.code !== 'run-file-missing') throw error;
      this.isMissing = true;
      return;
    }
    this.plans += 1;
    const stale = new Set(await staleSubjects(this.#record.runId, shard, this.#ports));
    for (const row of plan) {
      if (stale.has(row.subject)) continue;
      const bucket = this.#rows.get(row.bucket) ?? new Map<string, Row>();
      this.#rows.set(row.bucket, bucket);
      bucket.set(row.subject, rowOf(row));
    }
  }
}

type Counts = { tooShort: number; erased: number; unreadable: number; noOutcome: number };
const newCounts = (): Counts => ({ tooShort: 0, erased: 0, unreadable: 0, noOutcome: 0 });

/** One version of a policy. */
class Version {
  readonly tally = new OutcomeTally();
  readonly periods = new Set<Period>();
  readonly notKnown: Record<FlagKind, Counts> = { exit: newCounts(), upgrade: newCounts() };
  readonly afterDecision: Record<FlagKind, number> = { exit: 0, upgrade: 0 };
  readonly missed: Record<FlagKind, MissedCustomer[]> = { exit: [], upgrade: [] };
  readonly record: RunRecord;

  constructor(record: RunRecord) {
    this.record = record;
  }

  addMissed(kind: FlagKind, customer: MissedCustomer): void {
    const all = this.missed[kind];
    all.push(customer);
    if (all.length > 20 * MISSED_SHOWN) all.sort(byValue).splice(MISSED_SHOWN);
  }

  outcomes(): PolicyOutcomes {
    const { name, version, hash } = this.record.policy;
    return {
      policy: { name, version, hash },
      periods: [...this.periods].sort(),
      exit: this.tally.figures('exit'),
      upgrade: this.tally.figures('upgrade'),
      notKnown: this.notKnown,
      afterDecision: this.afterDecision,
      missed: {
        exit: this.missed.exit.sort(byValue).slice(0, MISSED_SHOWN),
        upgrade: this.missed.upgrade.sort(byValue).slice(0, MISSED_SHOWN),
      },
    };
  }
}

const byValue = (a: MissedCustomer, b: MissedCustomer): number =>
  (b.value ?? Number.NEGATIVE_INFINITY) - (a.value ?? Number.NEGATIVE_INFINITY) ||
  (a.customerId < b.customerId ? -1 : 1);

/** Everybody, bucket by bucket. `until`: up to when outcomes are taken as known. */
const scanned = async (
  runs: readonly ScannedRun[],
  request: FlagOutcomesRequest,
  { newestRun, until }: { readonly newestRun: IsoDate; readonly until: IsoDate | null },
  ports: FlagOutcomesPorts,
  onProgress: OutcomeProgress | undefined,
) => {
  const readers = runs.map(({ record }) => new PlanReader(record, ports));
  const versions = new Map<string, Version>();
  for (const { record, isAsked } of runs) {
    if (!isAsked) continue;
    const version = versions.get(record.policy.hash) ?? new Version(record);
    versions.set(record.policy.hash, version);
    if (isOver({ record }, request.withinDays, until)) version.periods.add(record.period);
  }
  let newest: IsoDate | null = null;
  let customers = 0;
  for (let bucket = 0; bucket < ports.customers.buckets; bucket += 1) {
    await onProgress?.(bucket, ports.customers.buckets);
    const known = new Map<string, CustomerFacts>();
    const unreadable = new Set<string>();
    for await (const read of ports.customers.readBucket(bucket)) {
      if (read.kind === 'quarantined') {
        unreadable.add(read.subject);
        continue;
      }
      known.set(read.facts.subject, read.facts);
      const last = outcomesKnownUntil(read.facts, request.outcome);
      if (last !== null && (newest === null || last > newest)) newest = last;
    }
    customers += known.size;
    const rows: (ReadonlyMap<string, Row> | null)[] = [];
    for (const reader of readers) rows.push(await reader.rows(bucket));
    const decided = await decisions(runs, rows, ports);
    for (const [index, { record, isAsked }] of runs.entries()) {
      const version = versions.get(record.policy.hash);
      if (!isAsked || version === undefined) continue;
      for (const { subject, flags } of rows[index]?.values() ?? []) {
        if (known.has(subject)) continue;
        for (const { kind } of flags) version.notKnown[kind][unreadable.has(subject) ? 'unreadable' : 'erased'] += 1;
      }
    }
    for (const facts of known.values()) addCustomer(facts, runs, rows, decided, versions, request, until);
  }
  const knownUntil = newest === null || newest < newestRun ? newest : newestRun;
  const missing: ReadonlySet<string> = new Set(
    runs.filter((_, index) => readers[index]?.isMissing === true).map(({ record }) => record.runId),
  );
  return {
    knownUntil,
    versions: [...versions.values()].reverse().map((version) => version.outcomes()),
    missing,
    read: { plans: readers.reduce((sum, reader) => sum + reader.plans, 0), customers },
  };
};

/** `<run id> <kind> <subject>` → what people made of the proposal, for every opened one of the bucket. */
const decisions = async (
  runs: readonly ScannedRun[],
  rows: readonly (ReadonlyMap<string, Row> | null)[],
  ports: Pick<FlagOutcomesPorts, 'flags'>,
): Promise<ReadonlyMap<string, Decided>> => {
  const wanted = new Map<string, { kind: FlagKind; subject: string; runIds: string[] }>();
  for (const [index, { record, isAsked }] of runs.entries()) {
    if (!isAsked) continue;
    for (const { subject, flags } of rows[index]?.values() ?? []) {
      for (const { kind, opened } of flags) {
        if (!opened) continue;
        const one = wanted.get(`${kind} ${subject}`) ?? { kind, subject, runIds: [] };
        wanted.set(`${kind} ${subject}`, one);
        one.runIds.push(record.runId);
      }
    }
  }
  const found = new Map<string, Decided>();
  const all = [...wanted.values()];
  for (let from = 0; from < all.length; from += FLAGS_AT_ONCE) {
    await Promise.all(
      all.slice(from, from + FLAGS_AT_ONCE).map(async ({ kind, subject, runIds }) => {
        const flag = await ports.flags.get(subject, kind);
        for (const runId of runIds) found.set(`${runId} ${kind} ${subject}`, decidedAfter(flag, runId));
      }),
    );
  }
  return found;
};

const ENDED: ReadonlySet<string> = new Set(['closed', 'left', 'deceased']);

const addCustomer = (
  facts: CustomerFacts,
  runs: readonly ScannedRun[],
  rows: readonly (ReadonlyMap<string, Row> | null)[],
  decided: ReadonlyMap<string, Decided>,
  versions: ReadonlyMap<string, Version>,
  { withinDays, outcome }: FlagOutcomesRequest,
  until: IsoDate | null,
): void => {
  const { subject } = facts;
  const months = new Map<Version, OutcomeObservation[]>();
  const missed = new Map<Version, Partial<Record<FlagKind, MissedCustomer>>>();
  for (const [index, run] of runs.entries()) {
    const { record, policy, isAsked } = run;
    const version = versions.get(record.policy.hash);
    const row = rows[index]?.get(subject);
    const segment = row?.segments[policy.mainDimension];
    if (!isAsked || version === undefined || row === undefined || segment === undefined) continue;
    if (!isOver(run, withinDays, until)) {
      for (const { kind } of row.flags) version.notKnown[kind].tooShort += 1;
      continue;
    }
    const day = toDayNumber(record.asOf);
    const end = fromDayNumber(day + withinDays);
    const conduct = conductAfter(facts.orders, day, withinDays);
    const observation: OutcomeObservation = {
      segment,
      flags: Object.fromEntries(
        row.flags.map(({ kind, opened }) => [
          kind,
          opened ? (decided.get(`${record.runId} ${kind} ${subject}`) ?? 'notOpened') : 'notOpened',
        ]),
      ),
      bought: conduct.orders > 0,
      spentMore: conduct.spendMinor > conduct.spendBeforeMinor,
      left: outcome === undefined ? conduct.orders === 0 : traitOutcome(facts, outcome, day, withinDays),
      answered: FLAG_KINDS.filter((kind) =>
        facts.decisions.some((one) => one.kind === kind && one.decidedAt <= record.frozenAt),
      ),
      rose: roseUntil(end, index, segment, policy, subject, runs, rows),
      ended: facts.statuses.some(({ status, date }) => ENDED.has(status) && date > record.asOf && date <= end),
    };
    months.set(version, [...(months.get(version) ?? []), observation]);
    for (const kind of FLAG_KINDS) {
      const happened = outcomeOf(kind, observation);
      if (observation.flags[kind] !== undefined) {
        if (happened === null) version.notKnown[kind].noOutcome += 1;
        continue;
      }
      if (observation.answered.includes(kind)) version.afterDecision[kind] += 1;
      else if (happened === true) {
        const { branch, manager, value } = row;
        missed.set(version, {
          ...missed.get(version),
          [kind]: { customerId: facts.customerId, period: record.period, segment, branch, manager, value },
        });
      }
    }
  }
  for (const [version, observations] of months) version.tally.add(observations);
  for (const [version, kinds] of missed) {
    for (const kind of FLAG_KINDS) {
      const customer = kinds[kind];
      if (customer !== undefined) version.addMissed(kind, customer);
    }
  }
};

/** Whether a published run of the days after has the customer in a better segment; null where there is no such run. */
const roseUntil = (
  end: IsoDate,
  index: number,
  segment: string,
  policy: Policy,
  subject: string,
  runs: readonly ScannedRun[],
  rows: readonly (ReadonlyMap<string, Row> | null)[],
): boolean | null => {
  const order = policy.dimensions[policy.mainDimension]?.segmentOrder ?? [];
  const before = order.indexOf(segment);
  let known = false;
  for (let later = index + 1; later < runs.length; later += 1) {
    const asOf = runs[later]?.record.asOf;
    if (asOf === undefined || asOf > end) break;
    if (rows[later] !== null) known = true;
    const after = order.indexOf(rows[later]?.get(subject)?.segments[policy.mainDimension] ?? '');
    if (after >= 0 && after < before) return true;
  }
  return known ? false : null;
};
