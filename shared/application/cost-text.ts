import type { CostEstimate, CostLine, CostPart } from '#shared/domain/run-cost.ts';
import { formatNumber, formatShare, type Language } from './format-value.ts';
import { textTable } from './text-table.ts';

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
