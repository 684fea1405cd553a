import { DescribeTableCommand, type DynamoDBClient, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { PermanentError } from '../errors.ts';

/** What to do where a table does not say where it is. */
const hintFor = (cause: unknown, region: string): string => {
  if (cause instanceof ResourceNotFoundException)
    return `the account of your credentials has no such stage in ${region}: aws sts get-caller-identity shows which account that is; npm run deploy makes the stage`;
  if (cause instanceof Error && cause.name === 'CredentialsProviderError')
    return 'sign in as for the AWS CLI, or set AWS_PROFILE; aws sts get-caller-identity must show the account of the stage';
  return 'see that aws sts get-caller-identity shows the account of the stage, and that you may describe its tables';
};

/**
 * Partition (`aws`, `aws-us-gov`) and account in which a table lies, read from its ARN: what the caller's credentials really reach.
 *
 * @throws PermanentError `stage-not-reached` where the table does not exist or may not be described
 */
export const placeOfTable = async (
  client: DynamoDBClient,
  table: string,
): Promise<{ readonly partition: string; readonly account: string }> => {
  const region = await client.config.region();
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    const [, partition, , , account] = (Table?.TableArn ?? '').split(':');
    if (partition === undefined || account === undefined) throw new Error('its ARN names no account');
    return { partition, account };
  } catch (cause) {
    throw new PermanentError(
      'stage-not-reached',
      `table ${table} cannot be described in ${region}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause, hint: hintFor(cause, region) },
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
