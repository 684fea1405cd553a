import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, TimeZone } from 'aws-cdk-lib';
import { EventBus, EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleTargetInput,
  TimeWindow,
} from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke, StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { DefinitionBody, type IChainable, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type FunctionName, TABLE_VARIABLES, type VariableName } from '#shared/contracts/environment.ts';
import { INCOMING_FOLDER } from '#shared/contracts/import-job.ts';
import { USAGE_KIND } from '#shared/contracts/tables.ts';
import { ENTRY_FUNCTIONS, type EntryFunction, TABLES, type TableName } from '#shared/contracts/workflows.ts';
import { MailAccount } from '../constructs/mail-account.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { SurveyPages } from '../constructs/survey-pages.ts';
import { Watch } from '../constructs/watch.ts';
import {
  FOLDER_ACTIONS,
  FUNCTION_ACCESS,
  INDEXES,
  KEEPS_USAGE,
  MAIL_ACCOUNT_ACTIONS,
  TABLE_ACTIONS,
  type TableAccess,
  USAGE_ACTIONS,
} from '../function-access.ts';
import { functionEnvironment } from '../function-environment.ts';
import { FUNCTION_SIZES } from '../function-sizes.ts';
import type { Stage, StageConfig } from '../stage-config.ts';
import { type ImportStep, importWorkflow } from '../workflows/import.ts';
import { type RunStep, resegmentation } from '../workflows/resegmentation.ts';
import { surveyWave, type WaveStep } from '../workflows/survey-wave.ts';
import type { DataStack } from './data-stack.ts';

export interface LoopStackProps extends StackProps {
  readonly stage: Stage;
  readonly config: StageConfig;
  readonly data: DataStack;
  /** False to leave the functions' code out. */
  readonly bundled: boolean;
}

const RETENTION = { 30: RetentionDays.ONE_MONTH, 90: RetentionDays.THREE_MONTHS, 365: RetentionDays.ONE_YEAR } as const;
/** How often a message is tried before it goes to the dead-letter queue. */
const DELIVERY_TRIES = 5;
const SWEEP = Duration.minutes(1);

/** The loop itself: functions, state machines, pages, mail events and schedules. It holds no data and can be made anew. */
export class LoopStack extends Stack {
  private readonly props: LoopStackProps;
  private readonly mail: MailAccount;
  private readonly pages: SurveyPages;
  private readonly deadLetters: Queue;
  private readonly eventBus: EventBus;
  private readonly functions: IFunction[] = [];
  private surveyMachineArn: string | undefined;

  constructor(scope: Construct, id: string, props: LoopStackProps) {
    super(scope, id, props);
    this.props = props;
    this.deadLetters = this.createQueue('ScheduleDeadLetters');
    this.eventBus = new EventBus(this, 'Events', {
      eventBusName: `resegment-${props.stage}`,
      description: 'What other systems are told of moves, flags, decisions, cases and answers',
    });
    this.mail = new MailAccount(this, 'Mail', {
      configurationSetName: `resegment-${props.stage}`,
      senderAddress: props.config.identity.senderAddress,
      makesIdentity: props.config.senderIdentity === 'made',
      sandboxRecipients: props.config.sandboxRecipients,
    });

    const entries = this.createEntries();
    this.pages = new SurveyPages(this, 'Pages', {
      name: `resegment-${props.stage}-pages`,
      answerSurvey: entries['answer-survey'],
      domain: props.config.pages,
      throttle: props.config.pageThrottle,
      logRetention: RETENTION[props.config.logRetentionDays],
    });
    const waves: Readonly<Record<WaveStep, IFunction>> = {
      'plan-wave': this.createFunction('plan-wave'),
      'send-invitations': this.createFunction('send-invitations'),
      'look-up-wave': this.createFunction('look-up-wave'),
      'send-reminders': this.createFunction('send-reminders'),
      'close-wave': this.createFunction('close-wave'),
      'assert-wave-healthy': this.createFunction('assert-wave-healthy'),
    };
    const surveys = this.createMachine(
      'SurveyWave',
      'survey-wave',
      surveyWave(new Construct(this, 'WaveStates'), {
        functions: waves,
        sendConcurrency: props.config.sendConcurrency,
      }),
    );
    this.surveyMachineArn = surveys.stateMachineArn;
    const runs = this.createMachine(
      'Resegmentation',
      'resegmentation',
      resegmentation(new Construct(this, 'RunStates'), {
        functions: this.createRunSteps(),
        mapConcurrency: props.config.mapConcurrency,
      }),
    );

    const imports = this.createMachine(
      'Import',
      'import',
      importWorkflow(new Construct(this, 'ImportStates'), {
        functions: this.createImportSteps(),
        importConcurrency: props.config.importConcurrency,
      }),
    );
    this.importDroppedFiles(imports);

    const mailEventDeadLetters = this.receiveMailEvents(entries['ingest-mail-event']);
    this.createSchedules(runs, entries);
    new CfnOutput(this, 'RunMachineArn', { value: runs.stateMachineArn });
    new CfnOutput(this, 'EventBusName', { value: this.eventBus.eventBusName });
    new CfnOutput(this, 'SurveyMachineArn', { value: surveys.stateMachineArn });
    new Watch(this, 'Watch', {
      stage: props.stage,
      operatorAddress: props.config.operatorAddress,
      monthlyBudgetUsd: props.config.monthlyBudgetUsd,
      runs,
      surveys,
      pages: this.pages.api,
      scheduleDeadLetters: this.deadLetters,
      mailEventDeadLetters,
      emitEvents: entries['emit-events'],
      functions: this.functions,
      tables: TABLES.map((name) => this.table(name)),
    });
  }

  private createEntries(): Readonly<Record<EntryFunction, IFunction>> {
    const [answerSurvey, ingestMailEvent, projectAnswers, escalateCases, emitEvents] = ENTRY_FUNCTIONS;
    return {
      [answerSurvey]: this.createFunction(answerSurvey),
      [ingestMailEvent]: this.createFunction(ingestMailEvent),
      [projectAnswers]: this.createFunction(projectAnswers),
      [escalateCases]: this.createFunction(escalateCases),
      [emitEvents]: this.createFunction(emitEvents),
    };
  }

  private createRunSteps(): Readonly<Record<RunStep, IFunction>> {
    return {
      'open-run': this.createFunction('open-run'),
      'plan-shards': this.createFunction('plan-shards'),
      'measure-shard': this.createFunction('measure-shard'),
      calibrate: this.createFunction('calibrate'),
      'assign-shard': this.createFunction('assign-shard'),
      'review-plan': this.createFunction('review-plan'),
      'begin-apply': this.createFunction('begin-apply'),
      'apply-shard': this.createFunction('apply-shard'),
      'publish-run': this.createFunction('publish-run'),
      'write-report': this.createFunction('write-report'),
      'start-wave': this.createFunction('start-wave'),
      'mail-action-lists': this.createFunction('mail-action-lists'),
      'assert-run-healthy': this.createFunction('assert-run-healthy'),
      'fail-run': this.createFunction('fail-run'),
    };
  }

  private createImportSteps(): Readonly<Record<ImportStep, IFunction>> {
    return {
      'split-import': this.createFunction('split-import'),
      'check-import-range': this.createFunction('check-import-range'),
      'tally-import-ids': this.createFunction('tally-import-ids'),
      'count-absent-customers': this.createFunction('count-absent-customers'),
      'review-import': this.createFunction('review-import'),
      'write-import-range': this.createFunction('write-import-range'),
      'sweep-customers': this.createFunction('sweep-customers'),
      'import-whole-file': this.createFunction('import-whole-file'),
      'finish-import': this.createFunction('finish-import'),
      'fail-import': this.createFunction('fail-import'),
    };
  }

  /** A file that another system puts into the folder of a feed starts its import; the notice may come twice. */
  private importDroppedFiles(imports: StateMachine): void {
    new Rule(this, 'DroppedFiles', {
      description: 'Imports files that are dropped into the folder of a feed',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [this.props.data.workspace.bucketName] },
          object: { key: [{ prefix: `${INCOMING_FOLDER}/` }] },
        },
      },
      targets: [
        new SfnStateMachine(imports, {
          deadLetterQueue: this.deadLetters,
          input: RuleTargetInput.fromObject({
            schema: 1,
            object: {
              key: EventField.fromPath('$.detail.object.key'),
              version: EventField.fromPath('$.detail.object.etag'),
              at: EventField.time,
            },
          }),
        }),
      ],
    });
  }

  private createFunction(name: FunctionName): IFunction {
    const { stage, config, bundled } = this.props;
    const created = new NodeFunction(this, constructIdOf(name), {
      name,
      functionName: `resegment-${stage}-${name}`,
      environment: functionEnvironment(name, this.environmentValues()),
      logRetention: RETENTION[config.logRetentionDays],
      bundled,
      tracing: config.tracing,
    });
    this.functions.push(created.function);
    for (const statement of this.statementsOf(name)) created.role.addToPolicy(statement);
    return created.function;
  }

  private environmentValues(): Readonly<Record<VariableName, () => string>> {
    const { stage, config, data } = this.props;
    const table = (name: TableName) => () => this.table(name).tableName;
    return {
      STAGE: () => stage,
      BUSINESS_TIME_ZONE: () => config.businessTimeZone,
      CURRENCY: () => config.currency,
      BUCKETS: () => String(config.buckets),
      WORKSPACE_BUCKET: () => data.workspace.bucketName,
      [TABLE_VARIABLES.customers]: table('customers'),
      [TABLE_VARIABLES.standings]: table('standings'),
      [TABLE_VARIABLES.contacts]: table('contacts'),
      [TABLE_VARIABLES.invitations]: table('invitations'),
      [TABLE_VARIABLES.answers]: table('answers'),
      [TABLE_VARIABLES.flags]: table('flags'),
      [TABLE_VARIABLES.cases]: table('cases'),
      [TABLE_VARIABLES.runs]: table('runs'),
      SHARDS: () => String(config.shards),
      PLAN_EXPIRES_HOURS: () => String(config.planExpiresHours),
      OPERATOR_ADDRESS: () => config.operatorAddress,
      SURVEY_IDENTITY: () => JSON.stringify(config.identity),
      MAIL_BRAKES: () => JSON.stringify(config.mailBrakes),
      SURVEY_MACHINE_ARN: () => this.surveyArn(),
      PUBLIC_BASE_URL: () => this.pages.baseUrl,
      CONFIGURATION_SET: () => this.mail.configurationSet.configurationSetName,
      LINK_KEY_ID: () => config.linkKeyId,
      KEY_RING_KMS_KEY_ARN: () => data.keyRingKey.keyArn,
      MAIL_RATE_PER_SECOND: () => String(config.mailRatePerSecond),
      MAIL_EVENTS_TOPIC_ARN: () => this.mail.events.topicArn,
      EVENT_BUS: () => this.eventBus.eventBusName,
    };
  }

  /** What `function-access.ts` says of a function, as statements. */
  private statementsOf(name: FunctionName): readonly PolicyStatement[] {
    const { data, config } = this.props;
    const access = FUNCTION_ACCESS[name];
    const tables = TABLES.flatMap((table) => tableStatements(this.table(table).tableArn, access.tables[table] ?? []));
    const folders = Object.entries(access.workspace).map(
      ([folder, kinds]) =>
        new PolicyStatement({
          actions: kinds.map((kind) => FOLDER_ACTIONS[kind]),
          resources: [data.workspace.arnForObjects(`${folder}/*`)],
        }),
    );
    const usage = new PolicyStatement({
      actions: [...USAGE_ACTIONS],
      resources: [this.table('runs').tableArn],
      conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [USAGE_KIND] } },
    });
    const mail = new PolicyStatement({
      actions: ['ses:SendRawEmail'],
      resources: [...this.mail.arns],
      conditions: { StringEquals: { 'ses:FromAddress': config.identity.senderAddress } },
    });
    return [
      ...tables,
      ...(KEEPS_USAGE.has(name) ? [usage] : []),
      ...(tables.length === 0 ? [] : this.tableKeyStatements()),
      ...folders,
      /** Without it S3 says "forbidden" of an object that is not there. */
      ...(folders.length === 0
        ? []
        : [new PolicyStatement({ actions: ['s3:ListBucket'], resources: [data.workspace.bucketArn] })]),
      ...(access.sendsMail ? [mail] : []),
      ...(access.asksMailAccount
        ? [new PolicyStatement({ actions: [...MAIL_ACCOUNT_ACTIONS], resources: ['*'] })]
        : []),
      ...(access.usesKeyRing
        ? [new PolicyStatement({ actions: ['kms:Decrypt'], resources: [data.keyRingKey.keyArn] })]
        : []),
      ...(access.sendsEvents
        ? [new PolicyStatement({ actions: ['events:PutEvents'], resources: [this.eventBus.eventBusArn] })]
        : []),
      ...(access.startsSurveys
        ? [new PolicyStatement({ actions: ['states:StartExecution'], resources: [this.surveyArn()] })]
        : []),
    ];
  }

  /** With a key of the company's own, whoever reads or writes a table must be allowed the key too, through DynamoDB only. */
  private tableKeyStatements(): readonly PolicyStatement[] {
    const { tableKey } = this.props.data;
    if (tableKey === undefined) return [];
    return [
      new PolicyStatement({
        actions: [
          'kms:Decrypt',
          'kms:DescribeKey',
          'kms:Encrypt',
          'kms:GenerateDataKey',
          'kms:GenerateDataKeyWithoutPlaintext',
          'kms:ReEncryptFrom',
          'kms:ReEncryptTo',
        ],
        resources: [tableKey.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${this.region}.${this.urlSuffix}` } },
      }),
    ];
  }

  private createMachine(id: string, name: string, definition: IChainable): StateMachine {
    return new StateMachine(this, id, {
      stateMachineName: `resegment-${this.props.stage}-${name}`,
      definitionBody: DefinitionBody.fromChainable(definition),
      tracingEnabled: this.props.config.tracing,
      logs: {
        destination: new LogGroup(this, `${id}Log`, {
          logGroupName: `/aws/vendedlogs/states/resegment-${this.props.stage}-${name}`,
          retention: RETENTION[this.props.config.logRetentionDays],
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
        includeExecutionData: false,
      },
    });
  }

  private receiveMailEvents(ingest: IFunction): Queue {
    const deadLetters = this.createQueue('MailEventDeadLetters');
    const queue = this.createQueue('MailEventQueue', {
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: DELIVERY_TRIES },
      visibilityTimeout: Duration.seconds(6 * FUNCTION_SIZES['ingest-mail-event'].timeoutSeconds),
    });
    this.mail.events.addSubscription(new SqsSubscription(queue, { deadLetterQueue: deadLetters }));
    ingest.addEventSource(
      new SqsEventSource(queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        // A wave's events would else take all that the account may run at once, and the pages nothing.
        maxConcurrency: this.props.config.mailEventConcurrency,
      }),
    );
    return deadLetters;
  }

  private createSchedules(runs: StateMachine, entries: Readonly<Record<EntryFunction, IFunction>>): void {
    const { monthlyRun, businessTimeZone } = this.props.config;
    new Schedule(this, 'MonthlyRun', {
      enabled: monthlyRun.enabled,
      schedule: ScheduleExpression.cron({
        minute: '0',
        hour: String(monthlyRun.hour),
        day: String(monthlyRun.dayOfMonth),
        timeZone: TimeZone.of(businessTimeZone),
      }),
      target: new StepFunctionsStartExecution(runs, {
        deadLetterQueue: this.deadLetters,
        input: ScheduleTargetInput.fromObject({
          schema: 1,
          trigger: 'schedule',
          mode: 'run',
          scheduledAt: ContextAttribute.scheduledTime,
          by: 'schedule',
        }),
      }),
      timeWindow: TimeWindow.flexible(Duration.minutes(15)),
    });
    this.everyMinute('AnswerSweep', entries['project-answers']);
    this.everyMinute('CaseSweep', entries['escalate-cases']);
    this.everyMinute('EventSweep', entries['emit-events']);
  }

  /** A minute that is lost is made good by the next: what failed is not tried again, and what could not start does not wait. */
  private everyMinute(id: string, sweeper: IFunction): void {
    sweeper.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: SWEEP });
    new Schedule(this, id, {
      schedule: ScheduleExpression.rate(SWEEP),
      target: new LambdaInvoke(sweeper, {
        deadLetterQueue: this.deadLetters,
        retryAttempts: 2,
        maxEventAge: SWEEP,
        input: ScheduleTargetInput.fromObject({}),
      }),
    });
  }

  private createQueue(id: string, more: Partial<ConstructorParameters<typeof Queue>[2]> = {}): Queue {
    return new Queue(this, id, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      ...more,
    });
  }

  private table(name: TableName) {
    const table = this.props.data.tables.get(name);
    if (table === undefined) throw new Error(`table ${name} has no definition in shared/contracts/tables.ts`);
    return table;
  }

  private surveyArn(): string {
    if (this.surveyMachineArn === undefined)
      throw new Error('the survey machine must be made before the steps of a run');
    return this.surveyMachineArn;
  }
}

/** One statement for the table itself, another for its indexes, since listing an index is no right to query the table. */
const tableStatements = (tableArn: string, kinds: readonly TableAccess[]): readonly PolicyStatement[] => {
  const actions = Object.entries(TABLE_ACTIONS).flatMap(([kind, action]) =>
    kinds.some((one) => one === kind) ? [action] : [],
  );
  const indexes = INDEXES.filter((index) => kinds.includes(`list ${index}`)).map(
    (index) => `${tableArn}/index/${index}`,
  );
  return [
    ...(actions.length === 0 ? [] : [new PolicyStatement({ actions, resources: [tableArn] })]),
    ...(indexes.length === 0 ? [] : [new PolicyStatement({ actions: [TABLE_ACTIONS.query], resources: indexes })]),
  ];
};

/** `open-run` is the construct `OpenRun`. */
const constructIdOf = (name: string): string =>
  name
    .split('-')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('');
