import * as z from 'zod/mini';
import { isResegmentError, PermanentError, PoisonError, RetryableError } from '#shared/errors.ts';
import { errorFields, type LogFields, log, redactText } from '#shared/log.ts';
import { type InvocationContext, observe } from './observe.ts';

export interface HandlerDefinition<Input extends z.core.$ZodType, Output extends z.core.$ZodType, Services> {
  /** File name without its ending: the name of the function, of its metric and, as a sentence, of its state. */
  readonly name: string;
  readonly input: Input;
  readonly output: Output;
  /** Builds what `run` needs; called once, before the first event. */
  readonly services: () => Services | Promise<Services>;
  readonly run: (input: z.infer<Input>, services: Services) => Promise<z.infer<Output>>;
}

/**
 * Makes a Lambda handler of a use case.
 *
 * Input that does not fit is a PoisonError, output that does not fit a PermanentError. Our errors pass unchanged, since
 * Step Functions matches their names; any other becomes a RetryableError `unclassified` and is logged. Services that
 * could not be built are built again with the next event.
 */
export const defineHandler = <Input extends z.core.$ZodType, Output extends z.core.$ZodType, Services>(
  definition: HandlerDefinition<Input, Output, Services>,
): Handler<z.infer<Output>, Services> => {
  const bound = (services: () => Services | Promise<Services>) => handle(definition, once(services));
  return Object.assign(bound(definition.services), { withServices: (services: Services) => bound(() => services) });
};

/** A Lambda handler, which the local stack can also bind to services of its own. */
export interface Handler<Result, Services> {
  (event: unknown, context?: InvocationContext): Promise<Result>;
  withServices(services: Services): (event: unknown, context?: InvocationContext) => Promise<Result>;
}

const handle =
  <Input extends z.core.$ZodType, Output extends z.core.$ZodType, Services>(
    definition: HandlerDefinition<Input, Output, Services>,
    services: () => Promise<Services>,
  ) =>
  (event: unknown, context?: InvocationContext): Promise<z.infer<Output>> =>
    observe(definition.name, { context, fields: idsOf(event) }, async () => {
      try {
        const input = parse(
          definition.input,
          event,
          (problems) => new PoisonError('input-invalid', `input of ${definition.name} is not valid: ${problems}`),
        );
        const result = await definition.run(input, await services());
        return parse(
          definition.output,
          result,
          (problems) => new PermanentError('output-invalid', `output of ${definition.name} is not valid: ${problems}`),
        );
      } catch (error) {
        throw classified(definition.name, error);
      }
    });

/** The problems of a parse by path, without the values: they may be personal. */
export const describeProblems = (error: z.core.$ZodError): string =>
  error.issues.map((issue) => `${issue.path.map(String).join('.') || 'input'}: ${problemOf(issue)}`).join('; ');

const problemOf = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected}`;
    case 'invalid_value':
      return `expected one of ${issue.values.map(String).join(', ')}`;
    case 'unrecognized_keys':
      return `unknown fields ${issue.keys.join(', ')}`;
    default:
      return issue.code.replaceAll('_', ' ');
  }
};

const parse = <Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
  toError: (problems: string) => Error,
): z.infer<Schema> => {
  const parsed = z.safeParse(schema, value);
  if (!parsed.success) throw toError(describeProblems(parsed.error));
  return parsed.data;
};

const classified = (name: string, error: unknown): Error => {
  if (isResegmentError(error)) {
    const write = error instanceof RetryableError ? log.warn : log.error;
    write('failed', errorFields(error));
    return error;
  }
  log.error('failed for a reason that has no name yet', errorFields(error));
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  // The message becomes state data and a line that Lambda itself logs.
  return new RetryableError('unclassified', `${name} failed: ${redactText(message)}`, { cause: error });
};

const once = <Services>(build: () => Services | Promise<Services>): (() => Promise<Services>) => {
  let built: Promise<Services> | undefined;
  return () => {
    built ??= (async () => build())().catch((error: unknown) => {
      built = undefined;
      throw error;
    });
    return built;
  };
};

const LOGGED_IDS = ['runId', 'waveId', 'shard', 'batch'] as const;

const idsOf = (event: unknown): LogFields => {
  if (typeof event !== 'object' || event === null) return {};
  const fields = new Map(Object.entries(event));
  return Object.fromEntries(
    LOGGED_IDS.flatMap((id) => {
      const value: unknown = fields.get(id);
      return typeof value === 'string' || typeof value === 'number' ? [[id, value]] : [];
    }),
  );
};
