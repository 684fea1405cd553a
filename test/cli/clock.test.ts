import { describe, expect, it } from 'vitest';
import { benchTarget, operatorOn } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';

const NOW = '2026-11-01T08:00:00.000Z';
const NOTHING = { mailed: 0, escalated: 0, uncertain: 0, failed: 0 };

const movable = () => {
  const bench = openMemoryBench();
  bench.setNow(NOW);
  const moves: string[] = [];
  const target = benchTarget(bench);
  const resegment = operatorOn(() => ({
    ...target,
    moveClock: async (instant) => {
      moves.push(instant);
      bench.setNow(instant);
      return { now: instant, cases: { ...NOTHING, mailed: 2, escalated: 1 } };
    },
  }));
  return { resegment, moves, fixed: operatorOn(() => target) };
};

describe('the clock of the local stack', () => {
  it('is shown, and moves by a time or to an instant, saying what fell due', async () => {
    const { resegment, moves } = movable();
    expect((await resegment('clock', 'show')).out).toBe(`${NOW} (2026-11-01 08:00 UTC)\n`);

    expect((await resegment('clock', 'move', '--by', '49h')).out).toContain(
      'mails to the staff about cases: 2, cases escalated: 1',
    );
    expect((await resegment('clock', 'move', '--by', '90m', '--json')).json).toMatchObject({
      before: '2026-11-03T09:00:00.000Z',
      now: '2026-11-03T10:30:00.000Z',
      cases: { escalated: 1 },
    });
    await resegment('clock', 'move', '--by', '3d');
    await resegment('clock', 'move', '--to', '2026-12-01T10:00:00+08:00');

    expect(moves.slice(2)).toEqual(['2026-11-06T10:30:00.000Z', '2026-12-01T02:00:00.000Z']);
  });

  it.each([
    [['--by', '1x'], 'time-invalid'],
    [['--by', '-5h'], 'time-invalid'],
    [['--to', 'tomorrow'], 'instant-invalid'],
    [['--to', '2026-11'], 'instant-invalid'],
    [['--to', '2020-01-01T00:00:00Z'], 'clock-backwards'],
    [['--by', '1h', '--to', '2027-01-01T00:00:00Z'], 'clock-option-missing'],
    [[], 'clock-option-missing'],
  ])('refuses %j and stays where it is', async (words, code) => {
    const { resegment, moves } = movable();

    expect(await resegment('clock', 'move', ...words, '--json')).toMatchObject({ code: 2, json: { error: { code } } });
    expect(moves).toEqual([]);
  });

  it('of an account cannot be moved', async () => {
    const { fixed } = movable();

    expect((await fixed('clock', 'move', '--by', '1h', '--json')).json).toMatchObject({
      error: { code: 'clock-not-movable' },
    });
  });
});
