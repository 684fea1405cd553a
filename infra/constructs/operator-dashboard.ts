import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Dashboard,
  GraphWidget,
  type HorizontalAnnotation,
  type IMetric,
  MathExpression,
  Metric,
  SearchExpression,
  SingleValueWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { type FunctionMetric, METRIC_NAMESPACE } from '#shared/contracts/metrics.ts';
import { PRICES } from '#shared/contracts/prices.ts';
import { RUNBOOK } from '../alarm-catalogue.ts';
import type { Stage } from '../stage-config.ts';
import { FIVE_MINUTES, HOUR, type MetricsOfStage, reputation, throttled, waiting } from './stage-metrics.ts';

export interface OperatorDashboardProps {
  readonly stage: Stage;
  readonly own: MetricsOfStage;
  readonly runs: StateMachine;
  readonly surveys: StateMachine;
  readonly pages: HttpApi;
  readonly scheduleDeadLetters: Queue;
  readonly mailEventDeadLetters: Queue;
  readonly tables: readonly TableV2[];
}

const DAY = Duration.days(1);
/** Runs are monthly: the last one is shown whenever it was. */
const SINCE_LAST_RUN = '-P35D';
const MICRO = 1e-6;

/** One page for whoever opens it in the morning, or because of an alarm: from the business at the top to the machines below. */
export class OperatorDashboard extends Dashboard {
  private readonly props: OperatorDashboardProps;

  constructor(scope: Construct, id: string, props: OperatorDashboardProps) {
    super(scope, id, { dashboardName: `resegment-${props.stage}`, defaultInterval: Duration.days(3) });
    this.props = props;
    this.addWidgets(this.explanation());
    this.addWidgets(...this.lastRunAndWave());
    this.addWidgets(...this.mails());
    this.addWidgets(...this.answersAndPages());
    this.addWidgets(...this.eventsAndCases());
    this.addWidgets(...this.functions());
    this.addWidgets(...this.machines());
    this.addWidgets(...this.cost());
  }

  private explanation(): TextWidget {
    const { stage } = this.props;
    return new TextWidget({
      width: 24,
      height: 2,
      markdown: [
        `**Resegment, stage ${stage}.** What each figure means and which end of it is good: ${RUNBOOK}, _What is measured_.`,
        `An alarm names its section there. The ledger itself: \`resegment status --target aws --stage ${stage}\`.`,
      ].join(' '),
    });
  }

  private lastRunAndWave() {
    const { own, runs } = this.props;
    return [
      new SingleValueWidget({
        title: 'The last run',
        width: WIDTH,
        height: 6,
        start: SINCE_LAST_RUN,
        fullPrecision: true,
        metrics: [
          own('CustomersRead', DAY, 'customers read'),
          own('CustomersQuarantined', DAY, 'in quarantine'),
          own('CustomersMovedUp', DAY, 'moved up'),
          own('CustomersMovedDown', DAY, 'moved down'),
          own('FlagsProposed', DAY, 'proposals'),
          own('SecondsToPublish', DAY, 'seconds to publish'),
        ],
      }),
      new SingleValueWidget({
        title: 'The last wave: drawn, and what it came to when it closed',
        width: WIDTH,
        height: 6,
        start: SINCE_LAST_RUN,
        fullPrecision: true,
        metrics: [
          own('CustomersInvited', DAY, 'drawn'),
          own('WaveAnswered', DAY, 'answered'),
          own('WaveUncertain', DAY, 'uncertain mails'),
        ],
      }),
      new GraphWidget({
        title: 'Runs of five weeks, a day',
        width: WIDTH,
        height: 6,
        start: SINCE_LAST_RUN,
        left: [
          own('RunsPublished', DAY, 'published'),
          own('RunsDegraded', DAY, 'of these degraded'),
          own('RunsHeld', DAY, 'held'),
          own('RunsFailed', DAY, 'failed'),
          runs.metricTimedOut({ label: 'out of time', period: DAY }),
        ],
      }),
    ];
  }

  private mails() {
    const { own } = this.props;
    const limit = (value: number, label: string): HorizontalAnnotation => ({ value, label, color: '#d62728' });
    return [
      graph('Mails an hour', [
        own('InvitationsSent', HOUR, 'invitations'),
        own('RemindersSent', HOUR, 'reminders'),
        own('MailsUncertain', HOUR, 'uncertain'),
        own('MailsRejected', HOUR, 'refused'),
      ]),
      graph(
        'Brakes: bounces, complaints and stops an hour',
        [
          own('MailsBounced', HOUR, 'bounced'),
          own('MailsComplained', HOUR, 'complaints'),
          own('StaffMailsBounced', HOUR, 'bounced mails to the staff'),
          own('WavesBraked', HOUR, 'waves stopped'),
          own('MailEventsRefused', HOUR, 'mail events not taken'),
        ],
        [own('MailEvents', HOUR, 'mail events (right)')],
      ),
      new GraphWidget({
        title: 'Reputation of the account',
        width: WIDTH,
        height: 6,
        left: [reputation('BounceRate')],
        right: [reputation('ComplaintRate')],
        leftAnnotations: [limit(0.05, 'AWS reviews: bounces')],
        rightAnnotations: [limit(0.001, 'AWS reviews: complaints')],
      }),
    ];
  }

  private answersAndPages() {
    const { own, pages } = this.props;
    return [
      graph(
        'Answers an hour; age of the oldest that waits, in seconds (right)',
        [own('AnswersStored', HOUR, 'stored'), own('AnswersProjected', HOUR, 'projected')],
        [own('OldestAnswerSeconds', FIVE_MINUTES, 'oldest waiting')],
      ),
      graph('Pages in five minutes', [
        pages.metricCount({ label: 'requests', period: FIVE_MINUTES }),
        pages.metricClientError({ label: 'refused (4xx)', period: FIVE_MINUTES }),
        pages.metricServerError({ label: 'failed (5xx)', period: FIVE_MINUTES }),
      ]),
      graph('Pages: milliseconds until they answer', [
        pages.metricLatency({ label: 'half of them', statistic: Stats.percentile(50), period: FIVE_MINUTES }),
        pages.metricLatency({ label: '99 of 100', statistic: Stats.percentile(99), period: FIVE_MINUTES }),
      ]),
    ];
  }

  private eventsAndCases() {
    const { own } = this.props;
    return [
      graph(
        'Events for other systems; age of the oldest that waits, in seconds (right)',
        [own('EventsSent', HOUR, 'sent an hour'), own('EventsHeld', HOUR, 'held for a run')],
        [own('OldestEventSeconds', FIVE_MINUTES, 'oldest waiting')],
      ),
      graph(
        'Cases; opened and escalated an hour (right)',
        [own('CasesOpen', HOUR, 'open'), own('CasesOverdue', HOUR, 'overdue')],
        [own('CasesOpened', HOUR, 'opened'), own('CasesEscalated', HOUR, 'escalated')],
      ),
      graph(
        'Rows of files an hour; dropped files that failed (right)',
        [own('RowsImported', HOUR, 'imported'), own('RowsRejected', HOUR, 'rejected')],
        [own('DroppedFilesFailed', HOUR, 'files failed')],
      ),
    ];
  }

  private functions() {
    const failed = (name: FunctionMetric) => this.byFunction(name, Stats.SUM, FIVE_MINUTES);
    return [
      graph('Failed calls by function', [
        failed('FailedPermanent'),
        failed('FailedPoison'),
        failed('FailedUnclassified'),
        failed('FailedRetryable'),
      ]),
      graph('Slowest call by function, milliseconds', [this.byFunction('Duration', Stats.MAXIMUM, FIVE_MINUTES)]),
      graph('Calls that ended well, and cold starts, an hour', [
        this.byFunction('Duration', Stats.SAMPLE_COUNT, HOUR),
        this.byFunction('ColdStart', Stats.SUM, HOUR),
      ]),
    ];
  }

  /** A search finds functions that are added later too, and is not billed by the metric. */
  private byFunction(name: FunctionMetric, statistic: string, period: Duration): IMetric {
    const { stage } = this.props;
    return new SearchExpression({
      expression: `SEARCH('{${METRIC_NAMESPACE},function,stage} MetricName="${name}" stage="${stage}"', '${statistic}', ${period.toSeconds()})`,
      label: `\${PROP('Dim.function')} ${name}`,
      period,
    });
  }

  private machines() {
    const { runs, surveys, scheduleDeadLetters, mailEventDeadLetters, tables } = this.props;
    return [
      graph('Executions that ended, an hour', [
        runs.metricSucceeded({ label: 'runs', period: HOUR }),
        surveys.metricSucceeded({ label: 'waves', period: HOUR }),
        runs.metricFailed({ label: 'runs failed or degraded', period: HOUR }),
        surveys.metricFailed({ label: 'waves failed', period: HOUR }),
      ]),
      graph('Dead letters', [waiting(scheduleDeadLetters), waiting(mailEventDeadLetters)]),
      graph('Tables: writes that were throttled', [throttled(tables)]),
    ];
  }

  private cost() {
    const { own, tables } = this.props;
    const units = (name: 'ConsumedReadCapacityUnits' | 'ConsumedWriteCapacityUnits') =>
      tables.map(
        ({ tableName }) =>
          new Metric({
            namespace: 'AWS/DynamoDB',
            metricName: name,
            dimensionsMap: { TableName: tableName },
            statistic: Stats.SUM,
            period: DAY,
          }),
      );
    const dollars = (label: string, priceUsd: number, metrics: readonly IMetric[], prefix: string): IMetric =>
      new MathExpression({
        expression: `${priceUsd.toFixed(9)} * (${metrics.map((_, index) => `FILL(${prefix}${index}, 0)`).join(' + ')})`,
        usingMetrics: Object.fromEntries(metrics.map((metric, index) => [`${prefix}${index}`, metric])),
        period: DAY,
        label,
      });
    return [
      new GraphWidget({
        title: `What the loop used, US dollars a day at the prices of ${PRICES.readOn} in ${PRICES.region}`,
        width: 24,
        height: 6,
        start: SINCE_LAST_RUN,
        stacked: true,
        left: [
          dollars('writing tables', PRICES.dynamoWriteUnit * MICRO, units('ConsumedWriteCapacityUnits'), 'w'),
          dollars('reading tables', PRICES.dynamoReadUnit * MICRO, units('ConsumedReadCapacityUnits'), 'r'),
          dollars('mails', PRICES.mail * MICRO, [own('InvitationsSent', DAY), own('RemindersSent', DAY)], 'm'),
        ],
      }),
    ];
  }
}

/** Three to a row. */
const WIDTH = 8;

const graph = (title: string, left: readonly IMetric[], right: readonly IMetric[] = []): GraphWidget =>
  new GraphWidget({ title, left: [...left], right: [...right], width: WIDTH, height: 6 });
