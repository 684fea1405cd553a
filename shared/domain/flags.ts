import type { Instant, IsoDate, Period } from './calendar.ts';
import { withoutSatisfaction } from './satisfaction.ts';

export type FlagKind = 'upgrade' | 'exit';
export const FLAG_STATES = ['open', 'approved', 'refused', 'expired', 'withdrawn'] as const;
export type FlagState = (typeof FLAG_STATES)[number];

/** What a run proposes of one customer. */
export interface RaisedFlag {
  readonly kind: FlagKind;
  readonly subject: string;
  readonly customerId: string;
  /** The run that raised it, or that last confirmed it. */
  readonly runId: string;
  readonly period: Period;
  readonly segment: string;
  readonly branch: string | null;
  readonly manager: string | null;
  /** Value at stake, in the unit of the policy's value metric. */
  readonly stake: number;
  readonly evidence: Readonly<Record<string, string | number>>;
  readonly raisedAt: Instant;
  /** Last day on which it can be decided, inclusive. */
  readonly expiresOn: IsoDate;
  /** Who decides by the policy of the run that raised it. */
  readonly decides?: string;
  /** Who started the run that raised it, where a person did; another person approves it. */
  readonly proposedBy?: string;
}

/** Names of figures of potential in the evidence of an upgrade. No score can have a dot in its name. */
export const POTENTIAL_KEYS = {
  of: 'potential.score',
  value: 'potential.value',
  atLeast: 'potential.atLeast',
} as const;

/** One thing that happened to a proposal; `by` is a run id or a person. */
export interface FlagEvent {
  readonly event: 'raised' | 'confirmed' | 'approved' | 'refused' | 'expired' | 'withdrawn' | 'reopened';
  readonly at: Instant;
  readonly by: string;
  readonly reason?: string;
  /** Why the product did it; `reason` is the same in English. Absent where a person gave the reason. */
  readonly cause?: FlagCause;
}

/** Why the product closed a proposal, or opened it again. */
export type FlagCause =
  | { readonly code: 'undecided'; readonly until: IsoDate }
  | { readonly code: 'rollback'; readonly why: string }
  | { readonly code: 'runAbandoned'; readonly runId: string };

export interface Flag extends RaisedFlag {
  readonly state: FlagState;
  /** Ascending by time; earlier proposals of the same kind for the same customer included. */
  readonly history: readonly FlagEvent[];
}

/** A person's decision on an open proposal, or its expiry. */
export interface FlagSettlement {
  readonly state: 'approved' | 'refused' | 'expired';
  readonly by: string;
  readonly at: Instant;
  readonly reason?: string;
  readonly cause?: FlagCause;
}

/** The proposal after a run raised it. @returns undefined where the run has said so before, or a person's decision covers it */
export const raised = (
  stored: Flag | undefined,
  proposal: RaisedFlag,
): { readonly next: Flag; readonly outcome: 'raised' | 'confirmed' } | undefined => {
  if (stored?.history.some((event) => event.by === proposal.runId && isRunEvent(event))) return undefined;
  // The run may not know of the decision: it came after the facts were frozen, or a crash kept it from them.
  const decision = stored === undefined ? undefined : lastDecision(stored);
  if (stored !== undefined && decision !== undefined && stored.state === decision.event) {
    const isCoveredNow = isCovered(proposal, { decision: decision.event, evidence: stored.evidence });
    if (decision.at >= proposal.raisedAt || isCoveredNow) return undefined;
  }
  const history = stored?.history ?? [];
  if (stored?.state === 'open') {
    const event: FlagEvent = { event: 'confirmed', at: proposal.raisedAt, by: proposal.runId };
    // Whoever confirms it did not propose it: the proposer stays.
    const { proposedBy: _, ...confirmed } = proposal;
    return {
      outcome: 'confirmed',
      next: {
        ...confirmed,
        ...(stored.proposedBy === undefined ? {} : { proposedBy: stored.proposedBy }),
        raisedAt: stored.raisedAt,
        expiresOn: stored.expiresOn,
        state: 'open',
        history: [...history, event],
      },
    };
  }
  const event: FlagEvent = { event: 'raised', at: proposal.raisedAt, by: proposal.runId };
  return { outcome: 'raised', next: { ...proposal, state: 'open', history: [...history, event] } };
};

const isRunEvent = (event: FlagEvent): boolean => event.event === 'raised' || event.event === 'confirmed';

/** The proposal taken back. @returns undefined where it is not open */
export const withdrawn = (stored: Flag | undefined, runId: string, at: Instant): Flag | undefined =>
  stored?.state === 'open'
    ? { ...stored, state: 'withdrawn', history: [...stored.history, { event: 'withdrawn', at, by: runId }] }
    : undefined;

/**
 * The proposal as if the run had not been: what it raised is withdrawn, what it withdrew is open again with its old dates. A
 * person's decision stands; a proposal that the run only confirmed stays open with the run's figures, since the ones before
 * are not kept.
 *
 * @returns undefined where there is nothing to undo, also the second time
 */
export const undone = (
  stored: Flag | undefined,
  runId: string,
  rollback: { readonly by: string; readonly at: Instant; readonly reason: string; readonly cause?: FlagCause },
): { readonly next: Flag; readonly outcome: 'withdrawn' | 'reopened' } | undefined => {
  if (stored === undefined) return undefined;
  const last = stored.history.at(-1);
  if (stored.state === 'withdrawn' && last?.event === 'withdrawn' && last.by === runId) {
    return {
      outcome: 'reopened',
      next: { ...stored, state: 'open', history: [...stored.history, { event: 'reopened', ...rollback }] },
    };
  }
  const raisedBy = stored.history.findLast((event) => event.event === 'raised' || event.event === 'reopened')?.by;
  if (stored.state !== 'open' || raisedBy !== runId) return undefined;
  return {
    outcome: 'withdrawn',
    next: { ...stored, state: 'withdrawn', history: [...stored.history, { event: 'withdrawn', ...rollback }] },
  };
};

/** The proposal closed. @returns undefined where it is not open */
export const settled = (stored: Flag | undefined, settlement: FlagSettlement): Flag | undefined =>
  stored?.state === 'open'
    ? {
        ...stored,
        state: settlement.state,
        history: [
          ...stored.history,
          {
            event: settlement.state,
            at: settlement.at,
            by: settlement.by,
            ...(settlement.reason === undefined ? {} : { reason: settlement.reason }),
            ...(settlement.cause === undefined ? {} : { cause: settlement.cause }),
          },
        ],
      }
    : undefined;

export interface DecisionEvent extends FlagEvent {
  readonly event: 'approved' | 'refused';
}

const isDecisionEvent = (event: FlagEvent): event is DecisionEvent =>
  event.event === 'approved' || event.event === 'refused';

/** What a person last decided on a proposal of the kind for the customer; undefined if nobody ever did. */
export const lastDecision = (flag: Flag): DecisionEvent | undefined => flag.history.findLast(isDecisionEvent);

type Evidence = RaisedFlag['evidence'];

/**
 * Whether a decision covers what is proposed now, so that it is not proposed. Another step (other segment, other segment to
 * reach, or a new stay in the segment) is never covered. An approval covers everything else. A refusal no longer covers evidence
 * that has become materially stronger:
 *
 * - upgrade: what is missing to the limit has at least halved, potential has grown, or another rating or metric rises;
 * - exit: a rating has fallen below its level of then.
 *
 * More periods of the same are not new evidence, nor are answers. Thresholds are ours.
 */
export const isCovered = (
  proposed: { readonly kind: FlagKind; readonly evidence: Evidence },
  decided: { readonly decision: 'approved' | 'refused'; readonly evidence: Evidence },
): boolean => {
  const [now, then] = [withoutSatisfaction(proposed.evidence), withoutSatisfaction(decided.evidence)];
  const differs = (names: readonly string[]): boolean => names.some((name) => now[name] !== then[name]);
  if (differs(proposed.kind === 'upgrade' ? ['segment', 'wouldBe'] : ['segment', 'since'])) return false;
  if (decided.decision === 'approved') return true;
  if (proposed.kind === 'exit') {
    return !Object.entries(now).some(([name, level]) => {
      const before = then[name];
      return name !== 'periods' && typeof level === 'number' && typeof before === 'number' && level < before;
    });
  }
  const [missing, missed] = [now['shortBy'], then['shortBy']];
  const isNearer = typeof missing === 'number' && typeof missed === 'number' && missed > 0 && missing <= missed / 2;
  const [potential, before] = [now[POTENTIAL_KEYS.value], then[POTENTIAL_KEYS.value]];
  const hasGrown = typeof potential === 'number' && typeof before === 'number' && potential > before;
  return !isNearer && !hasGrown && !differs(['rising', 'metric']);
};

/** When a proposal was closed: the instant of its last event. Undefined while it is open. */
export const closedAt = (flag: Flag): Instant | undefined =>
  flag.state === 'open' ? undefined : flag.history.at(-1)?.at;

/** Ascending by when they were closed, then subject and kind, so that the order is the same everywhere. */
export const byClosed = (a: Flag, b: Flag): number => {
  const [left, right] = [a, b].map((flag) => `${closedAt(flag)} ${flag.subject} ${flag.kind}`);
  return String(left) < String(right) ? -1 : 1;
};

/** The greatest value at stake first; equal ones the oldest first, then by customer and kind. */
export const byStake = (a: Flag, b: Flag): number => {
  if (a.stake !== b.stake) return b.stake - a.stake;
  const [left, right] = [a, b].map((flag) => `${flag.raisedAt} ${flag.customerId} ${flag.kind}`);
  return String(left) < String(right) ? -1 : 1;
};
