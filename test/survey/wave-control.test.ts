import { describe, expect, it } from 'vitest';
import { closeWave, waveStatus } from '#shared/application/close-wave.ts';
import { lookUpWave } from '#shared/application/look-up-wave.ts';
import { cancelWave, pauseWave, resumeWave } from '#shared/application/wave-control.ts';
import { restsUntil } from '#shared/domain/wave-pause.ts';
import type { OutgoingMail } from '#shared/ports/mail-sender.ts';
import { CLOSES, drawnWave, type MemoryStores, NOW, settableClock, WAVE_ID, waveRecord } from './memory.ts';
import { runSteps, surveyPorts } from './wave-machine.ts';

/** Two batches at once with four mails each. */
const UNDER_WAY = 8;

const order = (reason = 'wrong branch', by = 'Ann') => ({ waveId: WAVE_ID, by, reason });

const world = async (size: number) => {
  const stores = await drawnWave(size);
  const clock = settableClock(NOW);
  const accepted: OutgoingMail[] = [];
  let onMail = async (): Promise<void> => undefined;
  const ports = surveyPorts(stores, clock, async (mail) => {
    accepted.push(mail);
    await onMail();
    return { kind: 'accepted', messageId: `m${accepted.length}` };
  });
  return {
    ...stores,
    stores,
    clock,
    ports,
    accepted,
    afterMail: (count: number, act: () => Promise<unknown>) => {
      onMail = async () => {
        if (accepted.length === count) await act();
      };
    },
  };
};

const states = async (stores: MemoryStores) => (await waveStatus(WAVE_ID, stores))?.states;
const addresses = (mails: readonly OutgoingMail[]) => mails.map((mail) => `${mail.tags['kind']} ${mail.to}`);

describe('pausing a wave while it sends', () => {
  it('takes effect before the next claim: only the mails that were under way go out', async () => {
    const { ports, stores, clock, accepted, afterMail } = await world(200);
    afterMail(10, () => pauseWave(order(), { ...stores, clock }));

    await runSteps(ports, { until: clock.now() });

    expect(accepted.length).toBeGreaterThanOrEqual(10);
    expect(accepted.length).toBeLessThanOrEqual(10 + UNDER_WAY);
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({
      state: 'sending',
      sent: accepted.length,
      planned: 200 - accepted.length,
      pause: { by: 'operator', reason: 'wrong branch', at: NOW },
    });
  });

  it('lets it look at its record again by itself, and goes on where it was once it is resumed', async () => {
    const { ports, stores, clock, accepted, afterMail } = await world(120);
    afterMail(7, () => pauseWave(order(), { ...stores, clock }));
    await runSteps(ports, { until: clock.now() });
    const before = accepted.length;

    const looked = await lookUpWave({ waveId: WAVE_ID }, ports);
    expect(looked).toMatchObject({ next: 'wait', until: '2026-06-01T02:15:00.000Z' });
    clock.moveBy(3 * 60_000);
    const resumed = await resumeWave(order(), { ...stores, clock });
    expect(resumed).toMatchObject({ outcome: 'done', pause: null, goesOnBy: '2026-06-01T02:18:00.000Z' });
    await runSteps(ports, { until: '2026-06-01T03:00:00.000Z' });

    expect(before).toBeLessThan(120);
    expect(accepted).toHaveLength(120);
    expect(new Set(addresses(accepted)).size).toBe(120);
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ state: 'open', sent: 120, planned: 0 });
  });

  it('holds back reminders too, and sends them when the wave is resumed after their day', async () => {
    const { ports, stores, clock, accepted } = await world(5);
    await runSteps(ports, { until: NOW });
    await pauseWave(order(), { ...stores, clock });
    expect(await resumeWave(order(), { ...stores, clock })).toMatchObject({ goesOnBy: '2026-06-06T02:00:00.000Z' });
    await pauseWave(order(), { ...stores, clock });
    await runSteps(ports, { until: '2026-06-08T00:00:00.000Z' });
    expect(accepted).toHaveLength(5);

    await resumeWave(order(), { ...stores, clock });
    await runSteps(ports, { until: '2026-06-08T07:00:00.000Z' });

    expect(addresses(accepted).filter((mail) => mail.startsWith('reminder'))).toHaveLength(5);
  });

  it('names customers as not sent before the end where nobody resumed it', async () => {
    const { ports, stores, clock, accepted } = await world(3);
    await pauseWave(order(), { ...stores, clock });

    await runSteps(ports, { until: '2026-07-01T00:00:00.000Z' });

    expect(accepted).toHaveLength(0);
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({
      state: 'closed',
      pause: null,
      states: { waveClosed: 3 },
    });
  });

  it('leaves the execution of a wave of a year that is paused all the time below its 25,000 events', () => {
    const eventsPerLook = 9;
    const start = Date.parse(NOW);
    let now = start;
    let looks = 0;
    while (now < start + 365 * 86_400_000) {
      const until = restsUntil({ by: 'operator', reason: 'x', at: NOW }, new Date(now).toISOString());
      now = Date.parse(until ?? NOW);
      looks += 1;
    }
    expect(looks * eventsPerLook).toBeLessThan(20_000);
  });
});

describe('cancelling a wave', () => {
  it('sends no invitation and no reminder any more, and keeps answers and links until it closes', async () => {
    const { ports, stores, clock, accepted, afterMail } = await world(100);
    afterMail(20, () => cancelWave(order(), { ...stores, clock }));
    await runSteps(ports, { until: NOW });
    const sent = accepted.length;
    expect(sent).toBeLessThanOrEqual(20 + UNDER_WAY);
    expect(await states(stores)).toEqual({ sent, waveCancelled: 100 - sent });

    await runSteps(ports, { until: '2026-06-20T00:00:00.000Z' });
    expect(accepted).toHaveLength(sent);
    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({ state: 'cancelled', states: { sent } });
    expect((await stores.waves.get(WAVE_ID))?.record.finishedAt).toBeNull();

    await runSteps(ports, { until: CLOSES });
    expect(await states(stores)).toEqual({ expired: sent, waveCancelled: 100 - sent });
    expect((await stores.waves.get(WAVE_ID))?.record).toMatchObject({ state: 'cancelled', finishedAt: CLOSES });
    expect(await stores.waveFiles.readJson(WAVE_ID, 'summary.json')).toMatchObject({ states: { expired: sent } });
  });

  it('keeps a mail uncertain that a worker had claimed when it died, and never calls it cancelled', async () => {
    const { ports, stores, clock } = await world(3);
    const dying = surveyPorts(stores, clock, async () => {
      throw new Error('killed');
    });
    await expect(runSteps(dying, { until: NOW })).rejects.toThrow('killed');
    expect(await states(stores)).toEqual({ claimed: 3 });

    await cancelWave(order(), { ...stores, clock });
    expect(await states(stores)).toEqual({ claimed: 3 });
    await runSteps(ports, { until: NOW });

    expect(await states(stores)).toEqual({ uncertain: 3 });
  });

  it('shows at once in the ledger, also of a paused wave', async () => {
    const { stores, clock } = await world(4);
    await pauseWave(order(), { ...stores, clock });

    await cancelWave(order(), { ...stores, clock });

    expect(await waveStatus(WAVE_ID, stores)).toMatchObject({
      state: 'cancelled',
      pause: null,
      planned: 0,
      skipped: { waveCancelled: 4 },
      states: { waveCancelled: 4 },
    });
  });

  it('ends a pause with it, and keeps who ordered what, when and why', async () => {
    const { stores, clock } = await world(2);
    const ports = { ...stores, clock };
    await pauseWave(order('a first look', 'Ann'), ports);
    clock.moveBy(60_000);
    await resumeWave({ waveId: WAVE_ID, by: 'Bo' }, ports);
    clock.moveBy(60_000);

    const done = await cancelWave(order('asked by the council\n', 'Bo'), ports);

    expect(done).toMatchObject({ outcome: 'done', state: 'cancelled', pause: null });
    expect((await waveStatus(WAVE_ID, stores))?.orders).toEqual([
      { action: 'pause', by: 'Ann', reason: 'a first look', at: NOW },
      { action: 'resume', by: 'Bo', reason: null, at: '2026-06-01T02:01:00.000Z' },
      { action: 'cancel', by: 'Bo', reason: 'asked by the council', at: '2026-06-01T02:02:00.000Z' },
    ]);
  });
});

describe('orders that cannot be followed', () => {
  it('change nothing the second time, and leave the name and the reason of the first', async () => {
    const { stores, clock } = await world(1);
    const ports = { ...stores, clock };
    expect(await resumeWave(order(), ports)).toMatchObject({ outcome: 'unchanged', pause: null, order: null });
    await pauseWave(order('first', 'Ann'), ports);
    expect(await pauseWave(order('second', 'Bo'), ports)).toMatchObject({
      outcome: 'unchanged',
      order: { by: 'Ann', reason: 'first' },
    });
    await cancelWave(order('third', 'Bo'), ports);
    expect(await cancelWave(order('fourth', 'Ann'), ports)).toMatchObject({
      outcome: 'unchanged',
      order: { by: 'Bo', reason: 'third' },
    });
    expect((await stores.waves.get(WAVE_ID))?.record.orders).toHaveLength(2);
  });

  it('of two operators at once, one comes first and the other is told so', async () => {
    const { stores, clock } = await world(1);
    const ports = { ...stores, clock };

    const [ann, bo] = await Promise.all([pauseWave(order('a', 'Ann'), ports), pauseWave(order('b', 'Bo'), ports)]);
    expect([ann.outcome, bo.outcome].sort()).toEqual(['done', 'unchanged']);
    expect(ann.order).toEqual(bo.order);

    const [cancelled, resumed] = await Promise.allSettled([
      cancelWave(order('c', 'Bo'), ports),
      resumeWave(order('d', 'Ann'), ports),
    ]);
    expect(cancelled).toMatchObject({ status: 'fulfilled', value: { outcome: 'done' } });
    expect(resumed).toMatchObject({ status: 'rejected', reason: { code: 'wave-cancelled' } });
    expect((await stores.waves.get(WAVE_ID))?.record).toMatchObject({ state: 'cancelled', pause: null });
  });

  it.each(['closed', 'past its end'])(
    'are refused on a wave that is %s, with its state and what is allowed',
    async (kind) => {
      const { stores, clock } = await world(1);
      const ports = { ...stores, clock };
      if (kind === 'closed') await closeWave({ waveId: WAVE_ID }, ports);
      else clock.moveTo(CLOSES);
      for (const act of [pauseWave, resumeWave, cancelWave]) {
        await expect(act(order(), ports)).rejects.toMatchObject({
          code: 'wave-closed',
          message: expect.stringContaining('only a wave that is planned, sending or open can be'),
        });
      }
    },
  );

  it('are refused on a cancelled wave, on a wave that does not exist, and without a reason', async () => {
    const { stores, clock } = await world(1);
    const ports = { ...stores, clock };
    await expect(pauseWave({ ...order(), waveId: 'w-none' }, ports)).rejects.toMatchObject({ code: 'wave-unknown' });
    await expect(pauseWave(order(' \n '), ports)).rejects.toMatchObject({ code: 'reason-missing' });
    await expect(cancelWave(order('x'.repeat(501)), ports)).rejects.toMatchObject({ code: 'reason-missing' });
    await cancelWave(order('over', 'Bo'), ports);
    for (const act of [pauseWave, resumeWave]) {
      await expect(act(order(), ports)).rejects.toMatchObject({
        code: 'wave-cancelled',
        message: expect.stringContaining(`cancelled since ${NOW} by Bo: over`),
      });
    }
  });

  it('lets a wave be paused or cancelled before its audience is drawn', async () => {
    const { stores, clock } = await world(0);
    const ports = { ...stores, clock };
    await stores.waves.create('w-early', waveRecord({ waveId: 'w-early', state: 'planned' }));
    expect(await pauseWave({ ...order(), waveId: 'w-early' }, ports)).toMatchObject({ state: 'planned' });
    await cancelWave({ ...order(), waveId: 'w-early' }, ports);
    expect(await lookUpWave({ waveId: 'w-early' }, { ...ports })).toMatchObject({ next: 'close' });
    expect(await waveStatus('w-early', stores)).toMatchObject({ state: 'cancelled', population: 0 });
  });
});
