import * as z from 'zod/mini';
import type {
  Brakes,
  Cap,
  Condition,
  Dimension,
  ExitRule,
  Label,
  Metric,
  MoveRules,
  Policy,
  Rule,
  Score,
  Segment,
  ServicePlans,
  ServiceTerms,
  SurveyRule,
  UpgradeRule,
} from './policy.ts';
import {
  METRICS,
  type PURCHASE_FIGURES,
  SCORES,
  WrittenBrakes,
  WrittenCap,
  WrittenDimension,
  WrittenExit,
  WrittenExpectation,
  WrittenFlags,
  WrittenLabel,
  WrittenList,
  WrittenMatrix,
  WrittenMoves,
  WrittenNote,
  WrittenPolicy,
  WrittenRange,
  WrittenRule,
  WrittenSatisfaction,
  WrittenSurvey,
  WrittenTerms,
  WrittenUpgrade,
} from './policy-schema.ts';
import { settledScores } from './segments.ts';
import { inKeptUnits, levelsOf, TRAIT_PREFIX } from './values.ts';

export type PathStep = string | number;
type Path = readonly PathStep[];

export interface Problem {
  readonly path: Path;
  /** Whether the trouble is the key itself and not its value. */
  readonly atKey: boolean;
  readonly problem: string;
  readonly cure: string;
}

export interface Resolved {
  /** null where there are problems. */
  readonly policy: Policy | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

const DEFAULT_MOVES: MoveRules = { margin: 0.05, downgradeAfterPeriods: 2, coolingOffMonths: 3 };
const DEFAULT_BRAKES: Brakes = {
  movedShare: 0.15,
  flagShare: 0.02,
  inputDropShare: 0.1,
  staleInputDays: 35,
  emptiedSegment: 'hold',
  quarantineShare: 0.01,
};
const DEFAULT_SURVEY = {
  atLeast: 30,
  priority: 50,
  dailyQuotaShare: 0.8,
  sendWithinDays: 14,
  reminderDays: 5,
  closesAfterDays: 21,
  contactEveryDays: 90,
  caseDueHours: 24,
  weightInScore: 0,
} as const;
const DEFAULT_ANSWER_DAYS = 7;
const DEFAULT_FLAG = { perManager: 10, expiresDays: 60 } as const;
const DEFAULT_PARTITION = 50;
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,59}$/;
const THREE_LEVELS = ['low', 'medium', 'high'] as const;

/** How levels are called in a matrix: three are low, medium, high; otherwise their numbers. Worst first. */
export const levelNames = (levels: number): readonly string[] =>
  levels === 3 ? THREE_LEVELS : Array.from({ length: levels }, (_, index) => String(index + 1));

/** Turns the written form into a policy: names resolved, defaults filled in. Finds every problem it can. */
export const resolvePolicy = (source: unknown, hash: string): Resolved => {
  const notes = newNotes();
  const written = notes.check(WrittenPolicy, source, []);
  // A key that is missing or wrong does not hide what is wrong elsewhere.
  const raw = written ?? (isRecord(source) ? source : {});

  const name = textOf(raw['policy']);
  if (name !== undefined && !NAME.test(name)) {
    notes.add(['policy'], `the name ${quote(name)} is not usable`, NAME_CURE);
  }
  const title = labelOf(notes, raw['title'], ['title'], name ?? 'policy');
  checkTimeZone(notes, textOf(raw['timeZone']));
  checkCurrency(notes, textOf(raw['currency']));
  const metrics = resolveMetrics(notes, raw['metrics']);
  const survey = raw['survey'] === undefined ? undefined : notes.check(WrittenSurvey, raw['survey'], ['survey']);
  const weightInScore = survey?.weightInScore ?? DEFAULT_SURVEY.weightInScore;
  const { scores, scoreOrder } = resolveScores(notes, raw['scores'], metrics, weightInScore);
  const known: Known = { metrics, scores };
  const dimensions = resolveDimensions(notes, raw['dimensions'], known);

  const mainDimension = textOf(raw['mainDimension']) ?? Object.keys(dimensions)[0];
  const main = mainDimension === undefined ? undefined : own(dimensions, mainDimension);
  if (mainDimension !== undefined && main === undefined && raw['mainDimension'] !== undefined) {
    notes.add(
      ['mainDimension'],
      `there is no dimension ${quote(mainDimension)}`,
      nearest(mainDimension, Object.keys(dimensions)),
    );
  }
  const valueMetric = textOf(raw['valueMetric']);
  if (valueMetric !== undefined) {
    const metric = own(metrics, valueMetric);
    if (metric === undefined) {
      notes.add(
        ['valueMetric'],
        `there is no metric ${quote(valueMetric)}`,
        nearest(valueMetric, Object.keys(metrics)),
      );
    } else if (metric.unit === 'text') {
      notes.add(['valueMetric'], `metric ${valueMetric} is a text and says no value`, 'name a metric that is a number');
    }
  }
  const moves: MoveRules = {
    ...DEFAULT_MOVES,
    ...defined((raw['moves'] === undefined ? undefined : notes.check(WrittenMoves, raw['moves'], ['moves'])) ?? {}),
  };
  const brakes: Brakes = {
    ...DEFAULT_BRAKES,
    ...defined((raw['brakes'] === undefined ? undefined : notes.check(WrittenBrakes, raw['brakes'], ['brakes'])) ?? {}),
  };
  const base = { metrics, scores, scoreOrder, dimensions, moves };
  const flags = resolveFlags(notes, raw['flags'], main, base);
  const service = resolveService(notes, raw['service'], dimensions, mainDimension);
  const surveyRule = resolveSurvey(notes, survey, main);
  warnOf(notes, base, weightInScore);

  const policy: Policy | null =
    notes.problems.length > 0 || written === undefined || mainDimension === undefined
      ? null
      : {
          name: written.policy,
          version: hash.slice(0, 12),
          hash,
          title,
          timeZone: written.timeZone,
          currency: written.currency,
          ...base,
          ...inKeptMoney(base, written.currency),
          mainDimension,
          valueMetric: written.valueMetric,
          flags,
          service,
          ...(surveyRule === undefined ? {} : { survey: surveyRule }),
          brakes,
          source,
        };
  return { policy, problems: notes.problems, warnings: notes.warnings };
};

interface Known {
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly scores: Readonly<Record<string, Score>>;
}

type Base = Pick<Policy, 'metrics' | 'scores' | 'scoreOrder' | 'dimensions' | 'moves'>;

/** People write money in whole units, spend is kept in minor ones: cut points and ranges of spend follow it. */
const inKeptMoney = ({ metrics, scores, dimensions }: Base, currency: string): Pick<Base, 'scores' | 'dimensions'> => {
  const kept = (of: string, value: number): number => {
    const metric = own(metrics, of);
    return metric === undefined ? value : inKeptUnits(metric, value, currency);
  };
  const keptScore = (score: Score): Score =>
    score.kind === 'bands' ? { ...score, cuts: score.cuts.map((cut) => kept(score.of, cut)) } : score;
  const keptCondition = (condition: Condition): Condition =>
    condition.kind === 'range'
      ? {
          ...condition,
          ...(condition.from === undefined ? {} : { from: kept(condition.of, condition.from) }),
          ...(condition.to === undefined ? {} : { to: kept(condition.of, condition.to) }),
        }
      : condition;
  const keptDimension = (dimension: Dimension): Dimension =>
    dimension.by.kind === 'rules'
      ? {
          ...dimension,
          by: {
            ...dimension.by,
            rules: dimension.by.rules.map((rule) => ({ ...rule, when: rule.when.map(keptCondition) })),
          },
        }
      : dimension;
  const each = <T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
  return { scores: each(scores, keptScore), dimensions: each(dimensions, keptDimension) };
};

const NAME_CURE = 'use letters, digits, - and _, starting with a letter, at most 60 characters';

const resolveMetrics = (notes: Notes, written: unknown): Record<string, Metric> => {
  const metrics: Record<string, Metric> = {};
  for (const [name, value] of notes.named(written, ['metrics'], 'metric')) {
    const path = ['metrics', name];
    const kind = notes.kindOf(value, path, Object.keys(METRICS), 'metric');
    const metric = kind === undefined ? undefined : resolveMetric(notes, name, kind, value, path);
    if (metric !== undefined) metrics[name] = metric;
  }
  return metrics;
};

const resolveMetric = (notes: Notes, name: string, kind: string, value: unknown, path: Path): Metric | undefined => {
  switch (kind) {
    case 'trait': {
      const metric = notes.check(METRICS.trait, value, path);
      return metric && { ...labelled(metric, name), unit: metric.unit ?? 'number', kind, trait: metric.trait };
    }
    case 'traitChange': {
      const metric = notes.check(METRICS.traitChange, value, path);
      if (metric === undefined) return undefined;
      const relative = metric.relative ?? false;
      return {
        ...labelled(metric, name),
        unit: metric.unit ?? (relative ? 'ratio' : 'number'),
        kind,
        trait: metric.traitChange,
        months: metric.months,
        relative,
      };
    }
    case 'traitMean': {
      const metric = notes.check(METRICS.traitMean, value, path);
      return (
        metric && {
          ...labelled(metric, name),
          unit: metric.unit ?? 'number',
          kind,
          trait: metric.traitMean,
          months: metric.months,
        }
      );
    }
    case 'traitRatio': {
      const metric = notes.check(METRICS.traitRatio, value, path);
      if (metric === undefined) return undefined;
      const { traitRatio: trait, dividedBy } = metric;
      if (trait === dividedBy) {
        notes.add(
          [...path, 'dividedBy'],
          `${trait} divided by itself is always 1`,
          'name the trait that holds the whole',
        );
      }
      return { ...labelled(metric, name), unit: metric.unit ?? 'ratio', kind, trait, dividedBy };
    }
    case 'traitAgeDays': {
      const metric = notes.check(METRICS.traitAgeDays, value, path);
      return metric && { ...labelled(metric, name), unit: 'days', kind, trait: metric.traitAgeDays };
    }
    default:
      return resolvePurchaseMetric(notes, name, value, path);
  }
};

const PURCHASE_KEYS: Readonly<Record<(typeof PURCHASE_FIGURES)[number], { needs: string[]; may: string[] }>> = {
  recencyDays: { needs: [], may: ['where'] },
  orders: { needs: [], may: ['windowDays', 'where'] },
  spend: { needs: [], may: ['windowDays', 'where'] },
  tenureDays: { needs: [], may: [] },
  spendGrowth: { needs: ['windowDays'], may: ['against', 'where'] },
  ordersGrowth: { needs: ['windowDays'], may: ['against', 'where'] },
  attributeShare: { needs: ['attribute', 'values'], may: ['windowDays', 'where'] },
  dominantAttribute: { needs: ['attribute'], may: ['atLeastShare', 'windowDays', 'where'] },
};

const resolvePurchaseMetric = (notes: Notes, name: string, value: unknown, path: Path): Metric | undefined => {
  const metric = notes.check(METRICS.purchases, value, path);
  if (metric === undefined) return undefined;
  const { needs, may } = PURCHASE_KEYS[metric.purchases];
  const given = Object.keys(metric).filter((key) => !['purchases', 'en', 'zh'].includes(key));
  for (const key of needs.filter((needed) => !given.includes(needed))) {
    notes.add(path, `${metric.purchases} needs ${key}`, `add ${key}`);
  }
  for (const key of given.filter((one) => !needs.includes(one) && !may.includes(one))) {
    const allowed = [...needs, ...may];
    notes.addKey(
      [...path, key],
      `${metric.purchases} takes no ${key}`,
      allowed.length === 0 ? 'remove it' : `remove it; allowed are ${allowed.join(', ')}`,
    );
  }
  const label = labelled(metric, name);
  const window = metric.windowDays === undefined ? {} : { windowDays: metric.windowDays };
  const where = metric.where === undefined ? {} : { where: textLists(metric.where) };
  const attribute = metric.attribute ?? '';
  switch (metric.purchases) {
    case 'recencyDays':
      return { ...label, unit: 'days', kind: 'recencyDays', ...where };
    case 'tenureDays':
      return { ...label, unit: 'days', kind: 'tenureDays' };
    case 'orders':
      return { ...label, unit: 'count', kind: 'orders', ...window, ...where };
    case 'spend':
      return { ...label, unit: 'money', kind: 'spend', ...window, ...where };
    case 'spendGrowth':
    case 'ordersGrowth': {
      const windowDays = metric.windowDays ?? 365;
      const against = metric.against ?? 'windowBefore';
      if (against === 'sameSeasonLastYear' && windowDays > 365) {
        notes.add(
          [...path, 'windowDays'],
          `a window of ${windowDays} days and the same season of last year overlap`,
          'use at most 365 days, or against: windowBefore',
        );
      }
      return { ...label, unit: 'ratio', kind: metric.purchases, windowDays, against, ...where };
    }
    case 'attributeShare':
      return {
        ...label,
        unit: 'ratio',
        kind: 'attributeShare',
        attribute,
        values: (metric.values ?? []).map(String),
        ...window,
        ...where,
      };
    case 'dominantAttribute':
      return {
        ...label,
        unit: 'text',
        kind: 'dominantAttribute',
        attribute,
        atLeastShare: metric.atLeastShare ?? 0,
        ...window,
        ...where,
      };
  }
};

const resolveScores = (
  notes: Notes,
  written: unknown,
  metrics: Readonly<Record<string, Metric>>,
  weightInScore: number,
): { scores: Record<string, Score>; scoreOrder: readonly string[] } => {
  const scores: Record<string, Score> = {};
  const named = notes.named(written, ['scores'], 'score');
  const names = named.map(([name]) => name);
  for (const [name, value] of named) {
    const path = ['scores', name];
    if (own(metrics, name) !== undefined) {
      notes.addKey(path, `${quote(name)} names a metric and a score`, 'rename one of them, so that rules are clear');
    }
    const kind = notes.kindOf(value, path, Object.keys(SCORES), 'score');
    const score = kind === undefined ? undefined : resolveScore(notes, name, kind, value, path);
    if (score !== undefined) scores[name] = score;
  }
  for (const [name, score] of Object.entries(scores)) checkSource(notes, name, score, metrics, names);
  const scoreOrder = orderScores(notes, scores);
  return { scores: weighSatisfaction(notes, scores, weightInScore, names), scoreOrder };
};

const resolveScore = (notes: Notes, name: string, kind: string, value: unknown, path: Path): Score | undefined => {
  const parts = <T extends { en?: string | undefined; zh?: string | undefined; caps?: unknown }>(score: T) => ({
    ...labelled(score, name),
    caps: resolveCaps(notes, score.caps, [...path, 'caps']),
  });
  const missing = (score: { missing?: number | undefined }) =>
    score.missing === undefined ? {} : { missing: score.missing };
  const partition = (
    score: { within?: string | undefined; smallestPartition?: number | undefined },
    smallest = DEFAULT_PARTITION,
  ) => {
    if (score.smallestPartition !== undefined && score.within === undefined) {
      notes.addKey(
        [...path, 'smallestPartition'],
        'smallestPartition without within has no effect',
        'add within, such as within: branch, or remove it',
      );
    }
    return {
      ...(score.within === undefined ? {} : { within: score.within.replace(/^trait\./, '') }),
      smallestPartition: score.smallestPartition ?? smallest,
    };
  };
  switch (kind) {
    case 'quantile': {
      const score = notes.check(SCORES.quantile, value, path);
      if (score === undefined) return undefined;
      const { quantile: n, of } = score;
      return { ...parts(score), kind, of, n, better: score.better ?? 'high', ...partition(score), ...missing(score) };
    }
    case 'cumulativeShare': {
      const score = notes.check(SCORES.cumulativeShare, value, path);
      if (score === undefined) return undefined;
      const shares = score.cumulativeShare;
      checkAscending(notes, shares, [...path, kind], 'share');
      for (const [index, share] of shares.entries()) {
        if (share <= 0 || share >= 1) {
          notes.add(
            [...path, kind, index],
            `share ${share} is out of range`,
            'use shares above 0 and below 1, such as [0.8, 0.95]',
          );
        }
      }
      return { ...parts(score), kind, of: score.of, shares, ...partition(score), ...missing(score) };
    }
    case 'bands': {
      const score = notes.check(SCORES.bands, value, path);
      if (score === undefined) return undefined;
      checkAscending(notes, score.bands, [...path, kind], 'cut point');
      const better = score.better ?? 'high';
      return { ...parts(score), kind, of: score.of, cuts: score.bands, better, ...missing(score) };
    }
    case 'lookup': {
      const score = notes.check(SCORES.lookup, value, path);
      if (score === undefined) return undefined;
      if (Object.keys(score.lookup).length === 0)
        notes.add(
          [...path, kind],
          'the list of values is empty',
          'give a level for each value, such as { city: 1, resort: 2 }',
        );
      const otherwise = score.otherwise === undefined ? {} : { otherwise: score.otherwise };
      return { ...parts(score), kind, of: score.of, levels: { ...score.lookup }, ...otherwise, ...missing(score) };
    }
    case 'weighted': {
      const score = notes.check(SCORES.weighted, value, path);
      if (score === undefined) return undefined;
      const weights: Record<string, number> = {};
      for (const [part, weight] of Object.entries(score.weighted)) {
        if (weight === BY_SURVEY) weights[part] = 0;
        else if (typeof weight !== 'number' || !(weight > 0) || !Number.isFinite(weight)) {
          notes.add(
            [...path, kind, part],
            `weight ${show(weight)} of ${part} is not positive`,
            'give a number above 0, or remove the part',
          );
        } else weights[part] = weight;
      }
      if (Object.keys(score.weighted).length === 0)
        notes.add([...path, kind], 'there is nothing to weigh', 'name at least one score with its weight');
      return { ...parts(score), kind, parts: weights, needs: score.needs ?? 1 };
    }
    case 'shareOfTotal': {
      const score = notes.check(SCORES.shareOfTotal, value, path);
      return score && { ...parts(score), kind, of: score.of, ...partition(score, 1) };
    }
    case 'expectedPurchases': {
      const score = notes.check(SCORES.expectedPurchases, value, path);
      const rule = score && notes.check(WrittenExpectation, score.expectedPurchases, [...path, kind]);
      return score && rule && { ...parts(score), kind, horizonDays: rule.horizonDays };
    }
    case 'note': {
      const score = notes.check(SCORES.note, value, path);
      const rule = score && notes.check(WrittenNote, score.note, [...path, kind]);
      return score && rule && { ...parts(score), kind, about: rule.about, halfLifeDays: rule.halfLifeDays ?? 365 };
    }
    default: {
      const score = notes.check(SCORES.satisfaction, value, path);
      const rule = score && notes.check(WrittenSatisfaction, score.satisfaction ?? {}, [...path, 'satisfaction']);
      if (score === undefined || rule === undefined) return undefined;
      return {
        ...parts(score),
        kind: 'satisfaction',
        halfLifeDays: rule.halfLifeDays ?? 180,
        shrinkage: rule.shrinkage ?? 2,
      };
    }
  }
};

/** The weight of a satisfaction score in a weighted mean: `survey.weightInScore` says it, in one place. */
const BY_SURVEY = 'survey';

/** What people say counts for at most so much of a weighted score; as with the survey, figures decide. Ours. */
const MOST_OF_NOTES = 0.25;

const weighSatisfaction = (
  notes: Notes,
  scores: Readonly<Record<string, Score>>,
  weightInScore: number,
  names: readonly string[],
): Record<string, Score> => {
  const weighed: Record<string, Score> = {};
  for (const [name, score] of Object.entries(scores)) {
    if (score.kind !== 'weighted') {
      weighed[name] = score;
      continue;
    }
    const path = ['scores', name, 'weighted'];
    const parts: Record<string, number> = {};
    let others = 0;
    let count = 0;
    let said = 0;
    for (const [part, weight] of Object.entries(score.parts)) {
      const partScore = own(scores, part);
      if (partScore === undefined) {
        if (!names.includes(part))
          notes.addKey([...path, part], `there is no score ${quote(part)}`, nearest(part, names));
      } else if (partScore.kind !== 'satisfaction') {
        if (weight === 0)
          notes.add(
            [...path, part],
            `only a satisfaction score takes its weight from the survey, and ${part} is none`,
            'give a number above 0',
          );
        parts[part] = weight;
        if (partScore.kind === 'note') said += weight;
        else count += 1;
        others += weight;
      } else if (weight !== 0) {
        notes.add(
          [...path, part],
          `the weight of ${part} is written twice`,
          `write ${part}: survey; survey.weightInScore says how much, at most 0.25`,
        );
      }
    }
    for (const part of Object.keys(score.parts)) {
      if (own(scores, part)?.kind === 'satisfaction' && weightInScore > 0) {
        parts[part] = (others * weightInScore) / (1 - weightInScore);
      }
    }
    if (said > MOST_OF_NOTES * others) {
      notes.add(
        path,
        `notes weigh ${Math.round((said / others) * 100)} % of ${name}`,
        `give them at most ${MOST_OF_NOTES * 100} % of all weights, such as 10 beside 40 and 40`,
      );
    }
    if (score.needs > Math.max(1, count)) {
      notes.add(
        ['scores', name, 'needs'],
        `needs ${score.needs} parts, but there are ${count} besides notes and the survey`,
        `use a number from 1 to ${Math.max(1, count)}`,
      );
    }
    weighed[name] = { ...score, parts };
  }
  return weighed;
};

const resolveCaps = (notes: Notes, written: unknown, path: Path): readonly Cap[] => {
  if (written === undefined) return [];
  if (!Array.isArray(written)) {
    notes.add(path, 'caps must be a list', 'write - { when: { industry: [steel] }, atMost: 1 }');
    return [];
  }
  return written.flatMap((one: unknown, index) => {
    const cap = notes.check(WrittenCap, one, [...path, index]);
    if (cap === undefined) return [];
    if (Object.keys(cap.when).length === 0) {
      notes.add(
        [...path, index, 'when'],
        'a cap without a condition holds for everybody',
        'name a trait and its values, such as { industry: [steel] }',
      );
    }
    return [{ when: textLists(cap.when), atMost: cap.atMost }];
  });
};

const checkSource = (
  notes: Notes,
  name: string,
  score: Score,
  metrics: Readonly<Record<string, Metric>>,
  names: readonly string[],
): void => {
  const levels = levelsOf(score);
  for (const [index, cap] of score.caps.entries()) {
    if (levels !== null && (cap.atMost > levels || !Number.isInteger(cap.atMost))) {
      notes.add(
        ['scores', name, 'caps', index, 'atMost'],
        `${cap.atMost} is no level of ${name}`,
        `use a level from 1 to ${levels}`,
      );
    }
  }
  if ('missing' in score && score.missing !== undefined && levels !== null && score.missing > levels) {
    notes.add(
      ['scores', name, 'missing'],
      `${score.missing} is no level of ${name}`,
      `use a level from 1 to ${levels}, or leave missing out so that missing stays missing`,
    );
  }
  if (!('of' in score)) return;
  const path = ['scores', name, 'of'];
  if (score.of.startsWith(TRAIT_PREFIX) && score.of.length > TRAIT_PREFIX.length) return;
  const metric = own(metrics, score.of);
  if (metric === undefined && (!names.includes(score.of) || score.kind === 'lookup')) {
    const candidates = score.kind === 'lookup' ? Object.keys(metrics) : [...Object.keys(metrics), ...names];
    notes.add(
      path,
      `there is no metric${score.kind === 'lookup' ? '' : ' or score'} ${quote(score.of)}`,
      nearest(score.of, candidates, 'define it under metrics, or write trait.x for a trait'),
    );
    return;
  }
  if (metric?.unit === 'text' && score.kind !== 'lookup') {
    notes.add(path, `metric ${score.of} is a text, and ${score.kind} needs numbers`, 'use lookup for texts');
  }
};

/** Dependencies first; reports the first cycle it finds. */
const orderScores = (notes: Notes, scores: Readonly<Record<string, Score>>): readonly string[] => {
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  let hasCycle = false;
  const visit = (name: string, trail: readonly string[]): void => {
    const score = own(scores, name);
    if (score === undefined || state.get(name) === 'done' || hasCycle) return;
    if (state.get(name) === 'open') {
      hasCycle = true;
      const cycle = [...trail.slice(trail.indexOf(name)), name];
      notes.add(
        ['scores', name],
        `scores depend on each other in a circle: ${cycle.join(' → ')}`,
        'let one of them start from a metric',
      );
      return;
    }
    state.set(name, 'open');
    const needs = score.kind === 'weighted' ? Object.keys(score.parts) : 'of' in score ? [score.of] : [];
    for (const need of needs) visit(need, [...trail, name]);
    state.set(name, 'done');
    order.push(name);
  };
  for (const name of Object.keys(scores)) visit(name, []);
  return order;
};

const resolveDimensions = (notes: Notes, written: unknown, known: Known): Record<string, Dimension> => {
  const dimensions: Record<string, Dimension> = {};
  for (const [name, value] of notes.named(written, ['dimensions'], 'dimension')) {
    const path = ['dimensions', name];
    const dimension = notes.check(WrittenDimension, value, path);
    if (dimension === undefined) continue;
    const segments: Record<string, Segment> = {};
    for (const [segment, label] of notes.named(dimension.segments, [...path, 'segments'], 'segment')) {
      segments[segment] = { label: labelOf(notes, label ?? {}, [...path, 'segments', segment], segment) };
    }
    const by = resolveBy(notes, dimension, path, Object.keys(segments), known);
    if (by === undefined) continue;
    dimensions[name] = {
      ...labelled(dimension, name),
      segments,
      segmentOrder: Object.keys(segments),
      ordered: dimension.ordered ?? true,
      by,
    };
  }
  return dimensions;
};

const resolveBy = (
  notes: Notes,
  dimension: z.infer<typeof WrittenDimension>,
  path: Path,
  segments: readonly string[],
  known: Known,
): Dimension['by'] | undefined => {
  const { matrix, rules, rest } = dimension;
  if ((matrix === undefined) === (rules === undefined)) {
    notes.add(
      path,
      matrix === undefined ? 'nothing says who is in which segment' : 'matrix and rules cannot both decide',
      'give either matrix, or rules with rest',
    );
    return undefined;
  }
  if (matrix !== undefined) {
    if (rest !== undefined)
      notes.addKey(
        [...path, 'rest'],
        'a matrix has no rest class',
        'remove rest; missing inside the matrix names the class of the unrated',
      );
    return resolveMatrix(notes, matrix, [...path, 'matrix'], segments, known);
  }
  if (rest === undefined) {
    notes.add(path, 'the rest class is missing', 'add rest: with the segment of customers whom no rule takes');
  } else checkSegment(notes, rest, [...path, 'rest'], segments);
  const resolved = (rules ?? []).flatMap((rule, index) =>
    resolveRule(notes, rule, [...path, 'rules', index], segments, known),
  );
  return { kind: 'rules', rules: resolved, rest: rest ?? '' };
};

const resolveMatrix = (
  notes: Notes,
  written: unknown,
  path: Path,
  segments: readonly string[],
  known: Known,
): Dimension['by'] | undefined => {
  if (isRecord(written) && written['missing'] === undefined) {
    notes.add(
      path,
      'the matrix does not say where customers without a rating belong',
      `add missing: with one of the segments ${segments.join(', ')}`,
    );
    return undefined;
  }
  const matrix = notes.check(WrittenMatrix, written, path);
  if (matrix === undefined) return undefined;
  checkSegment(notes, matrix.missing, [...path, 'missing'], segments);
  const rowLevels = ratingLevels(notes, matrix.rows, [...path, 'rows'], known);
  const columnLevels = ratingLevels(notes, matrix.columns, [...path, 'columns'], known);
  if (rowLevels === undefined || columnLevels === undefined) return undefined;
  const names = levelNames(rowLevels);
  const columnNames = levelNames(columnLevels);
  const cells: Record<number, Record<number, string>> = {};
  for (const row of Object.keys(matrix.cells).filter((key) => !names.includes(key))) {
    notes.addKey(
      [...path, 'cells', row],
      `${matrix.rows} has no level ${quote(row)}`,
      `its levels are ${names.join(', ')}`,
    );
  }
  for (const [index, row] of names.entries()) {
    const line = own(matrix.cells, row);
    if (line === undefined) {
      notes.add(
        [...path, 'cells'],
        `the row ${row} of ${matrix.rows} is missing`,
        `add ${row}: with a segment for ${columnNames.join(', ')}`,
      );
      continue;
    }
    if (line.length !== columnLevels) {
      notes.add(
        [...path, 'cells', row],
        `the row ${row} has ${line.length} cells, and ${matrix.columns} has ${columnLevels} levels`,
        `give one segment each for ${columnNames.join(', ')}, in this order`,
      );
    }
    for (const [column, segment] of line.entries())
      checkSegment(notes, segment, [...path, 'cells', row, column], segments);
    cells[index + 1] = Object.fromEntries(line.map((segment, column) => [column + 1, segment]));
  }
  return { kind: 'matrix', rows: matrix.rows, columns: matrix.columns, cells, missing: matrix.missing };
};

const ratingLevels = (notes: Notes, name: string, path: Path, known: Known): number | undefined => {
  const score = own(known.scores, name);
  if (score === undefined) {
    notes.add(path, `there is no score ${quote(name)}`, nearest(name, Object.keys(known.scores)));
    return undefined;
  }
  const levels = levelsOf(score);
  if (levels === null) {
    notes.add(
      path,
      `score ${name} is ${score.kind} and has no levels`,
      `make levels of it: a score with bands: [...] and of: ${name}`,
    );
    return undefined;
  }
  return levels;
};

const resolveRule = (
  notes: Notes,
  written: unknown,
  path: Path,
  segments: readonly string[],
  known: Known,
): readonly Rule[] => {
  const rule = notes.check(WrittenRule, written, path);
  if (rule === undefined) return [];
  checkSegment(notes, rule.segment, [...path, 'segment'], segments);
  const entries = Object.entries(rule.when);
  if (entries.length === 0) {
    notes.add(
      [...path, 'when'],
      'a rule without conditions takes everybody',
      'name a condition, or make the segment the rest class',
    );
  }
  const when = entries.flatMap(([of, value]) => resolveCondition(notes, of, value, [...path, 'when', of], known));
  return [{ segment: rule.segment, when }];
};

const CONDITION_CURE =
  'write [from, to], { from: 4 }, { to: 2 }, { in: [a, b] }, missing or present; both ends of a range are included';

const resolveCondition = (notes: Notes, of: string, value: unknown, path: Path, known: Known): readonly Condition[] => {
  const score = own(known.scores, of);
  const metric = own(known.metrics, of);
  const isTrait = of.startsWith(TRAIT_PREFIX) && of.length > TRAIT_PREFIX.length;
  if (score === undefined && metric === undefined && !isTrait) {
    const names = [...Object.keys(known.scores), ...Object.keys(known.metrics)];
    notes.addKey(
      path,
      `there is no score or metric ${quote(of)}`,
      nearest(of, names, 'define it, or write trait.x for a trait'),
    );
    return [];
  }
  if (value === 'missing' || value === 'present') return [{ kind: 'missing', of, missing: value === 'missing' }];
  if (isRecord(value) && 'in' in value) {
    const list = notes.check(WrittenList, value, path);
    return list === undefined ? [] : [{ kind: 'oneOf', of, values: list.in }];
  }
  const pair = Array.isArray(value) && value.length === 2 ? { from: value[0], to: value[1] } : value;
  if (!isRecord(pair)) {
    notes.add(path, `${show(value)} is no condition`, CONDITION_CURE);
    return [];
  }
  const range = notes.check(WrittenRange, pair, path);
  if (range === undefined) return [];
  const { from, to } = range;
  if (from === undefined && to === undefined) {
    notes.add(path, 'the condition says nothing', CONDITION_CURE);
    return [];
  }
  if (metric?.unit === 'text') {
    notes.add(path, `${of} is a text and has no range`, 'write { in: [a, b] }');
    return [];
  }
  if (from !== undefined && to !== undefined && from > to) {
    notes.add(path, `the range from ${from} to ${to} is empty`, 'put the smaller number first');
  }
  const levels = score === undefined ? null : levelsOf(score);
  if (levels !== null && ((from ?? 1) > levels || (to ?? levels) < 1)) {
    notes.add(path, `${of} has levels 1 to ${levels}, so the condition never holds`, `use numbers from 1 to ${levels}`);
  }
  return [{ kind: 'range', of, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
};

const checkSegment = (notes: Notes, segment: string, path: Path, segments: readonly string[]): void => {
  if (!segments.includes(segment)) notes.add(path, `there is no segment ${quote(segment)}`, nearest(segment, segments));
};

const resolveFlags = (notes: Notes, written: unknown, main: Dimension | undefined, base: Base): Policy['flags'] => {
  const parts = written === undefined ? undefined : notes.check(WrittenFlags, written, ['flags']);
  if (parts === undefined) return {};
  const segments = main?.segmentOrder ?? [];
  const checkFrom = (from: readonly string[], path: Path): void => {
    if (main !== undefined)
      for (const [index, segment] of from.entries()) checkSegment(notes, segment, [...path, index], segments);
  };
  let upgrade: UpgradeRule | undefined;
  let exit: ExitRule | undefined;
  const up = parts.upgrade === undefined ? undefined : notes.check(WrittenUpgrade, parts.upgrade, ['flags', 'upgrade']);
  if (up !== undefined) {
    checkFrom(up.from, ['flags', 'upgrade', 'from']);
    const ratings =
      main === undefined ? [] : settledScores(main, base).filter((name) => own(base.scores, name)?.kind !== 'lookup');
    if (main !== undefined && !ratings.includes(up.rising)) {
      notes.add(
        ['flags', 'upgrade', 'rising'],
        `${quote(up.rising)} is no rating with cut-offs that decides the main dimension`,
        nearest(up.rising, ratings),
      );
    }
    if (up.potential !== undefined) checkPotential(notes, up.potential, base);
    upgrade = { ...DEFAULT_FLAG, shortBy: 0.1, ...defined(up) };
  }
  const out = parts.exit === undefined ? undefined : notes.check(WrittenExit, parts.exit, ['flags', 'exit']);
  if (out !== undefined) {
    const path = ['flags', 'exit', 'from'];
    checkFrom(out.from, path);
    const unrated = main?.by.kind === 'matrix' ? main.by.missing : main?.by.rest;
    for (const [index, segment] of out.from.entries()) {
      if (segment === unrated)
        notes.add(
          [...path, index],
          `${segment} holds customers who are not rated, and unrated is never a reason to part`,
          'remove it',
        );
    }
    exit = { ...DEFAULT_FLAG, afterPeriods: 3, notIf: ['openCase', 'pinned'], ...defined(out) };
  }
  return { ...(upgrade === undefined ? {} : { upgrade }), ...(exit === undefined ? {} : { exit }) };
};

const checkPotential = (
  notes: Notes,
  { of, atLeast }: NonNullable<UpgradeRule['potential']>,
  { scores }: Pick<Base, 'scores'>,
): void => {
  const path = ['flags', 'upgrade', 'potential'];
  const score = own(scores, of);
  if (score === undefined) {
    notes.add([...path, 'of'], `there is no score ${quote(of)}`, nearest(of, Object.keys(scores)));
    return;
  }
  const levels = levelsOf(score);
  if (levels !== null && (atLeast > levels || atLeast <= 1)) {
    notes.add(
      [...path, 'atLeast'],
      atLeast > levels ? `${of} never reaches ${atLeast}` : `every level of ${of} is at least ${atLeast}`,
      `use a level from 2 to ${levels}`,
    );
  }
};

/** Plans by segment of the main dimension, or by dimension and then segment. A term is stated in one dimension only. */
const resolveService = (
  notes: Notes,
  written: unknown,
  dimensions: Readonly<Record<string, Dimension>>,
  mainDimension: string | undefined,
): ServicePlans => {
  const service: Record<string, Record<string, ServiceTerms>> = {};
  if (written === undefined) return service;
  if (!isRecord(written)) {
    notes.add(
      ['service'],
      'service must list segments',
      'write a line per segment, such as priority: { price: preferential }',
    );
    return service;
  }
  const main = mainDimension === undefined ? undefined : own(dimensions, mainDimension);
  const isSegment = (name: string): boolean => main?.segmentOrder.includes(name) === true;
  const isByDimension = Object.entries(written).some(
    ([name, plans]) =>
      own(dimensions, name) !== undefined &&
      !isSegment(name) &&
      isRecord(plans) &&
      Object.values(plans).every((one) => isRecord(one)),
  );
  const blocks = isByDimension ? Object.entries(written) : [[mainDimension ?? '', written] as const];
  const statedIn = new Map<string, string>();
  for (const [name, plans] of blocks) {
    const path = isByDimension ? ['service', name] : ['service'];
    const dimension = own(dimensions, name);
    if (dimension === undefined) {
      if (isByDimension)
        notes.addKey(path, `there is no dimension ${quote(name)}`, nearest(name, Object.keys(dimensions)));
      continue;
    }
    if (!isRecord(plans)) {
      notes.add(path, `${show(plans)} is no list of segments`, 'write a line per segment: { price: … }');
      continue;
    }
    const resolved = resolvePlans(notes, plans, path, dimension);
    service[name] = resolved;
    for (const term of new Set(Object.values(resolved).flatMap((terms) => Object.keys(terms)))) {
      const other = statedIn.get(term);
      if (other !== undefined) {
        notes.addKey(
          path,
          `the term ${term} is stated by the dimensions ${other} and ${name}, so a customer would get two`,
          `state ${term} in one of them`,
        );
      }
      statedIn.set(term, name);
    }
  }
  return service;
};

const resolvePlans = (
  notes: Notes,
  written: Readonly<Record<string, unknown>>,
  path: Path,
  dimension: Dimension,
): Record<string, ServiceTerms> => {
  const plans: Record<string, ServiceTerms> = {};
  for (const [segment, value] of Object.entries(written)) {
    if (!dimension.segmentOrder.includes(segment)) {
      notes.addKey(
        [...path, segment],
        `there is no segment ${quote(segment)}`,
        nearest(segment, dimension.segmentOrder),
      );
      continue;
    }
    const terms = notes.check(WrittenTerms, value, [...path, segment]);
    if (terms === undefined) continue;
    plans[segment] = Object.fromEntries(
      Object.entries(terms).map(([term, one]) => [term, typeof one === 'object' ? labelled(one, term).label : one]),
    );
    for (const [term, one] of Object.entries(terms)) {
      if (typeof one === 'object' && one.en === undefined && one.zh === undefined)
        notes.add([...path, segment, term], 'the text is empty', 'write { en: …, zh: … }');
    }
  }
  return plans;
};

const resolveSurvey = (
  notes: Notes,
  survey: z.infer<typeof WrittenSurvey> | undefined,
  main: Dimension | undefined,
): SurveyRule | undefined => {
  if (survey === undefined) return undefined;
  const { share = {}, size = {} } = survey;
  if (main !== undefined) {
    for (const [part, segments] of Object.entries({ share, size })) {
      for (const segment of Object.keys(segments)) {
        if (!main.segmentOrder.includes(segment)) {
          notes.addKey(
            ['survey', part, segment],
            `there is no segment ${quote(segment)}`,
            nearest(segment, main.segmentOrder),
          );
        }
      }
    }
    for (const [index, segment] of (survey.caseFor ?? []).entries()) {
      checkSegment(notes, segment, ['survey', 'caseFor', index], main.segmentOrder);
    }
  }
  const closesAfterDays = survey.closesAfterDays ?? DEFAULT_SURVEY.closesAfterDays;
  const rule: SurveyRule = {
    ...DEFAULT_SURVEY,
    caseFor: [],
    answerDays: Math.min(DEFAULT_ANSWER_DAYS, closesAfterDays),
    share,
    ...defined(survey),
  };
  for (const [segment, count] of Object.entries(size)) {
    if (share[segment] === undefined) continue;
    notes.addKey(
      ['survey', 'size', segment],
      `${segment} has a size (${count}) and a share (${share[segment]})`,
      `keep one: share asks a part of the segment, size so many customers of it`,
    );
  }
  if (survey.share === undefined && survey.size === undefined) {
    notes.add(
      ['survey'],
      'the survey says of no segment how many are asked',
      'write share: { SEGMENT: 0.1 } for a part of a segment, or size: { SEGMENT: 400 } for so many of its customers',
    );
  }
  if (rule.answerDays > rule.closesAfterDays) {
    notes.add(
      ['survey', 'answerDays'],
      `${rule.answerDays} days to answer are more than the survey is open (${rule.closesAfterDays})`,
      'use 7 days, which is the custom, or at most closesAfterDays',
    );
  }
  if (rule.reminderDays >= rule.closesAfterDays) {
    notes.add(
      ['survey', 'reminderDays'],
      `the reminder after ${rule.reminderDays} days comes when the survey is closed (after ${rule.closesAfterDays})`,
      'remind earlier or close later',
    );
  }
  if (rule.contactEveryDays < rule.closesAfterDays) {
    notes.add(
      ['survey', 'contactEveryDays'],
      `an address could be asked again after ${rule.contactEveryDays} days, before the survey closes (after ${rule.closesAfterDays})`,
      'use 90 days, which is the custom, or at least the days the survey is open',
    );
  }
  return rule;
};

const warnOf = (notes: Notes, base: Base, weightInScore: number): void => {
  const { metrics, scores, dimensions, moves } = base;
  const weighted = Object.entries(scores).filter(([, score]) => score.kind === 'weighted');
  const hasSurveyPart = weighted.some(
    ([, score]) =>
      score.kind === 'weighted' && Object.keys(score.parts).some((part) => own(scores, part)?.kind === 'satisfaction'),
  );
  if (weightInScore > 0 && !hasSurveyPart) {
    notes.warn(
      ['survey', 'weightInScore'],
      'answers have a weight, but no weighted score contains a satisfaction score',
      'add one to a weighted score: satisfaction: survey',
    );
  }
  for (const [name, score] of weighted) {
    if (score.kind !== 'weighted') continue;
    const levels = new Set(
      Object.keys(score.parts).flatMap((part) => {
        const one = own(scores, part);
        return one === undefined || one.kind === 'satisfaction' || one.kind === 'note' ? [] : [levelsOf(one)];
      }),
    );
    if (levels.size > 1) {
      notes.warn(
        ['scores', name, 'weighted'],
        'the parts have different numbers of levels, so equal weights do not weigh equally',
        'give all parts the same number of levels',
      );
    }
  }
  for (const [name, dimension] of Object.entries(dimensions)) {
    const used =
      dimension.by.kind === 'matrix'
        ? [dimension.by.missing, ...Object.values(dimension.by.cells).flatMap((row) => Object.values(row))]
        : [dimension.by.rest, ...dimension.by.rules.map((rule) => rule.segment)];
    for (const segment of dimension.segmentOrder.filter((one) => !used.includes(one))) {
      notes.warn(
        ['dimensions', name, 'segments', segment],
        `nobody can be in segment ${segment}`,
        'use it in the matrix or a rule, or remove it',
      );
    }
    for (const rating of settledScores(dimension, base)) {
      const score = own(scores, rating);
      if (score?.kind !== 'bands' || score.better !== 'low' || score.cuts.length < 2) continue;
      const unit = own(metrics, score.of)?.unit;
      const [first = 0, second = 0] = score.cuts;
      if ((unit === 'days' || unit === 'count') && first >= 0 && first < moves.margin * (second - first)) {
        notes.warn(
          ['scores', rating, 'bands'],
          `with a margin of ${moves.margin} nobody can come back to the best level of ${rating}, since values below 0 do not occur`,
          'use a smaller margin or a greater first cut point',
        );
      }
    }
  }
};

const checkAscending = (notes: Notes, values: readonly number[], path: Path, what: string): void => {
  for (let index = 1; index < values.length; index += 1) {
    const before = values[index - 1] ?? 0;
    const value = values[index] ?? 0;
    if (value === before)
      notes.add([...path, index], `${what} ${value} is there twice, which leaves an empty class`, 'remove one of them');
    else if (value < before)
      notes.add(
        [...path, index],
        `${what} ${value} comes after ${before}, so that classes overlap`,
        'put the smallest first',
      );
  }
};

const checkTimeZone = (notes: Notes, timeZone: string | undefined): void => {
  if (timeZone === undefined) return;
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    notes.add(
      ['timeZone'],
      `${quote(timeZone)} is no time zone`,
      nearest(
        timeZone,
        [...Intl.supportedValuesOf('timeZone'), 'UTC'],
        'use a name such as Asia/Shanghai, Europe/Berlin or UTC',
      ),
    );
  }
};

const checkCurrency = (notes: Notes, currency: string | undefined): void => {
  if (currency === undefined || Intl.supportedValuesOf('currency').includes(currency)) return;
  notes.add(
    ['currency'],
    `${quote(currency)} is no currency`,
    'use an ISO 4217 code in capitals, such as CNY, USD or EUR',
  );
};

const labelOf = (notes: Notes, value: unknown, path: Path, name: string): Label => {
  const label = value === undefined ? {} : notes.check(WrittenLabel, value, path);
  return labelled(label ?? {}, name).label;
};

const labelled = (
  written: { readonly en?: string | undefined; readonly zh?: string | undefined },
  name: string,
): { readonly label: Label } => ({
  label: { en: written.en ?? written.zh ?? name, zh: written.zh ?? written.en ?? name },
});

const textLists = (
  lists: Readonly<Record<string, readonly (string | number | boolean)[]>>,
): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.entries(lists).map(([key, values]) => [key, values.map(String)]));

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Leaves out keys whose value is undefined, so that defaults stay. */
const defined = <T extends object>(value: T): Defined<T> => {
  const copy = { ...value };
  for (const [key, one] of Object.entries(copy)) if (one === undefined) Reflect.deleteProperty(copy, key);
  if (hasNoGaps(copy)) return copy;
  throw new TypeError('a value is undefined after the undefined ones were removed');
};

const hasNoGaps = <T extends object>(value: T): value is T & Defined<T> =>
  Object.values(value).every((one) => one !== undefined);

const quote = (text: string): string => `"${text}"`;
const show = (value: unknown): string =>
  typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing');

/** A cure that names the nearest of the allowed names, or lists them. */
const nearest = (given: string, allowed: readonly string[], otherwise?: string): string => {
  const ranked = allowed
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best !== undefined && best.distance <= Math.max(2, Math.floor(given.length / 3))) {
    return `did you mean ${best.name}?`;
  }
  if (otherwise !== undefined) return otherwise;
  return allowed.length === 0 ? 'there is none to choose from yet' : `allowed are ${allowed.slice(0, 20).join(', ')}`;
};

const editDistance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitute = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitute, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
};

interface Notes {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  add(path: Path, problem: string, cure: string): void;
  addKey(path: Path, problem: string, cure: string): void;
  warn(path: Path, problem: string, cure: string): void;
  check<T extends z.ZodMiniType>(schema: T, value: unknown, path: Path): z.output<T> | undefined;
  named(value: unknown, path: Path, what: string): readonly (readonly [string, unknown])[];
  kindOf(value: unknown, path: Path, kinds: readonly string[], what: string): string | undefined;
}

const newNotes = (): Notes => {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const add = (path: Path, problem: string, cure: string): void => {
    problems.push({ path, atKey: false, problem, cure });
  };
  const addKey = (path: Path, problem: string, cure: string): void => {
    problems.push({ path, atKey: true, problem, cure });
  };
  return {
    problems,
    warnings,
    add,
    addKey,
    warn: (path, problem, cure) => {
      warnings.push({ path, atKey: false, problem, cure });
    },
    check: (schema, value, path) => {
      const parsed = z.safeParse(schema, value);
      if (parsed.success) return parsed.data;
      const keys = schema instanceof z.ZodMiniObject ? Object.keys(schema.shape) : [];
      for (const issue of parsed.error.issues) explainIssue(issue, value, path, keys, add, addKey);
      return undefined;
    },
    named: (value, path, what) => {
      if (value === undefined) return [];
      if (!isRecord(value) || Object.keys(value).length === 0) {
        add(path, `there is no ${what}`, `name at least one ${what} here`);
        return [];
      }
      return Object.entries(value).filter(([name]) => {
        const isUsable = NAME.test(name) && !(name in {});
        if (!isUsable) addKey([...path, name], `the name ${quote(name)} is not usable`, NAME_CURE);
        return isUsable;
      });
    },
    kindOf: (value, path, kinds, what) => {
      if (!isRecord(value)) {
        add(path, `${show(value)} is no ${what}`, `write { ${kinds[0]}: … }`);
        return undefined;
      }
      const found = kinds.filter((kind) => Object.hasOwn(value, kind));
      if (found.length === 1) return found[0];
      if (found.length > 1) {
        add(path, `the ${what} has two kinds at once: ${found.join(' and ')}`, 'keep one of them');
        return undefined;
      }
      const common = [
        'en',
        'zh',
        'caps',
        'of',
        'better',
        'within',
        'smallestPartition',
        'needs',
        'otherwise',
        'missing',
        'unit',
      ];
      const odd = Object.keys(value).find((key) => !common.includes(key));
      add(
        odd === undefined ? path : [...path, odd],
        odd === undefined ? `nothing says which kind of ${what} this is` : `unknown kind of ${what} ${quote(odd)}`,
        odd === undefined ? `add one of ${kinds.join(', ')}` : nearest(odd, kinds),
      );
      return undefined;
    },
  };
};

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a block of keys',
  record: 'a block of keys',
};

const explainIssue = (
  issue: z.core.$ZodIssue,
  value: unknown,
  base: Path,
  keys: readonly string[],
  add: Notes['add'],
  addKey: Notes['addKey'],
): void => {
  const steps = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  const path = [...base, ...steps];
  const given = steps.reduce<unknown>(
    (node, step) => (Array.isArray(node) ? node[Number(step)] : isRecord(node) ? node[String(step)] : undefined),
    value,
  );
  const last = String(path.at(-1) ?? 'the policy');
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) addKey([...path, key], `unknown key ${quote(key)}`, nearest(key, keys));
      return;
    case 'invalid_type':
      if (given === undefined)
        add(path.slice(0, -1), `${last} is missing`, `add ${last}: (${KINDS[issue.expected] ?? issue.expected})`);
      else
        add(
          path,
          `${show(given)} is not ${KINDS[issue.expected] ?? issue.expected}`,
          `give ${KINDS[issue.expected] ?? issue.expected}`,
        );
      return;
    case 'too_small':
      if (issue.origin === 'array' || issue.origin === 'string') add(path, `${last} is empty`, 'give at least one');
      else
        add(
          path,
          `${show(given)} is too small`,
          `use ${issue.inclusive === false ? 'a number above' : 'at least'} ${issue.minimum}`,
        );
      return;
    case 'too_big':
      add(path, `${show(given)} is too large`, `use at most ${issue.maximum}`);
      return;
    case 'invalid_value':
      if (given === undefined)
        add(path.slice(0, -1), `${last} is missing`, `add ${last}: one of ${issue.values.map(String).join(', ')}`);
      else add(path, `${show(given)} is not allowed`, nearest(String(given), issue.values.map(String)));
      return;
    case 'invalid_union':
      add(path, `${show(given)} is not a text or a number`, 'give a text, a number, true or false');
      return;
    default:
      add(path, `${show(given)} is not valid`, 'see the reference of policies');
  }
};
