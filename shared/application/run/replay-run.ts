import { RunSummary } from '#shared/contracts/run-record.ts';
import { assignRow, capacity } from '#shared/domain/assign.ts';
import type { PlanRow } from '#shared/domain/standing.ts';
import { isResegmentError, PermanentError } from '#shared/errors.ts';
import { runContext } from './assign-shard.ts';
import { calibrationOfFrame } from './calibrate-run.ts';
import { newTally } from './review-plan.ts';
import { loadPolicy, loadRun, type RunPorts } from './run-ports.ts';

export type ReplayPorts = Pick<RunPorts, 'runs' | 'files' | 'objects'>;

/** One thing that the stored run says otherwise than its replay. */
export interface ReplayDifference {
  readonly where: 'policy' | 'calibration' | 'plan' | 'flags' | 'summary';
  readonly shard?: number;
  readonly subject?: string;
  /** Path of the value, such as `next.placements.class.actual`; `bytes` where the rows are the same and the file is not. */
  readonly field: string;
  /** Null where it is absent. */
  readonly stored: unknown;
  readonly replayed: unknown;
}

export interface Replay {
  readonly runId: string;
  readonly same: boolean;
  readonly shards: number;
  readonly customers: number;
  /** Bytes of plan files that were compared. */
  readonly bytes: number;
  /** What the cut-offs were compared with: the run's own frame, or the run whose cut-offs it took; null: that one is gone. */
  readonly calibratedFrom: string | null;
  /** The first of them, in the order policy, calibration, plan by shard and subject, flags, summary. */
  readonly differences: readonly ReplayDifference[];
  readonly total: number;
}

/**
 * Recomputes a stored run from its frame, with its policy and its stored cut-offs, and compares: the plan row by row and byte by
 * byte, the cut-offs with what the frame gives, the proposals that capacity allowed, the counts of the summary. Nothing is
 * written. The run's sequence number does not matter: plans are written before it is given.
 *
 * @param limit of the differences that are listed; all are counted
 * @throws PermanentError `run-without-plan`, or `run-file-missing` where its files have expired
 */
export const replayRun = async (runId: string, limit: number, ports: ReplayPorts): Promise<Replay> => {
  const { record } = await loadRun(ports, runId);
  const storedSummary = RunSummary.safeParse(await ports.files.readJson(runId, 'summary.json'));
  const storedFlags = await ports.files.readJson(runId, 'review/flags.json');
  if (!storedSummary.success || !Array.isArray(storedFlags)) {
    throw new PermanentError(
      'run-without-plan',
      `run ${runId} is ${record.state} and has no complete plan to replay; it was not planned to its end, or its files have expired`,
      { hint: 'resegment run list shows the runs there are' },
    );
  }
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  const differences: ReplayDifference[] = [];
  let total = 0;
  const compare = (
    about: Omit<ReplayDifference, 'field' | 'stored' | 'replayed'>,
    stored: unknown,
    replayed: unknown,
  ) => {
    const found = fieldsThatDiffer(stored, replayed);
    for (const [field, was, is] of found) {
      total += 1;
      if (differences.length < limit) differences.push({ ...about, field, stored: was ?? null, replayed: is ?? null });
    }
    return found.length;
  };

  compare({ where: 'policy' }, { hash: record.policy.hash }, { hash: policy.hash });
  const calibration = await ports.files.readCalibration(runId);
  const calibratedFrom = record.only === undefined ? runId : record.basedOn;
  const expected =
    record.only === undefined
      ? await calibrationOfFrame(record, policy, ports)
      : await readIfThere(() => ports.files.readCalibration(record.basedOn ?? ''));
  if (expected !== undefined) compare({ where: 'calibration' }, calibration, JSON.parse(JSON.stringify(expected)));

  const context = { ...runContext(record), seq: 0 };
  const tally = newTally(Object.keys(policy.dimensions), policy.mainDimension);
  const candidates: PlanRow[] = [];
  let customers = 0;
  let bytes = 0;
  for (let shard = 0; shard < record.shards; shard += 1) {
    const about = { where: 'plan' as const, shard };
    const rows = (await ports.files.readFrame(runId, shard)).map((row) => assignRow(row, policy, calibration, context));
    for (const row of rows) {
      tally.add(row);
      if (row.flags.length > 0) candidates.push(row);
    }
    customers += rows.length;
    const stored = await ports.files.readPlanBytes(runId, shard);
    const replayed = ports.files.encodePlan(rows);
    bytes += stored.length;
    if (isSame(stored, replayed)) continue;
    const readable = await readRows(() => ports.files.readPlan(runId, shard));
    if (readable === undefined) {
      compare(about, { file: 'cannot be read' }, { file: `${rows.length} customers` });
      continue;
    }
    const found = compareRows(readable, rows, (subject, was, is) => compare({ ...about, subject }, was, is));
    if (found === 0) compare(about, { bytes: stored.length }, { bytes: `${replayed.length}, not the same` });
  }

  const ranked = capacity(candidates, policy);
  const opened = ranked.flatMap((row) =>
    row.flags.filter((flag) => flag.opened).map((flag) => `${flag.kind} ${row.subject}`),
  );
  const known = storedFlags.map((one: { kind: string; subject: string }) => `${one.kind} ${one.subject}`);
  compare({ where: 'flags' }, asSet(known), asSet(opened));
  const count = (kind: 'upgrade' | 'exit', isOpened: boolean): number =>
    ranked.flatMap((row) => row.flags).filter((flag) => flag.kind === kind && flag.opened === isOpened).length;
  const quarantine = await ports.files.readJson(runId, 'quarantine.json');
  const quarantined = Array.isArray(quarantine) ? quarantine.length : 0;
  const counts = {
    runId,
    asOf: record.asOf,
    population: customers + quarantined,
    quarantined,
    segments: tally.segments,
    previousSegments: tally.previousSegments,
    moves: tally.moves(),
    heldBack: tally.heldBack,
    value: tally.value,
    flags: {
      upgrade: count('upgrade', true),
      exit: count('exit', true),
      upgradeOverCapacity: count('upgrade', false),
      exitOverCapacity: count('exit', false),
    },
  };
  const summary: Record<string, unknown> = storedSummary.data;
  const stored = Object.fromEntries(Object.keys(counts).map((name) => [name, summary[name]]));
  compare({ where: 'summary' }, stored, JSON.parse(JSON.stringify(counts)));
  return {
    runId,
    same: total === 0,
    shards: record.shards,
    customers,
    bytes,
    calibratedFrom: expected === undefined ? null : calibratedFrom,
    differences,
    total,
  };
};

/** @returns how many values differ */
const compareRows = (
  stored: readonly PlanRow[],
  replayed: readonly PlanRow[],
  compare: (subject: string, stored: unknown, replayed: unknown) => number,
): number => {
  const was = new Map(stored.map((row) => [row.subject, row]));
  const is = new Map(replayed.map((row) => [row.subject, row]));
  let found = 0;
  for (const subject of [...new Set([...is.keys(), ...was.keys()])].sort()) {
    const [left, right] = [was.get(subject), is.get(subject)];
    if (left === undefined) found += compare(subject, { row: null }, { row: 'in the frame' });
    else if (right === undefined) found += compare(subject, { row: 'in the plan' }, { row: null });
    else found += compare(subject, left, JSON.parse(JSON.stringify(right)));
  }
  if (stored.length !== was.size) found += compare('', { rows: stored.length }, { rows: was.size });
  return found;
};

/** The rows of a file that differs; undefined where it is damaged. */
const readRows = async (read: () => Promise<readonly PlanRow[]>): Promise<readonly PlanRow[] | undefined> => {
  try {
    return await read();
  } catch {
    return undefined;
  }
};

const readIfThere = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read();
  } catch (error) {
    if (isResegmentError(error)) return undefined;
    throw error;
  }
};

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

const asSet = (names: readonly string[]): Readonly<Record<string, true>> =>
  Object.fromEntries([...names].sort().map((name) => [name, true]));

/** Paths at which two JSON values differ, with both values; absent is undefined. */
const fieldsThatDiffer = (a: unknown, b: unknown, path = ''): readonly (readonly [string, unknown, unknown])[] => {
  if (Object.is(a, b)) return [];
  if (!isBranch(a) || !isBranch(b) || Array.isArray(a) !== Array.isArray(b)) return [[path, a, b]];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
    fieldsThatDiffer(a[key], b[key], path === '' ? key : `${path}.${key}`),
  );
};

const isBranch = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
