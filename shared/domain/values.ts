import { PermanentError } from '../errors.ts';
import type { TraitValue } from './facts.ts';
import { currencyExponent } from './money.ts';
import type { Metric, Policy, Score } from './policy.ts';
import type { FrameRow } from './standing.ts';

export { currencyExponent };

/** Decimal places that count in comparisons: beyond them processors may differ (DECISIONS 13). */
const PRECISION = 1e6;

/** Rounds to six decimal places, whole numbers untouched, and never returns -0. */
export const roundScore = (value: number): number =>
  Number.isInteger(value) ? value + 0 : Math.round(value * PRECISION) / PRECISION + 0;

/** The prefix by which rules, bands and lookups name a trait that is no metric. */
export const TRAIT_PREFIX = 'trait.';

/** Remembers what follows from a policy alone, since it is asked for with every customer. */
export const oncePerPolicy = <T>(derive: (policy: Policy) => T): ((policy: Policy) => T) => {
  const known = new WeakMap<Policy, { readonly value: T }>();
  return (policy) => {
    const found = known.get(policy) ?? { value: derive(policy) };
    known.set(policy, found);
    return found.value;
  };
};

/** @returns the score of that name; @throws PermanentError where the policy has none, which validation rules out */
export const scoreNamed = (policy: Policy, name: string): Score => {
  const score = policy.scores[name];
  if (score === undefined)
    throw new PermanentError('score-unknown', `policy ${policy.name} has no score ${name}`, {
      hint: 'check the policy: resegment policy check',
    });
  return score;
};

/** Number of levels of a score; null for the continuous kinds. */
export const levelsOf = (score: Score): number | null => {
  switch (score.kind) {
    case 'quantile':
      return score.n;
    case 'cumulativeShare':
      return score.shares.length + 1;
    case 'bands':
      return score.cuts.length + 1;
    case 'lookup':
      return Math.max(1, score.otherwise ?? 1, ...Object.values(score.levels));
    case 'weighted':
    case 'satisfaction':
    case 'note':
    case 'shareOfTotal':
    case 'expectedPurchases':
      return null;
  }
};

/** A metric by name, or a trait by `trait.x`, of a row; null is missing. Scores are not looked up here. */
export const measuredValue = (row: FrameRow, name: string): TraitValue | null => {
  if (name.startsWith(TRAIT_PREFIX)) return row.traits[name.slice(TRAIT_PREFIX.length)] ?? null;
  return row.metrics[name] ?? null;
};

export const asNumber = (value: TraitValue | null | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? roundScore(value) : null;

/**
 * A money metric in major units. Spend is kept in minor units (cents); a trait is kept as the file gave it, which is major
 * units by convention. Other units come back unchanged.
 */
export const inMajorUnits = (metric: Metric, value: number, currency: string): number =>
  metric.unit === 'money' && metric.kind === 'spend' ? value / 10 ** currencyExponent(currency) : value;

/** The other way round: a figure as a person writes it, in the unit in which the metric is kept; spend in whole minor units. */
export const inKeptUnits = (metric: Metric, value: number, currency: string): number =>
  metric.unit === 'money' && metric.kind === 'spend' ? Math.round(value * 10 ** currencyExponent(currency)) : value;
