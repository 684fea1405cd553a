import { Duration } from 'aws-cdk-lib';
import { Errors, JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';

/**
 * Failures of the Lambda service itself, not of our code. Six retries after at most 1, 2, 4, 8, 16 and 32 s with full
 * jitter: up to 63 s, which outlasts a deployment of the function and a short burst of throttling.
 */
export const LAMBDA_SERVICE_RETRY: RetryProps = {
  errors: [
    'Lambda.ClientExecutionTimeoutException',
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
 * A call that ended without an answer of ours: the function ran out of its time (`Sandbox.Timedout`), its process was killed or
 * ended, mostly for lack of memory. `Lambda.Unknown` is the name that Step Functions had for all of these before.
 * Three retries after at most 2, 4 and 8 s with full jitter: what a lost machine or one slow hour did goes well then, and what
 * does not fit into the function fails after four tries, 56 minutes where a call may take 840 s.
 */
export const LOST_CALL_RETRY: RetryProps = {
  errors: ['Sandbox.Timedout', 'Runtime.ExitError', 'Runtime.OutOfMemory', 'Lambda.Unknown'],
  interval: Duration.seconds(2),
  maxAttempts: 3,
  backoffRate: 2,
  jitterStrategy: JitterType.FULL,
};

/**
 * A step that says that it may succeed later, or of which Step Functions heard nothing within its time. Eight retries after at most 2, 4, 8, 16, 32, 60,
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
