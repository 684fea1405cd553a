import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeWave, waveStatus } from '#shared/application/close-wave.ts';
import { readTurns } from '#shared/application/draw-audience.ts';
import { updateWave } from '#shared/application/wave-record.ts';
import { byTurn, mixSegments } from '#shared/domain/sampling.ts';
import { many, policyWith, publishedRun } from './published-run.ts';

const month = (index: number): string =>
  `${2026 + Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`;
const runOf = (index: number): string => `${month(index)}-monthly`;
const waveOf = (index: number): string => `w-${runOf(index)}`;

const WAVES = 14;

describe('who is asked over many waves', () => {
  it('R15 asks every eligible customer of a segment before anyone a second time, and as many as the policy says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          size: fc.integer({ min: 4, max: 40 }),
          share: fc.integer({ min: 5, max: 100 }).map((percent) => percent / 100),
          /** Customers without an address, who come first in the order of nobody-asked-yet. */
          mute: fc.nat(30),
          other: fc.nat(12),
        }),
        async ({ size, share, mute, other }) => {
          const policy = policyWith({
            share: `{ hold: ${share}, priority: 1.0 }`,
            atLeast: '1',
            contactEveryDays: '21',
          });
          const world = await publishedRun(
            [
              ...many('hold', size),
              ...Array.from({ length: mute }, (_, index) => ({ id: `mute${index}`, segment: 'hold', email: null })),
              ...many('priority', other),
            ],
            { policy },
          );
          const wanted = Math.min(size + mute, Math.max(1, Math.ceil((size + mute) * share - 1e-9)));
          const asked = new Map<string, number>();
          for (let index = 0; index < WAVES; index += 1) {
            world.clock.moveTo(`${month(index)}-02T02:00:00.000Z`);
            await world.plan(runOf(index), policy);
            const drawn = (await world.audience(waveOf(index))).drawn.filter((one) => one.segment === 'hold');
            for (const { subject } of drawn) asked.set(subject, (asked.get(subject) ?? 0) + 1);

            const counts = Array.from({ length: size }, (_, one) => asked.get(`s-hold${one}`) ?? 0);
            expect(Math.max(...counts) - Math.min(...counts), `after wave ${index}`).toBeLessThanOrEqual(1);
            expect(drawn.length).toBeLessThanOrEqual(wanted);
            if (mute === 0) expect(drawn.length).toBe(wanted);
          }
          // Those who may not be written to take turns and do not stand in the way for ever.
          const least = Math.min(...Array.from({ length: size }, (_, one) => asked.get(`s-hold${one}`) ?? 0));
          if (wanted * WAVES >= size + mute) expect(least).toBeGreaterThan(0);
        },
      ),
      { numRuns: 15 },
    );
  }, 60_000);

  it('R15 gives the same sample for the same earlier waves, in whatever order the customers come', async () => {
    const customers = many('hold', 80);
    const samples: string[][] = [];
    for (const order of [customers, [...customers].reverse()]) {
      const world = await publishedRun(order);
      for (const index of [0, 1, 2]) {
        world.clock.moveTo(`${month(index)}-02T02:00:00.000Z`);
        await world.plan(runOf(index));
      }
      samples.push((await world.audience(waveOf(2))).drawn.map((one) => one.subject));
    }

    expect(samples[0]).toEqual(samples[1]);
    expect(samples[0]).toHaveLength(30);
  });

  it('gives a turn back to those whom a cancelled wave did not ask', async () => {
    const world = await publishedRun(many('hold', 60));
    world.clock.moveTo(`${month(0)}-02T02:00:00.000Z`);
    await world.plan(runOf(0));
    const first = new Set((await world.audience(waveOf(0))).drawn.map((one) => one.subject));
    expect((await readTurns({ waveId: 'w', at: world.clock.now() }, world)).size).toBe(30);

    await updateWave(world.waves, waveOf(0), (wave) => ({ ...wave, state: 'cancelled' }));
    world.clock.moveTo(`${month(1)}-02T02:00:00.000Z`);
    await closeWave({ waveId: waveOf(0) }, world);

    expect((await waveStatus(waveOf(0), world))?.states).toMatchObject({ waveCancelled: 30 });
    expect((await readTurns({ waveId: 'w', at: world.clock.now() }, world)).size).toBe(0);
    await world.plan(runOf(1));
    const second = (await world.audience(waveOf(1))).drawn.map((one) => one.subject);
    expect(second.some((subject) => first.has(subject))).toBe(true);
  });
});

describe('the order of the draw', () => {
  it('puts those who were never asked first, then those asked longest ago, then the less often asked, then goes by rank', () => {
    const places = [
      { rank: 'a', turns: { last: '2026-02-01T00:00:00.000Z', count: 1 } },
      { rank: 'd' },
      { rank: 'b', turns: { last: '2026-01-01T00:00:00.000Z', count: 2 } },
      { rank: 'e', turns: { last: '2026-01-01T00:00:00.000Z', count: 1 } },
      { rank: 'c' },
    ];

    expect(places.toSorted(byTurn).map((place) => place.rank)).toEqual(['c', 'd', 'e', 'b', 'a']);
  });

  it('holds each segment in its proportion in every stretch of the list, whatever order it was given', () => {
    const segment = fc.constantFrom('priority', 'cultivate', 'hold', 'exit');
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 300 }), fc.nat(300), fc.nat(300), (segments, from, length) => {
        const drawn = segments.map((one, index) => ({ subject: `s${index}`, segment: one }));
        const mixed = mixSegments(drawn, 'seed', 'w');

        expect(mixed.map((one) => one.subject).sort()).toEqual(drawn.map((one) => one.subject).sort());
        expect(mixSegments([...drawn].reverse(), 'seed', 'w')).toEqual(mixed);
        const names = [...new Set(segments)];
        const stretch = mixed.slice(from, from + length);
        for (const name of names) {
          const all = segments.filter((one) => one === name).length;
          const here = stretch.filter((one) => one.segment === name).length;
          expect(Math.abs(here - (all * stretch.length) / segments.length)).toBeLessThanOrEqual(names.length + 1);
        }
      }),
    );
  });
});
