import { createHash } from 'node:crypto';
import { isIsoDate } from '../../domain/calendar.ts';
import { ANSWER_SCALES, type AnswerFact, type AnswerScale } from '../../domain/facts.ts';
import { addAnswers, addLatestAnswers } from '../../domain/merge-facts.ts';
import { PermanentError } from '../../errors.ts';
import type { ImportSource, RejectSink } from '../../ports/imports.ts';
import type { CsvRow } from './csv-rows.ts';
import {
  beginBatch,
  type CheckedFile,
  type ImportPorts,
  type ImportResult,
  resultWithoutWrites,
  setBatch,
} from './import-batches.ts';
import {
  assertColumnReadable,
  batchIdOf,
  type Columns,
  cell,
  type ImportFormat,
  mapColumns,
  newRowCounter,
  openTable,
} from './import-table.ts';
import { dateFormat, type Parsed, parseId, parseNumber, shown } from './import-values.ts';
import { type ImportVia, readVia, type ViaTable } from './import-via.ts';
import { CHUNK_ROWS, changeCustomers, type FactsChange, newWriteCounts } from './import-write.ts';

export interface AnswerImportOptions extends ImportFormat {
  /** `customer`, `score`, `at`, `id` where answers have one, and `scale` where it differs by row → column name. */
  readonly map?: Readonly<Record<string, string>>;
  /** Scale of all scores, unless a column is mapped to `scale`; `0-10` if absent. */
  readonly scale?: AnswerScale | undefined;
  readonly source?: string | undefined;
  /** Date of all answers, where the file has no column for it. */
  readonly asOf?: string | undefined;
  /** Files that lead from the column mapped to `customer` to the customer, followed one after another. */
  readonly via?: readonly ImportVia[];
  readonly dryRun?: boolean | undefined;
  readonly rejects?: RejectSink;
}

const TARGETS = ['customer', 'score', 'at', 'scale'] as const;

interface AnswerRow {
  readonly customerId: string;
  /** Absent where the file gives none. */
  readonly id?: string;
  /** Line of the file. */
  readonly line: number;
  readonly date: string;
  /** Whole seconds since 1970: which of two is later. */
  readonly atSeconds: number;
  readonly scale: AnswerScale;
  /** 0..1 */
  readonly value: number;
}

/**
 * Imports answers that were collected elsewhere onto their customers' facts. With ids there is one answer per id: the latest
 * row, of the same time the last, also over several files. Without, an answer is known by customer, date, scale and its place
 * among such rows. So the same file again changes nothing and a corrected score replaces the first. Rows of customers who are
 * not known are rejected.
 *
 * @throws PermanentError before anything is written, as `importPurchases`; also `via-column-unknown`, `via-too-large`
 */
export const importAnswers = async (
  source: ImportSource,
  options: AnswerImportOptions,
  ports: ImportPorts,
): Promise<ImportResult> => {
  const { checked, answers, replaced } = await checkAnswers(source, options, ports);
  const withIds = options.map?.['id'] !== undefined;
  const idCounts = withIds ? { stored: checked.accepted - replaced, replaced } : {};
  const known = await ports.batches.get(checked.batchId);
  if (known?.record.state === 'done') {
    return {
      ...resultWithoutWrites(checked, { alreadyImported: true, dryRun: options.dryRun === true }),
      ...idCounts,
    };
  }
  if (options.dryRun === true || checked.accepted === 0) {
    return {
      ...resultWithoutWrites(checked, { alreadyImported: false, dryRun: options.dryRun === true }),
      ...idCounts,
    };
  }
  const sourceName = options.source ?? 'default';
  const batch = await beginBatch(ports, checked, {
    kind: 'answers',
    source: sourceName,
    fileName: source.name,
    withIds: true,
    replaces: null,
  });
  const counts = newWriteCounts();
  const changes = new Map<string, FactsChange>();
  /** Rows that a stored answer of the same id outdoes, by customer. */
  const outdone = new Map<string, number>();
  for (const [customerId, rows] of answers) {
    if (withIds) {
      const facts = rows.map(
        ({ id, date, scale, value, atSeconds }): AnswerFact => ({
          answerId: `ext/${sourceName}/${id ?? ''}`,
          version: Math.max(1, atSeconds),
          value,
          scale,
          date,
          recordedAt: batch.recordedAt,
          suspect: false,
        }),
      );
      changes.set(customerId, (stored) => {
        const isOutdone = ({ answerId, version }: AnswerFact): boolean =>
          (stored.answers[answerId]?.version ?? 0) > version;
        outdone.set(customerId, facts.filter(isOutdone).length);
        return addLatestAnswers(stored, facts, batch.recordedAt);
      });
      continue;
    }
    const places = new Map<string, number>();
    const facts = rows.map(({ date, scale, value }): AnswerFact => {
      const place = (places.get(`${date} ${scale}`) ?? 0) + 1;
      places.set(`${date} ${scale}`, place);
      const hash = createHash('sha256')
        .update(JSON.stringify([customerId, date, scale, place]))
        .digest('hex');
      return {
        answerId: `ext/${sourceName}/${hash.slice(0, 16)}`,
        version: 1,
        value,
        scale,
        date,
        recordedAt: batch.recordedAt,
        suspect: false,
      };
    });
    changes.set(customerId, (stored) => addAnswers(stored, facts, batch.recordedAt));
  }
  await changeCustomers(ports.customers, changes, counts);
  await setBatch(ports, batch.batchId, { state: 'done', finishedAt: ports.clock.now() });
  return {
    ...checked,
    alreadyImported: false,
    dryRun: false,
    newCustomers: 0,
    written: counts.written,
    left: 0,
    unreadable: [...counts.unreadable].sort(),
    ...(withIds ? countsById(checked.accepted, replaced, outdone) : {}),
  };
};

const countsById = (accepted: number, replaced: number, outdone: ReadonlyMap<string, number>) => {
  const all = [...outdone.values()].reduce((sum, one) => sum + one, replaced);
  return { stored: accepted - all, replaced: all };
};

const checkAnswers = async (
  source: ImportSource,
  options: AnswerImportOptions,
  ports: ImportPorts,
): Promise<{
  readonly checked: CheckedFile;
  readonly answers: ReadonlyMap<string, readonly AnswerRow[]>;
  /** Accepted rows that a later row of the same id has replaced. */
  readonly replaced: number;
}> => {
  const hash = createHash('sha256');
  const table = await openTable(source, options, hash);
  const { id: idColumn, ...map } = options.map ?? {};
  const columns: Columns<(typeof TARGETS)[number] | 'id'> = {
    ...mapColumns(
      table.header,
      map,
      TARGETS.filter((target) => target !== 'at' || options.asOf === undefined),
      options.asOf === undefined ? ['customer', 'score', 'at'] : ['customer', 'score'],
      source.name,
    ),
    // A column that happens to be called id is one only if the map says so; it may be the one that leads to the customer.
    ...(idColumn === undefined ? {} : mapColumns(table.header, { id: idColumn }, ['id'], [], source.name)),
  };
  const vias: ViaTable[] = [];
  for (const via of options.via ?? []) vias.push(await readVia(via, options));
  const dates = dateFormat(options.dateFormat, ports.businessTimeZone);
  if (options.asOf !== undefined && !isIsoDate(options.asOf)) {
    throw new PermanentError(
      'as-of-invalid',
      `--as-of takes a date that exists, as YYYY-MM-DD, got ${JSON.stringify(options.asOf)}`,
    );
  }
  const fixed = options.asOf === undefined ? undefined : dateFormat(undefined, ports.businessTimeZone);
  const dateText = (row: CsvRow): string => options.asOf ?? cell(row, columns.at);
  const fallback = options.scale ?? '0-10';
  if (!ANSWER_SCALES.includes(fallback)) {
    throw new PermanentError(
      'scale-invalid',
      `--scale takes one of ${ANSWER_SCALES.join(', ')}, got ${JSON.stringify(fallback)}`,
    );
  }
  assertColumnReadable(table.first, columns.at, table.header[columns.at ?? 0] ?? 'at', dates.parse, '--date-format');
  const parse = (row: CsvRow): Parsed<AnswerRow> => {
    let customer = parseId(cell(row, columns.customer), 'customer id');
    for (const via of vias) {
      if (!customer.ok) return customer;
      customer = via.follow(customer.value);
    }
    if (!customer.ok) return customer;
    const id = columns.id === undefined ? undefined : parseId(cell(row, columns.id), 'id of the answer');
    if (id?.ok === false) return id;
    const date = (fixed ?? dates).parse(dateText(row));
    if (!date.ok) return date;
    const scaleText = cell(row, columns.scale).trim();
    const scale = scaleText === '' ? fallback : ANSWER_SCALES.find((one) => one === scaleText);
    if (scale === undefined) return bad(`the scale ${shown(scaleText)} is none of ${ANSWER_SCALES.join(', ')}`);
    const score = parseNumber(cell(row, columns.score), options);
    const [low, high] = scale.split('-').map(Number);
    if (low === undefined || high === undefined) return bad(`the scale ${scale} has no ends`);
    if (!score.ok || !Number.isInteger(score.value) || score.value < low || score.value > high) {
      return bad(`the score ${shown(cell(row, columns.score))} is no whole number from ${low} to ${high}`);
    }
    return {
      ok: true,
      value: {
        customerId: customer.value,
        line: row.line,
        date: date.value,
        atSeconds: (fixed ?? dates).secondsOf(dateText(row)),
        scale,
        value: (score.value - low) / (high - low),
        ...(id === undefined ? {} : { id: id.value }),
      },
    };
  };

  const counter = newRowCounter(table.header, options, options.rejects);
  const { counts } = counter;
  const answers = new Map<string, AnswerRow[]>();
  const byId = new Map<string, AnswerRow>();
  const notices: string[] = [];
  let dateFrom: string | null = null;
  let dateTo: string | null = null;
  const spanDate = (date: string): void => {
    if (dateFrom === null || date < dateFrom) dateFrom = date;
    if (dateTo === null || date > dateTo) dateTo = date;
  };
  const accept = async (slice: readonly { readonly row: CsvRow; readonly answer: AnswerRow }[]): Promise<void> => {
    const known = await ports.customers.subjectsOf(slice.map(({ answer }) => answer.customerId));
    for (const { row, answer } of slice) {
      if (!known.has(answer.customerId)) {
        await counter.reject(row, `the customer ${shown(answer.customerId)} is not known`);
        continue;
      }
      const before = answer.id === undefined ? undefined : byId.get(answer.id);
      if (before !== undefined && before.customerId !== answer.customerId) {
        await counter.reject(row, `the id ${shown(answer.id ?? '')} is of another customer in line ${before.line}`);
        continue;
      }
      counts.accepted += 1;
      if (answer.id !== undefined) {
        if (before === undefined || answer.atSeconds >= before.atSeconds) byId.set(answer.id, answer);
        spanDate(answer.date);
        continue;
      }
      spanDate(answer.date);
      const rows = answers.get(answer.customerId);
      if (rows === undefined) answers.set(answer.customerId, [answer]);
      else rows.push(answer);
    }
  };
  let slice: { row: CsvRow; answer: AnswerRow }[] = [];
  for await (const row of table.rows) {
    counts.rows += 1;
    const problem = counter.lengthProblem(row);
    const parsed: Parsed<AnswerRow> = problem === undefined ? parse(row) : bad(problem);
    if (!parsed.ok) {
      await counter.reject(row, parsed.reason);
      continue;
    }
    slice.push({ row, answer: parsed.value });
    if (slice.length < CHUNK_ROWS) continue;
    await accept(slice);
    slice = [];
  }
  await accept(slice);
  for (const answer of byId.values()) {
    const rows = answers.get(answer.customerId);
    if (rows === undefined) answers.set(answer.customerId, [answer]);
    else rows.push(answer);
  }
  const reading = {
    columns,
    scale: fallback,
    source: options.source ?? 'default',
    dateFormat: options.dateFormat ?? null,
    ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
    encoding: options.encoding ?? 'utf-8',
    // Rows of unknown customers are rejected; once those are known, the same file has something left to import.
    accepted: counts.accepted,
    ...(vias.length === 0 ? {} : { via: vias.map((via) => via.hash) }),
  };
  return {
    checked: {
      batchId: batchIdOf('answers', hash.digest(), reading),
      ...counts,
      customers: answers.size,
      totalMinor: null,
      dateFrom,
      dateTo,
      notices,
    },
    answers,
    replaced: columns.id === undefined ? 0 : counts.accepted - byId.size,
  };
};

const bad = (reason: string): Parsed<never> => ({ ok: false, reason, format: false });
