import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMonths, monthsBetween } from '#shared/domain/calendar.ts';
import type { MoveRules, Score } from '#shared/domain/policy.ts';
import { levelOf } from '#shared/domain/scores.ts';
import { ratingScale, type Settled, settleRating } from '#shared/domain/settle.ts';
import type { SettledRating } from '#shared/domain/standing.ts';
import { runOf } from './support.ts';

const bands = (cuts: readonly number[], better: 'high' | 'low' = 'high'): Extract<Score, { kind: 'bands' }> => ({
  kind: 'bands',
  of: 'm',
  cuts,
  better,
  caps: [],
  label: { en: 's', zh: 's' },
});
const MOVES: MoveRules = { margin: 0.1, downgradeAfterPeriods: 2, coolingOffMonths: 3 };

const settle = (
  score: Extract<Score, { kind: 'bands' }>,
  prior: SettledRating | undefined,
  value: number | null,
  run = runOf('2026-05'),
  moves = MOVES,
  cap = Number.POSITIVE_INFINITY,
): Settled => {
  const level = value === null ? null : Math.min(cap, levelOf(score, value, score.cuts));
  const scale = ratingScale(score, score.cuts, moves.margin);
  return settleRating({ prior, level, value, scale, cap, levels: score.cuts.length + 1 }, moves, run);
};
const rated = (level: number | null, over: Partial<SettledRating> = {}): SettledRating => ({
  level,
  since: '2025-01',
  changed: true,
  ...over,
});

describe('a settled rating', () => {
  const score = bands([100, 200]);

  it('holds at once when it is the first', () => {
    expect(settle(score, undefined, 150).rating).toEqual({ level: 2, since: '2026-05', changed: false });
    expect(settle(score, undefined, null).rating).toEqual({ level: null, since: '2026-05', changed: false });
  });

  it('goes up only past the gap above the cut-off', () => {
    expect(settle(score, rated(2), 205)).toEqual({ rating: rated(2), heldBack: ['margin'] });
    expect(settle(score, rated(2), 210).rating).toEqual({ level: 3, since: '2026-05', changed: true });
  });

  it('goes up as far as every gap on the way is cleared', () => {
    expect(settle(score, rated(1), 205)).toEqual({
      rating: { level: 2, since: '2026-05', changed: true },
      heldBack: ['margin'],
    });
  });

  it('goes down only past the gap below the cut-off, and after two closed periods', () => {
    const held = settle(score, rated(3), 195);
    const first = settle(score, rated(3), 180);
    const second = settle(score, first.rating, 180, runOf('2026-06'));

    expect(held).toEqual({ rating: rated(3), heldBack: ['margin'] });
    expect(first).toEqual({
      rating: rated(3, { waiting: { level: 2, periods: 1, lastPeriod: '2026-05' } }),
      heldBack: ['waiting'],
    });
    expect(second).toEqual({ rating: { level: 2, since: '2026-06', changed: true }, heldBack: [] });
  });

  it('counts a missing value as down, and is back at once when the value is', () => {
    const first = settle(score, rated(2), null);
    const second = settle(score, first.rating, null, runOf('2026-06'));
    const back = settle(score, second.rating, 150, runOf('2026-07'));

    expect(first.heldBack).toEqual(['waiting']);
    expect(second.rating).toEqual({ level: null, since: '2026-06', changed: true });
    expect(back.rating).toEqual({ level: 2, since: '2026-07', changed: false });
  });

  it('falls no lower than the best level of the periods that it waited', () => {
    const first = settle(score, rated(3), 150);
    const second = settle(score, first.rating, 20, runOf('2026-06'));

    expect(second.rating.level).toBe(2);
    expect(second.heldBack).toEqual(['waiting']);
  });

  it('forgets a streak that a better period interrupts', () => {
    const first = settle(score, rated(3), 150);
    const recovered = settle(score, first.rating, 250, runOf('2026-06'));
    const again = settle(score, recovered.rating, 150, runOf('2026-07'));

    expect(recovered.rating).toEqual(rated(3));
    expect(again.rating.waiting?.periods).toBe(1);
  });

  it('stays for the cooling-off after a change, up and down', () => {
    const recent = rated(2, { since: '2026-03' });

    expect(settle(score, recent, 300)).toEqual({ rating: recent, heldBack: ['coolingOff'] });
    expect(settle(score, recent, 300, runOf('2026-06')).rating.level).toBe(3);
    const due = { ...recent, waiting: { level: 1, periods: 1, lastPeriod: '2026-04' } };
    expect(settle(score, due, 10).heldBack).toEqual(['coolingOff']);
    expect(settle(score, due, 10).rating.level).toBe(2);
  });

  it('starts no cooling-off with a first rating', () => {
    const first = settle(score, undefined, 150);

    expect(settle(score, first.rating, 300, runOf('2026-06')).rating.level).toBe(3);
  });

  it('is lowered by a cap whatever the gap, after waiting', () => {
    const first = settle(score, rated(3), 300, runOf('2026-05'), MOVES, 1);
    const second = settle(score, first.rating, 300, runOf('2026-06'), MOVES, 1);

    expect(first.heldBack).toEqual(['waiting']);
    expect(second.rating.level).toBe(1);
  });

  it('uses the gap of its own absolute value at a single cut-off', () => {
    expect(ratingScale(bands([-40]), [-40], 0.1)?.gap).toEqual([4]);
    expect(ratingScale(bands([0, 10, 40]), [0, 10, 40], 0.1)?.gap).toEqual([1, 2, 3]);
  });

  it('turns round where low is better', () => {
    const days = bands([30, 90], 'low');

    expect(settle(days, rated(2), 26).heldBack).toEqual(['margin']);
    expect(settle(days, rated(2), 24).rating.level).toBe(3);
    expect(settle(days, rated(2), 94).heldBack).toEqual(['margin']);
    expect(settle(days, rated(2), 97).heldBack).toEqual(['waiting']);
  });

  it('follows the raw level where gaps, waiting and cooling-off are switched off', () => {
    const off: MoveRules = { margin: 0, downgradeAfterPeriods: 1, coolingOffMonths: 0 };
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1 }), (values) => {
        let rating: SettledRating | undefined;
        for (const [index, value] of values.entries()) {
          rating = settle(score, rating, value, runOf(addMonths('2026-01', index)), off).rating;
          expect(rating.level).toBe(levelOf(score, value, score.cuts));
        }
      }),
    );
  });
});

describe('runs of the same period', () => {
  const anyRating = fc.record({ first: fc.nat(300), values: fc.array(fc.option(fc.nat(300)), { maxLength: 12 }) });
  const score = bands([100, 200]);

  it('R30 advance no streak: the scheduled run again and any number of ad hoc runs change nothing', () => {
    fc.assert(
      fc.property(anyRating, ({ first, values }) => {
        let rating = settle(score, undefined, first, runOf('2026-01')).rating;
        for (const [index, value] of values.entries()) {
          const period = addMonths('2026-02', index);
          rating = settle(score, rating, value, runOf(period)).rating;
          expect(settle(score, rating, value, runOf(period)).rating).toEqual(rating);
          expect(settle(score, rating, value, runOf(period, { closesPeriod: false })).rating).toEqual(rating);
        }
      }),
    );
  });

  it('R30 ad hoc runs never lower a rating that has not waited', () => {
    let rating = settle(score, undefined, 250, runOf('2026-01')).rating;
    for (const period of ['2026-02', '2026-03', '2026-04', '2026-05']) {
      rating = settle(score, rating, 50, runOf(period, { closesPeriod: false })).rating;
    }

    expect(rating).toEqual({ level: 3, since: '2026-01', changed: false });
  });
});

describe('a noisy customer at the border', () => {
  it('R30 changes at most once in a cooling-off, whatever the noise', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { minLength: 24, maxLength: 48 }), (values) => {
        const changes: string[] = [];
        let rating: SettledRating | undefined;
        for (const [index, value] of values.entries()) {
          const period = addMonths('2024-01', index);
          const next = settle(bands([100, 200]), rating, value, runOf(period)).rating;
          if (rating !== undefined && next.level !== rating.level) changes.push(period);
          rating = next;
        }
        for (const [index, period] of changes.entries()) {
          const before = changes[index - 1];
          if (before !== undefined) expect(monthsBetween(before, period)).toBeGreaterThanOrEqual(3);
        }
      }),
    );
  });

  it('R30 does not change at all while the noise is smaller than the gap', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 191, max: 209 }), { minLength: 24 }), (values) => {
        let rating = settle(bands([100, 200]), undefined, 205, runOf('2023-12')).rating;
        for (const [index, value] of values.entries()) {
          rating = settle(bands([100, 200]), rating, value, runOf(addMonths('2024-01', index))).rating;
        }

        expect(rating).toEqual({ level: 3, since: '2023-12', changed: false });
      }),
    );
  });
});
