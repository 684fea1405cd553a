import type { Policy } from '#shared/domain/policy.ts';
import type { MoveKind, PlanRow } from '#shared/domain/standing.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import { type Language, labelIn } from './format-value.ts';

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
  /** The ratings that changed, such as `Quality rating 3 → 2`; empty for the new and those who left. */
  readonly why: string;
}

export interface MoveFilter {
  readonly branch?: string;
  readonly manager?: string;
  /** From or to it. */
  readonly segment?: string;
  readonly limit: number;
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
      if (filter.branch !== undefined && row.branch !== filter.branch) continue;
      if (filter.manager !== undefined && row.manager !== filter.manager) continue;
      for (const move of row.moves) {
        if (filter.segment !== undefined && move.from !== filter.segment && move.to !== filter.segment) continue;
        if (move.kind === 'new') fresh += 1;
        if (move.kind === 'new' && !narrowed) continue;
        total += 1;
        const { branch, manager, value, subject } = row;
        const why = whyMoved(row, frames.get(subject)?.prior?.ratings ?? {}, policy, language);
        kept.push({ subject, branch, manager, value, ...move, why });
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
