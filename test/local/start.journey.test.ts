import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { directoryObjects } from '#shared/adapters/directory-objects.ts';
import { parquetRunFiles } from '#shared/adapters/parquet-run-files.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const newFolder = (): string => path.join(temporaryFolder('start'), 'data');

/** Starts the loop as a newcomer does; kills it without warning after `killAfterMs`. @returns exit code, null if killed */
const start = (
  dataDir: string,
  killAfterMs?: number,
): Promise<{ readonly code: number | null; readonly output: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['local/start.ts', '--once', '--companies', '120', '--data', dataDir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      output += String(chunk);
    });
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });

/** Segments of every subject, from the plans of all monthly runs. */
const segmentsOf = async (dataDir: string): Promise<readonly string[]> => {
  const files = parquetRunFiles(directoryObjects(path.join(dataDir, 'workspace')));
  const lines: string[] = [];
  for (const runId of readdirSync(path.join(dataDir, 'workspace', 'runs')).sort()) {
    for (let shard = 0; shard < 4; shard += 1) {
      for (const row of await files.readPlan(runId, shard)) {
        lines.push(`${runId} ${row.subject} ${JSON.stringify(row.next.placements)}`);
      }
    }
  }
  return lines.sort();
};

const invitationsByWaveAndAddress = (dataDir: string): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  const folder = path.join(dataDir, 'mail', 'mails');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const envelope = JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
    // Action lists go to the staff once per run; of cases the staff hear several times.
    if (!['invitation', 'reminder', 'actions'].includes(envelope.tags.kind)) continue;
    const key = `${envelope.tags.run} ${envelope.tags.kind} ${envelope.to}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
};

describe('npm start', () => {
  it('R37 I1 killed at any moment and started again ends with the same segments and no second mail', async () => {
    const calm = newFolder();
    const shaken = newFolder();
    const undisturbed = await start(calm);
    expect(undisturbed.output).toContain('State: published');

    let kills = 0;
    for (const afterMs of [900, 2500, 3300, 4100, 4900, 5600, 6500]) {
      const { code } = await start(shaken, afterMs);
      if (code === null) kills += 1;
    }
    const final = await start(shaken);

    expect(kills).toBeGreaterThan(2);
    expect(final.code, final.output).toBe(0);
    expect(await segmentsOf(shaken)).toEqual(await segmentsOf(calm));
    const mails = invitationsByWaveAndAddress(shaken);
    expect(mails.size).toBeGreaterThan(20);
    expect([...mails].filter(([, count]) => count > 1)).toEqual([]);
  }, 240_000);

  it('refuses options it does not know, with exit code 2 and a hint', async () => {
    const child = await new Promise<{ code: number | null; text: string }>((resolve) => {
      const process_ = spawn(process.execPath, ['local/start.ts', '--oncee'], { stdio: ['ignore', 'ignore', 'pipe'] });
      let text = '';
      process_.stderr.on('data', (chunk) => {
        text += String(chunk);
      });
      process_.on('exit', (code) => resolve({ code, text }));
    });

    expect(child.code).toBe(2);
    expect(child.text).toMatch(/--oncee/);
    expect(child.text).toMatch(/npm start -- --help/);
  });
});
