import { lastDayOf } from './calendar.ts';
import { explainInputs, explainNotes, explainRating, explainScore } from './explain-figures.ts';
import { explainDimension } from './explain-placement.ts';
import { sectionsOf } from './explain-sentences.ts';
import type { ExplainContext, Explanation } from './explanation.ts';
import { formatValue, type Lang } from './figure-text.ts';
import type { Policy } from './policy.ts';
import { allSettledScores } from './segments.ts';
import type { Calibration, FrameRow, PlanRow, RunContext } from './standing.ts';

export { formatValue, type Lang };

/**
 * Explains a standing from what the run stored: frame row, plan row, policy and calibration. With the run before it also
 * says whether a move came from the customer's own figures or from those of others.
 *
 * @param known.authors who wrote the notes, by their ids
 * @param known.run when the run is as of and whether it closes its period; by default what the run's id says
 */
export const explain = (
  row: FrameRow,
  plan: PlanRow,
  policy: Policy,
  calibration: Calibration,
  lang: Lang,
  known: Pick<ExplainContext, 'authors' | 'before'> & { readonly run?: RunContext } = {},
): Explanation => {
  const run = known.run ?? runOfId(plan);
  const context: ExplainContext = {
    row,
    plan,
    policy,
    calibration,
    lang,
    run,
    ...(known.before === undefined ? {} : { before: known.before }),
    ...(known.authors === undefined ? {} : { authors: known.authors }),
  };
  const scores = policy.scoreOrder.map((name) => explainScore(context, name));
  const explained = {
    subject: row.subject,
    policy: { name: policy.name, version: policy.version },
    lang,
    isNew: row.prior === null,
    inputs: explainInputs(context),
    scores,
    ratings: row.status === 'active' ? allSettledScores(policy).map((name) => explainRating(context, name)) : [],
    dimensions: Object.entries(policy.dimensions).flatMap(([name, dimension]) => {
      const one = explainDimension(context, name, dimension);
      return one === null ? [] : [one];
    }),
    satisfaction: plan.satisfaction,
    flags: plan.flags,
    notes: row.status === 'active' ? explainNotes(context, scores) : [],
  };
  const sections = sectionsOf(context, explained);
  return { ...explained, sections, sentences: sections.flatMap((section) => section.sentences) };
};

/** Ids begin with the period; a scheduled run's ends with `-monthly` (DECISIONS 5). */
const runOfId = ({ next: { runId, seq } }: PlanRow): RunContext => {
  const period = runId.slice(0, 7);
  const asOf = lastDayOf(period);
  return { runId, seq, asOf, period, closesPeriod: runId.endsWith('-monthly'), frozenAt: `${asOf}T23:59:59.999Z` };
};
