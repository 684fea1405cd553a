import type { Command } from 'commander';
import { explainCustomer } from '#shared/application/explain-customer.ts';
import type { Language } from '#shared/application/format-value.ts';
import { momentText } from '#shared/application/reader-frame.ts';
import { ACTIVE_POLICY_KEY, loadPolicy } from '#shared/application/run/run-ports.ts';
import { type SatisfactionNow, satisfactionNow } from '#shared/application/satisfaction-now.ts';
import { stateInWords } from '#shared/application/summary-text.ts';
import { textTable } from '#shared/application/text-table.ts';
import { pauseReason } from '#shared/application/wave-pause-text.ts';
import { waveStateInWords } from '#shared/application/wave-text.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import { satisfactionText } from '#shared/domain/figure-text.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { findRun, newestFirst } from './find-run.ts';
import { isExpired } from './run-commands.ts';
import { STATUS_WORDS } from './status-words.ts';

export const addShowCommands = (program: Command, host: CommandHost): void => {
  program
    .command('status')
    .description('what is published, what waits for a person, what is going on')
    .addHelpText('after', '\nExample:\n  resegment status --json\n')
    .action((_options: unknown, command: Command) => onTarget(command, host, status));

  program
    .command('explain')
    .argument('<customer>', 'id of a customer')
    .option('--run <run>', 'id, unique beginning, latest, previous or 2026-05; default: the published run')
    .option('--now', 'also the satisfaction of today, from the answers stored since')
    .description('why a customer is in its segment, and what would move it')
    .addHelpText(
      'after',
      '\nExamples:\n  resegment explain C-1042 --run 2026-05 --lang zh-CN\n  resegment explain C-1042 --now\n',
    )
    .action((customerId: string, options: { readonly run?: string; readonly now?: boolean }, command: Command) =>
      onTarget(command, host, (context) => showExplanation(context, customerId, options.run, options.now === true)),
    );
};

/** The policy that scheduled runs use; undefined before there is one. */
export const activePolicy = async ({ target }: CommandContext): Promise<Policy | undefined> => {
  const bytes = await target.objects.get(ACTIVE_POLICY_KEY);
  if (bytes === undefined) return undefined;
  const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return typeof document === 'object' && document !== null && 'hash' in document && typeof document.hash === 'string'
    ? loadPolicy(target.objects, document.hash)
    : undefined;
};

const PAUSED = {
  en: { paused: 'paused', brake: 'paused by the brake' },
  'zh-CN': { paused: '已暂停', brake: '制动停止' },
} as const;

const pausedInWords = (wave: WaveRecord, language: Language): string => {
  if (wave.pause === null) return '';
  const words = PAUSED[language];
  return `, ${wave.pause.by === 'reputation' ? words.brake : words.paused}: ${pauseReason(wave, language)}`;
};

const status = async (context: CommandContext): Promise<ExitCode> => {
  const { target, terminal } = context;
  const pointer = await target.pointer.get();
  const runs = await newestFirst(target.runs);
  const policy = await activePolicy(context);
  const flags = await target.flags.listOpen();
  const cases = await target.cases.listOpen();
  const waves = (await target.waves.list()).map(({ record }) => record).filter((wave) => wave.finishedAt === null);
  const now = target.clock.now();
  const published = runs.find((run) => run.runId === pointer.published?.runId);
  const waiting = runs.filter(
    (run) => (run.state === 'planned' || run.state === 'held') && (run.expiresAt === null || run.expiresAt > now),
  );
  const expired = runs.filter((run) => run.closesPeriod && isExpired(run, now)).slice(0, 3);
  const overdue = cases.filter((one) => one.dueAt < now).length;
  const document = {
    target: target.describe(),
    now,
    published:
      published === undefined
        ? null
        : { runId: published.runId, asOf: published.asOf, state: published.state, policy: published.policy },
    applying: pointer.applying,
    activePolicy: policy === undefined ? null : { name: policy.name, version: policy.version, hash: policy.hash },
    waitingRuns: waiting.map((run) => ({
      runId: run.runId,
      asOf: run.asOf,
      state: run.state,
      expiresAt: run.expiresAt,
    })),
    expiredRuns: expired.map((run) => ({
      runId: run.runId,
      asOf: run.asOf,
      state: run.state,
      expiresAt: run.expiresAt,
    })),
    flags: {
      upgrade: flags.filter((flag) => flag.kind === 'upgrade').length,
      exit: flags.filter((flag) => flag.kind === 'exit').length,
    },
    cases: { open: cases.length, overdue },
    waves: waves.map((wave) => ({
      waveId: wave.waveId,
      state: wave.state,
      closesAt: wave.closesAt,
      pause: wave.pause,
      ...(wave.braked === undefined ? {} : { braked: wave.braked }),
    })),
  };
  const words = STATUS_WORDS[terminal.language];
  terminal.result(document, () =>
    textTable([
      [words.clock, momentText(now, target.timeZone)],
      [words.policy, policy === undefined ? words.noPolicy : `${policy.name} ${policy.version}`],
      [
        words.published,
        published === undefined
          ? words.nothing
          : `${published.runId}, ${words.asOf} ${published.asOf}, ${stateInWords(published.state, terminal.language)}${
              policy !== undefined && policy.hash !== published.policy.hash
                ? words.otherPolicy(`${published.policy.name} ${published.policy.version}`)
                : ''
            }`,
      ],
      ...(pointer.applying === null ? [] : [[words.applying, words.lock(pointer.applying.runId)]]),
      ...waiting
        .slice(0, 5)
        .map((run) => [
          run.state === 'held' ? words.states.held : words.states.planned,
          `${run.runId}, ${words.asOf} ${run.asOf}${run.expiresAt === null ? '' : `, ${words.expires} ${momentText(run.expiresAt, target.timeZone)}`}`,
        ]),
      ...expired.map((run) => [
        words.expired,
        words.again(run.runId, run.state === 'held' ? words.states.held : words.states.planned, run.asOf),
      ]),
      [words.proposals, `${words.upgrade} ${document.flags.upgrade}, ${words.exit} ${document.flags.exit}`],
      [words.cases, `${cases.length}, ${words.overdue} ${overdue}`],
      ...waves.map((wave) => [
        words.wave,
        `${wave.waveId}, ${waveStateInWords(wave.state, terminal.language)}, ${words.closes} ${momentText(wave.closesAt, target.timeZone)}${pausedInWords(wave, terminal.language)}`,
      ]),
    ]),
  );
  return EXIT.done;
};

const showExplanation = async (
  context: CommandContext,
  customerId: string,
  wanted: string | undefined,
  withToday: boolean,
): Promise<ExitCode> => {
  const { target, terminal } = context;
  const published = (await target.pointer.get()).published?.runId;
  const record = await findRun(target.runs, wanted ?? published ?? 'latest');
  const lang = terminal.language === 'en' ? 'en' : 'zh';
  const explanation = await explainCustomer(customerId, record, target, lang);
  const now = withToday ? await satisfactionNow(customerId, target) : undefined;
  terminal.result({ ...explanation, ...(now === undefined ? {} : { satisfactionNow: now }) }, () =>
    [
      terminal.bold(
        `${customerId} · ${record.runId} · ${record.asOf} · ${record.policy.name} ${record.policy.version}`,
      ),
      ...(record.runId === published ? [] : [`(${stateInWords(record.state, terminal.language)})`]),
      ...explanation.sections.flatMap(({ heading, sentences }) => [
        '',
        terminal.bold(heading),
        ...sentences.map((sentence) => `  ${sentence}`),
      ]),
      ...(now === undefined
        ? []
        : ['', terminal.bold(TODAY[lang].heading), ...todayLines(record, explanation, now, lang)]),
    ].join('\n'),
  );
  return EXIT.done;
};

const TODAY = {
  en: {
    heading: 'Satisfaction since then',
    inRun: (runId: string, asOf: string) => `run ${runId}, as of ${asOf}`,
    today: (asOf: string, runId: string) => `today, ${asOf}, by the rules of run ${runId}`,
  },
  zh: {
    heading: '此后的满意度',
    inRun: (runId: string, asOf: string) => `运行 ${runId}，截至 ${asOf}`,
    today: (asOf: string, runId: string) => `今日 ${asOf}，按运行 ${runId} 的规则`,
  },
} as const;

/** The satisfaction of the run beside that of today. */
const todayLines = (
  run: { readonly runId: string; readonly asOf: string },
  { satisfaction }: { readonly satisfaction: SatisfactionNow['satisfaction'] },
  now: SatisfactionNow,
  lang: 'en' | 'zh',
): readonly string[] => [
  `  ${TODAY[lang].inRun(run.runId, run.asOf)}: ${satisfactionText(satisfaction, lang)}`,
  `  ${TODAY[lang].today(now.asOf, now.runId)}: ${satisfactionText(now.satisfaction, lang)}`,
];
