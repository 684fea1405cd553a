import { Aws, CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
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

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    this.tables = new Map(TABLE_DEFINITIONS.map((table) => [table.name, this.createTable(table, props.stage)]));
    this.workspace = new Bucket(this, 'Workspace', {
      bucketName: `resegment-${props.stage}-workspace-${Aws.ACCOUNT_ID}-${Aws.REGION}`,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        { id: 'runs-expire', prefix: 'runs/', expiration: Duration.days(props.config.workspaceRetentionDays) },
        { id: 'waves-expire', prefix: 'waves/', expiration: Duration.days(props.config.workspaceRetentionDays) },
        { id: 'incomplete-uploads-end', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    });
    this.keyRingKey = new Key(this, 'KeyRingKey', {
      alias: `resegment-${props.stage}-key-ring`,
      description: 'Encrypts the ring of link keys and the key of address hashes',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    new CfnOutput(this, 'WorkspaceBucket', { value: this.workspace.bucketName });
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
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}

const constructIdOf = (table: TableName): string => `${table.charAt(0).toUpperCase()}${table.slice(1)}Table`;
