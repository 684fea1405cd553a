import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import PostalMime from 'postal-mime';
import { runPortsFrom } from '#functions/runtime/ports.ts';
import { textSource } from '#local/import-files.ts';
import { playLoop } from '#local/loop.ts';
import type { StoredMail } from '#local/mail-server.ts';
import { sampleCompanies } from '#local/sample-companies.ts';
import { sampleStaff } from '#local/sample-staff.ts';
import { answerLinkOf } from '#local/simulated-answers.ts';
import { type LocalParts, type Stack, toolPorts } from '#local/stack.ts';
import { executionArnOf } from '#local/state-machines.ts';
import { dynamoOutbox } from '#shared/adapters/dynamo-outbox.ts';
import { readPolicy } from '#shared/adapters/policy-files.ts';
import { newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import { importCustomers } from '#shared/application/import/import-customers.ts';
import { storeImportRequest } from '#shared/application/import/import-job.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import { importStaff } from '#shared/application/import/import-staff.ts';
import { storePolicy } from '#shared/application/run/run-ports.ts';
import { waveIdOf } from '#shared/application/wave-record.ts';
import type { ImportSettings } from '#shared/contracts/import-job.ts';
import type { SurveyIdentity } from '#shared/contracts/survey.ts';
import type { RunRequest } from '#shared/contracts/workflows.ts';
import { moveEvent } from '#shared/domain/document-events.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { Deployment } from './deployment.ts';
import { type AccountWatch, openSmallAccount, type RecordedCall, type SmallAccount } from './small-account.ts';

const MONTHS = ['2026-01', '2026-02', '2026-03', '2026-04', '2026-05'];
const CUSTOMERS = 60;
/** More days with purchases than fit on a customer's item, so that each has a history of parts. */
const DAYS_OF_HISTORY = 130;
const COLUMNS = ['id', 'date', 'name', 'email', 'language', 'region', 'branch', 'manager', 'status', 'consent'];
const HOUR_MS = 3_600_000;
const PURCHASES = { customer: 'customer', date: 'date', amount: 'amount' };

/** The companies of the loop. */
export const loopSample = () => sampleCompanies({ seed: 7, count: CUSTOMERS, months: MONTHS });

/** What customers write in the loop. */
export const LOOP_COMMENTS = ['Nobody called back.', 'Quick and clear.'] as const;

/**
 * Plays everything that functions do in an account, as their real handlers: months with a survey, answers, reminders and its
 * end, action lists, cases, events; a plan that is held and applied late; runs of a few customers; a run that fails; and what
 * others do at the worst moment, since it is there that a right is missed that no quiet run needs.
 *
 * @returns every call of a function to a service
 */
export const playWholeLoop = async (deployment: Deployment, watch?: AccountWatch): Promise<readonly RecordedCall[]> => {
  const disturb: { by?: (call: RecordedCall, body: string) => Promise<void> } = {};
  const identity: SurveyIdentity = JSON.parse(
    deployment.functions.get('plan-wave')?.environment['SURVEY_IDENTITY'] ?? '',
  );
  const account = await openSmallAccount({
    deployment,
    startAt: '2026-01-31T04:00:00.000Z',
    environment: {
      BUCKETS: '8',
      SHARDS: '2',
      MAIL_RATE_PER_SECOND: '500',
      MAIL_BRAKES: JSON.stringify({ bounceShare: 0.5, complaintShare: 1, afterSends: 5 }),
    },
    trouble: { bounceShare: 0, complaintShare: 0 },
    ...(watch === undefined ? {} : { watch }),
    verifiedSender: identity.senderAddress.replace(/^.*@/, ''),
    before: async (call, body) => disturb.by?.(call, body),
  });
  const folder = mkdtempSync(join(tmpdir(), 'resegment-policies-'));
  try {
    const world = await settle(account, identity, folder);
    disturb.by = disturbance(world);
    await playLoop(
      world.stack,
      { earlier: ['2026-01', '2026-02', '2026-03'], last: '2026-04', current: '2026-05' },
      world.policy.hash,
      () => undefined,
    );
    await answerAndClose(world, waveIdOf('2026-05-monthly'));
    await applyLate(world);
    await planForFew(world);
    await tellOthers(world);
    await importFiles(world);
    return account.calls;
  } finally {
    await account.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

interface World {
  readonly account: SmallAccount;
  readonly stack: Stack;
  readonly policy: Policy;
  /** Moves many customers at once, which a brake holds. */
  readonly movingPolicy: Policy;
  customerOf(subject: string): string;
}

/** Policies, staff, customers and purchases, as an operator's tool brings them. */
const settle = async (account: SmallAccount, identity: SurveyIdentity, folder: string): Promise<World> => {
  const { clock, mail } = account;
  const customerIds = new Map<string, string>();
  const parts: LocalParts = {
    ...account.operator,
    subjectSource: (customerId: string) => {
      const subject = account.operator.subjectSource(customerId);
      customerIds.set(subject, customerId);
      return subject;
    },
  } as unknown as LocalParts;
  const tool = toolPorts(parts);
  const run = runPortsFrom({
    ...parts,
    mail: sesMailSender({
      client: newSesClient({
        endpoint: mail.url,
        region: 'us-east-1',
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      }),
      configurationSet: 'unused',
    }),
    identity,
    operatorAddress: 'operators@example.com',
    settings: { businessTimeZone: parts.businessTimeZone, shards: 2, planExpiresHours: 72 },
  });
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'policies', 'bank-three-class.yaml'), 'utf8');
  // Fewer mails, and proposals from the first month on.
  const small = [
    ['atLeast: 30', 'atLeast: 5'],
    ['exit: { from: [exit], afterPeriods: 3', 'exit: { from: [exit, hold], afterPeriods: 1'],
    ['shortBy: 0.1', 'shortBy: 0.5'],
    ['flagShare: 0.02', 'flagShare: 0.9'],
  ].reduce((yaml, [from = '', to = '']) => {
    if (!yaml.includes(from)) throw new Error(`the policy has no ${from}`);
    return yaml.replace(from, to);
  }, text);
  const variant = async (name: string, change: (yaml: string) => string): Promise<Policy> => {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, change(small));
    const policy = readPolicy(file);
    await storePolicy(run.objects, policy, { by: 'operator', at: clock.now() });
    return policy;
  };
  const movingPolicy = await variant('moving', (yaml) => yaml.replace('bands: [1.7, 2.4]', 'bands: [1.01, 1.02]'));
  const policy = await variant('usual', (yaml) => yaml);

  const sample = loopSample();
  await importStaff(textSource('staff.csv', await sampleStaff(sample.customersCsv)), {}, tool);
  await importCustomers(
    textSource('customers.csv', sample.customersCsv),
    { map: Object.fromEntries(COLUMNS.map((column) => [column, column])), source: 'sample' },
    tool.imports,
  );
  const purchases = { map: PURCHASES, currency: 'CNY' };
  await importPurchases(textSource('new.csv', sample.purchasesCsv), { ...purchases, source: 'sample' }, tool.imports);
  const days = Array.from({ length: DAYS_OF_HISTORY }, (_, day) => new Date(Date.UTC(2025, 0, 1 + day)));
  const history = [...customerIds.values()].flatMap((customer) =>
    days.map((day) => `${customer},${day.toISOString().slice(0, 10)},1`),
  );
  await importPurchases(
    textSource('old.csv', `customer,date,amount\n${history.join('\n')}\n`),
    { ...purchases, source: 'history' },
    tool.imports,
  );
  const stack: Stack = {
    dataDir: account.folder,
    stage: { timeZone: parts.businessTimeZone, currency: 'CNY', buckets: parts.buckets },
    timeZone: parts.businessTimeZone,
    clock,
    parts,
    run,
    tool,
    workflows: account.workflows,
    addresses: { pages: account.pages } as Stack['addresses'],
    mail,
    reports: {} as Stack['reports'],
    sweepCases: () => account.invoke('escalate-cases') as ReturnType<Stack['sweepCases']>,
    emitEvents: () => account.invoke('emit-events'),
    finished: (executionArn) => account.runner.finished(executionArn),
    close: async () => undefined,
  };
  return {
    account,
    stack,
    policy,
    movingPolicy,
    customerOf: (subject) => customerIds.get(subject) ?? '',
  };
};

/**
 * Once for each function: an import replaces the history that it is about to read, or comes between its reading and writing of
 * a customer; a customer who is just being invited is erased.
 */
const disturbance = (world: World): ((call: RecordedCall, body: string) => Promise<void>) => {
  const { tool } = world.stack;
  const done = new Map<string, number>();
  const mayStill = (what: string, times: number): boolean => {
    const count = (done.get(what) ?? 0) + 1;
    done.set(what, count);
    return count <= times;
  };
  let imports = 0;
  const changeHistory = async (subject: string): Promise<void> => {
    imports += 1;
    const row = `${world.customerOf(subject)},2025-01-02,${imports}`;
    await importPurchases(
      textSource(`late-${imports}.csv`, `customer,date,amount\n${row}\n`),
      { map: PURCHASES, currency: 'CNY', source: `late-${imports}` },
      tool.imports,
    );
  };
  return async (call, body) => {
    if (call.action === 'dynamodb:Query' && call.resource.endsWith('-customers')) {
      const part = /"([\w-]{22})#"/.exec(body)?.[1];
      if (part !== undefined && mayStill(`read ${call.function}`, 1)) await changeHistory(part);
    }
    if (call.action === 'dynamodb:GetItem' && call.resource.endsWith('-customers')) {
      const subject = JSON.parse(body).Key.subject.S;
      if (CHANGING.has(call.function) && mayStill(`write ${call.function}`, 4)) await changeHistory(subject);
    }
    if (call.action === 'dynamodb:PutItem' && call.resource.endsWith('-invitations') && call.function === 'plan-wave') {
      const { customerId } = JSON.parse(JSON.parse(body).Item.document.S);
      if (mayStill('erase', 1)) await world.stack.tool.persons.customers.erase(customerId);
    }
  };
};

/** Functions that change customers. */
const CHANGING = new Set([
  'answer-survey',
  'project-answers',
  'open-run',
  'import-whole-file',
  'write-import-range',
  'sweep-customers',
]);

/** A month's survey: pages of every kind, reminders, bounces, its end. */
const answerAndClose = async (world: World, waveId: string): Promise<void> => {
  const { account, stack } = world;
  const { clock, mail, tool } = stack;
  const wave = (await tool.waves.get(waveId))?.record;
  if (wave === undefined) throw new Error(`no wave ${waveId}`);
  const invited = mail.mails({ tags: { run: waveId, kind: 'invitation' } });
  const [unhappy, unsubscribing, erased, happy] = invited;
  if (unhappy === undefined || unsubscribing === undefined || erased === undefined || happy === undefined)
    throw new Error('too few mails');
  await clock.moveAtLeastTo(new Date(Date.parse(clock.now()) + 3 * HOUR_MS).toISOString());
  await post(world, await pathIn(unhappy, 'answer'), { score: '2', comment: LOOP_COMMENTS[0], wish: 'call' });
  await post(world, await pathIn(unsubscribing, 'unsubscribe'), { 'List-Unsubscribe': 'One-Click' });
  await post(world, await pathIn(happy, 'answer'), { score: '10', comment: LOOP_COMMENTS[1] });
  await eraseCustomerOf(world, erased);
  await post(world, await pathIn(erased, 'answer'), { score: '9', comment: '' });
  await leavePending(world, unhappy, erased);
  await account.invoke('project-answers');
  await account.invoke('escalate-cases');

  const earlier = account.calls.length;
  await clock.moveAtLeastTo(wave.remindAt);
  // The last that a batch of mails does is to add up what the wave has sent.
  const isOfReminders = (one: (typeof account.calls)[number]): boolean =>
    one.function === 'send-reminders' && one.action === 'dynamodb:Query';
  await until(() => account.calls.slice(earlier).some(isOfReminders));
  const bounces = invited.map((one, index) => ({
    messageId: `late-${index}`,
    body: notification(world, bounceOf(one)),
  }));
  const toStaff = [...mail.mails({ tags: { kind: 'case' } }), ...mail.mails({ tags: { kind: 'actions' } })];
  const staffBounces = toStaff.map((one, index) => ({
    messageId: `staff-${index}`,
    body: notification(world, bounceOf(one)),
  }));
  await account.invoke('ingest-mail-event', { Records: [...bounces, ...staffBounces] });
  await clock.moveAtLeastTo(wave.closesAt);
  await account.invoke('escalate-cases');
  const machine = [...account.runner.list(machineOf(world, 'survey-wave'))].find(({ name }) => name === waveId);
  await stack.finished(executionArnOf(machineOf(world, 'survey-wave'), machine?.name ?? waveId));
};

/** A plan that a brake holds; customers who left meanwhile; then it is applied all the same. */
const applyLate = async (world: World): Promise<void> => {
  const { stack } = world;
  const [, , , alive, erased] = stack.mail.mails({ tags: { run: waveIdOf('2026-05-monthly'), kind: 'invitation' } });
  if (erased === undefined || alive === undefined) throw new Error('too few mails');
  await eraseCustomerOf(world, erased);
  await leavePending(world, alive, erased);
  const held = await run(world, { mode: 'run', policyHash: world.movingPolicy.hash, requestId: 'held' });
  if (held?.state !== 'held') throw new Error(`the run was not held but ${held?.state}`);
  const plan = (await Promise.all([0, 1].map((shard) => stack.run.files.readPlan(held.runId, shard)))).flat();
  for (const { subject } of plan.filter((row) => row.changed).slice(0, 2))
    await stack.tool.persons.customers.erase(world.customerOf(subject));
  const brakes = held.brakes.map(({ brake }) => brake);
  for (const brake of brakes)
    await run(world, {
      mode: 'apply',
      runId: held.runId,
      requestId: `apply-${brake}`,
      override: { brake, reason: 'meant', by: 'operator' },
    });
};

/** Plans for customers of a list, and for a list that is not there, which fails. */
const planForFew = async (world: World): Promise<void> => {
  const { stack, policy } = world;
  const [first] = await stack.run.files.readPlan('2026-05-monthly', 0);
  const subjectsKey = 'requests/few/subjects.json';
  await stack.run.objects.put(subjectsKey, new TextEncoder().encode(JSON.stringify([first?.subject])));
  await run(world, { mode: 'plan', policyHash: policy.hash, requestId: 'few', only: { subjectsKey } });
  const missing = { subjectsKey: 'requests/missing/subjects.json' };
  await run(world, { mode: 'plan', policyHash: policy.hash, requestId: 'missing', only: missing });
};

/** Files that other systems drop, and some that an operator hands over; one that fails. */
const importFiles = async (world: World): Promise<void> => {
  const { stack } = world;
  const { tool, run, parts } = stack;
  const at = stack.clock.now();
  const planned = await run.files.readPlan('2026-05-monthly', 0);
  const alive = await tool.imports.customers.getMany(planned.map(({ subject }) => subject));
  const known = [...alive.values()].find(({ orders }) => orders.length > DAYS_OF_HISTORY)?.customerId ?? '';
  const setFeed = async (name: string, settings: ImportSettings): Promise<void> => {
    await tool.feeds.create(name, { name, settings, setAt: at, setBy: 'operator', stoppedAt: null });
  };
  const gone = 'G-1';
  const erasure = { by: 'operator', reason: 'asked', begunAt: at, doneAt: at, subject: null, removed: {} };
  await tool.persons.erasures.put(gone, erasure);
  await setFeed('crm', {
    kind: 'customers',
    map: { id: 'id', email: 'email', consent: 'consent' },
    asOf: 'arrival',
    complete: true,
    inputDropLimit: 1,
    source: 'crm',
  });
  await setFeed('people', { kind: 'staff', map: { name: 'name', email: 'email' } });
  await setFeed('orders', { kind: 'purchases', map: PURCHASES, source: 'orders' });
  const drop = (key: string, text: string, compressed = false): Promise<void> =>
    importOf(world, key, async () => {
      const bytes = new TextEncoder().encode(text);
      await parts.files.write(key, oneOf(compressed ? gzipSync(bytes) : bytes));
      return { object: { key, version: (await parts.files.stat(key))?.version ?? '', at } };
    });
  const people = [`${known},again@example.com,yes`, `${known},again@example.com,yes`, `${gone},gone@example.com,no`];
  await drop('incoming/crm/all.csv', `id,email,consent\n${people.join('\n')}\nN-1,,no\n,,\n`);
  await drop('incoming/orders/may.csv.gz', `customer,date,amount\n${known},2026-05-03,5\nN-2,2026-05-04,5\n`, true);
  await drop('incoming/nobody/x.csv', 'a\n1\n');
  const replace = (await tool.batches.list('purchases-')).find(({ record }) => record.source === 'history')?.id ?? '';
  const ask = (settings: ImportSettings, text: string, via: Readonly<Record<string, string>> = {}): Promise<void> =>
    importOf(world, `asked-${settings.kind}`, async () => {
      const importId = `asked-${settings.kind}`;
      const folder = `imports/${importId}`;
      await parts.files.write(`${folder}/file`, oneOf(new TextEncoder().encode(text)));
      const leading = Object.entries(via).map(async ([name, content]) => {
        await parts.files.write(`${folder}/${name}`, oneOf(new TextEncoder().encode(content)));
        return { file: { key: `${folder}/${name}`, name }, key: 'from', value: 'to' };
      });
      const file = { key: `${folder}/file`, name: 'file.csv' };
      const request = { settings, file, via: await Promise.all(leading), by: 'operator', feed: null };
      await storeImportRequest(importId, request, parts);
      return { importId };
    });
  await drop('incoming/people/staff.csv', 'name,email\nLi Wei,li@example.com\n');
  await ask(
    { kind: 'notes', map: { customer: 'customer', about: 'about', rating: 'rating', by: 'by', reason: 'reason' } },
    `customer,about,rating,by,reason\n${known},potential,4,Ann,grows\n`,
  );
  const answers = { customer: 'order', score: 'score', at: 'at' };
  await ask({ kind: 'answers', map: answers }, 'order,score,at\no1,9,2026-05-02\n', {
    'via-0': `from,to\no1,${known}\n`,
  });
  await ask(
    { kind: 'purchases', map: PURCHASES, replace, source: 'history' },
    `customer,date,amount\n${known},2025-01-02,1\n`,
  );
  const records = await tool.importRecords.list();
  const failed = records.filter(({ record }) => record.state !== 'done').map(({ record }) => record.fileName);
  if (failed.join() !== 'x.csv') throw new Error(`imports that did not end well: ${failed.join()}`);
};

async function* oneOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const importOf = async (world: World, name: string, prepare: () => Promise<object>): Promise<void> => {
  const { stack } = world;
  const input = { schema: 1, ...(await prepare()) };
  const { executionArn } = await stack.workflows.start('import', name.replace(/[^A-Za-z0-9-]/g, '-'), input);
  await stack.finished(executionArn);
};

/** Events of all kinds, one of them of nothing that has an item. */
const tellOthers = async ({ account, stack }: World): Promise<void> => {
  const { parts } = stack;
  const event = moveEvent(
    { runId: '2026-05-monthly', seq: 1, period: '2026-05', asOf: '2026-05-31' },
    { subject: 's', customerId: 'C', branch: null },
    { dimension: 'class', from: null, to: 'hold', kind: 'new' },
    'run',
    stack.clock.now(),
  );
  await dynamoOutbox(parts.dynamo, parts.tables.runs).put({ event });
  await account.invoke('emit-events');
};

const machineOf = ({ account }: World, name: 'resegmentation' | 'survey-wave'): string =>
  account.machineArns[name] ?? '';

const run = async (world: World, request: Partial<RunRequest> & { readonly requestId: string }) => {
  const { stack } = world;
  const { requestId } = request;
  const { executionArn } = await stack.workflows.start('resegmentation', requestId, {
    schema: 1,
    trigger: 'operator',
    asOf: '2026-05-31',
    by: 'operator',
    ...request,
  });
  await stack.finished(executionArn);
  const runs = await stack.run.runs.list();
  return runs.find(({ record }) => record.runId === (request.runId ?? `2026-05-${requestId}`))?.record;
};

/** Answers that a crash kept from their customers: one whose customer is there, and one whose customer was erased. */
const leavePending = async ({ stack }: World, alive: StoredMail, erased: StoredMail): Promise<void> => {
  const { answers, invitations } = stack.tool;
  const known = await answers.get(alive.tags['inv'] ?? '');
  const gone = await invitations.get(erased.tags['inv'] ?? '');
  if (known === undefined || gone === undefined) throw new Error('there is no answer or no invitation');
  const { answer } = known;
  await answers.put(
    { ...known, pending: true, answer: { ...answer, version: answer.version + 1, score: 1, at: stack.clock.now() } },
    answer.version,
  );
  const { invitationId: answerId, customerId, subject } = gone;
  await answers.put({ ...known, pending: true, subject, answer: { ...answer, answerId, customerId, version: 1 } }, 0);
};

const eraseCustomerOf = async ({ stack }: World, mail: StoredMail): Promise<void> => {
  const invitation = await stack.tool.invitations.get(mail.tags['inv'] ?? '');
  await stack.tool.persons.customers.erase(invitation?.customerId ?? '');
};

/** Path of a link in a mail. */
const pathIn = async (mail: StoredMail, link: 'answer' | 'unsubscribe'): Promise<string> => {
  const parsed = await PostalMime.parse(mail.raw);
  const header = parsed.headers.find(({ key }) => key === 'list-unsubscribe')?.value ?? '';
  const address = link === 'answer' ? answerLinkOf(parsed.text ?? '') : /<(https?:[^>]+)>/.exec(header)?.[1];
  return new URL(address ?? '').pathname;
};

/** Opens a page and sends its form. @throws Error where the page does not take it */
const post = async ({ account }: World, path: string, fields: Record<string, string>): Promise<void> => {
  const page = await fetch(`${account.pages}${path}`);
  const answered = await fetch(`${account.pages}${path}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
  });
  if (!page.ok || answered.status >= 400) throw new Error(`${path}: ${page.status}, ${answered.status}`);
};

const bounceOf = (mail: StoredMail) => ({
  eventType: 'Bounce',
  mail: {
    messageId: mail.messageId,
    timestamp: mail.sentAt,
    destination: [mail.to],
    tags: Object.fromEntries(Object.entries(mail.tags).map(([name, value]) => [name, [value]])),
  },
  bounce: {
    bounceType: 'Permanent',
    timestamp: mail.sentAt,
    feedbackId: `late-${mail.id}`,
    bouncedRecipients: [{ emailAddress: mail.to }],
  },
});

const notification = ({ account }: World, message: unknown): string =>
  JSON.stringify({ Type: 'Notification', TopicArn: account.mailTopicArn, Message: JSON.stringify(message) });

const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  for (let tries = 0; !(await isSo()); tries += 1) {
    if (tries > 1_200) throw new Error(`it did not happen in 60 s: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
