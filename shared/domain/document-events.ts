import { createHash } from 'node:crypto';
import type { CaseReason, Wish } from './answer-rules.ts';
import type { AnswerEventType, BusinessEvent, CaseEventType, FlagEventType, OutboxEntry } from './business-event.ts';
import type { Flag, FlagEvent } from './flags.ts';
import type { QuestionKind } from './policy.ts';
import type { Move } from './standing.ts';

/**
 * Events that a change of a document means: whatever its history gained. Stores write them in the same write as the change, so
 * that a use case need not think of them.
 */

/** What events need of a case. */
interface CaseDocument {
  readonly caseId: string;
  readonly customerId: string;
  readonly waveId: string;
  readonly segment: string;
  readonly branch: string | null;
  readonly owner: { readonly kind: 'manager' | 'branch' | 'central' | 'superior' };
  readonly reason: CaseReason;
  readonly score: number | null;
  readonly question: QuestionKind;
  readonly priority: 'high' | 'normal';
  readonly dueAt: string;
  readonly state: 'open' | 'taken' | 'closed';
  readonly outcome?: string;
  readonly history: readonly { readonly event: string; readonly at: string }[];
}

const CASE_TYPES: Readonly<Record<string, CaseEventType>> = {
  opened: 'case.opened',
  taken: 'case.taken',
  escalated: 'case.escalated',
  closed: 'case.closed',
  reopened: 'case.reopened',
};

/** Events of a case between two states of it. @param before undefined: there was none */
export const caseEvents = (before: CaseDocument | undefined, after: CaseDocument): readonly OutboxEntry[] => {
  const known = before?.history.length ?? 0;
  return after.history.slice(known).map(({ event, at }, index) => {
    const sequence = known + index;
    const type = CASE_TYPES[event] ?? 'case.updated';
    return {
      event: {
        schema: 1,
        id: `case/${after.caseId}/${sequence}`,
        type,
        at,
        customerId: after.customerId,
        about: `case/${after.caseId}`,
        sequence,
        data: {
          caseId: after.caseId,
          waveId: after.waveId,
          state: after.state,
          reason: after.reason,
          question: after.question,
          score: after.score,
          segment: after.segment,
          branch: after.branch,
          owner: after.owner.kind,
          priority: after.priority,
          dueAt: after.dueAt,
          ...(after.outcome === undefined ? {} : { outcome: after.outcome }),
        },
      },
    };
  });
};

const FLAG_TYPES = {
  raised: 'flag.raised',
  confirmed: 'flag.confirmed',
  withdrawn: 'flag.withdrawn',
  expired: 'flag.expired',
  reopened: 'flag.reopened',
  approved: 'decision.approved',
  refused: 'decision.refused',
} as const satisfies Record<FlagEvent['event'], FlagEventType>;

/**
 * Events of a proposal between two states of it.
 *
 * @param before undefined: there was none
 * @param runId the run that made the change, or whose change is taken back; undefined where a person or
 *   the calendar decided
 */
export const flagEvents = (
  before: Flag | undefined,
  after: Flag,
  runId: string | undefined,
): readonly OutboxEntry[] => {
  const known = before?.history.length ?? 0;
  const about = `flag/${hashOf(`${after.subject} ${after.kind}`)}`;
  return after.history.slice(known).map(({ event, at }, index) => {
    const sequence = known + index;
    return {
      event: {
        schema: 1,
        id: `${about}/${sequence}`,
        type: FLAG_TYPES[event],
        at,
        customerId: after.customerId,
        about,
        sequence,
        data: {
          flag: after.kind,
          state: after.state,
          runId: after.runId,
          period: after.period,
          segment: after.segment,
          branch: after.branch,
          stake: after.stake,
          evidence: { ...after.evidence },
          expiresOn: after.expiresOn,
        },
      },
      ...(runId === undefined ? {} : { runId }),
    };
  });
};

/** What events need of a stored answer. */
interface AnswerDocument {
  readonly answer: {
    readonly answerId: string;
    readonly waveId: string;
    readonly customerId: string;
    readonly version: number;
    readonly question: QuestionKind;
    readonly score: number | null;
    readonly segment: string;
    readonly wishes: readonly Wish[];
    readonly suspect: boolean;
    readonly at: string;
    /** A person's words on it, each a version of its own. */
    readonly judgements?: readonly {
      readonly version: number;
      readonly decision: 'confirmed' | 'discarded';
      readonly at: string;
    }[];
  };
  readonly branch: string | null;
}

/** Events of an answer between two states of it. @param before undefined: there was none */
export const answerEvents = (before: AnswerDocument | undefined, after: AnswerDocument): readonly OutboxEntry[] => {
  const { answer } = after;
  if (answer.version === before?.answer.version) return [];
  const judgement = answer.judgements?.find((one) => one.version === answer.version);
  if (judgement !== undefined) return [answerEvent(after, `answer.${judgement.decision}`, judgement.at)];
  return [answerEvent(after, answer.version === 1 ? 'answer.stored' : 'answer.changed', answer.at)];
};

const answerEvent = ({ answer, branch }: AnswerDocument, type: AnswerEventType, at: string): OutboxEntry => ({
  event: {
    schema: 1,
    id: `answer/${answer.answerId}/${answer.version}`,
    type,
    at,
    customerId: answer.customerId,
    about: `answer/${answer.answerId}`,
    sequence: answer.version,
    data: {
      answerId: answer.answerId,
      waveId: answer.waveId,
      version: answer.version,
      question: answer.question,
      score: answer.score,
      segment: answer.segment,
      branch,
      wishes: [...answer.wishes],
      suspect: answer.suspect,
    },
  },
});

const BACK = { new: 'left', left: 'new', up: 'down', down: 'up', sideways: 'sideways' } as const;

/**
 * A move that a run published, or that its rollback took back: then the same move the other way.
 *
 * @param at when the run was published, or rolled back
 */
export const moveEvent = (
  run: { readonly runId: string; readonly seq: number; readonly period: string; readonly asOf: string },
  customer: { readonly subject: string; readonly customerId: string; readonly branch: string | null },
  move: Move,
  cause: 'run' | 'rollback',
  at: string,
): BusinessEvent => {
  const thing = hashOf(`${customer.subject} ${move.dimension}`);
  const isBack = cause === 'rollback';
  return {
    schema: 1,
    id: `move/${run.runId}/${thing}${isBack ? '/rollback' : ''}`,
    type: 'segment.moved',
    at,
    customerId: customer.customerId,
    about: `placement/${thing}`,
    sequence: 2 * run.seq + (isBack ? 1 : 0),
    data: {
      cause,
      runId: run.runId,
      period: run.period,
      asOf: run.asOf,
      dimension: move.dimension,
      from: isBack ? move.to : move.from,
      to: isBack ? move.from : move.to,
      kind: isBack ? BACK[move.kind] : move.kind,
      branch: customer.branch,
    },
  };
};

/** Subjects stay inside: with them and a customer id, a reader could undo the pseudonyms of the run files. */
const hashOf = (text: string): string => createHash('sha256').update(text, 'utf8').digest('base64url').slice(0, 22);
