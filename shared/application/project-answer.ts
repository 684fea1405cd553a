import type { Answer } from '#shared/domain/answer-rules.ts';
import { caseReasonOf, normaliseAnswer } from '#shared/domain/answer-rules.ts';
import { dateIn } from '#shared/domain/calendar.ts';
import type { AnswerFact, CustomerFacts } from '#shared/domain/facts.ts';
import { SCALE_OF_QUESTION } from '#shared/domain/policy.ts';
import { RetryableError } from '#shared/errors.ts';
import type { AnswerStore, StoredAnswer } from '#shared/ports/answer-store.ts';
import type { CaseOwner, CaseStore, CustomerCase } from '#shared/ports/case-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
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
  const reason = caseReasonOf(answer, stored.caseForEveryLow);
  const isKnown = (await ports.customers.get(answer.customerId)) !== undefined;
  if (isKnown && reason !== undefined) await ports.cases.createIfAbsent(caseOf(stored, reason));
  if (isKnown && answer.version > 1) {
    await ports.cases.update(answer.answerId, (known) => afterAnswer(known, stored, reason));
  }
  if (!isKnown || (await projectFact(answer, ports)) === 'erased') {
    await ports.cases.remove(answer.answerId);
    await ports.answers.remove(answer.answerId);
    return;
  }
  await ports.answers.clearPending(answer.answerId, answer.version);
};

/** Projects the answers that a crash kept from their customers. @returns how many were projected and how many failed */
export const projectPendingAnswers = async (
  ports: ProjectAnswerPorts,
): Promise<{ readonly projected: number; readonly failed: number }> => {
  let projected = 0;
  let failed = 0;
  for (;;) {
    const pending = await ports.answers.listPending(SWEEP_SIZE);
    const before = projected;
    failed = 0;
    for (const listed of pending) {
      const stored = await ports.answers.get(listed.answer.answerId);
      if (stored?.pending !== true) continue;
      try {
        await projectAnswer(stored, ports);
        projected += 1;
      } catch {
        failed += 1;
      }
    }
    if (pending.length < SWEEP_SIZE || projected === before) return { projected, failed };
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
    value: normaliseAnswer(scale, answer.score),
    scale,
    date: dateIn(timeZone, answer.at),
    recordedAt: answer.at,
    suspect: answer.suspect,
  };
};

/**
 * The case after a later version of its answer: it shows the new score and reason. One that was closed opens again, with a new
 * due time, only if the new version itself calls for a person. Suspect versions change nothing.
 */
export const afterAnswer = (
  known: CustomerCase,
  stored: StoredAnswer,
  reason: CustomerCase['reason'] | undefined,
): CustomerCase => {
  const { answer } = stored;
  const isNewer = answer.version > (known.answerVersion ?? 1);
  if (!isNewer || (answer.suspect && reason === undefined)) return known;
  if (known.state === 'closed' && reason === undefined) return known;
  const note = `score ${known.score} → ${answer.score}`;
  const event = {
    event: known.state === 'closed' ? 'reopened' : 'updated',
    at: answer.at,
    by: 'customer',
    note,
  } as const;
  const next = {
    ...known,
    score: answer.score,
    reason: reason ?? known.reason,
    answerVersion: answer.version,
    history: [...known.history, event],
  };
  if (known.state !== 'closed') return next;
  const { outcome: _ended, ...again } = next;
  const { dueAt, openedAt } = caseOf(stored, reason ?? known.reason);
  return { ...again, state: 'open', openedAt, dueAt };
};

const ownerOf = (stored: StoredAnswer): CaseOwner => {
  if (stored.manager !== null) return { kind: 'manager', name: stored.manager };
  return stored.branch !== null ? { kind: 'branch', name: stored.branch } : { kind: 'central', name: 'central' };
};

const caseOf = (stored: StoredAnswer, reason: CustomerCase['reason']): CustomerCase => {
  const { answer } = stored;
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
    openedAt: answer.at,
    dueAt: new Date(Date.parse(answer.at) + stored.caseDueHours * HOUR_MS).toISOString(),
    state: 'open',
    answerVersion: answer.version,
    history: [{ event: 'opened', at: answer.at, by: answer.waveId }],
  };
};
