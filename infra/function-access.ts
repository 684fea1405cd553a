import type { FunctionName } from '#shared/contracts/environment.ts';
import type { TableName } from '#shared/contracts/workflows.ts';

/** DynamoDB actions, by what a function does with a table. */
export const TABLE_ACTIONS = {
  get: 'dynamodb:GetItem',
  getMany: 'dynamodb:BatchGetItem',
  query: 'dynamodb:Query',
  put: 'dynamodb:PutItem',
  /** A write that leaves on the item what waits on it: events that have yet to leave. */
  update: 'dynamodb:UpdateItem',
  /** Of items that a customer's facts no longer need, or that came after the customer was erased. */
  remove: 'dynamodb:DeleteItem',
} as const;

/** Sparse indexes that may be queried; the table itself is not open by that. */
export const INDEXES = ['open', 'outbox', 'pending'] as const;
type IndexName = (typeof INDEXES)[number];

export type TableAccess = keyof typeof TABLE_ACTIONS | `list ${IndexName}`;

/** S3 actions on objects, by what a function does with a folder of the workspace. */
export const FOLDER_ACTIONS = {
  read: 's3:GetObject',
  write: 's3:PutObject',
  /** Of what is needed no longer. */
  remove: 's3:DeleteObject',
  /** Of a file that was half written. */
  giveUp: 's3:AbortMultipartUpload',
} as const;
export type FolderAccess = keyof typeof FOLDER_ACTIONS;
/** `requests` has the lists of customers that limit a run. */
export const WORKSPACE_FOLDERS = ['runs', 'policies', 'waves', 'requests', 'imports', 'incoming'] as const;
export type WorkspaceFolder = (typeof WORKSPACE_FOLDERS)[number];

/** SES knows these for the account as a whole; they name no resource and only read. */
export const MAIL_ACCOUNT_ACTIONS = [
  'ses:GetSendQuota',
  'ses:GetSendStatistics',
  'ses:GetAccountSendingEnabled',
] as const;

/** Adding to what a step used: counters of one kind in table `runs`, and no other item of it. */
export const USAGE_ACTIONS = ['dynamodb:UpdateItem'] as const;

/** All that one function may do. */
export interface FunctionAccess {
  readonly tables: Readonly<Partial<Record<TableName, readonly TableAccess[]>>>;
  readonly workspace: Readonly<Partial<Record<WorkspaceFolder, readonly FolderAccess[]>>>;
  /** May send mail from the stage's identity through its configuration set. */
  readonly sendsMail?: true;
  /** May ask Amazon SES for the account's quota and reputation, which belong to no resource. */
  readonly asksMailAccount?: true;
  /** May decrypt the ring of link keys and the key of address hashes; the ring itself is in table `runs`. */
  readonly usesKeyRing?: true;
  /** May start executions of `survey-wave`. */
  readonly startsSurveys?: true;
  /** May put events on the bus for other systems. */
  readonly sendsEvents?: true;
}

/** The steps of runs and waves, which keep what they used. */
export const KEEPS_USAGE: ReadonlySet<FunctionName> = new Set<FunctionName>([
  'open-run',
  'plan-shards',
  'measure-shard',
  'calibrate',
  'assign-shard',
  'review-plan',
  'begin-apply',
  'apply-shard',
  'publish-run',
  'write-report',
  'start-wave',
  'mail-action-lists',
  'assert-run-healthy',
  'fail-run',
  'plan-wave',
  'send-invitations',
  'look-up-wave',
  'send-reminders',
  'close-wave',
  'assert-wave-healthy',
]);

const RUN_RECORD = { runs: ['get', 'put'] } as const;
const READS_RUN_RECORD = { runs: ['get'] } as const;
const WAVE_RECORD = { runs: ['get', 'put'] } as const;
/** The wave's record, and the tallies of its batches. */
const BRAKES_WAVE = { runs: ['get', 'put', 'query'] } as const;

/** By id, with the parts of a long history; the item alone once more where a part was replaced between the two reads. */
const READS_CUSTOMERS = ['getMany', 'query', 'get'] as const;

/** Projecting an answer: to the customer's facts, and a case if it is due; of a customer erased meanwhile both go. */
const PROJECTS_ANSWERS = {
  customers: [...READS_CUSTOMERS, 'put', 'remove'],
  answers: ['get', 'update', 'remove'],
  cases: ['get', 'update', 'remove'],
} as const;
const SWEEPS_ANSWERS = { ...PROJECTS_ANSWERS, answers: ['list pending', ...PROJECTS_ANSWERS.answers] } as const;

const POLICIES = { policies: ['read'] } as const;
const READS_AND_WRITES = ['read', 'write'] as const;

/** What the ledger of a wave is counted from. */
const COUNTS_WAVE = { invitations: ['getMany'], answers: ['getMany'] } as const;

/** What the steps of an import leave for each other in the workspace. */
const IMPORTS = { tables: {}, workspace: { imports: ['read', 'write'] } } as const;
/** The file too, which another system may have dropped. */
const READS_FILE = { imports: ['read', 'write'], incoming: ['read'] } as const;
const WRITES_CUSTOMERS = [...READS_CUSTOMERS, 'put', 'remove'] as const;

const SENDS = {
  sendsMail: true,
  usesKeyRing: true,
  workspace: { waves: ['read'] },
} as const;
const SENDS_FROM = { ...BRAKES_WAVE, invitations: ['getMany', 'get', 'put'], contacts: ['get', 'put'] } as const;

/** The one place that says who may do what. Contacts are open to planning, sending, answering and mail events only. */
export const FUNCTION_ACCESS: Readonly<Record<FunctionName, FunctionAccess>> = {
  'open-run': { tables: { ...RUN_RECORD, ...SWEEPS_ANSWERS }, workspace: POLICIES },
  'plan-shards': { tables: READS_RUN_RECORD, workspace: {} },
  'measure-shard': {
    tables: { ...READS_RUN_RECORD, customers: ['query', 'get'], standings: ['query'] },
    workspace: { ...POLICIES, runs: READS_AND_WRITES, requests: ['read'] },
  },
  calibrate: { tables: READS_RUN_RECORD, workspace: { ...POLICIES, runs: READS_AND_WRITES } },
  'assign-shard': { tables: READS_RUN_RECORD, workspace: { ...POLICIES, runs: READS_AND_WRITES } },
  'review-plan': { tables: RUN_RECORD, workspace: { ...POLICIES, runs: READS_AND_WRITES }, sendsMail: true },
  'begin-apply': { tables: RUN_RECORD, workspace: {} },
  'apply-shard': {
    tables: {
      ...READS_RUN_RECORD,
      customers: READS_CUSTOMERS,
      standings: ['getMany', 'put'],
      flags: ['get', 'update'],
    },
    workspace: { ...POLICIES, runs: READS_AND_WRITES },
  },
  'publish-run': { tables: RUN_RECORD, workspace: { ...POLICIES, runs: READS_AND_WRITES } },
  'write-report': {
    tables: {
      // The runs and waves before, for changes since then and for what became of flags.
      runs: ['get', 'query'],
      customers: READS_CUSTOMERS,
      flags: ['get'],
      cases: ['get', 'list open'],
      ...COUNTS_WAVE,
    },
    workspace: { ...POLICIES, runs: READS_AND_WRITES, waves: ['read'] },
  },
  'start-wave': { tables: WAVE_RECORD, workspace: POLICIES, startsSurveys: true },
  'mail-action-lists': {
    tables: { runs: ['get', 'query', 'put'], customers: READS_CUSTOMERS, cases: ['list open'] },
    workspace: { ...POLICIES, runs: ['read'] },
    sendsMail: true,
  },
  'assert-run-healthy': { tables: RUN_RECORD, workspace: {} },
  'fail-run': { tables: RUN_RECORD, workspace: {} },
  'plan-wave': {
    tables: {
      runs: ['get', 'put', 'query'],
      customers: READS_CUSTOMERS,
      contacts: ['getMany', 'get', 'put'],
      invitations: ['getMany', 'put', 'remove'],
    },
    workspace: { ...POLICIES, runs: ['read'], waves: READS_AND_WRITES },
    usesKeyRing: true,
    asksMailAccount: true,
  },
  'send-invitations': { ...SENDS, tables: SENDS_FROM },
  'look-up-wave': { tables: { ...WAVE_RECORD, ...COUNTS_WAVE }, workspace: { waves: ['read'] } },
  'send-reminders': { ...SENDS, tables: { ...SENDS_FROM, answers: ['getMany'] } },
  'close-wave': { tables: { ...WAVE_RECORD, ...COUNTS_WAVE }, workspace: { waves: READS_AND_WRITES } },
  'assert-wave-healthy': { tables: { ...READS_RUN_RECORD, ...COUNTS_WAVE }, workspace: { waves: ['read'] } },
  /** `runs` has the feeds. */
  'split-import': { tables: { runs: ['get', 'put', 'query'] }, workspace: READS_FILE },
  /** The key ring tells who was erased and is not taken up again. */
  'check-import-range': { tables: READS_RUN_RECORD, workspace: READS_FILE, usesKeyRing: true },
  'tally-import-ids': IMPORTS,
  'count-absent-customers': { ...IMPORTS, tables: { customers: ['query', 'get'] } },
  /** `runs` has the batches before. */
  'review-import': { ...IMPORTS, tables: { runs: ['get', 'put', 'query'] } },
  'write-import-range': {
    tables: { ...READS_RUN_RECORD, customers: WRITES_CUSTOMERS, contacts: ['get', 'put'] },
    workspace: READS_FILE,
    usesKeyRing: true,
  },
  'sweep-customers': { ...IMPORTS, tables: { customers: WRITES_CUSTOMERS } },
  /** `runs` has the staff directory and the batches. */
  'import-whole-file': {
    tables: { runs: ['get', 'put', 'query'], customers: WRITES_CUSTOMERS },
    workspace: { imports: READS_AND_WRITES, incoming: ['read'] },
  },
  'finish-import': { tables: RUN_RECORD, workspace: { imports: [...READS_AND_WRITES, 'remove', 'giveUp'] } },
  'fail-import': { tables: RUN_RECORD, workspace: { imports: ['read'] } },
  'answer-survey': {
    tables: { ...READS_RUN_RECORD, ...PROJECTS_ANSWERS, invitations: ['get'], contacts: ['get', 'put'] },
    workspace: {},
    usesKeyRing: true,
  },
  /** `runs` has the staff directory and the mails of action lists too; `cases` the mails about each. */
  'ingest-mail-event': {
    tables: { ...BRAKES_WAVE, invitations: ['get', 'put'], contacts: ['get', 'put'], cases: ['get', 'update'] },
    workspace: {},
    sendsMail: true,
    usesKeyRing: true,
  },
  'project-answers': { tables: SWEEPS_ANSWERS, workspace: {} },
  /** `runs` has the runs, the cursor, and events that belong to no item. */
  'emit-events': {
    tables: {
      answers: ['list outbox', 'getMany', 'get', 'update'],
      cases: ['list outbox', 'getMany', 'get', 'update'],
      flags: ['list outbox', 'getMany', 'get', 'update'],
      customers: READS_CUSTOMERS,
      runs: ['get', 'query', 'put', 'remove'],
    },
    workspace: { runs: ['read'] },
    sendsEvents: true,
  },
  /** `runs` has the staff directory, the waves and the rate of mails. */
  'escalate-cases': {
    tables: { cases: ['list open', 'get', 'update'], runs: ['get', 'query', 'put'] },
    workspace: POLICIES,
    sendsMail: true,
  },
};
