import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoCustomers } from '#shared/adapters/dynamo-customers.ts';
import { dynamoFlags } from '#shared/adapters/dynamo-flags.ts';
import { dynamoPointer } from '#shared/adapters/dynamo-pointer.ts';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { dynamoStandings } from '#shared/adapters/dynamo-standings.ts';
import { parquetRunFiles } from '#shared/adapters/parquet-run-files.ts';
import type { TableNames } from '#shared/adapters/table-keys.ts';
import { RunRecord } from '#shared/contracts/run-record.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';

/** What differs between an account and the local stack: everything else is built the same from it. */
export interface StoreParts {
  readonly dynamo: DynamoDBClient;
  readonly tables: TableNames;
  /** Number of key partitions; fixed for the life of a stage. */
  readonly buckets: number;
  readonly subjectSource: (customerId: string) => string;
  readonly objects: ObjectStore;
}

/** The stores that runs, imports and the operator's tool share. */
export const storesFrom = ({ dynamo: client, tables, buckets, subjectSource, objects }: StoreParts) => ({
  customers: dynamoCustomers({ client, table: tables.customers, buckets, subjectSource }),
  standings: dynamoStandings({ client, table: tables.standings, buckets }),
  pointer: dynamoPointer({ client, table: tables.runs }),
  runs: dynamoRecords({ client, table: tables.runs, kind: 'RUN', schema: RunRecord }),
  flags: dynamoFlags({ client, table: tables.flags }),
  files: parquetRunFiles(objects),
  objects,
});
export type Stores = ReturnType<typeof storesFrom>;
