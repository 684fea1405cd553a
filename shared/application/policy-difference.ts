import { conditionText, formatValue, type Lang, levelText, nameOf, segmentLabel } from '#shared/domain/figure-text.ts';
import type { Dimension, Policy, Score } from '#shared/domain/policy.ts';
import { metricText, scoreText } from '#shared/domain/policy-sentences.ts';
import { levelsOf } from '#shared/domain/values.ts';

/**
 * What a reader would have to change in the first policy to get the second, one sentence each, in the order of the file: cut
 * points, cells, rules, limits. Empty for policies that say the same; comments and layout are no difference.
 */
export const describeDifference = (a: Policy, b: Policy, lang: Lang): readonly string[] => [
  ...headDifference(a, b, lang),
  ...namedDifference(
    lang,
    { en: 'Metric', zh: '指标' },
    a.metrics,
    b.metrics,
    (metric) => metric.label[lang],
    (metric) => metricText(metric, lang),
  ),
  ...scoreDifference(a, b, lang),
  ...dimensionDifference(a, b, lang),
  ...leafDifference(a, b, lang),
];

const changed = (what: string, before: string, after: string, lang: Lang): string =>
  lang === 'zh' ? `${what}：${before} → ${after}。` : `${what}: ${before} → ${after}.`;

const headDifference = (a: Policy, b: Policy, lang: Lang): readonly string[] => {
  const zh = lang === 'zh';
  const heads: readonly (readonly [string, string, string])[] = [
    [zh ? '名称' : 'Name', a.name, b.name],
    [zh ? '标题' : 'Title', a.title[lang], b.title[lang]],
    ...(a.title[lang] === b.title[lang]
      ? [[zh ? '英文标题' : 'Chinese title', a.title[zh ? 'en' : 'zh'], b.title[zh ? 'en' : 'zh']] as const]
      : []),
    [zh ? '时区' : 'Time zone', a.timeZone, b.timeZone],
    [zh ? '货币' : 'Currency', a.currency, b.currency],
    [zh ? '客户价值' : "A customer's worth", nameOf(a, a.valueMetric, lang), nameOf(b, b.valueMetric, lang)],
    [
      zh ? '主要维度' : 'Main dimension',
      a.dimensions[a.mainDimension]?.label[lang] ?? a.mainDimension,
      b.dimensions[b.mainDimension]?.label[lang] ?? b.mainDimension,
    ],
  ];
  return heads
    .filter(([, before, after]) => before !== after)
    .map(([what, before, after]) => changed(what, before, after, lang));
};

const namedDifference = <T>(
  lang: Lang,
  kind: { readonly en: string; readonly zh: string },
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  labelOf: (value: T) => string,
  sentence: (value: T, side: 'a' | 'b') => string,
): readonly string[] => {
  const zh = lang === 'zh';
  const lines: string[] = [];
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const before = Object.hasOwn(a, name) ? a[name] : undefined;
    const after = Object.hasOwn(b, name) ? b[name] : undefined;
    if (JSON.stringify(before) === JSON.stringify(after)) continue;
    if (before === undefined && after !== undefined) {
      const text = bare(sentence(after, 'b'));
      lines.push(
        zh ? `新${kind.zh}“${labelOf(after)}”：${text}。` : `New ${kind.en.toLowerCase()} ${labelOf(after)}: ${text}.`,
      );
    } else if (before !== undefined && after === undefined) {
      lines.push(zh ? `去掉${kind.zh}“${labelOf(before)}”。` : `${kind.en} ${labelOf(before)} is gone.`);
    } else if (before !== undefined && after !== undefined) {
      const [was, is] = [bare(sentence(before, 'a')), bare(sentence(after, 'b'))];
      if (was !== is) {
        lines.push(
          zh
            ? `${kind.zh}“${labelOf(after)}”：原为${was}；现为${is}。`
            : `${kind.en} ${labelOf(after)}: was ${was}; is now ${is}.`,
        );
      } else {
        const renamed = labelOf(before) !== labelOf(after);
        if (renamed) {
          lines.push(
            changed(
              zh ? `${kind.zh} ${name} 的名称` : `Name of ${kind.en.toLowerCase()} ${name}`,
              labelOf(before),
              labelOf(after),
              lang,
            ),
          );
        }
        lines.push(
          ...leafLines(zh ? `${kind.zh}“${labelOf(after)}”` : `${kind.en} ${labelOf(after)}`, before, after, lang)
            .filter(({ key }) => !(renamed && key.startsWith('label.')))
            .map(({ line }) => line),
        );
      }
    }
  }
  return lines;
};

/** What no sentence tells, by the names that the policy's content uses. */
const leafLines = (
  what: string,
  a: unknown,
  b: unknown,
  lang: Lang,
): readonly { readonly key: string; readonly line: string }[] => {
  const [before, after] = [leavesOf(a), leavesOf(b)];
  const absent = lang === 'zh' ? '未设' : 'not set';
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => ({
      key,
      line: changed(
        `${what}${lang === 'zh' ? '，' : ', '}${key}`,
        before.get(key) ?? absent,
        after.get(key) ?? absent,
        lang,
      ),
    }));
};

const bare = (sentence: string): string => sentence.replace(/[.。]$/u, '');

const scoreDifference = (a: Policy, b: Policy, lang: Lang): readonly string[] => {
  const zh = lang === 'zh';
  const precise: string[] = [];
  const rest: { a: Record<string, Score>; b: Record<string, Score> } = { a: {}, b: {} };
  for (const name of new Set([...a.scoreOrder, ...b.scoreOrder])) {
    const before = Object.hasOwn(a.scores, name) ? a.scores[name] : undefined;
    const after = Object.hasOwn(b.scores, name) ? b.scores[name] : undefined;
    const onlyCuts =
      before?.kind === 'bands' &&
      after?.kind === 'bands' &&
      JSON.stringify({ ...before, cuts: after.cuts }) === JSON.stringify(after) &&
      JSON.stringify(before.cuts) !== JSON.stringify(after.cuts);
    if (onlyCuts && before?.kind === 'bands' && after?.kind === 'bands') {
      const cuts = (policy: Policy, score: Extract<Score, { kind: 'bands' }>): string =>
        score.cuts.map((cut) => formatValue(policy, score.of, cut, lang)).join(zh ? '、' : ', ');
      precise.push(
        changed(
          zh ? `“${after.label.zh}”的分界点` : `Cut points of ${after.label.en}`,
          cuts(a, before),
          cuts(b, after),
          lang,
        ),
      );
      continue;
    }
    if (before !== undefined) rest.a[name] = before;
    if (after !== undefined) rest.b[name] = after;
  }
  return [
    ...precise,
    ...namedDifference(
      lang,
      { en: 'Score', zh: '评分' },
      rest.a,
      rest.b,
      (score) => score.label[lang],
      (score, side) => scoreText(side === 'a' ? a : b, score, lang),
    ),
  ];
};

const dimensionDifference = (a: Policy, b: Policy, lang: Lang): readonly string[] => {
  const zh = lang === 'zh';
  const lines: string[] = [];
  for (const name of new Set([...Object.keys(a.dimensions), ...Object.keys(b.dimensions)])) {
    const before = a.dimensions[name];
    const after = b.dimensions[name];
    if (before === undefined && after !== undefined) {
      lines.push(
        zh
          ? `新维度“${after.label.zh}”：${segmentsOf(after, lang)}。`
          : `New dimension ${after.label.en}: ${segmentsOf(after, lang)}.`,
      );
    } else if (before !== undefined && after === undefined) {
      lines.push(zh ? `去掉维度“${before.label.zh}”。` : `Dimension ${before.label.en} is gone.`);
    } else if (before !== undefined && after !== undefined && JSON.stringify(before) !== JSON.stringify(after)) {
      const told = sameDimension(before, after, a, b, lang);
      const what = zh ? `维度“${after.label.zh}”` : `Dimension ${after.label.en}`;
      lines.push(...(told.length > 0 ? told : leafLines(what, before, after, lang).map(({ line }) => line)));
    }
  }
  return lines;
};

const segmentsOf = (dimension: Dimension, lang: Lang): string =>
  dimension.segmentOrder.map((segment) => segmentLabel(dimension, segment, lang)).join(lang === 'zh' ? '、' : ', ');

const sameDimension = (before: Dimension, after: Dimension, a: Policy, b: Policy, lang: Lang): readonly string[] => {
  const zh = lang === 'zh';
  const title = after.label[lang];
  const lines: string[] = [];
  const named = (what: { en: string; zh: string }): string =>
    zh ? `“${title}”的${what.zh}` : `${what.en} of ${title}`;
  if (before.label[lang] !== title)
    lines.push(changed(zh ? '维度名称' : 'Name of a dimension', before.label[lang], title, lang));
  if (segmentsOf(before, lang) !== segmentsOf(after, lang)) {
    lines.push(changed(named({ en: 'Segments', zh: '类别' }), segmentsOf(before, lang), segmentsOf(after, lang), lang));
  }
  if (before.ordered !== after.ordered) {
    const word = (ordered: boolean): string =>
      ordered ? (zh ? '有优劣' : 'best to worst') : zh ? '无优劣' : 'no order';
    lines.push(changed(named({ en: 'Order', zh: '次序' }), word(before.ordered), word(after.ordered), lang));
  }
  if (before.by.kind === 'matrix' && after.by.kind === 'matrix') {
    const [was, is] = [before.by, after.by];
    if (was.rows !== is.rows || was.columns !== is.columns) {
      const axes = (policy: Policy, by: typeof was): string =>
        `${nameOf(policy, by.rows, lang)} × ${nameOf(policy, by.columns, lang)}`;
      lines.push(changed(named({ en: 'Matrix', zh: '矩阵' }), axes(a, was), axes(b, is), lang));
    }
    const level = (policy: Policy, of: string, number: number): string => {
      const score = policy.scores[of];
      return levelText(score === undefined ? null : levelsOf(score), number, lang);
    };
    for (const row of union(was.cells, is.cells)) {
      for (const column of union(was.cells[row] ?? {}, is.cells[row] ?? {})) {
        const [from, to] = [was.cells[row]?.[column], is.cells[row]?.[column]];
        if (from === to) continue;
        const cell = `${nameOf(b, is.rows, lang)} ${level(b, is.rows, row)}, ${nameOf(b, is.columns, lang)} ${level(b, is.columns, column)}`;
        const absent = zh ? '无' : 'none';
        lines.push(
          changed(
            zh ? `“${title}”的单元格（${cell.replace(', ', '，')}）` : `Cell of ${title} (${cell})`,
            from === undefined ? absent : segmentLabel(before, from, lang),
            to === undefined ? absent : segmentLabel(after, to, lang),
            lang,
          ),
        );
      }
    }
    if (was.missing !== is.missing) {
      lines.push(
        changed(
          zh ? `“${title}”评级缺失时` : `${title} where a rating is missing`,
          segmentLabel(before, was.missing, lang),
          segmentLabel(after, is.missing, lang),
          lang,
        ),
      );
    }
    return lines;
  }
  const rulesOf = (dimension: Dimension, policy: Policy): readonly string[] =>
    dimension.by.kind === 'rules'
      ? dimension.by.rules.map(
          (rule) =>
            `${segmentLabel(dimension, rule.segment, lang)}${zh ? '：' : ' if '}${rule.when.map((one) => conditionText(policy, one, lang)).join(zh ? '，且' : ' and ')}`,
        )
      : [];
  if (before.by.kind !== after.by.kind) {
    const word = (dimension: Dimension): string =>
      dimension.by.kind === 'matrix' ? (zh ? '矩阵' : 'a matrix') : zh ? '规则' : 'rules';
    lines.push(changed(named({ en: 'Way to the segment', zh: '归类方式' }), word(before), word(after), lang));
  }
  const [was, is] = [rulesOf(before, a), rulesOf(after, b)];
  const gone = was.flatMap((rule, index) => (is.includes(rule) ? [] : [{ number: index + 1, rule }]));
  const fresh = is.flatMap((rule, index) => (was.includes(rule) ? [] : [{ number: index + 1, rule }]));
  for (const { number, rule } of gone) {
    const instead = fresh.find((one) => one.number === number);
    if (instead === undefined)
      lines.push(zh ? `“${title}”去掉规则 ${number}（${rule}）。` : `Rule ${number} of ${title} is gone (${rule}).`);
    else
      lines.push(changed(zh ? `“${title}”的规则 ${number}` : `Rule ${number} of ${title}`, rule, instead.rule, lang));
  }
  for (const { number, rule } of fresh) {
    if (gone.some((one) => one.number === number)) continue;
    lines.push(zh ? `“${title}”新增规则 ${number}：${rule}。` : `New rule ${number} of ${title}: ${rule}.`);
  }
  const [keptA, keptB] = [was.filter((rule) => is.includes(rule)), is.filter((rule) => was.includes(rule))];
  if (JSON.stringify(keptA) !== JSON.stringify(keptB)) {
    lines.push(
      zh
        ? `“${title}”的规则次序不同：先符合者为准。`
        : `The rules of ${title} come in another order; the first that holds decides.`,
    );
  }
  if (before.by.kind === 'rules' && after.by.kind === 'rules' && before.by.rest !== after.by.rest) {
    lines.push(
      changed(
        named({ en: 'Rest class', zh: '其余类' }),
        segmentLabel(before, before.by.rest, lang),
        segmentLabel(after, after.by.rest, lang),
        lang,
      ),
    );
  }
  return lines;
};

const union = (a: Readonly<Record<number, unknown>>, b: Readonly<Record<number, unknown>>): readonly number[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].map(Number).sort((x, y) => x - y);

const PARTS = {
  moves: { en: 'Moves', zh: '变动' },
  flags: { en: 'Flags', zh: '建议' },
  service: { en: 'Service', zh: '服务' },
  survey: { en: 'Survey', zh: '调查' },
  brakes: { en: 'Brakes', zh: '刹车' },
} as const;

/** The parts that are plain settings: leaf by leaf, by the names that the file uses, so that they are found there. */
const leafDifference = (a: Policy, b: Policy, lang: Lang): readonly string[] =>
  (['moves', 'flags', 'service', 'survey', 'brakes'] as const).flatMap((part) => {
    const plans = part === 'service' ? planDifference(a, b, lang) : { lines: [], settled: [] };
    const [before, after] = [leavesOf(a[part]), leavesOf(b[part])];
    const differs = (key: string): boolean => before.get(key) !== after.get(key);
    const absent = lang === 'zh' ? '未设' : 'not set';
    const lines = [...new Set([...before.keys(), ...after.keys()])]
      .filter((key) => differs(key) && !plans.settled.some((dimension) => key.startsWith(`${dimension}.`)))
      .filter((key) => !isTold(key, lang, differs))
      .map((key) =>
        changed(
          `${PARTS[part][lang]}${lang === 'zh' ? '，' : ', '}${key}`,
          before.get(key) ?? absent,
          after.get(key) ?? absent,
          lang,
        ),
      );
    return [...plans.lines, ...lines];
  });

/** A text in both languages is told in the reader's, unless only the other one differs. */
const isTold = (key: string, lang: Lang, differs: (key: string) => boolean): boolean => {
  const other = lang === 'zh' ? '.en' : '.zh';
  return key.endsWith(other) && differs(`${key.slice(0, -other.length)}.${lang}`);
};

/** Dimensions with service plans in one policy only: one sentence instead of every term. */
const planDifference = (
  a: Policy,
  b: Policy,
  lang: Lang,
): { readonly lines: readonly string[]; readonly settled: readonly string[] } => {
  const zh = lang === 'zh';
  const withPlans = (policy: Policy): readonly string[] => Object.keys(policy.service);
  const gone = withPlans(a).filter((name) => !withPlans(b).includes(name));
  const fresh = withPlans(b).filter((name) => !withPlans(a).includes(name));
  const label = (policy: Policy, name: string): string => policy.dimensions[name]?.label[lang] ?? name;
  return {
    lines: [
      ...gone.map((name) =>
        zh ? `去掉“${label(a, name)}”的服务方案。` : `The service plans of ${label(a, name)} are gone.`,
      ),
      ...fresh.map((name) => (zh ? `“${label(b, name)}”新增服务方案。` : `New service plans of ${label(b, name)}.`)),
    ],
    settled: [...gone, ...fresh],
  };
};

const leavesOf = (value: unknown, path = ''): ReadonlyMap<string, string> => {
  if (value === undefined || value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) {
    return new Map([[path, Array.isArray(value) ? value.map(String).join(', ') : String(value)]]);
  }
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...leavesOf(inner, path === '' ? key : `${path}.${key}`)]),
  );
};
