import { DECISION_FACTORS } from '#shared/domain/answer-rules.ts';
import { GROUPINGS, type GroupFigures, type Grouping, type ScoreChange } from '#shared/domain/survey-results.ts';
import type { ExportColumn, ExportTable } from './export-run.ts';
import type { WaveResults } from './wave-results.ts';

const TEXTS = ['wave', 'question', 'grouping', 'group', 'status'];
const NUMBERS = [
  'invited',
  'delivered',
  'answered',
  'suspect',
  'response_rate',
  'score',
  'low',
  'high',
  'answered_before',
  'score_before',
  'difference',
  'p_value_corrected',
  'factor_named',
  ...DECISION_FACTORS.map((factor) => `factor_${factor}`),
];

/** No column holds money, but a table has a currency. */
const WITHOUT_MONEY = 'USD';

/**
 * One row per group, the hidden ones without figures, one per table for these together, and one for all. Scores and shares
 * are fractions.
 */
export const waveResultsTable = (results: WaveResults, groupings: readonly Grouping[] = GROUPINGS): ExportTable => {
  const row = (
    grouping: string,
    group: string | null,
    status: 'shown' | 'hidden' | 'hiddenTogether' | 'total',
    figures?: GroupFigures,
    change?: ScoreChange | null,
  ) => [
    results.waveId,
    results.question,
    grouping,
    group,
    status,
    figures?.invited ?? null,
    figures?.delivered ?? null,
    figures?.answered ?? null,
    figures?.suspect ?? null,
    figures?.rate ?? null,
    figures?.score?.value ?? null,
    figures?.score?.interval.low ?? null,
    figures?.score?.interval.high ?? null,
    change?.answeredBefore ?? null,
    change?.scoreBefore ?? null,
    change?.difference ?? null,
    change?.pValue ?? null,
    figures?.factors?.named ?? null,
    ...DECISION_FACTORS.map((factor) => figures?.factors?.shares[factor].share ?? null),
  ];
  const columns: ExportColumn[] = [
    ...TEXTS.map((name): ExportColumn => ({ name, kind: 'text' })),
    ...NUMBERS.map((name): ExportColumn => ({ name, kind: 'number' })),
  ];
  return {
    columns,
    rows: [
      ...groupings.flatMap((grouping) => {
        const { groups, hiddenTogether } = results.tables[grouping];
        return [
          ...groups.map((group) =>
            group.hidden
              ? row(grouping, group.name, 'hidden')
              : row(grouping, group.name, 'shown', group, group.change),
          ),
          ...(hiddenTogether === null ? [] : [row(grouping, null, 'hiddenTogether', hiddenTogether)]),
        ];
      }),
      row('all', null, 'total', results.total, results.total.change),
    ],
    currency: WITHOUT_MONEY,
    erased: 0,
  };
};
