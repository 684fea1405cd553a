import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPolicyErrors, parsePolicyContent } from '#shared/domain/policy-content.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import { policyFrom, preset, readProjectFile } from './support.ts';

const SMALL = `policy: small
timeZone: Asia/Shanghai
currency: CNY
valueMetric: income
metrics:
  income: { trait: net_income, unit: money }
  growth: { trait: growth, unit: ratio }
  place: { trait: place, unit: text }
scores:
  contribution: { quantile: 3, of: income, within: branch }
  quality: { bands: [-0.05, 0.05], of: growth }
dimensions:
  class:
    segments: { good: { en: Good, zh: 好 }, fair: {}, poor: {}, unrated: {} }
    matrix:
      rows: quality
      columns: contribution
      cells:
        high: [fair, good, good]
        medium: [poor, fair, good]
        low: [poor, poor, fair]
      missing: unrated
flags:
  exit: { from: [poor], decides: committee }
survey: { ask: nps, share: { good: 1, fair: 0.5 } }
`;
const errorsOf = (text: string): string => {
  const parsed = parsePolicy(text, 'p.yaml');
  return parsed.ok ? '' : formatPolicyErrors(parsed.errors, 'p.yaml');
};
const change = (from: string, to: string): string => {
  if (!SMALL.includes(from)) throw new Error(`the sample has no ${from}`);
  return SMALL.replace(from, to);
};

describe('a policy file', () => {
  it('becomes a policy with defaults, labels and levels filled in', () => {
    const policy = policyFrom(SMALL);

    expect(policy).toMatchObject({
      name: 'small',
      title: { en: 'small', zh: 'small' },
      mainDimension: 'class',
      moves: { margin: 0.05, downgradeAfterPeriods: 2, coolingOffMonths: 3 },
      brakes: { movedShare: 0.15, staleInputDays: 35, emptiedSegment: 'hold' },
      flags: { exit: { afterPeriods: 3, notIf: ['openCase', 'pinned'], perManager: 10, expiresDays: 60 } },
      survey: { ask: 'nps', atLeast: 30, contactEveryDays: 90, weightInScore: 0, caseFor: [] },
      scores: {
        contribution: { kind: 'quantile', n: 3, better: 'high', within: 'branch', smallestPartition: 50, caps: [] },
      },
    });
    expect(policy.dimensions['class']?.segmentOrder).toEqual(['good', 'fair', 'poor', 'unrated']);
    expect(policy.dimensions['class']?.by).toMatchObject({ cells: { 1: { 1: 'poor', 3: 'fair' }, 3: { 1: 'fair' } } });
    expect(policy.version).toBe(policy.hash.slice(0, 12));
  });

  it('may be JSON as well', () => {
    const { source, hash } = policyFrom(SMALL);

    expect(policyFrom(JSON.stringify(source, null, 2), 'p.json').hash).toBe(hash);
  });

  it('has the same version whatever its comments, layout and order of keys, also when read back from a run', () => {
    const policy = policyFrom(SMALL);
    const commented = policyFrom(`# a comment\n${SMALL.replaceAll('\n', ' # why\n')}`);
    const reordered = policyFrom(
      change('timeZone: Asia/Shanghai\ncurrency: CNY', 'currency: CNY\ntimeZone: Asia/Shanghai'),
    );
    const stored = parsePolicyContent(JSON.parse(JSON.stringify(policy.source)));

    expect(commented.hash).toBe(policy.hash);
    expect(reordered.hash).toBe(policy.hash);
    expect(stored).toEqual({ ok: true, policy, warnings: [] });
  });

  it('has another version where a figure or the order of segments differs', () => {
    const { hash } = policyFrom(SMALL);

    expect(policyFrom(change('0.5 }', '0.4 }')).hash).not.toBe(hash);
    expect(policyFrom(change('fair: {}, poor: {}', 'poor: {}, fair: {}')).hash).not.toBe(hash);
  });

  it('puts scores in the order of what they need', () => {
    const policy = policyFrom(
      change(
        'scores:\n',
        'scores:\n  top: { bands: [2], of: sum }\n  sum: { weighted: { quality: 1, contribution: 2 } }\n',
      ),
    );

    expect(policy.scoreOrder).toEqual(['quality', 'contribution', 'sum', 'top']);
  });
});

describe('the written forms', () => {
  it('cover every kind of metric', () => {
    const policy = policyFrom(
      change(
        'scores:\n',
        `  recency: { purchases: recencyDays, where: { purpose: [business] } }
  n: { purchases: orders, windowDays: 365 }
  spend: { purchases: spend, windowDays: 365, where: { purpose: [business, gift] } }
  tenure: { purchases: tenureDays }
  rise: { purchases: spendGrowth, windowDays: 180 }
  share: { purchases: attributeShare, attribute: purpose, values: [business] }
  need: { purchases: dominantAttribute, attribute: purpose, atLeastShare: 0.6 }
  trend: { traitChange: net_income, months: 6, relative: true }
  mean: { traitMean: net_income, months: 12, unit: money }
scores:
`,
      ),
    );

    expect(Object.values(policy.metrics).map(({ kind, unit }) => `${kind} ${unit}`)).toEqual([
      'trait money',
      'trait ratio',
      'trait text',
      'recencyDays days',
      'orders count',
      'spend money',
      'tenureDays days',
      'spendGrowth ratio',
      'attributeShare ratio',
      'dominantAttribute text',
      'traitChange ratio',
      'traitMean money',
    ]);
  });

  it('cover every kind of condition', () => {
    const rules = `  need:
    ordered: false
    segments: { a: {}, b: {}, rest: {} }
    rules:
      - { segment: a, when: { quality: [2, 3], income: { from: 4 }, place: { in: [city, resort] }, trait.vip: present } }
      - { segment: b, when: { contribution: missing, growth: { to: 0.5 } } }
    rest: rest
flags:`;
    const by = policyFrom(change('flags:', rules)).dimensions['need']?.by;

    expect(by).toEqual({
      kind: 'rules',
      rest: 'rest',
      rules: [
        {
          segment: 'a',
          when: [
            { kind: 'range', of: 'quality', from: 2, to: 3 },
            { kind: 'range', of: 'income', from: 4 },
            { kind: 'oneOf', of: 'place', values: ['city', 'resort'] },
            { kind: 'missing', of: 'trait.vip', missing: false },
          ],
        },
        {
          segment: 'b',
          when: [
            { kind: 'missing', of: 'contribution', missing: true },
            { kind: 'range', of: 'growth', to: 0.5 },
          ],
        },
      ],
    });
  });

  it('give the survey its share of a weighted score, and none where the weight is 0', () => {
    const listening = (weight: number) =>
      policyFrom(
        change(
          'scores:\n',
          'scores:\n  happy: { satisfaction: {} }\n  sum: { weighted: { quality: 30, contribution: 60, happy: survey } }\n',
        ).replace('share: {', `weightInScore: ${weight}, share: {`),
      ).scores['sum'];

    expect(listening(0)).toMatchObject({ parts: { quality: 30, contribution: 60 } });
    expect(listening(0.25)).toMatchObject({ parts: { quality: 30, contribution: 60, happy: 30 } });
  });
});

describe('a mistake in a policy', () => {
  it.each([
    ['an unknown key', 'currency: CNY', 'curency: CNY', '3:1 curency: unknown key "curency"; did you mean currency?'],
    ['a missing key', 'currency: CNY\n', '', 'p.yaml:1:1: currency is missing; add currency: (a text)'],
    [
      'an unknown metric',
      'of: growth',
      'of: grwth',
      '11:40 scores.quality.of: there is no metric or score "grwth"; did you mean growth?',
    ],
    [
      'an unknown score',
      'rows: quality',
      'rows: qualities',
      'dimensions.class.matrix.rows: there is no score "qualities"; did you mean quality?',
    ],
    [
      'an unknown segment',
      'high: [fair, good, good]',
      'high: [fair, goood, good]',
      '19:22 dimensions.class.matrix.cells.high[2]: there is no segment "goood"; did you mean good?',
    ],
    [
      'an unknown kind of score',
      'bands: [-0.05, 0.05]',
      'band: [-0.05, 0.05]',
      'scores.quality.band: unknown kind of score "band"; did you mean bands?',
    ],
    [
      'an unknown kind of metric',
      'trait: growth',
      'trit: growth',
      'metrics.growth.trit: unknown kind of metric "trit"; did you mean trait?',
    ],
    [
      'two kinds at once',
      'bands: [-0.05, 0.05]',
      'bands: [1], quantile: 3',
      'the score has two kinds at once: quantile and bands',
    ],
    [
      'cuts that descend',
      '[-0.05, 0.05]',
      '[0.05, -0.05]',
      'scores.quality.bands[2]: cut point -0.05 comes after 0.05, so that classes overlap; put the smallest first',
    ],
    [
      'an empty band',
      '[-0.05, 0.05]',
      '[0.05, 0.05]',
      'cut point 0.05 is there twice, which leaves an empty class; remove one of them',
    ],
    ['no bands', '[-0.05, 0.05]', '[]', 'scores.quality.bands: bands is empty; give at least one'],
    [
      'a missing row of the matrix',
      '        low: [poor, poor, fair]\n',
      '',
      'the row low of quality is missing; add low: with a segment for low, medium, high',
    ],
    [
      'a missing cell',
      'low: [poor, poor, fair]',
      'low: [poor, poor]',
      'the row low has 2 cells, and contribution has 3 levels; give one segment each for low, medium, high, in this order',
    ],
    ['an odd row', 'low: [poor', 'lowest: [poor', 'quality has no level "lowest"; its levels are low, medium, high'],
    [
      'no class for the unrated',
      '      missing: unrated\n',
      '',
      'dimensions.class.matrix: the matrix does not say where customers without a rating belong; add missing:',
    ],
    ['a share above 1', 'good: 1,', 'good: 1.5,', 'survey.share.good: 1.5 is too large; use at most 1'],
    [
      'too much weight of the survey',
      'ask: nps,',
      'ask: nps, weightInScore: 0.3,',
      'survey.weightInScore: 0.3 is too large; use at most 0.25',
    ],
    [
      'a size and a share of one segment',
      'fair: 0.5 }',
      'fair: 0.5 }, size: { fair: 400 }',
      'survey.size.fair: fair has a size (400) and a share (0.5); keep one: share asks a part of the segment, size so many',
    ],
    [
      'a size of a segment that is not there',
      'fair: 0.5 }',
      'fair: 0.5 }, size: { poore: 4 }',
      'survey.size.poore: there is no segment "poore"; did you mean poor?',
    ],
    ['a size of nobody', 'fair: 0.5 }', 'fair: 0.5 }, size: { poor: 0 }', 'survey.size.poor: 0 is too small'],
    ['half a customer', 'fair: 0.5 }', 'fair: 0.5 }, size: { poor: 0.5 }', 'survey.size.poor: '],
    [
      'a survey that says of no segment how many',
      'survey: { ask: nps, share: { good: 1, fair: 0.5 } }',
      'survey: { ask: nps }',
      'survey: the survey says of no segment how many are asked; write share: { SEGMENT: 0.1 }',
    ],
    [
      'a priority above 100',
      'ask: nps,',
      'ask: nps, priority: 101,',
      'survey.priority: 101 is too large; use at most 100',
    ],
    [
      'more days to answer than there are',
      'ask: nps,',
      'ask: nps, answerDays: 22,',
      'survey.answerDays: 22 days to answer are more than the survey is open (21)',
    ],
    [
      'more than the whole quota',
      'ask: nps,',
      'ask: nps, dailyQuotaShare: 1.1,',
      'survey.dailyQuotaShare: 1.1 is too large; use at most 1',
    ],
    [
      'no day to send on',
      'ask: nps,',
      'ask: nps, sendWithinDays: 0,',
      'survey.sendWithinDays: 0 is too small; use at least 1',
    ],
    ['an unknown question', 'ask: nps', 'ask: npx', 'survey.ask: "npx" is not allowed; did you mean nps?'],
    [
      'a bad time zone',
      'Asia/Shanghai',
      'Asia/Shanghi',
      '2:11 timeZone: "Asia/Shanghi" is no time zone; did you mean Asia/Shanghai?',
    ],
    [
      'a bad currency',
      'CNY',
      'RMBX',
      '3:11 currency: "RMBX" is no currency; use an ISO 4217 code in capitals, such as CNY, USD or EUR',
    ],
    [
      'a value metric that is a text',
      'valueMetric: income',
      'valueMetric: place',
      'metric place is a text and says no value',
    ],
    [
      'a rank of texts',
      'of: growth',
      'of: place',
      'metric place is a text, and bands needs numbers; use lookup for texts',
    ],
    ['an exit for the unrated', 'from: [poor]', 'from: [unrated]', 'unrated is never a reason to part'],
    ['a name taken twice', 'quality: {', 'growth: {', '"growth" names a metric and a score'],
    ['a name that is no name', 'growth: { trait', '"1 growth": { trait', 'the name "1 growth" is not usable'],
    ['a number for a text', 'timeZone: Asia/Shanghai', 'timeZone: 8', 'timeZone: 8 is not a text; give a text'],
    [
      'a partition that nothing uses',
      'within: branch',
      'smallestPartition: 20',
      'smallestPartition without within has no effect',
    ],
    ['broken YAML', 'ask: nps', 'ask: [nps', 'correct the YAML here'],
    ['an alias to nothing', 'policy: small', 'policy: *small', 'an alias points nowhere or to itself'],
    ['an alias to itself', 'policy: small', 'policy: &a [*a]', 'an alias points nowhere or to itself'],
  ])('is told with its place and its cure: %s', (_, from, to, expected) => {
    expect(errorsOf(change(from, to))).toContain(expected);
  });

  it.each([
    ['a weight of 0', 'sum: { weighted: { quality: 0, contribution: 1 } }', 'weight 0 of quality is not positive'],
    [
      'a weight for satisfaction',
      'sum: { weighted: { quality: 1, happy: 2 } }\n  happy: { satisfaction: {} }',
      'write happy: survey',
    ],
    [
      'a survey weight for another score',
      'sum: { weighted: { quality: survey, contribution: 1 } }',
      'only a satisfaction score takes its weight',
    ],
    ['more needs than parts', 'sum: { weighted: { quality: 1 }, needs: 3 }', 'needs 3 parts, but there are 1'],
    ['an unknown part', 'sum: { weighted: { qualty: 1 } }', 'there is no score "qualty"; did you mean quality?'],
    [
      'a circle',
      'a: { bands: [1], of: b }\n  b: { weighted: { a: 1 } }',
      'scores depend on each other in a circle: a → b → a',
    ],
    ['shares that descend', 'p: { cumulativeShare: [0.9, 0.8], of: income }', 'share 0.8 comes after 0.9'],
    ['a share of everything', 'p: { cumulativeShare: [0.8, 1], of: income }', 'share 1 is out of range'],
    [
      'a cap above the best level',
      'p: { quantile: 3, of: income, caps: [{ when: { i: [x] }, atMost: 4 }] }',
      '4 is no level of p; use a level from 1 to 3',
    ],
    ['a key of another kind', 'p: { bands: [1], of: income, within: branch }', 'unknown key "within"'],
  ])('in a score is told: %s', (_, score, expected) => {
    expect(errorsOf(change('scores:\n', `scores:\n  ${score}\n`))).toContain(expected);
  });

  it.each([
    ['no rest class', '- { segment: a, when: { quality: [1, 2] } }', '', 'the rest class is missing'],
    ['an empty condition', '- { segment: a, when: {} }', 'rest: b', 'a rule without conditions takes everybody'],
    [
      'an unknown name',
      '- { segment: a, when: { qualty: [1, 2] } }',
      'rest: b',
      'there is no score or metric "qualty"; did you mean quality?',
    ],
    ['an empty range', '- { segment: a, when: { quality: [3, 2] } }', 'rest: b', 'the range from 3 to 2 is empty'],
    [
      'a level that there is not',
      '- { segment: a, when: { quality: [4, 5] } }',
      'rest: b',
      'quality has levels 1 to 3, so the condition never holds',
    ],
    [
      'a range of a text',
      '- { segment: a, when: { place: [1, 2] } }',
      'rest: b',
      'place is a text and has no range; write { in: [a, b] }',
    ],
    ['no condition at all', '- { segment: a, when: { quality: 3 } }', 'rest: b', '3 is no condition; write [from, to]'],
  ])('in a rule is told: %s', (_, rule, rest, expected) => {
    const dimension = `  need:\n    segments: { a: {}, b: {} }\n    rules:\n      ${rule}\n    ${rest}\nflags:`;

    expect(errorsOf(change('flags:', dimension))).toContain(expected);
  });

  it.each([
    [
      'a key twice',
      change('currency: CNY', 'currency: CNY\ncurrency: USD'),
      'p.yaml:4:1 currency: the key currency is written twice in one block; keep one of them, or rename it',
    ],
    [
      'a metric twice',
      change('  growth: {', '  income: { trait: other }\n  growth: {'),
      'p.yaml:7:3 income: the key income is written twice in one block',
    ],
    ['tabs', change('  income: {', '\tincome: {'), 'p.yaml:6:1: a tab indents this line; indent with spaces'],
    ['nothing', '', 'p.yaml:1:1: the file is empty; write a policy'],
    ['comments alone', '# later\n', 'p.yaml:1:1: the file is empty; write a policy'],
    ['a list', '- a\n- b\n', 'p.yaml:1:1: the file is a list and no policy; begin with lines such as policy: NAME'],
    ['a word', 'hello', 'p.yaml:1:1: the file is a single value and no policy'],
    ['a picture', '\u0089PNG\r\n\u001a\n\0\0\0\rIHDR', 'p.yaml:1:1: the file is no text'],
    ['another encoding', change('zh: 好', 'zh: \ufffd\ufffd'), 'give a text file in UTF-8: YAML 1.2 or JSON'],
    ['two policies', `${SMALL}---\n${SMALL}`, 'a second policy begins here; keep one policy per file'],
    [
      'a program',
      change('policy: small', 'policy: !!js/function "f"'),
      'p.yaml:1:9: the tag !!js/function means nothing',
    ],
    ['brackets without end', '['.repeat(20_000), 'brackets are nested too deeply'],
    ['a number that is none', change('[-0.05, 0.05]', '[-0.05, .nan]'), 'scores.quality.bands[2]: NaN is not a number'],
    [
      'aliases that multiply',
      ['a: &a [x, x, x, x, x, x, x, x, x]']
        .concat(
          [...'bcdefghi'].map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]`),
        )
        .join('\n'),
      'p.yaml:1:1: the aliases repeat too much; write out what the aliases (*name) stand for',
    ],
  ])('of form is one error with its place and its cure: %s', (_, text, expected) => {
    const told = errorsOf(text);

    expect(told).toContain(expected);
    if (!expected.includes('scores.')) expect(told.split('\n')).toHaveLength(1);
  });

  it.each([500, 1500, 3000, 4000, 6000])('of form never ends the program: %d nested blocks', (depth) => {
    expect(errorsOf(`${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`)).toMatch(/^p\.yaml:1:/);
  });

  it('does not hide the others: all are told, in the order of the file', () => {
    const text = change('Asia/Shanghai', 'Mars').replace('of: growth', 'of: grwth').replace('good: 1,', 'gud: 1,');
    const lines = errorsOf(text).split('\n');

    expect(lines).toHaveLength(3);
    expect(lines.map((line) => Number(line.split(':')[1]))).toEqual([2, 11, 25]);
  });

  it('never throws, whatever the file says', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true }),
        fc.string(),
        fc.constantFrom(...SMALL.split('\n')),
        (value, text, line) => {
          expect(parsePolicyContent(value).ok).toBe(false);
          expect(parsePolicy(text, 'p').ok).toBe(false);
          expect(typeof parsePolicy(SMALL.replace(line, text), 'p').ok).toBe('boolean');
        },
      ),
    );
  });
});

describe('a warning', () => {
  it('names a segment that nobody can be in, and answers that count nowhere', () => {
    const text = change('unrated: {} }', 'unrated: {}, gold: {} }').replace('ask: nps', 'ask: nps, weightInScore: 0.1');
    const parsed = parsePolicy(text, 'p.yaml');

    expect(parsed.ok && parsed.warnings.join('\n')).toMatch(
      /nobody can be in segment gold[\s\S]*answers have a weight/,
    );
  });

  it('names a best level that a margin closes for good', () => {
    const parsed = parsePolicy(
      change('bands: [-0.05, 0.05], of: growth', 'bands: [1, 90], of: late, better: low').replace(
        'scores:',
        '  late: { trait: late, unit: days }\nscores:',
      ),
      'p.yaml',
    );

    expect(parsed.ok && parsed.warnings.join()).toContain('nobody can come back to the best level of quality');
  });
});

describe('the presets', () => {
  it.each(['bank-three-class', 'retail-rfm'])('%s is valid without a warning', (name) => {
    const parsed = parsePolicy(readProjectFile(`policies/${name}.yaml`), `${name}.yaml`);

    expect(parsed).toMatchObject({ ok: true, warnings: [] });
  });

  it('of the bank has the whole matrix of the literature and ours', () => {
    const by = preset('bank-three-class').dimensions['class']?.by;

    expect(by).toMatchObject({
      cells: {
        3: { 1: 'cultivate', 2: 'cultivate', 3: 'priority' },
        2: { 1: 'hold', 2: 'cultivate', 3: 'cultivate' },
        1: { 1: 'exit', 2: 'hold', 3: 'hold' },
      },
      missing: 'unrated',
    });
  });

  it.each(['bank-three-class', 'retail-rfm'])('%s says everything in English and Chinese', (name) => {
    const policy = preset(name);
    const labels = [
      ...Object.values(policy.metrics),
      ...Object.values(policy.scores),
      ...Object.values(policy.dimensions),
      ...Object.values(policy.dimensions).flatMap((dimension) => Object.values(dimension.segments)),
    ].map(({ label }) => label);

    for (const label of labels) {
      expect(label.zh).toMatch(/[\u4e00-\u9fff]/);
      expect(label.en).toMatch(/^[\x20-\x7e]+$/);
    }
  });
});
