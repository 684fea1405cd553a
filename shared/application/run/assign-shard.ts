import type { RunRecord } from '#shared/contracts/run-record.ts';
import { assignRow } from '#shared/domain/assign.ts';
import type { RunContext } from '#shared/domain/standing.ts';
import type { ShardRef } from './measure-shard.ts';
import { loadPolicy, loadRun, type RunPorts } from './run-ports.ts';

/** Decides the standing of every customer of a shard from the frame alone, and writes the plan. */
export const assignShard = async ({ runId, shard }: ShardRef, ports: RunPorts): Promise<Record<string, never>> => {
  const { record } = await loadRun(ports, runId);
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  const calibration = await ports.files.readCalibration(runId);
  const context = runContext(record);
  const rows = await ports.files.readFrame(runId, shard);
  await ports.files.writePlan(
    runId,
    shard,
    rows.map((row) => assignRow(row, policy, calibration, context)),
  );
  return {};
};

/** What the domain needs to know of a run. The sequence number is given when the run is applied. */
export const runContext = (record: RunRecord): RunContext => ({
  runId: record.runId,
  seq: record.seq ?? 0,
  asOf: record.asOf,
  period: record.period,
  closesPeriod: record.closesPeriod,
  frozenAt: record.frozenAt,
});
