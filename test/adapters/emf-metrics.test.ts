import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { emfMetrics } from '#shared/adapters/emf-metrics.ts';
import {
  FUNCTION_METRICS,
  type FunctionMetric,
  METRIC_DIMENSIONS,
  STAGE_METRICS,
  type StageMetric,
} from '#shared/contracts/metrics.ts';

let written: string[];
beforeEach(() => {
  written = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      written.push(String(chunk));
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

const published = () =>
  written
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('metrics in the embedded format', () => {
  it('have the dimensions stage and function and no other, and name unit and value', () => {
    const metrics = emfMetrics('prod');
    metrics.addOfStage('MailsUncertain', 2);
    metrics.addOfStage('OldestAnswerSeconds', 0);
    metrics.addOfFunction('send-invitations', 'Duration', 1_200);
    metrics.publish();

    expect(published()).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'Resegment',
              Dimensions: [['stage']],
              Metrics: [
                { Name: 'MailsUncertain', Unit: 'Count' },
                { Name: 'OldestAnswerSeconds', Unit: 'Seconds' },
              ],
            },
          ],
        },
        stage: 'prod',
        MailsUncertain: 2,
        OldestAnswerSeconds: 0,
      },
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'Resegment',
              Dimensions: [['stage', 'function']],
              Metrics: [{ Name: 'Duration', Unit: 'Milliseconds' }],
            },
          ],
        },
        stage: 'prod',
        function: 'send-invitations',
        Duration: 1_200,
      },
    ]);
  });

  it('are sent once, and nothing is printed where there is nothing to send', () => {
    const metrics = emfMetrics('prod');
    metrics.publish();
    metrics.addOfStage('AnswersStored', 1);
    metrics.publish();
    metrics.publish();

    expect(published()).toHaveLength(1);
  });

  it('leave out counts of nothing, which would cost as much as counts of something, and what is no number', () => {
    const metrics = emfMetrics('prod');
    metrics.addOfStage('AnswersProjected', 0);
    metrics.addOfStage('SecondsToPublish', Number.NaN);
    metrics.addOfStage('CasesOpen', Number.POSITIVE_INFINITY);
    metrics.publish();

    expect(written).toEqual([]);
  });

  it('keep every value of a name, of however many calls', () => {
    const metrics = emfMetrics('prod');
    for (let mail = 0; mail < 250; mail += 1) metrics.addOfStage('InvitationsSent', 1);
    metrics.publish();

    const values = published().flatMap((line) => line.InvitationsSent);
    expect(values).toHaveLength(250);
    expect(Math.max(...published().map((line) => [line.InvitationsSent].flat().length))).toBeLessThanOrEqual(100);
  });

  it('carry every metric of the catalogue', () => {
    const metrics = emfMetrics('prod');
    for (const name of Object.keys(STAGE_METRICS) as StageMetric[]) metrics.addOfStage(name, 1);
    for (const name of Object.keys(FUNCTION_METRICS) as FunctionMetric[]) metrics.addOfFunction('calibrate', name, 1);
    metrics.publish();

    const names = published().flatMap((line) =>
      line._aws.CloudWatchMetrics[0].Metrics.map((one: { Name: string }) => one.Name),
    );
    expect(names.sort()).toEqual([...Object.keys(STAGE_METRICS), ...Object.keys(FUNCTION_METRICS)].sort());
    for (const line of published()) {
      for (const set of line._aws.CloudWatchMetrics[0].Dimensions)
        for (const dimension of set) expect(METRIC_DIMENSIONS).toContain(dimension);
    }
  });
});
