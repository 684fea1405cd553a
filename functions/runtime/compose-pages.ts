import { randomBytes } from 'node:crypto';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { kmsKeyRing, SealedRing } from '#shared/adapters/kms-key-ring.ts';
import { ANSWER_VARIABLES, BASE_VARIABLES } from '#shared/contracts/environment.ts';
import type { Secrets } from '#shared/ports/secrets.ts';
import { readEnvironment } from './environment.ts';
import { projectAnswerPortsFrom, surveyPagePortsFrom, type TableParts } from './page-ports.ts';

/** What the pages are built from in an account, apart from the other functions: it is loaded while a customer waits. */
export type BaseEnvironment = ReturnType<typeof readEnvironment<(typeof BASE_VARIABLES)[number]>>;

export const tableParts = (env: BaseEnvironment): TableParts => ({
  dynamo: dynamoClient(),
  tables: {
    customers: env.TABLE_CUSTOMERS,
    standings: env.TABLE_STANDINGS,
    contacts: env.TABLE_CONTACTS,
    invitations: env.TABLE_INVITATIONS,
    answers: env.TABLE_ANSWERS,
    flags: env.TABLE_FLAGS,
    cases: env.TABLE_CASES,
    runs: env.TABLE_RUNS,
  },
  buckets: env.BUCKETS,
  subjectSource: () => randomBytes(16).toString('base64url'),
  clock: { now: () => new Date().toISOString() },
  businessTimeZone: env.BUSINESS_TIME_ZONE,
});

/** The keys of the stage. */
export const keyRing = (
  { dynamo, tables }: TableParts,
  env: { readonly KEY_RING_KMS_KEY_ARN: string; readonly LINK_KEY_ID?: string },
): Secrets =>
  kmsKeyRing({
    records: dynamoRecords({ client: dynamo, table: tables.runs, kind: 'KEYS', schema: SealedRing }),
    kmsKeyArn: env.KEY_RING_KMS_KEY_ARN,
    ...(env.LINK_KEY_ID === undefined ? {} : { linkKeyId: env.LINK_KEY_ID }),
  });

export const surveyPagePorts = async () => {
  const env = readEnvironment([...BASE_VARIABLES, ...ANSWER_VARIABLES]);
  const parts = tableParts(env);
  const secrets = keyRing(parts, env);
  return surveyPagePortsFrom({
    ...parts,
    addressKey: await secrets.addressKey(),
    linkKeys: await secrets.linkKeys(),
    identity: env.SURVEY_IDENTITY,
  });
};

export const projectAnswerPorts = () => projectAnswerPortsFrom(tableParts(readEnvironment(BASE_VARIABLES)));
