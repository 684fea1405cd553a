import { type AnswerState, answerState } from '#shared/domain/answer-judgement.ts';
import { type Judgement, judgementOf } from '#shared/domain/answer-rules.ts';
import { dateIn, type IsoDate } from '#shared/domain/calendar.ts';
import type { AnswerFact, CustomerFacts, CustomerStatus, Note, Pin } from '#shared/domain/facts.ts';
import type { Flag } from '#shared/domain/flags.ts';
import { statusOn } from '#shared/domain/merge-facts.ts';
import { notesInForce } from '#shared/domain/notes.ts';
import { pinsInForce } from '#shared/domain/pins.ts';
import type { Satisfaction } from '#shared/domain/satisfaction.ts';
import type { Placement } from '#shared/domain/standing.ts';
import { isResegmentError, PermanentError } from '#shared/errors.ts';
import type { AnswerStore } from '#shared/ports/answer-store.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { FlagStore } from '#shared/ports/flag-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import { visibleGeneration } from './run/measure-shard.ts';
import { shardOfBucket } from './run/run-ports.ts';
import { type SatisfactionNowPorts, satisfactionNow } from './satisfaction-now.ts';

export interface ShowCustomerPorts extends SatisfactionNowPorts {
  readonly customers: Pick<CustomerStore, 'get' | 'bucketOf' | 'buckets'>;
  readonly files: Pick<RunFiles, 'readCalibration' | 'readPlan'>;
  readonly answers: Pick<AnswerStore, 'getMany'>;
  readonly flags: Pick<FlagStore, 'get'>;
}

export interface ShownAnswer {
  readonly answerId: string;
  readonly date: IsoDate;
  /** 0..100, 100 best. */
  readonly value: number;
  readonly scale: AnswerFact['scale'];
  /** `counted` for imported ones. */
  readonly state: AnswerState;
  readonly judgement: Judgement | null;
}

/** One customer as things are now. */
export interface CustomerPage {
  readonly customerId: string;
  readonly branch: string | null;
  readonly manager: string | null;
  readonly status: CustomerStatus;
  readonly today: IsoDate;
  /** The published run; null before the first. */
  readonly run: { readonly runId: string; readonly asOf: IsoDate } | null;
  /** By dimension; empty where the published run did not place the customer. */
  readonly segments: Readonly<Record<string, Placement>>;
  /** As the published run computed it, and as it would be computed today; null where no answer counts, or not known any more. */
  readonly satisfaction: { readonly inRun: Satisfaction | null; readonly today: Satisfaction | null };
  /** The newest first. */
  readonly answers: readonly ShownAnswer[];
  readonly openCase: string | null;
  /** Open ones. */
  readonly proposals: readonly Flag[];
  readonly pins: readonly Pin[];
  readonly notes: readonly Note[];
}

/** @throws PermanentError `customer-unknown` */
export const showCustomer = async (customerId: string, ports: ShowCustomerPorts): Promise<CustomerPage> => {
  const now = ports.clock.now();
  const today = dateIn(ports.timeZone, now);
  const [facts, figure, pointer] = await Promise.all([
    ports.customers.get(customerId),
    satisfactionNow(customerId, ports),
    ports.pointer.get(),
  ]);
  if (facts === undefined) throw new PermanentError('customer-unknown', 'the customer was erased just now');
  const [standings, upgrade, exit, inRun, answers] = await Promise.all([
    ports.standings.getMany([facts.subject]),
    ports.flags.get(facts.subject, 'upgrade'),
    ports.flags.get(facts.subject, 'exit'),
    satisfactionInRun(facts.subject, pointer.published?.runId, ports),
    shownAnswers(facts, ports),
  ]);
  const when = { asOf: today, frozenAt: now };
  return {
    customerId,
    branch: facts.branch ?? null,
    manager: facts.manager ?? null,
    status: statusOn(facts.statuses, today),
    today,
    run: pointer.published === null ? null : { runId: pointer.published.runId, asOf: pointer.published.asOf },
    segments: visibleGeneration(standings.get(facts.subject), pointer)?.placements ?? {},
    satisfaction: { inRun, today: figure?.satisfaction ?? null },
    answers,
    openCase: facts.openCase ?? null,
    proposals: [upgrade, exit].filter((flag) => flag !== undefined).filter((flag) => flag.state === 'open'),
    pins: pinsInForce(facts, when),
    notes: notesInForce(facts, when),
  };
};

const shownAnswers = async (facts: CustomerFacts, ports: ShowCustomerPorts): Promise<readonly ShownAnswer[]> => {
  const known = Object.values(facts.answers);
  const ids = known.map(({ answerId }) => answerId).filter((id) => !id.startsWith('ext/'));
  const stored = ids.length === 0 ? new Map<string, never>() : await ports.answers.getMany(ids);
  return known
    .map(({ answerId, date, value, scale, suspect }): ShownAnswer => {
      const answer = stored.get(answerId)?.answer;
      const state = answer === undefined ? (suspect ? 'suspect' : 'counted') : answerState(answer);
      const judgement = answer === undefined ? null : (judgementOf(answer) ?? null);
      return { answerId, date, value: Math.round(value * 1000) / 10, scale, state, judgement };
    })
    .sort((a, b) => (`${a.date} ${a.answerId}` < `${b.date} ${b.answerId}` ? 1 : -1));
};

/** Null where the run lacks the customer, or its files have expired. */
const satisfactionInRun = async (
  subject: string,
  runId: string | undefined,
  ports: ShowCustomerPorts,
): Promise<Satisfaction | null> => {
  const record = runId === undefined ? undefined : (await ports.runs.get(runId))?.record;
  if (record === undefined) return null;
  const shard = shardOfBucket(ports.customers.bucketOf(subject), record.shards, ports.customers.buckets);
  try {
    const rows = await ports.files.readPlan(record.runId, shard);
    return rows.find((row) => row.subject === subject)?.satisfaction ?? null;
  } catch (error) {
    if (isResegmentError(error) && error.code === 'run-file-missing') return null;
    throw error;
  }
};
