import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { buildApp } from '#infra/build-app.ts';
import { STAGES } from '#infra/stage-config.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import { type Boto, startBoto } from './boto.ts';

/**
 * The dev stage, from its synthesized templates, in a moto server: by moto's CloudFormation as far as that knows a type of resource,
 * and for the types in `BY_OWN_API` by the API of the service with the properties of the template. A type that neither knows
 * fails.
 */
export interface DeployedStage {
  readonly boto: Boto;
  readonly region: string;
  readonly account: string;
  readonly endpoint: string;
  /** All resources of the templates, with properties in which every reference is resolved. By logical id. */
  readonly resources: ReadonlyMap<string, Deployed>;
  /** Those that CloudFormation made. */
  readonly byCloudFormation: ReadonlySet<string>;
}
export interface Deployed {
  readonly type: string;
  readonly properties: Properties;
  /** What `Ref` gives. */
  readonly physicalId: string;
}

type Properties = Readonly<Record<string, unknown>>;
const Template = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z._default(z.record(z.string(), z.unknown()), {}) }),
  ),
  Outputs: z._default(z.record(z.string(), z.unknown()), {}),
});
type Template = z.infer<typeof Template>;

export const ACCOUNT = '123456789012';
export const REGION: string = STAGES.dev.region;
const STACKS = ['Resegment-dev-Data', 'Resegment-dev-Loop'] as const;

interface Made {
  readonly physicalId: string;
  readonly attributes?: Readonly<Record<string, string>>;
}
type Maker = (boto: Boto, properties: Properties, logicalId: string) => Promise<Made>;
const text = (value: unknown): string => z.parse(z.string(), value);
const member = (value: unknown, name: string): string => text(z.parse(z.record(z.string(), z.unknown()), value)[name]);
const without = (properties: Properties, ...names: readonly string[]): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => !names.includes(name)));

const DESTINATION = 'ToTopic';
const GlobalTable = z.object({
  TableName: z.string(),
  Replicas: z.tuple([
    z.looseObject({
      DeletionProtectionEnabled: z.boolean(),
      PointInTimeRecoverySpecification: z.looseObject({}),
      Tags: z.optional(z.array(z.unknown())),
    }),
  ]),
  TimeToLiveSpecification: z.optional(z.looseObject({})),
});

const expectLatest = (qualifier: unknown): void => {
  if (qualifier !== '$LATEST') throw new Error(`a setting for version ${String(qualifier)} is not known here`);
};

/** Types that moto's CloudFormation does not make, and how their service makes one. */
export const BY_OWN_API: Readonly<Record<string, Maker>> = {
  'AWS::DynamoDB::GlobalTable': async (boto, properties) => {
    const { TableName, Replicas, TimeToLiveSpecification } = z.parse(GlobalTable, properties);
    const { DeletionProtectionEnabled, PointInTimeRecoverySpecification, Tags } = Replicas[0];
    await boto.call('dynamodb', 'create_table', {
      ...without(properties, 'Replicas', 'TimeToLiveSpecification'),
      DeletionProtectionEnabled,
      ...(Tags === undefined ? {} : { Tags }),
    });
    await boto.call('dynamodb', 'update_continuous_backups', { TableName, PointInTimeRecoverySpecification });
    if (TimeToLiveSpecification !== undefined)
      await boto.call('dynamodb', 'update_time_to_live', { TableName, TimeToLiveSpecification });
    return {
      physicalId: TableName,
      attributes: { Arn: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${TableName}` },
    };
  },
  'AWS::SES::ConfigurationSet': async (boto, { Name }) => {
    await boto.call('ses', 'create_configuration_set', { ConfigurationSet: { Name } });
    return { physicalId: text(Name) };
  },
  'AWS::SES::ConfigurationSetEventDestination': async (boto, properties) => {
    const { EventDestination, ConfigurationSetName } = z.parse(
      z.object({ ConfigurationSetName: z.string(), EventDestination: z.record(z.string(), z.unknown()) }),
      properties,
    );
    const { SnsDestination: SNSDestination, ...destination } = EventDestination;
    await boto.call('ses', 'create_configuration_set_event_destination', {
      ConfigurationSetName,
      EventDestination: { Name: DESTINATION, ...destination, SNSDestination },
    });
    return { physicalId: DESTINATION };
  },
  'AWS::SES::EmailIdentity': async (boto, { EmailIdentity, Tags, ConfigurationSetAttributes }) => {
    await boto.call('sesv2', 'create_email_identity', {
      EmailIdentity,
      Tags,
      ConfigurationSetName: member(ConfigurationSetAttributes, 'ConfigurationSetName'),
    });
    const token = [1, 2, 3].flatMap((n) => [
      [`DkimDNSTokenName${n}`, `token${n}._domainkey.${text(EmailIdentity)}`],
      [`DkimDNSTokenValue${n}`, `token${n}.dkim.amazonses.com`],
    ]);
    return { physicalId: text(EmailIdentity), attributes: Object.fromEntries(token) };
  },
  'AWS::ApiGatewayV2::Api': async (boto, properties) => {
    const made = await boto.call('apigatewayv2', 'create_api', properties);
    return { physicalId: member(made, 'ApiId'), attributes: { ApiEndpoint: member(made, 'ApiEndpoint') } };
  },
  'AWS::ApiGatewayV2::Integration': async (boto, properties) => {
    const made = await boto.call('apigatewayv2', 'create_integration', properties);
    return { physicalId: member(made, 'IntegrationId') };
  },
  'AWS::ApiGatewayV2::Route': async (boto, properties) => {
    const made = await boto.call('apigatewayv2', 'create_route', properties);
    return { physicalId: member(made, 'RouteId') };
  },
  'AWS::ApiGatewayV2::Stage': async (boto, properties) => {
    await boto.call('apigatewayv2', 'create_stage', properties);
    return { physicalId: text(properties['StageName']) };
  },
  // Known there, but what refers to the bus gets no text.
  'AWS::Events::EventBus': async (boto, properties) => {
    const made = await boto.call('events', 'create_event_bus', properties);
    return { physicalId: text(properties['Name']), attributes: { Arn: member(made, 'EventBusArn') } };
  },
  'AWS::S3::BucketPolicy': async (boto, { Bucket, PolicyDocument }) => {
    await boto.call('s3', 'put_bucket_policy', { Bucket, Policy: JSON.stringify(PolicyDocument) });
    // Taken back, since moto reads no conditions: it would refuse every request for being made without TLS.
    await boto.call('s3', 'delete_bucket_policy', { Bucket });
    return { physicalId: text(Bucket) };
  },
  'AWS::SQS::QueuePolicy': async (boto, { Queues, PolicyDocument }) => {
    const [QueueUrl] = z.parse(z.tuple([z.string()]), Queues);
    await boto.call('sqs', 'set_queue_attributes', {
      QueueUrl,
      Attributes: { Policy: JSON.stringify(PolicyDocument) },
    });
    return { physicalId: QueueUrl };
  },
  'AWS::SNS::TopicPolicy': async (boto, { Topics, PolicyDocument }) => {
    const [TopicArn] = z.parse(z.tuple([z.string()]), Topics);
    await boto.call('sns', 'set_topic_attributes', {
      TopicArn,
      AttributeName: 'Policy',
      AttributeValue: JSON.stringify(PolicyDocument),
    });
    return { physicalId: TopicArn };
  },
  'AWS::SNS::Subscription': async (boto, properties) => {
    const { RedrivePolicy } = properties;
    const made = await boto.call('sns', 'subscribe', {
      ...without(properties, 'RedrivePolicy'),
      ReturnSubscriptionArn: true,
      ...(RedrivePolicy === undefined ? {} : { Attributes: { RedrivePolicy: JSON.stringify(RedrivePolicy) } }),
    });
    return { physicalId: member(made, 'SubscriptionArn') };
  },
  'AWS::Lambda::EventInvokeConfig': async (boto, properties) => {
    // What is not said holds for the newest version, as in all stages of the product.
    expectLatest(properties['Qualifier']);
    await boto.call('lambda', 'put_function_event_invoke_config', without(properties, 'Qualifier'));
    return { physicalId: `${text(properties['FunctionName'])}|$LATEST` };
  },
  'AWS::Scheduler::Schedule': async (boto, properties, logicalId) => {
    const physicalId = text(properties['Name'] ?? logicalId);
    await boto.call('scheduler', 'create_schedule', { ...properties, Name: physicalId });
    return { physicalId };
  },
  'AWS::CloudWatch::Alarm': async (boto, properties, logicalId) => {
    const AlarmName = text(properties['AlarmName'] ?? logicalId);
    await boto.call('cloudwatch', 'put_metric_alarm', { ...properties, AlarmName });
    return { physicalId: AlarmName, attributes: { Arn: `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:${AlarmName}` } };
  },
  'AWS::Budgets::Budget': async (boto, { Budget, NotificationsWithSubscribers }, logicalId) => {
    const { BudgetName, BudgetLimit, ...budget } = z.parse(
      z.looseObject({
        BudgetName: z._default(z.string(), logicalId),
        BudgetLimit: z.looseObject({ Amount: z.number() }),
      }),
      Budget,
    );
    await boto.call('budgets', 'create_budget', {
      AccountId: ACCOUNT,
      Budget: { ...budget, BudgetName, BudgetLimit: { ...BudgetLimit, Amount: String(BudgetLimit.Amount) } },
      NotificationsWithSubscribers,
    });
    return { physicalId: BudgetName };
  },
};

/** Properties at which moto's CloudFormation fails, or of which it makes something else. They are left out. */
const TOO_MUCH: Readonly<Record<string, readonly string[]>> = { 'AWS::KMS::Key': ['Tags'] };

/** Makes the stage in a moto server that held nothing of it. */
export const deployStage = async (endpoint: string): Promise<DeployedStage> => {
  const boto = startBoto(endpoint, REGION);
  const folder = temporaryFolder('stage');
  buildApp({ stage: 'dev', bundled: false, outdir: folder }).app.synth();
  await boto.call('ssm', 'put_parameter', {
    Name: '/cdk-bootstrap/hnb659fds/version',
    Value: '30',
    Type: 'String',
    Overwrite: true,
  });
  const resources = new Map<string, Deployed>();
  const byCloudFormation = new Set<string>();
  for (const stack of STACKS) {
    const template = z.parse(Template, JSON.parse(readFileSync(join(folder, `${stack}.template.json`), 'utf8')));
    await deployStack({ boto, stack, template, resources, byCloudFormation });
  }
  return { boto, region: REGION, account: ACCOUNT, endpoint, resources, byCloudFormation };
};

interface StackToDeploy {
  readonly boto: Boto;
  readonly stack: string;
  readonly template: Template;
  readonly resources: Map<string, Deployed>;
  readonly byCloudFormation: Set<string>;
}

const deployStack = async ({ boto, stack, template, resources, byCloudFormation }: StackToDeploy): Promise<void> => {
  const made = new Map<string, Made>();
  const makeByApi = async (id: string, type: string, properties: Properties): Promise<void> => {
    const one = await BY_OWN_API[type]?.(boto, properties, id);
    if (one === undefined) throw new Error(`nobody makes ${type}`);
    made.set(id, one);
    resources.set(id, { type, properties, physicalId: one.physicalId });
  };
  // First what refers to nothing: others refer to it.
  const own = Object.entries(template.Resources).filter(([, { Type }]) => Type in BY_OWN_API);
  const later: typeof own = [];
  for (const [id, { Type, Properties }] of own) {
    const properties = replaced(Properties, made);
    if (hasReference(properties)) later.push([id, { Type, Properties }]);
    else await makeByApi(id, Type, object(properties));
  }
  await uploadCode(boto, template);
  // Then the stack without them. Its outputs say what the references of all resources are.
  const laterIds = new Set(later.map(([id]) => id));
  const kept = Object.entries(template.Resources).filter(([, { Type }]) => !(Type in BY_OWN_API));
  const resolved: Record<string, unknown> = {};
  const asOutputs = (node: unknown): unknown => {
    if (!isReference(node)) return mapNode(node, asOutputs);
    if (namesOneOf(node, laterIds)) return node;
    const name = `Judged${Object.keys(resolved).length}`;
    resolved[name] = node;
    return { 'Judged::Output': name };
  };
  const properties = new Map(
    Object.entries(template.Resources).map(([id, one]) => [id, asOutputs(replaced(one.Properties, made))]),
  );
  const outputs = Object.fromEntries(Object.entries(resolved).map(([name, Value]) => [name, { Value }]));
  const body = {
    ...template,
    Rules: undefined,
    Resources: Object.fromEntries(
      kept.map(([id, one]) => {
        const Properties = without(object(replaced(one.Properties, made)), ...(TOO_MUCH[one.Type] ?? []));
        return [id, { ...one, Properties, DependsOn: undefined }];
      }),
    ),
    Outputs: { ...object(replaced(template.Outputs, made)), ...outputs },
  };
  await boto.call('cloudformation', 'create_stack', {
    StackName: stack,
    TemplateBody: JSON.stringify(body),
    Capabilities: ['CAPABILITY_NAMED_IAM'],
  });
  const { Stacks } = z.parse(
    z.object({
      Stacks: z.tuple([
        z.object({
          StackStatus: z.literal('CREATE_COMPLETE'),
          Outputs: z.array(z.object({ OutputKey: z.string(), OutputValue: z.string() })),
        }),
      ]),
    }),
    await boto.call('cloudformation', 'describe_stacks', { StackName: stack }),
  );
  const values = new Map(Stacks[0].Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
  const fromOutputs = (node: unknown): unknown => {
    const name = outputOf(node);
    return name === undefined ? mapNode(node, fromOutputs) : values.get(name);
  };
  const summaries = z.parse(
    z.array(z.object({ LogicalResourceId: z.string(), ResourceType: z.string(), PhysicalResourceId: z.string() })),
    await boto.list('cloudformation', 'list_stack_resources', 'StackResourceSummaries', { StackName: stack }),
  );
  for (const { LogicalResourceId: id, ResourceType: type, PhysicalResourceId: physicalId } of summaries) {
    byCloudFormation.add(id);
    resources.set(id, { type, physicalId, properties: object(fromOutputs(properties.get(id) ?? {})) });
  }
  const missing = kept.filter(([id]) => !resources.has(id)).map(([id, { Type }]) => `${id} (${Type})`);
  if (missing.length > 0) throw new Error(`neither CloudFormation nor a service made ${missing.join(', ')}`);
  // Last those that refer to others.
  for (const [id, { Type }] of later)
    await makeByApi(id, Type, object(replaced(fromOutputs(properties.get(id)), made)));
};

/** Code is no matter here: the bundles are judged by their own tests. */
const uploadCode = async (boto: Boto, template: Template): Promise<void> => {
  const Code = z.object({ S3Bucket: z.unknown(), S3Key: z.string() });
  const keys = Object.values(template.Resources).flatMap(({ Properties }) => {
    const code = z.safeParse(Code, Properties['Code']);
    return code.success ? [code.data.S3Key] : [];
  });
  if (keys.length === 0) return;
  const Bucket = `cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;
  await boto.call('s3', 'create_bucket', { Bucket, CreateBucketConfiguration: { LocationConstraint: REGION } });
  for (const Key of new Set(keys)) await boto.call('s3', 'put_object', { Bucket, Key, Body: 'no code' });
};

const object = (value: unknown): Properties => z.parse(z.record(z.string(), z.unknown()), value);

const mapNode = (node: unknown, map: (child: unknown) => unknown): unknown => {
  if (Array.isArray(node)) return node.map(map);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, map(child)]));
};

const isReference = (node: unknown): boolean => {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return false;
  const names = Object.keys(node);
  return names.length === 1 && (names[0] === 'Ref' || (names[0] ?? '').startsWith('Fn::'));
};

const someNode = (node: unknown, is: (child: unknown) => boolean): boolean => {
  if (is(node)) return true;
  if (Array.isArray(node)) return node.some((child) => someNode(child, is));
  return typeof node === 'object' && node !== null && Object.values(node).some((child) => someNode(child, is));
};

const hasReference = (node: unknown): boolean => someNode(node, isReference);

const Ref = z.strictObject({ Ref: z.string() });
const GetAtt = z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) });

const Join = z.strictObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.string())]) });

const namesOneOf = (node: unknown, ids: ReadonlySet<string>): boolean =>
  someNode(node, (child) => {
    const ref = z.safeParse(Ref, child);
    if (ref.success) return ids.has(ref.data.Ref);
    const attribute = z.safeParse(GetAtt, child);
    return attribute.success && ids.has(attribute.data['Fn::GetAtt'][0]);
  });

const outputOf = (node: unknown): string | undefined => {
  const output = z.safeParse(z.strictObject({ 'Judged::Output': z.string() }), node);
  return output.success ? output.data['Judged::Output'] : undefined;
};

/** References to resources that are made already, by what they are; joins of what is known then, joined. */
const replaced = (node: unknown, made: ReadonlyMap<string, Made>): unknown => {
  const ref = z.safeParse(Ref, node);
  if (ref.success && made.has(ref.data.Ref)) return made.get(ref.data.Ref)?.physicalId;
  const attribute = z.safeParse(GetAtt, node);
  if (attribute.success) {
    const [id, name] = attribute.data['Fn::GetAtt'];
    const one = made.get(id);
    if (one !== undefined) {
      const value = one.attributes?.[name];
      if (value === undefined) throw new Error(`${id} has no attribute ${name} here`);
      return value;
    }
  }
  const inner = mapNode(node, (child) => replaced(child, made));
  const joined = z.safeParse(Join, inner);
  return joined.success ? joined.data['Fn::Join'][1].join(joined.data['Fn::Join'][0]) : inner;
};
