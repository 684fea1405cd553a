import { CASE_OUTCOMES, isCaseOutcome } from '#shared/domain/case-outcomes.ts';
import { deskAbove, directoryOf, mailboxKey, type StaffDirectory } from '#shared/domain/staff.ts';
import { isReturned } from '#shared/domain/staff-mail-state.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import type { CaseOwner, CaseStore, CustomerCase } from '#shared/ports/case-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import { checkedText } from './checked-text.ts';

const TRIES = 10;

export interface WorkCasePorts {
  readonly cases: Pick<CaseStore, 'get' | 'update' | 'listOpen'>;
  readonly customers: Pick<CustomerStore, 'get' | 'put'>;
  readonly clock: Clock;
}

/**
 * A person takes a case on. Taking one's own again changes nothing.
 *
 * @param over whether a case that a colleague has may be taken over
 * @throws PermanentError `case-unknown`, `case-taken`, `case-closed`: nothing has been changed then
 */
export const takeCase = async (
  caseId: string,
  { by, over = false }: { readonly by: string; readonly over?: boolean },
  ports: WorkCasePorts,
): Promise<CustomerCase> => {
  const taken = await ports.cases.update(caseId, (known) => {
    if (known.state === 'closed') throw closedCase(known);
    if (known.state === 'taken') {
      const last = known.history.findLast((event) => event.event === 'taken');
      if (last?.by === by) return known;
      if (!over) {
        throw new PermanentError('case-taken', `case ${caseId} was taken by ${last?.by ?? '?'} at ${last?.at ?? '?'}`, {
          hint: 'to take it over from a colleague, add --over',
        });
      }
    }
    return { ...known, state: 'taken', history: [...known.history, { event: 'taken', at: ports.clock.now(), by }] };
  });
  return taken ?? unknownCase(caseId);
};

/**
 * Ends a case with an outcome and a note, and frees the customer of it. Only one of several at once does.
 *
 * @throws PermanentError `case-unknown`, `case-closed`, `outcome-unknown`, `note-missing`: nothing has been changed then
 */
export const closeCase = async (
  caseId: string,
  given: { readonly by: string; readonly outcome: string; readonly note: string },
  ports: WorkCasePorts,
): Promise<CustomerCase> => {
  const { by, outcome } = given;
  if (!isCaseOutcome(outcome)) {
    throw new PermanentError(
      'outcome-unknown',
      `--outcome must be one of ${CASE_OUTCOMES.join(', ')}, got ${JSON.stringify(outcome.slice(0, 80))}`,
    );
  }
  const note = checkedText('--note', given.note, 'it is kept with the case');
  const before = await ports.cases.get(caseId);
  // Completes what a crash between the case and the customer's facts left undone.
  if (before?.state === 'closed') await freeCustomer(before, () => otherOpenCase(before.customerId, ports), ports);
  const closed = await ports.cases.update(caseId, (known) => {
    if (known.state === 'closed') throw closedCase(known);
    const event = { event: 'closed', at: ports.clock.now(), by, note } as const;
    return { ...known, state: 'closed', outcome, history: [...known.history, event] };
  });
  if (closed === undefined) return unknownCase(caseId);
  await freeCustomer(closed, () => otherOpenCase(closed.customerId, ports), ports);
  return closed;
};

const otherOpenCase = async (customerId: string, ports: WorkCasePorts): Promise<string | undefined> =>
  (await ports.cases.listOpen()).find((one) => one.customerId === customerId)?.caseId;

/** Takes a closed case off the customer's facts. @param otherOpen another open case of the customer, which takes its place */
export const freeCustomer = async (
  { caseId, customerId }: Pick<CustomerCase, 'caseId' | 'customerId'>,
  otherOpen: () => Promise<string | undefined>,
  ports: Pick<WorkCasePorts, 'customers' | 'clock'>,
): Promise<void> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const facts = await ports.customers.get(customerId);
    if (facts?.openCase !== caseId) return;
    const other = await otherOpen();
    if (other === caseId) return;
    const { openCase: _closed, ...rest } = facts;
    const next = {
      ...rest,
      ...(other === undefined ? {} : { openCase: other }),
      factsRev: facts.factsRev + 1,
      changedAt: ports.clock.now(),
    };
    if ((await ports.customers.put(next, facts.factsRev)) === 'stored') return;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * (tries + 1)));
  }
  throw new RetryableError('customer-busy', `case ${caseId} is closed, but the facts of its customer kept changing`, {
    hint: 'do it again to complete it',
  });
};

export interface Escalation {
  /** Twice the time that the case was given: 48 hours where it is due in 24. */
  readonly at: string;
  /** Who hears of it then, or has heard. */
  readonly to: CaseOwner;
  readonly isDue: boolean;
}

/**
 * When and to whom a case goes that nobody has closed: to the superior of its owner; where the directory has none, from a manager
 * to the branch, from a branch to the central queue. A closed case never escalates.
 *
 * @param staff absent: an empty directory
 */
export const escalationOf = (
  known: CustomerCase,
  now: string,
  staff: StaffDirectory = directoryOf([]),
): Escalation | null => {
  if (known.state === 'closed') return null;
  const due = Date.parse(known.dueAt);
  const at = new Date(due + Math.max(0, due - Date.parse(known.openedAt))).toISOString();
  const { escalated } = known;
  const to =
    escalated !== undefined && escalated.opening === known.openedAt
      ? escalated.to
      : deskAbove(known.owner, known.branch, staff);
  return { at, to, isDue: at <= now };
};

/** `mailboxKey` of each address from which a mail about the case came back. */
export const returnedMailboxes = (known: CustomerCase): ReadonlySet<string> =>
  new Set(
    (known.notices ?? []).flatMap(({ state, mailbox }) =>
      isReturned(state) && mailbox !== undefined ? [mailbox] : [],
    ),
  );

/** Names of those whom mails about the case do not reach at the address that the directory has now, in order of the mails. */
export const notReachedFor = (known: CustomerCase, staff: StaffDirectory): readonly string[] => {
  const names = (known.notices ?? []).flatMap(({ state, to, mailbox }) => {
    if (!isReturned(state)) return [];
    const member = staff.member(to);
    return member === undefined || mailboxKey(member.email) !== mailbox ? [] : [to];
  });
  return [...new Set(names)];
};

export const unknownCase = (caseId: string): never => {
  throw new PermanentError('case-unknown', `there is no case ${JSON.stringify(caseId.slice(0, 80))}`, {
    hint: 'resegment case list shows those that are open',
  });
};

const closedCase = (known: CustomerCase): PermanentError => {
  const last = known.history.findLast((event) => event.event === 'closed');
  return new PermanentError(
    'case-closed',
    `case ${known.caseId} was closed by ${last?.by ?? '?'} at ${last?.at ?? '?'} as ${known.outcome ?? '?'}: ${last?.note ?? ''}`,
    { hint: `resegment case show ${known.caseId} shows its history` },
  );
};
