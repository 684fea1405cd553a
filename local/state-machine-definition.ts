import type { StateMachineDefinition } from 'aws-local-stepfunctions';
import type { Instant } from '#shared/domain/calendar.ts';
import { PermanentError } from '#shared/errors.ts';

type Fields = { readonly [field: string]: unknown };

/** A Wait, which the local stack runs on the business clock. */
export interface WaitTask {
  readonly state: string;
  readonly field: 'Seconds' | 'SecondsPath' | 'Timestamp' | 'TimestampPath';
  readonly value: unknown;
}

/** A Distributed Map, which the local stack runs as child executions. */
export interface MapTask {
  readonly state: string;
  readonly itemsPath: string;
  readonly itemSelector: unknown;
  readonly maxConcurrency: number;
  readonly child: StateMachineDefinition;
}

export interface LocalDefinition {
  /** The definition with Waits and Distributed Maps turned into Tasks. */
  readonly definition: StateMachineDefinition;
  /** ARN of the function by state, children included. */
  readonly tasks: ReadonlyMap<string, string>;
  readonly waits: ReadonlyMap<string, WaitTask>;
  readonly maps: ReadonlyMap<string, MapTask>;
  /** States with a Retry. */
  readonly retried: readonly string[];
  readonly functionArns: readonly string[];
}

/** What the interpreter skips without a word, or cannot do; by field and why. */
const REFUSED_FIELDS: ReadonlyMap<string, string> = new Map([
  ['ItemReader', 'items come from the state as an array made by a function'],
  ['ItemBatcher', 'a function makes the batches'],
  ['ResultWriter', 'children leave receipts in the workspace'],
  ['ToleratedFailureCount', 'a child that fails fails the run'],
  ['ToleratedFailureCountPath', 'a child that fails fails the run'],
  ['ToleratedFailurePercentage', 'a child that fails fails the run'],
  ['ToleratedFailurePercentagePath', 'a child that fails fails the run'],
  ['Assign', 'data goes through the state'],
  ['Arguments', 'definitions are written in JSONPath'],
  ['Output', 'definitions are written in JSONPath'],
  ['Items', 'definitions are written in JSONPath'],
  ['HeartbeatSeconds', 'steps are short'],
  ['MaxConcurrencyPath', 'concurrency is a setting of the stage'],
]);
/** A timer of Node holds at most this; a Wait that lasts longer is entered again. */
const LONGEST_TIMER_SECONDS = 2_147_483;
const FUNCTION_ARN = /^arn:aws[a-z-]*:lambda:[^:]*:[^:]*:function:[A-Za-z0-9_-]+$/;
const REFERENCE = /^\$(\.[A-Za-z_][A-Za-z0-9_]*)*$/;
const CONTEXT_REFERENCE = /^\$\$\.(Map\.Item\.(Value|Index)|Execution\.Input)(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

/** Prepares a definition for the local interpreter. @throws PermanentError that lists all that it cannot run faithfully */
export const localDefinition = (machine: string, definition: unknown): LocalDefinition => {
  const problems: string[] = [];
  const tasks = new Map<string, string>();
  const waits = new Map<string, WaitTask>();
  const maps = new Map<string, MapTask>();
  const retried: string[] = [];
  const seen = new Set<string>();

  const prepareMachine = (machineFields: Fields, where: string): StateMachineDefinition => {
    if (machineFields['QueryLanguage'] !== undefined && machineFields['QueryLanguage'] !== 'JSONPath') {
      problems.push(`${where}: QueryLanguage ${String(machineFields['QueryLanguage'])}; write it in JSONPath`);
    }
    const states = fieldsOf(machineFields['States']) ?? {};
    const prepared = Object.fromEntries(
      Object.entries(states).map(([name, state]) => [name, prepareState(name, fieldsOf(state) ?? {})]),
    );
    const local: unknown = { ...machineFields, States: prepared };
    if (!isDefinition(local)) throw refusal(machine, [`${where}: no StartAt or no States`]);
    return local;
  };

  const prepareState = (name: string, state: Fields): Fields => {
    if (seen.has(name)) problems.push(`"${name}": two states have this name; the interpreter binds handlers by name`);
    seen.add(name);
    if (state['QueryLanguage'] !== undefined && state['QueryLanguage'] !== 'JSONPath')
      problems.push(`"${name}": QueryLanguage`);
    for (const [field, reason] of REFUSED_FIELDS) {
      if (state[field] !== undefined) problems.push(`"${name}": ${field}; ${reason}`);
    }
    if (Array.isArray(state['Retry'])) retried.push(name);
    switch (state['Type']) {
      case 'Task':
        return prepareTask(name, state);
      case 'Wait':
        return prepareWait(name, state);
      case 'Map':
        return prepareMap(name, state);
      case 'Parallel':
        problems.push(`"${name}": Parallel; no workflow needs one`);
        return state;
      default:
        return state;
    }
  };

  const prepareTask = (name: string, state: Fields): Fields => {
    const resource = String(state['Resource']);
    if (resource.includes('waitForTaskToken')) problems.push(`"${name}": task tokens`);
    else if (!FUNCTION_ARN.test(resource)) problems.push(`"${name}": Resource ${resource}; only functions by ARN`);
    if (state['TimeoutSeconds'] === undefined) problems.push(`"${name}": no TimeoutSeconds`);
    tasks.set(name, resource);
    return state;
  };

  const prepareWait = (name: string, state: Fields): Fields => {
    const { Seconds, SecondsPath, Timestamp, TimestampPath, ...rest } = state;
    const given = Object.entries({ Seconds, SecondsPath, Timestamp, TimestampPath }).find(
      ([, value]) => value !== undefined,
    );
    for (const field of ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'] as const) {
      if (given?.[0] === field) waits.set(name, { state: name, field, value: given[1] });
    }
    if (given?.[0].endsWith('Path') === true && !REFERENCE.test(String(given[1])))
      problems.push(`"${name}": ${given[0]} ${String(given[1])}`);
    return {
      ...rest,
      Type: 'Task',
      Resource: `arn:aws:lambda:local:000000000000:function:wait`,
      TimeoutSeconds: LONGEST_TIMER_SECONDS,
      Retry: [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 1, MaxAttempts: 1_000_000, BackoffRate: 1 }],
    };
  };

  const prepareMap = (name: string, state: Fields): Fields => {
    const { ItemProcessor, ItemsPath, ItemSelector, MaxConcurrency, Iterator, Parameters, Label, ...rest } = state;
    const processor = fieldsOf(ItemProcessor);
    const mode = fieldsOf(processor?.['ProcessorConfig'])?.['Mode'];
    if (processor === undefined || mode !== 'DISTRIBUTED' || Iterator !== undefined || Parameters !== undefined) {
      problems.push(`"${name}": an inline Map; use a Distributed Map with ItemProcessor and ItemSelector`);
      return state;
    }
    const itemsPath = ItemsPath === undefined ? '$' : String(ItemsPath);
    if (!REFERENCE.test(itemsPath)) problems.push(`"${name}": ItemsPath ${itemsPath}`);
    for (const path of pathsIn(ItemSelector)) {
      if (!REFERENCE.test(path) && !CONTEXT_REFERENCE.test(path)) problems.push(`"${name}": ItemSelector ${path}`);
    }
    const { ProcessorConfig, ...child } = processor;
    const given = Number(MaxConcurrency ?? 0);
    maps.set(name, {
      state: name,
      itemsPath,
      itemSelector: ItemSelector,
      maxConcurrency: given > 0 ? given : 1_000,
      child: prepareMachine(child, `"${name}"`),
    });
    return {
      ...rest,
      Type: 'Task',
      Resource: 'arn:aws:lambda:local:000000000000:function:map',
      TimeoutSeconds: LONGEST_TIMER_SECONDS,
    };
  };

  const prepared = prepareMachine(fieldsOf(definition) ?? {}, machine);
  if (problems.length > 0) throw refusal(machine, problems);
  return { definition: prepared, tasks, waits, maps, retried, functionArns: [...new Set(tasks.values())] };
};

/** The instant until which a Wait lasts. @param now what the business clock shows */
export const waitUntilOf = (wait: WaitTask, input: unknown, now: Instant): Instant => {
  const value = wait.field.endsWith('Path')
    ? resolveTemplate(String(wait.value), { input, executionInput: null }, true)
    : wait.value;
  const ms = wait.field.startsWith('Seconds') ? Date.parse(now) + Number(value) * 1_000 : Date.parse(String(value));
  if (Number.isNaN(ms))
    throw new PermanentError(
      'wait-invalid',
      `"${wait.state}" has no instant to wait for, got ${JSON.stringify(value)}`,
    );
  return new Date(ms).toISOString();
};

interface TemplateScope {
  readonly input: unknown;
  readonly executionInput: unknown;
  readonly item?: { readonly index: number; readonly value: unknown };
}

/** Fills in a payload template: keys that end in `.$` hold a reference. @param isReference the template is itself one */
export const resolveTemplate = (template: unknown, scope: TemplateScope, isReference = false): unknown => {
  if (isReference) return resolveReference(String(template), scope);
  if (Array.isArray(template)) return template.map((entry) => resolveTemplate(entry, scope));
  const fields = fieldsOf(template);
  if (fields === undefined) return template;
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) =>
      key.endsWith('.$')
        ? [key.slice(0, -2), resolveTemplate(value, scope, true)]
        : [key, resolveTemplate(value, scope)],
    ),
  );
};

const resolveReference = (reference: string, scope: TemplateScope): unknown => {
  const root: unknown = reference.startsWith('$$.')
    ? {
        Map: { Item: { Value: scope.item?.value, Index: scope.item?.index } },
        Execution: { Input: scope.executionInput },
      }
    : scope.input;
  let value = root;
  for (const step of reference.split('.').slice(1)) {
    const fields = fieldsOf(value);
    if (fields === undefined || fields[step] === undefined) {
      throw Object.assign(new Error(`the path ${reference} leads to nothing`), { name: 'States.ParameterPathFailure' });
    }
    value = fields[step];
  }
  return value;
};

const pathsIn = (template: unknown): readonly string[] => {
  if (Array.isArray(template)) return template.flatMap(pathsIn);
  const fields = fieldsOf(template);
  if (fields === undefined) return [];
  return Object.entries(fields).flatMap(([key, value]) => (key.endsWith('.$') ? [String(value)] : pathsIn(value)));
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields | undefined => (isFields(value) ? value : undefined);

const isDefinition = (value: unknown): value is StateMachineDefinition =>
  isFields(value) && typeof value['StartAt'] === 'string' && isFields(value['States']);

const refusal = (machine: string, problems: readonly string[]): PermanentError =>
  new PermanentError(
    'definition-refused',
    `the local stack cannot run ${machine} as AWS would: ${problems.join('; ')}`,
    {
      details: { problems },
    },
  );
