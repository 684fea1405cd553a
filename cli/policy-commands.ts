import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  parsePolicyText,
  policySource,
  presetNames,
  readPolicy,
  readPolicyText,
} from '#shared/adapters/policy-files.ts';
import { activatePolicy, shortPolicy } from '#shared/application/keep-policy.ts';
import { checkPolicy, memoryBound } from '#shared/application/policy-check.ts';
import { describeDifference } from '#shared/application/policy-difference.ts';
import { tryPolicies } from '#shared/application/policy-trial.ts';
import { differenceText, trialText } from '#shared/application/policy-trial-text.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { textTable } from '#shared/application/text-table.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { formatPolicyErrors } from '#shared/domain/policy-content.ts';
import { describePolicy } from '#shared/domain/policy-sentences.ts';
import { PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget, terminalOf, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { findRun } from './find-run.ts';
import { activePolicy } from './show-commands.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Stands for the policy that scheduled runs use; a file of this name is `./active`. */
const ACTIVE = 'active';
const DEFAULT_MOVERS = 10;

export const addPolicyCommands = (program: Command, host: CommandHost): void => {
  const group = program.command('policy').description('policies: the business in one reviewed file');

  group
    .command('list')
    .description('policies that come with the product')
    .addHelpText('after', '\nExample:\n  resegment policy list\n')
    .action((_options: unknown, command: Command) => {
      const terminal = terminalOf(command);
      const policies = presetNames().map(readPolicy);
      terminal.result(
        policies.map((policy) => ({ name: policy.name, version: policy.version, title: policy.title })),
        () =>
          textTable([
            terminal.language === 'en' ? ['policy', 'version', 'title'] : ['策略', '版本', '名称'],
            ...policies.map((policy) => [
              policy.name,
              policy.version,
              terminal.language === 'en' ? policy.title.en : policy.title.zh,
            ]),
          ]),
      );
      host.finish(EXIT.done);
    });

  group
    .command('show')
    .argument(
      '[name|file]',
      'a policy that comes with the product, a file, or `active` for the one that scheduled runs use',
    )
    .option('--run <run>', 'the policy that a run used, as it was stored with the run')
    .description('a policy in sentences: metrics, scores, segments, moves, flags, service, survey')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment policy show bank-three-class --lang zh-CN\n  resegment policy show active\n  resegment policy show --run 2026-05\n',
    )
    .action(async (nameOrFile: string | undefined, options: { readonly run?: string }, command: Command) => {
      const terminal = terminalOf(command);
      if ((nameOrFile === undefined) === (options.run === undefined)) {
        throw new UsageError(
          'policy-not-named',
          nameOrFile === undefined
            ? 'which policy to show is not said'
            : `both a policy, ${JSON.stringify(nameOrFile)}, and a run are given`,
          { hint: 'give one: a preset, a file, `active`, or --run RUN' },
        );
      }
      if (nameOrFile !== undefined && nameOrFile !== ACTIVE) {
        show(terminal, readPolicy(nameOrFile));
        host.finish(EXIT.done);
        return;
      }
      await onTarget(command, host, (context) =>
        options.run === undefined ? showActive(context) : showOfRun(context, options.run),
      );
    });

  group
    .command('check')
    .argument('<name|file>', 'a policy that comes with the product, or a file')
    .description('check a policy: every error with its place and its cure; a rule that can never decide is an error')
    .addHelpText('after', '\nExample:\n  resegment policy check my-policy.yaml\n')
    .action((nameOrFile: string, _options: unknown, command: Command) => {
      const terminal = terminalOf(command);
      const source = readPolicyText(nameOrFile);
      const parsed = parsePolicyText(source);
      if (!parsed.ok) {
        const [first] = parsed.errors;
        const path =
          first === undefined
            ? source.file
            : `${source.file}:${first.line}:${first.column}${first.path === '' ? '' : ` ${first.path}`}`;
        terminal.result(
          {
            error: {
              code: 'policy-invalid',
              message: formatPolicyErrors(parsed.errors, source.file),
              path,
              hint: `${parsed.errors.length} ${parsed.errors.length === 1 ? 'error' : 'errors'} to cure`,
              errors: parsed.errors,
            },
          },
          () => '',
        );
        if (!terminal.json) terminal.note(formatPolicyErrors(parsed.errors, source.file));
        host.finish(EXIT.failed);
        return;
      }
      const { policy, warnings } = parsed;
      const lang = terminal.language === 'en' ? 'en' : 'zh';
      const reachability = checkPolicy(policy, lang);
      const memory = memoryBound(policy, lang);
      const failed = reachability.filter((finding) => finding.fails);
      const [first] = failed;
      const error = {
        code: 'policy-rule-unreachable',
        message: failed.map(({ path, text }) => `${source.file}: ${path ?? ''}: ${text}`).join('\n'),
        path: `${source.file}: ${first?.path ?? ''}`,
        hint: `${failed.length} ${failed.length === 1 ? 'rule' : 'rules'} to move, widen or remove`,
      };
      const document = {
        name: policy.name,
        version: policy.version,
        hash: policy.hash,
        warnings,
        memory,
        reachability,
      };
      terminal.result(failed.length === 0 ? document : { error, ...document }, () =>
        [
          verdictText(source.file, policy, failed.length, lang),
          ...warnings.map((warning) => `${TROUBLE.warning[lang]}${warning}`),
          ...reachability.map(({ trouble, fails, path, text }) => {
            if (fails) return `${TROUBLE.error[lang]}${path ?? ''}: ${text}`;
            return trouble ? `${TROUBLE.warning[lang]}${text}` : text;
          }),
          memory,
        ].join('\n'),
      );
      host.finish(failed.length === 0 ? EXIT.done : EXIT.failed);
    });

  group
    .command('activate')
    .argument('[name|file]', 'a policy that comes with the product, or a file')
    .option('--run <run>', 'the policy that a run used, as it was stored with the run')
    .requiredOption('--reason <text>', 'why; kept in the audit with your name')
    .description(
      'make a policy the one of scheduled runs, and of runs that name none; nothing moves before the next run',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  resegment policy activate my-policy.yaml --reason "cut-offs agreed by the board"\n  resegment policy activate --run 2026-05 --reason "back to the policy of May"\n',
    )
    .action(async (nameOrFile: string | undefined, options: ActivateOptions, command: Command) => {
      if ((nameOrFile === undefined) === (options.run === undefined)) {
        throw new UsageError('policy-not-named', 'which policy to make active is not said, or said twice', {
          hint: 'give one: a preset, a file, or --run RUN',
        });
      }
      // Mistakes in a file are told before a stack is opened.
      const read = nameOrFile === undefined ? undefined : readPolicy(nameOrFile);
      await onTarget(command, host, (context) => activate(context, read, nameOrFile, options));
    });

  group
    .command('diff')
    .argument('<a>', 'the policy to start from: name, file, or `active` for the one that scheduled runs use')
    .argument('<b>', 'the policy to try: name, file, or `active`')
    .option(
      '--limit <n>',
      'how many movers to list, the most valuable first',
      wholeNumber('--limit', 0),
      DEFAULT_MOVERS,
    )
    .description('what differs between two policies, and who would move on the last published run; nothing is changed')
    .addHelpText('after', '\nExample:\n  resegment policy diff active my-policy.yaml --limit 20\n')
    .action(async (a: string, b: string, options: { readonly limit: number }, command: Command) => {
      // Mistakes in a file are told before a stack is opened.
      const [readA, readB] = [a, b].map((name) => (name === ACTIVE ? undefined : readPolicy(name)));
      await onTarget(command, host, async (context) =>
        diff(
          context,
          { name: a, policy: readA ?? (await requireActive(context)) },
          { name: b, policy: readB ?? (await requireActive(context)) },
          options.limit,
        ),
      );
    });

  group
    .command('new')
    .requiredOption('--from <preset>', 'a policy that comes with the product')
    .option('--out <file>', 'the file to write; my-PRESET.yaml if not given')
    .description('start a policy of your own from one that comes with the product; never overwrites a file')
    .addHelpText('after', '\nExample:\n  resegment policy new --from retail-rfm --out my-policy.yaml\n')
    .action((options: { readonly from: string; readonly out?: string }, command: Command) => {
      const terminal = terminalOf(command);
      if (!presetNames().includes(options.from)) {
        throw new UsageError('preset-unknown', `--from must be a preset, got ${JSON.stringify(options.from)}`, {
          hint: `one of ${presetNames().join(', ')}`,
        });
      }
      const { name, text } = ownPolicyText(options.from);
      const file = options.out ?? `${name}.yaml`;
      writeNew(file, text);
      terminal.result({ file, name, from: options.from }, () =>
        [`wrote ${file}: policy ${name}, from ${options.from}`, `next: resegment policy check ${file}`].join('\n'),
      );
      host.finish(EXIT.done);
    });
};

const TROUBLE = {
  error: { en: 'error: ', zh: '错误：' },
  warning: { en: 'warning: ', zh: '警告：' },
} as const;

const verdictText = (file: string, { name, version }: Policy, failed: number, lang: 'en' | 'zh'): string => {
  if (failed === 0) {
    return lang === 'en'
      ? `${file}: policy ${name} is valid, version ${version}`
      : `${file}：策略 ${name} 有效，版本 ${version}`;
  }
  return lang === 'en'
    ? `${file}: policy ${name} can be read, but ${failed === 1 ? 'a rule' : `${failed} rules`} can never decide`
    : `${file}：策略 ${name} 可以读取，但有 ${failed} 条规则永远不会生效`;
};

const requireActive = async (context: CommandContext): Promise<Policy> => {
  const policy = await activePolicy(context);
  if (policy !== undefined) return policy;
  throw new PermanentError(
    'no-active-policy',
    'no policy is active yet: the first run makes its policy the active one',
    {
      hint: 'name a preset or a file instead of `active`; resegment policy list shows the presets',
    },
  );
};

const show = (terminal: Terminal, policy: Policy): void => {
  terminal.result({ ...policy, source: undefined }, () =>
    describePolicy(policy, terminal.language === 'en' ? 'en' : 'zh').join('\n'),
  );
};

interface ActivateOptions {
  readonly run?: string;
  readonly reason: string;
}

const activate = async (
  { target, terminal, by }: CommandContext,
  read: Policy | undefined,
  named: string | undefined,
  options: ActivateOptions,
): Promise<ExitCode> => {
  const run = read === undefined ? await findRun(target.runs, options.run ?? 'latest') : undefined;
  const policy = read ?? (await loadPolicy(target.objects, run?.policy.hash ?? ''));
  const from = named === undefined ? `run ${run?.runId ?? ''}` : policySource(named);
  const lang = terminal.language === 'en' ? 'en' : 'zh';
  const failed = checkPolicy(policy, lang).filter((finding) => finding.fails);
  if (failed.length > 0) {
    throw new PermanentError(
      'policy-rule-unreachable',
      `${policy.name} is not made active: ${failed.map(({ path, text }) => `${path ?? ''}: ${text}`).join('; ')}`,
      { hint: `resegment policy check ${named ?? 'FILE'} shows each with a customer that the rule misses` },
    );
  }
  const { before, outcome } = await activatePolicy({ policy, from, by, reason: options.reason }, target);
  const now = `${policy.name} ${policy.version}`;
  const earlier = before === undefined ? null : shortPolicy(before);
  terminal.result(
    { outcome, active: { name: policy.name, version: policy.version, hash: policy.hash }, before: before ?? null },
    () => {
      if (outcome === 'unchanged')
        return lang === 'en'
          ? `${now} is the active policy already; nothing changed`
          : `${now} 已是当前策略；未作任何更改`;
      return lang === 'en'
        ? `${now} is active: scheduled runs use it from the next one on${earlier === null ? '' : `, no longer ${earlier}`}\nnobody has moved; what would move: resegment plan`
        : `策略 ${now} 已启用：从下一次起，定期运行使用该策略${earlier === null ? '' : `，不再使用 ${earlier}`}\n尚无客户变动；查看将会发生的变动：resegment plan`;
    },
  );
  return EXIT.done;
};

/** Also says where the segments in force come from another policy than the one of scheduled runs. */
const showActive = async (context: CommandContext): Promise<ExitCode> => {
  const { target, terminal } = context;
  const policy = await requireActive(context);
  const { published } = await target.pointer.get();
  const run = published === null ? undefined : (await target.runs.get(published.runId))?.record;
  if (run !== undefined && run.policy.hash !== policy.hash) {
    terminal.note(
      terminal.language === 'en'
        ? `the segments in force are of run ${run.runId}, made with ${run.policy.name} ${run.policy.version}: resegment policy show --run ${run.runId}`
        : `当前生效的类别来自运行 ${run.runId}，所用策略为 ${run.policy.name} ${run.policy.version}：resegment policy show --run ${run.runId}`,
    );
  }
  show(terminal, policy);
  return EXIT.done;
};

const showOfRun = async ({ target, terminal }: CommandContext, wanted: string): Promise<ExitCode> => {
  const run = await findRun(target.runs, wanted);
  show(terminal, await loadPolicy(target.objects, run.policy.hash));
  return EXIT.done;
};

interface NamedPolicy {
  readonly name: string;
  readonly policy: Policy;
}

const diff = async (
  { target, terminal }: CommandContext,
  a: NamedPolicy,
  b: NamedPolicy,
  limit: number,
): Promise<ExitCode> => {
  const lang = terminal.language === 'en' ? 'en' : 'zh';
  const differences = describeDifference(a.policy, b.policy, lang);
  const trial = await tryPolicies(a.policy, b.policy, target, { limit, lang });
  const head = ({ name, policy }: NamedPolicy) => ({
    given: name,
    name: policy.name,
    version: policy.version,
    hash: policy.hash,
  });
  terminal.result({ a: head(a), b: head(b), differences, trial }, () =>
    [
      [
        `A: ${a.policy.name} ${a.policy.version} (${a.name})`,
        `B: ${b.policy.name} ${b.policy.version} (${b.name})`,
      ].join('\n'),
      differenceText(a.policy, b.policy, differences, lang),
      trialText(trial, a.policy, b.policy, lang),
    ].join('\n\n'),
  );
  return EXIT.done;
};

/** A preset as the company's own file: comments kept, its name changed, since a policy with a preset's name would pass for it. */
const ownPolicyText = (preset: string): { readonly name: string; readonly text: string } => {
  const name = `my-${preset}`;
  return { name, text: readPolicyText(preset).text.replace(/^policy:.*$/mu, `policy: ${name}`) };
};

const writeNew = (file: string, text: string): void => {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EEXIST') {
      throw new UsageError('file-exists', `${file} exists and is never overwritten`, {
        path: file,
        hint: 'name another file with --out, or remove it first',
      });
    }
    throw new UsageError('file-unwritable', `${file} cannot be written (${String(code)})`, {
      path: file,
      hint: 'name a file in a folder that exists and can be written, with --out',
    });
  }
};
