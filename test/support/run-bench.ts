import { createHash } from 'node:crypto';
import { type Stores, storesFrom } from '#functions/runtime/stores.ts';
import { createTables, startDatabase } from '#local/database.ts';
import { directoryObjects } from '#shared/adapters/directory-objects.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { parquetRunFiles } from '#shared/adapters/parquet-run-files.ts';
import { applyShard } from '#shared/application/run/apply-shard.ts';
import { assignShard } from '#shared/application/run/assign-shard.ts';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import { calibrateRun } from '#shared/application/run/calibrate-run.ts';
import { assertRunHealthy } from '#shared/application/run/finish-run.ts';
import { measureShard } from '#shared/application/run/measure-shard.ts';
import { openRun } from '#shared/application/run/open-run.ts';
import { publishRun } from '#shared/application/run/publish-run.ts';
import { reviewPlan } from '#shared/application/run/review-plan.ts';
import { policyKey, type RunPorts } from '#shared/application/run/run-ports.ts';
import { type RunRecord, RunSummary } from '#shared/contracts/run-record.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';
import type { RunRequest } from '#shared/contracts/workflows.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import {
  memoryCustomers,
  memoryFlags,
  memoryObjects,
  memoryPointer,
  memoryRecords,
  memoryStandings,
} from './memory-stores.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Stores on a database in memory, a clock that the test sets, and the steps of a run called in their order. */
export interface RunBench {
  readonly ports: RunPorts & Stores & { readonly waves: RecordStore<WaveRecord> };
  readonly dynamo: ReturnType<typeof dynamoClient>;
  setNow(instant: string): void;
  usePolicy(text: string): Promise<Policy>;
  addCustomer(facts: Partial<CustomerFacts> & { readonly customerId: string }): Promise<CustomerFacts>;
  /** Runs all steps as the state machine orders them. */
  run(
    request: Partial<RunRequest>,
  ): Promise<{ readonly runId: string; readonly outcome: string; readonly summary: RunSummary }>;
  apply(runId: string, request?: Partial<RunRequest>): Promise<RunSummary>;
  readonly told: readonly string[];
  close(): Promise<void>;
}

const TABLES = {
  customers: 'customers',
  standings: 'standings',
  contacts: 'contacts',
  invitations: 'invitations',
  answers: 'answers',
  flags: 'flags',
  cases: 'cases',
  runs: 'runs',
} as const;

/** Random in the product; the same for each id here, so that a test can be repeated. */
const subjectSource = (id: string): string => createHash('sha256').update(id).digest('base64url').slice(0, 22);

export const openRunBench = async (buckets = 16): Promise<RunBench> => {
  const database = await startDatabase();
  await createTables(
    database.endpoint,
    TABLE_DEFINITIONS.map((table) => tableProperties(table, table.name)),
  );
  const dynamo = dynamoClient({ endpoint: database.endpoint });
  const stores = storesFrom({
    dynamo,
    tables: TABLES,
    buckets,
    subjectSource,
    objects: directoryObjects(temporaryFolder('run')),
  });
  return benchOn(stores, dynamo, async () => {
    dynamo.destroy();
    await database.stop();
  });
};

/** The same on the stores in memory, for tests that run thousands of steps. It has no database to look into. */
export const openMemoryBench = (buckets = 4): Omit<RunBench, 'dynamo'> => {
  const objects = memoryObjects();
  const stores = {
    customers: memoryCustomers(buckets, subjectSource),
    standings: memoryStandings(buckets),
    pointer: memoryPointer(),
    runs: memoryRecords<RunRecord>(),
    flags: memoryFlags(),
    files: parquetRunFiles(objects),
    objects,
  };
  return benchOn(stores, undefined, async () => undefined);
};

const benchOn = <Dynamo>(
  stores: Stores,
  dynamo: Dynamo,
  close: () => Promise<void>,
): Omit<RunBench, 'dynamo'> & { readonly dynamo: Dynamo } => {
  let now = '2026-11-01T02:00:00.000Z';
  const told: string[] = [];
  const ports = {
    ...stores,
    waves: memoryRecords<WaveRecord>(),
    clock: { now: () => now },
    settings: { businessTimeZone: 'UTC', shards: 4, planExpiresHours: 72 },
    projectPendingAnswers: async () => 0,
    tellOperators: async (record: { readonly runId: string }) => {
      told.push(record.runId);
    },
  };
  let policyHash: string | undefined;

  const applyAll = async (runId: string): Promise<RunSummary> => {
    const { shards } = await beginApply({ runId }, ports);
    for (const shard of shards) await applyShard({ runId, shard }, ports);
    await publishRun({ runId }, ports);
    await assertRunHealthy({ runId }, ports);
    return RunSummary.parse(await ports.files.readJson(runId, 'summary.json'));
  };

  return {
    ports,
    dynamo,
    told,
    setNow: (instant) => {
      now = instant;
    },
    usePolicy: async (text) => {
      const parsed = parsePolicy(text, 'test.yaml');
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
      await ports.objects.put(
        policyKey(parsed.policy.hash),
        new TextEncoder().encode(JSON.stringify(parsed.policy.source)),
      );
      policyHash = parsed.policy.hash;
      return parsed.policy;
    },
    addCustomer: async (given) => {
      const subject = (await ports.customers.ensureSubjects([given.customerId])).get(given.customerId);
      if (subject === undefined) throw new Error('no subject');
      const existing = (await ports.customers.getMany([subject])).get(subject);
      const facts: CustomerFacts = {
        batches: [{ batchId: 'test', recordedAt: '2020-01-01T00:00:00.000Z', chunks: [0] }],
        orders: [],
        snapshots: [],
        statuses: [],
        answers: {},
        pins: [],
        decisions: [],
        ...existing,
        ...given,
        subject,
        factsRev: (existing?.factsRev ?? 0) + 1,
        changedAt: now,
      };
      const stored = await ports.customers.put(facts, existing?.factsRev ?? null);
      if (stored !== 'stored') throw new Error('conflict');
      return facts;
    },
    run: async (request) => {
      const { runId, next } = await openRun(
        {
          schema: 1,
          trigger: 'operator',
          mode: 'run',
          by: 'tester',
          ...(policyHash === undefined ? {} : { policyHash }),
          ...request,
        },
        ports,
      );
      if (next === 'stop') {
        return { runId, outcome: 'stop', summary: RunSummary.parse(await ports.files.readJson(runId, 'summary.json')) };
      }
      if (next === 'apply') return { runId, outcome: 'apply', summary: await applyAll(runId) };
      const shards = Array.from({ length: (await ports.runs.get(runId))?.record.shards ?? 0 }, (_, shard) => shard);
      for (const shard of shards) await measureShard({ runId, shard }, ports);
      await calibrateRun({ runId }, ports);
      for (const shard of shards) await assignShard({ runId, shard }, ports);
      const { outcome } = await reviewPlan({ runId }, ports);
      if (outcome !== 'apply') {
        return { runId, outcome, summary: RunSummary.parse(await ports.files.readJson(runId, 'summary.json')) };
      }
      return { runId, outcome, summary: await applyAll(runId) };
    },
    apply: async (runId, request = {}) => {
      const { next } = await openRun(
        { schema: 1, trigger: 'operator', mode: 'apply', runId, by: 'tester', ...request },
        ports,
      );
      if (next !== 'apply') return RunSummary.parse(await ports.files.readJson(runId, 'summary.json'));
      return applyAll(runId);
    },
    close,
  };
};

/** Makes the items of these customers unreadable. */
export const spoil = (
  { ports }: Pick<ReturnType<typeof openMemoryBench>, 'ports'>,
  customers: readonly string[],
): void => {
  const { customers: store } = ports;
  const whole = store.readBucket;
  Object.assign(store, {
    readBucket: async function* (...given: Parameters<typeof whole>): ReturnType<typeof whole> {
      for await (const read of whole(...given)) {
        if (read.kind === 'customer' && customers.includes(read.facts.customerId)) {
          yield { kind: 'quarantined', bucket: given[0], subject: read.facts.subject, reason: 'orders is not a list' };
        } else yield read;
      }
    },
  });
};
