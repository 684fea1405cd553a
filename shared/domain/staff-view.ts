import { adjustForMix, changeApartFromMix, type MixAdjusted, type MixChange, type Sides } from './case-mix.ts';
import { hiddenGroups } from './disclosure.ts';
import type { QuestionKind } from './policy.ts';
import {
  type GroupFigures,
  type ResultCell,
  type ScoreEstimate,
  SMALLEST_COMPARED_GROUP,
  surveyResults,
} from './survey-results.ts';
import { adjustedTogether, compareShares, type Interval, shareOfCounts } from './survey-statistics.ts';

export const STAFF_GROUPINGS = ['manager', 'branch'] as const;
export type StaffGrouping = (typeof STAFF_GROUPINGS)[number];

/**
 * Fewer answers, or fewer cases, than this are shown but not compared. With as many, the test of the adjusted figure is wrong in
 * 5 % of cases, as it should be (a simulation is among the tests).
 */
export const SMALLEST_JUDGED_GROUP = 10;
const SIGNIFICANCE_LEVEL = 0.05;

/** Cases of customers who are in the same groups. */
export interface CaseCell {
  readonly groups: Readonly<Record<StaffGrouping, string | null>>;
  /** Cases whose due time has passed. */
  readonly due: number;
  /** Those of them that were closed by it. */
  readonly inTime: number;
}

/** Against what can be expected. `tooFew`: not compared. */
export type Verdict = 'above' | 'noDifference' | 'below' | 'tooFew';

export interface AdjustedFigure extends Omit<MixAdjusted, 'pValue'> {
  /** Corrected for the number of groups in the table (Holm); null with fewer than ten answers. */
  readonly pValue: number | null;
  readonly verdict: Verdict;
}

export interface StaffChange extends Omit<MixChange, 'pValue'> {
  readonly answeredBefore: number;
  /** Corrected for the number of groups in the table (Holm); null with fewer than 30 answers, now or before. */
  readonly pValue: number | null;
  /** Of the change apart from the mix. `noDifference`: none can be shown. */
  readonly verdict: 'better' | 'noDifference' | 'worse' | 'tooFew';
}

export interface StaffSatisfaction {
  readonly answered: number;
  /** As it is; null without answers. */
  readonly score: ScoreEstimate | null;
  /** null without answers, or where nothing may be shown of the whole. */
  readonly adjusted: AdjustedFigure | null;
  /** Segments of those written to, in the order of the policy; the shares add up to 1. */
  readonly mix: readonly { readonly segment: string | null; readonly share: number }[];
  /** Since the last wave of the same question; null where there is none to show. */
  readonly change: StaffChange | null;
}

export interface InTimeFigure {
  readonly due: number;
  readonly inTime: number;
  /** 0..1; null where no case was due. */
  readonly share: number | null;
  /** Wilson, 95 %. */
  readonly interval: Interval | null;
  /** Against everybody else's cases, corrected for the number of groups in the table (Holm). */
  readonly verdict: Verdict;
}

export interface StaffGroup {
  /** null: the customer has none. */
  readonly name: string | null;
  /** null: hidden, since fewer than five answered, or since others' could be computed from it. */
  readonly satisfaction: StaffSatisfaction | null;
  /** null: hidden likewise, by the number of cases due. */
  readonly cases: InTimeFigure | null;
}

export interface StaffView {
  readonly question: QuestionKind;
  /** null where fewer than five answered altogether. */
  readonly total: {
    readonly answered: number;
    readonly score: ScoreEstimate | null;
    readonly mix: StaffSatisfaction['mix'];
  } | null;
  readonly cases: InTimeFigure | null;
  /**
   * Those who improved, those above what can be expected, those of whom no difference can be shown, those below; within each by
   * name, since no order can be shown there.
   */
  readonly tables: Readonly<Record<StaffGrouping, readonly StaffGroup[]>>;
}

/**
 * Satisfaction and cases by account manager and branch, fair to those with harder segments, and safe to show: hidden is what
 * `surveyResults` hides. Figures are adjusted to the company's segments; segments that may not be shown count as one there. So
 * the adjusted figures follow from published figures and from how many answered in which segment, never from what a hidden
 * group said.
 *
 * @param before cells of the last wave of the same question; undefined where there is none
 * @param segments every segment there is, in order
 */
export const staffView = (
  question: QuestionKind,
  cells: readonly ResultCell[],
  before: readonly ResultCell[] | undefined,
  cases: readonly CaseCell[],
  segments: readonly string[] = [],
): StaffView => {
  const results = surveyResults(question, cells, before, segments);
  const last = before === undefined ? undefined : surveyResults(question, before, undefined);
  const strata = strataOf(results.tables.segment);
  const inTime = inTimeFigures(cases);
  const stratumOf = (cell: ResultCell): string =>
    strata.shown.has(keyOf(cell.groups.segment)) ? keyOf(cell.groups.segment) : HIDDEN;
  const isWhole = results.total.answered !== null;

  const tableOf = (grouping: StaffGrouping): readonly StaffGroup[] => {
    const now = countsBy(cells, grouping, stratumOf);
    const then = countsBy(before ?? [], grouping, stratumOf);
    const shown = results.tables[grouping].groups.map((group) => {
      if (group.hidden || group.answered === null)
        return { name: group.name, figures: null, adjusted: null, change: null };
      const key = keyOf(group.name);
      const sides = sidesOf(group);
      const counts = now.get(key) ?? new Map<string, number>();
      const past = group.change === null ? undefined : then.get(key);
      const pastGroup = last?.tables[grouping].groups.find((one) => one.name === group.name);
      const pastSides = group.change === null || pastGroup?.hidden !== false ? undefined : sidesOf(pastGroup);
      return {
        name: group.name,
        figures: group,
        adjusted: isWhole ? adjustForMix(question, sides, counts, strata.sides) : null,
        change:
          past === undefined || pastSides === undefined
            ? null
            : changeApartFromMix(question, { sides, counts }, { sides: pastSides, counts: past }, strata.sides),
        answeredBefore: pastSides?.answered ?? 0,
      };
    });
    const adjusted = judged(shown, ({ figures, adjusted: one }) =>
      one === null || (figures?.answered ?? 0) < SMALLEST_JUDGED_GROUP ? null : one.pValue,
    );
    const changes = judged(shown, ({ figures, change, answeredBefore = 0 }) =>
      change === null || Math.min(figures?.answered ?? 0, answeredBefore) < SMALLEST_COMPARED_GROUP
        ? null
        : change.pValue,
    );
    const known = shown.map((one, index): StaffGroup => {
      const { name, figures } = one;
      if (figures === null) return { name, satisfaction: null, cases: inTime.of(grouping, name) };
      return {
        name,
        satisfaction: {
          answered: figures.answered ?? 0,
          score: figures.score,
          adjusted: one.adjusted === null ? null : withVerdict(one.adjusted, adjusted[index] ?? null),
          mix: mixOf(cells, grouping, name, segments),
          change:
            one.change === null ? null : changeVerdict(one.change, one.answeredBefore ?? 0, changes[index] ?? null),
        },
        cases: inTime.of(grouping, name),
      };
    });
    const others = inTime
      .names(grouping)
      .filter((name) => !known.some((one) => one.name === name))
      .map((name): StaffGroup => ({ name, satisfaction: NOBODY_ASKED, cases: inTime.of(grouping, name) }));
    return [...known, ...others].sort(byStanding);
  };

  return {
    question,
    total:
      results.total.answered === null
        ? null
        : { answered: results.total.answered, score: results.total.score, mix: mixOf(cells, null, null, segments) },
    cases: inTime.total,
    tables: { manager: tableOf('manager'), branch: tableOf('branch') },
  };
};

const NOBODY_ASKED: StaffSatisfaction = { answered: 0, score: null, adjusted: null, mix: [], change: null };

/** The stratum of all segments that may not be shown one by one; no segment has this name. */
const HIDDEN = '\u0000hidden';

/** The name of a group as a key; nobody's name is empty. */
const keyOf = (name: string | null): string => name ?? '';

/** The company's answers by segment as published: those on show, and the hidden ones together. */
const strataOf = ({
  groups,
  hiddenTogether,
}: ReturnType<typeof surveyResults>['tables']['segment']): {
  readonly shown: ReadonlySet<string>;
  readonly sides: ReadonlyMap<string, Sides>;
} => {
  const visible = groups.flatMap((group) => (group.hidden ? [] : [[keyOf(group.name), sidesOf(group)] as const]));
  return {
    shown: new Set(visible.map(([key]) => key)),
    sides: new Map([...visible, ...(hiddenTogether === null ? [] : [[HIDDEN, sidesOf(hiddenTogether)] as const])]),
  };
};

const sidesOf = ({ answered, score }: Pick<GroupFigures, 'answered' | 'score'>): Sides => ({
  answered: answered ?? 0,
  positive: score?.positive ?? 0,
  negative: score?.negative ?? 0,
});

const answeredOf = (cell: ResultCell): number => Object.values(cell.scores).reduce((sum, count) => sum + count, 0);

/** Group → stratum → answers. */
const countsBy = (
  cells: readonly ResultCell[],
  grouping: StaffGrouping,
  stratumOf: (cell: ResultCell) => string,
): ReadonlyMap<string, ReadonlyMap<string, number>> => {
  const counts = new Map<string, Map<string, number>>();
  for (const cell of cells) {
    const key = keyOf(cell.groups[grouping]);
    const own = counts.get(key) ?? new Map<string, number>();
    counts.set(key, own);
    own.set(stratumOf(cell), (own.get(stratumOf(cell)) ?? 0) + answeredOf(cell));
  }
  return counts;
};

/** Shares of the customers written to, by segment; all of them without a grouping. */
const mixOf = (
  cells: readonly ResultCell[],
  grouping: StaffGrouping | null,
  name: string | null,
  segments: readonly string[],
): StaffSatisfaction['mix'] => {
  const invited = new Map<string, number>();
  for (const cell of cells) {
    if (grouping !== null && cell.groups[grouping] !== name) continue;
    const key = keyOf(cell.groups.segment);
    invited.set(key, (invited.get(key) ?? 0) + cell.invited);
  }
  const all = [...invited.values()].reduce((sum, count) => sum + count, 0);
  const others = [...invited.keys()].filter((key) => !segments.includes(key)).sort();
  return [...segments, ...others].flatMap((key) => {
    const count = invited.get(key) ?? 0;
    return count === 0 ? [] : [{ segment: key === '' ? null : key, share: count / all }];
  });
};

/** p-values corrected together for those that are compared at all; null for the others. */
const judged = <T>(rows: readonly T[], pValueOf: (row: T) => number | null): readonly (number | null)[] => {
  const found = rows.map(pValueOf);
  const corrected = adjustedTogether(found.filter((p) => p !== null));
  let next = -1;
  return found.map((p) => {
    if (p === null) return null;
    next += 1;
    return corrected[next] ?? 1;
  });
};

const withVerdict = ({ pValue: _, ...figure }: MixAdjusted, pValue: number | null): AdjustedFigure => ({
  ...figure,
  pValue,
  verdict:
    pValue === null
      ? 'tooFew'
      : pValue > SIGNIFICANCE_LEVEL
        ? 'noDifference'
        : figure.difference > 0
          ? 'above'
          : 'below',
});

const changeVerdict = (
  { pValue: _, ...change }: MixChange,
  answeredBefore: number,
  pValue: number | null,
): StaffChange => ({
  ...change,
  answeredBefore,
  pValue,
  verdict:
    pValue === null
      ? 'tooFew'
      : pValue > SIGNIFICANCE_LEVEL
        ? 'noDifference'
        : change.adjusted > 0
          ? 'better'
          : 'worse',
});

const inTimeFigures = (cells: readonly CaseCell[]) => {
  const hidden = hiddenGroups(
    cells.map(({ groups, due }) => ({
      groups: { manager: keyOf(groups.manager), branch: keyOf(groups.branch) },
      count: due,
    })),
  );
  const tallies: Record<StaffGrouping, Map<string, { due: number; inTime: number }>> = {
    manager: new Map(),
    branch: new Map(),
  };
  const all = { due: 0, inTime: 0 };
  for (const { groups, due, inTime } of cells) {
    all.due += due;
    all.inTime += inTime;
    for (const grouping of STAFF_GROUPINGS) {
      const key = keyOf(groups[grouping]);
      const tally = tallies[grouping].get(key) ?? { due: 0, inTime: 0 };
      tallies[grouping].set(key, tally);
      tally.due += due;
      tally.inTime += inTime;
    }
  }
  const isHidden = (grouping: StaffGrouping, key: string): boolean => hidden.groups[grouping]?.has(key) === true;
  const figure = ({ due, inTime }: { due: number; inTime: number }, verdict: Verdict): InTimeFigure => {
    const share = shareOfCounts(inTime, due);
    return { due, inTime, share: share?.share ?? null, interval: share?.interval ?? null, verdict };
  };
  const verdicts = new Map(
    STAFF_GROUPINGS.map((grouping) => {
      const shown = [...tallies[grouping]].filter(([key]) => !isHidden(grouping, key));
      const compared = shown.map(([, tally]) =>
        compareShares(
          { n: all.due - tally.due, positive: all.inTime - tally.inTime },
          { n: tally.due, positive: tally.inTime },
        ),
      );
      const pValues = judged(shown, ([key, tally]) => {
        const at = shown.findIndex(([one]) => one === key);
        const enough = Math.min(tally.due, all.due - tally.due) >= SMALLEST_JUDGED_GROUP;
        return enough ? (compared[at]?.pValue ?? null) : null;
      });
      return [
        grouping,
        new Map(
          shown.map(([key], index): [string, Verdict] => {
            const pValue = pValues[index] ?? null;
            if (pValue === null) return [key, 'tooFew'];
            if (pValue > SIGNIFICANCE_LEVEL) return [key, 'noDifference'];
            return [key, (compared[index]?.difference ?? 0) > 0 ? 'above' : 'below'];
          }),
        ),
      ] as const;
    }),
  );
  return {
    total: hidden.total ? null : figure(all, 'tooFew'),
    names: (grouping: StaffGrouping): readonly (string | null)[] =>
      [...tallies[grouping].keys()].map((key) => (key === '' ? null : key)),
    of: (grouping: StaffGrouping, name: string | null): InTimeFigure | null => {
      const key = keyOf(name);
      if (isHidden(grouping, key)) return null;
      const hidesSome = (hidden.groups[grouping]?.size ?? 0) > 0 || hidden.total;
      const tally = tallies[grouping].get(key);
      // Beside hidden groups, "no case" would tell that a hidden one has some.
      if (tally === undefined && hidesSome) return null;
      return figure(tally ?? { due: 0, inTime: 0 }, verdicts.get(grouping)?.get(key) ?? 'tooFew');
    },
  };
};

/** Who improved comes first, whoever is below last; equal ones by name, customers without one at the end. */
const byStanding = (a: StaffGroup, b: StaffGroup): number =>
  standing(a) - standing(b) ||
  Number(a.name === null) - Number(b.name === null) ||
  (keyOf(a.name) < keyOf(b.name) ? -1 : 1);

const standing = ({ satisfaction }: StaffGroup): number => {
  if (satisfaction === null || satisfaction.answered === 0) return 4;
  if (satisfaction.change?.verdict === 'better') return 0;
  const verdict = satisfaction.adjusted?.verdict;
  return verdict === 'above' ? 1 : verdict === 'below' ? 3 : 2;
};
