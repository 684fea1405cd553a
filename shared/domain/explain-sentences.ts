import type {
  CutoffOwner,
  ExplainContext,
  ExplainedCondition,
  ExplainedDimension,
  ExplainedMove,
  ExplainedRating,
  ExplainedScore,
  ExplainedSection,
  Explanation,
  IfKnown,
  SmallestChange,
} from './explanation.ts';
import {
  formatDistance,
  formatValue,
  type Lang,
  levelText,
  listText,
  nameOf,
  noteSubjectText,
  satisfactionText,
  segmentLabel,
  valueText,
} from './figure-text.ts';
import { POTENTIAL_KEYS } from './flags.ts';
import type { Dimension, Label } from './policy.ts';
import { withoutSatisfaction } from './satisfaction.ts';
import type { HoldBack } from './standing.ts';
import { scoreNamed } from './values.ts';

type Explained = Omit<Explanation, 'sections' | 'sentences'>;

const HEADINGS = {
  status: { en: 'Status', zh: '状态' },
  ratings: { en: 'Ratings', zh: '评级' },
  scores: { en: 'Scores', zh: '评分' },
  satisfaction: { en: 'Satisfaction', zh: '满意度' },
  notes: { en: 'Notes of account managers', zh: '客户经理评价' },
  flags: { en: 'Proposals', zh: '建议' },
  inputs: { en: 'Figures', zh: '数据' },
} as const;

const STATUS_WORDS: Readonly<Record<string, Label>> = {
  closed: { en: 'closed', zh: '已销户' },
  left: { en: 'gone', zh: '已离开' },
  deceased: { en: 'deceased', zh: '已故' },
  legalHold: { en: 'under legal hold', zh: '因法律程序冻结' },
};

/**
 * The explanation in words, most important first: a section per dimension (where, why, what holds it back, what would move
 * it), then ratings with their margins, scores, satisfaction, notes, proposals and the figures all this comes from. A section
 * without a sentence is left out. For a customer that is not active there is one sentence.
 */
export const sectionsOf = (context: ExplainContext, explained: Explained): readonly ExplainedSection[] => {
  const { row, lang } = context;
  const section = (heading: keyof typeof HEADINGS, sentences: readonly string[]): ExplainedSection => ({
    heading: HEADINGS[heading][lang],
    sentences,
  });
  if (row.status !== 'active') {
    const status = STATUS_WORDS[row.status]?.[lang] ?? row.status;
    return [
      section('status', [
        lang === 'zh' ? `客户状态为${status}，不参与分类。` : `The customer is ${status} and is in no segment.`,
      ]),
    ];
  }
  return [
    ...explained.dimensions.map((one) => ({ heading: one.label, sentences: dimensionSentences(context, one) })),
    section(
      'ratings',
      explained.ratings.flatMap((one) => ratingSentences(context, one)),
    ),
    section('scores', scoreSentences(context, explained)),
    section('satisfaction', satisfactionSentences(context, explained)),
    section('notes', noteSentences(context, explained)),
    section('flags', flagSentences(context, explained)),
    section('inputs', inputSentences(context, explained)),
  ].filter(({ sentences }) => sentences.length > 0);
};

const holdBackText = (reason: HoldBack, { policy, lang }: ExplainContext): string => {
  const { downgradeAfterPeriods } = policy.moves;
  const texts: Readonly<Record<HoldBack, Label>> = {
    margin: {
      en: 'the figure is past the cut-off, but not past the gap that keeps small changes from moving a customer',
      zh: '数值已越过分界点，但尚未越过防止频繁变动的缓冲区',
    },
    waiting: {
      en: `a lower rating must last for ${downgradeAfterPeriods} closed periods in a row before it counts`,
      zh: `较低评级须连续保持 ${downgradeAfterPeriods} 个结账期后才生效`,
    },
    coolingOff: {
      en: 'the rating changed recently and is in its cooling-off',
      zh: '评级近期刚变动，处于冷静期',
    },
    pin: { en: 'a person pinned the segment', zh: '类别由人工指定' },
  };
  return texts[reason][lang];
};

const dimensionSentences = (context: ExplainContext, one: ExplainedDimension): readonly string[] => {
  const { policy, lang } = context;
  const zh = lang === 'zh';
  const dimension = policy.dimensions[one.name];
  if (dimension === undefined) return [];
  const label = (segment: string): string => segmentLabel(dimension, segment, lang);
  const sentences = [
    zh
      ? `${one.label}：${one.actualLabel}（自 ${one.since} 起）。`
      : `${one.label}: ${one.actualLabel}, since ${one.since}.`,
    reasonOf(context, one),
  ];
  if (one.actual !== one.byRatings) {
    sentences.push(
      zh ? `按生效评级应为${label(one.byRatings)}。` : `By the ratings in force it would be ${label(one.byRatings)}.`,
    );
  }
  if (one.target !== one.actual) {
    const reasons = one.heldBack.map((reason) => holdBackText(reason, context)).join(zh ? '；' : '; ');
    sentences.push(
      zh
        ? `按本期数据应为${label(one.target)}${reasons === '' ? '' : `，但${reasons}`}。`
        : `By this run's figures it would be ${label(one.target)}${reasons === '' ? '' : `, but ${reasons}`}.`,
    );
  }
  if (one.pinnedUntil !== null) {
    sentences.push(
      zh
        ? `人工指定有效至 ${one.pinnedUntil}（含当日）。`
        : `It is pinned until ${one.pinnedUntil}, that day included.`,
    );
  }
  if (one.earliestMove !== null && one.earliestMoveTo !== null) {
    sentences.push(
      zh
        ? `若数据与分界点不变，将于 ${one.earliestMove} 期转为${label(one.earliestMoveTo)}。`
        : `If figures and cut-offs stay, it moves to ${label(one.earliestMoveTo)} with the run of ${one.earliestMove}.`,
    );
  }
  if (one.moved !== null) sentences.push(...moveSentences(context, dimension, one.moved));
  if (one.nextBetter !== null) {
    const needs = one.nextBetter.needs.map((need) => needText(context, need)).join(zh ? '，且' : ', and ');
    sentences.push(
      zh
        ? `要进入${label(one.nextBetter.segment)}，还需${needs}。`
        : `For ${label(one.nextBetter.segment)} it lacks this: ${needs}.`,
    );
  }
  sentences.push(...changeSentences(context, dimension, one));
  sentences.push(...one.ifKnown.map((known) => ifKnownText(context, dimension, known)));
  return sentences;
};

const needText = ({ policy, lang }: ExplainContext, need: ExplainedCondition): string => {
  const now = valueText(policy, need.of, need.value, lang);
  return lang === 'zh' ? `${need.text}（现为${now}）` : `${need.text} (now ${now})`;
};

const reasonOf = (context: ExplainContext, { by }: ExplainedDimension): string => {
  const { policy, lang } = context;
  const zh = lang === 'zh';
  const names = (list: readonly string[]): string =>
    listText(
      list.map((name) => nameOf(policy, name, lang)),
      lang,
    );
  switch (by.kind) {
    case 'cell': {
      const word = (name: string, level: number): string => {
        const text = valueText(policy, name, level, lang);
        return zh ? `${nameOf(policy, name, lang)}为${text}` : `${nameOf(policy, name, lang)} is ${text}`;
      };
      const both = [word(by.rows, by.row), word(by.columns, by.column)].join(zh ? '，' : ' and ');
      return zh ? `原因：${both}。` : `Because ${both}.`;
    }
    case 'missing': {
      const are = by.scores.length > 1 ? 'are' : 'is';
      const inputs =
        by.inputs.length === 0 ? '' : zh ? `，缺少：${names(by.inputs)}` : `, for want of ${names(by.inputs)}`;
      return zh ? `原因：${names(by.scores)}缺失${inputs}。` : `Because ${names(by.scores)} ${are} missing${inputs}.`;
    }
    case 'rule': {
      const met = by.conditions.map((one) => needText(context, one)).join(zh ? '，且' : ', and ');
      return zh
        ? `原因：符合规则 ${by.number}（共 ${by.of} 条，先符合者为准）：${met}。`
        : `Because rule ${by.number} of ${by.of} is the first that holds: ${met}.`;
    }
    case 'rest':
      return zh ? `原因：${by.of} 条规则均不符合。` : `Because none of the ${by.of} rules holds.`;
  }
};

const CAUSES: Readonly<Record<Exclude<ExplainedMove['cause'], 'first' | 'unknown'>, Label>> = {
  own: { en: 'its own figures changed', zh: '自身数据变化' },
  others: {
    en: 'the cut-offs moved with the figures of others; with its new figures and the old cut-offs it would not be here',
    zh: '分界点因其他客户的数据而变动；若分界点不变则不会转入',
  },
  both: {
    en: 'its own figures and the cut-offs changed, and together they explain it',
    zh: '自身数据与分界点共同变化',
  },
  time: { en: 'a waiting time, cooling-off or pin began or ended', zh: '等待期、冷静期或人工指定开始或结束' },
  policy: { en: 'another policy is in force', zh: '策略已更换' },
};

const moveSentences = (context: ExplainContext, dimension: Dimension, moved: ExplainedMove): readonly string[] => {
  const { policy, lang } = context;
  const zh = lang === 'zh';
  if (moved.cause === 'first' || moved.from === null) {
    return [zh ? '本期首次分类。' : 'This run placed it for the first time.'];
  }
  const from = segmentLabel(dimension, moved.from, lang);
  const changed = moved.inputs
    .filter(({ before, now }) => before !== now)
    .map(({ name, before, now }) => {
      const [was, is] = [before, now].map((value) => formatValue(policy, name, value, lang));
      return zh
        ? `${nameOf(policy, name, lang)}由 ${was} 变为 ${is}`
        : `${nameOf(policy, name, lang)} from ${was} to ${is}`;
    });
  const cutoffs = moved.cutoffs.map(({ score, before, now }) => {
    const source = sourceOf(context, score);
    const [was, is] = [before, now].map((cuts) =>
      listText(
        cuts.map((cut) => formatValue(policy, source, cut, lang)),
        lang,
      ),
    );
    return zh
      ? `${nameOf(policy, score, lang)}的分界点由 ${was} 变为 ${is}`
      : `cut-offs of ${nameOf(policy, score, lang)} from ${was} to ${is}`;
  });
  // What changed besides, and did not bring the move about, stands among the figures.
  const { cause } = moved;
  const details = [
    ...(cause === 'others' || cause === 'time' ? [] : changed),
    ...(cause === 'own' || cause === 'time' ? [] : cutoffs),
  ].join(zh ? '；' : '; ');
  const because =
    moved.cause === 'unknown' ? '' : zh ? `，因为${CAUSES[moved.cause].zh}` : `, because ${CAUSES[moved.cause].en}`;
  return [
    zh
      ? `本期由${from}转入${because}${details === '' ? '' : `（${details}）`}。`
      : `This run moved it from ${from}${because}${details === '' ? '' : ` (${details})`}.`,
  ];
};

/** What a rating or score is compared in: its metric, trait or score, else itself. */
const sourceOf = ({ policy }: ExplainContext, name: string): string => {
  const score = scoreNamed(policy, name);
  return 'of' in score ? score.of : name;
};

const changeSentences = (context: ExplainContext, dimension: Dimension, one: ExplainedDimension): readonly string[] => {
  const { lang } = context;
  const zh = lang === 'zh';
  const both = [
    { way: { en: ' up', zh: '（向上）' }, change: one.smallestUp },
    { way: { en: ' down', zh: '（向下）' }, change: one.smallestDown },
  ];
  const other = both.some(({ change }) => isSame(one.smallest, change)) ? null : one.smallest;
  const changes = [{ way: { en: '', zh: '' }, change: other }, ...both].flatMap(({ way, change }) =>
    change === null ? [] : [{ way: way[lang], change }],
  );
  if (changes.length === 0 && one.ifKnown.length === 0) {
    return [zh ? '没有任何单项数据的变化会使其变动。' : 'No change of a single figure would move it.'];
  }
  const heading = segmentLabel(dimension, one.headingFor, lang);
  const from =
    one.headingFor === one.actual
      ? ''
      : zh
        ? `（以将进入的${heading}为起点）`
        : ` (counted from ${heading}, where it is heading)`;
  return changes.map(({ way, change }) =>
    zh
      ? `最小的单项变化${way}${from}：${changeText(context, change)}，将进入${segmentLabel(dimension, change.segment, lang)}。`
      : `Smallest single change${way}${from}: ${changeText(context, change)} would lead to ${segmentLabel(dimension, change.segment, lang)}.`,
  );
};

const isSame = (a: SmallestChange | null, b: SmallestChange | null): boolean =>
  a !== null && b !== null && a.metric === b.metric && a.to === b.to && a.segment === b.segment;

const changeText = ({ policy, lang }: ExplainContext, { metric, from, to, otherThan }: SmallestChange): string => {
  const zh = lang === 'zh';
  const name = nameOf(policy, metric, lang);
  const text = (value: SmallestChange['to']): string => valueText(policy, metric, value, lang);
  if (otherThan !== undefined) {
    const list = otherThan.map(text).join(zh ? '、' : ', ');
    return zh ? `${name}由 ${text(from)} 变为 ${list} 以外的值` : `${name} from ${text(from)} to anything but ${list}`;
  }
  return zh ? `${name}由 ${text(from)} 变为 ${text(to)}` : `${name} from ${text(from)} to ${text(to)}`;
};

const ifKnownText = (context: ExplainContext, dimension: Dimension, { metric, outcomes }: IfKnown): string => {
  const { policy, lang } = context;
  const zh = lang === 'zh';
  const value = (of: Parameters<typeof valueText>[2]): string => valueText(policy, metric, of, lang);
  const ways = outcomes.map((outcome) => {
    const segment = segmentLabel(dimension, outcome.segment, lang);
    const when = (): string => {
      switch (outcome.kind) {
        case 'value':
          return value(outcome.value);
        case 'otherThan':
          return zh ? '其他值' : 'any other value';
        case 'range': {
          const { from, to } = outcome;
          if (from === undefined && to === undefined) return zh ? '任何值' : 'any value';
          if (from === undefined) return zh ? `不超过 ${value(to ?? null)}` : `${value(to ?? null)} or less`;
          if (to === undefined) return zh ? `不低于 ${value(from)}` : `${value(from)} or more`;
          return from === to ? value(from) : zh ? `${value(from)} 至 ${value(to)}` : `${value(from)} to ${value(to)}`;
        }
      }
    };
    return zh ? `${when()}则为${segment}` : `${segment} with ${when()}`;
  });
  const name = nameOf(policy, metric, lang);
  return zh ? `若${name}已知：${ways.join('；')}。` : `If ${name} were known: ${ways.join('; ')}.`;
};

const ratingSentences = (context: ExplainContext, one: ExplainedRating): readonly string[] => {
  const { policy, lang } = context;
  const zh = lang === 'zh';
  const level = (number: number | null): string =>
    number === null ? (zh ? '缺失' : 'missing') : levelText(one.levels, number, lang);
  const ofAll = levelText(one.levels, 1, lang) === '1' ? (zh ? `（共 ${one.levels} 级）` : ` of ${one.levels}`) : '';
  const value = formatValue(policy, one.source, one.value, lang);
  const source = one.source === one.name ? '' : nameOf(policy, one.source, lang);
  const from = zh ? (source === '' ? value : `${source} ${value}`) : source === '' ? value : `${source} ${value}`;
  const lines = [
    one.settledLevel === null
      ? zh
        ? `${one.label}：缺失。`
        : `${one.label}: missing.`
      : zh
        ? `${one.label}：${level(one.settledLevel)}${ofAll}，依据${from}${ownerText(one.whose, lang)}。`
        : `${one.label}: ${level(one.settledLevel)}${ofAll}, by ${from}${ownerText(one.whose, lang)}.`,
  ];
  if (one.level !== one.settledLevel && one.settledLevel !== null) {
    lines.push(
      zh
        ? `${one.label}：按本期数据为${level(one.level)}，生效的仍为${level(one.settledLevel)}。`
        : `${one.label}: ${level(one.level)} by this run's figures, ${level(one.settledLevel)} in force.`,
    );
  }
  if (one.above !== null) {
    const { cutoff, shortBy, entersAt, level: next } = one.above;
    const [cut, short, enters] = [
      formatValue(policy, one.source, cutoff, lang),
      formatDistance(policy, one.source, shortBy, lang),
      formatValue(policy, one.source, entersAt, lang),
    ];
    const gap =
      entersAt === cutoff ? '' : zh ? `，含缓冲区须达 ${enters}` : `, and with the gap it is entered at ${enters}`;
    lines.push(
      zh
        ? `${one.label}：距“${level(next)}”的分界点 ${cut} ${shortBy > 0 ? `还差 ${short}` : '已达到'}${gap}。`
        : `${one.label}: ${shortBy > 0 ? `${short} short of` : 'at or past'} the cut-off to ${level(next)}, ${cut}${gap}.`,
    );
  }
  if (one.below !== null) {
    const { cutoff, margin, leavesAt, level: lower } = one.below;
    const [cut, distance, leaves] = [
      formatValue(policy, one.source, cutoff, lang),
      formatDistance(policy, one.source, margin, lang),
      formatValue(policy, one.source, leavesAt, lang),
    ];
    const isLeft = -margin > Math.abs(leavesAt - cutoff);
    const past = isLeft
      ? { en: `, and already past ${leaves}, where it is left`, zh: `，且已越过降级线 ${leaves}` }
      : { en: `, and is left only past ${leaves}`, zh: `，越过 ${leaves} 才会降级` };
    const gap = leavesAt === cutoff ? '' : past[lang];
    lines.push(
      zh
        ? `${one.label}：${margin >= 0 ? `优于降至“${level(lower)}”的分界点 ${cut}，余量 ${distance}` : `劣于降至“${level(lower)}”的分界点 ${cut}，相差 ${distance}`}${gap}。`
        : `${one.label}: ${distance} on the ${margin >= 0 ? 'safe' : 'wrong'} side of the cut-off to ${level(lower)}, ${cut}${gap}.`,
    );
  }
  if (one.cappedAt !== null) {
    const by = one.cappedBy.map(({ trait, value: held }) => `${trait} = ${String(held)}`).join(zh ? '，' : ', ');
    const why = by === '' ? '' : zh ? `，因 ${by}` : `, because ${by}`;
    lines.push(
      zh ? `${one.label}：至多为${level(one.cappedAt)}${why}。` : `${one.label}: at most ${level(one.cappedAt)}${why}.`,
    );
  }
  if (one.waiting !== null) {
    const { periods, needed } = one.waiting;
    lines.push(
      zh
        ? `${one.label}：较低评级已持续 ${periods} 期，共需 ${needed} 期。`
        : `${one.label}: a lower rating has been due for ${periods} of ${needed} periods.`,
    );
  }
  if (one.coolingOffUntil !== null) {
    lines.push(
      zh
        ? `${one.label}：冷静期，${one.coolingOffUntil} 期起方可再变动。`
        : `${one.label}: in its cooling-off; it may change again from ${one.coolingOffUntil} on.`,
    );
  }
  return lines;
};

/** Branch and manager are columns of every customer; other partitions are traits and go by their own name. */
const partitionName = (within: string | null, lang: Lang): string => {
  if (lang === 'en' || within === null) return within ?? '';
  return { branch: '机构', manager: '客户经理' }[within] ?? within;
};

const ownerText = (whose: CutoffOwner | null, lang: Lang): string => {
  const zh = lang === 'zh';
  if (whose === null || whose.kind === 'fixed') return '';
  if (whose.kind === 'partition') {
    return zh
      ? `，按${partitionName(whose.within, lang)}“${whose.partition}”的分界点`
      : `, cut-offs of ${whose.within} ${whose.partition}`;
  }
  switch (whose.why) {
    case 'notPartitioned':
      return zh ? '，按全体客户的分界点' : ', cut-offs of all customers';
    case 'unknownPartition':
      return zh
        ? `，${partitionName(whose.within, lang)}未知，按全体客户的分界点`
        : `, cut-offs of all customers since its ${whose.within} is not known`;
    case 'tooSmall':
      return zh
        ? `，${partitionName(whose.within, lang)}“${whose.partition}”不足 ${whose.smallestPartition} 个客户，按全体客户的分界点`
        : `, cut-offs of all customers since ${whose.within} ${whose.partition} has fewer than ${whose.smallestPartition}`;
  }
};

/** Scores that decide nothing by themselves: means with their parts, and figures of the population. */
const scoreSentences = (context: ExplainContext, explained: Explained): readonly string[] => {
  const { policy, lang } = context;
  const zh = lang === 'zh';
  const rated = new Set(explained.ratings.map(({ name }) => name));
  return explained.scores
    .filter(({ name }) => !['satisfaction', 'note'].includes(scoreNamed(policy, name).kind))
    .filter(({ name, parts }) => !rated.has(name) || parts.length > 0)
    .map((one) => {
      const made = one.value === null ? whyMissing(context, one) : partsText(context, one);
      return zh ? `${one.label}：${one.text}${made}。` : `${one.label}: ${one.text}${made}.`;
    });
};

const whyMissing = ({ policy, lang }: ExplainContext, one: ExplainedScore): string => {
  const zh = lang === 'zh';
  if (one.missingInputs.length === 0) return '';
  const names = listText(
    one.missingInputs.map((name) => nameOf(policy, name, lang)),
    lang,
  );
  return zh ? `，缺少 ${names}` : `, for want of ${names}`;
};

const partsText = ({ policy, lang }: ExplainContext, one: ExplainedScore): string => {
  const zh = lang === 'zh';
  if (one.parts.length === 0) return '';
  const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;
  const parts = one.parts.map(({ name, label, value, share }) =>
    value === null
      ? zh
        ? `${label}缺失`
        : `${label} missing`
      : zh
        ? `${label} ${valueText(policy, name, value, lang)}（${percent(share)}）`
        : `${label} ${valueText(policy, name, value, lang)} (${percent(share)})`,
  );
  return zh ? `，由${parts.join('、')}加权而成` : `, the mean of ${listText(parts, lang)}`;
};

const satisfactionSentences = ({ policy, lang }: ExplainContext, { satisfaction }: Explained): readonly string[] => {
  if (satisfaction === null) {
    const isAsked = Object.values(policy.scores).some(({ kind }) => kind === 'satisfaction');
    if (!isAsked) return [];
    return [lang === 'zh' ? '满意度未知，尚无答复。' : 'Satisfaction is not known: no answer yet.'];
  }
  const text = satisfactionText(satisfaction, lang);
  const sure = `${(satisfaction.confidence * 100).toFixed(0)} %`;
  return [lang === 'zh' ? `满意度 ${text}（${sure}）。` : `Satisfaction ${text} (${sure}).`];
};

/** "Potential 4 of 5 by Li Wei, 80 days old, counts 12 % in Quality points." */
const noteSentences = ({ policy, lang }: ExplainContext, { notes }: Explained): readonly string[] =>
  notes.map(({ about, rating, by, ageDays, counts }) => {
    const subject = noteSubjectText(about, lang);
    const shares = counts.map(({ score, share }) => {
      const percent = `${Math.round(share * 1000) / 10} %`;
      return lang === 'zh'
        ? `在${nameOf(policy, score, lang)}中占 ${percent}`
        : `${percent} in ${nameOf(policy, score, lang)}`;
    });
    if (lang === 'zh') {
      const who = by === null ? '' : `${by} `;
      return `${who}评价${subject} ${rating} 分（满分 5），距今 ${ageDays} 天${shares.length === 0 ? '' : `，${shares.join('，')}`}。`;
    }
    const head = `${subject.charAt(0).toUpperCase()}${subject.slice(1)} ${rating} of 5${by === null ? '' : ` by ${by}`}`;
    const weight = shares.length === 0 ? '' : `, counts ${listText(shares, lang)}`;
    return `${head}, ${ageDays} ${ageDays === 1 ? 'day' : 'days'} old${weight}.`;
  });

const FLAG_WORDS: Readonly<Record<'upgrade' | 'exit', Label>> = {
  upgrade: { en: 'An upgrade is proposed', zh: '建议升级' },
  exit: { en: 'An exit is proposed', zh: '建议退出' },
};

type Evidence = Explanation['flags'][number]['evidence'];

const flagSentences = (context: ExplainContext, { flags }: Explained): readonly string[] => [
  ...flags.map(({ kind, evidence, opened }) => {
    const zh = context.lang === 'zh';
    const on = kind === 'upgrade' ? upgradeText(context, evidence) : exitText(context, evidence);
    const open = opened
      ? ''
      : zh
        ? '；客户经理名额已满，未开立'
        : '; not opened, since the manager has as many as one can take';
    return `${FLAG_WORDS[kind][context.lang]}${zh ? '：' : ': '}${on}${open}${zh ? '。' : '.'}`;
  }),
  ...decisionSentences(context, flags),
];

const DECIDED: Readonly<Record<'upgrade' | 'exit', Readonly<Record<'approved' | 'refused', Label>>>> = {
  upgrade: {
    approved: { en: 'An upgrade was approved', zh: '升级建议已获批准' },
    refused: { en: 'An upgrade was refused', zh: '升级建议已被拒绝' },
  },
  exit: {
    approved: { en: 'An exit was approved', zh: '退出建议已获批准' },
    refused: { en: 'An exit was refused', zh: '退出建议已被拒绝' },
  },
};

/** What a person last decided of each kind, as the run knew it, and what the run makes of it. */
const decisionSentences = ({ row, lang }: ExplainContext, flags: Explained['flags']): readonly string[] =>
  (['upgrade', 'exit'] as const).flatMap((kind) => {
    const last = row.decided.findLast((one) => one.kind === kind);
    if (last === undefined) return [];
    const isProposed = flags.some((flag) => flag.kind === kind);
    const what = DECIDED[kind][last.decision][lang];
    if (lang === 'zh') {
      const then = isProposed
        ? '本次建议涉及另一步骤或有实质性的新依据'
        : last.decision === 'approved'
          ? '同一步骤不再提出'
          : '没有实质性的新依据不再提出';
      return [`${what}（${last.date}，由人决定）；${then}。`];
    }
    const then = isProposed
      ? 'this is another step, or its evidence has materially changed'
      : last.decision === 'approved'
        ? 'the same step is not proposed again'
        : 'it is not proposed again without materially changed evidence';
    return [`${what} by a person on ${last.date}; ${then}.`];
  });

const mainSegment = ({ policy, lang }: ExplainContext, segment: Evidence[string] | undefined): string => {
  const dimension = policy.dimensions[policy.mainDimension];
  return dimension === undefined ? String(segment) : segmentLabel(dimension, String(segment), lang);
};

const upgradeText = (context: ExplainContext, evidence: Evidence): string => {
  const { policy, lang } = context;
  const { wouldBe, rising, metric, value, before, cutoff, shortBy } = evidence;
  const source = String(metric);
  const text = (figure: Evidence[string] | undefined): string => formatValue(policy, source, figure ?? null, lang);
  const short = typeof shortBy === 'number' ? shortBy : 0;
  const distance = formatDistance(policy, source, short, lang);
  const [of, name, next] = [
    nameOf(policy, String(rising), lang),
    nameOf(policy, source, lang),
    mainSegment(context, wouldBe),
  ];
  const more = potentialText(context, evidence);
  if (lang === 'zh') {
    const from = before === undefined ? '' : value === before ? '（与上期相同，建议维持）' : `（原为${text(before)}）`;
    return `${name}为${text(value)}${from}，${short > 0 ? `距${of}的下一分界点 ${text(cutoff)} 还差 ${distance}` : `已达到${of}的下一分界点 ${text(cutoff)}`}，达到后为${next}${more}`;
  }
  const from =
    before === undefined
      ? ''
      : value === before
        ? ', unchanged since it was last proposed'
        : `, up from ${text(before)}`;
  const near = short > 0 ? `${distance} short of the next cut-off of ${of}` : `at the next cut-off of ${of}`;
  return `${name} is ${text(value)}${from}, ${near}, ${text(cutoff)}; past it the customer would be ${next}${more}`;
};

const potentialText = ({ policy, lang }: ExplainContext, evidence: Evidence): string => {
  const of = evidence[POTENTIAL_KEYS.of];
  const [value, least] = [evidence[POTENTIAL_KEYS.value], evidence[POTENTIAL_KEYS.atLeast]];
  if (typeof of !== 'string' || value === undefined || least === undefined) return '';
  const name = nameOf(policy, of, lang);
  const [is, asked] = [value, least].map((one) => valueText(policy, of, one, lang));
  return lang === 'zh'
    ? `；${name}为${is}，策略要求至少${asked}`
    : `; ${name} is ${is}, and at least ${asked} is asked for`;
};

const exitText = (context: ExplainContext, evidence: Evidence): string => {
  const { policy, lang } = context;
  const { segment, since, periods, ...ratings } = withoutSatisfaction(evidence);
  const levels = listText(
    Object.entries(ratings).map(
      ([name, level]) => `${nameOf(policy, name, lang)} ${valueText(policy, name, level, lang)}`,
    ),
    lang,
  );
  return lang === 'zh'
    ? `自 ${since} 起已连续 ${periods} 期为${mainSegment(context, segment)}${levels === '' ? '' : `，不计答复时${levels}`}`
    : `in ${mainSegment(context, segment)} for ${periods} periods in a row, since ${since}${levels === '' ? '' : `; answers left aside, ${levels}`}`;
};

const inputSentences = ({ row, policy, lang }: ExplainContext, { inputs }: Explained): readonly string[] => {
  const zh = lang === 'zh';
  const sentences = inputs.map(({ label, text }) => (zh ? `${label}：${text}。` : `${label}: ${text}.`));
  if (row.purchaseDays === undefined) return sentences;
  const days = (count: number): string => (zh ? `${count} 天` : `${count} ${count === 1 ? 'day' : 'days'}`);
  const model = Object.values(policy.scores).some(({ kind }) => kind === 'expectedPurchases');
  if (!model) return sentences;
  if (row.purchaseDays === null) return [...sentences, zh ? '购买历史：无。' : 'Purchase history: none.'];
  const { repeatDays, lastPurchaseDays, ageDays } = row.purchaseDays;
  return [
    ...sentences,
    zh
      ? `购买历史：首次购买在 ${days(ageDays)}前，此后有 ${days(repeatDays)}再次购买，最后一次在首次之后 ${days(lastPurchaseDays)}。`
      : `Purchase history: bought first ${days(ageDays)} before, again on ${days(repeatDays)}, the last one ${days(lastPurchaseDays)} after the first.`,
  ];
};
