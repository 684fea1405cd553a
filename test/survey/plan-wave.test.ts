import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeWave, waveStatus } from '#shared/application/close-wave.ts';
import { lookUpWave } from '#shared/application/look-up-wave.ts';
import { planWave } from '#shared/application/plan-wave.ts';
import { startWave } from '#shared/application/start-wave.ts';
import { mostTried, sampleSize, segmentSample } from '#shared/domain/sampling.ts';
import { Crash, dyingAt } from '#test/support/dying-ports.ts';
import { WAVE_ID } from './memory.ts';
import { calmAccount, many, policyWith, publishedRun, RUN_ID, runRecord } from './published-run.ts';

const drawnSubjects = async (world: Awaited<ReturnType<typeof publishedRun>>): Promise<string[]> =>
  (await world.audience(WAVE_ID)).drawn.map((one) => one.subject);

describe('planning a wave', () => {
  it('I6 gives every customer one named state, and the states add up', async () => {
    const world = await publishedRun([
      ...many('priority', 40),
      ...many('hold', 100),
      ...many('unrated', 7),
      { id: 'gone', segment: null },
      { id: 'mute1', segment: 'priority', email: null },
      { id: 'twin1', segment: 'priority', email: 'twin@example.com' },
      { id: 'twin2', segment: 'priority', email: 'Twin@example.com' },
    ]);
    await startWave({ runId: RUN_ID }, world.asStart);

    await planWave({ waveId: WAVE_ID }, world.asPlan);

    expect((await world.waves.get(WAVE_ID))?.record.batches).toBe(2);
    const status = await waveStatus(WAVE_ID, world);
    expect(status).toMatchObject({
      population: 151,
      drawn: 71,
      planned: 71,
      notDrawn: { left: 1, noAddress: 1, sameAddress: 1, segmentNotSurveyed: 7, notSampled: 70 },
    });
    expect(status?.segments['hold']).toMatchObject({ population: 100, drawn: 30 });
  });

  it('writes in the language of each customer, and in that of the stage where none is known', async () => {
    const world = await publishedRun([
      ...many('priority', 30),
      { id: 'silent', segment: 'priority', language: null },
      { id: 'said', segment: 'priority', language: 'en' },
    ]);
    await startWave({ runId: RUN_ID }, world.asStart);

    await planWave({ waveId: WAVE_ID }, { ...world.asPlan, defaultLanguage: 'zh-CN' });

    const invitations = await world.invitations.getMany(
      (await world.audience(WAVE_ID)).drawn.map((one) => one.invitationId),
    );
    const languageOf = (id: string) => [...invitations.values()].find(({ customerId }) => customerId === id)?.language;
    expect([languageOf('silent'), languageOf('said')]).toEqual(['zh-CN', 'en']);
  });

  it('R15 draws the same customers from the same seed and wave, whatever the order of the plan, and never redraws', async () => {
    const customers = many('hold', 200);
    const one = await publishedRun(customers);
    const other = await publishedRun([...customers].reverse());
    for (const world of [one, other]) {
      await startWave({ runId: RUN_ID }, world.asStart);
      await planWave({ waveId: WAVE_ID }, world.asPlan);
    }
    expect(await drawnSubjects(one)).toEqual(await drawnSubjects(other));

    const before = await one.waveFiles.readJson(WAVE_ID, 'drawn.json');
    await planWave({ waveId: WAVE_ID }, one.asPlan);
    expect(await one.waveFiles.readJson(WAVE_ID, 'drawn.json')).toEqual(before);
  });

  it('R15 goes on with the drawn list after a crash, and makes the invitations that are missing', async () => {
    const world = await publishedRun(many('hold', 60));
    await startWave({ runId: RUN_ID }, world.asStart);
    const { createMany } = world.invitations;
    world.invitations.createMany = async (invitations) => {
      await createMany(invitations.slice(0, 3));
      throw new Error('killed');
    };
    await expect(planWave({ waveId: WAVE_ID }, world.asPlan)).rejects.toThrow('killed');
    const drawn = await drawnSubjects(world);

    world.invitations.createMany = createMany;
    await planWave({ waveId: WAVE_ID }, world.asPlan);

    expect(await drawnSubjects(world)).toEqual(drawn);
    expect(await waveStatus(WAVE_ID, world)).toMatchObject({ drawn: 30, planned: 30 });
  });

  it('R14 holds a place at each address it means to write to, after a crash too, and none for somebody erased', async () => {
    const world = await publishedRun([
      ...many('hold', 30),
      { id: 'twin', segment: 'unrated', email: 'hold0@example.com' },
    ]);
    await startWave({ runId: RUN_ID }, world.asStart);
    const { hold } = world.contacts;
    let calls = 0;
    world.contacts.hold = async (...given) => {
      calls += 1;
      if (calls > 10) throw new Error('killed');
      await hold(...given);
    };
    await expect(planWave({ waveId: WAVE_ID }, world.asPlan)).rejects.toThrow('killed');
    world.contacts.hold = hold;
    const first = world.customers.all.get('hold0');
    world.customers.all.delete('hold0');

    await planWave({ waveId: WAVE_ID }, world.asPlan);

    const held = [];
    for (const { invitationId } of (await world.audience(WAVE_ID)).drawn) {
      const invitation = await world.invitations.get(invitationId);
      const contact = await world.contacts.get(invitation?.addressKey ?? '');
      if (invitation !== undefined) held.push(contact?.holds?.[invitationId]?.waveId);
    }
    expect(held).toEqual(Array(29).fill(WAVE_ID));
    expect((await world.contacts.get(first?.contactKey ?? ''))?.holds).toBeUndefined();
  });

  it.each(['before', 'after'] as const)(
    'R15 R37 plans the same wave however often it is killed, %s each call to a store or the mail service',
    async (moment) => {
      const names = ['waves', 'waveFiles', 'contacts', 'invitations', 'customers', 'mail'] as const;
      let reached = true;
      for (let call = 1; reached; call += 1) {
        const world = await publishedRun([...many('hold', 40), ...many('priority', 5)], {
          policy: policyWith({ share: '{ hold: 0.1, priority: 1.0 }', atLeast: '6' }),
          mail: calmAccount({ max24h: 5, maxPerSecond: 14 }),
        });
        await startWave({ runId: RUN_ID }, world.asStart);
        const dying = dyingAt(world.asPlan, names, call, moment);
        await planWave({ waveId: WAVE_ID }, dying.ports).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
        reached = dying.reached();
        const before = await world.waveFiles.readJson(WAVE_ID, 'drawn.json');
        await planWave({ waveId: WAVE_ID }, world.asPlan);

        const audience = await world.audience(WAVE_ID);
        if (before !== undefined) expect(audience).toEqual(before);
        expect(audience.drawn).toHaveLength(11);
        const made = await world.invitations.getMany(audience.drawn.map((one) => one.invitationId));
        expect(made.size).toBe(11);
        const record = (await world.waves.get(WAVE_ID))?.record;
        expect(record).toMatchObject({ state: 'sending', drawn: 11, batches: 3, dailyMails: 4 });
        expect(record?.days?.map((day) => day.mails)).toEqual([4, 4, 3]);
        expect(record?.closesAt).toBe([...made.values()][0]?.closesAt);
      }
    },
    30_000,
  );

  it('starts one wave for a run however often it is asked, and none for a run without a survey', async () => {
    const world = await publishedRun(many('hold', 3));
    await startWave({ runId: RUN_ID }, world.asStart);
    await startWave({ runId: RUN_ID }, world.asStart);
    expect(await world.waves.list()).toHaveLength(1);
    expect((await world.runs.get(RUN_ID))?.record.waveId).toBe(WAVE_ID);

    const quiet = await publishedRun(many('hold', 3));
    await quiet.runs.replace(RUN_ID, { ...runRecord(policyWith()), survey: false }, 1);
    await startWave({ runId: RUN_ID }, quiet.asStart);
    expect(quiet.started).toEqual([]);
  });

  it('closes with a summary that is counted from the items, the same when it is closed again', async () => {
    const world = await publishedRun(many('hold', 40));
    await startWave({ runId: RUN_ID }, world.asStart);
    await planWave({ waveId: WAVE_ID }, world.asPlan);
    expect(await lookUpWave({ waveId: WAVE_ID }, world)).toMatchObject({
      next: 'send-invitations',
      batches: [0],
    });
    await closeWave({ waveId: WAVE_ID }, world);
    const summary = await world.waveFiles.readJson(WAVE_ID, 'summary.json');

    await closeWave({ waveId: WAVE_ID }, world);

    expect(summary).toMatchObject({ state: 'closed', drawn: 30, population: 40 });
    expect(await world.waveFiles.readJson(WAVE_ID, 'summary.json')).toEqual(summary);
  });
});

describe('sample sizes', () => {
  it('are never more than there are, at least the minimum where there are as many, and 0 for segments not asked', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(100), (size, share, atLeast) => {
        const n = sampleSize(size, share, atLeast);

        expect(n).toBeLessThanOrEqual(size);
        if (share > 0) expect(n).toBeGreaterThanOrEqual(Math.min(size, atLeast));
        else expect(n).toBe(0);
        expect(mostTried(n)).toBe(5 * n);
      }),
    );
    expect(sampleSize(1000, 0.3, 30)).toBe(300);
    expect(sampleSize(100, undefined, 30)).toBe(0);
  });

  it('are as large as a size says, up to what there is, whatever the minimum', () => {
    const rule = { share: { hold: 0.1 }, size: { exit: 400 }, atLeast: 30 };

    expect(segmentSample('exit', 1000, rule)).toBe(400);
    expect(segmentSample('exit', 250, rule)).toBe(250);
    expect(segmentSample('hold', 1000, rule)).toBe(100);
    expect(segmentSample('hold', 100, rule)).toBe(30);
    expect(segmentSample('unrated', 100, rule)).toBe(0);
    expect(segmentSample('exit', 100, { ...rule, size: { exit: 5 } })).toBe(5);
  });
});
