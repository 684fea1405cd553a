import { describe, expect, it } from 'vitest';
import { CUSTOMER_COLUMNS, PURCHASE_COLUMNS, type SampleCompanies, sampleCompanies } from '#local/sample-companies.ts';
import { assignRow, capacity } from '#shared/domain/assign.ts';
import { findBrakes } from '#shared/domain/brakes.ts';
import { addMonths, lastDayOf } from '#shared/domain/calendar.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import type { FrameRow, Generation, PlanRow } from '#shared/domain/standing.ts';
import { frameRow, preset, runOf } from '#test/domain/support.ts';

const MONTHS = Array.from({ length: 9 }, (_, index) => addMonths('2025-10', index));
const SEED = 20_260_531;
const sample = sampleCompanies({ seed: SEED, months: MONTHS });

const rowsOf = (csv: string): readonly Readonly<Record<string, string>>[] => {
  const [head = '', ...lines] = csv.trimEnd().split('\n');
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    if (cells.length !== columns.length) throw new Error(`${cells.length} cells in ${line}`);
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
  });
};

const lastRows = rowsOf(sample.monthRows('2026-06').customersCsv);

const number = (text: string | undefined): number | null => (text === undefined || text === '' ? null : Number(text));

const frame = (
  companies: SampleCompanies,
  period: string,
  prior: ReadonlyMap<string, Generation>,
): readonly FrameRow[] =>
  rowsOf(companies.monthRows(period).customersCsv).map((row) => {
    const yuan = number(row['net_income_12m']);
    return frameRow({
      subject: row['id'] ?? '',
      status: row['status'] ?? '',
      branch: row['branch'] ?? null,
      manager: row['manager'] ?? null,
      metrics: {
        turnover_growth: number(row['turnover_growth_12m']),
        days_past_due: number(row['days_past_due']),
        share_of_wallet: number(row['share_of_wallet']),
        net_income: yuan === null ? null : yuan * 100,
      },
      traits: { industry: row['industry'] ?? null },
      prior: prior.get(row['id'] ?? '') ?? null,
    });
  });

/** Runs the bank's default policy month by month over the sample. */
const history = (
  companies = sample,
): readonly {
  readonly period: string;
  readonly rows: readonly PlanRow[];
  readonly moved: number;
  readonly brakes: readonly string[];
}[] => {
  const policy = preset('bank-three-class');
  const prior = new Map<string, Generation>();
  let previousPopulation: number | null = null;
  let previousSegments: Record<string, number> = {};
  return MONTHS.map((period) => {
    const rows = frame(companies, period, prior);
    const calibration = calibrate(policy, rows);
    const plan = capacity(
      rows.map((row) => assignRow(row, policy, calibration, runOf(period))),
      policy,
    );
    const opened = (kind: string): number =>
      plan.flatMap((row) => row.flags).filter((flag) => flag.opened && flag.kind === kind).length;
    const segments: Record<string, number> = {};
    let moved = 0;
    for (const row of plan) {
      const segment = row.next.placements['class']?.actual;
      const before = prior.get(row.subject)?.placements['class']?.actual;
      if (segment !== undefined) segments[segment] = (segments[segment] ?? 0) + 1;
      if (before !== undefined && before !== segment) moved += 1;
    }
    const brakes = findBrakes(
      {
        asOf: lastDayOf(period),
        population: rows.length,
        quarantined: 0,
        previousPopulation,
        known: prior.size,
        moved,
        flagged: { upgrade: opened('upgrade'), exit: opened('exit') },
        segments,
        previousSegments,
        newestFact: lastDayOf(period),
      },
      policy.brakes,
    ).map((finding) => finding.message);
    for (const row of plan) prior.set(row.subject, row.next);
    previousPopulation = rows.length;
    previousSegments = segments;
    return { period, rows: plan, moved: moved / Math.max(1, rows.length), brakes };
  });
};

describe('the sample companies', () => {
  it('are the same for the same seed, and others for another', () => {
    const again = sampleCompanies({ seed: SEED, months: MONTHS });

    expect(again.customersCsv).toBe(sample.customersCsv);
    expect(again.purchasesCsv).toBe(sample.purchasesCsv);
    expect(sampleCompanies({ seed: SEED + 1, months: MONTHS }).customersCsv).not.toBe(sample.customersCsv);
  });

  it('keep their past when a month is added', () => {
    const longer = sampleCompanies({ seed: SEED, months: [...MONTHS, '2026-07'] });

    for (const period of MONTHS) expect(longer.monthRows(period)).toEqual(sample.monthRows(period));
  });

  it('give by month what they give in one file', () => {
    const body = (csv: string): string => csv.slice(csv.indexOf('\n') + 1);
    const months = MONTHS.map((period) => sample.monthRows(period));

    expect(months.map((month) => body(month.customersCsv)).join('')).toBe(body(sample.customersCsv));
    expect(months.map((month) => body(month.purchasesCsv)).join('')).toBe(body(sample.purchasesCsv));
    expect(sample.customersCsv.split('\n')[0]).toBe(CUSTOMER_COLUMNS.join(','));
    expect(sample.purchasesCsv.split('\n')[0]).toBe(PURCHASE_COLUMNS.join(','));
  });

  it('are 2,000 in twelve branches, two of them below fifty, each with its own managers', () => {
    const byBranch = Map.groupBy(lastRows, (row) => row['branch']);
    const branchesOfManager = Map.groupBy(lastRows, (row) => row['manager']);

    expect(lastRows).toHaveLength(2_000);
    expect(new Set(lastRows.map((row) => row['id'])).size).toBe(2_000);
    expect(byBranch.size).toBe(12);
    expect([...byBranch.values()].filter((rows) => rows.length < 50)).toHaveLength(2);
    for (const rows of branchesOfManager.values()) expect(new Set(rows.map((row) => row['branch'])).size).toBe(1);
  });

  it('have addresses at example.com only, some shared, and consent missing for part of the mainland', () => {
    const addresses = lastRows.map((row) => row['email'] ?? '');
    const mainland = lastRows.filter((row) => row['region'] === 'CN');

    expect(addresses.filter((address) => !/^[a-z0-9.+]+@example\.com$/u.test(address))).toEqual([]);
    expect(addresses.length - new Set(addresses).size).toBeGreaterThan(5);
    expect(addresses.length - new Set(addresses).size).toBeLessThan(50);
    expect(mainland.filter((row) => row['consent'] === '').length).toBeGreaterThan(100);
    expect(mainland.filter((row) => row['consent'] === 'yes').length).toBeGreaterThan(1_000);
    expect(new Set(lastRows.map((row) => row['language']))).toEqual(new Set(['zh-CN', 'en']));
    expect(
      lastRows.filter((row) => /\p{Script=Han}/u.test(row['name'] ?? '') !== (row['language'] === 'zh-CN')),
    ).toEqual([]);
  });

  it('leave days past due empty for companies without credit', () => {
    const without = lastRows.filter((row) => row['has_credit'] === 'false');

    expect(without.length).toBeGreaterThan(100);
    for (const row of without) expect(row['days_past_due']).toBe('');
  });

  it('show a shock in steel and property in the later months', () => {
    const mean = (period: string): number => {
      const rows = rowsOf(sample.monthRows(period).customersCsv).filter((row) =>
        ['steel', 'property'].includes(row['industry'] ?? ''),
      );
      const values = rows.flatMap((row) => number(row['turnover_growth_12m']) ?? []);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };

    expect(mean('2026-06')).toBeLessThan(mean('2026-01') - 0.1);
  });

  it('buy services in yuan over the months and the eleven before, not after they closed', () => {
    const purchases = rowsOf(sample.purchasesCsv);
    const closed = new Set(lastRows.filter((row) => row['status'] === 'closed').map((row) => row['id']));

    expect(closed.size).toBeGreaterThan(0);
    expect(purchases.length).toBeGreaterThan(20_000);
    expect(purchases[0]?.['date']?.slice(0, 7)).toBe('2024-11');
    expect(purchases.at(-1)?.['date']?.slice(0, 7)).toBe('2026-06');
    expect(purchases.filter((row) => !/^\d+\.\d\d$/u.test(row['amount'] ?? ''))).toEqual([]);
    expect(purchases.some((row) => closed.has(row['customer']) && row['date']?.startsWith('2026-06'))).toBe(false);
  });

  it.each([1, 42, SEED])(
    'occupy every cell of the matrix of the default policy, and hold no run back: seed %i',
    (seed) => {
      const months = history(sampleCompanies({ seed, months: MONTHS }));

      for (const { period, rows, moved, brakes } of months) {
        const cells = new Set(
          rows.map((row) => `${row.next.ratings['quality']?.level}/${row.next.ratings['contribution']?.level}`),
        );
        for (const quality of [1, 2, 3]) {
          for (const contribution of [1, 2, 3]) expect(cells, period).toContain(`${quality}/${contribution}`);
        }
        expect(brakes, period).toEqual([]);
        expect(moved, period).toBeLessThan(0.08);
        expect(rows.filter((row) => row.next.placements['class']?.actual === 'unrated').length, period).toBeGreaterThan(
          5,
        );
      }
    },
  );

  it('give flags of both kinds, moves both ways and customers held back, from their own history', () => {
    const months = history();
    const last = months.at(-1)?.rows ?? [];
    const flags = last.flatMap((row) => row.flags.map((flag) => flag.kind));
    const moves = months.flatMap(({ rows }) => rows.flatMap((row) => row.moves.map((move) => move.kind)));

    expect(flags.filter((kind) => kind === 'upgrade').length).toBeGreaterThan(5);
    expect(flags.filter((kind) => kind === 'exit').length).toBeGreaterThan(5);
    expect(moves.filter((kind) => kind === 'up').length).toBeGreaterThan(30);
    expect(moves.filter((kind) => kind === 'down').length).toBeGreaterThan(30);
    expect(new Set(moves)).toContain('left');
    expect(last.filter((row) => (row.next.placements['class']?.heldBack.length ?? 0) > 0).length).toBeGreaterThan(5);
    const firstExits = new Set(
      months[2]?.rows.filter((row) => row.flags.some((flag) => flag.kind === 'exit')).map((row) => row.subject),
    );
    const laterExits = last.filter(
      (row) => row.flags.some((flag) => flag.kind === 'exit') && !firstExits.has(row.subject),
    );
    expect(laterExits.length).toBeGreaterThan(0);
  });

  it('refuse months with a gap and an empty bank', () => {
    expect(() => sampleCompanies({ seed: 1, months: ['2026-01', '2026-03'] })).toThrow(/without a gap/u);
    expect(() => sampleCompanies({ seed: 1, months: [] })).toThrow(/without a gap/u);
    expect(() => sampleCompanies({ seed: 1, count: 0, months: ['2026-01'] })).toThrow(/at least 1/u);
    expect(() => sample.monthRows('2030-01')).toThrow(/2025-10 to 2026-06/u);
  });
});
