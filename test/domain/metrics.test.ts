import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toDayNumber } from '#shared/domain/calendar.ts';
import type { AnswerFact, CustomerFacts, OrderDay } from '#shared/domain/facts.ts';
import { measure, referencedTraits } from '#shared/domain/metrics.ts';
import { inMajorUnits } from '#shared/domain/values.ts';
import { customer, policyFrom, preset } from './support.ts';

const policy = policyFrom(`policy: m
timeZone: UTC
currency: USD
valueMetric: spend
metrics:
  recency: { purchases: recencyDays }
  recency_business: { purchases: recencyDays, where: { purpose: [business] } }
  orders: { purchases: orders }
  orders_30: { purchases: orders, windowDays: 30 }
  spend: { purchases: spend }
  spend_30: { purchases: spend, windowDays: 30, where: { purpose: [business, gift] } }
  tenure: { purchases: tenureDays }
  growth: { purchases: spendGrowth, windowDays: 30 }
  orders_growth: { purchases: ordersGrowth, windowDays: 30 }
  year_growth: { purchases: spendGrowth, windowDays: 30, against: sameSeasonLastYear }
  business_growth: { purchases: spendGrowth, windowDays: 30, where: { purpose: [business] } }
  wallet_share: { traitRatio: held, dividedBy: wealth }
  age: { traitAgeDays: birthday }
  share: { purchases: attributeShare, attribute: purpose, values: [business] }
  need: { purchases: dominantAttribute, attribute: purpose, atLeastShare: 0.6 }
  income: { trait: income, unit: money }
  place: { trait: place, unit: text }
  change: { traitChange: income, months: 6 }
  rate: { traitChange: income, months: 6, relative: true }
  mean: { traitMean: income, months: 6 }
scores:
  byRegion: { quantile: 2, of: spend, within: region, caps: [{ when: { industry: [steel] }, atMost: 1 }] }
  placeLevel: { lookup: { city: 1 }, of: trait.town }
dimensions:
  d:
    segments: { a: {}, b: {} }
    rules: [{ segment: a, when: { byRegion: [1, 1], trait.vip: present } }]
    rest: b
`);
const AT = { asOf: '2026-06-30', frozenAt: '2026-07-01T00:00:00.000Z' };

const order = (date: string, amountMinor: number, over: Partial<OrderDay> = {}): OrderDay => ({
  day: toDayNumber(date),
  count: 1,
  amountMinor,
  attributes: {},
  batch: 0,
  ...over,
});
const metricsOf = (over: Partial<CustomerFacts>) => measure(customer(over), policy, AT).metrics;
const snapshot = (
  date: string,
  traits: Record<string, string | number | boolean>,
  recordedAt = `${date}T12:00:00.000Z`,
) => ({
  date,
  traits,
  recordedAt,
});

describe('purchases', () => {
  const orders = [
    order('2026-05-20', 1000, { attributes: { purpose: 'business' } }),
    order('2026-06-01', 500, { count: 2, attributes: { purpose: 'leisure' } }),
    order('2026-06-20', 3000, { attributes: { purpose: 'business' } }),
    order('2026-06-25', -200, { count: 0, attributes: { purpose: 'business' } }),
  ];

  it('become recency, orders, spend, tenure, growth and share', () => {
    expect(metricsOf({ orders })).toMatchObject({
      recency: 10,
      recency_business: 10,
      orders: 4,
      orders_30: 3,
      spend: 4300,
      spend_30: 2800,
      tenure: 41,
      share: 0.5,
      need: 'mixed',
    });
  });

  it('grow against the days before, and against the same days a year before', () => {
    const older = [
      order('2025-06-01', 1000, { attributes: { purpose: 'leisure' } }),
      order('2025-06-30', 3000, { attributes: { purpose: 'leisure' } }),
      order('2025-07-01', 7000, { attributes: { purpose: 'leisure' } }),
    ];

    expect(metricsOf({ orders: [...older, ...orders] })).toMatchObject({
      growth: 2.3, // 33.00 from 1 to 30 June, 10.00 from 2 to 31 May
      orders_growth: 2, // 3 purchases against 1
      business_growth: 1.8, // 28.00 against 10.00
      year_growth: -0.175, // 33.00 against 40.00
    });
  });

  it('have no growth where the days compared with hold nothing, or begin before the first purchase of all', () => {
    const longAgo = order('2020-01-01', 100);

    expect(metricsOf({ orders: [longAgo, order('2026-06-10', 100)] })).toMatchObject({
      growth: null,
      orders_growth: null,
      year_growth: null,
    });
    expect(metricsOf({ orders })).toMatchObject({ growth: null, orders_growth: null });
    expect(metricsOf({ orders: [order('2026-05-02', 100), order('2026-06-20', 300)] })).toMatchObject({ growth: 2 });
  });

  it('returns subtract and are no purchase', () => {
    expect(metricsOf({ orders: [order('2026-01-01', 900), order('2026-06-29', -900, { count: 0 })] })).toMatchObject({
      recency: 180,
      orders: 1,
      spend: 0,
    });
  });

  it('before the window make its figures 0, but no purchase at all leaves them missing', () => {
    expect(metricsOf({ orders: [order('2020-01-01', 900)] })).toMatchObject({ orders_30: 0, spend_30: 0, share: 0 });
    expect(metricsOf({})).toMatchObject({
      recency: null,
      orders: null,
      orders_30: null,
      spend_30: null,
      tenure: null,
      growth: null,
      share: null,
      need: null,
    });
  });

  it('on the first and last day of a window count, on the day before do not', () => {
    const inWindow = (date: string) => metricsOf({ orders: [order('2020-01-01', 1), order(date, 1)] })['orders_30'];

    expect([inWindow('2026-06-30'), inWindow('2026-06-01'), inWindow('2026-05-31')]).toEqual([1, 1, 0]);
  });

  it('dated after the day or imported after the run began do not count', () => {
    const batches = [
      { batchId: 'a', recordedAt: '2026-06-01T00:00:00.000Z', chunks: [0] },
      { batchId: 'b', recordedAt: '2026-07-01T00:00:00.001Z', chunks: [0] },
    ];
    const late = [order('2026-06-01', 100), order('2026-06-10', 100, { batch: 1 }), order('2026-07-01', 100)];
    const measured = measure(customer({ orders: late, batches }), policy, AT);

    expect(measured.metrics).toMatchObject({ orders: 1, recency: 29 });
    expect(measured.newestFact).toBe('2026-06-01');
  });

  it('give the dominant value of an attribute from its share on', () => {
    const of = (...purposes: string[]) =>
      metricsOf({ orders: purposes.map((purpose) => order('2026-06-01', 1, { attributes: { purpose } })) })['need'];

    expect(of('business', 'business', 'leisure')).toBe('business');
    expect(of('business', 'leisure')).toBe('mixed');
  });

  it('do not depend on the order in which they are stored', () => {
    const anyOrder = fc.record({
      day: fc.integer({ min: 20_000, max: 20_700 }),
      count: fc.nat(3),
      amountMinor: fc.integer({ min: -9999, max: 9999 }),
      purpose: fc.constantFrom('business', 'gift', 'x'),
    });
    fc.assert(
      fc.property(fc.array(anyOrder, { maxLength: 20 }), (list) => {
        const facts = list.map(({ purpose, ...rest }) => ({ ...rest, attributes: { purpose }, batch: 0 }));

        expect(metricsOf({ orders: facts.toReversed() })).toEqual(metricsOf({ orders: facts }));
      }),
    );
  });
});

describe('traits', () => {
  it('become a share of another trait and days since a date', () => {
    const known = (traits: Record<string, string | number>) =>
      metricsOf({ snapshots: [snapshot('2026-06-01', traits)] });

    expect(known({ held: 30, wealth: 120, birthday: '2026-06-01' })).toMatchObject({ wallet_share: 0.25, age: 29 });
    expect(known({ held: 0, wealth: 120, birthday: '2026-06-30' })).toMatchObject({ wallet_share: 0, age: 0 });
  });

  it('give no share of nothing and no age from what is no date or lies ahead', () => {
    const known = (traits: Record<string, string | number>) =>
      metricsOf({ snapshots: [snapshot('2026-06-01', traits)] });

    for (const wealth of [0, -5, 'much']) expect(known({ held: 30, wealth })).toMatchObject({ wallet_share: null });
    expect(known({ wealth: 120 })).toMatchObject({ wallet_share: null });
    for (const birthday of ['2026-07-01', '1.6.2026', '2026-02-30', 20260601]) {
      expect(known({ birthday })).toMatchObject({ age: null });
    }
  });

  const snapshots = [
    snapshot('2025-12-31', { income: 100, place: 'city' }),
    snapshot('2026-03-31', { income: 130 }),
    snapshot('2026-06-30', { income: 150, region: 'north', industry: 'steel', vip: true }),
    snapshot('2026-07-31', { income: 999 }),
  ];

  it('have the newest value known on the day, and keep what a newer file leaves out', () => {
    expect(metricsOf({ snapshots })).toMatchObject({ income: 150, place: 'city', change: 50, rate: 0.5, mean: 140 });
  });

  it('are missing where nothing was known then, and a rate from nothing is missing', () => {
    expect(metricsOf({ snapshots: snapshots.slice(2) })).toMatchObject({ change: null, rate: null, place: null });
    expect(
      metricsOf({ snapshots: [snapshot('2025-12-01', { income: 0 }), snapshot('2026-06-01', { income: 5 })] }),
    ).toMatchObject({ change: 5, rate: null });
  });

  it('recorded after the run began do not count', () => {
    expect(
      metricsOf({ snapshots: [snapshot('2026-06-01', { income: 5 }, '2026-07-02T00:00:00.000Z')] })['income'],
    ).toBeNull();
  });

  it('of the wrong kind are missing, not zero', () => {
    expect(metricsOf({ snapshots: [snapshot('2026-06-01', { income: 'n/a' })] })['income']).toBeNull();
  });

  it('that rules, caps, lookups and partitions name are in the frame', () => {
    expect(referencedTraits(policy)).toEqual(['industry', 'region', 'town', 'vip']);
    expect(referencedTraits(preset('bank-three-class'))).toEqual(['industry']);
    expect(measure(customer({ snapshots }), policy, AT).traits).toEqual({
      industry: 'steel',
      region: 'north',
      town: null,
      vip: true,
    });
  });
});

describe('status and answers', () => {
  const answer = (over: Partial<AnswerFact>): AnswerFact => ({
    answerId: 'i',
    version: 1,
    value: 0.9,
    scale: '0-10',
    date: '2026-06-20',
    recordedAt: '2026-06-20T08:00:00.000Z',
    suspect: false,
    ...over,
  });

  it('are those known on the day', () => {
    const statuses = [
      { status: 'active' as const, date: '2026-01-01', recordedAt: '2026-01-01T00:00:00.000Z' },
      { status: 'closed' as const, date: '2026-06-30', recordedAt: '2026-06-30T10:00:00.000Z' },
    ];

    expect(measure(customer({ statuses }), policy, AT).status).toBe('closed');
    expect(measure(customer({ statuses }), policy, { ...AT, asOf: '2026-06-29' }).status).toBe('active');
    expect(measure(customer(), policy, AT)).toMatchObject({ status: 'active', newestFact: null });
  });

  it('R13 leave out suspect answers, later ones and those recorded after the run began', () => {
    const answers = {
      a: answer({}),
      b: answer({ suspect: true }),
      c: answer({ date: '2026-07-01' }),
      d: answer({ recordedAt: '2026-07-01T00:00:00.001Z' }),
      e: answer({ value: 0.2, date: '2026-06-30' }),
    };

    expect(measure(customer({ answers }), policy, AT).answers).toEqual([
      { value: 0.2, ageDays: 0 },
      { value: 0.9, ageDays: 10 },
    ]);
  });
});

describe('money', () => {
  it('from purchases is in minor units by ISO 4217, from traits as given', () => {
    const { spend, income } = policy.metrics;
    if (spend === undefined || income === undefined) throw new Error('no metrics');

    expect(inMajorUnits(spend, 12_345, 'USD')).toBe(123.45);
    expect(inMajorUnits(spend, 12_345, 'JPY')).toBe(12_345);
    expect(inMajorUnits(income, 12_345, 'USD')).toBe(12_345);
  });
});
