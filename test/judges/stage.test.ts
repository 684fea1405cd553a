import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { handler as ingestMailEvents } from '#functions/ingest-mail-event.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { dynamoInvitations } from '#shared/adapters/dynamo-invitations.ts';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { eventBridgeBus, eventBridgeClient } from '#shared/adapters/eventbridge-bus.ts';
import { kmsKeyRingKeeper, SealedRing } from '#shared/adapters/kms-key-ring.ts';
import { newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import { TABLE_DEFINITIONS } from '#shared/contracts/tables.ts';
import { moveEvent } from '#shared/domain/document-events.ts';
import { invitationOf } from '../survey/memory.ts';
import { ACCOUNT, BY_OWN_API, type Deployed, type DeployedStage, deployStage, REGION } from './deployed-stage.ts';

const ENDPOINT = process.env['RESEGMENT_JUDGE_AWS'] ?? '';
let stage: DeployedStage;
const ofType = (type: string): readonly (Deployed & { readonly id: string })[] =>
  [...stage.resources].filter(([, one]) => one.type === type).map(([id, one]) => ({ id, ...one }));
const one = (type: string, word: string): Deployed => {
  const [found, ...others] = ofType(type).filter(({ id }) => id.includes(word));
  if (found === undefined || others.length > 0) throw new Error(`not one ${type} with ${word} in its id`);
  return found;
};

beforeAll(async () => {
  await fetch(`${ENDPOINT}/moto-api/reset`, { method: 'POST' });
  // What the SDK reads in a function, and what the handlers' clients read here.
  process.env['AWS_ENDPOINT_URL'] = ENDPOINT;
  process.env['AWS_REGION'] = REGION;
  process.env['AWS_ACCESS_KEY_ID'] = 'judge';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'judge';
  stage = await deployStage(ENDPOINT);
}, 120_000);
afterAll(() => stage?.boto.close());

describe('a stage, as others made CloudFormation and the services', () => {
  it('is taken whole: most by CloudFormation, and by name what moto’s does not make', () => {
    const byApi = [...stage.resources].filter(([id]) => !stage.byCloudFormation.has(id)).map(([, { type }]) => type);

    expect(stage.byCloudFormation.size).toBeGreaterThan(100);
    expect([...new Set(byApi)].sort()).toEqual(Object.keys(BY_OWN_API).sort());
  });

  it('keeps tables with their keys, indexes, time to live, recovery and protection', async () => {
    for (const definition of TABLE_DEFINITIONS) {
      const TableName = `resegment-dev-${definition.name}`;
      const { Table } = z.parse(
        z.object({ Table: z.looseObject({ GlobalSecondaryIndexes: z.optional(z.array(z.unknown())) }) }),
        await stage.boto.call('dynamodb', 'describe_table', { TableName }),
      );
      expect(Table).toMatchObject({
        KeySchema: [
          { AttributeName: definition.partitionKey, KeyType: 'HASH' },
          ...(definition.sortKey === undefined ? [] : [{ AttributeName: definition.sortKey, KeyType: 'RANGE' }]),
        ],
        BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
        DeletionProtectionEnabled: true,
      });
      expect(Table.GlobalSecondaryIndexes ?? []).toMatchObject(
        definition.indexes.map(({ indexName, partitionKey, sortKey }) => ({
          IndexName: indexName,
          KeySchema: [
            { AttributeName: partitionKey, KeyType: 'HASH' },
            { AttributeName: sortKey, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        })),
      );
      expect(await stage.boto.call('dynamodb', 'describe_time_to_live', { TableName })).toMatchObject({
        TimeToLiveDescription:
          definition.timeToLive === undefined
            ? { TimeToLiveStatus: 'DISABLED' }
            : { TimeToLiveStatus: 'ENABLED', AttributeName: definition.timeToLive },
      });
      expect(await stage.boto.call('dynamodb', 'describe_continuous_backups', { TableName })).toMatchObject({
        ContinuousBackupsDescription: { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'ENABLED' } },
      });
    }
  });

  it('gives every function the names of tables, of the bucket, the topic and the bus that exist', async () => {
    const tables = z.parse(z.array(z.string()), await stage.boto.list('dynamodb', 'list_tables', 'TableNames'));
    const bucket = one('AWS::S3::Bucket', 'Workspace').physicalId;
    const topic = one('AWS::SNS::Topic', 'MailEvents').physicalId;
    const bus = one('AWS::Events::EventBus', 'Events').physicalId;
    let tableNames = 0;

    for (const { physicalId } of ofType('AWS::Lambda::Function')) {
      const variables = await variablesOf(physicalId);
      for (const [name, value] of Object.entries(variables)) {
        if (/^TABLE_/u.test(name)) {
          expect(tables, `${physicalId} ${name}`).toContain(value);
          tableNames += 1;
        }
      }
      if ('WORKSPACE_BUCKET' in variables) expect(variables['WORKSPACE_BUCKET']).toBe(bucket);
      if ('MAIL_EVENTS_TOPIC_ARN' in variables) expect(variables['MAIL_EVENTS_TOPIC_ARN']).toBe(topic);
      if ('EVENT_BUS' in variables) expect(variables['EVENT_BUS']).toBe(bus);
    }

    expect(tableNames).toBeGreaterThan(20);
  });

  it('has state machines whose every task names a function that exists', async () => {
    const functions = new Set(
      ofType('AWS::Lambda::Function').map(
        ({ physicalId }) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${physicalId}`,
      ),
    );
    const machines = ofType('AWS::StepFunctions::StateMachine');
    expect(machines.length).toBeGreaterThan(1);

    for (const { physicalId } of machines) {
      const { definition } = z.parse(
        z.object({ definition: z.string() }),
        await stage.boto.call('stepfunctions', 'describe_state_machine', { stateMachineArn: physicalId }),
      );
      const named = definition.match(/arn:aws:lambda:[^"]+:function:[^"]+/gu) ?? [];
      expect(JSON.parse(definition)).toMatchObject({ StartAt: expect.any(String) });
      expect(named.length).toBeGreaterThan(2);
      expect(named.filter((arn) => !functions.has(arn.replace(/:\$LATEST$/u, '')))).toEqual([]);
    }
  });

  it('runs its schedules in their time zone, against what exists, with a place for those that failed', async () => {
    const schedules = ofType('AWS::Scheduler::Schedule');
    const queues = z.parse(z.array(z.string()), await stage.boto.list('sqs', 'list_queues', 'QueueUrls'));
    const targets = new Set([
      ...ofType('AWS::StepFunctions::StateMachine').map(({ physicalId }) => physicalId),
      ...ofType('AWS::Lambda::Function').map(
        ({ physicalId }) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${physicalId}`,
      ),
    ]);
    expect(schedules.length).toBeGreaterThan(3);

    for (const { physicalId, properties } of schedules) {
      const read = await stage.boto.call('scheduler', 'get_schedule', { Name: physicalId });
      const { Target } = z.parse(
        z.looseObject({
          Target: z.object({ Arn: z.string(), Input: z.string(), DeadLetterConfig: z.object({ Arn: z.string() }) }),
        }),
        read,
      );
      expect(read).toMatchObject(properties);
      expect(targets).toContain(Target.Arn);
      expect(queues.map((url) => url.split('/').at(-1))).toContain(Target.DeadLetterConfig.Arn.split(':').at(-1));
      expect(() => JSON.parse(Target.Input)).not.toThrow();
    }
    expect(one('AWS::Scheduler::Schedule', 'MonthlyRun').properties).toMatchObject({
      ScheduleExpression: 'cron(0 2 1 * ? *)',
      ScheduleExpressionTimezone: 'Asia/Shanghai',
      FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 },
    });
  });

  it('sends mail of its sender with its configuration set, whose events go to its topic', async () => {
    const ConfigurationSetName = one('AWS::SES::ConfigurationSet', 'Mail').physicalId;
    const client = newSesClient({ endpoint: ENDPOINT, region: REGION });
    const from = `survey@${one('AWS::SES::EmailIdentity', 'Mail').physicalId}`;
    const raw = new TextEncoder().encode(`From: ${from}\r\nTo: a@customer.test\r\nSubject: Hello\r\n\r\nHello\r\n`);
    const mail = { raw, from, to: 'a@customer.test', tags: { run: 'w', inv: 'AAAAAAAAAAAAAAAAAAAAAA' } };

    expect(await sesMailSender({ client, configurationSet: ConfigurationSetName }).send(mail)).toMatchObject({
      kind: 'accepted',
    });
    expect(
      await stage.boto.call('ses', 'describe_configuration_set', {
        ConfigurationSetName,
        ConfigurationSetAttributeNames: ['eventDestinations'],
      }),
    ).toMatchObject({
      EventDestinations: [
        {
          MatchingEventTypes: [
            'send',
            'reject',
            'bounce',
            'complaint',
            'delivery',
            'deliveryDelay',
            'renderingFailure',
          ],
          SNSDestination: { TopicARN: one('AWS::SNS::Topic', 'MailEvents').physicalId },
        },
      ],
    });
  });

  it('takes events on the bus that its functions write to', async () => {
    const { EVENT_BUS = '' } = await variablesOf('resegment-dev-emit-events');
    const move = moveEvent(
      { runId: 'r', seq: 1, period: '2026-05', asOf: '2026-05-31' },
      { subject: 's', customerId: 'C-1', branch: 'North' },
      { dimension: 'class', from: 'hold', to: 'core', kind: 'up' },
      'run',
      '2026-06-01T02:00:00.000Z',
    );

    expect(await eventBridgeBus({ client: eventBridgeClient(), busName: EVENT_BUS }).send([move])).toEqual(new Set());
  });
});

describe('what SES says of a mail, from the stage’s topic through its queue into its function', () => {
  const MAIL_FUNCTION = 'resegment-dev-ingest-mail-event';
  const event = (invitationId: string): string =>
    JSON.stringify({
      eventType: 'Bounce',
      mail: {
        messageId: 'm-1',
        timestamp: '2026-06-01T08:00:00.000Z',
        tags: { inv: [invitationId], kind: ['invitation'], 'ses:configuration-set': ['resegment-dev'] },
      },
      bounce: { bounceType: 'Transient', timestamp: '2026-06-01T08:00:02.000Z', feedbackId: 'f-1' },
    });
  const queueUrl = (): string => one('AWS::SQS::Queue', 'MailEventQueue').physicalId;
  const queueArn = (): string => `arn:aws:sqs:${REGION}:${ACCOUNT}:${queueUrl().split('/').at(-1)}`;
  const received = async () => {
    const { Messages } = z.parse(
      z.looseObject({
        Messages: z._default(
          z.array(z.looseObject({ MessageId: z.string(), Body: z.string(), ReceiptHandle: z.string() })),
          [],
        ),
      }),
      await stage.boto.call('sqs', 'receive_message', {
        QueueUrl: queueUrl(),
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 0,
      }),
    );
    return Messages.map(({ MessageId, Body, ReceiptHandle }) => ({
      messageId: MessageId,
      body: Body,
      receiptHandle: ReceiptHandle,
    }));
  };
  beforeEach(async () => {
    for (const { receiptHandle } of await received())
      await stage.boto.call('sqs', 'delete_message', { QueueUrl: queueUrl(), ReceiptHandle: receiptHandle });
  });
  const publish = (TopicArn: string, Message: string) => stage.boto.call('sns', 'publish', { TopicArn, Message });

  beforeAll(async () => {
    const mapping = one('AWS::Lambda::EventSourceMapping', 'IngestMailEvent');
    expect(await stage.boto.call('lambda', 'get_event_source_mapping', { UUID: mapping.physicalId })).toMatchObject({
      EventSourceArn: queueArn(),
      FunctionArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${MAIL_FUNCTION}`,
      BatchSize: 10,
    });
    // From here on it is the test that hands over what the queue holds: moto would run the function in a container.
    await stage.boto.call('lambda', 'update_event_source_mapping', { UUID: mapping.physicalId, Enabled: false });
    const variables = await variablesOf(MAIL_FUNCTION);
    Object.assign(process.env, variables);
    const records = dynamoRecords({
      client: dynamoClient(),
      table: 'resegment-dev-runs',
      kind: 'KEYS',
      schema: SealedRing,
    });
    const kmsKeyArn = `arn:aws:kms:${REGION}:${ACCOUNT}:alias/resegment-dev-key-ring`;
    await kmsKeyRingKeeper({ records, kmsKeyArn }).create('k1', { by: 'judge', at: '2026-06-01T00:00:00.000Z' });
    await dynamoInvitations(dynamoClient(), 'resegment-dev-invitations').createMany([
      invitationOf(1, { closesAt: '2099-06-30T00:00:00.000Z' }),
    ]);
  });

  it('is noted on the invitation, by the function with the variables that the stage gives it', async () => {
    await publish(one('AWS::SNS::Topic', 'MailEvents').physicalId, event(invitationOf(1).invitationId));
    const Records = await received();

    expect(Records).toHaveLength(1);
    expect(await ingestMailEvents({ Records })).toEqual({ batchItemFailures: [] });

    const noted = await dynamoInvitations(dynamoClient(), 'resegment-dev-invitations').get(
      invitationOf(1).invitationId,
    );
    expect(noted?.events).toEqual(['Bounce:f-1']);
  });

  it('is refused where another topic sent it, and the rest of the batch is not', async () => {
    const topic = one('AWS::SNS::Topic', 'MailEvents').physicalId;
    const Foreign = z.parse(
      z.looseObject({ TopicArn: z.string() }),
      await stage.boto.call('sns', 'create_topic', { Name: 'foreign' }),
    );
    const queue = one('AWS::SQS::Queue', 'MailEventQueue').properties;
    expect(queue).toMatchObject({ VisibilityTimeout: 180 });
    await stage.boto.call('sns', 'subscribe', {
      TopicArn: Foreign.TopicArn,
      Protocol: 'sqs',
      Endpoint: queueArn(),
    });
    await publish(Foreign.TopicArn, event(invitationOf(1).invitationId));
    const [foreign] = await received();
    await publish(topic, event(invitationOf(1).invitationId));
    const Records = await received();

    expect(Records).toHaveLength(2);
    expect(await ingestMailEvents({ Records })).toEqual({
      batchItemFailures: [{ itemIdentifier: foreign?.messageId }],
    });
  });

  it('ends among the dead letters once it was handed out five times', async () => {
    await publish(one('AWS::SNS::Topic', 'MailEvents').physicalId, 'no event');
    for (let handed = 1; handed <= 5; handed += 1) expect(await received()).toHaveLength(1);

    expect(await received()).toEqual([]);
    const QueueUrl = one('AWS::SQS::Queue', 'MailEventDeadLetters').physicalId;
    expect(await stage.boto.call('sqs', 'receive_message', { QueueUrl })).toMatchObject({
      Messages: [{ Body: expect.stringContaining('no event') }],
    });
  });
});

/** The variables of a deployed function, as it would find them. */
const variablesOf = async (FunctionName: string): Promise<Readonly<Record<string, string>>> => {
  const { Environment } = z.parse(
    z.looseObject({ Environment: z.object({ Variables: z.record(z.string(), z.string()) }) }),
    await stage.boto.call('lambda', 'get_function_configuration', { FunctionName }),
  );
  return Environment.Variables;
};
