import type { NoteSubject, TraitValue } from './facts.ts';
import type { Condition, Dimension, Label, Metric, Policy } from './policy.ts';
import { levelNames } from './policy-resolve.ts';
import { type ConfidenceLevel, confidenceLevel, type Satisfaction } from './satisfaction.ts';
import { currencyExponent, inMajorUnits, levelsOf, TRAIT_PREFIX } from './values.ts';

export type Lang = 'en' | 'zh';

const localeOf = (lang: Lang): string => (lang === 'zh' ? 'zh-CN' : 'en');

const metricNamed = (policy: Policy, name: string): Metric | undefined =>
  Object.hasOwn(policy.metrics, name) ? policy.metrics[name] : undefined;

/** The unit of a metric; a share of a total is a ratio, other scores have none. */
const unitOf = (policy: Policy, name: string): Metric['unit'] | undefined => {
  const score = Object.hasOwn(policy.scores, name) ? policy.scores[name] : undefined;
  return score?.kind === 'shareOfTotal' ? 'ratio' : metricNamed(policy, name)?.unit;
};

/**
 * A metric's or score's value as a person reads it: money with its currency, ratios in per cent, days as days. Written out as
 * far as six decimal places, which is as far as comparisons go, so that what is printed is what was compared.
 */
export const formatValue = (policy: Policy, name: string, value: TraitValue | null, lang: Lang): string => {
  if (value === null) return lang === 'zh' ? '缺失' : 'missing';
  if (typeof value === 'boolean') return lang === 'zh' ? (value ? '是' : '否') : value ? 'yes' : 'no';
  if (typeof value !== 'number') return value;
  const metric = metricNamed(policy, name);
  const number = (digits: number): string =>
    new Intl.NumberFormat(localeOf(lang), { maximumFractionDigits: digits }).format(value);
  switch (unitOf(policy, name)) {
    case 'money':
      return new Intl.NumberFormat(localeOf(lang), {
        style: 'currency',
        currency: policy.currency,
        currencyDisplay: 'code',
        maximumFractionDigits: currencyExponent(policy.currency),
        trailingZeroDisplay: 'stripIfInteger',
      }).format(metric === undefined ? value : inMajorUnits(metric, value, policy.currency));
    case 'ratio':
      return new Intl.NumberFormat(localeOf(lang), { style: 'percent', maximumFractionDigits: 4 }).format(value);
    case 'days':
      return lang === 'zh' ? `${number(6)} 天` : `${number(6)} ${value === 1 ? 'day' : 'days'}`;
    default:
      return number(6);
  }
};

/** The distance between two values of a metric or score, without sign: ratios in percentage points, all else in its unit. */
export const formatDistance = (policy: Policy, name: string, distance: number, lang: Lang): string => {
  const size = Math.abs(distance);
  if (unitOf(policy, name) !== 'ratio') return formatValue(policy, name, size, lang);
  const points = new Intl.NumberFormat(localeOf(lang), { maximumFractionDigits: 4 }).format(size * 100);
  return lang === 'zh' ? `${points} 个百分点` : `${points} percentage points`;
};

/** The label of a metric or score; a trait and a partition go by their own name. */
export const nameOf = (policy: Policy, name: string, lang: Lang): string => {
  const label: Label | undefined = Object.hasOwn(policy.scores, name)
    ? policy.scores[name]?.label
    : metricNamed(policy, name)?.label;
  return label?.[lang] ?? (name.startsWith(TRAIT_PREFIX) ? name.slice(TRAIT_PREFIX.length) : name);
};

export const segmentLabel = (dimension: Dimension, segment: string, lang: Lang): string =>
  dimension.segments[segment]?.label[lang] ?? segment;

const LEVEL_WORDS: Readonly<Record<string, string>> = { low: '低', medium: '中', high: '高' };

/** A level by its name where the score has three, else by its number. */
export const levelText = (levels: number | null, level: number, lang: Lang): string => {
  const name = levels === null ? undefined : levelNames(levels)[level - 1];
  if (name === undefined) return String(level);
  return lang === 'zh' ? (LEVEL_WORDS[name] ?? name) : name;
};

/** A value in words: levels by name, figures with their unit. */
export const valueText = (policy: Policy, of: string, value: TraitValue | null, lang: Lang): string => {
  const score = Object.hasOwn(policy.scores, of) ? policy.scores[of] : undefined;
  const levels = score === undefined ? null : levelsOf(score);
  if (levels !== null && typeof value === 'number') return levelText(levels, value, lang);
  return formatValue(policy, of, value, lang);
};

/** A condition of a rule in words, without the value that meets it or not. */
export const conditionText = (policy: Policy, condition: Condition, lang: Lang): string => {
  const zh = lang === 'zh';
  const value = (bound: TraitValue): string => valueText(policy, condition.of, bound, lang);
  const words = (): string => {
    switch (condition.kind) {
      case 'missing':
        if (condition.missing) return zh ? '缺失' : 'is missing';
        return zh ? '已知' : 'is known';
      case 'oneOf': {
        const values = condition.values.map(value).join(zh ? '或' : ' or ');
        return zh ? `为${values}` : `is ${values}`;
      }
      case 'range': {
        const { from, to } = condition;
        if (from !== undefined && to !== undefined) {
          if (from === to) return zh ? `为${value(from)}` : `is ${value(from)}`;
          return zh ? `在${value(from)}至${value(to)}之间` : `is ${value(from)} to ${value(to)}`;
        }
        if (from !== undefined) return zh ? `至少为${value(from)}` : `is at least ${value(from)}`;
        return zh ? `至多为${value(to ?? 0)}` : `is at most ${value(to ?? 0)}`;
      }
    }
  };
  return `${nameOf(policy, condition.of, lang)}${zh ? '' : ' '}${words()}`;
};

const NOTE_SUBJECT_WORDS: Readonly<Record<NoteSubject, Label>> = {
  quality: { en: 'quality', zh: '质量' },
  potential: { en: 'potential', zh: '潜力' },
};

export const noteSubjectText = (about: NoteSubject, lang: Lang): string => NOTE_SUBJECT_WORDS[about][lang];

const CONFIDENCE_WORDS: Readonly<Record<ConfidenceLevel, Label>> = {
  low: { en: 'low confidence', zh: '置信度低' },
  medium: { en: 'medium confidence', zh: '置信度中等' },
  high: { en: 'high confidence', zh: '置信度高' },
};

/** Satisfaction with what it rests on: `62, from 1 answer 140 days old, low confidence`. */
export const satisfactionText = (satisfaction: Satisfaction | null, lang: Lang): string => {
  if (satisfaction === null) return lang === 'zh' ? '未知，尚无答复' : 'not known, no answer yet';
  const { score, answers, ageDays, confidence } = satisfaction;
  const sure = CONFIDENCE_WORDS[confidenceLevel(confidence)][lang];
  if (lang === 'zh') {
    const age = answers === 1 ? `${ageDays} 天前` : `最近一份 ${ageDays} 天前`;
    return `${score.toFixed(0)} 分，依据 ${answers} 份答复（${age}），${sure}`;
  }
  const old = `${ageDays} ${ageDays === 1 ? 'day' : 'days'} old`;
  const from = answers === 1 ? `1 answer ${old}` : `${answers} answers, the newest ${old}`;
  return `${score.toFixed(0)}, from ${from}, ${sure}`;
};

/** Words of a list: `a`, `a and b`, `a, b and c`. */
export const listText = (words: readonly string[], lang: Lang): string => {
  if (lang === 'zh') return words.join('、');
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
};
