import PostalMime from 'postal-mime';
import { beforeEach, describe, expect, it } from 'vitest';
import { type MailActionListsPorts, mailActionLists } from '#shared/application/mail-action-lists.ts';
import type { StaffMail } from '#shared/contracts/staff-mail.ts';
import type { StaffMember } from '#shared/domain/staff.ts';
import type { OutgoingMail, SendOutcome } from '#shared/ports/mail-sender.ts';
import { dyingAt } from '#test/support/dying-ports.ts';
import { memoryRecords, memoryStaff } from '#test/support/memory-stores.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { memoryStores } from '#test/survey/memory.ts';

const member = (name: string, more: Partial<StaffMember> = {}): StaffMember => ({
  name,
  email: `${name.toLowerCase().replaceAll(/\W+/gu, '.')}@bank.example.com`,
  superior: null,
  branch: 'Pudong',
  role: 'manager',
  language: 'en',
  ...more,
});
const STAFF = [
  member('Li Wei'),
  member('Idle Ida'),
  member('Wang Fang', { role: 'branchHead', language: 'zh-CN' }),
  member('Zhou Lan', { role: 'central', branch: null }),
];
const POLICY = SCORE_POLICY.replace('brakes:', 'service: { class: { low: { price: market } } }\nbrakes:');
const RUN = '2026-11-monthly';

let bench: ReturnType<typeof openMemoryBench>;
let sent: OutgoingMail[];
let outcomes: SendOutcome[];
let ports: MailActionListsPorts;

beforeEach(async () => {
  bench = openMemoryBench();
  await bench.usePolicy(POLICY);
  bench.setNow('2026-11-01T02:00:00.000Z');
  await withScore(bench, { falls: 90, rises: 1, idle: 50, lost: 80, '=orphan': 90 }, '2026-10-15');
  await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z', survey: false });
  bench.setNow('2026-12-01T02:00:00.000Z');
  await withScore(bench, { falls: 40, rises: 31, lost: 40, '=orphan': 40 }, '2026-11-15');
  for (const [customerId, manager, branch] of [
    ['falls', 'Li Wei', 'Pudong'],
    ['rises', 'Li Wei', 'Pudong'],
    ['idle', 'Idle Ida', 'Pudong'],
    ['lost', 'Gone', 'Pudong'],
  ] as const)
    await bench.addCustomer({ customerId, manager, branch });
  await bench.run({ trigger: 'schedule', scheduledAt: '2026-12-01T02:00:00.000Z' });
  sent = [];
  outcomes = [];
  let attempts = 0;
  ports = {
    ...bench.ports,
    cases: memoryStores().cases,
    staff: memoryStaff(STAFF),
    staffMails: memoryRecords<StaffMail>(),
    mail: {
      send: async (mail) => {
        const outcome = outcomes.shift() ?? { kind: 'accepted', messageId: 'm' };
        if (outcome.kind !== 'notAccepted') sent.push(mail);
        return outcome;
      },
    },
    pacer: { reserve: async () => undefined },
    newAttemptId: () => {
      attempts += 1;
      return `a${attempts}`;
    },
    frame: () => ({
      sender: { company: 'Bank', address: 'survey@bank.example.com', postalAddress: 'Road 1' },
      replyTo: 'service@bank.example.com',
      commandOptions: '',
      timeZone: 'UTC',
    }),
  };
});

const readers = (): readonly string[] => sent.map(({ to }) => to.split('@')[0] ?? '').sort();
const mailTo = async (name: string) => {
  const mail = sent.find(({ to }) => to.startsWith(name));
  return PostalMime.parse(mail?.raw ?? new Uint8Array());
};

describe('mailing action lists', () => {
  it('writes once to each manager and head of the directory who has something to do, and to the central queue', async () => {
    await mailActionLists({ runId: RUN }, ports);
    await mailActionLists({ runId: RUN }, ports);

    expect(readers()).toEqual(['li.wei', 'wang.fang', 'zhou.lan']);
    expect(sent.map(({ tags }) => tags)).toEqual(
      ['a1', 'a2', 'a3'].map((attempt) => ({ kind: 'actions', run: RUN, attempt })),
    );
  });

  it('gives a manager the own customers and a head those of the whole branch, in the language of each', async () => {
    await mailActionLists({ runId: RUN }, ports);

    const li = await mailTo('li.wei');
    expect(li.subject).toBe('[Resegment] Whom to call first: 2 of your customers, data as of 30 November 2026');
    expect(li.text).toContain('falls | High → Middle | 40 | moved down (Score 40)');
    expect(li.text).toContain("resegment action list --manager 'Li Wei' --run 2026-11-monthly");
    expect(li.text).not.toContain('lost');
    expect(li.html).toContain('Rising (1)');

    const head = await mailTo('wang.fang');
    expect(head.subject).toContain('Pudong网点优先联系名单：3 户客户');
    expect(head.text).toContain('lost | Gone | 高 → 中');
    expect(head.html).toContain('lang="zh-CN"');
    expect((await mailTo('zhou.lan')).text).toContain('=orphan');
  });

  it('R24 attaches the list as CSV that opens in Excel and holds no formula', async () => {
    await mailActionLists({ runId: RUN }, ports);
    const [file] = (await mailTo('zhou.lan')).attachments;

    expect(file).toMatchObject({ filename: 'actions-2026-11-monthly.csv', mimeType: 'text/csv' });
    const csv = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      typeof file?.content === 'string' ? new TextEncoder().encode(file.content) : file?.content,
    );
    expect(csv.startsWith('\ufefflist,place,section')).toBe(true);
    expect(csv).toContain(
      'central queue,1,"Falling, or likely to",\'=orphan,,,Middle,High,moved down (Score 40),40,,,',
    );
  });

  it('writes nothing after runs that start no survey, plans, and without a directory', async () => {
    await mailActionLists({ runId: '2026-10-monthly' }, ports);
    await mailActionLists({ runId: RUN }, { ...ports, staff: memoryStaff() });
    const planned = await bench.run({ mode: 'plan', asOf: '2026-11-30', requestId: 'p', survey: true });
    await mailActionLists({ runId: planned.runId }, ports);

    expect(sent).toEqual([]);
  });

  it('goes on with the others where a mail is refused for now, and never repeats one whose outcome is not known', async () => {
    outcomes.push({ kind: 'unknown', reason: 'reset' }, { kind: 'notAccepted', retryable: true, reason: 'Throttling' });
    await expect(mailActionLists({ runId: RUN }, ports)).rejects.toMatchObject({ code: 'staff-mail-refused' });
    expect(sent).toHaveLength(1);

    await mailActionLists({ runId: RUN }, ports);

    expect(readers()).toEqual(['li.wei', 'wang.fang', 'zhou.lan']);
  });

  it('R37 writes at most once to everybody, wherever a step dies and however many run at once', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let call = 1; ; call += 1) {
        const staffMails = memoryRecords<StaffMail>();
        sent.length = 0;
        const own = { ...ports, staffMails };
        const dying = dyingAt(own, ['staffMails', 'mail', 'pacer', 'cases', 'staff'], call, moment);
        await mailActionLists({ runId: RUN }, dying.ports).catch(() => undefined);
        await Promise.all([mailActionLists({ runId: RUN }, own), mailActionLists({ runId: RUN }, own)]);

        const uncertain = (await staffMails.list()).filter(({ record }) => record.state === 'claimed').length;
        expect(new Set(readers()).size).toBe(sent.length);
        expect(sent.length + uncertain).toBeGreaterThanOrEqual(3);
        expect(uncertain).toBeLessThanOrEqual(1);
        if (!dying.reached()) break;
      }
    }
  });
});
