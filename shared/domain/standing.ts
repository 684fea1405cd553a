import type { BgNbdFit } from './bg-nbd.ts';
import type { Instant, IsoDate, Period } from './calendar.ts';
import type { NoteSubject, TraitValue } from './facts.ts';

/** A value by name; null is missing. */
export type Values = Readonly<Record<string, TraitValue | null>>;
export type ScoreValues = Readonly<Record<string, number | null>>;

/** A rating after gaps, waiting and cooling-off (DECISIONS 14). Segments are pure functions of settled ratings. */
export interface SettledRating {
  /** null: missing. */
  readonly level: number | null;
  /** Period of the last change, or of the first rating. */
  readonly since: Period;
  /** The lower level (or missing) that is waiting for its periods; absent if none. */
  readonly waiting?: { readonly level: number | null; readonly periods: number; readonly lastPeriod: Period };
  /** Whether `since` was a change (starts a cooling-off) and not the first rating. */
  readonly changed: boolean;
}

export type HoldBack = 'margin' | 'waiting' | 'coolingOff' | 'pin';

export interface Placement {
  /** Segment that the policy computes from the raw ratings. */
  readonly target: string;
  /** Segment in force, from the settled ratings or a pin. */
  readonly actual: string;
  readonly since: Period;
  /**
   * Closed periods in a row in `actual`, this one included if the run closes it. Counted as far as the exit rule asks for
   * it (elsewhere up to 1), so that a standing at rest is not rewritten every month; `since` says how long it has lasted.
   */
  readonly periods: number;
  /** The last period that was counted. */
  readonly lastPeriod: Period | null;
  /** Why target and actual differ; empty if they do not. */
  readonly heldBack: readonly HoldBack[];
  readonly pinnedUntil?: IsoDate;
}

/** What a run says of one customer. At most 1 KB as stored. */
export interface Generation {
  /** Sequence number of the applied run. */
  readonly seq: number;
  readonly runId: string;
  readonly placements: Readonly<Record<string, Placement>>;
  readonly ratings: Readonly<Record<string, SettledRating>>;
  /**
   * What the next run compares with: the metric behind the upgrade rule's `rising` score, by the metric's name, for customers
   * near its next cut-off; empty for all others.
   */
  readonly values: ScoreValues;
  readonly flags: readonly ('upgrade' | 'exit')[];
}

/** The stored standing: newest generation and the one before (DECISIONS 3). Key: bucket and subject. */
export interface Standing {
  readonly subject: string;
  readonly current: Generation;
  readonly previous?: Generation;
}

/** The pointer item: what is published, what was abandoned, who is applying. */
export interface RunPointer {
  readonly published: {
    readonly seq: number;
    readonly runId: string;
    readonly asOf: IsoDate;
    readonly period: Period;
  } | null;
  readonly previous: {
    readonly seq: number;
    readonly runId: string;
    readonly asOf: IsoDate;
    readonly period: Period;
  } | null;
  readonly abandonedSeqs: readonly number[];
  readonly lastSeq: number;
  readonly applying: { readonly runId: string; readonly seq: number } | null;
  readonly rev: number;
}

/** A customer's purchases as BG/NBD sees them, in whole days; several purchases on one day count once. */
export interface PurchaseDays {
  /** Days with a purchase after the first one. */
  readonly repeatDays: number;
  /** From the first day with a purchase to the last one; 0 without a repeat. */
  readonly lastPurchaseDays: number;
  /** From the first day with a purchase to `asOf`. */
  readonly ageDays: number;
}

/** A note as a run counts it; who wrote it and why stays with the customer. */
export interface CountedNote {
  readonly noteId: string;
  readonly about: NoteSubject;
  /** 1..5, 5 is best. */
  readonly rating: number;
  /** Whole days from the note's date to `asOf`. */
  readonly ageDays: number;
}

/** One customer of a run, as measured: a row of the frame. Holds no customer id and no free text of people. */
export interface FrameRow {
  readonly bucket: number;
  readonly subject: string;
  readonly factsRev: number;
  readonly status: string;
  readonly branch: string | null;
  readonly manager: string | null;
  /** Metrics by name. */
  readonly metrics: Values;
  /** Traits that the policy reads directly (caps, lookups, rules, partitions). */
  readonly traits: Values;
  /** Measured only where the policy expects purchases; null without a purchase. */
  readonly purchaseDays?: PurchaseDays | null;
  /** Answers that count at `asOf`: value 0..1 and whole days of age. */
  readonly answers: readonly { readonly value: number; readonly ageDays: number }[];
  /** Notes that count at `asOf`, of each person the newest on each subject; measured only where the policy reads notes. */
  readonly notes?: readonly CountedNote[];
  readonly openCase: boolean;
  readonly pins: readonly { readonly dimension: string; readonly segment: string; readonly until: IsoDate }[];
  /** Decisions known when the facts were frozen, ascending; keeps a decided flag from coming back unchanged. */
  readonly decided: readonly {
    readonly kind: 'upgrade' | 'exit';
    readonly decision: 'approved' | 'refused';
    readonly date: IsoDate;
    readonly evidence?: Readonly<Record<string, string | number>>;
  }[];
  /** The visible generation before this run; null for a new customer. */
  readonly prior: Generation | null;
  /** Whether the stored item's newest generation is `prior` (else an unchanged standing is rewritten). */
  readonly priorIsNewest: boolean;
}

export type MoveKind = 'new' | 'up' | 'down' | 'sideways' | 'left';

export interface Move {
  readonly dimension: string;
  /** null: new. */
  readonly from: string | null;
  /** null: left. */
  readonly to: string | null;
  readonly kind: MoveKind;
}

export interface FlagProposal {
  readonly kind: 'upgrade' | 'exit';
  /** Short machine-readable evidence: figures by name. */
  readonly evidence: Readonly<Record<string, string | number>>;
  /** Value at stake, in the unit of the policy's value metric. */
  readonly stake: number;
  /** False where the capacity of the manager was used up: counted, not opened. */
  readonly opened: boolean;
}

/** One customer of a run, as decided: a row of the plan. */
export interface PlanRow {
  readonly bucket: number;
  readonly subject: string;
  readonly factsRev: number;
  readonly branch: string | null;
  readonly manager: string | null;
  /** Value of the policy's value metric; null is missing. */
  readonly value: number | null;
  readonly scores: ScoreValues;
  readonly next: Generation;
  readonly changed: boolean;
  readonly moves: readonly Move[];
  readonly flags: readonly FlagProposal[];
  readonly satisfaction: {
    readonly score: number;
    readonly answers: number;
    readonly ageDays: number;
    readonly confidence: number;
  } | null;
}

/** Cut-offs and parameters of a run, stored with it; together with a frame row and the policy they decide a standing. */
export interface Calibration {
  /** By score, then by partition (`*` is the whole population). Ascending cut points of the source value. */
  readonly cutoffs: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  /**
   * By `shareOfTotal` score, then by partition: the sum of the positive values of those that are large enough; 0 where
   * nothing is positive. Absent where the policy has no such score.
   */
  readonly totals?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** BG/NBD on this population; null where it could not be fitted, absent where the policy does not expect purchases. */
  readonly purchaseModel?: BgNbdFit | null;
  /** Prior mean 0..1 of satisfaction by segment of the main dimension; `*` is global. */
  readonly satisfactionMeans: Readonly<Record<string, number>>;
  /** Customers measured. */
  readonly population: number;
}

export interface RunContext {
  readonly runId: string;
  readonly seq: number;
  readonly asOf: IsoDate;
  readonly period: Period;
  /** Whether this run closes its period (scheduled) and so advances streaks. */
  readonly closesPeriod: boolean;
  readonly frozenAt: Instant;
}
