import { beforeEach, describe, expect, it } from 'vitest';
import { projectAnswer } from '#shared/application/project-answer.ts';
import type { Answer } from '#shared/domain/answer-rules.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import { activate, operator } from '#test/support/bench-target.ts';
import { memoryStaff } from '#test/support/memory-stores.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { memoryStores, storedAnswer } from '#test/survey/memory.ts';

const MORNING = '2026-11-01T08:00:00.000Z';

let bench: ReturnType<typeof openMemoryBench>;
let stores: ReturnType<typeof memoryStores>;
let resegment: ReturnType<typeof operator>;

/** What a version of an answer of customer `c` brings. */
const answers = async (
  more: Partial<Answer> & { readonly answerId: string },
  customers: Pick<CustomerStore, 'get' | 'put'> = bench.ports.customers,
): Promise<void> => {
  const facts = await bench.ports.customers.get('c');
  const answer: Answer = {
    waveId: 'w-2026-10-monthly',
    customerId: 'c',
    question: 'nps',
    segment: 'low',
    language: 'en',
    version: 1,
    score: 2,
    comment: 'slow',
    wishes: [],
    at: MORNING,
    signals: [],
    suspect: false,
    history: [],
    ...more,
  };
  const stored = { answer, pending: true, subject: facts?.subject ?? '', caseForEveryLow: false, caseDueHours: 24 };
  await projectAnswer(
    { ...stored, branch: 'Pudong', manager: 'Li Wei' },
    { ...bench.ports, customers, answers: stores.answers, cases: stores.cases, businessTimeZone: 'UTC' },
  );
};
const openCase = async (): Promise<string | undefined> => (await bench.ports.customers.get('c'))?.openCase;
const close = (id: string, ...more: readonly string[]) =>
  resegment('case', 'close', id, '--outcome', 'solved', '--note', 'invoice corrected', ...more);

beforeEach(async () => {
  bench = openMemoryBench();
  stores = memoryStores();
  resegment = operator(bench, stores.cases);
  await activate(bench, SCORE_POLICY);
  bench.setNow(MORNING);
  await withScore(bench, { c: 10 }, '2026-10-15');
  await answers({ answerId: 'k1' });
});

describe('a case', () => {
  it('R28 has an owner, is due in a day and goes to the branch after two', async () => {
    const fresh = await resegment('case', 'show', 'k1', '--json');
    expect(fresh.json).toMatchObject({
      state: 'open',
      owner: { kind: 'manager', name: 'Li Wei' },
      dueAt: '2026-11-02T08:00:00.000Z',
      isOverdue: false,
      escalation: { at: '2026-11-03T08:00:00.000Z', to: { kind: 'branch', name: 'Pudong' }, isDue: false },
    });
    expect((await resegment('case', 'list', '--state', 'overdue')).out).toBe('no open case\n');

    bench.setNow('2026-11-03T08:00:00.000Z');

    const late = await resegment('case', 'list', '--state', 'overdue', '--json');
    expect(late.json).toMatchObject([{ caseId: 'k1', isOverdue: true, escalation: { isDue: true } }]);
    expect((await resegment('case', 'list', '--csv')).out).toContain('(over),Pudong,open');
    expect((await resegment('case', 'show', 'k1', '--lang', 'zh-CN')).out).toContain('已超时');
    const chinese = (await resegment('case', 'list', '--lang', 'zh-CN')).out;
    expect(chinese).toMatch(/^个案 .*负责人/u);
    expect(chinese).toMatch(/已超时.*待处理/u);
    expect(chinese).not.toMatch(/over|lowAnswer|owner/u);
  });

  it('shows what the customer wrote, whom the mails told, and whom the directory has above the owner', async () => {
    const [li, wang] = [
      {
        name: 'Li Wei',
        email: 'li@x.example.com',
        superior: 'Wang Fang',
        branch: 'Pudong',
        role: 'manager',
        language: 'en',
      },
      {
        name: 'Wang Fang',
        email: 'w@x.example.com',
        superior: null,
        branch: 'Pudong',
        role: 'branchHead',
        language: 'en',
      },
    ] as const;
    await stores.answers.put({ ...storedAnswer('k1', 1), pending: false }, 0);
    await stores.cases.update('k1', (known) => ({
      ...known,
      notices: [
        {
          kind: 'opened',
          opening: known.openedAt,
          at: MORNING,
          to: 'Li Wei',
          attemptId: 'a1',
          tries: 1,
          state: 'unknown',
          reason: 'reset',
        },
      ],
    }));
    const told = operator(bench, stores.cases, undefined, stores.answers, memoryStaff([li, wang]));

    const shown = await told('case', 'show', 'k1');
    expect(shown.out).toContain('很好 😀');
    expect(shown.out).toContain('uncertain: it may not have gone out (reset)');
    expect((await told('case', 'show', 'k1', '--lang', 'zh-CN')).out).toContain('发给员工的邮件');
    expect((await told('case', 'show', 'k1', '--json')).json).toMatchObject({
      comment: '很好 😀',
      escalation: { to: { kind: 'superior', name: 'Wang Fang' } },
    });

    expect((await told('case', 'list', '--state', 'escalated')).out).toBe('no open case\n');
    bench.setNow('2026-11-03T08:00:00.000Z');
    expect((await told('case', 'list', '--state', 'escalated', '--csv')).out).toContain('(over),Wang Fang,open');
  });

  it('is taken by one person, and taken over only on purpose', async () => {
    expect((await resegment('case', 'take', 'k1')).out).toContain('taken by Ann (unverified)');
    expect((await resegment('case', 'take', 'k1')).code).toBe(0);
    await stores.cases.update('k1', (known) => ({
      ...known,
      history: [...known.history, { event: 'taken', at: MORNING, by: 'Bob' }],
    }));

    const second = await resegment('case', 'take', 'k1', '--json');
    const over = await resegment('case', 'take', 'k1', '--over', '--json');

    expect(second).toMatchObject({
      code: 2,
      json: { error: { code: 'case-taken', hint: expect.stringContaining('--over') } },
    });
    expect(second.out).toContain(`taken by Bob at ${MORNING}`);
    expect(
      Object(over.json)
        .history.map((event: { by: string }) => event.by)
        .slice(1),
    ).toEqual(['Ann (unverified)', 'Bob', 'Ann (unverified)']);
  });

  it('is closed once with an outcome and a note, which frees the customer', async () => {
    expect(await openCase()).toBe('k1');

    expect((await close('k1')).code).toBe(0);

    expect(await openCase()).toBeUndefined();
    const shown = await resegment('case', 'show', 'k1');
    expect(shown.out).toContain('invoice corrected');
    expect((await close('k1')).err).toContain(`closed by Ann (unverified) at ${MORNING} as solved: invoice corrected`);
    expect((await resegment('case', 'take', 'k1', '--json')).json).toMatchObject({ error: { code: 'case-closed' } });
    expect((await stores.cases.get('k1'))?.history.map(({ event }) => event)).toEqual(['opened', 'closed']);
  });

  it('leaves another open case of the customer in force when it is closed', async () => {
    await answers({ answerId: 'k2' });
    expect(await openCase()).toBe('k2');

    await close('k2');
    expect(await openCase()).toBe('k1');
    await close('k1');

    expect(await openCase()).toBeUndefined();
  });

  it('keeps a customer from being proposed for exit only while it is open', async () => {
    const exits = async (now: string) => {
      bench.setNow(now);
      await bench.run({ trigger: 'schedule', scheduledAt: now });
      return (await bench.ports.flags.listOpen()).length;
    };
    expect(await exits('2026-12-01T02:00:00.000Z')).toBe(0);

    await close('k1');

    expect(await exits('2027-01-01T02:00:00.000Z')).toBe(1);
  });

  it('is not opened again by the answer that opened it', async () => {
    await close('k1');

    await answers({ answerId: 'k1' });
    await answers({ answerId: 'k1', version: 2, score: 9, comment: 'slow' });

    expect((await stores.cases.get('k1'))?.state).toBe('closed');
    expect(await openCase()).toBeUndefined();
  });

  it('is opened again, with a new due time, by a later answer that needs a person', async () => {
    await close('k1');

    await answers({ answerId: 'k1', version: 2, score: 1, wishes: ['complaint'], at: '2026-11-05T08:00:00.000Z' });

    const known = await stores.cases.get('k1');
    expect(known).toMatchObject({ state: 'open', reason: 'complaint', score: 1, dueAt: '2026-11-06T08:00:00.000Z' });
    expect(known).not.toHaveProperty('outcome');
    expect(known?.history.map(({ event }) => event)).toEqual(['opened', 'closed', 'reopened']);
    expect(await openCase()).toBe('k1');
  });

  it('that was closed while its answer was still being brought to the customer does not stay there', async () => {
    const { put } = bench.ports.customers;
    let closing: Promise<unknown> | undefined;
    const racing: typeof put = async (facts, rev) => {
      if (facts.openCase === 'k3' && closing === undefined) {
        closing = close('k3');
        await closing;
      }
      return put(facts, rev);
    };

    await answers({ answerId: 'k3' }, { ...bench.ports.customers, put: racing });

    expect((await stores.cases.get('k3'))?.state).toBe('closed');
    expect(await openCase()).toBe('k1');
  });

  it('shows a better answer that came later, once, and stays open; a machine changes nothing', async () => {
    const better = { answerId: 'k1', version: 2, score: 9 };
    await answers(better);
    await answers(better);
    await answers({ answerId: 'k1', version: 3, score: 0, suspect: true, signals: ['tooFast'] });

    expect(await stores.cases.get('k1')).toMatchObject({ state: 'open', score: 9, answerVersion: 2 });
    expect((await stores.cases.get('k1'))?.history.map(({ event, note }) => [event, note])).toEqual([
      ['opened', undefined],
      ['updated', 'score 2 → 9'],
    ]);
  });

  it.each([
    [['close', 'k1', '--outcome', 'nice', '--note', 'x'], 'outcome-unknown'],
    [['close', 'k1', '--outcome', 'solved', '--note', ' \n'], 'note-missing'],
    [['close', 'k9', '--outcome', 'solved', '--note', 'x'], 'case-unknown'],
    [['take', 'k9'], 'case-unknown'],
    [['show', 'k9'], 'case-unknown'],
    [['list', '--state', 'closed'], 'state-unknown'],
  ])('refuses %j as %s', async (words, code) => {
    expect(await resegment('case', ...words, '--json')).toMatchObject({ code: 2, json: { error: { code } } });
    expect((await stores.cases.get('k1'))?.state).toBe('open');
  });
});
