import type { RaisedFlag } from '#shared/domain/flags.ts';
import type { Policy, ServiceTerms } from '#shared/domain/policy.ts';
import { servicePlanOf } from '#shared/domain/service-plan.ts';
import type { Desk } from '#shared/domain/staff.ts';
import type { FrameRow, MoveKind, PlanRow } from '#shared/domain/standing.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { Language } from './format-value.ts';
import { byUrgency, callReasons, openedFlags } from './report/call-first.ts';
import type { CallReason } from './report/report-model.ts';
import { staleSubjects } from './run/apply-receipts.ts';
import { whyItMoved } from './run-moves.ts';

/** Parts of an action list, the most urgent first. A customer is in the first that fits. */
export const ACTION_SECTIONS = ['cases', 'proposals', 'falling', 'rising', 'others'] as const;
export type ActionSection = (typeof ACTION_SECTIONS)[number];

export type ActionReason = CallReason | 'exitProposed' | 'movedUp' | 'movedSideways' | 'newCustomer' | 'left';

/** A customer to act on. */
export interface ActionRow {
  readonly customerId: string;
  readonly section: ActionSection;
  readonly branch: string | null;
  readonly manager: string | null;
  /** Segment of the main dimension; null: the customer left. */
  readonly segment: string | null;
  /** Segment before, where the run moved the customer; null: new. */
  readonly from?: string | null;
  readonly move: MoveKind | null;
  readonly reasons: readonly ActionReason[];
  /** What moved the customer, on one line; empty where nothing did. */
  readonly why: string;
  /** In the unit of the policy's value metric: of a proposal what is at stake, else the customer's value; null: missing. */
  readonly atStake: number | null;
  /** Terms of the service plan of the customer's segments. */
  readonly service: ServiceTerms;
  /** The open case that is due first; null where none is open, or none is known of. */
  readonly case: Pick<CustomerCase, 'caseId' | 'dueAt' | 'priority' | 'reason' | 'score'> | null;
}

/** What one manager, branch or the central queue has to do after a run. */
export interface ActionList {
  readonly desk: Desk;
  /** `total` counts those beyond the shown ones too. */
  readonly sections: Readonly<Record<ActionSection, { readonly total: number; readonly rows: readonly ActionRow[] }>>;
}

export interface ActionListPorts {
  readonly files: Pick<RunFiles, 'readFrame' | 'readPlan' | 'readJson'>;
  readonly customers: Pick<CustomerStore, 'getMany'>;
}

export interface ActionListOptions {
  /** On whose lists a customer is; none: on no list. */
  readonly desksOf: (row: { readonly branch: string | null; readonly manager: string | null }) => readonly Desk[];
  readonly languageOf: (desk: Desk) => Language;
  /** Cases that are open now; absent: not known, then those of the run's day count. */
  readonly cases?: readonly CustomerCase[];
  /** Proposals that wait now; absent: not known, then all that the run opened. */
  readonly waiting?: readonly Pick<RaisedFlag, 'kind' | 'subject'>[];
  /** Most rows of a section; the rest is counted. */
  readonly perSection: number;
}

/** The manager of a customer, else the branch, else the central queue. */
export const deskOf = (row: { readonly branch: string | null; readonly manager: string | null }): Desk =>
  row.manager !== null
    ? { kind: 'manager', name: row.manager }
    : row.branch !== null
      ? { kind: 'branch', name: row.branch }
      : { kind: 'central', name: 'central' };

/** How many customers a list has, beyond the shown ones too. */
export const actionsIn = (list: ActionList): number =>
  ACTION_SECTIONS.reduce((sum, section) => sum + list.sections[section].total, 0);

/** Customers looked up at once to put the company's id in place of the subject. */
const LOOK_UP = 100;

/**
 * The action lists of a run: who to call first and why, and who moved. Reasons and their order are those of the report. Read
 * shard by shard; of each list only the rows shown are kept, so that memory is bounded by lists × sections × rows. Customers
 * erased since are left out.
 *
 * @returns lists that have something in them, by desk name
 */
export const actionLists = async (
  ports: ActionListPorts,
  run: { readonly runId: string; readonly shards: number },
  policy: Policy,
  options: ActionListOptions,
): Promise<readonly ActionList[]> => {
  const waiting = options.waiting && new Set(options.waiting.map(({ kind, subject }) => `${kind} ${subject}`));
  const all = await openedFlags(ports.files, run.runId);
  const opened = waiting === undefined ? all : new Set([...all].filter((one) => waiting.has(one)));
  const cases = options.cases === undefined ? undefined : firstDue(options.cases);
  const lists = new Map<string, Gathered>();
  for (let shard = 0; shard < run.shards; shard += 1) {
    const frames = new Map((await ports.files.readFrame(run.runId, shard)).map((row) => [row.subject, row]));
    const stale = new Set(await staleSubjects(run.runId, shard, ports));
    for (const planned of await ports.files.readPlan(run.runId, shard)) {
      // What was not moved since its facts had changed is as it was.
      const row = stale.has(planned.subject) ? { ...planned, moves: [], flags: [] } : planned;
      const frame = frames.get(row.subject);
      const desks = options.desksOf(row);
      if (desks.length === 0) continue;
      const candidate = candidateOf(row, frame, policy, opened, cases);
      if (candidate === undefined) continue;
      for (const desk of desks) {
        const key = `${desk.kind} ${desk.name}`;
        const list = lists.get(key) ?? newGathered(desk);
        lists.set(key, list);
        const why =
          candidate.moved === undefined
            ? ''
            : whyItMoved(row, frame, candidate.moved, policy, options.languageOf(desk));
        list.add({ ...candidate, why }, options.perSection);
      }
    }
  }
  const gathered = [...lists.values()].sort(
    (a, b) => compare(a.desk.name, b.desk.name) || compare(a.desk.kind, b.desk.kind),
  );
  return named(
    gathered.map((list) => ({ desk: list.desk, sections: list.sections(options.perSection) })),
    policy,
    ports,
  );
};

/** A customer before the company's id is known. */
interface Candidate extends Omit<ActionRow, 'customerId' | 'service' | 'from' | 'move'> {
  readonly subject: string;
  /** For `byUrgency`. */
  readonly value: number | null;
  readonly moved: PlanRow['moves'][number] | undefined;
  readonly segments: Readonly<Record<string, string | undefined>>;
}

const candidateOf = (
  row: PlanRow,
  frame: FrameRow | undefined,
  policy: Policy,
  opened: ReadonlySet<string>,
  cases: ReadonlyMap<string, CustomerCase> | undefined,
): Omit<Candidate, 'why'> | undefined => {
  const main = policy.mainDimension;
  const moved = row.moves.find((one) => one.dimension === main);
  const open = cases?.get(row.subject);
  const known = frame === undefined || cases === undefined ? frame : { ...frame, openCase: open !== undefined };
  const reasons: ActionReason[] = [];
  if (opened.has(`exit ${row.subject}`)) {
    if (open !== undefined) reasons.push('openCase');
    reasons.push('exitProposed');
  }
  reasons.push(...callReasons(row, known, main, opened));
  const ofMove = moved === undefined ? undefined : MOVE_REASONS[moved.kind];
  if (ofMove !== undefined && !reasons.includes(ofMove)) reasons.push(ofMove);
  const section = sectionOf(reasons);
  if (section === undefined) return undefined;
  const proposal = row.flags.find((flag) => opened.has(`${flag.kind} ${row.subject}`));
  const segments = Object.fromEntries(
    Object.entries(row.next.placements).map(([name, placement]) => [name, placement.actual]),
  );
  return {
    subject: row.subject,
    section,
    branch: row.branch,
    manager: row.manager,
    segment: moved?.kind === 'left' ? null : (segments[main] ?? null),
    moved,
    reasons,
    value: section === 'proposals' ? (proposal?.stake ?? row.value) : row.value,
    atStake: proposal?.stake ?? row.value,
    segments,
    case: open === undefined ? null : caseIn(open),
  };
};

const caseIn = ({ caseId, dueAt, priority, reason, score }: CustomerCase): ActionRow['case'] => ({
  caseId,
  dueAt,
  priority,
  reason,
  score,
});

const MOVE_REASONS = {
  up: 'movedUp',
  down: 'movedDown',
  sideways: 'movedSideways',
  new: 'newCustomer',
  left: 'left',
} as const satisfies Record<MoveKind, ActionReason>;

const SECTION_OF_REASON: Readonly<Record<ActionReason, ActionSection>> = {
  openCase: 'cases',
  exitProposed: 'proposals',
  upgradeNear: 'proposals',
  movedDown: 'falling',
  downgradeWaits: 'falling',
  lowSatisfaction: 'falling',
  movedUp: 'rising',
  movedSideways: 'others',
  newCustomer: 'others',
  left: 'others',
};

const sectionOf = (reasons: readonly ActionReason[]): ActionSection | undefined => {
  const sections = new Set(reasons.map((reason) => SECTION_OF_REASON[reason]));
  return ACTION_SECTIONS.find((section) => sections.has(section));
};

const firstDue = (cases: readonly CustomerCase[]): ReadonlyMap<string, CustomerCase> => {
  const found = new Map<string, CustomerCase>();
  for (const one of cases) {
    const known = found.get(one.subject);
    if (one.state !== 'closed' && (known === undefined || one.dueAt < known.dueAt)) found.set(one.subject, one);
  }
  return found;
};

/** Cases by due time, all else by value at stake as in the report. */
const inOrder = (section: ActionSection) => (a: Candidate, b: Candidate) =>
  (section === 'cases' ? compare(a.case?.dueAt ?? '', b.case?.dueAt ?? '') : 0) || byUrgency(a, b);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

interface Gathered {
  readonly desk: Desk;
  add(candidate: Candidate, perSection: number): void;
  sections(
    perSection: number,
  ): Readonly<Record<ActionSection, { readonly total: number; readonly rows: readonly Candidate[] }>>;
}

/** Keeps of each section its first rows, and of those who rise also the last: the least valuable are not to be lost of sight. */
const newGathered = (desk: Desk): Gathered => {
  const kept = new Map<ActionSection, { total: number; first: Candidate[]; last: Candidate[] }>();
  return {
    desk,
    add: (candidate, perSection) => {
      const { section } = candidate;
      const part = kept.get(section) ?? { total: 0, first: [], last: [] };
      kept.set(section, part);
      part.total += 1;
      part.first.push(candidate);
      const order = inOrder(section);
      if (part.first.length > 4 * perSection) part.first.sort(order).splice(perSection);
      if (section !== 'rising') return;
      part.last.push(candidate);
      if (part.last.length > 4 * perSection) part.last.sort((a, b) => order(b, a)).splice(perSection);
    },
    sections: (perSection) => {
      const rowsOf = (section: ActionSection) => {
        const part = kept.get(section) ?? { total: 0, first: [], last: [] };
        const order = inOrder(section);
        const first = part.first.sort(order);
        if (section !== 'rising' || part.total <= perSection) {
          return { total: part.total, rows: first.slice(0, perSection) };
        }
        const least = part.last.sort((a, b) => order(b, a)).slice(0, Math.floor(perSection / 2));
        return { total: part.total, rows: [...first.slice(0, perSection - least.length), ...least.reverse()] };
      };
      return {
        cases: rowsOf('cases'),
        proposals: rowsOf('proposals'),
        falling: rowsOf('falling'),
        rising: rowsOf('rising'),
        others: rowsOf('others'),
      };
    },
  };
};

type GatheredList = { readonly desk: Desk; readonly sections: ReturnType<Gathered['sections']> };

const named = async (
  lists: readonly GatheredList[],
  policy: Policy,
  ports: ActionListPorts,
): Promise<readonly ActionList[]> => {
  const subjects = [
    ...new Set(
      lists.flatMap(({ sections }) =>
        ACTION_SECTIONS.flatMap((section) => sections[section].rows.map((row) => row.subject)),
      ),
    ),
  ];
  const ids = new Map<string, string>();
  for (let from = 0; from < subjects.length; from += LOOK_UP) {
    const found = await ports.customers.getMany(subjects.slice(from, from + LOOK_UP));
    for (const [subject, facts] of found) ids.set(subject, facts.customerId);
  }
  const withIds = ({ total, rows }: GatheredList['sections'][ActionSection]) => {
    const shown = rows.flatMap((row) => {
      const customerId = ids.get(row.subject);
      return customerId === undefined ? [] : [actionRow(row, customerId, policy)];
    });
    return { total: total - (rows.length - shown.length), rows: shown };
  };
  return lists
    .map(({ desk, sections }) => ({
      desk,
      sections: {
        cases: withIds(sections.cases),
        proposals: withIds(sections.proposals),
        falling: withIds(sections.falling),
        rising: withIds(sections.rising),
        others: withIds(sections.others),
      },
    }))
    .filter((list) => actionsIn(list) > 0);
};

const actionRow = (
  { subject: _subject, value: _value, moved, segments, ...row }: Candidate,
  customerId: string,
  policy: Policy,
): ActionRow => ({
  customerId,
  ...row,
  ...(moved === undefined ? {} : { from: moved.from }),
  move: moved?.kind ?? null,
  service: row.segment === null ? {} : servicePlanOf(policy, segments),
});
