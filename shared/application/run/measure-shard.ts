import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import { measure } from '#shared/domain/metrics.ts';
import { pinsInForce } from '#shared/domain/pins.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { FrameRow, Generation, RunPointer, Standing } from '#shared/domain/standing.ts';
import { PermanentError } from '#shared/errors.ts';
import type { QuarantinedRecord } from '#shared/ports/customer-store.ts';
import { bucketsOfShard, loadPolicy, loadRun, type RunPorts } from './run-ports.ts';

export interface ShardRef {
  readonly runId: string;
  readonly shard: number;
}

/**
 * Reads the customers and standings of one range of buckets, the only full read of a run, and leaves their figures as a
 * frame. Poison records are named in the receipt and the rest goes on. Customers of whom nothing was known at `asOf` are
 * not part of the population. A shard that was measured before, against the same run in force, is not read again.
 */
export const measureShard = async ({ runId, shard }: ShardRef, ports: RunPorts): Promise<Record<string, never>> => {
  const { record } = await loadRun(ports, runId);
  if (await isMeasured(record, shard, ports)) return {};
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  const pointer = await ports.pointer.get();
  const limits = await subjectsOf(record.only?.subjectsKey, ports);
  const branches = record.only?.branches === undefined ? undefined : new Set(record.only.branches);
  const units = { read: 0, write: 0 };
  const quarantined: QuarantinedRecord[] = [];
  const rows: FrameRow[] = [];
  let newestFact: string | null = null;

  for (const bucket of bucketsOfShard(shard, record.shards, ports.customers.buckets)) {
    const unreadable: QuarantinedRecord[] = [];
    const standings = new Map<string, Standing>();
    for (const standing of await ports.standings.readBucket(bucket, units, unreadable))
      standings.set(standing.subject, standing);
    for await (const read of ports.customers.readBucket(bucket, units)) {
      if (read.kind === 'quarantined') {
        quarantined.push({ bucket: read.bucket, subject: read.subject, reason: read.reason });
        continue;
      }
      const { facts } = read;
      const poison = unreadable.find((one) => one.subject === facts.subject);
      if (poison !== undefined) {
        quarantined.push(poison);
        continue;
      }
      if (limits !== undefined && !limits.has(facts.subject)) continue;
      const measured = measureFacts(bucket, facts, standings.get(facts.subject), pointer, policy, record);
      if (measured === undefined) continue;
      if (branches !== undefined && !branches.has(measured.row.branch ?? '')) continue;
      rows.push(measured.row);
      if (measured.newestFact !== null && (newestFact === null || measured.newestFact > newestFact)) {
        newestFact = measured.newestFact;
      }
    }
  }
  await ports.files.writeFrame(runId, shard, rows);
  await ports.files.writeJson(runId, receiptName(shard), {
    shard,
    basedOn: record.basedOn,
    read: rows.length + quarantined.length,
    quarantined,
    newestFact,
    units,
  });
  return {};
};

const receiptName = (shard: number): string => `measure/shard=${String(shard).padStart(4, '0')}.json`;

/** Whether the frame of a shard is there and is what measuring it once more would give: facts count up to one frozen instant. */
const isMeasured = async (
  { runId, basedOn }: RunRecord,
  shard: number,
  { files }: Pick<RunPorts, 'files'>,
): Promise<boolean> => {
  const receipt = await files.readJson(runId, receiptName(shard));
  return typeof receipt === 'object' && receipt !== null && 'basedOn' in receipt && receipt.basedOn === basedOn;
};

/** @returns undefined where nothing was known of the customer at `asOf` and no standing says otherwise */
export const measureFacts = (
  bucket: number,
  facts: CustomerFacts,
  standing: Standing | undefined,
  pointer: RunPointer,
  policy: Policy,
  when: { readonly asOf: string; readonly frozenAt: string },
): { readonly row: FrameRow; readonly newestFact: string | null } | undefined => {
  const measured = measure(facts, policy, when);
  const prior = visibleGeneration(standing, pointer);
  if (measured.newestFact === null && prior === null) return undefined;
  return {
    newestFact: measured.newestFact,
    row: {
      bucket,
      subject: facts.subject,
      factsRev: facts.factsRev,
      status: measured.status,
      branch: facts.branch ?? null,
      manager: facts.manager ?? null,
      metrics: measured.metrics,
      traits: measured.traits,
      ...(measured.purchaseDays === undefined ? {} : { purchaseDays: measured.purchaseDays }),
      answers: measured.answers,
      ...(measured.notes === undefined ? {} : { notes: measured.notes }),
      openCase: facts.openCase !== undefined,
      pins: pinsInForce(facts, when).map(({ dimension, segment, until }) => ({ dimension, segment, until })),
      decided: facts.decisions
        .filter((one) => one.decidedAt <= when.frozenAt)
        .map(({ kind, decision, decidedAt, evidence }) => ({
          kind,
          decision,
          date: decidedAt.slice(0, 10),
          ...(evidence === undefined ? {} : { evidence }),
        })),
      prior,
      priorIsNewest: prior !== null && standing?.current.seq === prior.seq,
    },
  };
};

/** The generation that readers see: the newest with a sequence number that is published and not abandoned. */
export const visibleGeneration = (standing: Standing | undefined, pointer: RunPointer): Generation | null => {
  if (standing === undefined || pointer.published === null) return null;
  const { seq } = pointer.published;
  const visible = [standing.current, standing.previous].find(
    (generation) =>
      generation !== undefined && generation.seq <= seq && !pointer.abandonedSeqs.includes(generation.seq),
  );
  return visible ?? null;
};

const subjectsOf = async (key: string | undefined, ports: RunPorts): Promise<ReadonlySet<string> | undefined> => {
  if (key === undefined) return undefined;
  const bytes = await ports.objects.get(key);
  if (bytes === undefined) {
    throw new PermanentError(
      'customer-list-missing',
      'the list of customers that limits this run is not in the workspace',
    );
  }
  const list: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (!Array.isArray(list))
    throw new PermanentError('customer-list-invalid', 'the list of customers is not a JSON array');
  return new Set(list.map(String));
};
