import { mailBrakeText } from '#shared/domain/mail-brake.ts';
import { PermanentError } from '#shared/errors.ts';
import { type WaveLedgerPorts, waveStatus } from './close-wave.ts';
import type { WaveRef } from './wave-record.ts';

export interface WaveHealthPorts extends WaveLedgerPorts {
  /** Largest share of uncertain mails among those handed over, 0..1; default 0.01. */
  readonly uncertainShare?: number;
}

const DEFAULT_UNCERTAIN_SHARE = 0.01;
/** So many uncertain mails are never held against a wave. */
const FORGIVEN = 2;

/**
 * Ends the execution red where too many mails are uncertain, or where bounces or complaints stopped the wave and nobody has
 * resumed or cancelled it since. @throws PermanentError `wave-degraded`
 */
export const assertWaveHealthy = async (
  { waveId }: WaveRef,
  ports: WaveHealthPorts,
): Promise<Record<string, never>> => {
  const status = await waveStatus(waveId, ports);
  if (status === undefined) throw new PermanentError('wave-unknown', `there is no wave ${waveId}`);
  const { braked, orders = [] } = status;
  if (braked !== undefined && !orders.some(({ action, at }) => action !== 'pause' && at >= braked.at)) {
    throw new PermanentError(
      'wave-degraded',
      `wave ${waveId} was stopped by the brake at ${braked.at}: ${mailBrakeText(braked.hits, braked)}; it closed, and nobody resumed or cancelled it`,
      { hint: `resegment wave show ${waveId} says what is left; look at the addresses before the next wave` },
    );
  }
  const handedOver = status.sent + status.uncertain;
  const limit = ports.uncertainShare ?? DEFAULT_UNCERTAIN_SHARE;
  if (status.uncertain > FORGIVEN && status.uncertain / handedOver > limit) {
    throw new PermanentError(
      'wave-degraded',
      `of ${handedOver} mails of wave ${waveId} it is not known of ${status.uncertain} whether they were sent; the limit is ${limit * 100} %`,
      { hint: `resegment wave show ${waveId} lists them` },
    );
  }
  return {};
};
