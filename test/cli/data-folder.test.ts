import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { commandNames, main } from '#cli/main.ts';

const folder = mkdtempSync(join(tmpdir(), 'resegment-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const resegment = async (...words: readonly string[]): Promise<{ code: number; out: string; err: string }> => {
  const said = { out: '', err: '' };
  const spies = (['out', 'err'] as const).map((to) =>
    vi.spyOn(to === 'out' ? process.stdout : process.stderr, 'write').mockImplementation((text) => {
      said[to] += String(text);
      return true;
    }),
  );
  try {
    return { code: await main(words), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
};

/** Commands that never open a stack, or bring data into one. */
const NEEDS_NO_DATA = /^(import (purchases|customers|answers|notes|staff)|policy (list|new|check)|estimate)/u;
/** What a command needs before it opens anything. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  plan: ['--policy', 'retail-rfm'],
  run: ['--yes'],
  backtest: ['--policy', 'retail-rfm', '--from', '2026-02', '--to', '2026-04'],
  'policy activate': ['retail-rfm', '--reason', 'x'],
  'policy show': ['active'],
  'policy diff': ['active', 'retail-rfm'],
  export: ['latest', '--format', 'csv', '--out', join(folder, 'out.csv')],
  'run rollback': ['--reason', 'x'],
  'run replay': ['latest'],
  'run show': ['latest'],
  'run diff': ['latest', 'previous'],
  'run abandon': ['latest'],
  apply: ['latest'],
  'clock move': ['--by', '1h'],
  'wave pause': ['latest', '--reason', 'x'],
  'wave resume': ['latest'],
  'wave cancel': ['latest', '--reason', 'x'],
  'pin set': ['C-1', '--segment', 'a', '--until', '2027-01-01', '--reason', 'x'],
  'pin clear': ['C-1', '--reason', 'x'],
  'note add': ['C-1', '--rating', '4', '--about', 'potential', '--reason', 'x'],
  'note withdraw': ['C-1', 'n', '--reason', 'x'],
  'note list': ['C-1'],
  'flag show': ['C-1'],
  'flag approve': ['C-1', '--reason', 'x'],
  'flag refuse': ['C-1', '--reason', 'x'],
  'flag letter': ['C-1'],
  'case show': ['c'],
  'case take': ['c'],
  'case close': ['c', '--outcome', 'solved', '--note', 'x'],
  'answer confirm': ['a', '--reason', 'x'],
  'answer discard': ['a', '--reason', 'x'],
  explain: ['C-1'],
  'customer show': ['C-1'],
  'customer history': ['C-1'],
  'contact show': ['C-1'],
  'contact erase': ['C-1', '--reason', 'x', '--yes'],
  'staff remove': ['Li Wei'],
  'key add': ['k2'],
  'key retire': ['k1'],
};

/** Runs a command, and again with an argument or option more as long as it says that it lacks one. */
const withWhatItNeeds = async (
  words: readonly string[],
  rest: readonly string[],
  tries = 6,
): ReturnType<typeof resegment> => {
  const said = await resegment(...words, ...rest);
  const option = /required option '(--[a-z-]+) <[^>]+>' not specified/u.exec(said.out)?.[1];
  const argument = /missing required argument '(\w+)'/u.exec(said.out)?.[1];
  const more = option !== undefined ? [option, 'x'] : argument !== undefined ? ['x'] : [];
  return more.length === 0 || tries === 0 ? said : withWhatItNeeds([...words, ...more], rest, tries - 1);
};

describe('a folder of data that is not there', () => {
  it.each(commandNames().filter((name) => !NEEDS_NO_DATA.test(name)))('stops `%s` and is not made', async (name) => {
    const missing = join(folder, 'demmo');
    const said = await withWhatItNeeds([...name.split(' '), ...(WORDS[name] ?? [])], ['--data', missing, '--json']);

    expect(said.out, said.out).toContain('"code": "data-folder-unknown"');
    expect(said.code).toBe(2);
    expect(readdirSync(folder)).not.toContain('demmo');
  });

  it('is told with what was given, what lies beside it and what to do', async () => {
    mkdirSync(join(folder, 'demo'));
    writeFileSync(join(folder, 'demo', 'stage.json'), '{}');
    mkdirSync(join(folder, 'photos'));

    const mistyped = await resegment('status', '--data', join(folder, 'demmo'));
    const other = await resegment('status', '--data', join(folder, 'photos'));

    expect(mistyped).toMatchObject({ code: 2, out: '' });
    expect(mistyped.err).toContain(`--data ${JSON.stringify(join(folder, 'demmo'))}: this folder is not there`);
    expect(mistyped.err).toContain(`beside it there is ${join(folder, 'demo')}`);
    expect(mistyped.err).toContain('npm start');
    expect(other.err).toContain('has no data of a local stack');
    expect(readdirSync(join(folder, 'photos'))).toEqual([]);
  });

  it('leaves an estimate that says how many customers there are', async () => {
    const said = await resegment('estimate', '--customers', '1000', '--json', '--data', join(folder, 'demmo'));
    const vague = await resegment('estimate', '--json', '--data', join(folder, 'demmo'));

    expect(said.code).toBe(0);
    expect(JSON.parse(said.out)).toMatchObject({ question: { customers: 1000 } });
    expect(vague.code).toBe(2);
    expect(readdirSync(folder)).not.toContain('demmo');
  });
});
