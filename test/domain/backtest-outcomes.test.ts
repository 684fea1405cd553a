import { describe, expect, it } from 'vitest';
import { conductAfter, looksAtTrait, outcomesKnownUntil, traitOutcome } from '#shared/domain/backtest-outcomes.ts';
import { toDayNumber } from '#shared/domain/calendar.ts';
import type { OrderDay } from '#shared/domain/facts.ts';
import { preset } from './support.ts';

const order = (date: string, amountMinor: number, count = 1): OrderDay => ({
  day: toDayNumber(date),
  count,
  amountMinor,
  attributes: {},
  batch: 0,
});

describe('what a customer did after a day', () => {
  const day = toDayNumber('2026-03-31');

  it('counts from the day after to the last day of the horizon, and as many days before', () => {
    const orders = [
      order('2026-03-01', 100), // the 31st day back
      order('2026-03-02', 7), // the first of 30
      order('2026-03-31', 20),
      order('2026-04-01', 300),
      order('2026-04-30', 4_000), // the 30th day after
      order('2026-05-01', 50_000),
    ];

    expect(conductAfter(orders, day, 30)).toEqual({
      orders: 2,
      spendMinor: 4_300,
      spendBeforeMinor: 27,
      recencyDays: 0,
      ordersBefore: 3,
    });
  });

  it('takes a return for no purchase', () => {
    expect(conductAfter([order('2026-03-01', 100), order('2026-04-02', -100, 0)], day, 30)).toMatchObject({
      orders: 0,
      spendMinor: -100,
    });
  });

  it('knows no last purchase of someone who never bought', () => {
    expect(conductAfter([], day, 30)).toEqual({
      orders: 0,
      spendMinor: 0,
      spendBeforeMinor: 0,
      recencyDays: Number.POSITIVE_INFINITY,
      ordersBefore: 0,
    });
  });
});

describe('a trait as outcome', () => {
  const day = toDayNumber('2026-03-31');
  const snapshot = (date: string, traits: Record<string, string | number | boolean>) => ({
    date,
    recordedAt: '2026-12-01T00:00:00.000Z',
    traits,
  });

  it.each([
    ['nobody knows without a snapshot after the day', [snapshot('2026-03-31', { exited: true })], null],
    ['nobody knows from a snapshot after the horizon', [snapshot('2026-05-01', { exited: true })], null],
    [
      'the newest within the horizon counts',
      [snapshot('2026-04-01', { exited: true }), snapshot('2026-04-30', { exited: false })],
      false,
    ],
    [
      'a snapshot without the trait does not',
      [snapshot('2026-04-01', { exited: true }), snapshot('2026-04-02', { other: 1 })],
      true,
    ],
    ['a number other than 0 is yes', [snapshot('2026-04-01', { exited: 2 })], true],
    ['a text is no yes', [snapshot('2026-04-01', { exited: 'maybe' })], false],
  ] as const)('%s', (_title, snapshots, expected) => {
    expect(traitOutcome({ snapshots }, { trait: 'exited' }, day, 30)).toBe(expected);
  });

  it('compares with a value as text', () => {
    const snapshots = [snapshot('2026-04-01', { exited: 'True', level: 3 })];

    expect(traitOutcome({ snapshots }, { trait: 'exited', value: 'True' }, day, 30)).toBe(true);
    expect(traitOutcome({ snapshots }, { trait: 'exited', value: 'true' }, day, 30)).toBe(false);
    expect(traitOutcome({ snapshots }, { trait: 'level', value: '3' }, day, 30)).toBe(true);
    const truth = [snapshot('2026-04-01', { exited: true })];
    expect(traitOutcome({ snapshots: truth }, { trait: 'exited', value: 'True' }, day, 30)).toBe(true);
    expect(traitOutcome({ snapshots: truth }, { trait: 'exited', value: 'False' }, day, 30)).toBe(false);
  });

  it('is known up to the newest snapshot with it, purchases up to the newest purchase', () => {
    const facts = {
      orders: [order('2026-01-01', 1), order('2026-02-01', 1)],
      snapshots: [snapshot('2026-03-01', { exited: true }), snapshot('2026-04-01', { other: 1 })],
    };

    expect(outcomesKnownUntil(facts, { trait: 'exited' })).toBe('2026-03-01');
    expect(outcomesKnownUntil(facts, undefined)).toBe('2026-02-01');
    expect(outcomesKnownUntil({ orders: [], snapshots: [] }, undefined)).toBeNull();
  });

  it('leaks where the policy looks at it, in a metric or directly', () => {
    const bank = preset('bank-three-class');
    const read = Object.values(bank.metrics).flatMap((metric) => ('trait' in metric ? [metric.trait] : []));

    expect(read.length).toBeGreaterThan(0);
    for (const trait of read) expect(looksAtTrait(bank, trait)).toBe(true);
    expect(looksAtTrait(bank, 'no_such_trait')).toBe(false);
    expect(looksAtTrait(bank, 'money')).toBe(false);
  });
});
