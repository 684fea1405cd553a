import type { RunRecord } from '#shared/contracts/run-record.ts';
import { dateIn, type IsoDate } from '#shared/domain/calendar.ts';
import type { Satisfaction } from '#shared/domain/satisfaction.ts';
import { satisfactionOf } from '#shared/domain/scores.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { PointerStore, RecordStore, StandingStore } from '#shared/ports/standing-store.ts';
import { measureFacts } from './run/measure-shard.ts';
import { loadPolicy } from './run/run-ports.ts';

export interface SatisfactionNowPorts {
  readonly customers: Pick<CustomerStore, 'get' | 'bucketOf'>;
  readonly standings: Pick<StandingStore, 'getMany'>;
  readonly runs: Pick<RecordStore<RunRecord>, 'get'>;
  readonly pointer: Pick<PointerStore, 'get'>;
  readonly files: Pick<RunFiles, 'readCalibration'>;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  /** IANA name; today is the date in it. */
  readonly timeZone: string;
}

export interface SatisfactionNow {
  /** Today. */
  readonly asOf: IsoDate;
  /** The published run whose policy and means are used; nothing is computed by other rules than those in force. */
  readonly runId: string;
  /** Null where no answer counts. */
  readonly satisfaction: Satisfaction | null;
}

/**
 * The satisfaction that a run of today would compute: from the answers stored up to this moment, by the rules and means of the
 * published run. Writes nothing.
 *
 * @returns undefined before the first run is published
 * @throws PermanentError `customer-unknown`
 */
export const satisfactionNow = async (
  customerId: string,
  ports: SatisfactionNowPorts,
): Promise<SatisfactionNow | undefined> => {
  const facts = await ports.customers.get(customerId);
  if (facts === undefined) {
    throw new PermanentError('customer-unknown', `there is no customer ${JSON.stringify(customerId.slice(0, 80))}`, {
      hint: 'ids are as the imported files have them, capital letters included',
    });
  }
  const pointer = await ports.pointer.get();
  const runId = pointer.published?.runId;
  const record = runId === undefined ? undefined : (await ports.runs.get(runId))?.record;
  if (runId === undefined || record === undefined) return undefined;
  const [policy, calibration, standings] = await Promise.all([
    loadPolicy(ports.objects, record.policy.hash),
    ports.files.readCalibration(runId),
    ports.standings.getMany([facts.subject]),
  ]);
  const now = ports.clock.now();
  const asOf = dateIn(ports.timeZone, now);
  const bucket = ports.customers.bucketOf(facts.subject);
  const when = { asOf, frozenAt: now };
  const measured = measureFacts(bucket, facts, standings.get(facts.subject), pointer, policy, when);
  return {
    asOf,
    runId,
    satisfaction: measured === undefined ? null : satisfactionOf(measured.row, policy, calibration),
  };
};
