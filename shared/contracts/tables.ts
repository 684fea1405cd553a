import type { TableName } from './workflows.ts';

/** A sparse index: an item is in it only while it has the key attributes. */
export interface IndexDefinition {
  readonly indexName: string;
  readonly partitionKey: string;
  readonly sortKey: string;
}

/** Keys of one table. All key attributes are strings. */
export interface TableDefinition {
  readonly name: TableName;
  readonly partitionKey: string;
  readonly sortKey?: string;
  readonly indexes: readonly IndexDefinition[];
  /** Attribute with the second from which an item is no longer kept; the database deletes it some time later. */
  readonly timeToLive?: 'expiresAt';
}

/** Items on which events wait that are to leave the product. */
const OUTBOX_INDEX: IndexDefinition = { indexName: 'outbox', partitionKey: 'outbox', sortKey: 'outboxSince' };

/** The eight tables; `infra` and the local stack make the same ones from this. Key shapes: `shared/adapters/table-keys.ts`. */
export const TABLE_DEFINITIONS: readonly TableDefinition[] = [
  { name: 'customers', partitionKey: 'bucket', sortKey: 'subject', indexes: [] },
  { name: 'standings', partitionKey: 'bucket', sortKey: 'subject', indexes: [] },
  { name: 'contacts', partitionKey: 'addressKey', indexes: [] },
  { name: 'invitations', partitionKey: 'invitationId', indexes: [], timeToLive: 'expiresAt' },
  {
    name: 'answers',
    partitionKey: 'answerId',
    indexes: [{ indexName: 'pending', partitionKey: 'pending', sortKey: 'pendingSince' }, OUTBOX_INDEX],
    timeToLive: 'expiresAt',
  },
  {
    name: 'flags',
    partitionKey: 'subject',
    sortKey: 'kind',
    indexes: [{ indexName: 'open', partitionKey: 'open', sortKey: 'raised' }, OUTBOX_INDEX],
  },
  {
    name: 'cases',
    partitionKey: 'caseId',
    indexes: [{ indexName: 'open', partitionKey: 'open', sortKey: 'due' }, OUTBOX_INDEX],
    timeToLive: 'expiresAt',
  },
  { name: 'runs', partitionKey: 'kind', sortKey: 'id', indexes: [] },
];

/** Properties of `AWS::DynamoDB::Table` that both CloudFormation and CreateTable know. */
export interface TableProperties {
  readonly TableName: string;
  readonly BillingMode: 'PAY_PER_REQUEST';
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[];
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: 'S' }[];
  readonly GlobalSecondaryIndexes?: readonly {
    readonly IndexName: string;
    readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[];
    readonly Projection: { readonly ProjectionType: 'ALL' };
  }[];
}

/** A definition in CloudFormation's words. @param tableName the physical name */
export const tableProperties = (definition: TableDefinition, tableName: string): TableProperties => {
  const attributes = new Set([definition.partitionKey]);
  if (definition.sortKey !== undefined) attributes.add(definition.sortKey);
  for (const index of definition.indexes) attributes.add(index.partitionKey).add(index.sortKey);
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: keySchema(definition.partitionKey, definition.sortKey),
    AttributeDefinitions: [...attributes].map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
    ...(definition.indexes.length === 0
      ? {}
      : {
          GlobalSecondaryIndexes: definition.indexes.map((index) => ({
            IndexName: index.indexName,
            KeySchema: keySchema(index.partitionKey, index.sortKey),
            Projection: { ProjectionType: 'ALL' as const },
          })),
        }),
  };
};

const keySchema = (partitionKey: string, sortKey: string | undefined): TableProperties['KeySchema'] => [
  { AttributeName: partitionKey, KeyType: 'HASH' },
  ...(sortKey === undefined ? [] : [{ AttributeName: sortKey, KeyType: 'RANGE' as const }]),
];

/** Kind in table `runs` of what steps used: `USAGE / 2026-05-monthly#measure-shard`. Steps may update these items only. */
export const USAGE_KIND = 'USAGE';
