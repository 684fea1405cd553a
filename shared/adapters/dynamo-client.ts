import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { mapConcurrently } from '../concurrently.ts';
import { isResegmentError, PermanentError, type ResegmentError, RetryableError } from '../errors.ts';
import { countUsage, isMetered } from './usage-meter.ts';

export interface DynamoClientOptions {
  /** A local endpoint; absent on AWS. With one, credentials need not exist. */
  readonly endpoint?: string;
  readonly region?: string;
  /** Attempts per call in all, the first included. The workflow's retries come on top of these. */
  readonly maxAttempts?: number;
  /** Connections at once. */
  readonly maxSockets?: number;
}

export type Item = Record<string, AttributeValue>;

/**
 * A DynamoDB client that costs little per item.
 *
 * The SDK makes a redacted copy of every response for its logger, four times the cost of parsing, unless the logger has
 * no `info` method; so it gets one without.
 */
export const dynamoClient = (options: DynamoClientOptions = {}): DynamoDBClient => {
  const endpoint = options.endpoint ?? process.env['AWS_ENDPOINT_URL_DYNAMODB'];
  const local = endpoint !== undefined && /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]?/.test(endpoint);
  const client = new DynamoDBClient({
    maxAttempts: options.maxAttempts ?? 5,
    logger: quietLogger(),
    requestHandler: {
      connectionTimeout: 3_000,
      requestTimeout: 30_000,
      httpAgent: { keepAlive: true, maxSockets: options.maxSockets ?? 64 },
      httpsAgent: { keepAlive: true, maxSockets: options.maxSockets ?? 64 },
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(options.region !== undefined
      ? { region: options.region }
      : local
        ? { region: process.env['AWS_REGION'] ?? 'us-east-1' }
        : {}),
    ...(local
      ? { credentials: { accessKeyId: 'local', secretAccessKey: 'local' }, signer: { sign: withoutSignature } }
      : {}),
  });
  countUnits(client);
  return client;
};

const READS = new Set(['GetItemCommand', 'BatchGetItemCommand', 'QueryCommand', 'ScanCommand']);
const WRITES = new Set([
  'PutItemCommand',
  'UpdateItemCommand',
  'DeleteItemCommand',
  'BatchWriteItemCommand',
  'TransactWriteItemsCommand',
]);

/** Counts the units that DynamoDB says it billed, where somebody meters. A condition that fails is billed as a write of one. */
const countUnits = (client: DynamoDBClient): void => {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const reads = READS.has(commandName);
        if (!isMetered() || !(reads || WRITES.has(commandName))) return next(args);
        try {
          const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
          const units = unitsOf(result.output);
          if (reads) countUsage('halfReadUnits', Math.round(units * 2));
          else countUsage('writeUnits', Math.ceil(units));
          return result;
        } catch (error) {
          if (error instanceof ConditionalCheckFailedException) countUsage('writeUnits');
          throw error;
        }
      },
    { step: 'initialize', name: 'countUnits' },
  );
};

/** Sum of the units of a reply; one table's, or several tables'. */
const unitsOf = (output: object): number => {
  const consumed: unknown = 'ConsumedCapacity' in output ? output.ConsumedCapacity : undefined;
  return (Array.isArray(consumed) ? consumed : [consumed]).reduce(
    (sum: number, one: unknown) =>
      typeof one === 'object' && one !== null && 'CapacityUnits' in one && typeof one.CapacityUnits === 'number'
        ? sum + one.CapacityUnits
        : sum,
    0,
  );
};

/**
 * A local database looks at the form of the Authorization header and checks no signature; computing one would be a sixth of
 * all time that the local stack spends.
 */
const withoutSignature = async <T extends { headers: Record<string, string> }>(request: T): Promise<T> => {
  request.headers['x-amz-date'] = '20260101T000000Z';
  request.headers['authorization'] =
    'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0';
  return request;
};

const quietLogger = () => {
  const ignore = (): void => undefined;
  return Object.assign(Object.create(null), { trace: ignore, debug: ignore, warn: ignore, error: ignore });
};

const RETRYABLE = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'LimitExceededException',
  'InternalServerError',
  'ServiceUnavailable',
  'TransactionConflictException',
  'TimeoutError',
  'AbortError',
]);
const PERMANENT = new Set([
  'ValidationException',
  'ResourceNotFoundException',
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'ItemCollectionSizeLimitExceededException',
  'ExpiredTokenException',
  'CredentialsProviderError',
]);

/** Whether a write was refused by its condition. */
export const isConditionFailure = (error: unknown): boolean => error instanceof ConditionalCheckFailedException;

/**
 * The SDK's errors in our three names; ours pass unchanged. What is not known may succeed later: `unclassified`.
 *
 * @param operation what was attempted, for the message: `put customer`
 */
export const toStoreError = (operation: string, error: unknown): ResegmentError => {
  if (isResegmentError(error)) return error;
  const name = error instanceof Error ? error.name : 'unknown';
  const text = error instanceof Error ? error.message : String(error);
  const message = `DynamoDB could not ${operation}: ${name}: ${text}`;
  if (PERMANENT.has(name)) return new PermanentError('store-refused', message, { cause: error });
  const code = RETRYABLE.has(name) || isNetworkFailure(error) ? 'store-unavailable' : 'unclassified';
  return new RetryableError(code, message, { cause: error });
};

const isNetworkFailure = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(E[A-Z]+|UND_.*)$/.test(error.code);

/** Runs one call and gives its failure our name. */
export const attempt = async <T>(operation: string, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    throw toStoreError(operation, error);
  }
};

/** Runs a conditional write. @returns false where the condition refused it */
export const attemptIf = async (operation: string, call: () => Promise<unknown>): Promise<boolean> => {
  try {
    await call();
    return true;
  } catch (error) {
    if (isConditionFailure(error)) return false;
    throw toStoreError(operation, error);
  }
};

const BATCH_GET_LIMIT = 100;
const BATCH_GET_TRIES = 8;

/**
 * Reads items by key, 100 per call, several calls at once; what the service left unprocessed is asked for again.
 * Items that do not exist are simply absent. Order is not kept.
 */
export const batchGet = async (
  client: DynamoDBClient,
  table: string,
  keys: readonly Item[],
  options: { readonly consistent?: boolean; readonly projection?: readonly string[] } = {},
): Promise<readonly Item[]> => {
  const pages: (readonly Item[])[] = [];
  for (let from = 0; from < keys.length; from += BATCH_GET_LIMIT) pages.push(keys.slice(from, from + BATCH_GET_LIMIT));
  const results = await mapConcurrently(pages, 8, (page) => batchGetPage(client, table, page, options));
  return results.flat();
};

const batchGetPage = async (
  client: DynamoDBClient,
  table: string,
  keys: readonly Item[],
  options: { readonly consistent?: boolean; readonly projection?: readonly string[] },
): Promise<readonly Item[]> => {
  const found: Item[] = [];
  let missing: Item[] = [...keys];
  for (let tries = 0; missing.length > 0; tries += 1) {
    if (tries === BATCH_GET_TRIES) {
      throw new RetryableError(
        'store-unavailable',
        `DynamoDB left ${missing.length} of ${keys.length} reads unprocessed`,
      );
    }
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 50 * 2 ** tries));
    const Keys = missing;
    const answer = await attempt('read a batch', () =>
      client.send(
        new BatchGetItemCommand({
          RequestItems: {
            [table]: {
              Keys,
              ...(options.consistent === true ? { ConsistentRead: true } : {}),
              ...(options.projection === undefined
                ? {}
                : {
                    ProjectionExpression: options.projection.map((_, index) => `#p${index}`).join(', '),
                    ExpressionAttributeNames: Object.fromEntries(
                      options.projection.map((name, index) => [`#p${index}`, name]),
                    ),
                  }),
            },
          },
        }),
      ),
    );
    found.push(...(answer.Responses?.[table] ?? []));
    missing = answer.UnprocessedKeys?.[table]?.Keys ?? [];
  }
  return found;
};
