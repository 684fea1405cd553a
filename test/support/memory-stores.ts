import { createHash } from 'node:crypto';
import { byBytes, checkedKey } from '#shared/adapters/directory-objects.ts';
import { bucketOf } from '#shared/adapters/table-keys.ts';
import type { OutboxEntry } from '#shared/domain/business-event.ts';
import { flagEvents } from '#shared/domain/document-events.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import { byClosed, closedAt, type Flag, raised, settled, undone, withdrawn } from '#shared/domain/flags.ts';
import type { StaffMember } from '#shared/domain/staff.ts';
import type { RunPointer, Standing } from '#shared/domain/standing.ts';
import { PermanentError } from '#shared/errors.ts';
import type { CustomerEraser, CustomerStore } from '#shared/ports/customer-store.ts';
import type { FileStore } from '#shared/ports/file-store.ts';
import type { FlagEraser, FlagStore } from '#shared/ports/flag-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { Outbox } from '#shared/ports/outbox.ts';
import type { StaffStore } from '#shared/ports/staff-store.ts';
import type { PointerStore, RecordStore, StandingEraser, StandingStore } from '#shared/ports/standing-store.ts';
import { keepEvents, waitingIn } from './memory-outbox.ts';

/** Fakes of the stores. They pass the contract suites of the real ones (test/adapters). */

const copy = <T>(value: T): T => structuredClone(value);

export const memoryObjects = (): ObjectStore => {
  const objects = new Map<string, Uint8Array>();
  return {
    put: async (key, bytes, options = {}) => {
      checkedKey(key);
      if (options.ifAbsent === true && objects.has(key)) return 'exists';
      objects.set(key, bytes.slice());
      return 'stored';
    },
    get: async (key) => objects.get(checkedKey(key))?.slice(),
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(byBytes),
    remove: async (key) => {
      objects.delete(checkedKey(key));
    },
  };
};

/** Files as objects of a store. */
export const memoryFiles = (objects: ObjectStore): FileStore => {
  const versionOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const stat: FileStore['stat'] = async (key) => {
    const bytes = await objects.get(key);
    return bytes === undefined ? undefined : { sizeBytes: bytes.length, version: versionOf(bytes) };
  };
  return {
    stat,
    read: async function* (key, range, version) {
      const bytes = await objects.get(key);
      if (bytes === undefined) throw new PermanentError('file-missing', `there is no file ${key}`);
      if (version !== undefined && version !== versionOf(bytes)) throw new PermanentError('file-changed', key);
      yield bytes.subarray(range?.from ?? 0, range?.to ?? bytes.length);
    },
    write: async (key, bytes) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of bytes) pieces.push(piece);
      await objects.put(key, Buffer.concat(pieces));
    },
  };
};

export const memoryCustomers = (
  buckets: number,
  subjectSource: (customerId: string) => string,
): CustomerStore & CustomerEraser => {
  const subjects = new Map<string, string>();
  const customers = new Map<string, CustomerFacts>();
  const pick = (ids: readonly string[]): Map<string, string> => {
    const found = new Map<string, string>();
    for (const id of ids) {
      const subject = subjects.get(id);
      if (subject !== undefined) found.set(id, subject);
    }
    return found;
  };
  return {
    buckets,
    bucketOf: (subject) => bucketOf(subject, buckets),
    subjectsOf: async (ids) => pick(ids),
    ensureSubjects: async (ids) => {
      for (const id of ids) if (!subjects.has(id)) subjects.set(id, subjectSource(id));
      return pick(ids);
    },
    getMany: async (wanted) => {
      const found = new Map<string, CustomerFacts>();
      for (const subject of wanted) {
        const facts = customers.get(subject);
        if (facts !== undefined) found.set(subject, copy(facts));
      }
      return found;
    },
    get: async (customerId) => {
      const facts = customers.get(subjects.get(customerId) ?? '');
      return facts === undefined ? undefined : copy(facts);
    },
    async *readBucket(bucket, units) {
      const here = [...customers.values()].filter((facts) => bucketOf(facts.subject, buckets) === bucket);
      if (units !== undefined) units.read += 0.5;
      for (const facts of here.sort((a, b) => byBytes(a.subject, b.subject)))
        yield { kind: 'customer', facts: copy(facts) };
    },
    put: async (facts, expectedRev) => {
      if ((customers.get(facts.subject)?.factsRev ?? null) !== expectedRev) return 'conflict';
      customers.set(facts.subject, copy(facts));
      return 'stored';
    },
    erase: async (customerId, knownSubject) => {
      const subject = subjects.get(customerId) ?? knownSubject;
      if (subject === undefined) return 'unknown';
      customers.delete(subject);
      subjects.delete(customerId);
      return 'erased';
    },
  };
};

export const memoryStandings = (buckets: number): StandingStore & StandingEraser => {
  const standings = new Map<string, Standing>();
  return {
    readBucket: async (bucket, units) => {
      if (units !== undefined) units.read += 0.5;
      return [...standings.values()]
        .filter((one) => bucketOf(one.subject, buckets) === bucket)
        .sort((a, b) => byBytes(a.subject, b.subject))
        .map(copy);
    },
    getMany: async (subjects) =>
      new Map(
        subjects.flatMap((subject) => {
          const standing = standings.get(subject);
          return standing === undefined ? [] : [[subject, copy(standing)]];
        }),
      ),
    put: async (standing, units) => {
      if ((standings.get(standing.subject)?.current.seq ?? -1) > standing.current.seq) return 'newer';
      standings.set(standing.subject, copy(standing));
      if (units !== undefined) units.write += 1;
      return 'stored';
    },
    remove: async (subject) => {
      standings.delete(subject);
    },
  };
};

export const memoryRecords = <T>(): RecordStore<T> => {
  const records = new Map<string, { record: T; rev: number }>();
  return {
    create: async (id, record) => {
      if (records.has(id)) return 'exists';
      records.set(id, { record: copy(record), rev: 1 });
      return 'created';
    },
    get: async (id) => {
      const stored = records.get(id);
      return stored === undefined ? undefined : copy(stored);
    },
    replace: async (id, record, rev) => {
      if (records.get(id)?.rev !== rev) return 'conflict';
      records.set(id, { record: copy(record), rev: rev + 1 });
      return 'stored';
    },
    list: async (prefix = '') =>
      [...records.entries()]
        .filter(([id]) => id.startsWith(prefix))
        .sort(([a], [b]) => byBytes(a, b))
        .map(([id, { record }]) => ({ id, record: copy(record) })),
  };
};

/** @param members who is in it from the start */
export const memoryStaff = (members: readonly StaffMember[] = []): StaffStore => {
  const staff = new Map(members.map((one) => [one.name, one]));
  return {
    list: async () => [...staff.values()].sort((a, b) => byBytes(a.name, b.name)).map(copy),
    put: async (member) => {
      const known = staff.get(member.name);
      staff.set(member.name, copy(member));
      if (known === undefined) return 'new';
      return JSON.stringify(known) === JSON.stringify(member) ? 'unchanged' : 'changed';
    },
    remove: async (name) => (staff.delete(name) ? 'removed' : 'unknown'),
  };
};

export const memoryPointer = (): PointerStore => {
  let pointer: RunPointer = { published: null, previous: null, abandonedSeqs: [], lastSeq: 0, applying: null, rev: 0 };
  return {
    get: async () => copy(pointer),
    compareAndSet: async (next, expectedRev) => {
      if (pointer.rev !== expectedRev) return 'conflict';
      pointer = { ...copy(next), rev: expectedRev + 1 };
      return 'stored';
    },
  };
};

export const memoryFlags = (): FlagStore & FlagEraser & Outbox => {
  const flags = new Map<string, Flag>();
  const outboxes = new Map<string, OutboxEntry[]>();
  const key = (subject: string, kind: string): string => `${subject} ${kind}`;
  const keep = (flag: Flag, runId: string | undefined): void => {
    const id = key(flag.subject, flag.kind);
    keepEvents(outboxes, id, flagEvents(flags.get(id), flag, runId));
    flags.set(id, copy(flag));
  };
  return {
    raise: async (proposal) => {
      const decision = raised(flags.get(key(proposal.subject, proposal.kind)), proposal);
      if (decision === undefined) return 'unchanged';
      keep(decision.next, proposal.runId);
      return decision.outcome;
    },
    withdraw: async (subject, kind, runId, at) => {
      const next = withdrawn(flags.get(key(subject, kind)), runId, at);
      if (next === undefined) return 'notOpen';
      keep(next, runId);
      return 'withdrawn';
    },
    settle: async (subject, kind, settlement) => {
      const next = settled(flags.get(key(subject, kind)), settlement);
      if (next === undefined) return 'notOpen';
      keep(next, undefined);
      return 'settled';
    },
    undo: async (subject, kind, runId, rollback) => {
      const decision = undone(flags.get(key(subject, kind)), runId, rollback);
      if (decision === undefined) return 'unchanged';
      keep(decision.next, runId);
      return decision.outcome;
    },
    get: async (subject, kind) => {
      const flag = flags.get(key(subject, kind));
      return flag === undefined ? undefined : copy(flag);
    },
    remove: async (subject, kind) => {
      flags.delete(key(subject, kind));
      outboxes.delete(key(subject, kind));
    },
    waiting: () => waitingIn(outboxes),
    listOpen: async () =>
      [...flags.values()]
        .filter((flag) => flag.state === 'open')
        .sort((a, b) => byBytes(`${a.raisedAt} ${a.subject} ${a.kind}`, `${b.raisedAt} ${b.subject} ${b.kind}`))
        .map(copy),
    listClosed: async (month) =>
      [...flags.values()]
        .filter((flag) => closedAt(flag)?.startsWith(month) === true)
        .sort(byClosed)
        .map(copy),
  };
};
