import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { type EscalateCasesPorts, escalateCases } from '#shared/application/escalate-cases.ts';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { listsNotReceived } from '#shared/application/lists-not-received.ts';
import { type ReturnedStaffMail, tellStaffReturned } from '#shared/application/tell-staff-returned.ts';
import { closeCase, notReachedFor } from '#shared/application/work-case.ts';
import { type StaffMail, staffMailId } from '#shared/contracts/staff-mail.ts';
import { directoryOf, type StaffMember, staffKey } from '#shared/domain/staff.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import type { OutgoingMail, SendOutcome } from '#shared/ports/mail-sender.ts';
import { withMetrics } from '#shared/ports/metrics.ts';
import { dyingAt } from '#test/support/dying-ports.ts';
import { memoryMetrics } from '#test/support/memory-metrics.ts';
import { memoryStaff } from '#test/support/memory-stores.ts';
import { factsOf, memoryRecords, memoryStores, openCase, settableClock, TOPIC } from '#test/survey/memory.ts';

const MORNING = '2026-11-02T08:00:00.000Z';
const HOUR = 3_600_000;
const RUN = '2026-10-monthly';

const member = (name: string, more: Partial<StaffMember> = {}): StaffMember => ({
  name,
  email: `${name.toLowerCase().replaceAll(' ', '.')}@bank.example.com`,
  superior: null,
  branch: 'Pudong',
  role: 'manager',
  language: 'en',
  ...more,
});
const LI = member('Li Wei', { superior: 'Wang Fang' });
const STAFF = [
  LI,
  member('Wang Fang', { role: 'branchHead', superior: 'Zhou Lan' }),
  member('Zhou Lan', { role: 'central', branch: null }),
];
const CASE = openCase('k', {
  branch: 'Pudong',
  manager: 'Li Wei',
  owner: { kind: 'manager', name: 'Li Wei' },
  openedAt: MORNING,
  dueAt: '2026-11-03T08:00:00.000Z',
  history: [{ event: 'opened', at: MORNING, by: 'w' }],
});

const WAYS = {
  hard: { eventType: 'Bounce', bounce: { bounceType: 'Permanent', timestamp: MORNING, feedbackId: 'f1' } },
  suppressed: {
    eventType: 'Bounce',
    bounce: {
      bounceType: 'Permanent',
      bounceSubType: 'OnAccountSuppressionList',
      timestamp: MORNING,
      feedbackId: 'f2',
    },
  },
  complaint: { eventType: 'Complaint', complaint: { timestamp: MORNING, feedbackId: 'f3' } },
  soft: { eventType: 'Bounce', bounce: { bounceType: 'Transient', timestamp: MORNING, feedbackId: 'f4' } },
  send: { eventType: 'Send' },
  delivery: { eventType: 'Delivery', delivery: { timestamp: MORNING } },
  reject: { eventType: 'Reject', reject: { reason: 'Bad content' } },
} as const;
type Way = keyof typeof WAYS;

const eventOf = (tags: OutgoingMail['tags'], way: Way): string => {
  const named = Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, [value]]));
  const message = { ...WAYS[way], mail: { messageId: 'm', timestamp: MORNING, tags: named } };
  return JSON.stringify({ Type: 'Notification', TopicArn: TOPIC, Message: JSON.stringify(message) });
};

/** A company whose mails come back from the addresses that `bounces` names, told as soon as they are sent. */
const bench = async ({ bounces = [] as string[], early = false, cases = [CASE] as readonly CustomerCase[] } = {}) => {
  const stores = { ...memoryStores(), staff: memoryStaff(STAFF) };
  for (const one of cases) await stores.cases.createIfAbsent(one);
  const clock = settableClock(MORNING);
  const sent: OutgoingMail[] = [];
  const told: ReturnedStaffMail[] = [];
  const events = {
    ...stores,
    clock,
    topicArn: TOPIC,
    tellStaffReturned: async (returned: ReturnedStaffMail) => void told.push(returned),
  };
  const happens = (mail: OutgoingMail | undefined, way: Way) => ingestMailEvent(eventOf(mail?.tags ?? {}, way), events);
  const late: OutgoingMail[] = [];
  let attempts = 0;
  const ports: EscalateCasesPorts = {
    clock,
    cases: stores.cases,
    staff: stores.staff,
    mail: {
      send: async (mail) => {
        sent.push(mail);
        if (bounces.includes(mail.to.split('@')[0] ?? '')) {
          if (early) await happens(mail, 'hard');
          else late.push(mail);
        }
        return { kind: 'accepted', messageId: `m${sent.length}` };
      },
    },
    pacer: { reserve: async () => undefined },
    newAttemptId: () => {
      attempts += 1;
      return `a${attempts}`;
    },
    operatorAddress: 'operators@bank.example.com',
    frame: () => ({
      sender: { company: 'Bank', address: 'survey@bank.example.com', postalAddress: 'Road 1' },
      replyTo: 'service@bank.example.com',
      commandOptions: '',
      timeZone: 'UTC',
    }),
    segmentLabel: async (_wave, segment) => segment,
  };
  const sweep = async () => {
    const swept = await escalateCases(ports);
    for (const mail of late.splice(0)) await happens(mail, 'hard');
    return swept;
  };
  const written = (): readonly string[] => sent.map((mail) => `${mail.tags['notice']} ${mail.to.split('@')[0]}`);
  const states = async () => (await stores.cases.get('k'))?.notices?.map(({ to, state }) => `${to} ${state}`);
  return { ...stores, clock, sent, told, happens, sweep, written, states, ports };
};

describe.each([
  ['before the mail service answers', true],
  ['after it', false],
] as const)('a mail about a case that comes back %s', (_, early) => {
  it('R32 goes to the next in line at once, and so do the later ones', async () => {
    const { sweep, written, states, clock, sent } = await bench({ bounces: ['li.wei'], early });
    await sweep();
    await sweep();
    await sweep();
    expect(written()).toEqual(['opened li.wei', 'opened wang.fang']);
    expect(await states()).toEqual(['Li Wei bounced', 'Wang Fang accepted']);
    const mail = await PostalMime.parse(sent[1]?.raw ?? new Uint8Array());
    expect(mail.text).toContain('It belongs to Li Wei, whom no mail reaches');

    clock.moveBy(49 * HOUR);
    expect(await sweep()).toMatchObject({ mailed: 2, escalated: 1 });
    expect(written().slice(2)).toEqual(['overdue wang.fang', 'escalated wang.fang']);
  });

  it('R32 passes a superior over as well, and escalates once', async () => {
    const { sweep, written, clock, cases } = await bench({ bounces: ['wang.fang'], early });
    await sweep();
    clock.moveBy(49 * HOUR);
    const swept = [await sweep(), await sweep(), await sweep()];

    expect(written()).toEqual(['opened li.wei', 'overdue li.wei', 'escalated wang.fang', 'escalated zhou.lan']);
    expect(swept.map(({ escalated }) => escalated)).toEqual([1, 0, 0]);
    expect((await cases.get('k'))?.history.filter(({ event }) => event === 'escalated')).toHaveLength(1);
  });

  it('R32 ends with the operators where everybody’s comes back, and is tried again at a new address', async () => {
    const everybody = ['li.wei', 'wang.fang', 'zhou.lan', 'operators'];
    const { sweep, written, states, staff, clock } = await bench({ bounces: everybody, early });
    for (let minute = 0; minute < 9; minute += 1) await sweep();
    expect(written()).toEqual(everybody.map((name) => `opened ${name}`));

    // The same address in other letters is the same mailbox.
    await staff.put({ ...LI, email: 'LI.Wei@bank.example.com' });
    await sweep();
    expect(written()).toHaveLength(4);

    await staff.put({ ...LI, email: 'li.new@bank.example.com' });
    await sweep();
    clock.moveBy(24 * HOUR);
    await sweep();
    expect(written().slice(4)).toEqual(['opened li.new', 'overdue li.new']);
    expect((await states())?.slice(4)).toEqual(['Li Wei accepted', 'Li Wei accepted']);
  });
});

describe('what becomes of a mail about a case', () => {
  it('is the same in whichever order and however often events come, and is counted and changed once', async () => {
    const ways = fc.array(fc.constantFrom<Way>('hard', 'suppressed', 'soft', 'send', 'delivery', 'reject'), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(ways, fc.boolean(), fc.boolean(), async (happened, complains, atOnce) => {
        const { sweep, states, sent, happens, cases } = await bench();
        await sweep();
        const all: readonly Way[] = complains ? [...happened, 'complaint', ...happened] : happened;
        if (atOnce) await Promise.all(all.map((way) => happens(sent[0], way)));
        else for (const way of all) await happens(sent[0], way);

        const hard = happened.some((way) => way === 'hard' || way === 'suppressed');
        expect(await states()).toEqual([`Li Wei ${complains ? 'complained' : hard ? 'bounced' : 'accepted'}`]);
        expect((await cases.get('k'))?.history).toEqual(CASE.history);
      }),
      { numRuns: 60 },
    );
  });

  it('R37 sends one mail to the next in line, however many sweeps there are at once and wherever one died', async () => {
    for (const call of [1, 2, 3, 4, 5, 6]) {
      const { sweep, ports, sent, happens, cases, written } = await bench();
      const dying = dyingAt(ports, ['cases', 'mail', 'pacer', 'staff'], call, 'after');
      await escalateCases(dying.ports).catch(() => undefined);
      await sweep();
      const [first] = sent;
      if (first === undefined) {
        // It died between the claim and the mail service: nothing went out, and nobody can tell.
        expect((await cases.get('k'))?.notices).toMatchObject([{ state: 'claimed' }]);
        continue;
      }
      await happens(first, 'hard');
      await Promise.all([sweep(), sweep(), sweep()]);
      await happens(first, 'hard');
      await sweep();

      expect(written()).toEqual(['opened li.wei', 'opened wang.fang']);
    }
  });

  it('does no harm to a case that is closed, and brings none back that was erased', async () => {
    const { sweep, sent, happens, cases, customers, clock, written } = await bench({
      cases: [CASE, { ...CASE, caseId: 'erased' }],
    });
    customers.all.set('c1', factsOf('c1', { openCase: 'k' }));
    await sweep();
    const [first, second] = sent;
    await closeCase('k', { by: 'Li Wei', outcome: 'solved', note: 'done' }, { clock, cases, customers });
    await cases.remove('erased');

    const toClosed = first?.tags['case'] === 'k' ? first : second;
    const toErased = first?.tags['case'] === 'k' ? second : first;
    expect(await happens(toClosed, 'hard')).toBe('noted');
    expect(await happens(toErased, 'hard')).toBe('ignored');
    clock.moveBy(72 * HOUR);
    await sweep();

    expect(await cases.get('erased')).toBeUndefined();
    expect(await cases.get('k')).toMatchObject({ state: 'closed', outcome: 'solved', notices: [{ state: 'bounced' }] });
    expect(written()).toHaveLength(2);
  });

  it('is passed over where the attempt is not known, or the mail is of before attempts were tags', async () => {
    const { sweep, sent, happens, states, told } = await bench();
    await sweep();
    const [mail] = sent;
    const { attempt: _attempt, ...older } = mail?.tags ?? {};
    for (const tags of [{ ...mail?.tags, attempt: 'a99' }, older, { kind: 'notice' }])
      expect(await happens({ ...mail, tags } as OutgoingMail, 'hard')).toBe('ignored');

    expect(await states()).toEqual(['Li Wei accepted']);
    expect(told).toEqual([]);
  });

  it('names whom no mail reaches until the directory has another address, and counts each mail once', async () => {
    const counted = memoryMetrics();
    const { sweep, sent, happens, cases, told } = await bench();
    await sweep();
    await withMetrics(counted.metrics, async () => {
      for (const way of ['soft', 'hard', 'complaint'] as const) await happens(sent[0], way);
    });
    const known = await cases.get('k');
    if (known === undefined) throw new Error('no case');

    expect(notReachedFor(known, directoryOf(STAFF))).toEqual(['Li Wei']);
    expect(notReachedFor(known, directoryOf([{ ...LI, email: 'new@bank.example.com' }]))).toEqual([]);
    expect(notReachedFor(known, directoryOf([]))).toEqual([]);
    expect(JSON.stringify(known)).not.toContain('@');
    expect(counted.sum('StaffMailsBounced')).toBe(1);
    // Again, so that a process that dies between the two is made up for.
    expect(told).toEqual([
      { name: 'Li Wei', caseId: 'k' },
      { name: 'Li Wei', caseId: 'k' },
    ]);
  });
});

describe('the mail with an action list that comes back', () => {
  const attempt = { kind: 'actions', run: RUN, attempt: 'a1' };
  const listed = async (state: StaffMail['state'] = 'accepted') => {
    const one = await bench();
    const id = staffMailId(RUN, staffKey('Li Wei'));
    await one.staffMails.create(id, { state, attemptId: 'a1', at: MORNING });
    await one.staffMails.create(staffMailId(RUN, staffKey('Zhou Lan')), { ...OTHER, state: 'accepted' });
    await one.staffMails.create(staffMailId('2026-09-monthly', staffKey('Zhou Lan')), { ...OTHER, state: 'bounced' });
    const happens = (way: Way, tags: OutgoingMail['tags'] = attempt) => one.happens({ ...MAIL, tags }, way);
    return { ...one, id, happens };
  };
  const OTHER = { attemptId: 'a2', at: MORNING };
  const MAIL = { raw: new Uint8Array(), from: 'x', to: 'x' };

  it('is said of the run, by the name in the directory, also where the sender died or had no answer', async () => {
    for (const state of ['claimed', 'unknown', 'accepted'] as const) {
      const { happens, told, staff, staffMails } = await listed(state);
      expect(await listsNotReceived(RUN, { staff, staffMails })).toEqual([]);
      for (const way of ['hard', 'delivery', 'send', 'hard', 'soft'] as const) await happens(way);

      expect(await listsNotReceived(RUN, { staff, staffMails })).toEqual([{ name: 'Li Wei', state: 'bounced' }]);
      expect(told[0]).toEqual({ name: 'Li Wei', runId: RUN });
    }
  });

  it('keeps what the mail service told against an answer to the sending that comes after', async () => {
    const { happens, id, staffMails } = await listed('claimed');
    const claimed = await staffMails.get(id);
    await happens('complaint');
    await happens('hard');

    expect(await staffMails.replace(id, { ...OTHER, attemptId: 'a1', state: 'accepted' }, claimed?.rev ?? 0)).toBe(
      'conflict',
    );
    expect((await staffMails.get(id))?.record).toEqual({ state: 'complained', attemptId: 'a1', at: MORNING });
  });

  it('is noted however many workers write at once, and passed over of another attempt or run', async () => {
    const { happens, id, staffMails, told } = await listed();
    expect(await happens('hard', { ...attempt, attempt: 'a9' })).toBe('ignored');
    expect(await happens('hard', { ...attempt, run: '2026-09-monthly' })).toBe('ignored');
    expect(told).toEqual([]);

    const counted = memoryMetrics();
    await withMetrics(counted.metrics, () => Promise.all([1, 2, 3, 4].map(() => happens('hard'))));
    expect(counted.sum('StaffMailsBounced')).toBe(1);
    expect(await staffMails.get(id)).toMatchObject({ record: { state: 'bounced' }, rev: 2 });
  });

  it('names nobody who has left the directory since', async () => {
    const { happens, staff, staffMails, told } = await listed();
    await staff.remove('Li Wei');
    await happens('hard');

    expect(await listsNotReceived(RUN, { staff, staffMails })).toEqual([{ name: null, state: 'bounced' }]);
    expect(told).toEqual([{ name: null, runId: RUN }]);
  });
});

describe('the notice that mail to the staff comes back', () => {
  const desk = (outcomes: SendOutcome[] = []) => {
    const clock = settableClock(MORNING);
    const sent: OutgoingMail[] = [];
    let attempts = 0;
    const staffMails = memoryRecords<StaffMail>();
    const tell = tellStaffReturned({
      clock,
      staffMails,
      timeZone: 'Asia/Shanghai',
      newAttemptId: () => `n${++attempts}`,
      sender: { company: 'Bank', address: 'survey@bank.example.com', postalAddress: 'Road 1' },
      replyTo: 'service@bank.example.com',
      operatorAddress: 'operators@bank.example.com',
      commandOptions: '--target aws --stage prod',
      mail: {
        send: async (mail) => {
          sent.push(mail);
          return outcomes.shift() ?? { kind: 'accepted', messageId: 'm' };
        },
        quota: async () => ({ max24h: 1, maxPerSecond: 1, sentLast24h: 0 }),
      },
    });
    return { clock, sent, staffMails, tell };
  };

  it('goes to the operators once a business day, with the name and the commands that show it', async () => {
    const { tell, sent, clock } = desk();
    await Promise.all([tell({ name: 'Li Wei', caseId: 'k' }), tell({ name: 'Li Wei', caseId: 'k' })]);
    await tell({ name: null, runId: RUN });
    expect(sent.map(({ to, tags }) => ({ to, tags }))).toEqual([
      { to: 'operators@bank.example.com', tags: { kind: 'notice' } },
    ]);
    const { text, subject } = await PostalMime.parse(sent[0]?.raw ?? new Uint8Array());
    expect(subject).not.toContain('Li Wei');
    expect(text).toContain('Mail to Li Wei came back for good on 2 November 2026');
    expect(text).toContain('resegment case show k --target aws --stage prod');

    clock.moveBy(8 * HOUR);
    await tell({ name: null, runId: RUN });
    expect((await PostalMime.parse(sent[1]?.raw ?? new Uint8Array())).text).toContain(`resegment run show ${RUN}`);
  });

  it('is tried again where the mail service proves that it took none, and never where that is not known', async () => {
    const refused = desk([{ kind: 'notAccepted', retryable: true, reason: 'Throttling' }]);
    for (let times = 0; times < 3; times += 1) await refused.tell({ name: 'Li Wei', caseId: 'k' });
    expect(refused.sent).toHaveLength(2);

    const unclear = desk([{ kind: 'unknown', reason: 'reset' }]);
    for (let times = 0; times < 3; times += 1) await unclear.tell({ name: 'Li Wei', caseId: 'k' });
    expect(unclear.sent).toHaveLength(1);
  });
});
