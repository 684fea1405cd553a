import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isStage, STAGES, type Stage, type StageConfig } from './stage-config.ts';
import { faultsOf } from './stage-faults.ts';

export const DEPLOYABLE: readonly Stage[] = ['dev', 'prod'];

/** Names that no company has: reserved domains, and account ids of examples. */
const PLACEHOLDER =
  /(^|[@./])(?:[a-z0-9-]+\.)*example\.(?:com|org|net)|123456789012|Example Company|示例公司|Example Road|示例路/;

/** Where the settings of a stage still have examples: `path: value`, ascending. Empty if it may be deployed. */
export const placeholdersOf = (config: StageConfig): readonly string[] => {
  const found: string[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value === 'string') {
      if (PLACEHOLDER.test(value)) found.push(`${path}: ${value}`);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) look(inner, path === '' ? key : `${path}.${key}`);
    }
  };
  look(config, '');
  return found.sort();
};

export interface CdkCall {
  readonly stage: Stage;
  /** Arguments of the CDK's own tool. */
  readonly arguments: readonly string[];
}

/**
 * What to call for `npm run deploy` or `npm run destroy`. Destroying takes the loop only; the data stays.
 *
 * @throws Error with what was given and what to do
 */
export const cdkCall = (verb: 'deploy' | 'destroy', given: readonly string[]): CdkCall => {
  const { values } = parseArgs({
    args: [...given],
    options: { stage: { type: 'string' }, yes: { type: 'boolean', default: false } },
  });
  const { stage } = values;
  if (stage === undefined || !isStage(stage) || !DEPLOYABLE.includes(stage)) {
    throw new Error(`--stage must be one of ${DEPLOYABLE.join(', ')}, got ${stage ?? 'none'}`);
  }
  const placeholders = placeholdersOf(STAGES[stage]);
  if (verb === 'deploy' && placeholders.length > 0) {
    throw new Error(
      [
        `stage ${stage} still has the settings of an example; put your own into infra/stage-config.ts (docs/deploying.md says how):`,
        ...placeholders.map((one) => `  ${one}`),
      ].join('\n'),
    );
  }
  const faults = verb === 'deploy' ? faultsOf(STAGES[stage]) : [];
  if (faults.length > 0) {
    throw new Error(
      [`stage ${stage} cannot be deployed with these settings of infra/stage-config.ts:`, ...faults]
        .map((line, index) => (index === 0 ? line : `  ${line}`))
        .join('\n'),
    );
  }
  const app = ['--app', `node infra/app.ts --stage ${stage}`];
  return {
    stage,
    arguments:
      verb === 'deploy'
        ? ['deploy', '--all', ...app, '--require-approval', values.yes ? 'never' : 'broadening']
        : ['destroy', `Resegment-${stage}-Loop`, '--exclusively', ...app, ...(values.yes ? ['--force'] : [])],
  };
};

/** What is missing where the CDK's tool ends before anything was changed, for those who deploy for the first time. */
export const firstSteps = (stage: Stage): string => {
  const { region } = STAGES[stage];
  return [
    'What the CDK says above is what stopped it. Where it found no account: sign in as for the AWS CLI, until',
    `aws sts get-caller-identity shows the account of stage ${stage}. Where the account is not bootstrapped, once:`,
    `npx cdk bootstrap aws://ACCOUNT/${region}. All else: docs/deploying.md`,
  ].join('\n');
};

/** Runs the CDK's tool of this project and passes its exit code on. */
export const runCdk = (call: CdkCall): Promise<number> =>
  new Promise((resolve, reject) => {
    const root = join(import.meta.dirname, '..');
    const child = spawn(process.execPath, [join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk'), ...call.arguments], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}` },
    });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
