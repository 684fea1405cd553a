import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { serve } from '@hono/node-server';
import * as z from 'zod/mini';
import { projectAnswerPortsFrom, surveyPagePortsFrom } from '#functions/runtime/page-ports.ts';
import {
  type BaseParts,
  checkWavePortsFrom,
  emitEventsPortsFrom,
  escalateCasesPortsFrom,
  importJobPortsFrom,
  importPortsFrom,
  journalFrom,
  mailActionListsPortsFrom,
  mailEventPortsFrom,
  personPortsFrom,
  planWavePortsFrom,
  reportPortsFrom,
  runPortsFrom,
  sendPortsFrom,
  staffMailsFrom,
  startWavePortsFrom,
  wavePortsFrom,
} from '#functions/runtime/ports.ts';
import { FUNCTION_SIZES } from '#infra/function-sizes.ts';
import { directoryFiles } from '#shared/adapters/directory-files.ts';
import { directoryObjects } from '#shared/adapters/directory-objects.ts';
import { dynamoAnswers } from '#shared/adapters/dynamo-answers.ts';
import { dynamoCases } from '#shared/adapters/dynamo-cases.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { dynamoContacts } from '#shared/adapters/dynamo-contacts.ts';
import { dynamoInvitations } from '#shared/adapters/dynamo-invitations.ts';
import { dynamoStaff } from '#shared/adapters/dynamo-staff.ts';
import { dynamoUsage } from '#shared/adapters/dynamo-usage.ts';
import { type EventFile, fileEventBus } from '#shared/adapters/file-event-bus.ts';
import { newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import { sfnWorkflows } from '#shared/adapters/sfn-workflows.ts';
import { checkWave, type WaveCheck } from '#shared/application/check-wave.ts';
import { waveStatus } from '#shared/application/close-wave.ts';
import { emitEvents } from '#shared/application/emit-events.ts';
import { type CaseSweep, escalateCases } from '#shared/application/escalate-cases.ts';
import { surveyApp } from '#shared/application/pages/survey-app.ts';
import { projectPendingAnswers } from '#shared/application/project-answer.ts';
import { teamView } from '#shared/application/team-view.ts';
import { waveResults } from '#shared/application/wave-results.ts';
import type { SurveyIdentity } from '#shared/contracts/survey.ts';
import type { StepName } from '#shared/contracts/workflows.ts';
import type { FileStore } from '#shared/ports/file-store.ts';
import type { AddressKey } from '#shared/ports/secrets.ts';
import { type BusinessClock, openBusinessClock } from './clock.ts';
import { createTables, startDatabase } from './database.ts';
import { droppedFiles } from './dropped-files.ts';
import { bindHandlers } from './handlers.ts';
import { listenOn } from './listen.ts';
import { LOCAL_MAIL_TOPIC_ARN, type MailServer, type MailTrouble, startMailServer } from './mail-server.ts';
import { type ReportServer, startReportServer } from './report-server.ts';
import { createRunner, type ExecutionRecord } from './state-machines.ts';
import { synthesize } from './synthesis.ts';
import { startWorkflowServer } from './workflow-server.ts';

/** What belongs to a data folder for good. */
const StageFile = z.object({
  timeZone: z.string(),
  currency: z.string(),
  /** Parts that customers are spread over; a folder of an earlier version has 256. */
  buckets: z._default(z.number(), 256),
});
export type LocalStage = z.infer<typeof StageFile>;

/** How another process finds a running stack. */
const RunningFile = z.object({
  pid: z.number(),
  database: z.string(),
  workflows: z.string(),
  pages: z.string(),
  inbox: z.string(),
  reports: z.string(),
});
export type RunningStack = z.infer<typeof RunningFile>;

const KeysFile = z.object({ link: z.string(), address: z.string() });

/**
 * Of a new folder. Every run asks for each bucket of both tables, so a small population in many buckets waits for nothing but
 * requests; an account has 4,096, for a hundred million customers.
 */
const BUCKETS = 64;
const SHARDS = 4;
/** Of the local mail server, well above what a wave of the sample needs. */
const MAILS_PER_SECOND = 250;
const CONFIGURATION_SET = 'resegment-local';
const SWEEP_MS = 60_000;
/** Every minute in an account; here a person watches. */
const EVENT_SWEEP_MS = 2_000;
/** How often feeds are looked at. */
const FILE_SWEEP_MS = 1_000;
/** How often open cases are looked at, so that a reader who answers sees the mail to the staff at once. */
const CASE_SWEEP_MS = 2_000;

export const LOCAL_IDENTITY: SurveyIdentity = {
  senderAddress: 'survey@bank.example.com',
  replyToAddress: 'service@bank.example.com',
  company: { en: 'Sample Bank (invented)', 'zh-CN': '样例银行（虚构）' },
  postalAddress: { en: '1 Example Road, Shanghai 200000, China', 'zh-CN': '中国上海市示例路1号，邮编200000' },
  defaultLanguage: 'zh-CN',
  howToVerify: {
    en: 'Ask your account manager, or call the number on your account statement.',
    'zh-CN': '请向您的客户经理核实，或拨打对账单上的电话。',
  },
};
const OPERATOR_ADDRESS = 'operators@bank.example.com';

const TABLES = {
  customers: 'resegment-local-customers',
  standings: 'resegment-local-standings',
  contacts: 'resegment-local-contacts',
  invitations: 'resegment-local-invitations',
  answers: 'resegment-local-answers',
  flags: 'resegment-local-flags',
  cases: 'resegment-local-cases',
  runs: 'resegment-local-runs',
} as const;

export interface StackOptions {
  /** Folder that holds everything of this stack; made if absent. */
  readonly dataDir: string;
  /** For a new folder; an existing one keeps what it has. */
  readonly stage?: Omit<LocalStage, 'buckets'>;
  /** Where the business clock of a new folder starts; now if absent. */
  readonly startAt?: string;
  /** Ports are looked for from here on; 0 takes any. */
  readonly port?: number;
  /** What the mail server makes of mails; nothing goes wrong if absent. */
  readonly trouble?: MailTrouble;
  /** Share of the database's requests, 0..1, that it refuses; none if absent. */
  readonly throttleDatabase?: number;
  /** Mails per second; 200 if absent. */
  readonly mailsPerSecond?: number;
  readonly onStep?: (step: string) => void;
}

/** A running local stack, in this process. */
export interface Stack {
  readonly dataDir: string;
  readonly stage: LocalStage;
  readonly timeZone: string;
  readonly clock: BusinessClock;
  readonly parts: LocalParts;
  readonly run: ReturnType<typeof runPortsFrom>;
  /** What the operator's tool and the loop use. */
  readonly tool: ReturnType<typeof toolPorts>;
  readonly workflows: ReturnType<typeof sfnWorkflows>;
  readonly addresses: RunningStack;
  readonly mail: MailServer;
  readonly reports: ReportServer;
  /** Tells the staff of cases now, and not only every few seconds. */
  sweepCases(): Promise<CaseSweep>;
  /** Sends the events that wait, now and not at the next sweep. */
  emitEvents(): Promise<unknown>;
  /** Resolves when the execution has ended. */
  finished(executionArn: string): Promise<ExecutionRecord>;
  close(): Promise<void>;
}

/** What stores and use cases of a local folder are built from, in the stack's own process or in another. */
export type LocalParts = BaseParts &
  ReturnType<typeof secretsOf> & {
    readonly files: FileStore;
    readonly loadAddressKey: () => Promise<AddressKey>;
  };

export const runningFile = (dataDir: string): string => path.join(dataDir, 'stack.json');

/** The bus of a folder: a file with one event a line. */
export const eventFileOf = (dataDir: string): EventFile => fileEventBus(path.join(dataDir, 'events.jsonl'));

/** Who imports and decides in the name of the loop. */
export const LOOP = 'npm start';

/** The folder's time zone and currency; undefined for a new folder. */
export const readStage = (dataDir: string): LocalStage | undefined =>
  readJsonFile(path.join(dataDir, 'stage.json'), StageFile);

/** Parts for a process that talks to a running stack's servers. */
export const partsFor = (
  dataDir: string,
  database: string,
  clock: BaseParts['clock'],
  timeZone: string,
): LocalParts => ({
  dynamo: dynamoClient({ endpoint: database }),
  tables: TABLES,
  buckets: readStage(dataDir)?.buckets ?? BUCKETS,
  // The sample is the same on every machine, so its subjects are made from the ids and not at random as in an account.
  subjectSource: (customerId) =>
    createHash('sha256').update(`local subject ${customerId}`).digest('base64url').slice(0, 22),
  objects: directoryObjects(path.join(dataDir, 'workspace')),
  files: directoryFiles(path.join(dataDir, 'workspace')),
  clock,
  businessTimeZone: timeZone,
  ...secretsOf(dataDir),
  loadAddressKey: async () => secretsOf(dataDir).addressKey,
});

/** The machines' names and ARNs are those of the synthesized template. */
export const workflowsAt = async (endpoint: string) => {
  const { machines } = await synthesize();
  return sfnWorkflows({
    endpoint,
    machineArns: {
      resegmentation: machines.resegmentation.arn,
      'survey-wave': machines['survey-wave'].arn,
      import: machines.import.arn,
    },
  });
};

/**
 * Opens the local stack on a folder: database, mail server, state machines, pages, reports, all on 127.0.0.1. What an earlier
 * process left unfinished goes on.
 *
 * @throws PermanentError `data-folder-in-use` where another stack runs on the folder
 */
export const openStack = async (options: StackOptions): Promise<Stack> => {
  const { dataDir, onStep = () => undefined } = options;
  process.env['LOG_LEVEL'] ??= 'error';
  mkdirSync(dataDir, { recursive: true });
  const stage = readStage(dataDir) ?? {
    ...(options.stage ?? { timeZone: 'UTC', currency: 'USD' }),
    buckets: BUCKETS,
  };
  onStep('synthesizing the state machines');
  const synthesis = synthesize();
  // An unhandled rejection would end the process while the database opens; the await below reports it.
  synthesis.catch(() => undefined);
  onStep('starting the database');
  const database = await startDatabase({
    dataDir,
    ...(options.throttleDatabase === undefined ? {} : { throttle: options.throttleDatabase }),
  });
  writeJsonFile(path.join(dataDir, 'stage.json'), stage);
  const { tables, machines, functionArns } = await synthesis;
  await createTables(database.endpoint, tables).catch(async (error: unknown) => {
    await database.stop();
    throw error;
  });

  onStep('starting the servers');
  const clock = openBusinessClock({ dataDir, startAt: options.startAt ?? new Date().toISOString() });
  const parts = partsFor(dataDir, database.endpoint, clock, stage.timeZone);
  const port = options.port ?? 4810;
  const pagePorts = surveyPagePortsFrom({ ...parts, identity: LOCAL_IDENTITY });
  const app = surveyApp(pagePorts);
  const pages = await listenOn(port, (free) => serve({ fetch: app.fetch, hostname: '127.0.0.1', port: free }));

  const events: { deliver: (event: unknown) => Promise<unknown> } = {
    deliver: () => Promise.reject(new Error('the stack is still starting')),
  };
  const mail = await startMailServer({
    dataDir: path.join(dataDir, 'mail'),
    port: port + (port === 0 ? 0 : 1),
    verifiedSenders: ['bank.example.com'],
    maxPerSecond: MAILS_PER_SECOND,
    configurationSets: [CONFIGURATION_SET],
    ...(options.trouble === undefined ? {} : { trouble: options.trouble }),
    onEvent: (event) => events.deliver(event),
    clock,
  });
  const sender = mailSenderAt(mail.url);
  const mailed = {
    ...parts,
    mail: sender,
    identity: LOCAL_IDENTITY,
    operatorAddress: OPERATOR_ADDRESS,
    publicBaseUrl: pages.url,
  };
  const run = runPortsFrom({
    ...mailed,
    settings: { businessTimeZone: stage.timeZone, shards: SHARDS, planExpiresHours: 72 },
  });
  const reports = await startReportServer(run, port + (port === 0 ? 0 : 2));
  const projection = projectAnswerPortsFrom(parts);
  const escalation = escalateCasesPortsFrom({ ...mailed, mailRatePerSecond: MAILS_PER_SECOND * 0.8 });
  let sweep: Promise<CaseSweep> | undefined;
  const sweepCases = (): Promise<CaseSweep> => {
    sweep ??= escalateCases(escalation).finally(() => {
      sweep = undefined;
    });
    return sweep;
  };
  const emission = emitEventsPortsFrom({ ...parts, bus: eventFileOf(dataDir) });
  const later: { workflows?: ReturnType<typeof sfnWorkflows> } = {};
  const mailRatePerSecond = options.mailsPerSecond ?? MAILS_PER_SECOND * 0.8;
  const meter = {
    ledger: dynamoUsage({ client: parts.dynamo, table: parts.tables.runs }),
    memoryMbOf: (step: StepName) => FUNCTION_SIZES[step].memoryMb,
    takeStartMs: () => 0,
  };
  const handlers = bindHandlers({
    run: { ...run, meter },
    report: { ...reportPortsFrom(parts), usedOn: 'local', meter },
    startWave: {
      ...startWavePortsFrom({
        ...parts,
        workflows: { start: (...call) => requireSet(later.workflows).start(...call) },
      }),
      meter,
    },
    planWave: { ...planWavePortsFrom({ ...mailed, mailRatePerSecond }), meter },
    send: { ...sendPortsFrom({ ...mailed, mailRatePerSecond }), meter },
    wave: { ...wavePortsFrom(parts), meter },
    mailEvents: mailEventPortsFrom({ ...mailed, mailEventsTopicArn: LOCAL_MAIL_TOPIC_ARN }),
    projectAnswers: projection,
    escalateCases: escalation,
    mailActionLists: {
      ...mailActionListsPortsFrom({ ...mailed, mailRatePerSecond: MAILS_PER_SECOND * 0.8 }),
      meter,
    },
    emitEvents: emission,
    imports: importJobPortsFrom({ ...parts, currency: stage.currency }),
  });
  events.deliver = async (event) => {
    const result = await handlers['ingest-mail-event'](event);
    if (z.safeParse(z.object({ batchItemFailures: z.array(z.unknown()).check(z.maxLength(0)) }), result).success)
      return;
    throw new Error('the event could not be taken');
  };
  const runner = createRunner({
    machines,
    handlers,
    functionArns,
    clock,
    journalDir: path.join(dataDir, 'executions'),
  });
  const server = await startWorkflowServer({
    runner,
    clock,
    afterMove: async () => {
      await sweep;
      return { cases: await sweepCases() };
    },
    port: port + (port === 0 ? 0 : 3),
  });
  const workflows = await workflowsAt(server.url);
  later.workflows = workflows;

  const addresses: RunningStack = {
    pid: process.pid,
    database: database.endpoint,
    workflows: server.url,
    pages: pages.url,
    inbox: mail.url,
    reports: reports.url,
  };
  writeJsonFile(runningFile(dataDir), addresses);
  await mail.flushEvents();
  await projectPendingAnswers(projection);
  runner.resumeUnfinished();
  const lookForFiles = droppedFiles({ ...parts, workflows });
  const fileSweeping = setInterval(() => void lookForFiles().catch(() => undefined), FILE_SWEEP_MS);
  const sweeping = setInterval(() => void projectPendingAnswers(projection).catch(() => undefined), SWEEP_MS);
  sweeping.unref();
  let isClosing = false;
  let emitting: Promise<unknown> | undefined;
  const emit = (): Promise<unknown> => {
    emitting ??= emitEvents({ ...emission, isOutOfTime: () => isClosing }).finally(() => {
      emitting = undefined;
    });
    return emitting;
  };
  const eventSweeping = setInterval(() => void emit().catch(() => undefined), EVENT_SWEEP_MS);
  eventSweeping.unref();
  const caseSweeping = setInterval(() => void sweepCases().catch(() => undefined), CASE_SWEEP_MS);
  caseSweeping.unref();

  return {
    dataDir,
    stage,
    timeZone: stage.timeZone,
    clock,
    parts,
    run,
    tool: toolPorts(parts),
    workflows,
    addresses,
    mail,
    reports,
    sweepCases,
    emitEvents: emit,
    finished: (executionArn) => runner.finished(executionArn),
    close: async () => {
      clearInterval(fileSweeping);
      clearInterval(sweeping);
      clearInterval(caseSweeping);
      clearInterval(eventSweeping);
      isClosing = true;
      await emitting?.catch(() => undefined);
      await sweep?.catch(() => undefined);
      rmSync(runningFile(dataDir), { force: true });
      await server.close();
      await runner.close();
      await new Promise<void>((resolve) => {
        pages.server.close(() => resolve());
        if ('closeAllConnections' in pages.server) pages.server.closeAllConnections();
      });
      await reports.stop();
      await mail.stop();
      clock.stop();
      parts.dynamo.destroy();
      await database.stop();
    },
  };
};

/** Sends through the mail server of a running stack. */
const mailSenderAt = (url: string) =>
  sesMailSender({
    client: newSesClient({
      endpoint: url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    }),
    configurationSet: CONFIGURATION_SET,
  });

/** What a wave would do, asked of the mail server at `inbox`. */
export const waveCheckAt =
  (parts: LocalParts, inbox: string) =>
  (runId: string): Promise<WaveCheck> =>
    checkWave(
      runId,
      checkWavePortsFrom({ ...parts, mail: mailSenderAt(inbox), mailRatePerSecond: MAILS_PER_SECOND * 0.8 }),
    );

/** The stores that the operator's tool uses, over a folder's parts. */
export const toolPorts = (parts: LocalParts) => {
  const imports = importPortsFrom(parts);
  const jobs = importJobPortsFrom({ ...parts, currency: '' });
  const ledger = wavePortsFrom(parts);
  const contacts = dynamoContacts(parts.dynamo, parts.tables.contacts, parts.addressKey);
  const cases = dynamoCases(parts.dynamo, parts.tables.cases, parts.clock);
  return {
    contacts: imports.contacts,
    batches: imports.batches,
    importRecords: jobs.imports,
    feeds: jobs.feeds,
    workspaceFiles: parts.files,
    staff: dynamoStaff(parts.dynamo, parts.tables.runs),
    staffMails: staffMailsFrom(parts),
    cases,
    caseArchive: cases,
    journal: journalFrom(parts),
    usage: dynamoUsage({ client: parts.dynamo, table: parts.tables.runs }),
    waves: ledger.waves,
    invitations: dynamoInvitations(parts.dynamo, parts.tables.invitations, parts.clock),
    answers: dynamoAnswers(parts.dynamo, parts.tables.answers, parts.clock),
    waveResults: (waveId: string, segments: readonly string[]) => waveResults(waveId, ledger, segments),
    teamView: (waveId: string, segments: readonly string[]) => teamView(waveId, { ...ledger, cases }, segments),
    waveStatus: (waveId: string) => waveStatus(waveId, { ...ledger, contacts }),
    imports: { ...imports, by: LOOP },
    persons: personPortsFrom(parts, async () => parts.addressKey),
  };
};

/** Keys of a folder: made at its first opening, readable by its owner only. */
const secretsOf = (dataDir: string) => {
  const file = path.join(dataDir, 'keys.json');
  let keys = readJsonFile(file, KeysFile);
  if (keys === undefined) {
    keys = { link: randomBytes(32).toString('base64'), address: randomBytes(32).toString('base64') };
    writeJsonFile(file, keys);
  }
  return {
    linkKeys: { currentKid: 'l1', keys: { l1: Buffer.from(keys.link, 'base64') } },
    addressKey: { kid: 'a1', key: Buffer.from(keys.address, 'base64') },
  };
};

const requireSet = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the stack is still starting');
  return value;
};

export const readJsonFile = <T>(file: string, schema: z.ZodMiniType<T>): T | undefined => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return schema.parse(JSON.parse(text));
};

/** Writes the whole file or leaves the old one. */
export const writeJsonFile = (file: string, value: unknown): void => {
  writeFileSync(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
};
