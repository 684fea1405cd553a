import * as z from 'zod/mini';
import type { FrameRow, PlanRow, PurchaseDays } from '../domain/standing.ts';
import { PermanentError } from '../errors.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { RunFiles } from '../ports/run-files.ts';
import {
  absentNames,
  type Cell,
  type Column,
  readTable,
  rowValues,
  valueColumns,
  writeTable,
} from './parquet-table.ts';

/**
 * The files of runs in an object store: `runs/<runId>/frame/shard=0003.parquet`, `…/plan/shard=0003.parquet`, JSON and HTML.
 *
 * Columns of a frame: `subject`, `bucket`, `facts_rev`, `status`, `branch`, `manager`, `open_case`, a column per metric
 * `m_…` and per trait `t_…`, `repeat_days`, `last_purchase_days` and `age_days` where the policy expects purchases, and JSON
 * texts `answers`, `notes` where the policy reads them, `pins`, `decided`, `prior`. Columns of a plan: `subject`, `bucket`,
 * `facts_rev`, `branch`, `manager`, `value`, `changed`, a column per score `s_…`, `target_…` and `segment_…` per dimension,
 * `satisfaction_score`, and JSON texts `next`, `moves`, `flags`, `satisfaction`. Missing is null. A shard has
 * the columns of its own rows, so readers of several shards join them by name: in DuckDB `read_parquet('…/*.parquet',
 * union_by_name = true)`.
 */
export const parquetRunFiles = (objects: ObjectStore): RunFiles => {
  const shardKey = (runId: string, kind: 'frame' | 'plan', shard: number): string =>
    `runs/${runId}/${kind}/shard=${String(shard).padStart(4, '0')}.parquet`;

  const readBytes = async (runId: string, kind: 'frame' | 'plan', shard: number): Promise<Uint8Array> => {
    const bytes = await objects.get(shardKey(runId, kind, shard));
    if (bytes === undefined) {
      throw new PermanentError('run-file-missing', `the ${kind} of run ${runId} has no shard ${shard}`, {
        hint: 'files of runs expire; a newer run has its own',
      });
    }
    return bytes;
  };

  const readShard = async (runId: string, kind: 'frame' | 'plan', shard: number) =>
    readTable(await readBytes(runId, kind, shard));

  const encodePlan = (rows: readonly PlanRow[]): Uint8Array => writeTable(planColumns(rows));

  const readText = async (runId: string, name: string): Promise<string | undefined> => {
    const bytes = await objects.get(`runs/${runId}/${name}`);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  };

  const writeText = async (runId: string, name: string, text: string, contentType: string): Promise<void> => {
    await objects.put(`runs/${runId}/${name}`, new TextEncoder().encode(text), { contentType });
  };

  const readJson = async (runId: string, name: string): Promise<unknown> => {
    const text = await readText(runId, name);
    return text === undefined ? undefined : JSON.parse(text);
  };

  const writeJson = (runId: string, name: string, document: unknown): Promise<void> =>
    writeText(runId, name, `${JSON.stringify(document)}\n`, 'application/json');

  return {
    writeFrame: async (runId, shard, rows) => {
      await objects.put(shardKey(runId, 'frame', shard), writeTable(frameColumns(rows)));
    },
    readFrame: async (runId, shard) => (await readShard(runId, 'frame', shard)).map(frameRow),
    writePlan: async (runId, shard, rows) => {
      await objects.put(shardKey(runId, 'plan', shard), encodePlan(rows));
    },
    readPlanBytes: (runId, shard) => readBytes(runId, 'plan', shard),
    encodePlan,
    readPlan: async (runId, shard) => (await readShard(runId, 'plan', shard)).map(planRow),
    writeJson,
    readJson,
    listJson: async (runId, folder) => {
      const prefix = `runs/${runId}/`;
      const documents: { name: string; document: unknown }[] = [];
      for (const key of await objects.list(`${prefix}${folder.replace(/\/$/, '')}/`)) {
        if (!key.endsWith('.json')) continue;
        const name = key.slice(prefix.length);
        documents.push({ name, document: await readJson(runId, name) });
      }
      return documents;
    },
    writeCalibration: (runId, calibration) => writeJson(runId, 'calibration.json', calibration),
    readCalibration: async (runId) => {
      const document = await readJson(runId, 'calibration.json');
      if (document === undefined) {
        throw new PermanentError('calibration-missing', `run ${runId} has no cut-offs in the workspace`);
      }
      const { totals, purchaseModel, ...rest } = z.parse(CalibrationFile, document);
      return {
        ...rest,
        ...(totals === undefined ? {} : { totals }),
        ...(purchaseModel === undefined ? {} : { purchaseModel }),
      };
    },
    writeText,
    readText,
  };
};

const BgNbdNumbers = { r: z.number(), alpha: z.number(), a: z.number(), b: z.number() };

const CalibrationFile = z.looseObject({
  cutoffs: z.record(z.string(), z.record(z.string(), z.array(z.number()))),
  satisfactionMeans: z.record(z.string(), z.number()),
  totals: z.optional(z.record(z.string(), z.record(z.string(), z.number()))),
  purchaseModel: z.optional(
    z.nullable(
      z.object({
        ...BgNbdNumbers,
        logLikelihood: z.number(),
        customers: z.number(),
        standardErrors: z.nullable(z.object(BgNbdNumbers)),
      }),
    ),
  ),
  population: z.number(),
});

const frameColumns = (rows: readonly FrameRow[]): readonly Column[] => [
  { name: 'subject', type: 'STRING', data: rows.map((row) => row.subject) },
  { name: 'bucket', type: 'INT32', data: rows.map((row) => row.bucket) },
  { name: 'facts_rev', type: 'INT32', data: rows.map((row) => row.factsRev) },
  { name: 'status', type: 'STRING', data: rows.map((row) => row.status) },
  { name: 'branch', type: 'STRING', data: rows.map((row) => row.branch) },
  { name: 'manager', type: 'STRING', data: rows.map((row) => row.manager) },
  { name: 'open_case', type: 'BOOLEAN', data: rows.map((row) => row.openCase) },
  ...valueColumns(
    'm_',
    rows.map((row) => row.metrics),
  ),
  ...valueColumns(
    't_',
    rows.map((row) => row.traits),
  ),
  ...purchaseColumns(rows),
  json('answers', rows, (row) => row.answers),
  // Only where the policy reads notes, so that other frames stay as they were.
  ...(rows.some((row) => row.notes !== undefined) ? [json('notes', rows, (row) => row.notes ?? [])] : []),
  json('pins', rows, (row) => row.pins),
  json('decided', rows, (row) => row.decided),
  json('prior', rows, (row) => row.prior),
  { name: 'prior_is_newest', type: 'BOOLEAN', data: rows.map((row) => row.priorIsNewest) },
  { name: 'absent_metrics', type: 'STRING', data: [...absentNames(rows.map((row) => row.metrics))] },
  { name: 'absent_traits', type: 'STRING', data: [...absentNames(rows.map((row) => row.traits))] },
];

/** Only where the policy expects purchases, so that other frames stay as they were. */
const purchaseColumns = (rows: readonly FrameRow[]): readonly Column[] => {
  if (rows.every((row) => row.purchaseDays === undefined)) return [];
  const column = (name: string, of: (days: PurchaseDays) => number): Column => ({
    name,
    type: 'INT32',
    data: rows.map((row) =>
      row.purchaseDays === undefined || row.purchaseDays === null ? null : of(row.purchaseDays),
    ),
  });
  return [
    column('repeat_days', (days) => days.repeatDays),
    column('last_purchase_days', (days) => days.lastPurchaseDays),
    column('age_days', (days) => days.ageDays),
  ];
};

const purchaseDaysOf = (cells: Cells): Pick<FrameRow, 'purchaseDays'> => {
  if (!('repeat_days' in cells)) return {};
  if (typeof cells['repeat_days'] !== 'number') return { purchaseDays: null };
  return {
    purchaseDays: {
      repeatDays: numberOf(cells, 'repeat_days'),
      lastPurchaseDays: numberOf(cells, 'last_purchase_days'),
      ageDays: numberOf(cells, 'age_days'),
    },
  };
};

type Cells = Readonly<Record<string, unknown>>;

const frameRow = (cells: Cells): FrameRow => ({
  bucket: numberOf(cells, 'bucket'),
  subject: textOf(cells, 'subject'),
  factsRev: numberOf(cells, 'facts_rev'),
  status: textOf(cells, 'status'),
  branch: textOrNull(cells, 'branch'),
  manager: textOrNull(cells, 'manager'),
  metrics: rowValues('m_', cells, cells['absent_metrics']),
  traits: rowValues('t_', cells, cells['absent_traits']),
  ...purchaseDaysOf(cells),
  answers: parsed(cells, 'answers'),
  ...('notes' in cells ? { notes: parsed(cells, 'notes') } : {}),
  openCase: cells['open_case'] === true,
  pins: parsed(cells, 'pins'),
  decided: parsed(cells, 'decided'),
  prior: parsed(cells, 'prior'),
  priorIsNewest: cells['prior_is_newest'] === true,
});

const planColumns = (rows: readonly PlanRow[]): readonly Column[] => [
  { name: 'subject', type: 'STRING', data: rows.map((row) => row.subject) },
  { name: 'bucket', type: 'INT32', data: rows.map((row) => row.bucket) },
  { name: 'facts_rev', type: 'INT32', data: rows.map((row) => row.factsRev) },
  { name: 'branch', type: 'STRING', data: rows.map((row) => row.branch) },
  { name: 'manager', type: 'STRING', data: rows.map((row) => row.manager) },
  { name: 'value', type: 'DOUBLE', data: rows.map((row) => row.value) },
  { name: 'changed', type: 'BOOLEAN', data: rows.map((row) => row.changed) },
  ...valueColumns(
    's_',
    rows.map((row) => row.scores),
  ),
  ...dimensionsOf(rows).flatMap((dimension): Column[] => [
    {
      name: `target_${dimension}`,
      type: 'STRING',
      data: rows.map((row) => row.next.placements[dimension]?.target ?? null),
    },
    {
      name: `segment_${dimension}`,
      type: 'STRING',
      data: rows.map((row) => row.next.placements[dimension]?.actual ?? null),
    },
  ]),
  { name: 'satisfaction_score', type: 'DOUBLE', data: rows.map((row) => row.satisfaction?.score ?? null) },
  json('next', rows, (row) => row.next),
  json('moves', rows, (row) => row.moves),
  json('flags', rows, (row) => row.flags),
  json('satisfaction', rows, (row) => row.satisfaction),
  { name: 'absent_scores', type: 'STRING', data: [...absentNames(rows.map((row) => row.scores))] },
];

const dimensionsOf = (rows: readonly PlanRow[]): readonly string[] => [
  ...new Set(rows.flatMap((row) => Object.keys(row.next.placements))),
];

const planRow = (cells: Cells): PlanRow => ({
  bucket: numberOf(cells, 'bucket'),
  subject: textOf(cells, 'subject'),
  factsRev: numberOf(cells, 'facts_rev'),
  branch: textOrNull(cells, 'branch'),
  manager: textOrNull(cells, 'manager'),
  value: typeof cells['value'] === 'number' ? cells['value'] : null,
  scores: numbersOnly(rowValues('s_', cells, cells['absent_scores'])),
  next: parsed(cells, 'next'),
  changed: cells['changed'] === true,
  moves: parsed(cells, 'moves'),
  flags: parsed(cells, 'flags'),
  satisfaction: parsed(cells, 'satisfaction'),
});

const numbersOnly = (values: Readonly<Record<string, unknown>>): Record<string, number | null> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === 'number' ? value : null]));

const json = <Row>(name: string, rows: readonly Row[], field: (row: Row) => unknown): Column => ({
  name,
  type: 'STRING',
  data: rows.map((row): Cell => JSON.stringify(field(row))),
});

// biome-ignore lint/suspicious/noExplicitAny: the file was written from the same type; a wrong shape fails in the step that reads it
const parsed = (cells: Cells, name: string): any => JSON.parse(textOf(cells, name));

const textOf = (cells: Cells, name: string): string => {
  const cell = cells[name];
  if (typeof cell !== 'string') throw unreadable(name);
  return cell;
};

const textOrNull = (cells: Cells, name: string): string | null => {
  const cell = cells[name];
  return typeof cell === 'string' ? cell : null;
};

const numberOf = (cells: Cells, name: string): number => {
  const cell = cells[name];
  if (typeof cell !== 'number') throw unreadable(name);
  return cell;
};

const unreadable = (name: string): PermanentError =>
  new PermanentError('run-file-unreadable', `a file of a run lacks a value in column ${name}`);
