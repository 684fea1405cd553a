import type { FunctionName } from '#shared/contracts/environment.ts';
import type { TableName } from '#shared/contracts/workflows.ts';

/** DynamoDB actions, by what a function does with a table. */
export const TABLE_ACTIONS = {
  get: ['dynamodb:GetItem', 'dynamodb:BatchGetItem'],
  query: ['dynamodb:Query'],
  put: ['dynamodb:PutItem'],
  /** A write that leaves on the item what waits on it: events that have yet to leave. */
  update: ['dynamodb:UpdateItem'],
  /** Of items that a customer's facts no longer need, or that came after the customer was erased. */
  remove: ['dynamodb:DeleteItem'],
} as const;
export type TableAccess = keyof typeof TABLE_ACTIONS;

/** S3 actions on objects, by what a function does with a folder of the workspace. */
export const FOLDER_ACTIONS = { read: ['s3:GetObject'], write: ['s3:GetObject', 's3:PutObject'] } as const;
export type FolderAccess = keyof typeof FOLDER_ACTIONS;
export const WORKSPACE_FOLDERS = ['runs', 'policies', 'waves'] as const;
export type WorkspaceFolder = (typeof WORKSPACE_FOLDERS)[number];

/** SES knows these for the account as a whole; they name no resource and only read. */
export const MAIL_ACCOUNT_ACTIONS = [
  'ses:GetSendQuota',
  'ses:GetSendStatistics',
  'ses:GetAccountSendingEnabled',
] as const;

/** All that one function may do. */
export interface FunctionAccess {
  readonly tables: Readonly<Partial<Record<TableName, readonly TableAccess[]>>>;
  readonly workspace: Readonly<Partial<Record<WorkspaceFolder, FolderAccess>>>;
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

const RUN_RECORD = { runs: ['get', 'put'] } as const;
const READS_RUN_RECORD = { runs: ['get'] } as const;
const WAVE_RECORD = { runs: ['get', 'put'] } as const;
/** The wave's record, and the tallies of its batches. */
const BRAKES_WAVE = { runs: ['get', 'put', 'query'] } as const;

/** Projecting an answer: to the customer's facts, and a case if it is due; of a customer erased meanwhile both go. */
const PROJECTS_ANSWERS = {
  customers: ['get', 'query', 'put', 'remove'],
  answers: ['get', 'query', 'update', 'remove'],
  cases: ['get', 'update', 'remove'],
} as const;

const SENDS = {
  tables: { ...BRAKES_WAVE, invitations: ['get', 'put'], contacts: ['get', 'put'], answers: ['get'] },
  workspace: { policies: 'read', waves: 'write' },
  sendsMail: true,
  usesKeyRing: true,
} as const;

/** The one place that says who may do what. Contacts are open to planning, sending, answering and mail events only. */
export const FUNCTION_ACCESS: Readonly<Record<FunctionName, FunctionAccess>> = {
  'open-run': { tables: { ...RUN_RECORD, ...PROJECTS_ANSWERS }, workspace: { policies: 'read', runs: 'write' } },
  'plan-shards': { tables: READS_RUN_RECORD, workspace: {} },
  'measure-shard': {
    tables: { ...READS_RUN_RECORD, customers: ['query'], standings: ['query'] },
    workspace: { policies: 'read', runs: 'write' },
  },
  calibrate: { tables: READS_RUN_RECORD, workspace: { policies: 'read', runs: 'write' } },
  'assign-shard': { tables: READS_RUN_RECORD, workspace: { policies: 'read', runs: 'write' } },
  'review-plan': { tables: RUN_RECORD, workspace: { policies: 'read', runs: 'write' }, sendsMail: true },
  'begin-apply': { tables: RUN_RECORD, workspace: {} },
  'apply-shard': {
    tables: {
      ...READS_RUN_RECORD,
      customers: ['get', 'query'],
      standings: ['put'],
      flags: ['get', 'update'],
    },
    workspace: { policies: 'read', runs: 'write' },
  },
  'publish-run': { tables: RUN_RECORD, workspace: { policies: 'read', runs: 'write' } },
  'write-report': {
    tables: {
      // The runs and waves before, for changes since then and for what became of flags.
      runs: ['get', 'query'],
      customers: ['get', 'query'],
      flags: ['get'],
      cases: ['get', 'query'],
      invitations: ['get'],
      answers: ['get'],
    },
    workspace: { policies: 'read', runs: 'write', waves: 'read' },
  },
  'start-wave': { tables: WAVE_RECORD, workspace: { policies: 'read' }, startsSurveys: true },
  'mail-action-lists': {
    tables: { runs: ['get', 'query', 'put'], customers: ['get', 'query'], cases: ['query'] },
    workspace: { policies: 'read', runs: 'read' },
    sendsMail: true,
  },
  'assert-run-healthy': { tables: RUN_RECORD, workspace: {} },
  'fail-run': { tables: RUN_RECORD, workspace: {} },
  'plan-wave': {
    tables: {
      runs: ['get', 'put', 'query'],
      customers: ['get', 'query'],
      contacts: ['get', 'put'],
      invitations: ['get', 'put', 'remove'],
    },
    workspace: { policies: 'read', runs: 'read', waves: 'write' },
    usesKeyRing: true,
    asksMailAccount: true,
  },
  'send-invitations': SENDS,
  'look-up-wave': {
    tables: { ...WAVE_RECORD, invitations: ['get'], answers: ['get'] },
    workspace: { waves: 'read' },
  },
  'send-reminders': SENDS,
  'close-wave': {
    tables: { ...WAVE_RECORD, invitations: ['get'], answers: ['get'] },
    workspace: { policies: 'read', waves: 'write' },
  },
  'assert-wave-healthy': {
    tables: { ...WAVE_RECORD, invitations: ['get'], answers: ['get'] },
    workspace: { waves: 'read' },
  },
  'answer-survey': {
    tables: { ...READS_RUN_RECORD, ...PROJECTS_ANSWERS, invitations: ['get'], contacts: ['get', 'put'] },
    workspace: {},
    usesKeyRing: true,
  },
  'ingest-mail-event': {
    tables: { ...BRAKES_WAVE, invitations: ['get', 'put'], contacts: ['get', 'put'] },
    workspace: {},
    sendsMail: true,
    usesKeyRing: true,
  },
  'project-answers': { tables: PROJECTS_ANSWERS, workspace: {} },
  /** `runs` has the runs, the cursor, and events that belong to no item. */
  'emit-events': {
    tables: {
      answers: ['get', 'query', 'update'],
      cases: ['get', 'query', 'update'],
      flags: ['get', 'query', 'update'],
      customers: ['get', 'query'],
      runs: ['get', 'query', 'put', 'remove'],
    },
    workspace: { runs: 'read' },
    sendsEvents: true,
  },
  /** `runs` has the staff directory, the waves and the rate of mails. */
  'escalate-cases': {
    tables: { cases: ['get', 'query', 'update'], runs: ['get', 'query', 'put'] },
    workspace: { policies: 'read' },
    sendsMail: true,
  },
};
