import { beforeEach, describe, expect, it } from 'vitest';
import { projectPendingAnswers } from '#shared/application/project-answer.ts';
import type { Answer } from '#shared/domain/answer-rules.ts';
import { activate, operator } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { memoryStores, storedAnswer } from '#test/survey/memory.ts';

const MORNING = '2026-11-01T08:00:00.000Z';

let bench: ReturnType<typeof openMemoryBench>;
let stores: ReturnType<typeof memoryStores>;
let resegment: ReturnType<typeof operator>;

/** Stores an answer of customer `c` as the page does, and sweeps. */
const answers = async (more: Partial<Answer> & { readonly answerId: string }, manager = 'Li Wei'): Promise<void> => {
  const facts = await bench.ports.customers.get(more.customerId ?? 'c');
  const base = storedAnswer(more.answerId, 1);
  const stored = {
    ...base,
    answer: {
      ...base.answer,
      customerId: 'c',
      segment: 'low',
      score: 2,
      comment: 'slow',
      at: MORNING,
      signals: ['tooFast' as const],
      suspect: true,
      ...more,
    },
    subject: facts?.subject ?? '',
    branch: 'Pudong',
    manager,
  };
  await stores.answers.put(stored, 0);
  await projectPendingAnswers({
    ...bench.ports,
    answers: stores.answers,
    cases: stores.cases,
    businessTimeZone: 'UTC',
  });
};
const factOf = async (id: string) => (await bench.ports.customers.get('c'))?.answers[id];

beforeEach(async () => {
  bench = openMemoryBench();
  stores = memoryStores();
  resegment = operator(bench, stores.cases, undefined, stores.answers);
  await activate(bench, SCORE_POLICY);
  bench.setNow(MORNING);
  await withScore(bench, { c: 10 }, '2026-10-15');
  await answers({ answerId: 'k1' });
});

describe('an answer that looks like a machine’s', () => {
  it('R13 is listed with its signs, and counts for nothing', async () => {
    await answers({ answerId: 'k2', signals: [], suspect: false, score: 9, at: '2026-11-01T09:00:00.000Z' });

    const suspects = await resegment('answer', 'list', '--json');
    const all = await resegment('answer', 'list', '--state', 'all');

    expect(suspects.json).toMatchObject([{ answerId: 'k1', state: 'suspect', signals: ['tooFast'], score: 2 }]);
    expect(all.out).toMatch(/k2 .*counted[\s\S]*k1 .*suspect .*came within 3 s of the delivery/u);
    expect((await resegment('answer', 'list', '--lang', 'zh-CN')).out).toContain('送达后 3 秒内即作答');
    expect((await resegment('answer', 'list', '--branch', 'Xuhui')).out).toBe('no such answer\n');
    expect((await resegment('answer', 'list', '--manager', 'Li Wei', '--segment', 'low', '--csv')).out).toMatch(
      /^answer,customer,.*\r?\nk1,c,low,Pudong,Li Wei,2 \(nps\),/u,
    );
    expect(await resegment('answer', 'list', '--state', 'odd', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'state-unknown' } },
    });
    expect(await factOf('k1')).toMatchObject({ suspect: true, version: 1 });
    expect(await stores.cases.listOpen()).toEqual([]);
  });

  it('R13 counts from the moment it is confirmed, and opens its case then', async () => {
    bench.setNow('2026-11-03T10:00:00.000Z');

    const said = await resegment('answer', 'confirm', 'k1', '--reason', 'called the customer', '--json');

    expect(said).toMatchObject({ code: 0, json: { judged: [{ answerId: 'k1', state: 'confirmed', isNew: true }] } });
    expect(await factOf('k1')).toMatchObject({
      suspect: false,
      version: 2,
      date: '2026-11-01',
      recordedAt: '2026-11-03T10:00:00.000Z',
    });
    expect(await stores.cases.get('k1')).toMatchObject({
      state: 'open',
      score: 2,
      openedAt: '2026-11-03T10:00:00.000Z',
      dueAt: '2026-11-04T10:00:00.000Z',
    });
    expect((await bench.ports.customers.get('c'))?.openCase).toBe('k1');
    expect((await resegment('answer', 'list', '--state', 'confirmed')).out).toContain(
      'Ann (unverified), 2026-11-03: called the customer',
    );
  });

  it('is judged once: the same word again changes nothing, another person has to overrule', async () => {
    await resegment('answer', 'discard', 'k1', '--reason', 'a scanner');
    const rev = (await bench.ports.customers.get('c'))?.factsRev;
    bench.setNow('2026-11-05T10:00:00.000Z');

    const again = await resegment('answer', 'discard', 'k1', '--reason', 'me too');
    const other = await resegment('answer', 'confirm', 'k1', '--reason', 'no', '--json');

    expect(again.out).toContain(`Ann (unverified), ${MORNING}: a scanner`);
    expect(again.out).toContain('nothing was changed');
    expect(other).toMatchObject({ code: 2, json: { error: { code: 'answer-judged' } } });
    expect(other.out).toContain('--over');
    expect((await bench.ports.customers.get('c'))?.factsRev).toBe(rev);

    expect((await resegment('answer', 'confirm', 'k1', '--reason', 'she called', '--over')).code).toBe(0);
    expect(Object((await stores.answers.get('k1'))?.answer).judgements).toMatchObject([
      { version: 2, decision: 'discarded', reason: 'a scanner' },
      { version: 3, decision: 'confirmed', reason: 'she called' },
    ]);
    expect((await factOf('k1'))?.suspect).toBe(false);
  });

  it('marks the case of an answer that is discarded later, and leaves it to whoever has it', async () => {
    await resegment('answer', 'confirm', 'k1', '--reason', 'looks fine');

    await resegment('answer', 'discard', 'k1', '--reason', 'was a scanner', '--over');

    expect(await stores.cases.get('k1')).toMatchObject({
      state: 'open',
      answerDiscarded: { by: 'Ann (unverified)', reason: 'was a scanner' },
      history: [{ event: 'opened' }, { event: 'answerDiscarded', note: 'was a scanner' }],
    });
    expect((await resegment('case', 'show', 'k1')).out).toContain('answer discarded');
    expect((await resegment('case', 'show', 'k1', '--lang', 'zh-CN')).out).toContain('答复被判为无效');
  });

  it('tells what satisfaction is today, before and after', async () => {
    await bench.run({ requestId: 'first', asOf: '2026-10-31' });

    const said = await resegment('answer', 'confirm', 'k1', '--reason', 'called');

    expect(said.out).toContain(
      'satisfaction today: not known, no answer yet → 40, from 1 answer 0 days old, low confidence',
    );
    expect((await resegment('answer', 'discard', 'k1', '--over', '--reason', 'x', '--lang', 'zh-CN')).out).toContain(
      '今日满意度: 40 分，依据 1 份答复（0 天前），置信度低 → 未知，尚无答复',
    );
  });

  it('shows the satisfaction of the last run beside that of today, in explain and on the customer’s page', async () => {
    await bench.run({ requestId: 'first', asOf: '2026-10-31' });
    await resegment('answer', 'confirm', 'k1', '--reason', 'called');
    bench.setNow('2026-11-11T08:00:00.000Z');

    const explained = await resegment('explain', 'c', '--now');
    const page = await resegment('customer', 'show', 'c');

    expect(explained.out).toMatch(
      /run 2026-10-first, as of 2026-10-31: not known, no answer yet\n.*today, 2026-11-11/u,
    );
    expect(explained.out).toContain('40, from 1 answer 10 days old, low confidence');
    expect((await resegment('explain', 'c', '--now', '--json')).json).toMatchObject({
      satisfaction: null,
      satisfactionNow: { asOf: '2026-11-11', satisfaction: { answers: 1, ageDays: 10 } },
    });
    expect((await resegment('explain', 'c')).out).not.toContain('10 days old');
    expect(page.out).toContain('not known, no answer yet (in run 2026-10-first, as of 2026-10-31)');
    expect(page.out).toMatch(/40, from 1 answer 10 days old, low confidence \(today, 2026-11-11\)/u);
    expect(page.out).toMatch(/2026-11-01 +20\/100 +confirmed +Ann \(unverified\), 2026-11-01: called/u);
    expect((await resegment('customer', 'show', 'c', '--lang', 'zh-CN')).out).toContain('置信度低');
    expect((await resegment('customer', 'show', 'c', '--json')).json).toMatchObject({
      openCase: 'k1',
      satisfaction: { inRun: null, today: { answers: 1 } },
      segments: { class: { actual: 'low' } },
    });
    expect((await resegment('customer', 'show', 'C')).err).toContain('there is no customer "C"');
  });

  it('R29 is a fact of its own time: a run frozen before replays the same, a later one of the same day counts it', async () => {
    await answers({ answerId: 'k5', at: '2026-10-20T08:00:00.000Z' });
    const first = await bench.run({ requestId: 'first', asOf: '2026-10-31' });
    const answersOf = async (runId: string): Promise<number> => {
      const frames = await Promise.all([0, 1, 2, 3].map((shard) => bench.ports.files.readFrame(runId, shard)));
      return frames.flat().reduce((sum, row) => sum + row.answers.length, 0);
    };
    expect(await answersOf(first.runId)).toBe(0);
    bench.setNow('2026-11-02T08:00:00.000Z');
    await withScore(bench, { c: 80 }, '2026-10-25');
    const planned = await bench.run({ requestId: 'planned', asOf: '2026-10-31', mode: 'plan' });

    bench.setNow('2026-11-02T09:00:00.000Z');
    await resegment('answer', 'confirm', 'k5', '--reason', 'called');

    expect((await resegment('run', 'replay', first.runId, '--json')).json).toMatchObject({ same: true });
    bench.setNow('2026-11-02T10:00:00.000Z');
    expect(await bench.apply(planned.runId)).toMatchObject({ stale: 1 });
    const second = await bench.run({ requestId: 'second', asOf: '2026-10-31' });
    expect(await answersOf(second.runId)).toBe(1);
  });

  it('judges several at once, and names those it could not', async () => {
    await answers({ answerId: 'k2' });

    const said = await resegment('answer', 'discard', 'k1', 'k2', 'k1', 'gone', '--reason', 'scanner', '--json');

    expect(said).toMatchObject({
      code: 1,
      json: {
        judged: [{ answerId: 'k1' }, { answerId: 'k2' }],
        refused: [{ answerId: 'gone', code: 'answer-unknown' }],
      },
    });
  });

  it('refuses a word without a name or reason, of the account manager concerned, and on what counts anyhow', async () => {
    await answers({ answerId: 'k2', signals: [], suspect: false });
    await answers({ answerId: 'k3' }, 'ann');

    expect((await resegment('answer', 'confirm', 'k1', '--json')).code).toBe(2);
    expect((await resegment('answer', 'confirm', 'k1', '--reason', ' ', '--json')).json).toMatchObject({
      error: { code: 'reason-missing' },
    });
    expect((await resegment('answer', 'confirm', 'k2', '--reason', 'x', '--json')).json).toMatchObject({
      error: { code: 'answer-counts' },
    });
    expect((await resegment('answer', 'confirm', 'ext/hotline/1', '--reason', 'x', '--json')).json).toMatchObject({
      error: { code: 'answer-unknown', hint: expect.stringContaining('importing') },
    });
    expect((await resegment('answer', 'discard', 'k3', '--reason', 'x', '--json')).json).toMatchObject({
      error: { code: 'judge-is-party' },
    });
    expect((await stores.answers.get('k3'))?.answer.judgements).toBeUndefined();
  });
});
