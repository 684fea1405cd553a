import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, type IChainable, JsonPath, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StepName } from '#shared/contracts/workflows.ts';
import { fanOut, workflowStep } from '../constructs/workflow-step.ts';

/** The functions that this workflow calls. */
export type WaveStep = Extract<
  StepName,
  'plan-wave' | 'send-invitations' | 'look-up-wave' | 'send-reminders' | 'close-wave' | 'assert-wave-healthy'
>;

export interface SurveyWaveProps {
  readonly functions: Readonly<Record<WaveStep, IFunction>>;
  /** Batches of mail at once; the mail rate is reserved for the account as a whole. */
  readonly sendConcurrency: number;
}

const WAVE = { schema: JsonPath.numberAt('$.schema'), waveId: JsonPath.stringAt('$.waveId') };
const BATCH = { ...WAVE, batch: JsonPath.numberAt('$$.Map.Item.Value') };

/**
 * One survey: invitations, reminders to those who did not answer, closing. After each stretch of sending or waiting the wave
 * looks itself up and learns what is next, also that it is to be planned once more where the mail service did not allow it, so
 * that a pause, a brake, a resume or a cancel needs no other execution. A wave
 * lasts for weeks, so what crosses a Wait is its id and the instant to wait for. Input: `{schema, waveId}`.
 */
export const surveyWave = (scope: Construct, { functions, sendConcurrency }: SurveyWaveProps): IChainable => {
  const step = (name: string, called: WaveStep, result?: { readonly replacesState: true }) =>
    workflowStep(scope, functions, {
      name,
      step: called,
      payload: WAVE,
      ...(result === undefined ? {} : { result }),
    });
  const sendBatches = (name: string, childName: string, called: WaveStep) =>
    fanOut(scope, {
      name,
      itemsPath: '$.batches',
      item: BATCH,
      maxConcurrency: sendConcurrency,
      child: workflowStep(scope, functions, {
        name: childName,
        step: called,
        payload: { ...WAVE, batch: JsonPath.numberAt('$.batch') },
      }),
    });

  const plan = step('Plan wave', 'plan-wave', { replacesState: true });
  const lookUp = step('Look up wave', 'look-up-wave', { replacesState: true });
  const next = new Choice(scope, 'What does the wave do next?')
    .when(
      Condition.stringEquals('$.next', 'send-invitations'),
      sendBatches('Send all invitations', 'Send invitations', 'send-invitations').next(lookUp),
    )
    .when(
      Condition.stringEquals('$.next', 'send-reminders'),
      sendBatches('Send all reminders', 'Send reminders', 'send-reminders').next(lookUp),
    )
    .when(Condition.stringEquals('$.next', 'plan-wave'), plan)
    .when(
      Condition.stringEquals('$.next', 'wait'),
      new Wait(scope, 'Wait', { time: WaitTime.timestampPath('$.until') }).next(lookUp),
    )
    .otherwise(step('Close wave', 'close-wave').next(step('Assert wave healthy', 'assert-wave-healthy')));

  return plan.next(lookUp).next(next);
};
