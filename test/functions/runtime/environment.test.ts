import { describe, expect, it } from 'vitest';
import { readEnvironment } from '#functions/runtime/environment.ts';

describe('the environment of a function', () => {
  it('is read in the types that its users need', () => {
    const source = {
      STAGE: 'dev',
      BUCKETS: '4096',
      MAIL_RATE_PER_SECOND: '11.2',
      BUSINESS_TIME_ZONE: 'Asia/Shanghai',
      OTHER: 'x',
    };

    expect(readEnvironment(['STAGE', 'BUCKETS', 'MAIL_RATE_PER_SECOND', 'BUSINESS_TIME_ZONE'], source)).toEqual({
      STAGE: 'dev',
      BUCKETS: 4096,
      MAIL_RATE_PER_SECOND: 11.2,
      BUSINESS_TIME_ZONE: 'Asia/Shanghai',
    });
  });

  it('names everything that is missing or malformed at once', () => {
    const read = () =>
      readEnvironment(['STAGE', 'CURRENCY', 'BUCKETS', 'TABLE_RUNS', 'BUSINESS_TIME_ZONE'], {
        CURRENCY: 'yuan',
        BUCKETS: '-1',
        BUSINESS_TIME_ZONE: 'Beijing',
      });

    expect(read).toThrow('missing: STAGE, TABLE_RUNS; malformed: BUCKETS, BUSINESS_TIME_ZONE, CURRENCY');
    expect(read).toThrow(expect.objectContaining({ name: 'PermanentError', code: 'environment-invalid' }));
  });

  it.each(['0', '0.0', '-3', 'fast', ''])('refuses a mail rate of %j', (rate) => {
    expect(() => readEnvironment(['MAIL_RATE_PER_SECOND'], { MAIL_RATE_PER_SECOND: rate })).toThrow('malformed');
  });
});
