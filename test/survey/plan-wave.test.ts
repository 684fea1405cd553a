import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeWave, waveStatus } from '#shared/application/close-wave.ts';
import { lookUpWave } from '#shared/application/look-up-wave.ts';
import { type PlanWavePorts, planWave } from '#shared/application/plan-wave.ts';
import { policyKey } from '#shared/application/run/run-ports.ts';
import { type StartWavePorts, startWave } from '#shared/application/start-wave.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import { encodeId } from '#shared/domain/link-token.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import { mostTried, sampleSize } from '#shared/domain/sampling.ts';
import type { SendQuota } from '#shared/ports/mail-sender.ts';
import type { PlanRow } from '#shared/domain/standing.ts';
import { factsOf, memoryRecords, memoryStores, NOW, WAVE_ID } from './memory.ts';

const readPolicy = (): Policy => {
  const file = new URL('../../policies/bank-three-class.yaml', import.meta.url);
  const parsed = parsePolicy(readFileSync(file, 'utf8'), 'bank-three-class.yaml');
  if (!parsed.ok) throw new Error('the preset is not valid');
  return parsed.policy;
};
const policy = readPolicy();
const RUN_ID = '2026-05-monthly';

const runRecord: RunRecord = {
  runId: RUN_ID,
  trigger: 'schedule',
  mode: 'run',
  state: 'published',
  period: '2026-05',
  asOf: '2026-05-31',
  frozenAt: NOW,
  closesPeriod: true,
  survey: true,
  by: 'schedule',
  policy: { name: policy.name, version: policy.version, hash: policy.hash },
  shards: 2,
  basedOn: null,
  seq: 1,
  overrides: [],
  brakes: [],
  expiresAt: null,
  waveId: null,
  error: null,
  finishedAt: null,
};

const planRow = (subject: string, segment: string | null): PlanRow => ({
  bucket: 0,
  subject,
  factsRev: 1,
  branch: 'north',
  manager: null,
  value: 1,
  scores: {},
  next: {
    seq: 1,
    runId: RUN_ID,
    placements:
      segment === null
        ? {}
        : {
            [policy.mainDimension]: {
              target: segment,
              actual: segment,
              since: '2026-05',
              periods: 1,
              lastPeriod: '2026-05',
              heldBack: [],
            },
          },
    ratings: {},
    values: {},
    flags: [],
  },
  changed: false,
  moves: [],
  flags: [],
  satisfaction: null,
});

/** An account in good standing that has sent nothing today. */
const calmAccount = (quota: Partial<SendQuota> = {}) => ({
  quota: async () => ({ max24h: 50_000, maxPerSecond: 14, sentLast24h: 0, ...quota }),
});

/** A published run of these customers; each has an address unless `without` says so. */
const publishedRun = async (
  customers: readonly { readonly id: string; readonly segment: string | null; readonly email?: string | null }[],
) => {
  const stores = memoryStores();
  await stores.objects.put(policyKey(policy.hash), new TextEncoder().encode(JSON.stringify(policy.source)));
  const rows: PlanRow[] = [];
  for (const { id, segment, email } of customers) {
    rows.push(planRow(`s-${id}`, segment));
    const contactKey =
      email === null
        ? undefined
        : await stores.contacts.upsertPerson({ customerId: id, email: email ?? `${id}@example.com`, language: 'en' });
    stores.customers.all.set(id, factsOf(id, contactKey === undefined ? {} : { contactKey }));
  }
  const runs = memoryRecords<RunRecord>();
  await runs.create(RUN_ID, runRecord);
  let ids = 0;
  const started: string[] = [];
  const ports = {
    ...stores,
    clock: { now: () => NOW },
    runs,
    files: { readPlan: async (_runId: string, shard: number) => rows.filter((_, index) => index % 2 === shard) },
    newInvitationId: () => encodeId(Buffer.from(String(++ids).padStart(16, '0'))),
    mail: calmAccount(),
    mailRatePerSecond: 11,
    workflows: {
      start: async (_machine: string, name: string) => {
        started.push(name);
        return { executionArn: name, started: true };
      },
    },
  };
  return { ...ports, started, asPlan: ports as unknown as PlanWavePorts, asStart: ports as unknown as StartWavePorts };
};

const many = (segment: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ id: `${segment}${from + index}`, segment }));

const drawnSubjects = async (world: Awaited<ReturnType<typeof publishedRun>>): Promise<string[]> => {
  const document = await world.waveFiles.readJson(WAVE_ID, 'drawn.json');
  return (document as { drawn: { subject: string }[] }).drawn.map((one) => one.subject);
};

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

    const { batches } = await planWave({ waveId: WAVE_ID }, world.asPlan);

    expect(batches).toEqual([0, 1]);
    const status = await waveStatus(WAVE_ID, world);
    expect(status).toMatchObject({
      population: 151,
      drawn: 71,
      planned: 71,
      notDrawn: { left: 1, noAddress: 1, sameAddress: 1, segmentNotSurveyed: 7, notSampled: 70 },
    });
    expect(status?.segments['hold']).toMatchObject({ population: 100, drawn: 30 });
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

  it('starts one wave for a run however often it is asked, and none for a run without a survey', async () => {
    const world = await publishedRun(many('hold', 3));
    await startWave({ runId: RUN_ID }, world.asStart);
    await startWave({ runId: RUN_ID }, world.asStart);
    expect(await world.waves.list()).toHaveLength(1);
    expect((await world.runs.get(RUN_ID))?.record.waveId).toBe(WAVE_ID);

    const quiet = await publishedRun(many('hold', 3));
    await quiet.runs.replace(RUN_ID, { ...runRecord, survey: false }, 1);
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
});
