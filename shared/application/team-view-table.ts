import { STAFF_GROUPINGS, type StaffGroup, type StaffGrouping } from '#shared/domain/staff-view.ts';
import type { ExportColumn, ExportTable } from './export-run.ts';
import type { TeamView } from './team-view.ts';
import { mixOrder } from './team-view-text.ts';

type Cell = string | number | null;

/** Column, kind, and its value in a group's row. */
const FIGURES: readonly (readonly [string, ExportColumn['kind'], (group: StaffGroup) => Cell | undefined])[] = [
  ['answered', 'number', ({ satisfaction }) => satisfaction?.answered],
  ['score', 'number', ({ satisfaction }) => satisfaction?.score?.value],
  ['low', 'number', ({ satisfaction }) => satisfaction?.score?.interval.low],
  ['high', 'number', ({ satisfaction }) => satisfaction?.score?.interval.high],
  ['expected', 'number', ({ satisfaction }) => satisfaction?.adjusted?.expected],
  ['difference', 'number', ({ satisfaction }) => satisfaction?.adjusted?.difference],
  ['difference_low', 'number', ({ satisfaction }) => satisfaction?.adjusted?.interval.low],
  ['difference_high', 'number', ({ satisfaction }) => satisfaction?.adjusted?.interval.high],
  ['adjusted', 'number', ({ satisfaction }) => satisfaction?.adjusted?.adjusted],
  ['adjusted_low', 'number', ({ satisfaction }) => satisfaction?.adjusted?.adjustedInterval.low],
  ['adjusted_high', 'number', ({ satisfaction }) => satisfaction?.adjusted?.adjustedInterval.high],
  ['p_value_corrected', 'number', ({ satisfaction }) => satisfaction?.adjusted?.pValue],
  ['against_expected', 'text', ({ satisfaction }) => satisfaction?.adjusted?.verdict],
  ['answered_before', 'number', ({ satisfaction }) => satisfaction?.change?.answeredBefore],
  ['change', 'number', ({ satisfaction }) => satisfaction?.change?.difference],
  ['change_from_mix', 'number', ({ satisfaction }) => satisfaction?.change?.fromMix],
  ['change_adjusted', 'number', ({ satisfaction }) => satisfaction?.change?.adjusted],
  ['change_p_value_corrected', 'number', ({ satisfaction }) => satisfaction?.change?.pValue],
  ['change_verdict', 'text', ({ satisfaction }) => satisfaction?.change?.verdict],
  ['cases_due', 'number', ({ cases }) => cases?.due],
  ['cases_in_time', 'number', ({ cases }) => cases?.inTime],
  ['in_time_share', 'number', ({ cases }) => cases?.share],
  ['in_time_low', 'number', ({ cases }) => cases?.interval?.low],
  ['in_time_high', 'number', ({ cases }) => cases?.interval?.high],
  ['in_time_against_others', 'text', ({ cases }) => cases?.verdict],
];

/** No column holds money, but a table has a currency. */
const WITHOUT_MONEY = 'USD';

/** One row per manager and branch, what is hidden empty, and one for all. Scores and shares are fractions. */
export const teamViewTable = (
  view: TeamView,
  segments: readonly string[],
  groupings: readonly StaffGrouping[] = STAFF_GROUPINGS,
): ExportTable => {
  const order = mixOrder(view, segments);
  const row = (grouping: string, group: StaffGroup): readonly Cell[] => [
    view.waveId,
    view.question,
    grouping,
    group.name,
    ...FIGURES.map(([, , figureOf]) => figureOf(group) ?? null),
    ...order.map((segment) => {
      const mix = group.satisfaction?.mix ?? [];
      return mix.length === 0 ? null : (mix.find((one) => (one.segment ?? '') === segment)?.share ?? 0);
    }),
  ];
  const all: StaffGroup = {
    name: null,
    satisfaction: view.total === null ? null : { ...view.total, adjusted: null, change: null },
    cases: view.cases,
  };
  return {
    columns: [
      ...['wave', 'question', 'grouping', 'group'].map((name): ExportColumn => ({ name, kind: 'text' })),
      ...FIGURES.map(([name, kind]): ExportColumn => ({ name, kind })),
      ...order.map((segment): ExportColumn => ({ name: `mix_${segment === '' ? 'none' : segment}`, kind: 'number' })),
    ],
    rows: [
      ...groupings.flatMap((grouping) => view.tables[grouping].map((group) => [...row(grouping, group)])),
      [...row('all', all)],
    ],
    currency: WITHOUT_MONEY,
    erased: 0,
  };
};
