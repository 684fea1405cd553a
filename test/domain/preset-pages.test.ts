import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TraitValue } from '#shared/domain/facts.ts';
import { inMajorUnits } from '#shared/domain/values.ts';
import { runExample } from '#test/support/example-files.ts';
import { policyFrom, preset, readProjectFile } from './support.ts';

const PAGES = [
  { name: 'bank-three-class', file: 'bank-customers.csv', kind: 'customers', asOf: '2026-10-31', rows: 7 },
  { name: 'retail-rfm', file: 'retail-orders.csv', kind: 'purchases', asOf: '2026-06-30', rows: 6 },
  { name: 'hotel-needs', file: 'hotel-stays.csv', kind: 'purchases', asOf: '2026-06-30', rows: 7 },
] as const;

const page = (name: string, lang: 'en' | 'zh'): string =>
  readProjectFile(`docs/presets/${name}${lang === 'en' ? '' : '.zh-CN'}.md`);

const cellsOf = (line: string): readonly string[] =>
  line
    .replaceAll(/^\||\|$/gu, '')
    .split('|')
    .map((cell) => cell.trim());

/** The table whose columns are names of the policy: the worked example. */
const exampleTable = (
  text: string,
): { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] } => {
  const lines = text.split('\n');
  const head = lines.findIndex((line) => /^\| [^`|]+ \| `\w+` \|/u.test(line));
  const columns = cellsOf(lines[head] ?? '').map((cell) => cell.replaceAll('`', ''));
  const end = lines.findIndex((line, index) => index > head && !line.startsWith('|'));
  return { columns, rows: lines.slice(head + 2, end).map(cellsOf) };
};

/** Every figure outside of links, in order of its size: words differ between languages, figures must not. */
const figuresOf = (text: string): readonly string[] =>
  (text.replaceAll(/\]\([^)]*\)/gu, ']').match(/\d+(?:\.\d+)?/gu) ?? []).toSorted();

describe.each(PAGES)('the pages of $name', ({ name, file, kind, asOf, rows: expectedRows }) => {
  const policy = preset(name);

  it.each(['en', 'zh'] as const)('tell the worked example as the preset computes it: %s', async (lang) => {
    const { customers } = await runExample(policy, { name: file, kind }, asOf);
    const { columns, rows } = exampleTable(page(name, lang));

    expect(rows).toHaveLength(expectedRows);
    for (const row of rows) {
      const found = customers[row[0] ?? ''];
      const shown = columns.slice(1).map((column): TraitValue | null | undefined => {
        const placement = found?.plan.next.placements[column];
        if (placement !== undefined) return policy.dimensions[column]?.segments[placement.actual]?.label[lang];
        const metric = policy.metrics[column];
        if (metric === undefined) return found?.plan.scores[column];
        const value = found?.frame.metrics[column];
        return typeof value === 'number' ? inMajorUnits(metric, value, policy.currency) : value;
      });
      expect([row[0], ...shown.map((value) => (value === null ? '–' : String(value)))]).toEqual(row);
    }
  });

  it('state the cut-offs of the example', async () => {
    const { calibration } = await runExample(policy, { name: file, kind }, asOf);
    const named = {
      'bank-three-class': { contribution: '90000 and 250000', potential: '0.4 and 0.6' },
      'retail-rfm': { R: '18, 33, 133, 309', F: '1, 1, 2, 4', M: '35, 120, 160, 250' },
      'hotel-needs': { worth: '6600' },
    }[name];
    for (const [score, text] of Object.entries(named)) {
      const cuts = (calibration.cutoffs[score]?.['*'] ?? []).map((cut) =>
        score === 'M' || score === 'worth' ? cut / 100 : cut,
      );
      expect(page(name, 'en'), score).toContain(text);
      for (const cut of cuts) {
        expect(page(name, 'en')).toContain(String(cut));
        expect(page(name, 'zh')).toContain(String(cut));
      }
    }
  });

  it('say the same in English and Chinese: sections, tables, commands and figures', () => {
    const en = page(name, 'en');
    const zh = page(name, 'zh');
    const count = (text: string, pattern: RegExp): number => (text.match(pattern) ?? []).length;

    for (const pattern of [/^## /gmu, /^\| /gmu, /^- \*\*/gmu, /^\d\. /gmu]) {
      expect(count(zh, pattern), String(pattern)).toBe(count(en, pattern));
    }
    expect(zh.match(/```sh[\s\S]*?```/gu)).toEqual(en.match(/```sh[\s\S]*?```/gu));
    expect([...new Set(figuresOf(zh))].sort()).toEqual([...new Set(figuresOf(en))].sort());
  });

  it('name every segment by its label, and the columns that the preset reads', () => {
    for (const lang of ['en', 'zh'] as const) {
      const text = page(name, lang);
      for (const [key, dimension] of Object.entries(policy.dimensions)) {
        for (const { label } of Object.values(dimension.segments)) {
          if (key === 'target') continue;
          expect(text, label[lang]).toContain(label[lang].replace(/^Prudent support: |^审慎支持类·/u, ''));
        }
      }
      for (const metric of Object.values(policy.metrics)) {
        if ('trait' in metric) expect(text).toContain(`\`${metric.trait}\``);
        if ('attribute' in metric) expect(text).toContain(`\`${metric.attribute}\``);
      }
    }
  });

  it('link only to files that there are', () => {
    for (const lang of ['en', 'zh'] as const) {
      for (const [, target = ''] of page(name, lang).matchAll(/\]\(([^)]+)\)/gu)) {
        expect(existsSync(new URL(`../../docs/presets/${target}`, import.meta.url)), target).toBe(true);
      }
    }
  });
});

describe('what the pages tell to add', () => {
  it('is valid: expected purchases and fixed limits in retail-rfm', () => {
    const text = readProjectFile('policies/retail-rfm.yaml');
    const expected = /`(expected: \{[^`]*\})`/u.exec(page('retail-rfm', 'en'))?.[1] ?? '';
    const bands = /`(R: \{ bands[^`]*\})`/u.exec(page('retail-rfm', 'en'))?.[1] ?? '';
    const changed = policyFrom(
      text
        .replace('  satisfaction: { satisfaction', `  ${expected}\n  satisfaction: { satisfaction`)
        .replace(/^ {2}R: .*$/mu, `  ${bands}`),
    );

    expect(changed.scores['expected']).toMatchObject({ kind: 'expectedPurchases', horizonDays: 273 });
    expect(changed.scores['R']).toMatchObject({ kind: 'bands', better: 'low' });
  });

  it('is valid: a rating with a gap for the need in hotel-needs', () => {
    const text = readProjectFile('policies/hotel-needs.yaml');
    const metric = /`(business_share: \{[^`]*\})`/u.exec(page('hotel-needs', 'en'))?.[1] ?? '';
    const score = /`(atWork: \{[^`]*\})`/u.exec(page('hotel-needs', 'en'))?.[1] ?? '';
    const changed = policyFrom(
      text
        .replace('metrics:\n', `metrics:\n  ${metric}\n`)
        .replace('scores:\n', `scores:\n  ${score}\n`)
        .replace('when: { main_purpose: { in: [business] } }', 'when: { atWork: [2, 2] }'),
    );

    expect(changed.scores['atWork']).toMatchObject({ kind: 'bands', cuts: [0.6] });
  });
});
