import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ListExecutionsCommand,
  SFNClient,
  type SFNClientConfig,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { PermanentError, type ResegmentError, RetryableError } from '../errors.ts';
import type { MachineName, Workflows } from '../ports/workflows.ts';

export interface SfnWorkflowsOptions {
  /** ARN by machine; a function knows only those that it may start. */
  readonly machineArns: Readonly<Partial<Record<MachineName, string>>>;
  /** Address of the local stack; absent on AWS. */
  readonly endpoint?: string;
  readonly region?: string;
}

const PERMANENT = new Set([
  'AccessDeniedException',
  'ExecutionDoesNotExist',
  'InvalidArn',
  'InvalidExecutionInput',
  'InvalidName',
  'StateMachineDoesNotExist',
  'UnrecognizedClientException',
  'ValidationException',
  'ExpiredTokenException',
  'CredentialsProviderError',
]);

/**
 * Step Functions on AWS, or the local stack's server with the same protocol.
 *
 * A second start with the same name and input while the first runs is, as the service has it, a success with the first
 * one's ARN; `started` is then true though nothing new began. A name that was used and has ended is found: `started` false.
 */
export const sfnWorkflows = (options: SfnWorkflowsOptions): Workflows => {
  const client = new SFNClient(clientConfig(options));
  return {
    start: async (machine, name, input) => {
      const stateMachineArn = arnOf(machine, options);
      try {
        const started = await client.send(
          new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
        );
        return { executionArn: started.executionArn ?? executionArnOf(stateMachineArn, name), started: true };
      } catch (error) {
        if (error instanceof ExecutionAlreadyExists) {
          return { executionArn: executionArnOf(stateMachineArn, name), started: false };
        }
        throw toWorkflowError(`start ${machine} ${name}`, error);
      }
    },
    running: async (machine) => {
      const stateMachineArn = arnOf(machine, options);
      const names: string[] = [];
      let nextToken: string | undefined;
      try {
        do {
          const page = await client.send(
            new ListExecutionsCommand({
              stateMachineArn,
              statusFilter: 'RUNNING',
              ...(nextToken === undefined ? {} : { nextToken }),
            }),
          );
          for (const { name } of page.executions ?? []) if (name !== undefined) names.push(name);
          nextToken = page.nextToken;
        } while (nextToken !== undefined);
      } catch (error) {
        throw toWorkflowError(`list executions of ${machine}`, error);
      }
      return names;
    },
    describe: async (executionArn) => {
      try {
        const { status, output, error, cause } = await client.send(new DescribeExecutionCommand({ executionArn }));
        return {
          status: status === undefined || status === 'PENDING_REDRIVE' ? 'RUNNING' : status,
          ...(output === undefined ? {} : { output: parseOutput(output) }),
          ...(error === undefined ? {} : { error }),
          ...(cause === undefined ? {} : { cause }),
        };
      } catch (error) {
        throw toWorkflowError(`describe ${executionArn}`, error);
      }
    },
  };
};

const arnOf = (machine: MachineName, { machineArns }: SfnWorkflowsOptions): string => {
  const arn = machineArns[machine];
  if (arn === undefined)
    throw new PermanentError('machine-not-configured', `no ARN of the state machine ${machine} is configured`);
  return arn;
};

const clientConfig = (options: SfnWorkflowsOptions): SFNClientConfig => {
  const endpoint = options.endpoint ?? process.env['AWS_ENDPOINT_URL_SFN'];
  return {
    maxAttempts: 5,
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(endpoint === undefined
      ? {}
      : {
          endpoint,
          region: options.region ?? process.env['AWS_REGION'] ?? 'us-east-1',
          credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        }),
  };
};

const executionArnOf = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

const parseOutput = (output: string): unknown => JSON.parse(output);

const toWorkflowError = (operation: string, error: unknown): ResegmentError => {
  const name = error instanceof Error ? error.name : 'unknown';
  const message = `Step Functions could not ${operation}: ${name}: ${error instanceof Error ? error.message : String(error)}`;
  if (PERMANENT.has(name)) return new PermanentError('workflow-refused', message, { cause: error });
  return new RetryableError('workflow-unavailable', message, { cause: error });
};
