import { createReadStream } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type History, readHistory, replayMonths } from '#shared/application/backtest.ts';
import { type AnswersBacktest, answersAddText, whatAnswersAdd } from '#shared/application/backtest-answers.ts';
import { importAnswers } from '#shared/application/import/import-answers.ts';
import { importCustomers } from '#shared/application/import/import-customers.ts';
import type { ImportBatch } from '#shared/contracts/import-batch.ts';
import { seededUniform } from '#shared/domain/backtest-bootstrap.ts';
import { areaUnderCurve, comparePairs, type Pairs, rank } from '#shared/domain/backtest-ranking.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { policyFrom, readProjectFile } from '#test/domain/support.ts';
import { fileOf } from '#test/support/import-bench.ts';
import { memoryCustomers, memoryObjects, memoryRecords } from '#test/support/memory-stores.ts';
import { SCORE_POLICY } from '#test/support/score-policy.ts';

const FILE = 'bank_churn_records_3978.csv';
const source = { name: FILE, open: () => createReadStream(`../shared/data/${FILE}`) };
const policy = policyFrom(readProjectFile('docs/examples/bank-records-satisfaction.yaml'));
const MONTH = { from: '2026-09', to: '2026-09', horizonDays: 31, outcome: { trait: 'Exited', value: 'true' } };
const FOLDS = 10;
const SHUFFLES = 50;
const openStores = () => ({
  clock: { now: () => '2026-11-01T02:00:00.000Z' },
  customers: memoryCustomers(64, (id) => `s-${id}`),
  batches: memoryRecords<ImportBatch>(),
  scratch: memoryObjects(),
  contacts: { upsertPerson: async () => 'no contacts in this file' },
  businessTimeZone: 'UTC',
});

/** The commands of docs/backtest.md. */
const bankHistory = async (): Promise<History> => {
  const ports = openStores();
  const inputs = ['CreditScore', 'NumOfProducts', 'Balance', 'Tenure', 'IsActiveMember'];
  const map = { id: 'CustomerId', branch: 'Geography' };
  await importCustomers(source, { map, asOf: '2026-09-30', traits: inputs }, ports);
  const answers = {
    map: { customer: 'CustomerId', score: 'SatisfactionScore' },
    scale: '1-5',
    asOf: '2026-09-30',
  } as const;
  expect(await importAnswers(source, answers, ports)).toMatchObject({ accepted: 3978, rejected: 0 });
  await importCustomers(source, { map: { id: 'CustomerId' }, asOf: '2026-10-31', traits: ['Exited'] }, ports);
  return readHistory(ports);
};

describe('what answers add, on records where satisfaction is known to carry no signal', () => {
  let history: History;
  let compared: AnswersBacktest;
  beforeAll(async () => {
    history = await bankHistory();
    compared = await whatAnswersAdd(history, policy, MONTH, { businessTimeZone: 'UTC' });
  }, 60_000);

  it('does not rank those who leave better with satisfaction than without, as docs/backtest.md says', () => {
    const { withAnswers, withoutAnswers, adds } = compared;
    const aucOf = (one: typeof withAnswers) => one.judged?.exit.policy.auc ?? Number.NaN;
    const text = answersAddText(adds, 'en');

    expect(withAnswers.judged?.exit).toMatchObject({ n: 3978, positives: 840 });
    expect(adds.answers).toBe(3978);
    expect(aucOf(withAnswers)).toBeLessThanOrEqual(aucOf(withoutAnswers));
    expect(adds.verdict).not.toBe('better');
    expect(readProjectFile('docs/backtest.md')).toContain(text);
    expect(readProjectFile('docs/backtest.md')).toContain(
      `AUC ${aucOf(withoutAnswers).toFixed(3)} without answers and ${aucOf(withAnswers).toFixed(3)} with them`,
    );
    expect(answersAddText(adds, 'zh-CN')).toContain('3,978 份答复的作用：AUC');
  });

  it('R28 does not raise the AUC out of sample: the weights that a policy may have, fitted to the other customers', () => {
    const month = (weightInScore: number) => {
      const text = readProjectFile('docs/examples/bank-records-satisfaction.yaml');
      const variant = policyFrom(text.replace('weightInScore: 0.25', `weightInScore: ${weightInScore}`));
      const order = variant.dimensions['class']?.segmentOrder ?? [];
      return monthOf(history.customers, variant).map(({ plan }) =>
        order.indexOf(plan.next.placements['class']?.actual ?? ''),
      );
    };
    const weights = [0, 0.05, 0.1, 0.15, 0.2, 0.25];

    const result = outOfSample(weights, weights.map(month));

    process.stdout.write(`weights of a policy: ${said(result)}\n`);
    expect(result.withThem).toBeLessThanOrEqual(result.without);
    expect(readProjectFile('docs/backtest.md')).toContain(
      `${three(result.without)} without satisfaction and ${three(result.withThem)} with the weight that was fitted`,
    );
  });

  it('R28 gains no more beside quality points, with any weight, than shuffled answers do', () => {
    const silent = history.customers.map(({ bucket, facts }) => ({ bucket, facts: { ...facts, answers: {} } }));
    const quality = monthOf(silent, policy).map(({ plan }) => plan.scores['qualityPoints'] ?? Number.NaN);
    const happy = monthOf(history.customers, policy).map(
      ({ plan }) => (plan.satisfaction?.score ?? Number.NaN) / 50 - 1,
    );
    expect([...quality, ...happy].every(Number.isFinite)).toBe(true);
    // Quality points are 1 to 3, and satisfaction -1 to 1; below 0 the satisfied are expected to leave.
    const weights = Array.from({ length: 11 }, (_, index) => (index - 5) / 5);
    const resultOf = (satisfaction: readonly number[]) =>
      outOfSample(
        weights,
        weights.map((weight) => quality.map((points, at) => -(points + weight * (satisfaction[at] ?? 0)))),
      );

    const result = resultOf(happy);
    const random = seededUniform(20_261_125);
    const asGood = Array.from({ length: SHUFFLES }, () => resultOf(shuffled(happy, random))).filter(
      ({ without, withThem }) => withThem - without >= result.withThem - result.without,
    ).length;

    process.stdout.write(`any weight: ${said(result)}; as good in ${asGood} of ${SHUFFLES} shuffles\n`);
    expect(asGood / SHUFFLES).toBeGreaterThan(0.05);
    expect(readProjectFile('docs/backtest.md')).toContain(
      `${three(result.without)} without and ${three(result.withThem)} with it; shuffled among the customers, satisfaction does as well in ${asGood} of ${SHUFFLES}`,
    );
  }, 60_000);

  const monthOf = (customers: History['customers'], by: Policy) => {
    const [month] = replayMonths({ customers }, by, { from: '2026-09', to: '2026-09' }, { businessTimeZone: 'UTC' });
    expect(month?.customers).toHaveLength(3978);
    return month?.customers ?? [];
  };

  /**
   * Ten folds by the order of ids. In each, the weight that ranks the other nine best is judged on the tenth; only customers of
   * the same fold are compared.
   *
   * @param scores by weight, then by customer: who is likelier to leave is higher
   */
  const outOfSample = (weights: readonly number[], scores: readonly (readonly number[])[]) => {
    const left = history.customers.map(({ facts }) => Number(facts.snapshots.at(-1)?.traits['Exited'] === true));
    const inFold = <T>(all: readonly T[], fold: number): readonly T[] => all.filter((_, at) => at % FOLDS === fold);
    const folds = Array.from({ length: FOLDS }, (_, fold) => fold);
    const pairs = scores.map((one) => folds.map((fold) => comparePairs(rank(inFold(one, fold)), inFold(left, fold))));
    const sum = (all: readonly (Pairs | undefined)[]): number =>
      areaUnderCurve(
        all.reduce<Pairs>(
          (total, one) => ({
            concordant: total.concordant + (one?.concordant ?? 0),
            pairs: total.pairs + (one?.pairs ?? 0),
          }),
          { concordant: 0, pairs: 0 },
        ),
      ) ?? Number.NaN;
    const fitted = folds.map((fold) => {
      const aucs = pairs.map((byFold) => sum(byFold.filter((_, at) => at !== fold)));
      return aucs.indexOf(Math.max(...aucs));
    });
    return {
      without: sum(pairs[weights.indexOf(0)] ?? []),
      withThem: sum(folds.map((fold) => pairs[fitted[fold] ?? 0]?.[fold])),
      fitted: fitted.map((at) => weights[at]),
    };
  };
});

const three = (value: number): string => value.toFixed(3);

const said = (result: {
  readonly without: number;
  readonly withThem: number;
  readonly fitted: readonly (number | undefined)[];
}): string =>
  `out of sample in ${FOLDS} folds, AUC ${three(result.without)} without, ${three(result.withThem)} with satisfaction, weights ${result.fitted.join(' ')}`;

const shuffled = (values: readonly number[], random: () => number): readonly number[] => {
  const all = [...values];
  for (let last = all.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [all[last], all[other]] = [all[other] ?? 0, all[last] ?? 0];
  }
  return all;
};

describe('what answers add', () => {
  it('refuses a policy that reads no answers, and a history without any', async () => {
    const ports = openStores();
    await importCustomers(fileOf('id,score\na,1\n'), { asOf: '2026-09-30' }, ports);
    const history = await readHistory(ports);
    const options = { businessTimeZone: 'UTC' };

    await expect(whatAnswersAdd(history, policyFrom(SCORE_POLICY), MONTH, options)).rejects.toMatchObject({
      code: 'policy-without-answers',
    });
    await expect(whatAnswersAdd(history, policy, MONTH, options)).rejects.toMatchObject({
      code: 'history-without-answers',
    });
  });

  it('sees it where answers do tell who leaves', async () => {
    const ports = openStores();
    const ids = Array.from({ length: 200 }, (_, index) => `c${index}`);
    const file = (lines: readonly string[]) => fileOf(lines.join('\n'), 'file.csv', 4096);
    await importCustomers(file(['id,score', ...ids.map((id) => `${id},10`)]), { asOf: '2026-09-01' }, ports);
    const scores = ids.flatMap((id, at) =>
      [1, 2, 3, 4, 5, 6].map((day) => `${id},${at % 2 === 0 ? 1 : 5},2026-09-1${day}`),
    );
    await importAnswers(file(['customer,score,at', ...scores]), { scale: '1-5' }, ports);
    const after = ids.map((id, at) => `${id},${at % 2 === 0 && at % 10 !== 0}`);
    await importCustomers(file(['id,Exited', ...after]), { asOf: '2026-10-31' }, ports);
    const listening = policyFrom(
      SCORE_POLICY.replace('scores:', 'scores:\n  happy: { satisfaction: { halfLifeDays: 180, shrinkage: 2 } }')
        .replace(
          'dimensions:',
          '  points: { weighted: { step: 100, happy: survey }, needs: 1 }\n  grade: { bands: [1.3], of: points }\ndimensions:',
        )
        .replace(
          /rules:[\s\S]*rest: unrated/u,
          'rules:\n      - { segment: high, when: { grade: [2, 2] } }\n      - { segment: low, when: { grade: [1, 1] } }\n    rest: unrated',
        )
        .replace('brakes:', 'survey: { ask: csat, share: { high: 1 }, weightInScore: 0.25 }\nbrakes:'),
    );

    const { adds } = await whatAnswersAdd(await readHistory(ports), listening, MONTH, { businessTimeZone: 'UTC' });

    expect(adds).toMatchObject({ verdict: 'better', answers: 1200 });
    expect(adds.auc).toBeGreaterThan(0.3);
  });
});
