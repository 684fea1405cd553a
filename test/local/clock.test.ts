import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type BusinessClock, openBusinessClock } from '#local/clock.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const START = '2026-05-01T02:00:00.000Z';
const opened: BusinessClock[] = [];
const open = (dataDir: string, realNowMs: () => number = () => 0, startAt = START): BusinessClock => {
  const clock = openBusinessClock({ dataDir, startAt, realNowMs });
  opened.push(clock);
  return clock;
};
const folder = (): string => temporaryFolder('clock');

afterEach(() => {
  for (const clock of opened.splice(0)) clock.stop();
});

describe('the business clock', () => {
  it('ticks with real time from where it was set', async () => {
    let realMs = 1_000;
    const clock = open(folder(), () => realMs);

    realMs += 90_000;

    expect(clock.now()).toBe('2026-05-01T02:01:30.000Z');
  });

  it('moves forwards', async () => {
    const clock = open(folder());

    await clock.moveTo('2026-06-01T00:00:00.000Z');

    expect(clock.now()).toBe('2026-06-01T00:00:00.000Z');
  });

  it('moves on to an instant, and stays where it is when that has passed, though time goes on between look and move', async () => {
    let realMs = 0;
    // Every look at the real time is a millisecond later than the one before.
    const clock = open(folder(), () => (realMs += 1));

    await clock.moveAtLeastTo('2026-06-01T00:00:00.000Z');
    const shown = clock.now();
    await clock.moveAtLeastTo(shown);
    await clock.moveAtLeastTo(START);

    expect(shown >= '2026-06-01T00:00:00.000Z').toBe(true);
    expect(clock.now() > shown).toBe(true);
  });

  it('refuses to move backwards and says what it shows', async () => {
    const clock = open(folder());

    await expect(clock.moveTo('2026-04-30T00:00:00.000Z')).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'clock-backwards',
      message: expect.stringContaining(START),
    });
    await expect(clock.moveTo('yesterday')).rejects.toMatchObject({ code: 'instant-invalid' });
  });

  it('stands while the stack is down and goes on from there', async () => {
    const dataDir = folder();
    let realMs = 0;
    const first = open(dataDir, () => realMs);
    await first.moveTo('2026-07-01T00:00:00.000Z');
    realMs += 5_000;
    first.stop();

    realMs += 86_400_000;
    const second = open(dataDir, () => realMs);

    expect(second.now()).toBe('2026-07-01T00:00:05.000Z');
    expect(readFileSync(join(dataDir, 'clock.json'), 'utf8')).toContain('2026-07-01T00:00:05.000Z');
  });

  it('refuses a file that does not say where it stood', () => {
    const dataDir = folder();
    writeFileSync(join(dataDir, 'clock.json'), '{}');

    expect(() => open(dataDir)).toThrow(/does not say where the clock stood/);
  });

  it('wakes those who wait when it is moved to their instant or past it', async () => {
    const clock = open(folder());
    const woken: string[] = [];
    const waits = ['2026-05-02T00:00:00.000Z', '2026-05-09T00:00:00.000Z'].map((at) =>
      clock.waitUntil(at).then(() => woken.push(at)),
    );

    await clock.moveTo('2026-05-02T00:00:00.000Z');
    await waits[0];

    expect(woken).toEqual(['2026-05-02T00:00:00.000Z']);
    await clock.moveTo('2026-05-10T00:00:00.000Z');
    await Promise.all(waits);
    expect(woken).toHaveLength(2);
  });

  it('wakes those who wait by ticking', async () => {
    const clock = openBusinessClock({ dataDir: folder(), startAt: START });
    opened.push(clock);

    await clock.waitUntil(new Date(Date.parse(START) + 500).toISOString());

    expect(clock.now() > START).toBe(true);
  });

  it('lets a wait go when its signal aborts', async () => {
    const clock = open(folder());
    const abort = new AbortController();
    const waiting = clock.waitUntil('2030-01-01T00:00:00.000Z', abort.signal);

    abort.abort();

    await expect(waiting).resolves.toBeUndefined();
  });
});
