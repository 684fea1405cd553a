import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';

export const ROOT = join(import.meta.dirname, '..', '..');

export interface Verdict {
  /** True where every test passed and there was at least one. */
  readonly passed: boolean;
  /** Titles of the tests that passed, with those of their groups. */
  readonly titles: readonly string[];
}

const Report = z.object({
  testResults: z.array(
    z.object({ name: z.string(), assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) }),
  ),
});

/**
 * Runs test files one after the other, since they share one server.
 *
 * @param files relative to the project; each must be in a project of vitest
 * @param environment what tells the tests where the judge is
 */
export const vitest = async (
  files: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Verdict> => {
  const folder = mkdtempSync(join(tmpdir(), 'resegment-verdict-'));
  const report = join(folder, 'report.json');
  const program = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  try {
    const { code, output } = await finished(
      process.execPath,
      [program, 'run', '--no-file-parallelism', ...reporters, ...files],
      environment,
    );
    // In one piece, since another judge may be at work at the same time.
    process.stdout.write(output);
    if (code !== 0) return { passed: false, titles: [] };
    const { testResults } = z.parse(Report, JSON.parse(readFileSync(report, 'utf8')));
    const left = files.filter((file) => !testResults.some(({ name }) => name.endsWith(file)));
    if (left.length > 0) {
      console.error(`no project of vitest took ${left.join(', ')}`);
      return { passed: false, titles: [] };
    }
    const titles = testResults
      .flatMap((file) => file.assertionResults)
      .filter(({ status }) => status === 'passed')
      .map(({ fullName }) => fullName);
    return { passed: titles.length > 0, titles };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const finished = (
  command: string,
  arguments_: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly output: string }> =>
  new Promise((resolve) => {
    const child = spawn(command, [...arguments_], { cwd: ROOT, env: { ...process.env, ...environment } });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ code: null, output: `${output}${error.message}\n` }));
    child.on('close', (code) => resolve({ code, output }));
  });

/** Test files whose text has these words, relative to the project: those which a judge can be put under. */
export const testFilesWith = (words: RegExp): readonly string[] =>
  readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('judges'))
    .map((file) => join('test', file))
    .filter((file) => words.test(readFileSync(join(ROOT, file), 'utf8')))
    .sort();
