import { describe, expect, it } from 'vitest';
import { causedBy, flagReason, undecided } from '#shared/domain/flag-sentences.ts';
import type { FlagCause } from '#shared/domain/flags.ts';

const CAUSES: readonly FlagCause[] = [
  { code: 'undecided', until: '2026-10-31' },
  { code: 'rollback', why: '数据有误' },
  { code: 'runAbandoned', runId: '2026-10-r1' },
];

describe('why a proposal was closed', () => {
  it.each(CAUSES)('is said of $code in the language of the reader', (cause) => {
    expect(flagReason(causedBy(cause), 'en')).toBe(causedBy(cause).reason);
    expect(flagReason(causedBy(cause), 'zh')).not.toMatch(/nobody|rollback|abandoned/u);
    expect(flagReason(causedBy(cause), 'zh')).toMatch(/\p{Script=Han}/u);
  });

  it('is a person’s own words where a person decided, and nothing where nobody said anything', () => {
    expect(flagReason({ reason: 'agreed with the customer' }, 'zh')).toBe('agreed with the customer');
    expect(flagReason({}, 'zh')).toBe('');
  });

  it('names the last day of a proposal that nobody decided', () => {
    expect(flagReason(undecided({ expiresOn: '2026-10-31' }), 'zh')).toBe('至 2026-10-31 无人决定');
  });
});
