import type { TraitValue } from './facts.ts';
import { HIGHEST_RATING, LOWEST_RATING } from './notes.ts';
import type { Condition, Dimension, Metric, Policy, Rule, Score } from './policy.ts';
import { levelOf } from './scores.ts';
import { holds } from './segments.ts';
import { inMajorUnits, levelsOf, roundScore, TRAIT_PREFIX } from './values.ts';

/**
 * What the rules of a policy can do, found by search and not by trying customers. It is about the standing that a policy
 * computes for a customer without a history: enter and leave gaps and waiting periods only delay it.
 *
 * How sure a verdict is: "impossible" and "shadowed" hold for every customer, since the search covers more than can occur.
 * "reachable" and "fallsThrough" come with an example that can occur: figures that depend on each other are either checked
 * (recency and tenure, numbers of purchases, levels and the figures they rank) or make the verdict "undecided". A level of a
 * quantile is relative to the other customers, so any level goes with any figure for some population, save that nobody is
 * above the lowest possible figure's class, and that two rankings of one figure must agree.
 */
export type ReachabilityFinding = {
  readonly dimension: string;
  /** What the finding is about; rules count from 1, cells have the levels of row and column from 1. */
  readonly target:
    | { readonly kind: 'rule'; readonly number: number }
    | { readonly kind: 'cell'; readonly row: number; readonly column: number }
    | { readonly kind: 'rest' };
  readonly segment: string;
} & (
  | { readonly verdict: 'reachable'; readonly example: Example }
  /** Another rule always comes first: the numbers of the rules that together take everybody. */
  | { readonly verdict: 'shadowed'; readonly by: readonly number[] }
  /** No customer can fulfil the conditions, whatever the other rules say. */
  | { readonly verdict: 'impossible' }
  | { readonly verdict: 'undecided'; readonly reason: UndecidedReason }
  /** A note on the rest class: it takes customers of whom everything is known. */
  | { readonly verdict: 'fallsThrough'; readonly example: Example }
);

export type UndecidedReason =
  | { readonly kind: 'limit'; readonly steps: number }
  /** These figures depend on each other in a way that the check does not know. */
  | { readonly kind: 'dependent'; readonly names: readonly string[] };

/** Values that lead to the target; what is not named does not matter. Null is missing. */
export interface Example {
  /** The named scores: levels, or the value of a score without levels. */
  readonly scores: Readonly<Record<string, number | null>>;
  /** Metrics in the unit in which they are kept (spend in minor units). */
  readonly metrics: Readonly<Record<string, TraitValue | null>>;
  readonly traits: Readonly<Record<string, TraitValue | null>>;
}

/** Steps of the search for one rule above which it is reported as undecided: one or two seconds with 200 rules. */
export const SEARCH_LIMIT = 300_000;

/** One finding for each rule or cell and for the rest class, and a note where customers without gaps fall into it. */
export const checkReachability = (policy: Policy): readonly ReachabilityFinding[] => {
  const model = modelOf(policy);
  return Object.entries(policy.dimensions).flatMap(([name, dimension]) => checkDimension(name, dimension, model));
};

/** Findings that a person should do something about. */
export const isTrouble = ({ verdict, target }: ReachabilityFinding): boolean =>
  (verdict === 'shadowed' || verdict === 'impossible') && target.kind !== 'rest';

const checkDimension = (name: string, { by }: Dimension, model: Model): ReachabilityFinding[] => {
  const decide = (
    target: ReachabilityFinding['target'],
    segment: string,
    when: readonly Condition[],
    earlier: readonly Rule[],
  ): ReachabilityFinding => ({ dimension: name, target, segment, ...verdictOf(when, earlier, model) });

  if (by.kind === 'matrix') {
    const cells = Object.entries(by.cells).flatMap(([row, line]) =>
      Object.entries(line).map(([column, segment]) =>
        decide(
          { kind: 'cell', row: Number(row), column: Number(column) },
          segment,
          cellConditions(by, row, column),
          [],
        ),
      ),
    );
    const rated: Rule = {
      segment: '',
      when: [by.rows, by.columns].map((of) => ({ kind: 'missing', of, missing: false })),
    };
    return [...cells, decide({ kind: 'rest' }, by.missing, [], [rated])];
  }
  const rules = by.rules.map((rule, index) =>
    decide({ kind: 'rule', number: index + 1 }, rule.segment, rule.when, by.rules.slice(0, index)),
  );
  const known = [...new Set(by.rules.flatMap((rule) => rule.when.map(({ of }) => of)))];
  const gap = search(
    known.map((of) => ({ kind: 'missing', of, missing: false })),
    by.rules,
    model,
  );
  const note: ReachabilityFinding[] =
    gap.kind === 'found'
      ? [{ dimension: name, target: { kind: 'rest' }, segment: by.rest, verdict: 'fallsThrough', example: gap.example }]
      : [];
  return [...rules, decide({ kind: 'rest' }, by.rest, [], by.rules), ...note];
};

const cellConditions = (
  by: { readonly rows: string; readonly columns: string },
  row: string,
  column: string,
): readonly Condition[] => [
  { kind: 'range', of: by.rows, from: Number(row), to: Number(row) },
  { kind: 'range', of: by.columns, from: Number(column), to: Number(column) },
];

type Verdict =
  | { readonly verdict: 'reachable'; readonly example: Example }
  | { readonly verdict: 'shadowed'; readonly by: readonly number[] }
  | { readonly verdict: 'impossible' }
  | { readonly verdict: 'undecided'; readonly reason: UndecidedReason };

const verdictOf = (when: readonly Condition[], earlier: readonly Rule[], model: Model): Verdict => {
  const found = search(when, earlier, model);
  switch (found.kind) {
    case 'found':
      return { verdict: 'reachable', example: found.example };
    case 'undecided':
      return { verdict: 'undecided', reason: found.reason };
    case 'none':
      return found.blockers.length === 0 ? { verdict: 'impossible' } : { verdict: 'shadowed', by: found.blockers };
  }
};

type Value = TraitValue | null;
const UNKNOWN = Symbol('unknown');
type Maybe = Value | typeof UNKNOWN;

/** One thing that varies freely, apart from the dependencies that `conflicts` knows. */
interface Leaf {
  readonly id: string;
  /** One value of every elementary region, missing included. */
  readonly values: readonly Value[];
  readonly about:
    | { readonly kind: 'trait'; readonly trait: string }
    | { readonly kind: 'metric'; readonly name: string; readonly metric: Metric }
    | { readonly kind: 'rank'; readonly name: string; readonly score: Ranking }
    /** A score without levels that is not computed here: satisfaction and the like. */
    | { readonly kind: 'free'; readonly name: string; readonly score: Score };
}

type Ranking = Extract<Score, { kind: 'quantile' | 'cumulativeShare' }>;
type Assignment = Map<string, Value>;

interface Model {
  readonly policy: Policy;
  readonly leaves: ReadonlyMap<string, Leaf>;
  /** Weighted scores with a part that has no levels: their value cannot be tried out on a grid. */
  readonly opaque: ReadonlySet<string>;
}

type Found =
  | { readonly kind: 'found'; readonly example: Example }
  | { readonly kind: 'none'; readonly blockers: readonly number[] }
  | { readonly kind: 'undecided'; readonly reason: UndecidedReason };

/**
 * Depth first over the leaves, those of the target first. A branch ends as soon as a condition of the target cannot hold or
 * an earlier rule does hold; conditions count as unknown until their leaves have values.
 */
const search = (when: readonly Condition[], earlier: readonly Rule[], model: Model): Found => {
  const order = [
    ...new Set([
      ...when.flatMap(({ of }) => leavesOf(of, model)),
      ...earlier.flatMap((rule) => rule.when.flatMap(({ of }) => leavesOf(of, model))),
    ]),
  ];
  const assigned: Assignment = new Map();
  const blockers = new Set<number>();
  let steps = 0;
  let dependent: readonly string[] | null = null;

  const visit = (): Example | null => {
    steps += 1;
    if (steps > SEARCH_LIMIT) return null;
    const target = allHold(when, assigned, model);
    if (target === false) return null;
    let isFree = true;
    if (target === true) {
      for (const [index, rule] of earlier.entries()) {
        const taken = allHold(rule.when, assigned, model);
        if (taken === true) {
          blockers.add(index + 1);
          return null;
        }
        if (taken !== false) isFree = false;
      }
    } else isFree = false;
    const next = isFree ? pendingSource(assigned, model) : order.find((id) => !assigned.has(id));
    if (next === undefined) {
      if (!isFree) return null;
      const names = dependents(assigned, model);
      if (names.length === 0) return exampleOf(assigned, [...when, ...earlier.flatMap((rule) => rule.when)], model);
      dependent ??= names;
      return null;
    }
    for (const value of model.leaves.get(next)?.values ?? []) {
      assigned.set(next, value);
      const example = conflicts(assigned, model) ? null : visit();
      if (example !== null) return example;
    }
    assigned.delete(next);
    return null;
  };
  const example = visit();
  if (example !== null) return { kind: 'found', example };
  if (steps > SEARCH_LIMIT) return { kind: 'undecided', reason: { kind: 'limit', steps: SEARCH_LIMIT } };
  if (dependent !== null) return { kind: 'undecided', reason: { kind: 'dependent', names: dependent } };
  const opaque = [...when, ...earlier.flatMap((rule) => rule.when)]
    .flatMap(({ of }) => scoresBehind(of, model.policy))
    .filter((name) => model.opaque.has(name));
  if (opaque.length > 0) return { kind: 'undecided', reason: { kind: 'dependent', names: [...new Set(opaque)] } };
  return { kind: 'none', blockers: [...blockers].sort((a, b) => a - b) };
};

const allHold = (when: readonly Condition[], assigned: Assignment, model: Model): boolean | null => {
  let isSure = true;
  for (const condition of when) {
    const value = valueNamed(condition.of, assigned, model);
    if (value === UNKNOWN) isSure = false;
    else if (!holds(condition, value)) return false;
  }
  return isSure ? true : null;
};

const scoreIn = (policy: Policy, name: string): Score | undefined =>
  Object.hasOwn(policy.scores, name) ? policy.scores[name] : undefined;
const metricIn = (policy: Policy, name: string): Metric | undefined =>
  Object.hasOwn(policy.metrics, name) ? policy.metrics[name] : undefined;

const isRanking = (score: Score): score is Ranking => score.kind === 'quantile' || score.kind === 'cumulativeShare';

const isFree = (score: Score): boolean =>
  !isRanking(score) && score.kind !== 'bands' && score.kind !== 'lookup' && score.kind !== 'weighted';

/** The leaf of a metric or a `trait.x`; a metric that is a trait as it stands shares the trait's leaf. */
const leafOfSource = (policy: Policy, name: string): string => {
  if (name.startsWith(TRAIT_PREFIX)) return `trait:${name.slice(TRAIT_PREFIX.length)}`;
  const metric = metricIn(policy, name);
  return metric?.kind === 'trait' ? `trait:${metric.trait}` : `metric:${name}`;
};

/** What a score, metric or trait depends on, itself included where it is a score. */
const scoresBehind = (name: string, policy: Policy): readonly string[] => {
  const score = scoreIn(policy, name);
  if (score === undefined) return [];
  const sources = score.kind === 'weighted' ? Object.keys(score.parts) : 'of' in score ? [score.of] : [];
  return [name, ...sources.flatMap((source) => scoresBehind(source, policy))];
};

const leavesOf = (name: string, model: Model): readonly string[] => {
  const { policy } = model;
  const score = scoreIn(policy, name);
  if (score === undefined) return [leafOfSource(policy, name)];
  const caps = score.caps.flatMap((cap) => Object.keys(cap.when).map((trait) => `trait:${trait}`));
  if (isRanking(score) || isFree(score)) return [`score:${name}`, ...caps];
  const sources = score.kind === 'weighted' ? Object.keys(score.parts) : 'of' in score ? [score.of] : [];
  return [...sources.flatMap((source) => leavesOf(source, model)), ...caps];
};

const valueNamed = (name: string, assigned: Assignment, model: Model): Maybe => {
  const { policy } = model;
  const score = scoreIn(policy, name);
  if (score !== undefined) return scoreValue(name, score, assigned, model);
  const id = leafOfSource(policy, name);
  const value = assigned.get(id);
  if (value === undefined) return UNKNOWN;
  const metric = metricIn(policy, name);
  if (metric?.kind !== 'trait' || value === null) return value;
  if (metric.unit === 'text') return String(value);
  return typeof value === 'number' ? value : null;
};

const scoreValue = (name: string, score: Score, assigned: Assignment, model: Model): Maybe => {
  const value = rawValue(name, score, assigned, model);
  if (typeof value !== 'number') return value;
  let lowest = value;
  for (const cap of score.caps) {
    if (cap.atMost >= value) continue;
    const matches = Object.entries(cap.when).map(([trait, values]) => {
      const given = assigned.get(`trait:${trait}`);
      return given === undefined ? UNKNOWN : given !== null && values.includes(String(given));
    });
    if (matches.includes(false)) continue;
    if (matches.includes(UNKNOWN)) return UNKNOWN;
    lowest = Math.min(lowest, cap.atMost);
  }
  return lowest;
};

const rawValue = (name: string, score: Score, assigned: Assignment, model: Model): Maybe => {
  if (isRanking(score) || isFree(score)) {
    const value = assigned.get(`score:${name}`);
    return value === undefined ? UNKNOWN : value;
  }
  switch (score.kind) {
    case 'bands': {
      const value = valueNamed(score.of, assigned, model);
      if (value === UNKNOWN) return UNKNOWN;
      return typeof value === 'number' ? levelOf(score, roundScore(value), score.cuts) : (score.missing ?? null);
    }
    case 'lookup': {
      const value = valueNamed(score.of, assigned, model);
      if (value === UNKNOWN) return value;
      if (value === null) return score.missing ?? null;
      const key = String(value);
      return (Object.hasOwn(score.levels, key) ? score.levels[key] : score.otherwise) ?? null;
    }
    case 'weighted':
      return weightedValue(score, assigned, model);
    default:
      return UNKNOWN;
  }
};

/** Parts without levels count as missing here: such a customer can occur, so examples stay true. */
const weightedValue = (score: Extract<Score, { kind: 'weighted' }>, assigned: Assignment, model: Model): Maybe => {
  let present = 0;
  let weights = 0;
  let sum = 0;
  for (const [part, weight] of Object.entries(score.parts)) {
    const partScore = scoreIn(model.policy, part);
    if (partScore === undefined || isFree(partScore)) continue;
    const value = scoreValue(part, partScore, assigned, model);
    if (value === UNKNOWN) return UNKNOWN;
    if (typeof value !== 'number') continue;
    present += 1;
    weights += weight;
    sum += weight * value;
  }
  return present < Math.max(1, score.needs) || weights === 0 ? null : roundScore(sum / weights);
};

/** A ranked figure that has no value yet although its level has: the example must have both. */
const pendingSource = (assigned: Assignment, model: Model): string | undefined => {
  for (const id of assigned.keys()) {
    const about = model.leaves.get(id)?.about;
    if (about?.kind !== 'rank') continue;
    const missing = leavesOf(about.score.of, model).find((source) => !assigned.has(source));
    if (missing !== undefined) return missing;
  }
  return undefined;
};

/** Whether the values assigned so far cannot belong to one customer. Never true for values that can. */
const conflicts = (assigned: Assignment, model: Model): boolean =>
  ranksConflict(assigned, model) || purchasesConflict(assigned, model);

const ranksConflict = (assigned: Assignment, model: Model): boolean => {
  const ranks: { readonly about: Extract<Leaf['about'], { kind: 'rank' }>; readonly level: number }[] = [];
  for (const [id, level] of assigned) {
    const about = model.leaves.get(id)?.about;
    if (about?.kind !== 'rank') continue;
    const { score } = about;
    const source = valueNamed(score.of, assigned, model);
    if (source !== UNKNOWN && typeof source !== 'number') {
      if (level !== (score.missing ?? null)) return true;
      continue;
    }
    if (source !== UNKNOWN && level === null) return true;
    if (typeof level !== 'number') continue;
    // The level of the missing says nothing of a value that is not known here yet.
    if (source === UNKNOWN && level === score.missing) continue;
    const fromBottom = score.kind === 'quantile' && score.better === 'low' ? score.n + 1 - level : level;
    if (typeof source === 'number' && fromBottom > 1) {
      // Rank classes count cut-offs below the value, and nothing is below the lowest; shares are of positive totals.
      if (score.kind === 'cumulativeShare' ? source <= 0 : source <= lowestOf(metricIn(model.policy, score.of)))
        return true;
    }
    ranks.push({ about, level: fromBottom });
  }
  return ranks.some((one, index) =>
    ranks.slice(index + 1).some((other) => {
      const [a, b] = [one.about.score, other.about.score];
      if (a.kind !== 'quantile' || b.kind !== 'quantile' || a.of !== b.of || a.within !== b.within) return false;
      if (a.smallestPartition !== b.smallestPartition && a.within !== undefined) return false;
      // The share of customers below must fit both classes: [(level-1)/n, level/n).
      return (one.level - 1) * b.n >= other.level * a.n || (other.level - 1) * a.n >= one.level * b.n;
    }),
  );
};

type PurchaseMetric = { readonly metric: Metric; readonly value: Value };

const purchaseFigures = (assigned: Assignment, model: Model): readonly PurchaseMetric[] =>
  [...assigned].flatMap(([id, value]) => {
    const about = model.leaves.get(id)?.about;
    return about?.kind === 'metric' && !about.metric.kind.startsWith('trait') ? [{ metric: about.metric, value }] : [];
  });

const isPlain = (metric: Metric): boolean => !('where' in metric && metric.where !== undefined);

const purchasesConflict = (assigned: Assignment, model: Model): boolean => {
  const figures = purchaseFigures(assigned, model);
  if (figures.length < 2) return false;
  // Missing for those who never bought, and known for everybody else.
  const tells = figures.filter(
    ({ metric }) =>
      metric.kind === 'orders' ||
      metric.kind === 'spend' ||
      metric.kind === 'tenureDays' ||
      (metric.kind === 'recencyDays' && isPlain(metric)),
  );
  const hasBought = tells.some(({ value }) => value !== null);
  if (hasBought && tells.some(({ value }) => value === null)) return true;
  if (tells.length > 0 && !hasBought && figures.some(({ value }) => value !== null)) return true;
  const numberOf = (kind: Metric['kind']): number | null => {
    const found = figures.find(({ metric }) => metric.kind === kind && isPlain(metric) && !('windowDays' in metric));
    return typeof found?.value === 'number' ? found.value : null;
  };
  const recency = numberOf('recencyDays');
  const tenure = numberOf('tenureDays');
  const orders = numberOf('orders');
  if (recency !== null && tenure !== null && (recency > tenure || (orders === 1 && recency !== tenure))) return true;
  if (orders === 0) return true;
  const counts = figures.flatMap(({ metric, value }) =>
    metric.kind === 'orders' && isPlain(metric) && typeof value === 'number'
      ? [{ days: metric.windowDays ?? Number.POSITIVE_INFINITY, value }]
      : [],
  );
  for (const { days, value } of counts) {
    if (recency !== null && value > 0 !== recency < days) return true;
    if (
      counts.some(
        (other) =>
          other.days > days && (other.value < value || (tenure !== null && tenure < days && other.value !== value)),
      )
    )
      return true;
  }
  return false;
};

const lowestOf = (metric: Metric | undefined): number => {
  switch (metric?.kind) {
    case 'orders':
      // Whoever has the figure has bought, and all purchases together are then at least one.
      return isPlain(metric) && metric.windowDays === undefined ? 1 : 0;
    case 'recencyDays':
    case 'tenureDays':
    case 'attributeShare':
      return 0;
    default:
      return Number.NEGATIVE_INFINITY;
  }
};

/** Names of figures in the example whose dependence on each other is not known; empty where the example surely can occur. */
const dependents = (assigned: Assignment, model: Model): readonly string[] => {
  const names = new Set<string>();
  const leaves = [...assigned.keys()].flatMap((id) => model.leaves.get(id) ?? []);
  const nameOf = (leaf: Leaf): string =>
    leaf.about.kind === 'trait' ? `${TRAIT_PREFIX}${leaf.about.trait}` : leaf.about.name;
  const addTogether = (group: readonly Leaf[]): void => {
    if (group.length > 1) for (const leaf of group) names.add(nameOf(leaf));
  };
  const traitsOf = ({ about }: Leaf): readonly string[] => {
    if (about.kind === 'trait') return [about.trait];
    if (about.kind !== 'metric' || !('trait' in about.metric)) return [];
    return about.metric.kind === 'traitRatio' ? [about.metric.trait, about.metric.dividedBy] : [about.metric.trait];
  };
  for (const trait of new Set(leaves.flatMap(traitsOf))) {
    addTogether(leaves.filter((leaf) => traitsOf(leaf).includes(trait)));
  }
  for (const leaf of leaves) {
    if (leaf.about.kind !== 'free' || leaf.about.score.kind !== 'shareOfTotal') continue;
    const sources = leavesOf(leaf.about.score.of, model);
    addTogether([leaf, ...leaves.filter((other) => sources.includes(other.id))]);
  }
  const isPurchase = ({ about }: Leaf): boolean =>
    (about.kind === 'metric' && !about.metric.kind.startsWith('trait')) ||
    (about.kind === 'free' && about.score.kind !== 'satisfaction' && about.score.kind !== 'note');
  const purchases = leaves.filter(isPurchase);
  const isUnderstood = ({ about }: Leaf): boolean =>
    about.kind === 'metric' &&
    isPlain(about.metric) &&
    ['recencyDays', 'tenureDays', 'orders', 'spend'].includes(about.metric.kind);
  const others = purchases.filter((leaf) => !isUnderstood(leaf));
  // One dominant value goes with any numbers of purchases as long as there is one in its window.
  const [only] = others;
  const isLoneAttribute =
    others.length === 1 &&
    only?.about.kind === 'metric' &&
    only.about.metric.kind === 'dominantAttribute' &&
    assigned.get(only.id) !== 'mixed' &&
    (assigned.get(only.id) === null || only.about.metric.windowDays === undefined);
  if (others.length > 0 && !isLoneAttribute) addTogether(purchases);
  const spends = purchases.filter(({ about }) => about.kind === 'metric' && about.metric.kind === 'spend');
  addTogether(
    spends.filter((leaf, _, all) => all.some((other) => other !== leaf && windowOf(other) === windowOf(leaf))),
  );
  const ranks = leaves.flatMap((leaf) => (leaf.about.kind === 'rank' ? [{ leaf, score: leaf.about.score }] : []));
  for (const { leaf, score } of ranks) {
    // A ranked score: which levels go with which values depends on what values it can take.
    if (scoreIn(model.policy, score.of) !== undefined) names.add(nameOf(leaf));
    addTogether(
      ranks
        .filter(
          (other) => other.score.of === score.of && score.kind === 'cumulativeShare' && other.score.kind === score.kind,
        )
        .map((one) => one.leaf),
    );
  }
  return [...names].sort();
};

const windowOf = ({ about }: Leaf): number =>
  (about.kind === 'metric' && 'windowDays' in about.metric ? about.metric.windowDays : undefined) ??
  Number.POSITIVE_INFINITY;

const exampleOf = (assigned: Assignment, conditions: readonly Condition[], model: Model): Example => {
  const { policy } = model;
  const scores: Record<string, number | null> = {};
  const metrics: Record<string, Value> = {};
  const traits: Record<string, Value> = {};
  for (const { of } of conditions) {
    const value = valueNamed(of, assigned, model);
    if (value !== UNKNOWN && scoreIn(policy, of) !== undefined) scores[of] = typeof value === 'number' ? value : null;
  }
  for (const [id, value] of assigned) {
    const about = model.leaves.get(id)?.about;
    if (about?.kind === 'metric') metrics[about.name] = value;
    if (about?.kind === 'trait') {
      traits[about.trait] = value;
      for (const [name, metric] of Object.entries(policy.metrics)) {
        if (metric.kind !== 'trait' || metric.trait !== about.trait) continue;
        const seen = valueNamed(name, assigned, model);
        if (seen !== UNKNOWN) metrics[name] = seen;
      }
    }
  }
  return { scores, metrics, traits };
};

const modelOf = (policy: Policy): Model => {
  const numbers = new Map<string, Set<number>>();
  const texts = new Map<string, Set<string>>();
  const note = <T>(into: Map<string, Set<T>>, id: string, values: readonly T[]): void => {
    into.set(id, new Set([...(into.get(id) ?? []), ...values]));
  };
  const ids = new Set<string>();
  const idOf = (name: string): string =>
    scoreIn(policy, name) === undefined ? leafOfSource(policy, name) : `score:${name}`;
  const noteNumbers = (name: string, values: readonly number[]): void => note(numbers, idOf(name), values);
  const noteTexts = (id: string, values: readonly string[]): void => {
    note(texts, id, values);
    note(
      numbers,
      id,
      values
        .filter((text) => text.trim() !== '' && String(Number(text)) === text && Number.isFinite(Number(text)))
        .map(Number),
    );
  };
  for (const [name, score] of Object.entries(policy.scores)) {
    ids.add(`score:${name}`);
    if ('of' in score) ids.add(idOf(score.of));
    if (score.kind === 'bands') noteNumbers(score.of, score.cuts);
    if (score.kind === 'lookup') noteTexts(idOf(score.of), Object.keys(score.levels));
    for (const cap of score.caps) {
      for (const [trait, values] of Object.entries(cap.when)) {
        ids.add(`trait:${trait}`);
        noteTexts(`trait:${trait}`, values);
      }
    }
  }
  for (const { by } of Object.values(policy.dimensions)) {
    if (by.kind !== 'rules') continue;
    for (const condition of by.rules.flatMap((rule) => rule.when)) {
      ids.add(idOf(condition.of));
      if (condition.kind === 'range')
        noteNumbers(
          condition.of,
          [condition.from, condition.to].filter((one) => one !== undefined),
        );
      if (condition.kind === 'oneOf') noteTexts(idOf(condition.of), condition.values.map(String));
    }
  }
  // Days, and numbers of purchases, are compared with each other, so they share their points.
  const shared = (kinds: readonly string[]): readonly number[] =>
    Object.entries(policy.metrics)
      .filter(([, metric]) => kinds.includes(metric.kind))
      .flatMap(([name, metric]) => [
        ...(numbers.get(`metric:${name}`) ?? []),
        ...(kinds.includes('recencyDays') && metric.kind === 'recencyDays' ? [0] : []),
      ]);
  const windows = Object.values(policy.metrics).flatMap((metric) =>
    'windowDays' in metric && metric.windowDays !== undefined ? [metric.windowDays] : [],
  );
  const days = [...shared(['recencyDays', 'tenureDays']), ...windows, 0];
  const counts = [...shared(['orders']), 0, 1];

  const leaves = new Map<string, Leaf>();
  for (const id of ids) {
    const name = id.slice(id.indexOf(':') + 1);
    const points = [...(numbers.get(id) ?? [])];
    if (id.startsWith('trait:')) {
      leaves.set(id, {
        id,
        about: { kind: 'trait', trait: name },
        values: traitValues(policy, name, points, [...(texts.get(id) ?? [])]),
      });
    } else if (id.startsWith('metric:')) {
      const metric = metricIn(policy, name);
      if (metric === undefined) continue;
      const more =
        metric.kind === 'recencyDays' || metric.kind === 'tenureDays' ? days : metric.kind === 'orders' ? counts : [];
      const values: readonly Value[] =
        metric.unit === 'text'
          ? textValues([...(texts.get(id) ?? []), ...(metric.kind === 'dominantAttribute' ? ['mixed'] : [])])
          : regions([...points, ...more, 0], gridOf(metric));
      leaves.set(id, { id, about: { kind: 'metric', name, metric }, values: [...values, null] });
    } else {
      const score = scoreIn(policy, name);
      if (score === undefined) continue;
      if (isRanking(score)) {
        const levels = Array.from({ length: levelsOf(score) ?? 0 }, (_, index) => index + 1);
        const values = score.missing === undefined ? [...levels, null] : levels;
        leaves.set(id, { id, about: { kind: 'rank', name, score }, values });
      } else if (isFree(score)) {
        leaves.set(id, {
          id,
          about: { kind: 'free', name, score },
          values: [...regions(points, { ...rangeOf(score), isWhole: false }), null],
        });
      }
    }
  }
  const opaque = Object.keys(policy.scores).filter((name) => {
    const score = scoreIn(policy, name);
    return (
      score?.kind === 'weighted' &&
      Object.keys(score.parts).some((part) => {
        const one = scoreIn(policy, part);
        return (
          one !== undefined &&
          (isFree(one) || scoresBehind(part, policy).some((behind) => isOpenWeighted(behind, policy)))
        );
      })
    );
  });
  return { policy, leaves, opaque: new Set(opaque) };
};

const isOpenWeighted = (name: string, policy: Policy): boolean => {
  const score = scoreIn(policy, name);
  return (
    score?.kind === 'weighted' &&
    Object.keys(score.parts).some((part) => {
      const one = scoreIn(policy, part);
      return one !== undefined && isFree(one);
    })
  );
};

/** The values that a continuous score can take; what shrank has a negative share of the growth. */
const rangeOf = (score: Score): { readonly from?: number; readonly to?: number } => {
  if (score.kind === 'satisfaction') return { from: 0, to: 100 };
  if (score.kind === 'note') return { from: LOWEST_RATING, to: HIGHEST_RATING };
  return score.kind === 'shareOfTotal' ? { to: 1 } : { from: 0 };
};

interface Grid {
  readonly from?: number;
  readonly to?: number;
  readonly isWhole: boolean;
}

const gridOf = (metric: Metric): Grid => {
  const isWhole = metric.unit === 'days' || metric.unit === 'count' || metric.kind === 'spend';
  const lowest = lowestOf(metric);
  return {
    isWhole,
    ...(Number.isFinite(lowest) ? { from: lowest } : {}),
    ...(metric.kind === 'attributeShare' ? { to: 1 } : {}),
  };
};

/** Each bound, and a value between each two and beyond the outer ones, as far as there are such values. Negative ones last. */
const regions = (bounds: readonly number[], { from, to, isWhole }: Grid): readonly number[] => {
  const sorted = [...new Set(bounds.map(roundScore))].sort((a, b) => a - b);
  const first = sorted[0] ?? 0;
  const last = sorted.at(-1) ?? 0;
  const between = sorted.slice(1).map((bound, index) => {
    const middle = ((sorted[index] ?? bound) + bound) / 2;
    return isWhole ? Math.floor(middle) : roundScore(middle);
  });
  const fractions = isWhole ? sorted.flatMap((bound) => [Math.floor(bound), Math.ceil(bound)]) : sorted;
  const below = isWhole ? Math.ceil(first) - 1 : first - 1;
  const above = isWhole ? Math.floor(last) + 1 : last + 1;
  const halves = [
    ...(from === undefined || isWhole ? [] : [from, roundScore((from + first) / 2)]),
    ...(to === undefined ? [] : [to, roundScore((to + last) / 2)]),
  ];
  return [...new Set([...fractions, ...between, below, above, ...halves])]
    .filter((value) => (from === undefined || value >= from) && (to === undefined || value <= to))
    .sort((a, b) => Number(a < 0) - Number(b < 0) || a - b);
};

/** The listed texts, and one that is none of them. */
const textValues = (listed: readonly string[]): readonly string[] => {
  const values = [...new Set(listed)];
  let other = 'other';
  while (values.includes(other)) other = `${other}_`;
  return [...values, other];
};

const traitValues = (
  policy: Policy,
  trait: string,
  points: readonly number[],
  texts: readonly string[],
): readonly Value[] => {
  const metrics = Object.values(policy.metrics).filter((metric) => metric.kind === 'trait' && metric.trait === trait);
  const isNumber = points.length > 0 || metrics.some((metric) => metric.unit !== 'text');
  const isWhole = metrics.length > 0 && metrics.every((metric) => metric.unit === 'days' || metric.unit === 'count');
  const isText = texts.length > 0 || !isNumber || metrics.some((metric) => metric.unit === 'text');
  return [...(isNumber ? regions(points, { isWhole }) : []), ...(isText ? textValues(texts) : []), null];
};

/** One sentence on a finding for the person who wrote the policy. */
export const describeFinding = (finding: ReachabilityFinding, policy: Policy, lang: 'en' | 'zh'): string => {
  const isEnglish = lang === 'en';
  const dimension = policy.dimensions[finding.dimension];
  const segment = dimension?.segments[finding.segment]?.label[lang] ?? finding.segment;
  const { target } = finding;
  const subject = ((): string => {
    if (target.kind === 'rule')
      return isEnglish ? `rule ${target.number} (${segment})` : `规则 ${target.number}（${segment}）`;
    if (target.kind === 'rest') return isEnglish ? `the rest class (${segment})` : `其余类（${segment}）`;
    const [rows, columns] = dimension?.by.kind === 'matrix' ? [dimension.by.rows, dimension.by.columns] : ['', ''];
    return isEnglish
      ? `the cell ${rows} ${target.row}, ${columns} ${target.column} (${segment})`
      : `单元格 ${rows} ${target.row}、${columns} ${target.column}（${segment}）`;
  })();
  const where = isEnglish ? `${finding.dimension}: ${subject}` : `${finding.dimension}：${subject}`;
  switch (finding.verdict) {
    case 'reachable':
      return isEnglish
        ? `${where} can be reached, for example with ${describeExample(finding.example, policy, lang)}`
        : `${where}可以达到，例如：${describeExample(finding.example, policy, lang)}`;
    case 'shadowed': {
      const rules = finding.by.join(isEnglish ? ', ' : '、');
      if (target.kind === 'rest')
        return isEnglish
          ? `${where} stays empty: the rules take everybody`
          : `${where}始终为空：所有客户均已被规则归类`;
      return isEnglish
        ? `${where} never decides: ${finding.by.length === 1 ? `rule ${rules} always comes` : `rules ${rules} always come`} first; move it up, or narrow what comes before`
        : `${where}从不生效：规则 ${rules} 总是先匹配；请将其提前，或收窄前面的规则`;
    }
    case 'impossible':
      return isEnglish
        ? `${where} can never hold: its conditions contradict each other; correct them or remove it`
        : `${where}不可能成立：条件相互矛盾；请更正或删除`;
    case 'undecided':
      return finding.reason.kind === 'limit'
        ? isEnglish
          ? `${where} is undecided: the search stopped after ${finding.reason.steps} steps; use fewer or simpler conditions`
          : `${where}无法判定：搜索在 ${finding.reason.steps} 步后停止；请减少或简化条件`
        : isEnglish
          ? `${where} is undecided: ${finding.reason.names.join(', ')} depend on each other in a way that this check does not know`
          : `${where}无法判定：${finding.reason.names.join('、')} 之间的依赖关系超出本检查的范围`;
    case 'fallsThrough':
      return isEnglish
        ? `${where} also takes customers of whom nothing is missing, for example with ${describeExample(finding.example, policy, lang)}`
        : `${where}也包含数据完整的客户，例如：${describeExample(finding.example, policy, lang)}`;
  }
};

/** The values of an example in one line; `any customer` where none matters. */
export const describeExample = (example: Example, policy: Policy, lang: 'en' | 'zh'): string => {
  const shown = (value: Value): string => (value === null ? (lang === 'en' ? 'missing' : '缺失') : String(value));
  const usedTraits = new Set(
    Object.values(policy.metrics).flatMap((metric) => (metric.kind === 'trait' ? [metric.trait] : [])),
  );
  const parts = [
    ...Object.entries(example.scores),
    ...Object.entries(example.metrics).map(([name, value]): [string, Value] => {
      const metric = policy.metrics[name];
      return [
        name,
        typeof value === 'number' && metric !== undefined ? inMajorUnits(metric, value, policy.currency) : value,
      ];
    }),
    ...Object.entries(example.traits).flatMap(([name, value]): [string, Value][] =>
      usedTraits.has(name) ? [] : [[`${TRAIT_PREFIX}${name}`, value]],
    ),
  ].map(([name, value]) => `${name} ${shown(value)}`);
  if (parts.length === 0) return lang === 'en' ? 'any customer' : '任意客户';
  return parts.join(lang === 'en' ? ', ' : '，');
};
