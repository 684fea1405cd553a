import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Invitation } from '#shared/domain/invitation.ts';
import { RetryableError } from '#shared/errors.ts';
import { findingsEverywhere, SCHEMES, startBrowser, WCAG_TAGS } from '#test/support/browser.ts';
import { contrast } from '#test/support/contrast.ts';
import { CLOSES } from './memory.ts';
import { type PagesBench, startPages } from './pages-bench.ts';

let pages: PagesBench;
let browser: Browser;
let context: BrowserContext;
let page: Page;
beforeAll(async () => {
  [pages, browser] = await Promise.all([startPages(), startBrowser()]);
});
afterAll(() => Promise.all([browser.close(), pages.stop()]));
beforeEach(() => pages.reset());
afterEach(() => context.close());

const open = async (options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> => {
  context = await browser.newContext(options);
  page = await context.newPage();
  return page;
};
const stored = async () => (await pages.stores.answers.get(pages.invitationId))?.answer;
const send = () => page.locator('main button[type=submit]:not([value=notMe])').click();

const asking =
  (question: Invitation['question']) =>
  (known: Invitation): Invitation => ({ ...known, question });

/** Every page that a customer can see, and the way to it. */
const PAGES: readonly (readonly [string, (lang: string) => Promise<unknown>])[] = [
  ...(['nps', 'csat', 'ces'] as const).flatMap((question) => [
    [
      `form of ${question}`,
      async (lang: string) => {
        await pages.reset(asking(question));
        await page.goto(`${pages.links().answer}?lang=${lang}`);
      },
    ] as const,
    [
      `form of ${question} with a score of the mail`,
      async (lang: string) => {
        await pages.reset(asking(question));
        await page.goto(`${pages.links().answer}?a=4&lang=${lang}`);
      },
    ] as const,
  ]),
  [
    'form with a problem of the score',
    async (lang) => {
      await page.goto(`${pages.links().answer}?lang=${lang}`);
      await page.locator('form').evaluate((form: HTMLFormElement) => {
        form.noValidate = true;
      });
      await send();
    },
  ],
  [
    'form with everything filled in and a comment that is too long',
    async (lang) => {
      await page.goto(`${pages.links().answer}?a=7&lang=${lang}`);
      await page.getByRole('radio').last().check();
      for (const box of await page.getByRole('checkbox').all()) await box.check();
      await page.locator('textarea').evaluate((area: HTMLTextAreaElement) => {
        area.removeAttribute('maxlength');
        area.value = 'word '.repeat(210) + 'x'.repeat(60);
      });
      await send();
    },
  ],
  ...(['thanks', 'call', 'complaint', 'notMe'] as const).map(
    (wish) =>
      [
        `thanks: ${wish}`,
        async (lang: string) => {
          await page.goto(`${pages.links().answer}?a=7&lang=${lang}`);
          await page.locator('textarea').fill('a\nb 好');
          if (wish === 'notMe') {
            await page.locator('button[value=notMe]').click();
            return;
          }
          if (wish !== 'thanks') await page.locator(`input[value=${wish}]`).check();
          await send();
        },
      ] as const,
  ),
  [
    'closed',
    async (lang) => {
      pages.clock.moveTo(CLOSES);
      await page.goto(`${pages.links().answer}?lang=${lang}`);
    },
  ],
  ['unsubscribe', (lang) => page.goto(`${pages.links().unsub}?lang=${lang}`)],
  [
    'unsubscribed',
    async (lang) => {
      await page.goto(`${pages.links().unsub}?lang=${lang}`);
      await send();
    },
  ],
  [
    'unsubscribed before',
    async (lang) => {
      await pages.stores.contacts.unsubscribe(pages.addressKey, pages.clock.now());
      await page.goto(`${pages.links().unsub}?lang=${lang}`);
    },
  ],
  [
    'undone',
    async (lang) => {
      await page.goto(`${pages.links().unsub}?lang=${lang}`);
      await send();
      await send();
    },
  ],
  [
    'unsubscribe link that has expired',
    async (lang) => {
      pages.clock.moveTo('2029-01-01T00:00:00.000Z');
      await page.goto(`${pages.links().unsub}?lang=${lang}`);
    },
  ],
  ['not found', (lang) => page.goto(`${pages.base}/r/cut?lang=${lang}`)],
  [
    'busy, with the form again',
    async (lang) => {
      await page.goto(`${pages.links().answer}?a=7&lang=${lang}`);
      pages.stores.answers.put = async () => {
        throw new RetryableError('store-unavailable', 'no');
      };
      await send();
    },
  ],
  [
    'unavailable',
    async (lang) => {
      pages.stores.invitations.get = async () => {
        throw new RetryableError('store-unavailable', 'no');
      };
      await page.goto(`${pages.links().answer}?lang=${lang}`);
    },
  ],
];

describe('every page', () => {
  it.each(PAGES)(
    'R35 has names, contrast and sizes that axe accepts, and no sideways scrolling, in both languages, light and dark, at 320 and 1024 pixels: %s',
    async (_name, goTo) => {
      await open();
      for (const language of ['en', 'zh-CN']) {
        await pages.reset();
        await goTo(language);

        expect(await findingsEverywhere(page, [...WCAG_TAGS, 'best-practice'])).toEqual([]);
      }
    },
  );
});

describe('the judge of the pages', () => {
  it('finds what is wrong with a bad page, so that its silence means something', async () => {
    await open();
    await page.setContent(
      '<html><body style="margin:0"><style>@media (prefers-color-scheme:dark){p{color:#333;background:#222}}</style><input><a href="/" style="display:block;width:9px;height:9px">x</a><a href="/" style="display:block;width:9px;height:9px">y</a><p>word</p><div style="width:500px">z</div></body></html>',
    );

    const found = (await findingsEverywhere(page, [...WCAG_TAGS, 'best-practice'])).join('\n');

    for (const part of ['html-has-lang', 'label:', 'light 320: target-size', 'dark 1024: color-contrast']) {
      expect(found).toContain(part);
    }
    expect(found).toContain('320: scrolls sideways by 180 px');
  });
});

describe('the form in a browser without scripts', () => {
  it('R11 is filled in and sent by the keyboard alone, and changed in the same way', async () => {
    await open({ javaScriptEnabled: false });
    await page.goto(`${pages.links().answer}?a=3`);
    const focused = () => page.locator(':focus');

    await page.keyboard.press('Tab');
    expect(await focused().textContent()).toBe('中文');
    await page.keyboard.press('Tab');
    expect(await focused().getAttribute('value')).toBe('3');
    await page.keyboard.press('ArrowRight');
    expect(await focused().getAttribute('value')).toBe('4');
    await page.keyboard.press('Tab');
    await page.keyboard.type('slow');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();

    expect(await stored()).toMatchObject({ score: 4, comment: 'slow', factor: 'brand', wishes: ['call'], version: 1 });

    pages.clock.moveBy(60_000);
    await page.getByRole('link', { name: 'Change the answer' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('group').first().waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await focused().getAttribute('value')).toBe('4');
    await page.keyboard.press('ArrowLeft');
    for (let step = 0; step < 4; step += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await focused().textContent()).toBe('Send');
    await page.keyboard.press('Space');
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();

    expect(await stored()).toMatchObject({ score: 3, comment: 'slow', factor: 'brand', wishes: ['call'], version: 2 });
  });

  it('lets somebody whom the mail does not concern say so by the keyboard, without a score', async () => {
    await open({ javaScriptEnabled: false });
    await page.goto(`${pages.links().answer}?lang=en`);
    const button = page.getByRole('button', { name: 'This mail was not meant for me' });

    expect(await button.getAttribute('aria-describedby')).toBe('not-me-hint');
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();

    expect(await stored()).toMatchObject({ score: null, wishes: ['notMe'] });
  });

  it('changes its language and keeps all that was typed and chosen, and writes nothing', async () => {
    await open({ javaScriptEnabled: false });
    const before = await pages.everything();
    await page.goto(`${pages.links().answer}?a=3`);
    await page.locator('#score-8').check();
    await page.locator('textarea').fill('half a "sentence" <b>\n好');
    await page.locator('input[value=service]').check();
    await page.locator('input[value=complaint]').check();

    for (const [button, title] of [
      ['中文', '您的意见'],
      ['English', 'Your opinion'],
      ['中文', '您的意见'],
    ] as const) {
      await page.getByRole('button', { name: button }).click();
      await page.getByRole('heading', { name: title }).waitFor();
      expect(await page.locator('#score-8').isChecked()).toBe(true);
      expect(await page.locator('textarea').inputValue()).toBe('half a "sentence" <b>\n好');
      expect(await page.locator('input[value=service]').isChecked()).toBe(true);
      expect(await page.locator('input[value=complaint]').isChecked()).toBe(true);
    }
    expect(await pages.everything()).toBe(before);

    await page.getByRole('button', { name: '提交' }).click();
    await page.getByRole('heading', { name: '谢谢您' }).waitFor();
    expect(await stored()).toMatchObject({ score: 8, factor: 'service', wishes: ['complaint'], language: 'en' });
  });

  it('changes its language before a score is chosen', async () => {
    await open({ javaScriptEnabled: false });
    await page.goto(pages.links().answer);

    await page.getByRole('button', { name: '中文' }).click();

    await page.getByRole('heading', { name: '您的意见' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(await page.locator('input[name=score]:checked').count()).toBe(0);
  });

  it('unsubscribes and undoes it, and says at the next visit how things are', async () => {
    await open({ javaScriptEnabled: false });
    await page.goto(pages.links().answer);
    await page.getByRole('link', { name: 'No more surveys' }).click();
    await page.getByText('to the address this mail went to').waitFor();
    await page.getByRole('button', { name: 'Send me no more surveys' }).click();
    await page.getByRole('heading', { name: 'You will get no more surveys' }).waitFor();
    expect((await pages.stores.contacts.get(pages.addressKey))?.unsubscribed).toBeDefined();

    await page.goto(`${pages.links().unsub}?lang=zh-CN`);
    await page.getByRole('heading', { name: '您将不再收到调查' }).waitFor();
    await page.getByRole('button', { name: '撤销' }).click();
    await page.getByRole('heading', { name: '可以再发送调查' }).waitFor();

    expect((await pages.stores.contacts.get(pages.addressKey))?.unsubscribed).toBeUndefined();
  });
});

describe('the form in any browser', () => {
  it.each([
    ['nps', 0, 11],
    ['csat', 1, 5],
    ['ces', 1, 7],
  ] as const)(
    'R35 wraps the scores of %s at 320 pixels, each 44 pixels wide and high, all on the page',
    async (question, first, count) => {
      await open({ viewport: { width: 320, height: 800 } });
      await pages.reset(asking(question));
      await page.goto(pages.links().answer);

      const boxes = await page.locator('.scale label').evaluateAll((labels) =>
        labels.map((label) => {
          const { x, y, right, width, height } = label.getBoundingClientRect();
          return { x, y, right, width, height };
        }),
      );

      expect(boxes).toHaveLength(count);
      for (const box of boxes) {
        expect(box.width).toBeGreaterThanOrEqual(44);
        expect(box.height).toBeGreaterThanOrEqual(44);
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.right).toBeLessThanOrEqual(320);
      }
      expect(new Set(boxes.map((box) => box.y)).size).toBe(count > 5 ? 2 : 1);
      expect(await page.locator('.scale input').first().getAttribute('value')).toBe(String(first));
    },
  );

  it('R35 offers no control smaller than 44 pixels in its smaller direction', async () => {
    await open({ viewport: { width: 320, height: 800 } });
    await page.goto(pages.links().answer);

    const small = await page
      .locator('button:not(.away), label.choice, .scale label, textarea, header a, a.link')
      .evaluateAll((controls) =>
        controls
          .filter((control) => control.getBoundingClientRect().height < 44)
          .map((control) => control.outerHTML.slice(0, 80)),
      );

    expect(small).toEqual([]);
  });

  it.each(SCHEMES)('R35 draws the borders of its controls with a contrast of at least 3: %s', async (colorScheme) => {
    await open({ colorScheme });
    await page.goto(pages.links().answer);
    const colourOf = async (selector: string, property: string): Promise<string> => {
      const value = await page
        .locator(selector)
        .first()
        .evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), property);
      const parts = value.match(/\d+/gu)?.slice(0, 3) ?? [];
      return `#${parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('')}`;
    };

    const card = await colourOf('main', 'background-color');
    for (const control of ['.scale span', 'textarea']) {
      expect(contrast(await colourOf(control, 'border-top-color'), card), control).toBeGreaterThanOrEqual(3);
    }
    expect(contrast(await colourOf('main button', 'background-color'), card)).toBeGreaterThanOrEqual(3);
  });

  it('R22 runs no script and asks no other address for anything', async () => {
    await open();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    for (const url of [`${pages.links().answer}?a=9`, pages.links().unsub, `${pages.base}/r/cut`]) {
      await page.goto(url);
      expect(await page.locator('script').count()).toBe(0);
    }

    for (const url of asked) expect(new URL(url).origin).toBe(pages.base);
  });

  it('R03 R11 sends nothing by itself while a page with a score of the mail stands open', async () => {
    await open();
    const methods: string[] = [];
    page.on('request', (request) => methods.push(request.method()));
    const before = await pages.everything();

    await page.goto(`${pages.links().answer}?a=9`);
    await page.waitForTimeout(300);

    expect(new Set(methods)).toEqual(new Set(['GET']));
    expect(await pages.everything()).toBe(before);
  });
});
