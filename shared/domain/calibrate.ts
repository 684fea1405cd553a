import { createHash } from 'node:crypto';
import { PermanentError } from '../errors.ts';
import { type BgNbdFit, fitBgNbd } from './bg-nbd.ts';
import { countOfRuns, cumulativeShareCutoffs, positiveTotal, quantileCutoffs, runsOfCounts } from './cutoffs.ts';
import { expectsPurchases } from './metrics.ts';
import type { Policy, Score } from './policy.ts';
import { EVERYBODY, inWeeks, partitionOf, satisfactionRule, scoreRow, sourceValue } from './scores.ts';
import type { Calibration, FrameRow, PurchaseDays } from './standing.ts';
import { scoreNamed } from './values.ts';

/** A segment's mean serves as prior from so many answers on; below it the global one, then 0.5 (SURVEY_PRACTICE 4.2). */
export const ANSWERS_FOR_A_MEAN = 30;

/** Partitions of one score; each holds its own statistics in memory (DECISIONS 12). */
export const MOST_PARTITIONS = 10_000;

/** BG/NBD is fitted on so many customers at most: the ones whose subjects have the lowest hashes (DECISIONS 20). */
export const MOST_HISTORIES = 200_000;

/** Answers are summed in millionths, as whole numbers, so that their order cannot matter. */
const MILLION = 1e6;

/**
 * Turns the frame into cut-offs, totals and parameters. Feed every row of every shard once per round, in any order, then
 * finish the round. The result is the same bits for any order and grouping of the rows.
 *
 * Memory: for each ranked score and partition a count per distinct value, at most one per customer of a round; for BG/NBD
 * the histories of at most `2 × mostHistories` customers. Rows themselves are not kept.
 */
export interface Calibrator {
  /** How often the rows must be read; more than 1 where a population score ranks another one. */
  readonly rounds: number;
  add(row: FrameRow): void;
  finishRound(): void;
  /** @returns the calibration so far; complete after `rounds` rounds */
  result(): Calibration;
}

type PopulationScore = Extract<Score, { kind: 'quantile' | 'cumulativeShare' | 'shareOfTotal' }>;

export interface CalibratorOptions {
  /** Upper bound of the customers that BG/NBD is fitted on; `MOST_HISTORIES` if not given. */
  readonly mostHistories?: number;
}

/**
 * Only active customers count, in cut-offs and in the population. A partition with fewer values than `smallestPartition`
 * gets no cut-offs of its own, so that the ones of everybody serve; it gets no total, so that its shares are missing.
 */
export const newCalibrator = (policy: Policy, options: CalibratorOptions = {}): Calibrator => {
  const rankedIn = statisticsRounds(policy);
  const rounds = Math.max(1, ...[...rankedIn.values()].map((round) => round + 1), needsMeans(policy) ? 1 : 0);
  const rule = satisfactionRule(policy);
  const cutoffs: Record<string, Record<string, readonly number[]>> = {};
  const totals: Record<string, Record<string, number>> | undefined = Object.values(policy.scores).some(
    (score) => score.kind === 'shareOfTotal',
  )
    ? {}
    : undefined;
  const histories = expectsPurchases(policy) ? newHistories(options.mostHistories ?? MOST_HISTORIES) : undefined;
  let purchaseModel: BgNbdFit | null = null;
  let satisfactionMeans: Record<string, number> = { [EVERYBODY]: 0.5 };
  let population = 0;
  let round = 0;
  let counts = new Map<string, Map<string, Map<number, number>>>();
  const answers = new Map<string, { n: number; weight: number; sum: number }>();

  const current = (): Calibration => ({
    cutoffs,
    ...(totals === undefined ? {} : { totals }),
    ...(histories === undefined ? {} : { purchaseModel }),
    satisfactionMeans,
    population,
  });

  const count = (score: string, partition: string, value: number): void => {
    const byPartition = counts.get(score) ?? new Map<string, Map<number, number>>();
    const byValue = byPartition.get(partition) ?? new Map<number, number>();
    byValue.set(value, (byValue.get(value) ?? 0) + 1);
    byPartition.set(partition, byValue);
    if (byPartition.size > MOST_PARTITIONS + 1) {
      throw new PermanentError(
        'too-many-partitions',
        `score ${score} is ranked within more than ${MOST_PARTITIONS} partitions`,
        { hint: 'rank within something coarser, such as branch or region', path: `scores.${score}.within` },
      );
    }
    counts.set(score, byPartition);
  };

  const addAnswers = (row: FrameRow): void => {
    const segment = row.prior?.placements[policy.mainDimension]?.actual;
    for (const key of segment === undefined ? [EVERYBODY] : [EVERYBODY, segment]) {
      const total = answers.get(key) ?? { n: 0, weight: 0, sum: 0 };
      for (const { value, ageDays } of row.answers) {
        const weight = 2 ** (-ageDays / rule.halfLifeDays);
        total.n += 1;
        total.weight += Math.round(weight * MILLION);
        total.sum += Math.round(weight * value * MILLION);
      }
      answers.set(key, total);
    }
  };

  return {
    rounds,
    add: (row) => {
      if (row.status !== 'active') return;
      if (round === 0) {
        population += 1;
        if (row.answers.length > 0) addAnswers(row);
        histories?.add(row);
      }
      const due = [...rankedIn].filter(([, ranked]) => ranked === round);
      if (due.length === 0) return;
      const ranksScores = due.some(([name]) => Object.hasOwn(policy.scores, rankedScore(policy, name).of));
      const scores = ranksScores ? scoreRow(row, policy, current()) : {};
      for (const [name] of due) {
        const score = rankedScore(policy, name);
        const value = sourceValue(score, row, policy, scores);
        if (value === null) continue;
        const partition = partitionOf(row, score.within);
        if (score.kind === 'shareOfTotal' && score.within !== undefined) {
          if (partition !== null) count(name, partition, value);
          continue;
        }
        count(name, EVERYBODY, value);
        if (partition !== null && partition !== EVERYBODY) count(name, partition, value);
      }
    },
    finishRound: () => {
      // In the policy's order: which score met a value first depends on the order of the rows.
      for (const name of policy.scoreOrder) {
        const byPartition = counts.get(name);
        if (byPartition === undefined) continue;
        const score = rankedScore(policy, name);
        const partitions = [...byPartition].sort(([a], [b]) => (a < b ? -1 : 1));
        if (score.kind === 'shareOfTotal') {
          if (totals !== undefined) totals[name] = totalsOf(score, partitions);
        } else cutoffs[name] = cutoffsOf(score, partitions);
      }
      counts = new Map();
      if (round === 0) {
        purchaseModel = histories?.fit() ?? null;
        satisfactionMeans = { [EVERYBODY]: 0.5 };
        for (const key of [...answers.keys()].sort()) {
          const total = answers.get(key);
          if (total === undefined || total.n < ANSWERS_FOR_A_MEAN || total.weight === 0) continue;
          satisfactionMeans[key] = Math.round((total.sum / total.weight) * MILLION) / MILLION;
        }
      }
      round += 1;
    },
    result: current,
  };
};

/** Calibrates rows that are at hand; they are gone through as often as needed. */
export const calibrate = (policy: Policy, rows: Iterable<FrameRow> | (() => Iterable<FrameRow>)): Calibration => {
  const all = typeof rows === 'function' ? rows : keep(rows);
  const calibrator = newCalibrator(policy);
  for (let round = 0; round < calibrator.rounds; round += 1) {
    for (const row of all()) calibrator.add(row);
    calibrator.finishRound();
  }
  return calibrator.result();
};

const keep = (rows: Iterable<FrameRow>): (() => Iterable<FrameRow>) => {
  const kept = [...rows];
  return () => kept;
};

type ByPartition = readonly (readonly [partition: string, counts: ReadonlyMap<number, number>])[];

const cutoffsOf = (
  score: Exclude<PopulationScore, { kind: 'shareOfTotal' }>,
  partitions: ByPartition,
): Record<string, readonly number[]> => {
  const entries: [string, readonly number[]][] = [];
  for (const [partition, counts] of partitions) {
    const runs = runsOfCounts(counts);
    if (partition !== EVERYBODY && countOfRuns(runs) < score.smallestPartition) continue;
    entries.push([
      partition,
      score.kind === 'quantile' ? quantileCutoffs(runs, score.n) : cumulativeShareCutoffs(runs, score.shares),
    ]);
  }
  return Object.fromEntries(entries);
};

const totalsOf = (
  score: Extract<PopulationScore, { kind: 'shareOfTotal' }>,
  partitions: ByPartition,
): Record<string, number> => {
  const entries: [string, number][] = [];
  for (const [partition, counts] of partitions) {
    const runs = runsOfCounts(counts);
    if (score.within !== undefined && countOfRuns(runs) < score.smallestPartition) continue;
    entries.push([partition, positiveTotal(runs)]);
  }
  return Object.fromEntries(entries);
};

/**
 * The purchase histories that BG/NBD is fitted on: of all customers with a purchase, or of the `most` whose subjects have the
 * lowest hashes. Which those are does not depend on the order of the rows.
 */
const newHistories = (most: number) => {
  interface Drawn {
    readonly rank: number;
    readonly subject: string;
    readonly days: PurchaseDays;
  }
  let drawn: Drawn[] = [];
  let highest = Number.POSITIVE_INFINITY;
  const keepLowest = (): void => {
    if (drawn.length <= most) return;
    drawn = drawn.sort((a, b) => a.rank - b.rank || (a.subject < b.subject ? -1 : 1)).slice(0, most);
    highest = drawn.at(-1)?.rank ?? Number.POSITIVE_INFINITY;
  };
  return {
    add: ({ subject, purchaseDays }: FrameRow): void => {
      if (purchaseDays === undefined || purchaseDays === null) return;
      const rank = createHash('sha256').update(subject, 'utf8').digest().readUIntBE(0, 6);
      if (rank > highest) return;
      drawn.push({ rank, subject, days: purchaseDays });
      if (drawn.length >= 2 * most) keepLowest();
    },
    fit: (): BgNbdFit | null => {
      keepLowest();
      const fit = fitBgNbd(countedHistories(drawn.map((one) => one.days)));
      drawn = [];
      return fit;
    },
  };
};

/** Each history once, with how many customers have it. */
const countedHistories = (all: readonly PurchaseDays[]) => {
  const counts = new Map<string, { readonly days: PurchaseDays; customers: number }>();
  for (const days of all) {
    const key = `${days.repeatDays} ${days.lastPurchaseDays} ${days.ageDays}`;
    const counted = counts.get(key);
    if (counted === undefined) counts.set(key, { days, customers: 1 });
    else counted.customers += 1;
  }
  return [...counts.values()]
    .sort(
      ({ days: a }, { days: b }) =>
        a.repeatDays - b.repeatDays || a.lastPurchaseDays - b.lastPurchaseDays || a.ageDays - b.ageDays,
    )
    .map(({ days, customers }) => ({ ...inWeeks(days), customers }));
};

const rankedScore = (policy: Policy, name: string): PopulationScore => {
  const score = scoreNamed(policy, name);
  if (score.kind === 'quantile' || score.kind === 'cumulativeShare' || score.kind === 'shareOfTotal') return score;
  throw new TypeError(`score ${name} is ${score.kind} and ranks nobody`);
};

const needsMeans = (policy: Policy): boolean =>
  Object.values(policy.scores).some((score) => score.kind === 'satisfaction');

/** The round in which each ranked score can be collected: one after the last ranked score or mean that it builds on. */
const statisticsRounds = (policy: Policy): ReadonlyMap<string, number> => {
  const known = new Map<string, number>();
  const ranked = new Map<string, number>();
  const of = (name: string): number => known.get(name) ?? 0;
  for (const name of policy.scoreOrder) {
    const score = scoreNamed(policy, name);
    switch (score.kind) {
      case 'quantile':
      case 'cumulativeShare':
      case 'shareOfTotal':
        ranked.set(name, of(score.of));
        known.set(name, of(score.of) + 1);
        break;
      case 'note':
        known.set(name, 0);
        break;
      case 'satisfaction':
      case 'expectedPurchases':
        known.set(name, 1);
        break;
      case 'weighted':
        known.set(name, Math.max(0, ...Object.keys(score.parts).map(of)));
        break;
      case 'bands':
      case 'lookup':
        known.set(name, of(score.of));
        break;
    }
  }
  return ranked;
};
