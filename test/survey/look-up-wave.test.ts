import { expect, it } from 'vitest';
import { lookUpWave, MOST_BATCHES } from '#shared/application/look-up-wave.ts';
import { invitationOf, memoryStores, NOW, settableClock, WAVE_ID, waveRecord } from './memory.ts';

it('names no more batches at a look than a state may hold, and the rest at the next', async () => {
  const count = MOST_BATCHES + 30;
  const stores = memoryStores();
  const invitations = Array.from({ length: count }, (_, index) => invitationOf(index));
  await stores.waves.create(WAVE_ID, waveRecord({ batches: count, drawn: count, population: count }));
  await stores.invitations.createMany(invitations);
  await stores.waveFiles.writeJson(WAVE_ID, 'drawn.json', {
    waveId: WAVE_ID,
    batchSize: 1,
    populationFile: 'population-none.json',
    population: count,
    notDrawn: {},
    drawn: invitations.map(({ invitationId, subject, segment }) => ({ invitationId, subject, segment })),
  });
  const ports = { ...stores, clock: settableClock(NOW) };

  const first = await lookUpWave({ waveId: WAVE_ID }, ports);
  for (const batch of first.batches) {
    await stores.invitations.update(invitations[batch]?.invitationId ?? '', (known) => ({
      ...known,
      invitation: { state: 'sent', attempts: 1, at: NOW },
    }));
  }
  const second = await lookUpWave({ waveId: WAVE_ID }, ports);

  expect([first, second].map((step) => [step.next, step.batches.length])).toEqual([
    ['send-invitations', MOST_BATCHES],
    ['send-invitations', 30],
  ]);
  expect(new Set([...first.batches, ...second.batches]).size).toBe(count);
});
