import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EscalateCasesPorts, escalateCases } from '#shared/application/escalate-cases.ts';
import { closeCase, takeCase } from '#shared/application/work-case.ts';
import type { StaffMember } from '#shared/domain/staff.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import type { OutgoingMail, SendOutcome } from '#shared/ports/mail-sender.ts';
import { dyingAt } from '#test/support/dying-ports.ts';
import { memoryStaff } from '#test/support/memory-stores.ts';
import { factsOf, memoryStores, settableClock } from '#test/survey/memory.ts';

const MORNING = '2026-11-02T08:00:00.000Z';
const HOUR = 3_600_000;

const member = (name: string, more: Partial<StaffMember> = {}): StaffMember => ({
  name,
  email: `${name.toLowerCase().replaceAll(' ', '.')}@bank.example.com`,
  superior: null,
  branch: 'Pudong',
  role: 'manager',
  language: 'en',
  ...more,
});
const STAFF = [
  member('Li Wei', { superior: 'Wang Fang' }),
  member('Wang Fang', { role: 'branchHead', language: 'zh-CN', superior: 'Zhou Lan' }),
  member('Zhou Lan', { role: 'central', branch: null }),
];

const caseOf = (caseId: string, more: Partial<CustomerCase> = {}): CustomerCase => ({
  caseId,
  customerId: `c-${caseId}`,
  subject: `s-${caseId}`,
  waveId: 'w-2026-10-monthly',
  segment: 'hold',
  branch: 'Pudong',
  manager: 'Li Wei',
  owner: { kind: 'manager', name: 'Li Wei' },
  reason: 'lowAnswer',
  score: 2,
  question: 'nps',
  priority: 'high',
  openedAt: MORNING,
  dueAt: '2026-11-03T08:00:00.000Z',
  state: 'open',
  history: [{ event: 'opened', at: MORNING, by: 'w' }],
  ...more,
});

const bench = async (cases: readonly CustomerCase[], staff: readonly StaffMember[] = STAFF) => {
  const stores = memoryStores();
  for (const one of cases) await stores.cases.createIfAbsent(one);
  const clock = settableClock(MORNING);
  const sent: OutgoingMail[] = [];
  const outcomes: SendOutcome[] = [];
  let attempts = 0;
  const ports: EscalateCasesPorts = {
    clock,
    cases: stores.cases,
    staff: memoryStaff(staff),
    mail: {
      send: async (mail) => {
        const outcome = outcomes.shift() ?? { kind: 'accepted', messageId: `m${sent.length}` };
        if (outcome.kind !== 'notAccepted') sent.push(mail);
        return outcome;
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
    segmentLabel: async (_wave, segment, language) => (language === 'en' ? segment : `类别-${segment}`),
  };
  const told = (): readonly string[] => sent.map((mail) => `${mail.tags['notice']} ${mail.to.split('@')[0]}`);
  return { ...stores, clock, sent, outcomes, ports, told };
};

const events = (known: CustomerCase | undefined): readonly string[] => known?.history.map(({ event }) => event) ?? [];

describe('telling the staff of a case', () => {
  it('R32 tells the owner at once, again when it is overdue, and the superior at 48 hours, each once', async () => {
    const { ports, clock, told, cases } = await bench([caseOf('k')]);

    for (let hour = 0; hour <= 72; hour += 1) {
      await escalateCases(ports);
      if (hour === 0) expect(told()).toEqual(['opened li.wei']);
      if (hour === 23) expect(told()).toHaveLength(1);
      if (hour === 24) expect(told().slice(1)).toEqual(['overdue li.wei']);
      if (hour === 47) expect(told()).toHaveLength(2);
      clock.moveBy(HOUR);
    }

    expect(told()).toEqual(['opened li.wei', 'overdue li.wei', 'escalated wang.fang']);
    const known = await cases.get('k');
    expect(known?.history).toEqual([
      expect.objectContaining({ event: 'opened' }),
      { event: 'escalated', at: '2026-11-04T08:00:00.000Z', by: 'schedule', note: 'Wang Fang' },
    ]);
    expect(known).toMatchObject({
      escalated: { to: { kind: 'superior', name: 'Wang Fang' } },
      owner: { name: 'Li Wei' },
    });
    expect(known?.notices?.map(({ state }) => state)).toEqual(['accepted', 'accepted', 'accepted']);
  });

  it('says in one mail what a pause of the schedule kept back, and escalates as well', async () => {
    const { ports, clock, told } = await bench([caseOf('k')]);
    clock.moveBy(49 * HOUR);

    expect(await escalateCases(ports)).toEqual({ mailed: 2, escalated: 1, uncertain: 0, failed: 0 });

    expect(told()).toEqual(['overdue li.wei', 'escalated wang.fang']);
  });

  it('tells nobody of a case that was closed, and begins anew when it opens again', async () => {
    const { ports, clock, told, cases, customers } = await bench([caseOf('k')]);
    customers.all.set('c-k', factsOf('c-k', { openCase: 'k' }));
    await escalateCases(ports);
    await closeCase('k', { by: 'Li Wei', outcome: 'solved', note: 'done' }, { clock, cases, customers });
    clock.moveBy(60 * HOUR);
    await escalateCases(ports);
    expect(told()).toEqual(['opened li.wei']);

    await cases.update('k', (known) => ({
      ...known,
      state: 'open',
      openedAt: clock.now(),
      dueAt: new Date(Date.parse(clock.now()) + 24 * HOUR).toISOString(),
      history: [...known.history, { event: 'reopened', at: clock.now(), by: 'customer' }],
    }));
    await escalateCases(ports);
    clock.moveBy(49 * HOUR);
    await escalateCases(ports);

    expect(told().slice(1)).toEqual(['opened li.wei', 'overdue li.wei', 'escalated wang.fang']);
    expect(events(await cases.get('k'))).toEqual(['opened', 'closed', 'reopened', 'escalated']);
  });

  it('reminds whoever took the case, and says nothing of a case that was taken before anybody was told', async () => {
    const { ports, clock, told, cases, customers } = await bench([caseOf('k')]);
    await takeCase('k', { by: 'Zhou Lan (unverified)' }, { clock, cases, customers });
    await escalateCases(ports);
    clock.moveBy(24 * HOUR);
    await escalateCases(ports);

    expect(told()).toEqual(['overdue zhou.lan']);
  });

  it('goes to the head of the branch, the central queue or the operators where the directory knows nobody nearer', async () => {
    const central = { owner: { kind: 'central', name: 'central' }, manager: null, branch: null } as const;
    const all = [
      caseOf('gone', { manager: 'Gone', owner: { kind: 'manager', name: 'Gone' } }),
      caseOf('branch', { manager: null, owner: { kind: 'branch', name: 'Pudong' } }),
      caseOf('central', central),
    ];
    const known = await bench(all);
    await escalateCases(known.ports);
    known.clock.moveBy(49 * HOUR);
    await escalateCases(known.ports);
    const byCase = (id: string) =>
      known.cases.get(id).then((one) => one?.notices?.map(({ kind, to }) => `${kind} ${to}`));

    expect(await byCase('gone')).toEqual(['opened Wang Fang', 'overdue Wang Fang', 'escalated Wang Fang']);
    expect(await byCase('branch')).toEqual(['opened Wang Fang', 'overdue Wang Fang', 'escalated Zhou Lan']);
    expect(await byCase('central')).toEqual(['opened Zhou Lan', 'overdue Zhou Lan', 'escalated Zhou Lan']);

    const nobody = await bench([caseOf('k')], []);
    await escalateCases(nobody.ports);
    expect(nobody.sent.map(({ to }) => to)).toEqual(['operators@bank.example.com']);
  });

  it('never sends again what the mail service may have taken, and tries again what it did not', async () => {
    const { ports, clock, told, outcomes, cases } = await bench([caseOf('k')]);
    outcomes.push({ kind: 'unknown', reason: 'reset' });
    expect(await escalateCases(ports)).toMatchObject({ uncertain: 1, mailed: 0 });
    await escalateCases(ports);
    expect(told()).toHaveLength(1);

    clock.moveBy(24 * HOUR);
    for (let failure = 0; failure < 9; failure += 1)
      outcomes.push({ kind: 'notAccepted', retryable: true, reason: 'Throttling' });
    await escalateCases(ports);
    await escalateCases(ports);
    expect(outcomes).toHaveLength(8);
    for (let quarter = 0; quarter < 12; quarter += 1) {
      clock.moveBy(HOUR / 4);
      await escalateCases(ports);
    }
    expect(outcomes).toHaveLength(4);
    expect((await cases.get('k'))?.notices).toEqual([
      expect.objectContaining({ kind: 'opened', state: 'unknown', reason: 'reset', tries: 1 }),
      expect.objectContaining({ kind: 'overdue', state: 'notAccepted', tries: 5 }),
    ]);
  });

  it('lets an address that cannot be used keep no other case from being told', async () => {
    const { ports, cases, told } = await bench(
      [caseOf('bad', { manager: 'Bad', owner: { kind: 'manager', name: 'Bad' } }), caseOf('k')],
      [...STAFF, member('Bad', { email: 'no mailbox' })],
    );

    expect(await escalateCases(ports)).toMatchObject({ mailed: 1, failed: 1 });
    expect(told()).toEqual(['opened li.wei']);
    expect((await cases.get('bad'))?.notices).toMatchObject([{ state: 'refused', reason: 'address-malformed' }]);
  });

  it('sends one mail of a kind, however many sweeps run at once', async () => {
    const { ports, clock, told, cases } = await bench([caseOf('k'), caseOf('l')]);
    const many = () => Promise.all(Array.from({ length: 6 }, () => escalateCases(ports)));
    await many();
    clock.moveBy(49 * HOUR);
    await many();

    expect([...told()].sort()).toEqual(
      ['opened li.wei', 'overdue li.wei', 'escalated wang.fang'].flatMap((one) => [one, one]).sort(),
    );
    expect(events(await cases.get('k'))).toEqual(['opened', 'escalated']);
  });

  it('R32 sends at most one mail per event, wherever a sweep dies, and the history has each escalation once', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let call = 1; ; call += 1) {
        const { ports, clock, told, cases } = await bench([caseOf('k')]);
        await escalateCases(ports);
        clock.moveBy(49 * HOUR);
        const dying = dyingAt(ports, ['cases', 'staff', 'mail', 'pacer'], call, moment);
        await escalateCases(dying.ports).catch(() => undefined);
        const reached = dying.reached();
        await escalateCases(ports);
        await escalateCases(ports);

        const mails = told();
        expect(new Set(mails).size).toBe(mails.length);
        const known = await cases.get('k');
        expect(events(known)).toEqual(['opened', 'escalated']);
        // A mail is missing only where the case says that nobody knows what became of it.
        const uncertain = known?.notices?.filter(({ state }) => state === 'claimed').length ?? 0;
        expect(mails.length + uncertain).toBeGreaterThanOrEqual(3);
        if (!reached) break;
      }
    }
  });

  it('agrees with its rules for every course of a case', async () => {
    const step = fc.oneof(
      fc.record({ wait: fc.integer({ min: 0, max: 30 }) }),
      fc.constant('take' as const),
      fc.constant('close' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (course) => {
        const { ports, clock, cases, customers, told } = await bench([caseOf('k')]);
        for (const one of course) {
          if (typeof one === 'object') clock.moveBy(one.wait * HOUR);
          else if (one === 'take')
            await takeCase('k', { by: 'Li Wei' }, { clock, cases, customers }).catch(() => undefined);
          else
            await closeCase('k', { by: 'Li Wei', outcome: 'solved', note: 'n' }, { clock, cases, customers }).catch(
              () => undefined,
            );
          await escalateCases(ports);
          const known = await cases.get('k');
          const age = Date.parse(clock.now()) - Date.parse(MORNING);
          if (known?.state !== 'closed') {
            expect(events(known).includes('escalated')).toBe(age >= 48 * HOUR);
            expect(told().includes('overdue li.wei')).toBe(age >= 24 * HOUR);
          }
        }
        expect(new Set(told()).size).toBe(told().length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the mail about a case', () => {
  it('R20 R32 names customer, segment, score, due time and commands, and not what the customer wrote', async () => {
    const { ports, sent, clock } = await bench([caseOf('k')]);
    await escalateCases(ports);
    clock.moveBy(49 * HOUR);
    await escalateCases(ports);
    const [opened, , escalated] = await Promise.all(sent.map(({ raw }) => parsed(raw)));

    expect(opened?.subject).toBe('[Resegment] A customer needs you by 3 Nov 2026, 08:00');
    for (const text of [
      'c-k',
      'hold',
      'Pudong',
      '2 on a scale from 0 to 10',
      'resegment case take k',
      'stays in the tool',
    ])
      expect(opened?.text).toContain(text);
    expect(opened?.html).toContain('c-k');
    expect(escalated?.subject).toContain('已上报给您');
    expect(escalated?.html).toContain('lang="zh-CN"');
    expect(escalated?.text).toContain('类别-hold');
    expect(escalated?.text).toContain('原负责人：Li Wei');
  });

  it('R24 shows names from files as text', async () => {
    const { ports, sent } = await bench([caseOf('k', { customerId: '<b>c</b>\r\nBcc: x@y.z', branch: '"><script>' })]);
    await escalateCases(ports);
    const mail = await parsed(sent[0]?.raw ?? new Uint8Array());

    expect(mail.html).not.toContain('<script>');
    expect(mail.html).toContain('&lt;b&gt;c&lt;/b&gt; Bcc: x@y.z');
    expect(mail.bcc ?? []).toEqual([]);
  });
});

const parsed = async (raw: Uint8Array) => (await import('postal-mime')).default.parse(raw);
