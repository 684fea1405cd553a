import type { Language } from '#shared/application/format-value.ts';

interface StatusWords {
  readonly clock: string;
  readonly policy: string;
  readonly noPolicy: string;
  readonly published: string;
  readonly nothing: string;
  readonly asOf: string;
  /** Where the segments in force were made with another policy than the active one. */
  readonly otherPolicy: (policy: string) => string;
  readonly applying: string;
  readonly lock: (runId: string) => string;
  readonly expires: string;
  readonly expired: string;
  readonly again: (runId: string, state: string, asOf: string) => string;
  readonly proposals: string;
  readonly upgrade: string;
  readonly exit: string;
  readonly cases: string;
  readonly overdue: string;
  readonly wave: string;
  readonly closes: string;
  readonly states: Readonly<Record<'planned' | 'held', string>>;
}

/** Words of `status`. */
export const STATUS_WORDS: Readonly<Record<Language, StatusWords>> = {
  en: {
    clock: 'business clock',
    policy: 'active policy',
    noPolicy: 'none yet',
    published: 'published',
    nothing: 'nothing yet',
    asOf: 'as of',
    otherPolicy: (policy) => `, with policy ${policy}`,
    applying: 'applying',
    lock: (runId) => `${runId} holds the lock`,
    expires: 'expires',
    expired: 'expired',
    again: (runId, state, asOf) =>
      `${runId} was ${state}, as of ${asOf}; to compute its period anew: resegment run --again ${runId}`,
    proposals: 'open proposals',
    upgrade: 'upgrade',
    exit: 'exit',
    cases: 'open cases',
    overdue: 'overdue',
    wave: 'survey wave',
    closes: 'closes',
    states: { planned: 'planned', held: 'held' },
  },
  'zh-CN': {
    clock: '业务时钟',
    policy: '当前策略',
    noPolicy: '尚无',
    published: '已发布',
    nothing: '尚无',
    asOf: '截至',
    otherPolicy: (policy) => `，所用策略 ${policy}`,
    applying: '正在写入',
    lock: (runId) => `${runId} 持有锁`,
    expires: '有效期至',
    expired: '已过期',
    again: (runId, state, asOf) => `${runId}（${state}，截至 ${asOf}）；重新计算该期：resegment run --again ${runId}`,
    proposals: '待决定的建议',
    upgrade: '升级',
    exit: '退出',
    cases: '未结个案',
    overdue: '已超时',
    wave: '调查批次',
    closes: '截止时间',
    states: { planned: '已计划', held: '被刹车暂停' },
  },
};
