import type { Language } from '#shared/application/format-value.ts';
import type { ListNotReceived } from '#shared/application/lists-not-received.ts';

interface RunWords {
  /** Columns of `run list`. */
  readonly head: readonly string[];
  readonly expired: string;
  readonly noRun: string;
  readonly held: (commands: readonly string[]) => string;
  readonly nothingChanged: (runId: string) => string;
  readonly notApplied: (runId: string) => string;
  readonly confirm: (runId: string) => string;
  readonly abandonedNow: (runId: string) => string;
  readonly inPlaceOf: (runId: string) => string;
  /** Who did what when. */
  readonly planned: (by: string, at: string) => string;
  readonly started: (by: string, at: string) => string;
  readonly applied: (by: string, at: string) => string;
  readonly overridden: (brake: string, by: string, at: string, reason: string) => string;
  readonly redriven: (by: string, at: string) => string;
  /** Behind the error of a failed run. */
  readonly redriveHint: (runId: string) => string;
  readonly abandoned: (by: string, at: string) => string;
  readonly rolledBack: (by: string, at: string, reason: string, restored: string | null) => string;
  readonly expiredAt: (at: string) => string;
  readonly until: (at: string) => string;
  /** @param more those that are not named, erased ones among them */
  readonly stale: (customers: readonly string[], more: number) => string;
  readonly quarantined: (record: string, reason: string) => string;
  /** @param readers name and reason of each */
  readonly listsNotReceived: (readers: readonly string[]) => string;
  readonly listReason: Readonly<Record<ListNotReceived['state'], string>>;
  readonly noLongerOfStaff: string;
  readonly diffSame: (before: string, after: string, dimension: string) => string;
  readonly diffTitle: (before: string, after: string, count: number, dimension: string) => string;
  readonly diffHead: readonly string[];
  readonly fresh: string;
  readonly left: string;
  readonly more: (count: number) => string;
  readonly moreWithLimit: (count: number) => string;
  readonly rolledBackNow: (runId: string, restored: string | null) => string;
  readonly rolledBackBefore: (runId: string, by: string, at: string, reason: string) => string;
  readonly flagsUndone: (withdrawn: number, reopened: number) => string;
  readonly waveStopped: (waveId: string) => string;
  readonly mailedBefore: (customers: number) => string;
  readonly closeAgain: (period: string, runId: string) => string;
  readonly replayedSame: (
    runId: string,
    customers: number,
    shards: number,
    bytes: number,
    withCutoffs: boolean,
  ) => string;
  readonly replayedOther: (runId: string, values: number) => string;
  readonly replayHead: readonly string[];
}

/** Words of the commands about runs. */
export const RUN_WORDS: Readonly<Record<Language, RunWords>> = {
  en: {
    head: ['run', 'as of', 'policy', 'version', 'state', 'by', 'wave', 'published'],
    expired: ' (expired)',
    noRun: 'no run',
    held: (commands) => `held: nothing has been changed. To go on: ${commands.join(', then ')}`,
    nothingChanged: (runId) => `nothing has been changed; to make these moves: resegment apply ${runId}`,
    notApplied: (runId) => `nothing has been changed; later: resegment apply ${runId}`,
    confirm: (runId) => `Apply run ${runId}?`,
    abandonedNow: (runId) => `run ${runId} is abandoned; nothing of it is or will be in force`,
    inPlaceOf: (runId) => `in place of ${runId}`,
    planned: (by, at) => `planned by ${by} at ${at}`,
    started: (by, at) => `started by ${by} at ${at}`,
    applied: (by, at) => `applied by ${by} at ${at}`,
    overridden: (brake, by, at, reason) => `brake ${brake} overridden by ${by} at ${at}: ${reason}`,
    redriven: (by, at) => `redriven by ${by} at ${at}`,
    redriveHint: (runId) => `once the cause is put right: resegment run redrive ${runId}`,
    abandoned: (by, at) => `abandoned by ${by} at ${at}`,
    rolledBack: (by, at, reason, restored) =>
      `rolled back by ${by} at ${at}: ${reason}; ${restored ?? 'no run'} was in force again`,
    expiredAt: (at) => `expired at ${at}; it can no longer be applied`,
    until: (at) => `can be applied until ${at}`,
    stale: (customers, more) =>
      `skipped as stale, since their facts changed after the plan: ${customers.join(', ')}${more > 0 ? `${customers.length > 0 ? ' and ' : ''}${more} more or erased` : ''}`,
    quarantined: (record, reason) => `quarantined ${record}: ${reason}`,
    listsNotReceived: (readers) => `did not get their action list by mail: ${readers.join(', ')}`,
    listReason: { bounced: 'bounced', complained: 'called spam', refused: 'refused' },
    noLongerOfStaff: 'somebody no longer in the directory',
    diffSame: (before, after, dimension) =>
      `${before} and ${after} place everybody in the same segment of ${dimension}`,
    diffTitle: (before, after, count, dimension) => `${before} → ${after}: ${count} customers differ in ${dimension}`,
    diffHead: ['From', 'To', 'Customers', 'Customer'],
    fresh: 'new',
    left: 'left',
    more: (count) => `and ${count} more`,
    moreWithLimit: (count) => `and ${count} more; --limit shows them`,
    rolledBackNow: (runId, restored) =>
      `run ${runId} is rolled back: ${restored === null ? 'no run is in force, as before it' : `${restored} is in force again`}`,
    rolledBackBefore: (runId, by, at, reason) => `run ${runId} was rolled back before, by ${by} at ${at}: ${reason}`,
    flagsUndone: (withdrawn, reopened) => `proposals: ${withdrawn} withdrawn, ${reopened} open again`,
    waveStopped: (waveId) => `survey ${waveId} sends nothing more`,
    mailedBefore: (customers) => `${customers} customers had been mailed; their answers still count`,
    closeAgain: (period, runId) =>
      `to close ${period} again, once its cause is put right: resegment run --again ${runId}`,
    replayedSame: (runId, customers, shards, bytes, withCutoffs) =>
      `run ${runId} replayed: the same bytes (${customers} customers, ${shards} shards, ${bytes} bytes), the same ${withCutoffs ? 'cut-offs, ' : ''}proposals and counts`,
    replayedOther: (runId, values) => `run ${runId} replayed: ${values} values differ`,
    replayHead: ['where', 'shard', 'customer', 'field', 'stored', 'replayed'],
  },
  'zh-CN': {
    head: ['运行', '截至', '策略', '版本', '状态', '发起人', '调查批次', '当前生效'],
    expired: '（已过期）',
    noRun: '没有运行',
    held: (commands) => `已被刹车暂停，尚未写入任何变更。如需继续：${commands.join('，然后 ')}`,
    nothingChanged: (runId) => `尚未写入任何变更；执行这些变动：resegment apply ${runId}`,
    notApplied: (runId) => `尚未写入任何变更；稍后可执行：resegment apply ${runId}`,
    confirm: (runId) => `执行运行 ${runId}？`,
    abandonedNow: (runId) => `运行 ${runId} 已放弃；其结果不会生效`,
    inPlaceOf: (runId) => `代替 ${runId}`,
    planned: (by, at) => `${at} 由 ${by} 计划`,
    started: (by, at) => `${at} 由 ${by} 发起`,
    applied: (by, at) => `${at} 由 ${by} 执行`,
    overridden: (brake, by, at, reason) => `${at} 由 ${by} 越过刹车 ${brake}：${reason}`,
    redriven: (by, at) => `${at} 由 ${by} 重新驱动`,
    redriveHint: (runId) => `排除原因之后：resegment run redrive ${runId}`,
    abandoned: (by, at) => `${at} 由 ${by} 放弃`,
    rolledBack: (by, at, reason, restored) =>
      `${at} 由 ${by} 回滚：${reason}；${restored === null ? '此后没有运行生效' : `${restored} 重新生效`}`,
    expiredAt: (at) => `已于 ${at} 过期，不能再执行`,
    until: (at) => `可执行至 ${at}`,
    stale: (customers, more) =>
      `计划之后数据已变，因此跳过：${customers.join('、')}${more > 0 ? `${customers.length > 0 ? '，' : ''}另有 ${more} 个（或已删除）` : ''}`,
    quarantined: (record, reason) => `已隔离 ${record}：${reason}`,
    listsNotReceived: (readers) => `未收到优先联系名单邮件：${readers.join('、')}`,
    listReason: { bounced: '已退回', complained: '被标为垃圾邮件', refused: '被拒绝' },
    noLongerOfStaff: '已不在员工名录中的人员',
    diffSame: (before, after, dimension) => `${before} 与 ${after} 中，所有客户的${dimension}相同`,
    diffTitle: (before, after, count, dimension) => `${before} → ${after}：${count} 个客户的${dimension}不同`,
    diffHead: ['之前', '之后', '客户数', '客户'],
    fresh: '新增',
    left: '离开',
    more: (count) => `另有 ${count} 个`,
    moreWithLimit: (count) => `另有 ${count} 项；--limit 可显示更多`,
    rolledBackNow: (runId, restored) =>
      `运行 ${runId} 已回滚：${restored === null ? '与之前一样，没有运行生效' : `${restored} 重新生效`}`,
    rolledBackBefore: (runId, by, at, reason) => `运行 ${runId} 此前已于 ${at} 由 ${by} 回滚：${reason}`,
    flagsUndone: (withdrawn, reopened) => `建议：${withdrawn} 件撤回，${reopened} 件重新打开`,
    waveStopped: (waveId) => `调查批次 ${waveId} 不再发送`,
    mailedBefore: (customers) => `此前已向 ${customers} 个客户发出邮件；他们的答复仍然计入`,
    closeAgain: (period, runId) => `排除原因之后，重新结账 ${period}：resegment run --again ${runId}`,
    replayedSame: (runId, customers, shards, bytes, withCutoffs) =>
      `运行 ${runId} 重算：逐字节相同（${customers} 个客户，${shards} 个分片，${bytes} 字节），${withCutoffs ? '分界点、' : ''}建议和计数也相同`,
    replayedOther: (runId, values) => `运行 ${runId} 重算：${values} 个值不同`,
    replayHead: ['位置', '分片', '客户', '字段', '已存', '重算'],
  },
};
