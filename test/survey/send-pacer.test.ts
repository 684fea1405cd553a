import { describe, expect, it } from 'vitest';
import { createSendPacer } from '#shared/application/send-pacer.ts';
import { memoryRecords } from './memory.ts';

/** Real time that stands still until everybody waits, and then goes on to the first who is due. */
const virtualTime = () => {
  let now = 0;
  const waiting: { at: number; wake: () => void }[] = [];
  return {
    nowMs: () => now,
    sleep: (ms: number) => new Promise<void>((wake) => waiting.push({ at: now + ms, wake })),
    run: async (done: () => boolean): Promise<void> => {
      while (!done()) {
        await new Promise((resolve) => setImmediate(resolve));
        waiting.sort((a, b) => a.at - b.at);
        const next = waiting.shift();
        if (next === undefined) continue;
        now = Math.max(now, next.at);
        next.wake();
      }
    },
  };
};

describe('pacing', () => {
  it.each([1, 14, 200, 1000])(
    'R06 several senders share %i mails a second: never more in any second, and nearly all of them',
    async (rate) => {
      const time = virtualTime();
      const rates = memoryRecords<{ nextSlotMs: number }>();
      const sent: number[] = [];
      const goal = rate * 10;
      let running = 0;
      const sender = async (): Promise<void> => {
        running += 1;
        const pacer = createSendPacer({ rates, ratePerSecond: rate, ...time });
        while (sent.length < goal) {
          await pacer.reserve();
          sent.push(time.nowMs());
        }
        running -= 1;
      };
      const work = Promise.all([sender(), sender(), sender()]);
      await time.run(() => running === 0 && sent.length >= goal);
      await work;

      sent.sort((a, b) => a - b);
      for (const [index, at] of sent.entries()) {
        const later = sent[index + rate];
        if (later !== undefined) expect(later - at).toBeGreaterThan(999.99);
      }
      const seconds = ((sent[goal - 1] ?? 0) - (sent[0] ?? 0)) / 1000;
      expect((goal - 1) / seconds).toBeGreaterThanOrEqual(0.97 * rate);
    },
  );

  it.each([0.8, 2, 3, 5])(
    'R06 keeps a slow account of %d a second to its rate in any second, however late its workers are',
    async (rate) => {
      let now = 0;
      const pacer = createSendPacer({
        rates: memoryRecords(),
        ratePerSecond: rate,
        nowMs: () => now,
        sleep: async (ms) => {
          now += ms;
        },
      });
      const sent: number[] = [];
      for (let mail = 0; mail < 500; mail += 1) {
        await pacer.reserve();
        sent.push(now);
        // Writing to the database takes no time, but for every seventh mail nearly two gaps.
        if (mail % 7 === 0) now += 1_900 / rate;
      }

      const perSecond = Math.ceil(rate);
      for (const [index, at] of sent.entries()) {
        const later = sent[index + perSecond];
        if (later !== undefined) expect(later - at).toBeGreaterThanOrEqual((1000 * perSecond) / rate - 50.001);
      }
    },
  );

  it('does not catch up on slots that were missed', async () => {
    let now = 0;
    const pacer = createSendPacer({
      rates: memoryRecords(),
      ratePerSecond: 10,
      nowMs: () => now,
      sleep: async (ms) => {
        now += ms;
      },
    });
    await pacer.reserve();
    now += 60_000;
    const sent: number[] = [];
    for (let mail = 0; mail < 20; mail += 1) {
      await pacer.reserve();
      sent.push(now);
    }

    expect((sent.at(-1) ?? 0) - (sent[0] ?? 0)).toBeGreaterThanOrEqual(1899);
  });
});
