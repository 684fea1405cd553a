import type { Policy, ServiceTerms } from '#shared/domain/policy.ts';
import { termInWords, termNameInWords } from '#shared/domain/service-words.ts';
import type { Desk } from '#shared/domain/staff.ts';
import { inMajorUnits } from '#shared/domain/values.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import {
  ACTION_SECTIONS,
  type ActionList,
  type ActionReason,
  type ActionRow,
  type ActionSection,
} from './action-lists.ts';
import { csvLine, neutralised } from './export-run.ts';
import { formatMetric, formatNumber, type Language, labelIn } from './format-value.ts';
import { textTable } from './text-table.ts';

interface ActionWords {
  readonly sections: Readonly<Record<ActionSection, string>>;
  readonly reasons: Readonly<Record<ActionReason, string>>;
  readonly caseReasons: Readonly<Record<CustomerCase['reason'], string>>;
  /** An open case with its reason. */
  readonly openCase: (reason: string, score: string) => string;
  readonly columns: {
    readonly list: string;
    readonly section: string;
    readonly place: string;
    readonly customer: string;
    readonly branch: string;
    readonly manager: string;
    readonly segment: string;
    readonly before: string;
    readonly why: string;
    readonly atStake: string;
    readonly caseId: string;
    readonly due: string;
    readonly service: string;
  };
  readonly more: (count: string) => string;
  readonly central: string;
  readonly branchDesk: (name: string) => string;
  readonly left: string;
  readonly nothing: string;
  readonly servicePlans: string;
}

/** Words of action lists, on the terminal, in files and in mails. */
export const ACTION_WORDS: Readonly<Record<Language, ActionWords>> = {
  en: {
    sections: {
      cases: 'Open cases',
      proposals: 'Proposals to decide or prepare',
      falling: 'Falling, or likely to',
      rising: 'Rising',
      others: 'Others who moved',
    },
    reasons: {
      openCase: 'open case',
      exitProposed: 'exit is proposed',
      upgradeNear: 'near the next class',
      movedDown: 'moved down',
      downgradeWaits: 'downgrade waits for one more period',
      lowSatisfaction: 'low satisfaction',
      movedUp: 'moved up',
      movedSideways: 'moved sideways',
      newCustomer: 'new',
      left: 'left',
    },
    caseReasons: {
      complaint: 'a complaint',
      callMe: 'wishes to be called',
      lowAnswer: 'a low answer',
      wrongPerson: 'the mail reached somebody else',
    },
    openCase: (reason, score) => `open case: ${reason}, score ${score}`,
    columns: {
      list: 'list',
      section: 'section',
      place: 'place',
      customer: 'customer',
      branch: 'branch',
      manager: 'manager',
      segment: 'segment',
      before: 'before',
      why: 'why',
      atStake: 'at stake',
      caseId: 'case',
      due: 'due',
      service: 'service plan',
    },
    more: (count) => `${count} more`,
    central: 'central queue',
    branchDesk: (name) => `branch ${name}`,
    left: 'left',
    nothing: 'nothing to do',
    servicePlans: 'Service plans',
  },
  'zh-CN': {
    sections: {
      cases: '未结个案',
      proposals: '待决定或准备的建议',
      falling: '下降或可能下降',
      rising: '上升',
      others: '其他变动',
    },
    reasons: {
      openCase: '有未结个案',
      exitProposed: '建议退出',
      upgradeNear: '接近上一类别',
      movedDown: '类别下降',
      downgradeWaits: '再过一期将降级',
      lowSatisfaction: '满意度低',
      movedUp: '类别上升',
      movedSideways: '类别平移',
      newCustomer: '新客户',
      left: '已离开',
    },
    caseReasons: { complaint: '投诉', callMe: '希望回电', lowAnswer: '评分偏低', wrongPerson: '邮件发给了他人' },
    openCase: (reason, score) => `未结个案：${reason}，评分 ${score}`,
    columns: {
      list: '清单',
      section: '部分',
      place: '次序',
      customer: '客户',
      branch: '网点',
      manager: '客户经理',
      segment: '类别',
      before: '此前类别',
      why: '原因',
      atStake: '涉及价值',
      caseId: '个案',
      due: '时限',
      service: '服务方案',
    },
    more: (count) => `另有 ${count} 户`,
    central: '中心队列',
    branchDesk: (name) => `${name}网点`,
    left: '已离开',
    nothing: '没有待办事项',
    servicePlans: '服务方案',
  },
};

/** `Li Wei`, `branch Pudong` or the central queue. */
export const deskInWords = (desk: Desk, language: Language): string => {
  const words = ACTION_WORDS[language];
  return desk.kind === 'central' ? words.central : desk.kind === 'branch' ? words.branchDesk(desk.name) : desk.name;
};

/** A row in words: what the tables of terminal and mail show. */
export interface ActionRowText {
  readonly customer: string;
  readonly manager: string;
  /** With the one before, where the customer moved. */
  readonly segment: string;
  /** Reasons, then what moved the customer. */
  readonly why: string;
  readonly atStake: string;
  /** Instant as given; empty without a case. */
  readonly due: string;
}

export const actionRowText = (row: ActionRow, policy: Policy, language: Language): ActionRowText => {
  const words = ACTION_WORDS[language];
  const metric = policy.metrics[policy.valueMetric];
  const to = row.segment === null ? words.left : segmentLabel(row.segment, policy, language);
  return {
    customer: row.customerId,
    manager: row.manager ?? '',
    segment:
      row.from === undefined || row.from === null || row.segment === null
        ? row.from === undefined || row.from === null
          ? to
          : segmentLabel(row.from, policy, language)
        : `${segmentLabel(row.from, policy, language)} → ${to}`,
    why: whyText(row, language),
    atStake:
      metric === undefined || row.atStake === null
        ? '–'
        : formatMetric(inMajorUnits(metric, row.atStake, policy.currency), metric.unit, policy.currency, language),
    due: row.case?.dueAt ?? '',
  };
};

/** Reasons that say how the run moved the customer. */
const MOVES: ReadonlySet<ActionReason> = new Set(['movedDown', 'movedUp', 'movedSideways']);

const whyText = (row: ActionRow, language: Language): string => {
  const words = ACTION_WORDS[language];
  const texts = row.reasons.map((reason) =>
    reason === 'openCase' && row.case !== null
      ? words.openCase(words.caseReasons[row.case.reason], String(row.case.score ?? '–'))
      : MOVES.has(reason) && row.why !== ''
        ? `${words.reasons[reason]}${language === 'en' ? ' (' : '（'}${row.why}${language === 'en' ? ')' : '）'}`
        : words.reasons[reason],
  );
  return texts.join(language === 'en' ? '; ' : '；');
};

export const segmentLabel = (segment: string, policy: Policy, language: Language): string => {
  const label = policy.dimensions[policy.mainDimension]?.segments[segment]?.label;
  return label === undefined ? segment : labelIn(label, language);
};

/** `Price: preferential; Contact every (days): 30`; empty without a plan. */
export const serviceText = (terms: ServiceTerms, language: Language): string => {
  const lang = language === 'en' ? 'en' : 'zh';
  const [colon, semicolon] = language === 'en' ? [': ', '; '] : ['：', '；'];
  return Object.entries(terms)
    .map(([name, term]) => `${termNameInWords(name, lang)}${colon}${termInWords(term, lang)}`)
    .join(semicolon);
};

/** The service plans of the segments in a list, each once, in the order of the policy. */
export const servicePlansOf = (
  list: ActionList,
  policy: Policy,
  language: Language,
): readonly { readonly segment: string; readonly plan: string }[] => {
  const plans = new Map<string, string>();
  for (const section of ACTION_SECTIONS) {
    for (const row of list.sections[section].rows) {
      const plan = serviceText(row.service, language);
      if (row.segment !== null && plan !== '' && !plans.has(row.segment)) plans.set(row.segment, plan);
    }
  }
  const order = policy.dimensions[policy.mainDimension]?.segmentOrder ?? [...plans.keys()];
  return order.flatMap((segment) => {
    const plan = plans.get(segment);
    return plan === undefined ? [] : [{ segment: segmentLabel(segment, policy, language), plan }];
  });
};

/** One list for the terminal. */
export const actionListText = (list: ActionList, policy: Policy, language: Language): string => {
  const words = ACTION_WORDS[language];
  const { columns } = words;
  const withManager = list.desk.kind !== 'manager';
  const parts = ACTION_SECTIONS.flatMap((section) => {
    const { total, rows } = list.sections[section];
    if (total === 0) return [];
    const isCases = section === 'cases';
    const heading = [
      columns.customer,
      ...(withManager ? [columns.manager] : []),
      columns.segment,
      columns.atStake,
      ...(isCases ? [columns.due] : []),
      columns.why,
    ];
    const lines = rows.map((row) => {
      const text = actionRowText(row, policy, language);
      return [
        text.customer,
        ...(withManager ? [text.manager] : []),
        text.segment,
        text.atStake,
        ...(isCases ? [text.due] : []),
        text.why,
      ];
    });
    const right = withManager ? 3 : 2;
    return [
      '',
      `${words.sections[section]} (${formatNumber(total, language)})`,
      textTable([heading, ...lines], [...Array.from({ length: right }, () => 'left' as const), 'right']),
      ...(total > rows.length ? [words.more(formatNumber(total - rows.length, language))] : []),
    ];
  });
  const plans = servicePlansOf(list, policy, language);
  return [
    deskInWords(list.desk, language),
    ...(parts.length === 0 ? [words.nothing] : parts),
    ...(plans.length === 0
      ? []
      : ['', words.servicePlans, textTable(plans.map(({ segment, plan }) => [segment, plan]))]),
  ].join('\n');
};

/** All lists, a line each. */
export const actionOverview = (lists: readonly ActionList[], language: Language): string => {
  const words = ACTION_WORDS[language];
  return textTable(
    [
      [words.columns.list, ...ACTION_SECTIONS.map((section) => words.sections[section])],
      ...lists.map((list) => [
        deskInWords(list.desk, language),
        ...ACTION_SECTIONS.map((section) => formatNumber(list.sections[section].total, language)),
      ]),
    ],
    ['left', ...ACTION_SECTIONS.map(() => 'right' as const)],
  );
};

/**
 * Lists as CSV with a heading in the language; a row per customer in order, text that a spreadsheet would take for a formula
 * made harmless. Amounts are plain numbers with a point.
 *
 * @param bom lets Excel see UTF-8
 */
export const actionCsv = (
  lists: readonly ActionList[],
  policy: Policy,
  language: Language,
  { bom = false }: { readonly bom?: boolean } = {},
): string => {
  const words = ACTION_WORDS[language];
  const { columns } = words;
  const metric = policy.metrics[policy.valueMetric];
  const amount = (value: number | null): string =>
    value === null || metric === undefined ? '' : String(inMajorUnits(metric, value, policy.currency));
  const heading = [
    columns.list,
    columns.place,
    columns.section,
    columns.customer,
    columns.branch,
    columns.manager,
    columns.segment,
    columns.before,
    columns.why,
    `${columns.atStake}${metric?.unit === 'money' ? ` (${policy.currency})` : ''}`,
    columns.caseId,
    columns.due,
    columns.service,
  ];
  const lines = lists.flatMap((list) => {
    let place = 0;
    return ACTION_SECTIONS.flatMap((section) =>
      list.sections[section].rows.map((row) => {
        place += 1;
        const texts = [
          deskInWords(list.desk, language),
          String(place),
          words.sections[section],
          row.customerId,
          row.branch ?? '',
          row.manager ?? '',
          row.segment === null ? words.left : segmentLabel(row.segment, policy, language),
          row.from === undefined || row.from === null ? '' : segmentLabel(row.from, policy, language),
          whyText(row, language),
        ].map(neutralised);
        const end = [row.case?.caseId ?? '', row.case?.dueAt ?? '', serviceText(row.service, language)].map(
          neutralised,
        );
        return csvLine([...texts, amount(row.atStake), ...end]);
      }),
    );
  });
  return `${bom ? '\ufeff' : ''}${csvLine(heading)}${lines.join('')}`;
};
