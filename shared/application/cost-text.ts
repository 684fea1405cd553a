import type { CostEstimate, CostLine, CostPart } from '#shared/domain/run-cost.ts';
import { formatNumber, formatShare, type Language } from './format-value.ts';
import { textTable } from './text-table.ts';
import { estimatedNanoUsd, type WorkCost } from './work-cost.ts';

interface Words {
  readonly parts: Readonly<Record<CostPart, string>>;
  readonly units: Readonly<Record<CostLine['unit'], string>>;
  readonly head: readonly [string, string, string];
  readonly total: string;
  readonly about: (estimate: CostEstimate, language: Language) => string;
  readonly leftOut: string;
}

const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    parts: {
      databaseReads: 'reading every customer',
      databaseWrites: 'writing who changed',
      compute: 'functions',
      orchestration: 'Step Functions',
      objects: 'files of the run',
      mail: 'mails',
      mailRecords: 'records and events of mails',
      answers: 'pages and answers',
    },
    units: {
      readUnits: 'read units',
      writeUnits: 'write units',
      gbSeconds: 'GB-seconds',
      transitions: 'transitions',
      requests: 'requests',
      mails: 'mails',
    },
    head: ['what', 'how much', 'US dollars'],
    total: 'in all',
    about: ({ question, prices }, language) =>
      `${formatNumber(question.customers, language)} customers, ${formatShare(question.changedShare, language)} changed, ${formatNumber(question.shards, language)} shards, ${formatNumber(question.mails, language)} mails; prices of ${prices.readOn} in ${prices.region}`,
    leftOut: 'Left out: storage, logs, free tiers, taxes. Other regions cost up to twice as much.',
  },
  'zh-CN': {
    parts: {
      databaseReads: '读取全部客户',
      databaseWrites: '写入有变化的客户',
      compute: '函数',
      orchestration: 'Step Functions',
      objects: '运行文件',
      mail: '邮件',
      mailRecords: '邮件记录与事件',
      answers: '页面与回答',
    },
    units: {
      readUnits: '读单位',
      writeUnits: '写单位',
      gbSeconds: 'GB 秒',
      transitions: '次转换',
      requests: '次请求',
      mails: '封',
    },
    head: ['项目', '数量', '美元'],
    total: '合计',
    about: ({ question, prices }, language) =>
      `${formatNumber(question.customers, language)} 位客户，${formatShare(question.changedShare, language)} 有变化，${formatNumber(question.shards, language)} 个分片，${formatNumber(question.mails, language)} 封邮件；${prices.region} 区域 ${prices.readOn} 的价格`,
    leftOut: '未计入：存储、日志、免费额度和税费。其他区域的价格最多约为两倍。',
  },
};

/** Millionths of a dollar as dollars with four decimals below ten dollars, two from there on. */
export const dollars = (microUsd: number, language: Language): string => {
  const usd = microUsd / 1_000_000;
  const digits = Math.abs(usd) < 10 ? 4 : 2;
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(usd);
};

/** An estimate as a table with its total, what it is about, and what it leaves out. */
export const estimateText = (estimate: CostEstimate, language: Language): string => {
  const words = WORDS[language];
  const rows = estimate.lines.map((line) => [
    words.parts[line.part],
    `${formatNumber(line.amount, language, line.amount < 10 ? 1 : 0)} ${words.units[line.unit]}`,
    dollars(line.microUsd, language),
  ]);
  return [
    words.about(estimate, language),
    textTable([[...words.head], ...rows, [words.total, '', dollars(estimate.microUsd, language)]]),
    words.leftOut,
  ].join('\n\n');
};

const MEASURED_WORDS = {
  en: {
    so: {
      run: { aws: 'This run cost about', local: 'On AWS this run would cost about' },
      wave: { aws: 'This survey cost about', local: 'On AWS this survey would cost about' },
    },
    groups: { database: 'database', compute: 'functions', rest: 'Step Functions and files', mail: 'mails and answers' },
    prices: (readOn: string, region: string) => `prices of ${readOn} in ${region}`,
    head: ['what', 'how much', 'US dollars', 'estimate', 'how known'],
    // The estimate's words speak of the run alone; reports and mails to the staff read and write too.
    parts: { databaseReads: 'database reads', databaseWrites: 'database writes' },
    how: { measured: 'measured', computed: 'computed' },
    sentence: (lead: string, total: string, parts: string) => `${lead} $${total}: ${parts}`,
    notes: {
      aws: 'Measured by the steps themselves, of every call, also of one that failed. Left out: storage, logs, alarms, free tiers, taxes.',
      local:
        'Measured by the steps on this machine, whose time is not that of Lambda; units, requests and mails are. Left out: starts of functions, storage, logs, alarms, free tiers, taxes.',
    },
  },
  'zh-CN': {
    so: {
      run: { aws: '本次运行费用约', local: '若在 AWS 上，本次运行费用约' },
      wave: { aws: '本次调查费用约', local: '若在 AWS 上，本次调查费用约' },
    },
    groups: { database: '数据库', compute: '函数', rest: 'Step Functions 与文件', mail: '邮件与答复' },
    prices: (readOn: string, region: string) => `${region} 区域 ${readOn} 的价格`,
    head: ['项目', '数量', '美元', '估算', '依据'],
    parts: { databaseReads: '数据库读取', databaseWrites: '数据库写入' },
    how: { measured: '实测', computed: '推算' },
    sentence: (lead: string, total: string, parts: string) => `${lead} ${total} 美元：${parts}`,
    notes: {
      aws: '由各步骤自行计量，失败的调用也计入。未计入：存储、日志、告警、免费额度和税费。',
      local:
        '由各步骤在本机计量，用时与 Lambda 不同，读写单位、请求和邮件数相同。未计入：函数启动、存储、日志、告警、免费额度和税费。',
    },
  },
} as const satisfies Readonly<Record<Language, unknown>>;

const GROUPS = {
  database: ['databaseReads', 'databaseWrites'],
  compute: ['compute'],
  rest: ['orchestration', 'objects'],
  mail: ['mail', 'mailRecords', 'answers'],
} as const satisfies Readonly<Record<string, readonly CostPart[]>>;

const usd = (nanoUsd: number, language: Language): string => dollars(nanoUsd / 1_000, language);

/**
 * In one sentence what a run or a wave cost.
 *
 * @param usedOn on the local stack nothing is billed: it is what the same would cost on AWS
 */
export const costSentence = ({ of, measured }: WorkCost, usedOn: 'aws' | 'local', language: Language): string => {
  const words = MEASURED_WORDS[language];
  const parts = (['database', 'compute', 'rest', 'mail'] as const).flatMap((group) => {
    const names: readonly CostPart[] = GROUPS[group];
    const lines = measured.lines.filter(({ part }) => names.includes(part));
    const sum = lines.reduce((total, { nanoUsd }) => total + nanoUsd, 0);
    return lines.length === 0 ? [] : [`${words.groups[group]} ${language === 'en' ? '$' : ''}${usd(sum, language)}`];
  });
  const text = words.sentence(
    words.so[of][usedOn],
    usd(measured.nanoUsd, language),
    parts.join(language === 'en' ? ', ' : '，'),
  );
  const prices = words.prices(measured.prices.readOn, measured.prices.region);
  return language === 'en' ? `${text} (${prices})` : `${text}（${prices}）`;
};

/** What a run or a wave cost as a table beside the estimate, and how each figure is known. */
export const costTable = (cost: WorkCost, usedOn: 'aws' | 'local', language: Language): string => {
  const words = MEASURED_WORDS[language];
  const names = WORDS[language];
  const parts: Readonly<Record<CostPart, string>> = { ...names.parts, ...words.parts };
  const { measured, estimated } = cost;
  const rows = measured.lines.map((line) => [
    parts[line.part],
    `${formatNumber(line.amount, language, line.amount < 10 ? 1 : 0)} ${names.units[line.unit]}`,
    usd(line.nanoUsd, language),
    usd(estimatedNanoUsd(estimated, line.part), language),
    words.how[line.how],
  ]);
  const total = [names.total, '', usd(measured.nanoUsd, language), dollars(estimated.microUsd, language), ''];
  return [
    costSentence(cost, usedOn, language),
    textTable([[...words.head], ...rows, total], ['left', 'right', 'right', 'right', 'left']),
    words.notes[usedOn],
  ].join('\n');
};
