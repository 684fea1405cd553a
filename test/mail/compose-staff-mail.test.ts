import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import type { ActionList, ActionRow, ActionSection } from '#shared/application/action-lists.ts';
import { composeActionList, composeCaseNotice, type StaffMailFrame } from '#shared/application/compose-staff-mail.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import { STAFF_MAIL_KEYS, type StaffMailKey, staffMailText } from '#shared/domain/staff-mail-text.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import { SCORE_POLICY } from '#test/support/score-policy.ts';

const FRAME: StaffMailFrame = {
  language: 'en',
  to: { name: '李伟', address: 'li@bank.example.com' },
  sender: { company: '示例银行', address: 'survey@bank.example.com', postalAddress: 'Road 1\nShanghai' },
  replyTo: 'service@bank.example.com',
  commandOptions: '--target aws --stage prod',
  timeZone: 'Asia/Shanghai',
};

const KNOWN: CustomerCase = {
  caseId: 'k1',
  customerId: 'C-1042',
  subject: 's',
  waveId: 'w',
  segment: 'low',
  branch: null,
  manager: 'Gone',
  owner: { kind: 'manager', name: 'Gone' },
  reason: 'complaint',
  score: 1,
  question: 'csat',
  priority: 'high',
  openedAt: '2026-11-02T18:00:00.000Z',
  dueAt: '2026-11-03T18:00:00.000Z',
  state: 'open',
  history: [],
};

const policyOf = () => {
  const parsed = parsePolicy(SCORE_POLICY, 'test.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.policy;
};

const LONG = 'ＷＷＷＷ'.repeat(25);
const listOf = (rows: number, more: Partial<ActionRow> = {}): ActionList => {
  const part = (section: ActionSection) => ({
    total: rows,
    rows: Array.from(
      { length: rows },
      (_, index): ActionRow => ({
        customerId: `C-${index}`,
        section,
        branch: 'Pudong',
        manager: 'Li Wei',
        segment: 'low',
        from: 'high',
        move: 'down',
        reasons: ['movedDown'],
        why: 'Step 3 → 1',
        atStake: 12,
        service: {},
        case: null,
        ...more,
      }),
    ),
  });
  return {
    desk: { kind: 'branch', name: 'Pudong' },
    sections: {
      cases: part('cases'),
      proposals: part('proposals'),
      falling: part('falling'),
      rising: part('rising'),
      others: part('others'),
    },
  };
};

describe('the sentences of mails to the staff', () => {
  it('R33 name the same values in both languages', () => {
    const placeholders = (language: 'en' | 'zh-CN', key: string): string => {
      const found = new Set<string>();
      const spy = new Proxy<Record<string, string>>({}, { get: (_, name) => found.add(String(name)) && '' });
      staffMailText(language, key as StaffMailKey, spy);
      return [...found].sort().join();
    };
    for (const key of STAFF_MAIL_KEYS)
      expect(`${key} ${placeholders('zh-CN', key)}`).toBe(`${key} ${placeholders('en', key)}`);
  });
});

describe('a mail about a case', () => {
  it('says in the time zone of the stage by when, for whom the reader stands in, and how the commands find the stage', async () => {
    const mail = await composeCaseNotice({ ...FRAME, kind: 'opened', about: KNOWN, segment: 'Low', isOwner: false });

    expect(mail.subject).toBe('[Resegment] A customer needs you by 4 Nov 2026, 02:00');
    expect(mail.text).toContain(
      'It belongs to Gone, whom no mail reaches: the staff directory has no address, or mail to it came back.',
    );
    expect(mail.text).toContain('resegment case take k1 --target aws --stage prod');
    expect(mail.text).toContain('1 on a scale from 1 to 5');
    expect(mail.html).toContain('a complaint');
  });

  it('R34 is 7-bit and round-trips Chinese names', async () => {
    const { raw } = await composeCaseNotice({
      ...FRAME,
      language: 'zh-CN',
      kind: 'escalated',
      about: { ...KNOWN, owner: { kind: 'branch', name: '浦东' } },
      segment: '低',
      isOwner: true,
    });
    const lines = new TextDecoder().decode(raw).split('\r\n');
    const parsed = await PostalMime.parse(raw);

    expect(raw.every((byte) => byte < 128)).toBe(true);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(998);
    expect(parsed.to?.[0]?.name).toBe('李伟');
    expect(parsed.text).toContain('原负责人：浦东网点');
  });
});

describe('a mail with an action list', () => {
  it('shows the first eight of a part, counts the rest, and attaches all', async () => {
    const mail = await composeActionList({
      ...FRAME,
      runId: '2026-10-monthly',
      asOf: '2026-10-31',
      list: listOf(20),
      policy: policyOf(),
    });
    const { attachments } = await PostalMime.parse(mail.raw);

    expect(mail.text.match(/C-7 \|/gu)).toHaveLength(5);
    expect(mail.text).not.toContain('C-8 |');
    expect(mail.text).toContain('12 more in the attached file or the tool');
    const content = attachments[0]?.content;
    const csv = typeof content === 'string' ? content : new TextDecoder().decode(content);
    expect(csv.split('\r\n')).toHaveLength(102);
  });

  it('R24 R34 stays below 90 kB and shows no markup, however long and odd the names are', async () => {
    const odd = `<img src=x onerror=alert(1)>${LONG}`;
    const mail = await composeActionList({
      ...FRAME,
      runId: '2026-10-monthly',
      asOf: '2026-10-31',
      list: { ...listOf(50, { customerId: odd, manager: LONG, why: LONG }), desk: { kind: 'branch', name: odd } },
      policy: policyOf(),
    });

    expect(mail.html.length).toBeLessThan(90_000);
    expect(mail.html).not.toContain('<img');
    expect(mail.text).toContain("--branch '<img src=x onerror=alert(1)>");
  });
});
