import { describe, expect, it } from 'vitest';
import { describePolicy } from '#shared/domain/policy-sentences.ts';
import { policyFrom, preset } from './support.ts';

describe('a policy read back', () => {
  it('says the matrix, the moves and who decides, in English', () => {
    const text = describePolicy(preset('bank-three-class'), 'en').join('\n');

    expect(text).toContain('Quality rating low, by Contribution rating: low → Exit; medium → Prudent support: hold');
    expect(text).toContain('at most 1 where industry = steel or property');
    expect(text).toContain('within each branch of at least 50 customers');
    expect(text).toContain('goes down only after 2 closed periods in a row, and then rests for 3 months');
    expect(text).toContain('central decides');
  });

  it.each(['bank-three-class', 'retail-rfm'])('%s says as much in Chinese', (name) => {
    const en = describePolicy(preset(name), 'en');
    const zh = describePolicy(preset(name), 'zh');

    expect(zh).toHaveLength(en.length);
    for (const line of zh) expect(line).toMatch(/[\u4e00-\u9fff]/);
    expect(`${en.join()}${zh.join()}`).not.toMatch(/undefined|NaN|\[object/);
  });

  it('names every kind of metric, score and condition', () => {
    const policy = policyFrom(`policy: all
timeZone: UTC
currency: USD
valueMetric: spend
metrics:
  spend: { purchases: spend, windowDays: 90, where: { purpose: [business, gift] } }
  growth: { purchases: spendGrowth, windowDays: 90 }
  share: { purchases: attributeShare, attribute: purpose, values: [business] }
  need: { purchases: dominantAttribute, attribute: purpose, atLeastShare: 0.6 }
  trend: { traitChange: income, months: 6, relative: true }
  mean: { traitMean: income, months: 12, unit: money }
scores:
  place: { lookup: { city: 1, resort: 2 }, of: trait.place, otherwise: 1 }
  spendLevel: { bands: [100, 500], of: spend }
dimensions:
  need:
    ordered: false
    segments: { business: {}, other: {} }
    rules:
      - { segment: business, when: { need: { in: [business] }, spend: { from: 100 }, trait.vip: present, growth: missing } }
    rest: other
`);
    const text = describePolicy(policy, 'en').join('\n');

    expect(text).toContain('net spend in the last 90 days, only purpose = business or gift');
    expect(text).toContain('change of income over 6 months, relative');
    expect(text).toContain('level by trait.place: city = 1, resort = 2, otherwise 1');
    expect(text).toMatch(/levels of spend, cut at USD.100, USD.500/);
    expect(text).toMatch(
      /1\. business: need is business and spend is at least USD.100 and trait.vip is known and growth is missing\./,
    );
    expect(describePolicy(policy, 'zh').join('\n')).toContain('growth 缺失');
  });
});
