import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StoredMail } from '#local/mail-server.ts';
import { dueAt, giveAnswer, planAnswers } from '#local/simulated-answers.ts';
import { DECISION_FACTORS } from '#shared/domain/answer-rules.ts';
import { composedFor } from '#test/mail/mail-bench.ts';
import { NOW } from '#test/survey/memory.ts';
import { type PagesBench, startPages } from '#test/survey/pages-bench.ts';

let pages: PagesBench;
beforeAll(async () => {
  pages = await startPages();
});
afterAll(() => pages.stop());
beforeEach(() => pages.reset());

/** The same mail to many addresses. */
const mailsTo = async (count: number): Promise<readonly StoredMail[]> => {
  const { raw, subject } = await composedFor('en');
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    messageId: `m${index}`,
    source: 'survey@bank.example.com',
    to: `customer${index}@example.com`,
    destinations: [`customer${index}@example.com`],
    tags: { inv: `i${index}`, kind: 'invitation' },
    configurationSet: null,
    subject,
    language: 'en',
    sentAt: NOW,
    bytes: raw.length,
    raw,
  }));
};

describe('simulated customers', () => {
  it('answer the same to the same mails: a third of them, most with a factor, all factors among them', async () => {
    const mails = await mailsTo(300);

    const planned = await planAnswers(mails, { from: 0, to: 10 });

    expect(await planAnswers(mails, { from: 0, to: 10 })).toEqual(planned);
    expect(planned.length).toBeGreaterThan(75);
    expect(planned.length).toBeLessThan(130);
    const named = planned.flatMap(({ factor }) => factor ?? []);
    expect(named.length).toBeGreaterThan(planned.length / 2);
    expect(named.length).toBeLessThan(planned.length);
    expect(new Set(named)).toEqual(new Set(DECISION_FACTORS));
    expect(planned.map(dueAt)).toEqual(planned.map(dueAt).sort((a, b) => a - b));
  });

  it('fill in the form of the pages, with the factor', async () => {
    const answer = {
      invitationId: pages.invitationId,
      link: pages.links().answer,
      afterMinutes: 3,
      sentAt: NOW,
      score: 8,
      comment: 'fine',
      factor: 'service',
    } as const;

    expect(await giveAnswer(answer, pages.base)).toBe(200);

    expect((await pages.stores.answers.get(pages.invitationId))?.answer).toMatchObject({ score: 8, factor: 'service' });
  });

  it('answer mails of an earlier start, when the pages were on another port', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const address = gone.address();
    if (address === null || typeof address === 'string') throw new Error('it listens on a port');
    gone.close();
    await once(gone, 'close');
    const link = pages.links().answer.replace(pages.base, `http://127.0.0.1:${address.port}`);
    const answer = { invitationId: pages.invitationId, link, afterMinutes: 3, sentAt: NOW, score: 9, comment: '' };

    expect(await giveAnswer(answer, pages.base)).toBe(200);

    expect((await pages.stores.answers.get(pages.invitationId))?.answer).toMatchObject({ score: 9 });
  });

  it('R13 are in a few cases a scanner, whose answer is kept and waits for a person', async () => {
    const planned = await planAnswers(await mailsTo(1_000), { from: 0, to: 10 });
    const machines = planned.filter(({ machine }) => machine === true);
    const [scanner] = machines;
    if (scanner === undefined) throw new Error('there is one');
    expect(machines.length).toBeLessThan(planned.length / 10);

    const caught = { ...scanner, invitationId: pages.invitationId, link: pages.links().answer };
    expect(await giveAnswer(caught, pages.base)).toBe(200);

    expect((await pages.stores.answers.get(pages.invitationId))?.answer).toMatchObject({
      suspect: true,
      signals: ['honeypot'],
    });
  });
});
