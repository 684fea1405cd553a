import { nextCutoff, ratingInputs } from './assign.ts';
import { addMonths, type Period } from './calendar.ts';
import type {
  CutoffOwner,
  ExplainContext,
  ExplainedInput,
  ExplainedNote,
  ExplainedPart,
  ExplainedRating,
  ExplainedScore,
} from './explanation.ts';
import type { TraitValue } from './facts.ts';
import { formatValue, nameOf, valueText } from './figure-text.ts';
import { opinionOf } from './notes.ts';
import type { Metric, Policy, Score } from './policy.ts';
import { capOf, cutoffsFor, partitionOf, satisfactionOf } from './scores.ts';
import { inputNames } from './smallest-change.ts';
import type { Calibration, FrameRow, SettledRating } from './standing.ts';
import { levelsOf, measuredValue, roundScore, scoreNamed } from './values.ts';

/** Every input with its value and unit; one without a value is said to be missing. */
export const explainInputs = ({ row, policy, lang }: ExplainContext): readonly ExplainedInput[] =>
  inputNames(policy).map((name) => {
    const value = measuredValue(row, name);
    return {
      name,
      label: nameOf(policy, name, lang),
      unit: unitOf(policy, name, value),
      value,
      missing: value === null,
      text: formatValue(policy, name, value, lang),
    };
  });

const unitOf = (policy: Policy, name: string, value: TraitValue | null): Metric['unit'] => {
  const metric = Object.hasOwn(policy.metrics, name) ? policy.metrics[name] : undefined;
  return metric?.unit ?? (typeof value === 'number' ? 'number' : 'text');
};

/** Every score with what it is made from, its cut-offs and whose they are. */
export const explainScore = (context: ExplainContext, name: string): ExplainedScore => {
  const { row, plan, policy, calibration, lang } = context;
  const score = scoreNamed(policy, name);
  const value = plan.scores[name] ?? null;
  return {
    name,
    label: score.label[lang],
    value,
    text: valueText(policy, name, value, lang),
    levels: levelsOf(score),
    from: 'of' in score ? [score.of] : score.kind === 'weighted' ? Object.keys(score.parts) : [],
    cutoffs: cutoffsFor(name, score, row, calibration) ?? [],
    whose: ownerOf(context, name, score),
    parts: score.kind === 'weighted' ? explainParts(context, score) : [],
    missingInputs: value === null ? missingInputs(context, name) : [],
    needs: score.kind === 'weighted' ? score.needs : null,
  };
};

/** Inputs for want of which a score is missing, each once; answers never count among them. */
export const missingInputs = (context: ExplainContext, name: string): readonly string[] => {
  const { row, plan, policy } = context;
  if (!Object.hasOwn(policy.scores, name)) return measuredValue(row, name) === null ? [name] : [];
  if ((plan.scores[name] ?? null) !== null) return [];
  const score = scoreNamed(policy, name);
  const from = 'of' in score ? [score.of] : score.kind === 'weighted' ? Object.keys(score.parts) : [];
  return [...new Set(from.flatMap((one) => missingInputs(context, one)))];
};

const explainParts = (
  { row, plan, policy, calibration, lang }: ExplainContext,
  score: Extract<Score, { kind: 'weighted' }>,
): readonly ExplainedPart[] => {
  const parts = Object.entries(score.parts).map(([name, weight]) => {
    const value = plan.scores[name] ?? null;
    const part = scoreNamed(policy, name);
    const sure = sureness(part, row, policy, calibration);
    return { name, label: part.label[lang], value, weight: value === null ? 0 : weight * sure };
  });
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  return parts.map(({ weight, ...part }) => ({ ...part, share: total === 0 ? 0 : roundScore(weight / total) }));
};

/** How much of its weight a part keeps, 0..1: less than 1 only for what people say. */
const sureness = (part: Score, row: FrameRow, policy: Policy, calibration: Calibration): number => {
  if (part.kind === 'satisfaction') return satisfactionOf(row, policy, calibration)?.confidence ?? 0;
  if (part.kind === 'note') return opinionOf(row, part.about, part.halfLifeDays)?.strength ?? 0;
  return 1;
};

/** The notes behind each score that reads them, with their shares of the weighted scores. */
export const explainNotes = (
  { row, policy, authors }: ExplainContext,
  scores: readonly ExplainedScore[],
): readonly ExplainedNote[] =>
  policy.scoreOrder.flatMap((name) => {
    const score = scoreNamed(policy, name);
    if (score.kind !== 'note') return [];
    const uses = scores.flatMap((one) =>
      one.value === null ? [] : one.parts.filter((part) => part.name === name).map((part) => ({ one, part })),
    );
    return (opinionOf(row, score.about, score.halfLifeDays)?.notes ?? []).map(({ share, ...note }) => ({
      ...note,
      score: name,
      by: authors?.[note.noteId] ?? null,
      counts: uses.map(({ one, part }) => ({ score: one.name, share: roundScore(part.share * share) })),
    }));
  });

const ownerOf = ({ row, calibration }: ExplainContext, name: string, score: Score): CutoffOwner | null => {
  if (score.kind === 'bands') return { kind: 'fixed' };
  if (score.kind !== 'quantile' && score.kind !== 'cumulativeShare') return null;
  const { within } = score;
  if (within === undefined) {
    return { kind: 'everybody', why: 'notPartitioned', within: null, partition: null, smallestPartition: null };
  }
  const partition = partitionOf(row, within);
  const { smallestPartition } = score;
  if (partition === null) return { kind: 'everybody', why: 'unknownPartition', within, partition, smallestPartition };
  return Object.hasOwn(calibration.cutoffs[name] ?? {}, partition)
    ? { kind: 'partition', within, partition }
    : { kind: 'everybody', why: 'tooSmall', within, partition, smallestPartition };
};

/** A rating that decides segments: level of this run and in force, margins to the cut-offs beside it, what holds it back. */
export const explainRating = (context: ExplainContext, name: string): ExplainedRating => {
  const { row, plan, policy, calibration, lang } = context;
  const { score, value, scale } = ratingInputs(name, row, plan.scores, policy, calibration);
  const rating = plan.next.ratings[name];
  const settledLevel = rating?.level ?? null;
  const levels = levelsOf(score) ?? 1;
  const lower = settledLevel === null || scale === null ? undefined : scale.entry[settledLevel - 2];
  const next = nextCutoff(settledLevel, value, scale);
  const cap = capOf(score.caps, row);
  const whose = ownerOf(context, name, score);
  return {
    name,
    label: score.label[lang],
    level: plan.scores[name] ?? null,
    settledLevel,
    levels,
    source: 'of' in score ? score.of : name,
    value: score.kind === 'lookup' ? measuredValue(row, score.of) : value,
    cutoffs: cutoffsFor(name, score, row, calibration) ?? [],
    partition: whose?.kind === 'partition' ? whose.partition : null,
    whose,
    above:
      next === null || scale === null || settledLevel === null
        ? null
        : {
            ...next,
            entersAt: roundScore(next.cutoff + scale.sign * (scale.gap[settledLevel - 1] ?? 0)),
          },
    below:
      lower === undefined || settledLevel === null || scale === null || value === null
        ? null
        : {
            level: settledLevel - 1,
            cutoff: scale.sign * lower + 0,
            margin: roundScore(scale.sign * value - lower),
            leavesAt: roundScore(scale.sign * (lower - (scale.gap[settledLevel - 2] ?? 0))),
          },
    cappedAt: Number.isFinite(cap) ? cap : null,
    cappedBy: score.caps
      .filter((one) => Number.isFinite(cap) && one.atMost === cap && capOf([one], row) === cap)
      .slice(0, 1)
      .flatMap((one) => Object.keys(one.when).map((trait) => ({ trait, value: row.traits[trait] ?? '' }))),
    waiting:
      rating?.waiting === undefined
        ? null
        : {
            level: rating.waiting.level,
            periods: rating.waiting.periods,
            needed: policy.moves.downgradeAfterPeriods,
            lastPeriod: rating.waiting.lastPeriod,
          },
    coolingOffUntil: coolingOffUntil(rating, context),
  };
};

const coolingOffUntil = (rating: SettledRating | undefined, { policy, run }: ExplainContext): Period | null => {
  if (rating === undefined || !rating.changed) return null;
  const until = addMonths(rating.since, policy.moves.coolingOffMonths);
  return until > run.period ? until : null;
};
