import { DECISION_FACTORS, type DecisionFactor } from './answer-rules.ts';
import { hiddenGroups } from './disclosure.ts';
import type { QuestionKind } from './policy.ts';
import {
  adjustedTogether,
  type Comparison,
  compareNps,
  compareShares,
  type Interval,
  npsOfCounts,
  SMALLEST_SHOWN_GROUP,
  shareOfCounts,
} from './survey-statistics.ts';

/** By what the results of a wave are broken down. All are facts frozen when the wave was planned. */
export const GROUPINGS = ['segment', 'branch', 'manager', 'language'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Fewer answers than this, before or now, are too few to call a change significant. */
export const SMALLEST_COMPARED_GROUP = 30;
const SIGNIFICANCE_LEVEL = 0.05;

/** Counts of the invited customers who are in the same four groups. */
export interface ResultCell {
  /** null: the customer has none, such as no manager. */
  readonly groups: Readonly<Record<Grouping, string | null>>;
  /** Mails that were sent. */
  readonly invited: number;
  readonly delivered: number;
  /** Answers that look like a machine's; they are in no other figure. */
  readonly suspect: number;
  /** Score → answers. */
  readonly scores: Readonly<Record<string, number>>;
  /** Decision factor → answers that named it. */
  readonly factors: Readonly<Partial<Record<DecisionFactor, number>>>;
}

/** NPS is −1..1; CSAT and CES are the share of positive answers, 0..1. */
export interface ScoreEstimate {
  readonly value: number;
  /** 95 %: adjusted Wald for NPS, Wilson for shares (R17). */
  readonly interval: Interval;
  /** Promoters, or positive answers. */
  readonly positive: number;
  /** Detractors; for CSAT and CES every answer that is not positive. */
  readonly negative: number;
}

export interface FactorFigures {
  /** Answers that named a factor; at least 5. */
  readonly named: number;
  /** Share of these that named it, with its Wilson interval. */
  readonly shares: Readonly<Record<DecisionFactor, { readonly share: number; readonly interval: Interval }>>;
}

export interface GroupFigures {
  readonly invited: number;
  readonly delivered: number;
  /** null: one to four, not shown. */
  readonly answered: number | null;
  readonly suspect: number;
  /** Answered ÷ delivered, at most 1; null where nothing was delivered or the answers are not shown. */
  readonly rate: number | null;
  /** null without answers. */
  readonly score: ScoreEstimate | null;
  /** null where fewer than five named one, or where another group's could be computed from it. */
  readonly factors: FactorFigures | null;
}

/** Against the last wave of the same question. */
export interface ScoreChange {
  readonly answeredBefore: number;
  readonly scoreBefore: number;
  /** Now minus before, on the scale of the score. */
  readonly difference: number;
  /** Two-sided, corrected for the number of groups compared in the table (Holm); null with fewer than 30 answers, now or before. */
  readonly pValue: number | null;
  /** Whether `pValue` is at most 0.05. */
  readonly significant: boolean;
}

export type GroupResult =
  | ({ readonly name: string | null; readonly hidden: false; readonly change: ScoreChange | null } & GroupFigures)
  | { readonly name: string | null; readonly hidden: true };

export interface ResultTable {
  readonly groups: readonly GroupResult[];
  /** The hidden groups as one, which the others and the total tell anyway; null where none is hidden or the total is. */
  readonly hiddenTogether: (GroupFigures & { readonly groups: number }) | null;
}

export interface SurveyResults {
  readonly question: QuestionKind;
  readonly total: GroupFigures & { readonly change: ScoreChange | null };
  readonly tables: Readonly<Record<Grouping, ResultTable>>;
}

/**
 * The results of a wave, safe to show: groups with fewer than five answers are hidden, and with them what would give them
 * away (see `hiddenGroups`).
 *
 * @param before cells of the last wave of the same question; undefined where there is none
 * @param segments every segment there is, in order; the other groups are ordered by name, "none" last
 */
export const surveyResults = (
  question: QuestionKind,
  cells: readonly ResultCell[],
  before: readonly ResultCell[] | undefined,
  segments: readonly string[] = [],
): SurveyResults => {
  const now = new Tallied(question, cells);
  const then = before === undefined ? undefined : new Tallied(question, before);
  return {
    question,
    total: { ...now.total(), change: changesOf(question, [[now.whole, then?.shownWhole]])[0] ?? null },
    tables: {
      segment: tableOf('segment', now, then, segments),
      branch: tableOf('branch', now, then),
      manager: tableOf('manager', now, then),
      language: tableOf('language', now, then),
    },
  };
};

/** Answers of a group by what they say. */
interface Tally {
  invited: number;
  delivered: number;
  suspect: number;
  answered: number;
  positive: number;
  negative: number;
  named: number;
  readonly factors: Record<DecisionFactor, number>;
}

const newTally = (): Tally => ({
  invited: 0,
  delivered: 0,
  suspect: 0,
  answered: 0,
  positive: 0,
  negative: 0,
  named: 0,
  factors: { price: 0, brand: 0, wordOfMouth: 0, service: 0 },
});

/** Lowest positive answer and highest negative one. */
const SIDES: Readonly<Record<QuestionKind, readonly [positiveFrom: number, negativeTo: number]>> = {
  nps: [9, 6],
  csat: [4, 3],
  ces: [5, 4],
};

const addCell = (tally: Tally, cell: ResultCell, question: QuestionKind): void => {
  const [positiveFrom, negativeTo] = SIDES[question];
  tally.invited += cell.invited;
  tally.delivered += cell.delivered;
  tally.suspect += cell.suspect;
  for (const [score, count] of Object.entries(cell.scores)) {
    tally.answered += count;
    if (Number(score) >= positiveFrom) tally.positive += count;
    if (Number(score) <= negativeTo) tally.negative += count;
  }
  for (const factor of DECISION_FACTORS) {
    const count = cell.factors[factor] ?? 0;
    tally.factors[factor] += count;
    tally.named += count;
  }
};

/** The name of a group as a key; nobody's name is empty. */
const keyOf = (name: string | null): string => name ?? '';

/** One wave, added up, with what of it may be shown. */
class Tallied {
  readonly whole = newTally();
  readonly groups: Readonly<Record<Grouping, Map<string, Tally>>> = {
    segment: new Map(),
    branch: new Map(),
    manager: new Map(),
    language: new Map(),
  };
  readonly question: QuestionKind;
  readonly #hidden: ReturnType<typeof hiddenGroups>;
  readonly #hiddenFactors: ReturnType<typeof hiddenGroups>;

  constructor(question: QuestionKind, cells: readonly ResultCell[]) {
    this.question = question;
    const disclosed = cells.map((cell) => {
      const own = newTally();
      addCell(own, cell, question);
      addCell(this.whole, cell, question);
      for (const grouping of GROUPINGS) {
        const key = keyOf(cell.groups[grouping]);
        const tally = this.groups[grouping].get(key) ?? newTally();
        this.groups[grouping].set(key, tally);
        addCell(tally, cell, question);
      }
      const groups = Object.fromEntries(GROUPINGS.map((grouping) => [grouping, keyOf(cell.groups[grouping])]));
      return { groups, answered: own.answered, named: own.named };
    });
    this.#hidden = hiddenGroups(disclosed.map(({ groups, answered }) => ({ groups, count: answered })));
    this.#hiddenFactors = hiddenGroups(
      disclosed.map(({ groups, named }) => ({ groups, count: named })),
      this.#hidden.groups,
    );
  }

  /** A group to which nobody was written is no secret. */
  isHidden(grouping: Grouping, key: string): boolean {
    const tally = this.groups[grouping].get(key);
    return tally !== undefined && tally.invited > 0 && this.#hidden.groups[grouping]?.has(key) === true;
  }

  /** undefined where the group is hidden or unknown. */
  shown(grouping: Grouping, key: string): Tally | undefined {
    return this.isHidden(grouping, key) ? undefined : this.groups[grouping].get(key);
  }

  get shownWhole(): Tally | undefined {
    return this.#hidden.total ? undefined : this.whole;
  }

  figures(grouping: Grouping, key: string): GroupFigures {
    const withFactors = this.#hiddenFactors.groups[grouping]?.has(key) !== true;
    return figuresOf(this.question, this.groups[grouping].get(key) ?? newTally(), withFactors);
  }

  total(): GroupFigures {
    if (!this.#hidden.total) return figuresOf(this.question, this.whole, !this.#hiddenFactors.total);
    const { invited, delivered, suspect } = this.whole;
    return { invited, delivered, suspect, answered: null, rate: null, score: null, factors: null };
  }

  together(grouping: Grouping): ResultTable['hiddenTogether'] {
    const keys = [...this.groups[grouping].keys()].filter((key) => this.isHidden(grouping, key));
    if (keys.length === 0 || this.#hidden.total) return null;
    const sum = newTally();
    for (const key of keys) {
      const tally = this.groups[grouping].get(key) ?? newTally();
      for (const count of ['invited', 'delivered', 'suspect', 'answered', 'positive', 'negative'] as const)
        sum[count] += tally[count];
    }
    return { groups: keys.length, ...figuresOf(this.question, sum, false) };
  }
}

const tableOf = (
  grouping: Grouping,
  now: Tallied,
  then: Tallied | undefined,
  order: readonly string[] = [],
): ResultTable => {
  const others = [...now.groups[grouping].keys()].filter((key) => !order.includes(key));
  others.sort((a, b) => Number(a === '') - Number(b === '') || (a < b ? -1 : a > b ? 1 : 0));
  const keys = [...order, ...others];
  const changes = changesOf(
    now.question,
    keys.map((key) => [now.shown(grouping, key), then?.shown(grouping, key)]),
  );
  return {
    groups: keys.map((key, index) => {
      const name = key === '' ? null : key;
      if (now.isHidden(grouping, key)) return { name, hidden: true };
      return { name, hidden: false, ...now.figures(grouping, key), change: changes[index] ?? null };
    }),
    hiddenTogether: now.together(grouping),
  };
};

const figuresOf = (question: QuestionKind, tally: Tally, withFactors: boolean): GroupFigures => ({
  invited: tally.invited,
  delivered: tally.delivered,
  answered: tally.answered,
  suspect: tally.suspect,
  rate: tally.delivered === 0 ? null : Math.min(1, tally.answered / tally.delivered),
  score: scoreOf(question, tally),
  factors: withFactors && tally.named >= SMALLEST_SHOWN_GROUP ? factorsOf(tally) : null,
});

const scoreOf = (question: QuestionKind, { answered, positive, negative }: Tally): ScoreEstimate | null => {
  if (question === 'nps') {
    const nps = npsOfCounts({ n: answered, promoters: positive, detractors: negative });
    if (nps === null) return null;
    const { low, high } = nps.adjusted;
    return { value: nps.score, interval: { low, high }, positive, negative };
  }
  const share = shareOfCounts(positive, answered);
  return share === null ? null : { value: share.share, interval: share.interval, positive, negative };
};

const factorsOf = ({ named, factors }: Tally): FactorFigures => {
  const shareOf = (factor: DecisionFactor) => {
    const { share, interval } = shareOfCounts(factors[factor], named) ?? { share: 0, interval: { low: 0, high: 1 } };
    return { share, interval };
  };
  return {
    named,
    shares: {
      price: shareOf('price'),
      brand: shareOf('brand'),
      wordOfMouth: shareOf('wordOfMouth'),
      service: shareOf('service'),
    },
  };
};

/** Changes of the groups of one table, judged together. null where a group has no answers to show, now or before. */
const changesOf = (
  question: QuestionKind,
  pairs: readonly (readonly [now: Tally | undefined, before: Tally | undefined])[],
): readonly (ScoreChange | null)[] => {
  const found = pairs.map(([now, before]) => {
    if (now === undefined || before === undefined) return null;
    const score = scoreOf(question, now);
    const scoreBefore = scoreOf(question, before);
    if (score === null || scoreBefore === null) return null;
    const enough = Math.min(now.answered, before.answered) >= SMALLEST_COMPARED_GROUP;
    return {
      answeredBefore: before.answered,
      scoreBefore: scoreBefore.value,
      difference: score.value - scoreBefore.value,
      p: enough ? (compared(question, before, now)?.pValue ?? null) : null,
    };
  });
  const judged = found.flatMap((one, index) => (one === null || one.p === null ? [] : [{ index, p: one.p }]));
  const adjusted = adjustedTogether(judged.map(({ p }) => p));
  const pValues = new Map(judged.map(({ index }, at) => [index, adjusted[at] ?? 1]));
  return found.map((one, index) => {
    if (one === null) return null;
    const { p: _, ...change } = one;
    const pValue = pValues.get(index) ?? null;
    return { ...change, pValue, significant: pValue !== null && pValue <= SIGNIFICANCE_LEVEL };
  });
};

const compared = (question: QuestionKind, before: Tally, now: Tally): Comparison | null => {
  if (question === 'nps') return compareNps(npsCounts(before), npsCounts(now));
  return compareShares({ n: before.answered, positive: before.positive }, { n: now.answered, positive: now.positive });
};

const npsCounts = ({ answered, positive, negative }: Tally) => ({
  n: answered,
  promoters: positive,
  detractors: negative,
});
