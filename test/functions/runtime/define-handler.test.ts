import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { defineHandler } from '#functions/runtime/define-handler.ts';
import { PermanentError, PoisonError, RetryableError } from '#shared/errors.ts';

const input = z.object({ runId: z.string(), shard: z.number() });
const output = z.object({ done: z.boolean() });
const EVENT = { runId: 'r', shard: 3 };

const handlerThat = (run: () => Promise<{ done: boolean }>) =>
  defineHandler({ name: 'measure-shard', input, output, services: () => undefined, run });

describe('a handler', () => {
  it('gives the use case its parsed input and its services, and the caller the parsed output', async () => {
    const handler = defineHandler({
      name: 'measure-shard',
      input,
      output,
      services: async () => ({ double: (n: number) => n * 2 }),
      run: async ({ shard }, { double }) => ({ done: double(shard) === 6, unasked: 'x' }),
    });

    expect(await handler({ ...EVENT, more: true })).toEqual({ done: true });
  });

  it('calls input that does not fit poison, and names the fields and not the values', async () => {
    const failure = handlerThat(async () => ({ done: true }))({ shard: 'li@example.com' });

    await expect(failure).rejects.toBeInstanceOf(PoisonError);
    await expect(failure).rejects.toMatchObject({
      code: 'input-invalid',
      message: 'input of measure-shard is not valid: runId: expected string; shard: expected number',
    });
  });

  it('calls output that does not fit our own fault', async () => {
    const failure = handlerThat(async () => ({ done: 'yes' }) as never)(EVENT);

    await expect(failure).rejects.toMatchObject({ name: 'PermanentError', code: 'output-invalid' });
  });

  it.each([new RetryableError('a', 'x'), new PoisonError('b', 'x'), new PermanentError('c', 'x')])(
    'lets a %s pass unchanged',
    async (error) => {
      const failure = handlerThat(() => Promise.reject(error))(EVENT);

      await expect(failure).rejects.toBe(error);
    },
  );

  it('makes any other failure one that may succeed later', async () => {
    const cause = new TypeError('x is not a function');
    const failure = handlerThat(() => Promise.reject(cause))(EVENT);

    await expect(failure).rejects.toMatchObject({ name: 'RetryableError', code: 'unclassified', cause });
  });

  it('builds its services once for many events at once', async () => {
    let built = 0;
    const handler = defineHandler({
      name: 'measure-shard',
      input,
      output,
      services: () => {
        built += 1;
      },
      run: async () => ({ done: true }),
    });

    await Promise.all([handler(EVENT), handler(EVENT)]);
    await handler(EVENT);

    expect(built).toBe(1);
  });

  it('builds its services again where that failed the first time', async () => {
    let tries = 0;
    const handler = defineHandler({
      name: 'measure-shard',
      input,
      output,
      services: () => {
        tries += 1;
        if (tries === 1) throw new RetryableError('secrets-unavailable', 'throttled');
      },
      run: async () => ({ done: true }),
    });

    await expect(handler(EVENT)).rejects.toMatchObject({ code: 'secrets-unavailable' });
    expect(await handler(EVENT)).toEqual({ done: true });
  });
});
