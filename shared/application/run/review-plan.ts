import * as z from 'zod/mini';
import { type BrakeHit, RunSummary } from '#shared/contracts/run-record.ts';
import { capacity } from '#shared/domain/assign.ts';
import { findBrakes } from '#shared/domain/brakes.ts';
import type { PlanRow } from '#shared/domain/standing.ts';
import { PermanentError } from '#shared/errors.ts';
import { measure } from '#shared/ports/metrics.ts';
import type { MeasureReceipt } from '#shared/ports/run-files.ts';
import { brakesThatHold } from './override-brake.ts';
import { loadPolicy, loadRun, type RunPorts, updateRun } from './run-ports.ts';

const HOUR_MS = 3_600_000;
const SegmentCounts = z.pick(RunSummary, { segments: true });

/**
 * Proves that everybody is in exactly one segment of each dimension, counts the moves, chooses which flags the capacity
 * allows, and looks at the brakes. Nothing has been changed before this step ends.
 */
export const reviewPlan = async (
  { runId }: { readonly runId: string },
  ports: RunPorts,
): Promise<{ readonly outcome: 'apply' | 'planned' | 'held' }> => {
  const { record } = await loadRun(ports, runId);
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  const receipts = await measureReceipts(runId, record.shards, ports);
  const quarantined = receipts.flatMap((receipt) => receipt.quarantined);
  const read = receipts.reduce((sum, receipt) => sum + receipt.read, 0);

  const tally = newTally(Object.keys(policy.dimensions), policy.mainDimension);
  const candidates: PlanRow[] = [];
  for (let shard = 0; shard < record.shards; shard += 1) {
    for (const row of await ports.files.readPlan(runId, shard)) {
      tally.add(row);
      if (row.flags.length > 0) candidates.push(row);
    }
  }
  const expected = read - quarantined.length;
  if (tally.rows() !== expected) {
    throw new PermanentError(
      'plan-incomplete',
      `the plan of ${runId} has ${tally.rows()} customers, but ${expected} were measured`,
    );
  }
  for (const dimension of Object.keys(policy.dimensions)) {
    const placed = Object.values(tally.segments[dimension] ?? {}).reduce((sum, count) => sum + count, 0);
    if (placed + tally.left() !== expected) {
      throw new PermanentError(
        'segments-do-not-add-up',
        `dimension ${dimension} of ${runId} places ${placed} customers and ${tally.left()} have left, but ${expected} were measured`,
      );
    }
  }
  const ranked = capacity(candidates, policy);
  const opened = ranked.flatMap((row) =>
    row.flags.filter((flag) => flag.opened).map((flag) => ({ subject: row.subject, kind: flag.kind })),
  );
  await ports.files.writeJson(runId, 'review/flags.json', opened);

  const flagCount = (kind: 'upgrade' | 'exit', isOpened: boolean): number =>
    ranked.reduce(
      (sum, row) => sum + row.flags.filter((flag) => flag.kind === kind && flag.opened === isOpened).length,
      0,
    );
  const newestFact = receipts.reduce<string | null>(
    (newest, receipt) =>
      receipt.newestFact !== null && (newest === null || receipt.newestFact > newest) ? receipt.newestFact : newest,
    null,
  );
  const flags = {
    upgrade: flagCount('upgrade', true),
    exit: flagCount('exit', true),
    upgradeOverCapacity: flagCount('upgrade', false),
    exitOverCapacity: flagCount('exit', false),
  };
  const limited = record.only !== undefined;
  const brakes: readonly BrakeHit[] = findBrakes(
    {
      asOf: record.asOf,
      population: expected - tally.left(),
      quarantined: quarantined.length,
      previousPopulation: limited ? null : await placedBefore(record.basedOn, ports),
      known: tally.known(),
      moved: tally.moved(),
      flagged: { upgrade: flags.upgrade, exit: flags.exit },
      segments: tally.segments[policy.mainDimension] ?? {},
      previousSegments: limited ? {} : (tally.previousSegments[policy.mainDimension] ?? {}),
      newestFact,
    },
    policy.brakes,
  );
  const holding = brakesThatHold({ brakes: [...brakes], overrides: record.overrides });
  const outcome = record.mode === 'plan' ? 'planned' : holding.length > 0 ? 'held' : 'apply';
  const state = record.mode === 'plan' && holding.length > 0 ? 'held' : outcome === 'apply' ? record.state : outcome;

  const summary: RunSummary = {
    runId,
    asOf: record.asOf,
    period: record.period,
    policy: record.policy,
    state,
    population: read,
    quarantined: quarantined.length,
    segments: tally.segments,
    previousSegments: tally.previousSegments,
    moves: tally.moves(),
    heldBack: tally.heldBack,
    flags,
    value: tally.value,
    newestFact,
    changed: tally.changed(),
    stale: 0,
    brakes: [...brakes],
    units: {
      read: receipts.reduce((sum, receipt) => sum + receipt.units.read, 0),
      write: 0,
    },
    durationMs: 0,
  };
  await ports.files.writeJson(runId, 'quarantine.json', quarantined);
  await ports.files.writeJson(runId, 'summary.json', summary);
  const now = ports.clock.now();
  const updated = await updateRun(ports, runId, (current) => ({
    ...current,
    brakes: [...brakes],
    ...(outcome === 'apply'
      ? {}
      : {
          state,
          expiresAt: new Date(Date.parse(now) + ports.settings.planExpiresHours * HOUR_MS).toISOString(),
          finishedAt: now,
        }),
  }));
  if (state === 'held') measure('RunsHeld');
  if (state === 'held') await ports.tellOperators(updated, holding);
  return { outcome };
};

/** The receipts of all shards. @throws PermanentError where one is missing */
export const measureReceipts = async (
  runId: string,
  shards: number,
  ports: Pick<RunPorts, 'files'>,
): Promise<readonly MeasureReceipt[]> => {
  const receipts: MeasureReceipt[] = [];
  for (const { document } of await ports.files.listJson(runId, 'measure')) {
    if (isMeasureReceipt(document)) receipts.push(document);
  }
  if (receipts.length !== shards) {
    throw new PermanentError(
      'receipts-missing',
      `run ${runId} has ${receipts.length} of ${shards} receipts of measured shards`,
    );
  }
  return receipts;
};

const isMeasureReceipt = (document: unknown): document is MeasureReceipt =>
  typeof document === 'object' &&
  document !== null &&
  'shard' in document &&
  'read' in document &&
  'quarantined' in document;

/** Customers that the newest run for everybody, at or before the given one, placed; null if there is none. */
const placedBefore = async (basedOn: string | null, ports: RunPorts): Promise<number | null> => {
  for (let runId = basedOn; runId !== null; ) {
    const { record } = await loadRun(ports, runId);
    if (record.only === undefined) return placedIn(await ports.files.readJson(runId, 'summary.json'));
    runId = record.basedOn;
  }
  return null;
};

/** Every dimension places the same customers, so any of them counts them. */
const placedIn = (document: unknown): number | null => {
  const parsed = SegmentCounts.safeParse(document);
  const [counts] = parsed.success ? Object.values(parsed.data.segments) : [];
  return counts === undefined ? null : Object.values(counts).reduce((sum, count) => sum + count, 0);
};

/** Counts a plan row by row: constant memory whatever the population. */
export const newTally = (dimensions: readonly string[], main: string) => {
  const table = <T>(make: () => T): Record<string, T> => Object.fromEntries(dimensions.map((name) => [name, make()]));
  const segments = table<Record<string, number>>(() => ({}));
  const previousSegments = table<Record<string, number>>(() => ({}));
  const heldBack = table<Record<string, number>>(() => ({}));
  const matrix = table<Map<string, { from: string | null; to: string | null; count: number }>>(() => new Map());
  const value: Record<string, number> = {};
  const counts = { rows: 0, left: 0, known: 0, moved: 0, changed: 0 };
  const bump = (record: Record<string, number> | undefined, key: string, by = 1): void => {
    if (record !== undefined) record[key] = (record[key] ?? 0) + by;
  };
  return {
    segments,
    previousSegments,
    heldBack,
    value,
    rows: () => counts.rows,
    left: () => counts.left,
    known: () => counts.known,
    moved: () => counts.moved,
    changed: () => counts.changed,
    add: (row: PlanRow): void => {
      counts.rows += 1;
      if (row.changed) counts.changed += 1;
      if (Object.keys(row.next.placements).length === 0) counts.left += 1;
      for (const dimension of dimensions) {
        const placement = row.next.placements[dimension];
        const move = row.moves.find((one) => one.dimension === dimension);
        const to = placement?.actual ?? null;
        const from = move === undefined ? to : move.from;
        if (to !== null) bump(segments[dimension], to);
        if (from !== null) bump(previousSegments[dimension], from);
        for (const reason of placement?.heldBack ?? []) bump(heldBack[dimension], reason);
        const key = JSON.stringify([from, to]);
        const cell = matrix[dimension]?.get(key);
        if (cell === undefined) matrix[dimension]?.set(key, { from, to, count: 1 });
        else cell.count += 1;
        if (dimension !== main) continue;
        if (to !== null) bump(value, to, row.value ?? 0);
        if (from !== null) counts.known += 1;
        if (from !== null && to !== null && from !== to) counts.moved += 1;
      }
    },
    moves: (): Record<string, { from: string | null; to: string | null; count: number }[]> =>
      Object.fromEntries(
        dimensions.map((dimension) => [
          dimension,
          [...(matrix[dimension]?.values() ?? [])]
            .filter((cell) => cell.from !== null || cell.to !== null)
            .sort((a, b) => `${a.from}>${a.to}`.localeCompare(`${b.from}>${b.to}`, 'en')),
        ]),
      ),
  };
};
