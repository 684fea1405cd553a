import { type EntryFunction, type StepName, TABLES, type TableName } from './workflows.ts';

/** Any function that is deployed. */
export type FunctionName = StepName | EntryFunction;

/** `customers` is found in `TABLE_CUSTOMERS`. */
export const tableVariable = (table: TableName): `TABLE_${Uppercase<TableName>}` => TABLE_VARIABLES[table];

export const TABLE_VARIABLES = {
  customers: 'TABLE_CUSTOMERS',
  standings: 'TABLE_STANDINGS',
  contacts: 'TABLE_CONTACTS',
  invitations: 'TABLE_INVITATIONS',
  answers: 'TABLE_ANSWERS',
  flags: 'TABLE_FLAGS',
  cases: 'TABLE_CASES',
  runs: 'TABLE_RUNS',
} as const satisfies Record<TableName, `TABLE_${Uppercase<TableName>}`>;

/** Environment that every function has. */
export const BASE_VARIABLES = [
  'STAGE',
  'BUSINESS_TIME_ZONE',
  'CURRENCY',
  'BUCKETS',
  'WORKSPACE_BUCKET',
  ...TABLES.map((table) => TABLE_VARIABLES[table]),
] as const;

/** Environment of the steps of a run. */
export const RUN_VARIABLES = [
  'SHARDS',
  'PLAN_EXPIRES_HOURS',
  'OPERATOR_ADDRESS',
  'SURVEY_IDENTITY',
  'CONFIGURATION_SET',
  'SURVEY_MACHINE_ARN',
] as const;

/** Environment of the steps of a survey wave, and of what answers its mails. */
export const SURVEY_VARIABLES = [
  'PUBLIC_BASE_URL',
  'SURVEY_IDENTITY',
  'CONFIGURATION_SET',
  'LINK_KEY_ID',
  'KEY_RING_KMS_KEY_ARN',
  'MAIL_RATE_PER_SECOND',
] as const;

/** Environment of whatever can stop a wave and tells the operators of it. */
const BRAKE_VARIABLES = ['SURVEY_IDENTITY', 'CONFIGURATION_SET', 'OPERATOR_ADDRESS', 'MAIL_BRAKES'] as const;

/** Environment of the functions that send. */
export const SEND_VARIABLES = [...new Set([...SURVEY_VARIABLES, ...BRAKE_VARIABLES])] as const;

/** Environment of the function behind the pages. */
export const ANSWER_VARIABLES = ['LINK_KEY_ID', 'KEY_RING_KMS_KEY_ARN', 'SURVEY_IDENTITY'] as const;

/** Environment of the function that reads the events of mails. */
export const MAIL_EVENT_VARIABLES = ['MAIL_EVENTS_TOPIC_ARN', 'KEY_RING_KMS_KEY_ARN', ...BRAKE_VARIABLES] as const;

/** Environment of the functions that mail the staff. */
export const STAFF_MAIL_VARIABLES = [
  'SURVEY_IDENTITY',
  'CONFIGURATION_SET',
  'OPERATOR_ADDRESS',
  'MAIL_RATE_PER_SECOND',
] as const;

/** Environment of the steps of an import. */
export const IMPORT_VARIABLES = ['KEY_RING_KMS_KEY_ARN'] as const;

/** Environment of the function that sends events to other systems. */
export const EVENT_VARIABLES = ['EVENT_BUS'] as const;

export type VariableName =
  | (typeof EVENT_VARIABLES)[number]
  | (typeof BASE_VARIABLES)[number]
  | (typeof IMPORT_VARIABLES)[number]
  | (typeof RUN_VARIABLES)[number]
  | (typeof SEND_VARIABLES)[number]
  | (typeof ANSWER_VARIABLES)[number]
  | (typeof MAIL_EVENT_VARIABLES)[number]
  | (typeof STAFF_MAIL_VARIABLES)[number];

const RUN = [...BASE_VARIABLES, ...RUN_VARIABLES];
const SURVEY = [...BASE_VARIABLES, ...SURVEY_VARIABLES];
const SEND = [...BASE_VARIABLES, ...SEND_VARIABLES];
const IMPORT = [...BASE_VARIABLES, ...IMPORT_VARIABLES];

/** The variables of each function: `infra` sets exactly these, and the function's services read no others. */
export const FUNCTION_VARIABLES: Readonly<Record<FunctionName, readonly VariableName[]>> = {
  'open-run': RUN,
  'plan-shards': RUN,
  'measure-shard': RUN,
  calibrate: RUN,
  'assign-shard': RUN,
  'review-plan': RUN,
  'begin-apply': RUN,
  'apply-shard': RUN,
  'publish-run': RUN,
  'write-report': BASE_VARIABLES,
  'start-wave': RUN,
  'mail-action-lists': [...BASE_VARIABLES, ...STAFF_MAIL_VARIABLES],
  'assert-run-healthy': RUN,
  'fail-run': RUN,
  'plan-wave': SURVEY,
  'send-invitations': SEND,
  'look-up-wave': BASE_VARIABLES,
  'send-reminders': SEND,
  'close-wave': BASE_VARIABLES,
  'assert-wave-healthy': BASE_VARIABLES,
  'split-import': IMPORT,
  'check-import-range': IMPORT,
  'tally-import-ids': IMPORT,
  'count-absent-customers': IMPORT,
  'review-import': IMPORT,
  'write-import-range': IMPORT,
  'sweep-customers': IMPORT,
  'import-whole-file': IMPORT,
  'finish-import': IMPORT,
  'fail-import': IMPORT,
  'answer-survey': [...BASE_VARIABLES, ...ANSWER_VARIABLES],
  'ingest-mail-event': [...BASE_VARIABLES, ...MAIL_EVENT_VARIABLES],
  'project-answers': BASE_VARIABLES,
  'escalate-cases': [...BASE_VARIABLES, ...STAFF_MAIL_VARIABLES],
  'emit-events': [...BASE_VARIABLES, ...EVENT_VARIABLES],
};
