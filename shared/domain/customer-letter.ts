import type { IsoDate } from './calendar.ts';
import type { Explanation } from './explanation.ts';
import type { Lang } from './figure-text.ts';
import type { Flag } from './flags.ts';
import type { Label, Policy } from './policy.ts';
import { levelsOf, TRAIT_PREFIX } from './values.ts';

/** What an exit is explained from: the run's explanation and the proposal with what became of it. */
export interface LetterSource {
  readonly flag: Flag;
  readonly policy: Policy;
  readonly explanation: Pick<Explanation, 'inputs' | 'scores' | 'dimensions'>;
  /** Last day of the figures. */
  readonly asOf: IsoDate;
  /** Business date on which the letter is written. */
  readonly today: IsoDate;
  /** Business date of the decision; only of one that is approved. */
  readonly decidedOn?: IsoDate;
}

export interface CustomerLetter {
  readonly lang: Lang;
  readonly title: string;
  readonly sections: readonly { readonly heading: string; readonly sentences: readonly string[] }[];
}

/**
 * An exit explained to the customer: its own figures, what would change the picture, whom to talk to and how to object. It names no
 * segment, rating, limit or value at stake, nothing that follows from the figures of others, no answer, no note and no person
 * but the account manager. It promises nothing.
 */
export const customerLetter = (source: LetterSource, lang: Lang): CustomerLetter => {
  const zh = lang === 'zh';
  const { flag, asOf, today, decidedOn } = source;
  const figures = figuresOf(source);
  const known = figures.filter(({ missing }) => !missing);
  const reasons = mainReasons(known);
  const unknown = figures.filter(({ missing }) => missing);
  const text = (figure: Figure): string =>
    zh ? `${figure.label[lang]}：${figure.text}` : `${figure.label[lang]}: ${figure.text}`;
  const { periods, since } = flag.evidence;
  const desk = deskText(flag, lang);

  const about = zh
    ? [
        `尊敬的客户：我们定期回顾与每位客户的合作。以下内容依据截至 ${asOf} 的数据，编号 ${flag.customerId}。`,
        decidedOn === undefined
          ? '我们正在考虑是否继续以目前的方式与您合作。目前尚未作出任何决定。'
          : `我们的负责人员于 ${decidedOn} 审阅了您的情况后决定：不再以目前的方式继续合作。`,
        '数据由系统整理，决定由人作出，系统不会自行作出决定。',
      ]
    : [
        `Dear customer, from time to time we look at how we work together. This is about the figures up to ${asOf}, your reference is ${flag.customerId}.`,
        decidedOn === undefined
          ? 'We are considering whether to go on working together in the present form. Nothing has been decided.'
          : `On ${decidedOn} a responsible member of our staff looked at your case and decided that we shall not go on in the present form.`,
        'A program prepares the figures; it decides nothing. People decide.',
      ];
  const why = [
    ...(reasons.length === 0
      ? [zh ? '依据的是我们与您合作的整体情况。' : 'It rests on the overall picture of our business with you.']
      : [
          zh ? '主要依据您的以下数据：' : 'It rests mainly on these figures of yours:',
          ...reasons.map((one) => `- ${text(one)}`),
        ]),
    ...(typeof periods === 'number' && periods > 1
      ? [
          zh
            ? `这一情况自 ${since} 起一直持续，并非因某一次的结果。`
            : `This has been so since ${since} without a break; no single result led to it.`,
        ]
      : []),
    zh
      ? '您对问卷的回答以及我们员工的个人印象都不是原因：即使没有它们，结果也相同。'
      : 'Your answers to our surveys and the impressions of our staff are not the reason: without them it would be the same.',
  ];
  const ways = reasons.flatMap((one) => wayOut(one, lang));
  const change = [
    ...(ways.length === 0
      ? []
      : [
          zh
            ? '若以下数据持续改善，结果会有所不同：'
            : 'A lasting change of one or more of these would change the picture:',
          ...ways.map((one) => `- ${one}`),
        ]),
    ...unknown.map((one) =>
      zh
        ? `我们尚不掌握：${one.label.zh}。如您提供，我们会一并考虑。`
        : `We do not know this figure: ${one.label.en}. If you tell us, we take it into account.`,
    ),
    zh
      ? '如以上数据有误或已有变化，请告知我们，我们会更正并重新审阅。'
      : 'If a figure is wrong or no longer holds, please tell us: we correct it and look again.',
  ];
  const objection = zh
    ? [
        `请联系${desk}。您可以说明自己的看法、索取更详细的说明，也可以提出异议，并要求由另一位人员重新审阅；异议可随时提出。`,
        '您也可以要求了解我们保存了您的哪些信息。',
      ]
    : [
        `Please talk to ${desk}. You can give your view, ask for a fuller explanation, object, and ask that another person looks at it again, at any time.`,
        'You can also ask what information we hold about you.',
      ];
  return {
    lang,
    title: zh ? `关于我们的合作 · ${today}` : `About our work together · ${today}`,
    sections: [
      { heading: zh ? '有关事项' : 'What this is about', sentences: about },
      { heading: zh ? '原因' : 'Why', sentences: why },
      { heading: zh ? '哪些变化会有影响' : 'What would change it', sentences: change },
      { heading: zh ? '联系与异议' : 'Whom to talk to, and how to object', sentences: objection },
    ],
  };
};

/** The letter as plain text, without trailing line break. */
export const letterText = ({ title, sections }: CustomerLetter): string =>
  [title, ...sections.flatMap(({ heading, sentences }) => ['', heading, ...sentences])].join('\n');

interface Figure {
  readonly label: Label;
  readonly text: string;
  readonly missing: boolean;
  /** Whether a score that reads it directly is at its lowest level, or a cap of the policy takes effect by it. */
  readonly isLow: boolean;
  /** Whether the rule that decided reads it. */
  readonly decided: boolean;
  /** Whether it weighs more than half of what the weightiest beside it does. */
  readonly isMain: boolean;
  /** Whether a greater value is better; null where neither is, or nothing tells. */
  readonly growsBetter: boolean | null;
}

/** What the rule that decided reads; else what is low and weighs most; else what is low; else all there is. */
const mainReasons = (known: readonly Figure[]): readonly Figure[] => {
  const low = known.filter(({ isLow }) => isLow);
  const choices = [known.filter(({ decided }) => decided), low.filter(({ isMain }) => isMain), low];
  return choices.find((some) => some.length > 0) ?? known;
};

const figuresOf = ({ policy, explanation }: LetterSource): readonly Figure[] => {
  const used = usedInputs(policy, explanation);
  const levels = new Map(explanation.scores.map(({ name, value }) => [name, value]));
  return explanation.inputs.flatMap((input): readonly Figure[] => {
    const use = used.get(input.name);
    if (use === undefined) return [];
    const caps = use.caps.some((values) => input.value !== null && values.includes(String(input.value)));
    // A trait that only caps is no reason, and no gap, where it does not cap.
    if (use.readers.length === 0 && !use.isCondition && !caps) return [];
    const isNumber = input.value === null || typeof input.value === 'number';
    return [
      {
        label: labelOf(policy, input.name),
        text: input.text,
        missing: input.missing,
        decided: use.decided,
        isMain: use.isMain,
        isLow: caps || use.readers.some((name) => levels.get(name) === 1),
        growsBetter: isNumber ? directionOf(input.name, use, explanation, policy) : null,
      },
    ];
  });
};

/** The direction in which the scores that read an input rank better; for rules the one of the smallest change that leads away. */
const directionOf = (
  name: string,
  { readers }: Use,
  { dimensions }: LetterSource['explanation'],
  policy: Policy,
): boolean | null => {
  for (const reader of readers) {
    const score = policy.scores[reader];
    if (score?.kind === 'cumulativeShare') return true;
    if (score?.kind === 'bands' || score?.kind === 'quantile') return score.better === 'high';
  }
  const main = dimensions.find((one) => one.name === policy.mainDimension);
  const from = policy.flags.exit?.from ?? [];
  const change = main?.changes.find(({ metric, segment }) => metric === name && !from.includes(segment));
  if (change === undefined || typeof change.to !== 'number' || typeof change.from !== 'number') return null;
  return change.to > change.from;
};

/** Traits have no label in a policy; the ones that everybody has a word for get it. */
const TRAIT_WORDS: Readonly<Record<string, Label>> = {
  industry: { en: 'Industry', zh: '所属行业' },
  region: { en: 'Region', zh: '地区' },
};

const labelOf = (policy: Policy, name: string): Label => {
  if (!name.startsWith(TRAIT_PREFIX)) return policy.metrics[name]?.label ?? { en: name, zh: name };
  const trait = name.slice(TRAIT_PREFIX.length);
  const word = trait.replaceAll('_', ' ');
  return TRAIT_WORDS[trait] ?? { en: `${word.charAt(0).toUpperCase()}${word.slice(1)}`, zh: word };
};

/** Shares are rounded. */
const ROUNDING = 1e-3;

interface Use {
  /** Scores with levels that read the input directly. */
  readonly readers: string[];
  /** Values with which the input caps a score. */
  readonly caps: (readonly string[])[];
  /** Whether a rule reads it, or a score without levels. */
  isCondition: boolean;
  decided: boolean;
  isMain: boolean;
}

/** Every input that the main dimension rests on; what people say is no input. */
const usedInputs = (policy: Policy, explanation: LetterSource['explanation']): ReadonlyMap<string, Use> => {
  const found = new Map<string, Use>();
  const seen = new Set<string>();
  const useOf = (input: string): Use => {
    const use = found.get(input) ?? { readers: [], caps: [], isCondition: false, decided: false, isMain: false };
    found.set(input, use);
    return use;
  };
  const visit = (
    name: string,
    reader: string | null,
    from: { readonly decided: boolean; readonly isMain: boolean },
  ) => {
    const score = Object.hasOwn(policy.scores, name) ? policy.scores[name] : undefined;
    if (score === undefined) {
      const use = useOf(name);
      if (reader === null) use.isCondition = true;
      else if (!use.readers.includes(reader)) use.readers.push(reader);
      use.decided ||= from.decided;
      use.isMain ||= from.isMain;
      return;
    }
    const key = `${name} ${from.decided} ${from.isMain}`;
    if (seen.has(key)) return;
    seen.add(key);
    for (const cap of score.caps) {
      for (const [trait, values] of Object.entries(cap.when)) {
        const use = useOf(`${TRAIT_PREFIX}${trait}`);
        use.caps.push(values);
        use.decided ||= from.decided;
        use.isMain ||= from.isMain;
      }
    }
    if (score.kind === 'weighted') {
      const shares = new Map(
        explanation.scores.find((one) => one.name === name)?.parts.map((part) => [part.name, part.share]),
      );
      const most = Math.max(0, ...shares.values());
      for (const part of Object.keys(score.parts)) {
        visit(part, null, { ...from, isMain: from.isMain && (shares.get(part) ?? 0) > most / 2 + ROUNDING });
      }
    } else if ('of' in score) visit(score.of, levelsOf(score) === null ? null : name, from);
  };
  const by = policy.dimensions[policy.mainDimension]?.by;
  if (by?.kind === 'matrix')
    for (const name of [by.rows, by.columns]) visit(name, null, { decided: false, isMain: true });
  if (by?.kind === 'rules') {
    const decided = explanation.dimensions.find(({ name }) => name === policy.mainDimension)?.by;
    const conditions = decided?.kind === 'rule' ? decided.conditions.map(({ of }) => of) : [];
    for (const { when } of by.rules) {
      for (const { of } of when) visit(of, null, { decided: conditions.includes(of), isMain: true });
    }
  }
  return found;
};

const wayOut = ({ label, growsBetter }: Figure, lang: Lang): readonly string[] => {
  if (growsBetter === null) return [];
  if (lang === 'zh') return [`${label.zh}${growsBetter ? '上升' : '下降'}`];
  return [`${label.en}: ${growsBetter ? 'a higher' : 'a lower'} figure`];
};

const deskText = ({ manager, branch }: Flag, lang: Lang): string => {
  if (lang === 'zh') {
    if (manager !== null) return `您的客户经理${manager}${branch === null ? '' : `（${branch}）`}`;
    return branch === null ? '我们的客户服务部门' : `我们的${branch}机构`;
  }
  if (manager !== null) return `your account manager ${manager}${branch === null ? '' : ` (${branch})`}`;
  return branch === null ? 'our customer service' : `our branch ${branch}`;
};
