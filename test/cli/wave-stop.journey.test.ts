import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WaveStatus } from '#shared/contracts/survey.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const BIN = join(import.meta.dirname, '..', '..', 'cli', 'resegment.mjs');
const folder = temporaryFolder('wave-stop');
const running: ChildProcess[] = [];
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the loop as a newcomer does, and leaves it up. */
const startLoop = (dataDir: string, mailRate: number, ...more: string[]) => {
  const options = ['--companies', '100', '--data', dataDir, '--mail-rate', String(mailRate), ...more];
  const child = spawn(process.execPath, ['local/start.ts', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return {
    says: async (text: string) =>
      until(
        async () => output.includes(text),
        () => output,
      ),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
};

const until = async (holds: () => Promise<boolean>, told: () => string = () => ''): Promise<void> => {
  const end = performance.now() + 200_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it never came to that: ${told()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

const resegment = async (dataDir: string, as: string, ...words: string[]) => {
  const child = spawn(process.execPath, [BIN, ...words, '--json', '--as', as, '--data', dataDir]);
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stdin.end();
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const document: unknown = JSON.parse(stdout);
  return { code, document };
};

/** Recipients on the local mail server's disk, one entry for each mail of the wave. */
const invited = (dataDir: string): readonly string[] => {
  const mails = join(dataDir, 'mail', 'mails');
  try {
    return readdirSync(mails)
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(join(mails, file), 'utf8')))
      .filter(({ tags }) => tags.kind === 'invitation')
      .map(({ tags, to }) => `${tags.run} ${to}`);
  } catch {
    return [];
  }
};

const shown = async (dataDir: string) =>
  WaveStatus.parse((await resegment(dataDir, 'Ann', 'wave', 'show', 'latest')).document);

/** A loop that died among the first mails of its wave; every test goes on with a copy of it. */
const begun = join(folder, 'begun');
beforeAll(async () => {
  const loop = startLoop(begun, 1);
  await until(async () => invited(begun).length >= 2);
  await loop.kill();
}, 300_000);

/** Goes on with the loop until one more mail is out. */
const goOn = async (name: string) => {
  const dataDir = join(folder, name);
  cpSync(begun, dataDir, { recursive: true });
  const before = invited(dataDir).length;
  const loop = startLoop(dataDir, 1);
  await until(async () => invited(dataDir).length > before);
  return { dataDir, loop };
};

describe.concurrent('an operator at a wave of the local stack', () => {
  it('I1 R37 pauses it in the middle, sees the stack die, resumes it: everybody exactly once', async () => {
    const { dataDir, loop: first } = await goOn('paused');
    const [ann, bo] = await Promise.all([
      resegment(dataDir, 'Ann', 'wave', 'pause', 'latest', '--reason', 'wrong branch names'),
      resegment(dataDir, 'Bo', 'wave', 'pause', 'latest', '--reason', 'wrong logo'),
    ]);
    const paused = await shown(dataDir);
    await first.kill();
    const before = invited(dataDir).length;

    const second = startLoop(dataDir, 200);
    await second.says('paused by');
    const asBefore = await shown(dataDir);
    expect(invited(dataDir)).toHaveLength(before);
    const resumed = await resegment(dataDir, 'Ann', 'wave', 'resume', 'latest');
    await second.says('importing what');
    await second.kill();

    expect([ann.code, bo.code]).toEqual([0, 0]);
    expect([ann.document, bo.document]).toContainEqual(expect.objectContaining({ outcome: 'done' }));
    expect([ann.document, bo.document]).toContainEqual(expect.objectContaining({ outcome: 'unchanged' }));
    expect(paused.pause).toMatchObject({ by: 'operator' });
    expect(paused.planned).toBeGreaterThan(0);
    expect(asBefore).toMatchObject({ pause: paused.pause, drawn: paused.drawn });
    expect(resumed).toMatchObject({ code: 0, document: { outcome: 'done' } });
    const mails = invited(dataDir).filter((one) => one.startsWith(paused.waveId));
    expect(new Set(mails).size).toBe(mails.length);
    // All who were planned got theirs; a mail that was under way when the stack died may be one of them or uncertain.
    expect(mails.length).toBeLessThanOrEqual(paused.sent + paused.planned + paused.uncertain);
    expect(mails.length).toBeGreaterThanOrEqual(paused.sent + paused.planned - 4);
  }, 300_000);

  it('cancels it in the middle: no mail goes out any more, also after the stack died and started again', async () => {
    const { dataDir, loop: first } = await goOn('cancelled');
    const cancelled = await resegment(dataDir, 'Ann', 'wave', 'cancel', 'latest', '--reason', 'asked by the council');
    const status = await shown(dataDir);
    await first.kill();
    const sent = invited(dataDir).filter((one) => one.startsWith(status.waveId)).length;

    const second = startLoop(dataDir, 200);
    await second.says('The stack stays up');
    await second.kill();

    expect(cancelled).toMatchObject({ code: 0, document: { outcome: 'done', state: 'cancelled' } });
    expect(status.states?.['waveCancelled']).toBeGreaterThan(0);
    expect(Object.values(status.states ?? {}).reduce((sum, count) => sum + count, 0)).toBe(status.population);
    expect(invited(dataDir).filter((one) => one.startsWith(status.waveId))).toHaveLength(sent);
  }, 300_000);
});
