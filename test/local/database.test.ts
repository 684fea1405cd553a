import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { CreateTableCommand, DescribeTableCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createTables, startDatabase } from '#local/database.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const dynalite = createRequire(import.meta.url)('dynalite');
const dataDir = temporaryFolder('database');

const templates = TABLE_DEFINITIONS.map((table) => tableProperties(table, `t-${table.name}`));

describe('the local database', () => {
  it('keeps tables and items over a restart', async () => {
    const first = await startDatabase({ dataDir });
    expect(await createTables(first.endpoint, templates)).toHaveLength(TABLE_DEFINITIONS.length);
    expect(await createTables(first.endpoint, templates)).toEqual([]);
    const writer = dynamoClient({ endpoint: first.endpoint });
    const Item = { kind: { S: 'RUN' }, id: { S: 'a' }, note: { S: 'kept' } };
    await writer.send(new PutItemCommand({ TableName: 't-runs', Item }));
    writer.destroy();
    await first.stop();
    await first.stop();

    const second = await startDatabase({ dataDir });
    const reader = dynamoClient({ endpoint: second.endpoint });
    const found = await reader.send(
      new GetItemCommand({ TableName: 't-runs', Key: { kind: { S: 'RUN' }, id: { S: 'a' } } }),
    );
    reader.destroy();
    await second.stop();

    expect(found.Item).toEqual(Item);
  });

  it('makes a table anew that a killed process left half made', async () => {
    const folder = temporaryFolder('half-made');
    const store = path.join(folder, 'database');
    const slow = dynalite({ path: store, createTableMs: 600_000 });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const maker = dynamoClient({ endpoint: `http://127.0.0.1:${slow.address().port}` });
    await maker.send(
      new CreateTableCommand({
        TableName: 't-runs',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'kind', AttributeType: 'S' }],
      }),
    );
    maker.destroy();
    await new Promise((resolve) => slow.close(resolve));

    const next = await startDatabase({ dataDir: folder });
    expect(await createTables(next.endpoint, templates)).toHaveLength(TABLE_DEFINITIONS.length);
    const client = dynamoClient({ endpoint: next.endpoint });
    const states = [];
    for (const { TableName } of templates) {
      const { Table } = await client.send(new DescribeTableCommand({ TableName }));
      states.push(Table?.TableStatus);
    }
    const Item = { kind: { S: 'RUN' }, id: { S: 'a' } };
    await client.send(new PutItemCommand({ TableName: 't-runs', Item }));
    client.destroy();
    await next.stop();

    expect(states).toEqual(templates.map(() => 'ACTIVE'));
  });

  it('refuses a folder of before an index, and says how to go on', async () => {
    const database = await startDatabase();
    const [answers] = TABLE_DEFINITIONS.filter(({ name }) => name === 'answers').map((definition) =>
      tableProperties(definition, definition.name),
    );
    if (answers === undefined) throw new Error('there is no table answers');
    const [first] = answers.GlobalSecondaryIndexes ?? [];
    const before = {
      ...answers,
      AttributeDefinitions: answers.AttributeDefinitions.filter(({ AttributeName }) => !/^outbox/u.test(AttributeName)),
      ...(first === undefined ? {} : { GlobalSecondaryIndexes: [first] }),
    };
    await createTables(database.endpoint, [before]);

    await expect(createTables(database.endpoint, [answers])).rejects.toMatchObject({
      code: 'data-folder-old',
      message: expect.stringContaining('answers has no index outbox'),
      hint: expect.stringContaining('--fresh'),
    });
    await database.stop();
  });

  it('refuses a folder that another stack keeps open, and says so', async () => {
    const running = await startDatabase({ dataDir });

    await expect(startDatabase({ dataDir, lockWaitMs: 300 })).rejects.toMatchObject({
      code: 'data-folder-in-use',
      message: expect.stringContaining(dataDir),
    });

    await running.stop();
  });

  it('waits for a folder that is being released, though one attempt takes longer than the wait', async () => {
    let elapsedMs = 0;
    const elapsed = vi.spyOn(performance, 'now').mockImplementation(() => elapsedMs);
    onTestFinished(() => elapsed.mockRestore());
    const leaving = await startDatabase({ dataDir });
    await createTables(leaving.endpoint, templates);
    // LevelDB begins a new LOG with every attempt to open a folder, before it asks for the lock.
    const attempts = () => statSync(path.join(dataDir, 'database', 'LOG'), { throwIfNoEntry: false })?.ino;
    const before = attempts();

    const starting = startDatabase({ dataDir, lockWaitMs: 5_000 });
    while (attempts() === before) await new Promise((resolve) => setImmediate(resolve));
    // This attempt fails when the wait is over, and before the folder is released.
    elapsedMs = 6_000;
    await new Promise((resolve) => setTimeout(resolve, 100));
    const [next] = await Promise.all([starting, leaving.stop()]);

    expect(next.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await next.stop();
  });

  it('refuses a port that is taken', async () => {
    const running = await startDatabase();
    const port = Number(new URL(running.endpoint).port);

    await expect(startDatabase({ port })).rejects.toMatchObject({ code: 'port-taken' });

    await running.stop();
  });
});
