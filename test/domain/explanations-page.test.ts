import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explain } from '#shared/domain/explain.ts';
import type { ExplainedMove } from '#shared/domain/explanation.ts';
import { runExample } from '#test/support/example-files.ts';
import { preset, readProjectFile, runOf } from './support.ts';

const AS_OF = '2026-10-31';
const page = readProjectFile('docs/explanations.md');
const blocks = [...page.matchAll(/```text\n([\s\S]*?)```/gu)].map(([, text = '']) => text);

/** What `resegment explain` prints below its first line; the spaces that hold a currency and its figure together as plain ones. */
const printed = async (customerId: string, lang: 'en' | 'zh', sections?: number): Promise<string> => {
  const policy = preset('bank-three-class');
  const { customers, calibration } = await runExample(policy, { name: 'bank-customers.csv', kind: 'customers' }, AS_OF);
  const found = customers[customerId];
  if (found === undefined) throw new Error(`no ${customerId}`);
  const run = runOf('2026-10', { asOf: AS_OF });
  const explained = explain(found.frame, found.plan, policy, calibration, lang, { run });
  const lines = explained.sections
    .slice(0, sections)
    .flatMap(({ heading, sentences }) => ['', heading, ...sentences.map((sentence) => `  ${sentence}`)]);
  return `${lines.slice(1).join('\n')}\n`.replaceAll('\u00a0', ' ');
};

describe('the page about explanations', () => {
  it('shows what is said of the example, in English and Chinese', async () => {
    expect(blocks).toEqual([await printed('K06', 'en', 2), await printed('K12', 'zh', 1)]);
  });

  it('shows the commands that lead to it', () => {
    const commands = /```sh\n([\s\S]*?)```/u.exec(page)?.[1] ?? '';

    expect(commands).toContain(`docs/examples/bank-customers.csv --as-of ${AS_OF}`);
    expect(commands).toContain('explain K06');
    expect(commands).toContain('explain K12 --lang zh-CN');
  });

  it('names every cause of a move', () => {
    const causes: Readonly<Record<ExplainedMove['cause'], true>> = {
      first: true,
      own: true,
      others: true,
      both: true,
      time: true,
      policy: true,
      unknown: true,
    };

    expect([...page.matchAll(/^\| `(\w+)` +\|/gmu)].map(([, cause]) => cause)).toEqual(Object.keys(causes));
  });

  it('is linked from where readers start, and links only to files that there are', () => {
    expect(readProjectFile('README.md')).toContain('docs/explanations.md');
    expect(readProjectFile('docs/architecture.md')).toContain('explanations.md');
    for (const [, target = ''] of page.matchAll(/\]\(([^)#]+)\)/gu)) {
      expect(existsSync(new URL(`../../docs/${target}`, import.meta.url)), target).toBe(true);
    }
  });
});
