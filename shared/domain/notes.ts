import { type Instant, type IsoDate, toDayNumber } from './calendar.ts';
import type { CustomerFacts, Note, NoteSubject } from './facts.ts';
import { isSamePerson, personName } from './person.ts';
import type { Policy } from './policy.ts';
import type { CountedNote, FrameRow } from './standing.ts';
import { oncePerPolicy, roundScore } from './values.ts';

/** Notes kept of one customer at most, withdrawn ones included; more would crowd out the other facts. Ours. */
export const MOST_NOTES = 200;
export const LOWEST_RATING = 1;
export const HIGHEST_RATING = 5;

/** Whether a score of the policy reads notes. */
export const usesNotes = oncePerPolicy((policy: Policy): boolean =>
  Object.values(policy.scores).some((score) => score.kind === 'note'),
);

/**
 * The notes that count for a run: dated up to `asOf`, recorded and not withdrawn at the instant that froze its facts, and of each
 * person the newest one on each subject. Where the newest is withdrawn, the one before counts again. Ascending by subject,
 * then the newest first; the same whatever the order in which the notes are stored.
 */
export const notesInForce = (
  facts: Pick<CustomerFacts, 'notes'>,
  when: { readonly asOf: IsoDate; readonly frozenAt: Instant },
): readonly Note[] => {
  const newest = new Map<string, Note>();
  for (const note of facts.notes ?? []) {
    if (note.date > when.asOf || note.recordedAt > when.frozenAt) continue;
    if (note.withdrawn !== undefined && note.withdrawn.at <= when.frozenAt) continue;
    const key = `${note.about} ${personName(note.by)}`;
    const known = newest.get(key);
    if (known === undefined || ageKey(note) > ageKey(known)) newest.set(key, note);
  }
  return [...newest.values()].sort((a, b) => {
    if (a.about !== b.about) return a.about < b.about ? -1 : 1;
    return ageKey(a) > ageKey(b) ? -1 : 1;
  });
};

/** As a run stores them: without name and reason. */
export const countedNotes = (
  facts: Pick<CustomerFacts, 'notes'>,
  when: { readonly asOf: IsoDate; readonly frozenAt: Instant },
): readonly CountedNote[] =>
  notesInForce(facts, when).map(({ noteId, about, rating, date }) => ({
    noteId,
    about,
    rating,
    ageDays: toDayNumber(when.asOf) - toDayNumber(date),
  }));

/** Ordered like time; what is recorded at the same instant by rating and id, so that the order of storage does not matter. */
const ageKey = ({ date, recordedAt, rating, noteId }: Note): string => `${date} ${recordedAt} ${rating} ${noteId}`;

/** What the notes on a subject say together. */
export interface NoteOpinion {
  /** 1..5, the mean of the notes, each weighted by its age. */
  readonly rating: number;
  /** 0..1, what is left of the weight: that of the newest note, halved every `halfLifeDays`. */
  readonly strength: number;
  /** The notes with their shares of the opinion, which add up to 1; the newest first. */
  readonly notes: readonly (CountedNote & { readonly share: number })[];
}

/**
 * The opinion of account managers on a subject; null without a note: nothing said is nothing held against anybody. A note loses
 * half of its weight every `halfLifeDays`. Several notes never weigh more than one fresh note.
 */
export const opinionOf = (
  row: Pick<FrameRow, 'notes'>,
  about: NoteSubject,
  halfLifeDays: number,
): NoteOpinion | null => {
  const notes = (row.notes ?? [])
    .filter((note) => note.about === about)
    .toSorted((a, b) => a.ageDays - b.ageDays || a.rating - b.rating || (a.noteId < b.noteId ? -1 : 1));
  const [newest] = notes;
  if (newest === undefined) return null;
  // Relative to the newest, so that very old notes do not vanish in rounding.
  const weighted = notes.map((note) => ({ note, weight: 2 ** ((newest.ageDays - note.ageDays) / halfLifeDays) }));
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  const mean = weighted.reduce((sum, { note, weight }) => sum + weight * note.rating, 0) / total;
  return {
    rating: roundScore(Math.min(HIGHEST_RATING, Math.max(LOWEST_RATING, mean))),
    strength: roundScore(2 ** (-newest.ageDays / halfLifeDays)),
    notes: weighted.map(({ note, weight }) => ({ ...note, share: roundScore(weight / total) })),
  };
};

/**
 * Adds a note. The same word of the same person on the same day is there already.
 *
 * @returns the note as kept, and the facts with it; `facts` undefined where nothing changes; undefined where there is no room
 */
export const withNote = (
  facts: CustomerFacts,
  given: Omit<Note, 'noteId' | 'withdrawn'>,
): { readonly note: Note; readonly facts: CustomerFacts | undefined } | undefined => {
  const notes = facts.notes ?? [];
  const same = notes.find(
    (one) =>
      one.withdrawn === undefined &&
      one.about === given.about &&
      one.rating === given.rating &&
      one.date === given.date &&
      one.reason === given.reason &&
      isSamePerson(one.by, given.by),
  );
  if (same !== undefined) return { note: same, facts: undefined };
  if (notes.length >= MOST_NOTES) return undefined;
  const note: Note = { ...given, noteId: `n${notes.length + 1}` };
  return {
    note,
    facts: { ...facts, factsRev: facts.factsRev + 1, changedAt: given.recordedAt, notes: [...notes, note] },
  };
};

/** Takes a note back; it stays as a fact, with who took it back and why. @returns undefined where it is withdrawn already */
export const withoutNote = (
  facts: CustomerFacts,
  noteId: string,
  withdrawn: NonNullable<Note['withdrawn']>,
): CustomerFacts | undefined => {
  const known = facts.notes?.find((one) => one.noteId === noteId);
  if (known === undefined || known.withdrawn !== undefined) return undefined;
  return {
    ...facts,
    factsRev: facts.factsRev + 1,
    changedAt: withdrawn.at,
    notes: (facts.notes ?? []).map((one) => (one.noteId === noteId ? { ...one, withdrawn } : one)),
  };
};
