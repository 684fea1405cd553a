import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { composeNotice } from '#shared/application/compose-mail.ts';
import { MAIL_LANGUAGES, type MailLanguage } from '#shared/domain/mail-text.ts';
import type { QuestionKind } from '#shared/domain/policy.ts';
import { findingsEverywhere, startBrowser, WCAG_TAGS } from '#test/support/browser.ts';
import { composedFor } from './mail-bench.ts';

let browser: Browser;
let context: BrowserContext;
let page: Page;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
});
afterEach(() => context.close());

const htmlOf = async (language: MailLanguage, question: QuestionKind = 'nps'): Promise<string> =>
  (await composedFor(language, question)).html;
const withoutStyleBlock = (html: string): string => html.replace(/<style>[\s\S]*?<\/style>/u, '');
const withoutStyles = (html: string): string => withoutStyleBlock(html).replaceAll(/ style="[^"]*"/gu, '');

describe('a survey mail in a real browser', () => {
  it.each(
    MAIL_LANGUAGES.flatMap((language) => (['nps', 'csat', 'ces'] as const).map((question) => ({ language, question }))),
  )(
    'R35 passes axe in light and dark and does not scroll sideways at 320 pixels: $language $question',
    async ({ language, question }) => {
      await page.setContent(await htmlOf(language, question));

      expect(await findingsEverywhere(page, WCAG_TAGS)).toEqual([]);
    },
  );

  it.each(MAIL_LANGUAGES)(
    'R35 stays readable in a program that drops the style block, or turns the page dark by itself: %s',
    async (language) => {
      await page.setContent(withoutStyleBlock(await htmlOf(language)));

      expect(await findingsEverywhere(page, WCAG_TAGS)).toEqual([]);
    },
  );

  it.each([
    ['nps', 11, 2],
    ['csat', 5, 1],
    ['ces', 7, 2],
  ] as const)('R35 wraps the scores of %s at 320 pixels', async (question, count, rows) => {
    await page.setViewportSize({ width: 320, height: 800 });
    await page.setContent(await htmlOf('zh-CN', question));

    const boxes = await page
      .locator('a.tile')
      .evaluateAll((tiles) => tiles.map((tile) => tile.getBoundingClientRect()));

    expect(boxes).toHaveLength(count);
    expect(new Set(boxes.map((box) => box.y)).size).toBe(rows);
    for (const box of boxes) {
      expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(44);
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(320);
    }
  });

  it('keeps the scores apart in a program without any styles, and reads in the right order', async () => {
    await page.setContent(withoutStyles(await htmlOf('en')));

    const text = await page.evaluate<string>('document.body.innerText');

    expect(text.replaceAll(/\s+/gu, ' ')).toContain(' 0 1 2 3 4 5 6 7 8 9 10 ');
    const order = ['It takes about', 'Dear', 'How likely', ' 10', '0 is not at all', 'change your answer, until'];
    const places = order.map((part) => text.indexOf(part));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
  });

  it('R34 asks nobody for anything when it is shown', async () => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));

    for (const language of MAIL_LANGUAGES) await page.setContent(await htmlOf(language), { waitUntil: 'load' });

    expect(asked).toEqual([]);
  });
});

describe('a notice to operators in a real browser', () => {
  it.each(MAIL_LANGUAGES)('R35 passes axe in light and dark and does not scroll sideways: %s', async (language) => {
    const { html } = await composeNotice({
      kind: 'waveHeld',
      language,
      to: 'ops@bank.example.com',
      sender: { company: 'Example Bank', address: 'survey@bank.example.com', postalAddress: '1 Example Road' },
      id: 'w-2026-05-monthly',
      asOf: '2026-05-31',
      brakes: [{ brake: 'bounceShare', limit: 0.04, actual: 0.0512, message: '5.1 % of mails bounced' }],
      commands: { look: 'resegment wave show w-2026-05-monthly', goOn: 'resegment wave resume w-2026-05-monthly' },
    });
    await page.setContent(html);

    expect(await findingsEverywhere(page, WCAG_TAGS)).toEqual([]);
  });
});
