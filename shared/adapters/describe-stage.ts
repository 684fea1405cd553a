import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PermanentError } from '../errors.ts';

/**
 * Account and region in which a table lies, read from its ARN: what the caller's credentials really reach.
 *
 * @throws PermanentError `stage-not-reached` where the table does not exist or may not be described
 */
export const placeOfTable = async (
  client: DynamoDBClient,
  table: string,
): Promise<{ readonly account: string; readonly region: string }> => {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    const [, , , region, account] = (Table?.TableArn ?? '').split(':');
    if (region === undefined || account === undefined) throw new Error('its ARN names no region and account');
    return { account, region };
  } catch (cause) {
    throw new PermanentError(
      'stage-not-reached',
      `table ${table} cannot be described: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause, hint: 'see that the stage is deployed, and which account and region your AWS profile reaches' },
    );
  }
};
