import { describe, expect, it } from 'vitest';
import { sampleCompanies } from '#local/sample-companies.ts';
import { assignRow } from '#shared/domain/assign.ts';
import { addMonths, lastDayOf } from '#shared/domain/calendar.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import { measure } from '#shared/domain/metrics.ts';
import { customer, frameRow, policyFrom, readProjectFile, runOf } from './support.ts';

const MONTHS = Array.from({ length: 8 }, (_, index) => addMonths('2025-11', index));
const policy = policyFrom(readProjectFile('docs/examples/bank-branch-share.yaml'), 'bank-branch-share.yaml');

describe('the variant that rates by the share of the branch', () => {
  const lines = sampleCompanies({ seed: 20_071_006, months: MONTHS })
    .customersCsv.trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  const number = (text: string | undefined): Record<string, number> =>
    text === undefined || text === '' ? {} : { value: Number(text) };
  const rows = [...Map.groupBy(lines, ([id]) => id ?? '')].map(([id, snapshots]) => {
    const facts = customer({
      customerId: id,
      snapshots: snapshots.map((cells) => ({
        date: cells[1] ?? '',
        recordedAt: `${cells[1]}T00:00:00.000Z`,
        traits: Object.fromEntries([
          ['industry', cells[10] ?? ''] as const,
          ...(
            [
              ['turnover_growth_12m', 12],
              ['days_past_due', 13],
              ['share_of_wallet', 14],
              ['net_income_12m', 15],
            ] as const
          ).flatMap(([name, column]) => Object.values(number(cells[column])).map((value) => [name, value] as const)),
        ]),
      })),
    });
    const asOf = lastDayOf('2026-06');
    const { metrics, traits } = measure(facts, policy, { asOf, frozenAt: `${asOf}T23:59:59.999Z` });
    const branch = snapshots[0]?.[6] ?? null;
    return frameRow({ subject: id, branch, metrics, traits });
  });
  const calibration = calibrate(policy, rows);
  const plan = new Map(rows.map((row) => [row.subject, assignRow(row, policy, calibration, runOf('2026-06'))]));

  it('gives shares of income that add up to one in each branch', () => {
    for (const [branch, members] of Map.groupBy(rows, (row) => row.branch)) {
      const sum = members.reduce((total, row) => total + (plan.get(row.subject)?.scores['incomeShare'] ?? 0), 0);
      expect(sum, branch ?? '').toBeCloseTo(1, 3);
    }
  });

  it('occupies every class, and rates a customer that grows above its equal that does not', () => {
    const classes = new Set([...plan.values()].map((one) => one.next.placements['class']?.actual));
    const grows = rows.filter((row) => Number(row.metrics['income_growth'] ?? 0) > 0);
    const growth = grows.map((row) => plan.get(row.subject)?.scores['growthShare'] ?? null);

    expect([...classes].sort()).toEqual(['cultivate', 'exit', 'hold', 'priority', 'unrated']);
    expect(grows.length).toBeGreaterThan(100);
    expect(growth.every((share) => share === null || share >= 0)).toBe(true);
    for (const row of grows.slice(0, 200)) {
      const scores = plan.get(row.subject)?.scores ?? {};
      const still = assignRow(
        { ...row, metrics: { ...row.metrics, income_growth: 0 } },
        policy,
        calibration,
        runOf('2026-06'),
      ).scores;
      expect(scores['contributionPoints'] ?? 0).toBeGreaterThanOrEqual(still['contributionPoints'] ?? 0);
    }
  });
});
