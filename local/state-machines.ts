import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type RunOptions, StateMachine } from 'aws-local-stepfunctions';
import * as z from 'zod/mini';
import type { Instant } from '#shared/domain/calendar.ts';
import { PermanentError } from '#shared/errors.ts';
import type { BusinessClock } from './clock.ts';
import {
  localDefinition,
  type MapTask,
  resolveTemplate,
  type WaitTask,
  waitUntilOf,
} from './state-machine-definition.ts';

export type Handler = (event: unknown) => Promise<unknown>;
type TaskHandler = NonNullable<NonNullable<RunOptions['overrides']>['taskResourceLocalHandlers']>[string];

export interface Machine {
  readonly arn: string;
  /** As synthesized, with every reference resolved. */
  readonly definition: unknown;
}

/** One execution as the journal keeps it: `<journalDir>/<machine>/<name>.json`. */
const ExecutionRecord = z.object({
  schema: z.literal(1),
  executionArn: z.string(),
  machine: z.string(),
  name: z.string(),
  input: z.unknown(),
  status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED']),
  /** On the business clock. */
  startDate: z.string(),
  stopDate: z.optional(z.string()),
  output: z.optional(z.unknown()),
  error: z.optional(z.string()),
  cause: z.optional(z.string()),
  /** How often it was entered; more than once after a kill. */
  entered: z.number(),
  /** States in the order they were entered, without those of children; complete only when the execution has ended. */
  states: z.array(z.string()),
});
export type ExecutionRecord = z.infer<typeof ExecutionRecord>;

export interface StartResult {
  readonly executionArn: string;
  readonly startDate: Instant;
  /** `started`: new; `running`: the same name and input runs already; `exists`: the name is taken. */
  readonly outcome: 'started' | 'running' | 'exists';
}

export interface RunnerOptions<MachineName extends string> {
  readonly machines: Readonly<Record<MachineName, Machine>>;
  /** By function name. */
  readonly handlers: Readonly<Record<string, Handler>>;
  /** Function name by ARN, as the definitions name them. */
  readonly functionArns: Readonly<Record<string, string>>;
  readonly clock: BusinessClock;
  readonly journalDir: string;
  /** Told what goes into each state and comes out of it, those of children too. */
  readonly onState?: (passed: StateData) => void;
  /** Real milliseconds between a failure and its retry, instead of what the definition says. Default 200. */
  readonly retryDelayMs?: number;
}

/** What was given to a state, or what it gave. */
export interface StateData {
  readonly machine: string;
  readonly state: string;
  readonly way: 'in' | 'out';
  readonly data: unknown;
}

export interface Runner {
  /** Starts an execution; it is in the journal when this resolves. A name is used once per machine. */
  start(machineArn: string, name: string, input: unknown): Promise<StartResult>;
  describe(executionArn: string): ExecutionRecord | undefined;
  /** Executions of a machine, newest first. */
  list(machineArn: string): readonly ExecutionRecord[];
  /** Ends an execution without its consent; steps under way finish. No error if it has ended. */
  stop(executionArn: string, error?: string, cause?: string): ExecutionRecord | undefined;
  /** Resolves with the record when the execution has ended. @throws PermanentError `execution-unknown` */
  finished(executionArn: string): Promise<ExecutionRecord>;
  /** Enters executions that a kill left unfinished again, from the beginning with the same input. @returns their ARNs */
  resumeUnfinished(): readonly string[];
  hasMachine(machineArn: string): boolean;
  /** Lets steps under way finish and starts no more; unfinished executions stay unfinished in the journal. */
  close(): Promise<void>;
}

interface Live {
  record: ExecutionRecord;
  readonly ended: Promise<void>;
  readonly abort: () => void;
}

const DEFAULT_RETRY_DELAY_MS = 200;
const EXECUTION_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,79}$/;

/** The execution's ARN, made as AWS makes it of the machine's. */
export const executionArnOf = (machineArn: string, name: string): string =>
  `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`;

/**
 * Runs synthesized state machines in this process: the interpreter walks the states; waits follow the business clock;
 * every Distributed Map runs as child executions.
 *
 * @throws PermanentError for a definition with features that the interpreter would silently ignore, or a Task without handler
 */
export const createRunner = <MachineName extends string>(options: RunnerOptions<MachineName>): Runner => {
  const machines = new Map<string, { readonly name: string; readonly prepared: ReturnType<typeof localDefinition> }>();
  for (const [name, machine] of Object.entries<Machine>(options.machines)) {
    const prepared = localDefinition(name, machine.definition);
    machines.set(machine.arn, { name, prepared });
    assertBound(name, prepared.functionArns, options);
  }
  const live = new Map<string, Live>();
  const underWay = new Set<Promise<unknown>>();
  const closing = new AbortController();
  for (const record of readJournal(options.journalDir)) {
    live.set(record.executionArn, { record, ended: Promise.resolve(), abort: () => undefined });
  }

  const invoke = async (functionArn: string, event: unknown): Promise<unknown> => {
    if (closing.signal.aborted) throw new StateFailure('States.Runtime', 'the local stack is stopping');
    const name = options.functionArns[functionArn] ?? functionArn;
    const handler = options.handlers[name];
    if (handler === undefined)
      throw new StateFailure('Lambda.ResourceNotFoundException', `no handler is bound to ${name}`);
    const call = callAsLambda(handler, event);
    underWay.add(call);
    try {
      return await call;
    } finally {
      underWay.delete(call);
    }
  };

  const enter = (machineArn: string, before: ExecutionRecord): Live => {
    const machine = machines.get(machineArn);
    if (machine === undefined) throw unknownMachine(machineArn);
    const aborting = new AbortController();
    const signal = AbortSignal.any([aborting.signal, closing.signal]);
    const bound = new Map<string, TaskHandler>();
    const bind = (state: string, run: (input: unknown) => Promise<unknown>): void => {
      bound.set(state, async (input) => toJson(await run(input)));
    };
    const overrides = (): NonNullable<RunOptions['overrides']> => ({
      taskResourceLocalHandlers: Object.fromEntries(bound),
      retryIntervalOverrides: Object.fromEntries(
        machine.prepared.retried.map((state) => [state, options.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS]),
      ),
    });
    for (const [state, functionArn] of machine.prepared.tasks) bind(state, (input) => invoke(functionArn, input));
    for (const [state, wait] of machine.prepared.waits)
      bind(state, (input) => waitOnClock(wait, input, options.clock, signal));
    for (const [state, map] of machine.prepared.maps) {
      bind(state, (input) =>
        runChildren(map, input, before.input, signal, (child) => {
          const started = new StateMachine(map.child, { validationOptions: { noValidate: true } }).run(toJson(child), {
            overrides: overrides(),
          });
          void tellStates(machine.name, started.eventLogs, options.onState);
          return started;
        }),
      );
    }
    const run = new StateMachine(machine.prepared.definition, { validationOptions: { noValidate: true } }).run(
      toJson(before.input),
      { overrides: overrides() },
    );
    signal.addEventListener('abort', run.abort, { once: true });

    const states: string[] = [];
    const recording = tellStates(machine.name, run.eventLogs, (passed) => {
      if (passed.way === 'in') states.push(passed.state);
      options.onState?.(passed);
    });
    const end = (outcome: Pick<ExecutionRecord, 'status' | 'output' | 'error' | 'cause'>): void => {
      if (closing.signal.aborted || entry.record.status !== 'RUNNING') return;
      entry.record = { ...entry.record, ...outcome, stopDate: options.clock.now(), states };
      writeJournal(options.journalDir, entry.record);
    };
    const ended = run.result.then(
      async (output) => {
        await recording;
        end({ status: 'SUCCEEDED', output });
      },
      async (error: unknown) => {
        await recording;
        const failure = error instanceof Error && error.cause instanceof Error ? error.cause : error;
        if (aborting.signal.aborted) end({ status: 'ABORTED' });
        else if (failure instanceof Error) end({ status: 'FAILED', error: failure.name, cause: failure.message });
        else end({ status: 'FAILED', error: 'States.Runtime', cause: String(failure) });
      },
    );
    const entry: Live = { record: { ...before, entered: before.entered + 1 }, ended, abort: () => aborting.abort() };
    live.set(before.executionArn, entry);
    writeJournal(options.journalDir, entry.record);
    return entry;
  };

  return {
    hasMachine: (machineArn) => machines.has(machineArn),
    start: async (machineArn, name, input) => {
      const machine = machines.get(machineArn);
      if (machine === undefined) throw unknownMachine(machineArn);
      if (!EXECUTION_NAME.test(name)) {
        throw new PermanentError(
          'execution-name-invalid',
          `an execution's name has 1 to 80 letters, digits, points, hyphens or underscores, got ${JSON.stringify(name.slice(0, 100))}`,
        );
      }
      const executionArn = executionArnOf(machineArn, name);
      const existing = live.get(executionArn)?.record;
      const cloned = toJson(input);
      if (existing !== undefined) {
        const same = existing.status === 'RUNNING' && isDeepStrictEqual(existing.input, cloned);
        return { executionArn, startDate: existing.startDate, outcome: same ? 'running' : 'exists' };
      }
      const { record } = enter(machineArn, {
        schema: 1,
        executionArn,
        machine: machine.name,
        name,
        input: cloned,
        status: 'RUNNING',
        startDate: options.clock.now(),
        entered: 0,
        states: [],
      });
      return { executionArn, startDate: record.startDate, outcome: 'started' };
    },
    describe: (executionArn) => live.get(executionArn)?.record,
    list: (machineArn) => {
      const name = machines.get(machineArn)?.name;
      return [...live.values()]
        .map((entry) => entry.record)
        .filter((record) => record.machine === name)
        .sort((a, b) => (a.startDate < b.startDate ? 1 : a.startDate > b.startDate ? -1 : 0));
    },
    stop: (executionArn, error, cause) => {
      const entry = live.get(executionArn);
      if (entry === undefined) return undefined;
      if (entry.record.status === 'RUNNING') {
        entry.record = {
          ...entry.record,
          status: 'ABORTED',
          stopDate: options.clock.now(),
          ...(error === undefined ? {} : { error }),
          ...(cause === undefined ? {} : { cause }),
        };
        writeJournal(options.journalDir, entry.record);
        entry.abort();
      }
      return entry.record;
    },
    finished: async (executionArn) => {
      const entry = live.get(executionArn);
      if (entry === undefined) throw new PermanentError('execution-unknown', `there is no execution ${executionArn}`);
      await entry.ended;
      return live.get(executionArn)?.record ?? entry.record;
    },
    resumeUnfinished: () => {
      const arns: string[] = [];
      for (const { record } of [...live.values()]) {
        const machineArn = [...machines].find(([, machine]) => machine.name === record.machine)?.[0];
        if (record.status !== 'RUNNING' || machineArn === undefined) continue;
        enter(machineArn, record);
        arns.push(record.executionArn);
      }
      return arns;
    },
    close: async () => {
      closing.abort();
      await Promise.allSettled([...underWay]);
    },
  };
};

const tellStates = async (
  machine: string,
  events: ReturnType<StateMachine['run']>['eventLogs'],
  tell: ((passed: StateData) => void) | undefined,
): Promise<void> => {
  if (tell === undefined) return;
  for await (const event of events) {
    if (event.type === 'StateEntered') tell({ machine, state: event.state.name, way: 'in', data: event.state.input });
    if (event.type === 'StateExited') tell({ machine, state: event.state.name, way: 'out', data: event.state.output });
  }
};

/** An error as Step Functions sees it: a name to match, and a cause that Lambda gives as JSON. */
class StateFailure extends Error {
  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
  }
}

/** What goes through Lambda is JSON, and an error is its name, its message and nothing else. */
const callAsLambda = async (handler: Handler, event: unknown): Promise<unknown> => {
  try {
    return toJson(await handler(toJson(event)));
  } catch (error) {
    const errorType = error instanceof Error ? error.name : 'Error';
    const errorMessage = error instanceof Error ? error.message : String(error);
    throw new StateFailure(errorType, JSON.stringify({ errorType, errorMessage }));
  }
};

const waitOnClock = async (
  wait: WaitTask,
  input: unknown,
  clock: BusinessClock,
  signal: AbortSignal,
): Promise<unknown> => {
  await clock.waitUntil(waitUntilOf(wait, input, clock.now()), signal);
  return input;
};

interface ChildRun {
  readonly result: Promise<unknown>;
}

/**
 * Runs one child per item, at most `maxConcurrency` at once, each with its own history. After the first failure no further
 * child starts; those under way finish, and the Map fails as on AWS where no failure is tolerated.
 */
const runChildren = async (
  map: MapTask,
  input: unknown,
  executionInput: unknown,
  signal: AbortSignal,
  startChild: (item: unknown) => ChildRun,
): Promise<null> => {
  const items = resolveTemplate(map.itemsPath, { input, executionInput }, true);
  if (!Array.isArray(items)) {
    throw new StateFailure('States.Runtime', `the items of "${map.state}" are no array`);
  }
  let next = 0;
  let failure: unknown;
  const worker = async (): Promise<void> => {
    while (next < items.length && failure === undefined && !signal.aborted) {
      const index = next;
      next += 1;
      const item = { index, value: items[index] };
      const selected =
        map.itemSelector === undefined
          ? item.value
          : resolveTemplate(map.itemSelector, { input, executionInput, item });
      try {
        await startChild(selected).result;
      } catch (error) {
        failure ??= error instanceof Error && error.cause instanceof Error ? error.cause : error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(map.maxConcurrency, items.length) }, worker));
  if (failure !== undefined) {
    const first = failure instanceof Error ? `${failure.name}: ${failure.message}` : String(failure);
    throw new StateFailure('States.ExceedToleratedFailureThreshold', `a child of "${map.state}" failed: ${first}`);
  }
  return null;
};

const toJson = (value: unknown) => JSON.parse(JSON.stringify(value ?? null));

const assertBound = (
  machine: string,
  arns: readonly string[],
  options: Pick<RunnerOptions<string>, 'handlers' | 'functionArns'>,
): void => {
  const unbound = arns
    .map((arn) => options.functionArns[arn] ?? arn)
    .filter((name) => options.handlers[name] === undefined);
  if (unbound.length > 0) {
    throw new PermanentError(
      'handlers-missing',
      `${machine} calls functions that have no handler: ${[...new Set(unbound)].sort().join(', ')}`,
      {
        hint: 'add each to local/handlers.ts',
      },
    );
  }
};

const unknownMachine = (machineArn: string): PermanentError =>
  new PermanentError('machine-unknown', `there is no state machine ${machineArn}`);

const writeJournal = (journalDir: string, record: ExecutionRecord): void => {
  const file = join(journalDir, record.machine, `${record.name}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${file}.new`, file);
};

/** Everything in the journal; a half-written file of a kill (`.new`) is not in it. */
const readJournal = (journalDir: string): readonly ExecutionRecord[] => {
  mkdirSync(journalDir, { recursive: true });
  return readdirSync(journalDir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const parsed = z.safeParse(ExecutionRecord, JSON.parse(readFileSync(join(journalDir, name), 'utf8')));
      if (!parsed.success) {
        throw new PermanentError(
          'journal-unreadable',
          `the journal ${join(journalDir, name)} does not hold an execution`,
          {
            hint: 'remove the file; the execution is then forgotten',
          },
        );
      }
      return parsed.data;
    });
};
