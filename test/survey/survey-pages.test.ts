import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { judgeAnswer } from '#shared/application/judge-answer.ts';
import { PAGE_TEXT_KEYS, pageText, placeholdersOf } from '#shared/application/pages/page-text.ts';
import { projectPendingAnswers } from '#shared/application/project-answer.ts';
import { issueLinkToken } from '#shared/domain/link-token.ts';
import { mailText } from '#shared/domain/mail-text.ts';
import { RetryableError } from '#shared/errors.ts';
import { CLOSES, drawnWave, LINK_KEYS, NOW } from './memory.ts';
import { DAY_MS, type PagesBench, post, startPages } from './pages-bench.ts';

let pages: PagesBench;
beforeAll(async () => {
  pages = await startPages();
});
afterAll(() => pages.stop());
beforeEach(() => pages.reset());

describe('the answer page', () => {
  it('R03 changes nothing when all links of a mail are opened three times, by GET and by HEAD', async () => {
    const before = await pages.everything();

    for (const url of [
      pages.links().answer,
      pages.links().unsub,
      ...[0, 5, 10].map((score) => `${pages.links().answer}?a=${score}`),
    ]) {
      for (const method of ['GET', 'HEAD', 'GET', 'HEAD', 'GET', 'HEAD']) {
        const response = await fetch(url, { method });
        expect(response.status).toBe(200);
        const text = await response.text();
        if (method === 'HEAD') expect(text).toBe('');
      }
    }

    expect(await pages.everything()).toBe(before);
  });

  it('shows the score of the link chosen and not sent, in the language of the invitation, and switches it', async () => {
    const english = await (await fetch(`${pages.links().answer}?a=9`)).text();
    const chinese = await (await fetch(`${pages.links().answer}?a=9&lang=zh-CN`)).text();

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

  it('says on every page, in its language, what the company has to say by law', async () => {
    for (const url of [pages.links().answer, pages.links().unsub]) {
      const page = await (await fetch(url)).text();
      expect(page).toContain('<p>Data protection officer: Zhou Min</p></footer>');
    }
    expect(await (await fetch(`${pages.links().answer}?lang=zh-CN`)).text()).toContain('个人信息保护负责人：周敏');
  });

  it('R11 records an answer by POST of the form alone, without a script', async () => {
    const html = await (await fetch(pages.links().answer)).text();
    expect(html).not.toMatch(/<script|onload|onclick|javascript:/iu);

    const response = await post(pages.links().answer, { score: '9', comment: 'fine' });

    expect(response.status).toBe(200);
    expect(await response.text()).toContain('Thank you');
    expect((await pages.stores.answers.get(pages.invitationId))?.answer).toMatchObject({
      score: 9,
      comment: 'fine',
      version: 1,
    });
    const facts = pages.stores.customers.all.get('c1');
    expect(facts?.factsRev).toBe(2);
    expect(facts?.answers[pages.invitationId]).toMatchObject({
      value: 0.9,
      scale: '0-10',
      date: '2026-06-02',
      suspect: false,
    });
  });

  it('R12 keeps one answer per invitation: a later POST replaces the score and keeps an earlier comment', async () => {
    await post(pages.links().answer, { score: '9', comment: 'fine' });
    pages.clock.moveBy(60_000);
    await post(pages.links().answer, { score: '4', comment: '' });
    await post(pages.links().answer, { score: '4', comment: '' });

    const stored = await pages.stores.answers.get(pages.invitationId);
    expect(stored?.answer).toMatchObject({ score: 4, comment: 'fine', version: 2 });
    expect(stored?.answer.history).toHaveLength(1);
    expect(stored?.pending).toBe(false);
    expect(Object.keys(pages.stores.customers.all.get('c1')?.answers ?? {})).toEqual([pages.invitationId]);
  });

  it('R12 keeps the factor through a later POST without one, takes it back when asked, and remembers what was before', async () => {
    const factors: (string | undefined)[] = [];
    for (const fields of [{ factor: 'price' }, {}, { factor: 'service' }, { factor: 'none' }, {}]) {
      await post(pages.links().answer, { score: '9', ...fields });
      factors.push((await pages.stores.answers.get(pages.invitationId))?.answer.factor);
      pages.clock.moveBy(60_000);
    }

    expect(factors).toEqual(['price', 'price', 'service', undefined, undefined]);
    const stored = (await pages.stores.answers.get(pages.invitationId))?.answer;
    expect(stored?.history.map((version) => version.factor)).toEqual(['price', 'service']);
    expect(await (await fetch(pages.links().answer)).text()).not.toMatch(/name="factor" value="\w+"\s+checked/u);
  });

  it('shows the factor that was named when the form is opened again', async () => {
    await post(pages.links().answer, { score: '9', factor: 'wordOfMouth' });

    expect(await (await fetch(`${pages.links().answer}?a=2`)).text()).toMatch(/value="wordOfMouth"\s+checked/u);
  });

  it('shows a form in another language with all that is in it, and stores nothing', async () => {
    await post(pages.links().answer, { score: '9', comment: 'kept' });
    const before = await pages.everything();

    const response = await post(`${pages.links().answer}?lang=en`, {
      score: '4',
      comment: 'half a sen',
      factor: 'brand',
      wish: 'call',
      language: 'zh-CN',
    });

    expect(response.status).toBe(200);
    const html = await response.text();
    expect(html).toContain('<html lang="zh-CN">');
    for (const part of [
      'value="4" required\\s+checked',
      '>half a sen<',
      'value="brand"\\s+checked',
      'value="call"\\s+checked',
    ])
      expect(html).toMatch(new RegExp(part, 'u'));
    expect(html).toContain('将保留您之前的意见');
    expect(await pages.everything()).toBe(before);

    pages.clock.moveTo(CLOSES);
    expect((await post(pages.links().answer, { score: '4', language: 'zh-CN' })).status).toBe(410);
    expect(await pages.everything()).toBe(before);
  });

  it.each([
    [{ score: '9' }, 'Your answer goes to the people who look after you'],
    [{ score: '3' }, 'Your answer goes to the people who look after you'],
    [{ score: '3', comment: 'slow' }, 'get in touch with you by 3 June 2026 at 10:00'],
    [{ score: '9', wish: 'call' }, 'will call you by 3 June 2026 at 10:00'],
    [{ score: '9', wish: 'complaint' }, 'We have taken up your complaint'],
    [{ score: '9', wish: 'notMe' }, 'Your answer is not counted'],
    [{ score: '9', website: 'x' }, 'It looks as if a program sent this answer'],
  ])('thanks for %j with what happens next: %s', async (fields, next) => {
    const html = await (await post(pages.links().answer, fields)).text();

    expect(html).toContain(next);
    expect(html).toContain(`recorded your answer: ${fields.score} out of 10`);
    expect(html).toContain('Change the answer');
    expect(html).toContain('until 22 June 2026 at 09:59');
    expect(html).toMatch(/href="..\/u\/[^"]+\?lang=en">No more surveys/u);
    const [opened] = await pages.stores.cases.listOpen();
    expect(opened?.dueAt).toBe(next.includes('3 June') || 'wish' in fields ? '2026-06-03T02:00:00.000Z' : undefined);
  });

  it('takes "not meant for me" without a score as a case and as no answer that counts or could count', async () => {
    const html = await (await post(pages.links().answer, { wish: 'notMe' })).text();

    expect(html).toContain('We have recorded that this mail was not meant for you.');
    expect(html).toContain('Your answer is not counted');
    expect(html).not.toMatch(/null|undefined|out of 10/u);
    const [opened] = await pages.stores.cases.listOpen();
    expect(opened).toMatchObject({ reason: 'wrongPerson', score: null });
    const [stored] = await pages.stores.answers.list('all');
    expect(stored?.answer).toMatchObject({ score: null, suspect: true, signals: ['notMe'] });
    const facts = await pages.stores.customers.get(stored?.answer.customerId ?? '');
    expect(Object.values(facts?.answers ?? {})).toMatchObject([{ suspect: true }]);
    const verdict = { decision: 'confirmed', by: 'Zhao Lei', reason: 'called' } as const;
    await expect(
      judgeAnswer(stored?.answer.answerId ?? '', verdict, {
        ...pages.stores,
        clock: pages.clock,
        businessTimeZone: 'UTC',
      }),
    ).rejects.toMatchObject({ code: 'answer-without-score' });

    // It was the right person after all.
    pages.clock.moveTo(new Date(Date.parse(pages.clock.now()) + 60_000).toISOString());
    expect(await (await post(pages.links().answer, { score: '9' })).text()).toContain('your answer: 9 out of 10');
    const [corrected] = await pages.stores.answers.list('all');
    expect(corrected?.answer).toMatchObject({ score: 9, suspect: false, wishes: [] });
  });

  it('keeps the score of before where somebody says later that the mail was not meant for them', async () => {
    await post(pages.links().answer, { score: '3', comment: 'slow' });
    pages.clock.moveTo(new Date(Date.parse(pages.clock.now()) + 60_000).toISOString());
    await post(pages.links().answer, { wish: 'notMe' });

    const [stored] = await pages.stores.answers.list('all');
    expect(stored?.answer).toMatchObject({ score: 3, comment: 'slow', suspect: true });
  });

  it.each([[{}], [{ wish: 'call' }], [{ score: '11', wish: 'notMe' }], [{ score: 'x', wish: 'notMe' }]])(
    'refuses %j, since a score is missing or is none',
    async (fields) => {
      const refused = await post(pages.links().answer, fields);

      expect(refused.status).toBe(400);
      expect(await refused.text()).toContain('id="problem"');
      expect(await pages.stores.answers.list('all')).toEqual([]);
    },
  );

  it('R12 answers 410 after the survey has closed and writes nothing', async () => {
    const url = pages.links().answer;
    pages.clock.moveTo(CLOSES);
    const before = await pages.everything();

    const closed = await fetch(url);
    expect(closed.status).toBe(410);
    const html = await closed.text();
    expect(html).toContain('This survey has closed');
    expect(html).toMatch(/href="..\/u\//u);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(410);
    expect((await post(url, { score: '9' })).status).toBe(410);
    expect(await pages.everything()).toBe(before);
  });

  it('R13 keeps machine-like answers out of scores and cases until a person confirms', async () => {
    await post(pages.links().answer, { score: '0', comment: 'x', website: 'http://spam' });
    expect(pages.stores.customers.all.get('c1')?.answers[pages.invitationId]?.suspect).toBe(true);
    expect(await pages.stores.cases.listOpen()).toEqual([]);

    pages.clock.moveBy(60_000);
    await post(pages.links().answer, { score: '0', comment: 'x' });

    expect(pages.stores.customers.all.get('c1')?.answers[pages.invitationId]).toMatchObject({
      suspect: false,
      version: 2,
    });
    expect(await pages.stores.cases.listOpen()).toHaveLength(1);
  });

  it('R13 suspects an answer within three seconds of delivery and a burst over the scores', async () => {
    pages.clock.moveTo(new Date(Date.parse(NOW) + 2_000).toISOString());
    await post(pages.links().answer, { score: '9' });
    expect((await pages.stores.answers.get(pages.invitationId))?.answer.signals).toEqual(['tooFast']);

    pages.clock.moveBy(10_000);
    for (let score = 0; score <= 10; score += 1) await post(pages.links().answer, { score: String(score) });
    expect((await pages.stores.answers.get(pages.invitationId))?.answer).toMatchObject({
      suspect: true,
      signals: ['burst'],
    });
  });

  it('R32 opens a case for a low answer with a comment, owned by the manager, due in a day', async () => {
    await post(pages.links().answer, { score: '3', comment: 'too slow' });

    const [opened] = await pages.stores.cases.listOpen();
    expect(opened).toMatchObject({
      caseId: pages.invitationId,
      owner: { kind: 'manager', name: 'M1' },
      reason: 'lowAnswer',
    });
    expect(Date.parse(opened?.dueAt ?? '') - Date.parse(opened?.openedAt ?? '')).toBe(DAY_MS);
    expect(pages.stores.customers.all.get('c1')?.openCase).toBe(pages.invitationId);
  });

  it('loses no answer when the projection fails: the sweeper brings it to the customer later', async () => {
    const { put } = pages.stores.customers;
    pages.stores.customers.put = async () => {
      throw new RetryableError('store-unavailable', 'no');
    };
    const response = await post(pages.links().answer, { score: '7' });
    expect(response.status).toBe(200);
    expect(pages.failures).toHaveLength(1);
    expect((await pages.stores.answers.get(pages.invitationId))?.pending).toBe(true);

    pages.stores.customers.put = put;
    expect(await projectPendingAnswers(pages.ports())).toEqual({ projected: 1, failed: 0 });
    expect(pages.stores.customers.all.get('c1')?.answers[pages.invitationId]?.value).toBe(0.7);
    expect(await projectPendingAnswers(pages.ports())).toEqual({ projected: 0, failed: 0 });
  });

  it('thanks nobody whose answer could not be stored, and shows the form with all of it again', async () => {
    pages.stores.answers.put = async () => {
      throw new RetryableError('store-unavailable', 'no');
    };

    const response = await post(pages.links().answer, { score: '7', comment: 'long thought', factor: 'brand' });

    expect(response.status).toBe(503);
    const html = await response.text();
    expect(html).not.toContain('Thank you');
    expect(html).toContain('could not be stored');
    expect(html).toContain('>long thought<');
    expect(html).toMatch(/value="7" required\s+checked/u);
    expect(html).toMatch(/value="brand"\s+checked/u);
    expect(pages.failures).toHaveLength(1);
  });

  it('R22 sends its security headers with every response and loads nothing from elsewhere', async () => {
    const url = pages.links().answer;
    const responses = await Promise.all([
      fetch(url),
      fetch(url, { method: 'HEAD' }),
      fetch(`${pages.base}/nothing`),
      fetch(`${pages.base}/r/forged`),
      fetch(url, { method: 'PUT' }),
      post(url, { score: '99' }),
      post(pages.links().unsub, { 'List-Unsubscribe': 'One-Click' }),
      post(url, { score: '9' }),
      post(url, { score: '9', language: 'zh-CN' }),
    ]);
    pages.stores.invitations.get = async () => {
      throw new RetryableError('store-unavailable', 'no');
    };
    responses.push(await fetch(url));
    pages.stores.invitations = (await drawnWave(0)).invitations;
    responses.push(await fetch(url));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 404, 404, 405, 400, 200, 200, 200, 503, 404]);

    for (const response of responses) {
      expect(response.headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/u,
      );
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('x-robots-tag')).toContain('noindex');
      expect(response.headers.get('set-cookie')).toBeNull();
      expect(await response.text()).not.toMatch(/(?:src|href)="(?:https?:)?\/\//u);
    }
  });

  it('R23 refuses wrong methods, types, sizes, fields and scores, each with a page that says what to do', async () => {
    const url = pages.links().answer;
    const before = await pages.everything();
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
      [post(url, { score: '9', factor: 'weather' }), 400],
      [post(url, { score: '9', factor: '' }), 400],
      [post(url, { score: '9', language: 'fr' }), 400],
      [fetch(url, { method: 'POST', body: new URLSearchParams('score=9&score=0') }), 400],
      [fetch(url, { method: 'POST', body: new URLSearchParams('score=9&factor=price&factor=brand') }), 400],
      [post(url, { score: '9', comment: 'x'.repeat(1001) }), 400],
    ];

    for (const [response, status] of expected) {
      const received = await response;
      expect(received.status).toBe(status);
      expect(received.headers.get('content-type')).toContain('text/html');
      expect((await received.text()).length).toBeGreaterThan(500);
    }
    expect(await pages.everything()).toBe(before);
  });

  it('R11 R23 stores nothing but an explicit score of the scale, whatever else a form has in it', async () => {
    const anyField = fc.tuple(
      fc.oneof(
        fc.constantFrom('score', 'comment', 'factor', 'wish', 'website', 'language', '__proto__', 'Score'),
        fc.string({ maxLength: 8 }),
      ),
      fc.oneof(
        fc.constantFrom('9', '0', '10', '11', '1e1', ' 9', '٣', 'price', 'none', 'call', 'notMe', 'zh-CN', '', '[]'),
        fc.string({ unit: 'binary', maxLength: 20 }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyField, { maxLength: 6 }), async (fields) => {
        pages.clock.moveBy(60_000);
        const before = await pages.everything();
        const earlier = (await pages.stores.answers.get(pages.invitationId))?.answer.score ?? null;
        const form = new URLSearchParams(fields);

        const response = await fetch(pages.links().answer, { method: 'POST', body: form });

        const text = await response.text();
        expect([200, 400]).toContain(response.status);
        const isThanks = text.includes('Thank you');
        if (!isThanks) expect(await pages.everything()).toBe(before);
        const explicit = form.getAll('score').join();
        // Whom the mail does not concern says so without a score, which leaves an earlier one.
        const isWithout = explicit === '' && form.getAll('wish').includes('notMe');
        if (isThanks && !isWithout) expect(explicit).toMatch(/^(?:\d|10)$/u);
        const stored = (await pages.stores.answers.get(pages.invitationId))?.answer;
        if (isThanks) expect(stored?.score).toBe(isWithout ? earlier : Number(explicit));
      }),
      { numRuns: 150, examples: [[[['wish', 'notMe']]]] },
    );
    expect(pages.failures).toEqual([]);
  });

  it('R12 keeps every one of several forms that arrive at the same time, and one answer', async () => {
    const factors = ['price', 'brand', 'wordOfMouth', 'service'] as const;
    const responses = await Promise.all(
      factors.map((factor, index) => post(pages.links().answer, { score: String(index), factor, comment: factor })),
    );

    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const stored = (await pages.stores.answers.get(pages.invitationId))?.answer;
    const versions = [...(stored?.history ?? []), stored];
    expect(versions.map((one) => one?.version)).toEqual([1, 2, 3, 4]);
    expect(new Set(versions.map((one) => one?.factor))).toEqual(new Set(factors));
    for (const one of versions) expect(one?.comment).toBe(one?.factor);
  });

  it('takes a comment of a thousand characters, Chinese or emoji, sent as the form sends it', async () => {
    for (const letter of ['好', '😀']) {
      const body = new FormData();
      body.set('score', '9');
      body.set('comment', letter.repeat(1000));

      const response = await fetch(pages.links().answer, { method: 'POST', body });

      expect(response.status).toBe(200);
      expect((await pages.stores.answers.get(pages.invitationId))?.answer.comment).toBe(letter.repeat(1000));
    }
    expect(await (await fetch(pages.links().answer)).text()).toContain('enctype="multipart/form-data"');
  });

  it('R23 answers forged, foreign and unknown tokens with the same bytes', async () => {
    const unknown = issueLinkToken(LINK_KEYS, 'answer', {
      invitationId: Buffer.alloc(16, 99).toString('base64url'),
      expiresAt: CLOSES,
    });
    const foreign = issueLinkToken({ currentKid: 'k9', keys: { k9: new Uint8Array(32) } }, 'answer', {
      invitationId: pages.invitationId,
      expiresAt: CLOSES,
    });
    const swapped = pages.links().unsub.replace('/u/', '/r/');
    const urls = [
      `${pages.base}/r/${unknown}`,
      `${pages.base}/r/${foreign}`,
      swapped,
      pages.links().answer.slice(0, -1),
      `${pages.base}/r/x`,
    ];

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
    await post(pages.links().answer, { score: '9', comment: nasty });

    const html = await (await fetch(pages.links().answer)).text();

    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img');
    expect((await pages.stores.answers.get(pages.invitationId))?.answer.comment).toBe(
      '"><img src=x onerror=alert(1)></textarea>',
    );
  });

  it('R20 has no address, name, customer id or segment in any of its links', async () => {
    const html = await (await fetch(`${pages.links().answer}?a=9`)).text();
    const urls = [...html.matchAll(/(?:href|action)="([^"]*)"/gu)].map((match) => match[1]).join(' ');

    expect(`${urls} ${pages.links().answer} ${pages.links().unsub}`).not.toMatch(/c1|hold|example\.com|M1|north/u);
  });
});

describe('the unsubscribe page', () => {
  it('R02 takes a one-click POST and answers 200 without body, redirect or cookie', async () => {
    const response = await post(pages.links().unsub, { 'List-Unsubscribe': 'One-Click' });

    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    expect((await pages.stores.contacts.get(pages.addressKey))?.unsubscribed).toBeDefined();
  });

  it('R02 takes the one-click POST as multipart form data as well', async () => {
    const body = new FormData();
    body.set('List-Unsubscribe', 'One-Click');

    const response = await fetch(pages.links().unsub, { method: 'POST', body });

    expect(response.status).toBe(200);
    expect((await pages.stores.contacts.get(pages.addressKey))?.unsubscribed).toBeDefined();
  });

  it('R21 works thirty days and more after the survey has closed', async () => {
    const url = pages.links().unsub;
    pages.clock.moveTo(new Date(Date.parse(CLOSES) + 60 * DAY_MS).toISOString());

    expect((await fetch(url)).status).toBe(200);
    expect((await post(url, { action: 'unsubscribe' })).status).toBe(200);
    expect((await pages.stores.contacts.get(pages.addressKey))?.unsubscribed).toBeDefined();
  });

  it('says what unsubscribing covers and can be undone', async () => {
    const done = await (await post(pages.links().unsub, { action: 'unsubscribe' })).text();
    expect(done).toContain('accounts and contracts are not affected');

    const undone = await post(pages.links().unsub, { action: 'resubscribe' });

    expect(undone.status).toBe(200);
    expect((await pages.stores.contacts.get(pages.addressKey))?.unsubscribed).toBeUndefined();
  });

  it('R03 tells how things are without changing them, before and after', async () => {
    const before = await pages.everything();
    expect(await (await fetch(pages.links().unsub)).text()).toContain('No more surveys?');
    expect(await pages.everything()).toBe(before);

    await post(pages.links().unsub, { 'List-Unsubscribe': 'One-Click' });
    const after = await pages.everything();
    const html = await (await fetch(pages.links().unsub)).text();

    expect(html).toContain('You will get no more surveys');
    expect(html).toContain('Undo');
    expect(await pages.everything()).toBe(after);
  });

  it('says when its own link has expired, and writes nothing', async () => {
    const url = pages.links().unsub;
    pages.clock.moveBy(3 * 365 * DAY_MS);
    const before = await pages.everything();

    const response = await post(url, { action: 'unsubscribe' });

    expect(response.status).toBe(410);
    expect(await response.text()).toContain('This link has expired');
    expect(await pages.everything()).toBe(before);
  });

  it('R23 refuses any other form', async () => {
    expect((await post(pages.links().unsub, { action: 'delete' })).status).toBe(400);
    expect((await post(pages.links().unsub, {})).status).toBe(400);
    expect((await pages.stores.contacts.get(pages.addressKey))?.unsubscribed).toBeUndefined();
  });
});

describe('page texts', () => {
  it('R33 have every text and every placeholder in both languages', () => {
    for (const key of PAGE_TEXT_KEYS) expect(placeholdersOf('zh-CN', key), key).toBe(placeholdersOf('en', key));
    expect(pageText('zh-CN', 'thanks', { score: 9 })).toContain('9');
  });
});
