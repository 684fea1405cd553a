import { beforeEach, describe, expect, it } from 'vitest';
import { type CheckWavePorts, checkWave } from '#shared/application/check-wave.ts';
import { waveStatus } from '#shared/application/close-wave.ts';
import { sendInvitations } from '#shared/application/send-batch.ts';
import { reasonInWords } from '#shared/application/summary-text.ts';
import { updateWave } from '#shared/application/wave-record.ts';
import { LEDGER_STATES } from '#shared/domain/wave-ledger.ts';
import { benchTarget, operatorOn } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { CLOSES, drawnWave, type MemoryStores, NOW, settableClock, WAVE_ID } from '#test/survey/memory.ts';
import { calmAccount, many, publishedRun } from '#test/survey/published-run.ts';
import { surveyPorts } from '#test/survey/wave-machine.ts';

let stores: MemoryStores;
let clock: ReturnType<typeof settableClock>;
let resegment: ReturnType<typeof operatorOn>;

beforeEach(async () => {
  stores = await drawnWave(60);
  clock = settableClock(NOW);
  const bench = openMemoryBench();
  resegment = operatorOn(() => ({
    ...benchTarget(bench),
    clock,
    waves: stores.waves,
    waveStatus: (waveId) => waveStatus(waveId, stores),
  }));
});

describe('an operator at a wave', () => {
  it('pauses it, sees who did, resumes it and reads by when it goes on', async () => {
    const paused = await resegment('wave', 'pause', 'latest', '--reason', 'wrong branch names', '--json');
    expect(paused).toMatchObject({
      code: 0,
      json: { waveId: WAVE_ID, outcome: 'done', pause: { by: 'operator', reason: 'wrong branch names' } },
    });
    const shown = await resegment('wave', 'show');
    expect(shown.out).toContain(`State: sending; paused by Ann (unverified), since ${NOW}: wrong branch names`);
    expect((await resegment('wave', 'list', '--state', 'paused')).out).toContain('sending (paused)');

    const again = await resegment('wave', 'pause', WAVE_ID, '--reason', 'other');
    expect(again).toMatchObject({ code: 0 });
    expect(again.out).toContain('already paused, since');
    expect(again.out).toContain('Ann (unverified): wrong branch names');

    const resumed = await resegment('wave', 'resume', 'latest');
    expect(resumed.out).toContain(
      `wave ${WAVE_ID} goes on where it was; its next mails go out by 2026-06-01T02:15:00.000Z`,
    );
    expect((await resegment('wave', 'resume', 'latest')).out).toContain('is not paused; nothing changed');
  });

  it('R09 sees in wave show, wave list and status that the brake stopped it, and resumes it with a reason only', async () => {
    const braked = {
      at: NOW,
      hits: [{ brake: 'bounceShare' as const, actual: 37 / 812, limit: 0.04 }],
      sent: 812,
      bounced: 37,
      complained: 0,
      notice: 'sent' as const,
    };
    await updateWave(stores.waves, WAVE_ID, (wave) => ({
      ...wave,
      pause: { by: 'reputation', reason: 'bounces 4.6 % of 812', at: NOW },
      braked,
    }));

    const shown = (await resegment('wave', 'show')).out;
    expect(shown).toContain(`State: sending; paused by the brake, since ${NOW}: bounces 4.6 % of 812`);
    expect(shown).toContain('operators told by mail');
    expect(shown).toContain('it does not go on by itself: resegment wave resume or cancel, with --reason');
    expect((await resegment('wave', 'show', '--lang', 'zh-CN')).out).toContain('硬退信 4.6 %');
    expect((await resegment('wave', 'list', '--state', 'paused')).out).toContain('sending (paused)');
    expect((await resegment('status')).out).toContain('paused by the brake: bounces 4.6 % of 812');
    expect((await resegment('status', '--json')).json).toMatchObject({
      waves: [{ pause: { by: 'reputation' }, braked: { sent: 812, bounced: 37 } }],
    });

    const paused = await resegment('wave', 'pause', WAVE_ID, '--reason', 'me too');
    expect(paused.out).toContain('is already paused by the brake');
    const silent = await resegment('wave', 'resume', WAVE_ID, '--json');
    expect(silent).toMatchObject({ code: 2, json: { error: { code: 'reason-missing', hint: expect.any(String) } } });
    const resumed = await resegment('wave', 'resume', WAVE_ID, '--reason', 'old addresses taken out', '--json');
    expect(resumed).toMatchObject({ code: 0, json: { outcome: 'done', pause: null } });
    const after = (await resegment('wave', 'show')).out;
    expect(after).toContain('resumed Ann (unverified): old addresses taken out');
    expect(after).toContain(`Stopped by the brake ${NOW}`);
  });

  it('prints a ledger that adds up, in both languages and as JSON', async () => {
    await sendInvitations(
      { waveId: WAVE_ID, batch: 0 },
      surveyPorts(stores, clock, async () => ({ kind: 'accepted', messageId: 'm' })),
    );
    await resegment('wave', 'cancel', 'latest', '--reason', 'asked by the council');

    const { json } = await resegment('wave', 'show', '--json');
    // What small groups answered is for `wave results`, which hides it.
    expect(JSON.stringify(json)).not.toContain('score');
    expect(json).toMatchObject({
      population: 60,
      states: { sent: 50, waveCancelled: 10 },
      orders: [{ action: 'cancel', by: 'Ann (unverified)', reason: 'asked by the council', at: NOW }],
    });
    const english = (await resegment('wave', 'show')).out;
    expect(english).toMatch(/Every customer is in one state\s+Customers/u);
    expect(english).toMatch(/wave cancelled\s+10/u);
    expect(english).toMatch(/\nAll\s+60/u);
    expect(english).toContain(`  ${NOW} cancelled Ann (unverified): asked by the council`);
    const chinese = (await resegment('wave', 'show', '--lang', 'zh-CN')).out;
    expect(chinese).toMatch(/调查已取消\s+10/u);
    expect(chinese).toMatch(/合计\s+60/u);
    expect(chinese).toContain('已取消，不再发送');
  });

  it('is refused with the state and what is allowed, as wrong usage and as one document', async () => {
    clock.moveTo(CLOSES);
    for (const words of [['pause', '--reason', 'x'], ['resume'], ['cancel', '--reason', 'x']]) {
      const [verb = '', ...rest] = words;
      const said = await resegment('wave', verb, WAVE_ID, ...rest, '--json');
      expect(said).toMatchObject({ code: 2, json: { error: { code: 'wave-closed', hint: expect.any(String) } } });
    }
    const unknown = await resegment('wave', 'pause', 'w-none', '--reason', 'x', '--json');
    expect(unknown).toMatchObject({ code: 2, json: { error: { code: 'wave-unknown' } } });
    const silent = await resegment('wave', 'pause', WAVE_ID, '--reason', ' ', '--json');
    expect(silent).toMatchObject({ code: 2, json: { error: { code: 'reason-missing' } } });
    expect(await resegment('wave', 'pause', WAVE_ID, '--json')).toMatchObject({ code: 2 });
    const state = await resegment('wave', 'list', '--state', 'flying', '--json');
    expect(state).toMatchObject({ code: 2, json: { error: { code: 'state-unknown' } } });
  });

  it('sees what a wave would do before it does, in both languages, as JSON, and as an exit code', async () => {
    const world = await publishedRun([...many('hold', 100), { id: 'mute', segment: 'hold', email: null }]);
    let mail = calmAccount();
    const look = operatorOn(() => ({
      ...benchTarget(openMemoryBench()),
      clock,
      runs: world.runs,
      checkWave: (runId) => checkWave(runId, { ...(world as unknown as CheckWavePorts), mail }),
    }));

    const said = await look('wave', 'check');
    expect(said.code).toBe(0);
    expect(said.out).toContain('A wave for run 2026-05-monthly, if it began now. Nothing has been written.');
    expect(said.out).toMatch(/hold\s+101\s+30\s+30\s/u);
    expect(said.out).toContain('Pre-flight: ok');
    expect((await look('wave', 'check', '2026-05', '--lang', 'zh-CN')).out).toContain('发送前检查：通过');
    expect((await look('wave', 'check', '--json')).json).toMatchObject({
      runId: '2026-05-monthly',
      preflight: { verdict: 'ok' },
      segments: [{ segment: 'hold', population: 101 }],
    });
    expect(await world.waves.list()).toEqual([]);

    mail = calmAccount({ max24h: 0 });
    expect(await look('wave', 'check', '--json')).toMatchObject({
      code: 3,
      json: { preflight: { verdict: 'refuse', findings: [{ name: 'noQuota' }] } },
    });
    expect(await look('wave', 'check', '2019-01', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'run-unknown' } },
    });
    expect(await resegment('wave', 'check', '--json')).toMatchObject({ code: 2 });
  });

  it('finds words for every state of the ledger in both languages', () => {
    for (const state of LEDGER_STATES) {
      expect(reasonInWords(state, 'zh-CN'), state).toMatch(/\p{Script=Han}/u);
      if (state.toLowerCase() !== state) expect(reasonInWords(state, 'en'), state).not.toBe(state);
    }
  });
});
