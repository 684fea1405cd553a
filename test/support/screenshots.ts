import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { MAIL_LANGUAGES } from '#shared/domain/mail-text.ts';
import { composedFor } from '#test/mail/mail-bench.ts';
import { startPages } from '#test/survey/pages-bench.ts';
import { SCHEMES, startBrowser } from './browser.ts';

/** Pictures of the mail and the pages in both languages, narrow and wide, light and dark: `npx node test/support/screenshots.ts DIR`. */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('name the folder for the pictures: npx node test/support/screenshots.ts DIR');
await mkdir(folder, { recursive: true });

const pages = await startPages();
const browser = await startBrowser();
for (const language of MAIL_LANGUAGES) {
  for (const width of [320, 600]) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({ viewport: { width, height: 700 }, colorScheme });
      const page = await context.newPage();
      const picture = (name: string) =>
        page.screenshot({ path: join(folder, `${name}-${language}-${width}-${colorScheme}.png`), fullPage: true });
      await page.setContent((await composedFor(language)).html);
      await picture('mail');
      await walkPages(page, language, picture);
      await context.close();
    }
  }
}
await browser.close();
await pages.stop();

/** From the mail's link to the thanks, then to the unsubscribe page. */
async function walkPages(page: Page, language: string, picture: (name: string) => Promise<unknown>): Promise<void> {
  await pages.reset();
  await page.goto(`${pages.links().answer}?a=4&lang=${language}`);
  await picture('form');
  await page.locator('textarea').fill(language === 'en' ? 'Approval took far too long.' : '审批时间太长。');
  await page.locator('input[value=service]').check();
  await page.locator('input[value=call]').check();
  await page.locator('main button[type=submit]').click();
  await picture('thanks');
  await page.goto(`${pages.links().unsub}?lang=${language}`);
  await picture('unsubscribe');
}
