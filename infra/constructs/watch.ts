import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type AlarmName, describeAlarm } from '../alarm-catalogue.ts';
import type { Stage } from '../stage-config.ts';

export interface WatchProps {
  readonly stage: Stage;
  readonly operatorAddress: string;
  readonly monthlyBudgetUsd: number;
  readonly runs: StateMachine;
  readonly surveys: StateMachine;
  readonly pages: HttpApi;
  readonly scheduleDeadLetters: Queue;
  readonly mailEventDeadLetters: Queue;
  readonly emitEvents: IFunction;
  readonly functions: readonly IFunction[];
  readonly tables: readonly TableV2[];
}

/** Before the limits at which AWS reviews an account: 5 % bounces, 0.1 % complaints. */
const BOUNCE_LIMIT = 0.04;
const COMPLAINT_LIMIT = 0.0008;

/** Alarms that mail the operators, a dashboard and a budget. Every alarm says its impact and where the runbook has it. */
export class Watch extends Construct {
  private readonly props: WatchProps;
  private readonly topic: Topic;

  constructor(scope: Construct, id: string, props: WatchProps) {
    super(scope, id);
    this.props = props;
    this.topic = new Topic(this, 'Alarms', { enforceSSL: true });
    this.topic.addSubscription(new EmailSubscription(props.operatorAddress));
    this.createAlarms();
    this.createDashboard();
    this.createBudget();
  }

  private createAlarms(): void {
    const { runs, surveys, pages, scheduleDeadLetters, mailEventDeadLetters, emitEvents, tables } = this.props;
    this.alarm('run-failed', unfinished('runs', runs), { above: 0 });
    this.alarm('wave-failed', unfinished('waves', surveys), { above: 0 });
    this.alarm('schedule-not-delivered', waiting(scheduleDeadLetters), { above: 0 });
    this.alarm('mail-events-not-read', waiting(mailEventDeadLetters), { above: 0 });
    const failedSweeps = emitEvents.metricErrors({ period: FIVE_MINUTES, statistic: Stats.SUM });
    this.alarm('events-not-sent', failedSweeps, { above: 2 }, 3);
    this.alarm('bounces-near-limit', reputation('BounceRate'), { atLeast: BOUNCE_LIMIT });
    this.alarm('complaints-near-limit', reputation('ComplaintRate'), { atLeast: COMPLAINT_LIMIT });
    this.alarm('pages-failing', pages.metricServerError({ period: FIVE_MINUTES, statistic: Stats.SUM }), { above: 4 });
    this.alarm('tables-throttled', throttled(tables), { above: 100 }, 3);
  }

  private alarm(
    name: AlarmName,
    metric: IMetric,
    limit: { readonly above: number } | { readonly atLeast: number },
    periods = 1,
  ): void {
    const alarm = new Alarm(this, name, {
      alarmName: `resegment-${this.props.stage}-${name}`,
      alarmDescription: describeAlarm(name),
      metric,
      threshold: 'above' in limit ? limit.above : limit.atLeast,
      comparisonOperator:
        'above' in limit
          ? ComparisonOperator.GREATER_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
  }

  private createDashboard(): void {
    const { stage, runs, surveys, pages, functions, tables, scheduleDeadLetters, mailEventDeadLetters } = this.props;
    const graph = (title: string, left: readonly IMetric[], right: readonly IMetric[] = []): GraphWidget =>
      new GraphWidget({ title, left: [...left], right: [...right], width: 12, height: 6 });
    const mails = (event: string): Metric =>
      new Metric({ namespace: 'AWS/SES', metricName: event, statistic: Stats.SUM, period: HOUR });
    new Dashboard(this, 'Dashboard', {
      dashboardName: `resegment-${stage}`,
      widgets: [
        [
          graph('Runs and waves that ended', [
            runs.metricSucceeded({ label: 'runs', period: HOUR }),
            surveys.metricSucceeded({ label: 'waves', period: HOUR }),
            runs.metricFailed({ label: 'runs failed or degraded', period: HOUR }),
            surveys.metricFailed({ label: 'waves failed', period: HOUR }),
          ]),
          graph('Mails an hour', [mails('Send'), mails('Delivery'), mails('Bounce'), mails('Complaint')]),
        ],
        [
          graph('Account reputation', [reputation('BounceRate')], [reputation('ComplaintRate')]),
          graph('Pages', [
            pages.metricCount({ label: 'requests', period: FIVE_MINUTES }),
            pages.metricClientError({ label: 'refused', period: FIVE_MINUTES }),
            pages.metricServerError({ label: 'failed', period: FIVE_MINUTES }),
          ]),
        ],
        [
          graph(
            'Functions that failed',
            functions.map((one) => one.metricErrors({ period: FIVE_MINUTES })),
          ),
          graph(
            'Tables: throttled requests; dead letters',
            [throttled(tables)],
            [waiting(scheduleDeadLetters), waiting(mailEventDeadLetters)],
          ),
        ],
        [
          graph(
            'Units written in an hour',
            tables.map((table) => table.metricConsumedWriteCapacityUnits({ period: HOUR, statistic: Stats.SUM })),
          ),
          graph(
            'Units read in an hour',
            tables.map((table) => table.metricConsumedReadCapacityUnits({ period: HOUR, statistic: Stats.SUM })),
          ),
        ],
      ],
    });
  }

  /** Counts what carries the stage's tag; it must be activated as a cost allocation tag once per account. */
  private createBudget(): void {
    const subscriber = { address: this.props.operatorAddress, subscriptionType: 'EMAIL' };
    const notice = (notificationType: 'ACTUAL' | 'FORECASTED', threshold: number) => ({
      notification: { notificationType, threshold, thresholdType: 'PERCENTAGE', comparisonOperator: 'GREATER_THAN' },
      subscribers: [subscriber],
    });
    new CfnBudget(this, 'Budget', {
      budget: {
        budgetName: `resegment-${this.props.stage}`,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: this.props.monthlyBudgetUsd, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:resegment-stage$${this.props.stage}`] },
      },
      notificationsWithSubscribers: [notice('ACTUAL', 80), notice('FORECASTED', 100)],
    });
  }
}

const FIVE_MINUTES = Duration.minutes(5);
const HOUR = Duration.hours(1);

/** Executions that failed, ran out of time or were stopped. A degraded run fails its execution at the end. */
const unfinished = (prefix: string, machine: StateMachine): IMetric =>
  new MathExpression({
    expression: `FILL(${prefix}Failed, 0) + FILL(${prefix}TimedOut, 0) + FILL(${prefix}Aborted, 0)`,
    usingMetrics: {
      [`${prefix}Failed`]: machine.metricFailed({ period: FIVE_MINUTES }),
      [`${prefix}TimedOut`]: machine.metricTimedOut({ period: FIVE_MINUTES }),
      [`${prefix}Aborted`]: machine.metricAborted({ period: FIVE_MINUTES }),
    },
    period: FIVE_MINUTES,
    label: `${prefix} that did not end well`,
  });

const waiting = (queue: Queue): IMetric =>
  queue.metricApproximateNumberOfMessagesVisible({ period: FIVE_MINUTES, statistic: Stats.MAXIMUM });

/** The account's own rates, 0..1, of all its mail. */
const reputation = (rate: 'BounceRate' | 'ComplaintRate'): Metric =>
  new Metric({
    namespace: 'AWS/SES',
    metricName: `Reputation.${rate}`,
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(15),
    label: rate,
  });

const throttled = (tables: readonly TableV2[]): IMetric =>
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
