import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KMSClient } from '@aws-sdk/client-kms';
import PostalMime from 'postal-mime';
import { type BusinessClock, openBusinessClock } from '#local/clock.ts';
import { createTables, startDatabase } from '#local/database.ts';
import { type MailServer, type MailTrouble, startMailServer } from '#local/mail-server.ts';
import { createRunner, type Handler, type Runner, type StateData } from '#local/state-machines.ts';
import { startWorkflowServer } from '#local/workflow-server.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { kmsKeyRing, kmsKeyRingKeeper, SealedRing } from '#shared/adapters/kms-key-ring.ts';
import { s3Files } from '#shared/adapters/s3-files.ts';
import { s3Client, s3Objects } from '#shared/adapters/s3-objects.ts';
import { sfnWorkflows } from '#shared/adapters/sfn-workflows.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';
import { TABLES } from '#shared/contracts/workflows.ts';
import { ACCOUNT, type Deployment } from './deployment.ts';
import type { IamRequest } from './iam.ts';
import { type Served, serve } from './serve.ts';
import { startSmallKms } from './small-kms.ts';
import { startSmallS3 } from './small-s3.ts';

/** One call of a function to a service, as it went over the wire. */
export interface RecordedCall extends IamRequest {
  readonly function: string;
}

export interface SmallAccountOptions {
  readonly deployment: Deployment;
  readonly startAt: string;
  /** What is smaller here than in an account, by variable. */
  readonly environment: Readonly<Record<string, string>>;
  readonly trouble: MailTrouble;
  readonly verifiedSender: string;
  /** Sees what the functions say; they then log everything and print their metrics. */
  readonly watch?: AccountWatch;
  /** What others do just before a call of a function reaches its service; the call waits for it. */
  readonly before?: (call: RecordedCall, body: string) => Promise<void>;
}

/** Somebody who looks at everything that leaves the functions. */
export interface AccountWatch {
  onState(passed: StateData): void;
  onCall(call: RecordedCall, body: string): void;
}

const FUNCTIONS = join(import.meta.dirname, '..', '..', 'functions');
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
const SERVICES = ['DYNAMODB', 'S3', 'KMS', 'SES', 'SFN', 'EVENTBRIDGE'] as const;
type Service = (typeof SERVICES)[number];

/**
 * The functions of a deployment on this machine: each as its file exports it, built by its own composition from the environment
 * that the template sets, and nothing else. Every call to a service goes through one server that writes down whose it was.
 * While it is open, `Date` is the business clock, since functions in an account have no other.
 */
export const openSmallAccount = async (options: SmallAccountOptions) => {
  const { deployment } = options;
  const folder = mkdtempSync(join(tmpdir(), 'resegment-account-'));
  const RealDate = Date;
  const clock = openBusinessClock({
    dataDir: folder,
    startAt: options.startAt,
    realNowMs: () => Math.round(performance.timeOrigin + performance.now()),
  });
  const environmentOf = new Map(
    [...deployment.functions].map(([name, one]) => [
      name,
      Object.fromEntries(
        Object.entries({ ...one.environment, ...sayingOf(name, options) }).map(([variable, value]) => [
          variable,
          variable in one.environment ? (options.environment[variable] ?? value) : value,
        ]),
      ),
    ]),
  );
  const anEnvironment = environmentOf.get('plan-wave') ?? {};
  const tableName = (name: string): string => anEnvironment[`TABLE_${name.toUpperCase()}`] ?? '';
  const keyArn = anEnvironment['KEY_RING_KMS_KEY_ARN'] ?? '';
  const bucket = anEnvironment['WORKSPACE_BUCKET'] ?? '';
  const topicArn = environmentOf.get('ingest-mail-event')?.['MAIL_EVENTS_TOPIC_ARN'] ?? '';

  const [database, s3, kms, bus] = await Promise.all([
    startDatabase(),
    startSmallS3(),
    startSmallKms(keyArn),
    startSmallBus(),
  ]);
  await createTables(
    database.endpoint,
    TABLE_DEFINITIONS.map((table) => tableProperties(table, tableName(table.name))),
  );
  const handlers: Record<string, Handler> = {};
  const mail: MailServer = await startMailServer({
    dataDir: join(folder, 'mail'),
    verifiedSenders: [options.verifiedSender],
    maxPerSecond: 1_000,
    topicArn,
    trouble: options.trouble,
    onEvent: async (event) => {
      const result = await handlers['ingest-mail-event']?.(event);
      if (JSON.stringify(result) !== '{"batchItemFailures":[]}') throw new Error('the event could not be taken');
    },
    clock,
  });
  const backends: Record<Service, string> = {
    DYNAMODB: database.endpoint,
    S3: s3.endpoint,
    KMS: kms.endpoint,
    SES: mail.url,
    SFN: '',
    EVENTBRIDGE: bus.endpoint,
  };
  const calls: RecordedCall[] = [];
  const recorder = await startRecorder(backends, deployment.region, calls, async (call, body) => {
    options.watch?.onCall(call, body);
    await options.before?.(call, body);
  });
  const environment = environmentByContext((name) => ({
    ...environmentOf.get(name),
    AWS_REGION: deployment.region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    ...Object.fromEntries(
      SERVICES.map((service) => [`AWS_ENDPOINT_URL_${service}`, `${recorder.endpoint}/${name}/${service}`]),
    ),
  }));
  for (const name of deployment.functions.keys()) {
    const { handler } = (await import(join(FUNCTIONS, `${name}.ts`))) as { handler: LambdaHandler };
    handlers[name] = (event) =>
      environment.run(name, () => handler(event, { awsRequestId: `${name}-${randomUUID()}` }));
  }
  const runner: Runner = createRunner({
    machines: Object.fromEntries(deployment.machines),
    handlers,
    functionArns: Object.fromEntries([...deployment.functions].map(([name, { arn }]) => [arn, name])),
    clock,
    journalDir: join(folder, 'executions'),
    retryDelayMs: 20,
    ...(options.watch === undefined ? {} : { onState: options.watch.onState }),
  });
  const workflowServer = await startWorkflowServer({ runner, clock, port: 0 });
  backends.SFN = workflowServer.url;
  const pages = await startPages((event) => handlers['answer-survey']?.(event));
  globalThis.Date = dateOf(clock, RealDate);

  const dynamo = dynamoClient({ endpoint: database.endpoint });
  const ring = {
    records: dynamoRecords({ client: dynamo, table: tableName('runs'), kind: 'KEYS', schema: SealedRing }),
    kmsKeyArn: keyArn,
    linkKeyId: 'k1',
    client: new KMSClient({ endpoint: kms.endpoint, region: deployment.region, credentials: CREDENTIALS }),
  };
  await kmsKeyRingKeeper(ring).create('k1', { by: 'operator', at: clock.now() });
  const keys = kmsKeyRing(ring);
  const operatorS3 = s3Client({ endpoint: s3.endpoint, region: deployment.region, credentials: CREDENTIALS });
  return {
    folder,
    clock,
    calls,
    mail,
    pages: pages.endpoint,
    mailTopicArn: topicArn,
    machineArns: Object.fromEntries([...deployment.machines].map(([name, { arn }]) => [name, arn])),
    runner,
    workflows: sfnWorkflows({
      endpoint: workflowServer.url,
      machineArns: Object.fromEntries([...deployment.machines].map(([name, { arn }]) => [name, arn])),
    }),
    /** What a person with all rights has, whose calls are not written down. */
    operator: {
      dynamo,
      tables: Object.fromEntries(TABLES.map((name) => [name, tableName(name)])) as Record<
        (typeof TABLES)[number],
        string
      >,
      buckets: Number(anEnvironment['BUCKETS']),
      subjectSource: (customerId: string) => Buffer.from(customerId).toString('base64url').padEnd(22, 'x').slice(0, 22),
      objects: s3Objects({ client: operatorS3, bucket }),
      files: s3Files({ client: operatorS3, bucket }),
      loadAddressKey: () => keys.addressKey(),
      clock,
      businessTimeZone: anEnvironment['BUSINESS_TIME_ZONE'] ?? '',
      addressKey: await keys.addressKey(),
      linkKeys: await keys.linkKeys(),
    },
    /** Calls a function as a schedule does. */
    invoke: (name: string, event: unknown = {}): Promise<unknown> => {
      const handler = handlers[name];
      if (handler === undefined) throw new Error(`no function ${name}`);
      return handler(event);
    },
    close: async (): Promise<void> => {
      await runner.close();
      await workflowServer.close();
      await Promise.all([pages.stop(), mail.stop()]);
      clock.stop();
      globalThis.Date = RealDate;
      environment.restore();
      dynamo.destroy();
      await Promise.all([recorder.stop(), s3.stop(), kms.stop(), bus.stop()]);
      await database.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
export type SmallAccount = Awaited<ReturnType<typeof openSmallAccount>>;

type LambdaHandler = (event: unknown, context: { readonly awsRequestId: string }) => Promise<unknown>;

const sayingOf = (name: string, { watch }: SmallAccountOptions): Readonly<Record<string, string>> =>
  watch === undefined
    ? { LOG_LEVEL: 'SILENT' }
    : {
        LOG_LEVEL: 'DEBUG',
        AWS_LAMBDA_FUNCTION_NAME: name,
        _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1',
      };

/** `Date` that reads the business clock wherever no instant is given. */
const dateOf = (clock: BusinessClock, RealDate: DateConstructor): DateConstructor => {
  const now = (): number => RealDate.parse(clock.now());
  return new Proxy(RealDate, {
    construct: (target, given: readonly unknown[], newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  });
};

/** Gives `process.env` to a function with its own variables over those of the process, for as long as it runs. */
const environmentByContext = (of: (name: string) => Readonly<Record<string, string | undefined>>) => {
  const real = process.env;
  const context = new AsyncLocalStorage<Readonly<Record<string, string | undefined>>>();
  const own = (key: string | symbol): Readonly<Record<string | symbol, string | undefined>> | undefined => {
    const variables = context.getStore();
    return variables !== undefined && key in variables ? variables : undefined;
  };
  process.env = new Proxy(real, {
    get: (target, key) => Reflect.get(own(key) ?? target, key),
    has: (target, key) => own(key) !== undefined || Reflect.has(target, key),
  });
  return {
    run: <T>(name: string, call: () => Promise<T>): Promise<T> => context.run(of(name), call),
    restore: (): void => {
      process.env = real;
    },
  };
};

/** Passes `/FUNCTION/SERVICE/…` on to the service and says what IAM would have been asked. */
const startRecorder = (
  backends: Readonly<Record<Service, string>>,
  region: string,
  calls: RecordedCall[],
  before: SmallAccountOptions['before'] = async () => undefined,
): Promise<Served> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const server = createServer(async (incoming, outgoing) => {
    const [, name = '', service = '', ...rest] = (incoming.url ?? '').split('/');
    const body = await bodyOf(incoming);
    const target = backends[service as Service];
    const asked = (status: number): Promise<readonly IamRequest[]> =>
      requestsOf(service as Service, region, {
        method: incoming.method ?? '',
        path: rest.join('/'),
        target: String(incoming.headers['x-amz-target'] ?? ''),
        body,
        status,
      });
    for (const call of await asked(0)) await before({ function: name, ...call }, body.toString());
    const passed = request(
      `${target}/${rest.join('/')}`,
      { method: incoming.method ?? 'POST', headers: { ...incoming.headers, host: new URL(target).host }, agent },
      async (answer) => {
        const answered = await bodyOf(answer);
        for (const call of await asked(answer.statusCode ?? 0)) calls.push({ function: name, ...call });
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(answered);
      },
    );
    passed.on('error', () => outgoing.destroy());
    passed.end(body);
  });
  return serve(server);
};

const bodyOf = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

interface Wire {
  readonly method: string;
  readonly path: string;
  readonly target: string;
  readonly body: Buffer;
  readonly status: number;
}

/** What IAM is asked for one request, by the service authorization reference. */
const requestsOf = async (service: Service, region: string, wire: Wire): Promise<readonly IamRequest[]> => {
  const arn = (of: string, resource: string): string => `arn:aws:${of}:${region}:${ACCOUNT}:${resource}`;
  const operation = wire.target.split('.').at(-1) ?? '';
  switch (service) {
    case 'DYNAMODB': {
      const { TableName, IndexName, RequestItems = {}, Key } = JSON.parse(wire.body.toString());
      const tables: string[] = TableName === undefined ? Object.keys(RequestItems) : [TableName];
      const leading = (table: string): Readonly<Record<string, string>> => {
        const { partitionKey } = TABLE_DEFINITIONS.find(({ name }) => table.endsWith(`-${name}`)) ?? {};
        const value: unknown = partitionKey === undefined ? undefined : Key?.[partitionKey]?.S;
        return typeof value === 'string' ? { 'dynamodb:LeadingKeys': value } : {};
      };
      return tables.map((table) => ({
        action: `dynamodb:${operation}`,
        resource: arn('dynamodb', `table/${table}${IndexName === undefined ? '' : `/index/${IndexName}`}`),
        context: leading(table),
      }));
    }
    case 'S3': {
      const url = new URL(wire.path, 'http://s3/');
      const [bucket = '', ...rest] = decodeURIComponent(url.pathname.slice(1)).split('/');
      const prefix = url.searchParams.get('prefix');
      const listing = { action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}` };
      if (url.searchParams.get('list-type') === '2')
        return [{ ...listing, context: prefix === null ? {} : { 's3:prefix': prefix } }];
      const action =
        { GET: 's3:GetObject', HEAD: 's3:GetObject', PUT: 's3:PutObject', DELETE: 's3:DeleteObject' }[wire.method] ??
        's3:Other';
      const asked = { action, resource: `arn:aws:s3:::${bucket}/${rest.join('/')}`, context: {} };
      // Of an object that is not there S3 says so only to those who may list the bucket, whatever the prefix.
      return wire.status === 404 ? [asked, { ...listing, context: {} }] : [asked];
    }
    case 'KMS':
      return [{ action: `kms:${operation}`, resource: JSON.parse(wire.body.toString()).KeyId, context: {} }];
    case 'SES': {
      const form = new URLSearchParams(wire.body.toString());
      const action = `ses:${form.get('Action')}`;
      if (action !== 'ses:SendRawEmail') return [{ action, resource: '*', context: {} }];
      const { from } = await PostalMime.parse(Buffer.from(form.get('RawMessage.Data') ?? '', 'base64'));
      const address = from?.address ?? '';
      return [`identity/${address.replace(/^.*@/, '')}`, `configuration-set/${form.get('ConfigurationSetName')}`].map(
        (resource) => ({ action, resource: arn('ses', resource), context: { 'ses:FromAddress': address } }),
      );
    }
    case 'SFN':
      return [
        { action: `states:${operation}`, resource: JSON.parse(wire.body.toString()).stateMachineArn, context: {} },
      ];
    case 'EVENTBRIDGE': {
      const entries: readonly { EventBusName: string; Source: string }[] = JSON.parse(wire.body.toString()).Entries;
      return [...new Set(entries.map((one) => one.EventBusName))].map((name) => ({
        action: `events:${operation}`,
        resource: arn('events', `event-bus/${name}`),
        context: {},
      }));
    }
  }
};

/** The part of EventBridge's protocol that is used: PutEvents, which takes all. */
const startSmallBus = (): Promise<Served> =>
  serve(
    createServer(async (incoming, outgoing) => {
      const { Entries } = JSON.parse((await bodyOf(incoming)).toString()) as { Entries: readonly unknown[] };
      outgoing
        .writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
        .end(JSON.stringify({ FailedEntryCount: 0, Entries: Entries.map((_, index) => ({ EventId: `${index}` })) }));
    }),
  );

/** An HTTP API with one function behind it, events in format 2.0. */
const startPages = (invoke: (event: unknown) => Promise<unknown> | undefined): Promise<Served> =>
  serve(
    createServer(async (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const url = new URL(incoming.url ?? '/', 'http://pages');
      const result = (await invoke({
        version: '2.0',
        routeKey: 'ANY /{proxy+}',
        rawPath: url.pathname,
        rawQueryString: url.searchParams.toString(),
        headers: { ...incoming.headers, host: 'survey.example.com' },
        requestContext: {
          http: { method: incoming.method, path: url.pathname, sourceIp: '192.0.2.1' },
          domainName: 'survey.example.com',
        },
        body: (await bodyOf(incoming)).toString('base64'),
        isBase64Encoded: true,
      })) as { statusCode: number; headers: Record<string, string>; body: string; isBase64Encoded?: boolean };
      outgoing
        .writeHead(result.statusCode, result.headers)
        .end(Buffer.from(result.body ?? '', result.isBase64Encoded === true ? 'base64' : 'utf8'));
    }),
  );
