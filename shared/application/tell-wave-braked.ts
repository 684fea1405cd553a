import type { WaveRecord } from '#shared/contracts/survey.ts';
import { dateIn } from '#shared/domain/calendar.ts';
import { mailBrakeText } from '#shared/domain/mail-brake.ts';
import { log } from '#shared/log.ts';
import type { SendOutcome } from '#shared/ports/mail-sender.ts';
import { composeNotice } from './compose-mail.ts';
import type { OperatorNotices } from './run/tell-operators.ts';

/** Mails the operators that a wave was stopped by its bounces or complaints: the figures, and the commands to look, go on and end it. */
export const tellWaveBraked =
  ({
    mail,
    sender,
    operatorAddress,
    replyTo,
    commandOptions,
    timeZone,
  }: OperatorNotices & { readonly timeZone: string }) =>
  async ({ waveId, runId, braked }: WaveRecord): Promise<SendOutcome> => {
    if (braked === undefined) return { kind: 'notAccepted', retryable: false, reason: 'the wave was not stopped' };
    const options = commandOptions === undefined ? '' : ` ${commandOptions}`;
    const notice = await composeNotice({
      kind: 'waveHeld',
      language: 'en',
      to: operatorAddress,
      sender,
      replyTo,
      id: waveId,
      asOf: dateIn(timeZone, braked.at),
      brakes: braked.hits.map((hit) => ({ ...hit, message: mailBrakeText([hit], braked) })),
      commands: {
        look: `resegment wave show ${waveId}${options}`,
        goOn: `resegment wave resume ${waveId} --reason "…"${options}`,
        discard: `resegment wave cancel ${waveId} --reason "…"${options}`,
      },
    });
    const outcome = await mail.send({
      raw: notice.raw,
      from: sender.address,
      to: operatorAddress,
      tags: { run: runId, kind: 'notice' },
    });
    if (outcome.kind !== 'accepted')
      log.warn('the notice of a stopped wave may not have arrived', { waveId, reason: outcome.reason });
    return outcome;
  };
