import { percentileInterval } from '#shared/domain/backtest-bootstrap.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { Interval } from '#shared/domain/survey-statistics.ts';
import { PermanentError } from '#shared/errors.ts';
import { type Backtest, type BacktestProgress, type BacktestRequest, backtest, type History } from './backtest.ts';
import { formatNumber, type Language } from './format-value.ts';

/** What a policy's ranking of exits gains from answers. */
export interface AnswersAdd {
  /** Answers in the history, suspect ones included. */
  readonly answers: number;
  /** AUC with answers minus AUC without; null where either is undefined. */
  readonly auc: number | null;
  /** 95 %, on the same draws of customers; null where undefined. */
  readonly interval: Interval | null;
  /** `nothing` where the interval holds 0: no difference that can be told from chance. */
  readonly verdict: 'better' | 'worse' | 'nothing' | 'unknown';
}

export interface AnswersBacktest {
  readonly withAnswers: Backtest;
  /** Its policy's name says so. */
  readonly withoutAnswers: Backtest;
  readonly adds: AnswersAdd;
}

/**
 * Replays the same months twice, as things were and as if nobody had ever answered, and compares how well the policy ranks who
 * leaves. The second is what a weight of zero gives.
 *
 * @throws PermanentError `policy-without-answers`, `history-without-answers`, and as `backtest`
 */
export const whatAnswersAdd = async (
  history: History,
  policy: Policy,
  request: BacktestRequest,
  options: { readonly businessTimeZone: string; readonly onProgress?: BacktestProgress },
): Promise<AnswersBacktest> => {
  assertReadsAnswers(policy);
  const answers = history.customers.reduce((sum, { facts }) => sum + Object.keys(facts.answers).length, 0);
  if (answers === 0) {
    throw new PermanentError(
      'history-without-answers',
      'no answer of any customer is stored, so there is nothing to leave out',
      {
        hint: 'import some: resegment import answers FILE',
      },
    );
  }
  const silent: History = {
    ...history,
    customers: history.customers.map(({ bucket, facts }) => ({ bucket, facts: { ...facts, answers: {} } })),
  };
  const drawn: { readonly heard: (number | null)[]; readonly silent: (number | null)[] } = { heard: [], silent: [] };
  const withAnswers = await backtest(history, policy, request, {
    ...options,
    onDraw: ({ policy: { auc } }) => drawn.heard.push(auc),
  });
  const without = await backtest(silent, policy, request, {
    ...options,
    onDraw: ({ policy: { auc } }) => drawn.silent.push(auc),
  });
  const [heard, unheard] = [withAnswers, without].map((one) => one.judged?.exit.policy.auc ?? null);
  const auc = typeof heard === 'number' && typeof unheard === 'number' ? heard - unheard : null;
  const differences = drawn.heard.flatMap((value, draw) => {
    const other = drawn.silent[draw];
    return typeof value === 'number' && typeof other === 'number' ? [value - other] : [];
  });
  const interval = auc === null ? null : percentileInterval(differences);
  return {
    withAnswers,
    withoutAnswers: { ...without, policy: { ...without.policy, name: `${policy.name} without answers` } },
    adds: { answers, auc, interval, verdict: verdictOf(interval) },
  };
};

const verdictOf = (interval: Interval | null): AnswersAdd['verdict'] => {
  if (interval === null) return 'unknown';
  if (interval.low > 0) return 'better';
  return interval.high < 0 ? 'worse' : 'nothing';
};

const assertReadsAnswers = (policy: Policy): void => {
  const satisfaction = Object.keys(policy.scores).filter((name) => policy.scores[name]?.kind === 'satisfaction');
  const isRead = Object.values(policy.scores).some((score) => {
    if (score.kind === 'weighted') return satisfaction.some((name) => (score.parts[name] ?? 0) > 0);
    return 'of' in score && satisfaction.includes(score.of);
  });
  if (isRead) return;
  throw new PermanentError('policy-without-answers', `no score of policy ${policy.name} is made from answers`, {
    hint: 'give a weighted score a part such as satisfaction: survey, and survey.weightInScore above 0',
  });
};

const VERDICTS: Readonly<Record<Language, Readonly<Record<AnswersAdd['verdict'], string>>>> = {
  en: {
    better: 'the ranking is better with them',
    worse: 'the ranking is worse with them',
    nothing: 'no difference that can be told from chance; their weight may be 0',
    unknown: 'not known: no month can be judged, or all or none had the outcome',
  },
  'zh-CN': {
    better: '使用答复后排序更好',
    worse: '使用答复后排序更差',
    nothing: '差异与偶然无法区分，其权重可以为 0',
    unknown: '无法判断：没有可评估的月份，或结果全有或全无',
  },
};

/** `What 3,978 answers add: AUC +0.001 (-0.004 … +0.005), no difference …`. */
export const answersAddText = ({ answers, auc, interval, verdict }: AnswersAdd, language: Language): string => {
  const head =
    language === 'en'
      ? `What ${formatNumber(answers, language)} answers add`
      : `${formatNumber(answers, language)} 份答复的作用`;
  const figures =
    auc === null || interval === null
      ? ''
      : `AUC ${signed(auc)} (${signed(interval.low)} … ${signed(interval.high)})${language === 'en' ? ', ' : '，'}`;
  return `${head}${language === 'en' ? ': ' : '：'}${figures}${VERDICTS[language][verdict]}`;
};

const signed = (value: number): string => {
  const text = value.toFixed(3);
  return Number(text) === 0 ? '0.000' : value > 0 ? `+${text}` : text;
};
