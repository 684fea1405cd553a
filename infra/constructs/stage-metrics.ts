import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { METRIC_NAMESPACE, type MetricMeaning, STAGE_METRICS, type StageMetric } from '#shared/contracts/metrics.ts';
import type { Stage } from '../stage-config.ts';

export const FIVE_MINUTES = Duration.minutes(5);
export const HOUR = Duration.hours(1);

/** A metric of the product itself; counts are added up, of gauges the highest value of the period is taken. */
export type MetricsOfStage = (name: StageMetric, period: Duration, label?: string) => Metric;

export const metricsOfStage =
  (stage: Stage): MetricsOfStage =>
  (name, period, label) => {
    const { kind }: MetricMeaning = STAGE_METRICS[name];
    return new Metric({
      namespace: METRIC_NAMESPACE,
      metricName: name,
      dimensionsMap: { stage },
      statistic: kind === 'count' ? Stats.SUM : Stats.MAXIMUM,
      period,
      ...(label === undefined ? {} : { label }),
    });
  };

/** Messages that nobody has taken. */
export const waiting = (queue: Queue): IMetric =>
  queue.metricApproximateNumberOfMessagesVisible({ period: FIVE_MINUTES, statistic: Stats.MAXIMUM });

/** The account's own rates, 0..1, of all its mail. */
export const reputation = (rate: 'BounceRate' | 'ComplaintRate'): Metric =>
  new Metric({
    namespace: 'AWS/SES',
    metricName: `Reputation.${rate}`,
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(15),
    label: rate,
  });

export const throttled = (tables: readonly TableV2[]): IMetric =>
  new MathExpression({
    expression: tables.map((_, index) => `FILL(t${index}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(
      tables.map((table, index) => [
        `t${index}`,
        new Metric({
          namespace: 'AWS/DynamoDB',
          metricName: 'WriteThrottleEvents',
          dimensionsMap: { TableName: table.tableName },
          statistic: Stats.SUM,
          period: FIVE_MINUTES,
        }),
      ]),
    ),
    period: FIVE_MINUTES,
    label: 'throttled writes',
  });
