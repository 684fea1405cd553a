import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Policy } from '#shared/domain/policy.ts';
import {
  checkReachability,
  describeFinding,
  isTrouble,
  type ReachabilityFinding,
} from '#shared/domain/policy-reachability.ts';
import { scoreRow } from '#shared/domain/scores.ts';
import { firstMatch, segmentOf } from '#shared/domain/segments.ts';
import type { FrameRow } from '#shared/domain/standing.ts';
import { frameRow, policyFrom, preset } from './support.ts';

const SCORES = `
  R: { quantile: 5, of: recency, better: low }
  F: { quantile: 4, of: orders }
  Late: { bands: [1, 90], of: late, better: low }
  Place: { lookup: { city: 1, resort: 3 }, of: place }
  Mean: { weighted: { Late: 1, Place: 1 }, needs: 2 }
  Grade: { bands: [1.5, 2.5], of: Mean, caps: [{ when: { industry: [steel] }, atMost: 1 }] }
  Happy: { satisfaction: {} }`;

const withRules = (rules: readonly string[], scores = SCORES): Policy =>
  policyFrom(`policy: tried
timeZone: UTC
currency: USD
valueMetric: spend
metrics:
  recency: { purchases: recencyDays }
  tenure: { purchases: tenureDays }
  orders: { purchases: orders }
  orders_30: { purchases: orders, windowDays: 30 }
  spend: { purchases: spend }
  growth: { purchases: spendGrowth, windowDays: 30 }
  late: { trait: late, unit: days }
  late_mean: { traitMean: late, months: 3 }
  place: { trait: place, unit: text }
  ratio: { traitRatio: late, dividedBy: term }
scores:${scores}
dimensions:
  d:
    segments: { a: {}, b: {}, rest: {} }
    rules:
${rules.map((when, index) => `      - { segment: ${index % 2 === 0 ? 'a' : 'b'}, when: { ${when} } }`).join('\n')}
    rest: rest
`);

/** Verdicts of the rules in order, then the rest class and its note. */
const verdicts = (...rules: string[]): readonly string[] =>
  checkReachability(withRules(rules)).map((finding) =>
    finding.verdict === 'shadowed' ? `shadowed by ${finding.by.join()}` : finding.verdict,
  );

/** The row of an example; scores that it names are given, as a run would have computed them. */
const rowOf = (finding: ReachabilityFinding): { row: FrameRow; levels: Readonly<Record<string, number | null>> } => {
  if (!('example' in finding)) throw new Error('no example');
  const { metrics, traits, scores } = finding.example;
  return { row: frameRow({ metrics, traits }), levels: scores };
};

describe('a rule', () => {
  it.each([
    ['a later rule that says the same', ['R: [4, 5]', 'R: { from: 4 }'], 'shadowed by 1'],
    ['a later rule inside an earlier one', ['R: { from: 3 }', 'R: [4, 5], F: [1, 1]'], 'shadowed by 1'],
    ['a rule that two earlier ones cover together', ['F: [1, 2]', 'F: [3, 4]', 'F: { from: 2 }'], 'shadowed by 1,2'],
    [
      'what is left of whole days',
      ['recency: { to: 30 }', 'recency: { from: 31 }', 'recency: present'],
      'shadowed by 1,2',
    ],
    ['missing and present', ['place: missing', 'place: present', 'F: [1, 1]'], 'shadowed by 1,2'],
    ['a level between levels', ['R: [2.2, 2.8]'], 'impossible'],
    ['a text for a level', ['R: { in: [high] }'], 'impossible'],
    ['days between two days', ['recency: [3.2, 3.9]'], 'impossible'],
    ['a level and figures against it', ['Late: [3, 3], late: { from: 1 }'], 'impossible'],
    ['a lookup and a text against it', ['Place: [3, 3], place: { in: [city] }'], 'impossible'],
    ['a level that no value looks up', ['Place: [2, 2]'], 'impossible'],
    ['a cap and a level above it', ['Grade: { from: 2 }, trait.industry: { in: [steel] }'], 'impossible'],
    ['a mean without its parts', ['Grade: present, Late: missing'], 'impossible'],
    ['a last purchase before the first', ['recency: { from: 300 }, tenure: { to: 90 }'], 'impossible'],
    ['one purchase on two days', ['orders: [1, 1], recency: { to: 10 }, tenure: { from: 20 }'], 'impossible'],
    ['a purchase in the window, the last before it', ['orders_30: { from: 1 }, recency: { from: 30 }'], 'impossible'],
    ['purchases without spend', ['orders: { from: 1 }, spend: missing'], 'impossible'],
    ['a ranked figure that is missing', ['R: present, recency: missing'], 'impossible'],
    [
      'two figures of one trait that this check does not know',
      ['late: { from: 5 }, late_mean: { to: 2 }'],
      'undecided',
    ],
    ['growth and spend', ['growth: { from: 0.5 }, spend: { to: 10 }'], 'undecided'],
    ['levels and figures of other customers', ['R: [5, 5], recency: { from: 100 }'], 'reachable'],
    ['the best level of what nobody can be below', ['F: [4, 4], orders: [1, 1]'], 'impossible'],
    ['satisfaction', ['Happy: { to: 40 }, R: [1, 1]'], 'reachable'],
    ['a gap between two rules', ['spend: { to: 9.99 }', 'spend: { from: 10.01 }', 'spend: present'], 'reachable'],
  ])('is decided: %s', (_, rules, expected) => {
    expect(verdicts(...rules)[rules.length - 1]).toBe(expected);
  });

  it.each([
    ['Rank: [1, 1], late: missing', 'reachable'],
    ['Rank: [2, 3], late: missing', 'impossible'],
    ['Rank: [3, 3], late: present', 'reachable'],
    ['Rank: missing', 'impossible'],
    ['Band: [2, 2], late: missing', 'reachable'],
    ['Band: [1, 1], late: missing', 'impossible'],
    ['Band: missing', 'impossible'],
    ['Place: [3, 3], place: missing', 'reachable'],
    ['Place: missing, place: missing', 'impossible'],
  ])('knows the level that the policy gives to the missing: %s is %s', (when, verdict) => {
    const scores = `
  Rank: { quantile: 3, of: late, missing: 1 }
  Band: { bands: [1, 90], of: late, missing: 2 }
  Place: { lookup: { city: 1, resort: 3 }, of: place, missing: 3 }`;

    expect(checkReachability(withRules([when], scores))[0]?.verdict).toBe(verdict);
  });

  it.each([
    ['Share: { to: -0.1 }', 'reachable'],
    ['Share: { from: 0.5 }', 'reachable'],
    ['Share: { from: 1.5 }', 'impossible'],
    ['Share: { from: 0.5 }, late: { to: 0 }', 'undecided'],
    ['Expected: { from: 1 }', 'reachable'],
    ['Expected: { to: -1 }', 'impossible'],
    ['ratio: { from: 0.5 }, late: { to: 3 }', 'undecided'],
    ['ratio: { from: 0.5 }, place: { in: [city] }', 'reachable'],
  ])('knows what shares, expectations and ratios can be: %s is %s', (when, verdict) => {
    const scores = `
  Share: { shareOfTotal: true, of: late }
  Expected: { expectedPurchases: { horizonDays: 90 } }`;

    expect(checkReachability(withRules([when], scores))[0]?.verdict).toBe(verdict);
  });

  it('of two rankings of one figure must fit both', () => {
    const scores = `
  Fifth: { quantile: 5, of: spend }
  Tenth: { quantile: 10, of: spend }`;
    const of = (when: string) => checkReachability(withRules([when], scores))[0]?.verdict;

    expect(of('Fifth: [5, 5], Tenth: [9, 9]')).toBe('reachable');
    expect(of('Fifth: [5, 5], Tenth: [1, 8]')).toBe('impossible');
  });

  it('is not decided where answers count in a weighted score and no customer without answers decides it', () => {
    const policy = policyFrom(`policy: tried
timeZone: UTC
currency: USD
valueMetric: late
metrics: { late: { trait: late, unit: days } }
scores:
  Late: { bands: [1, 90], of: late }
  Happy: { satisfaction: {} }
  Mean: { weighted: { Late: 1, Happy: survey } }
dimensions:
  d:
    segments: { a: {}, b: {} }
    rules: [{ segment: a, when: { Mean: [2.1, 2.2] } }, { segment: b, when: { Mean: [2, 2] } }]
    rest: b
survey: { ask: nps, share: { a: 1 }, weightInScore: 0.2 }
`);

    expect(
      checkReachability(policy)
        .map(({ verdict }) => verdict)
        .slice(0, 2),
    ).toEqual(['undecided', 'reachable']);
  });

  it('is undecided above the limit of the search, and says so', () => {
    // Eight figures with different values out of seven: nobody, but only trying tells.
    const values = [...'abcdefg'];
    const names = Array.from({ length: 8 }, (_, index) => `trait.t${index}`);
    const rules = names.flatMap((one, index) =>
      names.slice(index + 1).flatMap((other) => values.map((v) => `${one}: { in: [${v}] }, ${other}: { in: [${v}] }`)),
    );
    const policy = withRules([...rules, names.map((name) => `${name}: { in: [${values.join(', ')}] }`).join(', ')]);
    const last = checkReachability(policy)[rules.length];
    if (last === undefined) throw new Error('no finding');

    expect(last).toMatchObject({ verdict: 'undecided', reason: { kind: 'limit' } });
    expect(describeFinding(last, policy, 'en')).toContain('the search stopped after 300000 steps');
  });
});

describe('the rest class', () => {
  it('is empty where the rules take everybody', () => {
    expect(verdicts('R: missing', 'R: { to: 3 }', 'R: { from: 4 }').slice(3)).toEqual(['shadowed by 1,2,3']);
  });

  it('is noted where it takes customers of whom nothing is missing', () => {
    expect(verdicts('R: { to: 3 }').slice(1)).toEqual(['reachable', 'fallsThrough']);
    expect(verdicts('R: { to: 3 }', 'R: { from: 4 }').slice(2)).toEqual(['reachable']);
  });
});

describe('a matrix', () => {
  it('has a verdict for every cell; a level that nothing looks up leaves a row empty', () => {
    const policy = policyFrom(`policy: tried
timeZone: UTC
currency: USD
valueMetric: late
metrics: { late: { trait: late, unit: days }, place: { trait: place, unit: text } }
scores:
  Late: { bands: [1], of: late }
  Place: { lookup: { city: 1, resort: 3 }, of: place }
dimensions:
  d:
    segments: { a: {}, b: {} }
    matrix: { rows: Place, columns: Late, cells: { low: [a, a], medium: [a, a], high: [a, a] }, missing: b }
`);
    const findings = checkReachability(policy);
    const impossible = findings.filter(({ verdict }) => verdict === 'impossible').map(({ target }) => target);

    expect(findings).toHaveLength(7);
    expect(impossible).toEqual([
      { kind: 'cell', row: 2, column: 1 },
      { kind: 'cell', row: 2, column: 2 },
    ]);
    expect(findings.filter(isTrouble)).toHaveLength(2);
  });
});

describe('random rules', () => {
  const condition = fc.oneof(
    fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 2 }))
      .map(([from, more]) => `R: [${from}, ${Math.min(5, from + more)}]`),
    fc.constantFrom(
      'Late: [1, 1]',
      'Late: { from: 2 }',
      'Late: missing',
      'Grade: [2, 2]',
      'Grade: { from: 2 }',
      'Grade: [1, 1]',
    ),
    fc.constantFrom('late: { from: 5 }', 'late: { to: 100 }', 'late: [1, 89]', 'late: missing'),
    fc.constantFrom('place: { in: [city] }', 'place: { in: [resort, sea] }', 'place: missing', 'place: present'),
    fc.constantFrom('trait.industry: { in: [steel] }', 'trait.industry: missing', 'Place: [3, 3]', 'Place: missing'),
    fc.constantFrom('recency: { to: 10 }', 'recency: { from: 11 }', 'recency: missing'),
  );
  const rule = fc
    .array(condition, { minLength: 1, maxLength: 4 })
    .map((conditions) => [...new Map(conditions.map((one) => [one.split(':')[0], one])).values()].join(', '));
  const rules = fc.array(rule, { minLength: 1, maxLength: 5 });

  /** Every customer of a grid, with the levels that the product itself computes for several other populations. */
  const everybody = (policy: Policy): readonly { row: FrameRow; levels: Readonly<Record<string, number | null>> }[] => {
    const all = [];
    for (const late of [null, 0, 1, 4, 5, 50, 89, 90, 100, 101])
      for (const place of [null, 'city', 'resort', 'sea', 'elsewhere'])
        for (const industry of [null, 'steel', 'food'])
          for (const recency of [null, 0, 5, 10, 11, 40])
            for (const passed of recency === null ? [0] : [0, 1, 2, 3, 4]) {
              const metrics = { recency, late, place, orders: 1, spend: 5, tenure: 50 };
              const row = frameRow({ metrics, traits: { industry, late, place } });
              const below = Array.from({ length: 4 }, (_, index) => (index < passed ? -1 : 1000));
              const levels = scoreRow(row, policy, {
                cutoffs: { R: { '*': below }, F: { '*': [0, 0, 0] } },
                satisfactionMeans: {},
                population: 1,
              });
              if (recency === 0 && passed > 0) continue;
              all.push({ row, levels });
            }
    return all;
  };

  it('have the verdicts that trying everybody gives, and examples that land where they should', () => {
    fc.assert(
      fc.property(rules, (written) => {
        const policy = withRules(written);
        const dimension = policy.dimensions['d'];
        if (dimension?.by.kind !== 'rules') throw new Error('no rules');
        const ruleList = dimension.by.rules;
        const hit = new Set(
          everybody(policy).map(({ row, levels }) => {
            const first = firstMatch(dimension, row, policy, levels);
            return first === undefined ? 0 : ruleList.indexOf(first) + 1;
          }),
        );
        for (const finding of checkReachability(policy)) {
          if (finding.verdict === 'fallsThrough') continue;
          const number = finding.target.kind === 'rule' ? finding.target.number : 0;
          expect(finding.verdict === 'reachable', `${written.join(' | ')}: ${number} ${finding.verdict}`).toBe(
            hit.has(number),
          );
          if (finding.verdict !== 'reachable') continue;
          const { row, levels } = rowOf(finding);
          const first = firstMatch(dimension, row, policy, levels);
          expect(first === undefined ? 0 : ruleList.indexOf(first) + 1).toBe(number);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('the presets', () => {
  it.each(['bank-three-class', 'retail-rfm'])(
    '%s is wholly decided, without trouble; every example lands on its segment',
    (name) => {
      const policy = preset(name);
      const findings = checkReachability(policy);

      expect(findings.filter((finding) => isTrouble(finding) || finding.verdict === 'undecided')).toEqual([]);
      for (const finding of findings.filter(({ verdict }) => verdict === 'reachable')) {
        const { row, levels } = rowOf(finding);
        const dimension = policy.dimensions[finding.dimension];
        if (dimension === undefined) throw new Error('no dimension');
        expect(segmentOf(dimension, row, policy, levels)).toBe(finding.segment);
      }
    },
  );
});

describe('a finding in words', () => {
  it('names rule, reason and cure in both languages', () => {
    const policy = withRules(['R: { from: 3 }', 'R: [4, 4]', 'R: [2.2, 2.4]', 'spend: { to: 12.5 }']);
    const findings = checkReachability(policy);
    const inEnglish = findings.map((finding) => describeFinding(finding, policy, 'en'));
    const inChinese = findings.map((finding) => describeFinding(finding, policy, 'zh'));

    expect(inEnglish[1]).toBe(
      'd: rule 2 (b) never decides: rule 1 always comes first; move it up, or narrow what comes before',
    );
    expect(inEnglish[2]).toContain('d: rule 3 (a) can never hold: its conditions contradict each other');
    expect(inEnglish[3]).toMatch(/rule 4 \(b\) can be reached, for example with .*spend/);
    expect(inChinese[1]).toContain('规则 2（b）从不生效：规则 1 总是先匹配');
    expect(inChinese.join()).not.toMatch(/always|never|reached/);
  });
});
