/** A seeded source of numbers that are uniform in [0, 1). The same seed gives the same sequence everywhere. */
export type Random = () => number;

/** Mulberry32: 32 bits of state, good enough for samples and faults, never for secrets. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
