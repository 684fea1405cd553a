import type { RunSummary } from '#shared/contracts/run-record.ts';
import type { Label, Metric, QuestionKind, ServicePlans } from '#shared/domain/policy.ts';
import type { Satisfaction } from '#shared/domain/satisfaction.ts';
import type { ReportOutcomes } from '../flag-outcomes.ts';
import type { WaveCounts } from '../summary-text.ts';
import type { TeamView } from '../team-view.ts';
import type { WaveResults } from '../wave-results.ts';
import type { WorkCost } from '../work-cost.ts';

/** Everything a report shows, gathered. Figures are in the unit of their metric; shares are 0..1. */
export interface ReportData {
  readonly summary: RunSummary;
  /** What the run cost until the report was written; absent where it kept nothing. */
  readonly cost?: WorkCost & { readonly usedOn: 'aws' | 'local' };
  readonly frozenAt: string;
  readonly closesPeriod: boolean;
  readonly by: string;
  readonly expiresAt: string | null;
  readonly error: string | null;
  readonly policy: ReportPolicy;
  /** Segments of the main dimension from best to worst. */
  readonly segments: readonly SegmentRow[];
  /** Customers now and in the run before, of every dimension's segments. */
  readonly counts: Readonly<
    Record<string, Readonly<Record<string, { readonly now: number; readonly before: number }>>>
  >;
  readonly movement: Readonly<Record<'up' | 'down' | 'sideways' | 'fresh' | 'left' | 'heldBack', Movement>>;
  readonly needsPerson: {
    readonly exits: number;
    readonly upgrades: number;
    /** null: not known to this report. */
    readonly casesDueToday: number | null;
    readonly uncertainMails: number | null;
  };
  /** At most ten, most urgent first. */
  readonly callFirst: readonly CallFirst[];
  /** Cumulative share of value held by the first share of customers, best first; null if the total is not positive. */
  readonly pareto: {
    readonly points: readonly (readonly [customers: number, value: number])[];
    /** Share of customers who hold 80 % of the value. */
    readonly customersFor80: number;
  } | null;
  readonly scores: readonly ScoreRow[];
  readonly survey: SurveyResult | null;
  readonly wave: WaveCounts | null;
  /** Results of the wave that the run's answers came from; absent or null where there is none. */
  readonly results?: WaveResults | null;
  /** The same wave by account manager and branch, with cases; absent or null where there is none. */
  readonly team?: TeamView | null;
  /** What became of flagged customers by the runs before; null where it is not looked at, absent where it is not to be shown. */
  readonly outcomes?: ReportOutcomes | null;
  readonly flags: {
    readonly shown: readonly ReportFlag[];
    /** Opened flags beyond those shown. */
    readonly more: number;
  };
  readonly quarantined: {
    readonly shown: readonly { readonly record: string; readonly reason: string }[];
    readonly more: number;
  };
}

export interface ReportPolicy {
  readonly title: Label;
  readonly mainDimension: string;
  readonly dimensions: readonly {
    readonly name: string;
    readonly label: Label;
    readonly segments: readonly { readonly name: string; readonly label: Label }[];
  }[];
  /** Names of metrics and scores, for figures in reasons. */
  readonly labels: Readonly<
    Record<string, { readonly label: Label; readonly unit: Metric['unit']; readonly inMinorUnits: boolean }>
  >;
  readonly valueMetric: string;
  readonly currency: string;
  readonly service: ServicePlans;
}

export interface SegmentRow {
  readonly segment: string;
  readonly count: number;
  readonly before: number;
  /** Total of the value metric. */
  readonly value: number;
  /** Share of the total value; null if the total is not positive. */
  readonly valueShare: number | null;
}

export interface Movement {
  readonly count: number;
  /** Total of the value metric of these customers. */
  readonly value: number;
}

export type CallReason = 'movedDown' | 'downgradeWaits' | 'openCase' | 'lowSatisfaction' | 'upgradeNear';

export interface CallFirst {
  readonly customerId: string;
  readonly manager: string | null;
  readonly branch: string | null;
  readonly segment: string | null;
  readonly value: number | null;
  readonly reasons: readonly CallReason[];
  /** Null or absent: not known. */
  readonly satisfaction?: Satisfaction | null;
}

export interface ScoreRow {
  readonly score: string;
  readonly label: Label;
  /** Mean over the customers who have the score, by segment of the main dimension; null if nobody has it. */
  readonly bySegment: Readonly<Record<string, { readonly mean: number | null; readonly n: number }>>;
  /** Smallest and largest mean, for shading. */
  readonly low: number;
  readonly high: number;
}

export interface SurveyResult {
  readonly ask: QuestionKind;
  /** Answers not older than this at the run's date count. */
  readonly windowDays: number;
  readonly rows: readonly SurveyRow[];
}

/** NPS is -100..100; satisfied shares (CSAT, CES) are 0..100. */
export interface SurveyRow {
  /** null: all segments together. */
  readonly segment: string | null;
  readonly answers: number;
  readonly invited?: number;
  readonly delivered?: number;
  /** null where nobody answered or the group is hidden. */
  readonly estimate: { readonly score: number; readonly low: number; readonly high: number } | null;
  /** Fewer answers than may be shown, or a group that would reveal such a one. */
  readonly hidden: boolean;
}

export interface ReportFlag {
  readonly kind: 'upgrade' | 'exit';
  readonly customerId: string;
  readonly manager: string | null;
  readonly branch: string | null;
  readonly segment: string | null;
  readonly stake: number;
  readonly evidence: Readonly<Record<string, string | number>>;
}
