import type { RunRecord, RunSummary } from '#shared/contracts/run-record.ts';
import type { WaveStatus } from '#shared/contracts/survey.ts';
import { type MeasuredCost, measuredCost } from '#shared/domain/measured-cost.ts';
import { type CostEstimate, estimateCost, ITEM_BYTES } from '#shared/domain/run-cost.ts';
import { totalUsage, type UsageBySteps } from '#shared/domain/usage.ts';
import type { UsageLedger } from '#shared/ports/usage-ledger.ts';

/** What a run or a wave cost, and what `estimate` says for one of its size. */
export interface WorkCost {
  readonly of: 'run' | 'wave';
  readonly measured: MeasuredCost;
  readonly estimated: CostEstimate;
  /** What each step used. */
  readonly steps: UsageBySteps;
}

export interface CostPorts {
  readonly usage: Pick<UsageLedger, 'of'>;
  /** For the estimate of a run. */
  readonly customers?: { readonly buckets: number };
}

/** Share, 0..1; 0 of nothing. */
const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : Math.min(1, part / whole));

/**
 * What a run cost so far, the planning and the applying of it, without its survey. The estimate beside it is for as many
 * customers, changes and shards as it had.
 *
 * @returns undefined for a run of an earlier version, which kept nothing
 */
export const costOfRun = async (
  { runId, shards }: Pick<RunRecord, 'runId' | 'shards'>,
  { population, changed }: Pick<RunSummary, 'population' | 'changed'>,
  ports: CostPorts,
): Promise<WorkCost | undefined> => {
  const steps = await ports.usage.of(runId);
  if (Object.keys(steps).length === 0) return undefined;
  return {
    of: 'run',
    measured: measuredCost(steps),
    estimated: estimateCost({
      customers: population,
      changedShare: shareOf(changed, population),
      customerBytes: ITEM_BYTES.customer,
      standingBytes: ITEM_BYTES.standing,
      shards,
      ...(ports.customers === undefined ? {} : { buckets: ports.customers.buckets }),
      mails: 0,
      answerShare: 0,
    }),
    steps,
  };
};

/** What a wave cost so far: its steps and mails as measured; events of mails, pages and answers computed from their numbers. */
export const costOfWave = async (
  { waveId, answered, suspect }: Pick<WaveStatus, 'waveId' | 'answered' | 'suspect'>,
  ports: CostPorts,
): Promise<WorkCost | undefined> => {
  const steps = await ports.usage.of(waveId);
  if (Object.keys(steps).length === 0) return undefined;
  const answers = answered + suspect;
  const { mails } = totalUsage(steps);
  return {
    of: 'wave',
    measured: measuredCost(steps, { answers }),
    estimated: estimateCost({
      customers: 0,
      changedShare: 0,
      customerBytes: ITEM_BYTES.customer,
      standingBytes: ITEM_BYTES.standing,
      shards: 0,
      mails,
      answerShare: shareOf(answers, mails),
    }),
    steps,
  };
};

/** As a document: money in whole billionths of a dollar. */
export interface CostDocument {
  readonly currency: 'USD';
  /** `aws`: what was used there; `local`: used on the local stack, at the prices of AWS. */
  readonly usedOn: 'aws' | 'local';
  readonly pricesReadOn: string;
  readonly pricesRegion: string;
  readonly nanoUsd: number;
  readonly estimatedNanoUsd: number;
  readonly lines: readonly (MeasuredCost['lines'][number] & { readonly estimatedNanoUsd: number })[];
  readonly steps: UsageBySteps;
}

export const costDocument = ({ measured, estimated, steps }: WorkCost, usedOn: 'aws' | 'local'): CostDocument => ({
  currency: 'USD',
  usedOn,
  pricesReadOn: measured.prices.readOn,
  pricesRegion: measured.prices.region,
  nanoUsd: measured.nanoUsd,
  estimatedNanoUsd: Math.round(estimated.microUsd * 1_000),
  lines: measured.lines.map((line) => ({ ...line, estimatedNanoUsd: estimatedNanoUsd(estimated, line.part) })),
  steps,
});

/** The estimate of a part in billionths of a dollar. */
export const estimatedNanoUsd = ({ lines }: CostEstimate, part: MeasuredCost['lines'][number]['part']): number =>
  Math.round((lines.find((line) => line.part === part)?.microUsd ?? 0) * 1_000);
