import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandNames } from '#cli/main.ts';
import type { Target } from '#cli/target.ts';
import { objectErasureLog } from '#shared/adapters/object-erasure-log.ts';
import type { AuditEntry } from '#shared/application/audit.ts';
import { updateRun } from '#shared/application/run/run-ports.ts';
import type { Answer } from '#shared/domain/answer-rules.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import type { KeyRing, KeyRingEvent } from '#shared/ports/secrets.ts';
import { benchTarget, operatorOn, type Said } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';
import { ADDRESS_KEY, memoryStores, storedAnswer, waveRecord } from '#test/survey/memory.ts';

/** Commands that change nothing that is kept. Whatever is not here is done below and must be in the audit. */
const READING: readonly string[] = [
  'action list',
  'answer list',
  'audit',
  'backtest',
  'case list',
  'case show',
  'clock show',
  'contact show',
  'customer history',
  'customer show',
  'estimate',
  'event tail',
  'explain',
  'export',
  'feed list',
  'flag letter',
  'flag list',
  'flag show',
  'import list',
  'import show',
  'key list',
  'note list',
  'outcome show',
  'pin list',
  'policy check',
  'policy diff',
  'policy list',
  'policy new',
  'policy show',
  'run diff',
  'run list',
  'run replay',
  'run show',
  'staff list',
  'status',
  'team show',
  'wave check',
  'wave list',
  'wave results',
  'wave show',
];

const folder = temporaryFolder('audit');
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const ringInMemory = (): KeyRing => {
  const history: KeyRingEvent[] = [];
  const note = (event: KeyRingEvent['event'], kid: string, order: { readonly by: string; readonly at: string }) =>
    history.push({ event, kid, ...order });
  return {
    create: async (kid, order) => {
      note('created', kid, order);
      return 'created';
    },
    add: async (kid, order) => {
      note('added', kid, order);
      return 'added';
    },
    retire: async (kid, order) => {
      note('retired', kid, order);
      return 'retired';
    },
    show: async () => ({ links: ['k1'], history }),
  };
};

const caseOf = (caseId: string, subject: string, at: string): CustomerCase => ({
  caseId,
  customerId: 'a',
  subject,
  waveId: 'w',
  segment: 'low',
  branch: null,
  manager: null,
  owner: { kind: 'central', name: 'central' },
  reason: 'lowAnswer',
  score: 2,
  question: 'nps',
  priority: 'high',
  openedAt: at,
  dueAt: at,
  state: 'open',
  history: [{ event: 'opened', at, by: 'w' }],
});

interface Expected {
  readonly kind: string;
  readonly action: string;
  readonly what?: string;
  readonly customerId?: string;
  readonly reason?: string;
}

let resegment: (...words: readonly string[]) => Promise<Said>;
const done: { readonly command: string; readonly expected: Expected }[] = [];
let audited: readonly AuditEntry[];

const auditOf = async (...words: readonly string[]): Promise<readonly AuditEntry[]> =>
  Object((await resegment('audit', ...words, '--json')).json).entries;

/** Does a command, and notes what the audit must say of it. */
const act = async (command: string, more: readonly string[], expected: Expected): Promise<unknown> => {
  const said = await resegment(...command.split(' '), ...more, '--json');
  if (said.code !== 0) throw new Error(`${command}: ${said.out}${said.err}`);
  done.push({ command, expected });
  return said.json;
};

beforeAll(async () => {
  const bench = openMemoryBench();
  const survey = memoryStores();
  let now = '2026-11-01T02:00:00.000Z';
  const pass = (minutes: number): string => {
    now = new Date(Date.parse(now) + minutes * 60_000).toISOString();
    bench.setNow(now);
    return now;
  };
  const persons = {
    ...survey,
    ...bench.ports,
    waves: survey.waves,
    erasures: objectErasureLog(bench.ports.objects, async () => ADDRESS_KEY),
  };
  const stage = benchTarget(bench, survey.cases, persons, survey.answers);
  const target: Target = {
    ...stage,
    workflows: {
      ...stage.workflows,
      // No wave is played here.
      start: async (machine, name, input) =>
        machine === 'survey-wave' ? { executionArn: name, started: true } : stage.workflows.start(machine, name, input),
    },
    caseArchive: survey.cases,
    waves: survey.waves,
    contacts: survey.contacts,
    keyRing: ringInMemory(),
    moveClock: async (instant) => {
      now = instant;
      bench.setNow(now);
      return { now, cases: { mailed: 0, escalated: 0, uncertain: 0, failed: 0 } };
    },
  };
  const operator = operatorOn(() => target);
  resegment = (...words) => {
    pass(1);
    return operator(...words);
  };
  const policy = file('policy.yaml', SCORE_POLICY);

  const ids = 'a,b,c,d'.split(',');
  const rows = ids.map((id, index) => `${id},${index * 30},North,Bob`);
  await act(
    'import customers',
    [
      file('customers.csv', `id,score,branch,manager\n${rows.join('\n')}\n`),
      '--as-of',
      '2026-10-15',
      '--map',
      'id=id,branch=branch,manager=manager',
      '--traits',
      'score',
    ],
    {
      kind: 'import',
      action: 'imported',
      what: 'customers.csv',
    },
  );
  await act(
    'import purchases',
    [
      file('orders.csv', 'customer,date,amount\na,2026-10-01,12.50\n'),
      '--map',
      'customer=customer,date=date,amount=amount',
    ],
    {
      kind: 'import',
      action: 'imported',
      what: 'orders.csv',
    },
  );
  await act(
    'import answers',
    [
      file('answers.csv', 'customer,score,at\na,9,2026-10-02\n'),
      '--map',
      'customer=customer,score=score,at=at',
      '--scale',
      '0-10',
    ],
    {
      kind: 'import',
      action: 'imported',
      what: 'answers.csv',
    },
  );
  await act(
    'import staff',
    [
      file('staff.csv', 'name,email,superior,branch,role\nLi Wei,li@example.com,,North,manager\n'),
      '--map',
      'name=name,email=email,superior=superior,branch=branch,role=role',
    ],
    {
      kind: 'staff',
      action: 'imported',
      what: 'staff.csv (rows accepted: 1)',
    },
  );
  const notes = 'customer,about,rating,by,reason\nc,quality,2,Bob,late payer\n';
  await act(
    'import notes',
    [file('notes.csv', notes), '--map', 'customer=customer,about=about,rating=rating,by=by,reason=reason'],
    { kind: 'import', action: 'imported', what: 'notes.csv (rows accepted: 1)' },
  );
  const orders = ['orders', 'purchases', '--map', 'customer=customer,date=date,amount=amount'];
  await act('feed set', orders, { kind: 'feed', action: 'set', what: 'orders (purchases)' });
  await act('feed stop', ['orders'], { kind: 'feed', action: 'stopped', what: 'orders' });
  await act('staff remove', ['Li Wei'], { kind: 'staff', action: 'removed' });

  const planned = Object(await act('plan', ['--policy', policy], { kind: 'run', action: 'planned' }));
  const runId: string = planned.runId;
  await act('apply', [runId], { kind: 'run', action: 'applied', what: runId });
  done.push({ command: 'policy', expected: { kind: 'policy', action: 'activated', what: 'three-steps' } });
  done.push({ command: 'policy', expected: { kind: 'policy', action: 'stored', what: '(policy.yaml)' } });
  await withScore(bench, { b: 95 }, '2026-10-20');
  const second = Object(await act('run', ['--yes', '--policy', policy], { kind: 'run', action: 'started' })).runId;
  await act('run rollback', ['--reason', 'wrong file'], {
    kind: 'run',
    action: 'rolledBack',
    what: second,
    reason: 'wrong file',
  });
  const third = Object((await resegment('plan', '--json')).json).runId;
  await act('run abandon', [third], { kind: 'run', action: 'abandoned', what: third });
  const fourth: string = Object((await resegment('plan', '--json')).json).runId;
  await updateRun(bench.ports, fourth, (record) => ({ ...record, state: 'failed' }));
  await act('run redrive', [fourth], { kind: 'run', action: 'redriven', what: fourth });

  const pinned = ['a', '--segment', 'high', '--until', '2027-01-31', '--reason', 'frame contract'];
  await act('pin set', pinned, { kind: 'pin', action: 'set', customerId: 'a', reason: 'frame contract' });
  await act('pin clear', ['a', '--reason', '=ended()'], {
    kind: 'pin',
    action: 'cleared',
    customerId: 'a',
    reason: '=ended()',
  });
  const note = ['a', '--rating', '4', '--about', 'potential', '--reason', 'second plant'];
  await act('note add', note, { kind: 'note', action: 'added', customerId: 'a', reason: 'second plant' });
  await act('note withdraw', ['a', 'n1', '--reason', 'mixed up'], {
    kind: 'note',
    action: 'withdrawn',
    customerId: 'a',
    reason: 'mixed up',
  });

  for (const id of ['a', 'b']) {
    const facts = await bench.ports.customers.get(id);
    await bench.ports.flags.raise({
      kind: 'exit',
      subject: facts?.subject ?? '',
      customerId: id,
      runId,
      period: '2026-10',
      segment: 'low',
      branch: null,
      manager: null,
      stake: 1,
      evidence: { segment: 'low' },
      raisedAt: pass(1),
      expiresOn: '2027-01-31',
    });
  }
  await act('flag approve', ['a', '--kind', 'exit', '--reason', 'agreed'], {
    kind: 'flag',
    action: 'approved',
    customerId: 'a',
    reason: 'agreed',
  });
  await act('flag refuse', ['b', '--kind', 'exit', '--reason', 'keep'], {
    kind: 'flag',
    action: 'refused',
    customerId: 'b',
    reason: 'keep',
  });

  const subject = (await bench.ports.customers.get('a'))?.subject ?? '';
  const suspect = async (answerId: string): Promise<void> => {
    const { answer, ...rest } = storedAnswer(answerId, 1);
    const shown: Answer = { ...answer, customerId: 'a', suspect: true, signals: ['tooFast'], at: pass(1) };
    await survey.answers.put({ ...rest, subject, manager: 'Bob', answer: shown, pending: false }, 0);
  };
  await suspect('k1');
  await suspect('k2');
  await act('answer confirm', ['k1', '--reason', 'called'], {
    kind: 'answer',
    action: 'confirmed',
    what: 'k1',
    reason: 'called',
  });
  await act('answer discard', ['k2', '--reason', 'a scanner'], {
    kind: 'answer',
    action: 'discarded',
    what: 'k2',
    reason: 'a scanner',
  });
  await survey.cases.createIfAbsent(caseOf('k1', subject, pass(1)));
  await act('case take', ['k1'], { kind: 'case', action: 'taken', what: 'k1', customerId: 'a' });
  await act('case close', ['k1', '--outcome', 'solved', '--note', 'corrected'], {
    kind: 'case',
    action: 'closed',
    what: 'k1 solved',
    reason: 'corrected',
  });

  await survey.waves.create('w-2026-10-monthly', {
    ...waveRecord({}),
    waveId: 'w-2026-10-monthly',
    closesAt: '2027-01-01T00:00:00.000Z',
  });
  const wave = 'w-2026-10-monthly';
  await act('wave pause', [wave, '--reason', 'wrong names'], {
    kind: 'wave',
    action: 'paused',
    what: wave,
    reason: 'wrong names',
  });
  await act('wave resume', [wave], { kind: 'wave', action: 'resumed', what: wave });
  await act('wave redrive', [wave], { kind: 'wave', action: 'redriven', what: wave });
  await act('wave cancel', [wave, '--reason', 'council'], {
    kind: 'wave',
    action: 'cancelled',
    what: wave,
    reason: 'council',
  });

  await act('key create', [], { kind: 'key', action: 'created' });
  const other = file('other.yaml', SCORE_POLICY.replace('policy: three-steps', 'policy: other-steps'));
  await act('policy activate', [other, '--reason', 'agreed by the board'], {
    kind: 'policy',
    action: 'activated',
    what: 'other-steps',
    reason: 'agreed by the board',
  });
  await act('key add', ['k2'], { kind: 'key', action: 'added', what: 'k2' });
  await act('key retire', ['k9'], { kind: 'key', action: 'retired', what: 'k9' });
  await act('clock move', ['--by', '1h'], { kind: 'clock', action: 'moved' });
  await act('contact erase', ['d', '--reason', 'request of 12 May', '--yes'], {
    kind: 'contact',
    action: 'erased',
    reason: 'request of 12 May',
  });
  audited = await auditOf();
}, 30_000);

describe('the audit', () => {
  it('knows every command of the tool: each reads, or was done here', () => {
    const known = new Set([...READING, ...done.map(({ command }) => command)]);

    expect(commandNames().filter((command) => !known.has(command))).toEqual([]);
  });

  it('shows all that a person did through the tool, with the name, and the reason where one was given', () => {
    for (const { expected } of done) {
      const { what, ...exact } = expected;
      expect(audited, JSON.stringify(expected)).toContainEqual(
        expect.objectContaining({
          by: 'Ann (unverified)',
          at: expect.stringMatching(/^2026-11-01T/u),
          ...exact,
          ...(what === undefined ? {} : { what: expect.stringContaining(what) }),
        }),
      );
    }
  });

  it('is also where the thing itself is shown', async () => {
    const runs = audited.filter(({ kind, action }) => kind === 'run' && action !== 'started' && action !== 'planned');
    expect(runs.map(({ action }) => action)).toEqual(['applied', 'rolledBack', 'abandoned', 'redriven']);
    for (const { what, action } of runs) {
      const { out } = await resegment('run', 'show', what);
      const words = { rolledBack: 'rolled back' }[action] ?? action;
      expect(out).toMatch(new RegExp(`^${words} by Ann \\(unverified\\)`, 'mu'));
    }
  });

  it('is in the order of time, with nothing twice', () => {
    const times = audited.map(({ at }) => at);

    expect(times).toEqual([...times].sort());
    expect(new Set(audited.map((one) => JSON.stringify(one))).size).toBe(audited.length);
  });

  it('says of an erasure by whom and why, and not of whom', () => {
    const erased = audited.find(({ kind }) => kind === 'contact');

    expect(erased).toMatchObject({ customerId: null, what: expect.stringMatching(/^a1\.[\w-]{43}$/u) });
    expect(audited.filter(({ customerId }) => customerId === 'd')).toEqual([]);
  });

  it('of one customer has what the whole has of that one', async () => {
    const ofA = await auditOf('--customer', 'a');

    expect(ofA).toEqual(audited.filter(({ customerId }) => customerId === 'a'));
    expect(new Set(ofA.map(({ kind }) => kind))).toEqual(new Set(['pin', 'note', 'flag', 'answer', 'case']));
  });

  it('is narrowed by person, kind and time', async () => {
    expect(await auditOf('--by', 'Ann')).toEqual(audited.filter(({ by }) => by === 'Ann (unverified)'));
    expect(await auditOf('--by', 'Nobody')).toEqual([]);
    expect(await auditOf('--kind', 'pin', 'wave')).toEqual(
      audited.filter(({ kind }) => kind === 'pin' || kind === 'wave'),
    );
    const cut = audited[10]?.at ?? '';
    expect(await auditOf('--since', cut)).toEqual(audited.filter(({ at }) => at >= cut));
    expect(await auditOf('--until', cut)).toEqual(audited.filter(({ at }) => at <= cut));
    expect(await auditOf('--since', '2026-11-01', '--until', '2026-11-01')).toEqual(audited);
    expect(await auditOf('--since', '2026-11-02')).toEqual([]);
  });

  it('is a table in both languages, and CSV that no spreadsheet runs', async () => {
    const english = await resegment('audit', '--limit', '3');
    expect(english.out.split('\n')[0]).toMatch(/^when +who +kind +did +what +customer +reason$/u);
    expect(english.err).toContain(`${audited.length - 3} earlier ones`);
    expect((await resegment('audit', '--lang', 'zh-CN', '--by', 'Nobody')).out).toContain('没有符合条件的操作');
    const csv = (await resegment('audit', '--csv')).out;
    expect(csv.trim().split('\n')).toHaveLength(audited.length + 1);
    expect(csv).toContain("'=ended()");
  });

  it.each([
    [['--kind', 'foo'], 'kind-unknown', 2],
    [['--since', 'yesterday'], 'date-invalid', 2],
    [['--since', '2026-05-02', '--until', '2026-05-01'], 'period-empty', 2],
    [['--customer', 'nobody'], 'customer-unknown', 2],
  ])('refuses %j', async (words, code, exit) => {
    const said = await resegment('audit', ...words, '--json');

    expect(said).toMatchObject({ code: exit, json: { error: { code } } });
  });
});
