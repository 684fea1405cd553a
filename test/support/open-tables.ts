import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTables, startDatabase } from '#local/database.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';

export interface OpenTables {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  close(): Promise<void>;
}

/** All tables, empty, in a database in memory; physical names are the logical ones. */
export const openTables = async (): Promise<OpenTables> => {
  const database = await startDatabase();
  await createTables(
    database.endpoint,
    TABLE_DEFINITIONS.map((table) => tableProperties(table, table.name)),
  );
  const client = dynamoClient({ endpoint: database.endpoint });
  return {
    client,
    endpoint: database.endpoint,
    close: async () => {
      client.destroy();
      await database.stop();
    },
  };
};
