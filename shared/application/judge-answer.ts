import { answerState, judged } from '#shared/domain/answer-judgement.ts';
import { type Answer, type Judgement, judgementOf } from '#shared/domain/answer-rules.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import type { AnswerStore, StoredAnswer } from '#shared/ports/answer-store.ts';
import { checkedText } from './checked-text.ts';
import { type ProjectAnswerPorts, projectAnswer } from './project-answer.ts';

const TRIES = 12;

export interface JudgeAnswerPorts extends ProjectAnswerPorts {
  readonly answers: AnswerStore;
}

export interface AnswerVerdict {
  readonly decision: Judgement['decision'];
  /** The person who judges. */
  readonly by: string;
  readonly reason: string;
  /** Whether what a colleague said may be overruled. */
  readonly over?: boolean;
}

export interface JudgedAnswer {
  readonly stored: StoredAnswer;
  /** False where the same had been said before: nothing was changed. */
  readonly isNew: boolean;
  /** False where it has yet to reach the customer's facts; the sweeper brings it there within a minute. */
  readonly isProjected: boolean;
}

/**
 * A person's word on whether an answer is a customer's own: confirmed it counts, discarded it counts for nothing. It is kept
 * with the answer, brought to the customer's facts at once, and holds until the customer says something else. Saying the same
 * again changes nothing and completes what a crash left undone; the first name and reason stay. Of two people who differ one
 * comes first, and the other hears who did.
 *
 * @throws PermanentError `answer-unknown`, `answer-counts`, `answer-without-score`, `answer-judged`, `judge-is-party`, `reason-missing`: nothing has
 *   been changed then
 */
export const judgeAnswer = async (
  answerId: string,
  verdict: AnswerVerdict,
  ports: JudgeAnswerPorts,
): Promise<JudgedAnswer> => {
  const { decision, by, over = false } = verdict;
  const reason = checkedText('--reason', verdict.reason, 'it is kept with the answer');
  for (let tries = 0; tries < TRIES; tries += 1) {
    const before = await ports.answers.get(answerId);
    if (before === undefined) throw unknownAnswer(answerId);
    if (nameOnly(by) === nameOnly(before.manager ?? '')) throw partyError(before.answer, by);
    const state = answerState(before.answer);
    if (decision === 'confirmed' && before.answer.score === null) {
      throw new PermanentError('answer-without-score', `answer ${answerId} has no score, so nothing of it can count`, {
        hint: 'its reader says that the mail was meant for somebody else: work on its case, or discard it',
      });
    }
    if (state === decision) return bring(before, false, ports);
    if (state === 'counted' && decision === 'confirmed') {
      throw new PermanentError('answer-counts', `answer ${answerId} shows no sign of a machine and counts already`, {
        hint: 'resegment answer list --state suspect shows those that wait for a person',
      });
    }
    if ((state === 'confirmed' || state === 'discarded') && !over) throw judgedError(before.answer);
    const answer = judged(before.answer, { decision, by, at: ports.clock.now(), reason });
    const stored: StoredAnswer = { ...before, answer, pending: true };
    if ((await ports.answers.put(stored, before.answer.version)) === 'stored') return bring(stored, true, ports);
  }
  throw new RetryableError('answer-busy', `an answer kept changing under ${TRIES} attempts to judge it`, {
    hint: 'do it again',
  });
};

const bring = async (stored: StoredAnswer, isNew: boolean, ports: JudgeAnswerPorts): Promise<JudgedAnswer> => {
  if (!stored.pending) return { stored, isNew, isProjected: true };
  try {
    await projectAnswer(stored, ports);
  } catch {
    return { stored, isNew, isProjected: false };
  }
  // Of a customer who was erased meanwhile nothing stays.
  if ((await ports.answers.get(stored.answer.answerId)) === undefined) throw unknownAnswer(stored.answer.answerId);
  return { stored, isNew, isProjected: true };
};

/** Account managers are measured by these answers, so they judge none of their own customers'. */
const partyError = ({ answerId }: Answer, by: string): PermanentError =>
  new PermanentError('judge-is-party', `${by} is the account manager whom answer ${answerId} is about`, {
    hint: 'ask a colleague: nobody judges the answers of own customers',
  });

const judgedError = (answer: Answer): PermanentError => {
  const last = judgementOf(answer);
  return new PermanentError(
    'answer-judged',
    `answer ${answer.answerId} was ${last?.decision ?? '?'} by ${last?.by ?? '?'} at ${last?.at ?? '?'}: ${last?.reason ?? ''}`,
    { hint: 'to overrule a colleague, add --over' },
  );
};

const unknownAnswer = (answerId: string): PermanentError =>
  new PermanentError('answer-unknown', `there is no answer ${JSON.stringify(answerId.slice(0, 80))}`, {
    hint: answerId.startsWith('ext/')
      ? 'imported answers are corrected by importing the corrected row again'
      : 'resegment answer list --state all shows them; of an erased person none stays',
  });

/** A name without the mark of an unverified one, for comparison. */
const nameOnly = (name: string): string =>
  name
    .replace(/\(unverified\)$/u, '')
    .trim()
    .toLowerCase();
