import type { Language } from '#shared/application/format-value.ts';
import type { Pin } from '#shared/domain/facts.ts';
import type { PinState } from '#shared/domain/pins.ts';

interface PinWords {
  /** Columns of `pin list`. */
  readonly head: readonly string[];
  readonly states: Readonly<Record<PinState, string>>;
  readonly none: string;
  readonly more: (count: number) => string;
  readonly already: (customerId: string, segment: string, dimension: string, pin: Pin) => string;
  readonly pinned: (customerId: string, segment: string, dimension: string, until: string) => string;
  readonly replaces: (segment: string, pin: Pin) => string;
  readonly noPin: (customerId: string, dimension: string) => string;
  readonly cleared: (customerId: string, segment: string, dimension: string) => string;
}

/** Words of the commands about pins. */
export const PIN_WORDS: Readonly<Record<Language, PinWords>> = {
  en: {
    head: ['customer', 'dimension', 'segment', 'branch', 'manager', 'state', 'until', 'set', 'by', 'reason', 'cleared'],
    states: { active: 'active', expired: 'expired', cleared: 'cleared' },
    none: 'no pin',
    more: (count) => `and ${count} more; --limit shows them`,
    already: (customerId, segment, dimension, pin) =>
      `${customerId} is already pinned to ${segment} (${dimension}) until ${pin.until}, by ${pin.by}; nothing changed`,
    pinned: (customerId, segment, dimension, until) =>
      `${customerId} is pinned to ${segment} (${dimension}) until ${until}, from the next run on`,
    replaces: (segment, pin) => `it replaces ${segment} until ${pin.until}, set by ${pin.by}: ${pin.reason}`,
    noPin: (customerId, dimension) => `${customerId} has no pin in ${dimension}; nothing changed`,
    cleared: (customerId, segment, dimension) =>
      `the pin of ${customerId} to ${segment} (${dimension}) is cleared; the next run places the customer by the ratings`,
  },
  'zh-CN': {
    head: ['客户', '维度', '类别', '分支机构', '客户经理', '状态', '固定至', '设定日期', '操作人', '理由', '解除'],
    states: { active: '生效', expired: '已到期', cleared: '已解除' },
    none: '没有人工固定',
    more: (count) => `另有 ${count} 项；--limit 可显示更多`,
    already: (customerId, segment, dimension, pin) =>
      `${customerId} 此前已由 ${pin.by} 固定为${segment}（${dimension}）至 ${pin.until}；未作任何更改`,
    pinned: (customerId, segment, dimension, until) =>
      `${customerId} 固定为${segment}（${dimension}）至 ${until}，自下一次运行起生效`,
    replaces: (segment, pin) => `取代 ${pin.by} 设定的${segment}（至 ${pin.until}）：${pin.reason}`,
    noPin: (customerId, dimension) => `${customerId} 在 ${dimension} 中没有人工固定；未作任何更改`,
    cleared: (customerId, segment, dimension) =>
      `已解除 ${customerId} 固定为${segment}（${dimension}）；下一次运行按评级确定类别`,
  },
};
