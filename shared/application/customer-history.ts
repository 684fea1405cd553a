import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { IsoDate } from '#shared/domain/calendar.ts';
import type { Pin } from '#shared/domain/facts.ts';
import type { HoldBack, PlanRow } from '#shared/domain/standing.ts';
import { isResegmentError, PermanentError } from '#shared/errors.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { PointerStore, RecordStore } from '#shared/ports/standing-store.ts';
import { staleSubjects } from './run/apply-receipts.ts';
import { shardOfBucket } from './run/run-ports.ts';

export interface HistoryPorts {
  readonly customers: Pick<CustomerStore, 'get' | 'bucketOf' | 'buckets'>;
  readonly runs: Pick<RecordStore<RunRecord>, 'list'>;
  readonly pointer: Pick<PointerStore, 'get'>;
  readonly files: Pick<RunFiles, 'readPlan' | 'readJson'>;
}

export interface HistoryPlacement {
  /** Segment that the policy computed. */
  readonly target: string;
  /** Segment in force. */
  readonly actual: string;
  /** Why they differ; empty if they do not. */
  readonly heldBack: readonly HoldBack[];
  readonly pinnedUntil: IsoDate | null;
  /** Segment before where the run moved the customer, null for the first one; absent where it moved nothing. */
  readonly movedFrom?: string | null;
}

/**
 * What a run says of the customer. `placed`: the placements are the run's own. `left`: the customer has no segment since.
 * `unchanged`: the run said nothing, so what was before still held; `because` tells why. `notYet`: nobody knew the customer.
 * `filesMissing`: the run's files have expired.
 */
export type HistoryKind = 'placed' | 'left' | 'unchanged' | 'notYet' | 'filesMissing';

export interface HistoryRun {
  readonly runId: string;
  readonly asOf: IsoDate;
  readonly state: RunRecord['state'];
  /** Null for runs of before this was recorded. */
  readonly publishedAt: string | null;
  readonly policy: { readonly name: string; readonly version: string };
  /** False for a run that was rolled back: it counted for nothing since. */
  readonly counts: boolean;
  readonly rolledBack: NonNullable<RunRecord['rolledBack']> | null;
  readonly kind: HistoryKind;
  /** `stale`: the facts had changed since the plan. `notInRun`: it was limited to others. `quarantined`: it could not be read. */
  readonly because?: 'stale' | 'notInRun' | 'quarantined';
  /** By dimension. With `unchanged` those of the run before; empty where there are none. */
  readonly placements: Readonly<Record<string, HistoryPlacement>>;
}

export interface CustomerHistory {
  readonly customerId: string;
  /** Runs that were published at some time, in the order in which they were applied. */
  readonly runs: readonly HistoryRun[];
  /** Every pin that was ever set. */
  readonly pins: readonly Pin[];
}

/**
 * The segments of a customer through all published runs, read from one shard file of each: the applied plans are the history.
 * Runs that were rolled back are shown and count for nothing.
 *
 * @throws PermanentError `customer-unknown`, also for a customer who was erased: files hold no customer id, and what led from
 *   the id to them is gone
 */
export const customerHistory = async (customerId: string, ports: HistoryPorts): Promise<CustomerHistory> => {
  const { subject, pins } = await knownCustomer(customerId, ports);
  const runs: HistoryRun[] = [];
  let before: Readonly<Record<string, HistoryPlacement>> = {};
  for (const { record, counts } of await publishedRuns(ports)) {
    const said = await whatRunSays(record, subject, ports);
    const entry = { ...aboutRun(record, counts), ...(said.kind === 'unchanged' ? carried(said, before) : said) };
    runs.push(entry);
    if (counts) before = entry.placements;
  }
  return { customerId, runs, pins };
};

export interface SegmentOn {
  readonly customerId: string;
  readonly on: IsoDate;
  /** The run in force on that business date; null before the first run. */
  readonly run: HistoryRun | null;
  /** The earlier run that placed the customer, where the run in force said nothing of it. */
  readonly placedBy: string | null;
}

/**
 * "Which segment was the customer in on that day?": what the run in force said, the newest published one with `asOf` not after
 * the day. Where that run said nothing of the customer, the ones before it are asked, the newest first.
 */
export const segmentOn = async (customerId: string, on: IsoDate, ports: HistoryPorts): Promise<SegmentOn> => {
  const { subject } = await knownCustomer(customerId, ports);
  const counting = (await publishedRuns(ports)).filter(({ record, counts }) => counts && record.asOf <= on).reverse();
  let asked: HistoryRun | null = null;
  for (const { record, counts } of counting) {
    const said = await whatRunSays(record, subject, ports);
    const entry = { ...aboutRun(record, counts), ...said };
    if (asked === null && said.kind !== 'unchanged') return { customerId, on, run: entry, placedBy: null };
    if (asked === null) asked = entry;
    else if (said.kind !== 'unchanged') {
      const kind = said.kind === 'filesMissing' ? said.kind : asked.kind;
      return {
        customerId,
        on,
        run: { ...asked, ...carried({ ...asked, kind }, said.placements) },
        placedBy: record.runId,
      };
    }
  }
  return { customerId, on, run: asked, placedBy: null };
};

const knownCustomer = async (customerId: string, ports: HistoryPorts) => {
  const facts = await ports.customers.get(customerId);
  if (facts === undefined) {
    throw new PermanentError(
      'customer-unknown',
      `there is no customer ${JSON.stringify(customerId.slice(0, 80))}: never imported, or erased; of an erased customer there is no history`,
      { hint: 'ids are as the imported files have them, capital letters included' },
    );
  }
  return facts;
};

/** Ascending by sequence number. A run counts if the pointer came to it and has not been taken back. */
export const publishedRuns = async (
  ports: Pick<HistoryPorts, 'runs' | 'pointer'>,
): Promise<readonly { readonly record: RunRecord; readonly counts: boolean }[]> => {
  const inForce = (await ports.pointer.get()).published?.runId;
  return (await ports.runs.list())
    .map(({ record }) => ({
      record,
      counts: record.state === 'published' || record.state === 'degraded' || record.runId === inForce,
    }))
    .filter(({ record, counts }) => record.seq !== null && (counts || record.state === 'rolledBack'))
    .sort((a, b) => (a.record.seq ?? 0) - (b.record.seq ?? 0));
};

const aboutRun = (record: RunRecord, counts: boolean) => ({
  runId: record.runId,
  asOf: record.asOf,
  state: record.state,
  publishedAt: record.publishedAt ?? null,
  policy: { name: record.policy.name, version: record.policy.version },
  counts,
  rolledBack: record.rolledBack ?? null,
});

type Said = Pick<HistoryRun, 'kind' | 'because' | 'placements'>;

const whatRunSays = async (record: RunRecord, subject: string, ports: HistoryPorts): Promise<Said> => {
  const shard = shardOfBucket(ports.customers.bucketOf(subject), record.shards, ports.customers.buckets);
  let rows: readonly PlanRow[];
  try {
    rows = await ports.files.readPlan(record.runId, shard);
  } catch (error) {
    if (isResegmentError(error) && error.code === 'run-file-missing') return { kind: 'filesMissing', placements: {} };
    throw error;
  }
  const row = rows.find((one) => one.subject === subject);
  if (row === undefined) {
    const quarantine = await ports.files.readJson(record.runId, 'quarantine.json');
    const isPoison =
      Array.isArray(quarantine) && quarantine.some((one: { subject?: string }) => one.subject === subject);
    if (isPoison) return { kind: 'unchanged', because: 'quarantined', placements: {} };
    return record.only === undefined
      ? { kind: 'notYet', placements: {} }
      : { kind: 'unchanged', because: 'notInRun', placements: {} };
  }
  if ((await staleSubjects(record.runId, shard, ports)).includes(subject)) {
    return { kind: 'unchanged', because: 'stale', placements: {} };
  }
  const placements = Object.fromEntries(
    Object.entries(row.next.placements).map(([dimension, placement]): [string, HistoryPlacement] => {
      const move = row.moves.find((one) => one.dimension === dimension);
      return [
        dimension,
        {
          target: placement.target,
          actual: placement.actual,
          heldBack: placement.heldBack,
          pinnedUntil: placement.pinnedUntil ?? null,
          ...(move === undefined ? {} : { movedFrom: move.from }),
        },
      ];
    }),
  );
  return { kind: Object.keys(placements).length === 0 ? 'left' : 'placed', placements };
};

/** What held before holds on; the move that led there belongs to the run that made it. */
const carried = (said: Said, before: Readonly<Record<string, HistoryPlacement>>): Said => ({
  ...said,
  placements: Object.fromEntries(
    Object.entries(before).map(([dimension, { movedFrom: _, ...placement }]) => [dimension, placement]),
  ),
});
