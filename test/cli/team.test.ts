import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { teamView } from '#shared/application/team-view.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import { benchTarget, operator, operatorOn } from '../support/bench-target.ts';
import { openMemoryBench } from '../support/run-bench.ts';
import { SCORE_POLICY } from '../support/score-policy.ts';
import { addWave, people } from '../survey/answered-wave.ts';
import { CLOSES, memoryStores, NOW, WAVE_ID } from '../survey/memory.ts';

/** Two closed waves; Li improved from the first to the second, which 40 customers of each manager answered. */
const tool = async () => {
  const bench = openMemoryBench();
  const policy = await bench.usePolicy(SCORE_POLICY);
  const stores = memoryStores();
  const wave = (li: number) => [
    ...people(li, { segment: 'high', manager: 'Li', score: 10 }),
    ...people(40 - li, { segment: 'high', manager: 'Li', score: 0 }),
    ...people(20, { segment: 'middle', manager: 'Wu', branch: 'south', score: 10 }),
    ...people(20, { segment: 'middle', manager: 'Wu', branch: 'south', score: 5 }),
  ];
  await addWave(stores, 'w-2026-04', '2026-04-01T00:00:00.000Z', wave(5));
  await addWave(stores, WAVE_ID, NOW, wave(35));
  for (const waveId of ['w-2026-04', WAVE_ID]) {
    const known = await stores.waves.get(waveId);
    if (known === undefined) throw new Error('no wave');
    await stores.waves.replace(waveId, { ...known.record, policyHash: policy.hash, dimension: 'class' }, known.rev);
  }
  const target = {
    ...benchTarget(bench),
    waves: stores.waves,
    teamView: (waveId: string, segments: readonly string[]) =>
      teamView(waveId, { ...stores, clock: { now: () => CLOSES } }, segments),
  };
  return operatorOn(() => target);
};

describe('team show', () => {
  it('names first who improved, and nobody better than who cannot be shown to be', async () => {
    const { code, out } = await (await tool())('team', 'show', '--by', 'manager');

    expect(code).toBe(0);
    expect(out).toContain(`wave ${WAVE_ID}: 80 answers`);
    expect(out).toContain('Improved since wave w-2026-04: Li (+150)');
    expect(out).toContain('No difference can be shown for 2 of 2');
    expect(out.indexOf('\nLi ')).toBeLessThan(out.indexOf('\nWu '));
    expect(out).toContain('Segments of the customers written to, in this order: High / Middle.');
    expect(out).not.toContain('Branch');
  });

  it('speaks Chinese', async () => {
    const { out } = await (await tool())('team', 'show', '--lang', 'zh-CN');

    expect(out).toContain('与批次 w-2026-04 相比有进步：Li (+150)');
    expect(out).not.toMatch(/undefined|NaN|\{/u);
  });

  it('is one document with --json, and a file with --format', async () => {
    const run = await tool();
    const { json } = await run('team', 'show', '--json');
    const file = path.join(temporaryFolder('team'), 'team.csv');
    const { out } = await run('team', 'show', '--format', 'csv', '--out', file);

    expect(json).toMatchObject({ waveId: WAVE_ID, comparedWith: 'w-2026-04', total: { answered: 80 } });
    expect(out).toContain('5 rows of wave');
    expect(readFileSync(file, 'utf8').split('\r\n')[1]).toContain(`${WAVE_ID},nps,manager,Li,40,0.75,`);
  });

  it.each([
    [['--by', 'town'], '--by must be one of manager, branch, got "town"'],
    [['--format', 'xlsx', '--out', 'x'], '--format must be one of csv, parquet, got "xlsx"'],
    [['--out', 'x'], '--format and --out go together'],
    [['w-none'], 'there is no wave "w-none"'],
    [[], 'there is no survey wave yet'],
  ])('refuses %j and says what is allowed', async (words, message) => {
    const { code, err } = await operator(openMemoryBench())('team', 'show', ...words);

    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});
