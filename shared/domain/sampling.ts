import { createHash } from 'node:crypto';

/**
 * The place of a customer in the order of the draw: 32 hex digits that depend on seed, wave and subject only. Ascending
 * order is the order in which candidates are tried, so the same input gives the same sample.
 */
export const drawRank = (seed: string, waveId: string, subject: string): string =>
  createHash('sha256').update(`${seed}\n${waveId}\n${subject}`, 'utf8').digest('hex').slice(0, 32);

/**
 * How many of a segment are to be invited: the share of its customers, rounded up, at least `atLeast`, never more than
 * there are. A share of 0 or none at all means that the segment is not asked.
 */
export const sampleSize = (size: number, share: number | undefined, atLeast: number): number =>
  share === undefined || share <= 0 ? 0 : Math.min(size, Math.max(atLeast, Math.ceil(size * share - 1e-9)));

/** How many candidates are tried at most for a sample of `n`: the rest of the segment is left alone for other waves. */
export const mostTried = (n: number): number => 5 * n;
