import { beforeAll, describe, expect, it } from 'vitest';
import { openBusinessClock } from '#local/clock.ts';
import { createRunner, type Handler } from '#local/state-machines.ts';
import { type Synthesis, synthesize } from '#local/synthesis.ts';
import { startWorkflowServer } from '#local/workflow-server.ts';
import { sfnWorkflows } from '#shared/adapters/sfn-workflows.ts';
import { redriveWave } from '#shared/application/redrive.ts';
import { pauseWave, standingOrder } from '#shared/application/wave-control.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import { PermanentError } from '#shared/errors.ts';
import { memoryRecords } from '#test/support/memory-stores.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import { waveRecord } from './memory.ts';

const WAVE = 'w-2026-10-monthly';
let synthesis: Synthesis;
beforeAll(async () => {
  synthesis = await synthesize();
});

describe('a wave whose execution failed', () => {
  it('goes on by a redrive, which is kept with it; not while one is at work, and not once it is over', async () => {
    let broken = true;
    const wave = { schema: 1, waveId: WAVE };
    const handlers = Object.fromEntries(
      Object.values(synthesis.functionArns).map((name): [string, Handler] => [
        name,
        async () => {
          if (broken && name === 'look-up-wave') throw new PermanentError('access-denied', 'a right was missing');
          return name === 'look-up-wave'
            ? { ...wave, next: 'wait', batches: [], until: '2026-12-01T00:00:00.000Z' }
            : wave;
        },
      ]),
    );
    const folder = temporaryFolder('redrive-wave');
    const clock = openBusinessClock({ dataDir: folder, startAt: '2026-11-01T02:00:00.000Z' });
    const runner = createRunner({
      machines: synthesis.machines,
      handlers,
      functionArns: synthesis.functionArns,
      clock,
      journalDir: `${folder}/executions`,
    });
    const server = await startWorkflowServer({ runner, clock, port: 0 });
    const { resegmentation, 'survey-wave': survey } = synthesis.machines;
    const workflows = sfnWorkflows({
      endpoint: server.url,
      machineArns: { resegmentation: resegmentation.arn, 'survey-wave': survey.arn },
    });
    const waves = memoryRecords<WaveRecord>();
    const ports = { clock, waves, runs: memoryRecords<RunRecord>(), workflows };
    await waves.create(WAVE, { ...waveRecord({ closesAt: '2027-01-01T00:00:00.000Z' }), waveId: WAVE });
    await pauseWave({ waveId: WAVE, by: 'Li Wei', reason: 'wrong names' }, ports);
    const first = await workflows.start('survey-wave', WAVE, wave);
    expect((await runner.finished(first.executionArn)).status).toBe('FAILED');

    const again = await redriveWave({ waveId: WAVE, by: 'Ann' }, ports);
    expect((await runner.finished(again.executionArn)).status).toBe('FAILED');
    broken = false;
    const third = await redriveWave({ waveId: WAVE, by: 'Ann' }, ports);

    expect([again.execution, third.execution]).toEqual([`${WAVE}-redrive-1`, `${WAVE}-redrive-2`]);
    await expect(redriveWave({ waveId: WAVE, by: 'Ann' }, ports)).rejects.toMatchObject({ code: 'execution-running' });
    const { record, rev } = (await waves.get(WAVE))!;
    expect(record.orders?.map(({ action, by }) => `${action} ${by}`)).toEqual([
      'pause Li Wei',
      'redrive Ann',
      'redrive Ann',
    ]);
    // A redrive does not hide who paused it.
    expect(standingOrder(record)).toMatchObject({ action: 'pause', by: 'Li Wei' });
    await waves.replace(WAVE, { ...record, finishedAt: clock.now() }, rev);
    await expect(redriveWave({ waveId: WAVE, by: 'Ann' }, ports)).rejects.toMatchObject({ code: 'wave-finished' });

    await server.close();
    await runner.close();
    clock.stop();
  });
});
