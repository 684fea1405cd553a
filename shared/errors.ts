/**
 * The three names that cross the wire. Step Functions matches `ErrorEquals` against `error.name`, so the class says what
 * the workflow does next and `code` says what went wrong.
 */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface AppErrorOptions {
  /** Ids, counts and names only; never mail addresses or comments. */
  readonly details?: ErrorDetails;
  /** What the reader can do about it. */
  readonly hint?: string;
  /** Where in the input the trouble is, such as `policy.yaml:12:5 scores.R`. */
  readonly path?: string;
  readonly cause?: unknown;
}

abstract class AppError extends Error {
  readonly code: string;
  readonly details: ErrorDetails;
  readonly hint: string | undefined;
  readonly path: string | undefined;

  constructor(code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.hint = options.hint;
    this.path = options.path;
  }
}

/** The same input may succeed later: throttling, a lost race, a server that failed. The workflow retries. */
export class RetryableError extends AppError {
  override readonly name = 'RetryableError';
}

/** This item never succeeds: a malformed record, a forged token. It goes to quarantine and the rest goes on. */
export class PoisonError extends AppError {
  override readonly name = 'PoisonError';
}

/** No item can succeed: wrong configuration, wrong usage, a bug of ours. The execution fails now. */
export class PermanentError extends AppError {
  override readonly name = 'PermanentError';
}

export type ResegmentError = RetryableError | PoisonError | PermanentError;

export const isResegmentError = (error: unknown): error is ResegmentError =>
  error instanceof RetryableError || error instanceof PoisonError || error instanceof PermanentError;

/** Ends an exhaustive `switch`; reaching it is a bug of ours. */
export const assertNever = (value: never): never => {
  throw new PermanentError('unreachable', `no case for ${JSON.stringify(value)}`);
};
