import type { StaffMail } from '#shared/contracts/staff-mail.ts';
import { staffKey } from '#shared/domain/staff.ts';
import { isReturned, type StaffMailState } from '#shared/domain/staff-mail-state.ts';
import type { StaffStore } from '#shared/ports/staff-store.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';

export interface ListNotReceived {
  /** Null where the staff directory has the name no longer. */
  readonly name: string | null;
  readonly state: Extract<StaffMailState, 'bounced' | 'complained' | 'refused'>;
}

/** Whom a run's mail with the action list did not reach, as far as the mail service told; ascending by name. */
export const listsNotReceived = async (
  runId: string,
  ports: { readonly staffMails: Pick<RecordStore<StaffMail>, 'list'>; readonly staff: Pick<StaffStore, 'list'> },
): Promise<readonly ListNotReceived[]> => {
  const prefix = `${runId}#`;
  const mails = (await ports.staffMails.list(prefix)).flatMap(({ id, record: { state } }) =>
    isReturned(state) || state === 'refused' ? [{ key: id.slice(prefix.length), state }] : [],
  );
  if (mails.length === 0) return [];
  const names = new Map((await ports.staff.list()).map(({ name }) => [staffKey(name), name]));
  return mails
    .map(({ key, state }) => ({ name: names.get(key) ?? null, state }))
    .sort((a, b) => ((a.name ?? '\uffff') < (b.name ?? '\uffff') ? -1 : 1));
};
