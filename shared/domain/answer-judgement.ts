import { type Answer, type AnswerVersion, contentVersion, type Judgement, judgementOf } from './answer-rules.ts';
import type { Instant } from './calendar.ts';

/**
 * What an answer counts as: `counted` shows no sign of a machine; `suspect` does and waits for a person; `confirmed` and
 * `discarded` are a person's word on the newest version.
 */
export const ANSWER_STATES = ['counted', 'suspect', 'confirmed', 'discarded'] as const;
export type AnswerState = (typeof ANSWER_STATES)[number];

export const answerState = (answer: Answer): AnswerState =>
  judgementOf(answer)?.decision ?? (answer.suspect ? 'suspect' : 'counted');

/** The answer after a person's word: a version of its own, with the customer's score, comment and date as they were. */
export const judged = (answer: Answer, judgement: Omit<Judgement, 'version'>): Answer => {
  const version = answer.version + 1;
  return {
    ...answer,
    version,
    suspect: judgement.decision === 'discarded',
    judgements: [...(answer.judgements ?? []), { ...judgement, version }],
  };
};

/** When what the answer now counts as became known: the customer's own time, or that of the judgement. */
export const recordedAt = (answer: Answer): Instant => judgementOf(answer)?.at ?? answer.at;

/**
 * The answer as it was after each of its versions, oldest first, itself the last. Versions that are no longer kept are left
 * out.
 */
export const answerMoments = (answer: Answer): readonly Answer[] => {
  const { judgements = [], history } = answer;
  const contents: readonly AnswerVersion[] = [...history, { ...answer, version: contentVersion(answer) }];
  return contents.flatMap((content, index) => {
    const before = { ...answer, ...content, suspect: content.signals.length > 0, judgements: [], history: [] };
    const until = contents[index + 1]?.version ?? Number.POSITIVE_INFINITY;
    const words = judgements.filter(({ version }) => version > content.version && version < until);
    const moments: Answer[] = [before];
    for (const word of words) moments.push(judged(moments.at(-1) ?? before, word));
    return moments;
  });
};
