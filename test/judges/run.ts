import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { judgeByDynamoDbLocal } from './dynamodb-local.ts';
import { NotInstallable } from './not-installable.ts';
import { ROOT, testFilesWith, type Verdict, vitest } from './vitest-run.ts';

/**
 * `npm run judge`: lets programs of others judge what we cannot prove without an account. cfn-lint reads the templates of every
 * stage. A moto server, which implements the AWS APIs independently of us, takes the place of AWS for the adapters' contract
 * suites, for the stage's resources and for the operator's tool with `--target aws`. DynamoDB Local, Amazon's own, takes the store
 * contract suites. Needs Python 3.9 or newer, and Java 17 or newer for DynamoDB Local; all else is installed into `.local/judges`.
 */
const VENV = join(ROOT, '.local', 'judges');
const PACKAGES = ['moto[server]==5.2.5', 'cfn-lint==1.58.0'];
/** Exit code where a judge could not be asked on this machine and no other found anything wrong. */
const NOT_ASKED = 75;
/** One thread, so that a conditional write is as atomic as the real database's. */
const SERVE = `
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
`;

type Outcome = { readonly judge: string } & ({ readonly verdict: Verdict } | { readonly notAsked: string });

const main = async (): Promise<number> => {
  const python = await outcomeOf('Python', async () => {
    installPython();
    return { passed: true, titles: [] };
  });
  const missing = 'notAsked' in python ? python.notAsked : undefined;
  const outcomes = (
    await Promise.all([
      inTurn([['moto: the tool', () => judgeByMoto(missing, ofTheTool)]]),
      inTurn([
        ['moto: adapters', () => judgeByMoto(missing, ofAdapters)],
        ['DynamoDB Local', async () => judgeByDynamoDbLocal(await freePort())],
        ['cfn-lint', () => judgeByLint(missing)],
      ]),
    ])
  ).flat();
  console.log('');
  for (const outcome of outcomes) console.log(`${outcome.judge.padEnd(16)}${words(outcome)}`);
  if (outcomes.some((outcome) => 'verdict' in outcome && !outcome.verdict.passed)) return 1;
  return outcomes.some((outcome) => 'notAsked' in outcome) ? NOT_ASKED : 0;
};

const words = (outcome: Outcome): string => {
  if ('notAsked' in outcome) return `NOT ASKED: ${outcome.notAsked}`;
  return outcome.verdict.passed ? `passed, ${outcome.verdict.titles.length} tests` : 'FAILED';
};

type Judge = readonly [name: string, judge: () => Promise<Verdict>];

const inTurn = async (judges: readonly Judge[]): Promise<readonly Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const [name, judge] of judges) outcomes.push(await outcomeOf(name, judge));
  return outcomes;
};

const outcomeOf = async (judge: string, ask: () => Promise<Verdict>): Promise<Outcome> => {
  try {
    return { judge, verdict: await ask() };
  } catch (error) {
    if (error instanceof NotInstallable) return { judge, notAsked: error.message };
    console.error(`${judge}: ${error instanceof Error ? error.message : String(error)}`);
    return { judge, verdict: { passed: false, titles: [] } };
  }
};

const installPython = (): void => {
  if (existsSync(join(VENV, 'bin', 'moto_server')) && existsSync(join(VENV, 'bin', 'cfn-lint'))) return;
  mkdirSync(VENV, { recursive: true });
  run('python3', ['-m', 'venv', VENV]);
  run(join(VENV, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
};

const run = (command: string, arguments_: readonly string[]): void => {
  const { status, error } = spawnSync(command, [...arguments_], { stdio: 'inherit' });
  if (error !== undefined || status !== 0)
    throw new NotInstallable(`${command} ${arguments_.join(' ')} failed (${error?.message ?? `exit code ${status}`})`);
};

const judgeByLint = (missing: string | undefined): Promise<Verdict> => {
  if (missing !== undefined) throw new NotInstallable(missing);
  return vitest(['test/judges/templates.test.ts'], {
    RESEGMENT_JUDGE_CFN_LINT: join(VENV, 'bin', 'cfn-lint'),
  });
};

type MotoTests = (judged: Readonly<Record<string, string>>) => Promise<readonly Verdict[]>;

/** The operator's tool on a whole stage: the longest of all, so it has a server of its own. */
const ofTheTool: MotoTests = async (judged) => [await vitest(['test/judges/aws-target.test.ts'], judged)];

/** moto counts one unit for every write; DynamoDB Local judges this one alone. */
const OF_UNITS = 'test/functions/runtime/metered-step.test.ts';

/** Contract suites of adapters, and the services of a stage one by one. */
const ofAdapters: MotoTests = async (judged) => [
  await vitest(
    testFilesWith(/support\/open-tables\.ts|RESEGMENT_JUDGE_AWS/u).filter((file) => file !== OF_UNITS),
    judged,
  ),
  await vitest(
    ['adapters', 'event-bus', 'stage'].map((name) => `test/judges/${name}.test.ts`),
    judged,
  ),
];

const judgeByMoto = async (missing: string | undefined, tests: MotoTests): Promise<Verdict> => {
  if (missing !== undefined) throw new NotInstallable(missing);
  const port = await freePort();
  const python = join(VENV, 'bin', 'python');
  const moto = spawn(python, ['-c', SERVE, String(port)], { stdio: 'ignore' });
  try {
    const endpoint = `http://127.0.0.1:${port}`;
    await answering(endpoint, moto);
    const verdicts = await tests({
      RESEGMENT_JUDGE_DYNAMODB: endpoint,
      RESEGMENT_JUDGE_AWS: endpoint,
      RESEGMENT_JUDGE_PYTHON: python,
    });
    return {
      passed: verdicts.every(({ passed }) => passed),
      titles: verdicts.flatMap(({ titles }) => titles.filter((title) => !/memory|directory/iu.test(title))),
    };
  } finally {
    moto.kill();
  }
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const MOST_TRIES = 600;
const answering = async (endpoint: string, server: ChildProcess): Promise<void> => {
  for (let tries = 0; tries < MOST_TRIES && server.exitCode === null; tries += 1) {
    const reached = await fetch(`${endpoint}/moto-api/data.json`).catch(() => undefined);
    if (reached?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the moto server did not start');
};

process.exitCode = await main();
