import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { defineHandler } from '#functions/runtime/define-handler.ts';
import { observe } from '#functions/runtime/observe.ts';
import { PermanentError, PoisonError, RetryableError } from '#shared/errors.ts';
import { log } from '#shared/log.ts';
import { measure, withMetrics } from '#shared/ports/metrics.ts';
import { memoryMetrics } from '#test/support/memory-metrics.ts';

const stdout: string[] = [];
const stderr: string[] = [];
beforeEach(() => {
  for (const [stream, kept] of [
    [process.stdout, stdout],
    [process.stderr, stderr],
  ] as const) {
    kept.length = 0;
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      kept.push(String(chunk));
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const lines = (written: readonly string[]) =>
  written
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('a call of a function', () => {
  it('says in each log line which call it was, of which function and stage, and whether it was the first', async () => {
    vi.stubEnv('LOG_LEVEL', 'info');
    vi.stubEnv('STAGE', 'dev');
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1');
    const call = (requestId: string) =>
      observe('measure-shard', { context: { awsRequestId: requestId }, fields: { runId: 'r', shard: 3 } }, async () =>
        log.info('reading'),
      );

    await call('first');
    await call('second');

    const [reading, done, again] = lines(stderr);
    expect(reading).toMatchObject({
      message: 'reading',
      function: 'measure-shard',
      stage: 'dev',
      requestId: 'first',
      traceId: '1-5759e988-bd862e3fe1be46a994272793',
      coldStart: true,
      runId: 'r',
      shard: 3,
    });
    expect(done).toMatchObject({ message: 'done', requestId: 'first' });
    expect(again).toMatchObject({ requestId: 'second', coldStart: false });
  });

  it('measures how long it took', async () => {
    const { metrics, ofFunctions, published } = memoryMetrics();

    await withMetrics(metrics, () => observe('calibrate', {}, () => new Promise((resolve) => setTimeout(resolve, 20))));

    const [duration] = ofFunctions.filter(([, name]) => name === 'Duration');
    expect(duration).toEqual(['calibrate', 'Duration', expect.any(Number)]);
    expect(duration?.[2]).toBeGreaterThan(15);
    expect(duration?.[2]).toBeLessThan(5_000);
    expect(published).toEqual([ofFunctions.length]);
  });

  it.each([
    ['FailedRetryable', new RetryableError('throttled', 'x')],
    ['FailedPoison', new PoisonError('input-invalid', 'x')],
    ['FailedPermanent', new PermanentError('no-facts', 'x')],
    ['FailedUnclassified', new TypeError('x is not a function')],
  ] as const)('counts as %s what failed so, through the wrapper of every handler too', async (name, error) => {
    const { metrics, ofFunctions, sum } = memoryMetrics();
    const handler = defineHandler({
      name: 'measure-shard',
      input: z.object({}),
      output: z.object({}),
      services: () => undefined,
      run: () => Promise.reject(error),
    });

    await withMetrics(metrics, () => handler({})).catch(() => undefined);

    expect(ofFunctions).toContainEqual(['measure-shard', name, 1]);
    expect(ofFunctions.filter(([, one]) => one.startsWith('Failed') || one === 'Duration')).toHaveLength(1);
    expect(sum('UnclassifiedFailures')).toBe(name === 'FailedUnclassified' ? 1 : undefined);
  });

  it('sends what was measured before it failed', async () => {
    const { metrics, published } = memoryMetrics();

    const failing = withMetrics(metrics, () =>
      observe('send-invitations', {}, async () => {
        measure('InvitationsSent');
        throw new RetryableError('mails-unsent', 'x');
      }),
    );

    await expect(failing).rejects.toMatchObject({ code: 'mails-unsent' });
    expect(published).toEqual([2]);
  });

  it('goes well where metrics cannot be sent', async () => {
    const { metrics } = memoryMetrics();
    const broken = {
      ...metrics,
      publish: () => {
        throw new Error('stdout is closed');
      },
    };

    expect(await withMetrics(broken, () => observe('calibrate', {}, async () => 'done'))).toBe('done');
  });

  it('prints no metric outside of Lambda', async () => {
    await observe('project-answers', {}, async () => measure('AnswersProjected', 7));

    expect(stdout).toEqual([]);
  });

  it('prints its metrics inside of Lambda, those of the stage apart from those of the function', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'resegment-dev-project-answers');
    vi.stubEnv('STAGE', 'dev');

    await observe('project-answers', {}, async () => measure('AnswersProjected', 7));

    const printed = lines(stdout);
    expect(printed).toMatchObject([
      { stage: 'dev', AnswersProjected: 7 },
      { stage: 'dev', function: 'project-answers', Duration: expect.any(Number) },
    ]);
    expect(printed[0]).not.toHaveProperty('function');
  });
});

describe('an error that nobody has thought of', () => {
  it('R20 becomes state data without addresses and links', async () => {
    const handler = defineHandler({
      name: 'measure-shard',
      input: z.object({}),
      output: z.object({}),
      services: () => undefined,
      run: () => Promise.reject(new Error('cannot write li@example.com at https://survey.example.com/r/v1.secret')),
    });

    const failure: unknown = await handler({}).catch((error: unknown) => error);

    expect(failure).toMatchObject({
      code: 'unclassified',
      message: 'measure-shard failed: Error: cannot write [address] at [link]',
    });
    expect(failure instanceof Error ? failure.stack : '').not.toContain('li@example.com');
  });
});
