import { type RunRecord, RunSummary } from '#shared/contracts/run-record.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { FrameRow, PlanRow } from '#shared/domain/standing.ts';
import type { GroupFigures } from '#shared/domain/survey-results.ts';
import { npsOfCounts, shareOfCounts, shownGroups } from '#shared/domain/survey-statistics.ts';
import { PermanentError } from '#shared/errors.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { UsageLedger } from '#shared/ports/usage-ledger.ts';
import type { ReportOutcomes } from '../flag-outcomes.ts';
import { segmentsInOrder, type WaveCounts } from '../summary-text.ts';
import type { TeamView } from '../team-view.ts';
import type { WaveResults } from '../wave-results.ts';
import { costOfRun } from '../work-cost.ts';
import { byUrgency, callReasons, openedFlags } from './call-first.ts';
import type {
  CallFirst,
  Movement,
  ReportData,
  ReportFlag,
  ReportPolicy,
  ScoreRow,
  SegmentRow,
  SurveyResult,
  SurveyRow,
} from './report-model.ts';

/** What a report is gathered from. The optional parts are shown as "not known" where they are absent. */
export interface ReportPorts {
  readonly runs: Pick<RecordStore<RunRecord>, 'get'>;
  readonly files: Pick<RunFiles, 'readFrame' | 'readPlan' | 'readJson'>;
  readonly customers: Pick<CustomerStore, 'getMany' | 'buckets'>;
  /** Cases due on or before the day, or overdue. */
  readonly casesDue?: (day: string) => Promise<number>;
  /** The wave that the run's answers came from, or that the run started. */
  readonly waveOf?: (run: RunRecord) => Promise<WaveCounts | undefined>;
  /** The results of that wave by the segments at invitation, branch, manager and language. `segments`: all, in order. */
  readonly resultsOf?: (run: RunRecord, segments: readonly string[]) => Promise<WaveResults | undefined>;
  /** The same wave by account manager and branch, with a year's cases. */
  readonly teamOf?: (run: RunRecord, segments: readonly string[]) => Promise<TeamView | undefined>;
  /** What the steps of the run used so far. */
  readonly usage?: Pick<UsageLedger, 'of'>;
  /** Whether it was used in an account, which is the default, or on a local stack. */
  readonly usedOn?: 'aws' | 'local';
  /** What became of flagged customers, where it can be looked at among so many. */
  readonly outcomesOf?: (population: number) => Promise<ReportOutcomes | undefined>;
}

const MOST_FLAGS = 60;
const MOST_QUARANTINED = 50;
const CALLS = 10;
const CURVE_POINTS = 100;

/**
 * Gathers a run's report from its files, shard by shard. Company ids are looked up only for the few customers shown.
 *
 * @throws PermanentError `run-unknown` or `summary-missing`
 */
export const buildReportData = async (ports: ReportPorts, runId: string, policy: Policy): Promise<ReportData> => {
  const record = (await ports.runs.get(runId))?.record;
  if (record === undefined) throw new PermanentError('run-unknown', `there is no run ${runId}`);
  const parsed = RunSummary.safeParse(await ports.files.readJson(runId, 'summary.json'));
  if (!parsed.success) {
    throw new PermanentError('summary-missing', `run ${runId} has no summary; it is ${record.state}`, {
      hint: 'a report can be made of a run that was planned, held or published',
    });
  }
  const summary = parsed.data;
  const opened = await openedFlags(ports.files, runId);
  const gathered = newGathering(policy, opened);
  for (let shard = 0; shard < record.shards; shard += 1) {
    const frames = new Map((await ports.files.readFrame(runId, shard)).map((row) => [row.subject, row]));
    for (const row of await ports.files.readPlan(runId, shard)) gathered.add(row, frames.get(row.subject));
  }
  const calls = gathered.calls();
  const flags = gathered.flags();
  const flagsShown = flags.slice(0, MOST_FLAGS);
  const ids = await customerIds(
    ports,
    [...calls, ...flagsShown].map((one) => one.subject),
  );
  const named = <T extends { readonly subject: string }>(rows: readonly T[]): (T & { readonly customerId: string })[] =>
    rows.flatMap((row) => {
      const customerId = ids.get(row.subject);
      return customerId === undefined ? [] : [{ ...row, customerId }];
    });
  const wave = await ports.waveOf?.(record);
  const results = await ports.resultsOf?.(record, policy.dimensions[policy.mainDimension]?.segmentOrder ?? []);
  const team = await ports.teamOf?.(record, policy.dimensions[policy.mainDimension]?.segmentOrder ?? []);
  const quarantined = quarantineRows(await ports.files.readJson(runId, 'quarantine.json'));
  const cost =
    ports.usage === undefined
      ? undefined
      : await costOfRun(record, summary, { usage: ports.usage, customers: ports.customers });
  return {
    summary,
    ...(cost === undefined ? {} : { cost: { ...cost, usedOn: ports.usedOn ?? 'aws' } }),
    frozenAt: record.frozenAt,
    closesPeriod: record.closesPeriod,
    by: record.by,
    expiresAt: record.expiresAt,
    error: record.error,
    policy: reportPolicy(policy),
    segments: segmentRows(summary, policy),
    counts: segmentCounts(summary, policy),
    movement: gathered.movement,
    needsPerson: {
      exits: summary.flags.exit,
      upgrades: summary.flags.upgrade,
      casesDueToday: (await ports.casesDue?.(record.asOf)) ?? null,
      uncertainMails: wave?.uncertain ?? null,
    },
    callFirst: named(calls)
      .slice(0, CALLS)
      .map(({ subject: _, ...call }): CallFirst => call),
    pareto: gathered.pareto(),
    scores: gathered.scores(),
    survey: surveyOfResults(results, policy) ?? gathered.survey(),
    results: results ?? null,
    team: team ?? null,
    ...(ports.outcomesOf === undefined ? {} : { outcomes: (await ports.outcomesOf(summary.population)) ?? null }),
    wave: wave ?? null,
    flags: {
      shown: named(flagsShown).map(({ subject: _, ...flag }): ReportFlag => flag),
      more: flags.length - flagsShown.length,
    },
    quarantined: {
      shown: quarantined.slice(0, MOST_QUARANTINED),
      more: Math.max(0, quarantined.length - MOST_QUARANTINED),
    },
  };
};

type WithSubject<T> = Omit<T, 'customerId'> & { readonly subject: string };

/** Adds up what the report needs; holds one number per customer for the Pareto curve and else only the few rows shown. */
const newGathering = (policy: Policy, opened: ReadonlySet<string>) => {
  const main = policy.mainDimension;
  const movement: Record<keyof ReportData['movement'], { count: number; value: number }> = {
    up: { count: 0, value: 0 },
    down: { count: 0, value: 0 },
    sideways: { count: 0, value: 0 },
    fresh: { count: 0, value: 0 },
    left: { count: 0, value: 0 },
    heldBack: { count: 0, value: 0 },
  };
  const values: number[] = [];
  const callers: WithSubject<CallFirst>[] = [];
  const flags: WithSubject<ReportFlag>[] = [];
  const sums = new Map<string, Map<string, { sum: number; n: number }>>();
  const answers = new Map<string, { n: number; promoters: number; detractors: number; positive: number }>();
  const ask = policy.survey?.ask ?? 'nps';
  const windowDays = policy.survey?.contactEveryDays ?? 90;

  const count = (into: { count: number; value: number }, value: number): void => {
    into.count += 1;
    into.value += value;
  };
  const addScores = (row: PlanRow, segment: string): void => {
    for (const name of policy.scoreOrder) {
      const score = row.scores[name];
      if (score === null || score === undefined) continue;
      const bySegment = sums.get(name) ?? new Map<string, { sum: number; n: number }>();
      sums.set(name, bySegment);
      const cell = bySegment.get(segment) ?? { sum: 0, n: 0 };
      bySegment.set(segment, cell);
      cell.sum += score;
      cell.n += 1;
    }
  };
  const addAnswers = (frame: FrameRow, segment: string): void => {
    for (const answer of frame.answers) {
      if (answer.ageDays > windowDays) continue;
      const cell = answers.get(segment) ?? { n: 0, promoters: 0, detractors: 0, positive: 0 };
      answers.set(segment, cell);
      cell.n += 1;
      if (answer.value >= 0.9 - 1e-9) cell.promoters += 1;
      if (answer.value <= 0.6 + 1e-9) cell.detractors += 1;
      if (answer.value >= (ask === 'ces' ? 4 / 6 : 0.75) - 1e-9) cell.positive += 1;
    }
  };
  return {
    movement: movement satisfies Record<string, Movement>,
    add: (row: PlanRow, frame: FrameRow | undefined): void => {
      const placement = row.next.placements[main];
      const move = row.moves.find((one) => one.dimension === main);
      const worth = row.value ?? 0;
      if (move !== undefined) count(movement[move.kind === 'new' ? 'fresh' : move.kind], worth);
      if (placement === undefined) return;
      if (placement.heldBack.length > 0) count(movement.heldBack, worth);
      values.push(worth);
      addScores(row, placement.actual);
      if (frame !== undefined) addAnswers(frame, placement.actual);
      for (const flag of row.flags) {
        if (!opened.has(`${flag.kind} ${row.subject}`)) continue;
        flags.push({
          subject: row.subject,
          kind: flag.kind,
          manager: row.manager,
          branch: row.branch,
          segment: placement.actual,
          stake: flag.stake,
          evidence: flag.evidence,
        });
      }
      const reasons = callReasons(row, frame, main, opened);
      if (reasons.length === 0) return;
      callers.push({
        subject: row.subject,
        manager: row.manager,
        branch: row.branch,
        segment: placement.actual,
        value: row.value,
        reasons,
        satisfaction: row.satisfaction,
      });
      if (callers.length > 20 * CALLS) callers.sort(byUrgency).splice(2 * CALLS);
    },
    /** Twice as many as are shown, since some may have been erased. */
    calls: (): readonly WithSubject<CallFirst>[] => callers.sort(byUrgency).slice(0, 2 * CALLS),
    flags: (): readonly WithSubject<ReportFlag>[] =>
      flags.sort((a, b) =>
        a.kind === b.kind ? b.stake - a.stake || order(a.subject, b.subject) : order(a.kind, b.kind),
      ),
    pareto: () => paretoCurve(values),
    scores: (): readonly ScoreRow[] =>
      policy.scoreOrder.flatMap((name) => {
        const bySegment = sums.get(name);
        const label = policy.scores[name]?.label;
        if (bySegment === undefined || label === undefined) return [];
        const means = [...bySegment.values()].map((cell) => cell.sum / cell.n);
        return [
          {
            score: name,
            label,
            bySegment: Object.fromEntries(
              [...bySegment].map(([segment, cell]) => [segment, { mean: cell.sum / cell.n, n: cell.n }]),
            ),
            low: Math.min(...means),
            high: Math.max(...means),
          },
        ];
      }),
    survey: (): SurveyResult | null => {
      if (policy.survey === undefined && answers.size === 0) return null;
      const order = policy.dimensions[main]?.segmentOrder ?? [...answers.keys()];
      const shown = shownGroups(Object.fromEntries(order.map((segment) => [segment, answers.get(segment)?.n ?? 0])));
      const nothing = { n: 0, promoters: 0, detractors: 0, positive: 0 };
      const row = (segment: string | null, cell: typeof nothing, visible: boolean): SurveyRow => ({
        segment,
        answers: cell.n,
        hidden: !visible && cell.n > 0,
        estimate: visible ? estimateOf(ask, cell) : null,
      });
      const total = [...answers.values()].reduce(
        (sum, cell) => ({
          n: sum.n + cell.n,
          promoters: sum.promoters + cell.promoters,
          detractors: sum.detractors + cell.detractors,
          positive: sum.positive + cell.positive,
        }),
        nothing,
      );
      return {
        ask,
        windowDays,
        rows: [
          ...order.map((segment) => row(segment, answers.get(segment) ?? nothing, shown[segment] === true)),
          row(null, total, shownGroups({ all: total.n })['all'] === true),
        ],
      };
    },
  };
};

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const paretoCurve = (values: number[]): ReportData['pareto'] => {
  const total = values.reduce((sum, value) => sum + value, 0);
  if (total <= 0) return null;
  values.sort((a, b) => b - a);
  const points: [number, number][] = [[0, 0]];
  let held = 0;
  let customersFor80 = 1;
  let next = 1;
  for (const [index, value] of values.entries()) {
    held += value;
    const share = (index + 1) / values.length;
    if (customersFor80 === 1 && held >= 0.8 * total) customersFor80 = share;
    if (share >= next / CURVE_POINTS) {
      points.push([share, held / total]);
      next = Math.floor(share * CURVE_POINTS) + 1;
    }
  }
  return { points, customersFor80 };
};

/** Results under the segment that customers were invited in; undefined where nobody answered the wave. */
const surveyOfResults = (results: WaveResults | undefined, policy: Policy): SurveyResult | undefined => {
  if (results === undefined || results.total.answered === 0 || policy.survey === undefined) return undefined;
  const row = (segment: string | null, figures: GroupFigures | undefined): SurveyRow => ({
    segment,
    answers: figures?.answered ?? 0,
    ...(figures === undefined ? {} : { invited: figures.invited, delivered: figures.delivered }),
    hidden: figures === undefined || figures.answered === null,
    estimate:
      figures === undefined || figures.score === null
        ? null
        : {
            score: figures.score.value * 100,
            low: figures.score.interval.low * 100,
            high: figures.score.interval.high * 100,
          },
  });
  return {
    ask: results.question,
    windowDays: policy.survey.contactEveryDays,
    rows: [
      ...results.tables.segment.groups.map((group) => row(group.name, group.hidden ? undefined : group)),
      row(null, results.total),
    ],
  };
};

/** On the scale -100..100 for NPS, 0..100 for shares; null without answers. */
const estimateOf = (
  ask: SurveyResult['ask'],
  cell: { readonly n: number; readonly promoters: number; readonly detractors: number; readonly positive: number },
): SurveyRow['estimate'] => {
  if (ask === 'nps') {
    const nps = npsOfCounts(cell);
    return nps === null ? null : { score: nps.score * 100, low: nps.adjusted.low * 100, high: nps.adjusted.high * 100 };
  }
  const share = shareOfCounts(cell.positive, cell.n);
  return share === null
    ? null
    : { score: share.share * 100, low: share.interval.low * 100, high: share.interval.high * 100 };
};

const segmentCounts = (summary: RunSummary, policy: Policy): ReportData['counts'] =>
  Object.fromEntries(
    Object.keys(policy.dimensions).map((name) => [
      name,
      Object.fromEntries(
        segmentsInOrder(summary, name, policy).map((segment) => [
          segment,
          {
            now: summary.segments[name]?.[segment] ?? 0,
            before: summary.previousSegments[name]?.[segment] ?? 0,
          },
        ]),
      ),
    ]),
  );

const segmentRows = (summary: RunSummary, policy: Policy): readonly SegmentRow[] => {
  const main = policy.mainDimension;
  const total = Object.values(summary.value).reduce((sum, value) => sum + value, 0);
  return segmentsInOrder(summary, main, policy).map((segment) => {
    const value = summary.value[segment] ?? 0;
    return {
      segment,
      count: summary.segments[main]?.[segment] ?? 0,
      before: summary.previousSegments[main]?.[segment] ?? 0,
      value,
      valueShare: total > 0 ? value / total : null,
    };
  });
};

const reportPolicy = (policy: Policy): ReportPolicy => ({
  title: policy.title,
  mainDimension: policy.mainDimension,
  dimensions: Object.entries(policy.dimensions).map(([name, dimension]) => ({
    name,
    label: dimension.label,
    segments: dimension.segmentOrder.map((segment) => ({
      name: segment,
      label: dimension.segments[segment]?.label ?? { en: segment, zh: segment },
    })),
  })),
  labels: {
    ...Object.fromEntries(
      Object.entries(policy.scores).map(([name, score]) => [
        name,
        { label: score.label, unit: 'number' as const, inMinorUnits: false },
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(policy.metrics).map(([name, { label, unit, kind }]) => [
        name,
        { label, unit, inMinorUnits: unit === 'money' && kind === 'spend' },
      ]),
    ),
  },
  valueMetric: policy.valueMetric,
  currency: policy.currency,
  service: policy.service,
});

const customerIds = async (ports: ReportPorts, subjects: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const found = await ports.customers.getMany([...new Set(subjects)]);
  return new Map([...found].map(([subject, facts]) => [subject, facts.customerId]));
};

const quarantineRows = (document: unknown): readonly { readonly record: string; readonly reason: string }[] =>
  Array.isArray(document)
    ? document.map((one: { readonly bucket: number; readonly subject: string; readonly reason: string }) => ({
        record: `${one.bucket}/${one.subject}`,
        reason: one.reason,
      }))
    : [];
