import type { Instant } from './calendar.ts';
import type { AnswerScale } from './facts.ts';
import { type QuestionKind, SCALE_OF_QUESTION } from './policy.ts';

/** What a customer may ask for beside the score. */
export const WISHES = ['call', 'complaint', 'notMe'] as const;
export type Wish = (typeof WISHES)[number];

/** What may have mattered most to a customer's choice of the company. */
export const DECISION_FACTORS = ['price', 'brand', 'wordOfMouth', 'service'] as const;
export type DecisionFactor = (typeof DECISION_FACTORS)[number];

/** Takes a factor back that was named before. */
export const NO_FACTOR = 'none';

/** Signs that a machine answered. */
export type SuspicionSignal = 'honeypot' | 'tooFast' | 'burst' | 'notMe';

/** A score sooner after delivery than this is a machine's, in milliseconds. */
const TOO_FAST_MS = 3_000;
/** Different scores, or a confirmation of a suspect one, sooner than this after the last are a machine's, in milliseconds. */
const BURST_MS = 2_000;
/** How many earlier versions are kept. */
const KEPT_VERSIONS = 20;

export interface AnswerVersion {
  readonly version: number;
  /** Null where somebody only said that the mail was not meant for them. */
  readonly score: number | null;
  readonly comment: string;
  readonly wishes: readonly Wish[];
  /** Absent where the customer named none. */
  readonly factor?: DecisionFactor;
  readonly at: Instant;
  readonly signals: readonly SuspicionSignal[];
}

export const JUDGEMENTS = ['confirmed', 'discarded'] as const;

/** A person's word on whether an answer is a customer's own. It makes a version of its own and changes no score. */
export interface Judgement {
  /** The version of the answer that it made; it holds as long as this is the newest. */
  readonly version: number;
  readonly decision: (typeof JUDGEMENTS)[number];
  readonly by: string;
  readonly at: Instant;
  readonly reason: string;
}

/** The one answer to an invitation, with the audience facts frozen when the wave was planned. */
export interface Answer extends AnswerVersion {
  /** The invitation's id. */
  readonly answerId: string;
  readonly waveId: string;
  readonly customerId: string;
  readonly question: QuestionKind;
  readonly segment: string;
  readonly language: string;
  /** Whether it counts for nothing: a suspect one until it is confirmed, a discarded one always. */
  readonly suspect: boolean;
  /** All there ever were, oldest first; absent if nobody judged. */
  readonly judgements?: readonly Judgement[];
  /** Earlier versions, oldest first. */
  readonly history: readonly AnswerVersion[];
}

export const scaleRange = (question: QuestionKind): { readonly from: number; readonly to: number } => {
  const [from, to] = SCALE_OF_QUESTION[question].split('-').map(Number);
  return { from: from ?? 0, to: to ?? 10 };
};

export const isOnScale = (question: QuestionKind, score: number): boolean => {
  const { from, to } = scaleRange(question);
  return Number.isInteger(score) && score >= from && score <= to;
};

/** 0..1 with 1 best: the worst answer of the scale is 0, the best 1. */
export const normaliseAnswer = (scale: AnswerScale, score: number): number => {
  const [from = 0, to = 1] = scale.split('-').map(Number);
  return Math.min(1, Math.max(0, (score - from) / (to - from)));
};

/** Detractors of NPS (0–6), the lower two of CSAT's five, the lower three of CES's seven. */
const LOW_UP_TO: Readonly<Record<QuestionKind, number>> = { nps: 6, csat: 2, ces: 3 };
export const isLow = (question: QuestionKind, score: number): boolean => score <= LOW_UP_TO[question];

export interface SubmittedAnswer {
  /** Null is allowed with the wish `notMe` only; it leaves an earlier score. */
  readonly score: number | null;
  /** Cleaned. */
  readonly comment: string;
  readonly wishes: readonly Wish[];
  /** Absent where the question was left alone. */
  readonly factor?: DecisionFactor | typeof NO_FACTOR;
  readonly honeypot: boolean;
  readonly at: Instant;
}

/**
 * The answer after one more submission. The newest score wins, and none leaves the earlier one; an empty comment leaves the earlier one; wishes are those of
 * the newest submission. A factor left alone leaves the earlier one, since a form opened before may not know of it; only
 * {@link NO_FACTOR} takes it back. The same submission again gives the same object, so that a repeated POST changes nothing.
 *
 * @param deliveredAt when the mail was delivered, if known
 */
export const mergeAnswer = (
  before: Answer | undefined,
  frame: Pick<Answer, 'answerId' | 'waveId' | 'customerId' | 'question' | 'segment' | 'language'>,
  submitted: SubmittedAnswer,
  deliveredAt: Instant | undefined,
): Answer => {
  const comment = submitted.comment === '' ? (before?.comment ?? '') : submitted.comment;
  const wishes = WISHES.filter((wish) => submitted.wishes.includes(wish));
  const named = submitted.factor ?? before?.factor;
  const factor = named === NO_FACTOR ? undefined : named;
  const score = submitted.score ?? before?.score ?? null;
  const signals = signalsOf(before, { ...submitted, score }, deliveredAt);
  const same =
    before !== undefined &&
    before.score === score &&
    before.comment === comment &&
    before.wishes.join() === wishes.join() &&
    before.factor === factor;
  if (same && (!before.suspect || signals.length > 0 || judgementOf(before) !== undefined)) return before;
  return {
    ...frame,
    version: (before?.version ?? 0) + 1,
    score,
    comment,
    wishes,
    ...(factor === undefined ? {} : { factor }),
    at: submitted.at,
    signals,
    suspect: signals.length > 0,
    ...(before?.judgements === undefined ? {} : { judgements: before.judgements }),
    history: before === undefined ? [] : [...before.history, versionOf(before)].slice(-KEPT_VERSIONS),
  };
};

/** The judgement in force: of the newest version. An answer that the customer changed since has none. */
export const judgementOf = ({
  version,
  judgements = [],
}: Pick<Answer, 'version' | 'judgements'>): Judgement | undefined =>
  judgements.findLast((one) => one.version === version);

/** The version with which the customer last said something: judgements make versions too. */
export const contentVersion = ({ version, judgements = [] }: Pick<Answer, 'version' | 'judgements'>): number => {
  let content = version;
  while (judgements.some((one) => one.version === content)) content -= 1;
  return content;
};

const versionOf = ({ score, comment, wishes, factor, at, signals, ...answer }: Answer): AnswerVersion => ({
  version: contentVersion(answer),
  score,
  comment,
  wishes,
  ...(factor === undefined ? {} : { factor }),
  at,
  signals,
});

const signalsOf = (
  before: Answer | undefined,
  submitted: SubmittedAnswer,
  deliveredAt: Instant | undefined,
): readonly SuspicionSignal[] => {
  const at = Date.parse(submitted.at);
  const signals: SuspicionSignal[] = [];
  if (submitted.honeypot) signals.push('honeypot');
  if (deliveredAt !== undefined && at - Date.parse(deliveredAt) < TOO_FAST_MS) signals.push('tooFast');
  const changesOrConfirms = before !== undefined && (before.score !== submitted.score || before.suspect);
  if (changesOrConfirms && at - Date.parse(before.at) < BURST_MS) signals.push('burst');
  if (submitted.wishes.includes('notMe')) signals.push('notMe');
  return signals;
};

export type CaseReason = 'complaint' | 'callMe' | 'lowAnswer' | 'wrongPerson';

/**
 * Whether an answer needs a person, and why. Machines' answers never do unless they are confirmed, nor do discarded ones. A
 * complaint, a wish to be called, or "this is not me" does whatever the score; a low score does with a comment, or where the
 * policy marks the segment.
 *
 * @param everyLow whether every low answer of the segment opens a case
 */
export const caseReasonOf = (answer: Answer, everyLow: boolean): CaseReason | undefined => {
  const decision = judgementOf(answer)?.decision;
  const isMachines = answer.signals.some((signal) => signal !== 'notMe') && decision !== 'confirmed';
  if (isMachines || decision === 'discarded') return undefined;
  if (answer.wishes.includes('notMe')) return 'wrongPerson';
  if (answer.wishes.includes('complaint')) return 'complaint';
  if (answer.wishes.includes('call')) return 'callMe';
  const low = answer.score !== null && isLow(answer.question, answer.score);
  return low && (answer.comment !== '' || everyLow) ? 'lowAnswer' : undefined;
};
