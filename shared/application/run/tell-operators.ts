import { composeNotice, type MailIdentity } from '#shared/application/compose-mail.ts';
import type { BrakeHit, RunRecord } from '#shared/contracts/run-record.ts';
import { log } from '#shared/log.ts';
import type { MailSender } from '#shared/ports/mail-sender.ts';
import { goOnCommands } from './override-brake.ts';

export interface OperatorNotices {
  readonly mail: MailSender;
  readonly sender: MailIdentity;
  readonly operatorAddress: string;
  readonly replyTo: string;
  /** What the commands in the mail need to find the stage, such as `--target aws --stage prod`; absent on the local stack. */
  readonly commandOptions?: string;
}

/**
 * Mails the operators that a run is held: the figures, and the commands to look, to go on (one for each brake) and to
 * discard. The hold stands
 * whether or not the mail gets through; what becomes of it is logged.
 */
export const tellOperators =
  ({ mail, sender, operatorAddress, replyTo, commandOptions }: OperatorNotices) =>
  async (run: RunRecord, brakes: readonly BrakeHit[]): Promise<void> => {
    const options = commandOptions === undefined ? '' : ` ${commandOptions}`;
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
        look: `resegment run show ${run.runId}${options}`,
        goOn: goOnCommands(run.runId, brakes, options),
        discard: `resegment run abandon ${run.runId}${options}`,
      },
      ...(run.expiresAt === null ? {} : { until: run.expiresAt }),
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
