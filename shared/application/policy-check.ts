import { MOST_HISTORIES, MOST_PARTITIONS } from '#shared/domain/calibrate.ts';
import { type Lang, listText, nameOf } from '#shared/domain/figure-text.ts';
import { expectsPurchases } from '#shared/domain/metrics.ts';
import type { Policy } from '#shared/domain/policy.ts';
import {
  checkReachability,
  describeExample,
  describeFinding,
  isTrouble,
  type ReachabilityFinding,
} from '#shared/domain/policy-reachability.ts';

export type CheckedFinding = ReachabilityFinding & {
  /** A person should do something about it. */
  readonly trouble: boolean;
  /** A rule that can never decide: the policy does not do what it says. A cell must be filled, so that it only warns. */
  readonly fails: boolean;
  /** Where the policy says it, as `dimensions.NAME.rules[N]`; null for the rest class. */
  readonly path: string | null;
  readonly text: string;
};

/** What each rule, cell and rest class of a valid policy can do, in words; a shadowed rule with a customer that it misses. */
export const checkPolicy = (policy: Policy, lang: Lang): readonly CheckedFinding[] =>
  checkReachability(policy).map((finding) => {
    const trouble = isTrouble(finding);
    const missed = finding.verdict === 'shadowed' ? missedBy(finding, policy, lang) : '';
    return {
      ...finding,
      trouble,
      fails: trouble && finding.target.kind === 'rule',
      path: pathOf(finding),
      text: `${describeFinding(finding, policy, lang)}${missed}`,
    };
  });

const pathOf = ({ dimension, target }: ReachabilityFinding): string | null => {
  if (target.kind === 'rest') return null;
  return target.kind === 'rule' ? `dimensions.${dimension}.rules[${target.number}]` : `dimensions.${dimension}.matrix`;
};

/** A customer that fulfils the rule and is taken by an earlier one: found by trying the rule alone. */
const missedBy = ({ dimension, target }: ReachabilityFinding, policy: Policy, lang: Lang): string => {
  const found = policy.dimensions[dimension];
  if (target.kind !== 'rule' || found?.by.kind !== 'rules') return '';
  const rule = found.by.rules[target.number - 1];
  if (rule === undefined) return '';
  const alone: Policy = {
    ...policy,
    dimensions: { [dimension]: { ...found, by: { ...found.by, rules: [rule] } } },
  };
  const first = checkReachability(alone).find((one) => one.target.kind === 'rule');
  if (first?.verdict !== 'reachable') return '';
  const example = describeExample(first.example, policy, lang);
  return lang === 'zh'
    ? `；例如 ${example} 的客户符合此规则，却已先被归类`
    : `; for example, ${example} fulfils it and is taken before`;
};

/** The most that the cut-offs of a run keep in memory at once, in one sentence (DECISIONS 12 and 20). */
export const memoryBound = (policy: Policy, lang: Lang): string => {
  const zh = lang === 'zh';
  const counted = policy.scoreOrder.flatMap((name) => {
    const score = policy.scores[name];
    if (score?.kind === 'shareOfTotal') return [{ name, each: 1, within: score.within !== undefined }];
    if (score?.kind !== 'quantile' && score?.kind !== 'cumulativeShare') return [];
    return [{ name, each: score.within === undefined ? 1 : 2, within: score.within !== undefined }];
  });
  const most = new Intl.NumberFormat(zh ? 'zh-CN' : 'en');
  const each = counted.reduce((total, one) => total + one.each, 0);
  const names = (which: typeof counted): string =>
    listText(
      which.map(({ name }) => nameOf(policy, name, lang)),
      lang,
    );
  const parts: string[] = [];
  if (each > 0) {
    parts.push(
      zh
        ? `每个客户至多 ${each} 个计数（${names(counted)}）`
        : `at most ${each} ${each === 1 ? 'count' : 'counts'} per customer, for ${names(counted)}`,
    );
  }
  const within = counted.filter((one) => one.within);
  if (within.length > 0) {
    parts.push(
      zh
        ? `${names(within)} 至多 ${most.format(MOST_PARTITIONS)} 个分组，超过则运行失败`
        : `at most ${most.format(MOST_PARTITIONS)} partitions of ${names(within)}, and a run with more fails`,
    );
  }
  if (expectsPurchases(policy)) {
    parts.push(
      zh
        ? `至多 ${most.format(2 * MOST_HISTORIES)} 个客户的购买记录，其中 ${most.format(MOST_HISTORIES)} 个用于拟合`
        : `the purchase histories of at most ${most.format(2 * MOST_HISTORIES)} customers, of which ${most.format(MOST_HISTORIES)} are fitted`,
    );
  }
  if (parts.length === 0) {
    return zh
      ? '运行内存：没有按客户排名的评分，内存不随客户数增长。'
      : 'memory of a run: no score ranks the customers, so that it does not grow with their number';
  }
  return zh ? `运行内存：${parts.join('；')}。` : `memory of a run: ${parts.join('; ')}`;
};
