import type { Command } from 'commander';
import { textTable } from '#shared/application/text-table.ts';
import { type StaffMember, type StaffRole, staffName } from '#shared/domain/staff.ts';
import { PermanentError } from '#shared/errors.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { csvOf } from './list-options.ts';

interface StaffListOptions {
  readonly branch?: string;
  readonly csv?: boolean;
}

export const addStaffCommands = (program: Command, host: CommandHost): void => {
  const group = program.command('staff').description('employees who are mailed about cases and action lists');

  group
    .command('list')
    .option('--branch <name>', 'only of this branch')
    .option('--csv', 'as CSV on stdout, in the form that import staff takes')
    .description('the directory, by name')
    .addHelpText('after', '\nExample:\n  resegment staff list --branch Pudong\n')
    .action((options: StaffListOptions, command: Command) =>
      onTarget(command, host, (context) => list(context, options)),
    );

  group
    .command('remove')
    .argument('<name>', 'as staff list has it')
    .description('erase an employee from the directory; nobody writes to the address any more')
    .addHelpText('after', '\nExample:\n  resegment staff remove "Li Wei"\n')
    .action((name: string, _options: unknown, command: Command) =>
      onTarget(command, host, (context) => remove(context, name)),
    );
};

const HEADINGS = {
  en: ['name', 'email', 'superior', 'branch', 'role', 'language'],
  'zh-CN': ['姓名', '邮箱', '上级', '网点', '角色', '语言'],
} as const;

const ROLES = {
  en: { manager: 'manager', branchHead: 'branch head', central: 'central queue' },
  'zh-CN': { manager: '客户经理', branchHead: '网点负责人', central: '中心队列' },
} as const satisfies Record<string, Record<StaffRole, string>>;

const list = async ({ target, terminal }: CommandContext, options: StaffListOptions): Promise<ExitCode> => {
  const members = (await target.staff.list()).filter(
    (one) => options.branch === undefined || one.branch === options.branch,
  );
  const cells = ({ name, email, superior, branch, language }: StaffMember, roleShown: string) => [
    name,
    email,
    superior ?? '',
    branch ?? '',
    roleShown,
    language,
  ];
  if (options.csv === true) terminal.raw(csvOf([HEADINGS.en, ...members.map((one) => cells(one, one.role))]));
  else {
    const { language } = terminal;
    terminal.result(members, () =>
      members.length === 0
        ? language === 'en'
          ? 'nobody; import staff FILE brings employees in'
          : '名录为空；用 import staff 导入员工'
        : textTable([HEADINGS[language], ...members.map((one) => cells(one, ROLES[language][one.role]))]),
    );
  }
  return EXIT.done;
};

const remove = async ({ target, terminal, by }: CommandContext, given: string): Promise<ExitCode> => {
  const name = staffName(given);
  const below = (await target.staff.list()).filter((one) => one.superior === name).map((one) => one.name);
  if ((await target.staff.remove(name)) === 'unknown') {
    throw new PermanentError('staff-unknown', `there is no employee ${JSON.stringify(name.slice(0, 80))}`, {
      hint: 'resegment staff list shows the names',
    });
  }
  // Without the name, which is erased.
  const what = 'an employee';
  await target.journal.add({ at: target.clock.now(), by, kind: 'staff', action: 'removed', what, reason: null });
  terminal.result({ removed: name, superiorOf: below }, () =>
    [
      terminal.language === 'en' ? `${name} is removed` : `已删除 ${name}`,
      ...(below.length === 0
        ? []
        : [
            terminal.language === 'en'
              ? `  was the superior of ${below.join(', ')}: what they leave undone goes to the branch or the central queue`
              : `  原为 ${below.join('、')} 的上级：他们未办的事项将转给网点或中心队列`,
          ]),
    ].join('\n'),
  );
  return EXIT.done;
};
