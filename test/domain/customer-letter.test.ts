import { describe, expect, it } from 'vitest';
import { assignRow } from '#shared/domain/assign.ts';
import { addMonths, lastDayOf } from '#shared/domain/calendar.ts';
import { customerLetter, letterText } from '#shared/domain/customer-letter.ts';
import { explain } from '#shared/domain/explain.ts';
import { formatValue, type Lang } from '#shared/domain/figure-text.ts';
import type { Flag } from '#shared/domain/flags.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { Calibration, FrameRow, PlanRow } from '#shared/domain/standing.ts';
import { frameRow, policyFrom, preset, readProjectFile, runOf } from './support.ts';

const bank = preset('bank-three-class');
const calibration: Calibration = {
  cutoffs: {
    potential: { '*': [0.31, 0.62] },
    contribution: { '*': [10_007, 50_011] },
    pareto: { '*': [40_013, 90_017] },
    R: { '*': [31, 93, 181, 367] },
    F: { '*': [1, 2, 4, 9] },
    M: { '*': [10_003, 20_011, 40_009, 80_021] },
  },
  satisfactionMeans: { '*': 0.7 },
  population: 1000,
};
const BAD = { turnover_growth: -0.3, days_past_due: 200, share_of_wallet: 0.9, net_income: 512 };

/** The row after four closed months with the same figures. */
const after = (row: FrameRow, policy: Policy): { readonly row: FrameRow; readonly plan: PlanRow } => {
  let [current, plan] = [row, assignRow(row, policy, calibration, runOf('2026-01'))];
  for (let month = 1; month < 4; month += 1) {
    current = { ...row, prior: plan.next, priorIsNewest: true };
    plan = assignRow(current, policy, calibration, runOf(addMonths('2026-01', month)));
  }
  return { row: current, plan };
};

const letterOf = (
  given: Partial<FrameRow>,
  policy: Policy,
  lang: Lang,
  over: Partial<Flag> & { readonly decidedOn?: string } = {},
): string => {
  const { row, plan } = after(frameRow({ branch: 'Pudong', manager: 'Li Wei', ...given }), policy);
  const [proposal] = plan.flags;
  if (proposal?.kind !== 'exit') throw new Error('the customer is not let go');
  const { decidedOn, ...more } = over;
  const flag: Flag = {
    kind: 'exit',
    subject: row.subject,
    customerId: 'C-1042',
    runId: plan.next.runId,
    period: '2026-04',
    segment: plan.next.placements[policy.mainDimension]?.actual ?? '',
    branch: row.branch,
    manager: row.manager,
    stake: 987_654,
    evidence: proposal.evidence,
    raisedAt: '2026-05-01T00:00:00.000Z',
    expiresOn: '2026-06-30',
    decides: 'creditCommittee',
    proposedBy: 'Zhao Min',
    state: decidedOn === undefined ? 'open' : 'approved',
    history: [{ event: 'raised', at: '2026-05-01T00:00:00.000Z', by: plan.next.runId }],
    ...more,
  };
  const explanation = explain(row, plan, policy, calibration, lang, { run: runOf('2026-04') });
  const asOf = lastDayOf('2026-04');
  const letter = customerLetter(
    { flag, policy, explanation, asOf, today: '2026-05-03', ...(decidedOn === undefined ? {} : { decidedOn }) },
    lang,
  );
  return letterText(letter).replaceAll('\u00a0', ' ');
};

/** Everything that is the company's own or comes from others: classes, ratings, scores, limits, value, who decides. */
const secretsOf = (policy: Policy): readonly string[] => [
  ...Object.values(policy.dimensions).flatMap(({ label, segments }) => [
    label.en,
    label.zh,
    ...Object.values(segments).flatMap((one) => [one.label.en, one.label.zh]),
  ]),
  ...Object.values(policy.scores).flatMap(({ label }) => [label.en, label.zh]),
  ...Object.values(calibration.cutoffs)
    .flatMap((cuts) => Object.values(cuts).flat())
    .filter((cut) => cut > 1000)
    .map(String),
  ...Object.values(policy.scores).flatMap((score) =>
    score.kind === 'bands' && policy.metrics[score.of]?.unit === 'days'
      ? score.cuts.map((cut) => formatValue(policy, score.of, cut, 'en'))
      : [],
  ),
  '987',
  'creditCommittee',
  'Zhao Min',
  '2026-04-monthly',
  'subject-1',
];

const RULES = policyFrom(
  `
policy: rules
timeZone: UTC
currency: EUR
valueMetric: spend
metrics:
  recency: { purchases: recencyDays, en: Days since your last purchase, zh: 距上次购买天数 }
  spend: { purchases: spend, windowDays: 365, en: Purchases in a year, zh: 一年内购买金额 }
  kind: { trait: kind, unit: text, en: Kind of contract, zh: 合同类型 }
scores:
  activity: { lookup: { none: 1, some: 2 }, of: trait.activity, en: Activity grade, zh: 活跃评级 }
dimensions:
  care:
    segments: { good: { en: Fine, zh: 优良 }, gone: { en: Gone for good, zh: 淘汰 }, rest: { en: Others, zh: 其他组 } }
    rules:
      - { segment: good, when: { spend: { from: 1000 }, activity: [2, 2] } }
      - { segment: gone, when: { recency: { from: 300 }, kind: { in: [trial] } } }
    rest: rest
flags:
  exit: { from: [gone], afterPeriods: 2, notIf: [], decides: owner }
`,
  'rules.yaml',
);
const notes = [{ noteId: 'n1', about: 'quality' as const, rating: 1, ageDays: 3 }];
const answers = [{ value: 0, ageDays: 3 }];

describe('R31 the explanation of an exit for the customer', () => {
  it.each([
    [
      'all figures low',
      { metrics: BAD },
      bank,
      ['Turnover growth in 12 months: -30%', 'Days past due: 200 days', 'CNY 512'],
    ],
    [
      'an industry in shock',
      { metrics: { ...BAD, turnover_growth: 0.2, days_past_due: 0 }, traits: { industry: 'steel' } },
      bank,
      ['Industry: steel'],
    ],
    [
      'a missing figure',
      { metrics: { ...BAD, turnover_growth: null } },
      bank,
      ['We do not know this figure: Turnover growth in 12 months.'],
    ],
    ['angry answers and bad notes', { metrics: BAD, answers, notes }, bank, ['are not the reason']],
    [
      'rules on metrics',
      { metrics: { recency: 400, spend: 5000, kind: 'trial' }, traits: { activity: 'none' } },
      RULES,
      ['Days since your last purchase: 400 days', 'Days since your last purchase: a lower figure'],
    ],
    [
      'ranks of purchases',
      { metrics: { recency_days: 500, orders: 1, spend: 900, tenure_days: 900 } },
      preset('retail-rfm'),
      ['days since'],
    ],
  ] as const)('with %s says the customer’s own figures and nothing of others', (_what, given, policy, expected) => {
    const text = letterOf(given, policy, 'en');
    const chinese = letterOf(given, policy, 'zh');

    for (const one of expected) expect(text.toLowerCase()).toContain(one.toLowerCase());
    for (const [body, lang] of [
      [text, 'en'],
      [chinese, 'zh'],
    ] as const) {
      for (const secret of secretsOf(policy)) {
        const own = Object.values(policy.metrics).some(({ label }) => label[lang].includes(secret));
        if (!own) expect(body, secret).not.toContain(secret);
      }
      expect(body).not.toMatch(/undefined|null|NaN|\[object/u);
      expect(body).toContain('Li Wei');
      expect(body).toContain(lang === 'en' ? 'since 2026-01 without a break' : '自 2026-01 起一直持续');
    }
    expect(chinese).not.toMatch(
      /[a-z]{4,}/u.exec(chinese.replaceAll(/steel|Pudong|trial|activity|none/gu, ''))?.[0] ?? /$^/u,
    );
  });

  it('says that nothing has been decided while it is open, and who looked at it when once it is', () => {
    expect(letterOf({ metrics: BAD }, bank, 'en')).toContain('Nothing has been decided.');
    const decided = letterOf({ metrics: BAD }, bank, 'en', { decidedOn: '2026-05-02' });
    expect(decided).toContain('On 2026-05-02 a responsible member of our staff looked at your case');
    expect(decided).not.toContain('Nothing has been decided');
    expect(letterOf({ metrics: BAD }, bank, 'zh', { decidedOn: '2026-05-02' })).toContain('2026-05-02 审阅');
  });

  it('names the right to object, a person to talk to and what is held, whoever that person is', () => {
    const { row } = after(frameRow({ metrics: BAD }), bank);
    expect(row.manager).toBeNull();
    for (const [manager, branch, whom, wen] of [
      ['Li Wei', 'Pudong', 'your account manager Li Wei (Pudong)', '您的客户经理Li Wei（Pudong）'],
      ['Li Wei', null, 'your account manager Li Wei.', '您的客户经理Li Wei。'],
      [null, 'Pudong', 'our branch Pudong', '我们的Pudong机构'],
      [null, null, 'our customer service', '我们的客户服务部门'],
    ] as const) {
      const text = letterOf({ metrics: BAD, manager, branch }, bank, 'en');
      expect(text).toContain(whom);
      expect(text).toMatch(/object, and ask that another person looks at it again/u);
      expect(letterOf({ metrics: BAD, manager, branch }, bank, 'zh')).toContain(wen);
    }
  });

  it('says of each low figure in which direction it would have to go', () => {
    const text = letterOf({ metrics: BAD }, bank, 'en');

    expect(text).toContain('- Turnover growth in 12 months: a higher figure');
    expect(text).toContain('- Days past due: a lower figure');
    expect(text).toContain('- Net income in 12 months: a higher figure');
    expect(letterOf({ metrics: BAD }, bank, 'zh')).toContain('- 逾期天数下降');
    // It weighs half of the others, and to ask for less business would be odd.
    expect(text).not.toContain('banking');
  });

  it('is the same without the customer’s answers and without notes', () => {
    const text = readProjectFile('policies/bank-three-class.yaml')
      .replace('weightInScore: 0 ', 'weightInScore: 0.2 ')
      .replace('potential: 20, satisfaction: survey }', 'potential: 20, said: 10, satisfaction: survey }')
      .replace('scores:\n', 'scores:\n  said: { note: { about: quality } }\n');
    const listening = policyFrom(text);

    expect(letterOf({ metrics: BAD, answers, notes }, listening, 'en')).toBe(
      letterOf({ metrics: BAD }, listening, 'en'),
    );
  });
});
