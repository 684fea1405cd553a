import { describe, expect, it } from 'vitest';
import { addMonths, lastDayOf, toDayNumber } from '#shared/domain/calendar.ts';
import { operator } from '../support/bench-target.ts';
import { openMemoryBench } from '../support/run-bench.ts';
import { SCORE_POLICY, withScore } from '../support/score-policy.ts';

const MONTHS = ['2026-01', '2026-02', '2026-03', '2026-04', '2026-05'];

/** a is low and leaves, b is middle and stays; five months. */
const bench = async () => {
  const found = openMemoryBench();
  await found.usePolicy(SCORE_POLICY);
  const orders = MONTHS.map((month) => ({
    day: toDayNumber(lastDayOf(month)),
    count: 1,
    amountMinor: 100,
    attributes: {},
    batch: 0,
  }));
  await found.addCustomer({ customerId: 'a' });
  await found.addCustomer({ customerId: 'b', orders });
  await found.addCustomer({ customerId: 'c', manager: '=Wu\u001b[31m' });
  for (const month of MONTHS) {
    const scheduledAt = `${addMonths(month, 1)}-01T02:00:00.000Z`;
    found.setNow(scheduledAt);
    await withScore(found, { a: 10, b: 50, c: 50 }, `${month}-20`);
    await found.run({ trigger: 'schedule', scheduledAt });
  }
  return found;
};

describe('outcome show', () => {
  it('says what became of the flagged in words, in both languages', async () => {
    const tool = operator(await bench());
    const { code, out } = await tool('outcome', 'show');
    const chinese = await tool('outcome', 'show', '--lang', 'zh-CN');

    expect(code).toBe(0);
    expect(out).toContain('What became of flagged customers, 2025-06 to 2026-05, within 90 days');
    expect(out).toContain('months judged: 2026-01, 2026-02\n');
    expect(out).toMatch(/all flagged +2 +0 +0 +0 +2 +0 +100\.0%/u);
    expect(out).toContain('Lost without a flag: customers 1, customer-months 2');
    expect(out).toMatch(/\nc +2026-02 +Middle/u);
    for (const text of [out, chinese.out]) {
      expect(text).not.toMatch(/undefined|NaN|\{/u);
      expect(text).not.toContain('\u001b');
    }
    expect(chinese.out).toContain('被提议客户的后续情况');
  });

  it('is one document with --json, and one row per decision with --csv', async () => {
    const tool = operator(await bench());
    const { json } = await tool('outcome', 'show', '--json', '--policy', 'three-steps');
    const { out } = await tool('outcome', 'show', '--csv', '--from', '2026-02', '--to', '2026-02');

    expect(json).toMatchObject({ versions: [{ exit: { n: 6, withOutcome: 4, flagged: { n: 2, left: 2 } } }] });
    const lines = out.trimEnd().split('\r\n');
    expect(lines.length).toBe(4);
    expect(lines[2]).toContain(',exit,all,1,0,0,0,1,0,1,');
  });

  it.each([
    [['--within', '30'], '--within must be a whole number from 31, got "30"'],
    [['--within', '2000'], '--within must be at most 1095 days, got 2000'],
    [['--from', '2026'], '--from must be a month such as 2026-05, got "2026"'],
    [['--outcome', 'churned'], '--outcome must be trait=NAME or trait=NAME=VALUE'],
    [['--policy', 'nobody'], 'no published run used policy "nobody"; there are three-steps ('],
    [['--from', '2026-05', '--to', '2026-01'], 'the first month must not be after the last'],
    [['--outcome', 'trait=score'], 'would be judged by what it was told'],
    [['--csv', '--json'], '--csv and --json both say how the result is written'],
  ])('refuses %j and says what is allowed', async (words, message) => {
    const { code, err, out } = await operator(await bench())('outcome', 'show', ...words);

    expect(`${err}${out}`).toContain(message.replaceAll('"', words.includes('--json') ? '\\"' : '"'));
    expect(code).toBe(2);
  });

  it('says what is missing before a month is closed', async () => {
    const { code, err } = await operator(openMemoryBench())('outcome', 'show');

    expect(err).toContain('no run that closes a month is published yet');
    expect(code).toBe(2);
  });
});
