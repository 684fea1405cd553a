import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { DataStack } from '#infra/stacks/data-stack.ts';
import { LoopStack } from '#infra/stacks/loop-stack.ts';
import { STAGES, type StageConfig } from '#infra/stage-config.ts';
import { deploymentOf, type Statement } from '#test/support/deployment.ts';
import { allows } from '#test/support/iam.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import { type TemplateJson, templatesOf } from './templates.ts';

const templates = { dev: templatesOf('dev'), prod: templatesOf('prod') };
const { prod } = templates;
type Properties = Readonly<Record<string, never>>;
const ofType = (template: TemplateJson, type: string): [string, Properties][] =>
  Object.entries(template.Resources).flatMap(([id, one]) =>
    one.Type === type ? [[id, one['Properties']] as [string, Properties]] : [],
  );
const stacksWith = (config: StageConfig) => {
  const app = new App({ outdir: temporaryFolder('deploying'), context: { 'aws:cdk:bundling-stacks': [] } });
  const common = { stage: 'dev', config, env: { region: config.region } } as const;
  const data = new DataStack(app, 'Data', common);
  const loop = new LoopStack(app, 'Loop', { ...common, data, bundled: false });
  return {
    data: Template.fromStack(data).toJSON() as TemplateJson,
    loop: Template.fromStack(loop).toJSON() as TemplateJson,
  };
};

describe('alarms', () => {
  it('may publish to their topic, whose own policy takes that right from the account', () => {
    const deployed = deploymentOf('prod');
    const policies = deployed.ofType('AWS::SNS::TopicPolicy').map(({ properties }) => properties);
    for (const { properties } of deployed.ofType('AWS::CloudWatch::Alarm')) {
      for (const topic of [properties['AlarmActions'], properties['OKActions']].flat() as string[]) {
        const policy = policies.find((one) => (one['Topics'] as string[]).includes(topic));
        const { Statement } = (policy?.['PolicyDocument'] ?? { Statement: [] }) as { Statement: Statement[] };
        const statements = Statement.map((one) => ({
          ...one,
          Action: [one.Action].flat(),
          Resource: [one.Resource].flat(),
        }));
        const arn = `arn:aws:cloudwatch:${deployed.region}:210987654321:alarm:${properties['AlarmName']}`;
        const context = { 'aws:SourceArn': arn, 'aws:SourceAccount': '210987654321' };

        expect(
          statements.some((one) => allows(one, { action: 'sns:Publish', resource: topic, context })),
          String(properties['AlarmName']),
        ).toBe(true);
      }
    }
  });
});

describe('an update', () => {
  /** What CloudFormation makes anew for which property, as the CDK’s tool knows it. */
  const specification = JSON.parse(
    gunzipSync(readFileSync(join(import.meta.dirname, '..', '..', 'node_modules', 'aws-cdk', 'db.json.gz'))).toString(),
  );
  const types = new Map<string, Record<string, { causesReplacement?: string }>>(
    Object.values<{ cloudFormationType: string; properties: never }>(specification.schema.resource.entities).map(
      (one) => [one.cloudFormationType, one.properties],
    ),
  );
  const NAMES: Readonly<Record<string, readonly string[]>> = {
    'AWS::ApiGatewayV2::DomainName': ['DomainName'],
    'AWS::Budgets::Budget': ['Budget.BudgetName'],
    'AWS::CloudWatch::Alarm': ['AlarmName'],
    'AWS::CloudWatch::Dashboard': ['DashboardName'],
    'AWS::DynamoDB::GlobalTable': ['TableName'],
    'AWS::Events::EventBus': ['Name'],
    'AWS::KMS::Alias': ['AliasName'],
    'AWS::Lambda::Function': ['FunctionName'],
    'AWS::Logs::LogGroup': ['LogGroupName'],
    'AWS::S3::Bucket': ['BucketName'],
    'AWS::SES::ConfigurationSet': ['Name'],
    'AWS::SES::EmailIdentity': ['EmailIdentity'],
    'AWS::StepFunctions::StateMachine': ['StateMachineName'],
  };
  /** Keys of a table do not change: test/infra/retained-resources.test.ts. */
  const NEVER_CHANGED = ['KeySchema'];

  it.each(Object.entries(NAMES))('makes no %s anew under a name that is still taken', (type, names) => {
    const replacing = Object.entries(types.get(type) ?? {}).flatMap(([property, { causesReplacement = 'no' }]) =>
      causesReplacement === 'no' || names.includes(property) || NEVER_CHANGED.includes(property) ? [] : [property],
    );
    const all = [...ofType(prod.data, type), ...ofType(prod.loop, type)];
    const named = all.filter(([, properties]) =>
      names.some((name) => name.split('.').reduce<unknown>((value, key) => (value as Properties)?.[key], properties)),
    );

    expect(all.length).toBeGreaterThan(0);
    for (const [id, properties] of named)
      expect(
        replacing.filter((property) => property in properties),
        id,
      ).toEqual([]);
  });

  it('of the loop needs no export of the data to go at the same time', () => {
    const exportsOf = ({ Outputs = {} }: TemplateJson): string[] =>
      Object.values(Outputs as Record<string, { Export?: { Name: string } }>)
        .flatMap((one) => (one.Export === undefined ? [] : [one.Export.Name]))
        .sort();
    const alone = new DataStack(new App({ outdir: temporaryFolder('deploying') }), 'Resegment-prod-Data', {
      stage: 'prod',
      config: STAGES.prod,
      env: { region: STAGES.prod.region },
    });

    expect(exportsOf(Template.fromStack(alone).toJSON() as TemplateJson)).toEqual(exportsOf(prod.data));
    expect(exportsOf(prod.data).length).toBeGreaterThan(16);
  });
});

describe('sweeps of every minute', () => {
  const schedules = ofType(prod.loop, 'AWS::Scheduler::Schedule').map(([, one]) => one as Record<string, never>);
  const sweeps = schedules.filter((one) => String(one['ScheduleExpression']).startsWith('rate'));

  it('do not pile up: what failed or could not start within its minute is left to the next', () => {
    const ends = ofType(prod.loop, 'AWS::Lambda::EventInvokeConfig').map(([, one]) => one);

    expect(sweeps.length).toBeGreaterThan(0);
    expect(ends).toHaveLength(sweeps.length);
    for (const end of ends) expect(end).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
    for (const sweep of sweeps)
      expect(sweep['Target']).toMatchObject({
        RetryPolicy: { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 60 },
      });
  });
});

describe('the functions at once', () => {
  it('leave the pages room: mail events take no more than their share', () => {
    const [[, mapping] = ['', {} as Properties]] = ofType(prod.loop, 'AWS::Lambda::EventSourceMapping');

    expect(mapping['ScalingConfig']).toEqual({ MaximumConcurrency: STAGES.prod.mailEventConcurrency });
  });

  it('fit into a new account on stage dev, which may run ten', () => {
    const { mapConcurrency, importConcurrency, sendConcurrency, mailEventConcurrency } = STAGES.dev;
    const sweeps = 3;

    expect(Math.max(mapConcurrency, importConcurrency, sendConcurrency) + mailEventConcurrency + sweeps).toBeLessThan(
      10,
    );
    for (const template of Object.values(templates))
      for (const [id, one] of ofType(template.loop, 'AWS::Lambda::Function'))
        expect(one, id).not.toHaveProperty('ReservedConcurrentExecutions');
  });
});

describe('logs of services', () => {
  it('are where the service may write without one of the ten resource policies of a region', () => {
    const names = ofType(prod.loop, 'AWS::Logs::LogGroup').map(([, one]) => String(one['LogGroupName']));

    expect(ofType(prod.loop, 'AWS::Logs::ResourcePolicy')).toEqual([]);
    for (const name of names) expect(name).toMatch(/^\/aws\/(lambda|vendedlogs\/(states|apis))\/resegment-prod-/);
  });

  it('go with the loop, so that it can be made again under the same names', () => {
    for (const one of Object.values(prod.loop.Resources))
      if (one.Type === 'AWS::Logs::LogGroup') expect(one['DeletionPolicy']).toBe('Delete');
  });
});

describe('the sender', () => {
  const existing = stacksWith({
    ...STAGES.dev,
    senderIdentity: 'existing',
    sandboxRecipients: ['trial@dev.example.com', 'staff.example.org'],
  });

  it('may be an identity that the account has already, which is left alone', () => {
    expect(ofType(existing.loop, 'AWS::SES::EmailIdentity')).toEqual([]);
    expect(ofType(existing.loop, 'AWS::SES::ConfigurationSet')).toHaveLength(1);
    expect(ofType(templates.dev.loop, 'AWS::SES::EmailIdentity')).toHaveLength(1);
  });

  it('may write to the identities that receive its mails while the account is in the sandbox, in nobody else’s name', () => {
    const sending = ofType(existing.loop, 'AWS::IAM::Policy')
      .flatMap(
        ([, one]) =>
          (one['PolicyDocument'] as unknown as { Statement: { Action: string; Resource: unknown }[] }).Statement,
      )
      .filter(({ Action }) => Action === 'ses:SendRawEmail');

    expect(sending.length).toBeGreaterThan(0);
    for (const one of sending) {
      for (const identity of [
        'identity/dev.example.com',
        'identity/trial@dev.example.com',
        'identity/staff.example.org',
      ])
        expect(JSON.stringify(one.Resource)).toContain(identity);
      expect(one).toMatchObject({ Condition: { StringEquals: { 'ses:FromAddress': 'survey@dev.example.com' } } });
    }
  });
});

describe('the monthly run', () => {
  it('waits where the stage says so', () => {
    const waiting = stacksWith({ ...STAGES.dev, monthlyRun: { ...STAGES.dev.monthlyRun, enabled: false } });
    const stateOf = ({ loop }: { loop: TemplateJson }) =>
      ofType(loop, 'AWS::Scheduler::Schedule').map(([, one]) => [String(one['ScheduleExpression']), one['State']]);

    expect(stateOf(waiting)).toContainEqual(['cron(0 2 1 * ? *)', 'DISABLED']);
    expect(stateOf(templates.dev)).toContainEqual(['cron(0 2 1 * ? *)', 'ENABLED']);
  });
});

describe('the budget', () => {
  it('is left out where the stage says so, since not every region has budgets', () => {
    const budgets = (config: StageConfig) => ofType(stacksWith(config).loop, 'AWS::Budgets::Budget');

    expect(budgets(STAGES.dev)).toHaveLength(1);
    expect(budgets({ ...STAGES.dev, monthlyBudgetUsd: 'none' })).toEqual([]);
  });
});

describe('quotas of AWS', () => {
  it.each(['dev', 'prod'] as const)('%s stays below those of templates, roles and functions', (stage) => {
    const deployed = deploymentOf(stage);
    const { data, loop } = templates[stage];

    for (const template of [data, loop]) {
      expect(Object.keys(template.Resources).length).toBeLessThan(500);
      expect(JSON.stringify(template).length).toBeLessThan(1_000_000);
    }
    for (const [name, { statements }] of [...deployed.functions, ...deployed.machines])
      expect(JSON.stringify(statements).length, `policy of ${name}`).toBeLessThan(10_240);
    for (const [name, { environment }] of deployed.functions)
      expect(JSON.stringify(environment).length, `environment of ${name}`).toBeLessThan(4_096);
  });
});
