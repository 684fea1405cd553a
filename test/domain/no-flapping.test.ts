import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { assignRow } from '#shared/domain/assign.ts';
import { addMonths, monthsBetween } from '#shared/domain/calendar.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import type { TraitValue } from '#shared/domain/facts.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { cutoffsFor } from '#shared/domain/scores.ts';
import { allSettledScores } from '#shared/domain/segments.ts';
import { ratingScale } from '#shared/domain/settle.ts';
import type { Calibration, FrameRow, Generation, PlanRow } from '#shared/domain/standing.ts';
import { scoreNamed } from '#shared/domain/values.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { frameRow, preset, runOf } from './support.ts';

const START = '2024-01';

/** What a figure of a preset lies between; texts have no border. */
const RANGES: Readonly<Record<string, readonly [least: number, most: number]>> = {
  turnover_growth: [-0.2, 0.2],
  days_past_due: [0, 120],
  share_of_wallet: [0, 1],
  net_income: [-20_000, 120_000],
  recency_days: [0, 365],
  orders: [1, 20],
  orders_12m: [0, 8],
  spend: [0, 90_000],
  spend_12m: [0, 60_000],
  spend_growth: [-0.6, 0.6],
  tenure_days: [0, 900],
  stays_12m: [0, 9],
};

const between = ([least, most]: readonly [number, number], share: number): number => least + share * (most - least);

/** A population spread evenly over each figure's range, by another step for each figure. */
const populationOf = (policy: Policy): readonly FrameRow[] =>
  Array.from({ length: 97 }, (_, n) =>
    frameRow({
      subject: `s${n}`,
      metrics: Object.fromEntries(
        Object.keys(policy.metrics).map((name, index) => [
          name,
          between(RANGES[name] ?? [0, 1], ((n * (2 * index + 1)) % 97) / 97),
        ]),
      ),
    }),
  );

const PRESETS = (['bank-three-class', 'retail-rfm', 'hotel-needs'] as const).map((name) => {
  const policy = preset(name);
  return { name, policy, calibration: calibrate(policy, populationOf(policy)) };
});

/** Cut-offs and gaps of a metric's rating; those of ratings of scores are reached through their metrics. */
const bordersOf = (policy: Policy, calibration: Calibration, metric: string) =>
  Object.entries(policy.scores).flatMap(([name, score]) => {
    if (!('of' in score) || score.of !== metric) return [];
    const scale = ratingScale(score, cutoffsFor(name, score, frameRow(), calibration), policy.moves.margin);
    return (scale?.entry ?? []).map((entry, index) => ({
      cut: entry * (scale?.sign ?? 1),
      gap: scale?.gap[index] ?? 0,
    }));
  });

/** Figures of one month: at a border of each metric, off by so many gaps. */
const figuresAt = (
  policy: Policy,
  calibration: Calibration,
  border: number,
  gapsOff: readonly number[],
): Readonly<Record<string, TraitValue>> =>
  Object.fromEntries(
    Object.keys(policy.metrics)
      .filter((metric) => RANGES[metric] !== undefined)
      .map((metric, index) => {
        const borders = bordersOf(policy, calibration, metric);
        const { cut, gap } = borders[border % Math.max(1, borders.length)] ?? { cut: 5, gap: 1 };
        return [metric, cut + gap * (gapsOff[index % gapsOff.length] ?? 0)];
      }),
  );

const months = (
  policy: Policy,
  calibration: Calibration,
  figures: readonly FrameRow['metrics'][],
): readonly PlanRow[] => {
  const plans: PlanRow[] = [];
  for (const [index, metrics] of figures.entries()) {
    const row = frameRow({ metrics, prior: plans.at(-1)?.next ?? null });
    plans.push(assignRow(row, policy, calibration, runOf(addMonths(START, index))));
  }
  return plans;
};

/** Periods in which a rating changed. */
const changesOf = (plans: readonly PlanRow[], rating: string): readonly string[] =>
  plans.flatMap(({ next }, index) => {
    const before = plans[index - 1]?.next.ratings[rating];
    return before === undefined || before.level === next.ratings[rating]?.level ? [] : [addMonths(START, index)];
  });

/** Two years at a border: which one, and by how many gaps each figure is off each month. */
const noise = (most: number) =>
  fc.record({
    border: fc.nat(3),
    gapsOff: fc.array(
      fc.array(
        fc.noBias(fc.integer({ min: -1000, max: 1000 })).map((thousandths) => (most * thousandths) / 1000),
        { minLength: 5, maxLength: 5 },
      ),
      { minLength: 24, maxLength: 24 },
    ),
  });

describe.each(PRESETS)('a noisy customer at the borders of $name', ({ policy, calibration }) => {
  const ordered = Object.entries(policy.dimensions).filter(([, dimension]) => dimension.ordered);
  const ratings = allSettledScores(policy);

  it('R30 changes each rating at most once in a cooling-off', () => {
    fc.assert(
      fc.property(noise(8), ({ border, gapsOff }) => {
        const plans = months(
          policy,
          calibration,
          gapsOff.map((off) => figuresAt(policy, calibration, border, off)),
        );
        for (const rating of ratings) {
          const changes = changesOf(plans, rating);
          for (const [index, period] of changes.slice(1).entries()) {
            expect(monthsBetween(changes[index] ?? '', period)).toBeGreaterThanOrEqual(policy.moves.coolingOffMonths);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('R30 changes no rating while the noise stays within the gaps', () => {
    fc.assert(
      fc.property(noise(0.99), ({ border, gapsOff }) => {
        const plans = months(
          policy,
          calibration,
          gapsOff.map((off) => figuresAt(policy, calibration, border, off)),
        );
        const measured = ratings.filter((name) => {
          const score = scoreNamed(policy, name);
          return 'of' in score && Object.hasOwn(policy.metrics, score.of);
        });
        expect(measured.length).toBeGreaterThan(0);
        for (const rating of measured) expect(changesOf(plans, rating), rating).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('R30 would move more than twice as often without gaps, waits and cooling-off', () => {
    const free: Policy = { ...policy, moves: { margin: 0, downgradeAfterPeriods: 1, coolingOffMonths: 0 } };
    let [settled, unsettled] = [0, 0];
    const movesIn = (plans: readonly PlanRow[]): number =>
      plans
        .flatMap((plan) => plan.moves)
        .filter(({ dimension, kind }) => kind !== 'new' && ordered.some(([one]) => one === dimension)).length;
    for (const { border, gapsOff } of fc.sample(noise(8), { numRuns: 60, seed: 5 })) {
      const figures = gapsOff.map((off) => figuresAt(policy, calibration, border, off));
      settled += movesIn(months(policy, calibration, figures));
      unsettled += movesIn(months(free, calibration, figures));
    }

    expect(settled).toBeGreaterThan(0);
    expect(unsettled).toBeGreaterThan(2 * settled);
  });

  it('has its target and its actual segment on record every month, and a reason wherever they differ', () => {
    let differing = 0;
    fc.assert(
      fc.property(noise(8), ({ border, gapsOff }) => {
        const figures = gapsOff.map((off) => figuresAt(policy, calibration, border, off));
        for (const { next } of months(policy, calibration, figures)) {
          for (const [name] of ordered) {
            const { target, actual, heldBack } = next.placements[name] ?? { target: 'a', actual: 'b', heldBack: [] };
            expect(heldBack.length > 0).toBe(target !== actual);
            if (target !== actual) differing += 1;
          }
        }
      }),
      { numRuns: 40 },
    );
    expect(differing).toBeGreaterThan(100);
  });

  it('R30 is where it would be without them after five ad hoc runs a day, streaks included', () => {
    fc.assert(
      fc.property(noise(12), fc.boolean(), ({ border, gapsOff }, before) => {
        let busy: Generation | null = null;
        let calm: Generation | null = null;
        // Dimensions that an ad hoc run moved and the closing run moved back: `since` tells of it, rightly.
        const moved = new Set<string>();
        for (const [index, off] of gapsOff.entries()) {
          const metrics = figuresAt(policy, calibration, border, off);
          const decide = (prior: Generation | null, closesPeriod: boolean): Generation =>
            assignRow(
              frameRow({ metrics, prior }),
              policy,
              calibration,
              runOf(addMonths(START, index), { closesPeriod }),
            ).next;
          calm = decide(calm, true);
          if (!before) busy = decide(busy, true);
          for (let time = 0; time < 5; time += 1) {
            const prior: Generation | null = busy;
            busy = decide(prior, false);
            for (const [name, { actual, periods }] of Object.entries(busy.placements)) {
              if (actual !== calm.placements[name]?.actual) moved.add(name);
              const last = prior?.placements[name];
              expect(periods).toBe(last?.actual === actual ? last.periods : 0);
            }
            for (const [name, { waiting }] of Object.entries(busy.ratings)) {
              if (waiting !== undefined) expect(waiting).toEqual(prior?.ratings[name]?.waiting);
            }
          }
          if (before) busy = decide(busy, true);
          const there: Generation | null = busy;
          expect(there?.ratings).toEqual(calm.ratings);
          for (const [name, placement] of Object.entries(calm.placements)) {
            const { target, actual, heldBack } = placement;
            const same = moved.has(name) ? { target, actual, heldBack } : placement;
            expect(there?.placements[name]).toMatchObject(same);
          }
          if (!before) expect(moved).toEqual(new Set());
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('runs of a noisy population', () => {
  const bench = openMemoryBench();
  afterEach(() => bench.close());

  it('R30 count who is held back, keep five ad hoc runs out of the streak, and move at the second closed month', async () => {
    bench.setNow('2026-01-05T08:00:00.000Z');
    await bench.usePolicy(
      SCORE_POLICY.replace('when: { score: { from: 70 } }', 'when: { step: [3, 3] }')
        .replace('when: { score: { from: 30 } }', 'when: { step: [2, 2] }')
        .replace('when: { score: { from: 0 } }', 'when: { step: [1, 1] }')
        .replace(/moves: .*/u, 'moves: { margin: 0.1, downgradeAfterPeriods: 2, coolingOffMonths: 3 }'),
    );
    const subjects = async (): Promise<Readonly<Record<string, string>>> =>
      Object.fromEntries(
        await Promise.all(
          ['falls', 'wobbles', 'stays'].map(async (id) => {
            const subject = (await bench.ports.customers.get(id))?.subject ?? '';
            const standing = (await bench.ports.standings.getMany([subject])).get(subject);
            const { target, actual } = standing?.current.placements['class'] ?? { target: '', actual: '' };
            return [id, target === actual ? actual : `${actual}, due ${target}`];
          }),
        ),
      );
    await withScore(bench, { falls: 90, wobbles: 72, stays: 50 }, '2025-12-31');
    await bench.run({ trigger: 'schedule', scheduledAt: '2026-01-05T02:00:00.000Z' });
    expect(await subjects()).toEqual({ falls: 'high', wobbles: 'high', stays: 'middle' });

    bench.setNow('2026-02-03T08:00:00.000Z');
    await withScore(bench, { falls: 10, wobbles: 68 }, '2026-01-31');
    const first = await bench.run({ trigger: 'schedule', scheduledAt: '2026-02-03T02:00:00.000Z' });
    expect(first.summary.heldBack).toEqual({ class: { margin: 1, waiting: 1 } });
    const waiting = { falls: 'high, due low', wobbles: 'high, due middle', stays: 'middle' };
    expect(await subjects()).toEqual(waiting);

    for (const requestId of ['a', 'b', 'c', 'd', 'e']) {
      const { summary } = await bench.run({ requestId, asOf: '2026-02-03' });
      expect(summary).toMatchObject({ state: 'published', changed: 0, heldBack: { class: { margin: 1, waiting: 1 } } });
    }
    expect(await subjects()).toEqual(waiting);

    bench.setNow('2026-03-02T08:00:00.000Z');
    const second = await bench.run({ trigger: 'schedule', scheduledAt: '2026-03-02T02:00:00.000Z' });
    expect(second.summary.heldBack).toEqual({ class: { margin: 1 } });
    expect(await subjects()).toEqual({ ...waiting, falls: 'low' });
  });
});
