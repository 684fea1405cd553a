import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { composeNotice, composeSurveyMail, type NoticeInput } from '#shared/application/compose-mail.ts';
import { MAIL_COLOURS } from '#shared/application/mail/mail-layout.ts';
import { MAIL_LANGUAGES, MAIL_TEXTS, mailText, placeholdersOf } from '#shared/domain/mail-text.ts';
import { contrast } from '#test/support/contrast.ts';
import { survey, TOKEN } from './mail-bench.ts';

const notice = (over: Partial<NoticeInput> = {}): NoticeInput => ({
  kind: 'runHeld',
  language: 'en',
  to: 'ops@bank.example.com',
  sender: { company: 'Example Bank', address: 'survey@bank.example.com', postalAddress: '1 Example Road' },
  id: '2026-05-monthly',
  asOf: '2026-05-31',
  brakes: [{ brake: 'movedShare', limit: 0.15, actual: 0.2234, message: '22.3 % of customers would move' }],
  commands: {
    goOn: 'resegment apply 2026-05-monthly --override movedShare --reason "…"',
    discard: 'resegment run abandon 2026-05-monthly',
  },
  ...over,
});

const LANGUAGE_AND_KIND = MAIL_LANGUAGES.flatMap((language) =>
  (['invitation', 'reminder'] as const).flatMap((kind) =>
    (['nps', 'csat', 'ces'] as const).map((question) => ({ language, kind, question })),
  ),
);

const rawText = (raw: Uint8Array): string => Buffer.from(raw).toString('latin1');
/** Printable ASCII, tabs and line breaks only. */
const isSevenBit = (raw: Uint8Array): boolean =>
  raw.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte <= 126));
const headerBlock = (raw: Uint8Array): string => rawText(raw).split('\r\n\r\n')[0] ?? '';

describe('the catalogues', () => {
  it('R33 have the same keys and the same values in both languages', () => {
    expect(Object.keys(MAIL_TEXTS['zh-CN']).sort()).toEqual(Object.keys(MAIL_TEXTS.en).sort());
    for (const key of Object.keys(MAIL_TEXTS.en) as (keyof typeof MAIL_TEXTS.en)[]) {
      const [en, zh] = [MAIL_TEXTS.en[key], MAIL_TEXTS['zh-CN'][key]].map(placeholdersOf);
      expect(zh, key).toEqual(en);
      expect(MAIL_TEXTS['zh-CN'][key], key).toMatch(/\p{Script=Han}/u);
    }
  });

  it('R33 refuse a sentence whose value is missing, and read no value as a sentence', () => {
    expect(() => mailText('en', 'survey.greeting')).toThrow(/\{name\}/u);
    expect(mailText('en', 'survey.greeting', { name: '{company} $& {name}' })).toBe('Dear {company} $& {name},');
  });
});

describe('a survey mail', () => {
  it.each(LANGUAGE_AND_KIND)('R34 is 7-bit, short-lined and small: $language $kind $question', async (variant) => {
    const mail = await composeSurveyMail(survey(variant));
    const raw = rawText(mail.raw);

    expect(isSevenBit(mail.raw)).toBe(true);
    for (const line of raw.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
    for (const line of raw.split('\r\n').filter((one) => !one.includes('https://')))
      expect(line.length).toBeLessThanOrEqual(78);
    expect(mail.html.length).toBeLessThan(30_000);
    expect(raw.match(/charset=utf-8/giu)).toHaveLength(2);
    expect(mail.html).toContain(`<html lang="${variant.language}"`);
    expect(mail.html).not.toMatch(/<(img|script|link|iframe|object|form|svg|video)\b|url\(|@import|@font-face/iu);
    expect(mail.html).not.toMatch(/\bsrc=/iu);
  });

  it.each(['x'.repeat(5_000), '王'.repeat(5_000), 'a b '.repeat(2_000), '"'.repeat(3_000), '😀'.repeat(2_000)])(
    'R34 stays within its limits however long the names are (%#)',
    async (name) => {
      const mail = await composeSurveyMail(
        survey({ recipient: { name, address: 'a@example.com' }, signatory: { manager: name, branch: name } }),
      );

      expect(isSevenBit(mail.raw)).toBe(true);
      for (const line of rawText(mail.raw).split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
      expect(Buffer.byteLength(mail.html)).toBeLessThan(30_000);
      const parsed = await PostalMime.parse(mail.raw);
      expect(parsed.to?.[0]?.address).toBe('a@example.com');
      expect(parsed.to?.[0]?.name.isWellFormed()).toBe(true);
    },
  );

  it('R34 brings Chinese subject, names and bodies through another parser unharmed', async () => {
    const mail = await composeSurveyMail(survey({ recipient: { name: '欧阳，“小”<明>', address: 'o@example.com' } }));

    const parsed = await PostalMime.parse(mail.raw);

    expect(parsed.subject).toBe('示例银行：请用一个问题评价我们的服务');
    expect(parsed.from).toMatchObject({ name: '示例银行', address: 'survey@bank.example.com' });
    expect(parsed.to).toMatchObject([{ name: '欧阳，“小”<明>', address: 'o@example.com' }]);
    expect(parsed.replyTo).toMatchObject([{ address: 'care@bank.example.com' }]);
    expect(parsed.html?.replaceAll('\r\n', '\n').trim()).toBe(mail.html.trim());
    expect(parsed.text?.replaceAll('\r\n', '\n').trim()).toBe(mail.text.trim());
    expect(mail.html).toContain('欧阳，“小”&lt;明&gt;');
  });

  it.each(LANGUAGE_AND_KIND)(
    'R02 has the unsubscribe headers exactly once: $language $kind $question',
    async (variant) => {
      const mail = await composeSurveyMail(survey(variant));

      const parsed = await PostalMime.parse(mail.raw);

      expect(parsed.headers.filter(({ key }) => key === 'list-unsubscribe').map(({ value }) => value)).toEqual([
        `<${TOKEN.replace('/r/', '/u/')}>`,
      ]);
      expect(parsed.headers.filter(({ key }) => key === 'list-unsubscribe-post').map(({ value }) => value)).toEqual([
        'List-Unsubscribe=One-Click',
      ]);
    },
  );

  it.each(LANGUAGE_AND_KIND)(
    'R10 says who, where, why, that it is linked, and how to stop: $language $kind $question',
    async (variant) => {
      const mail = await composeSurveyMail(survey(variant));
      const values = { company: '示例银行' };

      for (const part of [mail.html, mail.text]) {
        for (const key of [
          'survey.purpose',
          'survey.use.linked',
          'survey.use.seen',
          'survey.use.affects',
          'survey.trust.never',
        ] as const) {
          expect(part).toContain(mailText(variant.language, key, values));
        }
        for (const word of [
          '示例银行',
          '上海市示例路1号',
          '邮编200000',
          '请致电955xx核实。',
          '李静',
          '浦东支行',
          '/u/k1.',
        ]) {
          expect(part).toContain(word);
        }
        expect(part).toContain(variant.language === 'en' ? '14 June 2026' : '2026年6月14日');
      }
      expect(mail.html).toContain(mailText(variant.language, 'survey.unsubscribe'));
    },
  );

  it.each(MAIL_LANGUAGES)('R10 praises and offers nothing: %s', (language) => {
    const sentences = Object.entries(MAIL_TEXTS[language]).filter(([key]) => key.startsWith('survey.'));

    expect(sentences.length).toBeGreaterThan(30);
    for (const [key, sentence] of sentences) {
      expect(sentence, key).not.toMatch(
        /discount|offer|gift|reward|prize|win\b|voucher|free\b|bonus|new product|recommend us|leading|best\b|优惠|折扣|礼品|奖|赠|抽|红包|积分|免费|新品|领先|最佳|推广/iu,
      );
    }
  });

  it('tells in plain text only what plain text has, with every link on a line of its own', async () => {
    const { text } = await composeSurveyMail(survey({ language: 'en' }));

    expect(text).toContain('There you choose a number from 0 to 10');
    expect(text).not.toContain('A number opens');
    expect(text).not.toMatch(/<[a-z]|&\w+;/iu);
    const links = text.split('\n').filter((line) => line.includes('https://'));
    expect(links).toEqual([TOKEN, `${TOKEN}?lang=en`, TOKEN.replace('/r/', '/u/')]);
  });

  it('says how long it takes, until when, who signs, where to reply, how to check it and that its links are personal', async () => {
    const mail = await composeSurveyMail(survey({ language: 'en' }));

    for (const part of [mail.html, mail.text]) {
      for (const word of [
        'takes about 1 minute',
        'until 14 June 2026',
        '李静, your account manager',
        '浦东支行',
        'people read what arrives at care@bank.example.com',
        '请致电955xx核实。',
        'We never ask for passwords, codes or payments',
        'The links are for you alone',
        'use it to improve our service',
      ]) {
        expect(part).toContain(word);
      }
    }
    expect((await PostalMime.parse(mail.raw)).replyTo?.map((one) => one.address)).toEqual(['care@bank.example.com']);
    expect(mail.html).toMatch(
      /<div style="display:none[^>]*>It takes about 1 minute and is open until 14 June 2026. No login.<\/div>/u,
    );
    expect(mail.html).toMatch(/<a class="link" href="[^"]*\?lang=en" lang="zh-CN"/u);
  });

  it.each([
    ['nps', 0, 10],
    ['csat', 1, 5],
    ['ces', 1, 7],
  ] as const)('R35 offers each score of %s as a named link of 44 pixels', async (question, from, to) => {
    const { html } = await composeSurveyMail(survey({ question, language: 'en' }));

    const tiles = [
      ...html.matchAll(/<a class="tile" href="([^"]*)"[^>]*aria-label="([^"]*)" style="([^"]*)">(\d+)</gu),
    ];

    expect(tiles.map((tile) => Number(tile[4]))).toEqual(
      Array.from({ length: to - from + 1 }, (_, index) => from + index),
    );
    for (const [, href, name, style, score] of tiles) {
      expect(href).toBe(`${TOKEN}?score=${score}`);
      expect(name).toMatch(new RegExp(`^${score}, on a scale from ${from} `, 'u'));
      expect(style).toMatch(/width:44px;height:44px/u);
      expect(style).toContain('inline-block');
    }
  });

  it('R35 has a contrast of at least 4.5 in light and dark', () => {
    for (const scheme of Object.values(MAIL_COLOURS)) {
      const pairs = [
        [scheme.ink, scheme.card],
        [scheme.soft, scheme.card],
        [scheme.soft, scheme.page],
        [scheme.link, scheme.card],
        [scheme.link, scheme.page],
        [scheme.tileInk, scheme.tile],
      ] as const;
      for (const [ink, ground] of pairs)
        expect(contrast(ink, ground), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('greets without a name where none is known, and signs as the company without a manager', async () => {
    const { text } = await composeSurveyMail(
      survey({ language: 'en', recipient: { name: ' ', address: 'a@example.com' }, signatory: {} }),
    );

    expect(text).toMatch(/^Hello,/u);
    expect(text).toContain('Kind regards\n示例银行');
    expect(text).not.toContain('account manager\n');
  });

  it('R24 R33 keeps everything that people wrote as text, whatever they wrote', async () => {
    await fc.assert(
      fc.asyncProperty(hostile(), hostile(), hostile(), async (name, company, branch) => {
        const mark = '"><b onload=x>&\'';
        const mail = await composeSurveyMail(
          survey({
            language: 'en',
            recipient: { name: name + mark, address: 'a@example.com' },
            sender: { company: company + mark, address: 's@bank.example.com', postalAddress: branch + mark },
            signatory: { manager: name + mark, branch: branch + mark },
            howToVerify: company + mark,
          }),
        );

        expect(mail.html).not.toContain('<b ');
        expect(mail.html.match(/<[a-z]+/giu)?.length).toBe((await plainMail()).html.match(/<[a-z]+/giu)?.length);
      }),
      { numRuns: 40 },
    );
  });

  it('R24 lets no name, company or subject start a header of its own', async () => {
    const names = headerNames((await plainMail()).raw);
    await fc.assert(
      fc.asyncProperty(hostile(), hostile(), async (name, company) => {
        const mail = await composeSurveyMail(
          survey({
            language: 'en',
            recipient: { name: `${name}\r\nBcc: spy@evil.example\r\n\r\nbody`, address: 'a@example.com' },
            sender: {
              company: `${company}\nBcc: spy@evil.example\u2028X: y`,
              address: 's@bank.example.com',
              postalAddress: 'x',
            },
          }),
        );
        const parsed = await PostalMime.parse(mail.raw);

        expect(headerNames(mail.raw)).toEqual(names);
        expect(parsed.bcc ?? []).toEqual([]);
        expect(parsed.to).toHaveLength(1);
        expect(parsed.to?.[0]?.address).toBe('a@example.com');
        expect(parsed.from?.address).toBe('s@bank.example.com');
        expect(isSevenBit(mail.raw)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    'a@b.example\r\nBcc: x@y.z',
    'a b@example.com',
    'a@b@c.example',
    'a@example.com, b@example.com',
    '',
    '王@example.com',
    '<a@example.com>',
  ])('R24 refuses the address %j', async (address) => {
    await expect(composeSurveyMail(survey({ recipient: { name: 'A', address } }))).rejects.toMatchObject({
      name: 'PoisonError',
      code: 'address-malformed',
    });
  });

  it.each(['http://survey.bank.example.com/r/1', 'javascript:alert(1)', '/r/1', 'https://a b'])(
    'refuses the link %j',
    async (page) => {
      await expect(composeSurveyMail(survey({ links: { ...survey().links, page } }))).rejects.toMatchObject({
        code: 'link-not-https',
      });
    },
  );

  it('takes the plain http address of this machine, which the local stack uses', async () => {
    const { text } = await composeSurveyMail(
      survey({ links: { ...survey().links, page: 'http://127.0.0.1:8080/r/1' } }),
    );

    expect(text).toContain('\nhttp://127.0.0.1:8080/r/1\n');
  });
});

describe('a notice to operators', () => {
  it.each(MAIL_LANGUAGES)(
    'says which brake, by how much, and the commands to go on or discard: %s',
    async (language) => {
      const mail = await composeNotice(notice({ language }));
      const parsed = await PostalMime.parse(mail.raw);

      expect(parsed.subject).toContain('2026-05-monthly');
      for (const part of [mail.text, mail.html.replaceAll('&quot;', '"')]) {
        for (const word of [
          '22.34 %',
          '15 %',
          '22.3 % of customers would move',
          '--override movedShare --reason "…"',
          'run abandon',
        ]) {
          expect(part).toContain(word);
        }
      }
      expect(headerBlock(mail.raw)).not.toMatch(/list-unsubscribe/iu);
      expect(isSevenBit(mail.raw)).toBe(true);
    },
  );

  it('gives the error of a failed run, and the figures of brakes it has no name for', async () => {
    const mail = await composeNotice(
      notice({
        kind: 'runFailed',
        error: 'PermanentError: <policy> missing',
        brakes: [{ brake: 'odd', limit: 'a', actual: 3, message: 'm' }],
        commands: {},
      }),
    );

    expect(mail.text).toContain('PermanentError: <policy> missing');
    expect(mail.html).toContain('&lt;policy&gt;');
    expect(mail.text).toContain('Actual: 3');
  });
});

const plainMail = () =>
  composeSurveyMail(
    survey({ language: 'en', sender: { company: 'c', address: 's@bank.example.com', postalAddress: 'p' } }),
  );

/** Texts that people and attackers put into names, without line breaks of the postal address's kind. */
const hostile = () =>
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replaceAll(/[\r\n]/gu, '')),
    fc.constantFrom(
      '\u202eevil',
      '=?utf-8?B?QQ==?=',
      '"a" <b@c.d>',
      'x\u0000y\u000bz',
      '张三,李四;',
      '</td></table>',
      '{name}',
    ),
  );

const headerNames = (raw: Uint8Array): readonly string[] =>
  headerBlock(raw)
    .split(/\r\n(?![ \t])/u)
    .map((line) => line.split(':')[0] ?? '');
