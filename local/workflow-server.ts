import { type ServerType, serve } from '@hono/node-server';
import { Hono } from 'hono';
import * as z from 'zod/mini';
import { isResegmentError } from '#shared/errors.ts';
import type { BusinessClock } from './clock.ts';
import { listenOn } from './listen.ts';
import type { ExecutionRecord, Runner } from './state-machines.ts';

export interface WorkflowServerOptions {
  readonly runner: Runner;
  readonly clock: BusinessClock;
  /** What is due once the clock was moved, and done before the caller hears of it; what it gives is in the reply. */
  readonly afterMove?: () => Promise<Readonly<Record<string, unknown>>>;
  /** The wanted port of 127.0.0.1; the next free one is taken. 0 takes any. */
  readonly port: number;
}

export interface WorkflowServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const StartExecution = z.object({
  stateMachineArn: z.string(),
  name: z.optional(z.string()),
  input: z.optional(z.string()),
});
const OneExecution = z.object({ executionArn: z.string() });
const ListExecutions = z.object({
  stateMachineArn: z.string(),
  statusFilter: z.optional(z.string()),
  maxResults: z.optional(z.number()),
  nextToken: z.optional(z.string()),
});
const StopExecution = z.object({
  executionArn: z.string(),
  error: z.optional(z.string()),
  cause: z.optional(z.string()),
});
const MoveClock = z.object({ now: z.string() });

/** An error as the service's JSON protocol has it. */
class ProtocolError extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/**
 * Speaks the JSON protocol of Step Functions on 127.0.0.1 for the local runner, so that the SDK's client works unchanged:
 * StartExecution, DescribeExecution, ListExecutions, StopExecution. `GET /clock` shows the business clock, `POST /clock`
 * with `{"now": INSTANT}` moves it forwards.
 */
export const startWorkflowServer = async (options: WorkflowServerOptions): Promise<WorkflowServer> => {
  const app = workflowApp(options);
  const { server, url, port } = await listenOn<ServerType>(options.port, (wanted) =>
    serve({ fetch: app.fetch, port: wanted, hostname: '127.0.0.1' }),
  );
  return {
    url,
    port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined || error === null ? resolve() : reject(error)));
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
};

const workflowApp = ({ runner, clock, afterMove }: Omit<WorkflowServerOptions, 'port'>): Hono => {
  const app = new Hono();
  app.get('/clock', (context) => context.json({ now: clock.now() }));
  app.post('/clock', async (context) => {
    const body = z.safeParse(MoveClock, await context.req.json().catch(() => undefined));
    if (!body.success) {
      return context.json(
        { error: { code: 'clock-request-invalid', message: 'send {"now": "2026-05-31T22:00:00.000Z"}' } },
        400,
      );
    }
    try {
      await clock.moveTo(body.data.now);
      return context.json({ ...(await afterMove?.()), now: clock.now() });
    } catch (error) {
      if (!isResegmentError(error)) throw error;
      return context.json({ error: { code: error.code, message: error.message } }, 409);
    }
  });
  app.post('/', async (context) => {
    const operation = context.req.header('x-amz-target') ?? '';
    try {
      const answer = await operate(runner, operation, await context.req.json().catch(() => undefined));
      return context.body(JSON.stringify(answer), 200, { 'content-type': 'application/x-amz-json-1.0' });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return context.body(JSON.stringify({ __type: error.type, message: error.message }), 400, {
        'content-type': 'application/x-amz-json-1.0',
      });
    }
  });
  return app;
};

const operate = async (runner: Runner, target: string, body: unknown): Promise<unknown> => {
  switch (target) {
    case 'AWSStepFunctions.StartExecution':
      return startExecution(runner, valid(StartExecution, body));
    case 'AWSStepFunctions.DescribeExecution':
      return described(existing(runner.describe(valid(OneExecution, body).executionArn)));
    case 'AWSStepFunctions.ListExecutions':
      return listExecutions(runner, valid(ListExecutions, body));
    case 'AWSStepFunctions.StopExecution': {
      const { executionArn, error, cause } = valid(StopExecution, body);
      return { stopDate: epochSeconds(existing(runner.stop(executionArn, error, cause)).stopDate) };
    }
    default:
      throw new ProtocolError(
        'UnknownOperationException',
        `the local stack does not know ${target || 'a call without x-amz-target'}`,
      );
  }
};

const startExecution = async (runner: Runner, request: z.infer<typeof StartExecution>): Promise<unknown> => {
  const { stateMachineArn } = request;
  assertMachine(runner, stateMachineArn);
  const name = request.name ?? crypto.randomUUID();
  const input = parseInput(request.input ?? '{}');
  const result = await runner.start(stateMachineArn, name, input).catch((error: unknown) => {
    if (isResegmentError(error) && error.code === 'execution-name-invalid')
      throw new ProtocolError('InvalidName', error.message);
    throw error;
  });
  if (result.outcome === 'exists') {
    throw new ProtocolError('ExecutionAlreadyExists', `Execution Already Exists: '${result.executionArn}'`);
  }
  return { executionArn: result.executionArn, startDate: epochSeconds(result.startDate) };
};

const listExecutions = (runner: Runner, request: z.infer<typeof ListExecutions>): unknown => {
  assertMachine(runner, request.stateMachineArn);
  const all = runner
    .list(request.stateMachineArn)
    .filter((record) => request.statusFilter === undefined || record.status === request.statusFilter);
  const from = Number(request.nextToken ?? 0);
  const to = from + (request.maxResults || 100);
  return {
    executions: all.slice(from, to).map((record) => ({
      executionArn: record.executionArn,
      stateMachineArn: request.stateMachineArn,
      name: record.name,
      status: record.status,
      startDate: epochSeconds(record.startDate),
      ...(record.stopDate === undefined ? {} : { stopDate: epochSeconds(record.stopDate) }),
    })),
    ...(to < all.length ? { nextToken: String(to) } : {}),
  };
};

const described = (record: ExecutionRecord): unknown => ({
  executionArn: record.executionArn,
  stateMachineArn: record.executionArn.replace(':execution:', ':stateMachine:').replace(/:[^:]*$/, ''),
  name: record.name,
  status: record.status,
  startDate: epochSeconds(record.startDate),
  input: JSON.stringify(record.input),
  ...(record.stopDate === undefined ? {} : { stopDate: epochSeconds(record.stopDate) }),
  ...(record.output === undefined ? {} : { output: JSON.stringify(record.output) }),
  ...(record.error === undefined ? {} : { error: record.error }),
  ...(record.cause === undefined ? {} : { cause: record.cause }),
});

const assertMachine = (runner: Runner, arn: string): void => {
  if (!runner.hasMachine(arn))
    throw new ProtocolError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
};

const existing = (record: ExecutionRecord | undefined): ExecutionRecord => {
  if (record === undefined) throw new ProtocolError('ExecutionDoesNotExist', 'Execution Does Not Exist');
  return record;
};

const parseInput = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError('InvalidExecutionInput', 'Invalid State Machine Execution Input: not JSON');
  }
};

const valid = <Schema extends z.core.$ZodType>(schema: Schema, body: unknown): z.infer<Schema> => {
  const parsed = z.safeParse(schema, body);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'body').join(', ');
  throw new ProtocolError('ValidationException', `the request is not valid: ${fields}`);
};

const epochSeconds = (instant: string | undefined): number => Date.parse(instant ?? '') / 1_000;
