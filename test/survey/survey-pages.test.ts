import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PAGE_TEXT_KEYS, pageText, placeholdersOf } from '#shared/application/pages/page-text.ts';
import { surveyApp } from '#shared/application/pages/survey-app.ts';
import { projectPendingAnswers } from '#shared/application/project-answer.ts';
import { answerLink, unsubscribeLink } from '#shared/application/survey-mail.ts';
import { issueLinkToken } from '#shared/domain/link-token.ts';
import { mailText } from '#shared/domain/mail-text.ts';
import { RetryableError } from '#shared/errors.ts';
import {
  CLOSES,
  drawnWave,
  IDENTITY,
  invitationOf,
  LINK_KEYS,
  type MemoryStores,
  NOW,
  settableClock,
} from './memory.ts';

let stores: MemoryStores;
let clock: ReturnType<typeof settableClock>;
let server: Server;
let base: string;
let failures: unknown[];
const { invitationId, addressKey } = invitationOf(1);
const DAY_MS = 86_400_000;

const ports = () => ({
  ...stores,
  clock,
  businessTimeZone: 'Asia/Shanghai',
  linkKeys: LINK_KEYS,
  identity: IDENTITY,
  onProjectionFailed: (_id: string, error: unknown) => failures.push(error),
  onFailure: (_route: string, error: unknown) => failures.push(error),
});

beforeAll(async () => {
  server = await new Promise((resolve) => {
    const listening = serve(
      { fetch: (request: Request) => surveyApp(ports()).fetch(request), port: 0, hostname: '127.0.0.1' },
      (address) => {
        base = `http://127.0.0.1:${address.port}`;
        resolve(listening as Server);
      },
    );
  });
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(async () => {
  failures = [];
  stores = await drawnWave(2);
  clock = settableClock(new Date(Date.parse(NOW) + DAY_MS).toISOString());
  await stores.invitations.update(invitationId, (known) => ({
    ...known,
    invitation: { state: 'sent', attempts: 0, at: NOW },
    deliveredAt: NOW,
  }));
});

const links = () => ({
  answer: answerLink({ publicBaseUrl: base, linkKeys: LINK_KEYS }, invitationId, CLOSES),
  unsub: unsubscribeLink({ publicBaseUrl: base, linkKeys: LINK_KEYS }, invitationId, CLOSES),
});
const post = (url: string, fields: Record<string, string>, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual', ...init });
const everything = async (): Promise<string> =>
  JSON.stringify([
    await stores.answers.getMany([invitationId]).then((all) => [...all]),
    await stores.contacts.get(addressKey),
    [...stores.customers.all],
    await stores.cases.listOpen(),
    await stores.invitations.get(invitationId),
  ]);

describe('the answer page', () => {
  it('R03 changes nothing when all links of a mail are opened three times, by GET and by HEAD', async () => {
    const before = await everything();

    for (const url of [links().answer, links().unsub, ...[0, 5, 10].map((score) => `${links().answer}?a=${score}`)]) {
      for (const method of ['GET', 'HEAD', 'GET', 'HEAD', 'GET', 'HEAD']) {
        const response = await fetch(url, { method });
        expect(response.status).toBe(200);
        const text = await response.text();
        if (method === 'HEAD') expect(text).toBe('');
      }
    }

    expect(await everything()).toBe(before);
  });

  it('shows the score of the link chosen and not sent, in the language of the invitation, and switches it', async () => {
    const english = await (await fetch(`${links().answer}?a=9`)).text();
    const chinese = await (await fetch(`${links().answer}?a=9&lang=zh-CN`)).text();

    expect(english).toMatch(/value="9" required\s+checked/u);
    expect(english.match(/checked/gu)).toHaveLength(1 + (english.match(/input:checked/gu)?.length ?? 0));
    expect(english).toContain('<html lang="en">');
    expect(chinese).toContain('<html lang="zh-CN">');
    expect(chinese).toContain('提交');
    for (const { language, html } of [
      { language: 'en', html: english },
      { language: 'zh-CN', html: chinese },
    ] as const) {
      expect(html).toContain(
        mailText(language, 'survey.question.nps', { company: language === 'en' ? 'Example Bank' : '示例银行' }),
      );
    }
  });

  it('R11 records an answer by POST of the form alone, without a script', async () => {
    const html = await (await fetch(links().answer)).text();
    expect(html).not.toMatch(/<script|onload|onclick|javascript:/iu);

    const response = await post(links().answer, { score: '9', comment: 'fine' });

    expect(response.status).toBe(200);
    expect(await response.text()).toContain('Thank you');
    expect((await stores.answers.get(invitationId))?.answer).toMatchObject({ score: 9, comment: 'fine', version: 1 });
    const facts = stores.customers.all.get('c1');
    expect(facts?.factsRev).toBe(2);
    expect(facts?.answers[invitationId]).toMatchObject({
      value: 0.9,
      scale: '0-10',
      date: '2026-06-02',
      suspect: false,
    });
  });

  it('R12 keeps one answer per invitation: a later POST replaces the score and keeps an earlier comment', async () => {
    await post(links().answer, { score: '9', comment: 'fine' });
    clock.moveBy(60_000);
    await post(links().answer, { score: '4', comment: '' });
    await post(links().answer, { score: '4', comment: '' });

    const stored = await stores.answers.get(invitationId);
    expect(stored?.answer).toMatchObject({ score: 4, comment: 'fine', version: 2 });
    expect(stored?.answer.history).toHaveLength(1);
    expect(stored?.pending).toBe(false);
    expect(Object.keys(stores.customers.all.get('c1')?.answers ?? {})).toEqual([invitationId]);
  });

  it('R12 answers 410 after the survey has closed and writes nothing', async () => {
    const url = links().answer;
    clock.moveTo(CLOSES);
    const before = await everything();

    expect((await fetch(url)).status).toBe(410);
    expect((await post(url, { score: '9' })).status).toBe(410);
    expect(await everything()).toBe(before);
  });

  it('R13 keeps machine-like answers out of scores and cases until a person confirms', async () => {
    await post(links().answer, { score: '0', comment: 'x', website: 'http://spam' });
    expect(stores.customers.all.get('c1')?.answers[invitationId]?.suspect).toBe(true);
    expect(await stores.cases.listOpen()).toEqual([]);

    clock.moveBy(60_000);
    await post(links().answer, { score: '0', comment: 'x' });

    expect(stores.customers.all.get('c1')?.answers[invitationId]).toMatchObject({ suspect: false, version: 2 });
    expect(await stores.cases.listOpen()).toHaveLength(1);
  });

  it('R13 suspects an answer within three seconds of delivery and a burst over the scores', async () => {
    clock.moveTo(new Date(Date.parse(NOW) + 2_000).toISOString());
    await post(links().answer, { score: '9' });
    expect((await stores.answers.get(invitationId))?.answer.signals).toEqual(['tooFast']);

    clock.moveBy(10_000);
    for (let score = 0; score <= 10; score += 1) await post(links().answer, { score: String(score) });
    expect((await stores.answers.get(invitationId))?.answer).toMatchObject({ suspect: true, signals: ['burst'] });
  });

  it('R32 opens a case for a low answer with a comment, owned by the manager, due in a day', async () => {
    await post(links().answer, { score: '3', comment: 'too slow' });

    const [opened] = await stores.cases.listOpen();
    expect(opened).toMatchObject({ caseId: invitationId, owner: { kind: 'manager', name: 'M1' }, reason: 'lowAnswer' });
    expect(Date.parse(opened?.dueAt ?? '') - Date.parse(opened?.openedAt ?? '')).toBe(DAY_MS);
    expect(stores.customers.all.get('c1')?.openCase).toBe(invitationId);
  });

  it('loses no answer when the projection fails: the sweeper brings it to the customer later', async () => {
    const { put } = stores.customers;
    stores.customers.put = async () => {
      throw new RetryableError('store-unavailable', 'no');
    };
    const response = await post(links().answer, { score: '7' });
    expect(response.status).toBe(200);
    expect(failures).toHaveLength(1);
    expect((await stores.answers.get(invitationId))?.pending).toBe(true);

    stores.customers.put = put;
    expect(await projectPendingAnswers(ports())).toEqual({ projected: 1, failed: 0 });
    expect(stores.customers.all.get('c1')?.answers[invitationId]?.value).toBe(0.7);
    expect(await projectPendingAnswers(ports())).toEqual({ projected: 0, failed: 0 });
  });

  it('thanks nobody whose answer could not be stored', async () => {
    stores.answers.put = async () => {
      throw new RetryableError('store-unavailable', 'no');
    };

    const response = await post(links().answer, { score: '7' });

    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('Thank you');
  });

  it('R22 sends its security headers with every response and loads nothing from elsewhere', async () => {
    const url = links().answer;
    const responses = await Promise.all([
      fetch(url),
      fetch(url, { method: 'HEAD' }),
      fetch(`${base}/nothing`),
      fetch(`${base}/r/forged`),
      fetch(url, { method: 'PUT' }),
      post(url, { score: '99' }),
      post(links().unsub, { 'List-Unsubscribe': 'One-Click' }),
    ]);

    for (const response of responses) {
      expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'/u);
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('x-robots-tag')).toContain('noindex');
      expect(response.headers.get('set-cookie')).toBeNull();
      expect(await response.text()).not.toMatch(/(?:src|href)="(?:https?:)?\/\//u);
    }
  });

  it('R23 refuses wrong methods, types, sizes, fields and scores, each with a page that says what to do', async () => {
    const url = links().answer;
    const before = await everything();
    const json = { body: '{"score":9}', headers: { 'Content-Type': 'application/json' } };
    const expected: [Promise<Response>, number][] = [
      [fetch(url, { method: 'DELETE' }), 405],
      [post(url, {}, json), 415],
      [post(url, { score: '9', comment: 'x'.repeat(9000) }), 413],
      [post(url, { score: '9', comment: 'x'.repeat(1_000_000) }), 413],
      [post(url, { score: '9', comment: '好'.repeat(1000) }), 413],
      [post(url, { score: '11' }), 400],
      [post(url, { score: '9.5' }), 400],
      [post(url, { score: '-1' }), 400],
      [post(url, { score: '' }), 400],
      [post(url, {}), 400],
      [post(url, { score: '9', admin: '1' }), 400],
      [post(url, { score: '9', wish: 'money' }), 400],
      [post(url, { score: '9', comment: 'x'.repeat(1001) }), 400],
    ];

    for (const [response, status] of expected) {
      const received = await response;
      expect(received.status).toBe(status);
      expect(received.headers.get('content-type')).toContain('text/html');
      expect((await received.text()).length).toBeGreaterThan(500);
    }
    expect(await everything()).toBe(before);
  });

  it('takes a comment of a thousand characters, Chinese or emoji, sent as the form sends it', async () => {
    for (const letter of ['好', '😀']) {
      const body = new FormData();
      body.set('score', '9');
      body.set('comment', letter.repeat(1000));

      const response = await fetch(links().answer, { method: 'POST', body });

      expect(response.status).toBe(200);
      expect((await stores.answers.get(invitationId))?.answer.comment).toBe(letter.repeat(1000));
    }
    expect(await (await fetch(links().answer)).text()).toContain('enctype="multipart/form-data"');
  });

  it('R23 answers forged, foreign and unknown tokens with the same bytes', async () => {
    const unknown = issueLinkToken(LINK_KEYS, 'answer', {
      invitationId: Buffer.alloc(16, 99).toString('base64url'),
      expiresAt: CLOSES,
    });
    const foreign = issueLinkToken({ currentKid: 'k9', keys: { k9: new Uint8Array(32) } }, 'answer', {
      invitationId,
      expiresAt: CLOSES,
    });
    const swapped = links().unsub.replace('/u/', '/r/');
    const urls = [`${base}/r/${unknown}`, `${base}/r/${foreign}`, swapped, links().answer.slice(0, -1), `${base}/r/x`];

    const answers = await Promise.all(
      urls.map(async (url) => {
        const response = await fetch(url);
        return `${response.status} ${await response.text()}`;
      }),
    );

    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^404 /u);
    const posted = await Promise.all(urls.map(async (url) => (await post(url, { score: '9' })).text()));
    expect(new Set(posted).size).toBe(1);
  });

  it('R24 escapes what the customer wrote when it shows the form again, and drops control characters', async () => {
    const nasty = '"><img src=x onerror=alert(1)>\u0000\u202e</textarea>';
    await post(links().answer, { score: '9', comment: nasty });

    const html = await (await fetch(links().answer)).text();

    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img');
    expect((await stores.answers.get(invitationId))?.answer.comment).toBe('"><img src=x onerror=alert(1)></textarea>');
  });

  it('R20 has no address, name, customer id or segment in any of its links', async () => {
    const html = await (await fetch(`${links().answer}?a=9`)).text();
    const urls = [...html.matchAll(/(?:href|action)="([^"]*)"/gu)].map((match) => match[1]).join(' ');

    expect(`${urls} ${links().answer} ${links().unsub}`).not.toMatch(/c1|hold|example\.com|M1|north/u);
  });
});

describe('the unsubscribe page', () => {
  it('R02 takes a one-click POST and answers 200 without body, redirect or cookie', async () => {
    const response = await post(links().unsub, { 'List-Unsubscribe': 'One-Click' });

    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    expect((await stores.contacts.get(addressKey))?.unsubscribed).toBeDefined();
  });

  it('R02 takes the one-click POST as multipart form data as well', async () => {
    const body = new FormData();
    body.set('List-Unsubscribe', 'One-Click');

    const response = await fetch(links().unsub, { method: 'POST', body });

    expect(response.status).toBe(200);
    expect((await stores.contacts.get(addressKey))?.unsubscribed).toBeDefined();
  });

  it('R21 works thirty days and more after the survey has closed', async () => {
    const url = links().unsub;
    clock.moveTo(new Date(Date.parse(CLOSES) + 60 * DAY_MS).toISOString());

    expect((await fetch(url)).status).toBe(200);
    expect((await post(url, { action: 'unsubscribe' })).status).toBe(200);
    expect((await stores.contacts.get(addressKey))?.unsubscribed).toBeDefined();
  });

  it('says what unsubscribing covers and can be undone', async () => {
    const done = await (await post(links().unsub, { action: 'unsubscribe' })).text();
    expect(done).toContain('accounts and contracts are not affected');

    const undone = await post(links().unsub, { action: 'resubscribe' });

    expect(undone.status).toBe(200);
    expect((await stores.contacts.get(addressKey))?.unsubscribed).toBeUndefined();
  });

  it('R23 refuses any other form', async () => {
    expect((await post(links().unsub, { action: 'delete' })).status).toBe(400);
    expect((await post(links().unsub, {})).status).toBe(400);
    expect((await stores.contacts.get(addressKey))?.unsubscribed).toBeUndefined();
  });
});

describe('page texts', () => {
  it('R33 have every text and every placeholder in both languages', () => {
    for (const key of PAGE_TEXT_KEYS) expect(placeholdersOf('zh-CN', key), key).toBe(placeholdersOf('en', key));
    expect(pageText('zh-CN', 'thanks', { score: 9 })).toContain('9');
  });
});
