import { answersOver } from '#shared/adapters/dynamo-answers.ts';
import { casesOver } from '#shared/adapters/dynamo-cases.ts';
import { addressKeyOf, contactsOver } from '#shared/adapters/dynamo-contacts.ts';
import { invitationsOver } from '#shared/adapters/dynamo-invitations.ts';
import { objectWaveFiles } from '#shared/adapters/object-wave-files.ts';
import type { ReturnedStaffMail } from '#shared/application/tell-staff-returned.ts';
import type { StaffMail } from '#shared/contracts/staff-mail.ts';
import type { MailTally, WaveRecord } from '#shared/contracts/survey.ts';
import type { OutboxEntry } from '#shared/domain/business-event.ts';
import type { Contact } from '#shared/domain/contact-policy.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { Invitation } from '#shared/domain/invitation.ts';
import { DEFAULT_MAIL_BRAKES } from '#shared/domain/mail-brake.ts';
import { type Expiry, epochSeconds } from '#shared/domain/retention.ts';
import type { StoredAnswer } from '#shared/ports/answer-store.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import type { DocumentTable } from '#shared/ports/document-table.ts';
import type { SendOutcome } from '#shared/ports/mail-sender.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { keepEvents, waitingIn } from '#test/support/memory-outbox.ts';
import { memoryStaff } from '#test/support/memory-stores.ts';

/** A table of documents in memory, under the same contract suite as the real one. Other callers may run before each answer. */
export const memoryDocuments = <T>(
  sortValueOf?: (document: T) => string | undefined,
  expiry?: Expiry<T>,
): DocumentTable<T> => {
  const stored = new Map<string, { document: T; rev: number }>();
  const outboxes = new Map<string, OutboxEntry[]>();
  const isLive = (document: T): boolean => {
    const end = expiry?.of(document);
    return end === undefined || expiry === undefined || epochSeconds(end) > epochSeconds(expiry.now());
  };
  /** What is read: items that have ended stay stored, as in the real table. */
  const items = {
    get: (id: string) => {
      const found = stored.get(id);
      return found !== undefined && isLive(found.document) ? found : undefined;
    },
    set: (id: string, item: { document: T; rev: number }) => stored.set(id, item),
    delete: (id: string) => stored.delete(id),
    values: () => [...stored.values()].filter(({ document }) => isLive(document)),
  };
  return {
    get: async (id) => structuredClone(items.get(id)),
    getMany: async (ids) =>
      new Map(
        ids.flatMap((id) => {
          const found = items.get(id);
          return found === undefined ? [] : [[id, structuredClone(found.document)] as const];
        }),
      ),
    put: async (id, document, rev, events = []) => {
      if ((items.get(id)?.rev ?? null) !== rev) return 'conflict';
      items.set(id, { document: structuredClone(document), rev: (rev ?? 0) + 1 });
      keepEvents(outboxes, id, events);
      return 'stored';
    },
    waiting: () => waitingIn(outboxes),
    remove: async (id) => {
      items.delete(id);
      outboxes.delete(id);
    },
    listIndexed: async (limit) =>
      [...items.values()]
        .flatMap(({ document }) => {
          const sort = sortValueOf?.(document);
          return sort === undefined ? [] : [{ sort, document: structuredClone(document) }];
        })
        .sort((a, b) => (a.sort < b.sort ? -1 : 1))
        .slice(0, limit)
        .map(({ document }) => document),
    search: async (text) =>
      [...items.values()]
        .filter(({ document }) => JSON.stringify(document).includes(text))
        .map(({ document }) => structuredClone(document)),
  };
};

export const memoryRecords = <T>(): RecordStore<T> => {
  const documents = new Map<string, { record: T; rev: number }>();
  return {
    create: async (id, record) => {
      if (documents.has(id)) return 'exists';
      documents.set(id, { record, rev: 1 });
      return 'created';
    },
    get: async (id) => documents.get(id),
    replace: async (id, record, rev) => {
      if (documents.get(id)?.rev !== rev) return 'conflict';
      documents.set(id, { record, rev: rev + 1 });
      return 'stored';
    },
    list: async (prefix = '') =>
      [...documents].filter(([id]) => id.startsWith(prefix)).map(([id, { record }]) => ({ id, record })),
  };
};

export const memoryObjects = (): ObjectStore => {
  const objects = new Map<string, Uint8Array>();
  return {
    put: async (key, bytes, options) => {
      if (options?.ifAbsent === true && objects.has(key)) return 'exists';
      objects.set(key, bytes);
      return 'stored';
    },
    get: async (key) => objects.get(key),
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
    remove: async (key) => {
      objects.delete(key);
    },
  };
};

export const memoryCustomers = () => {
  const customers = new Map<string, CustomerFacts>();
  return {
    all: customers,
    get: async (customerId: string) => customers.get(customerId),
    getMany: async (subjects: readonly string[]) =>
      new Map([...customers.values()].filter((one) => subjects.includes(one.subject)).map((one) => [one.subject, one])),
    put: async (facts: CustomerFacts, expectedRev: number | null) => {
      if ((customers.get(facts.customerId)?.factsRev ?? null) !== expectedRev) return 'conflict' as const;
      customers.set(facts.customerId, facts);
      return 'stored' as const;
    },
  };
};

export const ADDRESS_KEY = { kid: 'a1', key: new Uint8Array(32).fill(7) };
export const LINK_KEYS = { currentKid: 'k1', keys: { k1: new Uint8Array(32).fill(1) } };
export const TOPIC = 'arn:aws:sns:us-east-1:000000000000:mail-events';
export const IDENTITY = {
  senderAddress: 'survey@example.com',
  replyToAddress: 'service@example.com',
  company: { en: 'Example Bank', 'zh-CN': '示例银行' },
  postalAddress: { en: '1 Example Road', 'zh-CN': '示例路1号' },
  defaultLanguage: 'zh-CN' as const,
  howToVerify: { en: 'call 12345', 'zh-CN': '拨打12345' },
  legalNotice: { en: 'Data protection officer: Zhou Min', 'zh-CN': '个人信息保护负责人：周敏' },
};

/** A business clock that tests move. */
export const settableClock = (start: string) => {
  let now = start;
  return {
    now: () => now,
    moveBy: (ms: number) => {
      now = new Date(Date.parse(now) + ms).toISOString();
    },
    moveTo: (instant: string) => {
      now = instant;
    },
  };
};

export const factsOf = (customerId: string, more: Partial<CustomerFacts> = {}): CustomerFacts => ({
  customerId,
  subject: `s-${customerId}`,
  factsRev: 1,
  changedAt: '2026-05-01T00:00:00.000Z',
  batches: [],
  orders: [],
  snapshots: [],
  statuses: [],
  answers: {},
  pins: [],
  decisions: [],
  ...more,
});

export const NOW = '2026-06-01T02:00:00.000Z';
export const CLOSES = '2026-06-22T02:00:00.000Z';
export const WAVE_ID = 'w-2026-05-monthly';

export const waveRecord = (more: Partial<WaveRecord> = {}): WaveRecord => ({
  waveId: WAVE_ID,
  runId: '2026-05-monthly',
  period: '2026-05',
  policyHash: 'hash',
  dimension: 'class',
  question: 'nps',
  seed: 'seed',
  state: 'sending',
  plannedAt: NOW,
  remindAt: '2026-06-06T02:00:00.000Z',
  closesAt: CLOSES,
  pause: null,
  population: null,
  drawn: null,
  batches: 1,
  notDrawn: {},
  finishedAt: null,
  ...more,
});

/** 16 bytes, different for each index. */
const idOf = (index: number): string => {
  const bytes = Buffer.alloc(16, index);
  if (index > 255) bytes.writeUInt32BE(index);
  return bytes.toString('base64url');
};

export const invitationOf = (index: number, more: Partial<Invitation> = {}): Invitation => ({
  invitationId: idOf(index),
  waveId: WAVE_ID,
  runId: '2026-05-monthly',
  customerId: `c${index}`,
  subject: `s-c${index}`,
  addressKey: addressKeyOf(ADDRESS_KEY, `c${index}@example.com`),
  segment: 'hold',
  segments: { class: 'hold' },
  branch: 'north',
  manager: 'M1',
  language: 'en',
  question: 'nps',
  contactEveryDays: 90,
  caseForEveryLow: false,
  caseDueHours: 24,
  closesAt: CLOSES,
  invitation: { state: 'planned', attempts: 0 },
  events: [],
  ...more,
});

/** All stores of the survey in memory. */
export const memoryStores = () => {
  const objects = memoryObjects();
  return {
    objects,
    waves: memoryRecords<WaveRecord>(),
    tallies: memoryRecords<MailTally>(),
    mailBrakes: DEFAULT_MAIL_BRAKES,
    tellWaveBraked: async (_wave: WaveRecord): Promise<SendOutcome> => ({ kind: 'accepted', messageId: 'notice' }),
    waveFiles: objectWaveFiles(objects),
    contacts: contactsOver(memoryDocuments<Contact>(), ADDRESS_KEY),
    invitations: invitationsOver(memoryDocuments<Invitation>()),
    answers: answersOver(memoryDocuments<StoredAnswer>((stored) => (stored.pending ? stored.answer.at : undefined))),
    cases: casesOver(memoryDocuments<CustomerCase>((known) => (known.state === 'closed' ? undefined : known.dueAt))),
    customers: memoryCustomers(),
    staff: memoryStaff(),
    staffMails: memoryRecords<StaffMail>(),
    tellStaffReturned: async (_returned: ReturnedStaffMail): Promise<void> => undefined,
  };
};
export type MemoryStores = ReturnType<typeof memoryStores>;

/** A wave with `size` customers c1…, each with an address, drawn and not yet invited. */
export const drawnWave = async (size: number): Promise<MemoryStores> => {
  const stores = memoryStores();
  const invitations = Array.from({ length: size }, (_, index) => invitationOf(index + 1));
  await stores.waves.create(WAVE_ID, waveRecord({ population: size, drawn: size }));
  await stores.waveFiles.writeJson(WAVE_ID, 'population-0.json', []);
  await stores.waveFiles.writeJson(WAVE_ID, 'drawn.json', {
    waveId: WAVE_ID,
    batchSize: 50,
    populationFile: 'population-0.json',
    population: size,
    notDrawn: {},
    drawn: invitations.map(({ invitationId, subject, segment }) => ({ invitationId, subject, segment })),
  });
  await stores.invitations.createMany(invitations);
  for (const { customerId } of invitations) {
    stores.customers.all.set(customerId, factsOf(customerId));
    await stores.contacts.upsertPerson({ customerId, email: `${customerId}@example.com`, name: customerId });
  }
  return stores;
};

/** An answer not yet brought to its customer. */
export const storedAnswer = (answerId: string, version: number): StoredAnswer => ({
  answer: {
    answerId,
    waveId: 'w',
    customerId: 'c1',
    question: 'nps',
    segment: 'hold',
    language: 'zh-CN',
    version,
    score: 9,
    comment: '很好 😀',
    wishes: [],
    at: NOW,
    signals: [],
    suspect: false,
    history: [],
  },
  pending: true,
  subject: 's-c1',
  branch: null,
  manager: null,
  caseForEveryLow: false,
  caseDueHours: 24,
});

/** An open case of customer c1 in the central queue. */
export const openCase = (caseId: string, more: Partial<CustomerCase> = {}): CustomerCase => ({
  caseId,
  customerId: 'c1',
  subject: 's-c1',
  waveId: 'w',
  segment: 'hold',
  branch: null,
  manager: null,
  owner: { kind: 'central', name: 'central' },
  reason: 'lowAnswer',
  score: 2,
  question: 'nps',
  priority: 'normal',
  openedAt: NOW,
  dueAt: NOW,
  state: 'open',
  history: [],
  ...more,
});
