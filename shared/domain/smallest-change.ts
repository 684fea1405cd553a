import { settleAll, settledLevels } from './assign.ts';
import type { ExplainContext, IfKnown, SmallestChange } from './explanation.ts';
import type { TraitValue } from './facts.ts';
import { referencedTraits } from './metrics.ts';
import type { Dimension, Policy, Score } from './policy.ts';
import { cutoffsFor, scoreRow } from './scores.ts';
import { segmentOf } from './segments.ts';
import { ratingScale } from './settle.ts';
import type { FrameRow, RunContext, ScoreValues } from './standing.ts';
import {
  currencyExponent,
  inMajorUnits,
  levelsOf,
  measuredValue,
  roundScore,
  scoreNamed,
  TRAIT_PREFIX,
} from './values.ts';

export interface Changes {
  /** The segment that the figures as they are lead to once every wait and pin is over. */
  readonly headingFor: string;
  readonly up: SmallestChange | null;
  readonly down: SmallestChange | null;
  readonly smallest: SmallestChange | null;
  readonly all: readonly SmallestChange[];
  readonly ifKnown: readonly IfKnown[];
}

type Way = 'up' | 'down' | 'sideways';

/** Every waiting time over and no streak needed: what is left is ratings, cut-offs and gaps. */
const AT_ONCE = { downgradeAfterPeriods: 0, coolingOffMonths: 0 } as const;

/**
 * The smallest changes of one input that would move a customer, the run's cut-offs and all other inputs held fixed, every
 * wait and pin over (DECISIONS 14). Found by trying: between the values that an input is compared with (cut-offs, gaps
 * included, bounds of rules) the result cannot change, so it is enough to decide the customer again on either side of each,
 * one natural step apart. Texts and truths are tried with every value that the policy names, and with one that it does not.
 * Whom a customer is ranked with (its branch, or the trait named by `within`) is held fixed, as the cut-offs are.
 */
export const changesOf = (context: ExplainContext, dimension: Dimension): Changes => {
  const { row, policy } = context;
  const decide = decider(context, dimension);
  const headingFor = decide(row);
  const found: { readonly change: SmallestChange; readonly way: Way }[] = [];
  const ifKnown: IfKnown[] = [];
  for (const name of inputNames(policy)) {
    const from = measuredValue(row, name);
    if (from === null) {
      const outcomes = outcomesOf(context, name, decide);
      if (outcomes.some((one) => one.segment !== headingFor)) ifKnown.push({ metric: name, outcomes });
      continue;
    }
    const least = new Map<Way, SmallestChange>();
    for (const candidate of candidatesFor(context, name, from)) {
      const segment = decide(withInput(row, name, candidate.to));
      if (segment === headingFor) continue;
      const way = wayOf(dimension, headingFor, segment);
      const known = least.get(way);
      const change = { metric: name, from, ...candidate, segment };
      if (known === undefined || isSmaller(change, known)) least.set(way, change);
    }
    for (const [way, change] of least) found.push({ change, way });
  }
  // Stable: of equal sizes the input that the policy names first comes first.
  found.sort((a, b) => compareSizes(a.change, b.change));
  const first = (way: Way): SmallestChange | null => found.find((one) => one.way === way)?.change ?? null;
  return {
    headingFor,
    up: first('up'),
    down: first('down'),
    smallest: found[0]?.change ?? null,
    all: found.map((one) => one.change),
    ifKnown,
  };
};

/** Everything about a customer that the policy measures or reads: metrics, then traits as `trait.x`. */
export const inputNames = (policy: Policy): readonly string[] => [
  ...Object.keys(policy.metrics),
  ...referencedTraits(policy).map((trait) => `${TRAIT_PREFIX}${trait}`),
];

/** The row with one input set to another value. */
export const withInput = (row: FrameRow, name: string, value: TraitValue): FrameRow =>
  name.startsWith(TRAIT_PREFIX)
    ? { ...row, traits: { ...row.traits, [name.slice(TRAIT_PREFIX.length)]: value } }
    : { ...row, metrics: { ...row.metrics, [name]: value } };

/**
 * How large a change is, 0..1, so that changes of different inputs can be compared: the distance of two numbers relative to
 * the sum of their sizes; 1 for a change of sign, from zero, or of a text.
 */
export const sizeOf = ({ from, to }: Pick<SmallestChange, 'from' | 'to'>): number =>
  typeof from === 'number' && typeof to === 'number' ? Math.abs(to - from) / (Math.abs(from) + Math.abs(to)) : 1;

/**
 * The natural step of an input: a day, a purchase, the smallest unit of the currency, else 10⁻⁶, which is the precision of
 * every comparison. A mean or a difference of whole numbers need not be whole.
 */
export const stepOf = (policy: Policy, name: string, from: TraitValue | null): number => {
  const metric = Object.hasOwn(policy.metrics, name) ? policy.metrics[name] : undefined;
  if (metric === undefined) return FINEST;
  if (metric.unit === 'money') {
    const isInMinorUnits = inMajorUnits(metric, 1, policy.currency) !== 1;
    return isInMinorUnits ? 1 : 10 ** -currencyExponent(policy.currency);
  }
  const isCounted = metric.kind !== 'traitMean' && (typeof from !== 'number' || Number.isInteger(from));
  return isCounted && (metric.unit === 'days' || metric.unit === 'count') ? 1 : FINEST;
};

const FINEST = 1e-6;

const compareSizes = (a: SmallestChange, b: SmallestChange): number =>
  sizeOf(a) - sizeOf(b) || Number(typeof a.to !== 'number') - Number(typeof b.to !== 'number');

const distanceOf = ({ from, to }: SmallestChange): number =>
  typeof from === 'number' && typeof to === 'number' ? Math.abs(to - from) : Number.POSITIVE_INFINITY;

/** Of the same input: nearer is smaller. */
const isSmaller = (a: SmallestChange, b: SmallestChange): boolean => distanceOf(a) < distanceOf(b);

const wayOf = (dimension: Dimension, from: string, to: string): Way => {
  const unrated = dimension.by.kind === 'matrix' ? dimension.by.missing : undefined;
  if (!dimension.ordered || from === unrated || to === unrated) return 'sideways';
  return dimension.segmentOrder.indexOf(to) < dimension.segmentOrder.indexOf(from) ? 'up' : 'down';
};

/** The segment once every wait is over, starting from the ratings in force. */
const decider = ({ plan, policy, calibration }: ExplainContext, dimension: Dimension): ((row: FrameRow) => string) => {
  const ratings = Object.fromEntries(
    Object.entries(plan.next.ratings).map(([name, { level, since, changed }]) => [name, { level, since, changed }]),
  );
  const run: RunContext = {
    runId: plan.next.runId,
    seq: plan.next.seq,
    asOf: '9999-12-31',
    period: '9999-12',
    closesPeriod: true,
    frozenAt: '9999-12-31T23:59:59.999Z',
  };
  const atOnce: Policy = { ...policy, moves: { ...policy.moves, ...AT_ONCE } };
  const prior = { ...plan.next, ratings };
  return (row) => {
    const scores = scoreRow(row, policy, calibration);
    const settled = settleAll({ ...row, prior }, scores, atOnce, calibration, run);
    return segmentOf(dimension, row, policy, settledLevels(scores, settled));
  };
};

type Candidate = Pick<SmallestChange, 'to' | 'otherThan'>;

const candidatesFor = (context: ExplainContext, name: string, from: TraitValue): readonly Candidate[] => {
  switch (typeof from) {
    case 'number':
      return numbersToTry(context, name, from)
        .filter((to) => to !== from)
        .map((to) => ({ to }));
    case 'boolean':
      return [{ to: !from }];
    default:
      return textsToTry(context.policy, name).filter(({ to }) => to !== from);
  }
};

const textsToTry = (policy: Policy, name: string): readonly Candidate[] => {
  const named = namedTexts(policy, name);
  if (named.length === 0) return [];
  let other = 'other';
  while (named.includes(other)) other = `${other}'`;
  return [...named.map((to) => ({ to })), { to: other, otherThan: named }];
};

/** The values of a text or truth that the policy tells apart. */
const namedTexts = (policy: Policy, name: string): readonly string[] => {
  const named = new Set<string>();
  for (const score of Object.values(policy.scores)) {
    if (score.kind === 'lookup' && score.of === name) for (const key of Object.keys(score.levels)) named.add(key);
    for (const cap of score.caps) {
      for (const [trait, values] of Object.entries(cap.when)) {
        if (name === `${TRAIT_PREFIX}${trait}`) for (const value of values) named.add(value);
      }
    }
  }
  for (const condition of conditionsOf(policy)) {
    if (condition.kind !== 'oneOf' || condition.of !== name) continue;
    for (const value of condition.values) named.add(String(value));
  }
  const metric = Object.hasOwn(policy.metrics, name) ? policy.metrics[name] : undefined;
  if (named.size > 0 && metric?.kind === 'dominantAttribute') named.add('mixed');
  return [...named];
};

/** Values of a numeric input on either side of everything that it is compared with, ascending, one step apart. */
const numbersToTry = (context: ExplainContext, name: string, from: number | null): readonly number[] => {
  const { policy } = context;
  const step = stepOf(policy, name, from);
  const [least, most] = boundsOf(policy, name);
  const found = new Set<number>();
  for (const value of [...comparedWith(context, name), ...crossings(context, name, from, step)]) {
    const steps = Math.floor(roundScore(value) / step);
    for (const near of step === FINEST
      ? [roundScore(value) - step, roundScore(value), roundScore(value) + step]
      : [steps - 1, steps, steps + 1, steps + 2].map((count) => count * step)) {
      const rounded = roundScore(near);
      if (rounded >= least && rounded <= most) found.add(rounded);
    }
  }
  return [...found].sort((a, b) => a - b);
};

const boundsOf = (policy: Policy, name: string): readonly [least: number, most: number] => {
  const metric = Object.hasOwn(policy.metrics, name) ? policy.metrics[name] : undefined;
  if (metric?.kind === 'attributeShare') return [0, 1];
  const isAmount = (metric?.unit === 'days' || metric?.unit === 'count') && metric.kind !== 'traitChange';
  return [isAmount ? 0 : Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
};

const conditionsOf = (policy: Policy) =>
  Object.values(policy.dimensions).flatMap(({ by }) =>
    by.kind === 'rules' ? by.rules.flatMap((rule) => rule.when) : [],
  );

/** What a metric, trait or score is compared with: cut-offs with their gaps, keys of lookups, bounds and values of rules. */
const comparedWith = ({ row, policy, calibration }: ExplainContext, name: string): readonly number[] => {
  const values: number[] = [];
  for (const scoreName of policy.scoreOrder) {
    const score = scoreNamed(policy, scoreName);
    if (!('of' in score) || score.of !== name) continue;
    if (score.kind === 'lookup') values.push(...Object.keys(score.levels).map(Number));
    const scale = ratingScale(score, cutoffsFor(scoreName, score, row, calibration), policy.moves.margin);
    for (const [index, entry] of (scale?.entry ?? []).entries()) {
      const gap = scale?.gap[index] ?? 0;
      for (const goodness of [entry - gap, entry, entry + gap]) values.push((scale?.sign ?? 1) * goodness);
    }
  }
  for (const condition of conditionsOf(policy)) {
    if (condition.of !== name) continue;
    if (condition.kind === 'range') values.push(condition.from ?? Number.NaN, condition.to ?? Number.NaN);
    if (condition.kind === 'oneOf') values.push(...condition.values.map(Number));
  }
  return values.filter(Number.isFinite);
};

/**
 * Values of an input at which a score that changes smoothly with it crosses what that score is compared with. Scores with
 * levels, and means of levels, change only where an input is compared itself. Found by bisection between probes.
 */
const crossings = (context: ExplainContext, name: string, from: number | null, step: number): readonly number[] => {
  const { row, policy, calibration } = context;
  const smooth = policy.scoreOrder.filter((score) => isSmooth(policy, scoreNamed(policy, score)));
  const targets = smooth
    .map((score) => ({ score, values: comparedWith(context, score) }))
    .filter(({ values }) => values.length > 0);
  if (targets.length === 0) return [];
  const scoresAt = (value: number): ScoreValues => scoreRow(withInput(row, name, value), policy, calibration);
  const probes = probesAround(from ?? 0, boundsOf(policy, name), comparedWith(context, name)).map((value) => ({
    value,
    scores: scoresAt(value),
  }));
  const found: number[] = [];
  for (const { score, values } of targets) {
    for (const bound of values) {
      for (const [index, probe] of probes.entries()) {
        const next = probes[index + 1];
        if (next === undefined) continue;
        const [a, b] = [probe.scores[score] ?? null, next.scores[score] ?? null];
        if (a === null || b === null || a === b) continue;
        const isPast = (value: number | null): boolean => value !== null && value >= bound;
        // Values equal to a bound may count on either side of it, so both edges of it are looked for.
        const isBeyond = (value: number | null): boolean => value !== null && value > bound;
        for (const test of [isPast, isBeyond]) {
          if (test(a) === test(b)) continue;
          found.push(
            bisect(probe.value, next.value, step, (value) => test(scoresAt(value)[score] ?? null) === test(a)),
          );
        }
      }
    }
  }
  return found;
};

const isSmooth = (policy: Policy, score: Score): boolean => {
  if (score.kind === 'satisfaction' || score.kind === 'note' || levelsOf(score) !== null) return false;
  if (score.kind !== 'weighted') return true;
  return Object.keys(score.parts).some((part) => isSmooth(policy, scoreNamed(policy, part)));
};

/** The value nearest below the end at which `isLikeStart` no longer holds, to within a step. */
const bisect = (start: number, end: number, step: number, isLikeStart: (value: number) => boolean): number => {
  let [low, high] = [start, end];
  for (let round = 0; round < 100 && high - low > step; round += 1) {
    const middle = low + (high - low) / 2;
    if (isLikeStart(middle)) low = middle;
    else high = middle;
  }
  return high;
};

/** Doubling distances from the value as it is, as far as amounts of money go. */
const probesAround = (
  from: number,
  [least, most]: readonly [least: number, most: number],
  extra: readonly number[],
): readonly number[] => {
  const probes = new Set<number>([from, 0, ...extra]);
  for (let distance = FINEST; distance < 1e13; distance *= 2) {
    probes.add(from + distance);
    probes.add(from - distance);
  }
  return [...probes].filter((value) => value >= least && value <= most).sort((a, b) => a - b);
};

/** Which segment each value of a missing input would lead to; neighbouring values with the same segment as one range. */
const outcomesOf = (context: ExplainContext, name: string, decide: (row: FrameRow) => string): IfKnown['outcomes'] => {
  const { row, policy } = context;
  const metric = Object.hasOwn(policy.metrics, name) ? policy.metrics[name] : undefined;
  const texts = textsToTry(policy, name);
  const numbers = metric?.unit === 'text' ? [] : numbersToTry(context, name, null);
  const ranges: { from?: number; to?: number; segment: string }[] = [];
  for (const value of numbers) {
    const segment = decide(withInput(row, name, value));
    const last = ranges.at(-1);
    if (last?.segment === segment) last.to = value;
    else ranges.push({ from: value, to: value, segment });
  }
  const [first, last] = [ranges[0], ranges.at(-1)];
  const [least, most] = boundsOf(policy, name);
  if (first !== undefined && least === Number.NEGATIVE_INFINITY) delete first.from;
  if (last !== undefined && most === Number.POSITIVE_INFINITY) delete last.to;
  const named = numbers.length > 0 ? [] : texts;
  return [
    ...ranges.map((range) => ({ kind: 'range' as const, ...range })),
    ...named.map(({ to, otherThan }) => {
      const segment = decide(withInput(row, name, to));
      return otherThan === undefined
        ? { kind: 'value' as const, value: to, segment }
        : { kind: 'otherThan' as const, values: otherThan, segment };
    }),
  ];
};
