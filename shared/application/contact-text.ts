import { noteSubjectText } from '#shared/domain/figure-text.ts';
import { decimalOfMinor, type Language } from './format-value.ts';
import type { PersonDossier } from './show-contact.ts';
import { reasonInWords } from './summary-text.ts';
import { printable, textTable } from './text-table.ts';
import { factorInWords } from './wave-results-text.ts';

const WORDS = {
  en: {
    title: (id: string, at: string) => `What is held about customer ${id}, read ${at}`,
    pseudonym: 'In the files of runs the customer stands under the random name',
    addresses: 'Mail address',
    none: 'none',
    address: 'address',
    name: 'name',
    language: 'language',
    region: 'region',
    consent: 'consent to surveys',
    consentGiven: (source: string, date: string) => `given on ${date}, source ${source}`,
    consentRefused: (source: string, date: string) => `refused or withdrawn on ${date}, source ${source}`,
    consentNone: 'not recorded',
    unsubscribed: 'unsubscribed',
    suppressed: 'nothing is sent',
    no: 'no',
    mails: 'mails sent',
    surveys: 'Surveys',
    surveyHead: ['survey', 'question', 'segment then', 'invitation', 'reminder', 'answer'],
    noAnswer: 'none',
    comment: 'comment',
    suspect: 'looks like a machine; does not count',
    asked: 'asked for',
    factor: 'decided by',
    earlier: 'earlier answer',
    waves: 'In the population of surveys',
    drawn: 'drawn',
    facts: 'As a customer',
    branch: 'branch',
    manager: 'account manager',
    status: 'status',
    active: 'active',
    openCase: 'open case',
    traits: 'Particulars by date',
    purchases: (count: number) => `Purchases by day (${count})`,
    purchaseHead: ['date', 'number', 'amount', 'particulars'],
    more: (count: number) => `and ${count} earlier ones; --out FILE has all`,
    imported: 'Taken from imports of',
    ratings: 'Answers as they count (0–100)',
    segments: 'Segments by run',
    segmentHead: ['run', 'as of', 'segments'],
    standing: 'In force now',
    pins: 'Segment set by a person',
    decisions: 'Decisions',
    notes: 'Notes of account managers',
    withdrawn: 'withdrawn',
    flags: 'Proposals',
    cases: 'Cases',
  },
  'zh-CN': {
    title: (id: string, at: string) => `关于客户 ${id} 所保存的全部信息，读取时间 ${at}`,
    pseudonym: '在各次运行的文件中，该客户以随机代号出现：',
    addresses: '邮箱地址',
    none: '无',
    address: '地址',
    name: '姓名',
    language: '语言',
    region: '地区',
    consent: '是否同意接受调查',
    consentGiven: (source: string, date: string) => `${date} 同意，来源 ${source}`,
    consentRefused: (source: string, date: string) => `${date} 拒绝或撤回，来源 ${source}`,
    consentNone: '无记录',
    unsubscribed: '已退订',
    suppressed: '停止发送',
    no: '否',
    mails: '已发邮件',
    surveys: '调查',
    surveyHead: ['调查', '问题', '当时分类', '邀请', '提醒', '回答'],
    noAnswer: '无',
    comment: '意见',
    suspect: '疑为程序填写，不计入',
    asked: '要求',
    factor: '最看重',
    earlier: '此前的回答',
    waves: '所在的调查总体',
    drawn: '已抽中',
    facts: '客户资料',
    branch: '分支机构',
    manager: '客户经理',
    status: '状态',
    active: '正常',
    openCase: '未结个案',
    traits: '各日期的资料',
    purchases: (count: number) => `按日购买记录（${count}）`,
    purchaseHead: ['日期', '笔数', '金额', '说明'],
    more: (count: number) => `另有更早的 ${count} 条；--out FILE 可得全部`,
    imported: '来自以下时间的导入',
    ratings: '计入的回答（0–100）',
    segments: '各次运行的分类',
    segmentHead: ['运行', '截至', '分类'],
    standing: '当前分类',
    pins: '人工指定的分类',
    decisions: '决定',
    notes: '客户经理评价',
    withdrawn: '已撤回',
    flags: '建议',
    cases: '个案',
  },
} as const;

/** Purchase days shown on a terminal, the newest first. */
const SHOWN_PURCHASES = 20;

/** The dossier as text for a person, in their words. */
export const dossierText = (
  dossier: PersonDossier,
  { language, currency }: { readonly language: Language; readonly currency: string },
): string => {
  const words = WORDS[language];
  const section = (title: string, body: readonly string[]): readonly string[] => [
    '',
    title,
    ...(body.length === 0 ? [`  ${words.none}`] : body),
  ];
  const fields = (rows: readonly (readonly [string, string])[]): readonly string[] => indented(textTable(rows));
  const pairs = (values: Readonly<Record<string, unknown>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ');
  const consentInWords = (consent: PersonDossier['addresses'][number]['consent']): string =>
    consent === null
      ? words.consentNone
      : (consent.given ? words.consentGiven : words.consentRefused)(consent.source, consent.date);
  const { facts } = dossier;
  return [
    words.title(printable(dossier.customerId), dossier.readAt),
    ...(dossier.pseudonym === null ? [] : [`${words.pseudonym} ${dossier.pseudonym}`]),
    ...section(
      words.addresses,
      dossier.addresses.flatMap((one) =>
        fields([
          [words.address, one.address ?? words.none],
          [words.name, one.name ?? words.none],
          [words.language, one.language ?? words.none],
          [words.region, one.region ?? words.none],
          [words.consent, consentInWords(one.consent)],
          [words.unsubscribed, one.unsubscribedAt ?? words.no],
          [
            words.suppressed,
            one.suppression === null
              ? words.no
              : `${reasonInWords(one.suppression.reason, language)}, ${one.suppression.at}`,
          ],
          ...one.mails.map(
            (mail) =>
              [
                words.mails,
                `${mail.at} ${mail.kind}, ${mail.waveId}, ${reasonInWords(mail.outcome, language)}`,
              ] as const,
          ),
        ]),
      ),
    ),
    ...section(
      words.surveys,
      dossier.surveys.length === 0
        ? []
        : [
            ...indented(
              textTable([
                words.surveyHead,
                ...dossier.surveys.map((one) => [
                  one.waveId,
                  one.question.toUpperCase(),
                  one.segment,
                  one.invitation,
                  one.reminder ?? '',
                  one.answer === null ? words.noAnswer : `${one.answer.score ?? '–'}, ${one.answer.at}`,
                ]),
              ]),
            ),
            ...dossier.surveys.flatMap(({ waveId, answer }) =>
              answer === null
                ? []
                : [
                    ...(answer.comment === '' ? [] : [`  ${waveId} ${words.comment}: ${printable(answer.comment)}`]),
                    ...(answer.wishes.length === 0 ? [] : [`  ${waveId} ${words.asked}: ${answer.wishes.join(', ')}`]),
                    ...(answer.factor === undefined
                      ? []
                      : [`  ${waveId} ${words.factor}: ${factorInWords(answer.factor, language)}`]),
                    ...(answer.suspect ? [`  ${waveId} ${words.suspect}`] : []),
                    ...answer.history.map(
                      (one) => `  ${waveId} ${words.earlier}: ${one.score ?? '–'}, ${one.at} ${printable(one.comment)}`,
                    ),
                  ],
            ),
          ],
    ),
    ...section(
      words.waves,
      dossier.waves.map(
        (one) =>
          `  ${one.waveId}: ${one.outcome === 'drawn' ? words.drawn : reasonInWords(one.outcome, language)} (${one.segment})`,
      ),
    ),
    ...(facts === null
      ? []
      : [
          ...section(
            words.facts,
            fields([
              [words.branch, facts.branch ?? words.none],
              [words.manager, facts.manager ?? words.none],
              [words.status, facts.statuses.map((one) => `${one.status} ${one.date}`).join(', ') || words.active],
              ...(facts.consent === null ? [] : [[words.consent, consentInWords(facts.consent)] as const]),
              [words.openCase, facts.openCase ?? words.none],
              [words.imported, facts.imports.map((one) => one.recordedAt.slice(0, 10)).join(', ') || words.none],
            ]),
          ),
          ...section(
            words.traits,
            facts.traits.map((one) => `  ${one.date}: ${printable(pairs(one.traits))}`),
          ),
          ...section(
            words.purchases(facts.purchases.length),
            facts.purchases.length === 0
              ? []
              : [
                  ...indented(
                    textTable(
                      [
                        words.purchaseHead,
                        ...facts.purchases
                          .slice(-SHOWN_PURCHASES)
                          .reverse()
                          .map((one) => [
                            one.date,
                            String(one.count),
                            decimalOfMinor(one.amountMinor, currency),
                            pairs(one.attributes),
                          ]),
                      ],
                      ['left', 'right', 'right'],
                    ),
                  ),
                  ...(facts.purchases.length > SHOWN_PURCHASES
                    ? [`  ${words.more(facts.purchases.length - SHOWN_PURCHASES)}`]
                    : []),
                ],
          ),
          ...section(
            words.ratings,
            facts.answers.map(
              (one) => `  ${one.date}: ${Math.round(one.value * 100)}${one.suspect ? ` (${words.suspect})` : ''}`,
            ),
          ),
          ...section(
            words.pins,
            facts.pins.map(
              (one) =>
                `  ${one.dimension} ${one.segment} – ${one.until}, ${printable(`${one.by}: ${one.reason}`)}${one.cleared === undefined ? '' : ` (${one.cleared.at.slice(0, 10)} ${printable(`${one.cleared.by}: ${one.cleared.reason}`)})`}`,
            ),
          ),
          ...section(
            words.decisions,
            facts.decisions.map(
              (one) =>
                `  ${one.decidedAt.slice(0, 10)} ${one.kind} ${one.decision}, ${printable(`${one.by}: ${one.reason}`)}`,
            ),
          ),
          ...section(
            words.notes,
            facts.notes.map(
              (one) =>
                `  ${one.date}: ${noteSubjectText(one.about, language === 'en' ? 'en' : 'zh')} ${one.rating}/5, ${printable(`${one.by}: ${one.reason}`)}${one.withdrawn === undefined ? '' : ` (${words.withdrawn} ${one.withdrawn.at.slice(0, 10)} ${printable(`${one.withdrawn.by}: ${one.withdrawn.reason}`)})`}`,
            ),
          ),
        ]),
    ...section(
      words.segments,
      dossier.segments.length === 0
        ? []
        : indented(
            textTable([
              words.segmentHead,
              ...dossier.segments.map((run) => [
                run.runId,
                run.asOf,
                Object.entries(run.placements)
                  .map(([name, one]) => `${name} ${one.actual}`)
                  .join(', '),
              ]),
            ]),
          ),
    ),
    ...section(
      words.standing,
      dossier.standing === null
        ? []
        : Object.entries(dossier.standing.current.placements).map(
            ([name, one]) => `  ${name} ${one.actual}, ${one.since}`,
          ),
    ),
    ...section(
      words.flags,
      dossier.flags.map((one) => `  ${one.kind} ${one.state}, ${one.raisedAt.slice(0, 10)}: ${pairs(one.evidence)}`),
    ),
    ...section(
      words.cases,
      dossier.cases.map(
        (one) =>
          `  ${one.caseId} ${one.state}, ${one.openedAt.slice(0, 10)}, ${printable(one.owner.name)}: ${one.reason}, ${one.score ?? '–'}`,
      ),
    ),
  ].join('\n');
};

const indented = (text: string): readonly string[] => text.split('\n').map((line) => `  ${line}`);

const KINDS: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  facts: { en: 'customer record', 'zh-CN': '客户记录' },
  addresses: { en: 'address entry', 'zh-CN': '邮箱条目' },
  invitations: { en: 'invitation', 'zh-CN': '调查邀请' },
  answers: { en: 'answer', 'zh-CN': '回答' },
  cases: { en: 'case', 'zh-CN': '个案' },
  flags: { en: 'proposal', 'zh-CN': '建议' },
  standing: { en: 'standing', 'zh-CN': '当前分类' },
  reports: { en: 'report that names the customer', 'zh-CN': '提及该客户的报告' },
};

/** What is held, in a line: `1 customer record, 2 invitations`. */
export const holdingsText = (holdings: Readonly<Record<string, number>>, language: Language): string =>
  Object.entries(holdings)
    .map(([kind, count]) => {
      const word = KINDS[kind]?.[language] ?? kind;
      if (language === 'zh-CN') return `${word} ${count}`;
      return `${count} ${count === 1 ? word : kind === 'reports' ? 'reports that name the customer' : kind === 'addresses' ? 'address entries' : `${word}s`}`;
    })
    .join(language === 'en' ? ', ' : '，');
