import { createHash } from 'node:crypto';
import { PermanentError } from '#shared/errors.ts';
import { type Random, seededRandom } from './random.ts';

/** A sequence of its own for each purpose and customer, so that one thing more to draw changes nothing else. */
export const randomFor = (seed: number, purpose: string, index: number): Random =>
  seededRandom(createHash('sha256').update(`${seed}/${purpose}/${index}`).digest().readUInt32BE(0));

/** Standard normal by Box and Muller; two draws each. */
export const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

export const pick = <Item>(items: readonly [Item, ...Item[]] | readonly Item[], draw: number): Item => {
  const item = items[Math.floor(draw * items.length)];
  if (item === undefined) throw new PermanentError('sample-options-invalid', 'there is nothing to pick from');
  return item;
};

/** One of the names, each as often as its weight says; `draw` is in [0, 1). */
export const weighted = <Name extends string>(items: readonly (readonly [Name, number])[], draw: number): Name => {
  let left = draw * items.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of items) {
    left -= weight;
    if (left < 0) return name;
  }
  return pick(items, 0.999999)[0];
};

/** Text of a CSV file with its header line. */
export const csv = (columns: readonly string[], lines: readonly string[]): string =>
  `${[columns.join(','), ...lines].join('\n')}\n`;
