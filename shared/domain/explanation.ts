import type { IsoDate, Period } from './calendar.ts';
import type { TraitValue } from './facts.ts';
import type { Lang } from './figure-text.ts';
import type { Metric, Policy } from './policy.ts';
import type { Calibration, CountedNote, FrameRow, HoldBack, PlanRow, RunContext } from './standing.ts';

/** What an explanation is made from: all that the run stored of one customer. */
export interface ExplainContext {
  readonly row: FrameRow;
  readonly plan: PlanRow;
  readonly policy: Policy;
  readonly calibration: Calibration;
  readonly run: RunContext;
  readonly lang: Lang;
  readonly before?: RunBefore;
  /** Who wrote the notes, by their ids: files of runs do not hold it. */
  readonly authors?: Readonly<Record<string, string>>;
}

/** The same customer in the run on which this one is based; lets an explanation say whose figures have moved. */
export interface RunBefore {
  readonly runId: string;
  readonly row: FrameRow;
  readonly calibration: Calibration;
  /** Full hash of that run's policy. */
  readonly policyHash: string;
}

/** Why a customer is where it is. Figures for machines; `sections` and `sentences` say the same to people. */
export interface Explanation {
  readonly subject: string;
  readonly policy: { readonly name: string; readonly version: string };
  readonly lang: Lang;
  /** Whether this is the customer's first run. */
  readonly isNew: boolean;
  readonly inputs: readonly ExplainedInput[];
  readonly scores: readonly ExplainedScore[];
  readonly ratings: readonly ExplainedRating[];
  readonly dimensions: readonly ExplainedDimension[];
  readonly satisfaction: PlanRow['satisfaction'];
  readonly flags: PlanRow['flags'];
  /** Notes that count in scores of the policy, by score, the newest first. */
  readonly notes: readonly ExplainedNote[];
  readonly sections: readonly ExplainedSection[];
  /** The sentences of all sections, in order. */
  readonly sentences: readonly string[];
}

export interface ExplainedSection {
  readonly heading: string;
  readonly sentences: readonly string[];
}

/** A metric, or a trait that the policy reads directly (`trait.x`). */
export interface ExplainedInput {
  readonly name: string;
  readonly label: string;
  readonly unit: Metric['unit'];
  /** As measured: money from purchases in minor units. Null: missing. */
  readonly value: TraitValue | null;
  readonly missing: boolean;
  /** As a person reads it. */
  readonly text: string;
}

/**
 * Whose cut-offs hold for a customer: fixed ones of the policy, those of its own partition, or everybody's, and then why:
 * `notPartitioned` (the policy ranks within the whole population), `unknownPartition` (the customer has none), `tooSmall`.
 */
export type CutoffOwner =
  | { readonly kind: 'fixed' }
  | { readonly kind: 'partition'; readonly within: string; readonly partition: string }
  | {
      readonly kind: 'everybody';
      readonly why: 'notPartitioned' | 'unknownPartition' | 'tooSmall';
      readonly within: string | null;
      readonly partition: string | null;
      readonly smallestPartition: number | null;
    };

export interface ExplainedScore {
  readonly name: string;
  readonly label: string;
  /** Of this run, before settling; null: missing. */
  readonly value: number | null;
  readonly text: string;
  /** Number of levels; null for a continuous score. */
  readonly levels: number | null;
  /** What it is made from: one metric, trait or score; the parts of a weighted mean; nothing for answers. */
  readonly from: readonly string[];
  readonly cutoffs: readonly number[];
  readonly whose: CutoffOwner | null;
  /** Parts of a weighted mean; `share` is the part's share of the whole here, 0 for one that is missing. */
  readonly parts: readonly ExplainedPart[];
  /** Inputs for want of which the score is missing; empty where it is not. */
  readonly missingInputs: readonly string[];
  /** How many parts of a weighted mean must be known; null for other scores. */
  readonly needs: number | null;
}

export interface ExplainedPart {
  readonly name: string;
  readonly label: string;
  readonly value: number | null;
  /** 0..1; the shares of the parts that are known add up to 1. */
  readonly share: number;
}

/** A note of an account manager and how much it counts. */
export interface ExplainedNote extends CountedNote {
  /** The score that reads it. */
  readonly score: string;
  /** Who wrote it; null where the facts of the customer are not at hand. */
  readonly by: string | null;
  /** Its shares of the weighted scores that it is part of, 0..1; empty where its score is part of none. */
  readonly counts: readonly { readonly score: string; readonly share: number }[];
}

/** A rating that decides a segment, with its cut-offs. Values and cut-offs are in the unit of `source`. */
export interface ExplainedRating {
  readonly name: string;
  readonly label: string;
  /** Of this run, before settling. */
  readonly level: number | null;
  /** In force. */
  readonly settledLevel: number | null;
  readonly levels: number;
  readonly source: string;
  readonly value: TraitValue | null;
  readonly cutoffs: readonly number[];
  /** Whose cut-offs they are; null: everybody's. */
  readonly partition: string | null;
  readonly whose: CutoffOwner | null;
  /** Cut-off to the next better level, how much falls short of it, and where it is entered, gap included; null at the best. */
  readonly above: {
    readonly level: number;
    readonly cutoff: number;
    readonly shortBy: number;
    readonly entersAt: number;
  } | null;
  /** Cut-off to the next worse level, how far the value is past it, and where it is left, gap included; null at the worst. */
  readonly below: {
    readonly level: number;
    readonly cutoff: number;
    readonly margin: number;
    readonly leavesAt: number;
  } | null;
  /** Highest level that a cap allows; null without a cap. */
  readonly cappedAt: number | null;
  /** The traits that bring the cap about; empty without one. */
  readonly cappedBy: readonly { readonly trait: string; readonly value: TraitValue }[];
  /** Closed periods in a row for which a lower level has been due, of how many; null if none is. */
  readonly waiting: {
    readonly level: number | null;
    readonly periods: number;
    readonly needed: number;
    readonly lastPeriod: string;
  } | null;
  /** First period in which it may change again after its last change; null outside a cooling-off. */
  readonly coolingOffUntil: Period | null;
}

export interface ExplainedDimension {
  readonly name: string;
  readonly label: string;
  readonly target: string;
  readonly actual: string;
  readonly actualLabel: string;
  readonly since: Period;
  readonly heldBack: readonly HoldBack[];
  readonly pinnedUntil: IsoDate | null;
  /** The segment that the settled ratings give, which is the actual one unless a person pinned another. */
  readonly byRatings: string;
  /** Where the customer goes if its figures and the cut-offs stay: the first period whose run moves it; null: nowhere. */
  readonly earliestMove: Period | null;
  readonly earliestMoveTo: string | null;
  /** What in the policy decided the segment that the settled ratings give. */
  readonly by:
    | {
        readonly kind: 'cell';
        readonly rows: string;
        readonly row: number;
        readonly columns: string;
        readonly column: number;
      }
    | { readonly kind: 'missing'; readonly scores: readonly string[]; readonly inputs: readonly string[] }
    | {
        readonly kind: 'rule';
        readonly number: number;
        readonly of: number;
        readonly conditions: readonly ExplainedCondition[];
      }
    | { readonly kind: 'rest'; readonly of: number };
  /** What falls short of the nearest better segment; null at the best one and where order has no meaning. */
  readonly nextBetter: { readonly segment: string; readonly needs: readonly ExplainedCondition[] } | null;
  /** How the customer came to move in this run, as far as the run before is known; null where it did not move. */
  readonly moved: ExplainedMove | null;
  /**
   * Where the smallest changes start from: the segment once every wait and pin is over, figures and cut-offs as they are.
   * Differs from `actual` while something is held back.
   */
  readonly headingFor: string;
  /** Smallest change of one figure that would move the customer, cut-offs of this run held fixed; null where none would. */
  readonly smallestUp: SmallestChange | null;
  readonly smallestDown: SmallestChange | null;
  /** The smallest that leads to any other segment, also where segments have no order; null where none does. */
  readonly smallest: SmallestChange | null;
  /** Of each input, the smallest change up, down and to another segment; the smallest first. */
  readonly changes: readonly SmallestChange[];
  /** What a missing input would bring if it alone became known. */
  readonly ifKnown: readonly IfKnown[];
}

export interface ExplainedCondition {
  readonly of: string;
  readonly value: TraitValue | null;
  readonly text: string;
}

export interface ExplainedMove {
  readonly from: string | null;
  readonly to: string;
  /**
   * `first`: no standing before. `own`: its own figures alone explain the move. `others`: it would have moved with its old
   * figures too, because cut-offs moved, and not without. `both`: it took both, or either would have done. `time`: neither;
   * a wait, a gap or a pin ended or began. `policy`: another policy is in force. `unknown`: the run before is not at hand.
   */
  readonly cause: 'first' | 'own' | 'others' | 'both' | 'time' | 'policy' | 'unknown';
  readonly inputs: readonly {
    readonly name: string;
    readonly before: TraitValue | null;
    readonly now: TraitValue | null;
  }[];
  readonly cutoffs: readonly {
    readonly score: string;
    readonly before: readonly number[];
    readonly now: readonly number[];
  }[];
}

export interface SmallestChange {
  /** A metric, or a trait as `trait.x`. */
  readonly metric: string;
  readonly from: TraitValue;
  readonly to: TraitValue;
  /** Set where any value but these would do; `to` is then one such value. */
  readonly otherThan?: readonly string[];
  readonly segment: string;
}

export interface IfKnown {
  readonly metric: string;
  /** Ranges (both ends included, open where absent) or single values, and the segment that each leads to. */
  readonly outcomes: readonly (
    | { readonly kind: 'range'; readonly from?: number; readonly to?: number; readonly segment: string }
    | { readonly kind: 'value'; readonly value: TraitValue; readonly segment: string }
    | { readonly kind: 'otherThan'; readonly values: readonly string[]; readonly segment: string }
  )[];
}
