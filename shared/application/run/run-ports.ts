import { ActivePolicy } from '#shared/contracts/active-policy.ts';
import type { BrakeHit, RunRecord } from '#shared/contracts/run-record.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { parsePolicyContent } from '#shared/domain/policy-content.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { FlagStore } from '#shared/ports/flag-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { PointerStore, RecordStore, StandingStore } from '#shared/ports/standing-store.ts';

/** Everything the steps of a run may use. */
export interface RunPorts {
  readonly clock: Clock;
  readonly customers: CustomerStore;
  readonly standings: StandingStore;
  readonly pointer: PointerStore;
  readonly runs: RecordStore<RunRecord>;
  readonly files: RunFiles;
  readonly objects: ObjectStore;
  readonly flags: FlagStore;
  readonly settings: RunSettings;
  /** Brings answers that a crash kept back to their customers' facts. */
  readonly projectPendingAnswers: () => Promise<unknown>;
  /** Tells the operators that a run is held, with the figures and the commands to go on or discard. */
  readonly tellOperators: (run: RunRecord, brakes: readonly BrakeHit[]) => Promise<void>;
}

export interface RunSettings {
  /** IANA name; `asOf` is a date in it. */
  readonly businessTimeZone: string;
  /** How many shards a run has when the request does not say; 1..2,048. */
  readonly shards: number;
  /** A plan that nobody applied within so many hours is refused. */
  readonly planExpiresHours: number;
}

/** Where a policy's parsed content lies in the workspace. */
export const policyKey = (hash: string): string => `policies/${hash}.json`;
/** Names the policy that scheduled runs use: `{"hash": "…"}`. */
export const ACTIVE_POLICY_KEY = 'policies/active.json';

/** The run's record with its revision. @throws PermanentError `run-unknown` */
export const loadRun = async (
  ports: Pick<RunPorts, 'runs'>,
  runId: string,
): Promise<{ record: RunRecord; rev: number }> => {
  const found = await ports.runs.get(runId);
  if (found === undefined) {
    throw new PermanentError('run-unknown', `there is no run ${runId}`, {
      hint: 'resegment run list shows the runs there are',
    });
  }
  return found;
};

/** Changes the record under its revision; reads again where another writer came between. */
export const updateRun = async (
  ports: Pick<RunPorts, 'runs'>,
  runId: string,
  change: (record: RunRecord) => RunRecord,
): Promise<RunRecord> => {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { record, rev } = await loadRun(ports, runId);
    const next = change(record);
    if (next === record) return record;
    if ((await ports.runs.replace(runId, next, rev)) === 'stored') return next;
  }
  throw new PermanentError(
    'run-record-busy',
    `the record of run ${runId} kept changing under ten attempts to write it`,
  );
};

/** The policy of a hash, from the workspace. @throws PermanentError if it is not there or no longer valid */
export const loadPolicy = async (objects: ObjectStore, hash: string): Promise<Policy> => {
  const bytes = await objects.get(policyKey(hash));
  if (bytes === undefined) {
    throw new PermanentError('policy-not-stored', `the workspace has no policy with hash ${hash.slice(0, 12)}`, {
      hint: 'name a preset or a policy file: resegment plan --policy NAME|FILE',
    });
  }
  const parsed = parsePolicyContent(JSON.parse(new TextDecoder().decode(bytes)));
  if (!parsed.ok) {
    throw new PermanentError('policy-invalid', `the stored policy ${hash.slice(0, 12)} is not valid`, {
      details: { problems: parsed.errors.map((error) => `${error.path}: ${error.problem}`) },
    });
  }
  return parsed.policy;
};

/** Buckets of a shard: shard s of n reads the s-th of n nearly equal ranges. Every bucket is in exactly one shard. */
export const bucketsOfShard = (shard: number, shards: number, buckets: number): readonly number[] => {
  const from = Math.floor((shard * buckets) / shards);
  const to = Math.floor(((shard + 1) * buckets) / shards);
  return Array.from({ length: to - from }, (_, index) => from + index);
};

/** The shard whose range holds a bucket. */
export const shardOfBucket = (bucket: number, shards: number, buckets: number): number =>
  Math.ceil(((bucket + 1) * shards) / buckets) - 1;

/**
 * Keeps a policy's content in the workspace under its hash, and makes it the one that scheduled runs use if none is yet.
 *
 * @param who is kept with the active policy
 */
export const storePolicy = async (
  objects: ObjectStore,
  policy: Policy,
  who: { readonly by: string; readonly at: string } | undefined = undefined,
): Promise<void> => {
  const encoded = (document: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(document));
  const json = { ifAbsent: true, contentType: 'application/json' };
  await objects.put(policyKey(policy.hash), encoded(policy.source), json);
  await objects.put(ACTIVE_POLICY_KEY, encoded({ hash: policy.hash, name: policy.name, ...who }), json);
};

/** Which policy scheduled runs use, and who made it so; undefined where none is. */
export const readActivePolicy = async (objects: ObjectStore): Promise<ActivePolicy | undefined> => {
  const bytes = await objects.get(ACTIVE_POLICY_KEY);
  return bytes === undefined ? undefined : ActivePolicy.parse(JSON.parse(new TextDecoder().decode(bytes)));
};
