import { assignRow } from './assign.ts';
import { addMonths, lastDayOf, type Period } from './calendar.ts';
import { missingInputs } from './explain-figures.ts';
import type {
  ExplainContext,
  ExplainedCondition,
  ExplainedDimension,
  ExplainedMove,
  RunBefore,
} from './explanation.ts';
import type { TraitValue } from './facts.ts';
import { conditionText, segmentLabel } from './figure-text.ts';
import type { Condition, Dimension } from './policy.ts';
import { cutoffsFor } from './scores.ts';
import { conditionValue, firstMatch, holds, segmentOf } from './segments.ts';
import { changesOf, inputNames, withInput } from './smallest-change.ts';
import type { Placement, ScoreValues } from './standing.ts';
import { measuredValue, scoreNamed } from './values.ts';

/** Why a customer is in its segment of one dimension, and what would move it; null for a customer in no segment. */
export const explainDimension = (
  context: ExplainContext,
  name: string,
  dimension: Dimension,
): ExplainedDimension | null => {
  const { row, plan, policy, lang } = context;
  const placement = plan.next.placements[name];
  if (placement === undefined) return null;
  const levels = levelsInForce(context);
  const byRatings = segmentOf(dimension, row, policy, levels);
  const { headingFor, up, down, smallest, all, ifKnown } = changesOf(context, dimension);
  const next = nextMove(context, name, placement);
  return {
    name,
    label: dimension.label[lang],
    target: placement.target,
    actual: placement.actual,
    actualLabel: segmentLabel(dimension, placement.actual, lang),
    since: placement.since,
    heldBack: placement.heldBack,
    pinnedUntil: placement.pinnedUntil ?? null,
    byRatings,
    earliestMove: next?.period ?? null,
    earliestMoveTo: next?.segment ?? null,
    by: decidedBy(context, dimension, levels),
    nextBetter: nextBetter(context, dimension, byRatings, levels),
    moved: explainMove(context, name),
    headingFor,
    smallestUp: up,
    smallestDown: down,
    smallest,
    changes: all,
    ifKnown,
  };
};

const levelsInForce = ({ plan }: ExplainContext): ScoreValues => ({
  ...plan.scores,
  ...Object.fromEntries(Object.entries(plan.next.ratings).map(([name, rating]) => [name, rating.level])),
});

/** Pins and waits are looked ahead for so many months. */
const HORIZON_MONTHS = 36;

/**
 * The first later run that would move the customer if its figures and the cut-offs stayed: the months are simply gone
 * through, also for who ends where it is, since two ratings that wait for different times can lead away and back. A period
 * that is not closed yet comes first.
 */
const nextMove = (
  { row, plan, policy, calibration, run }: ExplainContext,
  name: string,
  placement: Placement,
): { readonly period: Period; readonly segment: string } | null => {
  let last = plan;
  for (let month = run.closesPeriod ? 1 : 0; month <= HORIZON_MONTHS; month += 1) {
    const period = addMonths(run.period, month);
    const later = { ...run, period, asOf: lastDayOf(period), closesPeriod: true };
    last = assignRow({ ...row, prior: last.next, priorIsNewest: true }, policy, calibration, later);
    const segment = last.next.placements[name]?.actual;
    if (segment !== undefined && segment !== placement.actual) return { period, segment };
  }
  return null;
};

const decidedBy = (context: ExplainContext, dimension: Dimension, levels: ScoreValues): ExplainedDimension['by'] => {
  const { row, policy } = context;
  if (dimension.by.kind === 'matrix') {
    const { rows, columns } = dimension.by;
    const rowLevel = levels[rows] ?? null;
    const columnLevel = levels[columns] ?? null;
    if (rowLevel === null || columnLevel === null) {
      const scores = [...new Set([rows, columns])].filter((name) => (levels[name] ?? null) === null);
      const inputs = [...new Set(scores.flatMap((name) => missingInputs(context, name)))];
      return { kind: 'missing', scores, inputs };
    }
    return { kind: 'cell', rows, row: rowLevel, columns, column: columnLevel };
  }
  const { rules } = dimension.by;
  const rule = firstMatch(dimension, row, policy, levels);
  if (rule === undefined) return { kind: 'rest', of: rules.length };
  return {
    kind: 'rule',
    number: rules.indexOf(rule) + 1,
    of: rules.length,
    conditions: rule.when.map((condition) => explainCondition(context, condition, levels)),
  };
};

const explainCondition = (
  { row, policy, lang }: ExplainContext,
  condition: Condition,
  levels: ScoreValues,
): ExplainedCondition => ({
  of: condition.of,
  value: conditionValue(condition, row, policy, levels),
  text: conditionText(policy, condition, lang),
});

/** The nearest better segment, and of the ways into it the one with the least to do. */
const nextBetter = (
  context: ExplainContext,
  dimension: Dimension,
  segment: string,
  levels: ScoreValues,
): ExplainedDimension['nextBetter'] => {
  if (!dimension.ordered || (dimension.by.kind === 'matrix' && segment === dimension.by.missing)) return null;
  const better = dimension.segmentOrder.slice(0, Math.max(0, dimension.segmentOrder.indexOf(segment))).reverse();
  for (const one of better) {
    const ways = dimension.by.kind === 'matrix' ? cellsOf(dimension, one) : rulesOf(dimension, one);
    const least = ways
      .filter((way) => leadsTo(context, dimension, way, levels, one))
      .map((way) => unmet(context, way, levels))
      .filter((needs) => needs.length > 0)
      .sort((a, b) => steps(a, levels) - steps(b, levels) || a.length - b.length)[0];
    if (least !== undefined) {
      return { segment: one, needs: least.map((condition) => explainCondition(context, condition, levels)) };
    }
  }
  return null;
};

const unmet = ({ row, policy }: ExplainContext, way: readonly Condition[], levels: ScoreValues) =>
  way.filter((condition) => !holds(condition, conditionValue(condition, row, policy, levels)));

/** Whether meeting the conditions is enough: an earlier rule might take the customer all the same. */
const leadsTo = (
  context: ExplainContext,
  dimension: Dimension,
  way: readonly Condition[],
  levels: ScoreValues,
  segment: string,
): boolean => {
  const { policy } = context;
  let { row } = context;
  const reached: Record<string, number | null> = { ...levels };
  for (const condition of unmet(context, way, levels)) {
    const value = nearestMeeting(condition, conditionValue(condition, row, policy, levels));
    if (value === null) return false;
    if (!Object.hasOwn(policy.scores, condition.of)) row = withInput(row, condition.of, value);
    else if (typeof value === 'number') reached[condition.of] = value;
    else return false;
  }
  return segmentOf(dimension, row, policy, reached) === segment;
};

const nearestMeeting = (condition: Condition, value: TraitValue | null): TraitValue | null => {
  switch (condition.kind) {
    case 'missing':
      return null;
    case 'oneOf':
      return condition.values[0] ?? null;
    case 'range': {
      const { from, to } = condition;
      return typeof value === 'number' && to !== undefined && value > to ? to : (from ?? to ?? null);
    }
  }
};

const cellsOf = (dimension: Dimension, segment: string): readonly (readonly Condition[])[] => {
  if (dimension.by.kind !== 'matrix') return [];
  const { rows, columns, cells } = dimension.by;
  const level = (of: string, number: number): Condition => ({ kind: 'range', of, from: number, to: number });
  return Object.entries(cells).flatMap(([row, line]) =>
    Object.entries(line)
      .filter(([, one]) => one === segment)
      .map(([column]) => [level(rows, Number(row)), level(columns, Number(column))]),
  );
};

const rulesOf = (dimension: Dimension, segment: string): readonly (readonly Condition[])[] =>
  dimension.by.kind === 'rules'
    ? dimension.by.rules.filter((rule) => rule.segment === segment).map((rule) => rule.when)
    : [];

/** Levels to climb in all, as a rough measure of how far a way is. */
const steps = (conditions: readonly Condition[], levels: ScoreValues): number =>
  conditions.reduce(
    (sum, one) => sum + (one.kind === 'range' ? Math.abs((one.from ?? one.to ?? 0) - (levels[one.of] ?? 0)) : 1),
    0,
  );

/** How the customer came to move: decided again with its old figures, with the old cut-offs, and with both. */
const explainMove = (context: ExplainContext, name: string): ExplainedMove | null => {
  const { row, plan, policy, before } = context;
  const move = plan.moves.find((one) => one.dimension === name);
  if (move === undefined || move.to === null) return null;
  const said = { from: move.from, to: move.to };
  if (row.prior === null || move.from === null) return { ...said, cause: 'first', inputs: [], cutoffs: [] };
  if (before === undefined) {
    const watched = Object.entries(row.prior.values)
      .filter(([metric]) => !metric.includes('.'))
      .map(([metric, value]) => ({
        name: metric,
        before: value,
        now: measuredValue(row, metric),
      }));
    return { ...said, cause: 'unknown', inputs: watched, cutoffs: [] };
  }
  const inputs = inputNames(policy)
    .map((input) => ({ name: input, before: measuredValue(before.row, input), now: measuredValue(row, input) }))
    .filter((input) => input.before !== input.now);
  const cutoffs = policy.scoreOrder.flatMap((score) => {
    const rule = scoreNamed(policy, score);
    const then = cutoffsFor(score, rule, before.row, before.calibration) ?? [];
    const now = cutoffsFor(score, rule, row, context.calibration) ?? [];
    const isSame = then.length === now.length && then.every((cut, index) => cut === now[index]);
    return isSame ? [] : [{ score, before: then, now }];
  });
  const cause = before.policyHash === policy.hash ? causeOf(context, name, before, move.to) : 'policy';
  return { ...said, cause, inputs, cutoffs };
};

const causeOf = (
  { row, policy, calibration, run }: ExplainContext,
  name: string,
  before: RunBefore,
  to: string,
): ExplainedMove['cause'] => {
  const { metrics, traits, answers, branch, manager } = before.row;
  const oldFigures = { ...row, metrics, traits, answers, branch, manager };
  const movesWith = (figures: typeof row, cutoffs: typeof calibration): boolean =>
    assignRow(figures, policy, cutoffs, run).next.placements[name]?.actual === to;
  if (movesWith(oldFigures, before.calibration)) return 'time';
  const own = movesWith(row, before.calibration);
  const others = movesWith(oldFigures, calibration);
  if (own === others) return 'both';
  return own ? 'own' : 'others';
};
