import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { abandonRun } from '#shared/application/run/abandon-run.ts';
import { applyShard } from '#shared/application/run/apply-shard.ts';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import { visibleGeneration } from '#shared/application/run/measure-shard.ts';
import { idInPlaceOf, openRun } from '#shared/application/run/open-run.ts';
import { publishRun } from '#shared/application/run/publish-run.ts';
import { rollbackRun } from '#shared/application/run/rollback-run.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

type Bench = ReturnType<typeof openMemoryBench>;

const visible = async (bench: Bench): Promise<Readonly<Record<string, string | null>>> => {
  const pointer = await bench.ports.pointer.get();
  const found: Record<string, string | null> = {};
  for (let bucket = 0; bucket < bench.ports.customers.buckets; bucket += 1) {
    const standings = new Map((await bench.ports.standings.readBucket(bucket)).map((one) => [one.subject, one]));
    for await (const read of bench.ports.customers.readBucket(bucket)) {
      if (read.kind !== 'customer') continue;
      const generation = visibleGeneration(standings.get(read.facts.subject), pointer);
      found[read.facts.customerId] = generation?.placements['class']?.actual ?? null;
    }
  }
  return found;
};

const back = (bench: Bench, runId?: string) =>
  rollbackRun({ by: 'Ann', reason: 'wrong limits', ...(runId === undefined ? {} : { runId }) }, bench.ports);

describe('rolling back a run', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = openMemoryBench();
    await bench.usePolicy(SCORE_POLICY);
    bench.setNow('2026-11-01T02:00:00.000Z');
    await withScore(bench, { a: 90, b: 50, c: 10 }, '2026-10-15');
    await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z' });
    bench.setNow('2026-12-01T02:00:00.000Z');
    await withScore(bench, { a: 10, d: 90 }, '2026-11-15');
  });
  afterEach(() => bench.close());

  const november = () => bench.run({ trigger: 'schedule', scheduledAt: '2026-12-01T02:00:00.000Z' });

  it('puts the run before in force again, for every customer, and keeps who did it and why', async () => {
    const before = await visible(bench);
    await november();
    expect(await visible(bench)).toEqual({ a: 'low', b: 'middle', c: 'low', d: 'high' });

    const done = await back(bench);

    expect(done).toMatchObject({ runId: '2026-11-monthly', outcome: 'rolledBack', restored: '2026-10-monthly' });
    expect(await visible(bench)).toEqual(before);
    const record = (await bench.ports.runs.get('2026-11-monthly'))?.record;
    expect(record).toMatchObject({
      state: 'rolledBack',
      rolledBack: { by: 'Ann', reason: 'wrong limits', at: '2026-12-01T02:00:00.000Z', restored: '2026-10-monthly' },
    });
    expect(await bench.ports.pointer.get()).toMatchObject({
      abandonedSeqs: [2],
      published: { seq: 1 },
      previous: null,
    });
  });

  it('is done once if it is asked for twice, by name or without', async () => {
    await november();
    await back(bench);
    const after = await bench.ports.pointer.get();

    expect(await back(bench, '2026-11-monthly')).toMatchObject({ outcome: 'already', restored: '2026-10-monthly' });
    await expect(back(bench)).rejects.toMatchObject({ code: 'predecessor-overwritten' });
    expect(await bench.ports.pointer.get()).toEqual(after);
  });

  it('finishes what a crash left after the pointer had moved', async () => {
    await november();
    const { rev, ...pointer } = await bench.ports.pointer.get();
    await bench.ports.pointer.compareAndSet(
      { ...pointer, published: pointer.previous, previous: null, abandonedSeqs: [2] },
      rev,
    );

    expect(await back(bench)).toMatchObject({ runId: '2026-11-monthly', restored: '2026-10-monthly' });
    expect((await bench.ports.runs.get('2026-11-monthly'))?.record.state).toBe('rolledBack');
  });

  it('takes the first run back to nothing', async () => {
    const done = await back(bench);

    expect(done.restored).toBeNull();
    expect(Object.values(await visible(bench))).toEqual([null, null, null, null]);
    await november();
    expect(await visible(bench)).toEqual({ a: 'low', b: 'middle', c: 'low', d: 'high' });
  });

  it.each([
    ['an earlier run', '2026-10-monthly', 'rollback-too-deep'],
    ['a run that is only planned', '2026-11-p', 'run-not-published'],
    ['a run that does not exist', 'nonsense', 'run-unknown'],
  ])('refuses %s', async (_what, runId, code) => {
    await november();
    bench.setNow('2026-12-01T03:00:00.000Z');
    await bench.run({ requestId: 'p', asOf: '2026-11-30', mode: 'plan' });

    await expect(back(bench, runId)).rejects.toMatchObject({ code });
    expect((await bench.ports.pointer.get()).published?.runId).toBe('2026-11-monthly');
  });

  it('refuses as soon as a later run has begun to be applied, also after that one was abandoned', async () => {
    await november();
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-12-01', mode: 'plan' });
    await beginApply({ runId }, bench.ports);

    await expect(back(bench)).rejects.toMatchObject({ code: 'run-is-applying' });
    await abandonRun(runId, 'Ann', bench.ports);
    await expect(back(bench)).rejects.toMatchObject({ code: 'predecessor-overwritten' });
  });

  it('needs a reason', async () => {
    await expect(rollbackRun({ by: 'Ann', reason: ' ' }, bench.ports)).rejects.toMatchObject({
      code: 'reason-missing',
    });
  });

  it('lets one of two people at the same time do it, and tells the other', async () => {
    await november();

    const both = await Promise.allSettled([back(bench), back(bench)]);

    expect(both.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    expect((await bench.ports.pointer.get()).abandonedSeqs).toEqual([2]);
  });

  it('is not undone by a step of the run that is tried again', async () => {
    await november();
    await back(bench);

    await expect(publishRun({ runId: '2026-11-monthly' }, bench.ports)).rejects.toMatchObject({ code: 'lock-lost' });
    await expect(beginApply({ runId: '2026-11-monthly' }, bench.ports)).rejects.toMatchObject({
      code: 'run-discarded',
    });
    expect(await bench.apply('2026-11-monthly').catch((error) => error.code)).toBe('run-not-planned');
    expect((await bench.ports.runs.get('2026-11-monthly'))?.record.state).toBe('rolledBack');
  });

  it('takes back the proposals that the run raised and opens those again that it withdrew; decisions stand', async () => {
    const subjects = await bench.ports.customers.subjectsOf(['a', 'b', 'c', 'd']);
    const subject = (id: string): string => subjects.get(id) ?? '';
    await withScore(bench, { b: 5, c: 90 }, '2026-11-16');
    const before = (await bench.ports.flags.listOpen()).map((flag) => flag.customerId);
    await november();
    const during = (await bench.ports.flags.listOpen()).map((flag) => flag.customerId).sort();
    await bench.ports.flags.settle(subject('b'), 'exit', {
      state: 'approved',
      by: 'Bo',
      at: '2026-12-01T02:00:00.000Z',
      reason: 'agreed',
    });

    const done = await back(bench);

    expect([before, during]).toEqual([['c'], ['a', 'b']]);
    expect(done).toMatchObject({ flagsWithdrawn: 1, flagsReopened: 1 });
    expect((await bench.ports.flags.listOpen()).map((flag) => flag.customerId)).toEqual(['c']);
    expect((await bench.ports.flags.get(subject('a'), 'exit'))?.history.at(-1)).toMatchObject({
      event: 'withdrawn',
      by: 'Ann',
      reason: 'rollback: wrong limits',
    });
    expect((await bench.ports.flags.get(subject('b'), 'exit'))?.state).toBe('approved');
    expect(await back(bench, '2026-11-monthly')).toMatchObject({ flagsWithdrawn: 0, flagsReopened: 0 });
  });

  it('cancels a survey that is not over, so that it sends nothing more', async () => {
    await november();
    const wave = { waveId: 'w-2026-11-monthly', runId: '2026-11-monthly', state: 'sending', finishedAt: null };
    await bench.ports.waves.create(wave.waveId, wave as WaveRecord);

    expect(await back(bench)).toMatchObject({ cancelledWave: wave.waveId });
    expect((await bench.ports.waves.get(wave.waveId))?.record).toMatchObject({
      state: 'cancelled',
      finishedAt: null,
      orders: [{ action: 'cancel', by: 'Ann', reason: 'rollback: wrong limits' }],
    });
    expect(await back(bench, '2026-11-monthly')).toMatchObject({ cancelledWave: wave.waveId });
  });

  describe('and the period after', () => {
    beforeEach(async () => {
      await november();
      await back(bench);
    });

    it('R36 is not computed again by a trigger that comes twice', async () => {
      expect(await november()).toMatchObject({ runId: '2026-11-monthly', outcome: 'stop' });
      expect((await bench.ports.pointer.get()).published?.runId).toBe('2026-10-monthly');
    });

    it('is closed by a run in its place that an operator starts, once', async () => {
      const again = () => bench.run({ replaces: '2026-11-monthly', by: 'Ann' });
      const first = await again();
      const second = await again();

      expect([first.runId, second.runId, second.outcome]).toEqual(['2026-11-monthly-2', '2026-11-monthly-2', 'stop']);
      expect((await bench.ports.runs.get(first.runId))?.record).toMatchObject({
        closesPeriod: true,
        asOf: '2026-11-30',
        replaces: '2026-11-monthly',
        state: 'published',
      });
      expect(await visible(bench)).toEqual({ a: 'low', b: 'middle', c: 'low', d: 'high' });
    });

    it('can be rolled back and done again as often as needed', async () => {
      await bench.run({ replaces: '2026-11-monthly' });
      await back(bench);
      const third = await bench.run({ replaces: '2026-11-monthly-2' });

      expect(third.runId).toBe('2026-11-monthly-3');
      expect((await bench.ports.pointer.get()).published).toMatchObject({ seq: 4, runId: '2026-11-monthly-3' });
    });

    it('counts a month once for waiting times, however often it was done', async () => {
      const { runId } = await bench.run({ replaces: '2026-11-monthly' });
      const periods = [];
      for (let shard = 0; shard < 4; shard += 1) {
        for (const row of await bench.ports.files.readPlan(runId, shard))
          periods.push(row.next.placements['class']?.periods);
      }

      expect(Math.max(...periods.map((one) => one ?? 0))).toBe(1);
    });

    it('cannot be closed any more once a later day is in force', async () => {
      await bench.run({ requestId: 'x', asOf: '2026-12-01' });

      await expect(bench.run({ replaces: '2026-11-monthly' })).rejects.toMatchObject({ code: 'period-passed' });
    });

    it.each([
      ['a run in force', '2026-10-monthly', 'run-not-over'],
      ['an ad hoc run', '2026-12-x', 'run-closes-no-period'],
    ])('is not closed in place of %s', async (_what, replaces, code) => {
      await bench.run({ requestId: 'x', asOf: '2026-12-01', mode: 'plan' });

      await expect(bench.run({ replaces })).rejects.toMatchObject({ code });
    });
  });

  it('names the run in place of another by a number', () => {
    expect(['2026-11-monthly', '2026-11-monthly-2', '2026-11-monthly-9'].map(idInPlaceOf)).toEqual([
      '2026-11-monthly-2',
      '2026-11-monthly-3',
      '2026-11-monthly-10',
    ]);
  });
});

describe('abandoning a run', () => {
  it('takes its proposals back, also those of a shard that was still being applied', async () => {
    const bench = openMemoryBench();
    await bench.usePolicy(SCORE_POLICY);
    await withScore(bench, { a: 10, b: 10, c: 10, d: 10 }, '2026-10-15');
    const scheduledAt = bench.ports.clock.now();
    const { runId } = await bench.run({ trigger: 'schedule', scheduledAt, mode: 'plan' });
    const { shards } = await beginApply({ runId }, bench.ports);
    const [last, ...first] = shards.toReversed();
    for (const shard of first) await applyShard({ runId, shard }, bench.ports);
    const before = await bench.ports.flags.listOpen();
    let isAbandoned = false;
    /** The operator comes right before the first proposal of the last shard. */
    const flags = {
      ...bench.ports.flags,
      raise: async (flag: Parameters<typeof bench.ports.flags.raise>[0]) => {
        if (!isAbandoned) await abandonRun(runId, 'Ann', bench.ports);
        isAbandoned = true;
        return bench.ports.flags.raise(flag);
      },
    };

    await applyShard({ runId, shard: last ?? 0 }, { ...bench.ports, flags });
    if (!isAbandoned) await abandonRun(runId, 'Ann', bench.ports);

    expect(before.length).toBeGreaterThan(0);
    expect(isAbandoned).toBe(true);
    expect(await bench.ports.flags.listOpen()).toEqual([]);
  });

  it('stops a run that waits for the lock from taking it later', async () => {
    const bench = openMemoryBench();
    await bench.usePolicy(SCORE_POLICY);
    await withScore(bench, { a: 90 }, '2026-10-15');
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-10-31', mode: 'plan' });
    await openRun({ schema: 1, trigger: 'operator', mode: 'apply', runId, by: 'Ann' }, bench.ports);

    await abandonRun(runId, 'Ann', bench.ports);

    await expect(beginApply({ runId }, bench.ports)).rejects.toMatchObject({ code: 'run-discarded' });
    expect((await bench.ports.pointer.get()).applying).toBeNull();
  });

  it('wins or loses against the same run beginning to apply, and never leaves the lock behind', async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      const bench = openMemoryBench();
      await bench.usePolicy(SCORE_POLICY);
      await withScore(bench, { a: 90 }, '2026-10-15');
      const { runId } = await bench.run({ requestId: 'p', asOf: '2026-10-31', mode: 'plan' });
      const slow = async (turns: number): Promise<void> => {
        for (let n = 0; n < turns; n += 1) await Promise.resolve();
      };

      await Promise.allSettled([
        beginApply({ runId }, bench.ports),
        slow(turn).then(() => abandonRun(runId, 'Ann', bench.ports)),
      ]);
      await abandonRun(runId, 'Ann', bench.ports);

      expect((await bench.ports.runs.get(runId))?.record.state).toBe('abandoned');
      expect((await bench.ports.pointer.get()).applying).toBeNull();
      await expect(
        applyShard({ runId, shard: 0 }, bench.ports).then(() => publishRun({ runId }, bench.ports)),
      ).rejects.toThrow();
    }
  });
});
