import type { Language } from '#shared/application/format-value.ts';

interface WaveWords {
  /** Columns of `wave list` before the two of instants. */
  readonly head: readonly string[];
  readonly reminder: string;
  readonly closes: string;
  /** Behind the state of a wave that rests. */
  readonly paused: string;
  readonly none: string;
  readonly since: (at: string, by: string, reason: string) => string;
  readonly byBrake: (at: string, reason: string) => string;
  readonly pausedNow: (waveId: string) => string;
  readonly pausedBefore: (waveId: string, since: string) => string;
  readonly notPaused: (waveId: string) => string;
  /** @param by null where the wave has no mail to send any more */
  readonly resumed: (waveId: string, by: string | null) => string;
  readonly redriven: (waveId: string) => string;
  readonly cancelled: (waveId: string) => string;
  readonly cancelledBefore: (waveId: string, since: string) => string;
}

/** Words of `wave list` and of the orders to a wave. */
export const WAVE_WORDS: Readonly<Record<Language, WaveWords>> = {
  en: {
    head: ['wave', 'run', 'state', 'question', 'drawn', 'of'],
    reminder: 'reminder',
    closes: 'closes',
    paused: ' (paused)',
    none: 'no wave',
    since: (at, by, reason) => `, since ${at} by ${by}: ${reason}`,
    byBrake: (at, reason) => ` by the brake, since ${at}: ${reason}`,
    pausedNow: (waveId) =>
      `wave ${waveId} is paused: no mail is claimed any more; those under way end within seconds\nto go on: resegment wave resume ${waveId}`,
    pausedBefore: (waveId, since) => `wave ${waveId} is already paused${since}; nothing changed`,
    notPaused: (waveId) => `wave ${waveId} is not paused; nothing changed`,
    resumed: (waveId, by) =>
      `wave ${waveId} goes on where it was; ${by === null ? 'it has no mail to send any more' : `its next mails go out by ${by}`}`,
    redriven: (waveId) => `wave ${waveId} goes on where it was: nobody is mailed twice, nobody is left out`,
    cancelled: (waveId) =>
      `wave ${waveId} is cancelled: it sends no invitation and no reminder any more; its links take answers until it closes`,
    cancelledBefore: (waveId, since) => `wave ${waveId} is already cancelled${since}; nothing changed`,
  },
  'zh-CN': {
    head: ['批次', '运行', '状态', '题型', '抽中', '总数'],
    reminder: '提醒时间',
    closes: '截止时间',
    paused: '（已暂停）',
    none: '没有调查批次',
    since: (at, by, reason) => `，自 ${at}，操作者 ${by}：${reason}`,
    byBrake: (at, reason) => `（制动停止，自 ${at}：${reason}）`,
    pausedNow: (waveId) =>
      `批次 ${waveId} 已暂停：不再发出新的邮件，正在发送的几秒内结束\n恢复：resegment wave resume ${waveId}`,
    pausedBefore: (waveId, since) => `批次 ${waveId} 此前已暂停${since}；未作任何更改`,
    notPaused: (waveId) => `批次 ${waveId} 并未暂停；未作任何更改`,
    resumed: (waveId, by) =>
      `批次 ${waveId} 从原处继续；${by === null ? '已没有邮件要发送' : `下一批邮件最迟于 ${by} 发出`}`,
    redriven: (waveId) => `批次 ${waveId} 从原处继续：不会重复发送，也不会遗漏`,
    cancelled: (waveId) => `批次 ${waveId} 已取消：不再发送邀请和提醒；链接在截止前仍可答复`,
    cancelledBefore: (waveId, since) => `批次 ${waveId} 此前已取消${since}；未作任何更改`,
  },
};
