import { describe, expect, it } from 'vitest';
import { sampleForPolicy } from '#local/sample-for-policy.ts';
import { GUEST_COLUMNS, STAY_COLUMNS, sampleGuests } from '#local/sample-guests.ts';
import { assignRow, capacity } from '#shared/domain/assign.ts';
import { findBrakes } from '#shared/domain/brakes.ts';
import { addMonths, lastDayOf, toDayNumber } from '#shared/domain/calendar.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import type { OrderDay } from '#shared/domain/facts.ts';
import { measure } from '#shared/domain/metrics.ts';
import type { Generation, PlanRow } from '#shared/domain/standing.ts';
import { customer, frameRow, policyFrom, preset, runOf } from '#test/domain/support.ts';

const MONTHS = Array.from({ length: 8 }, (_, index) => addMonths('2025-11', index));
const sample = sampleGuests({ seed: 7, count: 1_000, months: MONTHS });
const policy = preset('hotel-needs');

const lines = (csv: string): readonly (readonly string[])[] =>
  csv
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));

const stays = Map.groupBy(lines(sample.purchasesCsv), ([guest]) => guest ?? '');
const guests = lines(sample.customersCsv).map(([id = '', , , , , , branch = '', manager = '']) => {
  const orders: OrderDay[] = (stays.get(id) ?? []).map(([, date = '', amount = '', purpose = '', place = '']) => ({
    day: toDayNumber(date),
    count: 1,
    amountMinor: Math.round(Number(amount) * 100),
    attributes: { purpose, place },
    batch: 0,
  }));
  return {
    facts: customer({ customerId: id, batches: [], orders: orders.sort((a, b) => a.day - b.day) }),
    id,
    branch,
    manager,
  };
});

/** Runs the preset month by month over the sample. */
const months = (() => {
  const prior = new Map<string, Generation>();
  let segmentsBefore: Record<string, number> = {};
  return MONTHS.map((period, index) => {
    const asOf = lastDayOf(period);
    const rows = guests.map(({ facts, id, branch, manager }) => {
      const { metrics, traits } = measure(facts, policy, { asOf, frozenAt: `${asOf}T23:59:59.999Z` });
      return frameRow({ subject: id, branch, manager, metrics, traits, prior: prior.get(id) ?? null });
    });
    const calibration = calibrate(policy, rows);
    const plan = capacity(
      rows.map((row) => assignRow(row, policy, calibration, runOf(period))),
      policy,
    );
    const segments: Record<string, number> = {};
    let moved = 0;
    for (const row of plan) {
      const now = row.next.placements['value']?.actual ?? '';
      const before = prior.get(row.subject)?.placements['value']?.actual;
      segments[now] = (segments[now] ?? 0) + 1;
      if (before !== undefined && before !== now) moved += 1;
    }
    const opened = (kind: string): number =>
      plan.flatMap((row) => row.flags).filter((flag) => flag.opened && flag.kind === kind).length;
    const brakes = findBrakes(
      {
        asOf,
        population: rows.length,
        quarantined: 0,
        previousPopulation: index === 0 ? null : rows.length,
        known: prior.size,
        moved,
        flagged: { upgrade: opened('upgrade'), exit: opened('exit') },
        segments,
        previousSegments: segmentsBefore,
        newestFact: asOf,
      },
      policy.brakes,
    ).map((finding) => finding.message);
    for (const row of plan) prior.set(row.subject, row.next);
    segmentsBefore = segments;
    return { plan, brakes, upgrades: opened('upgrade') };
  });
})();

const countsOf = (plan: readonly PlanRow[], dimension: string): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const row of plan) {
    const segment = row.next.placements[dimension]?.actual ?? '';
    counts[segment] = (counts[segment] ?? 0) + 1;
  }
  return counts;
};

describe('the sample guests', () => {
  it('are the same for the same seed, others for another, and keep their past when a month is added', () => {
    const again = sampleGuests({ seed: 7, count: 1_000, months: MONTHS });
    const longer = sampleGuests({ seed: 7, count: 1_000, months: [...MONTHS, '2026-07'] });

    expect(again.purchasesCsv).toBe(sample.purchasesCsv);
    expect(sampleGuests({ seed: 8, count: 1_000, months: MONTHS }).purchasesCsv).not.toBe(sample.purchasesCsv);
    for (const period of MONTHS) expect(longer.monthRows(period)).toEqual(sample.monthRows(period));
  });

  it('give by month what they give in one file, and the guests only once', () => {
    const body = (csv: string): string => csv.slice(csv.indexOf('\n') + 1);
    const parts = MONTHS.map((period) => sample.monthRows(period));

    expect(parts.map((part) => body(part.customersCsv)).join('')).toBe(body(sample.customersCsv));
    expect(parts.map((part) => body(part.purchasesCsv)).join('')).toBe(body(sample.purchasesCsv));
    expect(sample.customersCsv.split('\n')[0]).toBe(GUEST_COLUMNS.join(','));
    expect(sample.purchasesCsv.split('\n')[0]).toBe(STAY_COLUMNS.join(','));
  });

  it('are invented: every address is at example.com', () => {
    for (const [, , , email] of lines(sample.customersCsv)) expect(email).toMatch(/@example\.com$/u);
  });

  it('occupy every segment of every dimension, with proposals within capacity and no brake', () => {
    const last = months.at(-1);

    for (const [name, dimension] of Object.entries(policy.dimensions)) {
      const counts = countsOf(last?.plan ?? [], name);
      for (const segment of dimension.segmentOrder) {
        expect(counts[segment] ?? 0, `${name} ${segment}`).toBeGreaterThan(0);
      }
    }
    expect(months.flatMap((month) => month.brakes)).toEqual([]);
    expect(last?.upgrades).toBeGreaterThan(5);
  });

  it('refuse months with a gap and an empty hotel', () => {
    expect(() => sampleGuests({ seed: 1, count: 5, months: ['2026-01', '2026-03'] })).toThrow(/without a gap/u);
    expect(() => sampleGuests({ seed: 1, count: 0, months: ['2026-01'] })).toThrow(/at least 1/u);
    expect(() => sample.monthRows('2030-01')).toThrow(/2025-11 to 2026-06/u);
  });
});

describe('the sample of a policy', () => {
  it('is the companies for the bank and for retail, and the guests for the hotel', () => {
    expect(sampleForPolicy(preset('bank-three-class'))).toBe('companies');
    expect(sampleForPolicy(preset('retail-rfm'))).toBe('companies');
    expect(sampleForPolicy(preset('hotel-needs'))).toBe('guests');
  });

  it('refuses a policy that reads what no sample has, and says what', () => {
    const text = `policy: own
timeZone: UTC
currency: EUR
valueMetric: shoe
metrics: { shoe: { trait: shoe_size } }
scores: { size: { bands: [40], of: shoe } }
dimensions: { feet: { segments: { big: {}, small: {} }, rules: [{ segment: big, when: { size: [2, 2] } }], rest: small } }
`;

    expect(() => sampleForPolicy(policyFrom(text))).toThrow(/the companies lack the trait shoe_size/u);
  });
});
