import { composeNotice, type MailIdentity } from '#shared/application/compose-mail.ts';
import type { BrakeHit, RunRecord } from '#shared/contracts/run-record.ts';
import { log } from '#shared/log.ts';
import type { MailSender } from '#shared/ports/mail-sender.ts';

export interface OperatorNotices {
  readonly mail: MailSender;
  readonly sender: MailIdentity;
  readonly operatorAddress: string;
  readonly replyTo: string;
}

/**
 * Mails the operators that a run is held: the figures, and the commands to look, to go on and to discard. The hold stands
 * whether or not the mail gets through; what becomes of it is logged.
 */
export const tellOperators =
  ({ mail, sender, operatorAddress, replyTo }: OperatorNotices) =>
  async (run: RunRecord, brakes: readonly BrakeHit[]): Promise<void> => {
    const first = brakes[0]?.brake ?? 'BRAKE';
    const notice = await composeNotice({
      kind: 'runHeld',
      language: 'en',
      to: operatorAddress,
      sender,
      replyTo,
      id: run.runId,
      asOf: run.asOf,
      brakes,
      commands: {
        look: `resegment run show ${run.runId}`,
        goOn: `resegment apply ${run.runId} --override ${first} --reason "…"`,
        discard: `resegment run abandon ${run.runId}`,
      },
    });
    const outcome = await mail.send({
      raw: notice.raw,
      from: sender.address,
      to: operatorAddress,
      tags: { run: run.runId, kind: 'notice' },
    });
    if (outcome.kind !== 'accepted')
      log.warn('the notice of a held run may not have arrived', { runId: run.runId, reason: outcome.reason });
  };
