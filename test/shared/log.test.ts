import { describe, expect, it } from 'vitest';
import { PermanentError } from '#shared/errors.ts';
import { errorFields, formatLogLine, redactText, withLogContext } from '#shared/log.ts';

const line = (message: string, fields: Parameters<typeof formatLogLine>[2] = {}) =>
  JSON.parse(formatLogLine('info', message, fields));

describe('a log line', () => {
  it('is one JSON document with level, message and fields', () => {
    expect(line('measured', { runId: '2026-05-monthly', read: 12 })).toEqual({
      level: 'info',
      message: 'measured',
      runId: '2026-05-monthly',
      read: 12,
    });
  });

  it('R20 has no address, link, name, comment, customer or segment', () => {
    const text = formatLogLine('info', 'sent to Li <li.wei@example.com> by https://s.example.com/r/abc.def', {
      email: 'li.wei@example.com',
      customerId: 'C-1',
      segment: 'A',
      comment: 'too slow',
      name: '李伟',
      token: 'abc.def',
      detail: 'li.wei@example.com was refused',
      many: ['https://s.example.com/u/xyz'],
    });

    expect(text).not.toMatch(/example\.com|C-1|"A"|too slow|李伟|abc\.def|xyz/);
  });

  it('carries the context of the work it is written in, and of no other', async () => {
    const lines = await Promise.all(
      [1, 2].map((shard) =>
        withLogContext({ runId: 'r' }, () =>
          withLogContext({ shard }, async () => {
            await new Promise((resolve) => setTimeout(resolve, 2));
            return line('done');
          }),
        ),
      ),
    );

    expect(lines.map((one) => [one.runId, one.shard])).toEqual([
      ['r', 1],
      ['r', 2],
    ]);
    expect(line('outside').runId).toBeUndefined();
  });

  it('shortens long texts', () => {
    expect(redactText('x'.repeat(2_000))).toHaveLength(501);
  });

  it('says of an error its name, code, message and details', () => {
    const error = new PermanentError('plan-expired', 'the plan expired', { details: { runId: 'r' } });

    expect(errorFields(error)).toEqual({
      errorName: 'PermanentError',
      errorCode: 'plan-expired',
      errorMessage: 'the plan expired',
      'detail.runId': 'r',
    });
    expect(errorFields('oops')).toEqual({ errorName: 'unknown', errorMessage: 'oops' });
  });
});
