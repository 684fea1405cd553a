import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import * as z from 'zod/mini';
import { PermanentError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import { INBOX_HEADERS, inboxPage, MAIL_BODY_HEADERS, mailBody, mailPage, notFoundPage } from './inbox-page.ts';
import { listenOn } from './listen.ts';
import { type Random, seededRandom } from './random.ts';

/** One accepted mail without its body: what its `.json` file holds. */
const MailEnvelope = z.object({
  /** Number of the mail; the name of its files. Grows by one, never used twice. */
  id: z.number(),
  messageId: z.string(),
  /** Business time at which the mail was accepted. */
  sentAt: z.string(),
  source: z.string(),
  /** The one recipient's bare address. */
  to: z.string(),
  destinations: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
  configurationSet: z.nullable(z.string()),
  subject: z.string(),
  /** BCP 47 tag from Content-Language or the HTML's `lang`; empty if neither says. */
  language: z.string(),
  bytes: z.number(),
});
export type MailEnvelope = z.infer<typeof MailEnvelope>;

/** An accepted mail with its raw message, which is read from disk when it is asked for. */
export type StoredMail = MailEnvelope & { readonly raw: Uint8Array };

export const FAULT_KINDS = [
  'throttle',
  'dailyQuota',
  'loseReply',
  'reset',
  '500',
  'reject',
  'paused',
  'mailFromDomain',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * A way to fail on purpose, for the next `next` mails or with `probability` (0..1) drawn from `seed`. `loseReply` keeps
 * the mail and cuts the connection; `reset` cuts it and keeps nothing; the rest are replies of SES.
 */
const Fault = z.union([
  z.strictObject({ kind: z.enum(FAULT_KINDS), next: z.int().check(z.minimum(1)) }),
  z.strictObject({
    kind: z.enum(FAULT_KINDS),
    probability: z.number().check(z.minimum(0), z.maximum(1)),
    seed: z.int(),
  }),
]);
export type Fault = z.infer<typeof Fault>;

/** What the account may send from now on; what is not named stays. Gone with the process. */
const Quota = z.strictObject({
  max24h: z.optional(z.int().check(z.minimum(0))),
  maxPerSecond: z.optional(z.number().check(z.gt(0))),
  sendingEnabled: z.optional(z.boolean()),
});

/** What Lambda receives from the queue of mail events: records whose body is an SNS notification. */
export interface MailEventEnvelope {
  readonly Records: readonly {
    readonly messageId: string;
    readonly receiptHandle: string;
    readonly body: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly messageAttributes: Readonly<Record<string, never>>;
    readonly md5OfBody: string;
    readonly eventSource: 'aws:sqs';
    readonly eventSourceARN: string;
    readonly awsRegion: string;
  }[];
}

export interface MailServerOptions {
  /** Folder of this server; mails go to `mails/` in it. */
  readonly dataDir: string;
  /** Wanted port, the next free one if it is taken; 0, the default, takes any. */
  readonly port?: number;
  /** Addresses, or domains without `@`, that may send. */
  readonly verifiedSenders: readonly string[];
  /** Mails in any second of real time; default 14. */
  readonly maxPerSecond?: number;
  /** Mails in 24 hours of business time; default 50,000. */
  readonly max24h?: number;
  /** Known configuration sets; any name is known if absent. */
  readonly configurationSets?: readonly string[];
  /** Topic named in events. */
  readonly topicArn?: string;
  /** Shares of addresses whose mails come back or are complained about; none by default. Always the same addresses. */
  readonly trouble?: MailTrouble;
  /** Whether the account may send; a real one is switched off by its owner or by the mail service. Default true. */
  readonly sendingEnabled?: boolean;
  /** Called for each event, as the queue would call the function. A rejection is tried again, three times in all. */
  readonly onEvent?: (envelope: MailEventEnvelope) => unknown;
  readonly clock: Clock;
}

export interface MailTrouble {
  /** 0..1 of all addresses. */
  readonly bounceShare: number;
  /** 0..1 of all addresses, other ones than those that bounce. */
  readonly complaintShare: number;
}

/** What becomes of a mail once it is accepted, as at the mailbox simulator of SES. */
export type MailFate = 'success' | 'bounce' | 'complaint' | 'suppressionlist' | 'ooto';

export interface MailServer {
  /** Base address of the API and of the inbox. */
  readonly url: string;
  /** Address of the inbox page of one mail. */
  mailUrl(id: number): string;
  /** Accepted mails, oldest first. `to` must be equal; `tags` must all be there. */
  mails(filter?: MailFilter): readonly StoredMail[];
  /** One mail with its raw message. @throws PermanentError `mail-unknown` */
  read(id: number): Promise<StoredMail>;
  /** What becomes of mails to an address. */
  fateOf(address: string): MailFate;
  /** SendRawEmail requests since the start, refused ones included. */
  sendRequests(): number;
  setFault(fault: Fault): void;
  clearFaults(): void;
  /** Delivers the events that an earlier process or a failing consumer left over, and waits until all are delivered. */
  flushEvents(): Promise<void>;
  /** Closes the port and waits for events under way. */
  stop(): Promise<void>;
}

export interface MailFilter {
  readonly to?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Region, account and topic that the local stack pretends to. */
const REGION = 'us-east-1';
const ACCOUNT = '000000000000';
export const LOCAL_MAIL_TOPIC_ARN = `arn:aws:sns:${REGION}:${ACCOUNT}:resegment-mail-events`;

const DAY_MS = 86_400_000;
/** SES v1 takes 10 MB of MIME; base64 and URL encoding make it longer. */
const MAX_BODY_BYTES = 16_000_000;
const EVENT_TRIES = 3;
/** Mails whose events are delivered at once. */
const EVENT_CONSUMERS = 8;

/**
 * A mail server for one machine that speaks the part of the SES v1 API that the product uses. Each accepted mail is on
 * disk, with its envelope, before the reply goes out. It listens on 127.0.0.1 only and delivers nothing to anybody.
 */
export const startMailServer = async (options: MailServerOptions): Promise<MailServer> => {
  const { clock, topicArn = LOCAL_MAIL_TOPIC_ARN } = options;
  let { maxPerSecond = 14, max24h = 50_000 } = options;
  const store = await openMailStore(join(options.dataDir, 'mails'));
  const faults: { fault: Fault; left: number; random: Random }[] = [];
  const recentMs: number[] = [];
  let sendRequests = 0;
  let { sendingEnabled = true } = options;
  let underWay = 0;

  const takeFault = (): FaultKind | undefined => {
    for (const [index, entry] of faults.entries()) {
      if ('probability' in entry.fault) {
        if (entry.random() < entry.fault.probability) return entry.fault.kind;
        continue;
      }
      entry.left -= 1;
      if (entry.left === 0) faults.splice(index, 1);
      return entry.fault.kind;
    }
    return undefined;
  };
  const setFault = (fault: Fault): void => {
    const checked = Fault.parse(fault);
    faults.push({
      fault: checked,
      left: 'next' in checked ? checked.next : 0,
      random: seededRandom('seed' in checked ? checked.seed : 0),
    });
  };
  const sentLast24h = (): number => store.countSince(Date.parse(clock.now()) - DAY_MS);

  const fateOf = (address: string): MailFate => mailFate(address, options.trouble);
  const events = newEventQueue(store, topicArn, options.onEvent, fateOf);

  /** Reserves a place in the running second. Places of refused mails are not used up. */
  const withinRate = (): boolean => {
    const now = performance.now();
    while (recentMs[0] !== undefined && recentMs[0] <= now - 1000) recentMs.shift();
    if (recentMs.length >= maxPerSecond) return false;
    recentMs.push(now);
    return true;
  };

  const sendRawEmail = async (form: URLSearchParams): Promise<Reply> => {
    sendRequests += 1;
    const fault = takeFault();
    if (fault === 'reset') return 'cut';
    if (fault !== undefined && fault !== 'loseReply') return faultReply(fault);

    const source = form.get('Source') ?? '';
    const destinations = members(form, 'Destinations');
    const encoded = form.get('RawMessage.Data');
    if (encoded === null || encoded === '') return refused('ValidationError', 'RawMessage.Data is missing');
    if (destinations.length === 0)
      return refused('InvalidParameterValue', 'Destinations is missing: name one recipient');
    if (destinations.length > 1) {
      return refused('InvalidParameterValue', `one recipient per mail, got ${destinations.length}`);
    }
    const to = addressOf(destinations[0] ?? '');
    if (!/^[^\s@]+@[^\s@]+$/u.test(to)) return refused('InvalidParameterValue', 'Illegal address');
    const received = Buffer.from(encoded, 'base64');
    const duplicate = ['list-unsubscribe', 'list-unsubscribe-post', 'from', 'to', 'subject'].find(
      (name) => headerLines(received).filter((line) => line.toLowerCase().startsWith(`${name}:`)).length > 1,
    );
    if (duplicate !== undefined) return refused('InvalidParameterValue', `Duplicate header '${duplicate}'.`);
    const configurationSet = form.get('ConfigurationSetName');
    if (configurationSet !== null && options.configurationSets?.includes(configurationSet) === false) {
      return refused('ConfigurationSetDoesNotExist', `Configuration set <${configurationSet}> does not exist.`);
    }
    const tags = tagsOf(form);
    const badTag = Object.entries(tags).find((pair) => pair.some((text) => !/^[\w-]{1,255}$/u.test(text)));
    if (badTag !== undefined)
      return refused('InvalidParameterValue', `Tag ${badTag[0]} has characters that SES refuses`);
    const parsed = await PostalMime.parse(received);
    const unverified = [addressOf(source), parsed.from?.address ?? ''].find(
      (address) => !isVerified(address, options.verifiedSenders),
    );
    if (unverified !== undefined) {
      return refused(
        'MessageRejected',
        `Email address is not verified. The following identities failed the check in region ${REGION.toUpperCase()}: ${unverified}`,
      );
    }
    if (sentLast24h() + underWay >= max24h) return refused('Throttling', 'Daily message quota exceeded.');
    if (!sendingEnabled)
      return refused('AccountSendingPausedException', 'Email sending is disabled for your Amazon SES account.');
    if (!withinRate()) return refused('Throttling', 'Maximum sending rate exceeded.');

    const messageId = newMessageId();
    const sentAt = clock.now();
    const raw = stampHeaders(received, messageId, sentAt);
    const language =
      parsed.headers.find((header) => header.key === 'content-language')?.value ??
      /<html[^>]*\slang=["']?([\w-]+)/iu.exec(parsed.html ?? '')?.[1] ??
      '';
    underWay += 1;
    const envelope = await store
      .add(raw, {
        messageId,
        sentAt,
        source,
        to,
        destinations,
        tags,
        configurationSet,
        subject: parsed.subject ?? '',
        language,
        bytes: raw.length,
      })
      .finally(() => {
        underWay -= 1;
      });
    if (configurationSet !== null) events.push(envelope);
    if (fault === 'loseReply') return 'cut';
    return success('SendRawEmail', `<MessageId>${messageId}</MessageId>`);
  };

  const api = async (form: URLSearchParams): Promise<Reply> => {
    const action = form.get('Action') ?? '';
    if (action === 'SendRawEmail') return sendRawEmail(form);
    if (action === 'GetSendQuota') {
      return success(
        'GetSendQuota',
        `<SentLast24Hours>${sentLast24h()}.0</SentLast24Hours><Max24HourSend>${max24h}.0</Max24HourSend><MaxSendRate>${maxPerSecond}.0</MaxSendRate>`,
      );
    }
    if (action === 'GetAccountSendingEnabled') return success(action, `<Enabled>${sendingEnabled}</Enabled>`);
    if (action === 'UpdateAccountSendingEnabled') {
      const wanted = form.get('Enabled');
      if (wanted !== 'true' && wanted !== 'false')
        return refused('ValidationError', `Enabled must be true or false, got ${JSON.stringify(wanted)}`);
      sendingEnabled = wanted === 'true';
      return success(action, '');
    }
    if (action === 'GetSendStatistics')
      return success(
        action,
        `<SendDataPoints>${statistics(store.all(), fateOf, Date.parse(clock.now()))}</SendDataPoints>`,
      );
    return refused(
      'InvalidAction',
      `the local mail server knows ${ACTIONS.join(', ')}, not ${action || 'a request without Action'}`,
    );
  };

  const matching = (filter: MailFilter): readonly MailEnvelope[] =>
    store
      .all()
      .filter(
        (mail) =>
          (filter.to === undefined || mail.to === filter.to) &&
          Object.entries(filter.tags ?? {}).every(([name, value]) => mail.tags[name] === value),
      );

  const pages = async (url: URL, response: ServerResponse): Promise<void> => {
    const query = url.searchParams.get('to')?.trim() ?? '';
    if (url.pathname === '/') {
      const found = query === '' ? store.all() : store.all().filter((mail) => mail.to.includes(query));
      const page = Math.max(1, Math.trunc(Number(url.searchParams.get('page') ?? '1')) || 1);
      return reply(response, 200, INBOX_HEADERS, String(inboxPage({ mails: found.toReversed(), query, page })));
    }
    if (url.pathname === '/mails.json') {
      const found = query === '' ? store.all() : matching({ to: query });
      return reply(response, 200, JSON_HEADERS, JSON.stringify(found.toReversed()));
    }
    const match = /^\/mails\/(\d{1,15})(\/html|\.eml)?$/u.exec(url.pathname);
    const envelope = match === null ? undefined : store.get(Number(match[1]));
    if (envelope === undefined) return reply(response, 404, INBOX_HEADERS, String(notFoundPage()));
    const raw = await store.readRaw(envelope.id);
    if (match?.[2] === '.eml') {
      return reply(
        response,
        200,
        {
          'Content-Type': 'message/rfc822',
          'Content-Disposition': `attachment; filename="mail-${envelope.id}.eml"`,
          'X-Content-Type-Options': 'nosniff',
        },
        raw,
      );
    }
    const parsed = await PostalMime.parse(raw);
    if (match?.[2] === '/html') return reply(response, 200, MAIL_BODY_HEADERS, mailBody(parsed.html ?? ''));
    const view = url.searchParams.get('view');
    return reply(
      response,
      200,
      INBOX_HEADERS,
      String(
        mailPage({
          mail: envelope,
          view: view === 'text' || view === 'headers' ? view : 'html',
          text: parsed.text ?? '',
          headers: parsed.headers,
        }),
      ),
    );
  };

  const setFaultsByHttp = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!/^application\/json\b/u.test(request.headers['content-type'] ?? '')) {
      return reply(response, 415, JSON_HEADERS, '{"error":"send application/json"}');
    }
    const body = await readBody(request);
    let content: unknown;
    try {
      content = JSON.parse(body ?? '');
    } catch {
      return reply(response, 400, JSON_HEADERS, '{"error":"the body is not JSON"}');
    }
    const wanted = z.safeParse(z.union([Fault, z.array(Fault)]), content);
    if (!wanted.success) {
      const allowed = `{"kind": one of ${FAULT_KINDS.join(', ')}, "next": n} or {"kind", "probability": 0..1, "seed": whole number}, or a list; [] clears`;
      return reply(response, 400, JSON_HEADERS, JSON.stringify({ error: `expected ${allowed}` }));
    }
    if (Array.isArray(wanted.data)) faults.length = 0;
    for (const fault of Array.isArray(wanted.data) ? wanted.data : [wanted.data]) setFault(fault);
    return reply(response, 200, JSON_HEADERS, JSON.stringify({ faults: faults.map(({ fault }) => fault) }));
  };

  const setQuotaByHttp = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!/^application\/json\b/u.test(request.headers['content-type'] ?? '')) {
      return reply(response, 415, JSON_HEADERS, '{"error":"send application/json"}');
    }
    let content: unknown;
    try {
      content = JSON.parse((await readBody(request)) ?? '');
    } catch {
      return reply(response, 400, JSON_HEADERS, '{"error":"the body is not JSON"}');
    }
    const wanted = z.safeParse(Quota, content);
    if (!wanted.success) {
      const allowed =
        '{"max24h": whole number from 0, "maxPerSecond": number above 0, "sendingEnabled": true or false}';
      return reply(response, 400, JSON_HEADERS, JSON.stringify({ error: `expected any of ${allowed}` }));
    }
    max24h = wanted.data.max24h ?? max24h;
    maxPerSecond = wanted.data.maxPerSecond ?? maxPerSecond;
    sendingEnabled = wanted.data.sendingEnabled ?? sendingEnabled;
    return reply(response, 200, JSON_HEADERS, JSON.stringify({ max24h, maxPerSecond, sendingEnabled }));
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!isLocalHost(request.headers.host))
      return reply(response, 421, JSON_HEADERS, '{"error":"not a local host name"}');
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (request.method === 'GET' || request.method === 'HEAD') return pages(url, response);
    if (request.method !== 'POST')
      return reply(response, 405, { ...JSON_HEADERS, Allow: 'GET, HEAD, POST' }, '{"error":"method"}');
    if (url.pathname === '/faults') return setFaultsByHttp(request, response);
    if (url.pathname === '/quota') return setQuotaByHttp(request, response);
    const body = await readBody(request);
    const result =
      body === undefined
        ? refused('InvalidParameterValue', 'Message length is more than 10485760 bytes long')
        : await api(new URLSearchParams(body));
    if (result === 'cut') {
      request.socket.destroy();
      return;
    }
    return reply(response, result.status, XML_HEADERS, result.xml);
  };

  const { server, url } = await listenOn(options.port ?? 0, (port) =>
    createServer((request, response) => {
      answer(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else reply(response, 500, XML_HEADERS, errorXml('Receiver', 'InternalFailure', String(error)));
      });
    }).listen(port, '127.0.0.1'),
  );

  return {
    url,
    mailUrl: (id) => `${url}/mails/${id}`,
    mails: (filter = {}) =>
      matching(filter).map((envelope) => ({
        ...envelope,
        get raw() {
          return store.readRawNow(envelope.id);
        },
      })),
    read: async (id) => {
      const envelope = store.get(id);
      if (envelope === undefined) {
        throw new PermanentError('mail-unknown', `there is no mail ${id}; the inbox has ${store.all().length}`);
      }
      return { ...envelope, raw: await store.readRaw(id) };
    },
    fateOf,
    sendRequests: () => sendRequests,
    setFault,
    clearFaults: () => {
      faults.length = 0;
    },
    flushEvents: () => events.flush(),
    stop: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
      await events.settled();
    },
  };
};

const ACTIONS = [
  'SendRawEmail',
  'GetSendQuota',
  'GetSendStatistics',
  'GetAccountSendingEnabled',
  'UpdateAccountSendingEnabled',
] as const;

const STATISTICS_MS = 14 * DAY_MS;
const POINT_MS = 15 * 60_000;

/** The points of GetSendStatistics: what became of the mails of each 15 minutes of the last two weeks, from their own events. */
const statistics = (mails: readonly MailEnvelope[], fateOf: (address: string) => MailFate, nowMs: number): string => {
  const points = new Map<number, { attempts: number; bounces: number; complaints: number }>();
  for (const mail of mails) {
    const sentMs = Date.parse(mail.sentAt);
    if (sentMs <= nowMs - STATISTICS_MS || sentMs > nowMs) continue;
    const at = Math.floor(sentMs / POINT_MS) * POINT_MS;
    const point = points.get(at) ?? { attempts: 0, bounces: 0, complaints: 0 };
    const outcome = fateOf(mail.to);
    point.attempts += 1;
    if (outcome === 'bounce') point.bounces += 1;
    if (outcome === 'complaint') point.complaints += 1;
    points.set(at, point);
  }
  return [...points]
    .sort(([a], [b]) => a - b)
    .map(
      ([at, { attempts, bounces, complaints }]) =>
        `<member><Timestamp>${new Date(at).toISOString()}</Timestamp><DeliveryAttempts>${attempts}</DeliveryAttempts><Bounces>${bounces}</Bounces><Complaints>${complaints}</Complaints><Rejects>0</Rejects></member>`,
    )
    .join('');
};

type Reply = 'cut' | { readonly status: number; readonly xml: string };

const XML_HEADERS = { 'Content-Type': 'text/xml; charset=utf-8' };
const JSON_HEADERS = {
  'Content-Type': 'application/json; charset=utf-8',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};
const XML_NAMESPACE = 'http://ses.amazonaws.com/doc/2010-12-01/';

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const success = (action: string, result: string): Reply => ({
  status: 200,
  xml: `<${action}Response xmlns="${XML_NAMESPACE}"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></${action}Response>`,
});

const errorXml = (type: 'Sender' | 'Receiver', code: string, message: string): string =>
  `<ErrorResponse xmlns="${XML_NAMESPACE}"><Error><Type>${type}</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`;

const refused = (code: string, message: string): Reply => ({ status: 400, xml: errorXml('Sender', code, message) });

const faultReply = (kind: Exclude<FaultKind, 'reset' | 'loseReply'>): Reply => {
  switch (kind) {
    case 'throttle':
      return refused('Throttling', 'Maximum sending rate exceeded.');
    case 'dailyQuota':
      return refused('Throttling', 'Daily message quota exceeded.');
    case 'reject':
      return refused('MessageRejected', 'The local mail server was told to reject this mail.');
    case 'paused':
      return refused('AccountSendingPausedException', 'Email sending is disabled for this account.');
    case 'mailFromDomain':
      return refused(
        'MailFromDomainNotVerifiedException',
        'The MX record of the custom MAIL FROM domain was not found.',
      );
    case '500':
      return { status: 500, xml: errorXml('Receiver', 'InternalFailure', 'The local mail server was told to fail.') };
  }
};

const reply = (
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): void => {
  response.writeHead(status, headers).end(response.req.method === 'HEAD' ? undefined : body);
};

/** @returns undefined where the body is longer than SES would take */
const readBody = async (request: IncomingMessage): Promise<string | undefined> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return length > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
};

/** A page of another origin that resolves its name to this machine must not read the inbox. */
const isLocalHost = (host: string | undefined): boolean =>
  /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/u.test(host ?? '');

const members = (form: URLSearchParams, name: string): string[] =>
  [...form].filter(([key]) => key.startsWith(`${name}.member.`)).map(([, value]) => value);

const tagsOf = (form: URLSearchParams): Record<string, string> => {
  const tags: Record<string, string> = {};
  for (const [key, name] of form) {
    const index = /^Tags\.member\.(\d+)\.Name$/u.exec(key)?.[1];
    if (index !== undefined) tags[name] = form.get(`Tags.member.${index}.Value`) ?? '';
  }
  return tags;
};

const addressOf = (text: string): string => (/<([^<>]*)>\s*$/u.exec(text)?.[1] ?? text).trim();

const isVerified = (address: string, verified: readonly string[]): boolean => {
  const lower = address.toLowerCase();
  const domain = lower.slice(lower.lastIndexOf('@') + 1);
  return verified.some((entry) => entry.toLowerCase() === lower || entry.toLowerCase() === domain);
};

/** As long and as shaped as those of SES. */
const newMessageId = (): string => `0100${randomUUID().replaceAll('-', '').slice(0, 12)}-${randomUUID()}-000000`;

/** Header lines of a message, unfolded. */
const headerLines = (raw: Buffer): string[] => {
  const end = raw.indexOf('\r\n\r\n');
  const block = raw.subarray(0, end === -1 ? raw.length : end).toString('latin1');
  return block.replaceAll(/\r\n(?=[ \t])/gu, '').split('\r\n');
};

/** Replaces Message-ID and Date, as SES does. */
const stampHeaders = (raw: Buffer, messageId: string, sentAt: string): Buffer => {
  const end = raw.indexOf('\r\n\r\n');
  const head = raw.subarray(0, end === -1 ? raw.length : end).toString('latin1');
  const kept = head.split(/\r\n(?![ \t])/u).filter((line) => !/^(message-id|date):/iu.test(line));
  const date = new Date(sentAt).toUTCString().replace('GMT', '+0000');
  const stamped = [`Message-ID: <${messageId}@email.localhost>`, `Date: ${date}`, ...kept].join('\r\n');
  return Buffer.concat([Buffer.from(stamped, 'latin1'), end === -1 ? Buffer.from('\r\n\r\n') : raw.subarray(end)]);
};

interface MailStore {
  all(): readonly MailEnvelope[];
  get(id: number): MailEnvelope | undefined;
  readRaw(id: number): Promise<Uint8Array>;
  readRawNow(id: number): Uint8Array;
  add(raw: Uint8Array, envelope: Omit<MailEnvelope, 'id'>): Promise<MailEnvelope>;
  /** Mails accepted after the given business time. */
  countSince(ms: number): number;
  markReported(id: number): Promise<void>;
  unreported(): readonly MailEnvelope[];
}

/**
 * Mails as files: `<n>.eml`, then `<n>.json`, which makes the mail exist, then an empty `<n>.reported` once its events
 * are delivered. A message without an envelope was never acknowledged and is left alone.
 */
const openMailStore = async (folder: string): Promise<MailStore> => {
  await mkdir(folder, { recursive: true });
  const names = await readdir(folder);
  const byId = new Map<number, MailEnvelope>();
  const reported = new Set<number>();
  let lastId = 0;
  for (const name of names) {
    const id = Number.parseInt(name, 10);
    if (Number.isNaN(id)) continue;
    lastId = Math.max(lastId, id);
    if (name.endsWith('.reported')) reported.add(id);
    if (name.endsWith('.json')) {
      byId.set(id, MailEnvelope.parse(JSON.parse(await readFile(join(folder, name), 'utf8'))));
    }
  }
  const ordered = [...byId.values()].sort((a, b) => a.id - b.id);
  const path = (id: number, ending: string): string => join(folder, `${String(id).padStart(6, '0')}.${ending}`);

  return {
    all: () => ordered,
    get: (id) => byId.get(id),
    readRaw: (id) => readFile(path(id, 'eml')),
    readRawNow: (id) => readFileSync(path(id, 'eml')),
    add: async (raw, rest) => {
      lastId += 1;
      const envelope = { id: lastId, ...rest };
      await writeDurably(path(envelope.id, 'eml'), raw);
      const unfinished = path(envelope.id, 'unfinished');
      await writeDurably(unfinished, JSON.stringify(envelope, null, 2));
      await rename(unfinished, path(envelope.id, 'json'));
      await syncFolder(folder);
      byId.set(envelope.id, envelope);
      let place = ordered.length;
      while (place > 0 && (ordered[place - 1]?.id ?? 0) > envelope.id) place -= 1;
      ordered.splice(place, 0, envelope);
      return envelope;
    },
    countSince: (ms) => ordered.length - 1 - ordered.findLastIndex((mail) => Date.parse(mail.sentAt) <= ms),
    markReported: async (id) => {
      reported.add(id);
      await (await open(path(id, 'reported'), 'w')).close();
    },
    unreported: () => ordered.filter((mail) => mail.configurationSet !== null && !reported.has(mail.id)),
  };
};

const writeDurably = async (path: string, content: Uint8Array | string): Promise<void> => {
  const file = await open(path, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
};

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

interface EventQueue {
  push(mail: MailEnvelope): void;
  flush(): Promise<void>;
  settled(): Promise<void>;
}

/** Delivers the events of each mail at least once and in turn, of several mails at once, as a queue with several consumers. */
const newEventQueue = (
  store: MailStore,
  topicArn: string,
  onEvent: MailServerOptions['onEvent'],
  fateOf: (address: string) => MailFate,
): EventQueue => {
  let tails: readonly Promise<void>[] = Array.from({ length: EVENT_CONSUMERS }, () => Promise.resolve());
  let next = 0;
  const queued = new Set<number>();
  const deliver = async (mail: MailEnvelope): Promise<void> => {
    try {
      for (const event of eventsOf(mail, fateOf(mail.to))) {
        const envelope = wrapEvent(event, topicArn, mail.sentAt);
        for (let attempt = 1; ; attempt += 1) {
          try {
            await onEvent?.(envelope);
            break;
          } catch (error) {
            if (attempt === EVENT_TRIES) throw error;
          }
        }
      }
      await store.markReported(mail.id);
    } catch {
      // Left unreported on disk, like a message in a dead-letter queue: flush() or the next start delivers it again.
    } finally {
      queued.delete(mail.id);
    }
  };
  const push = (mail: MailEnvelope): void => {
    if (onEvent === undefined || queued.has(mail.id)) return;
    queued.add(mail.id);
    const mine = next;
    next = (next + 1) % EVENT_CONSUMERS;
    tails = tails.map((tail, index) => (index === mine ? tail.then(() => deliver(mail)) : tail));
  };
  return {
    push,
    flush: async () => {
      for (const mail of store.unreported()) push(mail);
      await Promise.all(tails);
    },
    settled: async () => {
      await Promise.all(tails);
    },
  };
};

const SIMULATED: readonly MailFate[] = ['success', 'bounce', 'complaint', 'suppressionlist', 'ooto'];

/**
 * The local part of an address says what becomes of its mails, with or without a `+label`, as at the mailbox simulator of SES;
 * of the others, the shares of `trouble`, by a hash of the address.
 */
const mailFate = (address: string, trouble: MailTrouble = { bounceShare: 0, complaintShare: 0 }): MailFate => {
  const lower = address.toLowerCase();
  const name = lower.slice(0, Math.max(0, lower.lastIndexOf('@'))).split('+')[0];
  const simulated = SIMULATED.find((fate) => fate === name);
  if (simulated !== undefined) return simulated;
  const draw = createHash('sha256').update(`mail fate ${lower}`).digest().readUInt32BE(0) / 2 ** 32;
  if (draw < trouble.bounceShare) return 'bounce';
  return draw < trouble.bounceShare + trouble.complaintShare ? 'complaint' : 'success';
};

/** The events of SES for one accepted mail. */
const eventsOf = (mail: MailEnvelope, fate: MailFate): readonly object[] => {
  const at = (seconds: number): string => new Date(Date.parse(mail.sentAt) + seconds * 1000).toISOString();
  const about = {
    timestamp: mail.sentAt,
    source: mail.source,
    sourceArn: `arn:aws:ses:${REGION}:${ACCOUNT}:identity/${addressOf(mail.source)}`,
    sendingAccountId: ACCOUNT,
    messageId: mail.messageId,
    destination: mail.destinations,
    headersTruncated: false,
    headers: [],
    commonHeaders: { from: [mail.source], to: mail.destinations, messageId: mail.messageId, subject: mail.subject },
    tags: {
      'ses:operation': ['SendRawEmail'],
      'ses:configuration-set': [mail.configurationSet],
      ...Object.fromEntries(Object.entries(mail.tags).map(([name, value]) => [name, [value]])),
    },
  };
  const send = { eventType: 'Send', mail: about, send: {} };
  const delivery = {
    eventType: 'Delivery',
    mail: about,
    delivery: {
      timestamp: at(1),
      processingTimeMillis: 1000,
      recipients: mail.destinations,
      smtpResponse: '250 2.0.0 Ok: kept in the local inbox',
      reportingMTA: 'inbox.localhost',
    },
  };
  const bounce = (bounceSubType: string) => ({
    eventType: 'Bounce',
    mail: about,
    bounce: {
      feedbackId: `${mail.messageId}-bounce`,
      bounceType: 'Permanent',
      bounceSubType,
      bouncedRecipients: mail.destinations.map((emailAddress) => ({
        emailAddress,
        action: 'failed',
        status: '5.1.1',
        diagnosticCode: 'smtp; 550 5.1.1 user unknown',
      })),
      timestamp: at(2),
      reportingMTA: 'dns; inbox.localhost',
    },
  });
  /** What SES makes of an automatic reply: it looks like a soft bounce after the delivery, and counts as none. */
  const automaticReply = {
    eventType: 'Bounce',
    mail: about,
    bounce: {
      feedbackId: `${mail.messageId}-reply`,
      bounceType: 'Transient',
      bounceSubType: 'General',
      bouncedRecipients: mail.destinations.map((emailAddress) => ({ emailAddress })),
      timestamp: at(2),
    },
  };
  switch (fate) {
    case 'bounce':
      return [send, bounce('General')];
    case 'suppressionlist':
      return [send, bounce('Suppressed')];
    case 'ooto':
      return [send, delivery, automaticReply];
    case 'complaint':
      return [
        send,
        delivery,
        {
          eventType: 'Complaint',
          mail: about,
          complaint: {
            feedbackId: `${mail.messageId}-complaint`,
            complaintSubType: null,
            complainedRecipients: mail.destinations.map((emailAddress) => ({ emailAddress })),
            timestamp: at(60),
            userAgent: 'local mail server',
            complaintFeedbackType: 'abuse',
            arrivalDate: at(60),
          },
        },
      ];
    case 'success':
      return [send, delivery];
  }
};

const wrapEvent = (event: object, topicArn: string, timestamp: string): MailEventEnvelope => {
  const notificationId = randomUUID();
  const body = JSON.stringify({
    Type: 'Notification',
    MessageId: notificationId,
    TopicArn: topicArn,
    Subject: 'Amazon SES Email Event Notification',
    Message: JSON.stringify(event),
    Timestamp: timestamp,
    SignatureVersion: '1',
    Signature: '',
    SigningCertURL: '',
    UnsubscribeURL: '',
  });
  const ms = String(Date.parse(timestamp));
  return {
    Records: [
      {
        messageId: randomUUID(),
        receiptHandle: notificationId,
        body,
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: ms,
          SenderId: ACCOUNT,
          ApproximateFirstReceiveTimestamp: ms,
        },
        messageAttributes: {},
        md5OfBody: '',
        eventSource: 'aws:sqs',
        eventSourceARN: `arn:aws:sqs:${REGION}:${ACCOUNT}:resegment-mail-events`,
        awsRegion: REGION,
      },
    ],
  };
};
