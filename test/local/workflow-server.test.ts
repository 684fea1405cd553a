import { join } from 'node:path';
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BusinessClock, openBusinessClock } from '#local/clock.ts';
import { createRunner, type Runner } from '#local/state-machines.ts';
import { startWorkflowServer, type WorkflowServer } from '#local/workflow-server.ts';
import { sfnWorkflows } from '#shared/adapters/sfn-workflows.ts';
import type { Workflows } from '#shared/ports/workflows.ts';
import { eventually } from '#test/support/eventually.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:work';
const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:resegment-local-resegmentation';
const definition = {
  StartAt: 'Work',
  States: {
    Work: { Type: 'Task', Resource: FUNCTION, TimeoutSeconds: 30, Next: 'Wait' },
    Wait: { Type: 'Wait', TimestampPath: '$.until', End: true },
  },
};

let clock: BusinessClock;
let runner: Runner;
let server: WorkflowServer;
let client: SFNClient;
let workflows: Workflows;

beforeAll(async () => {
  const dataDir = temporaryFolder('workflows');
  clock = openBusinessClock({ dataDir, startAt: '2026-05-01T00:00:00.000Z' });
  runner = createRunner({
    machines: { resegmentation: { arn: MACHINE, definition } },
    functionArns: { [FUNCTION]: 'work' },
    handlers: {
      work: async (event) => {
        if ((event as { fails?: boolean }).fails)
          throw Object.assign(new Error('it is broken'), { name: 'PermanentError' });
        return event;
      },
    },
    clock,
    journalDir: join(dataDir, 'executions'),
  });
  server = await startWorkflowServer({ runner, clock, port: 0 });
  client = new SFNClient({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  workflows = sfnWorkflows({ machineArns: { resegmentation: MACHINE }, endpoint: server.url });
});
afterAll(async () => {
  client.destroy();
  await server.close();
  await runner.close();
  clock.stop();
});

const PAST = { until: '2026-04-01T00:00:00.000Z' };
const FUTURE = { until: '2027-01-01T00:00:00.000Z' };
const start = (name: string, input: object) =>
  client.send(new StartExecutionCommand({ stateMachineArn: MACHINE, name, input: JSON.stringify(input) }));

describe("the SDK's client on the local stack", () => {
  it('starts an execution and sees it end', async () => {
    const { executionArn } = await start('a', PAST);

    await eventually(async () => {
      const described = await client.send(new DescribeExecutionCommand({ executionArn }));
      expect(described).toMatchObject({
        status: 'SUCCEEDED',
        name: 'a',
        stateMachineArn: MACHINE,
        output: JSON.stringify(PAST),
      });
      expect(described.startDate).toBeInstanceOf(Date);
    });
  });

  it('finds the running execution of the same name and input', async () => {
    const first = await start('b', FUTURE);
    const second = await start('b', FUTURE);

    expect(second.executionArn).toBe(first.executionArn);
  });

  it('refuses a used name with other input, and a name of an ended execution', async () => {
    await start('c', FUTURE);

    await expect(start('c', PAST)).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
    await start('d', PAST);
    await eventually(() => expect(start('d', PAST)).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' }));
  });

  it('lists executions by status, page by page, and stops one', async () => {
    const { executionArn } = await start('e', FUTURE);
    const running = new ListExecutionsCommand({ stateMachineArn: MACHINE, statusFilter: 'RUNNING' });
    expect((await client.send(running)).executions?.map((one) => one.name)).toContain('e');

    await client.send(new StopExecutionCommand({ executionArn, error: 'Operator', cause: 'enough' }));

    expect((await client.send(running)).executions?.map((one) => one.name)).not.toContain('e');
    const page = await client.send(new ListExecutionsCommand({ stateMachineArn: MACHINE, maxResults: 1 }));
    expect(page.executions).toHaveLength(1);
    const next = await client.send(
      new ListExecutionsCommand({ stateMachineArn: MACHINE, maxResults: 1, nextToken: page.nextToken }),
    );
    expect(next.executions?.[0]?.name).not.toBe(page.executions?.[0]?.name);
  });

  it.each([
    [
      'an unknown machine',
      () => client.send(new StartExecutionCommand({ stateMachineArn: `${MACHINE}x` })),
      'StateMachineDoesNotExist',
    ],
    [
      'an unknown execution',
      () => client.send(new DescribeExecutionCommand({ executionArn: 'arn:x' })),
      'ExecutionDoesNotExist',
    ],
    ['a name with a slash', () => start('a/b', PAST), 'InvalidName'],
    [
      'input that is not JSON',
      () => client.send(new StartExecutionCommand({ stateMachineArn: MACHINE, input: '{' })),
      'InvalidExecutionInput',
    ],
  ])('gets the service’s error for %s', async (_, call, name) => {
    await expect(call()).rejects.toMatchObject({ name });
  });

  it('gets an error for a call or body that the local stack does not know', async () => {
    const post = (target: string, body: string) =>
      fetch(server.url, { method: 'POST', headers: { 'x-amz-target': target }, body });

    expect((await post('AWSStepFunctions.CreateStateMachine', '{}')).status).toBe(400);
    expect(await (await post('AWSStepFunctions.StartExecution', 'nonsense')).json()).toMatchObject({
      __type: 'ValidationException',
    });
  });
});

describe('the port to workflows', () => {
  it('starts an execution once and finds it afterwards', async () => {
    const first = await workflows.start('resegmentation', 'p', PAST);
    await eventually(async () =>
      expect(await workflows.describe(first.executionArn)).toEqual({ status: 'SUCCEEDED', output: PAST }),
    );

    const second = await workflows.start('resegmentation', 'p', PAST);

    expect(first.started).toBe(true);
    expect(second).toEqual({ executionArn: first.executionArn, started: false });
  });

  it('tells why an execution failed', async () => {
    const { executionArn } = await workflows.start('resegmentation', 'q', { fails: true });

    await eventually(async () =>
      expect(await workflows.describe(executionArn)).toMatchObject({
        status: 'FAILED',
        error: 'PermanentError',
        cause: expect.stringContaining('it is broken'),
      }),
    );
  });

  it('names what is missing in our own errors', async () => {
    await expect(workflows.start('survey-wave', 'w', {})).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'machine-not-configured',
    });
    await expect(workflows.describe('arn:nothing')).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'workflow-refused',
    });
  });
});

describe('the clock of the local stack over HTTP', () => {
  const move = (body: string) => fetch(`${server.url}/clock`, { method: 'POST', body });

  it('is shown, and moves forwards only', async () => {
    expect((await move('{"now":"2026-05-20T00:00:00.000Z"}')).status).toBe(200);
    expect(await (await fetch(`${server.url}/clock`)).json()).toEqual({
      now: expect.stringMatching(/^2026-05-20T00:00/),
    });
    expect((await move('{"now":"2026-05-19T00:00:00.000Z"}')).status).toBe(409);
    expect((await move('{"now":"soon"}')).status).toBe(409);
    expect((await move('{}')).status).toBe(400);
  });
});
