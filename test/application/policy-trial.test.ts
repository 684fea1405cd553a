import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tryPolicies } from '#shared/application/policy-trial.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

type Bench = ReturnType<typeof openMemoryBench>;
type Scores = Readonly<Record<string, number>>;

/** Thirds of the population, with waiting and gaps, so that what was in force before counts. */
const THIRDS = SCORE_POLICY.replace('bands: [30, 70]', 'quantile: 3')
  .replace('score: { from: 70 }', 'step: [3, 3]')
  .replace('score: { from: 30 }', 'step: [2, 2]')
  .replace('score: { from: 0 }', 'step: [1, 1]')
  .replace(
    'margin: 0, downgradeAfterPeriods: 1, coolingOffMonths: 0',
    'margin: 0.1, downgradeAfterPeriods: 2, coolingOffMonths: 1',
  );
const HALVES = THIRDS.replace('three-steps', 'halves')
  .replace('quantile: 3', 'quantile: 2')
  .replace('step: [3, 3]', 'step: [2, 2], score: { from: 50 }');

const FIRST = '2026-11-01T02:00:00.000Z';
const SECOND = '2026-12-01T02:00:00.000Z';

/** A month with the first policy, then a month with the given one. */
const twoMonths = async (before: Scores, after: Scores, second: string) => {
  const bench = openMemoryBench();
  const first = await bench.usePolicy(THIRDS);
  bench.setNow(FIRST);
  await withScore(bench, before, '2026-10-15');
  await bench.run({ trigger: 'schedule', scheduledAt: FIRST });
  bench.setNow(SECOND);
  await withScore(bench, after, '2026-11-15');
  const policy = await bench.usePolicy(second);
  await bench.run({ trigger: 'schedule', scheduledAt: SECOND });
  return { bench, first, policy };
};

const placements = async (bench: Bench, ids: readonly string[]) => {
  const found = new Map<string, { actual: string | undefined; target: string | undefined }>();
  for (const id of ids) {
    const subject = (await bench.ports.customers.get(id))?.subject ?? '';
    const placement = (await bench.ports.standings.getMany([subject])).get(subject)?.current.placements['class'];
    found.set(id, { actual: placement?.actual, target: placement?.target });
  }
  return found;
};

const trialOf = (bench: Bench, a: Parameters<typeof tryPolicies>[0], b: Parameters<typeof tryPolicies>[1]) =>
  tryPolicies(a, b, { ...bench.ports, timeZone: 'UTC' }, { limit: 1_000, lang: 'en' });

describe('trying a policy', () => {
  it('gives what the run would have given with it, for waiting, gaps and cut-offs of the population', async () => {
    let moved = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 0, max: 99 })), {
          minLength: 1,
          maxLength: 25,
        }),
        async (pairs) => {
          const ids = pairs.map((_, index) => `c${index}`);
          const scores = (month: 0 | 1): Scores =>
            Object.fromEntries(pairs.map((pair, index) => [`c${index}`, pair[month]]));
          const withA = await twoMonths(scores(0), scores(1), THIRDS);
          const withB = await twoMonths(scores(0), scores(1), HALVES);

          const trial = await trialOf(withA.bench, withA.policy, withB.policy);

          const [a, b] = [await placements(withA.bench, ids), await placements(withB.bench, ids)];
          const expected = ids
            .filter((id) => a.get(id)?.actual !== b.get(id)?.actual)
            .map((id) => ({ id, from: a.get(id)?.actual, to: b.get(id)?.actual }));
          const made = trial.movers.map((mover) => ({ id: mover.customerId, from: mover.from, to: mover.to }));
          expect(new Set(made)).toEqual(new Set(expected));
          expect(trial.moversTotal).toBe(expected.length);
          const targets = ids.filter((id) => a.get(id)?.target !== b.get(id)?.target).length;
          expect(trial.dimensions['class']?.target.reduce((sum, one) => sum + one.customers, 0)).toBe(targets);
          for (const mover of trial.movers) expect(mover.why).not.toMatch(/undefined|NaN|^$/u);
          moved += made.length;
        },
      ),
      { numRuns: 25 },
    );
    expect(moved).toBeGreaterThan(20);
  });

  it('leaves out who was erased since, and counts them', async () => {
    const { bench, policy } = await twoMonths({ a: 10, b: 60, c: 90 }, { a: 10, b: 60, c: 90 }, THIRDS);
    const other = await loadPolicy(bench.ports.objects, (await bench.usePolicy(HALVES)).hash);
    const before = await trialOf(bench, policy, other);
    const [mover] = before.movers;
    if (mover === undefined) throw new Error('nobody moves');

    await bench.ports.customers.erase(mover.customerId);
    const trial = await trialOf(bench, policy, other);

    expect(trial.erased).toBe(1);
    expect(trial.customers).toBe(before.customers - 1);
    expect(trial.movers.map((one) => one.customerId)).not.toContain(mover.customerId);
  });

  it('shows a pinned customer where the pin holds it, under both policies', async () => {
    const { bench, policy } = await twoMonths({ a: 10, b: 60, c: 90 }, { a: 10, b: 60, c: 90 }, THIRDS);
    const other = await bench.usePolicy(HALVES);
    const [mover] = (await trialOf(bench, policy, other)).movers;
    if (mover === undefined) throw new Error('nobody moves');
    await bench.usePolicy(THIRDS);
    await bench.addCustomer({
      customerId: mover.customerId,
      pins: [
        {
          dimension: 'class',
          segment: 'low',
          until: '2027-12-31',
          setAt: SECOND,
          by: 'Ann',
          reason: 'contract',
        },
      ],
    });
    bench.setNow('2027-01-01T02:00:00.000Z');
    await bench.run({ trigger: 'schedule', scheduledAt: '2027-01-01T02:00:00.000Z' });

    const trial = await trialOf(bench, policy, other);

    expect(trial.runId).toBe('2026-12-monthly');
    expect(trial.movers.map((one) => one.customerId)).not.toContain(mover.customerId);
    expect(trial.dimensions['class']?.target.length).toBeGreaterThan(0);
  });
});
