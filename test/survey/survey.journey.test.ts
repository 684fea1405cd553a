import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { serve } from '@hono/node-server';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTables, type Database, startDatabase } from '#local/database.ts';
import { LOCAL_MAIL_TOPIC_ARN, type MailServer, startMailServer } from '#local/mail-server.ts';
import { dynamoAnswers } from '#shared/adapters/dynamo-answers.ts';
import { dynamoCases } from '#shared/adapters/dynamo-cases.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import { dynamoContacts } from '#shared/adapters/dynamo-contacts.ts';
import { dynamoInvitations } from '#shared/adapters/dynamo-invitations.ts';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { objectWaveFiles } from '#shared/adapters/object-wave-files.ts';
import { newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import { waveStatus } from '#shared/application/close-wave.ts';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { surveyApp } from '#shared/application/pages/survey-app.ts';
import { type SendPorts, sendInvitations, sendReminders } from '#shared/application/send-batch.ts';
import { createSendPacer } from '#shared/application/send-pacer.ts';
import { surveyMailComposer } from '#shared/application/survey-mail.ts';
import type { StaffMail } from '#shared/contracts/staff-mail.ts';
import { MailRate, MailTally, WaveRecord } from '#shared/contracts/survey.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';
import { DEFAULT_MAIL_BRAKES } from '#shared/domain/mail-brake.ts';
import type { SendOutcome } from '#shared/ports/mail-sender.ts';
import { startBrowser } from '#test/support/browser.ts';
import { memoryStaff } from '#test/support/memory-stores.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import {
  ADDRESS_KEY,
  factsOf,
  IDENTITY,
  invitationOf,
  LINK_KEYS,
  memoryCustomers,
  memoryObjects,
  memoryRecords,
  NOW,
  settableClock,
  WAVE_ID,
  waveRecord,
} from './memory.ts';

const SIZE = 30;
const ref = { waveId: WAVE_ID, batch: 0 };

/** The survey on a real database, a real mail server and real pages. Customer 1 bounces, customer 2 complains. */
const startSurvey = async () => {
  const folder = temporaryFolder('survey');
  const database: Database = await startDatabase();
  await createTables(
    database.endpoint,
    TABLE_DEFINITIONS.map((definition) => tableProperties(definition, definition.name)),
  );
  const client = dynamoClient({ endpoint: database.endpoint });
  const clock = settableClock(NOW);
  const stores = {
    waves: dynamoRecords({ client, table: 'runs', kind: 'WAVE', schema: WaveRecord }),
    tallies: dynamoRecords({ client, table: 'runs', kind: 'TALLY', schema: MailTally }),
    mailBrakes: DEFAULT_MAIL_BRAKES,
    tellWaveBraked: async (): Promise<SendOutcome> => ({ kind: 'accepted', messageId: 'notice' }),
    waveFiles: objectWaveFiles(memoryObjects()),
    contacts: dynamoContacts(client, 'contacts', ADDRESS_KEY),
    invitations: dynamoInvitations(client, 'invitations'),
    answers: dynamoAnswers(client, 'answers'),
    cases: dynamoCases(client, 'cases'),
    customers: memoryCustomers(),
    staff: memoryStaff(),
    staffMails: memoryRecords<StaffMail>(),
    tellStaffReturned: async () => undefined,
  };
  const mailServer: MailServer = await startMailServer({
    dataDir: folder,
    verifiedSenders: ['example.com'],
    maxPerSecond: 1000,
    topicArn: LOCAL_MAIL_TOPIC_ARN,
    clock,
    onEvent: async (event) => {
      for (const { body } of event.Records)
        await ingestMailEvent(body, { ...stores, clock, topicArn: LOCAL_MAIL_TOPIC_ARN });
    },
  });
  const failures: unknown[] = [];
  const pages = surveyApp({
    ...stores,
    clock,
    businessTimeZone: 'Asia/Shanghai',
    linkKeys: LINK_KEYS,
    identity: IDENTITY,
    onProjectionFailed: (_id, error) => failures.push(error),
    onFailure: (_route, error) => failures.push(error),
  });
  let publicBaseUrl = '';
  const web = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const listening = serve({ fetch: pages.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
      publicBaseUrl = `http://127.0.0.1:${port}`;
      resolve(listening);
    });
  });
  let attempts = 0;
  const ports: SendPorts = {
    ...stores,
    clock,
    mail: sesMailSender({
      client: newSesClient({
        endpoint: mailServer.url,
        region: 'us-east-1',
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      }),
      configurationSet: 'resegment',
    }),
    compose: surveyMailComposer({
      identity: IDENTITY,
      publicBaseUrl,
      linkKeys: LINK_KEYS,
      businessTimeZone: 'Asia/Shanghai',
    }),
    pacer: createSendPacer({
      rates: dynamoRecords({ client, table: 'runs', kind: 'STATE', schema: MailRate }),
      ratePerSecond: 500,
      nowMs: Date.now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    }),
    newAttemptId: () => `t${++attempts}`,
  };
  return {
    ...stores,
    clock,
    mailServer,
    ports,
    failures,
    /** All that is stored, in every table, as text to compare. */
    tables: async (): Promise<string> => {
      const scans = await Promise.all(
        TABLE_DEFINITIONS.map(({ name }) => client.send(new ScanCommand({ TableName: name, ConsistentRead: true }))),
      );
      return JSON.stringify([scans.map(({ Items }) => Items), [...stores.customers.all]]);
    },
    stop: async () => {
      await mailServer.stop();
      await new Promise((resolve) => web.close(resolve));
      client.destroy();
      await database.stop();
    },
  };
};

let survey: Awaited<ReturnType<typeof startSurvey>>;
beforeAll(async () => {
  survey = await startSurvey();
  const local = (index: number): string => (index === 1 ? 'bounce+1' : index === 2 ? 'complaint+2' : `c${index}`);
  const drawn = [];
  for (let index = 1; index <= SIZE; index += 1) {
    const language = index % 2 === 0 ? 'zh-CN' : 'en';
    const addressKey = await survey.contacts.upsertPerson({
      customerId: `c${index}`,
      email: `${local(index)}@example.com`,
      name: index % 2 === 0 ? '韩梅梅' : 'Ann',
    });
    const invitation = invitationOf(index, { addressKey, language, segment: 'secretsegment', manager: 'Li' });
    await survey.invitations.createMany([invitation]);
    survey.customers.all.set(`c${index}`, factsOf(`c${index}`));
    drawn.push({ invitationId: invitation.invitationId, subject: invitation.subject, segment: invitation.segment });
  }
  await survey.waveFiles.writeJson(WAVE_ID, 'population-0.json', []);
  await survey.waveFiles.writeJson(WAVE_ID, 'drawn.json', {
    waveId: WAVE_ID,
    batchSize: 50,
    populationFile: 'population-0.json',
    population: SIZE,
    notDrawn: {},
    drawn,
  });
  await survey.waves.create(WAVE_ID, waveRecord({ population: SIZE, drawn: SIZE }));
});
afterAll(() => survey.stop());

const invitationIds = (): readonly string[] => survey.mailServer.mails().map((mail) => mail.tags['inv'] ?? '');

const linksOf = async (id: number) => {
  const { raw } = await survey.mailServer.read(id);
  const parsed = await PostalMime.parse(raw);
  const links = [...(parsed.html ?? '').matchAll(/href="([^"]+)"/gu)].map((match) =>
    (match[1] ?? '').replaceAll('&amp;', '&'),
  );
  return { parsed, links: links.filter((link) => link.startsWith('http')) };
};

describe('a survey from mail to answer', () => {
  it('I1 R04 mails every address at most once though the server loses replies, resets and throttles', async () => {
    for (const kind of ['loseReply', 'reset', 'throttle', '500'] as const)
      survey.mailServer.setFault({ kind, next: 2 });

    for (let round = 0; round < 3; round += 1) await sendInvitations(ref, survey.ports).catch(() => undefined);
    survey.mailServer.clearFaults();
    await sendInvitations(ref, survey.ports);
    await survey.mailServer.flushEvents();

    const perAddress = Map.groupBy(survey.mailServer.mails(), (mail) => mail.to);
    for (const mails of perAddress.values()) expect(mails).toHaveLength(1);
    const status = await waveStatus(WAVE_ID, survey);
    expect(status?.planned).toBe(0);
    expect((status?.sent ?? 0) + (status?.uncertain ?? 0) + (status?.rejected ?? 0)).toBe(SIZE);
    expect(status?.sent).toBe(perAddress.size);
  });

  it('R08 notes bounces and complaints that came back from the mail server', async () => {
    const status = await waveStatus(WAVE_ID, survey);
    const reached = survey.mailServer.mails().map((mail) => mail.to);

    expect(status?.bounced).toBe(reached.filter((to) => to.startsWith('bounce')).length);
    expect(status?.complained).toBe(reached.filter((to) => to.startsWith('complaint')).length);
    expect(status?.delivered).toBe(reached.length - (status?.bounced ?? 0));
  });

  it('R01 has one recipient in every request and in every message, the configuration set and the tags run and inv', async () => {
    expect(survey.mailServer.mails().length).toBeGreaterThan(SIZE / 2);
    for (const mail of survey.mailServer.mails()) {
      const parsed = await PostalMime.parse((await survey.mailServer.read(mail.id)).raw);

      expect(mail).toMatchObject({ destinations: [mail.to], configurationSet: 'resegment', tags: { run: WAVE_ID } });
      expect(mail.tags['inv']).toMatch(/^[\w-]{22}$/u);
      expect(parsed.to?.map((one) => one.address)).toEqual([mail.to]);
      expect([parsed.cc ?? [], parsed.bcc ?? []]).toEqual([[], []]);
      expect(parsed.headers.filter(({ key }) => /^(?:resent-)?(?:to|cc|bcc)$/u.test(key))).toHaveLength(1);
    }
  });

  it('R03 changes no table when every link of a mail is opened three times, by GET and by HEAD', async () => {
    const mail = survey.mailServer.mails().find((one) => /^c\d/u.test(one.to));
    const { parsed, links } = await linksOf(mail?.id ?? 0);
    const ofText = [...(parsed.text ?? '').matchAll(/https?:\/\/\S+/gu)].map((match) => match[0]);
    const ofHeader = /<(http[^>]+)>/u.exec(parsed.headers.find((one) => one.key === 'list-unsubscribe')?.value ?? '');
    const all = [...new Set([...links, ...ofText, ofHeader?.[1] ?? ''])];
    expect(all).toHaveLength(11 + 1 + 1 + 1);
    const before = await survey.tables();

    for (const method of ['GET', 'HEAD', 'GET', 'HEAD', 'GET', 'HEAD']) {
      for (const link of all) expect((await fetch(link, { method })).status).toBe(200);
    }

    expect(await survey.tables()).toBe(before);
  });

  it('R20 has no personal datum, customer id or segment in links and tags', async () => {
    for (const mail of survey.mailServer.mails()) {
      const { links } = await linksOf(mail.id);
      expect(`${links.join(' ')} ${Object.values(mail.tags).join(' ')}`).not.toMatch(
        /@|secretsegment|Ann|\/c\d+\b|example/u,
      );
      expect(Object.keys(mail.tags).sort()).toEqual(['batch', 'inv', 'kind', 'run']);
    }
  });

  it('I11 stores the answer that a link of the mail leads to, and counts it on the customer', async () => {
    const mail = survey.mailServer.mails().find((one) => /^c\d/u.test(one.to));
    const { links } = await linksOf(mail?.id ?? 0);
    const link = links.find((one) => one.includes('a=3')) ?? '';
    survey.clock.moveBy(3_600_000);
    expect(await (await fetch(link)).text()).toMatch(/value="3" required\s+checked/u);
    const target = new URL(link);
    target.search = '';

    const body = new URLSearchParams({ score: '3', comment: 'slow <b>' });
    const response = await fetch(target, { method: 'POST', body });

    expect(response.status).toBe(200);
    expect(await waveStatus(WAVE_ID, survey)).toMatchObject({ answered: 1, suspect: 0 });
    const customerId = `c${mail?.to.match(/\d+/u)?.[0]}`;
    expect(Object.values(survey.customers.all.get(customerId)?.answers ?? {})).toMatchObject([{ value: 0.3 }]);
    expect(await survey.cases.listOpen()).toHaveLength(1);
    expect(survey.failures).toEqual([]);
  });

  it('R02 R14 unsubscribes by the header of the mail in one click, and reminds the others once', async () => {
    const mail = survey.mailServer.mails().findLast((one) => /^c\d/u.test(one.to));
    const { parsed } = await linksOf(mail?.id ?? 0);
    const header = parsed.headers.find((one) => one.key === 'list-unsubscribe')?.value ?? '';
    const url = /<(http[^>]+)>/u.exec(header)?.[1] ?? '';
    const response = await fetch(url, {
      method: 'POST',
      body: 'List-Unsubscribe=One-Click',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');

    await sendReminders(ref, survey.ports);
    await sendReminders(ref, survey.ports);

    const invited = survey.mailServer.mails({ tags: { kind: 'invitation' } }).map((one) => one.to);
    const reminded = survey.mailServer.mails({ tags: { kind: 'reminder' } }).map((one) => one.to);
    const answered = 1;
    const unsubscribed = 1;
    const bad = invited.filter((to) => !/^c\d/u.test(to)).length;
    expect(new Set(reminded).size).toBe(reminded.length);
    expect(reminded).toHaveLength(invited.length - answered - unsubscribed - bad);
    expect(reminded).not.toContain(mail?.to);
  });

  it('R02 has both unsubscribe headers exactly once on every invitation and every reminder', async () => {
    const kinds = new Set<string>();
    for (const mail of survey.mailServer.mails()) {
      const { parsed, links } = await linksOf(mail.id);
      const values = (name: string): readonly string[] =>
        parsed.headers.filter(({ key }) => key === name).map(({ value }) => value);

      expect(values('list-unsubscribe')).toEqual([`<${links.find((link) => link.includes('/u/'))}>`]);
      expect(values('list-unsubscribe-post')).toEqual(['List-Unsubscribe=One-Click']);
      kinds.add(mail.tags['kind'] ?? '');
    }
    expect([...kinds].sort()).toEqual(['invitation', 'reminder']);
  });

  it('R13 counts nothing of a scanner that sends every score at once, and the person who answers after it', async () => {
    const before = await waveStatus(WAVE_ID, survey);
    const cases = await survey.cases.listOpen();
    const mail = survey.mailServer.mails({ tags: { kind: 'reminder' } }).at(-1);
    const { links } = await linksOf(mail?.id ?? 0);
    const target = new URL(links.find((one) => one.includes('a=0')) ?? '');
    target.search = '';
    const send = (fields: Record<string, string>): Promise<Response> =>
      fetch(target, { method: 'POST', body: new URLSearchParams(fields) });

    for (let score = 0; score <= 10; score += 1) {
      survey.clock.moveBy(90);
      await send({ score: String(score) });
    }
    survey.clock.moveBy(300);
    const last = await (await send({ score: '10' })).text();

    expect(last).toMatch(/looks as if a program sent|看起来像是由程序/u);
    const scanned = await waveStatus(WAVE_ID, survey);
    expect([scanned?.answered, scanned?.suspect]).toEqual([before?.answered, (before?.suspect ?? 0) + 1]);
    expect(await survey.cases.listOpen()).toEqual(cases);

    survey.clock.moveBy(3_600_000);
    await send({ score: '2', comment: 'slow' });

    const answered = await waveStatus(WAVE_ID, survey);
    expect([answered?.answered, answered?.suspect]).toEqual([(before?.answered ?? 0) + 1, before?.suspect]);
    expect(await survey.cases.listOpen()).toHaveLength(cases.length + 1);
  });

  it('R11 leads in a real browser from a number in the mail to a stored answer, and takes it back to change it', async () => {
    const answered = new Set((await survey.answers.getMany(invitationIds())).keys());
    const mail = survey.mailServer
      .mails({ tags: { kind: 'reminder' } })
      .find((one) => !answered.has(one.tags['inv'] ?? '') && one.language === 'en');
    const invitationId = mail?.tags['inv'] ?? '';
    const browser = await startBrowser();
    try {
      const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 320, height: 700 } });
      const inbox = await context.newPage();
      await inbox.goto(`${survey.mailServer.url}/mails/${mail?.id}`);
      const [page] = await Promise.all([
        context.waitForEvent('page'),
        inbox.frameLocator('iframe').getByRole('link', { name: '7, on a scale from 0' }).click(),
      ]);
      expect(await page.getByRole('radio', { name: '7', exact: true }).isChecked()).toBe(true);
      expect(await survey.answers.get(invitationId)).toBeUndefined();
      await page.getByLabel('What is the main reason?').fill('Good people, too much paper.');
      await page.getByLabel('Service').check();
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await page.getByRole('heading', { name: 'Thank you' }).waitFor();

      survey.clock.moveBy(60_000);
      await page.getByRole('link', { name: 'Change the answer' }).click();
      await page.getByRole('radio', { name: '8', exact: true }).check();
      await page.getByLabel('None of these').check();
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await page.getByText('8 out of 10').waitFor();
    } finally {
      await browser.close();
    }

    const stored = (await survey.answers.get(invitationId))?.answer;
    expect(stored).toMatchObject({ score: 8, comment: 'Good people, too much paper.', version: 2, suspect: false });
    expect(stored?.factor).toBeUndefined();
    expect(stored?.history).toMatchObject([{ score: 7, factor: 'service' }]);
    expect(survey.failures).toEqual([]);
  });
});
