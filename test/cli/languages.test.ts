import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { benchTarget, operatorOn } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const folder = temporaryFolder('languages');
let chinese: (...words: readonly string[]) => Promise<string>;

beforeAll(async () => {
  const bench = openMemoryBench();
  const target = benchTarget(bench);
  const tool = operatorOn(() => target);
  chinese = async (...words) => (await tool(...words, '--lang', 'zh-CN')).out;
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, SCORE_POLICY.replace('movedShare: 1', 'movedShare: 0.2'));
  await withScore(bench, { a: 90, b: 50, c: 10, d: 95 }, '2026-10-20');
  await tool('run', '--yes', '--policy', policy);
  await tool('pin', 'set', 'a', '--segment', 'low', '--until', '2027-01-31', '--reason', '合同');
  bench.setNow('2026-11-02T08:00:00.000Z');
  await withScore(bench, { a: 10, b: 80, c: 80 }, '2026-10-21');
  await tool('run', '--yes');
});

/** Latin words of three letters and more that are neither data nor what an operator types. */
const foreignWords = (text: string): readonly string[] =>
  [...text.matchAll(/[A-Za-z]{3,}(?:-[a-z]+)*/gu)].map(([word]) => word).filter((word) => !ALLOWED.test(word));
const ALLOWED =
  /^(resegment|run|apply|override|reason|movedShare|three-steps|Ann|unverified|UTC|class|bench|UTC|again|latest|abandon|bank-three-class|hotel-needs|retail-rfm|RFM)$/u;

describe('an operator who reads Chinese', () => {
  it('reads why the run is held as a Chinese sentence from its figures', async () => {
    expect(await chinese('run', 'show', 'latest')).toMatch(
      /movedShare: 4 个客户中有 \d 个（\d\d\.\d %）将变更类别，上限为 20\.0 %/u,
    );
  });

  it.each([
    [['status']],
    [['run', 'list']],
    [['run', 'show', 'latest']],
    [['run', 'show', 'previous']],
    [['run', 'diff', 'previous', 'latest']],
    [['pin', 'list']],
    [['pin', 'set', 'b', '--segment', 'low', '--until', '2027-01-31', '--reason', '合同']],
    [['pin', 'clear', 'b', '--reason', '合同']],
    [['pin', 'clear', 'd', '--reason', '合同']],
    [['flag', 'list']],
    [['flag', 'list', '--state', 'expired']],
    [['case', 'list']],
    [['wave', 'list']],
    [['answer', 'list']],
    [['explain', 'a']],
    [['customer', 'history', 'a']],
    [['run', 'replay', 'previous']],
    [['policy', 'list']],
    [['run', 'abandon', 'latest']],
    [['run', 'rollback', '--reason', '数据有误']],
  ])('finds no English in %j but names and commands', async (words) => {
    const out = await chinese(...words);

    expect(out).toMatch(/\p{Script=Han}/u);
    expect(
      foreignWords(
        out
          .replace(/\b[0-9a-f]{12}\b/gu, '')
          .replace(/20\d\d-\d\d-(?:\w+)/gu, '')
          .split('Explanation for the customer')[0] ?? '',
      ),
    ).toEqual([]);
  });
});
