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
import { fanOut, workflowStep } from '../constructs/workflow-step.ts';

/** The functions that this workflow calls. */
export type ImportStep = Extract<
  StepName,
  | 'split-import'
  | 'check-import-range'
  | 'tally-import-ids'
  | 'count-absent-customers'
  | 'review-import'
  | 'write-import-range'
  | 'sweep-customers'
  | 'import-whole-file'
  | 'finish-import'
  | 'fail-import'
>;

export interface ImportWorkflowProps {
  readonly functions: Readonly<Record<ImportStep, IFunction>>;
  /** Ranges that are read or written at once. */
  readonly importConcurrency: number;
}

const FAILURE_PATH = '$.failure';
const IMPORT = { schema: JsonPath.numberAt('$.schema'), importId: JsonPath.stringAt('$.importId') };

/**
 * One file: cut into ranges of whole rows, checked as a whole, then written range by range. Answers, notes and staff are read
 * whole. Maps go through numbers that functions made; an empty array is a Map with nothing to do. Input:
 * `{schema, importId}` for an import that was asked for, `{schema, object}` for a file that was dropped.
 */
export const importWorkflow = (scope: Construct, { functions, importConcurrency }: ImportWorkflowProps): IChainable => {
  const importFailed = new Fail(scope, 'Import failed', {
    error: 'ImportFailed',
    cause: 'The record of the import says why: resegment import show',
  });
  const failImport = workflowStep(scope, functions, { name: 'Fail import', step: 'fail-import' })
    .addCatch(importFailed, { errors: [Errors.ALL], resultPath: JsonPath.DISCARD })
    .next(importFailed);
  const failure = {
    error: JsonPath.stringAt(`${FAILURE_PATH}.Error`),
    cause: JsonPath.stringAt(`${FAILURE_PATH}.Cause`),
  };
  const describeUnknown = new Pass(scope, 'Describe an import that did not begin', {
    parameters: { schema: 1, object: JsonPath.objectAt('$.object'), ...failure },
  });
  const describeKnown = new Pass(scope, 'Describe the failed import', { parameters: { ...IMPORT, ...failure } });
  describeUnknown.next(failImport);
  describeKnown.next(failImport);
  const isKnown = new Choice(scope, 'Does the import have an id?')
    .when(Condition.isPresent('$.importId'), describeKnown)
    .otherwise(describeUnknown);

  const caught = { errors: [Errors.ALL], resultPath: FAILURE_PATH };
  const step = (name: string, called: ImportStep, replacesState = false) =>
    workflowStep(scope, functions, {
      name,
      step: called,
      payload: IMPORT,
      ...(replacesState ? { result: { replacesState } as const } : {}),
    }).addCatch(describeKnown, caught);
  const all = (name: string, childName: string, called: ImportStep, itemsPath: string, field: string) =>
    fanOut(scope, {
      name,
      itemsPath,
      item: { ...IMPORT, [field]: JsonPath.numberAt('$$.Map.Item.Value') },
      maxConcurrency: importConcurrency,
      child: workflowStep(scope, functions, {
        name: childName,
        step: called,
        payload: { ...IMPORT, [field]: JsonPath.numberAt(`$.${field}`) },
      }),
    }).addCatch(describeKnown, caught);

  const split = workflowStep(scope, functions, {
    name: 'Split import',
    step: 'split-import',
    result: { replacesState: true },
  }).addCatch(isKnown, caught);
  const finish = step('Finish import', 'finish-import');
  const inRanges = Chain.start(
    all('Check import ranges', 'Check import range', 'check-import-range', '$.ranges', 'range'),
  )
    .next(all('Tally all import ids', 'Tally import ids', 'tally-import-ids', '$.partitions', 'partition'))
    .next(all('Count all absent customers', 'Count absent customers', 'count-absent-customers', '$.groups', 'group'))
    .next(step('Review import', 'review-import', true))
    .next(all('Write import ranges', 'Write import range', 'write-import-range', '$.ranges', 'range'))
    .next(all('Sweep all customers', 'Sweep customers', 'sweep-customers', '$.groups', 'group'))
    .next(finish);

  return Chain.start(split).next(
    new Choice(scope, 'How is the file read?')
      .when(Condition.stringEquals('$.next', 'nothing'), new Succeed(scope, 'There is nothing to import'))
      .when(Condition.stringEquals('$.next', 'whole'), step('Import whole file', 'import-whole-file').next(finish))
      .otherwise(inRanges),
  );
};
