import { AsyncLocalStorage } from 'node:async_hooks';
import type { FunctionMetric, StageMetric } from '../contracts/metrics.ts';
import type { Instant } from '../domain/calendar.ts';

/** Takes figures. It has no room for a dimension, so that nobody can give it a customer. */
export interface Metrics {
  addOfStage(name: StageMetric, value: number): void;
  addOfFunction(functionName: string, name: FunctionMetric, value: number): void;
  /** Sends what was added since the last time. */
  publish(): void;
}

const current = new AsyncLocalStorage<Metrics>();

/** Sends what `work` measures, in whatever it awaits too, to `metrics`. */
export const withMetrics = <T>(metrics: Metrics, work: () => T): T => current.run(metrics, work);

/** Where figures go here; undefined where nobody asked for them: in the operator's tool, in the local stack. */
export const metricsHere = (): Metrics | undefined => current.getStore();

/**
 * Gives a figure of the stage, as it happens: a use case calls it as it calls the log, and no result depends on it. Outside
 * `withMetrics` it does nothing.
 */
export const measure = (name: StageMetric, value = 1): void => current.getStore()?.addOfStage(name, value);

/** Gives how many seconds ago something was; 0 where there is nothing. */
export const measureAge = (name: StageMetric, since: Instant | undefined, now: Instant): void =>
  measure(name, since === undefined ? 0 : Math.max(0, (Date.parse(now) - Date.parse(since)) / 1_000));
