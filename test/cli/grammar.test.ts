import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitOfState } from '#cli/exit-code.ts';
import { findRun } from '#cli/find-run.ts';
import { importMap } from '#shared/application/import/import-options.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import { operatorOn } from '#test/support/bench-target.ts';

const BIN = join(import.meta.dirname, '..', '..', 'cli', 'resegment.mjs');

/** The tool as a process, as a shell starts it. */
const resegment = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...words], {
    encoding: 'utf8',
    input: '',
    timeout: 30_000,
  });
  return { status, stdout, stderr };
};

/** The same in this process, where nothing may be opened. */
const say = operatorOn(() => {
  throw new Error('nothing was to be opened');
});

describe('the command line', () => {
  it.each([
    [[], 'command-missing'],
    [['frobnicate'], 'usage-unknownCommand'],
    [['run'], 'confirmation-missing'],
    [['run', '--yes', '--override', 'handbrake', '--reason', 'x'], 'brake-unknown'],
    [['run', '--yes', '--override', 'movedShare'], 'reason-missing'],
    [['export', 'latest', '--format', 'xlsx', '--out', 'x'], 'format-unknown'],
    [['export', 'latest', '--format', 'csv'], 'usage-missingMandatoryOptionValue'],
    [['status', '--target', 'moon'], 'target-unknown'],
    [['status', '--target', 'aws'], 'stage-missing'],
    [['status', '--lang', 'xx'], 'language-unknown'],
    [['run', 'list', '--limit', '0'], 'option-invalid'],
    [['run', 'rollback'], 'reason-missing'],
    [['run', 'rollback', '2026-05', '--reason', ' '], 'reason-missing'],
    [['pin', 'set', 'C-1', '--segment', 'a', '--until', '2027-01-01'], 'usage-missingMandatoryOptionValue'],
    [['pin', 'clear', 'C-1'], 'usage-missingMandatoryOptionValue'],
    [['customer', 'history'], 'usage-missingArgument'],
    [['wave', 'show', ''], 'argument-empty'],
    [['contact', 'show', ' '], 'argument-empty'],
    [['policy', 'check', 'no-such-policy.yaml'], 'policy-not-found'],
  ])('refuses %j as wrong usage with one JSON document, and opens nothing', async (words, refusal) => {
    const { code, json, err } = await say(...words, '--json');

    expect(json).toEqual({
      error: {
        code: refusal,
        message: expect.any(String),
        path: null,
        hint: expect.toSatisfy((hint) => hint === null || typeof hint === 'string'),
      },
    });
    expect(code).toBe(2);
    expect(err).toBe('');
  });

  it('ends its process with the code of a refusal, and one JSON document on stdout', () => {
    const { status, stdout } = resegment('status', '--target', 'moon', '--json');

    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'target-unknown' } });
    expect(status).toBe(2);
  });

  it('says what is wrong on stderr and nothing on stdout without --json', () => {
    const { status, stdout, stderr } = resegment('run');

    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('add --yes');
  });

  it.each([
    'plan',
    'run',
    'apply',
    'status',
    'explain',
    'export',
    'run list',
    'run replay',
    'run rollback',
    'pin set',
    'pin clear',
    'pin list',
    'customer history',
    'wave show',
    'flag list',
    'flag show',
    'flag approve',
    'flag refuse',
    'flag letter',
    'note add',
    'note list',
    'note withdraw',
    'import notes',
    'case list',
    'case show',
    'case take',
    'case close',
    'policy check',
    'import purchases',
    'import customers',
    'import answers',
    'import staff',
    'staff list',
    'staff remove',
    'action list',
    'clock show',
    'clock move',
  ])('explains %s with an example', async (command) => {
    const { code, out } = await say(...command.split(' '), '--help');

    expect(code).toBe(0);
    expect(out).toContain('Example');
    expect(out).toContain(`resegment ${command}`);
  });

  it('explains itself as a process too', () => {
    const { status, stdout } = resegment('run', '--help');

    expect(status).toBe(0);
    expect(stdout).toContain('resegment run');
  });

  it('accepts the policies that come with the product', () => {
    expect(resegment('policy', 'check', 'retail-rfm').status).toBe(0);
    expect(resegment('policy', 'check', 'bank-three-class', '--json').status).toBe(0);
  });
});

describe('a mapping of columns', () => {
  it('reads pairs, and commas in names behind a backslash', () => {
    expect(importMap('customer=id,date=Order date,amount=a\\,b')).toEqual({
      customer: 'id',
      date: 'Order date',
      amount: 'a,b',
    });
  });

  it.each(['customer', '=x', 'customer=', 'a=b,a=c'])('refuses %j', (text) => {
    expect(() => importMap(text)).toThrow(/--map/u);
  });
});

describe('the name of a run', () => {
  const run = (runId: string, state: RunRecord['state'], frozenAt: string): { id: string; record: RunRecord } => ({
    id: runId,
    record: { runId, state, frozenAt, period: runId.slice(0, 7) } as RunRecord,
  });
  const runs = {
    list: async () => [
      run('2026-04-monthly', 'published', '2026-05-01T00:00:00.000Z'),
      run('2026-05-monthly', 'published', '2026-06-01T00:00:00.000Z'),
      run('2026-05-r1', 'failed', '2026-06-02T00:00:00.000Z'),
    ],
  };

  it.each([
    ['2026-05-r1', '2026-05-r1'],
    ['2026-05-m', '2026-05-monthly'],
    ['latest', '2026-05-r1'],
    ['previous', '2026-05-monthly'],
    ['2026-05', '2026-05-monthly'],
  ])('%s means %s', async (wanted, runId) => {
    expect((await findRun(runs, wanted)).runId).toBe(runId);
  });

  it.each(['2026-0', 'x', '', '2025-01'])('refuses %j, which is none or several', async (wanted) => {
    await expect(findRun(runs, wanted)).rejects.toMatchObject({ name: 'UsageError' });
  });
});

describe('the exit code', () => {
  it.each([
    ['planned', 0],
    ['published', 0],
    ['failed', 1],
    ['held', 3],
    ['degraded', 4],
    ['rolledBack', 1],
  ] as const)('of a run that ended %s is %i', (state, code) => {
    expect(exitOfState(state)).toBe(code);
  });
});
