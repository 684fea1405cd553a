import type { Language } from '#shared/application/format-value.ts';
import type { AnswerState } from '#shared/domain/answer-judgement.ts';
import type { SuspicionSignal, Wish } from '#shared/domain/answer-rules.ts';

interface AnswerWords {
  /** Heads of the list's columns. */
  readonly heads: readonly string[];
  readonly states: Readonly<Record<AnswerState, string>>;
  readonly signals: Readonly<Record<SuspicionSignal, string>>;
  readonly wishes: Readonly<Record<Wish, string>>;
  readonly none: string;
  readonly more: (count: number) => string;
  readonly done: Readonly<Record<'confirmed' | 'discarded', (answerId: string, customerId: string) => string>>;
  readonly before: string;
  readonly later: string;
  readonly satisfaction: string;
  readonly refused: string;
}

/** Words of `answer list`, `answer confirm` and `answer discard`. */
export const ANSWER_WORDS: Readonly<Record<Language, AnswerWords>> = {
  en: {
    heads: ['answer', 'customer', 'segment', 'branch', 'manager', 'score', 'answered', 'state', 'why', 'comment'],
    states: { counted: 'counted', suspect: 'suspect', confirmed: 'confirmed', discarded: 'discarded' },
    signals: {
      honeypot: 'filled in a field that people do not see',
      tooFast: 'came within 3 s of the delivery',
      burst: 'came within 2 s of another score',
      notMe: 'the reader says the mail was for somebody else',
    },
    wishes: { call: 'wishes a call', complaint: 'a complaint', notMe: 'not me' },
    none: 'no such answer',
    more: (count) => `and ${count} more; --limit shows them`,
    done: {
      confirmed: (answerId, customerId) => `answer ${answerId} of customer ${customerId} is confirmed and counts`,
      discarded: (answerId, customerId) =>
        `answer ${answerId} of customer ${customerId} is discarded and counts for nothing`,
    },
    before: 'had been said before; nothing was changed',
    later: 'it reaches the customer’s figures within a minute',
    satisfaction: 'satisfaction today',
    refused: 'not judged',
  },
  'zh-CN': {
    heads: ['答复', '客户', '类别', '分支机构', '客户经理', '评分', '答复时间', '状态', '原因', '意见'],
    states: { counted: '计入', suspect: '可疑', confirmed: '已确认', discarded: '已判无效' },
    signals: {
      honeypot: '填写了正常人看不到的栏位',
      tooFast: '送达后 3 秒内即作答',
      burst: '与另一评分相隔不到 2 秒',
      notMe: '收件人表示邮件并非发给本人',
    },
    wishes: { call: '希望回电', complaint: '投诉', notMe: '非本人' },
    none: '没有此类答复',
    more: (count) => `另有 ${count} 份；用 --limit 显示`,
    done: {
      confirmed: (answerId, customerId) => `客户 ${customerId} 的答复 ${answerId} 已确认，计入统计`,
      discarded: (answerId, customerId) => `客户 ${customerId} 的答复 ${answerId} 已判无效，不计入任何统计`,
    },
    before: '此前已有同样结论，未作改动',
    later: '一分钟内反映到客户数据',
    satisfaction: '今日满意度',
    refused: '未作判断',
  },
};
