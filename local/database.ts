import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  ListTablesCommand,
  type ListTablesCommandOutput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { type StoreParts, storesFrom } from '#functions/runtime/stores.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { bucketKey } from '#shared/adapters/table-keys.ts';
import { PermanentError } from '#shared/errors.ts';

const LOCK_WAIT_MS = 8_000;
const LOCK_RETRY_MS = 200;
const MAKE_WAIT_MS = 20_000;
const MAKE_RETRY_MS = 10;

export interface Database {
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
}

/**
 * Starts the embedded DynamoDB on 127.0.0.1, in a worker thread that ends with the process.
 *
 * @param options.dataDir keeps the data in `<dataDir>/database`; absent: in memory
 * @param options.port 0 or absent: any free one
 * @param options.throttle share of requests for items, 0..1, that it refuses as a table does that is asked too much; none if absent
 * @param options.lockWaitMs how long to wait for a folder that another process still holds open; 8 s if absent
 * @throws PermanentError `data-folder-in-use` where another stack keeps the folder open for longer (a process that
 *   is being killed releases it within that time), `port-taken`
 */
export const startDatabase = async (
  options: {
    readonly dataDir?: string;
    readonly port?: number;
    readonly lockWaitMs?: number;
    readonly throttle?: number;
  } = {},
): Promise<Database> => {
  const folder = options.dataDir === undefined ? undefined : path.join(options.dataDir, 'database');
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  const deadline = performance.now() + (options.lockWaitMs ?? LOCK_WAIT_MS);
  for (;;) {
    const tried = performance.now();
    const outcome = await launch(folder, options.port ?? 0, options.throttle ?? 0);
    if (!('code' in outcome)) return outcome;
    if (outcome.code === 'EADDRINUSE') {
      throw new PermanentError('port-taken', `port ${options.port} is taken`, {
        hint: 'give another port, or 0 for any',
      });
    }
    if (!isLock(outcome)) {
      throw new PermanentError('database-failed', `the local database could not start: ${outcome.message}`);
    }
    // On a busy machine one attempt may take longer than the wait: the folder counts as kept only if it was so after it.
    if (tried > deadline) {
      throw new PermanentError('data-folder-in-use', `another stack is running on the folder ${options.dataDir}`, {
        hint: 'stop it, or use another folder: --data DIR',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
};

interface Failure {
  readonly code: string;
  readonly message: string;
}

const isLock = (failure: Failure): boolean => failure.code === 'LEVEL_LOCKED' || /LOCK: /.test(failure.message);

const launch = async (folder: string | undefined, port: number, throttle: number): Promise<Database | Failure> => {
  const worker = new Worker(new URL('./database-worker.ts', import.meta.url), {
    workerData: { port, throttle, ...(folder === undefined ? {} : { path: folder }) },
    execArgv: ['--no-warnings'],
  });
  worker.unref();
  const first = await new Promise<{ port: number } | Failure>((resolve) => {
    const keepAlive = setTimeout(() => resolve({ code: 'TIMEOUT', message: 'it did not start within 20 s' }), 20_000);
    worker.on('message', (message) => {
      clearTimeout(keepAlive);
      resolve(message);
    });
    worker.on('error', (error) => {
      clearTimeout(keepAlive);
      resolve({ code: 'WORKER', message: error.message });
    });
  });
  if ('code' in first) {
    await worker.terminate();
    return first;
  }
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= new Promise<void>((resolve) => {
      const timer = setTimeout(() => void worker.terminate(), 5_000);
      worker.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      worker.postMessage('stop');
    });
    return stopping;
  };
  return { endpoint: `http://127.0.0.1:${first.port}`, stop };
};

/** The parts of `AWS::DynamoDB::Table` and `AWS::DynamoDB::GlobalTable` that matter locally; other properties are ignored. */
export interface TableTemplate {
  readonly TableName: string;
  readonly BillingMode?: string | undefined;
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: string }[];
  readonly GlobalSecondaryIndexes?:
    | readonly {
        readonly IndexName: string;
        readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
        readonly Projection: { readonly ProjectionType?: string; readonly NonKeyAttributes?: readonly string[] };
      }[]
    | undefined;
}

/**
 * Creates the tables that are absent and waits until they take requests; those that exist stay as they are.
 *
 * @returns the names that were created
 * @throws PermanentError `data-folder-old` where a table lacks an index, which the local database cannot add; `table-not-made`
 *   where one does not take requests in time
 */
export const createTables = async (
  endpoint: string,
  templates: readonly TableTemplate[],
): Promise<readonly string[]> => {
  const client = dynamoClient({ endpoint });
  try {
    const existing = new Set<string>();
    let ExclusiveStartTableName: string | undefined;
    do {
      const page: ListTablesCommandOutput = await client.send(
        new ListTablesCommand(ExclusiveStartTableName === undefined ? {} : { ExclusiveStartTableName }),
      );
      for (const name of page.TableNames ?? []) existing.add(name);
      ExclusiveStartTableName = page.LastEvaluatedTableName;
    } while (ExclusiveStartTableName !== undefined);
    const created: string[] = [];
    for (const template of templates) {
      if (existing.has(template.TableName)) {
        await assertIndexed(client, template);
        continue;
      }
      await client.send(new CreateTableCommand(createInput(template)));
      created.push(template.TableName);
    }
    for (const name of created) await waitUntilActive(client, name);
    return created;
  } finally {
    client.destroy();
  }
};

const waitUntilActive = async (client: DynamoDBClient, name: string): Promise<void> => {
  const deadline = performance.now() + MAKE_WAIT_MS;
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
    if (Table?.TableStatus === 'ACTIVE') return;
    if (performance.now() > deadline) {
      throw new PermanentError(
        'table-not-made',
        `table ${name} is still ${Table?.TableStatus} after ${MAKE_WAIT_MS} ms`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, MAKE_RETRY_MS));
  }
};

const assertIndexed = async (client: DynamoDBClient, template: TableTemplate): Promise<void> => {
  const wanted = (template.GlobalSecondaryIndexes ?? []).map(({ IndexName }) => IndexName);
  if (wanted.length === 0) return;
  const { Table } = await client.send(new DescribeTableCommand({ TableName: template.TableName }));
  const known = new Set((Table?.GlobalSecondaryIndexes ?? []).map(({ IndexName }) => IndexName));
  const missing = wanted.filter((name) => !known.has(name));
  if (missing.length === 0) return;
  throw new PermanentError(
    'data-folder-old',
    `the data folder is of an earlier version: table ${template.TableName} has no index ${missing.join(', ')}`,
    { hint: 'start over with npm start -- --fresh, or name another folder with --data' },
  );
};

const createInput = (template: TableTemplate): CreateTableCommandInput => {
  const keySchema = (keys: TableTemplate['KeySchema']) =>
    keys.map(({ AttributeName, KeyType }) => ({
      AttributeName,
      KeyType: KeyType === 'HASH' ? ('HASH' as const) : ('RANGE' as const),
    }));
  return {
    TableName: template.TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: keySchema(template.KeySchema),
    AttributeDefinitions: template.AttributeDefinitions.map(({ AttributeName, AttributeType }) => ({
      AttributeName,
      AttributeType: AttributeType === 'N' ? 'N' : AttributeType === 'B' ? 'B' : 'S',
    })),
    ...(template.GlobalSecondaryIndexes === undefined || template.GlobalSecondaryIndexes.length === 0
      ? {}
      : {
          GlobalSecondaryIndexes: template.GlobalSecondaryIndexes.map((index) => ({
            IndexName: index.IndexName,
            KeySchema: keySchema(index.KeySchema),
            Projection: { ProjectionType: 'ALL' as const },
          })),
        }),
  };
};

/**
 * Makes the stored facts of the first `count` customers unreadable, as a fault of a program or of a hand would, to see what a
 * run makes of it. Fewer where there are fewer.
 */
export const damageCustomers = async (parts: StoreParts, count: number): Promise<void> => {
  const { customers } = storesFrom(parts);
  let left = count;
  for (let bucket = 0; bucket < customers.buckets && left > 0; bucket += 1) {
    for await (const read of customers.readBucket(bucket)) {
      if (left === 0) break;
      if (read.kind === 'quarantined') continue;
      left -= 1;
      await parts.dynamo.send(
        new UpdateItemCommand({
          TableName: parts.tables.customers,
          Key: { bucket: { S: bucketKey(bucket) }, subject: { S: read.facts.subject } },
          UpdateExpression: 'SET #orders = :damaged',
          ExpressionAttributeNames: { '#orders': 'orders' },
          ExpressionAttributeValues: { ':damaged': { S: 'not what it was' } },
        }),
      );
    }
  }
};
