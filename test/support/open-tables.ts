import { DeleteTableCommand, type DynamoDBClient, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { createTables, startDatabase } from '#local/database.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';

export interface OpenTables {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  close(): Promise<void>;
}

/**
 * All tables, empty; physical names are the logical ones. In a database in memory of their own, or in the one that a judge names
 * in `RESEGMENT_JUDGE_DYNAMODB` (see test/judges), where tables of a test file before are made anew.
 */
export const openTables = async (): Promise<OpenTables> => {
  const judge = process.env['RESEGMENT_JUDGE_DYNAMODB'];
  const database = judge === undefined ? await startDatabase() : await judgeDatabase(judge);
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

const judgeDatabase = async (endpoint: string) => {
  const client = dynamoClient({ endpoint });
  for (const { name } of TABLE_DEFINITIONS) {
    await client.send(new DeleteTableCommand({ TableName: name })).catch((error: unknown) => {
      if (!(error instanceof ResourceNotFoundException)) throw error;
    });
  }
  client.destroy();
  return { endpoint, stop: async () => undefined };
};
