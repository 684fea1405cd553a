import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FUNCTION_METRICS, METRIC_DIMENSIONS, STAGE_METRICS } from '#shared/contracts/metrics.ts';
import { type Deployment, deploymentOf, type Statement } from '#test/support/deployment.ts';
import { allows, grantsOf, type IamRequest } from '#test/support/iam.ts';
import { findCanaries, type Said, watchLoop } from '#test/support/loop-watch.ts';
import type { RecordedCall } from '#test/support/small-account.ts';
import { LOOP_COMMENTS, loopSample, playWholeLoop } from '#test/support/whole-loop.ts';

const STAGES = ['dev', 'prod'] as const;
const deployments = { dev: deploymentOf('dev'), prod: deploymentOf('prod') };
const FUNCTIONS = [...deployments.dev.functions.keys()].sort();

let recorded: readonly RecordedCall[] = [];
const loop = watchLoop();
beforeAll(async () => {
  loop.listen();
  recorded = await playWholeLoop(deployments.dev, loop.watch).finally(loop.stop);
}, 900_000);
afterAll(loop.stop);

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
    right: /^s3:AbortMultipartUpload arn:.*\/imports\/\*$/,
    only: ['finish-import'],
    reason:
      'A file of rejected rows that is written in parts and breaks off is given up, so that nobody pays for half of it.',
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

describe('what functions say in the loop', () => {
  const [head = '', ...rows] = loopSample().customersCsv.trim().split('\n');
  const column = (name: string): readonly string[] => {
    const index = head.split(',').indexOf(name);
    return [...new Set(rows.map((row) => row.split(',')[index] ?? ''))].filter((value) => value !== '');
  };
  /** An id such as c00059 is by chance in the middle of a random one sooner or later; as an id it stands alone. */
  const asWord = (id: string): RegExp => new RegExp(`(?<![0-9a-f])${id}(?![0-9a-f])`, 'u');
  /** Whatever names a customer or one of the staff, or was written by one. */
  const PEOPLE = [
    ...column('id').map(asWord),
    ...column('email'),
    ...column('name'),
    ...column('manager'),
    ...LOOP_COMMENTS,
    '@',
  ];
  /** Also where they are only a part of something, such as the key of an object. */
  const SEGMENTS = ['priority', 'cultivate', 'hold', 'exit', 'unrated'];
  const aSegment = new RegExp(`(^|[^\\w])(${SEGMENTS.join('|')})([^\\w]|$)`, 'u');
  const asSaid = (lines: readonly Readonly<Record<string, unknown>>[]): readonly Said[] =>
    lines.map((line) => ({ where: String(line['function'] ?? 'the stage'), text: JSON.stringify(line) }));

  it('R20 put nobody, no comment, address or segment into logs, and say in each line which call of what it was', () => {
    const { logs } = loop.lines();

    expect(new Set(logs.map((line) => line['function']))).toEqual(new Set(FUNCTIONS));
    for (const line of logs) {
      expect(line).toMatchObject({
        stage: 'dev',
        requestId: expect.stringContaining(String(line['function'])),
        traceId: '1-5759e988-bd862e3fe1be46a994272793',
        coldStart: expect.any(Boolean),
      });
    }
    expect(findCanaries(asSaid(logs), [...PEOPLE, aSegment])).toEqual([]);
  });

  it('R20 put nobody and no segment into names, dimensions and values of metrics', () => {
    const { metrics } = loop.lines();

    const known = new Set<string>([
      ...Object.keys(STAGE_METRICS),
      ...Object.keys(FUNCTION_METRICS),
      ...METRIC_DIMENSIONS,
    ]);
    for (const { _aws, ...line } of metrics) {
      for (const [name, value] of Object.entries(line)) {
        expect(known).toContain(name);
        const isDimension = METRIC_DIMENSIONS.some((one) => one === name);
        for (const one of [value].flat()) expect(typeof one, name).toBe(isDimension ? 'string' : 'number');
      }
      expect(['dev', undefined]).toContain(line['stage']);
      expect([...FUNCTIONS, undefined]).toContain(line['function']);
    }
    expect(findCanaries(asSaid(metrics), [...PEOPLE, aSegment])).toEqual([]);
  });

  it('measure in a whole loop whatever there is to measure, but what goes well in it', () => {
    const { metrics } = loop.lines();
    const seen = new Set(metrics.flatMap((line) => Object.keys(line)));

    const all = [...Object.keys(STAGE_METRICS), ...Object.keys(FUNCTION_METRICS)];
    expect(all.filter((name) => !seen.has(name) && !GOES_WELL_IN_THE_LOOP.includes(name))).toEqual([]);
  });

  it('R20 put nobody, no comment and no segment into what passes through the states of any machine', () => {
    const states = new Set(loop.stateData.map(({ where }) => where));

    for (const machine of deployments.dev.machines.keys())
      expect([...states].filter((where) => where.startsWith(`${machine}, in`)).length, machine).toBeGreaterThan(4);
    expect(findCanaries(loop.stateData, [...PEOPLE, ...SEGMENTS.map((name) => `"${name}"`)])).toEqual([]);
  });

  it('R20 name objects, executions, events and tags of mails after nobody', () => {
    const kinds = new Set(loop.names.map(({ where }) => where.replace(/,.*/u, '')));

    expect([...kinds].sort()).toEqual(['event', 'execution', 'input of an execution', 'object', 'tag of a mail']);
    expect(findCanaries(loop.names, [...PEOPLE, ...SEGMENTS])).toEqual([]);
  });

  it.each([
    ['a customer’s id', () => column('id')[0] ?? ''],
    ['an address', () => column('email')[0] ?? ''],
    ['a name', () => column('name')[0] ?? ''],
  ])('would show %s in the data of a state, the name of an object, a log line', (_, canary) => {
    const said = [{ where: 'somewhere', text: JSON.stringify({ nested: [{ value: `x/${canary()}/y` }] }) }];

    expect(findCanaries(said, PEOPLE)).not.toEqual([]);
  });
});

/** Metrics of what does not happen in it. */
const GOES_WELL_IN_THE_LOOP: readonly string[] = [
  'FailedPoison',
  'FailedRetryable',
  'FailedUnclassified',
  'MailEventsRefused',
  'MailsComplained',
  'MailsRejected',
  'MailsUncertain',
  'RunsDegraded',
  'UnclassifiedFailures',
];
