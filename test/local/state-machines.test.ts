import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BusinessClock, openBusinessClock } from '#local/clock.ts';
import { createRunner, executionArnOf, type Handler, type Runner } from '#local/state-machines.ts';
import { type Synthesis, synthesize } from '#local/synthesis.ts';
import { PermanentError, PoisonError, RetryableError } from '#shared/errors.ts';
import { eventually } from '#test/support/eventually.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

let synthesis: Synthesis;
const open: { runner: Runner; clock: BusinessClock }[] = [];

beforeAll(async () => {
  synthesis = await synthesize();
});
afterEach(async () => {
  for (const { runner, clock } of open.splice(0)) {
    await runner.close();
    clock.stop();
  }
});

const RUN_ID = '2026-04-monthly';
const REQUEST = { schema: 1, trigger: 'schedule', mode: 'run', by: 'test' };
const runArn = () => synthesis.machines.resegmentation.arn;
const waveArn = () => synthesis.machines['survey-wave'].arn;

type Handlers = Record<string, Handler>;

/** Handlers that do nothing but note their calls. */
const noting = (
  overrides: Handlers = {},
  calls: [string, unknown][] = [],
): { calls: [string, unknown][]; handlers: Handlers } => {
  const ref = { schema: 1, runId: RUN_ID };
  const wave = { schema: 1, waveId: 'w-1' };
  const answers: Record<string, unknown> = {
    'open-run': { ...ref, next: 'measure' },
    'plan-shards': { ...ref, shards: [0, 1, 2] },
    'review-plan': { outcome: 'apply' },
    'begin-apply': { ...ref, shards: [0, 1, 2] },
    'plan-wave': { ...wave, batches: [0, 1] },
  };
  const looks = [
    { next: 'send-invitations', batches: [0, 1], until: '2026-05-01T00:00:00.000Z' },
    { next: 'wait', batches: [], until: '2026-05-08T00:00:00.000Z' },
    { next: 'send-reminders', batches: [0, 1], until: '2026-05-08T00:00:00.000Z' },
    { next: 'wait', batches: [], until: '2026-05-15T00:00:00.000Z' },
  ];
  const lookUp = async () => ({ ...wave, ...(looks.shift() ?? { next: 'close', batches: [], until: '' }) });
  const handlers = Object.fromEntries(
    Object.values(synthesis.functionArns).map((name): [string, Handler] => [
      name,
      async (event) => {
        calls.push([name, event]);
        const override = overrides[name];
        if (override !== undefined) return override(event);
        return name === 'look-up-wave' ? lookUp() : (answers[name] ?? {});
      },
    ]),
  );
  return { calls, handlers };
};

const runnerWith = (handlers: Handlers, journalDir = temporaryFolder('journal')) => {
  const clock = openBusinessClock({
    dataDir: temporaryFolder('clock'),
    startAt: '2026-05-01T00:00:00.000Z',
  });
  const runner = createRunner({ ...synthesis, handlers, clock, journalDir, retryDelayMs: 1 });
  open.push({ runner, clock });
  return { runner, clock, journalDir };
};

const runToEnd = async (runner: Runner, arn = runArn(), input: unknown = REQUEST, name = RUN_ID) =>
  runner.finished((await runner.start(arn, name, input)).executionArn);

describe('a run on the local stack', () => {
  it('goes through its states in order and ends well', async () => {
    const { handlers, calls } = noting();
    const { runner } = runnerWith(handlers);

    const record = await runToEnd(runner);

    expect(record.status).toBe('SUCCEEDED');
    expect(record.states).toEqual([
      'Open run',
      'What is next?',
      'Plan shards',
      'Measure shards',
      'Calibrate',
      'Assign shards',
      'Review plan',
      'Write plan report',
      'May it be applied?',
      'Begin apply',
      'Apply shards',
      'Publish run',
      'Write report',
      'Start wave',
      'Mail action lists',
      'Assert run healthy',
    ]);
    expect(calls[0]).toEqual(['open-run', REQUEST]);
  });

  it('stays published and healthy where the action lists cannot be mailed', async () => {
    const { handlers, calls } = noting({
      'mail-action-lists': () => Promise.reject(new PermanentError('bug', 'no mail')),
    });
    const { runner } = runnerWith(handlers);

    const record = await runToEnd(runner);

    expect(record.status).toBe('SUCCEEDED');
    expect(record.states.slice(-2)).toEqual(['Mail action lists', 'Assert run healthy']);
    expect(calls.map(([name]) => name)).not.toContain('fail-run');
  });

  it('gives each child its shard and nothing else', async () => {
    const { handlers, calls } = noting();
    const { runner } = runnerWith(handlers);

    await runToEnd(runner);

    for (const step of ['measure-shard', 'assign-shard', 'apply-shard']) {
      expect(calls.filter(([name]) => name === step).map(([, event]) => event)).toEqual(
        [0, 1, 2].map((shard) => ({ schema: 1, runId: RUN_ID, shard })),
      );
    }
  });

  it('runs at most as many children at once as the definition says', async () => {
    let now = 0;
    let most = 0;
    let letGo = (): void => undefined;
    const fourAreIn = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const shards = Array.from({ length: 40 }, (_, shard) => shard);
    const { handlers } = noting({
      'plan-shards': async () => ({ schema: 1, runId: RUN_ID, shards }),
      'measure-shard': async () => {
        now += 1;
        most = Math.max(most, now);
        if (now === 4) letGo();
        await fourAreIn;
        await new Promise((resolve) => setTimeout(resolve, 2));
        now -= 1;
        return {};
      },
    });
    const { runner } = runnerWith(handlers);

    await runToEnd(runner);

    expect(most).toBe(4);
  });

  it('R36 stops at once where the run of the period exists already', async () => {
    const { handlers, calls } = noting({ 'open-run': async () => ({ schema: 1, runId: RUN_ID, next: 'stop' }) });
    const { runner } = runnerWith(handlers);

    const record = await runToEnd(runner);

    expect(record.status).toBe('SUCCEEDED');
    expect(calls.map(([name]) => name)).toEqual(['open-run']);
  });

  it.each(['planned', 'held'])('writes the plan and changes nothing where the plan is %s', async (outcome) => {
    const { handlers, calls } = noting({ 'review-plan': async () => ({ outcome }) });
    const { runner } = runnerWith(handlers);

    const record = await runToEnd(runner);

    expect(record.status).toBe('SUCCEEDED');
    expect(calls.map(([name]) => name)).toContain('write-report');
    expect(calls.map(([name]) => name)).not.toContain('begin-apply');
  });

  it('goes straight to applying where a stored plan is applied', async () => {
    const { handlers, calls } = noting({ 'open-run': async () => ({ schema: 1, runId: RUN_ID, next: 'apply' }) });
    const { runner } = runnerWith(handlers);

    await runToEnd(runner, runArn(), { ...REQUEST, mode: 'apply', runId: RUN_ID });

    expect(calls.map(([name]) => name).slice(0, 2)).toEqual(['open-run', 'begin-apply']);
  });

  it('tries a step again that says that it may succeed later', async () => {
    let tries = 0;
    const { handlers } = noting({
      'measure-shard': async () => {
        tries += 1;
        if (tries <= 5) throw new RetryableError('store-unavailable', 'throttled');
        return {};
      },
    });
    const { runner } = runnerWith(handlers);

    expect((await runToEnd(runner)).status).toBe('SUCCEEDED');
    expect(tries).toBe(8);
  });

  it('gives up after eight retries', async () => {
    let tries = 0;
    const { handlers } = noting({
      calibrate: async () => {
        tries += 1;
        throw new RetryableError('store-unavailable', 'throttled');
      },
    });
    const { runner } = runnerWith(handlers);

    expect(await runToEnd(runner)).toMatchObject({ status: 'FAILED', error: 'RetryableError' });
    expect(tries).toBe(9);
  });

  it.each([
    ['PermanentError', new PermanentError('bug', 'cannot be')],
    ['PoisonError', new PoisonError('input-invalid', 'cannot be read')],
  ])('fails at once on a %s, and records why', async (name, error) => {
    const { handlers, calls } = noting({ calibrate: () => Promise.reject(error) });
    const { runner } = runnerWith(handlers);

    const record = await runToEnd(runner);

    expect(record).toMatchObject({ status: 'FAILED', error: name, cause: expect.stringContaining(error.message) });
    expect(calls.filter(([step]) => step === 'calibrate')).toHaveLength(1);
    expect(calls.at(-1)).toEqual([
      'fail-run',
      { schema: 1, runId: RUN_ID, request: REQUEST, error: name, cause: expect.stringContaining(error.message) },
    ]);
  });

  it('starts no further child after one has failed, and names the first failure', async () => {
    const measured: number[] = [];
    const shards = Array.from({ length: 100 }, (_, shard) => shard);
    const { handlers, calls } = noting({
      'plan-shards': async () => ({ schema: 1, runId: RUN_ID, shards }),
      'measure-shard': async (event) => {
        const { shard } = event as { shard: number };
        measured.push(shard);
        if (shard === 1) throw new PermanentError('bug', 'shard 1 is broken');
        // The others take so many turns of the event loop that the failure is known before they end.
        for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        return {};
      },
    });
    const { runner } = runnerWith(handlers);

    const record = await runToEnd(runner);

    expect(record).toMatchObject({
      status: 'FAILED',
      error: 'States.ExceedToleratedFailureThreshold',
      cause: expect.stringContaining('shard 1 is broken'),
    });
    expect(measured).toEqual([0, 1, 2, 3]);
    expect(calls.map(([name]) => name)).not.toContain('calibrate');
  });

  it('records a failed opening with the request, since there may be no run yet', async () => {
    const { handlers, calls } = noting({
      'open-run': () => Promise.reject(new PermanentError('no-active-policy', 'none')),
    });
    const { runner } = runnerWith(handlers);

    const record = await runToEnd(runner);

    expect(record).toMatchObject({ status: 'FAILED', error: 'PermanentError' });
    expect(calls.at(-1)).toEqual([
      'fail-run',
      { schema: 1, request: REQUEST, error: 'PermanentError', cause: expect.any(String) },
    ]);
  });

  it('keeps the first error where recording it fails too', async () => {
    const { handlers } = noting({
      calibrate: () => Promise.reject(new PermanentError('bug', 'the first')),
      'fail-run': () => Promise.reject(new PermanentError('bug', 'the second')),
    });
    const { runner } = runnerWith(handlers);

    expect(await runToEnd(runner)).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('the first') });
  });

  it('turns red for a degraded run without recording a failure', async () => {
    const { handlers, calls } = noting({
      'assert-run-healthy': () => Promise.reject(new PermanentError('run-degraded', 'too many in quarantine')),
    });
    const { runner } = runnerWith(handlers);

    expect(await runToEnd(runner)).toMatchObject({ status: 'FAILED', error: 'PermanentError' });
    expect(calls.map(([name]) => name)).not.toContain('fail-run');
  });
});

describe('a survey wave on the local stack', () => {
  it('waits on the business clock for the reminder and for the closing', async () => {
    const { handlers, calls } = noting();
    const { runner, clock } = runnerWith(handlers);
    const steps = () => calls.map(([name]) => name);
    const { executionArn } = await runner.start(waveArn(), 'w-1', { schema: 1, waveId: 'w-1' });

    await eventually(() =>
      expect(steps()).toEqual(['plan-wave', 'look-up-wave', 'send-invitations', 'send-invitations', 'look-up-wave']),
    );
    await clock.moveTo('2026-05-07T23:00:00.000Z');
    await settled();
    expect(steps()).not.toContain('send-reminders');
    await clock.moveTo('2026-05-08T00:00:00.000Z');
    await eventually(() =>
      expect(steps().slice(5)).toEqual(['look-up-wave', 'send-reminders', 'send-reminders', 'look-up-wave']),
    );
    await clock.moveTo('2026-06-01T00:00:00.000Z');
    expect(await runner.finished(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
    expect(steps().slice(-2)).toEqual(['close-wave', 'assert-wave-healthy']);
  });

  it('R06 plans a wave again after a wait, where the mail service did not allow it at first', async () => {
    const looks = [
      { next: 'wait', until: '2026-05-01T00:15:00.000Z' },
      { next: 'plan-wave', until: '2026-05-01T00:15:00.000Z' },
      { next: 'close', until: '2026-05-01T00:15:00.000Z' },
    ];
    const { handlers, calls } = noting({
      'look-up-wave': async () => ({ schema: 1, waveId: 'w-1', batches: [], ...looks.shift() }),
    });
    const { runner, clock } = runnerWith(handlers);
    const { executionArn } = await runner.start(waveArn(), 'w-1', { schema: 1, waveId: 'w-1' });

    await eventually(() => expect(calls.map(([name]) => name)).toEqual(['plan-wave', 'look-up-wave']));
    await clock.moveTo('2026-05-01T00:15:00.000Z');

    expect(await runner.finished(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
    expect(calls.slice(2).map(([name]) => name)).toEqual([
      'look-up-wave',
      'plan-wave',
      'look-up-wave',
      'close-wave',
      'assert-wave-healthy',
    ]);
    for (const [name, event] of calls) expect(event, name).toEqual({ schema: 1, waveId: 'w-1' });
  });

  it('gives every step the wave and its batch only', async () => {
    const { handlers, calls } = noting();
    const { runner, clock } = runnerWith(handlers);
    await clock.moveTo('2026-07-01T00:00:00.000Z');

    await runToEnd(runner, waveArn(), { schema: 1, waveId: 'w-1' }, 'w-1');

    for (const [name, event] of calls) {
      const batch = name.startsWith('send-') ? { batch: expect.any(Number) } : {};
      expect(event, name).toEqual({ schema: 1, waveId: 'w-1', ...batch });
    }
  });
});

describe('executions and their journal', () => {
  it('R36 starts a name once, also while it runs and after it has ended', async () => {
    const { handlers, calls } = noting();
    const { runner } = runnerWith(handlers);

    const first = await runner.start(runArn(), RUN_ID, REQUEST);
    const again = await runner.start(runArn(), RUN_ID, REQUEST);
    const other = await runner.start(runArn(), RUN_ID, { ...REQUEST, by: 'another' });
    await runner.finished(first.executionArn);
    const later = await runner.start(runArn(), RUN_ID, REQUEST);

    expect([first, again, other, later].map((one) => one.outcome)).toEqual(['started', 'running', 'exists', 'exists']);
    expect(new Set([first, again, other, later].map((one) => one.executionArn)).size).toBe(1);
    expect(calls.filter(([name]) => name === 'open-run')).toHaveLength(1);
  });

  it('R37 enters what a kill left unfinished again, from the beginning with the same input', async () => {
    const { handlers, calls } = noting({ calibrate: () => new Promise(() => undefined) });
    const { runner, journalDir } = runnerWith(handlers);
    await runner.start(runArn(), RUN_ID, REQUEST);
    await eventually(() => expect(calls.at(-1)?.[0]).toBe('calibrate'));

    const after = noting();
    const { runner: second } = runnerWith(after.handlers, journalDir);
    const resumed = second.resumeUnfinished();
    const record = await second.finished(executionArnOf(runArn(), RUN_ID));
    open.shift();

    expect(resumed).toEqual([executionArnOf(runArn(), RUN_ID)]);
    expect(record).toMatchObject({ status: 'SUCCEEDED', entered: 2, input: REQUEST });
    expect(after.calls[0]).toEqual(['open-run', REQUEST]);
    expect(second.resumeUnfinished()).toEqual([]);
  });

  it('knows after a restart what has ended', async () => {
    const { handlers } = noting();
    const { runner, journalDir } = runnerWith(handlers);
    const { executionArn } = await runToEnd(runner);

    const { runner: second } = runnerWith(handlers, journalDir);

    expect(second.describe(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await second.start(runArn(), RUN_ID, REQUEST)).toMatchObject({ outcome: 'exists' });
    expect(second.list(runArn()).map((record) => record.name)).toEqual([RUN_ID]);
  });

  it('leaves an execution unfinished in the journal when the stack closes', async () => {
    const { handlers } = noting();
    const { runner, journalDir } = runnerWith(handlers);
    await runner.start(waveArn(), 'w-1', { schema: 1, waveId: 'w-1' });
    const kept = () => JSON.parse(readFileSync(join(journalDir, 'survey-wave', 'w-1.json'), 'utf8'));
    await eventually(() => expect(kept()).toMatchObject({ entered: 1 }));

    await runner.close();
    await settled();

    expect(kept()).toMatchObject({ status: 'RUNNING', entered: 1 });
  });

  it('overlooks a journal file that a kill left half-written', async () => {
    const { handlers } = noting();
    const { runner, journalDir } = runnerWith(handlers);
    await runToEnd(runner);
    writeFileSync(join(journalDir, 'resegmentation', 'x.json.new'), '{"schema');

    const { runner: second } = runnerWith(handlers, journalDir);

    expect(second.list(runArn())).toHaveLength(1);
    expect(readdirSync(join(journalDir, 'resegmentation'))).toContain('x.json.new');
  });

  it('ends an execution that is stopped', async () => {
    const { handlers } = noting();
    const { runner } = runnerWith(handlers);
    const { executionArn } = await runner.start(waveArn(), 'w-1', { schema: 1, waveId: 'w-1' });
    await settled();

    runner.stop(executionArn, 'Operator', 'not this month');

    expect(await runner.finished(executionArn)).toMatchObject({ status: 'ABORTED', error: 'Operator' });
  });

  it('refuses a name that no execution can have', async () => {
    const { runner } = runnerWith(noting().handlers);

    await expect(runner.start(runArn(), '../secrets', REQUEST)).rejects.toMatchObject({
      code: 'execution-name-invalid',
    });
    await expect(runner.start('arn:aws:states:x:y:stateMachine:z', 'a', REQUEST)).rejects.toMatchObject({
      code: 'machine-unknown',
    });
  });

  it('refuses to start without a handler for every step', () => {
    const { 'publish-run': _, ...handlers } = noting().handlers;

    expect(() => runnerWith(handlers)).toThrow(/no handler: publish-run/);
  });
});

const settled = () => new Promise((resolve) => setTimeout(resolve, 60));
