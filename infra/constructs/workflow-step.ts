import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  DistributedMap,
  JsonPath,
  type RetryProps,
  StateMachineType,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { StepName } from '#shared/contracts/workflows.ts';
import { FUNCTION_SIZES } from '../function-sizes.ts';
import { LAMBDA_SERVICE_RETRY, LOST_CALL_RETRY, STEP_RETRY } from '../workflows/retry-policies.ts';

export interface StepProps<Step extends StepName = StepName> {
  /** Name of the state: a sentence for people. */
  readonly name: string;
  readonly step: Step;
  /** Input of the function by field; by default the state's whole input. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Where the function's output goes; by default nowhere, and the state's data stays as it was. */
  readonly result?:
    | { readonly path: string }
    | { readonly replacesState: true; readonly selector?: Record<string, unknown> };
  /** Instead of the usual eight retries. */
  readonly retry?: RetryProps;
}

/** Seconds that Step Functions waits longer than the function may take, for its own overhead. */
const GRACE_SECONDS = 10;

/** A Task that calls a function: its output is the state's output, with a timeout and our own retries only. */
export const workflowStep = <Step extends StepName>(
  scope: Construct,
  functions: Readonly<Record<Step, IFunction>>,
  props: StepProps<Step>,
): LambdaInvoke => {
  const result = props.result;
  const task = new LambdaInvoke(scope, props.name, {
    lambdaFunction: functions[props.step],
    ...(props.payload === undefined ? {} : { payload: TaskInput.fromObject({ ...props.payload }) }),
    payloadResponseOnly: true,
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.duration(Duration.seconds(FUNCTION_SIZES[props.step].timeoutSeconds + GRACE_SECONDS)),
    ...(result === undefined
      ? { resultPath: JsonPath.DISCARD }
      : 'path' in result
        ? { resultPath: result.path }
        : result.selector === undefined
          ? {}
          : { resultSelector: result.selector }),
  });
  task.addRetry(props.retry ?? STEP_RETRY);
  task.addRetry(LOST_CALL_RETRY);
  task.addRetry(LAMBDA_SERVICE_RETRY);
  return task;
};

export interface FanOutProps {
  /** Name of the Map. */
  readonly name: string;
  /** Path of an array that a function made. */
  readonly itemsPath: string;
  /** Input of a child by field. */
  readonly item: Readonly<Record<string, unknown>>;
  readonly maxConcurrency: number;
  readonly child: LambdaInvoke;
  /** What goes on to the next state; by default all of the Map's input. */
  readonly outputPath?: string;
}

/**
 * A Distributed Map with one Standard child execution per item. Children return nothing: they leave receipts in the
 * workspace. A child has about 5 events per attempt, the parent none per item, so neither comes near the 25,000 of a history.
 */
export const fanOut = (scope: Construct, props: FanOutProps): DistributedMap =>
  new DistributedMap(scope, props.name, {
    itemsPath: props.itemsPath,
    itemSelector: { ...props.item },
    maxConcurrency: props.maxConcurrency,
    mapExecutionType: StateMachineType.STANDARD,
    resultPath: JsonPath.DISCARD,
    ...(props.outputPath === undefined ? {} : { outputPath: props.outputPath }),
  }).itemProcessor(props.child);
