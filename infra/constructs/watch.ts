import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type AlarmName, describeAlarm } from '../alarm-catalogue.ts';
import type { Stage } from '../stage-config.ts';
import { OperatorDashboard } from './operator-dashboard.ts';
import {
  FIVE_MINUTES,
  HOUR,
  type MetricsOfStage,
  metricsOfStage,
  reputation,
  throttled,
  waiting,
} from './stage-metrics.ts';

export interface WatchProps {
  readonly stage: Stage;
  readonly operatorAddress: string;
  readonly monthlyBudgetUsd: number | 'none';
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
/** A wave forgives two. */
const UNCERTAIN_AN_HOUR = 2;
const UNCLASSIFIED_AN_HOUR = 9;
const QUARANTINED_PERCENT = 0.1;
const MINUTE_S = 60;

/** Alarms that mail the operators, a dashboard and a budget. Every alarm says its impact and where the runbook has it. */
export class Watch extends Construct {
  private readonly props: WatchProps;
  private readonly topic: Topic;
  private readonly own: MetricsOfStage;

  constructor(scope: Construct, id: string, props: WatchProps) {
    super(scope, id);
    this.props = props;
    this.topic = new Topic(this, 'Alarms', { enforceSSL: true });
    this.topic.addSubscription(new EmailSubscription(props.operatorAddress));
    this.letAlarmsPublish();
    this.own = metricsOfStage(props.stage);
    this.createAlarms();
    new OperatorDashboard(this, 'Dashboard', { ...props, own: this.own });
    if (props.monthlyBudgetUsd !== 'none') this.createBudget(props.monthlyBudgetUsd);
  }

  /** A topic with a policy of its own has lost the one that lets the whole account publish: without this, alarms mail nobody. */
  private letAlarmsPublish(): void {
    const stack = Stack.of(this);
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: {
          ArnLike: {
            'aws:SourceArn': stack.formatArn({
              service: 'cloudwatch',
              resource: 'alarm',
              resourceName: `resegment-${this.props.stage}-*`,
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
          StringEquals: { 'aws:SourceAccount': stack.account },
        },
      }),
    );
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
    this.createAlarmsOfOwnMetrics();
  }

  /** What AWS cannot know. Where a sweeper says nothing at all, nobody looks, which is as bad as waiting. */
  private createAlarmsOfOwnMetrics(): void {
    const { own } = this;
    this.alarm('wave-braked', own('WavesBraked', FIVE_MINUTES), { above: 0 });
    this.alarm('file-not-imported', own('DroppedFilesFailed', FIVE_MINUTES), { above: 0 });
    this.alarm('mails-uncertain', own('MailsUncertain', HOUR), { above: UNCERTAIN_AN_HOUR });
    this.alarm('answers-not-projected', own('OldestAnswerSeconds', FIVE_MINUTES), { above: 15 * MINUTE_S }, 3, 'bad');
    this.alarm('events-waiting', own('OldestEventSeconds', FIVE_MINUTES), { above: 60 * MINUTE_S }, 3, 'bad');
    const share = new MathExpression({
      expression: 'IF(read > 0, 100 * quarantined / read, 0)',
      usingMetrics: {
        read: own('CustomersRead', FIVE_MINUTES),
        quarantined: own('CustomersQuarantined', FIVE_MINUTES),
      },
      period: FIVE_MINUTES,
      label: 'customers in quarantine, %',
    });
    this.alarm('records-quarantined', share, { above: QUARANTINED_PERCENT });
    this.alarm('failures-unclassified', own('UnclassifiedFailures', HOUR), { above: UNCLASSIFIED_AN_HOUR });
  }

  private alarm(
    name: AlarmName,
    metric: IMetric,
    limit: { readonly above: number } | { readonly atLeast: number },
    periods = 1,
    noData: 'good' | 'bad' = 'good',
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
      treatMissingData: noData === 'good' ? TreatMissingData.NOT_BREACHING : TreatMissingData.BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
  }

  /**
   * Counts what carries the stage's tag; it must be activated as a cost allocation tag once per account. It has no name of its
   * own, since CloudFormation makes another one when the operators' address changes.
   */
  private createBudget(monthlyUsd: number): void {
    const subscriber = { address: this.props.operatorAddress, subscriptionType: 'EMAIL' };
    const notice = (notificationType: 'ACTUAL' | 'FORECASTED', threshold: number) => ({
      notification: { notificationType, threshold, thresholdType: 'PERCENTAGE', comparisonOperator: 'GREATER_THAN' },
      subscribers: [subscriber],
    });
    new CfnBudget(this, 'Budget', {
      budget: {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: monthlyUsd, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:resegment-stage$${this.props.stage}`] },
      },
      notificationsWithSubscribers: [notice('ACTUAL', 80), notice('FORECASTED', 100)],
    });
  }
}

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
