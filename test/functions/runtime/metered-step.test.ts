import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meteredStep, type StepMeter } from '#functions/runtime/metered-step.ts';
import { directoryObjects } from '#shared/adapters/directory-objects.ts';
import { attemptIf } from '#shared/adapters/dynamo-client.ts';
import { dynamoUsage } from '#shared/adapters/dynamo-usage.ts';
import { NO_USAGE } from '#shared/domain/usage.ts';
import { PoisonError } from '#shared/errors.ts';
import type { UsageLedger } from '#shared/ports/usage-ledger.ts';
import { type OpenTables, openTables } from '#test/support/open-tables.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

let tables: OpenTables;
let ledger: UsageLedger;
beforeAll(async () => {
  tables = await openTables();
  ledger = dynamoUsage({ client: tables.client, table: 'runs' });
});
afterAll(() => tables.close());

const meterWith = (more: Partial<StepMeter> = {}): StepMeter => ({
  ledger,
  memoryMbOf: () => 512,
  takeStartMs: () => 0,
  ...more,
});
const item = (id: string, bytes = 10) => ({ kind: { S: 'TEST' }, id: { S: id }, text: { S: 'x'.repeat(bytes) } });
const put = (id: string, bytes?: number) =>
  tables.client.send(new PutItemCommand({ TableName: 'runs', Item: item(id, bytes) }));

describe('what a step used', () => {
  it('is its units, its requests to the workspace and its time × memory, beside what it did before', async () => {
    const objects = directoryObjects(temporaryFolder('usage-'));
    const step = meteredStep('publish-run', async (_input: { readonly runId: string }, _ports: object) => {
      await put('large', 3_000);
      await tables.client.send(
        new GetItemCommand({ TableName: 'runs', Key: { kind: { S: 'TEST' }, id: { S: 'large' } } }),
      );
      await attemptIf('create once', () =>
        tables.client.send(
          new PutItemCommand({
            TableName: 'runs',
            Item: item('large'),
            ConditionExpression: 'attribute_not_exists(id)',
          }),
        ),
      );
      await objects.put('runs/a/b.json', new Uint8Array([1]));
      await objects.get('runs/a/b.json');
      await objects.list('runs/');
      await new Promise((resolve) => setTimeout(resolve, 20));
      return 'done';
    });

    expect(await step({ runId: 'one' }, { meter: meterWith() })).toBe('done');
    const { megabyteMs, ...once } = (await ledger.of('one'))['publish-run'] ?? NO_USAGE;

    // 3 KB written, a condition that failed, 4 KB read eventually consistently; a list costs as a write does.
    expect(once).toEqual({ attempts: 1, halfReadUnits: 1, writeUnits: 4, objectReads: 1, objectWrites: 2, mails: 0 });
    expect(megabyteMs % 512).toBe(0);
    expect(megabyteMs).toBeGreaterThanOrEqual(19 * 512);

    await step({ runId: 'one' }, { meter: meterWith({ takeStartMs: () => 1_000 }) });
    const twice = (await ledger.of('one'))['publish-run'] ?? NO_USAGE;
    expect(twice).toMatchObject({ attempts: 2, writeUnits: 8 });
    expect(twice.megabyteMs - megabyteMs).toBeGreaterThanOrEqual(1_019 * 512);
  });

  it('counts a call that fails, and the failure stays as it was', async () => {
    const failure = new PoisonError('bad', 'this one never succeeds');
    const step = meteredStep('measure-shard', async (_input: { readonly runId: string }, _ports: object) => {
      await put('x');
      throw failure;
    });

    await expect(step({ runId: 'failing' }, { meter: meterWith() })).rejects.toBe(failure);

    expect(await ledger.of('failing')).toMatchObject({ 'measure-shard': { attempts: 1, writeUnits: 1 } });
  });

  it('belongs to the run that opening it names', async () => {
    const step = meteredStep('open-run', async (_input: object, _ports: object) => ({ schema: 1, runId: 'opened' }));

    await step({}, { meter: meterWith() });

    expect(Object.keys(await ledger.of('opened'))).toEqual(['open-run']);
  });

  it('does not fail a step where it cannot be kept', async () => {
    const step = meteredStep('calibrate', async (_input: { readonly runId: string }, _ports: object) => 'done');
    const broken = { add: () => Promise.reject(new Error('the table is away')) };

    expect(await step({ runId: 'lost' }, { meter: meterWith({ ledger: broken }) })).toBe('done');
  });

  it('of steps at the same time is kept apart, and of many shards adds up exactly', async () => {
    const step = meteredStep('apply-shard', async ({ shard }: { readonly runId: string; shard: number }, _: object) => {
      for (let index = 0; index < shard; index += 1) await put(`s${shard}-${index}`);
    });

    await Promise.all(
      Array.from({ length: 12 }, (_, shard) =>
        step({ runId: shard % 2 === 0 ? 'a' : 'a-2', shard }, { meter: meterWith() }),
      ),
    );

    expect(await ledger.of('a')).toMatchObject({ 'apply-shard': { attempts: 6, writeUnits: 0 + 2 + 4 + 6 + 8 + 10 } });
    expect(await ledger.of('a-2')).toMatchObject({
      'apply-shard': { attempts: 6, writeUnits: 1 + 3 + 5 + 7 + 9 + 11 },
    });
    expect(await ledger.of('nobody')).toEqual({});
  });
});
