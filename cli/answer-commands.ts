import type { Command } from 'commander';
import { type JudgedAnswer, judgeAnswer } from '#shared/application/judge-answer.ts';
import type { ProjectAnswerPorts } from '#shared/application/project-answer.ts';
import { type SatisfactionNow, satisfactionNow } from '#shared/application/satisfaction-now.ts';
import { textTable } from '#shared/application/text-table.ts';
import { ANSWER_STATES, type AnswerState, answerState } from '#shared/domain/answer-judgement.ts';
import { type Judgement, judgementOf } from '#shared/domain/answer-rules.ts';
import { minuteIn } from '#shared/domain/calendar.ts';
import { satisfactionText } from '#shared/domain/figure-text.ts';
import { isResegmentError } from '#shared/errors.ts';
import type { StoredAnswer } from '#shared/ports/answer-store.ts';
import { ANSWER_WORDS } from './answer-words.ts';
import { type CommandContext, type CommandHost, onTarget } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { csvOf, type ListOptions, withListOptions } from './list-options.ts';
import { namedPerson } from './named-person.ts';
import { segmentText } from './segment-text.ts';
import { activePolicy } from './show-commands.ts';
import { UsageError } from './usage-error.ts';

interface JudgeOptions {
  readonly reason: string;
  readonly over?: boolean;
}

export const addAnswerCommands = (program: Command, host: CommandHost): void => {
  const answer = program.command('answer').description('answers to surveys, and those that look like a machine’s');
  withListOptions(answer.command('list'))
    .description(`answers, the newest first; --state ${ANSWER_STATES.join(', ')} or all; default: suspect`)
    .addHelpText('after', '\nExample:\n  resegment answer list --state suspect --branch Pudong --csv\n')
    .action((options: ListOptions, command: Command) => onTarget(command, host, (context) => list(context, options)));

  const verbs = [
    ['confirm', 'confirmed', 'answers are customers’ own and count', 'called the customer'],
    ['discard', 'discarded', 'answers are no customer’s and count for nothing', 'a mail scanner'],
  ] as const;
  for (const [verb, decision, means, why] of verbs) {
    answer
      .command(verb)
      .argument('<answers...>', 'ids of answers, as answer list has them')
      .requiredOption('--reason <text>', 'why; kept with the answer')
      .option('--over', 'overrule what a colleague said')
      .description(`say with your name that ${means}; the customers’ figures follow at once`)
      .addHelpText(
        'after',
        `\nExample:\n  resegment answer ${verb} jrPSbEkaDOTBwqDCyjW_MQ --reason "${why}" --as "Li Wei"\nAn id that begins with a dash goes after two dashes, as the last of all.\n`,
      )
      .action((ids: readonly string[], options: JudgeOptions, command: Command) =>
        onTarget(command, host, (context) => judge(context, ids, decision, options)),
      );
  }
};

const stateOf = (text: string | undefined): AnswerState | 'all' => {
  if (text === undefined) return 'suspect';
  const state = text === 'all' ? 'all' : ANSWER_STATES.find((one) => one === text);
  if (state === undefined) {
    throw new UsageError(
      'state-unknown',
      `--state must be one of ${ANSWER_STATES.join(', ')}, all, got ${JSON.stringify(text)}`,
    );
  }
  return state;
};

const list = async (context: CommandContext, options: ListOptions): Promise<ExitCode> => {
  const { target, terminal } = context;
  const words = ANSWER_WORDS[terminal.language];
  const all = (await target.answers.list(stateOf(options.state))).filter(
    (one) =>
      (options.branch === undefined || one.branch === options.branch) &&
      (options.manager === undefined || one.manager === options.manager) &&
      (options.segment === undefined || one.answer.segment === options.segment),
  );
  const answers = all.slice(0, options.limit);
  const policy = await activePolicy(context);
  const rows = (longestComment: number) => [
    words.heads,
    ...answers.map((stored) => {
      const { answer } = stored;
      return [
        answer.answerId,
        answer.customerId,
        options.csv === true ? answer.segment : segmentText(answer.segment, policy, context),
        stored.branch ?? '',
        stored.manager ?? '',
        `${answer.score ?? '–'} (${answer.question})`,
        options.csv === true ? answer.at : minuteIn(target.timeZone, answer.at),
        words.states[answerState(answer)],
        why(stored, context),
        shortened(answer.comment, longestComment),
      ];
    }),
  ];
  const more = all.length - answers.length;
  if (options.csv === true) terminal.raw(csvOf(rows(Number.POSITIVE_INFINITY)));
  else
    terminal.result(answers.map(document), () =>
      answers.length === 0 ? words.none : `${textTable(rows(40))}${more > 0 ? `\n${words.more(more)}` : ''}`,
    );
  return EXIT.done;
};

/** Signs of a machine, wishes, and a person's word with its reason. */
const why = ({ answer }: StoredAnswer, { terminal }: CommandContext): string => {
  const words = ANSWER_WORDS[terminal.language];
  const judgement = judgementOf(answer);
  return [
    ...answer.signals.map((signal) => words.signals[signal]),
    ...answer.wishes.filter((wish) => wish !== 'notMe').map((wish) => words.wishes[wish]),
    ...(judgement === undefined ? [] : [`${judgement.by}, ${judgement.at.slice(0, 10)}: ${judgement.reason}`]),
  ].join('; ');
};

const shortened = (text: string, longest: number): string => {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  const characters = [...line];
  return characters.length <= longest ? line : `${characters.slice(0, longest).join('')}…`;
};

const document = ({ answer, branch, manager, pending }: StoredAnswer) => ({
  answerId: answer.answerId,
  state: answerState(answer),
  customerId: answer.customerId,
  waveId: answer.waveId,
  segment: answer.segment,
  branch,
  manager,
  question: answer.question,
  score: answer.score,
  comment: answer.comment,
  wishes: answer.wishes,
  factor: answer.factor ?? null,
  signals: answer.signals,
  at: answer.at,
  version: answer.version,
  isProjected: !pending,
  judgements: answer.judgements ?? [],
  history: answer.history,
});

type Result = JudgedAnswer & {
  readonly before: SatisfactionNow | undefined;
  readonly after: SatisfactionNow | undefined;
};

const judge = async (
  context: CommandContext,
  given: readonly string[],
  decision: Judgement['decision'],
  options: JudgeOptions,
): Promise<ExitCode> => {
  const { terminal } = context;
  const words = ANSWER_WORDS[terminal.language];
  const by = namedPerson(context);
  const ids = [...new Set(given)];
  const done: Result[] = [];
  const refused: { readonly answerId: string; readonly code: string; readonly message: string }[] = [];
  for (const answerId of ids) {
    try {
      done.push(await judgeOne(context, answerId, { decision, by, ...options }));
    } catch (error) {
      if (ids.length === 1 || !isResegmentError(error)) throw error;
      refused.push({ answerId, code: error.code, message: error.message });
    }
  }
  terminal.result(
    {
      judged: done.map(({ stored, isNew, isProjected, before, after }) => ({
        ...document({ ...stored, pending: !isProjected }),
        isNew,
        satisfaction: { before: before?.satisfaction ?? null, now: after?.satisfaction ?? null },
      })),
      refused,
    },
    () =>
      [
        ...done.flatMap((one) => resultLines(one, decision, context)),
        ...refused.map(({ answerId, message }) => `${words.refused}: ${answerId}: ${message}`),
      ].join('\n'),
  );
  return refused.length > 0 ? EXIT.failed : EXIT.done;
};

const judgeOne = async (
  { target }: CommandContext,
  answerId: string,
  verdict: Parameters<typeof judgeAnswer>[1],
): Promise<Result> => {
  const ports: ProjectAnswerPorts = { ...target, businessTimeZone: target.timeZone };
  const customerId = (await target.answers.get(answerId))?.answer.customerId;
  const before = customerId === undefined ? undefined : await figureOf(customerId, target);
  const judged = await judgeAnswer(answerId, verdict, ports);
  return { ...judged, before, after: await figureOf(judged.stored.answer.customerId, target) };
};

/** Figures are told beside the result; where they cannot be computed, the judgement stands all the same. */
const figureOf = async (customerId: string, target: CommandContext['target']): Promise<SatisfactionNow | undefined> => {
  try {
    return await satisfactionNow(customerId, target);
  } catch (error) {
    if (isResegmentError(error)) return undefined;
    throw error;
  }
};

const resultLines = (
  { stored, isNew, isProjected, before, after }: Result,
  decision: Judgement['decision'],
  { terminal }: CommandContext,
): readonly string[] => {
  const words = ANSWER_WORDS[terminal.language];
  const lang = terminal.language === 'en' ? 'en' : 'zh';
  const text = (figure: SatisfactionNow | undefined): string => satisfactionText(figure?.satisfaction ?? null, lang);
  const { answerId, customerId } = stored.answer;
  const judgement = judgementOf(stored.answer);
  return [
    words.done[decision](answerId, customerId),
    `  ${judgement?.by ?? '?'}, ${judgement?.at ?? '?'}: ${judgement?.reason ?? ''}`,
    ...(isNew ? [] : [`  ${words.before}`]),
    ...(isProjected ? [] : [`  ${words.later}`]),
    ...(after === undefined ? [] : [`  ${words.satisfaction}: ${text(before)} → ${text(after)}`]),
  ];
};
