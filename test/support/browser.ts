import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where Chromium or Chrome is, by platform; `CHROME_PATH` comes before all. */
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Starts a real browser. @throws Error where there is none, with what to do */
export const startBrowser = async (): Promise<Browser> => {
  const executablePath = [process.env['CHROME_PATH'] ?? '', ...PLACES].find((place) => existsSync(place));
  if (executablePath === undefined) {
    throw new Error('no Chromium or Chrome found; install one, or set CHROME_PATH to its program');
  }
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
};

export const SCHEMES = ['light', 'dark'] as const;
/** Widths in pixels: the narrowest phone in use, and a desktop. */
export const WIDTHS = [320, 1024] as const;

/** WCAG 2.2 A and AA. */
export const WCAG_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] as const;
/** Rules whose outcome depends on colours and widths; all others judge the same document in the same way. */
const VISUAL_RULES = ['color-contrast', 'target-size', 'link-in-text-block', 'scrollable-region-focusable'];

/** A third of the whole source, which every page has to read anew. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it is now, one line each; empty where nothing is. What it could not decide counts. */
const axeFindings = async (page: Page, runOnly: NonNullable<RunOptions['runOnly']>): Promise<readonly string[]> => {
  const options: RunOptions = { runOnly, resultTypes: ['violations', 'incomplete'] };
  const { violations, incomplete } = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
  return [...violations, ...incomplete].flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary ?? ''}`),
  );
};

/**
 * Findings in light and dark, at all widths, and whatever makes the page scroll sideways. All rules of the tags run once, those
 * that depend on colours and widths every time.
 *
 * @returns lines that start with the scheme and the width
 */
export const findingsEverywhere = async (page: Page, tags: readonly string[]): Promise<readonly string[]> => {
  const found: string[] = [];
  await page.evaluate(AXE);
  let runOnly: RunOptions['runOnly'] = { type: 'tag', values: [...tags] };
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    const overflow = await page.evaluate(() => (document.scrollingElement?.scrollWidth ?? 0) - window.innerWidth);
    if (overflow > 0) found.push(`${width}: scrolls sideways by ${overflow} px`);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      const lines = await axeFindings(page, runOnly);
      for (const line of lines) found.push(`${colorScheme} ${width}: ${line}`);
      runOnly = { type: 'rule', values: VISUAL_RULES };
    }
  }
  return found;
};
