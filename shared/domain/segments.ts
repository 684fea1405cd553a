import { PermanentError } from '../errors.ts';
import type { TraitValue } from './facts.ts';
import type { Condition, Dimension, Policy, Rule } from './policy.ts';
import type { FrameRow, ScoreValues } from './standing.ts';
import { levelsOf, measuredValue, oncePerPolicy } from './values.ts';

/** Scores that a dimension settles: rows and columns of a matrix, or the scores with levels that rules name. */
export const settledScores = (dimension: Dimension, policy: Pick<Policy, 'scores'>): readonly string[] => {
  const named =
    dimension.by.kind === 'matrix'
      ? [dimension.by.rows, dimension.by.columns]
      : dimension.by.rules.flatMap((rule) => rule.when.map((condition) => condition.of));
  return [...new Set(named)].filter((name) => {
    const score = Object.hasOwn(policy.scores, name) ? policy.scores[name] : undefined;
    return score !== undefined && levelsOf(score) !== null;
  });
};

/** The scores that any dimension settles, each once, in the policy's order. */
export const allSettledScores = oncePerPolicy((policy: Policy): readonly string[] => {
  const names = new Set(Object.values(policy.dimensions).flatMap((dimension) => settledScores(dimension, policy)));
  return policy.scoreOrder.filter((name) => names.has(name));
});

/** The segment of a row by the given levels. Pure function of levels, metrics and traits: same ratings, same terms. */
export const segmentOf = (dimension: Dimension, row: FrameRow, policy: Policy, levels: ScoreValues): string => {
  if (dimension.by.kind === 'rules') return firstMatch(dimension, row, policy, levels)?.segment ?? dimension.by.rest;
  const { rows, columns, cells, missing } = dimension.by;
  const rowLevel = levels[rows] ?? null;
  const columnLevel = levels[columns] ?? null;
  if (rowLevel === null || columnLevel === null) return missing;
  const segment = cells[rowLevel]?.[columnLevel];
  if (segment === undefined)
    throw new PermanentError(
      'matrix-cell-missing',
      `the matrix of ${rows} and ${columns} has no cell for ${rowLevel} and ${columnLevel}`,
      { hint: 'check the policy: resegment policy check' },
    );
  return segment;
};

/** The first rule whose conditions all hold; undefined where the rest class takes the customer. */
export const firstMatch = (
  dimension: Dimension,
  row: FrameRow,
  policy: Policy,
  levels: ScoreValues,
): Rule | undefined =>
  dimension.by.kind === 'rules'
    ? dimension.by.rules.find((rule) => rule.when.every((one) => holds(one, conditionValue(one, row, policy, levels))))
    : undefined;

export const conditionValue = (
  condition: Condition,
  row: FrameRow,
  policy: Policy,
  levels: ScoreValues,
): TraitValue | null =>
  Object.hasOwn(policy.scores, condition.of) ? (levels[condition.of] ?? null) : measuredValue(row, condition.of);

/** Whether a condition holds; a missing value fulfils only `missing: true`. Ranges include both ends; lists compare as text. */
export const holds = (condition: Condition, value: TraitValue | null): boolean => {
  switch (condition.kind) {
    case 'missing':
      return (value === null) === condition.missing;
    case 'oneOf':
      return value !== null && condition.values.some((one) => String(one) === String(value));
    case 'range':
      return (
        typeof value === 'number' &&
        (condition.from === undefined || value >= condition.from) &&
        (condition.to === undefined || value <= condition.to)
      );
  }
};
