import type { Generation, HoldBack, Placement, SettledRating, Standing } from '../domain/standing.ts';
import { PoisonError } from '../errors.ts';
import type { Item } from './dynamo-client.ts';

/**
 * A standing's item. Attributes besides the keys: `seq` (of the newest generation, for the condition of writes) and
 * `standing`, JSON: names of dimensions, ratings and values once, then the two generations as rows. Two generations of a
 * policy with four ratings take about 500 bytes, so a write costs one unit.
 */
export const encodeStanding = (bucket: string, standing: Standing): Item => {
  const generations = standing.previous === undefined ? [standing.current] : [standing.current, standing.previous];
  const dimensions = namesOf(generations.map((generation) => generation.placements));
  const ratings = namesOf(generations.map((generation) => generation.ratings));
  const values = namesOf(generations.map((generation) => generation.values));
  const rows = generations.map((generation) => [
    generation.seq,
    generation.runId,
    dimensions.map((name) => optional(generation.placements[name], packPlacement)),
    ratings.map((name) => optional(generation.ratings[name], packRating)),
    values.map((name) => (name in generation.values ? [generation.values[name]] : 0)),
    generation.flags,
  ]);
  return {
    bucket: { S: bucket },
    subject: { S: standing.subject },
    seq: { N: String(standing.current.seq) },
    standing: { S: JSON.stringify([dimensions, ratings, values, ...rows]) },
  };
};

/** @throws PoisonError `standing-unreadable` */
export const decodeStanding = (item: Item): Standing => {
  const subject = item['subject']?.S;
  try {
    if (subject === undefined) throw new Error('it has no subject');
    const parsed: unknown = JSON.parse(item['standing']?.S ?? '');
    if (!Array.isArray(parsed) || parsed.length < 4) throw new Error('it has no generation');
    const [dimensions, ratings, values, current, previous] = parsed;
    return {
      subject,
      current: unpackGeneration(dimensions, ratings, values, current),
      ...(previous === undefined ? {} : { previous: unpackGeneration(dimensions, ratings, values, previous) }),
    };
  } catch (error) {
    throw new PoisonError('standing-unreadable', `the standing of ${subject ?? 'an item'} cannot be read`, {
      cause: error,
    });
  }
};

const namesOf = (records: readonly Readonly<Record<string, unknown>>[]): readonly string[] => [
  ...new Set(records.flatMap((record) => Object.keys(record))),
];

const optional = <T, R>(value: T | undefined, pack: (value: T) => R): R | 0 => (value === undefined ? 0 : pack(value));

const packPlacement = (placement: Placement) => [
  placement.target,
  placement.actual,
  placement.since,
  placement.periods,
  placement.lastPeriod,
  placement.heldBack,
  ...(placement.pinnedUntil === undefined ? [] : [placement.pinnedUntil]),
];

const packRating = (rating: SettledRating) => [
  rating.level,
  rating.since,
  rating.changed ? 1 : 0,
  ...(rating.waiting === undefined ? [] : [rating.waiting.level, rating.waiting.periods, rating.waiting.lastPeriod]),
];

type Row = readonly [
  seq: number,
  runId: string,
  placements: readonly (readonly [string, string, string, number, string | null, readonly HoldBack[], string?] | 0)[],
  ratings: readonly (readonly [number | null, string, number, (number | null)?, number?, string?] | 0)[],
  values: readonly (readonly [number | null] | 0)[],
  flags: readonly ('upgrade' | 'exit')[],
];

const unpackGeneration = (
  dimensions: readonly string[],
  ratings: readonly string[],
  values: readonly string[],
  [seq, runId, placementRows, ratingRows, valueRows, flags]: Row,
): Generation => {
  const placements: Record<string, Placement> = {};
  for (const [index, row] of placementRows.entries()) {
    if (row === 0) continue;
    const [target, actual, since, periods, lastPeriod, heldBack, pinnedUntil] = row;
    placements[nameAt(dimensions, index)] = {
      target,
      actual,
      since,
      periods,
      lastPeriod,
      heldBack,
      ...(pinnedUntil === undefined ? {} : { pinnedUntil }),
    };
  }
  const settled: Record<string, SettledRating> = {};
  for (const [index, row] of ratingRows.entries()) {
    if (row === 0) continue;
    const [level, since, changed, waitingLevel, periods, lastPeriod] = row;
    settled[nameAt(ratings, index)] = {
      level,
      since,
      ...(periods === undefined || lastPeriod === undefined
        ? {}
        : { waiting: { level: waitingLevel ?? null, periods, lastPeriod } }),
      changed: changed === 1,
    };
  }
  const scores: Record<string, number | null> = {};
  for (const [index, row] of valueRows.entries()) if (row !== 0) scores[nameAt(values, index)] = row[0];
  return { seq, runId, placements, ratings: settled, values: scores, flags };
};

const nameAt = (names: readonly string[], index: number): string => {
  const name = names[index];
  if (name === undefined) throw new Error('it has more values than names');
  return name;
};
