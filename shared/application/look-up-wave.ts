import type { WaveRecord } from '#shared/contracts/survey.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { batchesOf, updateWave, type WaveRef } from './wave-record.ts';

/** Notes that the invitations are out. Until when a wave waits, and which batches it has; read again after every wait. */
export const lookUpWave = async (
  { waveId }: WaveRef,
  ports: { readonly waves: RecordStore<WaveRecord> },
): Promise<{
  readonly schema: 1;
  readonly waveId: string;
  readonly remindAt: string;
  readonly closesAt: string;
  readonly batches: number[];
}> => {
  const wave = await updateWave(ports.waves, waveId, (current) =>
    current.state === 'sending' ? { ...current, state: 'open' } : current,
  );
  return { schema: 1, waveId, remindAt: wave.remindAt, closesAt: wave.closesAt, batches: batchesOf(wave) };
};
