import type { Language } from '#shared/application/format-value.ts';
import type { FlagEvent, FlagKind, FlagState } from '#shared/domain/flags.ts';

type Decision = 'approved' | 'refused';

interface FlagWords {
  /** Columns of `flag list` of open proposals. */
  readonly openHead: readonly string[];
  /** Columns of `flag list` of closed ones. */
  readonly closedHead: readonly string[];
  readonly shortKinds: Readonly<Record<FlagKind, string>>;
  readonly more: (count: number) => string;
  readonly noneOpen: string;
  /** @param since a date; undefined where all are looked at */
  readonly noneClosed: (since: string | undefined) => string;
  readonly noneMatches: string;
  readonly notDecided: string;
  readonly letterIn: (customerId: string, file: string, bytes: number) => string;
  readonly decided: (kind: FlagKind, customerId: string, decision: Decision, by: string) => string;
  readonly decidedMany: (customerIds: readonly string[], decision: Decision, by: string) => string;
  readonly passedOver: (customerId: string, why: string) => string;
  readonly sample: (shown: number, all: number, kind: FlagKind) => string;
  readonly confirm: (decision: Decision, count: number) => string;
  /** Who decides, by the name that a policy has for the role; others as they are. */
  readonly roles: Readonly<Record<string, string>>;
  readonly kinds: Readonly<Record<FlagKind, string>>;
  readonly states: Readonly<Record<FlagState, string>>;
  readonly events: Readonly<Record<FlagEvent['event'], string>>;
  /** Names of figures; those that are not here are ratings of the policy. */
  readonly evidence: Readonly<Record<string, string>>;
  readonly segment: string;
  readonly stake: string;
  readonly branch: string;
  readonly manager: string;
  readonly run: string;
  readonly expires: string;
  readonly decides: string;
  readonly roleChecked: string;
  readonly roleNotChecked: string;
  readonly proposedBy: string;
  /** What is missing to the limit of a rating, and where passing it leads. */
  readonly missing: (shortBy: string, rating: string, segment: string) => string;
  readonly lasting: (periods: string, since: string) => string;
  /** The limit is reached, and only the gap holds the customer back. */
  readonly atLimit: (rating: string, segment: string) => string;
  readonly overCapacity: (runId: string, upgrades: number, exits: number) => string;
  readonly operatorExplanation: (customerId: string, runId: string) => string;
  readonly satisfaction: string;
  readonly evidenceHeading: string;
  readonly history: string;
  readonly explanation: string;
  readonly explanationGone: string;
  /** What follows from a decision. */
  readonly afterwards: Readonly<Record<'approved' | 'refused', Readonly<Record<FlagKind, string>>>>;
}

/** Words of `flag show`. */
export const FLAG_WORDS: Readonly<Record<Language, FlagWords>> = {
  en: {
    openHead: [
      'kind',
      'customer',
      'segment',
      'branch',
      'manager',
      'at stake',
      'raised',
      'expires',
      'run',
      'pinned until',
      'why',
    ],
    closedHead: [
      'kind',
      'customer',
      'segment',
      'branch',
      'manager',
      'at stake',
      'raised',
      'state',
      'on',
      'by',
      'reason',
    ],
    shortKinds: { upgrade: 'upgrade', exit: 'exit' },
    more: (count) => `and ${count} more; --limit shows them`,
    noneOpen: 'no open proposal',
    noneClosed: (since) => `no proposal in this state${since === undefined ? '' : ` since ${since}`}`,
    noneMatches: 'no open proposal matches; nothing changed',
    notDecided: 'nothing has been decided',
    letterIn: (customerId, file, bytes) => `letter to ${customerId} in ${file} (${bytes} bytes)`,
    decided: (kind, customerId, decision, by) => `the ${kind} proposal of ${customerId} is ${decision} by ${by}`,
    decidedMany: (customerIds, decision, by) =>
      `${customerIds.length} ${decision} by ${by}: ${customerIds.join(', ') || '–'}`,
    passedOver: (customerId, why) => `passed over ${customerId}: ${why}`,
    sample: (shown, all, kind) =>
      `${shown} of ${all} ${kind} proposals, from the greatest value at stake to the smallest:`,
    confirm: (decision, count) => `${decision === 'approved' ? 'Approve' : 'Refuse'} all ${count}?`,
    roles: { manager: 'manager', branchHead: 'head of the branch', central: 'central desk', committee: 'committee' },
    kinds: { upgrade: 'Proposal to upgrade', exit: 'Proposal to let go' },
    states: { open: 'open', approved: 'approved', refused: 'refused', expired: 'expired', withdrawn: 'withdrawn' },
    events: {
      raised: 'raised',
      confirmed: 'confirmed',
      approved: 'approved',
      refused: 'refused',
      expired: 'expired',
      withdrawn: 'withdrawn',
      reopened: 'open again',
    },
    evidence: {
      segment: 'segment',
      wouldBe: 'would be',
      rising: 'rating that rises',
      metric: 'figure',
      value: 'value now',
      before: 'value before',
      cutoff: 'limit',
      shortBy: 'missing to the limit',
      since: 'in the segment since',
      periods: 'closed periods in a row',
      'potential.score': 'potential by',
      'potential.value': 'potential',
      'potential.atLeast': 'potential asked for',
    },
    segment: 'segment',
    stake: 'value at stake',
    branch: 'branch',
    manager: 'account manager',
    run: 'run',
    expires: 'can be decided until',
    decides: 'who decides by the policy',
    roleChecked: 'checked against the staff directory',
    roleNotChecked: 'not checked: the staff directory does not know the role',
    proposedBy: 'proposed by the run of',
    missing: (shortBy, rating, segment) => `${shortBy} short of the next limit of ${rating}, then ${segment}`,
    lasting: (periods, since) => `since ${since}, at least ${periods} closed periods in a row`,
    atLimit: (rating, segment) => `past the limit of ${rating} but inside its gap, then ${segment}`,
    overCapacity: (runId, upgrades, exits) =>
      `Besides, run ${runId} found ${upgrades} to upgrade and ${exits} to let go and did not open them: their managers or branches have as many as the policy allows.`,
    operatorExplanation: (customerId, runId) =>
      `For yourself, with ratings and limits: resegment explain ${customerId} --run ${runId}`,
    satisfaction: 'satisfaction',
    evidenceHeading: 'Evidence',
    history: 'History',
    explanation: 'Explanation for the customer (resegment flag letter)',
    explanationGone: 'The explanation for the customer cannot be shown: the files of the run are no longer kept.',
    afterwards: {
      approved: {
        upgrade:
          'the segment stays as the ratings give it; to lift the customer now: resegment pin set. Runs do not propose it again',
        exit: 'nothing is sent to the customer: whoever is in charge talks to it. Runs do not propose it again',
      },
      refused: {
        upgrade: 'runs propose it again only if what is missing halves, or for another step',
        exit: 'runs propose it again only if a rating falls further, or after a new stay in the segment',
      },
    },
  },
  'zh-CN': {
    openHead: [
      '种类',
      '客户',
      '类别',
      '分支机构',
      '客户经理',
      '涉及价值',
      '提出月份',
      '决定期限',
      '批次',
      '固定至',
      '理由',
    ],
    closedHead: [
      '种类',
      '客户',
      '类别',
      '分支机构',
      '客户经理',
      '涉及价值',
      '提出月份',
      '状态',
      '日期',
      '操作人',
      '理由',
    ],
    shortKinds: { upgrade: '升级', exit: '退出' },
    more: (count) => `另有 ${count} 项；--limit 可显示更多`,
    noneOpen: '没有待决定的建议',
    noneClosed: (since) => `${since === undefined ? '' : `自 ${since} 起`}没有处于该状态的建议`,
    noneMatches: '没有符合条件的待决定建议；未作任何更改',
    notDecided: '未作任何决定',
    letterIn: (customerId, file, bytes) => `给 ${customerId} 的信已写入 ${file}（${bytes} 字节）`,
    decided: (kind, customerId, decision, by) =>
      `客户 ${customerId} 的${kind === 'upgrade' ? '升级' : '退出'}建议已由 ${by} ${decision === 'approved' ? '批准' : '拒绝'}`,
    decidedMany: (customerIds, decision, by) =>
      `${by} 已${decision === 'approved' ? '批准' : '拒绝'} ${customerIds.length} 件：${customerIds.join('、') || '–'}`,
    passedOver: (customerId, why) => `未处理 ${customerId}：${why}`,
    sample: (shown, all, kind) =>
      `${all} 件${kind === 'upgrade' ? '升级' : '退出'}建议中的 ${shown} 件，按涉及价值从大到小：`,
    confirm: (decision, count) => `${decision === 'approved' ? '批准' : '拒绝'}全部 ${count} 件？`,
    roles: { manager: '客户经理', branchHead: '网点负责人', central: '中心队列', committee: '委员会' },
    kinds: { upgrade: '升级建议', exit: '退出建议' },
    states: { open: '待决定', approved: '已批准', refused: '已拒绝', expired: '已过期', withdrawn: '已撤回' },
    events: {
      raised: '提出',
      confirmed: '再次确认',
      approved: '批准',
      refused: '拒绝',
      expired: '过期',
      withdrawn: '撤回',
      reopened: '重新打开',
    },
    evidence: {
      segment: '类别',
      wouldBe: '将升至',
      rising: '上升的评级',
      metric: '指标',
      value: '现值',
      before: '前值',
      cutoff: '界限',
      shortBy: '距界限差额',
      since: '进入该类别',
      periods: '连续期数',
      'potential.score': '潜力依据',
      'potential.value': '潜力',
      'potential.atLeast': '要求的潜力',
    },
    segment: '类别',
    stake: '涉及价值',
    branch: '分支机构',
    manager: '客户经理',
    run: '批次',
    expires: '决定期限',
    decides: '按策略由谁决定',
    roleChecked: '已按员工名录核对',
    roleNotChecked: '未核对：员工名录中没有该角色',
    proposedBy: '提出者（发起运行）',
    missing: (shortBy, rating, segment) => `距${rating}的下一界限还差 ${shortBy}，达到后为${segment}`,
    lasting: (periods, since) => `自 ${since} 起，至少连续 ${periods} 个结账期`,
    atLimit: (rating, segment) => `已越过${rating}的界限，尚在缓冲区内，之后为${segment}`,
    overCapacity: (runId, upgrades, exits) =>
      `此外，批次 ${runId} 另有 ${upgrades} 件升级、${exits} 件退出未开立：相关客户经理或机构已达策略规定的上限。`,
    operatorExplanation: (customerId, runId) =>
      `供内部使用、含评级与界限的说明：resegment explain ${customerId} --run ${runId}`,
    satisfaction: '满意度',
    evidenceHeading: '依据',
    history: '经过',
    explanation: '给客户的说明（resegment flag letter）',
    explanationGone: '无法显示对客户的说明：该批次的文件已不再保留。',
    afterwards: {
      approved: {
        upgrade: '类别仍由评级决定；如需立即提升，请用 resegment pin set。以后的批次不再提出同一建议',
        exit: '系统不会通知客户，由负责人与客户面谈。以后的批次不再提出同一建议',
      },
      refused: {
        upgrade: '只有差额减半，或涉及另一级别时，以后的批次才会再次提出',
        exit: '只有某项评级进一步下降，或客户重新进入该类别时，以后的批次才会再次提出',
      },
    },
  },
};
