/** One mail, for one recipient. */
export interface OutgoingMail {
  /** The whole MIME message, 7-bit. */
  readonly raw: Uint8Array;
  /** Envelope sender: an address, or `name <address>` in ASCII. */
  readonly from: string;
  /** Envelope recipient: the bare address. */
  readonly to: string;
  /** Tags that come back with every event of this mail. Names and values: ASCII letters, digits, `_`, `-`; never personal. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * What is known after one attempt. `notAccepted` is proven: the mail does not exist. `unknown` may be either, and such a
 * mail is never sent again by itself.
 */
export type SendOutcome =
  | { readonly kind: 'accepted'; readonly messageId: string }
  | {
      readonly kind: 'notAccepted';
      /** Whether the same mail may be tried again later. */
      readonly retryable: boolean;
      /** A code and a short text without addresses. */
      readonly reason: string;
      /** Set where no other mail can succeed either: the wave must stop sending. */
      readonly brake?: 'dailyQuota' | 'paused';
    }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface SendQuota {
  /** Recipients in 24 hours; -1 is without limit. */
  readonly max24h: number;
  readonly maxPerSecond: number;
  readonly sentLast24h: number;
}

/** What the mail service knows of the account's mails. */
export interface SendReputation {
  /** False where somebody, or the mail service, switched the account's sending off. */
  readonly sendingEnabled: boolean;
  /** Mails over the last `days` days, as far as the service tells. */
  readonly attempts: number;
  readonly bounces: number;
  readonly complaints: number;
  readonly rejects: number;
  readonly days: number;
}

/** The account that sends mail. One call of `send` is one request on the wire. */
export interface MailSender {
  /** Never throws for what the mail service or the network does; the outcome says it. */
  send(mail: OutgoingMail): Promise<SendOutcome>;
  /** At most one call a second. @throws RetryableError where the service gives no answer */
  quota(): Promise<SendQuota>;
  /** Counts of the last two weeks. @throws RetryableError where the service gives no answer */
  reputation?(): Promise<SendReputation>;
}
