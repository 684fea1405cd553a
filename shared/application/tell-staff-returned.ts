import { type StaffMail, staffMailId } from '#shared/contracts/staff-mail.ts';
import { dateIn } from '#shared/domain/calendar.ts';
import { log } from '#shared/log.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { composeNotice } from './compose-mail.ts';
import type { OperatorNotices } from './run/tell-operators.ts';

/** A mail to the staff that came back. */
export interface ReturnedStaffMail {
  /** Name in the directory, or `operators`; null where nobody has the name any more. */
  readonly name: string | null;
  readonly caseId?: string;
  readonly runId?: string;
}

/**
 * Mails the operators that mail to somebody of the staff came back, with the commands that show it: the first of a business day
 * only, since one wrong domain brings back hundreds. The claim on the day's mail is written before it is sent.
 */
export const tellStaffReturned =
  ({
    mail,
    sender,
    operatorAddress,
    replyTo,
    commandOptions,
    timeZone,
    clock,
    staffMails,
    newAttemptId,
  }: OperatorNotices & {
    readonly timeZone: string;
    readonly clock: Clock;
    readonly staffMails: Pick<RecordStore<StaffMail>, 'create' | 'get' | 'replace'>;
    readonly newAttemptId: () => string;
  }) =>
  async ({ name, caseId, runId }: ReturnedStaffMail): Promise<void> => {
    const at = clock.now();
    const day = dateIn(timeZone, at);
    const id = staffMailId('notice', day);
    const known = await staffMails.get(id);
    if (known !== undefined && known.record.state !== 'notAccepted') return;
    const claim: StaffMail = { state: 'claimed', attemptId: newAttemptId(), at };
    if (known === undefined) await staffMails.create(id, claim);
    else await staffMails.replace(id, claim, known.rev);
    const claimed = await staffMails.get(id);
    if (claimed?.record.attemptId !== claim.attemptId) return;
    const options = commandOptions === undefined ? '' : ` ${commandOptions}`;
    const notice = await composeNotice({
      kind: 'staffReturned',
      language: 'en',
      to: operatorAddress,
      sender,
      replyTo,
      id: name ?? 'somebody whom the directory has no longer',
      asOf: day,
      brakes: [],
      commands: {
        look: [
          ...(caseId === undefined ? [] : [`resegment case show ${caseId}${options}`]),
          ...(runId === undefined ? [] : [`resegment run show ${runId}${options}`]),
          `resegment staff list${options}`,
        ],
      },
    });
    const outcome = await mail.send({
      raw: notice.raw,
      from: sender.address,
      to: operatorAddress,
      tags: { kind: 'notice' },
    });
    if (outcome.kind === 'accepted') {
      await staffMails.replace(id, { ...claim, state: 'accepted' }, claimed.rev);
      return;
    }
    const state = outcome.kind === 'unknown' ? 'unknown' : outcome.retryable ? 'notAccepted' : 'refused';
    await staffMails.replace(id, { ...claim, state, reason: outcome.reason }, claimed.rev);
    log.warn('the notice that mail to the staff came back may not have arrived', { reason: outcome.reason });
  };
