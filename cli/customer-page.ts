import { formatMetric, type Language, labelIn } from '#shared/application/format-value.ts';
import { loadPolicy } from '#shared/application/run/run-ports.ts';
import { type CustomerPage, showCustomer } from '#shared/application/show-customer.ts';
import { textTable } from '#shared/application/text-table.ts';
import { noteSubjectText, satisfactionText } from '#shared/domain/figure-text.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { inMajorUnits } from '#shared/domain/values.ts';
import { ANSWER_WORDS } from './answer-words.ts';
import type { CommandContext } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';

const WORDS = {
  en: {
    branch: 'branch',
    manager: 'account manager',
    status: 'status',
    statuses: { active: 'active', closed: 'closed', deceased: 'deceased', legalHold: 'legal hold', left: 'has left' },
    since: (period: string) => `since ${period}`,
    satisfaction: 'satisfaction',
    inRun: (runId: string, asOf: string) => `in run ${runId}, as of ${asOf}`,
    today: (day: string) => `today, ${day}`,
    answers: 'Answers, the newest first',
    openCase: 'open case',
    proposal: { upgrade: 'proposed to upgrade', exit: 'proposed to let go' },
    atStake: 'at stake',
    pinned: 'pinned by a person',
    note: 'note',
    none: 'none',
    noRun: 'no run was published yet',
    notPlaced: 'the published run did not place this customer',
  },
  'zh-CN': {
    branch: '分支机构',
    manager: '客户经理',
    status: '状态',
    statuses: { active: '正常', closed: '已销户', deceased: '已故', legalHold: '法律冻结', left: '已离开' },
    since: (period: string) => `自 ${period} 起`,
    satisfaction: '满意度',
    inRun: (runId: string, asOf: string) => `运行 ${runId}，截至 ${asOf}`,
    today: (day: string) => `今日 ${day}`,
    answers: '答复（由新到旧）',
    openCase: '未结个案',
    proposal: { upgrade: '建议升级', exit: '建议退出' },
    atStake: '涉及价值',
    pinned: '人工固定',
    note: '评价',
    none: '无',
    noRun: '尚无已发布的运行',
    notPlaced: '已发布的运行未对该客户分类',
  },
} as const;

/** Shows one customer as things are now. */
export const showCustomerPage = async (context: CommandContext, customerId: string): Promise<ExitCode> => {
  const { target, terminal } = context;
  const page = await showCustomer(customerId, target);
  const record = page.run === null ? undefined : (await target.runs.get(page.run.runId))?.record;
  const policy = record === undefined ? undefined : await loadPolicy(target.objects, record.policy.hash);
  terminal.result(page, () =>
    [
      terminal.bold([customerId, ...segmentsOf(page, policy, terminal.language)].join(' · ')),
      textTable(rowsOf(page, policy, terminal.language)),
      ...(page.answers.length === 0
        ? []
        : ['', terminal.bold(WORDS[terminal.language].answers), textTable(answerRows(page, terminal.language))]),
    ].join('\n'),
  );
  return EXIT.done;
};

const segmentsOf = (page: CustomerPage, policy: Policy | undefined, language: Language): readonly string[] => {
  const words = WORDS[language];
  const placed = Object.entries(page.segments).map(([dimension, { actual, since }]) => {
    const label = policy?.dimensions[dimension]?.segments[actual]?.label;
    return `${label === undefined ? actual : labelIn(label, language)} (${words.since(since)})`;
  });
  if (placed.length > 0) return placed;
  return [page.run === null ? words.noRun : words.notPlaced];
};

const rowsOf = (page: CustomerPage, policy: Policy | undefined, language: Language): readonly (readonly string[])[] => {
  const words = WORDS[language];
  const lang = language === 'en' ? 'en' : 'zh';
  const { satisfaction, run } = page;
  return [
    [words.branch, page.branch ?? words.none],
    [words.manager, page.manager ?? words.none],
    [words.status, words.statuses[page.status]],
    ...(run === null
      ? []
      : [
          [words.satisfaction, `${satisfactionText(satisfaction.inRun, lang)} (${words.inRun(run.runId, run.asOf)})`],
          ['', `${satisfactionText(satisfaction.today, lang)} (${words.today(page.today)})`],
        ]),
    [words.openCase, page.openCase ?? words.none],
    ...page.proposals.map(({ kind, stake, expiresOn }) => [
      words.proposal[kind],
      `${words.atStake} ${stakeText(stake, policy, language)}, → ${expiresOn}`,
    ]),
    ...page.pins.map((pin) => [words.pinned, `${pin.segment} → ${pin.until}, ${pin.by}: ${pin.reason}`]),
    ...page.notes.map((one) => [
      words.note,
      `${noteSubjectText(one.about, lang)} ${one.rating}/5, ${one.date}, ${one.by}: ${one.reason}`,
    ]),
  ];
};

const stakeText = (stake: number, policy: Policy | undefined, language: Language): string => {
  const metric = policy?.metrics[policy.valueMetric];
  return policy === undefined || metric === undefined
    ? String(stake)
    : formatMetric(inMajorUnits(metric, stake, policy.currency), metric.unit, policy.currency, language);
};

const answerRows = ({ answers }: CustomerPage, language: Language): readonly (readonly string[])[] =>
  answers.map(({ answerId, date, value, state, judgement }) => [
    date,
    `${value}/100`,
    ANSWER_WORDS[language].states[state],
    judgement === null ? '' : `${judgement.by}, ${judgement.at.slice(0, 10)}: ${judgement.reason}`,
    answerId,
  ]);
