import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTables, type Database, startDatabase } from '#local/database.ts';
import { type MailServer, startMailServer } from '#local/mail-server.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { kmsKeyRingKeeper, SealedRing } from '#shared/adapters/kms-key-ring.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';
import { ENTRY_FUNCTIONS, type EntryFunction, STEPS } from '#shared/contracts/workflows.ts';
import { startSmallKms } from '#test/support/small-kms.ts';
import { startSmallS3 } from '#test/support/small-s3.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

/** What `npm run synth` left: the bundles as they would be uploaded. */
const CLOUD_ASSEMBLY = join(import.meta.dirname, '..', '..', 'cdk.out');
const STAGE = 'dev';
const KEY_ARN = 'arn:aws:kms:us-east-1:000000000000:key/ring';
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
/** All that a function loads before its first request, in bytes: half of the largest is the report's charts. The page that customers open has its own, smaller budget. */
const LARGEST_BUNDLE = 1_400_000;
const LARGEST_PAGE_BUNDLE = 450 * 1_024;

interface Deployed {
  readonly name: string;
  readonly bundle: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const deployed = (): Deployed[] => {
  const template = JSON.parse(readFileSync(join(CLOUD_ASSEMBLY, `Resegment-${STAGE}-Loop.template.json`), 'utf8'));
  return Object.values<{ Type: string; Properties: unknown }>(template.Resources)
    .filter((one) => one.Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => {
      const { FunctionName, Code, Environment } = Properties as {
        FunctionName: string;
        Code: { S3Key: string };
        Environment: { Variables: Record<string, unknown> };
      };
      const folder = join(CLOUD_ASSEMBLY, `asset.${Code.S3Key.replace('.zip', '')}`);
      const file = readdirSync(folder).find((name) => /^index\.m?js$/.test(name)) ?? 'index.mjs';
      return {
        name: FunctionName.replace(`resegment-${STAGE}-`, ''),
        bundle: join(folder, file),
        variables: Environment.Variables,
      };
    });
};
const FUNCTIONS = deployed();

let database: Database;
let mail: MailServer;
let s3: Awaited<ReturnType<typeof startSmallS3>>;
let kms: Awaited<ReturnType<typeof startSmallKms>>;
const folder = temporaryFolder('bundles');
beforeAll(async () => {
  database = await startDatabase();
  await createTables(
    database.endpoint,
    TABLE_DEFINITIONS.map((table) => tableProperties(table, `resegment-${STAGE}-${table.name}`)),
  );
  s3 = await startSmallS3();
  kms = await startSmallKms(KEY_ARN);
  const clock = { now: () => new Date().toISOString() };
  mail = await startMailServer({ dataDir: folder, verifiedSenders: ['dev.example.com'], clock });
  await kmsKeyRingKeeper({
    records: dynamoRecords({
      client: dynamoClient({ endpoint: database.endpoint }),
      table: `resegment-${STAGE}-runs`,
      kind: 'KEYS',
      schema: SealedRing,
    }),
    kmsKeyArn: KEY_ARN,
    client: new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: CREDENTIALS }),
  }).create('k1', { by: 'test', at: clock.now() });
});
afterAll(async () => {
  await Promise.all([database.stop(), mail.stop(), s3.stop(), kms.stop()]);
});

/** What CloudFormation would put in the place of a reference. */
const resolved = (name: string, value: unknown): string => {
  if (typeof value === 'string') return value;
  const table = TABLE_DEFINITIONS.find((one) => name === `TABLE_${one.name.toUpperCase()}`);
  if (table !== undefined) return `resegment-${STAGE}-${table.name}`;
  if (name === 'WORKSPACE_BUCKET') return 'workspace';
  if (name === 'KEY_RING_KMS_KEY_ARN') return KEY_ARN;
  if (name === 'PUBLIC_BASE_URL') return 'https://pages.example.com';
  return `arn:aws:service:us-east-1:000000000000:${name.toLowerCase()}`;
};

interface FirstRequest {
  /** What the function printed on stdout, line by line; metrics are such lines. */
  readonly printed: readonly Record<string, unknown>[];
  readonly loadedMs: number;
  readonly returned?: unknown;
  readonly threw?: { readonly name?: string; readonly code?: string; readonly message?: string };
}

const firstRequest = ({ name, bundle, variables }: Deployed, event: unknown): Promise<FirstRequest> =>
  new Promise((resolve, reject) => {
    const environment = Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, resolved(name, value)]),
    );
    execFile(
      process.execPath,
      [join(import.meta.dirname, 'first-request.ts'), bundle, JSON.stringify(event)],
      {
        env: {
          ...environment,
          AWS_LAMBDA_FUNCTION_NAME: `resegment-${STAGE}-${name}`,
          PATH: process.env['PATH'] ?? '',
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'local',
          AWS_SECRET_ACCESS_KEY: 'local',
          AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
          AWS_ENDPOINT_URL_S3: s3.endpoint,
          AWS_ENDPOINT_URL_KMS: kms.endpoint,
          AWS_ENDPOINT_URL_SES: mail.url,
        },
      },
      (error, stdout, stderr) => {
        try {
          const lines = stdout.split('\n').map((line) => JSON.parse(line));
          resolve({ ...lines.at(-1), printed: lines.slice(0, -1) });
        } catch {
          reject(new Error(`no answer of ${bundle}: ${stderr.slice(-2_000)}`, { cause: error }));
        }
      },
    );
  });

/** An event that each entry gets from its service. */
const ENTRY_EVENTS: Readonly<Record<EntryFunction, unknown>> = {
  'answer-survey': {
    version: '2.0',
    routeKey: 'ANY /{proxy+}',
    rawPath: '/r/nothing',
    rawQueryString: '',
    headers: { host: 'pages.example.com' },
    requestContext: {
      http: { method: 'GET', path: '/r/nothing', sourceIp: '192.0.2.1' },
      domainName: 'pages.example.com',
    },
    isBase64Encoded: false,
  },
  'ingest-mail-event': { Records: [] },
  'project-answers': {},
  'escalate-cases': {},
  'emit-events': {},
};

/** A step's event for a run or a wave that does not exist. */
const stepEvent = (name: keyof typeof STEPS): unknown => {
  const fields = Object.keys((STEPS[name].input as unknown as { shape: object }).shape);
  const values: Record<string, unknown> = {
    schema: 1,
    runId: '2026-10-monthly',
    waveId: 'w-2026-10-monthly',
    shard: 0,
    batch: 0,
    trigger: 'operator',
    mode: 'plan',
    requestId: 'smoke',
    by: 'smoke',
    error: 'RetryableError',
    cause: '{}',
  };
  const optional = new Set(['policyHash', 'asOf', 'scheduledAt', 'only', 'survey', 'override', 'shards', 'replaces']);
  return Object.fromEntries(
    fields.filter((field) => !optional.has(field) && field in values).map((field) => [field, values[field]]),
  );
};
const isStep = (name: string): name is keyof typeof STEPS => Object.hasOwn(STEPS, name);

describe('the bundles as they are uploaded', () => {
  it('are those of all functions', () => {
    expect(FUNCTIONS.map((one) => one.name).sort()).toEqual([...Object.keys(STEPS), ...ENTRY_FUNCTIONS].sort());
  });

  it.each(FUNCTIONS)('$name loads no more than its budget', ({ name, bundle }) => {
    expect(statSync(bundle).size).toBeLessThan(name === 'answer-survey' ? LARGEST_PAGE_BUNDLE : LARGEST_BUNDLE);
  });

  it.each(FUNCTIONS)('$name answers its first request in a clean process', async (one) => {
    const { name } = one;
    const event = isStep(name) ? stepEvent(name) : ENTRY_EVENTS[name as EntryFunction];

    const { returned, threw, printed } = await firstRequest(one, event);

    const [metrics, ...others] = printed.filter((line) => line['function'] === name);
    expect(others).toEqual([]);
    expect(metrics).toMatchObject({
      stage: STAGE,
      ColdStart: 1,
      _aws: { CloudWatchMetrics: [{ Namespace: 'Resegment' }] },
    });
    expect(metrics).toHaveProperty(
      threw === undefined ? 'Duration' : (threw.name?.replace('Error', '').replace(/^/, 'Failed') ?? ''),
    );
    if (threw === undefined) {
      if (name === 'answer-survey') expect(returned).toMatchObject({ statusCode: 404 });
      return;
    }
    // There is no such run, wave or policy: an error of ours that says so, never one that nobody has thought of.
    expect(threw.name, threw.message).toMatch(/^(PermanentError|PoisonError)$/);
  });

  // fail-run takes whatever is left of a run that could not be opened.
  it.each(FUNCTIONS.filter(({ name }) => isStep(name) && name !== 'fail-run'))(
    '$name refuses an event of another form',
    async (one) => {
      const { threw } = await firstRequest(one, { schema: 1, unexpected: true });

      expect(threw, threw?.message).toMatchObject({ name: 'PoisonError', code: 'input-invalid' });
    },
  );
});
