import { monthsBetween } from './calendar.ts';
import type { MoveRules, Score } from './policy.ts';
import type { HoldBack, RunContext, SettledRating } from './standing.ts';

/** The cut-offs of a rating turned so that more is always better: ascending goodness, with the gap at each. */
export interface RatingScale {
  /** `entry[i]` is the goodness at which level `i + 2` begins. */
  readonly entry: readonly number[];
  /** Gap at each entry, in the unit of the source. */
  readonly gap: readonly number[];
  /** 1 where high values are better, −1 where low ones are; goodness is `sign × value`. */
  readonly sign: 1 | -1;
}

/**
 * The scale of a rating with cut-offs; null for lookups, which have none.
 *
 * The gap at a cut-off is `margin` times the mean width of the classes beside it, a class being what lies between two
 * neighbouring cut-offs. A single cut-off has no such class: there it is `margin` times its absolute value.
 */
export const ratingScale = (score: Score, cutoffs: readonly number[] | null, margin: number): RatingScale | null => {
  if (cutoffs === null || (score.kind !== 'quantile' && score.kind !== 'bands' && score.kind !== 'cumulativeShare')) {
    return null;
  }
  const sign = score.kind !== 'cumulativeShare' && score.better === 'low' ? -1 : 1;
  const entry = sign === 1 ? cutoffs : cutoffs.map((cut) => -cut).reverse();
  const gap = entry.map((cut, index) => {
    const widths: number[] = [];
    const below = entry[index - 1];
    const above = entry[index + 1];
    if (below !== undefined) widths.push(cut - below);
    if (above !== undefined) widths.push(above - cut);
    if (widths.length === 0) return margin * Math.abs(cut);
    return (margin * widths.reduce((sum, width) => sum + width, 0)) / widths.length;
  });
  return { entry, gap, sign };
};

export interface RatingInput {
  readonly prior: SettledRating | undefined;
  /** Level of this run before any settling, caps applied; null is missing. */
  readonly level: number | null;
  /** The value behind the level, in the source's unit; null where missing or where the score is a lookup. */
  readonly value: number | null;
  readonly scale: RatingScale | null;
  /** A cap in force; Infinity if none. */
  readonly cap: number;
  /** Number of levels of the score. */
  readonly levels: number;
}

export interface Settled {
  readonly rating: SettledRating;
  /** Why the settled level differs from the level of this run; empty if it does not. */
  readonly heldBack: readonly HoldBack[];
}

/**
 * Settles a rating against the one before (R30): a level is entered and left only past the gap, lost only after
 * `downgradeAfterPeriods` closed periods in a row, and kept for `coolingOffMonths` after a change. A missing value counts
 * as down; a first rating, and one after missing, holds at once and starts no cooling-off. Only a run that closes a period
 * not yet counted moves a streak, so running again changes nothing. What is lost after a streak is down to the best level
 * that the streak saw.
 */
export const settleRating = (input: RatingInput, moves: MoveRules, context: RunContext): Settled => {
  const { prior, level } = input;
  const { period } = context;
  const before = prior === undefined || (prior.level ?? 0) > input.levels ? undefined : prior;
  if (before === undefined) return { rating: { level, since: period, changed: false }, heldBack: [] };
  if (before.level === null) {
    if (level !== null) return { rating: { level, since: period, changed: false }, heldBack: [] };
    return { rating: { level: null, since: before.since, changed: before.changed }, heldBack: [] };
  }
  const held = before.level;
  const proposed = pastTheGap(input, held);
  const isCooling = before.changed && monthsBetween(before.since, period) < moves.coolingOffMonths;
  const stay = (waiting: SettledRating['waiting']): SettledRating => ({
    level: held,
    since: before.since,
    changed: before.changed,
    ...(waiting === undefined ? {} : { waiting }),
  });
  const closesNewPeriod = context.closesPeriod && (before.waiting === undefined || period > before.waiting.lastPeriod);

  if (rank(proposed) >= held) {
    const waiting = closesNewPeriod ? undefined : before.waiting;
    if (proposed === held) return { rating: stay(waiting), heldBack: level === held ? [] : ['margin'] };
    if (isCooling) return { rating: stay(waiting), heldBack: ['coolingOff'] };
    return {
      rating: { level: proposed, since: period, changed: true },
      heldBack: proposed === level ? [] : ['margin'],
    };
  }

  const needed = moves.downgradeAfterPeriods;
  const waiting = closesNewPeriod ? extend(before.waiting, proposed, period, needed) : before.waiting;
  if ((waiting?.periods ?? 0) < needed) return { rating: stay(waiting), heldBack: ['waiting'] };
  if (isCooling) return { rating: stay(waiting), heldBack: ['coolingOff'] };
  const lowered = Math.max(rank(proposed), rank(waiting?.level ?? null));
  // Where this period was lower still, it is the first of the next streak.
  const next = closesNewPeriod && rank(proposed) < lowered ? extend(undefined, proposed, period, needed) : undefined;
  return {
    rating: {
      level: lowered === 0 ? null : lowered,
      since: period,
      changed: true,
      ...(next === undefined ? {} : { waiting: next }),
    },
    heldBack: lowered === rank(level) ? [] : [proposed === level ? 'waiting' : 'margin'],
  };
};

/** Missing is below every level. */
const rank = (level: number | null): number => level ?? 0;

/** One more period in the streak; it stops counting at `needed`, so that a held standing is not rewritten every month. */
const extend = (
  waiting: SettledRating['waiting'],
  proposed: number | null,
  period: string,
  needed: number,
): NonNullable<SettledRating['waiting']> => {
  if (waiting === undefined) return { level: proposed, periods: 1, lastPeriod: period };
  const best = Math.max(rank(waiting.level), rank(proposed));
  const level = best === 0 ? null : best;
  return waiting.periods >= needed && level === waiting.level
    ? waiting
    : { level, periods: Math.min(needed, waiting.periods + 1), lastPeriod: period };
};

/** How far the value carries the rating from `held` when every gap on the way must be cleared. */
const pastTheGap = ({ level, value, scale, cap }: RatingInput, held: number): number | null => {
  if (level === null || scale === null || value === null) return level;
  const goodness = scale.sign * value;
  let reached = held;
  while (reached < level) {
    const cut = scale.entry[reached - 1];
    if (cut === undefined || goodness < cut + (scale.gap[reached - 1] ?? 0)) break;
    reached += 1;
  }
  while (reached > level) {
    const cut = scale.entry[reached - 2];
    const gap = scale.gap[reached - 2] ?? 0;
    // A cap is a decision, not noise: no gap protects from it. Without a gap the level itself decides at the cut-off.
    if (reached <= cap && gap > 0 && cut !== undefined && goodness >= cut - gap) break;
    reached -= 1;
  }
  return reached;
};
