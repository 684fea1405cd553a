import { randomUUID } from 'node:crypto';
import type { ImportSettings, RowRange } from '../../contracts/import-job.ts';
import { dateIn } from '../../domain/calendar.ts';
import type { ImportSource, RejectSink } from '../../ports/imports.ts';
import { gunzipped } from './csv-rows.ts';
import { assertReplaceable, type ImportResult, type InProcessPorts } from './import-batches.ts';
import {
  checkRange,
  concludeImport,
  countAbsent,
  planRanges,
  type RangedJob,
  reviewImport,
  sweepBuckets,
  tallyPartition,
  writeRange,
} from './import-ranges.ts';
import { importWorkspace } from './import-workspace.ts';
import type { RangedKind, ReadingContext } from './ranged-file.ts';

/** What an import in one process is told besides how the file is read. */
export interface InProcessOptions {
  /** Only check and count. */
  readonly dryRun?: boolean;
  readonly rejects?: RejectSink;
  readonly onProgress?: (progress: { readonly phase: 'check' | 'write'; readonly rows: number }) => void;
}

const ALL_BUCKETS = { index: 0, count: 1 };

/** Imports a file by the steps that the state machine `import` takes, one after the other and with one range. */
export const importInProcess = async (
  kind: RangedKind,
  source: ImportSource,
  settings: ImportSettings,
  options: Pick<InProcessOptions, 'rejects' | 'onProgress'> & { readonly currency?: string },
  ports: InProcessPorts,
): Promise<ImportResult> => {
  if (settings.replace !== undefined) await assertReplaceable(ports, settings.replace);
  const startedAt = ports.clock.now();
  const isErased = await ports.erasures?.load();
  const context: ReadingContext = {
    currency: options.currency ?? '',
    businessTimeZone: ports.businessTimeZone,
    today: dateIn(ports.businessTimeZone, startedAt),
    ...(isErased === undefined ? {} : { isErased }),
  };
  const plan = await planRanges(kind, source, settings, context, {
    chunksPerRange: Number.MAX_SAFE_INTEGER,
    version: '',
    key: source.name,
    startedAt,
  });
  const workspace = importWorkspace(ports.scratch, `in-process-${randomUUID()}`);
  const job: RangedJob = {
    plan,
    settings,
    kind,
    file: kind.file(plan.reading, settings, context),
    workspace,
    ports,
    open: (range) => bytesOf(source, range),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  };
  try {
    for (const index of plan.ranges.keys()) await checkRange(index, job);
    for (let partition = 0; partition < plan.partitions; partition += 1) await tallyPartition(partition, job);
    const isComplete = settings.complete === true;
    if (isComplete) await countAbsent(ALL_BUCKETS, job);
    const { ranges, sweeps } = await reviewImport(job, isComplete ? 1 : 0);
    for (const index of ranges) await writeRange(index, job);
    if (sweeps) await sweepBuckets(ALL_BUCKETS, job);
    return await concludeImport(job, sweeps ? 1 : 0);
  } finally {
    if (options.rejects !== undefined) for await (const row of workspace.rejects()) await options.rejects.write(row);
    await workspace.clear();
  }
};

/** A range of a file that may be compressed, so that it is read from its beginning. */
async function* bytesOf(source: ImportSource, { from, to }: RowRange): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  for await (const bytes of gunzipped(source.open(), source.name)) {
    const begin = Math.max(0, from - at);
    const end = Math.min(bytes.length, to - at);
    at += bytes.length;
    if (begin < end) yield bytes.subarray(begin, end);
    if (at >= to) return;
  }
}
