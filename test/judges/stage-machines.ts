import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { openBusinessClock } from '#local/clock.ts';
import { createRunner, type Handler } from '#local/state-machines.ts';
import { startWorkflowServer } from '#local/workflow-server.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import type { DeployedStage } from './deployed-stage.ts';

/**
 * Runs the state machines of a deployed stage, which moto starts and describes but does not run: the definitions as they were
 * deployed, in the interpreter of the local stack, with the functions' own code in a process of its own, which has the variables that
 * the stage gives those functions. What the functions use is moto's. It speaks the protocol of Step Functions.
 */
export interface StageMachines {
  readonly endpoint: string;
  close(): Promise<void>;
}

const Job = z.object({
  machines: z.record(z.string(), z.object({ arn: z.string(), definition: z.unknown() })),
  /** Function name, which is the file's in functions/, by the ARN that the definitions have. */
  functionArns: z.record(z.string(), z.string()),
  variables: z.record(z.string(), z.string()),
});
type Job = z.infer<typeof Job>;

const PREFIX = 'resegment-dev-';

export const startStageMachines = async (stage: DeployedStage): Promise<StageMachines> => {
  const job = await jobOf(stage);
  const child = spawn(process.execPath, [import.meta.filename], {
    env: {
      ...process.env,
      ...job.variables,
      AWS_ENDPOINT_URL: stage.endpoint,
      AWS_REGION: stage.region,
      AWS_ACCESS_KEY_ID: 'judge',
      AWS_SECRET_ACCESS_KEY: 'judge',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.send(job);
  const endpoint = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(z.parse(z.object({ endpoint: z.string() }), message).endpoint));
    child.once('exit', (code) => reject(new Error(`the state machines ended with exit code ${code}`)));
  });
  return {
    endpoint,
    close: async () => {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
};

const jobOf = async ({ boto, resources }: DeployedStage): Promise<Job> => {
  const machines: Job['machines'] = {};
  const functionArns: Job['functionArns'] = {};
  const variables: Job['variables'] = {};
  for (const { type, physicalId } of resources.values()) {
    if (type !== 'AWS::StepFunctions::StateMachine') continue;
    const { name, definition } = z.parse(
      z.object({ name: z.string(), definition: z.string() }),
      await boto.call('stepfunctions', 'describe_state_machine', { stateMachineArn: physicalId }),
    );
    machines[name.replace(PREFIX, '')] = { arn: physicalId, definition: JSON.parse(definition) };
    for (const [arn] of definition.matchAll(/arn:aws:lambda:[^"]+:function:[^"]+/gu))
      functionArns[arn] = arn.split(`:function:${PREFIX}`)[1] ?? '';
  }
  for (const name of new Set(Object.values(functionArns))) {
    const { Environment } = z.parse(
      z.object({ Environment: z.object({ Variables: z.record(z.string(), z.string()) }) }),
      await boto.call('lambda', 'get_function_configuration', { FunctionName: `${PREFIX}${name}` }),
    );
    for (const [variable, value] of Object.entries(Environment.Variables)) {
      if (OWN.has(variable)) continue;
      // They share one process here.
      if ((variables[variable] ?? value) !== value) throw new Error(`${name} has another ${variable} than the others`);
      variables[variable] = value;
    }
  }
  return { machines, functionArns, variables };
};

/** Variables in which functions differ and which change nothing of what they do. */
const OWN: ReadonlySet<string> = new Set(['POWERTOOLS_SERVICE_NAME', 'POWERTOOLS_METRICS_FUNCTION_NAME']);

const HandlerFile = z.object({ handler: z.custom<Handler>((value) => typeof value === 'function') });

const serveMachines = async ({ machines, functionArns }: Job): Promise<void> => {
  const handlers: Record<string, Handler> = {};
  for (const name of new Set(Object.values(functionArns))) {
    const file = join(import.meta.dirname, '..', '..', 'functions', `${name}.ts`);
    handlers[name] = z.parse(HandlerFile, await import(file)).handler;
  }
  const folder = temporaryFolder('machines');
  const clock = openBusinessClock({ dataDir: folder, startAt: new Date().toISOString() });
  const runner = createRunner({ machines, handlers, functionArns, clock, journalDir: join(folder, 'executions') });
  const server = await startWorkflowServer({ runner, clock, port: 0, afterMove: async () => ({}) });
  process.env['AWS_ENDPOINT_URL_SFN'] = server.url;
  process.send?.({ endpoint: server.url });
};

if (process.argv[1] === import.meta.filename) {
  process.once('disconnect', () => process.exit());
  process.once('message', (message) => void serveMachines(z.parse(Job, message)));
}
