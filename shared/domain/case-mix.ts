import type { QuestionKind } from './policy.ts';
import { type Interval, npsOfCounts, twoSided, Z_95 } from './survey-statistics.ts';

/** Answers by what they say. For CSAT and CES `negative` is every answer that is not positive. Whole numbers from 0. */
export interface Sides {
  readonly answered: number;
  readonly positive: number;
  readonly negative: number;
}

/** NPS is −1..1, a share of positive answers 0..1; 0 without answers. */
export const meanOf = (question: QuestionKind, { answered, positive, negative }: Sides): number => {
  if (answered === 0) return 0;
  return (question === 'nps' ? positive - negative : positive) / answered;
};

/**
 * Variance of the mean of some answers, never 0: with three answers more for NPS (adjusted Wald, Rocks 2016), with two more for
 * shares (Agresti and Caffo 2000).
 */
export const varianceOfMean = (question: QuestionKind, sides: Sides): number => {
  if (question === 'nps') {
    const nps = npsOfCounts({ n: sides.answered, promoters: sides.positive, detractors: sides.negative });
    return nps === null ? Number.POSITIVE_INFINITY : (nps.adjusted.margin / Z_95) ** 2;
  }
  const share = (sides.positive + 1) / (sides.answered + 2);
  return (share * (1 - share)) / (sides.answered + 2);
};

/** The variance of one answer: that of the mean, times the number of answers that it was computed from. */
const varianceOfOne = (question: QuestionKind, sides: Sides): number =>
  varianceOfMean(question, sides) * (sides.answered + (question === 'nps' ? 3 : 2));

/** A group's answers beside what the company's segments let expect of them. */
export interface MixAdjusted {
  /** What the group's answers would be if each of its segments answered as the company's does. */
  readonly expected: number;
  /** The group's figure minus `expected`. */
  readonly difference: number;
  /** 95 %, of the difference. */
  readonly interval: Interval;
  /** The company's figure plus `difference`, within the scale; `adjustedInterval` likewise. */
  readonly adjusted: number;
  readonly adjustedInterval: Interval;
  /** Two-sided, of "no difference"; not corrected for the number of groups. */
  readonly pValue: number;
}

/**
 * Indirect standardisation with the company as the standard (Breslow and Day 1987, chapter 2; used as observed minus expected
 * to compare institutions: Goldstein and Spiegelhalter 1996, Spiegelhalter 2005):
 *
 *     expected   = Σ n(g,s) · m(s) / n(g)          m(s): the company's mean in segment s
 *     difference = m(g) − expected
 *     adjusted   = m + difference                  m: the company's mean
 *     variance   = Σ n(g,s) · v(s) · (1 − n(g,s) / n(s)) / n(g)²
 *
 * n(g,s) are answers of the group in the segment, n(s) all in the segment, v(s) the variance of one answer there. The factor in
 * brackets is there because the group's own answers are in the company's mean; it follows from
 * m(g,s) − m(s) = (1 − n(g,s)/n(s)) · (m(g,s) − mean of the others). The company's mean counts as known.
 *
 * It needs the group's answers by segment only as counts: what they said enters as the group's sum. So it tells nobody more of a
 * segment's answers in a group than the published tables do.
 *
 * @param strata answers of the company by segment, those of the group included
 * @param counts answers of the group by segment; every segment is in `strata`
 * @returns null without answers
 */
export const adjustForMix = (
  question: QuestionKind,
  group: Sides,
  counts: ReadonlyMap<string, number>,
  strata: ReadonlyMap<string, Sides>,
): MixAdjusted | null => {
  if (group.answered === 0) return null;
  const company = sumOf([...strata.values()]);
  let expected = 0;
  let variance = 0;
  for (const [stratum, count] of counts) {
    const standard = strata.get(stratum);
    if (count === 0 || standard === undefined || standard.answered === 0) continue;
    expected += (count * meanOf(question, standard)) / group.answered;
    const others = Math.max(0, 1 - count / standard.answered);
    variance += (count * varianceOfOne(question, standard) * others) / group.answered ** 2;
  }
  const difference = meanOf(question, group) - expected;
  const mean = meanOf(question, company);
  const margin = Z_95 * Math.sqrt(variance);
  const lowest = question === 'nps' ? -1 : 0;
  const onScale = (value: number): number => Math.min(1, Math.max(lowest, value));
  return {
    expected,
    difference,
    interval: { low: difference - margin, high: difference + margin },
    adjusted: onScale(mean + difference),
    adjustedInterval: { low: onScale(mean + difference - margin), high: onScale(mean + difference + margin) },
    pValue: variance === 0 ? 1 : twoSided(difference / Math.sqrt(variance)),
  };
};

export interface MixChange {
  /** Now minus before, as it is. */
  readonly difference: number;
  /** What of it comes from other segments answering: Σ (share now − share before) · m(s), m(s) the company's mean now. */
  readonly fromMix: number;
  /** `difference` without `fromMix`. */
  readonly adjusted: number;
  /** Two-sided, of "nothing but the mix changed"; not corrected for the number of groups. */
  readonly pValue: number;
}

/**
 * How a group's figure changed apart from its mix of segments (Kitagawa 1955: rates and composition), tested with the adjusted
 * variances of both waves.
 *
 * @returns null where a segment that answered before has no answers now, so that nobody knows what to expect of it
 */
export const changeApartFromMix = (
  question: QuestionKind,
  now: { readonly sides: Sides; readonly counts: ReadonlyMap<string, number> },
  before: { readonly sides: Sides; readonly counts: ReadonlyMap<string, number> },
  strata: ReadonlyMap<string, Sides>,
): MixChange | null => {
  if (now.sides.answered === 0 || before.sides.answered === 0) return null;
  let fromMix = 0;
  for (const stratum of new Set([...now.counts.keys(), ...before.counts.keys()])) {
    const [present, past] = [now.counts.get(stratum) ?? 0, before.counts.get(stratum) ?? 0];
    if (present === 0 && past === 0) continue;
    const standard = strata.get(stratum);
    if (standard === undefined || standard.answered === 0) return null;
    fromMix += (present / now.sides.answered - past / before.sides.answered) * meanOf(question, standard);
  }
  const difference = meanOf(question, now.sides) - meanOf(question, before.sides);
  const adjusted = difference - fromMix;
  const variance = varianceOfMean(question, now.sides) + varianceOfMean(question, before.sides);
  return { difference, fromMix, adjusted, pValue: twoSided(adjusted / Math.sqrt(variance)) };
};

export const sumOf = (all: readonly Sides[]): Sides =>
  all.reduce(
    (sum, one) => ({
      answered: sum.answered + one.answered,
      positive: sum.positive + one.positive,
      negative: sum.negative + one.negative,
    }),
    { answered: 0, positive: 0, negative: 0 },
  );
