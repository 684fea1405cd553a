import { DrawnAudience, type WaveRecord } from '#shared/contracts/survey.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import {
  budgetFreeFrom,
  type Contact,
  refusalOf,
  type SkipReason,
  type WaveRank,
} from '#shared/domain/contact-policy.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { Policy, SurveyRule } from '#shared/domain/policy.ts';
import { byTurn, drawRank, mostTried, segmentSample, type Turns } from '#shared/domain/sampling.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { WaveFiles } from '#shared/ports/wave-files.ts';
import { loadRun, type RunPorts } from './run/run-ports.ts';

/** What a draw reads. It writes nothing. */
export interface DrawPorts extends Pick<RunPorts, 'runs' | 'files'> {
  readonly customers: Pick<RunPorts['customers'], 'getMany'>;
  readonly waves: Pick<RecordStore<WaveRecord>, 'list'>;
  readonly waveFiles: Pick<WaveFiles, 'readJson'>;
  readonly contacts: Pick<ContactStore, 'getMany'>;
}

/** The wave that is drawn for, whether it is planned already or only looked at. */
export interface WaveDraft extends WaveRank {
  readonly runId: string;
  readonly seed: string;
  readonly closesAt: Instant;
}

/** A customer of the run's plan. */
export interface PlanLine {
  readonly subject: string;
  /** null: the customer has left. */
  readonly segment: string | null;
  readonly segments: Readonly<Record<string, string>>;
  readonly branch: string | null;
  readonly manager: string | null;
}

export interface DrawnCustomer {
  readonly subject: string;
  readonly segment: string;
  /** Put off to this instant, when the contact budget is free. */
  readonly notBefore?: Instant;
}

/** Everybody of the population: drawn, or with the one reason why not. */
export interface Draw {
  readonly drawn: readonly DrawnCustomer[];
  readonly reasons: ReadonlyMap<string, SkipReason>;
  /** From when the budget of those over it is free. */
  readonly freeFrom: ReadonlyMap<string, Instant>;
  /** Subjects who had their turn and may not be written to. */
  readonly turns: readonly string[];
}

/** Candidates looked up at once. */
const LOOK_UP = 100;
const DAY_MS = 86_400_000;
/** Turns in older waves are forgotten; their files have gone by retention. */
const TURN_MEMORY_DAYS = 760;
/** Having been passed over for these takes a turn: they would stand at the head of every later draw. */
const TAKES_TURN: readonly SkipReason[] = ['noAddress', 'noConsent', 'suppressed', 'unsubscribed', 'erased'];

/** The audience as it was drawn; undefined before that. */
export const readDrawn = async (
  waveId: string,
  files: Pick<WaveFiles, 'readJson'>,
): Promise<DrawnAudience | undefined> => {
  const document = await files.readJson(waveId, 'drawn.json');
  return document === undefined ? undefined : DrawnAudience.parse(document);
};

/** The population of a run, by subject. */
export const readPopulation = async (
  runId: string,
  policy: Pick<Policy, 'mainDimension'>,
  ports: Pick<DrawPorts, 'runs' | 'files'>,
): Promise<ReadonlyMap<string, PlanLine>> => {
  const { record } = await loadRun(ports, runId);
  const lines = new Map<string, PlanLine>();
  for (let shard = 0; shard < record.shards; shard += 1) {
    for (const row of await ports.files.readPlan(runId, shard)) {
      const segments: Record<string, string> = {};
      for (const [name, placement] of Object.entries(row.next.placements)) segments[name] = placement.actual;
      lines.set(row.subject, {
        subject: row.subject,
        segment: segments[policy.mainDimension] ?? null,
        segments,
        branch: row.branch,
        manager: row.manager,
      });
    }
  }
  return lines;
};

/** Customers of each segment, and how many of them the policy wants to invite. */
export const wantedBySegment = (
  population: ReadonlyMap<string, PlanLine>,
  survey: SurveyRule,
): ReadonlyMap<string, { readonly population: number; readonly wanted: number }> => {
  const sizes = new Map<string, number>();
  for (const { segment } of population.values())
    if (segment !== null) sizes.set(segment, (sizes.get(segment) ?? 0) + 1);
  return new Map(
    [...sizes].map(([segment, size]) => [segment, { population: size, wanted: segmentSample(segment, size, survey) }]),
  );
};

/**
 * The turns that each customer had, from the drawn lists of the other waves. A turn is to have been drawn, or to have been
 * passed over as somebody who may not be written to. Who was drawn and got no mail for a reason of the wave gets it back when
 * that wave closes.
 */
export const readTurns = async (
  { waveId, at }: Pick<WaveDraft, 'waveId' | 'at'>,
  { waves, waveFiles }: Pick<DrawPorts, 'waves' | 'waveFiles'>,
): Promise<ReadonlyMap<string, Turns>> => {
  const oldest = new Date(Date.parse(at) - TURN_MEMORY_DAYS * DAY_MS).toISOString();
  const others = (await waves.list())
    .map(({ record }) => record)
    .filter((wave) => wave.waveId !== waveId && wave.plannedAt >= oldest)
    .sort((a, b) => (a.plannedAt < b.plannedAt ? -1 : 1));
  const turns = new Map<string, Turns>();
  const note = (subject: string, last: Instant): void => {
    turns.set(subject, { last, count: (turns.get(subject)?.count ?? 0) + 1 });
  };
  for (const wave of others) {
    const audience = await readDrawn(wave.waveId, waveFiles);
    if (audience === undefined) continue;
    const unasked = new Set(
      wave.finishedAt === null ? [] : subjectsIn(await waveFiles.readJson(wave.waveId, UNASKED_FILE)),
    );
    for (const { subject } of audience.drawn) if (!unasked.has(subject)) note(subject, wave.plannedAt);
    if (audience.turnsFile === undefined) continue;
    for (const subject of subjectsIn(await waveFiles.readJson(wave.waveId, audience.turnsFile)))
      note(subject, wave.plannedAt);
  }
  return turns;
};

/** `waves/<waveId>/unasked.json`: the subjects who were drawn and got no mail for a reason of the wave; written when it closes. */
export const UNASKED_FILE = 'unasked.json';

const subjectsIn = (document: unknown): string[] =>
  Array.isArray(document) ? document.filter((one): one is string => typeof one === 'string') : [];

interface Quota {
  readonly wanted: number;
  drawn: number;
  tried: number;
}

interface Candidate {
  readonly subject: string;
  readonly segment: string;
  readonly rank: string;
  readonly turns: Turns | undefined;
}

/**
 * Draws the audience: each segment in the order of `byTurn` until as many are drawn as the policy wants or five times as many
 * were tried. Who is over the contact budget until a day that is early enough is drawn for that day. Reads only.
 */
export const drawAudience = async (
  wave: WaveDraft,
  survey: SurveyRule,
  population: ReadonlyMap<string, PlanLine>,
  turns: ReadonlyMap<string, Turns>,
  now: Instant,
  ports: Pick<DrawPorts, 'customers' | 'contacts'>,
): Promise<Draw> => {
  const reasons = new Map<string, SkipReason>();
  const freeFrom = new Map<string, Instant>();
  const quotas = new Map(
    [...wantedBySegment(population, survey)].map(
      ([segment, { wanted }]) => [segment, { wanted, drawn: 0, tried: 0 }] satisfies [string, Quota],
    ),
  );
  const isOpen = (segment: string): boolean => {
    const quota = quotas.get(segment);
    return quota !== undefined && quota.drawn < quota.wanted && quota.tried < mostTried(quota.wanted);
  };
  const candidates: Candidate[] = [];
  for (const { subject, segment } of population.values()) {
    if (segment === null) reasons.set(subject, 'left');
    else if (quotas.get(segment)?.wanted === 0) reasons.set(subject, 'segmentNotSurveyed');
    else
      candidates.push({
        subject,
        segment,
        rank: drawRank(wave.seed, wave.waveId, subject),
        turns: turns.get(subject),
      });
  }
  candidates.sort(byTurn);

  const latest = deferUntilOf(wave.closesAt, survey);
  const drawn: DrawnCustomer[] = [];
  const passedOver: string[] = [];
  const addresses = new Set<string>();
  let waiting: Candidate[] = [];
  const tryOne = ({ subject, segment }: Candidate, known: Known | undefined): void => {
    const quota = quotas.get(segment);
    if (quota === undefined || !isOpen(segment)) {
      reasons.set(subject, 'notSampled');
      return;
    }
    quota.tried += 1;
    const { facts, contact } = known ?? {};
    const request = { now, contactEveryDays: survey.contactEveryDays, rank: wave };
    const refusal: SkipReason | undefined =
      facts === undefined ? 'erased' : refusalOf(contact, { ...request, customerId: facts.customerId });
    const from = refusal === 'contactBudget' ? budgetFreeFrom(contact, request) : undefined;
    const putOff = from !== undefined && from <= latest ? from : undefined;
    const reason =
      refusal !== undefined && putOff === undefined
        ? refusal
        : addresses.has(contact?.addressKey ?? '')
          ? 'sameAddress'
          : undefined;
    if (reason !== undefined) {
      reasons.set(subject, reason);
      if (from !== undefined && reason === 'contactBudget') freeFrom.set(subject, from);
      if (TAKES_TURN.includes(reason)) passedOver.push(subject);
      return;
    }
    quota.drawn += 1;
    addresses.add(contact?.addressKey ?? '');
    drawn.push({ subject, segment, ...(putOff === undefined ? {} : { notBefore: putOff }) });
  };
  const tryWaiting = async (): Promise<void> => {
    const known = await lookUpPeople(
      waiting.map((candidate) => candidate.subject),
      ports,
    );
    for (const candidate of waiting) tryOne(candidate, known.get(candidate.subject));
    waiting = [];
  };
  for (const candidate of candidates) {
    if (!isOpen(candidate.segment)) {
      reasons.set(candidate.subject, 'notSampled');
      continue;
    }
    waiting.push(candidate);
    if (waiting.length === LOOK_UP) await tryWaiting();
  }
  await tryWaiting();
  return { drawn, reasons, freeFrom, turns: passedOver.sort() };
};

/** Nobody is drawn, since the wave is over: everybody with the reason. */
export const drawNobody = (population: ReadonlyMap<string, PlanLine>): Draw => ({
  drawn: [],
  reasons: new Map(
    [...population.values()].map(({ subject, segment }) => [subject, segment === null ? 'left' : 'waveClosed']),
  ),
  freeFrom: new Map(),
  turns: [],
});

/** The latest instant to which an invitation may be put off: as many days to answer are left as the policy wants. */
export const deferUntilOf = (closesAt: Instant, { answerDays }: Pick<SurveyRule, 'answerDays'>): Instant =>
  new Date(Date.parse(closesAt) - answerDays * DAY_MS).toISOString();

interface Known {
  readonly facts: CustomerFacts;
  readonly contact: Contact | undefined;
}

/** The customers' facts and contacts, by subject. */
export const lookUpPeople = async (
  subjects: readonly string[],
  ports: Pick<DrawPorts, 'customers' | 'contacts'>,
): Promise<ReadonlyMap<string, Known>> => {
  const facts = await ports.customers.getMany(subjects);
  const keys = [...facts.values()].flatMap((one) => (one.contactKey === undefined ? [] : [one.contactKey]));
  const contacts = await ports.contacts.getMany(keys);
  return new Map(
    [...facts].map(([subject, one]) => [subject, { facts: one, contact: contacts.get(one.contactKey ?? '') }]),
  );
};
