import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { surveyApp } from '#shared/application/pages/survey-app.ts';
import { answerLink, unsubscribeLink } from '#shared/application/survey-links.ts';
import type { Invitation } from '#shared/domain/invitation.ts';
import {
  CLOSES,
  drawnWave,
  IDENTITY,
  invitationOf,
  LINK_KEYS,
  type MemoryStores,
  NOW,
  settableClock,
} from './memory.ts';

export const DAY_MS = 86_400_000;
const { invitationId, addressKey } = invitationOf(1);

/** The pages over real HTTP, for one customer who got the mail a day ago. */
export interface PagesBench {
  readonly base: string;
  stores: MemoryStores;
  clock: ReturnType<typeof settableClock>;
  failures: unknown[];
  readonly invitationId: string;
  readonly addressKey: string;
  ports(): Parameters<typeof surveyApp>[0];
  /** Starts over with fresh tables. */
  reset(change?: (invitation: Invitation) => Invitation): Promise<void>;
  links(): { readonly answer: string; readonly unsub: string };
  /** Everything that is stored, as text to compare. */
  everything(): Promise<string>;
  stop(): Promise<unknown>;
}

export const startPages = async (): Promise<PagesBench> => {
  let base = '';
  let server: Server | undefined;
  const bench: PagesBench = {
    get base() {
      return base;
    },
    stores: await drawnWave(0),
    clock: settableClock(NOW),
    failures: [],
    invitationId,
    addressKey,
    ports: () => ({
      ...bench.stores,
      clock: bench.clock,
      businessTimeZone: 'Asia/Shanghai',
      linkKeys: LINK_KEYS,
      identity: IDENTITY,
      onProjectionFailed: (_id, error) => bench.failures.push(error),
      onFailure: (_route, error) => bench.failures.push(error),
    }),
    reset: async (change = (known) => known) => {
      bench.failures = [];
      bench.stores = await drawnWave(2);
      bench.clock = settableClock(new Date(Date.parse(NOW) + DAY_MS).toISOString());
      await bench.stores.invitations.update(invitationId, (known) =>
        change({ ...known, invitation: { state: 'sent', attempts: 0, at: NOW }, deliveredAt: NOW }),
      );
    },
    links: () => ({
      answer: answerLink({ publicBaseUrl: base, linkKeys: LINK_KEYS }, invitationId, CLOSES),
      unsub: unsubscribeLink({ publicBaseUrl: base, linkKeys: LINK_KEYS }, invitationId, CLOSES),
    }),
    everything: async () =>
      JSON.stringify([
        await bench.stores.answers.getMany([invitationId]).then((all) => [...all]),
        await bench.stores.contacts.get(addressKey),
        [...bench.stores.customers.all],
        await bench.stores.cases.listOpen(),
        await bench.stores.invitations.get(invitationId),
      ]),
    stop: () =>
      new Promise((resolve) => {
        server?.close(resolve);
        server?.closeAllConnections();
      }),
  };
  /** The server drops a connection some time after a body that nobody read to its end, perhaps under the next request. */
  const answerOnce = async (request: Request): Promise<Response> => {
    const response = await surveyApp(bench.ports()).fetch(request);
    if (response.status >= 400) response.headers.set('Connection', 'close');
    return response;
  };
  server = await new Promise<Server>((resolve) => {
    const listening = serve({ fetch: answerOnce, port: 0, hostname: '127.0.0.1' }, (address) => {
      base = `http://127.0.0.1:${address.port}`;
      resolve(listening as Server);
    });
  });
  return bench;
};

export const post = (url: string, fields: Record<string, string>, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual', ...init });
