import type { Command } from 'commander';
import { parsePolicyText, presetNames, readPolicy, readPolicyText } from '#shared/adapters/policy-files.ts';
import { textTable } from '#shared/application/text-table.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { formatPolicyErrors } from '#shared/domain/policy-file.ts';
import { type CommandHost, terminalOf } from './command.ts';
import { EXIT } from './exit-code.ts';

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
            ['policy', 'version', 'title'],
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
    .argument('<name|file>', 'a policy that comes with the product, or a file')
    .description('what a policy says: dimensions, segments, scores, flags, survey, brakes')
    .addHelpText('after', '\nExample:\n  resegment policy show bank-three-class --lang zh-CN\n')
    .action((nameOrFile: string, _options: unknown, command: Command) => {
      const terminal = terminalOf(command);
      const policy = readPolicy(nameOrFile);
      terminal.result({ ...policy, source: undefined }, () =>
        describePolicy(policy, terminal.language === 'en' ? 'en' : 'zh'),
      );
      host.finish(EXIT.done);
    });

  group
    .command('check')
    .argument('<name|file>', 'a policy that comes with the product, or a file')
    .description('check a policy; every error with its place and its cure')
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
      terminal.result({ name: policy.name, version: policy.version, hash: policy.hash, warnings }, () =>
        [
          `${source.file}: policy ${policy.name} is valid, version ${policy.version}`,
          ...warnings.map((warning) => `warning: ${warning}`),
        ].join('\n'),
      );
      host.finish(EXIT.done);
    });
};

/** The policy as short lines for people. */
export const describePolicy = (policy: Policy, language: 'en' | 'zh'): string => {
  const zh = language === 'zh';
  const lines = [
    `${policy.title[language]} (${policy.name} ${policy.version})`,
    zh
      ? `时区 ${policy.timeZone}，货币 ${policy.currency}`
      : `Time zone ${policy.timeZone}, currency ${policy.currency}`,
    '',
  ];
  for (const [name, dimension] of Object.entries(policy.dimensions)) {
    const main = name === policy.mainDimension ? (zh ? '（主要维度）' : ' (main dimension)') : '';
    lines.push(
      `${dimension.label[language]}${main}: ${dimension.segmentOrder.map((segment) => dimension.segments[segment]?.label[language] ?? segment).join(zh ? '、' : ', ')}`,
    );
  }
  lines.push(
    '',
    textTable([
      [zh ? '得分' : 'Score', zh ? '种类' : 'Kind', zh ? '依据' : 'From'],
      ...policy.scoreOrder.map((name) => {
        const score = policy.scores[name];
        const from =
          score === undefined
            ? ''
            : 'of' in score
              ? score.of
              : score.kind === 'weighted'
                ? Object.entries(score.parts)
                    .map(([part, weight]) => `${part} × ${weight}`)
                    .join(' + ')
                : '';
        return [
          score?.label[language] ?? name,
          score?.kind ?? '',
          policy.metrics[from]?.label[language] ?? policy.scores[from]?.label[language] ?? from,
        ];
      }),
    ]),
    '',
  );
  const { moves, brakes, survey, flags } = policy;
  lines.push(
    zh
      ? `变动：缓冲 ${moves.margin}，连续 ${moves.downgradeAfterPeriods} 期后降级，冷静期 ${moves.coolingOffMonths} 个月`
      : `Moves: margin ${moves.margin}, a downgrade after ${moves.downgradeAfterPeriods} periods in a row, cooling-off ${moves.coolingOffMonths} months`,
  );
  if (flags.upgrade !== undefined)
    lines.push(
      zh
        ? `升级建议：由 ${flags.upgrade.decides} 决定，${flags.upgrade.expiresDays} 天有效`
        : `Upgrade proposals: ${flags.upgrade.decides} decides, within ${flags.upgrade.expiresDays} days`,
    );
  if (flags.exit !== undefined)
    lines.push(
      zh
        ? `退出建议：连续 ${flags.exit.afterPeriods} 期后，由 ${flags.exit.decides} 决定，${flags.exit.expiresDays} 天有效`
        : `Exit proposals: after ${flags.exit.afterPeriods} periods, ${flags.exit.decides} decides, within ${flags.exit.expiresDays} days`,
    );
  if (survey !== undefined) {
    lines.push(
      zh
        ? `调查：${survey.ask.toUpperCase()}，每类至少 ${survey.atLeast} 位，${survey.closesAfterDays} 天后截止，同一地址 ${survey.contactEveryDays} 天内至多一次`
        : `Survey: ${survey.ask.toUpperCase()}, at least ${survey.atLeast} per segment, closes after ${survey.closesAfterDays} days, an address at most once in ${survey.contactEveryDays} days`,
    );
  }
  lines.push(
    zh
      ? `刹车：变动 ${brakes.movedShare}，标记 ${brakes.flagShare}，输入减少 ${brakes.inputDropShare}，数据过期 ${brakes.staleInputDays} 天，清空分类 ${brakes.emptiedSegment}，隔离 ${brakes.quarantineShare}`
      : `Brakes: moved ${brakes.movedShare}, flags ${brakes.flagShare}, input drop ${brakes.inputDropShare}, stale input ${brakes.staleInputDays} days, emptied segment ${brakes.emptiedSegment}, quarantine ${brakes.quarantineShare}`,
  );
  return lines.join('\n');
};
