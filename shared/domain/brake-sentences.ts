import type { BrakeName } from './policy.ts';

/** A brake that would stop a run, as far as a sentence needs it. */
export interface BrakeInWords {
  readonly brake: BrakeName;
  readonly limit: number | string;
  readonly actual: number | string;
  /** The figures behind `actual`, by name; absent in records of before they were kept. */
  readonly figures?: Readonly<Record<string, number | string>> | undefined;
}

const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;

/** A share above its limit, with as many digits, one to six, as show it above. */
const percentAbove = (limit: number, share: number): string => {
  let digits = 1;
  while (digits < 6 && share > limit && percent(share, digits) === percent(limit, digits)) digits += 1;
  return percent(share, digits);
};

const KINDS: Readonly<Record<string, string>> = { upgrade: '升级', exit: '退出' };
const NAMES: Readonly<Record<BrakeName, string>> = {
  movedShare: '将变动的客户占比',
  flagShare: '将被提议的客户占比',
  inputDropShare: '输入比上次减少的比例',
  staleInputDays: '最新数据的天数',
  emptiedSegment: '将被清空的类别',
  quarantineShare: '被隔离的记录占比',
};

/**
 * What a brake found, as a sentence without its full stop, made from the figures.
 *
 * @param segmentName what the policy calls a segment in the language
 * @returns undefined in English where the figures were not kept: the record has the sentence then
 */
export const brakeSentence = (
  hit: BrakeInWords,
  lang: 'en' | 'zh',
  segmentName: (segment: string) => string = (segment) => segment,
): string | undefined => {
  const { brake, limit, actual, figures } = hit;
  const en = lang === 'en';
  if (figures === undefined) return en ? undefined : withoutFigures(hit);
  const of = (name: string): number => Number(figures[name]);
  const shares = (part: number, whole: number): readonly [string, string] => {
    const most = Number(limit);
    return [percentAbove(most, whole === 0 ? 0 : part / whole), percent(most)];
  };
  switch (brake) {
    case 'movedShare': {
      const [share, most] = shares(of('moved'), of('known'));
      return en
        ? `${of('moved')} of ${of('known')} customers (${share}) would change their segment; the limit is ${most}`
        : `${of('known')} 个客户中有 ${of('moved')} 个（${share}）将变更类别，上限为 ${most}`;
    }
    case 'flagShare': {
      const kind = String(figures['kind']);
      const [share, most] = shares(of('flagged'), of('population'));
      return en
        ? `${of('flagged')} customers (${share}) would be flagged for ${kind}; the limit is ${most}`
        : `将有 ${of('flagged')} 个客户（${share}）被提议${KINDS[kind] ?? kind}，上限为 ${most}`;
    }
    case 'inputDropShare': {
      const [share, most] = shares(of('previous') - of('population'), of('previous'));
      return en
        ? `${of('population')} customers have a segment after ${of('previous')} last time (${share} fewer); the limit is ${most}`
        : `有类别的客户为 ${of('population')} 个，上次为 ${of('previous')} 个（减少 ${share}），上限为 ${most}`;
    }
    case 'staleInputDays': {
      const newest = figures['newestFact'];
      if (newest === undefined) {
        return en
          ? `there is no fact dated up to ${figures['asOf']}; import purchases or customers first`
          : `没有日期在 ${figures['asOf']} 或之前的数据，请先导入购买记录或客户资料`;
      }
      return en
        ? `the newest fact is ${actual} days old (${newest}); the limit is ${limit} days`
        : `最新数据已有 ${actual} 天（${newest}），上限为 ${limit} 天`;
    }
    case 'emptiedSegment':
      return en
        ? `segment ${segmentName(String(actual))} had ${of('before')} customers and would have none`
        : `类别“${segmentName(String(actual))}”原有 ${of('before')} 个客户，将变为没有客户`;
    case 'quarantineShare': {
      const [share, most] = shares(of('quarantined'), of('quarantined') + of('population'));
      return en
        ? `${of('quarantined')} records (${share}) could not be read; the limit is ${most}`
        : `有 ${of('quarantined')} 条记录（${share}）无法读取，上限为 ${most}`;
    }
  }
};

const withoutFigures = ({ brake, limit, actual }: BrakeInWords): string => {
  const shown = (value: number | string): string =>
    typeof value === 'number' && brake.endsWith('Share') ? percent(value, 2) : String(value);
  return `${NAMES[brake]}：${shown(actual)}，上限 ${shown(limit)}`;
};
