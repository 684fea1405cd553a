import { randomBytes } from 'node:crypto';
import {
  checkWavePortsFrom,
  contactsOnDemand,
  journalFrom,
  personPortsFrom,
  staffMailsFrom,
  wavePortsFrom,
} from '#functions/runtime/ports.ts';
import { storesFrom } from '#functions/runtime/stores.ts';
import { isStage, STAGES } from '#infra/stage-config.ts';
import { callerOf, placeOfTable } from '#shared/adapters/describe-stage.ts';
import { dynamoAnswers } from '#shared/adapters/dynamo-answers.ts';
import { dynamoCases } from '#shared/adapters/dynamo-cases.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { dynamoStaff } from '#shared/adapters/dynamo-staff.ts';
import { dynamoUsage } from '#shared/adapters/dynamo-usage.ts';
import { kmsKeyRing, kmsKeyRingKeeper, SealedRing } from '#shared/adapters/kms-key-ring.ts';
import { s3Files } from '#shared/adapters/s3-files.ts';
import { s3Client, s3Objects } from '#shared/adapters/s3-objects.ts';
import { newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import { sfnWorkflows } from '#shared/adapters/sfn-workflows.ts';
import { checkWave } from '#shared/application/check-wave.ts';
import { waveStatus } from '#shared/application/close-wave.ts';
import { teamView } from '#shared/application/team-view.ts';
import { waveResults } from '#shared/application/wave-results.ts';
import { ImportBatch } from '#shared/contracts/import-batch.ts';
import { Feed, ImportRecord } from '#shared/contracts/import-job.ts';
import type { Target, TargetOptions } from './target.ts';
import { UsageError } from './usage-error.ts';

/**
 * A stage of an account: names by convention, the region of its configuration, the account that the caller's credentials reach. A
 * region of the caller's own profile counts for nothing: the stage is not there.
 */
export const openAwsTarget = async ({ stage }: TargetOptions): Promise<Target> => {
  if (!isStage(stage) || stage === 'local') {
    const deployable = Object.keys(STAGES).filter((name) => name !== 'local');
    throw new UsageError(
      'stage-unknown',
      `--stage must be one of ${deployable.join(', ')}, got ${JSON.stringify(stage)}`,
    );
  }
  const { buckets, businessTimeZone, currency, mailRatePerSecond, region } = STAGES[stage];
  const dynamo = dynamoClient({ region });
  const name = (part: string): string => `resegment-${stage}-${part}`;
  const { partition, account } = await placeOfTable(dynamo, name('customers'));
  const tables = {
    customers: name('customers'),
    standings: name('standings'),
    contacts: name('contacts'),
    invitations: name('invitations'),
    answers: name('answers'),
    flags: name('flags'),
    cases: name('cases'),
    runs: name('runs'),
  };
  const s3 = s3Client({ region });
  const bucket = `${name('workspace')}-${account}-${region}`;
  const parts = {
    dynamo,
    tables,
    buckets,
    subjectSource: () => randomBytes(16).toString('base64url'),
    objects: s3Objects({ client: s3, bucket }),
    clock: { now: () => new Date().toISOString() },
    businessTimeZone,
  };
  const ledger = wavePortsFrom(parts);
  const cases = dynamoCases(dynamo, tables.cases, parts.clock);
  const ringPlace = {
    records: dynamoRecords({ client: dynamo, table: tables.runs, kind: 'KEYS', schema: SealedRing }),
    kmsKeyArn: `arn:${partition}:kms:${region}:${account}:alias/${name('key-ring')}`,
  };
  const keyRing = kmsKeyRing(ringPlace);
  /** Who makes up addresses needs the right to decrypt the ring; nobody else asks for it. */
  const contacts = contactsOnDemand(parts, () => keyRing.addressKey());
  const machine = (workflow: string): string =>
    `arn:${partition}:states:${region}:${account}:stateMachine:${name(workflow)}`;
  return {
    describe: () => ({ target: 'aws', stage, account, region }),
    caller: await callerOf(region),
    keyRing: kmsKeyRingKeeper(ringPlace),
    ...storesFrom(parts),
    clock: parts.clock,
    timeZone: businessTimeZone,
    currency,
    workflows: sfnWorkflows({
      region,
      machineArns: {
        resegmentation: machine('resegmentation'),
        'survey-wave': machine('survey-wave'),
        import: machine('import'),
      },
    }),
    cases,
    caseArchive: cases,
    journal: journalFrom(parts),
    usage: dynamoUsage({ client: dynamo, table: tables.runs }),
    answers: dynamoAnswers(dynamo, tables.answers, parts.clock),
    waves: ledger.waves,
    waveResults: (waveId, segments) => waveResults(waveId, ledger, segments),
    teamView: (waveId, segments) => teamView(waveId, { ...ledger, cases }, segments),
    checkWave: (runId) =>
      checkWave(
        runId,
        checkWavePortsFrom({
          ...parts,
          mail: sesMailSender({ client: newSesClient({ region }), configurationSet: `resegment-${stage}` }),
          mailRatePerSecond,
        }),
      ),
    waveStatus: (waveId) => waveStatus(waveId, { ...ledger, contacts }),
    batches: dynamoRecords({ client: dynamo, table: tables.runs, kind: 'BATCH', schema: ImportBatch }),
    importRecords: dynamoRecords({ client: dynamo, table: tables.runs, kind: 'IMPORT', schema: ImportRecord }),
    feeds: dynamoRecords({ client: dynamo, table: tables.runs, kind: 'FEED', schema: Feed }),
    workspaceFiles: s3Files({ client: s3, bucket }),
    staff: dynamoStaff(dynamo, tables.runs),
    staffMails: staffMailsFrom({ dynamo, tables }),
    contacts,
    persons: personPortsFrom(parts, () => keyRing.addressKey()),
    close: async () => dynamo.destroy(),
  };
};
