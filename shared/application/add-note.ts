import { dateIn, isIsoDate } from '#shared/domain/calendar.ts';
import { type CustomerFacts, NOTE_SUBJECTS, type Note, type NoteSubject } from '#shared/domain/facts.ts';
import {
  HIGHEST_RATING,
  LOWEST_RATING,
  MOST_NOTES,
  notesInForce,
  withNote,
  withoutNote,
} from '#shared/domain/notes.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import { checkedText } from './checked-text.ts';

const TRIES = 10;
/** What is said of longer ago has lost nearly all of its weight, and is more likely a slip of the pen. Ours. */
const OLDEST_YEARS = 10;

export interface NotePorts {
  readonly customers: Pick<CustomerStore, 'get' | 'put'>;
  readonly clock: Clock;
  /** IANA name; dates of notes are dates in it. */
  readonly timeZone: string;
}

export interface NoteRequest {
  readonly customerId: string;
  readonly about: string;
  /** Whole number 1..5 in digits. */
  readonly rating: string;
  /** YYYY-MM-DD; by default today. */
  readonly date?: string;
  readonly reason: string;
  /** The person's name. */
  readonly by: string;
}

export interface NoteDone {
  readonly customerId: string;
  readonly outcome: 'added' | 'unchanged' | 'withdrawn' | 'alreadyWithdrawn';
  readonly note: Note;
}

/**
 * Keeps what a person says of a customer as a dated fact. Runs whose policy reads notes count it from then on; of each person the
 * newest note on a subject. The same word on the same day twice is one note.
 *
 * @throws PermanentError `about-invalid`, `rating-invalid`, `date-invalid`, `reason-missing`, `customer-unknown`,
 *   `too-many-notes`: nothing is written then. RetryableError `customer-busy`
 */
export const addNote = async (request: NoteRequest, ports: NotePorts): Promise<NoteDone> => {
  const given = checked(request, ports);
  return changed<NoteDone>(request.customerId, ports, (facts) => {
    const done = withNote(facts, given);
    if (done === undefined) {
      throw new PermanentError(
        'too-many-notes',
        `customer ${quoted(request.customerId)} has ${MOST_NOTES} notes already, which is as many as are kept`,
        { hint: 'the newest of each person counts; a pin or a decision says more than another note' },
      );
    }
    const outcome = done.facts === undefined ? 'unchanged' : 'added';
    return { facts: done.facts, result: { customerId: request.customerId, outcome, note: done.note } };
  });
};

/** Throws what `addNote` would, and writes nothing. */
export const checkNote = async (request: NoteRequest, ports: NotePorts): Promise<void> => {
  checked(request, ports);
  if ((await ports.customers.get(request.customerId)) === undefined) throw unknownCustomer(request.customerId);
};

const checked = (request: NoteRequest, { clock, timeZone }: NotePorts): Omit<Note, 'noteId' | 'withdrawn'> => {
  const recordedAt = clock.now();
  const today = dateIn(timeZone, recordedAt);
  return {
    about: checkedSubject(request.about),
    rating: checkedRating(request.rating),
    date: checkedDate(request.date ?? today, today),
    recordedAt,
    by: request.by,
    reason: checkedText('--reason', request.reason, 'it is kept with the note and shown wherever the note is'),
  };
};

export interface WithdrawRequest {
  readonly customerId: string;
  /** Such as `n3`. */
  readonly noteId: string;
  readonly reason: string;
  readonly by: string;
}

/**
 * Takes a note back: it stays as a fact and no longer counts; where the same person wrote one on the subject before, that one
 * counts again.
 *
 * @throws PermanentError `note-unknown`, `reason-missing`, `customer-unknown`
 */
export const withdrawNote = async (request: WithdrawRequest, ports: NotePorts): Promise<NoteDone> => {
  const reason = checkedText('--reason', request.reason, 'it is kept with the note');
  const { customerId, noteId } = request;
  return changed<NoteDone>(customerId, ports, (facts) => {
    const note = facts.notes?.find((one) => one.noteId === noteId);
    if (note === undefined) {
      const known = facts.notes?.map((one) => one.noteId) ?? [];
      throw new PermanentError('note-unknown', `customer ${quoted(customerId)} has no note ${quoted(noteId)}`, {
        hint: known.length === 0 ? 'nobody has written a note on this customer' : `its notes are ${known.join(', ')}`,
      });
    }
    const withdrawn = { at: ports.clock.now(), by: request.by, reason };
    const next = withoutNote(facts, note.noteId, withdrawn);
    return next === undefined
      ? { facts: undefined, result: { customerId, outcome: 'alreadyWithdrawn', note } }
      : { facts: next, result: { customerId, outcome: 'withdrawn', note: { ...note, withdrawn } } };
  });
};

export interface ListedNote extends Note {
  /** `counts`: the newest of its person on the subject. `replaced`: a newer one counts. `ahead`: its date lies ahead. */
  readonly state: 'counts' | 'replaced' | 'withdrawn' | 'ahead';
  /** Whole days up to today on the business clock. */
  readonly ageDays: number;
}

/** All notes on a customer, the newest first. @throws PermanentError `customer-unknown` */
export const listNotes = async (customerId: string, ports: NotePorts): Promise<readonly ListedNote[]> => {
  const facts = await ports.customers.get(customerId);
  if (facts === undefined) throw unknownCustomer(customerId);
  const frozenAt = ports.clock.now();
  const asOf = dateIn(ports.timeZone, frozenAt);
  const counting = new Set(notesInForce(facts, { asOf, frozenAt }).map(({ noteId }) => noteId));
  return (facts.notes ?? [])
    .map(
      (note): ListedNote => ({
        ...note,
        ageDays: Math.round((Date.parse(asOf) - Date.parse(note.date)) / 86_400_000),
        state: counting.has(note.noteId)
          ? 'counts'
          : note.withdrawn !== undefined
            ? 'withdrawn'
            : note.date > asOf
              ? 'ahead'
              : 'replaced',
      }),
    )
    .sort((a, b) => (`${a.date} ${a.recordedAt}` < `${b.date} ${b.recordedAt}` ? 1 : -1));
};

const checkedSubject = (given: string): NoteSubject => {
  const about = NOTE_SUBJECTS.find((one) => one === given);
  if (about !== undefined) return about;
  throw new PermanentError('about-invalid', `--about must be ${NOTE_SUBJECTS.join(' or ')}, got ${quoted(given)}`);
};

const checkedRating = (given: string): number => {
  const rating = Number(given);
  if (/^\d$/u.test(given) && rating >= LOWEST_RATING && rating <= HIGHEST_RATING) return rating;
  throw new PermanentError(
    'rating-invalid',
    `--rating must be a whole number from ${LOWEST_RATING} (worst) to ${HIGHEST_RATING} (best), got ${quoted(given)}`,
  );
};

const checkedDate = (date: string, today: string): string => {
  if (!isIsoDate(date)) {
    throw new PermanentError('date-invalid', `--on must be a date that exists, as YYYY-MM-DD, got ${quoted(date)}`);
  }
  const oldest = `${String(Number(today.slice(0, 4)) - OLDEST_YEARS).padStart(4, '0')}${today.slice(4)}`;
  if (date <= today && date >= oldest) return date;
  throw new PermanentError(
    'date-invalid',
    `--on must be from ${oldest} to today on the business clock, ${today}, got ${date}`,
    { hint: 'it is the day for which the rating holds' },
  );
};

const quoted = (text: string): string => JSON.stringify(text.slice(0, 80));

const unknownCustomer = (customerId: string): PermanentError =>
  new PermanentError('customer-unknown', `there is no customer ${quoted(customerId)}`, {
    hint: 'ids are as the imported files have them, capital letters included',
  });

/** Changes a customer's facts under their revision; `decide` is asked again where another writer came between. */
const changed = async <T>(
  customerId: string,
  ports: Pick<NotePorts, 'customers'>,
  decide: (facts: CustomerFacts) => { readonly facts: CustomerFacts | undefined; readonly result: T },
): Promise<T> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const facts = await ports.customers.get(customerId);
    if (facts === undefined) throw unknownCustomer(customerId);
    const decision = decide(facts);
    if (decision.facts === undefined) return decision.result;
    if ((await ports.customers.put(decision.facts, facts.factsRev)) === 'stored') return decision.result;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * (tries + 1)));
  }
  throw new RetryableError(
    'customer-busy',
    `the facts of ${quoted(customerId)} kept changing under ${TRIES} attempts to write them`,
    { hint: 'do it again' },
  );
};
