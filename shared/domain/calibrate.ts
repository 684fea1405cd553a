import { PermanentError } from '../errors.ts';
import { cumulativeShareCutoffs, quantileCutoffs, runsOfCounts } from './cutoffs.ts';
import type { Policy, Score } from './policy.ts';
import { EVERYBODY, partitionOf, satisfactionRule, scoreRow, sourceValue } from './scores.ts';
import type { Calibration, FrameRow } from './standing.ts';
import { scoreNamed } from './values.ts';

/** A segment's mean serves as prior from so many answers on; below it the global one, then 0.5 (SURVEY_PRACTICE 4.2). */
export const ANSWERS_FOR_A_MEAN = 30;

/** Partitions of one score; each holds its own statistics in memory (DECISIONS 12). */
export const MOST_PARTITIONS = 10_000;

/** Answers are summed in millionths, as whole numbers, so that their order cannot matter. */
const MILLION = 1e6;

/** Turns the frame into cut-offs. Feed every row of every shard once per round, in any order, then finish the round. */
export interface Calibrator {
  /** How often the rows must be read; more than 1 where a population score ranks another one. */
  readonly rounds: number;
  add(row: FrameRow): void;
  finishRound(): void;
  /** @returns the calibration so far; complete after `rounds` rounds */
  result(): Calibration;
}

type PopulationScore = Extract<Score, { kind: 'quantile' | 'cumulativeShare' }>;

/**
 * Only active customers count, in cut-offs and in the population. A partition with fewer values than `smallestPartition`
 * gets no cut-offs of its own, so that the ones of everybody serve.
 */
export const newCalibrator = (policy: Policy): Calibrator => {
  const rankedIn = statisticsRounds(policy);
  const rounds = Math.max(1, ...[...rankedIn.values()].map((round) => round + 1), needsMeans(policy) ? 1 : 0);
  const rule = satisfactionRule(policy);
  const cutoffs: Record<string, Record<string, readonly number[]>> = {};
  let satisfactionMeans: Record<string, number> = { [EVERYBODY]: 0.5 };
  let population = 0;
  let round = 0;
  let counts = new Map<string, Map<string, Map<number, number>>>();
  const answers = new Map<string, { n: number; weight: number; sum: number }>();

  const current = (): Calibration => ({ cutoffs, satisfactionMeans, population });

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
      }
      const due = [...rankedIn].filter(([, ranked]) => ranked === round);
      if (due.length === 0) return;
      const ranksScores = due.some(([name]) => Object.hasOwn(policy.scores, rankedScore(policy, name).of));
      const scores = ranksScores ? scoreRow(row, policy, current()) : {};
      for (const [name] of due) {
        const score = rankedScore(policy, name);
        const value = sourceValue(score, row, policy, scores);
        if (value === null) continue;
        count(name, EVERYBODY, value);
        const partition = partitionOf(row, score.within);
        if (partition !== null && partition !== EVERYBODY) count(name, partition, value);
      }
    },
    finishRound: () => {
      for (const [name, byPartition] of counts) {
        const score = rankedScore(policy, name);
        const entries: [string, readonly number[]][] = [];
        for (const partition of [...byPartition.keys()].sort()) {
          const runs = runsOfCounts(byPartition.get(partition) ?? new Map());
          const size = runs.reduce((sum, run) => sum + run.count, 0);
          if (partition !== EVERYBODY && size < score.smallestPartition) continue;
          entries.push([
            partition,
            score.kind === 'quantile' ? quantileCutoffs(runs, score.n) : cumulativeShareCutoffs(runs, score.shares),
          ]);
        }
        cutoffs[name] = Object.fromEntries(entries);
      }
      counts = new Map();
      if (round === 0) {
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

const rankedScore = (policy: Policy, name: string): PopulationScore => {
  const score = scoreNamed(policy, name);
  if (score.kind === 'quantile' || score.kind === 'cumulativeShare') return score;
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
        ranked.set(name, of(score.of));
        known.set(name, of(score.of) + 1);
        break;
      case 'satisfaction':
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
