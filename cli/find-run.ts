import type { RunRecord } from '#shared/contracts/run-record.ts';
import { isPeriod } from '#shared/domain/calendar.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { UsageError } from './usage-error.ts';

/** All runs, the newest first. */
export const newestFirst = async (runs: Pick<RecordStore<RunRecord>, 'list'>): Promise<readonly RunRecord[]> =>
  (await runs.list())
    .map(({ record }) => record)
    .sort((a, b) => (a.frozenAt === b.frozenAt ? (a.runId < b.runId ? 1 : -1) : a.frozenAt < b.frozenAt ? 1 : -1));

/**
 * The run that a person means: an id, a unique beginning of one, `latest`, `previous` (the one before the latest), or a
 * period such as `2026-05` (its newest published run, else its newest).
 *
 * @throws UsageError `run-unknown` or `run-ambiguous`
 */
export const findRun = async (runs: Pick<RecordStore<RunRecord>, 'list'>, wanted: string): Promise<RunRecord> => {
  const all = await newestFirst(runs);
  const hint = 'resegment run list shows the runs there are';
  const exact = all.find((run) => run.runId === wanted);
  if (exact !== undefined) return exact;
  const [only, next] = all;
  if (wanted === 'latest' || wanted === 'previous') {
    const run = wanted === 'latest' ? only : next;
    if (run === undefined) {
      throw new UsageError('run-unknown', all.length === 0 ? 'there is no run yet' : 'there is only one run', {
        hint: 'resegment plan --policy retail-rfm makes one',
      });
    }
    return run;
  }
  if (isPeriod(wanted)) {
    const ofPeriod = all.filter((run) => run.period === wanted);
    const run = ofPeriod.find((one) => one.state === 'published' || one.state === 'degraded') ?? ofPeriod[0];
    if (run === undefined) throw new UsageError('run-unknown', `there is no run of ${wanted}`, { hint });
    return run;
  }
  const matching = all.filter((run) => run.runId.startsWith(wanted));
  const [match, another] = matching;
  if (match === undefined || wanted === '') {
    throw new UsageError('run-unknown', `there is no run ${JSON.stringify(wanted)}`, { hint });
  }
  if (another !== undefined) {
    throw new UsageError(
      'run-ambiguous',
      `${matching.length} runs begin with ${JSON.stringify(wanted)}: ${matching
        .slice(0, 5)
        .map((run) => run.runId)
        .join(', ')}${matching.length > 5 ? ', …' : ''}`,
      { hint: 'give more of the id' },
    );
  }
  return match;
};
