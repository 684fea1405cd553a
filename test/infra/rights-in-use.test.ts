import { beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploymentOf, type Statement } from '#test/support/deployment.ts';
import { allows, grantsOf, type IamRequest } from '#test/support/iam.ts';
import type { RecordedCall } from '#test/support/small-account.ts';
import { playWholeLoop } from '#test/support/whole-loop.ts';

const STAGES = ['dev', 'prod'] as const;
const deployments = { dev: deploymentOf('dev'), prod: deploymentOf('prod') };
const FUNCTIONS = [...deployments.dev.functions.keys()].sort();

let recorded: readonly RecordedCall[] = [];
beforeAll(async () => {
  recorded = await playWholeLoop(deployments.dev);
}, 180_000);

/** The calls of a function as they would be in a stage: names and sender of that stage. */
const callsOf = (name: string, stage: (typeof STAGES)[number]): readonly IamRequest[] => {
  const senderIn = (deployment: Deployment): string =>
    JSON.parse(deployment.functions.get('plan-wave')!.environment['SURVEY_IDENTITY']!).senderAddress;
  const [from, to] = [senderIn(deployments.dev), senderIn(deployments[stage])];
  const domain = (address: string): string => address.replace(/^.*@/, '');
  return recorded
    .filter((call) => call.function === name)
    .map(({ action, resource, context }) => ({
      action,
      resource: resource.replace('resegment-dev', `resegment-${stage}`).replace(`/${domain(from)}`, `/${domain(to)}`),
      context: Object.fromEntries(Object.entries(context).map(([key, value]) => [key, value.replace(from, to)])),
    }));
};
const shown = ({ action, resource }: IamRequest): string => `${action} ${resource}`;
const deniedOf = (calls: readonly IamRequest[], statements: readonly Statement[]): readonly string[] => [
  ...new Set(calls.filter((call) => !statements.some((one) => allows(one, call))).map(shown)),
];
const unusedOf = (calls: readonly IamRequest[], statements: readonly Statement[]): readonly string[] =>
  grantsOf(statements)
    .filter((grant) => !calls.some((call) => allows(grant, call)))
    .map(({ Action, Resource }) => shown({ action: Action[0]!, resource: Resource[0]!, context: {} }));

/** Rights that no call of a function's own code shows, each with who needs it. */
const NEEDED_ALL_THE_SAME: readonly {
  readonly right: RegExp;
  readonly only?: readonly string[];
  readonly reason: string;
}[] = [
  {
    right: /^logs:(CreateLogStream|PutLogEvents) arn:.*:log-group:\/aws\/lambda\/resegment-/,
    reason: 'Lambda writes what the function says under the function’s role.',
  },
  {
    right: /^xray:Put(TraceSegments|TelemetryRecords) \*$/,
    reason: 'Lambda writes traces under the function’s role, where the stage has traces.',
  },
  {
    right: /^sqs:.* arn:.*:MailEventQueue/,
    only: ['ingest-mail-event'],
    reason: 'Lambda’s poller takes messages from the queue under the function’s role.',
  },
  {
    right: /^kms:.* arn:.*:key\/TableKey/,
    reason: 'DynamoDB uses the company’s own key of the tables on behalf of whoever reads or writes them.',
  },
  {
    right: /^s3:ListBucket arn:aws:s3:::workspace[0-9a-f]+$/,
    reason:
      'Who may not list the bucket is told "forbidden" of an object that is not there, and a missing policy or plan would look like a missing right.',
  },
];

describe.each(STAGES)('the rights of functions in %s', (stage) => {
  it.each(FUNCTIONS)('R25 let %s do all that it does', (name) => {
    const calls = callsOf(name, stage);

    expect(deniedOf(calls, deployments[stage].functions.get(name)!.statements)).toEqual([]);
    expect(calls.length, `${name} called nothing: the loop must reach it`).toBeGreaterThan(0);
  });

  it.each(FUNCTIONS)('R25 let %s do nothing else', (name) => {
    const unused = unusedOf(callsOf(name, stage), deployments[stage].functions.get(name)!.statements);

    expect(
      unused.filter(
        (one) => !NEEDED_ALL_THE_SAME.some(({ right, only }) => right.test(one) && (only?.includes(name) ?? true)),
      ),
    ).toEqual([]);
  });
});

describe('what is needed all the same', () => {
  it.each(NEEDED_ALL_THE_SAME)('is still there: $reason', ({ right }) => {
    const unused = STAGES.flatMap((stage) =>
      FUNCTIONS.flatMap((name) => unusedOf(callsOf(name, stage), deployments[stage].functions.get(name)!.statements)),
    );

    expect(unused.some((one) => right.test(one))).toBe(true);
  });
});

describe('the proof', () => {
  const { statements } = deployments.dev.functions.get('apply-shard')!;

  it('sees a right that is missing', () => {
    const withoutBatchGet = statements.map((one) => ({
      ...one,
      Action: one.Action.filter((action) => action !== 'dynamodb:BatchGetItem'),
    }));

    expect(deniedOf(callsOf('apply-shard', 'dev'), withoutBatchGet).join()).toContain('resegment-dev-standings');
  });

  it('sees a right on too much', () => {
    const every = { Effect: 'Allow', Action: ['dynamodb:PutItem'], Resource: ['arn:aws:dynamodb:x:y:table/other'] };

    expect(unusedOf(callsOf('apply-shard', 'dev'), [...statements, every])).toContain(
      'dynamodb:PutItem arn:aws:dynamodb:x:y:table/other',
    );
  });

  it('sees a mail from another sender', () => {
    const { statements: sending } = deployments.dev.functions.get('send-invitations')!;
    const [mail] = callsOf('send-invitations', 'dev').filter(({ action }) => action === 'ses:SendRawEmail');
    const forged = { ...mail!, context: { 'ses:FromAddress': 'chief@dev.example.com' } };

    expect(deniedOf([mail!], sending)).toEqual([]);
    expect(deniedOf([forged], sending)).toHaveLength(1);
  });
});
