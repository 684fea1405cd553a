import { PermanentError, RetryableError } from '#shared/errors.ts';
import type { Erasure } from '#shared/ports/erasure-log.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import { findPerson, type PersonItems, type PersonPorts } from './person-ports.ts';

export interface EraseRequest {
  readonly customerId: string;
  readonly by: string;
  /** Why, without anything that identifies the person: it is kept. */
  readonly reason: string;
}

/** Entries by kind, each at least 1; empty where nothing is held. */
export type Holdings = Readonly<Record<string, number>>;

export interface EraseResult {
  /** `alreadyErased`: nothing was left to remove. */
  readonly outcome: 'erased' | 'alreadyErased';
  readonly customerId: string;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
  readonly removed: Holdings;
}

const LONGEST_REASON = 300;
/** Writers that were under way when the erasure began may leave something behind them; so often it is looked for. */
const ROUNDS = 5;

/**
 * What an erasure would remove.
 *
 * @throws PermanentError `customer-unknown` where nothing is held and nobody was erased
 */
export const previewErasure = async (customerId: string, ports: PersonPorts): Promise<Holdings> => {
  const { holdings, earlier } = await lookUp(customerId, ports);
  if (Object.keys(holdings).length === 0 && earlier === undefined) throw unknown(customerId);
  return holdings;
};

/**
 * Erases a person: address entries (the last customer of an address leaves a keyed tombstone, so that no import and no mail
 * brings it back), invitations, answers, cases, flags, standing, facts, the way from the customer id to the pseudonym, and
 * generated reports that name them. Frames and plans stay as they are: the pseudonym in them leads nowhere.
 *
 * The log entry is written first, so imports refuse the customer from then on, and an attempt that was killed is finished by
 * the next. Everything is looked for again until nothing is found, since others write at the same time.
 *
 * @throws PermanentError `customer-unknown`, `reason-missing`, `reason-invalid`, `reason-personal`
 * @throws RetryableError `run-is-applying`, `erasure-unfinished`
 */
export const eraseContact = async (request: EraseRequest, ports: PersonPorts): Promise<EraseResult> => {
  const { customerId, by } = request;
  const reason = request.reason.trim();
  assertReason(reason);
  let found = await lookUp(customerId, ports);
  const { earlier } = found;
  if (Object.keys(found.holdings).length === 0 && earlier === undefined) throw unknown(customerId);
  assertImpersonal(reason, customerId, found.items);
  if (Object.keys(found.holdings).length === 0 && earlier?.doneAt != null) {
    const { removed, doneAt } = earlier;
    return { outcome: 'alreadyErased', customerId, by: earlier.by, reason: earlier.reason, at: doneAt, removed };
  }
  await assertNothingApplies(ports);
  const { subject } = found;
  const begun: Erasure =
    earlier !== undefined && earlier.doneAt === null
      ? earlier
      : { by, reason, begunAt: ports.clock.now(), doneAt: null, subject: subject ?? null, removed: {} };
  await ports.erasures.put(customerId, begun);

  const removed: Record<string, number> = { ...begun.removed };
  for (let round = 0; Object.keys(found.holdings).length > 0; round += 1) {
    if (round === ROUNDS) {
      throw new RetryableError(
        'erasure-unfinished',
        'something kept writing about the customer; the erasure is not over',
        {
          hint: 'let imports and runs end, then run the same command again: it finishes what is left',
        },
      );
    }
    await removeAll(customerId, subject, found.items, ports);
    for (const [kind, count] of Object.entries(found.holdings)) removed[kind] = (removed[kind] ?? 0) + count;
    await ports.erasures.put(customerId, { ...begun, removed });
    found = await lookUp(customerId, ports);
  }
  await assertNothingApplies(ports);
  const doneAt = ports.clock.now();
  await ports.erasures.put(customerId, { ...begun, removed, doneAt, subject: null });
  return { outcome: 'erased', customerId, by: begun.by, reason: begun.reason, at: doneAt, removed };
};

export interface RestoredErasure {
  readonly looked: number;
  /** Customers who were there again, and are gone. */
  readonly erased: number;
  /** Records that cannot be read, so that nobody knows whose they are. */
  readonly unreadable: number;
}

/**
 * Erases again whoever is in the tables although the log says that the person was erased: a restore of the tables to an instant
 * before brings people back, and the log lies apart from them. Reads every customer once. Each is erased with the reason of
 * then; doing it again finds nobody.
 *
 * @throws as `eraseContact`
 */
export const eraseRestored = async ({ by }: Pick<EraseRequest, 'by'>, ports: PersonPorts): Promise<RestoredErasure> => {
  const wasErased = await ports.erasures.load();
  const found: string[] = [];
  let looked = 0;
  let unreadable = 0;
  for (let bucket = 0; bucket < ports.customers.buckets; bucket += 1) {
    for await (const read of ports.customers.readBucket(bucket)) {
      looked += 1;
      if (read.kind === 'quarantined') unreadable += 1;
      else if (wasErased(read.facts.customerId)) found.push(read.facts.customerId);
    }
  }
  let erased = 0;
  for (const customerId of found) {
    const reason = (await ports.erasures.get(customerId))?.reason ?? 'erased before';
    const { outcome } = await eraseContact({ customerId, by, reason }, ports);
    if (outcome === 'erased') erased += 1;
  }
  return { looked, erased, unreadable };
};

const unknown = (customerId: string): PermanentError =>
  new PermanentError(
    'customer-unknown',
    `there is no customer ${JSON.stringify(customerId.slice(0, 80))}: nothing is held under this id`,
    { hint: 'ids are as the imported files have them, capital letters included' },
  );

interface Found {
  readonly subject: string | undefined;
  readonly items: PersonItems;
  readonly earlier: Erasure | undefined;
  readonly holdings: Holdings;
}

const lookUp = async (customerId: string, ports: PersonPorts): Promise<Found> => {
  const earlier = await ports.erasures.get(customerId);
  const known = (await ports.customers.subjectsOf([customerId])).get(customerId);
  const subject = known ?? earlier?.subject ?? undefined;
  const items = await findPerson(customerId, subject, ports);
  const facts = known === undefined && subject !== undefined ? await isStored(subject, ports) : known !== undefined;
  const files = await namingFiles(customerId, items, ports.objects);
  const counts = {
    facts: facts ? 1 : 0,
    addresses: items.contacts.length,
    invitations: items.invitations.length,
    answers: items.answers.length,
    cases: items.cases.length,
    flags: items.flags.length,
    standing: items.standing === undefined ? 0 : 1,
    reports: files.length,
  };
  return {
    subject,
    items,
    earlier,
    holdings: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
  };
};

/** Whether facts lie under a pseudonym to which no customer id leads any more. */
const isStored = async (subject: string, ports: PersonPorts): Promise<boolean> =>
  (await ports.customers.getMany([subject])).size > 0;

/** Mail is stopped first, and what leads from the id to the pseudonym goes last. */
const removeAll = async (
  customerId: string,
  subject: string | undefined,
  items: PersonItems,
  ports: PersonPorts,
): Promise<void> => {
  const at = ports.clock.now();
  const files = await namingFiles(customerId, items, ports.objects);
  for (const { addressKey } of items.contacts) await ports.contacts.erasePerson(addressKey, customerId, at);
  for (const { invitationId } of items.invitations) await ports.invitations.remove(invitationId);
  for (const key of files) await ports.objects.remove(key);
  for (const { answer } of items.answers) await ports.answers.remove(answer.answerId);
  for (const { caseId } of items.cases) await ports.cases.remove(caseId);
  if (subject !== undefined) {
    for (const { kind } of items.flags) await ports.flags.remove(subject, kind);
    await ports.standings.remove(subject);
  }
  await ports.customers.erase(customerId, subject);
};

const assertReason = (reason: string): void => {
  if (reason === '') {
    throw new PermanentError('reason-missing', 'an erasure needs a reason', {
      hint: 'such as --reason "request of 12 May"',
    });
  }
  if (reason.length > LONGEST_REASON || /\p{Cc}/u.test(reason)) {
    throw new PermanentError(
      'reason-invalid',
      `a reason is one line of at most ${LONGEST_REASON} characters, got ${reason.length}`,
    );
  }
};

/** The reason is kept after the person is gone, so it must not name them. */
const assertImpersonal = (reason: string, customerId: string, items: PersonItems): void => {
  const names = items.contacts.flatMap(({ address, people }) => [address, people[customerId]?.name]);
  const lower = reason.toLowerCase();
  const isNamed =
    mentions(reason, customerId) ||
    names.some((name) => name !== undefined && name !== '' && lower.includes(name.toLowerCase()));
  if (isNamed || /\S@\S+\.\S/u.test(reason)) {
    throw new PermanentError('reason-personal', 'the reason names the person, and it is kept after they are erased', {
      hint: 'say why without id, name or address, such as --reason "request of 12 May"',
    });
  }
};

const assertNothingApplies = async (ports: PersonPorts): Promise<void> => {
  const { applying } = await ports.pointer.get();
  if (applying === null) return;
  throw new RetryableError(
    'run-is-applying',
    `run ${applying.runId} is being applied and may write about the customer at this moment`,
    { hint: 'run the same command again when it is over: resegment status' },
  );
};

/** Generated files of the workspace that people read; all others know pseudonyms and figures only. */
const READABLE = /\.(?:html|csv|txt|md)$/u;
/** A shorter comment may be anybody's. */
const TELLING_COMMENT = 12;

const namingFiles = async (
  customerId: string,
  items: PersonItems,
  objects: ObjectStore,
): Promise<readonly string[]> => {
  const told = [
    ...items.contacts.flatMap(({ address, people }) => [address, people[customerId]?.name]),
    ...items.answers.flatMap(({ answer }) => [answer, ...answer.history].map((one) => one.comment)),
  ].filter((text) => text !== undefined && text.length >= TELLING_COMMENT);
  const found: string[] = [];
  for (const prefix of ['runs/', 'waves/', 'exports/', 'reports/']) {
    for (const key of await objects.list(prefix)) {
      if (!READABLE.test(key)) continue;
      const bytes = await objects.get(key);
      if (bytes === undefined) continue;
      const text = new TextDecoder().decode(bytes);
      const isNamed = writtenAs(customerId).some((id) => hasId(text, id));
      if (isNamed || told.some((one) => one !== undefined && writtenAs(one).some((form) => text.includes(form)))) {
        found.push(key);
      }
    }
  }
  return found;
};

/** A text as files have it: plain, in HTML and in JSON. */
const writtenAs = (text: string): readonly string[] => {
  const html = text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
  return [...new Set([text, html, JSON.stringify(text).slice(1, -1)])];
};

/** Whether a file names a customer. An id of digits only must fill a cell or a field, since figures look the same. */
const hasId = (text: string, id: string): boolean =>
  /^\d+$/u.test(id)
    ? [`>${id}<`, `"${id}"`, `\n${id},`, `,${id},`].some((cell) => text.includes(cell))
    : mentions(text, id);

/** Whether a text has the id as a word of its own: `C-1` is not in `C-10`. */
const mentions = (text: string, id: string): boolean => {
  for (let at = text.indexOf(id); at >= 0; at = text.indexOf(id, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text[at + id.length] ?? ' ';
    if (!/[\p{L}\p{N}_-]/u.test(before) && !/[\p{L}\p{N}_-]/u.test(after)) return true;
  }
  return false;
};
