import { parquetWriteBuffer } from 'hyparquet-writer';
import type { TraitValue } from '#shared/domain/facts.ts';
import type { Metric, Policy, ServiceTerm } from '#shared/domain/policy.ts';
import { servicePlanOf, serviceTermNames } from '#shared/domain/service-plan.ts';
import type { FrameRow, PlanRow } from '#shared/domain/standing.ts';
import { currencyExponent } from '#shared/domain/values.ts';
import { PermanentError } from '#shared/errors.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import { decimalOfMinor } from './format-value.ts';
import { openedFlags } from './report/call-first.ts';

export const EXPORT_FORMATS = ['csv', 'json', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Rows are sorted in memory; at about 1 KB each this many need about 1 GB. Larger runs are read from their own files. */
export const MOST_EXPORTED_CUSTOMERS = 1_000_000;

/** Customers looked up at once to put the company's id in place of the subject. */
const LOOK_UP = 100;

type ColumnKind = 'text' | 'number' | 'money' | 'truth' | 'mixed';

export interface ExportColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** One line per customer; a cell is null where the value is missing. Money is in minor units until it is written. */
export interface ExportTable {
  readonly columns: readonly ExportColumn[];
  /** Ascending by customer id, compared by UTF-16 code units. */
  readonly rows: readonly (readonly (TraitValue | null)[])[];
  readonly currency: string;
  /** Customers of the run who have been erased since; they are not in `rows`. */
  readonly erased: number;
}

export interface ExportPorts {
  readonly customers: Pick<CustomerStore, 'getMany'>;
  readonly files: Pick<RunFiles, 'readFrame' | 'readPlan' | 'readJson'>;
}

/**
 * Gathers one row per customer of a run: metrics, traits, scores, satisfaction, target and actual segment of each
 * dimension, the service plan of the actual segments, flags. Read from the run's files shard by shard; company ids come from the customers table, so that a customer
 * erased since is left out. The rows depend on the run's result only, not on the number of shards or the run's id.
 *
 * @param language of the texts in service plans; words such as `preferential` stay as the policy has them
 * @throws PermanentError `export-too-large` above a million customers
 */
export const exportTable = async (
  ports: ExportPorts,
  run: { readonly runId: string; readonly shards: number },
  policy: Policy,
  language: 'en' | 'zh' = 'en',
): Promise<ExportTable> => {
  const traits = new Set<string>();
  const gathered: { readonly customerId: string; readonly frame: FrameRow; readonly plan: PlanRow }[] = [];
  const opened = await openedFlags(ports.files, run.runId);
  let erased = 0;
  for (let shard = 0; shard < run.shards; shard += 1) {
    const frames = new Map((await ports.files.readFrame(run.runId, shard)).map((row) => [row.subject, row]));
    const plans = await ports.files.readPlan(run.runId, shard);
    if (gathered.length + plans.length > MOST_EXPORTED_CUSTOMERS) {
      throw new PermanentError(
        'export-too-large',
        `an export sorts at most ${MOST_EXPORTED_CUSTOMERS} customers in memory, and run ${run.runId} has more`,
        { hint: `read the run's own files: runs/${run.runId}/plan/*.parquet (DuckDB, Athena, pandas)` },
      );
    }
    for (let from = 0; from < plans.length; from += LOOK_UP) {
      const part = plans.slice(from, from + LOOK_UP);
      const known = await ports.customers.getMany(part.map((row) => row.subject));
      for (const plan of part) {
        const frame = frames.get(plan.subject);
        const customerId = known.get(plan.subject)?.customerId;
        if (frame === undefined) {
          throw new PermanentError('frame-row-missing', `the frame of ${run.runId} lacks ${plan.subject}`);
        }
        if (customerId === undefined) {
          erased += 1;
          continue;
        }
        for (const trait of Object.keys(frame.traits)) traits.add(trait);
        gathered.push({ customerId, frame, plan });
      }
    }
  }
  gathered.sort((a, b) => (a.customerId < b.customerId ? -1 : a.customerId > b.customerId ? 1 : 0));

  const metrics = Object.entries(policy.metrics);
  const traitNames = [...traits].sort();
  const dimensions = Object.keys(policy.dimensions);
  const terms = serviceTermNames(policy.service);
  const columns: ExportColumn[] = [
    text('customer_id'),
    text('status'),
    text('branch'),
    text('manager'),
    ...metrics.map(([name, metric]) => ({ name: `metric_${name}`, kind: kindOf(metric) })),
    ...traitNames.map((name): ExportColumn => ({ name: `trait_${name}`, kind: 'mixed' })),
    ...policy.scoreOrder.map((name) => number(`score_${name}`)),
    ...['score', 'answers', 'age_days', 'confidence'].map((name) => number(`satisfaction_${name}`)),
    ...dimensions.flatMap((name) => [
      text(`${name}_target`),
      text(`${name}_actual`),
      text(`${name}_since`),
      text(`${name}_held_back`),
      text(`${name}_before`),
      text(`${name}_pinned_until`),
    ]),
    ...terms.map((name) => ({ name: `service_${name}`, kind: 'mixed' as const })),
    text('flag_upgrade'),
    text('flag_exit'),
  ];
  const serviceOf = ({ next }: PlanRow): readonly (TraitValue | null)[] => {
    const plan = servicePlanOf(
      policy,
      Object.fromEntries(dimensions.map((name) => [name, next.placements[name]?.actual])),
    );
    return terms.map((name) => termCell(plan[name], language));
  };
  const rows = gathered.map(({ customerId, frame, plan }) => [
    customerId,
    frame.status,
    frame.branch,
    frame.manager,
    ...metrics.map(([name]) => frame.metrics[name] ?? null),
    ...traitNames.map((name) => frame.traits[name] ?? null),
    ...policy.scoreOrder.map((name) => plan.scores[name] ?? null),
    plan.satisfaction?.score ?? null,
    plan.satisfaction?.answers ?? null,
    plan.satisfaction?.ageDays ?? null,
    plan.satisfaction?.confidence ?? null,
    ...dimensions.flatMap((name) => {
      const placement = plan.next.placements[name];
      return [
        placement?.target ?? null,
        placement?.actual ?? null,
        placement?.since ?? null,
        placement === undefined || placement.heldBack.length === 0 ? null : placement.heldBack.join(' '),
        frame.prior?.placements[name]?.actual ?? null,
        placement?.pinnedUntil ?? null,
      ];
    }),
    ...serviceOf(plan),
    flagState(plan, 'upgrade', opened),
    flagState(plan, 'exit', opened),
  ]);
  return { columns, rows, currency: policy.currency, erased };
};

const text = (name: string): ExportColumn => ({ name, kind: 'text' });
const number = (name: string): ExportColumn => ({ name, kind: 'number' });

const termCell = (term: ServiceTerm | undefined, language: 'en' | 'zh'): TraitValue | null =>
  term === undefined ? null : typeof term === 'object' ? term[language] : term;

/** Spend is kept in minor units; money in traits is in major units as the file gave it. */
const kindOf = (metric: Metric): ColumnKind => {
  if (metric.kind === 'spend') return 'money';
  return metric.unit === 'text' || metric.kind === 'trait' ? 'mixed' : 'number';
};

/** `opened`, `overCapacity` where the manager's capacity was used up, or null. */
const flagState = (plan: PlanRow, kind: 'upgrade' | 'exit', opened: ReadonlySet<string>): string | null => {
  if (!plan.flags.some((flag) => flag.kind === kind)) return null;
  return opened.has(`${kind} ${plan.subject}`) ? 'opened' : 'overCapacity';
};

/**
 * The table as the bytes of a file, in pieces. CSV: RFC 4180 with CRLF, a heading, empty for missing, text that a
 * spreadsheet would take for a formula made harmless by an apostrophe (R24); `bom` lets Excel see UTF-8. JSON: an array with
 * one object per line. Parquet: one row group per 100,000 customers. Money is in major units with a decimal point.
 */
export function* encodeExport(
  table: ExportTable,
  format: ExportFormat,
  options: { readonly bom?: boolean } = {},
): Generator<Uint8Array> {
  switch (format) {
    case 'csv':
      yield* pieces(csvLines(table, options.bom === true));
      return;
    case 'json':
      yield* pieces(jsonLines(table));
      return;
    case 'parquet':
      yield parquetBytes(table);
      return;
  }
}

/** Joins short texts into pieces of about 64 KiB. */
function* pieces(lines: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let waiting = '';
  for (const line of lines) {
    waiting += line;
    if (waiting.length >= 65_536) {
      yield encoder.encode(waiting);
      waiting = '';
    }
  }
  if (waiting !== '') yield encoder.encode(waiting);
}

function* csvLines(table: ExportTable, bom: boolean): Generator<string> {
  yield `${bom ? '\ufeff' : ''}${csvLine(table.columns.map((column) => column.name))}`;
  for (const row of table.rows) {
    yield csvLine(
      row.map((value, index) => {
        if (value === null) return '';
        if (typeof value === 'string') return neutralised(value);
        return table.columns[index]?.kind === 'money' && typeof value === 'number'
          ? decimalOfMinor(value, table.currency)
          : String(value);
      }),
    );
  }
}

/** One line of RFC 4180 with its CRLF. */
export const csvLine = (cells: readonly string[]): string =>
  `${cells.map((cell) => (/[",\r\n]/u.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`;

/**
 * Puts an apostrophe before text that a spreadsheet could take for a formula: it starts with `= + - @`, their full-width
 * forms, TAB, CR, LF or NUL, also after spaces.
 */
export const neutralised = (value: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
  /^[\s\u00a0\u3000]*[=+\-@＝＋－＠\u2212\t\r\n\u0000]/u.test(value) || /^[\t\r\n]/u.test(value) ? `'${value}` : value;

function* jsonLines(table: ExportTable): Generator<string> {
  yield '[';
  let first = true;
  for (const row of table.rows) {
    const entries = table.columns.map((column, index) => {
      const value = row[index] ?? null;
      const shown =
        column.kind === 'money' && typeof value === 'number'
          ? decimalOfMinor(value, table.currency)
          : JSON.stringify(value);
      return `${JSON.stringify(column.name)}:${shown}`;
    });
    yield `${first ? '\n' : ',\n'}{${entries.join(',')}}`;
    first = false;
  }
  yield first ? ']\n' : '\n]\n';
}

const parquetBytes = (table: ExportTable): Uint8Array => {
  const scale = 10 ** currencyExponent(table.currency);
  const columnData = table.columns.map((column, index) => {
    const values = table.rows.map((row) => row[index] ?? null);
    const kind = column.kind === 'mixed' ? kindOfValues(values) : column.kind;
    switch (kind) {
      case 'money':
        return {
          name: column.name,
          data: values.map((value) => (value === null ? null : Number(value) / scale)),
          type: 'DOUBLE' as const,
          nullable: true,
        };
      case 'number':
        return {
          name: column.name,
          data: values.map((value) => (value === null ? null : Number(value))),
          type: 'DOUBLE' as const,
          nullable: true,
        };
      case 'truth':
        return { name: column.name, data: values, type: 'BOOLEAN' as const, nullable: true };
      default:
        return {
          name: column.name,
          data: values.map((value) => (value === null ? null : String(value))),
          type: 'STRING' as const,
          nullable: true,
        };
    }
  });
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 100_000 }));
};

/** A column of one kind of value keeps it; a mixed or empty one becomes text. */
const kindOfValues = (values: readonly (TraitValue | null)[]): ColumnKind => {
  const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value));
  if (kinds.size !== 1) return 'text';
  if (kinds.has('number')) return 'number';
  return kinds.has('boolean') ? 'truth' : 'text';
};
