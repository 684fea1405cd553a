import { Duration } from 'aws-cdk-lib';
import { Errors, JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';

/**
 * Failures of the Lambda service itself, not of our code. Six retries after at most 1, 2, 4, 8, 16 and 32 s with full
 * jitter: up to 63 s, which outlasts a deployment of the function and a short burst of throttling.
 */
export const LAMBDA_SERVICE_RETRY: RetryProps = {
  errors: [
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.TooManyRequestsException',
  ],
  interval: Duration.seconds(1),
  maxAttempts: 6,
  backoffRate: 2,
  jitterStrategy: JitterType.FULL,
};

/**
 * A step that says that it may succeed later, or that ran out of time. Eight retries after at most 2, 4, 8, 16, 32, 60,
 * 60 and 60 s with full jitter: up to 4 minutes on top of the clients' own five attempts per call.
 */
export const STEP_RETRY: RetryProps = {
  errors: ['RetryableError', Errors.TIMEOUT],
  interval: Duration.seconds(2),
  maxAttempts: 8,
  backoffRate: 2,
  maxDelay: Duration.seconds(60),
  jitterStrategy: JitterType.FULL,
};

/**
 * Waiting for another run that is being applied. A retry each minute, sixty of them: one hour, about as long
 * as 15 M changed standings take at the 4,000 writes per second of a fresh table.
 */
export const APPLY_LOCK_RETRY: RetryProps = {
  errors: ['RetryableError', Errors.TIMEOUT],
  interval: Duration.seconds(60),
  maxAttempts: 60,
  backoffRate: 1,
};
