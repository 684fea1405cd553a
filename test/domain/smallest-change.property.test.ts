import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignRow } from '#shared/domain/assign.ts';
import { addMonths } from '#shared/domain/calendar.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import { explain } from '#shared/domain/explain.ts';
import type { ExplainedDimension, Explanation } from '#shared/domain/explanation.ts';
import type { TraitValue } from '#shared/domain/facts.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { sizeOf, stepOf, withInput } from '#shared/domain/smallest-change.ts';
import type { Calibration, FrameRow, Generation, PlanRow } from '#shared/domain/standing.ts';
import { measuredValue, roundScore, scoreNamed } from '#shared/domain/values.ts';
import { frameRow, policyFrom, preset, runOf } from './support.ts';

/** Reads what the presets leave out: truths, numbers and texts of lookups, a mean in rules, traits, a level for the missing. */
const CLUB = policyFrom(`
policy: club
timeZone: UTC
currency: JPY
valueMetric: spend
metrics:
  spend: { purchases: spend, en: Spend, zh: 消费额 }
  visits: { purchases: orders, windowDays: 90, en: Visits, zh: 到店次数 }
  income: { traitMean: income, months: 3, unit: money, en: Income, zh: 收入 }
  games: { traitMean: games, months: 3, unit: count, en: Games, zh: 场次 }
  town: { trait: town, unit: text, en: Town, zh: 城市 }
scores:
  wealth: { quantile: 4, of: income, within: club, smallestPartition: 8, missing: 1, en: Wealth, zh: 财力 }
  member: { lookup: { true: 3, false: 1 }, of: trait.member, en: Member, zh: 会员 }
  stars: { lookup: { 1: 1, 2: 2, 3: 3 }, of: trait.stars, otherwise: 1, en: Stars, zh: 星级 }
  place: { lookup: { city: 3, village: 1 }, of: town, otherwise: 2, en: Place, zh: 地点 }
  share: { shareOfTotal: true, of: spend, en: Share of all spend, zh: 占比 }
  points: { weighted: { wealth: 50, share: 50, place: 10 }, needs: 2, en: Points, zh: 得分 }
  often: { bands: [2, 6], of: games, better: low, en: Rarely, zh: 少 }
dimensions:
  kind:
    en: Kind
    zh: 类别
    segments:
      best: { en: Best, zh: 最佳 }
      good: { en: Good, zh: 良好 }
      local: { en: Local, zh: 本地 }
      other: { en: Other, zh: 其他 }
    rules:
      - { segment: best, when: { points: { from: 1.5 }, member: [3, 3] } }
      - { segment: good, when: { stars: [2, 3], often: { from: 2 } } }
      - { segment: local, when: { trait.area: { in: [north, south] }, visits: [1, 4] } }
    rest: other
  side:
    en: Side
    zh: 侧
    ordered: false
    segments:
      a: { en: A, zh: 甲 }
      b: { en: B, zh: 乙 }
      c: { en: C, zh: 丙 }
    rules:
      - { segment: a, when: { trait.member: { in: ["true"] }, place: [2, 3] } }
      - { segment: b, when: { town: present } }
    rest: c
moves: { margin: 0.1, downgradeAfterPeriods: 2, coolingOffMonths: 4 }
`);

type Draw = () => number;
/** Numbers in [0, 1) that follow from the seed alone (mulberry32). */
const drawFrom = (seed: number): Draw => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};
const oneOf = <T>(draw: Draw, all: readonly T[]): T | undefined => all[Math.floor(draw() * all.length)];
const whole = (draw: Draw, least: number, most: number): number => least + Math.floor(draw() * (most - least + 1));

const VALUES: Readonly<Record<string, (draw: Draw) => TraitValue>> = {
  turnover_growth: (draw) => draw() * 0.3 - 0.15,
  days_past_due: (draw) => oneOf(draw, [0, 0, 1, whole(draw, 0, 120)]) ?? 0,
  share_of_wallet: (draw) => oneOf(draw, [draw(), whole(draw, 0, 10) / 10]) ?? 0,
  net_income: (draw) => oneOf(draw, [whole(draw, -500, 2000) * 100, whole(draw, -5e6, 2e7) / 100, draw() * 1e5]) ?? 0,
  recency_days: (draw) => whole(draw, 0, 300),
  orders: (draw) => whole(draw, 1, 9),
  orders_12m: (draw) => whole(draw, 0, 6),
  spend: (draw) => whole(draw, 0, 90_000),
  spend_12m: (draw) => oneOf(draw, [0, whole(draw, 0, 60_000)]) ?? 0,
  spend_growth: (draw) => draw() * 1.2 - 0.6,
  tenure_days: (draw) => whole(draw, 0, 400),
  stays_12m: (draw) => whole(draw, 0, 9),
  leisure_share: (draw) => oneOf(draw, [0, 0.6, 1, draw()]) ?? 0,
  main_purpose: (draw) => oneOf(draw, ['business', 'conference', 'family', 'couple', 'single', 'mixed']) ?? '',
  leisure_kind: (draw) => oneOf(draw, ['family', 'couple', 'single', 'mixed']) ?? '',
  main_place: (draw) => oneOf(draw, ['city', 'resort', 'airport', 'mixed']) ?? '',
  visits: (draw) => whole(draw, 0, 6),
  income: (draw) => oneOf(draw, [draw() * 9000, whole(draw, 0, 9000), whole(draw, 0, 9)]) ?? 0,
  games: (draw) => oneOf(draw, [whole(draw, 0, 9), draw() * 9]) ?? 0,
  town: (draw) => oneOf(draw, ['city', 'village', 'other', 'hamlet']) ?? '',
  industry: (draw) => oneOf(draw, ['steel', 'property', 'retail', 'other']) ?? '',
  member: (draw) => draw() < 0.5,
  stars: (draw) => whole(draw, 0, 4),
  area: (draw) => oneOf(draw, ['north', 'south', 'west']) ?? '',
  club: (draw) => oneOf(draw, ['c1', 'c2', 'tiny']) ?? '',
};

const TRAITS = ['industry', 'member', 'stars', 'area', 'club'];

/** A customer with any figures; each input is missing for one in six, all of them for one in twenty. */
const anyRow = (policy: Policy, draw: Draw, subject: string): FrameRow => {
  const isKnown = draw() > 0.05 ? () => draw() > 1 / 6 : () => false;
  const value = (name: string): TraitValue | null => (isKnown() ? (VALUES[name]?.(draw) ?? null) : null);
  return frameRow({
    subject,
    branch: oneOf(draw, ['B1', 'B1', 'B2', null]) ?? null,
    metrics: Object.fromEntries(Object.keys(policy.metrics).map((name) => [name, value(name)])),
    traits: Object.fromEntries(TRAITS.map((name) => [name, value(name)])),
    answers: draw() < 0.3 ? [{ value: draw(), ageDays: whole(draw, 0, 90) }] : [],
  });
};

interface Case {
  readonly policy: Policy;
  readonly calibration: Calibration;
  readonly row: FrameRow;
  readonly plan: PlanRow;
  readonly before:
    | { readonly runId: string; readonly row: FrameRow; readonly calibration: Calibration; readonly policyHash: string }
    | undefined;
}

/** Customers of a random population after up to four months with other figures, so that some wait, cool off or are pinned. */
const casesOf = (policy: Policy, seed: number, customers: number): readonly Case[] => {
  const draw = drawFrom(seed);
  const size = whole(draw, 12, 140);
  const population = (): readonly FrameRow[] => Array.from({ length: size }, (_, n) => anyRow(policy, draw, `s${n}`));
  const then = calibrate(policy, population());
  const calibration = calibrate(policy, population());
  return Array.from({ length: customers }, (_, n) => {
    const subject = `s${n}`;
    const months = whole(draw, 0, 4);
    let before: Case['before'];
    let prior: PlanRow['next'] | null = null;
    for (let month = 0; month < months; month += 1) {
      const row: FrameRow = { ...anyRow(policy, draw, subject), prior };
      const run = runOf(addMonths('2026-01', month));
      prior = assignRow(row, policy, then, run).next;
      before = { runId: run.runId, row, calibration: then, policyHash: policy.hash };
    }
    const dimension = oneOf(draw, Object.keys(policy.dimensions)) ?? '';
    const segment = oneOf(draw, policy.dimensions[dimension]?.segmentOrder ?? []) ?? '';
    const pins = draw() < 0.1 ? [{ dimension, segment, until: '2026-07-15' }] : [];
    const row = { ...anyRow(policy, draw, subject), prior, pins };
    return { policy, calibration, row, plan: assignRow(row, policy, calibration, runOf(RUN)), before };
  });
};

const RUN = '2026-06';
/** More closed months than a downgrade by two steps, a cooling-off and a pin take together. */
const ENOUGH_MONTHS = 14;

/** The runs of the months that follow, with these figures. */
const monthsAfter = ({ policy, calibration, plan }: Case, row: FrameRow): readonly Generation[] => {
  const generations: Generation[] = [];
  for (let month = 1; month <= ENOUGH_MONTHS; month += 1) {
    const prior = generations.at(-1) ?? plan.next;
    generations.push(assignRow({ ...row, prior }, policy, calibration, runOf(addMonths(RUN, month))).next);
  }
  return generations;
};

/** Where the customer is once every wait is over, found by running month after month. */
const endsIn = (one: Case, row: FrameRow, dimension: string): string | undefined =>
  monthsAfter(one, row).at(-1)?.placements[dimension]?.actual;

const explained = ({ row, plan, policy, calibration, before }: Case, lang: 'en' | 'zh'): Explanation =>
  explain(row, plan, policy, calibration, lang, { run: runOf(RUN), ...(before === undefined ? {} : { before }) });

/** Better, worse or neither: the first is the best of an ordered dimension; the unrated of a matrix are neither. */
const wayOf = (policy: Policy, name: string, from: string, to: string): string => {
  const dimension = policy.dimensions[name];
  const unrated = dimension?.by.kind === 'matrix' ? dimension.by.missing : undefined;
  if (dimension === undefined || !dimension.ordered || from === unrated || to === unrated) return 'sideways';
  return dimension.segmentOrder.indexOf(to) < dimension.segmentOrder.indexOf(from) ? 'up' : 'down';
};

const expectHonestChanges = (one: Case, found: ExplainedDimension): void => {
  const { policy, row } = one;
  const { name, headingFor } = found;
  expect(endsIn(one, row, name)).toBe(headingFor);
  const named = [found.smallest, found.smallestUp, found.smallestDown].filter((change) => change !== null);
  for (const change of named) expect(found.changes).toContainEqual(change);
  expect(found.smallest).toEqual(found.changes[0] ?? null);
  const sizes = found.changes.map(sizeOf);
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  for (const change of found.changes) {
    expect(change.segment).not.toBe(headingFor);
    expect(change.from).toBe(measuredValue(row, change.metric));
    expect(endsIn(one, withInput(row, change.metric, change.to), name), JSON.stringify(change)).toBe(change.segment);
    if (typeof change.from !== 'number' || typeof change.to !== 'number') continue;
    const step = stepOf(policy, change.metric, change.from);
    // Less than a step away there is nothing between.
    if (Math.abs(change.to - change.from) <= step) continue;
    const less = roundScore(change.to - Math.sign(change.to - change.from) * step);
    const there = endsIn(one, withInput(row, change.metric, less), name) ?? '';
    const way = wayOf(policy, name, headingFor, change.segment);
    if (there !== headingFor)
      expect(wayOf(policy, name, headingFor, there), JSON.stringify({ change, less })).not.toBe(way);
    if (change === found.smallest) expect(there, JSON.stringify({ change, less })).toBe(headingFor);
  }
};

/** Nothing nearer than what is reported moves the customer; where nothing is reported, nothing does. */
const expectNoneSmaller = (one: Case, found: ExplainedDimension, draw: Draw): void => {
  const { policy, row } = one;
  for (const metric of Object.keys(VALUES)) {
    // Whom a customer is ranked with is held fixed, as the cut-offs are.
    if (metric === 'club') continue;
    const name = TRAITS.includes(metric) ? `trait.${metric}` : metric;
    const from = measuredValue(row, name);
    if (from === null || (!TRAITS.includes(metric) && policy.metrics[metric] === undefined)) continue;
    const changes = found.changes.filter((change) => change.metric === name);
    const other = VALUES[metric]?.(draw) ?? from;
    if (typeof from !== 'number' || typeof other !== 'number') {
      if (changes.length === 0) expect(endsIn(one, withInput(row, name, other), found.name)).toBe(found.headingFor);
      continue;
    }
    const nearest = Math.min(...changes.map(({ to }) => (typeof to === 'number' ? Math.abs(to - from) : 0)));
    const step = stepOf(policy, name, from);
    const reached = Math.abs(other - from) < nearest ? other : from + (2 * draw() - 1) * nearest;
    const tried = roundScore(Math.round(reached / step) * step);
    if (Math.abs(tried - from) >= nearest || (tried < 0 && from >= 0)) continue;
    const there = endsIn(one, withInput(row, name, tried), found.name);
    expect(there, JSON.stringify({ name, from, tried, nearest })).toBe(found.headingFor);
  }
};

const expectHonestOutcomes = (one: Case, found: ExplainedDimension): void => {
  const { policy, row } = one;
  for (const { metric, outcomes } of found.ifKnown) {
    expect(measuredValue(row, metric)).toBeNull();
    expect(outcomes.some(({ segment }) => segment !== found.headingFor)).toBe(true);
    const expectThere = (value: TraitValue, segment: string): void =>
      expect(endsIn(one, withInput(row, metric, value), found.name), JSON.stringify({ metric, value })).toBe(segment);
    const step = stepOf(policy, metric, null);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.kind === 'value') expectThere(outcome.value, outcome.segment);
      if (outcome.kind === 'otherThan') expectThere('something else', outcome.segment);
      if (outcome.kind !== 'range') continue;
      const { from, to, segment } = outcome;
      expectThere(from ?? (to ?? 0) - 1e9, segment);
      expectThere(to ?? (from ?? 0) + 1e9, segment);
      const next = outcomes[index + 1];
      if (next?.kind === 'range') expect((next.from ?? Number.NaN) - (to ?? Number.NaN)).toBeCloseTo(step, 9);
    }
  }
};

describe.each([
  { name: 'bank-three-class', policy: preset('bank-three-class') },
  { name: 'retail-rfm', policy: preset('retail-rfm') },
  { name: 'hotel-needs', policy: preset('hotel-needs') },
  { name: 'a policy with lookups, means and traits', policy: CLUB },
])('an explanation by $name', ({ policy }) => {
  const everyCase = (check: (one: Case, draw: Draw) => void): void =>
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        for (const one of casesOf(policy, seed, 6)) check(one, drawFrom(seed));
      }),
      { numRuns: 4 },
    );

  it('names changes that move the customer, and one step less of the smallest does not', () => {
    everyCase((one) => {
      for (const found of explained(one, 'en').dimensions) expectHonestChanges(one, found);
    });
  });

  it('overlooks no smaller change', () => {
    everyCase((one, draw) => {
      for (const found of explained(one, 'en').dimensions) expectNoneSmaller(one, found, draw);
    });
  });

  it('says where a missing figure would lead, true at both ends of each range', () => {
    everyCase((one) => {
      for (const found of explained(one, 'en').dimensions) expectHonestOutcomes(one, found);
    });
  });

  it('names the period that moves the customer if its figures stay, and none where none does', () => {
    everyCase((one) => {
      const later = monthsAfter(one, one.row);
      for (const { name, actual, earliestMove, earliestMoveTo } of explained(one, 'en').dimensions) {
        const month = later.findIndex(({ placements }) => placements[name]?.actual !== actual);
        expect(earliestMove).toBe(month < 0 ? null : addMonths(RUN, month + 1));
        expect(earliestMoveTo).toBe(later[month]?.placements[name]?.actual ?? null);
      }
    });
  });

  it('gives the figures at which a rating is entered and left, gap included', () => {
    /** As far as comparisons go: cut-offs with their gaps have more decimals than that. */
    const hair = 2e-6;
    everyCase((one) => {
      for (const { name, source, settledLevel, cappedAt, above, below } of explained(one, 'en').ratings) {
        if (!Object.hasOwn(policy.metrics, source) || settledLevel === null || cappedAt !== null) continue;
        const score = scoreNamed(policy, name);
        const sign = 'better' in score && score.better === 'low' ? -1 : 1;
        const levelAt = (value: number): number =>
          monthsAfter(one, withInput(one.row, source, value)).at(-1)?.ratings[name]?.level ?? 0;
        if (above !== null) {
          expect(levelAt(above.entersAt + sign * hair), name).toBeGreaterThan(settledLevel);
          expect(levelAt(above.entersAt - sign * hair), name).toBeLessThanOrEqual(settledLevel);
        }
        if (below !== null) {
          expect(levelAt(below.leavesAt + sign * hair), name).toBeGreaterThanOrEqual(settledLevel);
          expect(levelAt(below.leavesAt - sign * hair), name).toBeLessThan(settledLevel);
        }
      }
    });
  });

  it('is tried on customers of every sort', () => {
    const met = new Set<string>();
    for (let seed = 0; seed < 15; seed += 1) {
      for (const one of casesOf(policy, seed, 6)) {
        for (const { by, heldBack, moved, ifKnown } of explained(one, 'en').dimensions) {
          for (const sort of [by.kind, ...heldBack, moved?.cause, ...ifKnown.map(() => 'missing')])
            met.add(sort ?? 'at rest');
        }
      }
    }
    const kinds = new Set(
      Object.values(policy.dimensions).flatMap(({ by }) => (by.kind === 'rules' ? 'rest' : 'cell')),
    );
    expect([...met]).toEqual(
      expect.arrayContaining([...kinds, 'missing', 'waiting', 'coolingOff', 'pin', 'first', 'own', 'at rest']),
    );
  });

  it('says the same in both languages, in whole sentences without holes', () => {
    everyCase((one) => {
      const [en, zh] = [explained(one, 'en'), explained(one, 'zh')];
      expect(zh.sections.map(({ sentences }) => sentences.length)).toEqual(
        en.sections.map(({ sentences }) => sentences.length),
      );
      for (const sentence of [...en.sentences, ...zh.sentences]) {
        expect(sentence).not.toMatch(/undefined|NaN|\bnull\b|Infinity|∞|\[object|^[.。]/u);
        expect(sentence).toMatch(/[.。]$/u);
      }
      for (const sentence of zh.sentences) expect(sentence).toMatch(/。$/u);
      for (const sentence of en.sentences) expect(sentence).not.toMatch(/[\p{Script=Han}。：，]/u);
    });
  });
});
