import type { ImportBatch } from '#shared/contracts/import-batch.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import { addMonths, type Instant } from '#shared/domain/calendar.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { Flag } from '#shared/domain/flags.ts';
import { isSamePerson } from '#shared/domain/person.ts';
import { PermanentError } from '#shared/errors.ts';
import type { AnswerStore, StoredAnswer } from '#shared/ports/answer-store.ts';
import type { AuditJournal } from '#shared/ports/audit-journal.ts';
import type { CaseArchive, CaseStore, CustomerCase } from '#shared/ports/case-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { ErasureLog } from '#shared/ports/erasure-log.ts';
import type { FlagStore } from '#shared/ports/flag-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { KeyRing } from '#shared/ports/secrets.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { isActivationOf, shortPolicy } from './keep-policy.ts';
import { readActivePolicy } from './run/run-ports.ts';

export const AUDIT_KINDS = [
  'run',
  'brake',
  'wave',
  'pin',
  'flag',
  'case',
  'answer',
  'contact',
  'policy',
  'note',
  'import',
  'feed',
  'staff',
  'key',
  'clock',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** What somebody did. */
export interface AuditEntry {
  readonly at: Instant;
  /** As recorded; `schedule` where nobody asked. */
  readonly by: string;
  readonly kind: AuditKind;
  /** One word in the past tense, such as `approved`. */
  readonly action: string;
  /** What it was done to: a run, a wave, a case; with what is needed to tell it from others. */
  readonly what: string;
  /** Null where it is about no one customer, and for erasures. */
  readonly customerId: string | null;
  /** What the person gave as the reason or note; null where none is asked for. */
  readonly reason: string | null;
}

export interface AuditPorts {
  readonly clock: Clock;
  readonly flags: Pick<FlagStore, 'get' | 'listOpen' | 'listClosed'>;
  readonly runs: Pick<RecordStore<RunRecord>, 'list'>;
  readonly waves: Pick<RecordStore<WaveRecord>, 'list'>;
  readonly batches: Pick<RecordStore<ImportBatch>, 'list'>;
  readonly customers: Pick<CustomerStore, 'get' | 'buckets' | 'readBucket'>;
  readonly cases: Pick<CaseStore, 'get'>;
  readonly caseArchive: CaseArchive;
  readonly answers: Pick<AnswerStore, 'getMany' | 'list'>;
  readonly objects: ObjectStore;
  readonly journal: AuditJournal;
  /** Absent where the operator may not reach persons. */
  readonly erasures?: Pick<ErasureLog, 'list'>;
  readonly keyRing?: Pick<KeyRing, 'show'>;
}

/** A place that keeps who did what. To add one: write it here and put it into `SOURCES`. */
interface AuditSource {
  /** Kinds of its entries; it is not read where none of them is asked for. */
  readonly kinds: readonly AuditKind[];
  /** Absent where nothing of it is about one customer. */
  readonly ofCustomer?: (facts: CustomerFacts, ports: AuditPorts) => Promise<readonly AuditEntry[]>;
  readonly all: (ports: AuditPorts) => Promise<readonly AuditEntry[]>;
}

const nobody = { customerId: null, reason: null } as const;

/** `2026-10-monthly (policy my-bank 0b639d01e3ea)` */
const startedWith = ({ runId, policy }: RunRecord): string => `${runId} (policy ${policy.name} ${policy.version})`;

const runEntries = (run: RunRecord): readonly AuditEntry[] => {
  const about = { kind: 'run', what: run.runId, ...nobody } as const;
  return [
    {
      ...about,
      at: run.frozenAt,
      by: run.by,
      action: run.mode === 'plan' ? 'planned' : 'started',
      what: startedWith(run),
    },
    ...(run.applied === undefined ? [] : [{ ...about, ...run.applied, action: 'applied' }]),
    ...(run.redriven ?? []).map(({ by, at }) => ({ ...about, by, at, action: 'redriven' })),
    ...run.overrides.map(({ at, by, reason, brake }) => ({
      ...about,
      kind: 'brake' as const,
      at,
      by,
      reason,
      action: 'overridden',
      what: `${run.runId} ${brake}`,
    })),
    ...(run.abandoned === undefined ? [] : [{ ...about, ...run.abandoned, action: 'abandoned' }]),
    ...(run.rolledBack === undefined
      ? []
      : [
          {
            ...about,
            at: run.rolledBack.at,
            by: run.rolledBack.by,
            reason: run.rolledBack.reason,
            action: 'rolledBack',
          },
        ]),
  ];
};

const WAVE_ACTIONS = { pause: 'paused', resume: 'resumed', cancel: 'cancelled', redrive: 'redriven' } as const;

const waveEntries = ({ waveId, orders = [] }: WaveRecord): readonly AuditEntry[] =>
  orders.map(({ action, by, reason, at }) => ({
    ...nobody,
    at,
    by,
    reason,
    kind: 'wave',
    action: WAVE_ACTIONS[action],
    what: waveId,
  }));

const batchEntries = (batch: ImportBatch): readonly AuditEntry[] => [
  {
    ...nobody,
    at: batch.recordedAt,
    by: batch.by ?? 'unknown',
    kind: 'import',
    action: 'imported',
    what: `${batch.batchId} (${batch.fileName}, ${batch.accepted} rows)`,
  },
];

const pinEntries = ({ customerId, pins }: CustomerFacts): readonly AuditEntry[] =>
  pins.flatMap(({ dimension, segment, until, setAt, by, reason, cleared }): readonly AuditEntry[] => {
    const about = { kind: 'pin', customerId, what: `${dimension} ${segment} until ${until}` } as const;
    return [
      { ...about, at: setAt, by, reason, action: 'set' },
      ...(cleared === undefined ? [] : [{ ...about, ...cleared, action: 'cleared' }]),
    ];
  });

const noteEntries = ({ customerId, notes = [] }: CustomerFacts): readonly AuditEntry[] =>
  notes.flatMap(({ noteId, about: subject, rating, recordedAt, by, reason, withdrawn }): readonly AuditEntry[] => {
    const about = { kind: 'note', customerId, what: `${noteId} ${subject} ${rating}` } as const;
    return [
      { ...about, at: recordedAt, by, reason, action: 'added' },
      ...(withdrawn === undefined ? [] : [{ ...about, ...withdrawn, action: 'withdrawn' }]),
    ];
  });

const factEntries = (facts: CustomerFacts): readonly AuditEntry[] => [...pinEntries(facts), ...noteEntries(facts)];

const FLAG_KINDS = ['upgrade', 'exit'] as const;

const decisionEntries = ({ kind, customerId, history }: Flag): readonly AuditEntry[] =>
  history
    .filter(({ event }) => event === 'approved' || event === 'refused')
    .map(({ event, at, by, reason }) => ({
      kind: 'flag',
      customerId,
      what: kind,
      at,
      by,
      reason: reason ?? null,
      action: event,
    }));

/** Open proposals, and those that were closed in a month since the first run; each has its whole history. */
const allFlags = async ({ flags, runs, clock }: AuditPorts): Promise<readonly Flag[]> => {
  const found = [...(await flags.listOpen())];
  const started = (await runs.list()).map(({ record }) => record.frozenAt.slice(0, 7)).sort();
  const last = clock.now().slice(0, 7);
  for (let month = started[0] ?? addMonths(last, 1); month <= last; month = addMonths(month, 1)) {
    found.push(...(await flags.listClosed(month)));
  }
  return found;
};

const CASE_ACTIONS: ReadonlySet<string> = new Set(['taken', 'closed']);

const caseEntries = ({ caseId, customerId, history, outcome }: CustomerCase): readonly AuditEntry[] =>
  history
    .filter(({ event }) => CASE_ACTIONS.has(event))
    .map(({ event, at, by, note }) => ({
      kind: 'case',
      customerId,
      what: event === 'closed' && outcome !== undefined ? `${caseId} ${outcome}` : caseId,
      at,
      by,
      reason: note ?? null,
      action: event,
    }));

const answerEntries = ({ answer }: StoredAnswer): readonly AuditEntry[] =>
  (answer.judgements ?? []).map(({ decision, by, at, reason }) => ({
    kind: 'answer',
    customerId: answer.customerId,
    what: answer.answerId,
    at,
    by,
    reason,
    action: decision,
  }));

const SOURCES: readonly AuditSource[] = [
  {
    kinds: ['run', 'brake'],
    all: async ({ runs }) => (await runs.list()).flatMap(({ record }) => runEntries(record)),
  },
  {
    kinds: ['wave'],
    all: async ({ waves }) => (await waves.list()).flatMap(({ record }) => waveEntries(record)),
  },
  {
    kinds: ['import'],
    all: async ({ batches }) => (await batches.list()).flatMap(({ record }) => batchEntries(record)),
  },
  {
    kinds: ['policy'],
    all: async ({ objects, journal }) => {
      const active = await readActivePolicy(objects);
      if (active?.by === undefined || active.at === undefined) return [];
      const { by, at } = active;
      // The journal has every activation but the first.
      if ((await journal.list()).some((entry) => isActivationOf(entry, active))) return [];
      return [{ ...nobody, at, by, kind: 'policy', action: 'activated', what: shortPolicy(active) }];
    },
  },
  {
    kinds: ['contact'],
    all: async ({ erasures }) =>
      ((await erasures?.list()) ?? []).map(({ key, erasure }) => ({
        at: erasure.begunAt,
        by: erasure.by,
        kind: 'contact',
        action: 'erased',
        what: key,
        customerId: null,
        reason: erasure.reason,
      })),
  },
  {
    kinds: ['key'],
    all: async ({ keyRing }) =>
      ((await keyRing?.show())?.history ?? []).map(({ event, kid, at, by }) => ({
        ...nobody,
        at,
        by,
        kind: 'key',
        action: event,
        what: kid,
      })),
  },
  {
    kinds: ['staff', 'clock', 'import', 'policy', 'feed'],
    all: async ({ journal }) => (await journal.list()).map((entry) => ({ ...nobody, ...entry })),
  },
  {
    kinds: ['pin', 'note'],
    ofCustomer: async (facts) => factEntries(facts),
    all: async ({ customers }) => {
      const found: AuditEntry[] = [];
      for (let bucket = 0; bucket < customers.buckets; bucket += 1) {
        for await (const read of customers.readBucket(bucket)) {
          if (read.kind === 'customer') found.push(...factEntries(read.facts));
        }
      }
      return found;
    },
  },
  {
    kinds: ['flag'],
    ofCustomer: async ({ subject }, { flags }) =>
      (await Promise.all(FLAG_KINDS.map((kind) => flags.get(subject, kind)))).flatMap((flag) =>
        flag === undefined ? [] : decisionEntries(flag),
      ),
    all: async (ports) => (await allFlags(ports)).flatMap(decisionEntries),
  },
  {
    kinds: ['case'],
    ofCustomer: async (facts, { cases }) =>
      (await Promise.all(Object.keys(facts.answers).map((id) => cases.get(id)))).flatMap((known) =>
        known === undefined ? [] : caseEntries(known),
      ),
    all: async ({ caseArchive }) => (await caseArchive.all()).flatMap(caseEntries),
  },
  {
    kinds: ['answer'],
    ofCustomer: async (facts, { answers }) =>
      [...(await answers.getMany(Object.keys(facts.answers))).values()].flatMap(answerEntries),
    all: async ({ answers }) => (await answers.list('all')).flatMap(answerEntries),
  },
];

export interface AuditQuery {
  readonly by?: string;
  readonly customerId?: string;
  /** Inclusive. */
  readonly since?: Instant;
  /** Inclusive. */
  readonly until?: Instant;
  /** All where absent. */
  readonly kinds?: readonly AuditKind[];
}

/**
 * Who did what, when and why, ascending by time, gathered from the records that keep it. With a customer that one's items are
 * read. Without, what the kinds need: small records of runs, waves, imports; all proposals; all cases and answers; and for pins
 * and notes each customer once, as a run does.
 *
 * @throws PermanentError `customer-unknown`; of an erased customer only that somebody was erased remains
 */
export const audit = async (query: AuditQuery, ports: AuditPorts): Promise<readonly AuditEntry[]> => {
  const isWanted = (kind: AuditKind): boolean => query.kinds === undefined || query.kinds.includes(kind);
  const sources = SOURCES.filter((source) => source.kinds.some(isWanted));
  const entries =
    query.customerId === undefined ? await everything(sources, ports) : await ofOne(query.customerId, sources, ports);
  return entries
    .filter(
      (entry) =>
        isWanted(entry.kind) &&
        (query.by === undefined || isSamePerson(entry.by, query.by)) &&
        (query.since === undefined || entry.at >= query.since) &&
        (query.until === undefined || entry.at <= query.until),
    )
    .toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
};

const everything = async (sources: readonly AuditSource[], ports: AuditPorts): Promise<readonly AuditEntry[]> => {
  const found: AuditEntry[] = [];
  for (const source of sources) found.push(...(await source.all(ports)));
  return found;
};

const ofOne = async (
  customerId: string,
  sources: readonly AuditSource[],
  ports: AuditPorts,
): Promise<readonly AuditEntry[]> => {
  const facts = await ports.customers.get(customerId);
  if (facts === undefined) {
    throw new PermanentError(
      'customer-unknown',
      `there is no customer ${JSON.stringify(customerId.slice(0, 80))}: never imported, or erased; of an erased customer nothing remains here`,
      { hint: 'resegment audit --kind contact lists erasures, without whom' },
    );
  }
  const found: AuditEntry[] = [];
  for (const source of sources) found.push(...((await source.ofCustomer?.(facts, ports)) ?? []));
  return found;
};

/** At the same instant by kind and what, so that the order is the same each time. */
const orderOf = ({ at, kind, what, action }: AuditEntry): string => `${at} ${kind} ${what} ${action}`;
