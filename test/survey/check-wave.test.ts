import { describe, expect, it } from 'vitest';
import { type CheckWavePorts, checkWave } from '#shared/application/check-wave.ts';
import { waveCheckText } from '#shared/application/check-wave-text.ts';
import type { Contact } from '#shared/domain/contact-policy.ts';
import { NOW, WAVE_ID } from './memory.ts';
import { type Customer, calmAccount, many, policyWith, publishedRun, RUN_ID, runRecord } from './published-run.ts';

const CUSTOMERS: readonly Customer[] = [
  ...many('priority', 10),
  ...many('hold', 100),
  ...many('unrated', 3),
  { id: 'mute', segment: 'priority', email: null },
  { id: 'gone', segment: null },
];

type World = Awaited<ReturnType<typeof publishedRun>>;

/** Everything that is stored, as text. */
const everything = async (world: World): Promise<string> => {
  const objects = await world.objects.list('');
  const bodies = await Promise.all(
    objects.map(async (key) => [key, Buffer.from((await world.objects.get(key)) ?? [])]),
  );
  const keys = [...world.customers.all.values()].flatMap(({ contactKey }) => contactKey ?? []);
  const contacts: ReadonlyMap<string, Contact> = await world.contacts.getMany(keys);
  return JSON.stringify([
    bodies,
    [...contacts],
    await world.waves.list(),
    await world.runs.list(),
    [...world.customers.all],
  ]);
};

const checked = (world: World, more: Partial<CheckWavePorts> = {}) =>
  checkWave(RUN_ID, { ...(world as unknown as CheckWavePorts), ...more });

describe('looking at what a wave would do', () => {
  it('names segments, shares, invited, reasons, pre-flight and days, and writes nothing', async () => {
    const world = await publishedRun(CUSTOMERS);
    const before = await everything(world);

    const check = await checked(world);

    expect(await everything(world)).toBe(before);
    expect(world.started).toEqual([]);
    expect(check).toMatchObject({
      runId: RUN_ID,
      waveId: WAVE_ID,
      waveState: null,
      population: 115,
      invited: 40,
      left: 1,
      priority: 50,
      preflight: { verdict: 'ok', invitations: 40, reminders: 40, costMicroUsd: 8_000 },
      days: [{ from: NOW, mails: 40 }],
    });
    const bySegment = Object.fromEntries(check.segments.map(({ segment, ...rest }) => [segment, rest]));
    expect(bySegment['priority']).toEqual({
      population: 11,
      wanted: 11,
      invited: 10,
      deferred: 0,
      neverAsked: 10,
      reasons: { noAddress: 1 },
    });
    expect(bySegment['hold']).toMatchObject({ population: 100, wanted: 30, invited: 30, reasons: { notSampled: 70 } });
    expect(bySegment['unrated']).toMatchObject({ wanted: 0, invited: 0, reasons: { segmentNotSurveyed: 3 } });
  });

  it('invites whom the wave itself then draws, and after it whom one more wave would', async () => {
    const world = await publishedRun(CUSTOMERS);
    const check = await checked(world);

    await world.plan();

    expect((await world.audience(WAVE_ID)).drawn).toHaveLength(check.invited);
    const next = await checked(world);
    expect(next.waveState).toBe('sending');
    // All of the first class are over the budget; of the others, those come next who were not asked.
    expect(next.segments.find((one) => one.segment === 'priority')).toMatchObject({
      invited: 0,
      reasons: { contactBudget: 10, noAddress: 1 },
    });
    expect(next.segments.find((one) => one.segment === 'hold')).toMatchObject({ invited: 30, neverAsked: 30 });
  });

  it('takes a size instead of a share', async () => {
    const world = await publishedRun(CUSTOMERS, {
      policy: policyWith({ share: '{ priority: 1.0 }', size: '{ hold: 7 }' }),
    });

    const check = await checked(world);

    expect(check.segments.find((one) => one.segment === 'hold')).toMatchObject({ wanted: 7, invited: 7 });
  });

  it('shows the days of a wave that is larger than the quota, and none where the account forbids it', async () => {
    const world = await publishedRun(CUSTOMERS, {
      policy: policyWith({ share: '{ hold: 1.0 }' }),
      mail: calmAccount({ max24h: 50, maxPerSecond: 1 }),
    });
    const check = await checked(world);
    expect(check.days.map((day) => day.mails)).toEqual([40, 40, 20]);
    expect(check.preflight.findings.map((one) => one.name)).toEqual(['rateAboveAccount', 'quotaUsed']);
    expect(waveCheckText(check, 'en')).toContain('day 3 of 3: 20 mails from 2026-06-03 02:00 UTC');
    expect(waveCheckText(check, 'zh-CN')).toContain('第 3 天（共 3 天）：20 封');

    const off = { sendingEnabled: false, attempts: 0, bounces: 0, complaints: 0, rejects: 0, days: 14 };
    const refused = await checked(world, { mail: { ...calmAccount(), reputation: async () => off } });
    expect(refused).toMatchObject({ days: [], preflight: { verdict: 'refuse' } });
    expect(waveCheckText(refused, 'en')).toContain('Pre-flight: refused; it looks again by itself');
  });

  it('reads in both languages', async () => {
    const check = await checked(await publishedRun(CUSTOMERS));

    const english = waveCheckText(check, 'en');
    expect(english).toContain(`A wave for run ${RUN_ID}, if it began now. Nothing has been written.`);
    expect(english).toMatch(/hold\s+100\s+30\s+30\s+30/u);
    expect(english).toContain('  priority: no address 1');
    expect(english).toContain('Cost: $0.01');
    expect(waveCheckText(check, 'zh-CN')).toContain('未写入任何内容');
    for (const text of [english, waveCheckText(check, 'zh-CN')]) expect(text).not.toMatch(/undefined|NaN/u);
  });

  it('refuses a run without a plan, a run that is not there and a policy without a survey, with what is allowed', async () => {
    const world = await publishedRun(CUSTOMERS);
    await world.runs.replace(RUN_ID, runRecord(policyWith(), { state: 'failed' }), 1);
    await expect(checked(world)).rejects.toMatchObject({
      code: 'no-plan',
      message: expect.stringContaining('is failed and has no plan'),
    });
    await expect(checkWave('none', world as unknown as CheckWavePorts)).rejects.toMatchObject({ code: 'run-unknown' });
  });
});
