import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { commandNames, main } from '#cli/main.ts';
import { openTarget } from '#cli/open-target.ts';
import { dynamoAnswers } from '#shared/adapters/dynamo-answers.ts';
import { dynamoCases } from '#shared/adapters/dynamo-cases.ts';
import { dynamoClient } from '#shared/adapters/dynamo-client.ts';
import type { RaisedFlag } from '#shared/domain/flags.ts';
import { newCustomer } from '#shared/domain/merge-facts.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import { openCase, storedAnswer } from '../survey/memory.ts';
import { ACCOUNT, type DeployedStage, deployStage, REGION } from './deployed-stage.ts';
import { type StageMachines, startStageMachines } from './stage-machines.ts';

/**
 * What each command of the tool does with `--target aws` over a stage that was deployed from its templates into moto. Runs are
 * executed by `stage-machines.ts`. A command that is not in this table, or that no test ran, fails.
 */
const COMMANDS: Readonly<Record<string, 'reads' | 'writes' | 'starts an execution' | 'is refused in an account'>> = {
  'import purchases': 'starts an execution',
  'import customers': 'starts an execution',
  'import answers': 'starts an execution',
  'import notes': 'starts an execution',
  'import staff': 'starts an execution',
  'import list': 'reads',
  'import show': 'reads',
  'feed set': 'writes',
  'feed list': 'reads',
  'feed stop': 'writes',
  plan: 'starts an execution',
  run: 'starts an execution',
  apply: 'starts an execution',
  'run list': 'reads',
  'run show': 'reads',
  'run diff': 'reads',
  'run replay': 'reads',
  'run rollback': 'writes',
  'run abandon': 'writes',
  'run redrive': 'starts an execution',
  status: 'reads',
  explain: 'reads',
  'wave list': 'reads',
  'wave check': 'reads',
  'wave show': 'reads',
  'wave pause': 'writes',
  'wave resume': 'writes',
  'wave cancel': 'writes',
  'wave results': 'reads',
  'wave redrive': 'starts an execution',
  'flag list': 'reads',
  'flag show': 'reads',
  'flag letter': 'reads',
  'flag approve': 'writes',
  'flag refuse': 'writes',
  'case list': 'reads',
  'case show': 'reads',
  'case take': 'writes',
  'case close': 'writes',
  'action list': 'reads',
  'answer list': 'reads',
  'answer confirm': 'writes',
  'answer discard': 'writes',
  'team show': 'reads',
  'outcome show': 'reads',
  'pin set': 'writes',
  'pin clear': 'writes',
  'pin list': 'reads',
  'note add': 'writes',
  'note list': 'reads',
  'note withdraw': 'writes',
  'customer show': 'reads',
  'customer history': 'reads',
  'contact show': 'reads',
  'contact erase': 'writes',
  'staff list': 'reads',
  'staff remove': 'writes',
  'clock show': 'reads',
  'clock move': 'is refused in an account',
  'policy list': 'reads',
  'policy show': 'reads',
  'policy check': 'reads',
  'policy diff': 'reads',
  'policy new': 'reads',
  'policy activate': 'writes',
  'key list': 'reads',
  'key create': 'writes',
  'key add': 'writes',
  'key retire': 'writes',
  estimate: 'reads',
  export: 'reads',
  'event tail': 'is refused in an account',
  audit: 'reads',
  backtest: 'reads',
};
const ran = new Set<string>();
/** A run asks for each of 4,096 buckets, of a server with one thread: half a minute where nothing else is at work. */
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });

const ENDPOINT = process.env['RESEGMENT_JUDGE_AWS'] ?? '';
const TOOL = join(import.meta.dirname, '..', '..', 'cli', 'resegment.mjs');
const ENVIRONMENT = {
  AWS_ENDPOINT_URL: ENDPOINT,
  // The caller's own, in which the stage is not.
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'judge',
  AWS_SECRET_ACCESS_KEY: 'judge',
  RESEGMENT_TARGET: 'aws',
  RESEGMENT_STAGE: 'dev',
};
const folder = temporaryFolder('aws');
let stage: DeployedStage;
let machines: StageMachines;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One command, in this process. */
const resegment = async (...words: string[]): Promise<Ran> => {
  const names = commandNames().filter((name) => `${words.join(' ')} `.startsWith(`${name} `));
  ran.add(names.sort((a, b) => b.length - a.length)[0] ?? words.join(' '));
  let out = '';
  let err = '';
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      err += String(text);
      return true;
    }),
  ];
  try {
    const code = await main(words);
    return { code, out, err };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
};
const json = async (...words: string[]) => {
  const { code, out, err } = await resegment(...words, '--json');
  expect(code, `resegment ${words.join(' ')}: ${out}${err}`).toBe(0);
  return JSON.parse(out);
};
const refusal = async (...words: string[]) => {
  const { code, out } = await resegment(...words, '--json');
  expect(code, out).not.toBe(0);
  return JSON.parse(out).error;
};
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** The tool as a process of its own, with Step Functions of moto. */
const started = (...words: string[]) => {
  const { AWS_ENDPOINT_URL_SFN: _, ...rest } = process.env;
  return { file: process.execPath, arguments_: [TOOL, ...words], options: { env: { ...rest, ...ENVIRONMENT } } };
};

beforeAll(async () => {
  await fetch(`${ENDPOINT}/moto-api/reset`, { method: 'POST' });
  Object.assign(process.env, ENVIRONMENT);
  stage = await deployStage(ENDPOINT);
  machines = await startStageMachines(stage);
  process.env['AWS_ENDPOINT_URL_SFN'] = machines.endpoint;
});
afterAll(async () => {
  await machines?.close();
  stage?.boto.close();
});

describe('the tool in an account, over the APIs of AWS as others made them', () => {
  it('names account, region and stage first, and the caller as AWS knows it', async () => {
    const { file: node, arguments_, options } = started('key', 'create');
    const [code, stderr] = await new Promise<readonly [unknown, string]>((resolve) => {
      execFile(node, arguments_, options, (error, _out, said) => resolve([error?.code ?? 0, said]));
    });
    ran.add('key create');

    expect(stderr.split('\n')[0]).toBe(`target aws, account ${ACCOUNT}, region ${REGION}, stage dev`);
    expect(code, stderr).toBe(0);
    const { history } = await json('key', 'list');
    expect(history).toMatchObject([{ event: 'created', kid: 'k1', by: expect.stringMatching(/^arn:aws:sts::/) }]);
  });

  it('adds and retires keys of links, but never the one that signs', async () => {
    expect(await json('key', 'add', 'k2')).toEqual({ kid: 'k2', outcome: 'added' });
    expect((await resegment('key', 'retire', 'k1')).code).toBe(1);
    expect(await json('key', 'retire', 'k2')).toEqual({ kid: 'k2', outcome: 'retired' });
    expect(await json('key', 'list')).toMatchObject({ signs: 'k1', links: ['k1'] });
  });

  it('refuses a name that the caller chose, and what only the local stack has', async () => {
    const { code, err } = await resegment('--as', 'Li Wei', 'status');

    expect(code).toBe(2);
    expect(err).toContain('--as "Li Wei" is for the local stack only');
    expect(await refusal('clock', 'move', '--by', '1h')).toMatchObject({ code: 'clock-not-movable' });
    expect(await refusal('event', 'tail')).toMatchObject({ code: 'events-not-kept' });
    expect(Date.parse((await json('clock', 'show')).now)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('starts one execution for a plan, with the request as input, and follows it until the operator goes away', async () => {
    const { file: node, arguments_, options } = started('plan', '--policy', 'retail-rfm');
    const tool = spawn(node, arguments_, options);
    let said = '';
    tool.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const stateMachineArn = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:resegment-dev-resegmentation`;
    const executions = async () =>
      z.parse(
        z.array(z.looseObject({ executionArn: z.string() })),
        await stage.boto.list('stepfunctions', 'list_executions', 'executions', { stateMachineArn }),
      );
    await vi.waitFor(async () => expect(await executions(), said).toHaveLength(1), { timeout: 300_000, interval: 500 });
    const [execution] = await executions();
    const { input } = z.parse(
      z.looseObject({ input: z.string() }),
      await stage.boto.call('stepfunctions', 'describe_execution', { executionArn: execution?.executionArn }),
    );
    const ended = new Promise((resolve) => tool.on('exit', resolve));
    tool.kill('SIGINT');

    expect(JSON.parse(input)).toMatchObject({ schema: 1, trigger: 'operator', by: expect.stringMatching(/^arn:/) });
    expect(await ended).toBe(130);
  });
});

describe('the imports', () => {
  it('take purchases once, with the rejected rows in a file', async () => {
    const orders = file(
      'orders.csv',
      'customer,date,amount\nI-1,2026-09-01,120.50\nI-2,2026-10-03,80\nI-1,2026-10-20,-20\nI-3,never,1\n',
    );
    const import_ = [
      'import',
      'purchases',
      orders,
      '--map=customer=customer,date=date,amount=amount',
      '--source',
      'shop',
    ];

    const first = await resegment(...import_, '--json');
    const again = await resegment(...import_, '--json');

    expect(JSON.parse(first.out), first.err).toMatchObject({ rows: 4, accepted: 3, rejected: 1, customers: 2 });
    expect(JSON.parse(again.out)).toMatchObject({ alreadyImported: true });
    expect(JSON.stringify(await json('contact', 'show', 'I-1'))).toContain('2026-10-20');
  });

  it('take addresses under the key of the ring, hand out what is held about a person, and erase it', async () => {
    const customers = file(
      'customers.csv',
      'id,email,name\nI-1,wang.fang@customer.test,Wang Fang\nI-2,li.wei@customer.test,Li Wei\n',
    );
    const import_ = ['import', 'customers', customers, '--as-of', '2026-10-31', '--map', 'id=id,email=email,name=name'];

    expect(await json(...import_)).toMatchObject({ rows: 2, accepted: 2, rejected: 0 });
    expect(await json(...import_)).toMatchObject({ alreadyImported: true });
    expect(await json('contact', 'show', 'I-1')).toMatchObject({
      addresses: [{ address: 'wang.fang@customer.test', name: 'Wang Fang' }],
    });
    expect(await json('contact', 'erase', 'I-1', '--reason', 'request of 12 May', '--yes')).toMatchObject({
      outcome: 'erased',
    });
    expect(await json('contact', 'erase', '--restored', '--yes')).toEqual({ looked: 1, erased: 0, unreadable: 0 });
    expect(await refusal('contact', 'show', 'I-1')).toMatchObject({ code: 'customer-erased' });
  });

  it('take answers and notes about customers who are known', async () => {
    const answers = file('answers.csv', 'customer,at,score\nI-2,2026-10-05,9\n');
    const notes = file('notes.csv', 'customer,about,rating,by,reason\nI-2,quality,4,Li Wei,pays early\n');

    expect(
      await json('import', 'answers', answers, '--map', 'customer=customer,at=at,score=score', '--source', 'old'),
    ).toMatchObject({ rows: 1, accepted: 1 });
    expect(
      await json(
        ...['import', 'notes', notes, '--source', 'crm', '--map'],
        'customer=customer,about=about,rating=rating,by=by,reason=reason',
      ),
    ).toMatchObject({ rows: 1, accepted: 1 });
  });

  it('are listed and shown, and can be said for a folder of files that come by themselves', async () => {
    expect((await json('import', 'list')).length).toBeGreaterThan(3);
    expect(JSON.stringify(await json('import', 'show', 'latest'))).toContain('notes');
    const map = ['--map', 'customer=customer,date=date,amount=amount', '--source', 'shop'];
    expect(await json('feed', 'set', 'orders', 'purchases', ...map)).toMatchObject({ name: 'orders' });
    expect(await json('feed', 'stop', 'orders')).toEqual({ name: 'orders', state: 'stopped' });
    expect(await json('feed', 'list')).toMatchObject([{ name: 'orders', stoppedAt: expect.stringContaining('T') }]);
  });

  it('take the staff, who can be listed and removed', async () => {
    const staff = file(
      'staff.csv',
      'name,mail,boss,branch,role\nLi Wei,li.wei@bank.test,Chen Jing,North,manager\nChen Jing,chen.jing@bank.test,,North,branchHead\n',
    );
    const map = 'name=name,email=mail,superior=boss,branch=branch,role=role';

    expect(await json('import', 'staff', staff, '--map', map)).toMatchObject({ rows: 2, accepted: 2 });
    expect((await json('staff', 'list')).map(({ name }: { name: string }) => name)).toEqual(['Chen Jing', 'Li Wei']);
    await json('staff', 'remove', 'Li Wei');
    expect(await json('staff', 'list')).toHaveLength(1);
  });
});

describe('a run of the deployed state machine, from facts to a survey', () => {
  const IDS = Array.from({ length: 40 }, (_, n) => `C-${n}`);
  /** The stage sends a mail every 1.25 seconds. */
  const WITH_ADDRESS = 4;
  const DAY_MS = 86_400_000;
  const today = Math.floor(Date.now() / DAY_MS);
  const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

  beforeAll(async () => {
    const target = await openTarget({ target: 'aws', stage: 'dev', data: '' });
    const subjects = await target.customers.ensureSubjects(IDS);
    for (const [n, customerId] of IDS.entries()) {
      const recordedAt = '2026-01-01T00:00:00.000Z';
      const contactKey =
        n < WITH_ADDRESS
          ? await target.contacts.upsertPerson({ customerId, email: `c${n}@customer.test`, language: 'en' })
          : undefined;
      await target.customers.put(
        {
          ...newCustomer(customerId, subjects.get(customerId) ?? ''),
          factsRev: 1,
          changedAt: recordedAt,
          batches: [{ batchId: 'b', recordedAt, chunks: [0] }],
          orders: Array.from({ length: 1 + (n % 7) }, (_, k) => ({
            day: today - 3 - ((11 * n) % 300) - 30 * (7 - k),
            count: 1,
            amountMinor: 10_000 + 700 * n,
            attributes: {},
            batch: 0,
          })),
          ...(contactKey === undefined ? {} : { contactKey }),
        },
        null,
      );
    }
    await target.close();
  });

  it('is shown, compared and read as policies first', async () => {
    expect(JSON.stringify(await json('policy', 'list'))).toContain('retail-rfm');
    await json('policy', 'show', 'retail-rfm');
    await json('policy', 'check', 'retail-rfm');
    const mine = join(folder, 'mine.yaml');
    await resegment('policy', 'new', '--from', 'retail-rfm', '--out', mine);
    expect(readFileSync(mine, 'utf8')).toContain('retail-rfm');
  });

  it('is planned, looked at and applied, and is then in force', async () => {
    const { runId } = await json('plan', '--policy', 'retail-rfm', '--survey');
    expect(await json('run', 'list')).toMatchObject([{ runId, state: 'planned' }]);
    expect((await json('status')).published).toBeNull();

    await json('apply', runId);

    expect(await json('run', 'show', 'latest')).toMatchObject({ runId, state: 'published' });
    expect(await json('run', 'replay', runId)).toMatchObject({ runId });
    expect(await json('explain', 'C-1')).toMatchObject({ customerId: 'C-1' });
    expect(JSON.stringify(await json('customer', 'show', 'C-1'))).toContain('C-1');
    await json('customer', 'history', 'C-1');
    await json('action', 'list');
    await json('estimate');
    expect(JSON.stringify(await json('audit', '--kind', 'run'))).toContain(runId);
    const csv = join(folder, 'segments.csv');
    await resegment('export', runId, '--format', 'csv', '--out', csv);
    expect(readFileSync(csv, 'utf8').match(/C-\d+/gu)).toHaveLength(IDS.length);
    // Only the scheduled run of a month has outcomes.
    expect(await refusal('outcome', 'show')).toMatchObject({ code: 'run-unknown' });
  });

  it('is followed by another, compared with it and taken back; and a plan that nobody wants is given up', async () => {
    const { runId } = await json('run', '--policy', 'bank-three-class', '--yes');
    expect(await json('run', 'show', 'latest')).toMatchObject({ runId, state: 'published' });
    expect(JSON.stringify(await json('run', 'diff', 'previous', 'latest'))).toContain(runId);

    expect(await json('run', 'rollback', 'latest', '--reason', 'the wrong policy')).toMatchObject({ runId });
    expect(await json('status')).toMatchObject({ published: { policy: { name: 'retail-rfm' } } });
    // A plan that nobody applied; another run would read all buckets again.
    const target = await openTarget({ target: 'aws', stage: 'dev', data: '' });
    const known = await target.runs.get(runId);
    if (known === undefined) throw new Error('the run has no record');
    const plan = `${known.record.period}-rplan`;
    await target.runs.create(plan, { ...known.record, runId: plan, seq: null, state: 'planned', finishedAt: null });
    await target.close();
    expect(await refusal('run', 'redrive', runId)).toMatchObject({ code: 'run-not-failed' });
    await json('run', 'abandon', plan);
    expect(await json('run', 'show', plan)).toMatchObject({ state: 'abandoned' });
  });

  it('is replayed month by month, and compared with another policy', async () => {
    const months = ['--from', dateOf(today - 100).slice(0, 7), '--to', dateOf(today - 70).slice(0, 7)];
    await json('backtest', '--policy', 'retail-rfm', ...months);
    await json('policy', 'diff', 'retail-rfm', join(folder, 'mine.yaml'));
  });
});

describe('what comes after a run', () => {
  it('is a survey wave, whose mails SES takes, and which can be stopped', async () => {
    const [{ waveId }] = await json('wave', 'list');
    await vi.waitFor(
      async () => {
        const { state, drawn, sent } = await json('wave', 'show', waveId);
        expect(drawn).toBeGreaterThan(3);
        expect({ state, sent }).toEqual({ state: 'open', sent: drawn });
      },
      { timeout: 300_000, interval: 1_000 },
    );
    const { sent } = await json('wave', 'show', waveId);
    // moto counts a recipient in the envelope, and again in the mail's To.
    expect(await stage.boto.call('ses', 'get_send_quota')).toMatchObject({ SentLast24Hours: 2 * sent });

    expect(await json('wave', 'results', waveId)).toMatchObject({ waveId });
    expect(await json('team', 'show', waveId)).toMatchObject({ waveId });
    const shown = () => json('wave', 'show', waveId);
    await json('wave', 'pause', waveId, '--reason', 'a wrong name');
    expect(await shown()).toMatchObject({ state: 'open', pause: { reason: 'a wrong name' } });
    await json('wave', 'resume', waveId);
    // Its execution is alive and waits for the reminders, so nothing is to be started again.
    expect(await refusal('wave', 'redrive', waveId)).toMatchObject({ code: 'execution-running' });
    expect(await shown()).toMatchObject({ state: 'open', pause: null });
    await json('wave', 'cancel', waveId, '--reason', 'a wrong name');
    expect(await shown()).toMatchObject({ state: 'cancelled' });
    const [published] = (await json('run', 'list')).filter((run: { state: string }) => run.state === 'published');
    expect(await json('wave', 'check', published.runId)).toMatchObject({ runId: published.runId });
  });

  it('is a proposal, which somebody decides', async () => {
    const target = await openTarget({ target: 'aws', stage: 'dev', data: '' });
    const subjects = await target.customers.ensureSubjects(['C-1', 'C-2', 'C-3']);
    const [run] = await json('run', 'list');
    for (const [customerId, subject] of subjects) {
      const flag: RaisedFlag = {
        ...{ kind: 'exit', subject, customerId, runId: run.runId, period: run.period, segment: 'lost' },
        ...{ branch: null, manager: null, stake: 12.5, evidence: { rule: 'silent' } },
        ...{ raisedAt: new Date().toISOString(), expiresOn: '2099-12-31' },
      };
      expect(await target.flags.raise(flag)).toBe('raised');
    }
    await target.close();

    expect(await json('flag', 'list')).toHaveLength(3);
    await json('flag', 'show', 'C-1');
    await resegment('flag', 'letter', 'C-3');
    await json('flag', 'approve', 'C-1', '--reason', 'closed the shop');
    await json('flag', 'refuse', 'C-2', '--reason', 'ordered by telephone');
    expect(await json('flag', 'list')).toHaveLength(1);
  });

  it('is a case, which somebody takes and closes', async () => {
    const cases = dynamoCases(dynamoClient({ region: REGION }), 'resegment-dev-cases');
    await cases.createIfAbsent(openCase('k1', { customerId: 'C-1' }));

    expect(await json('case', 'list')).toHaveLength(1);
    await json('case', 'show', 'k1');
    await json('case', 'take', 'k1');
    await json('case', 'close', 'k1', '--outcome', 'solved', '--note', 'called');
    expect(await json('case', 'list')).toEqual([]);
  });

  it('is an answer that looks like a machine’s, which somebody judges', async () => {
    const answers = dynamoAnswers(dynamoClient({ region: REGION }), 'resegment-dev-answers');
    for (const id of ['AAAAAAAAAAAAAAAAAAAAA1', 'AAAAAAAAAAAAAAAAAAAAA2']) {
      const { answer, ...rest } = storedAnswer(id, 1);
      await answers.put({ ...rest, answer: { ...answer, customerId: 'C-1', suspect: true, signals: ['tooFast'] } }, 0);
    }

    expect(await json('answer', 'list', '--state', 'all')).toHaveLength(2);
    await json('answer', 'confirm', 'AAAAAAAAAAAAAAAAAAAAA1', '--reason', 'spoke to her');
    await json('answer', 'discard', 'AAAAAAAAAAAAAAAAAAAAA2', '--reason', 'a scanner');
  });

  it('is a pin, a note and another active policy', async () => {
    await json('pin', 'set', 'C-5', '--segment', 'champions', '--until', '2027-06-30', '--reason', 'frame contract');
    expect(await json('pin', 'list')).toHaveLength(1);
    await json('pin', 'clear', 'C-5', '--reason', 'contract ended');

    await json('note', 'add', 'C-5', '--rating', '4', '--about', 'potential', '--reason', 'second plant');
    const [note] = await json('note', 'list', 'C-5');
    await json('note', 'withdraw', 'C-5', String(note.noteId ?? note.id), '--reason', 'mistaken');

    await json('policy', 'activate', join(folder, 'mine.yaml'), '--reason', 'judged');
  });
});

describe('the table of commands', () => {
  it('has every command of the tool, and each was run', () => {
    expect(Object.keys(COMMANDS).sort()).toEqual([...commandNames()].sort());
    expect(Object.keys(COMMANDS).filter((name) => !ran.has(name))).toEqual([]);
  });
});
