import { beforeEach, describe, expect, it } from 'vitest';
import { type StaffMail, staffMailId } from '#shared/contracts/staff-mail.ts';
import { mailboxKey, type StaffMember, staffKey } from '#shared/domain/staff.ts';
import type { CaseNotice } from '#shared/ports/case-store.ts';
import { activate, operator } from '#test/support/bench-target.ts';
import { memoryRecords, memoryStaff } from '#test/support/memory-stores.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { memoryStores, openCase } from '#test/survey/memory.ts';

const MORNING = '2026-11-01T08:00:00.000Z';
const LI: StaffMember = {
  name: 'Li Wei',
  email: 'li.wei@bank.example.com',
  superior: null,
  branch: 'Pudong',
  role: 'manager',
  language: 'en',
};
const notice = (to: string, state: CaseNotice['state'], email: string): CaseNotice => ({
  kind: 'opened',
  opening: MORNING,
  at: MORNING,
  to,
  mailbox: mailboxKey(email),
  attemptId: `a-${to}`,
  tries: 1,
  state,
});
const NOTICES = [
  notice('Li Wei', 'bounced', LI.email),
  notice('Wang Fang', 'complained', 'wang@bank.example.com'),
  notice('Zhou Lan', 'accepted', 'zhou@bank.example.com'),
];

let resegment: ReturnType<typeof operator>;
let staff: ReturnType<typeof memoryStaff>;
let staffMails: ReturnType<typeof memoryRecords<StaffMail>>;
let runId: string;

beforeEach(async () => {
  const bench = openMemoryBench();
  const { cases } = memoryStores();
  staff = memoryStaff([LI]);
  staffMails = memoryRecords<StaffMail>();
  resegment = operator(bench, cases, undefined, undefined, staff, staffMails);
  await activate(bench, SCORE_POLICY);
  bench.setNow(MORNING);
  await withScore(bench, { c: 10 }, '2026-10-15');
  runId = (await bench.run({ trigger: 'schedule', scheduledAt: MORNING, survey: false })).runId;
  await cases.createIfAbsent(openCase('k', { openedAt: MORNING, dueAt: MORNING, notices: NOTICES }));
});

describe('a case whose mails come back', () => {
  it('R33 says so in the list and for each mail, in the language of the reader', async () => {
    const row = (await resegment('case', 'list', '--csv')).out.split('\n');
    expect(row[0]).toContain('state,mail bounces,');
    expect(row[1]).toContain('open,Li Wei,');
    expect((await resegment('case', 'list', '--csv', '--lang', 'zh-CN')).out).toContain('状态,邮件退回,');

    const { out } = await resegment('case', 'show', 'k');
    expect(out).toMatch(/mail bounces +Li Wei \(the next in line is mailed until import staff/u);
    expect(out).toMatch(/opened +Li Wei +bounced\n.*opened +Wang Fang +called spam\n.*opened +Zhou Lan +sent/u);
    const chinese = (await resegment('case', 'show', 'k', '--lang', 'zh-CN')).out;
    expect(chinese).toMatch(/邮件退回 +Li Wei \(更正员工名录中的邮箱/u);
    expect(chinese).toMatch(/Li Wei +已退回\n.*Wang Fang +被标为垃圾邮件\n.*Zhou Lan +已发出/u);
    expect((await resegment('case', 'list', '--json')).json).toMatchObject([{ notReached: ['Li Wei'] }]);
  });

  it('is silent of it in the list once the directory has another address; the mail stays as it was', async () => {
    await staff.put({ ...LI, email: 'li@bank.example.com' });

    expect((await resegment('case', 'list', '--json')).json).toMatchObject([{ notReached: [] }]);
    const { out } = await resegment('case', 'show', 'k');
    expect(out).not.toContain('the next in line');
    expect(out).toMatch(/opened +Li Wei +bounced/u);
  });
});

describe('a run whose action lists come back', () => {
  it('R33 names who did not get the list, and nobody else', async () => {
    expect((await resegment('run', 'show', runId)).out).not.toContain('action list');
    const states = { 'Li Wei': 'bounced', Gone: 'refused', 'Zhou Lan': 'accepted' } as const;
    for (const [name, state] of Object.entries(states))
      await staffMails.create(staffMailId(runId, staffKey(name)), { state, attemptId: name, at: MORNING });

    expect((await resegment('run', 'show', runId)).out).toContain(
      'did not get their action list by mail: Li Wei (bounced), somebody no longer in the directory (refused)\n',
    );
    expect((await resegment('run', 'show', runId, '--lang', 'zh-CN')).out).toContain(
      '未收到优先联系名单邮件：Li Wei (已退回)、已不在员工名录中的人员 (被拒绝)\n',
    );
    expect((await resegment('run', 'show', runId, '--json')).json).toMatchObject({
      listsNotReceived: [
        { name: 'Li Wei', state: 'bounced' },
        { name: null, state: 'refused' },
      ],
    });
  });
});
