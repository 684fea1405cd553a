import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Chain,
  Choice,
  Condition,
  Errors,
  Fail,
  type IChainable,
  JsonPath,
  Pass,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StepName } from '#shared/contracts/workflows.ts';
import { fanOut, type StepProps, workflowStep } from '../constructs/workflow-step.ts';
import { APPLY_LOCK_RETRY } from './retry-policies.ts';

/** The functions that this workflow calls. */
export type RunStep = Extract<
  StepName,
  | 'open-run'
  | 'plan-shards'
  | 'measure-shard'
  | 'calibrate'
  | 'assign-shard'
  | 'review-plan'
  | 'begin-apply'
  | 'apply-shard'
  | 'publish-run'
  | 'write-report'
  | 'start-wave'
  | 'mail-action-lists'
  | 'assert-run-healthy'
  | 'fail-run'
>;

export interface ResegmentationProps {
  readonly functions: Readonly<Record<RunStep, IFunction>>;
  /** Children of a Map at once. */
  readonly mapConcurrency: number;
}

const RUN = { schema: JsonPath.numberAt('$.schema'), runId: JsonPath.stringAt('$.runId') };
const SHARD = { ...RUN, shard: JsonPath.numberAt('$$.Map.Item.Value') };
const FAILURE_PATH = '$.failure';

/**
 * The run: plan (measure, calibrate, assign, review), then apply. What goes from state to state is the run's id, the
 * numbers of its shards and two words that decide the way. Input: `RunRequest`.
 */
export const resegmentation = (scope: Construct, { functions, mapConcurrency }: ResegmentationProps): IChainable => {
  const runFailed = new Fail(scope, 'Run failed', { errorPath: '$.error', causePath: '$.cause' });
  const failRun = workflowStep(scope, functions, {
    name: 'Fail run',
    step: 'fail-run',
  });
  failRun.addCatch(runFailed, { errors: [Errors.ALL], resultPath: JsonPath.DISCARD }).next(runFailed);
  const described = {
    request: JsonPath.objectAt('$$.Execution.Input'),
    error: JsonPath.stringAt(`${FAILURE_PATH}.Error`),
    cause: JsonPath.stringAt(`${FAILURE_PATH}.Cause`),
  };
  const describeFailedOpening = new Pass(scope, 'Describe the failed opening', {
    parameters: { schema: 1, ...described },
  });
  const describeFailedStep = new Pass(scope, 'Describe the failed step', { parameters: { ...RUN, ...described } });
  describeFailedOpening.next(failRun);
  describeFailedStep.next(failRun);

  const step = (name: string, called: RunStep, more: Pick<StepProps<RunStep>, 'result' | 'retry'> = {}) =>
    workflowStep(scope, functions, { name, step: called, payload: RUN, ...more }).addCatch(describeFailedStep, {
      errors: [Errors.ALL],
      resultPath: FAILURE_PATH,
    });
  const shards = (name: string, childName: string, called: RunStep) =>
    fanOut(scope, {
      name,
      itemsPath: '$.shards',
      item: SHARD,
      maxConcurrency: mapConcurrency,
      child: workflowStep(scope, functions, {
        name: childName,
        step: called,
        payload: { ...RUN, shard: JsonPath.numberAt('$.shard') },
      }),
    }).addCatch(describeFailedStep, { errors: [Errors.ALL], resultPath: FAILURE_PATH });

  const openRun = workflowStep(scope, functions, {
    name: 'Open run',
    step: 'open-run',
    result: { replacesState: true },
  }).addCatch(describeFailedOpening, { errors: [Errors.ALL], resultPath: FAILURE_PATH });

  const assertRunHealthy = workflowStep(scope, functions, {
    name: 'Assert run healthy',
    step: 'assert-run-healthy',
    payload: RUN,
  });
  // The run is published: that some of the staff got no mail does not undo it.
  const mailActionLists = workflowStep(scope, functions, {
    name: 'Mail action lists',
    step: 'mail-action-lists',
    payload: RUN,
  }).addCatch(assertRunHealthy, { errors: [Errors.ALL], resultPath: JsonPath.DISCARD });

  const apply = Chain.start(
    step('Begin apply', 'begin-apply', { result: { replacesState: true }, retry: APPLY_LOCK_RETRY }),
  )
    .next(shards('Apply shards', 'Apply shard', 'apply-shard'))
    .next(step('Publish run', 'publish-run'))
    .next(step('Write report', 'write-report'))
    .next(step('Start wave', 'start-wave'))
    .next(mailActionLists)
    .next(assertRunHealthy);

  const mayItBeApplied = new Choice(scope, 'May it be applied?')
    .when(Condition.stringEquals('$.review.outcome', 'apply'), apply)
    .otherwise(new Succeed(scope, 'Plan is ready'));
  const plan = Chain.start(step('Plan shards', 'plan-shards', { result: { replacesState: true } }))
    .next(shards('Measure shards', 'Measure shard', 'measure-shard'))
    .next(step('Calibrate', 'calibrate'))
    .next(shards('Assign shards', 'Assign shard', 'assign-shard'))
    .next(step('Review plan', 'review-plan', { result: { path: '$.review' } }))
    .next(step('Write plan report', 'write-report'))
    .next(mayItBeApplied);

  return Chain.start(openRun).next(
    new Choice(scope, 'What is next?')
      .when(Condition.stringEquals('$.next', 'measure'), plan)
      .when(Condition.stringEquals('$.next', 'apply'), apply)
      .otherwise(new Succeed(scope, 'Run exists already')),
  );
};
