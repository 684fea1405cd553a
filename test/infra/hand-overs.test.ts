import { describe, expect, it } from 'vitest';
import { ACCOUNT, deploymentOf, type Statement, statementOf } from '#test/support/deployment.ts';
import { allows, grantsOf, type IamRequest } from '#test/support/iam.ts';

const deployed = deploymentOf('prod');
// biome-ignore lint/suspicious/noExplicitAny: the states language is read here as it is written
type State = Record<string, any>;
const statesOf = (definition: State): [string, State][] =>
  Object.entries<State>(definition['States']).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...(state['ItemProcessor'] === undefined ? [] : statesOf(state['ItemProcessor'])),
  ]);
const mayCall = (statements: readonly Statement[], action: string, resource: string, context = {}): boolean =>
  statements.some((one) => allows(one, { action, resource, context }));
const text = (value: unknown): string => String(value);
/** Properties of the one resource of a type, or of the one that is meant. */
const propertiesOf = (type: string, isMeant: (id: string, properties: State) => boolean = () => true): State => {
  const [found, ...others] = deployed.ofType(type).filter(({ id, properties }) => isMeant(id, properties));
  if (found === undefined || others.length > 0) throw new Error(`not exactly one ${type}`);
  return found.properties;
};

/** What a resource's own policy allows a service, by the condition keys that the service gives. */
const mayService = (
  policies: 'AWS::SNS::TopicPolicy' | 'AWS::SQS::QueuePolicy',
  service: string,
  request: IamRequest,
): boolean =>
  deployed
    .ofType(policies)
    .flatMap(({ properties }) => (properties['PolicyDocument'] as { Statement: never[] }).Statement)
    .filter((one: { Principal: unknown }) => JSON.stringify(one.Principal) === JSON.stringify({ Service: service }))
    .some((one) => allows(statementOf(one), request));

describe.each([...deployed.machines])('the role of %s', (name, { arn, definition, statements }) => {
  const called = statesOf(definition as State).flatMap(([, state]) =>
    state['Type'] === 'Task' ? [text(state['Resource'])] : [],
  );
  const child = `${arn.replace(':stateMachine:', ':execution:')}/4f8b:1b2c`;
  const mapRun = `${arn.replace(':stateMachine:', ':execution:')}:1b2c`;

  it('may call the function of each task, and no other', () => {
    const granted = grantsOf(statements).flatMap(({ Action: [action], Resource: [resource] }) =>
      action === 'lambda:InvokeFunction' ? [text(resource).replace(/:\*$/, '')] : [],
    );

    expect(called.length).toBeGreaterThan(0);
    for (const resource of called) expect(mayCall(statements, 'lambda:InvokeFunction', resource), resource).toBe(true);
    expect([...new Set(granted)].sort()).toEqual([...new Set(called)].sort());
  });

  it('may start, follow, stop and redrive the children of its own maps, and nothing of another machine', () => {
    const other = `arn:aws:states:${deployed.region}:${ACCOUNT}:stateMachine:other`;

    expect(mayCall(statements, 'states:StartExecution', arn)).toBe(true);
    expect(mayCall(statements, 'states:DescribeExecution', mapRun)).toBe(true);
    expect(mayCall(statements, 'states:StopExecution', mapRun)).toBe(true);
    expect(mayCall(statements, 'states:RedriveExecution', child)).toBe(true);
    expect(mayCall(statements, 'states:StartExecution', other), name).toBe(false);
    expect(mayCall(statements, 'states:RedriveExecution', child.replace(name, 'other'))).toBe(false);
  });
});

describe('schedules', () => {
  it.each(deployed.ofType('AWS::Scheduler::Schedule'))(
    '$id may start its target, or else write a dead letter',
    (one) => {
      const { Arn, RoleArn, DeadLetterConfig } = one.properties['Target'] as {
        Arn: string;
        RoleArn: string;
        DeadLetterConfig: { Arn: string };
      };
      const statements = deployed.statementsOfRole(RoleArn);
      const action = Arn.includes(':states:') ? 'states:StartExecution' : 'lambda:InvokeFunction';

      expect(mayCall(statements, action, Arn)).toBe(true);
      expect(mayCall(statements, 'sqs:SendMessage', DeadLetterConfig.Arn)).toBe(true);
      expect(
        grantsOf(statements).every(
          ({ Resource }) => text(Resource[0]).startsWith(Arn) || text(Resource[0]) === DeadLetterConfig.Arn,
        ),
      ).toBe(true);
    },
  );

  it('are the only ones whose roles the scheduler may take on', () => {
    for (const { properties } of deployed.ofType('AWS::Scheduler::Schedule')) {
      const { RoleArn } = properties['Target'] as { RoleArn: string };
      const role = propertiesOf('AWS::IAM::Role', (id) => RoleArn.endsWith(`/${id}`));
      const { Statement } = role['AssumeRolePolicyDocument'] as { Statement: never[] };
      const group = `arn:aws:scheduler:${deployed.region}:${ACCOUNT}:schedule-group/`;
      const trusts = (source: string): boolean =>
        Statement.some((one: never) =>
          allows(
            { ...(one as object), Action: ['sts:AssumeRole'], Resource: ['*'], Effect: 'Allow' },
            {
              action: 'sts:AssumeRole',
              resource: '*',
              context: { 'aws:SourceAccount': ACCOUNT, 'aws:SourceArn': source },
            },
          ),
        );

      expect(trusts(`${group}default`)).toBe(true);
      expect(trusts(`${group}other`)).toBe(false);
    }
  });
});

describe('rules', () => {
  it.each(deployed.ofType('AWS::Events::Rule'))(
    '$id may start its targets, or else write a dead letter',
    ({ properties }) => {
      const targets = properties['Targets'] as { Arn: string; RoleArn: string; DeadLetterConfig: { Arn: string } }[];

      expect(targets.length).toBeGreaterThan(0);
      for (const { Arn, RoleArn, DeadLetterConfig } of targets) {
        const statements = deployed.statementsOfRole(RoleArn);
        const letters = deployed
          .ofType('AWS::SQS::QueuePolicy')
          .flatMap((one) => (one.properties['PolicyDocument'] as { Statement: State[] }).Statement)
          .filter(
            (one) => one['Principal']?.Service === 'events.amazonaws.com' && one['Resource'] === DeadLetterConfig.Arn,
          );

        expect(mayCall(statements, 'states:StartExecution', Arn)).toBe(true);
        expect(grantsOf(statements).map(({ Resource }) => Resource[0])).toEqual([Arn]);
        expect(letters.length).toBeGreaterThan(0);
      }
    },
  );
});

describe('mail events', () => {
  const topic: string = propertiesOf('AWS::SES::ConfigurationSetEventDestination')['EventDestination'].SnsDestination
    .TopicARN;
  const { Name } = propertiesOf('AWS::SES::ConfigurationSet');
  const setArn = `arn:aws:ses:${deployed.region}:${ACCOUNT}:configuration-set/${Name}`;
  const published = (source: string): IamRequest => ({
    action: 'sns:Publish',
    resource: topic,
    context: { 'AWS:SourceAccount': ACCOUNT, 'AWS:SourceArn': source },
  });

  it('may be published by SES for the stage’s configuration set, and for no other', () => {
    expect(mayService('AWS::SNS::TopicPolicy', 'ses.amazonaws.com', published(setArn))).toBe(true);
    expect(mayService('AWS::SNS::TopicPolicy', 'ses.amazonaws.com', published(`${setArn}-other`))).toBe(false);
  });

  it('may be put by that topic into its queue, and where that fails into the dead letters', () => {
    const { Endpoint, RedrivePolicy, TopicArn } = propertiesOf(
      'AWS::SNS::Subscription',
      (_, { Protocol }) => Protocol === 'sqs',
    );
    const sent = (resource: string, source: string): IamRequest => ({
      action: 'sqs:SendMessage',
      resource,
      context: { 'aws:SourceArn': source },
    });

    expect(TopicArn).toBe(topic);
    for (const queue of [Endpoint, RedrivePolicy.deadLetterTargetArn]) {
      expect(mayService('AWS::SQS::QueuePolicy', 'sns.amazonaws.com', sent(queue, topic)), queue).toBe(true);
      expect(mayService('AWS::SQS::QueuePolicy', 'sns.amazonaws.com', sent(queue, `${topic}-other`)), queue).toBe(
        false,
      );
    }
  });
});
