import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answerLink, unsubscribeLink } from '#shared/application/survey-links.ts';
import { CLOSES, invitationOf, LINK_KEYS } from './memory.ts';
import { type PagesBench, startPages } from './pages-bench.ts';

let pages: PagesBench;
beforeAll(async () => {
  pages = await startPages();
});
afterAll(() => pages.stop());
beforeEach(() => pages.reset());

describe('a link whose invitation was erased', () => {
  it('R23 is answered with the same bytes as one of an invitation that never was, by GET and by POST', async () => {
    await pages.stores.invitations.remove(pages.invitationId);
    const settings = { publicBaseUrl: pages.base, linkKeys: LINK_KEYS };
    const never = invitationOf(200).invitationId;
    const before = await pages.everything();
    const told = async (url: string, method: 'GET' | 'POST') => {
      const body = method === 'POST' ? new URLSearchParams({ score: '3', comment: 'late' }) : null;
      const response = await fetch(url, { method, body });
      const { date: _, ...headers } = Object.fromEntries(response.headers);
      return { status: response.status, headers, text: await response.text() };
    };

    for (const method of ['GET', 'POST'] as const) {
      expect(await told(pages.links().answer, method)).toEqual(await told(answerLink(settings, never, CLOSES), method));
      expect(await told(pages.links().unsub, method)).toEqual(
        await told(unsubscribeLink(settings, never, CLOSES), method),
      );
    }
    expect(await pages.everything()).toBe(before);
    expect(pages.failures).toEqual([]);
  });
});
