import { formatValue, type Lang } from './explain.ts';
import { noteSubjectText, valueText } from './figure-text.ts';
import type { Condition, Dimension, Metric, Policy, Score } from './policy.ts';
import { levelNames } from './policy-resolve.ts';
import { termInWords, termNameInWords } from './service-words.ts';
import { levelsOf, scoreNamed } from './values.ts';

/**
 * A policy read back in plain sentences, so that a business person can check that the file says what was meant. One sentence
 * per line, in the order of the file; headings end with a colon.
 */
export const describePolicy = (policy: Policy, lang: Lang): readonly string[] => {
  const zh = lang === 'zh';
  const name = (key: string): string => nameOf(policy, key, lang);
  const lines = [
    zh
      ? `策略 ${policy.name}（版本 ${policy.version}）：${policy.title.zh}。日期按 ${policy.timeZone}，金额以 ${policy.currency} 计，客户价值看“${name(policy.valueMetric)}”。`
      : `Policy ${policy.name} (version ${policy.version}): ${policy.title.en}. Dates are in ${policy.timeZone}, money in ${policy.currency}; a customer's worth is its ${name(policy.valueMetric)}.`,
    zh ? '指标：' : 'Metrics:',
    ...Object.values(policy.metrics).map(
      (metric) => `- ${metric.label[lang]}${zh ? '：' : ': '}${metricText(metric, lang)}`,
    ),
    zh ? '评分：' : 'Scores:',
    ...policy.scoreOrder.map(
      (key) => `- ${name(key)}${zh ? '：' : ': '}${scoreText(policy, scoreNamed(policy, key), lang)}`,
    ),
  ];
  for (const dimension of Object.values(policy.dimensions)) lines.push(...dimensionText(policy, dimension, lang));
  const { margin, downgradeAfterPeriods, coolingOffMonths } = policy.moves;
  lines.push(
    zh
      ? `变动：须越过分界点外 ${percent(margin)} 级宽的缓冲区；连续 ${downgradeAfterPeriods} 个结账期偏低才下调；变动后 ${coolingOffMonths} 个月内不再变动。`
      : `Moves: a rating changes once it is past a gap of ${percent(margin)} of the class width, goes down only after ${downgradeAfterPeriods} closed periods in a row, and then rests for ${coolingOffMonths} months.`,
  );
  const { upgrade, exit } = policy.flags;
  const main = policy.dimensions[policy.mainDimension];
  const segments = (keys: readonly string[]): string =>
    keys.map((key) => main?.segments[key]?.label[lang] ?? key).join(zh ? '、' : ', ');
  const perBranch = (most: number | undefined): string =>
    most === undefined ? '' : zh ? `、每家机构至多 ${most} 件` : ` and ${most} per branch`;
  if (upgrade !== undefined) {
    lines.push(
      zh
        ? `提升建议：${segments(upgrade.from)}中“${name(upgrade.rising)}”上升且距下一分界点不足 ${percent(upgrade.shortBy)} 者，由 ${upgrade.decides} 在 ${upgrade.expiresDays} 天内决定；每次运行每位客户经理至多 ${upgrade.perManager} 件${perBranch(upgrade.perBranch)}。`
        : `Upgrades are proposed in ${segments(upgrade.from)} for who rises in ${name(upgrade.rising)} and is within ${percent(upgrade.shortBy)} of the next cut-off; ${upgrade.decides} decides within ${upgrade.expiresDays} days, a run opens ${upgrade.perManager} at most per account manager${perBranch(upgrade.perBranch)}.`,
    );
    if (upgrade.potential !== undefined) {
      const { of, atLeast } = upgrade.potential;
      const level = valueText(policy, of, atLeast, lang);
      lines.push(
        zh
          ? `提升建议还要求“${name(of)}”已知且至少为${level}。`
          : `An upgrade also needs ${name(of)}, known and at least ${level}.`,
      );
    }
    if (upgrade.satisfaction !== undefined) {
      const { atLeast } = upgrade.satisfaction;
      lines.push(
        zh
          ? `满意度已知且置信度不低时，提升建议还要求至少 ${atLeast} 分；未知者不受影响。`
          : `Where satisfaction is known with more than low confidence, an upgrade needs at least ${atLeast}; unknown is held against nobody.`,
      );
    }
  }
  if (exit !== undefined) {
    const notIf = (list: typeof exit.notIf): string =>
      list.length === 0
        ? ''
        : zh
          ? `（${list.map((one) => NOT_IF[one].zh).join('、')}除外）`
          : `, except ${list.map((one) => NOT_IF[one].en).join(' and ')}`;
    lines.push(
      zh
        ? `退出建议：在${segments(exit.from)}连续 ${exit.afterPeriods} 期者${notIf(exit.notIf)}，由 ${exit.decides} 在 ${exit.expiresDays} 天内决定；每次运行每位客户经理至多 ${exit.perManager} 件${perBranch(exit.perBranch)}；从不仅凭调查答复或人的评价提出。`
        : `Exits are proposed after ${exit.afterPeriods} periods in ${segments(exit.from)}${notIf(exit.notIf)}; ${exit.decides} decides within ${exit.expiresDays} days, a run opens ${exit.perManager} at most per account manager${perBranch(exit.perBranch)}. Answers or notes alone never lead to one.`,
    );
  }
  for (const [dimension, plans] of Object.entries(policy.service)) {
    for (const [segment, terms] of Object.entries(plans)) {
      const label = policy.dimensions[dimension]?.segments[segment]?.label[lang] ?? segment;
      const list = Object.entries(terms).map(
        ([term, value]) => `${termNameInWords(term, lang)}${zh ? '：' : ': '}${termInWords(value, lang)}`,
      );
      lines.push(zh ? `${label}的服务——${list.join('；')}。` : `Service of ${label} – ${list.join('; ')}.`);
    }
  }
  if (policy.survey !== undefined) {
    const {
      ask,
      share,
      size = {},
      atLeast,
      priority,
      weightInScore,
      contactEveryDays,
      reminderDays,
      closesAfterDays,
      caseFor,
      caseDueHours,
    } = policy.survey;
    const shares = [
      ...Object.entries(share).map(([segment, part]) => `${segments([segment])} ${percent(part)}`),
      ...Object.entries(size).map(([segment, count]) =>
        zh ? `${segments([segment])} ${count} 人` : `${count} of ${segments([segment])}`,
      ),
    ];
    lines.push(
      zh
        ? `调查（${ask.toUpperCase()}）：${shares.join('，')}，每类至少 ${atLeast} 人，同一地址 ${contactEveryDays} 天内不重复；${reminderDays} 天后提醒一次，${closesAfterDays} 天后截止；${weightInScore === 0 ? '答复不影响评分' : `答复在评分中至多占 ${percent(weightInScore)}`}。`
        : `The survey (${ask.toUpperCase()}) asks ${shares.join(', ')}, at least ${atLeast} each, no address twice within ${contactEveryDays} days; it reminds once after ${reminderDays} days and closes after ${closesAfterDays}; ${weightInScore === 0 ? 'answers change no score' : `answers count for at most ${percent(weightInScore)} of a score`}.`,
    );
    if (priority !== 50) {
      lines.push(
        zh
          ? `同一客户被多次调查抽中时，按优先级（${priority}）决定先后。`
          : `Where two surveys want the same customer, this one has priority ${priority} of 100.`,
      );
    }
    if (caseFor.length > 0) {
      lines.push(
        zh
          ? `${segments(caseFor)}的每个低分答复都会立案，${caseDueHours} 小时内处理。`
          : `Every low answer in ${segments(caseFor)} opens a case, due in ${caseDueHours} hours.`,
      );
    }
  }
  const { movedShare, flagShare, inputDropShare, staleInputDays, emptiedSegment, quarantineShare } = policy.brakes;
  const emptied = emptiedSegment === 'hold';
  lines.push(
    zh
      ? `刹车：变动超过 ${percent(movedShare)}、任一种建议超过 ${percent(flagShare)}、客户数比上次减少超过 ${percent(inputDropShare)}、数据陈旧超过 ${staleInputDays} 天、隔离记录超过 ${percent(quarantineShare)}${emptied ? '，或某一类变空' : ''}时，运行在写入前暂停。`
      : `Brakes: a run is held before anything is written if more than ${percent(movedShare)} move, more than ${percent(flagShare)} are flagged of one kind, customers are fewer than last time by more than ${percent(inputDropShare)}, the newest fact is older than ${staleInputDays} days, more than ${percent(quarantineShare)} of the records are in quarantine${emptied ? ', or a segment becomes empty' : ''}.`,
  );
  return lines;
};

const NOT_IF = {
  openCase: { en: 'those with an open case', zh: '有未结案件者' },
  pinned: { en: 'those pinned by a person', zh: '人工指定者' },
} as const;

const percent = (share: number): string => `${Math.round(share * 10_000) / 100} %`;

const nameOf = (policy: Policy, key: string, lang: Lang): string =>
  (Object.hasOwn(policy.scores, key) ? policy.scores[key] : policy.metrics[key])?.label[lang] ?? key;

/** What a metric measures, as a phrase. */
export const metricText = (metric: Metric, lang: Lang): string => {
  const zh = lang === 'zh';
  const days = 'windowDays' in metric ? metric.windowDays : undefined;
  const window = days === undefined ? '' : zh ? `近 ${days} 天` : ` in the last ${days} days`;
  const where =
    'where' in metric && metric.where !== undefined
      ? Object.entries(metric.where).map(([key, values]) => `${key} = ${values.join(zh ? '、' : ' or ')}`)
      : [];
  const only = where.length === 0 ? '' : zh ? `（${where.join('，')}）` : `, only ${where.join(' and ')}`;
  switch (metric.kind) {
    case 'trait':
      return zh ? `客户资料 ${metric.trait}` : `trait ${metric.trait}`;
    case 'traitChange': {
      const relative = metric.relative ? (zh ? '（相对）' : ', relative') : '';
      return zh
        ? `${metric.trait} 在 ${metric.months} 个月内的变化${relative}`
        : `change of ${metric.trait} over ${metric.months} months${relative}`;
    }
    case 'traitMean':
      return zh
        ? `${metric.trait} 的 ${metric.months} 个月均值`
        : `mean of ${metric.trait} over ${metric.months} months`;
    case 'traitRatio':
      return zh ? `${metric.trait} 除以 ${metric.dividedBy}` : `${metric.trait} divided by ${metric.dividedBy}`;
    case 'traitAgeDays':
      return zh ? `距 ${metric.trait} 所载日期的天数` : `days since the date in ${metric.trait}`;
    case 'recencyDays':
      return zh ? `距最近一次购买的天数${only}` : `days since the last purchase${only}`;
    case 'orders':
      return zh ? `${window}购买次数${only}` : `number of purchases${window}${only}`;
    case 'spend':
      return zh ? `${window}消费净额${only}` : `net spend${window}${only}`;
    case 'tenureDays':
      return zh ? '距首次购买的天数' : 'days since the first purchase';
    case 'spendGrowth':
    case 'ordersGrowth': {
      const isSpend = metric.kind === 'spendGrowth';
      const isYear = metric.against === 'sameSeasonLastYear';
      const of = zh ? (isSpend ? '消费额' : '购买次数') : isSpend ? 'spend' : 'the number of purchases';
      const than = zh ? (isYear ? '去年同期' : '前一时段') : isYear ? 'the same days a year before' : 'the days before';
      return zh ? `${window}${of}较${than}的增长率${only}` : `growth of ${of}${window} against ${than}${only}`;
    }
    case 'attributeShare':
      return zh
        ? `${window}购买中 ${metric.attribute} 为 ${metric.values.join('、')} 的占比${only}`
        : `share of purchases${window} with ${metric.attribute} ${metric.values.join(' or ')}${only}`;
    case 'dominantAttribute':
      return zh
        ? `${window}购买中最常见的 ${metric.attribute}（占比不足 ${percent(metric.atLeastShare)} 为 mixed）${only}`
        : `most frequent ${metric.attribute} of purchases${window}; mixed below ${percent(metric.atLeastShare)}${only}`;
  }
};

/** How a score is made, as a sentence. */
export const scoreText = (policy: Policy, score: Score, lang: Lang): string => {
  const zh = lang === 'zh';
  const of = 'of' in score ? nameOf(policy, score.of, lang) : '';
  const better = 'better' in score && score.better === 'low' ? (zh ? '，越低越好' : ', where less is better') : '';
  const within =
    'within' in score && score.within !== undefined
      ? zh
        ? `，按 ${score.within} 分组（少于 ${score.smallestPartition} 个客户的组用全体分界点）`
        : `, within each ${score.within} of at least ${score.smallestPartition} customers`
      : '';
  const caps = score.caps.map((cap) => {
    const when = Object.entries(cap.when).map(([key, values]) => `${key} = ${values.join(zh ? '、' : ' or ')}`);
    return zh ? `；${when.join('，')} 时至多为 ${cap.atMost}` : `; at most ${cap.atMost} where ${when.join(' and ')}`;
  });
  const bound = (value: number): string => ('of' in score ? formatValue(policy, score.of, value, lang) : String(value));
  const text = (): string => {
    switch (score.kind) {
      case 'quantile':
        return zh
          ? `按“${of}”将客户等分为 ${score.n} 级${within}${better}`
          : `${score.n} equal ranks by ${of}${within}${better}`;
      case 'cumulativeShare':
        return zh
          ? `按“${of}”累计占比 ${score.shares.map(percent).join('、')} 分为 ${score.shares.length + 1} 级${within}`
          : `classes by who brings the first ${score.shares.map(percent).join(', ')} of ${of}${within}`;
      case 'bands':
        return zh
          ? `按“${of}”在 ${score.cuts.map(bound).join('、')} 处分级${better}`
          : `levels of ${of}, cut at ${score.cuts.map(bound).join(', ')}${better}`;
      case 'weighted': {
        const parts = Object.entries(score.parts).map(
          ([part, weight]) => `${nameOf(policy, part, lang)} ${Math.round(weight * 100) / 100}`,
        );
        return zh
          ? `加权平均：${parts.join('，')}；至少需要 ${score.needs} 项`
          : `weighted mean of ${parts.join(', ')}; needs at least ${score.needs} of them`;
      }
      case 'lookup': {
        const levels = Object.entries(score.levels).map(([value, level]) => `${value} = ${level}`);
        const otherwise =
          score.otherwise === undefined ? '' : zh ? `，其余为 ${score.otherwise}` : `, otherwise ${score.otherwise}`;
        return zh
          ? `按“${of}”取级：${levels.join('，')}${otherwise}`
          : `level by ${of}: ${levels.join(', ')}${otherwise}`;
      }
      case 'satisfaction':
        return zh
          ? `调查答复得出的 0–100 分，半衰期 ${score.halfLifeDays} 天，向所在类别均值收缩 ${score.shrinkage} 份答复的分量`
          : `0 to 100 from answers, half their weight gone every ${score.halfLifeDays} days, drawn to the segment's mean by ${score.shrinkage} answers' worth`;
      case 'note': {
        const about = noteSubjectText(score.about, lang);
        return zh
          ? `客户经理对${about}的评价 1–5，半衰期 ${score.halfLifeDays} 天；每人只计最近一次`
          : `1 to 5 from notes of account managers on ${about}, half their weight gone every ${score.halfLifeDays} days; of each person the newest counts`;
      }
      case 'shareOfTotal': {
        const total =
          score.within === undefined
            ? zh
              ? '全体合计'
              : "everybody's total"
            : zh
              ? `所在 ${score.within} 的合计`
              : `the total of its ${score.within}`;
        const small =
          score.within === undefined || score.smallestPartition <= 1
            ? ''
            : zh
              ? `（少于 ${score.smallestPartition} 个客户的组视为缺失）`
              : `, missing where fewer than ${score.smallestPartition} customers have one`;
        return zh ? `“${of}”占${total}的份额${small}` : `share of ${of} in ${total}${small}`;
      }
      case 'expectedPurchases':
        return zh
          ? `未来 ${score.horizonDays} 天内的预期购买次数，由 BG/NBD 模型按全体客户的购买历史拟合`
          : `purchases expected in the next ${score.horizonDays} days, by BG/NBD fitted to everybody's purchase history`;
    }
  };
  const unknown =
    'missing' in score && score.missing !== undefined
      ? zh
        ? `；缺失时为 ${score.missing}`
        : `; ${score.missing} where it is missing`
      : '';
  return `${text()}${unknown}${caps.join('')}${zh ? '。' : '.'}`;
};

const dimensionText = (policy: Policy, dimension: Dimension, lang: Lang): readonly string[] => {
  const zh = lang === 'zh';
  const segment = (key: string): string => dimension.segments[key]?.label[lang] ?? key;
  const order = dimension.segmentOrder.map(segment).join(zh ? '、' : ', ');
  const head = dimension.ordered
    ? zh
      ? `${dimension.label.zh}（从优到劣：${order}）：`
      : `${dimension.label.en}, best to worst ${order}:`
    : `${dimension.label[lang]}${zh ? '（' : ': '}${order}${zh ? '）' : ''}${zh ? '：' : ':'}`;
  if (dimension.by.kind === 'matrix') {
    const { rows, columns, cells, missing } = dimension.by;
    const level = (key: string, number: number): string => levelWord(policy, key, number, lang);
    const lines = Object.entries(cells)
      .map(([row, line]) => ({ row: Number(row), line }))
      .sort((a, b) => b.row - a.row)
      .map(({ row, line }) => {
        const parts = Object.entries(line).map(
          ([column, key]) => `${level(columns, Number(column))} → ${segment(key)}`,
        );
        return zh
          ? `- ${nameOf(policy, rows, lang)}${level(rows, row)}，${nameOf(policy, columns, lang)}：${parts.join('；')}。`
          : `- ${nameOf(policy, rows, lang)} ${level(rows, row)}, by ${nameOf(policy, columns, lang)}: ${parts.join('; ')}.`;
      });
    return [
      head,
      ...lines,
      zh ? `- 任一评级缺失：${segment(missing)}。` : `- Where a rating is missing: ${segment(missing)}.`,
    ];
  }
  const rules = dimension.by.rules.map((rule, index) => {
    const when = rule.when.map((condition) => conditionText(policy, condition, lang)).join(zh ? '，' : ' and ');
    return `${index + 1}. ${segment(rule.segment)}${zh ? '：' : ': '}${when}${zh ? '。' : '.'}`;
  });
  return [
    head,
    ...rules,
    zh ? `其余：${segment(dimension.by.rest)}。` : `Everybody else: ${segment(dimension.by.rest)}.`,
  ];
};

const levelWord = (policy: Policy, key: string, level: number, lang: Lang): string => {
  const word = levelNames(levelsOf(scoreNamed(policy, key)) ?? 0)[level - 1] ?? String(level);
  return lang === 'en' ? word : ({ low: '低', medium: '中', high: '高' }[word] ?? word);
};

const conditionText = (policy: Policy, condition: Condition, lang: Lang): string => {
  const zh = lang === 'zh';
  const name = nameOf(policy, condition.of, lang);
  const bound = (value: number): string => formatValue(policy, condition.of, value, lang);
  switch (condition.kind) {
    case 'missing':
      return `${name} ${condition.missing ? (zh ? '缺失' : 'is missing') : zh ? '已知' : 'is known'}`;
    case 'oneOf':
      return `${name} ${zh ? '为 ' : 'is '}${condition.values.join(zh ? '、' : ' or ')}`;
    case 'range': {
      const { from, to } = condition;
      if (from !== undefined && from === to) return `${name} ${zh ? '为 ' : 'is '}${bound(from)}`;
      if (from !== undefined && to !== undefined) {
        return zh ? `${name} 在 ${bound(from)} 至 ${bound(to)} 之间` : `${name} is ${bound(from)} to ${bound(to)}`;
      }
      if (from !== undefined) return zh ? `${name} 至少 ${bound(from)}` : `${name} is at least ${bound(from)}`;
      return zh ? `${name} 至多 ${bound(to ?? 0)}` : `${name} is at most ${bound(to ?? 0)}`;
    }
  }
};
