import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { PermanentError } from '../errors.ts';

/**
 * Partition (`aws`, `aws-us-gov`), account and region in which a table lies, read from its ARN: what the caller's credentials really reach.
 *
 * @throws PermanentError `stage-not-reached` where the table does not exist or may not be described
 */
export const placeOfTable = async (
  client: DynamoDBClient,
  table: string,
): Promise<{ readonly partition: string; readonly account: string; readonly region: string }> => {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    const [, partition, , region, account] = (Table?.TableArn ?? '').split(':');
    if (partition === undefined || region === undefined || account === undefined)
      throw new Error('its ARN names no region and account');
    return { partition, account, region };
  } catch (cause) {
    throw new PermanentError(
      'stage-not-reached',
      `table ${table} cannot be described: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause, hint: 'see that the stage is deployed, and which account and region your AWS profile reaches' },
    );
  }
};

/**
 * Who calls, as AWS knows it: the ARN of the user, or of the role with its session's name. It cannot be chosen by the caller.
 *
 * @throws PermanentError `caller-unknown` without credentials that AWS accepts
 */
export const callerOf = async (region: string, client: STSClient = new STSClient({ region })): Promise<string> => {
  try {
    const { Arn } = await client.send(new GetCallerIdentityCommand({}));
    if (Arn === undefined) throw new Error('AWS names no caller');
    return Arn;
  } catch (cause) {
    throw new PermanentError(
      'caller-unknown',
      `AWS does not say who you are: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause, hint: 'sign in again, and see that aws sts get-caller-identity shows you' },
    );
  } finally {
    client.destroy();
  }
};
