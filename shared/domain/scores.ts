import { expectedPurchases, type PurchaseHistory } from './bg-nbd.ts';
import { HIGHEST_RATING, LOWEST_RATING, opinionOf } from './notes.ts';
import type { Cap, Policy, Score } from './policy.ts';
import { confidenceLevel } from './satisfaction.ts';
import type { Calibration, FrameRow, PlanRow, PurchaseDays, ScoreValues } from './standing.ts';
import { asNumber, levelsOf, measuredValue, roundScore, scoreNamed } from './values.ts';

/** Key of the whole population in cut-offs and means. */
export const EVERYBODY = '*';

/** Used where the policy has no satisfaction score of its own (REQUIREMENTS, score formula). */
export const SATISFACTION_DEFAULTS = { halfLifeDays: 180, shrinkage: 2 } as const;

export interface ScoreOptions {
  /**
   * Scores as if the customer had never answered and nobody had written a note; the test that an exit does not follow from
   * what people say alone.
   */
  readonly withoutAnswers?: boolean;
  /** Leaves out satisfaction of low confidence; the test that no proposal rests on it. */
  readonly onlySureAnswers?: boolean;
}

const DAYS_PER_WEEK = 7;

/** BG/NBD counts in weeks. */
export const inWeeks = ({ repeatDays, lastPurchaseDays, ageDays }: PurchaseDays): PurchaseHistory => ({
  repeatPurchases: repeatDays,
  lastPurchaseWeeks: lastPurchaseDays / DAYS_PER_WEEK,
  ageWeeks: ageDays / DAYS_PER_WEEK,
});

/**
 * All scores of one customer. A missing input gives a missing score (null), never a low one, unless the policy names the
 * level of the missing. Customers who are not active
 * are not scored. Pure: the same row, policy and calibration give the same bits.
 */
export const scoreRow = (
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
  options: ScoreOptions = {},
): ScoreValues => {
  const scores: Record<string, number | null> = {};
  for (const name of policy.scoreOrder) {
    scores[name] = row.status === 'active' ? scoreOf(name, row, policy, calibration, scores, options) : null;
  }
  return scores;
};

/** The value that a score ranks: a metric, a `trait.x`, or a score already computed. Null is missing. */
export const sourceValue = (
  score: Extract<Score, { of: string }>,
  row: FrameRow,
  policy: Policy,
  scores: ScoreValues,
): number | null =>
  Object.hasOwn(policy.scores, score.of) ? (scores[score.of] ?? null) : asNumber(measuredValue(row, score.of));

/** The partition of a customer for a score with `within`; null where it is missing or the score has none. */
export const partitionOf = (row: FrameRow, within: string | undefined): string | null => {
  if (within === undefined) return null;
  if (within === 'branch') return row.branch;
  if (within === 'manager') return row.manager;
  const trait = row.traits[within];
  return trait === undefined || trait === null ? null : String(trait);
};

/**
 * The cut-offs that hold for this customer, ascending in the source's unit: those of its partition, or of everybody where
 * the partition is missing or too small. Null for scores without cut-offs and where nobody had a value.
 */
export const cutoffsFor = (
  name: string,
  score: Score,
  row: FrameRow,
  calibration: Calibration,
): readonly number[] | null => {
  if (score.kind === 'bands') return score.cuts;
  if (score.kind !== 'quantile' && score.kind !== 'cumulativeShare') return null;
  const byPartition = calibration.cutoffs[name];
  if (byPartition === undefined) return null;
  const partition = partitionOf(row, score.within);
  const own = partition !== null && Object.hasOwn(byPartition, partition) ? byPartition[partition] : undefined;
  return own ?? byPartition[EVERYBODY] ?? null;
};

/** The tightest cap that applies to the customer; Infinity if none does. */
export const capOf = (caps: readonly Cap[], row: FrameRow): number =>
  caps
    .filter((cap) =>
      Object.entries(cap.when).every(([trait, values]) => {
        const value = row.traits[trait];
        return value !== undefined && value !== null && values.includes(String(value));
      }),
    )
    .reduce((lowest, cap) => Math.min(lowest, cap.atMost), Number.POSITIVE_INFINITY);

/**
 * Level 1..n of a value, n best. In rank classes a level is 1 + the number of cut-offs strictly below the value; in bands
 * and Pareto classes a value equal to a cut-off is above it. `better: low` turns the level round.
 */
export const levelOf = (
  score: Extract<Score, { kind: 'quantile' | 'cumulativeShare' | 'bands' }>,
  value: number,
  cutoffs: readonly number[],
): number => {
  const passed =
    score.kind === 'quantile'
      ? cutoffs.filter((cut) => cut < value).length
      : cutoffs.filter((cut) => cut <= value).length;
  const level = 1 + passed;
  const better = score.kind === 'cumulativeShare' ? 'high' : score.better;
  return better === 'high' ? level : (levelsOf(score) ?? level) + 1 - level;
};

const scoreOf = (
  name: string,
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
  scores: ScoreValues,
  options: ScoreOptions,
): number | null => {
  const score = scoreNamed(policy, name);
  const capped = (value: number | null): number | null =>
    value === null ? null : Math.min(value, capOf(score.caps, row));
  switch (score.kind) {
    case 'quantile':
    case 'cumulativeShare':
    case 'bands': {
      const value = sourceValue(score, row, policy, scores);
      const cutoffs = cutoffsFor(name, score, row, calibration);
      return capped(value === null || cutoffs === null ? (score.missing ?? null) : levelOf(score, value, cutoffs));
    }
    case 'lookup': {
      const value = measuredValue(row, score.of);
      if (value === null) return capped(score.missing ?? null);
      const key = String(value);
      return capped((Object.hasOwn(score.levels, key) ? score.levels[key] : score.otherwise) ?? null);
    }
    case 'weighted':
      return capped(weightedMean(score, row, policy, calibration, scores));
    case 'satisfaction':
      return capped(countedSatisfaction(score, row, policy, calibration, options)?.score ?? null);
    case 'note':
      return options.withoutAnswers ? null : capped(opinionOf(row, score.about, score.halfLifeDays)?.rating ?? null);
    case 'shareOfTotal':
      return capped(shareOf(sourceValue(score, row, policy, scores), totalFor(name, score, row, calibration)));
    case 'expectedPurchases': {
      const model = calibration.purchaseModel ?? null;
      const history = row.purchaseDays ?? null;
      if (model === null || history === null) return null;
      return capped(roundScore(expectedPurchases(model, inWeeks(history), score.horizonDays / DAYS_PER_WEEK)));
    }
  }
};

/**
 * The total that a share is taken of; null where the customer's partition is missing or too small. There is no falling back
 * to everybody's total: a share of the bank is another figure than a share of the branch, and always a smaller one.
 */
export const totalFor = (
  name: string,
  score: Extract<Score, { kind: 'shareOfTotal' }>,
  row: FrameRow,
  calibration: Calibration,
): number | null => {
  const partition = score.within === undefined ? EVERYBODY : partitionOf(row, score.within);
  const totals = calibration.totals?.[name];
  if (totals === undefined || partition === null || !Object.hasOwn(totals, partition)) return null;
  return totals[partition] ?? null;
};

const shareOf = (value: number | null, total: number | null): number | null =>
  value === null || total === null || total <= 0 ? null : roundScore(value / total);

/**
 * Weighted mean over the parts that are present, null if fewer than `needs` are. What people say never makes up for a missing
 * part: satisfaction and notes do not count towards `needs`, their weight is multiplied by confidence or by what age has left of
 * it, and their 0..100 or 1..5 is brought to the levels of the other parts (worst → 1, best → best level). Source:
 * SURVEY_PRACTICE 4.2; for notes ours.
 */
const weightedMean = (
  score: Extract<Score, { kind: 'weighted' }>,
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
  scores: ScoreValues,
): number | null => {
  const best = Math.max(0, ...Object.keys(score.parts).map((part) => levelsOf(scoreNamed(policy, part)) ?? 0));
  let present = 0;
  let weights = 0;
  let sum = 0;
  for (const [part, weight] of Object.entries(score.parts)) {
    const value = scores[part] ?? null;
    if (value === null) continue;
    const partScore = scoreNamed(policy, part);
    if (partScore.kind === 'satisfaction') {
      const effective = weight * (satisfactionWith(partScore, row, policy, calibration)?.confidence ?? 0);
      weights += effective;
      sum += effective * (best > 0 ? 1 + ((best - 1) * value) / 100 : value);
    } else if (partScore.kind === 'note') {
      const effective = weight * (opinionOf(row, partScore.about, partScore.halfLifeDays)?.strength ?? 0);
      const better = (value - LOWEST_RATING) / (HIGHEST_RATING - LOWEST_RATING);
      weights += effective;
      sum += effective * (best > 0 ? 1 + (best - 1) * better : value);
    } else {
      present += 1;
      weights += weight;
      sum += weight * value;
    }
  }
  return present < Math.max(1, score.needs) || weights === 0 ? null : roundScore(sum / weights);
};

/**
 * Satisfaction of a customer: 0..100, 100 best, with the number of answers, whole days since the newest, and confidence
 * 0..1. Null without an answer: missing is not dissatisfied. Answers lose half their weight every `halfLifeDays` and are
 * drawn towards the mean of the customer's previous segment by `shrinkage` answers' worth (SURVEY_PRACTICE 4.2).
 */
export const satisfactionOf = (row: FrameRow, policy: Policy, calibration: Calibration): PlanRow['satisfaction'] =>
  satisfactionWith(satisfactionRule(policy), row, policy, calibration);

/** The policy's own satisfaction score, or the defaults. */
export const satisfactionRule = (policy: Policy): { readonly halfLifeDays: number; readonly shrinkage: number } => {
  for (const name of policy.scoreOrder) {
    const score = policy.scores[name];
    if (score?.kind === 'satisfaction') return score;
  }
  return SATISFACTION_DEFAULTS;
};

const countedSatisfaction = (
  rule: Extract<Score, { kind: 'satisfaction' }>,
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
  { withoutAnswers = false, onlySureAnswers = false }: ScoreOptions,
): PlanRow['satisfaction'] => {
  const satisfaction = withoutAnswers ? null : satisfactionWith(rule, row, policy, calibration);
  if (satisfaction === null || !onlySureAnswers) return satisfaction;
  return confidenceLevel(satisfaction.confidence) === 'low' ? null : satisfaction;
};

const satisfactionWith = (
  rule: { readonly halfLifeDays: number; readonly shrinkage: number },
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
): PlanRow['satisfaction'] => {
  if (row.answers.length === 0) return null;
  const answers = row.answers.toSorted((a, b) => a.ageDays - b.ageDays || a.value - b.value);
  const segment = row.prior?.placements[policy.mainDimension]?.actual;
  const means = calibration.satisfactionMeans;
  const mean = (segment === undefined ? undefined : means[segment]) ?? means[EVERYBODY] ?? 0.5;
  let weights = 0;
  let sum = 0;
  for (const { value, ageDays } of answers) {
    const weight = 2 ** (-ageDays / rule.halfLifeDays);
    weights += weight;
    sum += weight * value;
  }
  const shrunk = (rule.shrinkage * mean + sum) / (rule.shrinkage + weights);
  return {
    score: roundScore(Math.min(100, Math.max(0, 100 * shrunk))),
    answers: answers.length,
    ageDays: answers[0]?.ageDays ?? 0,
    confidence: roundScore(weights / (rule.shrinkage + weights)),
  };
};
