import type { WaveRecord } from '#shared/contracts/survey.ts';
import type { DecisionFactor } from '#shared/domain/answer-rules.ts';
import { type ResultCell, type SurveyResults, surveyResults } from '#shared/domain/survey-results.ts';
import type { WaveLedgerPorts } from './close-wave.ts';
import { readDrawn } from './draw-audience.ts';

/** A comment as it was written; whoever shows it escapes it. */
export interface ResultComment {
  readonly score: number;
  /** null where the segment is hidden. */
  readonly segment: string | null;
  readonly comment: string;
}

/** The results of a wave, safe to show outside the service team (R16). */
export interface WaveResults extends SurveyResults {
  readonly waveId: string;
  readonly runId: string;
  readonly state: WaveRecord['state'];
  readonly closesAt: string;
  /** The wave that changes are measured against; null where none of the same question came before. */
  readonly comparedWith: string | null;
  /** Of answers that count, the newest first; none where the total is hidden. */
  readonly comments: readonly ResultComment[];
}

export type WaveResultsPorts = Pick<WaveLedgerPorts, 'waves' | 'waveFiles' | 'invitations' | 'answers'>;

const LOOK_UP = 500;

/**
 * The results of a wave at any time, counted from its invitations and answers, and compared with the last wave before it that
 * asked the same question.
 *
 * @param segments every segment there is, in order
 * @returns undefined if there is no such wave
 */
export const waveResults = async (
  waveId: string,
  ports: WaveResultsPorts,
  segments: readonly string[] = [],
): Promise<WaveResults | undefined> => {
  const gathered = await gatherWithBefore(waveId, ports);
  if (gathered === undefined) return undefined;
  const { wave, cells, comments, before, last } = gathered;
  const results = surveyResults(wave.question, cells, before, segments);
  const visible = new Set(results.tables.segment.groups.filter((one) => !one.hidden).map((one) => one.name));
  return {
    waveId,
    runId: wave.runId,
    state: wave.state,
    closesAt: wave.closesAt,
    comparedWith: last?.waveId ?? null,
    ...results,
    comments:
      results.total.answered === null
        ? []
        : comments
            .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
            .map(({ at: _, ...one }) => (visible.has(one.segment) ? one : { ...one, segment: null })),
  };
};

/** What a wave's invitations and answers give, and what those of the last comparable wave gave; undefined without the wave. */
export const gatherWithBefore = async (waveId: string, ports: WaveResultsPorts) => {
  const wave = (await ports.waves.get(waveId))?.record;
  if (wave === undefined) return undefined;
  const last = await lastOfSameQuestion(wave, ports);
  const before = last === undefined ? undefined : (await gatherResults(last.waveId, ports)).cells;
  return { wave, last, before, ...(await gatherResults(waveId, ports)) };
};

/** The wave before that asked the same question in the same dimension; undefined where there is none. */
const lastOfSameQuestion = async (
  wave: WaveRecord,
  ports: Pick<WaveResultsPorts, 'waves'>,
): Promise<WaveRecord | undefined> =>
  (await ports.waves.list())
    .map(({ record }) => record)
    .filter(
      (one) =>
        one.question === wave.question &&
        one.dimension === wave.dimension &&
        one.waveId !== wave.waveId &&
        one.plannedAt < wave.plannedAt &&
        one.state !== 'planned' &&
        one.state !== 'cancelled',
    )
    .sort((a, b) => (a.plannedAt < b.plannedAt ? 1 : -1))[0];

interface Cell extends ResultCell {
  invited: number;
  delivered: number;
  suspect: number;
  readonly scores: Record<string, number>;
  readonly factors: Partial<Record<DecisionFactor, number>>;
}

/** Everybody who was written to, by the four groups; who has been erased since is in no figure. */
const gatherResults = async (
  waveId: string,
  ports: WaveResultsPorts,
): Promise<{
  readonly cells: readonly ResultCell[];
  readonly comments: (ResultComment & { readonly at: string })[];
}> => {
  const drawn = (await readDrawn(waveId, ports.waveFiles))?.drawn ?? [];
  const cells = new Map<string, Cell>();
  const comments: (ResultComment & { readonly at: string })[] = [];
  for (let from = 0; from < drawn.length; from += LOOK_UP) {
    const ids = drawn.slice(from, from + LOOK_UP).map((one) => one.invitationId);
    const [invitations, answers] = await Promise.all([ports.invitations.getMany(ids), ports.answers.getMany(ids)]);
    for (const id of ids) {
      const invitation = invitations.get(id);
      const answer = answers.get(id)?.answer;
      if (invitation === undefined || (invitation.invitation.state !== 'sent' && answer === undefined)) continue;
      const { segment, branch, manager, language } = invitation;
      const key = JSON.stringify([segment, branch, manager, language]);
      const cell: Cell = cells.get(key) ?? {
        groups: { segment, branch, manager, language },
        invited: 0,
        delivered: 0,
        suspect: 0,
        scores: {},
        factors: {},
      };
      cells.set(key, cell);
      if (invitation.invitation.state === 'sent') cell.invited += 1;
      if (invitation.deliveredAt !== undefined && invitation.bouncedAt === undefined) cell.delivered += 1;
      if (answer === undefined) continue;
      if (answer.suspect || answer.score === null) {
        cell.suspect += 1;
        continue;
      }
      const { factor, comment, score, at } = answer;
      cell.scores[score] = (cell.scores[score] ?? 0) + 1;
      if (factor !== undefined) cell.factors[factor] = (cell.factors[factor] ?? 0) + 1;
      if (comment !== '') comments.push({ score, segment, comment, at });
    }
  }
  return { cells: [...cells.values()], comments };
};
