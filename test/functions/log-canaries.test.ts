import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { handler as ingestMailEvent } from '#functions/ingest-mail-event.ts';
import { observe } from '#functions/runtime/observe.ts';
import { handler as sendInvitations } from '#functions/send-invitations.ts';
import { LOCAL_MAIL_TOPIC_ARN, startMailServer } from '#local/mail-server.ts';
import { addressKeyOf } from '#shared/adapters/dynamo-contacts.ts';
import { emfMetrics } from '#shared/adapters/emf-metrics.ts';
import { newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import { surveyApp } from '#shared/application/pages/survey-app.ts';
import { answerLink, unsubscribeLink } from '#shared/application/survey-links.ts';
import { surveyMailComposer } from '#shared/application/survey-mail.ts';
import { errorFields, log } from '#shared/log.ts';
import { withMetrics } from '#shared/ports/metrics.ts';
import {
  ADDRESS_KEY,
  CLOSES,
  factsOf,
  IDENTITY,
  invitationOf,
  LINK_KEYS,
  memoryStores,
  NOW,
  settableClock,
  WAVE_ID,
  waveRecord,
} from '#test/survey/memory.ts';

/** Words that occur nowhere but in what must stay out of logs. */
const CANARIES = ['canary', '金丝雀', 'Kanarienvogel', 'C-CANARY'] as const;
const EMAIL = 'li.canary@example.com';
const CUSTOMER = 'C-CANARY-1';

let folder: string;
let written: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-'));
  written = [];
  vi.stubEnv('LOG_LEVEL', 'debug');
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      written.push(String(chunk));
      return true;
    });
  }
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** One customer whose address, name, id, segment and comment are canaries, asked through the real handlers. */
const world = async () => {
  const stores = memoryStores();
  const clock = settableClock(NOW);
  const invitation = invitationOf(1, {
    customerId: CUSTOMER,
    addressKey: addressKeyOf(ADDRESS_KEY, EMAIL),
    segment: 'segment-canary',
    segments: { class: 'segment-canary' },
    branch: 'branch-canary',
    manager: 'Kanarienvogel',
  });
  await stores.waves.create(WAVE_ID, waveRecord({ population: 1, drawn: 1 }));
  await stores.waveFiles.writeJson(WAVE_ID, 'population-0.json', []);
  await stores.waveFiles.writeJson(WAVE_ID, 'drawn.json', {
    waveId: WAVE_ID,
    batchSize: 50,
    populationFile: 'population-0.json',
    population: 1,
    notDrawn: {},
    drawn: [{ invitationId: invitation.invitationId, subject: invitation.subject, segment: invitation.segment }],
  });
  await stores.invitations.createMany([invitation]);
  stores.customers.all.set(CUSTOMER, factsOf(CUSTOMER));
  await stores.contacts.upsertPerson({ customerId: CUSTOMER, email: EMAIL, name: '金丝雀' });
  const server = await startMailServer({
    dataDir: folder,
    verifiedSenders: ['example.com'],
    topicArn: LOCAL_MAIL_TOPIC_ARN,
    clock,
  });
  const settings = {
    identity: IDENTITY,
    publicBaseUrl: 'https://survey.example.com',
    linkKeys: LINK_KEYS,
    businessTimeZone: 'UTC',
  };
  const ports = {
    ...stores,
    clock,
    topicArn: LOCAL_MAIL_TOPIC_ARN,
    mail: sesMailSender({
      client: newSesClient({
        endpoint: server.url,
        region: 'us-east-1',
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      }),
      configurationSet: 'resegment',
    }),
    compose: surveyMailComposer(settings),
    pacer: { reserve: async () => undefined },
    newAttemptId: () => `attempt-${written.length}`,
  };
  const links = {
    answer: answerLink(settings, invitation.invitationId, CLOSES),
    unsubscribe: unsubscribeLink(settings, invitation.invitationId, CLOSES),
  };
  return { stores, ports, server, invitation, links, clock };
};

const send = { schema: 1, waveId: WAVE_ID, batch: 0 };
const failing = (): never => {
  throw new Error(`cannot write ${EMAIL} of 金丝雀 at https://survey.example.com/r/v1.k1.canary`);
};
/** What Lambda logs of an error, and what of it becomes state data. */
const asLambdaPasses = (error: unknown): string =>
  error instanceof Error
    ? JSON.stringify({
        ...error,
        errorType: error.name,
        errorMessage: error.message,
        trace: error.stack?.split('\n')[0],
      })
    : String(error);
/** What may be logged of an error's own text are addresses and links taken out; names in it cannot be known. */
const own = (line: string): string => line.replaceAll('of 金丝雀 at', 'of NAME at');

describe('what functions log and measure', () => {
  it('R20 has no address, name, customer id, segment, comment or link, whatever goes well or wrong', async () => {
    const metrics = emfMetrics('dev');
    const thrown: unknown[] = [];
    /** As Lambda calls a function: with metrics, and what it throws goes on to a log and to a state machine. */
    const call = <T>(work: () => Promise<T>): Promise<T | undefined> =>
      withMetrics(metrics, work).catch((error: unknown) => {
        thrown.push(error);
        return undefined;
      });
    const page = (work: () => Response | Promise<Response>): Promise<Response | undefined> =>
      call(() => observe('answer-survey', {}, async () => work()));
    const { ports, server, invitation, links, stores } = await world();
    for (const kind of ['throttle', 'reject', '500'] as const) server.setFault({ kind, next: 1 });
    const sending = sendInvitations.withServices(ports);
    await call(() => sending(send));
    await call(() => sendInvitations.withServices({ ...ports, contacts: { ...stores.contacts, get: failing } })(send));
    await call(() => sendInvitations.withServices({ ...ports, waves: { ...stores.waves, get: failing } })(send));
    await call(() => sending(send));

    const take = ingestMailEvent.withServices(ports);
    const bounce = JSON.stringify({
      eventType: 'Bounce',
      mail: {
        messageId: 'm1',
        timestamp: NOW,
        destination: [EMAIL],
        tags: { inv: [invitation.invitationId], batch: ['0'] },
      },
      bounce: { bounceType: 'Permanent', timestamp: NOW, bouncedRecipients: [{ emailAddress: EMAIL }] },
    });
    const body = JSON.stringify({ Type: 'Notification', TopicArn: LOCAL_MAIL_TOPIC_ARN, Message: bounce });
    const messages = [
      { messageId: 'q1', body },
      { messageId: 'q2', body: `poison for ${EMAIL}` },
    ];
    await call(() => take({ Records: messages }));
    const refusing = { ...ports, contacts: { ...stores.contacts, suppress: failing } };
    await call(() => ingestMailEvent.withServices(refusing)({ Records: [{ messageId: 'q3', body }] }));

    const pages = surveyApp({
      ...stores,
      clock: ports.clock,
      businessTimeZone: 'UTC',
      linkKeys: LINK_KEYS,
      identity: IDENTITY,
      onProjectionFailed: (answerId, error) => log.warn('an answer waits', { answerId, ...errorFields(error) }),
      onFailure: (route, error) => log.error('a page failed', { route, ...errorFields(error) }),
    });
    const form = (fields: Record<string, string>) => ({
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
    await page(() => pages.request(links.answer));
    await page(() => pages.request(links.answer, form({ score: '2', comment: 'a canary comment' })));
    await page(() => pages.request(links.unsubscribe, form({ 'List-Unsubscribe': 'One-Click' })));
    await page(() => pages.request(`${links.answer}canary`));
    const broken = surveyApp({
      ...stores,
      invitations: { ...stores.invitations, get: failing },
      clock: ports.clock,
      businessTimeZone: 'UTC',
      linkKeys: LINK_KEYS,
      identity: IDENTITY,
      onProjectionFailed: () => undefined,
      onFailure: (route, error) => log.error('a page failed', { route, ...errorFields(error) }),
    });
    await page(() => broken.request(links.answer));
    await server.stop();
    const lines = written.map(own);
    vi.restoreAllMocks();

    expect((await stores.answers.get(invitation.invitationId))?.answer).toMatchObject({ score: 2 });
    expect(await stores.contacts.get(invitation.addressKey)).toMatchObject({
      unsubscribed: { at: NOW },
      suppression: { reason: 'hardBounce' },
    });
    expect(lines.length).toBeGreaterThan(6);
    expect(lines.join('')).toContain('a page failed');
    for (const metric of ['AnswersStored', 'MailsBounced', 'MailEventsRefused', 'FailedUnclassified'])
      expect(
        lines.filter((line) => line.includes('"_aws"') && line.includes(metric)),
        metric,
      ).not.toEqual([]);
    expect(thrown.length).toBeGreaterThan(0);
    expect(thrown.map(asLambdaPasses).map(own).join()).not.toMatch(/canary|@|https?:/iu);
    for (const canary of CANARIES) expect(lines.filter((line) => line.includes(canary))).toEqual([]);
    expect(lines.join('')).not.toMatch(/@|https?:/u);
  });
});
