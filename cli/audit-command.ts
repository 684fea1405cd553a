import type { Command } from 'commander';
import { AUDIT_KINDS, type AuditEntry, type AuditKind, type AuditPorts, audit } from '#shared/application/audit.ts';
import { textTable } from '#shared/application/text-table.ts';
import { type CommandContext, type CommandHost, onTarget, wholeNumber } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { csvOf } from './list-options.ts';
import { instantOf } from './since-until.ts';
import type { Target } from './target.ts';
import { UsageError } from './usage-error.ts';

interface AuditOptions {
  readonly by?: string;
  readonly customer?: string;
  readonly since?: string;
  readonly until?: string;
  readonly kind?: readonly string[];
  readonly limit?: number;
  readonly csv?: boolean;
}

/** Rows on a terminal where nothing else is asked for; CSV and JSON have all. */
const DEFAULT_ROWS = 50;

export const addAuditCommand = (program: Command, host: CommandHost): void => {
  program
    .command('audit')
    .option('--by <name>', 'only what this person did')
    .option('--customer <id>', 'only what was done about this customer')
    .option('--since <when>', 'from this date or instant on')
    .option('--until <when>', 'up to this date or instant')
    .option('--kind <kind...>', `only of these kinds: ${AUDIT_KINDS.join(', ')}`)
    .option('--limit <n>', 'at most the last so many', wholeNumber('--limit', 1))
    .option('--csv', 'as CSV on stdout')
    .description('who did what, when and why, in the order of time')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment audit --since 2026-05-01 --kind flag pin\n  resegment audit --customer C-1042\n  resegment audit --by "Li Wei" --csv\n',
    )
    .action((options: AuditOptions, command: Command) => onTarget(command, host, (context) => show(context, options)));
};

const HEADINGS = {
  en: ['when', 'who', 'kind', 'did', 'what', 'customer', 'reason'],
  'zh-CN': ['时间', '操作人', '类别', '操作', '对象', '客户', '理由'],
} as const;

const show = async ({ target, terminal }: CommandContext, options: AuditOptions): Promise<ExitCode> => {
  const since = options.since === undefined ? undefined : instantOf('--since', options.since, target.timeZone);
  const until = options.until === undefined ? undefined : instantOf('--until', options.until, target.timeZone, true);
  if (since !== undefined && until !== undefined && since > until) {
    throw new UsageError('period-empty', `--since ${options.since} is after --until ${options.until}`);
  }
  const found = await audit(
    {
      ...(options.by === undefined ? {} : { by: options.by }),
      ...(options.customer === undefined ? {} : { customerId: options.customer }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      ...(options.kind === undefined ? {} : { kinds: options.kind.map(kindOf) }),
    },
    portsOf(target),
  );
  const limit = options.limit ?? (terminal.json || options.csv === true ? found.length : DEFAULT_ROWS);
  const shown = found.slice(Math.max(0, found.length - limit));
  const earlier = found.length - shown.length;
  if (options.csv === true) {
    terminal.raw(csvOf([HEADINGS.en, ...shown.map(cellsOf)]));
    return EXIT.done;
  }
  const english = terminal.language === 'en';
  terminal.result({ entries: shown, earlier }, () =>
    shown.length === 0
      ? english
        ? 'nothing was done that fits'
        : '没有符合条件的操作'
      : textTable([HEADINGS[terminal.language], ...shown.map(cellsOf)]),
  );
  if (earlier > 0 && !terminal.json) {
    terminal.note(
      english ? `${earlier} earlier ones; --limit shows more` : `另有更早的 ${earlier} 条；用 --limit 查看`,
    );
  }
  return EXIT.done;
};

const cellsOf = ({ at, by, kind, action, what, customerId, reason }: AuditEntry): readonly string[] => [
  `${at.slice(0, 19)}Z`,
  by,
  kind,
  action,
  what,
  customerId ?? '',
  reason ?? '',
];

const portsOf = (target: Target): AuditPorts => ({
  clock: target.clock,
  flags: target.flags,
  runs: target.runs,
  waves: target.waves,
  batches: target.batches,
  customers: target.customers,
  cases: target.cases,
  caseArchive: target.caseArchive,
  answers: target.answers,
  objects: target.objects,
  journal: target.journal,
  ...(target.persons === undefined ? {} : { erasures: target.persons.erasures }),
  ...(target.keyRing === undefined ? {} : { keyRing: target.keyRing }),
});

const kindOf = (given: string): AuditKind => {
  const kind = AUDIT_KINDS.find((one) => one === given);
  if (kind !== undefined) return kind;
  throw new UsageError('kind-unknown', `--kind must be one of ${AUDIT_KINDS.join(', ')}, got ${JSON.stringify(given)}`);
};
