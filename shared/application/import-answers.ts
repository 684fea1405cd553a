import { createHash } from 'node:crypto';
import { ANSWER_SCALES, type AnswerFact, type AnswerScale } from '../domain/facts.ts';
import { addAnswers } from '../domain/merge-facts.ts';
import { PermanentError } from '../errors.ts';
import type { ImportSource, RejectSink } from '../ports/imports.ts';
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
  cell,
  type ImportFormat,
  mapColumns,
  newRowCounter,
  openTable,
} from './import-table.ts';
import { dateFormat, type Parsed, parseId, parseNumber, shown } from './import-values.ts';
import { CHUNK_ROWS, changeCustomers, type FactsChange, newWriteCounts } from './import-write.ts';

export interface AnswerImportOptions extends ImportFormat {
  /** `customer`, `score`, `at` and, where it differs by row, `scale` → column name. */
  readonly map?: Readonly<Record<string, string>>;
  /** Scale of all scores, unless a column is mapped to `scale`; `0-10` if absent. */
  readonly scale?: AnswerScale;
  readonly source?: string;
  readonly dryRun?: boolean;
  readonly rejects?: RejectSink;
}

const TARGETS = ['customer', 'score', 'at', 'scale'] as const;

interface AnswerRow {
  readonly customerId: string;
  readonly date: string;
  readonly scale: AnswerScale;
  /** 0..1 */
  readonly value: number;
}

/**
 * Imports answers that were collected elsewhere onto their customers' facts. An answer is known by customer, date, scale
 * and its place among such rows, so the same file again changes nothing and a corrected score replaces the first. Rows of
 * customers who are not known are rejected.
 *
 * @throws PermanentError before anything is written, as `importPurchases`
 */
export const importAnswers = async (
  source: ImportSource,
  options: AnswerImportOptions,
  ports: ImportPorts,
): Promise<ImportResult> => {
  const { checked, answers } = await checkAnswers(source, options, ports);
  const known = await ports.batches.get(checked.batchId);
  if (known?.record.state === 'done') {
    return resultWithoutWrites(checked, { alreadyImported: true, dryRun: options.dryRun === true });
  }
  if (options.dryRun === true || checked.accepted === 0) {
    return resultWithoutWrites(checked, { alreadyImported: false, dryRun: options.dryRun === true });
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
  for (const [customerId, rows] of answers) {
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
  };
};

const checkAnswers = async (
  source: ImportSource,
  options: AnswerImportOptions,
  ports: ImportPorts,
): Promise<{ readonly checked: CheckedFile; readonly answers: ReadonlyMap<string, readonly AnswerRow[]> }> => {
  const hash = createHash('sha256');
  const table = await openTable(source, options, hash);
  const columns = mapColumns(table.header, options.map ?? {}, TARGETS, ['customer', 'score', 'at'], source.name);
  const dates = dateFormat(options.dateFormat, ports.businessTimeZone);
  const fallback = options.scale ?? '0-10';
  if (!ANSWER_SCALES.includes(fallback)) {
    throw new PermanentError(
      'scale-invalid',
      `--scale takes one of ${ANSWER_SCALES.join(', ')}, got ${JSON.stringify(fallback)}`,
    );
  }
  assertColumnReadable(table.first, columns.at, table.header[columns.at ?? 0] ?? 'at', dates.parse, '--date-format');
  const parse = (row: CsvRow): Parsed<AnswerRow> => {
    const customer = parseId(cell(row, columns.customer), 'customer id');
    if (!customer.ok) return customer;
    const date = dates.parse(cell(row, columns.at));
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
      value: { customerId: customer.value, date: date.value, scale, value: (score.value - low) / (high - low) },
    };
  };

  const counter = newRowCounter(table.header, options, options.rejects);
  const { counts } = counter;
  const answers = new Map<string, AnswerRow[]>();
  const notices: string[] = [];
  let dateFrom: string | null = null;
  let dateTo: string | null = null;
  const accept = async (slice: readonly { readonly row: CsvRow; readonly answer: AnswerRow }[]): Promise<void> => {
    const known = await ports.customers.subjectsOf(slice.map(({ answer }) => answer.customerId));
    for (const { row, answer } of slice) {
      if (!known.has(answer.customerId)) {
        await counter.reject(row, `the customer ${shown(answer.customerId)} is not known`);
        continue;
      }
      counts.accepted += 1;
      const rows = answers.get(answer.customerId);
      if (rows === undefined) answers.set(answer.customerId, [answer]);
      else rows.push(answer);
      if (dateFrom === null || answer.date < dateFrom) dateFrom = answer.date;
      if (dateTo === null || answer.date > dateTo) dateTo = answer.date;
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
  const reading = {
    columns,
    scale: fallback,
    source: options.source ?? 'default',
    dateFormat: options.dateFormat ?? null,
    encoding: options.encoding ?? 'utf-8',
    // Rows of unknown customers are rejected; once those are known, the same file has something left to import.
    accepted: counts.accepted,
  };
  return {
    checked: {
      batchId: batchIdOf('answers', hash, reading),
      ...counts,
      customers: answers.size,
      totalMinor: null,
      dateFrom,
      dateTo,
      notices,
    },
    answers,
  };
};

const bad = (reason: string): Parsed<never> => ({ ok: false, reason, format: false });
