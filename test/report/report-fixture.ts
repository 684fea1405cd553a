import type { ReportData } from '#shared/application/report/report-model.ts';

const SEGMENTS = [
  { name: 'priority', label: { en: 'Priority support', zh: '优先支持类' } },
  { name: 'cultivate', label: { en: 'Prudent support: cultivate', zh: '审慎支持类·培育' } },
  { name: 'hold', label: { en: 'Prudent support: hold', zh: '审慎支持类·维持' } },
  { name: 'exit', label: { en: 'Exit', zh: '退出类' } },
  { name: 'unrated', label: { en: 'Not rated', zh: '未评级' } },
];

const MOVES: readonly (readonly [string | null, string | null, number])[] = [
  ['priority', 'priority', 241],
  ['priority', 'cultivate', 9],
  ['cultivate', 'priority', 14],
  ['cultivate', 'cultivate', 702],
  ['cultivate', 'hold', 21],
  ['hold', 'cultivate', 17],
  ['hold', 'hold', 598],
  ['hold', 'exit', 12],
  ['exit', 'hold', 5],
  ['exit', 'exit', 233],
  ['unrated', 'unrated', 96],
  ['unrated', 'hold', 4],
  [null, 'hold', 18],
  [null, 'unrated', 22],
  ['exit', null, 6],
];

const label = (en: string, zh: string, unit: 'money' | 'number' | 'days' = 'number') => ({
  label: { en, zh },
  unit,
  inMinorUnits: false,
});

/** An invented run of 2,000 companies, with text in it that is not safe as markup. */
export const inventedReport: ReportData = {
  summary: {
    runId: '2026-10-monthly',
    asOf: '2026-10-31',
    period: '2026-10',
    policy: { name: 'bank-three-class', version: '3f2a9c01b7de', hash: 'ab'.repeat(32) },
    state: 'published',
    population: 2_001,
    quarantined: 3,
    segments: { class: { priority: 255, cultivate: 728, hold: 646, exit: 245, unrated: 118 } },
    previousSegments: { class: { priority: 250, cultivate: 737, hold: 627, exit: 244, unrated: 100 } },
    moves: { class: MOVES.map(([from, to, count]) => ({ from, to, count })) },
    heldBack: { class: { margin: 31, waiting: 19, coolingOff: 8, pin: 2 } },
    flags: { upgrade: 27, exit: 11, upgradeOverCapacity: 4, exitOverCapacity: 0 },
    value: { priority: 81_300_000, cultivate: 24_100_000, hold: 6_900_000, exit: 410_000, unrated: 700_000 },
    newestFact: '2026-10-31',
    changed: 148,
    stale: 0,
    brakes: [],
    units: { read: 251.5, write: 148 },
    durationMs: 8_420,
  },
  frozenAt: '2026-10-31T18:00:00.000Z',
  closesPeriod: true,
  by: 'schedule',
  expiresAt: null,
  error: null,
  policy: {
    title: { en: 'Three classes of corporate customers', zh: '企业客户三分类' },
    mainDimension: 'class',
    dimensions: [{ name: 'class', label: { en: 'Customer class', zh: '客户类别' }, segments: SEGMENTS }],
    labels: {
      net_income: label('Net income in 12 months', '近12个月净收益', 'money'),
      contribution: label('Contribution rating', '贡献评价'),
      quality: label('Quality rating', '质量评价'),
    },
    valueMetric: 'net_income',
    currency: 'CNY',
    service: {
      class: {
        priority: {
          price: 'preferential',
          approvals: 1,
          products: 'individual',
          channel: 'managerTeam',
          contactDays: 30,
        },
        cultivate: { price: 'market', approvals: 2, products: 'standard', channel: 'manager', contactDays: 60 },
        hold: {
          price: 'market',
          approvals: 2,
          products: 'standard',
          channel: 'branch',
          contactDays: 90,
          newCredit: 'none',
        },
        exit: { price: 'high', approvals: 2, products: 'mass', channel: 'selfService', newCredit: 'none' },
      },
    },
  },
  segments: [
    { segment: 'priority', count: 255, before: 250, value: 81_300_000, valueShare: 0.717 },
    { segment: 'cultivate', count: 728, before: 737, value: 24_100_000, valueShare: 0.212 },
    { segment: 'hold', count: 646, before: 627, value: 6_900_000, valueShare: 0.061 },
    { segment: 'exit', count: 245, before: 244, value: 410_000, valueShare: 0.004 },
    { segment: 'unrated', count: 118, before: 100, value: 700_000, valueShare: 0.006 },
  ],
  counts: {
    class: Object.fromEntries(
      Object.entries({ priority: 255, cultivate: 728, hold: 646, exit: 245, unrated: 118 }).map(([name, now]) => [
        name,
        { now, before: now },
      ]),
    ),
  },
  movement: {
    up: { count: 36, value: 8_120_000 },
    down: { count: 42, value: 5_730_000 },
    sideways: { count: 4, value: 120_000 },
    fresh: { count: 40, value: 950_000 },
    left: { count: 6, value: 0 },
    heldBack: { count: 60, value: 9_410_000 },
  },
  needsPerson: { exits: 11, upgrades: 27, casesDueToday: 3, uncertainMails: 0 },
  callFirst: Array.from({ length: 10 }, (_, index) => ({
    customerId: index === 0 ? 'C-1042 <b>&' : `C-${String(1_100 + index * 37)}`,
    manager: index % 4 === 3 ? null : (['Li Wei', 'Wang Fang', 'Zhang Min'][index % 3] ?? null),
    branch: index === 7 ? null : (['Pudong', 'Jing’an', 'Xuhui'][index % 3] ?? null),
    segment: index < 3 ? 'priority' : index < 7 ? 'cultivate' : 'hold',
    value: 1_980_000 - index * 143_000,
    reasons:
      index % 3 === 0 ? ['movedDown', 'lowSatisfaction'] : index % 3 === 1 ? ['downgradeWaits'] : ['upgradeNear'],
  })),
  pareto: {
    points: Array.from({ length: 101 }, (_, index) => [index / 100, 1 - (1 - index / 100) ** 4.2] as const),
    customersFor80: 0.318,
  },
  scores: [
    ['contribution', 'Contribution rating', '贡献评价', [3, 2.31, 1.72, 1, 1.4]],
    ['quality', 'Quality rating', '质量评价', [3, 2.64, 1.9, 1, null]],
    ['satisfaction', 'Satisfaction', '满意度', [71.2, 64.8, 60.1, 48.3, null]],
  ].map((row) => {
    const [score, en, zh, means] = row as [string, string, string, (number | null)[]];
    const known = means.filter((mean) => mean !== null);
    return {
      score,
      label: { en, zh },
      bySegment: Object.fromEntries(SEGMENTS.map(({ name }, index) => [name, { mean: means[index] ?? null, n: 100 }])),
      low: Math.min(...known),
      high: Math.max(...known),
    };
  }),
  survey: {
    ask: 'nps',
    windowDays: 90,
    rows: [
      { segment: 'priority', answers: 86, hidden: false, estimate: { score: 34, low: 16, high: 50 } },
      { segment: 'cultivate', answers: 74, hidden: false, estimate: { score: 18, low: -2, high: 36 } },
      { segment: 'hold', answers: 11, hidden: false, estimate: { score: -9, low: -57, high: 41 } },
      { segment: 'exit', answers: 3, hidden: true, estimate: null },
      { segment: 'unrated', answers: 0, hidden: false, estimate: null },
      { segment: null, answers: 174, hidden: false, estimate: { score: 24, low: 12, high: 36 } },
    ],
  },
  wave: {
    waveId: 'w-2026-09-monthly',
    planned: 540,
    sent: 512,
    delivered: 508,
    answered: 174,
    uncertain: 0,
    rejected: 1,
    notYet: 0,
    skipped: { noConsent: 12, contactBudget: 9, sameAddress: 6, notSampled: 1_431 },
  },
  flags: {
    shown: [
      {
        kind: 'exit',
        customerId: 'C-0031',
        manager: 'Li Wei',
        branch: 'Pudong',
        segment: 'exit',
        stake: 2_100,
        evidence: { segment: 'exit', since: '2026-07', periods: 3, quality: 1, contribution: 1 },
      },
      {
        kind: 'upgrade',
        customerId: 'C-0815',
        manager: 'Wang Fang',
        branch: 'Xuhui',
        segment: 'cultivate',
        stake: 182_000,
        evidence: {
          segment: 'cultivate',
          wouldBe: 'priority',
          rising: 'contribution',
          metric: 'net_income',
          value: 182_000,
          before: 151_000,
          cutoff: 191_500,
          shortBy: 9_500,
        },
      },
    ],
    more: 36,
  },
  quarantined: {
    shown: [{ record: '17/kJ2_9sQxT0', reason: 'orders cannot be unpacked: "<script>" is no number' }],
    more: 2,
  },
};
