import type { FunctionName } from '#shared/contracts/environment.ts';
import { FUNCTION_METRICS, STAGE_METRICS, type StageMetric } from '#shared/contracts/metrics.ts';

/**
 * What the product's own metrics cost. CloudWatch bills each metric, that is each name with each value of its dimensions, for the
 * hours in which it was sent: $0.30 for a whole month, in US East, up to 10,000 of them. AWS's own metrics are free.
 */
const METRIC_USD_A_MONTH = 0.3;
/** Of each metric that an alarm looks at. */
export const ALARM_USD_A_MONTH = 0.1;
const HOURS_A_MONTH = 730;

/** Functions that a schedule calls every minute. Their duration is sent in every hour. */
export const EVERY_MINUTE = ['project-answers', 'escalate-cases', 'emit-events'] as const satisfies FunctionName[];
/** What they send of the stage each time. */
export const SENT_EVERY_MINUTE = [
  'OldestAnswerSeconds',
  'CasesOpen',
  'CasesOverdue',
  'EventsHeld',
  'OldestEventSeconds',
] as const satisfies StageMetric[];
/** Hours of a month in which runs, waves, mail events and answers send the others, generously. */
const BUSY_HOURS = 48;
/** More of them than this a stage may not have; a test counts. */
export const MOST_METRICS = 300;

export interface MetricCosts {
  /** Every metric that there can be. */
  readonly names: number;
  /** US dollars a month if all were sent in every hour: never more, whatever happens. */
  readonly mostUsd: number;
  /** Of a stage in which nothing happens. */
  readonly idleUsd: number;
  /** With one run and one wave in the month. */
  readonly usualUsd: number;
}

/** The money of the metrics of one stage with so many functions, in US dollars a month, rounded to cents. */
export const metricCosts = (functions: number): MetricCosts => {
  const names = Object.keys(STAGE_METRICS).length + Object.keys(FUNCTION_METRICS).length * functions;
  const always = SENT_EVERY_MINUTE.length + EVERY_MINUTE.length;
  const usd = (hours: number, metrics: number): number => (metrics * METRIC_USD_A_MONTH * hours) / HOURS_A_MONTH;
  const idle = usd(HOURS_A_MONTH, always);
  return {
    names,
    mostUsd: cents(usd(HOURS_A_MONTH, names)),
    idleUsd: cents(idle),
    usualUsd: cents(idle + usd(BUSY_HOURS, names - always)),
  };
};

const cents = (usd: number): number => Math.round(usd * 100) / 100;
