import type { StaffMail } from '#shared/contracts/staff-mail.ts';
import { staffKey } from '#shared/domain/staff.ts';
import { isReturned, type ReturnedState, whenReturned } from '#shared/domain/staff-mail-state.ts';
import { RetryableError } from '#shared/errors.ts';
import type { CaseStore } from '#shared/ports/case-store.ts';
import { measure } from '#shared/ports/metrics.ts';
import type { StaffStore } from '#shared/ports/staff-store.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { ReturnedStaffMail } from './tell-staff-returned.ts';

export interface StaffMailEventPorts {
  readonly cases: Pick<CaseStore, 'update'>;
  readonly staffMails: Pick<RecordStore<StaffMail>, 'list' | 'get' | 'replace'>;
  readonly staff: Pick<StaffStore, 'list'>;
  /** Tells the operators; may be called again for the same mail. */
  readonly tellStaffReturned: (returned: ReturnedStaffMail) => Promise<void>;
}

/** Which mail to the staff, as its tags say: one about a case, or the action list of a run. */
export type StaffMailRef =
  | { readonly kind: 'case'; readonly caseId: string; readonly attemptId: string }
  | { readonly kind: 'actions'; readonly runId: string; readonly attemptId: string };

/** How often a record is read again where another writer comes between. */
const TRIES = 10;

/**
 * Notes that a mail to the staff came back. Doing it again changes nothing; what is gone, a case or a later attempt's place, stays so.
 *
 * @returns `ignored` where nothing is known of the attempt
 */
export const noteStaffMailReturned = async (
  mail: StaffMailRef,
  state: ReturnedState,
  ports: StaffMailEventPorts,
): Promise<'noted' | 'ignored'> => {
  const found = mail.kind === 'case' ? await noteInCase(mail, state, ports) : await noteInRun(mail, state, ports);
  if (found === undefined) return 'ignored';
  if (found.isNew) measure('StaffMailsBounced');
  const about = mail.kind === 'case' ? { caseId: mail.caseId } : { runId: mail.runId };
  await ports.tellStaffReturned({ name: found.name, ...about });
  return 'noted';
};

interface Found {
  /** Nothing was known of it before: neither that it bounced nor that it was called spam. */
  readonly isNew: boolean;
  /** Null where the directory has the name no longer. */
  readonly name: string | null;
}

const noteInCase = async (
  { caseId, attemptId }: Extract<StaffMailRef, { kind: 'case' }>,
  returned: ReturnedState,
  ports: StaffMailEventPorts,
): Promise<Found | undefined> => {
  let found: Found | undefined;
  await ports.cases.update(caseId, (known) => {
    const before = known.notices?.find((one) => one.attemptId === attemptId);
    if (before === undefined) {
      found = undefined;
      return known;
    }
    const state = whenReturned(before.state, returned);
    found = { isNew: !isReturned(before.state), name: before.to };
    if (state === before.state) return known;
    return { ...known, notices: (known.notices ?? []).map((one) => (one === before ? { ...one, state } : one)) };
  });
  return found;
};

const noteInRun = async (
  { runId, attemptId }: Extract<StaffMailRef, { kind: 'actions' }>,
  returned: ReturnedState,
  ports: StaffMailEventPorts,
): Promise<Found | undefined> => {
  const listed = (await ports.staffMails.list(`${runId}#`)).find(({ record }) => record.attemptId === attemptId);
  if (listed === undefined) return undefined;
  const key = listed.id.slice(listed.id.indexOf('#') + 1);
  const name = (await ports.staff.list()).find((one) => staffKey(one.name) === key)?.name ?? null;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const known = await ports.staffMails.get(listed.id);
    if (known === undefined || known.record.attemptId !== attemptId) return undefined;
    const state = whenReturned(known.record.state, returned);
    const found = { isNew: !isReturned(known.record.state), name };
    if (state === known.record.state) return found;
    if ((await ports.staffMails.replace(listed.id, { ...known.record, state }, known.rev)) === 'stored') return found;
  }
  throw new RetryableError('staff-mail-busy', `the record of a mail of run ${runId} kept changing`, {
    hint: 'the queue hands the event over again',
  });
};
