import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/**
 * `npm run judge`: lets programs of others judge what we cannot prove without an account. cfn-lint reads the templates of every
 * stage; a moto server, which implements the AWS APIs independently of us, takes the place of AWS for the adapters' contract
 * suites and for the operator's tool with `--target aws`. Needs Python 3.9 or newer; both are installed into `.local/judges`.
 */
const ROOT = join(import.meta.dirname, '..', '..');
const VENV = join(ROOT, '.local', 'judges');
const PACKAGES = ['moto[server]==5.2.5', 'cfn-lint==1.58.0'];
const CONTRACTS = ['test/adapters/', 'test/survey/stores.contract.test.ts', 'test/privacy/retention.contract.test.ts'];
/** Exit code where the machine lacks Python or cannot get the packages: nothing was judged. */
const NOT_INSTALLABLE = 75;
/** One thread, so that a conditional write is as atomic as the real database's. */
const SERVE = `
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
`;

const main = async (): Promise<number> => {
  try {
    install();
  } catch (error) {
    console.error(`the judges were not asked: ${error instanceof Error ? error.message : String(error)}`);
    return NOT_INSTALLABLE;
  }
  const port = await freePort();
  const moto = spawn(join(VENV, 'bin', 'python'), ['-c', SERVE, String(port)], { stdio: 'ignore' });
  try {
    const endpoint = `http://127.0.0.1:${port}`;
    await answering(endpoint, moto);
    const judged = {
      RESEGMENT_JUDGE_DYNAMODB: endpoint,
      RESEGMENT_JUDGE_S3: endpoint,
      RESEGMENT_JUDGE_AWS: endpoint,
      RESEGMENT_JUDGE_CFN_LINT: join(VENV, 'bin', 'cfn-lint'),
    };
    const contracts = vitest(['--project', 'product', '--no-file-parallelism', ...CONTRACTS], judged);
    const judges = vitest(['--project', 'judges', '--no-file-parallelism'], judged);
    return contracts === 0 && judges === 0 ? 0 : 1;
  } finally {
    moto.kill();
  }
};

const install = (): void => {
  if (existsSync(join(VENV, 'bin', 'moto_server')) && existsSync(join(VENV, 'bin', 'cfn-lint'))) return;
  mkdirSync(VENV, { recursive: true });
  run('python3', ['-m', 'venv', VENV]);
  run(join(VENV, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
};

const run = (command: string, arguments_: readonly string[]): void => {
  const { status, error } = spawnSync(command, [...arguments_], { stdio: 'inherit' });
  if (error !== undefined || status !== 0)
    throw new Error(`${command} ${arguments_.join(' ')} failed (${error?.message ?? `exit code ${status}`})`);
};

const vitest = (arguments_: readonly string[], environment: Readonly<Record<string, string>>): number =>
  spawnSync(process.execPath, [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...arguments_], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  }).status ?? 1;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const MOST_TRIES = 150;
const answering = async (endpoint: string, server: ChildProcess): Promise<void> => {
  for (let tries = 0; tries < MOST_TRIES && server.exitCode === null; tries += 1) {
    const reached = await fetch(`${endpoint}/moto-api/data.json`).catch(() => undefined);
    if (reached?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the moto server did not start');
};

process.exitCode = await main();
