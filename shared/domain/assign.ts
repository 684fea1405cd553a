import { toDayNumber } from './calendar.ts';
import { isCovered, POTENTIAL_KEYS } from './flags.ts';
import type { Dimension, ExitRule, Policy, UpgradeRule } from './policy.ts';
import { confidenceLevel, satisfactionEvidence } from './satisfaction.ts';
import { capOf, cutoffsFor, satisfactionOf, scoreRow, sourceValue } from './scores.ts';
import { allSettledScores, segmentOf, settledScores } from './segments.ts';
import { type RatingScale, ratingScale, type Settled, settleRating } from './settle.ts';
import type {
  Calibration,
  FlagProposal,
  FrameRow,
  Generation,
  HoldBack,
  Move,
  MoveKind,
  Placement,
  PlanRow,
  RunContext,
  ScoreValues,
  SettledRating,
} from './standing.ts';
import { asNumber, levelsOf, roundScore, scoreNamed } from './values.ts';

/**
 * Decides one customer: next standing, moves, flag proposals. A pure function of the frame row (which holds the previous
 * standing), the policy, the calibration and the run. `changed` is false where nothing needs to be written.
 *
 * A customer who is not active has no segments; if it had some, it has left. Flags come with `opened: true`; `capacity`
 * decides which of them there is room for.
 */
export const assignRow = (row: FrameRow, policy: Policy, calibration: Calibration, run: RunContext): PlanRow => {
  const isActive = row.status === 'active';
  const scores = scoreRow(row, policy, calibration);
  const settled = isActive ? settleAll(row, scores, policy, calibration, run) : {};
  const levels = settledLevels(scores, settled);

  const placements: Record<string, Placement> = {};
  if (isActive) {
    for (const [name, dimension] of Object.entries(policy.dimensions)) {
      placements[name] = place(name, dimension, row, policy, scores, levels, settled, run);
    }
  }
  const flags = isActive ? proposeFlags(row, policy, calibration, run, scores, settled, placements) : [];
  const next: Generation = {
    seq: run.seq,
    runId: run.runId,
    placements,
    ratings: Object.fromEntries(Object.entries(settled).map(([name, { rating }]) => [name, rating])),
    values: isActive ? watchedValues(row, policy, calibration, scores, settled, run, flags) : {},
    flags: flags.map((flag) => flag.kind),
  };
  return {
    bucket: row.bucket,
    subject: row.subject,
    factsRev: row.factsRev,
    branch: row.branch,
    manager: row.manager,
    value: asNumber(row.metrics[policy.valueMetric]),
    scores,
    next,
    changed: isChanged(row, next),
    moves: movesOf(row.prior, placements, policy),
    flags,
    satisfaction: isActive ? satisfactionOf(row, policy, calibration) : null,
  };
};

/**
 * Opens as many proposals per kind, manager and branch as the policy gives room for, the greatest stake first, ties by subject. A
 * customer without a manager competes with the others of its branch who have none. Rows come back in the order given; the
 * overflow has `opened: false`. Give it all rows of a run with flags, whatever their shard.
 */
export const capacity = (rows: readonly PlanRow[], policy: Policy): readonly PlanRow[] => {
  const ranked = rows
    .flatMap((row) => row.flags.map((flag) => ({ row, flag })))
    .sort((a, b) => b.flag.stake - a.flag.stake || (a.row.subject < b.row.subject ? -1 : 1));
  const taken = new Map<string, number>();
  const opened = new Set<FlagProposal>();
  for (const { row, flag } of ranked) {
    const rule = policy.flags[flag.kind];
    const desks = [
      {
        key: JSON.stringify([flag.kind, row.manager, row.manager === null ? row.branch : null]),
        room: rule?.perManager ?? 0,
      },
      { key: JSON.stringify([flag.kind, 'branch', row.branch, '']), room: rule?.perBranch ?? Number.POSITIVE_INFINITY },
    ];
    if (desks.some(({ key, room }) => (taken.get(key) ?? 0) >= room)) continue;
    for (const { key } of desks) taken.set(key, (taken.get(key) ?? 0) + 1);
    opened.add(flag);
  }
  return rows.map((row) =>
    row.flags.length === 0 ? row : { ...row, flags: row.flags.map((flag) => ({ ...flag, opened: opened.has(flag) })) },
  );
};

/** Settles every rating that a dimension uses, by score. */
export const settleAll = (
  row: FrameRow,
  scores: ScoreValues,
  policy: Policy,
  calibration: Calibration,
  run: RunContext,
): Readonly<Record<string, Settled>> => {
  const settled: Record<string, Settled> = {};
  for (const name of allSettledScores(policy)) {
    const { score, value, scale } = ratingInputs(name, row, scores, policy, calibration);
    settled[name] = settleRating(
      {
        prior: row.prior?.ratings[name],
        level: scores[name] ?? null,
        value,
        scale,
        cap: capOf(score.caps, row),
        levels: levelsOf(score) ?? 1,
      },
      policy.moves,
      run,
    );
  }
  return settled;
};

/** The scores with the settled levels in place of this run's. */
export const settledLevels = (scores: ScoreValues, settled: Readonly<Record<string, Settled>>): ScoreValues => ({
  ...scores,
  ...Object.fromEntries(Object.entries(settled).map(([name, { rating }]) => [name, rating.level])),
});

/** What settling and explaining need of a rating: the value behind it and its scale; both null for a lookup. */
export const ratingInputs = (
  name: string,
  row: FrameRow,
  scores: ScoreValues,
  policy: Policy,
  calibration: Calibration,
) => {
  const score = scoreNamed(policy, name);
  const hasCutoffs = score.kind === 'quantile' || score.kind === 'bands' || score.kind === 'cumulativeShare';
  const value = hasCutoffs ? sourceValue(score, row, policy, scores) : null;
  const scale = ratingScale(score, cutoffsFor(name, score, row, calibration), policy.moves.margin);
  return { score, value, scale };
};

const place = (
  name: string,
  dimension: Dimension,
  row: FrameRow,
  policy: Policy,
  scores: ScoreValues,
  levels: ScoreValues,
  settled: Readonly<Record<string, Settled>>,
  run: RunContext,
): Placement => {
  const target = segmentOf(dimension, row, policy, scores);
  const byRatings = segmentOf(dimension, row, policy, levels);
  const pin = row.pins.findLast(
    (one) => one.dimension === name && one.until >= run.asOf && Object.hasOwn(dimension.segments, one.segment),
  );
  const actual = pin?.segment ?? byRatings;
  const before = row.prior?.placements[name];
  const isSame = before !== undefined && before.actual === actual;
  return {
    target,
    actual,
    since: isSame ? before.since : run.period,
    ...streak(isSame ? before : undefined, countedPeriods(name, actual, policy), run),
    heldBack: target === actual ? [] : pin !== undefined ? ['pin'] : reasons(dimension, policy, settled),
    ...(pin === undefined ? {} : { pinnedUntil: pin.until }),
  };
};

/** Periods are counted as far as a rule asks for them and no further, so that a standing at rest is not rewritten monthly. */
const countedPeriods = (dimension: string, segment: string, policy: Policy): number => {
  const { exit } = policy.flags;
  return exit !== undefined && dimension === policy.mainDimension && exit.from.includes(segment)
    ? Math.max(1, exit.afterPeriods)
    : 1;
};

const streak = (
  before: Placement | undefined,
  upTo: number,
  run: RunContext,
): Pick<Placement, 'periods' | 'lastPeriod'> => {
  const periods = before?.periods ?? 0;
  const lastPeriod = before?.lastPeriod ?? null;
  const counts = run.closesPeriod && (lastPeriod === null || run.period > lastPeriod) && periods < upTo;
  return counts ? { periods: periods + 1, lastPeriod: run.period } : { periods, lastPeriod };
};

const reasons = (
  dimension: Dimension,
  policy: Policy,
  settled: Readonly<Record<string, Settled>>,
): readonly HoldBack[] => {
  const found = new Set(settledScores(dimension, policy).flatMap((name) => settled[name]?.heldBack ?? []));
  return (['margin', 'waiting', 'coolingOff'] as const).filter((reason) => found.has(reason));
};

const movesOf = (
  prior: Generation | null,
  placements: Readonly<Record<string, Placement>>,
  policy: Policy,
): readonly Move[] =>
  Object.entries(policy.dimensions).flatMap(([name, dimension]) => {
    const from = prior?.placements[name]?.actual ?? null;
    const to = placements[name]?.actual ?? null;
    return from === to ? [] : [{ dimension: name, from, to, kind: moveKind(dimension, from, to) }];
  });

/** Moves from or to the class of the unrated say nothing of better or worse, so they are sideways. */
export const moveKind = (dimension: Dimension, from: string | null, to: string | null): MoveKind => {
  if (from === null) return 'new';
  if (to === null) return 'left';
  const unrated = dimension.by.kind === 'matrix' ? dimension.by.missing : undefined;
  const a = dimension.segmentOrder.indexOf(from);
  const b = dimension.segmentOrder.indexOf(to);
  if (!dimension.ordered || from === unrated || to === unrated || a < 0 || b < 0) return 'sideways';
  return b < a ? 'up' : 'down';
};

const isChanged = (row: FrameRow, next: Generation): boolean => {
  if (row.prior === null) return Object.keys(next.placements).length > 0;
  return !row.priorIsNewest || !isSameStanding(row.prior, next);
};

/** Whether two generations say the same; which run said so does not matter. */
export const isSameStanding = (a: Generation, b: Generation): boolean => {
  return (
    isEqual(a.placements, b.placements) &&
    isEqual(a.ratings, b.ratings) &&
    isEqual(a.values, b.values) &&
    isEqual(a.flags, b.flags)
  );
};

const isEqual = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  // A key that is undefined is as good as absent: that is how it comes back from storage.
  for (const key of Object.keys(a)) if (!isEqual(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** How a rating stands below its next cut-off. */
export interface NextCutoff {
  /** Level that the cut-off leads to. */
  readonly level: number;
  /** In the source's unit. */
  readonly cutoff: number;
  /** How much the value falls short, in the source's unit and the direction that counts; 0 or less: reached. */
  readonly shortBy: number;
}

/** The cut-off above the settled level; null at the best level and where value or cut-offs are missing. */
export const nextCutoff = (
  settledLevel: number | null,
  value: number | null,
  scale: RatingScale | null,
): NextCutoff | null => {
  if (settledLevel === null || value === null || scale === null) return null;
  const entry = scale.entry[settledLevel - 1];
  if (entry === undefined) return null;
  return {
    level: settledLevel + 1,
    cutoff: scale.sign * entry + 0,
    shortBy: roundScore(entry - scale.sign * value),
  };
};

/** Recorded values reach down to so many times the distance at which an upgrade is proposed. */
const WATCH = 2;

/**
 * What the next run compares with: the value behind the `rising` score, for customers near its next cut-off. Far from it
 * nothing is recorded, so that a standing is not rewritten whenever a figure changes; coming near from there is a rise.
 */
const watchedValues = (
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
  scores: ScoreValues,
  settled: Readonly<Record<string, Settled>>,
  run: RunContext,
  flags: readonly FlagProposal[],
): ScoreValues => {
  const { upgrade } = policy.flags;
  if (upgrade === undefined) return {};
  const { score, value, scale } = ratingInputs(upgrade.rising, row, scores, policy, calibration);
  const level = ratingLevel(upgrade.rising, scores, settled);
  const next = nextCutoff(level, value, scale);
  if (next === null || !('of' in score) || next.shortBy > WATCH * upgrade.shortBy * Math.abs(next.cutoff)) return {};
  const watched = { [score.of]: value };
  const life = upgradeLife(row.prior, run, upgrade.expiresDays);
  if (value === null || !flags.some((flag) => flag.kind === 'upgrade')) {
    return life?.isOver === true ? { ...watched, [UPGRADE_KEYS.base]: life.base } : watched;
  }
  return life === undefined || life.isOver
    ? { ...watched, [UPGRADE_KEYS.since]: toDayNumber(run.asOf), [UPGRADE_KEYS.base]: value }
    : { ...watched, [UPGRADE_KEYS.since]: life.since, [UPGRADE_KEYS.base]: life.base };
};

/**
 * Beside the watched figure of a customer whose upgrade is proposed: since which day, and from which figure on. Where nobody
 * decided until the last day, the figure alone stays.
 */
export const UPGRADE_KEYS = { since: 'upgrade.since', base: 'upgrade.base' } as const;

/** The proposal that earlier runs made and held, also after its last day; undefined where there is none to speak of. */
const upgradeLife = (
  prior: Generation | null,
  run: RunContext,
  expiresDays: number,
): { readonly since: number; readonly base: number; readonly isOver: boolean } | undefined => {
  const [since, base] = [prior?.values[UPGRADE_KEYS.since], prior?.values[UPGRADE_KEYS.base]];
  if (typeof base !== 'number') return undefined;
  if (typeof since !== 'number') return { since: Number.NEGATIVE_INFINITY, base, isOver: true };
  return { since, base, isOver: toDayNumber(run.asOf) - since > expiresDays };
};

const ratingLevel = (name: string, scores: ScoreValues, settled: Readonly<Record<string, Settled>>): number | null =>
  settled[name] === undefined ? (scores[name] ?? null) : settled[name].rating.level;

const proposeFlags = (
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
  run: RunContext,
  scores: ScoreValues,
  settled: Readonly<Record<string, Settled>>,
  placements: Readonly<Record<string, Placement>>,
): readonly FlagProposal[] => {
  const main = placements[policy.mainDimension];
  if (main === undefined) return [];
  const { upgrade, exit } = policy.flags;
  const flags: FlagProposal[] = [];
  if (upgrade?.from.includes(main.actual)) {
    const flag = sureUpgrade(upgrade, row, policy, calibration, run, scores, settled, main);
    if (flag !== null && !isDecided(flag, row, run, upgrade.expiresDays)) flags.push(flag);
  }
  if (exit?.from.includes(main.actual)) {
    const flag = proposeExit(exit, row, policy, calibration, main);
    if (flag !== null && !isDecided(flag, row, run, exit.expiresDays)) flags.push(flag);
  }
  return flags;
};

/** Whether a person's last word covers the proposal. Without the figures it was said on, it holds as long as a proposal does. */
const isDecided = (flag: FlagProposal, row: FrameRow, run: RunContext, expiresDays: number): boolean => {
  const last = row.decided.findLast((one) => one.kind === flag.kind);
  if (last === undefined) return false;
  return last.evidence === undefined
    ? toDayNumber(run.asOf) - toDayNumber(last.date) < expiresDays
    : isCovered(flag, { decision: last.decision, evidence: last.evidence });
};

/** An upgrade that does not rest on satisfaction of low confidence: without it, the rule says the same. */
const sureUpgrade = (
  rule: UpgradeRule,
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
  run: RunContext,
  scores: ScoreValues,
  settled: Readonly<Record<string, Settled>>,
  main: Placement,
): FlagProposal | null => {
  const flag = proposeUpgrade(rule, row, policy, calibration, run, scores, settled, main);
  if (flag === null || row.answers.length === 0) return flag;
  const sure = scoreRow(row, policy, calibration, { onlySureAnswers: true });
  if (Object.entries(sure).every(([name, value]) => value === scores[name])) return flag;
  const without = settleAll(row, sure, policy, calibration, run);
  return proposeUpgrade(rule, row, policy, calibration, run, sure, without, main) === null ? null : flag;
};

const stakeOf = (row: FrameRow, policy: Policy): number => asNumber(row.metrics[policy.valueMetric]) ?? 0;

const proposeUpgrade = (
  rule: UpgradeRule,
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
  run: RunContext,
  scores: ScoreValues,
  settled: Readonly<Record<string, Settled>>,
  main: Placement,
): FlagProposal | null => {
  if (row.prior === null) return null;
  const { score, value, scale } = ratingInputs(rule.rising, row, scores, policy, calibration);
  const level = ratingLevel(rule.rising, scores, settled);
  const next = nextCutoff(level, value, scale);
  if (value === null || scale === null || next === null || !('of' in score)) return null;
  if (next.level > capOf(score.caps, row)) return null;
  const isNear = next.shortBy <= rule.shortBy * Math.abs(next.cutoff);
  const isHeldByMarginOnly = next.shortBy <= 0 && settled[rule.rising]?.heldBack.includes('margin') === true;
  if (!isNear || (next.shortBy <= 0 && !isHeldByMarginOnly)) return null;
  const life = upgradeLife(row.prior, run, rule.expiresDays);
  if (!hasRisen(rule.rising, score.of, value, scale.sign, level, row.prior)) return null;
  // Nobody decided until its last day: more of the same is not proposed again.
  if (life?.isOver === true && scale.sign * value <= scale.sign * life.base) return null;

  const dimension = policy.dimensions[policy.mainDimension];
  if (dimension === undefined) return null;
  const levels = { ...settledLevels(scores, settled), [rule.rising]: next.level };
  const would = segmentOf(dimension, row, policy, levels);
  const order = dimension.segmentOrder;
  if (dimension.ordered && order.indexOf(would) >= order.indexOf(main.actual)) return null;
  const potential = potentialEvidence(rule, scores);
  if (potential === null || isUnhappy(rule, row, policy, calibration)) return null;
  const before = row.prior.values[score.of];
  return {
    kind: 'upgrade',
    evidence: {
      segment: main.actual,
      wouldBe: would,
      rising: rule.rising,
      metric: score.of,
      value,
      ...(typeof before === 'number' ? { before } : {}),
      cutoff: next.cutoff,
      shortBy: next.shortBy,
      ...potential,
      ...satisfactionEvidence(satisfactionOf(row, policy, calibration)),
    },
    stake: stakeOf(row, policy),
    opened: true,
  };
};

/** What the rule asks for in potential and what the customer has; null where the customer has not got it. */
const potentialEvidence = ({ potential }: UpgradeRule, scores: ScoreValues): FlagProposal['evidence'] | null => {
  if (potential === undefined) return {};
  const value = scores[potential.of] ?? null;
  if (value === null || value < potential.atLeast) return null;
  return {
    [POTENTIAL_KEYS.of]: potential.of,
    [POTENTIAL_KEYS.value]: value,
    [POTENTIAL_KEYS.atLeast]: potential.atLeast,
  };
};

/** Whether the customer is known to be less satisfied than the rule asks for; low confidence is not knowing. */
const isUnhappy = (
  { satisfaction: wanted }: UpgradeRule,
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
): boolean => {
  const satisfaction = wanted === undefined ? null : satisfactionOf(row, policy, calibration);
  return (
    wanted !== undefined &&
    satisfaction !== null &&
    confidenceLevel(satisfaction.confidence) !== 'low' &&
    satisfaction.score < wanted.atLeast
  );
};

/**
 * Risen: better than recorded, or come near from where nothing was recorded, without having lost a level. Who was flagged
 * before stays so while the figure holds, so that running again takes no proposal back; its last day ends that.
 */
const hasRisen = (
  rising: string,
  source: string,
  value: number,
  sign: 1 | -1,
  level: number | null,
  prior: Generation,
): boolean => {
  const before = prior.values[source];
  if (typeof before === 'number') {
    return sign * value > sign * before || (value === before && prior.flags.includes('upgrade'));
  }
  const rating: SettledRating | undefined = prior.ratings[rising];
  return rating !== undefined && rating.level !== null && level !== null && rating.level <= level;
};

const proposeExit = (
  rule: ExitRule,
  row: FrameRow,
  policy: Policy,
  calibration: Calibration,
  main: Placement,
): FlagProposal | null => {
  if (main.periods < rule.afterPeriods || !rule.from.includes(main.target)) return null;
  if (rule.notIf.includes('openCase') && row.openCase) return null;
  if (rule.notIf.includes('pinned') && main.pinnedUntil !== undefined) return null;
  const dimension = policy.dimensions[policy.mainDimension];
  if (dimension === undefined) return null;
  // R31: were it not for the answers and notes of people, would the policy still say the same?
  const silent = scoreRow(row, policy, calibration, { withoutAnswers: true });
  if (segmentOf(dimension, row, policy, silent) !== main.target) return null;
  const ratings = settledScores(dimension, policy).flatMap((name) => {
    const level = silent[name];
    return typeof level === 'number' ? [[name, level] as const] : [];
  });
  return {
    kind: 'exit',
    evidence: {
      segment: main.actual,
      since: main.since,
      periods: main.periods,
      ...Object.fromEntries(ratings),
      ...satisfactionEvidence(satisfactionOf(row, policy, calibration)),
    },
    stake: stakeOf(row, policy),
    opened: true,
  };
};
