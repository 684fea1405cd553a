import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { FUNCTION_SIZES } from '#infra/function-sizes.ts';
import { readTemplates } from '#local/synthesis.ts';
import { STEPS } from '#shared/contracts/workflows.ts';
import { templatesOf } from './templates.ts';

/** The package has no types. */
const aslValidator = createRequire(import.meta.url)('asl-validator');
// biome-ignore lint/suspicious/noExplicitAny: the states language is read here as it is written
type State = Record<string, any>;
const { machines, functionArns } = readTemplates(Object.values(templatesOf('local')));
const WORKFLOWS = Object.entries(machines).map(([name, { definition }]) => [name, definition as State] as const);

/** Every state by name, those of children included. */
const statesOf = (definition: State): [string, State][] =>
  Object.entries<State>(definition['States']).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...(state['ItemProcessor'] === undefined ? [] : statesOf(state['ItemProcessor'])),
  ]);
const tasksOf = (definition: State) => statesOf(definition).filter(([, state]) => state['Type'] === 'Task');

const OUR_ERRORS = ['RetryableError', 'PoisonError', 'PermanentError'];
/** Step Functions' own, those of the Lambda service, and what a call is called that gave no answer. */
const SERVICE_ERRORS =
  /^(States\.(ALL|Timeout)|Lambda\.([A-Za-z]+Exception|Unknown)|Sandbox\.Timedout|Runtime\.(ExitError|OutOfMemory))$/;
/** The states that do not have their function's name, since another state has it. */
const OTHER_NAMES = new Map([['Write plan report', 'write-report']]);

describe.each(WORKFLOWS)('the workflow %s', (_, definition) => {
  it('is valid in the states language', () => {
    const { isValid, errorsText } = aslValidator(definition, { checkArn: true, checkPaths: true });

    expect(isValid, errorsText('\n')).toBe(true);
  });

  it('is written in JSONPath with Distributed Maps of Standard children over arrays', () => {
    const maps = statesOf(definition).filter(([, state]) => state['Type'] === 'Map');

    expect(JSON.stringify(definition)).not.toMatch(/JSONata|ItemReader|ItemBatcher|ResultWriter|Tolerated/);
    expect(maps.length).toBeGreaterThan(0);
    for (const [name, map] of maps) {
      expect(map['ItemProcessor'].ProcessorConfig, name).toEqual({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
      expect(map['ResultPath'], name).toBeNull();
      expect(map['MaxConcurrency'], name).toBeGreaterThan(0);
    }
  });

  it('calls the function that each state is named after', () => {
    for (const [name, task] of tasksOf(definition)) {
      const called = functionArns[task['Resource']];
      expect(called, name).toBe(OTHER_NAMES.get(name) ?? name.toLowerCase().replaceAll(' ', '-'));
      expect(Object.keys(STEPS)).toContain(called);
    }
  });

  it('gives every task a timeout, and retries what may succeed later and nothing else', () => {
    for (const [name, task] of tasksOf(definition)) {
      expect(task['TimeoutSeconds'], name).toBeGreaterThan(0);
      expect(task['Retry'], name).toHaveLength(3);
      expect(
        task['Retry'].flatMap((retry: State) => retry['ErrorEquals']),
        name,
      ).toEqual([
        'RetryableError',
        'States.Timeout',
        'Sandbox.Timedout',
        'Runtime.ExitError',
        'Runtime.OutOfMemory',
        'Lambda.Unknown',
        'Lambda.ClientExecutionTimeoutException',
        'Lambda.ServiceException',
        'Lambda.AWSLambdaException',
        'Lambda.SdkClientException',
        'Lambda.TooManyRequestsException',
      ]);
    }
  });

  it('waits longer for a function than the function may take, so that what ran out of time is named by Lambda', () => {
    for (const [name, task] of tasksOf(definition)) {
      const called = functionArns[task['Resource']] as keyof typeof STEPS;
      expect(task['TimeoutSeconds'], name).toBeGreaterThan(FUNCTION_SIZES[called].timeoutSeconds);
    }
  });

  it('names only errors that exist, with States.ALL alone and last', () => {
    for (const [name, state] of statesOf(definition)) {
      for (const rules of [state['Retry'] ?? [], state['Catch'] ?? []]) {
        rules.forEach((rule: State, index: number) => {
          for (const error of rule['ErrorEquals']) {
            if (!SERVICE_ERRORS.test(error)) expect(OUR_ERRORS, name).toContain(error);
          }
          if (!rule['ErrorEquals'].includes('States.ALL')) return;
          expect(rule['ErrorEquals'], name).toEqual(['States.ALL']);
          expect(index, name).toBe(rules.length - 1);
        });
      }
    }
  });

  it('gives each function the fields of its contract', () => {
    for (const [name, task] of tasksOf(definition)) {
      const parameters = task['Parameters'];
      if (parameters === undefined) continue;
      const given = Object.keys(parameters)
        .map((key) => key.replace(/\.\$$/, ''))
        .sort();
      const called = functionArns[task['Resource']] as keyof typeof STEPS;
      expect(given, name).toEqual(Object.keys((STEPS[called].input as State)['shape']).sort());
    }
  });
});

describe('the resegmentation', () => {
  const [, definition] = WORKFLOWS[0]!;

  it('records every failure, save those of a finished run that is not healthy', () => {
    const uncaught = Object.entries<State>(definition['States'])
      .filter(([, state]) => ['Task', 'Map'].includes(state['Type']) && state['Catch'] === undefined)
      .map(([name]) => name);

    expect(uncaught).toEqual(['Assert run healthy']);
  });
});

describe('the survey wave', () => {
  const states = WORKFLOWS[1]![1]['States'];

  it('looks the wave up again after all that it does, so that a pause, a resume or a cancel is seen', () => {
    for (const name of ['Plan wave', 'Send all invitations', 'Send all reminders', 'Wait']) {
      expect(states[name].Next, name).toBe('Look up wave');
    }
    expect(states['Look up wave'].Next).toBe('What does the wave do next?');
  });

  it('waits until instants, never for a time', () => {
    const waits = Object.values<State>(states).filter((state) => state['Type'] === 'Wait');

    expect(waits.map((wait) => wait['TimestampPath'])).toEqual(['$.until']);
  });
});
