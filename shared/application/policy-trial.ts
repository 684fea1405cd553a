import type { RunRecord } from '#shared/contracts/run-record.ts';
import { assignRow, capacity, ratingInputs } from '#shared/domain/assign.ts';
import { dateIn, periodOf } from '#shared/domain/calendar.ts';
import { newCalibrator } from '#shared/domain/calibrate.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import { formatValue, type Lang, levelText, listText, nameOf, segmentLabel } from '#shared/domain/figure-text.ts';
import { measure, referencedTraits } from '#shared/domain/metrics.ts';
import { usesNotes } from '#shared/domain/notes.ts';
import type { Metric, Policy } from '#shared/domain/policy.ts';
import { firstMatch, settledScores } from '#shared/domain/segments.ts';
import type { Calibration, FrameRow, PlanRow, RunContext, Values } from '#shared/domain/standing.ts';
import { levelsOf } from '#shared/domain/values.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { PointerStore, RecordStore } from '#shared/ports/standing-store.ts';
import { runContext } from './run/assign-shard.ts';
import { measureFacts } from './run/measure-shard.ts';
import { loadPolicy, loadRun } from './run/run-ports.ts';
import { reasonInWords } from './summary-text.ts';

/** What trying a policy needs: nothing of it can write. */
export interface TrialPorts {
  readonly clock: Clock;
  /** Business dates are dates in it. */
  readonly timeZone: string;
  readonly runs: Pick<RecordStore<RunRecord>, 'get' | 'create' | 'replace' | 'list'>;
  readonly pointer: Pick<PointerStore, 'get'>;
  readonly files: Pick<RunFiles, 'readFrame'>;
  readonly objects: ObjectStore;
  readonly customers: Pick<CustomerStore, 'buckets' | 'readBucket' | 'getMany'>;
}

export interface TrialCount {
  readonly from: string | null;
  readonly to: string | null;
  readonly customers: number;
}

export interface TrialDimension {
  /** Customers whose segment in force would be another, by segment; the unchanged are not listed. */
  readonly actual: readonly TrialCount[];
  /** The same for the segment that each policy computes before gaps, waiting and pins: the effect of the policy alone. */
  readonly target: readonly TrialCount[];
}

export interface TrialMover {
  readonly customerId: string;
  readonly branch: string | null;
  readonly manager: string | null;
  /** Of the first policy's value metric, else the second's; null is missing. */
  readonly value: number | null;
  readonly dimension: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly targetFrom: string | null;
  readonly targetTo: string | null;
  readonly why: string;
}

export interface TrialFlags {
  /** Proposals that each policy would open. */
  readonly a: number;
  readonly b: number;
  readonly appear: number;
  readonly disappear: number;
}

/** What two policies make of the same customers. */
export interface PolicyTrial {
  /** The published run on whose frame both were tried; null: the customers' facts as of today. */
  readonly runId: string | null;
  readonly asOf: string;
  /** Customers tried. */
  readonly customers: number;
  /** Customers erased since, as far as they were looked up: movers, flagged, and who was measured anew; left out. */
  readonly erased: number;
  /** Records that could not be read, where facts were read. */
  readonly quarantined: number;
  /** What the frame lacks and was measured from the customers' facts, by name; empty for none. */
  readonly measured: readonly string[];
  /** Of those measured anew, customers whose facts changed since the run; facts recorded later do not count. */
  readonly changedSince: number;
  readonly dimensions: Readonly<Record<string, TrialDimension>>;
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
  readonly flags: { readonly upgrade: TrialFlags; readonly exit: TrialFlags };
  /** The most valuable first. */
  readonly movers: readonly TrialMover[];
  /** Movers there are, listed or not. */
  readonly moversTotal: number;
}

interface Pair {
  readonly a: FrameRow;
  readonly b: FrameRow;
}

interface Basis {
  readonly runId: string | null;
  readonly context: RunContext;
  readonly shards: number;
  readonly measured: readonly string[];
  readonly counts: { erased: number; quarantined: number; changedSince: number };
  pairs(shard: number): Promise<readonly Pair[]>;
}

/**
 * Tries two policies on the same customers: the frame of the published run, with the standings that run found, so that gaps,
 * waiting periods and pins apply as they did; both policies get cut-offs from these rows. Where no run is published, the
 * customers are measured as of today. Changes nothing.
 *
 * Memory: one shard of the frame, figures that the frame lacks, and the movers; without a published run all customers.
 *
 * @param limit movers to list
 * @throws PermanentError `no-customers` where there is nobody to try on
 */
export const tryPolicies = async (
  a: Policy,
  b: Policy,
  ports: TrialPorts,
  { limit, lang }: { readonly limit: number; readonly lang: Lang },
): Promise<PolicyTrial> => {
  const basis = await openBasis(a, b, ports);
  const calibrations = await calibratePair(a, b, basis);
  const dimensions = Object.keys(a.dimensions).filter((name) => Object.hasOwn(b.dimensions, name));
  const actual = newCounts(dimensions);
  const target = newCounts(dimensions);
  const movers: TrialMover[] = [];
  const flagged: { a: PlanRow[]; b: PlanRow[] } = { a: [], b: [] };
  let customers = 0;
  let moversTotal = 0;

  for (let shard = 0; shard < basis.shards; shard += 1) {
    const decided = (await basis.pairs(shard)).map((pair) => ({
      pair,
      a: assignRow(pair.a, a, calibrations.a, basis.context),
      b: assignRow(pair.b, b, calibrations.b, basis.context),
    }));
    const interesting = decided.filter(
      (one) => one.a.flags.length + one.b.flags.length > 0 || dimensions.some((name) => differs(one, name)),
    );
    const known = await ports.customers.getMany(interesting.map((one) => one.a.subject));
    customers += decided.length;
    for (const one of interesting) {
      const facts = known.get(one.a.subject);
      if (facts === undefined) {
        basis.counts.erased += 1;
        customers -= 1;
        continue;
      }
      if (one.a.flags.length > 0) flagged.a.push(one.a);
      if (one.b.flags.length > 0) flagged.b.push(one.b);
      for (const dimension of dimensions) {
        const [before, after] = [one.a.next.placements[dimension], one.b.next.placements[dimension]];
        if (before?.target !== after?.target) target.add(dimension, before?.target ?? null, after?.target ?? null);
        if (before?.actual === after?.actual) continue;
        actual.add(dimension, before?.actual ?? null, after?.actual ?? null);
        moversTotal += 1;
        movers.push({
          customerId: facts.customerId,
          branch: one.a.branch,
          manager: one.a.manager,
          value: one.a.value ?? one.b.value,
          dimension,
          from: before?.actual ?? null,
          to: after?.actual ?? null,
          targetFrom: before?.target ?? null,
          targetTo: after?.target ?? null,
          why: whyDifferent(
            dimension,
            { policy: a, calibration: calibrations.a, frame: one.pair.a, row: one.a },
            { policy: b, calibration: calibrations.b, frame: one.pair.b, row: one.b },
            lang,
          ),
        });
      }
    }
    if (movers.length > 4 * limit + 1_000) keepMostValuable(movers, limit);
  }
  if (customers === 0) {
    throw new PermanentError('no-customers', 'there is no customer to try the policies on', {
      hint: 'import some first: resegment import purchases FILE, or resegment import customers FILE',
    });
  }
  keepMostValuable(movers, limit);
  const openedA = opened(flagged.a, a);
  const openedB = opened(flagged.b, b);
  return {
    runId: basis.runId,
    asOf: basis.context.asOf,
    customers,
    ...basis.counts,
    measured: basis.measured,
    dimensions: Object.fromEntries(
      dimensions.map((name) => [name, { actual: actual.of(name), target: target.of(name) }]),
    ),
    onlyInA: Object.keys(a.dimensions).filter((name) => !Object.hasOwn(b.dimensions, name)),
    onlyInB: Object.keys(b.dimensions).filter((name) => !Object.hasOwn(a.dimensions, name)),
    flags: { upgrade: flagChange('upgrade', openedA, openedB), exit: flagChange('exit', openedA, openedB) },
    movers,
    moversTotal,
  };
};

const differs = ({ a, b }: { readonly a: PlanRow; readonly b: PlanRow }, dimension: string): boolean =>
  a.next.placements[dimension]?.actual !== b.next.placements[dimension]?.actual ||
  a.next.placements[dimension]?.target !== b.next.placements[dimension]?.target;

const keepMostValuable = (movers: TrialMover[], limit: number): void => {
  movers.sort(
    (x, y) =>
      (y.value ?? Number.NEGATIVE_INFINITY) - (x.value ?? Number.NEGATIVE_INFINITY) ||
      (x.customerId < y.customerId ? -1 : x.customerId > y.customerId ? 1 : 0),
  );
  if (movers.length > limit) movers.length = limit;
};

const newCounts = (dimensions: readonly string[]) => {
  const cells = new Map(
    dimensions.map((name) => [name, new Map<string, { from: string | null; to: string | null; customers: number }>()]),
  );
  return {
    add: (dimension: string, from: string | null, to: string | null): void => {
      const key = JSON.stringify([from, to]);
      const cell = cells.get(dimension)?.get(key);
      if (cell === undefined) cells.get(dimension)?.set(key, { from, to, customers: 1 });
      else cell.customers += 1;
    },
    of: (dimension: string): readonly TrialCount[] =>
      [...(cells.get(dimension)?.values() ?? [])].sort(
        (x, y) => y.customers - x.customers || (`${x.from}>${x.to}` < `${y.from}>${y.to}` ? -1 : 1),
      ),
  };
};

const opened = (rows: readonly PlanRow[], policy: Policy): ReadonlySet<string> =>
  new Set(
    capacity(rows, policy).flatMap((row) =>
      row.flags.filter((flag) => flag.opened).map((flag) => `${flag.kind} ${row.subject}`),
    ),
  );

const flagChange = (kind: 'upgrade' | 'exit', a: ReadonlySet<string>, b: ReadonlySet<string>): TrialFlags => {
  const ofKind = (set: ReadonlySet<string>): readonly string[] => [...set].filter((key) => key.startsWith(`${kind} `));
  return {
    a: ofKind(a).length,
    b: ofKind(b).length,
    appear: ofKind(b).filter((key) => !a.has(key)).length,
    disappear: ofKind(a).filter((key) => !b.has(key)).length,
  };
};

const calibratePair = async (
  a: Policy,
  b: Policy,
  basis: Basis,
): Promise<{ readonly a: Calibration; readonly b: Calibration }> => {
  const [forA, forB] = [newCalibrator(a), newCalibrator(b)];
  for (let round = 0; round < Math.max(forA.rounds, forB.rounds); round += 1) {
    for (let shard = 0; shard < basis.shards; shard += 1) {
      for (const pair of await basis.pairs(shard)) {
        if (round < forA.rounds) forA.add(pair.a);
        if (round < forB.rounds) forB.add(pair.b);
      }
    }
    if (round < forA.rounds) forA.finishRound();
    if (round < forB.rounds) forB.finishRound();
  }
  return { a: forA.result(), b: forB.result() };
};

/** The last published run of the whole population: a run of some customers says nothing of the rest. */
const lastWholeRun = async (ports: TrialPorts): Promise<RunRecord | undefined> => {
  const { published } = await ports.pointer.get();
  let runId: string | null = published?.runId ?? null;
  while (runId !== null) {
    const { record }: { record: RunRecord } = await loadRun(ports, runId);
    if (record.only === undefined) return record;
    runId = record.basedOn;
  }
  return undefined;
};

const openBasis = async (a: Policy, b: Policy, ports: TrialPorts): Promise<Basis> => {
  const run = await lastWholeRun(ports);
  return run === undefined ? measureToday(a, b, ports) : frameOf(run, a, b, ports);
};

const measureToday = async (a: Policy, b: Policy, ports: TrialPorts): Promise<Basis> => {
  const frozenAt = ports.clock.now();
  const asOf = dateIn(ports.timeZone, frozenAt);
  const pointer = await ports.pointer.get();
  const counts = { erased: 0, quarantined: 0, changedSince: 0 };
  const pairs: Pair[] = [];
  for (let bucket = 0; bucket < ports.customers.buckets; bucket += 1) {
    for await (const read of ports.customers.readBucket(bucket)) {
      if (read.kind === 'quarantined') {
        counts.quarantined += 1;
        continue;
      }
      const rowOf = (policy: Policy): FrameRow | undefined =>
        measureFacts(bucket, read.facts, undefined, { ...pointer, published: null }, policy, { asOf, frozenAt })?.row;
      const [rowA, rowB] = [rowOf(a), rowOf(b)];
      if (rowA !== undefined && rowB !== undefined) pairs.push({ a: rowA, b: rowB });
    }
  }
  return {
    runId: null,
    context: { runId: 'trial', seq: 0, asOf, period: periodOf(asOf), closesPeriod: false, frozenAt },
    shards: 1,
    measured: [],
    counts,
    pairs: async () => pairs,
  };
};

const frameOf = async (run: RunRecord, a: Policy, b: Policy, ports: TrialPorts): Promise<Basis> => {
  const stored = await loadPolicy(ports.objects, run.policy.hash);
  const lackingA = lackingIn(stored, a);
  const lackingB = lackingIn(stored, b);
  const names = [...new Set([...lackingA, ...lackingB].map(({ label }) => label))].sort();
  const counts = { erased: 0, quarantined: 0, changedSince: 0 };
  const kept = new Map<number, readonly (Extra | undefined)[]>();

  const extrasOf = async (shard: number, rows: readonly FrameRow[]): Promise<readonly (Extra | undefined)[]> => {
    const found = kept.get(shard);
    if (found !== undefined) return found;
    const known = await ports.customers.getMany(rows.map((row) => row.subject));
    const extras = rows.map((row) => {
      const facts = known.get(row.subject);
      if (facts === undefined) {
        counts.erased += 1;
        return undefined;
      }
      if (facts.factsRev !== row.factsRev) counts.changedSince += 1;
      return { a: extra(facts, a, lackingA, run), b: extra(facts, b, lackingB, run) };
    });
    kept.set(shard, extras);
    return extras;
  };

  return {
    runId: run.runId,
    context: runContext(run),
    shards: run.shards,
    measured: names,
    counts,
    pairs: async (shard) => {
      const rows = await ports.files.readFrame(run.runId, shard);
      if (names.length === 0) return rows.map((row) => ({ a: row, b: row }));
      const extras = await extrasOf(shard, rows);
      return rows.flatMap((row, index) => {
        const more = extras[index];
        return more === undefined ? [] : [{ a: withExtra(row, more.a), b: withExtra(row, more.b) }];
      });
    },
  };
};

interface Lacking {
  readonly kind: 'metrics' | 'traits' | 'notes';
  readonly name: string;
  /** For people. */
  readonly label: string;
}

type Measures = { readonly metrics: Values; readonly traits: Values } & Pick<FrameRow, 'notes'>;

interface Extra {
  readonly a: Measures;
  readonly b: Measures;
}

/** What a policy reads and the frame of another does not have under this name and definition. */
const lackingIn = (stored: Policy, policy: Policy): readonly Lacking[] => {
  if (stored.hash === policy.hash) return [];
  const definition = (metric: Metric | undefined): string =>
    JSON.stringify(metric === undefined ? null : Object.entries({ ...metric, label: null }).sort());
  const traits = referencedTraits(stored);
  return [
    ...Object.entries(policy.metrics)
      .filter(([name, metric]) => {
        const before = Object.hasOwn(stored.metrics, name) ? stored.metrics[name] : undefined;
        return definition(before) !== definition(metric);
      })
      .map(([name]): Lacking => ({ kind: 'metrics', name, label: name })),
    ...referencedTraits(policy)
      .filter((name) => !traits.includes(name))
      .map((name): Lacking => ({ kind: 'traits', name, label: `trait.${name}` })),
    ...(usesNotes(policy) && !usesNotes(stored) ? [{ kind: 'notes' as const, name: 'notes', label: 'notes' }] : []),
  ];
};

const extra = (facts: CustomerFacts, policy: Policy, lacking: readonly Lacking[], run: RunRecord): Measures => {
  if (lacking.length === 0) return { metrics: {}, traits: {} };
  const measured = measure(facts, policy, run);
  const pick = (kind: 'metrics' | 'traits'): Values =>
    Object.fromEntries(
      lacking.filter((one) => one.kind === kind).map(({ name }) => [name, measured[kind][name] ?? null]),
    );
  const notes = lacking.some(({ kind }) => kind === 'notes') ? { notes: measured.notes ?? [] } : {};
  return { metrics: pick('metrics'), traits: pick('traits'), ...notes };
};

const withExtra = (row: FrameRow, more: Measures): FrameRow => ({
  ...row,
  ...(more.notes === undefined ? {} : { notes: more.notes }),
  metrics: { ...row.metrics, ...more.metrics },
  traits: { ...row.traits, ...more.traits },
});

interface Side {
  readonly policy: Policy;
  readonly calibration: Calibration;
  readonly frame: FrameRow;
  readonly row: PlanRow;
}

/** The ratings that differ, with value and cut-off; else the cell or rule; else what holds one of the two back. */
const whyDifferent = (dimension: string, a: Side, b: Side, lang: Lang): string => {
  const zh = lang === 'zh';
  const dimensionA = a.policy.dimensions[dimension];
  const dimensionB = b.policy.dimensions[dimension];
  if (dimensionA === undefined || dimensionB === undefined) return '';
  const names = [...new Set([...settledScores(dimensionA, a.policy), ...settledScores(dimensionB, b.policy)])];
  const ratings = names.flatMap((name) => {
    const [before, after] = [levelOfSide(a, name), levelOfSide(b, name)];
    return before === after ? [] : [ratingText(name, before, after, a, b, lang)];
  });
  const held = (side: Side, which: string): readonly string[] => {
    const reasons = side.row.next.placements[dimension]?.heldBack ?? [];
    if (reasons.length === 0) return [];
    const words = listText(
      reasons.map((reason) => reasonInWords(reason, zh ? 'zh-CN' : 'en')),
      lang,
    );
    return [zh ? `${which} 暂不变动：${words}` : `${which} holds back: ${words}`];
  };
  const notes = [...held(a, 'A'), ...held(b, 'B')];
  if (ratings.length > 0) return [...ratings, ...notes].join(zh ? '；' : '; ');
  const cell = cellText(b, dimension, lang);
  const [placeA, placeB] = [placeText(a, dimension, lang), placeText(b, dimension, lang)];
  const placed =
    cell !== undefined && cell === cellText(a, dimension, lang)
      ? zh
        ? `单元格“${cell}”的类别不同`
        : `the cell of ${cell} is another`
      : zh
        ? `A：${placeA}；B：${placeB}`
        : `A: ${placeA}; B: ${placeB}`;
  return [placed, ...notes].join(zh ? '；' : '; ');
};

/** The cell of a matrix that decides, by its ratings; undefined where rules or a person decide, or a rating is missing. */
const cellText = (side: Side, dimension: string, lang: Lang): string | undefined => {
  const found = side.policy.dimensions[dimension];
  if (found?.by.kind !== 'matrix' || side.row.next.placements[dimension]?.heldBack.includes('pin') === true) return;
  const ratings = [found.by.rows, found.by.columns].map((name) => {
    const score = side.policy.scores[name];
    const level = levelOfSide(side, name);
    return score === undefined || level === null
      ? undefined
      : `${nameOf(side.policy, name, lang)} ${levelText(levelsOf(score), level, lang)}`;
  });
  return ratings.includes(undefined) ? undefined : ratings.join(lang === 'zh' ? '、' : ', ');
};

const levelOfSide = ({ row }: Side, name: string): number | null => {
  const rating = row.next.ratings[name];
  return rating === undefined ? (row.scores[name] ?? null) : rating.level;
};

const ratingText = (
  name: string,
  before: number | null,
  after: number | null,
  a: Side,
  b: Side,
  lang: Lang,
): string => {
  const zh = lang === 'zh';
  const word = (side: Side, level: number | null): string => {
    const score = Object.hasOwn(side.policy.scores, name) ? side.policy.scores[name] : undefined;
    if (level === null || score === undefined) return zh ? '缺失' : 'missing';
    return levelText(levelsOf(score), level, lang);
  };
  const named = Object.hasOwn(b.policy.scores, name) ? b : a;
  const change = `${nameOf(named.policy, name, lang)} ${word(a, before)} → ${word(b, after)}`;
  const figures = [figureOf(a, name, before, after, lang), figureOf(b, name, before, after, lang)];
  const [inA, inB] = figures;
  if (inA === undefined || inB === undefined) return change;
  const value = inA.value === inB.value ? inA.value : `${inA.value} → ${inB.value}`;
  const cut = inA.cut === inB.cut ? inA.cut : `${inA.cut} → ${inB.cut}`;
  if (inA.of !== inB.of) {
    const [was, is] = [inA, inB].map((one) =>
      zh ? `${one.of} ${one.value}，分界点 ${one.cut}` : `${one.of} ${one.value}, cut-off ${one.cut}`,
    );
    return zh ? `${change}（A：${was}；B：${is}）` : `${change} (A: ${was}; B: ${is})`;
  }
  return zh ? `${change}（${inA.of} ${value}，分界点 ${cut}）` : `${change} (${inA.of} ${value}, cut-off ${cut})`;
};

/** The value behind a rating and the cut-off between the two levels, as read. */
const figureOf = (
  side: Side,
  name: string,
  before: number | null,
  after: number | null,
  lang: Lang,
): { readonly of: string; readonly value: string; readonly cut: string } | undefined => {
  if (!Object.hasOwn(side.policy.scores, name) || before === null || after === null) return undefined;
  const { score, value, scale } = ratingInputs(name, side.frame, side.row.scores, side.policy, side.calibration);
  const entry = scale?.entry[Math.min(before, after) - 1];
  if (!('of' in score) || value === null || scale === null || entry === undefined) return undefined;
  const shown = (number: number): string => formatValue(side.policy, score.of, number, lang);
  return { of: nameOf(side.policy, score.of, lang), value: shown(value), cut: shown(scale.sign * entry + 0) };
};

const placeText = (side: Side, dimension: string, lang: Lang): string => {
  const zh = lang === 'zh';
  const found = side.policy.dimensions[dimension];
  const placement = side.row.next.placements[dimension];
  if (found === undefined || placement === undefined) return zh ? '无类别' : 'no segment';
  const segment = segmentLabel(found, placement.actual, lang);
  if (placement.heldBack.includes('pin')) return segment;
  if (found.by.kind === 'matrix') {
    const cell = cellText(side, dimension, lang);
    if (cell === undefined) return zh ? `评级缺失，归入${segment}` : `a rating is missing, so ${segment}`;
    return zh ? `${cell}，${segment}` : `${cell}, so ${segment}`;
  }
  const levels = { ...side.row.scores };
  for (const [name, rating] of Object.entries(side.row.next.ratings)) levels[name] = rating.level;
  const rule = firstMatch(found, side.frame, side.policy, levels);
  if (rule === undefined) return zh ? `无规则符合，归入${segment}` : `no rule holds, so ${segment}`;
  const number = found.by.rules.indexOf(rule) + 1;
  return zh ? `规则 ${number}，${segment}` : `rule ${number}, ${segment}`;
};
