import { createHash } from 'node:crypto';
import type { Instant } from './calendar.ts';

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

/** Whom a survey asks, as far as the size of the sample goes. A segment has a share or a size, never both. */
export interface AudienceRule {
  /** Share of each segment, 0..1. */
  readonly share: Readonly<Record<string, number>>;
  /** Customers of each segment, at least 1. */
  readonly size?: Readonly<Record<string, number>>;
  /** At least so many of each segment that has a share, where there are as many. */
  readonly atLeast: number;
}

/**
 * How many of a segment are to be invited. A size is taken as it is written, up to what there is; `atLeast` lifts only shares.
 * A segment with neither is not asked.
 */
export const segmentSample = (segment: string, population: number, rule: AudienceRule): number => {
  const size = rule.size?.[segment];
  return size === undefined
    ? sampleSize(population, rule.share[segment], rule.atLeast)
    : Math.min(population, Math.max(0, size));
};

/** How many candidates are tried at most for a sample of `n`: the rest of the segment is left alone for other waves. */
export const mostTried = (n: number): number => 5 * n;

/** A customer's turns in earlier waves. */
export interface Turns {
  /** When the last one was. */
  readonly last: Instant;
  /** How many there were, at least 1. */
  readonly count: number;
}

/** A customer in the order of the draw. */
export interface DrawPlace {
  readonly rank: string;
  /** Undefined where the customer's turn has never been. */
  readonly turns?: Turns | undefined;
}

/**
 * The order in which a segment is drawn: those whose turn was never first, then those whose turn was longest ago; of those with
 * a turn in the same wave, the ones with fewer turns; then the order of the ranks, which is as good as random. So nobody is
 * asked twice while somebody else still waits.
 */
export const byTurn = (a: DrawPlace, b: DrawPlace): number => {
  const [lastA, lastB] = [a.turns?.last ?? '', b.turns?.last ?? ''];
  if (lastA !== lastB) return lastA < lastB ? -1 : 1;
  const fewer = (a.turns?.count ?? 0) - (b.turns?.count ?? 0);
  if (fewer !== 0) return fewer;
  return a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0;
};

/**
 * Mixes segments so that every stretch of the list holds each in its proportion, within one customer for each segment there is.
 * Within a segment the order is that of `mixRank` of seed, wave and subject, not that of the draw, so that no day of a wave is
 * the day of those who waited longest. The result does not depend on the order given.
 */
export const mixSegments = <T extends { readonly subject: string; readonly segment: string }>(
  drawn: readonly T[],
  seed: string,
  waveId: string,
): T[] => {
  const bySegment = new Map<string, { readonly one: T; readonly rank: string }[]>();
  for (const one of drawn) {
    const list = bySegment.get(one.segment) ?? [];
    list.push({ one, rank: drawRank(`${seed}\nday`, waveId, one.subject) });
    bySegment.set(one.segment, list);
  }
  return [...bySegment.entries()]
    .flatMap(([segment, list]) =>
      list
        .sort((a, b) => (a.rank < b.rank ? -1 : 1))
        .map(({ one }, index) => ({ one, segment, at: (index + 0.5) / list.length })),
    )
    .sort((a, b) => a.at - b.at || (a.segment < b.segment ? -1 : 1))
    .map(({ one }) => one);
};
