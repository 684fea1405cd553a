import { nextCutoff, ratingInputs, settleAll, settledLevels } from './assign.ts';
import { addMonths, type Period } from './calendar.ts';
import type { TraitValue } from './facts.ts';
import type { Condition, Dimension, Label, Metric, Policy } from './policy.ts';
import { levelNames } from './policy-resolve.ts';
import { capOf, cutoffsFor, partitionOf, scoreRow } from './scores.ts';
import { allSettledScores, conditionValue, firstMatch, holds, segmentOf, settledScores } from './segments.ts';
import { ratingScale } from './settle.ts';
import type { Calibration, FrameRow, HoldBack, PlanRow, RunContext, ScoreValues } from './standing.ts';
import { currencyExponent, inMajorUnits, levelsOf, measuredValue, roundScore, scoreNamed } from './values.ts';

export type Lang = 'en' | 'zh';

/** Why a customer is where it is. Figures for machines; `sentences` say the same to people. */
export interface Explanation {
  readonly subject: string;
  readonly policy: { readonly name: string; readonly version: string };
  readonly lang: Lang;
  readonly inputs: readonly ExplainedInput[];
  readonly scores: readonly { readonly name: string; readonly label: string; readonly value: number | null }[];
  readonly ratings: readonly ExplainedRating[];
  readonly dimensions: readonly ExplainedDimension[];
  readonly satisfaction: PlanRow['satisfaction'];
  readonly flags: PlanRow['flags'];
  readonly sentences: readonly string[];
}

export interface ExplainedInput {
  readonly name: string;
  readonly label: string;
  readonly unit: Metric['unit'];
  /** As measured: money from purchases in minor units. */
  readonly value: TraitValue | null;
  /** As a person reads it. */
  readonly text: string;
}

/** A rating that decides a segment, with its cut-offs. Values and cut-offs are in the unit of `source`. */
export interface ExplainedRating {
  readonly name: string;
  readonly label: string;
  /** Of this run, before settling. */
  readonly level: number | null;
  /** In force. */
  readonly settledLevel: number | null;
  readonly levels: number;
  readonly source: string;
  readonly value: TraitValue | null;
  readonly cutoffs: readonly number[];
  /** Whose cut-offs they are; null: everybody's. */
  readonly partition: string | null;
  /** Cut-off to the next better level and how much falls short of it; null at the best level. */
  readonly above: { readonly level: number; readonly cutoff: number; readonly shortBy: number } | null;
  /** Cut-off to the next worse level and how far the value is from it; null at the worst level. */
  readonly below: { readonly level: number; readonly cutoff: number; readonly margin: number } | null;
  /** Highest level that a cap allows; null without a cap. */
  readonly cappedAt: number | null;
  /** Closed periods in a row for which a lower level has been due, of how many; null if none is. */
  readonly waiting: { readonly periods: number; readonly needed: number; readonly lastPeriod: string } | null;
}

export interface ExplainedDimension {
  readonly name: string;
  readonly label: string;
  readonly target: string;
  readonly actual: string;
  readonly actualLabel: string;
  readonly since: string;
  readonly heldBack: readonly HoldBack[];
  readonly pinnedUntil: string | null;
  /** First period whose run can move the customer if the figures stay; null where no wait holds it back. */
  readonly earliestMove: Period | null;
  /** What in the policy decided the segment that the settled ratings give. */
  readonly by:
    | {
        readonly kind: 'cell';
        readonly rows: string;
        readonly row: number;
        readonly columns: string;
        readonly column: number;
      }
    | { readonly kind: 'missing'; readonly scores: readonly string[] }
    | { readonly kind: 'rule'; readonly number: number; readonly conditions: readonly ExplainedCondition[] }
    | { readonly kind: 'rest' };
  /** What falls short of the nearest better segment; null at the best one and where order has no meaning. */
  readonly nextBetter: { readonly segment: string; readonly needs: readonly ExplainedCondition[] } | null;
  /** Smallest change of one figure that would move the customer, cut-offs of this run held fixed; null where none would. */
  readonly smallestUp: SmallestChange | null;
  readonly smallestDown: SmallestChange | null;
}

export interface ExplainedCondition {
  readonly of: string;
  readonly value: TraitValue | null;
  readonly text: string;
}

export interface SmallestChange {
  readonly metric: string;
  readonly from: number;
  readonly to: number;
  readonly segment: string;
}

/**
 * Explains a standing from what the run stored: frame row, plan row, policy and calibration. The smallest change is found
 * by trying: each metric is set to either side of every cut-off that uses it, gap included, and the customer is decided
 * again. A move down also has to last for the waiting periods, and either move waits for a cooling-off to end.
 */
export const explain = (
  row: FrameRow,
  plan: PlanRow,
  policy: Policy,
  calibration: Calibration,
  lang: Lang,
): Explanation => {
  const context: Context = { row, plan, policy, calibration, lang };
  const levels = levelsInForce(plan);
  const base = {
    subject: row.subject,
    policy: { name: policy.name, version: policy.version },
    lang,
    inputs: Object.entries(policy.metrics).map(([name, metric]) => ({
      name,
      label: metric.label[lang],
      unit: metric.unit,
      value: row.metrics[name] ?? null,
      text: formatValue(policy, name, row.metrics[name] ?? null, lang),
    })),
    scores: policy.scoreOrder.map((name) => ({
      name,
      label: scoreNamed(policy, name).label[lang],
      value: plan.scores[name] ?? null,
    })),
    ratings: allSettledScores(policy).map((name) => explainRating(context, name)),
    dimensions: Object.entries(policy.dimensions).flatMap(([name, dimension]) => {
      const explained = explainDimension(context, name, dimension, levels);
      return explained === null ? [] : [explained];
    }),
    satisfaction: plan.satisfaction,
    flags: plan.flags,
  };
  return { ...base, sentences: sentencesOf(context, base) };
};

/** A metric's or score's value as a person reads it: money with its currency, ratios in per cent, days as days. */
export const formatValue = (policy: Policy, name: string, value: TraitValue | null, lang: Lang): string => {
  if (value === null) return lang === 'zh' ? '缺失' : 'missing';
  if (typeof value !== 'number') return String(value);
  const locale = lang === 'zh' ? 'zh-CN' : 'en';
  const metric = Object.hasOwn(policy.metrics, name) ? policy.metrics[name] : undefined;
  const number = (digits: number): string =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
  switch (metric?.unit) {
    case 'money':
      return new Intl.NumberFormat(locale, {
        style: 'currency',
        currency: policy.currency,
        currencyDisplay: 'code',
        maximumFractionDigits: currencyExponent(policy.currency),
      }).format(inMajorUnits(metric, value, policy.currency));
    case 'ratio':
      return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 2 }).format(value);
    case 'days':
      return lang === 'zh' ? `${number(0)} 天` : `${number(0)} ${value === 1 ? 'day' : 'days'}`;
    default:
      return number(metric?.unit === 'count' ? 0 : 4);
  }
};

interface Context {
  readonly row: FrameRow;
  readonly plan: PlanRow;
  readonly policy: Policy;
  readonly calibration: Calibration;
  readonly lang: Lang;
}

const levelsInForce = (plan: PlanRow): ScoreValues => ({
  ...plan.scores,
  ...Object.fromEntries(Object.entries(plan.next.ratings).map(([name, rating]) => [name, rating.level])),
});

const explainRating = ({ row, plan, policy, calibration, lang }: Context, name: string): ExplainedRating => {
  const { score, value, scale } = ratingInputs(name, row, plan.scores, policy, calibration);
  const rating = plan.next.ratings[name];
  const settledLevel = rating?.level ?? null;
  const belowEntry = settledLevel === null || scale === null ? undefined : scale.entry[settledLevel - 2];
  const cap = capOf(score.caps, row);
  const within = 'within' in score ? partitionOf(row, score.within) : null;
  const source = 'of' in score ? score.of : name;
  return {
    name,
    label: score.label[lang],
    level: plan.scores[name] ?? null,
    settledLevel,
    levels: levelsOf(score) ?? 1,
    source,
    value: score.kind === 'lookup' ? measuredValue(row, score.of) : value,
    cutoffs: cutoffsFor(name, score, row, calibration) ?? [],
    partition: within !== null && Object.hasOwn(calibration.cutoffs[name] ?? {}, within) ? within : null,
    above: nextCutoff(settledLevel, value, scale),
    below:
      belowEntry === undefined || settledLevel === null || scale === null || value === null
        ? null
        : {
            level: settledLevel - 1,
            cutoff: scale.sign * belowEntry + 0,
            margin: roundScore(scale.sign * value - belowEntry),
          },
    cappedAt: Number.isFinite(cap) ? cap : null,
    waiting:
      rating?.waiting === undefined
        ? null
        : {
            periods: rating.waiting.periods,
            needed: policy.moves.downgradeAfterPeriods,
            lastPeriod: rating.waiting.lastPeriod,
          },
  };
};

const explainDimension = (
  context: Context,
  name: string,
  dimension: Dimension,
  levels: ScoreValues,
): ExplainedDimension | null => {
  const { plan, lang } = context;
  const placement = plan.next.placements[name];
  if (placement === undefined) return null;
  const { up, down } = smallestChanges(context, dimension);
  return {
    name,
    label: dimension.label[lang],
    target: placement.target,
    actual: placement.actual,
    actualLabel: labelOf(dimension, placement.actual, lang),
    since: placement.since,
    heldBack: placement.heldBack,
    pinnedUntil: placement.pinnedUntil ?? null,
    earliestMove: earliestMove(context, dimension, placement.heldBack),
    by: decidedBy(context, dimension, levels),
    nextBetter: nextBetter(context, dimension, placement.actual, levels),
    smallestUp: up,
    smallestDown: down,
  };
};

const earliestMove = (
  { plan, policy }: Context,
  dimension: Dimension,
  heldBack: readonly HoldBack[],
): Period | null => {
  if (!heldBack.includes('waiting') && !heldBack.includes('coolingOff')) return null;
  const { downgradeAfterPeriods, coolingOffMonths } = policy.moves;
  let earliest: Period | null = null;
  for (const name of settledScores(dimension, policy)) {
    const rating = plan.next.ratings[name];
    if (rating === undefined || rating.level === (plan.scores[name] ?? null)) continue;
    const { waiting } = rating;
    const periods: Period[] = [];
    if (waiting !== undefined) periods.push(addMonths(waiting.lastPeriod, downgradeAfterPeriods - waiting.periods));
    if (rating.changed) periods.push(addMonths(rating.since, coolingOffMonths));
    for (const period of periods) if (earliest === null || period > earliest) earliest = period;
  }
  return earliest;
};

const decidedBy = (context: Context, dimension: Dimension, levels: ScoreValues): ExplainedDimension['by'] => {
  const { row, policy } = context;
  if (dimension.by.kind === 'matrix') {
    const { rows, columns } = dimension.by;
    const rowLevel = levels[rows] ?? null;
    const columnLevel = levels[columns] ?? null;
    if (rowLevel === null || columnLevel === null) {
      return { kind: 'missing', scores: [rows, columns].filter((name) => (levels[name] ?? null) === null) };
    }
    return { kind: 'cell', rows, row: rowLevel, columns, column: columnLevel };
  }
  const rule = firstMatch(dimension, row, policy, levels);
  if (rule === undefined) return { kind: 'rest' };
  return {
    kind: 'rule',
    number: dimension.by.rules.indexOf(rule) + 1,
    conditions: rule.when.map((condition) => explainCondition(context, condition, levels)),
  };
};

const explainCondition = (
  { row, policy, lang }: Context,
  condition: Condition,
  levels: ScoreValues,
): ExplainedCondition => {
  const value = conditionValue(condition, row, policy, levels);
  const format = (bound: TraitValue): string => valueText(policy, condition.of, bound, lang);
  const label = nameOf(policy, condition.of, lang);
  return { of: condition.of, value, text: `${label} ${wordsOf(condition, format, lang)}` };
};

const wordsOf = (condition: Condition, format: (bound: TraitValue) => string, lang: Lang): string => {
  const zh = lang === 'zh';
  switch (condition.kind) {
    case 'missing':
      if (condition.missing) return zh ? '缺失' : 'is missing';
      return zh ? '不缺失' : 'is known';
    case 'oneOf': {
      const values = condition.values.map(format).join(zh ? '、' : ', ');
      return zh ? `为 ${values} 之一` : `is one of ${values}`;
    }
    case 'range': {
      const { from, to } = condition;
      if (from !== undefined && to !== undefined) {
        if (from === to) return zh ? `等于 ${format(from)}` : `is ${format(from)}`;
        return zh ? `在 ${format(from)} 至 ${format(to)} 之间` : `is from ${format(from)} to ${format(to)}`;
      }
      if (from !== undefined) return zh ? `至少为 ${format(from)}` : `is at least ${format(from)}`;
      return zh ? `至多为 ${format(to ?? 0)}` : `is at most ${format(to ?? 0)}`;
    }
  }
};

const nameOf = (policy: Policy, name: string, lang: Lang): string => {
  const label: Label | undefined = Object.hasOwn(policy.scores, name)
    ? policy.scores[name]?.label
    : Object.hasOwn(policy.metrics, name)
      ? policy.metrics[name]?.label
      : undefined;
  return label?.[lang] ?? name;
};

const labelOf = (dimension: Dimension, segment: string, lang: Lang): string =>
  dimension.segments[segment]?.label[lang] ?? segment;

/** The nearest better segment, and of the ways into it the one with the least to do. */
const nextBetter = (
  context: Context,
  dimension: Dimension,
  actual: string,
  levels: ScoreValues,
): ExplainedDimension['nextBetter'] => {
  if (!dimension.ordered) return null;
  const position = dimension.segmentOrder.indexOf(actual);
  const isUnrated = dimension.by.kind === 'matrix' && actual === dimension.by.missing;
  const better = isUnrated ? [] : dimension.segmentOrder.slice(0, Math.max(0, position)).reverse();
  for (const segment of better) {
    const ways = dimension.by.kind === 'matrix' ? cellsOf(dimension, segment) : rulesOf(dimension, segment);
    const missing = ways
      .map((conditions) =>
        conditions.filter(
          (condition) => !holds(condition, conditionValue(condition, context.row, context.policy, levels)),
        ),
      )
      .sort((a, b) => a.length - b.length || steps(a, levels) - steps(b, levels));
    const least = missing.find((conditions) => conditions.length > 0);
    if (least !== undefined) {
      return { segment, needs: least.map((condition) => explainCondition(context, condition, levels)) };
    }
  }
  return null;
};

const cellsOf = (dimension: Dimension, segment: string): readonly (readonly Condition[])[] => {
  if (dimension.by.kind !== 'matrix') return [];
  const { rows, columns, cells } = dimension.by;
  return Object.entries(cells).flatMap(([row, line]) =>
    Object.entries(line)
      .filter(([, one]) => one === segment)
      .map(([column]): readonly Condition[] => [
        { kind: 'range', of: rows, from: Number(row) },
        { kind: 'range', of: columns, from: Number(column) },
      ]),
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

/** Every waiting time over and no streak needed: what is left is ratings, cut-offs and gaps. */
const AT_ONCE = { downgradeAfterPeriods: 0, coolingOffMonths: 0 } as const;

const smallestChanges = (
  context: Context,
  dimension: Dimension,
): { readonly up: SmallestChange | null; readonly down: SmallestChange | null } => {
  const { row, policy } = context;
  const now = segmentAfter(context, dimension, row);
  const position = dimension.segmentOrder.indexOf(now);
  let up: SmallestChange | null = null;
  let down: SmallestChange | null = null;
  for (const name of Object.keys(policy.metrics)) {
    const from = row.metrics[name];
    if (typeof from !== 'number') continue;
    for (const to of candidatesFor(context, name)) {
      if (to === from) continue;
      const change = { metric: name, from, to };
      const isSmallerUp = up === null || sizeOf(change) < sizeOf(up);
      const isSmallerDown = down === null || sizeOf(change) < sizeOf(down);
      if (!isSmallerUp && !isSmallerDown) continue;
      const segment = segmentAfter(context, dimension, { ...row, metrics: { ...row.metrics, [name]: to } });
      if (segment === now) continue;
      const isUp = dimension.ordered && dimension.segmentOrder.indexOf(segment) < position;
      if (isUp && isSmallerUp) up = { ...change, segment };
      if (!isUp && isSmallerDown) down = { ...change, segment };
    }
  }
  return { up, down };
};

/** Changes of different figures are compared by their size relative to the figure. */
const sizeOf = ({ from, to }: { readonly from: number; readonly to: number }): number =>
  Math.abs(to - from) / Math.max(Math.abs(from), Math.abs(to));

/** The segment once every wait is over, starting from the ratings in force. */
const segmentAfter = ({ plan, policy, calibration }: Context, dimension: Dimension, row: FrameRow): string => {
  const scores = scoreRow(row, policy, calibration);
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
  const settled = settleAll(
    { ...row, prior: { ...plan.next, ratings } },
    scores,
    { ...policy, moves: { ...policy.moves, ...AT_ONCE } },
    calibration,
    run,
  );
  return segmentOf(dimension, row, policy, settledLevels(scores, settled));
};

/** Values on either side of everything that the metric is compared with. */
const candidatesFor = ({ row, policy, calibration }: Context, name: string): readonly number[] => {
  const metric = policy.metrics[name];
  const isWhole = metric?.unit === 'days' || metric?.unit === 'count' || metric?.kind === 'spend';
  const step = isWhole ? 1 : metric?.unit === 'money' ? 0.01 : 1e-6;
  const found = new Set<number>();
  const around = (value: number): void => {
    for (const one of isWhole ? [Math.floor(value), Math.ceil(value)] : [value]) {
      for (const near of [one - step, one, one + step]) found.add(roundScore(near));
    }
  };
  for (const scoreName of policy.scoreOrder) {
    const score = scoreNamed(policy, scoreName);
    if (!('of' in score) || score.of !== name) continue;
    const scale = ratingScale(score, cutoffsFor(scoreName, score, row, calibration), policy.moves.margin);
    for (const [index, entry] of (scale?.entry ?? []).entries()) {
      const gap = scale?.gap[index] ?? 0;
      for (const goodness of [entry - gap, entry, entry + gap]) around((scale?.sign ?? 1) * goodness);
    }
  }
  for (const { by } of Object.values(policy.dimensions)) {
    if (by.kind !== 'rules') continue;
    for (const condition of by.rules.flatMap((rule) => rule.when)) {
      if (condition.of !== name || condition.kind !== 'range') continue;
      for (const bound of [condition.from, condition.to]) if (bound !== undefined) around(bound);
    }
  }
  const isNeverNegative = metric?.unit === 'days' || metric?.unit === 'count';
  return [...found].filter((value) => !isNeverNegative || value >= 0).sort((a, b) => a - b);
};

const HOLD_BACK_TEXT: Readonly<Record<HoldBack, Label>> = {
  margin: {
    en: 'the value is past the cut-off, but not past the gap that keeps small changes from moving a customer',
    zh: '数值已越过分界点，但尚未越过防止频繁变动的缓冲区',
  },
  waiting: {
    en: 'a lower rating must last for the required closed periods before it counts',
    zh: '较低评级须连续保持规定的结账期数后才生效',
  },
  coolingOff: {
    en: 'the rating changed recently and is in its cooling-off',
    zh: '评级近期刚变动，处于冷静期',
  },
  pin: { en: 'a person set the segment', zh: '类别由人工指定' },
};

const sentencesOf = (context: Context, explained: Omit<Explanation, 'sentences'>): readonly string[] => {
  const { policy, plan, lang, row } = context;
  const zh = lang === 'zh';
  const sentences: string[] = [];
  if (row.status !== 'active') {
    sentences.push(
      zh ? `客户状态为 ${row.status}，不参与分类。` : `The customer is ${row.status} and is in no segment.`,
    );
  }
  for (const one of explained.dimensions) {
    const dimension = policy.dimensions[one.name];
    if (dimension === undefined) continue;
    const label = (segment: string): string => labelOf(dimension, segment, lang);
    sentences.push(
      zh
        ? `${one.label}：${one.actualLabel}（自 ${one.since} 起）。`
        : `${one.label}: ${one.actualLabel}, since ${one.since}.`,
    );
    sentences.push(reasonOf(context, one));
    if (one.target !== one.actual) {
      const reasons = one.heldBack.map((reason) => HOLD_BACK_TEXT[reason][lang]).join(zh ? '；' : '; ');
      sentences.push(
        zh
          ? `按本期数据应为${label(one.target)}，但${reasons}。`
          : `By this run's figures it would be ${label(one.target)}, but ${reasons}.`,
      );
    }
    if (one.earliestMove !== null) {
      sentences.push(
        zh
          ? `若数据不变，最早可于 ${one.earliestMove} 期变动。`
          : `If the figures stay, it can move in ${one.earliestMove} at the earliest.`,
      );
    }
    if (one.pinnedUntil !== null) {
      sentences.push(
        zh
          ? `人工指定有效至 ${one.pinnedUntil}（含当日）。`
          : `It is pinned until ${one.pinnedUntil}, that day included.`,
      );
    }
    if (one.nextBetter !== null) {
      const needs = one.nextBetter.needs
        .map((need) => `${need.text}${zh ? '（现为' : ' (now '}${describe(context, need)}${zh ? '）' : ')'}`)
        .join(zh ? '，且' : ', and ');
      sentences.push(
        zh
          ? `要进入${label(one.nextBetter.segment)}，还需：${needs}。`
          : `For ${label(one.nextBetter.segment)} it would need: ${needs}.`,
      );
    }
    for (const change of [one.smallestUp, one.smallestDown]) {
      if (change === null) continue;
      const metric = nameOf(policy, change.metric, lang);
      const [from, to] = [change.from, change.to].map((value) => formatValue(policy, change.metric, value, lang));
      sentences.push(
        zh
          ? `最小的单项变化：${metric}由 ${from} 变为 ${to}，将进入${label(change.segment)}。`
          : `Smallest single change: ${metric} from ${from} to ${to} would lead to ${label(change.segment)}.`,
      );
    }
  }
  const satisfaction = plan.satisfaction;
  if (satisfaction !== null) {
    const { score, answers, ageDays, confidence } = satisfaction;
    const [points, sure] = [score.toFixed(0), `${(confidence * 100).toFixed(0)} %`];
    sentences.push(
      zh
        ? `满意度 ${points}/100：${answers} 份答复，最近一份距今 ${ageDays} 天，置信度 ${sure}。`
        : `Satisfaction ${points} of 100, from ${answers} answer${answers === 1 ? '' : 's'}, the newest ${ageDays} days old, confidence ${sure}.`,
    );
  }
  for (const rating of explained.ratings) {
    if (rating.waiting === null) continue;
    const { periods, needed } = rating.waiting;
    sentences.push(
      zh
        ? `${rating.label}：较低评级已持续 ${periods} 期，共需 ${needed} 期。`
        : `${rating.label}: a lower rating has been due for ${periods} of ${needed} periods.`,
    );
  }
  return sentences;
};

const describe = ({ policy, lang }: Context, { of, value }: ExplainedCondition): string =>
  valueText(policy, of, value, lang);

/** A value in words: levels of three by name, figures with their unit. */
const valueText = (policy: Policy, of: string, value: TraitValue | null, lang: Lang): string => {
  const score = Object.hasOwn(policy.scores, of) ? policy.scores[of] : undefined;
  if (score !== undefined && typeof value === 'number') return levelText(levelsOf(score), value, lang);
  return formatValue(policy, of, value, lang);
};

const LEVEL_WORDS: Readonly<Record<string, string>> = { low: '低', medium: '中', high: '高' };

const levelText = (levels: number | null, level: number, lang: Lang): string => {
  const name = levels === null ? undefined : levelNames(levels)[level - 1];
  if (name === undefined) return String(level);
  return lang === 'zh' ? (LEVEL_WORDS[name] ?? name) : name;
};

const reasonOf = (context: Context, one: ExplainedDimension): string => {
  const { policy, lang } = context;
  const zh = lang === 'zh';
  switch (one.by.kind) {
    case 'cell': {
      const { rows, row, columns, column } = one.by;
      const text = (name: string, level: number): string => {
        const word = levelText(levelsOf(scoreNamed(policy, name)), level, lang);
        return zh ? `${nameOf(policy, name, lang)}为${word}` : `${nameOf(policy, name, lang)} is ${word}`;
      };
      const both = `${text(rows, row)}${zh ? '，' : ' and '}${text(columns, column)}`;
      return zh ? `原因：${both}。` : `Because ${both}.`;
    }
    case 'missing': {
      const names = one.by.scores.map((name) => nameOf(policy, name, lang)).join(zh ? '、' : ' and ');
      return zh ? `原因：${names}缺失。` : `Because ${names} ${one.by.scores.length > 1 ? 'are' : 'is'} missing.`;
    }
    case 'rule': {
      const conditions = one.by.conditions.map((condition) => condition.text).join(zh ? '，' : ', ');
      return zh
        ? `原因：符合规则 ${one.by.number}：${conditions}。`
        : `Because rule ${one.by.number} holds: ${conditions}.`;
    }
    case 'rest':
      return zh ? '原因：没有符合的规则。' : 'Because no rule holds.';
  }
};
