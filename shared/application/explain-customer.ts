import type { RunRecord } from '#shared/contracts/run-record.ts';
import { explain } from '#shared/domain/explain.ts';
import type { Explanation, RunBefore } from '#shared/domain/explanation.ts';
import type { Lang } from '#shared/domain/figure-text.ts';
import type { FrameRow } from '#shared/domain/standing.ts';
import { isResegmentError, PermanentError } from '#shared/errors.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { runContext } from './run/assign-shard.ts';
import { loadPolicy, shardOfBucket } from './run/run-ports.ts';

export interface ExplainPorts {
  readonly customers: Pick<CustomerStore, 'subjectsOf' | 'bucketOf' | 'buckets' | 'get'>;
  readonly runs: Pick<RecordStore<RunRecord>, 'get'>;
  readonly files: Pick<RunFiles, 'readFrame' | 'readPlan' | 'readCalibration'>;
  readonly objects: ObjectStore;
}

export interface CustomerExplanation extends Explanation {
  readonly customerId: string;
  readonly runId: string;
  readonly asOf: string;
  readonly state: RunRecord['state'];
  readonly branch: string | null;
  readonly manager: string | null;
}

/**
 * Why a run placed a customer as it did, from the files that the run stored; with the run it was based on, as long as its
 * files are kept, also why the customer moved. Reads one shard of each.
 *
 * @throws PermanentError `customer-unknown`, `customer-not-in-run`, and what reading files that have expired gives
 */
export const explainCustomer = async (
  customerId: string,
  record: RunRecord,
  ports: ExplainPorts,
  lang: Lang,
): Promise<CustomerExplanation> => {
  const subject = (await ports.customers.subjectsOf([customerId])).get(customerId);
  if (subject === undefined) {
    throw new PermanentError('customer-unknown', `there is no customer ${JSON.stringify(customerId.slice(0, 80))}`, {
      hint: 'ids are as the imported files have them, capital letters included',
    });
  }
  const { runId } = record;
  const row = await rowOf(subject, record, ports);
  const shard = shardOf(subject, record, ports);
  const plan = (await ports.files.readPlan(runId, shard)).find((one) => one.subject === subject);
  if (row === undefined || plan === undefined) {
    throw new PermanentError('customer-not-in-run', `run ${runId} does not have customer ${customerId}`, {
      hint: `nothing was known of the customer up to ${record.asOf}, or the run was limited to others`,
    });
  }
  const authors = await authorsOf(customerId, row, ports);
  const [policy, calibration, before] = await Promise.all([
    loadPolicy(ports.objects, record.policy.hash),
    ports.files.readCalibration(runId),
    runBefore(subject, record, ports),
  ]);
  const explanation = explain(row, plan, policy, calibration, lang, {
    run: runContext(record),
    authors,
    ...(before === undefined ? {} : { before }),
  });
  const { branch, manager } = row;
  return { customerId, runId, asOf: record.asOf, state: record.state, branch, manager, ...explanation };
};

/** Files of runs hold no names: who wrote the notes is with the customer, read only where there are notes. */
const authorsOf = async (
  customerId: string,
  row: FrameRow,
  { customers }: ExplainPorts,
): Promise<Readonly<Record<string, string>>> => {
  if (row.notes === undefined || row.notes.length === 0) return {};
  const facts = await customers.get(customerId);
  return Object.fromEntries((facts?.notes ?? []).map(({ noteId, by }) => [noteId, by]));
};

const shardOf = (subject: string, { shards }: RunRecord, { customers }: ExplainPorts): number =>
  shardOfBucket(customers.bucketOf(subject), shards, customers.buckets);

const rowOf = async (subject: string, record: RunRecord, ports: ExplainPorts): Promise<FrameRow | undefined> =>
  (await ports.files.readFrame(record.runId, shardOf(subject, record, ports))).find((one) => one.subject === subject);

/** What the run before made of the customer; undefined where there is none, it lacks the customer, or its files are gone. */
const runBefore = async (
  subject: string,
  { basedOn }: RunRecord,
  ports: ExplainPorts,
): Promise<RunBefore | undefined> => {
  if (basedOn === null) return undefined;
  const before = (await ports.runs.get(basedOn))?.record;
  if (before === undefined) return undefined;
  try {
    const row = await rowOf(subject, before, ports);
    if (row === undefined) return undefined;
    const calibration = await ports.files.readCalibration(basedOn);
    return { runId: basedOn, row, calibration, policyHash: before.policy.hash };
  } catch (error) {
    if (isResegmentError(error) && (error.code === 'run-file-missing' || error.code === 'calibration-missing')) {
      return undefined;
    }
    throw error;
  }
};
