import type { AnswerScale, NoteSubject } from './facts.ts';

/** A policy after validation: names resolved, defaults filled in, scores in the order of their dependencies. */
export interface Policy {
  readonly name: string;
  /** First 12 hex digits of SHA-256 over the canonical JSON of the parsed content; comments do not count. */
  readonly version: string;
  /** The full SHA-256, hex. */
  readonly hash: string;
  readonly title: Label;
  readonly timeZone: string;
  readonly currency: string;
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly scores: Readonly<Record<string, Score>>;
  /** Score names, dependencies first. */
  readonly scoreOrder: readonly string[];
  readonly dimensions: Readonly<Record<string, Dimension>>;
  /** The dimension that flags and the survey refer to, and service plans written without a dimension. */
  readonly mainDimension: string;
  /** The metric that says what a customer is worth: Pareto curve, ranking, stakes. */
  readonly valueMetric: string;
  readonly moves: MoveRules;
  readonly flags: { readonly upgrade?: UpgradeRule; readonly exit?: ExitRule };
  readonly service: ServicePlans;
  readonly survey?: SurveyRule;
  readonly brakes: Brakes;
  /** The policy as written (parsed content), stored with each run. */
  readonly source: unknown;
}

/** Service plans: dimension → segment → terms. A term is stated in one dimension only. */
export type ServicePlans = Readonly<Record<string, Readonly<Record<string, ServiceTerms>>>>;
export type ServiceTerms = Readonly<Record<string, ServiceTerm>>;
/** A word of the catalogue such as `preferential`, a figure such as days, or a text in both languages. */
export type ServiceTerm = string | number | Label;

export interface Label {
  readonly en: string;
  readonly zh: string;
}

export type Metric = {
  readonly label: Label;
  readonly unit: 'money' | 'days' | 'count' | 'ratio' | 'number' | 'text';
} & (
  | { readonly kind: 'trait'; readonly trait: string }
  /** Last value minus the value `months` ago; `relative` divides by the absolute older value. */
  | { readonly kind: 'traitChange'; readonly trait: string; readonly months: number; readonly relative: boolean }
  | { readonly kind: 'traitMean'; readonly trait: string; readonly months: number }
  /** One trait divided by another, such as a share of wallet; missing where either is, or where the divisor is not positive. */
  | { readonly kind: 'traitRatio'; readonly trait: string; readonly dividedBy: string }
  /** Whole days since the date (`YYYY-MM-DD`) in a text trait; missing where it is no date or lies ahead. */
  | { readonly kind: 'traitAgeDays'; readonly trait: string }
  | { readonly kind: 'recencyDays'; readonly where?: Readonly<Record<string, readonly string[]>> }
  | {
      readonly kind: 'orders' | 'spend';
      readonly windowDays?: number;
      readonly where?: Readonly<Record<string, readonly string[]>>;
    }
  /** Days since the first purchase. */
  | { readonly kind: 'tenureDays' }
  /** Spend (or number of purchases) in the window minus that of the window compared with, divided by the latter. */
  | {
      readonly kind: 'spendGrowth' | 'ordersGrowth';
      readonly windowDays: number;
      readonly against: GrowthAgainst;
      readonly where?: Readonly<Record<string, readonly string[]>>;
    }
  /** Share of purchases in the window whose attribute has one of the values. */
  | {
      readonly kind: 'attributeShare';
      readonly attribute: string;
      readonly values: readonly string[];
      readonly windowDays?: number;
      readonly where?: Readonly<Record<string, readonly string[]>>;
    }
  /** Most frequent value of the attribute in the window; below `atLeastShare` it is `mixed`. */
  | {
      readonly kind: 'dominantAttribute';
      readonly attribute: string;
      readonly atLeastShare: number;
      readonly windowDays?: number;
      readonly where?: Readonly<Record<string, readonly string[]>>;
    }
);

/** What a window is compared with: the days just before it, or as many days that end on the same day one year earlier. */
export const GROWTH_AGAINST = ['windowBefore', 'sameSeasonLastYear'] as const;
export type GrowthAgainst = (typeof GROWTH_AGAINST)[number];

export type Better = 'high' | 'low';

/**
 * A score. Levels are 1..n with n best; `weighted`, `satisfaction`, `note`, `shareOfTotal` and
 * `expectedPurchases` are continuous.
 * `missing` is the level of customers whose value is missing; without it their level is missing too.
 */
export type Score = {
  readonly label: Label;
  readonly caps: readonly Cap[];
} /** Rank classes with equal numbers of customers; ties together. `within` names a trait, `branch` or `manager`. */ & (
  | {
      readonly kind: 'quantile';
      readonly of: string;
      readonly n: number;
      readonly better: Better;
      readonly within?: string;
      readonly smallestPartition: number;
      readonly missing?: number;
    }
  /** Pareto classes: the customers that together hold the first `shares[0]` of the total are the best class, and so on. */
  | {
      readonly kind: 'cumulativeShare';
      readonly of: string;
      readonly shares: readonly number[];
      readonly within?: string;
      readonly smallestPartition: number;
      readonly missing?: number;
    }
  /** Fixed cut points, ascending: below the first is 1; a value equal to a cut belongs to the upper class. */
  | {
      readonly kind: 'bands';
      readonly of: string;
      readonly cuts: readonly number[];
      readonly better: Better;
      readonly missing?: number;
    }
  /** Weighted mean over the parts that are present; missing if fewer than `needs` are. */
  | { readonly kind: 'weighted'; readonly parts: Readonly<Record<string, number>>; readonly needs: number }
  /** A level by the value of a text metric or trait. */
  | {
      readonly kind: 'lookup';
      readonly of: string;
      readonly levels: Readonly<Record<string, number>>;
      readonly otherwise?: number;
      readonly missing?: number;
    }
  /** Satisfaction 0..100 from answers (REQUIREMENTS 28). */
  | { readonly kind: 'satisfaction'; readonly halfLifeDays: number; readonly shrinkage: number }
  /** What account managers say, 1..5; a note loses half of its weight every `halfLifeDays`. Missing without a note. */
  | { readonly kind: 'note'; readonly about: NoteSubject; readonly halfLifeDays: number }
  /**
   * The value divided by the sum of the positive values of the customer's partition (of everybody without `within`). Missing
   * where the customer has no partition, or its partition fewer values than `smallestPartition`.
   */
  | { readonly kind: 'shareOfTotal'; readonly of: string; readonly within?: string; readonly smallestPartition: number }
  /** Purchases expected in the next days by BG/NBD, fitted in the run on the whole population. */
  | { readonly kind: 'expectedPurchases'; readonly horizonDays: number }
);

/** Limits a score for customers whose trait has one of the values. */
export interface Cap {
  readonly when: Readonly<Record<string, readonly string[]>>;
  readonly atMost: number;
}

export interface Segment {
  readonly label: Label;
}

export interface Dimension {
  readonly label: Label;
  /** In order from best to worst; the rest class included. */
  readonly segments: Readonly<Record<string, Segment>>;
  readonly segmentOrder: readonly string[];
  /** Whether the order means better and worse, so that a move is up or down. */
  readonly ordered: boolean;
  readonly by:
    | {
        readonly kind: 'matrix';
        readonly rows: string;
        readonly columns: string;
        /** `cells[rowLevel][columnLevel]`, both from 1. */
        readonly cells: Readonly<Record<number, Readonly<Record<number, string>>>>;
        readonly missing: string;
      }
    | { readonly kind: 'rules'; readonly rules: readonly Rule[]; readonly rest: string };
}

export interface Rule {
  readonly segment: string;
  readonly when: readonly Condition[];
}

/** All conditions of a rule must hold. A missing value fulfils only `missing: true`. */
export type Condition =
  | { readonly kind: 'range'; readonly of: string; readonly from?: number; readonly to?: number }
  | { readonly kind: 'oneOf'; readonly of: string; readonly values: readonly (string | number | boolean)[] }
  | { readonly kind: 'missing'; readonly of: string; readonly missing: boolean };

export interface MoveRules {
  /** Enter/leave gap as a share of the class width; 0 switches it off. */
  readonly margin: number;
  readonly downgradeAfterPeriods: number;
  readonly coolingOffMonths: number;
}

export interface UpgradeRule {
  readonly from: readonly string[];
  /** The score whose next cut-off is nearly reached. */
  readonly rising: string;
  /** How much may be missing, as a share of the cut-off. */
  readonly shortBy: number;
  /** Potential that is asked for besides: a score of at least so much. Who lacks the score is not proposed. */
  readonly potential?: { readonly of: string; readonly atLeast: number };
  /** Satisfaction 0..100 that is asked for where it is known with more than low confidence; unknown is held against nobody. */
  readonly satisfaction?: { readonly atLeast: number };
  /** How many a run opens for an account manager, and for a branch; without `perBranch` as many as its managers have. */
  readonly perManager: number;
  readonly perBranch?: number;
  readonly expiresDays: number;
  readonly decides: string;
}

export interface ExitRule {
  readonly from: readonly string[];
  readonly afterPeriods: number;
  readonly notIf: readonly ('openCase' | 'pinned')[];
  readonly perManager: number;
  readonly perBranch?: number;
  readonly expiresDays: number;
  readonly decides: string;
}

export type QuestionKind = 'nps' | 'csat' | 'ces';
export const SCALE_OF_QUESTION: Readonly<Record<QuestionKind, AnswerScale>> = { nps: '0-10', csat: '1-5', ces: '1-7' };

export interface SurveyRule {
  readonly ask: QuestionKind;
  /** Share of each segment to ask, 0..1. */
  readonly share: Readonly<Record<string, number>>;
  /** Customers to ask of a segment, instead of a share. */
  readonly size?: Readonly<Record<string, number>>;
  /** At least so many per segment where there are as many; lifts shares, not sizes. */
  readonly atLeast: number;
  /** 0..100: of two surveys that want the same customer, the one with the higher number asks. */
  readonly priority: number;
  /** An invitation is put off only where so many days to answer are left. */
  readonly answerDays: number;
  /** Share of the account's mails in 24 hours that a survey may use, above 0 to 1. */
  readonly dailyQuotaShare: number;
  /** A survey whose invitations need more days than this is not begun. */
  readonly sendWithinDays: number;
  readonly reminderDays: number;
  readonly closesAfterDays: number;
  /** No address is asked again within so many days. */
  readonly contactEveryDays: number;
  /** Segments in which every low answer opens a case. */
  readonly caseFor: readonly string[];
  readonly caseDueHours: number;
  /** Share of the survey in the score, 0..0.25. */
  readonly weightInScore: number;
}

export const BRAKE_NAMES = [
  'movedShare',
  'flagShare',
  'inputDropShare',
  'staleInputDays',
  'emptiedSegment',
  'quarantineShare',
] as const;
export type BrakeName = (typeof BRAKE_NAMES)[number];

export interface Brakes {
  readonly movedShare: number;
  readonly flagShare: number;
  readonly inputDropShare: number;
  readonly staleInputDays: number;
  readonly emptiedSegment: 'hold' | 'allow';
  readonly quarantineShare: number;
}
