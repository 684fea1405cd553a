import { beforeEach, describe, expect, it } from 'vitest';
import { preflightRecord } from '#shared/application/ask-mail-service.ts';
import { type CheckWavePorts, checkWave } from '#shared/application/check-wave.ts';
import { waveStatus } from '#shared/application/close-wave.ts';
import { preflightReason } from '#shared/application/preflight-text.ts';
import { sendInvitations } from '#shared/application/send-batch.ts';
import { reasonInWords } from '#shared/application/summary-text.ts';
import { updateWave } from '#shared/application/wave-record.ts';
import { waveStateInWords } from '#shared/application/wave-text.ts';
import { WAVE_STATES } from '#shared/contracts/survey.ts';
import { minuteIn } from '#shared/domain/calendar.ts';
import { LEDGER_STATES } from '#shared/domain/wave-ledger.ts';
import { preflight } from '#shared/domain/wave-preflight.ts';
import { readProjectFile } from '#test/domain/support.ts';
import { benchTarget, operatorOn } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { CLOSES, drawnWave, type MemoryStores, NOW, settableClock, WAVE_ID } from '#test/survey/memory.ts';
import { calmAccount, many, publishedRun } from '#test/survey/published-run.ts';
import { surveyPorts } from '#test/survey/wave-machine.ts';

/** `NOW` as a person reads it. */
const AT = `${NOW.slice(0, 16).replace('T', ' ')} UTC`;

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
    expect(shown.out).toContain(`State: sending; paused by Ann (unverified), since ${AT}: wrong branch names`);
    expect((await resegment('wave', 'list', '--state', 'paused')).out).toContain('sending (paused)');

    const again = await resegment('wave', 'pause', WAVE_ID, '--reason', 'other');
    expect(again).toMatchObject({ code: 0 });
    expect(again.out).toContain(`already paused, since ${AT}`);
    expect(again.out).toContain('Ann (unverified): wrong branch names');

    const resumed = await resegment('wave', 'resume', 'latest');
    expect(resumed.out).toContain(
      `wave ${WAVE_ID} goes on where it was; its next mails go out by 2026-06-01 02:15 UTC`,
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
    expect(shown).toContain(`State: sending; paused by the brake, since ${AT}: bounces 4.6 % of 812`);
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
    expect(after).toContain(`Stopped by the brake ${AT}`);
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
    expect(english).toContain(`  ${AT} cancelled Ann (unverified): asked by the council`);
    const chinese = (await resegment('wave', 'show', '--lang', 'zh-CN')).out;
    expect(chinese).toMatch(/调查已取消\s+10/u);
    expect(chinese).toMatch(/合计\s+60/u);
    expect(chinese).toContain('已取消，不再发送');
  });

  it('lists waves in the language of the reader by the clock of the stage, and for machines in full', async () => {
    const inShanghai = operatorOn(() => ({
      ...benchTarget(openMemoryBench()),
      timeZone: 'Asia/Shanghai',
      clock,
      waves: stores.waves,
      waveStatus: (waveId) => waveStatus(waveId, stores),
    }));
    const closes = minuteIn('Asia/Shanghai', CLOSES);
    await inShanghai('wave', 'pause', 'latest', '--reason', 'wrong branch names');

    const chinese = (await inShanghai('wave', 'list', '--lang', 'zh-CN')).out;
    expect(chinese).toMatch(/批次 .*状态 .*截止时间 \(Asia\/Shanghai\)/u);
    expect(chinese).toContain('发送中（已暂停）');
    expect(chinese).not.toMatch(/sending|paused|\d{2}:\d{2}:\d{2}/u);
    const english = (await inShanghai('wave', 'list')).out;
    expect(english).toContain('closes (Asia/Shanghai)');
    expect(english).toContain(closes);
    expect((await inShanghai('wave', 'list', '--csv')).out).toContain(CLOSES);
    expect((await inShanghai('wave', 'show')).out).toContain(`Closes ${closes} Asia/Shanghai`);
    expect((await inShanghai('wave', 'pause', 'latest', '--reason', 'x', '--lang', 'zh-CN')).out).toContain(
      `此前已暂停，自 ${minuteIn('Asia/Shanghai', NOW)} Asia/Shanghai，操作者 Ann (unverified)：wrong branch names`,
    );
    expect((await inShanghai('wave', 'resume', 'latest', '--lang', 'zh-CN')).out).toContain('从原处继续');
    expect((await inShanghai('wave', 'cancel', 'latest', '--reason', 'x', '--lang', 'zh-CN')).out).toContain('已取消');
  });

  it('says why the pre-flight refused in the language of the reader', async () => {
    const flight = preflight({
      at: NOW,
      invitations: 30,
      reminds: false,
      quota: { max24h: 0, maxPerSecond: 14, sentLast24h: 0 },
      standing: null,
      ratePerSecond: 10,
      dailyQuotaShare: 0.8,
      sendWithinDays: 14,
      reminderDays: 0,
    });
    await updateWave(stores.waves, WAVE_ID, (wave) => ({
      ...wave,
      pause: { by: 'brake', reason: preflightReason(flight, 'en'), at: NOW },
      preflight: preflightRecord(flight),
    }));

    expect((await resegment('wave', 'show')).out).toContain('paused by the mail service');
    const chinese = (await resegment('wave', 'show', '--lang', 'zh-CN')).out;
    expect(chinese).toContain(`${AT}: 账户没有可用的发送配额`);
    expect(chinese).not.toContain('the account may send no mail');
  });

  it('is described with the code and the words of every state, in both languages', () => {
    const page = readProjectFile('docs/surveys.md');
    const rows = new Map(
      [...page.matchAll(/^\| `(\w+)` +\| (.*?) +\| (.*?) +\|/gmu)].map(([, code = '', en, zh]) => [code, [en, zh]]),
    );

    for (const state of LEDGER_STATES.filter((one) => one !== 'planned')) {
      expect(rows.get(state), state).toEqual([reasonInWords(state, 'en'), reasonInWords(state, 'zh-CN')]);
    }
    for (const state of WAVE_STATES.filter((one) => one !== 'planned')) {
      expect(rows.get(state), state).toEqual([waveStateInWords(state, 'en'), waveStateInWords(state, 'zh-CN')]);
    }
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
      objects: world.objects,
      checkWave: (runId) => checkWave(runId, { ...(world as unknown as CheckWavePorts), mail }),
    }));

    const said = await look('wave', 'check');
    expect(said.code).toBe(0);
    expect(said.out).toContain('A wave for run 2026-05-monthly, if it began now. Nothing has been written.');
    expect(said.out).toMatch(/^Prudent support: hold\s+101\s+30\s+30\s/mu);
    expect(said.out).toContain('Pre-flight: ok');
    expect(said.out).toMatch(/ closes 2026-06-22 \d{2}:\d{2} UTC$/mu);
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
