import type { RunBench } from './run-bench.ts';

/**
 * Segments by one trait and no rating, so that nothing waits and a reference model fits on a line: 70 and more is high, 30 and
 * more middle, 0 and more low, missing unrated. Low customers are proposed for exit at once. Nothing brakes.
 */
export const SCORE_POLICY = `
policy: three-steps
timeZone: UTC
currency: CNY
valueMetric: score
metrics:
  score: { trait: score, unit: number, en: Score, zh: 分数 }
scores:
  step: { bands: [30, 70], of: score, en: Step, zh: 级 }
dimensions:
  class:
    en: Class
    zh: 类别
    segments:
      high: { en: High, zh: 高 }
      middle: { en: Middle, zh: 中 }
      low: { en: Low, zh: 低 }
      unrated: { en: Not rated, zh: 未评级 }
    rules:
      - { segment: high, when: { score: { from: 70 } } }
      - { segment: middle, when: { score: { from: 30 } } }
      - { segment: low, when: { score: { from: 0 } } }
    rest: unrated
moves: { margin: 0, downgradeAfterPeriods: 1, coolingOffMonths: 0 }
flags:
  exit: { from: [low], afterPeriods: 1, perManager: 100, expiresDays: 60, decides: committee }
brakes:
  movedShare: 1
  flagShare: 1
  inputDropShare: 1
  staleInputDays: 4000
  emptiedSegment: allow
  quarantineShare: 1
`;

/** Gives customers a score as of a date, beside the ones they had; new ids are new customers. */
export const withScore = async (
  bench: Pick<RunBench, 'ports' | 'addCustomer'>,
  scores: Readonly<Record<string, number>>,
  date: string,
): Promise<void> => {
  for (const [customerId, score] of Object.entries(scores)) {
    const known = await bench.ports.customers.get(customerId);
    const snapshot = { date, recordedAt: bench.ports.clock.now(), traits: { score } };
    await bench.addCustomer({
      customerId,
      snapshots: [...(known?.snapshots ?? []).filter((one) => one.date !== date), snapshot],
    });
  }
};
