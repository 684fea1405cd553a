import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateText } from '#shared/application/cost-text.ts';
import { PRICES } from '#shared/domain/price-table.ts';
import { type CostQuestion, databaseCost, estimateCost } from '#shared/domain/run-cost.ts';

const MILLION: CostQuestion = {
  customers: 1_000_000,
  changedShare: 0.15,
  customerBytes: 500,
  standingBytes: 0,
  shards: 256,
  mails: 0,
  answerShare: 0.2,
};
const partOf = (question: CostQuestion, part: string): number =>
  estimateCost(question).lines.find((line) => line.part === part)?.microUsd ?? Number.NaN;

const questions = fc.record({
  customers: fc.integer({ min: 0, max: 100_000_000 }),
  changedShare: fc.double({ min: 0, max: 1, noNaN: true }),
  customerBytes: fc.integer({ min: 100, max: 20_000 }),
  standingBytes: fc.integer({ min: 100, max: 2_000 }),
  shards: fc.integer({ min: 1, max: 2_048 }),
  buckets: fc.constantFrom(0, 64, 4_096),
  mails: fc.integer({ min: 0, max: 5_000_000 }),
  answerShare: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('the cost of a run', () => {
  it('is what one pass over 500 bytes a customer and one write a change cost: $0.0076 and $0.0938 a million', () => {
    expect(partOf(MILLION, 'databaseReads') / 1e6).toBeCloseTo(((1e6 * 500) / 4096) * 0.5 * 0.125e-6, 9);
    expect(partOf(MILLION, 'databaseReads') / 1e6).toBeCloseTo(0.0076, 4);
    expect(partOf({ ...MILLION, standingBytes: 400 }, 'databaseWrites') / 1e6).toBeCloseTo(0.09375, 5);
  });

  it('is at least half a unit for each bucket of both tables, however few customers there are', () => {
    const units = (customers: number): number =>
      estimateCost({ ...MILLION, standingBytes: 400, customers, buckets: 4_096 }).lines[0]?.amount ?? Number.NaN;

    expect(units(40)).toBe(4_096);
    expect(units(100_000_000)).toBeCloseTo(((1e8 * 900) / 4_096) * 0.5 + 2 * 4_096 * 0.25, 3);
  });

  it('is mostly mail, where there is mail: $100 a million', () => {
    const estimate = estimateCost({ ...MILLION, mails: 1_000_000 });

    expect(partOf({ ...MILLION, mails: 1_000_000 }, 'mail')).toBe(100e6);
    expect(estimate.microUsd).toBeGreaterThan(100e6);
    expect(estimate.microUsd).toBeLessThan(120e6);
  });

  it('is the sum of its lines, none of them negative, and grows with everything that is more', () => {
    fc.assert(
      fc.property(questions, fc.constantFrom('customers', 'shards', 'mails', 'customerBytes'), (question, more) => {
        const estimate = estimateCost(question);
        const larger = estimateCost({ ...question, [more]: question[more as 'customers'] * 2 });

        expect(estimate.lines.reduce((sum, line) => sum + line.microUsd, 0)).toBe(estimate.microUsd);
        for (const line of estimate.lines) expect(line.microUsd).toBeGreaterThanOrEqual(0);
        expect(larger.microUsd).toBeGreaterThanOrEqual(estimate.microUsd);
      }),
    );
  });

  it.each([
    [{ customers: -1 }, 'customers must be 0 or more, got -1'],
    [{ changedShare: 1.5 }, 'changedShare must be from 0 to 1, got 1.5'],
    [{ mails: Number.NaN }, 'mails must be 0 or more, got NaN'],
  ])('refuses %j', (wrong, message) => {
    expect(() => estimateCost({ ...MILLION, ...wrong })).toThrow(message);
  });

  it('takes the units that a run measured at the prices of the table', () => {
    expect(databaseCost({ read: 1_000_000, write: 1_000_000 })).toBe(750_000);
    expect(databaseCost({ read: 10, write: 0 }, { ...PRICES, dynamoReadUnit: 3 })).toBe(30);
  });

  it.each(['en', 'zh-CN'] as const)('is shown with its prices’ date and what it leaves out (%s)', (language) => {
    const text = estimateText(estimateCost({ ...MILLION, mails: 20_000 }), language);

    expect(text).toContain(PRICES.readOn);
    expect(text).toMatch(language === 'en' ? /in all +[\d.]+/ : /合计 +[\d.]+/);
    expect(text).toMatch(language === 'en' ? /Left out/ : /未计入/);
  });
});
