import {
  GetAccountSendingEnabledCommand,
  GetSendQuotaCommand,
  GetSendStatisticsCommand,
  SESClient,
  type SESClientConfig,
  SendRawEmailCommand,
} from '@aws-sdk/client-ses';
import { countUsage } from '#shared/adapters/usage-meter.ts';
import { RetryableError } from '#shared/errors.ts';
import type { MailSender, SendOutcome } from '#shared/ports/mail-sender.ts';

export interface SesMailSenderOptions {
  readonly client: SESClient;
  /** Configuration set whose event destination reports deliveries, bounces and complaints. */
  readonly configurationSet: string;
}

/** GetSendStatistics gives points of 15 minutes over the last two weeks. */
const STATISTICS_DAYS = 14;
const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Makes the one SES client that may send. It never retries: with the default three attempts, a lost reply sends the
 * same mail three times, since SES v1 knows no idempotency key. `maxAttempts` can therefore not be configured.
 */
export const newSesClient = (
  config: Omit<SESClientConfig, 'maxAttempts' | 'requestHandler'> & { readonly requestTimeoutMs?: number } = {},
): SESClient => {
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS, ...rest } = config;
  return new SESClient({
    ...rest,
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  });
};

/** Sends through the SES v1 API: SendRawEmail with one explicit destination, configuration set and tags. */
export const sesMailSender = ({ client, configurationSet }: SesMailSenderOptions): MailSender => ({
  send: async (mail) => {
    try {
      const reply = await client.send(
        new SendRawEmailCommand({
          Source: mail.from,
          Destinations: [mail.to],
          RawMessage: { Data: mail.raw },
          ConfigurationSetName: configurationSet,
          Tags: Object.entries(mail.tags).map(([Name, Value]) => ({ Name, Value })),
        }),
      );
      countUsage('mails');
      return reply.MessageId === undefined
        ? { kind: 'unknown', reason: 'NoMessageId: the reply was a success without a message id' }
        : { kind: 'accepted', messageId: reply.MessageId };
    } catch (error) {
      return classifySesError(error);
    }
  },
  quota: async () => {
    try {
      const reply = await client.send(new GetSendQuotaCommand({}));
      if (reply.Max24HourSend === undefined || reply.MaxSendRate === undefined)
        throw new Error('the reply has no quota');
      return {
        max24h: reply.Max24HourSend,
        maxPerSecond: reply.MaxSendRate,
        sentLast24h: reply.SentLast24Hours ?? 0,
      };
    } catch (error) {
      throw new RetryableError('quota-unknown', `SES gave no sending quota: ${reasonOf(facts(error))}`, {
        cause: error,
      });
    }
  },
  reputation: async () => {
    try {
      const [enabled, statistics] = await Promise.all([
        client.send(new GetAccountSendingEnabledCommand({})),
        client.send(new GetSendStatisticsCommand({})),
      ]);
      const points = statistics.SendDataPoints ?? [];
      const sum = (of: (point: (typeof points)[number]) => number | undefined): number =>
        points.reduce((total, point) => total + (of(point) ?? 0), 0);
      return {
        sendingEnabled: enabled.Enabled ?? true,
        attempts: sum((point) => point.DeliveryAttempts),
        bounces: sum((point) => point.Bounces),
        complaints: sum((point) => point.Complaints),
        rejects: sum((point) => point.Rejects),
        days: STATISTICS_DAYS,
      };
    } catch (error) {
      throw new RetryableError('reputation-unknown', `SES gave no reputation: ${reasonOf(facts(error))}`, {
        cause: error,
      });
    }
  },
});

/** Codes that mean: no mail of this account can be sent until a person changes something. */
const PAUSED = new Set([
  'AccountSendingPausedException',
  'ConfigurationSetSendingPausedException',
  'ConfigurationSetDoesNotExist',
  'ConfigurationSetDoesNotExistException',
  'AccessDenied',
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'OptInRequired',
  'ProductionAccessNotGrantedException',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);

const THROTTLED = new Set(['Throttling', 'ThrottlingException', 'TooManyRequestsException', 'LimitExceededException']);

/** The request never left: name resolution, connecting and the TLS handshake come before it. */
const NEVER_CONNECTED = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
]);

const TLS_CODE = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/u;

/**
 * Says what an error of SendRawEmail proves. Only a reply of class 4xx, or a failure before the request was written,
 * proves that the mail was not accepted; a timeout, a reset or a 5xx proves nothing.
 */
export const classifySesError = (error: unknown): Exclude<SendOutcome, { kind: 'accepted' }> => {
  const seen = facts(error);
  const reason = reasonOf(seen);
  if (PAUSED.has(seen.name)) return { kind: 'notAccepted', retryable: true, reason, brake: 'paused' };
  if (THROTTLED.has(seen.name) || seen.status === 429) {
    return /daily (message )?quota/iu.test(seen.message)
      ? { kind: 'notAccepted', retryable: true, reason, brake: 'dailyQuota' }
      : { kind: 'notAccepted', retryable: true, reason };
  }
  if (
    seen.name === 'MessageRejected' &&
    /sending (suspended|paused)|account is (suspended|paused)/iu.test(seen.message)
  ) {
    return { kind: 'notAccepted', retryable: true, reason, brake: 'paused' };
  }
  if (seen.status === undefined) {
    const neverSent =
      NEVER_CONNECTED.has(seen.code) ||
      TLS_CODE.test(seen.code) ||
      seen.syscall === 'connect' ||
      /without establishing a connection/iu.test(seen.message);
    return neverSent ? { kind: 'notAccepted', retryable: true, reason } : { kind: 'unknown', reason };
  }
  if (seen.name === 'RequestExpired') return { kind: 'notAccepted', retryable: true, reason };
  if (seen.status >= 400 && seen.status < 500 && seen.status !== 408) {
    return { kind: 'notAccepted', retryable: false, reason };
  }
  return { kind: 'unknown', reason };
};

interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  /** Code of a system error such as `ECONNRESET`; empty if none. */
  readonly code: string;
  readonly syscall: string;
  /** HTTP status of a reply; undefined where none came. */
  readonly status: number | undefined;
}

const facts = (error: unknown): ErrorFacts => {
  const text = (value: unknown, key: string): string => {
    const found = field(value, key);
    return typeof found === 'string' ? found : '';
  };
  const status = field(field(error, '$metadata'), 'httpStatusCode');
  const cause = field(error, 'cause');
  return {
    name: text(error, 'name') || 'Error',
    message: text(error, 'message'),
    code: text(error, 'code') || text(cause, 'code'),
    syscall: text(error, 'syscall') || text(cause, 'syscall'),
    status: typeof status === 'number' ? status : undefined,
  };
};

const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;

/** The code and the message without the addresses that SES likes to quote. */
const reasonOf = ({ name, code, message }: ErrorFacts): string => {
  const label = code === '' || code === name ? name : `${name} ${code}`;
  return `${label}: ${message.replaceAll(/[^\s<>:,;"'()]+@[^\s<>:,;"'()]+/gu, '[address]')}`.slice(0, 300);
};
