import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measuredCost } from '#shared/domain/measured-cost.ts';
import { PRICES } from '#shared/domain/price-table.ts';
import { addUsage, NO_USAGE, totalUsage, transitionsOf, USAGE_FIELDS, type Usage } from '#shared/domain/usage.ts';

const usages: fc.Arbitrary<Usage> = fc.record({
  attempts: fc.integer({ min: 0, max: 100_000 }),
  megabyteMs: fc.integer({ min: 0, max: 2_048 * 600_000 * 1_769 }),
  halfReadUnits: fc.integer({ min: 0, max: 100_000_000 }),
  writeUnits: fc.integer({ min: 0, max: 100_000_000 }),
  objectReads: fc.integer({ min: 0, max: 1_000_000 }),
  objectWrites: fc.integer({ min: 0, max: 1_000_000 }),
  mails: fc.integer({ min: 0, max: 1_000_000 }),
});
const names = fc.constantFrom('open-run', 'measure-shard', 'apply-shard', 'publish-run', 'send-invitations');
const steps = fc.dictionary(names, usages, { maxKeys: 5 });

describe('what a run used', () => {
  it('adds up to the same in whatever order and grouping it is added', () => {
    fc.assert(
      fc.property(fc.array(usages, { maxLength: 8 }), fc.nat(), (all, turn) => {
        const order = [...all.slice(turn % (all.length + 1)), ...all.slice(0, turn % (all.length + 1))].reverse();

        expect(order.reduce(addUsage, NO_USAGE)).toEqual(all.reduce(addUsage, NO_USAGE));
        expect(totalUsage(Object.fromEntries(all.map((one, index) => [`step${index}`, one])))).toEqual(
          all.reduce(addUsage, NO_USAGE),
        );
      }),
    );
  });
});

describe('what it cost', () => {
  it('is a million units at the prices of the table, to the billionth of a dollar', () => {
    const used = {
      ...NO_USAGE,
      attempts: 1_000_000,
      megabyteMs: 1_024_000 * 1_000,
      halfReadUnits: 2_000_000,
      writeUnits: 1_000_000,
      objectReads: 1_000,
      objectWrites: 1_000,
    };
    const cost = (part: string) => measuredCost({ x: used }).lines.find((line) => line.part === part)?.nanoUsd;

    expect(cost('databaseReads')).toBe(125_000_000);
    expect(cost('databaseWrites')).toBe(625_000_000);
    // A thousand GB-seconds and a million requests.
    expect(cost('compute')).toBe(13_333_400 + 200_000_000);
    expect(cost('objects')).toBe(400_000 + 5_000_000);
  });

  it('is the sum of its lines exactly, in whole billionths, however much was used', () => {
    fc.assert(
      fc.property(steps, fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined }), (used, answers) => {
        const cost = measuredCost(used, answers === undefined ? undefined : { answers });

        for (const { nanoUsd } of cost.lines) {
          expect(Number.isSafeInteger(nanoUsd)).toBe(true);
          expect(nanoUsd).toBeGreaterThanOrEqual(0);
        }
        expect(cost.lines.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0)).toBe(cost.nanoUsd);
      }),
    );
  });

  it('of two steps together differs from that of each by rounding only: half a billionth for each price', () => {
    fc.assert(
      fc.property(usages, usages, (a, b) => {
        const apart = measuredCost({ calibrate: a }).nanoUsd + measuredCost({ calibrate: b }).nanoUsd;

        expect(Math.abs(measuredCost({ calibrate: addUsage(a, b) }).nanoUsd - apart)).toBeLessThanOrEqual(12);
      }),
    );
  });

  it('never falls when more is used', () => {
    fc.assert(
      fc.property(usages, fc.constantFrom(...USAGE_FIELDS), fc.integer({ min: 1, max: 1_000 }), (used, field, more) => {
        const before = measuredCost({ 'publish-run': used }).nanoUsd;

        expect(
          measuredCost({ 'publish-run': { ...used, [field]: used[field] + more } }).nanoUsd,
        ).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  it.each([
    [{ writeUnits: -1 }, 'writeUnits must be a whole number from 0, got -1'],
    [{ megabyteMs: 0.5 }, 'megabyteMs must be a whole number from 0, got 0.5'],
    [{ mails: Number.NaN }, 'mails must be a whole number from 0, got NaN'],
  ])('refuses %j', (wrong, message) => {
    expect(() => measuredCost({ calibrate: { ...NO_USAGE, ...wrong } })).toThrow(message);
  });

  it('names the day and the region of its prices, and what was measured and what was computed', () => {
    const cost = measuredCost({ 'plan-wave': { ...NO_USAGE, attempts: 1, mails: 10 } }, { answers: 3 });

    expect(cost.prices).toEqual({ readOn: PRICES.readOn, region: PRICES.region });
    expect(Object.fromEntries(cost.lines.map(({ part, how }) => [part, how]))).toEqual({
      databaseReads: 'measured',
      databaseWrites: 'measured',
      compute: 'measured',
      orchestration: 'computed',
      objects: 'measured',
      mail: 'measured',
      mailRecords: 'computed',
      answers: 'computed',
    });
  });
});

describe('transitions', () => {
  it('count every call, also a repeated one, and the starts and turns that go with it', () => {
    const called = (attempts: number): Usage => ({ ...NO_USAGE, attempts });

    expect(transitionsOf({})).toBe(0);
    // A child: its start and its one state; a retry is one more of each kind as far as calls can tell.
    expect(transitionsOf({ 'measure-shard': called(4) })).toBe(8);
    // Start, Open run, What is next?, Run exists already.
    expect(transitionsOf({ 'open-run': called(1) })).toBe(4);
  });
});
