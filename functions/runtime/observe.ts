import { emfMetrics } from '#shared/adapters/emf-metrics.ts';
import type { FunctionMetric } from '#shared/contracts/metrics.ts';
import { isResegmentError } from '#shared/errors.ts';
import { errorFields, type LogFields, log, withLogContext } from '#shared/log.ts';
import { type Metrics, metricsHere, withMetrics } from '#shared/ports/metrics.ts';

/** What is used of Lambda's own context. */
export interface InvocationContext {
  readonly awsRequestId?: string;
}

/** Whether the process has not been called yet: Lambda loads the function for the first call. */
let isCold = true;
let lambdaMetrics: Metrics | undefined;

/** In an account figures become metrics; elsewhere only where a caller asked for them. */
const metricsOfCall = (): Metrics | undefined => {
  const asked = metricsHere();
  if (asked !== undefined || process.env['AWS_LAMBDA_FUNCTION_NAME'] === undefined) return asked;
  lambdaMetrics ??= emfMetrics(process.env['STAGE'] ?? 'unknown');
  return lambdaMetrics;
};

/**
 * Does one call of a function: its log lines carry the ids of the call, and its duration or failure is measured. What the call
 * measured is sent when it ends, also where it fails.
 */
export const observe = async <T>(
  name: string,
  { context, fields }: { readonly context?: InvocationContext | undefined; readonly fields?: LogFields },
  work: () => Promise<T>,
): Promise<T> => {
  const coldStart = isCold;
  isCold = false;
  const metrics = metricsOfCall();
  const measured = (metric: FunctionMetric, value: number): void => metrics?.addOfFunction(name, metric, value);
  const call = async (): Promise<T> => {
    const startedMs = performance.now();
    if (coldStart) measured('ColdStart', 1);
    try {
      const result = await work();
      const durationMs = Math.round(performance.now() - startedMs);
      measured('Duration', durationMs);
      log.info('done', { durationMs });
      return result;
    } catch (error) {
      const metric = FAILURES[kindOf(error)];
      measured(metric, 1);
      if (metric === 'FailedUnclassified') metrics?.addOfStage('UnclassifiedFailures', 1);
      throw error;
    } finally {
      publish(metrics);
    }
  };
  const ids = {
    function: name,
    stage: process.env['STAGE'],
    requestId: context?.awsRequestId,
    traceId: traceIdOf(process.env['_X_AMZN_TRACE_ID']),
    coldStart,
    ...fields,
  };
  return withLogContext(ids, () => (metrics === undefined ? call() : withMetrics(metrics, call)));
};

const FAILURES = {
  RetryableError: 'FailedRetryable',
  PoisonError: 'FailedPoison',
  PermanentError: 'FailedPermanent',
  unclassified: 'FailedUnclassified',
} as const satisfies Record<string, FunctionMetric>;

const kindOf = (error: unknown): keyof typeof FAILURES => {
  if (!isResegmentError(error) || error.code === 'unclassified') return 'unclassified';
  return error.name;
};

/** A figure that cannot be sent is no reason to fail. */
const publish = (metrics: Metrics | undefined): void => {
  try {
    metrics?.publish();
  } catch (error) {
    log.warn('metrics could not be sent', errorFields(error));
  }
};

/** `Root=1-…;Parent=…;Sampled=1` → `1-…` */
const traceIdOf = (header: string | undefined): string | undefined => /(?:^|;)Root=([^;]+)/u.exec(header ?? '')?.[1];
