import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  LOCAL_MAIL_TOPIC_ARN,
  type MailEventEnvelope,
  type MailServer,
  type MailServerOptions,
  startMailServer,
} from '#local/mail-server.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

let folder: string;
let now: string;
let server: MailServer | undefined;

beforeEach(async () => {
  folder = temporaryFolder('mail');
  now = '2026-05-31T10:00:00.000Z';
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const start = async (options: Partial<MailServerOptions> = {}): Promise<MailServer> => {
  server = await startMailServer({
    dataDir: folder,
    verifiedSenders: ['bank.example.com'],
    clock: { now: () => now },
    ...options,
  });
  return server;
};

const rawMail = (
  subject = 'Hello',
  body = '<!doctype html><html lang="zh-CN"><head><title>t</title></head><p>你好</p>',
): string =>
  [
    'From: Bank <survey@bank.example.com>',
    'To: a@example.com',
    `Subject: ${subject}`,
    'Message-ID: <ours@bank>',
    'Date: Thu, 01 Jan 1970 00:00:00 +0000',
    'List-Unsubscribe: <https://bank.example.com/u/1>',
    'MIME-Version: 1.0',
    'Content-Type: text/html; charset=utf-8',
    '',
    body,
  ].join('\r\n');

const call = async (at: MailServer, parameters: Record<string, string>) => {
  const response = await fetch(at.url, { method: 'POST', body: new URLSearchParams(parameters) });
  return { status: response.status, xml: await response.text() };
};

const send = async (
  at: MailServer,
  { to = 'a@example.com', raw = rawMail(), source = 'survey@bank.example.com' } = {},
) =>
  call(at, {
    Action: 'SendRawEmail',
    Source: source,
    'Destinations.member.1': to,
    'RawMessage.Data': Buffer.from(raw).toString('base64'),
    ConfigurationSetName: 'resegment',
    'Tags.member.1.Name': 'run',
    'Tags.member.1.Value': '2026-05',
    'Tags.member.2.Name': 'inv',
    'Tags.member.2.Value': 'i1',
  });

describe('the local mail server', () => {
  it('changes its quota, its rate and whether it sends, when it is told so, and refuses what they cannot be', async () => {
    const at = await start();
    const tell = async (quota: unknown, type = 'application/json') => {
      const response = await fetch(`${at.url}/quota`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: typeof quota === 'string' ? quota : JSON.stringify(quota),
      });
      return { status: response.status, json: await response.json() };
    };

    expect(await tell({ max24h: 1, maxPerSecond: 3 })).toEqual({
      status: 200,
      json: { max24h: 1, maxPerSecond: 3, sendingEnabled: true },
    });
    expect((await call(at, { Action: 'GetSendQuota' })).xml).toContain('<Max24HourSend>1.0</Max24HourSend>');
    expect((await send(at)).status).toBe(200);
    expect((await send(at)).xml).toContain('Daily message quota exceeded');
    await tell({ max24h: 100, sendingEnabled: false });
    expect((await send(at)).xml).toContain('AccountSendingPausedException');
    for (const wrong of [{ max24h: -1 }, { max24h: 1.5 }, { maxPerSecond: 0 }, { daily: 3 }, [], 'no json'])
      expect((await tell(wrong)).status, JSON.stringify(wrong)).toBe(400);
    expect((await tell({ max24h: 5 }, 'text/plain')).status).toBe(415);
  });

  it('keeps each mail with its envelope on disk before it replies', async () => {
    const at = await start();

    const { status, xml } = await send(at);

    expect(status).toBe(200);
    expect(await readdir(join(folder, 'mails'))).toEqual(expect.arrayContaining(['000001.eml', '000001.json']));
    const mail = at.mails()[0];
    expect(mail).toMatchObject({
      id: 1,
      to: 'a@example.com',
      sentAt: now,
      subject: 'Hello',
      language: 'zh-CN',
      tags: { run: '2026-05', inv: 'i1' },
    });
    expect(xml).toContain(`<MessageId>${mail?.messageId}</MessageId>`);
  });

  it('sets its own Message-ID and Date, as SES does', async () => {
    const at = await start();
    await send(at);

    const raw = new TextDecoder().decode((await at.read(1)).raw);

    expect(raw).not.toContain('ours@bank');
    expect(raw).not.toContain('1970');
    expect(raw.match(/^Message-ID:/gim)).toHaveLength(1);
    expect(raw).toContain('Date: Sun, 31 May 2026 10:00:00 +0000');
    expect(raw).toContain('你好');
    expect(new TextDecoder().decode(at.mails()[0]?.raw)).toBe(raw);
  });

  it('goes on where it stopped when it starts again on the same folder', async () => {
    const first = await start();
    await send(first);
    await send(first);
    await first.stop();

    const second = await start();
    await send(second);

    expect(second.mails().map((mail) => mail.id)).toEqual([1, 2, 3]);
    expect(new Set(second.mails().map((mail) => mail.messageId)).size).toBe(3);
  });

  it('refuses senders that are not verified, more than one recipient, and headers twice', async () => {
    const at = await start();

    expect((await send(at, { source: 'x@other.example' })).xml).toContain('<Code>MessageRejected</Code>');
    expect((await send(at, { raw: rawMail().replace('survey@bank', 'ceo@other') })).xml).toContain(
      '<Code>MessageRejected</Code>',
    );
    expect(
      (await send(at, { raw: rawMail().replace('MIME-V', 'List-Unsubscribe: <https://x>\r\nMIME-V') })).xml,
    ).toContain('Duplicate header');
    const two = {
      Action: 'SendRawEmail',
      'Destinations.member.1': 'a@b.c',
      'Destinations.member.2': 'd@e.f',
      'RawMessage.Data': 'YQ==',
    };
    expect((await call(at, two)).status).toBe(400);
    expect(at.mails()).toEqual([]);
  });

  it('never accepts more than its rate in any second, and says which limit was met', async () => {
    const at = await start({ maxPerSecond: 5, max24h: 8 });
    let elapsedMs = 0;
    const elapsed = vi.spyOn(performance, 'now').mockImplementation(() => elapsedMs);
    onTestFinished(() => elapsed.mockRestore());

    const burst = await Promise.all(Array.from({ length: 12 }, () => send(at)));

    expect(burst.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(burst.filter(({ xml }) => xml.includes('Maximum sending rate exceeded'))).toHaveLength(7);
    elapsedMs += 999;
    expect((await send(at)).xml).toContain('Maximum sending rate exceeded');
    elapsedMs += 1;
    const later = await Promise.all(Array.from({ length: 5 }, () => send(at)));
    expect(later.filter(({ xml }) => xml.includes('Daily message quota exceeded'))).toHaveLength(2);
    now = '2026-06-01T10:00:01.000Z';
    elapsedMs += 1_000;
    expect((await send(at)).status).toBe(200);
  });

  it('answers what it does not know with a clear error', async () => {
    const at = await start();

    const { status, xml } = await call(at, { Action: 'SendTemplatedEmail' });

    expect(status).toBe(400);
    expect(xml).toContain('<Code>InvalidAction</Code>');
    expect(xml).toContain('SendTemplatedEmail');
  });

  it('fails on demand with a share that its seed decides', async () => {
    const at = await start({ maxPerSecond: 1_000 });
    const statuses = async (): Promise<number[]> => {
      const response = await fetch(`${at.url}/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify([{ kind: '500', probability: 0.3, seed: 7 }]),
      });
      expect(response.status).toBe(200);
      const seen: number[] = [];
      for (let index = 0; index < 40; index += 1) seen.push((await send(at)).status);
      return seen;
    };

    const first = await statuses();
    const second = await statuses();

    expect(second).toEqual(first);
    expect(first.filter((status) => status === 500).length).toBeGreaterThan(4);
    expect(first.filter((status) => status === 500).length).toBeLessThan(22);
  });

  it('refuses faults it does not know and forms that a web page could post', async () => {
    const at = await start();

    const form = await fetch(`${at.url}/faults`, { method: 'POST', body: new URLSearchParams({ kind: 'reset' }) });
    const unknown = await fetch(`${at.url}/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"kind":"flood"}',
    });

    expect(form.status).toBe(415);
    expect(unknown.status).toBe(400);
    expect(await unknown.text()).toContain('throttle');
  });

  it('takes the next free port where the wanted one is taken', async () => {
    const first = await start();
    const port = Number(new URL(first.url).port);

    const second = await startMailServer({
      dataDir: join(folder, 'two'),
      port,
      verifiedSenders: [],
      clock: { now: () => now },
    });

    expect(Number(new URL(second.url).port)).toBeGreaterThan(port);
    await second.stop();
  });
});

describe('events of the local mail server', () => {
  const eventsIn = (envelopes: readonly MailEventEnvelope[]) =>
    envelopes.map((envelope) => {
      const notification = JSON.parse(envelope.Records[0]?.body ?? '');
      expect(notification).toMatchObject({ Type: 'Notification', TopicArn: LOCAL_MAIL_TOPIC_ARN });
      return JSON.parse(notification.Message);
    });

  it.each([
    ['a@example.com', ['Send', 'Delivery']],
    ['bounce@example.com', ['Send', 'Bounce']],
    ['complaint+1@example.com', ['Send', 'Delivery', 'Complaint']],
    ['suppressionlist@example.com', ['Send', 'Bounce']],
    ['ooto@example.com', ['Send', 'Delivery', 'Bounce']],
    ['Success+2@example.com', ['Send', 'Delivery']],
  ])('R08 reports what became of a mail to %s', async (to, types) => {
    const seen: MailEventEnvelope[] = [];
    const at = await start({ onEvent: (envelope) => seen.push(envelope) });

    await send(at, { to });
    await at.flushEvents();

    const events = eventsIn(seen);
    expect(events.map((event) => event.eventType)).toEqual(types);
    for (const event of events) {
      expect(event.mail).toMatchObject({
        messageId: at.mails()[0]?.messageId,
        destination: [to],
        tags: { run: ['2026-05'], inv: ['i1'] },
      });
    }
  });

  it('calls an automatic reply a soft bounce, and an address on the suppression list a hard one, as SES does', async () => {
    const seen: MailEventEnvelope[] = [];
    const at = await start({ onEvent: (envelope) => seen.push(envelope) });
    for (const to of ['ooto@example.com', 'bounce@example.com', 'suppressionlist@example.com']) await send(at, { to });
    await at.flushEvents();

    const bounces = eventsIn(seen).flatMap((event) => (event.eventType === 'Bounce' ? [event.bounce] : []));
    expect(bounces.map((bounce) => [bounce.bounceType, bounce.bounceSubType])).toEqual([
      ['Transient', 'General'],
      ['Permanent', 'General'],
      ['Permanent', 'Suppressed'],
    ]);
  });

  it('lets a share of all addresses bounce or complain, always the same ones', async () => {
    const at = await start({ trouble: { bounceShare: 0.1, complaintShare: 0.05 } });
    const fates = Array.from({ length: 4_000 }, (_, index) => at.fateOf(`company-${index}@example.com`));
    const share = (wanted: string) => fates.filter((fate) => fate === wanted).length / fates.length;
    expect(share('bounce')).toBeCloseTo(0.1, 1);
    expect(share('complaint')).toBeCloseTo(0.05, 1);
    expect(at.fateOf('Company-7@example.com')).toBe(fates[7]);
    expect(at.fateOf('success@example.com')).toBe('success');
    expect((await start()).fateOf('company-1@example.com')).toBe('success');
  });

  it('R08 delivers events again that a failing consumer or a stop left over', async () => {
    let broken = true;
    const first = await start({
      onEvent: () => {
        if (broken) throw new Error('down');
      },
    });
    await send(first);
    await first.flushEvents();
    await first.stop();
    broken = false;
    const seen: MailEventEnvelope[] = [];

    const second = await start({ onEvent: (envelope) => seen.push(envelope) });
    await second.flushEvents();
    await second.flushEvents();

    expect(eventsIn(seen).map((event) => event.eventType)).toEqual(['Send', 'Delivery']);
  });
});

describe('the inbox', () => {
  const attack = '<script>alert(1)</script>"><img src=x>';

  it('lists the newest mail first, finds an address, and says what it is', async () => {
    const at = await start();
    await send(at, { raw: rawMail('First') });
    await send(at, { to: 'b@example.com', raw: rawMail('Second') });

    const all = await (await fetch(at.url)).text();
    const found = await (await fetch(`${at.url}/?to=b@`)).text();

    expect(all.indexOf('Second')).toBeLessThan(all.indexOf('First'));
    expect(all).toContain('Local inbox');
    expect(found).toContain('Second');
    expect(found).not.toContain('First');
    expect(await (await fetch(`${at.url}/mails.json?to=a@example.com`)).json()).toMatchObject([
      { id: 1, subject: 'First' },
    ]);
  });

  it('escapes everything that a mail or an address bar brings', async () => {
    const at = await start();
    await send(at, { raw: rawMail(attack) });

    const pages = ['/', '/mails/1', '/mails/1?view=headers', `/?to=${encodeURIComponent(attack)}`];

    for (const page of pages) {
      const response = await fetch(at.url + page);
      const body = await response.text();
      expect(body, page).not.toContain('<script>');
      expect(body, page).not.toContain('<img');
      expect(response.headers.get('content-security-policy'), page).toContain("default-src 'none'");
    }
  });

  it('shows a mail as HTML in a sandbox, as text and raw', async () => {
    const at = await start();
    await send(at);

    const page = await (await fetch(at.mailUrl(1))).text();
    const frame = await fetch(`${at.mailUrl(1)}/html`);
    const download = await fetch(`${at.mailUrl(1)}.eml`);

    expect(page).toMatch(/<iframe[^>]*sandbox="allow-popups allow-popups-to-escape-sandbox"/u);
    expect(frame.headers.get('content-security-policy')).toContain('sandbox');
    expect(await frame.text()).toContain('<base target="_blank">');
    expect(download.headers.get('content-disposition')).toContain('mail-1.eml');
    expect(await download.text()).toContain('Message-ID');
    expect((await fetch(`${at.url}/mails/99`)).status).toBe(404);
    expect((await fetch(`${at.url}/mails/..%2f..%2fetc`)).status).toBe(404);
  });

  it('does not answer under a foreign host name', async () => {
    const at = await start();
    const { port } = new URL(at.url);

    const status = await new Promise((resolve) =>
      request({ host: '127.0.0.1', port, path: '/', headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end(),
    );

    expect(status).toBe(421);
  });
});
