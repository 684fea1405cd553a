import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { presetNames } from '#shared/adapters/policy-files.ts';
import { operator } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';

let folder: string;
const resegment = operator(openMemoryBench());

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'resegment-policy-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('policy new', () => {
  it.each(presetNames())(
    'from %s gives a policy of its own that passes the check and keeps the comments',
    async (preset) => {
      const file = path.join(folder, 'own.yaml');

      const made = await resegment('policy', 'new', '--from', preset, '--out', file, '--json');

      expect(made).toMatchObject({ code: 0, json: { file, name: `my-${preset}` } });
      expect(readFileSync(file, 'utf8').split('\n')[0]).toMatch(/^# /u);
      expect(await resegment('policy', 'check', file, '--json')).toMatchObject({
        code: 0,
        json: { name: `my-${preset}` },
      });
    },
  );

  it('never overwrites a file and says what to do', async () => {
    const file = path.join(folder, 'mine.yaml');
    writeFileSync(file, 'mine');

    const refused = await resegment('policy', 'new', '--from', 'retail-rfm', '--out', file, '--json');

    expect(refused).toMatchObject({ code: 2, json: { error: { code: 'file-exists', path: file } } });
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('refuses what is no preset, even a path to one, and lists the presets', async () => {
    const file = path.join(folder, 'x.yaml');
    const refused = await resegment('policy', 'new', '--from', '../retail-rfm', '--out', file, '--json');

    expect(refused).toMatchObject({ code: 2, json: { error: { code: 'preset-unknown' } } });
    expect(existsSync(file)).toBe(false);
  });
});

describe('policy check', () => {
  it('says for each rule or cell whether it can be reached', async () => {
    const { code, json } = await resegment('policy', 'check', 'retail-rfm', '--json');

    expect(code).toBe(0);
    expect(Object(json).reachability.length).toBeGreaterThan(0);
    expect(Object(json).reachability.every((one: { trouble: boolean }) => !one.trouble)).toBe(true);
  });
});

describe('policy show', () => {
  it('reads the policy back in sentences in both languages', async () => {
    expect((await resegment('policy', 'show', 'retail-rfm')).out).toContain('Moves: a rating changes once');
    expect((await resegment('policy', 'show', 'retail-rfm', '--lang', 'zh-CN')).out).toContain('变动：须越过分界点');
  });
});
