import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultKind, type MailServer, startMailServer } from '#local/mail-server.ts';
import { classifySesError, newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import type { MailSender, SendOutcome } from '#shared/ports/mail-sender.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const MAIL = {
  raw: new TextEncoder().encode(
    'From: Bank <survey@bank.example.com>\r\nTo: a@example.com\r\nSubject: Hello\r\n\r\nHello\r\n',
  ),
  from: 'survey@bank.example.com',
  to: 'a@example.com',
  tags: { run: '2026-05-monthly', inv: 'inv_1' },
};
const CLOCK = { now: () => '2026-05-31T10:00:00.000Z' };

const senderAt = (endpoint: string, requestTimeoutMs = 30_000): MailSender =>
  sesMailSender({
    client: newSesClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestTimeoutMs,
    }),
    configurationSet: 'resegment',
  });

describe('sending through the local mail server', () => {
  let folder: string;
  let server: MailServer;
  let sender: MailSender;

  beforeEach(async () => {
    folder = temporaryFolder('mail');
    server = await startMailServer({ dataDir: folder, verifiedSenders: ['bank.example.com'], clock: CLOCK });
    sender = senderAt(server.url);
  });
  afterEach(async () => {
    await server.stop();
  });

  it('R01 names one destination, the configuration set and the tags in the request', async () => {
    const outcome = await sender.send(MAIL);

    expect(outcome.kind).toBe('accepted');
    expect(server.mails()).toMatchObject([
      { to: MAIL.to, destinations: [MAIL.to], tags: MAIL.tags, configurationSet: 'resegment', source: MAIL.from },
    ]);
    expect(outcome.kind === 'accepted' && outcome.messageId).toBe(server.mails()[0]?.messageId);
  });

  it('R06 learns quota, reputation and whether it may send, from the mails and their events', async () => {
    await server.stop();
    let now = '2026-05-01T10:00:00.000Z';
    server = await startMailServer({
      dataDir: folder,
      verifiedSenders: ['bank.example.com'],
      clock: { now: () => now },
      max24h: 200,
      maxPerSecond: 50,
    });
    sender = senderAt(server.url);
    await sender.send({ ...MAIL, to: 'bounce+old@example.com' });
    now = '2026-05-31T10:00:00.000Z';
    for (const to of ['a@example.com', 'bounce@example.com', 'complaint@example.com', 'suppressionlist@example.com'])
      await sender.send({ ...MAIL, to });
    now = '2026-05-31T11:00:00.000Z';
    await sender.send({ ...MAIL, to: 'bounce+b@example.com' });

    expect(await sender.quota()).toEqual({ max24h: 200, maxPerSecond: 50, sentLast24h: 5 });
    // Not the mail of four weeks ago, and not what the suppression list kept back.
    expect(await sender.reputation?.()).toEqual({
      sendingEnabled: true,
      attempts: 5,
      bounces: 2,
      complaints: 1,
      rejects: 0,
      days: 14,
    });

    const turn = (enabled: string) =>
      fetch(server.url, {
        method: 'POST',
        body: new URLSearchParams({ Action: 'UpdateAccountSendingEnabled', Enabled: enabled }),
      });
    expect((await turn('perhaps')).status).toBe(400);
    expect((await turn('false')).status).toBe(200);
    expect(await sender.reputation?.()).toMatchObject({ sendingEnabled: false });
    expect(await sender.send(MAIL)).toMatchObject({ kind: 'notAccepted', brake: 'paused' });
    await turn('true');
    expect(await sender.send(MAIL)).toMatchObject({ kind: 'accepted' });
  });

  it('says that it knows nothing where the mail service gives no answer', async () => {
    const lost = senderAt('http://127.0.0.1:9');

    await expect(lost.quota()).rejects.toMatchObject({ code: 'quota-unknown', name: 'RetryableError' });
    await expect(lost.reputation?.()).rejects.toMatchObject({ code: 'reputation-unknown', name: 'RetryableError' });
  });

  it.each(['loseReply', 'reset', '500', 'throttle'] as const)(
    'R04 sends exactly one request when the server does %s',
    async (kind) => {
      server.setFault({ kind, next: 5 });

      await sender.send(MAIL);

      expect(server.sendRequests()).toBe(1);
      expect(server.mails()).toHaveLength(kind === 'loseReply' ? 1 : 0);
    },
  );

  it.each<[FaultKind, Partial<SendOutcome>]>([
    ['throttle', { kind: 'notAccepted', retryable: true }],
    ['dailyQuota', { kind: 'notAccepted', retryable: true, brake: 'dailyQuota' }],
    ['paused', { kind: 'notAccepted', retryable: true, brake: 'paused' }],
    ['reject', { kind: 'notAccepted', retryable: false }],
    ['mailFromDomain', { kind: 'notAccepted', retryable: false }],
    ['loseReply', { kind: 'unknown' }],
    ['reset', { kind: 'unknown' }],
    ['500', { kind: 'unknown' }],
  ])('R05 R06 knows what the fault %s proves', async (kind, expected) => {
    server.setFault({ kind, next: 1 });

    const outcome = await sender.send(MAIL);

    expect(outcome).toMatchObject(expected);
    expect(outcome).not.toHaveProperty(
      'brake',
      expected.kind === 'notAccepted' && 'brake' in expected ? 'none' : expect.anything(),
    );
  });

  it('R06 paces a sending rate without a brake', async () => {
    server.setFault({ kind: 'throttle', next: 1 });

    expect(await sender.send(MAIL)).not.toHaveProperty('brake');
    expect((await sender.send(MAIL)).kind).toBe('accepted');
  });

  it('R05 takes an unverified sender for final, and gives no address in the reason', async () => {
    const outcome = await sender.send({ ...MAIL, from: 'who@elsewhere.example' });

    expect(outcome).toMatchObject({ kind: 'notAccepted', retryable: false });
    expect(JSON.stringify(outcome)).not.toContain('elsewhere');
  });

  it('R05 takes a refused connection for proven not accepted', async () => {
    await server.stop();

    const outcome = await sender.send(MAIL);

    expect(outcome).toMatchObject({ kind: 'notAccepted', retryable: true });
    server = await startMailServer({ dataDir: folder, verifiedSenders: [], clock: CLOCK });
  });

  it('R05 takes a name that does not resolve for proven not accepted', async () => {
    expect(await senderAt('http://mail.invalid').send(MAIL)).toMatchObject({ kind: 'notAccepted', retryable: true });
  });

  it('R05 takes a reply that never comes for unknown', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    expect((await senderAt(`http://127.0.0.1:${port}`, 300).send(MAIL)).kind).toBe('unknown');

    silent.close();
  });

  it('reads the quota of the account', async () => {
    await sender.send(MAIL);

    expect(await sender.quota()).toEqual({ max24h: 50_000, maxPerSecond: 14, sentLast24h: 1 });
  });

  it('says that the quota may be known later where the server is away', async () => {
    await expect(senderAt('http://mail.invalid').quota()).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'quota-unknown',
    });
  });
});

const reply = (name: string, message: string, httpStatusCode: number) => ({
  name,
  message,
  $metadata: { httpStatusCode },
});
const network = (code: string, syscall: string) => ({
  name: 'Error',
  message: `${syscall} ${code}`,
  code,
  syscall,
  $metadata: {},
});

describe('the table of outcomes', () => {
  it.each<[string, unknown, object]>([
    ['rate', reply('Throttling', 'Maximum sending rate exceeded.', 400), { kind: 'notAccepted', retryable: true }],
    ['day', reply('Throttling', 'Daily message quota exceeded.', 454), { retryable: true, brake: 'dailyQuota' }],
    ['429', reply('Whatever', 'slow down', 429), { kind: 'notAccepted', retryable: true }],
    ['account paused', reply('AccountSendingPausedException', '', 400), { retryable: true, brake: 'paused' }],
    ['set paused', reply('ConfigurationSetSendingPausedException', '', 400), { retryable: true, brake: 'paused' }],
    ['set unknown', reply('ConfigurationSetDoesNotExistException', '', 400), { retryable: true, brake: 'paused' }],
    ['account suspended', reply('MessageRejected', 'Sending suspended for this account.', 400), { brake: 'paused' }],
    ['no rights', reply('AccessDenied', 'User is not authorized', 403), { retryable: true, brake: 'paused' }],
    ['no credentials', { name: 'CredentialsProviderError', message: 'none' }, { retryable: true, brake: 'paused' }],
    [
      'rejected',
      reply('MessageRejected', 'Email address is not verified.', 400),
      { kind: 'notAccepted', retryable: false },
    ],
    ['mail-from', reply('MailFromDomainNotVerifiedException', '', 400), { kind: 'notAccepted', retryable: false }],
    ['parameter', reply('InvalidParameterValue', 'Illegal address', 400), { kind: 'notAccepted', retryable: false }],
    ['expired request', reply('RequestExpired', '', 400), { kind: 'notAccepted', retryable: true }],
    ['500', reply('InternalFailure', '', 500), { kind: 'unknown' }],
    ['503', reply('ServiceUnavailable', '', 503), { kind: 'unknown' }],
    ['408', reply('RequestTimeout', '', 408), { kind: 'unknown' }],
    ['name', network('ENOTFOUND', 'getaddrinfo'), { kind: 'notAccepted', retryable: true }],
    ['connect timeout', network('ETIMEDOUT', 'connect'), { kind: 'notAccepted', retryable: true }],
    ['certificate', network('CERT_HAS_EXPIRED', ''), { kind: 'notAccepted', retryable: true }],
    ['reset', network('ECONNRESET', 'read'), { kind: 'unknown' }],
    ['pipe', network('EPIPE', 'write'), { kind: 'unknown' }],
    ['read timeout', network('ETIMEDOUT', 'read'), { kind: 'unknown' }],
    ['no object', 'lost', { kind: 'unknown' }],
  ])('R05 %s', (_title, error, expected) => {
    expect(classifySesError(error)).toMatchObject(expected);
  });
});
