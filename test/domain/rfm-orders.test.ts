import { describe, expect, it } from 'vitest';
import { assignRow } from '#shared/domain/assign.ts';
import { toDayNumber } from '#shared/domain/calendar.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import type { OrderDay } from '#shared/domain/facts.ts';
import { measure } from '#shared/domain/metrics.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { FrameRow } from '#shared/domain/standing.ts';
import { customer, frameRow, policyFrom, preset, readCsv, readProjectFile, runOf } from './support.ts';

const rowsOf = (
  orders: readonly { readonly customer: string; readonly date: string; readonly amountMinor: number }[],
  policy: Policy,
  asOf: string,
): readonly FrameRow[] => {
  const byCustomer = new Map<string, OrderDay[]>();
  for (const { customer: id, date, amountMinor } of orders) {
    const days = byCustomer.get(id) ?? [];
    days.push({ day: toDayNumber(date), count: 1, amountMinor, attributes: {}, batch: 0 });
    byCustomer.set(id, days);
  }
  return [...byCustomer].map(([subject, days]) => {
    const facts = customer({ subject, orders: days.sort((a, b) => a.day - b.day) });
    return frameRow({ subject, ...measure(facts, policy, { asOf, frozenAt: '2026-12-31T00:00:00.000Z' }) });
  });
};

const published: { expected: Record<string, [number, number, number]>; first_customers: unknown[][] } = JSON.parse(
  readProjectFile('../shared/data/expected_rfm_orders_A.json'),
);
const nameOf = (segment: string): string =>
  ({ "Can't Lose Them": 'CannotLoseThem' })[segment] ?? segment.replaceAll(' ', '');

describe('the published segment table of rfm_data_orders', () => {
  const policy = policyFrom(readProjectFile('test/domain/rfm-orders-table.yaml'));
  const orders = readCsv('../shared/data/rfm_data_orders.csv').map((row) => ({
    customer: row['customer_id'] ?? '',
    date: row['order_date'] ?? '',
    amountMinor: Number(row['revenue']) * 100,
  }));
  const rows = rowsOf(orders, policy, '2006-12-31');
  const calibration = calibrate(policy, rows);
  const plans = rows.map((row) => assignRow(row, policy, calibration, runOf('2006-12')));

  it('is reproduced: customers, orders and revenue of each of the ten segments', () => {
    const found: Record<string, [number, number, number]> = {};
    for (const [index, plan] of plans.entries()) {
      const segment = plan.next.placements['rfm']?.actual ?? '';
      const total = found[segment] ?? [0, 0, 0];
      found[segment] = [
        total[0] + 1,
        total[1] + Number(rows[index]?.metrics['orders']),
        total[2] + Number(rows[index]?.metrics['revenue']) / 100,
      ];
    }

    const expected = Object.fromEntries(Object.entries(published.expected).map(([name, row]) => [nameOf(name), row]));
    expect(found).toEqual(expected);
    expect(rows).toHaveLength(995);
  });

  it('is reproduced customer by customer for those that were published', () => {
    for (const [id, recency, count, amount, , segment] of published.first_customers) {
      const index = rows.findIndex((row) => row.subject === id);

      expect(rows[index]?.metrics).toEqual({ recency_days: recency, orders: count, revenue: Number(amount) * 100 });
      expect(plans[index]?.next.placements['rfm']?.actual).toBe(nameOf(String(segment)));
    }
  });
});

describe('the retail preset on CDNOW', () => {
  it('places all 2,357 customers and finds who brings the first 80 % of spend', () => {
    const policy = preset('retail-rfm');
    const purchases = readCsv('../shared/data/cdnow_sample.csv').map((row) => ({
      customer: row['master_id'] ?? '',
      date: row['date'] ?? '',
      amountMinor: Math.round(Number(row['sales_usd']) * 100),
    }));
    const rows = rowsOf(purchases, policy, '1998-06-30');
    const calibration = calibrate(policy, rows);
    const plans = rows.map((row) => assignRow(row, policy, calibration, runOf('1998-06')));

    expect(plans).toHaveLength(2357);
    expect(new Set(plans.map((plan) => plan.next.placements['rfm']?.actual)).has('unrated')).toBe(false);
    const total = plans.reduce((sum, plan) => sum + (plan.value ?? 0), 0);
    const best = plans.filter((plan) => plan.scores['pareto'] === 3).reduce((sum, plan) => sum + (plan.value ?? 0), 0);
    expect(total).toBe(24_409_194);
    expect(best / total).toBeGreaterThanOrEqual(0.8);
    expect(best / total).toBeLessThan(0.802);
  });
});
