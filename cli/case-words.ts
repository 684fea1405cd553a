import type { Language } from '#shared/application/format-value.ts';
import type { CaseOutcome } from '#shared/domain/case-outcomes.ts';
import type { CaseEvent, CaseNotice, CustomerCase } from '#shared/ports/case-store.ts';

interface CaseWords {
  /** Columns of `case list`. */
  readonly head: readonly string[];
  /** Reasons as `case list` has them: short. */
  readonly shortReasons: Readonly<Record<CustomerCase['reason'], string>>;
  readonly none: string;
  readonly takenNow: (caseId: string, customerId: string, by: string, since: string, due: string) => string;
  readonly closedNow: (caseId: string, customerId: string, by: string, outcome: string) => string;
  readonly more: (count: number) => string;
  readonly title: string;
  readonly states: Readonly<Record<CustomerCase['state'], string>>;
  readonly reasons: Readonly<Record<CustomerCase['reason'], string>>;
  readonly priorities: Readonly<Record<CustomerCase['priority'], string>>;
  readonly outcomes: Readonly<Record<CaseOutcome, string>>;
  readonly events: Readonly<Record<CaseEvent['event'], string>>;
  readonly reason: string;
  readonly score: string;
  readonly segment: string;
  readonly priority: string;
  readonly owner: string;
  readonly central: string;
  readonly due: string;
  readonly over: string;
  readonly escalation: string;
  readonly outcome: string;
  readonly history: string;
  readonly comment: string;
  readonly mails: string;
  /** Column of `case list` and line of `case show`: whose mail comes back. */
  readonly notReached: string;
  readonly notReachedHint: string;
  readonly notices: Readonly<Record<CaseNotice['kind'], string>>;
  readonly outcomesOfMail: Readonly<Record<CaseNotice['state'], string>>;
}

/** Words of `case show`. */
export const CASE_WORDS: Readonly<Record<Language, CaseWords>> = {
  en: {
    head: [
      'case',
      'customer',
      'segment',
      'score',
      'reason',
      'priority',
      'owner',
      'due',
      'escalated to',
      'state',
      'mail bounces',
      'pinned until',
    ],
    shortReasons: { complaint: 'complaint', callMe: 'callMe', lowAnswer: 'lowAnswer', wrongPerson: 'wrongPerson' },
    none: 'no open case',
    takenNow: (caseId, customerId, by, since, due) =>
      `case ${caseId} of customer ${customerId} is taken by ${by} since ${since}; due ${due}`,
    closedNow: (caseId, customerId, by, outcome) =>
      `case ${caseId} of customer ${customerId} is closed by ${by}: ${outcome}`,
    more: (count) => `and ${count} more; --limit shows them`,
    title: 'Case',
    states: { open: 'open', taken: 'taken', closed: 'closed' },
    reasons: {
      complaint: 'a complaint',
      callMe: 'wishes to be called',
      lowAnswer: 'a low answer',
      wrongPerson: 'the mail reached somebody else',
    },
    priorities: { high: 'high', normal: 'normal' },
    outcomes: {
      solved: 'solved',
      goodwill: 'goodwill given',
      noFault: 'no fault found',
      unreachable: 'customer not reached',
      wrongPerson: 'address was somebody else’s',
    },
    events: {
      opened: 'opened',
      taken: 'taken',
      updated: 'new answer',
      escalated: 'escalated to',
      closed: 'closed',
      reopened: 'opened again',
      answerDiscarded: 'answer discarded',
      answerConfirmed: 'answer confirmed',
    },
    reason: 'reason',
    score: 'score',
    segment: 'segment',
    priority: 'priority',
    owner: 'owner',
    central: 'central queue',
    due: 'due',
    over: 'over',
    escalation: 'goes then to',
    outcome: 'outcome',
    history: 'History',
    comment: 'the customer wrote',
    mails: 'Mails to the staff',
    notReached: 'mail bounces',
    notReachedHint: 'the next in line is mailed until import staff brings another address',
    notices: { opened: 'opened', overdue: 'overdue', escalated: 'escalated' },
    outcomesOfMail: {
      claimed: 'uncertain: it may not have gone out',
      accepted: 'sent',
      unknown: 'uncertain: it may not have gone out',
      notAccepted: 'not sent',
      refused: 'refused',
      bounced: 'bounced',
      complained: 'called spam',
    },
  },
  'zh-CN': {
    head: ['个案', '客户', '类别', '评分', '原因', '优先级', '负责人', '时限', '上报给', '状态', '邮件退回', '固定至'],
    shortReasons: { complaint: '投诉', callMe: '希望回电', lowAnswer: '评分偏低', wrongPerson: '邮件发给了他人' },
    none: '没有未结案的个案',
    takenNow: (caseId, customerId, by, since, due) =>
      `客户 ${customerId} 的个案 ${caseId} 自 ${since} 由 ${by} 接手；时限 ${due}`,
    closedNow: (caseId, customerId, by, outcome) => `客户 ${customerId} 的个案 ${caseId} 已由 ${by} 结案：${outcome}`,
    more: (count) => `另有 ${count} 项；--limit 可显示更多`,
    title: '个案',
    states: { open: '待处理', taken: '处理中', closed: '已结案' },
    reasons: { complaint: '投诉', callMe: '希望回电', lowAnswer: '评分偏低', wrongPerson: '邮件发给了他人' },
    priorities: { high: '高', normal: '普通' },
    outcomes: {
      solved: '已解决',
      goodwill: '已给予补偿',
      noFault: '未发现问题',
      unreachable: '未能联系到客户',
      wrongPerson: '地址属于他人',
    },
    events: {
      opened: '立案',
      taken: '接手',
      updated: '收到新答复',
      escalated: '上报给',
      closed: '结案',
      reopened: '重新立案',
      answerDiscarded: '答复被判为无效',
      answerConfirmed: '答复被确认有效',
    },
    reason: '原因',
    score: '评分',
    segment: '类别',
    priority: '优先级',
    owner: '负责人',
    central: '中心队列',
    due: '时限',
    over: '已超时',
    escalation: '逾期上报',
    outcome: '结果',
    history: '经过',
    comment: '客户留言',
    mails: '发给员工的邮件',
    notReached: '邮件退回',
    notReachedHint: '更正员工名录中的邮箱（import staff）之前，改发给下一位负责人',
    notices: { opened: '立案', overdue: '超时', escalated: '上报' },
    outcomesOfMail: {
      claimed: '不确定：可能未发出',
      accepted: '已发出',
      unknown: '不确定：可能未发出',
      notAccepted: '未发出',
      refused: '被拒绝',
      bounced: '已退回',
      complained: '被标为垃圾邮件',
    },
  },
};
