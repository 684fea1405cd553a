import { templatesOf } from '#test/infra/templates.ts';

/** An account and what a template says of it, with every reference resolved to what AWS would put there. */
export const ACCOUNT = '210987654321';

export interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation is read here as it is written
  readonly Properties?: Readonly<Record<string, any>>;
}
interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: string } }>>;
}

export interface Deployment {
  readonly region: string;
  /** Function by its name in functions/: environment and rights as they are deployed. */
  readonly functions: ReadonlyMap<
    string,
    { readonly arn: string; readonly environment: Readonly<Record<string, string>>; readonly statements: Statement[] }
  >;
  readonly machines: ReadonlyMap<
    string,
    { readonly arn: string; readonly definition: unknown; readonly statements: Statement[] }
  >;
  /** Rights of a role, from all policies that name it. */
  statementsOfRole(roleArn: string): readonly Statement[];
  /** Every resource of a type with its properties resolved. */
  ofType(type: string): readonly { readonly id: string; readonly properties: Readonly<Record<string, unknown>> }[];
}

/** Both stacks of a stage as if they were deployed. */
export const deploymentOf = (stage: 'dev' | 'prod'): Deployment => {
  const { data, loop } = templatesOf(stage) as unknown as { data: Template; loop: Template };
  const region = regionOf(data, loop);
  const resolve = resolver([data, loop], region);
  const resources = [...Object.entries(data.Resources), ...Object.entries(loop.Resources)];
  const ofType = (type: string) =>
    resources
      .filter(([, one]) => one.Type === type)
      .map(([id, one]) => ({ id, properties: resolve(one.Properties ?? {}) as Record<string, unknown> }));
  const statementsOfRole = (roleArn: string): Statement[] => {
    const name = roleArn.replace(/^.*:role\//, '');
    const role = ofType('AWS::IAM::Role').find(({ id }) => id === name);
    const extra = [role?.properties['ManagedPolicyArns'], role?.properties['Policies']].flat().filter(Boolean);
    if (role === undefined || extra.length > 0) throw new Error(`${name} is no role, or has rights elsewhere`);
    return ofType('AWS::IAM::Policy')
      .filter(({ properties }) => (properties['Roles'] as readonly string[]).includes(name))
      .flatMap(({ properties }) => (properties['PolicyDocument'] as { Statement: never[] }).Statement)
      .map(statementOf);
  };
  const prefix = `resegment-${stage}-`;
  return {
    region,
    ofType,
    statementsOfRole,
    functions: new Map(
      ofType('AWS::Lambda::Function').map(({ properties }) => {
        const physical = String(properties['FunctionName']);
        const { Variables } = properties['Environment'] as unknown as { Variables: Record<string, string> };
        return [
          physical.replace(prefix, ''),
          {
            arn: `arn:aws:lambda:${region}:${ACCOUNT}:function:${physical}`,
            environment: Variables,
            statements: statementsOfRole(String(properties['Role'])),
          },
        ];
      }),
    ),
    machines: new Map(
      ofType('AWS::StepFunctions::StateMachine').map(({ properties }) => {
        const physical = String(properties['StateMachineName']);
        return [
          physical.replace(prefix, ''),
          {
            arn: `arn:aws:states:${region}:${ACCOUNT}:stateMachine:${physical}`,
            definition: JSON.parse(String(properties['DefinitionString'])),
            statements: statementsOfRole(String(properties['RoleArn'])),
          },
        ];
      }),
    ),
  };
};

/** A statement as it is written: one action or resource may stand without a list. */
export const statementOf = (one: {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: NonNullable<Statement['Condition']>;
}): Statement => ({ ...one, Action: [one.Action].flat(), Resource: [one.Resource].flat() });

/** The templates name no region themselves; a policy or an address does. */
const regionOf = (...templates: readonly Template[]): string => {
  const found = /arn:aws:acm:([a-z0-9-]+):/.exec(JSON.stringify(templates))?.[1];
  return found ?? 'ap-southeast-1';
};

/** What `Ref` and `Fn::GetAtt` give of a resource, by its type. */
const attributesOf = (
  id: string,
  { Type, Properties = {} }: Resource,
  region: string,
): { readonly ref: string; readonly [attribute: string]: string } => {
  const arn = (service: string, resource: string): string => `arn:aws:${service}:${region}:${ACCOUNT}:${resource}`;
  const named = (property: string): string =>
    typeof Properties[property] === 'string' ? Properties[property] : id.toLowerCase();
  switch (Type) {
    case 'AWS::DynamoDB::GlobalTable':
      return { ref: named('TableName'), Arn: arn('dynamodb', `table/${named('TableName')}`) };
    case 'AWS::S3::Bucket':
      return { ref: id.toLowerCase(), Arn: `arn:aws:s3:::${id.toLowerCase()}` };
    case 'AWS::KMS::Key':
      return { ref: id, Arn: arn('kms', `key/${id}`) };
    case 'AWS::Lambda::Function':
      return { ref: named('FunctionName'), Arn: arn('lambda', `function:${named('FunctionName')}`) };
    case 'AWS::StepFunctions::StateMachine': {
      const machine = arn('states', `stateMachine:${named('StateMachineName')}`);
      return { ref: machine, Arn: machine, Name: named('StateMachineName') };
    }
    case 'AWS::SNS::Topic':
      return { ref: arn('sns', id), TopicArn: arn('sns', id), TopicName: id };
    case 'AWS::SQS::Queue':
      return {
        ref: `https://sqs.${region}.amazonaws.com/${ACCOUNT}/${id}`,
        Arn: arn('sqs', id),
        QueueName: id,
      };
    case 'AWS::Events::EventBus':
      return { ref: named('Name'), Arn: arn('events', `event-bus/${named('Name')}`), Name: named('Name') };
    case 'AWS::IAM::Role':
      return { ref: id, Arn: `arn:aws:iam::${ACCOUNT}:role/${id}` };
    case 'AWS::Logs::LogGroup':
      return { ref: named('LogGroupName'), Arn: arn('logs', `log-group:${named('LogGroupName')}:*`) };
    case 'AWS::SES::ConfigurationSet':
      return { ref: named('Name') };
    case 'AWS::ApiGatewayV2::Api':
      return { ref: id.toLowerCase(), ApiEndpoint: `https://${id.toLowerCase()}.execute-api.${region}.amazonaws.com` };
    default:
      return { ref: id };
  }
};

const resolver = (templates: readonly Template[], region: string) => {
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::AccountId': ACCOUNT,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
  };
  const resources = new Map(templates.flatMap(({ Resources }) => Object.entries(Resources)));
  const exports = new Map(
    templates.flatMap(({ Outputs = {} }) =>
      Object.values(Outputs).map((one) => [one.Export?.Name, one.Value] as const),
    ),
  );
  const resourceOf = (id: string) => {
    const found = resources.get(id);
    if (found === undefined) throw new Error(`no resource ${id}`);
    return attributesOf(id, found, region);
  };
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [[name, given] = ['', undefined]] = entries;
    if (entries.length !== 1) return Object.fromEntries(entries.map(([key, inner]) => [key, resolve(inner)]));
    switch (name) {
      case 'Ref':
        return pseudo[String(given)] ?? resourceOf(String(given)).ref;
      case 'Fn::GetAtt': {
        const [id, attribute] = given as [string, string];
        return resourceOf(id)[attribute] ?? `${id}.${attribute}`;
      }
      case 'Fn::Join': {
        const [separator, parts] = given as [string, unknown[]];
        return parts.map(resolve).join(separator);
      }
      case 'Fn::ImportValue':
        if (!exports.has(String(given))) throw new Error(`no stack exports ${given}`);
        return resolve(exports.get(String(given)));
      case 'Fn::Select': {
        const [index, parts] = given as [string, unknown];
        return (resolve(parts) as unknown[])[Number(index)];
      }
      case 'Fn::Split': {
        const [separator, text] = given as [string, unknown];
        return String(resolve(text)).split(separator);
      }
      default:
        if (name.startsWith('Fn::')) throw new Error(`${name} is not known here`);
        return { [name]: resolve(given) };
    }
  };
  return resolve;
};
