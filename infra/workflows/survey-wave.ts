import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Chain, type IChainable, JsonPath, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
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
 * One survey: invitations, reminders to those who did not answer, closing. A wave lasts for weeks, so what crosses a Wait
 * is its id and the instant to wait for; the rest is looked up again afterwards. Input: `{schema, waveId}`.
 */
export const surveyWave = (scope: Construct, { functions, sendConcurrency }: SurveyWaveProps): IChainable => {
  const step = (name: string, called: WaveStep) =>
    workflowStep(scope, functions, { name, step: called, payload: WAVE });
  const sendBatches = (name: string, childName: string, called: WaveStep, outputPath: string) =>
    fanOut(scope, {
      name,
      itemsPath: '$.batches',
      item: BATCH,
      maxConcurrency: sendConcurrency,
      outputPath,
      child: workflowStep(scope, functions, {
        name: childName,
        step: called,
        payload: { ...WAVE, batch: JsonPath.numberAt('$.batch') },
      }),
    });

  return Chain.start(
    workflowStep(scope, functions, {
      name: 'Plan wave',
      step: 'plan-wave',
      payload: WAVE,
      result: { replacesState: true },
    }),
  )
    .next(sendBatches('Send all invitations', 'Send invitations', 'send-invitations', '$'))
    .next(
      workflowStep(scope, functions, {
        name: 'Look up wave',
        step: 'look-up-wave',
        payload: WAVE,
        result: { replacesState: true, selector: { ...WAVE, remindAt: JsonPath.stringAt('$.remindAt') } },
      }),
    )
    .next(new Wait(scope, 'Wait until the reminder', { time: WaitTime.timestampPath('$.remindAt') }))
    .next(
      workflowStep(scope, functions, {
        name: 'Look up wave again',
        step: 'look-up-wave',
        payload: WAVE,
        result: {
          replacesState: true,
          selector: {
            ...WAVE,
            batches: JsonPath.listAt('$.batches'),
            wave: { ...WAVE, closesAt: JsonPath.stringAt('$.closesAt') },
          },
        },
      }),
    )
    .next(sendBatches('Send all reminders', 'Send reminders', 'send-reminders', '$.wave'))
    .next(new Wait(scope, 'Wait until the closing', { time: WaitTime.timestampPath('$.closesAt') }))
    .next(step('Close wave', 'close-wave'))
    .next(step('Assert wave healthy', 'assert-wave-healthy'));
};
