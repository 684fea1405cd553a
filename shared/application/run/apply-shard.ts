import type { RunRecord } from '#shared/contracts/run-record.ts';
import { fromDayNumber, toDayNumber } from '#shared/domain/calendar.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import { undecided } from '#shared/domain/flag-sentences.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { FlagProposal, FrameRow, PlanRow, RunPointer } from '#shared/domain/standing.ts';
import { PermanentError } from '#shared/errors.ts';
import { applyReceiptName, isApplied } from './apply-receipts.ts';
import { measureFacts, type ShardRef } from './measure-shard.ts';
import { loadPolicy, loadRun, type RunPorts } from './run-ports.ts';
import { abandonment, undoFlagsOfShard } from './undo-flags.ts';

/** How many standings are written at once per shard. */
const CONCURRENT_WRITES = 24;

export interface ApplyReceipt {
  readonly shard: number;
  readonly written: number;
  /** Subjects whose facts changed since the plan: left as they were. */
  readonly stale: readonly string[];
  readonly units: { readonly read: number; readonly write: number };
  /** Sequence number with which it was written; absent in receipts of earlier versions, which are not gone by. */
  readonly seq?: number;
}

/**
 * Writes the changed standings of one shard and opens or withdraws flags. Each write carries the run's sequence number, so
 * doing a shard twice, or two at the same time, is doing it once; one that has left its receipt is not done again. Where a stored plan is applied, customers whose facts
 * changed meanwhile are skipped and named.
 */
export const applyShard = async ({ runId, shard }: ShardRef, ports: RunPorts): Promise<Record<string, never>> => {
  const { record } = await loadRun(ports, runId);
  const { seq } = record;
  if (seq === null)
    throw new PermanentError('run-not-begun', `run ${runId} has no sequence number; apply begins with begin-apply`);
  if (record.state !== 'abandoned' && (await isApplied(runId, shard, seq, ports))) return {};
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  const pointer = await ports.pointer.get();
  const units = { read: 0, write: 0 };
  const rows = await ports.files.readPlan(runId, shard);
  const frame = new Map((await ports.files.readFrame(runId, shard)).map((row) => [row.subject, row]));
  const work = rows.filter(
    (row) => row.changed || row.flags.length > 0 || (frame.get(row.subject)?.prior?.flags.length ?? 0) > 0,
  );
  const opened = await openedFlags(runId, ports);
  const stale: string[] = [];
  let written = 0;

  for (let from = 0; from < work.length; from += CONCURRENT_WRITES) {
    const batch = work.slice(from, from + CONCURRENT_WRITES);
    const needsFacts = record.checkStale === true || batch.some((row) => row.flags.length > 0);
    const facts = needsFacts
      ? await ports.customers.getMany(batch.map((row) => row.subject))
      : new Map<string, CustomerFacts>();
    await Promise.all(
      batch.map(async (row) => {
        const measured = frame.get(row.subject);
        if (measured === undefined)
          throw new PermanentError('frame-row-missing', `the frame of ${runId} lacks ${row.subject}`);
        if (
          record.checkStale === true &&
          isStale(facts.get(row.subject), measured, pointer, policy, record) &&
          !(await isWritten(row.subject, seq, ports))
        ) {
          stale.push(row.subject);
          return;
        }
        if (row.changed) {
          const standing = {
            subject: row.subject,
            current: { ...row.next, seq },
            ...(measured.prior === null ? {} : { previous: measured.prior }),
          };
          if ((await ports.standings.put(standing, units)) === 'stored') written += 1;
        }
        await settleFlags(row, measured, facts.get(row.subject), opened, policy, record, ports);
      }),
    );
  }
  // An operator may have abandoned the run meanwhile, and withdrawn its proposals before these were raised.
  const { record: now } = await loadRun(ports, runId);
  if (now.state === 'abandoned') await undoFlagsOfShard(runId, shard, abandonment(now), ports);
  const receipt: ApplyReceipt = { shard, written, stale: stale.sort(), units, seq };
  await ports.files.writeJson(runId, applyReceiptName(shard), receipt);
  return {};
};

/** Whether this run has written the standing already, before a crash: then it is no longer to be skipped. */
const isWritten = async (subject: string, seq: number, ports: RunPorts): Promise<boolean> =>
  (await ports.standings.getMany([subject])).get(subject)?.current.seq === seq;

/** Whether a fact that counts at `asOf`, a pin, a decision or an erasure came after the plan. */
const isStale = (
  facts: CustomerFacts | undefined,
  planned: FrameRow,
  pointer: RunPointer,
  policy: Policy,
  record: RunRecord,
): boolean => {
  if (facts === undefined) return true;
  if (facts.factsRev === planned.factsRev) return false;
  const now = measureFacts(planned.bucket, facts, undefined, pointer, policy, {
    asOf: record.asOf,
    frozenAt: '9999-12-31T23:59:59.999Z',
  });
  if (now === undefined) return true;
  const comparable = (row: FrameRow): string =>
    JSON.stringify({ ...row, factsRev: 0, prior: null, priorIsNewest: false });
  return comparable(now.row) !== comparable(planned);
};

const openedFlags = async (runId: string, ports: RunPorts): Promise<ReadonlySet<string>> => {
  const document = await ports.files.readJson(runId, 'review/flags.json');
  if (!Array.isArray(document)) throw new PermanentError('review-missing', `run ${runId} has no review of its flags`);
  return new Set(document.map((one: { subject: string; kind: string }) => `${one.kind} ${one.subject}`));
};

const settleFlags = async (
  row: PlanRow,
  measured: FrameRow,
  facts: CustomerFacts | undefined,
  opened: ReadonlySet<string>,
  policy: Policy,
  record: RunRecord,
  ports: RunPorts,
): Promise<void> => {
  for (const flag of row.flags) {
    if (!opened.has(`${flag.kind} ${row.subject}`) || facts === undefined) continue;
    await expireOld(row.subject, flag.kind, record, ports);
    await ports.flags.raise(proposal(row, flag, facts.customerId, policy, record));
  }
  for (const kind of measured.prior?.flags ?? []) {
    if (row.next.flags.includes(kind)) continue;
    await expireOld(row.subject, kind, record, ports);
    await ports.flags.withdraw(row.subject, kind, record.runId, record.frozenAt);
  }
};

/** A proposal that nobody decided in time expires; what the run proposes still is raised anew after it, with a new last day. */
const expireOld = async (
  subject: string,
  kind: FlagProposal['kind'],
  record: RunRecord,
  ports: RunPorts,
): Promise<void> => {
  const known = await ports.flags.get(subject, kind);
  if (known?.state !== 'open' || known.expiresOn >= record.asOf) return;
  await ports.flags.settle(subject, kind, {
    state: 'expired',
    by: record.runId,
    at: record.frozenAt,
    ...undecided(known),
  });
};

const proposal = (row: PlanRow, flag: FlagProposal, customerId: string, policy: Policy, record: RunRecord) => {
  const rule = flag.kind === 'upgrade' ? policy.flags.upgrade : policy.flags.exit;
  return {
    kind: flag.kind,
    subject: row.subject,
    customerId,
    runId: record.runId,
    period: record.period,
    segment: row.next.placements[policy.mainDimension]?.actual ?? '',
    branch: row.branch,
    manager: row.manager,
    stake: flag.stake,
    evidence: flag.evidence,
    raisedAt: record.frozenAt,
    expiresOn: fromDayNumber(toDayNumber(record.asOf) + (rule?.expiresDays ?? 0)),
    ...(rule === undefined ? {} : { decides: rule.decides }),
    ...(record.trigger === 'operator' ? { proposedBy: record.by } : {}),
  };
};
