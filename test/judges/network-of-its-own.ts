import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { TABLE_DEFINITIONS } from '#shared/contracts/tables.ts';
import { testFilesWith, vitest } from './vitest-run.ts';

/** Started by `dynamodb-local.ts` in a network namespace: `network-of-its-own.ts ENGINE_FOLDER PORT`. */
const SIOCSIFFLAGS = 0x89_14;
const UP_LOOPBACK_RUNNING = 0x49;
const LOOPBACK_UP = `ip link set lo up 2>/dev/null || python3 -c "
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), ${SIOCSIFFLAGS}, struct.pack('16sh', b'lo', ${UP_LOOPBACK_RUNNING}))"`;
const MOST_TRIES = 600;

const main = async ([engine = '', port = '']: readonly string[]): Promise<void> => {
  if (spawnSync('sh', ['-c', LOOPBACK_UP]).status !== 0) throw new Error('the loopback interface stayed down');
  const database = spawn(
    'java',
    [
      '-Xmx512m',
      `-Djava.library.path=${join(engine, 'DynamoDBLocal_lib')}`,
      ...['-jar', join(engine, 'DynamoDBLocal.jar'), '-inMemory', '-disableTelemetry', '-port', port],
    ],
    { stdio: 'ignore' },
  );
  // Also where the judges were killed: nothing goes on in here without them.
  process.once('disconnect', () => {
    database.kill();
    process.exit();
  });
  try {
    const endpoint = `http://127.0.0.1:${port}`;
    await answering(endpoint, database);
    process.send?.({ listening: true });
    await once(process, 'message');
    const verdict = await vitest(testFilesWith(/support\/open-tables\.ts/u), {
      RESEGMENT_JUDGE_DYNAMODB: endpoint,
    });
    await assertUsed(endpoint);
    process.send?.({ verdict: { ...verdict, titles: verdict.titles.filter((title) => !/memory/iu.test(title)) } });
  } catch (error) {
    console.error(`DynamoDB Local: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    process.disconnect();
  }
};

const answering = async (endpoint: string, database: ChildProcess): Promise<void> => {
  for (let tries = 0; tries < MOST_TRIES && database.exitCode === null; tries += 1) {
    if ((await fetch(endpoint).catch(() => undefined)) !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('DynamoDB Local did not start');
};

/** That the tests made their tables here and not in a database of their own. */
const assertUsed = async (endpoint: string): Promise<void> => {
  const client = dynamoClient({ endpoint });
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  client.destroy();
  const missing = TABLE_DEFINITIONS.filter(({ name }) => !TableNames.includes(name));
  if (missing.length > 0) throw new Error('no test made its tables in DynamoDB Local');
};

await main(process.argv.slice(2));
