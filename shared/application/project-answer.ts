import { answerMoments, recordedAt } from '#shared/domain/answer-judgement.ts';
import {
  type Answer,
  caseReasonOf,
  contentVersion,
  judgementOf,
  normaliseAnswer,
} from '#shared/domain/answer-rules.ts';
import { dateIn } from '#shared/domain/calendar.ts';
import type { AnswerFact, CustomerFacts } from '#shared/domain/facts.ts';
import { SCALE_OF_QUESTION } from '#shared/domain/policy.ts';
import { RetryableError } from '#shared/errors.ts';
import type { AnswerStore, StoredAnswer } from '#shared/ports/answer-store.ts';
import type { CaseOwner, CaseStore, CustomerCase } from '#shared/ports/case-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import { measure, measureAge } from '#shared/ports/metrics.ts';
import { freeCustomer } from './work-case.ts';

export interface ProjectAnswerPorts {
  readonly clock: Clock;
  readonly answers: AnswerStore;
  readonly customers: Pick<CustomerStore, 'get' | 'put'>;
  readonly cases: CaseStore;
  /** IANA name; an answer's business date is the date in it. */
  readonly businessTimeZone: string;
}

const HOUR_MS = 3_600_000;
const TRIES = 12;
const SWEEP_SIZE = 500;

/**
 * Brings one stored answer to its customer's facts and opens the case it calls for. Doing it again changes nothing; an older
 * version never replaces a newer one. Of a customer who was erased, perhaps in between,
 * neither answer nor case stays.
 */
export const projectAnswer = async (stored: StoredAnswer, ports: ProjectAnswerPorts): Promise<void> => {
  const { answer } = stored;
  const isKnown = (await ports.customers.get(answer.customerId)) !== undefined;
  if (isKnown) {
    const due = caseAfter(undefined, stored);
    const isOld = due === undefined ? answer.version > 1 : (await ports.cases.createIfAbsent(due)) === 'exists';
    if (due !== undefined && !isOld) measure('CasesOpened');
    if (isOld) await ports.cases.update(answer.answerId, (known) => caseAfter(known, stored) ?? known);
  }
  if (!isKnown || (await projectFact(answer, ports)) === 'erased') {
    await ports.cases.remove(answer.answerId);
    await ports.answers.remove(answer.answerId);
    return;
  }
  await ports.answers.clearPending(answer.answerId, answer.version);
  measure('AnswersProjected');
};

/** Projects the answers that a crash kept from their customers. @returns how many were projected and how many failed */
export const projectPendingAnswers = async (
  ports: ProjectAnswerPorts,
): Promise<{ readonly projected: number; readonly failed: number }> => {
  let projected = 0;
  let failed = 0;
  let oldest: string | undefined;
  for (;;) {
    const pending = await ports.answers.listPending(SWEEP_SIZE);
    const before = projected;
    failed = 0;
    oldest = undefined;
    for (const listed of pending) {
      const stored = await ports.answers.get(listed.answer.answerId);
      if (stored?.pending !== true) continue;
      try {
        await projectAnswer(stored, ports);
        projected += 1;
      } catch {
        failed += 1;
        const at = recordedAt(stored.answer);
        if (oldest === undefined || at < oldest) oldest = at;
      }
    }
    if (pending.length < SWEEP_SIZE || projected === before) {
      measureAge('OldestAnswerSeconds', oldest, ports.clock.now());
      return { projected, failed };
    }
  }
};

const projectFact = async (answer: Answer, ports: ProjectAnswerPorts): Promise<'projected' | 'erased'> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const facts = await ports.customers.get(answer.customerId);
    if (facts === undefined) return 'erased';
    const opened = await ports.cases.get(answer.answerId);
    const openCase = opened !== undefined && opened.state !== 'closed' ? opened.caseId : facts.openCase;
    const known = facts.answers[answer.answerId];
    const newer = known === undefined || known.version < answer.version;
    if (!newer && openCase === facts.openCase) return 'projected';
    const next: CustomerFacts = {
      ...facts,
      factsRev: facts.factsRev + 1,
      changedAt: ports.clock.now(),
      answers: newer ? { ...facts.answers, [answer.answerId]: factOf(answer, ports.businessTimeZone) } : facts.answers,
      ...(openCase === undefined ? {} : { openCase }),
    };
    if ((await ports.customers.put(next, facts.factsRev)) === 'stored') {
      if (openCase === answer.answerId && facts.openCase !== openCase)
        await freeIfClosed(openCase, facts.openCase, ports);
      return 'projected';
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * (tries + 1)));
  }
  throw new RetryableError(
    'customer-busy',
    `a customer's facts kept changing under ${TRIES} attempts to add an answer`,
  );
};

/** A case that was closed before the customer's facts had it leaves them again. */
const freeIfClosed = async (caseId: string, before: string | undefined, ports: ProjectAnswerPorts): Promise<void> => {
  const known = await ports.cases.get(caseId);
  if (known?.state === 'closed') await freeCustomer(known, async () => before, ports);
};

const factOf = (answer: Answer, timeZone: string): AnswerFact => {
  const scale = SCALE_OF_QUESTION[answer.question];
  return {
    answerId: answer.answerId,
    version: answer.version,
    // Without a score it is suspect, cannot be confirmed, and counts for nothing.
    value: answer.score === null ? 0 : normaliseAnswer(scale, answer.score),
    scale,
    date: dateIn(timeZone, answer.at),
    recordedAt: recordedAt(answer),
    suspect: answer.suspect,
  };
};

/**
 * The case after all versions of its answer, whichever of them came to it before: what is already in it changes nothing. A
 * version that calls for a person opens it, also if a later one came before anybody saw it. A later version of the
 * customer's updates score and reason; one that calls for a person opens a closed case again, with a new due time. Suspect
 * versions change nothing until they are confirmed. A discarded answer marks its case and leaves it to whoever has it.
 *
 * @param known as stored; undefined if there is none
 * @returns the same object where nothing changes
 */
export const caseAfter = (known: CustomerCase | undefined, stored: StoredAnswer): CustomerCase | undefined =>
  answerMoments(stored.answer).reduce(
    (before, moment) => (before === undefined ? caseOf(moment, stored) : caseAfterMoment(before, moment, stored)),
    known,
  );

const caseAfterMoment = (known: CustomerCase, answer: Answer, stored: StoredAnswer): CustomerCase => {
  const judgement = judgementOf(answer);
  const isNewContent = contentVersion(answer) > (known.answerVersion ?? 1);
  if (judgement === undefined) return isNewContent ? afterContent(known, answer, stored) : known;
  // Older than what the case was last changed by: it was about something that the customer has replaced, or is in already.
  if (judgement.version <= Math.max(known.judgedVersion ?? 0, known.answerVersion ?? 1)) return known;
  const { by, at, reason, version: judgedVersion } = judgement;
  const { answerDiscarded: marked, ...unmarked } = known;
  if (judgement.decision === 'discarded') {
    const event = { event: 'answerDiscarded', at, by, note: reason } as const;
    return { ...known, judgedVersion, answerDiscarded: { by, at, reason }, history: [...known.history, event] };
  }
  if (isNewContent) return { ...afterContent(unmarked, answer, stored), judgedVersion };
  if (marked === undefined) return known;
  const event = { event: 'answerConfirmed', at, by, note: reason } as const;
  return { ...unmarked, judgedVersion, history: [...known.history, event] };
};

/** The case after its customer said something else, or after that was confirmed. */
const afterContent = (known: CustomerCase, answer: Answer, stored: StoredAnswer): CustomerCase => {
  const again = caseOf(answer, stored);
  if (again === undefined && (answer.suspect || known.state === 'closed')) return known;
  const { outcome: _ended, answerDiscarded: _mark, ...rest } = known;
  const event = {
    event: known.state === 'closed' ? 'reopened' : 'updated',
    at: recordedAt(answer),
    by: judgementOf(answer)?.by ?? 'customer',
    note: `score ${known.score ?? '–'} → ${answer.score ?? '–'}`,
  } as const;
  const next = {
    ...rest,
    score: answer.score,
    reason: again?.reason ?? known.reason,
    answerVersion: contentVersion(answer),
    history: [...known.history, event],
  };
  if (known.state !== 'closed' || again === undefined) return next;
  return { ...next, state: 'open', openedAt: again.openedAt, dueAt: again.dueAt };
};

const ownerOf = (stored: StoredAnswer): CaseOwner => {
  if (stored.manager !== null) return { kind: 'manager', name: stored.manager };
  return stored.branch !== null ? { kind: 'branch', name: stored.branch } : { kind: 'central', name: 'central' };
};

/** The case that an answer calls for; undefined if it calls for none. Its time runs from when the answer began to count. */
const caseOf = (answer: Answer, stored: StoredAnswer): CustomerCase | undefined => {
  const reason = caseReasonOf(answer, stored.caseForEveryLow);
  if (reason === undefined) return undefined;
  const openedAt = recordedAt(answer);
  const judgement = judgementOf(answer);
  return {
    caseId: answer.answerId,
    customerId: answer.customerId,
    subject: stored.subject,
    waveId: answer.waveId,
    segment: answer.segment,
    branch: stored.branch,
    manager: stored.manager,
    owner: ownerOf(stored),
    reason,
    score: answer.score,
    question: answer.question,
    priority: stored.caseForEveryLow || reason === 'complaint' ? 'high' : 'normal',
    openedAt,
    dueAt: new Date(Date.parse(openedAt) + stored.caseDueHours * HOUR_MS).toISOString(),
    state: 'open',
    answerVersion: contentVersion(answer),
    ...(judgement === undefined ? {} : { judgedVersion: judgement.version }),
    history: [
      {
        event: 'opened',
        at: openedAt,
        by: answer.waveId,
        ...(judgement === undefined ? {} : { note: `answer confirmed by ${judgement.by}` }),
      },
    ],
  };
};
