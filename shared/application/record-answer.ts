import { type Answer, isOnScale, mergeAnswer, type SubmittedAnswer } from '#shared/domain/answer-rules.ts';
import { cleanComment, isCommentShortEnough } from '#shared/domain/comment-text.ts';
import { PoisonError, RetryableError } from '#shared/errors.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';
import { measure } from '#shared/ports/metrics.ts';
import { type ProjectAnswerPorts, projectAnswer } from './project-answer.ts';

export interface RecordAnswerPorts extends ProjectAnswerPorts {
  readonly invitations: Pick<InvitationStore, 'get'>;
  /** Told where a stored answer could not be projected at once; the sweeper does it later. */
  readonly onProjectionFailed: (answerId: string, error: unknown) => void;
}

/** What a form says. `honeypot`: whether the field that people do not see was filled in. */
export interface AnswerForm extends Omit<SubmittedAnswer, 'at'> {
  readonly invitationId: string;
}

export type RecordResult =
  | { readonly kind: 'stored'; readonly answer: Answer }
  | { readonly kind: 'closed' }
  | { readonly kind: 'unknown' };

const TRIES = 12;

/**
 * Stores an answer, and only then projects it. Once this returns `stored`, the answer is durable whatever happens to the
 * projection. An erasure in between leaves no answer behind: it removes the invitation first, and that is looked at again.
 *
 * @throws PoisonError `answer-without-score`, `answer-out-of-scale`, `comment-too-long`
 */
export const recordAnswer = async (form: AnswerForm, ports: RecordAnswerPorts): Promise<RecordResult> => {
  const invitation = await ports.invitations.get(form.invitationId);
  if (invitation === undefined) return { kind: 'unknown' };
  if (form.score === null && !form.wishes.includes('notMe')) {
    throw new PoisonError(
      'answer-without-score',
      'only who says that the mail was meant for somebody else needs no score',
    );
  }
  if (form.score !== null && !isOnScale(invitation.question, form.score)) {
    throw new PoisonError(
      'answer-out-of-scale',
      `the score ${form.score} is not on the scale of ${invitation.question}`,
    );
  }
  const comment = cleanComment(form.comment);
  if (!isCommentShortEnough(comment))
    throw new PoisonError('comment-too-long', 'a comment has at most 1000 characters');
  for (let tries = 0; tries < TRIES; tries += 1) {
    const at = ports.clock.now();
    if (at >= invitation.closesAt) return { kind: 'closed' };
    const before = await ports.answers.get(form.invitationId);
    const answer = mergeAnswer(
      before?.answer,
      {
        answerId: form.invitationId,
        waveId: invitation.waveId,
        customerId: invitation.customerId,
        question: invitation.question,
        segment: invitation.segment,
        language: invitation.language,
      },
      {
        score: form.score,
        comment,
        wishes: form.wishes,
        honeypot: form.honeypot,
        at,
        ...(form.factor === undefined ? {} : { factor: form.factor }),
      },
      invitation.deliveredAt ?? invitation.invitation.at,
    );
    const stored = {
      answer,
      pending: true,
      subject: invitation.subject,
      branch: invitation.branch,
      manager: invitation.manager,
      caseForEveryLow: invitation.caseForEveryLow,
      caseDueHours: invitation.caseDueHours,
    };
    const unchanged = answer === before?.answer;
    if (!unchanged && (await ports.answers.put(stored, before?.answer.version ?? 0)) === 'conflict') continue;
    if ((await ports.invitations.get(form.invitationId)) === undefined) {
      await ports.answers.remove(form.invitationId);
      return { kind: 'unknown' };
    }
    if (!unchanged) measure('AnswersStored');
    if (!unchanged || before?.pending === true) {
      try {
        await projectAnswer(stored, ports);
      } catch (error) {
        ports.onProjectionFailed(answer.answerId, error);
      }
    }
    return { kind: 'stored', answer };
  }
  throw new RetryableError('answer-busy', `an answer kept changing under ${TRIES} attempts to store it`);
};
