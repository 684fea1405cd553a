import type { WaveRecord } from '#shared/contracts/survey.ts';
import { isLow } from '#shared/domain/answer-rules.ts';
import { type CaseCell, type StaffView, staffView } from '#shared/domain/staff-view.ts';
import type { StoredAnswer } from '#shared/ports/answer-store.ts';
import type { CaseStore, CustomerCase } from '#shared/ports/case-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import { readDrawn } from './draw-audience.ts';
import { gatherWithBefore, type WaveResultsPorts } from './wave-results.ts';

/** Cases of a wave and of those planned in so many days before it count: one wave brings a manager too few to tell. */
export const CASE_WINDOW_DAYS = 365;

/** Satisfaction of a wave and cases of a year, by account manager and branch. */
export interface TeamView extends StaffView {
  readonly waveId: string;
  readonly runId: string;
  readonly state: WaveRecord['state'];
  readonly closesAt: string;
  /** The wave that changes are measured against; null where none of the same question came before. */
  readonly comparedWith: string | null;
  /** The waves whose cases count, oldest first; cases are due or not as of `casesAsOf`. */
  readonly caseWaves: readonly string[];
  readonly casesAsOf: string;
}

export interface TeamViewPorts extends WaveResultsPorts {
  readonly cases: Pick<CaseStore, 'get'>;
  readonly clock: Clock;
}

const LOOK_UP = 500;
const CASES_AT_ONCE = 25;
const DAY_MS = 86_400_000;

/**
 * Satisfaction and answered-in-time rate by account manager and branch, from the invitations of the wave and their answers.
 *
 * Closed cases are found through the answers: a case has the id of its invitation, so nothing needs an index or a scan. It reads
 * the list of each wave, its answers, and one case per answer that can have opened one.
 *
 * @param segments every segment there is, in order
 * @returns undefined if there is no such wave
 */
export const teamView = async (
  waveId: string,
  ports: TeamViewPorts,
  segments: readonly string[] = [],
): Promise<TeamView | undefined> => {
  const gathered = await gatherWithBefore(waveId, ports);
  if (gathered === undefined) return undefined;
  const { wave, cells, before, last } = gathered;
  const caseWaves = await wavesInWindow(wave, ports);
  const casesAsOf = ports.clock.now();
  const cases: CaseCell[] = [];
  for (const one of caseWaves) cases.push(...(await casesOf(one, casesAsOf, ports)));
  return {
    waveId,
    runId: wave.runId,
    state: wave.state,
    closesAt: wave.closesAt,
    comparedWith: last?.waveId ?? null,
    caseWaves,
    casesAsOf,
    ...staffView(wave.question, cells, before, cases, segments),
  };
};

const wavesInWindow = async (wave: WaveRecord, ports: Pick<TeamViewPorts, 'waves'>): Promise<readonly string[]> => {
  const from = new Date(Date.parse(wave.plannedAt) - CASE_WINDOW_DAYS * DAY_MS).toISOString();
  return (await ports.waves.list())
    .map(({ record }) => record)
    .filter((one) => one.plannedAt > from && one.plannedAt <= wave.plannedAt)
    .sort((a, b) => (a.plannedAt < b.plannedAt ? -1 : 1))
    .map((one) => one.waveId);
};

/** Cases of a wave's answers whose due time has passed, by manager and branch of when the wave was planned. */
const casesOf = async (waveId: string, now: string, ports: TeamViewPorts): Promise<readonly CaseCell[]> => {
  const drawn = (await readDrawn(waveId, ports.waveFiles))?.drawn ?? [];
  const cells = new Map<string, { groups: CaseCell['groups']; due: number; inTime: number }>();
  for (let from = 0; from < drawn.length; from += LOOK_UP) {
    const answers = await ports.answers.getMany(drawn.slice(from, from + LOOK_UP).map((one) => one.invitationId));
    const ids = [...answers].filter(([, stored]) => mayHaveCase(stored)).map(([id]) => id);
    for (let at = 0; at < ids.length; at += CASES_AT_ONCE) {
      const found = await Promise.all(ids.slice(at, at + CASES_AT_ONCE).map((id) => ports.cases.get(id)));
      for (const one of found) {
        if (one === undefined || one.dueAt > now) continue;
        const key = JSON.stringify([one.manager, one.branch]);
        const cell = cells.get(key) ?? { groups: { manager: one.manager, branch: one.branch }, due: 0, inTime: 0 };
        cells.set(key, cell);
        cell.due += 1;
        if (isClosedInTime(one)) cell.inTime += 1;
      }
    }
  }
  return [...cells.values()];
};

/** Whether any version of the answer can have opened a case: all that did are among these. */
const mayHaveCase = ({ answer }: StoredAnswer): boolean =>
  [answer, ...answer.history].some(
    (version) => (version.score !== null && isLow(answer.question, version.score)) || version.wishes.length > 0,
  );

/** Whether it is closed, and was by its due time; one that was opened again counts by its newest closing and due time. */
const isClosedInTime = ({ state, history, dueAt }: CustomerCase): boolean => {
  const closed = history.findLast((event) => event.event === 'closed');
  return state === 'closed' && closed !== undefined && closed.at <= dueAt;
};
