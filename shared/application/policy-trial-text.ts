import { formatValue, type Lang, segmentLabel } from '#shared/domain/figure-text.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { formatNumber } from './format-value.ts';
import type { PolicyTrial, TrialCount, TrialFlags } from './policy-trial.ts';
import { textTable } from './text-table.ts';

const WORDS = {
  en: {
    differ: 'What differs',
    same: 'Nothing differs: both say the same.',
    other: 'The files differ only in what neither sentences nor results depend on.',
    tried: (customers: string, run: string, asOf: string) =>
      `Tried on the ${customers} of run ${run}, as of ${asOf}; nothing is changed.`,
    today: (customers: string, asOf: string) =>
      `No run is published yet, so tried on the facts of the ${customers} as of today, ${asOf}; nothing is changed.`,
    customers: (count: number, number: string) => (count === 1 ? '1 customer' : `${number} customers`),
    measured: (names: string, changed: number, number: string) =>
      `The run did not measure ${names}: measured now, from the facts recorded before the run.${
        changed === 0 ? '' : ` Facts of ${number} of them changed since; a change to an earlier record shows here.`
      }`,
    erased: (number: string) => `Left out, since erased: ${number}.`,
    quarantined: (number: string) => `Left out, since the record cannot be read: ${number}.`,
    onlyIn: (side: string, names: string) => `Only in ${side}, so not compared: ${names}.`,
    nobody: (dimension: string) => `${dimension}: nobody would be in another segment.`,
    moved: (dimension: string, of: string, target: string, actual: string) =>
      `${dimension}: of ${of}, ${target} would have another target segment, ${actual} another actual one`,
    counts: ['A', 'B', 'target', 'actual'],
    meaning:
      'target: what the policy says; actual: what is in force after gaps, waiting, cooling-off and pins, with the standings of that run.',
    none: 'none',
    proposals: ['proposals', 'A', 'B', 'appear', 'disappear'],
    upgrade: 'upgrade',
    exit: 'exit',
    movers: (listed: string, total: string) => `Most valuable movers (${listed} of ${total})`,
    noMovers: 'Nobody moves at once.',
    mover: ['customer', 'branch', 'manager', 'value', 'A', 'B', 'why'],
    missing: '–',
  },
  zh: {
    differ: '差异',
    same: '没有差异：两者内容相同。',
    other: '两个文件只在不影响说明和结果之处不同。',
    tried: (customers: string, run: string, asOf: string) =>
      `在运行 ${run}（截至 ${asOf}）的 ${customers}上试算；不作任何更改。`,
    today: (customers: string, asOf: string) =>
      `尚无已发布的运行，因此按今天（${asOf}）的数据在 ${customers}上试算；不作任何更改。`,
    customers: (_count: number, number: string) => `${number} 个客户`,
    measured: (names: string, changed: number, number: string) =>
      `该次运行未计算 ${names}：现按运行之前记录的数据补算。${
        changed === 0 ? '' : `其中 ${number} 个客户的数据此后有变；对较早记录的更改会反映在此。`
      }`,
    erased: (number: string) => `因已删除而未计入：${number}。`,
    quarantined: (number: string) => `因记录无法读取而未计入：${number}。`,
    onlyIn: (side: string, names: string) => `仅 ${side} 有，不作比较：${names}。`,
    nobody: (dimension: string) => `${dimension}：没有客户会换类别。`,
    moved: (dimension: string, of: string, target: string, actual: string) =>
      `${dimension}：${of}中，${target} 个的目标类别不同，${actual} 个的实际类别不同`,
    counts: ['A', 'B', '目标', '实际'],
    meaning: '目标：策略给出的类别；实际：按该次运行的状况，计入缓冲区、等待、冷静期和人工固定之后生效的类别。',
    none: '无',
    proposals: ['建议', 'A', 'B', '新增', '消失'],
    upgrade: '升级',
    exit: '退出',
    movers: (listed: string, total: string) => `价值最高的变动客户（${total} 个中的 ${listed} 个）`,
    noMovers: '没有客户立即变动。',
    mover: ['客户', '支行', '客户经理', '价值', 'A', 'B', '原因'],
    missing: '–',
  },
} as const;

/** How the second policy differs, for people: one line per difference. */
export const differenceText = (a: Policy, b: Policy, differences: readonly string[], lang: Lang): string => {
  const words = WORDS[lang];
  if (a.hash === b.hash) return words.same;
  if (differences.length === 0) return words.other;
  return [words.differ, ...differences.map((line) => `- ${line}`)].join('\n');
};

/** A trial for people: on whom, who would be elsewhere, proposals, and the most valuable movers with why. */
export const trialText = (trial: PolicyTrial, a: Policy, b: Policy, lang: Lang): string => {
  const words = WORDS[lang];
  return [
    basisText(trial, a, b, lang),
    ...Object.keys(trial.dimensions).map((name) => dimensionText(trial, name, a, b, lang)),
    ...(anyChange(trial) ? [words.meaning] : []),
    proposalsText(trial, lang),
    ...(Object.keys(trial.dimensions).length === 0 ? [] : [moversText(trial, a, b, lang)]),
  ].join('\n\n');
};

const number = (value: number, lang: Lang): string => formatNumber(value, lang === 'zh' ? 'zh-CN' : 'en');

const anyChange = (trial: PolicyTrial): boolean =>
  Object.values(trial.dimensions).some(({ actual, target }) => actual.length + target.length > 0);

const basisText = (trial: PolicyTrial, a: Policy, b: Policy, lang: Lang): string => {
  const words = WORDS[lang];
  const shown = (value: number): string => number(value, lang);
  const customers = words.customers(trial.customers, shown(trial.customers));
  const separator = lang === 'zh' ? '、' : ', ';
  const names = (policy: Policy, dimensions: readonly string[]): string =>
    dimensions.map((name) => policy.dimensions[name]?.label[lang] ?? name).join(separator);
  return [
    trial.runId === null ? words.today(customers, trial.asOf) : words.tried(customers, trial.runId, trial.asOf),
    ...(trial.measured.length === 0
      ? []
      : [words.measured(trial.measured.join(separator), trial.changedSince, shown(trial.changedSince))]),
    ...(trial.erased === 0 ? [] : [words.erased(shown(trial.erased))]),
    ...(trial.quarantined === 0 ? [] : [words.quarantined(shown(trial.quarantined))]),
    ...(trial.onlyInA.length === 0 ? [] : [words.onlyIn('A', names(a, trial.onlyInA))]),
    ...(trial.onlyInB.length === 0 ? [] : [words.onlyIn('B', names(b, trial.onlyInB))]),
  ].join('\n');
};

const segmentIn = (policy: Policy, dimension: string, segment: string | null, lang: Lang): string => {
  const found = policy.dimensions[dimension];
  if (segment === null) return WORDS[lang].none;
  return found === undefined ? segment : segmentLabel(found, segment, lang);
};

const dimensionText = (trial: PolicyTrial, name: string, a: Policy, b: Policy, lang: Lang): string => {
  const words = WORDS[lang];
  const label = b.dimensions[name]?.label[lang] ?? name;
  const { actual, target } = trial.dimensions[name] ?? { actual: [], target: [] };
  const pairs = new Map<string, { from: string | null; to: string | null; actual: number; target: number }>();
  const collect = (counts: readonly TrialCount[], kind: 'actual' | 'target'): void => {
    for (const { from, to, customers } of counts) {
      const key = JSON.stringify([from, to]);
      const pair = pairs.get(key) ?? { from, to, actual: 0, target: 0 };
      pair[kind] = customers;
      pairs.set(key, pair);
    }
  };
  collect(target, 'target');
  collect(actual, 'actual');
  if (pairs.size === 0) return words.nobody(label);
  const sum = (counts: readonly TrialCount[]): number => counts.reduce((total, one) => total + one.customers, 0);
  return [
    words.moved(
      label,
      words.customers(trial.customers, number(trial.customers, lang)),
      number(sum(target), lang),
      number(sum(actual), lang),
    ),
    textTable(
      [
        words.counts,
        ...[...pairs.values()].map((pair) => [
          segmentIn(a, name, pair.from, lang),
          segmentIn(b, name, pair.to, lang),
          number(pair.target, lang),
          number(pair.actual, lang),
        ]),
      ],
      ['left', 'left', 'right', 'right'],
    ),
  ].join('\n');
};

const proposalsText = ({ flags }: PolicyTrial, lang: Lang): string => {
  const words = WORDS[lang];
  const row = (kind: 'upgrade' | 'exit', counts: TrialFlags): readonly string[] => [
    words[kind],
    ...[counts.a, counts.b, counts.appear, counts.disappear].map((count) => number(count, lang)),
  ];
  return textTable(
    [words.proposals, row('upgrade', flags.upgrade), row('exit', flags.exit)],
    ['left', 'right', 'right', 'right', 'right'],
  );
};

const moversText = (trial: PolicyTrial, a: Policy, b: Policy, lang: Lang): string => {
  const words = WORDS[lang];
  if (trial.moversTotal === 0) return words.noMovers;
  const title = words.movers(number(trial.movers.length, lang), number(trial.moversTotal, lang));
  if (trial.movers.length === 0) return title;
  return [
    title,
    textTable(
      [
        words.mover,
        ...trial.movers.map((mover) => [
          mover.customerId,
          mover.branch ?? words.missing,
          mover.manager ?? words.missing,
          mover.value === null ? words.missing : formatValue(a, a.valueMetric, mover.value, lang),
          segmentIn(a, mover.dimension, mover.from, lang),
          segmentIn(b, mover.dimension, mover.to, lang),
          mover.why,
        ]),
      ],
      ['left', 'left', 'left', 'right'],
    ),
  ].join('\n');
};
