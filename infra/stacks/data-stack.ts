import { Aws, CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { TABLE_DEFINITIONS, type TableDefinition } from '#shared/contracts/tables.ts';
import type { TableName } from '#shared/contracts/workflows.ts';
import type { Stage, StageConfig } from '../stage-config.ts';

export interface DataStackProps extends StackProps {
  readonly stage: Stage;
  readonly config: StageConfig;
}

/** What outlives every deployment: the tables, the run workspace and the key of the key ring. Removing the stack keeps all of it. */
export class DataStack extends Stack {
  readonly tables: ReadonlyMap<TableName, TableV2>;
  readonly workspace: Bucket;
  readonly keyRingKey: Key;
  /** The company's own key of the tables, where the stage has one. */
  readonly tableKey: Key | undefined;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    this.tableKey = props.config.customerManagedKey ? this.createTableKey(props.stage) : undefined;
    this.tables = new Map(TABLE_DEFINITIONS.map((table) => [table.name, this.createTable(table, props.stage)]));
    const accessLogs = new Bucket(this, 'AccessLogs', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [{ id: 'logs-expire', expiration: Duration.days(props.config.logRetentionDays) }],
    });
    this.workspace = new Bucket(this, 'Workspace', {
      bucketName: `resegment-${props.stage}-workspace-${Aws.ACCOUNT_ID}-${Aws.REGION}`,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        ...CUSTOMER_FOLDERS.map((folder) => ({
          id: `erased-${folder}-go`,
          prefix: `${folder}/`,
          noncurrentVersionExpiration: Duration.days(1),
        })),
        {
          id: 'replaced-versions-go',
          noncurrentVersionExpiration: Duration.days(props.config.workspaceRetentionDays),
          expiredObjectDeleteMarker: true,
        },
        { id: 'requests-expire', prefix: 'requests/', expiration: Duration.days(REQUEST_DAYS) },
        { id: 'runs-expire', prefix: 'runs/', expiration: Duration.days(props.config.workspaceRetentionDays) },
        { id: 'waves-expire', prefix: 'waves/', expiration: Duration.days(props.config.workspaceRetentionDays) },
        ...FILE_FOLDERS.map((folder) => ({
          id: `${folder}-expire`,
          prefix: `${folder}/`,
          expiration: Duration.days(IMPORTED_FILE_DAYS),
        })),
        { id: 'incomplete-uploads-end', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    });
    this.logAccess(this.workspace, accessLogs);
    this.tellOfObjects(this.workspace);
    this.keyRingKey = new Key(this, 'KeyRingKey', {
      alias: `resegment-${props.stage}-key-ring`,
      description: 'Encrypts the ring of link keys and the key of address hashes',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    new CfnOutput(this, 'WorkspaceBucket', { value: this.workspace.bucketName });
    this.keepExports();
  }

  /**
   * Exports everything that the loop may use, whether it does or not: an export that a new version of the loop no longer needs
   * cannot be removed while the deployed version still imports it, and the deployment would stop there.
   */
  private keepExports(): void {
    for (const table of this.tables.values()) {
      this.exportValue(table.tableName);
      this.exportValue(table.tableArn);
    }
    this.exportValue(this.workspace.bucketName);
    this.exportValue(this.workspace.bucketArn);
    this.exportValue(this.keyRingKey.keyArn);
    if (this.tableKey !== undefined) this.exportValue(this.tableKey.keyArn);
  }

  /** Who read or changed which object when. Written by S3 itself, for the workspace of this account only. */
  private logAccess(workspace: Bucket, logs: Bucket): void {
    const prefix = 'workspace/';
    const settings = workspace.node.defaultChild as CfnBucket;
    settings.loggingConfiguration = { destinationBucketName: logs.bucketName, logFilePrefix: prefix };
    logs.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('logging.s3.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [logs.arnForObjects(`${prefix}*`)],
        conditions: {
          ArnLike: { 'aws:SourceArn': workspace.bucketArn },
          StringEquals: { 'aws:SourceAccount': this.account },
        },
      }),
    );
  }

  /** Tells EventBridge of each object, so that a dropped file is imported. */
  private tellOfObjects(workspace: Bucket): void {
    const settings = workspace.node.defaultChild as CfnBucket;
    settings.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
  }

  private createTableKey(stage: Stage): Key {
    return new Key(this, 'TableKey', {
      alias: `resegment-${stage}-tables`,
      description: 'Encrypts the tables of Resegment',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private createTable(table: TableDefinition, stage: Stage): TableV2 {
    return new TableV2(this, constructIdOf(table.name), {
      tableName: `resegment-${stage}-${table.name}`,
      partitionKey: { name: table.partitionKey, type: AttributeType.STRING },
      ...(table.sortKey === undefined ? {} : { sortKey: { name: table.sortKey, type: AttributeType.STRING } }),
      globalSecondaryIndexes: table.indexes.map((index) => ({
        indexName: index.indexName,
        partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
        sortKey: { name: index.sortKey, type: AttributeType.STRING },
      })),
      ...(table.timeToLive === undefined ? {} : { timeToLiveAttribute: table.timeToLive }),
      billing: Billing.onDemand(),
      ...(this.tableKey === undefined ? {} : { encryption: TableEncryptionV2.customerManagedKey(this.tableKey) }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}

/** Folders whose objects may name customers: what is erased there must not stay as an old version. */
const CUSTOMER_FOLDERS = ['runs', 'waves', 'imports', 'incoming'] as const;
/** Folders of files that were imported, whose rows are the customers' as they came. */
const FILE_FOLDERS = ['imports', 'incoming'] as const;
/** How long such a file, and the rows of it that were rejected, can be looked at. */
const IMPORTED_FILE_DAYS = 7;

/** A list of customers that limits a run is read within minutes. */
const REQUEST_DAYS = 30;

const constructIdOf = (table: TableName): string => `${table.charAt(0).toUpperCase()}${table.slice(1)}Table`;
