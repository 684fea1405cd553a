import type { IsoDate } from '#shared/domain/calendar.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { FrameRow, Generation, Move, MoveKind, PlanRow } from '#shared/domain/standing.ts';
import { inMajorUnits, measuredValue } from '#shared/domain/values.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import { formatMetric, type Language, labelIn } from './format-value.ts';
import { applyReceipts } from './run/apply-receipts.ts';

/** One customer whose segment a run changes, or would change. */
export interface ListedMove {
  readonly customerId: string;
  readonly branch: string | null;
  readonly manager: string | null;
  readonly dimension: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly kind: MoveKind;
  readonly value: number | null;
  /**
   * The ratings that changed, such as `Quality rating 3 → 2`, and pins; where neither did, the figures that rules look at. Empty
   * for the new and those who left.
   */
  readonly why: string;
  /** Last day of the pin that holds the customer where the run puts it; null without one. */
  readonly pinnedUntil: IsoDate | null;
}

export interface MoveFilter {
  readonly branch?: string;
  readonly manager?: string;
  /** From or to it. */
  readonly segment?: string;
  readonly limit: number;
  /** Customers whom the run left as they were, by subject: their moves were not made, so they are not listed. */
  readonly stale?: ReadonlySet<string>;
}

const KIND_ORDER: Readonly<Record<MoveKind, number>> = { down: 0, up: 1, sideways: 2, left: 3, new: 4 };

/**
 * The moves of a run: downgrades first, then upgrades, within each the most valuable customer first. First placements are
 * counted and not listed unless `segment`, `branch` or `manager` asks for them. Customers erased since are counted only.
 */
export const listMoves = async (
  ports: {
    readonly files: Pick<RunFiles, 'readFrame' | 'readPlan'>;
    readonly customers: Pick<CustomerStore, 'getMany'>;
  },
  run: { readonly runId: string; readonly shards: number },
  policy: Policy,
  filter: MoveFilter,
  language: Language,
): Promise<{ readonly moves: readonly ListedMove[]; readonly total: number; readonly fresh: number }> => {
  const narrowed = filter.branch !== undefined || filter.manager !== undefined || filter.segment !== undefined;
  let fresh = 0;
  let total = 0;
  const kept: (Omit<ListedMove, 'customerId'> & { readonly subject: string })[] = [];
  const byWeight = (a: (typeof kept)[number], b: (typeof kept)[number]): number =>
    KIND_ORDER[a.kind] - KIND_ORDER[b.kind] ||
    (b.value ?? Number.NEGATIVE_INFINITY) - (a.value ?? Number.NEGATIVE_INFINITY) ||
    (a.subject < b.subject ? -1 : 1);
  for (let shard = 0; shard < run.shards; shard += 1) {
    const rows = await ports.files.readPlan(run.runId, shard);
    if (!rows.some((row) => row.moves.length > 0)) continue;
    const frames = new Map((await ports.files.readFrame(run.runId, shard)).map((row) => [row.subject, row]));
    for (const row of rows) {
      if (filter.stale?.has(row.subject) === true) continue;
      if (filter.branch !== undefined && row.branch !== filter.branch) continue;
      if (filter.manager !== undefined && row.manager !== filter.manager) continue;
      for (const move of row.moves) {
        if (filter.segment !== undefined && move.from !== filter.segment && move.to !== filter.segment) continue;
        if (move.kind === 'new') fresh += 1;
        if (move.kind === 'new' && !narrowed) continue;
        total += 1;
        const { branch, manager, value, subject } = row;
        const frame = frames.get(subject);
        const pinnedUntil = row.next.placements[move.dimension]?.pinnedUntil ?? null;
        kept.push({
          subject,
          branch,
          manager,
          value,
          ...move,
          why: whyItMoved(row, frame, move, policy, language),
          pinnedUntil,
        });
      }
    }
    if (kept.length > 4 * filter.limit) kept.sort(byWeight).splice(filter.limit);
  }
  const shown = kept.sort(byWeight).slice(0, filter.limit);
  const known = await ports.customers.getMany([...new Set(shown.map((one) => one.subject))]);
  return {
    total,
    fresh,
    moves: shown.flatMap(({ subject, ...move }) => {
      const customerId = known.get(subject)?.customerId;
      return customerId === undefined ? [] : [{ customerId, ...move }];
    }),
  };
};

/** Why a customer moved, on one line; empty for the new and those who left. */
export const whyItMoved = (
  row: PlanRow,
  frame: FrameRow | undefined,
  move: Move,
  policy: Policy,
  language: Language,
): string => {
  const prior = frame?.prior ?? null;
  const why = [
    whyMoved(row, prior?.ratings ?? {}, policy, language),
    pinInWords(row, move.dimension, prior, language),
  ].filter((one) => one !== '');
  if (why.length === 0 && frame !== undefined && move.from !== null && move.to !== null) {
    why.push(figuresOfRules(frame, move.dimension, policy, language));
  }
  return why.join(', ');
};

const whyMoved = (
  row: PlanRow,
  before: Readonly<Record<string, { readonly level: number | null }>>,
  policy: Policy,
  language: Language,
): string =>
  Object.entries(row.next.ratings)
    .filter(([name, rating]) => before[name] !== undefined && before[name].level !== rating.level)
    .map(([name, rating]) => {
      const label = policy.scores[name]?.label;
      return `${label === undefined ? name : labelIn(label, language)} ${before[name]?.level ?? '–'} → ${rating.level ?? '–'}`;
    })
    .join(', ');

/** Where rules look at figures that are no ratings, what those figures are now. */
const figuresOfRules = (frame: FrameRow, name: string, policy: Policy, language: Language): string => {
  const by = policy.dimensions[name]?.by;
  if (by === undefined || by.kind !== 'rules') return '';
  const figures = new Set(by.rules.flatMap((rule) => rule.when.map((condition) => condition.of)));
  return [...figures]
    .filter((figure) => !Object.hasOwn(policy.scores, figure))
    .map((figure) => {
      const value = measuredValue(frame, figure);
      const metric = Object.hasOwn(policy.metrics, figure) ? policy.metrics[figure] : undefined;
      if (metric === undefined) return `${figure} ${value ?? '–'}`;
      const shown = typeof value === 'number' ? inMajorUnits(metric, value, policy.currency) : value;
      return `${labelIn(metric.label, language)} ${formatMetric(shown, metric.unit, policy.currency, language)}`;
    })
    .join(', ');
};

const pinInWords = (row: PlanRow, dimension: string, prior: Generation | null, language: Language): string => {
  const before = prior?.placements[dimension]?.pinnedUntil;
  const now = row.next.placements[dimension]?.pinnedUntil;
  if (now !== undefined) return language === 'en' ? `pinned until ${now}` : `人工固定至 ${now}`;
  return before === undefined ? '' : language === 'en' ? 'the pin ended' : '人工固定已结束';
};

/** The customers of a run whose facts had changed since it was planned, so that it left them as they were. */
export interface StaleCustomers {
  readonly subjects: ReadonlySet<string>;
  /** Ids of up to `limit` of them, ascending; those erased since have none. */
  readonly customerIds: readonly string[];
}

/** Who was skipped as stale when the run was applied; nobody before. */
export const staleCustomers = async (
  ports: {
    readonly files: Pick<RunFiles, 'listJson'>;
    readonly customers: Pick<CustomerStore, 'getMany'>;
  },
  runId: string,
  limit: number,
): Promise<StaleCustomers> => {
  const subjects = (await applyReceipts(runId, ports)).flatMap((receipt) => receipt.stale);
  const known = await ports.customers.getMany(subjects.slice(0, limit));
  return { subjects: new Set(subjects), customerIds: [...known.values()].map((one) => one.customerId).sort() };
};
