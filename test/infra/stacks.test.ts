import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from '#functions/runtime/environment.ts';
import { ALARMS, RUNBOOK } from '#infra/alarm-catalogue.ts';
import { FUNCTION_ACCESS, KEEPS_USAGE } from '#infra/function-access.ts';
import { STAGES } from '#infra/stage-config.ts';
import { FUNCTION_VARIABLES, type FunctionName } from '#shared/contracts/environment.ts';
import { ENTRY_FUNCTIONS, STEPS, TABLES } from '#shared/contracts/workflows.ts';
import { type TemplateJson, templatesOf } from './templates.ts';

const dev = templatesOf('dev');
const prod = templatesOf('prod');
const ofType = (template: TemplateJson, type: string) =>
  Object.entries(template.Resources).filter(([, one]) => one.Type === type);
const only = (template: TemplateJson, type: string) => {
  const [first, ...others] = ofType(template, type);
  if (first === undefined || others.length > 0) throw new Error(`not exactly one ${type}`);
  return first[1];
};
const FUNCTIONS: readonly FunctionName[] = [...(Object.keys(STEPS) as FunctionName[]), ...ENTRY_FUNCTIONS];
const functionNamed = (template: TemplateJson, name: string) => {
  const found = ofType(template, 'AWS::Lambda::Function').find(([, one]) =>
    one['Properties'].FunctionName.endsWith(`-dev-${name}`),
  );
  if (found === undefined) throw new Error(`no function ${name}`);
  return found;
};

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}
const statements = (template: TemplateJson): Statement[] =>
  ofType(template, 'AWS::IAM::Policy').flatMap(([, policy]) => policy['Properties'].PolicyDocument.Statement);
const list = (value: string | string[]): string[] => (Array.isArray(value) ? value : [value]);

/** Statements of the role of one function. */
const statementsOf = (name: string): Statement[] => {
  const [, lambda] = functionNamed(dev.loop, name);
  const roleId = lambda['Properties'].Role['Fn::GetAtt'][0];
  return ofType(dev.loop, 'AWS::IAM::Policy')
    .filter(([, policy]) => policy['Properties'].Roles.some((role: { Ref: string }) => role.Ref === roleId))
    .flatMap(([, policy]) => policy['Properties'].PolicyDocument.Statement);
};

describe('the data stack', () => {
  it('R25 keeps every table: point-in-time recovery, deletion protection, retained, encrypted', () => {
    const tables = ofType(prod.data, 'AWS::DynamoDB::GlobalTable');

    expect(tables).toHaveLength(TABLES.length);
    for (const [id, table] of tables) {
      expect(table['DeletionPolicy'], id).toBe('Retain');
      expect(table['UpdateReplacePolicy'], id).toBe('Retain');
      expect(table['Properties'].BillingMode, id).toBe('PAY_PER_REQUEST');
      for (const replica of table['Properties'].Replicas) {
        expect(replica, id).toMatchObject({
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        });
      }
    }
  });

  it('keeps the workspace, closed to the public and to plain HTTP', () => {
    const buckets = ofType(prod.data, 'AWS::S3::Bucket');

    expect(buckets).toHaveLength(2);
    expect(ofType(prod.data, 'AWS::S3::BucketPolicy')).toHaveLength(2);
    for (const [, bucket] of buckets) {
      expect(bucket['DeletionPolicy']).toBe('Retain');
      expect(Object.values(bucket['Properties'].PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
    }
    for (const [, policy] of ofType(prod.data, 'AWS::S3::BucketPolicy'))
      expect(JSON.stringify(policy)).toContain('aws:SecureTransport');
  });

  it('keeps old versions in the workspace, but of what may name customers for a day only', () => {
    const [, workspace] = ofType(prod.data, 'AWS::S3::Bucket').find(
      ([, one]) => one['Properties'].VersioningConfiguration?.Status === 'Enabled',
    )!;
    const rules = workspace['Properties'].LifecycleConfiguration.Rules as Record<string, unknown>[];
    const daysOfOldVersions = (prefix: string | undefined) =>
      rules.filter((rule) => rule['Prefix'] === prefix).map((rule) => rule['NoncurrentVersionExpiration']);

    for (const folder of ['runs/', 'waves/'])
      expect(daysOfOldVersions(folder), folder).toContainEqual({ NoncurrentDays: 1 });
    expect(daysOfOldVersions(undefined)).toContainEqual({ NoncurrentDays: 760 });
  });

  it('encrypts tables with the company’s own key where the stage says so, and lets functions use it for tables only', () => {
    const keyed = ofType(prod.data, 'AWS::DynamoDB::GlobalTable');
    const rights = statements(prod.loop).filter((one) => list(one.Action).includes('kms:ReEncryptTo'));

    for (const [id, table] of keyed) expect(table['Properties'].SSESpecification, id).toMatchObject({ SSEType: 'KMS' });
    for (const [id, table] of ofType(dev.data, 'AWS::DynamoDB::GlobalTable'))
      expect(table['Properties'].SSESpecification?.SSEType, id).toBeUndefined();
    expect(rights).toHaveLength(
      FUNCTIONS.filter((name) => Object.keys(FUNCTION_ACCESS[name].tables).length > 0).length,
    );
    for (const one of rights) expect(JSON.stringify(one.Condition)).toContain(`dynamodb.${STAGES.prod.region}.`);
    expect(statements(dev.loop).filter((one) => list(one.Action).includes('kms:ReEncryptTo'))).toEqual([]);
  });
});

describe('the functions', () => {
  it('are those of the contracts, on Node 24 and ARM, each with its own log that ends', () => {
    const lambdas = ofType(dev.loop, 'AWS::Lambda::Function');

    expect(lambdas.map(([, one]) => one['Properties'].FunctionName).sort()).toEqual(
      FUNCTIONS.map((name) => `resegment-dev-${name}`).sort(),
    );
    for (const [id, one] of lambdas) {
      expect(one['Properties'], id).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        LoggingConfig: { LogFormat: 'JSON' },
      });
      expect(one['Properties'].Timeout, id).toBeLessThanOrEqual(900);
    }
    for (const [id, log] of ofType(dev.loop, 'AWS::Logs::LogGroup'))
      expect(log['Properties'].RetentionInDays, id).toBe(30);
  });

  it.each(FUNCTIONS)('%s gets exactly the variables that it reads, in a form that it accepts', (name) => {
    const [, lambda] = functionNamed(dev.loop, name);
    const { LOG_LEVEL, NODE_OPTIONS, ...variables } = lambda['Properties'].Environment.Variables;
    const resolved = Object.fromEntries(
      Object.entries(variables).map(([variable, value]) => [
        variable,
        typeof value === 'string' ? value : 'https://resolved.example.com',
      ]),
    );

    expect(Object.keys(variables).sort()).toEqual([...new Set(FUNCTION_VARIABLES[name])].sort());
    expect(() => readEnvironment(FUNCTION_VARIABLES[name], resolved)).not.toThrow();
    expect([LOG_LEVEL, NODE_OPTIONS]).toEqual(['info', '--enable-source-maps']);
  });
});

/** Log delivery of state machines, traces, and what SES says of the account: the service's authorization reference lists no resource for these. */
const WITHOUT_RESOURCE = [
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'ses:GetSendQuota',
  'ses:GetSendStatistics',
  'ses:GetAccountSendingEnabled',
];

describe('rights', () => {
  it('R25 name every action in full', () => {
    for (const statement of [...statements(prod.loop), ...statements(prod.data)]) {
      for (const action of list(statement.Action)) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z]+$/);
    }
  });

  it('R25 name a resource each, save where AWS has none to name', () => {
    const everywhere = [...statements(prod.loop), ...statements(dev.loop)].filter((one) =>
      list(one.Resource as string).includes('*'),
    );

    for (const statement of everywhere)
      for (const action of list(statement.Action)) expect(WITHOUT_RESOURCE).toContain(action);
  });

  it.each(FUNCTIONS)('R25 let %s touch its own tables only', (name) => {
    const allowed = Object.keys(FUNCTION_ACCESS[name].tables);
    const dynamo = statementsOf(name).filter((one) =>
      list(one.Action).some((action) => action.startsWith('dynamodb:')),
    );
    const touched = TABLES.filter((table) => {
      const exported = `${table.charAt(0).toUpperCase()}${table.slice(1)}Table`;
      return dynamo.some((one) => JSON.stringify(one.Resource).includes(exported));
    });

    expect([...touched].sort()).toEqual([...allowed].sort());
  });

  it('let the steps that keep what they used add to those counters of table runs, and to nothing else by it', () => {
    const metering = FUNCTIONS.filter((name) =>
      readFileSync(join(import.meta.dirname, '..', '..', 'functions', `${name}.ts`), 'utf8').includes('meteredStep('),
    );

    expect([...KEEPS_USAGE].sort()).toEqual(metering.sort());
    for (const name of FUNCTIONS) {
      const adding = statementsOf(name).filter((one) => JSON.stringify(one.Condition ?? {}).includes('LeadingKeys'));
      expect(adding, name).toHaveLength(KEEPS_USAGE.has(name) ? 1 : 0);
      for (const one of adding) {
        expect(list(one.Action)).toEqual(['dynamodb:UpdateItem']);
        expect(one.Condition).toEqual({ 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['USAGE'] } });
        expect(JSON.stringify(one.Resource)).toContain('RunsTable');
      }
    }
  });

  it('let only planning, sending, answering, mail events and imports see contacts', () => {
    const readers = FUNCTIONS.filter((name) => FUNCTION_ACCESS[name].tables.contacts !== undefined);

    expect([...readers].sort()).toEqual([
      'answer-survey',
      'ingest-mail-event',
      'plan-wave',
      'send-invitations',
      'send-reminders',
      'write-import-range',
    ]);
  });

  it('let only applying write standings', () => {
    const writers = FUNCTIONS.filter((name) =>
      (FUNCTION_ACCESS[name].tables.standings ?? []).some((access) => access === 'put' || access === 'remove'),
    );

    expect(writers).toEqual(['apply-shard']);
  });

  it('let mail leave only from the stage’s own sender', () => {
    const sending = statements(dev.loop).filter((one) => list(one.Action).includes('ses:SendRawEmail'));

    expect(sending).toHaveLength(FUNCTIONS.filter((name) => FUNCTION_ACCESS[name].sendsMail).length);
    for (const one of sending)
      expect(one.Condition).toEqual({ StringEquals: { 'ses:FromAddress': STAGES.dev.identity.senderAddress } });
  });
});

describe('the monthly run', () => {
  const schedules = ofType(dev.loop, 'AWS::Scheduler::Schedule').map(([, one]) => one['Properties']);

  it('begins on the first in the stage’s time zone, with the instant that it was due', () => {
    const monthly = schedules.find((one) => one.ScheduleExpression.startsWith('cron'));

    expect(monthly).toMatchObject({
      ScheduleExpression: 'cron(0 2 1 * ? *)',
      ScheduleExpressionTimezone: 'Asia/Shanghai',
    });
    expect(JSON.parse(monthly.Target.Input)).toEqual({
      schema: 1,
      trigger: 'schedule',
      mode: 'run',
      scheduledAt: '<aws.scheduler.scheduled-time>',
      by: 'schedule',
    });
    expect(STEPS['open-run'].input.safeParse(JSON.parse(monthly.Target.Input)).success).toBe(true);
  });

  it('has answers brought back each minute, and dead letters for what could not start', () => {
    expect(schedules.map((one) => one.ScheduleExpression)).toContain('rate(1 minute)');
    for (const one of schedules) expect(one.Target.DeadLetterConfig).toBeDefined();
  });
});

describe('mail events', () => {
  it('R08 reach their function by a queue with dead letters, which only the topic may fill, and come back one by one', () => {
    const queues = ofType(dev.loop, 'AWS::SQS::Queue').map(([, one]) => one['Properties']);
    const policies = JSON.stringify(ofType(dev.loop, 'AWS::SQS::QueuePolicy'));
    const subscriptions = ofType(dev.loop, 'AWS::SNS::Subscription').map(([, one]) => one['Properties'].Protocol);

    expect(queues.filter((one) => one.RedrivePolicy?.maxReceiveCount === 5)).toHaveLength(1);
    expect(policies).toContain('sns.amazonaws.com');
    expect(policies).toContain('aws:SourceArn');
    expect(subscriptions.filter((protocol) => protocol === 'sqs')).toHaveLength(1);
    const mappings = ofType(dev.loop, 'AWS::Lambda::EventSourceMapping').map(([, one]) => one['Properties']);
    expect(mappings).toMatchObject([{ BatchSize: 10, FunctionResponseTypes: ['ReportBatchItemFailures'] }]);
  });
});

describe('the pages', () => {
  it('R23 are throttled, unsubscribing by itself, and log the route and never the path', () => {
    const stage = only(dev.loop, 'AWS::ApiGatewayV2::Stage');

    expect(stage['Properties'].DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 });
    expect(Object.keys(stage['Properties'].RouteSettings)).toEqual(['ANY /u/{proxy+}']);
    expect(stage['Properties'].AccessLogSettings.Format).not.toMatch(/path|requestId|sourceIp/i);
  });
});

describe('the company’s own domain', () => {
  it('is the only way to the pages in production, and in the links', () => {
    const api = only(prod.loop, 'AWS::ApiGatewayV2::Api');
    const domain = only(prod.loop, 'AWS::ApiGatewayV2::DomainName');
    const sender = ofType(prod.loop, 'AWS::Lambda::Function').find(([, one]) =>
      one['Properties'].FunctionName.endsWith('-send-invitations'),
    )!;

    expect(api['Properties'].DisableExecuteApiEndpoint).toBe(true);
    expect(domain['Properties'].DomainName).toBe(STAGES.prod.pages.domainName);
    expect(only(prod.loop, 'AWS::ApiGatewayV2::ApiMapping')).toBeDefined();
    expect(sender[1]['Properties'].Environment.Variables.PUBLIC_BASE_URL).toBe(
      `https://${STAGES.prod.pages.domainName}`,
    );
  });

  it('has its certificate in the region of the stage', () => {
    expect(STAGES.prod.pages.certificateArn).toContain(`:acm:${STAGES.prod.region}:`);
  });

  it('may be left out where the loop is only tried', () => {
    expect(ofType(dev.loop, 'AWS::ApiGatewayV2::DomainName')).toEqual([]);
  });
});

describe('the sender', () => {
  it('is the domain of the stage’s address, signed by DKIM, with the records that it needs as outputs', () => {
    const identity = only(prod.loop, 'AWS::SES::EmailIdentity');
    const records = Object.entries(prod.loop.Outputs ?? {}).filter(([name]) => name.includes('DkimRecord'));

    expect(identity['Properties'].EmailIdentity).toBe('example.com');
    expect(records).toHaveLength(3);
  });
});

describe('alarms', () => {
  const runbook = readFileSync(join(import.meta.dirname, '..', '..', RUNBOOK), 'utf8');
  const alarms = ofType(prod.loop, 'AWS::CloudWatch::Alarm').map(([, one]) => one['Properties']);

  it('are those of the catalogue, and each tells the operators when it begins and ends', () => {
    expect(alarms.map((one) => one.AlarmName).sort()).toEqual(
      Object.keys(ALARMS)
        .map((name) => `resegment-prod-${name}`)
        .sort(),
    );
    for (const one of alarms) {
      expect(one.AlarmActions, one.AlarmName).toHaveLength(1);
      expect(one.OKActions, one.AlarmName).toHaveLength(1);
    }
  });

  it.each(Object.keys(ALARMS))('%s says its impact and has its section in the runbook', (name) => {
    const alarm = alarms.find((one) => one.AlarmName === `resegment-prod-${name}`);

    expect(alarm.AlarmDescription).toMatch(/^Impact: .+ What to do: /);
    expect(alarm.AlarmDescription).toContain(`${RUNBOOK}#${name}`);
    expect(runbook).toMatch(new RegExp(`^## ${name}$`, 'm'));
  });

  it('have no section too many', () => {
    const sections = [...runbook.matchAll(/^## ([a-z-]+)$/gm)].map(([, name]) => name);

    expect(sections.sort()).toEqual(Object.keys(ALARMS).sort());
  });
});

describe('stages', () => {
  it.each(['dev', 'prod', 'local'] as const)('%s is what was reviewed', (stage) => {
    const templates = templatesOf(stage);

    expect(normalised(templates)).toMatchSnapshot();
  });

  it.each(Object.entries(STAGES))('%s has no more shards than key partitions', (_, config) => {
    expect(config.shards).toBeLessThanOrEqual(Math.min(config.buckets, 2_048));
  });
});

/** Without what changes with the code of functions or with the CDK's version. */
const normalised = (value: unknown): unknown => {
  if (typeof value === 'string') return value.replace(/[0-9a-f]{64}/g, 'HASH');
  if (Array.isArray(value)) return value.map(normalised);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !['Metadata', 'Parameters', 'Rules', 'Outputs', 'ZipFile', 'S3Key'].includes(key))
      .map(([key, inner]) => [key, normalised(inner)]),
  );
};
