/** Millionths of a US dollar; whole numbers or fractions. */
export type MicroUsd = number;

/** Prices of one thing each, in millionths of a US dollar. */
export interface PriceTable {
  /** The day on which they were read. */
  readonly readOn: string;
  readonly region: string;
  readonly dynamoReadUnit: MicroUsd;
  readonly dynamoWriteUnit: MicroUsd;
  readonly lambdaGbSecond: MicroUsd;
  readonly lambdaRequest: MicroUsd;
  readonly stateTransition: MicroUsd;
  readonly s3Write: MicroUsd;
  readonly s3Read: MicroUsd;
  readonly mail: MicroUsd;
  readonly snsDelivery: MicroUsd;
  readonly sqsRequest: MicroUsd;
  readonly apiRequest: MicroUsd;
}

/**
 * On-demand prices of US East (N. Virginia), as AWS's price lists of the services had them: DynamoDB $0.125 and $0.625 per
 * million units, Lambda on ARM $0.0000133334 per GB-second and $0.20 per million requests, Step Functions $0.025 per 1,000
 * transitions, S3 $0.005 and $0.0004 per 1,000 requests, SES $0.10 per 1,000 mails, SNS to SQS free, SQS $0.40 and HTTP API $1.00
 * per million. Other regions cost up to twice as much; taxes, storage and free tiers are left out.
 */
export const PRICES: PriceTable = {
  readOn: '2026-11-25',
  region: 'us-east-1',
  dynamoReadUnit: 0.125,
  dynamoWriteUnit: 0.625,
  lambdaGbSecond: 13.3334,
  lambdaRequest: 0.2,
  stateTransition: 25,
  s3Write: 5,
  s3Read: 0.4,
  mail: 100,
  snsDelivery: 0,
  sqsRequest: 0.4,
  apiRequest: 1,
};
