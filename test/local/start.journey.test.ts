import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { directoryObjects } from '#shared/adapters/directory-objects.ts';
import { parquetRunFiles } from '#shared/adapters/parquet-run-files.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const newFolder = (): string => path.join(temporaryFolder('start'), 'data');

/** A moment to kill the loop at: so long after it has said this for the nth time. */
interface Moment {
  readonly says: string;
  readonly nth?: number;
  readonly afterMs: number;
  readonly options?: readonly string[];
}

/** One in every step of the loop, the first while it still starts. Mails go out slowly where it is to die among them. */
const MOMENTS: readonly Moment[] = [
  { says: 'starting the servers', afterMs: 0 },
  { says: 'making up', afterMs: 250 },
  { says: 'without mail', nth: 1, afterMs: 300 },
  { says: 'without mail', nth: 4, afterMs: 120 },
  { says: 'and its survey', afterMs: 200 },
  { says: 'sending survey mails', afterMs: 300, options: ['--mail-rate', '20'] },
  { says: 'simulated customers answer', afterMs: 150 },
  { says: 'with the answers', afterMs: 100 },
];

/** Starts the loop as a newcomer does; kills it without warning at a moment. @returns exit code, null if killed */
const start = (dataDir: string, moment?: Moment): Promise<{ readonly code: number | null; readonly output: string }> =>
  new Promise((resolve) => {
    const words = ['local/start.ts', '--once', '--companies', '100', '--data', dataDir, ...(moment?.options ?? [])];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let timer: NodeJS.Timeout | undefined;
    const hear = (chunk: unknown): void => {
      output += String(chunk);
      if (moment === undefined || timer !== undefined) return;
      if (output.split(moment.says).length > (moment.nth ?? 1)) {
        timer = setTimeout(() => child.kill('SIGKILL'), moment.afterMs);
      }
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
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
  it('R37 I1 killed in every step and started again ends with the same segments and no second mail', async () => {
    const calm = newFolder();
    const shaken = newFolder();
    const disturb = async () => {
      const codes: (number | null)[] = [];
      for (const moment of MOMENTS) codes.push((await start(shaken, moment)).code);
      return { codes, final: await start(shaken) };
    };

    const [undisturbed, { codes, final }] = await Promise.all([start(calm), disturb()]);

    expect(undisturbed.output).toContain('State: published');
    expect(codes).toEqual(MOMENTS.map(() => null));
    expect(final.code, final.output).toBe(0);
    expect(await segmentsOf(shaken)).toEqual(await segmentsOf(calm));
    const mails = invitationsByWaveAndAddress(shaken);
    expect(mails.size).toBeGreaterThan(20);
    expect([...mails].filter(([, count]) => count > 1)).toEqual([]);
  }, 900_000);

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
