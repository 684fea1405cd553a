import { type RunRecord, RunSummary } from '#shared/contracts/run-record.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import { applyReceipts } from './apply-receipts.ts';
import { measureRun } from './measure-run.ts';
import { loadPolicy, loadRun, type RunPorts, updateRun } from './run-ports.ts';

/**
 * Moves the pointer, once every shard has left its receipt. From this instant readers see the whole run; before it they
 * saw the whole run before. Doing it again changes nothing.
 */
export const publishRun = async (
  { runId }: { readonly runId: string },
  ports: RunPorts,
): Promise<Record<string, never>> => {
  const { record } = await loadRun(ports, runId);
  const pointer = await ports.pointer.get();
  const receipts = await applyReceipts(runId, ports);
  if (pointer.published?.runId !== runId) {
    if (receipts.length !== record.shards) {
      throw new PermanentError(
        'receipts-missing',
        `run ${runId} has ${receipts.length} of ${record.shards} receipts of applied shards`,
      );
    }
    if (pointer.applying?.runId !== runId || record.seq === null) {
      throw new PermanentError('lock-lost', `run ${runId} does not hold the lock on applying`);
    }
    const { rev, ...current } = pointer;
    const published = { seq: record.seq, runId, asOf: record.asOf, period: record.period };
    const moved = await ports.pointer.compareAndSet(
      { ...current, published, previous: pointer.published, applying: null },
      rev,
    );
    if (moved === 'conflict')
      throw new RetryableError('pointer-moved', `another writer moved the pointer while ${runId} was being published`);
  }
  const parsed = RunSummary.parse(await ports.files.readJson(runId, 'summary.json'));
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  const degraded = parsed.population > 0 && parsed.quarantined / parsed.population > policy.brakes.quarantineShare;
  const state = degraded ? 'degraded' : 'published';
  const summary: RunSummary = {
    ...parsed,
    state,
    changed: receipts.reduce((sum, receipt) => sum + receipt.written, 0),
    stale: receipts.reduce((sum, receipt) => sum + receipt.stale.length, 0),
    units: {
      read: parsed.units.read,
      write: receipts.reduce((sum, receipt) => sum + receipt.units.write, 0),
    },
    durationMs: Math.max(0, Date.parse(ports.clock.now()) - Date.parse(record.frozenAt)),
  };
  await ports.files.writeJson(runId, 'summary.json', summary);
  const publishedAt = ports.clock.now();
  let isFirst = false;
  await updateRun(ports, runId, (current) => {
    isFirst = !PUBLISHED.has(current.state);
    return isFirst ? { ...current, state, publishedAt, error: null, finishedAt: null } : current;
  });
  if (isFirst) measureRun(summary, policy);
  return {};
};

const PUBLISHED: ReadonlySet<RunRecord['state']> = new Set(['published', 'degraded', 'rolledBack']);
