import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTarget } from '#cli/open-target.ts';
import type { Target } from '#cli/target.ts';
import { ALARMS } from '#infra/alarm-catalogue.ts';
import { damageCustomers } from '#local/database.ts';
import { openStack, type Stack } from '#local/stack.ts';
import { readStartOptions } from '#local/start-options.ts';
import { RunSummary } from '#shared/contracts/run-record.ts';
import { transitionsOf } from '#shared/domain/usage.ts';
import { operatorOn, type Said } from '#test/support/bench-target.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const PAGE = readFileSync('docs/drills.md', 'utf8');

/** Commands of the page by drill, in their order. */
const drills = new Map(
  PAGE.split(/^## /mu)
    .slice(1)
    .map((section): [string, readonly string[]] => [
      section.slice(0, section.indexOf('\n')),
      [...section.matchAll(/```sh\n([\s\S]*?)```/gu)].flatMap(([, block = '']) => block.trim().split('\n')),
    ]),
);
const commands = [...PAGE.matchAll(/```sh\n([\s\S]*?)```/gu)].flatMap(([, block = '']) => block.trim().split('\n'));

/** The words of a line as a shell would give them; quotes hold words together. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/gu)].map(([, a, b, c]) => a ?? b ?? c ?? '');

describe('the page of drills', () => {
  it('has a drill or a reason for every alarm', () => {
    for (const alarm of Object.keys(ALARMS)) expect(PAGE).toContain(`\`${alarm}\``);
  });

  it('leads to drills that are there', () => {
    const anchors = new Set([...drills.keys()].map((name) => name.toLowerCase().replaceAll(' ', '-')));

    for (const [, anchor = ''] of PAGE.matchAll(/\]\(#([\w-]+)\)/gu)) expect([...anchors]).toContain(anchor);
  });

  it.each(commands.filter((line) => line.startsWith('npm start -- ')))(
    'starts as the stack understands: %s',
    (line) => {
      expect(() => readStartOptions(words(line).slice(3))).not.toThrow();
    },
  );

  it.each(commands.filter((line) => line.startsWith('npx resegment ')))(
    'names a command that there is: %s',
    async (line) => {
      let reached = false;
      const given = words(line)
        .slice(2)
        .map((word) => (word === 'wrong.yaml' ? path.join(temporaryFolder('policy'), word) : word));

      const { code } = await operatorOn(() => {
        reached = true;
        throw new Error('far enough');
      })(...given);

      // Only `policy new` needs no target; a wrong option or command never asks for one.
      expect(reached || line.includes('policy new')).toBe(true);
      expect(code).not.toBe(2);
    },
  );
});

/** Forty customers who bought for a year. */
const ordersCsv = (): string => {
  const rows = ['customer,date,amount'];
  for (let index = 0; index < 40; index += 1) {
    for (let month = 1; month <= 1 + (index % 10); month += 1)
      rows.push(`c${index},2026-${String(month).padStart(2, '0')}-1${index % 10},${10 + index * 7}.50`);
  }
  return `${rows.join('\n')}\n`;
};

describe('drills', () => {
  const folder = temporaryFolder('drills');
  let stack: Stack;
  let target: Target;
  let resegment: (...given: readonly string[]) => Promise<Said>;
  const summary = async (): Promise<RunSummary> =>
    RunSummary.parse((await resegment('run', 'show', 'latest', '--json')).json);

  beforeAll(async () => {
    stack = await openStack({ dataDir: folder, startAt: '2026-11-01T02:00:00.000Z', port: 0 });
    target = await openTarget({ target: 'local', stage: 'local', data: folder });
    resegment = operatorOn(() => ({ ...target, close: async () => undefined }));
    writeFileSync(path.join(folder, 'orders.csv'), ordersCsv());
    const map = 'customer=customer,date=date,amount=amount';
    await resegment('import', 'purchases', path.join(folder, 'orders.csv'), '--map', map);
  }, 60_000);
  afterAll(async () => {
    await target?.close();
    await stack?.close();
  });
  const throttle = async (share: number): Promise<unknown> =>
    (
      await fetch(`${stack.addresses.database}/faults`, { method: 'POST', body: JSON.stringify({ throttle: share }) })
    ).json();

  it('the database refuses: a run comes to the same result, by more calls', async () => {
    await resegment('plan', '--policy', 'retail-rfm', '--as-of', '2026-10-31');
    const calm = await summary();
    expect(await throttle(0.05)).toEqual({ throttle: 0.05 });

    const said = await resegment('run', '--yes', '--as-of', '2026-10-31', '--json');
    expect(await throttle(0)).toEqual({ throttle: 0 });

    expect(said.code).toBe(0);
    const { segments, population, moves } = await summary();
    expect({ segments, population, moves }).toEqual({
      segments: calm.segments,
      population: calm.population,
      moves: calm.moves,
    });
    expect(Object(said.json).cost).toMatchObject({ usedOn: 'local', currency: 'USD' });
  }, 60_000);

  it('unreadable records: they are named, the others are placed; too many hold the run', async () => {
    await damageCustomers(stack.parts, 3);

    await resegment('plan', '--as-of', '2026-10-31');

    const held = await summary();
    expect(held).toMatchObject({ state: 'held', quarantined: 3, population: 40 });
    expect(held.brakes.map(({ brake }) => brake)).toContain('quarantineShare');
    const map = 'customer=customer,date=date,amount=amount';
    expect((await resegment('run', 'abandon', 'latest')).code).toBe(0);
    expect((await resegment('status')).out).not.toContain('held');
    await resegment('import', 'purchases', path.join(folder, 'orders.csv'), '--map', map, '--append');
  }, 60_000);

  it('the wrong policy: the run before is in force again for everybody', async () => {
    const before = (await target.pointer.get()).published?.runId;

    expect((await resegment('run', 'rollback', '--reason', 'wrong policy')).code).toBe(0);

    expect((await target.pointer.get()).published?.runId).not.toBe(before);
    const { json } = await resegment('audit', '--json');
    expect(JSON.stringify(json)).toContain('wrong policy');
  }, 60_000);

  it('what transitions are computed is what the machines went through', async () => {
    const runs = (await target.runs.list()).map(({ record }) => record);
    const entered = async (runId: string): Promise<number> => {
      const { executionArn } = await target.workflows.start('resegmentation', runId, {});
      return (await stack.finished(executionArn)).states.length;
    };
    const transitions = async (runId: string): Promise<number> => transitionsOf(await target.usage.of(runId));
    const planned = runs.find(({ state }) => state === 'planned' || state === 'held');
    const applied = runs.find(({ state }) => state === 'rolledBack');

    // Its own start and states; of each child its start and its one state, in two Maps of a plan and three of a run.
    expect(await transitions(planned?.runId ?? '')).toBe(1 + (await entered(planned?.runId ?? '')) + 2 * 2 * 4);
    // What the refusals had repeated comes on top.
    expect(await transitions(applied?.runId ?? '')).toBeGreaterThanOrEqual(
      1 + (await entered(applied?.runId ?? '')) + 3 * 2 * 4,
    );
  });
});
