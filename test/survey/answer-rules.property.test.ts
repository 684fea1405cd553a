import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Answer,
  caseReasonOf,
  DECISION_FACTORS,
  isOnScale,
  mergeAnswer,
  NO_FACTOR,
  normaliseAnswer,
  type SubmittedAnswer,
  scaleRange,
  WISHES,
} from '#shared/domain/answer-rules.ts';
import { cleanComment, isCommentShortEnough } from '#shared/domain/comment-text.ts';
import { SCALE_OF_QUESTION } from '#shared/domain/policy.ts';
import { NOW } from './memory.ts';

const frame = {
  answerId: 'i1',
  waveId: 'w',
  customerId: 'c1',
  question: 'nps',
  segment: 'hold',
  language: 'en',
} as const;
const submitted = (more: Partial<SubmittedAnswer> = {}): SubmittedAnswer => ({
  score: 9,
  comment: '',
  wishes: [],
  honeypot: false,
  at: NOW,
  ...more,
});
const answerOf = (more: Partial<SubmittedAnswer> = {}): Answer =>
  mergeAnswer(undefined, frame, submitted(more), undefined);
const later = (seconds: number): string => new Date(Date.parse(NOW) + seconds * 1000).toISOString();

describe('answers', () => {
  it('R12 keep the newest score and the last comment that was not empty, over any submissions', () => {
    const anySubmission = fc.record({ score: fc.integer({ min: 0, max: 10 }), comment: fc.constantFrom('', 'a', 'b') });
    fc.assert(
      fc.property(fc.array(anySubmission, { minLength: 1, maxLength: 12 }), (submissions) => {
        let answer: Answer | undefined;
        for (const [index, one] of submissions.entries()) {
          const next = mergeAnswer(answer, frame, submitted({ ...one, at: later(index * 60) }), undefined);
          expect(mergeAnswer(next, frame, submitted({ ...one, at: later(index * 60 + 30) }), undefined)).toBe(next);
          answer = next;
        }

        expect(answer?.score).toBe(submissions.at(-1)?.score);
        expect(answer?.comment).toBe(submissions.map((one) => one.comment).findLast((text) => text !== '') ?? '');
        expect(answer?.version).toBe((answer?.history.length ?? 0) + 1);
        expect(answer?.suspect).toBe(false);
      }),
    );
  });

  it('R12 keep the factor named last through submissions without one, until it is taken back; no version is lost', () => {
    const anySubmission = fc.record(
      {
        score: fc.integer({ min: 0, max: 10 }),
        comment: fc.constantFrom('', 'a'),
        factor: fc.constantFrom(...DECISION_FACTORS, NO_FACTOR),
      },
      { requiredKeys: ['score', 'comment'] },
    );
    fc.assert(
      fc.property(fc.array(anySubmission, { minLength: 1, maxLength: 12 }), (submissions) => {
        let answer: Answer | undefined;
        const versions: (string | undefined)[] = [];
        for (const [index, one] of submissions.entries()) {
          const next = mergeAnswer(answer, frame, submitted({ ...one, at: later(index * 60) }), undefined);
          expect(mergeAnswer(next, frame, submitted({ ...one, at: later(index * 60 + 30) }), undefined)).toBe(next);
          if (next !== answer) versions.push(next.factor);
          answer = next;
        }

        const named = submissions.map((one) => one.factor).findLast((factor) => factor !== undefined);
        expect(answer?.factor).toBe(named === NO_FACTOR ? undefined : named);
        expect([...(answer?.history ?? []), answer].map((version) => version?.factor)).toEqual(versions);
        expect(answer !== undefined && 'factor' in answer).toBe(answer?.factor !== undefined);
      }),
    );
  });

  it('R13 of different scores within two seconds stay suspect, in any order and with repeats, until one comes later', () => {
    const score = fc.integer({ min: 0, max: 10 });
    const burst = fc
      .array(fc.tuple(score, fc.integer({ min: 0, max: 1999 })), { minLength: 2, maxLength: 30 })
      .filter((submissions) => new Set(submissions.map(([one]) => one)).size > 1);
    fc.assert(
      fc.property(burst, (submissions) => {
        let answer: Answer | undefined;
        for (const [one, atMs] of submissions.toSorted((a, b) => a[1] - b[1])) {
          answer = mergeAnswer(answer, frame, submitted({ score: one, at: later(atMs / 1000) }), undefined);
        }

        expect(answer?.suspect).toBe(true);
        const last = answer?.score ?? 0;
        const confirmed = mergeAnswer(answer, frame, submitted({ score: last, at: later(4) }), undefined);
        expect(confirmed).toMatchObject({ suspect: false, score: last });
      }),
    );
  });

  it('R28 are normalised to 0..1, higher for a better answer', () => {
    for (const [question, scale] of Object.entries(SCALE_OF_QUESTION)) {
      const { from, to } = scaleRange(question as keyof typeof SCALE_OF_QUESTION);
      expect(normaliseAnswer(scale, from)).toBe(0);
      expect(normaliseAnswer(scale, to)).toBe(1);
      for (let score = from; score < to; score += 1) {
        expect(normaliseAnswer(scale, score)).toBeLessThan(normaliseAnswer(scale, score + 1));
      }
    }
  });

  it('R23 are whole numbers of their scale', () => {
    expect([-1, 0, 10, 11, 1.5, Number.NaN].map((score) => isOnScale('nps', score))).toEqual([
      false,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(isOnScale('csat', 0)).toBe(false);
    expect(isOnScale('ces', 7)).toBe(true);
  });

  it.each([
    [submitted({ score: 6, comment: 'slow' }), false, 'lowAnswer'],
    [submitted({ score: 6 }), false, undefined],
    [submitted({ score: 6 }), true, 'lowAnswer'],
    [submitted({ score: 7, comment: 'slow' }), true, undefined],
    [submitted({ score: 2, wishes: ['call'] }), false, 'callMe'],
    [submitted({ score: 10, wishes: ['complaint', 'call'] }), false, 'complaint'],
    [submitted({ score: 10, wishes: ['notMe'] }), false, 'wrongPerson'],
    [submitted({ score: 0, comment: 'x', honeypot: true }), true, undefined],
  ] as const)('open the case they call for: %j, every low %s: %s', (given, everyLow, reason) => {
    expect(caseReasonOf(answerOf(given), everyLow)).toBe(reason);
  });

  it('that were meant for somebody else do not count', () => {
    expect(answerOf({ wishes: [...WISHES] }).suspect).toBe(true);
  });
});

describe('comments', () => {
  it('R24 lose controls and turned text, keep letters and emoji, and are the same when cleaned again', () => {
    expect(cleanComment('  a\u0000b\r\nc\u202e\t好 👩‍👩‍👧 \u0085')).toBe('ab\nc\t好 👩‍👩‍👧');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const cleaned = cleanComment(text);

        expect(cleanComment(cleaned)).toBe(cleaned);
        expect(cleaned.isWellFormed()).toBe(true);
      }),
    );
  });

  it('are counted in code points', () => {
    expect(isCommentShortEnough('😀'.repeat(1000))).toBe(true);
    expect(isCommentShortEnough('a'.repeat(1001))).toBe(false);
  });
});
