import { confidenceLevel, type Satisfaction } from '#shared/domain/satisfaction.ts';
import type { FrameRow, PlanRow } from '#shared/domain/standing.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { CallReason } from './report-model.ts';

/** A satisfaction score below this, of 0..100, is a reason to call. */
const LOW_SATISFACTION = 40;

/**
 * Why a customer should be called, in order of weight; empty: no reason. Of a customer who is proposed for exit a person
 * decides first.
 *
 * @param opened proposals that the run opened, as `openedFlags` gives them
 */
export const callReasons = (
  row: PlanRow,
  frame: FrameRow | undefined,
  main: string,
  opened: ReadonlySet<string>,
): readonly CallReason[] => {
  if (row.flags.some((flag) => flag.kind === 'exit')) return [];
  const reasons: CallReason[] = [];
  if (frame?.openCase === true) reasons.push('openCase');
  if (row.moves.some((move) => move.dimension === main && move.kind === 'down')) reasons.push('movedDown');
  if (isSurelyLow(row.satisfaction)) reasons.push('lowSatisfaction');
  if (row.next.placements[main]?.heldBack.includes('waiting') === true) reasons.push('downgradeWaits');
  if (opened.has(`upgrade ${row.subject}`)) reasons.push('upgradeNear');
  return reasons;
};

/** Low confidence is no reason to call: then the score says more of others than of the customer. */
const isSurelyLow = (satisfaction: Satisfaction | null): boolean =>
  satisfaction !== null && satisfaction.score < LOW_SATISFACTION && confidenceLevel(satisfaction.confidence) !== 'low';

/** By value at stake; customers with the same value by subject, so that a list is the same for any number of shards. */
export const byUrgency = (
  a: { readonly value: number | null; readonly subject: string },
  b: { readonly value: number | null; readonly subject: string },
): number =>
  (b.value ?? Number.NEGATIVE_INFINITY) - (a.value ?? Number.NEGATIVE_INFINITY) ||
  (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0);

/** Proposals that a run opened, each as `kind subject`; none before its plan was reviewed. */
export const openedFlags = async (files: Pick<RunFiles, 'readJson'>, runId: string): Promise<ReadonlySet<string>> => {
  const document = await files.readJson(runId, 'review/flags.json');
  if (!Array.isArray(document)) return new Set();
  return new Set(
    document.map((one: { readonly kind: string; readonly subject: string }) => `${one.kind} ${one.subject}`),
  );
};
